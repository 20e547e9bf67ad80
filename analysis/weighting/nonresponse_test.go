package weighting_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"pgregory.net/rapid"
)

const (
	yes     = weighting.Respondent
	no      = weighting.Nonrespondent
	foreign = weighting.Ineligible
	unknown = weighting.UnknownEligible
)

// district classifies by three districts.
func district(level ...int) analysis.FactorColumn {
	return analysis.FactorColumn{Factor: analysis.Factor{ID: "district", Levels: []string{"north", "middle", "south"}}, Level: level}
}

// North: 10+20+30+40 = 100 of whom 60 are known, factor 5/3. South has no unknown. Then
// nonrespondents of the north, 20·5/3, go to respondents with 10·5/3: factor 3.
func TestUnknownEligibilityThenNonresponse(t *testing.T) {
	before := []float64{10, 20, 30, 40, 5, 15, 0}
	status := []weighting.Status{yes, no, foreign, unknown, yes, no, unknown}
	where := district(0, 0, 0, 0, 2, 2, 1)
	known, step, err := weighting.UnknownEligibility(before, status, where, weighting.Merge{})
	if err != nil {
		t.Fatal(err)
	}
	near(t, known, []float64{50.0 / 3, 100.0 / 3, 50, 0, 5, 15, 0})
	want := []weighting.Class{
		{Name: "north", N: 4, Kept: 3, Before: 100, After: 100, Factor: 5.0 / 3},
		{Name: "south", N: 2, Kept: 2, Before: 20, After: 20, Factor: 1},
		{Name: "middle"},
	}
	if diff := cmp.Diff(want, rounded(step.Classes)); diff != "" || step.What != "unknown eligibility" || step.N != 5 {
		t.Errorf("step %+v\nclasses (-want +got):\n%s", step, diff)
	}
	w, step, err := weighting.Nonresponse(known, status, where, weighting.Merge{})
	if err != nil {
		t.Fatal(err)
	}
	near(t, w, []float64{50, 0, 0, 0, 20, 0, 0})
	want = []weighting.Class{
		{Name: "north", N: 2, Kept: 1, Before: 50, After: 50, Factor: 3},
		{Name: "south", N: 2, Kept: 1, Before: 20, After: 20, Factor: 4},
		{Name: "middle"},
	}
	if diff := cmp.Diff(want, rounded(step.Classes)); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
	if !slices.Equal(before, []float64{10, 20, 30, 40, 5, 15, 0}) {
		t.Errorf("the input was changed to %v", before)
	}
}

func near(t *testing.T, got, want []float64) {
	t.Helper()
	for i := range want {
		if len(got) != len(want) || !(math.Abs(got[i]-want[i]) <= 1e-12*math.Abs(want[i])) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

// rounded takes the last bits from sums.
func rounded(classes []weighting.Class) []weighting.Class {
	classes = slices.Clone(classes)
	for i := range classes {
		c := &classes[i]
		for _, x := range []*float64{&c.Before, &c.After} {
			*x = math.Round(*x*1e9) / 1e9
		}
	}
	return classes
}

// The middle has no respondent: it joins the north, which has one, and not the south,
// which has two. A largest factor merges as well: of the south's 1 + 30 + 30 only 1 + 30
// respond in the first sample, 1 in the second.
func TestSmallClassesMerge(t *testing.T) {
	w := []float64{10, 20, 1, 1}
	status := []weighting.Status{yes, no, yes, yes}
	got, step, err := weighting.Nonresponse(w, status, district(0, 1, 2, 2), weighting.Merge{Least: 1})
	if err != nil {
		t.Fatal(err)
	}
	near(t, got, []float64{30, 0, 1, 1})
	want := []weighting.Class{
		{Name: "north + middle", Merged: []string{"north", "middle"}, N: 2, Kept: 1, Before: 30, After: 30, Factor: 3},
		{Name: "south", N: 2, Kept: 2, Before: 2, After: 2, Factor: 1},
	}
	if diff := cmp.Diff(want, rounded(step.Classes)); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
	got, step, err = weighting.Nonresponse(w, status, district(0, 0, 2, 2), weighting.Merge{Most: 2.95})
	if err != nil {
		t.Fatal(err)
	}
	near(t, got, []float64{10 * 32.0 / 12, 0, 32.0 / 12, 32.0 / 12})
	if len(step.Classes) != 2 || step.Classes[1].Name != "middle" || step.Classes[0].Name != "north + south" {
		t.Errorf("classes %+v", step.Classes)
	}
}

// Keep gives nobody the weight of those it leaves out, and counts them.
func TestKeep(t *testing.T) {
	w, step, err := weighting.Keep([]float64{1, 2, 0, 4}, []bool{true, false, false, true}, "nonrespondents")
	if err != nil || !slices.Equal(w, []float64{1, 0, 0, 4}) {
		t.Fatalf("Keep() = %v, %v, want 1, 0, 0, 4", w, err)
	}
	want := []weighting.Class{{Name: "nonrespondents", N: 1, Before: 2}}
	if d := cmp.Diff(want, step.Classes); d != "" || step.N != 2 || step.Sum != 5 {
		t.Errorf("step %+v: %s", step, d)
	}
	for name, test := range map[string]struct {
		keep []bool
		want string
	}{
		"nobody":    {[]bool{false, false}, "leaving out 2 people (nonrespondents) leaves nobody"},
		"too short": {[]bool{true}, "1 rows to keep or not for 2 weights"},
	} {
		if _, _, err := weighting.Keep([]float64{1, 2}, test.keep, "nonrespondents"); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, test.want)
		}
	}
}

func TestNonresponseNamesFaults(t *testing.T) {
	w := []float64{10, 20, 1, 1}
	status := []weighting.Status{yes, no, yes, yes}
	for name, test := range map[string]struct {
		status []weighting.Status
		where  analysis.FactorColumn
		merge  weighting.Merge
		want   string
	}{
		"no respondent": {status, district(0, 1, 2, 2), weighting.Merge{}, `class "middle" of "district" has 1 persons with a weight of 20, but none to keep it`},
		"all too few":   {status, district(0, 1, 2, 2), weighting.Merge{Least: 4}, "together have 3 persons"},
		"unsettled":     {[]weighting.Status{yes, unknown, yes, yes}, district(0, 1, 2, 2), weighting.Merge{}, "call UnknownEligibility first"},
		"no class":      {status, district(0, -1, 2, 2), weighting.Merge{}, `the class "district" of row 1 is -1`},
		"short classes": {status, district(0), weighting.Merge{}, "1 values for 4 weights"},
		"short status":  {status[:2], district(0, 1, 2, 2), weighting.Merge{}, "2 outcomes for 4 weights"},
		"wrong status":  {[]weighting.Status{yes, 9, yes, yes}, district(0, 1, 2, 2), weighting.Merge{}, "outcome of row 1 is 9"},
	} {
		if _, _, err := weighting.Nonresponse(w, test.status, test.where, test.merge); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, test.want)
		}
	}
}

// Whatever happens, the weights of each class that is left add up to what they were, and
// every class has as many respondents as the rule asks for.
func TestNonresponseKeepsTheWeightOfClasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 40
		w := rapid.SliceOfN(rapid.Float64Range(0.1, 10), n, n).Draw(t, "weights")
		level := rapid.SliceOfN(rapid.IntRange(0, 5), n, n).Draw(t, "classes")
		responds := rapid.SliceOfN(rapid.IntRange(0, 2), n, n).Draw(t, "outcomes")
		least := rapid.IntRange(1, 4).Draw(t, "least")
		status := make([]weighting.Status, n)
		respondents := 0
		for i, x := range responds {
			if status[i] = no; x > 0 {
				status[i] = yes
				respondents++
			}
		}
		f := analysis.FactorColumn{Factor: analysis.Factor{ID: "class", Levels: []string{"0", "1", "2", "3", "4", "5"}}, Level: level}
		got, step, err := weighting.Nonresponse(w, status, f, weighting.Merge{Least: least})
		if respondents < least {
			if err == nil {
				t.Fatal("too few respondents gave no error")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		var before, after float64
		for i := range w {
			before += w[i]
			after += got[i]
		}
		if math.Abs(after/before-1) > 1e-12 {
			t.Fatalf("weights add up to %v, before %v", after, before)
		}
		for _, c := range step.Classes {
			if c.N > 0 && c.Kept < least || c.N > 0 && math.Abs(c.After/c.Before-1) > 1e-12 {
				t.Fatalf("class %+v", c)
			}
		}
	})
}

func propensitySample() (x twelve, status []weighting.Status, sex analysis.FactorColumn) {
	x = newTwelve()
	for _, s := range []int{1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0} {
		status = append(status, []weighting.Status{no, yes}[s])
	}
	return x, status, analysis.FactorColumn{Factor: analysis.Factor{ID: "sex", Levels: []string{"female", "male"}}, Level: x.sex}
}

// R 4.2.2, survey 4.1:
//
//	resp <- c(1,0,1,1,0,1,1,1,0,1,1,0)
//	m <- svyglm(resp~sex+income, svydesign(~1, weights=~w, data=x), family=quasibinomial(),
//	            control=list(epsilon=1e-14, maxit=100))
//	ifelse(resp==1, w/fitted(m), 0)
func TestPropensityAgreesWithR(t *testing.T) {
	x, status, sex := propensitySample()
	model := weighting.PropensityModel{Terms: []analysis.Term{{Factor: sex}, {Numeric: analysis.Variable{Name: "income", Values: x.income}}}}
	w, step, err := weighting.Propensity(x.w, status, model)
	if err != nil {
		t.Fatal(err)
	}
	check := checker(t, 1e-9)
	for i, want := range []float64{16.0094452981286, 0, 12.8991894976746, 21.3722927785176, 0, 10.4987296258335, 14.3944998779393, 16.6930291657861, 0, 15.8232228470262, 21.2257964354819, 0} {
		check("weight", w[i], want)
	}
	if step.N != 8 || step.Settings[0].Text != "sex, income" || step.Classes[0].N != 12 || step.Classes[0].Kept != 8 {
		t.Errorf("step %+v", step)
	}
}

// With one factor the propensity is the weighted response rate of its levels: the
// adjustment by class. So are two classes of about equal weight, as women have 64 of 129.
func TestPropensityOfOneFactorIsThatOfItsClasses(t *testing.T) {
	x, status, sex := propensitySample()
	want, _, err := weighting.Nonresponse(x.w, status, sex, weighting.Merge{})
	if err != nil {
		t.Fatal(err)
	}
	for _, classes := range []int{0, 2} {
		w, _, err := weighting.Propensity(x.w, status, weighting.PropensityModel{Terms: []analysis.Term{{Factor: sex}}, Classes: classes})
		if err != nil {
			t.Fatal(err)
		}
		check := checker(t, 1e-9)
		for i := range w {
			check("weight", w[i], want[i])
		}
	}
}

// Ineligible persons and nobody are out of the model, and a term may be missing there.
func TestPropensityLeavesOutTheIneligible(t *testing.T) {
	x, status, sex := propensitySample()
	want, _, err := weighting.Propensity(x.w, status, weighting.PropensityModel{Terms: []analysis.Term{{Factor: sex}}})
	if err != nil {
		t.Fatal(err)
	}
	sex.Level = append(slices.Clone(sex.Level), -1, -1)
	w, _, err := weighting.Propensity(append(x.w, 7, 0), append(status, foreign, yes), weighting.PropensityModel{Terms: []analysis.Term{{Factor: sex}}})
	if err != nil {
		t.Fatal(err)
	}
	near(t, w, append(want, 0, 0))
}

func TestPropensityNamesFaults(t *testing.T) {
	x, status, sex := propensitySample()
	income := analysis.Term{Numeric: analysis.Variable{Name: "income", Values: x.income}}
	all := slices.Clone(status)
	women := slices.Clone(status)
	rich := slices.Clone(status)
	for i := range status {
		all[i] = yes
		if x.sex[i] == 0 {
			women[i] = yes
		}
		if rich[i] = no; x.income[i] > 26 {
			rich[i] = yes
		}
	}
	missing := sex
	missing.Level = slices.Clone(sex.Level)
	missing.Level[2] = -1
	for name, test := range map[string]struct {
		status []weighting.Status
		terms  []analysis.Term
		class  int
		want   []string
	}{
		"all respond":       {all, []analysis.Term{income}, 0, []string{"12 respondents and 0 nonrespondents"}},
		"level separates":   {women, []analysis.Term{{Factor: sex}}, 0, []string{`everybody has responded in level "female" of "sex"`, "6 persons with a weight of 64", "merge"}},
		"numbers separate":  {rich, []analysis.Term{income}, 0, []string{`"income" grows without end`}},
		"missing":           {status, []analysis.Term{{Factor: missing}}, 0, []string{"row 2 has no propensity"}},
		"one class":         {status, []analysis.Term{income}, 1, []string{"1 classes of propensity"}},
		"class of the poor": {status, []analysis.Term{income}, 12, []string{"none to keep it"}},
	} {
		_, _, err := weighting.Propensity(x.w, test.status, weighting.PropensityModel{Terms: test.terms, Classes: test.class})
		for _, words := range test.want {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: error %v, want %q in it", name, err, words)
			}
		}
	}
}

func TestCross(t *testing.T) {
	a := analysis.FactorColumn{Factor: analysis.Factor{ID: "a", Levels: []string{"x", "y"}}, Level: []int{0, 1, 1, -1}}
	b := analysis.FactorColumn{Factor: analysis.Factor{ID: "b", Levels: []string{"1", "2", "3"}}, Level: []int{2, 0, -1, 1}}
	got, err := weighting.Cross(a, b)
	want := analysis.FactorColumn{Factor: analysis.Factor{ID: "a × b", Levels: []string{"x × 1", "x × 2", "x × 3", "y × 1", "y × 2", "y × 3"}}, Level: []int{2, 3, -1, -1}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Cross (-want +got): %v\n%s", err, diff)
	}
	b.Level = b.Level[:2]
	if _, err := weighting.Cross(a, b); err == nil {
		t.Error("columns of two lengths gave no error")
	}
	if _, err := weighting.Cross(); err == nil {
		t.Error("no factor gave no error")
	}
}

// Zhoushan has nobody, and joins its only neighbour, Ningbo; targets add up. Raking to
// what comes out meets it.
func TestCollapse(t *testing.T) {
	m := weighting.Margin{Name: "city", Levels: []string{"Hangzhou", "Ningbo", "Zhoushan"}, Level: []int{0, 0, 1, 0}, Targets: []float64{60, 30, 10}}
	w := []float64{1, 1, 2, 1}
	if _, _, err := weighting.PostStratify(w, m); err == nil || !strings.Contains(err.Error(), `no respondent in "Zhoushan"`) {
		t.Errorf("PostStratify to a level of nobody: %v", err)
	}
	merged, step, err := weighting.Collapse(w, m, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := weighting.Margin{Name: "city", Levels: []string{"Hangzhou", "Ningbo + Zhoushan"}, Level: []int{0, 0, 1, 0}, Targets: []float64{60, 40}}
	if diff := cmp.Diff(want, merged); diff != "" {
		t.Errorf("margin (-want +got):\n%s", diff)
	}
	classes := []weighting.Class{
		{Name: "Hangzhou", N: 3, Kept: 3, Before: 3, After: 3, Factor: 1},
		{Name: "Ningbo + Zhoushan", Merged: []string{"Ningbo", "Zhoushan"}, N: 1, Kept: 1, Before: 2, After: 2, Factor: 1},
	}
	if diff := cmp.Diff(classes, step.Classes); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
	got, step, err := weighting.PostStratify(w, merged)
	if err != nil {
		t.Fatal(err)
	}
	near(t, got, []float64{20, 20, 40, 20})
	if step.What != "post-stratify" || len(step.Rounds) != 1 || !step.Converged {
		t.Errorf("step %+v", step)
	}
	if _, _, err := weighting.Collapse(w, m, 5); err == nil || !strings.Contains(err.Error(), "all 4 respondents together are fewer than 5") {
		t.Errorf("Collapse to 5 of 4: %v", err)
	}
}
