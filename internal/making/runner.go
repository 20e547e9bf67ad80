package making

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// ErrBusy says that something else is being made. It wraps surveys.ErrConflict.
var ErrBusy = fmt.Errorf("something else is being made; wait until it is done: %w", surveys.ErrConflict)

// errPanic is a bug that ended a task.
var errPanic = errors.New("the task ended in a bug")

// Task is long work that somebody asked for.
type Task struct {
	Wave string
	Kind Kind
	// Who is the login of the account that asked.
	Who string
	// Do does it, and says through step how many parts of all are done. It ends when ctx does.
	Do func(ctx context.Context, step func(done, total int)) error
}

// Kind says what is made.
type Kind string

// The kinds of tasks.
const (
	ReportKind  Kind = "report"
	DraftsKind  Kind = "drafts"
	ReleaseKind Kind = "release"
)

// State is how far a task is, or what came of it.
type State struct {
	Wave  string
	Kind  Kind
	Who   string
	Began time.Time
	// Ended is the zero time while it is being done.
	Ended time.Time
	// Done are the parts of Total that are done; Total is 0 while that is not known.
	Done, Total int
	// Err says why it failed.
	Err error
}

// Running says whether it is being done.
func (s State) Running() bool { return !s.Began.IsZero() && s.Ended.IsZero() }

// runner does one task at a time.
type runner struct {
	limit time.Duration
	now   func() time.Time
	tasks chan Task

	mu      sync.Mutex
	current State
	// last are the tasks that ended last, by wave and kind.
	last map[[2]string]State
}

func newRunner(limit time.Duration, now func() time.Time) *runner {
	return &runner{limit: limit, now: now, tasks: make(chan Task, 1), last: map[[2]string]State{}}
}

// start begins a task beside the caller; ErrBusy while another one is being done.
func (r *runner) start(t Task) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current.Running() {
		return ErrBusy
	}
	select {
	case r.tasks <- t:
	default: // nobody has taken the one before
		return ErrBusy
	}
	r.current = State{Wave: t.Wave, Kind: t.Kind, Who: t.Who, Began: r.now()}
	return nil
}

// run does what is started, until ctx ends, which ends what is being done. What was started and
// not taken up by then ends in the same way, so that whoever asked is told.
func (r *runner) run(ctx context.Context) {
	for {
		select {
		case t := <-r.tasks:
			r.end(r.do(ctx, t))
		case <-ctx.Done():
			select {
			case t := <-r.tasks:
				r.end(r.do(ctx, t))
			default:
			}
			return
		}
	}
}

// do does a task. A bug in it must not end the program, which takes interviews.
func (r *runner) do(ctx context.Context, t Task) error {
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	return guarded(ctx, func() error { return t.Do(ctx, r.step) })
}

// guarded calls do and turns a bug in it into an error. What failed because ctx ended says so.
func guarded(ctx context.Context, do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("making ended in a bug", "panic", p, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	err = do()
	if cause := ctx.Err(); err != nil && cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

func (r *runner) step(done, total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current.Done, r.current.Total = done, total
}

func (r *runner) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current.Ended, r.current.Err = r.now(), err
	r.last[[2]string{r.current.Wave, string(r.current.Kind)}] = r.current
	if err != nil && !errors.Is(err, context.Canceled) {
		slog.Warn("making failed", "kind", r.current.Kind, "wave", r.current.Wave, "cause", err)
	}
}

// states are what is being made, of whatever wave, and what came last of a kind for a wave;
// zero where there is none.
func (r *runner) states(wave string, kind Kind) (now, last State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current.Running() {
		now = r.current
	}
	return now, r.last[[2]string{wave, string(kind)}]
}
