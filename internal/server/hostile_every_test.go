package server

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	runtimemetrics "runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/internal/fieldwork/quality"
	"github.com/suyang-survey/suyang/surveys"
)

var hostilePayloads = flag.Int("hostile", 0, "payloads for each endpoint; 0 is a short run")

// How an endpoint is reached: what it takes, and who asks.
type reached struct {
	media string // of the body; "" for none
	as    string // "desk", "tablet" or "" for anybody
	// hashes says that a password may be hashed, which takes long on purpose.
	hashes bool
}

var (
	readable   = reached{}
	filledIn   = reached{media: formMedia}
	deskPage   = reached{as: "desk"}
	deskForm   = reached{media: formMedia, as: "desk"}
	hashing    = reached{media: formMedia, as: "desk", hashes: true}
	deskUpload = reached{media: "multipart/form-data; boundary=x", as: "desk"}
	tabletRead = reached{as: "tablet"}
	tabletSend = reached{media: "application/json", as: "tablet"}
)

// endpoints are all that the router has; one that is not declared here fails the test.
var endpoints = map[string]reached{
	"GET /": readable, "GET /healthz": readable, "GET /readyz": readable, "GET /reports/:file": readable,
	"GET /v1/receipt-key": readable, "GET /v1/receipt-key.pem": readable,
	"GET /static/:file": readable, "GET /tablet": readable, "GET /tablet/:file": readable,
	"GET /s/:wave": readable, "GET /s/:wave/figure/:item": readable, "GET /s/:wave/paper": readable,
	"GET /i/:token": readable, "GET /i/:token/paper": readable, "GET /o/:token": readable, "GET /o/:token/paper": readable,
	"GET /a/:token": readable, "GET /a/:token/later": readable, "GET /r": readable, "GET /r/:link": readable,
	"POST /s/:wave": filledIn, "POST /i/:token": filledIn, "POST /o/:token": filledIn, "POST /a/:token": filledIn,
	"POST /a/:token/later": filledIn, "POST /r": filledIn, "POST /r/:link": filledIn,
	"POST /v1/submissions": {media: "application/json"}, "POST /v1/tablet/enrol": {media: "application/json"},
	"GET /v1/tablet/work": tabletRead, "GET /v1/tablet/questionnaire/:wave/:version": tabletRead, "POST /v1/tablet/sync": tabletSend,
	"GET /desk/sign-in": readable, "POST /desk/sign-in": {media: formMedia, hashes: true}, "POST /desk/sign-out": filledIn,
	"GET /desk": deskPage, "GET /desk/:wave/backchecks": deskPage, "GET /desk/:wave/backchecks/:case": deskPage,
	"GET /desk/:wave/cases": deskPage, "GET /desk/:wave/cases/:case": deskPage, "GET /desk/:wave/cases/:case/household": deskPage,
	"GET /desk/:wave/cases/:case/link": deskPage, "GET /desk/:wave/progress": deskPage, "GET /desk/:wave/quality": deskPage,
	"GET /desk/:wave/quarantine": deskPage, "GET /desk/:wave/quarantine/:number": deskPage, "POST /desk/:wave/quarantine/:number": deskForm,
	"GET /desk/:wave/live": deskPage, "GET /desk/:wave/rates": deskPage, "GET /desk/:wave/review": deskPage, "GET /desk/:wave/sample": deskPage,
	"GET /desk/:wave/sample/draw": deskPage, "GET /desk/:wave/sample/frame": deskPage, "GET /desk/:wave/selection": deskPage,
	"GET /desk/:wave/work": deskPage, "GET /desk/accounts": deskPage, "GET /desk/accounts/:login": deskPage, "GET /desk/audit": deskPage,
	"GET /release/:wave/:release/:name": readable, "GET /v1/release-key.pem": readable,
	"GET /v1/release-revoked.json": readable,
	"GET /desk/:wave/releases":     deskPage, "GET /desk/:wave/releases/:release": deskPage, "GET /desk/:wave/releases/:release/:name": deskPage, "POST /desk/:wave/releases": deskForm,
	"GET /desk/:wave/report": deskPage, "POST /desk/:wave/report": deskForm, "GET /desk/:wave/report/:number/:name": deskPage,
	"GET /desk/:wave/report/texts": deskPage, "POST /desk/:wave/report/texts": deskForm,
	"GET /desk/password": deskPage, "GET /desk/precision": deskPage, "GET /desk/tablets": deskPage, "GET /desk/tablets/:device": deskPage,
	"POST /desk/:wave/backchecks": deskForm, "POST /desk/:wave/backchecks/:case": deskForm, "POST /desk/:wave/cases": deskForm,
	"POST /desk/:wave/cases/:case": deskForm, "POST /desk/:wave/cases/:case/household": deskForm,
	"POST /desk/:wave/cases/:case/interview": deskForm, "POST /desk/:wave/cases/:case/paper": deskForm,
	"POST /desk/accounts": hashing, "POST /desk/accounts/:login": hashing, "POST /desk/password": hashing,
	"POST /desk/tablets/:device": deskForm, "POST /desk/tablets/enrol": deskForm, "POST /desk/tablets/rescue": deskUpload,
}

// nasty are texts that break out of SQL, HTML, CSV, paths, formats or encodings, if anything
// lets them.
var nasty = slices.Concat(payloads, []string{
	"' OR '1'='1' --", "1; DROP TABLE responses;--", "') UNION SELECT secret FROM devices --", "\\'; SELECT sleep(9)--", "{{7*7}}${7*7}<%=7*7%>",
	"=HYPERLINK(\"http://evil.example\")", "@SUM(1+1)*cmd|' /C calc'!A0", "+1+1", "-1-1", "\t=1", "＝1+1",
	"../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "..\\..\\windows\\win.ini", "/etc/passwd", "....//....//", "%2e%2e%2f", "file:///etc/passwd", "con", ".",
	"\x00", "a\x00b", "\xff\xfe", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\u202e\u2066", "\ufeff", strings.Repeat("é", 200), strings.Repeat("a\u0301", 500), "\r\nSet-Cookie: x=1", "%0d%0aX: y",
	"1e400", "-1e400", "NaN", "Infinity", "9223372036854775808", "-9223372036854775809", "0x1F", "1_000", "１２３", "٣", strings.Repeat("9", 400), "1." + strings.Repeat("0", 400) + "1",
	"%s%s%s%n", "%", "%zz", "%u0041", "", " ", strings.Repeat("x", 5000), "null", "true", "[]", "{}", "village", "next", "send", "save", "a.age", "lang:en",
})

// hostileJSON are bodies that are no interview, or hardly.
var hostileJSON = []string{
	strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 50_000), `{"answers":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
	`{"id":"x","id":"y"}`, `{"answers":{"age":["1"],"age":["2"]}}`, "{\"id\":\"\xff\xfe\"}", `{"revision":1e400}`, `{"revision":-1}`, `{"revision":` + strings.Repeat("9", 10_000) + `}`,
	"{\"id\":\"\x00\"}", `{"id":"\u0000"}`, `{"id":"\ud800"}`, `{"id":"\uZZZZ"}`, "{\"id\":\"a\nb\"}", `{"a":1}{"b":2}`, `[`, `"`, `nul`, `NaN`, "\ufeff{}", `{"answers":null,"paradata":{"orders":{}}}`,
	`{"journal":[{}],"records":"x"}`, `{"__proto__":{"admin":true}}`, `{"Wave":"village","wave":"village"}`, `[` + strings.Repeat(`1,`, 200_000) + `1]`, `{` + manyKeys(50_000) + `}`,
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":[],`, i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// bomb is a small body that unpacks to 64 MB.
var bomb = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(make([]byte, 64<<20))
	if err := errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return b.Bytes()
})

// attacker makes requests of what is valid.
type attacker struct {
	*deskSite
	r      *rand.Rand
	source *rand.PCG // of r
	params map[string]string
	staff  []signedIn
	signedIn
	bearer string
	json   []byte
	form   url.Values
	// texts are what is put wherever a text can stand.
	texts []string
}

// signedIn is somebody's session at the desk.
type signedIn struct {
	cookie *http.Cookie
	token  string
}

func newAttacker(t *testing.T, seed uint64) *attacker {
	d := newDesk(t)
	none := Rate{}
	d.limits = Limits{none, none, none, none, none, 1}.limiters() // all of this comes from one address
	d.deps.Findings = func(context.Context, string) ([]quality.Finding, time.Time, error) { return nil, noon, nil }
	d.given("c1", "c2", "c3")
	d.released(1, 1)
	d.drafted("")
	b := d.enrolled(1, "li", "一号")
	var staff []signedIn
	u, err := url.Parse(d.served.URL + "/desk")
	d.must(err)
	for _, login := range []string{"admin", "province", "wu", "li", "stat"} {
		w := d.as(login)
		staff = append(staff, signedIn{w.Jar.Cookies(u)[0], w.token})
	}
	aside := d.accepted(1, "c1", func(iv *surveys.Interview) { iv.Answers = surveys.Answers{} })
	link := drafts.OpenLink{Wave: "village", Name: "poster", Limit: 1 << 30, Closes: noon.AddDate(1, 0, 0)}
	d.must(d.drafts.PutOpenLink(t.Context(), link))
	under := atMedia(d.site)
	source := rand.NewPCG(seed, 8)
	return &attacker{
		deskSite: d, texts: nasty, r: rand.New(source), source: source, staff: staff,
		bearer: b.id + "." + base64.RawURLEncoding.EncodeToString(b.key), json: []byte(interviewBody(t, nil)), form: under.fill("channels", "tv").sends("next"),
		params: map[string]string{":wave": "village", ":case": "c1", ":item": "K01", ":file": "site.css", ":login": "li", ":device": b.id, ":release": "1", ":name": "报告.html", ":number": strconv.FormatUint(aside.Seq, 10), ":link": "AAAAAAAAAAAAAAAAAAAAAA",
			":version": d.waves()["village"].version, "/a/:token": tokenOf(under), "/i/:token": strings.TrimPrefix(d.caseLink("village", "c2"), "/i/"), "/o/:token": d.drafts.Token("village", "poster")},
	}
}

func (a *attacker) pick(list []string) string { return list[a.r.IntN(len(list))] }

// path fills in the parameters of a route; some of them with something nasty.
func (a *attacker) path(route string, spoiled bool) string {
	parts := strings.Split(route, "/")
	for i, p := range parts {
		if !strings.HasPrefix(p, ":") {
			continue
		}
		value, ok := a.params[p]
		if !ok {
			value, ok = a.params["/"+parts[1]+"/"+p]
		}
		if !ok {
			a.t.Fatalf("route %s has a parameter %s that the test does not know", route, p)
		}
		if spoiled && a.r.IntN(2) == 0 {
			if value = a.pick(a.texts); a.r.IntN(3) == 0 {
				value = a.flip(a.params[p] + value)
			}
		}
		parts[i] = url.PathEscape(value)
	}
	return strings.Join(parts, "/")
}

// flip changes one byte, cuts or doubles.
func (a *attacker) flip(s string) string {
	if s == "" {
		return "x"
	}
	b, i := []byte(s), a.r.IntN(len(s))
	switch a.r.IntN(4) {
	case 0:
		b[i] ^= 1 << a.r.IntN(8)
	case 1:
		b = b[:i]
	case 2:
		b = append(b[:i], s[i/2:]...)
	default:
		b[i] = byte(a.r.IntN(256))
	}
	return string(b)
}

// request makes a hostile request of an endpoint.
func (a *attacker) request(method, route string, how reached) *http.Request {
	kind := a.r.IntN(16)
	a.signedIn = a.staff[a.r.IntN(len(a.staff))]
	media := how.media
	var body io.Reader = http.NoBody
	if media != "" {
		body = a.body(how, kind)
	}
	path := a.path(route, kind%2 == 0)
	if kind%3 == 0 {
		path += "?" + url.Values{a.pick([]string{"lang", "type", "page", "check", "to", "q", "state", "area", "sort", "after", "device", "wave", "of", "weights", "watch", "said"}): {a.pick(a.texts)}, "x": {a.pick(a.texts)}}.Encode()
	}
	if kind == 9 {
		method = a.pick([]string{"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "GET", "HEAD", "POST", "X" + strings.Repeat("Y", 300)})
	}
	r := httptest.NewRequest(method, "/", body)
	u, err := url.ParseRequestURI(path)
	if err != nil { // what net/http refuses before it reaches us
		u = &url.URL{Path: "/" + a.pick([]string{"%", "a/../b", "//", "s//"})}
	}
	r.URL, r.RequestURI = u, u.RequestURI()
	a.head(r, how, media, kind)
	return r
}

// head sets the header of a request.
func (a *attacker) head(r *http.Request, how reached, media string, kind int) {
	if kind == 6 {
		media = a.pick([]string{"", "text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json", formMedia, "a/b; charset=" + strings.Repeat("x", 500), "\x00"})
	}
	r.Header.Set("Content-Type", media)
	if how.as == "desk" && a.r.IntN(20) > 0 {
		r.AddCookie(a.cookie)
	}
	if how.as == "tablet" && a.r.IntN(20) > 0 {
		r.Header.Set("Authorization", "Bearer "+a.bearer)
	}
	switch kind {
	case 4:
		r.Header.Set("Content-Encoding", a.pick([]string{"gzip", "br", "deflate", "identity"}))
	case 7:
		for i := range 100 {
			r.Header.Set(fmt.Sprint("X-", i), strings.Repeat("y", 150))
		}
	case 8:
		for _, name := range []string{"Authorization", "Accept", "Accept-Language", "Accept-Encoding", "X-Forwarded-For", "Host", "Origin", "Sec-Fetch-Site", "Prefer", "If-None-Match", "Range", "Cookie"} {
			if a.r.IntN(3) == 0 {
				r.Header.Set(name, a.pick(a.texts))
			}
		}
	}
}

// body makes a body for an endpoint.
func (a *attacker) body(how reached, kind int) io.Reader {
	switch kind {
	case 1:
		return strings.NewReader(a.pick(hostileJSON))
	case 2:
		return io.MultiReader(bytes.NewReader(a.json[:a.r.IntN(len(a.json))]), torn{})
	case 3:
		if a.r.IntN(10) == 0 { // rarely: it takes as long as a hundred others
			return io.LimitReader(zeros{}, 2<<20)
		}
		return strings.NewReader(strings.Repeat("a=b&", 3000))
	case 4:
		return bytes.NewReader(bomb())
	case 5:
		return strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n" + a.token +
			"\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + a.pick(a.texts[:20]) + "\"\r\n\r\n" + a.pick(hostileJSON[3:]) + a.pick([]string{"\r\n--x--\r\n", "", "\r\n--x"}))
	}
	if how.media == formMedia {
		return strings.NewReader(a.formBody(how.hashes))
	}
	var iv map[string]any
	if err := json.Unmarshal(a.json, &iv); err != nil {
		a.t.Fatal(err)
	}
	names := []string{"id", "revision", "wave", "survey", "version", "case", "mode", "answers", "paradata", "started", "device", "token", "secret", "records", "report"}
	for range 1 + a.r.IntN(3) {
		iv[a.pick(names)] = []any{a.pick(a.texts), 1e300, nil, []any{a.pick(a.texts)}, map[string]any{a.pick(a.texts): []string{a.pick(a.texts)}}}[a.r.IntN(5)]
	}
	b, err := json.Marshal(iv)
	if err != nil {
		a.t.Fatal(err)
	}
	if kind > 12 {
		return strings.NewReader(a.flip(string(b)))
	}
	return bytes.NewReader(b)
}

// formBody is a form that is nearly right.
func (a *attacker) formBody(hashes bool) string {
	fields := url.Values{}
	for name, values := range a.form {
		fields[name] = slices.Clone(values)
	}
	if !hashes || a.r.IntN(10) == 0 { // with a wrong one nothing is hashed
		fields.Set("token", a.token)
	}
	names := []string{"state", "action", "a.age", "a.channels", "a.K01", "code", "login", "password", "role", "area", "case", "cases", "to", "reason", "outcome", "contact", "at", "note", "members", "share", "name", "old", "new", "again",
		"weights", "form", "lang-zh", "corrects", "id", "text", "facts", "version"}
	for range 1 + a.r.IntN(4) {
		fields[a.pick(names)] = []string{a.pick(a.texts), a.pick(a.texts)}[:1+a.r.IntN(2)]
	}
	if a.r.IntN(8) == 0 {
		return a.flip(fields.Encode())
	}
	return fields.Encode()
}

// allocated is how much the program has allocated so far, in bytes.
func allocated() uint64 {
	sample := []runtimemetrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	runtimemetrics.Read(sample)
	return sample[0].Value.Uint64()
}

// What a hostile request may take of the server.
const (
	hostileTime   = 50 * time.Millisecond
	hostileMemory = 64 << 20
)

// suffered is what the payloads did to an endpoint.
type suffered struct {
	endpoint string
	took     []time.Duration // sorted
	memory   uint64          // the most of one request
	// slow is how many took longer than hostileTime when they came, and slowAgain how many of
	// them whenever they were sent again: the others met a machine that was busy.
	slow, slowAgain int
}

func (s suffered) String() string {
	n := len(s.took)
	at := func(i int) time.Duration { return s.took[i].Round(10 * time.Microsecond) }
	return fmt.Sprintf("%-45s median %v, p99 %v, most %v; over %v: %d of %d, of which again %d; most memory %.1f MB",
		s.endpoint, at(n/2), at(n*99/100), at(n-1), hostileTime, s.slow, n, s.slowAgain, float64(s.memory)/(1<<20))
}

// class is what kind of endpoint it is.
func (how reached) class() string {
	switch {
	case how.hashes:
		return "passwords"
	case how.as != "":
		return how.as
	default:
		return "anybody"
	}
}

// attack sends payloads to an endpoint and looks at what comes of them.
func (a *attacker) attack(endpoint string, n int, statuses map[int]int) suffered {
	out := suffered{endpoint: endpoint}
	for range n {
		before := *a.source
		took := a.send(&out, statuses)
		out.took = append(out.took, took)
		if took <= hostileTime {
			continue
		}
		out.slow++
		after := *a.source
		for try := 0; try < 3 && took > hostileTime; try++ {
			*a.source = before
			took = a.send(&out, map[int]int{})
		}
		*a.source = after
		if took > hostileTime {
			out.slowAgain++
		}
	}
	slices.Sort(out.took)
	return out
}

// add counts those of another endpoint, too.
func (s *suffered) add(o suffered) {
	s.took = append(s.took, o.took...)
	s.memory = max(s.memory, o.memory)
	s.slow, s.slowAgain = s.slow+o.slow, s.slowAgain+o.slowAgain
}

// send sends the next payload to an endpoint and returns how long it took.
func (a *attacker) send(out *suffered, statuses map[int]int) time.Duration {
	method, route, _ := strings.Cut(out.endpoint, " ")
	r := a.request(method, route, endpoints[out.endpoint])
	w := httptest.NewRecorder()
	before, began := allocated(), time.Now()
	a.Handler().ServeHTTP(w, r)
	took := time.Since(began)
	used := allocated() - before
	out.memory = max(out.memory, used)
	statuses[w.Code]++
	if w.Code >= 500 || w.Code == 0 {
		a.t.Errorf("%s: %d for %s %.200q %.300s\n%.300s", out.endpoint, w.Code, r.Method, r.URL, fmt.Sprint(r.Header), w.Body)
	}
	if used > hostileMemory {
		a.t.Errorf("%s: %d MB for %s %.200q %.300s", out.endpoint, used>>20, r.Method, r.URL, fmt.Sprint(r.Header))
	}
	return took
}

// Thousands of payloads for every endpoint, known to the desk and to a tablet where that is
// needed to get further: no fault of ours, no panic, little memory.
func TestHostileEverywhere(t *testing.T) {
	n := 30
	if *hostilePayloads > 0 {
		n = *hostilePayloads
	}
	a := newAttacker(t, 1)
	var all []string
	for _, r := range a.echo.Routes() {
		name := r.Method + " " + r.Path
		if _, declared := endpoints[name]; !declared && r.Method != http.MethodHead {
			t.Errorf("the endpoint %s is not declared: say in this test how it is reached", name)
		} else if declared {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	if len(all) != len(endpoints) {
		t.Errorf("%d endpoints are declared, the router has %d of them", len(endpoints), len(all))
	}
	statuses, list, classes := map[int]int{}, []suffered{}, map[string]*suffered{}
	for _, endpoint := range all {
		count := n
		if endpoints[endpoint].hashes && *hostilePayloads == 0 {
			count = 3
		}
		one := a.attack(endpoint, count, statuses)
		list = append(list, one)
		class := endpoints[endpoint].class()
		if classes[class] == nil {
			classes[class] = &suffered{endpoint: "all for " + class}
		}
		classes[class].add(one)
		if *hostilePayloads > 0 && one.slowAgain > count/2 {
			t.Errorf("takes too long: %s", one)
		}
	}
	slices.SortFunc(list, func(x, y suffered) int { return cmp.Compare(y.took[len(y.took)/2], x.took[len(x.took)/2]) })
	t.Logf("%d payloads × %d endpoints; answers by status: %v", n, len(all), statuses)
	for _, s := range classes {
		slices.Sort(s.took)
		t.Log(s)
	}
	for _, s := range list[:5] {
		t.Log(s)
	}
	if logs := a.logs.String(); strings.Contains(logs, "panic") || strings.Contains(logs, "goroutine") {
		t.Errorf("something panicked:\n%.3000s", logs[strings.Index(logs, "panic"):])
	}
	if p := a.get("/s/village"); p.status != http.StatusOK {
		t.Errorf("after all that, a page is %d", p.status)
	}
}
