package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"
)

// console is where a command reads and talks: results to out, talk to err.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// say prints one line of talk.
func (c *console) say(format string, args ...any) { fmt.Fprintf(c.err, format+"\n", args...) }

// terminal says whether somebody watches the talk.
func (c *console) terminal() bool {
	f, ok := c.err.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progress shows how far a long step is: a bar on a terminal, elsewhere one line at
// its end. It is safe for concurrent use.
type progress struct {
	con   *console
	what  string
	total int
	done  atomic.Int64
	begun time.Time
	bar   *progressbar.ProgressBar
}

// bar begins a step of total parts.
func (c *console) bar(what string, total int) *progress {
	p := &progress{con: c, what: what, total: total, begun: time.Now()}
	if c.terminal() {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(c.err), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
	}
	return p
}

// add says that n more parts are done.
func (p *progress) add(n int) {
	p.done.Add(int64(n))
	if p.bar != nil {
		_ = p.bar.Add(n) // a bar that cannot be drawn is no reason to stop
	}
}

// finish ends the step, whether or not all of it was done, and says how long it took.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
	count := fmt.Sprint(p.total)
	if done := p.done.Load(); done < int64(p.total) {
		count = fmt.Sprintf("%d of %d", done, p.total)
	}
	p.con.say("%s: %s in %s", p.what, count, time.Since(p.begun).Round(100*time.Millisecond))
}

// worthABar is how long a step takes before somebody wants to see how far it is.
const worthABar = 2 * time.Second

// patience shows how far a step is once it has taken worthABar, and nothing before.
type patience struct {
	con   *console
	what  string
	begun time.Time
	done  int
	bar   *progress
}

// patience begins a step.
func (c *console) patience(what string) *patience {
	return &patience{con: c, what: what, begun: time.Now()}
}

// step takes how many of all parts are done.
func (p *patience) step(done, total int) {
	if p.bar == nil && time.Since(p.begun) >= worthABar {
		p.bar = p.con.bar(p.what, total)
		p.bar.begun = p.begun
	}
	if p.bar != nil {
		p.bar.add(done - p.done)
		p.done = done
	}
}

// finish ends the step.
func (p *patience) finish() {
	if p.bar != nil {
		p.bar.finish()
	}
}

// each calls f with every item, several at a time, until all are done or one fails.
func each[T any](ctx context.Context, atOnce int, items []T, f func(context.Context, T) error) error {
	g, running := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, it := range items {
		if running.Err() != nil {
			break
		}
		g.Go(func() error { return f(running, it) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}
