package clickhouse

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

// Cells sums the responses of a wave. Of several revisions of a submission the latest counts, of
// several submissions of a case the one that was finished first, by the rule of
// surveys.Counting; a response without a sampled case counts nowhere, nor does one without a
// weight in the set asked for.
//
// The sums do not depend on the order in which the responses came: the same responses
// give the same bytes.
func (s *Store) Cells(ctx context.Context, q assess.Query) (*analysis.Cells, error) {
	var of assess.Cube
	for _, f := range q.Factors {
		of.Factors = append(of.Factors, f.ID)
	}
	sums, err := s.Cubes(ctx, q, []assess.Cube{of})
	if err != nil {
		return nil, err
	}
	return sums.Cells[0], nil
}

// Cubes sums several cells, reading the responses once. A cube without variables has all that
// the query has.
func (s *Store) Cubes(ctx context.Context, q assess.Query, cubes []assess.Cube) (*assess.Summed, error) {
	doing := fmt.Sprintf("sum the responses of wave %q", q.Wave)
	c, err := newCellsQuery(q, cubes)
	if err != nil {
		return nil, explain(doing, err)
	}
	d, err := s.design(ctx, q)
	if err != nil {
		return nil, err
	}
	t, err := s.sum(ctx, c, d)
	if err != nil {
		return nil, explain(doing, err)
	}
	sums, err := t.rows()
	if err != nil {
		return nil, explain(doing, err)
	}
	out := &assess.Summed{Drawn: int(d.ranges.drawn), Responded: int(t.responded.Load())}
	for i, rows := range sums {
		cells := c.cellsOf(c.cubes[i], d)
		cells.Rows = rows
		out.Cells = append(out.Cells, cells)
	}
	return out, nil
}

// cellsOf are those of a cube, without rows.
func (c *cellsQuery) cellsOf(of cubeOf, d design) *analysis.Cells {
	cells := &analysis.Cells{Notes: slices.Clone(d.notes)}
	var by []assess.Factor
	for _, f := range of.factors {
		by = append(by, c.query.Factors[f])
	}
	cells.Factors = factors(by)
	for _, u := range d.units {
		cells.PSUs = append(cells.PSUs, u.PSU)
	}
	for _, v := range of.variables {
		cells.Variables = append(cells.Variables, c.variables[v].name)
	}
	return cells
}

// design is the sample of a wave with what a scan needs to know of it.
type design struct {
	on     basis
	units  []sampleUnit
	index  map[uint64]int // of the units by their numbers
	ranges ranges
	notes  []analysis.Note
}

func (s *Store) design(ctx context.Context, q assess.Query) (design, error) {
	doing := fmt.Sprintf("sum the responses of wave %q", q.Wave)
	on, err := s.basisOf(ctx, q)
	if err != nil {
		return design{}, err
	}
	d := design{on: on, index: map[uint64]int{}}
	if d.units, d.ranges, err = s.units(ctx, on); err != nil {
		return d, explain(doing, err)
	}
	for i, u := range d.units {
		if other, taken := d.index[u.unit]; taken {
			return d, explain(doing, fmt.Errorf("%w: PSU %q of stratum %q and PSU %q of stratum %q cannot be told apart; rename one of them",
				surveys.ErrConflict, u.Name, u.Stratum, d.units[other].Name, d.units[other].Stratum))
		}
		d.index[u.unit] = i
	}
	d.notes, err = s.stale(ctx, on, q.Unweighted)
	return d, explain(doing, err)
}

// mostCodes is how many answers a query asks for the numbers of: very many are longer than
// ClickHouse takes.
const mostCodes = 1000

// hashes asks for the numbers of answers.
func (s *Store) hashes(ctx context.Context, codes []answerCode) (map[answerCode]uint64, error) {
	by := make(map[answerCode]uint64, len(codes))
	for part := range slices.Chunk(codes, mostCodes) {
		if err := s.hashesOf(ctx, part, by); err != nil {
			return nil, err
		}
	}
	return by, nil
}

// hashesOf asks for the numbers of some answers, and puts them into by.
func (s *Store) hashesOf(ctx context.Context, codes []answerCode, by map[answerCode]uint64) error {
	items, answers, kinds := make([]string, len(codes)), make([]string, len(codes)), make([]string, len(codes))
	for i, c := range codes {
		items[i], answers[i], kinds[i] = score.Quote(c.item), score.Quote(c.answer), strconv.Itoa(int(c.kind))
	}
	text := compose("hashes", map[string]string{
		"items": strings.Join(items, ", "), "kinds": strings.Join(kinds, ", "), "answers": strings.Join(answers, ", "),
	})
	return s.queryText(ctx, text, nil, func(rows driver.Rows) error {
		var numbers []uint64
		if err := rows.Scan(&numbers); err != nil {
			return err
		}
		if len(numbers) != len(codes) {
			return fmt.Errorf("%w: ClickHouse gave %d numbers for %d answers; ask again", surveys.ErrConflict, len(numbers), len(codes))
		}
		for i, h := range numbers {
			by[codes[i]] = h
		}
		return nil
	})
}

func wide(levels []int32) []int {
	out := make([]int, len(levels))
	for i, l := range levels {
		out[i] = int(l)
	}
	return out
}

// factors are the factors of a plan as package analysis knows them.
func factors(fs []assess.Factor) []analysis.Factor {
	var out []analysis.Factor
	for _, f := range fs {
		g := analysis.Factor{ID: f.ID}
		for _, l := range f.Levels {
			g.Levels = append(g.Levels, l.Code)
		}
		out = append(out, g)
	}
	return out
}

// sampleUnit is a PSU and the number that stands for it.
type sampleUnit struct {
	analysis.PSU
	unit uint64
}

// units lists the PSUs of a sample by stratum and name, and says what its weights and
// those of the set are like.
func (s *Store) units(ctx context.Context, on basis) (list []sampleUnit, w ranges, err error) {
	text := compose("psus", map[string]string{"unit": unit})
	err = s.queryText(ctx, text, on.args, func(rows driver.Rows) error {
		var u sampleUnit
		var cases, drawn uint64
		var positive extent
		err := rows.Scan(&u.Stratum, &u.Name, &u.unit, &cases, &drawn, &positive.min, &positive.max)
		list = append(list, u)
		w.cases, w.drawn = w.cases+cases, w.drawn+drawn
		w.base = w.base.with(positive)
		return err
	})
	w.base = w.base.times(extent{1, on.eligible})
	w.given = w.base
	if err != nil || on.weights == "" {
		return list, w, err
	}
	err = s.query(ctx, "weight_range", on.args, func(rows driver.Rows) error {
		var before extent
		err := rows.Scan(&w.given.min, &w.given.max, &before.min, &before.max)
		w.base = w.base.with(before)
		return err
	})
	return list, w, err
}

// basis is what a query rests on: the sample of a wave, with the weights and the standings
// there are.
type basis struct {
	args      arguments
	weights   string  // name and version of the set; empty: the base weights
	standings bool    // the fieldwork says what it knows of the cases
	eligible  float64 // the most eligible persons of a household, or 1
}

// basisOf looks up what a query rests on. Its interviews are those of the cases that
// count.
func (s *Store) basisOf(ctx context.Context, q assess.Query) (basis, error) {
	sample, err := s.sampleOf(ctx, q.Wave)
	if err != nil {
		return basis{}, err
	}
	on := basis{args: arguments{"wave": q.Wave, "sample": sample}, eligible: 1}
	if q.Weights != "" {
		set, err := s.weightSet(ctx, q.Wave, q.Weights)
		if err != nil {
			return basis{}, err
		}
		on.args["weights"], on.weights = set.digest, set.record.ID()
	}
	standings, err := s.standingsOf(ctx, q.Wave)
	if standings.digest != "" {
		on.args["standings"], on.standings = standings.digest, true
		on.eligible = math.Max(1, float64(standings.eligible))
	}
	return on, err
}
