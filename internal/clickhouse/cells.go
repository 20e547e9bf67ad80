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

// Cells sums the responses of a wave in one query. Of several revisions of a
// submission the latest counts, of several submissions of a case the one that was
// finished first, by the rule of surveys.Counting; a response without a sampled case
// counts nowhere, nor does one without a weight in the set asked for. A second, small query lists the
// PSUs of the whole sample.
//
// The sums do not depend on the order in which the responses came: the same responses
// give the same bytes.
func (s *Store) Cells(ctx context.Context, q assess.Query) (*analysis.Cells, error) {
	return s.cells(ctx, q)
}

// CellsOf is Cells with only the variables that are named, such as assess.VarLiterate or
// an item of the questionnaire, in that order. What the others need is not computed.
func (s *Store) CellsOf(ctx context.Context, q assess.Query, variables ...string) (*analysis.Cells, error) {
	if len(variables) == 0 {
		return nil, fmt.Errorf("sum the responses of wave %q: %w: no variable is named; name at least one", q.Wave, surveys.ErrInvalid)
	}
	return s.cells(ctx, q, variables...)
}

func (s *Store) cells(ctx context.Context, q assess.Query, variables ...string) (*analysis.Cells, error) {
	var factors []string
	for _, f := range q.Factors {
		factors = append(factors, f.ID)
	}
	design, err := s.design(ctx, q)
	if err != nil {
		return nil, err
	}
	cells, err := s.sum(ctx, q, design, [][]string{factors}, variables)
	if err != nil {
		return nil, err
	}
	return cells[0], nil
}

// Cubes sums several cells. Those of the same variables are summed in one scan.
func (s *Store) Cubes(ctx context.Context, q assess.Query, cubes []assess.Cube) ([]*analysis.Cells, error) {
	design, err := s.design(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]*analysis.Cells, len(cubes))
	for i, cube := range cubes {
		if out[i] != nil {
			continue
		}
		var places []int
		var sets [][]string
		for k := i; k < len(cubes); k++ {
			if slices.Equal(cubes[k].Variables, cube.Variables) {
				places, sets = append(places, k), append(sets, cubes[k].Factors)
			}
		}
		of := q
		of.Factors = slices.DeleteFunc(slices.Clone(q.Factors), func(f assess.Factor) bool {
			return !slices.ContainsFunc(sets, func(ids []string) bool { return slices.Contains(ids, f.ID) })
		})
		cells, err := s.sum(ctx, of, design, sets, cube.Variables)
		if err != nil {
			return nil, err
		}
		for n, k := range places {
			out[k] = cells[n]
		}
	}
	return out, nil
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

// sum makes the cells of the variables by each list of factors, in one scan.
func (s *Store) sum(ctx context.Context, q assess.Query, d design, by [][]string, variables []string) ([]*analysis.Cells, error) {
	doing := fmt.Sprintf("sum the responses of wave %q", q.Wave)
	composed, err := newCellsQuery(q, by, variables...)
	if err != nil {
		return nil, explain(doing, err)
	}
	composed.standing = d.on.standing
	cells := make([]*analysis.Cells, len(by))
	byUnit := make([][][]analysis.Cell, len(by))
	for k := range by {
		c := &analysis.Cells{Factors: factors(composed.factorsOf(k)), Notes: slices.Clone(d.notes)}
		for _, u := range d.units {
			c.PSUs = append(c.PSUs, u.PSU)
		}
		for _, v := range composed.variables {
			c.Variables = append(c.Variables, v.name)
		}
		cells[k], byUnit[k] = c, make([][]analysis.Cell, len(d.units))
	}
	if composed.words.hashes, err = s.hashes(ctx, composed.words.all()); err != nil {
		return nil, explain(doing, err)
	}
	var row *cellsRow
	err = s.queryText(ctx, composed.text(d.ranges), d.on.args, func(rows driver.Rows) error {
		if row == nil {
			row = newCellsRow(rows.Columns())
		}
		if err := rows.Scan(row.into...); err != nil {
			return err
		}
		cube, cell, err := composed.cell(row, d.index)
		if err != nil {
			return err
		}
		list := &byUnit[cube][cell.PSU]
		if n := len(*list); n > 0 && slices.Equal((*list)[n-1].Levels, cell.Levels) {
			addTo(&(*list)[n-1], cell) // the people in whom other variables are missing
		} else {
			*list = append(*list, cell)
		}
		return nil
	})
	if err != nil {
		return nil, explain(doing, err)
	}
	for k := range cells {
		cells[k].Rows = slices.Concat(byUnit[k]...)
	}
	return cells, nil
}

// hashes asks for the numbers of answers all at once.
func (s *Store) hashes(ctx context.Context, codes []answerCode) (map[answerCode]uint64, error) {
	items, answers, kinds := make([]string, len(codes)), make([]string, len(codes)), make([]string, len(codes))
	for i, c := range codes {
		items[i], answers[i], kinds[i] = score.Quote(c.item), score.Quote(c.answer), strconv.Itoa(int(c.kind))
	}
	text := compose("hashes", map[string]string{
		"items": strings.Join(items, ", "), "kinds": strings.Join(kinds, ", "), "answers": strings.Join(answers, ", "),
	})
	by := make(map[answerCode]uint64, len(codes))
	err := s.queryText(ctx, text, nil, func(rows driver.Rows) error {
		var numbers []uint64
		if err := rows.Scan(&numbers); err != nil {
			return err
		}
		for i, h := range numbers {
			by[codes[i]] = h
		}
		return nil
	})
	return by, err
}

// cellsRow is a row of sql/cells.sql. Its numbers have a column each, which is read several
// times quicker than arrays are.
type cellsRow struct {
	unit, people uint64
	words        []uint64
	sums         []float64
	into         []any // all of these, in the order of the columns
}

// newCellsRow has room for the columns, which are unit, words, people and sums.
func newCellsRow(columns []string) *cellsRow {
	people := slices.Index(columns, "people")
	r := &cellsRow{words: make([]uint64, people-1), sums: make([]float64, len(columns)-people-1)}
	r.into = append(r.into, &r.unit)
	for i := range r.words {
		r.into = append(r.into, &r.words[i])
	}
	r.into = append(r.into, &r.people)
	for i := range r.sums {
		r.into = append(r.into, &r.sums[i])
	}
	return r
}

// cell makes the cell of a row, and says of which cube it is.
func (c *cellsQuery) cell(r *cellsRow, index map[uint64]int) (int, analysis.Cell, error) {
	psu, ok := index[r.unit]
	if !ok {
		return 0, analysis.Cell{}, fmt.Errorf("%w: the sample changed meanwhile; ask again", surveys.ErrConflict)
	}
	sums := r.sums
	cell := analysis.Cell{PSU: psu, N: int(r.people), W: sums[0], W2: sums[1], Base: sums[2], Sums: make([]analysis.Sum, len(c.variables))}
	within := sums[len(sums)-3*len(c.within):] // number, weight and squared weight of each
	sums = sums[3:]
	cube, levels, gone := c.unpack(r.words)
	cell.Levels = levels
	for i := range c.variables {
		v := &c.variables[i]
		sum := analysis.Sum{N: cell.N, W: cell.W, W2: cell.W2, WY: sums[0], WY2: sums[0]}
		sums = sums[1:]
		if v.within != "" {
			base := within[3*v.base:]
			sum.N, sum.W, sum.W2 = int(base[0]), base[1], base[2]
		}
		if !v.binary {
			sum.WY2, sums = sums[0], sums[1:]
		}
		if !gone[i] {
			cell.Sums[i] = sum
		}
	}
	return cube, cell, nil
}

// addTo adds other people of the same PSU and levels.
func addTo(c *analysis.Cell, other analysis.Cell) {
	c.N += other.N
	c.W += other.W
	c.W2 += other.W2
	c.Base += other.Base
	for i, s := range other.Sums {
		t := &c.Sums[i]
		t.N += s.N
		t.W += s.W
		t.W2 += s.W2
		t.WY += s.WY
		t.WY2 += s.WY2
	}
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

// sampleUnit is a PSU and the number that stands for it in sql/cells.sql.
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
		var cases uint64
		var positive extent
		err := rows.Scan(&u.Stratum, &u.Name, &u.unit, &cases, &positive.min, &positive.max)
		list = append(list, u)
		w.cases += cases
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
	args     arguments
	weights  string // name and version of the set; empty: the base weights
	standing standing
	eligible float64 // the most eligible persons of a household, or 1
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
		on.args["standings"], on.standing = standings.digest, whoCounts
		on.eligible = math.Max(1, float64(standings.eligible))
	}
	return on, err
}

// ofAll says of every case what the fieldwork says.
func (b basis) ofAll() standing {
	if b.standing == noStanding {
		return noStanding
	}
	return everyStanding
}

// Units lists the cases of a wave that have a base weight, with the levels of the
// factors, whether they responded, and what the fieldwork says of them, ordered by ID. The
// weights that the query names play no part.
func (s *Store) Units(ctx context.Context, q assess.Query) ([]assess.Unit, error) {
	q.Weights = ""
	on, err := s.basisOf(ctx, q)
	if err != nil {
		return nil, err
	}
	text, err := unitsText(q, on.ofAll())
	if err != nil {
		return nil, err
	}
	var units []assess.Unit
	err = s.queryText(ctx, text, on.args, func(rows driver.Rows) error {
		var u assess.Unit
		var levels []int32
		var eligible uint8
		into := []any{&u.Case, &u.Stratum, &u.PSU, &u.Base, &u.Responded, &u.Score, &levels, &u.Columns}
		if on.standing != noStanding {
			into = append(into, &u.Class, &eligible)
		}
		err := rows.Scan(into...)
		u.Levels, u.Eligible = wide(levels), int(eligible)
		units = append(units, u)
		return err
	})
	return units, explain(fmt.Sprintf("list the cases of wave %q", q.Wave), err)
}

func unitsText(q assess.Query, of standing) (string, error) {
	scorer, err := score.New(q.Questionnaire)
	if err != nil {
		return "", err
	}
	responded, listed := "responded = 1", ""
	if of != noStanding {
		responded, listed = responded+andCounts, ", class, eligible"
	}
	var ws words
	ws.score(scorer, q.Questionnaire)
	answers, err := ws.levels(q)
	if err != nil {
		return "", err
	}
	levels := levelColumns(q.Factors)
	for i, f := range q.Factors {
		if f.Sample == "" {
			levels[i] = "if(" + responded + ", " + levels[i] + ", -1)"
		}
	}
	columns := make([]string, len(q.Columns))
	for i, name := range q.Columns {
		columns[i] = "columns[" + score.Quote(name) + "]"
	}
	points := "ifNull(" + scorer.OverMarks(ws.marks()).Score + ", nan) AS score"
	return compose("units", map[string]string{
		"levels": strings.Join(levels, ", "), "responded": responded, "standing": listed,
		"responses": leveled(ws, answers, "toUInt8(1) AS responded", points),
		"sample":    sampled(q, of, of.columns("stratum", "psu", "CAST(["+strings.Join(columns, ", ")+"], 'Array(String)') AS listed")...),
	}), nil
}

// Counts says how many cases of a wave have a weight and how many of them responded, with
// an interview that counts. A case without a weight only declares its PSU.
func (s *Store) Counts(ctx context.Context, wave string) (drawn, responded int, err error) {
	q := assess.Query{Wave: wave}
	on, err := s.basisOf(ctx, q)
	if err != nil {
		return 0, 0, err
	}
	of, counting := on.ofAll(), ""
	if of != noStanding {
		counting = andCounts
	}
	text := compose("counts", map[string]string{"responses": counted(), "sample": sampled(q, of, of.columns()...), "counting": counting})
	var cases, with uint64
	err = s.queryText(ctx, text, on.args, func(rows driver.Rows) error { return rows.Scan(&cases, &with) })
	return int(cases), int(with), explain(fmt.Sprintf("count the cases of wave %q", wave), err)
}
