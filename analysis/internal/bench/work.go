package main

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/internal/synthetic"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// A work is a row of the table.
type work struct {
	id, name string
	// bytes of the columns it reads, for each row: 8 for a number or a level, 16 for a
	// label, not counting the characters.
	bytes    int
	goal     time.Duration // for goalRows rows in order on 2 cores; 0 asks nothing
	goalRows int
	// goalPeak is the most bytes in use at once, for as many rows; 0 asks for a multiple of
	// the columns.
	goalPeak uint64
	timesR   float64 // how many times as fast as R it should be; 0 asks nothing
	// tolerance is the relative difference to R that rounding explains.
	tolerance float64
	// mostRows and rowsR are the most rows that it and R are given.
	mostRows, rowsR int
	// partsR says that R does one part of that many, on which it agrees with part.
	partsR int
	part   func(s *synthetic.Sample, d *analysis.Design) (answer, error)
	// inOrder works are only done on rows in the order of PSUs.
	inOrder bool
	// prepare does what is not timed.
	prepare func(s *synthetic.Sample, d *analysis.Design) (do, error)
}

// do is what is timed.
type do func() (answer, error)

// An answer is what a work found. Estimates of several groups or coefficients may have
// a covariance, NewDesign has a design, and raking has weights and the margins they meet.
type answer struct {
	estimates  []analysis.Estimate
	covariance *mat.SymDense
	design     *analysis.Design
	weights    []float64
	margins    []weighting.Margin
}

// Closed forms agree with R to 1e-8; a model to 1e-6, since R's svyglm stops iterating
// when the deviance has settled to 1e-8. Raking by R stops when the table changes by less
// than 1e-12 of its total; the factor of a small crossing is then right to 1e-8.
const (
	closed    = 1e-8
	iterative = 1e-6
)

const (
	million = 1_000_000
	anyRows = math.MaxInt
)

// works are the rows of the table. Of the columns, the weight counts for every work
// and those of the stratum and PSU for the design only, which keeps them as numbers.
var works = []work{
	{id: "mean", name: "mean with its standard error", bytes: 2 * 8, goal: 3 * time.Millisecond, goalRows: million,
		timesR: 50, tolerance: closed, mostRows: anyRows, rowsR: anyRows,
		prepare: direct(func(s *synthetic.Sample, d *analysis.Design) (answer, error) {
			e, err := d.Mean(s.Score, nil)
			return answer{estimates: []analysis.Estimate{e}}, err
		})},
	{id: "domains", name: "means of 120 domains, full covariance", bytes: 5 * 8, goal: 10 * time.Millisecond, goalRows: million,
		timesR: 1000, tolerance: closed, mostRows: anyRows, rowsR: anyRows,
		prepare: direct(func(s *synthetic.Sample, d *analysis.Design) (answer, error) {
			t, err := d.MeanTable(s.Score, nil, s.Domains()...)
			return answer{estimates: t.Estimates, covariance: t.Cov}, err
		})},
	{id: "quantiles", name: "medians of 120 domains", bytes: 5 * 8, goal: 15 * time.Millisecond, goalRows: million,
		tolerance: closed, mostRows: anyRows, rowsR: anyRows,
		prepare: direct(func(s *synthetic.Sample, d *analysis.Design) (answer, error) {
			groups, err := d.QuantileTable(s.Score, nil, analysis.QuantileSettings{}, 0.5, s.Domains()...)
			var a answer
			for _, g := range groups {
				a.estimates = append(a.estimates, g.Estimate)
			}
			return a, err
		})},
	{id: "logit", name: "logit, 8 factors", bytes: 10 * 8, goal: 60 * time.Millisecond, goalRows: million,
		timesR: 100, tolerance: iterative, mostRows: anyRows, rowsR: anyRows,
		prepare: direct(func(s *synthetic.Sample, d *analysis.Design) (answer, error) {
			return fit(d, s.Literate, s.Predictors())
		})},
	{id: "numeric", name: "logit, 8 factors and age", bytes: 11 * 8, goal: 400 * time.Millisecond, goalRows: million,
		tolerance: iterative, mostRows: anyRows, rowsR: anyRows,
		prepare: direct(func(s *synthetic.Sample, d *analysis.Design) (answer, error) {
			return fit(d, s.Literate, append([]analysis.Term{s.AgeTerm()}, s.Predictors()...))
		})},
	{id: "design", name: "NewDesign from columns", bytes: 8 + 2*16, goal: 60 * time.Millisecond, goalRows: million,
		tolerance: closed, mostRows: anyRows, rowsR: anyRows,
		prepare: direct(func(s *synthetic.Sample, _ *analysis.Design) (answer, error) {
			d, err := analysis.NewDesign(s.Columns)
			if err != nil {
				return answer{}, err
			}
			df := float64(len(d.PSUs()) - d.Strata())
			return answer{estimates: []analysis.Estimate{{Value: df}}, design: d}, nil
		})},
	{id: "rake", name: "rake 5 margins, from columns to weights", bytes: 6 * 8, goal: 60 * time.Millisecond, goalRows: 5 * million,
		tolerance: closed, mostRows: anyRows, rowsR: anyRows, prepare: rakeRows},
	{id: "rake-cells", name: "rake 5 margins, once the cells are there", bytes: 6 * 8,
		mostRows: anyRows, inOrder: true, prepare: rakeCells},
	// R holds n × 1,740 weights.
	{id: "jkn", name: "mean, 1,740 JKn replicates", bytes: 2 * 8,
		tolerance: closed, mostRows: anyRows, rowsR: 10_000,
		prepare: direct(func(s *synthetic.Sample, d *analysis.Design) (answer, error) {
			c, err := scores(s, d)
			if err != nil {
				return answer{}, err
			}
			return jackknife(c)
		})},
	{id: "jkn-cells", name: "mean, 1,740 JKn, once the cells are there", bytes: 2 * 8, goal: 10 * time.Millisecond, goalRows: million,
		mostRows: anyRows, inOrder: true,
		prepare: func(s *synthetic.Sample, d *analysis.Design) (do, error) {
			c, err := scores(s, d)
			return func() (answer, error) { return jackknife(c) }, err
		}},
	// R needs minutes and gigabytes for all replicates.
	{id: "bootstrap", name: "mean, 1,000 bootstraps, each raked", bytes: 7 * 8, goal: 10 * time.Second, goalRows: million, goalPeak: 1 << 30,
		tolerance: closed, mostRows: million, rowsR: 100_000, partsR: bootstraps / bootstrapsR, inOrder: true,
		part: func(s *synthetic.Sample, d *analysis.Design) (answer, error) { return bootstrap(s, d, bootstrapsR) },
		prepare: direct(func(s *synthetic.Sample, d *analysis.Design) (answer, error) {
			return bootstrap(s, d, bootstraps)
		})},
}

// direct is a work without preparation.
func direct(of func(s *synthetic.Sample, d *analysis.Design) (answer, error)) func(*synthetic.Sample, *analysis.Design) (do, error) {
	return func(s *synthetic.Sample, d *analysis.Design) (do, error) {
		return func() (answer, error) { return of(s, d) }, nil
	}
}

func fit(d *analysis.Design, outcome []float64, terms []analysis.Term) (answer, error) {
	f, err := d.Fit(analysis.Model{Outcome: outcome, Terms: terms, Family: analysis.Binomial}, nil)
	if err != nil {
		return answer{}, err
	}
	return answer{estimates: f.Estimates, covariance: f.Cov}, nil
}

// bits is a digest of every number of the answer, equal only if all bits are.
func (a answer) bits() [sha256.Size]byte {
	h := sha256.New()
	var b [8]byte
	put := func(numbers ...float64) {
		for _, x := range numbers {
			binary.LittleEndian.PutUint64(b[:], math.Float64bits(x))
			h.Write(b[:])
		}
	}
	for _, e := range a.estimates {
		put(e.Value, e.SE, e.Lo, e.Hi, e.Level, e.DF, float64(e.N), e.Weighted, e.DEff, e.DEffWOR)
	}
	if a.covariance != nil {
		put(a.covariance.RawSymmetric().Data...)
	}
	if a.design != nil {
		for _, p := range a.design.PSUs() {
			h.Write([]byte(p.Stratum + "\x00" + p.Name + "\x00"))
		}
		put(a.design.Weights()...)
	}
	put(a.weights...)
	return [sha256.Size]byte(h.Sum(nil))
}
