package server

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// axeScript reads axe-core, which make test installs.
func axeScript(t *testing.T) string {
	t.Helper()
	const file = "../../web/tests/node_modules/axe-core/axe.min.js"
	b, err := os.ReadFile(file)
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatalf("%v; make test installs it", err)
	case err != nil:
		t.Skipf("%v; make test installs it", err)
	}
	return string(b)
}

// axeLooks are the ways in which a page is looked at. Any two settings meet in one of them.
var axeLooks = []struct {
	name   string
	width  int64
	scheme string
	large  bool
}{
	{"phone, light", 320, "light", false},
	{"phone, dark, large", 320, "dark", true},
	{"desktop, light, large", 1280, "light", true},
	{"desktop, dark", 1280, "dark", false},
}

// axeRun asks axe-core for violations of WCAG 2.2 A and AA and of its good practice,
// one line each.
const axeRun = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"]}).then(
	(r) => ({rules: r.passes.length, found: r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " ")))}))`

// axe looks at the page in every look, and counts.
type axe struct {
	*browser
	script        string
	pages, checks int
}

func (a *axe) look(name string) {
	a.t.Helper()
	a.pages++
	var there bool
	if a.run(chromedp.Evaluate(`!!window.axe`, &there)); !there {
		a.run(chromedp.Evaluate(a.script, nil))
	}
	for _, look := range axeLooks {
		a.run(chromedp.EmulateViewport(look.width, 800), emulation.SetEmulatedMedia().
			WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}),
			chromedp.Evaluate(fmt.Sprintf(`document.documentElement.classList.toggle("large", %v)`, look.large), nil))
		var got struct {
			Rules int
			Found []string
		}
		a.run(chromedp.Evaluate(axeRun, &got, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
		if got.Rules < 10 {
			a.t.Errorf("%s, %s: only %d rules were tried", name, look.name, got.Rules)
		}
		for _, w := range append(got.Found, a.faults()...) {
			a.t.Errorf("%s, %s: %s", name, look.name, w)
		}
		a.checks++
		if *screenshots != "" {
			a.picture(strings.NewReplacer(" ", "-", ",", "", "/", "-").Replace(name + "-" + look.name))
		}
	}
	a.run(chromedp.Evaluate(`document.documentElement.classList.remove("large")`, nil))
}

// fill answers the page.
func (b *browser) fill(chosen map[string]string) {
	b.t.Helper()
	script, err := os.ReadFile("testdata/answer.js")
	if err != nil {
		b.t.Fatal(err)
	}
	if chosen == nil {
		chosen = map[string]string{}
	}
	given, err := json.Marshal(chosen)
	if err != nil {
		b.t.Fatal(err)
	}
	b.run(chromedp.Evaluate(string(script)+"("+string(given)+")", nil))
}

// press presses a button and waits for the next page.
func (b *browser) press(button string) {
	b.t.Helper()
	b.run(chromedp.Evaluate(fmt.Sprintf(`document.querySelector("main").setAttribute("data-old", ""); document.querySelector(%q).click()`, button), nil))
	b.arrive()
}

// arrive waits for a page that has not data-old on it. While the browser changes
// pages it has no answer.
func (b *browser) arrive() {
	b.t.Helper()
	b.until(`document.readyState === "complete" && document.querySelector("main:not([data-old])")`)
}

// turnedAway looks at the page that a browser without script gets when the server has no room.
func (a *axe) turnedAway(s *site) {
	a.t.Helper()
	full := &fakeDisk{}
	s.load.disk = full.look
	full.fill(s, 0.99, 0, nil)
	a.run(chromedp.Evaluate(`document.querySelector("main").setAttribute("data-old", ""); HTMLFormElement.prototype.submit.call(document.querySelector("form[action]"))`, nil))
	a.arrive()
	if again := value[int](a.browser, `document.querySelectorAll("main input[type=hidden]").length`); again == 0 {
		a.t.Error("the page that turns away holds nothing of what was filled in")
	}
	a.look("turned away")
	full.fill(s, 0.5, 1<<40, nil)
	a.run(chromedp.NavigateBack())
	a.until(`document.readyState === "complete" && document.querySelector("main [name^='a.']")`)
}

// heading is the heading of the page; send says that it is the last one.
func (b *browser) heading() (heading string, send bool) {
	b.t.Helper()
	b.run(chromedp.Evaluate(`document.querySelector("h1").textContent`, &heading), chromedp.Evaluate(`!!document.querySelector("button[value=send]")`, &send))
	return heading, send
}

// Nobody is kept from answering: axe-core finds nothing wrong with any page of the
// questionnaires that are shipped, nor of one with every type of question, with and
// without problems, in both languages, on a phone and a desk, in light and dark, in
// normal and large type; and nothing is cut off, too small or too pale there.
func TestAccessible(t *testing.T) {
	script := axeScript(t)
	shipped, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	trend, err := library.Read("gss-science")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		q      *surveys.Questionnaire
		who    string
		chosen map[string]string
		pages  int // at least, in one language
	}{
		{everything(), "", map[string]string{"people": "2"}, 16},
		{shipped, "", map[string]string{"military": "2"}, 16},
		{shipped, " not eligible", map[string]string{"military": "1"}, 10},
		{trend, "", nil, 3},
	} {
		for _, l := range c.q.Languages {
			t.Run(c.q.ID+c.who+" "+string(l), func(t *testing.T) {
				s := newSite(t, []*surveys.Questionnaire{c.q}, nil)
				hs := httptest.NewServer(s.Handler())
				defer hs.Close()
				a := &axe{browser: openBrowser(t, hs.URL), script: script}
				a.run(emulation.SetScriptExecutionDisabled(false))
				a.open("/?lang=" + string(l))
				a.look("home")
				a.open("/s/" + c.q.ID + "?lang=" + string(l))
				a.look("start")
				a.press("button[value=start]")
				for n := 1; ; n++ {
					name, last := a.heading()
					name = fmt.Sprintf("%02d %s", n, name)
					a.look(name)
					if last {
						break
					}
					if n > 60 {
						t.Fatalf("no end after %d pages", n)
					}
					if n == 1 {
						a.press("button[value=later]")
						a.look("later")
						a.run(chromedp.NavigateBack())
						a.until(`document.readyState === "complete" && document.querySelector("main [name^='a.']")`)
						a.press("button.main") // without an answer: a page with problems
						a.look(name + " problems")
						a.turnedAway(s)
					}
					a.fill(c.chosen)
					a.press("button.main")
				}
				a.press("button[value=send]")
				a.look("thanks")
				a.open("/s/nowhere?lang=" + string(l))
				a.look("problem")
				a.open("/r?lang=" + string(l))
				a.look("resume")
				a.press("button.main")
				a.look("resume problems")
				a.open("/s/" + c.q.ID + "/paper?lang=" + string(l))
				a.look("paper")
				t.Logf("%d pages, looked at %d times", a.pages, a.checks)
				if a.pages < c.pages {
					t.Errorf("%d pages, want at least %d", a.pages, c.pages)
				}
			})
		}
	}
}
