package form

import (
	"errors"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// Fault is one reason why a questionnaire cannot be asked.
type Fault struct {
	// Section and Item say where; Item is empty when the section itself is at fault,
	// and both are when it is the whole questionnaire.
	Section, Item string
	// Field is the JSON name of the field at fault, such as "relevant".
	Field string
	// Err is the cause, an *expr.Error with line and column when it lies in an expression.
	Err error
}

// Error says where and why in one text.
func (f Fault) Error() string {
	where := "questionnaire"
	switch {
	case f.Item != "":
		where = "item " + strconv.Quote(f.Item)
	case f.Section != "":
		where = "section " + strconv.Quote(f.Section)
	}
	return where + ", " + f.Field + ": " + f.Err.Error()
}

// Unwrap returns the cause.
func (f Fault) Unwrap() error { return f.Err }

// Faults are all the faults of a questionnaire: those of its build in its order,
// then those of its expressions.
type Faults []Fault

// Error lists the faults, each on a line of its own.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Compile prepares a questionnaire, which must not be changed afterwards. When it
// cannot be asked as it is, the error is a Faults that lists everything found wrong.
func Compile(q *surveys.Questionnaire) (*Form, error) {
	c := &compiler{f: &Form{q: q, index: map[string]int{}}, env: expr.Env{}}
	c.lay()
	for s := range c.f.sections {
		c.section(&c.f.sections[s])
	}
	if len(c.faults) > 0 {
		return nil, c.faults
	}
	return c.f, nil
}

type compiler struct {
	f      *Form
	env    expr.Env // every item that takes an answer
	faults Faults
}

// lay puts all sections and items in order and gives every item its type, so that
// expressions can be compiled afterwards.
func (c *compiler) lay() {
	if len(c.f.q.Sections) == 0 {
		c.fault("", "", "sections", "the questionnaire has no sections")
	}
	for s := range c.f.q.Sections {
		def := &c.f.q.Sections[s]
		switch {
		case def.ID == "":
			c.fault("", "", "sections", "section "+strconv.Itoa(s+1)+" has no id")
		case c.f.section(def.ID) >= 0:
			c.fault(def.ID, "", "id", "another section has this id")
		}
		sec := section{def: def, first: len(c.f.items)}
		for i := range def.Items {
			c.item(s, &def.Items[i])
		}
		sec.end = len(c.f.items)
		c.f.sections = append(c.f.sections, sec)
	}
}

// item adds an item to the form.
func (c *compiler) item(s int, def *surveys.Item) {
	fault := func(field, msg string) { c.fault(c.f.q.Sections[s].ID, def.ID, field, msg) }
	it := item{def: def, section: s, typ: typeOf(def)}
	if !expr.IsName(def.ID) {
		fault("id", strconv.Quote(def.ID)+" cannot be used in expressions; an id is a letter, "+
			"then letters, digits and _, and no word of the expression language")
	} else if _, ok := c.f.index[def.ID]; ok {
		fault("id", "another item has this id")
	} else {
		c.f.index[def.ID] = len(c.f.items)
		if it.typ != 0 {
			c.env[def.ID] = it.typ
		}
	}
	it.options = options(def, fault)
	c.limits(def, fault)
	c.f.items = append(c.f.items, it)
}

// typeOf returns the type that answers have in expressions, 0 when there are none.
func typeOf(def *surveys.Item) expr.Type {
	switch def.Type {
	case surveys.Single, surveys.ShortText:
		return expr.String
	case surveys.Multiple:
		return expr.Strings
	case surveys.Number:
		if def.Decimals > 0 {
			return expr.Double
		}
		return expr.Int
	}
	return 0
}

// options numbers the options and checks that the type of the item has such ones.
func options(def *surveys.Item, fault func(field, msg string)) map[string]int {
	index := make(map[string]int, len(def.Options))
	for i, o := range def.Options {
		if !validCode(o.Code) {
			fault("options", strconv.Quote(o.Code)+" is no code; a code is letters, digits, _ and -")
		}
		if _, ok := index[o.Code]; ok {
			fault("options", "two options have the code "+strconv.Quote(o.Code))
		}
		index[o.Code] = i
		if def.Type == surveys.Number && !reserved(o.Code) {
			fault("options", "a number can only have the options "+surveys.DontKnow+" and "+surveys.Refused)
		}
	}
	switch def.Type {
	case surveys.Single, surveys.Multiple:
		if len(def.Options) == 0 {
			fault("options", "there is nothing to choose from; give options")
		}
	case surveys.ShortText, surveys.Note:
		if len(def.Options) > 0 {
			fault("options", "an item of type "+string(def.Type)+" has no options")
		}
	}
	return index
}

// validCode reports whether s is made of letters, digits, _ and - only.
func validCode(s string) bool {
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-':
		default:
			return false
		}
	}
	return s != ""
}

// limits checks the type and the numbers that bound an answer.
func (c *compiler) limits(def *surveys.Item, fault func(field, msg string)) {
	switch def.Type {
	case surveys.Single, surveys.Multiple, surveys.Number, surveys.ShortText, surveys.Note:
	default:
		fault("type", "there is no type "+strconv.Quote(string(def.Type))+
			"; the types are single, multiple, number, text and note")
	}
	if def.Decimals < 0 || def.Decimals > MaxDigits {
		fault("decimals", "a number has from 0 to "+strconv.Itoa(MaxDigits)+" decimals")
	}
	if def.MaxLength < 0 {
		fault("max_length", "a length is not negative")
	}
	if def.Type == surveys.Note && def.Constraint != "" {
		fault("constraint", "a note takes no answer that could be checked")
	}
}

// section compiles the expressions of a section and its items.
func (c *compiler) section(s *section) {
	s.relevant = c.expression(s.def.ID, "", "relevant", s.def.Relevant, s.first)
	for i := s.first; i < s.end; i++ {
		it := &c.f.items[i]
		it.relevant = c.expression(s.def.ID, it.def.ID, "relevant", it.def.Relevant, i)
		if it.typ != 0 {
			it.constraint = c.expression(s.def.ID, it.def.ID, "constraint", it.def.Constraint, i+1)
		}
	}
}

// expression compiles an expression that may use the first known items only.
func (c *compiler) expression(section, item, field, src string, known int) *expr.Program {
	if strings.TrimSpace(src) == "" {
		return nil
	}
	p, err := expr.Compile(src, c.env)
	if err != nil {
		c.faults = append(c.faults, Fault{section, item, field, err})
		return nil
	}
	if t := p.Type(); t != expr.Bool {
		err := p.ErrorAt("", "the expression must be true or false (bool), but it is "+t.String())
		c.faults = append(c.faults, Fault{section, item, field, err})
	}
	for _, name := range p.Names() {
		if c.f.index[name] >= known {
			err := p.ErrorAt(name, name+" is asked later; an expression can only use items before it")
			c.faults = append(c.faults, Fault{section, item, field, err})
		}
	}
	return p
}

func (c *compiler) fault(section, item, field, msg string) {
	c.faults = append(c.faults, Fault{section, item, field, errors.New(msg)})
}
