package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// make load sets these; the test of every day is short.
var (
	loadN       = flag.Int("load", 0, "submissions of each size; 0 is a short run")
	loadConns   = flag.Int("connections", 50, "connections that stay open")
	loadShipped = flag.Bool("shipped", false, "ship to the real engine, on the same machine, while the load lasts")
)

// loadQuestionnaire has n questions of the kinds that surveys of literacy have: most of them
// single choices, some with a condition or a rule, some numbers, several choices and texts.
func loadQuestionnaire(n int) *surveys.Questionnaire {
	text := func(s string) surveys.Text { return surveys.Text{surveys.ZH: s, surveys.EN: s} }
	q := &surveys.Questionnaire{ID: fmt.Sprint("load", n), Edition: "1", Languages: []surveys.Lang{surveys.ZH, surveys.EN}, Title: text("load"),
		Consent: text("yes"), Statutory: surveys.Statutory{Issuer: text("nobody"), Approval: text("none"), ValidUntil: "2099-12-31", Trial: true}}
	for i := range n {
		if i%10 == 0 {
			q.Sections = append(q.Sections, surveys.Section{ID: fmt.Sprintf("part%02d", i/10), Title: text("part")})
		}
		item := surveys.Item{ID: fmt.Sprintf("know%03d", i), Type: surveys.Single, Required: true, Text: text("question"), Options: loadOptions("1", "2", "3", "98")}
		switch i % 25 {
		case 3:
			item.Type, item.Options, item.Constraint, item.Message = surveys.Number, nil, item.ID+" >= 0 && "+item.ID+" <= 120", text("0 to 120")
		case 7:
			item.Type = surveys.Multiple
		case 11:
			item.Type, item.Options, item.MaxLength = surveys.ShortText, nil, 200
		case 15:
			item.Relevant = fmt.Sprintf("know%03d == \"2\"", i-1)
		}
		at := &q.Sections[len(q.Sections)-1]
		at.Items = append(at.Items, item)
	}
	return q
}

const loadPlan = `title: {zh: 计划, en: Plan}
factors: [{id: k, title: {zh: 题, en: Question}, answer: know003, levels: [{code: all, name: {zh: 全部, en: All}, min: 0}]}]
`

func loadOptions(codes ...string) (list []surveys.Option) {
	for _, c := range codes {
		list = append(list, surveys.Option{Code: c, Text: surveys.Text{surveys.ZH: c, surveys.EN: c}})
	}
	return list
}

// loadInterview answers everything, as a person would page by page.
func loadInterview(t *testing.T, q *surveys.Questionnaire, text string) []byte {
	t.Helper()
	f, err := form.Compile(q)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Start(form.Start{})
	if err != nil {
		t.Fatal(err)
	}
	for s.Page() != "" {
		answers := map[string][]string{}
		for _, it := range s.State().Page.Items {
			switch it.Item.Type {
			case surveys.Number:
				answers[it.Key] = []string{"42"}
			case surveys.Multiple:
				answers[it.Key] = []string{"1", "3"}
			case surveys.ShortText:
				answers[it.Key] = []string{text}
			default:
				answers[it.Key] = []string{"2"}
			}
		}
		s.Submit(s.Page(), answers, 31_415*time.Millisecond)
		if problems := s.Next(); len(problems) > 0 {
			t.Fatalf("page %s: %v", s.Page(), problems)
		}
	}
	result, problems := s.Finish()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	body, err := json.Marshal(surveys.Interview{
		ID: "00000000-0000-4000-8000-000000000000", Survey: q.ID, Version: q.Version(), Wave: q.ID, Mode: surveys.ModeTablet, Lang: surveys.ZH,
		Started: now.Add(-20 * time.Minute), Finished: now, Answers: result.Answers, Paradata: result.Paradata,
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// sender sends submissions over one connection that stays open. It spends as little as it
// can, since it runs on the machine that it measures.
type sender struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	body []byte // within out
	read []byte
}

// idAt is where the ID stands in a body.
const idAt = len(`{"id":"`)

func newSender(addr string, template []byte) (*sender, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &sender{conn: conn, in: bufio.NewReader(conn), read: make([]byte, 4096)}
	s.out = fmt.Appendf(nil, "POST /v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(template))
	head := len(s.out)
	s.out = append(s.out, template...)
	s.body = s.out[head:]
	return s, nil
}

// loadReceipt is what the sender reads of a receipt.
type loadReceipt struct {
	ID, SHA256, Quarantined string
	Seq                     uint64
}

// send sends submission n and checks the receipt.
func (s *sender) send(n int) (status int, r loadReceipt, err error) {
	id := fmt.Sprintf("%08x-0000-4000-8000-000000000000", n)
	copy(s.body[idAt:], id)
	if _, err := s.conn.Write(s.out); err != nil {
		return 0, r, err
	}
	status, body, err := s.answer()
	if err != nil || status != http.StatusCreated {
		return status, r, err
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return status, r, err
	}
	if sum := sha256.Sum256(s.body); r.ID != id || r.SHA256 != hex.EncodeToString(sum[:]) || r.Seq == 0 || r.Quarantined != "" {
		return status, r, fmt.Errorf("the receipt %+v is not for what was sent", r)
	}
	return status, r, nil
}

// answer reads an answer: net/http would cost the generator as much as the server.
func (s *sender) answer() (status int, body []byte, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := s.in.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		switch name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" ")); {
		case first:
			status, err = strconv.Atoi(string(value[:min(3, len(value))]))
		case len(line) <= 2:
			body = s.read[:min(length, len(s.read))]
			_, err = io.ReadFull(s.in, body)
			return status, body, err
		case string(name) == "Content-Length:":
			length, err = strconv.Atoi(string(value))
		}
		if err != nil {
			return 0, nil, err
		}
	}
}

// loadResult is what a run gave.
type loadResult struct {
	rate     float64
	p50, p99 time.Duration
	cpu      time.Duration // of the server, for one submission
	own      time.Duration // of the generator
	rss      int           // MB, at most
	seqs     int
}

// runLoad sends n submissions over some connections, those from first on.
func runLoad(t *testing.T, p *program, template []byte, first, n, conns int) loadResult {
	t.Helper()
	took := make([]time.Duration, n)
	seen := make([]uint64, n)
	var next atomic.Int64
	var all sync.WaitGroup
	before, ownBefore := cpuOf(t, p.cmd.Process.Pid), cpuOf(t, os.Getpid())
	began := time.Now()
	for range conns {
		s, err := newSender(p.addr, template)
		if err != nil {
			t.Fatal(err)
		}
		defer s.conn.Close()
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				sent := time.Now()
				status, r, err := s.send(first + i)
				took[i], seen[i] = time.Since(sent), r.Seq
				if err != nil || status != http.StatusCreated {
					t.Errorf("submission %d: status %d, %v", i, status, err)
					return
				}
			}
		})
	}
	all.Wait()
	lasted := time.Since(began)
	out := loadResult{rate: float64(n) / lasted.Seconds(), rss: peakRSS(t, p.cmd.Process.Pid),
		cpu: (cpuOf(t, p.cmd.Process.Pid) - before) / time.Duration(n), own: (cpuOf(t, os.Getpid()) - ownBefore) / time.Duration(n)}
	slices.Sort(took)
	out.p50, out.p99 = took[n/2], took[n*99/100]
	slices.Sort(seen)
	out.seqs = len(slices.Compact(seen))
	return out
}

func (r loadResult) String() string {
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
	return fmt.Sprintf("%6.0f/s   p50 %s   p99 %s   server %d µs of CPU each   generator %d µs   at most %d MB",
		r.rate, ms(r.p50), ms(r.p99), r.cpu.Microseconds(), r.own.Microseconds(), r.rss)
}

// cpuOf is the time that a process has computed, without its children.
func cpuOf(t *testing.T, pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Skipf("no /proc here: %v", err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	ticks := 0
	for _, f := range fields[11:13] { // user and system, fields 14 and 15 of proc(5)
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond // Linux counts hundredths
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakRSS is the most memory that a process had, in MB.
func peakRSS(t *testing.T, pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	kb, err := strconv.Atoi(string(highWater.FindSubmatch(status)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kb >> 10
}

// rawSyncs is how many writes of 4 KB, each followed by a sync, the disk takes in a second.
func rawSyncs(t *testing.T, dir string, most time.Duration) (rate float64, p99 time.Duration) {
	f, err := os.Create(filepath.Join(dir, "raw"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page, began := make([]byte, 4096), time.Now()
	var took []time.Duration
	for time.Since(began) < most {
		one := time.Now()
		if _, err := f.Write(page); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(one))
	}
	slices.Sort(took)
	return float64(len(took)) / time.Since(began).Seconds(), took[len(took)*99/100]
}

// Submissions over connections that stay open, each checked against its receipt, all of them
// counted in the log in the end. The server is a process of its own; validation, the replay
// through the form, the log and its syncs are those of every day.
func TestLoad(t *testing.T) {
	n, conns, raw := *loadN, *loadConns, 3*time.Second
	if n == 0 {
		n, conns, raw = 1200, 16, 200*time.Millisecond
	}
	state := t.TempDir()
	flags := &stateFlags{State: state}
	sizes := []struct {
		questions int
		text      string
	}{{100, "科普网站"}, {250, strings.Repeat("看电视上的科普节目和手机上的短视频，", 3)}}
	for _, c := range sizes {
		q := loadQuestionnaire(c.questions)
		if _, err := flags.waves().Publish(q.ID, q, []byte(loadPlan)); err != nil {
			t.Fatal(err)
		}
	}
	extra := []string{"--clickhouse", "http://127.0.0.1:1/default"}
	if *loadShipped {
		extra = nil
	}
	rate, p99 := rawSyncs(t, state, raw)
	t.Logf("the disk: %.0f writes of 4 KB a second, each with a sync, p99 %.1f ms; %d cores", rate, float64(p99.Microseconds())/1000, runtime.NumCPU())
	p := startProgram(t, state, extra...)
	for i, c := range sizes {
		template := loadInterview(t, loadQuestionnaire(c.questions), c.text)
		first := i << 28
		runLoad(t, p, template, first+1<<27, max(n/20, conns), conns) // warm
		r := runLoad(t, p, template, first, n, conns)
		t.Logf("%d questions, %d bytes, %d connections, %s: %v", c.questions, len(template), conns,
			map[bool]string{true: "shipped to the engine meanwhile", false: "shipping held"}[*loadShipped], r)
		if r.seqs != n {
			t.Errorf("%d receipts have %d places in the log", n, r.seqs)
		}
	}
	p.stop()
	total := len(sizes) * (n + max(n/20, conns))
	if got := accepted(t, flags); got != total {
		t.Errorf("the log holds %d interviews, want %d, each once", got, total)
	}
}

// accepted counts the different interviews in the log that count.
func accepted(t *testing.T, flags *stateFlags) int {
	t.Helper()
	log, err := wal.Open(wal.DefaultConfig(flags.logFolder()))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	ids := map[[16]byte]int{}
	for r, err := range log.Read(1) {
		if err != nil {
			t.Fatal(err)
		}
		if ids[r.ID]++; ids[r.ID] > 1 {
			t.Errorf("interview %x is in the log %d times", r.ID, ids[r.ID])
		}
	}
	return len(ids)
}
