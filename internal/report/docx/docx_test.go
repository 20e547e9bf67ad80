package docx

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/document/documenttest"
	"github.com/suyang-survey/suyang/internal/report/grid"
	"github.com/suyang-survey/suyang/surveys"
)

var keep = flag.String("keep", "", "folder to keep the documents in, to look at them")

// picture draws a chart as nothing but an area, once as PNG and once as SVG.
func picture(*document.Chart) ([]byte, []byte, error) {
	img := image.NewGray(image.Rect(0, 0, 320, 160))
	for i := range img.Pix {
		img.Pix[i] = uint8(i)
	}
	img.Set(0, 0, color.Black)
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 160"><rect width="320" height="160" fill="#08519c"/></svg>`), err
}

func written(t *testing.T, d *document.Document, opt Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, d, opt); err != nil {
		t.Fatal(err)
	}
	if *keep != "" {
		if err := os.WriteFile(filepath.Join(*keep, t.Name()[4:8]+"-"+string(d.Lang)+".docx"), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// node is an element of a part.
type node struct {
	name     string // with its prefix, such as w:p
	attr     map[string]string
	text     string
	children []*node
}

// all returns the elements of a name below n, in the order of the document.
func (n *node) all(name string) []*node {
	var found []*node
	for _, c := range n.children {
		if c.name == name {
			found = append(found, c)
		}
		found = append(found, c.all(name)...)
	}
	return found
}

// one returns the first element of a name below n, or an empty one.
func (n *node) one(name string) *node {
	if found := n.all(name); len(found) > 0 {
		return found[0]
	}
	return &node{}
}

func (n *node) val() string { return n.attr["w:val"] }

// words are the texts that n shows.
func (n *node) words() string {
	var b strings.Builder
	for _, t := range n.all("w:t") {
		b.WriteString(t.text)
	}
	return b.String()
}

func parse(t *testing.T, name string, src []byte) *node {
	t.Helper()
	dec, root := xml.NewDecoder(bytes.NewReader(src)), &node{}
	stack := []*node{root}
	full := func(n xml.Name) string {
		if n.Space == "" {
			return n.Local
		}
		return n.Space + ":" + n.Local
	}
	for {
		tok, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s is not well-formed: %v", name, err)
		}
		top := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			n := &node{name: full(tok.Name), attr: map[string]string{}}
			for _, a := range tok.Attr {
				n.attr[full(a.Name)] = a.Value
			}
			top.children = append(top.children, n)
			stack = append(stack, n)
		case xml.EndElement:
			if full(tok.Name) != top.name {
				t.Fatalf("%s is not well-formed: </%s> ends <%s>", name, full(tok.Name), top.name)
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(tok)
		}
	}
	if len(stack) != 1 || len(root.children) != 1 {
		t.Fatalf("%s is not well-formed: it does not have one outermost element that ends", name)
	}
	return root.children[0]
}

// opened are the parts of a document; those of XML are parsed.
type opened struct {
	raw  map[string][]byte
	tree map[string]*node
}

func open(t *testing.T, src []byte) *opened {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(src), int64(len(src)))
	if err != nil {
		t.Fatal(err)
	}
	o := &opened{map[string][]byte{}, map[string]*node{}}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if o.raw[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		if ext := path.Ext(f.Name); ext == ".xml" || ext == ".rels" || ext == ".svg" {
			o.tree[f.Name] = parse(t, f.Name, o.raw[f.Name])
		}
	}
	return o
}

// faults are what is wrong with a document by rules that Word has, too.
func (o *opened) faults() []string {
	var fs []string
	add := func(format string, args ...any) { fs = append(fs, fmt.Sprintf(format, args...)) }
	targets := o.relations(add)
	main := o.tree["word/document.xml"]
	o.types(add)
	o.styles(add)
	o.references(add, main, targets)
	for i, tbl := range main.all("w:tbl") {
		tableFaults(add, i, tbl)
	}
	unique(add, "bookmark ID", main.all("w:bookmarkStart"), "w:id")
	unique(add, "bookmark", main.all("w:bookmarkStart"), "w:name")
	unique(add, "picture", main.all("wp:docPr"), "id")
	for _, p := range main.all("wp:docPr") {
		if p.attr["descr"] == "" {
			add("picture %s has no words for those who do not see it", p.attr["id"])
		}
	}
	o.fields(add)
	return fs
}

// relations checks that what parts refer to is there.
func (o *opened) relations(add func(string, ...any)) map[string]string {
	of := map[string]string{}
	for name, tree := range o.tree {
		if path.Ext(name) != ".rels" {
			continue
		}
		dir := strings.TrimSuffix(path.Dir(name), "_rels")
		unique(add, "relation of "+name, tree.all("Relationship"), "Id")
		for _, r := range tree.all("Relationship") {
			if _, ok := o.raw[path.Join(dir, r.attr["Target"])]; !ok {
				add("%s refers to %s, which is not there", name, r.attr["Target"])
			}
			if name == "word/_rels/document.xml.rels" {
				of[r.attr["Id"]] = r.attr["Target"]
			}
		}
	}
	return of
}

// types checks that every part has a type of contents.
func (o *opened) types(add func(string, ...any)) {
	known := map[string]bool{}
	for _, d := range o.tree["[Content_Types].xml"].children {
		known[d.attr["Extension"]+d.attr["PartName"]] = true
		if p := d.attr["PartName"]; p != "" && o.raw[p[1:]] == nil {
			add("a type is given to %s, which is not there", p)
		}
	}
	for name := range o.raw {
		ext := path.Ext(name)
		if !known["/"+name] && (ext == ".xml" || !known[strings.TrimPrefix(ext, ".")]) && name != "[Content_Types].xml" {
			add("%s has no type of contents", name)
		}
	}
}

// styles checks that every style that is used exists and is of its kind.
func (o *opened) styles(add func(string, ...any)) {
	kinds := map[string]string{}
	for _, s := range o.tree["word/styles.xml"].all("w:style") {
		kinds[s.attr["w:styleId"]] = s.attr["w:type"]
	}
	for name, tree := range o.tree {
		for tag, kind := range map[string]string{"w:pStyle": "paragraph", "w:rStyle": "character", "w:tblStyle": "table"} {
			for _, s := range tree.all(tag) {
				if kinds[s.val()] != kind {
					add("%s uses the %s style %q, which is not there", name, kind, s.val())
				}
			}
		}
	}
	for _, s := range o.tree["word/styles.xml"].all("w:basedOn") {
		if kinds[s.val()] == "" {
			add("a style is based on %q, which is not there", s.val())
		}
	}
}

// references checks that footnotes, bookmarks, lists and relations that are referred to exist.
func (o *opened) references(add func(string, ...any), main *node, targets map[string]string) {
	has := map[string]bool{}
	for _, f := range o.tree["word/footnotes.xml"].all("w:footnote") {
		has["footnote "+f.attr["w:id"]] = true
	}
	for _, f := range o.tree["word/settings.xml"].all("w:footnote") {
		if !has["footnote "+f.attr["w:id"]] {
			add("the settings name footnote %s, which is not there", f.attr["w:id"])
		}
	}
	for _, m := range main.all("w:bookmarkStart") {
		has["bookmark "+m.attr["w:name"]] = true
		if n := m.attr["w:name"]; len(n) > 40 {
			add("the bookmark %s is longer than 40 characters", n)
		}
	}
	abstract := map[string]bool{}
	for _, n := range o.tree["word/numbering.xml"].all("w:abstractNum") {
		abstract[n.attr["w:abstractNumId"]] = true
	}
	for _, n := range o.tree["word/numbering.xml"].all("w:num") {
		has["list "+n.attr["w:numId"]] = true
		if !abstract[n.one("w:abstractNumId").val()] {
			add("list %s has no definition", n.attr["w:numId"])
		}
	}
	seen := 0
	for _, r := range main.all("w:footnoteReference") {
		seen++
		if r.attr["w:id"] != strconv.Itoa(seen) || !has["footnote "+r.attr["w:id"]] {
			add("reference %d is to footnote %s", seen, r.attr["w:id"])
		}
	}
	if n := len(o.tree["word/footnotes.xml"].all("w:footnote")) - 2; n != seen {
		add("there are %d footnotes and references to %d", n, seen)
	}
	for _, l := range main.all("w:hyperlink") {
		if !has["bookmark "+l.attr["w:anchor"]] {
			add("a link leads to %s, which is not there", l.attr["w:anchor"])
		}
	}
	for _, i := range main.all("w:instrText") {
		if name, ok := strings.CutPrefix(strings.TrimSpace(i.text), "NOTEREF "); ok && !has["bookmark "+strings.Fields(name)[0]] {
			add("a field refers to %s, which is not there", name)
		}
	}
	for _, n := range main.all("w:numId") {
		if !has["list "+n.val()] {
			add("list %s is not there", n.val())
		}
	}
	for _, tag := range []string{"a:blip", "asvg:svgBlip"} {
		for _, p := range main.all(tag) {
			if targets[p.attr["r:embed"]] == "" {
				add("picture %s is not there", p.attr["r:embed"])
			}
		}
	}
	for _, tag := range []string{"w:headerReference", "w:footerReference"} {
		for _, p := range main.all(tag) {
			if targets[p.attr["r:id"]] == "" {
				add("%s %s is not there", tag, p.attr["r:id"])
			}
		}
	}
}

// tableFaults checks that the cells of every row fill the grid, merged or not.
func tableFaults(add func(string, ...any), i int, tbl *node) {
	var widths []int
	for _, g := range tbl.one("w:tblGrid").children {
		w, err := strconv.Atoi(g.attr["w:w"])
		if err != nil || w <= 0 {
			add("table %d has a column of width %q", i, g.attr["w:w"])
		}
		widths = append(widths, w)
	}
	above := map[int]int{} // columns of the cells that may go on below, by their first one
	heads := true
	for r, row := range tbl.all("w:tr") {
		head := len(row.all("w:tblHeader")) > 0
		if head && !heads {
			add("table %d: row %d is a head below others", i, r)
		}
		heads = head
		at, next := 0, map[int]int{}
		for _, c := range row.all("w:tc") {
			span := 1
			if v := c.one("w:gridSpan").val(); v != "" {
				span, _ = strconv.Atoi(v)
			}
			if at+span > len(widths) {
				add("table %d: row %d has more cells than the grid of %d", i, r, len(widths))
				break
			}
			want := 0
			for _, w := range widths[at : at+span] {
				want += w
			}
			if got := c.one("w:tcW").attr["w:w"]; got != strconv.Itoa(want) {
				add("table %d: row %d: the cell at %d is %s wide, its grid %d", i, r, at, got, want)
			}
			switch c.one("w:vMerge").val() {
			case "restart":
				next[at] = span
			case "continue":
				if above[at] != span {
					add("table %d: row %d: the cell at %d goes on with none above", i, r, at)
				}
				next[at] = span
			}
			if len(c.all("w:p")) == 0 {
				add("table %d: row %d: the cell at %d has no paragraph", i, r, at)
			}
			at += span
		}
		if at != len(widths) {
			add("table %d: row %d has %d columns of %d", i, r, at, len(widths))
		}
		above = next
	}
}

func unique(add func(string, ...any), what string, nodes []*node, attribute string) {
	seen := map[string]bool{}
	for _, n := range nodes {
		if v := n.attr[attribute]; seen[v] {
			add("%s %q is there twice", what, v)
		} else {
			seen[v] = true
		}
	}
}

// fields checks that fields begin, have a result and end, one within the other.
func (o *opened) fields(add func(string, ...any)) {
	for name, tree := range o.tree {
		var open []string
		for _, f := range tree.all("w:fldChar") {
			kind := f.attr["w:fldCharType"]
			switch {
			case kind == "begin":
				open = append(open, kind)
			case len(open) == 0 || kind == "separate" && open[len(open)-1] != "begin":
				add("%s: a field has %s where it must not", name, kind)
				return
			case kind == "separate":
				open[len(open)-1] = kind
			default:
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 {
			add("%s: a field does not end", name)
		}
	}
}

func TestDocumentsKeepTheRulesOfWord(t *testing.T) {
	for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
		for name, opt := range map[string]Options{"with pictures": {Picture: picture}, "without": {}} {
			for _, f := range open(t, written(t, documenttest.Sample(lang), opt)).faults() {
				t.Errorf("%s, %s: %s", lang, name, f)
			}
		}
	}
	empty := &document.Document{Lang: surveys.EN}
	for _, f := range open(t, written(t, empty, Options{})).faults() {
		t.Errorf("an empty report: %s", f)
	}
}

// The checker must find what is broken, else the test above shows nothing.
func TestBrokenDocumentsAreFound(t *testing.T) {
	good := open(t, written(t, documenttest.Sample(surveys.EN), Options{Picture: picture}))
	for want, change := range map[string][2]string{
		"style \"TableHead\"":    {`w:styleId="TableHead"`, `w:styleId="TableTop"`},
		"media/chart9.png":       {`Target="media/chart1.png"`, `Target="media/chart9.png"`},
		"columns of":             {`<w:gridCol w:w=`, `<w:gridCol w:w="5"/><w:gridCol w:w=`},
		"a link leads to":        {`w:name="_Toc100000002"`, `w:name="_Tok"`},
		"a field refers to":      {`w:name="_RefNote2"`, `w:name="_RefNote222"`},
		"does not end":           {`w:fldCharType="end"`, `w:fldCharType="begin"`},
		"list 2 is not there":    {`<w:num w:numId="2">`, `<w:num w:numId="77">`},
		"goes on with none":      {`w:vMerge w:val="restart"`, `w:vMerge w:val="stop"`},
		"reference 1 is to":      {`<w:footnoteReference w:id="1"/>`, `<w:footnoteReference w:id="4"/>`},
		"has no type":            {`Extension="png"`, `Extension="gif"`},
		"has no words for those": {` descr="`, ` nothing="`},
	} {
		broken := &opened{map[string][]byte{}, map[string]*node{}}
		for name, src := range good.raw {
			src = bytes.Replace(src, []byte(change[0]), []byte(change[1]), 1)
			broken.raw[name] = src
			if good.tree[name] != nil {
				broken.tree[name] = parse(t, name, src)
			}
		}
		if !slices.ContainsFunc(broken.faults(), func(f string) bool { return strings.Contains(f, want) }) {
			t.Errorf("%s for %s goes unnoticed, want %q of %q", change[1], change[0], want, broken.faults())
		}
	}
}

func TestTheSameReportGivesTheSameBytes(t *testing.T) {
	one := written(t, documenttest.Sample(surveys.ZH), Options{Picture: picture})
	if two := written(t, documenttest.Sample(surveys.ZH), Options{Picture: picture}); !bytes.Equal(one, two) {
		t.Error("the same report gives two documents")
	}
}

func TestHeadingsAndContents(t *testing.T) {
	d := documenttest.Sample(surveys.ZH)
	of := open(t, written(t, d, Options{}))
	main := of.tree["word/document.xml"]
	var headings, contents []string
	places := map[string]string{} // bookmarks of headings
	for _, p := range main.all("w:p") {
		switch style := p.one("w:pStyle").val(); {
		case strings.HasPrefix(style, "Heading"):
			headings = append(headings, style[7:]+" "+p.words())
			places[p.one("w:bookmarkStart").attr["w:name"]] = p.words()
		case strings.HasPrefix(style, "TOC") && style != "TOCHeading":
			contents = append(contents, style[3:]+" "+p.words())
		}
	}
	// Each entry has a field for the number of its page, and who opens the document is asked to
	// have them filled in.
	for _, p := range main.all("w:p") {
		if style := p.one("w:pStyle").val(); !strings.HasPrefix(style, "TOC") || style == "TOCHeading" {
			continue
		}
		leads := ""
		for _, i := range p.all("w:instrText") {
			if fields := strings.Fields(i.text); len(fields) > 1 && fields[0] == "PAGEREF" {
				leads = places[fields[1]]
			}
		}
		if leads == "" || leads != p.words() {
			t.Errorf("the entry %q has the page of %q", p.words(), leads)
		}
	}
	if of.tree["word/settings.xml"].one("w:updateFields").val() != "true" {
		t.Error("nobody is asked to update the fields")
	}
	var want []string
	for _, s := range d.Sections {
		want = append(want, fmt.Sprintf("%d %s %s", s.Depth, s.Number, s.Title))
	}
	if !slices.Equal(headings, want) {
		t.Errorf("headings are %q, want %q", headings, want)
	}
	if !slices.Equal(contents, want) {
		t.Errorf("the contents are %q, want %q", contents, want)
	}
}

// tables are those that have a caption, by the caption.
func tables(main *node) map[string]*node {
	found, caption := map[string]*node{}, ""
	for _, n := range main.one("w:body").children {
		switch {
		case n.name == "w:p" && n.one("w:pStyle").val() == "Caption":
			caption = n.words()
		case n.name == "w:tbl" && n.one("w:tblStyle").val() == "ReportTable":
			found[caption] = n
		}
	}
	return found
}

func TestTablesHaveEveryCell(t *testing.T) {
	d := documenttest.Sample(surveys.EN)
	found := tables(open(t, written(t, d, Options{})).tree["word/document.xml"])
	n := 0
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			if b.Table == nil {
				continue
			}
			n++
			caption := b.Table.Number + "  " + grid.Plain(b.Table.Title)
			tbl := found[caption]
			if tbl == nil {
				t.Errorf("there is no table %q", caption)
				continue
			}
			rows := tbl.all("w:tr")
			if len(rows) != len(b.Table.Head)+len(b.Table.Rows) {
				t.Errorf("%s has %d rows", caption, len(rows))
				continue
			}
			if heads := len(tbl.all("w:tblHeader")); heads != len(b.Table.Head) {
				t.Errorf("%s repeats %d rows on every page, want %d", caption, heads, len(b.Table.Head))
			}
			for r, row := range b.Table.Rows {
				cells := rows[len(b.Table.Head)+r].all("w:tc")
				for c, cell := range row.Cells {
					want := strings.NewReplacer("\n", "", "\t", " ").Replace(grid.Plain(cell.Text))
					if got := cells[c+1].words(); !strings.HasPrefix(got, want) || !strings.Contains(got, cell.Letters) {
						t.Errorf("%s: row %d, column %d is %q, want %q", caption, r, c, got, want)
					}
				}
			}
		}
	}
	if n != 4 || len(found) != n {
		t.Errorf("%d tables of %d have a caption", len(found), n)
	}
}

// A footnote has one number in the document, wherever the table refers to it.
func TestFootnotesOfCells(t *testing.T) {
	o := open(t, written(t, documenttest.Sample(surveys.EN), Options{}))
	d := documenttest.Sample(surveys.EN)
	table := d.Sections[2].Blocks[0].Table
	var texts []string
	for _, f := range o.tree["word/footnotes.xml"].all("w:footnote")[2:] {
		texts = append(texts, strings.TrimSpace(f.words()))
	}
	// The note of no cell stands in the caption, so it comes first; the others follow in the
	// order of the rows: Jiaxing 3, Lishui 1, Zhoushan 2.
	for i, want := range []int{4, 3, 1, 2} {
		if texts[i] != table.Notes[want-1] {
			t.Errorf("footnote %d is %q, want %q", i+1, texts[i], table.Notes[want-1])
		}
	}
	main := o.tree["word/document.xml"]
	caption := "Table 1  " + table.Title
	rows := tables(main)[caption].all("w:tr")
	first := len(table.Head)
	// Lishui refers to the notes 1 and 3, which are 3 and 2 in the document; 2 was there before.
	lishui := rows[first+7].all("w:tc")[1]
	if got := lishui.one("w:footnoteReference").attr["w:id"]; got != "3" {
		t.Errorf("Lishui refers to footnote %s, want 3", got)
	}
	if got := lishui.one("w:instrText").text; !strings.Contains(got, "NOTEREF _RefNote2 ") || !strings.HasSuffix(lishui.words(), ",2") {
		t.Errorf("Lishui repeats footnote 2 as %q, %q", got, lishui.words())
	}
}

// Numbers of captions are fields that Word would make the same.
func TestCaptionsCountAsWordDoes(t *testing.T) {
	for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
		main := open(t, written(t, documenttest.Sample(lang), Options{Picture: picture})).tree["word/document.xml"]
		last, fields := map[string]int{}, 0
		for _, p := range main.all("w:p") {
			if p.one("w:pStyle").val() != "Caption" {
				continue
			}
			instruction := strings.Fields(p.one("w:instrText").text)
			if len(instruction) < 2 || instruction[0] != "SEQ" {
				t.Errorf("%q has no number of its own", p.words())
				continue
			}
			fields++
			last[instruction[1]]++
			if i := slices.Index(instruction, `\r`); i > 0 {
				last[instruction[1]], _ = strconv.Atoi(instruction[i+1])
			}
			number, _, _ := strings.Cut(p.words(), "  ")
			if _, digits := splitNumber(number); digits != last[instruction[1]] {
				t.Errorf("%q would become %d", p.words(), last[instruction[1]])
			}
		}
		if fields != 6 {
			t.Errorf("%d captions, want those of 4 tables and 2 charts", fields)
		}
	}
}

// A number that does not follow the one before is told to the field, so that updating the
// fields in Word leaves it as it is.
func TestCaptionsThatDoNotFollow(t *testing.T) {
	d := documenttest.Sample(surveys.ZH)
	d.Sections[2].Blocks[0].Table.Number = "表 7"
	main := open(t, written(t, d, Options{})).tree["word/document.xml"]
	var got []string
	for _, i := range main.all("w:instrText") {
		if strings.Contains(i.text, "SEQ 表 ") {
			got = append(got, strings.TrimSpace(i.text))
		}
	}
	if want := []string{`SEQ 表 \* ARABIC \r 7`, `SEQ 表 \* ARABIC \r 2`, `SEQ 表 \* ARABIC`}; !slices.Equal(got, want) {
		t.Errorf("the fields are %q, want %q", got, want)
	}
}

// Each list of steps counts from 1.
func TestStepsBeginAnew(t *testing.T) {
	o := open(t, written(t, documenttest.Sample(surveys.EN), Options{}))
	var lists []string
	for _, p := range o.tree["word/document.xml"].all("w:p") {
		if p.one("w:pStyle").val() == "ListNumber" {
			lists = append(lists, p.one("w:numId").val())
		}
	}
	if want := []string{"2", "2", "2", "3", "3"}; !slices.Equal(lists, want) {
		t.Errorf("the steps are of the lists %q, want %q", lists, want)
	}
	for _, n := range o.tree["word/numbering.xml"].all("w:num")[1:] {
		if n.one("w:startOverride").val() != "1" {
			t.Errorf("list %s does not begin at 1", n.attr["w:numId"])
		}
	}
}

func TestNumbersOfCaptions(t *testing.T) {
	for in, want := range map[string]struct {
		label  string
		digits int
	}{"表 3": {"表 ", 3}, "Table B-12": {"Table B-", 12}, "表甲": {"表甲", 0}, "": {"", 0}, "Table 007": {"Table 007", 0}, "表 1234567": {"表 1", 234567}} {
		if label, digits := splitNumber(in); label != want.label || digits != want.digits {
			t.Errorf("splitNumber(%q) = %q, %d", in, label, digits)
		}
	}
}

// A table of twenty columns stands on a page of its own that is wider than high, with its
// heading, and the pages after it are upright again.
func TestWideTablesAreTurned(t *testing.T) {
	main := open(t, written(t, documenttest.Sample(surveys.ZH), Options{})).tree["word/document.xml"]
	var turned []bool
	var headings [][]string
	var seen []string
	for _, n := range main.one("w:body").children {
		if strings.HasPrefix(n.one("w:pStyle").val(), "Heading") {
			seen = append(seen, n.words())
		}
		ends := n.all("w:pgSz")
		if n.name == "w:sectPr" {
			ends = []*node{n.one("w:pgSz")}
		}
		if len(ends) > 0 {
			turned, headings = append(turned, ends[0].attr["w:orient"] == "landscape"), append(headings, seen)
			seen = nil
		}
	}
	if !slices.Equal(turned, []bool{false, true, false}) {
		t.Fatalf("pages lie %v", turned)
	}
	if !slices.Equal(headings[1], []string{"A.1 宽表"}) {
		t.Errorf("the turned pages have the headings %q", headings[1])
	}
}

func TestTheDocumentSaysWhatItIs(t *testing.T) {
	for lang, code := range map[surveys.Lang]string{surveys.ZH: "zh-CN", surveys.EN: "en-US"} {
		d := documenttest.Sample(lang)
		o := open(t, written(t, d, Options{}))
		core := o.tree["docProps/core.xml"]
		if got := core.one("dc:title").text; got != d.Title {
			t.Errorf("title %q", got)
		}
		if got := core.one("dc:language").text; got != code {
			t.Errorf("language %q, want %q", got, code)
		}
		if got := core.one("dcterms:created").text; got != "2026-11-26T01:30:00Z" {
			t.Errorf("made %q", got)
		}
		if got := o.tree["word/styles.xml"].one("w:lang").val(); got != code {
			t.Errorf("language of the text %q, want %q", got, code)
		}
		if got := o.tree["word/header1.xml"].words(); got != strings.Join(d.Marks, " · ") {
			t.Errorf("%s: every page says %q", lang, got)
		}
	}
}

func TestHostileTextsStayText(t *testing.T) {
	o := open(t, written(t, documenttest.Sample(surveys.EN), Options{}))
	all := o.tree["word/document.xml"].words()
	for _, h := range documenttest.Hostile {
		if want := strings.NewReplacer("\n", "", "\t", " ").Replace(grid.Plain(h)); !strings.Contains(all, want) {
			t.Errorf("%q is not in the document", want)
		}
	}
}

func TestReportsThatCannotBeWritten(t *testing.T) {
	bad := documenttest.Sample(surveys.EN)
	bad.Sections[2].Blocks[0].Table.Rows[0].Cells[0].Notes = []int{9}
	if err := Write(io.Discard, bad, Options{}); !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), `table "rate-by-city"`) {
		t.Errorf("a footnote that is not there: %v", err)
	}
	if err := Write(io.Discard, &document.Document{Lang: "fr"}, Options{}); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("another language: %v", err)
	}
	broken := errors.New("no chart engine")
	for name, p := range map[string]func(*document.Chart) ([]byte, []byte, error){
		"error": func(*document.Chart) ([]byte, []byte, error) { return nil, nil, broken },
		"text":  func(*document.Chart) ([]byte, []byte, error) { return []byte("text"), nil, nil },
	} {
		err := Write(io.Discard, documenttest.Sample(surveys.EN), Options{Picture: p})
		if err == nil || !strings.Contains(err.Error(), `chart "cities"`) || name == "error" && !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
