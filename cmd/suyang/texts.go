package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// textsCommand writes the file of the texts that people edit.
type textsCommand struct {
	stateFlags
	Wave    string `arg:"" help:"Name of the wave."`
	Weights string `help:"Weights, as for report: the texts are drafted from the numbers that these give."`
	Lang    string `default:"zh" enum:"zh,en" help:"Language: zh or en."`
	File    string `short:"f" type:"path" help:"File of the texts; by default findings.zh.md or findings.en.md in the folder of the wave, where report finds it."`
}

// Run writes the file, with what people wrote as it stands there, and prints its path.
func (c *textsCommand) Run(ctx context.Context, con *console) error {
	path := c.File
	if path == "" {
		path = c.textsPath(c.Wave, surveys.Lang(c.Lang))
	}
	old, err := readTexts(path)
	if err != nil {
		return err
	}
	st, w, err := c.openWave(ctx, c.Wave)
	if err != nil {
		return err
	}
	defer st.Close()
	r, err := assessed(ctx, st, w, c.Weights, assess.Options{})
	if err != nil {
		return err
	}
	// The drafts must be those of the report: without a sentence on what it withholds, and with
	// the same facts, or else every text that a person wrote would be marked as out of date.
	opt, err := reportForms{con: con, texts: old, made: time.Now()}.content(r)
	if err != nil {
		return err
	}
	var out strings.Builder
	if err := report.WriteTexts(&out, r, surveys.Lang(c.Lang), opt); err != nil {
		return err
	}
	if err := waves.WriteDurably(path, []byte(out.String())); err != nil {
		return fmt.Errorf("write the texts %s: %w", path, err)
	}
	fmt.Fprintln(con.out, path)
	return nil
}

// textsPath is the file of the texts of a wave, beside its questionnaire and plan.
func (f *stateFlags) textsPath(wave string, lang surveys.Lang) string {
	return filepath.Join(string(f.waves()), wave, "findings."+string(lang)+".md")
}

// readTexts reads a file of texts; nil when there is none.
func readTexts(path string) (*report.Texts, error) {
	src, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return report.ReadTexts(path, src)
}
