package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var made = time.Date(2026, 11, 26, 9, 30, 0, 0, time.FixedZone("CST", 8*3600))

// browser skips a test where there is none; in CI it must be there.
func browser(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser is slow; leave out -short to print")
	}
	if _, err := Find(""); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// A page of two chapters, of which the second is written by a script, as charts are.
const sample = `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>科学素质报告</title>
<style>@page{size:A4;margin:20mm} h1+h1,h1.next{break-before:page}</style>
<h1>主要结果</h1><table><caption>表 1</caption><tr><th scope="col">市</th></tr><tr><td>杭州</td></tr></table>
<div id="late"></div><script>setTimeout(() => { document.getElementById("late").innerHTML = '<h1 class="next">方法</h1>' }, 500)</script>
<img src="%s/pixel.png" alt=""><script>fetch("%s/beacon").catch(() => {})</script></html>`

func TestPrinting(t *testing.T) {
	browser(t)
	var asked atomic.Int64
	outside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer outside.Close()
	page := []byte(fmt.Sprintf(sample, outside.URL, outside.URL))
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var one, two bytes.Buffer
	for _, w := range []*bytes.Buffer{&one, &two} {
		if err := Write(t.Context(), w, page, Options{Made: made}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // the next PDF is of another second
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("the same page gives two PDFs")
	}
	for _, want := range []string{"/CreationDate (D:20261126013000+00'00')", "/ModDate (D:20261126013000+00'00')", "/Marked true", "/Lang (zh-CN)", "/Type /Outlines", "/Count 2"} {
		if !bytes.Contains(one.Bytes(), []byte(want)) {
			t.Errorf("the PDF has no %s", want)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the page asked the network %d times", n)
	}
	left, err := filepath.Glob(filepath.Join(temp, "suyang-print-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("there is left %v (%v)", left, err)
	}
}

// script is a program that stands for a browser.
func script(t *testing.T, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "browser")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+lines+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhatABrowserCanDoWrong(t *testing.T) {
	write := `for a; do case $a in --print-to-pdf=*) printf '%s' "$TEXT" >"${a#--print-to-pdf=}";; esac; done`
	for name, c := range map[string]struct{ lines, want string }{
		"fails":             {"echo no display >&2; exit 3", "exit status 3: no display"},
		"writes nothing":    {"echo cannot open the page >&2", "wrote no PDF"},
		"writes no PDF":     {"TEXT='<html>'; " + write, "wrote no PDF"},
		"writes half a PDF": {"TEXT='%PDF-1.4 and no end'; " + write, "wrote no PDF"},
	} {
		err := Write(t.Context(), &bytes.Buffer{}, nil, Options{Chromium: script(t, c.lines)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A browser that hangs is ended with the processes that it started.
func TestABrowserThatHangs(t *testing.T) {
	alive := filepath.Join(t.TempDir(), "alive")
	hang := script(t, "(sleep 300; :) & echo $! >"+alive+"; wait")
	begun := time.Now()
	err := Write(t.Context(), &bytes.Buffer{}, nil, Options{Chromium: hang, Timeout: 2 * time.Second})
	if err == nil || !strings.Contains(err.Error(), "not done after 2s") {
		t.Errorf("a browser that hangs: %v", err)
	}
	if d := time.Since(begun); d > time.Minute {
		t.Errorf("it was ended after %s", d)
	}
	pid, err := os.ReadFile(alive)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		state, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
		if err != nil || strings.Contains(string(state), ") Z ") {
			pid = nil
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if pid != nil {
		t.Errorf("process %s goes on", pid)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Write(ctx, &bytes.Buffer{}, nil, Options{Chromium: hang}); !errors.Is(err, context.Canceled) {
		t.Errorf("somebody gave up: %v", err)
	}
}

func TestWithoutABrowser(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, name := range []string{"", "/nowhere/chromium"} {
		err := Write(t.Context(), &bytes.Buffer{}, nil, Options{Chromium: name})
		if !errors.Is(err, ErrNoBrowser) || !strings.Contains(err.Error(), "--chromium") || !strings.Contains(err.Error(), "print it to PDF") {
			t.Errorf("without a browser: %v, want the way out", err)
		}
		if name != "" && !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}

func TestTheRootAloneGoesWithoutSandbox(t *testing.T) {
	args := strings.Join(arguments("/d", "/d/report.pdf", "/d/a b#c.html"), " ")
	if got, want := strings.Contains(args, "--no-sandbox"), os.Geteuid() == 0; got != want {
		t.Errorf("without sandbox: %v, want %v", got, want)
	}
	if !strings.HasSuffix(args, " file:///d/a%20b%23c.html") {
		t.Errorf("the page is %s", args)
	}
}

func TestDates(t *testing.T) {
	for in, want := range map[string]string{
		"/CreationDate (D:20200101000000+08'00')": "/CreationDate (D:20261126013000+00'00')",
		"/ModDate (D:20200101000000Z)":            "/ModDate (D:20261126013000Z)",
		"/ModDate(D:20200101000000-05'30)":        "/ModDate(D:20261126013000+00'00)",
		"text (D:20200101000000+00'00')":          "text (D:20200101000000+00'00')",
	} {
		if got := string(dated([]byte(in), made)); got != want {
			t.Errorf("dated(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestElementsAreCountedAnew(t *testing.T) {
	one, two := "/Headers [(node00000014)] /ID (node00000020) (node00000014)", "/Headers [(node00000015)] /ID (node00000029) (node00000015)"
	if a, b := numbered([]byte(one)), numbered([]byte(two)); string(a) != "/Headers [(node00000001)] /ID (node00000002) (node00000001)" || !bytes.Equal(a, b) {
		t.Errorf("numbered() = %q and %q", a, b)
	}
}
