package assess

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/suyang-survey/suyang/surveys"
)

// maxPlan is the size limit of a plan file, in bytes.
const maxPlan = 1 << 20

// maxCrossing limits the levels of one margin.
const maxCrossing = 10_000

// ReadPlan reads a plan from YAML, strictly: an unknown key is an error. The plan is
// checked against the questionnaire it classifies answers of. All faults are
// reported at once, each with its line and the way out; name stands for the file.
func ReadPlan(name string, src []byte, q *surveys.Questionnaire) (*Plan, error) {
	if len(src) > maxPlan {
		return nil, fmt.Errorf("%s: %w: the plan has %d bytes; the limit is %d", name, surveys.ErrTooLarge, len(src), maxPlan)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(src, &root); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, surveys.ErrInvalid, err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	dec.KnownFields(true)
	p := new(Plan)
	if err := dec.Decode(p); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the plan is empty; it needs at least a title and factors")
		}
		return nil, decodeFaults(name, err)
	}
	c := planCheck{name: name, root: &root, plan: p, q: q}
	c.all()
	if len(c.faults) > 0 {
		return nil, errors.Join(c.faults...)
	}
	return p, nil
}

// decodeFault is a fault as the YAML decoder words it.
var decodeFault = regexp.MustCompile(`^line (\d+): (?:field (\S+) not found in type .*|(.*))$`)

// decodeFaults words the faults of the YAML decoder as the others are, each with its line.
func decodeFaults(name string, err error) error {
	var typed *yaml.TypeError
	if !errors.As(err, &typed) {
		return fmt.Errorf("%s: %w: %w", name, surveys.ErrInvalid, err)
	}
	var faults []error
	for _, text := range typed.Errors {
		m := decodeFault.FindStringSubmatch(text)
		switch {
		case m == nil:
			faults = append(faults, fmt.Errorf("%s: %w: %s", name, surveys.ErrInvalid, text))
		case m[2] != "":
			faults = append(faults, fmt.Errorf("%s:%s: %w: unknown key %q; correct or remove it", name, m[1], surveys.ErrInvalid, m[2]))
		default:
			faults = append(faults, fmt.Errorf("%s:%s: %w: %s", name, m[1], surveys.ErrInvalid, m[3]))
		}
	}
	return errors.Join(faults...)
}

// Factor returns the factor with this ID, or nil.
func (p *Plan) Factor(id string) *Factor {
	for i := range p.Factors {
		if p.Factors[i].ID == id {
			return &p.Factors[i]
		}
	}
	return nil
}

// Level returns the index of the level that value belongs to, or -1 when it belongs
// to none or is no value at all.
func (f *Factor) Level(value string) int {
	if value == "" {
		return -1
	}
	return slices.IndexFunc(f.Levels, func(l Level) bool { return l.has(value) })
}

func (l Level) has(value string) bool {
	if len(l.Values) > 0 {
		return slices.Contains(l.Values, value)
	}
	x, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(x) {
		return false
	}
	lo, below := l.bounds()
	return lo <= x && x < below
}

// bounds returns the range of the level; an open end is infinite.
func (l Level) bounds() (lo, below float64) {
	lo, below = math.Inf(-1), math.Inf(1)
	if l.Min != nil {
		lo = *l.Min
	}
	if l.Below != nil {
		below = *l.Below
	}
	return lo, below
}

// planCheck collects the faults of a plan.
type planCheck struct {
	name   string
	root   *yaml.Node
	plan   *Plan
	q      *surveys.Questionnaire
	faults []error
}

// fault notes what is wrong at a place of the file, given by keys and indexes.
func (c *planCheck) fault(at []any, format string, args ...any) {
	line := 1
	if n := locate(c.root, at); n != nil {
		line = n.Line
	}
	c.faults = append(c.faults, fmt.Errorf("%s:%d: %w: %s", c.name, line, surveys.ErrInvalid, fmt.Sprintf(format, args...)))
}

// locate follows keys and indexes as far as the file has them.
func locate(n *yaml.Node, at []any) *yaml.Node {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	for _, step := range at {
		next := child(n, step)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

func child(n *yaml.Node, step any) *yaml.Node {
	switch s := step.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && s < len(n.Content) {
			return n.Content[s]
		}
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == s {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

func (c *planCheck) all() {
	p := c.plan
	c.text(p.Title, "the title", "title")
	if len(p.Factors) == 0 {
		c.fault([]any{"factors"}, "the plan has no factors; add at least one")
	}
	seen := map[string]bool{}
	for i := range p.Factors {
		f := &p.Factors[i]
		at := []any{"factors", i}
		if f.ID == "" || strings.ContainsAny(f.ID, "/ ") {
			c.fault(at, "factor %q: an ID needs at least one character and has no blank and no slash", f.ID)
		}
		if seen[f.ID] {
			c.fault(at, "factor %q stands there twice; every factor needs its own ID", f.ID)
		}
		seen[f.ID] = true
		c.factor(f, at)
	}
	for i, id := range p.Tables {
		c.table(id, []any{"tables", i})
	}
	if p.Series != "" && !seen[p.Series] {
		c.fault([]any{"series"}, "the series %q is no factor of the plan; define it or remove the line", p.Series)
	}
	for i, m := range p.Rake {
		c.margin(m, []any{"rake", i})
	}
}

// text checks that a text is there in every language of the questionnaire.
func (c *planCheck) text(t surveys.Text, what string, at ...any) {
	for _, l := range c.q.Languages {
		if strings.TrimSpace(t[l]) == "" {
			c.fault(at, "%s has no text in the language %q; add it", what, l)
		}
	}
}

func (c *planCheck) factor(f *Factor, at []any) {
	c.text(f.Title, fmt.Sprintf("factor %q", f.ID), append(at, "title")...)
	numeric := true
	switch {
	case (f.Answer == "") == (f.Sample == ""):
		c.fault(at, "factor %q: give either answer (an item) or sample (a column of the sample file)", f.ID)
	case f.Answer != "":
		it := c.q.Item(f.Answer)
		if it == nil {
			c.fault(append(at, "answer"), "factor %q: the questionnaire has no item %q", f.ID, f.Answer)
		} else {
			numeric = c.answer(f, it, at)
		}
	}
	if len(f.Levels) == 0 {
		c.fault(at, "factor %q has no levels; add them", f.ID)
	}
	c.levels(f, at, numeric)
}

// answer checks a factor against its item and reports whether ranges suit it.
func (c *planCheck) answer(f *Factor, it *surveys.Item, at []any) (numeric bool) {
	switch it.Type {
	case surveys.Number:
		return true
	case surveys.Single:
	default:
		c.fault(append(at, "answer"), "factor %q: the item %q is of type %q; a factor needs a single choice or a number", f.ID, it.ID, it.Type)
		return true
	}
	for i, l := range f.Levels {
		for k, v := range l.Values {
			if !slices.ContainsFunc(it.Options, func(o surveys.Option) bool { return o.Code == v }) {
				c.fault(append(slices.Clone(at), "levels", i, "values", k), "factor %q, level %q: the item %q has no option %q", f.ID, l.Code, it.ID, v)
			}
		}
	}
	return false
}

func (c *planCheck) levels(f *Factor, at []any, numeric bool) {
	codes, values := map[string]bool{}, map[string]string{}
	for i, l := range f.Levels {
		here := append(slices.Clone(at), "levels", i)
		if l.Code == "" || strings.Contains(l.Code, "/") {
			c.fault(here, "factor %q: the level code %q must not be empty and has no slash", f.ID, l.Code)
		}
		if codes[l.Code] {
			c.fault(here, "factor %q has two levels %q; every level needs its own code", f.ID, l.Code)
		}
		codes[l.Code] = true
		c.text(l.Name, fmt.Sprintf("factor %q, level %q", f.ID, l.Code), append(here, "name")...)
		ranged := l.Min != nil || l.Below != nil
		switch lo, below := l.bounds(); {
		case ranged == (len(l.Values) > 0):
			c.fault(here, "factor %q, level %q: give either values or a range (min, below)", f.ID, l.Code)
		case ranged && !numeric:
			c.fault(here, "factor %q, level %q: the item %q is no number; list its options as values", f.ID, l.Code, f.Answer)
		case ranged && !(lo < below):
			c.fault(here, "factor %q, level %q: min %v is not below %v", f.ID, l.Code, lo, below)
		}
		for _, v := range l.Values {
			if other, taken := values[v]; taken {
				c.fault(here, "factor %q: the value %q is in the levels %q and %q; keep it in one", f.ID, v, other, l.Code)
			}
			values[v] = l.Code
		}
	}
	c.overlap(f, at)
}

// overlap looks for two levels that share numbers.
func (c *planCheck) overlap(f *Factor, at []any) {
	var ranged []Level
	for _, l := range f.Levels {
		if l.Min != nil || l.Below != nil {
			ranged = append(ranged, l)
		}
	}
	slices.SortStableFunc(ranged, func(a, b Level) int {
		lo, _ := a.bounds()
		other, _ := b.bounds()
		return cmp.Compare(lo, other)
	})
	for i := 1; i < len(ranged); i++ {
		_, below := ranged[i-1].bounds()
		if lo, _ := ranged[i].bounds(); lo < below {
			c.fault(append(slices.Clone(at), "levels"), "factor %q: the ranges of the levels %q and %q overlap; let one begin where the other ends",
				f.ID, ranged[i-1].Code, ranged[i].Code)
		}
	}
	for _, l := range f.Levels {
		for _, v := range l.Values {
			if k := slices.IndexFunc(ranged, func(r Level) bool { return r.has(v) }); k >= 0 {
				c.fault(append(slices.Clone(at), "levels"), "factor %q: the value %q of level %q lies in the range of level %q", f.ID, v, l.Code, ranged[k].Code)
			}
		}
	}
}

func (c *planCheck) table(id string, at []any) {
	switch {
	case c.plan.Factor(id) == nil:
		c.fault(at, "the table %q is no factor of the plan; define the factor or remove the table", id)
	case id == c.plan.Series:
		c.fault(at, "the table %q is the series, whose levels stand beside each other in every table; remove it here", id)
	case slices.Contains(c.plan.Tables[:at[1].(int)], id):
		c.fault(at, "the table %q stands there twice; remove one", id)
	}
}

func (c *planCheck) margin(m Margin, at []any) {
	if len(m.Factors) == 0 {
		c.fault(at, "the margin has no factors; name at least one")
		return
	}
	size := 1
	for i, id := range m.Factors {
		f := c.plan.Factor(id)
		if f == nil {
			c.fault(at, "the margin's factor %q is no factor of the plan", id)
			return
		}
		if slices.Contains(m.Factors[:i], id) {
			c.fault(at, "the margin %s names the factor %q twice; remove one", m.Name(), id)
			return
		}
		if size *= max(1, len(f.Levels)); size > maxCrossing {
			c.fault(at, "the margin %s crosses more than %d levels; cross fewer factors", m.Name(), maxCrossing)
			return
		}
	}
	if len(m.Targets) == 0 {
		return // to be filled from the census
	}
	levels := c.plan.crossing(m.Factors)
	for _, code := range levels {
		if t, ok := m.Targets[code]; !ok || !(t >= 0) || math.IsInf(t, 1) {
			c.fault(append(at, "targets"), "margin %s: the level %q needs a count, 0 or more", m.Name(), code)
		}
	}
	for _, code := range sortedKeys(m.Targets) {
		if !slices.Contains(levels, code) {
			c.fault(append(slices.Clone(at), "targets", code), "margin %s: there is no level %q; the levels are %s", m.Name(), code, strings.Join(levels, ", "))
		}
	}
}

// Name joins the IDs of the margin's factors with "/", as its level codes are joined.
func (m Margin) Name() string { return strings.Join(m.Factors, "/") }

// crossing lists the level codes of crossed factors, joined with "/", the last factor
// running fastest.
func (p *Plan) crossing(factors []string) []string {
	codes := []string{""}
	for i, id := range factors {
		var next []string
		for _, prefix := range codes {
			for _, l := range p.Factor(id).Levels {
				if i > 0 {
					next = append(next, prefix+"/"+l.Code)
				} else {
					next = append(next, l.Code)
				}
			}
		}
		codes = next
	}
	return codes
}
