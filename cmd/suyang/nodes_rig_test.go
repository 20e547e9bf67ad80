package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/clickhouse/engine"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/server"
	"github.com/suyang-survey/suyang/surveys"
)

// process is a node in a process of its own, which can be killed.
type process struct {
	t     testing.TB
	name  string
	state string
	addr  string
	args  []string

	mu  sync.Mutex
	cmd *exec.Cmd
	log *os.File
}

// node begins a node on a state folder, without starting it.
func newProcess(t testing.TB, name, state string, args ...string) *process {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, name: name, state: state, addr: l.Addr().String(), args: args}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if p.log, err = os.Create(filepath.Join(t.TempDir(), "node.log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if said, err := os.ReadFile(p.log.Name()); t.Failed() && err == nil {
			t.Logf("the end of what %s said:\n%s", name, said[max(0, len(said)-4000):])
		}
		p.log.Close()
	})
	return p
}

func (p *process) url() string { return "http://" + p.addr }

// start starts the node and waits until it serves; after a kill its folder may be locked for
// a moment still.
func (p *process) start() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if p.cmd == nil {
			p.cmd = exec.Command(os.Args[0], append([]string{"serve", "--state", p.state, "--listen", p.addr}, p.args...)...)
			p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
			if err := p.cmd.Start(); err != nil {
				p.t.Fatal(err)
			}
		}
		r, err := http.Get(p.url() + "/healthz")
		if err == nil {
			r.Body.Close()
			return
		}
		if exited(p.cmd) {
			_ = p.cmd.Wait()
			p.cmd = nil
		}
		if time.Since(began) > 2*time.Minute {
			said, _ := os.ReadFile(p.log.Name())
			p.t.Fatalf("%s does not serve: %v\n%s", p.name, err, said)
		}
	}
}

// end sends the node a signal and returns its exit status.
func (p *process) end(s os.Signal) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return -1
	}
	_ = p.cmd.Process.Signal(s)
	_ = p.cmd.Wait()
	status := p.cmd.ProcessState.ExitCode()
	p.cmd = nil
	return status
}

func (p *process) kill() int { return p.end(syscall.SIGKILL) }

// status is that of a page; 0 when nobody answers.
func (p *process) status(path string) int {
	r, err := http.Get(p.url() + path)
	if err != nil {
		return 0
	}
	r.Body.Close()
	return r.StatusCode
}

// becomes waits until a page has a status.
func (p *process) becomes(path string, status int) {
	p.t.Helper()
	for began := time.Now(); p.status(path) != status; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			p.t.Fatalf("%s%s is %d, want %d", p.name, path, p.status(path), status)
		}
	}
}

// senders send over many connections.
var senders = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}

// post sends a body to a node, with the code of a case's link, and returns the status and the
// receipt.
func (p *process) post(body []byte, token string) (int, intake.Receipt) {
	r, err := http.NewRequest(http.MethodPost, p.url()+"/v1/submissions", bytes.NewReader(body))
	if err != nil {
		p.t.Error(err)
		return 0, intake.Receipt{}
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := senders.Do(r)
	if err != nil {
		return 0, intake.Receipt{}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	var receipt intake.Receipt
	if err != nil || res.StatusCode < 300 && json.Unmarshal(text, &receipt) != nil {
		return 0, receipt
	}
	return res.StatusCode, receipt
}

// cluster is an office and collectors with one ClickHouse.
type cluster struct {
	t          testing.TB
	office     *process
	collectors []*process
	clickhouse string
}

// newCluster makes an office on a state folder in which waves are published, and collectors
// with the numbers 2, 3, …; nothing is started.
func newCluster(t testing.TB, office, clickhouse string, collectors int, more ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, clickhouse: clickhouse}
	c.office = newProcess(t, "the office", office, "--clickhouse", clickhouse)
	for i := range collectors {
		state := t.TempDir()
		c.giveKey(state)
		args := append([]string{"--clickhouse", clickhouse, "--only", "collect", "--node", fmt.Sprint(i + 2), "--office", c.office.url(), "--refresh", "200ms"}, more...)
		p := newProcess(t, fmt.Sprintf("collector %d", i+2), state, args...)
		c.collectors = append(c.collectors, p)
		c.office.args = append(c.office.args, "--collectors", p.url())
	}
	return c
}

// giveKey copies the secret of the installation into a state folder.
func (c *cluster) giveKey(state string) {
	c.t.Helper()
	key, err := (&stateFlags{State: c.office.state}).key()
	if err == nil {
		err = os.WriteFile(filepath.Join(state, "key"), key, 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) start() {
	c.t.Helper()
	c.office.start()
	var wg sync.WaitGroup
	for _, p := range c.collectors {
		wg.Go(p.start)
	}
	wg.Wait()
}

// database makes a database in an engine and returns its address.
func database(t testing.TB, e *engine.Engine, name string) string {
	t.Helper()
	u, err := url.Parse(e.DSN())
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/"
	res, err := http.Post(u.String(), "text/plain", strings.NewReader("CREATE DATABASE "+name))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("make database %s: %v %v", name, res, err)
	}
	res.Body.Close()
	return strings.TrimSuffix(e.DSN(), "default") + name
}

// replayWave is the wave of the campaign.
const replayWave = "replay"

// people are interviews of the shipped microdata, given to as many cases as are asked for, with
// the design of the microdata.
type people struct {
	cases     []fieldwork.Case
	templates []surveys.Interview
	design    map[string]fieldwork.Case
	key       []byte
}

// newPeople makes n cases; key is the secret of the installation.
func newPeople(t *testing.T, n int, key []byte) *people {
	t.Helper()
	table := gssInterviews(t)
	p := &people{templates: table.Interviews, key: key, design: map[string]fieldwork.Case{}}
	for _, c := range table.Cases {
		p.design[c.ID] = c
	}
	for i := range n {
		c := p.design[p.templates[i%len(p.templates)].Case]
		c.ID = fmt.Sprintf("case-%07d", i)
		p.cases = append(p.cases, c)
	}
	return p
}

// interview is that of case i.
func (p *people) interview(i int) surveys.Interview {
	iv := p.templates[i%len(p.templates)]
	iv.ID = fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(i)*2654435761, i)
	iv.Wave, iv.Case, iv.Revision = replayWave, p.cases[i].ID, 1
	return iv
}

// body is the interview of case i as it is sent.
func (p *people) body(i int) []byte {
	b, err := json.Marshal(p.interview(i))
	if err != nil {
		panic(err)
	}
	return b
}

// token is the code of the link of case i.
func (p *people) token(i int) string {
	return strings.TrimPrefix(server.CaseLink(p.key, replayWave, p.cases[i].ID, 0), "/i/")
}

// publishPeople publishes the wave of the campaign with its cases.
func publishPeople(t *testing.T, state, clickhouse string, p *people, more ...string) {
	t.Helper()
	var b bytes.Buffer
	if err := fieldwork.WriteSample(&b, p.cases); err != nil {
		t.Fatal(err)
	}
	sample := filepath.Join(t.TempDir(), "sample.csv")
	if err := os.WriteFile(sample, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, append([]string{"publish", replayWave, "--questionnaire", "gss-science", "--sample", sample, "--state", state, "--clickhouse", clickhouse}, more...)...)
}

// sendings are the numbers of interviews, each one to ten times, in random order.
func sendings(rng *rand.Rand, n int) []uint32 {
	var all []uint32
	for i := range n {
		for range 1 + rng.IntN(10) {
			all = append(all, uint32(i))
		}
	}
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

var errNobody = errors.New("no node took the interview")
