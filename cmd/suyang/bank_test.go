package main

import (
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys/bank"
	"github.com/suyang-survey/suyang/web"
)

var updateBank = flag.Bool("update-bank", false, "rewrite the golden files of the commands about banks")

const sums = "../../surveys/bank/testdata/"

// What a bank covers and what cannot be met, in both languages; read the diff of the
// golden files before you commit them.
func TestBankCheck(t *testing.T) {
	impossible := filepath.Join(t.TempDir(), "impossible.yaml")
	if err := os.WriteFile(impossible, []byte(`kind: spiral
booklets: 3
linking: [K01, K02]
max_exposure: 1
dimensions: [{id: knowledge, items: 12}, {id: method, items: 3}]
coverage: [{benchmark: [7], least: 2}, {dimension: method, key: "1", least: 4}]
difficulty: [{dimension: method, least: 0.9, most: 1}]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"zh", "en"} {
		for _, c := range []struct {
			name   string
			args   []string
			status int
		}{
			{"met", []string{"--blueprint", sums + "blueprint.yaml", "--questionnaire", sums + "questionnaire.yaml"}, 0},
			{"unmet", []string{"--blueprint", impossible}, 1},
		} {
			t.Run(c.name+" "+lang, func(t *testing.T) {
				status, out, talk := suyang(t, append([]string{"bank", "check", sums + "bank.yaml", "--lang", lang}, c.args...)...)
				if status != c.status {
					t.Fatalf("status %d, want %d: %s", status, c.status, talk)
				}
				golden := filepath.Join("testdata", "bank", c.name+"."+lang+".golden")
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
					t.Errorf("-golden +printed:\n%s", d)
				}
			})
		}
	}
}

// Every kind of shortfall has words in both languages.
func TestShortfallsHaveWords(t *testing.T) {
	keys := func(lang string) []string {
		src, err := web.BankText.ReadFile("text/bank." + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var words map[string]string
		if err := json.Unmarshal(src, &words); err != nil {
			t.Fatal(err)
		}
		return slices.Sorted(maps.Keys(words))
	}
	zh := keys("zh")
	if d := cmp.Diff(zh, keys("en")); d != "" {
		t.Errorf("keys (-zh +en):\n%s", d)
	}
	for _, code := range []bank.ShortfallCode{bank.ShortItems, bank.ShortDivision, bank.ShortLinks, bank.ShortLeast, bank.ShortRoom,
		bank.ShortMost, bank.ShortSum, bank.ShortEasy, bank.ShortHard, bank.ShortEnemies, bank.ShortNotFound} {
		if !slices.Contains(zh, "short."+string(code)) {
			t.Errorf("no words for shortfall %q", code)
		}
	}
}

// From a bank to the links of a wave: assemble, lint, allocate, publish.
func TestBookletsFromBankToWave(t *testing.T) {
	dir := t.TempDir()
	complete := filepath.Join(dir, "complete.yaml")
	must(t, "bank", "assemble", sums+"questionnaire.yaml", "-o", complete)
	linted := must(t, "lint", complete)
	version := func(out string) string { _, v, _ := strings.Cut(out, "version "); return strings.Fields(v)[0] }
	if beside := must(t, "lint", sums+"questionnaire.yaml"); version(linted) != version(beside) {
		t.Errorf("the questionnaire beside its bank and the complete one differ:\n%s%s", beside, linted)
	}

	var sample strings.Builder
	fmt.Fprintln(&sample, "case,stratum,psu,p1,p2,city")
	for i := range 70 {
		fmt.Fprintf(&sample, "c%02d,s%d,u%d,0.5,0.1,330100\n", i, i%2, i/5)
	}
	bare, given := filepath.Join(dir, "bare.csv"), filepath.Join(dir, "given.csv")
	if err := os.WriteFile(bare, []byte(sample.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out := must(t, "bank", "allocate", bare, "--questionnaire", complete, "--seed", "5")
	if again := must(t, "bank", "allocate", bare, "--questionnaire", complete, "--seed", "5"); again != out {
		t.Error("the same seed gives other booklets")
	}
	if err := os.WriteFile(given, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, row := range rows[1:] {
		counts[row[1]+row[6]]++
	}
	for key, n := range counts { // 35 cases in each stratum, seven booklets
		if n != 5 {
			t.Errorf("stratum and booklet %s: %d cases, want 5", key, n)
		}
	}

	plan := filepath.Join(dir, "plan.yaml")
	if err := os.WriteFile(plan, []byte(`title: {zh: 计划, en: Plan}
factors: [{id: age, title: {zh: 年龄, en: Age}, answer: age, levels: [{code: all, name: {zh: 全部, en: All}, min: 0}]}]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(dir, "state")
	status, _, talk := suyang(t, "publish", "w", "--questionnaire", complete, "--sample", bare, "--state", state)
	if status == 0 || !strings.Contains(talk, `case "c00" has no booklet`) {
		t.Errorf("publish without booklets: status %d: %s", status, talk)
	}
	if out := must(t, "publish", "w", "--questionnaire", complete, "--sample", given, "--state", state); !strings.Contains(out, "70 cases") {
		t.Errorf("publish says %q", out)
	}
	if status, _, talk := suyang(t, "bank", "allocate", given, "--questionnaire", complete, "--seed", "5"); status == 0 || !strings.Contains(talk, "column booklet already") {
		t.Errorf("allocating twice: status %d: %s", status, talk)
	}
}
