package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	devtools "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/suyang-survey/suyang/surveys"
)

// lively is a browser with script on the questionnaire with everything. While away is
// set, the server does not answer to what a script sends.
type lively struct {
	*browser
	site *site
	away atomic.Bool
}

func openLively(t *testing.T) *lively {
	t.Helper()
	l := &lively{site: newSite(t, []*surveys.Questionnaire{everything()}, nil)}
	hs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.away.Load() && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
			panic(http.ErrAbortHandler)
		}
		l.site.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(hs.Close)
	l.browser = openBrowser(t, hs.URL)
	l.run(emulation.SetScriptExecutionDisabled(false))
	return l
}

// value evaluates an expression in the page.
func value[T any](b *browser, script string) (v T) {
	b.t.Helper()
	b.run(chromedp.Evaluate(script, &v))
	return v
}

// until waits for an expression to be true.
func (b *browser) until(script string) {
	b.t.Helper()
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(5 * time.Millisecond) {
		var yes bool
		if chromedp.Run(b.ctx, chromedp.Evaluate(`!!(`+script+`)`, &yes)) == nil && yes {
			return
		}
	}
	b.t.Fatalf("browser: %s never becomes true", script)
}

// begin starts the interview; a mark in the window stays as long as no page is loaded.
func (l *lively) begin(lang string) {
	l.t.Helper()
	l.open("/s/everything?lang=" + lang)
	l.press("button[value=start]")
	l.run(chromedp.Evaluate(`window.mark = 1`, nil))
}

func (l *lively) same() bool { l.t.Helper(); return value[bool](l.browser, `window.mark === 1`) }

// What is answered is kept at once, and said so; on another device, or after the
// window was closed at any moment, it is there.
func TestScriptKeepsAnswers(t *testing.T) {
	l := openLively(t)
	l.begin("zh")
	l.run(chromedp.SendKeys("#i-age", "35", chromedp.ByQuery), chromedp.Click("#i-sex-2", chromedp.ByQuery))
	l.until(`document.getElementById("kept").textContent === "已保存"`)
	address := value[string](l.browser, `location.href`)
	l.run(chromedp.Navigate("about:blank"), chromedp.Navigate(address))
	if got := value[string](l.browser, `document.getElementById("i-age").value + document.querySelector("input[name='a.sex']:checked").value`); got != "352" {
		t.Errorf("after the window was closed: %q, want 352", got)
	}
	// When the network is away, the page says so and keeps what was typed.
	l.away.Store(true)
	l.run(chromedp.Click("#i-sex", chromedp.ByQuery))
	l.until(`document.getElementById("kept").textContent.includes("暂未保存")`)
}

// Pages change without being loaded, with address, title, language and focus as if they
// had been; going back in the browser leads to the page before.
func TestScriptBringsPages(t *testing.T) {
	l := openLively(t)
	l.begin("zh")
	first := value[string](l.browser, `location.href`)
	l.press("button.main")
	if got := value[string](l.browser, `document.activeElement.id + "|" + document.title.slice(0, 3)`); got != "notice|错误：" || !l.same() {
		t.Errorf("a page with problems: focus and title %q, same window %v", got, l.same())
	}
	// A link of the list leads to the field and stays in the page.
	l.run(chromedp.Click("#notice a", chromedp.ByQuery))
	l.until(`document.activeElement.id === "i-age" || location.hash === "#i-age"`)
	l.fill(nil)
	l.press("button[value='lang:en']")
	if got := value[string](l.browser, `document.documentElement.lang + document.getElementById("i-age").value`); got != "en35" || !l.same() {
		t.Errorf("after changing the language: %q, want en35; same window %v", got, l.same())
	}
	l.press("button[value='type:large']")
	if !value[bool](l.browser, `document.documentElement.className === "large"`) {
		t.Error("the page is not in large type")
	}
	for value[string](l.browser, `document.querySelector("h1").textContent`) == "About you" {
		l.fill(nil)
		l.press("button.main")
	}
	if got := value[string](l.browser, `document.activeElement.tagName + document.title`); got != "H1Your family · Every type of question" || !l.same() {
		t.Errorf("the next page: focus and title %q, same window %v", got, l.same())
	}
	if !value[bool](l.browser, `document.documentElement.className === "large"`) || value[string](l.browser, `location.href`) == first {
		t.Error("the next page has lost the large type, or has no address of its own")
	}
	l.run(chromedp.NavigateBack())
	l.until(`document.querySelector("h1").textContent === "About you"`)
}

// A network that fails leads to what happens without script: the browser sends the
// form, with the button that was pressed.
func TestScriptFallsBack(t *testing.T) {
	l := openLively(t)
	l.begin("zh")
	l.fill(map[string]string{"people": "2"})
	l.away.Store(true)
	l.press("button.main")
	if l.same() {
		t.Error("the page was not loaded")
	}
	if got := value[string](l.browser, `document.title`); strings.HasPrefix(got, "错误") {
		t.Errorf("title %q: the answers were not sent", got)
	}
}

// A server that has no room, or a network that is away, is asked again; the answers stay on the
// page, which says so, and arrive when it answers.
func TestScriptSendsAgain(t *testing.T) {
	l := openLively(t)
	full := &fakeDisk{}
	l.site.load.disk = full.look
	full.fill(l.site, 0.5, 1<<40, nil)
	l.begin("en")
	l.fill(nil)
	full.fill(l.site, 0.99, 0, nil)
	l.run(chromedp.Click("button.main", chromedp.ByQuery))
	l.until(`document.getElementById("kept").textContent.includes("are being sent")`)
	if got := value[string](l.browser, `document.getElementById("i-age").value`); got != "35" || !l.same() {
		t.Errorf("while the server has no room the page holds %q, want 35; same window %v", got, l.same())
	}
	full.fill(l.site, 0.5, 1<<40, nil)
	l.until(`document.getElementById("kept").textContent === ""`)
	if !l.same() {
		t.Error("the page that follows was loaded anew")
	}
	l.run(chromedp.Evaluate(`location.reload()`, nil))
	l.until(`window.mark !== 1 && document.getElementById("i-age")`)
	if got := value[string](l.browser, `document.getElementById("i-age").value`); got != "35" {
		t.Errorf("the server has %q, want 35", got)
	}
}

// A level of a region brings the next one at once, and the focus stays.
func TestScriptRefinesRegions(t *testing.T) {
	l := openLively(t)
	l.begin("zh")
	for i, code := range []string{"33", "3301", "330106"} {
		id := partID("i-home", i)
		l.until(`document.getElementById("` + id + `")`)
		l.run(chromedp.Evaluate(`{const e = document.getElementById("`+id+`"); e.focus(); e.value = "`+code+`"; e.dispatchEvent(new Event("change", {bubbles: true}))}`, nil))
		if i < 2 {
			l.until(`document.getElementById("` + partID("i-home", i+1) + `")`)
			if got := value[string](l.browser, `document.activeElement.id`); got != id {
				t.Errorf("after %s the focus is on %q, want %q", code, got, id)
			}
		}
	}
	if !l.same() {
		t.Error("the page was loaded again")
	}
}

// Without script, Next brings the next level, and says what to do without alarm.
func TestRegionsWithoutScript(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{everything()}, nil)
	p := s.get("/s/everything?lang=en").press("start").fill("age", "35").fill("sex", "1").fill("home", "33").press("next")
	if p.status != 200 || p.find("select", "id", "i-home.2") == nil || !strings.Contains(p.body, "Please go on choosing") {
		t.Fatalf("after the province: %d\n%s", p.status, p.body)
	}
	p = p.fill("home", "33", "3302").press("next").want(200, "Your family")
	p = p.press("back").want(200, "About you")
	if p.find("select", "id", "i-home.2") == nil {
		t.Error("going back has lost the city")
	}
	// Another province takes the place of the first, whatever city was chosen in that.
	p = p.fill("home", "44", "3302").press("next").want(200, "Your family").press("back").want(200, "About you")
	if p.find("select", "id", "i-home.2") != nil {
		t.Error("a city is offered in a province that has none in the list")
	}
}

// fakeVoices is a browser that has a Chinese voice, and notes what it says.
const fakeVoices = `window.said = []; window.SpeechSynthesisUtterance = function (text) { this.text = text; };
Object.defineProperty(window, "speechSynthesis", {value: {getVoices: () => [{lang: "zh-CN"}], speak: (u) => said.push(u), cancel() {}, addEventListener() {}}});`

// Questions are read aloud where the browser has a voice for the language, and nothing
// is offered where it has none.
func TestScriptReadsAloud(t *testing.T) {
	l := openLively(t)
	l.begin("zh")
	if n := value[int](l.browser, `document.querySelectorAll(".read").length`); n != 0 {
		t.Errorf("%d buttons to read aloud without a voice", n)
	}
	l.run(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := devtools.AddScriptToEvaluateOnNewDocument(fakeVoices).Do(ctx)
		return err
	}))
	l.begin("zh")
	if n := value[int](l.browser, `document.querySelectorAll(".read").length`); n != 7 {
		t.Errorf("%d buttons to read aloud, want one for each of 7 questions", n)
	}
	l.run(chromedp.Evaluate(`document.getElementById("i-sex").closest(".item").querySelector(".read").click()`, nil))
	if got := value[string](l.browser, `said[0].text.replace(/\s+/g, "") + said[0].lang`); got != "您的性别是.男.女.不愿回答.zh-CN" {
		t.Errorf("said %q", got)
	}
	l.run(chromedp.EmulateViewport(320, 800))
	for _, w := range l.faults() {
		t.Errorf("with buttons to read aloud: %s", w)
	}
	l.press(`button[value="lang:en"]`)
	if n := value[int](l.browser, `document.querySelectorAll(".read").length`); n != 0 {
		t.Errorf("%d buttons to read English aloud with a Chinese voice", n)
	}
}

// The whole questionnaire can be answered with the keyboard alone, without script: every
// control is reached by Tab, what has the focus is in sight, and Enter goes on.
func TestKeyboardOnly(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{everything()}, nil)
	hs := httptest.NewServer(s.Handler())
	defer hs.Close()
	b := openBrowser(t, hs.URL)
	b.run(chromedp.EmulateViewport(375, 667))
	b.open("/s/everything?lang=zh")
	for pages := 0; ; pages++ {
		if pages > 40 {
			t.Fatal("no end after 40 pages")
		}
		if value[bool](b, `!!document.querySelector(".receipt")`) {
			break
		}
		b.keyThrough()
	}
	if n := len(s.stored()); n != 1 {
		t.Errorf("%d interviews stored, want 1", n)
	}
}

// focused says what has the focus: its kind, whether it has an answer, and whether a
// person sees it where it is.
const focused = `(() => { const e = document.activeElement, box = (e.closest("label.option") || e).getBoundingClientRect();
	const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
	const group = e.name ? [...document.getElementsByName(e.name)] : [];
	return {kind: e.tagName === "BUTTON" ? e.value : e.tagName === "SELECT" ? "select" : e.type || e.tagName, id: e.id, name: e.name || "", mode: e.inputMode || "",
		part: group.filter((x) => x.type === "text").indexOf(e), parts: group.filter((x) => x.type === "text").length,
		filled: e.type === "radio" || e.type === "checkbox" ? group.some((x) => x.checked) : !!e.value, beside: group.some((x) => x.type !== e.type),
		seen: !!top && (top === e || e.contains(top) || !!top.closest("label.option, label") && (top.closest("label.option, label").contains(e)) || top.contains(e)),
		outline: getComputedStyle(e.closest("label.option") || e).outlineStyle}; })()`

// keyThrough answers one page by Tab, Space, arrows and letters, and presses the main
// button when it comes to it.
func (b *browser) keyThrough() {
	b.t.Helper()
	for range 80 {
		b.run(chromedp.KeyEvent(kb.Tab))
		f := value[struct {
			Kind, ID, Name, Mode, Outline string
			Part, Parts                   int
			Filled, Beside, Seen          bool
		}](b, focused)
		if f.Kind != "BODY" && (!f.Seen || f.Outline == "none") {
			b.t.Errorf("the focus on %s %s is not seen (outline %s)", f.Kind, f.ID, f.Outline)
		}
		switch {
		case f.Kind == "start" || f.Kind == "next" || f.Kind == "send":
			b.run(chromedp.Evaluate(`document.querySelector("main").setAttribute("data-old", "")`, nil), chromedp.KeyEvent(kb.Enter))
			b.arrive()
			return
		case f.Kind == "select" && !f.Filled && strings.HasPrefix(f.ID, "i-order"):
			b.run(chromedp.KeyEvent(strings.Repeat(kb.ArrowDown, 1+strings.Count(f.ID, ".2")+2*strings.Count(f.ID, ".3"))))
		case (f.Kind == "radio" || f.Kind == "checkbox") && !f.Filled && !f.Beside:
			b.run(chromedp.KeyEvent(" "))
		case f.Kind == "text" && f.Parts == 3 && !f.Filled:
			b.run(chromedp.KeyEvent([]string{"1980", "2", "3"}[f.Part]))
		case f.Kind == "text" && !f.Filled && f.Name == "a.people":
			b.run(chromedp.KeyEvent("2"))
		case f.Kind == "text" && !f.Filled && f.Mode != "":
			b.run(chromedp.KeyEvent("35"))
		case (f.Kind == "text" || f.Kind == "textarea") && !f.Filled:
			b.run(chromedp.KeyEvent("x"))
		}
	}
	b.t.Fatalf("Tab never comes to the main button of %s", value[string](b, `document.body.innerText.slice(0, 200)`))
}

// The script is small, and keeps to what old browsers know.
func TestScriptIsSmall(t *testing.T) {
	b, err := os.ReadFile("../../web/static/site.js")
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 7<<10 {
		t.Errorf("%d bytes, want at most %d", len(b), 7<<10)
	}
	for _, newer := range []string{"=>", "?.", "??", "async", "await", "localStorage", "sessionStorage", "cookie", "indexedDB", "`"} {
		if strings.Contains(string(b), newer) {
			t.Errorf("the script has %q", newer)
		}
	}
}
