package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/report/chart"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func render(t *testing.T, r *assess.Results, lang surveys.Lang) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, built(t, r, lang, fixtureOptions), nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// built is the document of results.
func built(t *testing.T, r *assess.Results, lang surveys.Lang, opt Options) *document.Document {
	t.Helper()
	doc, err := Build(r, lang, opt)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// rows are those of all tables of a section.
func rows(s document.Section) (out []document.Row) {
	for _, b := range s.Blocks {
		if b.Table != nil {
			out = append(out, b.Table.Rows...)
		}
	}
	return out
}

func chartsOf(s document.Section) (out []*document.Chart) {
	for _, b := range s.Blocks {
		if b.Chart != nil {
			out = append(out, b.Chart)
		}
	}
	return out
}

func parsed(t *testing.T, page string) *html.Node {
	t.Helper()
	n, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// elements lists the elements with a name, in order.
func elements(n *html.Node, name string) []*html.Node {
	var out []*html.Node
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == name {
			out = append(out, d)
		}
	}
	return out
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// body is the page without the parts that are the same in every report.
func body(page string) string {
	for _, s := range scripts {
		page = strings.Replace(page, s, "SCRIPT", 1)
	}
	page = strings.Replace(page, style, "STYLE", 1)
	return regexp.MustCompile(`(?:'|&#39;)sha256-.*?(?:'|&#39;)`).ReplaceAllString(page, "HASH")
}

func TestGolden(t *testing.T) {
	for _, c := range []struct {
		name    string
		results *assess.Results
		lang    surveys.Lang
	}{
		{"single.zh", single(), surveys.ZH},
		{"single.en", single(), surveys.EN},
		{"series.zh", series(), surveys.ZH},
		{"series.en", series(), surveys.EN},
		{"full.zh", full(), surveys.ZH},
		{"full.en", full(), surveys.EN},
	} {
		t.Run(c.name, func(t *testing.T) {
			golden(t, c.name+".html", body(render(t, c.results, c.lang)))
		})
	}
}

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("it differs from %s (-want +got); run with -update and read the difference:\n%s", name, d)
	}
}

// every is a weighting with each kind of step, one of which did not converge.
func every() *assess.Weighting {
	w := *single().Weighting
	steps := slices.Clone(w.Steps)
	w.Calibration = nil
	failed := steps[2]
	failed.Converged = false
	describe := func(s weighting.Step) weighting.Step {
		s.N, s.Sum, s.Min, s.Median, s.Max, s.KishBefore, s.KishAfter, s.Converged = 3012, 3012, 0.25, 0.9, 3, 1.1, 1.2, true
		return s
	}
	w.FromFieldwork = true
	w.Steps = []weighting.Step{
		steps[0],
		describe(weighting.Step{What: "unknown eligibility", Settings: []weighting.Setting{{Name: "classes", Text: "all"}},
			Classes: []weighting.Class{{Name: "all", N: 3300, Kept: 3200, Before: 49012000, After: 49012000, Factor: 1.03}}}),
		describe(weighting.Step{What: "response propensity", Settings: []weighting.Setting{{Name: "terms", Text: "city, sex, city:sex"}, {Name: "classes", Text: "propensity"}},
			Classes: []weighting.Class{
				{Name: "class 1 of 2", N: 1600, Kept: 1400, Before: 24000000, After: 24000000, Factor: 1.15},
				{Name: "class 2 of 2", N: 1600, Kept: 1500, Before: 25012000, After: 25012000, Factor: 1.07},
			}}),
		steps[1],
		describe(weighting.Step{What: "household selection", Settings: []weighting.Setting{{Name: "most persons", Value: 3}},
			Classes: []weighting.Class{
				{Name: "1", N: 1000, Kept: 1000, Before: 8000000, After: 8000000, Factor: 1},
				{Name: "2", N: 1500, Kept: 1500, Before: 9000000, After: 18000000, Factor: 2},
				{Name: "4", N: 500, Kept: 500, Before: 7000000, After: 21000000, Factor: 3},
				{Name: "5", N: 12, Kept: 12, Before: 12000, After: 36000, Factor: 3},
			}}),
		describe(weighting.Step{What: "leave out", Classes: []weighting.Class{{Name: "nonrespondents", N: 288, Before: 4012000}}}),
		describe(weighting.Step{What: "leave out", Classes: []weighting.Class{{Name: "missing: city/sex", N: 2, Before: 31000}}}),
		describe(weighting.Step{What: "combine modes", Settings: []weighting.Setting{{Name: "modes", Text: "mode"}, {Name: "rule", Text: "composite"}, {Name: "share of web", Value: 0.4}, {Name: "share of visit", Value: 0.6}},
			Classes: []weighting.Class{{Name: "web", N: 1000, Kept: 1000, Before: 49000000, After: 19600000}, {Name: "visit", N: 2012, Kept: 2012, Before: 49000000, After: 29400000}}}),
		describe(weighting.Step{What: "collapse", Settings: []weighting.Setting{{Name: "margin", Text: "city"}, {Name: "fewest people", Value: 30}},
			Classes: []weighting.Class{{Name: "1", N: 1400, Kept: 1400, Factor: 1}, {Name: "2 + 3", Merged: []string{"2", "3"}, N: 1612, Kept: 1612, Factor: 1}}}),
		describe(weighting.Step{What: "post-stratify", Rounds: []float64{0}, Margins: []weighting.MarginFit{
			{Margin: "city", Level: "1", N: 1400, Target: 20000000, Before: 19000000, After: 20000000},
			{Margin: "city", Level: "2 + 3", N: 1612, Target: 28882983, Before: 30000000, After: 28882983},
		}}),
		failed, steps[3],
		describe(weighting.Step{What: "calibrate", Settings: []weighting.Setting{{Name: "distance", Text: "logit"}, {Name: "lower", Value: 0.5}, {Name: "upper", Value: 2}}, Rounds: []float64{0.1, 1e-13}, Margins: failed.Margins}),
		describe(weighting.Step{What: "normalise", Settings: []weighting.Setting{{Name: "sum", Value: 3012}}}),
	}
	return &w
}

func TestWeightingText(t *testing.T) {
	for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
		for name, w := range map[string]*assess.Weighting{"weighting": single().Weighting, "steps": every()} {
			var out bytes.Buffer
			if err := Weighting(&out, w, plan(), lang); err != nil {
				t.Fatal(err)
			}
			golden(t, name+"."+string(lang)+".txt", out.String())
		}
	}
	if err := Weighting(&bytes.Buffer{}, every(), plan(), "fr"); err == nil || !strings.Contains(err.Error(), `"fr"`) {
		t.Errorf("Weighting() error = %v, want one that names the language", err)
	}
}

// The whole page, with the pictures of its charts for readers without script.
func TestSameInputSameBytes(t *testing.T) {
	var pages [2]bytes.Buffer
	for i := range pages {
		doc, err := Build(full(), surveys.ZH, fixtureOptions)
		if err != nil {
			t.Fatal(err)
		}
		err = WriteHTML(&pages[i], doc, func(c *document.Chart) (string, error) {
			svg, err := chart.Drawer{}.SVG(c, surveys.ZH, chart.Paper)
			return string(svg), err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(pages[0].Bytes(), pages[1].Bytes()) {
		t.Error("two reports on the same results differ")
	}
	root := parsed(t, pages[0].String())
	if figures, pictures := len(elements(root, "figure")), len(elements(root, "svg")); figures != pictures || figures == 0 {
		t.Errorf("%d pictures for %d charts", pictures, figures)
	}
	for n := range root.Descendants() {
		if n.Data == "style" && n.Parent.Data == "svg" || attribute(n, "style") != "" {
			t.Errorf("<%s> in a picture has a style, which the content policy forbids", n.Data)
		}
	}
}

// The outcome rates of the fieldwork stand in the report. Case design_formulas-0041 to -0056 of
// the oracles (R 4.2.2): I 612, P 48, R 130, NC 95, O 21, UH 160, UO 44; with NE 555.3 e is its
// 0.62, and RR1 is 0.551, RR3 0.593, COOP1 0.755, REF1 0.117, CON1 0.731.
func TestRatesAreSaid(t *testing.T) {
	counts := fieldwork.Counts{I: 612, P: 48, R: 130, NC: 95, O: 21, UH: 160, UO: 44, NE: 555.2903225806451}
	for lang, want := range map[surveys.Lang]string{
		surveys.EN: "response rate RR1 55.1% (weighted 55.1%), RR3 59.3% (weighted 59.3%); cooperation COOP1 75.5% (75.5%), refusal REF1 11.7% (11.7%), contact CON1 73.1% (73.1%). Of those of unknown eligibility e = 62.0%",
		surveys.ZH: "应答率 RR1 55.1%（加权 55.1%），RR3 59.3%（加权 59.3%）；合作率 COOP1 75.5%（75.5%），拒访率 REF1 11.7%（11.7%），接触率 CON1 73.1%（73.1%）。资格不明者中按 e = 62.0%",
	} {
		r := single()
		r.Fieldwork = &assess.Fieldwork{Cases: counts, Weighted: counts}
		if page := render(t, r, lang); !strings.Contains(page, want) || strings.Contains(page, "AAPOR definitions.") {
			t.Errorf("%s: the report does not say %q", lang, want)
		}
	}
}

// Weights of cases that do not count any more are a remark on every estimate.
func TestStaleWeightsAreSaid(t *testing.T) {
	for lang, wants := range map[surveys.Lang][]string{
		surveys.EN: {"1,204 cases with a weight in calibrated@2 no longer count", "311 cases whose interview counts have no weight in calibrated@2"},
		surveys.ZH: {"有 1,204 个样本在权数 calibrated@2 中有权数，但已不计入", "另有 311 个样本的访问已计入，但在权数 calibrated@2 中没有权数"},
	} {
		for _, want := range wants {
			r := single()
			if strings.Contains(render(t, r, lang), want) {
				t.Errorf("%s: the report says so without the note", lang)
			}
			e := &r.Tables[0].Groups[0].Rows[0].Estimate
			e.Notes = append(slices.Clip(e.Notes), assess.StaleNotes("calibrated@2", 1204, 311)...)
			if !strings.Contains(render(t, r, lang), want) {
				t.Errorf("%s: the report does not say %q", lang, want)
			}
		}
	}
}

// Interviews that the set of weights leaves out are not left out in silence.
func TestInterviewsWithoutAWeight(t *testing.T) {
	const said = "Of the 3,012 interviews, 12 have no weight in this set"
	for n, want := range map[int]bool{3000: true, 3012: false} {
		r := single()
		r.Weighting.Steps[len(r.Weighting.Steps)-1].N = n
		if got := strings.Contains(render(t, r, surveys.EN), said); got != want {
			t.Errorf("%d weights for 3,012 interviews: the report says so: %v, want %v", n, got, want)
		}
	}
}

// The method box says in words and by formula where the errors come from.
func TestMethodSaysTheVariance(t *testing.T) {
	jackknife := assess.Variance{Method: assess.JKn, Replicates: 132}
	bootstrap := assess.Variance{Method: assess.Bootstrap, Replicates: 1000, Seed: 20261125}
	for _, c := range []struct {
		lang       surveys.Lang
		variance   assess.Variance
		calibrated bool
		want       []string
	}{
		{surveys.EN, assess.Variance{}, true, []string{"linearised (Taylor)", "residual from a regression on the margins", "V̂(p̂) = Σₕ"}},
		{surveys.EN, jackknife, true, []string{"stratified jackknife (JKn)", "132 times in all", "in every replicate the weights were raked again", "V̂(θ̂) = Σₕ", "No stratum has a single", "rank of the replicates"}},
		{surveys.EN, bootstrap, true, []string{"with 1,000 replicates, seed 20261125", "in every replicate the weights were raked again", "V̂(θ̂) = [1 ∕ (R"}},
		{surveys.EN, bootstrap, false, []string{"seed 20261125", "The weights are taken as given"}},
		{surveys.ZH, jackknife, true, []string{"分层刀切法（JKn）", "共 132 次", "在每个重复样本中，权数都重新迭代调整"}},
		{surveys.ZH, bootstrap, true, []string{"共 1,000 个重复样本，随机种子 20261125", "在每个重复样本中，权数都重新迭代调整"}},
	} {
		r := single()
		r.Variance, r.Calibrated = c.variance, c.calibrated
		got := render(t, r, c.lang)
		for _, words := range c.want {
			if !strings.Contains(got, words) {
				t.Errorf("%s, %+v: the report does not say %q", c.lang, c.variance, words)
			}
		}
		if says := strings.Contains(got, "raked again"); c.lang == surveys.EN && says != (c.calibrated && c.variance.Method != "") {
			t.Errorf("%+v, calibrated %v: the report says that raking was repeated: %v", c.variance, c.calibrated, says)
		}
	}
}

func TestUnknownLanguage(t *testing.T) {
	err := HTML(&bytes.Buffer{}, single(), "fr", fixtureOptions)
	if err == nil || !strings.Contains(err.Error(), `"fr"`) {
		t.Errorf("HTML() error = %v, want one that names the language", err)
	}
}

const attack = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'&{{.}}`

// hostile puts the attack in front of every text of the results.
func hostile() *assess.Results {
	r := single()
	poison := func(t surveys.Text) {
		for l := range t {
			t[l] = attack + t[l]
		}
	}
	q := r.Questionnaire
	poison(q.Title)
	poison(q.Statutory.Issuer)
	poison(q.Statutory.Approval)
	q.Statutory.FormNumber, q.Statutory.ValidUntil, q.Edition = attack, attack, attack
	c := q.Criterion
	poison(c.Name)
	poison(c.Lowest)
	for i := range c.Dimensions {
		poison(c.Dimensions[i].Name)
	}
	for i := range c.Levels {
		poison(c.Levels[i].Name)
	}
	p := r.Plan
	poison(p.Title)
	for _, t := range []surveys.Text{p.Method.Population, p.Method.Design, p.Method.Fieldwork, p.Method.Weighting} {
		poison(t)
	}
	for i := range p.Factors {
		poison(p.Factors[i].Title)
	}
	all := [][]assess.Group{r.Levels, r.Bands, r.Dimensions, r.Items}
	for i := range r.Tables {
		all = append(all, r.Tables[i].Groups)
	}
	for _, gs := range all {
		for _, g := range gs {
			poison(g.Name)
		}
	}
	r.Wave, r.Weighting.Name = attack, attack
	poison(r.Weighting.Title)
	r.Weighting.Steps[1].Classes[2].Name, r.Weighting.Steps[1].Settings[1].Name = attack, attack
	r.Tables[1].Groups[0].Rows[0].Estimate.Notes[0].Subject = attack
	return r
}

func TestHostileTextsStayText(t *testing.T) {
	for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
		page := render(t, hostile(), lang)
		root := parsed(t, page)
		charts := 0
		for _, s := range elements(root, "script") {
			if attribute(s, "type") == "application/json" {
				charts++
				if strings.ContainsAny(s.FirstChild.Data, "<>&") {
					t.Errorf("%s: chart data with a character that HTML gives a meaning", lang)
				}
			}
		}
		if got := len(elements(root, "script")) - charts; got != len(scripts) {
			t.Errorf("%s: %d scripts that run, want ours, %d", lang, got, len(scripts))
		}
		if want := len(elements(root, "figure")); charts != want || want == 0 {
			t.Errorf("%s: %d chart data for %d figures", lang, charts, want)
		}
		if n := len(elements(root, "img")); n != 0 {
			t.Errorf("%s: %d images came out of the texts", lang, n)
		}
		if !strings.Contains(page, "&lt;img src=x") {
			t.Errorf("%s: the attack is not in the page at all", lang)
		}
	}
}

// Every element with an address or an inline style would be a hole in the promise that
// a report asks nothing of anybody.
func TestNothingFromOutside(t *testing.T) {
	for n := range parsed(t, render(t, single(), surveys.ZH)).Descendants() {
		for _, a := range n.Attr {
			switch {
			case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
				t.Errorf("<%s> has the attribute %s, which the content policy forbids", n.Data, a.Key)
			case a.Key == "src" || a.Key == "href" && !strings.HasPrefix(a.Val, "#"):
				t.Errorf("<%s> points to %q", n.Data, a.Val)
			}
		}
	}
	if got := CSP(); strings.Contains(got, "unsafe") || !strings.HasPrefix(got, "default-src 'none'") {
		t.Errorf("CSP() = %q", got)
	}
}

// The numbers of every chart also stand in a table of the same section, and the chart says
// in words what it is and on how many interviews it rests.
func TestEveryChartHasItsTable(t *testing.T) {
	for name, r := range map[string]*assess.Results{"single": single(), "series": series(), "full": full()} {
		doc := built(t, r, surveys.EN, fixtureOptions)
		charts := 0
		for _, s := range doc.Sections {
			var texts []string
			for _, row := range rows(s) {
				for _, c := range row.Cells {
					texts = append(texts, c.Text)
				}
			}
			for _, c := range chartsOf(s) {
				charts++
				if !strings.Contains(c.Alt, "3,012") {
					t.Errorf("%s: chart %s does not say on how many interviews it rests: %q", name, c.ID, c.Alt)
				}
				for _, series := range c.Series {
					for _, p := range series.Points {
						if p.Label != "" && !series.Truth && c.Kind != document.Trend && !slices.ContainsFunc(texts, func(text string) bool { return strings.HasPrefix(text, p.Label) }) {
							t.Errorf("%s: %s of chart %s stands in no table beside it", name, p.Label, c.ID)
						}
					}
				}
			}
		}
		if charts < 6 { // bands, city, sex, dimensions, two of items
			t.Errorf("%s: %d charts", name, charts)
		}
		root := parsed(t, render(t, r, surveys.EN))
		if n := len(elements(root, "figure")); n != charts {
			t.Errorf("%s: the page has %d charts of %d", name, n, charts)
		}
		for _, f := range elements(root, "figure") {
			box := f.FirstChild
			for box != nil && attribute(box, "class") != "chart" {
				box = box.NextSibling
			}
			if box == nil || attribute(box, "role") != "img" || attribute(box, "aria-label") == "" {
				t.Errorf("%s: a chart does not say what it is", name)
			}
		}
	}
}

func TestTablesAreAccessible(t *testing.T) {
	root := parsed(t, render(t, full(), surveys.EN))
	ids := map[string]bool{}
	for n := range root.Descendants() {
		if id := attribute(n, "id"); id != "" {
			if ids[id] {
				t.Errorf("the ID %q stands there twice", id)
			}
			ids[id] = true
		}
	}
	for _, table := range elements(root, "table") {
		if len(elements(table, "caption")) != 1 {
			t.Error("a table has no caption")
		}
		for _, th := range elements(table, "th") {
			if attribute(th, "scope") == "" {
				t.Error("a heading does not say what it is the heading of")
			}
		}
		box := table.Parent
		if attribute(box, "tabindex") != "0" || !ids[attribute(box, "aria-labelledby")] {
			t.Error("the scrolling box of a table cannot be reached by keyboard, or has no name")
		}
	}
}

// Base weights answer for the people drawn, not for those who did not respond.
func TestBaseWeightsSayThatNonresponseStays(t *testing.T) {
	const said = "They do not make up for those who were drawn and not interviewed"
	r := single()
	for _, c := range []struct {
		name    string
		weights *assess.Weighting
		drawn   int
		want    bool
	}{
		{"adjusted weights", r.Weighting, r.Responded + 1, false},
		{"base weights", nil, r.Responded + 1, true},
		{"everybody responded", nil, r.Responded, false},
	} {
		r.Weighting, r.Drawn = c.weights, c.drawn
		if got := strings.Contains(render(t, r, surveys.EN), said); got != c.want {
			t.Errorf("%s: says that nonresponse stays: %v, want %v", c.name, got, c.want)
		}
	}
}

// A remark stands under the table once, however many rows have it, and its number
// stands at each of them.
func TestRemarks(t *testing.T) {
	r := single()
	r.Tables[0].Groups[1].Rows[0].Estimate.Notes = r.Tables[0].Groups[2].Rows[0].Estimate.Notes[:1]
	got := newBuilder(r, surveys.EN, fixtureOptions).estimateTable(estimated{groups: r.Tables[0].Groups})
	want := []string{
		"Fewer than 30 respondents: not a reliable estimate.",
		"The interval is wide: read it as a rough range.",
		"Nobody interviewed belongs to this group.",
	}
	if d := cmp.Diff(want, got.Notes); d != "" {
		t.Error("remarks (-want +got):", d)
	}
	for i, want := range [][]int{nil, {1}, {1, 2}, {3}} {
		if d := cmp.Diff(want, got.Rows[i].Cells[0].Notes); d != "" {
			t.Errorf("row %d (-want +got): %s", i, d)
		}
	}
}

func TestWordsAreCompleteAndUsed(t *testing.T) {
	var source strings.Builder
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(b)
	}
	source.WriteString(asset("pages/report/report.html"))
	// Keys that end in a code of another package are put together in the program.
	composed := []string{"rule.", "rule.unasked.", "method.error.words.", "method.error.where.", "method.error.lone.", "method.error.df.", "assume.", "note.", "levels.from.",
		"step.", "step.setting.", "given.", "method.weighting.unscored.", "method.error.formula.", "note.withheld.", "verdict.", "fact.target.", "topic.", "criterion.", "survey.", "certainty.",
		"method.disclosure.", "method.disclosure.rule."}
	blanks := regexp.MustCompile(`\{[a-z]+\}`)
	for key, zh := range texts[surveys.ZH] {
		en, ok := texts[surveys.EN][key]
		if !ok || zh == "" || en == "" {
			t.Errorf("%s: zh %q, en %q", key, zh, en)
		}
		used := strings.Contains(source.String(), `"`+key+`"`)
		for _, prefix := range composed {
			used = used || strings.HasPrefix(key, prefix) && strings.Contains(source.String(), `"`+prefix+`"`)
		}
		if !used {
			t.Errorf("nothing says %s", key)
		}
		for _, b := range blanks.FindAllString(zh, -1) {
			if !strings.Contains(en, b) && key != "date" {
				t.Errorf("%s: the English text has no %s", key, b)
			}
		}
	}
	if z, e := len(texts[surveys.ZH]), len(texts[surveys.EN]); z != e {
		t.Errorf("%d Chinese and %d English texts", z, e)
	}
}

func TestSayFillsBlanksOnce(t *testing.T) {
	w := words{"k": "{a} and {b}"}
	if got := w.say("k", "a", "{b}", "b", "two"); got != "{b} and two" {
		t.Errorf("say() = %q", got)
	}
}
