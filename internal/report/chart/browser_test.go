package chart

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/web"
)

// page is a page with every kind of chart below the content policy of the report: scripts
// by their hash, no inline style.
func page(t *testing.T, lang surveys.Lang) string {
	t.Helper()
	policy, scripts, body := "default-src 'none'; style-src 'none'; script-src", "", ""
	for _, name := range []string{"static/echarts.min.js", "static/report.js"} {
		b, err := web.Report.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		policy += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		scripts += "<script>" + string(b) + "</script>"
	}
	for _, kind := range kinds {
		c := gallery(lang)[kind]
		body += fmt.Sprintf(`<figure><figcaption>%s</figcaption><div class="chart" id="%s" role="img" aria-label="%s" data-option="%s-option"></div><script type="application/json" id="%s-option">%s</script></figure>`,
			html.EscapeString(c.Title), kind, html.EscapeString(c.Alt), kind, kind, option(t, c, lang))
		// The picture of paper stands in a page with the same policy.
		body += `<div class="paper" id="` + kind + `-paper">` + svg(t, c, lang, 600) + `</div>`
	}
	return `<!doctype html><html lang="` + string(lang) + `"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" content="` + policy + `"><title>charts</title><body>` + body + scripts
}

var kinds = []string{"dots", "bars", "stacked", "trend", "tiles", "choropleth"}

// browser opens the page in Chromium, or skips the test without it, except in CI.
func browser(t *testing.T, page string, width int64) (context.Context, func() []string) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is missing; install it (make deps), charts must be tried in a browser")
		}
		t.Skip("chromium is missing; install it (make deps) to try charts in a browser")
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(stop)
	var mu sync.Mutex
	var seen []string
	chromedp.ListenTarget(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *log.EventEntryAdded:
			seen = append(seen, e.Entry.Text)
		case *runtime.EventExceptionThrown:
			seen = append(seen, e.ExceptionDetails.Error())
		}
	})
	if err := chromedp.Run(ctx, log.Enable(), runtime.Enable(), emulation.SetDeviceMetricsOverride(width, 900, 1, false), chromedp.Navigate("file://"+file)); err != nil {
		t.Fatal(err)
	}
	return ctx, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(seen)
	}
}

func ask[T any](t *testing.T, ctx context.Context, script string) (out T) {
	t.Helper()
	if err := chromedp.Run(ctx, chromedp.Evaluate(script, &out)); err != nil {
		t.Fatal(err)
	}
	return out
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestInBrowser(t *testing.T) {
	ctx, seen := browser(t, page(t, surveys.ZH), 696)
	for _, kind := range kinds {
		// Charts on the screen are as wide as on paper: the page has margins of 8 pixels beside
		// them, and figures of 40.
		onPaper := ask[[]string](t, ctx, `[...document.querySelectorAll('#`+kind+`-paper text')].map(e => e.textContent)`)
		onScreen := ask[[]string](t, ctx, `[...document.querySelectorAll('#`+kind+` svg text')].map(e => e.textContent)`)
		for _, words := range onPaper {
			if !slices.Contains(onScreen, words) && len([]rune(words)) < 8 {
				t.Errorf("%s: %q stands on paper and not on the screen: %q", kind, words, onScreen)
			}
		}
		if len(onPaper) < 5 {
			t.Errorf("%s: the picture of paper has the words %q", kind, onPaper)
		}
	}
	// The arrow keys do what the pointer does, and say it.
	said := func(kind, key string) string {
		return ask[string](t, ctx, `(() => { const c = document.getElementById('`+kind+`'); c.focus();
			c.dispatchEvent(new KeyboardEvent('keydown', {key: '`+key+`', bubbles: true, cancelable: true}));
			return c.nextElementSibling.getAttribute('role') + ': ' + c.nextElementSibling.textContent; })()`)
	}
	if got := said("dots", "ArrowRight"); got != "status: 杭州，估计值：21.4%（19.3–23.5），n = 300" {
		t.Errorf("the first arrow says %q", got)
	}
	if got := said("dots", "ArrowDown"); !strings.Contains(got, "宁波") {
		t.Errorf("the second arrow says %q", got)
	}
	shown := `[...document.querySelectorAll('#dots svg text')].some(e => e.textContent.includes('，估计值：'))`
	if err := chromedp.Run(ctx, chromedp.Poll(shown, nil, chromedp.WithPollingTimeout(30*time.Second))); err != nil {
		t.Errorf("the arrow key shows no tooltip: %v", err)
	}
	if got := said("dots", "Escape"); got != "status: " {
		t.Errorf("after Escape there is still %q", got)
	}
	if got := said("choropleth", "ArrowLeft"); !strings.Contains(got, "未纳入") {
		t.Errorf("the last region of the map is %q", got)
	}
	// The arrow keys go through a trend in the order of time, one line after the other.
	times := overTime(surveys.ZH).Categories
	for i, name := range append(slices.Clone(times), times[1]) {
		if got := said("trend", "ArrowRight"); !strings.HasPrefix(got, "status: "+name+"，全") {
			t.Errorf("arrow %d in the trend says %q, want %s", i+1, got, name)
		}
	}
	said("trend", "Escape")
	for _, width := range []int64{320, 1280} {
		if err := chromedp.Run(ctx, emulation.SetDeviceMetricsOverride(width, 900, 1, false), chromedp.Sleep(300*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		proportional(t, fmt.Sprint("on a screen of ", width), overTime(surveys.ZH).Times,
			ask[[]float64](t, ctx, `[...document.querySelectorAll('#trend svg path:not([transform])[d*="A5 5"][fill="`+Palette[0]+`"]')].map(e => { const b = e.getBoundingClientRect(); return (b.left + b.right) / 2; })`), 0.6)
		if on := ask[string](t, ctx, `(() => { const names = `+string(asJSON(t, times))+`, boxes = [...document.querySelectorAll('#trend svg text')].filter(e => names.includes(e.textContent))
				.map(e => [e.textContent, e.getBoundingClientRect()]).sort((a, b) => a[1].left - b[1].left);
			for (let i = 1; i < boxes.length; i++) if (boxes[i][1].left < boxes[i - 1][1].right + 2) return boxes[i - 1][0] + ' and ' + boxes[i][0];
			return boxes.length < 4 || boxes.at(-1)[0] !== names.at(-1) ? 'only ' + boxes.map(b => b[0]) : ''; })()`); on != "" {
			t.Errorf("on a screen of %d the names of times lie on each other: %s", width, on)
		}
		for _, kind := range kinds {
			inside := ask[string](t, ctx, `(() => { const box = document.getElementById('`+kind+`'), r = box.getBoundingClientRect();
				const svg = box.querySelector('svg').getBoundingClientRect();
				if (Math.abs(svg.width - r.width) > 1 || svg.height < 80) return 'svg ' + svg.width + ' × ' + svg.height + ' in ' + r.width;
				for (const e of box.querySelectorAll('svg text')) { const b = e.getBoundingClientRect();
					if (b.width && (b.left < r.left - 3 || b.right > r.right + 3 || b.top < r.top - 3 || b.bottom > r.bottom + 3)) return e.textContent; }
				return ''; })()`)
			if inside != "" {
				t.Errorf("%s on a screen of %d: %q lies outside of the chart", kind, width, inside)
			}
		}
	}
	if out := seen(); len(out) > 0 {
		t.Errorf("the page does what it must not:\n%s", strings.Join(out, "\n"))
	}
}
