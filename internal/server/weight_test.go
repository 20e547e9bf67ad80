package server

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// The goals for a page on an old phone in a village: what a page may weigh in all, with
// style and script, and (printed here, since it depends on the machine) how long it may
// take at 400 kbit/s and 400 ms with a processor six times slower: 3 s until the first
// answer can be given, 1 s from one page to the next.
const (
	maxWeight   = 30 << 10
	slowBytes   = 400_000 / 8 // a second
	slowLatency = 400         // milliseconds
	slowCPU     = 6
)

var slow = flag.Bool("slow", false, "measure pages as on an old phone with a slow network")

// weighed counts the bytes that come over the line, with headers.
type weighed struct {
	*browser
	bytes float64
}

func (w *weighed) took() (bytes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	bytes, w.bytes = int(w.bytes), 0
	return bytes
}

func weigh(t *testing.T, site string) *weighed {
	t.Helper()
	w := &weighed{browser: openBrowser(t, site)}
	chromedp.ListenTarget(w.ctx, func(event any) {
		if e, ok := event.(*network.EventLoadingFinished); ok {
			w.mu.Lock()
			w.bytes += e.EncodedDataLength
			w.mu.Unlock()
		}
	})
	w.run(emulation.SetScriptExecutionDisabled(false), chromedp.EmulateViewport(375, 740))
	if !*slow {
		return w
	}
	w.run(emulation.SetCPUThrottlingRate(slowCPU),
		chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := network.EmulateNetworkConditionsByRule(false, []*network.Conditions{{
				Latency: slowLatency, DownloadThroughput: slowBytes, UploadThroughput: slowBytes}}).Do(ctx)
			return err
		}))
	return w
}

// No page of the shipped questionnaire is heavy, with everything it needs.
func TestPageWeight(t *testing.T) {
	q, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range q.Languages {
		s := newSite(t, []*surveys.Questionnaire{q}, nil)
		hs := httptest.NewServer(s.Handler())
		defer hs.Close()
		w := weigh(t, hs.URL)
		t.Logf("%s: bytes, ms until it can be used", l)
		line := func(name string, took time.Duration) {
			bytes := w.took()
			t.Logf("%7d %6d  %s", bytes, took.Milliseconds(), name)
			if bytes > maxWeight || bytes == 0 {
				t.Errorf("%s: %s weighs %d bytes, want at most %d", l, name, bytes, maxWeight)
			}
		}
		began := time.Now()
		w.open("/s/civic-literacy?lang=" + string(l))
		line("start page, nothing cached", time.Since(began))
		began = time.Now()
		w.press("button[value=start]")
		line("first questions", time.Since(began))
		address := value[string](w.browser, `location.href`)
		for n := 2; ; n++ {
			_, last := w.heading()
			if last {
				break
			}
			w.fill(map[string]string{"military": "2"})
			began = time.Now()
			w.press("button.main")
			took := time.Since(began)
			heading, _ := w.heading()
			line(fmt.Sprintf("%02d %s", n, heading), took)
		}
		// Taken up again on another phone: the questions with nothing cached.
		w.run(network.ClearBrowserCache())
		w.took()
		began = time.Now()
		w.run(chromedp.Navigate(address))
		line("taken up again, nothing cached", time.Since(began))
	}
}
