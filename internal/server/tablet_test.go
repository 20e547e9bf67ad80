package server

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/tablet"
	"github.com/suyang-survey/suyang/surveys"
)

// asks sends a request of a tablet, with the number and secret of b unless it is nil, and
// returns status and body.
func (d *deskSite) asks(b *aTablet, method, path, body string) (status int, answer string) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.served.URL+path, strings.NewReader(body))
	d.must(err)
	if b != nil {
		r.Header.Set("Authorization", "Bearer "+b.id+"."+base64.RawURLEncoding.EncodeToString(b.key))
	}
	response, err := d.served.Client().Do(r)
	d.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	d.must(err)
	return response.StatusCode, string(text)
}

// expects sends a request and checks status and a part of the answer.
func (d *deskSite) expects(b *aTablet, method, path, body string, status int, part string) (answer string) {
	d.t.Helper()
	got, answer := d.asks(b, method, path, body)
	if got != status || !strings.Contains(answer, part) {
		d.t.Fatalf("%s %s: %d %.300s; want %d and %q", method, path, got, answer, status, part)
	}
	return answer
}

// A code serves one tablet; the same tablet may ask twice, since its answer may have got lost.
func TestTabletEnrols(t *testing.T) {
	d := newDesk(t)
	code := func() string {
		token, _, err := d.office.NewEnrolment(t.Context(), deskStaff()[4], "li", d.clock.Now())
		d.must(err)
		return token
	}
	body := func(token string, n int) string {
		return fmt.Sprintf(`{"token":%q,"device":"00000000-0000-4000-8000-%012d","secret":%q,"name":"一号"}`, token, n, base64.RawURLEncoding.EncodeToString(make([]byte, 32)))
	}
	token := code()
	first := d.expects(nil, "POST", "/v1/tablet/enrol", body(token, 1), 200, `"account":{"login":"li","name":"李访问员"}`)
	again := d.expects(nil, "POST", "/v1/tablet/enrol", body(token, 1), 200, `"keep_days":7`)
	if first != again {
		t.Errorf("the same request again: %s, then %s", first, again)
	}
	d.expects(nil, "POST", "/v1/tablet/enrol", body(token, 2), 409, `"error":"token-used"`)
	d.expects(nil, "POST", "/v1/tablet/enrol", body("nonsense", 2), 404, `"error":"token-unknown"`)
	d.expects(nil, "POST", "/v1/tablet/enrol", `{"token":`, 400, `"error":"invalid"`)
	d.expects(nil, "POST", "/v1/tablet/enrol", `{"token":"x","device":"no","secret":"short","name":""}`, 400, `"error":"invalid"`)
	late := code()
	d.clock.pass(office.TokenLife + time.Minute)
	d.expects(nil, "POST", "/v1/tablet/enrol", body(late, 3), 410, `"error":"token-expired"`)
	if logs := d.logs.String(); strings.Contains(logs, token) || strings.Contains(logs, late) {
		t.Error("a code is in the log")
	}
}

// Nobody but an enrolled tablet gets anything, and a revoked one is told so.
func TestTabletMustBeKnown(t *testing.T) {
	d := newDesk(t)
	b := d.enrolled(1, "li", "一号")
	for _, r := range []struct{ method, path string }{
		{"GET", "/v1/tablet/work"}, {"POST", "/v1/tablet/sync"}, {"GET", "/v1/tablet/questionnaire/village/" + d.waves()["village"].version},
	} {
		d.expects(nil, r.method, r.path, `{}`, 401, `"error":"device-unknown"`)
		stranger := &aTablet{id: b.id, key: []byte("another secret of 32 bytes......")}
		d.expects(stranger, r.method, r.path, `{}`, 401, `"error":"device-unknown"`)
		d.expects(b, r.method, r.path, `{}`, 200, "")
	}
	li := deskStaff()[5]
	li.Disabled = true // by mistake: the tablet is told so, and keeps its key
	d.must(d.office.PutAccount(t.Context(), li, "admin", d.clock.Now()))
	d.expects(b, "POST", "/v1/tablet/sync", `{}`, 403, `"error":"device-barred"`)
	d.must(d.office.PutAccount(t.Context(), deskStaff()[5], "admin", d.clock.Now()))
	d.expects(b, "POST", "/v1/tablet/sync", `{}`, 200, "")
	d.must(d.office.Revoke(t.Context(), deskStaff()[4], b.id, "丢失", d.clock.Now()))
	d.expects(b, "GET", "/v1/tablet/work", "", 403, `"error":"device-revoked"`)
	d.expects(b, "POST", "/v1/tablet/sync", `{}`, 403, `"error":"device-revoked"`)
	if logs := d.logs.String(); strings.Contains(logs, base64.RawURLEncoding.EncodeToString(b.key)) {
		t.Error("the secret of a tablet is in the log")
	}
}

// A tablet takes along the cases of its enumerator and no others, each with what is needed at
// the door, and what it was given it may bring back.
func TestTabletWork(t *testing.T) {
	d, id := householdDesk(t, "kish")
	d.given("c1", "c2")
	d.happens("c3", fieldwork.Event{Who: "wu", Action: fieldwork.Assign, Enumerator: "chen"})
	d.happens("c1", fieldwork.Event{Who: "li", Action: fieldwork.Try, Attempt: &fieldwork.Attempt{At: noon, Contact: fieldwork.Visit, Outcome: fieldwork.Appointment, Appointment: noon.Add(time.Hour)}})
	d.happens("c2", fieldwork.Event{Who: office.Intake, Action: fieldwork.Submit, Interview: "11111111-0000-4000-8000-000000000000", Revision: 3, Mode: surveys.ModeWeb})
	d.happens("c2", fieldwork.Event{Who: "hangzhou", Action: fieldwork.Reject, Reason: "漏问一页"})
	b := d.enrolled(1, "li", "一号")
	var got work
	d.must(json.Unmarshal([]byte(d.expects(b, "GET", "/v1/tablet/work", "", 200, "")), &got))
	if len(got.Waves) != 1 || got.Account.Login != "li" || got.KeepDays != keepDays || !got.Waves[0].Open || got.Waves[0].Version != d.waves()["village"].version {
		t.Fatalf("work: %+v", got)
	}
	cases := map[string]workCase{}
	for _, c := range got.Waves[0].Cases {
		cases[c.ID] = c
	}
	if len(cases) != 3 {
		t.Fatalf("%d cases: %v", len(cases), cases)
	}
	if c := cases["c1"]; c.State != fieldwork.Appointed || !c.Appointment.Equal(noon.Add(time.Hour)) || c.Attempts != 1 || c.Last == nil || c.Last.Outcome != fieldwork.Appointment ||
		c.Interview != d.links.interviewID("village", "c1") || c.Revision != 0 || c.Method != 0 || c.Number != nil || len(c.Facts) == 0 || !strings.Contains(c.Facts[0].Value, "西湖区") {
		t.Errorf("a case with an appointment: %+v", c)
	}
	if c := cases["c2"]; c.Returned != "漏问一页" || c.Interview != "11111111-0000-4000-8000-000000000000" || c.Revision != 4 {
		t.Errorf("a case that was sent back: %+v", c)
	}
	c := cases[id]
	if c.Method != household.Kish || c.Number == nil || c.Number.Commitment().String() != c.Commitment || c.Selection != nil {
		t.Errorf("a household: %+v", c)
	}
	codes := func(list []codeName) (out []string) {
		for _, o := range list {
			out = append(out, o.Code)
			if o.Name[surveys.ZH] == "" || o.Name[surveys.EN] == "" {
				t.Errorf("%s has no words", o.Code)
			}
		}
		return out
	}
	if outcomes := codes(got.Outcomes); !slices.Contains(outcomes, string(fieldwork.NobodyHome)) || slices.Contains(outcomes, string(fieldwork.Completed)) || slices.Contains(outcomes, string(fieldwork.Listed)) {
		t.Errorf("outcomes %v", outcomes)
	}
	if contacts := codes(got.Contacts); !slices.Equal(contacts, []string{"visit", "phone", "letter", "link"}) {
		t.Errorf("contacts %v", contacts)
	}
	for _, given := range []struct {
		id  string
		was bool
	}{{"c1", true}, {id, true}, {"c3", false}} {
		if was, err := d.office.WasGiven(t.Context(), b.id, "village", given.id); err != nil || was != given.was {
			t.Errorf("case %s was given: %v, %v", given.id, was, err)
		}
	}
}

// The questionnaire that a tablet gets has no right answers, and the version that interviews
// with it bear.
func TestTabletQuestionnaire(t *testing.T) {
	d := newDesk(t)
	w := d.waves()["village"]
	w.Questionnaire.Item("K01").Key = []string{"true"}
	b := d.enrolled(1, "li", "一号")
	answer := d.expects(b, "GET", "/v1/tablet/questionnaire/village/"+w.version, "", 200, `"version":"`+w.version+`"`)
	if strings.Contains(answer, `"key"`) || !strings.Contains(answer, "地心温度很高") {
		t.Errorf("the questionnaire: %.200s", answer)
	}
	d.expects(b, "GET", "/v1/tablet/questionnaire/village/none", "", 404, `"error":"notfound"`)
	d.expects(b, "GET", "/v1/tablet/questionnaire/none/"+w.version, "", 404, `"error":"notfound"`)
}

// What a tablet brings is signed for and carried out, once however often it comes.
func TestTabletSync(t *testing.T) {
	d := newDesk(t)
	d.given("c1")
	b := d.enrolled(1, "li", "一号")
	d.expects(b, "GET", "/v1/tablet/work", "", 200, "")
	prev := hex.EncodeToString(b.head[:])
	first := b.records("open")
	second := b.records("attempt", "attempt", fieldwork.Attempt{At: d.clock.Now(), Contact: fieldwork.Visit, Outcome: fieldwork.NobodyHome})
	batch := func(from int, prev string, events ...string) string {
		text, err := json.Marshal(map[string]any{"from": from, "prev": prev, "events": events, "report": b.report})
		d.must(err)
		return string(text)
	}
	whole := batch(1, prev, first, second)
	d.expects(b, "POST", "/v1/tablet/sync", whole, 200, `"receipt":{"device":"`+b.id+`","from":1,"to":2,"head":"`+hex.EncodeToString(b.head[:])+`"`)
	d.must(d.deps.Tablets.Flush(t.Context()))
	var again tablet.Answer
	d.must(json.Unmarshal([]byte(d.expects(b, "POST", "/v1/tablet/sync", whole, 200, `"checkpoint"`)), &again))
	if again.Checkpoint.Upto != 2 || again.Receipt.To != 2 || len(again.Conflict) > 0 {
		t.Errorf("the same batch again: %+v", again)
	}
	d.must(d.deps.Tablets.Flush(t.Context()))
	c, err := d.office.Case(t.Context(), deskStaff()[1], "village", "c1", noon)
	if err != nil || len(c.Attempts) != 1 {
		t.Errorf("the case has %d attempts, %v", len(c.Attempts), err)
	}
	seen, err := d.office.DeviceOf(t.Context(), deskStaff()[4], b.id)
	if err != nil || seen.Report.Attempts != 1 || seen.Contact.IsZero() {
		t.Errorf("the tablet at the desk: %+v, %v", seen, err)
	}
	d.expects(b, "POST", "/v1/tablet/sync", whole[:len(whole)/2], 400, `"error":"invalid"`)
	d.expects(b, "POST", "/v1/tablet/sync", batch(1, strings.Repeat("0", 64), first), 409, `"error":"chain"`)
	d.expects(b, "POST", "/v1/tablet/sync", batch(1, prev, strings.Repeat("x", maxSync)), 413, `"error":"toolarge"`)
	d.expects(b, "POST", "/v1/tablet/sync", batch(5, hex.EncodeToString(b.head[:]), `{"kind":"note"}`), 200, `"want":[[3,4]]`)
}

// The app comes packed, may be kept for ever where its name changes with it, and no script
// from elsewhere runs in it.
func TestTabletApp(t *testing.T) {
	d := newDesk(t)
	get := func(path, encoding string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), "GET", d.served.URL+path, nil)
		d.must(err)
		r.Header.Set("Accept-Encoding", encoding)
		response, err := http.DefaultTransport.RoundTrip(r)
		d.must(err)
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
	if len(d.app) == 0 {
		if r := get("/tablet", ""); r.StatusCode != http.StatusNotFound {
			t.Errorf("without the app: %d", r.StatusCode)
		}
		if os.Getenv("CI") == "true" {
			t.Fatal("the app was not built; make tablet builds it")
		}
		t.Skip("the app was not built; make tablet builds it")
	}
	page := get("/tablet", "")
	if page.StatusCode != http.StatusOK || page.Header.Get("Cache-Control") != "no-cache" || !strings.Contains(page.Header.Get("Content-Security-Policy"), "script-src 'self' 'wasm-unsafe-eval';") ||
		!strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
		t.Errorf("the page: %d %v", page.StatusCode, page.Header)
	}
	if r := get("/tablet/sw.js", ""); r.Header.Get("Service-Worker-Allowed") != "/tablet" || r.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("the service worker: %v", r.Header)
	}
	wasm := ""
	for name := range d.app {
		if strings.HasSuffix(name, ".wasm") {
			wasm = "/tablet/" + name
		}
	}
	for _, c := range []struct{ accepted, given string }{{"gzip, deflate, br", "br"}, {"gzip", "gzip"}, {"br;q=0, gzip", "gzip"}, {"", ""}} {
		r := get(wasm, c.accepted)
		if r.Header.Get("Content-Encoding") != c.given || r.Header.Get("Content-Type") != "application/wasm" || r.Header.Get("Cache-Control") != forEver {
			t.Errorf("the engine, for %q: %v", c.accepted, r.Header)
		}
	}
	if r := get("/tablet/nothing.js", ""); r.StatusCode != http.StatusNotFound {
		t.Errorf("a file that is not there: %d", r.StatusCode)
	}
}
