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

// Which works R does beside ours.
const (
	rNone  = "none"
	rShort = "short" // all up to 10⁵ rows, and those that take less than two minutes up to 10⁶
	rAll   = "all"   // all up to 10⁶ rows
)

type options struct {
	rows        []int // rising
	shuffled    int   // rows that are also tried in an order unlike that of the design; 0 for none
	repetitions int
	enough      time.Duration // in which a short work is repeated further
	cores       int
	r           string
}

func parse(args []string, errOut io.Writer) (options, error) {
	o := options{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(errOut)
	rows := f.String("rows", "100000,1000000,10000000", "numbers of rows, separated by commas")
	f.IntVar(&o.shuffled, "shuffled", goalRows, "number of rows that is also tried in shuffled order; 0 for none")
	f.IntVar(&o.repetitions, "repetitions", 7, "runs of each work; R begins none after ten seconds")
	f.DurationVar(&o.enough, "enough", 200*time.Millisecond, "time in which a short work is repeated further")
	f.IntVar(&o.cores, "cores", 2, "cores to use; the goals are for 2")
	f.StringVar(&o.r, "r", rShort, "works that R does too: none; short, which leaves out what takes minutes; all, up to 1,000,000 rows")
	if err := f.Parse(args); err != nil {
		return o, err
	}
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
	case f.NArg() > 0:
		return o, fmt.Errorf("unknown argument %q; see -help", f.Arg(0))
	case o.repetitions < 1 || o.cores < 1:
		return o, errors.New("-repetitions and -cores are at least 1")
	case o.r != rNone && o.r != rShort && o.r != rAll:
		return o, fmt.Errorf("-r is %q; give none, short or all", o.r)
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
	if b.options.r != rNone {
		b.r = findR(ctx)
	}
	for _, n := range b.rows {
		b.say("%s rows: making the people", grouped(n))
		s := synthetic.Draw(n)
		if err := b.measure(ctx, s, false); err != nil {
			return err
		}
		if err := b.compare(ctx, s, b.worksOfR(n)); err != nil {
			return err
		}
		if n == b.shuffled {
			if err := b.measure(ctx, s.Shuffled(), true); err != nil {
				return err
			}
		}
	}
	return nil
}

// measure adds the lines of a sample.
func (b *bench) measure(ctx context.Context, s *synthetic.Sample, shuffled bool) error {
	d, err := analysis.NewDesign(s.Columns)
	if err != nil {
		return err
	}
	for _, w := range works {
		if err := ctx.Err(); err != nil {
			return err
		}
		l := line{work: w, rows: d.Rows(), shuffled: shuffled}
		l.measured, err = measure(func() (answer, error) { return w.do(s, d) }, b.repetitions, b.enough)
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

// worksOfR are the works that R can do in time.
func (b *bench) worksOfR(n int) []string {
	var ids []string
	if b.r.path == "" {
		return ids
	}
	for _, w := range works {
		if n <= 100_000 || n <= goalRows && (!w.long || b.options.r == rAll) {
			ids = append(ids, w.id)
		}
	}
	return ids
}

// compare lets R do works of a sample that have their lines.
func (b *bench) compare(ctx context.Context, s *synthetic.Sample, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	n := len(s.Score)
	found, err := b.r.run(ctx, s, ids, b.repetitions, func(id string, seconds float64) { b.say("%s rows: R: %s: %s s", grouped(n), id, figure(seconds)) })
	if err != nil {
		return fmt.Errorf("comparing %s rows with R: %w", grouped(n), err)
	}
	for _, w := range works {
		if !slices.Contains(ids, w.id) {
			continue
		}
		l, theirs := b.find(w, n), found[w.id]
		if theirs == nil {
			return fmt.Errorf("comparing %s rows with R: it said nothing about %s", grouped(n), w.name)
		}
		l.r = median(theirs.seconds)
		b.agree(*l, "R", theirs.numbers, w.tolerance)
	}
	return nil
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
