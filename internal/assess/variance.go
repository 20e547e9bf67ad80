package assess

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/replicate"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/surveys"
)

// Variance says what standard errors and intervals are made from.
type Variance struct {
	// Method is Taylor when it is empty.
	Method VarianceMethod
	// Replicates is how many samples the bootstrap draws, at least 2; 1,000 are usual.
	// The jackknife has one for each PSU, whatever stands here.
	Replicates int
	// Seed is where the chance of the bootstrap comes from: the same seed gives the same
	// numbers.
	Seed uint64
}

// VarianceMethod is a way to a standard error.
type VarianceMethod string

// The methods. With replicates, the raking of the weights is repeated in every one of
// them; with Taylor, the residuals on its margins stand for it.
const (
	Taylor    VarianceMethod = "taylor"
	JKn       VarianceMethod = "jkn"       // leaves out one PSU after the other within its stratum
	Bootstrap VarianceMethod = "bootstrap" // Rao, Wu and Yue's, of PSUs within strata
)

// estimates are what the results are filled from: cells with either kind of variance.
type estimates interface {
	Mean(variable string, in analysis.Domain) (analysis.Estimate, error)
	Proportion(variable string, in analysis.Domain) (analysis.Estimate, error)
	ProportionTable(variable string, in analysis.Domain, factors ...string) (analysis.Table, error)
	MeanTable(variable string, in analysis.Domain, factors ...string) (analysis.Table, error)
}

// linearised says that there are no replicates.
func (v Variance) linearised() bool { return v.Method == "" || v.Method == Taylor }

// on puts the variance on cells, which may change, and returns it with the number of
// replicates there are. w is how the weights of the cells were calibrated; nil takes them
// as given. factors are those of the cells.
func (v Variance) on(c *analysis.Cells, factors []Factor, w *Weighting) (estimates, Variance, error) {
	var margins [][]string
	if w != nil {
		var err error
		if c, margins, err = w.margins(c, factors); err != nil {
			return nil, v, err
		}
	}
	if v.linearised() {
		c.Margins = margins
		return c, Variance{Method: Taylor}, c.Prepare()
	}
	set, err := v.set(c)
	if err != nil {
		return nil, v, fmt.Errorf("%w; or take the variance %s", err, Taylor)
	}
	v = Variance{Method: v.Method, Replicates: set.Replicates(), Seed: set.Seed()}
	if c.Settings.Interval == "" || c.Settings.Interval == analysis.IntervalLogit {
		// Log odds are infinite in replicates where nobody, or everybody, of a small group
		// has it, and leaving those out makes intervals short: with 600 interviews, those of
		// cities covered 88 % instead of 95 % of the time. The standard error of the
		// proportion has all replicates.
		c.Settings.Interval = analysis.IntervalXLogit
	}
	if w != nil {
		e, err := raked(set, c, w, margins)
		return e, v, err
	}
	e, err := set.OnCells(c)
	return e, v, err
}

// maxReplicates keeps a slip of the finger from filling the memory.
const maxReplicates = 100_000

// set makes the replicates.
func (v Variance) set(c *analysis.Cells) (*replicate.Set, error) {
	switch v.Method {
	case JKn:
		return replicate.JKn(c)
	case Bootstrap:
		if v.Replicates > maxReplicates {
			return nil, fmt.Errorf("%w: %d replicates are more than %d; 1,000 are usual", surveys.ErrInvalid, v.Replicates, maxReplicates)
		}
		return replicate.Bootstrap(c, v.Replicates, v.Seed)
	}
	return nil, fmt.Errorf("%w: there is no variance %q; use %s, %s or %s", surveys.ErrInvalid, v.Method, Taylor, JKn, Bootstrap)
}

// raked repeats a raking in every replicate. The weights of the cells are the raked ones:
// they differ from those before by a factor for each level of each margin, so that
// raking leads from both to the same weights, from these in fewer rounds.
func raked(set *replicate.Set, c *analysis.Cells, w *Weighting, margins [][]string) (*replicate.Cells, error) {
	raking := w.Steps[w.Calibrated]
	if raking.What != "rake" && raking.What != "post-stratify" {
		return nil, fmt.Errorf("%w: the weights were last made by %q, which replicates do not repeat; end with raking, or take the variance %s", surveys.ErrInvalid, raking.What, Taylor)
	}
	crossed, targets, err := withMargins(c, w, margins)
	if err != nil {
		return nil, err
	}
	e, err := set.OnCells(crossed)
	if err != nil {
		return nil, err
	}
	e, step, err := e.Rake(targets, weighting.Settings{})
	if err != nil {
		return nil, fmt.Errorf("repeat the raking in every replicate: %w; or take the variance %s, which draws no PSU again", err, Taylor)
	}
	if raking.Converged {
		if err := meets(step); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// sameShare is how far the shares of the weights may be from those of the margins that
// they were raked to: rounding, and the tolerance of the raking.
const sameShare = 1e-6

// meets says when the weights of the cells are not those that the raking made.
func meets(s weighting.Step) error {
	before, target := map[string]float64{}, map[string]float64{}
	for _, f := range s.Margins {
		before[f.Margin] += f.Before
		target[f.Margin] += f.Target
	}
	for _, f := range s.Margins {
		is, want := f.Before/before[f.Margin], f.Target/target[f.Margin]
		if math.Abs(is-want) > sameShare*want {
			return fmt.Errorf("%w: margin %q: the weights give %q a share of %v, the raking %v; weights or answers were changed after the raking, "+
				"which replicates cannot repeat; weigh again with the raking last, or take the variance %s", surveys.ErrInvalid, f.Margin, f.Level, is, want, Taylor)
		}
	}
	return nil
}

// withMargins returns the cells with one factor more for each margin that crosses
// several, and the margins as factors of these cells.
func withMargins(c *analysis.Cells, w *Weighting, margins [][]string) (*analysis.Cells, []replicate.Margin, error) {
	out := *c
	out.Factors, out.Rows = slices.Clone(c.Factors), slices.Clone(c.Rows)
	targets := map[string]map[string]float64{}
	for _, f := range w.Steps[w.Calibrated].Margins {
		if targets[f.Margin] == nil {
			targets[f.Margin] = map[string]float64{}
		}
		targets[f.Margin][f.Level] = f.Target
	}
	var list []replicate.Margin
	for k, factors := range margins {
		f, err := crossing(&out, factors)
		if err != nil {
			return nil, nil, err
		}
		m := replicate.Margin{Factor: f.ID}
		for _, level := range f.Levels {
			t, known := targets[w.Calibration[k].Name()][level]
			if !known {
				return nil, nil, fmt.Errorf("%w: margin %q: the weights were raked without the level %q; weigh again", surveys.ErrInvalid, f.ID, level)
			}
			m.Targets = append(m.Targets, t)
		}
		list = append(list, m)
	}
	return &out, list, nil
}

// crossing finds a factor of the cells or, of several, adds their crossing as a factor,
// whose levels are their codes joined with "/". Who lacks one level has none.
func crossing(c *analysis.Cells, factors []string) (analysis.Factor, error) {
	places := make([]int, len(factors))
	cross := analysis.Factor{ID: strings.Join(factors, "/")}
	for i, id := range factors {
		f := slices.IndexFunc(c.Factors, func(f analysis.Factor) bool { return f.ID == id })
		if f < 0 {
			return cross, fmt.Errorf("%w: margin %q: %q is no factor of the plan; weigh again", surveys.ErrInvalid, cross.ID, id)
		}
		if len(factors) == 1 {
			return c.Factors[f], nil
		}
		places[i] = f
		cross.Levels = crossed(cross.Levels, c.Factors[f].Levels)
	}
	c.Factors = append(c.Factors, cross)
	for i := range c.Rows {
		row := &c.Rows[i]
		level := 0
		for _, f := range places {
			if level >= 0 && row.Levels[f] >= 0 {
				level = level*len(c.Factors[f].Levels) + row.Levels[f]
			} else {
				level = -1
			}
		}
		row.Levels = append(slices.Clone(row.Levels), level)
	}
	return cross, nil
}

// crossed joins every code of the first list with every one of the second.
func crossed(first, second []string) []string {
	if len(first) == 0 {
		return second
	}
	var out []string
	for _, a := range first {
		for _, b := range second {
			out = append(out, a+"/"+b)
		}
	}
	return out
}
