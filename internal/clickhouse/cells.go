package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys/score"
)

// Cells sums the responses of a wave in one query. Of several revisions of a
// submission the latest counts, of several submissions of a case the one at the
// lowest place in the log; a response without a sampled case counts nowhere, nor
// does one without a weight in the set asked for. A second, small query lists the
// PSUs of the whole sample.
//
// The sums do not depend on the order in which the responses came: the same responses
// give the same bytes.
func (s *Store) Cells(ctx context.Context, q assess.Query) (*analysis.Cells, error) {
	doing := fmt.Sprintf("sum the responses of wave %q", q.Wave)
	composed, err := newCellsQuery(q)
	if err != nil {
		return nil, explain(doing, err)
	}
	args, err := s.argumentsOf(ctx, q)
	if err != nil {
		return nil, err
	}
	c := &analysis.Cells{Factors: factors(q.Factors)}
	for _, v := range composed.variables {
		c.Variables = append(c.Variables, v.name)
	}
	if c.PSUs, err = s.psus(ctx, args); err != nil {
		return nil, explain(doing, err)
	}
	index := make(map[analysis.PSU]int, len(c.PSUs))
	for i, p := range c.PSUs {
		index[p] = i
	}
	err = s.queryText(ctx, composed.text(), args, func(rows driver.Rows) error {
		cell, err := scanCell(rows, composed.variables, index)
		if err != nil {
			return err
		}
		if n := len(c.Rows); n > 0 && c.Rows[n-1].PSU == cell.PSU && slices.Equal(c.Rows[n-1].Levels, cell.Levels) {
			addTo(&c.Rows[n-1], cell) // the people in whom other variables are missing
		} else {
			c.Rows = append(c.Rows, cell)
		}
		return nil
	})
	return c, explain(doing, err)
}

// scanCell reads one row of sql/cells.sql.
func scanCell(rows driver.Rows, variables []variable, index map[analysis.PSU]int) (analysis.Cell, error) {
	var (
		p       analysis.PSU
		levels  []int32
		missing []uint16
		people  uint64
		sums    []float64
	)
	if err := rows.Scan(&p.Stratum, &p.Name, &levels, &missing, &people, &sums); err != nil {
		return analysis.Cell{}, err
	}
	psu, ok := index[p]
	if !ok {
		return analysis.Cell{}, fmt.Errorf("PSU %q of stratum %q is not in the sample; the sample changed meanwhile, ask again", p.Name, p.Stratum)
	}
	c := analysis.Cell{
		PSU: psu, Levels: wide(levels),
		N: int(people), W: sums[0], W2: sums[1], Base: sums[2],
		Sums: make([]analysis.Sum, len(variables)),
	}
	sums = sums[3:]
	for i, v := range variables {
		c.Sums[i] = analysis.Sum{N: c.N, W: c.W, W2: c.W2, WY: sums[0], WY2: sums[0]}
		sums = sums[1:]
		if !v.binary {
			c.Sums[i].WY2, sums = sums[0], sums[1:]
		}
	}
	for _, i := range missing {
		c.Sums[i] = analysis.Sum{}
	}
	return c, nil
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

// psus lists the PSUs of a sample by stratum and name.
func (s *Store) psus(ctx context.Context, args arguments) ([]analysis.PSU, error) {
	var list []analysis.PSU
	err := s.query(ctx, "psus", args, func(rows driver.Rows) error {
		var p analysis.PSU
		err := rows.Scan(&p.Stratum, &p.Name)
		list = append(list, p)
		return err
	})
	return list, err
}

// argumentsOf looks up the sample and the weights that a query is about.
func (s *Store) argumentsOf(ctx context.Context, q assess.Query) (arguments, error) {
	sample, err := s.sampleOf(ctx, q.Wave)
	if err != nil {
		return nil, err
	}
	args := arguments{"wave": q.Wave, "sample": sample}
	if q.Weights != "" {
		set, err := s.weightSet(ctx, q.Wave, q.Weights)
		if err != nil {
			return nil, err
		}
		args["weights"] = set.digest
	}
	return args, nil
}

// Units lists the cases of a wave that have a base weight, with the levels of the
// factors and whether they responded, ordered by ID. The weights that the query names
// play no part.
func (s *Store) Units(ctx context.Context, q assess.Query) ([]assess.Unit, error) {
	q.Weights = ""
	args, err := s.argumentsOf(ctx, q)
	if err != nil {
		return nil, err
	}
	text, err := unitsText(q)
	if err != nil {
		return nil, err
	}
	var units []assess.Unit
	err = s.queryText(ctx, text, args, func(rows driver.Rows) error {
		var u assess.Unit
		var levels []int32
		err := rows.Scan(&u.Case, &u.Stratum, &u.PSU, &u.Base, &u.Responded, &u.Score, &levels, &u.Columns)
		u.Levels = wide(levels)
		units = append(units, u)
		return err
	})
	return units, explain(fmt.Sprintf("list the cases of wave %q", q.Wave), err)
}

func unitsText(q assess.Query) (string, error) {
	e, err := score.SQL(q.Questionnaire)
	if err != nil {
		return "", err
	}
	levels := levelColumns(q.Factors)
	for i, f := range q.Factors {
		if f.Sample == "" {
			levels[i] = "if(responded = 1, " + levels[i] + ", -1)"
		}
	}
	columns := make([]string, len(q.Columns))
	for i, name := range q.Columns {
		columns[i] = "columns[" + score.Quote(name) + "]"
	}
	return compose("units", map[string]string{
		"levels":    strings.Join(levels, ", "),
		"responses": counted(q.Factors, []string{"toUInt8(1) AS responded", "ifNull(toFloat64(" + e.Score + "), nan) AS score"}),
		"sample":    sampled(q, "stratum", "psu", "CAST(["+strings.Join(columns, ", ")+"], 'Array(String)') AS listed"),
	}), nil
}

// Counts says how many cases of a wave have a weight and how many of them responded.
// A case without a weight only declares its PSU.
func (s *Store) Counts(ctx context.Context, wave string) (drawn, responded int, err error) {
	q := assess.Query{Wave: wave}
	args, err := s.argumentsOf(ctx, q)
	if err != nil {
		return 0, 0, err
	}
	text := compose("counts", map[string]string{"responses": counted(nil, nil), "sample": sampled(q)})
	var cases, with uint64
	err = s.queryText(ctx, text, args, func(rows driver.Rows) error { return rows.Scan(&cases, &with) })
	return int(cases), int(with), explain(fmt.Sprintf("count the cases of wave %q", wave), err)
}
