package report

import (
	"context"
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
	devpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// tab opens a tab in a Chromium that all tests share. Without Chromium the test is
// skipped on a laptop and fails in CI.
func tab(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is missing; install it (make deps), the report must be tried in a browser")
		}
		t.Skip("chromium is missing; install it (make deps) to try the report in a browser")
	}
	ctx, cancel := chromedp.NewContext(browser(path))
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

var shared struct {
	once sync.Once
	ctx  context.Context
	stop func()
}

// browser starts Chromium at the first call.
func browser(path string) context.Context {
	shared.once.Do(func() {
		opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
			chromedp.DisableGPU, chromedp.Flag("disable-background-networking", true))
		allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), opts...)
		ctx, stopBrowser := chromedp.NewContext(allocator)
		if err := chromedp.Run(ctx); err != nil {
			panic("cannot start chromium: " + err.Error())
		}
		shared.ctx, shared.stop = ctx, func() { stopBrowser(); stopAllocator() }
	})
	return shared.ctx
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.stop != nil {
		shared.stop()
	}
	os.Exit(code)
}

// witness notes what a page does that it must not: requests beside its own file, and
// anything on the console, where a breach of the content policy shows too.
type witness struct {
	mu   sync.Mutex
	file string
	seen []string
}

func (w *witness) listen(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.Request.URL != w.file {
			w.seen = append(w.seen, "request: "+e.Request.URL)
		}
	case *log.EventEntryAdded:
		w.seen = append(w.seen, "console: "+e.Entry.Text)
	case *runtime.EventConsoleAPICalled:
		w.seen = append(w.seen, "console: "+string(e.Type))
	case *runtime.EventExceptionThrown:
		w.seen = append(w.seen, "exception: "+e.ExceptionDetails.Error())
	case *devpage.EventJavascriptDialogOpening:
		w.seen = append(w.seen, "dialog: "+e.Message)
	}
}

// open writes a report to a file and opens it in the browser at a width, offline.
func open(t *testing.T, ctx context.Context, r *assess.Results, lang surveys.Lang, width int64, before ...chromedp.Action) *witness {
	t.Helper()
	name := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(name, []byte(render(t, r, lang)), 0o644); err != nil {
		t.Fatal(err)
	}
	w := &witness{file: "file://" + name}
	chromedp.ListenTarget(ctx, w.listen)
	offline := chromedp.ActionFunc(func(ctx context.Context) error {
		everything := []*network.Conditions{{DownloadThroughput: -1, UploadThroughput: -1}}
		_, err := network.EmulateNetworkConditionsByRule(true, everything).Do(ctx)
		return err
	})
	actions := append([]chromedp.Action{
		network.Enable(), log.Enable(), runtime.Enable(), offline,
		emulation.SetDeviceMetricsOverride(width, 900, 1, false),
	}, before...)
	if err := chromedp.Run(ctx, append(actions, chromedp.Navigate(w.file))...); err != nil {
		t.Fatal(err)
	}
	return w
}

func evaluate[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	var out T
	if err := chromedp.Run(ctx, chromedp.Evaluate(script, &out)); err != nil {
		t.Fatal(err)
	}
	return out
}

const countDrawn = `[...document.querySelectorAll('.chart')].filter(c => c.querySelectorAll('svg path').length > 3).length`

func TestInBrowser(t *testing.T) {
	for _, c := range []struct {
		name    string
		results *assess.Results
		lang    surveys.Lang
		width   int64
	}{
		{"a wave on a desk", single(), surveys.ZH, 1280},
		{"a wave on a small phone", single(), surveys.EN, 320},
		{"a series on a phone", series(), surveys.ZH, 390},
		{"hostile texts", hostile(), surveys.EN, 1280},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := tab(t)
			w := open(t, ctx, c.results, c.lang, c.width)
			charts := evaluate[int](t, ctx, `document.querySelectorAll('.chart').length`)
			if drawn := evaluate[int](t, ctx, countDrawn); drawn != charts || charts == 0 {
				t.Errorf("%d of %d charts are drawn", drawn, charts)
			}
			// Opening a tooltip and turning the page must not break the policy either.
			hover := chromedp.Evaluate(`document.querySelectorAll('.chart svg path').forEach(p => {
				const r = p.getBoundingClientRect();
				p.dispatchEvent(new MouseEvent('mousemove', {bubbles: true, clientX: r.x + r.width / 2, clientY: r.y + r.height / 2}));
			})`, nil)
			resize := emulation.SetDeviceMetricsOverride(c.width+200, 900, 1, false)
			if err := chromedp.Run(ctx, hover, resize, emulation.SetDeviceMetricsOverride(c.width, 900, 1, false)); err != nil {
				t.Fatal(err)
			}
			if wide := evaluate[int](t, ctx, `document.documentElement.scrollWidth`); int64(wide) > c.width {
				t.Errorf("the page is %d pixels wide on a screen of %d", wide, c.width)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.seen) > 0 {
				t.Errorf("the page does what it must not:\n%s", strings.Join(w.seen, "\n"))
			}
		})
	}
}

func TestWithoutScript(t *testing.T) {
	ctx := tab(t)
	open(t, ctx, single(), surveys.ZH, 1280, emulation.SetScriptExecutionDisabled(true))
	var main string
	if err := chromedp.Run(ctx, chromedp.OuterHTML("main", &main)); err != nil {
		t.Fatal(err)
	}
	root := parsed(t, main)
	if n := len(elements(root, "table")); n == 0 || !strings.Contains(main, "18.2%") {
		t.Errorf("%d tables, and the rate of a city cannot be read without script", n)
	}
	if len(elements(root, "svg")) != 0 {
		t.Error("scripts ran although they were switched off")
	}
}

// On paper a drawing is scaled to the width of the page and keeps its height.
func TestOnPaper(t *testing.T) {
	ctx := tab(t)
	open(t, ctx, single(), surveys.ZH, 1280)
	paper := []chromedp.Action{emulation.SetEmulatedMedia().WithMedia("print"), emulation.SetDeviceMetricsOverride(680, 900, 1, false)}
	if err := chromedp.Run(ctx, paper...); err != nil {
		t.Fatal(err)
	}
	for _, size := range evaluate[[][]float64](t, ctx, `[...document.querySelectorAll('.chart svg')].map(s => s.getBoundingClientRect()).map(r => [r.width, r.height])`) {
		if size[0] < 500 || size[0] > 680 || size[1] < 40 {
			t.Errorf("a chart is %.0f by %.0f pixels on a page of 680", size[0], size[1])
		}
	}
}

// Nobody is kept from reading a report: axe-core finds nothing wrong with it, on a phone
// and on a desk, with script and without.
func TestReportIsAccessible(t *testing.T) {
	script, err := os.ReadFile("../../web/tests/node_modules/axe-core/axe.min.js")
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatalf("%v; make test installs it", err)
	case err != nil:
		t.Skipf("%v; make test installs it", err)
	}
	const run = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"]}).then(
		(r) => ({rules: r.passes.length, found: r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " ")))}))`
	for _, c := range []struct {
		name  string
		lang  surveys.Lang
		width int64
	}{{"on a phone", surveys.ZH, 320}, {"on a desk", surveys.EN, 1280}} {
		t.Run(c.name, func(t *testing.T) {
			ctx := tab(t)
			open(t, ctx, full(), c.lang, c.width)
			var got struct {
				Rules int
				Found []string
			}
			await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
			if err := chromedp.Run(ctx, chromedp.Evaluate(string(script)+";0", nil), chromedp.Evaluate(run, &got, await)); err != nil {
				t.Fatal(err)
			}
			if got.Rules < 10 || len(got.Found) > 0 {
				t.Errorf("%d rules were tried; axe-core found:\n%s", got.Rules, strings.Join(got.Found, "\n"))
			}
			if wide := evaluate[int](t, ctx, `document.documentElement.scrollWidth`); int64(wide) > c.width {
				t.Errorf("the page is %d pixels wide on a screen of %d", wide, c.width)
			}
		})
	}
}
