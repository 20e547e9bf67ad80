package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write writes a file of a test and returns its path.
func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is wrong with a plan is said before the wave is published, since a published plan does
// not change: names that do not exist, each with the file and the line, and published rates
// that there are none of.
func TestPublishWrongPlan(t *testing.T) {
	sound, err := os.ReadFile("../../surveys/library/civic-literacy/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir, state := t.TempDir(), t.TempDir()
	for name, c := range map[string]struct {
		old, new []string
		want     []string
	}{
		"names": {
			[]string{"answer: sex\n", "tables: [city,", "items: [C01]", "occupation == \"6\""},
			[]string{"answer: gender\n", "tables: [town,", "items: [C99]", "ocupation == \"6\""},
			[]string{`no item "gender"`, `table "town"`, `no item "C99"`, `no item "ocupation"`, "names.yaml:38: "},
		},
		"rates": {
			[]string{`code: "000000", name`, "years: [2010,"}, []string{`code: "000000", name`, "years: [2011,"},
			[]string{"rates.yaml: ", `"000000" in 2011`, "there are [2001"},
		},
		"area": {[]string{`code: "000000"`}, []string{`code: "000001"`}, []string{"area.yaml: ", `area "000001"`}},
	} {
		text := string(sound)
		for i, old := range c.old {
			if !strings.Contains(text, old) {
				t.Fatalf("the plan has no %q", old)
			}
			text = strings.Replace(text, old, c.new[i], 1)
		}
		status, out, talk := suyang(t, "publish", "w", "--plan", write(t, filepath.Join(dir, name+".yaml"), text), "--state", state)
		for _, want := range c.want {
			if status != 1 || !strings.Contains(talk, want) {
				t.Errorf("%s: status %d, %s%s\nwant %q in it", name, status, out, talk, want)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(state, "waves", "w")); err == nil {
		t.Error("a wave with a wrong plan is published")
	}
}

// The targets beside a questionnaire become those of the wave, once: an office that has edited
// its own keeps them, until it names a file. They are checked, and a target without a rate in
// the report is told of.
func TestPublishTargets(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	for _, name := range []string{"questionnaire.yaml", "plan.yaml"} {
		text, err := os.ReadFile(filepath.Join("testdata/tiny", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(text))
	}
	target := func(code, rate string) string {
		return "targets:\n  - {code: \"" + code + "\", year: 2030, rate: " + rate + ", area: A, name: {zh: 目标, en: Target}}\n"
	}
	publish := func(more ...string) (int, string) {
		status, out, talk := suyang(t, append([]string{"publish", "w", "--questionnaire", filepath.Join(dir, "questionnaire.yaml"), "--state", state}, more...)...)
		return status, out + talk
	}
	kept := func() string {
		text, _ := os.ReadFile(filepath.Join(state, "waves", "w", "targets.yaml"))
		return string(text)
	}
	beside := write(t, filepath.Join(dir, "targets.yaml"), target("male", "15"))
	if status, said := publish(); status != 1 || !strings.Contains(said, beside+":2") || !strings.Contains(said, "a share between 0 and 1") {
		t.Errorf("a target of 15: status %d, %s", status, said)
	}
	if _, err := os.Stat(filepath.Join(state, "waves", "w")); err == nil {
		t.Error("a wave with wrong targets is published")
	}
	write(t, beside, target("north", "0.15"))
	status, said := publish()
	if status != 0 || kept() != target("north", "0.15") || !strings.Contains(said, `target of "north" in 2030 is of no area and no group of the plan`) {
		t.Errorf("status %d, %s, kept %q", status, said, kept())
	}
	edited := write(t, filepath.Join(state, "waves", "w", "targets.yaml"), target("north", "0.2"))
	if status, said := publish(); status != 0 || kept() != target("north", "0.2") {
		t.Errorf("the targets that were edited in %s are replaced: status %d, %s, kept %q", edited, status, said, kept())
	}
	if status, said := publish("--targets", beside); status != 0 || kept() != target("north", "0.15") {
		t.Errorf("--targets: status %d, %s, kept %q", status, said, kept())
	}
	write(t, beside, target("330100", "0.1"))
	if status, said := publish("--targets", beside); status != 0 || strings.Contains(said, "says nothing of it") {
		t.Errorf("a target of a city of the plan: status %d, %s", status, said)
	}
	if status, said := publish("--targets", filepath.Join(dir, "none.yaml")); status != 1 || !strings.Contains(said, "none.yaml") {
		t.Errorf("targets that are not there: status %d, %s", status, said)
	}
}

// A wave without an interview has no report, of one questionnaire or of a series, and so has one
// of five people: it is said why, and nothing is written.
func TestReportOfTooFew(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	few := filepath.Join(dir, "few")
	for _, name := range []string{"gss2018_psus.csv", "gss2018_science.csv"} {
		text, err := os.ReadFile(filepath.Join(microdataFolder, name))
		if err == nil {
			err = os.MkdirAll(few, 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(text), "\n")
		if strings.Contains(name, "science") {
			lines = lines[:6]
		}
		write(t, filepath.Join(few, name), strings.Join(lines, ""))
	}
	must(t, "import", "five", few, "--state", state)
	engine, err := (&stateFlags{State: state}).openStore(t.Context()) // which the commands join
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	sample := write(t, filepath.Join(dir, "sample.csv"), "case,stratum,psu,weight,year,city,class\nc1,s,p1,10,2018,330100,urban\nc2,s,p2,10,2018,330100,rural\n")
	for wave, questionnaire := range map[string]string{"one": "civic-literacy", "series": "gss-science"} {
		must(t, "publish", wave, "--questionnaire", questionnaire, "--sample", sample, "--state", state)
		refuses(t, wave, "no interview that counts", "report", wave, "--state", state, "-o", filepath.Join(dir, "out"))
	}
	refuses(t, "five people", "5 people were interviewed, and no number of fewer than 10", "report", "five", "--format", "html,docx,xlsx,csv,json", "--state", state, "-o", filepath.Join(dir, "out"))
	refuses(t, "a release of five people", "5 people were interviewed", "release", "make", "five", "--state", state)
	refuses(t, "texts on five people", "5 people were interviewed", "texts", "five", "--state", state)
	for _, path := range []string{filepath.Join(dir, "out"), filepath.Join(state, "reports"), filepath.Join(state, "releases", "five", "1"), filepath.Join(state, "waves", "five", "findings.zh.md")} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is written", path)
		}
	}
}
