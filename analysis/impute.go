package analysis

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Imputed is an estimate from several plausible values, or several imputations of
// missing answers.
type Imputed struct {
	// Estimate is the combination: its SE holds both kinds of uncertainty, its DF are
	// those of Barnard and Rubin.
	Estimate
	// Within is the mean of the sampling variances, Between the variance of the values.
	Within, Between float64
	// DFRubin is the degrees of freedom as if the sample were without end.
	DFRubin float64
	// MissingInformation is the share of the information that the unknown values took
	// away.
	MissingInformation float64
}

// Combine combines the estimates made with each set of plausible values, or each
// imputation, by Rubin's rules (Rubin 1987; as mitools' MIcombine):
//
//	θ̄ = Σθ_m/M,  T = Ū + (1 + 1/M)B
//
// with Ū the mean of the sampling variances and B the variance of the θ_m. The
// degrees of freedom are those of Barnard and Rubin (1999) with the complete-data
// ones of the first estimate, so that they never exceed what the design has. Never
// average plausible values first: that forgets B.
func Combine(estimates []Estimate) (Imputed, error) {
	if len(estimates) < 2 {
		return Imputed{}, fmt.Errorf("%d estimates cannot be combined; give one for each plausible value, two at least", len(estimates))
	}
	values, variances := make([]float64, len(estimates)), make([]float64, len(estimates))
	for i, e := range estimates {
		if math.IsNaN(e.Value) || math.IsNaN(e.SE) {
			return Imputed{}, fmt.Errorf("estimate %d has no value or no standard error; combine only where every plausible value has both", i)
		}
		values[i], variances[i] = e.Value, e.SE*e.SE
	}
	c := rubin(values, variances, estimates[0].DF)
	c.N, c.Weighted, c.Level = estimates[0].N, estimates[0].Weighted, estimates[0].Level
	c.DEff, c.DEffWOR = math.NaN(), math.NaN()
	c.Notes = unionOfNotes(estimates)
	c.Lo, c.Hi = wald(c.Value, c.SE, c.Level, c.DF)
	return c, nil
}

// rubin combines values with their variances; complete is the degrees of freedom
// that the design has.
func rubin(values, variances []float64, complete float64) Imputed {
	m := float64(len(values))
	var c Imputed
	for i := range values {
		c.Value += values[i] / m
		c.Within += variances[i] / m
	}
	for _, v := range values {
		d := v - c.Value
		c.Between += d * d / (m - 1)
	}
	extra := (1 + 1/m) * c.Between
	total := c.Within + extra
	c.SE = math.Sqrt(total)
	c.DFRubin = math.Inf(1)
	if extra > 0 {
		r := c.Within / extra
		c.DFRubin = (m - 1) * (1 + r) * (1 + r)
	}
	c.DF = barnardRubin(c.DFRubin, complete, c.Between/(c.Within+c.Between))
	r := extra / c.Within
	c.MissingInformation = (r + 2/(c.DFRubin+3)) / (r + 1)
	return c
}

// barnardRubin combines the degrees of freedom of Rubin with those of the complete
// data, when the share missing of the variance is due to the unknown values. That
// share is B/(Ū + B), as in mitools; the paper has (1 + 1/M)B in place of B, which
// gives up to some 4 % less where half of the variance is between.
func barnardRubin(dfRubin, complete, missing float64) float64 {
	if math.IsInf(complete, 1) {
		return dfRubin
	}
	observed := (complete + 1) / (complete + 3) * complete * (1 - missing)
	return 1 / (1/dfRubin + 1/observed)
}

// unionOfNotes collects the notes of all estimates, each code and subject once.
func unionOfNotes(estimates []Estimate) []Note {
	type key struct {
		code    NoteCode
		subject string
	}
	seen := make(map[key]bool)
	var all []Note
	for _, e := range estimates {
		for _, n := range e.Notes {
			if k := (key{n.Code, n.Subject}); !seen[k] {
				seen[k] = true
				all = append(all, n)
			}
		}
	}
	return all
}

// CombineVectors combines several estimates at once, as Combine does with each: the
// covariance is T = Ū + (1 + 1/M)B, and contrasts of the result are right. The names of
// the vectors must be the same. An estimate that does not exist in one of them, such as
// the mean of nobody, does not exist in the result. DF, which contrasts use, is the
// smallest one of Barnard and Rubin of an element, given that of the first vector.
func CombineVectors(vectors []Vector) (Vector, error) {
	if len(vectors) < 2 {
		return Vector{}, fmt.Errorf("%d vectors cannot be combined; give one for each plausible value, two at least", len(vectors))
	}
	first, k, m := vectors[0], len(vectors[0].Values), float64(len(vectors))
	for i, v := range vectors {
		if len(v.Values) != len(v.Names) || len(v.Estimates) != len(v.Names) {
			return Vector{}, fmt.Errorf("vector %d has %d names, %d values and %d estimates; give it one of each", i, len(v.Names), len(v.Values), len(v.Estimates))
		}
		if !slices.Equal(v.Names, first.Names) {
			return Vector{}, fmt.Errorf("vector %d is of %q, the first of %q; estimate the same things with each plausible value", i, v.Names, first.Names)
		}
	}
	out := Vector{Names: slices.Clone(first.Names), Values: make([]float64, k), Estimates: make([]Estimate, k),
		DF: first.DF, Level: first.Level, N: first.N, Weighted: first.Weighted}
	var notes []Estimate
	for _, v := range vectors {
		notes = append(notes, Estimate{Notes: v.Notes})
		for i, x := range v.Values {
			out.Values[i] += x / m
		}
	}
	out.Notes = unionOfNotes(notes)
	out.Cov = mat.NewSymDense(k, nil)
	for i := range k {
		for j := i; j < k; j++ {
			var within, between float64
			for _, v := range vectors {
				within += v.Cov.At(i, j) / m
				between += (v.Values[i] - out.Values[i]) * (v.Values[j] - out.Values[j]) / (m - 1)
			}
			out.Cov.SetSym(i, j, within+(1+1/m)*between)
		}
	}
	for i := range k {
		values, variances, estimates := make([]float64, len(vectors)), make([]float64, len(vectors)), make([]Estimate, len(vectors))
		for j, v := range vectors {
			values[j], variances[j], estimates[j] = v.Values[i], v.Cov.At(i, i), v.Estimates[i]
		}
		if df := rubin(values, variances, first.DF).DF; df < out.DF {
			out.DF = df
		}
		out.Estimates[i] = combined(estimates)
	}
	return out, nil
}

// combined is Combine of estimates that may not exist.
func combined(estimates []Estimate) Estimate {
	c, err := Combine(estimates)
	if err != nil {
		e := missingEstimate(estimates[0].Level)
		e.Notes = unionOfNotes(estimates)
		return e
	}
	return c.Estimate
}
