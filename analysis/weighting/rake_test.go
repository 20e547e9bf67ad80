package weighting_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"pgregory.net/rapid"
)

// sex and age are the margins of the small examples: four respondents, one in each
// crossing.
func sex(targets ...float64) weighting.Margin {
	return weighting.Margin{Name: "sex", Levels: []string{"female", "male"}, Level: []int{0, 0, 1, 1}, Targets: targets}
}

func age(targets ...float64) weighting.Margin {
	return weighting.Margin{Name: "age", Levels: []string{"young", "old"}, Level: []int{0, 1, 0, 1}, Targets: targets}
}

// With weights that are independent the raked table is the product of its margins:
// 60·30/100 = 18 and so on.
func TestRakeMeetsTheMargins(t *testing.T) {
	before := []float64{1, 1, 1, 1}
	w, step, err := weighting.Rake(before, []weighting.Margin{sex(60, 40), age(30, 70)}, weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{18, 42, 12, 28} {
		if math.Abs(w[i]-want) > 1e-10 {
			t.Errorf("weight %d = %v, want %v", i, w[i], want)
		}
	}
	if len(step.Rounds) != 1 {
		t.Errorf("%d rounds, but with equal weights one is enough", len(step.Rounds))
	}
	if !step.Converged || step.Notes() != nil || !slices.Equal(before, []float64{1, 1, 1, 1}) {
		t.Errorf("converged %v, notes %v, weights before %v", step.Converged, step.Notes(), before)
	}
	for i := range step.Margins {
		step.Margins[i].After = math.Round(step.Margins[i].After*1e9) / 1e9
	}
	want := []weighting.MarginFit{
		{Margin: "sex", Level: "female", N: 2, Target: 60, Before: 2, After: 60},
		{Margin: "sex", Level: "male", N: 2, Target: 40, Before: 2, After: 40},
		{Margin: "age", Level: "young", N: 2, Target: 30, Before: 2, After: 30},
		{Margin: "age", Level: "old", N: 2, Target: 70, Before: 2, After: 70},
	}
	if diff := cmp.Diff(want, step.Margins); diff != "" {
		t.Errorf("margins (-want +got):\n%s", diff)
	}
}

// The step describes 18, 42, 12, 28: sum 100, median 23, Kish 4·(324+1764+144+784)/100².
func TestStepDescribesTheWeights(t *testing.T) {
	_, step, err := weighting.Rake([]float64{1, 1, 1, 1}, []weighting.Margin{sex(60, 40), age(30, 70)}, weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]float64{
		"n": {float64(step.N), 4}, "sum": {step.Sum, 100}, "min": {step.Min, 12}, "median": {step.Median, 23},
		"max": {step.Max, 42}, "Kish before": {step.KishBefore, 1}, "Kish after": {step.KishAfter, 4 * 3016 / 1e4},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-9 {
			t.Errorf("%s = %v, want %v", name, pair[0], pair[1])
		}
	}
}

func TestRakeNamesFaults(t *testing.T) {
	missing := age(50, 50)
	missing.Level = []int{0, -1, -1, 1}
	wrong := age(50, 50)
	wrong.Level = []int{0, 2, 0, 1}
	empty := weighting.Margin{Name: "city", Levels: []string{"Hangzhou", "Zhoushan"}, Level: []int{0, 0, 0, 0}, Targets: []float64{60, 40}}
	crowded := empty
	crowded.Targets = []float64{9e6, 36e6}
	nobody := empty
	nobody.Targets = []float64{100, 0}
	nobody.Level = []int{0, 0, 0, 1}
	ones := []float64{1, 1, 1, 1}
	for name, test := range map[string]struct {
		w       []float64
		margins []weighting.Margin
		want    []string
	}{
		"no margin":       {ones, nil, []string{"no margin"}},
		"totals differ":   {ones, []weighting.Margin{sex(60, 40), age(30, 71)}, []string{`"sex" adds up to 100`, `"age" to 101`, "difference of 1"}},
		"empty level":     {ones, []weighting.Margin{sex(60, 40), empty}, []string{`no respondent in "Zhoushan"`, "40 people", "merge it"}},
		"empty province":  {ones, []weighting.Margin{sex(9e6, 36e6), crowded}, []string{"holds 36000000 people"}},
		"level of nobody": {ones, []weighting.Margin{sex(60, 40), nobody}, []string{`1 respondents in "Zhoushan"`, "says is empty"}},
		"missing level":   {ones, []weighting.Margin{sex(60, 40), missing}, []string{`"age" is missing for 2 respondents (first: row 1)`}},
		"unknown level":   {ones, []weighting.Margin{wrong}, []string{"row 1 has level 2"}},
		"short margin":    {ones[:3], []weighting.Margin{sex(60, 40)}, []string{"4 values for 3 weights"}},
		"short targets":   {ones, []weighting.Margin{sex(60)}, []string{"1 targets for 2 levels"}},
		"negative target": {ones, []weighting.Margin{sex(60, -40)}, []string{`target of "male" is -40`}},
		"zero targets":    {ones, []weighting.Margin{sex(0, 0)}, []string{"all targets are zero"}},
		"negative weight": {[]float64{1, 1, -1, 1}, []weighting.Margin{sex(60, 40)}, []string{"row 2 is -1"}},
		"no number":       {[]float64{1, 1, math.NaN(), 1}, []weighting.Margin{sex(60, 40)}, []string{"row 2 is NaN"}},
		"infinite weight": {[]float64{1, 1, 1, math.Inf(1)}, []weighting.Margin{sex(60, 40)}, []string{"row 3 is +Inf"}},
		"all faults":      {[]float64{1, 1, -1, 1}, []weighting.Margin{missing, wrong}, []string{"row 2 is -1", "missing for 2", "row 1 has level 2"}},
		"zero weights":    {make([]float64, 4), []weighting.Margin{sex(60, 40)}, []string{"all weights are zero"}},
	} {
		_, _, err := weighting.Rake(test.w, test.margins, weighting.Settings{})
		for _, words := range test.want {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: error %v, want %q in it", name, err, words)
			}
		}
	}
}

// Without young women or old men the two margins say the same thing of different
// people, so they cannot both be met.
func TestRakeThatCannotConvergeSaysSo(t *testing.T) {
	young := weighting.Margin{Name: "age", Levels: []string{"young", "old"}, Level: []int{1, 1, 0, 0}, Targets: []float64{30, 70}}
	w, step, err := weighting.Rake([]float64{1, 2, 3, 4}, []weighting.Margin{sex(60, 40), young}, weighting.Settings{MaxRounds: 20})
	if err != nil {
		t.Fatal(err)
	}
	if step.Converged || len(step.Rounds) != 20 || len(w) != 4 {
		t.Errorf("converged %v after %d rounds", step.Converged, len(step.Rounds))
	}
	// After meeting age, women (all old) are 70 of 60: 1/6 away; men are 30 of 40: 1/4.
	notes := step.Notes()
	if len(notes) != 1 || notes[0].Code != analysis.NotConverged || notes[0].Subject != `rake: "male" of margin "sex"` || math.Abs(notes[0].Value-0.25) > 1e-12 {
		t.Errorf("notes %+v, want not-converged by 0.25", notes)
	}
}

// Rounded percentages add up to 99.9999: within the tolerance for totals, both margins
// are met at the total of the first.
func TestRakeScalesRoundedTotals(t *testing.T) {
	w, step, err := weighting.Rake([]float64{1, 2, 3, 4}, []weighting.Margin{sex(60, 40), age(29.99995, 69.99999)}, weighting.Settings{})
	if err != nil || !step.Converged {
		t.Fatal(err, step.Rounds)
	}
	if total := w[0] + w[1] + w[2] + w[3]; math.Abs(total-100) > 1e-9 {
		t.Errorf("weights add up to %v, want 100", total)
	}
}

// Nonrespondents keep their rows, with weight zero; of them nothing need be known.
func TestNobodyNeedsNoLevel(t *testing.T) {
	w := []float64{0, 2, 3, 0}
	by, of := sex(60, 40), age(100)
	by.Level, of.Level, of.Levels = []int{-1, 0, 1, -1}, []int{0, 0, 0, -1}, []string{"all"}
	income := weighting.Total{Name: "income", Values: []float64{math.NaN(), 1, 1, 1}, Target: 100}
	want := []float64{0, 60, 40, 0}
	raked, _, err := weighting.Rake(w, []weighting.Margin{of, by}, weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	near(t, raked, want)
	for _, totals := range [][]weighting.Total{nil, {income}} {
		got, _, err := weighting.Calibrate(w, weighting.Known{Margins: []weighting.Margin{of, by}, Totals: totals}, weighting.Metric{Distance: weighting.Raking}, weighting.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range got { // within 1e-10 of the totals
			if math.Abs(got[i]-want[i]) > 1e-8 {
				t.Fatalf("weights %v, want %v", got, want)
			}
		}
	}
	merged, _, err := weighting.Collapse(w, by, 2)
	if err != nil || !slices.Equal(merged.Level, []int{-1, 0, 0, -1}) {
		t.Errorf("Collapse = %+v, %v", merged, err)
	}
}

func TestRakeKeepsZeroWeights(t *testing.T) {
	w, step, err := weighting.Rake([]float64{0, 2, 3, 4}, []weighting.Margin{sex(60, 40)}, weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	if w[0] != 0 || w[1] != 60 || step.N != 3 {
		t.Errorf("weights %v of %d people", w, step.N)
	}
}

// Margins with more crossings than a table has room for, of more people than one piece of
// work, of whom some are nobody: the same weights as from the definition, row by row, and
// the same bits on any number of cores.
func TestRakeOfManyMargins(t *testing.T) {
	const n = 150_000
	r := rand.New(rand.NewPCG(7, 8))
	w := make([]float64, n)
	for i := range w {
		w[i] = 0.5 + r.Float64()
	}
	var margins []weighting.Margin
	for j := range 7 { // 8⁷ crossings are 8 times as many as a table has
		m := weighting.Margin{Name: strconv.Itoa(j), Level: make([]int, n)}
		for l := range 8 {
			m.Levels, m.Targets = append(m.Levels, strconv.Itoa(l)), append(m.Targets, float64(1000*(8+l)))
		}
		for i := range m.Level {
			m.Level[i] = r.IntN(8)
		}
		margins = append(margins, m)
	}
	for i := 5; i < n; i += 1000 {
		w[i], margins[i%7].Level[i] = 0, -1
	}
	got, step, err := weighting.Rake(w, margins, weighting.Settings{})
	if err != nil || !step.Converged {
		t.Fatal(err, step.Rounds)
	}
	want := slices.Clone(w)
	for range step.Rounds {
		for _, m := range margins {
			sum := make([]float64, len(m.Levels))
			for i, l := range m.Level {
				if w[i] > 0 {
					sum[l] += want[i]
				}
			}
			for i, l := range m.Level {
				if w[i] > 0 {
					want[i] *= m.Targets[l] / sum[l]
				}
			}
		}
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-11*want[i] {
			t.Fatalf("weight %d is %v, want %v", i, got[i], want[i])
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if alone, _, err := weighting.Rake(w, margins, weighting.Settings{}); err != nil || !slices.Equal(alone, got) {
		t.Errorf("one core gives other weights: %v", err)
	}
	margins[6].Level[n-1] = 8
	if _, _, err := weighting.Rake(w, margins, weighting.Settings{}); err == nil || !strings.Contains(err.Error(), "row 149999 has level 8") {
		t.Errorf("error %v, want the last row in it", err)
	}
}

// Whatever the weights, the margins are met, every weight keeps its ratio to the others
// of its crossing, and raking again changes nothing.
func TestRakeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 24 // four people in each of the six crossings
		w := rapid.SliceOfN(rapid.Float64Range(0.1, 10), n, n).Draw(t, "weights")
		share := rapid.Float64Range(0.1, 0.9)
		a, b, c := share.Draw(t, "a"), share.Draw(t, "b"), share.Draw(t, "c")
		two := weighting.Margin{Name: "two", Levels: []string{"0", "1"}, Targets: []float64{1000 * a, 1000 * (1 - a)}}
		three := weighting.Margin{Name: "three", Levels: []string{"0", "1", "2"},
			Targets: []float64{1000 * b, 1000 * (1 - b) * c, 1000 * (1 - b) * (1 - c)}}
		for i := range n {
			two.Level, three.Level = append(two.Level, i%2), append(three.Level, i%3)
		}
		margins := []weighting.Margin{two, three}
		raked, step, err := weighting.Rake(w, margins, weighting.Settings{})
		if err != nil || !step.Converged {
			t.Fatal(err, step.Rounds)
		}
		for _, f := range step.Margins {
			if math.Abs(f.After-f.Target) > 1e-11*f.Target {
				t.Fatalf("%s %s is %v, want %v", f.Margin, f.Level, f.After, f.Target)
			}
		}
		again, _, err := weighting.Rake(raked, margins, weighting.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if j := (i + 6) % n; math.Abs(raked[i]/raked[j]/(w[i]/w[j])-1) > 1e-12 {
				t.Fatalf("ratio of %d to %d changed", i, j)
			}
			if math.Abs(again[i]/raked[i]-1) > 1e-11 {
				t.Fatalf("raking again moved weight %d from %v to %v", i, raked[i], again[i])
			}
		}
	})
}

// The median is that of sorting, also when the weights fall into many buckets.
func TestMedian(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		few := rapid.SliceOfN(rapid.Float64Range(1e-3, 1e6), 1, 40).Draw(t, "weights")
		var w []float64
		for k := range rapid.SampledFrom([]int{1, 2, 400, 4000}).Draw(t, "copies") {
			for _, x := range few {
				w = append(w, x*(1+float64(k)/1e4), 0)
			}
		}
		level := make([]int, len(w))
		sum := 0.0
		for _, x := range w {
			sum += x
		}
		m := weighting.Margin{Name: "all", Levels: []string{"all"}, Level: level, Targets: []float64{sum}}
		raked, step, err := weighting.Rake(w, []weighting.Margin{m}, weighting.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		positive := slices.DeleteFunc(slices.Clone(raked), func(x float64) bool { return x == 0 })
		slices.Sort(positive)
		n := len(positive)
		if want := (positive[(n-1)/2] + positive[n/2]) / 2; step.Median != want {
			t.Fatalf("median %v, want %v", step.Median, want)
		}
	})
}

func TestKish(t *testing.T) {
	// n Σw²/(Σw)² = 3·14/36; zeros are nobody.
	if got, want := weighting.Kish([]float64{1, 2, 0, 3}), 3*14.0/36; math.Abs(got-want) > 1e-15 {
		t.Errorf("Kish = %v, want %v", got, want)
	}
	if got := weighting.Kish(nil); !math.IsNaN(got) {
		t.Errorf("Kish of nobody = %v, want NaN", got)
	}
}
