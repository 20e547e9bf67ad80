package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork/quality"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// interviewPart is what a reviewer is shown of the interview of a case that stands.
type interviewPart struct {
	Facts []fact
	// Flags are what the quality flags say of it, FlagsNote what there is to say instead.
	Flags     []string
	FlagsNote string
	// Read is the address that shows the answers, which is put on record.
	Read string
	// Answers are shown when they were asked for.
	Answers *deskTable
	// Missing says that the answers cannot be shown now.
	Missing string
}

// soon is how long a page waits for what it can do without.
const soon = 500 * time.Millisecond

// showAnswers is what the address of a case has to read the answers.
const showAnswers = "answers"

// interviewPart is what a reviewer sees of the interview of a case, nil for others and
// without an interview. Answers stay where they are: they are read for the page, and that
// they were read stands in the audit trail.
func (d *desk) interviewPart(v *call, f deskFrame, w *wave, c office.Case) (*interviewPart, error) {
	if c.Interview == "" || !v.account.May(auth.Review) {
		return nil, nil
	}
	ctx := v.Request().Context()
	t := &teller{deskFrame: f}
	p := &interviewPart{Read: f.with(showAnswers, "show", "said", "")}
	if c.Mode != "" {
		p.Facts = append(p.Facts, fact{t.say("desk.column.mode"), t.word(t.ModeName(c.Mode))})
	}
	d.flagsOf(ctx, t, p, c)
	r, err := d.responseOf(ctx, c)
	switch {
	case err != nil || d.deps.Answers == nil:
		if p.Missing = t.say("desk.answers.away"); err != nil && !errors.Is(err, surveys.ErrNotFound) && !errors.Is(err, surveys.ErrUnavailable) {
			return nil, err
		}
		return p, t.err
	case !r.Started.IsZero() && !r.Finished.IsZero():
		p.Facts = append(p.Facts, fact{t.say("desk.interview.when"), clockTime(r.Started) + " – " + clockTime(r.Finished)},
			fact{t.say("desk.interview.duration"), t.say("desk.interview.minutes", "n", fmt.Sprintf("%.1f", r.Finished.Sub(r.Started).Minutes()))})
	}
	if v.QueryParam(showAnswers) == "" {
		return p, t.err
	}
	if err := d.office.Note(ctx, office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: "read answers", Object: w.ID + " " + c.ID, Outcome: office.Done}); err != nil {
		return nil, err
	}
	table, err := d.answerTable(f, w, r)
	p.Answers = &table
	return p, errors.Join(err, t.err)
}

// responseOf is the stored record of the interview of a case; that it is on its way still, or
// that the store is away or slow, is surveys.ErrNotFound or ErrUnavailable.
func (d *desk) responseOf(ctx context.Context, c office.Case) (*surveys.Response, error) {
	if d.deps.Answers == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 4*soon)
	defer cancel()
	r, err := d.deps.Answers(ctx, c.Wave, c.Interview)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("the answers of case %s: %w", c.ID, surveys.ErrUnavailable)
	case err == nil && int(r.Revision) < c.Revision:
		return nil, fmt.Errorf("revision %d of the interview of case %s: %w", c.Revision, c.ID, surveys.ErrNotFound)
	}
	return r, err
}

// findingsNow are the findings about a wave as far as they are there at once; known is false
// while it is judged for the first time, or when nothing is judged here.
func (d *desk) findingsNow(ctx context.Context, wave string) (findings []quality.Finding, known bool) {
	if d.deps.Findings == nil {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	findings, _, err := d.deps.Findings(ctx, wave)
	if err != nil && !errors.Is(err, surveys.ErrUnavailable) { // the page of a case goes without
		d.deps.Log.WarnContext(ctx, "interviews could not be judged", slog.String("wave", wave), slog.Any("cause", err))
	}
	return findings, err == nil
}

// flagsOf says what the quality flags found of the interview of a case.
func (d *desk) flagsOf(ctx context.Context, t *teller, p *interviewPart, c office.Case) {
	findings, known := d.findingsNow(ctx, c.Wave)
	judged := false
	for _, x := range findings {
		if x.Interview != c.Interview {
			continue
		}
		judged = true
		if x.Outcome == quality.Flagged {
			p.Flags = append(p.Flags, x.Flag.Name().In(t.lang)+t.say("desk.colon")+x.Words().In(t.lang))
		}
	}
	switch {
	case !known || !judged:
		p.FlagsNote = t.say("desk.flags.later")
	case len(p.Flags) == 0:
		p.FlagsNote = t.say("desk.flags.none")
	}
}

// flagCounts are the numbers of flags by interview, as far as they are there at once; an
// interview that was not judged has none.
func (d *desk) flagCounts(ctx context.Context, wave string) map[string]int {
	findings, _ := d.findingsNow(ctx, wave)
	counts := map[string]int{}
	for _, x := range findings {
		if x.Interview == "" {
			continue
		}
		n := counts[x.Interview]
		if x.Outcome == quality.Flagged {
			n++
		}
		counts[x.Interview] = n
	}
	return counts
}

// answerTable lists what was asked in an interview and what was answered, in the words of
// the version that was asked. What was not asked is not there.
func (d *desk) answerTable(f deskFrame, w *wave, r *surveys.Response) (deskTable, error) {
	t, err := d.table(f, "answers", "desk.answers", "desk.column.question", "desk.column.answer")
	if err != nil {
		return t, err
	}
	t.Download = ""
	if e := w.editions[r.Version]; e != nil {
		w = e
	}
	a := answerWords{teller: &teller{deskFrame: f}, q: w.Questionnaire, answers: r.Answers}
	for item := range w.Questionnaire.Items {
		for row, key := 0, item.ID; row <= surveys.MaxRows; row++ {
			if row > 0 {
				key = surveys.RowKey(item.ID, row)
			}
			if _, asked := r.Answers[key]; !asked || item.Type == surveys.Note {
				continue
			}
			question := a.question(item)
			if row > 0 {
				question = a.say("desk.answers.row", "n", row, "text", question)
			}
			t.add(deskCell{Text: question}, deskCell{Text: a.answer(item, key)})
		}
	}
	return t, a.err
}

// answerWords say in words what was asked and answered.
type answerWords struct {
	*teller
	q       *surveys.Questionnaire
	answers surveys.Answers
}

// question is the text of an item, with that of its grid before it.
func (a answerWords) question(item *surveys.Item) string {
	text := a.filled(item.Text)
	if grid := a.q.Item(item.Row); item.Row != "" && grid != nil {
		text = a.filled(grid.Text) + " · " + text
	}
	if text == "" {
		return item.ID
	}
	return text
}

// filled is a text with the answers that it speaks of.
func (a answerWords) filled(text surveys.Text) string {
	return piped.ReplaceAllStringFunc(text.In(a.lang), func(found string) string {
		if strings.HasPrefix(found, "$$") {
			return found[1:]
		}
		id := strings.TrimSpace(found[2 : len(found)-1])
		if item := a.q.Item(id); item != nil && len(a.answers[id]) > 0 {
			return a.answer(item, id)
		}
		return "……"
	})
}

// answer is what was answered: the texts of options, the names of divisions, or what was
// typed. An item that was asked and left blank is said to be.
func (a answerWords) answer(item *surveys.Item, key string) string {
	options := a.q.Offered(item)
	var parts []string
	for _, value := range a.answers[key] {
		i := slices.IndexFunc(options, func(o surveys.Option) bool { return o.Code == value })
		switch {
		case i >= 0:
			value = a.filled(options[i].Text)
		case item.Division != nil:
			value = strings.TrimSpace(value + " " + areaName(shortCode(value), a.lang))
		case item.Unit != nil:
			value += " " + item.Unit.In(a.lang)
		}
		parts = append(parts, value)
	}
	if len(parts) == 0 {
		return a.say("desk.answers.blank")
	}
	return strings.Join(parts, " · ")
}

// shortCode is the code of a division without the zeros that fill it up.
func shortCode(code string) string {
	for len(code) > 2 && strings.HasSuffix(code, "00") {
		code = code[:len(code)-2]
	}
	return code
}
