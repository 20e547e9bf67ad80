package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
)

// A difference is the estimate of one group minus that of another.
type difference struct {
	request
	analysis.Estimate
	group, minus []string
	p, holm      float64 // P of no difference, and adjusted for all differences of the request
}

// A test is one of two columns being independent, in a group.
type test struct {
	request
	analysis.Test
	group []string
}

// compare takes the differences between groups that --compare asks for. The standard
// error has the covariance of the groups, and the degrees of freedom are those of all
// people of the domain together.
func (e *estimation) compare(r request, own []analysis.Estimate, minus func(g, h int) (analysis.Estimate, error)) error {
	if e.command.Compare == "none" {
		return nil
	}
	begin := len(e.differences)
	for h := range own {
		if h > 0 && e.command.Compare == "first" {
			break
		}
		for g := h + 1; g < len(own); g++ {
			d := difference{request: r, group: e.groups[g], minus: e.groups[h]}
			var err error
			if d.Estimate, err = e.difference(own, g, h, minus); err != nil {
				return fmt.Errorf("difference of %s of %s%s from%s: %w", r.estimator, r.name(), e.describe(g), e.describe(h)[1:], err)
			}
			d.p = math.NaN()
			if d.SE > 0 { // two groups without variation differ for sure or not at all
				d.p = d.Estimate.Test(0).P
			}
			e.differences = append(e.differences, d)
		}
	}
	family := e.differences[begin:]
	p := make([]float64, len(family))
	for i, d := range family {
		p[i] = d.p
	}
	for i, adjusted := range analysis.Holm(p) {
		family[i].holm = adjusted
	}
	return nil
}

// difference is that of two groups, on the people of both and with the notes of both.
func (e *estimation) difference(own []analysis.Estimate, g, h int, minus func(g, h int) (analysis.Estimate, error)) (analysis.Estimate, error) {
	nan := math.NaN()
	d := analysis.Estimate{Value: nan, SE: nan, Lo: nan, Hi: nan, Level: e.command.Level, DF: nan}
	if exists := own[g].N > 0 && own[h].N > 0; exists {
		var err error
		if d, err = minus(g, h); err != nil {
			return d, err
		}
	}
	d.N, d.Weighted, d.DEff, d.DEffWOR = own[g].N+own[h].N, own[g].Weighted+own[h].Weighted, nan, nan
	d.Notes = joinNotes(own[g], own[h], d.Notes)
	return d, nil
}

// joinNotes are the notes of a difference, one of each kind: those of its groups, the
// smaller one first, and its own. What a group's degrees of freedom and interval had to
// say is no matter of the difference.
func joinNotes(a, b analysis.Estimate, own []analysis.Note) []analysis.Note {
	if b.N < a.N {
		a, b = b, a
	}
	known := []analysis.NoteCode{analysis.FewPSUs, analysis.WideInterval, analysis.Suppress, analysis.Review}
	var all []analysis.Note
	for _, n := range slices.Concat(a.Notes, b.Notes) {
		if !slices.Contains(known, n.Code) {
			all, known = append(all, n), append(known, n.Code)
		}
	}
	for _, n := range own {
		if n.Code == analysis.FewPSUs || !slices.Contains(known, n.Code) {
			all = append(all, n)
		}
	}
	return all
}

// ratioDifference is y/x of group g minus that of group h.
func (e *estimation) ratioDifference(y, x []float64, g, h int) (analysis.Estimate, error) {
	if e.sample != nil {
		return e.replicatedDifference(y, x, g, h)
	}
	variables := []analysis.Variable{{Name: "y"}, {Name: "x"}, {Name: "y of the other"}, {Name: "x of the other"}}
	for k := range variables {
		group, values := g, y
		if k >= 2 {
			group = h
		}
		if k%2 == 1 {
			values = x
		}
		within := make([]float64, e.data.rows)
		for i, own := range e.factor.Level {
			if own == group {
				within[i] = values[i]
			}
		}
		variables[k].Values = within
	}
	return e.design.Function(variables, e.selected, func(t []analysis.Dual) analysis.Dual {
		return t[0].Over(t[1]).Minus(t[2].Over(t[3]))
	})
}

// independence tests two columns in every group.
func (e *estimation) independence(r request) error {
	a, b := e.classes(r.column), e.classes(r.over)
	for g := range e.groups {
		table, err := e.from.Crosstab(a, b, e.people(g))
		if err != nil {
			return fmt.Errorf("independence of %s and %s%s: %w", r.column, r.over, e.describe(g), err)
		}
		t, err := table.Independence(analysis.RaoScottF)
		if err != nil {
			return fmt.Errorf("independence of %s and %s%s: %w", r.column, r.over, e.describe(g), err)
		}
		e.tests = append(e.tests, test{request: r, Test: t, group: e.groups[g]})
	}
	return nil
}

// classes makes a classification of a column.
func (e *estimation) classes(column string) analysis.FactorColumn {
	level, levels := e.data.crossing([]string{column})
	f := analysis.FactorColumn{Factor: analysis.Factor{ID: column}, Level: level}
	for _, l := range levels {
		f.Levels = append(f.Levels, l[0])
	}
	return f
}

// flags are what the library calls otherwise.
var flags = strings.NewReplacer("Settings.LonePSU", "--lone-psu", "Settings.DF", "--df", "Columns.Weight", "--weights",
	"Stage.Unit", "--psu", "fractions in Fraction", "fractions, in --fpc", "a Population, Fraction or Chance at every stage", "--fpc for every stage")

// named makes the rows in an error those of the file, and its ways out those of the
// command.
func (d *csvData) named(err error) error {
	text := err.Error()
	for _, r := range rowErrors(err) {
		text = strings.Replace(text, r.Error(), r.Named(fmt.Sprintf("line %d", d.line(r.Row))), 1)
	}
	text = flags.Replace(text)
	if !strings.HasPrefix(text, d.name+":") {
		text = d.name + ": " + text
	}
	return errors.New(text)
}

// rowErrors are those in an error, one after the other.
func rowErrors(err error) []*analysis.RowError {
	switch e := err.(type) {
	case *analysis.RowError:
		return []*analysis.RowError{e}
	case interface{ Unwrap() error }:
		return rowErrors(e.Unwrap())
	case interface{ Unwrap() []error }:
		var all []*analysis.RowError
		for _, each := range e.Unwrap() {
			all = append(all, rowErrors(each)...)
		}
		return all
	}
	return nil
}
