package form

import (
	"iter"
	"maps"
	"slices"
	"strconv"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// A Use is an expression of a form and where it stands, as in a Fault.
type Use struct {
	Section, Item, Field string
	Program              *expr.Program
	// Shown says that it stands in a text that is shown together with its item.
	Shown bool
}

// Uses gives every expression of the form, for checks beyond those of Compile.
func (f *Form) Uses() iter.Seq[Use] {
	return func(yield func(Use) bool) {
		for _, u := range f.allUses() {
			if !yield(u) {
				return
			}
		}
	}
}

func (f *Form) allUses() (all []Use) {
	for s := range f.sections {
		sec := &f.sections[s]
		w := userOf{f: f, section: sec.def.ID, roster: -1}
		w.program("relevant", sec.relevant)
		w.text("title", sec.def.Title, false)
		w.text("intro", sec.def.Intro, false)
		w.checks(sec.checks)
		all = append(all, w.all...)
		for i := sec.first; i < sec.end; i++ {
			all = append(all, f.usesOf(i)...)
		}
	}
	return all
}

// usesOf are the expressions of an item.
func (f *Form) usesOf(i int) []Use {
	it := &f.items[i]
	w := userOf{f: f, section: f.sections[it.section].def.ID, item: it.def.ID, roster: it.roster}
	w.program("relevant", it.relevant)
	w.program("calculate", it.calculate)
	w.checks(it.checks)
	w.text("text", it.def.Text, true)
	w.text("hint", it.def.Hint, true)
	w.text("unit", it.def.Unit, true)
	w.text("message", it.def.Message, false)
	if it.def.Figure != nil {
		w.text("figure.alt", it.def.Figure.Alt, true)
	}
	for n, o := range it.def.Options {
		w.text("options["+strconv.Itoa(n)+"].text", o.Text, true)
	}
	return w.all
}

// userOf gathers the expressions of one section or item.
type userOf struct {
	f             *Form
	section, item string
	roster        int
	all           []Use
}

func (w *userOf) program(field string, p *expr.Program) {
	if p != nil {
		w.all = append(w.all, Use{Section: w.section, Item: w.item, Field: field, Program: p})
	}
}

func (w *userOf) checks(checks []check) {
	for _, ck := range checks {
		if ck.number == 0 {
			w.program("constraint", ck.assert)
			continue
		}
		field := "checks[" + strconv.Itoa(ck.number-1) + "]"
		w.program(field+".assert", ck.assert)
		w.text(field+".message", ck.message, false)
	}
}

func (w *userOf) text(field string, t surveys.Text, shown bool) {
	for _, l := range slices.Sorted(maps.Keys(t)) {
		made := w.f.texts[textKey{t[l], w.roster}]
		if made == nil {
			continue
		}
		for _, at := range made.parts {
			if at.prog != nil {
				w.all = append(w.all, Use{w.section, w.item, field + "." + string(l), at.prog, shown})
			}
		}
	}
}

// Pages gives the items of each page in the order of the questionnaire; of a roster the
// pages of its first row.
func (f *Form) Pages() iter.Seq[[]*surveys.Item] {
	return func(yield func([]*surveys.Item) bool) {
		for _, pg := range f.plain {
			if pg.row > 1 {
				continue
			}
			var items []*surveys.Item
			for _, i := range pg.items {
				items = append(items, f.items[i].def)
			}
			if !yield(items) {
				return
			}
		}
	}
}
