package replicate_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/replicate"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

func TestMakersNameFaults(t *testing.T) {
	lone, three, one, finite := draw(1, 3, 1).design(t), draw(1, 2, 3).design(t), draw(1, 2, 2).design(t), twoStages().design(t)
	raked := draw(2, 3, 3)
	w, _, err := weighting.Rake(raked.columns.Weight, raked.margins(), weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	raked.columns.Base, raked.columns.Weight = raked.columns.Weight, w
	raked.columns.Calibration = &analysis.Calibration{Margins: []analysis.FactorColumn{raked.sex, raked.age}}
	calibrated := raked.design(t)
	fay := func(rho float64) func(replicate.Source) (*replicate.Set, error) {
		return func(s replicate.Source) (*replicate.Set, error) { return replicate.Fay(s, rho) }
	}
	short := func(s replicate.Source) (*replicate.Set, error) { return replicate.Bootstrap(s, 1, 1) }
	boot := func(s replicate.Source) (*replicate.Set, error) { return replicate.Bootstrap(s, 9, 1) }
	for name, c := range map[string]struct {
		make func(replicate.Source) (*replicate.Set, error)
		d    *analysis.Design
		want []string
	}{
		"lone PSU":             {replicate.JKn, lone, []string{`one PSU only in stratum "S1"`, "merge", "LonePSU"}},
		"lone PSU, bootstrap":  {boot, lone, []string{`"S1"`, "merge"}},
		"strata in JK1":        {replicate.JK1, three, []string{"2", "use JKn"}},
		"three PSUs in BRR":    {replicate.BRR, three, []string{`not two PSUs in stratum "S1" (3)`, "use JKn"}},
		"rho of 1":             {fay(1), one, []string{"ρ is 1", "0.5"}},
		"rho that is none":     {fay(math.NaN()), one, []string{"ρ is NaN"}},
		"one replicate":        {short, one, []string{"1 replicates have no spread"}},
		"later stages":         {replicate.JKn, finite, []string{"later stages", "use Preston"}},
		"weights after raking": {replicate.JKn, calibrated, []string{"calibrated already", "weights before"}},
	} {
		_, err := c.make(c.d)
		refuses(t, name, err, c.want...)
	}
	certain := lone.WithSettings(analysis.Settings{LonePSU: analysis.LoneCertainty})
	if set, err := replicate.JKn(certain); err != nil || set.Replicates() != 3 {
		t.Errorf("a stratum that is certain: %v, want 3 replicates of the other", err)
	}
}

func TestImportNamesFaults(t *testing.T) {
	p := draw(3, 2, 2)
	p.columns.Weight[3] = 0
	d := p.design(t)
	n := len(p.y)
	good := [][]float64{slices.Repeat([]float64{1}, n), slices.Repeat([]float64{2}, n)}
	with := func(r, row int, x float64) [][]float64 {
		bad := [][]float64{slices.Clone(good[0]), slices.Clone(good[1])}
		bad[r][row] = x
		return bad
	}
	for name, c := range map[string]struct {
		given replicate.Given
		want  []string
	}{
		"nothing":             {replicate.Given{Scale: 1}, []string{"0 ways"}},
		"two kinds":           {replicate.Given{Scale: 1, Weights: good, RowMultipliers: good}, []string{"2 ways"}},
		"one replicate":       {replicate.Given{Scale: 1, RowMultipliers: good[:1]}, []string{"no spread"}},
		"short":               {replicate.Given{Scale: 1, RowMultipliers: [][]float64{good[0], good[1][1:]}}, []string{"replicate 1 has", "each row"}},
		"rows for PSUs":       {replicate.Given{Scale: 1, PSUMultipliers: good}, []string{"replicate 0 has", "each PSU"}},
		"negative":            {replicate.Given{Scale: 1, RowMultipliers: with(1, 2, -0.5)}, []string{"replicate 1 has -0.5 for row 2", "not negative"}},
		"missing":             {replicate.Given{Scale: 1, RowMultipliers: with(0, 4, math.NaN())}, []string{"replicate 0 has NaN for row 4"}},
		"weight of nobody":    {replicate.Given{Scale: 1, Weights: good}, []string{"row 3", "zero"}},
		"no scale":            {replicate.Given{RowMultipliers: good}, []string{"scale", "1/R"}},
		"short rscales":       {replicate.Given{Scale: 1, RScales: []float64{1}, RowMultipliers: good}, []string{"1 rscales for 2"}},
		"negative rscale":     {replicate.Given{Scale: 1, RScales: []float64{1, -1}, RowMultipliers: good}, []string{"replicate 1 is -1"}},
		"unknown centre":      {replicate.Given{Scale: 1, Centre: "middle", RowMultipliers: good}, []string{`"middle"`, "full-sample"}},
		"degrees that cannot": {replicate.Given{Scale: 1, DesignDF: -2, RowMultipliers: good}, []string{"-2 degrees"}},
	} {
		_, err := replicate.Import(d, c.given)
		refuses(t, name, err, c.want...)
	}
}

func TestSamplesNameFaults(t *testing.T) {
	p, q := draw(4, 3, 3), draw(5, 4, 4)
	d := p.design(t)
	set := ok[*replicate.Set](t)(replicate.JKn(d))
	_, err := set.On(q.design(t))
	refuses(t, "another design", err, "6 units", "8", "same sample")
	_, err = set.OnCells(q.cells(t, q.design(t)))
	refuses(t, "other cells", err, "6 units", "8")
	byRow := ok[*replicate.Set](t)(replicate.Import(d, replicate.Given{Scale: 1, RowMultipliers: [][]float64{
		slices.Repeat([]float64{1}, len(p.y)), slices.Repeat([]float64{2}, len(p.y))}}))
	_, err = byRow.OnCells(p.cells(t, d))
	refuses(t, "rows on cells", err, "by row", "Sample")
	cells := p.cells(t, d)
	cells.Margins = [][]string{{"sex"}}
	_, err = set.OnCells(cells)
	refuses(t, "raked cells", err, "raked already", "Margins empty")
	_, err = set.Around("middle")
	refuses(t, "centre", err, `"middle"`)
	_, err = set.Multipliers(6)
	refuses(t, "replicate", err, "no replicate 6 among 6")

	c := ok[*replicate.Cells](t)(set.OnCells(p.cells(t, d)))
	_, err = c.Mean("z", nil)
	refuses(t, "variable", err, `no variable "z"`, "y, share")
	_, err = c.Mean("y", analysis.Domain{"region": "north"})
	refuses(t, "factor", err, `no factor "region"`, "sex")
	_, err = c.Mean("y", analysis.Domain{"sex": "other"})
	refuses(t, "level", err, `no level "other"`, "female")
	_, err = c.MeanTable("y", analysis.Domain{"sex": "male"}, "sex")
	refuses(t, "fixed factor", err, "both fixed")
	_, err = c.Proportion("y", nil)
	refuses(t, "share", err, "zeros and ones", "Mean")
	_, err = c.Function([]string{"y"}, nil, []string{"a", "b"}, func(x []float64) []float64 { return x })
	refuses(t, "function", err, "1 values for 2 names")

	s := ok[*replicate.Sample](t)(set.On(d))
	_, err = s.Mean(p.y[1:], nil)
	refuses(t, "short column", err, "values for", "rows of the design")
	_, err = s.Adjust(func(w []float64) ([]float64, error) { return w[1:], nil })
	refuses(t, "adjustment", err, "one for each")
	first := true
	broken, err := s.Adjust(func(w []float64) ([]float64, error) {
		if first {
			first = false
			return w, nil
		}
		return nil, errors.New("no solution")
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = broken.Weights(2)
	refuses(t, "adjustment of a replicate", err, "replicate 2: no solution")
}

// A level of a margin that lives in one PSU loses all its respondents in the replicate
// without it: the error names both and the way out, from cells and from rows.
func TestRakeNamesLostLevels(t *testing.T) {
	p := draw(6, 3, 3)
	for row := range p.age.Level {
		p.age.Level[row] = row % 2
		if p.columns.Stratum[row] == "S1" && p.columns.PSU[row] == "01" {
			p.age.Level[row] = 2 // old
		}
	}
	d := p.design(t)
	set := ok[*replicate.Set](t)(replicate.JKn(d))
	c := ok[*replicate.Cells](t)(set.OnCells(p.cells(t, d)))
	_, _, err := c.Rake([]replicate.Margin{{Factor: "age", Targets: []float64{30, 30, 40}}}, weighting.Settings{})
	refuses(t, "cells", err, "replicate 4", `no respondent in "old"`, "40 people", "merge it")
	rows, err := ok[*replicate.Sample](t)(set.On(d)).Rake([]weighting.Margin{{Name: "age", Levels: p.age.Levels, Level: p.age.Level, Targets: []float64{30, 30, 40}}}, weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = rows.Mean(p.y, nil)
	refuses(t, "rows", err, "replicate 4", `no respondent in "old"`)

	_, _, err = c.Rake(nil, weighting.Settings{})
	refuses(t, "no margin", err, "no margin")
	_, _, err = c.Rake([]replicate.Margin{{Factor: "region"}}, weighting.Settings{})
	refuses(t, "unknown margin", err, `no factor "region"`)
	_, _, err = c.Rake([]replicate.Margin{{Factor: "sex", Targets: []float64{1}}}, weighting.Settings{})
	refuses(t, "short targets", err, "1 targets for 2 levels")
	_, _, err = c.Rake([]replicate.Margin{{Factor: "sex", Targets: []float64{1, 0}}}, weighting.Settings{})
	refuses(t, "level of nobody", err, `"male"`, "says is empty")
	p.sex.Level[5] = -1
	c = ok[*replicate.Cells](t)(set.OnCells(p.cells(t, d)))
	_, _, err = c.Rake([]replicate.Margin{{Factor: "sex", Targets: []float64{1, 1}}}, weighting.Settings{})
	refuses(t, "missing margin", err, `"sex" is missing`, "impute")
}

// Margins that a replicate cannot meet in the rounds allowed are a note on everything.
func TestRakeThatDoesNotConvergeSaysSo(t *testing.T) {
	p := draw(7, 4, 4)
	d := p.design(t)
	c := ok[*replicate.Cells](t)(ok[*replicate.Set](t)(replicate.JKn(d)).OnCells(p.cells(t, d)))
	c, step, err := c.Rake([]replicate.Margin{{Factor: "sex", Targets: []float64{500, 500}}, {Factor: "age", Targets: []float64{300, 400, 300}}}, weighting.Settings{MaxRounds: 1})
	if err != nil || step.Converged {
		t.Fatal(err, step.Converged)
	}
	e := ok[analysis.Estimate](t)(c.Mean("y", nil))
	var subjects []string
	for _, n := range e.Notes {
		if n.Code == analysis.NotConverged {
			subjects = append(subjects, n.Subject)
		}
	}
	if len(subjects) != 2 || subjects[1] != "rake in 8 of 8 replicates" {
		t.Errorf("notes on convergence %q, want the full sample and 8 of 8 replicates", subjects)
	}
}
