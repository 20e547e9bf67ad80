package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
	"github.com/suyang-survey/suyang/surveys/library/divisions"
)

// frameCommand reads a frame, checks it and prepares it for a draw.
type frameCommand struct {
	File      string   `arg:"" help:"The frame, CSV or XLSX, a row for each village or residents' committee."`
	Plan      string   `help:"The plan of the draw, which says the vintage and how many households are taken in a village."`
	Vintage   string   `help:"The edition of the division codes, such as 2023; by default the plan's."`
	List      []string `help:"A code list that the codes must be in too, CSV, as of townships or villages." type:"path"`
	To        string   `help:"Bring the frame to this later vintage."`
	Crosswalk string   `help:"What became of divisions until then, CSV; its rows come before those of the program."`
	Undecided string   `help:"Where to write the units that cannot be brought to the later vintage, as a crosswalk to be filled in."`
	Take      int      `help:"How many households the draw takes in a village, with its reserve; by default what the plan says."`
	Most      int      `help:"The most households of a village that can be listed." default:"5000"`
	Proposal  string   `help:"Where to write which units may be merged or split, CSV."`
	Merge     string   `help:"Merge the units that this proposal says."`
	Remarks   string   `help:"Where to write all remarks, CSV."`
	Out       string   `short:"o" help:"Where to write the frame as it then is, CSV in UTF-8."`
}

// Run reads, checks, changes and writes the frame.
func (c *frameCommand) Run(con *console) error {
	rules, err := c.rules()
	if err != nil {
		return err
	}
	f, err := readFrame(con, c.File, c.Vintage)
	if err != nil {
		return f.CodeFaults(c.File, rules, err)
	}
	if c.To != "" {
		if f, err = c.move(f); err != nil {
			return err
		}
	}
	if c.Merge != "" {
		if f, err = c.merged(f); err != nil {
			return err
		}
	}
	remarks, err := f.Check(c.File, rules)
	if err != nil {
		return err
	}
	remarks = slices.Concat(f.Remarks, remarks)
	changes, stuck := f.Proposal(rules)
	if err := c.write(f, slices.Concat(remarks, stuck), changes); err != nil {
		return err
	}
	c.report(con, f, remarks, changes, stuck)
	return nil
}

// rules are what the frame is checked against; the plan fills in what no flag says.
func (c *frameCommand) rules() (fieldwork.FrameRules, error) {
	rules := fieldwork.FrameRules{Lists: divisions.Lists(), Most: c.Most}
	if c.Plan != "" {
		src, err := readDefinition(c.Plan)
		if err != nil {
			return rules, err
		}
		plan, err := fieldwork.ReadDrawPlan(c.Plan, src)
		if err != nil {
			return rules, err
		}
		if c.Vintage == "" {
			c.Vintage = plan.Vintage
		}
		if c.Take == 0 {
			c.Take = plan.Take()
		}
	}
	rules.Take = c.Take
	if c.Take < 0 || c.Most < 0 || c.Most > 0 && c.Most < c.Take {
		return rules, fmt.Errorf("%w: %d households are taken and at most %d listed; give 0 ≤ take ≤ most", surveys.ErrInvalid, c.Take, c.Most)
	}
	for _, out := range []string{c.Out, c.Proposal, c.Remarks, c.Undecided} {
		if out != "" && slices.Contains([]string{c.File, c.Merge, c.Plan, c.Crosswalk}, out) {
			return rules, fmt.Errorf("%w: %s would be written over; give another name", surveys.ErrConflict, out)
		}
	}
	for _, path := range c.List {
		l, err := opened(path, func(r io.Reader) (*geo.List, error) {
			return geo.Read(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), r)
		})
		if err != nil {
			return rules, err
		}
		rules.Own = append(rules.Own, l)
	}
	return rules, nil
}

// opened reads a file.
func opened[T any](path string, read func(io.Reader) (T, error)) (T, error) {
	f, err := os.Open(path)
	if err != nil {
		var none T
		return none, err
	}
	defer f.Close()
	return read(f)
}

// readFrame reads a frame and shows how far it is.
func readFrame(con *console, path, vintage string) (*fieldwork.Frame, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the frame is not there: %w", err)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > fieldwork.MaxFrameFile:
		return nil, fmt.Errorf("the frame %s is no file of at most %d MB: %w", path, fieldwork.MaxFrameFile>>20, surveys.ErrTooLarge)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	wait := con.patience("bytes of the frame")
	defer wait.finish()
	return fieldwork.ReadFrame(path, vintage, src, wait.step)
}

// move brings the frame to a later vintage.
func (c *frameCommand) move(f *fieldwork.Frame) (*fieldwork.Frame, error) {
	if c.Vintage == "" {
		return nil, fmt.Errorf("%w: the frame is to be brought to %s, but from where? Name the vintage of its codes with --vintage", surveys.ErrInvalid, c.To)
	}
	var walk *geo.Crosswalk
	for _, w := range divisions.Crosswalks() {
		if w.From == c.Vintage && w.To == c.To {
			walk = w
		}
	}
	if c.Crosswalk != "" {
		own, err := opened(c.Crosswalk, func(r io.Reader) (*geo.Crosswalk, error) { return geo.ReadCrosswalk(c.Vintage, c.To, r) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Crosswalk, err)
		}
		if walk != nil {
			own = walk.With(own)
		}
		walk = own
	}
	if walk == nil {
		return nil, fmt.Errorf("%w: the program has no crosswalk from %s to %s; give one with --crosswalk", surveys.ErrNotFound, c.Vintage, c.To)
	}
	moved, undecided, err := f.Move(c.File, walk)
	if len(undecided) > 0 && c.Undecided != "" {
		var text bytes.Buffer
		err = errors.Join(err, fieldwork.WriteUndecided(&text, undecided), os.WriteFile(c.Undecided, text.Bytes(), 0o644),
			fmt.Errorf("%s has all %d of them; fill in the column to and give the file with --crosswalk", c.Undecided, len(undecided)))
	}
	return moved, err
}

// merged applies a proposal.
func (c *frameCommand) merged(f *fieldwork.Frame) (*fieldwork.Frame, error) {
	changes, err := opened(c.Merge, func(r io.Reader) ([]fieldwork.Change, error) { return fieldwork.ReadChanges(c.Merge, r) })
	if err != nil {
		return nil, err
	}
	return f.Merge(c.Merge, changes)
}

// write writes the files that were asked for.
func (c *frameCommand) write(f *fieldwork.Frame, remarks []fieldwork.Remark, changes []fieldwork.Change) error {
	for _, file := range []struct {
		path  string
		write func(io.Writer) error
	}{
		{c.Remarks, func(w io.Writer) error { return fieldwork.WriteRemarks(w, remarks) }},
		{c.Proposal, func(w io.Writer) error { return fieldwork.WriteChanges(w, changes) }},
		{c.Out, f.Write},
	} {
		if file.path == "" {
			continue
		}
		var text bytes.Buffer
		if err := file.write(&text); err != nil {
			return err
		}
		if err := os.WriteFile(file.path, text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// report prints what the frame has, what is odd about it and what may be changed.
func (c *frameCommand) report(con *console, f *fieldwork.Frame, remarks []fieldwork.Remark, changes []fieldwork.Change, stuck []fieldwork.Remark) {
	lines := [][]string{{"city", "name", "class", "units", "households", "adults"}}
	var all fieldwork.FrameTotal
	name := namesOf(f.Vintage)
	for _, t := range f.Totals() {
		lines = append(lines, []string{t.City, name(t.City), t.Class, fmt.Sprint(t.Units), fmt.Sprint(t.Households), fmt.Sprint(t.Adults)})
		all.Units, all.Households, all.Adults = all.Units+t.Units, all.Households+t.Households, all.Adults+t.Adults
	}
	lines = append(lines, []string{"all", "", "", fmt.Sprint(all.Units), fmt.Sprint(all.Households), fmt.Sprint(all.Adults)})
	for _, column := range []string{"adults", "households"} { // one that the frame does not have is no 0
		if at := slices.Index(lines[0], column); !slices.Contains(f.Columns, column) {
			for i := range lines {
				lines[i] = slices.Delete(lines[i], at, at+1)
			}
		}
	}
	fmt.Fprint(con.out, aligned(lines))
	fmt.Fprintf(con.out, "\n%s: %d units, vintage %s, SHA-256 %s\n", c.File, all.Units, cmp.Or(f.Vintage, "not named"), f.Hash)
	if c.Out != "" {
		fmt.Fprintf(con.out, "%s has the frame as it is here; draw from that file\n", c.Out)
	}
	sayRemarks(con, remarks)
	merges, into, splits := 0, map[string]bool{}, 0
	for _, ch := range changes {
		if ch.Action == fieldwork.ActionSplit {
			splits++
			continue
		}
		merges, into[ch.Into] = merges+1, true
	}
	if len(changes) > 0 {
		con.say("proposal: merge %d units into %d, split %d", merges, len(into), splits)
	}
	sayRemarks(con, stuck)
}

// sayRemarks tells remarks with their first places.
func sayRemarks(con *console, remarks []fieldwork.Remark) {
	const some = 3
	for _, r := range remarks {
		if len(r.Places) == 0 {
			con.say("remark: %s", r.Text)
			continue
		}
		con.say("remark: %s: %d", r.Text, r.Count)
		for _, p := range r.Places[:min(some, len(r.Places))] {
			con.say("  row %d, column %s: %s", p.Row, p.Column, p.Text)
		}
		if more := r.Count - some; more > 0 {
			con.say("  and %d further rows", more)
		}
	}
}

// namesOf gives the names of cities in the lists of a vintage, as far as there are any.
func namesOf(vintage string) func(code string) string {
	lists := divisions.Lists()
	return func(code string) string {
		for _, l := range lists {
			if d, ok := l.Get(geo.Short(code)); ok && vintage != "" && strings.HasSuffix(l.ID, "-"+vintage) {
				return d.Name[surveys.ZH]
			}
		}
		return ""
	}
}
