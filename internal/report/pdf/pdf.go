// Package pdf prints the HTML of a report as PDF with a Chromium that is installed: what the
// page looks like on paper is said in one place, its style for printing. The PDF is tagged, has
// an outline, and the fonts it needs.
package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Options say how to print.
type Options struct {
	// Chromium is the name or path of the browser; without it the usual names are looked for.
	Chromium string
	// Timeout is how long printing may take; 0 means DefaultTimeout.
	Timeout time.Duration
	// Made is the time that the PDF says it was made at.
	Made time.Time
}

// DefaultTimeout is enough for a report of hundreds of tables on a busy machine.
const DefaultTimeout = 3 * time.Minute

// ErrNoBrowser says that there is no browser to print with.
var ErrNoBrowser = errors.New("there is no Chromium to print the PDF with")

// wayOut is what to do without a browser.
const wayOut = "install Chromium and Chinese fonts (Debian: apt install chromium fonts-noto-cjk), or name the browser with --chromium; or open the HTML report in any browser and print it to PDF"

// usual are the names of the browser in the order in which they are looked for.
var usual = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// Find returns the path of the browser: the one that is named, or else the first of the usual
// ones that is installed. An error wraps ErrNoBrowser and says the way out.
func Find(name string) (string, error) {
	if name != "" {
		path, err := exec.LookPath(name)
		if err != nil {
			return "", fmt.Errorf("%w: %s is not there or cannot be run (%v); %s", ErrNoBrowser, name, err, wayOut)
		}
		return path, nil
	}
	for _, n := range usual {
		if path, err := exec.LookPath(n); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: none of %s is installed; %s", ErrNoBrowser, strings.Join(usual, ", "), wayOut)
}

// Write prints a page, which must need nothing from anywhere, to w. The browser gets a profile
// of its own that is removed afterwards, and no network. The same page printed by the same
// version of the browser with the same fonts gives the same bytes: two of its PDFs differ in
// the times they were made at, which become opt.Made, and in the numbers of tagged elements,
// which are counted anew.
func Write(ctx context.Context, w io.Writer, html []byte, opt Options) error {
	browser, err := Find(opt.Chromium)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "suyang-print-")
	if err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	defer os.RemoveAll(dir)
	page := filepath.Join(dir, "report.html")
	if err := os.WriteFile(page, html, 0o600); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	printed, err := printOut(ctx, browser, page, opt)
	if err != nil {
		return fmt.Errorf("print the report with %s: %w", browser, err)
	}
	_, err = w.Write(numbered(dated(printed, opt.Made)))
	return err
}

// printOut runs the browser on a page in a folder that is its own.
func printOut(ctx context.Context, browser, page string, opt Options) ([]byte, error) {
	timeout := opt.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it was not done after %s; close other programs and try again", timeout))
	defer cancel()
	out := filepath.Join(filepath.Dir(page), "report.pdf")
	cmd := exec.CommandContext(ctx, browser, arguments(filepath.Dir(page), out, page)...)
	var talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &talk, &talk
	killWithChildren(cmd)
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("%w: %s", err, last(talk.String()))
	}
	printed, err := os.ReadFile(out)
	if err != nil || !bytes.HasPrefix(printed, []byte("%PDF-")) || !bytes.Contains(printed[max(0, len(printed)-64):], []byte("%%EOF")) {
		return nil, fmt.Errorf("it wrote no PDF; a browser that is confined to some folders must be able to write below %s (TMPDIR chooses another one): %s", filepath.Dir(filepath.Dir(page)), last(talk.String()))
	}
	return printed, nil
}

// arguments are those of the browser. Everything that would ask the network is off, and what
// asks nevertheless gets no answer. The sandbox of the browser does not work for root.
func arguments(dir, out, page string) []string {
	args := []string{
		"--headless", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir=" + filepath.Join(dir, "profile"),
		"--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync", "--disable-default-apps",
		"--disable-component-update", "--disable-background-networking", "--disable-breakpad", "--metrics-recording-only",
		"--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=http://127.0.0.1:9", "--proxy-bypass-list=<-loopback>",
		"--virtual-time-budget=10000", "--run-all-compositor-stages-before-draw",
		"--export-tagged-pdf", "--generate-pdf-document-outline", "--no-pdf-header-footer", "--print-to-pdf=" + out,
	}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox")
	}
	return append(args, (&url.URL{Scheme: "file", Path: filepath.ToSlash(page)}).String())
}

// last is the end of what the browser said.
func last(talk string) string {
	lines := strings.Split(strings.TrimSpace(talk), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// times are where a PDF says when it was made.
var times = regexp.MustCompile(`/(CreationDate|ModDate) ?\(D:\d{14}(Z|[+-]\d\d'\d\d'?)\)`)

// dated makes the PDF say that it was made at a time. Lengths stay the same, so that the table
// of the places within the file stays right.
func dated(printed []byte, made time.Time) []byte {
	digits := []byte(made.UTC().Format("20060102150405"))
	return times.ReplaceAllFunc(printed, func(old []byte) []byte {
		fixed := bytes.Clone(old)
		i := bytes.Index(fixed, []byte("D:")) + 2
		copy(fixed[i:], digits)
		if zone := i + 14; fixed[zone] != 'Z' {
			copy(fixed[zone:], "+00'00")
		}
		return fixed
	})
}

// nodes are the names of tagged elements. The browser counts whatever it made, in an order that
// depends on what was ready first.
var nodes = regexp.MustCompile(`\(node\d{8}\)`)

// numbered counts the tagged elements from 1. Their order stays, since the tree of their names
// is sorted, and so do the lengths.
func numbered(printed []byte) []byte {
	seen := map[string]bool{}
	for _, n := range nodes.FindAll(printed, -1) {
		seen[string(n)] = true
	}
	anew := map[string][]byte{}
	for i, n := range slices.Sorted(maps.Keys(seen)) {
		anew[n] = fmt.Appendf(nil, "(node%08d)", i+1)
	}
	return nodes.ReplaceAllFunc(printed, func(n []byte) []byte { return anew[string(n)] })
}
