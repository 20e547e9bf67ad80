package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Columns describe a sample, one element for each respondent.
type Columns struct {
	// Weight is how many people of the population a respondent stands for. A row of
	// weight zero is nobody: it only declares its PSU, one in which nobody responded.
	Weight []float64
	// Base is the weight of each row before raking; nil when the weights were not raked.
	Base []float64
	// Stratum names the stratum of each row; nil means one stratum.
	Stratum []string
	// PSU names the primary sampling unit within the stratum: the same label in two
	// strata is two PSUs. nil makes every row its own PSU.
	PSU []string
}

// Design is how a sample was drawn: its weights, strata and PSUs. It never changes.
type Design struct {
	settings Settings
	psus     []PSU
	layout   layout
	rows     int // of the columns
	// The people, PSU after PSU in the order of psus and within one as they came:
	// those of PSU i are start[i] to start[i+1].
	start  []int
	row    []int32 // where each stands in the columns; nil when they stand in this order
	weight []float64
	base   []float64 // by row of the columns; nil when not raked
}

// NewDesign checks the columns and copies what it needs of them. PSUs are put in the
// order of stratum and name, so that the order of rows does not matter.
func NewDesign(c Columns) (*Design, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	psus, code := c.units()
	d := &Design{psus: psus, layout: newLayout(psus), rows: len(c.Weight)}
	d.arrange(c.Weight, code)
	d.base = slices.Clone(c.Base)
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

// check lists every fault of the columns.
func (c Columns) check() error {
	n := len(c.Weight)
	if n == 0 {
		return errors.New("the sample is empty: Columns.Weight has no rows")
	}
	if n > math.MaxInt32 {
		return fmt.Errorf("the sample has %d rows; sum more than %d into Cells in the database", n, math.MaxInt32)
	}
	var faults []error
	if c.Stratum != nil && len(c.Stratum) != n {
		faults = append(faults, fmt.Errorf("%d strata for %d weights; give one stratum for each row, or none", len(c.Stratum), n))
	}
	if c.PSU != nil && len(c.PSU) != n {
		faults = append(faults, fmt.Errorf("%d PSUs for %d weights; give one PSU for each row, or none", len(c.PSU), n))
	}
	if c.Base != nil && len(c.Base) != n {
		faults = append(faults, fmt.Errorf("%d weights before raking for %d weights; give one for each row, or none", len(c.Base), n))
	} else if c.Base != nil {
		faults = append(faults, checkWeights(c.Base))
	}
	return errors.Join(append(faults, checkWeights(c.Weight))...)
}

// checkWeights names the first weight that is none.
func checkWeights(w []float64) error {
	var sum float64
	for i, x := range w {
		if !(x >= 0) || math.IsInf(x, 1) {
			return fmt.Errorf("the weight of row %d is %v; weights are finite and not negative, leave out rows without one", i, x)
		}
		sum += x
	}
	if sum == 0 {
		return errors.New("all weights are zero; nobody is in the sample")
	}
	return nil
}

// units lists the PSUs in order and gives each row the index of its own.
func (c Columns) units() ([]PSU, []int32) {
	code := make([]int32, len(c.Weight))
	if c.PSU == nil && c.Stratum == nil {
		return c.rowUnits(code)
	}
	index := make(map[PSU]int32)
	var psus []PSU
	last, lastCode := PSU{}, int32(-1)
	for i := range code {
		p := c.unit(i)
		if lastCode < 0 || p != last {
			k, known := index[p]
			if !known {
				k = int32(len(psus))
				index[p] = k
				psus = append(psus, p)
			}
			last, lastCode = p, k
		}
		code[i] = lastCode
	}
	return sortUnits(psus, code)
}

// rowUnits makes every row its own PSU of one stratum, in the order of rows.
func (c Columns) rowUnits(code []int32) ([]PSU, []int32) {
	psus := make([]PSU, len(code))
	for i := range code {
		psus[i] = c.unit(i)
		code[i] = int32(i)
	}
	return psus, code
}

// unit is the PSU of a row. Without labels the row's number is its name, written so
// that the order of names is that of rows.
func (c Columns) unit(i int) PSU {
	var p PSU
	if c.Stratum != nil {
		p.Stratum = c.Stratum[i]
	}
	if c.PSU != nil {
		p.Name = c.PSU[i]
	} else {
		p.Name = fmt.Sprintf("%010d", i)
	}
	return p
}

// sortUnits puts PSUs in order of stratum and name, and recodes the rows.
func sortUnits(psus []PSU, code []int32) ([]PSU, []int32) {
	byName := make([]int32, len(psus))
	for i := range byName {
		byName[i] = int32(i)
	}
	slices.SortFunc(byName, func(a, b int32) int {
		if c := strings.Compare(psus[a].Stratum, psus[b].Stratum); c != 0 {
			return c
		}
		return strings.Compare(psus[a].Name, psus[b].Name)
	})
	sorted := make([]PSU, len(psus))
	place := make([]int32, len(psus))
	for k, i := range byName {
		sorted[k] = psus[i]
		place[i] = int32(k)
	}
	for i, k := range code {
		code[i] = place[k]
	}
	return sorted, code
}

// arrange puts the rows of people in the order of their PSUs, by counting.
func (d *Design) arrange(w []float64, code []int32) {
	d.start = make([]int, len(d.psus)+1)
	inOrder := true
	for i, k := range code {
		if w[i] == 0 || i > 0 && k < code[i-1] {
			inOrder = false
		}
		if w[i] > 0 {
			d.start[k+1]++
		}
	}
	for k := range d.psus {
		d.start[k+1] += d.start[k]
	}
	if inOrder {
		d.weight = slices.Clone(w)
		return
	}
	n := d.start[len(d.psus)]
	d.row, d.weight = make([]int32, n), make([]float64, n)
	next := slices.Clone(d.start[:len(d.psus)])
	for i, k := range code {
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
