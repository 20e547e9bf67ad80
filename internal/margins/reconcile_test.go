package margins_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/margins"
)

// of makes a margin: its name joins the factors.
func of(name string, targets map[string]float64) margins.Margin {
	return margins.Margin{Name: name, Factors: strings.Split(name, "/"), Targets: targets}
}

func TestMarginsThatAgreeStay(t *testing.T) {
	ms := []margins.Margin{
		of("sex/age", map[string]float64{"m/y": 10, "m/o": 300, "f/y": 20, "f/o": 400}),
		of("age", map[string]float64{"y": 30, "o": 700}),
		of("area", map[string]float64{"town": 730.0 / 3, "land": 730.0 * 2 / 3}), // within the arithmetic
		of("age/sex", map[string]float64{"y/m": 10, "o/m": 300, "y/f": 20, "o/f": 400}),
	}
	got, assumed, err := margins.Reconcile(ms, 0)
	if err != nil || len(assumed) != 0 {
		t.Fatalf("Reconcile() = %v, %v, want no assumption", assumed, err)
	}
	for i, m := range got {
		sameTargets(t, m.Name, m.Targets, ms[i].Targets)
	}
}

func TestMarginIsScaled(t *testing.T) {
	ms := []margins.Margin{
		of("sex", map[string]float64{"m": 520, "f": 480}),
		of("area", map[string]float64{"town": 700, "land": 301}),
	}
	got, assumed, err := margins.Reconcile(ms, 0.001) // the difference is exactly the tolerance
	if err != nil {
		t.Fatal(err)
	}
	sameTargets(t, "sex", got[0].Targets, ms[0].Targets)
	near(t, "town", got[1].Targets["town"], 700*1000.0/1001)
	near(t, "land", got[1].Targets["land"], 301*1000.0/1001)
	if len(assumed) != 1 || assumed[0].Code != margins.MarginScaled || assumed[0].Subject != "area" {
		t.Fatalf("assumptions = %+v, want that area was scaled", assumed)
	}
	near(t, "change", 1+assumed[0].Value, 1000.0/1001)
	if ms[1].Targets["town"] != 700 {
		t.Error("the margin given was changed")
	}
}

// sex × age is brought to the total, then to the sexes and to the ages before it. One
// round over the sexes gives m 500 × (200, 300)/500, f 500 × (304, 196)/500; the further
// rounds are those of iterative proportions, whose odds ratio is that of the table given:
// 200 × 196 / (300 × 304).
func TestMarginIsFitted(t *testing.T) {
	ms := []margins.Margin{
		of("sex", map[string]float64{"m": 500, "f": 500}),
		of("age", map[string]float64{"y": 500, "o": 500}),
		of("age/sex", map[string]float64{"y/m": 200, "o/m": 300, "y/f": 304, "o/f": 196}),
	}
	got, assumed, err := margins.Reconcile(ms, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	n := got[2].Targets
	near(t, "m", n["y/m"]+n["o/m"], 500)
	near(t, "f", n["y/f"]+n["o/f"], 500)
	near(t, "y", n["y/m"]+n["y/f"], 500)
	near(t, "o", n["o/m"]+n["o/f"], 500)
	// The margins are met to 1e-12, so the odds to a few of them.
	if odds, want := n["y/m"]*n["o/f"]/(n["o/m"]*n["y/f"]), 200*196.0/(300*304); math.Abs(odds/want-1) > 1e-11 {
		t.Errorf("odds ratio = %v, want %v", odds, want)
	}
	want := []assess.Assumption{{Code: margins.MarginFitted, Subject: "age/sex", With: "age", Value: 0.008}}
	if len(assumed) != 1 || assumed[0].With != "age" || assumed[0].Subject != "age/sex" || assumed[0].Code != margins.MarginFitted || math.Abs(assumed[0].Value-0.008) > 1e-12 {
		t.Errorf("assumptions = %+v, want %+v", assumed, want)
	}
}

func TestReconcileFaults(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	sexes := of("sex", map[string]float64{"m": 520, "f": 480})
	for _, tt := range []struct {
		name      string
		ms        []margins.Margin
		tolerance float64
		want      []string
	}{
		{"totals", []margins.Margin{sexes, of("area", map[string]float64{"town": 800, "land": 250}), of("age", map[string]float64{"y": 900, "o": 0})}, 0.01,
			[]string{`margin "area" counts 1050 people in total, but margin "sex" counts 1000: +50 people, +5 %`, "tolerance is 1 %", `margin "age" counts 900`, "-100 people, -10 %", "wider tolerance"}},
		{"shared factor", []margins.Margin{sexes, of("sex/age", map[string]float64{"m/y": 200, "m/o": 300, "f/y": 250, "f/o": 250})}, 0.01,
			[]string{`margin "sex/age" counts 500 people of sex "f", but margin "sex" counts 480: +20 people, +4.17 %`, `of sex "m"`, "-20 people, -3.85 %"}},
		{"nobody in one", []margins.Margin{of("sex", map[string]float64{"m": 1000, "f": 0}), of("sex/age", map[string]float64{"m/y": 999.9, "f/y": 0.1})}, 0.5,
			[]string{`of sex "f"`, "counts 0", "+Inf"}},
		{"other levels", []margins.Margin{sexes, of("sex/age", map[string]float64{"m/y": 500, "w/y": 500})}, 0.01,
			[]string{`margin "sex" has the level "f" of sex, but margin "sex/age" has not`, `margin "sex/age" has the level "w" of sex`}},
		{"cannot meet both", []margins.Margin{of("sex", map[string]float64{"m": 500, "f": 500}), of("age", map[string]float64{"y": 490, "o": 510}),
			of("sex/age", map[string]float64{"m/y": 500, "m/o": 0, "f/y": 0, "f/o": 500})}, 0.05,
			[]string{`margin "sex/age" did not come to agree with all margins before it`, "leave the margin out"}},
		{"negative tolerance", []margins.Margin{sexes}, -1, []string{"the tolerance between margins is -1"}},
		{"tolerance not a number", []margins.Margin{sexes}, nan, []string{"NaN"}},
		{"tolerance of everything", []margins.Margin{sexes}, 1, []string{"below 1"}},
		{"negative count", []margins.Margin{of("sex", map[string]float64{"m": -1, "f": 2})}, 0, []string{`margin "sex"`, `level "m" has the count -1`}},
		{"count not a number", []margins.Margin{of("sex", map[string]float64{"m": nan, "f": 2})}, 0, []string{`level "m" has the count NaN`}},
		{"count infinite", []margins.Margin{of("sex", map[string]float64{"m": inf, "f": 2})}, 0, []string{`level "m" has the count +Inf`}},
		{"nobody", []margins.Margin{of("sex", map[string]float64{"m": 0, "f": 0})}, 0, []string{"add up to 0"}},
		{"sum infinite", []margins.Margin{of("sex", map[string]float64{"m": 1e308, "f": 1e308})}, 0, []string{"add up to +Inf"}},
		{"no counts", []margins.Margin{of("sex", nil)}, 0, []string{`margin "sex": there are no factors or no counts`}},
		{"codes too few", []margins.Margin{of("sex/age", map[string]float64{"m": 1, "f/y": 2})}, 0, []string{`level "m" joins 1 codes, but there are 2 factors`}},
		{"factor twice", []margins.Margin{of("sex/sex", map[string]float64{"m/m": 1})}, 0, []string{`"sex" is named twice`}},
	} {
		_, _, err := margins.Reconcile(tt.ms, tt.tolerance)
		refused(t, tt.name, err, tt.want...)
	}
}

func TestCompare(t *testing.T) {
	ms := []margins.Margin{
		of("sex", map[string]float64{"m": 520, "f": 480}),
		of("area", map[string]float64{"town": 700, "land": 310}),
		of("sex/age", map[string]float64{"m/y": 560, "m/o": 500, "f/y": 400, "f/o": 540}), // twice as many
	}
	ds, err := margins.Compare(ms)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		margin, level string
		abs, relative float64
	}{
		{"area", "", 10, 0.01}, {"sex/age", "", 1000, 1},
		// At the total of the first, sex/age has 530 men and 470 women.
		{"sex/age", "f", -10, -10.0 / 480}, {"sex/age", "m", 10, 10.0 / 520},
	}
	if len(ds) != len(want) {
		t.Fatalf("%d differences %v, want %d", len(ds), ds, len(want))
	}
	for i, w := range want {
		d := ds[i]
		if d.Margin != w.margin || d.With != "sex" || d.Level != w.level || math.Abs(d.Absolute()-w.abs) > 1e-9 || math.Abs(d.Relative()-w.relative) > 1e-12 {
			t.Errorf("difference %d = %v, want %+v", i, d, w)
		}
	}
	if _, err := margins.Compare([]margins.Margin{ms[0], of("sex/age", map[string]float64{"m/y": 1})}); err == nil {
		t.Error("Compare() of margins with other levels: no error")
	}
	if _, err := margins.Compare([]margins.Margin{of("sex", nil)}); err == nil {
		t.Error("Compare() of no margin: no error")
	}
}

// Whatever the margins, the first comes back bit by bit, none that was given is changed,
// all agree afterwards, and agreed margins agree again without a change.
func TestReconcileProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const tolerance = 0.05
	fitted := 0
	for range 300 {
		// One population, of which each margin is a sum, with up to 0.5 % of error in each
		// count. Totals lie at most 1.01 % apart, and levels, when the totals have been
		// scaled and earlier margins fitted, by a few times that.
		sizes := []int{1 + rng.IntN(4), 1 + rng.IntN(4), 1 + rng.IntN(4)}
		people := map[[3]int]float64{}
		for a := range sizes[0] {
			for b := range sizes[1] {
				for c := range sizes[2] {
					people[[3]int{a, b, c}] = math.Exp(4 * rng.Float64())
				}
			}
		}
		var ms []margins.Margin
		for _, name := range []string{"b", "a", "a/b", "c", "c/a", "c/b/a"}[:2+rng.IntN(5)] {
			m := of(name, map[string]float64{})
			for key, n := range people {
				var codes []string
				for _, id := range m.Factors {
					codes = append(codes, string(rune('p'+key["abc"[0]-'a'+id[0]-'a'])))
				}
				m.Targets[strings.Join(codes, "/")] += n
			}
			for code := range m.Targets {
				m.Targets[code] *= 1 + 0.01*(rng.Float64()-0.5)
			}
			ms = append(ms, m)
		}
		given := make([]map[string]float64, len(ms))
		for i, m := range ms {
			given[i] = maps.Clone(m.Targets)
		}
		got, assumed, err := margins.Reconcile(ms, tolerance)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range ms {
			sameTargets(t, "given "+m.Name, m.Targets, given[i])
		}
		for code, n := range got[0].Targets {
			if math.Float64bits(n) != math.Float64bits(ms[0].Targets[code]) {
				t.Fatalf("the first margin was changed: %v, want %v", n, ms[0].Targets[code])
			}
		}
		for _, a := range assumed {
			if a.Code == margins.MarginFitted {
				fitted++
			}
		}
		ds, err := margins.Compare(got)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			// Each is met to 1e-12 in turn.
			if math.Abs(d.Relative()) > 1e-11 {
				t.Fatalf("after Reconcile: %v", d)
			}
		}
		again, assumed, err := margins.Reconcile(got, 1e-11)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range assumed {
			if math.Abs(a.Value) > 1e-11 {
				t.Fatalf("a second time: %+v", a)
			}
		}
		for code, n := range again[0].Targets {
			if n != ms[0].Targets[code] {
				t.Fatal("the first margin was changed the second time")
			}
		}
	}
	if fitted < 100 {
		t.Errorf("%d margins were fitted; the test does not try much", fitted)
	}
}
