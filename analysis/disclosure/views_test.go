package disclosure

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

var guards = flag.Int("guards", 1, "random sets of filtered views of which all pairs are compared")

// within reports whether everybody in the one view is in the other by definition.
func (l *linked) within(narrow, wide analysis.Domain) bool {
	for name, class := range wide {
		a := l.axes[l.named[name]]
		inside := false
		for other, c := range narrow {
			b := l.axes[l.named[other]]
			inside = inside || b.base == a.base && a.holds(a.index[class], b.bases(b.index[c]))
		}
		if !inside {
			return false
		}
	}
	return true
}

// smallDifferences compares all pairs of shown cells, from their keys alone, and counts
// those whose difference is a group of fewer than least respondents.
func smallDifferences(t *testing.T, p Publication, shown func(analysis.Domain) bool, least int) (pairs, small int) {
	t.Helper()
	l, err := link(p)
	if err != nil {
		t.Fatal(err)
	}
	var cells []Cell
	for _, c := range p.Cells {
		if c.N > 0 && shown(c.Key) {
			cells = append(cells, c)
		}
	}
	for _, wide := range cells {
		for _, narrow := range cells {
			if len(narrow.Key) < len(wide.Key) || !l.within(narrow.Key, wide.Key) {
				continue
			}
			pairs++
			if d := wide.N - narrow.N; d > 0 && d < least {
				small++
			}
		}
	}
	return pairs, small
}

// cube counts people by the class of every dimension.
func (w world) cube(people []person) Publication {
	var all []string
	for _, d := range w.dimensions {
		all = append(all, d.Name)
	}
	one := w
	one.tables, one.groups = [][]string{all}, nil
	p := one.publish(people)
	p.Groups = w.groups
	p.Cells = slices.DeleteFunc(p.Cells, func(c Cell) bool { return len(c.Key) < len(all) })
	return p
}

var live = world{"a live page", 800, []Dimension{{"city", classes("city", 7)}, {"edu", classes("edu", 4)}, {"sex", classes("sex", 2)}, {"urban", classes("urban", 2)}},
	regions(classes("city", 7)), nil, 1, false}

// Readers filter as they like and subtract: of all pairs of views that a guard shows,
// none differ by a small group, nothing hidden is found from all of them together, and
// hiding small views alone would not do.
func TestFilteredViews(t *testing.T) {
	total := tally{}
	pairs, small, smallAlone := 0, 0, 0
	for seed := range *guards {
		rng := rand.New(rand.NewPCG(uint64(seed), 77))
		p := live.cube(live.draw(rng))
		guard, err := NewGuard(p, DefaultRules(), 3)
		if err != nil {
			t.Fatal(err)
		}
		all, err := Views(p, 3)
		if err != nil {
			t.Fatal(err)
		}
		n, bad := smallDifferences(t, all, guard.Shows, 10)
		pairs, small = pairs+n, small+bad
		_, alone := smallDifferences(t, all, func(key analysis.Domain) bool {
			for _, c := range all.Cells {
				if maps.Equal(c.Key, key) {
					return c.N >= 10
				}
			}
			return false
		}, 10)
		smallAlone += alone
		total.attackAll(t, all, DefaultRules())
	}
	t.Logf("%d pairs of shown views, of which %d differ by fewer than 10; where only views below 10 are hidden, %d do; %v", pairs, small, smallAlone, total)
	if small > 0 {
		t.Errorf("%d pairs of shown views differ by a small group", small)
	}
	if smallAlone == 0 || total.primaryOnly == 0 {
		t.Error("the attack finds nothing where it should")
	}
}

// The same holds for the tables of a report.
func TestShownCellsDifferByNoSmallGroup(t *testing.T) {
	for _, w := range worlds {
		p := w.publish(w.draw(rand.New(rand.NewPCG(3, 3))))
		r, err := Protect(p, DefaultRules())
		if err != nil {
			t.Fatal(err)
		}
		pairs, small := smallDifferences(t, p, func(key analysis.Domain) bool { _, hidden := r.Suppressed(key); return !hidden }, 10)
		if pairs == 0 || small > 0 {
			t.Errorf("%s: %d of %d pairs of shown cells differ by a small group", w.name, small, pairs)
		}
	}
}

// What a guard shows does not depend on the order of its cells, nor does what is hidden
// in a report, and the input stays as it was.
func TestTheOrderOfCellsDoesNotMatter(t *testing.T) {
	w := worlds[3]
	p := w.publish(w.draw(rand.New(rand.NewPCG(8, 8))))
	before := fmt.Sprint(p)
	r, err := Protect(p, DefaultRules())
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(p) != before {
		t.Error("Protect changed its input")
	}
	want := fmt.Sprint(r.Suppressions(), r.Narrow)
	rng := rand.New(rand.NewPCG(9, 9))
	for range 5 {
		rng.Shuffle(len(p.Cells), func(i, j int) { p.Cells[i], p.Cells[j] = p.Cells[j], p.Cells[i] })
		again, err := Protect(p, DefaultRules())
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(again.Suppressions(), again.Narrow); got != want {
			t.Fatal("another order of the cells hides others")
		}
	}
}

// A page that is refreshed shows new figures only when enough people have come.
func TestRefreshing(t *testing.T) {
	people := live.draw(rand.New(rand.NewPCG(6, 6)))
	guard := func(n int) *Guard {
		g, err := NewGuard(live.cube(people[:n]), DefaultRules(), 2)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	before, soon, late := guard(600), guard(609), guard(800)
	for _, c := range []struct {
		name  string
		later *Guard
		view  analysis.Domain
		want  bool
	}{
		{"nine more in all", soon, analysis.Domain{}, false},
		{"two hundred more", late, analysis.Domain{}, true},
		{"the same", before, analysis.Domain{"sex": "sex01"}, true},
		{"unknown class", late, analysis.Domain{"sex": "other"}, false},
		{"too many filters", late, analysis.Domain{"sex": "sex01", "city": "city01", "edu": "edu01"}, false},
	} {
		if got := before.Next(c.later, c.view); got != c.want {
			t.Errorf("%s: Next() = %v, want %v", c.name, got, c.want)
		}
	}
}

// A reader who multiplies the printed rates (one decimal) by n has the counts that
// Attack starts from, so it knows no more than the page tells.
func TestPrintedRatesAreCounts(t *testing.T) {
	for _, w := range worlds {
		if w.outcomes == 0 {
			continue
		}
		p := w.publish(w.draw(rand.New(rand.NewPCG(12, 12))))
		read, shown := 0, 0
		r, err := Protect(p, DefaultRules())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range p.Cells {
			if _, hidden := r.Suppressed(c.Key); hidden || c.N == 0 {
				continue
			}
			for _, k := range c.Outcomes {
				printed := math.Round(float64(k)/float64(c.N)*1000) / 1000
				lo, hi := Counts(printed, 1, c.N)
				shown++
				if lo == k && hi == k {
					read++
				} else if lo > k || hi < k {
					t.Errorf("%s: %d of %d is printed as %v, read as %d to %d", keyText(c.Key), k, c.N, printed, lo, hi)
				}
			}
		}
		if read < shown*95/100 || shown == 0 {
			t.Errorf("%s: %d of %d printed rates are counts, want nearly all", w.name, read, shown)
		}
	}
}

// Views are what counting the people gives.
func TestViewsAreSums(t *testing.T) {
	people := live.draw(rand.New(rand.NewPCG(14, 14)))
	got, err := Views(live.cube(people), 2)
	if err != nil {
		t.Fatal(err)
	}
	direct := live
	direct.tables = [][]string{{"city", "edu"}, {"city", "sex"}, {"city", "urban"}, {"region", "edu"}, {"region", "sex"}, {"region", "urban"}, {"edu", "sex"}, {"edu", "urban"}, {"sex", "urban"}}
	want := direct.publish(people)
	text := func(p Publication) []string {
		var list []string
		for _, c := range p.Cells {
			list = append(list, fmt.Sprint(keyText(c.Key), c.N, c.Outcomes))
		}
		slices.Sort(list)
		return list
	}
	if a, b := text(got), text(want); !slices.Equal(a, b) {
		t.Errorf("Views() has %d cells, counting has %d, or their numbers differ", len(a), len(b))
	}
}

// The city A is one village, and only its total is sensitive. Whoever goes from A to B
// has a level, and with it the cumulative levels that hold it; hidden without those it
// would be their difference.
func TestAMarginTakesCumulativeLevelsAlong(t *testing.T) {
	n := map[string][]int{"A": {30, 15, 12, 11}, "B": {40, 20, 15, 12}, "C": {80, 50, 40, 30}}
	d := []Dimension{{"city", []string{"A", "B", "C"}}, {"level", classes("level", 4)}}
	p := Publication{Dimensions: d, Groups: levels}
	of := map[string][]int{"level01": {0}, "level02": {1}, "level03": {2}, "level04": {3}, "fair or better": {1, 2, 3}, "good or better": {2, 3}}
	all := map[string]int{}
	for _, city := range d[0].Classes {
		sum := 0
		for class, parts := range of {
			c := Cell{Key: analysis.Domain{"city": city, "level": class}}
			for _, k := range parts {
				c.N += n[city][k]
			}
			all[class] += c.N
			p.Cells = append(p.Cells, c)
		}
		for _, x := range n[city] {
			sum += x
		}
		p.Cells = append(p.Cells, Cell{Key: analysis.Domain{"city": city}, N: sum, PSUs: 1 + b2i(city != "A")})
		all[""] += sum
	}
	for class := range of {
		p.Cells = append(p.Cells, Cell{Key: analysis.Domain{"level": class}, N: all[class]})
	}
	p.Cells = append(p.Cells, Cell{N: all[""]})
	r, err := Protect(p, DefaultRules())
	if err != nil {
		t.Fatal(err)
	}
	if found := r.Attack(); len(found) > 0 || len(r.Suppressions()) != 4 {
		t.Errorf("hidden %+v, found %+v; want A and B and a level of each, and nothing", r.Suppressions(), found)
	}
}
