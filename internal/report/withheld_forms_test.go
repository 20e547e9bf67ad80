package report_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/xuri/excelize/v2"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/report/chart"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/output"
	"github.com/suyang-survey/suyang/internal/report/pdf"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// wave makes the results of a wave of the library's questionnaire with this many people in each
// city, in the order of the plan, and a few of the plan's tables; a city beyond has nobody.
func wave(t *testing.T, people ...int) *assess.Results {
	t.Helper()
	q, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	src, err := fs.ReadFile(library.FS, "civic-literacy/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := assess.ReadPlan("plan.yaml", src, q)
	if err != nil {
		t.Fatal(err)
	}
	p.Tables, p.Crossings, p.Compare = []string{"city", "sex", "education"}, p.Crossings[:1], nil
	p.Topics = slices.DeleteFunc(p.Topics, func(x assess.Topic) bool { return x.ID != "facilities" && x.ID != "trust" })
	rng := rand.New(rand.NewPCG(60, 1))
	m := &assess.Memory{Wave: "w"}
	for c, n := range people {
		for i := range n {
			k := fieldwork.Case{
				ID: fmt.Sprintf("c%02d-%04d", c, i), Stratum: fmt.Sprint("s", c/3), PSU: fmt.Sprintf("p%02d-%d", c, i%4), Weight: 50 + 100*rng.Float64(),
				Columns: map[string]string{"city": p.Factor("city").Levels[c].Code, "class": []string{"urban", "urban", "rural"}[rng.IntN(3)]},
			}
			m.Cases = append(m.Cases, k)
			m.Responses = append(m.Responses, surveys.Response{Seq: uint64(len(m.Cases)), Interview: surveys.Interview{
				ID: "i" + k.ID, Revision: 1, Wave: "w", Case: k.ID, Answers: answersOf(rng, q)}})
		}
	}
	targets := []assess.Target{
		{Code: "330000", Year: 2025, Rate: 0.15, Name: surveys.Text{surveys.ZH: "全省", surveys.EN: "Province, 2025"}},
		{Code: "330800", Year: 2025, Rate: 0.9, Name: surveys.Text{surveys.ZH: "衢州", surveys.EN: "Quzhou, 2025"}},
		{Code: "331100", Year: 2025, Rate: 0.1, Name: surveys.Text{surveys.ZH: "丽水", surveys.EN: "Lishui, 2025"}},
	}
	r, err := assess.Assess(t.Context(), m, q, p, assess.Options{Wave: "w", Targets: targets})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// answersOf are those of somebody who knows a share of the right ones.
func answersOf(rng *rand.Rand, q *surveys.Questionnaire) surveys.Answers {
	ability := 0.4 + 0.6*rng.Float64()
	a := surveys.Answers{"age": {fmt.Sprint(18 + rng.IntN(52))}}
	for it := range q.Items {
		offered := q.Offered(it)
		switch {
		case len(it.Key) > 0 && rng.Float64() < ability:
			a[it.ID] = it.Key[:1]
		case len(it.Key) > 0:
			a[it.ID] = []string{surveys.DontKnow}
		case it.Type.OneOf() || it.Type == surveys.Multiple:
			a[it.ID] = []string{offered[rng.IntN(len(offered))].Code}
		}
	}
	return a
}

// eachRow calls f with every row of the results that has a place of its own.
func eachRow(r *assess.Results, f func(at report.Place, row *assess.Row)) {
	groups := func(table string, all []assess.Group) {
		for _, g := range all {
			f(report.Place{Table: table, Group: g.Code}, &g.Rows[0])
		}
	}
	f(report.Place{Table: report.TableHeadline}, &r.Headline[0])
	for _, t := range r.Tables {
		id := t.Factor.ID
		if t.Set != nil {
			id = t.Set.ID
		}
		groups(id, t.Groups)
	}
	for _, c := range r.Crossings {
		for i, row := range c.Rows.Levels {
			for k, column := range c.Columns.Levels {
				f(report.Place{Table: c.Rows.ID + "×" + c.Columns.ID, Group: row.Code + "×" + column.Code}, &c.Cells[i][k][0])
			}
		}
	}
	for _, t := range r.Topics {
		groups(t.Topic.ID, t.Groups)
		for i, by := range t.By {
			for k, l := range t.Levels {
				f(report.Place{Table: t.Topic.ID, Group: t.Groups[i].Code, By: l.Code}, &by[k][0])
			}
		}
	}
}

// marked is an estimate with numbers that no other place of a report can have: shares above 1,
// and more people than there are. marks finds them however they are written.
var (
	marked = analysis.Estimate{Value: 8.2439156, SE: 5.5512345, Lo: 7.1187654, Hi: 9.3348765, Level: 0.95, N: 7654321, Weighted: 7654321987, DEff: 934.17, DEffWOR: 934.17, DF: 6161,
		Notes: []analysis.Note{{Code: analysis.WideInterval, Value: 2.2}}}
	marks = regexp.MustCompile(`8\.24391|[^0-9,.]824\.(39|4)|5\.55123|[^0-9,.]555\.1|7\.11876|[^0-9,.]711\.(8[78]|9)|9\.33487|[^0-9,.]933\.(4[89]|5)|7654321|7,654,321|934\.17|6,161|\b6161\b`)
)

// hide puts other numbers into what is withheld, and into every contrast with it.
func hide(r *assess.Results, by report.Disclosure, marked analysis.Estimate) (hidden int) {
	eachRow(r, func(at report.Place, row *assess.Row) {
		if _, is := by.Withheld(at); is {
			row.Estimate = marked
			hidden++
		}
	})
	for i, a := range r.Targets {
		if _, is := by.Withheld(report.Place{Table: "city", Group: a.Target.Code}); is {
			r.Targets[i].Estimate, r.Targets[i].Verdict, r.Targets[i].P, r.Targets[i].Adjusted = marked, assess.Missed, 1e-9, 1e-9
			hidden++
		}
	}
	for i := range r.Tables {
		s := r.Tables[i].Separation
		if s == nil {
			continue
		}
		id := r.Tables[i].Factor.ID
		for _, list := range [][]assess.Contrast{s.Pairs, s.Others} {
			for k, c := range list {
				_, a := by.Withheld(report.Place{Table: id, Group: c.A})
				_, b := by.Withheld(report.Place{Table: id, Group: c.B})
				if a || b && c.B != "" {
					list[k].Difference, list[k].P, list[k].Adjusted = marked, 1e-9, 1e-9
				}
			}
		}
		for _, g := range r.Tables[i].Groups {
			if _, is := by.Withheld(report.Place{Table: id, Group: g.Code}); is && s.Letters != nil {
				s.Letters[g.Code], s.Ranks[g.Code] = "qqq", assess.Ranks{Best: 6161, Worst: 6161}
			}
		}
	}
	return hidden
}

// Nothing in any form of a report depends on a number that is withheld. Of a wave of 60 people
// the document is the same, to the last point of its charts, whatever the numbers of the
// withheld groups are; and looking through every part of every file finds none of them, while
// it does find those of a report without protection.
func TestNoFormTellsWhatIsWithheld(t *testing.T) {
	cities := []int{20, 13, 8, 6, 4, 3, 3, 1, 1, 1}
	r := wave(t, cities...)
	withheld, err := report.Protect(r, disclosure.DefaultRules())
	if err != nil {
		t.Fatal(err)
	}
	opt := report.Options{Now: time.Date(2026, 11, 26, 9, 30, 0, 0, time.UTC), Program: "suyang", Disclosure: withheld}
	build := func(r *assess.Results, lang surveys.Lang, opt report.Options) *document.Document {
		t.Helper()
		doc, err := report.Build(r, lang, opt)
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
		precise := marked
		precise.Value, precise.SE, precise.Lo, precise.Hi = 0, 1e-6, 0, 1e-5
		var changed *assess.Results
		var doc *document.Document
		for _, other := range []analysis.Estimate{precise, marked} { // the marked ones go into the files
			changed = wave(t, cities...)
			if hidden := hide(changed, withheld, other); hidden < 18 {
				t.Fatalf("only %d numbers are withheld", hidden)
			}
			doc = build(changed, lang, opt)
			if d := cmp.Diff(build(r, lang, opt), doc, cmpopts.EquateNaNs()); d != "" {
				t.Errorf("%s: the report depends on what it withholds (- as it is, + with other numbers):\n%s", lang, d)
			}
		}
		if lang == surveys.ZH {
			continue // the files are written from the document
		}
		open := opt
		open.Disclosure = nil
		dir, shown := t.TempDir(), t.TempDir()
		formats := forms(t)
		for name, text := range texts(t, dir, write(t, dir, doc, formats, drawn)) {
			if m := marks.FindStringIndex(text); m != nil {
				t.Errorf("%s tells a withheld number: …%q…", name, text[max(0, m[0]-80):min(len(text), m[1]+40)])
			}
		}
		if formats[len(formats)-1] == output.PDF { // that it can be read is enough: printing takes seconds
			if paper := texts(t, dir, []string{filepath.Join(dir, "r.pdf")}); !strings.Contains(paper["r.pdf"], "42.6%") {
				t.Error("the rate of everybody is not found in the PDF")
			}
			formats = formats[:len(formats)-1]
		}
		found := map[string]bool{}
		for name, text := range texts(t, shown, write(t, shown, build(changed, lang, open), formats, described)) {
			file, _, _ := strings.Cut(name, "!")
			found[file] = found[file] || marks.MatchString(text)
		}
		for _, f := range formats {
			if !found["r."+string(f)] {
				t.Errorf("looking through the %s finds nothing in a report without protection either", f)
			}
		}
	}
}

// Of five people nothing may be published, and the error says so before a file is written.
func TestFivePeople(t *testing.T) {
	if _, err := report.Protect(wave(t, 3, 2), disclosure.DefaultRules()); !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), "5 people were interviewed") {
		t.Errorf("Protect() error = %v", err)
	}
}

// A city without interviews has a row that says so, and a place in the charts and the map, but
// no number in any form: never a 0, but for its number of respondents, which is one.
func TestCityWithoutInterviews(t *testing.T) {
	r := wave(t, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40)
	name := r.Tables[0].Groups[10].Name[surveys.EN]
	doc, err := report.Build(r, surveys.EN, report.Options{Program: "suyang"})
	if err != nil {
		t.Fatal(err)
	}
	const nobody = "Nobody interviewed belongs to this group."
	rows, points := 0, 0
	for _, s := range doc.Sections {
		for _, b := range s.Blocks {
			if b.Chart != nil {
				for i, c := range b.Chart.Categories {
					if c != name {
						continue
					}
					points++
					if p := b.Chart.Series[0].Points[i]; !math.IsNaN(p.Value) || !math.IsNaN(p.Lo) || p.Missing != nobody || p.Label != "" || p.N != 0 {
						t.Errorf("the point in %s is %+v", b.Chart.ID, p)
					}
				}
			}
			if b.Table == nil {
				continue
			}
			for _, row := range b.Table.Rows {
				if row.Name != name && row.Name != "Lishui, 2025" {
					continue
				}
				rows++
				for k, c := range row.Cells {
					n := c.Unit == document.Count && c.Text == "0"
					target := b.Table.ID == "table-targets" && k == 0
					if !n && !target && (c.Value != nil || c.Text != show.Missing && c.Text != "unknown: nobody was interviewed") {
						t.Errorf("cell %d of %s in %s is %q (%v)", k, row.Name, b.Table.ID, c.Text, c.Value)
					}
				}
				if b.Table.ID != "table-targets" && !slices.Contains(b.Table.Notes, nobody) {
					t.Errorf("the table %s does not say why there is no number; its notes are %q", b.Table.ID, b.Table.Notes)
				}
			}
		}
	}
	if rows != 5 || points != 2 {
		t.Errorf("the city has %d rows and %d points in charts, want two tables, twice in the annex and the target, the chart and the map", rows, points)
	}
	dir := t.TempDir()
	all := texts(t, dir, write(t, dir, doc, []output.Format{output.HTML, output.DOCX, output.XLSX, output.CSV, output.JSON}, described))
	for file, want := range map[string]string{
		"r.html": `>` + name + `</th><td class="main">—<sup>`, "r.json": `"name":"` + name + `","cells":[{"text":"—","value":null,"unit":"share"`,
		"r.csv": name + `,,false,1,Rate,true,,share,—,,false,`, "r.docx!word/footnotes.xml (text)": nobody,
	} {
		text := all[file]
		if file == "r.json" {
			var dense bytes.Buffer
			if err := json.Compact(&dense, []byte(text)); err != nil {
				t.Fatal(err)
			}
			text = dense.String()
		}
		if !strings.Contains(text, want) {
			t.Errorf("%s does not have %q", file, want)
		}
	}
	book, err := excelize.OpenFile(filepath.Join(dir, "r.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	seen := 0
	for _, sheet := range book.GetSheetList() {
		lines, err := book.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if len(line) > 1 && line[0] == name {
				seen++
				if strings.Trim(line[1], "¹²³ ") != show.Missing {
					t.Errorf("sheet %s says %q", sheet, line)
				}
			}
		}
	}
	if seen != 4 {
		t.Errorf("%d sheets have the city, want 4", seen)
	}
}

// forms are those that can be written here; the PDF takes a browser, and pdftotext to read it.
func forms(t *testing.T) []output.Format {
	t.Helper()
	all := []output.Format{output.HTML, output.DOCX, output.XLSX, output.CSV, output.JSON}
	_, reader := exec.LookPath("pdftotext")
	if _, err := pdf.Find(""); err == nil && reader == nil && !testing.Short() {
		return append(all, output.PDF)
	}
	return all
}

// Charts of files are drawn, or described in words, which takes no time.
const (
	drawn     = true
	described = false
)

// write writes a document in all forms.
func write(t *testing.T, dir string, doc *document.Document, formats []output.Format, charts bool) []string {
	t.Helper()
	var svgs [][]byte
	var dot bytes.Buffer
	err := png.Encode(&dot, image.NewGray(image.Rect(0, 0, 1, 1)))
	if err == nil && charts == drawn {
		svgs, err = chart.Drawer{}.SVGs(doc.Charts(), doc.Lang, chart.Paper)
	}
	if err != nil {
		t.Fatal(err)
	}
	picture := func(c *document.Chart) (dots, svg []byte, err error) {
		if charts == described {
			return nil, nil, nil
		}
		i := slices.IndexFunc(doc.Charts(), func(o *document.Chart) bool { return o.ID == c.ID })
		return dot.Bytes(), svgs[i], nil // in dots there is what the drawing has
	}
	paths, err := output.Paths(dir, "r", formats)
	if err != nil {
		t.Fatal(err)
	}
	page := func(w io.Writer, d *document.Document) error {
		return report.WriteHTML(w, d, func(c *document.Chart) (string, error) {
			_, svg, err := picture(c)
			return string(svg), err
		})
	}
	written, err := output.Files(t.Context(), paths, formats, doc, output.Options{Page: page, Picture: picture})
	if err != nil {
		t.Fatal(err)
	}
	return written
}

// texts are all texts of files: of an archive those of every part, names and properties and
// hidden sheets too, and both as it stands there and without the marks of XML, which may part a
// number; of a PDF what can be read.
func texts(t *testing.T, dir string, paths []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, path := range paths {
		name := filepath.Base(path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(path, ".pdf"):
			if text, err = exec.Command("pdftotext", "-layout", path, "-").Output(); err != nil {
				t.Fatal(err)
			}
			out[name] = string(text)
		case bytes.HasPrefix(text, []byte("PK")):
			z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range z.File {
				part := partOf(t, f)
				out[name+"!"+f.Name] = f.Name + f.Comment + string(part)
				if regexp.MustCompile(`\.(xml|rels|svg)$`).MatchString(f.Name) {
					out[name+"!"+f.Name+" (text)"] = unmarked(t, part)
				}
			}
		default:
			out[name] = string(text)
		}
	}
	return out
}

func partOf(t *testing.T, f *zip.File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// unmarked is the text of XML, and it must be XML. Elements that hold one number each are kept
// apart, parts of a run of text are not.
func unmarked(t *testing.T, part []byte) string {
	t.Helper()
	var b strings.Builder
	d := xml.NewDecoder(bytes.NewReader(part))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.CharData:
			b.Write(x)
		case xml.EndElement:
			if n := x.Name.Local; n != "t" && n != "r" && n != "tspan" {
				b.WriteByte(' ')
			}
		}
	}
}
