package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/margins"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys/library"
)

// weighCommand rakes the weights of a wave.
type weighCommand struct {
	stateFlags
	Wave   string `arg:"" help:"Name of the wave."`
	Name   string `default:"raked" help:"Name of the new set of weights; a name is never used twice."`
	Census string `default:"330000" help:"Province whose 2020 census margins are used, as a six-digit code; margins of the plan come first."`
}

// Run weighs, stores the weights and prints what was done.
func (c *weighCommand) Run(ctx context.Context, con *console) error {
	w, err := c.waves().Load(c.Wave)
	if err != nil {
		return err
	}
	st, err := c.openStore(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	record, err := weigh(ctx, st, c.waves(), w, c.Name, c.Census)
	if err != nil {
		return err
	}
	printStep(con.out, record.Step)
	return nil
}

// weigh rakes the base weights of a wave to the margins of its plan, or else to the
// census, stores them under a name and keeps the record of it.
func weigh(ctx context.Context, st *station, folder waves.Folder, w waves.Wave, name, province string) (waves.Weighting, error) {
	targets, assumptions := w.Plan.Rake, []assess.Assumption(nil)
	if len(targets) == 0 {
		var err error
		if targets, assumptions, err = censusMargins(w.Plan, province); err != nil {
			return waves.Weighting{}, err
		}
	}
	query := assess.Query{Wave: w.ID, Questionnaire: w.Questionnaire, Factors: w.Plan.Factors}
	weights, step, err := assess.Weigh(ctx, st.store, query, targets)
	if err != nil {
		return waves.Weighting{}, err
	}
	record := waves.Weighting{Step: step, Assumptions: assumptions}
	if err := folder.SaveWeighting(w.ID, name, record); err != nil {
		return record, err
	}
	return record, st.store.PutWeights(ctx, w.ID, name, weights)
}

// totalsAgree is how far the totals of census margins may lie apart, relatively: some
// cities are rounded one by one.
const totalsAgree = 1e-6

// censusMargins returns the census's counts of sex by age group, cities, and urban and
// rural, each where the plan has the factors, and what they assume.
func censusMargins(p *assess.Plan, province string) ([]assess.Margin, []assess.Assumption, error) {
	census, err := margins.ReadCensus(library.FS, province)
	if err != nil {
		return nil, nil, err
	}
	var ms []margins.Margin
	var assumed []assess.Assumption
	for _, ids := range [][]string{{"sex", "age_group"}, {"city"}, {"residence"}} {
		var factors []assess.Factor
		for _, id := range ids {
			if f := p.Factor(id); f != nil {
				factors = append(factors, *f)
			}
		}
		if len(factors) == 0 {
			continue
		}
		m, as, err := census.Margin(factors, margins.Assumptions{})
		if err != nil {
			return nil, nil, err
		}
		ms = append(ms, m)
		for _, a := range as {
			if !slices.Contains(assumed, a) {
				assumed = append(assumed, a)
			}
		}
	}
	ms, changed, err := margins.Reconcile(ms, totalsAgree)
	if err != nil {
		return nil, nil, err
	}
	var targets []assess.Margin
	for _, m := range ms {
		targets = append(targets, assess.Margin{Factors: m.Factors, Targets: m.Targets})
	}
	return targets, append(assumed, changed...), nil
}

// printStep writes the record of a weighting step for people.
func printStep(out io.Writer, s weighting.Step) {
	outcome := "converged"
	if !s.Converged {
		outcome = "did NOT converge"
	}
	fmt.Fprintf(out, "%s: %d weights, %s after %d rounds; sum %.0f, smallest %.1f, median %.1f, largest %.1f\n",
		s.What, s.N, outcome, len(s.Rounds), s.Sum, s.Min, s.Median, s.Max)
	fmt.Fprintf(out, "effect of unequal weights (Kish): %.3f before, %.3f after\n", s.KishBefore, s.KishAfter)
	for _, m := range s.Margins {
		fmt.Fprintf(out, "  %-16s %-14s n %5d  target %12.0f  before %12.0f  after %12.0f\n", m.Margin, m.Level, m.N, m.Target, m.Before, m.After)
	}
}
