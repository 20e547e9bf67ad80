package making

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/output"
	"github.com/suyang-survey/suyang/internal/report/pdf"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// Config is what a Workshop works with.
type Config struct {
	// Folder is where what was made is kept, Waves where the texts of the waves are.
	Folder string
	Waves  waves.Folder
	// Estimate computes the results of a wave with a set of weights, "" for those of the
	// sample, and says what they come from. The weights of Estimated are the version.
	Estimate func(ctx context.Context, wave, weights string) (Estimated, error)
	// WeightSets lists the versions of the stored weights of a wave, in order.
	WeightSets func(ctx context.Context, wave string) ([]string, error)
	// Release makes a release and returns its number.
	Release func(ctx context.Context, o ReleaseOrder) (int, error)
	// Before lists what the releases of a wave withhold, which stays withheld; nil where there
	// are none.
	Before func(wave string) ([]report.Place, error)
	// Program is the name and version of the program, Chromium the browser that prints, ""
	// for the one that is installed.
	Program, Chromium string
	// Keep is how many reports of a wave are kept, Limit how long making one may take.
	Keep  int
	Limit time.Duration
	Now   func() time.Time
}

// DefaultConfig is the configuration without the functions that compute.
func DefaultConfig() Config { return Config{Keep: 20, Limit: 30 * time.Minute, Now: time.Now} }

// Estimated are results with what they come from.
type Estimated struct {
	Results *assess.Results
	// Weights is the version of the weights, such as calibrated@2; empty for those of the
	// sample.
	Weights string
	Data    Data
	At      time.Time

	judged *judgement
}

// ReportOrder is a report that somebody asks for.
type ReportOrder struct {
	Wave, Who, Weights string
	Languages          []surveys.Lang
	Forms              []output.Format
}

// ReleaseOrder is a release that somebody asks for.
type ReleaseOrder struct {
	Wave, Who, Weights string
	Languages          []surveys.Lang
	Forms              []output.Format
	// Corrects is the release in whose place it stands, 0 for none, and Reason why it is made.
	Corrects int
	Reason   string
}

// Workshop makes reports for people at the desk: one thing at a time, beside their requests.
// It is inert until Run. What was made is there whole or not at all.
type Workshop struct {
	cfg    Config
	runner *runner
	shelf  shelf
	// unfinished are the reports that a crash cut off before New.
	unfinished []Made

	mu sync.Mutex
	// kept are the last results, the newest first; texts are drafted from them.
	kept []Estimated
}

// mostKept is how many results are kept in memory: those of one wave with two sets of weights,
// or of two waves.
const mostKept = 2

// New makes a workshop, and clears up what a crash left of a report that was being made.
func New(cfg Config) (*Workshop, error) {
	w := &Workshop{cfg: cfg, runner: newRunner(cfg.Limit, cfg.Now), shelf: shelf{cfg.Folder, cfg.Keep}}
	var err error
	if w.unfinished, err = w.shelf.recover(cfg.Now()); err != nil { // reports can be made again, interviews not
		slog.Error("what a crash left of reports that were being made cannot be cleared up", "folder", cfg.Folder, "error", err)
	}
	return w, nil
}

// Unfinished are the reports that a crash cut off before New: nobody was told yet what came of
// them. The next New does not list them any more.
func (w *Workshop) Unfinished() []Made { return w.unfinished }

// Run makes what is ordered until ctx ends, which ends what is being made, too.
func (w *Workshop) Run(ctx context.Context) error {
	w.runner.run(ctx)
	return nil
}

// States are what is being made now, of whatever wave, and what came last of a kind of work
// for a wave since the program was started; zero where there is none.
func (w *Workshop) States(wave string, kind Kind) (now, last State) {
	return w.runner.states(wave, kind)
}

// Failure says why something failed here; nil for no error. Where the installation lies is
// nothing that people at the desk need to know.
func (w *Workshop) Failure(err error) *Failure {
	f := FailureOf(err)
	if f != nil {
		f.Detail = strings.ReplaceAll(f.Detail, filepath.Dir(string(w.cfg.Waves))+string(filepath.Separator), "")
	}
	return f
}

// Forms are the forms that reports can have here: PDF needs a browser.
func (w *Workshop) Forms() []output.Format {
	forms := []output.Format{output.HTML, output.PDF, output.DOCX, output.XLSX, output.CSV, output.JSON}
	if _, err := pdf.Find(w.cfg.Chromium); err != nil {
		forms = slices.DeleteFunc(forms, func(f output.Format) bool { return f == output.PDF })
	}
	return forms
}

// WeightSets lists the versions of the stored weights of a wave, in order.
func (w *Workshop) WeightSets(ctx context.Context, wave string) ([]string, error) {
	return w.cfg.WeightSets(ctx, wave)
}

// Made lists the reports of a wave that are kept, the newest first.
func (w *Workshop) Made(wave string) ([]Made, error) { return w.shelf.list(wave) }

// Open opens a file of a report; surveys.ErrNotFound for what is none.
func (w *Workshop) Open(wave string, number int, name string) (*os.File, Made, error) {
	return w.shelf.open(wave, number, name)
}

// Make begins to make a report; ErrBusy while something else is being made. done is told what
// was made, or why it was not; the number is 0 when it could not even be begun.
func (w *Workshop) Make(o ReportOrder, done func(context.Context, Made) error) error {
	return w.runner.start(Task{Wave: o.Wave, Kind: ReportKind, Who: o.Who, Do: func(ctx context.Context, step func(done, total int)) error {
		m := Made{Wave: o.Wave, Who: o.Who, Began: w.cfg.Now(), Languages: o.Languages, Weights: o.Weights, Program: w.cfg.Program}
		for _, f := range o.Forms {
			m.Forms = append(m.Forms, string(f))
		}
		err := w.shelve(ctx, o, &m, step)
		m.Ended, m.Failed = w.cfg.Now(), w.Failure(err)
		return errors.Join(err, done(context.WithoutCancel(ctx), m)) // when the program ends, too
	}})
}

// shelve makes a report and puts it on the shelf, or the record that it failed.
func (w *Workshop) shelve(ctx context.Context, o ReportOrder, m *Made, step func(done, total int)) error {
	staging, err := w.shelf.begin(m)
	if err != nil {
		m.Number = 0 // nothing has it
		return err
	}
	err = guarded(ctx, func() error { return w.write(ctx, o, m, staging, step) })
	m.Ended, m.Failed = w.cfg.Now(), w.Failure(err)
	return errors.Join(err, w.shelf.settle(staging, *m))
}

// write writes the files of a report into a folder.
func (w *Workshop) write(ctx context.Context, o ReportOrder, m *Made, folder string, step func(done, total int)) error {
	total := 1 + len(o.Languages)*len(o.Forms)
	step(0, total)
	e, err := w.estimate(ctx, o.Wave, o.Weights)
	if err != nil {
		return err
	}
	m.Weights, m.Data = e.Weights, e.Data
	step(1, total)
	docs, err := w.documents(e, o)
	if err != nil {
		return err
	}
	for i, lang := range o.Languages {
		paths, err := output.Paths(folder+string(filepath.Separator), o.Wave+"."+string(lang), o.Forms)
		if err != nil {
			return err
		}
		f := w.forms(lang)
		written, err := f.Write(ctx, docs[i], o.Forms, paths, func(done, _ int) { step(1+i*len(o.Forms)+done, total) })
		for _, path := range written {
			m.Files = append(m.Files, filepath.Base(path))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// documents are the report in each language. What is wrong with the texts of any of them is
// said at once.
func (w *Workshop) documents(e Estimated, o ReportOrder) (docs []*document.Document, err error) {
	withheld, err := w.withheld(e)
	if err != nil {
		return nil, err
	}
	var faults []error
	for _, lang := range o.Languages {
		f := w.forms(lang)
		if f.Texts, err = Texts(w.cfg.Waves, o.Wave, lang); err != nil {
			return nil, err
		}
		doc, err := report.Build(e.Results, lang, f.content(e.Results, withheld))
		docs, faults = append(docs, doc), append(faults, err)
	}
	return docs, errors.Join(faults...)
}

// forms are how reports are written here.
func (w *Workshop) forms(lang surveys.Lang) Forms {
	return Forms{Lang: lang, Made: w.cfg.Now(), Program: w.cfg.Program, Chromium: w.cfg.Chromium, Pictures: true}
}

// content says what the report on results is made with.
func (w *Workshop) content(e Estimated, lang surveys.Lang, texts *report.Texts) (report.Options, error) {
	withheld, err := w.withheld(e)
	if err != nil {
		return report.Options{}, err
	}
	f := w.forms(lang)
	f.Texts = texts
	return f.content(e.Results, withheld), nil
}

// withheld is what must not be published of results. What releases withhold is asked every
// time: it can have become more.
func (w *Workshop) withheld(e Estimated) (*report.Protected, error) {
	var before []report.Place
	if w.cfg.Before != nil {
		var err error
		if before, err = w.cfg.Before(e.Results.Wave); err != nil {
			return nil, err
		}
	}
	return e.judged.of(e.Results, before)
}

// estimate computes results and keeps them.
func (w *Workshop) estimate(ctx context.Context, wave, weights string) (Estimated, error) {
	e, err := w.cfg.Estimate(ctx, wave, weights)
	if err != nil {
		return e, err
	}
	e.judged = &judgement{}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = slices.DeleteFunc(w.kept, func(k Estimated) bool { return k.Results.Wave == wave && k.Weights == e.Weights })
	w.kept = slices.Insert(w.kept, 0, e)
	if len(w.kept) > mostKept {
		w.kept = w.kept[:mostKept]
	}
	return e, nil
}

// Draft begins to compute the numbers of a wave, which its texts are drafted from; ErrBusy
// while something else is being made. done is told the version of the weights that they were
// computed with, or the weights that were asked for and why they were not.
func (w *Workshop) Draft(wave, weights, who string, done func(ctx context.Context, weights string, failed *Failure) error) error {
	return w.runner.start(Task{Wave: wave, Kind: DraftsKind, Who: who, Do: func(ctx context.Context, _ func(done, total int)) error {
		with := weights
		err := guarded(ctx, func() error {
			e, err := w.estimate(ctx, wave, weights)
			if err == nil {
				with = e.Weights
			}
			return err
		})
		return errors.Join(err, done(context.WithoutCancel(ctx), with, w.Failure(err)))
	}})
}

// Drafted are the numbers of a wave that its texts can be drafted from, those that were
// computed last first; none before any were computed since the program was started.
func (w *Workshop) Drafted(wave string) (list []Estimated) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range w.kept {
		if k.Results.Wave == wave {
			list = append(list, k)
		}
	}
	return list
}

// Blocks lists the blocks of text of a wave. The error names what is wrong with their file and
// keeps it from being changed here; the list is complete all the same.
func (w *Workshop) Blocks(e Estimated, lang surveys.Lang) ([]report.TextBlock, error) {
	texts, err := Texts(w.cfg.Waves, e.Results.Wave, lang)
	if err != nil {
		return nil, err
	}
	opt, err := w.content(e, lang, texts)
	if err != nil {
		return nil, err
	}
	return report.TextBlocks(e.Results, lang, opt)
}

// Edit changes a block of text in the file of the wave, which is on the disk before this
// returns. The errors are those of report.EditTexts.
func (w *Workshop) Edit(e Estimated, lang surveys.Lang, edit report.TextEdit) (now report.TextBlock, err error) {
	wave := e.Results.Wave
	err = w.cfg.Waves.ChangeTexts(wave, lang, func(old []byte) ([]byte, error) {
		texts, err := textsIn(w.cfg.Waves, wave, lang, old)
		if err != nil {
			return nil, err
		}
		opt, err := w.content(e, lang, texts)
		if err != nil {
			return nil, err
		}
		var src []byte
		src, now, err = report.EditTexts(e.Results, lang, opt, edit)
		return src, err
	})
	return now, err
}

// Release begins to make a release; ErrBusy while something else is being made. done is told
// its number, or why there is none.
func (w *Workshop) Release(o ReleaseOrder, done func(ctx context.Context, number int, failed *Failure) error) error {
	if strings.TrimSpace(o.Reason) == "" {
		return fmt.Errorf("a release needs a reason: %w", surveys.ErrInvalid)
	}
	return w.runner.start(Task{Wave: o.Wave, Kind: ReleaseKind, Who: o.Who, Do: func(ctx context.Context, _ func(done, total int)) error {
		var number int
		err := guarded(ctx, func() (err error) { number, err = w.cfg.Release(ctx, o); return err })
		return errors.Join(err, done(context.WithoutCancel(ctx), number, w.Failure(err)))
	}})
}
