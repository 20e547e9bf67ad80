package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
)

const microdataFolder = "../../surveys/library/gss-science/data"

// reference is the part of the R reference numbers that the test compares. Their
// origin is in analysis/testdata/README.md.
type reference struct {
	Years map[string]struct {
		Domain struct {
			Literate   referenceNumber                       `json:"literate"`
			LiterateBy map[string]map[string]referenceNumber `json:"literate_by"`
			Score      referenceNumber                       `json:"score"`
			Items      map[string]referenceNumber            `json:"items"`
		} `json:"domain"`
	} `json:"years"`
}

type referenceNumber struct {
	Est  float64 `json:"est"`
	SE   float64 `json:"se"`
	DEff float64 `json:"deff"`
	N    int     `json:"n"`
}

// tolerance is relative; the reference has eleven digits.
const tolerance = 1e-9

// check compares an estimate with R's and counts it.
func (n referenceNumber) check(t *testing.T, what string, e analysis.Estimate) {
	t.Helper()
	for _, c := range []struct {
		name      string
		got, want float64
	}{{"value", e.Value, n.Est}, {"SE", e.SE, n.SE}, {"deff", e.DEff, n.DEff}, {"n", float64(e.N), float64(n.N)}} {
		if !(math.Abs(c.got-c.want) <= tolerance*math.Abs(c.want)) {
			t.Errorf("%s: %s = %.12g, R has %.12g", what, c.name, c.got, c.want)
		}
	}
}

// The General Social Survey goes the whole way, import, log, ClickHouse, cells, and
// comes out with the numbers that R computes from the tables.
func TestMicrodataEqualsR(t *testing.T) {
	state := t.TempDir()
	must(t, "import", "gss", microdataFolder, "--state", state)
	r := results(t, state, "gss", "")
	src, err := os.ReadFile("../../analysis/testdata/gss_reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref reference
	if err := json.Unmarshal(src, &ref); err != nil {
		t.Fatal(err)
	}
	compared := 0
	check := func(what string, want referenceNumber, got assess.Row) {
		t.Helper()
		want.check(t, what, got.Estimate)
		compared++
	}
	for s, year := range r.SeriesLevels {
		want := ref.Years[year.Code].Domain
		check(year.Code+" literate", want.Literate, r.Headline[s])
		check(year.Code+" score", want.Score, r.Score[s])
		for _, table := range r.Tables {
			for _, g := range table.Groups {
				n, ok := want.LiterateBy[table.Factor.ID][g.Code]
				if !ok {
					t.Errorf("R has no %s %s", table.Factor.ID, g.Code)
					continue
				}
				check(fmt.Sprintf("%s %s %s", year.Code, table.Factor.ID, g.Code), n, g.Rows[s])
			}
		}
		for _, item := range r.Items {
			check(year.Code+" "+item.Code, want.Items[item.Code], item.Rows[s])
		}
	}
	// Two years of: rate, score, 2 sexes, 5 degrees, 4 ages, 3 races, 9 regions, 9 items.
	if want := 2 * (2 + 2 + 5 + 4 + 3 + 9 + 9); compared != want {
		t.Errorf("compared %d estimates, want %d", compared, want)
	}
}

// results assesses a wave from the outside of the commands.
func results(t *testing.T, state, wave, weights string) *assess.Results {
	t.Helper()
	flags := &stateFlags{State: state}
	w, err := flags.waves().Load(wave)
	if err != nil {
		t.Fatal(err)
	}
	st, err := flags.openStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	r, err := assessed(t.Context(), st, w, weights, assess.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// weighings carries out plans on the wave of a demo, which has weighed it once already.
func weighings(t *testing.T, state string) {
	t.Helper()
	try := func(wantStatus int, args []string, want ...string) (out string) {
		t.Helper()
		status, out, talk := suyang(t, append(args, "--state", state)...)
		if status != wantStatus {
			t.Fatalf("%v: status %d, want %d: %s", args, status, wantStatus, talk)
		}
		for _, w := range want {
			if !strings.Contains(out+talk, w) {
				t.Errorf("%v: printed %s%s, want %q in it", args, out, talk, w)
			}
		}
		return out
	}
	weigh := func(plan string, more ...string) []string {
		return append([]string{"weigh", plan, "--wave", provinceWave}, more...)
	}
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	try(0, weigh(demoPlan), "3. Adjustment for nonresponse by class", "4. Selection of one person in the household", "stored as calibrated@1, and nothing new is")
	try(0, weigh(demoPlan, "--lang", "zh"), "按类别作无回答调整", "杭州市 × 城镇")

	const plan = "title: {zh: 权数, en: Weights}\nname: calibrated\nmargins:\n  - {factors: [residence], file: residence.csv, count: people}\nsteps:\n  - base: {}\n  - household: {}\n  - rake: {}\n"
	raked := file("weights.yaml", plan)
	try(1, weigh(raked), "residence.csv", "beside the plan")
	if err := os.WriteFile(filepath.Join(filepath.Dir(raked), "residence.csv"), []byte("residence,people\nurban,35278877\nrural,13604106\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	try(1, weigh(file("none.yaml", strings.Replace(strings.Replace(plan, "  - household: {}\n", "", 1), "file: residence.csv, count: people", `census: "330000"`, 1))), "respondents were selected among several eligible persons")
	try(0, weigh(raked, "--dry-run"), "Raking to the margins", "nothing is stored")
	try(1, []string{"report", provinceWave, "--weights", "calibrated@2"}, "there are calibrated@1")
	try(0, weigh(raked), "stored as calibrated@2")
	out := try(0, weigh(raked, "--format", "json"))
	var done struct {
		Weights string
		Stored  bool
		Record  assess.Weighting
	}
	if err := json.Unmarshal([]byte(out), &done); err != nil || done.Weights != "calibrated@2" || done.Stored || len(done.Record.Steps) != 4 || done.Record.Plan != plan {
		t.Errorf("weigh --format json: %v, %+v", err, done)
	}
	page := filepath.Join(t.TempDir(), "report.html")
	for weights, want := range map[string]string{"calibrated": "“calibrated@2” is used", "calibrated@1": "Adjustment for nonresponse by class"} {
		try(0, []string{"report", provinceWave, "--weights", weights, "--lang", "en", "-o", page})
		if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), want) {
			t.Errorf("report of %s: %v, does not say %q", weights, err, want)
		}
	}

	reportForms := filepath.Join(t.TempDir(), "forms")
	try(0, []string{"report", provinceWave, "--weights", "calibrated", "--lang", "en", "--format", "docx,xlsx,csv,json,html,csv", "-o", reportForms})
	for form, begin := range map[string]string{"docx": "PK", "xlsx": "PK", "csv": "\ufeffreport,marks,", "json": "{\n \"schema\": \"suyang-report/1\"", "html": "<!doctype html>"} {
		text, err := os.ReadFile(filepath.Join(reportForms, provinceWave+".en."+form))
		if err != nil || !strings.HasPrefix(string(text), begin) {
			t.Errorf("the report as %s begins with %.40q (%v)", form, text, err)
		}
	}
	try(1, []string{"report", provinceWave, "--format", "html,csv", "-o", page}, "several forms need a folder")
	try(1, []string{"report", provinceWave, "--format", "pdf", "--chromium", "/nowhere/chromium"}, "/nowhere/chromium is not there", "open the HTML report in any browser")

	written := try(0, []string{"weights", provinceWave, "--weights", "calibrated@1"})
	if lines := strings.Split(written, "\n"); lines[0] != "case,stratum,psu,weight" || len(lines) < 100 {
		t.Errorf("%d lines of weights, the first is %q", len(lines), lines[0])
	}
	scales := filepath.Join(t.TempDir(), "rscales.txt")
	jackknife := try(0, []string{"weights", provinceWave, "--weights", "calibrated", "--variance", "jkn", "--rscales", scales}, "scale 1, rscales in "+scales, "deviations from the full sample")
	factors, err := os.ReadFile(scales)
	if n := strings.Count(string(factors), "\n"); err != nil || n < 2 || strings.Count(strings.SplitN(jackknife, "\n", 2)[0], ",r") != n {
		t.Errorf("%d factors, %v; the weights begin %.60s", n, err, jackknife)
	}
	try(1, []string{"weights", provinceWave, "--weights", "calibrated", "--variance", "jkn", "--replicates", "20"}, "only the bootstrap has a chosen number of replicates, not jkn")
	try(0, []string{"weights", provinceWave, "--weights", "calibrated", "--variance", "bootstrap", "--replicates", "20"}, "20 replicates, scale 0.0526", "rscales all 1", "replicate mean")
	try(1, []string{"weights", provinceWave, "--weights", "calibrated@9"}, "there are calibrated@1")

	// Not converged: the record is printed, the command fails, and the name stays free.
	slow := strings.Replace(strings.Replace(plan, "name: calibrated", "name: slow", 1), "rake: {}", "rake: {max-rounds: 1, margins: [city, residence]}", 1)
	slow = strings.Replace(strings.Replace(slow, "file: residence.csv, count: people", `census: "330000"`, 1), "margins:\n", "margins:\n  - {factors: [city], census: \"330000\"}\n", 1)
	path := file("slow.yaml", slow)
	try(1, weigh(path), "still do NOT agree with the margins", "did not converge in 1 rounds", "accept: not-converged")
	try(1, []string{"report", provinceWave, "--weights", "slow"}, `weights "slow"`, "there are calibrated@1, calibrated@2")
	try(0, weigh(file("slow.yaml", "accept: not-converged\n"+slow)), "stored as slow@1")
	try(0, []string{"report", provinceWave, "--weights", "slow", "--lang", "en", "-o", page})
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "The weights did not reach all margins") {
		t.Errorf("the report does not say that the weights did not converge (%v)", err)
	}
	try(1, weigh(file("bad.yaml", strings.Replace(plan, "[residence]", "[moon]", 1))), `bad.yaml:4: invalid: there is no factor "moon"`)
	try(1, weigh("no-plan"), `the library has no weights.yaml of the name "no-plan"`)
	try(1, weigh(filepath.Join(t.TempDir(), "none.yaml")), "none.yaml")
}

// The demo with few people: real pages, weights, reports and a ledger that adds up.
func TestDemo(t *testing.T) {
	state := filepath.Join(t.TempDir(), "demo")
	status, out, talk := suyang(t, "demo", "--once", "-n", "250", "--listen", "127.0.0.1:0", "--microdata", microdataFolder, "--state", state)
	if status != 0 {
		t.Fatalf("status %d: %s", status, talk)
	}
	for _, want := range []string{"intervals of 95 % cover", "2. Adjustment for unknown eligibility", "5. Raking to the margins", "The weights agree with the margins", "stored as calibrated@1"} {
		if !strings.Contains(talk, want) {
			t.Errorf("the demo did not say %q: %s", want, talk)
		}
	}
	for _, name := range []string{"zhejiang-demo.zh", "zhejiang-demo.en", "gss.zh", "gss.en"} {
		html, err := os.ReadFile(filepath.Join(state, "reports", name+".html"))
		if err != nil {
			t.Error(err)
			continue
		}
		if outside := regexp.MustCompile(`(?i)(src|href)\s*=\s*["']?(https?:)?//`).Find(html); outside != nil {
			t.Errorf("report %s refers to the outside: %s", name, outside)
		}
		if !strings.Contains(out, name+".html") {
			t.Errorf("the demo did not print the path of %s", name)
		}
	}
	if strings.Contains(out, "http://") {
		t.Errorf("the demo has ended and printed addresses that do not answer: %s", out)
	}
	if out := must(t, "verify", "--state", state); !strings.Contains(out, "accepted") {
		t.Errorf("verify printed %q", out)
	}
	// A report that is written later knows no true values, but says what it is about.
	later := filepath.Join(t.TempDir(), "later.html")
	must(t, "report", provinceWave, "--lang", "en", "-o", later, "--state", state)
	if html, err := os.ReadFile(later); err != nil || !strings.Contains(string(html), "Simulated data") {
		t.Errorf("the report of a simulated wave does not say so (%v)", err)
	}
	bootstrapped(t, state)
	edited(t, state)
	weighings(t, state)
	// The numbers of the report depend on the seed alone.
	first := results(t, state, provinceWave, demoWeights+"@1") // the demo's own
	if first.Responded < 150 || first.Drawn <= first.Responded {
		t.Errorf("%d drawn, %d responded, want about 430 addresses and 326 interviews: every stratum has two villages at least", first.Drawn, first.Responded)
	}
	again := filepath.Join(t.TempDir(), "demo")
	must(t, "demo", "--once", "-n", "250", "--listen", "127.0.0.1:0", "--microdata", microdataFolder, "--state", again)
	second := results(t, again, provinceWave, demoWeights)
	if a, b := first.Headline[0].Estimate, second.Headline[0].Estimate; a.Value != b.Value || a.SE != b.SE {
		t.Errorf("the same seed gave %v (%v) and %v (%v)", a.Value, a.SE, b.Value, b.SE)
	}
}

// edited writes the texts of the report into a file, edits it, and makes the report of it.
func edited(t *testing.T, state string) {
	t.Helper()
	path := strings.TrimSpace(must(t, "texts", provinceWave, "--weights", demoWeights, "--state", state))
	if want := filepath.Join(state, "waves", provinceWave, "findings.zh.md"); path != want {
		t.Errorf("the texts are in %s, want %s", path, want)
	}
	drafts, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(suggestion string) {
		t.Helper()
		text := strings.Replace(string(drafts), "## suggestions\n", "## suggestions\n"+suggestion+"\n", 1)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	page := filepath.Join(t.TempDir(), "edited.html")
	report := []string{"report", provinceWave, "--weights", demoWeights, "-o", page, "--state", state}
	write("应加强农村科普，全省比例为 {rate}。")
	must(t, report...)
	html, err := os.ReadFile(page)
	if err != nil || !regexp.MustCompile(`应加强农村科普，全省比例为 \d+\.\d%。`).Match(html) {
		t.Errorf("the report lacks the edited text (%v)", err)
	}
	write("全省比例为 {rate。")
	status, _, talk := suyang(t, report...)
	if status != 1 || !strings.Contains(talk, "findings.zh.md:") || !strings.Contains(talk, "a brace is open") {
		t.Errorf("status %d, talk %q; want the line and what is wrong in it", status, talk)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if status, _, talk := suyang(t, append(report, "--texts", path)...); status != 1 || !strings.Contains(talk, "write it with: suyang texts") {
		t.Errorf("status %d, talk %q; want the way to a file of texts", status, talk)
	}
}

// bootstrapped writes a report of the demo with errors of a bootstrap, which the same
// seed repeats.
func bootstrapped(t *testing.T, state string) {
	t.Helper()
	var pages []string
	for _, seed := range []string{"7", "7", "8"} {
		path := filepath.Join(t.TempDir(), "bootstrap.html")
		must(t, "report", provinceWave, "--weights", demoWeights, "--lang", "en", "-o", path, "--state", state,
			"--variance", "bootstrap", "--replicates", "50", "--seed", seed)
		html, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range []string{"with 50 replicates, seed " + seed, "in every replicate the weights were raked again"} {
			if !strings.Contains(string(html), words) {
				t.Errorf("the report does not say %q", words)
			}
		}
		_, body, _ := strings.Cut(string(html), "<h2>") // what comes before has the time
		pages = append(pages, body)
	}
	if pages[0] != pages[1] || pages[0] == pages[2] {
		t.Errorf("seed 7 twice gives the same report: %v; seed 8 another: %v; want both", pages[0] == pages[1], pages[0] != pages[2])
	}
	status, _, talk := suyang(t, "report", provinceWave, "--weights", demoWeights, "--state", state, "--variance", "bootstrap", "--replicates", "1")
	if status == 0 || !strings.Contains(talk, "1 replicates have no spread") || !strings.Contains(talk, "variance taylor") {
		t.Errorf("status %d, talk %q; want what is wrong with one replicate", status, talk)
	}
}
