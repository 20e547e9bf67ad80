package server

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// reviewPage lists the interviews that wait for a review, the oldest first, the two levels
// apart.
func (d *desk) reviewPage(v *call) error {
	f, w, err := d.inWave(v, "desk.review")
	if err != nil {
		return err
	}
	names, err := d.people(v.Request().Context())
	if err != nil {
		return err
	}
	first, err := d.queue(v, f, w, "first", "desk.review.first", fieldwork.Submitted, names)
	if err != nil {
		return err
	}
	tables := []deskTable{first}
	if v.account.May(auth.FinalReview) {
		second, err := d.queue(v, f, w, "second", "desk.review.second", fieldwork.UnderReview, names)
		if err != nil {
			return err
		}
		tables = append(tables, second)
	}
	return d.showTables(v, f, nil, tables...)
}

// queue lists the interviews that wait in a state.
func (d *desk) queue(v *call, f deskFrame, w *wave, id, caption string, state fieldwork.State, names people) (deskTable, error) {
	t, err := d.table(f, id, caption, "desk.column.id", "desk.column.area", "desk.column.enumerator", "desk.column.since", "desk.column.mode", "desk.column.first", "#desk.column.rejections", "#figures.flagcount", "desk.column.differs")
	if err != nil {
		return t, err
	}
	words := &teller{deskFrame: f}
	filter, err := d.caseFilter(v, w)
	if err != nil {
		return t, err
	}
	filter.State, filter.Sort = string(state), office.ByLast
	if !v.sent(id) {
		filter.Limit = pageRows + 1
	}
	flags := d.flagCounts(v.Request().Context(), w.ID)
	err = d.office.Cases(v.Request().Context(), v.account, filter, func(c office.Case) bool {
		if filter.Limit > 0 && len(t.Rows) == pageRows {
			t.Next = f.Here("/desk/" + w.ID + "/cases?sort=cases.last&state=" + string(state) + "&after=" + strconv.Itoa(pageRows))
			return false
		}
		mode := ""
		if c.Mode != "" {
			mode = words.word(words.ModeName(c.Mode))
		}
		t.add(deskCell{Text: c.ID, Href: f.caseHref(c.ID)}, deskCell{Text: f.AreaText(c.Area)}, deskCell{Text: names.Name(c.Enumerator)}, deskCell{Text: clockTime(c.Last)},
			deskCell{Text: mode}, deskCell{Text: names.Name(c.FirstReviewer)}, whole(c.Rejections), flagCell(flags, c.Interview), deskCell{Text: words.differs(c.Differs)})
		return words.err == nil
	})
	return t, errors.Join(err, words.err)
}

// flagCell is the number of quality flags of an interview, missing while it was not judged.
func flagCell(flags map[string]int, interview string) deskCell {
	if n, judged := flags[interview]; judged {
		return whole(n)
	}
	return percent(0, false)
}

// backChecksPage is web/pages/desk-backchecks: interviews to ask about again, and what came of it.
type backChecksPage struct {
	deskFrame
	List, Tally deskTable
	typed
}

func (d *desk) backChecksPage(v *call) error { return d.showBackChecks(v, http.StatusOK, "", nil) }

func (d *desk) showBackChecks(v *call, status int, fault string, sent url.Values) error {
	f, w, err := d.inWave(v, "desk.backchecks")
	if err != nil {
		return err
	}
	f.Fault, f.Failed = fault, fault != ""
	if err := f.said(v); err != nil {
		return err
	}
	list, err := d.office.BackChecks(v.Request().Context(), v.account, w.ID)
	if err != nil {
		return err
	}
	names, err := d.people(v.Request().Context())
	if err != nil {
		return err
	}
	p := backChecksPage{deskFrame: f, typed: typed(sent)}
	if sent == nil {
		p.typed = typed{"share": {"10"}, "least": {strconv.Itoa(fieldwork.DefaultBackCheckRule.Least)}}
	}
	if p.List, err = d.backCheckTable(f, list, names); err != nil {
		return err
	}
	if p.Tally, err = d.tallyTable(f, list, names); err != nil {
		return err
	}
	for _, t := range []*deskTable{&p.List, &p.Tally} {
		if v.sent(t.ID) {
			return t.send(v)
		}
	}
	p.List.cut(f)
	return d.show(v, status, "desk-backchecks", p)
}

// backCheckTable lists the back-checks, those to be done first.
func (d *desk) backCheckTable(f deskFrame, list []office.BackCheck, names people) (deskTable, error) {
	t, err := d.table(f, "list", "desk.backchecks", "desk.column.id", "desk.column.area", "desk.column.enumerator", "desk.column.drawn", "#desk.column.seed", "desk.column.result", "desk.column.who")
	if err != nil {
		return t, err
	}
	words := &teller{deskFrame: f}
	slices.SortStableFunc(list, func(a, b office.BackCheck) int {
		done := func(b office.BackCheck) int {
			if b.Result != nil && b.Result.Reached {
				return 1
			}
			return 0
		}
		return done(a) - done(b)
	})
	for _, b := range list {
		href := f.Here("/desk/" + url.PathEscape(f.Survey) + "/backchecks/" + url.PathEscape(b.Case))
		result, who := words.say("desk.backcheck.todo"), ""
		if r := b.Result; r != nil {
			who = names.Name(r.Who)
			result = words.result(r)
		}
		t.add(deskCell{Text: b.Case, Href: href}, deskCell{Text: f.AreaText(b.Area)}, deskCell{Text: names.Name(b.Enumerator)}, deskCell{Text: clockTime(b.Drawn)}, whole(b.Seed),
			deskCell{Text: result}, deskCell{Text: who})
	}
	return t, errors.Join(words.err, t.arrange(f))
}

// result says what came of a back-check.
func (t *teller) result(r *fieldwork.BackCheck) string {
	if !r.Reached {
		return t.say("desk.backcheck.missed")
	}
	var parts []string
	for _, fault := range r.Faults {
		parts = append(parts, t.word(t.FaultName(fault)))
	}
	if len(parts) == 0 {
		parts = append(parts, t.say("desk.backcheck.confirmed"))
	}
	if r.Compared > 0 {
		parts = append(parts, t.say("desk.backcheck.differ", "n", r.Differing, "of", r.Compared))
	}
	return strings.Join(parts, " · ")
}

// tallyTable is what the back-checks of each enumerator came to.
func (d *desk) tallyTable(f deskFrame, list []office.BackCheck, names people) (deskTable, error) {
	t, err := d.table(f, "tally", "desk.backcheck.tally", "desk.column.enumerator", "#desk.column.drawn", "#desk.column.done", "#desk.column.reached", "#desk.column.discrepant",
		"#desk.column.share", "desk.column.interval", "#desk.column.differing", "#desk.column.compared")
	if err != nil {
		return t, err
	}
	of := map[string]*fieldwork.BackCheckTally{}
	var logins []string
	for _, b := range list {
		if of[b.Enumerator] == nil {
			of[b.Enumerator] = &fieldwork.BackCheckTally{Enumerator: b.Enumerator}
			logins = append(logins, b.Enumerator)
		}
		of[b.Enumerator].Add(b.Result)
	}
	slices.Sort(logins)
	for _, login := range logins {
		y := of[login]
		share, interval := deskCell{Text: "–", Number: true, Value: math.Inf(-1)}, deskCell{Text: "–"}
		if p, lower, upper, known := y.Discrepancies(); known {
			share = percent(p, true)
			interval.Text = show.Percent(lower, 1) + " – " + show.Percent(upper, 1)
		}
		t.add(deskCell{Text: names.Name(login)}, whole(y.Drawn), whole(y.Done), whole(y.Reached), whole(y.Discrepant), share, interval, whole(y.Differing), whole(y.Compared))
	}
	note, err := f.T("desk.backcheck.note")
	t.Notes = []string{note}
	return t, errors.Join(err, t.arrange(f))
}

// maxSeed is the largest seed of a draw of back-checks.
const maxSeed = 1<<31 - 1

// drawBackChecks draws interviews to ask about again. Without a seed it is the wave's, and at
// first one that the program draws, which is kept with what was drawn.
func (d *desk) drawBackChecks(v *call) error {
	form, err := v.sentForm()
	if err != nil {
		return err
	}
	f, w, err := d.inWave(v, "desk.backchecks")
	if err != nil {
		return err
	}
	sent := typed(form)
	seed, okSeed := sent.number("seed", 1, maxSeed)
	if sent.Typed("seed") == "" {
		if seed, err = d.office.BackCheckSeed(v.Request().Context(), w.ID); err != nil {
			return err
		}
		if okSeed = true; seed == 0 {
			seed = randomSeed()
		}
	}
	share, okShare := sent.number("share", 0, 100)
	least, okLeast := sent.number("least", 0, 1000)
	again := func(status int, fault string) error {
		words, err := f.T(fault)
		if err != nil {
			return err
		}
		return d.showBackChecks(v, status, words, form)
	}
	if !okSeed || !okShare || !okLeast {
		return again(http.StatusUnprocessableEntity, "desk.backcheck.invalid")
	}
	n, err := d.office.DrawBackChecks(v.Request().Context(), v.account, w.ID, seed, fieldwork.BackCheckRule{Share: float64(share) / 100, Least: least}, d.deps.Now())
	if errors.Is(err, office.ErrSeed) {
		return again(http.StatusConflict, "desk.backcheck.seeded")
	}
	if err != nil {
		return err
	}
	return v.leadTo(f, f.url.Path, "drawn", "n", strconv.Itoa(n))
}

// backCheckPage is web/pages/desk-backcheck: the form of one back-check.
type backCheckPage struct {
	deskFrame
	Case   office.Case
	Check  office.BackCheck
	Result string
	Who    string
	Faults []fieldwork.BackCheckFault
	typed
}

func (d *desk) backCheckPage(v *call) error { return d.showBackCheck(v, http.StatusOK, "", nil) }

func (d *desk) showBackCheck(v *call, status int, fault string, sent url.Values) error {
	f, w, c, err := d.inCase(v, "desk.backcheck")
	if err != nil {
		return err
	}
	f.Fault, f.Failed = fault, fault != ""
	list, err := d.office.BackChecks(v.Request().Context(), v.account, w.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(b office.BackCheck) bool { return b.Case == c.ID && b.Interview == c.Interview })
	if i < 0 {
		return fmt.Errorf("back-check of case %q: %w", c.ID, surveys.ErrNotFound)
	}
	names, err := d.people(v.Request().Context())
	if err != nil {
		return err
	}
	p := backCheckPage{deskFrame: f, Case: c, Check: list[i], Faults: fieldwork.BackCheckFaults(), Who: names.Name(list[i].Enumerator), typed: typed(sent)}
	if p.Check.Result != nil {
		words := &teller{deskFrame: f}
		if p.Result = words.result(p.Check.Result); words.err != nil {
			return words.err
		}
	}
	return d.show(v, status, "desk-backcheck", p)
}

// checkBack keeps what came of a back-check.
func (d *desk) checkBack(v *call) error {
	form, err := v.sentForm()
	if err != nil {
		return err
	}
	f, w, c, err := d.inCase(v, "desk.backcheck")
	if err != nil {
		return err
	}
	sent := typed(form)
	result := fieldwork.BackCheck{At: d.deps.Now(), Who: v.account.Login, Reached: sent.Typed("reached") == "yes", Remark: strings.TrimSpace(sent.Typed("remark"))}
	for _, fault := range form["fault"] {
		result.Faults = append(result.Faults, fieldwork.BackCheckFault(fault))
	}
	key := ""
	var okCompared, okDiffering bool
	result.Compared, okCompared = sent.count("compared")
	result.Differing, okDiffering = sent.count("differing")
	switch {
	case sent.Typed("reached") == "":
		key = "desk.backcheck.reached"
	case !okCompared || !okDiffering || result.Check() != nil:
		key = "desk.backcheck.counts"
	}
	if key == "" {
		err = d.office.CheckBack(v.Request().Context(), v.account, w.ID, c.ID, result)
		switch {
		case err == nil:
			return v.leadTo(f, strings.TrimSuffix(f.url.EscapedPath(), "/"+url.PathEscape(c.ID)), "done")
		case !errors.Is(err, surveys.ErrConflict):
			return err
		case c.Enumerator == v.account.Login:
			key = "desk.why.own"
		default:
			key = "desk.backcheck.before"
		}
	}
	words, wordsErr := f.T(key)
	if wordsErr != nil {
		return wordsErr
	}
	status := http.StatusUnprocessableEntity
	if err != nil {
		status = http.StatusConflict
	}
	return d.showBackCheck(v, status, words, form)
}

// count reads a number of answers; an empty field is none.
func (t typed) count(name string) (int, bool) {
	if strings.TrimSpace(t.Typed(name)) == "" {
		return 0, true
	}
	return t.number(name, 0, 10_000)
}
