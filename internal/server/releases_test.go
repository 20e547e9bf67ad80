package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/release"
)

// released gives the desk n releases of its wave, of which the first ones are public and the
// second one corrects the first.
func (d *deskSite) released(n, public int) (dir string) {
	d.t.Helper()
	dir = d.t.TempDir()
	d.deps.Releases = release.In(filepath.Join(dir, "releases"), release.KeysIn(filepath.Join(dir, "keys")))
	for i := range n {
		draft := release.Draft{Wave: "village", Languages: []string{"zh"}, Program: "suyang", Now: noon,
			Contents: func(_ context.Context, a release.About) (release.Contents, error) {
				text := func(s string) func(io.Writer) error {
					return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
				}
				return release.Contents{Files: []release.File{{Name: "报告.html", Write: text(fmt.Sprintf("<p>%d<script>alert(1)</script>", a.Number))}, {Name: "data.csv", Write: text("a\n")}}}, nil
			}}
		if i == 1 {
			draft.Corrects, draft.Reason = 1, "加权有误，重新计算 <b>"
		}
		m, err := d.deps.Releases.Make(d.t.Context(), draft)
		d.must(err)
		if i < public {
			d.must(d.deps.Releases.Publish("village", m.Number, true))
		}
	}
	return dir
}

// Everybody reads what was published, and nothing else; the office reads all of it, and the
// audit trail says who read what was not published.
func TestReleases(t *testing.T) {
	d := newDesk(t)
	if p := d.get("/v1/release-key.pem"); p.status != http.StatusNotFound {
		t.Errorf("without releases the key is %d", p.status)
	}
	d.released(2, 1)
	d.cfg.ReportCSP = "default-src 'none'; script-src 'sha256-x'"
	for path, want := range map[string]int{
		"/release/village/1/data.csv": 200, "/release/village/1/报告.html": 200, "/release/village/1/release.json": 200, "/release/village/1/release.sig": 200, "/release/village/1/release.zip": 200,
		"/release/village/2/data.csv": 404, "/release/village/2/release.zip": 404, "/release/village/3/data.csv": 404, "/release/village/01/data.csv": 404, "/release/village/1/last": 404,
		"/release/village/1/..%2flast": 404, "/release/village/1/%2e%2e%2f2%2fdata.csv": 404, "/release/..%2fkeys/1/000001.pem": 404, "/release/%2e/1/data.csv": 404, "/release/village/-1/data.csv": 404,
		"/release/nothing/1/data.csv": 404, "/v1/release-key.pem": 200, "/v1/release-key.pem?all": 200,
	} {
		if p := d.get(path); p.status != want {
			t.Errorf("%s is %d, want %d", path, p.status, want)
		}
	}
	li, stat := d.as("li"), d.as("stat")
	if status, body := stat.open("/desk/village/releases?lang=zh"); status != 200 || !strings.Contains(body, "加权有误，重新计算 &lt;b&gt;") || !strings.Contains(body, "/desk/village/releases/2/data.csv") || !strings.Contains(body, "/release/village/1/release.zip") || !strings.Contains(body, releaseCheck[:40]) {
		t.Errorf("the page of releases: %d\n%s", status, body)
	}
	if status, body := stat.open("/desk/village/releases/2/data.csv"); status != 200 || body != "a\n" {
		t.Errorf("a file that is not public, at the desk: %d %q", status, body)
	}
	if trail, err := d.office.Trail(t.Context(), 1); err != nil || trail[0].Action != "read release" || trail[0].Object != "village 2 · data.csv" || trail[0].Who != "stat" {
		t.Errorf("the trail says %+v, %v", trail, err)
	}
	if status, _ := li.open("/desk/village/releases/2/data.csv"); status != http.StatusForbidden {
		t.Errorf("an enumerator gets %d", status)
	}
	if status, body := d.as("wu").open("/desk/village/releases?lang=zh"); status != 200 || strings.Contains(body, "/desk/village/releases/2/") {
		t.Errorf("who may not estimate sees files that are not public: %d\n%s", status, body)
	}
}

// A page of a release runs nothing but what the policy of reports names; all else is
// downloaded, and what was changed on the disk is not given out.
func TestReleaseFiles(t *testing.T) {
	d := newDesk(t)
	dir := d.released(1, 1)
	d.cfg.ReportCSP = "default-src 'none'; script-src 'sha256-x'"
	get := func(method, path string) (*http.Response, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, d.served.URL+path, nil)
		d.must(err)
		res, err := http.DefaultClient.Do(req)
		d.must(err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		d.must(err)
		return res, string(body)
	}
	for name, want := range map[string][3]string{
		"报告.html":      {"text/html; charset=utf-8", d.cfg.ReportCSP, ""},
		"data.csv":     {"text/csv; charset=utf-8", filePolicy, "attachment; filename*=UTF-8''data.csv"},
		"release.json": {"application/json; charset=utf-8", filePolicy, "attachment; filename*=UTF-8''release.json"},
		"release.zip":  {"application/zip", filePolicy, "attachment; filename*=UTF-8''village-release-1.zip"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			res, _ := get(method, "/release/village/1/"+name)
			h := res.Header
			if got := [3]string{h.Get("Content-Type"), h.Get("Content-Security-Policy"), h.Get("Content-Disposition")}; got != want || res.StatusCode != 200 || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s %s: %d %q, want %q", method, name, res.StatusCode, got, want)
			}
		}
	}
	_, zip := get(http.MethodGet, "/release/village/1/release.zip")
	_, pem := get(http.MethodGet, "/v1/release-key.pem")
	key, err := release.ParsePublic([]byte(pem))
	d.must(err)
	path := filepath.Join(t.TempDir(), "release.zip")
	d.must(os.WriteFile(path, []byte(zip), 0o600))
	p, err := release.Open(path)
	d.must(err)
	defer p.Close()
	if c := p.Check(release.Trust{Keys: []release.Public{key}}); !c.Sound() {
		t.Errorf("what was downloaded: %v", c.Faults)
	}
	file := filepath.Join(dir, "releases", "village", "1", "data.csv")
	d.must(os.Chmod(file, 0o600))
	d.must(os.WriteFile(file, []byte("b\n"), 0o600))
	if res, body := get(http.MethodGet, "/release/village/1/data.csv"); res.StatusCode != 500 || strings.Contains(body, dir) {
		t.Errorf("a changed file: %d\n%s", res.StatusCode, body)
	}
	if _, zip := get(http.MethodGet, "/release/village/1/release.zip"); bytes.Contains([]byte(zip), []byte("PK\x05\x06")) {
		t.Error("a whole zip of a release that was changed")
	}
}
