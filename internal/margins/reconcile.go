package margins

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// Difference is what a margin counts beside what an earlier one does: of everybody, or of
// a level of the factors they share.
type Difference struct {
	Margin, With string // the names, With being the earlier
	// Factors are those compared, Level their level codes joined with "/"; none for the
	// totals.
	Factors []string
	Level   string
	// Count is what Margin counts, Want what With does, in people.
	Count, Want float64
}

// Absolute returns by how many people they differ: Count − Want.
func (d Difference) Absolute() float64 { return d.Count - d.Want }

// Relative returns Absolute over Want; infinite where With counts nobody and Margin does.
func (d Difference) Relative() float64 {
	if d.Count == d.Want {
		return 0
	}
	return d.Absolute() / d.Want
}

func (d Difference) String() string {
	where := "in total"
	if d.Level != "" {
		where = fmt.Sprintf("of %s %q", strings.Join(d.Factors, "/"), d.Level)
	}
	return fmt.Sprintf("margin %q counts %s people %s, but margin %q counts %s: %+.10g people, %+.3g %%",
		d.Margin, count(d.Count), where, d.With, count(d.Want), d.Absolute(), 100*d.Relative())
}

// Compare says how far margins of one population agree: the total of each beside that of
// the first, then every level of the factors that it shares with each earlier margin,
// both brought to the total of the first. It fails where a margin is none, or where two
// have different levels of one factor.
func Compare(ms []Margin) ([]Difference, error) {
	if err := checkAll(ms); err != nil {
		return nil, err
	}
	var out []Difference
	var faults []error
	scaled := make([]Margin, len(ms))
	for j := range ms {
		d := totals(ms[j], ms[0])
		scaled[j] = ms[j].times(d.Want / d.Count)
		if j > 0 {
			out = append(out, d)
		}
		for i := range j {
			ds, err := shared(scaled[j], scaled[i])
			out = append(out, ds...)
			faults = append(faults, err)
		}
	}
	return out, errors.Join(faults...)
}

// Reconcile brings margins of one population into agreement. The first stays as it is;
// so does every later one that agrees. A margin whose total differs from that of the first
// by no more than the tolerance, relatively, is multiplied to that total; then, if it
// counts a level of a factor differently from an earlier margin, by no more than the
// tolerance, it is fitted to it by iterative proportions (Deming and Stephan 1940). Both
// come back as assumptions. Differences beyond the tolerance are errors, all at once; see
// Compare. Differences of 1e-12 are those of the arithmetic and change nothing.
func Reconcile(ms []Margin, tolerance float64) ([]Margin, []assess.Assumption, error) {
	if !(tolerance >= 0 && tolerance < 1) {
		return nil, nil, fmt.Errorf("%w: the tolerance between margins is %v; give a number from 0 to below 1, such as 0.001", surveys.ErrInvalid, tolerance)
	}
	if err := checkAll(ms); err != nil {
		return nil, nil, err
	}
	var out []Margin
	var assumed []assess.Assumption
	var faults []error
	for _, m := range ms {
		m, as, err := join(m, out, tolerance)
		if err != nil {
			faults = append(faults, err)
			continue // later margins are compared with those that agree
		}
		out, assumed = append(out, m), append(assumed, as...)
	}
	if len(faults) > 0 {
		return nil, nil, errors.Join(faults...)
	}
	return out, assumed, nil
}

// join makes a margin agree with earlier ones that agree with each other.
func join(m Margin, earlier []Margin, tolerance float64) (Margin, []assess.Assumption, error) {
	m = m.times(1)
	if len(earlier) == 0 {
		return m, nil, nil
	}
	var assumed []assess.Assumption
	d := totals(m, earlier[0])
	if math.Abs(d.Relative()) > tolerance+rounding {
		return m, nil, beyond(d, tolerance)
	}
	if math.Abs(d.Relative()) > rounding {
		m = m.times(d.Want / d.Count)
		assumed = append(assumed, assess.Assumption{Code: MarginScaled, Subject: m.Name, Value: d.Want/d.Count - 1})
	}
	var faults []error
	fit := false
	for _, e := range earlier {
		ds, err := shared(m, e)
		faults = append(faults, err)
		worst := 0.0
		for _, d := range ds {
			by := math.Abs(d.Relative())
			if by > tolerance+rounding {
				faults = append(faults, beyond(d, tolerance))
			}
			worst = max(worst, by)
		}
		if worst > rounding {
			fit = true
			assumed = append(assumed, assess.Assumption{Code: MarginFitted, Subject: m.Name, With: e.Name, Value: worst})
		}
	}
	if err := errors.Join(faults...); err != nil || !fit {
		return m, assumed, err
	}
	err := m.fit(earlier)
	return m, assumed, err
}

// maxFits limits the rounds of fitting. Most margins take a few; sparse ones more.
const maxFits = 1000

// fit multiplies the counts of m, in turn, such that each earlier margin's counts of the
// factors shared with it are met.
func (m Margin) fit(earlier []Margin) error {
	var worst Difference
	for range maxFits {
		worst = Difference{}
		for _, e := range earlier {
			ds, err := shared(m, e)
			if err != nil {
				return err
			}
			factor := map[string]float64{}
			for _, d := range ds {
				factor[d.Level] = 1
				if d.Count > 0 {
					factor[d.Level] = d.Want / d.Count
				}
				if math.Abs(d.Relative()) > math.Abs(worst.Relative()) {
					worst = d
				}
			}
			if len(ds) == 0 {
				continue
			}
			places := m.places(ds[0].Factors)
			for code := range m.Targets {
				m.Targets[code] *= factor[part(code, places)]
			}
		}
		if math.Abs(worst.Relative()) <= rounding {
			return nil
		}
	}
	return fmt.Errorf("%w: margin %q did not come to agree with all margins before it in %d rounds of fitting: %s; correct its counts or leave the margin out",
		surveys.ErrInvalid, m.Name, maxFits, worst)
}

func beyond(d Difference, tolerance float64) error {
	return fmt.Errorf("%w: %s; the tolerance is %.3g %%; take both from one population and year, correct the counts, or allow the difference by a wider tolerance",
		surveys.ErrInvalid, d, 100*tolerance)
}

func checkAll(ms []Margin) error {
	var faults []error
	for _, m := range ms {
		faults = append(faults, m.check())
	}
	return errors.Join(faults...)
}

// times returns the margin with its counts multiplied.
func (m Margin) times(x float64) Margin {
	m.Targets = maps.Clone(m.Targets)
	for code := range m.Targets {
		m.Targets[code] *= x
	}
	return m
}

func totals(m, with Margin) Difference {
	return Difference{Margin: m.Name, With: with.Name, Count: m.Total(), Want: with.Total()}
}

// shared compares the counts of the factors that two margins share, level by level.
func shared(m, with Margin) ([]Difference, error) {
	var factors []string
	for _, id := range with.Factors {
		if slices.Contains(m.Factors, id) {
			factors = append(factors, id)
		}
	}
	if len(factors) == 0 {
		return nil, nil
	}
	counts, wants := m.sums(factors), with.sums(factors)
	var out []Difference
	var faults []error
	for _, code := range slices.Sorted(maps.Keys(wants)) {
		n, ok := counts[code]
		if !ok {
			faults = append(faults, otherLevel(with, m, factors, code))
		}
		out = append(out, Difference{m.Name, with.Name, factors, code, n, wants[code]})
	}
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		if _, ok := wants[code]; !ok {
			faults = append(faults, otherLevel(m, with, factors, code))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return out, nil
}

func otherLevel(has, lacks Margin, factors []string, code string) error {
	return fmt.Errorf("%w: margin %q has the level %q of %s, but margin %q has not; give both the same levels",
		surveys.ErrInvalid, has.Name, code, strings.Join(factors, "/"), lacks.Name)
}

// sums adds up the counts over all other factors.
func (m Margin) sums(factors []string) map[string]float64 {
	places := m.places(factors)
	out := map[string]float64{}
	for _, code := range slices.Sorted(maps.Keys(m.Targets)) {
		out[part(code, places)] += m.Targets[code]
	}
	return out
}

// places says where the factors of m stand.
func (m Margin) places(factors []string) []int {
	places := make([]int, len(factors))
	for i, id := range factors {
		places[i] = slices.Index(m.Factors, id)
	}
	return places
}

// part returns the codes at places of joined codes.
func part(code string, places []int) string {
	all := strings.Split(code, "/")
	codes := make([]string, len(places))
	for i, k := range places {
		codes[i] = all[k]
	}
	return strings.Join(codes, "/")
}
