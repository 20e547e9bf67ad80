package assess

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/suyang-survey/suyang/surveys"
)

// maxPlan is the size limit of a plan file, in bytes.
const maxPlan = 1 << 20

// PlanFile is a plan in YAML together with the faults that were found in it, so that
// all are reported at once.
type PlanFile struct {
	name   string
	root   yaml.Node
	q      *surveys.Questionnaire
	faults []error
}

// OpenPlanFile reads YAML into a plan, strictly: an unknown key is an error. name stands
// for the file, and q is the questionnaire that the plan is about.
func OpenPlanFile(name string, src []byte, into any, q *surveys.Questionnaire) (*PlanFile, error) {
	if len(src) > maxPlan {
		return nil, fmt.Errorf("%s: %w: the plan has %d bytes; the limit is %d", name, surveys.ErrTooLarge, len(src), maxPlan)
	}
	c := &PlanFile{name: name, q: q}
	if err := yaml.Unmarshal(src, &c.root); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, surveys.ErrInvalid, err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the plan is empty; it needs at least a title and what to do")
		}
		known := map[string][]string{}
		addKeys(known, reflect.TypeOf(into))
		return nil, decodeFaults(name, err, known)
	}
	return c, nil
}

// Err joins the faults; nil when there are none.
func (c *PlanFile) Err() error { return errors.Join(c.faults...) }

// Fault notes what is wrong at a place of the file, given by keys and indexes.
func (c *PlanFile) Fault(at []any, format string, args ...any) {
	line := 1
	if n := locate(&c.root, at); n != nil {
		line = n.Line
	}
	c.faults = append(c.faults, fmt.Errorf("%s:%d: %w: %s", c.name, line, surveys.ErrInvalid, fmt.Sprintf(format, args...)))
}

// Factors checks the list of factors of the file.
func (c *PlanFile) Factors(fs []Factor) {
	seen := map[string]bool{}
	for i := range fs {
		f := &fs[i]
		at := []any{"factors", i}
		if f.ID == "" || strings.ContainsAny(f.ID, "/ ") {
			c.Fault(at, "factor %q: an ID needs at least one character and has no blank and no slash", f.ID)
		}
		if seen[f.ID] {
			c.Fault(at, "factor %q stands there twice; every factor needs its own ID", f.ID)
		}
		seen[f.ID] = true
		c.factor(f, at)
	}
}

// decodeFault is a fault as the YAML decoder words it.
var decodeFault = regexp.MustCompile(`^line (\d+): (?:field (\S+) not found in type (\S+)|(.*))$`)

// addKeys notes the YAML keys of a type and of those in it, by the type's name.
func addKeys(known map[string][]string, t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		addKeys(known, t.Elem())
	case reflect.Struct:
		if _, ok := known[t.String()]; ok {
			return
		}
		known[t.String()] = nil
		for i := range t.NumField() {
			f := t.Field(i)
			if key, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); key != "" && key != "-" {
				known[t.String()] = append(known[t.String()], key)
				addKeys(known, f.Type)
			}
		}
	}
}

// decodeFaults words the faults of the YAML decoder as the others are, each with its
// line; known has the keys of every type.
func decodeFaults(name string, err error, known map[string][]string) error {
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
			faults = append(faults, fmt.Errorf("%s:%s: %w: unknown key %q; keys known here: %s", name, m[1], surveys.ErrInvalid, m[2], strings.Join(known[m[3]], ", ")))
		default:
			faults = append(faults, fmt.Errorf("%s:%s: %w: %s", name, m[1], surveys.ErrInvalid, wrongKind(m[4], known)))
		}
	}
	return errors.Join(faults...)
}

// kindFault is how the decoder says that a value is of another kind than its place.
var kindFault = regexp.MustCompile("^cannot unmarshal !!(\\w+)(?: `(.*)`)? into (\\S+)$")

// wrongKind words such a fault by what stands there and what should, without the names that
// things have in the program.
func wrongKind(text string, known map[string][]string) string {
	m := kindFault.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	stands := map[string]string{"seq": "a list", "map": "keys with values", "str": "the text"}[m[1]]
	if stands == "" {
		stands = "the value"
	}
	if m[2] != "" {
		stands += fmt.Sprintf(" %q", m[2])
	}
	return fmt.Sprintf("%s stands where %s", stands, neededKind(strings.TrimPrefix(m[3], "*"), known))
}

// neededKind says what belongs into a place of a type.
func neededKind(into string, known map[string][]string) string {
	switch {
	case len(known[into]) > 0:
		return "keys belong: " + strings.Join(known[into], ", ")
	case strings.HasPrefix(into, "[]"):
		return "a list belongs, such as [a, b]"
	case strings.HasPrefix(into, "map[") || into == "surveys.Text":
		return "a text for each language belongs, such as {zh: …, en: …}"
	case into == "bool":
		return "true or false belongs"
	case into == "string":
		return "a text belongs"
	}
	return "a number belongs"
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

// Text checks that a text is there in every language of the questionnaire.
func (c *PlanFile) Text(t surveys.Text, what string, at ...any) {
	for _, l := range c.q.Languages {
		if strings.TrimSpace(t[l]) == "" {
			c.Fault(at, "%s has no text in the language %q; add it", what, l)
		}
	}
}

func (c *PlanFile) factor(f *Factor, at []any) {
	c.Text(f.Title, fmt.Sprintf("factor %q", f.ID), append(at, "title")...)
	c.definition(fmt.Sprintf("factor %q", f.ID), f.Version, f.Source, at...)
	numeric := true
	if f.Answer == "" && f.Sample == "" && slices.ContainsFunc(f.Levels, func(l Level) bool { return l.When != "" }) {
		c.conditional(f, at)
		return
	}
	switch {
	case (f.Answer == "") == (f.Sample == ""):
		c.Fault(at, "factor %q: give either answer (an item) or sample (a column of the sample file), or a condition (when) for every level", f.ID)
	case f.Answer != "":
		it := c.q.Item(f.Answer)
		if it == nil {
			c.Fault(append(at, "answer"), "factor %q: the questionnaire has no item %q; correct the ID, or add the item", f.ID, f.Answer)
		} else {
			numeric = c.answer(f, it, at)
		}
	}
	if len(f.Levels) == 0 {
		c.Fault(at, "factor %q has no levels; add them", f.ID)
	}
	c.levels(f, at, numeric)
}

// answer checks a factor against its item and reports whether ranges suit it.
func (c *PlanFile) answer(f *Factor, it *surveys.Item, at []any) (numeric bool) {
	switch it.Type {
	case surveys.Number:
		return true
	case surveys.Single, surveys.Likert:
	default:
		c.Fault(append(at, "answer"), "factor %q: the item %q is of type %q; a factor needs a single choice or a number", f.ID, it.ID, it.Type)
		return true
	}
	for i, l := range f.Levels {
		for k, v := range l.Values {
			if !slices.ContainsFunc(c.q.Offered(it), func(o surveys.Option) bool { return o.Code == v }) {
				c.Fault(append(slices.Clone(at), "levels", i, "values", k), "factor %q, level %q: the item %q has no option %q; correct or remove it", f.ID, l.Code, it.ID, v)
			}
		}
	}
	return false
}

func (c *PlanFile) levels(f *Factor, at []any, numeric bool) {
	codes, values := map[string]bool{}, map[string]string{}
	for i, l := range f.Levels {
		here := append(slices.Clone(at), "levels", i)
		if l.Code == "" || strings.Contains(l.Code, "/") {
			c.Fault(here, "factor %q: the level code %q must not be empty and has no slash", f.ID, l.Code)
		}
		if codes[l.Code] {
			c.Fault(here, "factor %q has two levels %q; every level needs its own code", f.ID, l.Code)
		}
		codes[l.Code] = true
		c.Text(l.Name, fmt.Sprintf("factor %q, level %q", f.ID, l.Code), append(here, "name")...)
		c.tile(f, i, here)
		ranged := l.Min != nil || l.Below != nil
		switch lo, below := l.Bounds(); {
		case l.When != "":
			c.Fault(append(here, "when"), "factor %q, level %q: a condition stands alone; remove answer and sample, or the condition", f.ID, l.Code)
		case ranged == (len(l.Values) > 0):
			c.Fault(here, "factor %q, level %q: give either values or a range (min, below)", f.ID, l.Code)
		case ranged && !numeric:
			c.Fault(here, "factor %q, level %q: the item %q is no number; list its options as values", f.ID, l.Code, f.Answer)
		case ranged && !(lo < below):
			c.Fault(here, "factor %q, level %q: min %v is not below %v", f.ID, l.Code, lo, below)
		}
		for _, v := range l.Values {
			if other, taken := values[v]; taken {
				c.Fault(here, "factor %q: the value %q is in the levels %q and %q; keep it in one", f.ID, v, other, l.Code)
			}
			values[v] = l.Code
		}
	}
	c.overlap(f, at)
}

// overlap looks for two levels that share numbers.
func (c *PlanFile) overlap(f *Factor, at []any) {
	var ranged []Level
	for _, l := range f.Levels {
		if l.Min != nil || l.Below != nil {
			ranged = append(ranged, l)
		}
	}
	slices.SortStableFunc(ranged, func(a, b Level) int {
		lo, _ := a.Bounds()
		other, _ := b.Bounds()
		return cmp.Compare(lo, other)
	})
	for i := 1; i < len(ranged); i++ {
		_, below := ranged[i-1].Bounds()
		if lo, _ := ranged[i].Bounds(); lo < below {
			c.Fault(append(slices.Clone(at), "levels"), "factor %q: the ranges of the levels %q and %q overlap; let one begin where the other ends",
				f.ID, ranged[i-1].Code, ranged[i].Code)
		}
	}
	for _, l := range f.Levels {
		for _, v := range l.Values {
			if k := slices.IndexFunc(ranged, func(r Level) bool { return r.has(v) }); k >= 0 {
				c.Fault(append(slices.Clone(at), "levels"), "factor %q: the value %q of level %q lies in the range of level %q", f.ID, v, l.Code, ranged[k].Code)
			}
		}
	}
}
