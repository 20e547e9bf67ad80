package analysis_test

import (
	"math"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// twelve is a small sample of which R has the numbers of this file (R 4.2.2, survey
// 4.1.1):
//
//	d <- data.frame(h = rep(c("n","s"), each=6), p = rep(1:3, 2, each=2),
//	  w = c(10,12,9,11,10,14, 20,22,25,18,21,19),
//	  level = factor(c("a","b","a",NA,"b","a", "b","b","a","c","c","b")),
//	  sex = factor(c("f","m","f","f","m","m","f","m","m","f","f","m")),
//	  y = c(1,0,1,1,0,1,0,0,1,NA,1,0))
//	d$N <- ifelse(d$h=="n", 10, 8)
//	s <- svydesign(~p, strata=~h, weights=~w, fpc=~N, data=d, nest=TRUE)
//
// The numbers are in 16 digits, and the sums so short that 1e-13 of them is rounding.
type twelve struct {
	design     *analysis.Design
	cells      *analysis.Cells
	level, sex analysis.FactorColumn
	y          []float64
}

func twelvePeople(t *testing.T, s analysis.Settings) twelve {
	t.Helper()
	nan := math.NaN()
	x := twelve{level: classes("level", "a", "b", "c"), sex: classes("sex", "f", "m"), y: []float64{1, 0, 1, 1, 0, 1, 0, 0, 1, nan, 1, 0}}
	x.level.Level = []int{0, 1, 0, -1, 1, 0, 1, 1, 0, 2, 2, 1}
	x.sex.Level = []int{0, 1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1}
	x.design = mustDesign(t, analysis.Columns{
		Weight:     []float64{10, 12, 9, 11, 10, 14, 20, 22, 25, 18, 21, 19},
		Stratum:    strings.Split("n n n n n n s s s s s s", " "),
		PSU:        strings.Split("1 1 2 2 3 3 1 1 2 2 3 3", " "),
		Population: []float64{10, 10, 10, 10, 10, 10, 8, 8, 8, 8, 8, 8},
	}).WithSettings(s)
	var err error
	x.cells, err = x.design.Cells([]analysis.Variable{{Name: "y", Values: x.y}}, []analysis.FactorColumn{x.level, x.sex})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// agreeR fails when a number is not that of R.
func agreeR(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-13*math.Max(1, math.Abs(want))) {
		t.Errorf("%s = %.16g, R has %.16g", what, got, want)
	}
}

// svytotal(~level, subset(s, !is.na(level)), deff="replace")
func TestCountVectorIsRs(t *testing.T) {
	x := twelvePeople(t, analysis.Settings{})
	values := []float64{58, 83, 39}
	cov := [][]float64{
		{405.3250, -457.6625, 117.1875},
		{-457.6625, 916.1750, -369.3750},
		{117.1875, -369.3750, 241.8750},
	}
	deff := []float64{0.5728165630299604, 1.1379642280462050, 0.4398527004909984}
	rows, err := x.design.CountVector(x.level, nil)
	if err != nil {
		t.Fatal(err)
	}
	cells, err := x.cells.CountVector("level", nil)
	if err != nil {
		t.Fatal(err)
	}
	for way, v := range map[string]analysis.Vector{"rows": rows, "cells": cells} {
		for i, name := range []string{"a", "b", "c"} {
			if at, err := v.Find(name); at != i || err != nil {
				t.Errorf("%s: Find(%q) = %d, %v, want %d", way, name, at, err, i)
			}
			e := v.Estimates[i]
			agreeR(t, way+" "+name, v.Values[i], values[i])
			agreeR(t, way+" SE of "+name, e.SE, math.Sqrt(cov[i][i]))
			agreeR(t, way+" deff of "+name, e.DEff, deff[i])
			for j := range cov {
				agreeR(t, way+" covariance", v.Cov.At(i, j), cov[i][j])
			}
			if e.N != 11 || v.N != 11 || e.Weighted != 180 || e.DF != 4 {
				t.Errorf("%s: %d people of weight %v with %v df, want the 11 with a level, 180 and 6 − 2 df", way, e.N, e.Weighted, e.DF)
			}
		}
		if _, err := v.Find("d"); err == nil || !strings.Contains(err.Error(), `"d"`) {
			t.Errorf("%s: Find of no name gives %v", way, err)
		}
	}
}

// Counts of all levels add up to the count of those who have one, with its variance:
// Cov summed over all its elements.
func TestCountsAddUp(t *testing.T) {
	x := twelvePeople(t, analysis.Settings{})
	v, err := x.design.CountVector(x.level, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := v.Contrast(1, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	known := make([]bool, 12)
	for i, l := range x.level.Level {
		known[i] = l >= 0
	}
	want := must(x.design.Count(known))(t)
	agree(t, "sum", sum.Value, want.Value)
	agree(t, "SE of the sum", sum.SE, want.SE)
}

// svytotal(~I(w*0+1), subset(s, sex=="f"))
func TestCountIsRs(t *testing.T) {
	x := twelvePeople(t, analysis.Settings{})
	women := make([]bool, 12)
	for i, l := range x.sex.Level {
		women[i] = l == 0
	}
	for way, e := range map[string]analysis.Estimate{
		"rows":  must(x.design.Count(women))(t),
		"cells": must(x.cells.Size(analysis.Domain{"sex": "f"}))(t),
	} {
		agreeR(t, way, e.Value, 89)
		agreeR(t, way+" SE", e.SE, 14.64155046434632)
		if e.N != 6 || !(e.Lo < 89 && 89 < e.Hi) {
			t.Errorf("%s: %d women in %v to %v, want 6 in an interval around 89", way, e.N, e.Lo, e.Hi)
		}
	}
	if e := must(x.design.Count(make([]bool, 12)))(t); !math.IsNaN(e.Value) || !has(e, analysis.Empty) {
		t.Errorf("count of nobody = %+v, want no value and the note", e)
	}
	if _, err := x.design.Count([]bool{true}); err == nil {
		t.Error("a domain of the wrong length was counted")
	}
}

// svyby(~y, ~sex, s, svytotal, na.rm=TRUE), and with svymean and covmat=TRUE of
// subset(s, !is.na(y))
func TestCellsByGroupAreRs(t *testing.T) {
	x := twelvePeople(t, analysis.Settings{})
	groups, err := x.cells.TotalBy("y", nil, "sex")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][2]float64{{51, 22.03690087103901}, {39, 22.97444232184973}} {
		agreeR(t, "total", groups[i].Estimate.Value, want[0])
		agreeR(t, "SE of the total", groups[i].Estimate.SE, want[1])
	}
	table, err := x.cells.ProportionTable("y", nil, "sex")
	if err != nil {
		t.Fatal(err)
	}
	direct, err := x.design.ProportionTable(x.y, nil, x.sex)
	if err != nil {
		t.Fatal(err)
	}
	for way, v := range map[string]analysis.Table{"cells": table, "rows": direct} {
		agreeR(t, way+" women", v.Values[0], 0.7183098591549295)
		agreeR(t, way+" men", v.Values[1], 0.3823529411764706)
		agreeR(t, way+" variance of women", v.Cov.At(0, 0), 0.043769241397292852)
		agreeR(t, way+" covariance", v.Cov.At(0, 1), 0.008024810738793105)
		agreeR(t, way+" variance of men", v.Cov.At(1, 1), 0.037085593659744925)
		if v.Groups[1].Domain["sex"] != "m" || v.Groups[1].Estimate.Value != v.Values[1] {
			t.Errorf("%s: the second group is %+v", way, v.Groups[1])
		}
	}
}

// m <- svymean(~y, s, na.rm=TRUE); confint(m, df=5); confint(m, df=degf(s));
// confint(svyciprop(~y, s, method="xlogit", df=5)). R's quantile of t and gonum's agree
// to 1e-9.
func TestFixedDF(t *testing.T) {
	nearR := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-9) {
			t.Errorf("%s = %.12g, R has %.12g", what, got, want)
		}
	}
	fixed, free := twelvePeople(t, analysis.Settings{FixedDF: 5}), twelvePeople(t, analysis.Settings{})
	e := must(fixed.design.Mean(fixed.y, nil))(t)
	nearR("lower with 5 df", e.Lo, 0.1496913917158847)
	nearR("upper with 5 df", e.Hi, 0.8907710360297799)
	e = must(free.design.Mean(free.y, nil))(t)
	nearR("lower with 4 df", e.Lo, 0.1200169661697024)
	nearR("upper with 4 df", e.Hi, 0.9204454615759623)
	e = must(fixed.cells.Proportion("y", nil))(t)
	nearR("lower of the proportion", e.Lo, 0.1972421724030329)
	nearR("upper of the proportion", e.Hi, 0.8271495772255749)

	// It holds for every kind of estimate and whatever the rule.
	s := analysis.Settings{FixedDF: 61.5, DF: analysis.DFNormal}
	d := fixed.design.WithSettings(s)
	v, err := d.MeanTable(fixed.y, nil, fixed.sex)
	if err != nil {
		t.Fatal(err)
	}
	q, err := d.Quantile(fixed.y, nil, analysis.QuantileSettings{}, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	difference, err := v.Difference(0, 1)
	if err != nil {
		t.Fatal(err)
	}
	for what, df := range map[string]float64{"group": v.Estimates[0].DF, "table": v.DF, "difference": difference.DF, "median": q[0].DF} {
		if df != 61.5 {
			t.Errorf("%s has %v df, want 61.5", what, df)
		}
	}
	for _, df := range []float64{-1, math.NaN()} {
		if _, err := d.WithSettings(analysis.Settings{FixedDF: df}).Mean(fixed.y, nil); err == nil {
			t.Errorf("%v degrees of freedom were accepted", df)
		}
	}
}

// DEft is √DEff; NEff is N/DEff and CV is SE/|value| (Kish 1965).
func TestRatiosOfAnEstimate(t *testing.T) {
	e := analysis.Estimate{Value: -8, SE: 2, N: 90, DEff: 2.25, DF: math.Inf(1)}
	agree(t, "DEft", e.DEft(), 1.5)
	agree(t, "NEff", e.NEff(), 40)
	agree(t, "CV", e.CV(), 0.25)
	agree(t, "T", e.T(), -4)
	// P of |Z| > 4 is 6.334248e-5 in any table of the normal distribution.
	if p := e.PValue(); math.Abs(p-6.334248e-5) > 1e-10 {
		t.Errorf("P = %v, want 6.334248e-5", p)
	}
	// With 2 df the tail of t is closed: P(|T| > x) = 1 − x/√(2+x²).
	e.DF = 2
	if p, want := e.PValue(), 1-4/math.Sqrt(18); math.Abs(p-want) > 1e-12 {
		t.Errorf("P = %v with 2 df, want %v", p, want)
	}
	e.DF = 0
	if p := e.PValue(); !math.IsNaN(p) {
		t.Errorf("P = %v without degrees of freedom, want none", p)
	}
}

// Any function may be applied to a dual number: tanh with its slope 1 − tanh².
func TestApplyIsTheChainRule(t *testing.T) {
	x := twelvePeople(t, analysis.Settings{})
	ones := analysis.Variable{Name: "one", Values: make([]float64, 12)}
	for i := range ones.Values {
		ones.Values[i] = 1
	}
	vars := []analysis.Variable{{Name: "y", Values: x.y}, ones}
	mean, err := x.design.Function(vars, nil, func(t []analysis.Dual) analysis.Dual { return t[0].Over(t[1]) })
	if err != nil {
		t.Fatal(err)
	}
	got, err := x.design.Function(vars, nil, func(t []analysis.Dual) analysis.Dual {
		m := t[0].Over(t[1])
		return m.Apply(math.Tanh, 1-math.Tanh(m.Value)*math.Tanh(m.Value))
	})
	if err != nil {
		t.Fatal(err)
	}
	th := math.Tanh(mean.Value)
	agree(t, "value", got.Value, th)
	agree(t, "SE", got.SE, (1-th*th)*mean.SE)
}
