package live_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/live"
)

var surveysWatched = flag.Int("watched", 1, "surveys that are watched from the first interview to the last")

// watcher remembers every rate that was ever shown of a group, in either view.
type watcher struct {
	seen   map[string][][]string
	pairs  int
	close  int // pairs that differ by fewer than a step
	moved  int
	latest map[string]string
}

// see compares what is shown now with all that was before, of the same group.
func (w *watcher) see(group, view string, now []string) {
	text := fmt.Sprint(now)
	if len(now) == 0 || w.latest[group+view] == text {
		return
	}
	w.latest[group+view] = text
	w.moved++
	for _, before := range w.seen[group] {
		if d := len(less(before, now)) + len(less(now, before)); d > 0 {
			w.pairs++
			if d < step {
				w.close++
			}
		}
	}
	w.seen[group] = append(w.seen[group], now)
}

func newWatcher() *watcher {
	return &watcher{seen: map[string][][]string{}, latest: map[string]string{}}
}

// Who watches both views from the first interview to the last finds no two rates of a group, at
// whatever times, that differ by fewer people than may be shown: not when nearly all interviews
// pass their reviews in the order in which they came, nor at the end, when all have, nor when
// some are sent back. The first people of each view by themselves would tell some of them.
func TestTwoViewsTellNothing(t *testing.T) {
	kept, naive := newWatcher(), newWatcher()
	missing := 0
	for seed := range uint64(*surveysWatched) {
		f := begin(t, 160, 40+seed)
		b := f.board()
		var came, passed []string // by themselves, in their orders
		waiting := []int{}
		name := func(s string) string { return fmt.Sprint(seed, " ", s) }
		look := func() {
			for view, list := range map[live.View][]string{live.All: came, live.Approved: passed} {
				figures := f.figures(b, view, "")
				kept.see(name("everybody"), fmt.Sprint(view), b.Shown(view, "", "", ""))
				for _, table := range figures.Tables {
					for _, g := range table.Groups {
						kept.see(name(table.Factor.ID+g.Level.Code), fmt.Sprint(view), b.Shown(view, "", table.Factor.ID, g.Level.Code))
					}
				}
				first := slices.Clone(list[:len(list)/step*step])
				slices.Sort(first)
				naive.see(name("everybody"), fmt.Sprint(view), first)
			}
		}
		pass := func(i int) {
			f.change(i, approve)
			passed = append(passed, f.cases[i].ID)
		}
		for i := range f.cases {
			f.interview(i, fmt.Sprintf("i%d", i), 1)
			came = append(came, f.cases[i].ID)
			waiting = append(waiting, i)
			for len(waiting) > 8 { // the oldest one, or now and then one that is not
				k := 0
				if f.rng.IntN(12) == 0 {
					k = 1 + f.rng.IntN(3)
				}
				pass(waiting[k])
				waiting = slices.Delete(waiting, k, k+1)
			}
			if i%40 == 39 { // one is sent back
				back := f.rng.IntN(i - 10)
				f.change(back, func(c *live.Case) { c.Interviewed, c.Approved, c.State = false, false, fieldwork.Assigned })
				gone := func(id string) bool { return id == f.cases[back].ID }
				came, passed = slices.DeleteFunc(came, gone), slices.DeleteFunc(passed, gone)
				waiting = slices.DeleteFunc(waiting, func(k int) bool { return k == back })
			}
			if i%3 == 0 {
				look()
			}
		}
		for _, i := range waiting {
			pass(i)
			look()
		}
		for _, view := range []live.View{live.All, live.Approved} {
			figures := f.figures(b, view, "")
			missing = max(missing, figures.Everybody.N-figures.Everybody.Estimate.N)
		}
	}
	t.Logf("%d rates shown, %d pairs compared, of which %d differ by fewer than %d; %d of %d with the first people of each view; at the end %d people at most are in no rate",
		kept.moved, kept.pairs, kept.close, step, naive.close, naive.pairs, missing)
	if kept.close > 0 || naive.close == 0 {
		t.Errorf("%d pairs differ by a few people, %d of the first people", kept.close, naive.close)
	}
	if missing > 3*step {
		t.Errorf("%d people are in no rate at the end", missing)
	}
}

// What all pages show together, of everything, of the cities and of the counties, tells nothing
// that one of them withholds. Judged one by one, they would.
func TestPagesOfAllAreasTellNothing(t *testing.T) {
	f := begin(t, 1500, 50)
	rare := []string{"primary", "junior", "senior", "college", "bachelor"}
	for i := range f.cases {
		f.interview(i, fmt.Sprintf("i%d", i), 1)
		f.change(i, approve)
		k := f.rng.IntN(100)
		f.records[i].Answers["education"] = []string{rare[min(4, (k+2)/20)]}
		if k < 4 {
			f.records[i].Answers["education"] = []string{"primary"}
		} else if k < 24 {
			f.records[i].Answers["education"] = []string{"junior"}
		}
		if f.rng.IntN(30) > 0 {
			f.records[i].Answers["age"] = []string{fmt.Sprint(18 + f.rng.IntN(40))}
		}
	}
	b := f.board()
	pub, pages := f.everything()
	shown := map[string]bool{}
	alone := map[string]bool{} // what every page would show, judged by itself
	for _, area := range pages {
		figures := f.figures(b, live.Approved, area)
		key := areaKey(area)
		mark := func(key analysis.Domain, g live.Group) {
			if !g.Withheld {
				shown[fmt.Sprint(key)] = true
			}
		}
		mark(key, figures.Everybody)
		for _, p := range figures.Places {
			mark(areaKey(p.Code), p.Group)
		}
		for _, table := range figures.Tables {
			for _, g := range table.Groups {
				if id := table.Factor.ID; slices.Contains(attacked, id) {
					k := areaKey(area)
					k[id] = g.Level.Code
					mark(k, g)
				}
			}
		}
		for _, c := range byItself(t, pub, area) {
			alone[fmt.Sprint(c)] = true
		}
	}
	attack := func(shown map[string]bool) (hidden, exact, close int) {
		var keys []analysis.Domain
		for _, c := range pub.Cells {
			if !shown[fmt.Sprint(c.Key)] && !c.Unprinted && len(c.Key) > 0 {
				keys = append(keys, c.Key)
			}
		}
		list, err := disclosure.Attack(pub, disclosure.DefaultRules(), keys)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range list {
			if b.Exact {
				exact++
			} else {
				close++
			}
		}
		return len(keys), exact, close
	}
	hidden, exact, closer := attack(shown)
	hiddenAlone, exactAlone, closerAlone := attack(alone)
	t.Logf("%d pages of %d cells: %d withheld, %d found and %d too closely; judged one by one %d withheld, %d found and %d too closely",
		len(pages), len(pub.Cells), hidden, exact, closer, hiddenAlone, exactAlone, closerAlone)
	if exact > 0 || len(shown) < len(pub.Cells)/2 {
		t.Errorf("%d withheld numbers are found, %d cells are shown", exact, len(shown))
	}
	if exactAlone == 0 {
		t.Error("pages that are judged one by one tell nothing, so this test shows nothing")
	}
}

// attacked are the tables that are attacked.
var attacked = []string{"sex", "age_group", "education"}

func areaKey(area string) analysis.Domain {
	switch len(area) {
	case 0:
		return analysis.Domain{}
	case 4:
		return analysis.Domain{"city": area}
	}
	return analysis.Domain{"county": area}
}

// everything counts the people of all pages, straight from their answers.
func (f *field) everything() (pub disclosure.Publication, pages []string) {
	parts := map[string][]string{}
	at := map[string]int{}
	psus := map[string]map[string]bool{}
	ids := slices.DeleteFunc(slices.Clone(attacked), func(id string) bool { return f.plan.Factor(id) == nil })
	for i, r := range f.records {
		c := f.cases[i]
		result, _ := f.scorer.Score(r.Answers)
		literate := f.q.Criterion.Reaches(result.Total, f.q.Criterion.Cut)
		if city := c.Area[:4]; !slices.Contains(parts[city], c.Area) {
			parts[city] = append(parts[city], c.Area)
		}
		for _, area := range []string{"", c.Area[:4], c.Area} {
			keys := []analysis.Domain{areaKey(area)}
			for _, id := range ids {
				key := areaKey(area)
				key[id] = f.plan.Factor(id).Levels[f.plan.Factor(id).Level(r.Answers.First(f.plan.Factor(id).Answer))].Code
				keys = append(keys, key)
			}
			for _, key := range keys {
				name := fmt.Sprint(key)
				k, known := at[name]
				if !known {
					k, at[name] = len(pub.Cells), len(pub.Cells)
					psus[name] = map[string]bool{}
					pub.Cells = append(pub.Cells, disclosure.Cell{Key: key, Outcomes: []int{0}})
				}
				pub.Cells[k].N++
				if literate {
					pub.Cells[k].Outcomes[0]++
				}
				psus[name][c.PSU] = true
				pub.Cells[k].PSUs = len(psus[name])
			}
		}
	}
	pages = []string{""}
	county := disclosure.Dimension{Name: "county"}
	for _, city := range slices.Sorted(maps.Keys(parts)) {
		county.Classes = append(county.Classes, parts[city]...)
		pub.Groups = append(pub.Groups, disclosure.Group{Dimension: "city", Class: city, Of: "county", Parts: parts[city]})
		pages = append(append(pages, city), parts[city]...)
	}
	pub.Dimensions = []disclosure.Dimension{county}
	for _, id := range ids {
		d := disclosure.Dimension{Name: id}
		for _, l := range f.plan.Factor(id).Levels {
			d.Classes = append(d.Classes, l.Code)
		}
		pub.Dimensions = append(pub.Dimensions, d)
	}
	return pub, pages
}

// byItself is what the page of an area would show if no other page were known: its tables, and
// the places that it divides into.
func byItself(t *testing.T, pub disclosure.Publication, area string) (shown []analysis.Domain) {
	t.Helper()
	page := disclosure.Publication{Dimensions: pub.Dimensions[1:]}
	places := disclosure.Dimension{Name: "place"}
	of := map[string]analysis.Domain{}
	for _, c := range pub.Cells {
		own, key := areaKey(area), maps.Clone(c.Key)
		switch {
		case len(area) == 0 && len(c.Key) == 1 && c.Key["city"] != "", len(area) == 4 && len(c.Key) == 1 && c.Key["county"] != "" && c.Key["county"][:4] == area:
			code := c.Key["city"] + c.Key["county"]
			places.Classes = append(places.Classes, code)
			key = analysis.Domain{"place": code}
		case key["city"] != own["city"] || key["county"] != own["county"]:
			continue
		default:
			delete(key, "city")
			delete(key, "county")
		}
		of[fmt.Sprint(key)] = c.Key
		c.Key = key
		page.Cells = append(page.Cells, c)
	}
	if len(places.Classes) > 0 {
		page.Dimensions = append([]disclosure.Dimension{places}, page.Dimensions...)
	}
	r, err := disclosure.Protect(page, disclosure.DefaultRules())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range page.Cells {
		if _, hidden := r.Suppressed(c.Key); !hidden {
			shown = append(shown, of[fmt.Sprint(c.Key)])
		}
	}
	return shown
}
