// Package making makes reports: it gathers what a report of a wave is computed from, lets it
// be computed, writes its forms, and keeps what was made for people at the desk. The commands
// and the desk make reports with the same functions.
//
// Results estimates a wave, Forms writes a report of the results. A Workshop does that for
// people who wait at a page: one thing at a time, beside the requests, so that taking in
// interviews never waits for it.
package making

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// Source has the interviews and the weights of waves.
type Source interface {
	assess.Source
	// Weighting reads the record of a set of weights, such as "raked", which is its latest
	// version, or "raked@2".
	Weighting(ctx context.Context, wave, id string) (*assess.Weighting, error)
}

// Results computes the results of a wave with a set of weights, or without a name with those
// of the sample. Series, criteria and targets are added to the options. The source must know
// how the cases stand. It is waves.ErrEdited when a file of the wave is not the one that was
// published.
func Results(ctx context.Context, src Source, folder waves.Folder, w waves.Wave, weights string, opt assess.Options) (*assess.Results, error) {
	opt.Wave = w.ID
	err := folder.CheckPublished(w.ID)
	if err != nil {
		return nil, err
	}
	if opt.References, opt.Criteria, err = PublishedRates(); err != nil {
		return nil, err
	}
	if opt.Targets, err = folder.Targets(w.ID, w.Questionnaire); err != nil {
		return nil, err
	}
	if weights != "" {
		if opt.Weighting, err = src.Weighting(ctx, w.ID, weights); err != nil {
			return nil, err
		}
	}
	r, err := assess.Assess(ctx, src, w.Questionnaire, w.Plan, opt)
	if err == nil {
		r.Year = w.Fieldwork.Year()
	}
	if err == nil && !slices.ContainsFunc(r.Headline, func(row assess.Row) bool { return row.Estimate.N > 0 }) {
		err = fmt.Errorf("wave %s has no interview that counts with a score, so there is nothing to report; interviews of cases at the desk count when they have passed their reviews: %w", w.ID, surveys.ErrInvalid)
	}
	return r, err
}

// PublishedRates are those of the library, and which criterion of theirs is that of a
// questionnaire.
func PublishedRates() ([]assess.Reference, []assess.SameCriterion, error) {
	series, err := fs.Sub(library.FS, "literacy-series")
	if err != nil {
		return nil, nil, err
	}
	return assess.ReadSeries(series)
}

// TargetElsewhere says that there is no rate for a target of a file.
func TargetElsewhere(t assess.Target, file string) string {
	return fmt.Sprintf("the target of %q in %d is of no area and no group of the plan, so the report says nothing of it; correct its code in %s, or plan the area or a table", t.Code, t.Year, file)
}
