package waves

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

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
	other.Edition = "another"
	if _, err := f.Publish("gss", &other, plan); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("publishing another questionnaire: %v, want ErrConflict", err)
	}
	if err := f.SaveSample("gss", []byte("case,stratum,psu,weight\na,1,1,1\n")); err != nil {
		t.Fatal(err)
	}
	if err := f.SaveSample("gss", []byte("case,stratum,psu,weight\na,1,1,2\n")); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("saving another sample: %v, want ErrConflict", err)
	}
	cases, err := f.Sample("gss")
	if err != nil || len(cases) != 1 || cases[0].Weight != 1 {
		t.Errorf("Sample() = %v, %v, want the first one", cases, err)
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
