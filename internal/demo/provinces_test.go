package demo

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/margins"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/report/chart"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/output"
	"github.com/suyang-survey/suyang/internal/weigh"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// shippedProvince is a province with plans in the library, and what its report must say.
type shippedProvince struct {
	code, plans string
	cities      int
	says, never []string
}

var shippedProvinces = []shippedProvince{
	{"330000", "civic-literacy", 11, []string{"浙江省", "Zhejiang", "浙东北：杭州市、宁波市、嘉兴市", "North-east: Hangzhou, Ningbo, Jiaxing", "区域的定义依据：本项目自己的划分", "This project's own division"}, []string{"广州", "Guangzhou", "粤东"}},
	{"440000", "civic-literacy-guangdong", 21, []string{
		"广东省", "Guangdong", "珠三角：广州市、深圳市、珠海市", "Pearl River Delta: Guangzhou, Shenzhen, Zhuhai", "区域：2020 版定义", "粤东", "粤西", "粤北", "中山市 2025 年目标", "Zhongshan, target for 2025",
	}, []string{"浙江", "Zhejiang", "浙东北"}},
}

// From the census to the report, for each province with plans in the library: a sample is
// drawn, answers, is weighed by the shipped plan and reported on, with every city in the
// tables of rates and scores and on the map of squares, in all forms that have charts.
func TestProvincesFromSampleToReport(t *testing.T) {
	for _, home := range shippedProvinces {
		t.Run(home.plans, func(t *testing.T) {
			r := home.results(t, 1)
			withheld, err := report.Protect(r, disclosure.DefaultRules())
			if err != nil {
				t.Fatal(err)
			}
			said := ""
			for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
				doc, err := report.Build(r, lang, report.Options{Now: time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC), Program: "test", Disclosure: withheld})
				if err != nil {
					t.Fatal(err)
				}
				home.places(t, doc)
				said += home.forms(t, doc)
			}
			for _, s := range home.says {
				if !strings.Contains(said, s) {
					t.Errorf("the report does not say %q", s)
				}
			}
		})
	}
}

// results are those of a survey of about 1,000 interviews.
func (home shippedProvince) results(t *testing.T, seed uint64) *assess.Results {
	t.Helper()
	q, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	census, err := margins.ReadCensus(library.FS, home.code)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPopulation(Config{Interviews: 1000, Seed: seed, Scale: 1000}, census, q)
	if err != nil {
		t.Fatal(err)
	}
	src, err := library.File(home.plans, "plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	pl, err := assess.ReadPlan("plan.yaml", src, q)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.survey(q, frame(t, p), seed, func(*surveys.Item) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	if src, err = library.File(home.plans, "weights.yaml"); err != nil {
		t.Fatal(err)
	}
	weights, err := weigh.ReadPlan("weights.yaml", src, q, pl.Factors)
	if err != nil {
		t.Fatal(err)
	}
	w, record, err := weigh.Run(t.Context(), m, weigh.Input{Wave: m.Wave, Questionnaire: q, Plan: weights, Library: library.FS})
	if err != nil {
		t.Fatal(err)
	}
	m.Weights = map[string][]assess.CaseWeight{record.ID(): w}
	opt := assess.Options{Wave: m.Wave, Weighting: record}
	series, err := fs.Sub(library.FS, "literacy-series")
	if err != nil {
		t.Fatal(err)
	}
	if opt.References, opt.Criteria, err = assess.ReadSeries(series); err != nil {
		t.Fatal(err)
	}
	if src, err = library.File(home.plans, "targets.yaml"); err != nil {
		t.Fatal(err)
	}
	if opt.Targets, err = assess.ReadTargets("targets.yaml", src, q); err != nil {
		t.Fatal(err)
	}
	r, err := assess.Assess(t.Context(), m, q, pl, opt)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Elsewhere) > 0 {
		t.Errorf("targets of nothing: %v", r.Elsewhere)
	}
	return r
}

// places wants every city once in the tables, and in a square of its own.
func (home shippedProvince) places(t *testing.T, doc *document.Document) {
	t.Helper()
	for _, id := range []string{"table-city", "table-city-score", "table-city-precision", "table-city-score-precision"} {
		names := map[string]bool{}
		for _, s := range doc.Sections {
			for _, b := range s.Blocks {
				if b.Table == nil || b.Table.ID != id {
					continue
				}
				for _, row := range b.Table.Rows {
					if names[row.Name] = true; !row.Total && (row.Cells[0].Value == nil && !row.Cells[0].Suppressed) {
						t.Errorf("%s: there is no number of %s", id, row.Name)
					}
				}
			}
		}
		if len(names) != home.cities+1 { // and everybody
			t.Errorf("%s has %d rows, want %d cities and everybody", id, len(names), home.cities)
		}
	}
	maps := 0
	for _, c := range doc.Charts() {
		if c.Kind != document.Tiles {
			continue
		}
		maps++
		squares, rows, columns := map[string]bool{}, 99, 99
		for _, s := range c.Tiles {
			squares[fmt.Sprint(s.Column, s.Row)] = true
			rows, columns = min(rows, s.Row), min(columns, s.Column)
		}
		if len(squares) != home.cities || len(c.Tiles) != home.cities || len(c.Categories) != home.cities || rows != 0 || columns != 0 {
			t.Errorf("%s has %d squares of %d cities, from column %d and row %d", c.ID, len(squares), len(c.Categories), columns, rows)
		}
	}
	if maps != 1 {
		t.Errorf("%d maps of squares, want that of the cities", maps)
	}
}

// forms wants the map of squares in each form with charts, and returns the page.
func (home shippedProvince) forms(t *testing.T, doc *document.Document) string {
	t.Helper()
	var tiles *document.Chart
	for _, c := range doc.Charts() {
		if c.Kind == document.Tiles {
			tiles = c
		}
	}
	svg, err := chart.Drawer{}.SVG(tiles, doc.Lang, chart.Paper)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range tiles.Tiles {
		if !strings.Contains(string(svg), s.Short) {
			t.Errorf("%s: the picture does not name %s", doc.Lang, s.Short)
		}
	}
	var drawn []string
	opt := output.Options{
		Page: func(w io.Writer, d *document.Document) error { return report.WriteHTML(w, d, nil) },
		Picture: func(c *document.Chart) ([]byte, []byte, error) {
			drawn = append(drawn, c.ID)
			return nil, nil, nil // said in words
		},
	}
	written := map[output.Format]string{}
	for _, f := range []output.Format{output.HTML, output.DOCX, output.JSON} {
		var b bytes.Buffer
		if err := output.Write(t.Context(), &b, f, doc, opt); err != nil {
			t.Fatal(err)
		}
		written[f] = b.String()
	}
	page := written[output.HTML][strings.Index(written[output.HTML], "<body"):]
	if !strings.Contains(page, `id="`+tiles.ID+`"`) || strings.Count(written[output.JSON], `"short"`) != home.cities || !slices.Contains(drawn, tiles.ID) {
		t.Errorf("%s: not every form has the map of squares: %d squares in JSON, pictures of %v", doc.Lang, strings.Count(written[output.JSON], `"short"`), drawn)
	}
	for _, s := range home.never {
		if strings.Contains(written[output.JSON], s) {
			t.Errorf("%s: the report says %q", doc.Lang, s)
		}
	}
	return written[output.JSON]
}
