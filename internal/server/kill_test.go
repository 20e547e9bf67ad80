package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// childFolder tells this test, run as a program of its own, to be a server on a folder.
const childFolder = "SERVER_CHILD"

// The server is killed again and again while people answer. Every page that was
// acknowledged is there after the restart, and every interview that was thanked for is
// in the log, each revision once.
func TestKilledServersKeepWhatTheyAcknowledged(t *testing.T) {
	if dir := os.Getenv(childFolder); dir != "" {
		if err := child(dir); err != nil {
			fmt.Println(err)
		}
		return
	}
	dir, kills := t.TempDir(), 24
	if testing.Short() {
		kills = 4
	}
	people := make([]*person, 6)
	for i := range people {
		people[i] = &person{t: t, rng: rand.New(rand.NewPCG(1, uint64(i)))}
	}
	for range kills {
		addr, kill := start(t, dir)
		var all sync.WaitGroup
		for _, p := range people {
			all.Go(func() { p.answer(addr) })
		}
		time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond)
		kill()
		all.Wait()
	}
	addr, kill := start(t, dir)
	for _, p := range people {
		p.check(addr)
	}
	kill()
	checkLog(t, dir, people)
}

// start starts the child and returns its address, and what kills it.
func start(t *testing.T, dir string) (addr string, kill func()) {
	t.Helper()
	addr, cmd := startSelf(t, "TestKilledServersKeepWhatTheyAcknowledged", childFolder, dir)
	return addr, func() { cmd.Process.Kill(); cmd.Wait() }
}

// startSelf runs a test as a program of its own that is a server, with the folder in an
// environment variable, and returns the server's address.
func startSelf(t *testing.T, test, variable, dir string) (addr string, cmd *exec.Cmd) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+test+"$")
	cmd.Env = append(os.Environ(), variable+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "127.0.0.1:") {
		rest, _ := io.ReadAll(out)
		t.Fatalf("the child says %q %s (%v)", line, rest, err)
	}
	return strings.TrimSpace(line), cmd
}

// child serves the village questionnaire until it is killed.
func child(dir string) error {
	return serveIn(dir, wal.DefaultConfig(filepath.Join(dir, "log")), func(*Config) {})
}

// serveIn serves the village questionnaire with its files in a folder, with a log and further
// settings of its own, until it is killed. It prints its address.
func serveIn(dir string, logged wal.Config, set func(*Config)) error {
	q := village()
	f, err := form.Compile(q)
	if err != nil {
		return err
	}
	waves := &intake.Waves{}
	waves.Publish(q.ID, q.ID, q.Version(), intake.Edition{Form: f})
	log, err := wal.Open(logged)
	if err != nil {
		return err
	}
	shipping := intake.DefaultConfig(filepath.Join(dir, "intake"))
	shipping.Key = testKey
	in, err := intake.New(shipping, log, &store{}, waves, time.Now)
	if err != nil {
		return err
	}
	under, err := drafts.Open(filepath.Join(dir, "drafts.db"), testKey)
	if err != nil {
		return err
	}
	cfg := DefaultConfig(testKey)
	cfg.Addr = "127.0.0.1:0"
	set(&cfg)
	s, err := New(cfg, Deps{Waves: []Wave{{ID: q.ID, Questionnaire: q, Form: f}}, Intake: in, Drafts: under,
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return noon }})
	if err != nil {
		return err
	}
	if err := s.Listen(); err != nil {
		return err
	}
	fmt.Println(s.Addr())
	return s.Run(context.Background())
}

// person answers on pages of a server that may be gone at any moment.
type person struct {
	t   testing.TB
	rng *rand.Rand
	// path is the address of the interview under way, "" for none.
	path string
	// known is the age that was acknowledged last, perhaps one that may have arrived.
	known, perhaps string
	// done are the finished interviews: the age by the path.
	done map[string]string
}

var ageField = regexp.MustCompile(`id="i-age" name="a.age" value="([^"]*)"`)

// client follows no redirect: a 303 is the acknowledgement.
var client = &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func ask(method, address string, fields url.Values) (status int, location, body string, err error) {
	r, err := http.NewRequest(method, address, strings.NewReader(fields.Encode()))
	if err != nil {
		return 0, "", "", err
	}
	r.Header.Set("Content-Type", formMedia)
	res, err := client.Do(r)
	if err != nil {
		return 0, "", "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header.Get("Location"), string(b), err
}

// answer answers until the server is gone.
func (p *person) answer(addr string) {
	base := "http://" + addr
	if p.path != "" && !p.look(base) {
		return
	}
	for {
		if p.path == "" {
			status, location, _, err := ask("POST", base+"/s/village", url.Values{"action": {"start"}})
			if err != nil || status != 303 {
				return
			}
			p.path, _, _ = strings.Cut(location, "?")
			p.known, p.perhaps = "", ""
		}
		if p.rng.IntN(6) == 0 {
			if !p.finish(base) {
				return
			}
			continue
		}
		p.perhaps = strconv.Itoa(18 + p.rng.IntN(100))
		status, _, _, err := ask("POST", base+p.path, url.Values{"action": {"save"}, "state": {"0.intro"}, "a.age": {p.perhaps}})
		if err != nil || status != 204 {
			return
		}
		p.known, p.perhaps = p.perhaps, ""
	}
}

// look sees after a restart whether what was acknowledged is there.
func (p *person) look(base string) bool {
	status, _, body, err := ask("GET", base+p.path+"?page=age", nil)
	if err != nil {
		return false
	}
	found := ageField.FindStringSubmatch(body)
	switch {
	case strings.Contains(body, `class="receipt"`): // it had been sent when the server was killed
		p.path = ""
	case status != 200 || found == nil:
		p.t.Errorf("an interview that was begun is gone: %d", status)
		p.path = ""
	case found[1] != p.known && (p.perhaps == "" || found[1] != p.perhaps):
		p.t.Errorf("age = %q, but %q was acknowledged (and perhaps %q)", found[1], p.known, p.perhaps)
	default:
		p.known, p.perhaps = found[1], ""
	}
	return true
}

// finish answers the rest and sends the interview; false when the server is gone.
func (p *person) finish(base string) bool {
	age := "77"
	p.perhaps = age
	for _, fields := range []url.Values{
		{"action": {"next"}, "state": {"0.intro"}, "a.age": {age}, "a.internet": {"no"}},
		{"action": {"next"}, "state": {"0.channels"}, "a.channels": {"tv"}},
		{"action": {"next"}, "state": {"0.K01.K01.K02"}, "a.K01": {"dk"}},
		{"action": {"send"}, "state": {"0."}},
	} {
		status, _, _, err := ask("POST", base+p.path, fields)
		if err != nil || status != 303 {
			return false
		}
		p.known = age
	}
	_, _, body, err := ask("GET", base+p.path, nil)
	if err != nil {
		return false
	}
	if !strings.Contains(body, `class="receipt"`) {
		p.t.Errorf("no receipt after sending:\n%s", body)
	}
	if p.done == nil {
		p.done = map[string]string{}
	}
	p.done[p.path], p.path = age, ""
	return true
}

// check looks at everything once more.
func (p *person) check(addr string) {
	for path := range p.done {
		if _, _, body, err := ask("GET", "http://"+addr+path, nil); err != nil || !strings.Contains(body, `class="receipt"`) {
			p.t.Errorf("an interview that was thanked for shows no receipt (%v)", err)
		}
	}
	if p.path != "" {
		p.look("http://" + addr)
	}
}

// checkLog finds every interview that was thanked for in the log, each revision once.
func checkLog(t *testing.T, dir string, people []*person) {
	t.Helper()
	log, err := wal.Open(wal.DefaultConfig(filepath.Join(dir, "log")))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	times := map[string][]uint32{}
	for r, err := range log.Read(1) {
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(string(r.Body), `{"id"`)
		var iv surveys.Interview
		if err := json.Unmarshal([]byte(`{"id"`+body), &iv); err != nil {
			t.Fatal(err)
		}
		times[iv.ID] = append(times[iv.ID], iv.Revision)
	}
	for id, revisions := range times {
		// Who was on the way when the server was killed, and then changed an answer, made
		// the next revision; none is there twice.
		for i, n := range revisions {
			if i > 0 && n <= revisions[i-1] {
				t.Errorf("interview %s is in the log with the revisions %d", id, revisions)
			}
		}
	}
	under, err := drafts.Open(filepath.Join(dir, "drafts.db"), testKey)
	if err != nil {
		t.Fatal(err)
	}
	defer under.Close()
	thanked := 0
	for _, p := range people {
		for path := range p.done {
			thanked++
			id, err := under.Interview(t.Context(), drafts.Token(strings.TrimPrefix(path, "/a/")))
			if err != nil || len(times[id]) == 0 {
				t.Errorf("an interview that was thanked for is not in the log (%v)", err)
			}
		}
	}
	if thanked == 0 {
		t.Error("nobody was ever thanked; the test shows nothing")
	}
	t.Logf("%d interviews thanked for, %d in the log", thanked, len(times))
}
