package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/bank"
	"github.com/suyang-survey/suyang/surveys/library"
)

// publishCommand freezes a wave, or a further version of its questionnaire.
type publishCommand struct {
	stateFlags
	Wave          string `arg:"" help:"Name of the wave, such as zj-2026."`
	Questionnaire string `default:"civic-literacy" help:"A questionnaire of the library, or the path of a YAML file."`
	Plan          string `help:"The plan of the analysis: a YAML file, or the name of a plan of the library, such as civic-literacy-guangdong; by default plan.yaml beside the questionnaire."`
	Targets       string `help:"The targets that the report is held against, a YAML file; by default targets.yaml beside a questionnaire that is a file, where there is one and the wave has none yet. May be published anew at any time."`
	First         string `name:"from" help:"The first day of the fieldwork, as 2026-06-01; the desk holds the progress against it. May be planned anew."`
	Last          string `name:"to" help:"The last day of the fieldwork."`
	LinksOnly     bool   `help:"Let the wave be answered through personal and open links only, not at its own address."`
	sampleFlags
}

// Run publishes the wave and stores its sample.
func (c *publishCommand) Run(ctx context.Context, con *console) error {
	q, plan, err := definitionOf(c.Questionnaire, c.Plan)
	if err != nil {
		return err
	}
	if err := servable(con, c.Questionnaire, q, time.Now()); err != nil {
		return err
	}
	p, err := c.readPlan(c.Wave, planPath(c.Questionnaire, c.Plan), plan, q)
	if err != nil {
		return err
	}
	targets, err := c.readTargets(con, p, q)
	if err != nil {
		return err
	}
	period, err := c.period()
	if err != nil {
		return err
	}
	sample, err := c.read(con, q)
	if err != nil {
		return err
	}
	if len(sample.cases) > 0 {
		if err := classified(p, sample.cases); err != nil {
			return err
		}
	}
	if err := c.make(); err != nil {
		return err
	}
	if !inLibrary(c.Questionnaire) {
		if err := c.keepLists(q, filepath.Dir(c.Questionnaire)); err != nil {
			return err
		}
	}
	w, err := c.waves().Publish(c.Wave, q, plan)
	if err != nil {
		return err
	}
	if targets != nil {
		if err := c.waves().SaveTargets(c.Wave, targets); err != nil {
			return err
		}
	}
	if len(sample.cases) > 0 {
		st, err := c.openStore(ctx)
		if err != nil {
			return err
		}
		defer st.Close()
		if err := st.putSample(ctx, c.Wave, sample, c.Desk, c.Release); err != nil {
			return err
		}
	}
	if period != (waves.Period{}) {
		if err := c.waves().SetFieldwork(c.Wave, period); err != nil {
			return err
		}
	}
	if c.LinksOnly {
		if err := c.waves().SetLinksOnly(c.Wave); err != nil {
			return err
		}
	}
	fmt.Fprintf(con.out, "wave %s is published: %s, version %s, %d cases\n", w.ID, q.ID, q.Version(), len(sample.cases))
	if n := len(w.Earlier); n > 0 {
		fmt.Fprintf(con.out, "interviews under way finish on the %d earlier version(s); new ones get this one\n", n)
	}
	return nil
}

// readTargets reads the file of the targets, nil without one, and tells of targets that the
// report will have no rate for.
func (c *publishCommand) readTargets(con *console, p *assess.Plan, q *surveys.Questionnaire) ([]byte, error) {
	name := c.Targets
	if name == "" {
		kept, err := c.waves().HasTargets(c.Wave)
		if err != nil || kept || inLibrary(c.Questionnaire) {
			return nil, err
		}
		name = filepath.Join(filepath.Dir(c.Questionnaire), waves.TargetsFile)
	}
	src, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && c.Targets == "" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the targets: %w", err)
	}
	targets, err := assess.ReadTargets(name, src, q)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		if !p.HasRate(t.Code) {
			con.say("%s", making.TargetElsewhere(t, name))
		}
	}
	return src, nil
}

// planName is the file with the plan of the analysis, beside the questionnaire.
const planName = "plan.yaml"

// planPath is where the plan of a questionnaire stands, for its faults: the file that is named,
// that beside the questionnaire, or one of the library.
func planPath(questionnaire, plan string) string {
	if inLibrary(questionnaire) {
		return cmp.Or(plan, questionnaire+"/"+planName)
	}
	return cmp.Or(plan, filepath.Join(filepath.Dir(questionnaire), planName))
}

// readPlan reads the plan of the analysis. A published plan does not change, so what the report
// would only find after the fieldwork is looked for now: the published rates it compares with.
func (f *stateFlags) readPlan(wave, name string, src []byte, q *surveys.Questionnaire) (*assess.Plan, error) {
	p, err := f.waves().ReadPlan(wave, name, src, q)
	if err != nil {
		return nil, err
	}
	rates, _, err := making.PublishedRates()
	if err == nil {
		err = p.Published(rates)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// classified wants a level for some case in every factor that the plan takes from the sample:
// otherwise it would show only after the fieldwork that nobody is classified.
func classified(p *assess.Plan, cases []fieldwork.Case) error {
	for _, f := range p.Factors {
		if f.Sample == "" || slices.ContainsFunc(cases, func(c fieldwork.Case) bool { return f.Level(c.Columns[f.Sample]) >= 0 }) {
			continue
		}
		return fmt.Errorf("%w: the plan classifies by the column %q of the sample (factor %q), but no case has one of its values there; "+
			"add the column to the sample file, or to “columns” of the plan of the draw, or correct the factor", surveys.ErrInvalid, f.Sample, f.ID)
	}
	return nil
}

// period reads the days of the fieldwork; zero when none are given.
func (c *publishCommand) period() (p waves.Period, err error) {
	if c.First == "" && c.Last == "" {
		return p, nil
	}
	if p.First, err = time.ParseInLocation(time.DateOnly, c.First, surveys.ChinaTime); err == nil {
		p.Last, err = time.ParseInLocation(time.DateOnly, c.Last, surveys.ChinaTime)
	}
	if err != nil {
		return p, fmt.Errorf("the fieldwork is from %q to %q: write both days as 2026-06-01: %w", c.First, c.Last, surveys.ErrInvalid)
	}
	return p, nil
}

// inLibrary reports whether a name can only be that of a questionnaire in the
// library: it has no slash and no ending.
func inLibrary(name string) bool { return !strings.ContainsAny(name, `/\.`) }

// questionnaireOf reads a questionnaire of the library or from a file.
func questionnaireOf(name string) (*surveys.Questionnaire, error) {
	if inLibrary(name) {
		return library.Read(name)
	}
	return bank.ReadFile(name)
}

// definitionOf reads a questionnaire of the library or from a file, with its plan.
func definitionOf(name, plan string) (*surveys.Questionnaire, []byte, error) {
	q, err := questionnaireOf(name)
	if err != nil {
		return nil, nil, err
	}
	if plan == "" && inLibrary(name) {
		plan = name
	}
	if plan != "" && inLibrary(plan) {
		src, err := library.File(plan, planName)
		return q, src, err
	}
	if plan == "" {
		plan = filepath.Join(filepath.Dir(name), planName)
	}
	src, err := os.ReadFile(plan)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("there is no plan of the analysis, %s; write one beside the questionnaire, or name it with --plan", plan)
	}
	return q, src, err
}

// closeCommand ends a wave.
type closeCommand struct {
	stateFlags
	Wave string `arg:"" help:"Name of the wave."`
}

// Run closes the wave.
func (c *closeCommand) Run(con *console) error {
	if err := c.waves().Close(c.Wave); err != nil {
		return err
	}
	fmt.Fprintf(con.out, "wave %s is closed\n", c.Wave)
	return nil
}
