package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// Quarantine is what was accepted and does not count, and what is decided about it.
// intake.Intake is one.
type Quarantine interface {
	Quarantine() []intake.Quarantined
	Quarantined(seq uint64) (intake.Quarantined, []byte, error)
	Dismiss(ctx context.Context, seq uint64, v intake.Verdict) error
	Correct(ctx context.Context, seq uint64, c intake.Correction) (intake.Receipt, error)
}

// quarantineRoutes adds the pages of the quarantine.
func (d *desk) quarantineRoutes(read, post func(string, auth.Right, func(*call) error)) {
	if d.deps.Quarantine == nil {
		return
	}
	read("/desk/:wave"+quarantineRoom, auth.Review, d.quarantinePage)
	read("/desk/:wave"+quarantineRoom+"/:number", auth.Review, d.quarantinedPage)
	post("/desk/:wave"+quarantineRoom+"/:number", auth.Review, d.decide)
}

// quarantineRoom is where the quarantine of a wave lies, below the wave.
const quarantineRoom = "/quarantine"

// quarantineHref is the address of the page of a quarantined interview.
func (f deskFrame) quarantineHref(at logPlace) string {
	return f.Here("/desk/" + url.PathEscape(f.Survey) + quarantineRoom + "/" + at.String())
}

// seenQuarantine lists what is in quarantine of a wave on all nodes and an account may see, with
// the areas of the cases: what lies in its area, and without an area of its own also what
// belongs to no case. away are the addresses of collectors that cannot be asked now.
func (d *desk) seenQuarantine(ctx context.Context, a auth.Account, w *wave) (list []setAside, areas map[string]string, away []string, err error) {
	for _, q := range d.deps.Quarantine.Quarantine() {
		if q.Wave == w.ID {
			list = append(list, setAside{Quarantined: q, at: logPlace{seq: q.Seq}})
		}
	}
	others, away := d.atCollectors(ctx, w.ID)
	list = append(list, others...)
	var cases []string
	for _, q := range list {
		cases = append(cases, q.Case)
	}
	areas, err = d.office.Areas(ctx, a, w.ID, cases)
	list = slices.DeleteFunc(list, func(q setAside) bool {
		_, seen := areas[q.Case]
		return !seen && a.Area != ""
	})
	return list, areas, away, err
}

// quarantinePage lists the quarantine of a wave, what waits for a decision first.
func (d *desk) quarantinePage(v *call) error {
	f, w, err := d.inWave(v, "desk.quarantine.room")
	if err != nil {
		return err
	}
	list, areas, away, err := d.seenQuarantine(v.Request().Context(), v.account, w)
	if err != nil {
		return err
	}
	if len(away) > 0 && v.QueryParam("download") != "" {
		return fmt.Errorf("the table would lack what collectors %s have: %w", strings.Join(away, ", "), surveys.ErrUnavailable)
	}
	names, err := d.people(v.Request().Context())
	if err != nil {
		return err
	}
	words := &teller{deskFrame: f}
	if len(away) > 0 {
		f.Fault = words.say("desk.quarantine.away", "nodes", strings.Join(away, ", "))
	}
	tables := make([]deskTable, 2)
	for i, caption := range []string{"desk.quarantine.open", "desk.quarantine.decided"} {
		id := caption[strings.LastIndex(caption, ".")+1:]
		columns := []string{"#desk.column.number", "desk.tablets.column.case", "desk.column.area", "desk.column.came", "desk.column.why"}
		if len(d.deps.Collectors) > 0 {
			columns = slices.Insert(columns, 1, "desk.column.node")
		}
		if id == "decided" {
			columns = append(columns, "desk.column.result", "desk.column.who")
		}
		if tables[i], err = d.table(f, id, caption, columns...); err != nil {
			return err
		}
	}
	for _, q := range list {
		number := deskCell{Text: q.at.String(), Number: true, Value: q.at.order(), Href: f.quarantineHref(q.at)}
		row := []deskCell{number, {Text: q.Case}, {Text: f.AreaText(areas[q.Case])}, {Text: clockTime(q.Received)}, {Text: words.quarantineReason(q.Reason)}}
		if len(d.deps.Collectors) > 0 {
			row = slices.Insert(row, 1, deskCell{Text: words.nodeName(q.at)})
		}
		if q.Decision == nil {
			tables[0].add(row...)
			continue
		}
		tables[1].add(append(row, deskCell{Text: words.decision(q.Decision)}, deskCell{Text: names.Name(q.Decision.By)})...)
	}
	for i := range tables {
		if err := errors.Join(words.err, tables[i].arrange(f)); err != nil {
			return err
		}
		if !v.sent(tables[i].ID) {
			tables[i].cut(f)
		}
	}
	tables[0].Notes = []string{words.say("desk.quarantine.intro")}
	return d.showTables(v, f, words.err, tables...)
}

// reasonWords are those of the reasons for quarantine, by what they begin with.
var reasonWords = []struct{ begins, words string }{
	{"conflict", "desk.quarantine.why.conflict"}, {"case already answered", "desk.quarantine.why.second"}, {"finished before", "desk.quarantine.why.times"},
	{"finished after", "desk.quarantine.why.late"}, {"another booklet", "desk.quarantine.why.booklet"}, {"the ID is", "desk.quarantine.why.else"}, {"replay", "desk.quarantine.why.replay"},
	{"the store does not take it", "desk.quarantine.why.store"}, {"it can no longer be read", "desk.quarantine.why.unreadable"},
}

// quarantineReason says in words why something is in quarantine.
func (t *teller) quarantineReason(reason string) string {
	for _, r := range reasonWords {
		if strings.HasPrefix(reason, r.begins) {
			return t.say(r.words)
		}
	}
	return reason // of a newer program
}

// decision says in words what was decided.
func (t *teller) decision(q *intake.Decision) string {
	if q.Corrected() {
		return t.say("desk.quarantine.corrected", "id", q.Instead, "n", q.Revision)
	}
	return t.say("desk.quarantine.dismissed")
}

// quarantinedPage is web/pages/desk-quarantine: a quarantined interview, and the forms to
// decide about it.
type quarantinedPage struct {
	deskFrame
	Facts []fact
	// Problems are what is wrong with the interview.
	Problems []string
	Answers  *deskTable
	// Unreadable says that the body is no interview.
	Unreadable bool
	// Decided says that there is nothing to decide any more.
	Decided bool
	// Second says that the case has another interview, whose page Stands leads to.
	Second bool
	Stands string
	// Form is the token of the forms, by which one that is sent twice is known.
	Form string
	// Asked are the fields of what was answered or what is wrong, Others those of all other
	// questions.
	Asked, Others []answerField
	// was are the fields as the interview has them.
	was map[string]string
	typed
}

// answerField is the field of an answer.
type answerField struct {
	Key, Question, Value string
	// Options are those of which one can be chosen; Lines says that each line is a value.
	Options []optionView
	Lines   bool
	// Area says that it is a long text.
	Area bool
	// Hint names the codes of the options where they are typed.
	Hint string
	// There says that the interview has an answer to it, be it blank.
	There bool
	// Blank and WasAsked are words.
	Blank, WasAsked string
}

// Value is what a field of the form has: what was typed, or what the interview has.
func (p quarantinedPage) Value(name string) string {
	if p.Typed("action") == correctAction {
		return p.Typed(name)
	}
	return p.was[name]
}

// quarantined finds the interview in the address: of another wave or area it is ErrNotFound,
// and the try stands in the audit trail.
func (d *desk) quarantined(v *call, w *wave) (q setAside, body []byte, err error) {
	ctx := v.Request().Context()
	at, err := readLogPlace(v.Param("number"))
	if err != nil {
		return q, nil, err
	}
	if q, body, err = d.findAside(ctx, at); err != nil {
		return q, nil, err
	}
	areas, err := d.office.Areas(ctx, v.account, w.ID, []string{q.Case})
	if err != nil {
		return q, nil, err
	}
	if _, seen := areas[q.Case]; q.Wave != w.ID || !seen && v.account.Area != "" {
		entry := office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: "read quarantined", Object: w.ID + " " + at.String(), Outcome: office.Refused}
		return q, nil, errors.Join(fmt.Errorf("number %s: %w", at, surveys.ErrNotFound), d.office.Note(ctx, entry))
	}
	return q, body, nil
}

func (d *desk) quarantinedPage(v *call) error { return d.showQuarantined(v, http.StatusOK, "", nil) }

// showQuarantined shows a quarantined interview, and what is wrong with a form about it.
// Whoever sees it sees the answers, so that it was shown stands in the audit trail.
func (d *desk) showQuarantined(v *call, status int, fault string, sent url.Values) error {
	f, w, err := d.inWave(v, "desk.quarantine.one", "n", v.Param("number"))
	if err != nil {
		return err
	}
	q, body, err := d.quarantined(v, w)
	if err != nil {
		return err
	}
	f.Fault, f.Failed = fault, fault != ""
	if err := f.said(v); err != nil {
		return err
	}
	ctx := v.Request().Context()
	entry := office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: "read quarantined", Object: fmt.Sprintf("%s %s · %s", w.ID, q.Case, q.at), Outcome: office.Done}
	if err := d.office.Note(ctx, entry); err != nil {
		return err
	}
	names, err := d.people(ctx)
	if err != nil {
		return err
	}
	p := quarantinedPage{deskFrame: f, Decided: q.Decision != nil, Second: q.Second(), typed: typed(sent)}
	if p.Form = p.Typed("form"); p.Form == "" {
		p.Form = newFormToken()
	}
	t := &teller{deskFrame: f}
	iv, err := intake.Interview(body)
	p.Unreadable = err != nil
	p.Facts = quarantineFacts(t, q.Quarantined, iv, names)
	if q.from != nil {
		p.Facts = slices.Insert(p.Facts, 1, fact{t.say("desk.column.node"), t.nodeName(q.at) + " · " + q.from.Address()})
	}
	if q.Case != "" {
		if areas, err := d.office.Areas(ctx, v.account, w.ID, []string{q.Case}); err != nil {
			return err
		} else if _, is := areas[q.Case]; is {
			p.Stands = f.caseHref(q.Case)
		}
	}
	if !p.Unreadable {
		if err := d.fillQuarantined(t, &p, w, iv); err != nil {
			return err
		}
	}
	if t.err != nil {
		return t.err
	}
	return d.show(v, status, "desk-quarantine", p)
}

// quarantineFacts are what is known of a quarantined interview beside its answers.
func quarantineFacts(t *teller, q intake.Quarantined, iv surveys.Interview, names people) []fact {
	facts := []fact{
		{t.say("desk.column.why"), t.quarantineReason(q.Reason)},
		{t.say("desk.column.interview"), fmt.Sprintf("%s · %d", q.ID, q.Revision)},
		{t.say("desk.column.came"), clockTime(q.Received)},
	}
	if q.Case != "" {
		facts = append(facts, fact{t.say("desk.tablets.column.case"), q.Case})
	}
	if key := modeWords[iv.Mode]; key != "" {
		facts = append(facts, fact{t.say("desk.column.mode"), t.say(key)})
	}
	if iv.Booklet != "" {
		facts = append(facts, fact{t.say("desk.quarantine.booklet"), iv.Booklet})
	}
	if !iv.Started.IsZero() {
		facts = append(facts, fact{t.say("desk.interview.when"), clockTime(iv.Started) + " – " + clockTime(iv.Finished)})
	}
	if c := q.Decision; c != nil {
		facts = append(facts, fact{t.say("desk.column.result"), t.decision(c)}, fact{t.say("desk.column.who"), names.Name(c.By) + " · " + clockTime(c.At)}, fact{t.say("desk.reason"), c.Reason})
	}
	return facts
}

// fillQuarantined puts answers, problems and the fields to correct them on the page.
func (d *desk) fillQuarantined(t *teller, p *quarantinedPage, w *wave, iv surveys.Interview) error {
	if e := w.editions[iv.Version]; e != nil {
		w = e
	}
	table, err := d.answerTable(p.deskFrame, w, &surveys.Response{Interview: iv})
	if err != nil {
		return err
	}
	p.Answers = &table
	was := iv
	p.was = map[string]string{"case": iv.Case, "booklet": iv.Booklet, "started": secondsOf(iv.Started), "finished": secondsOf(iv.Finished)}
	if p.Typed("action") == correctAction { // what the correction that was refused would be
		c, fault := p.readChanges(was, w)
		if fault == "" {
			c(&iv)
		}
	}
	found := w.Form.Replay(&iv)
	a := answerWords{teller: t, q: w.Questionnaire, answers: iv.Answers}
	for _, problem := range found {
		p.Problems = append(p.Problems, a.problem(problem))
	}
	p.fields(a, was, found)
	return t.err
}

// ruleWords are those of what can be wrong with answers.
var ruleWords = map[form.Code]string{
	form.Required:          "desk.quarantine.rule.required",
	form.Missing:           "desk.quarantine.rule.missing",
	form.NotAnOption:       "desk.quarantine.rule.not-an-option",
	form.SeveralValues:     "desk.quarantine.rule.several-values",
	form.Exclusive:         "desk.quarantine.rule.exclusive",
	form.TooFew:            "desk.quarantine.rule.too-few",
	form.TooMany:           "desk.quarantine.rule.too-many",
	form.Twice:             "desk.quarantine.rule.twice",
	form.NotANumber:        "desk.quarantine.rule.not-a-number",
	form.NotADate:          "desk.quarantine.rule.not-a-date",
	form.NotADivision:      "desk.quarantine.rule.not-a-division",
	form.Unfinished:        "desk.quarantine.rule.unfinished",
	form.TooManyDecimals:   "desk.quarantine.rule.too-many-decimals",
	form.TooLong:           "desk.quarantine.rule.too-long",
	form.ControlCharacters: "desk.quarantine.rule.control-characters",
	form.Constraint:        "desk.quarantine.rule.constraint",
	form.Expression:        "desk.quarantine.rule.expression",
	form.UnknownItem:       "desk.quarantine.rule.unknown-item",
	form.UnknownPage:       "desk.quarantine.rule.unknown-page",
	form.NotRelevant:       "desk.quarantine.rule.not-relevant",
	form.NotNormal:         "desk.quarantine.rule.not-normal",
	form.UnknownBooklet:    "desk.quarantine.rule.unknown-booklet",
	form.OtherOrder:        "desk.quarantine.rule.other-order",
	form.OtherChecks:       "desk.quarantine.rule.other-checks",
}

// problem says in words what is wrong with an answer.
func (a answerWords) problem(p form.Problem) string {
	words := a.say(ruleWords[p.Code], "max", p.Limit)
	if own := p.Message.In(a.lang); own != "" {
		words = a.filled(p.Message)
	}
	if p.Item == "" || p.Code == form.UnknownItem {
		return words
	}
	return p.Item + a.say("desk.colon") + words
}

// fields are those of all questions, the ones that were answered or are wrong first.
func (p *quarantinedPage) fields(a answerWords, iv surveys.Interview, found []form.Problem) {
	first := map[string]bool{}
	for key := range iv.Answers {
		first[key] = true
	}
	for _, problem := range found {
		if problem.Item != "" {
			first[problem.Item] = true
		}
	}
	seen := map[string]bool{}
	add := func(item *surveys.Item, key string) {
		seen[key] = true
		field := p.field(a, item, key, iv)
		if first[key] {
			p.Asked = append(p.Asked, field)
		} else {
			p.Others = append(p.Others, field)
		}
	}
	for item := range a.q.Items {
		if !item.Type.Answered() || item.Calculate != "" {
			seen[item.ID] = true
			continue
		}
		rows := 0
		for row := 1; row <= surveys.MaxRows; row++ {
			if key := surveys.RowKey(item.ID, row); first[key] {
				add(item, key)
				rows++
			}
		}
		if rows == 0 {
			add(item, item.ID)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(first)) { // answers to what the questionnaire does not have
		if id, _, _ := strings.Cut(key, "#"); !seen[key] && !seen[id] {
			p.Asked = append(p.Asked, p.field(a, &surveys.Item{ID: key}, key, iv))
		}
	}
}

// field is the field of one answer, as it was typed or as it is.
func (p *quarantinedPage) field(a answerWords, item *surveys.Item, key string, iv surveys.Interview) answerField {
	values, there := iv.Answers[key]
	f := answerField{Key: key, Question: strings.TrimSpace(key + " " + strings.TrimPrefix(a.question(item), item.ID)), Value: strings.Join(values, "\n"), There: there,
		Area: item.Type == surveys.LongText, Blank: a.say("desk.answers.blank"), WasAsked: a.say("desk.quarantine.there")}
	if p.Typed("action") == correctAction {
		f.Value, f.There = p.Typed("a."+key), p.Has("there", key)
	}
	f.Lines = item.Type == surveys.Multiple || item.Type == surveys.Ranking || len(values) > 1
	options := a.q.Offered(item)
	if !f.Lines && item.Type.OneOf() && len(options) > 0 {
		known := f.Value == ""
		for _, o := range options {
			f.Options = append(f.Options, optionView{Code: o.Code, Text: o.Code + " " + a.filled(o.Text), Chosen: o.Code == f.Value})
			known = known || o.Code == f.Value
		}
		if !known { // it stays until somebody chooses another one
			f.Options = append(f.Options, optionView{Code: f.Value, Text: f.Value, Chosen: true})
		}
		return f
	}
	var codes []string
	for _, o := range options {
		codes = append(codes, o.Code+" "+a.filled(o.Text))
	}
	f.Hint = strings.Join(codes, " · ")
	return f
}
