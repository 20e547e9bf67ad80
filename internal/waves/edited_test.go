package waves

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// someTargets are targets of any wave.
func someTargets(rate string) []byte {
	return []byte("targets:\n  - {code: \"330000\", year: 2030, rate: " + rate + ", area: A, name: {zh: 目标, en: Target}}\n")
}

// file reads, and put writes a file of a wave by hand.
func file(t *testing.T, f Folder, name string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(string(f), "gss", name))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func put(t *testing.T, f Folder, name string, src []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(string(f), "gss", name), src, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, f Folder, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.Remove(filepath.Join(string(f), "gss", name)); err != nil {
			t.Fatal(err)
		}
	}
}

// withTargets is a wave with a plan and targets.
func withTargets(t *testing.T) (Folder, *surveys.Questionnaire, []byte) {
	t.Helper()
	q, plan := definition(t)
	f := Folder(t.TempDir())
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Fatal(err)
	}
	if err := f.CheckPublished("gss"); err != nil {
		t.Errorf("without targets: %v", err)
	}
	if err := f.SaveTargets("gss", someTargets("0.2")); err != nil {
		t.Fatal(err)
	}
	return f, q, plan
}

// Whichever file of a wave is edited, gone or put there by hand, it is named by its path with the
// way out, all of them at once; until it is as it was published.
func TestCheckPublished(t *testing.T) {
	f, _, _ := withTargets(t)
	path := func(name string) string { return filepath.Join(string(f), "gss", name) }
	wants := func(what string, want ...string) {
		t.Helper()
		err := f.CheckPublished("gss")
		if len(want) == 0 {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			return
		}
		for _, w := range want {
			if !errors.Is(err, ErrEdited) || !errors.Is(err, surveys.ErrConflict) || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: CheckPublished() = %v, want ErrEdited with %q", what, err, w)
			}
		}
	}
	wants("as published")
	old := map[string][]byte{}
	for _, name := range []string{planFile, targetsFile, questionnaireFile, planFile + sumMark} {
		old[name] = file(t, f, name)
	}
	put(t, f, planFile, append(bytes.Clone(old[planFile]), '\n'))
	wants("an edited plan", path(planFile)+" is not the file that was published", "suyang publish gss --plan FILE")
	put(t, f, targetsFile, someTargets("0.1"))
	wants("both", path(planFile)+" is not", path(targetsFile)+" is not the file that was published", "suyang publish gss --targets FILE")
	put(t, f, questionnaireFile, bytes.Replace(old[questionnaireFile], []byte("Earth"), []byte("Moon"), 1))
	wants("all three", path(planFile), path(targetsFile), path(questionnaireFile)+" was published as version", "suyang publish gss --questionnaire FILE")
	for name, src := range old {
		put(t, f, name, src)
	}
	wants("restored")
	remove(t, f, planFile, targetsFile)
	wants("gone", path(planFile)+" was published and is gone", path(targetsFile)+" was published and is gone")
	put(t, f, planFile, old[planFile])
	put(t, f, targetsFile, old[targetsFile])
	remove(t, f, targetsFile+sumMark)
	wants("targets by hand", path(targetsFile)+" was never published; publish it: suyang publish gss --targets FILE")
	remove(t, f, targetsFile)
	wants("no targets")
	put(t, f, planFile+sumMark, []byte("nonsense\n"))
	if err := f.CheckPublished("gss"); !errors.Is(err, surveys.ErrConflict) || !strings.Contains(err.Error(), path(planFile+sumMark)+" does not hold the sum") {
		t.Errorf("with a sum that is none: %v", err)
	}
}

// Publishing again sets right what was edited: the plan only by the one that was published, be
// the edited file the same, targets by any.
func TestPublishingSetsRightWhatWasEdited(t *testing.T) {
	f, q, plan := withTargets(t)
	edited := append(bytes.Clone(plan), '\n')
	put(t, f, planFile, edited)
	if _, err := f.Publish("gss", q, edited); !errors.Is(err, surveys.ErrConflict) || !strings.Contains(err.Error(), "as a new wave") {
		t.Errorf("publishing the edited plan: %v, want ErrConflict", err)
	}
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file(t, f, planFile), plan) {
		t.Error("the edited plan is still there")
	}
	remove(t, f, planFile)
	if _, err := f.Publish("gss", q, edited); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("publishing another plan where the plan is gone: %v, want ErrConflict", err)
	}
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Fatal(err)
	}
	put(t, f, targetsFile, someTargets("0.1"))
	if err := f.SaveTargets("gss", someTargets("0.1")); err != nil {
		t.Fatal(err)
	}
	if err := f.CheckPublished("gss"); err != nil {
		t.Error(err)
	}
}

// A wave of a program that kept no sums is not refused, and gets them when it is published
// again, for the targets that it had, too.
func TestWavesWithoutSums(t *testing.T) {
	f, q, plan := withTargets(t)
	remove(t, f, planFile+sumMark, targetsFile+sumMark)
	if err := f.CheckPublished("gss"); err != nil {
		t.Errorf("a wave of an earlier program: %v", err)
	}
	if _, err := f.Publish("gss", q, append(bytes.Clone(plan), '\n')); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("publishing another plan: %v, want ErrConflict", err)
	}
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Fatal(err)
	}
	if err := f.CheckPublished("gss"); err != nil {
		t.Error(err)
	}
	put(t, f, planFile, append(bytes.Clone(plan), '\n'))
	put(t, f, targetsFile, someTargets("0.1"))
	if err := f.CheckPublished("gss"); !errors.Is(err, ErrEdited) || strings.Count(err.Error(), "is not the file") != 2 {
		t.Errorf("after it was published again: %v", err)
	}
}

// A publishing that was cut short after the sum of the plan leaves no wave, and any plan may be
// published then.
func TestPublishingCutShort(t *testing.T) {
	q, plan := definition(t)
	f := Folder(t.TempDir())
	if err := os.Mkdir(filepath.Join(string(f), "gss"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, f, planFile+sumMark, []byte(strings.Repeat("0", 64)+"  plan.yaml\n"))
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Fatal(err)
	}
	if err := f.CheckPublished("gss"); err != nil {
		t.Error(err)
	}
}

// A wave that was published before groupings needed a version and a source is read, and gets
// further versions of its questionnaire with the plan that it has; a new one does not.
func TestOldPlansAreKept(t *testing.T) {
	q, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := library.File("civic-literacy", planFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(plan), "    version: \"2026\"\n")
	_, after, found := strings.Cut(rest, "    levels:\n")
	if !ok || !found {
		t.Fatal("the plan has no grouping")
	}
	old := []byte(before + "    levels:\n" + after)
	f := Folder(t.TempDir())
	if _, err := f.Publish("gss", q, old); !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), `factor "region"`) {
		t.Errorf("publishing a new wave: %v", err)
	}
	if _, err := f.Publish("gss", q, plan); err != nil {
		t.Fatal(err)
	}
	put(t, f, planFile, old) // as an earlier program left it
	remove(t, f, planFile+sumMark)
	if _, err := f.Load("gss"); err != nil {
		t.Errorf("reading it: %v", err)
	}
	for range 2 {
		if _, err := f.Publish("gss", q, old); err != nil {
			t.Errorf("publishing it again: %v", err)
		}
	}
	if err := f.CheckPublished("gss"); err != nil {
		t.Error(err)
	}
}
