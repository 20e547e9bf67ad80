package disclosure

import (
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// small is a table with one cell to judge.
func small(c Cell) Publication {
	rest := Cell{Key: analysis.Domain{"sex": "male"}, N: 500, Outcomes: make([]int, len(c.Outcomes)), Weighted: 5000}
	all := Cell{Key: analysis.Domain{}, N: 500 + c.N, Weighted: 5000 + c.Weighted}
	for k := range c.Outcomes {
		rest.Outcomes[k] = 200
		all.Outcomes = append(all.Outcomes, 200+c.Outcomes[k])
	}
	c.Key = analysis.Domain{"sex": "female"}
	return Publication{Dimensions: []Dimension{{"sex", []string{"female", "male"}}}, Cells: []Cell{c, rest, all}}
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		name string
		cell Cell
		want Reason
	}{
		{"many", Cell{N: 200, Outcomes: []int{80}}, ""},
		{"nine people", Cell{N: 9, Outcomes: []int{4}}, FewRespondents},
		{"ten people", Cell{N: 10, Outcomes: []int{4}}, ""},
		{"nobody", Cell{N: 0, Outcomes: []int{0}}, ""},
		{"one village", Cell{N: 40, PSUs: 1, Outcomes: []int{20}}, FewPSUs},
		{"unknown villages", Cell{N: 40, Outcomes: []int{20}}, ""},
		{"all of a small group", Cell{N: 20, Outcomes: []int{20}}, AllOrNone},
		{"none of a small group", Cell{N: 20, Outcomes: []int{10, 0}}, AllOrNone},
		{"none of a large group", Cell{N: 30, Outcomes: []int{0}}, ""},
		{"two have most of the weight", Cell{N: 12, Weighted: 100, Largest: 60, Second: 26}, Dominance},
		{"two have just that much", Cell{N: 12, Weighted: 100, Largest: 60, Second: 25}, ""},
		{"exempt", Cell{N: 2, Exempt: true, Outcomes: []int{1}}, ""},
	} {
		l, err := link(small(c.cell))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		i := l.lookup(analysis.Domain{"sex": "female"})
		if got, _, _ := DefaultRules().judge(l, int(i)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The p% rule: 100 − 50 − 42 = 8 is below 20 % of 50. Hundepool et al. 2012, chapter 4:
// the sum must be uncertain by p·x₁ − (X − x₁ − x₂) = 10 − 8 = 2.
func TestPercentRule(t *testing.T) {
	r, c := Rules{Percent: 0.20, Persons: 1}, Cell{N: 12, Weighted: 100, Largest: 50, Second: 42}
	if share, broken := r.dominated(c); !broken || math.Abs(share-0.16) > 1e-12 {
		t.Errorf("dominated() = %v, %v, want 0.16 and true", share, broken)
	}
	if need := r.dominanceNeed(c); math.Abs(need-2) > 1e-12 {
		t.Errorf("dominanceNeed() = %v, want 2", need)
	}
	// (2, 85 %): 92/0.85 − 100 = 8.235…
	if need := (Rules{Top: 2, TopShare: 0.85}).dominanceNeed(c); math.Abs(need-(92/0.85-100)) > 1e-12 {
		t.Errorf("dominanceNeed() = %v, want 92/0.85 − 100", need)
	}
}

// A cell is sensitive when what is left of a wider one is a small group; those without
// an answer are none.
func TestTheDifferenceIsAGroup(t *testing.T) {
	p := Publication{
		Dimensions: []Dimension{{"edu", []string{"low", "high", "none given"}}},
		Cells: []Cell{
			{Key: analysis.Domain{"edu": "low"}, N: 300}, {Key: analysis.Domain{"edu": "high"}, N: 300},
			{Key: analysis.Domain{"edu": "none given"}, N: 4, Exempt: true, Unprinted: true}, {N: 604},
		},
		Groups: []Group{{"edu", "answered", "edu", []string{"low", "high"}}, {"edu", "not high", "edu", []string{"low", "none given"}}},
	}
	p.Cells = append(p.Cells, Cell{Key: analysis.Domain{"edu": "answered"}, N: 600})
	l, err := link(p)
	if err != nil {
		t.Fatal(err)
	}
	if reason, _, bad := DefaultRules().judge(l, int(l.lookup(analysis.Domain{"edu": "low"}))); bad {
		t.Errorf("low is %q, but nothing is small", reason)
	}
	p.Cells = append(p.Cells, Cell{Key: analysis.Domain{"edu": "not high"}, N: 304})
	if l, err = link(p); err != nil {
		t.Fatal(err)
	}
	if reason, value, _ := DefaultRules().judge(l, int(l.lookup(analysis.Domain{"edu": "low"}))); reason != Difference || value != 4 {
		t.Errorf("low is %q (%v), want a difference of 4 to \"not high\"", reason, value)
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	dims := []Dimension{{"sex", []string{"f", "m"}}, {"age", []string{"y", "o"}}}
	f, m, all := Cell{Key: analysis.Domain{"sex": "f"}, N: 40}, Cell{Key: analysis.Domain{"sex": "m"}, N: 60}, Cell{N: 100}
	for _, c := range []struct {
		name string
		p    Publication
		want string
	}{
		{"class unknown", Publication{Dimensions: dims, Cells: []Cell{{Key: analysis.Domain{"sex": "x"}}}}, `"x"`},
		{"dimension unknown", Publication{Dimensions: dims, Cells: []Cell{{Key: analysis.Domain{"job": "x"}}}}, `"job"`},
		{"twice", Publication{Dimensions: dims, Cells: []Cell{all, f, m, f}}, "twice"},
		{"sums do not hold", Publication{Dimensions: dims, Cells: []Cell{f, m, {N: 101}}}, "101"},
		{"no margin", Publication{Dimensions: dims, Cells: []Cell{all, f, m, {Key: analysis.Domain{"sex": "f", "age": "y"}, N: 10}}}, `total of its table over "sex"`},
		{"more than everybody", Publication{Dimensions: dims, Cells: []Cell{{N: 10, Outcomes: []int{11}}}}, "11 of 10"},
		{"outcomes differ", Publication{Dimensions: dims, Cells: []Cell{{N: 100, Outcomes: []int{1}}, f}}, "outcomes"},
		{"weight is no number", Publication{Dimensions: dims, Cells: []Cell{{N: 10, Weighted: math.NaN()}}}, "NaN"},
		{"group of nothing", Publication{Dimensions: dims, Groups: []Group{{"region", "r", "city", []string{"a"}}}}, `"city"`},
		{"group counts twice", Publication{Dimensions: dims, Groups: []Group{{"sex", "all", "sex", []string{"f", "f"}}}}, "overlap"},
		{"too small as a whole", Publication{Dimensions: dims, Cells: []Cell{{N: 9}}}, "do not publish"},
	} {
		_, err := Protect(c.p, DefaultRules())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %s", c.name, err, c.want)
		}
	}
	for _, r := range []Rules{{Persons: 0}, {Persons: 1, Top: 3}, {Persons: 1, Share: 1}, {Persons: 1, MinN: -1}} {
		if _, err := Protect(Publication{Dimensions: dims, Cells: []Cell{f, m, all}}, r); err == nil {
			t.Errorf("rules %+v gave no error", r)
		}
	}
}

// The reader of a table must not learn the reason: "fewer than 10" is a bound.
func TestTheNoteTellsNothing(t *testing.T) {
	r, err := Protect(investment(), Rules{MinN: 11, Persons: 3})
	if err != nil {
		t.Fatal(err)
	}
	notes := map[analysis.Note]bool{}
	reasons := map[Reason]bool{}
	for _, s := range r.Suppressions() {
		notes[s.Note()] = true
		reasons[s.Reason] = true
	}
	if len(reasons) != 2 || !maps.Equal(notes, map[analysis.Note]bool{{Code: Hidden}: true}) {
		t.Errorf("reasons %v, notes %v; want two reasons and one note", reasons, notes)
	}
	if _, hidden := r.Suppressed(analysis.Domain{"activity": "IV"}); !hidden {
		t.Error("a cell that is not part of the publication is shown")
	}
	if _, hidden := r.Suppressed(nil); hidden {
		t.Error("the grand total is hidden")
	}
}

func TestRelations(t *testing.T) {
	p := Publication{
		Dimensions: []Dimension{{"city", []string{"a", "b", "c"}}, {"sex", []string{"f", "m"}}},
		Groups:     []Group{{"region", "north", "city", []string{"a", "b"}}, {"region", "south", "city", []string{"c"}}},
		Cells: []Cell{
			{N: 60}, {Key: analysis.Domain{"region": "north"}, N: 40}, {Key: analysis.Domain{"region": "south"}, N: 20},
			{Key: analysis.Domain{"city": "a"}, N: 25}, {Key: analysis.Domain{"city": "b"}, N: 15}, {Key: analysis.Domain{"city": "c"}, N: 20},
			{Key: analysis.Domain{"sex": "f"}, N: 60},
		},
	}
	relations, err := p.Relations()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range relations {
		text := keyText(r.Total) + " ="
		for _, part := range r.Parts {
			text += " " + keyText(part)
		}
		got = append(got, text)
	}
	want := []string{
		"(grand total) = city=a city=b city=c", "(grand total) = sex=f", "(grand total) = region=north region=south",
		"region=north = city=a city=b", "region=south = city=c",
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("Relations() = %q, want %q", got, want)
	}
}

// A cell that its caller calls sensitive is hidden for that reason, with others.
func TestSensitiveOfTheCaller(t *testing.T) {
	cell := func(n int, why Reason, key analysis.Domain) Cell {
		return Cell{Key: key, N: n, Sensitive: why}
	}
	result, err := Protect(Publication{
		Dimensions: []Dimension{{Name: "city", Classes: []string{"a", "b", "c"}}},
		Cells: []Cell{cell(300, "", nil), cell(20, AllOrNone, analysis.Domain{"city": "a"}),
			cell(80, "", analysis.Domain{"city": "b"}), cell(200, "", analysis.Domain{"city": "c"})},
	}, DefaultRules())
	if err != nil {
		t.Fatal(err)
	}
	hidden := result.Suppressions()
	if len(hidden) != 2 || hidden[0].Reason != AllOrNone || hidden[0].Key["city"] != "a" || hidden[1].Key["city"] != "b" {
		t.Errorf("hidden are %v, want a for all or none, and b with it", hidden)
	}
	if found := result.Attack(); len(found) > 0 {
		t.Errorf("an attack finds %v", found)
	}
}
