package replicate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// people is a small sample in strata of PSUs, of different sizes and weights.
type people struct {
	columns  analysis.Columns
	y, share []float64
	sex, age analysis.FactorColumn
	in       []bool
}

// draw makes a sample with the given number of PSUs in each stratum.
func draw(seed uint64, psus ...int) people {
	r := rand.New(rand.NewPCG(seed, 1))
	p := people{
		sex: analysis.FactorColumn{Factor: analysis.Factor{ID: "sex", Levels: []string{"female", "male"}}},
		age: analysis.FactorColumn{Factor: analysis.Factor{ID: "age", Levels: []string{"young", "middle", "old"}}},
	}
	for h, n := range psus {
		for k := range n {
			effect := r.NormFloat64()
			for range 4 + r.IntN(5) {
				p.columns.Stratum = append(p.columns.Stratum, fmt.Sprintf("S%d", h))
				p.columns.PSU = append(p.columns.PSU, fmt.Sprintf("%02d", k))
				p.columns.Weight = append(p.columns.Weight, 1+3*r.Float64())
				p.y = append(p.y, 10+float64(h)+effect+r.NormFloat64())
				p.share = append(p.share, float64(r.IntN(2)))
				p.sex.Level = append(p.sex.Level, r.IntN(2))
				p.age.Level = append(p.age.Level, r.IntN(3))
				p.in = append(p.in, r.IntN(3) > 0)
			}
		}
	}
	return p
}

func (p people) design(t testing.TB) *analysis.Design {
	t.Helper()
	d, err := analysis.NewDesign(p.columns)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// domain is the rows of in as a factor.
func (p people) domain() analysis.FactorColumn {
	f := analysis.FactorColumn{Factor: analysis.Factor{ID: "in", Levels: []string{"no", "yes"}}}
	for _, yes := range p.in {
		l := 0
		if yes {
			l = 1
		}
		f.Level = append(f.Level, l)
	}
	return f
}

func (p people) cells(t testing.TB, d *analysis.Design) *analysis.Cells {
	t.Helper()
	c, err := d.Cells([]analysis.Variable{{Name: "y", Values: p.y}, {Name: "share", Values: p.share}},
		[]analysis.FactorColumn{p.sex, p.age, p.domain()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// margins are what the sample is raked to.
func (p people) margins() []weighting.Margin {
	return []weighting.Margin{
		{Name: "sex", Levels: p.sex.Levels, Level: p.sex.Level, Targets: []float64{520, 480}},
		{Name: "age", Levels: p.age.Levels, Level: p.age.Level, Targets: []float64{300, 400, 300}},
	}
}

// ok is a value whose error must be nil.
func ok[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// near fails unless two numbers agree relatively.
func near(t testing.TB, what string, got, want, rel float64) {
	t.Helper()
	if !(math.Abs(got-want) <= rel*math.Abs(want)) {
		t.Errorf("%s = %.15g, want %.15g, off by %.2g", what, got, want, got/want-1)
	}
}

// refuses fails unless the error has all the words.
func refuses(t testing.TB, what string, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("%s: error %v, want %q in it", what, err, w)
		}
	}
}
