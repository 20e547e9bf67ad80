package assess

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/replicate"
	"github.com/suyang-survey/suyang/surveys"
)

// WeightSource is a source that also lists the weights of cases.
type WeightSource interface {
	Source
	// CaseWeights lists a set of weights of a wave by its name and version.
	CaseWeights(ctx context.Context, wave, id string) ([]CaseWeight, error)
}

// ReplicateScale is what replicate weights need beside them for a variance,
// Scale Σ_r RScales_r (θ_r − centre)².
type ReplicateScale struct {
	Replicates int
	Scale      float64
	RScales    []float64
	Centre     replicate.Centre
}

// WriteWeights writes the weights of a wave as CSV for other programs: one line for each
// case that has a weight, with its stratum, its PSU and, when the variance of the options
// is one of replicates, its weight in each of them, in which the last raking is repeated.
// The numbers have full precision. Weights are made and written line by line; what is
// held is one number for each PSU and replicate, and for each crossing of the margins and
// replicate. Without replicates the scale is empty.
func WriteWeights(ctx context.Context, src WeightSource, q *surveys.Questionnaire, plan *Plan, opt Options, out io.Writer) (ReplicateScale, error) {
	var scale ReplicateScale
	if opt.Weighting == nil {
		return scale, fmt.Errorf("%w: there are no weights to write; name a set", surveys.ErrInvalid)
	}
	query := opt.calibration(q, plan)
	units, err := weighted(ctx, src, query)
	if err != nil {
		return scale, err
	}
	w := weightWriter{csv: csv.NewWriter(out)}
	if opt.Variance.linearised() {
		w.header(0)
		for _, u := range units {
			w.line(u, nil)
		}
		return scale, w.finish()
	}
	c, err := src.Cells(ctx, query)
	if err != nil {
		return scale, fmt.Errorf("sum the responses of wave %q: %w", opt.Wave, err)
	}
	s, err := opt.on(c, query.Factors, nil)
	if err != nil {
		return scale, err
	}
	cells := s.estimates.(*replicate.Cells)
	set := cells.Set()
	scale = ReplicateScale{Replicates: set.Replicates(), Scale: set.Scale(), RScales: set.RScales(), Centre: set.Centre()}
	of, err := byCell(units, s.cells, len(query.Factors))
	if err != nil {
		return scale, err
	}
	w.header(scale.Replicates)
	for row, multipliers := range cells.Multipliers() {
		if err := ctx.Err(); err != nil {
			return scale, err
		}
		for _, u := range of[row] {
			w.line(u, multipliers)
		}
	}
	return scale, w.finish()
}

// calibration asks for the cells by the factors of the calibration alone.
func (o Options) calibration(q *surveys.Questionnaire, plan *Plan) Query {
	query := Query{Wave: o.Wave, Questionnaire: q, Weights: o.Weighting.ID(), Unweighted: o.Weighting.Unweighted}
	known := slices.Concat(plan.Factors, o.Weighting.calibrationFactors())
	for _, id := range o.baseFactors(&Plan{}) {
		if k := slices.IndexFunc(known, func(f Factor) bool { return f.ID == id }); k >= 0 {
			query.Factors = append(query.Factors, known[k])
		}
	}
	return query
}

// A weightedUnit is a case with its weight.
type weightedUnit struct {
	Unit
	weight float64
}

// weighted lists the cases that have a weight, by case.
func weighted(ctx context.Context, src WeightSource, query Query) ([]weightedUnit, error) {
	weights, err := src.CaseWeights(ctx, query.Wave, query.Weights)
	if err != nil {
		return nil, err
	}
	by := make(map[string]float64, len(weights))
	for _, w := range weights {
		by[w.Case] = w.Weight
	}
	units, err := src.Units(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list the cases of wave %q: %w", query.Wave, err)
	}
	var list []weightedUnit
	for _, u := range units {
		if w := by[u.Case]; w > 0 && u.Responded {
			list = append(list, weightedUnit{u, w})
		}
	}
	slices.SortFunc(list, func(a, b weightedUnit) int { return cmp.Compare(a.Case, b.Case) })
	return list, nil
}

// byCell finds the units of every row of the cells. factors is how many levels a unit has;
// the cells may have further ones, made of these.
func byCell(units []weightedUnit, c *analysis.Cells, factors int) ([][]weightedUnit, error) {
	type key struct{ stratum, psu, levels string }
	place := make(map[key]int, len(c.Rows))
	levels := func(l []int) string {
		var b []byte
		for _, x := range l[:factors] {
			b = binary.AppendVarint(b, int64(x))
		}
		return string(b)
	}
	for i, r := range c.Rows {
		p := c.PSUs[r.PSU]
		place[key{p.Stratum, p.Name, levels(r.Levels)}] = i
	}
	of := make([][]weightedUnit, len(c.Rows))
	for _, u := range units {
		i, known := place[key{u.Stratum, u.PSU, levels(u.Levels)}]
		if !known {
			return nil, fmt.Errorf("case %q: its answers changed meanwhile; ask again", u.Case)
		}
		of[i] = append(of[i], u)
	}
	return of, nil
}

// A weightWriter writes lines of weights.
type weightWriter struct {
	csv    *csv.Writer
	fields []string
}

func (w *weightWriter) header(replicates int) {
	w.fields = append(w.fields[:0], "case", "stratum", "psu", "weight")
	for r := range replicates {
		w.fields = append(w.fields, "r"+strconv.Itoa(r+1))
	}
	w.csv.Write(w.fields) // an error stays until Flush
}

func (w *weightWriter) line(u weightedUnit, multipliers []float64) {
	w.fields = append(w.fields[:0], u.Case, u.Stratum, u.PSU, strconv.FormatFloat(u.weight, 'g', -1, 64))
	for _, m := range multipliers {
		w.fields = append(w.fields, strconv.FormatFloat(u.weight*m, 'g', -1, 64))
	}
	w.csv.Write(w.fields)
}

func (w *weightWriter) finish() error {
	w.csv.Flush()
	return w.csv.Error()
}
