package bank_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/bank"
	"github.com/suyang-survey/suyang/surveys/definition"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	src, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func sums(t testing.TB) *bank.Bank {
	t.Helper()
	b, err := bank.Read("bank.yaml", file(t, "bank.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func blueprint(t testing.TB, b *bank.Bank, src string) *bank.Blueprint {
	t.Helper()
	p, err := bank.ReadBlueprint("blueprint.yaml", []byte(src), b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func assembled(t testing.TB, b *bank.Bank, src string) *bank.Set {
	t.Helper()
	set, err := bank.Assemble(b, blueprint(t, b, src))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// faulty changes the file once and returns what reading says.
func faulty(t *testing.T, src []byte, old, new string, read func([]byte) error) string {
	t.Helper()
	changed := strings.Replace(string(src), old, new, 1)
	if changed == string(src) {
		t.Fatalf("the file has no %q", old)
	}
	err := read([]byte(changed))
	if !errors.Is(err, surveys.ErrInvalid) {
		t.Fatalf("with %q the error is %v, want a fault", new, err)
	}
	return err.Error()
}

func TestFaultsOfABank(t *testing.T) {
	src := file(t, "bank.yaml")
	for _, c := range []struct{ name, old, new, says string }{
		{"no key", `options: truth, key: "1",`, `options: truth,`, `bank.yaml:10:5: item "K01" is scored but has no key`},
		{"a key that is no option", `key: "1"`, `key: "9"`, `key "9" is no option of item "K01"`},
		{"no dimension", "dimension: knowledge, ", "", `item "K01" has`},
		{"no tags", "tags: {benchmark: [1, 10], subject: mathematics, difficulty: 0.3}", "tags: {}", `item "K01" has no benchmark`},
		{"no such benchmark", "[1, 10]", "[27]", "there is no benchmark 27"},
		{"no such subject", "subject: mathematics", "subject: maths", `the subject of item "K01" is "maths"; use one of: life, earth`},
		{"a difficulty that is no proportion", "difficulty: 0.3", "difficulty: 60", "the difficulty of item \"K01\" is 60"},
		{"no source", "fact: arithmetic", `fact: ""`, `item "K01" has no fact; cite where the fact stands`},
		{"no licence", "licence: Apache-2.0, ", "", `item "K01" has no licence`},
		{"no English", "en: 12 plus 3 is 15.", `en: ""`, "text has no wording in en"},
		{"two items that ask the same", "13 加 10 等于 25。", "12 加 3 等于 15。", `item "K02" asks the same as item "K01"`},
		{"an ID used twice", "id: K02", "id: k01", `"k01" is used twice`},
		{"an enemy that does not exist", "enemies: [K02]", "enemies: [K99]", `there is no item "K99"`},
		{"an item that depends on another", "id: K02, ", `id: K02, relevant: 'K01 == "1"', `, "relevant does not suit an item of a bank"},
		{"an unknown tag", "subject: mathematics", "topic: mathematics", `unknown key "topic"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := faulty(t, src, c.old, c.new, func(src []byte) error {
				_, err := bank.Read("bank.yaml", src, nil)
				return err
			})
			if !strings.Contains(got, c.says) {
				t.Errorf("Read says\n%s\nwant\n%s", got, c.says)
			}
		})
	}
}

func TestFaultsOfABlueprint(t *testing.T) {
	b, src := sums(t), file(t, "blueprint.yaml")
	for _, c := range []struct{ name, old, new, says string }{
		{"no such kind", "kind: bib", "kind: random", `blueprint.yaml:2:7: kind is "random"; use one of: fixed, spiral, bib`},
		{"no design", "clusters: 7", "clusters: 2", "2 clusters, 3 per booklet, make no design"},
		{"booklets without a number", "kind: bib", "kind: spiral", "blueprint.yaml:2:7: kind spiral needs two booklets or more; write how many in a line “booklets: 4”"},
		{"two subjects", "{benchmark: [1], least: 1}", "{subject: [earth, space], least: 1}", "subject is a list; write one value here, without [ ]; for several, repeat what it stands in, such as the rule, for each"},
		{"no such dimension", "id: method", "id: wit", `the bank has no dimension "wit"; its dimensions: knowledge, method`},
		{"points that are no items", "points: 14", "points: 15", "15 points are no whole number of items with 3.5 points each"},
		{"no such linking item", "[K01, M02]", "[K01, M99]", `blueprint.yaml:5:16: the bank has no item "M99"`},
		{"a rule without bound", "{benchmark: [1], least: 1}", "{benchmark: [1]}", "the rule has no bound"},
		{"bounds the wrong way round", "least: 3, most: 6", "least: 3, most: 2", "the bounds contradict each other"},
		{"no such difficulty", "{least: 0.5, most: 0.65}", "{least: 0.5, most: 65}", "a difficulty from 0.5 to 65 does not exist"},
		{"an unknown key", "seed: 7", "seeds: 7", `unknown key "seeds"; did you mean "seed"?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := faulty(t, src, c.old, c.new, func(src []byte) error {
				_, err := bank.ReadBlueprint("blueprint.yaml", src, b)
				return err
			})
			if !strings.Contains(got, c.says) {
				t.Errorf("ReadBlueprint says\n%s\nwant\n%s", got, c.says)
			}
		})
	}
}

// Every number is counted by hand in testdata/bank.yaml: 30 items of knowledge, two of
// them used in two waves, 14 of method.
func TestWhatCannotBeMet(t *testing.T) {
	b := sums(t)
	const knowledge = "dimensions: [{id: knowledge, items: 10}]\n"
	three := "seed: 1\nkind: spiral\nbooklets: 3\n"
	for _, c := range []struct {
		name, src string
		want      bank.Unmet // without rules
		rules     string
	}{
		{"too few items", "kind: spiral\nbooklets: 4\nmax_exposure: 1\n" + knowledge,
			bank.Unmet{{Code: bank.ShortItems, Dimension: "knowledge", Needs: 40, Has: 28, Used: 2}}, ""},
		{"more linking items than room", "kind: fixed\nlinking: [M01, M02, M03]\ndimensions: [{id: method, items: 2}]\n",
			bank.Unmet{{Code: bank.ShortLinks, Dimension: "method", Needs: 2, Has: 3}}, ""},
		{"clusters that cannot be equal", "kind: bib\nclusters: 7\nper_booklet: 3\n" + knowledge,
			bank.Unmet{{Code: bank.ShortDivision, Dimension: "knowledge", Needs: 3, Has: 10}}, ""},
		{"linking items that give each other away", "kind: fixed\nlinking: [K01, K02]\n" + knowledge,
			bank.Unmet{{Code: bank.ShortEnemies, Items: []string{"K01", "K02"}}}, ""},
		{"too few of a benchmark for three booklets", three + knowledge + "coverage: [{benchmark: [7], least: 2}]\n",
			bank.Unmet{{Code: bank.ShortLeast, Needs: 6, Has: 3}}, "benchmark 7 ≥ 2"},
		{"a benchmark of another dimension", "kind: fixed\n" + knowledge + "coverage: [{dimension: knowledge, benchmark: [9], least: 1}]\n",
			bank.Unmet{{Code: bank.ShortLeast, Needs: 1, Has: 0}}, "dimension knowledge, benchmark 9 ≥ 1"},
		{"more than a booklet holds", "kind: fixed\n" + knowledge + "coverage: [{dimension: knowledge, key: \"1\", least: 11}]\n",
			bank.Unmet{{Code: bank.ShortRoom, Needs: 11, Has: 10}}, "dimension knowledge, key 1 ≥ 11"},
		{"fewer than the bank allows", "kind: fixed\ndimensions: [{id: knowledge, items: 20}]\ncoverage: [{key: \"1\", most: 4}]\n",
			bank.Unmet{{Code: bank.ShortMost, Needs: 4, Has: 5}}, "key 1 ≤ 4"},
		{"subjects that are too much together", "kind: fixed\ndimensions: [{id: knowledge, items: 9}]\ncoverage: [{each: subject, least: 2}]\n",
			bank.Unmet{{Code: bank.ShortSum, Needs: 10, Has: 9}}, "subject life ≥ 2; subject earth ≥ 2; subject physics ≥ 2; subject health ≥ 2; subject mathematics ≥ 2"},
		{"an average no items have", "kind: fixed\n" + knowledge + "difficulty: [{least: 0.9, most: 0.95}]\n",
			bank.Unmet{{Code: bank.ShortEasy, Needs: 0.9, Has: 0.79}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := bank.Assemble(b, blueprint(t, b, c.src))
			var got bank.Unmet
			if !errors.As(err, &got) || !errors.Is(err, surveys.ErrInvalid) {
				t.Fatalf("Assemble() = %v, want an Unmet", err)
			}
			var rules []string
			for i := range got {
				for _, r := range got[i].Rules {
					rules = append(rules, r.String())
				}
				got[i].Rules = nil
			}
			if r := strings.Join(rules, "; "); r != c.rules {
				t.Errorf("the rules are %q, want %q", r, c.rules)
			}
			if d := cmp.Diff(c.want, got, cmp.Comparer(func(x, y float64) bool { return math.Abs(x-y) < 1e-9 })); d != "" {
				t.Errorf("Assemble() (-want +got):\n%s", d)
			}
		})
	}
}

// Counting cannot see that benchmarks 1 and 2 have no item in common and that K01 and K02
// exclude each other; the search says what it could not reach and claims no more.
func TestNotFoundIsNoProof(t *testing.T) {
	b := sums(t)
	src := "kind: fixed\ndimensions: [{id: knowledge, items: 2}]\ncoverage:\n" +
		"  - {difficulty: {least: 0.3, most: 0.301}, least: 1}\n  - {difficulty: {least: 0.52, most: 0.521}, least: 1}\n"
	set := assembled(t, b, strings.Replace(src, "0.52, most: 0.521", "0.54, most: 0.541", 1))
	if got := set.Items(); len(got) != 2 || got[0] != "K01" {
		t.Errorf("Items() = %v, want K01 and another", got)
	}
	_, err := bank.Assemble(b, blueprint(t, b, src)) // K02 has 0.52, and is K01's enemy
	var got bank.Unmet
	if !errors.As(err, &got) || len(got) == 0 || got[0].Code != bank.ShortNotFound {
		t.Errorf("Assemble() = %v, want not-found", err)
	}
}

func TestSameSeedSameSet(t *testing.T) {
	b, src := sums(t), string(file(t, "blueprint.yaml"))
	one, two := assembled(t, b, src), assembled(t, b, src)
	if d := cmp.Diff(one.Clusters, two.Clusters); d != "" {
		t.Error(d)
	}
	if other := assembled(t, b, strings.Replace(src, "seed: 7", "seed: 8", 1)); cmp.Equal(one.Clusters, other.Clusters) {
		t.Error("another seed gives the same set")
	}
}

// TestEverySetMeetsItsBlueprint draws blueprints and counts in every set, without the code
// of the package.
func TestEverySetMeetsItsBlueprint(t *testing.T) {
	b := sums(t)
	met := 0
	rapid.Check(t, func(t *rapid.T) {
		p := &bank.Blueprint{Seed: rapid.IntRange(0, 1000).Draw(t, "seed")}
		k := 1
		switch p.Kind = rapid.SampledFrom([]bank.Kind{bank.Fixed, bank.Spiral, bank.BIB}).Draw(t, "kind"); p.Kind {
		case bank.Spiral:
			p.Booklets = rapid.IntRange(2, 4).Draw(t, "booklets")
		case bank.BIB:
			p.Clusters = rapid.IntRange(3, 9).Draw(t, "clusters")
			p.PerBooklet = rapid.IntRange(2, min(4, p.Clusters-1)).Draw(t, "per booklet")
			k = p.PerBooklet
		}
		if rapid.Bool().Draw(t, "linking") {
			p.Linking = []string{"K01", "M03"}
		}
		exposure := rapid.IntRange(0, 2).Draw(t, "exposure")
		p.MaxExposure = &exposure
		links := len(p.Linking) / 2
		p.Dimensions = []bank.Quota{
			{ID: "knowledge", Items: links + k*rapid.IntRange(1, 4).Draw(t, "knowledge")},
			{ID: "method", Items: links + k*rapid.IntRange(1, 2).Draw(t, "method")},
		}
		most := rapid.IntRange(3, 8).Draw(t, "most")
		p.Coverage = []bank.Rule{
			{Benchmark: []int{rapid.IntRange(1, 10).Draw(t, "benchmark")}, Least: rapid.IntRange(1, 2).Draw(t, "least")},
			{Dimension: "knowledge", Key: "1", Least: 1, Most: &most},
			{Subject: "health", Least: rapid.IntRange(0, 2).Draw(t, "health"), Most: &most},
		}
		p.Difficulty = []bank.Mean{{Dimension: "knowledge", Range: bank.Range{Least: 0.4, Most: rapid.Float64Range(0.5, 0.7).Draw(t, "easy")}}}
		set, err := bank.Assemble(b, p)
		if err != nil {
			return
		}
		met++
		seen := map[string]bool{}
		for _, id := range slices.Concat(append(set.Clusters, set.Linking)...) {
			if seen[id] {
				t.Fatalf("item %s is in two clusters", id)
			}
			seen[id] = true
		}
		for k := range set.Design.Booklets {
			check(t, b, p, set.Booklet(k))
		}
	})
	if met < 20 {
		t.Errorf("only %d blueprints could be met: the test shows little", met)
	}
}

// check counts a booklet.
func check(t *rapid.T, b *bank.Bank, p *bank.Blueprint, booklet []string) {
	t.Helper()
	var items []*bank.Item
	for _, id := range booklet {
		items = append(items, b.Item(id))
	}
	count := func(is func(it *bank.Item) bool) (n int) {
		for _, it := range items {
			if is(it) {
				n++
			}
		}
		return n
	}
	sum, knowledge := 0.0, 0
	for _, it := range items {
		if it.Dimension == "knowledge" {
			sum, knowledge = sum+it.Tags.Difficulty, knowledge+1
		}
		if len(it.Provenance.Exposure) > *p.MaxExposure && !slices.Contains(p.Linking, it.ID) {
			t.Fatalf("item %s was used in %d waves", it.ID, len(it.Provenance.Exposure))
		}
		for _, e := range it.Enemies {
			if slices.Contains(booklet, e) {
				t.Fatalf("enemies %s and %s are in one booklet", it.ID, e)
			}
		}
	}
	for _, id := range p.Linking {
		if !slices.Contains(booklet, id) {
			t.Fatalf("linking item %s is missing", id)
		}
	}
	method := len(items) - knowledge
	if knowledge != p.Dimensions[0].Items || method != p.Dimensions[1].Items {
		t.Fatalf("%d items of knowledge and %d of method, want %v", knowledge, method, p.Dimensions)
	}
	most := *p.Coverage[1].Most
	for _, r := range []struct {
		what   string
		n      int
		lo, hi int
	}{
		{"benchmark", count(func(it *bank.Item) bool { return slices.Contains(it.Tags.Benchmark, p.Coverage[0].Benchmark[0]) }), p.Coverage[0].Least, 99},
		{"key", count(func(it *bank.Item) bool { return it.Dimension == "knowledge" && it.Key[0] == "1" }), 1, most},
		{"health", count(func(it *bank.Item) bool { return it.Tags.Subject == "health" }), p.Coverage[2].Least, most},
	} {
		if r.n < r.lo || r.n > r.hi {
			t.Fatalf("%s: %d items, want %d to %d", r.what, r.n, r.lo, r.hi)
		}
	}
	if mean, r := sum/float64(knowledge), p.Difficulty[0]; mean < r.Least-1e-6 || mean > r.Most+1e-6 {
		t.Fatalf("mean difficulty %v, want %v to %v", mean, r.Least, r.Most)
	}
}

func TestDesigns(t *testing.T) {
	for _, c := range []struct {
		v, k, b   int // asked for
		booklets  int
		pairs     [2]int
		balanced  bool
		knownFrom string
	}{
		{7, 3, 0, 7, [2]int{1, 1}, true, "Fano plane, difference set {0, 1, 3} mod 7"},
		{13, 4, 0, 13, [2]int{1, 1}, true, "projective plane of order 3, difference set mod 13"},
		{21, 5, 0, 21, [2]int{1, 1}, true, "projective plane of order 4, difference set mod 21"},
		{11, 5, 0, 11, [2]int{2, 2}, true, "biplane, the squares mod 11"},
		{13, 3, 0, 26, [2]int{1, 1}, true, "Steiner triple system, two base blocks"},
		{9, 3, 0, 12, [2]int{1, 1}, true, "affine plane of order 3"},
		{25, 5, 30, 30, [2]int{1, 1}, true, "affine plane of order 5"},
		{4, 2, 0, 6, [2]int{1, 1}, true, "all pairs of four"},
		{6, 3, 0, 10, [2]int{2, 2}, true, "2-(6,3,2)"},
		{5, 3, 0, 10, [2]int{3, 3}, true, "all triples of five"},
		{8, 4, 0, 14, [2]int{3, 3}, true, "2-(8,4,3)"},
		{10, 4, 5, 5, [2]int{0, 1}, false, "five booklets have 30 pairs of clusters, ten have 45"},
		{6, 2, 6, 6, [2]int{0, 1}, false, "six of the 15 pairs"},
	} {
		d := bank.NewDesign(c.v, c.k, c.b)
		least, most, leastUsed, mostUsed := d.PairCounts()
		if len(d.Booklets) != c.booklets || [2]int{least, most} != c.pairs || d.Balanced() != c.balanced {
			t.Errorf("%d clusters, %d each (%s): %d booklets, pairs meet %d to %d times, clusters are used %d to %d times; want %d, %v",
				c.v, c.k, c.knownFrom, len(d.Booklets), least, most, leastUsed, mostUsed, c.booklets, c.pairs)
		}
		if c.b*c.k%c.v == 0 && leastUsed != mostUsed {
			t.Errorf("%d clusters, %d each: clusters are used %d to %d times, though equal use is possible", c.v, c.k, leastUsed, mostUsed)
		}
	}
}

// TestAnyDesignHasItsCounts adds up what the numbers of a design must be.
func TestAnyDesignHasItsCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.IntRange(3, 30).Draw(t, "clusters")
		k := rapid.IntRange(2, min(v-1, 6)).Draw(t, "per booklet")
		b := rapid.IntRange(1, 40).Draw(t, "booklets")
		d := bank.NewDesign(v, k, b)
		if len(d.Booklets) != b {
			t.Fatalf("%d booklets, want %d", len(d.Booklets), b)
		}
		for _, block := range d.Booklets {
			if len(block) != k || !slices.IsSorted(block) || len(slices.Compact(slices.Clone(block))) != k || block[0] < 0 || block[k-1] >= v {
				t.Fatalf("booklet %v is no choice of %d of %d", block, k, v)
			}
		}
		if _, _, least, most := d.PairCounts(); most-least > 1 {
			t.Fatalf("clusters are used %d to %d times", least, most)
		}
	})
}

func TestAQuestionnaireWithItsBank(t *testing.T) {
	q, err := bank.ReadFile("testdata/questionnaire.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(q.Booklets) != 7 {
		t.Fatalf("%d booklets, want 7", len(q.Booklets))
	}
	var order []string
	for it := range q.Items {
		order = append(order, it.ID)
	}
	for _, b := range q.Booklets {
		if len(b.Items) != 14 { // 10 of knowledge, 4 of method
			t.Errorf("booklet %s has %d items, want 14", b.ID, len(b.Items))
		}
		if !slices.IsSortedFunc(b.Items, func(x, y string) int { return slices.Index(order, x) - slices.Index(order, y) }) {
			t.Errorf("booklet %s is not in the order of the questionnaire: %v", b.ID, b.Items)
		}
	}
	in := q.Inclusion()
	for id, want := range map[string]float64{"K01": 1, "M02": 1, "age": 1, "hint": 1} {
		if in[id] != want {
			t.Errorf("inclusion of %s is %v, want %v", id, in[id], want)
		}
	}
	for it := range q.Items {
		if p := in[it.ID]; p != 1 && math.Abs(p-3.0/7) > 1e-12 {
			t.Errorf("inclusion of %s is %v, want 3/7", it.ID, p)
		}
	}
	a, b := q.Booklets[0].Items, q.Booklets[1].Items
	for _, c := range []struct {
		name string
		x, y string
		want float64
	}{
		{"of a linking item and another", "K01", a[1], 3.0 / 7},
		{"of an item that everybody is asked", "age", a[1], 3.0 / 7},
		{"of both linking items", "K01", "M02", 1},
		{"of two clusters, which meet once", only(a, b), only(b, a), 1.0 / 7},
	} {
		if got := q.JointInclusion(c.x, c.y); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("joint inclusion %s (%s, %s) is %v, want %v", c.name, c.x, c.y, got, c.want)
		}
	}
	if n := len(q.Sections[3].Items); n != 9 || q.Sections[3].Items[0].ID != "hint" {
		t.Errorf("the last section has %d items, want its own first and 8 of the bank", n)
	}
	if n, m := len(q.Sections[1].Items), len(q.Sections[2].Items); n+m != 22 || n-m > 1 || m-n > 1 {
		t.Errorf("22 items of one dimension are divided into %d and %d", n, m)
	}
}

// only is an item of a that b does not have.
func only(a, b []string) string {
	for _, id := range a {
		if !slices.Contains(b, id) {
			return id
		}
	}
	return ""
}

// A complete questionnaire needs its bank no more, and its JSON is a definition.
func TestACompleteQuestionnaireStandsAlone(t *testing.T) {
	q, err := bank.ReadFile("testdata/questionnaire.yaml")
	if err != nil {
		t.Fatal(err)
	}
	src, err := json.MarshalIndent(q, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	again, err := definition.Read("complete.yaml", src, nil)
	if err != nil {
		t.Fatal(err)
	}
	if again.Version() != q.Version() {
		t.Errorf("version %s became %s", q.Version(), again.Version())
	}
}

func TestSectionsWithoutItems(t *testing.T) {
	set := assembled(t, sums(t), string(file(t, "blueprint.yaml")))
	src := file(t, "questionnaire.yaml")
	complete := func(src []byte) error {
		_, err := bank.Complete("q.yaml", src, nil, set)
		return err
	}
	for _, c := range []struct{ name, old, new, says string }{
		{"a dimension without a section", "bank: {dimension: method}", "", `no section asks for the items of dimension "method"`},
		{"a section without a dimension", "title: {zh: 您, en: You}", "title: {zh: 您, en: You}\n    bank: {dimension: wit}", `the blueprint draws no items of dimension "wit"`},
		{"a rule that spoils scores", "unasked: left-out", "unasked: wrong", "not in every booklet"},
		{"an ID of the bank", "id: age", "id: K01", `"K01" is used twice`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := faulty(t, src, c.old, c.new, complete); !strings.Contains(got, c.says) {
				t.Errorf("Complete says\n%s\nwant\n%s", got, c.says)
			}
		})
	}
	t.Run("no bank at hand", func(t *testing.T) {
		_, err := bank.ReadQuestionnaire("q.yaml", src, nil)
		if err == nil || !strings.Contains(err.Error(), "q.yaml:26:54: section \"first\" takes its items from a bank, but no bank was read with it") {
			t.Errorf("ReadQuestionnaire() = %v", err)
		}
	})
}

// The manual names every key that can be written in a bank or blueprint.
func TestTheManualNamesEveryKey(t *testing.T) {
	manual, err := os.ReadFile("../../web/docs/reference/bank.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{bank.Tags{}, bank.Provenance{}, bank.Blueprint{}, bank.Quota{}, bank.Rule{}, bank.Range{}, surveys.FromBank{}, surveys.Booklet{}} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); !regexp.MustCompile(`\b` + key + `\b`).Match(manual) {
				t.Errorf("%T: the manual does not name %q", v, key)
			}
		}
	}
	for _, s := range bank.Subjects {
		if !strings.Contains(string(manual), s) {
			t.Errorf("the manual does not name the subject %q", s)
		}
	}
}

// The largest blueprints there can be, impossible but not so that counting shows it, end
// after bounded work.
func TestTheSearchEnds(t *testing.T) {
	b := &bank.Bank{}
	for i := range bank.MaxItems {
		it := bank.Item{Tags: bank.Tags{Benchmark: []int{1 + i%26}, Subject: bank.Subjects[i%13], Difficulty: 0.1 + 0.8*float64(i)/bank.MaxItems}}
		it.ID, it.Dimension, it.Key = fmt.Sprint("i", i), "d", []string{"1"}
		b.Items = append(b.Items, it)
	}
	p := &bank.Blueprint{Kind: bank.BIB, Clusters: 60, PerBooklet: 30, Booklets: 200, Dimensions: []bank.Quota{{ID: "d", Items: 900}}}
	for n := range 500 {
		p.Coverage = append(p.Coverage, bank.Rule{Benchmark: []int{1 + n%26, 1 + (n+n/26)%26}, Least: 70})
	}
	_, err := bank.Assemble(b, p)
	var unmet bank.Unmet
	if !errors.As(err, &unmet) || unmet[0].Code != bank.ShortNotFound && unmet[0].Code != bank.ShortLeast {
		t.Errorf("Assemble() = %v, want an Unmet", err)
	}
}

func FuzzRead(f *testing.F) {
	src, err := os.ReadFile("testdata/bank.yaml")
	if err != nil {
		f.Fatal(err)
	}
	plan, err := os.ReadFile("testdata/blueprint.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(src[:1200], plan)
	f.Add([]byte("items: [{id: a, enemies: [a, b]}]"), []byte("kind: bib\nclusters: 1000000000\nper_booklet: 999999999"))
	f.Add([]byte("items: []"), []byte("dimensions: [{id: knowledge, points: 1e9, each: 1e-9}]"))
	good, err := bank.Read("bank.yaml", src, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, items, blueprint []byte) {
		if b, err := bank.Read("bank.yaml", items, nil); err == nil && len(b.Items) == 0 {
			t.Error("a bank without items was read")
		}
		p, err := bank.ReadBlueprint("blueprint.yaml", blueprint, good)
		if err != nil {
			return
		}
		set, err := bank.Assemble(good, p)
		var unmet bank.Unmet
		switch {
		case err == nil && len(set.Items()) == 0:
			t.Error("a set without items")
		case err != nil && (!errors.As(err, &unmet) || len(unmet) == 0):
			t.Errorf("Assemble() = %v, which is no shortfall", err)
		}
	})
}
