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
