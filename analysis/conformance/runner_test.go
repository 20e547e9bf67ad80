package conformance

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// The test of the cases is worth no more than its judgement; these are its own tests.

// sixRows is a design of six rows with their mean and its standard error by hand:
// ȳ = 3.5, s² = 3.5, SE = √(3.5/6).
func sixRows(t *testing.T) (*archive, oracleFile) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "six.csv"), []byte("y,g\n1,a\n2,a\n3,b\n4,b\n5,c\n6,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &archive{oracles: dir, roots: []string{dir}, tables: make(map[string]table), sessions: make(map[string]opened)}
	return a, oracleFile{Dataset: "six", Designs: designs{
		"srs":       {Data: "six.csv", Weights: 1.0},
		"nowhere":   {Data: "seven.csv", Weights: 1.0},
		"replicate": {Data: "six.csv", Weights: 1.0, Replicate: fields{"method": "magic"}},
	}}
}

// meanCase is the mean of the six rows when value and se are right.
func meanCase(design string, value, se float64) Case {
	c := Case{ID: "six-1", Dataset: "six", Design: design, Estimator: "mean", Variable: "y", Estimate: value, SE: se}
	c.Tolerance.Rel, c.Tolerance.Abs = 1e-9, 1e-12
	return c
}

func TestJudgement(t *testing.T) {
	se := math.Sqrt(3.5 / 6)
	other := meanCase("srs", 3.5, se)
	other.Estimator = "geometric_mean"
	for name, c := range map[string]struct {
		c    Case
		want string // in a fault; "" when it passes
	}{
		"the right numbers":      {meanCase("srs", 3.5, se), ""},
		"a wrong mean":           {meanCase("srs", 3.6, se), "estimate = 3.5, want 3.6"},
		"a mean 1e-8 off":        {meanCase("srs", 3.5*(1+1e-8), se), "estimate"},
		"a wrong SE":             {meanCase("srs", 3.5, se*1.001), "SE"},
		"no number":              {meanCase("srs", math.NaN(), se), "estimate"},
		"a kind without support": {other, `kind "geometric_mean" is not supported`},
		"a design without":       {meanCase("replicate", 3.5, se), `design not supported: replicates by "magic"`},
		"a design that is not":   {meanCase("srs2", 3.5, se), `no design "srs2"`},
	} {
		t.Run(name, func(t *testing.T) {
			a, f := sixRows(t)
			r, err := a.compute(f, c.c)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(r.faults, "\n"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("faults %q, want %q", got, c.want)
			}
		})
	}
	a, f := sixRows(t)
	if _, err := a.compute(f, meanCase("nowhere", 3.5, se)); err == nil || !strings.Contains(err.Error(), "SUYANG_DATA") {
		t.Errorf("absent data: %v, want an error that names SUYANG_DATA", err)
	}
}

// Both lists excuse what they name, and are told when there is nothing to excuse.
func TestLists(t *testing.T) {
	dir := t.TempDir()
	laterFile, exceptionsFile := filepath.Join(dir, "later"), filepath.Join(dir, "exceptions")
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	se := math.Sqrt(3.5 / 6)
	for name, c := range map[string]struct {
		later, exceptions string
		estimate          float64
		want              outcome
		stale             int
	}{
		"a wrong case that is listed":       {"mean six s* #9 some day", "", 4, later, 0},
		"a right case that is listed":       {"mean * * #9 some day", "", 3.5, passed, 1},
		"a wrong case that is an exception": {"", "six-1 0.2 R is wrong here", 4, excepted, 0},
		"a right case that is an exception": {"", "six-1 0.2 R is wrong here", 3.5, passed, 1},
		"a line about other cases":          {"total * * #9 some day", "", 3.5, passed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			write(laterFile, "# comment\n\n"+c.later+"\n")
			write(exceptionsFile, c.exceptions)
			l, err := readLists(laterFile, exceptionsFile)
			if err != nil {
				t.Fatal(err)
			}
			a, f := sixRows(t)
			if got, _ := l.judge(t, a, f, meanCase("srs", c.estimate, se)); got != c.want {
				t.Errorf("outcome %v, want %v", got, c.want)
			}
			if got := l.stale(); len(got) != c.stale {
				t.Errorf("complaints %q, want %d", got, c.stale)
			}
		})
	}
	write(exceptionsFile, "six-1 wrong R is wrong here")
	if _, err := readLists(laterFile, exceptionsFile); err == nil || !strings.Contains(err.Error(), "exceptions:1") {
		t.Errorf("a bound that is no number: %v, want an error that names the line", err)
	}
	write(laterFile, "mean six srs #9")
	if _, err := readLists(laterFile, exceptionsFile); err == nil || !strings.Contains(err.Error(), "later:1") {
		t.Errorf("a line without a reason: %v, want an error that names the line", err)
	}
}

func TestTables(t *testing.T) {
	a, _ := sixRows(t)
	d, err := a.table("six.csv")
	if err != nil {
		t.Fatal(err)
	}
	for formula, want := range map[string][]float64{
		"10 - y":            {9, 8, 7, 6, 5, 4},
		"y * y / 2":         {0.5, 2, 4.5, 8, 12.5, 18},
		"1 if y > 3 else 0": {0, 0, 0, 1, 1, 1},
	} {
		derived, err := d.derive("z", formula)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := derived.numbers("z"); !slices.Equal(got, want) {
			t.Errorf("%s = %v, want %v", formula, got, want)
		}
	}
	if in, _ := d.holds([]condition{{"g", "!=", "a"}}); !slices.Equal(in, []bool{false, false, true, true, true, false}) {
		t.Errorf("g != a holds on %v; a missing value satisfies nothing", in)
	}
	kept, err := d.where([]condition{{"y", ">=", 2.0}, {"g", "==", "a"}})
	if err != nil || kept.rows != 1 || kept.columns["y"][0] != "2" {
		t.Errorf("where = %v, %v; want the second row", kept, err)
	}
	f, err := d.factor("g")
	if err != nil || !slices.Equal(f.Levels, []string{"a", "b", "c"}) || !slices.Equal(f.Level, []int{0, 0, 1, 1, 2, -1}) {
		t.Errorf("factor = %v, %v", f, err)
	}
	if _, err := d.numbers("x"); err == nil {
		t.Error("a column that is not there can be read")
	}
}

// together makes all missing where one is, and leaves its inputs alone.
func TestTogether(t *testing.T) {
	nan := math.NaN()
	x, y := []float64{1, nan, 3}, []float64{nan, 5, 6}
	both := together(x, y)
	for k, want := range []float64{3, 6} {
		if !math.IsNaN(both[k][0]) || !math.IsNaN(both[k][1]) || both[k][2] != want {
			t.Errorf("together[%d] = %v", k, both[k])
		}
	}
	if x[0] != 1 || y[1] != 5 {
		t.Errorf("the inputs became %v and %v", x, y)
	}
}

// Conditions of lone PSUs have R's names.
func TestLonePSURule(t *testing.T) {
	if got := lonePSURule(""); got != analysis.LoneFail {
		t.Errorf("R's default is fail, not %s", got)
	}
}
