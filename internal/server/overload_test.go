package server

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

var overload = flag.Int("overload", 0, "seconds of overload; 0 is a short run")

// overloadFolder tells TestOverload, run as a program of its own, to be the server.
const overloadFolder = "SERVER_OVERLOAD"

// What the overloaded server has: a disk that takes 20 ms for each sync, of 8 records at
// most, which makes some hundreds of interviews a second, and room for 64 at one time.
const (
	slowSync    = 20 * time.Millisecond
	slowRecords = 8
	slowPlaces  = 64
	slowWait    = 100 * time.Millisecond
)

// slowDisk is a folder whose syncs take their time.
type slowDisk struct{ wal.FS }

func (d slowDisk) Create(name string) (wal.File, error) {
	f, err := d.FS.Create(name)
	return slowFile{f}, err
}

type slowFile struct{ wal.File }

func (f slowFile) Datasync() error {
	time.Sleep(slowSync)
	return f.File.Datasync()
}

// overloaded serves on a slow disk until it is killed.
func overloaded(dir string) error {
	folder, err := wal.Folder(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	Tune(context.Background()) // as the program does
	slow := wal.DefaultConfig("")
	slow.FS, slow.BatchRecords = slowDisk{folder}, slowRecords
	return serveIn(dir, slow, func(cfg *Config) { cfg.MaxRequests, cfg.Pressure.QueueWait = slowPlaces, slowWait })
}

// crowd sends interviews over many connections and notes what comes of them.
type crowd struct {
	t        *testing.T
	addr     string
	template string
	next     atomic.Int64

	mu       sync.Mutex
	accepted map[string]bool // by ID
	refused  map[int]int     // by status
	unsaid   int             // refused without Retry-After
	broken   int             // connections that ended in the middle
	sent     int
	took     []time.Duration // of those accepted
}

// send lets connections send for a time, each one request every period; 0 is without a pause.
func (k *crowd) send(connections int, period, lasts time.Duration) {
	k.accepted, k.refused, k.took, k.sent = map[string]bool{}, map[int]int{}, nil, 0
	until := time.Now().Add(lasts)
	var all sync.WaitGroup
	for range connections {
		conn, err := net.Dial("tcp", k.addr)
		if err != nil {
			k.t.Fatal(err)
		}
		defer conn.Close()
		all.Go(func() { k.member(conn, period, until) })
	}
	all.Wait()
}

func (k *crowd) member(conn net.Conn, period time.Duration, until time.Time) {
	in := bufio.NewReader(conn)
	due := time.Now()
	if period > 0 {
		due = due.Add(rand.N(period))
	}
	for due.Before(until) {
		time.Sleep(time.Until(due))
		id := fmt.Sprintf("7d7f1c6e-55a8-4b21-8b0e-%012x", k.next.Add(1))
		began := time.Now()
		status, again, err := k.ask(conn, in, strings.Replace(k.template, interviewID, id, 1))
		k.note(id, status, again, time.Since(began), err)
		if err != nil {
			return
		}
		if due = due.Add(period); due.Before(time.Now()) {
			due = time.Now()
		}
	}
}

// interviewID is that of interviewBody.
const interviewID = "7d7f1c6e-55a8-4b21-8b0e-5d1f8a1a0001"

func (k *crowd) ask(conn net.Conn, in *bufio.Reader, body string) (status int, again string, err error) {
	_, err = fmt.Fprintf(conn, "POST /v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	if err != nil {
		return 0, "", err
	}
	r, err := http.ReadResponse(in, nil)
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	_, err = io.Copy(io.Discard, r.Body)
	return r.StatusCode, r.Header.Get("Retry-After"), err
}

func (k *crowd) note(id string, status int, again string, took time.Duration, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sent++
	switch {
	case err != nil:
		k.broken++
	case status == http.StatusCreated:
		k.accepted[id] = true
		k.took = append(k.took, took)
	default:
		k.refused[status]++
		if again == "" {
			k.unsaid++
		}
	}
}

// Ten times as many interviews are sent as the server can make durable, by senders who do not
// wait as they are told. It keeps on accepting as many as it can, says to the others when to
// come again, and loses none that it accepted.
func TestOverload(t *testing.T) {
	if dir := os.Getenv(overloadFolder); dir != "" {
		fmt.Println(overloaded(dir))
		return
	}
	lasts, peakLasts, connections := 2*time.Second, time.Second, 600
	if *overload > 0 {
		lasts, peakLasts, connections = time.Duration(*overload)*time.Second, 10*time.Second, 1500
	}
	dir := t.TempDir()
	addr, child := startSelf(t, "TestOverload", overloadFolder, dir)
	k := &crowd{t: t, addr: addr, template: interviewBody(t, nil)}
	k.send(slowPlaces, 0, peakLasts)
	peak, all := float64(len(k.accepted))/peakLasts.Seconds(), k.accepted
	k.send(connections, time.Duration(float64(connections)/(10*peak)*float64(time.Second)), lasts)
	goodput := float64(len(k.accepted)) / lasts.Seconds()
	slices.Sort(k.took)
	rss := childRSS(t, child.Process.Pid)
	t.Logf("peak %.0f interviews/s; overload %v with %d connections: offered %.1f times as many, accepted %.0f/s (%.0f %% of the peak), p50 %v, p99 %v; refused %v, without Retry-After %d; at most %d MB",
		peak, lasts, connections, float64(k.sent)/lasts.Seconds()/peak, goodput, 100*goodput/peak,
		k.took[len(k.took)/2].Round(time.Millisecond), k.took[len(k.took)*99/100].Round(time.Millisecond), k.refused, k.unsaid, rss)
	if k.refused[http.StatusServiceUnavailable] == 0 || k.unsaid > 0 || k.broken > 0 {
		t.Errorf("refused %v, %d without Retry-After, %d connections broke", k.refused, k.unsaid, k.broken)
	}
	for status := range k.refused {
		if status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests {
			t.Errorf("%d refused with %d", k.refused[status], status)
		}
	}
	if *overload > 0 && (goodput < 0.8*peak || rss > 300) {
		t.Errorf("%.0f interviews/s with %d MB, want 80 %% of %.0f with at most 300 MB", goodput, rss, peak)
	}
	child.Process.Kill()
	child.Wait()
	for id := range k.accepted {
		all[id] = true
	}
	k.check(filepath.Join(dir, "log"), all)
}

// check looks for all accepted interviews in the log.
func (k *crowd) check(dir string, accepted map[string]bool) {
	log, err := wal.Open(wal.DefaultConfig(dir))
	if err != nil {
		k.t.Fatal(err)
	}
	defer log.Close()
	found := map[string]int{}
	for r, err := range log.Read(1) {
		if err != nil {
			k.t.Fatal(err)
		}
		found[fmt.Sprintf("%x-%x-%x-%x-%x", r.ID[:4], r.ID[4:6], r.ID[6:8], r.ID[8:10], r.ID[10:])]++
	}
	lost, doubled := 0, 0
	for id := range accepted {
		if found[id] == 0 {
			lost++
		}
	}
	for _, n := range found {
		if n > 1 {
			doubled++
		}
	}
	k.t.Logf("%d accepted, %d lost, %d twice in the log", len(accepted), lost, doubled)
	if lost > 0 || doubled > 0 || len(accepted) == 0 {
		k.t.Errorf("%d accepted, %d lost, %d twice; want some, none, none", len(accepted), lost, doubled)
	}
}

var mostMemory = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// childRSS is the most memory that a process had, in MB; 0 where that cannot be found out.
func childRSS(t *testing.T, pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	found := mostMemory.FindSubmatch(status)
	if found == nil {
		t.Fatal("the system does not say how much memory the server has")
	}
	kb, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kb >> 10
}

var slowClients = flag.Int("slow-clients", 0, "half-open connections; 0 is a short run with short timeouts")

// slowKinds are the ways in which clients are slow: what each sends at once, before it goes on
// byte by byte. Long headers are those that take most memory.
var slowKinds = []struct {
	name  string
	start func(i int) string
}{
	{"headers and bodies", func(i int) string {
		if i%4 == 0 {
			return "POST /v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
		}
		return "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "
	}},
	{"headers of 15 KB in one line", func(int) string { return "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: " + strings.Repeat("y", 15_000) }},
	{"headers of 12 KB in 2,000 lines", func(int) string { return manyLines() }},
}

// manyLines is a header of which each line becomes an entry of a map.
var manyLines = sync.OnceValue(func() string {
	b := []byte("GET / HTTP/1.1\r\nHost: x\r\n")
	for i := range 2000 {
		b = fmt.Appendf(b, "%03x:\r\n", i)
	}
	return string(b)
})

// mostSlowMemory is what a server may have, in MB, whatever slow clients do.
const mostSlowMemory = 300

// Thousands who send a header or a body byte by byte keep nobody from being served, take little
// memory, and are all gone after the timeouts.
func TestSlowloris(t *testing.T) {
	for _, kind := range slowKinds {
		t.Run(kind.name, func(t *testing.T) { slowloris(t, kind.start) })
	}
}

func slowloris(t *testing.T, start func(i int) string) {
	const fine = 10
	n, addr, header, body := 300, "", time.Second, 2*time.Second
	memory := func() int { return 0 }
	if *slowClients > 0 {
		n, header, body = *slowClients, 5*time.Second, 30*time.Second
		var child *exec.Cmd
		addr, child = startSelf(t, "TestOverload", overloadFolder, t.TempDir())
		defer func() { child.Process.Kill(); child.Wait() }()
		memory = func() int { return childRSS(t, child.Process.Pid) }
	} else {
		addr = impatient(t, n, header, body)
	}
	people := newHealthy(t, addr, fine) // they were there before
	var gone sync.WaitGroup
	began := time.Now()
	for i := range n - fine {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		gone.Go(func() {
			if _, err := io.WriteString(conn, start(i)); err == nil {
				untilClosed(conn)
			}
		})
	}
	opened := time.Since(began)
	took := people.ask(300)
	done := make(chan struct{})
	go func() { gone.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(body + time.Minute):
		t.Fatal("slow clients are still there a minute after the last timeout")
	}
	t.Logf("%d slow clients, opened in %v; healthy requests meanwhile: p50 %v, p99 %v; all slow ones gone after %v (timeouts %v and %v); the server had %d MB at most",
		n-fine, opened.Round(time.Millisecond), took[len(took)/2].Round(10*time.Microsecond), took[len(took)*99/100].Round(10*time.Microsecond),
		time.Since(began).Round(10*time.Millisecond), header, body, memory())
	if memory() > mostSlowMemory {
		t.Errorf("the server had %d MB, want at most %d", memory(), mostSlowMemory)
	}
	newHealthy(t, addr, fine)
}

// impatient serves for connections, with short timeouts, and returns its address.
func impatient(t *testing.T, connections int, header, body time.Duration) (addr string) {
	s := newSite(t, []*surveys.Questionnaire{village()}, func(c *Config, _ *Deps) { c.Addr, c.MaxConns = "127.0.0.1:0", connections })
	hs := s.httpServer(s.Handler())
	hs.ReadHeaderTimeout, hs.ReadTimeout = header, body
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	go hs.Serve(s.listener)
	t.Cleanup(func() { hs.Close() })
	return s.Addr()
}

// untilClosed sends a byte now and then until the server closes the connection.
func untilClosed(conn net.Conn) {
	for buf := make([]byte, 512); ; {
		conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		if _, err := conn.Read(buf); err != nil && !os.IsTimeout(err) {
			return
		}
		if _, err := conn.Write([]byte("x")); err != nil {
			return
		}
	}
}

// healthy are clients with open connections who send as they should.
type healthy struct {
	t     *testing.T
	conns []net.Conn
	ins   []*bufio.Reader
}

func newHealthy(t *testing.T, addr string, n int) *healthy {
	p := &healthy{t: t}
	for range n {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		p.conns, p.ins = append(p.conns, conn), append(p.ins, bufio.NewReader(conn))
	}
	p.ask(n)
	return p
}

// ask asks for the first page n times and returns how long each took, sorted.
func (p *healthy) ask(n int) (took []time.Duration) {
	for i := range n {
		conn, in := p.conns[i%len(p.conns)], p.ins[i%len(p.conns)]
		began := time.Now()
		fmt.Fprint(conn, "GET /s/village HTTP/1.1\r\nHost: x\r\n\r\n")
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			p.t.Fatal(err)
		}
		page, err := io.ReadAll(r.Body)
		took = append(took, time.Since(began))
		if err != nil || r.StatusCode != http.StatusOK || !bytes.Contains(page, []byte("</html>")) {
			p.t.Fatalf("a healthy request: %d, %v", r.StatusCode, err)
		}
	}
	slices.Sort(took)
	return took
}
