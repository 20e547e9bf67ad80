package form

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// piped is a text with expressions in it: "${name}, how old are you?".
type piped struct{ parts []part }

// part is plain text, or an expression when there is a program. Item is the position of
// the item when the expression is nothing but its answer, else -1.
type part struct {
	plain string
	prog  *expr.Program
	item  int
}

// textKey names a text with expressions: the same words mean something else in the rows
// of a roster.
type textKey struct {
	src    string
	roster int
}

// noAnswer stands for an expression without a value.
const noAnswer = "…"

// text compiles the expressions in a text.
func (c *compiler) text(section, item, field string, t surveys.Text, p place) {
	for _, l := range slices.Sorted(maps.Keys(t)) {
		src, field := t[l], field+"."+string(l)
		key := textKey{src, p.roster}
		if !strings.Contains(src, "${") {
			continue
		}
		if _, ok := c.f.texts[key]; ok && c.textKnown(src, p) {
			continue
		}
		parts, err := cutText(src)
		if err != nil {
			c.faults = append(c.faults, Fault{section, item, field, err})
			continue
		}
		for n := range parts {
			if at := &parts[n]; at.item == pending {
				at.prog = c.expression(section, item, field, at.plain, p)
				at.item = -1
				if i, ok := c.f.index[strings.TrimSpace(at.plain)]; ok && at.prog != nil {
					at.item = i
				}
				if at.prog == nil && strings.TrimSpace(at.plain) == "" {
					c.fault(section, item, field, "there is nothing between ${ and }; write an expression, or $${ for the characters themselves")
				}
			}
		}
		c.f.texts[key] = &piped{parts}
	}
}

// textKnown reports whether the expressions of a text that was compiled elsewhere can
// also stand here; where not, compiling it again reports why.
func (c *compiler) textKnown(src string, p place) bool {
	for _, at := range c.f.texts[textKey{src, p.roster}].parts {
		if at.prog == nil {
			continue
		}
		for _, name := range at.prog.Names() {
			if c.late(p, c.f.index[name]) != "" {
				return false
			}
		}
	}
	return true
}

// pending marks the source of an expression that is not yet compiled.
const pending = -2

var errOpen = errors.New("“${” is not closed by “}”; write $${ for the characters themselves")

// cutText divides a text at its expressions. A } in the quotes of an expression does not
// end it.
func cutText(src string) ([]part, error) {
	var parts []part
	var plain strings.Builder
	for src != "" {
		i := strings.Index(src, "${")
		if i < 0 {
			plain.WriteString(src)
			break
		}
		if i > 0 && src[i-1] == '$' {
			plain.WriteString(src[:i-1] + "${")
			src = src[i+2:]
			continue
		}
		plain.WriteString(src[:i])
		end := closing(src[i+2:])
		if end < 0 {
			return nil, errOpen
		}
		if plain.Len() > 0 {
			parts = append(parts, part{plain: plain.String(), item: -1})
			plain.Reset()
		}
		parts = append(parts, part{plain: src[i+2 : i+2+end], item: pending})
		src = src[i+2+end+1:]
	}
	if plain.Len() > 0 {
		parts = append(parts, part{plain: plain.String(), item: -1})
	}
	return parts, nil
}

// closing is the place of the brace that ends an expression, or -1.
func closing(s string) int {
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && c == '}':
			return i
		}
	}
	return -1
}

// Text returns a text of the questionnaire in a language, with the answers it speaks of
// put in: of a choice the words of the option, of anything else what was answered, and
// … where there is no answer. Key is that of the item the text belongs to; it says which
// row of a roster is meant, and may be empty for the texts of a section.
func (s *Session) Text(t surveys.Text, l surveys.Lang, key string) string {
	src := t.In(l)
	if !strings.Contains(src, "${") {
		return src
	}
	s.refresh()
	i, row, ok := s.f.find(key)
	roster := -1
	if ok {
		roster = s.f.items[i].roster
	}
	p := s.f.texts[textKey{src, roster}]
	if p == nil { // of a section, or of an option chosen outside of the roster
		roster, row = -1, 0
		if p = s.f.texts[textKey{src, roster}]; p == nil {
			return src
		}
	}
	defer s.in(roster, row)()
	if s.text.depth == 0 {
		s.text.parts = 0
	}
	s.text.depth++
	defer func() { s.text.depth-- }()
	var b strings.Builder
	for _, at := range p.parts {
		if s.text.parts++; s.text.depth > maxTextDepth || s.text.parts > maxTextParts || b.Len() > maxTextBytes {
			b.WriteString(noAnswer)
			break
		}
		if at.prog == nil {
			b.WriteString(at.plain)
		} else {
			b.WriteString(s.say(at, l, row))
		}
	}
	return b.String()
}

// say writes the value of an expression for people.
func (s *Session) say(at part, l surveys.Lang, row int) string {
	v, err := at.prog.Eval(s.lookup)
	if err != nil {
		return noAnswer
	}
	name := func(v expr.Value) string { return strings.Join(written(v), "") }
	if at.item >= 0 {
		name = func(v expr.Value) string { return s.named(at.item, row, v.Text(), l) }
	}
	if !v.Type().IsList() {
		return isolated(name(v))
	}
	words := make([]string, len(v.List()))
	for n, e := range v.List() {
		words[n] = isolated(name(e))
	}
	separator := ", "
	if l == surveys.ZH {
		separator = "、"
	}
	return strings.Join(words, separator)
}

// isolated keeps an answer that is written from right to left from turning round the
// words and signs beside it (Unicode, UAX 9: FSI and PDI).
func isolated(s string) string {
	if !strings.ContainsFunc(s, rightToLeft) {
		return s
	}
	return "\u2068" + s + "\u2069"
}

// rightToLeft reports letters of the scripts that are written from right to left.
func rightToLeft(r rune) bool {
	return r >= 0x0590 && r <= 0x08FF || r >= 0xFB1D && r <= 0xFDFF || r >= 0xFE70 && r <= 0xFEFC ||
		r >= 0x10800 && r <= 0x10FFF || r >= 0x1E800 && r <= 0x1EFFF
}

// named is what people call the answer v to an item: the words of the option or the
// name of the division.
func (s *Session) named(i, row int, v string, l surveys.Lang) string {
	it := &s.f.items[i]
	if it.list != nil {
		if d, ok := it.list.Get(v); ok {
			return d.Name.In(l)
		}
	}
	if o, ok := s.f.option(i, v); ok {
		if words := s.Text(o.Text, l, s.f.key(i, row)); words != "" {
			return words
		}
	}
	return v
}

// option returns the option of an item with a code, its own or one offered from elsewhere.
func (f *Form) option(i int, code string) (surveys.Option, bool) {
	for i >= 0 {
		it := &f.items[i]
		if n, ok := it.options[code]; ok {
			return it.def.Options[n], true
		}
		i = it.from
	}
	return surveys.Option{}, false
}

// written is a computed value as it is kept among the answers.
func written(v expr.Value) []string {
	switch {
	case v.Type().IsList():
		out := make([]string, 0, len(v.List()))
		for _, e := range v.List() {
			if t := e.Text(); t != "" {
				out = append(out, t)
			}
		}
		return out
	case v.Type() == expr.Double:
		if f := v.Double(); f > -1e15 && f < 1e15 {
			if f == 0 {
				f = 0 // no minus sign
			}
			return []string{strconv.FormatFloat(f, 'f', -1, 64)}
		}
		return []string{v.Text()}
	}
	if t := v.Text(); t != "" {
		return []string{t}
	}
	return []string{}
}
