package making

import (
	"strings"
	"sync"
	"testing"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/making/makingtest"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/surveys"
)

// newest makes a report and returns its results as the page of texts gets them.
func (b *bench) newest() Estimated {
	b.t.Helper()
	if err := b.Make(order("stat", surveys.ZH, surveys.EN), noted); err != nil {
		b.t.Fatal(err)
	}
	if last := b.wait(ReportKind); last.Err != nil {
		b.t.Fatal(last.Err)
	}
	return b.Drafted("zj")[0]
}

// judged is what a request for the texts withholds.
func (b *bench) judged(lang surveys.Lang) report.Disclosure {
	b.t.Helper()
	opt, err := b.content(b.Drafted("zj")[0], lang, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return opt.Disclosure
}

// A report is judged once: the requests for its texts, in every language and at one time, have
// what the report itself was made with.
func TestJudgedOnce(t *testing.T) {
	b := newBench(t)
	made := b.newest().judged.withheld
	if made == nil {
		t.Fatal("what was judged for the report is not kept")
	}
	var requests sync.WaitGroup
	for range 8 {
		requests.Go(func() {
			for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
				if b.judged(lang) != report.Disclosure(made) {
					t.Error("a request judges again")
				}
			}
		})
	}
	requests.Wait()
	if b.newest(); b.judged(surveys.ZH) == report.Disclosure(made) {
		t.Error("another report has what was judged for the one before")
	}
	if len(b.kept) > mostKept {
		t.Errorf("%d results are kept", len(b.kept))
	}
}

// Whoever is judged at one time for the first time waits for one judging.
func TestJudgedOnceAtOneTime(t *testing.T) {
	j, r := &judgement{}, makingtest.Results("zj", 0.162)
	var requests sync.WaitGroup
	var mu sync.Mutex
	all, begin := map[*report.Protected]bool{}, make(chan struct{})
	for range 8 {
		requests.Go(func() {
			<-begin
			p, err := j.of(r, nil)
			mu.Lock()
			defer mu.Unlock()
			if all[p] = true; err != nil {
				t.Error(err)
			}
		})
	}
	close(begin)
	requests.Wait()
	if len(all) != 1 {
		t.Errorf("it was judged %d times", len(all))
	}
}

// drafts are all drafts of the newest numbers.
func (b *bench) drafts() string {
	b.t.Helper()
	blocks, err := b.Blocks(b.Drafted("zj")[0], surveys.ZH)
	if err != nil {
		b.t.Fatal(err)
	}
	var all strings.Builder
	for _, t := range blocks {
		all.WriteString(t.Draft)
	}
	return all.String()
}

// What a new report, or a new release, withholds is withheld at once, whatever was judged
// before.
func TestWithheldAtOnce(t *testing.T) {
	const rate = "16.2%"
	for name, more := range map[string]func(*bench){
		"a report with fewer villagers": func(b *bench) {
			b.change = func(r *assess.Results) {
				villagers := &r.Tables[0].Groups[1].Rows[0].Estimate
				villagers.N = 4
			}
			b.newest()
		},
		"a release that withholds them": func(b *bench) {
			b.before = []report.Place{{Table: "residence", Group: "rural"}}
		},
	} {
		b := newBench(t)
		b.newest()
		for range 2 {
			if got := b.drafts(); !strings.Contains(got, rate) {
				t.Fatalf("%s: the drafts were without the rate: %s", name, got)
			}
		}
		more(b)
		for range 2 {
			if got := b.drafts(); strings.Contains(got, rate) {
				t.Errorf("%s: the drafts tell what is withheld: %s", name, got)
			}
		}
		if _, hidden := b.judged(surveys.EN).Withheld(report.Place{Table: "residence", Group: "rural"}); !hidden {
			t.Errorf("%s: villagers are not withheld", name)
		}
		b.change, b.before = nil, nil
		if b.newest(); !strings.Contains(b.drafts(), rate) {
			t.Errorf("%s: what is not withheld any more is missing", name)
		}
	}
}

// BenchmarkBlocks is one request for the texts of a report: judged is what every request takes
// but the first, unjudged what each would take without the judgement.
func BenchmarkBlocks(b *testing.B) {
	for name, judged := range map[string]*judgement{"judged": {}, "unjudged": nil} {
		b.Run(name, func(b *testing.B) {
			w := &Workshop{cfg: DefaultConfig()}
			e := Estimated{Results: makingtest.Results("zj", 0.162), judged: judged}
			for b.Loop() {
				if _, err := w.Blocks(e, surveys.ZH); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
