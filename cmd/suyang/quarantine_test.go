package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// clerk is somebody at the desk, with a browser.
type clerk struct {
	t    *testing.T
	base string
	http *http.Client
}

const clerkPassword = "a long and plain password"

// employ makes accounts that review; the name says the area.
func employ(t *testing.T, state string, areas ...string) {
	t.Helper()
	store, err := office.Open(t.Context(), filepath.Join(state, officeFile))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, area := range areas {
		a := auth.Account{Login: "of-" + area, Name: "督导", Role: auth.Supervisor, Area: area}
		if err := store.PutAccount(t.Context(), a, "test", time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := store.SetPassword(t.Context(), a.Login, clerkPassword, "test", time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

// signIn is the account of an area at the desk of a node.
func (p *process) signIn(t *testing.T, area string) *clerk {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	k := &clerk{t, p.url(), &http.Client{Jar: jar, Timeout: time.Minute}}
	if status, body := k.post("/desk/sign-in?lang=en", url.Values{"login": {"of-" + area}, "password": {clerkPassword}}); status != http.StatusOK {
		t.Fatalf("signing in: %d\n%s", status, body)
	}
	return k
}

func (k *clerk) get(path string) (int, string) {
	res, err := k.http.Get(k.base + path)
	return k.read(res, err)
}

func (k *clerk) post(path string, fields url.Values) (int, string) {
	res, err := k.http.PostForm(k.base+path, fields)
	return k.read(res, err)
}

func (k *clerk) read(res *http.Response, err error) (int, string) {
	if err != nil {
		k.t.Error(err)
		return 0, ""
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		k.t.Error(err)
	}
	return res.StatusCode, string(text)
}

// asidePage is the page of a quarantined interview of the wave of the campaign.
func asidePage(number string) string {
	return "/desk/" + replayWave + "/quarantine/" + number + "?lang=en"
}

// form is what the page of a quarantined interview sends for an action.
func (k *clerk) form(number, action, reason string) url.Values {
	k.t.Helper()
	status, body := k.get(asidePage(number))
	form := url.Values{"action": {action}, "reason": {reason}}
	for _, name := range []string{"token", "form", "case", "booklet", "started", "finished"} {
		found := regexp.MustCompile(` name="` + name + `"[^>]* value="([^"]*)"`).FindStringSubmatch(body)
		if found == nil {
			k.t.Fatalf("the page of %s (%d) has no field %s:\n%s", number, status, name, body)
		}
		form.Set(name, found[1])
	}
	return form
}

// wants fails unless an answer has a status and words.
func (k *clerk) wants(what string, status int, body string, want int, words ...string) {
	k.t.Helper()
	if status != want {
		k.t.Errorf("%s: %d, want %d\n%s", what, status, want, body)
	}
	for _, w := range words {
		if !strings.Contains(body, w) {
			k.t.Errorf("%s: the page does not say %q:\n%s", what, w, body)
		}
	}
}

// What collectors put into quarantine is decided about at the desk of the office, under its
// rules, once, whoever is killed or decides at the same moment; and the account of all nodes
// adds up afterwards.
func TestCollectorsQuarantine(t *testing.T) {
	e := enginetest.Start(t)
	state := t.TempDir()
	key, err := (&stateFlags{State: state}).key()
	if err != nil {
		t.Fatal(err)
	}
	p := newPeople(t, 10, key)
	for i := range p.cases {
		p.cases[i].Columns = maps.Clone(p.cases[i].Columns)
		p.cases[i].Columns["county"] = map[bool]string{true: "330203", false: "330106"}[i == 7]
	}
	publishPeople(t, state, e.DSN(), p, "--desk")
	employ(t, state, "3301", "3302")
	c := newCluster(t, state, e.DSN(), 2)
	c.start()
	second, third := c.collectors[0], c.collectors[1]
	late := func(i int) []byte { // finished before it was started
		iv := p.interview(i)
		iv.Finished = iv.Started.Add(-time.Hour)
		return encoded(t, iv)
	}
	aside := func(to *process, i int, body []byte) {
		t.Helper()
		if status, r := to.post(body, p.token(i)); status != http.StatusCreated || r.Quarantined == "" {
			t.Fatalf("interview %d at %s: %d %+v", i, to.name, status, r)
		}
	}
	for i := range 5 { // n2-1 to n2-5
		aside(second, i, late(i))
	}
	aside(second, 7, late(7)) // n2-6, of another area
	aside(second, 8, late(8)) // n2-7
	aside(second, 9, late(9)) // n2-8
	aside(third, 5, late(5))  // n3-1
	if status, _ := third.post(p.body(6), p.token(6)); status != http.StatusCreated {
		t.Fatal(status)
	}
	other := p.interview(6)
	other.ID = "11111111-0000-4000-8000-000000000006"
	aside(third, 6, encoded(t, other)) // n3-3, the second interview of its case

	wu := c.office.signIn(t, "3301")
	list := "/desk/" + replayWave + "/quarantine?lang=en"
	status, body := wu.get(list)
	wu.wants("the list", status, body, 200, ">n2-1<", ">n2-5<", ">n3-1<", ">n3-3<", "Collector 2", "Collector 3", "the case has another interview")
	if strings.Contains(body, "n2-6") || strings.Contains(body, p.cases[7].ID) {
		t.Errorf("the list has the interview of another area:\n%s", body)
	}
	for _, number := range []string{"n2-6", "n2-99", "n4-1", "n1-1", "n0-1", "n2-01", "n3-2", "n2"} {
		status, body := wu.get(asidePage(number))
		wu.wants("the page of "+number, status, body, 404)
	}

	// Dismissed, and sent once more; another form is too late.
	dismissal := wu.form("n2-1", "dismiss", "a test")
	for range 2 {
		status, body = wu.post(asidePage("n2-1"), dismissal)
		wu.wants("dismissing", status, body, 200, "<dd>Dismissed</dd>", "<dd>a test</dd>", "Collector 2 · "+second.url())
	}
	again := url.Values{}
	for k, v := range dismissal {
		again[k] = v
	}
	again.Set("form", "another")
	status, body = wu.post(asidePage("n2-1"), again)
	wu.wants("deciding again", status, body, 409, "It was decided meanwhile")
	status, body = wu.post(asidePage("n2-6"), again)
	wu.wants("deciding in another area", status, body, 404)

	// Corrected; while it is wrong still, nothing is stored.
	correction := wu.form("n2-2", "correct", "the clock was wrong")
	status, body = wu.post(asidePage("n2-2"), correction)
	wu.wants("a correction that is wrong still", status, body, 422, "It would not count like this either: it was finished before it was started")
	correction.Set("finished", correction.Get("started"))
	correction.Set("reason", "")
	status, body = wu.post(asidePage("n2-2"), correction)
	wu.wants("a correction without a reason", status, body, 422, "Give a reason")
	correction.Set("reason", "the clock was wrong")
	for range 2 {
		status, body = wu.post(asidePage("n2-2"), correction)
		wu.wants("correcting", status, body, 200, "Corrected: revision 2 of interview "+p.interview(1).ID)
	}
	if got := c.toldOf(p.cases[1].ID); got != p.interview(1).ID {
		t.Errorf("the corrected case has the interview %q", got)
	}
	choice := wu.form("n3-3", "correct", "the right person")
	choice.Set("replace", "yes")
	status, body = wu.post(asidePage("n3-3"), choice)
	wu.wants("choosing the second interview", status, body, 200, "Corrected: revision 2 of interview "+p.interview(6).ID)

	oneDecides(t, c.office, wu)
	collectorKilled(t, wu, second, list)

	// Everything is in the audit trail, by the logs, and once.
	trail := decisionsInTrail(t, state, 8)
	for _, want := range []string{"dismiss quarantined replay case-0000000 · n2-1: a test", "correct quarantined replay case-0000001 · n2-2: the clock was wrong",
		"correct quarantined replay case-0000006 · n3-3: the right person"} {
		if trail[want] != 1 {
			t.Errorf("the audit trail has %q %d times: %v", want, trail[want], trail)
		}
	}
	c.quarantineAddsUp(0, "node 2: accepted 9 = stored 1 + pending 0 + quarantined 8\n", "quarantined 8 = open 2 + dismissed 5 + corrected 1\n",
		"node 3: accepted 4 = stored 2 + pending 0 + quarantined 2\n", "quarantined 2 = open 0 + dismissed 1 + corrected 1\n")
	c.office.start()
	collectorDamaged(t, wu, second, list)
	c.quarantineAddsUp(1, "node 2: accepted 9 = stored 1 + pending 0 + quarantined 8\n", "quarantined 8 = open 1 + dismissed 6 + corrected 1\n")
}

// quarantineAddsUp stops the office and verifies all nodes: the ledgers have lines, and the
// status is 0 or not.
func (c *cluster) quarantineAddsUp(status int, lines ...string) {
	c.t.Helper()
	c.shipped()
	c.office.end(syscall.SIGTERM)
	args := []string{"verify", "--state", c.office.state, "--clickhouse", c.clickhouse}
	for _, p := range c.collectors {
		args = append(args, "--collectors", p.url())
	}
	got, out, talk := suyang(c.t.(*testing.T), args...)
	if got != status {
		c.t.Errorf("verify ends with %d, want %d:\n%s%s", got, status, out, talk)
	}
	for _, want := range lines {
		if !strings.Contains(out, want) {
			c.t.Errorf("verify prints\n%s%s\nwithout %q", out, talk, want)
		}
	}
}

// encoded is an interview as it is sent.
func encoded(t *testing.T, iv surveys.Interview) []byte {
	t.Helper()
	b, err := json.Marshal(iv)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// oneDecides lets two people decide at the same moment, with forms of their own: one of them
// does, and the other is told so.
func oneDecides(t *testing.T, office *process, wu *clerk) {
	both := []*clerk{wu, office.signIn(t, "3301")}
	forms := []url.Values{wu.form("n3-1", "dismiss", "the first"), both[1].form("n3-1", "dismiss", "the other")}
	statuses := make([]int, 2)
	var all sync.WaitGroup
	for i, k := range both {
		all.Go(func() { statuses[i], _ = k.post(asidePage("n3-1"), forms[i]) })
	}
	all.Wait()
	if statuses[0]+statuses[1] != 200+409 {
		t.Errorf("two who decide at once are answered %v, want 200 and 409", statuses)
	}
}

// collectorKilled decides while the collector is away, or is killed at that moment. It is
// named, what was typed is given back, and the same form is done once when it is there again.
func collectorKilled(t *testing.T, wu *clerk, collector *process, list string) {
	t.Helper()
	form := wu.form("n2-3", "dismiss", "while it was <away>")
	collector.kill()
	status, body := wu.get(list)
	wu.wants("the list without a collector", status, body, 200, "These collectors do not answer: "+collector.url(), ">n3-3<")
	status, body = wu.get(list + "&download=open")
	wu.wants("the table without a collector", status, body, 503)
	status, body = wu.post(asidePage("n2-3"), form)
	wu.wants("deciding while the collector is away", status, body, 503, `name="reason" value="while it was &lt;away&gt;"`, `name="form" value="`+form.Get("form")+`"`)
	collector.start()
	status, body = wu.post(asidePage("n2-3"), form)
	wu.wants("deciding when it is back", status, body, 200, "<dd>Dismissed</dd>")

	for i, number := range []string{"n2-4", "n2-7", "n2-8"} {
		reason := "killed while deciding " + number
		form := wu.form(number, "dismiss", reason)
		answered := make(chan int)
		go func() {
			status, _ := wu.post(asidePage(number), form)
			answered <- status
		}()
		time.Sleep(time.Duration(3*i) * time.Millisecond)
		collector.kill()
		status := <-answered
		if status != http.StatusOK && status != http.StatusServiceUnavailable {
			t.Errorf("deciding while the collector is killed: %d", status)
		}
		collector.start()
		t.Logf("killed while it decided: %d, %d decisions in the log", status, decisionsIn(t, collector, reason))
		status, body := wu.post(asidePage(number), form)
		wu.wants("deciding once more", status, body, 200, "<dd>"+reason+"</dd>")
		if got := decisionsIn(t, collector, reason); got != 1 {
			t.Errorf("the log has the decision %d times", got)
		}
	}
}

// collectorDamaged destroys a decision in the log of a collector: the interview waits for one
// again, and is decided about anew.
func collectorDamaged(t *testing.T, wu *clerk, collector *process, list string) {
	t.Helper()
	const lost, kept = "which will be destroyed", "which stays"
	decide := func(reason string) {
		t.Helper()
		status, body := wu.post(asidePage("n2-5"), wu.form("n2-5", "dismiss", reason))
		wu.wants("deciding", status, body, 200, "<dd>"+reason+"</dd>")
	}
	decide(lost)
	damage(t, collector, lost)
	decide(kept)
	if _, body := wu.get(list); strings.Contains(body, "do not answer") {
		t.Errorf("the list lacks a collector:\n%s", body)
	}
}

// damage stops a node, changes text in its log, and starts it.
func damage(t *testing.T, p *process, text string) {
	t.Helper()
	p.end(syscall.SIGTERM)
	files, err := filepath.Glob(filepath.Join((&stateFlags{State: p.state}).logFolder(), "*"))
	if err != nil {
		t.Fatal(err)
	}
	changed := 0
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if changed += bytes.Count(b, []byte(text)); !bytes.Contains(b, []byte(text)) {
			continue
		}
		if err := os.WriteFile(name, bytes.ReplaceAll(b, []byte(text), []byte(strings.ToUpper(text))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if changed != 1 {
		t.Fatalf("the log has %q %d times", text, changed)
	}
	p.start()
}

// decisionsIn counts how often a reason stands in the log of a node that serves.
func decisionsIn(t *testing.T, p *process, reason string) (n int) {
	t.Helper()
	clients, err := (&stateFlags{State: p.state}).clients(p.url())
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range clients[0].Reader(t.Context()).Read(1) {
		if err != nil {
			t.Fatal(err)
		}
		n += bytes.Count(r.Body, []byte(reason))
	}
	return n
}

// decisionsInTrail waits until the audit trail of an office has decisions, and counts each.
func decisionsInTrail(t *testing.T, state string, least int) map[string]int {
	t.Helper()
	store, err := office.Open(t.Context(), filepath.Join(state, officeFile))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		list, err := store.Trail(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]int{}
		for _, e := range list {
			if strings.HasSuffix(e.Action, "quarantined") && e.Who == "of-3301" && e.Outcome == office.Done && !strings.HasPrefix(e.Action, "read") {
				all[e.Action+" "+e.Object]++
			}
		}
		if len(all) >= least || time.Since(began) > time.Minute {
			return all
		}
	}
}
