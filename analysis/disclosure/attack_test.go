package disclosure

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

var publications = flag.Int("publications", 4, "random publications of each kind that are attacked")

// person is one made-up respondent: the class on each dimension, answers, weight, PSU.
type person struct {
	class  []int
	yes    []bool
	weight float64
	psu    int
}

// world is how random publications are made.
type world struct {
	name       string
	people     int
	dimensions []Dimension
	groups     []Group
	tables     [][]string
	outcomes   int
	weighted   bool
}

func classes(prefix string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s%02d", prefix, i+1)
	}
	return list
}

// draw makes people whose classes have very unequal sizes, so that small cells abound;
// which class is small differs from draw to draw.
func (w world) draw(rng *rand.Rand) []person {
	var order [][]int
	for _, d := range w.dimensions {
		order = append(order, rng.Perm(len(d.Classes)))
	}
	people := make([]person, w.people)
	for i := range people {
		p := &people[i]
		for k, d := range w.dimensions {
			u := rng.Float64()
			p.class = append(p.class, order[k][int(u*u*float64(len(d.Classes)))])
		}
		for k := range w.outcomes {
			p.yes = append(p.yes, rng.Float64() < 0.15*float64(k+1)+0.02*float64(p.class[0]%3))
		}
		p.weight = 200 + 800*rng.Float64()
		p.psu = p.class[0]*7 + rng.IntN(7)
	}
	return people
}

// publish counts the people into the tables with all their margins.
func (w world) publish(people []person) Publication {
	p := Publication{Dimensions: w.dimensions, Groups: w.groups}
	l, err := link(p)
	if err != nil {
		panic(err)
	}
	wanted := map[string][]string{}
	for _, t := range w.tables {
		for set := range 1 << len(t) {
			var names []string
			for k, name := range t {
				if set&(1<<k) != 0 {
					names = append(names, name)
				}
			}
			slices.Sort(names)
			wanted[fmt.Sprint(names)] = names
		}
	}
	sums := map[string]*Cell{}
	psus := map[string]map[int]bool{}
	for _, names := range slices.Sorted(maps.Keys(wanted)) {
		for _, person := range people {
			for _, key := range l.keysOf(person, wanted[names]) {
				at := fmt.Sprint(key)
				if sums[at] == nil {
					sums[at], psus[at] = &Cell{Key: key, Outcomes: make([]int, w.outcomes)}, map[int]bool{}
					if w.weighted {
						sums[at].WeightedOutcomes = make([]float64, w.outcomes)
					}
				}
				count(sums[at], person, w.weighted)
				psus[at][person.psu] = true
			}
		}
	}
	for _, at := range slices.Sorted(maps.Keys(sums)) {
		c := *sums[at]
		c.PSUs = len(psus[at])
		p.Cells = append(p.Cells, c)
	}
	return p
}

func count(c *Cell, p person, weighted bool) {
	c.N++
	for k, yes := range p.yes {
		if yes {
			c.Outcomes[k]++
		}
	}
	if !weighted {
		return
	}
	c.Weighted += p.weight
	if p.weight > c.Largest {
		c.Largest, c.Second = p.weight, c.Largest
	} else if p.weight > c.Second {
		c.Second = p.weight
	}
	for k, yes := range p.yes {
		if yes {
			c.WeightedOutcomes[k] += p.weight
		}
	}
}

// keysOf lists the cells of a table that a person is in.
func (l *linked) keysOf(p person, names []string) []analysis.Domain {
	keys := []analysis.Domain{{}}
	for _, name := range names {
		a := l.axes[l.named[name]]
		var more []analysis.Domain
		for _, key := range keys {
			for _, c := range a.in[p.class[a.base]] {
				k := maps.Clone(key)
				k[name] = a.classes[c]
				more = append(more, k)
			}
		}
		keys = more
	}
	return keys
}

func regions(cities []string) []Group {
	var list []Group
	for k := 0; k < len(cities); k += 3 {
		list = append(list, Group{"region", fmt.Sprintf("region%d", k/3+1), "city", cities[k:min(k+3, len(cities))]})
	}
	return list
}

var levels = []Group{
	{"level", "fair or better", "level", []string{"level02", "level03", "level04"}},
	{"level", "good or better", "level", []string{"level03", "level04"}},
}

// worlds are the kinds of publications: two-way, three-way, hierarchies, tables that
// share margins, cumulative levels.
var worlds = []world{
	{"one two-way table", 400, []Dimension{{"city", classes("city", 11)}, {"edu", classes("edu", 6)}}, nil,
		[][]string{{"city", "edu"}}, 1, true},
	{"one three-way table", 1500, []Dimension{{"city", classes("city", 8)}, {"edu", classes("edu", 5)}, {"sex", classes("sex", 2)}}, nil,
		[][]string{{"city", "edu", "sex"}}, 1, false},
	{"cities in regions, by education", 700, []Dimension{{"city", classes("city", 12)}, {"edu", classes("edu", 5)}, {"sex", classes("sex", 2)}}, regions(classes("city", 12)),
		[][]string{{"city", "edu"}, {"region", "edu"}, {"region", "sex"}, {"city", "sex"}}, 1, true},
	{"tables that share margins", 900, []Dimension{{"city", classes("city", 11)}, {"edu", classes("edu", 5)}, {"age", classes("age", 6)}, {"sex", classes("sex", 2)}, {"job", classes("job", 8)}}, nil,
		[][]string{{"city", "edu"}, {"city", "age"}, {"city", "sex"}, {"edu", "age"}, {"job", "sex"}, {"job", "edu"}, {"sex", "age"}}, 2, false},
	{"cumulative and exclusive levels", 900, []Dimension{{"city", classes("city", 11)}, {"level", classes("level", 4)}, {"sex", classes("sex", 2)}}, append(regions(classes("city", 11)), levels...),
		[][]string{{"city", "level"}, {"region", "level"}, {"sex", "level"}, {"region", "sex"}}, 0, false},
	{"small cities, by cumulative levels", 160, []Dimension{{"city", classes("city", 9)}, {"level", classes("level", 4)}, {"sex", classes("sex", 2)}}, append(regions(classes("city", 9)), levels...),
		[][]string{{"city", "level"}, {"region", "level"}, {"city", "sex"}}, 0, false},
	{"rates of few people whose weights are known", 220, []Dimension{{"city", classes("city", 7)}, {"sex", classes("sex", 2)}, {"edu", classes("edu", 4)}}, nil,
		[][]string{{"city", "sex"}, {"city", "edu"}}, 3, true},
	{"regions without their cities", 500, []Dimension{{"city", classes("city", 12)}, {"age", classes("age", 6)}, {"sex", classes("sex", 2)}}, regions(classes("city", 12)),
		[][]string{{"region", "age", "sex"}, {"city", "sex"}}, 1, false},
}

// tally counts what attackers tried and found.
type tally struct {
	publications, cells, sensitive, complementary, exact, bounds, narrow, primaryOnly int
}

func (t tally) String() string {
	return fmt.Sprintf("%d publications, %d cells, %d sensitive, %d hidden with them; found exactly %d, too closely %d; narrow %d; with the sensitive cells hidden alone: %d found",
		t.publications, t.cells, t.sensitive, t.complementary, t.exact, t.bounds, t.narrow, t.primaryOnly)
}

// attackAll protects and attacks a publication, and attacks it with only the sensitive
// cells hidden.
func (n *tally) attackAll(t *testing.T, p Publication, rules Rules) *Result {
	t.Helper()
	result, err := Protect(p, rules)
	if err != nil {
		t.Fatal(err)
	}
	n.publications++
	n.cells += len(p.Cells)
	n.narrow += len(result.Narrow)
	for _, w := range result.Narrow {
		if w.Got < 1 {
			t.Errorf("nothing remains uncertain: %+v", w)
		}
	}
	var alone []analysis.Domain
	for _, s := range result.Suppressions() {
		if s.Reason == Complementary {
			n.complementary++
			continue
		}
		n.sensitive++
		alone = append(alone, s.Key)
	}
	breaches := result.Attack()
	for _, b := range breaches {
		if b.Exact {
			n.exact++
		} else {
			n.bounds++
		}
		t.Errorf("%s is found: %+v", keyText(b.Key), b)
	}
	worse, err := Attack(p, rules, alone)
	if err != nil {
		t.Fatal(err)
	}
	n.primaryOnly += len(worse)
	return result
}

func TestNothingHiddenIsFound(t *testing.T) {
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			n := tally{}
			for seed := range *publications {
				rng := rand.New(rand.NewPCG(uint64(seed), 9))
				n.attackAll(t, w.publish(w.draw(rng)), DefaultRules())
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
			t.Log(n)
			if n.narrow*50 > n.sensitive {
				t.Errorf("%v: less remains uncertain than the rules ask about too many", n)
			}
			if n.sensitive == 0 || n.primaryOnly < n.publications {
				t.Errorf("%v: the attack finds too little where it should find something", n)
			}
		})
	}
}
