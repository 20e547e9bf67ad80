package analysis_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/suyang-survey/suyang/analysis"
)

func TestNewDesignNamesFaults(t *testing.T) {
	nan := math.NaN()
	for name, test := range map[string]struct {
		columns analysis.Columns
		want    []string
	}{
		"no rows":                  {analysis.Columns{}, []string{"empty"}},
		"fewer strata":             {analysis.Columns{Weight: []float64{1, 1}, Stratum: []string{"a"}}, []string{"1 strata for 2 rows"}},
		"fewer PSUs and a bad one": {analysis.Columns{Weight: []float64{1, -2}, PSU: []string{"a"}}, []string{"1 PSUs for 2 rows", "row 1 is -2"}},
		"weight missing":           {analysis.Columns{Weight: []float64{1, nan}}, []string{"row 1 is NaN", "leave out rows"}},
		"weight infinite":          {analysis.Columns{Weight: []float64{math.Inf(1)}}, []string{"row 0 is +Inf"}},
		"all weights zero":         {analysis.Columns{Weight: []float64{0, 0}}, []string{"all weights are zero"}},
		"base weights short":       {analysis.Columns{Weight: []float64{1, 1}, Base: []float64{1}}, []string{"1 weights before raking for 2 weights"}},
	} {
		_, err := analysis.NewDesign(test.columns)
		for _, words := range test.want {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: error %v, want %q in it", name, err, words)
			}
		}
	}
}

func TestPSUsAreNestedInStrataAndInOrder(t *testing.T) {
	d, err := analysis.NewDesign(analysis.Columns{
		Weight:  []float64{1, 1, 1, 0, 1},
		Stratum: []string{"south", "north", "south", "north", "south"},
		PSU:     []string{"1", "1", "2", "0", "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []analysis.PSU{{Stratum: "north", Name: "0"}, {Stratum: "north", Name: "1"}, {Stratum: "south", Name: "1"}, {Stratum: "south", Name: "2"}}
	if diff := cmp.Diff(want, d.PSUs()); diff != "" {
		t.Errorf("PSUs (-want +got):\n%s", diff)
	}
	if d.Strata() != 2 || d.Rows() != 5 {
		t.Errorf("%d strata and %d rows, want 2 and 5", d.Strata(), d.Rows())
	}
}

// A row of weight zero declares a PSU and is nobody: the estimate is that of the
// other rows, but the PSU counts as a zero in its stratum.
func TestZeroWeightOnlyDeclaresItsPSU(t *testing.T) {
	d, err := analysis.NewDesign(analysis.Columns{Weight: []float64{0, 2, 2}, PSU: []string{"a", "b", "c"}})
	if err != nil {
		t.Fatal(err)
	}
	e := must(d.Total([]float64{100, 3, 5}, nil))(t)
	// z = 0, 6, 10: V = 3/2 · Σ(z − 16/3)² = 1.5 · (136 − 256/3) = 76.
	if e.N != 2 || e.Value != 16 || math.Abs(e.SE-math.Sqrt(76)) > 1e-12 {
		t.Errorf("total %v of %d people with SE %v, want 16 of 2 with √76", e.Value, e.N, e.SE)
	}
}

// smallCells is the example of the cell tests: two PSUs, a factor with a missing
// level, a variable with a missing value.
func smallCells(t *testing.T) *analysis.Cells {
	t.Helper()
	d, err := analysis.NewDesign(analysis.Columns{
		Weight: []float64{1, 2, 3, 4, 5}, PSU: []string{"b", "a", "b", "a", "b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Cells(
		[]analysis.Variable{{Name: "y", Values: []float64{1, 0, math.NaN(), 1, 2}}},
		[]analysis.FactorColumn{{Factor: analysis.Factor{ID: "sex", Levels: []string{"female", "male"}}, Level: []int{0, 1, 0, -1, 1}}},
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCellsSumByPSUAndLevel(t *testing.T) {
	sum := func(n int, w, w2, wy, wy2 float64) []analysis.Sum {
		return []analysis.Sum{{N: n, W: w, W2: w2, WY: wy, WY2: wy2}}
	}
	want := []analysis.Cell{
		{PSU: 0, Levels: []int{-1}, N: 1, W: 4, W2: 16, Sums: sum(1, 4, 16, 4, 4)},
		{PSU: 0, Levels: []int{1}, N: 1, W: 2, W2: 4, Sums: sum(1, 2, 4, 0, 0)},
		{PSU: 1, Levels: []int{0}, N: 2, W: 4, W2: 10, Sums: sum(1, 1, 1, 1, 1)},
		{PSU: 1, Levels: []int{1}, N: 1, W: 5, W2: 25, Sums: sum(1, 5, 25, 10, 20)},
	}
	if diff := cmp.Diff(want, smallCells(t).Rows); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
}

func TestCellsNameFaults(t *testing.T) {
	d, err := analysis.NewDesign(analysis.Columns{Weight: []float64{1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	y := analysis.Variable{Name: "y", Values: []float64{1, 2}}
	sex := analysis.FactorColumn{Factor: analysis.Factor{ID: "sex", Levels: []string{"f", "m"}}, Level: []int{0, 1}}
	short, wrong := sex, sex
	short.Level = []int{0}
	wrong.Level = []int{0, 2}
	for name, test := range map[string]struct {
		variables []analysis.Variable
		factors   []analysis.FactorColumn
		want      string
	}{
		"short variable": {[]analysis.Variable{{Name: "y", Values: []float64{1}}}, nil, `variable "y" has 1 values for 2 rows`},
		"same name":      {[]analysis.Variable{y, y}, nil, `two variables are called "y"`},
		"short factor":   {nil, []analysis.FactorColumn{short}, `factor "sex" has 1 values for 2 rows`},
		"same factor":    {nil, []analysis.FactorColumn{sex, sex}, `two factors are called "sex"`},
		"no such level":  {nil, []analysis.FactorColumn{wrong}, `level 2 in row 1, but only 2 levels`},
	} {
		if _, err := d.Cells(test.variables, test.factors); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, test.want)
		}
	}
}

// Cells may come from a database, so what they claim is checked before it is used.
func TestEstimatorsNameFaultsOfCells(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*analysis.Cells)
		want  string
	}{
		"PSU unknown":     {func(c *analysis.Cells) { c.Rows[0].PSU = 2 }, "PSU 2 of 2"},
		"PSU negative":    {func(c *analysis.Cells) { c.Rows[0].PSU = -1 }, "PSU -1"},
		"PSU twice":       {func(c *analysis.Cells) { c.PSUs[1] = c.PSUs[0] }, `PSU "a" of stratum "" is listed twice`},
		"no levels":       {func(c *analysis.Cells) { c.Rows[1].Levels = nil }, "0 levels for 1 factors"},
		"level unknown":   {func(c *analysis.Cells) { c.Rows[1].Levels = []int{7} }, `level 7 of factor "sex"`},
		"no sums":         {func(c *analysis.Cells) { c.Rows[2].Sums = nil }, "0 sums for 1 variables"},
		"rule unknown":    {func(c *analysis.Cells) { c.Settings.LonePSU = "ignore" }, `"ignore" is unknown`},
		"df rule unknown": {func(c *analysis.Cells) { c.Settings.DF = "all" }, `"all"`},
		"level of 95":     {func(c *analysis.Cells) { c.Settings.Level = 95 }, "95 is not between 0 and 1"},
		"no base weights": {func(c *analysis.Cells) {
			c.Rows = c.Rows[2:]
			c.Margins = [][]string{{"sex"}}
		}, "fill Cell.Base"},
		"margin missing": {func(c *analysis.Cells) { c.Margins = [][]string{{"sex"}} }, "is missing in a cell"},
		"margin unknown": {func(c *analysis.Cells) { c.Margins = [][]string{{"age"}} }, `no factor "age"`},
	} {
		c := smallCells(t)
		test.spoil(c)
		if _, err := c.Mean("y", nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, test.want)
		}
	}
}

func TestInputsAreLeftAlone(t *testing.T) {
	w, psu := []float64{1, 0, 2}, []string{"b", "a", "a"}
	d, err := analysis.NewDesign(analysis.Columns{Weight: w, PSU: psu})
	if err != nil {
		t.Fatal(err)
	}
	w[0] = 100
	e := must(d.Mean([]float64{3, 9, 6}, nil))(t)
	if e.Value != 5 { // (1·3 + 2·6)/3
		t.Errorf("mean = %v, want 5: the design must not follow changes of its columns", e.Value)
	}
	if !slices.Equal(w, []float64{100, 0, 2}) || !slices.Equal(psu, []string{"b", "a", "a"}) {
		t.Errorf("the columns were changed: %v %v", w, psu)
	}
}
