package waves

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

func definition(t *testing.T) (*surveys.Questionnaire, []byte) {
	t.Helper()
	q, err := library.Read("gss-science")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := library.FS.ReadFile("gss-science/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return q, plan
}

func TestPublishAndLoad(t *testing.T) {
	q, plan := definition(t)
	state := filepath.Join(t.TempDir(), "state")
	f := Folder(filepath.Join(state, "waves"))
	published, err := f.Publish("gss", q, plan)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := f.Load("gss")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(published, loaded); d != "" {
		t.Error(d)
	}
	if got, want := loaded.Questionnaire.Version(), q.Version(); got != want {
		t.Errorf("the version read back is %s, want %s", got, want)
	}
	if fi, err := os.Stat(state); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("the state folder was made as %v (%v), want it closed to others", fi, err)
	}
	all, err := f.All()
	if err != nil || len(all) != 1 || all[0].ID != "gss" {
		t.Errorf("All() = %v, %v, want the one wave", all, err)
	}
}

func TestPublishedWavesDoNotChange(t *testing.T) {
	q, plan := definition(t)
	f := Folder(t.TempDir())
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Errorf("publishing the same again: %v, want no error", err)
	}
	other := *q
	other.ID = "another"
	if _, err := f.Publish("gss", &other, plan); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("publishing another questionnaire: %v, want ErrConflict", err)
	}
	if _, err := f.Publish("gss", q, append(plan, '\n')); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("publishing another plan: %v, want ErrConflict", err)
	}
	if err := f.SaveSample("gss", []byte("case,stratum,psu,weight\na,1,1,1\n")); err != nil {
		t.Fatal(err)
	}
	if err := f.SaveSample("gss", []byte("case,stratum,psu,weight\na,1,1,2\n")); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("saving another sample: %v, want ErrConflict", err)
	}
	if err := f.SaveSample("gss", []byte("case,stratum,psu,weight\na,1,1,1\n")); err != nil {
		t.Errorf("saving the same sample: %v", err)
	}
	cases, err := f.Sample("gss")
	if err != nil || len(cases) != 1 || cases[0].Weight != 1 {
		t.Errorf("Sample() = %v, %v, want the first one", cases, err)
	}
}

// The fieldwork of a wave can be planned, and planned anew.
func TestFieldwork(t *testing.T) {
	q, plan := definition(t)
	f := Folder(t.TempDir())
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Fatal(err)
	}
	day := func(d int) time.Time { return time.Date(2026, 6, d, 0, 0, 0, 0, surveys.ChinaTime) }
	for _, p := range []Period{{}, {day(1), day(20)}, {day(2), day(2)}} {
		if p != (Period{}) {
			if err := f.SetFieldwork("gss", p); err != nil {
				t.Fatal(err)
			}
		}
		if w, err := f.Load("gss"); err != nil || !w.Fieldwork.First.Equal(p.First) || !w.Fieldwork.Last.Equal(p.Last) {
			t.Errorf("Load() has the fieldwork %v, %v, want %v", w.Fieldwork, err, p)
		}
	}
	for _, p := range []Period{{}, {day(3), day(2)}} {
		if err := f.SetFieldwork("gss", p); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("SetFieldwork(%v) = %v", p, err)
		}
	}
	if err := f.SetFieldwork("other", Period{day(1), day(2)}); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("the fieldwork of a wave that is not there: %v", err)
	}
}

// When a replicate of the reserve is released, its cases come and all weights change.
func TestSampleGrows(t *testing.T) {
	q, plan := definition(t)
	f := Folder(t.TempDir())
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Fatal(err)
	}
	for _, sample := range []string{"case,stratum,psu,weight\na,1,1,2\n", "case,stratum,psu,weight\na,1,1,1\nb,1,1,1\n"} {
		if err := f.SaveSample("gss", []byte(sample)); err != nil {
			t.Fatal(err)
		}
	}
	if cases, err := f.Sample("gss"); err != nil || len(cases) != 2 || cases[0].Weight != 1 {
		t.Errorf("Sample() = %v, %v", cases, err)
	}
}

// A change of words is a new version; a change of what is scored is a new wave.
func TestVersions(t *testing.T) {
	q, plan := definition(t)
	f := Folder(t.TempDir())
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Fatal(err)
	}
	var scored string
	for it := range q.Items {
		if it.Dimension != "" {
			scored = it.ID
		}
	}
	changed := func(change func(*surveys.Questionnaire)) *surveys.Questionnaire {
		q, _ := definition(t)
		change(q)
		return q
	}
	second := changed(func(q *surveys.Questionnaire) {
		q.Edition = "2"
		q.Item(scored).Text = surveys.Text{surveys.EN: "Put better"}
	})
	w, err := f.Publish("gss", second, plan)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := f.Load("gss")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(w, loaded); d != "" {
		t.Error(d)
	}
	if loaded.Questionnaire.Version() != second.Version() || len(loaded.Earlier) != 1 || loaded.Earlier[0].Version() != q.Version() {
		t.Errorf("newest %s, earlier %d; want %s after %s", loaded.Questionnaire.Version(), len(loaded.Earlier), second.Version(), q.Version())
	}
	if _, err := f.Publish("gss", second, plan); err != nil {
		t.Errorf("the newest version again: %v, want no error", err)
	}
	for name, c := range map[string]struct {
		q    *surveys.Questionnaire
		want string
	}{
		"an old version": {q, "goes on with"},
		"another key":    {changed(func(q *surveys.Questionnaire) { q.Item(scored).Key = []string{q.Item(scored).Options[1].Code, "x"} }), "another key"},
		"one option more": {changed(func(q *surveys.Questionnaire) {
			it := q.Item(scored)
			it.Options = append(it.Options, surveys.Option{Code: "new"})
		}), "other options"},
		"not scored any more":  {changed(func(q *surveys.Questionnaire) { q.Item(scored).Dimension = "" }), "dimension"},
		"a scored item gone":   {changed(func(q *surveys.Questionnaire) { q.Item(scored).ID = "renamed" }), "is gone"},
		"another kind of item": {changed(func(q *surveys.Questionnaire) { q.Item(scored).Type = surveys.Likert }), "another ID"},
		"another cut":          {changed(func(q *surveys.Questionnaire) { q.Criterion.Cut++ }), "has other points, cuts or rules now"},
		"another criterion":    {changed(func(q *surveys.Questionnaire) { q.Criterion.ID = "cast-2099" }), ", not cast-2099"},
		"booklets":             {changed(func(q *surveys.Questionnaire) { q.Booklets = []surveys.Booklet{{ID: "A", Share: 1}} }), "booklets"},
	} {
		_, err := f.Publish("gss", c.q, plan)
		if !errors.Is(err, surveys.ErrConflict) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want ErrConflict with %q", name, err, c.want)
		}
	}
	if w, err := f.Load("gss"); err != nil || len(w.Earlier) != 1 {
		t.Errorf("after what was refused: %d earlier versions, %v", len(w.Earlier), err)
	}
	if w.LinksOnly {
		t.Error("the wave has no address of its own")
	}
	if err := f.SetLinksOnly("gss"); err != nil {
		t.Fatal(err)
	}
	if w, err := f.Load("gss"); err != nil || !w.LinksOnly {
		t.Errorf("LinksOnly = %v, %v after SetLinksOnly", w.LinksOnly, err)
	}
}

// A frozen questionnaire that was changed afterwards is refused, with the way out; a wave
// of an older program, which wrote no version, still loads.
func TestChangedFilesAreRefused(t *testing.T) {
	q, plan := definition(t)
	f := Folder(t.TempDir())
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(string(f), "gss", questionnaireFile)
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(src), `"edition":"`, `"edition":"x`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = f.Load("gss")
	if !errors.Is(err, surveys.ErrConflict) || !strings.Contains(err.Error(), q.Version()) || !strings.Contains(err.Error(), "restore the file") {
		t.Errorf("Load() = %v, want ErrConflict with the version %s", err, q.Version())
	}
	if err := os.Remove(path + versionMark); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load("gss"); err != nil {
		t.Errorf("Load() without the mark: %v", err)
	}
}

func TestBadNames(t *testing.T) {
	q, plan := definition(t)
	f := Folder(t.TempDir())
	for _, id := range []string{"", "..", "a/b", "A", "-a", "浙江"} {
		if _, err := f.Publish(id, q, plan); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("Publish(%q) = %v, want ErrInvalid", id, err)
		}
		if _, err := f.Load(id); !errors.Is(err, surveys.ErrNotFound) {
			t.Errorf("Load(%q) = %v, want ErrNotFound", id, err)
		}
	}
}

func TestInterruptedPublishing(t *testing.T) {
	q, plan := definition(t)
	dir := t.TempDir()
	f := Folder(dir)
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "gss", questionnaireFile)); err != nil {
		t.Fatal(err)
	}
	if all, err := f.All(); err != nil || len(all) != 0 {
		t.Errorf("All() = %v, %v; a wave without a questionnaire was never published", all, err)
	}
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Errorf("publishing it again: %v", err)
	}
}

func TestClose(t *testing.T) {
	q, plan := definition(t)
	f := Folder(t.TempDir())
	if err := f.Close("gss"); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("closing a wave that is not there: %v, want ErrNotFound", err)
	}
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Close("gss"); err != nil {
			t.Fatal(err)
		}
	}
	if w, err := f.Load("gss"); err != nil || !w.Closed {
		t.Errorf("Load() = %+v, %v, want a closed wave", w, err)
	}
}

// A wave says when it was closed, also when an older program wrote no time.
func TestClosedAt(t *testing.T) {
	q, plan := definition(t)
	f := Folder(t.TempDir())
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-time.Second)
	if err := f.Close("gss"); err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(string(f), "gss", ClosedFile)
	for _, text := range []string{"as written", ""} {
		if text == "" {
			if err := os.WriteFile(mark, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		w, err := f.Load("gss")
		if err != nil || !w.Closed || w.ClosedAt.Before(before) || w.ClosedAt.After(time.Now().Add(time.Second)) {
			t.Errorf("%q: closed %v at %v (%v)", text, w.Closed, w.ClosedAt, err)
		}
	}
}
