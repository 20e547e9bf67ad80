package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/internal/weigh"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// weighCommand carries out a weighting plan.
type weighCommand struct {
	stateFlags
	Plan   string `arg:"" help:"The weighting plan: a YAML file, or a name of the library, such as civic-literacy, whose weights.yaml is taken."`
	Wave   string `required:"" help:"Name of the wave."`
	DryRun bool   `help:"Print the report of the weighting without storing the weights."`
	Format string `default:"text" enum:"text,json" help:"Form of the report: text or json."`
	Lang   string `default:"en" enum:"zh,en" help:"Language of the text: zh or en."`
}

// Run weighs, prints what was done, and stores the weights with the record of it. A
// weighting that fails prints the record of the steps it came to, and stores nothing.
func (c *weighCommand) Run(ctx context.Context, con *console) error {
	w, err := c.waves().Load(c.Wave)
	if err == nil {
		err = c.waves().CheckPublished(c.Wave)
	}
	if err != nil {
		return err
	}
	src, files, err := weightingPlan(c.Plan)
	if err != nil {
		return err
	}
	plan, err := weigh.ReadPlan(c.Plan, src, w.Questionnaire, w.Plan.Factors)
	if err != nil {
		return err
	}
	st, err := c.openStore(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	done, err := st.weigh(ctx, w, plan, files, !c.DryRun)
	if done.Record == nil {
		return err
	}
	return errors.Join(err, c.print(con, done, w))
}

// weighed is what became of a weighting.
type weighed struct {
	Schema string
	Wave   string
	// Weights is the name and version of the weights, empty when none are stored; Stored
	// says that they are new, and were not there already.
	Weights string `json:",omitempty"`
	Stored  bool
	Record  *assess.Weighting
}

// weigh carries out a plan and stores the weights if that is wanted.
func (st *station) weigh(ctx context.Context, w waves.Wave, plan *weigh.Plan, files fs.FS, store bool) (weighed, error) {
	done := weighed{Schema: "suyang.weighting.1", Wave: w.ID}
	if err := st.tellStandings(ctx, w.ID); err != nil {
		return done, err
	}
	weights, record, err := weigh.Run(ctx, st.store, weigh.Input{
		Wave: w.ID, Questionnaire: w.Questionnaire, Plan: plan, Files: files, Library: library.FS, Program: programName(),
	})
	done.Record = record
	if err != nil || !store {
		return done, err
	}
	if record.Version, done.Stored, err = st.store.PutWeights(ctx, w.ID, *record, weights); err != nil {
		return done, err
	}
	done.Weights = record.ID()
	return done, nil
}

// weightingPlan reads a plan of the library or from a file, with the folder of the
// tables it names.
func weightingPlan(name string) ([]byte, fs.FS, error) {
	if inLibrary(name) {
		folder, err := fs.Sub(library.FS, name)
		if err != nil {
			return nil, nil, err
		}
		src, err := library.File(name, "weights.yaml")
		return src, folder, err
	}
	src, err := os.ReadFile(name)
	return src, os.DirFS(filepath.Dir(name)), err
}

func (c *weighCommand) print(con *console, done weighed, w waves.Wave) error {
	if c.Format == "json" {
		e := json.NewEncoder(con.out)
		e.SetIndent("", "  ")
		return e.Encode(done)
	}
	if err := report.Weighting(con.out, done.Record, w.Plan, surveys.Lang(c.Lang)); err != nil {
		return err
	}
	con.say("%s", done.outcome())
	return nil
}

// outcome says in one sentence whether the weights are stored.
func (d weighed) outcome() string {
	switch {
	case d.Stored:
		return fmt.Sprintf("the weights are stored as %s", d.Weights)
	case d.Weights != "":
		return fmt.Sprintf("the same plan has given the same weights before; they are stored as %s, and nothing new is", d.Weights)
	}
	return "nothing is stored"
}
