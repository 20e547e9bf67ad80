package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/making"
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

// Run writes the file, with what people wrote as it stands there, and prints its path. The
// texts are read when the numbers are known: what somebody saves at the desk until then is in
// the new file.
func (c *textsCommand) Run(ctx context.Context, con *console) error {
	st, w, err := c.openWave(ctx, c.Wave)
	if err != nil {
		return err
	}
	defer st.Close()
	r, err := assessed(ctx, st, w, c.Weights, assess.Options{})
	if err != nil {
		return err
	}
	path := c.waves().TextsPath(c.Wave, surveys.Lang(c.Lang))
	change := func(old []byte) ([]byte, error) { return c.written(con, path, r, old) }
	if c.File == "" {
		err = c.waves().ChangeTexts(c.Wave, surveys.Lang(c.Lang), change)
	} else {
		path = c.File
		err = changeFile(path, change)
	}
	if err == nil {
		fmt.Fprintln(con.out, path)
	}
	return err
}

// written is the new file of texts; old is the one that is there, nil without any.
func (c *textsCommand) written(con *console, path string, r *assess.Results, old []byte) ([]byte, error) {
	// The drafts must be those of the report: without a sentence on what it withholds, and with
	// the same facts, or else every text that a person wrote would be marked as out of date.
	f := making.Forms{Say: con.say, Made: time.Now(), Program: programName()}
	var err error
	if f.Before, err = withheldBefore(con.say, c.releases(), c.Wave, anyRelease); err != nil {
		return nil, err
	}
	if old != nil {
		if f.Texts, err = report.ReadTexts(path, old); err != nil {
			return nil, err
		}
	}
	opt, err := f.Content(r)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = report.WriteTexts(&out, r, surveys.Lang(c.Lang), opt)
	return out.Bytes(), err
}

// changeFile changes a file that is nobody else's.
func changeFile(path string, change func(old []byte) ([]byte, error)) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	src, err := change(old)
	if err != nil {
		return err
	}
	if err := waves.WriteDurably(path, src); err != nil {
		return fmt.Errorf("write the texts %s: %w", path, err)
	}
	return nil
}
