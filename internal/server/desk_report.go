package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/report/output"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// reportRoom is where reports are made, after /desk/WAVE, and textsRoom where their texts are
// edited.
const (
	reportRoom = "/report"
	textsRoom  = "/report/texts"
)

// makingRoutes are the pages on which reports and releases are made.
func (d *desk) makingRoutes(read, post func(path string, right auth.Right, h func(*call) error)) {
	if d.deps.Making == nil {
		return
	}
	read("/desk/:wave"+reportRoom, auth.Estimate, d.reports)
	post("/desk/:wave"+reportRoom, auth.Estimate, d.makeReport)
	read("/desk/:wave"+reportRoom+"/:number/:name", auth.Estimate, d.reportFile)
	read("/desk/:wave"+textsRoom, auth.Estimate, d.texts)
	post("/desk/:wave"+textsRoom, auth.Estimate, d.editText)
	post("/desk/:wave"+releasesRoom, auth.Estimate, d.makeRelease)
}

// ofWhole begins what is about a wave as a whole, for an account that sees all of its cases. To
// others it does not exist, and what was tried stands in the audit trail.
func (d *desk) ofWhole(v *call, key string, try office.Entry) (figuresFrame, error) {
	f, err := d.figures(v, key)
	if err != nil {
		return f, err
	}
	all, err := d.office.SeesAll(v.Request().Context(), v.account, f.wave.ID)
	if err != nil || all {
		return f, err
	}
	return f, errors.Join(fmt.Errorf("the report of wave %s is about more than area %s: %w", f.wave.ID, v.account.Area, surveys.ErrNotFound), d.noted(v, refused(try, becauseArea)))
}

// opening is the try to open the page of a request.
func opening(v *call) office.Entry {
	return office.Entry{Action: "open page", Object: v.Request().URL.Path}
}

// refreshEvery is how often a page that shows something being made asks for itself again.
const refreshEvery = 4 * time.Second

// progress is what a page says of what is being made.
type progress struct {
	// Running is what is being made, "" for nothing; Still says that the page does not refresh
	// itself, Itself in words that it does.
	Running, Itself string
	Still           bool
	// Done and Total are its parts, 0 while that is not known; Parts says it in words, Name is
	// the name of the bar.
	Done, Total int
	Parts, Name string
	// Look leads to the page as it is now, Stop to the one that does not refresh itself.
	Look, Stop roomLink
	// Failed says why the last one failed.
	Failed *notMade
}

// notMade is why something was not made, in words.
type notMade struct {
	Lead, Why string
	Faults    []string
	Detail    string
}

// kindWords, failWords and textFaultWords are the words of what is made and of why it was not.
var (
	kindWords = map[making.Kind]string{making.ReportKind: "desk.making.report", making.DraftsKind: "desk.making.drafts", making.ReleaseKind: "desk.making.release"}
	failWords = map[making.Why]string{
		making.WhyTexts: "desk.failed.texts", making.WhyStore: "desk.failed.store", making.WhyGone: "desk.failed.gone", making.WhyBrowser: "desk.failed.browser", making.WhyDisk: "desk.failed.disk",
		making.WhyEnded: "desk.failed.ended", making.WhyLong: "desk.failed.long", making.WhyEdited: "desk.failed.edited", making.WhyBusy: "desk.failed.busy", making.WhyInvalid: "desk.failed.invalid", making.WhyOurs: "desk.failed.ours",
	}
	textFaultWords = map[report.TextFaultKind]string{
		report.FaultHeading: "desk.textfault.heading", report.FaultNoBlock: "desk.textfault.stray", report.FaultBehindComment: "desk.textfault.behind", report.FaultComment: "desk.textfault.comment",
		report.FaultOpenComment: "desk.textfault.open", report.FaultTwice: "desk.textfault.twice", report.FaultBrace: "desk.textfault.brace", report.FaultOdd: "desk.textfault.odd",
		report.FaultUnknownBlock: "desk.textfault.block", report.FaultNoNumber: "desk.textfault.number", report.FaultNoTable: "desk.textfault.table", report.FaultNoGroup: "desk.textfault.group",
		report.FaultNoPart: "desk.textfault.part", report.FaultMissing: "desk.textfault.missing", report.FaultWithheld: "desk.textfault.withheld", report.FaultRevealing: "desk.textfault.revealing",
	}
)

// underWay says what is being made, and lets the page ask for itself again while somebody
// waits for it and nothing is typed on it.
func (d *desk) underWay(v *call, f figuresFrame, kind making.Kind, names people) progress {
	now, last := d.deps.Making.States(f.wave.ID, kind)
	if now.Running() {
		p := progress{
			Look: roomLink{Name: f.say.words("desk.making.look"), Href: f.with("said", "", "watch", "")},
			Stop: roomLink{Name: f.say.words("desk.making.stop"), Href: f.with("said", "", "watch", "off")},
			Done: now.Done, Total: now.Total, Name: f.say.words("desk.making.far"),
			Itself: f.say.words("desk.making.itself", "n", int(refreshEvery.Seconds())),
		}
		p.Running = f.say.words("desk.making.now", "what", f.say.words(kindWords[now.Kind]), "wave", now.Wave, "who", names.Name(now.Who), "since", now.Began.In(surveys.ChinaTime).Format(time.TimeOnly))
		if p.Total > 0 {
			p.Parts = f.say.words("desk.making.parts", "done", p.Done, "total", p.Total)
		}
		p.Still = v.QueryParam("watch") == "off"
		if v.Request().Method != http.MethodPost && !p.Still {
			v.Response().Header().Set("Refresh", fmt.Sprintf("%d; url=%s", int(refreshEvery.Seconds()), p.Look.Href))
		}
		return p
	}
	var p progress
	if failed := d.deps.Making.Failure(last.Err); failed != nil {
		p.Failed = f.failure(failed, f.say.words("desk.failed.lead", "what", f.say.words(kindWords[kind]), "when", clockTime(last.Ended)))
	}
	return p
}

// failure puts into words why something was not made.
func (f figuresFrame) failure(failed *making.Failure, lead string) *notMade {
	out := &notMade{Lead: lead, Why: f.say.words(failWords[failed.Why]), Detail: failed.Detail}
	for _, fault := range failed.Texts {
		out.Faults = append(out.Faults, f.say.words("desk.textfault.infile", "file", filepath.Base(fault.Name), "line", fault.Line, "what", f.textFault(fault)))
	}
	return out
}

// textFault puts into words what is wrong with a text.
func (f figuresFrame) textFault(fault *report.TextFault) string {
	what := append(slices.Clone(fault.What), "", "", "")
	return f.say.words(textFaultWords[fault.Kind], "what", what[0], "of", what[1], "name", what[2])
}

// deskReport is web/pages/desk-report: reports are made here, and the list of those that were.
type deskReport struct {
	figuresFrame
	typed
	reportChoices
	Progress progress
	Table    deskTable
	Made     []madeReport
}

// reportChoices are what a report can be made with.
type reportChoices struct {
	Weights, ReportIn, Forms []choice
	NoPDF                    bool
}

// madeReport is a report with its files, or why it was not made.
type madeReport struct {
	Heading string
	Files   []roomLink
	Failed  *notMade
}

func (d *desk) reports(v *call) error {
	return d.showReports(v, http.StatusOK, "", url.Values{"lang-zh": {"yes"}, "form": {"html", "docx", "xlsx"}, "weights": {"newest"}})
}

func (d *desk) showReports(v *call, status int, fault string, sent url.Values) error {
	f, err := d.ofWhole(v, "desk.report.title", opening(v))
	if err != nil {
		return err
	}
	if err := f.deskFrame.said(v); err != nil {
		return err
	}
	if fault != "" {
		f.fault(f.say.words(fault))
	}
	names, err := d.people(v.Request().Context())
	if err != nil {
		return err
	}
	p := deskReport{figuresFrame: f, Progress: d.underWay(v, f, making.ReportKind, names), typed: typed(sent)}
	list, err := d.deps.Making.Made(f.wave.ID)
	if err != nil {
		return err
	}
	if len(list) > 0 && list[0].Failed != nil { // the list says it
		p.Progress.Failed = nil
	}
	if p.reportChoices, err = d.reportChoices(v, f); err != nil {
		return err
	}
	if p.Table, err = d.madeTable(f, list, names); err != nil {
		return err
	}
	for _, m := range list {
		p.Made = append(p.Made, f.made(m))
	}
	if f.say.err != nil {
		return f.say.err
	}
	if sent, err := v.sendTable(p.Table); sent {
		return err
	}
	return d.show(v, status, "desk-report", p)
}

func (d *desk) reportChoices(v *call, f figuresFrame) (c reportChoices, err error) {
	c.Weights, err = d.weightChoices(v, f)
	c.ReportIn, c.Forms, c.NoPDF = f.languageChoices(), d.formChoices(), !slices.Contains(d.deps.Making.Forms(), output.PDF)
	return c, err
}

// weightChoices are the stored sets of weights of a wave, the newest first, and those of the
// sample. While ClickHouse is away only those of the sample can be named.
func (d *desk) weightChoices(v *call, f figuresFrame) ([]choice, error) {
	sets, err := d.deps.Making.WeightSets(v.Request().Context(), f.wave.ID)
	if err != nil && !errors.Is(err, surveys.ErrUnavailable) {
		return nil, err
	}
	var list []choice
	for _, id := range slices.Backward(sets) {
		list = append(list, choice{id, id})
	}
	return append(list, choice{"", f.say.words("desk.report.base")}), nil
}

// languageChoices are the languages that reports have.
func (f figuresFrame) languageChoices() (list []choice) {
	for _, l := range reportLanguages {
		list = append(list, choice{string(l), f.say.words(languageWords[l])})
	}
	return list
}

var (
	reportLanguages = []surveys.Lang{surveys.ZH, surveys.EN}
	languageWords   = map[surveys.Lang]string{surveys.ZH: "desk.report.zh", surveys.EN: "desk.report.en"}
)

func (d *desk) formChoices() (list []choice) {
	for _, form := range d.deps.Making.Forms() {
		list = append(list, choice{string(form), strings.ToUpper(string(form))})
	}
	return list
}

// madeTable lists what was made, by whom, when, and from what.
func (d *desk) madeTable(f figuresFrame, list []making.Made, names people) (deskTable, error) {
	t, err := d.table(f.deskFrame, "made", "desk.report.made", "#desk.report.number", "desk.report.when", "desk.report.who", "desk.report.state",
		"desk.report.weights", "#desk.report.interviews", "desk.report.questionnaire", "desk.report.data", "desk.report.languages")
	if err != nil {
		return t, err
	}
	for _, m := range list {
		state, interviews := "desk.report.done", whole(m.Data.Interviews)
		if m.Failed != nil {
			state = "desk.report.failed"
		}
		if m.Data.Questionnaire == "" {
			interviews = deskCell{Text: show.Missing, Number: true, Value: -1}
		}
		weights := m.Weights
		if weights == "" {
			weights = f.say.words("desk.report.base")
		}
		var languages []string
		for _, l := range m.Languages {
			languages = append(languages, string(l))
		}
		t.add(whole(m.Number), deskCell{Text: clockTime(m.Began)}, deskCell{Text: names.Name(m.Who)}, deskCell{Text: f.say.words(state)},
			deskCell{Text: weights}, interviews, deskCell{Text: m.Data.Questionnaire}, deskCell{Text: cut(m.Data.Standings, 12)}, deskCell{Text: strings.Join(languages, " ")})
	}
	t.Notes = []string{f.say.words("desk.report.datanote")}
	return t, errors.Join(f.say.err, t.arrange(f.deskFrame))
}

// made lists the files of a report.
func (f figuresFrame) made(m making.Made) madeReport {
	out := madeReport{Heading: f.say.words("desk.report.files", "n", m.Number, "when", clockTime(m.Began))}
	if m.Failed != nil {
		out.Failed = f.failure(m.Failed, f.say.words("desk.failed.lead", "what", f.say.words("desk.making.report"), "when", clockTime(m.Ended)))
	}
	for _, name := range m.Files {
		out.Files = append(out.Files, roomLink{Name: name, Href: "/desk/" + f.wave.ID + reportRoom + "/" + strconv.Itoa(m.Number) + "/" + url.PathEscape(name)})
	}
	return out
}

// chosen are the languages and forms that a form asks for, in our order.
func (d *desk) chosen(sent typed) (languages []surveys.Lang, forms []output.Format) {
	for _, l := range reportLanguages {
		if sent.Typed("lang-"+string(l)) != "" {
			languages = append(languages, l)
		}
	}
	for _, form := range d.deps.Making.Forms() {
		if sent.Has("form", string(form)) {
			forms = append(forms, form)
		}
	}
	return languages, forms
}

// weightsOf is the set of weights that a form asks for; ok is false when there is none such.
func (d *desk) weightsOf(v *call, f figuresFrame, sent typed) (id string, ok bool, err error) {
	list, err := d.weightChoices(v, f)
	if err != nil {
		return "", false, err
	}
	id = sent.Typed("weights")
	return id, slices.ContainsFunc(list, func(c choice) bool { return c.Value == id }), nil
}

// makeReport begins to make a report, and leads to the page that shows how far it is.
func (d *desk) makeReport(v *call) error {
	form, err := v.sentForm()
	if err != nil {
		return err
	}
	try := office.Entry{Action: "make report", Object: v.Param("wave")}
	f, err := d.ofWhole(v, "desk.report.title", try)
	if err != nil {
		return err
	}
	o := making.ReportOrder{Wave: f.wave.ID, Who: v.account.Login}
	o.Languages, o.Forms = d.chosen(typed(form))
	weights, ok, err := d.weightsOf(v, f, typed(form))
	o.Weights = weights
	fault := ""
	switch {
	case err != nil:
		return err
	case !ok:
		fault = "desk.report.noweights"
	case len(o.Languages) == 0 || len(o.Forms) == 0:
		fault = "desk.report.nothing"
	}
	if fault != "" {
		return errors.Join(d.noted(v, refused(try, becauseForm)), d.showReports(v, http.StatusUnprocessableEntity, fault, form))
	}
	err = d.deps.Making.Make(o, d.noteReport)
	if errors.Is(err, making.ErrBusy) {
		return errors.Join(d.noted(v, refused(try, because(making.WhyBusy))), d.showReports(v, http.StatusConflict, "desk.making.busy", form))
	}
	if err != nil {
		return err
	}
	return v.leadTo(f.deskFrame, f.Path, "ordered")
}

// noteReport puts into the audit trail that a report was made for somebody, or was not.
func (d *desk) noteReport(ctx context.Context, m making.Made) error {
	e := office.Entry{At: m.Ended, Who: m.Who, Action: "make report", Object: m.Wave}
	if m.Number > 0 {
		e.Object = fmt.Sprintf("%s %d", m.Wave, m.Number)
	}
	return d.office.Note(ctx, made(e, m.Failed))
}

// noteUnfinished puts into the audit trail which reports a crash cut off. Serving does not wait
// for an office that cannot take it: the list of reports says it, too.
func (s *Server) noteUnfinished(ctx context.Context) {
	if s.deps.Making == nil || s.deps.Office == nil {
		return
	}
	for _, m := range s.deps.Making.Unfinished() {
		if err := (&desk{s, s.deps.Office}).noteReport(ctx, m); err != nil {
			s.deps.Log.ErrorContext(ctx, "the audit trail lacks a report that was not finished", "wave", m.Wave, "number", m.Number, "err", err)
		}
	}
}

// reportFile sends a file of a report, which the audit trail says.
func (d *desk) reportFile(v *call) error {
	number, err := strconv.Atoi(v.Param("number"))
	if err != nil || strconv.Itoa(number) != v.Param("number") {
		return fmt.Errorf("report: %w", surveys.ErrNotFound)
	}
	try := office.Entry{Action: "read report", Object: fmt.Sprintf("%s %d", v.Param("wave"), number)}
	f, err := d.ofWhole(v, "desk.report.title", try)
	if err != nil {
		return err
	}
	name := v.Param("name")
	file, m, err := d.deps.Making.Open(f.wave.ID, number, name)
	if err != nil {
		return errors.Join(err, d.noteNotRead(v, try, err))
	}
	defer file.Close()
	if err := d.noteRead(v, try, name); err != nil {
		return err
	}
	return d.sendReport(v, file, m)
}

// noteRead puts into the audit trail that a file is given out. Whoever only asks whether it is
// there reads nothing.
func (d *desk) noteRead(v *call, try office.Entry, name string) error {
	if v.Request().Method == http.MethodHead {
		return nil
	}
	try.Object, try.Outcome = try.Object+becauseMark+name, office.Done
	return d.noted(v, try)
}

// noteNotRead puts into the audit trail why a file could not be given out or checked.
func (d *desk) noteNotRead(v *call, try office.Entry, err error) error {
	switch {
	case v.Request().Method == http.MethodHead:
		return nil
	case errors.Is(err, surveys.ErrNotFound):
		return d.noted(v, refused(try, becauseAbsent))
	}
	return d.noted(v, failed(try, because(making.FailureOf(err).Why)))
}

func (d *desk) sendReport(v *call, file *os.File, m making.Made) error {
	h := v.Response().Header()
	d.headRelease(h, filepath.Base(file.Name()))
	h.Set("Cache-Control", "no-store")
	http.ServeContent(v.Response(), v.Request(), "", m.Ended, file)
	return nil
}
