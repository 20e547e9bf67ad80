package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Selection tells how the units of a sample were drawn, to methods that draw again from
// them, such as package replicate.
type Selection struct {
	PSUs   []PSU
	Strata []string
	// Stratum is that of each PSU, and Fraction the sampling fraction n/N of each stratum;
	// 0 when it is negligible.
	Stratum  []int
	Fraction []float64
	// Later are the later stages that matter to a variance: those below a stage of which a
	// fraction that is not negligible was drawn.
	Later []LaterSelection
	// Lone is the rule for strata with one PSU.
	Lone LonePSURule
}

// LaterSelection is a later stage of a Selection. Its units are in the order of those of
// the stage before.
type LaterSelection struct {
	// First is the first unit within each unit of the stage before, and their number.
	First []int
	// Stratum is that of each unit, a number of its own within each unit of the stage
	// before, and Fraction the sampling fraction of each stratum.
	Stratum  []int
	Fraction []float64
}

// Units is the number of the smallest units: PSUs, or those of the last stage that
// matters.
func (s Selection) Units() int {
	if len(s.Later) == 0 {
		return len(s.PSUs)
	}
	return len(s.Later[len(s.Later)-1].Stratum)
}

// Selection tells how the sample was drawn. It is an error for samples with unequal
// chances without replacement and for those of two phases.
func (d *Design) Selection() (Selection, error) {
	s := Selection{PSUs: slices.Clone(d.psus)}
	if d.regression != nil {
		return s, errors.New("the weights of the design are calibrated already; make it with the weights before, and calibrate the replicates")
	}
	return s, s.read(d.layout, d.settings)
}

// Selection tells how the sample was drawn whose sums the cells are.
func (c *Cells) Selection() (Selection, error) {
	s := Selection{PSUs: slices.Clone(c.PSUs)}
	if len(c.Margins) > 0 {
		return s, errors.New("the weights of the cells are raked already; sum the weights before, leave Cells.Margins empty, and rake the replicates")
	}
	if err := c.check(); err != nil {
		return s, err
	}
	l, err := c.frame()
	if err != nil {
		return s, err
	}
	return s, s.read(l, c.Settings)
}

func (s *Selection) read(l *layout, settings Settings) error {
	settings, err := settings.orDefault()
	if err != nil {
		return err
	}
	switch {
	case l.phase != nil:
		return errors.New("a sample of two phases cannot be drawn again by PSU; use the linearised variance")
	case l.chance != nil || l.joint != nil:
		return errors.New("PSUs with unequal chances without replacement cannot be drawn again; use the linearised variance, or leave Chance out to take them as drawn with replacement")
	}
	s.Lone, s.Strata, s.Stratum = settings.LonePSU, slices.Clone(l.strata), slices.Clone(l.stratum)
	s.Fraction = make([]float64, len(l.strata))
	copy(s.Fraction, l.fraction)
	for _, v := range l.within {
		if v.chance != nil {
			return fmt.Errorf("units of stage %d with unequal chances without replacement cannot be drawn again; use the linearised variance", v.stage)
		}
		later := LaterSelection{First: slices.Clone(v.first), Stratum: make([]int, len(v.stratum)), Fraction: make([]float64, len(v.size))}
		for u, h := range v.stratum {
			later.Stratum[u] = int(h)
		}
		copy(later.Fraction, v.fraction)
		s.Later = append(s.Later, later)
	}
	return nil
}

// Units is the smallest unit of each row, a number below Selection.Units, or −1 for
// rows of nobody.
func (d *Design) Units() []int {
	unit := slices.Repeat([]int{-1}, d.rows)
	for leaf := range d.layout.leaves() {
		for place := d.leaf[leaf]; place < d.leaf[leaf+1]; place++ {
			unit[d.rowAt(place)] = leaf
		}
	}
	return unit
}

// Units is the smallest unit of each row of the cells, a number below Selection.Units.
func (c *Cells) Units() []int {
	unit := make([]int, len(c.Rows))
	for i := range c.Rows {
		unit[i] = c.leafOf(&c.Rows[i])
	}
	return unit
}

// Settings are those of the design, with the defaults filled in.
func (d *Design) Settings() (Settings, error) { return d.settings.orDefault() }

// OrDefault fills the fields that were left out and checks the others.
func (s Settings) OrDefault() (Settings, error) { return s.orDefault() }

// Reweighted is the same sample with other weights, one for each row of the columns,
// which are taken as given. Rows of nobody stay so: their weight must be zero.
func (d *Design) Reweighted(w []float64) (*Design, error) {
	if len(w) != d.rows {
		return nil, fmt.Errorf("%d weights for %d rows of the design; give one for each row", len(w), d.rows)
	}
	if err := checkWeights(w); err != nil {
		return nil, err
	}
	leaf := make([]int32, d.rows)
	for row, u := range d.Units() {
		if u < 0 && w[row] > 0 {
			return nil, rowError(row, "the weight of %s is %v, but the row is of nobody in the design", w[row])
		}
		leaf[row] = int32(max(u, 0))
	}
	other := *d
	other.base, other.regression, other.row = nil, nil, nil
	other.arrange(w, leaf)
	return &other, nil
}

// Complete makes a whole estimate of a number whose standard error was found in another
// way, such as from replicates: e has Value, SE, DF, N, Weighted and what is known of
// the design effects. It gets the level, the interval value ± t·SE and the notes, before
// those that it has. kish is Kish's effect of the weights of its people.
func (s Settings) Complete(e Estimate, kish float64) (Estimate, error) {
	s, err := s.orDefault()
	if err != nil {
		return e, err
	}
	e = s.withFacts(e, kish)
	e.Lo, e.Hi = wald(e.Value, e.SE, e.Level, e.DF)
	return s.judgedQuantile(e), nil
}

// CompleteProportion is Complete for a proportion, with the interval of the settings.
// people is how many there are in the domain, with a value or without, and weighted
// the sum of their weights.
func (s Settings) CompleteProportion(e Estimate, kish float64, people int, weighted float64) (Estimate, error) {
	s, err := s.orDefault()
	if err != nil {
		return e, err
	}
	e = s.withFacts(e, kish)
	return s.proportion(e, e.t(), people, weighted), nil
}

// withFacts gives an estimate its level and the notes that hold for every kind.
func (s Settings) withFacts(e Estimate, kish float64) Estimate {
	own := e.Notes
	e.Level = s.Level
	if e.N == 0 {
		e.Notes = []Note{{Code: Empty}}
		return e
	}
	w2 := 0.0
	if !math.IsNaN(kish) {
		w2 = kish * e.Weighted * e.Weighted / float64(e.N)
	}
	e.Notes = append(sample{settings: s, all: Sum{N: e.N, W: e.Weighted, W2: w2}}.facts(e, facts{}), own...)
	return e
}
