package analysis_test

import (
	"math"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"gonum.org/v1/gonum/mat"
)

// vectorWith has values of a, b and c with a covariance, as from a design with 24
// degrees of freedom.
func vectorWith(values, cov []float64) analysis.Vector {
	v := analysis.Vector{Names: []string{"a", "b", "c"}, Values: values, Cov: mat.NewSymDense(3, cov), DF: 24, Level: 0.95, N: 100}
	for i, x := range values {
		v.Estimates = append(v.Estimates, analysis.Estimate{Value: x, SE: math.Sqrt(v.Cov.At(i, i)), DF: 24, Level: 0.95, N: 100})
	}
	return v
}

func threeVectors() []analysis.Vector {
	return []analysis.Vector{
		vectorWith([]float64{50, 40, 30}, []float64{4, 1, 0, 1, 3, .5, 0, .5, 2}),
		vectorWith([]float64{52, 41, 27}, []float64{5, 1.5, .2, 1.5, 3, .4, .2, .4, 2.5}),
		vectorWith([]float64{49, 43, 31}, []float64{4.5, .5, .1, .5, 2, .6, .1, .6, 3}),
	}
}

// R 4.2.2, mitools 2.4, in 16 digits; 1e-13 of them is rounding:
//
//	est <- list(c(50,40,30), c(52,41,27), c(49,43,31))
//	v <- list(matrix(c(4,1,0,1,3,.5,0,.5,2),3), matrix(c(5,1.5,.2,1.5,3,.4,.2,.4,2.5),3),
//	  matrix(c(4.5,.5,.1,.5,2,.6,.1,.6,3),3))
//	MIcombine(est, v, df.complete=24)
func TestCombineVectorsIsMitools(t *testing.T) {
	values := []float64{50.33333333333334, 41.33333333333334, 29.33333333333333}
	cov := [][]float64{
		{7.6111111111111107, -0.5555555555555556, -4.122222222222223},
		{-0.5555555555555556, 5.7777777777777777, 2.277777777777778},
		{-4.1222222222222227, 2.2777777777777777, 8.277777777777779},
	}
	df := []float64{6.584347222084172, 4.360235426912844, 2.727823517276605}
	vectors := threeVectors()
	vectors[1].Notes = []analysis.Note{{Code: analysis.LargeWeights, Value: 3}}
	vectors[2].Estimates[0].Notes = []analysis.Note{{Code: analysis.FewRespondents, Value: 20}}
	got, err := analysis.CombineVectors(vectors)
	if err != nil {
		t.Fatal(err)
	}
	for i := range values {
		e := got.Estimates[i]
		agreeR(t, "value", got.Values[i], values[i])
		agreeR(t, "value of the estimate", e.Value, values[i])
		agreeR(t, "SE", e.SE, math.Sqrt(cov[i][i]))
		agreeR(t, "df", e.DF, df[i])
		for j := range values {
			agreeR(t, "covariance", got.Cov.At(i, j), cov[i][j])
		}
		var single []analysis.Estimate
		for _, v := range vectors {
			single = append(single, v.Estimates[i])
		}
		c, err := analysis.Combine(single)
		if err != nil {
			t.Fatal(err)
		}
		if e.Lo != c.Lo || e.Hi != c.Hi {
			t.Errorf("interval %v to %v, Combine gives %v to %v", e.Lo, e.Hi, c.Lo, c.Hi)
		}
	}
	agreeR(t, "df of contrasts", got.DF, df[2])
	if len(got.Notes) != 1 || got.Notes[0].Code != analysis.LargeWeights || !has(got.Estimates[0], analysis.FewRespondents) || len(got.Estimates[1].Notes) != 0 {
		t.Errorf("notes %v and %v, want each at its place", got.Notes, got.Estimates[0].Notes)
	}
	// A contrast of the combination is the combination of contrasts: T is bilinear.
	var contrasts []analysis.Estimate
	for _, v := range vectors {
		e, err := v.Contrast(1, -1, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		contrasts = append(contrasts, e)
	}
	want, err := analysis.Combine(contrasts)
	if err != nil {
		t.Fatal(err)
	}
	e, err := got.Contrast(1, -1, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "contrast", e.Value, want.Value)
	agree(t, "SE of the contrast", e.SE, want.SE)
}

// The mean of nobody does not exist in the combination either, and does not harm the rest.
func TestCombineVectorsOfNobody(t *testing.T) {
	vectors := threeVectors()
	for k := range vectors {
		v := &vectors[k]
		v.Values[1] = math.NaN()
		for j := range 3 {
			v.Cov.SetSym(1, j, math.NaN())
		}
		v.Estimates[1] = analysis.Estimate{Value: math.NaN(), SE: math.NaN(), Notes: []analysis.Note{{Code: analysis.Empty}}}
	}
	got, err := analysis.CombineVectors(vectors)
	if err != nil {
		t.Fatal(err)
	}
	if e := got.Estimates[1]; !math.IsNaN(e.Value) || !math.IsNaN(e.Lo) || !has(e, analysis.Empty) || !math.IsNaN(got.Values[1]) || !math.IsNaN(got.Cov.At(1, 2)) {
		t.Errorf("estimate of nobody = %+v", e)
	}
	agreeR(t, "df", got.DF, 2.727823517276605)
	e, err := got.Difference(0, 2)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "difference", e.Value, 21)
}

func TestCombineNamesFaults(t *testing.T) {
	three := threeVectors()
	other := vectorWith([]float64{1, 2, 3}, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1})
	other.Names = []string{"a", "c", "b"}
	bare := threeVectors()[0]
	bare.Estimates = nil
	for what, vectors := range map[string][]analysis.Vector{"one vector": three[:1], "other names": {three[0], other}, "no estimates": {three[0], bare}} {
		if _, err := analysis.CombineVectors(vectors); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	e := three[0].Estimates[0]
	missing := e
	missing.SE = math.NaN()
	if _, err := analysis.Combine([]analysis.Estimate{e, missing}); err == nil {
		t.Error("an estimate without SE was combined")
	}
}

// With values that agree nothing is between them: Rubin's degrees of freedom have no
// end, those of Barnard and Rubin are (ν+1)/(ν+3)·ν = 25/27·24.
func TestCombineWithoutBetween(t *testing.T) {
	e := threeVectors()[0].Estimates[0]
	c, err := analysis.Combine([]analysis.Estimate{e, e, e})
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "SE", c.SE, 2)
	agree(t, "df", c.DF, 25.0/27*24)
	if !math.IsInf(c.DFRubin, 1) || c.MissingInformation != 0 {
		t.Errorf("Rubin's df %v and %v missing, want no end and none", c.DFRubin, c.MissingInformation)
	}
}
