package definition

import (
	"fmt"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// A page sends at most maxPage answers, counting every option that can be ticked, and
// a whole interview maxAnswers. A server refuses what is somewhat larger.
const (
	maxPage    = 1500
	maxAnswers = 2000
)

// answers is how many answers items can get together.
func answers(items []surveys.Item) (n int) {
	for i := range items {
		switch it := &items[i]; it.Type {
		case surveys.Note:
		case surveys.Single:
			n++
		case surveys.Multiple:
			n += len(it.Options)
		default: // a field, and boxes beside it
			n += 1 + len(it.Options)
		}
	}
	return n
}

func (l *linter) sections() {
	if len(l.q.Sections) == 0 {
		l.faultAt("sections", "the questionnaire has no section", "write at least one section with an item")
	}
	var sections, items names
	total := 0
	for s := range l.q.Sections {
		section := &l.q.Sections[s]
		path := fmt.Sprintf("sections[%d]", s)
		l.id(path+".id", section.ID, nameID)
		sections.add(l, path+".id", section.ID)
		l.text(path+".title", section.Title)
		l.optionalText(path+".intro", section.Intro)
		if section.Bank != nil {
			l.faultAt(path+".bank", fmt.Sprintf("section %q takes its items from a bank, but no bank was read with it", section.ID), "put bank.yaml and blueprint.yaml beside the questionnaire, or make it complete with “suyang bank assemble”")
		} else if len(section.Items) == 0 {
			l.faultAt(path, fmt.Sprintf("section %q is empty", section.ID), "give it items or remove it")
		}
		n := answers(section.Items)
		if total += n; n > maxPage {
			l.faultAt(path, fmt.Sprintf("section %q can get %d answers, more than %d on one page", section.ID, n, maxPage), "divide it")
		}
		for i := range section.Items {
			it := &section.Items[i]
			at := fmt.Sprintf("%s.items[%d]", path, i)
			l.id(at+".id", it.ID, itemID)
			items.add(l, at+".id", it.ID)
			l.item(at, it)
		}
	}
	if total > maxAnswers {
		l.faultAt("sections", fmt.Sprintf("an interview can get %d answers, more than %d", total, maxAnswers), "ask less, or divide the questionnaire")
	}
}

func (l *linter) item(path string, it *surveys.Item) {
	l.text(path+".text", it.Text)
	l.optionalText(path+".hint", it.Hint)
	if it.Figure != nil {
		l.text(path+".figure.alt", it.Figure.Alt)
	}
	l.oneOf(path+".type", string(it.Type), string(surveys.Single), string(surveys.Multiple),
		string(surveys.Number), string(surveys.ShortText), string(surveys.Note))
	l.applicable(path, it)
	l.constraint(path, it)
	l.options(path, it)
	l.scoring(path, it)
}

// applicable checks that every property suits the item's type.
func (l *linter) applicable(path string, it *surveys.Item) {
	choice := it.Type == surveys.Single || it.Type == surveys.Multiple
	for _, p := range []struct {
		name     string
		set      bool
		suitable bool
	}{
		{"options", len(it.Options) > 0, choice || it.Type == surveys.Number},
		{"required", it.Required, it.Type != surveys.Note},
		{"constraint", it.Constraint != "", it.Type != surveys.Note},
		{"decimals", it.Decimals != 0, it.Type == surveys.Number},
		{"unit", len(it.Unit) > 0, it.Type == surveys.Number},
		{"max_length", it.MaxLength != 0, it.Type == surveys.ShortText},
	} {
		if p.set && !p.suitable {
			l.faultAt(path+"."+p.name, fmt.Sprintf("%s does not suit item %q of type %s", p.name, it.ID, it.Type), "remove it or change the type")
		}
	}
	if choice && len(it.Options) < 2 {
		l.faultAt(path, fmt.Sprintf("item %q has too few options", it.ID), "give it at least two")
	}
	if it.Decimals < 0 || it.Decimals > 9 {
		l.faultAt(path+".decimals", fmt.Sprintf("decimals is %d", it.Decimals), "use a number from 0 to 9")
	}
	if it.MaxLength < 0 || it.MaxLength > 10000 {
		l.faultAt(path+".max_length", fmt.Sprintf("max_length is %d", it.MaxLength), "use a number from 1 to 10000")
	}
	l.optionalText(path+".unit", it.Unit)
}

func (l *linter) constraint(path string, it *surveys.Item) {
	switch {
	case it.Constraint != "":
		l.text(path+".message", it.Message)
	case len(it.Message) > 0:
		l.faultAt(path+".message", fmt.Sprintf("item %q has a message but no constraint", it.ID), "write the constraint or remove the message")
	}
}

func (l *linter) options(path string, it *surveys.Item) {
	var codes names
	for i, o := range it.Options {
		at := fmt.Sprintf("%s.options[%d]", path, i)
		l.id(at+".code", o.Code, optionCode)
		codes.add(l, at+".code", o.Code)
		l.text(at+".text", o.Text)
		reserved := o.Code == surveys.DontKnow || o.Code == surveys.Refused
		switch {
		case it.Type != surveys.Multiple && o.Exclusive:
			l.faultAt(at+".exclusive", fmt.Sprintf("option %q of item %q cannot be exclusive", o.Code, it.ID), "only items of type multiple have exclusive options")
		case it.Type == surveys.Multiple && reserved && !o.Exclusive:
			l.faultAt(at, fmt.Sprintf("option %q of item %q must stand alone", o.Code, it.ID), "write “exclusive: true”")
		case it.Type == surveys.Number && !reserved:
			l.faultAt(at+".code", fmt.Sprintf("a number has no option %q", o.Code), "a number may only offer the options dk and refused")
		}
	}
}

// scoring checks that a scored item can be scored.
func (l *linter) scoring(path string, it *surveys.Item) {
	if it.Dimension == "" {
		if len(it.Key) > 0 {
			l.faultAt(path+".key", fmt.Sprintf("item %q has a key but no dimension", it.ID), "write the dimension it counts for or remove the key")
		}
		return
	}
	switch {
	case it.Type != surveys.Single:
		l.faultAt(path+".dimension", fmt.Sprintf("item %q is scored but of type %s", it.ID, it.Type), "only single items are scored")
	case len(it.Key) == 0:
		l.faultAt(path, fmt.Sprintf("item %q is scored but has no key", it.ID), "write the code of the right option: “key: …”")
	case len(it.Key) >= len(it.Options):
		l.faultAt(path+".key", fmt.Sprintf("every answer to item %q is right", it.ID), "name only the right options")
	}
	l.knownDimension(path, it)
	for i, k := range it.Key {
		at := fmt.Sprintf("%s.key[%d]", path, i)
		switch {
		case !slices.ContainsFunc(it.Options, func(o surveys.Option) bool { return o.Code == k }):
			l.faultAt(at, fmt.Sprintf("key %q is no option of item %q", k, it.ID), "use the code of an option")
		case k == surveys.DontKnow || k == surveys.Refused:
			l.faultAt(at, fmt.Sprintf("%q cannot be the right answer", k), "dk and refused always count as wrong")
		case slices.Contains(it.Key[:i], k):
			l.faultAt(at, fmt.Sprintf("key %q is given twice", k), "keep one")
		}
	}
}

func (l *linter) knownDimension(path string, it *surveys.Item) {
	c := l.q.Criterion
	if c == nil {
		l.faultAt(path+".dimension", fmt.Sprintf("item %q is scored but there is no criterion", it.ID), "write a criterion with this dimension")
		return
	}
	known := make([]string, len(c.Dimensions))
	for i, d := range c.Dimensions {
		known[i] = d.ID
	}
	if !slices.Contains(known, it.Dimension) {
		l.faultAt(path+".dimension", fmt.Sprintf("the criterion has no dimension %q", it.Dimension), "known dimensions: "+strings.Join(known, ", "))
	}
}

// names finds names given twice, taking upper and lower case as the same because
// other programs that read the data do.
type names map[string]int

func (n *names) add(l *linter, path, name string) {
	if *n == nil {
		*n = names{}
	}
	folded := strings.ToLower(name)
	first, twice := (*n)[folded]
	switch at, ok := l.node(path); {
	case name == "" || !ok:
	case twice:
		l.faultAt(path, fmt.Sprintf("%q is used twice, first in line %d", name, first), "choose another; upper and lower case count as the same")
	default:
		(*n)[folded] = at.Line
	}
}

// text checks a wording that must be there in every language.
func (l *linter) text(path string, t surveys.Text) {
	if len(t) == 0 {
		l.faultAt(path, named(path)+" is missing", "write it in every language: "+l.sample())
		return
	}
	for _, lang := range l.q.Languages {
		if strings.TrimSpace(t[lang]) == "" {
			l.faultAt(path, fmt.Sprintf("%s has no wording in %s", named(path), lang), "write one; every text needs all languages of the questionnaire")
		}
	}
	for _, lang := range sortedLanguages(t) {
		if !slices.Contains(l.q.Languages, lang) {
			l.faultAt(path+"."+string(lang), fmt.Sprintf("%s has a wording in %s, which is not a language of the questionnaire", named(path), lang), "add it to languages or remove the wording")
		}
	}
}

// optionalText checks a wording that may be left out altogether.
func (l *linter) optionalText(path string, t surveys.Text) {
	if len(t) > 0 {
		l.text(path, t)
	}
}

// sample shows how a text is written in the questionnaire's languages.
func (l *linter) sample() string {
	parts := make([]string, len(l.q.Languages))
	for i, lang := range l.q.Languages {
		parts[i] = string(lang) + ": …"
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func sortedLanguages(t surveys.Text) []surveys.Lang {
	langs := make([]surveys.Lang, 0, len(t))
	for l := range t {
		langs = append(langs, l)
	}
	slices.Sort(langs)
	return langs
}

func (l *linter) filled(path, s string) {
	if strings.TrimSpace(s) == "" {
		l.faultAt(path, named(path)+" is missing", "write it")
	}
}

func (l *linter) oneOf(path, s string, known ...string) {
	way := "use one of: " + strings.Join(known, ", ")
	switch {
	case s == "":
		l.faultAt(path, named(path)+" is missing", way)
	case !slices.Contains(known, s):
		l.faultAt(path, fmt.Sprintf("%s is %q", named(path), s), way)
	}
}
