package conformance

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
)

// A kind computes a case of one estimator and compares it through the run. An error
// fails the case.
type kind func(r *run) error

// kinds has the function of each estimator that is supported.
var kinds = make(map[string]kind)

// register adds a kind; every file of kinds does so in its init.
func register(estimator string, k kind) {
	if kinds[estimator] != nil {
		panic("two kinds are called " + estimator)
	}
	kinds[estimator] = k
}

// A run is one case being computed on its design.
type run struct {
	*session
	Case
	archive *archive
	checks  int
	worst   float64 // relative error
	faults  []string
}

// check compares a number within the tolerance of the case.
func (r *run) check(what string, got, want float64) {
	r.checkWithin(what, got, want, r.Tolerance.Rel)
}

// checkWithin compares with another relative tolerance, which the case must state.
func (r *run) checkWithin(what string, got, want, rel float64) {
	r.checks++
	if got == want || math.IsNaN(got) && math.IsNaN(want) {
		return
	}
	off := math.Abs(got - want)
	if math.Abs(want) > nearZero {
		r.worst = max(r.worst, off/math.Abs(want))
	}
	if !(off <= r.Tolerance.Abs+rel*math.Abs(want)) {
		r.fault("%s = %.15g, want %.15g, off by %.2g", what, got, want, got/want-1)
	}
}

// nearZero is the size below which a relative error says nothing.
const nearZero = 1e-9

// checkAll compares a list of numbers.
func (r *run) checkAll(what string, got, want []float64) {
	if len(got) != len(want) {
		r.fault("%s has %d numbers, want %d", what, len(got), len(want))
		return
	}
	for i := range want {
		r.check(fmt.Sprintf("%s[%d]", what, i), got[i], want[i])
	}
}

// checkKnown compares with a field of extra, where the case has it.
func (r *run) checkKnown(what string, got float64, field string) {
	if r.Extra.has(field) {
		r.check(what, got, r.Extra.number(field))
	}
}

// checkMatrix compares a covariance matrix. An element is held to the tolerance relative
// to the standard deviations of its row and column: where it is zero in theory, R's
// number is rounding.
func (r *run) checkMatrix(what string, got func(i, j int) float64, want [][]float64) {
	for i, row := range want {
		for j, v := range row {
			r.checks++
			scale := math.Sqrt(want[i][i] * want[j][j])
			off := math.Abs(got(i, j) - v)
			if scale > nearZero*nearZero {
				r.worst = max(r.worst, off/scale)
			}
			if !(off <= r.Tolerance.Abs+r.Tolerance.Rel*max(scale, math.Abs(v))) {
				r.fault("%s[%d,%d] = %.15g, want %.15g, off by %.2g of the standard deviations", what, i, j, got(i, j), v, off/scale)
			}
		}
	}
}

// fault records that the case fails.
func (r *run) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

// The outcomes of a case.
type outcome int

const (
	passed outcome = iota
	failed
	later    // not supported, and listed
	excepted // wrong in our opinion, and listed
	absent   // without data
)

// tally counts outcomes of one kind.
type tally struct {
	count [absent + 1]int
	worst float64 // of those passed
}

// TestOracles runs every case of every oracle file.
func TestOracles(t *testing.T) {
	a := newArchive()
	files, err := filepath.Glob(filepath.Join(a.oracles, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no oracle files in %s: %v", a.oracles, err)
	}
	list, err := readLists("testdata/later.txt", "testdata/exceptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	oracles := []func(*archive) (oracleFile, error){gssFile, pisa2012, timss2011, pisa2018}
	for _, name := range files {
		oracles = append(oracles, func(*archive) (oracleFile, error) {
			var f oracleFile
			return f, readJSON(name, &f)
		})
	}
	tallies := make(map[string]*tally)
	for _, open := range oracles {
		f, err := open(a)
		if err != nil {
			t.Errorf("%v; fields of cases and designs are described in testdata/SOURCES.md", err)
			continue
		}
		for _, c := range f.Cases {
			if tallies[c.Estimator] == nil {
				tallies[c.Estimator] = new(tally)
			}
			t.Run(c.ID, func(t *testing.T) { tallies[c.Estimator].add(list.judge(t, a, f, c)) })
		}
	}
	for _, complaint := range list.stale() {
		t.Error(complaint)
	}
	t.Log("\n" + closingTable(tallies) + list.missing() + list.waiting())
}

// compute runs one case; what is wrong with it comes back as faults.
func (a *archive) compute(f oracleFile, c Case) (*run, error) {
	s, err := a.open(f, c.Design)
	if errors.Is(err, errAbsent) {
		return nil, err
	}
	k := kinds[c.Estimator]
	r := &run{session: s, Case: c, archive: a}
	switch {
	case err != nil:
		r.fault("%v", err)
	case k == nil:
		r.fault("kind %q is not supported", c.Estimator)
	default:
		if err := k(r); err != nil {
			r.fault("%v", err)
		} else if r.checks == 0 {
			r.fault("nothing was compared")
		}
	}
	return r, nil
}

// add counts one case.
func (y *tally) add(o outcome, worst float64) {
	y.count[o]++
	if o == passed {
		y.worst = max(y.worst, worst)
	}
}

// closingTable prints the closing table, kinds in order of their names.
func closingTable(tallies map[string]*tally) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "kind\tcases\tpassed\tfailed\tlater\texcepted\tabsent\tworst relative error\t")
	var all tally
	for _, name := range slices.SortedFunc(maps.Keys(tallies), cmp.Compare) {
		writeTally(w, name, tallies[name])
		for o, n := range tallies[name].count {
			all.count[o] += n
		}
		all.worst = max(all.worst, tallies[name].worst)
	}
	writeTally(w, "all", &all)
	w.Flush()
	return text.String()
}

func writeTally(w *tabwriter.Writer, name string, y *tally) {
	cases := 0
	for _, n := range y.count {
		cases += n
	}
	worst := "-"
	if y.count[passed] > 0 {
		worst = fmt.Sprintf("%.1e", y.worst)
	}
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t\n", name, cases,
		y.count[passed], y.count[failed], y.count[later], y.count[excepted], y.count[absent], worst)
}
