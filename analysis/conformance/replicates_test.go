package conformance

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/replicate"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// Designs with replicate weights. Jackknives are made; balanced and random replicates are
// imported, as the numbers are those of one matrix.

func init() {
	register("degf", func(r *run) error {
		e, err := r.sample.Count(nil)
		if err != nil {
			return err
		}
		r.check("degrees of freedom", e.DF, number(r.Estimate))
		return nil
	})
}

// An estimator is what a design and a sample with replicates have in common.
type estimator interface {
	Mean(y []float64, in []bool) (analysis.Estimate, error)
	Proportion(y []float64, in []bool) (analysis.Estimate, error)
	Total(y []float64, in []bool) (analysis.Estimate, error)
	Ratio(y, x []float64, in []bool) (analysis.Estimate, error)
	MeanTable(y []float64, in []bool, factors ...analysis.FactorColumn) (analysis.Table, error)
	TotalTable(y []float64, in []bool, factors ...analysis.FactorColumn) (analysis.Table, error)
	ProportionVector(f analysis.FactorColumn, in []bool) (analysis.Vector, error)
	Crosstab(rows, columns analysis.FactorColumn, in []bool) (*analysis.Crosstab, error)
	Fit(m analysis.Model, in []bool) (*analysis.Fit, error)
}

// from is what estimates straight from columns.
func (s *session) from() estimator {
	if s.sample != nil {
		return s.sample
	}
	return s.design
}

// replicate puts replicates on the design of the session.
func (s *session) replicate(a *archive, spec fields) error {
	var err error
	if s.set, err = s.newSet(a, spec); err != nil {
		return err
	}
	if strings.HasPrefix(spec.text("method"), "SDR") {
		// Its degrees of freedom are stated, also for domains: those of the design.
		s.design = s.design.WithSettings(analysis.Settings{DF: analysis.DFDesign})
	}
	centre := replicate.ReplicateMean
	if spec.truth("mse") {
		centre = replicate.FullSample
	}
	if s.set, err = s.set.Around(centre); err != nil {
		return err
	}
	s.sample, err = s.set.On(s.design)
	return err
}

// newSet makes or imports the replicates.
func (s *session) newSet(a *archive, spec fields) (*replicate.Set, error) {
	given := replicate.Given{Scale: spec.number("scale")}
	if list := spec.numbers("rscales"); len(list) > 1 {
		given.RScales = list
	}
	var err error
	switch method := spec.text("method"); {
	case method == "JK1":
		return replicate.JK1(s.design)
	case method == "JKn":
		return replicate.JKn(s.design)
	case method == "JK2":
		given.Scale = 1
		given.RowMultipliers, err = s.zones(spec.text("zone"), spec.text("half"))
	case spec.has("columns"):
		given.Weights, err = s.data.series(spec.text("columns"))
	case spec.has("weights_file"):
		given.Weights, err = a.replicates(spec.text("weights_file"))
	case spec.has("factors_by_row_file"):
		given.RowMultipliers, err = a.replicates(spec.text("factors_by_row_file"))
	case spec.has("factors_file"):
		psus := s.design.PSUs()
		given.DesignDF = float64(len(psus) - s.design.Strata())
		given.PSUMultipliers, err = a.replicatesOfPSUs(spec.text("factors_file"), psus)
	default:
		return nil, fmt.Errorf("%w: replicates by %q", errUnsupported, method)
	}
	if err != nil {
		return nil, err
	}
	return replicate.Import(s.design, given)
}

// series are the columns named by a pattern with the numbers 1, 2 and so on.
func (d table) series(pattern string) ([][]float64, error) {
	var columns [][]float64
	for r := 1; d.columns[fmt.Sprintf(pattern, r)] != nil; r++ {
		x, err := d.numbers(fmt.Sprintf(pattern, r))
		if err != nil {
			return nil, err
		}
		columns = append(columns, x)
	}
	return columns, nil
}

// replicates reads a file of replicates by row.
func (a *archive) replicates(name string) ([][]float64, error) {
	t, err := a.read(filepath.Join(a.oracles, "replicates", name))
	if err != nil {
		return nil, err
	}
	for column, texts := range t.columns {
		for i, x := range texts {
			t.columns[column][i] = strings.TrimSpace(x)
		}
	}
	return t.series("r%d")
}

// replicatesOfPSUs reads a file with stratum and PSU in front.
func (a *archive) replicatesOfPSUs(name string, psus []analysis.PSU) ([][]float64, error) {
	t, err := a.read(filepath.Join(a.oracles, "replicates", name))
	if err != nil {
		return nil, err
	}
	stratum, psu := t.columns["stratum"], t.columns["psu"]
	if stratum == nil {
		stratum, psu = t.columns["SDMVSTRA"], t.columns["SDMVPSU"]
	}
	place := make(map[analysis.PSU]int)
	for i := range stratum {
		place[analysis.PSU{Stratum: stratum[i], Name: psu[i]}] = i
	}
	columns, err := t.series("r%d")
	if err != nil {
		return nil, err
	}
	ordered := make([][]float64, len(columns))
	for r, c := range columns {
		for _, p := range psus {
			i, known := place[p]
			if !known {
				return nil, fmt.Errorf("%s: no PSU %v", name, p)
			}
			ordered[r] = append(ordered[r], c[i])
		}
	}
	return ordered, nil
}

// zones are the replicates of school assessments: in each zone the people of one half
// count twice and those of the other not at all.
func (s *session) zones(zone, half string) ([][]float64, error) {
	zones, err := s.data.numbers(zone)
	if err != nil {
		return nil, err
	}
	halves, err := s.data.numbers(half)
	if err != nil {
		return nil, err
	}
	columns := make([][]float64, int(slices.Max(zones)))
	for r := range columns {
		columns[r] = slices.Repeat([]float64{1}, len(zones))
		for i, z := range zones {
			if int(z) == r+1 {
				columns[r][i] = 2 * halves[i]
			}
		}
	}
	return columns, nil
}

// adjust rakes or calibrates every replicate.
func (s *session) adjust(spec designSpec) error {
	var err error
	if spec.Calibrate != nil {
		known, err := s.known(spec.Calibrate)
		if err != nil {
			return err
		}
		metric := weighting.Metric{Distance: weighting.Distance(spec.Calibrate.text("fun"))}
		s.sample, err = s.sample.Adjust(func(w []float64) ([]float64, error) {
			after, _, err := weighting.Calibrate(w, known, metric, weighting.Settings{})
			return after, err
		})
		s.auxiliary = true
		return err
	}
	for _, m := range spec.margins() {
		known, err := s.data.margin(m)
		if err != nil {
			return err
		}
		s.margins = append(s.margins, known)
	}
	s.sample, err = s.sample.Rake(s.margins, weighting.Settings{})
	return err
}

// replicated puts the replicates on cells; nil where cells cannot hold them.
func (s *session) replicated(cells *analysis.Cells) (*replicate.Cells, error) {
	if s.auxiliary || s.set.ByRow() {
		return nil, nil
	}
	c, err := s.set.OnCells(cells)
	if err != nil || s.margins == nil {
		return c, err
	}
	var margins []replicate.Margin
	for _, m := range s.margins {
		margins = append(margins, replicate.Margin{Factor: m.Name, Targets: m.Targets})
	}
	c, step, err := c.Rake(margins, weighting.Settings{})
	if err == nil && !step.Converged {
		err = errors.New("raking did not converge")
	}
	return c, err
}

// compareReplicated compares the estimate from rows and, where they can, from cells.
func (r *run) compareReplicated(y []float64, cells *analysis.Cells) error {
	if r.margins != nil {
		return r.compareRaked(y, cells)
	}
	if err := r.compareDirect(y); err != nil {
		return err
	}
	c, err := r.replicated(cells)
	if c == nil || err != nil {
		return err
	}
	estimate := c.Mean
	switch r.Estimator {
	case "total", "count":
		estimate = c.Total
	case "proportion":
		estimate = c.Proportion
	}
	e, err := estimate("y", inDomain)
	if err != nil {
		return err
	}
	r.compare(e)
	return r.compareDF(&cells.Settings, estimate)
}

// compareRaked compares raked replicates. R counts the rank of their weights as degrees of
// freedom, which raking can make larger than that of the design. So must we when the
// raked weights are imported as they are; when the raking is known they are those of
// the design.
func (r *run) compareRaked(y []float64, cells *analysis.Cells) error {
	given := replicate.Given{Scale: r.set.Scale(), RScales: r.set.RScales(), Centre: r.set.Centre()}
	for k := range r.set.Replicates() {
		w, err := r.sample.Weights(k)
		if err != nil {
			return err
		}
		given.Weights = append(given.Weights, w)
	}
	design, err := r.design.Reweighted(r.sample.FullWeights())
	if err != nil {
		return err
	}
	imported := *r
	session := *r.session
	imported.session = &session
	if session.set, err = replicate.Import(design, given); err != nil {
		return err
	}
	if session.sample, err = session.set.On(design); err != nil {
		return err
	}
	if err := imported.compareDirect(y); err != nil {
		return err
	}
	r.checks, r.worst, r.faults = imported.checks, imported.worst, imported.faults
	c, err := r.replicated(cells)
	if err != nil {
		return err
	}
	in, err := r.in(r.Case)
	if err != nil {
		return err
	}
	fromCells, fromRows := c.Mean, r.sample.Mean
	if r.Estimator == "total" {
		fromCells, fromRows = c.Total, r.sample.Total
	}
	e, err := fromCells("y", inDomain)
	if err != nil {
		return err
	}
	u, err := fromRows(y, in)
	if err != nil {
		return err
	}
	for _, e := range []analysis.Estimate{e, u} {
		r.check("estimate", e.Value, number(r.Estimate))
		r.compareSE(e.Value, e.SE, number(r.SE))
	}
	return nil
}

// intervalReplicated compares the interval of a proportion.
func (r *run) intervalReplicated(y []float64, in []bool, cells *analysis.Cells) error {
	sample, err := r.set.On(r.design.WithSettings(cells.Settings))
	if err != nil {
		return err
	}
	e, err := sample.Proportion(y, in)
	if err != nil {
		return err
	}
	r.compareInterval(e)
	c, err := r.replicated(cells)
	if c == nil || err != nil {
		return err
	}
	if e, err = c.Proportion("y", inDomain); err != nil {
		return err
	}
	r.compareInterval(e)
	return nil
}

// quantileReplicated compares a quantile: Woodruff's, or the spread of the replicates.
func (r *run) quantileReplicated(y []float64, in []bool, q analysis.QuantileSettings) error {
	p := r.Params.number("p")
	if r.Params.text("interval") != "replicate-quantile" {
		e, err := r.sample.Quantile(y, in, q, p)
		if err != nil {
			return err
		}
		r.compareQuantile(e)
		return nil
	}
	q.Interval = ""
	v, err := r.sample.Quantiles(y, in, q, p)
	if err != nil {
		return err
	}
	if math.IsNaN(v.Values[0]) {
		return errors.New("no quantile")
	}
	r.compareQuantile(v.Estimates[0])
	return nil
}
