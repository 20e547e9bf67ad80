package analysis_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// columns are what is given to the methods of a design.
type columns struct {
	y, x, share, pop []float64
	group, second    analysis.FactorColumn
	in               []bool
}

// goodColumns are eighty people in four strata of five PSUs, with two groups and three
// classes that all have people, and the columns of their design.
func goodColumns() (analysis.Columns, columns) {
	const n = 80
	random := rand.New(rand.NewPCG(1, 2))
	c := columns{pop: []float64{100, 200, 300}, in: make([]bool, n),
		group:  analysis.FactorColumn{Factor: analysis.Factor{ID: "group", Levels: []string{"a", "b"}}},
		second: analysis.FactorColumn{Factor: analysis.Factor{ID: "second", Levels: []string{"p", "q", "r"}}}}
	var d analysis.Columns
	for i := range n {
		d.Weight = append(d.Weight, 1+random.Float64())
		d.Stratum = append(d.Stratum, fmt.Sprint("s", i/20))
		d.PSU = append(d.PSU, fmt.Sprint("p", i/4))
		c.y = append(c.y, math.Round(50+10*random.NormFloat64()))
		c.x = append(c.x, 20+random.Float64())
		c.share = append(c.share, float64(random.IntN(2)))
		c.group.Level = append(c.group.Level, random.IntN(2))
		c.second.Level = append(c.second.Level, random.IntN(3))
		c.in[i] = i%9 != 0
	}
	return d, c
}

// An entry is a public method, called with columns; uses names those it reads.
type entry struct {
	name, uses string
	call       func(d *analysis.Design, c columns) (any, error)
}

// entries are all methods of Design that can fail, and those of what they return.
func entries() []entry {
	two := func(c columns) []analysis.Variable {
		return []analysis.Variable{{Name: "y", Values: c.y}, {Name: "x", Values: c.x}}
	}
	ratio := func(t []analysis.Dual) analysis.Dual { return t[0].Over(t[1]) }
	model := func(d *analysis.Design, c columns) (*analysis.Fit, error) {
		return d.Fit(analysis.Model{Outcome: c.share, Family: analysis.Binomial,
			Terms: []analysis.Term{{Factor: c.group}, {Numeric: analysis.Variable{Name: "x", Values: c.x}}}}, c.in)
	}
	ordinal := func(d *analysis.Design, c columns) (*analysis.OrdinalFit, error) {
		return d.FitOrdinal(analysis.OrdinalModel{Outcome: c.second, Terms: []analysis.Term{{Factor: c.group}}}, c.in)
	}
	cells := func(d *analysis.Design, c columns) (*analysis.Cells, analysis.Domain, error) {
		inside := analysis.FactorColumn{Factor: analysis.Factor{ID: "in", Levels: []string{"out", "in"}}, Level: make([]int, d.Rows())}
		for i := range min(len(c.in), d.Rows()) {
			inside.Level[i] = btoi(c.in[i])
		}
		k, err := d.Cells([]analysis.Variable{{Name: "y", Values: c.y}, {Name: "x", Values: c.x}, {Name: "share", Values: c.share}},
			[]analysis.FactorColumn{c.group, c.second, inside})
		return k, analysis.Domain{"in": "in"}, err
	}
	ofCells := func(name, uses string, call func(k *analysis.Cells, in analysis.Domain) (any, error)) entry {
		return entry{"Cells." + name, uses, func(d *analysis.Design, c columns) (any, error) {
			k, in, err := cells(d, c)
			if err != nil {
				return nil, err
			}
			return call(k, in)
		}}
	}
	table := func(d *analysis.Design, c columns) (*analysis.Crosstab, error) {
		return d.Crosstab(c.group, c.second, c.in)
	}
	means := func(d *analysis.Design, c columns) (analysis.Vector, error) {
		t, err := d.MeanTable(c.y, c.in, c.group)
		return t.Vector, err
	}
	ofVector := func(name string, call func(v analysis.Vector) (any, error)) entry {
		return entry{"Vector." + name, "y group in", func(d *analysis.Design, c columns) (any, error) {
			v, err := means(d, c)
			if err != nil {
				return nil, err
			}
			return call(v)
		}}
	}
	return []entry{
		{"Mean", "y in", func(d *analysis.Design, c columns) (any, error) { return d.Mean(c.y, c.in) }},
		{"Total", "y in", func(d *analysis.Design, c columns) (any, error) { return d.Total(c.y, c.in) }},
		{"Proportion", "share in", func(d *analysis.Design, c columns) (any, error) { return d.Proportion(c.share, c.in) }},
		{"Ratio", "y x in", func(d *analysis.Design, c columns) (any, error) { return d.Ratio(c.y, c.x, c.in) }},
		{"Count", "in", func(d *analysis.Design, c columns) (any, error) { return d.Count(c.in) }},
		{"Variance", "y in", func(d *analysis.Design, c columns) (any, error) { return d.Variance(c.y, c.in) }},
		{"KishEffect", "in", func(d *analysis.Design, c columns) (any, error) { return d.KishEffect(c.in) }},
		{"IntraCluster", "y in", func(d *analysis.Design, c columns) (any, error) { return d.IntraCluster(c.y, c.in) }},
		{"Quantile", "y in", func(d *analysis.Design, c columns) (any, error) {
			return d.Quantile(c.y, c.in, analysis.QuantileSettings{}, 0.25, 0.5)
		}},
		{"QuantileTable", "y group in", func(d *analysis.Design, c columns) (any, error) {
			return d.QuantileTable(c.y, c.in, analysis.QuantileSettings{}, 0.5, c.group)
		}},
		{"MeanTable", "y group second in", func(d *analysis.Design, c columns) (any, error) {
			return d.MeanTable(c.y, c.in, c.group, c.second)
		}},
		{"TotalTable", "y group in", func(d *analysis.Design, c columns) (any, error) { return d.TotalTable(c.y, c.in, c.group) }},
		{"ProportionTable", "share group in", func(d *analysis.Design, c columns) (any, error) {
			return d.ProportionTable(c.share, c.in, c.group)
		}},
		{"MeanVector", "y x in", func(d *analysis.Design, c columns) (any, error) { return d.MeanVector(two(c), c.in) }},
		{"TotalVector", "y x in", func(d *analysis.Design, c columns) (any, error) { return d.TotalVector(two(c), c.in) }},
		{"ProportionVector", "group in", func(d *analysis.Design, c columns) (any, error) { return d.ProportionVector(c.group, c.in) }},
		{"CountVector", "group in", func(d *analysis.Design, c columns) (any, error) { return d.CountVector(c.group, c.in) }},
		{"StandardizedMeans", "y group second in", func(d *analysis.Design, c columns) (any, error) {
			return d.StandardizedMeans(c.y, c.second, c.pop, c.in, c.group)
		}},
		{"Function", "y x in", func(d *analysis.Design, c columns) (any, error) { return d.Function(two(c), c.in, ratio) }},
		{"Influence", "y x in", func(d *analysis.Design, c columns) (any, error) { return d.Influence(two(c), c.in, ratio) }},
		{"CronbachAlpha", "y x in", func(d *analysis.Design, c columns) (any, error) { return d.CronbachAlpha(two(c), c.in) }},
		{"TTest", "y group in", func(d *analysis.Design, c columns) (any, error) { return d.TTest(c.y, c.group, c.in) }},
		{"OneSampleTTest", "y in", func(d *analysis.Design, c columns) (any, error) { return d.OneSampleTTest(c.y, 50, c.in) }},
		{"PairedTTest", "y x in", func(d *analysis.Design, c columns) (any, error) { return d.PairedTTest(c.y, c.x, c.in) }},
		{"RankTest", "y group in", func(d *analysis.Design, c columns) (any, error) {
			return d.RankTest(c.y, c.group, analysis.RankWilcoxon, c.in)
		}},
		{"Cells", "y x group second", func(d *analysis.Design, c columns) (any, error) {
			_, _, err := cells(d, c)
			return nil, err
		}},
		{"CountedCells", "y x group second", func(d *analysis.Design, c columns) (any, error) {
			_, err := d.CountedCells(two(c), []analysis.FactorColumn{c.group, c.second})
			return nil, err
		}},
		{"Crosstab", "group second in", func(d *analysis.Design, c columns) (any, error) {
			t, err := table(d, c)
			if err != nil {
				return nil, err
			}
			return t.Counts, nil
		}},
		{"Crosstab.Independence", "group second in", func(d *analysis.Design, c columns) (any, error) {
			t, err := table(d, c)
			if err != nil {
				return nil, err
			}
			return t.Independence("")
		}},
		{"Crosstab.Kappa", "group in", func(d *analysis.Design, c columns) (any, error) {
			other := c.group
			other.ID = "again"
			t, err := d.Crosstab(c.group, other, c.in)
			if err != nil {
				return nil, err
			}
			return t.Kappa()
		}},
		{"Fit", "share x group in", func(d *analysis.Design, c columns) (any, error) {
			f, err := model(d, c)
			if err != nil {
				return nil, err
			}
			return f.Vector, nil
		}},
		{"Fit.Wald", "share x group in", func(d *analysis.Design, c columns) (any, error) {
			f, err := model(d, c)
			if err != nil {
				return nil, err
			}
			return f.Wald("group")
		}},
		{"Fit.LikelihoodRatio", "share x group in", func(d *analysis.Design, c columns) (any, error) {
			f, err := model(d, c)
			if err != nil {
				return nil, err
			}
			return f.LikelihoodRatio("group")
		}},
		{"Fit.Significance", "share x group in", func(d *analysis.Design, c columns) (any, error) {
			f, err := model(d, c)
			if err != nil {
				return nil, err
			}
			return f.Significance(1)
		}},
		{"Fit.Margins", "share x group in", func(d *analysis.Design, c columns) (any, error) {
			f, err := model(d, c)
			if err != nil {
				return nil, err
			}
			return f.Margins("group")
		}},
		{"Fit.Predict", "share x group in", func(d *analysis.Design, c columns) (any, error) {
			f, err := model(d, c)
			if err != nil {
				return nil, err
			}
			return f.Predict(analysis.Profile{Levels: map[string]string{"group": "a"}, Values: map[string]float64{"x": 20}})
		}},
		{"Fit.PredictLinear", "share x group in", func(d *analysis.Design, c columns) (any, error) {
			f, err := model(d, c)
			if err != nil {
				return nil, err
			}
			return f.PredictLinear(analysis.Profile{Levels: map[string]string{"group": "a"}, Values: map[string]float64{"x": 20}})
		}},
		{"FitOrdinal", "second group in", func(d *analysis.Design, c columns) (any, error) {
			f, err := ordinal(d, c)
			if err != nil {
				return nil, err
			}
			return f.Vector, nil
		}},
		{"OrdinalFit.Predict", "second group in", func(d *analysis.Design, c columns) (any, error) {
			f, err := ordinal(d, c)
			if err != nil {
				return nil, err
			}
			return f.Predict(analysis.Profile{Levels: map[string]string{"group": "a"}})
		}},
		ofCells("Mean", "y x group second", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.Mean("y", in) }),
		ofCells("Total", "y x group second", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.Total("y", in) }),
		ofCells("Proportion", "share group second", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.Proportion("share", in) }),
		ofCells("Size", "group second", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.Size(in) }),
		ofCells("Ratio", "y x group second", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.Ratio("y", "x", in) }),
		ofCells("Quantile", "group second", func(k *analysis.Cells, in analysis.Domain) (any, error) {
			for i := range k.Factors[1].Levels { // levels that are scores
				k.Factors[1].Levels[i] = fmt.Sprint(i)
			}
			return k.Quantile("second", in, analysis.QuantileSettings{}, 0.5)
		}),
		ofCells("MeanBy", "y group", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.MeanBy("y", in, "group") }),
		ofCells("TotalBy", "y group", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.TotalBy("y", in, "group") }),
		ofCells("ProportionBy", "share group", func(k *analysis.Cells, in analysis.Domain) (any, error) {
			return k.ProportionBy("share", in, "group")
		}),
		ofCells("MeanTable", "y group", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.MeanTable("y", in, "group") }),
		ofCells("TotalTable", "y group", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.TotalTable("y", in, "group") }),
		ofCells("ProportionTable", "share group", func(k *analysis.Cells, in analysis.Domain) (any, error) {
			return k.ProportionTable("share", in, "group")
		}),
		ofCells("ProportionVector", "group", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.ProportionVector("group", in) }),
		ofCells("CountVector", "group", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.CountVector("group", in) }),
		ofCells("MeanVector", "y x", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.MeanVector([]string{"y", "x"}, in) }),
		ofCells("TotalVector", "y x", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.TotalVector([]string{"y", "x"}, in) }),
		ofCells("StandardizedMeans", "y group second", func(k *analysis.Cells, in analysis.Domain) (any, error) {
			return k.StandardizedMeans("y", "second", []float64{100, 200, 300}, in, "group")
		}),
		ofCells("TTest", "y group", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.TTest("y", "group", in) }),
		ofCells("OneSampleTTest", "y", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.OneSampleTTest("y", 50, in) }),
		ofCells("PairedTTest", "y x", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.PairedTTest("y", "x", in) }),
		ofCells("RankTest", "group second", func(k *analysis.Cells, in analysis.Domain) (any, error) { return k.RankTest("second", "group", "", in) }),
		ofCells("Fit", "share group", func(k *analysis.Cells, in analysis.Domain) (any, error) {
			f, err := k.Fit(analysis.CellModel{Outcome: "share", Family: analysis.Binomial, Terms: [][]string{{"group"}}}, in)
			if err != nil {
				return nil, err
			}
			return f.Vector, nil
		}),
		ofCells("FitOrdinal", "group second", func(k *analysis.Cells, in analysis.Domain) (any, error) {
			f, err := k.FitOrdinal(analysis.CellModel{Outcome: "second", Terms: [][]string{{"group"}}}, in)
			if err != nil {
				return nil, err
			}
			return f.Vector, nil
		}),
		ofCells("Crosstab", "group second", func(k *analysis.Cells, in analysis.Domain) (any, error) {
			t, err := k.Crosstab("group", "second", in)
			if err != nil {
				return nil, err
			}
			return t.Counts, nil
		}),
		ofVector("Contrast", func(v analysis.Vector) (any, error) { return v.Contrast(1, -1) }),
		ofVector("Difference", func(v analysis.Vector) (any, error) { return v.Difference(0, 1) }),
		ofVector("Ratio", func(v analysis.Vector) (any, error) { return v.Ratio(0, 1) }),
		ofVector("LogRatio", func(v analysis.Vector) (any, error) { return v.LogRatio(0, 1) }),
		ofVector("Find", func(v analysis.Vector) (any, error) {
			_, err := v.Find("c")
			if err != nil && strings.Contains(err.Error(), "[a b") {
				err = nil // as it should be
			}
			return nil, err
		}),
		ofVector("Function", func(v analysis.Vector) (any, error) { return v.Function(ratio) }),
		{"Vector.GoodnessOfFit", "group in", func(d *analysis.Design, c columns) (any, error) {
			v, err := d.ProportionVector(c.group, c.in)
			if err != nil {
				return nil, err
			}
			p := slices.Repeat([]float64{1 / float64(len(v.Names))}, len(v.Names))
			return v.GoodnessOfFit(p)
		}},
		{"CombineVectors", "y group in", func(d *analysis.Design, c columns) (any, error) {
			v, err := means(d, c)
			if err != nil {
				return nil, err
			}
			return analysis.CombineVectors([]analysis.Vector{v, v})
		}},
		{"Combine", "y in", func(d *analysis.Design, c columns) (any, error) {
			e, err := d.Mean(c.y, c.in)
			if err != nil {
				return nil, err
			}
			combined, err := analysis.Combine([]analysis.Estimate{e, e})
			return combined.Estimate, err
		}},
		{"Present", "share in", func(d *analysis.Design, c columns) (any, error) {
			e, err := d.Proportion(c.share, c.in)
			if p := analysis.Present(e); err == nil && e.N == 0 && !p.Suppress {
				return nil, fmt.Errorf("a proportion of nobody is not suppressed")
			}
			return nil, err
		}},
	}
}

// noEstimates are methods that tell of the sample or weigh it again, and estimate nothing:
// the rules for lone PSUs and columns are not theirs. Their faults have their own tests.
var noEstimates = []string{"Selection", "Settings", "Reweighted", "Cells.Selection", "Cells.Prepare", "Cells.People", "Cells.PeopleOf"}

// Every method that can fail is an entry: a new one has to be added there.
func TestBadInputKnowsEveryMethod(t *testing.T) {
	known := make(map[string]bool)
	for _, e := range entries() {
		known[e.name] = true
	}
	for _, name := range noEstimates {
		known[name] = true
	}
	isError := reflect.TypeFor[error]()
	for prefix, of := range map[string]reflect.Type{"": reflect.TypeFor[*analysis.Design](), "Cells.": reflect.TypeFor[*analysis.Cells](),
		"Vector.": reflect.TypeFor[analysis.Vector](), "Crosstab.": reflect.TypeFor[*analysis.Crosstab]()} {
		for m := range of.Methods() {
			last := m.Type.NumOut() - 1
			if last >= 0 && m.Type.Out(last) == isError && !known[prefix+m.Name] {
				t.Errorf("%s%s is not tried with bad input", prefix, m.Name)
			}
		}
	}
}

// badInputs are what people give by mistake. Where words is not empty, the methods that
// use one of the columns must fail, with the words; else they may give an estimate, if it
// is a sound one.
var badInputs = []struct {
	name, of string
	spoil    func(c *columns)
	words    string
}{
	{"good columns", "", func(*columns) {}, ""},
	{"too few values", "y", func(c *columns) { c.y = c.y[:79] }, `79 values for 80 rows`},
	{"too many values", "x", func(c *columns) { c.x = append(c.x, 1) }, `81 (values|x)|x.*81|81 values for 80 rows`},
	{"no values", "y", func(c *columns) { c.y = nil }, `0 values for 80 rows`},
	{"shares too few", "share", func(c *columns) { c.share = c.share[:3] }, `3 (values|outcomes).*80`},
	{"an infinite value", "y", func(c *columns) { c.y[7] = math.Inf(1) }, `infinite in row 7`},
	{"a value of minus infinity", "y", func(c *columns) { c.y[7] = math.Inf(-1) }, `infinite in row 7`},
	{"an infinite denominator", "x", func(c *columns) { c.x[7] = math.Inf(1) }, `infinite in row 7`},
	{"an infinite share", "share", func(c *columns) { c.share[7] = math.Inf(1) }, `row 7|zeros and ones|shares lie between 0 and 1`},
	{"a share of two", "share", func(c *columns) { c.share[7] = 2 }, `row 7|zeros and ones|shares lie between 0 and 1`},
	{"values too large to square", "y", func(c *columns) { c.y[7] = 1e200 }, ""},
	{"nobody has a value", "y", func(c *columns) { c.y = slices.Repeat([]float64{math.NaN()}, 80) }, ""},
	{"nobody has a share", "share", func(c *columns) { c.share = slices.Repeat([]float64{math.NaN()}, 80) }, ""},
	{"some have no value", "y", func(c *columns) { c.y[3], c.y[70] = math.NaN(), math.NaN() }, ""},
	{"everybody has the same value", "y", func(c *columns) { c.y = slices.Repeat([]float64{5}, 80) }, ""},
	{"everybody has zero", "x", func(c *columns) { c.x = make([]float64, 80) }, ""},
	{"everybody says yes", "share", func(c *columns) { c.share = slices.Repeat([]float64{1}, 80) }, ""},
	{"a domain too short", "in", func(c *columns) { c.in = c.in[:79] }, `79 values for 80 rows`},
	{"a domain of nobody", "in", func(c *columns) { c.in = make([]bool, 80) }, ""},
	{"a domain of one", "in", func(c *columns) { c.in = make([]bool, 80); c.in[5] = true }, ""},
	{"a domain of one PSU", "in", func(c *columns) { c.in = make([]bool, 80); c.in[4], c.in[5], c.in[6], c.in[7] = true, true, true, true }, ""},
	{"levels too few", "group", func(c *columns) { c.group.Level = c.group.Level[:79] }, `"group" has 79 values for 80 rows`},
	{"a level that does not exist", "group", func(c *columns) { c.group.Level[7] = 2 }, `"group" has level 2 in row 7`},
	{"a level below missing", "group", func(c *columns) { c.group.Level[7] = -2 }, `"group" has level -2 in row 7`},
	{"a second level that does not exist", "second", func(c *columns) { c.second.Level[7] = 3 }, `"second" has level 3 in row 7`},
	{"no levels at all", "group", func(c *columns) { c.group.Levels = nil; c.group.Level = slices.Repeat([]int{-1}, 80) }, ""},
	{"nobody has a level", "group", func(c *columns) { c.group.Level = slices.Repeat([]int{-1}, 80) }, ""},
	{"a level that never occurs", "group", func(c *columns) { c.group.Levels = []string{"a", "b", "never"} }, ""},
	{"a first level that never occurs", "group", func(c *columns) {
		c.group.Levels = []string{"never", "a", "b"}
		for i := range c.group.Level {
			c.group.Level[i]++
		}
	}, ""},
	{"everybody in one level", "group", func(c *columns) { c.group.Level = make([]int, 80) }, ""},
	{"a class that never occurs", "second", func(c *columns) {
		for i := range c.second.Level {
			c.second.Level[i] = min(c.second.Level[i], 1)
		}
	}, ""},
}

// Bad input is an error that says where and what to do, or an estimate that is marked:
// never a panic, and never a number that looks like one.
func TestBadInput(t *testing.T) {
	design, _ := goodColumns()
	d := mustDesign(t, design)
	for _, bad := range badInputs {
		t.Run(bad.name, func(t *testing.T) {
			for _, e := range entries() {
				uses := slices.Contains(strings.Fields(e.uses), bad.of)
				if bad.of != "" && !uses {
					continue
				}
				_, c := goodColumns()
				bad.spoil(&c)
				out, err := try(t, e, d, c)
				switch {
				case bad.of == "" && err != nil:
					t.Errorf("%s: %v", e.name, err)
				case bad.words != "" && err == nil:
					t.Errorf("%s gives %v, want an error", e.name, out)
				case bad.words != "" && !regexp.MustCompile(bad.words).MatchString(err.Error()):
					t.Errorf("%s: the error %q does not say %q", e.name, err, bad.words)
				}
				checkOutcome(t, e.name, out, err)
			}
		})
	}
}

// Where a stratum has one PSU and the rule is to fail, every method names it.
func TestBadInputLonePSU(t *testing.T) {
	columns, _ := goodColumns()
	for i := 60; i < 80; i++ {
		columns.Stratum[i], columns.PSU[i] = "North-3", "only"
	}
	d := mustDesign(t, columns).WithSettings(analysis.Settings{LonePSU: analysis.LoneFail})
	for _, e := range entries() {
		switch e.name {
		case "KishEffect", "Influence", "Cells", "CountedCells": // have no variance
			continue
		}
		_, c := goodColumns()
		_, err := try(t, e, d, c)
		if err == nil || !strings.Contains(err.Error(), `"North-3"`) || !strings.Contains(err.Error(), "Settings.LonePSU") {
			t.Errorf("%s: the error %v does not name the stratum and Settings.LonePSU", e.name, err)
		}
	}
}

// Settings that are none are named by every method that uses them.
func TestBadInputSettings(t *testing.T) {
	columns, _ := goodColumns()
	d := mustDesign(t, columns).WithSettings(analysis.Settings{LonePSU: "ignore"})
	for _, e := range entries() {
		if e.name == "Cells" || e.name == "CountedCells" {
			continue
		}
		_, c := goodColumns()
		if _, err := try(t, e, d, c); err == nil || !strings.Contains(err.Error(), `"ignore" is unknown; use`) {
			t.Errorf("%s: the error %v does not name the setting", e.name, err)
		}
	}
}

// A design that cannot be is an error that names row or stratum and the way out.
func TestBadInputDesign(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(c *analysis.Columns)
		words string
	}{
		"no columns":              {func(c *analysis.Columns) { *c = analysis.Columns{} }, "Columns.Weight has no rows"},
		"strata without weights":  {func(c *analysis.Columns) { c.Weight = nil }, "the sample is empty"},
		"too few strata":          {func(c *analysis.Columns) { c.Stratum = c.Stratum[:79] }, "79 strata for 80 rows"},
		"too many PSUs":           {func(c *analysis.Columns) { c.PSU = append(c.PSU, "x") }, "81 PSUs for 80 rows"},
		"too few base weights":    {func(c *analysis.Columns) { c.Base = []float64{1} }, "1 weights before raking for 80 weights"},
		"a negative weight":       {func(c *analysis.Columns) { c.Weight[7] = -1 }, "the weight of row 7 is -1"},
		"a missing weight":        {func(c *analysis.Columns) { c.Weight[7] = math.NaN() }, "the weight of row 7 is NaN"},
		"an infinite weight":      {func(c *analysis.Columns) { c.Weight[7] = math.Inf(1) }, `the weight of row 7 is \+Inf`},
		"weights of zero":         {func(c *analysis.Columns) { c.Weight = make([]float64, 80) }, "all weights are zero"},
		"weights too large":       {func(c *analysis.Columns) { c.Weight[7] = 1e200 }, "same constant"},
		"weights too small":       {func(c *analysis.Columns) { c.Weight = slices.Repeat([]float64{1e-200}, 80) }, "same constant"},
		"a missing population":    {func(c *analysis.Columns) { c.Population = slices.Repeat([]float64{math.NaN()}, 80) }, "the population of row 0 is NaN"},
		"a population too small":  {func(c *analysis.Columns) { c.Population = slices.Repeat([]float64{2}, 80) }, `stratum "s0": its population is 2 units, but 5`},
		"a population that moves": {func(c *analysis.Columns) { c.Population = slices.Repeat([]float64{9}, 80); c.Population[45] = 8 }, `stratum "s2" is 9 in one row and 8 in row 45`},
		"too few populations":     {func(c *analysis.Columns) { c.Population = []float64{9} }, "1 populations for 80 rows"},
		"a fraction of two":       {func(c *analysis.Columns) { c.Fraction = slices.Repeat([]float64{2}, 80) }, "the sampling fraction of row 0 is 2"},
		"a population and a fraction": {func(c *analysis.Columns) {
			c.Population, c.Fraction = slices.Repeat([]float64{9}, 80), slices.Repeat([]float64{0.5}, 80)
		}, "more than one of Population, Fraction and Chance"},
		"PSUs in two strata": {func(c *analysis.Columns) { c.UniqueUnits = true; c.PSU[20] = "p0" }, `PSU "p0" is in stratum "s0" and in stratum "s1"`},
		"no stages":          {func(c *analysis.Columns) { c.Stratum, c.PSU, c.Stages = nil, nil, []analysis.Stage{} }, "empty list of Stages"},
		"stages and a PSU":   {func(c *analysis.Columns) { c.Stages = []analysis.Stage{{}} }, "takes their place"},
		"a stage without units": {func(c *analysis.Columns) {
			c.Stratum, c.PSU, c.Stages = nil, nil, []analysis.Stage{{}, {}}
		}, "stage 1: has no units"},
		"a chance of zero": {func(c *analysis.Columns) {
			chance := slices.Repeat([]float64{0.5}, 80)
			chance[7] = 0
			c.Stages, c.Stratum, c.PSU = []analysis.Stage{{Unit: c.PSU, Chance: chance}}, nil, nil
		}, "the chance of row 7 is 0"},
		"a calibration of nothing": {func(c *analysis.Columns) {
			c.Base = c.Weight
			c.Calibration = &analysis.Calibration{Margins: []analysis.FactorColumn{{Factor: analysis.Factor{ID: "sex", Levels: []string{"f"}}, Level: []int{0}}}}
		}, `"sex"`},
		"a second phase too short": {func(c *analysis.Columns) { c.SecondPhase = &analysis.SecondPhase{Selected: []bool{true}} }, "1 marks of those selected for 80 rows"},
		"a second phase of nobody": {func(c *analysis.Columns) { c.SecondPhase = &analysis.SecondPhase{Selected: make([]bool, 80)} }, "nobody|selected"},
	} {
		t.Run(name, func(t *testing.T) {
			columns, _ := goodColumns()
			c.spoil(&columns)
			defer noPanic(t, name)
			_, err := analysis.NewDesign(columns)
			if err == nil || !regexp.MustCompile(c.words).MatchString(err.Error()) {
				t.Fatalf("error %v, want %q in it", err, c.words)
			}
			if !wayOut.MatchString(err.Error()) {
				t.Errorf("the error %q shows no way out", err)
			}
		})
	}
}

// Cells from elsewhere may hold sums that are none.
func TestBadInputSums(t *testing.T) {
	for name, bad := range map[string]analysis.Sum{
		"an infinite sum":  {N: 1, W: 1, W2: 1, WY: math.Inf(1), WY2: math.Inf(1)},
		"a missing sum":    {N: 1, W: 1, W2: 1, WY: math.NaN(), WY2: math.NaN()},
		"a missing weight": {N: 1, W: math.NaN(), W2: math.NaN(), WY: 1, WY2: 1},
	} {
		columns, c := goodColumns()
		k, err := mustDesign(t, columns).Cells([]analysis.Variable{{Name: "y", Values: c.y}}, []analysis.FactorColumn{c.group})
		if err != nil {
			t.Fatal(err)
		}
		k.Rows[3].Sums[0] = bad
		for what, call := range map[string]func() error{
			"Mean":      func() error { _, err := k.Mean("y", everyone); return err },
			"Total":     func() error { _, err := k.Total("y", everyone); return err },
			"MeanTable": func() error { _, err := k.MeanTable("y", everyone, "group"); return err },
			"TTest":     func() error { _, err := k.TTest("y", "group", everyone); return err },
			"Fit": func() error {
				_, err := k.Fit(analysis.CellModel{Outcome: "y", Family: analysis.Gaussian, Terms: [][]string{{"group"}}}, everyone)
				return err
			},
		} {
			if err := call(); err == nil || !strings.Contains(err.Error(), "correct it") {
				t.Errorf("%s, %s: error %v, want one that says to correct the sum", name, what, err)
			}
		}
	}
}

// A cell of everybody may have a sum of weights that is none.
func TestBadInputWeightsOfCells(t *testing.T) {
	for _, w := range []float64{math.NaN(), math.Inf(1), -1} {
		columns, c := goodColumns()
		k, err := mustDesign(t, columns).Cells([]analysis.Variable{{Name: "y", Values: c.y}}, []analysis.FactorColumn{c.group})
		if err != nil {
			t.Fatal(err)
		}
		k.Rows[3].W = w
		for what, call := range map[string]func() error{
			"TTest":       func() error { _, err := k.TTest("y", "group", everyone); return err },
			"CountVector": func() error { _, err := k.CountVector("group", everyone); return err },
		} {
			if err := call(); err == nil || !strings.Contains(err.Error(), "correct it") || !strings.Contains(err.Error(), "PSU") {
				t.Errorf("Σw = %v, %s: error %v, want one that says to correct the sum", w, what, err)
			}
		}
	}
}

// try calls a method; a panic is a failure. One core, so that the panic is on this
// goroutine.
func try(t *testing.T, e entry, d *analysis.Design, c columns) (out any, err error) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer noPanic(t, e.name)
	return e.call(d, c)
}

func noPanic(t *testing.T, name string) {
	if r := recover(); r != nil {
		t.Errorf("%s panics: %v", name, r)
	}
}

// wayOut is what the texts of errors have in common: after what is wrong comes what to do.
var wayOut = regexp.MustCompile(`[;,:] .*\b(give|leave|choose|widen|use|merge|name|rename|take|add|drop|make|correct|multiply|first of Stages|compare|combine|needs|missing|there are|has:|fractions lie|leave it|independence needs|chances are)\b`)

// checkOutcome judges what a method gave for bad input.
func checkOutcome(t *testing.T, name string, out any, err error) {
	t.Helper()
	if err != nil {
		if !wayOut.MatchString(err.Error()) {
			t.Errorf("%s: the error %q shows no way out", name, err)
		}
		return
	}
	for _, e := range estimatesIn(out) {
		fault := unsound(e)
		counts := strings.Contains(name, "Count") || strings.Contains(name, "Crosstab")
		if counts && e.Value == 0 && !hasNote(e, analysis.Empty) {
			fault = "a silent zero"
		}
		if fault != "" {
			t.Errorf("%s gives %+v: %s", name, e, fault)
		}
	}
	if test, ok := testIn(out); ok && !(test.P >= 0 && test.P <= 1) && !(math.IsNaN(test.P) && hasNote(analysis.Estimate{Notes: test.Notes}, analysis.FewPSUs)) {
		t.Errorf("%s gives a test with P = %v and no note", name, test.P)
	}
}

// estimatesIn are the estimates of a result.
func estimatesIn(out any) []analysis.Estimate {
	switch x := out.(type) {
	case analysis.Estimate:
		return []analysis.Estimate{x}
	case []analysis.Estimate:
		return x
	case analysis.Vector:
		return x.Estimates
	case analysis.Table:
		return x.Estimates
	case analysis.Comparison:
		return []analysis.Estimate{x.Difference}
	case []analysis.Group:
		var all []analysis.Estimate
		for _, g := range x {
			all = append(all, g.Estimate)
		}
		return all
	}
	return nil
}

func testIn(out any) (analysis.Test, bool) {
	switch x := out.(type) {
	case analysis.Test:
		return x, true
	case analysis.Comparison:
		return x.Test, true
	}
	return analysis.Test{}, false
}

// unsound says what is wrong with an estimate that nobody is warned of.
func unsound(e analysis.Estimate) string {
	switch {
	case e.N == 0 && !hasNote(e, analysis.Empty):
		return "nobody has a value, but there is no note Empty"
	case e.N == 0:
		return ""
	case math.IsNaN(e.Value) || math.IsInf(e.Value, 0):
		return "the value is no number"
	case math.IsInf(e.SE, 0) || e.SE < 0:
		return "the standard error is no number"
	case math.IsNaN(e.SE) && !hasNote(e, analysis.FewPSUs):
		return "there is no standard error and no note"
	case (math.IsNaN(e.Lo) || math.IsNaN(e.Hi)) && !hasNote(e, analysis.FewPSUs):
		return "there is no interval and no note"
	}
	return ""
}
