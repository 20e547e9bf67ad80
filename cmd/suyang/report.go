package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// reportCommand writes a report.
type reportCommand struct {
	stateFlags
	Wave    string `arg:"" help:"Name of the wave."`
	Weights string `help:"Name of the set of weights; by default the base weights of the sample."`
	Lang    string `default:"zh" enum:"zh,en" help:"Language: zh or en."`
	Out     string `short:"o" type:"path" help:"File to write; by default the state folder's reports, where the server shows it."`
}

// Run writes the report and prints its path.
func (c *reportCommand) Run(ctx context.Context, con *console) error {
	w, err := c.waves().Load(c.Wave)
	if err != nil {
		return err
	}
	st, err := c.openStore(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	r, err := assessed(ctx, st, c.waves(), w, c.Weights, nil)
	if err != nil {
		return err
	}
	path := c.Out
	if path == "" {
		path = c.reportPath(c.Wave, surveys.Lang(c.Lang))
	}
	if err := writeReport(path, r, surveys.Lang(c.Lang)); err != nil {
		return err
	}
	fmt.Fprintln(con.out, path)
	return nil
}

// assessed computes the results of a wave. truth is nil for a real survey.
func assessed(ctx context.Context, st *station, folder waves.Folder, w waves.Wave, weights string, truth func(string, analysis.Domain) (float64, bool)) (*assess.Results, error) {
	opt := assess.Options{Wave: w.ID, Weights: weights, Truth: truth}
	if weights != "" {
		record, err := folder.Weighting(w.ID, weights)
		if err != nil {
			return nil, err
		}
		opt.Raking, opt.Assumptions = &record.Step, record.Assumptions
	}
	return assess.Assess(ctx, st.store, w.Questionnaire, w.Plan, opt)
}

// writeReport writes a report beside its path and moves it there, so that a reader
// never sees half of it.
func writeReport(path string, r *assess.Results, lang surveys.Lang) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".report-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := report.HTML(f, r, lang, report.Options{Now: time.Now(), Program: "suyang " + version()}); err != nil {
		f.Close()
		return fmt.Errorf("write report %s: %w", path, err)
	}
	if err := f.Chmod(0o644); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
