package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// program is “suyang serve” in a process of its own, which can be killed.
type program struct {
	t     *testing.T
	state string
	addr  string
	extra []string
	cmd   *exec.Cmd
	log   *os.File
	kills int
}

// startProgram serves a state folder; extra are further flags.
func startProgram(t *testing.T, state string, extra ...string) *program {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, state: state, addr: l.Addr().String(), extra: extra}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if p.log, err = os.Create(filepath.Join(t.TempDir(), "serve.log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			if said, err := os.ReadFile(p.log.Name()); err == nil {
				t.Logf("the end of what the server said:\n%s", said[max(0, len(said)-6000):])
			}
		}
		p.log.Close()
	})
	p.start()
	return p
}

// start starts the process and waits until it serves. Right after a kill the engine's folder
// may still be locked for a moment.
func (p *program) start() {
	p.t.Helper()
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if p.cmd == nil {
			p.cmd = exec.Command(os.Args[0], append([]string{"serve", "--state", p.state, "--listen", p.addr}, p.extra...)...)
			p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
			if err := p.cmd.Start(); err != nil {
				p.t.Fatal(err)
			}
		}
		r, err := http.Get("http://" + p.addr + "/healthz")
		if err == nil {
			r.Body.Close()
			return
		}
		if p.cmd.Process.Signal(syscall.Signal(0)) != nil || exited(p.cmd) {
			_ = p.cmd.Wait()
			p.cmd = nil
		}
		if time.Since(began) > time.Minute {
			p.t.Fatalf("the server does not serve: %v", err)
		}
	}
}

// exited says whether a process has ended, without waiting for it.
func exited(cmd *exec.Cmd) bool {
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
	return err != nil || bytes.Contains(state, []byte(") Z "))
}

// kill kills the process at once.
func (p *program) kill() {
	if p.cmd == nil {
		return
	}
	p.kills++
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.cmd = nil
}

// stop lets the process end by itself.
func (p *program) stop() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(os.Interrupt)
	_ = p.cmd.Wait()
	p.cmd = nil
}

// line is the way from a tablet to the server: it may be cut, and it may lose, repeat, reorder
// and truncate what goes over it.
type line struct {
	t      *testing.T
	target string
	site   *httptest.Server

	mu      sync.Mutex
	chance  *rand.Rand
	offline bool
	faulty  bool
	// held are copies of requests that arrive later, once more and in another order.
	held []heldRequest
	// faults counts what was done, answers are those of the server that came, by path.
	faults  map[string]int
	answers []syncAnswer
	// instead answers for the server, when it is set and says so.
	instead func(http.ResponseWriter, *http.Request) bool
}

type heldRequest struct {
	method, path string
	header       http.Header
	body         []byte
}

// syncAnswer is what the server said to a batch of a journal.
type syncAnswer struct {
	Receipt    *signed `json:"receipt"`
	Checkpoint *signed `json:"checkpoint"`
}

// signed is a receipt or a checkpoint.
type signed struct {
	Device    string `json:"device"`
	From      uint64 `json:"from"`
	To        uint64 `json:"to"`
	UpTo      uint64 `json:"upto"`
	Head      string `json:"head"`
	At        string `json:"at"`
	Signature string `json:"signature"`
}

func newLine(t *testing.T, target string, chance *rand.Rand) *line {
	l := &line{t: t, target: target, chance: chance, faults: map[string]int{}}
	l.site = httptest.NewServer(l)
	t.Cleanup(l.site.Close)
	return l
}

func (l *line) set(offline, faulty bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.offline, l.faulty = offline, faulty
}

// what happens to a request.
const (
	passes          = "passed"
	lostRequest     = "lost on the way"
	lostAnswer      = "answer lost"
	cutRequest      = "request truncated"
	cutAnswer       = "answer truncated"
	repeated        = "repeated"
	comesAgainLater = "repeated later, out of order"
)

// fate draws what happens to a request.
func (l *line) fate(path string) (fate string, offline bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.offline {
		return "", true
	}
	if !l.faulty || !strings.HasPrefix(path, "/v1/tablet/") {
		return passes, false
	}
	fates := []string{passes, passes, passes, lostRequest, lostAnswer, cutRequest, cutAnswer, repeated, comesAgainLater}
	fate = fates[l.chance.IntN(len(fates))]
	if fate != passes {
		l.faults[fate]++
	}
	return fate, false
}

func (l *line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	l.mu.Lock()
	instead := l.instead
	l.mu.Unlock()
	if instead != nil && instead(w, r) {
		return
	}
	fate, offline := l.fate(r.URL.Path)
	if offline {
		hangUp(w)
		return
	}
	copied := heldRequest{r.Method, r.URL.RequestURI(), r.Header.Clone(), body}
	switch fate {
	case lostRequest:
		hangUp(w)
		return
	case cutRequest:
		half := copied
		half.body = body[:len(body)/2]
		_, _, _ = l.forward(half)
		hangUp(w)
		return
	case repeated:
		_, _, _ = l.forward(copied)
	case comesAgainLater:
		l.mu.Lock()
		l.held = append(l.held, copied)
		l.mu.Unlock()
	}
	defer l.release()
	status, header, answer := l.forward(copied)
	if status == 0 || fate == lostAnswer {
		hangUp(w)
		return
	}
	maps.Copy(w.Header(), header)
	w.WriteHeader(status)
	if fate == cutAnswer {
		_, _ = w.Write(answer[:len(answer)/2])
		hangUp(w)
		return
	}
	if r.URL.Path == "/v1/tablet/sync" && status == http.StatusOK {
		var a syncAnswer
		if json.Unmarshal(answer, &a) != nil {
			l.t.Errorf("what the server said cannot be read: %.200q", answer)
		} else {
			l.mu.Lock()
			l.answers = append(l.answers, a)
			l.mu.Unlock()
		}
	}
	_, _ = w.Write(answer)
}

// release sends what was held back, the last first.
func (l *line) release() {
	l.mu.Lock()
	if l.chance.IntN(3) > 0 {
		l.mu.Unlock()
		return
	}
	held := l.held
	l.held = nil
	l.mu.Unlock()
	slices.Reverse(held)
	for _, h := range held {
		_, _, _ = l.forward(h)
	}
}

// forward sends a request to the server; status is 0 when it could not be reached.
func (l *line) forward(h heldRequest) (status int, header http.Header, answer []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, h.method, l.target+h.path, bytes.NewReader(h.body))
	if err != nil {
		return 0, nil, nil
	}
	r.Header = h.header.Clone()
	if h.path == "/v1/tablet/sync" {
		r.Header.Set("Accept-Encoding", "identity") // so that the test can read what is said
	}
	r.Host = strings.TrimPrefix(l.site.URL, "http://")
	response, err := lineTransport.RoundTrip(r)
	if err != nil {
		return 0, nil, nil
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		return 0, nil, nil
	}
	return response.StatusCode, response.Header, answer
}

// lineTransport neither follows nor unpacks anything.
var lineTransport = &http.Transport{DisableCompression: true, DisableKeepAlives: true}

// hangUp ends a connection in the middle.
func hangUp(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if c, _, err := h.Hijack(); err == nil {
			c.Close()
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// device is a tablet: a browser with a profile that stays, started and killed many times.
type device struct {
	t       *testing.T
	path    string
	site    string
	profile string
	kills   int
	// before is done before the app is opened; nil for nothing.
	before chromedp.Action

	ctx  context.Context
	end  func()
	pid  int
	mu   sync.Mutex
	said []string // through the binding “tell”
	// complaints are exceptions of the page.
	complaints []string
}

func newDevice(t *testing.T, site string) *device {
	t.Helper()
	d := &device{t: t, site: site, profile: t.TempDir()}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			d.path = found
			break
		}
	}
	switch {
	case d.path == "" && os.Getenv("CI") == "true":
		t.Fatal("no Chromium found; install it with: apt-get install chromium")
	case d.path == "":
		t.Skip("no Chromium found; install it with: apt-get install chromium")
	}
	t.Cleanup(d.kill)
	return d
}

// start opens the browser with the app in a window of a size, and the permission to keep
// data, which an installed app has.
func (d *device) start(width, height int64, address string) {
	d.t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(d.path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(d.profile), chromedp.Flag("disable-quic", true), chromedp.Flag("lang", "zh-CN"), chromedp.Flag("accept-lang", "zh-CN"), chromedp.WSURLReadTimeout(30*time.Second),
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }))
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(alloc)
	d.ctx, d.end = ctx, func() { stop(); stopAlloc() }
	chromedp.ListenTarget(ctx, d.listen)
	if err := chromedp.Run(ctx, runtime.AddBinding("tell"), chromedp.EmulateViewport(width, height), chromedp.ActionFunc(func(ctx context.Context) error {
		c := chromedp.FromContext(ctx)
		d.pid = c.Browser.Process().Pid
		return browser.SetPermission(&browser.PermissionDescriptor{Name: "persistent-storage"}, browser.PermissionSettingGranted).WithOrigin(d.site).
			Do(cdp.WithExecutor(ctx, c.Browser))
	})); err != nil {
		d.t.Fatalf("start the browser: %v", err)
	}
	open := []chromedp.Action{chromedp.Navigate(d.site + address)}
	if d.before != nil {
		open = append([]chromedp.Action{d.before}, open...)
	}
	if err := d.do(20*time.Second, open...); err != nil {
		d.t.Fatalf("open the app: %v", err)
	}
}

func (d *device) listen(event any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventBindingCalled:
		d.said = append(d.said, e.Payload)
	case *runtime.EventExceptionThrown:
		d.complaints = append(d.complaints, e.ExceptionDetails.Error())
	}
}

// heard takes what the page told.
func (d *device) heard() (said []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	said, d.said = d.said, nil
	return said
}

// do runs actions for at most some time.
func (d *device) do(most time.Duration, actions ...chromedp.Action) error {
	ctx, cancel := context.WithTimeout(d.ctx, most)
	defer cancel()
	return chromedp.Run(ctx, actions...)
}

// must is do for what has to work.
func (d *device) must(actions ...chromedp.Action) {
	d.t.Helper()
	if err := d.do(time.Minute, actions...); err != nil {
		d.t.Fatalf("the tablet: %v", errors.Join(err, errors.New(strings.Join(d.complaints, "; "))))
	}
}

// eval evaluates a script that may wait, and reads what it gives into v.
func (d *device) eval(script string, v any) {
	d.t.Helper()
	d.must(chromedp.Evaluate(script, v, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
}

// kill kills the browser with all its processes at once.
func (d *device) kill() {
	if d.pid == 0 {
		return
	}
	d.kills++
	_ = syscall.Kill(-d.pid, syscall.SIGKILL)
	d.end()
	d.pid = 0
	for _, lock := range []string{"SingletonLock", "SingletonSocket", "SingletonCookie"} { // of a browser that is gone
		_ = os.Remove(filepath.Join(d.profile, lock))
	}
}

// kept finds a folder of the profile in which the browser keeps data of pages.
func (d *device) kept(name string) string {
	d.t.Helper()
	found := ""
	err := filepath.WalkDir(d.profile, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && e.Name() == name {
			found = path
			return filepath.SkipAll
		}
		return err
	})
	if err != nil || found == "" {
		d.t.Fatalf("the browser has no folder %q: %v", name, err)
	}
	return found
}

// Where Chromium keeps the database of a page, and its private files.
const (
	databaseFolder = "IndexedDB"
	filesFolder    = "File System"
)

// lose takes a folder of the browser away, as a fault of its storage does.
func (d *device) lose(name string) {
	d.t.Helper()
	if err := os.RemoveAll(d.kept(name)); err != nil {
		d.t.Fatal(err)
	}
}
