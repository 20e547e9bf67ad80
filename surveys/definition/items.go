package definition

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
	"github.com/suyang-survey/suyang/surveys/geo"
)

func (l *linter) sections() {
	if len(l.q.Sections) == 0 {
		l.faultAt("sections", "the questionnaire has no section", "write at least one section with an item")
	}
	var sections names
	for s := range l.q.Sections {
		section := &l.q.Sections[s]
		path := fmt.Sprintf("sections[%d]", s)
		l.id(path+".id", section.ID, nameID)
		sections.add(l, path+".id", section.ID)
		l.text(path+".title", section.Title)
		l.optionalText(path+".intro", section.Intro)
		if section.Block != "" {
			l.id(path+".block", section.Block, nameID)
		}
		if section.Bank != nil {
			l.faultAt(path+".bank", fmt.Sprintf("section %q takes its items from a bank, but no bank was read with it", section.ID), "put bank.yaml and blueprint.yaml beside the questionnaire, or make it complete with “suyang bank assemble”")
		} else if len(section.Items) == 0 {
			l.faultAt(path, fmt.Sprintf("section %q is empty", section.ID), "give it items or remove it")
		}
		l.checks(path, section.Checks)
		l.items(path, section.Items)
	}
}

// items checks the items of a section or of a roster.
func (l *linter) items(path string, items []surveys.Item) {
	var grid *surveys.Item // the last one
	for i := range items {
		it := &items[i]
		at := fmt.Sprintf("%s.items[%d]", path, i)
		l.id(at+".id", it.ID, itemID)
		l.ids.add(l, at+".id", it.ID)
		if it.Type == surveys.Grid {
			grid = it
			if i+1 == len(items) || items[i+1].Row != it.ID {
				l.faultAt(at, fmt.Sprintf("grid %q has no rows", it.ID), "write at least one: “rows: [{id: …, text: …}]”")
			}
		}
		if it.Row != "" && grid != nil && grid.ID == it.Row && !sameOptions(it.Options, grid.Options) {
			l.faultAt(at+".options", fmt.Sprintf("row %q has other options than its grid %q", it.ID, it.Row), "write the options at the grid, and its rows under “rows:”")
		}
		l.item(at, it)
		l.inRoster(at, it)
	}
}

func sameOptions(a, b []surveys.Option) bool {
	return slices.EqualFunc(a, b, func(x, y surveys.Option) bool {
		return x.Code == y.Code && x.Exclusive == y.Exclusive && x.Fixed == y.Fixed && maps.Equal(x.Text, y.Text)
	})
}

// inRoster checks the items of a roster.
func (l *linter) inRoster(path string, it *surveys.Item) {
	if it.Type != surveys.Roster {
		return
	}
	if len(it.Items) == 0 {
		l.faultAt(path, fmt.Sprintf("roster %q asks nothing in its rows", it.ID), "write what is asked for each of them: “items: …”")
	}
	for i, of := range it.Items {
		at := fmt.Sprintf("%s.items[%d]", path, i)
		if of.Type == surveys.Roster {
			l.faultAt(at, fmt.Sprintf("roster %q stands in roster %q", of.ID, it.ID), "ask for the rows of one roster only")
		}
		if of.Dimension != "" || len(of.Key) > 0 {
			l.faultAt(at+".dimension", fmt.Sprintf("item %q is scored but asked in every row of a roster", of.ID), "score items outside of rosters")
		}
	}
	l.items(path, it.Items)
}

func (l *linter) item(path string, it *surveys.Item) {
	if it.Type == surveys.Calculate { // it is not shown; the text names it in tables
		l.optionalText(path+".text", it.Text)
	} else {
		l.text(path+".text", it.Text)
	}
	l.optionalText(path+".hint", it.Hint)
	l.optionalText(path+".unit", it.Unit)
	if it.Figure != nil {
		l.text(path+".figure.alt", it.Figure.Alt)
	}
	kinds := make([]string, len(form.Types))
	for i, t := range form.Types {
		kinds[i] = string(t)
	}
	l.oneOf(path+".type", string(it.Type), kinds...)
	if slices.Contains(form.Types, it.Type) {
		l.applicable(path, it)
	}
	l.bounds(path, it)
	l.constraint(path, it)
	l.checks(path, it.Checks)
	l.options(path, it)
	l.scoring(path, it)
}

// The types that a property suits.
var (
	choices = []surveys.ItemType{surveys.Single, surveys.Likert, surveys.Multiple, surveys.Ranking}
	written = []surveys.ItemType{surveys.Number, surveys.ShortText, surveys.LongText, surveys.Date, surveys.Region}
	// given are answers that people give; single are the types that can be a page.
	given = slices.Concat(choices, written, []surveys.ItemType{surveys.Roster})
	shown = slices.Concat(given, []surveys.ItemType{surveys.Grid, surveys.Note})
)

// applicable checks that every property suits the item's type.
func (l *linter) applicable(path string, it *surveys.Item) {
	for _, p := range []struct {
		name  string
		set   bool
		types []surveys.ItemType
	}{
		{"hint", len(it.Hint) > 0, shown},
		{"figure", it.Figure != nil, shown},
		{"options", len(it.Options) > 0, slices.Concat(choices, written, []surveys.ItemType{surveys.Grid})},
		{"required", it.Required, given},
		{"constraint", it.Constraint != "", given},
		{"checks", len(it.Checks) > 0, given},
		{"decimals", it.Decimals != 0, []surveys.ItemType{surveys.Number}},
		{"unit", len(it.Unit) > 0, []surveys.ItemType{surveys.Number}},
		{"max_length", it.MaxLength != 0, []surveys.ItemType{surveys.ShortText, surveys.LongText}},
		{"least", it.Least != 0, []surveys.ItemType{surveys.Multiple, surveys.Ranking, surveys.Roster}},
		{"most", it.Most != 0, []surveys.ItemType{surveys.Multiple, surveys.Ranking, surveys.Roster}},
		{"from", it.From != "", choices},
		{"shuffle", it.Shuffle, []surveys.ItemType{surveys.Single, surveys.Multiple, surveys.Ranking, surveys.Grid}},
		{"row", it.Row != "", []surveys.ItemType{surveys.Single, surveys.Likert}},
		{"page", it.Page, shown},
		{"timed", it.Timed, slices.Concat(choices, written, []surveys.ItemType{surveys.Grid})},
		{"calculate", it.Calculate != "", []surveys.ItemType{surveys.Calculate, surveys.Roster}},
		{"division", it.Division != nil, []surveys.ItemType{surveys.Region}},
		{"items", len(it.Items) > 0, []surveys.ItemType{surveys.Roster}},
		{"dimension", it.Dimension != "", []surveys.ItemType{surveys.Single}},
	} {
		if p.set && !slices.Contains(p.types, it.Type) {
			l.faultAt(path+"."+p.name, fmt.Sprintf("%s does not suit item %q of type %s", p.name, it.ID, it.Type), "remove it, or change the type to "+alternatives(p.types))
		}
	}
	for _, p := range []struct {
		name string
		set  bool
	}{{"page", it.Page}, {"timed", it.Timed}, {"shuffle", it.Shuffle}, {"from", it.From != ""}} {
		if p.set && it.Row != "" {
			l.faultAt(path+"."+p.name, fmt.Sprintf("%s does not suit item %q, which is a row of grid %q", p.name, it.ID, it.Row), "a grid is shown as one: write it at the grid, or ask an item outside of it")
		}
	}
	if it.Type == surveys.Roster && it.Calculate != "" && it.Required {
		l.faultAt(path+".required", fmt.Sprintf("the rows of roster %q are computed", it.ID), "remove “required”")
	}
	switch {
	case it.Type == surveys.Calculate && it.Calculate == "":
		l.faultAt(path, fmt.Sprintf("item %q has nothing to calculate", it.ID), "write the expression: “calculate: …”")
	case it.Type == surveys.Region && it.Division == nil:
		l.faultAt(path, fmt.Sprintf("region %q has no code list", it.ID), "write “division: {list: …, level: county}”")
	case it.Division != nil && !geo.Level(it.Division.Level).Valid():
		l.oneOf(path+".division.level", it.Division.Level, string(geo.Province), string(geo.City), string(geo.County), string(geo.Township), string(geo.Village))
	}
}

// alternatives joins the names of types.
func alternatives(types []surveys.ItemType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	if len(names) == 1 {
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// bounds checks numbers that limit an answer.
func (l *linter) bounds(path string, it *surveys.Item) {
	if it.Decimals < 0 || it.Decimals > 9 {
		l.faultAt(path+".decimals", fmt.Sprintf("decimals is %d", it.Decimals), "use a number from 0 to 9")
	}
	if it.MaxLength < 0 || it.MaxLength > 10000 {
		l.faultAt(path+".max_length", fmt.Sprintf("max_length is %d", it.MaxLength), "use a number from 1 to 10000")
	}
	offered := l.offered(it)
	together := 0 // options that can be chosen beside others
	for _, o := range offered {
		if !o.Exclusive && o.Code != surveys.DontKnow && o.Code != surveys.Refused {
			together++
		}
	}
	least, most := together, len(offered)
	what := fmt.Sprintf("options that item %q can have", it.ID)
	if it.Type == surveys.Roster {
		least, most, what = surveys.MaxRows, surveys.MaxRows, "rows of a roster"
	}
	for _, b := range []struct {
		name       string
		n, highest int
	}{{"least", it.Least, least}, {"most", it.Most, most}} {
		if b.n < 0 || b.n > b.highest {
			l.faultAt(path+"."+b.name, fmt.Sprintf("%s is %d", b.name, b.n), fmt.Sprintf("use a number from 1 to %d, the %s", b.highest, what))
		}
	}
	if it.Most > 0 && it.Least > it.Most {
		l.faultAt(path+".least", fmt.Sprintf("least is %d and most is %d", it.Least, it.Most), "least cannot be more than most")
	}
}

func (l *linter) constraint(path string, it *surveys.Item) {
	switch {
	case it.Constraint != "":
		l.text(path+".message", it.Message)
	case len(it.Message) > 0:
		l.faultAt(path+".message", fmt.Sprintf("item %q has a message but no constraint", it.ID), "write the constraint or remove the message")
	}
}

func (l *linter) checks(path string, checks []surveys.Check) {
	for i, c := range checks {
		at := fmt.Sprintf("%s.checks[%d]", path, i)
		if strings.TrimSpace(c.Assert) == "" {
			l.faultAt(at, "assert is missing", "write the expression that must be true: “assert: …”")
		}
		l.text(at+".message", c.Message)
	}
}

func (l *linter) options(path string, it *surveys.Item) {
	if it.Row != "" {
		return // they are those of the grid
	}
	choice := slices.Contains(choices, it.Type)
	if n := len(l.offered(it)); (choice && it.From == "" || it.Type == surveys.Grid) && n < 2 {
		l.faultAt(path, fmt.Sprintf("item %q has too few options", it.ID), "give it at least two")
	}
	var codes names
	reads := map[string]string{}
	for i, o := range it.Options {
		at := fmt.Sprintf("%s.options[%d]", path, i)
		l.id(at+".code", o.Code, optionCode)
		codes.add(l, at+".code", o.Code)
		l.text(at+".text", o.Text)
		for _, lang := range l.q.Languages {
			words := string(lang) + " " + strings.Join(strings.Fields(o.Text[lang]), " ")
			if other, twice := reads[words]; twice && other != o.Code && o.Text[lang] != "" {
				l.faultAt(at+".text."+string(lang), fmt.Sprintf("options %q and %q of item %q read the same in %s", other, o.Code, it.ID, lang), "word them apart")
			}
			reads[words] = o.Code
		}
		reserved := o.Code == surveys.DontKnow || o.Code == surveys.Refused
		switch {
		case it.Type != surveys.Multiple && o.Exclusive:
			l.faultAt(at+".exclusive", fmt.Sprintf("option %q of item %q cannot be exclusive", o.Code, it.ID), "only items of type multiple have exclusive options")
		case it.Type == surveys.Multiple && reserved && !o.Exclusive:
			l.faultAt(at, fmt.Sprintf("option %q of item %q must stand alone", o.Code, it.ID), "write “exclusive: true”")
		case slices.Contains(written, it.Type) && !reserved:
			l.faultAt(at+".code", fmt.Sprintf("an item of type %s has no option %q", it.Type, o.Code), "it may only offer the options dk and refused; ask a choice for others")
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
	case it.Type != surveys.Single: // see applicable
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

func (l *linter) oneOf(path, s string, known ...string) {
	way := "use one of: " + strings.Join(known, ", ")
	switch {
	case s == "":
		l.faultAt(path, named(path)+" is missing", way)
	case !slices.Contains(known, s):
		l.faultAt(path, fmt.Sprintf("%s is %q", named(path), s), way)
	}
}
