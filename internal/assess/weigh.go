package assess

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/surveys"
)

// Weigh rakes the base weights of a wave's respondents to margins of the population.
// The query's factors must hold those of the margins. It returns the new weight of
// each case and the record of what was done. Respondents without a score get no weight:
// they were found not to belong to the population that the margins count.
func Weigh(ctx context.Context, src Source, q Query, margins []Margin) (map[string]float64, weighting.Step, error) {
	fail := func(err error) (map[string]float64, weighting.Step, error) {
		return nil, weighting.Step{}, fmt.Errorf("weigh wave %q: %w", q.Wave, err)
	}
	units, err := src.Units(ctx, q)
	if err != nil {
		return fail(err)
	}
	units = slices.DeleteFunc(units, func(u Unit) bool { return !u.Scored })
	if len(units) == 0 {
		return fail(fmt.Errorf("%w: nobody has responded with a score", surveys.ErrInvalid))
	}
	base := make([]float64, len(units))
	for i, u := range units {
		base[i] = u.Base
	}
	raking := make([]weighting.Margin, len(margins))
	for i, m := range margins {
		if raking[i], err = m.of(units, q.Factors); err != nil {
			return fail(err)
		}
	}
	w, step, err := weighting.Rake(base, raking, weighting.Settings{})
	if err != nil {
		return fail(err)
	}
	weights := make(map[string]float64, len(units))
	for i, u := range units {
		weights[u.Case] = w[i]
	}
	return weights, step, nil
}

// of classifies the units by the margin.
func (m Margin) of(units []Unit, factors []Factor) (weighting.Margin, error) {
	places := make([]int, len(m.Factors))
	for i, id := range m.Factors {
		places[i] = slices.IndexFunc(factors, func(f Factor) bool { return f.ID == id })
		if places[i] < 0 {
			return weighting.Margin{}, fmt.Errorf("%w: margin %s: %q is no factor of the plan", surveys.ErrInvalid, m.Name(), id)
		}
	}
	p := Plan{Factors: factors}
	out := weighting.Margin{Name: m.Name(), Levels: p.crossing(m.Factors), Level: make([]int, len(units))}
	out.Targets = make([]float64, len(out.Levels))
	for i, code := range out.Levels {
		t, ok := m.Targets[code]
		if !ok {
			return out, fmt.Errorf("%w: margin %s has no count for the level %q; give one", surveys.ErrInvalid, m.Name(), code)
		}
		out.Targets[i] = t
	}
	return out, m.classify(units, factors, places, out.Level)
}

// classify gives each unit its level in the crossing of the factors at places.
func (m Margin) classify(units []Unit, factors []Factor, places, level []int) error {
	var missing []string
	for i, u := range units {
		for _, k := range places {
			if u.Levels[k] < 0 {
				missing = append(missing, u.Case)
				break
			}
			level[i] = level[i]*len(factors[k].Levels) + u.Levels[k]
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: %d of the respondents have no level of the margin %s, first case %s; "+
			"give their answers a level in the plan, or leave the margin out",
			surveys.ErrInvalid, len(missing), m.Name(), strings.Join(missing[:min(3, len(missing))], ", "))
	}
	return nil
}
