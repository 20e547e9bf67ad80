package clickhouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"
)

// portion is about how many responses are read at a time: as many as that those of a PSU are
// some hundred, and as take some hundred megabytes.
const portion = 1 << 19

// logRange is a piece of the log of a node.
type logRange struct {
	node     uint16
	from, to uint64
	records  uint64
}

// snapshot is what of the responses of a wave is looked at: what was there when it was made,
// whatever arrives later.
type snapshot struct {
	ranges []logRange
	// until is the condition for what was there.
	until string
	// superseded are the hashes of the records that do not count.
	superseded map[uint64]bool
}

// extend adds a piece of a log, to the piece before it if both are no more than a portion.
func (s *snapshot) extend(r logRange, portion uint64) {
	if n := len(s.ranges); n > 0 {
		if before := &s.ranges[n-1]; before.node == r.node && before.records+r.records <= portion {
			before.to, before.records = r.to, before.records+r.records
			return
		}
	}
	s.ranges = append(s.ranges, r)
}

// snapshot looks how far the responses of a wave go, and which of them do not count.
func (s *Store) snapshot(ctx context.Context, args arguments) (snapshot, error) {
	var shot snapshot
	var nodes, ends []string
	err := s.query(ctx, "logs", args.with("portion", s.portion), func(rows driver.Rows) error {
		var node uint16
		var first, last, records uint64
		if err := rows.Scan(&node, &first, &last, &records); err != nil {
			return err
		}
		if n := len(nodes); n == 0 || nodes[n-1] != fmt.Sprint(node) {
			nodes, ends = append(nodes, fmt.Sprint(node)), append(ends, "")
		}
		ends[len(ends)-1] = fmt.Sprint(last)
		shot.extend(logRange{node, first, last, records}, s.portion)
		return nil
	})
	if err != nil || len(nodes) == 0 {
		return shot, err
	}
	shot.until = fmt.Sprintf(" AND seq <= transform(node, CAST([%s], 'Array(UInt16)'), CAST([%s], 'Array(UInt64)'), toUInt64(0))", strings.Join(nodes, ", "), strings.Join(ends, ", "))
	all := uint64(0)
	for _, r := range shot.ranges {
		all += r.records
	}
	shot.superseded, err = s.supersededOf(ctx, args, shot.until, all)
	return shot, err
}

// supersededOf are the hashes of the records that do not count, among so many that a further
// condition leaves.
func (s *Store) supersededOf(ctx context.Context, args arguments, until string, records uint64) (map[uint64]bool, error) {
	hashes := map[uint64]bool{}
	shared, err := s.shared(ctx, args, until, records)
	if err != nil || len(shared) == 0 {
		return hashes, err
	}
	text := compose("records_superseded", map[string]string{"superseded": superseded(until, shared)})
	err = s.queryText(ctx, text, args, func(rows driver.Rows) error {
		var hash uint64
		err := rows.Scan(&hash)
		hashes[hash] = true
		return err
	})
	return hashes, err
}

// superseded is the query for the records that do not count, among those that share something.
func superseded(until string, shared []string) string {
	return compose("superseded", map[string]string{"until": until, "shared": strings.Join(shared, "\nOR ")})
}

// chunk has the answers of some people.
type chunk struct {
	people         int
	cases, records []uint64 // hashes
	// given has the numbers of the answers of all of them, and ends where those of each end.
	given  []uint16
	ends   []uint32
	values [][]float64 // numbers that were given, NaN for none
}

// answersText is the query for the answers of a range of a log.
func (r *reading) answersText() string {
	return compose("answers", map[string]string{"answers": columnList(r.answerColumns().texts)})
}

// people reads the answers of everybody who counts, and calls do with some hundred thousand
// at a time, while the next ones are read.
func (s *Store) people(ctx context.Context, r *reading, args arguments, do func(snapshot, []chunk) error) error {
	if err := s.know(ctx, r); err != nil {
		return err
	}
	shot, err := s.snapshot(ctx, args)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	portions, used := make(chan []chunk), make(chan []chunk, 2)
	group.Go(func() error {
		defer close(portions)
		var spare []chunk
		for _, part := range shot.ranges {
			select {
			case chunks := <-used:
				spare = append(spare, chunks...)
			default:
			}
			chunks, left, err := s.chunks(ctx, r, args, part, spare)
			if err != nil {
				return err
			}
			spare = left
			select {
			case portions <- chunks:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	group.Go(func() error {
		for chunks := range portions {
			if err := do(shot, chunks); err != nil {
				return err
			}
			select {
			case used <- chunks:
			default:
			}
		}
		return nil
	})
	return group.Wait()
}

// chunks reads a range of a log. It uses the room of chunks that are not needed any more, and
// returns those that are left of them.
func (s *Store) chunks(ctx context.Context, r *reading, args arguments, part logRange, spare []chunk) (all, left []chunk, err error) {
	var cases, records proto.ColUInt64
	answers := r.answerColumns()
	columns := append(proto.Results{{Name: "hash", Data: &cases}, {Name: "record", Data: &records}}, answers.results...)
	args = args.with("node", part.node).with("from", part.from).with("to", part.to)
	err = s.queryColumns(ctx, r.answersText(), args, columns, atMost(part.records, func(people int) error {
		var c chunk
		if n := len(spare) - 1; n >= 0 {
			c, spare = spare[n], spare[:n]
		}
		c.people = people
		c.cases, cases = cases, c.cases[:0]
		c.records, records = records, c.records[:0]
		if err := answers.take(&c); err != nil {
			return err
		}
		all = append(all, c)
		return nil
	}))
	return all, spare, err
}

// each calls do for those of the chunk who count, with the place among its people and those
// of the answers among all: from ≤ i < to.
func (c *chunk) each(shot snapshot, do func(i int, from, to uint32)) {
	from := uint32(0)
	for i, to := range c.ends {
		if len(shot.superseded) == 0 || !shot.superseded[c.records[i]] {
			do(i, from, to)
		}
		from = to
	}
}
