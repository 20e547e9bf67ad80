package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Columns describe a sample, one element for each respondent.
type Columns struct {
	// Weight is how many people of the population a respondent stands for. A row of
	// weight zero is nobody: it only declares its PSU, one in which nobody responded.
	// nil takes the product over all stages of N/n, or of the reciprocal chances.
	Weight []float64
	// Base is the weight of each row before raking; nil when the weights were not raked.
	Base []float64
	// Calibration says what the weights were raked or calibrated to; nil takes them as
	// given. Cells have their own Margins.
	Calibration *Calibration
	// Stratum names the stratum of each row; nil means one stratum.
	Stratum []string
	// PSU names the primary sampling unit within the stratum: the same label in two
	// strata is two PSUs. nil makes every row its own PSU.
	PSU []string
	// Population is the number of PSUs in the population of the row's stratum, and
	// Fraction the sampling fraction of PSUs there; see Stage, and give one or none.
	Population, Fraction []float64
	// Stages describe all stages of selection, the first one in place of Stratum, PSU,
	// Population and Fraction.
	Stages []Stage
	// UniqueUnits says that labels of PSUs are unique over all strata; one that is in
	// two strata is then an error.
	UniqueUnits bool
	// SecondPhase is a subsample that was drawn from the people of the columns; nil when
	// there is one phase.
	SecondPhase *SecondPhase
}

// Design is how a sample was drawn: its weights, strata and PSUs. It never changes.
type Design struct {
	settings Settings
	psus     []PSU
	layout   *layout
	rows     int // of the columns
	// The people, leaf after leaf of the layout (PSU after PSU in one stage) and within
	// one as they came: those of leaf i are leaf[i] to leaf[i+1], and those of PSU i are
	// start[i] to start[i+1].
	leaf, start []int
	row         []int32 // where each stands in the columns; nil when they stand in this order
	weight      []float64
	base        []float64   // by row of the columns; nil when not raked
	regression  *regression // nil when the weights are taken as given
}

// NewDesign checks the columns and copies what it needs of them. PSUs are put in the
// order of stratum and name, so that the order of rows does not matter.
func NewDesign(c Columns) (*Design, error) {
	stages, err := c.check()
	if err != nil {
		return nil, err
	}
	b := builder{columns: c, stages: stages, rows: c.rows()}
	if err := b.build(); err != nil {
		return nil, err
	}
	d := &Design{psus: b.psus, layout: b.layout, rows: b.rows, base: slices.Clone(c.Base)}
	d.arrange(b.weight, b.leaf)
	if err := d.calibrate(c.Calibration); err != nil {
		return nil, err
	}
	return d, nil
}

// WithSettings returns the same design with other settings.
func (d *Design) WithSettings(s Settings) *Design {
	other := *d
	other.settings = s
	return &other
}

// PSUs lists the primary sampling units of the design, by stratum and name.
func (d *Design) PSUs() []PSU { return slices.Clone(d.psus) }

// Strata is the number of strata.
func (d *Design) Strata() int { return len(d.layout.strata) }

// Rows is the number of rows the design was made from: the length of every column
// given to its methods.
func (d *Design) Rows() int { return d.rows }

// rows is the number of rows: the length of the first column there is.
func (c Columns) rows() int {
	if c.Weight != nil || len(c.Stages) == 0 {
		return max(len(c.Weight), len(c.Population), len(c.Fraction))
	}
	first := c.Stages[0]
	return max(len(first.Population), len(first.Fraction), len(first.Chance), len(first.Unit), len(first.PPS.Joint))
}

// Weights are the weights of the design, one for each row of the columns: zero for
// nobody, and for those who were not selected into a second phase.
func (d *Design) Weights() []float64 {
	w := make([]float64, d.rows)
	for place, x := range d.weight {
		w[d.rowAt(place)] = x
	}
	return w
}

// check lists every fault of the columns.
func (c Columns) check() ([]Stage, error) {
	n := c.rows()
	if n == 0 {
		return nil, errors.New("the sample is empty: Columns.Weight has no rows, nor have the Population, Fraction or Chance of Stages; give one of them for each row")
	}
	if n > math.MaxInt32 {
		return nil, fmt.Errorf("the sample has %d rows; sum more than %d into Cells in the database", n, math.MaxInt32)
	}
	stages, err := c.stages()
	if err != nil {
		return nil, err
	}
	var faults []error
	for i, s := range stages {
		faults = append(faults, s.check(i+1, len(stages), n))
	}
	if c.Base != nil && len(c.Base) != n {
		faults = append(faults, fmt.Errorf("%d weights before raking for %d weights; give one for each row, or none", len(c.Base), n))
	} else if c.Base != nil {
		faults = append(faults, checkWeights(c.Base))
	}
	if c.Weight != nil {
		faults = append(faults, checkWeights(c.Weight))
	}
	if c.SecondPhase != nil {
		faults = append(faults, c.SecondPhase.check(n))
	}
	if err := errors.Join(faults...); err != nil || c.Calibration == nil {
		return stages, err
	}
	return stages, c.checkCalibration(n)
}

// checkCalibration names what a calibration lacks, once the columns are of one length.
func (c Columns) checkCalibration(rows int) error {
	switch {
	case c.Weight == nil:
		return errors.New("the calibration needs the weights after it; give them in Columns.Weight")
	case c.SecondPhase != nil:
		return errors.New("weights of two phases cannot be calibrated yet; take the weights as given, without Columns.Calibration")
	}
	return c.Calibration.check(c.Weight, c.Base, rows)
}

// checkWeights names the first weight that is none.
func checkWeights(w []float64) error {
	var sum, squares float64
	for i, x := range w {
		if !(x >= 0) || math.IsInf(x, 1) {
			return rowError(i, "the weight of %s is %v; weights are finite and not negative, leave out rows without one", x)
		}
		sum += x
		squares += x * x
	}
	switch {
	case sum == 0:
		return errors.New("all weights are zero, so nobody is in the sample; give the weight of at least one row")
	case math.IsInf(squares, 1) || squares == 0:
		return fmt.Errorf("the squares of the weights add up to %v, as the weights are out of the range of numbers; multiply all by the same constant", squares)
	}
	return nil
}

// arrange puts the rows of people in the order of their leaves, by counting. leaf is
// that of each row.
func (d *Design) arrange(w []float64, leaf []int32) {
	leaves := d.layout.leaves()
	d.leaf = make([]int, leaves+1)
	inOrder := true
	for i, k := range leaf {
		if w[i] == 0 || i > 0 && k < leaf[i-1] {
			inOrder = false
		}
		if w[i] > 0 {
			d.leaf[k+1]++
		}
	}
	for k := range leaves {
		d.leaf[k+1] += d.leaf[k]
	}
	d.start = d.leaf
	if !d.layout.plain() {
		d.start = make([]int, len(d.layout.first))
		for psu, first := range d.layout.first {
			d.start[psu] = d.leaf[first]
		}
	}
	if inOrder {
		d.weight = slices.Clone(w)
		return
	}
	n := d.leaf[leaves]
	d.row, d.weight = make([]int32, n), make([]float64, n)
	next := slices.Clone(d.leaf[:leaves])
	for i, k := range leaf {
		if w[i] == 0 {
			continue
		}
		at := next[k]
		next[k]++
		d.row[at], d.weight[at] = int32(i), w[i]
	}
}

// rowAt is the row in the columns of the person at a place in the design's order.
func (d *Design) rowAt(place int) int {
	if d.row == nil {
		return place
	}
	return int(d.row[place])
}
