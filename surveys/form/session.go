package form

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// Session is one interview under way. It is for one goroutine at a time.
type Session struct {
	f        *Form
	start    Start
	out      []bool     // parallel to f.items: not in the booklet; nil when all are asked
	pages    []leaf     // in the order of the seed
	page     int        // the one shown; len(pages) when all was asked
	slots    []progress // by item.slot and row
	sections []standing // parallel to f.sections
	warned   map[string]bool
	millis   map[string]int64
	stale    bool // something was set since relevance was last found out

	lookup func(string) (expr.Value, bool)
	limits limits
	// text is how far a text is being put together.
	text struct{ depth, parts int }
	// roster and row are where expressions stand, -1 outside of rosters.
	roster, row int
}

// progress is how far one item has come, in one row.
type progress struct {
	put    bool
	values []string // in normal form; replaced as a whole, never changed
	reading
	standing
}

// standing says whether a section or an item is asked.
type standing struct {
	relevant bool
	err      error // why that could not be found out
}

// Start says how an interview begins.
type Start struct {
	// Booklet is the person's selection of the items; empty when the form has none.
	Booklet string
	// Seed makes the random orders; with 0 everything keeps the order of the questionnaire.
	Seed uint32
}

// Saved is everything a session knows, as plain data.
type Saved struct {
	Booklet string `json:"b,omitempty"`
	Seed    uint32 `json:"r,omitempty"`
	// Page is the one shown; empty at the end, when all was asked.
	Page string `json:"q,omitempty"`
	// Answers is everything that was set, relevant or not.
	Answers surveys.Answers `json:"a,omitempty"`
	// Warned names the soft checks that were shown with the present answers.
	Warned []string         `json:"w,omitempty"`
	Millis map[string]int64 `json:"t,omitempty"`
}

// Start begins an interview without answers, on its first page.
func (f *Form) Start(o Start) (*Session, error) {
	s := &Session{f: f, start: o, pages: f.pages(o.Seed), slots: make([]progress, f.slots), sections: make([]standing, len(f.sections)),
		warned: map[string]bool{}, millis: map[string]int64{}, stale: true, limits: fullLimits, roster: -1}
	s.lookup = s.value
	out, ok := f.booklets[o.Booklet]
	switch {
	case ok:
		s.out = out
	case o.Booklet != "":
		return nil, fmt.Errorf("%w: the questionnaire has no booklet %q", surveys.ErrInvalid, o.Booklet)
	case len(f.booklets) > 0:
		return nil, fmt.Errorf("%w: the questionnaire has booklets; the interview needs one of them", surveys.ErrInvalid)
	}
	s.page = s.following(-1)
	return s, nil
}

// Resume takes an interview up again from what Save gave. Answers to items that the
// form does not have are left out; Replay reports them.
func (f *Form) Resume(v Saved) (*Session, error) {
	s, err := f.Start(Start{Booklet: v.Booklet, Seed: v.Seed})
	if err != nil {
		return nil, err
	}
	for key, values := range v.Answers {
		s.Set(key, values)
	}
	for _, w := range v.Warned {
		s.warned[w] = true
	}
	for page, ms := range v.Millis {
		if ms > 0 && s.isPage(page) {
			s.millis[page] = min(ms, longestOnPage.Milliseconds())
		}
	}
	s.page = len(s.pages)
	if v.Page != "" {
		if s.page = s.pageOf(v.Page); s.page < 0 {
			s.page = 0
		}
		s.settle()
	}
	return s, nil
}

// Page is the ID of the page shown; empty at the end, when all was asked.
func (s *Session) Page() string {
	s.settle()
	if s.page == len(s.pages) {
		return ""
	}
	return s.pageKey(s.page)
}

// Size is about how many bytes of memory the session takes.
func (s *Session) Size() int {
	return len(s.slots)*int(unsafe.Sizeof(progress{})+40) + len(s.pages)*int(unsafe.Sizeof(leaf{})) + 2000
}

// Save returns what Resume takes.
func (s *Session) Save() Saved {
	v := Saved{Booklet: s.start.Booklet, Seed: s.start.Seed, Page: s.Page(), Answers: s.Answers()}
	for w := range s.warned {
		v.Warned = append(v.Warned, w)
	}
	slices.Sort(v.Warned)
	if len(s.millis) > 0 {
		v.Millis = map[string]int64{}
		for page, ms := range s.millis {
			v.Millis[page] = ms
		}
	}
	return v
}

// Answers returns everything that was set, relevant or not, as a copy.
func (s *Session) Answers() surveys.Answers {
	put := 0
	for i := range s.slots {
		if s.slots[i].put {
			put++
		}
	}
	a := make(surveys.Answers, put)
	for i := range s.f.items {
		it := &s.f.items[i]
		if !it.given() {
			continue
		}
		for row := range it.rows {
			if p := &s.slots[it.slot+row]; p.put {
				a[s.f.key(i, row)] = slices.Clone(p.values)
			}
		}
	}
	return a
}

// Values is what the session holds for an item, in normal form; do not change it.
func (s *Session) Values(key string) []string {
	i, row, ok := s.f.find(key)
	if !ok {
		return nil
	}
	return s.slots[s.f.items[i].slot+row].values
}

// Set puts an item to the person and keeps the answer in normal form: spaces around
// it trimmed, blank values dropped, numbers and days written in one way, chosen options
// in the order of the questionnaire, a division without the higher ones it lies in. An
// answer that is wrong is kept too, and Next says what is wrong. No values means that
// the item was left blank. Set returns false, and does nothing, when the form has no
// such item or row, or it takes no answer from a person.
func (s *Session) Set(key string, values []string) bool {
	i, row, ok := s.f.find(key)
	if !ok || !s.f.items[i].given() {
		return false
	}
	s.put(i, row, s.f.items[i].normal(values))
	return true
}

// take is Set for an answer that nobody changes while the session lives, so that one in
// normal form need not be copied.
func (s *Session) take(i, row int, values []string) {
	it := &s.f.items[i]
	switch {
	case !it.given():
	case it.plain(values):
		s.put(i, row, values)
	default:
		s.put(i, row, it.normal(values))
	}
}

// put puts an item to the person, with an answer in normal form.
func (s *Session) put(i, row int, normal []string) {
	it := &s.f.items[i]
	p := &s.slots[it.slot+row]
	if it.from >= 0 {
		normal = s.inOrderOf(i, normal)
	}
	if !p.put || !slices.Equal(normal, p.values) {
		s.forget(i, row)
	}
	p.put, p.values = true, normal
	p.reading = it.read(normal)
	s.stale = true
}

// forget takes back that soft checks were shown, where the answer to item i in a row is
// one of those they speak of, be it through what is calculated from it.
func (s *Session) forget(i, row int) {
	if len(s.warned) == 0 {
		return
	}
	changed := s.f.dependents(i)
	for name := range s.warned {
		at := strings.LastIndexByte(name, ':')
		if at < 0 {
			continue
		}
		var checks []check
		own, ownRow := -1, 0
		if n, ok := s.f.sectionIndex[name[:at]]; ok {
			checks = s.f.sections[n].checks
		} else if own, ownRow, ok = s.f.find(name[:at]); ok {
			checks = s.f.items[own].checks
		} else {
			continue
		}
		if own >= 0 && s.f.items[own].roster >= 0 && s.f.items[own].roster == s.f.items[i].roster && row != ownRow {
			continue
		}
		for _, ck := range checks {
			if strconv.Itoa(ck.number) == name[at+1:] && (own >= 0 && changed[own] || s.f.uses(ck.assert, changed)) {
				delete(s.warned, name)
			}
		}
	}
}

// dependents are item i and what is calculated from it. Expressions only use items before
// them, so one pass is enough.
func (f *Form) dependents(i int) map[int]bool {
	changed := map[int]bool{i: true}
	for j := i + 1; j < len(f.items); j++ {
		if p := f.items[j].calculate; p != nil && f.uses(p, changed) {
			changed[j] = true
		}
	}
	return changed
}

// uses reports whether an expression uses one of the items.
func (f *Form) uses(p *expr.Program, items map[int]bool) bool {
	return slices.ContainsFunc(p.Names(), func(name string) bool { return items[f.index[name]] })
}

// longestOnPage is the longest time that is noted of a page.
const longestOnPage = 30 * 24 * time.Hour

// Shown are the keys of the items on the page shown that the person can answer.
func (s *Session) Shown() (keys []string) {
	s.settle()
	if s.page >= len(s.pages) {
		return nil
	}
	s.refresh()
	pg := &s.pages[s.page]
	for _, i := range pg.items {
		if it := &s.f.items[i]; it.given() && s.slots[it.slot+max(pg.row-1, 0)].relevant {
			keys = append(keys, s.rowKey(i, pg))
		}
	}
	return keys
}

// Submit takes what a page sent, whether or not it is the one shown now: it calls Set for
// every item of the page for which values has an entry, and adds the time it took. An
// entry without values says that the page had shown the item, and it was left blank; what
// has no entry stays as it is. Submit does nothing when there is no such page, and leads
// nowhere; Next goes on.
func (s *Session) Submit(page string, values map[string][]string, took time.Duration) {
	at := s.pageOf(page)
	if at < 0 {
		return
	}
	pg := &s.pages[at]
	for _, i := range pg.items {
		key := s.rowKey(i, pg)
		if sent, ok := values[key]; ok {
			s.Set(key, sent)
		}
	}
	if ms := took.Milliseconds(); ms > 0 {
		s.millis[s.pageKey(at)] = min(s.millis[s.pageKey(at)]+ms, longestOnPage.Milliseconds())
	}
}

// Next leaves the page for the next one with something to ask, or for the end. It
// returns what is wrong, and stays, when something is; a soft check keeps the person
// only once with the same answers.
func (s *Session) Next() []Problem {
	s.settle()
	if s.page >= len(s.pages) {
		return nil
	}
	problems := s.Check()
	if len(problems) > 0 {
		for _, p := range problems {
			if p.Soft {
				s.warned[p.kept()] = true
			}
		}
		return problems
	}
	s.page = s.following(s.page)
	return nil
}

// Back goes to the page before, whatever is wrong; false when there is none.
func (s *Session) Back() bool {
	at := s.preceding(s.page)
	if at < 0 {
		return false
	}
	s.page = at
	return true
}

// Jump goes to the page of an item, given by its key, or that begins with it, when it is
// asked now. A page that was not reached yet is not shown: Jump returns false, and stays.
func (s *Session) Jump(key string) bool {
	at := s.pageOf(key)
	if at < 0 || !s.shown(at) {
		return false
	}
	for n := range at {
		if s.shown(n) && s.pagePending(n) {
			return false
		}
	}
	s.page = at
	return true
}

// pagePending reports whether a page has items that were never put to the person.
func (s *Session) pagePending(n int) bool {
	pg := &s.pages[n]
	for _, i := range pg.items {
		it := &s.f.items[i]
		if p := &s.slots[it.slot+max(pg.row-1, 0)]; it.given() && p.relevant && !p.put {
			return true
		}
	}
	return false
}

// settle goes on from a page that has nothing to ask any more, as after an answer in
// another window.
func (s *Session) settle() {
	if s.page < len(s.pages) && !s.shown(s.page) {
		s.page = s.following(s.page)
	}
}

// following is the next page after one with something to ask, or the number of pages.
func (s *Session) following(from int) int {
	for n := from + 1; n < len(s.pages); n++ {
		if s.shown(n) {
			return n
		}
	}
	return len(s.pages)
}

// preceding is the page before one with something to ask, or -1.
func (s *Session) preceding(from int) int {
	for n := from - 1; n >= 0; n-- {
		if s.shown(n) {
			return n
		}
	}
	return -1
}

// shown reports whether a page has something to ask or to say.
func (s *Session) shown(n int) bool {
	s.refresh()
	pg := &s.pages[n]
	for _, i := range pg.items {
		if s.asked(i, max(pg.row-1, 0)) {
			return true
		}
	}
	return false
}

// asked reports whether an item is shown in a row; a grid is when one of its rows is.
func (s *Session) asked(i, row int) bool {
	if s.f.items[i].def.Type != surveys.Grid {
		return s.slots[s.f.items[i].slot+row].relevant
	}
	for j := i + 1; j < len(s.f.items) && s.f.items[j].grid == i; j++ {
		if s.slots[s.f.items[j].slot+row].relevant {
			return true
		}
	}
	return false
}

// pageKey is the ID of a page: the key of its first item.
func (s *Session) pageKey(n int) string { return s.rowKey(s.pages[n].items[0], &s.pages[n]) }

func (s *Session) rowKey(i int, pg *leaf) string { return s.f.key(i, max(pg.row-1, 0)) }

// pageOf is the page with an item, or -1.
func (s *Session) pageOf(key string) int {
	i, row, ok := s.f.find(key)
	if !ok {
		return -1
	}
	for n := range s.pages {
		pg := &s.pages[n]
		if pg.section == s.f.items[i].section && max(pg.row-1, 0) == row && slices.Contains(pg.items, i) {
			return n
		}
	}
	return -1
}

// Result is a finished or broken-off interview in its final form.
type Result struct {
	Answers  surveys.Answers  `json:"answers"`
	Paradata surveys.Paradata `json:"paradata"`
	// Last is, of a break-off, the key of the item that was reached and not passed.
	Last string `json:"last,omitempty"`
}

// Finish returns the final answers: every item that was asked, without values when
// it was left blank, and no other. When something is wrong, it returns the problems
// of all sections and no answers.
func (s *Session) Finish() (Result, []Problem) {
	if problems := s.faults(); len(problems) > 0 {
		return Result{}, problems
	}
	return Result{Answers: s.final(false), Paradata: s.paradata()}, nil
}

// faults are the problems of all sections, without the soft ones that were shown before.
func (s *Session) faults() (problems []Problem) {
	s.refresh()
	s.limits.steps = fullLimits.steps
	for n := range s.f.sections {
		problems = s.appendProblems(problems, n)
	}
	return s.unseen(problems)
}

// Partial returns a break-off in its final form: what was put to the person and has no
// answer of the wrong form.
func (s *Session) Partial() Result {
	s.settle()
	s.refresh()
	s.limits.steps = fullLimits.steps
	r := Result{Answers: s.final(true), Paradata: s.paradata()}
	r.Last = s.last()
	return r
}

// SubmitShown takes what the page shown sent when it was drawn from the session as it is
// now: every item of Shown was shown, and was left blank when it has no values.
func (s *Session) SubmitShown(values map[string][]string, took time.Duration) {
	all := make(map[string][]string, len(values))
	for _, key := range s.Shown() {
		all[key] = nil
	}
	maps.Copy(all, values)
	s.Submit(s.Page(), all, took)
}

// last is the item of the page shown that was reached and not passed: the first one asked
// without an answer of the right form or, when all have one, the last one; "" at the end.
func (s *Session) last() string {
	if s.page >= len(s.pages) {
		return ""
	}
	pg := &s.pages[s.page]
	last := s.pageKey(s.page)
	for _, i := range pg.items {
		it := &s.f.items[i]
		p := &s.slots[it.slot+max(pg.row-1, 0)]
		if !it.given() || !p.relevant {
			continue
		}
		last = s.rowKey(i, pg)
		if len(p.values) == 0 || p.code != "" {
			break
		}
	}
	return last
}

// final are the answers that count; of a break-off only those of the right form.
func (s *Session) final(partial bool) surveys.Answers {
	a := surveys.Answers{}
	for i := range s.f.items {
		it := &s.f.items[i]
		if it.typ == 0 {
			continue
		}
		for row := range it.rows {
			if p := &s.slots[it.slot+row]; p.relevant && p.put && !(partial && p.code != "") {
				a[s.f.key(i, row)] = slices.Clone(p.values)
			}
		}
	}
	return a
}

// paradata tells how the session went.
func (s *Session) paradata() surveys.Paradata {
	pd := surveys.Paradata{Kept: slices.DeleteFunc(s.broken(), func(name string) bool { return !s.warned[name] })}
	if s.f.shuffled {
		pd.Seed = s.start.Seed
		pd.Orders = s.orders()
	}
	if len(s.millis) > 0 {
		pd.Millis = map[string]int64{}
		for page, ms := range s.millis {
			pd.Millis[page] = ms
		}
	}
	return pd
}

// inBooklet reports whether an item is among those this person can be asked.
func (s *Session) inBooklet(i int) bool { return s.out == nil || !s.out[i] }

// refresh finds out what is relevant, if answers have changed since. Expressions
// only use items before them, so one pass from the beginning is enough.
func (s *Session) refresh() {
	if !s.stale {
		return
	}
	s.stale, s.limits = false, fullLimits
	for i := range s.slots {
		s.slots[i].standing = standing{}
	}
	for n := range s.f.sections {
		sec := &s.f.sections[n]
		s.sections[n] = s.ask(sec.relevant)
		if !s.sections[n].relevant {
			continue
		}
		s.sections[n].relevant = false
		for i := sec.first; i < sec.end; i++ {
			if s.f.items[i].roster >= 0 {
				continue // with its roster
			}
			s.askItem(n, i, 0)
			if s.f.items[i].def.Type == surveys.Roster {
				s.askRows(n, i)
			}
		}
	}
}

// askRows finds out what is asked in the rows of a roster.
func (s *Session) askRows(n, roster int) {
	rows := s.rows(roster)
	for row := range rows {
		back := s.in(roster, row)
		for i := roster + 1; i < len(s.f.items) && s.f.items[i].roster == roster; i++ {
			s.askItem(n, i, row)
		}
		back()
	}
}

// rows is how many rows of a roster are asked.
func (s *Session) rows(roster int) int {
	it := &s.f.items[roster]
	p := &s.slots[it.slot]
	if !p.relevant || p.value.Type() != expr.Int || p.code != "" {
		return 0
	}
	return int(min(max(p.value.Int(), 0), int64(rowsOf(it.def))))
}

// in puts expressions into a row of a roster, until the function it returns is called.
func (s *Session) in(roster, row int) (back func()) {
	r, n := s.roster, s.row
	s.roster, s.row = roster, row
	return func() { s.roster, s.row = r, n }
}

// askItem finds out whether an item is asked in a row, and computes it when it is.
func (s *Session) askItem(n, i, row int) {
	it := &s.f.items[i]
	p := &s.slots[it.slot+row]
	if !s.inBooklet(i) {
		return
	}
	if it.grid >= 0 && !s.slots[s.f.items[it.grid].slot+row].relevant || it.from >= 0 && !s.offers(i, row) {
		return
	}
	p.standing = s.ask(it.relevant)
	if !p.relevant {
		return
	}
	if it.calculate != nil {
		s.compute(it, p)
	} else if it.from >= 0 && p.put {
		p.reading = s.readFrom(i, row)
	}
	if it.calculate == nil && it.def.Type != surveys.Grid {
		s.sections[n].relevant = true
	}
}

// compute gives a calculated item its value; without one it is blank.
func (s *Session) compute(it *item, p *progress) {
	p.put, p.values, p.reading = true, []string{}, reading{}
	v, err := it.calculate.EvalWithin(s.lookup, &s.limits.steps)
	if err == nil {
		err = s.limits.take(v)
	}
	switch {
	case errors.Is(err, expr.ErrNoValue):
		return
	case err != nil:
		p.err = err
		return
	case v.Type() == expr.Double && (math.IsInf(v.Double(), 0) || math.IsNaN(v.Double())):
		return // no number that could be stored
	}
	if it.def.Type == surveys.Roster {
		if n := v.Int(); n < 0 || n > int64(rowsOf(it.def)) {
			p.reading = reading{code: TooMany, limit: rowsOf(it.def)}
			return
		}
	}
	p.values, p.reading.value = written(v), v
}

// ask runs a relevant expression.
func (s *Session) ask(p *expr.Program) standing {
	if p == nil {
		return standing{relevant: true}
	}
	v, err := p.EvalWithin(s.lookup, &s.limits.steps)
	switch {
	case errors.Is(err, expr.ErrNoValue):
		return standing{}
	case err != nil:
		return standing{err: err}
	}
	return standing{relevant: v.Bool()}
}

// value gives expressions the answer to an item, if it was asked and has one: of the
// present row, or of all rows when the expression stands outside of the item's roster.
func (s *Session) value(name string) (expr.Value, bool) {
	i := s.f.index[name]
	it := &s.f.items[i]
	row := 0
	switch {
	case it.roster < 0:
	case it.roster == s.roster:
		row = s.row
	default:
		if p := &s.slots[s.f.items[it.roster].slot]; !p.relevant || p.value.Type() == 0 {
			return expr.Value{}, false
		}
		list := []expr.Value{}
		for row := range s.rows(it.roster) {
			if p := &s.slots[it.slot+row]; p.relevant && p.value.Type() != 0 {
				list = append(list, p.value)
			}
		}
		return expr.ListValue(it.typ, list), true
	}
	p := &s.slots[it.slot+row]
	return p.value, p.relevant && p.value.Type() != 0
}
