package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys/library"
)

// The library is listed, and written out as it is; what is there is not overwritten.
func TestLibrary(t *testing.T) {
	list := must(t, "library")
	for _, line := range []string{"civic-literacy-guangdong: plan.yaml, targets.yaml, weights.yaml\n", "gss-science: import.yaml, plan.yaml, questionnaire.yaml\n"} {
		if !strings.Contains(list, line) {
			t.Errorf("the list lacks %q: %s", line, list)
		}
	}
	folder := filepath.Join(t.TempDir(), "new", "gd")
	must(t, "library", "civic-literacy-guangdong", "-o", folder)
	for _, name := range []string{"plan.yaml", "weights.yaml", "targets.yaml"} {
		want, err := library.File("civic-literacy-guangdong", name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(got) != string(want) {
			t.Errorf("%s is not that of the library (%v)", name, err)
		}
	}
	changed := filepath.Join(folder, "plan.yaml")
	if err := os.WriteFile(changed, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, talk := suyang(t, "library", "civic-literacy-guangdong", "-o", folder); status == 0 || !strings.Contains(talk, "name another folder with -o") {
		t.Errorf("over a file that is there: status %d, %s", status, talk)
	}
	if got, err := os.ReadFile(changed); err != nil || string(got) != "mine" {
		t.Errorf("the changed plan is %q (%v)", got, err)
	}
	for _, args := range [][]string{{"library", "nowhere"}, {"library", "census2020"}, {"publish", "w", "--plan", "nowhere"}} {
		if status, _, talk := suyang(t, args...); status == 0 || !strings.Contains(talk, `"`+args[len(args)-1]+`"`) || !strings.Contains(talk, "civic-literacy-guangdong") {
			t.Errorf("suyang %v: status %d, %s", args, status, talk)
		}
	}
}

// The page of the manual on how a province begins can be followed to the letter, from the
// shipped plan to a wave with its cases at the desk; only the frame is made here, and smaller.
func TestProvinceBegins(t *testing.T) {
	page, err := os.ReadFile("../../web/docs/howto/new-province.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	done := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		for _, line := range strings.Split(strings.TrimSpace(block[1]), "\n") {
			fields := strings.Fields(line)
			if slices.Contains([]string{"weigh", "texts", "report"}, fields[1]) {
				continue // nobody has answered yet
			}
			must(t, fields[1:]...)
			if done[fields[1]] = true; fields[1] == "library" {
				beginFrame(t, string(page))
			}
		}
	}
	for _, command := range []string{"library", "frame", "draw", "publish", "account"} {
		if !done[command] {
			t.Errorf("the page does not say suyang %s", command)
		}
	}
	w, err := (&stateFlags{State: "suyang-state"}).waves().Load("gd-2026")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(w.Plan.Factor("city").Levels); got != 21 || w.Plan.Area.Code != "440000" {
		t.Errorf("the plan of the wave has %d cities, of %s", got, w.Plan.Area.Code)
	}
	targets, err := (&stateFlags{State: "suyang-state"}).waves().Targets("gd-2026", w.Questionnaire)
	if err != nil || len(targets) != 2 {
		t.Errorf("the targets are %v (%v)", targets, err)
	}
	if status, _, talk := suyang(t, "publish", "gd-zj", "--plan", "civic-literacy", "--draw", "gd/draw.jsonl"); status == 0 || !strings.Contains(talk, `factor "city"`) {
		t.Errorf("the Zhejiang plan for a sample of Guangdong: status %d, %s", status, talk)
	}
}

// beginFrame writes a frame of all cities of Guangdong, and the plan of the draw of the manual
// with fewer villages.
func beginFrame(t *testing.T, page string) {
	t.Helper()
	var frame strings.Builder
	frame.WriteString("code,name,class,households,adults\n")
	counties := map[string]string{"4401": "06", "4402": "03", "4403": "03", "4404": "02", "4405": "07", "4406": "04", "4407": "03", "4408": "02", "4409": "02", "4412": "02", "4413": "02",
		"4414": "02", "4415": "02", "4416": "02", "4417": "02", "4418": "02", "4419": "00", "4420": "00", "4451": "02", "4452": "02", "4453": "02"}
	for city, county := range counties {
		for i, class := range []string{"111", "111", "111", "220", "220"} {
			fmt.Fprintf(&frame, "%s%s%03d001,第 %d 村,%s,%d,%d\n", city, county, 1+i, i, class, 200+10*i, 500+20*i)
		}
	}
	plan := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(page)[1]
	smaller := strings.Replace(plan, "total: 480", "total: 84", 1)
	if smaller == plan {
		t.Fatal("the draw of the page is not of 480 villages")
	}
	for name, text := range map[string]string{"gd/frame.csv": frame.String(), "gd/draw.yaml": smaller} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
