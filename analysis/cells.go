package analysis

import (
	"fmt"
	"slices"
	"strings"
)

// A Factor is a classification of people with named levels, such as sex or city.
type Factor struct {
	ID     string
	Levels []string
}

// PSU is a primary sampling unit of the design, named within its stratum.
type PSU struct {
	Stratum, Name string
}

// Cells are sufficient statistics: sums by PSU and by every crossing of the
// factors that occurs. All estimators of this package work on them, so it does not
// matter whether they were summed in memory or by a database.
//
// The list of PSUs is the whole design: a PSU in which nobody belongs to a domain
// still counts there, as zero.
type Cells struct {
	PSUs      []PSU
	Factors   []Factor
	Variables []string
	Rows      []Cell
	Settings  Settings
	// Population is the number of PSUs in the population of each stratum, for the finite
	// population correction; strata that are not named were drawn with replacement.
	Population map[string]float64
	// Margins are set when the weights were raked: the factors whose crossing is each
	// margin. Variances then are those of the residuals on the margins, and Cell.Base is
	// needed. Empty, the weights are taken as given.
	Margins [][]string
	// Notes are facts about all the data, such as weights that did not converge; every
	// estimate carries them.
	Notes []Note
	// layout is that of the design which made the cells, when PSUs and Population do not
	// say all of it.
	layout *layout
	// prepared is set by Prepare.
	prepared *prepared
}

// Cell is what one PSU contributes to one crossing of factor levels.
type Cell struct {
	// PSU is an index into Cells.PSUs.
	PSU int
	// Unit is the unit that the sums belong to in cells made by a Design of several
	// stages or phases or of unequal chances; zero in all others.
	Unit int
	// Levels has one index for each factor into Factor.Levels; -1 is missing.
	Levels []int
	// N, W and W2 are the count, Σw and Σw² of all respondents of the cell.
	N     int
	W, W2 float64
	// Base is the sum of the weights before raking; only needed with Cells.Margins.
	Base float64
	// Sums has the statistics of each variable, over respondents with a value.
	Sums []Sum
	// Ones is how many respondents have the value 1 of each variable that is 0 or 1, of others
	// it means nothing; Largest and Second are the two largest weights of the respondents, 0
	// where there are fewer. Estimates do not need them; rules on what may be published do.
	// Ones is nil where nobody counted.
	Ones            []int
	Largest, Second float64
}

// Sum holds the statistics of one variable in one cell: the number of people with
// a value, Σw, Σw², Σwy and Σwy².
type Sum struct {
	N              int
	W, W2, WY, WY2 float64
}

// add returns the statistics of both groups of people together.
func (s Sum) add(t Sum) Sum {
	return Sum{s.N + t.N, s.W + t.W, s.W2 + t.W2, s.WY + t.WY, s.WY2 + t.WY2}
}

// scatter is Σw(y − ȳ)² around the mean of these people.
func (s Sum) scatter() float64 {
	if s.N < 2 {
		return 0
	}
	return max(s.WY2-s.WY*(s.WY/s.W), 0)
}

// Domain is a set of people to estimate for. It selects; the design stays whole.
// People are in the domain when each named factor has the given level; the empty
// domain is everybody.
type Domain map[string]string

// check finds the faults that would make a sum over the cells wrong or impossible.
func (c *Cells) check() error {
	known := make(map[PSU]bool, len(c.PSUs))
	for _, p := range c.PSUs {
		if known[p] {
			return fmt.Errorf("PSU %q of stratum %q is listed twice; list every PSU of the design once", p.Name, p.Stratum)
		}
		known[p] = true
	}
	for i, r := range c.Rows {
		switch {
		case c.layout != nil && (r.Unit < 0 || r.Unit >= c.layout.leaves()):
			return fmt.Errorf("cell %d belongs to unit %d of %d; take cells of several stages as the design made them", i, r.Unit, c.layout.leaves())
		case r.PSU < 0 || r.PSU >= len(c.PSUs):
			return fmt.Errorf("cell %d belongs to PSU %d of %d; list every PSU of the design in Cells.PSUs", i, r.PSU, len(c.PSUs))
		case len(r.Levels) != len(c.Factors):
			return fmt.Errorf("cell %d has %d levels for %d factors; give one for each factor, -1 for missing", i, len(r.Levels), len(c.Factors))
		case len(r.Sums) != len(c.Variables):
			return fmt.Errorf("cell %d has %d sums for %d variables; give one for each variable", i, len(r.Sums), len(c.Variables))
		}
		for f, l := range r.Levels {
			if l < -1 || l >= len(c.Factors[f].Levels) {
				return fmt.Errorf("cell %d has level %d of factor %q, which has %d levels", i, l, c.Factors[f].ID, len(c.Factors[f].Levels))
			}
		}
	}
	return nil
}

// variable finds a variable by name.
func (c *Cells) variable(name string) (int, error) {
	if i := slices.Index(c.Variables, name); i >= 0 {
		return i, nil
	}
	return 0, fmt.Errorf("no variable %q in the cells; there are: %s", name, strings.Join(c.Variables, ", "))
}

// factor finds a factor by its ID.
func (c *Cells) factor(id string) (int, error) {
	if i := slices.IndexFunc(c.Factors, func(f Factor) bool { return f.ID == id }); i >= 0 {
		return i, nil
	}
	ids := make([]string, len(c.Factors))
	for i, f := range c.Factors {
		ids[i] = f.ID
	}
	return 0, fmt.Errorf("no factor %q in the cells; there are: %s", id, strings.Join(ids, ", "))
}

// selection turns a domain into the level wanted of each factor, anyLevel where all
// are welcome.
func (c *Cells) selection(in Domain) ([]int, error) {
	want := make([]int, len(c.Factors))
	for f := range want {
		want[f] = anyLevel
	}
	for id, level := range in {
		f, err := c.factor(id)
		if err != nil {
			return nil, err
		}
		want[f] = slices.Index(c.Factors[f].Levels, level)
		if want[f] < 0 {
			return nil, fmt.Errorf("factor %q has no level %q; it has: %s", id, level, strings.Join(c.Factors[f].Levels, ", "))
		}
	}
	return want, nil
}

const anyLevel = -2

// matches says whether a cell with these levels is selected.
func matches(levels, want []int) bool {
	for f, l := range want {
		if l != anyLevel && levels[f] != l {
			return false
		}
	}
	return true
}
