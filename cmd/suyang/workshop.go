package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// madeFiles is where reports that the desk made are kept. They can be made again, so they are
// in no backup.
const madeFiles = "made"

// openWorkshop opens what makes reports and releases for the desk.
func (st *station) openWorkshop(chromium string) (*making.Workshop, error) {
	cfg := making.DefaultConfig()
	cfg.Folder, cfg.Waves = filepath.Join(st.flags.State, madeFiles), st.flags.waves()
	cfg.Program, cfg.Chromium = programName(), chromium
	cfg.Estimate, cfg.WeightSets = st.estimate, st.store.WeightSets
	cfg.Release = func(ctx context.Context, o making.ReleaseOrder) (int, error) { return st.freeze(ctx, o, chromium) }
	cfg.Before = func(wave string) ([]report.Place, error) {
		silent := func(string, ...any) {} // the command tells of releases without a list
		return withheldBefore(silent, st.flags.releases(), wave, anyRelease)
	}
	return making.New(cfg)
}

// wave is a published wave.
func (st *station) wave(id string) (waves.Wave, error) {
	list := st.published().waves
	i := slices.IndexFunc(list, func(w waves.Wave) bool { return w.ID == id })
	if i < 0 {
		return waves.Wave{}, fmt.Errorf("no wave %q is published: %w", id, surveys.ErrNotFound)
	}
	return list[i], nil
}

// estimate computes the results of a wave, as “suyang report” does. How the cases stand is told
// before it is looked at from what is computed: what was approved a moment ago is no change on
// the way.
func (st *station) estimate(ctx context.Context, wave, weights string) (e making.Estimated, err error) {
	w, err := st.wave(wave)
	if err != nil {
		return e, err
	}
	r := &released{st: st, wave: w, weights: weights}
	if err := r.settle(ctx); err != nil {
		return e, err
	}
	if err := st.tellStandings(ctx, wave); err != nil {
		return e, err
	}
	e.Weights, e.At = r.weights, time.Now()
	d, err := st.store.Digests(ctx, wave, e.Weights)
	if err != nil {
		return e, err
	}
	if e.Results, err = making.Results(ctx, st.store, st.flags.waves(), w, e.Weights, assess.Options{Variance: assess.Variance{Method: assess.Taylor}}); err != nil {
		return e, err
	}
	after, err := st.store.Digests(ctx, wave, e.Weights)
	if err == nil && after != d {
		err = fmt.Errorf("%w: the cases or the weights of wave %s changed while the report was computed; make it again", surveys.ErrConflict, wave)
	}
	e.Data = making.Data{Interviews: e.Results.Responded, Questionnaire: w.Questionnaire.Version(), Sample: d.Sample, Standings: d.Standings, Weights: d.Weights}
	return e, err
}

// freeze makes a release, as “suyang release make” does.
func (st *station) freeze(ctx context.Context, o making.ReleaseOrder, chromium string) (int, error) {
	w, err := st.wave(o.Wave)
	if err != nil {
		return 0, err
	}
	c := &releaseMake{stateFlags: *st.flags, Wave: o.Wave, Corrects: o.Corrects, Reason: o.Reason, varianceFlags: varianceFlags{Variance: string(assess.Taylor), Seed: 1}}
	for _, l := range o.Languages {
		c.Lang = append(c.Lang, string(l))
	}
	for _, f := range o.Forms {
		c.Form = append(c.Form, string(f))
	}
	variance, err := c.variance()
	if err != nil {
		return 0, err
	}
	r := &released{st: st, say: func(format string, args ...any) {
		slog.Info("a release is being made", "said", fmt.Sprintf(format, args...))
	}, wave: w, weights: o.Weights, opt: assess.Options{Variance: variance}, chromium: chromium}
	for _, collector := range st.collectors {
		r.Collectors = append(r.Collectors, collector.Address())
	}
	if err := r.settle(ctx); err != nil {
		return 0, err
	}
	m, err := c.freeze(ctx, r)
	return m.Number, err
}
