package making

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/making/makingtest"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/report/output"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// bench is a workshop whose numbers are made up.
type bench struct {
	*Workshop
	t   *testing.T
	cfg Config
	// hold, when there is one, keeps the estimate from ending.
	hold chan struct{}
	// begun is told when an estimate begins.
	begun chan struct{}
	fail  error
	urban float64
	// change changes the results, before is what releases withhold.
	change func(*assess.Results)
	before []report.Place
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, begun: make(chan struct{}, 9), urban: 0.162}
	b.cfg = DefaultConfig()
	dir := t.TempDir()
	b.cfg.Folder, b.cfg.Waves, b.cfg.Program = filepath.Join(dir, "made"), waves.Folder(filepath.Join(dir, "waves")), "suyang test"
	if err := os.MkdirAll(filepath.Join(dir, "waves", "zj"), 0o700); err != nil {
		t.Fatal(err)
	}
	b.cfg.Estimate = func(ctx context.Context, wave, weights string) (Estimated, error) {
		b.begun <- struct{}{}
		if b.hold != nil {
			select {
			case <-b.hold:
			case <-ctx.Done():
				return Estimated{}, ctx.Err()
			}
		}
		if b.fail != nil {
			return Estimated{}, b.fail
		}
		r := makingtest.Results(wave, b.urban)
		if b.change != nil {
			b.change(r)
		}
		return Estimated{Results: r, Weights: weights, Data: Data{Interviews: 3012, Questionnaire: "2026.1", Standings: "abc"}, At: time.Now()}, nil
	}
	b.cfg.Before = func(string) ([]report.Place, error) { return b.before, nil }
	b.cfg.WeightSets = func(context.Context, string) ([]string, error) { return []string{"raked@1"}, nil }
	b.cfg.Release = func(context.Context, ReleaseOrder) (int, error) { panic("a bug") }
	b.open()
	return b
}

// open begins anew on the same folder, as after a restart.
func (b *bench) open() (stop func()) {
	b.t.Helper()
	var err error
	if b.Workshop, err = New(b.cfg); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error, 1)
	w := b.Workshop
	go func() { ended <- w.Run(ctx) }()
	var stopped bool
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			select {
			case <-ended:
			case <-time.After(30 * time.Second):
				b.t.Error("what is being made does not end with the program")
			}
		}
	}
	b.t.Cleanup(stop)
	return stop
}

var (
	noted   = func(context.Context, Made) error { return nil }
	drafted = func(context.Context, string, *Failure) error { return nil }
)

func order(who string, langs ...surveys.Lang) ReportOrder {
	return ReportOrder{Wave: "zj", Who: who, Weights: "raked@1", Languages: langs, Forms: []output.Format{output.HTML, output.CSV}}
}

// wait waits until nothing is being made and returns what was made last.
func (b *bench) wait(kind Kind) State {
	b.t.Helper()
	for range 2000 {
		now, last := b.States("zj", kind)
		if !now.Running() {
			return last
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.t.Fatal("it is still being made")
	return State{}
}

// A report is made beside the caller, one at a time, and is kept with who made it from what.
func TestMakeReport(t *testing.T) {
	b := newBench(t)
	b.hold = make(chan struct{})
	told := make(chan Made, 1)
	if err := b.Make(order("stat", surveys.ZH, surveys.EN), func(_ context.Context, m Made) error { told <- m; return nil }); err != nil {
		t.Fatal(err)
	}
	<-b.begun
	now, _ := b.States("zj", ReportKind)
	if !now.Running() || now.Who != "stat" || now.Total != 5 || now.Done != 0 {
		t.Errorf("while it is made: %+v", now)
	}
	for name, err := range map[string]error{"another report": b.Make(order("li", surveys.ZH), noted), "drafts": b.Draft("zj", "", "li", drafted),
		"a release": b.Release(ReleaseOrder{Wave: "zj", Reason: "x"}, nil)} {
		if !errors.Is(err, ErrBusy) {
			t.Errorf("%s at the same time: %v", name, err)
		}
	}
	if list, err := b.Made("zj"); err != nil || len(list) > 0 {
		t.Errorf("half a report is listed: %v, %v", list, err)
	}
	close(b.hold)
	m := <-told
	if last := b.wait(ReportKind); last.Err != nil || last.Done != 5 {
		t.Fatalf("it ended as %+v", last)
	}
	want := []string{"zj.zh.html", "zj.zh.csv", "zj.en.html", "zj.en.csv"}
	list, err := b.Made("zj")
	if err != nil || len(list) != 1 || !slices.Equal(list[0].Files, want) || list[0].Who != "stat" || list[0].Weights != "raked@1" || list[0].Data.Interviews != 3012 || list[0].Number != m.Number || m.Failed != nil {
		t.Fatalf("the list is %+v, %v", list, err)
	}
	for _, name := range want {
		f, _, err := b.Open("zj", 1, name)
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil || info.Size() < 500 {
			t.Errorf("%s has %d bytes, %v", name, info.Size(), err)
		}
		f.Close()
	}
	for _, name := range []string{recordName, "../1/zj.zh.html", "..", "", "zj.zh.pdf"} {
		if _, _, err := b.Open("zj", 1, name); !errors.Is(err, surveys.ErrNotFound) {
			t.Errorf("opening %q: %v", name, err)
		}
	}
	if _, _, err := b.Open("../zj", 1, want[0]); err == nil {
		t.Error("a wave outside of the folder is opened")
	}
}

// A report that fails says why, leaves no file, and the next one can be made.
func TestFailedReport(t *testing.T) {
	b := newBench(t)
	for name, c := range map[string]struct {
		err  error
		want Why
	}{
		"away": {fmt.Errorf("read: %w", surveys.ErrUnavailable), WhyStore}, "gone": {fmt.Errorf("weights: %w", surveys.ErrNotFound), WhyGone},
		"a plan": {fmt.Errorf("%s: %w", filepath.Join(string(b.cfg.Waves), "zj", "plan.yaml"), surveys.ErrInvalid), WhyInvalid}, "ours": {errors.New("/secret/path"), WhyOurs},
	} {
		b.fail = c.err
		if err := b.Make(order("stat", surveys.ZH), noted); err != nil {
			t.Fatal(err)
		}
		b.wait(ReportKind)
		list, err := b.Made("zj")
		if err != nil || list[0].Failed == nil || list[0].Failed.Why != c.want || len(list[0].Files) > 0 || strings.Contains(list[0].Failed.Detail, "secret") {
			t.Errorf("%s: %+v, %v", name, list[0].Failed, err)
		}
		if c.want == WhyInvalid && !strings.HasPrefix(list[0].Failed.Detail, "waves/zj/plan.yaml: ") {
			t.Errorf("%s: the detail is %q", name, list[0].Failed.Detail)
		}
	}
	b.fail = nil
	texts := map[surveys.Lang]string{surveys.ZH: "## findings\n{rat}\n### x\n", surveys.EN: "## findings\n{city.9}\n"}
	for lang, src := range texts {
		if err := os.WriteFile(b.cfg.Waves.TextsPath("zj", lang), []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Make(order("stat", surveys.ZH, surveys.EN), noted); err != nil {
		t.Fatal(err)
	}
	b.wait(ReportKind)
	list, err := b.Made("zj")
	if err != nil || list[0].Failed == nil || list[0].Failed.Why != WhyTexts || len(list[0].Failed.Texts) != 3 {
		t.Errorf("texts with faults in both languages: %+v, %v", list[0].Failed, err)
	}
	files, err := filepath.Glob(filepath.Join(b.cfg.Folder, "zj", "*", "zj.*"))
	if err != nil || len(files) > 0 {
		t.Errorf("what failed left %v, %v", files, err)
	}
}

// A bug in making ends the task, not the program, and is told.
func TestBugInMaking(t *testing.T) {
	b := newBench(t)
	told := make(chan *Failure, 1)
	if err := b.Release(ReleaseOrder{Wave: "zj", Reason: "first"}, func(_ context.Context, number int, failed *Failure) error { told <- failed; return nil }); err != nil {
		t.Fatal(err)
	}
	if last := b.wait(ReleaseKind); !errors.Is(last.Err, errPanic) || FailureOf(last.Err).Why != WhyOurs {
		t.Errorf("after a bug: %+v", last)
	}
	if len(told) != 1 {
		t.Error("who asked for the release is told nothing")
	} else if failed := <-told; failed == nil || failed.Why != WhyOurs {
		t.Errorf("who asked for the release is told %+v", failed)
	}
	if err := b.Make(order("stat", surveys.ZH), noted); err != nil {
		t.Fatal(err)
	}
	if last := b.wait(ReportKind); last.Err != nil {
		t.Errorf("after that: %v", last.Err)
	}
}

// When the program ends, what is being made ends with it, and the record says so; after a
// crash in the middle nothing half-made is there, and the record says so, too.
func TestEndAndCrash(t *testing.T) {
	b := newBench(t)
	b.hold = make(chan struct{})
	stop := b.open()
	if err := b.Make(order("stat", surveys.ZH), noted); err != nil {
		t.Fatal(err)
	}
	<-b.begun
	stop()
	list, err := b.Made("zj")
	if err != nil || len(list) != 1 || list[0].Failed == nil || list[0].Failed.Why != WhyEnded {
		t.Fatalf("ended with the program: %+v, %v", list, err)
	}
	// What a kill leaves: the folder of the making, with a file in it.
	m := Made{Wave: "zj", Who: "stat", Began: time.Now()}
	staging, err := b.shelf.begin(&m)
	if err != nil {
		t.Fatal(err)
	}
	odd := filepath.Join(b.cfg.Folder, "zj", makingName+"9")
	if err := errors.Join(os.WriteFile(filepath.Join(staging, "zj.zh.html"), []byte("half"), 0o600), os.Mkdir(odd, 0o700)); err != nil {
		t.Fatal(err)
	}
	b.open()
	list, err = b.Made("zj")
	if err != nil || len(list) != 2 || list[0].Number != 2 || list[0].Failed == nil || list[0].Failed.Why != WhyEnded || len(list[0].Files) > 0 || list[0].Who != "stat" {
		t.Errorf("after a crash: %+v, %v", list, err)
	}
	if left, _ := filepath.Glob(filepath.Join(b.cfg.Folder, "zj", ".*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(b.cfg.Folder, "zj", "*", "*.html")); len(left) > 0 {
		t.Errorf("half a report: %v", left)
	}
}

// What was ordered when the program was just ending is told of as ended, too.
func TestEndBeforeBeginning(t *testing.T) {
	b := newBench(t)
	b.hold = make(chan struct{})
	b.begun = make(chan struct{}, 8)
	for range cap(b.begun) { // whether it is taken up or the end is seen first is chance
		w, err := New(b.cfg)
		if err != nil {
			t.Fatal(err)
		}
		var told []Made
		if err := w.Make(order("stat", surveys.ZH), func(_ context.Context, m Made) error { told = append(told, m); return nil }); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if len(told) != 1 || told[0].Failed == nil || told[0].Failed.Why != WhyEnded {
			t.Fatalf("it is told of as %+v", told)
		}
	}
}

// What takes too long is ended, and only the last reports are kept.
func TestLimitAndKeep(t *testing.T) {
	b := newBench(t)
	b.cfg.Limit, b.cfg.Keep = 20*time.Millisecond, 2
	b.hold = make(chan struct{})
	b.open()
	for range 3 {
		if err := b.Make(order("stat", surveys.ZH), noted); err != nil {
			t.Fatal(err)
		}
		b.wait(ReportKind)
	}
	list, err := b.Made("zj")
	if err != nil || len(list) != 2 || list[0].Number != 3 || list[0].Failed == nil || list[0].Failed.Why != WhyLong {
		t.Errorf("the list is %+v, %v", list, err)
	}
}

// Failures push out no report, whatever their number.
func TestFailuresPushNoReportOut(t *testing.T) {
	b := newBench(t)
	b.cfg.Keep = 2
	b.open()
	if err := b.Make(order("stat", surveys.ZH), noted); err != nil {
		t.Fatal(err)
	}
	b.wait(ReportKind)
	b.cfg.Limit, b.hold = 20*time.Millisecond, make(chan struct{})
	b.open()
	for range 4 {
		if err := b.Make(order("stat", surveys.ZH), noted); err != nil {
			t.Fatal(err)
		}
		b.wait(ReportKind)
	}
	list, err := b.Made("zj")
	if err != nil || len(list) != 3 || list[2].Number != 1 || list[2].Failed != nil || list[1].Failed == nil {
		t.Errorf("the list is %+v, %v", list, err)
	}
}

// Texts are drafted from the numbers that were computed, and saved into the file that commands
// read.
func TestTexts(t *testing.T) {
	b := newBench(t)
	if got := b.Drafted("zj"); got != nil {
		t.Errorf("before any numbers: %v", got)
	}
	if err := b.Draft("zj", "raked@1", "stat", drafted); err != nil {
		t.Fatal(err)
	}
	if last := b.wait(DraftsKind); last.Err != nil {
		t.Fatal(last.Err)
	}
	e := b.Drafted("zj")[0]
	blocks, err := b.Blocks(e, surveys.ZH)
	i := slices.IndexFunc(blocks, func(t report.TextBlock) bool { return t.ID == "text-group-residence" })
	if err != nil || i < 0 || !strings.Contains(blocks[i].Draft, "16.2%") {
		t.Fatalf("the blocks are %+v, %v", blocks, err)
	}
	var readers sync.WaitGroup // who reads the blocks at one time shares the results
	for range 4 {
		readers.Go(func() {
			if list, err := b.Blocks(e, surveys.ZH); err != nil || len(list) != len(blocks) {
				t.Errorf("read at one time: %d blocks, %v", len(list), err)
			}
		})
	}
	readers.Wait()
	edit := report.TextEdit{ID: blocks[i].ID, Text: "城镇为 {residence.urban}。", Facts: blocks[i].Facts}
	if _, err := b.Edit(e, surveys.ZH, edit); err != nil {
		t.Fatal(err)
	}
	texts, err := Texts(b.cfg.Waves, "zj", surveys.ZH)
	if err != nil || texts == nil {
		t.Fatalf("the file: %v", err)
	}
	var conflict *report.TextConflict
	if _, err := b.Edit(e, surveys.ZH, edit); !errors.As(err, &conflict) {
		t.Errorf("the second one: %v", err)
	}
	if blocks, err := b.Blocks(e, surveys.EN); err != nil || slices.ContainsFunc(blocks, func(t report.TextBlock) bool { return t.Edited }) {
		t.Errorf("the other language: %v", err)
	}
	// New numbers mark the text; those of another set of weights stand beside them.
	b.urban = 0.171
	if err := b.Make(order("stat", surveys.ZH), noted); err != nil {
		t.Fatal(err)
	}
	b.wait(ReportKind)
	if err := b.Draft("zj", "", "stat", drafted); err != nil {
		t.Fatal(err)
	}
	b.wait(DraftsKind)
	kept := b.Drafted("zj")
	if len(kept) != 2 || kept[0].Weights != "" || kept[1].Weights != "raked@1" {
		t.Fatalf("kept are %+v", kept)
	}
	if blocks, err = b.Blocks(kept[1], surveys.ZH); err != nil || !blocks[i].Stale {
		t.Errorf("the text is not marked: %+v, %v", blocks[i], err)
	}
}

// A report that cannot be begun or put on the shelf, as on a full or broken disk, is told of as
// one that failed, not as one that was made.
func TestUnshelvedReport(t *testing.T) {
	b := newBench(t)
	b.hold = make(chan struct{})
	told := make(chan Made, 1)
	tell := func(_ context.Context, m Made) error { told <- m; return nil }
	if err := b.Make(order("stat", surveys.ZH), tell); err != nil {
		t.Fatal(err)
	}
	<-b.begun
	if err := os.MkdirAll(filepath.Join(b.cfg.Folder, "zj", "1", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	close(b.hold)
	b.wait(ReportKind)
	if len(told) != 1 {
		t.Fatal("one that has no place is not told of")
	}
	if m := <-told; m.Failed == nil || m.Failed.Why != WhyOurs || m.Who != "stat" {
		t.Errorf("one that has no place is told of as %+v", m)
	}
	if err := errors.Join(os.RemoveAll(b.cfg.Folder), os.WriteFile(b.cfg.Folder, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := b.Make(order("stat", surveys.ZH), tell); err != nil {
		t.Fatal(err)
	}
	b.wait(ReportKind)
	if len(told) != 1 {
		t.Fatal("one that cannot be begun is not told of")
	}
	if m := <-told; m.Failed == nil || m.Number != 0 {
		t.Errorf("one that cannot be begun is told of as %+v", m)
	}
}

// Every reason for a failure belongs to an error, and all are listed.
func TestWhys(t *testing.T) {
	for _, w := range whys {
		if !slices.Contains(Whys(), w.why) {
			t.Errorf("%s is not listed", w.why)
		}
		if got := FailureOf(fmt.Errorf("x: %w", w.err)); got.Why != w.why {
			t.Errorf("%v is %s, want %s", w.err, got.Why, w.why)
		}
	}
}
