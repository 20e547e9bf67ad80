package report

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// person is somebody of a small survey.
type person struct {
	city, sex, age int
	literate       bool
}

var (
	testCities = []string{"330100", "330200", "330300", "330400"}
	testAges   = []string{"young", "middle", "old"}
)

// small makes the results of a survey of people whose weights are unequal.
func small(people []person) *assess.Results {
	return weighed(people, func(i int) float64 { return 1 + float64(i%7)/10 })
}

// weighed makes the results of a survey with tables by city, region, sex and age, a crossing of
// city and sex, and the old as a group of their own. Weights are those that make shares
// known apart from counts.
func weighed(people []person, weights func(i int) float64) *assess.Results {
	text := func(s string) surveys.Text { return surveys.Text{surveys.ZH: s, surveys.EN: s} }
	factor := func(id, sample string, codes ...string) assess.Factor {
		f := assess.Factor{ID: id, Title: text(id), Sample: sample}
		for _, c := range codes {
			f.Levels = append(f.Levels, assess.Level{Code: c, Name: text(c), Values: []string{c}})
		}
		return f
	}
	city, sex, age := factor("city", "city", testCities...), factor("sex", "sex", "male", "female"), factor("age", "age", testAges...)
	region := assess.Factor{ID: "region", Title: text("region"), Sample: "city", Levels: []assess.Level{
		{Code: "north", Name: text("north"), Values: testCities[:2]}, {Code: "south", Name: text("south"), Values: testCities[2:]}}}
	rows := func(in func(person) bool) []assess.Row {
		e, who := analysis.Estimate{Level: 0.95}, analysis.People{}
		psus := map[int]bool{}
		for i, p := range people {
			if in(p) {
				w := weights(i)
				e.N++
				e.Weighted += w
				if p.literate {
					who.Ones++
					e.Value += w
				}
				psus[p.city*10+i%9] = true
				who.Largest, who.Second = max(who.Largest, w), max(who.Second, min(who.Largest, w))
			}
		}
		who.N, who.PSUs, who.Weighted, who.WeightedOnes = e.N, len(psus), e.Weighted, e.Value
		e.Value /= e.Weighted // of nobody it is NaN
		return []assess.Row{{Estimate: e, People: who}}
	}
	table := func(f assess.Factor, in func(person, int) bool) assess.Table {
		t := assess.Table{Factor: f}
		for l, level := range f.Levels {
			t.Groups = append(t.Groups, assess.Group{Code: level.Code, Name: level.Name, Max: 1, Rows: rows(func(p person) bool { return in(p, l) })})
		}
		return t
	}
	r := &assess.Results{
		Wave: "small", Plan: &assess.Plan{Factors: []assess.Factor{city, region, sex, age}}, Questionnaire: full().Questionnaire,
		SeriesLevels: []assess.Level{{}}, Headline: rows(func(person) bool { return true }),
		Tables: []assess.Table{
			table(city, func(p person, l int) bool { return p.city == l }), table(region, func(p person, l int) bool { return p.city/2 == l }),
			table(sex, func(p person, l int) bool { return p.sex == l }), table(age, func(p person, l int) bool { return p.age == l }),
			{Factor: assess.Factor{ID: "key", Title: text("key")}, Set: &assess.GroupSet{ID: "key"}, Groups: []assess.Group{
				{Code: "elderly", Name: text("elderly"), Max: 1, Rows: rows(func(p person) bool { return p.age == 2 })}}},
		},
	}
	cross := assess.CrossTable{Rows: city, Columns: sex}
	for c := range city.Levels {
		var cells [][]assess.Row
		for s := range sex.Levels {
			cells = append(cells, rows(func(p person) bool { return p.city == c && p.sex == s }))
		}
		cross.Cells = append(cross.Cells, cells)
	}
	r.Crossings = []assess.CrossTable{cross}
	return r
}

// crowd draws people; few of them are old or of the last city.
func crowd(rng *rand.Rand, n int) (people []person) {
	for range n {
		p := person{city: min(rng.IntN(4), rng.IntN(5), 3), sex: rng.IntN(2), age: rng.IntN(2), literate: rng.IntN(3) == 0}
		if rng.IntN(25) == 0 {
			p.age = 2
		}
		people = append(people, p)
	}
	return people
}

// What is withheld cannot be reckoned from what is shown: no single cell is missing in a sum
// that is printed, whatever table it is in, the same people under two names are withheld
// alike, and no cell below the limits is shown.
func TestProtect(t *testing.T) {
	hidden, sensitive := 0, 0
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 3))
		r := small(crowd(rng, 60+rng.IntN(300)))
		p, err := Protect(r, disclosure.DefaultRules())
		if err != nil {
			t.Fatal(err)
		}
		hidden, sensitive = hidden+p.Hidden, sensitive+p.Sensitive
		shown := func(table, group string) bool { _, is := p.Withheld(Place{Table: table, Group: group}); return !is }
		n := map[string]int{}
		for _, table := range r.Tables {
			missing, people := 0, 0
			for _, g := range table.Groups {
				e := g.Rows[0].Estimate
				n[tableID(table)+" "+g.Code] = e.N
				if !shown(tableID(table), g.Code) {
					missing++
					people += e.N
				} else if e.N > 0 && e.N < disclosure.DefaultRules().MinN {
					t.Errorf("seed %d: %s %s of %d people is shown", seed, tableID(table), g.Code, e.N)
				}
			}
			if table.Set == nil && missing == 1 {
				t.Errorf("seed %d: one group of %s is withheld, of %d people: everybody less the others tells it", seed, tableID(table), people)
			}
		}
		if shown("key", "elderly") != shown("age", "old") {
			t.Errorf("seed %d: the elderly are shown in one table only", seed)
		}
		for i, part := range [][]string{testCities[:2], testCities[2:]} { // regions of cities
			region, missing := []string{"north", "south"}[i], 0
			for _, c := range part {
				if !shown("city", c) {
					missing++
				}
			}
			if missing == 1 && shown("region", region) {
				t.Errorf("seed %d: one city of the %s is withheld, which the region tells", seed, region)
			}
		}
		for c, city := range testCities { // the crossing with its margins
			missing := 0
			for s, sex := range []string{"male", "female"} {
				if !shown("city×sex", city+"×"+sex) {
					missing++
				} else if e := r.Crossings[0].Cells[c][s][0].Estimate; e.N > 0 && e.N < disclosure.DefaultRules().MinN {
					t.Errorf("seed %d: %s×%s of %d people is shown", seed, city, sex, e.N)
				}
			}
			if missing == 1 && shown("city", city) {
				t.Errorf("seed %d: one sex of %s is withheld, which the city tells", seed, city)
			}
		}
	}
	if sensitive == 0 || hidden == sensitive {
		t.Errorf("%d are sensitive and %d withheld; the surveys have nothing to protect", sensitive, hidden)
	}
	t.Logf("%d cells are sensitive, %d are withheld", sensitive, hidden)
}

// Of a survey of nine people nothing may be published.
func TestProtectTooFew(t *testing.T) {
	_, err := Protect(small(crowd(rand.New(rand.NewPCG(1, 2)), 9)), disclosure.DefaultRules())
	if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(fmt.Sprint(err), "9") {
		t.Errorf("Protect() error = %v", err)
	}
}

// A topic by city withholds the cities that the table of cities does, which it would count,
// and never one alone, which everybody less the others would tell: some people do not answer,
// and then fewer of a city are left than in its table.
func TestProtectTopicLevels(t *testing.T) {
	hidden, further := 0, 0
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 5))
		people := crowd(rng, 60+rng.IntN(200))
		var answered []person
		for _, p := range people {
			if rng.IntN(10) > 0 {
				answered = append(answered, p)
			}
		}
		r, of := small(people), small(answered)
		cities := of.Tables[0]
		topic := assess.TopicResult{Topic: assess.Topic{ID: "interest", By: "city"}, Levels: cities.Factor.Levels,
			Groups: []assess.Group{{Code: "I01", Rows: of.Headline}}, By: [][][]assess.Row{nil}}
		for _, g := range cities.Groups {
			topic.By[0] = append(topic.By[0], g.Rows)
		}
		r.Topics = []assess.TopicResult{topic, {Topic: assess.Topic{ID: "plain"}, Groups: topic.Groups}}
		p, err := Protect(r, disclosure.DefaultRules())
		if err != nil {
			t.Fatal(err)
		}
		missing := 0
		for i, city := range testCities {
			_, inTable := p.Withheld(Place{Table: "city", Group: city})
			_, inTopic := p.Withheld(Place{Table: "interest", Group: "I01", By: city})
			switch n := topic.By[0][i][0].Estimate.N; {
			case inTable && !inTopic:
				t.Errorf("seed %d: %s is withheld among the cities and shown in a topic", seed, city)
			case inTopic && n > 0:
				missing++
			case n > 0 && n < disclosure.DefaultRules().MinN:
				t.Errorf("seed %d: %s of %d people is shown in a topic", seed, city, n)
			}
			if inTopic && !inTable {
				further++
			}
		}
		if hidden += missing; missing == 1 {
			t.Errorf("seed %d: one city alone is withheld in a topic: everybody less the others tells it", seed)
		}
	}
	if hidden == 0 || further == 0 {
		t.Errorf("%d cities are withheld, %d of them not in their table; the surveys have nothing to protect", hidden, further)
	}
}

// The annex on the weighting counts the people of crossed categories too: those of a cell that
// is withheld, and those that are too few, are in no margin.
func TestProtectMargins(t *testing.T) {
	cell := withheldPlaces{{Table: "sex×city", Group: "male×1"}: TooFew}
	few := single()
	few.Tables = nil // whose made-up numbers do not add up
	few.Weighting.Steps[len(few.Weighting.Steps)-1].Margins[2].N = 7
	judged, err := Protect(few, disclosure.DefaultRules())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		results *assess.Results
		by      Disclosure
	}{"a cell that is withheld": {single(), cell}, "too few people": {few, judged}} {
		doc, err := Build(c.results, surveys.EN, Options{Now: fixtureOptions.Now, Program: "suyang", Disclosure: c.by})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, s := range doc.Sections {
			for _, b := range s.Blocks {
				if b.Table == nil || b.Table.ID != "table-margin-city-sex" {
					continue
				}
				found = true
				if n := b.Table.Rows[0].Cells[0]; !n.Suppressed || n.Value != nil {
					t.Errorf("%s: the margin says %q", name, n.Text)
				}
			}
		}
		if !found {
			t.Errorf("%s: there is no margin of city and sex", name)
		}
	}
}

// Where none of two cities are literate, and both are withheld, their region's rate of none
// would tell it of both; and so would that of everybody less the other cities.
func TestProtectAllOrNone(t *testing.T) {
	for name, c := range map[string]struct {
		in   func(i int) int // city of the i-th of 200
		only bool            // without the table of regions
	}{
		"region":         {func(i int) int { return i % 2 }, false},
		"everybody less": {func(i int) int { return 2 * (i % 2) }, true},
	} {
		var people []person
		for i := range 260 {
			p := person{city: c.in(i), sex: i / 4 % 2, age: i / 8 % 2}
			if i >= 52 {
				rest := []int{2, 3}
				if c.only {
					rest = []int{1, 3}
				}
				p.city, p.literate = rest[i%2], i%3 == 0
			}
			people = append(people, p)
		}
		r := small(people)
		r.Crossings = nil
		if c.only {
			r.Tables = append(r.Tables[:1:1], r.Tables[2:]...)
		}
		p, err := Protect(r, disclosure.DefaultRules())
		if err != nil {
			t.Fatal(err)
		}
		for _, city := range []int{c.in(0), c.in(1)} {
			if _, is := p.Withheld(Place{Table: "city", Group: testCities[city]}); !is {
				t.Fatalf("%s: %s is shown, so this test shows nothing", name, testCities[city])
			}
		}
		further := 0
		for _, table := range r.Tables[:2] {
			for _, g := range table.Groups {
				e := g.Rows[0].Estimate
				_, is := p.Withheld(Place{Table: tableID(table), Group: g.Code})
				if !is && e.N > 0 && e.Value == 0 {
					t.Errorf("%s: %s says that none of %d are literate", name, g.Code, e.N)
				}
				if is && e.Value > 0 {
					further++
				}
			}
		}
		if further == 0 {
			t.Errorf("%s: nothing else is withheld: what is left for the two is none", name)
		}
	}
}

// A group of one village is that village, and a group of which one weight is nearly all is that
// person; both are withheld, and more with them.
func TestProtectVillagesAndDominance(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*analysis.People)
		want   Reason
	}{
		"nothing":    {func(*analysis.People) {}, ""},
		"a village":  {func(p *analysis.People) { p.PSUs = 1 }, TooFew},
		"one weight": {func(p *analysis.People) { p.Largest = 0.9 * p.Weighted }, Dominated},
	} {
		var people []person
		for i := range 400 {
			people = append(people, person{city: i % 4, sex: i / 4 % 2, age: i / 8 % 2, literate: i%3 == 0})
		}
		r := small(people)
		c.change(&r.Tables[0].Groups[1].Rows[0].People)
		p, err := Protect(r, disclosure.DefaultRules())
		if err != nil {
			t.Fatal(err)
		}
		why, is := p.Withheld(Place{Table: "city", Group: testCities[1]})
		if why != c.want || is != (c.want != "") || is && p.Hidden <= p.Sensitive {
			t.Errorf("%s: the city is withheld (%v) because %q, want %q; %d are withheld, %d by themselves", name, is, why, c.want, p.Hidden, p.Sensitive)
		}
	}
}

// Letters, ranks and sentences are those of the groups that are shown: how a withheld place
// stands to the others changes none of them.
func TestRanksTellNothingOfWithheldPlaces(t *testing.T) {
	city := full().Tables[0].Groups[0].Code
	page := func(known bool, significant float64) string {
		r := full()
		for i := range r.Tables[0].Separation.Pairs {
			if c := &r.Tables[0].Separation.Pairs[i]; c.A == city || c.B == city {
				c.P, c.Adjusted = significant, significant
			}
		}
		r.Tables[0].Separation = r.Tables[0].Separation.Among(0.95, func(string) bool { return true })
		places := withheldPlaces{}
		if !known {
			places[Place{Table: tableID(r.Tables[0]), Group: city}] = TooFew
		}
		var b strings.Builder
		if err := HTML(&b, r, surveys.EN, Options{Now: fixtureOptions.Now, Program: "suyang", Disclosure: places}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if page(false, 1e-9) != page(false, 0.9) {
		t.Error("the report says how a withheld place stands to the others")
	}
	if page(true, 1e-9) == page(true, 0.9) {
		t.Error("the report does not say how a place stands to the others, so this test shows nothing")
	}
}

// The method annex prints the rules that were applied, and why some are weaker than usual.
func TestTheReportPrintsItsRules(t *testing.T) {
	r := small(crowd(rand.New(rand.NewPCG(3, 3)), 300))
	people, psus := 20, 1
	r.Plan.Disclosure = &assess.Disclosure{People: &people, PSUs: &psus, Reason: surveys.Text{surveys.ZH: "一县一村", surveys.EN: "One village is drawn in a county."}}
	for _, judged := range []bool{true, false} {
		opt := Options{Now: fixtureOptions.Now, Program: "suyang"}
		if judged {
			p, err := Protect(r, r.Plan.Rules())
			if err != nil {
				t.Fatal(err)
			}
			opt.Disclosure = p
		}
		var b strings.Builder
		if err := HTML(&b, r, surveys.EN, opt); err != nil {
			t.Fatal(err)
		}
		for _, said := range []string{"A group of fewer than 20 people is withheld.", "the two largest weights are more than 85",
			"1 are weaker than usual (primary sampling units). The reason given: One village is drawn in a county."} {
			if strings.Contains(b.String(), said) != judged {
				t.Errorf("judged: %v; the report says %q: %v", judged, said, !judged)
			}
		}
		if strings.Contains(b.String(), "fewer than 1 primary") {
			t.Error("a rule that is off is printed")
		}
	}
}

// A share of a topic that was withheld before stays withheld, too.
func TestSharesWithheldBeforeStaySo(t *testing.T) {
	at := Place{Table: "interest", Group: "C01"}
	for _, before := range [][]Place{nil, {at}} {
		p, err := Protect(full(), disclosure.DefaultRules(), before...)
		if err != nil {
			t.Fatal(err)
		}
		if _, is := p.Withheld(at); is != (before != nil) {
			t.Errorf("withheld before %v: withheld now %v", before, is)
		}
	}
}

// A topic that a few people answered is withheld; the rest of the report is made.
func TestTopicOfAFewIsWithheld(t *testing.T) {
	for _, n := range []int{0, 5, 12} { // all of the twelve gave the same answer
		r := full()
		topic := &r.Topics[1]
		set := func(rows []assess.Row, n int) {
			for i := range rows {
				rows[i].Estimate.N, rows[i].Estimate.Weighted, rows[i].Estimate.Value = n, float64(n)*100, 1
				rows[i].People = analysis.People{}
			}
		}
		set(topic.Groups[0].Rows, n)
		set(topic.By[0][0], n/2)
		set(topic.By[0][1], n-n/2)
		p, err := Protect(r, disclosure.DefaultRules())
		if err != nil {
			t.Fatalf("%d people answered: %v", n, err)
		}
		_, share := p.Withheld(Place{Table: "channels-any", Group: topic.Groups[0].Code})
		_, level := p.Withheld(Place{Table: "channels-any", Group: topic.Groups[0].Code, By: "1"})
		if share != (n == 5) || level != (n > 0) {
			t.Errorf("%d people answered: withheld %v, and by level %v", n, share, level)
		}
		if _, err := Build(r, surveys.ZH, Options{Disclosure: p}); err != nil {
			t.Error(err)
		}
	}
}
