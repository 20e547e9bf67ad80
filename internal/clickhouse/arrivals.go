package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"
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
	if err := s.know(ctx, r); err != nil {
		return explain(doing, err)
	}
	var (
		nodes              proto.ColUInt16
		seqs               proto.ColUInt64
		ids                proto.ColUUID
		revisions          proto.ColUInt32
		finished, received proto.ColInt64
		brokenOff          proto.ColUInt8
		bodies             proto.ColFixedStr32
		cases              proto.ColStr
	)
	answers, p := r.answerColumns(), r.newPerson()
	columns := append(proto.Results{
		{Name: "node", Data: &nodes}, {Name: "seq", Data: &seqs}, {Name: "submission_id", Data: &ids}, {Name: "revision", Data: &revisions},
		{Name: "finished_ms", Data: &finished}, {Name: "received_ms", Data: &received}, {Name: "broken_off", Data: &brokenOff},
		{Name: "body_hash", Data: &bodies}, {Name: "case_id", Data: &cases},
	}, answers.results...)
	text := compose("arrivals", map[string]string{"answers": columnList(answers.texts), "beyond": beyond(after)})
	err = s.queryColumns(ctx, text, arguments{"wave": q.Wave}, columns, func(rows int) error {
		c := chunk{people: rows}
		if err := answers.take(&c); err != nil {
			return err
		}
		from := uint32(0)
		for i := range rows {
			for k := range p.numbers {
				p.numbers[k] = c.values[k][i]
			}
			a := r.answered(p, c.given[from:c.ends[i]])
			from = c.ends[i]
			record := live.Record{Score: a.score, Response: &surveys.Response{
				Interview: surveys.Interview{
					ID: ids[i].String(), Revision: revisions[i], Case: cases.Row(i),
					Finished: time.UnixMilli(finished[i]).UTC(), Partial: brokenOff[i] != 0,
				},
				Node: nodes[i], Seq: seqs[i], Received: time.UnixMilli(received[i]).UTC(), BodyHash: bodies[i],
			}}
			for f := range q.Factors {
				if q.Factors[f].Sample == "" {
					record.Levels = append(record.Levels, a.levels[f])
				}
			}
			if err := do(record); err != nil {
				return err
			}
		}
		return nil
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
