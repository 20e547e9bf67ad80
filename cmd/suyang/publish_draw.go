package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/bank"
)

// sampleFlags say where the cases of a wave come from.
type sampleFlags struct {
	Sample  string `xor:"cases" help:"The sample file, CSV: case, stratum, psu, weight or p1, p2, …, and booklet if the questionnaire has booklets."`
	Desk    bool   `help:"The cases of the sample file are worked on at the desk, so only interviews that passed their reviews count."`
	Draw    string `xor:"cases" help:"The draw file that “suyang draw --out” wrote: its cases are worked on at the desk, with their booklets and the committed numbers of their households."`
	Release int    `help:"How many replicates of the draw's reserve are released, in their order; may be raised later."`
	Frame   string `help:"The frame of the draw, to draw it again first; by default the file that it names, beside it."`
}

// drawnSample is the sample of a wave about to be published.
type drawnSample struct {
	cases []fieldwork.Case
	file  []byte // the sample file
	draw  *fieldwork.Draw
	frame []byte // the file that was drawn from, nil when it is not at hand
}

// read reads the sample of a wave with a questionnaire; without any it is empty.
func (f *sampleFlags) read(con *console, q *surveys.Questionnaire) (s drawnSample, err error) {
	switch {
	case f.Draw != "":
		return f.fromDraw(con, q)
	case f.Release > 0 || f.Frame != "":
		return s, errors.New("--release and --frame belong to a draw; name it with --draw")
	case f.Sample == "" && f.Desk:
		return s, errors.New("--desk needs cases; name their file with --sample")
	case f.Sample == "":
		return s, nil
	}
	if s.file, err = os.ReadFile(f.Sample); err != nil {
		return s, err
	}
	if s.cases, err = fieldwork.ReadSample(f.Sample, bytes.NewReader(s.file)); err != nil {
		return s, err
	}
	return s, fieldwork.CheckBooklets(f.Sample, s.cases, q.Booklets)
}

// fromDraw takes the cases of a draw file. If its frame is at hand it is drawn again first.
func (f *sampleFlags) fromDraw(con *console, q *surveys.Questionnaire) (s drawnSample, err error) {
	if f.Desk {
		return s, errors.New("the cases of a draw are worked on at the desk anyway; leave --desk out")
	}
	again := drawCommand{Replay: f.Draw, Frame: f.Frame}
	if s.draw, err = again.again(con, "suyang "+version()); err == nil {
		s.frame, err = os.ReadFile(again.framePath(f.Draw, s.draw.Frame.File))
	}
	if errors.Is(err, fs.ErrNotExist) && f.Frame == "" {
		con.say("the frame of the draw is not beside it, so it was not drawn again; name the frame with --frame to have it proved")
		s.draw, err = readDraw(f.Draw)
	}
	if err != nil {
		return s, err
	}
	if s.cases, err = drawnCases(s.draw, f.Release, q.Booklets); err != nil {
		return s, err
	}
	var file bytes.Buffer
	err = fieldwork.WriteSample(&file, s.cases)
	s.file = file.Bytes()
	return s, err
}

// readDraw reads a draw file.
func readDraw(name string) (*fieldwork.Draw, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return fieldwork.ReadDraw(name, file)
}

// drawnCases are the cases released of a draw, with their booklets: those are given to all
// units of the draw, with its seed, so that a case has the same one whenever it is released.
func drawnCases(d *fieldwork.Draw, released int, booklets []surveys.Booklet) ([]fieldwork.Case, error) {
	cases, err := d.Cases(released)
	if err != nil || len(booklets) == 0 {
		return cases, err
	}
	units := make([]bank.Case, len(d.Units))
	for i, u := range d.Units {
		units[i] = bank.Case{ID: u.Case, Stratum: u.In}
	}
	given := make(map[string]string, len(units))
	for i, b := range bank.Allocate(uint64(d.Seed), units, booklets) {
		given[units[i].ID] = b
	}
	for _, c := range cases {
		c.Columns[fieldwork.ColumnBooklet] = given[c.ID]
	}
	return cases, nil
}

// putSample keeps the sample of a published wave where the pages, the desk and the
// estimates look for it. To do it again changes nothing.
func (st *station) putSample(ctx context.Context, wave string, s drawnSample, atDesk bool, released int) error {
	if len(s.cases) == 0 {
		return nil
	}
	if err := st.flags.waves().SaveSample(wave, s.file); err != nil {
		return err
	}
	if err := st.store.PutSample(ctx, wave, s.cases); err != nil {
		return err
	}
	switch {
	case s.draw != nil:
		return st.office.PutDraw(ctx, office.NewDraw{Wave: wave, Draw: s.draw, Released: released, Cases: s.cases, Frame: s.frame, By: commandLine, At: time.Now()})
	case atDesk:
		return st.office.AddCases(ctx, wave, s.cases, commandLine, time.Now())
	}
	return nil
}

// commandLine is who acts on the office from the command line.
const commandLine = "command line"
