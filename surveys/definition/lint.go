package definition

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

// linter checks a questionnaire that was read without fault for what would not work
// in the field.
type linter struct {
	*report
	q   *surveys.Questionnaire
	ids names // of items
	// byID are the items by their IDs, made when first needed.
	byID map[string]*surveys.Item
}

// offered is what an item can offer.
func (l *linter) offered(it *surveys.Item) []surveys.Option {
	if l.byID == nil {
		l.byID = map[string]*surveys.Item{}
		for it := range l.q.Items {
			l.byID[it.ID] = it
		}
	}
	return surveys.OfferedTo(it, func(id string) *surveys.Item { return l.byID[id] })
}

func (l *linter) lint() {
	l.header()
	l.statutory()
	if !l.size() {
		return
	}
	l.sections()
	l.load()
	l.criterion()
	l.booklets()
	lists := l.divisions()
	l.depth(lists)
	if len(l.faults) == 0 {
		l.expressions(lists)
	}
}

// header checks what stands above the sections.
func (l *linter) header() {
	l.id("id", l.q.ID, addressID)
	l.line("edition", l.q.Edition)
	if len(l.q.Languages) == 0 {
		l.faultAt("languages", "languages is missing", "list them, the default first: [zh, en]")
	}
	for i, lang := range l.q.Languages {
		path := fmt.Sprintf("languages[%d]", i)
		if !matches(string(lang), languageTag) {
			l.faultAt(path, fmt.Sprintf("%q is no language", lang), "use tags such as zh or en")
		}
		if slices.Contains(l.q.Languages[:i], lang) {
			l.faultAt(path, fmt.Sprintf("language %s is listed twice", lang), "keep one")
		}
	}
	if l.q.Paging != surveys.PageSections {
		l.oneOf("paging", string(l.q.Paging), string(surveys.PageItems))
	}
	l.fixedText("title", l.q.Title)
	l.fixedText("consent", l.q.Consent)
}

// trialWords are what a trial's approval text must say in the languages we know.
var trialWords = map[surveys.Lang]string{surveys.ZH: "试用", surveys.EN: "trial"}

func (l *linter) statutory() {
	s := l.q.Statutory
	l.line("statutory.form_number", s.FormNumber)
	l.fixedText("statutory.issuer", s.Issuer)
	l.fixedText("statutory.approval", s.Approval)
	if _, err := time.Parse(time.DateOnly, s.ValidUntil); err != nil {
		l.faultAt("statutory.valid_until", fmt.Sprintf("valid_until is %q", s.ValidUntil), "write the last day of validity in quotes, such as \"2027-12-31\"")
	}
	if !s.Trial {
		return
	}
	for _, lang := range l.q.Languages {
		if word := trialWords[lang]; !strings.Contains(strings.ToLower(s.Approval[lang]), word) {
			l.faultAt("statutory.approval."+string(lang), "the form is a trial and does not say so", fmt.Sprintf("use the word “%s” in the approval text", word))
		}
	}
}

func (l *linter) criterion() {
	c := l.q.Criterion
	if c == nil {
		return
	}
	l.id("criterion.id", c.ID, nameID)
	l.fixedText("criterion.name", c.Name)
	l.oneOf("criterion.boundary", string(c.Boundary), string(surveys.Above), string(surveys.AtLeast))
	l.oneOf("criterion.unasked", string(c.Unasked), string(surveys.UnaskedMissing), string(surveys.UnaskedWrong), string(surveys.UnaskedLeftOut))
	if len(c.Dimensions) == 0 {
		l.faultAt("criterion.dimensions", "the criterion has no dimension", "list at least one, with its points")
		return
	}
	l.dimensions(c)
	l.levels(c)
	l.unasked(c)
	if len(l.faults) == 0 {
		if _, err := score.New(l.q); err != nil {
			l.faultAt("criterion", strings.TrimPrefix(err.Error(), "invalid: "), "")
		}
	}
}

func (l *linter) dimensions(c *surveys.Criterion) {
	var ids names
	sum := 0.0
	for i, d := range c.Dimensions {
		path := fmt.Sprintf("criterion.dimensions[%d]", i)
		l.id(path+".id", d.ID, nameID)
		ids.add(l, path+".id", d.ID)
		l.fixedText(path+".name", d.Name)
		if !(d.Points > 0) {
			l.faultAt(path+".points", fmt.Sprintf("points is %v", d.Points), "use a number above 0")
		}
		if !l.hasItems(d.ID) {
			l.faultAt(path, fmt.Sprintf("no item belongs to dimension %q", d.ID), "write “dimension: …” at its items or remove it")
		}
		sum += d.Points
	}
	l.cut("criterion.cut", c.Cut, sum, c.Boundary)
	for i, v := range c.Levels {
		l.cut(fmt.Sprintf("criterion.levels[%d].cut", i), v.Cut, sum, c.Boundary)
	}
}

// unasked checks that items outside a person's booklet do not spoil the score.
func (l *linter) unasked(c *surveys.Criterion) {
	if c.Unasked == surveys.UnaskedLeftOut {
		return
	}
	in := l.q.Inclusion()
	for it := range l.q.Items {
		if it.Dimension != "" && in[it.ID] < 1 {
			l.faultAt("criterion.unasked", fmt.Sprintf("item %q is scored but not in every booklet, and unasked is %q", it.ID, c.Unasked), "write “unasked: left-out”, so that people are scored by what they were asked")
			return
		}
	}
}

// cut checks that some scores reach a cut and some do not.
func (l *linter) cut(path string, cut, sum float64, b surveys.Boundary) {
	if !(cut > 0) || cut > sum || cut == sum && b == surveys.Above {
		l.faultAt(path, fmt.Sprintf("a cut of %v cannot be reached or missed with %v points in all", cut, sum), "use a number between 0 and the sum of the dimensions' points")
	}
}

func (l *linter) hasItems(dimension string) bool {
	for it := range l.q.Items {
		if it.Dimension == dimension {
			return true
		}
	}
	return slices.ContainsFunc(l.q.Sections, func(s surveys.Section) bool { return s.Bank != nil && s.Bank.Dimension == dimension })
}

func (l *linter) levels(c *surveys.Criterion) {
	var ids names
	for i, v := range c.Levels {
		path := fmt.Sprintf("criterion.levels[%d]", i)
		l.id(path+".id", v.ID, nameID)
		ids.add(l, path+".id", v.ID)
		l.fixedText(path+".name", v.Name)
		if v.ID == score.BandLowest {
			l.faultAt(path+".id", fmt.Sprintf("the level ID %q is reserved", v.ID), "choose another; the lowest band is named by criterion.lowest")
		}
		if i > 0 && v.Cut >= c.Levels[i-1].Cut {
			l.faultAt(path+".cut", fmt.Sprintf("level %q has the cut %v after %v", v.ID, v.Cut, c.Levels[i-1].Cut), "order the levels from the highest cut down")
		}
	}
	if len(c.Levels) > 0 || len(c.Lowest) > 0 {
		l.fixedText("criterion.lowest", c.Lowest)
	}
}
