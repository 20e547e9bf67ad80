package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// looker looks at the screens of a tablet.
type looker struct {
	*bench
	axe             string
	screens, checks int
}

// tabletLooks are the ways in which a screen is looked at: a tablet by day and at night, and a
// phone.
var tabletLooks = []struct {
	name          string
	width, height int64
	scheme        string
}{{"tablet", 800, 1280, "light"}, {"night", 800, 1280, "dark"}, {"phone", 360, 740, "light"}}

// look fails for what axe-core finds wrong with the screen, and for what does not fit on it.
func (l *looker) look(name string) {
	l.t.Helper()
	l.screens++
	var there bool
	if l.tablet.eval("!!window.axe", &there); !there {
		l.tablet.eval(l.axe+";0", nil)
	}
	for _, k := range tabletLooks {
		l.tablet.must(chromedp.EmulateViewport(k.width, k.height), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: k.scheme}}))
		var got struct {
			Rules int
			Found []string
		}
		l.tablet.eval(`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"]}).then(
			(r) => ({rules: r.passes.length, found: r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " ")))}))`, &got)
		if got.Rules < 10 {
			l.t.Errorf("%s, %s: only %d rules were tried", name, k.name, got.Rules)
		}
		for _, found := range got.Found {
			l.t.Errorf("%s, %s: %s", name, k.name, found)
		}
		var wide, small []string
		l.tablet.eval(`document.documentElement.scrollWidth > innerWidth ? ["the page is " + document.documentElement.scrollWidth + " wide"] : []`, &wide)
		l.tablet.eval(`[...document.querySelectorAll("main button, main a.button, main select, main input:not([type=checkbox]):not([type=radio]), main label.option")].filter((e) => e.offsetParent && e.getBoundingClientRect().height < 43.5)
			.map((e) => e.outerHTML.slice(0, 90) + " is " + e.getBoundingClientRect().height + " high")`, &small)
		for _, w := range append(wide, small...) {
			l.t.Errorf("%s, %s: %s", name, k.name, w)
		}
		l.checks++
		if *screenshots != "" {
			var png []byte
			l.tablet.must(chromedp.FullScreenshot(&png, 100))
			if err := os.WriteFile(filepath.Join(*screenshots, name+"-"+k.name+".png"), png, 0o644); err != nil {
				l.t.Fatal(err)
			}
		}
	}
	l.tablet.must(chromedp.EmulateViewport(800, 1280))
}

// at opens a screen of the app.
func (l *looker) at(hash, screen string) {
	l.t.Helper()
	l.tablet.eval(fmt.Sprintf(`location.hash = %q`, hash), nil)
	l.until(fmt.Sprintf(`document.documentElement.dataset.ready === "1" && document.querySelector("main[data-screen=%s]")`, screen))
}

// Nobody is kept from working with a tablet: axe-core finds nothing wrong with any of its
// screens, nothing is cut off, and everything can be hit with a thumb.
func TestTabletAccessible(t *testing.T) {
	b := newBench(t, 4)
	axe, err := os.ReadFile("../../web/tests/node_modules/axe-core/axe.min.js")
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatalf("%v; make test installs it", err)
	case err != nil:
		t.Skipf("%v; make test installs it", err)
	}
	l := &looker{bench: b, axe: string(axe)}
	l.tablet.start(800, 1280, "/tablet")
	l.until(`document.querySelector("main[data-screen=setup]")`)
	l.look("setup")
	l.tablet.kill()
	l.tablet.enrol(l.code())
	l.settle()
	l.look("work")
	id := l.ids[0]
	l.at("#/checkout", "checkout")
	l.look("checkout")
	l.at("#/case/w/"+id, "case")
	l.look("case")
	l.at("#/attempt/w/"+id, "attempt")
	l.do("save") // with nothing chosen
	l.until(`document.querySelector("[role=alert]")`)
	l.look("attempt-faults")
	l.at("#/listing/w/"+id, "listing")
	l.do("select")
	l.until(`document.querySelector("[role=alert]")`)
	l.look("roster-faults")
	l.tablet.eval(`window.stepOnce()`, nil)
	l.at("#/case/w/"+id, "case")
	l.look("selection")
	l.at("#/listing/w/"+id, "listing")
	l.look("roster-again")
	l.at("#/interview/w/"+id, "consent")
	l.look("consent")
	l.tablet.eval(`window.stepOnce()`, nil)
	l.until(`document.querySelector("main[data-screen=interview]")`)
	l.do("next") // with nothing answered
	l.until(`document.querySelector("#notice")`)
	l.look("question-faults")
	for n := 1; ; n++ {
		var screen string
		l.tablet.eval(`document.querySelector("main").dataset.screen`, &screen)
		if screen != "interview" {
			break
		}
		if n <= 5 {
			l.look(fmt.Sprintf("question-%02d", n))
		}
		if n == 4 {
			l.do("break-off")
			l.until(`document.querySelector("main[data-screen=break-off]")`)
			l.look("break-off")
			l.do("cancel")
			l.until(`document.querySelector("main[data-screen=interview]")`)
		}
		l.tablet.eval(`window.stepOnce()`, nil)
	}
	l.until(`document.querySelector("main[data-screen=finish]")`)
	l.look("finish")
	l.line.set(true, false)
	l.do("finish")
	l.until(`document.querySelector("main[data-screen=case]")`)
	l.look("case-finished")
	l.at("#/sync", "sync")
	l.do("send")
	l.until(`document.querySelector("[data-error]")`)
	l.look("sync-without-network")
	l.line.set(false, false)
	l.at("#/device", "device")
	l.look("device")
	l.send()
	l.look("checkin")
	l.at("#/sync", "sync")
	l.look("sync")
	l.do("language")
	l.until(`document.documentElement.lang.startsWith("en")`)
	l.at("#/work", "work")
	l.look("work-en")
	l.at("#/case/w/"+l.ids[1], "case")
	l.look("case-en")
	l.do("lock")
	l.until(`document.querySelector("main[data-screen=unlock]")`)
	l.look("unlock-en")
	if len(l.tablet.complaints) > 0 {
		t.Errorf("the page threw: %s", strings.Join(l.tablet.complaints, "; "))
	}
	t.Logf("%d screens, %d times looked at", l.screens, l.checks)
}

// TestTabletSpeed prints how long the questionnaire takes to open on a slow tablet, and what
// the app weighs; it fails for the weight only.
func TestTabletSpeed(t *testing.T) {
	inFull(t)
	b := newBench(t, 1)
	b.tablet.enrol(b.code())
	b.settle()
	b.begin(b.ids[0])
	const slow = 6
	measure := func(what string, open func() string) {
		t.Helper()
		var times []string
		for range 5 {
			script := open()
			var ms float64
			b.tablet.must(emulation.SetCPUThrottlingRate(slow), chromedp.Evaluate(script, &ms, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
			b.tablet.must(emulation.SetCPUThrottlingRate(1))
			times = append(times, fmt.Sprintf("%.0f ms", ms))
		}
		t.Logf("%s, at %d× slow-down: %s", what, slow, strings.Join(times, ", "))
	}
	const opened = `(async () => { const from = performance.now(); %s; const end = from + 30000;
		while (!document.querySelector(%q) && performance.now() < end) await new Promise((r) => setTimeout(r, 2)); return performance.now() - from; })()`
	measure("the questionnaire, from the case", func() string {
		b.tablet.eval(fmt.Sprintf(`location.hash = "#/case/w/%s"`, b.ids[0]), nil)
		b.until(`document.querySelector("main[data-screen=case] [data-do=resume]")`)
		time.Sleep(300 * time.Millisecond)
		return fmt.Sprintf(opened, `document.querySelector("[data-do=resume]").click()`, "main[data-screen=interview] .paper input")
	})
	measure("the questionnaire, from the PIN on", func() string {
		b.reopen()
		b.until(`document.querySelector("main[data-screen=unlock]")`)
		b.tablet.eval(fmt.Sprintf(`history.replaceState(null, "", "#/interview/w/%s"); document.querySelector("input[name=pin]").value = window.pin`, b.ids[0]), nil)
		return fmt.Sprintf(opened, `document.querySelector("[data-do=unlock]").click()`, "main[data-screen=interview] .paper input")
	})
	shell, engine := int64(0), int64(0)
	files, err := filepath.Glob("../../web/tablet/dist/*.gz")
	if err != nil || len(files) == 0 {
		t.Fatal("the app is not there; make tablet builds it", err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(f, ".wasm") {
			shell += info.Size()
			continue
		}
		if info, err = os.Stat(strings.TrimSuffix(f, ".gz") + ".br"); err != nil {
			t.Fatal(err)
		}
		engine = info.Size()
	}
	t.Logf("the shell weighs %.1f KiB (gzip) of at most 150, the engine %.2f MiB (brotli) of at most 1.2", float64(shell)/1024, float64(engine)/(1<<20))
	if shell > 150<<10 || engine > 12*(1<<20)/10 {
		t.Error("too heavy")
	}
}
