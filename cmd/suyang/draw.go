package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library/divisions"
)

// drawCommand draws a sample, or draws it again.
type drawCommand struct {
	Plan    string `arg:"" optional:"" help:"The plan, a YAML file."`
	Out     string `short:"o" help:"The draw file to write. One that holds another draw is never overwritten."`
	Sample  string `help:"Also write the sample file, CSV, that “suyang publish --sample” takes."`
	Release int    `help:"How many replicates of the reserve the sample file has, in their order."`
	Replay  string `help:"Draw again what this draw file records, and fail with what differs."`
	Wave    string `help:"Draw again the draw of this wave from the office's own copies of draw file and frame, and fail with what differs."`
	State   string `type:"path" default:"suyang-state" env:"SUYANG_STATE" help:"The state folder with the office of --wave."`
	Frame   string `help:"The frame, CSV or XLSX; by default the file that the plan names, beside the plan or the draw file."`
}

// Run draws and writes the files.
func (c *drawCommand) Run(ctx context.Context, con *console) error {
	if c.Wave != "" && c.Plan == "" && c.Replay == "" {
		return c.prove(ctx, con)
	}
	if (c.Plan == "") == (c.Replay == "") || c.Wave != "" {
		return errors.New("give the plan of a draw, or the file of one with --replay, or a wave with --wave")
	}
	if c.Plan != "" && c.Out == "" {
		return errors.New("name the file of the draw with --out; it is what the draw is proved with")
	}
	program := programName()
	draw := c.again
	if c.Plan != "" {
		draw = c.first
	}
	d, err := draw(con, program)
	if err != nil {
		return err
	}
	if err := c.write(d); err != nil {
		return err
	}
	return c.report(con, d)
}

// first draws by a plan.
func (c *drawCommand) first(con *console, program string) (*fieldwork.Draw, error) {
	src, err := readDefinition(c.Plan)
	if err != nil {
		return nil, err
	}
	plan, err := fieldwork.ReadDrawPlan(c.Plan, src)
	if err != nil {
		return nil, err
	}
	rules := fieldwork.FrameRules{Lists: divisions.Lists()}
	frame, err := c.frame(con, c.Plan, plan.Frame, plan.Vintage)
	if err != nil {
		return nil, frame.CodeFaults(plan.Frame, rules, err)
	}
	if _, err := frame.Check(plan.Frame, rules); err != nil {
		return nil, err
	}
	wait := con.patience("draw strata")
	defer wait.finish()
	return plan.Draw(frame, program, wait.step)
}

// again draws what a draw file records.
func (c *drawCommand) again(con *console, program string) (*fieldwork.Draw, error) {
	f, err := os.Open(c.Replay)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, err := fieldwork.ReadDraw(c.Replay, f)
	if err != nil {
		return nil, err
	}
	frame, err := c.frame(con, c.Replay, d.Frame.File, d.Frame.Vintage)
	if err != nil {
		return nil, err
	}
	wait := con.patience("draw strata")
	defer wait.finish()
	return d.Replay(frame, program, wait.step)
}

// prove draws again what the office keeps of a wave.
func (c *drawCommand) prove(ctx context.Context, con *console) error {
	store, err := (&stateFlags{State: c.State}).openOffice(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	d, err := store.DrawFile(ctx, c.Wave)
	if err != nil {
		return err
	}
	src, err := store.FrameFile(ctx, d.Frame.Hash)
	if err != nil {
		return fmt.Errorf("%w; the frame was not beside the draw file when the wave was published, so draw again with --replay and --frame", err)
	}
	frame, err := fieldwork.ReadFrame(d.Frame.File, d.Frame.Vintage, src, nil)
	if err != nil {
		return err
	}
	wait := con.patience("draw strata")
	defer wait.finish()
	if _, err := d.Replay(frame, "suyang "+version(), wait.step); err != nil {
		return err
	}
	if err := c.write(d); err != nil {
		return err
	}
	return c.report(con, d)
}

// framePath is where the frame is that a file names.
func (c *drawCommand) framePath(file, name string) string {
	switch {
	case c.Frame != "":
		return c.Frame
	case filepath.IsAbs(name):
		return name
	}
	return filepath.Join(filepath.Dir(file), name)
}

// frame reads the frame that a file names.
func (c *drawCommand) frame(con *console, file, name, vintage string) (*fieldwork.Frame, error) {
	f, err := readFrame(con, c.framePath(file, name), vintage)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; name it with --frame", err)
	}
	return f, err
}

// write writes the draw file and the sample file.
func (c *drawCommand) write(d *fieldwork.Draw) error {
	cases, err := d.Cases(c.Release)
	if err != nil {
		return err
	}
	if c.Out != "" {
		var text bytes.Buffer
		if err := d.Write(&text); err != nil {
			return err
		}
		old, err := os.ReadFile(c.Out)
		if err == nil && !bytes.Equal(old, text.Bytes()) {
			return fmt.Errorf("%s holds something else; a draw is kept, so give another name: %w", c.Out, surveys.ErrConflict)
		}
		if err := os.WriteFile(c.Out, text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if c.Sample == "" {
		return nil
	}
	for _, other := range []string{c.Plan, c.Replay, c.Out, c.Frame, c.framePath(cmp.Or(c.Plan, c.Replay), d.Frame.File)} {
		if same(c.Sample, other) {
			return fmt.Errorf("the sample file would take the place of %s; give another name with --sample: %w", other, surveys.ErrConflict)
		}
	}
	var text bytes.Buffer
	if err := fieldwork.WriteSample(&text, cases); err != nil {
		return err
	}
	return os.WriteFile(c.Sample, text.Bytes(), 0o644)
}

// same reports whether two paths are those of one file.
func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// report prints what was drawn in each stratum.
func (c *drawCommand) report(con *console, d *fieldwork.Draw) error {
	lines := [][]string{{"stratum", "frame units", d.Stages[0] + " units", "drawn", "certain", "cases", "reserve"}}
	drawn, reserve := map[string]int{}, map[string]int{}
	for _, u := range d.Units {
		if u.Replicate == 0 {
			drawn[u.In]++
		} else {
			reserve[u.In]++
		}
	}
	main, all := 0, 0
	for _, s := range d.Strata {
		main, all = main+drawn[s.Stratum], all+drawn[s.Stratum]+reserve[s.Stratum]
		lines = append(lines, []string{s.Stratum, fmt.Sprint(s.FrameUnits), fmt.Sprint(s.Units), fmt.Sprint(s.Number), fmt.Sprint(s.Certain),
			fmt.Sprint(drawn[s.Stratum]), fmt.Sprint(reserve[s.Stratum])})
	}
	fmt.Fprint(con.out, aligned(lines))
	fmt.Fprintf(con.out, "\n%d cases and %d in %d replicates of the reserve, from %d frame units of %s; seed %d, frame %.12s, plan %.12s\n",
		main, all-main, d.Replicates, d.Frame.Units, d.Frame.File, d.Seed, d.Frame.Hash, d.Plan.Hash)
	for _, n := range d.Notes {
		con.say("note: %s", n)
	}
	if again := cmp.Or(c.Replay, c.Wave); again != "" {
		fmt.Fprintf(con.out, "%s: the same draw again, byte for byte\n", again)
	}
	return nil
}
