package analysis_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// The people of every crossing are those that one counts by hand, whoever has no value or no
// level; cells in which nobody counted say so.
func TestPeople(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	const n = 900
	var cols analysis.Columns
	y := analysis.Variable{Name: "y"}
	sex := analysis.FactorColumn{Factor: analysis.Factor{ID: "sex", Levels: []string{"m", "f"}}}
	age := analysis.FactorColumn{Factor: analysis.Factor{ID: "age", Levels: []string{"a", "b", "c"}}}
	for range n {
		cols.Weight = append(cols.Weight, 1+rng.Float64())
		cols.Stratum = append(cols.Stratum, string(rune('A'+rng.IntN(3))))
		cols.PSU = append(cols.PSU, string(rune('a'+rng.IntN(25))))
		y.Values = append(y.Values, []float64{0, 1, 1, math.NaN()}[rng.IntN(4)])
		sex.Level = append(sex.Level, rng.IntN(2))
		age.Level = append(age.Level, rng.IntN(4)-1)
	}
	d, err := analysis.NewDesign(cols)
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.CountedCells([]analysis.Variable{{Name: "x", Values: make([]float64, n)}, y}, []analysis.FactorColumn{sex, age})
	if err != nil {
		t.Fatal(err)
	}
	most := 0.0 // also of those without a value
	byHand := func(in func(i int) bool) (p analysis.People) {
		psus := map[string]bool{}
		var weights, of []float64
		for i := range n {
			if !in(i) {
				continue
			}
			weights = append(weights, cols.Weight[i])
			if math.IsNaN(y.Values[i]) {
				continue
			}
			p.N++
			p.Weighted += cols.Weight[i]
			if y.Values[i] == 1 {
				p.Ones++
				p.WeightedOnes += cols.Weight[i]
			}
			of = append(of, cols.Weight[i])
			psus[cols.Stratum[i]+cols.PSU[i]] = true
		}
		slices.Sort(of)
		most = slices.Max(weights)
		p.PSUs, p.Largest, p.Second = len(psus), of[len(of)-1], of[len(of)-2]
		return p
	}
	check := func(name string, got, want analysis.People) {
		t.Helper()
		if math.Abs(got.Weighted-want.Weighted) > 1e-9 || math.Abs(got.WeightedOnes-want.WeightedOnes) > 1e-9 {
			t.Errorf("%s weigh %v and %v, want %v and %v", name, got.Weighted, got.WeightedOnes, want.Weighted, want.WeightedOnes)
		}
		if got.Largest < want.Largest || got.Largest > most || got.Second < want.Second || got.Second > got.Largest {
			t.Errorf("%s have the weights %v and %v, want %v and %v, but at most %v", name, got.Largest, got.Second, want.Largest, want.Second, most)
		}
		got.Largest, got.Second = want.Largest, want.Second
		got.Weighted, got.WeightedOnes, want.Weighted, want.WeightedOnes = 0, 0, 0, 0
		if got != want {
			t.Errorf("%s are %+v, want %+v", name, got, want)
		}
	}
	all, err := c.People("y", nil)
	if err != nil {
		t.Fatal(err)
	}
	check("all", all[0], byHand(func(int) bool { return true }))
	crossed, err := c.People("y", nil, "sex", "age")
	if err != nil {
		t.Fatal(err)
	}
	for g, p := range crossed {
		check("a crossing", p, byHand(func(i int) bool { return sex.Level[i] == g/3 && age.Level[i] == g%3 }))
	}
	men, err := c.People("y", analysis.Domain{"sex": "m"}, "age")
	if err != nil {
		t.Fatal(err)
	}
	for g, p := range men {
		check("men", p, byHand(func(i int) bool { return sex.Level[i] == 0 && age.Level[i] == g }))
	}
	both, err := c.PeopleOf([]string{"y", "x"}, analysis.Domain{"sex": "m"}, "age")
	if err != nil || !slices.Equal(both[0], men) || both[1][0].N < men[0].N {
		t.Errorf("of two variables the people are %+v, %v", both, err)
	}
	bare, err := d.Cells([]analysis.Variable{y}, []analysis.FactorColumn{sex})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := bare.People("y", nil); err != nil || p[0].Ones != -1 || p[0].Largest != 0 || p[0].N != all[0].N {
		t.Errorf("without counts: %+v, %v", p, err)
	}
	if _, err := c.People("z", nil); err == nil {
		t.Error("a variable that is not there has people")
	}
	if _, err := c.People("y", analysis.Domain{"sex": "m"}, "sex"); err == nil {
		t.Error("a factor is fixed and crossed")
	}
}
