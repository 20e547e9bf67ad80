package chart

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); look at it, then run with -update:\n%s", name, diff)
	}
}

func option(t *testing.T, c *document.Chart, lang surveys.Lang) []byte {
	t.Helper()
	b, err := Drawer{BaseMap: madeUp()}.Option(c, lang)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func svg(t *testing.T, c *document.Chart, lang surveys.Lang, width Width) string {
	t.Helper()
	b, err := Drawer{BaseMap: madeUp()}.SVG(c, lang, width)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestGolden(t *testing.T) {
	for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
		for name, c := range gallery(lang) {
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, option(t, c, lang), "", " "); err != nil {
				t.Fatal(err)
			}
			golden(t, name+"."+string(lang)+".json", pretty.Bytes())
			picture := svg(t, c, lang, Paper)
			golden(t, name+"."+string(lang)+".svg", []byte(picture))
			standsAlone(t, c, picture)
		}
	}
}

// What an engine drew before must not show in what it draws next.
func TestSameBytesInAnyOrder(t *testing.T) {
	var all []*document.Chart
	for _, name := range []string{"dots", "trend", "choropleth", "tiles", "dots"} {
		all = append(all, gallery(surveys.ZH)[name])
	}
	d := Drawer{BaseMap: madeUp()}
	there, err := d.SVGs(all, surveys.ZH, Phone)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(all)
	back, err := d.SVGs(all, surveys.ZH, Phone)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(back)
	for i := range there {
		if !bytes.Equal(there[i], back[i]) {
			t.Errorf("chart %d has other bytes when it is drawn after others", i)
		}
	}
	if bytes.Equal(there[0], there[1]) || !bytes.Equal(there[0], there[4]) {
		t.Error("the order of the pictures is not that of the charts")
	}
}

// read reads an SVG as XML and returns its words and the names of its elements.
func read(t *testing.T, svg string) (words []string, elements map[string]int) {
	t.Helper()
	elements = map[string]int{}
	in := xml.NewDecoder(strings.NewReader(svg))
	for {
		tok, err := in.Token()
		if errors.Is(err, io.EOF) {
			return words, elements
		}
		if err != nil {
			t.Fatalf("the SVG is no XML: %v", err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			elements[e.Name.Local]++
			for _, a := range e.Attr {
				if n := strings.ToLower(a.Name.Local); strings.HasPrefix(n, "on") || n == "style" || n == "href" || n == "class" {
					t.Errorf("<%s> has the attribute %s", e.Name.Local, n)
				}
			}
		case xml.CharData:
			if s := strings.TrimSpace(string(e)); s != "" {
				words = append(words, s)
			}
		}
	}
}

// standsAlone checks that a picture needs nothing beside it, and that it is described.
func standsAlone(t *testing.T, c *document.Chart, picture string) {
	t.Helper()
	words, elements := read(t, picture)
	for e := range elements {
		if !slices.Contains([]string{"svg", "title", "desc", "path", "rect", "circle", "text", "g", "defs", "clipPath", "pattern", "polyline", "polygon", "line"}, e) {
			t.Errorf("%s has an element %s", c.Kind, e)
		}
	}
	if !slices.Contains(words, c.Title) || !slices.Contains(words, c.Alt) || !strings.Contains(picture, `role="img" aria-labelledby="`) {
		t.Errorf("%s: title and description are not in the picture", c.Kind)
	}
	if !strings.Contains(picture, "Noto Sans CJK SC") {
		t.Errorf("%s names no font with Chinese characters", c.Kind)
	}
}

var hostileNames = []string{
	`</script><script>alert(1)</script>`, `<b onmouseover=alert(1)>x</b>`, `"'&amp;<!--`, `{b} {value} {a|rich}`, strings.Repeat("很长的名称", 60),
	strings.Repeat("Donaudampfschifffahrt", 20), "👩‍🔬🧪 科学家", "a\x00b\x1bc\ufffe", "\xff\xfe", "", " \n\t ", "\u202eoverride", "__proto__", "constructor", "toString", "some constructor",
}

func TestHostileNames(t *testing.T) {
	reference := svg(t, cities(surveys.ZH, guangdong), surveys.ZH, Phone)
	for name, c := range gallery(surveys.ZH) {
		bad := func(i int) string { return hostileNames[i%len(hostileNames)] }
		c.ID, c.Title, c.Alt = `"><script>`+name, bad(0), bad(1)
		for i := range c.Categories {
			c.Categories[i] = bad(i)
		}
		for i := range c.Series {
			c.Series[i].Name = bad(i)
			c.Series[i].Points[0].Label = bad(i + 2)
			c.Series[i].Points[len(c.Series[i].Points)-1] = document.Point{Value: math.NaN(), Missing: bad(i + 1)}
		}
		for i := range c.Tiles {
			c.Tiles[i].Short = bad(i)
		}
		for i := range c.Breaks {
			c.Breaks[i].Text = bad(4 + 2*i)
		}
		if c.Line != nil {
			c.Line.Name = bad(5)
		}
		json := string(option(t, c, surveys.ZH))
		if strings.ContainsAny(json, "<>&") {
			t.Errorf("%s: the option can end a script element", name)
		}
		words, elements := read(t, svg(t, c, surveys.ZH, Phone))
		if elements["script"]+elements["b"] > 0 {
			t.Errorf("%s: a name became an element", name)
		}
		if !slices.Contains(words, bad(0)) {
			t.Errorf("%s: the title is not in the picture as it is", name)
		}
	}
	// Every engine has drawn hostile names by now, perhaps; none may draw otherwise after it.
	for range cap(engines) {
		if svg(t, cities(surveys.ZH, guangdong), surveys.ZH, Phone) != reference {
			t.Error("a name changed what is drawn after it")
		}
	}
}

// Names that are properties of every object once changed all objects of the engine.
func TestNamesThatEveryObjectHas(t *testing.T) {
	for _, name := range []string{"__proto__", "constructor", "toString"} {
		c := cities(surveys.ZH, zhejiang[:3])
		c.Categories[0], c.Series[0].Name, c.Line.Name = name, name, name
		words, _ := read(t, svg(t, c, surveys.ZH, Phone))
		if n := len(slices.DeleteFunc(words, func(w string) bool { return strings.TrimSuffix(w, "\u200b") != name })); n != 3 {
			t.Errorf("%q stands in the picture %d times, want 3", name, n)
		}
	}
}

// A number that does not exist is named as missing, and no other number stands for it.
func TestNoNumbersAtAll(t *testing.T) {
	for name, c := range gallery(surveys.ZH) {
		c.Line, c.Breaks = nil, nil
		for i := range c.Series {
			for j := range c.Series[i].Points {
				c.Series[i].Points[j] = document.Point{Value: []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[j%3], Lo: math.NaN(), Hi: math.Inf(1)}
			}
		}
		picture := svg(t, c, surveys.ZH, Paper)
		words, _ := read(t, picture)
		all := strings.Join(words, " ")
		if !strings.Contains(all, "无数值") {
			t.Errorf("%s does not say that numbers are missing: %s", name, all)
		}
		if strings.Contains(all, "NaN") || strings.Contains(all, "∞") || strings.Contains(all, "Infinity") || strings.Contains(all, "0.0%") {
			t.Errorf("%s writes a number that does not exist: %s", name, all)
		}
		if strings.Contains(picture, "NaN") || strings.Contains(picture, "Infinity") {
			t.Errorf("%s draws at a place that does not exist", name)
		}
	}
}

// The point of the fixture still has the number that is withheld.
func TestWithheldNumbersStayInside(t *testing.T) {
	for name, c := range gallery(surveys.ZH) {
		if name == "trend" {
			c.Series[0].Points[3] = withheld(surveys.ZH)
		}
		words, _ := read(t, svg(t, c, surveys.ZH, Paper))
		out := string(option(t, c, surveys.ZH)) + strings.Join(words, " ")
		for _, secret := range []string{"87.65", "87.7", "86.54", "86.5", "88.76", "88.8"} {
			if strings.Contains(out, secret) {
				t.Errorf("%s gives away %s of a number that is withheld", name, secret)
			}
		}
		if !strings.Contains(out, "样本不足") {
			t.Errorf("%s does not say why a number is withheld", name)
		}
	}
}

func TestSizes(t *testing.T) {
	one := func(c *document.Chart) *document.Chart {
		c.Categories, c.Breaks, c.Tiles = c.Categories[:1], nil, nil
		if c.Times != nil {
			c.Times = c.Times[:1]
		}
		for i := range c.Series {
			c.Series[i].Points = c.Series[i].Points[:1]
		}
		if c.Kind == document.Tiles {
			c.Tiles = []document.Tile{{}}
		}
		if c.Codes != nil {
			c.Codes = c.Codes[:1]
		}
		return c
	}
	for name, c := range gallery(surveys.EN) {
		if words, _ := read(t, svg(t, one(c), surveys.EN, Phone)); len(words) < 3 {
			t.Errorf("%s of one group has the words %q", name, words)
		}
	}
	for _, kind := range []document.ChartKind{document.Bars, document.Dots, document.Trend, document.Stacked} {
		c := levels(surveys.EN, 7)
		c.Kind, c.Times = kind, []float64{2015, 2018, 2020, 2022}
		words, _ := read(t, svg(t, c, surveys.EN, Paper))
		for _, s := range c.Series {
			if !slices.Contains(words, s.Name) {
				t.Errorf("%s of 7 series: the legend lacks %q", kind, s.Name)
			}
		}
	}
	for _, c := range []*document.Chart{cities(surveys.ZH, guangdong), grid11(surveys.ZH, guangdong)} {
		words, _ := read(t, svg(t, c, surveys.ZH, Phone))
		for _, name := range c.Categories {
			if !slices.Contains(words, name) {
				t.Errorf("%s of 21 cities lacks %q", c.Kind, name)
			}
		}
	}
}

// items are the values of the items of a series in an option.
func items(t *testing.T, option []byte, function string) (out [][]any) {
	t.Helper()
	var o struct {
		Series []struct {
			RenderItem string
			Data       []struct{ Value []any }
		}
	}
	if err := json.Unmarshal(option, &o); err != nil {
		t.Fatal(err)
	}
	for _, s := range o.Series {
		for _, d := range s.Data {
			if s.RenderItem == function {
				out = append(out, d.Value)
			}
		}
	}
	return out
}

func TestLinesAreInterrupted(t *testing.T) {
	c := overTime(surveys.ZH)
	for series, joins := range [][]bool{{false, true, true, true, false, true, false, true}, {false, false, true, true, false, false, false, true}} {
		joined := make([]bool, len(joins))
		for _, item := range items(t, option(t, c, surveys.ZH), "ciTrend") {
			if int(item[4].(float64)) == series {
				joined[slices.Index(c.Times, item[0].(float64))] = item[7] != nil
			}
		}
		if !slices.Equal(joined, joins) {
			t.Errorf("line %d is joined to the time before: %v, want %v", series, joined, joins)
		}
	}
	words, _ := read(t, svg(t, c, surveys.ZH, Paper))
	for _, b := range c.Breaks {
		if !slices.Contains(words, b.Text) {
			t.Errorf("the break %q is not named", b.Text)
		}
	}
}

func TestPartsAddUp(t *testing.T) {
	end := map[float64]float64{}
	for _, v := range items(t, option(t, levels(surveys.ZH, 4), surveys.ZH), "ciStack") {
		row := v[2].(float64)
		if math.Abs(v[0].(float64)-end[row]) > 1e-3 {
			t.Errorf("a part of group %v begins at %v, the one before ended at %v", row, v[0], end[row])
		}
		end[row] = v[1].(float64)
	}
	for row, e := range end {
		if math.Abs(e-100) > 1e-3 {
			t.Errorf("group %v ends at %v", row, e)
		}
	}
	if len(end) != 4 {
		t.Errorf("%d groups are drawn, want 4", len(end))
	}
}

func TestRefused(t *testing.T) {
	edit := func(c *document.Chart, f func(*document.Chart)) *document.Chart { f(c); return c }
	for _, c := range []struct {
		name  string
		chart *document.Chart
		says  string
	}{
		{"no groups", edit(bars(surveys.ZH), func(c *document.Chart) { c.Categories = nil }), "no groups"},
		{"series too short", edit(bars(surveys.ZH), func(c *document.Chart) { c.Series[1].Points = nil }), `"女" has 0 numbers for 5 groups`},
		{"eight series", edit(levels(surveys.ZH, 8), func(c *document.Chart) { c.Kind = document.Bars }), "8 series cannot be told apart"},
		{"cumulative levels", edit(levels(surveys.ZH, 4), func(c *document.Chart) { c.Series[0].Points[1].Value += 30 }), `"城镇" add up to 130.00%`},
		{"negative part", edit(levels(surveys.ZH, 4), func(c *document.Chart) { c.Series[0].Points[1].Value = -1 }), "negative part"},
		{"break outside", edit(overTime(surveys.ZH), func(c *document.Chart) { c.Breaks[0].Before = 8 }), "before time 8 of 8"},
		{"a time is missing", edit(overTime(surveys.ZH), func(c *document.Chart) { c.Times = c.Times[1:] }), "there are 7 for 8"},
		{"a time twice", edit(overTime(surveys.ZH), func(c *document.Chart) { c.Times[3] = 2015 }), `the time of "2018", 2015, is not later`},
		{"no time", edit(overTime(surveys.ZH), func(c *document.Chart) { c.Times[3] = math.NaN() }), `the time of "2018", NaN, is not later`},
		{"square twice", edit(grid11(surveys.ZH, zhejiang), func(c *document.Chart) { c.Tiles[0].Column, c.Tiles[0].Row = c.Tiles[1].Column, c.Tiles[1].Row }), `"杭州" and "宁波" are both`},
		{"no square", edit(grid11(surveys.ZH, zhejiang), func(c *document.Chart) { c.Tiles = c.Tiles[1:] }), "no square for 杭州"},
		{"two colours for a place", edit(grid11(surveys.ZH, zhejiang), func(c *document.Chart) { c.Series = append(c.Series, c.Series[0]) }), "one series"},
		{"region not on the map", edit(onMap(surveys.ZH), func(c *document.Chart) { c.Codes[1] = "440100" }), `no region for 乙市 ("440100")`},
		{"no codes", edit(onMap(surveys.ZH), func(c *document.Chart) { c.Codes = nil }), "0 GB/T 2260 codes for 3"},
		{"the same code", edit(onMap(surveys.ZH), func(c *document.Chart) { c.Codes[1] = c.Codes[0] }), "the same code 330100"},
		{"unknown kind", edit(bars(surveys.ZH), func(c *document.Chart) { c.Kind = "pie" }), `no kind of chart "pie"`},
	} {
		_, err := Drawer{BaseMap: madeUp()}.Option(c.chart, surveys.ZH)
		if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(fmt.Sprint(err), c.says) || !strings.Contains(fmt.Sprint(err), c.chart.ID) {
			t.Errorf("%s: error = %v, want one with %q", c.name, err, c.says)
		}
	}
	if _, err := (Drawer{}).Option(onMap(surveys.ZH), surveys.ZH); !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), "审图号") {
		t.Errorf("a map without base map: error = %v", err)
	}
	if _, err := (Drawer{}).SVG(bars(surveys.ZH), "fr", Paper); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("a chart in French: error = %v", err)
	}
}

func TestBaseMapsAreRefused(t *testing.T) {
	good := `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"330100"},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}}]}`
	for _, c := range []struct{ name, geo, approval, says string }{
		{"no number", good, "  ", "审图号"},
		{"a word for a number", good, "已审核", "no approval number"},
		{"no GeoJSON", `{`, "GS（2019）1822号", "no GeoJSON"},
		{"no regions", `{"type":"FeatureCollection","features":[]}`, "GS（2019）1822号", "no GeoJSON feature collection"},
		{"no code", strings.Replace(good, "330100", "杭州", 1), "GS（2019）1822号", "region 1"},
		{"in metres", strings.Replace(good, "[1,1]", "[13000000,3500000]", 1), "GS（2019）1822号", "330100"},
		{"a line", strings.Replace(good, `"Polygon"`, `"LineString"`, 1), "GS（2019）1822号", "LineString"},
		{"too large", strings.Repeat(" ", biggestMap) + good, "GS（2019）1822号", "simplify"},
	} {
		if _, err := ReadBaseMap([]byte(c.geo), MapInfo{Approval: c.approval}); !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error = %v, want one with %q", c.name, err, c.says)
		}
	}
	for _, approval := range []string{"GS（2019）1822号", "GS(2024)0650号", "浙S（2024）12号", "粤S(2023)105号", "GS京（2022）1061号"} {
		if _, err := ReadBaseMap([]byte(good), MapInfo{Approval: approval}); err != nil {
			t.Errorf("approval number %q: %v", approval, err)
		}
	}
}

func TestMapsNameTheirApproval(t *testing.T) {
	for lang, want := range map[surveys.Lang]string{surveys.ZH: "审图号：浙S（2099）1号", surveys.EN: "Map approval number: 浙S（2099）1号"} {
		words, _ := read(t, svg(t, onMap(lang), lang, Paper))
		if !slices.Contains(words, want) {
			t.Errorf("the map lacks %q: %q", want, words)
		}
	}
	words, _ := read(t, svg(t, grid11(surveys.ZH, guangdong), surveys.ZH, Phone))
	if !slices.Contains(words, "方格示意图，非地图") {
		t.Errorf("the squares do not say that they are no map: %q", words)
	}
	words, _ = read(t, svg(t, onMap(surveys.ZH), surveys.ZH, Paper))
	if !slices.Contains(words, "丁") || !slices.Contains(words, "未纳入本次统计") {
		t.Errorf("the region of the map that has no number is not named: %q", words)
	}
}

func TestClasses(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   string
	}{
		{[]float64{15.3, 21.4, 16.5}, "14–16 16–18 18–20 20–22"},
		{[]float64{9.2, 21.4}, "5–10 10–15 15–20 20–25"},
		{[]float64{0.31, 0.34}, "0.31–0.32 0.32–0.33 0.33–0.34"},
		{[]float64{-3, 4}, "-4–-2 -2–0 0–2 2–4"},
		{[]float64{100}, "100–101"},
		{nil, ""},
	} {
		var got []string
		for _, k := range classes(c.values) {
			got = append(got, fmt.Sprintf("%.4g–%.4g", k.low, k.high))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("classes(%v) = %s, want %s", c.values, s, c.want)
		}
	}
	all := classes([]float64{14, 22})
	for v, want := range map[float64]int{14: 0, 15.99: 0, 16: 1, 22: 3} {
		if got := classOf(all, v); got != all[want].fill {
			t.Errorf("%v is coloured %s, want %s of class %d", v, got, all[want].fill, want)
		}
	}
}
