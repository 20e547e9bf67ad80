package release

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// Package is a release as it was handed over: a folder or a zip. Nothing in it is trusted
// before Check.
type Package struct {
	// files are what is in it by name, odd what has no place in a release, in words.
	files map[string]opener
	odd   []string
	close func() error
}

// opener opens a file of a package.
type opener func() (io.ReadCloser, error)

// Open opens the release in a folder or a zip.
func Open(path string) (*Package, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return openFolder(path)
	}
	return openZip(path)
}

// Close ends reading.
func (p *Package) Close() error { return p.close() }

// openFolder lists a folder; only plain files are opened, no links.
func openFolder(dir string) (*Package, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	p := &Package{files: map[string]opener{}, close: root.Close}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	for _, e := range entries {
		name := e.Name()
		if !e.Type().IsRegular() {
			p.odd = append(p.odd, fmt.Sprintf("%.160q is no plain file", name))
			continue
		}
		p.add(name, func() (io.ReadCloser, error) { return root.Open(name) })
	}
	return p, nil
}

// add takes a file in, unless it has the name of another one or too many are there.
func (p *Package) add(name string, open opener) {
	switch {
	case p.files[name] != nil:
		p.odd = append(p.odd, fmt.Sprintf("%.160q is there twice", name))
	case len(p.files) > maxFiles+2:
		if len(p.odd) < maxFiles {
			p.odd = append(p.odd, fmt.Sprintf("%.160q is one file too many", name))
		}
	default:
		p.files[name] = open
	}
}

// openZip lists a zip. Its names, kinds and sizes are only claims: files are read up to the
// size that the signed manifest says.
func openZip(path string) (*Package, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("%s is no whole zip: %w: %w", path, surveys.ErrInvalid, err)
	}
	p := &Package{files: map[string]opener{}, close: z.Close}
	for _, f := range z.File {
		switch {
		case !f.Mode().IsRegular() || strings.HasSuffix(f.Name, "/"):
			p.odd = append(p.odd, fmt.Sprintf("%.160q is no plain file", f.Name))
		case f.Name != ManifestName && f.Name != SignatureName && checkName(f.Name) != nil:
			p.odd = append(p.odd, checkName(f.Name).Error())
		case f.Flags&1 != 0:
			p.odd = append(p.odd, fmt.Sprintf("%.160q is encrypted", f.Name))
		default:
			p.add(f.Name, f.Open)
		}
		if len(p.odd) > maxFiles {
			return nil, errors.Join(fmt.Errorf("%s holds far more than a release does: %w", path, surveys.ErrTooLarge), z.Close())
		}
	}
	return p, nil
}

// read reads a file of at most limit bytes.
func (p *Package) read(name string, limit int64) ([]byte, error) {
	open := p.files[name]
	if open == nil {
		return nil, fmt.Errorf("%s is missing: %w", name, surveys.ErrNotFound)
	}
	f, err := open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("it has more than %d bytes: %w", limit, surveys.ErrTooLarge)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// Checked is what checking a package found.
type Checked struct {
	// Manifest is the zero one unless the signature is right.
	Manifest Manifest
	// SHA256 is that of the manifest, Signer the key that signed it.
	SHA256 string
	Signer Public
	// Revoked says that the key that signed is not trusted any more; nil when it is.
	Revoked *Revocation
	// Faults are everything that is wrong; none when the release is whole, as it was signed,
	// and by a key that is trusted.
	Faults []Fault
}

// Fault is something that is wrong with a release.
type Fault struct {
	Kind FaultKind
	// File is the file that it is about, empty for none.
	File string
	// Text says all of it in English.
	Text string
}

func (f Fault) String() string { return f.Text }

// FaultKind says what is wrong.
type FaultKind string

// The kinds of faults.
const (
	FaultOdd       FaultKind = "odd"       // something in it that no release has
	FaultHead      FaultKind = "head"      // manifest or signature is missing or cannot be read
	FaultSignature FaultKind = "signature" // not signed by a trusted key, or changed
	FaultForm      FaultKind = "form"      // the manifest is not in its form
	FaultKey       FaultKind = "key"       // the manifest names another key than that which signed
	FaultRevoked   FaultKind = "revoked"   // the key is not trusted any more
	FaultMissing   FaultKind = "missing"   // a file is missing
	FaultChanged   FaultKind = "changed"   // a file was changed, or cannot be read
	FaultUnsigned  FaultKind = "unsigned"  // a file is not of the release
	FaultPlace     FaultKind = "place"     // it does not fit the releases around it
)

// FaultKinds lists the kinds.
func FaultKinds() []FaultKind {
	return []FaultKind{FaultOdd, FaultHead, FaultSignature, FaultForm, FaultKey, FaultRevoked, FaultMissing, FaultChanged, FaultUnsigned, FaultPlace}
}

// Sound says whether the release is whole and as it was signed.
func (c Checked) Sound() bool { return len(c.Faults) == 0 }

func (c *Checked) fault(kind FaultKind, file, format string, args ...any) {
	c.Faults = append(c.Faults, Fault{kind, file, fmt.Sprintf(format, args...)})
}

// Check checks a package with what is trusted: the signature, that its key is not revoked, the
// form of the manifest, the hash of every file, and that there is no other one. When the signature is
// wrong nothing else is read, since nothing else that the package says can be believed.
func (p *Package) Check(trust Trust) (c Checked) {
	for _, o := range p.odd {
		c.fault(FaultOdd, "", "%s", o)
	}
	text, err := p.read(ManifestName, maxManifest)
	signature, err2 := p.read(SignatureName, ed25519.SignatureSize)
	if err = errors.Join(err, err2); err != nil {
		c.fault(FaultHead, "", "%v", err)
		return c
	}
	if c.Signer, err = signerOf(text, signature, trust.Keys); err != nil {
		c.fault(FaultSignature, "", "%v", err)
		return c
	}
	m, err := Parse(text)
	if err != nil {
		c.fault(FaultForm, "", "%v", err)
		return c
	}
	c.Manifest, c.SHA256 = m, sumOf(text)
	if c.Revoked = revoked(trust.Revoked, c.Signer); c.Revoked != nil {
		c.fault(FaultRevoked, "", "it is signed by key %s, which is revoked since %s: %s; it says that it was made on %s, but whoever has the key can write any day",
			c.Revoked.ID(), c.Revoked.Since, c.Revoked.Reason, m.Made.In(surveys.ChinaTime).Format(time.DateOnly))
	}
	if m.Key != c.Signer.ID() {
		c.fault(FaultKey, "", "%s says that key %.40q signs, and key %s has", ManifestName, m.Key, c.Signer.ID())
	}
	p.checkFiles(&c)
	return c
}

// signerOf is the key whose signature it is.
func signerOf(text, signature []byte, keys []Public) (Public, error) {
	if len(signature) == ed25519.SignatureSize {
		for _, k := range keys {
			if k.verify(text, signature) {
				return k, nil
			}
		}
	}
	if len(keys) == 0 {
		return Public{}, fmt.Errorf("there is no key to check the signature with: %w", surveys.ErrNotFound)
	}
	return Public{}, fmt.Errorf("%s is not the signature of %s by key %s: one of the two was changed, or another key signed: %w",
		SignatureName, ManifestName, keyIDs(keys), surveys.ErrConflict)
}

func keyIDs(keys []Public) string {
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.ID())
	}
	return strings.Join(ids, " or ")
}

// checkFiles compares the files with those of the manifest.
func (p *Package) checkFiles(c *Checked) {
	for _, o := range c.Manifest.Outputs {
		if p.files[o.Name] == nil {
			c.fault(FaultMissing, o.Name, "file %s is missing", o.Name)
			continue
		}
		if why := p.differs(o); why != "" {
			c.fault(FaultChanged, o.Name, "file %s %s", o.Name, why)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		if _, ok := c.Manifest.output(name); !ok && name != ManifestName && name != SignatureName {
			c.fault(FaultUnsigned, name, "file %.160q is not of this release", name)
		}
	}
}

// differs says how a file is not the one of the manifest.
func (p *Package) differs(o Output) string {
	f, err := p.files[o.Name]()
	if err != nil {
		return "cannot be read: " + err.Error()
	}
	defer f.Close()
	sum, n, err := sumAll(f, o.Bytes)
	switch {
	case errors.Is(err, surveys.ErrTooLarge):
		return fmt.Sprintf("has more than the %d bytes that were signed", o.Bytes)
	case err != nil:
		return "cannot be read: " + err.Error()
	case n != o.Bytes:
		return fmt.Sprintf("has %d bytes, and %d were signed", n, o.Bytes)
	case sum != o.SHA256:
		return "was changed: its SHA-256 is " + sum + ", and " + o.SHA256 + " was signed"
	}
	return ""
}

// Check checks a release of the store with its own keys: as Package.Check does, and that it
// fits the releases around it. It is surveys.ErrNotFound when there is none of that number.
func (s *Store) Check(wave string, number int) (Checked, Entry, error) {
	e, err := s.Find(wave, number)
	if err != nil {
		return Checked{}, e, err
	}
	trust, err := s.keys.Trust()
	if err != nil {
		return Checked{}, e, err
	}
	p, err := Open(s.folder(wave, number))
	if err != nil {
		return Checked{}, e, err
	}
	defer p.Close()
	c := p.Check(trust)
	if e.Err != nil && !slices.ContainsFunc(c.Faults, func(f Fault) bool { return f.Kind == FaultHead || f.Kind == FaultSignature || f.Kind == FaultForm }) {
		c.fault(FaultPlace, "", "%v", e.Err)
	}
	return c, e, nil
}

// Zip writes a release of the store as one file. The same release gives the same bytes: its
// files are in order, not compressed, and have the time of the release.
func (s *Store) Zip(w io.Writer, wave string, number int) error {
	m, _, _, err := s.manifest(wave, number)
	if err != nil {
		return fmt.Errorf("release %d of wave %s: %w", number, wave, err)
	}
	z := zip.NewWriter(w)
	names := []string{ManifestName, SignatureName}
	for _, o := range m.Outputs {
		names = append(names, o.Name)
	}
	for _, name := range names {
		if err := s.zipFile(z, m, name); err != nil {
			return fmt.Errorf("write the zip: %w", err)
		}
	}
	return z.Close()
}

func (s *Store) zipFile(z *zip.Writer, m Manifest, name string) error {
	f, err := s.OpenFile(m.Wave, m.Number, name)
	if err != nil {
		return err
	}
	defer f.Close()
	head := &zip.FileHeader{Name: name, Method: zip.Store, Modified: m.Made}
	head.SetMode(0o444)
	w, err := z.CreateHeader(head)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}

// Again makes the files of a release anew by their recipes and compares them, byte for byte.
// remake writes the file of a recipe. It returns what differs, in words, and how many files
// were made again: those that were given cannot be.
func (s *Store) Again(m Manifest, remake func(Output, io.Writer) error) (differ []string, made int, err error) {
	for _, o := range m.Outputs {
		if o.Recipe == "" {
			continue
		}
		var again bytes.Buffer
		if err := remake(o, &again); err != nil {
			return differ, made, fmt.Errorf("make %s again: %w", o.Name, err)
		}
		made++
		if sumOf(again.Bytes()) != o.SHA256 {
			differ = append(differ, s.firstDifference(m, o, again.Bytes()))
		}
	}
	return differ, made, nil
}

// firstDifference says where a file that was made again begins to differ.
func (s *Store) firstDifference(m Manifest, o Output, again []byte) string {
	old, err := os.ReadFile(filepath.Join(s.folder(m.Wave, m.Number), o.Name))
	if errors.Is(err, fs.ErrNotExist) || err == nil && sumOf(old) != o.SHA256 {
		return fmt.Sprintf("file %s, made again, has other bytes", o.Name)
	}
	at := 0
	for at < min(len(old), len(again)) && old[at] == again[at] {
		at++
	}
	return fmt.Sprintf("file %s, made again, has other bytes from byte %d on (line %d); it has %d, and had %d", o.Name, at, 1+bytes.Count(again[:at], []byte("\n")), len(again), len(old))
}

// Differences says how the inputs of a release differ from what there is now. Heads of logs
// are not compared: a log grows, and whether a head is still in it the log itself knows.
func Differences(was, now Inputs) (list []string) {
	name := func(i Input) string { return i.Kind + " " + i.Name }
	has := map[string]string{}
	for _, i := range now.Files {
		has[name(i)] = i.Digest
	}
	for _, i := range was.Files {
		digest, ok := has[name(i)]
		delete(has, name(i))
		switch {
		case !ok:
			list = append(list, fmt.Sprintf("%s is not there any more", name(i)))
		case digest != i.Digest:
			list = append(list, fmt.Sprintf("%s has changed: %s, was %s", name(i), digest, i.Digest))
		}
	}
	for _, i := range now.Files {
		if _, ok := has[name(i)]; ok {
			list = append(list, fmt.Sprintf("%s is new", name(i)))
		}
	}
	return list
}
