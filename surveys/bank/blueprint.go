package bank

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys/definition"
)

// Blueprint says what every booklet must hold.
type Blueprint struct {
	// Seed decides between sets that are equally good; the same seed gives the same set.
	Seed int  `json:"seed"`
	Kind Kind `json:"kind"`
	// Booklets is how many booklets there are: 1 when fixed. A balanced design that is
	// given no number takes the smallest one it knows.
	Booklets int `json:"booklets,omitempty"`
	// Clusters and PerBooklet are the design of kind BIB: how many clusters the items
	// are divided into, and how many of them make a booklet.
	Clusters   int `json:"clusters,omitempty"`
	PerBooklet int `json:"per_booklet,omitempty"`
	// Dimensions says how many items a booklet has of each dimension.
	Dimensions []Quota `json:"dimensions"`
	// Coverage are rules for the items of every booklet.
	Coverage []Rule `json:"coverage,omitempty"`
	// Difficulty bounds the mean difficulty of every booklet.
	Difficulty []Mean `json:"difficulty,omitempty"`
	// Linking items stand in every booklet, and count in all the rules.
	Linking []string `json:"linking,omitempty"`
	// MaxExposure is in how many waves an item may have been used; linking items may in
	// any number.
	MaxExposure *int `json:"max_exposure,omitempty"`
}

// Kind is how booklets are made of items.
type Kind string

// The kinds of booklets.
const (
	Fixed Kind = "fixed" // one booklet for everybody
	// Spiral booklets have only the linking items in common.
	Spiral Kind = "spiral"
	// BIB is a balanced incomplete block design: each booklet has several clusters of
	// items, and any two clusters meet equally often where such a design exists.
	BIB Kind = "bib"
)

// Quota is how many items of a dimension a booklet has: Items, or Points of which each
// item is worth Each.
type Quota struct {
	ID     string  `json:"id"`
	Items  int     `json:"items,omitempty"`
	Points float64 `json:"points,omitempty"`
	Each   float64 `json:"each,omitempty"`
}

// count is how many items there are, -1 when that is no whole number.
func (q Quota) count() int {
	if q.Points == 0 {
		return q.Items
	}
	n := math.Round(q.Points / q.Each)
	if math.Abs(n*q.Each-q.Points) > 1e-9 || n > MaxItems {
		return -1
	}
	return int(n)
}

// Usable reports whether an item may stand in a booklet for all that is known of its
// exposure.
func (p *Blueprint) Usable(it *Item) bool {
	return p.MaxExposure == nil || len(it.Provenance.Exposure) <= *p.MaxExposure || slices.Contains(p.Linking, it.ID)
}

// Wanted is how many items of a dimension a booklet has, and how many different ones all
// booklets need.
func (p *Blueprint) Wanted(b *Bank, dimension string) (inBooklet, inAll int) {
	for _, q := range p.Dimensions {
		if q.ID != dimension {
			continue
		}
		links := 0
		for _, id := range p.Linking {
			if b.Item(id).Dimension == dimension {
				links++
			}
		}
		d := designOf(p)
		return q.count(), links + max(q.count()-links, 0)/len(d.Booklets[0])*d.Clusters
	}
	return 0, 0
}

// Rule bounds how many items of a booklet have all the properties named. An empty
// property is not asked for.
type Rule struct {
	Dimension string `json:"dimension,omitempty"`
	// Benchmark lists benchmarks of which the item has at least one.
	Benchmark []int  `json:"benchmark,omitempty"`
	Subject   string `json:"subject,omitempty"`
	// Key is the option that is right.
	Key        string `json:"key,omitempty"`
	Difficulty *Range `json:"difficulty,omitempty"`
	// Each makes one rule for each benchmark, or for each subject in the bank.
	Each  string `json:"each,omitempty"`
	Least int    `json:"least,omitempty"`
	Most  *int   `json:"most,omitempty"`
}

// The properties that Rule.Each can name.
const (
	EachBenchmark = "benchmark"
	EachSubject   = "subject"
)

// Range is Least <= x <= Most.
type Range struct {
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

// Mean bounds the mean difficulty of the items of a dimension, or of all.
type Mean struct {
	Dimension string `json:"dimension,omitempty"`
	Range
}

// matches reports whether an item has the properties of the rule.
func (r *Rule) matches(it *Item) bool {
	return (r.Dimension == "" || r.Dimension == it.Dimension) &&
		(r.Subject == "" || r.Subject == it.Tags.Subject) &&
		(r.Key == "" || len(it.Key) == 1 && it.Key[0] == r.Key) &&
		(r.Difficulty == nil || r.Difficulty.Least <= it.Tags.Difficulty && it.Tags.Difficulty <= r.Difficulty.Most) &&
		(len(r.Benchmark) == 0 || slices.ContainsFunc(it.Tags.Benchmark, func(n int) bool { return slices.Contains(r.Benchmark, n) }))
}

// String writes the rule as in “dimension knowledge, benchmark 7: 2 or more”.
func (r Rule) String() string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+value)
		}
	}
	add("dimension", r.Dimension)
	add("benchmark", strings.Trim(fmt.Sprint(r.Benchmark), "[]"))
	add("subject", r.Subject)
	add("key", r.Key)
	if r.Difficulty != nil {
		add("difficulty", fmt.Sprintf("%v–%v", r.Difficulty.Least, r.Difficulty.Most))
	}
	bounds := "≥ " + strconv.Itoa(r.Least)
	switch {
	case r.Most != nil && r.Least > 0:
		bounds = fmt.Sprintf("%d–%d", r.Least, *r.Most)
	case r.Most != nil:
		bounds = "≤ " + strconv.Itoa(*r.Most)
	}
	return strings.TrimSpace(strings.Join(parts, ", ") + " " + bounds)
}

// The limits of a blueprint.
const (
	maxBooklets = 200
	maxClusters = 60
	maxRules    = 500
)

// ReadBlueprint reads a blueprint for a bank and checks it. One with faults gives
// definition.Faults; a blueprint that asks too much of the bank has no fault, see
// Assemble.
func ReadBlueprint(name string, src []byte, b *Bank) (*Blueprint, error) {
	var p Blueprint
	s, err := definition.Decode(name, src, nil, &p)
	if err != nil {
		return nil, err
	}
	l := blueprintLinter{s, &p, b}
	l.design()
	l.dimensions()
	l.rules()
	l.linking()
	if err := s.Err(); err != nil {
		return nil, err
	}
	return &p, nil
}

type blueprintLinter struct {
	*definition.Source
	p *Blueprint
	b *Bank
}

func (l blueprintLinter) design() {
	p := l.p
	if p.Seed < 0 {
		l.Fault("seed", fmt.Sprintf("seed is %d", p.Seed), "use a number from 0")
	}
	if p.MaxExposure != nil && *p.MaxExposure < 0 {
		l.Fault("max_exposure", fmt.Sprintf("max_exposure is %d", *p.MaxExposure), "use a number from 0, or remove the line")
	}
	if p.Booklets < 0 || p.Booklets > maxBooklets {
		l.Fault("booklets", fmt.Sprintf("booklets is %d", p.Booklets), fmt.Sprintf("use a number from 1 to %d", maxBooklets))
	}
	switch {
	case p.Kind != Fixed && p.Kind != Spiral && p.Kind != BIB:
		l.Fault("kind", fmt.Sprintf("kind is %q", p.Kind), "use one of: fixed, spiral, bib")
	case p.Kind == Fixed && p.Booklets > 1:
		l.Fault("booklets", "there is one booklet of kind fixed", "remove the line, or use kind spiral or bib")
	case p.Kind == Spiral && p.Booklets < 2:
		l.Fault(writtenOr("kind", "booklets", p.Booklets), "kind spiral needs two booklets or more", "write how many in a line “booklets: 4”")
	case p.Kind == BIB && (p.PerBooklet < 2 || p.Clusters <= p.PerBooklet || p.Clusters > maxClusters):
		l.Fault(writtenOr("kind", "clusters", p.Clusters), fmt.Sprintf("%d clusters, %d per booklet, make no design", p.Clusters, p.PerBooklet),
			fmt.Sprintf("write “per_booklet: …” with 2 or more and “clusters: …” with more than that, at most %d", maxClusters))
	case p.Kind != BIB && (p.Clusters != 0 || p.PerBooklet != 0):
		l.Fault("clusters", fmt.Sprintf("kind %s has no clusters", p.Kind), "remove clusters and per_booklet, or use kind bib")
	}
}

// writtenOr is the path of a number, or another path where the number was left out.
func writtenOr(other, path string, n int) string {
	if n == 0 {
		return other
	}
	return path
}

func (l blueprintLinter) dimensions() {
	if len(l.p.Dimensions) == 0 {
		l.Fault("dimensions", "the blueprint asks for no items", "write “dimensions: [{id: …, items: …}]”")
	}
	var seen []string
	for i, q := range l.p.Dimensions {
		path := fmt.Sprintf("dimensions[%d]", i)
		l.dimension(path+".id", q.ID)
		if slices.Contains(seen, q.ID) {
			l.Fault(path+".id", fmt.Sprintf("dimension %q is listed twice", q.ID), "keep one")
		}
		seen = append(seen, q.ID)
		switch {
		case (q.Items != 0) == (q.Points != 0) || q.Items < 0 || q.Points < 0 || q.Items > MaxItems:
			l.Fault(path, fmt.Sprintf("dimension %q needs a number of items", q.ID), "write either “items: …” or “points: …, each: …”")
		case q.Points > 0 && !(q.Each > 0):
			l.Fault(path, fmt.Sprintf("dimension %q says not what an item is worth", q.ID), "write “each: …”, the points of an item")
		case q.count() < 0:
			l.Fault(path, fmt.Sprintf("%v points are no whole number of items with %v points each", q.Points, q.Each), "change one of them")
		}
	}
}

func (l blueprintLinter) dimension(path, id string) {
	if known := l.b.Dimensions(); !slices.Contains(known, id) {
		l.Fault(path, fmt.Sprintf("the bank has no dimension %q", id), "its dimensions: "+strings.Join(known, ", "))
	}
}

func (l blueprintLinter) rules() {
	if len(l.p.Coverage) > maxRules {
		l.Fault("coverage", fmt.Sprintf("there are %d rules, more than %d", len(l.p.Coverage), maxRules), "remove some")
	}
	for i, r := range l.p.Coverage {
		path := fmt.Sprintf("coverage[%d]", i)
		if r.Dimension != "" {
			l.dimension(path+".dimension", r.Dimension)
		}
		for k, n := range r.Benchmark {
			if n < 1 || n > Benchmarks {
				l.Fault(fmt.Sprintf("%s.benchmark[%d]", path, k), fmt.Sprintf("there is no benchmark %d", n), fmt.Sprintf("use numbers from 1 to %d", Benchmarks))
			}
		}
		if r.Subject != "" && !slices.Contains(Subjects, r.Subject) {
			l.Fault(path+".subject", fmt.Sprintf("there is no subject %q", r.Subject), "use one of: "+strings.Join(Subjects, ", "))
		}
		switch {
		case r.Each != "" && r.Each != EachBenchmark && r.Each != EachSubject:
			l.Fault(path+".each", fmt.Sprintf("each is %q", r.Each), "use benchmark or subject")
		case r.Each == EachBenchmark && len(r.Benchmark) > 0 || r.Each == EachSubject && r.Subject != "":
			l.Fault(path+".each", "the rule names one and wants each", "keep one of the two")
		}
		switch {
		case r.Least == 0 && r.Most == nil:
			l.Fault(path, "the rule has no bound", "write “least: …” or “most: …”")
		case r.Least < 0 || r.Most != nil && *r.Most < r.Least:
			l.Fault(path, "the bounds contradict each other", "let least be 0 or more and most at least that")
		}
		l.ordered(path+".difficulty", r.Difficulty)
	}
	for i, m := range l.p.Difficulty {
		path := fmt.Sprintf("difficulty[%d]", i)
		if m.Dimension != "" {
			l.dimension(path+".dimension", m.Dimension)
		}
		l.ordered(path, &m.Range)
	}
}

func (l blueprintLinter) ordered(path string, r *Range) {
	if r != nil && !(0 <= r.Least && r.Least <= r.Most && r.Most <= 1) {
		l.Fault(path, fmt.Sprintf("a difficulty from %v to %v does not exist", r.Least, r.Most), "use numbers from 0 to 1, least first")
	}
}

func (l blueprintLinter) linking() {
	for i, id := range l.p.Linking {
		path := fmt.Sprintf("linking[%d]", i)
		it := l.b.Item(id)
		switch {
		case it == nil:
			l.Fault(path, fmt.Sprintf("the bank has no item %q", id), "use the ID of one of its items")
		case slices.Contains(l.p.Linking[:i], id):
			l.Fault(path, fmt.Sprintf("item %q is listed twice", id), "keep one")
		case !slices.ContainsFunc(l.p.Dimensions, func(q Quota) bool { return q.ID == it.Dimension }):
			l.Fault(path, fmt.Sprintf("item %q belongs to dimension %q, of which the blueprint wants no items", id, it.Dimension), "add the dimension or remove the item")
		}
	}
}

// flat lists the rules with each property written out.
func (p *Blueprint) flat(b *Bank) []Rule {
	var all []Rule
	for _, r := range p.Coverage {
		each := r.Each
		r.Each = ""
		switch each {
		case EachBenchmark:
			for n := 1; n <= Benchmarks; n++ {
				r.Benchmark = []int{n}
				all = append(all, r)
			}
		case EachSubject:
			for _, r.Subject = range Subjects {
				if slices.ContainsFunc(b.Items, func(it Item) bool { return it.Tags.Subject == r.Subject }) {
					all = append(all, r)
				}
			}
		default:
			all = append(all, r)
		}
	}
	return all
}
