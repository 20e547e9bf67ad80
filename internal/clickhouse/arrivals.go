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
	"github.com/suyang-survey/suyang/surveys/score"
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
	scorer, err := score.New(q.Questionnaire)
	if err != nil {
		return explain(doing, err)
	}
	var ws words
	ws.score(scorer, q.Questionnaire)
	answers, err := ws.levels(assess.Query{Questionnaire: q.Questionnaire, Factors: q.Factors})
	if err != nil {
		return explain(doing, err)
	}
	var levels []string
	for i, f := range q.Factors {
		if f.Sample == "" {
			levels = append(levels, levelColumns(q.Factors)[i])
		}
	}
	points := "ifNull(" + scorer.OverMarks(ws.marks()).Score + ", nan) AS points"
	text := compose("arrivals", map[string]string{
		"values": strings.Join(slices.Concat(ws.columns(), answers, []string{points}), ",\n"),
		"levels": strings.Join(levels, ", "), "beyond": beyond(after),
	})
	err = s.queryText(ctx, text, arguments{"wave": q.Wave}, func(rows driver.Rows) error {
		r := live.Record{Response: new(surveys.Response)}
		var hash string
		var list []int32
		if err := rows.Scan(&r.Node, &r.Seq, &r.ID, &r.Revision, &r.Finished, &r.Received, &r.Partial, &hash, &r.Case, &r.Score, &list); err != nil {
			return err
		}
		copy(r.BodyHash[:], hash)
		r.Finished, r.Received = r.Finished.In(time.UTC), r.Received.In(time.UTC)
		r.Levels = wide(list)
		return do(r)
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
