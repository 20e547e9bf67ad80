package analysis

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/mat"
)

// Vector is several estimates from the same people with their covariance, so that
// whatever is computed from them has the right standard error.
type Vector struct {
	// Names says what each estimate is of: a variable, a level, or the levels of
	// crossed factors joined by commas.
	Names []string
	// Values are the estimates and Cov is their covariance. A value that does not exist,
	// such as the mean of nobody, is NaN, and so is its row of Cov.
	Values []float64
	Cov    *mat.SymDense
	// Estimates are the same with all that belongs to each: interval, N, notes.
	Estimates []Estimate
	// DF is the degrees of freedom of all people of the domain together, and Level the
	// confidence: contrasts use them.
	DF, Level float64
	// N is how many respondents the vector rests on, Weighted the sum of their weights.
	N        int
	Weighted float64
	Notes    []Note
}

// Independent is the vector of estimates from samples that have nothing in common, such as
// of two surveys: their covariances are 0. Its level is that of the first, its degrees of
// freedom the fewest of any, N and weights their sums; notes are left to the caller.
func Independent(estimates ...Estimate) Vector {
	v := Vector{Estimates: slices.Clone(estimates), DF: math.Inf(1)}
	if len(estimates) == 0 {
		return v
	}
	v.Level, v.Cov = estimates[0].Level, mat.NewSymDense(len(estimates), nil)
	for i, e := range estimates {
		v.Names, v.Values = append(v.Names, strconv.Itoa(i)), append(v.Values, e.Value)
		v.Cov.SetSym(i, i, e.SE*e.SE)
		v.DF = math.Min(v.DF, e.DF)
		v.N, v.Weighted = v.N+e.N, v.Weighted+e.Weighted
	}
	return v
}

// Contrast is Σ c_i θ_i: a difference between two groups is Contrast(1, −1). The
// standard error is √(c′Vc). Coefficients beyond those given are zero.
func (v Vector) Contrast(c ...float64) (Estimate, error) {
	if len(c) > len(v.Values) {
		return Estimate{}, fmt.Errorf("%d coefficients for %d estimates; give one for each, the last ones may be left out", len(c), len(v.Values))
	}
	return v.Function(func(t []Dual) Dual {
		sum := Constant(0)
		for i, x := range c {
			if x != 0 { // a group of nobody may be left out
				sum = sum.Plus(t[i].Scale(x))
			}
		}
		return sum
	})
}

// Difference is estimate i minus estimate j.
func (v Vector) Difference(i, j int) (Estimate, error) {
	return v.pair(i, j, Dual.Minus)
}

// Ratio is estimate i divided by estimate j, by the delta method.
func (v Vector) Ratio(i, j int) (Estimate, error) {
	return v.pair(i, j, Dual.Over)
}

// LogRatio is the logarithm of Ratio, on whose scale its interval is better.
func (v Vector) LogRatio(i, j int) (Estimate, error) {
	return v.pair(i, j, func(a, b Dual) Dual { return a.Over(b).Log() })
}

// pair is a function of two of the estimates.
func (v Vector) pair(i, j int, f func(a, b Dual) Dual) (Estimate, error) {
	for _, k := range []int{i, j} {
		if k < 0 || k >= len(v.Values) {
			return Estimate{}, fmt.Errorf("there is no estimate %d among %d", k, len(v.Values))
		}
	}
	return v.Function(func(t []Dual) Dual { return f(t[i], t[j]) })
}

// Function is any smooth function g of the estimates. The standard error is that of
// the delta method, √(∇g′V∇g) (as R's svycontrast); the interval is g ± t·SE.
func (v Vector) Function(g func(estimates []Dual) Dual) (Estimate, error) {
	r := g(duals(v.Values))
	if math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
		return Estimate{}, fmt.Errorf("the function of the estimates is %v; choose estimates where it exists", r.Value)
	}
	var variance, size float64
	for i, a := range r.Gradient {
		for j, b := range r.Gradient {
			if a != 0 && b != 0 {
				variance += a * b * v.Cov.At(i, j)
				size += math.Abs(a * b * v.Cov.At(i, j))
			}
		}
	}
	if variance < 0 && variance > -1e-12*size { // by rounding only
		variance = 0
	}
	e := missingEstimate(v.Level)
	e.Value, e.SE, e.DF = r.Value, math.Sqrt(variance), v.DF
	e.N, e.Weighted, e.Notes = v.N, v.Weighted, slices.Clone(v.Notes)
	if lost := v.lost(r.Gradient); lost > 0 {
		e.Notes = append(e.Notes, Note{Code: LostReplicates, Value: lost})
	}
	e.Lo, e.Hi = wald(e.Value, e.SE, e.Level, e.DF)
	return e, nil
}

// lost is how many replicates at least a function with this gradient does without: as
// many as the worst of the estimates that it depends on.
func (v Vector) lost(gradient []float64) (most float64) {
	for i, e := range v.Estimates {
		for _, n := range e.Notes {
			if n.Code == LostReplicates && i < len(gradient) && gradient[i] != 0 {
				most = max(most, n.Value)
			}
		}
	}
	return most
}

// Find is the place of a name in the vector.
func (v Vector) Find(name string) (int, error) {
	if i := slices.Index(v.Names, name); i >= 0 {
		return i, nil
	}
	return 0, fmt.Errorf("no estimate is called %q; there are: %v", name, v.Names)
}

// missingEstimate has no number yet.
func missingEstimate(level float64) Estimate {
	nan := math.NaN()
	return Estimate{Value: nan, SE: nan, Lo: nan, Hi: nan, Level: level, DF: nan, DEff: nan, DEffWOR: nan}
}
