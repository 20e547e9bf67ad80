package main

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
)

// The goals against R are for goalRowsR rows and more; memory in use at once is to be at
// most goalMemory times the columns read, as a rule, and weights are to be at most
// goalDistance from their margins.
const (
	goalRowsR    = 100_000
	goalMemory   = 2
	goalDistance = 1e-12
)

// print writes the table, what its columns mean, and what was checked.
func (b *bench) print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	heads := []string{"time, ms", "growth", "allocated, MB", "peak, MB", "× columns", "goal, ms", "goal memory", "R, s", "× R", "goal × R"}
	row := func(name string, cells []string) {
		fmt.Fprintf(t, "%-41s\t%s\t\n", name, strings.Join(cells, "\t"))
	}
	empty := make([]string, len(heads)) // which keep the columns in line
	row("rows", heads)
	for _, w := range b.works {
		row("", empty)
		row(w.name, empty)
		for _, shuffled := range []bool{false, true} {
			for _, l := range b.lines {
				if l.work.id == w.id && l.shuffled == shuffled {
					row("  "+l.size(), b.cells(l))
				}
			}
		}
	}
	t.Flush()
	fmt.Fprint(out, `
time is the median; growth is it divided by that of the next smaller number of rows (10 times the rows in 10 times
the time is 10.0). allocated is what one run allocates; peak is what of it is in use at once, beyond the columns, and
× columns that as a multiple of the columns the work reads (8 bytes for a number or level, 16 for a label). The goals
are for rows in the order of PSUs on 2 cores: 1,000,000, or 5,000,000 for raking; those against R from 100,000 on. – is
not measured. Raking has 1,200 crossings and ends 1e-12 from the margins or nearer, in every replicate; R ends when no
count changes by more than 1e-12 of all. Works begin with the columns of a design, unless the cells are there: then the
pass that sums rows is not counted. Of the 1,000 bootstraps R makes 10, on multipliers that it is given; ≈ is their time
times 100.

`)
	fmt.Fprintf(out, "%s, %d of %d cores.\n", runtime.Version(), runtime.GOMAXPROCS(0), runtime.NumCPU())
	b.printR(out)
	if far := b.distance(); far > 0 {
		g := distanceGoal(far)
		fmt.Fprintf(out, "Margins: met by weights to %.2g at worst; %s.\n", far, g.words())
	}
	met, all := b.goals()
	fmt.Fprintf(out, "Goals met: %d of %d.\n", met, all)
	for _, f := range b.faults {
		fmt.Fprintln(out, "WRONG:", f)
	}
	same := 0
	for _, l := range b.lines {
		if l.sameBits {
			same++
		}
	}
	fmt.Fprintf(out, "Bit-reproducible: %d of %d lines have the same bits with GOMAXPROCS 1 and 2.\n", same, len(b.lines))
}

func (b *bench) printR(out io.Writer) {
	if b.r.absent != "" {
		fmt.Fprintf(out, "No times of R: %s.\n", b.r.absent)
		return
	}
	compared := 0
	for _, l := range b.lines {
		if l.r > 0 {
			compared++
		}
	}
	if compared == 0 {
		fmt.Fprintln(out, "No times of R: not asked for.")
		return
	}
	fmt.Fprintf(out, "%s on the same columns, one core: %d lines compared, estimates, standard errors and covariances, to %.0g (models %.0g).\n",
		b.r.version, compared, closed, iterative)
}

// cells are the columns of a line after the first.
func (b *bench) cells(l line) []string {
	c := []string{figure(1e3 * l.median()), "–", figure(float64(l.allocated) / 1e6), figure(float64(l.peak) / 1e6), figure(l.memory()),
		"–", "–", "–", "–", "–"}
	if before := b.smaller(l); before != nil {
		c[1] = figure(l.median() / before.median())
	}
	for i, g := range map[int]goal{5: l.timeGoal(), 6: l.memoryGoal(), 9: l.ratioGoal()} {
		if g.text != "" {
			c[i] = g.words()
		}
	}
	if l.r > 0 {
		c[7], c[8] = figure(l.r), figure(l.ratio())
		if l.work.partsR > 0 {
			c[7] = "≈ " + c[7]
		}
	}
	return c
}

// distance is the largest of weights from their margins.
func (b *bench) distance() float64 {
	far := 0.0
	for _, l := range b.lines {
		if l.distance > far {
			far = l.distance
		}
	}
	return far
}

func distanceGoal(far float64) goal {
	return goal{fmt.Sprintf("≤ %.0g", goalDistance), far <= goalDistance}
}

// smaller is the line of the same work on the next smaller number of rows.
func (b *bench) smaller(l line) *line {
	var found *line
	for i, o := range b.lines {
		if o.work.id == l.work.id && o.rows < l.rows && o.shuffled == l.shuffled && (found == nil || o.rows > found.rows) {
			found = &b.lines[i]
		}
	}
	return found
}

// A goal is what a line is to reach; one without text is none.
type goal struct {
	text string
	met  bool
}

func (g goal) words() string {
	return g.text + map[bool]string{true: " met", false: " MISSED"}[g.met]
}

// hasGoals says that the line is one that goals are for.
func (l line) hasGoals() bool { return l.work.goal > 0 && l.rows == l.work.goalRows && !l.shuffled }

func (l line) timeGoal() goal {
	if !l.hasGoals() {
		return goal{}
	}
	return goal{"≤ " + figure(1e3*l.work.goal.Seconds()), l.median() <= l.work.goal.Seconds()}
}

func (l line) memoryGoal() goal {
	switch {
	case !l.hasGoals():
		return goal{}
	case l.work.goalPeak > 0:
		return goal{fmt.Sprintf("≤ %s MB", figure(float64(l.work.goalPeak)/1e6)), l.peak <= l.work.goalPeak}
	}
	return goal{fmt.Sprintf("≤ %d ×", goalMemory), l.memory() <= goalMemory}
}

func (l line) ratioGoal() goal {
	if l.r == 0 || l.work.timesR == 0 || l.rows < goalRowsR {
		return goal{}
	}
	return goal{"≥ " + grouped(int(l.work.timesR)), l.ratio() >= l.work.timesR}
}

// goals counts the goals of all lines.
func (b *bench) goals() (met, all int) {
	for _, l := range b.lines {
		for _, g := range []goal{l.timeGoal(), l.memoryGoal(), l.ratioGoal()} {
			if g.text != "" {
				all++
			}
			if g.text != "" && g.met {
				met++
			}
		}
	}
	if far := b.distance(); far > 0 {
		all++
		if distanceGoal(far).met {
			met++
		}
	}
	return met, all
}

// memory is the peak as a multiple of the columns read.
func (l line) memory() float64 { return float64(l.peak) / float64(l.rows*l.work.bytes) }

// ratio is how many times as long R took.
func (l line) ratio() float64 { return l.r / l.median() }

func (l line) size() string {
	if l.shuffled {
		return grouped(l.rows) + " shuffled"
	}
	return grouped(l.rows)
}

// figure writes a number with three digits, or all before the point.
func figure(x float64) string {
	switch {
	case x >= 99.95:
		return grouped(int(x + 0.5))
	case x >= 9.995:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case x >= 0.9995:
		return strconv.FormatFloat(x, 'f', 2, 64)
	}
	return strconv.FormatFloat(x, 'f', 3, 64)
}

// grouped writes a whole number of at least 0 with commas between thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
