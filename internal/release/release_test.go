package release

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

var (
	update   = flag.Bool("update", false, "rewrite the golden file")
	everyBit = flag.Bool("every-bit", false, "change every bit of every file, not one of each byte")
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, surveys.ChinaTime)

// given writes a text.
func given(text string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
}

// draft is a release of two files that say which release they are of.
func draft() Draft {
	return Draft{Wave: "zj-2026", Languages: []string{"zh", "en"}, Program: "suyang 1", Revision: "abc", Now: noon,
		Contents: func(_ context.Context, a About) (Contents, error) {
			return Contents{
				Inputs: Inputs{
					Files: []Input{{"weights", "raked@2", "cd"}, {"plan", "plan.yaml", "ab"}}, Log: []Head{{1, 9, "ff"}, {0, 7, "ee"}},
					Ledger: Counts{Accepted: 7, Stored: 6, Quarantined: 1}, Settings: map[string]string{"seed": "18446744073709551615", "variance": "taylor"},
				},
				Files: []File{{"报告.html", "html zh", given(fmt.Sprintf("<p>报告 %d, %s, %s", a.Number, a.Made.Format(time.DateOnly), a.Fingerprint))}, {"data.csv", "", given("a,b\n1,2\n")}},
			}, nil
		}}
}

// correcting is a draft that corrects a release.
func correcting(number int) Draft {
	d := draft()
	d.Corrects, d.Reason = number, "加权有误"
	return d
}

func newStore(t *testing.T) *Store {
	dir := t.TempDir()
	return In(filepath.Join(dir, "releases"), KeysIn(filepath.Join(dir, "release-keys")))
}

func mustMake(t *testing.T, s *Store, d Draft) Manifest {
	t.Helper()
	m, err := s.Make(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// check opens and checks a release with the keys of a store.
func check(t *testing.T, s *Store, path string) Checked {
	t.Helper()
	keys, err := s.keys.Public()
	if err != nil {
		t.Fatal(err)
	}
	return checkWith(t, path, keys)
}

func checkWith(t *testing.T, path string, keys []Public) Checked {
	t.Helper()
	p, err := Open(path)
	if err != nil {
		return Checked{Faults: []Fault{{Text: err.Error()}}}
	}
	defer p.Close()
	return p.Check(Trust{Keys: keys})
}

// A release is whole, says what it was made of, and is read-only; its zip is one, too, and
// the same each time.
func TestMake(t *testing.T) {
	s := newStore(t)
	m := mustMake(t, s, draft())
	folder := s.folder("zj-2026", 1)
	for _, path := range []string{folder, zipOf(t, s, 1)} {
		c := check(t, s, path)
		if !c.Sound() || c.Manifest.Number != 1 || c.Signer.ID() != m.Key {
			t.Errorf("%s: %+v", path, c)
		}
	}
	if a, b := zipBytes(t, s, 1), zipBytes(t, s, 1); !bytes.Equal(a, b) {
		t.Error("the zip of a release has other bytes the second time")
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 4 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode() != 0o444 {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
	text, err := os.ReadFile(filepath.Join(folder, "报告.html"))
	signing, err2 := s.keys.Signing()
	if want := "<p>报告 1, 2026-11-26, " + signing.Fingerprint(); err != nil || err2 != nil || string(text) != want {
		t.Errorf("the report says %q, want %q", text, want)
	}
	keys, err := filepath.Glob(filepath.Join(s.keys.dir, "*.pem"))
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	if info, err := os.Stat(keys[0]); err != nil || info.Mode() != 0o600 {
		t.Errorf("the key has mode %v, %v", info.Mode(), err)
	}
}

func zipBytes(t *testing.T, s *Store, number int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Zip(&b, "zj-2026", number); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipOf(t *testing.T, s *Store, number int) string { return zipFile(t, zipBytes(t, s, number)) }

func zipFile(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "release.zip")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The canonical form is one text, whatever order maps and lists come in, and any other way
// to write the same manifest is refused.
func TestCanonical(t *testing.T) {
	m := mustMake(t, newStore(t), draft())
	m.Key, m.Outputs[1].SHA256 = "0123456789abcdef", strings.Repeat("0", 64) // of a key and a text that differ each time
	text, err := m.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "release.json")
	if *update {
		if err := os.WriteFile(golden, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(text, want) {
		t.Errorf("%v\n%s\nwant\n%s", err, text, want)
	}
	for name, change := range map[string]func(string) string{
		"no line end":  func(s string) string { return strings.TrimSuffix(s, "\n") },
		"a space more": func(s string) string { return strings.Replace(s, ": 1", ":  1", 1) },
		"a field more": func(s string) string { return strings.Replace(s, "{\n", "{\n  \"x\": 1,\n", 1) },
		"a field twice": func(s string) string {
			return strings.Replace(s, "  \"number\": 1,\n", "  \"number\": 2,\n  \"number\": 1,\n", 1)
		},
		"other letters":     func(s string) string { return strings.Replace(s, `"number"`, `"Number"`, 1) },
		"an escape":         func(s string) string { return strings.Replace(s, "报", `\u62a5`, 1) },
		"a time zone":       func(s string) string { return strings.Replace(s, "T04:00:00Z", "T12:00:00+08:00", 1) },
		"what follows":      func(s string) string { return s + "{}" },
		"another schema":    func(s string) string { return strings.Replace(s, Schema, "suyang.release.2", 1) },
		"number 0":          func(s string) string { return strings.Replace(s, `"number": 1`, `"number": 0`, 1) },
		"a path for a name": func(s string) string { return strings.Replace(s, `"data.csv"`, `"../data.csv"`, 1) },
		"a size below 0":    func(s string) string { return strings.Replace(s, `"bytes": 8`, `"bytes": -8`, 1) },
		"a wave with a dot": func(s string) string { return strings.Replace(s, `"zj-2026"`, `"../x"`, 1) },
	} {
		changed := change(string(text))
		if changed == string(text) {
			t.Errorf("%s: nothing was changed", name)
		}
		if _, err := Parse([]byte(changed)); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: Parse() = %v", name, err)
		}
	}
}

// Every single byte that is changed, in whatever file, is found, and so is each file that
// loses or gains one.
func TestEveryByte(t *testing.T) {
	s := newStore(t)
	mustMake(t, s, draft())
	folder := s.folder("zj-2026", 1)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		try := func(text []byte, what string, at int) {
			t.Helper()
			tried++
			rewrite(t, path, text)
			if c := check(t, s, folder); c.Sound() {
				t.Errorf("%s: %s at byte %d is not found", e.Name(), what, at)
			}
		}
		for at := range old {
			bits := []byte{1 << (at % 8)}
			if *everyBit {
				bits = []byte{1, 2, 4, 8, 16, 32, 64, 128}
			}
			for _, bit := range bits {
				changed := bytes.Clone(old)
				changed[at] ^= bit
				try(changed, "a change", at)
			}
			if *everyBit || at%8 == 0 {
				try(slices.Delete(bytes.Clone(old), at, at+1), "a byte less", at)
			}
		}
		try(append(bytes.Clone(old), '\n'), "a byte more", len(old))
		try(nil, "nothing left", 0)
		rewrite(t, path, old)
	}
	if c := check(t, s, folder); !c.Sound() {
		t.Errorf("put back, %v", c.Faults)
	}
	t.Logf("%d changes found", tried)
}

// rewrite writes over a file that is read-only.
func rewrite(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, text, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// What is removed, added or renamed is named; a link is no file.
func TestFiles(t *testing.T) {
	s := newStore(t)
	mustMake(t, s, draft())
	for name, c := range map[string]struct {
		do   func(at func(string) string) error
		want string
	}{
		"removed":      {func(at func(string) string) error { return os.Remove(at("data.csv")) }, "file data.csv is missing"},
		"added":        {func(at func(string) string) error { return os.WriteFile(at("more.csv"), nil, 0o600) }, `"more.csv" is not of this release`},
		"hidden":       {func(at func(string) string) error { return os.WriteFile(at(".x"), nil, 0o600) }, `".x" is not of this release`},
		"renamed":      {func(at func(string) string) error { return os.Rename(at("data.csv"), at("date.csv")) }, `"date.csv" is not of this release`},
		"swapped":      {func(at func(string) string) error { return os.Rename(at("data.csv"), at("报告.html")) }, "file 报告.html has 8 bytes"},
		"a folder":     {func(at func(string) string) error { return os.Mkdir(at("more"), 0o700) }, `"more" is no plain file`},
		"no manifest":  {func(at func(string) string) error { return os.Remove(at(ManifestName)) }, "release.json is missing"},
		"no signature": {func(at func(string) string) error { return os.Remove(at(SignatureName)) }, "release.sig is missing"},
		"a link for a file": {func(at func(string) string) error {
			return errors.Join(os.Rename(at("data.csv"), at("../data.csv")), os.Symlink("../data.csv", at("data.csv")))
		}, `"data.csv" is no plain file`},
		"a link to anywhere": {func(at func(string) string) error { return os.Symlink("/etc/hostname", at("more")) }, `"more" is no plain file`},
	} {
		folder := filepath.Join(t.TempDir(), "release")
		if err := os.CopyFS(folder, os.DirFS(s.folder("zj-2026", 1))); err != nil {
			t.Fatal(err)
		}
		if c := check(t, s, folder); !c.Sound() {
			t.Fatalf("%s: a copy: %v", name, c.Faults)
		}
		if err := c.do(func(file string) string { return filepath.Join(folder, file) }); err != nil {
			t.Fatal(err)
		}
		if c2 := check(t, s, folder); !strings.Contains(said(c2), c.want) {
			t.Errorf("%s: %q, want %q", name, c2.Faults, c.want)
		}
	}
}

// A release of another key is not one of this office, and a key of another kind is none.
func TestKeys(t *testing.T) {
	s, other := newStore(t), newStore(t)
	mustMake(t, s, draft())
	mustMake(t, other, draft())
	if c := check(t, s, other.folder("zj-2026", 1)); c.Sound() || c.Manifest.Number != 0 {
		t.Errorf("a release of another office: %+v", c)
	}
	if c := checkWith(t, s.folder("zj-2026", 1), nil); c.Sound() {
		t.Error("without a key a release is sound")
	}
	first, err := s.keys.Signing()
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.keys.Rotate()
	if err != nil || second.ID() == first.ID() {
		t.Fatal(err)
	}
	mustMake(t, s, correcting(1))
	for number, by := range map[int]Public{1: first, 2: second} {
		if c := check(t, s, s.folder("zj-2026", number)); !c.Sound() || c.Signer.ID() != by.ID() {
			t.Errorf("release %d: %v, by %s", number, c.Faults, c.Signer.ID())
		}
		again, err := ParsePublic(by.PEM())
		if err != nil || again.ID() != by.ID() {
			t.Errorf("ParsePublic() = %v", err)
		}
		if c := checkWith(t, s.folder("zj-2026", number), []Public{again}); !c.Sound() {
			t.Errorf("release %d by its PEM: %v", number, c.Faults)
		}
	}
	if c := checkWith(t, s.folder("zj-2026", 2), []Public{first}); c.Sound() {
		t.Error("the key before signs still")
	}
	left, err := filepath.Glob(filepath.Join(s.keys.dir, "*.pem"))
	if err != nil || len(left) != 1 {
		t.Errorf("private keys %v, want only the newest", left)
	}
	for name, text := range map[string]string{"nothing": "", "no key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if _, err := ParsePublic([]byte(text)); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: ParsePublic() = %v", name, err)
		}
	}
	if err := os.Remove(left[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Make(t.Context(), correcting(2)); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("with the newest key lost, Make() = %v; it must not sign with another one unasked", err)
	}
}

// A correction names what it corrects; the old one stays as it is.
func TestCorrections(t *testing.T) {
	s := newStore(t)
	mustMake(t, s, draft())
	before := zipBytes(t, s, 1)
	m := mustMake(t, s, correcting(1))
	if m.Number != 2 || m.Corrects == nil || m.Corrects.Number != 1 || m.Previous == nil || m.Corrects.SHA256 != m.Previous.SHA256 {
		t.Errorf("the correction is %+v", m)
	}
	mustMake(t, s, correcting(2))
	mustMake(t, s, draft())
	if !bytes.Equal(before, zipBytes(t, s, 1)) {
		t.Error("the release that was corrected has changed")
	}
	list, err := s.List("zj-2026")
	if err != nil {
		t.Fatal(err)
	}
	var by []int
	for _, e := range list {
		if e.Err != nil {
			t.Errorf("release %d: %v", e.Number, e.Err)
		}
		by = append(by, e.CorrectedBy)
	}
	if want := []int{2, 3, 0, 0}; !slices.Equal(by, want) {
		t.Errorf("corrected by %v, want %v", by, want)
	}
	noReason := correcting(4)
	noReason.Reason = " "
	for name, d := range map[string]Draft{"one corrected already": correcting(1), "one that is not there": correcting(9), "no reason": noReason, "a path": {Wave: "../x"}} {
		if m, err := s.Make(t.Context(), d); err == nil {
			t.Errorf("%s: release %d", name, m.Number)
		}
	}
	// Whoever exchanges or removes one, even with the key, is found out by the next.
	if err := os.RemoveAll(s.folder("zj-2026", 2)); err != nil {
		t.Fatal(err)
	}
	if list, err = s.List("zj-2026"); err != nil || list[1].Number != 3 || list[1].Err == nil {
		t.Errorf("with release 2 gone, release 3 is %v, %v", list[1].Err, err)
	}
	if _, err := s.Make(t.Context(), draft()); err == nil {
		t.Error("a release follows what is damaged")
	}
}

// A number is never given twice, even when the newest release is removed by hand.
func TestNumbers(t *testing.T) {
	s := newStore(t)
	mustMake(t, s, draft())
	mustMake(t, s, draft())
	if err := os.RemoveAll(s.folder("zj-2026", 2)); err != nil {
		t.Fatal(err)
	}
	if m := mustMake(t, s, draft()); m.Number != 3 {
		t.Errorf("the next number is %d, want 3", m.Number)
	}
	failing := draft()
	failing.Contents = func(context.Context, About) (Contents, error) { return Contents{}, errors.New("no") }
	half := draft()
	half.Contents = func(context.Context, About) (Contents, error) {
		return Contents{Files: []File{{"a", "", given("x")}, {"b", "", func(io.Writer) error { return errors.New("no") }}}}, nil
	}
	none := draft()
	none.Contents = func(context.Context, About) (Contents, error) { return Contents{}, nil }
	for name, d := range map[string]Draft{"contents": failing, "a file": half, "no files": none} {
		if _, err := s.Make(t.Context(), d); err == nil {
			t.Errorf("%s that cannot be made: a release", name)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.wave("zj-2026"), ".*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	if m := mustMake(t, s, draft()); m.Number != 4 {
		t.Errorf("after failures the next number is %d, want 4", m.Number)
	}
}

// Names that another system takes for something else, and those of the release's own files,
// are refused.
func TestNames(t *testing.T) {
	s := newStore(t)
	for _, names := range [][]string{{""}, {"../a"}, {"/a"}, {`a\b`}, {"a/b"}, {".a"}, {"-a"}, {"a."}, {"a b"}, {"NUL"}, {"con.txt"}, {"a\x00"}, {"\xff"}, {"a", "A"}, {"a", "a"}, {ManifestName}, {"Release.SIG"}, {ZipName}, {strings.Repeat("a", 129)}, {"a\u202eb"}} {
		d := draft()
		d.Contents = func(context.Context, About) (c Contents, err error) {
			for _, n := range names {
				c.Files = append(c.Files, File{n, "", given("x")})
			}
			return c, nil
		}
		if _, err := s.Make(t.Context(), d); !errors.Is(err, surveys.ErrInvalid) && !errors.Is(err, surveys.ErrConflict) {
			t.Errorf("%q: Make() = %v", names, err)
		}
	}
}

// Of two that make a release at one time, one is refused and told why.
func TestTwoAtOnce(t *testing.T) {
	s := newStore(t)
	d := draft()
	contents := d.Contents
	d.Contents = func(ctx context.Context, a About) (Contents, error) {
		if _, err := s.Make(ctx, draft()); !errors.Is(err, surveys.ErrConflict) {
			t.Errorf("a second one at the same time: %v", err)
		}
		return contents(ctx, a)
	}
	if m := mustMake(t, s, d); m.Number != 1 {
		t.Errorf("number %d", m.Number)
	}
}

// Publishing is a mark beside the release, which can be taken back; what is damaged is not
// published.
func TestPublish(t *testing.T) {
	s := newStore(t)
	mustMake(t, s, draft())
	public := func() bool {
		e, err := s.Find("zj-2026", 1)
		if err != nil {
			t.Fatal(err)
		}
		return e.Public
	}
	if public() {
		t.Error("a release is public before it was published")
	}
	for _, want := range []bool{true, true, false, false} {
		if err := s.Publish("zj-2026", 1, want); err != nil || public() != want {
			t.Errorf("Publish(%v): %v, %v", want, public(), err)
		}
	}
	if err := s.Publish("zj-2026", 2, true); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
	rewrite(t, filepath.Join(s.folder("zj-2026", 1), SignatureName), make([]byte, 64))
	if err := s.Publish("zj-2026", 1, true); err == nil {
		t.Error("a damaged release is published")
	}
}

// What is given out is what was signed, or an error.
func TestOpenFile(t *testing.T) {
	s := newStore(t)
	mustMake(t, s, draft())
	f, err := s.OpenFile("zj-2026", 1, "data.csv")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	f.Close()
	if err != nil || string(text) != "a,b\n1,2\n" {
		t.Errorf("%q, %v", text, err)
	}
	for _, name := range []string{"../last", "", ".", "1", "nothing", "/etc/passwd"} {
		if _, err := s.OpenFile("zj-2026", 1, name); !errors.Is(err, surveys.ErrNotFound) {
			t.Errorf("OpenFile(%q) = %v", name, err)
		}
	}
	rewrite(t, filepath.Join(s.folder("zj-2026", 1), "data.csv"), []byte("a,b\n1,3\n"))
	if _, err := s.OpenFile("zj-2026", 1, "data.csv"); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("a changed file: %v", err)
	}
	if err := s.Zip(io.Discard, "zj-2026", 1); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("a zip of a changed file: %v", err)
	}
}

// What is made again is compared byte for byte, and the first byte that differs is named.
func TestAgain(t *testing.T) {
	s := newStore(t)
	m := mustMake(t, s, draft())
	text, err := os.ReadFile(filepath.Join(s.folder("zj-2026", 1), "报告.html"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"the same": {string(text), ""},
		"other":    {strings.Replace(string(text), "2026", "2027", 1), "file 报告.html, made again, has other bytes from byte 16 on (line 1)"},
	} {
		differ, made, err := s.Again(m, func(o Output, w io.Writer) error {
			if o.Recipe != "html zh" {
				t.Errorf("recipe %q", o.Recipe)
			}
			return given(c.text)(w)
		})
		if err != nil || made != 1 || (c.want == "") != (len(differ) == 0) || !strings.HasPrefix(strings.Join(differ, ""), c.want) {
			t.Errorf("%s: %q, %d, %v", name, differ, made, err)
		}
	}
}

func TestDifferences(t *testing.T) {
	was := Inputs{Files: []Input{{"plan", "plan.yaml", "a"}, {"sample", "zj", "b"}, {"weights", "raked@1", "c"}}}
	now := Inputs{Files: []Input{{"plan", "plan.yaml", "a"}, {"sample", "zj", "x"}, {"questionnaire", "v2", "d"}}}
	want := []string{"sample zj has changed: x, was b", "weights raked@1 is not there any more", "questionnaire v2 is new"}
	if got := Differences(was, now); !slices.Equal(got, want) {
		t.Errorf("Differences() = %q, want %q", got, want)
	}
	if got := Differences(was, was); len(got) > 0 {
		t.Errorf("the same inputs: %q", got)
	}
}

// recipe is what the manual says.
const recipe = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in release.json -sigfile release.sig"

// openssl alone checks a signature, by the recipe of the manual.
func TestOpenSSL(t *testing.T) {
	manual, err := os.ReadFile("../../web/docs/reference/releases.md")
	if err != nil || !strings.Contains(string(manual), recipe) {
		t.Errorf("the manual has another recipe: %v", err)
	}
	version, err := exec.Command("openssl", "version").Output()
	if err != nil || strings.HasPrefix(string(version), "OpenSSL 1") {
		if os.Getenv("CI") == "true" {
			t.Fatal("openssl 3 is missing; install it with: make deps")
		}
		t.Skip("openssl 3 is missing; make deps installs it")
	}
	s := newStore(t)
	mustMake(t, s, draft())
	signing, err := s.keys.Signing()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "release")
	if err := errors.Join(os.CopyFS(folder, os.DirFS(s.folder("zj-2026", 1))), os.WriteFile(filepath.Join(folder, "key.pem"), signing.PEM(), 0o600)); err != nil {
		t.Fatal(err)
	}
	verify := func() (string, error) {
		cmd := exec.Command("sh", "-e", "-c", recipe)
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := verify(); err != nil || !strings.Contains(out, "Signature Verified Successfully") {
		t.Errorf("%v: %s", err, out)
	}
	manifest := filepath.Join(folder, ManifestName)
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, manifest, bytes.Replace(text, []byte("taylor"), []byte("Taylor"), 1))
	if out, err := verify(); err == nil {
		t.Errorf("a changed manifest: %s", out)
	}
}

// A release that is gone from the middle is missed by the one after it.
func TestMissing(t *testing.T) {
	s := newStore(t)
	for range 3 {
		mustMake(t, s, draft())
	}
	if err := os.RemoveAll(s.folder("zj-2026", 2)); err != nil {
		t.Fatal(err)
	}
	list, err := s.List("zj-2026")
	if err != nil || len(list) != 2 || list[0].Err != nil || !errors.Is(list[1].Err, surveys.ErrConflict) {
		t.Errorf("List() = %+v, %v", list, err)
	}
}

// endless gives bytes until it is asked for too many.
type endless struct{ n int }

func (e *endless) Read(b []byte) (int, error) {
	if e.n += len(b); e.n > 1<<20 {
		return 0, errors.New("read far beyond the limit")
	}
	return len(b), nil
}

// No more of a file is read than was signed.
func TestReadsNoMore(t *testing.T) {
	if _, _, err := sumAll(&endless{}, 100); !errors.Is(err, surveys.ErrTooLarge) {
		t.Errorf("sumAll() = %v", err)
	}
}
