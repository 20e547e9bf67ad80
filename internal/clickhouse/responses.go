package clickhouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

// Insert stores a block of accepted responses of one wave, which is one part of the
// table: all of it or nothing. A repeat of the same block under the same token changes
// nothing. An error that wraps surveys.ErrInvalid says that a record of the block can
// never be stored; after any other the block may be there or not, and Count tells. See
// intake.Store for what errors say of the cause.
func (s *Store) Insert(ctx context.Context, b intake.Block) error {
	// Every setting that decides about loss and repeats is spelled out: the server's
	// defaults have changed between versions.
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"async_insert":               0,
		"insert_deduplicate":         1,
		"insert_deduplication_token": b.Token,
	}))
	// The table is not replicated, so that there is no quorum to ask for; that an insert is
	// on the disk before it is answered is a setting of the table.
	var keys keyOrder
	err := s.insert(ctx, "insert", func(batch driver.Batch) error {
		for i := range b.Responses {
			if err := appendResponse(batch, &b.Responses[i], &keys); err != nil {
				return err
			}
		}
		return nil
	})
	return blame(err, explain(fmt.Sprintf("insert block %s of %d responses", b.Token, len(b.Responses)), err))
}

func appendResponse(batch driver.Batch, r *surveys.Response, keys *keyOrder) error {
	invalid := func(err error) error {
		return fmt.Errorf("%w: response %d of node %d: %w", surveys.ErrInvalid, r.Seq, r.Node, err)
	}
	id, err := uuid.Parse(r.ID)
	if err != nil {
		return invalid(fmt.Errorf("its ID %q is no UUID", r.ID))
	}
	for _, t := range []time.Time{r.Started, r.Finished, r.Received} {
		if err := checkTime(t); err != nil {
			return invalid(err)
		}
	}
	paradata, err := encodeParadata(r.Paradata)
	if err != nil {
		return invalid(err)
	}
	err = batch.Append(r.Wave, r.Node, r.Seq, id, r.Revision, r.Survey, r.Version, r.Case, string(r.Mode), string(r.Lang),
		r.Started, r.Finished, r.Received, r.BodyHash[:], intake.CheckNumber(*r), &sorted[[]string]{of: r.Answers, keys: keys.of(r.Answers)},
		r.Booklet, r.Partial, r.Last, paradata, &sorted[float64]{of: r.Inclusion, keys: slices.Sorted(maps.Keys(r.Inclusion))})
	if err != nil {
		return invalid(err)
	}
	return nil
}

// encodeParadata is the text of paradata, equal for equal ones; empty when there are none.
func encodeParadata(p surveys.Paradata) (string, error) {
	if reflect.ValueOf(p).IsZero() {
		return "", nil
	}
	b, err := json.Marshal(p)
	return string(b), err
}

func decodeParadata(s string) (p surveys.Paradata, err error) {
	if s != "" {
		err = json.Unmarshal([]byte(s), &p)
	}
	return p, err
}

// The years that the columns for times can hold.
const firstYear, lastYear = 1900, 2261

func checkTime(t time.Time) error {
	if y := t.UTC().Year(); !t.IsZero() && (y < firstYear || y > lastYear) {
		return fmt.Errorf("the year %d is outside %d to %d", y, firstYear, lastYear)
	}
	return nil
}

// sorted writes a map to a Map column in the order of its keys, so that equal maps are
// equal bytes.
type sorted[V any] struct {
	of   map[string]V
	keys []string
	next int
}

// Put is part of the interface of ordered maps; nothing is read into a sorted.
func (s *sorted[V]) Put(key, value any) {}

// Iterator starts at the first key.
func (s *sorted[V]) Iterator() column.MapIterator { return &sorted[V]{of: s.of, keys: s.keys} }

// keyOrder is the sorted keys of the last map. Interviews with the same form mostly have
// the same keys, and to see that is faster than to sort them again.
type keyOrder struct{ keys []string }

// of returns the keys of a map in order. The list is not to be changed.
func (o *keyOrder) of(m map[string][]string) []string {
	missing := func(k string) bool { _, there := m[k]; return !there }
	if len(m) != len(o.keys) || slices.ContainsFunc(o.keys, missing) {
		o.keys = slices.Sorted(maps.Keys(m))
	}
	return o.keys
}

// Next moves to the next key.
func (s *sorted[V]) Next() bool {
	s.next++
	return s.next <= len(s.keys)
}

// Key is the present key.
func (s *sorted[V]) Key() any { return s.keys[s.next-1] }

// Value is what stands under it.
func (s *sorted[V]) Value() any { return s.of[s.keys[s.next-1]] }

// Count returns how many different records of a node with from <= seq <= to are
// stored, and the sum modulo 2^64 of their intake.CheckNumber.
func (s *Store) Count(ctx context.Context, node uint16, from, to uint64) (n, check uint64, err error) {
	err = s.query(ctx, "count", arguments{"node": node, "from": from, "to": to}, func(rows driver.Rows) error {
		return rows.Scan(&n, &check)
	})
	return n, check, explain(fmt.Sprintf("count the records %d to %d of node %d", from, to, node), err)
}

// errStopped ends a query whose reader wants no more.
var errStopped = errors.New("stopped")

// Responses calls yield for every record of a wave until it returns false, ordered
// by case, submission and revision. Revisions and further submissions of a case are among
// them, and what several nodes have taken; of several records of a revision the one that
// counts comes last. Times come back in whole milliseconds, UTC.
func (s *Store) Responses(ctx context.Context, wave string, yield func(surveys.Response) bool) error {
	found := false
	err := s.query(ctx, "responses", arguments{"wave": wave}, func(rows driver.Rows) error {
		found = true
		r, err := scanResponse(rows)
		if err == nil && !yield(r) {
			err = errStopped
		}
		return err
	})
	if err == nil && !found {
		_, err = s.sampleOf(ctx, wave)
		return err
	}
	if errors.Is(err, errStopped) {
		return nil
	}
	return explain(fmt.Sprintf("read the responses of wave %q", wave), err)
}

// Response returns the record of an interview of a wave that counts: the last revision, a
// complete one if there is any; see surveys.Counting. One that is not stored, or not stored
// yet, is surveys.ErrNotFound.
func (s *Store) Response(ctx context.Context, wave, interview string) (*surveys.Response, error) {
	what := fmt.Sprintf("read interview %s of wave %q", interview, wave)
	id, err := uuid.Parse(interview)
	if err != nil {
		return nil, fmt.Errorf("%s: its ID is no UUID: %w", what, surveys.ErrNotFound)
	}
	var found *surveys.Response
	err = s.query(ctx, "response", arguments{"wave": wave, "interview": id.String()}, func(rows driver.Rows) error {
		r, err := scanResponse(rows)
		found = &r
		return err
	})
	if err == nil && found == nil {
		return nil, fmt.Errorf("%s: %w", what, surveys.ErrNotFound)
	}
	return found, explain(what, err)
}

func scanResponse(rows driver.Rows) (surveys.Response, error) {
	var (
		r          surveys.Response
		id         uuid.UUID
		mode, lang string
		hash       string
		answers    map[string][]string
		paradata   string
	)
	err := rows.Scan(&r.Wave, &r.Node, &r.Seq, &id, &r.Revision, &r.Survey, &r.Version, &r.Case, &mode, &lang,
		&r.Started, &r.Finished, &r.Received, &hash, &answers,
		&r.Booklet, &r.Partial, &r.Last, &paradata, &r.Inclusion)
	if err != nil {
		return r, err
	}
	r.ID, r.Mode, r.Lang, r.Answers = id.String(), surveys.Mode(mode), surveys.Lang(lang), answers
	copy(r.BodyHash[:], hash)
	if len(r.Inclusion) == 0 { // as it is where everybody is asked everything
		r.Inclusion = nil
	}
	for _, t := range []*time.Time{&r.Started, &r.Finished, &r.Received} {
		if t.Equal(time.Unix(0, 0)) { // how a time that was not given is kept
			*t = time.Time{}
		}
	}
	r.Paradata, err = decodeParadata(paradata)
	return r, err
}

// Overlap is what nodes have taken of a wave more than once; surveys.Counting says which of
// it counts.
type Overlap struct {
	Wave string
	// Repeated counts records of interviews that other nodes have, too; Bodies further bodies
	// under one revision of an interview; Further further whole interviews of cases.
	Repeated, Bodies, Further uint64
}

// Overlaps lists the waves of which nodes have taken something more than once.
func (s *Store) Overlaps(ctx context.Context) (list []Overlap, err error) {
	err = s.query(ctx, "overlaps", nil, func(rows driver.Rows) error {
		var o Overlap
		err := rows.Scan(&o.Wave, &o.Repeated, &o.Bodies, &o.Further)
		list = append(list, o)
		return err
	})
	return list, explain("look for what several nodes have taken", err)
}

// Waves lists the waves that have a sample or a response, by name.
func (s *Store) Waves(ctx context.Context) ([]string, error) {
	waves, err := s.strings(ctx, "waves", nil)
	return waves, explain("list the waves", err)
}
