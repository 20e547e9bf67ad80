package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// reportCommand writes a report.
type reportCommand struct {
	stateFlags
	Wave    string `arg:"" help:"Name of the wave."`
	Weights string `help:"Weights: a name, which means its latest version, or a version such as calibrated@2; by default the base weights of the sample."`
	varianceFlags
	Lang  string `default:"zh" enum:"zh,en" help:"Language: zh or en."`
	Texts string `type:"path" placeholder:"FILE" help:"Texts that people wrote, see texts; by default those in the folder of the wave."`
	Out   string `short:"o" type:"path" help:"File to write; by default the state folder's reports, where the server shows it."`
}

// Run writes the report and prints its path.
func (c *reportCommand) Run(ctx context.Context, con *console) error {
	variance, err := c.variance()
	if err != nil {
		return err
	}
	texts, err := c.texts()
	if err != nil {
		return err
	}
	st, w, err := c.openWave(ctx, c.Wave)
	if err != nil {
		return err
	}
	defer st.Close()
	opt := assess.Options{Variance: variance}
	if c.Variance != string(assess.Taylor) {
		wait := con.patience("estimates from replicates")
		defer wait.finish()
		opt.Progress = wait.step
	}
	r, err := assessed(ctx, st, w, c.Weights, opt)
	if err != nil {
		return err
	}
	path := c.Out
	if path == "" {
		path = c.reportPath(c.Wave, surveys.Lang(c.Lang))
	}
	if err := writeReport(path, r, surveys.Lang(c.Lang), texts); err != nil {
		return err
	}
	fmt.Fprintln(con.out, path)
	return nil
}

// texts are what people wrote; a file that was named must be there.
func (c *reportCommand) texts() (*report.Texts, error) {
	if c.Texts == "" {
		return readTexts(c.textsPath(c.Wave, surveys.Lang(c.Lang)))
	}
	texts, err := readTexts(c.Texts)
	if texts == nil && err == nil {
		err = fmt.Errorf("--texts: there is no file %s; write it with: suyang texts %s -f %s", c.Texts, c.Wave, c.Texts)
	}
	return texts, err
}

// varianceFlags choose where standard errors come from.
type varianceFlags struct {
	Variance   string `default:"taylor" enum:"taylor,jkn,bootstrap" help:"Standard errors: taylor (linearised), or from replicates in which the last raking of the weights is repeated: jkn (leaves out one PSU after the other) or bootstrap (Rao, Wu and Yue)."`
	Replicates int    `placeholder:"R" help:"Number of replicates of the bootstrap, 1,000 unless said otherwise."`
	Seed       uint64 `default:"1" help:"Seed of the bootstrap; the same seed gives the same numbers."`
}

func (f varianceFlags) variance() (assess.Variance, error) {
	switch {
	case f.Variance != "bootstrap" && f.Replicates != 0:
		return assess.Variance{}, fmt.Errorf("--replicates: only the bootstrap has a chosen number of replicates, not %s; leave it out, or say --variance bootstrap", f.Variance)
	case f.Replicates == 0:
		f.Replicates = 1000
	}
	return assess.Variance{Method: assess.VarianceMethod(f.Variance), Replicates: f.Replicates, Seed: f.Seed}, nil
}

// assessed computes the results of a wave with a set of weights, or without a name with
// those of the sample.
func assessed(ctx context.Context, st *station, w waves.Wave, weights string, opt assess.Options) (*assess.Results, error) {
	opt.Wave = w.ID
	if err := st.tellStandings(ctx, w.ID); err != nil {
		return nil, err
	}
	if weights != "" {
		var err error
		if opt.Weighting, err = st.store.Weighting(ctx, w.ID, weights); err != nil {
			return nil, err
		}
	}
	return assess.Assess(ctx, st.store, w.Questionnaire, w.Plan, opt)
}

// writeReport writes a report beside its path and moves it there, so that a reader
// never sees half of it.
func writeReport(path string, r *assess.Results, lang surveys.Lang, texts *report.Texts) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".report-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := report.HTML(f, r, lang, report.Options{Now: time.Now(), Program: "suyang " + version(), Texts: texts}); err != nil {
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
