package weighting_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

func modes(n int, overlap []bool) weighting.Modes {
	m := weighting.Modes{FactorColumn: analysis.FactorColumn{Factor: analysis.Factor{ID: "mode", Levels: []string{"house", "online"}}}, Overlap: overlap}
	for i := range n {
		m.Level = append(m.Level, min(i/(n/2), 1))
	}
	return m
}

func TestSeparateModesKeepTheirWeights(t *testing.T) {
	w := []float64{1, 2, 3, 4}
	got, step, err := weighting.Separate(w, modes(4, nil))
	if err != nil || !slices.Equal(got, w) {
		t.Fatalf("Separate = %v, %v", got, err)
	}
	if c := step.Classes; c[0].Name != "house" || c[0].After != 3 || c[1].Name != "online" || c[1].N != 2 || c[1].After != 7 {
		t.Errorf("classes %+v", c)
	}
}

// The second person of the house sample has no internet: only the house covers them.
func TestComposite(t *testing.T) {
	w := []float64{10, 20, 30, 40}
	got, step, err := weighting.Composite(w, modes(4, []bool{true, false, true, true}), []float64{0.25, 0.75})
	if err != nil {
		t.Fatal(err)
	}
	near(t, got, []float64{2.5, 20, 22.5, 30})
	if s := step.Settings; s[2].Name != "share of house" || s[2].Value != 0.25 || step.Classes[1].After != 52.5 {
		t.Errorf("step %+v", step)
	}
}

// R 4.2.2, survey 4.1:
//
//	mode <- rep(c("house","online"), each=6)
//	b <- svyby(~score, ~mode, svydesign(~1, strata=~mode, weights=~w, data=x), svymean)
//	v <- SE(b)^2; (1/v)/sum(1/v)
func TestMinimumVarianceAgreesWithR(t *testing.T) {
	x := newTwelve()
	m := modes(12, nil)
	stratum := make([]string, 12)
	for i, l := range m.Level {
		stratum[i] = m.Levels[l]
	}
	d, err := analysis.NewDesign(analysis.Columns{Weight: x.w, Stratum: stratum})
	if err != nil {
		t.Fatal(err)
	}
	shares, err := weighting.MinimumVariance(d, x.score, m)
	if err != nil {
		t.Fatal(err)
	}
	near(t, shares, []float64{0.352898152425209, 0.647101847574791})
	// No other share has a smaller variance λ²V + (1−λ)²V' of the composite mean.
	variance := func(share float64) float64 {
		house, online := 0.694340058004651*share, 0.512755814459203*(1-share)
		return house*house + online*online
	}
	for _, off := range []float64{-0.01, 0.01} {
		if variance(shares[0]+off) <= variance(shares[0]) {
			t.Errorf("a share of %v is better", shares[0]+off)
		}
	}
	same := slices.Repeat([]float64{1}, 12)
	if _, err := weighting.MinimumVariance(d, same, m); err == nil || !strings.Contains(err.Error(), "choose the shares by hand") {
		t.Errorf("a variable that does not vary: %v", err)
	}
}

func TestCombineNamesFaults(t *testing.T) {
	w := []float64{10, 20, 30, 40}
	wrong := modes(4, nil)
	wrong.Level = []int{0, 2, 1, 1}
	short := modes(4, []bool{true})
	for name, test := range map[string]struct {
		m      weighting.Modes
		shares []float64
		want   string
	}{
		"sum":        {modes(4, nil), []float64{0.5, 0.6}, "add up to 1.1"},
		"count":      {modes(4, nil), []float64{1}, "1 shares for the 2 modes"},
		"negative":   {modes(4, nil), []float64{-0.5, 1.5}, `mode "house" is -0.5`},
		"missing":    {modes(4, nil), []float64{math.NaN(), 1}, `mode "house" is NaN`},
		"no overlap": {modes(4, []bool{true, true, false, false}), []float64{0.5, 0.5}, `mode "online" has nobody`},
		"mode":       {wrong, []float64{0.5, 0.5}, "row 1 is 2"},
		"short":      {short, []float64{0.5, 0.5}, "1 of the overlap"},
	} {
		if _, _, err := weighting.Composite(w, test.m, test.shares); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, test.want)
		}
	}
}
