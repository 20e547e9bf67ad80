package main

import (
	"bytes"
	"context"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/internal/synthetic"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// table runs the program and gives what it printed.
func table(t *testing.T, wantStatus int, args ...string) string {
	t.Helper()
	var out, talk bytes.Buffer
	if status := run(context.Background(), args, &out, &talk); status != wantStatus {
		t.Fatalf("bench %v ends with %d, want %d; it says\n%s%s", args, status, wantStatus, talk.String(), out.String())
	}
	return out.String() + talk.String()
}

func TestTable(t *testing.T) {
	got := table(t, 0, "-rows", "2000", "-shuffled", "2000", "-repetitions", "1", "-enough", "0s", "-r", "0")
	for _, w := range works {
		if !strings.Contains(got, w.name) {
			t.Errorf("no line for %s", w.name)
		}
	}
	for _, want := range []string{
		"2,000 shuffled",
		"Bit-reproducible: 19 of 19 lines have the same bits with GOMAXPROCS 1 and 2.",
		"No times of R: not asked for.",
		"Margins: met by weights to",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q:\n%s", want, got)
		}
	}
}

// Of some works and two sizes, the larger has a growth.
func TestSomeWorks(t *testing.T) {
	got := table(t, 0, "-rows", "4000,2000", "-works", "^mean with|cells are there$", "-repetitions", "1", "-enough", "0s", "-r", "0")
	if want := "6 of 6 lines"; !strings.Contains(got, want) || strings.Contains(got, "logit") {
		t.Errorf("the table lacks %q or has a logit:\n%s", want, got)
	}
	for line := range strings.Lines(got) {
		if words := strings.Fields(line); len(words) > 5 && words[0] == "4,000" && words[1] != "rows:" && words[2] == "–" {
			t.Errorf("no growth in %q", line)
		}
	}
}

// The goals of a line are for its rows, and what R can hold is a size of its own.
func TestSizes(t *testing.T) {
	b := bench{options: options{rows: []int{100_000, million, 10 * million}, rowsR: million, works: works}, r: rscript{path: "Rscript"}}
	if got, want := b.sizes(), []int{10_000, 100_000, million, 5 * million, 10 * million}; !slices.Equal(got, want) {
		t.Errorf("sizes are %v, want %v", got, want)
	}
	for n, want := range map[int]string{10_000: "jkn", 5 * million: "rake"} {
		if got := b.worksOn(n); len(got) != 1 || got[0].id != want {
			t.Errorf("on %d rows: %d works, the first %s; want %s", n, len(got), got[0].id, want)
		}
	}
}

// Weights of 2 and 3 miss counts of 2 and 4 by a quarter.
func TestDistance(t *testing.T) {
	a := answer{weights: []float64{1, 3, 1}, margins: []weighting.Margin{{Levels: []string{"a", "b"}, Level: []int{0, 1, 0}, Targets: []float64{2, 4}}}}
	if got := a.distance(); got != 0.25 {
		t.Errorf("distance = %v, want 1/4", got)
	}
	if distanceGoal(0.25).met || !distanceGoal(1e-12).met {
		t.Error("the goal is a distance of 1e-12 at most")
	}
}

func TestFlagsThatCannotBe(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-rows 100", "at least 1740"},
		{"-rows many", "at least 1740"},
		{"-r always", "invalid value"},
		{"-repetitions 0", "at least 1"},
		{"-works (", "missing closing"},
		{"-works weather", "is the name of none"},
		{"more", "unknown argument"},
	} {
		if got := table(t, 2, strings.Fields(c.args)...); !strings.Contains(got, c.want) {
			t.Errorf("bench %s says %q, want %q", c.args, got, c.want)
		}
	}
}

// TestAgainstR lets R check answers of a small sample.
func TestAgainstR(t *testing.T) {
	var talk bytes.Buffer
	b := bench{options: options{repetitions: 1, cores: 2}, r: findR(t.Context()), progress: &talk}
	if b.r.absent != "" {
		t.Skip(b.r.absent)
	}
	var quick []work
	for _, w := range works {
		if w.id != "domains" && w.id != "quantiles" && w.id != "jkn" && w.rowsR > 0 { // those need seconds
			quick = append(quick, w)
		}
	}
	s := synthetic.Draw(5000)
	if err := b.measure(t.Context(), s, quick, false); err != nil {
		t.Fatal(err)
	}
	if err := b.compare(t.Context(), s, quick); err != nil {
		t.Fatal(err)
	}
	if len(b.faults) > 0 {
		t.Error(b.faults)
	}
	compared := 0
	for _, l := range b.lines {
		if l.r > 0 {
			compared++
		}
	}
	if compared != len(quick) {
		t.Errorf("%d lines were compared, want %d; the program said\n%s", compared, len(quick), talk.String())
	}
}

// An answer of R beyond rounding is a fault, and faults are what makes the table fail.
func TestWrongAnswersFail(t *testing.T) {
	s := synthetic.Draw(2000)
	d, err := analysis.NewDesign(s.Columns)
	if err != nil {
		t.Fatal(err)
	}
	l := line{work: works[0], rows: 2000}
	do, err := works[0].prepare(s, d)
	if err != nil {
		t.Fatal(err)
	}
	l.measured, err = measure(do, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		value, se   float64 // factors
		wantsFaults int
	}{
		{"the same", 1, 1, 0},
		{"within rounding", 1 + 1e-10, 1 - 1e-10, 0},
		{"another mean", 1 + 1e-7, 1, 1},
		{"another standard error", 1, 1 - 1e-7, 1},
		{"no standard error", 1, math.NaN(), 1},
	} {
		var talk bytes.Buffer
		b := bench{progress: &talk}
		theirs := numbers{values: []float64{c.value * l.numbers.values[0]}, se: []float64{c.se * l.numbers.se[0]}}
		b.agree(l, "R", theirs, works[0].tolerance)
		if len(b.faults) != c.wantsFaults || (c.wantsFaults > 0) != strings.Contains(talk.String(), "WRONG") {
			t.Errorf("%s: faults %v, said %q", c.name, b.faults, talk.String())
		}
	}
}

func TestDifference(t *testing.T) {
	nan := math.NaN()
	base := numbers{values: []float64{2, nan}, se: []float64{1, nan}, covariance: []float64{1, nan, nan, nan}}
	for _, c := range []struct {
		name  string
		other numbers
		want  float64
	}{
		{"itself", base, 0},
		{"value by its size", numbers{values: []float64{4, nan}, se: []float64{1, nan}}, 0.5},
		{"value by its error", numbers{values: []float64{0, nan}, se: []float64{1, nan}}, 2},
		{"covariance by the errors", numbers{values: base.values, se: base.se, covariance: []float64{1.25, nan, nan, nan}}, 0.25},
		{"number where there is none", numbers{values: []float64{2, 3}, se: []float64{1, 1}}, math.Inf(1)},
		{"fewer", numbers{values: []float64{2}, se: []float64{1}}, math.Inf(1)},
	} {
		if got := base.difference(c.other); got != c.want {
			t.Errorf("%s: difference = %v, want %v", c.name, got, c.want)
		}
	}
}

// Every number of an answer counts for its bits, down to the last one.
func TestBits(t *testing.T) {
	with := func(change func(e *analysis.Estimate, c *mat.SymDense)) [32]byte {
		e := analysis.Estimate{Value: 1, SE: 2, Lo: 3, Hi: 4}
		c := mat.NewSymDense(2, []float64{1, 2, 2, 3})
		change(&e, c)
		return answer{estimates: []analysis.Estimate{e}, covariance: c}.bits()
	}
	same := with(func(*analysis.Estimate, *mat.SymDense) {})
	for name, change := range map[string]func(e *analysis.Estimate, c *mat.SymDense){
		"value":      func(e *analysis.Estimate, _ *mat.SymDense) { e.Value = math.Nextafter(1, 2) },
		"error":      func(e *analysis.Estimate, _ *mat.SymDense) { e.SE = math.Nextafter(2, 1) },
		"bound":      func(e *analysis.Estimate, _ *mat.SymDense) { e.Hi = math.Nextafter(4, 5) },
		"covariance": func(_ *analysis.Estimate, c *mat.SymDense) { c.SetSym(0, 1, math.Nextafter(2, 3)) },
	} {
		if with(change) == same {
			t.Errorf("another %s has the same bits", name)
		}
	}
	if with(func(*analysis.Estimate, *mat.SymDense) {}) != same {
		t.Error("the same answer has other bits")
	}
}

// kept is where the work of TestMemory leaves its column.
var kept []float64

// TestMemory: a work that allocates 16 MB and drops half of it has allocated all and
// holds 8 MB or more at once.
func TestMemory(t *testing.T) {
	const half = 1_000_000
	work := func() (answer, error) {
		for range 2 {
			kept = make([]float64, half)
			for i := range kept {
				kept[i] = 1
			}
		}
		return answer{}, nil
	}
	if got := allocated(func() { must(work()) }); got < 16*half || got > 17*half {
		t.Errorf("allocated %d bytes, want %d", got, 16*half)
	}
	kept = nil
	if got := peak(work, 0); got < 8*half {
		t.Errorf("peak of %d bytes, want %d or more", got, 8*half)
	}
	kept = nil
}

func TestRead(t *testing.T) {
	var r rscript
	got, err := r.read(strings.NewReader("version\tR 4\ntime\tmean\t0.5\ntime\tmean\t0.25\nestimate\tmean\t1.5\tNA\ncovariance\tmean\t2\n"),
		func(string, float64) {})
	if err != nil {
		t.Fatal(err)
	}
	m := got["mean"]
	if r.version != "R 4" || median(m.seconds) != 0.375 || m.values[0] != 1.5 || !math.IsNaN(m.se[0]) || m.covariance[0] != 2 {
		t.Errorf("read %+v of %s", m, r.version)
	}
	for _, line := range []string{"", "time", "time\tmean", "time\tmean\tlong", "estimate\tmean\t1", "Warning: no\tno\t1"} {
		if _, err := r.read(strings.NewReader(line+"\n"), func(string, float64) {}); err == nil || !strings.Contains(err.Error(), "cannot understand") {
			t.Errorf("%q: error %v", line, err)
		}
	}
}

// A script that fails is an error with what R said, not a table without R.
func TestRFails(t *testing.T) {
	path, err := exec.LookPath("false")
	if err != nil {
		t.Fatal(err)
	}
	r := rscript{path: path}
	if _, err := r.run(t.Context(), synthetic.Draw(2000), []string{"mean"}, 1, func(string, float64) {}); err == nil {
		t.Error("R failed and nobody noticed")
	}
}

func TestFigure(t *testing.T) {
	for x, want := range map[float64]string{0: "0.000", 0.1234: "0.123", 0.99999: "1.00", 1.234: "1.23", 9.999: "10.0", 12.34: "12.3", 99.96: "100", 1234.5: "1,235", 1234567: "1,234,567"} {
		if got := figure(x); got != want {
			t.Errorf("figure(%v) = %q, want %q", x, got, want)
		}
	}
}
