package output

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/document/documenttest"
	"github.com/suyang-survey/suyang/internal/report/pdf"
	"github.com/suyang-survey/suyang/surveys"
)

func page(w io.Writer, d *document.Document) error {
	_, err := fmt.Fprintf(w, "<!doctype html><title>%s</title>", d.Title)
	return err
}

// A program that stands for the browser and writes a PDF of nothing.
func browser(t *testing.T) pdf.Options {
	path := filepath.Join(t.TempDir(), "browser")
	script := "#!/bin/sh\nfor a; do case $a in --print-to-pdf=*) printf '%%PDF-1.4 /CreationDate (D:20200101000000Z) %%%%EOF' >\"${a#--print-to-pdf=}\";; esac; done\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return pdf.Options{Chromium: path}
}

var all = []Format{HTML, DOCX, XLSX, CSV, JSON, PDF}

func TestEveryForm(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	paths, err := Paths(dir+"/", "zj.zh", all)
	if err != nil {
		t.Fatal(err)
	}
	var steps []int
	opt := Options{Page: page, Print: browser(t), Progress: func(done, total int) { steps = append(steps, done*100+total) }}
	written, err := Files(t.Context(), paths, all, documenttest.Sample(surveys.ZH), opt)
	if err != nil || !slices.Equal(written, paths) || !slices.Equal(steps, []int{106, 206, 306, 406, 506, 606}) {
		t.Fatalf("written are %v, steps %v (%v)", written, steps, err)
	}
	for f, begin := range map[Format]string{HTML: "<!doctype", DOCX: "PK", XLSX: "PK", CSV: "\ufeffreport,", JSON: "{", PDF: "%PDF-1.4 /CreationDate (D:20261126013000Z)"} {
		text, err := os.ReadFile(filepath.Join(dir, "zj.zh."+string(f)))
		if err != nil || !strings.HasPrefix(string(text), begin) {
			t.Errorf("%s begins with %.40q (%v)", f, text, err)
		}
	}
	if got := names(t, dir); len(got) != len(all) {
		t.Errorf("there are %v", got)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var ns []string
	for _, e := range entries {
		ns = append(ns, e.Name())
	}
	return ns
}

// A form that fails leaves the file of before, nothing half, and the other forms.
func TestFailuresLeaveWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	before := filepath.Join(dir, "r.html")
	if err := os.WriteFile(before, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := func(w io.Writer, _ *document.Document) error {
		_, _ = io.WriteString(w, "half")
		return errors.New("the disk is full")
	}
	formats := []Format{HTML, JSON, "odt", PDF}
	paths, err := Paths(dir, "r", formats)
	if err != nil {
		t.Fatal(err)
	}
	written, err := Files(t.Context(), paths, formats, documenttest.Sample(surveys.EN), Options{Page: broken})
	for _, want := range []string{"r.html: the disk is full", `the form "odt"`, "r.pdf: the disk is full"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
	if !slices.Equal(written, []string{filepath.Join(dir, "r.json")}) || !slices.Equal(names(t, dir), []string{"r.html", "r.json"}) {
		t.Errorf("written are %v, there are %v", written, names(t, dir))
	}
	if text, _ := os.ReadFile(before); string(text) != "before" {
		t.Errorf("the file of before is %q", text)
	}
}

// A command that is killed while it writes leaves the file of before as it is and nothing under
// the name of the new one; what it had written is removed a day later, and not before, since
// another command may be at it.
func TestKilledWhileWriting(t *testing.T) {
	if dir := os.Getenv("SUYANG_TEST_WRITE_TO"); dir != "" {
		_ = File(filepath.Join(dir, os.Getenv("SUYANG_TEST_NAME")), func(w io.Writer) error {
			for {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return err
				}
				os.Stdout.WriteString("x")
			}
		})
		return
	}
	dir := t.TempDir()
	before := filepath.Join(dir, "old.html")
	if err := os.WriteFile(before, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"old.html", "new.html"} {
		c := exec.Command(os.Args[0], "-test.run", "^TestKilledWhileWriting$")
		c.Env = append(os.Environ(), "SUYANG_TEST_WRITE_TO="+dir, "SUYANG_TEST_NAME="+name)
		out, err := c.StdoutPipe()
		if err == nil {
			err = c.Start()
		}
		if err == nil {
			_, err = io.ReadFull(out, make([]byte, 20))
		}
		if err := errors.Join(err, c.Process.Kill()); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
	}
	if text, _ := os.ReadFile(before); string(text) != "before" {
		t.Errorf("the file of before has %d bytes", len(text))
	}
	left := names(t, dir)
	if len(left) != 3 || left[2] != "old.html" || !strings.HasPrefix(left[0], unfinished) {
		t.Fatalf("after two kills there are %v", left)
	}
	yesterday := time.Now().Add(-stale - time.Minute)
	if err := os.Chtimes(filepath.Join(dir, left[0]), yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	if err := File(filepath.Join(dir, "new.html"), func(w io.Writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{left[1], "new.html", "old.html"}) {
		t.Errorf("a day later there are %v", got)
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "there.html")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		out     string
		formats []Format
		want    []string
	}{
		"a file":                 {file, all[:1], []string{file}},
		"a file to be":           {filepath.Join(dir, "x.docx"), all[1:2], []string{filepath.Join(dir, "x.docx")}},
		"a folder for one":       {dir, all[1:2], []string{filepath.Join(dir, "n.docx")}},
		"a folder to be for one": {dir + "/new/", all[1:2], []string{filepath.Join(dir, "new", "n.docx")}},
		"a folder for two":       {dir, all[:2], []string{filepath.Join(dir, "n.html"), filepath.Join(dir, "n.docx")}},
		"a folder to be for two": {filepath.Join(dir, "new"), all[:2], []string{filepath.Join(dir, "new", "n.html"), filepath.Join(dir, "new", "n.docx")}},
	} {
		if got, err := Paths(c.out, "n", c.formats); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v (%v), want %v", name, got, err, c.want)
		}
	}
	if _, err := Paths(file, "n", all); !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), "several forms need a folder") {
		t.Errorf("a file for several forms: %v", err)
	}
}
