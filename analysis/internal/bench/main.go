// Command bench prints the speed table of package analysis: how long the usual works
// of a survey take on 10⁵, 10⁶ and 10⁷ synthetic rows, what memory they need, whether
// that meets the goals, and how long R's package survey takes for the same, where R is
// installed. It fails when R finds other numbers, or one core other bits than two.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/internal/synthetic"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program: the table goes to out, progress to errOut. It returns the exit
// status.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	o, err := parse(args, errOut)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(errOut, "bench: %v\n", err)
		return 2
	}
	b := bench{options: o, progress: errOut}
	if err := b.run(ctx); err != nil {
		fmt.Fprintf(errOut, "bench: %v\n", err)
		return 1
	}
	b.print(out)
	if len(b.faults) > 0 {
		return 1
	}
	return 0
}

type options struct {
	rows        []int // rising
	shuffled    int   // rows that are also tried in an order unlike that of the design; 0 for none
	repetitions int
	enough      time.Duration // in which a short work is repeated further
	cores       int
	rowsR       int // the most that R is given; 0 leaves R out
	works       []work
}

func parse(args []string, errOut io.Writer) (options, error) {
	o := options{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(errOut)
	rows := f.String("rows", "100000,1000000,10000000", "numbers of rows, separated by commas")
	f.IntVar(&o.shuffled, "shuffled", million, "number of rows that is also tried in shuffled order; 0 for none")
	f.IntVar(&o.repetitions, "repetitions", 7, "runs of each work; none begins after ten seconds")
	f.DurationVar(&o.enough, "enough", 200*time.Millisecond, "time in which a short work is repeated further")
	f.IntVar(&o.cores, "cores", 2, "cores to use; the goals are for 2")
	f.IntVar(&o.rowsR, "r", 1_000_000, "largest number of rows that R works on too, in some minutes and 4 GB for 1,000,000; 0 leaves R out")
	names := f.String("works", "", "regular expression for the names of the works to do; all when empty")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	wanted, err := regexp.Compile(*names)
	if err != nil {
		return o, fmt.Errorf("-works: %w", err)
	}
	o.works = slices.DeleteFunc(slices.Clone(works), func(w work) bool { return !wanted.MatchString(w.name) })
	for _, text := range strings.Split(*rows, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < synthetic.PSUs {
			return o, fmt.Errorf("-rows has %q; give numbers of at least %d, one for each PSU", text, synthetic.PSUs)
		}
		o.rows = append(o.rows, n)
	}
	slices.Sort(o.rows)
	o.rows = slices.Compact(o.rows)
	switch {
	case len(o.works) == 0:
		return o, fmt.Errorf("-works %q is the name of none", *names)
	case f.NArg() > 0:
		return o, fmt.Errorf("unknown argument %q; see -help", f.Arg(0))
	case o.repetitions < 1 || o.cores < 1:
		return o, errors.New("-repetitions and -cores are at least 1")
	case o.shuffled != 0 && !slices.Contains(o.rows, o.shuffled):
		o.shuffled = 0
	}
	return o, nil
}

// A bench is the table while it is made.
type bench struct {
	options
	progress io.Writer
	lines    []line
	r        rscript
	faults   []string // numbers that should be the same and are not
}

// A line of the table is one work on one sample.
type line struct {
	work     work
	rows     int
	shuffled bool
	measured
	r float64 // seconds; 0 when R did not do it
}

func (b *bench) run(ctx context.Context) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(b.cores))
	if b.rowsR > 0 {
		b.r = findR(ctx)
	}
	for _, n := range b.sizes() {
		b.say("%s rows: making the people", grouped(n))
		s := synthetic.Draw(n)
		todo := b.worksOn(n)
		if err := b.measure(ctx, s, todo, false); err != nil {
			return err
		}
		if err := b.compare(ctx, s, slices.DeleteFunc(slices.Clone(todo), func(w work) bool { return !b.givesR(w, n) })); err != nil {
			return err
		}
		if n == b.shuffled {
			todo = slices.DeleteFunc(todo, func(w work) bool { return w.inOrder })
			if err := b.measure(ctx, s.Shuffled(), todo, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// sizes are the numbers of rows of all works, rising: those asked for, and below the
// largest of them those that a goal is for or that R can just hold.
func (b *bench) sizes() []int {
	var sizes []int
	for _, w := range b.works {
		for _, n := range append([]int{w.goalRows, w.rowsR}, b.rows...) {
			if b.does(w, n) {
				sizes = append(sizes, n)
			}
		}
	}
	slices.Sort(sizes)
	return slices.Compact(sizes)
}

// does tells whether a work is done on so many rows.
func (b *bench) does(w work, n int) bool {
	further := n > 0 && n < b.rows[len(b.rows)-1] && (w.goal > 0 && n == w.goalRows || n == w.rowsR && b.givesR(w, n))
	return n <= w.mostRows && (slices.Contains(b.rows, n) || further)
}

func (b *bench) worksOn(n int) []work {
	return slices.DeleteFunc(slices.Clone(b.works), func(w work) bool { return !b.does(w, n) })
}

// givesR tells whether R does the work on so many rows, too.
func (b *bench) givesR(w work, n int) bool {
	return b.r.path != "" && n <= b.rowsR && n <= w.rowsR
}

// measure adds the lines of a sample.
func (b *bench) measure(ctx context.Context, s *synthetic.Sample, works []work, shuffled bool) error {
	d, err := analysis.NewDesign(s.Columns)
	if err != nil {
		return err
	}
	for _, w := range works {
		if err := ctx.Err(); err != nil {
			return err
		}
		l := line{work: w, rows: d.Rows(), shuffled: shuffled}
		do, err := w.prepare(s, d)
		if err == nil {
			l.measured, err = measure(do, b.repetitions, b.enough)
		}
		if err != nil {
			return fmt.Errorf("%s of %s rows: %w", w.name, l.size(), err)
		}
		b.say("%s rows: %s: %s ms (%s to %s in %d runs)", l.size(), w.name,
			figure(1e3*l.median()), figure(1e3*l.seconds[0]), figure(1e3*l.seconds[len(l.seconds)-1]), len(l.seconds))
		if !l.sameBits {
			b.fault("%s of %s rows: one core and two give different bits", w.name, l.size())
		}
		if sorted := b.find(w, l.rows); shuffled && sorted != nil {
			b.agree(l, "rows in the order of PSUs", sorted.numbers, closed)
		}
		b.lines = append(b.lines, l)
	}
	return nil
}

// compare lets R do works of a sample that have their lines.
func (b *bench) compare(ctx context.Context, s *synthetic.Sample, works []work) error {
	if len(works) == 0 {
		return nil
	}
	var ids []string
	for _, w := range works {
		ids = append(ids, w.id)
	}
	n := len(s.Score)
	found, err := b.r.run(ctx, s, ids, b.repetitions, func(id string, seconds float64) { b.say("%s rows: R: %s: %s s", grouped(n), id, figure(seconds)) })
	if err != nil {
		return fmt.Errorf("comparing with R on %s rows: %w", grouped(n), err)
	}
	for _, w := range works {
		l, theirs := b.find(w, n), found[w.id]
		if theirs == nil || len(theirs.seconds) == 0 {
			return fmt.Errorf("comparing with R on %s rows: it said nothing about %s", grouped(n), w.name)
		}
		l.r = median(theirs.seconds)
		if w.part == nil {
			b.agree(*l, "R", theirs.numbers, w.tolerance)
			continue
		}
		l.r *= float64(w.partsR)
		part, err := b.part(s, w)
		if err != nil {
			return fmt.Errorf("%s of %s rows: %w", w.name, l.size(), err)
		}
		b.agree(part, "R", theirs.numbers, w.tolerance)
	}
	return nil
}

// part is the part of a work that R does too.
func (b *bench) part(s *synthetic.Sample, w work) (line, error) {
	d, err := analysis.NewDesign(s.Columns)
	if err != nil {
		return line{}, err
	}
	a, err := w.part(s, d)
	return line{work: w, rows: d.Rows(), measured: measured{numbers: a.numbers()}}, err
}

// agree notes a fault when numbers differ by more than the tolerance.
func (b *bench) agree(l line, other string, theirs numbers, tolerance float64) {
	if off := l.numbers.difference(theirs); !(off <= tolerance) {
		b.fault("%s of %s rows differs from that of %s by %.2g relative; at most %.0g is rounding", l.work.name, l.size(), other, off, tolerance)
	}
}

// find is the line of a work on rows in the order of PSUs; nil when there is none.
func (b *bench) find(w work, rows int) *line {
	for i, l := range b.lines {
		if l.work.id == w.id && l.rows == rows && !l.shuffled {
			return &b.lines[i]
		}
	}
	return nil
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.progress, format+"\n", args...) }

func (b *bench) fault(format string, args ...any) {
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
	b.say("WRONG: "+format, args...)
}
