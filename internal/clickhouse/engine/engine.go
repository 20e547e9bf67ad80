// Package engine is ClickHouse without a server: the real engine, libchdb, in a
// child process that answers ClickHouse's HTTP interface on a loopback port.
//
// The program calls Start and hands DSN to clickhouse-go; the child calls Run.
// What is asked of the engine, and by whom, is left to the store.
package engine

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Config says which engine to start. Only Data is needed.
type Config struct {
	Data    string       // folder of the data; one engine at a time
	Library string       // path of libchdb; found by FindLibrary if empty
	Program []string     // command that calls Run; this program with "engine" if empty
	Env     []string     // added to the environment of the child
	Memory  int64        // bytes a query may take; DefaultMemory if 0
	Log     *slog.Logger // slog.Default() if nil
}

const (
	firstPause = 50 * time.Millisecond // before a dead child is replaced
	longPause  = 5 * time.Second       // the same when it dies again and again
	steadyTime = time.Minute           // after which a child counts as healthy
	maxStarts  = 5                     // attempts to start, before giving up
	endTime    = 10 * time.Second      // for the child to end when asked
)

// Engine is a running engine process. It is replaced when it dies.
type Engine struct {
	config   Config
	secret   string
	listener *net.TCPListener
	handover *os.File // the listener, for the children
	closing  chan struct{}
	once     sync.Once // closes closing
	done     chan struct{}
	err      error // read after done
}

// Start starts the engine and waits until it answers or ctx ends.
func Start(ctx context.Context, c Config) (*Engine, error) {
	e, err := prepare(c)
	if err != nil {
		return nil, err
	}
	started := make(chan error, 1)
	go e.supervise(started)
	select {
	case err = <-started:
	case <-ctx.Done():
		err = fmt.Errorf("start the ClickHouse engine: %w", ctx.Err())
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// prepare fills in the defaults and takes a port.
func prepare(c Config) (*Engine, error) {
	var err error
	if c.Data, err = filepath.Abs(c.Data); err != nil {
		return nil, fmt.Errorf("data folder of the engine: %w", err)
	}
	if c.Library == "" {
		if c.Library, err = FindLibrary(c.Data); err != nil {
			return nil, err
		}
	}
	if len(c.Program) == 0 {
		program, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find the program to start as engine: %w", err)
		}
		c.Program = []string{program, "engine"}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	e := &Engine{config: c, secret: rand.Text(), closing: make(chan struct{}), done: make(chan struct{})}
	if e.listener, err = net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		return nil, fmt.Errorf("take a port for the engine: %w", err)
	}
	if e.handover, err = e.listener.File(); err != nil {
		e.listener.Close()
		return nil, fmt.Errorf("take a port for the engine: %w", err)
	}
	return e, nil
}

// Address is the host and port of the HTTP interface. It stays the same when the
// process is replaced.
func (e *Engine) Address() string { return e.listener.Addr().String() }

// Secret is the password of the user default.
func (e *Engine) Secret() string { return e.secret }

// DSN is the address in the form that clickhouse-go takes. It holds the secret:
// do not log it.
func (e *Engine) DSN() string {
	return "http://default:" + e.secret + "@" + e.Address() + "/default"
}

// Done is closed when there is no engine any more: after Close, or when it could
// not be started again. Err says why.
func (e *Engine) Done() <-chan struct{} { return e.done }

// Err is nil while the engine is there and after Close.
func (e *Engine) Err() error {
	select {
	case <-e.done:
		return e.err
	default:
		return nil
	}
}

// Close ends the engine process. What was inserted is on disk; a query that runs
// longer than some seconds is cut off.
func (e *Engine) Close() error {
	e.once.Do(func() { close(e.closing) })
	<-e.done
	return nil
}

// supervise keeps one child alive until Close. It stays on its thread, because
// Linux kills the child with the thread that started it.
func (e *Engine) supervise(started chan<- error) {
	runtime.LockOSThread()
	defer close(e.done)
	defer e.listener.Close()
	defer e.handover.Close()
	p := patience{pause: firstPause}
	for {
		begin := time.Now()
		served, err := e.serve(started)
		if e.isClosing() {
			return
		}
		if started != nil && !served { // whoever called Start decides what now
			e.err = err
			started <- err
			return
		}
		started = nil
		if !p.after(served, time.Since(begin)) {
			e.err = fmt.Errorf("the ClickHouse engine died and %d attempts to start it again failed: %w", maxStarts, err)
			e.config.Log.Error("clickhouse engine given up", "err", e.err)
			return
		}
		e.config.Log.Warn("clickhouse engine ended, starting it again", "err", err, "pause", p.pause)
		select {
		case <-time.After(p.pause):
		case <-e.closing:
			return
		}
	}
}

// patience says how long to wait before the next start, and when to stop trying.
type patience struct {
	pause    time.Duration
	failures int
}

// after takes note of a child that served or not and lived for some time. It is
// false when there have been enough attempts.
func (p *patience) after(served bool, lived time.Duration) bool {
	p.pause = min(2*p.pause, longPause)
	if lived > steadyTime {
		p.pause = firstPause
	}
	p.failures++
	if served {
		p.failures = 0
	}
	return p.failures < maxStarts
}

func (e *Engine) isClosing() bool {
	select {
	case <-e.closing:
		return true
	default:
		return false
	}
}

// serve runs one child to its end, and reports whether it ever served and why it
// ended. It tells started, if not nil, when it serves.
func (e *Engine) serve(started chan<- error) (served bool, err error) {
	c, err := e.launch()
	if err != nil {
		return false, err
	}
	first, exited := make(chan report, 1), make(chan error, 1)
	go c.follow(first, exited)
	for {
		select {
		case r := <-first:
			if r.Error != "" {
				c.end(exited)
				return false, errors.New(r.Error)
			}
			first = nil
			if served = r.Address != ""; served {
				if started != nil {
					started <- nil
				}
				c.stderr.speakUp()
				e.config.Log.Info("clickhouse engine serves", "address", r.Address, "version", r.Version, "pid", c.command.Process.Pid)
			}
		case err := <-exited:
			return served, c.died(err)
		case <-e.closing:
			return served, c.end(exited)
		}
	}
}

// child is one engine process.
type child struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  *bufio.Reader
	stderr  *lines
}

// launch starts the process and gives it its orders.
func (e *Engine) launch() (*child, error) {
	cmd := exec.Command(e.config.Program[0], e.config.Program[1:]...)
	c := &child{command: cmd, stderr: &lines{log: e.config.Log}}
	cmd.Env = append(os.Environ(), e.config.Env...)
	cmd.ExtraFiles = []*os.File{e.handover}
	cmd.SysProcAttr = attributes()
	cmd.Stderr = c.stderr
	cmd.WaitDelay = time.Second
	var err error
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start the engine process: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the engine process: %w", err)
	}
	c.stdout = bufio.NewReader(stdout)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the engine process: %w", err)
	}
	o := orders{Library: e.config.Library, Data: e.config.Data, Secret: e.secret, Memory: e.config.Memory}
	if err := json.NewEncoder(c.stdin).Encode(o); err != nil {
		return c, nil // it died at once: its exit says why
	}
	return c, nil
}

// follow passes on the child's first line, empty if it ends before it, and then
// how it ended.
func (c *child) follow(first chan<- report, exited chan<- error) {
	var r report
	if line, err := c.stdout.ReadBytes('\n'); err != nil || json.Unmarshal(line, &r) != nil {
		r = report{}
	}
	first <- r
	io.Copy(io.Discard, c.stdout) // to the end of the process
	exited <- c.command.Wait()
}

// end asks the process to end, and kills it if it does not.
func (c *child) end(exited <-chan error) error {
	c.stdin.Close()
	select {
	case err := <-exited:
		return err
	case <-time.After(endTime):
		c.command.Process.Kill()
		return <-exited
	}
}

// died makes an error of how the process ended and of what it wrote last.
func (c *child) died(err error) error {
	how := "exit status 0"
	if err != nil {
		how = err.Error()
	}
	if last := c.stderr.last(); last != "" {
		return fmt.Errorf("the engine process ended (%s): %s", how, last)
	}
	return fmt.Errorf("the engine process ended (%s)", how)
}

// lines passes what the child writes to stderr on to the log, line by line. It
// begins when the child serves: before that, the last line is the reason why
// Start fails, and said once.
type lines struct {
	log  *slog.Logger
	mu   sync.Mutex
	loud bool
	part []byte
	text string
}

func (l *lines) speakUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loud = true
}

// Write never fails: a child must not stop because nobody logs.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.part = append(l.part, p...)
	for {
		line, rest, found := bytes.Cut(l.part, []byte("\n"))
		if !found {
			return len(p), nil
		}
		if text := strings.TrimSpace(string(line)); text != "" {
			l.text = text
			if l.loud {
				l.log.Warn("clickhouse engine says", "line", text)
			}
		}
		l.part = rest
	}
}

func (l *lines) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text
}
