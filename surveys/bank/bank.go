// Package bank holds items for many questionnaires and draws booklets from them.
//
// A Bank is a file of items in the same words as those of a questionnaire, each with
// its tags, its key and where its wording and its fact come from. A Blueprint says what a
// booklet must hold. Assemble draws a Set that meets it, or says which part cannot be met
// and why, and Set.Fill puts the items into the sections of a questionnaire that ask for
// them, with the booklets and their shares. Allocate gives each case its booklet when the
// sample is drawn.
//
// ReadQuestionnaire does all of this for a questionnaire that stands beside its bank and
// blueprint; what it returns is complete and needs neither any more.
package bank

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/definition"
)

// MaxItems is the greatest number of items of a bank.
const MaxItems = 2000

// Benchmarks is how many benchmarks of scientific literacy there are; their numbers
// begin at 1.
const Benchmarks = 26

// Subjects are the fields of knowledge that an item can be about.
var Subjects = strings.Fields("life earth space physics chemistry materials health environment technology mathematics agriculture safety society")

// Bank is a collection of scored items.
type Bank struct {
	// Languages lists the languages of every text; Chinese and English when it is empty.
	Languages []surveys.Lang `json:"languages,omitempty"`
	Items     []Item         `json:"items"`
}

// Item is an item of a bank: what is asked, and what is known about it.
type Item struct {
	surveys.Item
	Tags       Tags       `json:"tags"`
	Provenance Provenance `json:"provenance"`
	// Enemies are items that give each other away. It is enough that one names the other.
	Enemies []string `json:"enemies,omitempty"`
}

// Tags say what an item measures.
type Tags struct {
	// Benchmark lists the benchmarks the item belongs to, each from 1 to Benchmarks.
	Benchmark []int  `json:"benchmark"`
	Subject   string `json:"subject"`
	// Difficulty is the proportion of right answers that is expected or was observed,
	// between 0 and 1: the lower, the harder.
	Difficulty float64 `json:"difficulty"`
}

// Provenance says where an item comes from and where it went.
type Provenance struct {
	// Wording is "own", or whose wording it is.
	Wording string `json:"wording"`
	// Fact cites where the fact stands.
	Fact    string `json:"fact"`
	Licence string `json:"licence"`
	// Exposure lists the waves that used the item.
	Exposure []string `json:"exposure,omitempty"`
	// Comparable says what results of other surveys it can be compared with, and how far.
	Comparable string `json:"comparable,omitempty"`
}

// Read reads and checks a bank; files are those its figures are in, or nil. A bank with
// faults gives definition.Faults, all of them with line and column.
func Read(name string, src []byte, files fs.FS) (*Bank, error) {
	var b Bank
	s, err := definition.Decode(name, src, files, &b)
	if err != nil {
		return nil, err
	}
	if len(b.Languages) == 0 {
		b.Languages = []surveys.Lang{surveys.ZH, surveys.EN}
	}
	if l := (linter{s, &b}); l.lint() != nil {
		return nil, s.Err()
	}
	return &b, nil
}

// linter checks a bank.
type linter struct {
	*definition.Source
	b *Bank
}

func (l linter) lint() error {
	switch n := len(l.b.Items); {
	case n == 0:
		l.Fault("items", "the bank has no items", "write at least one")
	case n > MaxItems:
		l.Fault("items", fmt.Sprintf("the bank has %d items, more than %d", n, MaxItems), "divide it")
		return l.Err()
	}
	q := &surveys.Questionnaire{Languages: l.b.Languages, Criterion: &surveys.Criterion{}}
	for _, d := range l.b.Dimensions() {
		q.Criterion.Dimensions = append(q.Criterion.Dimensions, surveys.Dimension{ID: d})
	}
	ids, texts := map[string]string{}, map[string]string{}
	for i := range l.b.Items {
		it, path := &l.b.Items[i], fmt.Sprintf("items[%d]", i)
		l.LintItem(q, path, &it.Item)
		if first, twice := ids[strings.ToLower(it.ID)]; twice {
			l.Fault(path+".id", fmt.Sprintf("%q is used twice, first for item %q", it.ID, first), "choose another; upper and lower case count as the same")
		}
		ids[strings.ToLower(it.ID)] = it.ID
		for _, lang := range l.b.Languages {
			text := string(lang) + it.Text[lang]
			if first, twice := texts[text]; twice && it.Text[lang] != "" {
				l.Fault(path+".text", fmt.Sprintf("item %q asks the same as item %q", it.ID, first), "word it differently or remove one")
			}
			texts[text] = it.ID
		}
		l.alone(path, it)
		l.tags(path, it)
		l.provenance(path, it)
	}
	for i, it := range l.b.Items {
		for k, e := range it.Enemies {
			if path := fmt.Sprintf("items[%d].enemies[%d]", i, k); e == it.ID {
				l.Fault(path, fmt.Sprintf("item %q is its own enemy", e), "name another item")
			} else if l.b.Item(e) == nil {
				l.Fault(path, fmt.Sprintf("there is no item %q", e), "use the ID of an item of this bank")
			}
		}
	}
	return l.Err()
}

// alone checks that an item can stand in any booklet, whatever is asked before it.
func (l linter) alone(path string, it *Item) {
	for _, p := range []struct {
		name string
		set  bool
	}{
		{"relevant", it.Relevant != ""}, {"constraint", it.Constraint != ""}, {"checks", len(it.Checks) > 0},
		{"from", it.From != ""}, {"row", it.Row != ""}, {"items", len(it.Items) > 0},
	} {
		if p.set {
			l.Fault(path+"."+p.name, fmt.Sprintf("%s does not suit an item of a bank, which stands by itself", p.name), "remove it")
		}
	}
	if it.Dimension == "" {
		l.Fault(path, fmt.Sprintf("item %q has no dimension", it.ID), "write “dimension: …”")
	}
}

func (l linter) tags(path string, it *Item) {
	at := path + ".tags"
	if len(it.Tags.Benchmark) == 0 {
		l.Fault(at, fmt.Sprintf("item %q has no benchmark", it.ID), fmt.Sprintf("write “benchmark: […]” with numbers from 1 to %d", Benchmarks))
	}
	for i, n := range it.Tags.Benchmark {
		if n < 1 || n > Benchmarks {
			l.Fault(fmt.Sprintf("%s.benchmark[%d]", at, i), fmt.Sprintf("there is no benchmark %d", n), fmt.Sprintf("use numbers from 1 to %d", Benchmarks))
		}
		if slices.Contains(it.Tags.Benchmark[:i], n) {
			l.Fault(fmt.Sprintf("%s.benchmark[%d]", at, i), fmt.Sprintf("benchmark %d is listed twice", n), "keep one")
		}
	}
	if !slices.Contains(Subjects, it.Tags.Subject) {
		l.Fault(at+".subject", fmt.Sprintf("the subject of item %q is %q", it.ID, it.Tags.Subject), "use one of: "+strings.Join(Subjects, ", "))
	}
	if d := it.Tags.Difficulty; !(d > 0 && d < 1) {
		l.Fault(at+".difficulty", fmt.Sprintf("the difficulty of item %q is %v", it.ID, d), "write the proportion of right answers, between 0 and 1")
	}
}

func (l linter) provenance(path string, it *Item) {
	for _, p := range []struct{ name, value, way string }{
		{"wording", it.Provenance.Wording, "write “own”, or whose wording it is"},
		{"fact", it.Provenance.Fact, "cite where the fact stands"},
		{"licence", it.Provenance.Licence, "name it, such as Apache-2.0"},
	} {
		if strings.TrimSpace(p.value) == "" {
			l.Fault(path+".provenance."+p.name, fmt.Sprintf("item %q has no %s", it.ID, p.name), p.way)
		}
	}
}

// Dimensions lists the dimensions of the items, in the order of the bank.
func (b *Bank) Dimensions() []string {
	var ids []string
	for i := range b.Items {
		if d := b.Items[i].Dimension; d != "" && !slices.Contains(ids, d) {
			ids = append(ids, d)
		}
	}
	return ids
}

// Item returns the item with this ID, or nil.
func (b *Bank) Item(id string) *Item {
	if i := b.index(id); i >= 0 {
		return &b.Items[i]
	}
	return nil
}

func (b *Bank) index(id string) int {
	return slices.IndexFunc(b.Items, func(it Item) bool { return it.ID == id })
}
