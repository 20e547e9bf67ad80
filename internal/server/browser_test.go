package server

import (
	"context"
	"flag"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/suyang-survey/suyang/surveys"
)

var screenshots = flag.String("screenshots", "", "folder for pictures of the pages in the browser tests")

// browser is Chromium without script, at one window size.
type browser struct {
	t    *testing.T
	ctx  context.Context
	site string
	mu   sync.Mutex
	// asked are the addresses the browser has loaded, complaints what it said about them.
	asked, complaints []string
}

// openBrowser starts Chromium. The browser tests are part of every release, so on
// a build machine a missing Chromium is a failure.
func openBrowser(t *testing.T, site string) *browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	switch {
	case path == "" && os.Getenv("CI") == "true":
		t.Fatal("no Chromium found; install it with: apt-get install chromium")
	case path == "":
		t.Skip("no Chromium found; install it with: apt-get install chromium")
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(),
		append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx, site: site}
	chromedp.ListenTarget(ctx, b.listen)
	b.run(network.Enable(), log.Enable(), emulation.SetScriptExecutionDisabled(true))
	return b
}

func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.URL)
	case *log.EventEntryAdded:
		if !strings.Contains(e.Entry.Text, "422") { // a page with errors is one on purpose
			b.complaints = append(b.complaints, e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, e.ExceptionDetails.Error())
	}
}

func (b *browser) run(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

// open loads a page.
func (b *browser) open(path string) { b.t.Helper(); b.run(chromedp.Navigate(b.site + path)) }

// click clicks a control and waits for what comes after it.
func (b *browser) click(selector, after string) {
	b.t.Helper()
	b.run(chromedp.Click(selector, chromedp.ByQuery), chromedp.WaitVisible(after, chromedp.ByQuery))
}

// faults looks at the page as drawn, and returns what is wrong with it.
func (b *browser) faults() (wrong []string) {
	b.t.Helper()
	script, err := os.ReadFile("testdata/check.js")
	if err != nil {
		b.t.Fatal(err)
	}
	b.run(chromedp.Evaluate(string(script), &wrong))
	return wrong
}

// looks are the windows in which every page is checked: the smallest phone, a
// phone at night, a desk.
var looks = []struct {
	name   string
	width  int64
	scheme string
}{{"narrow", 320, "light"}, {"phone", 390, "dark"}, {"desktop", 1280, "light"}}

// check fails for what is wrong with the page in any of the looks, and takes its
// pictures when asked to.
func (b *browser) check(name string) {
	b.t.Helper()
	for _, look := range looks {
		b.run(chromedp.EmulateViewport(look.width, 800), emulation.SetEmulatedMedia().
			WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}))
		for _, w := range b.faults() {
			b.t.Errorf("%s, %s: %s", name, look.name, w)
		}
		if *screenshots != "" {
			b.picture(look.name + "-" + name)
		}
	}
}

func (b *browser) picture(name string) {
	b.t.Helper()
	var png []byte
	b.run(chromedp.FullScreenshot(&png, 100))
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// walk goes the whole way of a respondent and checks every page.
func (b *browser) walk() {
	b.t.Helper()
	b.open("/?lang=zh")
	b.check("home")
	b.click(`a[href^="/s/"]`, `button[value=start]`)
	b.check("start")
	b.click(`button[value=start]`, `[name="a.age"]`)
	b.check("section")
	// The Enter key is Next, not the first button on the page.
	b.run(chromedp.SendKeys(`[name="a.age"]`, "7\r", chromedp.ByQuery), chromedp.WaitVisible(`#notice`, chromedp.ByQuery))
	b.check("errors")
	b.run(chromedp.Clear(`[name="a.age"]`, chromedp.ByQuery), chromedp.SendKeys(`[name="a.age"]`, "35", chromedp.ByQuery))
	b.run(chromedp.Click(`#i-internet`, chromedp.ByQuery))
	b.click(`button.main`, `[name="a.hours"]`)
	b.check("added")
	b.run(chromedp.Click(`#i-hours-dk`, chromedp.ByQuery))
	b.click(`button.main`, `[name="a.place"]`)
	b.click(`button.main`, `[name="a.channels"]`)
	b.run(chromedp.Click(`#i-channels`, chromedp.ByQuery))
	b.check("multiple")
	b.click(`button.main`, `[name="a.K01"]`)
	b.run(chromedp.Click(`#i-K01`, chromedp.ByQuery))
	b.check("figure")
	b.click(`button[value="lang:en"]`, `html[lang=en] [name="a.K01"]`)
	b.check("english")
	b.click(`button.main`, `button[value=send]`)
	b.check("send")
	b.click(`button[value=send]`, `.receipt`)
	b.check("thanks")
	b.open("/s/nowhere")
	b.check("problem")
}

// seesFaults makes sure that the check sees what it should, on a page with one of
// each fault.
func (b *browser) seesFaults() {
	b.t.Helper()
	const bad = `<body style="background:#fff"><div style="width:900px">wide</div><button style="width:20px">b</button>` +
		`<p style="color:#999">pale</p><input type="text"><fieldset></fieldset><i id="x"></i><i id="x"></i></body>`
	b.run(chromedp.EmulateViewport(320, 800), chromedp.Navigate("data:text/html,"+url.PathEscape(bad)))
	got := strings.Join(b.faults(), "\n")
	for _, want := range []string{"is 908 wide", "button is 20 by", "contrast of 2.85", "input has no label", "has no legend", "id is there twice"} {
		if !strings.Contains(got, want) {
			b.t.Errorf("the check did not see %q, only:\n%s", want, got)
		}
	}
}

// The whole way of a respondent without script, in a real browser: nothing is cut
// off on the smallest phone, targets are large, colours can be read, nothing is
// loaded from elsewhere and the browser has nothing to complain about.
func TestInABrowser(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{village()}, nil)
	hs := httptest.NewServer(s.Handler())
	defer hs.Close()
	b := openBrowser(t, hs.URL)
	b.seesFaults()
	b.walk()
	if n := len(s.stored()); n != 1 {
		t.Errorf("%d interviews stored, want 1", n)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.asked) < 12 {
		t.Errorf("only %d requests seen", len(b.asked))
	}
	for _, address := range b.asked {
		if !strings.HasPrefix(address, hs.URL+"/") && !strings.HasPrefix(address, "data:") {
			t.Errorf("the browser loaded %s", address)
		}
	}
	for _, c := range b.complaints {
		if !strings.Contains(c, "/s/nowhere") { // 404 on purpose
			t.Errorf("the browser complained: %s", c)
		}
	}
}
