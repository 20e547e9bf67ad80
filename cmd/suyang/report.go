package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/report/output"
	"github.com/suyang-survey/suyang/internal/report/pdf"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// reportCommand writes a report.
type reportCommand struct {
	stateFlags
	Wave    string `arg:"" help:"Name of the wave."`
	Weights string `help:"Weights: a name, which means its latest version, or a version such as calibrated@2; by default the base weights of the sample."`
	varianceFlags
	Lang     string   `default:"zh" enum:"zh,en" help:"Language: zh or en."`
	Texts    string   `type:"path" placeholder:"FILE" help:"Texts that people wrote, see texts; by default those in the folder of the wave."`
	Format   []string `default:"html" enum:"html,docx,xlsx,csv,json,pdf" help:"One form or several, with commas between them: html, docx, xlsx, csv, json, pdf."`
	Chromium string   `env:"SUYANG_CHROMIUM" placeholder:"PROGRAM" help:"Browser that prints the PDF; by default Chromium or Chrome where one is installed."`
	Pictures bool     `help:"Put a picture of each chart into the HTML, for readers without script; the tables have all numbers anyway."`
	Out      string   `short:"o" placeholder:"PATH" help:"Folder to write to, or for one form the file; by default the state folder's reports, where the server shows the HTML."`
}

// Run writes the report and prints the paths of its files.
func (c *reportCommand) Run(ctx context.Context, con *console) error {
	variance, err := c.variance()
	if err != nil {
		return err
	}
	texts, err := c.texts()
	if err != nil {
		return err
	}
	formats, paths, err := c.files()
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
	before, err := withheldBefore(con.say, c.releases(), w.ID, anyRelease)
	if err != nil {
		return err
	}
	wait := con.patience("report files")
	defer wait.finish()
	f := making.Forms{Say: con.say, Lang: surveys.Lang(c.Lang), Texts: texts, Made: time.Now(), Before: before, Program: programName(), Chromium: c.Chromium, Pictures: c.Pictures}
	written, err := f.Files(ctx, r, formats, paths, wait.step)
	for _, path := range written {
		fmt.Fprintln(con.out, path)
	}
	return err
}

// files says which forms are written where. What is wrong with them is said before anything
// is computed.
func (c *reportCommand) files() ([]output.Format, []string, error) {
	var formats []output.Format
	for _, f := range c.Format {
		if !slices.Contains(formats, output.Format(f)) {
			formats = append(formats, output.Format(f))
		}
	}
	if slices.Contains(formats, output.PDF) {
		if _, err := pdf.Find(c.Chromium); err != nil {
			return nil, nil, err
		}
	}
	out := c.Out
	if out == "" {
		out = c.reports() + string(filepath.Separator)
	}
	paths, err := output.Paths(out, c.Wave+"."+c.Lang, formats)
	return formats, paths, err
}

// texts are what people wrote; a file that was named must be there.
func (c *reportCommand) texts() (*report.Texts, error) {
	if c.Texts == "" {
		return making.Texts(c.waves(), c.Wave, surveys.Lang(c.Lang))
	}
	src, err := os.ReadFile(c.Texts)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("--texts: there is no file %s; write it with: suyang texts %s -f %s", c.Texts, c.Wave, c.Texts)
	case err != nil:
		return nil, err
	}
	return report.ReadTexts(c.Texts, src)
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
	if err := st.tellStandings(ctx, w.ID); err != nil {
		return nil, err
	}
	return making.Results(ctx, st.store, st.flags.waves(), w, weights, opt)
}

// programName is the name and version of this program.
func programName() string { return "suyang " + version() }

// writeReport writes the page of a report to a path.
func writeReport(ctx context.Context, con *console, path string, r *assess.Results, lang surveys.Lang) error {
	f := making.Forms{Say: con.say, Lang: lang, Made: time.Now(), Program: programName()}
	_, err := f.Files(ctx, r, []output.Format{output.HTML}, []string{path}, nil)
	return err
}
