package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/live"
	"github.com/suyang-survey/suyang/surveys"
)

// Places says how far the log of each node is stored for a wave.
func (s *Store) Places(ctx context.Context, wave string) (map[uint16]uint64, error) {
	places := map[uint16]uint64{}
	err := s.query(ctx, "places", arguments{"wave": wave}, func(rows driver.Rows) error {
		var node uint16
		var seq uint64
		err := rows.Scan(&node, &seq)
		places[node] = seq
		return err
	})
	return places, explain(fmt.Sprintf("look how far wave %q is stored", wave), err)
}

// Arrivals calls do for the records of a wave that stand in the log of their node after the
// places given, with what the answers add up to. A record may come twice.
func (s *Store) Arrivals(ctx context.Context, q live.Query, after map[uint16]uint64, do func(live.Record) error) error {
	doing := fmt.Sprintf("read what arrived in wave %q", q.Wave)
	r, err := newReading(assess.Query{Questionnaire: q.Questionnaire, Factors: q.Factors})
	if err != nil {
		return explain(doing, err)
	}
	if err := r.finish(); err != nil {
		return explain(doing, err)
	}
	hashes, err := s.hashes(ctx, r.codes)
	if err != nil {
		return explain(doing, err)
	}
	values := ""
	for _, x := range r.valuesOf() {
		values += ",\n" + x
	}
	text := compose("arrivals", map[string]string{"given": r.numbersOf(hashes), "values": values, "beyond": beyond(after)})
	p := r.newPerson()
	err = s.queryText(ctx, text, arguments{"wave": q.Wave}, func(rows driver.Rows) error {
		record := live.Record{Response: new(surveys.Response)}
		var hash string
		var state []byte
		into := []any{&record.Node, &record.Seq, &record.ID, &record.Revision, &record.Finished, &record.Received, &record.Partial, &hash, &record.Case, &state}
		for i := range p.numbers {
			into = append(into, &p.numbers[i])
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		given, n, err := uncount(state, 2)
		if err != nil {
			return err
		}
		if n == 0 {
			return errUneven
		}
		a := r.answered(p, given[2:])
		copy(record.BodyHash[:], hash)
		record.Finished, record.Received = record.Finished.In(time.UTC), record.Received.In(time.UTC)
		record.Score = a.score
		for f := range q.Factors {
			if q.Factors[f].Sample == "" {
				record.Levels = append(record.Levels, a.levels[f])
			}
		}
		return do(record)
	})
	return explain(doing, err)
}

// beyond is the condition for what stands after the places.
func beyond(after map[uint16]uint64) string {
	var known, parts []string
	for _, node := range slices.Sorted(maps.Keys(after)) {
		known = append(known, fmt.Sprint(node))
		parts = append(parts, fmt.Sprintf("node = %d AND seq > %d", node, after[node]))
	}
	if len(known) == 0 {
		return "1"
	}
	return strings.Join(append(parts, "node NOT IN ("+strings.Join(known, ", ")+")"), " OR ")
}
