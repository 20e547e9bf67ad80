package clickhouse

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys/score"
)

// answered is what is known of the interview of a case.
type answered struct {
	score  float64
	levels []int // of the factors that are answers
}

// Units lists the cases of a wave that have a base weight, with the levels of the
// factors, whether they responded, and what the fieldwork says of them, ordered by ID. The
// weights that the query names play no part.
func (s *Store) Units(ctx context.Context, q assess.Query) ([]assess.Unit, error) {
	doing := fmt.Sprintf("list the cases of wave %q", q.Wave)
	q.Weights = ""
	on, err := s.basisOf(ctx, q)
	if err != nil {
		return nil, err
	}
	r, err := newReading(q)
	if err != nil {
		return nil, err
	}
	if err := r.finish(); err != nil {
		return nil, explain(doing, err)
	}
	interviews, err := s.interviews(ctx, r, on.args)
	if err != nil {
		return nil, explain(doing, err)
	}
	var units []assess.Unit
	err = s.queryText(ctx, unitsText(q, on.standings), on.args, func(rows driver.Rows) error {
		var u assess.Unit
		var hash uint64
		var levels []int32
		var eligible uint8
		counts := true
		into := []any{&u.Case, &u.Stratum, &u.PSU, &u.Base, &hash, &levels, &u.Columns}
		if on.standings {
			into = append(into, &u.Class, &eligible, &counts)
		}
		err := rows.Scan(into...)
		u.Levels, u.Eligible, u.Score = wide(levels), int(eligible), math.NaN()
		if a, there := interviews[hash]; there && counts {
			u.Responded, u.Score = true, a.score
			for f, level := range a.levels {
				if q.Factors[f].Sample == "" {
					u.Levels[f] = level
				}
			}
		}
		units = append(units, u)
		return err
	})
	return units, explain(doing, err)
}

// interviews are those that count, by the hash of the case.
func (s *Store) interviews(ctx context.Context, r *reading, args arguments) (map[uint64]answered, error) {
	all := map[uint64]answered{}
	p := r.newPerson()
	err := s.people(ctx, r, args, func(shot snapshot, chunks []chunk) error {
		for i := range chunks {
			c := &chunks[i]
			c.each(shot, func(k int, from, to uint32) {
				for n := range p.numbers {
					p.numbers[n] = c.values[n][k]
				}
				all[c.cases[k]] = r.answered(p, c.given[from:to])
			})
		}
		return nil
	})
	return all, err
}

// answered reads the answers of somebody whose numbers are known.
func (r *reading) answered(p *person, given []uint16) answered {
	r.read(p, given)
	r.score(p)
	a := answered{p.total, make([]int, len(r.levels))}
	for f, level := range r.levels {
		if level != nil {
			a.levels[f] = level(p)
		}
	}
	return a
}

func unitsText(q assess.Query, standings bool) string {
	levels, columns := make([]string, len(q.Factors)), make([]string, len(q.Columns))
	for i, f := range q.Factors {
		levels[i] = "-1"
		if f.Sample != "" {
			levels[i] = levelColumn(i)
		}
	}
	for i, name := range q.Columns {
		columns[i] = "columns[" + score.Quote(name) + "]"
	}
	listed := ""
	if standings {
		listed = ", class, eligible, counts"
	}
	return compose("units", map[string]string{
		"levels": strings.Join(levels, ", "), "standing": listed,
		"sample": drawnCases(q, standings, "stratum", "psu", "CAST(["+strings.Join(columns, ", ")+"], 'Array(String)') AS listed"),
	})
}
