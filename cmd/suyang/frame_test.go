package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// officeFrame is a frame as an office keeps it: villages of Hangzhou in codes of 2020, some
// of them too small for a draw.
const officeFrame = `区划代码,名称,城乡分类,户数,成年人口
330106002001,北山社区,111,820,1710
330106002002,栖霞社区,111,9,20
330106002003,金祝社区,111,640,1330
330106109201,绕城村,220,402,860
330106109202,华联村,220,6400,13000
330104006051,芙蓉社区,111,910,1900
330104010002,智格社区,121,700,1500
`

// framePlan takes twelve households in each of two villages.
const framePlan = `seed: 7
frame: frame.csv
vintage: "2023"
stages:
  - {unit: village, method: pps-sampford, size: households, number: 2}
  - {unit: household, method: systematic, number: 10, reserve: {replicates: 1, each: 2}}
`

// frameFolder is a folder with the frame and the plan.
func frameFolder(t *testing.T) (at func(name string) string, keep func(name, text string)) {
	t.Helper()
	dir := t.TempDir()
	at = func(name string) string { return filepath.Join(dir, name) }
	keep = func(name, text string) {
		t.Helper()
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keep("office.csv", officeFrame)
	keep("plan.yaml", framePlan)
	return at, keep
}

func contents(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sheet writes rows of CSV into a workbook, codes as numbers.
func sheet(t *testing.T, path, text string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	f := excelize.NewFile()
	defer f.Close()
	for y, row := range rows {
		for x, v := range row {
			cell, err := excelize.CoordinatesToCellName(x+1, y+1)
			if err != nil {
				t.Fatal(err)
			}
			var value any = v
			var n int
			if _, err := fmt.Sscan(v, &n); err == nil {
				value = n
			}
			if err := f.SetCellValue("Sheet1", cell, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
}

// From the office's file to a draw: the vintage, what is to be merged, the frame, the draw.
func TestFrame(t *testing.T) {
	at, _ := frameFolder(t)
	fails := func(name, want string, args ...string) {
		t.Helper()
		if status, _, talk := suyang(t, append([]string{"frame"}, args...)...); status != 1 || !strings.Contains(talk, want) {
			t.Errorf("%s: status %d: %s; want %q", name, status, talk, want)
		}
	}
	fails("old codes", "row 7 and 1 more, column code: 330104 is no part of 3301 杭州市 in cn-zj-gd-2023; cn-zj-gd-2020 has it as 江干区", at("office.csv"), "--plan", at("plan.yaml"))
	args := []string{"frame", at("office.csv"), "--plan", at("plan.yaml"), "--vintage", "2020", "--to", "2023"}
	status, out, talk := suyang(t, append(args, "--proposal", at("proposal.csv"), "--remarks", at("remarks.csv"))...)
	if status != 0 {
		t.Fatalf("status %d: %s", status, talk)
	}
	for _, want := range []string{"330100  杭州市  rural  2      6802        13860", "330100  杭州市  urban  5      3079        6460", "all                    7      9881        20320", "7 units, vintage 2023, SHA-256 "} {
		if !strings.Contains(out, want) {
			t.Errorf("frame prints\n%s\nwithout %q", out, want)
		}
	}
	for _, want := range []string{"remark: units have fewer households than the draw takes in one: 1\n  row 3, column households: 330106002002 has 9 of 12",
		"remark: units have more households than can be listed: 1", "proposal: merge 2 units into 1, split 1"} {
		if !strings.Contains(talk, want) {
			t.Errorf("frame says\n%s\nwithout %q", talk, want)
		}
	}
	if got, want := contents(t, at("proposal.csv")), `action,code,into,parts,households,total,name,why
merge,330106002002,330106002002,,9,649,栖霞社区,fewer than 12 households
merge,330106002003,330106002002,,640,649,金祝社区,goes together with a small one
split,330106109202,,2,6400,3200,华联村,more than 5000 households
`; got != want {
		t.Errorf("the proposal is\n%s", got)
	}
	if got := contents(t, at("remarks.csv")); !strings.Contains(got, "small,3,households,330106002002 has 9 of 12\n") {
		t.Errorf("the remarks are\n%s", got)
	}
	must(t, append(args, "--merge", at("proposal.csv"), "--out", at("frame.csv"))...)
	if got, want := contents(t, at("frame.csv")), `code,name,class,class_code,households,adults,merged
330106002001,北山社区,urban,111,820,1710,
330106002002,栖霞社区＋金祝社区,urban,111,649,1350,330106002002 330106002003
330106109201,绕城村,rural,220,402,860,
330106109202,华联村,rural,220,6400,13000,
330102012001,芙蓉社区,urban,111,910,1900,
330114001003,智格社区,urban,121,700,1500,
`; got != want {
		t.Errorf("the frame is\n%s", got)
	}
	if out := must(t, "draw", at("plan.yaml"), "--out", at("draw.jsonl")); !strings.Contains(out, "20 cases and 4 in 1 replicates of the reserve, from 6 frame units") {
		t.Errorf("the draw says %s", out)
	}
}

// A workbook gives the same frame as CSV, and a draw takes it as it is.
func TestFrameOfWorkbook(t *testing.T) {
	at, keep := frameFolder(t)
	sheet(t, at("office.xlsx"), officeFrame)
	for _, name := range []string{"office.csv", "office.xlsx"} {
		must(t, "frame", at(name), "--vintage", "2020", "--out", at(name+".out"))
	}
	if a, b := contents(t, at("office.csv.out")), contents(t, at("office.xlsx.out")); a != b || a == "" {
		t.Errorf("CSV gives\n%s\nXLSX gives\n%s", a, b)
	}
	keep("plan.yaml", strings.NewReplacer("frame.csv", "office.xlsx", "2023", "2020", "number: 2}", "number: 2}", "number: 10,", "number: 4, short: all,").Replace(framePlan))
	must(t, "draw", at("plan.yaml"), "--out", at("draw.jsonl"))
	must(t, "draw", "--replay", at("draw.jsonl"))
	keep("plan.yaml", strings.Replace(framePlan, "frame.csv", "office.xlsx", 1))
	if status, _, talk := suyang(t, "draw", at("plan.yaml"), "--out", at("later.jsonl")); status != 1 || !strings.Contains(talk, "330104 is no part of") {
		t.Errorf("a draw from codes of another vintage: status %d: %s", status, talk)
	}
}

func TestFrameMistakes(t *testing.T) {
	at, keep := frameFolder(t)
	keep("villages.csv", "code,name_zh\n330106002,北山街道\n330106002001,北山社区\n")
	keep("own.csv", "from,to,below\n330106,330106,kept\n330104,330102,kept\n")
	keep("lost.csv", strings.Replace(officeFrame, "330104006051", "330104006099", 1))
	keep("merge.csv", "action,code,into\nmerge,330106002001,330106002001\nmerge,330106109201,330106002001\n")
	keep("faulty.csv", "code,households\n3.30106E+11,12\n330106002001,\n")
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"no file", "the frame is not there", []string{at("none.csv")}},
		{"rows and columns", "faulty.csv: row 3, column households: the number is not there", []string{at("faulty.csv")}},
		{"an own list", "330106002002 is no part of 330106002 北山街道 in villages", []string{at("office.csv"), "--vintage", "2020", "--list", at("villages.csv")}},
		{"no such list", "no such file", []string{at("office.csv"), "--list", at("none.csv")}},
		{"from where", "Name the vintage of its codes with --vintage", []string{at("office.csv"), "--to", "2023"}},
		{"no crosswalk", "no crosswalk from 2018 to 2023; give one with --crosswalk", []string{at("office.csv"), "--vintage", "2018", "--to", "2023"}},
		{"undecided", "undecided.csv has all 1 of them", []string{at("lost.csv"), "--vintage", "2020", "--to", "2023", "--undecided", at("undecided.csv")}},
		{"merge of two townships", "merge.csv: row 3, column into", []string{at("office.csv"), "--merge", at("merge.csv")}},
		{"written over", "would be written over", []string{at("office.csv"), "--out", at("office.csv")}},
		{"take and most", "6000 households are taken and at most 5000 listed", []string{at("office.csv"), "--take", "6000"}},
	} {
		if status, _, talk := suyang(t, append([]string{"frame"}, c.args...)...); status != 1 || !strings.Contains(talk, c.want) {
			t.Errorf("%s: status %d: %s; want %q", c.name, status, talk, c.want)
		}
	}
	if got := contents(t, at("undecided.csv")); !strings.HasPrefix(got, "from,to,below,row,name,why\n330104006099,,,7,芙蓉社区,") {
		t.Errorf("what is undecided: %s", got)
	}
	if contents(t, at("office.csv")) != officeFrame {
		t.Error("the frame itself was changed")
	}
	// An own crosswalk alone, between vintages that the program has none for.
	out := must(t, "frame", at("office.csv"), "--vintage", "2018", "--to", "2019", "--crosswalk", at("own.csv"))
	if !strings.Contains(out, "vintage 2019") {
		t.Errorf("an own crosswalk: %s", out)
	}
	// A frame without sizes has no columns of them.
	keep("codes.csv", "code\n330106002001\n")
	if out := must(t, "frame", at("codes.csv")); strings.Contains(out, "households") || !strings.Contains(out, "vintage not named") {
		t.Errorf("a frame of codes alone: %s", out)
	}
}

// The examples of the manual work in their order, and it names every flag and has the
// proposal of the tests.
func TestManualOfFrames(t *testing.T) {
	manual := contents(t, filepath.Join("..", "..", "web", "docs", "reference", "frame.md"))
	at, _ := frameFolder(t)
	_, rest, _ := strings.Cut(manual, "```sh\n")
	examples, _, _ := strings.Cut(rest, "```")
	for line := range strings.Lines(examples) {
		args := strings.Fields(strings.TrimPrefix(line, "suyang "))
		for i, a := range args {
			if strings.Contains(a, ".") {
				args[i] = at(a)
			}
		}
		must(t, args...)
	}
	if !strings.Contains(manual, "```\n"+contents(t, at("proposal.csv"))+"```") {
		t.Error("the proposal of the manual is not that of its example")
	}
	flags := reflect.TypeFor[frameCommand]()
	for i := range flags.NumField() {
		if name := strings.ToLower(flags.Field(i).Name); name != "file" && !strings.Contains(manual, "--"+name) {
			t.Errorf("the manual does not explain --%s", name)
		}
	}
}
