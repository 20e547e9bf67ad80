package xlsform

import (
	"regexp"
	"slices"

	"github.com/suyang-survey/suyang/surveys"
)

// turnPages begins a page before what needs an answer of its page when it is shown: a
// text with the answer in it, and a note that depends on it. ODK tools show questions one
// by one, so forms are written as if they came so.
func (im *importer) turnPages() {
	for s := range im.q.Sections {
		turnPages(im.q.Sections[s].Items)
	}
}

func turnPages(items []surveys.Item) {
	here := map[string]bool{} // what is answered on the page, or computed of that
	grid := -1
	for i := range items {
		it := &items[i]
		if it.Type == surveys.Grid {
			grid = i
		}
		switch {
		case it.Type == surveys.Calculate:
			here[it.ID] = uses(it.Calculate, here)
			continue
		case !needs(it, here):
		case it.Row == "":
			it.Page = true
			clear(here)
		case grid >= 0 && items[grid].ID == it.Row:
			items[grid].Page = true
			clear(here)
		}
		here[it.ID] = true
		if it.Type == surveys.Roster {
			turnPages(it.Items)
			clear(here) // its rows have pages of their own
		}
	}
}

var (
	identifier = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
	putIn      = regexp.MustCompile(`\$\{[^}]*\}`)
)

// needs reports whether an item must be shown after answers that are here.
func needs(it *surveys.Item, here map[string]bool) bool {
	if it.Type == surveys.Note && uses(it.Relevant, here) {
		return true
	}
	texts := []surveys.Text{it.Text, it.Hint}
	for _, o := range it.Options {
		texts = append(texts, o.Text)
	}
	for _, t := range texts {
		for _, s := range t {
			if slices.ContainsFunc(putIn.FindAllString(s, -1), func(p string) bool { return uses(p, here) }) {
				return true
			}
		}
	}
	return false
}

// uses reports whether an expression has the name of something that is here.
func uses(src string, here map[string]bool) bool {
	return slices.ContainsFunc(identifier.FindAllString(src, -1), func(name string) bool { return here[name] })
}
