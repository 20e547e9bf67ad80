package server

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/tablet"
	"github.com/suyang-survey/suyang/surveys"
)

// openTablets opens journals of tablets for one test.
func openTablets(t testing.TB, store *office.Store, deps *Deps) *tablet.Tablets {
	t.Helper()
	log, err := wal.Open(wal.DefaultConfig(t.TempDir() + "/tablets"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	cfg := tablet.DefaultConfig()
	cfg.Logger = deps.Log
	tablets, err := tablet.Open(t.Context(), cfg, log, store, deps.Intake.(*intake.Intake), testKey, deps.Now)
	if err != nil {
		t.Fatal(err)
	}
	return tablets
}

// firstTablet is the ID of the first tablet of a test.
const firstTablet = "00000000-0000-4000-8000-000000000001"

// aTablet is a tablet with its journal.
type aTablet struct {
	desk   *deskSite
	id     string
	n      uint64
	head   [32]byte
	key    []byte
	lines  []string
	report office.DeviceReport
}

// enrolled gives an enumerator a tablet; n tells tablets apart.
func (d *deskSite) enrolled(n int, login, name string) *aTablet {
	d.t.Helper()
	b := &aTablet{desk: d, id: fmt.Sprintf("00000000-0000-4000-8000-%012d", n), key: bytes.Repeat([]byte{byte(n)}, 32)}
	b.head = sha256.Sum256([]byte("suyang journal 1\n" + b.id))
	b.report = office.DeviceReport{App: "a1b2c3d4e5f6", Engine: "e1e1e1e1e1e1", Questionnaires: []string{"village " + d.waves()["village"].version}, Persisted: true, Quota: 8 << 30, Usage: 5 << 20, Write: true}
	by := deskStaff()[1] // of the province
	token, _, err := d.office.NewEnrolment(d.t.Context(), by, login, d.clock.Now())
	d.must(err)
	secret := base64.RawURLEncoding.EncodeToString(b.key)
	_, err = d.office.Enrol(d.t.Context(), token, b.id, secret, name, d.clock.Now())
	d.must(err)
	return b
}

// records writes an event into the journal of the tablet, which sends it later.
func (b *aTablet) records(kind string, more ...any) string {
	b.desk.t.Helper()
	e := map[string]any{"kind": kind, "at": b.desk.clock.Now().Format(time.RFC3339), "wave": "village", "case": "c1"}
	for i := 0; i+1 < len(more); i += 2 {
		e[more[i].(string)] = more[i+1]
	}
	text, err := json.Marshal(e)
	b.desk.must(err)
	b.n++
	b.report.Last = b.n
	switch kind {
	case "attempt":
		b.report.Attempts++
	case "note":
		b.report.Notes++
	case "begin":
		b.report.Begun++
	case "finish":
		b.report.Finished++
	}
	h := sha256.Sum256(append(binary.BigEndian.AppendUint64(b.head[:len(b.head):len(b.head)], b.n), text...))
	iv := make([]byte, 12)
	binary.BigEndian.PutUint64(iv, b.n)
	line, err := json.Marshal(map[string]any{"seq": b.n, "hash": hex.EncodeToString(h[:]), "iv": base64.RawURLEncoding.EncodeToString(iv),
		"data": base64.RawURLEncoding.EncodeToString(sealed(b.desk.t, b.key, iv, text, fmt.Sprintf("%s\n%d", b.id, b.n)))})
	b.desk.must(err)
	b.lines = append(b.lines, string(line))
	b.head = h
	return string(text)
}

// sealed is AES-256-GCM.
func sealed(t testing.TB, key, iv, text []byte, about string) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return gcm.Seal(nil, iv, text, []byte(about))
}

// sends records an event and sends it at once.
func (b *aTablet) sends(kind string, more ...any) {
	b.desk.t.Helper()
	from, prev := b.n+1, hex.EncodeToString(b.head[:])
	text := b.records(kind, more...)
	_, err := b.desk.deps.Tablets.Take(b.desk.t.Context(), office.Device{ID: b.id}, tablet.Batch{From: from, Prev: prev, Events: []string{text}})
	b.desk.must(err)
}

// reports has the office hear of the tablet, after what came was carried out.
func (b *aTablet) reports() {
	b.desk.t.Helper()
	b.desk.must(b.desk.deps.Tablets.Flush(b.desk.t.Context()))
	b.desk.must(b.desk.office.Contact(b.desk.t.Context(), b.id, b.report, b.desk.clock.Now()))
}

// visited is an attempt as a tablet records it.
func visited(at time.Time, outcome string) map[string]any {
	return map[string]any{"at": at.Format(time.RFC3339), "contact": "visit", "outcome": outcome}
}

// rescueFile is a rescue file of all that the tablet recorded.
func (b *aTablet) rescueFile() []byte {
	t := b.desk.t
	t.Helper()
	point, err := base64.RawURLEncoding.DecodeString(b.desk.deps.Tablets.RescueKey())
	b.desk.must(err)
	office, err := ecdh.P256().NewPublicKey(point)
	b.desk.must(err)
	once, err := ecdh.P256().GenerateKey(rand.Reader)
	b.desk.must(err)
	z, err := once.ECDH(office)
	b.desk.must(err)
	wrap, err := hkdf.Key(sha256.New, z, nil, "suyang rescue 1\n"+b.id, 32)
	b.desk.must(err)
	iv, first := make([]byte, 12), sha256.Sum256([]byte("suyang journal 1\n"+b.id))
	enc := base64.RawURLEncoding.EncodeToString
	key := map[string]string{"epk": enc(once.PublicKey().Bytes()), "iv": enc(iv), "box": enc(sealed(t, wrap, iv, b.key, b.id))}
	shared, err := b.desk.office.DeviceKey(t.Context(), b.id)
	b.desk.must(err)
	proof := hmac.New(sha256.New, shared)
	fmt.Fprintf(proof, "suyang rescue proof 1\n%s\n%s\n%s\n%s\n", b.id, key["epk"], key["iv"], key["box"])
	key["proof"] = enc(proof.Sum(nil))
	head, err := json.Marshal(map[string]any{"suyang": "rescue 1", "device": b.id, "made": noon.Format(time.RFC3339), "prev": hex.EncodeToString(first[:]), "report": b.report, "key": key})
	b.desk.must(err)
	return []byte(string(head) + "\n" + strings.Join(b.lines, "\n") + fmt.Sprintf("\n{\"end\":%d}\n", len(b.lines)))
}

// uploads sends a file with the form of the list of tablets.
func (w *worker) uploads(file []byte, fields ...string) (int, string) {
	w.desk.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if len(fields) == 0 {
		fields = []string{tokenField, w.token}
	}
	for i := 0; i+1 < len(fields); i += 2 {
		w.desk.must(form.WriteField(fields[i], fields[i+1]))
	}
	if file != nil {
		part, err := form.CreateFormFile(rescueField, "suyang.rescue")
		w.desk.must(err)
		_, err = part.Write(file)
		w.desk.must(err)
	}
	w.desk.must(form.Close())
	return w.read(w.Post(w.desk.served.URL+"/desk/tablets/rescue?lang=en", form.FormDataContentType(), &body))
}

// tabletLine is the line of a tablet in the list, as it is downloaded.
func (w *worker) tabletLine(name string) string {
	w.desk.t.Helper()
	for _, row := range w.rows("/desk/tablets", "tablets") {
		if row[0] == name {
			return strings.Join(row, " | ")
		}
	}
	return ""
}

// interviewed is the body of an interview on a tablet, which nobody finished.
func (d *deskSite) interviewed(id, interview string, change ...func(*surveys.Interview)) string {
	d.t.Helper()
	iv := surveys.Interview{ID: interview, Survey: "village", Version: d.waves()["village"].version, Wave: "village", Case: id, Mode: surveys.ModeTablet, Lang: surveys.ZH,
		Started: noon.Add(-20 * time.Minute), Finished: noon, Partial: true, Answers: surveys.Answers{}}
	for _, c := range change {
		c(&iv)
	}
	body, err := json.Marshal(iv)
	d.must(err)
	return string(body)
}

// busyTablets gives the desk tablets of every kind: one that is fine, one with faults and held
// deeds, one that is silent, one that was revoked.
func busyTablets(d *deskSite) (held *aTablet) {
	d.t.Helper()
	ctx := d.t.Context()
	good, held, silent, lost := d.enrolled(1, "li", "李的平板"), d.enrolled(2, "chen", "旧平板（屏幕有裂纹）"), d.enrolled(3, "li", "备用平板"), d.enrolled(4, "chen", "丢失的平板")
	d.enrolled(5, "li", "新平板")
	silent.records("note", "text", "not sent")
	silent.report.Open = 1
	silent.reports()
	d.must(d.office.Revoke(ctx, deskStaff()[1], lost.id, "忘在公共汽车上", d.clock.Now()))
	d.clock.pass(50 * time.Hour)
	d.must(d.office.GiveCases(ctx, good.id, "village", []string{"c1"}, d.clock.Now()))
	charge, plugged := 0.85, true
	good.report.Battery, good.report.Charging = &charge, &plugged
	good.sends("note", "text", "the dog is friendly")
	good.reports()
	held.sends("note", "case", "c5", "text", "不是我的样本")
	held.sends("attempt", "case", "c6", "attempt", visited(noon, "nobody-home"))
	held.sends("dance")
	low := 0.08
	held.report.Battery, held.report.Persisted, held.report.Offset, held.report.Damaged, held.report.Engine = &low, false, -540_000, 1, "0000"
	held.report.Questionnaires = []string{"village 0123456789abcdef"}
	const whole = "00000000-0000-4000-8000-000000000201"
	d.must(d.office.GiveCases(ctx, held.id, "village", []string{"c4"}, d.clock.Now()))
	held.sends("finish", "case", "c4", "interview", whole, "body", d.interviewed("c4", whole, func(iv *surveys.Interview) { iv.Partial = false }))
	held.records("finish")
	held.sends("note", "text", "after what is missing")
	held.reports()
	d.engine = good.report.Engine
	d.must(d.office.Dismiss(ctx, deskStaff()[1], held.id, 2, "已在样本页面补登记", d.clock.Now()))
	return held
}

// The list reconciles what tablets report with what is here, says in words what is wrong with
// each, and puts first what needs attention.
func TestDeskTablets(t *testing.T) {
	d := newDesk(t)
	wu := d.as("wu")
	status, body := wu.open("/desk/tablets")
	d.wants(status, body, http.StatusOK, "No tablet has been enrolled yet", "There is nothing to list", "Enrol a tablet", `value="li"`)
	if _, body := wu.open("/desk"); !strings.Contains(body, `href="/desk/tablets?lang=en"`) {
		t.Error("the home page has no link to the tablets")
	}
	d.given("c1")
	good, bad, late := d.enrolled(1, "li", "好平板"), d.enrolled(2, "chen", "坏平板"), d.enrolled(3, "li", "旧平板")
	status, body = wu.open("/desk/tablets")
	d.wants(status, body, http.StatusOK, "enrolled, not heard of yet", "what the 3 tablets last reported is here")
	d.must(d.office.GiveCases(t.Context(), good.id, "village", []string{"c1"}, noon))
	good.sends("attempt", "attempt", visited(noon, "nobody-home"))
	good.sends("note", "text", "the dog is friendly")
	charge, plugged := 0.85, true
	good.report.Battery, good.report.Charging = &charge, &plugged
	good.reports()
	d.engine = good.report.Engine
	late.reports()
	d.clock.pass(50 * time.Hour)
	wu = d.as("wu")
	good.reports()
	charge = 0.1
	bad.report = office.DeviceReport{App: "old", Engine: "older", Questionnaires: []string{"village 0123456789abcdef", "gone 1"}, Quota: 50 << 20, Usage: 9 << 20, Offset: 480_000, Battery: &charge,
		Last: 7, Finished: 2, Parted: 1, Open: 1, Unsent: 7, Damaged: 1}
	bad.reports()

	var names []string
	for _, row := range wu.rows("/desk/tablets", "tablets") {
		names = append(names, row[0])
	}
	if got, want := strings.Join(names, " "), "坏平板 旧平板 好平板"; got != want {
		t.Errorf("the order is %s, want %s", got, want)
	}
	for name, want := range map[string]string{
		"好平板": "好平板 |  | 李访问员 (li) | in use | 2026-06-03 14:00 | 0 minutes | ✓ all passed | 85 %, charging | 0 | 0 | 0 = 0 | 2 | 2 | 2 | 0 | 0 | a1b2c3d4 / e1e1e1e1 | village " + d.waves()["village"].version[:8],
		"旧平板": "旧平板 | silent for 2 days | 李访问员 (li) | silent for more than 2 days | 2026-06-01 12:00 | 2 days | ✓ all passed |  | 0 | 0 | 0 = 0 | 0 | 0 | 0 | 0 | 0 | a1b2c3d4 / e1e1e1e1 | village " + d.waves()["village"].version[:8],
		"坏平板": "坏平板 | 1 events damaged · 7 events not here · 3 interviews not here · checks failed · " +
			"battery low and not charging · engine out of date · questionnaire out of date | 陈访问员 (chen) | in use | 2026-06-03 14:00 | 0 minutes | " +
			"the browser has not promised to keep the storage · only 41 MB of storage are free · the clock is 8 minutes slow · a test write could not be read back | 10 % | 1 | 7 | 2 / 0, 2 missing | 7 | 0 | 0 | 1 | 0 | " +
			"old / older (older than the server's) | village 01234567 (older than the present one) · gone 1 (no such wave here)",
	} {
		if got := wu.tabletLine(name); got != want {
			t.Errorf("%s:\n%s, want\n%s", name, got, want)
		}
	}
	_, body = wu.open("/desk/tablets")
	d.wants(0, body, 0, "Not everything is accounted for; 1 tablets are not settled (7 events not here, 1 events damaged)", " 1 tablets have been silent", "<dt>With unsent interviews</dt><dd>1</dd>", "<dt>Interviews under way</dt><dd>1</dd>")
	if got, want := lines(wu.rows("/desk/tablets", "counts")), "Interviews begun | 0 | 0 | equal | 0\nInterviews finished | 2 | 0 | 2 missing | 0\nInterviews broken off | 1 | 0 | 1 missing | 0\n"+
		"Attempts | 1 | 1 | equal | 1\nSelections | 0 | 0 | equal | 0\nListings changed afterwards | 0 | 0 | equal | 0\nNotes | 1 | 1 | equal | 1\nAll events | 9 | 2 | 7 missing | 2"; got != want {
		t.Errorf("the sums are\n%s, want\n%s", got, want)
	}
	if got := wu.rows("/desk/tablets?lang=en&sort=-tablets.silence", "tablets"); got[0][0] != "旧平板" {
		t.Errorf("sorted by silence, %s is first", got[0][0])
	}
}

// Who has nothing to do with tablets does not open their pages; of another area there are none.
func TestDeskTabletsOfOthers(t *testing.T) {
	d := newDesk(t)
	b := d.enrolled(1, "li", "好平板")
	b.reports()
	page := "/desk/tablets/" + b.id
	for login, want := range map[string]int{"wu": 200, "hangzhou": 200, "province": 200, "ningbo": 404, "li": 403, "stat": 403, "reader": 403, "admin": 403} {
		w := d.as(login)
		if status, _ := w.open(page); status != want {
			t.Errorf("%s opens the tablet: %d, want %d", login, status, want)
		}
		if want == 404 {
			if got := d.refusedLast(); got != login+" read tablet "+b.id {
				t.Errorf("the trail says %q", got)
			}
			if status, body := w.open("/desk/tablets"); status != 200 || strings.Contains(body, "好平板") || strings.Contains(body, `value="li"`) {
				t.Errorf("%s is shown tablets or enumerators of another area: %d", login, status)
			}
		}
		for action, mine := range map[string]int{"revoke": 422, "dismiss": 422, "retry": 409, "giveup": 409} {
			wantPost := want
			if want == 200 {
				wantPost = mine
			}
			if status, _ := w.send(page+"?lang=en", url.Values{"action": {action}, "seq": {"1"}}); status != wantPost {
				t.Errorf("%s sends %s: %d, want %d", login, action, status, wantPost)
			}
		}
		if status, body := w.send("/desk/tablets/enrol?lang=en", url.Values{"login": {"li"}}); status != want || strings.Contains(body, "#e=") != (want == 200) {
			t.Errorf("%s makes a code: %d, want %d", login, status, want)
		}
		if status, body := w.uploads(b.rescueFile()); status != want {
			t.Errorf("%s reads a rescue file: %d, want %d\n%s", login, status, want, body)
		}
		if _, body := w.open("/desk"); strings.Contains(body, `href="/desk/tablets?`) != (want == 200 || want == 404) {
			t.Errorf("%s: the link to the tablets", login)
		}
	}
	for _, path := range []string{"/desk/tablets/" + firstTablet + "0", "/desk/tablets/a%2Fb", "/desk/tablets/enrol"} {
		if status, _ := d.as("wu").open(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// A server that takes no journals has no pages of tablets, and no link to them.
func TestDeskWithoutTablets(t *testing.T) {
	d := newDesk(t)
	cfg, deps := DefaultConfig(testKey), d.deps
	deps.Tablets = nil
	without, err := New(cfg, deps)
	d.must(err)
	d.served.Config.Handler = without.Handler()
	wu := d.as("wu")
	if status, _ := wu.open("/desk/tablets"); status != http.StatusNotFound {
		t.Errorf("the list is there: %d", status)
	}
	if status, body := wu.open("/desk"); status != http.StatusOK || strings.Contains(body, "/desk/tablets") {
		t.Errorf("the home page has a link to it: %d", status)
	}
}

// A code enrols one tablet, for 72 hours; it is in the answer alone: in no address, no log, no
// audit trail.
func TestDeskTabletCode(t *testing.T) {
	d := newDesk(t)
	wu := d.as("wu")
	for name, c := range map[string]struct {
		login, words string
		status       int
	}{
		"nobody":           {"", "Choose the enumerator", 422},
		"no such account":  {"nemo", "Page not found", 404},
		"no enumerator":    {"hangzhou", "Page not found", 404},
		"spaces around it": {" li ", "李访问员 (li)", 200},
	} {
		status, body := wu.send("/desk/tablets/enrol?lang=en", url.Values{"login": {c.login}})
		t.Log(name)
		d.wants(status, body, c.status, c.words)
	}
	status, body := wu.send("/desk/tablets/enrol?lang=en", url.Values{"login": {"li"}})
	d.wants(status, body, http.StatusOK, "李访问员 (li)", "2026-06-04 12:00", `<svg class="qr" role="img"`, d.served.URL+"/tablet#e=", `href="/desk/tablets?lang=zh"`)
	if strings.Contains(body, "does not begin with https") {
		t.Error("the machine itself is said to need https")
	}
	_, token, _ := strings.Cut(body, "/tablet#e=")
	token, _, _ = strings.Cut(token, "<")
	secret := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	if a, err := d.office.Enrol(t.Context(), token, firstTablet, secret, "平板", d.clock.Now()); err != nil || a.Login != "li" {
		t.Errorf("with the code: %v, %v", a, err)
	}
	_, trail := d.as("admin").open("/desk/audit?lang=en&download=audit")
	d.wants(0, trail, 0, "Make a code for a tablet,li,Done")
	if strings.Contains(trail, token) || strings.Contains(d.logs.String(), token) {
		t.Error("the code is in the audit trail or the log")
	}
	_, body = wu.send("/desk/tablets/enrol?lang=en", url.Values{"login": {"chen"}})
	_, token, _ = strings.Cut(body, "/tablet#e=")
	token, _, _ = strings.Cut(token, "<")
	d.clock.pass(office.TokenLife)
	if _, err := d.office.Enrol(t.Context(), token, strings.Replace(firstTablet, "1", "2", 1), secret, "平板", d.clock.Now()); err == nil {
		t.Error("an expired code enrols")
	}
	wu = d.as("wu")
	r, err := http.NewRequest(http.MethodPost, d.served.URL+"/desk/tablets/enrol?lang=en", strings.NewReader(url.Values{"login": {"li"}, tokenField: {wu.token}}.Encode()))
	d.must(err)
	r.Header.Set("Content-Type", formMedia)
	for _, c := range wu.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	r.Host = "survey.example.cn"
	status, body = wu.read(wu.Do(r))
	d.wants(status, body, http.StatusOK, "http://survey.example.cn/tablet#e=", "does not begin with https")
}

// The page of a tablet says what was held and why; it is dismissed with a reason, once.
func TestDeskTablet(t *testing.T) {
	d := newDesk(t)
	d.given("c1")
	b := d.enrolled(1, "li", "好平板")
	d.must(d.office.GiveCases(t.Context(), b.id, "village", []string{"c1"}, noon))
	b.sends("begin", "interview", "x")
	b.sends("attempt", "attempt", visited(noon, "nobody-home"))
	b.sends("attempt", "attempt", visited(noon, "nobody-home"))
	b.sends("note", "case", "c5", "text", "not my case")
	b.sends("attempt", "attempt", map[string]any{"contact": "pigeon", "outcome": "eaten"})
	b.sends("dance")
	b.reports()
	wu := d.as("wu")
	page := "/desk/tablets/" + b.id + "?lang=en"
	status, body := wu.open(page)
	d.wants(status, body, http.StatusOK, "Tablet 好平板", "3 held", "Number 3 · case c1 · Record an attempt", "Number 4 · case c5 · Note", "<dd>not my case</dd>", "Number 5 · case c1",
		"there is an attempt of this kind", "the tablet was never given this case", "time, way or outcome of the attempt is missing or unknown", "Revoke this tablet", "<dt>Of an unknown kind</dt><dd>1</dd>",
		`<a href="/desk/village/cases/c1?lang=en">c1</a>`)
	if strings.Contains(body, `href="/desk/village/cases/c5`) {
		t.Error("a case that the tablet never had is linked")
	}
	if got, want := lines(wu.rows(page, "counts")), "Interviews begun | 1 | 1 | equal | 1\nInterviews finished | 0 | 0 | equal | 0\nInterviews broken off | 0 | 0 | equal | 0\nAttempts | 3 | 3 | equal | 1\n"+
		"Selections | 0 | 0 | equal | 0\nListings changed afterwards | 0 | 0 | equal | 0\nNotes | 1 | 1 | equal | 0\nAll events | 6 | 6 | equal | 6"; got != want {
		t.Errorf("the counts are\n%s, want\n%s", got, want)
	}
	dismiss := url.Values{"action": {"dismiss"}, "seq": {"3"}, "reason": {"typed twice"}}
	for name, c := range map[string]struct {
		form   url.Values
		status int
		words  string
	}{
		"no reason":        {with(dismiss, "reason", "  "), 422, "Give a reason"},
		"a long reason":    {with(dismiss, "reason", strings.Repeat("x", 7000)), 422, "Give a reason"},
		"nothing held":     {with(dismiss, "seq", "2"), 409, "This is not held"},
		"no number":        {with(dismiss, "seq", "three"), 400, ""},
		"a great number":   {with(dismiss, "seq", "99999999999999999999"), 400, ""},
		"another action":   {with(dismiss, "action", "dance"), 400, ""},
		"no action at all": {url.Values{}, 400, ""},
	} {
		status, body := wu.send(page, c.form)
		t.Log(name)
		d.wants(status, body, c.status, c.words)
	}
	_, body = wu.send(page, with(dismiss, "reason", ""))
	d.wants(0, body, 0, `<details class="act" open><summary>Number 3`)
	status, body = wu.send(page, with(dismiss))
	d.wants(status, body, http.StatusOK, "Dismissed; it stays on record", "吴督导 (wu): typed twice", "2 held")
	if strings.Contains(body, "<summary>Number 3") {
		t.Error("what was dismissed still has a form")
	}
	status, body = wu.send(page, with(dismiss))
	d.wants(status, body, http.StatusConflict, "was dismissed before")

	revoke := url.Values{"action": {"revoke"}, "reason": {""}}
	status, body = wu.send(page, with(revoke))
	d.wants(status, body, http.StatusUnprocessableEntity, "Give a reason", `<details class="act" open><summary>Revoke`)
	status, body = wu.send(page, with(revoke, "reason", "left on a bus"))
	d.wants(status, body, http.StatusOK, "The tablet is revoked", "<dd>left on a bus</dd>")
	if strings.Contains(body, "Revoke this tablet") {
		t.Error("a revoked tablet can be revoked")
	}
	status, body = wu.send(page, with(revoke, "reason", "again"))
	d.wants(status, body, http.StatusConflict, "was revoked before")
	d.wants(0, wu.tabletLine("好平板"), 0, " | revoked | ")
}

// An interview that is held is tried again: it counts when what was missing is there, and then
// is held no longer; otherwise it stays held for the reason that there is now.
func TestDeskTabletRetry(t *testing.T) {
	const part, whole = "00000000-0000-4000-8000-000000000101", "00000000-0000-4000-8000-000000000102"
	d := newDesk(t)
	b := d.enrolled(1, "li", "好平板")
	b.sends("part", "interview", part, "body", d.interviewed("c1", part))
	b.sends("finish", "case", "c2", "interview", whole, "body", d.interviewed("c2", whole, func(iv *surveys.Interview) { iv.Partial = false }))
	b.sends("note", "text", "not my case")
	b.reports()
	wu := d.as("wu")
	page := "/desk/tablets/" + b.id + "?lang=en"
	again := func(seq string, status int, words ...string) string {
		t.Helper()
		got, body := wu.send(page, url.Values{"action": {"retry"}, "seq": {seq}})
		d.wants(got, body, status, words...)
		return body
	}
	_, body := wu.open(page)
	if n := strings.Count(body, `name="action" value="retry"`); n != 2 {
		t.Errorf("%d interviews can be tried again, want 2", n)
	}
	again("1", 409, "It was tried again, and still does not count", `<details class="act" open><summary>Number 1`)
	for _, seq := range []string{"3", "4"} { // a note, and nothing
		again(seq, 409, "This is not held")
	}
	again("one", 400)
	d.must(d.office.GiveCases(t.Context(), b.id, "village", []string{"c1", "c2"}, d.clock.Now()))
	body = again("1", 200, "The interview was accepted and counts now", "吴督导 (wu): Tried again: it counts now.", "2 held")
	if strings.Contains(body, "<summary>Number 1 ") {
		t.Error("what counts still has a form")
	}
	again("1", 409, "was dismissed before")
	again("2", 409, "the interview is in quarantine and does not count: replay: ", "<dt>Interviews in quarantine (they do not count)</dt><dd>1</dd>",
		`<a href="/desk/village/cases/c2?lang=en#quarantine">the interview is in quarantine`)
	if n := d.deps.Intake.(*intake.Intake).Stands(part, 0); n != intake.BrokenOff {
		t.Errorf("the intake has %v", n)
	}
	_, trail := d.as("admin").open("/desk/audit?lang=en&download=audit")
	d.wants(0, trail, 0, `Try a held interview again,"tablet `+b.id+`, 1",Done`, `Try a held interview again,"tablet `+b.id+`, 2",Refused`)
	for lang, want := range map[string]string{"zh": "重试待核问卷", "en": "Try a held interview again"} {
		_, trail = d.as("admin").open("/desk/audit?lang=" + lang)
		d.wants(0, trail, 0, want)
	}
}

// What is missing is given up with a reason, when the tablet has sent nothing since it was
// looked at. What comes after it is carried out; an interview that comes late counts.
func TestDeskTabletGiveUp(t *testing.T) {
	const part = "00000000-0000-4000-8000-000000000101"
	d := newDesk(t)
	d.given("c1")
	b := d.enrolled(1, "li", "好平板")
	d.must(d.office.GiveCases(t.Context(), b.id, "village", []string{"c1"}, noon))
	wu := d.as("wu")
	page := "/desk/tablets/" + b.id + "?lang=en"
	b.sends("note", "text", "the first")
	_, body := wu.open(page)
	if strings.Contains(body, "Go on without") {
		t.Error("nothing is missing, and can be given up")
	}
	prev := hex.EncodeToString(b.head[:])
	late := b.records("part", "interview", part, "body", d.interviewed("c1", part))
	b.records("note", "text", "lost")
	b.sends("note", "text", "the fourth")
	b.reports()
	status, body := wu.open(page)
	d.wants(status, body, http.StatusOK, "Give up numbers 2–3", "an interview among them is still accepted", `name="last" value="4"`)
	if status, body := d.as("hangzhou").open(page); status != 200 || !strings.Contains(body, "Give up numbers") {
		t.Errorf("who assigns cases has no form: %d", status)
	}
	form := url.Values{"action": {"giveup"}, "last": {"4"}, "reason": {"fell into the lake"}}
	for name, c := range map[string]struct {
		form   url.Values
		status int
		words  string
	}{
		"no reason": {with(form, "reason", " "), 422, "Give a reason"},
		"more came": {with(form, "last", "3"), 409, "has sent more meanwhile"},
		"no number": {with(form, "last", ""), 409, "has sent more meanwhile"},
	} {
		status, body := wu.send(page, c.form)
		t.Log(name)
		d.wants(status, body, c.status, c.words, `<details class="act" open><summary>Give up`)
	}
	if n := d.deps.Tablets.Counts(b.id); n.Damaged != 0 || n.Carried != 1 {
		t.Errorf("what was refused was done: %+v", n)
	}
	status, body = wu.send(page, form)
	d.wants(status, body, http.StatusOK, "Given up; what comes after", "<dt>Given up</dt><dd>2026-06-01 12:00 吴督导 (wu): 2–3. fell into the lake</dd>", "<dd>2: 2–3</dd>")
	status, body = wu.send(page, form)
	d.wants(status, body, http.StatusConflict, "Nothing is missing that others wait for")
	d.must(d.deps.Tablets.Flush(t.Context()))
	if n := d.deps.Tablets.Counts(b.id); n.Carried != 4 {
		t.Errorf("after it was given up %+v", n)
	}
	_, err := d.deps.Tablets.Take(t.Context(), office.Device{ID: b.id}, tablet.Batch{From: 2, Prev: prev, Events: []string{late}})
	d.must(err)
	d.must(d.deps.Tablets.Flush(t.Context()))
	if n := d.deps.Intake.(*intake.Intake).Stands(part, 0); n != intake.BrokenOff {
		t.Errorf("of the interview that came late the intake has %v", n)
	}
	_, trail := d.as("admin").open("/desk/audit?lang=en&download=audit")
	d.wants(0, trail, 0, "Give up missing events of a tablet,"+b.id+",Done")
}

// The page names the numbers that are damaged or in conflict.
func TestDeskTabletNumbers(t *testing.T) {
	d := newDesk(t)
	d.given("c1")
	b := d.enrolled(1, "li", "好平板")
	d.must(d.office.GiveCases(t.Context(), b.id, "village", []string{"c1"}, noon))
	first := hex.EncodeToString(b.head[:])
	b.sends("note", "text", "the first")
	second := hex.EncodeToString(b.head[:])
	b.records("note", "text", "lost")
	for _, batch := range []tablet.Batch{{From: 2, Prev: second, Events: []string{hex.EncodeToString(b.head[:])}, Damaged: []uint64{2}}, {From: 1, Prev: first, Events: []string{`{"kind":"other"}`}}} {
		_, err := d.deps.Tablets.Take(t.Context(), office.Device{ID: b.id}, batch)
		d.must(err)
	}
	_, body := d.as("wu").open("/desk/tablets/" + b.id + "?lang=en")
	d.wants(0, body, 0, "it was given up)</dt><dd>1: 2</dd>", "(both are kept)</dt><dd>1: 1</dd>")
	te := &teller{deskFrame: deskFrame{frame: d.pages.frame(surveys.EN)}}
	if got := te.lowest(tablet.Numbers{Total: 9, First: [][2]uint64{{1, 2}, {4, 4}}}); got != "1–2, 4 and 6 more" || te.err != nil {
		t.Errorf("many numbers are %q (%v)", got, te.err)
	}
}

// Everything why a deed can be held has words.
func TestHeldWords(t *testing.T) {
	source, err := os.ReadFile("../office/carry.go")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile("../fieldwork/progress.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(source) + string(rules)) {
		name, rest, is := strings.Cut(strings.TrimSpace(line), " ")
		_, value, quoted := strings.Cut(rest, `Why = "`)
		if !is || !quoted || !strings.HasPrefix(name, "Held") && !strings.HasPrefix(name, "Refused") {
			continue
		}
		n++
		value, _, _ = strings.Cut(value, `"`)
		if why := fieldwork.Why(value); heldWords[why] == "" && !reviewsOnly[why] {
			t.Errorf("%s (%q) has no words", name, value)
		}
	}
	if n < 20 {
		t.Errorf("only %d reasons found", n)
	}
}

// reviewsOnly are refusals of what no tablet does.
var reviewsOnly = map[fieldwork.Why]bool{fieldwork.RefusedUnlisted: true, fieldwork.RefusedContradicted: true, fieldwork.RefusedOwn: true, fieldwork.RefusedSecond: true, fieldwork.RefusedEarly: true}

// A rescue file brings what was not sent, also of a revoked tablet; again it brings nothing.
// What cannot be read is named, and a file that is none is refused.
func TestDeskRescue(t *testing.T) {
	d := newDesk(t)
	d.given("c1")
	b := d.enrolled(1, "li", "好平板")
	d.must(d.office.GiveCases(t.Context(), b.id, "village", []string{"c1"}, noon))
	b.sends("attempt", "attempt", visited(noon, "nobody-home"))
	b.reports()
	for range 4 {
		b.records("note", "text", "not sent")
	}
	wu := d.as("wu")
	d.must(d.office.Revoke(t.Context(), deskStaff()[1], b.id, "found in the mud", noon))
	file := b.rescueFile()
	broken := bytes.Replace(file, []byte(`"seq":3}`), []byte(`"seq":?}`), 1)
	status, body := wu.uploads(broken[:len(broken)-11])
	d.wants(status, body, http.StatusOK, "3 new events were taken, but part", "<dt>Damaged, not readable</dt><dd>1: 3</dd>", "<dt>Here before</dt><dd>1</dd>", "the file may not be complete", "Tablet", "1 missing",
		`href="/desk/tablets/`+b.id+`?lang=en"`)
	d.must(d.deps.Tablets.Flush(t.Context()))
	_, body = wu.open("/desk/tablets/" + b.id)
	d.wants(0, body, 0, "<dt>Numbers missing</dt><dd>3</dd>", "up to number 5")
	status, body = wu.uploads(file)
	d.wants(status, body, http.StatusOK, "1 new events were taken", "The whole file was read", "<dt>Here before</dt><dd>4</dd>", "<dd>1–5</dd>", "2026-06-01 12:00")
	status, body = wu.uploads(file)
	d.wants(status, body, http.StatusOK, "everything in it was here before")
	_, trail := d.as("admin").open("/desk/audit?lang=en&download=audit")
	d.wants(0, trail, 0, "Read a rescue file,"+b.id+",Done")

	foreign := bytes.Replace(file, []byte(b.id), []byte(strings.Replace(b.id, "1", "9", 1)), 1)
	for name, c := range map[string]struct {
		file   []byte
		status int
		words  string
	}{
		"no file":             {nil, 422, "Choose a rescue file"},
		"an empty file":       {[]byte{}, 422, "Choose a rescue file"},
		"a picture":           {[]byte("\x89PNG\r\n\x1a\n\x00\x00"), 422, "This is no rescue file"},
		"another JSON":        {[]byte(`{"suyang":"draft"}`), 422, "This is no rescue file"},
		"an unknown tablet":   {foreign, 404, "No such tablet was enrolled in your area"},
		"a key of others":     {bytes.Replace(file, []byte(`"box":"`), []byte(`"box":"AAAA`), 1), 422, "This is no rescue file"},
		"no device":           {bytes.Replace(file, []byte(b.id), []byte("../../etc"), 1), 422, "This is no rescue file"},
		"two megabytes of it": {append(bytes.Repeat([]byte("x"), 2<<20), file...), 422, "This is no rescue file"},
	} {
		status, body := wu.uploads(c.file)
		t.Log(name)
		d.wants(status, body, c.status, c.words, "Enrol a tablet")
	}
	status, body = d.as("ningbo").uploads(file)
	d.wants(status, body, http.StatusNotFound, "No such tablet was enrolled in your area")
	if got := d.refusedLast(); got != "ningbo read rescue file "+b.id {
		t.Errorf("the trail says %q", got)
	}
	if status, _ := wu.uploads(file, tokenField, "another"); status != http.StatusForbidden {
		t.Errorf("a form of another session: %d", status)
	}
	if status, _ := wu.send("/desk/tablets/rescue?lang=en", url.Values{}); status != http.StatusUnsupportedMediaType {
		t.Errorf("a form without a file: %d", status)
	}
	r, err := http.NewRequest(http.MethodPost, d.served.URL+"/desk/tablets/rescue?lang=en", http.NoBody)
	d.must(err)
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	if status, _ := wu.read(wu.Do(r)); status != http.StatusBadRequest {
		t.Errorf("an empty body: %d", status)
	}
}

// A file that is too large is refused by its declared and by its real size, and nothing of any
// upload stays behind.
func TestDeskRescueTooLarge(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	d := newDesk(t)
	d.enrolled(1, "li", "好平板")
	wu := d.as("wu")
	head := "--x\r\nContent-Disposition: form-data; name=\"" + tokenField + "\"\r\n\r\n" + wu.token + "\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"
	ask := func(size int64, declared bool) (int, string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, d.served.URL+"/desk/tablets/rescue?lang=en", &endless{head: []byte(head), left: size})
		d.must(err)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		if declared {
			r.ContentLength = int64(len(head)) + size
			return wu.read(wu.Do(r))
		}
		r.ContentLength = -1
		return wu.read(wu.Do(r))
	}
	status, body := ask(maxUpload+1, true)
	d.wants(status, body, http.StatusRequestEntityTooLarge, "more than 256 MiB")
	if !testing.Short() {
		status, body = ask(maxUpload+1, false)
		d.wants(status, body, http.StatusRequestEntityTooLarge, "more than 256 MiB")
	}
	left, err := filepath.Glob(temp + "/multipart-*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// endless is a body of some size.
type endless struct {
	head []byte
	left int64
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.head) > 0 {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), e.left)
	e.left -= n
	return int(n), nil
}
