package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/web"
)

// drawFolder has a frame of two cities and a plan.
func drawFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var frame strings.Builder
	frame.WriteString("code,name,class,households,adults\n")
	for c := range 40 {
		fmt.Fprintf(&frame, "33%02d%02d%03d001,v,%s,%d,%d\n", c%2+1, c%8+1, c+1, []string{"urban", "rural"}[c/20], 30+c, 70+2*c)
	}
	keep := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keep("frame.csv", frame.String())
	keep("plan.yaml", `seed: 20261125
frame: frame.csv
strata: [city, class]
allocation: {total: 12, rule: root, size: adults, least: 2}
stages:
  - {unit: village, method: pps-sampford, size: households}
  - {unit: household, method: systematic, number: 5, reserve: {replicates: 1, each: 2}}
`)
	return dir
}

// From a plan to a draw, its replay, the sample file and a wave.
func TestDraw(t *testing.T) {
	dir := drawFolder(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	out := must(t, "draw", at("plan.yaml"), "--out", at("draw.jsonl"), "--sample", at("sample.csv"))
	if !strings.Contains(out, "60 cases and 24 in 1 replicates of the reserve, from 40 frame units of frame.csv; seed 20261125") {
		t.Errorf("draw says %s", out)
	}
	out = must(t, "draw", "--replay", at("draw.jsonl"), "--out", at("again.jsonl"), "--release", "1", "--sample", at("released.csv"))
	if !strings.Contains(out, "byte for byte") {
		t.Errorf("the replay says %s", out)
	}
	for _, name := range []string{"frame.csv", "draw.jsonl"} {
		if status, _, talk := suyang(t, "draw", "--replay", at("draw.jsonl"), "--frame", at("frame.csv"), "--sample", at(name)); status == 0 || !strings.Contains(talk, "take the place") {
			t.Errorf("the sample in the place of %s: status %d, %s", name, status, talk)
		}
	}
	if status, _, talk := suyang(t, "draw", at("plan.yaml"), "--out", at("again.jsonl"), "--sample", at("plan.yaml")); status == 0 || !strings.Contains(talk, "take the place") {
		t.Errorf("the sample in the place of the plan: status %d, %s", status, talk)
	}
	first, err := os.ReadFile(at("draw.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(at("again.jsonl"))
	if err != nil || string(again) != string(first) {
		t.Errorf("the replay wrote other bytes (%v)", err)
	}
	for name, n := range map[string]int{"sample.csv": 60, "released.csv": 84} {
		src, err := os.Open(at(name))
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		cases, err := fieldwork.ReadSample(name, src)
		if err != nil || len(cases) != n {
			t.Errorf("%s has %d cases, %v; want %d", name, len(cases), err, n)
		}
		// Every stratum draws villages with probability proportional to households and the
		// same number in each, so that all cases of a stratum have the same weight.
		weights := map[string]float64{}
		for _, c := range cases {
			if w := weights[c.Stratum]; w != 0 && (c.Weight/w > 1+1e-9 || c.Weight/w < 1-1e-9) {
				t.Errorf("%s, stratum %s: weights %v and %v", name, c.Stratum, w, c.Weight)
			}
			weights[c.Stratum] = c.Weight
		}
	}
	if out := must(t, "publish", "w", "--sample", at("sample.csv"), "--state", at("state")); !strings.Contains(out, "60 cases") {
		t.Errorf("publish says %q", out)
	}
}

func TestDrawMistakes(t *testing.T) {
	dir := drawFolder(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, "draw", at("plan.yaml"), "--out", at("draw.jsonl"))
	replace := func(name, from, to string) {
		b, err := os.ReadFile(at(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(name), []byte(strings.Replace(string(b), from, to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fails := func(name, want string, args ...string) {
		t.Helper()
		if status, _, talk := suyang(t, append([]string{"draw"}, args...)...); status == 0 || !strings.Contains(talk, want) {
			t.Errorf("%s: status %d: %s; want %q", name, status, talk, want)
		}
	}
	fails("nothing to do", "give the plan")
	fails("no file for the draw", "--out", at("plan.yaml"))
	fails("no frame", "name it with --frame", at("plan.yaml"), "--out", at("x"), "--frame", at("none.csv"))
	fails("no such replicate", "2 replicates are to be released", at("plan.yaml"), "--out", at("x"), "--release", "2")
	replace("plan.yaml", "seed: 20261125", "seed: 2")
	fails("another draw in its place", "a draw is kept", at("plan.yaml"), "--out", at("draw.jsonl"))
	replace("plan.yaml", "number: 5", "number: 50")
	fails("too many", "stage household: the plan asks for 52 (50 and a reserve of 2) of", at("plan.yaml"), "--out", at("x"))
	replace("frame.csv", "urban", "rural")
	fails("another frame", "the frame has changed", "--replay", at("draw.jsonl"))
	replace("draw.jsonl", `"Replicate":0`, `"Replicate":1`)
	fails("another file", "changed or cut short", "--replay", at("draw.jsonl"))
}

// The words of the planner, in both languages, for the eleven cities of a province with
// 1,200 interviews each; read the diff of the golden files before you commit them.
func TestPrecision(t *testing.T) {
	dir := t.TempDir()
	var equal strings.Builder
	equal.WriteString("city,name,people\n")
	for i, n := range []string{"杭州", "宁波", "温州", "嘉兴", "湖州", "绍兴", "金华", "衢州", "舟山", "台州", "丽水"} {
		fmt.Fprintf(&equal, "33%02d00,%s,%d\n", i+1, n, 1200-100*i)
	}
	for name, text := range map[string]string{"equal": equal.String(), "partly": "city,rate\na,0.1\nb,0.13\nc,0.3\n", "supported": "city,rate\na,0.1\nb,0.2\nc,0.3\n", "one": "city\na\n"} {
		file := filepath.Join(dir, name+".csv")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, lang := range []string{"zh", "en"} {
			out := must(t, "precision", file, "--cases", "1500", "--rate", "0.1353", "--response", "0.8", "--cost", "100", "--lang", lang)
			golden := filepath.Join("testdata", "precision", name+"."+lang+".golden")
			if *updateBank {
				if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), out); d != "" {
				t.Errorf("%s in %s: -golden +printed:\n%s", name, lang, d)
			}
		}
	}
	var p fieldwork.Precision
	out := must(t, "precision", filepath.Join(dir, "equal.csv"), "--cases", "13200", "--rule", "root", "--least", "1000", "--rate", "0.1353", "--format", "json")
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatal(err)
	}
	if p.Cases != 13200 || p.Cities[10].Cases != 1000 || p.Cities[0].Cases <= p.Cities[1].Cases || p.Ranking.Verdict != fieldwork.RankingUnsupported {
		t.Errorf("the planner gives %+v", p)
	}
	if status, _, talk := suyang(t, "precision", filepath.Join(dir, "equal.csv"), "--cases", "100"); status == 0 || !strings.Contains(talk, "the proportion is 0") {
		t.Errorf("without a rate: status %d: %s", status, talk)
	}
}

// Both languages have the same words.
func TestWordsOfPrecision(t *testing.T) {
	keys := map[string][]string{}
	for _, lang := range []string{"zh", "en"} {
		src, err := web.PrecisionText.ReadFile("text/precision." + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var words map[string]string
		if err := json.Unmarshal(src, &words); err != nil {
			t.Fatal(err)
		}
		keys[lang] = slices.Sorted(maps.Keys(words))
	}
	if d := cmp.Diff(keys["zh"], keys["en"]); d != "" {
		t.Errorf("keys (-zh +en):\n%s", d)
	}
}
