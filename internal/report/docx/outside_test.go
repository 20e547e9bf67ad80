package docx

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/document/documenttest"
	"github.com/suyang-survey/suyang/surveys"
)

// program finds a program that not everybody has.
func program(t *testing.T, name, packages string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("other programs are slow; leave out -short to try them")
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is missing; install %s to see that it opens the document", name, packages)
	}
	return path
}

// saved is the path of the sample as DOCX.
func saved(t *testing.T, d *document.Document) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample.docx")
	if err := os.WriteFile(path, written(t, d, Options{Picture: picture}), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Pandoc reads what the document means: headings, tables with captions, footnotes, lists,
// pictures with their words. The sample is the Chinese one: pandoc 2.17 gives captions that
// count “Table” to the tables one after the other, also to those that have none.
func TestPandocReadsTheDocument(t *testing.T) {
	pandoc := program(t, "pandoc", "pandoc")
	d := documenttest.Sample(surveys.ZH)
	out, err := exec.CommandContext(t.Context(), pandoc, saved(t, d), "-t", "html", "--wrap=none").Output()
	if err != nil {
		t.Fatal(err)
	}
	page := string(out)
	for what, c := range map[string]struct {
		pattern string
		want    int
	}{
		"chapters":         {`<h1 id`, 5},
		"parts":            {`<h2 id`, 3},
		"parts of parts":   {`<h3 id`, 1},
		"tables":           {`<table`, 4 + 3}, // with the two of facts and that of cards
		"captions":         {`<caption>表 (\d|B-1) `, 4},
		"heads":            {`<thead`, 4},
		"footnotes":        {`<li id="fn\d+"`, 4 + len(documenttest.Hostile)},
		"ordered lists":    {`<ol type="1">\s*<li>(<p>)?(抽取乡镇|核对)`, 2},
		"pictures":         {`<img [^>]*alt="杭州市 23.1%，湖州市 17.1%；丽水市数据不予公布。"`, 2},
		"rows of the long": {`地心的温度非常高。`, 200},
	} {
		if got := len(regexp.MustCompile(c.pattern).FindAllString(page, -1)); got != c.want {
			t.Errorf("%d %s, want %d", got, what, c.want)
		}
	}
}

// LibreOffice lays the document out, with every chapter and every mark.
func TestLibreOfficeOpensTheDocument(t *testing.T) {
	office := program(t, "soffice", "libreoffice-writer-nogui")
	text := program(t, "pdftotext", "poppler-utils")
	d := documenttest.Sample(surveys.ZH)
	in, dir := saved(t, d), t.TempDir()
	cmd := exec.CommandContext(t.Context(), office, "--headless", "-env:UserInstallation=file://"+t.TempDir(),
		"--convert-to", "pdf", "--outdir", dir, in)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), text, "-layout", filepath.Join(dir, "sample.pdf"), "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	pages := strings.Split(strings.TrimRight(string(out), "\f"), "\f")
	for i, p := range pages {
		if !strings.Contains(p, d.Marks[0]) {
			t.Errorf("page %d does not say %q", i+1, d.Marks[0])
		}
	}
	for _, s := range d.Sections {
		if n := strings.Count(string(out), strings.TrimSpace(s.Title)); n < 2 {
			t.Errorf("%q is there %d times, want it in the contents and as a heading", s.Title, n)
		}
	}
	if heads := len(regexp.MustCompile(`题目\s+答对\s+n`).FindAllString(string(out), -1)); heads < 5 {
		t.Errorf("the head of the long table is there %d times on %d pages", heads, len(pages))
	}
}
