package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/surveys"
)

// deskTexts is web/pages/desk-texts: the texts of a report, block by block.
type deskTexts struct {
	figuresFrame
	typed
	Progress progress
	// Of is the language of the report, Ofs lead to the others.
	Of  string
	Ofs []roomLink
	// Drafted says from which numbers the drafts are, empty when there are none yet. Weights
	// are the sets that there are.
	Drafted string
	Weights []choice
	// Save is where a block is sent to.
	Save string
	// FileFaults keep the file from being changed here.
	FileFaults []string
	Blocks     []textBlock
	// At leads to the block of the form that was sent.
	At roomLink
	// Lost is a block that was typed when there were no numbers to check it with.
	Lost *textBlock
}

// textBlock is one block with what is typed in its form.
type textBlock struct {
	report.TextBlock
	// Heading is the section and the name of the block.
	Heading string
	// Written says who wrote the text that stands there, and when.
	Written string
	// Typed is what stands in the form, Open that it is shown at once.
	Typed string
	Open  bool
	// Theirs says that somebody else changed it while Typed was written; TheirText is what
	// they wrote.
	Theirs, TheirText string
	// FaultWords are what is wrong with what was typed, or else with what stands there.
	FaultWords []string
	// Sent says that it is the block of the form that was sent.
	Sent bool
}

// sentText is a form with a block that could not be saved; or, with waiting, one that asked for
// numbers while something else is being made.
type sentText struct {
	edit    report.TextEdit
	err     error
	waiting bool
}

func (d *desk) texts(v *call) error { return d.showTexts(v, http.StatusOK, nil) }

// textsIn begins the page of texts in the language that is asked for.
func (d *desk) textsIn(v *call, try office.Entry) (f figuresFrame, lang surveys.Lang, err error) {
	if f, err = d.ofWhole(v, "desk.texts.title", try); err != nil {
		return f, lang, err
	}
	lang = surveys.Lang(v.QueryParam("of"))
	if lang == "" {
		lang = surveys.ZH
	}
	if !slices.Contains(reportLanguages, lang) {
		return f, lang, fmt.Errorf("texts: %w", surveys.ErrNotFound)
	}
	return f, lang, nil
}

// draftedFrom are the numbers that the page is drafted from: those with the weights that its
// address names, or else those that were computed last.
func (d *desk) draftedFrom(v *call, wave string) (making.Estimated, bool) {
	list := d.deps.Making.Drafted(wave)
	named := v.QueryParam("weights")
	for _, e := range list {
		if named == "" || e.Weights == weightsNamed(named) {
			return e, true
		}
	}
	return making.Estimated{}, false
}

// baseWeights stands for the weights of the sample in an address, where nothing would mean
// those that were used last.
const baseWeights = "-"

func weightsNamed(name string) string {
	if name == baseWeights {
		return ""
	}
	return name
}

func nameOfWeights(weights string) string {
	if weights == "" {
		return baseWeights
	}
	return weights
}

func (d *desk) showTexts(v *call, status int, sent *sentText) error {
	f, lang, err := d.textsIn(v, opening(v))
	if err != nil {
		return err
	}
	if err := f.deskFrame.said(v); err != nil {
		return err
	}
	names, err := d.people(v.Request().Context())
	if err != nil {
		return err
	}
	p := deskTexts{Of: string(lang)}
	if p.Weights, err = d.weightChoices(v, f); err != nil {
		return err
	}
	for _, l := range reportLanguages {
		p.Ofs = append(p.Ofs, roomLink{f.say.words(languageWords[l]), f.with("of", string(l), "said", ""), l == lang})
	}
	e, drafted := d.draftedFrom(v, f.wave.ID)
	p.Save = f.with("of", string(lang), "said", "", "watch", "")
	if drafted {
		p.Save = f.with("of", string(lang), "weights", nameOfWeights(e.Weights), "said", "", "watch", "")
		if err := d.textBlocks(v, f, &p, e, lang, names, sent); err != nil {
			return err
		}
	}
	switch {
	case sent != nil && sent.waiting:
		f.fault(f.say.words("desk.texts.waiting"))
	case sent != nil && drafted:
		f.fault(f.say.words(sent.fault()))
		if slices.ContainsFunc(p.Blocks, func(b textBlock) bool { return b.Sent }) {
			p.At = roomLink{Name: f.say.words("desk.texts.at", "block", sent.edit.ID), Href: "#" + placeOf(sent.edit.ID)}
		}
	case sent != nil && sent.edit.Restore:
		f.fault(f.say.words("desk.texts.nonumbers"))
	case sent != nil:
		f.fault(f.say.words("desk.texts.nonumbers"))
		p.Lost = &textBlock{TextBlock: report.TextBlock{ID: sent.edit.ID, Facts: sent.edit.Facts, Version: sent.edit.Version}, Typed: sent.edit.Text}
	}
	p.figuresFrame = f
	p.Progress = d.underWay(v, f, making.DraftsKind, names)
	if drafted || sent != nil { // what is typed would be lost
		p.Progress.Still = true
		v.Response().Header().Del("Refresh")
	}
	p.typed = typed(url.Values{"weights": {e.Weights}})
	if !drafted && len(p.Weights) > 0 {
		p.typed = typed(url.Values{"weights": {p.Weights[0].Value}})
	}
	if f.say.err != nil {
		return f.say.err
	}
	v.Response().Header().Set("Cache-Control", "no-store")
	return d.show(v, status, "desk-texts", p)
}

// textBlocks fills in the blocks.
func (d *desk) textBlocks(v *call, f figuresFrame, p *deskTexts, e making.Estimated, lang surveys.Lang, names people, sent *sentText) error {
	weights := e.Weights
	if weights == "" {
		weights = f.say.words("desk.report.base")
	}
	p.Drafted = f.say.words("desk.texts.drafted", "when", clockTime(e.At), "weights", weights, "n", e.Data.Interviews)
	blocks, err := d.deps.Making.Blocks(e, lang)
	faults := report.TextFaults(err)
	if err != nil && len(faults) == 0 {
		return err
	}
	for _, fault := range faults {
		p.FileFaults = append(p.FileFaults, f.say.words("desk.textfault.infile", "file", "findings."+string(lang)+".md", "line", fault.Line, "what", f.textFault(fault)))
	}
	writers, err := d.writersOf(v.Request().Context(), f.wave.ID, lang)
	if err != nil {
		return err
	}
	for _, b := range blocks {
		p.Blocks = append(p.Blocks, f.textBlock(b, writers, names, sent))
	}
	return nil
}

// textBlock is a block as the page shows it.
func (f figuresFrame) textBlock(b report.TextBlock, writers writers, names people, sent *sentText) textBlock {
	out := textBlock{TextBlock: b, Heading: strings.TrimSpace(b.Section + " · " + b.ID), Typed: b.Text}
	if b.Section == "" {
		out.Heading = b.ID
	}
	if !b.Edited {
		out.Typed = b.Draft
	}
	if b.Edited {
		out.Written = f.written("desk.texts.written", writers.wrote(b), names)
	}
	faults := b.Faults
	if sent != nil && sent.edit.ID == b.ID {
		out.Open, out.Sent = true, true
		if !sent.edit.Restore {
			out.Typed = sent.edit.Text
		}
		faults = report.TextFaults(sent.err)
		var conflict *report.TextConflict
		if errors.As(sent.err, &conflict) {
			out.Theirs, out.TheirText = f.written("desk.texts.theirs", writers.wrote(b), names), b.Text
			if !b.Edited {
				out.TheirText = b.Draft
			}
		}
	}
	for _, fault := range faults {
		out.FaultWords = append(out.FaultWords, f.say.words("desk.textfault.inline", "line", fault.Line, "what", f.textFault(fault)))
	}
	out.Open = out.Open || len(faults) > 0
	return out
}

// written says who wrote a block and when, or that it was not at the desk.
func (f figuresFrame) written(key string, e office.Entry, names people) string {
	if e.Who == "" {
		return f.say.words(key, "who", f.say.words("desk.texts.outside"), "when", f.say.words("desk.texts.unknown"))
	}
	return f.say.words(key, "who", names.Name(e.Who), "when", clockTime(e.At))
}

// placeOf names the place of a block on the page.
func placeOf(block string) string { return "block-" + block }

// Place is the place of the block on the page.
func (b textBlock) Place() string { return placeOf(b.ID) }

// writers are the lines of the audit trail about the texts of a wave, by what they name.
type writers map[string]office.Entry

// mostEdits is how many lines of the audit trail are looked at for who wrote what stands
// there.
const mostEdits = 2000

func (d *desk) writersOf(ctx context.Context, wave string, lang surveys.Lang) (writers, error) {
	found := writers{}
	prefix := textObject(wave, lang, "")
	_, err := d.office.Audit(ctx, office.AuditFilter{Find: prefix, Outcome: office.Done, Limit: mostEdits}, func(e office.Entry) {
		if object, ok := strings.CutPrefix(e.Object, prefix); ok && found[object].Who == "" { // the newest first
			found[object] = e
		}
	})
	return found, err
}

// textObject is what the audit trail calls a block.
func textObject(wave string, lang surveys.Lang, block string) string {
	return wave + " findings." + string(lang) + " " + block
}

// wrote is who wrote what stands in a block, or took a text out of it; the zero entry when
// that was not done at the desk.
func (w writers) wrote(b report.TextBlock) office.Entry { return w[b.ID+textVersion(b)] }

// textVersion tells versions of a block apart in the audit trail.
func textVersion(b report.TextBlock) string {
	if b.Version == "" {
		return ""
	}
	return " · " + b.Version
}

// fault is what the page says above everything of a block that could not be saved.
func (s sentText) fault() string {
	var conflict *report.TextConflict
	switch {
	case errors.As(s.err, &conflict):
		return "desk.texts.conflict"
	case len(report.TextFaults(s.err)) > 0:
		return "desk.texts.faulty"
	case errors.Is(s.err, surveys.ErrNotFound):
		return "desk.texts.gone"
	case errors.Is(s.err, surveys.ErrTooLarge):
		return "desk.texts.long"
	}
	return "desk.texts.busy"
}

// editText saves a block, restores its draft, or lets the numbers be computed that the drafts
// are made from.
func (d *desk) editText(v *call) error {
	form, err := v.sentForm()
	if err != nil {
		return err
	}
	sent := typed(form)
	try := tryOfText(sent.Typed("action"))
	try.Object = v.Param("wave")
	f, lang, err := d.textsIn(v, try)
	if err != nil {
		return err
	}
	if sent.Typed("action") == "draft" {
		return d.draftTexts(v, f, lang, sent, try)
	}
	edit := report.TextEdit{ID: sent.Typed("id"), Text: sent.Typed("text"), Restore: sent.Typed("action") == "restore", Facts: sent.Typed("facts"), Version: sent.Typed("version")}
	if try.Object = textObject(f.wave.ID, lang, ""); blockName.MatchString(edit.ID) {
		try.Object += edit.ID
	}
	e, drafted := d.draftedFrom(v, f.wave.ID)
	if !drafted { // the program was started again meanwhile: what was typed is given back
		if weights, ok, err := d.weightsOf(v, f, typed(url.Values{"weights": {weightsNamed(v.QueryParam("weights"))}})); err == nil && ok {
			if err := d.deps.Making.Draft(f.wave.ID, weights, v.account.Login, d.noteDrafts(f.wave.ID, v.account.Login)); err != nil && !errors.Is(err, making.ErrBusy) {
				return err
			}
		}
		return errors.Join(d.noted(v, refused(try, becauseNumbers)), d.showTexts(v, http.StatusConflict, &sentText{edit: edit}))
	}
	now, err := d.deps.Making.Edit(e, lang, edit)
	if err != nil {
		status, shown := refusedText(err)
		if !shown {
			return errors.Join(err, d.noted(v, failed(try, because(making.FailureOf(err).Why))))
		}
		return errors.Join(d.noted(v, refused(try, becauseOfText(err))), d.showTexts(v, status, &sentText{edit: edit, err: err}))
	}
	said := "text"
	if edit.Restore {
		said = "restored"
	}
	try.Object, try.Outcome = textObject(f.wave.ID, lang, now.ID+textVersion(now)), office.Done
	if err := d.noted(v, try); err != nil {
		return err
	}
	return v.leadTo(f.deskFrame, f.Path+"#"+placeOf(now.ID), said, "of", string(lang), "weights", nameOfWeights(e.Weights))
}

// tryOfText is what a form about texts is for.
func tryOfText(action string) office.Entry {
	switch action {
	case "draft":
		return office.Entry{Action: "draft texts"}
	case "restore":
		return office.Entry{Action: "restore text"}
	}
	return office.Entry{Action: "edit text"}
}

// becauseOfText is why a block could not be saved.
func becauseOfText(err error) because {
	var conflict *report.TextConflict
	switch {
	case errors.As(err, &conflict):
		return becauseChanged
	case errors.Is(err, surveys.ErrNotFound):
		return becauseAbsent
	case errors.Is(err, surveys.ErrTooLarge):
		return becauseForm
	}
	return because(making.FailureOf(err).Why)
}

// refusedText is the status of a block that could not be saved; shown is false for errors that
// have a page of their own.
func refusedText(err error) (status int, shown bool) {
	switch {
	case errors.Is(err, surveys.ErrConflict):
		return http.StatusConflict, true
	case errors.Is(err, surveys.ErrInvalid), errors.Is(err, surveys.ErrNotFound), errors.Is(err, surveys.ErrTooLarge):
		return http.StatusUnprocessableEntity, true
	}
	return 0, false
}

// draftTexts lets the numbers be computed.
func (d *desk) draftTexts(v *call, f figuresFrame, lang surveys.Lang, sent typed, try office.Entry) error {
	weights, ok, err := d.weightsOf(v, f, sent)
	if err != nil {
		return err
	}
	if !ok {
		return errors.Join(fmt.Errorf("weights: %w", surveys.ErrInvalid), d.noted(v, refused(try, becauseForm)))
	}
	err = d.deps.Making.Draft(f.wave.ID, weights, v.account.Login, d.noteDrafts(f.wave.ID, v.account.Login))
	if errors.Is(err, making.ErrBusy) {
		return errors.Join(d.noted(v, refused(try, because(making.WhyBusy))), d.showTexts(v, http.StatusConflict, &sentText{waiting: true}))
	}
	if err != nil {
		return err
	}
	return v.leadTo(f.deskFrame, f.Path, "drafting", "of", string(lang))
}

// noteDrafts puts into the audit trail that the numbers of drafts were computed for somebody, or
// were not.
func (d *desk) noteDrafts(wave, who string) func(context.Context, string, *making.Failure) error {
	return func(ctx context.Context, weights string, f *making.Failure) error {
		e := office.Entry{At: d.deps.Now(), Who: who, Action: "draft texts", Object: strings.TrimSpace(wave + " " + weights)}
		return d.office.Note(ctx, made(e, f))
	}
}
