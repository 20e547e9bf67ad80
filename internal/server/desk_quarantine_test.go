package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

// accepted hands an interview of a case in, and returns its place in the log.
func (d *deskSite) accepted(n int, caseID string, change func(*surveys.Interview)) intake.Receipt {
	d.t.Helper()
	body := interviewBody(d.t.(*testing.T), func(iv *surveys.Interview) {
		iv.ID, iv.Case, iv.Answers = fmt.Sprintf("7d7f1c6e-55a8-4b21-8b0e-%012d", n), caseID, maps.Clone(iv.Answers)
		if change != nil {
			change(iv)
		}
	})
	r, err := d.intake.Accept(d.t.Context(), []byte(body))
	d.must(err)
	return r
}

// filled opens a page and returns what a browser would send of its form with an action.
func (w *worker) filled(path, action string) url.Values {
	w.desk.t.Helper()
	status, body := w.open(path)
	doc, err := html.Parse(strings.NewReader(body))
	w.desk.must(err)
	has := func(n *html.Node, name string) bool {
		for _, a := range n.Attr {
			if a.Key == name {
				return true
			}
		}
		return false
	}
	text := func(n *html.Node) string {
		if n.FirstChild == nil {
			return ""
		}
		return n.FirstChild.Data
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		fields := url.Values{}
		for in := range n.Descendants() {
			switch {
			case in.Type != html.ElementNode:
			case in.Data == "input" && (attr(in, "type") != "checkbox" || has(in, "checked")):
				fields.Add(attr(in, "name"), attr(in, "value"))
			case in.Data == "textarea":
				fields.Add(attr(in, "name"), strings.ReplaceAll(text(in), "\n", "\r\n"))
			case in.Data == "option" && has(in, "selected"):
				fields.Add(attr(in.Parent, "name"), attr(in, "value"))
			}
		}
		if fields.Get("action") == action {
			return fields
		}
	}
	w.desk.t.Fatalf("%s (%d) has no form to %s:\n%s", path, status, action, body)
	return nil
}

func at(seq uint64) string { return fmt.Sprintf("/desk/village/quarantine/%d?lang=en", seq) }

// What is wrong with an interview is seen in words and put right over the page: it counts as
// a new revision, what was not touched is the same to the byte, and the second press of the
// button changes nothing.
func TestDeskQuarantineCorrect(t *testing.T) {
	d := newDesk(t)
	started := time.Date(2026, 6, 1, 3, 4, 5, 678_000_000, time.UTC)
	wrong := d.accepted(1, "c1", func(iv *surveys.Interview) {
		iv.Started, iv.Finished = started, started.Add(time.Hour)
		iv.Answers["age"] = []string{"7"}
		iv.Answers["place"] = []string{"知乎"}
		delete(iv.Answers, "K01")
	})
	wu := d.as("wu")
	_, body := wu.open("/desk/village/cases?lang=en")
	d.wants(0, body, 0, `/desk/village/quarantine?lang=en">Quarantine</a>`)
	_, body = wu.open("/desk/village/quarantine?lang=en")
	d.wants(0, body, 0, "the answers do not agree with the rules", ">c1<", `href="/desk/village/quarantine/1?lang=en"`)
	status, body := wu.open(at(1))
	d.wants(status, body, 200, "age: Age is between 18 and 120.", "K01: it should have been asked, and was not", "How old are you", ">知乎<", wrong.ID)
	_, zh := wu.open(strings.Replace(at(1), "en", "zh", 1))
	d.wants(0, zh, 0, "隔离问卷 1", "答案与问卷的规则不符", "K01：应问而没有问")

	form := wu.filled(at(1), "correct")
	status, body = wu.send(at(1), with(form))
	d.wants(status, body, 422, "Give a reason.")
	status, body = wu.send(at(1), with(form, "reason", "called the person", "a.age", "47"))
	d.wants(status, body, 422, "It would not count like this either", "K01: it should have been asked", `value="47"`, ">called the person</textarea>")
	if strings.Contains(body, "age: Age is between") {
		t.Error("the age that was typed is still wrong")
	}
	if token := `name="form" value="` + form.Get("form") + `"`; !strings.Contains(body, token) {
		t.Error("the form has another token after it was refused")
	}
	status, body = wu.send(at(1), with(form, "reason", "x", "a.age", "47", "a.K01", "true", "started", "yesterday"))
	d.wants(status, body, 422, "A time is not written correctly.")
	right := with(form, "reason", "called the person", "a.age", "47", "a.K01", "true")
	var wg sync.WaitGroup
	for range 8 { // an impatient finger
		wg.Go(func() {
			if status, body := wu.send(at(1), right); status != 200 {
				t.Errorf("%d\n%s", status, body)
			}
		})
	}
	wg.Wait()
	status, body = wu.send(at(1), with(right, "form", "another"))
	d.wants(status, body, 409, "It was decided meanwhile")
	_, body = wu.open(at(1))
	d.wants(0, body, 0, "Corrected: revision 1 of interview "+wrong.ID, "吴督导 (wu)", "called the person")
	if strings.Contains(body, `name="action"`) {
		t.Error("what is decided still has a form")
	}
	_, body = wu.open("/desk/village/quarantine?lang=en")
	d.wants(0, body, 0, "Corrected: revision 1")
	stored := d.stored()
	if len(stored) != 1 {
		t.Fatalf("%d interviews are stored, want 1", len(stored))
	}
	iv := stored[0]
	if iv.ID != wrong.ID || iv.Revision != 1 || iv.Answers.First("age") != "47" || iv.Answers.First("K01") != "true" || iv.Answers.First("place") != "知乎" || !iv.Started.Equal(started) || iv.Case != "c1" {
		t.Errorf("stored %+v", iv)
	}
	l := 0
	for _, q := range d.intake.Quarantine() {
		if l++; q.Decision == nil || q.Decision.By != "wu" {
			t.Errorf("in quarantine: %+v", q)
		}
	}
	if l != 1 {
		t.Errorf("%d in quarantine, want 1", l)
	}
}

// A second interview of a case is chosen to count, or dismissed.
func TestDeskQuarantineChoose(t *testing.T) {
	d := newDesk(t)
	first := d.accepted(1, "c2", nil)
	second := d.accepted(2, "c2", func(iv *surveys.Interview) { iv.Answers["age"] = []string{"50"} })
	third := d.accepted(3, "c2", nil)
	wu := d.as("wu")
	status, body := wu.open(at(second.Seq))
	d.wants(status, body, 200, "the case has another interview", "Let it stand in place", `<a href="/desk/village/cases/c2?lang=en">`)
	form := wu.filled(at(second.Seq), "correct")
	status, body = wu.send(at(second.Seq), with(form, "reason", "the right person"))
	d.wants(status, body, 422, "It would not count like this either: the case has another interview")
	status, body = wu.send(at(second.Seq), with(form, "reason", "the right person", "replace", "yes"))
	d.wants(status, body, 200, "Accepted; the new revision counts.", "revision 1 of interview "+first.ID)
	status, body = wu.send(at(third.Seq), with(wu.filled(at(third.Seq), "dismiss")))
	d.wants(status, body, 422, "Give a reason.", `<details class="act" open><summary>Dismiss`)
	status, body = wu.send(at(third.Seq), with(wu.filled(at(third.Seq), "dismiss"), "reason", "a test"))
	d.wants(status, body, 200, "Dismissed; it stays on record.", "<dd>Dismissed</dd>", "<dd>a test</dd>")
	var counts *surveys.Interview
	for _, iv := range d.stored() {
		if counts == nil || iv.Revision > counts.Revision {
			counts = &iv
		}
	}
	if counts.ID != first.ID || counts.Revision != 1 || counts.Answers.First("age") != "50" {
		t.Errorf("what counts is %+v", counts)
	}
}

// Who may not review sees no quarantine; who may sees that of their own area only: what lies
// elsewhere, or in no case, is not there for them, in whatever way they ask.
func TestDeskQuarantineKeepsToTheArea(t *testing.T) {
	d := newDesk(t)
	broken := func(iv *surveys.Interview) { delete(iv.Answers, "K01") }
	here := d.accepted(1, "c1", broken)
	there := d.accepted(2, "c6", broken) // in Ningbo
	nowhere := d.accepted(3, "", broken)
	stranger := d.accepted(4, "no such case", broken)
	whole := d.accepted(5, "c5", nil)
	wu := d.as("wu")
	_, body := wu.open("/desk/village/quarantine?lang=en")
	for _, r := range []intake.Receipt{there, nowhere, stranger} {
		if strings.Contains(body, fmt.Sprintf(`quarantine/%d?`, r.Seq)) {
			t.Errorf("number %d is on the list:\n%s", r.Seq, body)
		}
		for range 2 {
			status, page := wu.open(at(r.Seq))
			d.wants(status, page, 404)
			form := with(wu.filled(at(here.Seq), "dismiss"), "reason", "x")
			status, page = wu.send(at(r.Seq), form)
			d.wants(status, page, 404)
		}
		if got, want := d.refusedLast(), fmt.Sprintf("wu read quarantined village %d", r.Seq); got != want {
			t.Errorf("the audit trail ends in %q, want %q", got, want)
		}
	}
	for _, path := range []string{at(whole.Seq), at(99), "/desk/village/quarantine/x", "/desk/village/quarantine/-1", "/desk/other/quarantine", "/desk/other/quarantine/1"} {
		status, page := wu.open(path)
		d.wants(status, page, 404)
	}
	form := with(wu.filled(at(here.Seq), "correct"), "reason", "x", "a.K01", "true", "case", "c6")
	status, body := wu.send(at(here.Seq), form)
	d.wants(status, body, 422, "There is no such case in your area.")
	status, body = wu.send(at(here.Seq), with(form, "action", "burn"))
	d.wants(status, body, 400)
	status, body = wu.send(at(here.Seq), with(form, "token", "x"))
	if status == 200 {
		t.Errorf("a form of another session: %d\n%s", status, body)
	}
	for _, q := range d.intake.Quarantine() {
		if q.Decision != nil {
			t.Errorf("number %d is decided: %+v", q.Seq, q.Decision)
		}
	}
	for _, login := range []string{"li", "reader", "stat", "admin"} {
		w := d.as(login)
		for _, path := range []string{"/desk/village/quarantine", at(here.Seq)} {
			status, body := w.open(path)
			d.wants(status, body, 403)
		}
		status, body := w.send(at(here.Seq), url.Values{"action": {"dismiss"}, "reason": {"x"}, "form": {"f"}})
		d.wants(status, body, 403)
	}
	status, body = d.as("province").open(at(there.Seq))
	d.wants(status, body, 200)
	status, _ = d.as("ningbo").open(at(there.Seq))
	d.wants(status, "", 200)
	account := deskStaff()[1]
	account.Login, account.Area = "country", ""
	d.must(d.office.PutAccount(t.Context(), account, "setup", noon))
	d.must(d.office.SetPassword(t.Context(), "country", deskPassword, "setup", noon))
	all := d.as("country")
	for _, r := range []intake.Receipt{nowhere, stranger} {
		status, body := all.open(at(r.Seq))
		d.wants(status, body, 200)
	}
	status, body = all.send(at(nowhere.Seq), with(all.filled(at(nowhere.Seq), "correct"), "reason", "asked again", "a.K01", "true"))
	d.wants(status, body, 200, "Accepted")
}

// What is typed is never taken for markup.
func TestDeskQuarantineIsText(t *testing.T) {
	const markup = `"><script>alert(1)</script>`
	d := newDesk(t)
	r := d.accepted(1, "c1", func(iv *surveys.Interview) {
		iv.Answers["place"] = []string{markup}
		iv.Answers["age"] = []string{markup, "</textarea>" + markup}
	})
	wu := d.as("wu")
	_, body := wu.open(at(r.Seq))
	if strings.Contains(body, "<script>alert") || !strings.Contains(body, "&lt;script&gt;") {
		t.Errorf("the answer is markup:\n%s", body)
	}
	form := wu.filled(at(r.Seq), "correct")
	if got := form.Get("a.age"); got != markup+"\r\n</textarea>"+markup {
		t.Errorf("the field has %q", got)
	}
	_, body = wu.send(at(r.Seq), with(form, "reason", markup, "booklet", markup))
	if strings.Contains(body, "<script>alert") {
		t.Errorf("what was typed is markup:\n%s", body)
	}
}

// The key of the receipts is there for everybody, in both forms, and checks what a submission
// was answered with; equal submissions at one moment are one record with one receipt.
func TestReceiptsOverHTTP(t *testing.T) {
	s := villageSite(t)
	body := interviewBody(t, nil)
	var mu sync.Mutex
	answers := map[string]int{}
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			p := s.post("/v1/submissions", "application/json", body)
			mu.Lock()
			defer mu.Unlock()
			answers[p.body]++
			statuses[p.status]++
		})
	}
	wg.Wait()
	if len(answers) != 1 || statuses[http.StatusCreated] != 1 || statuses[http.StatusOK] != 39 {
		t.Errorf("%d different receipts, with status %v; want one receipt, created once", len(answers), statuses)
	}
	if n := s.log.Stat().Next; n != 2 {
		t.Errorf("the log has %d records, want 1", n-1)
	}
	for text := range answers {
		var r intake.Receipt
		if err := json.Unmarshal([]byte(text), &r); err != nil || !r.Genuine(s.intake.ReceiptKey()) {
			t.Errorf("the receipt is not genuine: %v: %s", err, text)
		}
	}
	if p := s.get("/v1/receipt-key.pem"); p.status != 200 || !bytes.Equal([]byte(p.body), s.intake.ReceiptKey().PEM()) {
		t.Errorf("the key: %d %s", p.status, p.body)
	}
	var jwk map[string]string
	want := s.intake.ReceiptKey().JWK()
	if p := s.get("/v1/receipt-key"); p.status != 200 || json.Unmarshal([]byte(p.body), &jwk) != nil || jwk["x"] != want.X || jwk["y"] != want.Y || jwk["kty"] != "EC" {
		t.Errorf("the key: %d %s", p.status, p.body)
	}
}
