package report

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

var verbose = flag.Bool("breaches", false, "log what attacks find")

var reports = flag.Int("reports", 15, "random reports that are attacked as they are printed")

// keys are the cells of the tables of weighed that somebody is in.
func (p person) keys() []analysis.Domain {
	city, sex := testCities[p.city], []string{"male", "female"}[p.sex]
	elderly := rest
	if p.age == 2 {
		elderly = "in"
	}
	return []analysis.Domain{{}, {"city": city}, {"region": []string{"north", "south"}[p.city/2]}, {"sex": sex}, {"age": testAges[p.age]},
		{"key/elderly": elderly}, {"city": city, "sex": sex}}
}

// tables are those of weighed, empty.
func tables() disclosure.Publication {
	return disclosure.Publication{
		Dimensions: []disclosure.Dimension{{Name: "city", Classes: testCities}, {Name: "sex", Classes: []string{"male", "female"}},
			{Name: "age", Classes: testAges}, {Name: "key/elderly", Classes: []string{"in", rest}}},
		Groups: []disclosure.Group{{Dimension: "region", Class: "north", Of: "city", Parts: testCities[:2]}, {Dimension: "region", Class: "south", Of: "city", Parts: testCities[2:]}},
	}
}

// truth counts people into the tables, straight from what each of them is.
func truth(people []person, weights func(int) float64) disclosure.Publication {
	pub, at := tables(), map[string]int{}
	psus := map[string]map[int]bool{}
	for i, p := range people {
		for _, key := range p.keys() {
			name := fmt.Sprint(key)
			k, known := at[name]
			if !known {
				k = len(pub.Cells)
				at[name], psus[name] = k, map[int]bool{}
				pub.Cells = append(pub.Cells, disclosure.Cell{Key: key, Outcomes: []int{0}, WeightedOutcomes: []float64{0}, Unprinted: key["key/elderly"] == rest, Exempt: key["key/elderly"] == rest})
			}
			c := &pub.Cells[k]
			c.N++
			c.Weighted += weights(i)
			if p.literate {
				c.Outcomes[0]++
				c.WeightedOutcomes[0] += weights(i)
			}
			psus[name][p.city*10+i%9] = true
			c.PSUs = len(psus[name])
			w := weights(i)
			c.Largest, c.Second = max(c.Largest, w), max(c.Second, min(c.Largest, w))
		}
	}
	disclosure.SamePeople(pub.Cells)
	return pub
}

// known is what a reader knows of people whose weights by place and group are published, as the
// margins of the weighting are: beside every shown rate the weight of its group, and of a
// hidden group the weight alone. Weights are counted in thousandths, as people would be, and
// having the outcome or not is a further way to divide them.
func knownWeights(pub disclosure.Publication, hidden, sensitive []analysis.Domain) (reader disclosure.Publication, out []analysis.Domain) {
	reader = pub
	reader.Dimensions = append(slices.Clone(pub.Dimensions), disclosure.Dimension{Name: "outcome", Classes: []string{"yes", "no"}})
	reader.Cells = nil
	// Thousandths are rounded in the finest cells, so that sums hold: each table adds up by
	// itself, since all weights are multiples of one.
	whole := func(w float64) int { return int(math.Round(1000 * w)) }
	for _, c := range pub.Cells {
		in := func(list []analysis.Domain) bool {
			return slices.ContainsFunc(list, func(k analysis.Domain) bool { return fmt.Sprint(k) == fmt.Sprint(c.Key) })
		}
		reader.Cells = append(reader.Cells, disclosure.Cell{Key: c.Key, N: whole(c.Weighted), Exempt: true, Same: c.Same})
		for k, w := range []float64{c.WeightedOutcomes[0], c.Weighted - c.WeightedOutcomes[0]} {
			key := analysis.Domain{"outcome": []string{"yes", "no"}[k]}
			for d, class := range c.Key {
				key[d] = class
			}
			cell := disclosure.Cell{Key: key, N: whole(w), Exempt: true, Unprinted: c.Unprinted}
			if c.Same > 0 {
				cell.Same = 2*c.Same + k + 1000
			}
			if in(hidden) {
				out = append(out, key)
			}
			if in(sensitive) && c.N > 0 && 2*w <= c.Weighted {
				cell.Exempt, cell.Sensitive = false, disclosure.FewRespondents
			}
			reader.Cells = append(reader.Cells, cell)
		}
	}
	return reader, out
}

// printed lists the cells that a document withholds, read from its tables.
func withheldIn(t *testing.T, r *assess.Results, p Disclosure) (hidden []analysis.Domain) {
	t.Helper()
	doc, err := Build(r, surveys.EN, Options{Now: fixtureOptions.Now, Program: "suyang", Disclosure: p})
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]*document.Table{}
	for _, s := range doc.Sections {
		for _, b := range s.Blocks {
			if b.Table != nil {
				byID[b.Table.ID] = b.Table
			}
		}
	}
	row := func(id string, i, cell int) bool {
		table := byID[id]
		if table == nil {
			t.Fatalf("the document has no table %q, but %v", id, slices.Sorted(func(yield func(string) bool) {
				for k := range byID {
					if !yield(k) {
						return
					}
				}
			}))
		}
		return table.Rows[i].Cells[cell].Suppressed
	}
	for _, table := range r.Tables {
		for i, g := range table.Groups {
			key := analysis.Domain{tableID(table): g.Code}
			if table.Set != nil {
				key = analysis.Domain{"key/" + g.Code: "in"}
			}
			if row("table-"+tableID(table), i, 0) {
				hidden = append(hidden, key)
			}
		}
	}
	for _, c := range r.Crossings {
		for i, a := range c.Rows.Levels {
			for k, b := range c.Columns.Levels {
				if row("table-"+c.Rows.ID+"-by-"+c.Columns.ID, i, 2*k) {
					hidden = append(hidden, analysis.Domain{c.Rows.ID: a.Code, c.Columns.ID: b.Code})
				}
			}
		}
	}
	return hidden
}

// found sorts what an attack finds: what follows from the sums, and what lies within closer
// bounds than the rules want.
func found(t *testing.T, pub disclosure.Publication, rules disclosure.Rules, hidden []analysis.Domain) (exact, close int) {
	t.Helper()
	hidden = slices.DeleteFunc(slices.Clone(hidden), func(k analysis.Domain) bool {
		return !slices.ContainsFunc(pub.Cells, func(c disclosure.Cell) bool { return fmt.Sprint(c.Key) == fmt.Sprint(k) }) // nobody is there
	})
	list, err := disclosure.Attack(pub, rules, hidden)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range list {
		if *verbose && !b.Exact {
			t.Logf("%+v", b)
		}
		if b.Exact {
			exact++
		} else {
			close++
		}
	}
	return exact, close
}

// Nothing that a printed report withholds can be reckoned from what it prints: not by its
// counts and rates, and not by somebody who knows the weights of all groups beside.
func TestAttackOnReports(t *testing.T) {
	var exact, near, exactW, nearW, hiddenCells, exactAlone, exactAloneW int
	rules := disclosure.DefaultRules()
	uncertain := disclosure.Rules{Persons: 1, Share: 0.10}
	for seed := range uint64(*reports) {
		rng := rand.New(rand.NewPCG(seed, 11))
		people := crowd(rng, 60+rng.IntN(400))
		weight := make([]float64, len(people))
		for i := range weight { // multiples of a thousandth
			weight[i] = math.Round(1000*math.Exp(0.6*rng.NormFloat64())) / 1000
		}
		weights := func(i int) float64 { return weight[i] }
		r := weighed(people, weights)
		p, err := Protect(r, rules)
		if err != nil {
			t.Fatal(err)
		}
		hidden := withheldIn(t, r, p)
		if len(hidden) < p.Hidden-1 {
			t.Errorf("seed %d: %d cells are withheld and the document hides %d", seed, p.Hidden, len(hidden))
		}
		hiddenCells += len(hidden)
		pub := truth(people, weights)
		e, c := found(t, pub, rules, hidden)
		exact, near = exact+e, near+c
		var alone []analysis.Domain // the sensitive ones
		for _, k := range hidden {
			for at, why := range p.hidden {
				if why != Complementary && placeKey(at, k) {
					alone = append(alone, k)
				}
			}
		}
		reader, out := knownWeights(pub, hidden, alone)
		e, c = found(t, reader, uncertain, out)
		exactW, nearW = exactW+e, nearW+c
		e, _ = found(t, pub, rules, alone)
		exactAlone += e
		reader, out = knownWeights(pub, alone, alone)
		e, _ = found(t, reader, uncertain, out)
		exactAloneW += e
	}
	t.Logf("%d reports, %d cells withheld; found by counts %d, too closely %d; by who knows all weights %d, within 10 %% %d; with the sensitive cells withheld alone %d and %d",
		*reports, hiddenCells, exact, near, exactW, nearW, exactAlone, exactAloneW)
	if exact+exactW > 0 {
		t.Errorf("%d withheld numbers are found, %d by who knows the weights", exact, exactW)
	}
	if exactAlone == 0 || exactAloneW == 0 {
		t.Error("the reports have nothing to protect")
	}
}

// placeKey says whether a place prints a cell of the tables of weighed.
func placeKey(at Place, key analysis.Domain) bool {
	switch {
	case len(key) == 2:
		return at.Table == "city×sex" && at.Group == key["city"]+"×"+key["sex"]
	case at.Table == "key":
		return key["key/"+at.Group] == "in"
	}
	return key[at.Table] == at.Group && at.Group != ""
}

// twoReleases is what readers have of an older and a newer release: each person is in both, or
// in one of them only.
func twoReleases(people []person, in func(i int) string) disclosure.Publication {
	pub := tables()
	pub.Dimensions = append(pub.Dimensions, disclosure.Dimension{Name: "release", Classes: []string{"both", "gone", "new"}})
	pub.Groups = append(pub.Groups, disclosure.Group{Dimension: "release", Class: "older", Of: "release", Parts: []string{"both", "gone"}},
		disclosure.Group{Dimension: "release", Class: "newer", Of: "release", Parts: []string{"both", "new"}})
	at := map[string]int{}
	for i, p := range people {
		classes := []string{"", in(i)}
		if in(i) != "new" {
			classes = append(classes, "older")
		}
		if in(i) != "gone" {
			classes = append(classes, "newer")
		}
		for _, key := range p.keys() {
			for _, class := range classes {
				cell := analysis.Domain{}
				for d, c := range key {
					cell[d] = c
				}
				if class != "" {
					cell["release"] = class
				}
				name := fmt.Sprint(cell)
				k, known := at[name]
				if !known {
					k = len(pub.Cells)
					at[name] = k
					rest := key["key/elderly"] == rest
					pub.Cells = append(pub.Cells, disclosure.Cell{Key: cell, Outcomes: []int{0}, Exempt: rest, Unprinted: rest || class != "older" && class != "newer"})
				}
				pub.Cells[k].N++
				if p.literate {
					pub.Cells[k].Outcomes[0]++
				}
			}
		}
	}
	return pub
}

// told counts the withheld cells that follow from two releases together; what the newer one
// withholds and the older one printed is known anyway.
func told(t *testing.T, people []person, in func(int) string, older, newer []analysis.Domain) (n int) {
	t.Helper()
	var hidden []analysis.Domain
	pub := twoReleases(people, in)
	names := map[string]bool{}
	for k, list := range [][]analysis.Domain{older, newer} {
		for _, key := range list {
			cell := analysis.Domain{"release": []string{"older", "newer"}[k]}
			for d, c := range key {
				cell[d] = c
			}
			if slices.ContainsFunc(pub.Cells, func(c disclosure.Cell) bool { return fmt.Sprint(c.Key) == fmt.Sprint(cell) }) {
				hidden = append(hidden, cell)
				names[fmt.Sprint(cell)] = k == 0 || slices.ContainsFunc(older, func(o analysis.Domain) bool { return fmt.Sprint(o) == fmt.Sprint(key) })
			}
		}
	}
	list, err := disclosure.Attack(pub, disclosure.DefaultRules(), hidden)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range list {
		if b.Exact && names[fmt.Sprint(b.Key)] {
			n++
			if *verbose {
				t.Logf("%+v", b)
			}
		}
	}
	return n
}

// tenth is somebody of a group of ten, which is published while one of nine is not; -1 where
// there is none.
func tenth(people []person) int {
	n := map[string]int{}
	for _, p := range people {
		for _, key := range p.keys() {
			n[fmt.Sprint(key)]++
		}
	}
	return slices.IndexFunc(people, func(p person) bool {
		return slices.ContainsFunc(p.keys(), func(key analysis.Domain) bool { return n[fmt.Sprint(key)] == disclosure.DefaultRules().MinN })
	})
}

// A correction, of data that differ by one interview, withholds what the release before it did,
// and the two together tell no number that either of them withholds. Judged by itself it would.
func TestCorrectionsTellNothing(t *testing.T) {
	together, alone, shown, fewer := 0, 0, 0, 0
	rules := disclosure.DefaultRules()
	for seed := range uint64(*reports) {
		rng := rand.New(rand.NewPCG(seed, 12))
		people := crowd(rng, 60+rng.IntN(300))
		odd, where := rng.IntN(len(people)), []string{"gone", "new"}[rng.IntN(2)] // who is in one of them only
		if k := tenth(people); k >= 0 && rng.IntN(4) > 0 {
			odd, where = k, "new"
		}
		in := func(i int) string {
			if i == odd {
				return where
			}
			return "both"
		}
		without := slices.Delete(slices.Clone(people), odd, odd+1)
		first, second := people, without
		if where == "new" {
			first, second = without, people
		}
		hide := func(people []person, before ...Place) ([]analysis.Domain, *Protected) {
			r := small(people)
			p, err := Protect(r, rules, before...)
			if err != nil {
				t.Fatal(err)
			}
			return withheldIn(t, r, p), p
		}
		older, p := hide(first)
		newer, q := hide(second, p.Places()...)
		itself, _ := hide(second)
		together += told(t, people, in, older, newer)
		alone += told(t, people, in, older, itself)
		for _, at := range p.Places() {
			if _, is := q.Withheld(at); !is {
				shown++
			}
		}
		for _, k := range older {
			if !slices.ContainsFunc(itself, func(l analysis.Domain) bool { return fmt.Sprint(l) == fmt.Sprint(k) }) {
				fewer++
			}
		}
	}
	t.Logf("%d corrections: together two releases tell %d withheld numbers, and %d where the correction is judged by itself, which shows %d that were withheld", *reports, together, alone, fewer)
	if together > 0 || shown > 0 {
		t.Errorf("%d withheld numbers are told and %d shown", together, shown)
	}
	if alone == 0 {
		t.Error("corrections judged by themselves tell nothing, so this test shows nothing")
	}
}

// Two weightings of the same people hide the same cells, but for those that weights make
// dangerous; and whatever the first report withholds, the second one does.
func TestTwoWeightingsHideTheSame(t *testing.T) {
	cells, apart, shown := 0, 0, 0
	for seed := range uint64(4 * *reports) {
		rng := rand.New(rand.NewPCG(seed, 13))
		people := crowd(rng, 60+rng.IntN(300))
		calibrated := make([]float64, len(people))
		for i, p := range people {
			calibrated[i] = []float64{0.7, 1.4}[p.sex] * []float64{1.2, 0.8, 1.5}[p.age] * (0.5 + rng.Float64())
		}
		r := weighed(people, func(i int) float64 { return calibrated[i] })
		base, err := Protect(small(people), disclosure.DefaultRules())
		if err != nil {
			t.Fatal(err)
		}
		alone, err := Protect(r, disclosure.DefaultRules())
		if err != nil {
			t.Fatal(err)
		}
		after, err := Protect(r, disclosure.DefaultRules(), base.Places()...)
		if err != nil {
			t.Fatal(err)
		}
		cells += len(base.Places())
		for _, at := range base.Places() {
			if _, is := alone.Withheld(at); !is {
				apart++
			}
			if _, is := after.Withheld(at); !is {
				shown++
			}
		}
	}
	t.Logf("of %d places withheld by the base weights the calibrated ones show %d by themselves and %d after the first report", cells, apart, shown)
	if shown > 0 || apart*20 > cells {
		t.Errorf("%d of %d places are shown by the other weights, %d after the first report", apart, cells, shown)
	}
}
