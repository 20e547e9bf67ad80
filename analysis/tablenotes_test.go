package analysis_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// A group of a table carries the notes that the group has by itself: a lone PSU of
// another group is not its concern, and a quantile is judged by its own interval.
func TestGroupsOfTablesHaveTheirOwnNotes(t *testing.T) {
	// Stratum c has one PSU, with people of group y only.
	design, err := analysis.NewDesign(analysis.Columns{
		Weight:  []float64{1, 2, 1, 2, 1, 2, 3, 3},
		Stratum: []string{"a", "a", "a", "b", "b", "b", "c", "c"},
		PSU:     []string{"1", "2", "2", "1", "2", "2", "1", "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	y := []float64{1, 5, 2, 8, 1, 0, 4, 9}
	share := []float64{1, 0, 0, 1, 1, 0, 0, 1}
	group := analysis.FactorColumn{Factor: analysis.Factor{ID: "g", Levels: []string{"x", "y"}}, Level: []int{0, 0, 1, 0, 1, 0, 1, 1}}
	for _, rule := range []analysis.LonePSURule{analysis.LoneAdjust, analysis.LoneAverage, analysis.LoneCertainty, analysis.LoneCollapse} {
		d := design.WithSettings(analysis.Settings{LonePSU: rule})
		quantiles, err := d.QuantileTable(y, nil, analysis.QuantileSettings{}, 0.5, group)
		if err != nil {
			t.Fatal(err)
		}
		means, err := d.MeanTable(y, nil, group)
		if err != nil {
			t.Fatal(err)
		}
		totals, err := d.TotalTable(y, nil, group)
		if err != nil {
			t.Fatal(err)
		}
		shares, err := d.ProportionTable(share, nil, group)
		if err != nil {
			t.Fatal(err)
		}
		for g := range group.Levels {
			in := make([]bool, len(y))
			for i, l := range group.Level {
				in[i] = l == g
			}
			same := func(what string, table, alone analysis.Estimate) {
				t.Helper()
				if a, b := codesOf(table), codesOf(alone); !slices.Equal(a, b) {
					t.Errorf("%s of %s by rule %s: the table notes %v, the group alone %v", what, group.Levels[g], rule, a, b)
				}
			}
			same("mean", means.Groups[g].Estimate, must(d.Mean(y, in))(t))
			same("total", totals.Groups[g].Estimate, must(d.Total(y, in))(t))
			same("proportion", shares.Groups[g].Estimate, must(d.Proportion(share, in))(t))
			q, err := d.Quantile(y, in, analysis.QuantileSettings{}, 0.5)
			if err != nil {
				t.Fatal(err)
			}
			same("median", quantiles[g].Estimate, q[0])
		}
	}
}

// codesOf are the notes of an estimate, without their values.
func codesOf(e analysis.Estimate) []string {
	var codes []string
	for _, n := range e.Notes {
		codes = append(codes, fmt.Sprint(n.Code, " ", n.Subject))
	}
	return codes
}
