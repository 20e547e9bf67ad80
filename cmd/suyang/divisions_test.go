package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys/form"
	"github.com/suyang-survey/suyang/surveys/library"
)

// authored is a folder with a questionnaire that asks for a region of a code list, and
// with that list.
func authored(t *testing.T, list, level, csv string) string {
	t.Helper()
	dir := t.TempDir()
	plan, err := library.FS.ReadFile("gss-science/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	src := bytes.Replace(sound(t), []byte("    items:\n"), []byte(
		"    items:\n      - {id: town, type: region, text: {zh: \"哪个镇？\", en: \"Town?\"}, division: {list: "+list+", level: "+level+"}}\n"), 1)
	for name, b := range map[string][]byte{"questionnaire.yaml": src, "plan.yaml": plan, "dg-2023.csv": []byte(csv)} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "questionnaire.yaml")
}

const dongguan = "code,name_zh,name_en\n4419,东莞市,Dongguan\n441900003,东城街道,Dongcheng\n"

// A wave keeps the code lists of its questionnaire, so it can be served when the author's
// files are gone; a list that answers refer to is not replaced by another of its name.
func TestOwnCodeList(t *testing.T) {
	f := stateFlags{State: filepath.Join(t.TempDir(), "state")}
	mine := authored(t, "dg-2023", "township", dongguan)
	must(t, "publish", "dg", "--questionnaire", mine, "--state", f.State)
	must(t, "publish", "zj", "--questionnaire", authored(t, "cn-zj-gd-2023", "county", dongguan), "--state", f.State)
	if err := os.RemoveAll(filepath.Dir(mine)); err != nil {
		t.Fatal(err)
	}
	for wave, tops := range map[string]int{"dg": 1, "zj": 34} {
		w, err := f.waves().Load(wave)
		if err != nil {
			t.Fatal(err)
		}
		served, err := f.serve(w, &intake.Waves{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := served.Form.Start(form.Start{})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range s.State().Page.Items {
			if it.Key == "town" && (len(it.Steps) != 1 || len(it.Steps[0].Parts) != tops) {
				t.Errorf("%s: town offers %+v", wave, it.Steps)
			}
		}
	}
	must(t, "publish", "dg2", "--questionnaire", authored(t, "dg-2023", "township", dongguan), "--state", f.State)
	status, _, talk := suyang(t, "publish", "dg3", "--questionnaire", authored(t, "dg-2023", "township", dongguan+"441900004,南城街道,Nancheng\n"), "--state", f.State)
	if status == 0 || !strings.Contains(talk, "another code list dg-2023; give the changed one another vintage") {
		t.Errorf("a changed list: status %d, %q", status, talk)
	}
	if err := os.Remove(f.listPath("dg-2023")); err != nil {
		t.Fatal(err)
	}
	w, err := f.waves().Load("dg")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.serve(w, &intake.Waves{}); err == nil || !strings.Contains(err.Error(), "the code list dg-2023 of a published questionnaire is gone") {
		t.Errorf("without the list: %v", err)
	}
}
