package replicate

import (
	"fmt"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
)

// Given are replicates that came with the data. Exactly one of Weights, RowMultipliers
// and PSUMultipliers is set: for each replicate, one number for each row of the design
// or for each of its PSUs, in the order of Design.PSUs. They are kept, not copied; leave
// them as they are.
type Given struct {
	// Weights are whole weights by row.
	Weights [][]float64
	// RowMultipliers and PSUMultipliers multiply the weights of the design.
	RowMultipliers, PSUMultipliers [][]float64
	// Scale and RScales are those of the file; nil means 1 for every replicate.
	Scale   float64
	RScales []float64
	// Centre is FullSample unless the file says otherwise.
	Centre Centre
	// DesignDF is the degrees of freedom of the whole sample that the file states, or the
	// PSUs less the strata; zero when it is not known.
	DesignDF float64
}

// Import takes replicates from elsewhere, such as those of the American Community Survey
// (Scale 4/80), PISA (Fay's: 1/(80·0.5²)) or a jackknife with its RScales.
func Import(d *analysis.Design, g Given) (*Set, error) {
	if _, err := d.Selection(); err != nil {
		return nil, fmt.Errorf("replicates: %w", err)
	}
	columns, n, of, err := g.columns(d)
	if err != nil {
		return nil, err
	}
	if err := g.check(len(columns)); err != nil {
		return nil, err
	}
	if err := checkMultipliers(columns, n, of); err != nil {
		return nil, err
	}
	set := &Set{method: MethodImported, scale: g.Scale, rscales: slices.Clone(g.RScales), centre: g.Centre, designDF: math.NaN()}
	if set.rscales == nil {
		set.rscales = ones(len(columns))
	}
	if set.centre == "" {
		set.centre = FullSample
	}
	if g.DesignDF > 0 {
		set.designDF = g.DesignDF
	}
	if g.PSUMultipliers != nil {
		set.multipliers = psuTable(columns, n)
		return set, nil
	}
	m := &byRow{columns: columns, n: n}
	if g.Weights != nil {
		m.weight = d.Weights()
		if err := m.checkWeights(); err != nil {
			return nil, err
		}
	}
	set.multipliers = m
	return set, nil
}

// columns finds the numbers, and how many each replicate must have.
func (g Given) columns(d *analysis.Design) (columns [][]float64, n int, of string, err error) {
	given := 0
	for _, c := range []struct {
		columns [][]float64
		n       int
		of      string
	}{{g.Weights, d.Rows(), "row"}, {g.RowMultipliers, d.Rows(), "row"}, {g.PSUMultipliers, len(d.PSUs()), "PSU"}} {
		if c.columns != nil {
			given++
			columns, n, of = c.columns, c.n, c.of
		}
	}
	if given != 1 {
		return nil, 0, "", fmt.Errorf("replicates are given in %d ways; set one of Weights, RowMultipliers and PSUMultipliers", given)
	}
	return columns, n, of, nil
}

func (g Given) check(replicates int) error {
	switch {
	case replicates < 2:
		return fmt.Errorf("%d replicates have no spread; give two at least", replicates)
	case !(g.Scale > 0) || math.IsInf(g.Scale, 1):
		return fmt.Errorf("the scale of the replicates is %v; give that of the file, such as 1/R for balanced replicates", g.Scale)
	case g.RScales != nil && len(g.RScales) != replicates:
		return fmt.Errorf("%d rscales for %d replicates; give one for each, or none", len(g.RScales), replicates)
	case g.Centre != "" && g.Centre != FullSample && g.Centre != ReplicateMean:
		return fmt.Errorf("centre %q is unknown; use %s or %s", g.Centre, FullSample, ReplicateMean)
	case !(g.DesignDF >= 0):
		return fmt.Errorf("%v degrees of freedom are not possible; give a number above 0, or 0 when it is not known", g.DesignDF)
	}
	for r, x := range g.RScales {
		if !(x >= 0) || math.IsInf(x, 1) {
			return fmt.Errorf("the rscale of replicate %d is %v; it must not be negative", r, x)
		}
	}
	return nil
}

// checkMultipliers names the first number that is none.
func checkMultipliers(columns [][]float64, n int, of string) error {
	for r, c := range columns {
		if len(c) != n {
			return fmt.Errorf("replicate %d has %d numbers for %d of the design; give one for each %s", r, len(c), n, of)
		}
		for i, x := range c {
			if !(x >= 0) || math.IsInf(x, 1) {
				return fmt.Errorf("replicate %d has %v for %s %d; weights and multipliers are finite and not negative", r, x, of, i)
			}
		}
	}
	return nil
}

// psuTable stores multipliers of PSUs.
func psuTable(columns [][]float64, psus int) *table {
	t := newTable(psus, len(columns))
	for r, c := range columns {
		for u, x := range c {
			t.row(u)[r] = x
		}
	}
	return t
}

// byRow are multipliers of rows, as they came.
type byRow struct {
	columns [][]float64
	n       int
	weight  []float64 // what whole weights are divided by; nil for multipliers
}

func (b *byRow) units() int      { return b.n }
func (b *byRow) replicates() int { return len(b.columns) }

func (b *byRow) at(r, row int) float64 {
	x := b.columns[r][row]
	if b.weight != nil && x > 0 {
		return x / b.weight[row]
	}
	return x
}

func (b *byRow) block(into []float64, from, to int) {
	width := to - from
	for r := from; r < to; r++ {
		for row := range b.n {
			into[row*width+r-from] = b.at(r, row)
		}
	}
}

// checkWeights names a row that has a weight in a replicate only.
func (b *byRow) checkWeights() error {
	for r, c := range b.columns {
		for row, x := range c {
			if x > 0 && !(b.weight[row] > 0) {
				return fmt.Errorf("replicate %d gives row %d the weight %v, but its weight in the design is zero; give the weights that belong to the replicates", r, row, x)
			}
		}
	}
	return nil
}

func (b *byRow) rank(seen []bool) int {
	return rank(len(b.columns), func(yield func(row []float64) bool) {
		for i := range b.n {
			if !seen[i] {
				continue
			}
			row := make([]float64, len(b.columns)) // the weights as they came, as in R
			for r := range row {
				row[r] = b.columns[r][i]
			}
			if !yield(row) {
				return
			}
		}
	})
}
