package release

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A zip of which a part is missing is none.
func TestTruncatedZip(t *testing.T) {
	s := newStore(t)
	mustMake(t, s, draft())
	whole := zipBytes(t, s, 1)
	path := zipFile(t, whole)
	for n := 0; n < len(whole); n += 7 {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if c := check(t, s, path); c.Sound() {
			t.Errorf("%d of %d bytes: sound", n, len(whole))
		}
	}
}

// Whatever is changed in a zip, either it is found, or every file still has the bytes that
// were signed.
func TestChangedZip(t *testing.T) {
	s := newStore(t)
	mustMake(t, s, draft())
	whole := zipBytes(t, s, 1)
	path, r := zipFile(t, whole), rand.New(rand.NewPCG(1, 1))
	found, tried := 0, 0
	step := 3
	if *everyBit {
		step = 1
	}
	for at := 0; at < len(whole); at += step {
		tried++
		changed := bytes.Clone(whole)
		changed[at] ^= byte(1 + r.IntN(255))
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if c := check(t, s, path); !c.Sound() {
			found++
		} else if got := contentOf(t, path); got != contentOf(t, zipFile(t, whole)) {
			t.Errorf("byte %d: other content is sound", at)
		}
	}
	t.Logf("%d of %d changes found; the others are in what a zip says beside its content", found, tried)
	if found < tried/2 {
		t.Errorf("only %d of %d found", found, tried)
	}
}

// contentOf is what is in a zip, as another program reads it.
func contentOf(t *testing.T, path string) string {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var b strings.Builder
	for _, name := range []string{ManifestName, SignatureName, "data.csv", "报告.html"} {
		text, err := fs.ReadFile(z, name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %q\n", name, text)
	}
	return b.String()
}

// hostileZip is the zip of a release with something more done to it.
func hostileZip(t *testing.T, s *Store, skip string, do func(*zip.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	folder := s.folder("zj-2026", 1)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == skip {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := add(z, e.Name(), 0o444, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(do(z), z.Close()); err != nil {
		t.Fatal(err)
	}
	return zipFile(t, b.Bytes())
}

func add(z *zip.Writer, name string, mode fs.FileMode, text []byte) error {
	head := &zip.FileHeader{Name: name, Method: zip.Deflate}
	head.SetMode(mode)
	w, err := z.CreateHeader(head)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// A zip made to harm is refused with words, and does not cost memory: nothing is unpacked
// beyond the sizes that were signed.
func TestHostileZips(t *testing.T) {
	s := newStore(t)
	mustMake(t, s, draft())
	zeros := make([]byte, 64<<20)
	plain := func(name string, text []byte) func(*zip.Writer) error {
		return func(z *zip.Writer) error { return add(z, name, 0o444, text) }
	}
	if c := check(t, s, hostileZip(t, s, "", func(*zip.Writer) error { return nil })); !c.Sound() {
		t.Fatalf("packed by another program: %v", c.Faults)
	}
	for name, c := range map[string]struct {
		skip string
		do   func(*zip.Writer) error
		want string
	}{
		"out of the folder":     {"", plain("../../etc/cron.d/x", nil), "no name for a file"},
		"an absolute path":      {"", plain("/etc/passwd", nil), "no name for a file"},
		"another drive":         {"", plain(`C:\x`, nil), "no name for a file"},
		"a folder":              {"", plain("x/", nil), "no plain file"},
		"in a folder":           {"", plain("x/data.csv", nil), "no name for a file"},
		"a link":                {"data.csv", func(z *zip.Writer) error { return add(z, "data.csv", 0o777|fs.ModeSymlink, []byte("/etc/passwd")) }, "no plain file"},
		"a device":              {"", func(z *zip.Writer) error { return add(z, "x", 0o666|fs.ModeDevice, nil) }, "no plain file"},
		"twice":                 {"", plain("data.csv", []byte("a,b\n9,9\n")), "is there twice"},
		"the manifest twice":    {"", plain(ManifestName, []byte("{}")), "is there twice"},
		"one more":              {"", plain("more.csv", nil), "not of this release"},
		"a bomb for a file":     {"data.csv", plain("data.csv", zeros), "more than the 8 bytes"},
		"a bomb more":           {"", plain("more.csv", zeros), "not of this release"},
		"a bomb of a manifest":  {ManifestName, plain(ManifestName, zeros), "more than 4194304 bytes"},
		"a bomb of a signature": {SignatureName, plain(SignatureName, zeros), "more than 64 bytes"},
		"a name without end":    {"", plain(strings.Repeat("a", 60_000), nil), "no name for a file"},
		"very many": {"", func(z *zip.Writer) (err error) {
			for i := range 5_000 {
				err = errors.Join(err, add(z, fmt.Sprintf("f%d", i), 0o444, nil))
			}
			return err
		}, "one file too many"},
		"very many twice": {"", func(z *zip.Writer) (err error) {
			for range 3_000 {
				err = errors.Join(err, add(z, "x", 0o444, nil))
			}
			return err
		}, "far more than a release"},
	} {
		path := hostileZip(t, s, c.skip, c.do)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := check(t, s, path)
		runtime.ReadMemStats(&after)
		if !strings.Contains(said(got), c.want) {
			t.Errorf("%s: %.300q, want %q", name, got.Faults, c.want)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 24<<20 {
			t.Errorf("%s: it cost %d MB", name, used>>20)
		}
	}
	for name, text := range map[string]string{"no zip": "hello", "empty": "", "only an end": "PK\x05\x06" + strings.Repeat("\x00", 18)} {
		if c := check(t, s, zipFile(t, []byte(text))); c.Sound() {
			t.Errorf("%s: sound", name)
		}
	}
}
