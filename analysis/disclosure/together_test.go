package disclosure

import (
	"math/rand/v2"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// A cell of everybody tells what the grand total does, so no rule hides it.
func TestEverybodyIsNoCell(t *testing.T) {
	p := Publication{Dimensions: []Dimension{{"sex", []string{"f", "m"}}},
		Cells: []Cell{{N: 100, PSUs: 2}, {Key: analysis.Domain{"sex": "f"}, N: 100, PSUs: 1}}}
	r, err := Protect(p, DefaultRules())
	if err != nil || len(r.Suppressions()) > 0 {
		t.Errorf("Protect() hides %v, %v", r.Suppressions(), err)
	}
}

// The same people under two names are hidden together, and what would tell them is hidden too.
func TestSamePeople(t *testing.T) {
	cell := func(n, yes int, weight float64, key analysis.Domain) Cell {
		return Cell{Key: key, N: n, Outcomes: []int{yes}, Weighted: weight, WeightedOutcomes: []float64{10 * float64(yes)}}
	}
	p := Publication{
		Dimensions: []Dimension{{"age", []string{"young", "middle", "old"}}, {"work", []string{"pupil", "worker", "pensioner"}}},
		Cells: []Cell{
			cell(300, 90, 3000, nil),
			cell(6, 2, 61.5, analysis.Domain{"age": "young"}), cell(254, 78, 2538, analysis.Domain{"age": "middle"}), cell(40, 10, 400.5, analysis.Domain{"age": "old"}),
			cell(60, 20, 600, analysis.Domain{"work": "pupil"}), cell(200, 60, 1999.5, analysis.Domain{"work": "worker"}), cell(40, 10, 400.5*(1+1e-13), analysis.Domain{"work": "pensioner"}),
		},
	}
	hidden := func(p Publication) (list []string) {
		t.Helper()
		r, err := Protect(p, DefaultRules())
		if err != nil {
			t.Fatal(err)
		}
		if found := r.Attack(); len(found) > 0 {
			t.Errorf("the attack finds %+v; narrow %+v; hidden %+v", found, r.Narrow, r.Suppressions())
		}
		for _, s := range r.Suppressions() {
			list = append(list, keyText(s.Key))
		}
		return list
	}
	if got := hidden(p); len(got) != 2 {
		t.Fatalf("hidden %v, want the young and the old", got)
	}
	SamePeople(p.Cells)
	if got := hidden(p); len(got) != 4 {
		t.Errorf("hidden %v, want the old, the pensioners, and one more of each table", got)
	}
}

// The weights that people have do not decide which of the cells are hidden that need not be,
// unless what they ask for is more than what the counts do.
func TestProtectInSteps(t *testing.T) {
	apart, once, cells := 0, 0, 0
	for seed := range uint64(20) {
		w := world{name: "two weightings", people: 900, outcomes: 1, weighted: true, tables: [][]string{{"city", "sex"}, {"city", "edu"}, {"edu", "sex"}},
			dimensions: []Dimension{{"city", classes("city", 9)}, {"sex", classes("sex", 2)}, {"edu", classes("edu", 5)}}}
		rng := rand.New(rand.NewPCG(seed, 8))
		people := w.draw(rng)
		other := append([]person(nil), people...)
		for i := range other {
			other[i].weight *= []float64{0.3, 1, 3}[other[i].class[2]%3] * (0.8 + 0.4*rng.Float64())
		}
		differ := func(protect func(Publication, Rules) (*Result, error)) (n int) {
			var results [2]*Result
			for k, who := range [][]person{people, other} {
				var err error
				if results[k], err = protect(w.publish(who), DefaultRules()); err != nil {
					t.Fatal(err)
				}
				if found := results[k].Attack(); len(found) > 0 {
					t.Fatalf("seed %d: the attack finds %+v", seed, found)
				}
			}
			for i := range results[0].l.cells {
				n += b2i(results[0].hidden[i] != results[1].hidden[i])
			}
			cells += len(results[0].Suppressions())
			return n
		}
		apart += differ(ProtectInSteps)
		once += differ(Protect)
	}
	t.Logf("of %d hidden cells %d differ between two weightings, %d where the weights take part at once", cells/2, apart, once)
	if apart >= once {
		t.Errorf("%d cells differ in steps and %d at once", apart, once)
	}
}
