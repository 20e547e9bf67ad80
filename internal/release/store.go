package release

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/exclusive"
	"github.com/suyang-survey/suyang/surveys"
)

// Store is the folder of the releases of an installation, WAVE/NUMBER for each, and the keys
// that sign them.
type Store struct {
	dir  string
	keys Keys
	// did is told what was brought to the disk, in order; nil but for tests.
	did func(operation, path, to string)
}

// In is the store in two folders, which need not be there yet.
func In(dir string, keys Keys) *Store { return &Store{dir: dir, keys: keys} }

// Keys are those that sign.
func (s *Store) Keys() Keys { return s.keys }

// The names beside the folders of releases: the counter of numbers, the mark of a release
// that everybody may read, and the beginning of the name of one that is being made.
const (
	lastName   = "last"
	publicMark = ".public"
	making     = ".making-"
)

// About is what a release knows of itself before its files are made, so that they can say it.
type About struct {
	Wave        string
	Number      int
	Made        time.Time
	Program     string
	Fingerprint string // of the public key
	Corrects    int    // 0 for none
}

// Contents are the files of a release, and what they were made of.
type Contents struct {
	Inputs Inputs
	Files  []File
	Forced *Forced
}

// File is one to be written. Its name is that of a file without a folder.
type File struct {
	Name   string
	Recipe string
	Write  func(io.Writer) error
}

// Draft is a release to be made.
type Draft struct {
	Wave              string
	Languages         []string
	Program, Revision string
	// Corrects is the number of the release in whose place this one stands, 0 for none, and
	// Reason why.
	Corrects int
	Reason   string
	// Contents makes what is released. It is called once, when the number is known; nobody
	// else makes a release meanwhile.
	Contents func(context.Context, About) (Contents, error)
	Now      time.Time
}

// Make makes a release: after a crash it is there whole or not at all, and when Make has
// returned it stays. It is surveys.ErrConflict while another one is being made, and when
// what it corrects is corrected already.
func (s *Store) Make(ctx context.Context, d Draft) (Manifest, error) {
	m, err := s.make(ctx, d)
	if err != nil {
		return Manifest{}, fmt.Errorf("make a release of wave %s: %w", d.Wave, err)
	}
	return m, nil
}

func (s *Store) make(ctx context.Context, d Draft) (m Manifest, err error) {
	if err := checkWave(d.Wave); err != nil {
		return m, err
	}
	if err := makeFolder(s.wave(d.Wave)); err != nil {
		return m, err
	}
	unlock, err := lock(s.dir, "the releases are")
	if err != nil {
		return m, err
	}
	defer unlock()
	signing, err := s.keys.signing()
	if err == nil {
		err = s.keys.trusted(signing)
	}
	if err != nil {
		return m, err
	}
	if m, err = s.begin(d, signing.public()); err != nil {
		return m, err
	}
	contents, err := d.Contents(ctx, m.about(signing.public()))
	if err != nil {
		return m, err
	}
	m.Inputs, m.Forced = contents.Inputs.inOrder(), contents.Forced
	staging := filepath.Join(s.wave(d.Wave), making+strconv.Itoa(m.Number))
	if err := s.stage(ctx, staging, &m, contents.Files, signing); err != nil {
		return m, errors.Join(err, os.RemoveAll(staging))
	}
	return m, s.settle(m, staging)
}

func checkWave(wave string) error {
	if !wavePattern.MatchString(wave) {
		return fmt.Errorf("%.80q is no name of a wave: %w", wave, surveys.ErrInvalid)
	}
	return nil
}

func (s *Store) wave(wave string) string { return filepath.Join(s.dir, wave) }

func (s *Store) folder(wave string, number int) string {
	return filepath.Join(s.wave(wave), strconv.Itoa(number))
}

// begin gives a release its number and links it to those before.
func (s *Store) begin(d Draft, signer Public) (m Manifest, err error) {
	number, err := s.next(d.Wave)
	if err != nil {
		return m, err
	}
	list, err := s.List(d.Wave)
	if err != nil {
		return m, err
	}
	m = Manifest{Schema: Schema, Wave: d.Wave, Number: number, Languages: slices.Sorted(slices.Values(d.Languages)),
		Made: d.Now.UTC().Truncate(time.Second), Program: d.Program, Revision: d.Revision, Key: signer.ID()}
	for _, e := range list {
		if e.Err != nil {
			return m, fmt.Errorf("release %d is damaged, so no further one can follow it; restore it from a backup: %w", e.Number, e.Err)
		}
		m.Previous = &Link{e.Number, e.SHA256}
	}
	if d.Corrects != 0 {
		m.Corrects, err = correction(list, d)
	}
	return m, err
}

// correction links a draft to what it corrects.
func correction(list []Entry, d Draft) (*Correction, error) {
	at := slices.IndexFunc(list, func(e Entry) bool { return e.Number == d.Corrects })
	switch {
	case at < 0:
		return nil, fmt.Errorf("there is no release %d to correct: %w", d.Corrects, surveys.ErrNotFound)
	case list[at].CorrectedBy != 0:
		return nil, fmt.Errorf("release %d is corrected by release %d already; correct that one: %w", d.Corrects, list[at].CorrectedBy, surveys.ErrConflict)
	case strings.TrimSpace(d.Reason) == "":
		return nil, fmt.Errorf("a correction of release %d needs a reason: %w", d.Corrects, surveys.ErrInvalid)
	}
	return &Correction{Link{d.Corrects, list[at].SHA256}, d.Reason}, nil
}

// next is the number of the next release. That of one which a crash took away before it had
// its name is given again; that of one which was removed is not.
func (s *Store) next(wave string) (int, error) {
	last, err := s.last(wave)
	if err != nil {
		return 0, err
	}
	numbers, err := exclusive.Numbers(s.wave(wave))
	if err != nil {
		return 0, err
	}
	left, err := filepath.Glob(filepath.Join(s.wave(wave), making+"*"))
	if err != nil {
		return 0, err
	}
	again := slices.Contains(left, filepath.Join(s.wave(wave), making+strconv.Itoa(last))) && !slices.Contains(numbers, last)
	for _, folder := range left {
		if err := os.RemoveAll(folder); err != nil {
			return 0, err
		}
	}
	if again {
		return last, nil
	}
	return max(last, slices.Max(append(numbers, 0))) + 1, nil
}

// last is the last number that was given, 0 for none.
func (s *Store) last(wave string) (int, error) {
	path := filepath.Join(s.wave(wave), lastName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s holds no number: %w; restore it from a backup", path, err)
	}
	return n, nil
}

// inOrder are the inputs in one order, without nil.
func (in Inputs) inOrder() Inputs {
	in.Files = slices.SortedFunc(slices.Values(in.Files), func(a, b Input) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	in.Log = slices.SortedFunc(slices.Values(in.Log), func(a, b Head) int { return cmp.Compare(a.Node, b.Node) })
	return in
}

// stage writes everything of a release into a folder that has not its name yet.
func (s *Store) stage(ctx context.Context, staging string, m *Manifest, files []File, signing key) error {
	files = slices.SortedFunc(slices.Values(files), func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Name
	}
	if err := checkNames(names); err != nil {
		return err
	}
	if err := os.Mkdir(staging, 0o755); err != nil {
		return err
	}
	s.tell("mkdir", staging, "")
	for _, f := range files {
		o, err := s.put(staging, f)
		if err = errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("file %s: %w", f.Name, err)
		}
		m.Outputs = append(m.Outputs, o)
	}
	if err := s.sign(staging, *m, signing); err != nil {
		return err
	}
	if err := syncFolder(staging); err != nil {
		return err
	}
	s.tell("sync folder", staging, "")
	return nil
}

// put writes a file of a release, which nobody may write to afterwards.
func (s *Store) put(staging string, f File) (o Output, err error) {
	h := sha256.New()
	o = Output{Name: f.Name, Recipe: f.Recipe}
	path := filepath.Join(staging, f.Name)
	err = writeFile(path, 0o444, func(w io.Writer) error {
		counted := &counter{w: io.MultiWriter(w, h)}
		defer func() { o.Bytes = counted.n }()
		return f.Write(counted)
	})
	o.SHA256 = hex.EncodeToString(h.Sum(nil))
	s.tell("write and sync", path, "")
	return o, err
}

// counter counts the bytes that are written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// sign writes the manifest and its signature.
func (s *Store) sign(staging string, m Manifest, signing key) error {
	text, err := m.Canonical()
	if err != nil {
		return err
	}
	if _, err := Parse(text); err != nil { // whoever checks it would say the same
		return err
	}
	for name, b := range map[string][]byte{ManifestName: text, SignatureName: ed25519.Sign(signing.private, text)} {
		if _, err := s.put(staging, File{Name: name, Write: func(w io.Writer) error { _, err := w.Write(b); return err }}); err != nil {
			return err
		}
	}
	return nil
}

// settle gives a release its name. The counter is written first, so that the number is not
// given again to another release when somebody removes this one.
func (s *Store) settle(m Manifest, staging string) error {
	last := filepath.Join(s.wave(m.Wave), lastName)
	if err := writeWhole(last, []byte(strconv.Itoa(m.Number)+"\n"), 0o600); err != nil {
		return err
	}
	s.tell("write whole", last, "")
	to := s.folder(m.Wave, m.Number)
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("%s is there already: %w", to, surveys.ErrConflict), err)
	}
	if err := os.Rename(staging, to); err != nil {
		return err
	}
	s.tell("rename", staging, to)
	err := syncFolder(s.wave(m.Wave))
	s.tell("sync folder", s.wave(m.Wave), "")
	return err
}

func (s *Store) tell(operation, path, to string) {
	if s.did != nil {
		s.did(operation, path, to)
	}
}

// about is what the files of a release may say of it.
func (m Manifest) about(signer Public) About {
	a := About{Wave: m.Wave, Number: m.Number, Made: m.Made, Program: m.Program, Fingerprint: signer.Fingerprint()}
	if m.Corrects != nil {
		a.Corrects = m.Corrects.Number
	}
	return a
}

// Entry is a release as a list shows it.
type Entry struct {
	Manifest
	// SHA256 is that of the manifest.
	SHA256 string
	// CorrectedBy is the release that stands in the place of this one, 0 for none.
	CorrectedBy int
	// Public says that everybody may read it.
	Public bool
	// Revoked says that the key that signed it is not trusted any more; nil when it is.
	// VouchedBy is then the first later release that a trusted key signed and that names it,
	// directly or by those between them, by its hash: it was there, as it is, when that one was
	// made; 0 for none.
	Revoked   *Revocation
	VouchedBy int
	// Err says why it cannot be trusted: its manifest cannot be read, has no signature of a
	// key of this installation, or does not fit the releases before. Number is set all the same.
	Err error
}

// List lists the releases of a wave, the first one first. It checks the signature of each
// and the links between them, not the hashes of all files; that does Check.
func (s *Store) List(wave string) (list []Entry, err error) {
	if err := checkWave(wave); err != nil {
		return nil, err
	}
	numbers, err := exclusive.Numbers(s.wave(wave))
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		e := s.entry(wave, n)
		list = append(list, e)
	}
	link(list)
	return list, nil
}

// link marks what is corrected, and what does not fit the release before it.
func link(list []Entry) {
	at := map[int]int{}
	for i := range list {
		e := &list[i]
		at[e.Number] = i
		if e.Err != nil {
			continue
		}
		if c := e.Corrects; c != nil {
			if old, ok := at[c.Number]; ok && list[old].SHA256 == c.SHA256 {
				list[old].CorrectedBy = e.Number
			} else {
				e.Err = fmt.Errorf("it corrects release %d, which is not the one that is there: %w", c.Number, surveys.ErrConflict)
			}
		}
		if err := follows(list[:i], e.Previous); err != nil {
			e.Err = errors.Join(e.Err, err)
		}
	}
	vouch(list)
}

// vouch finds for each release of a revoked key the next one of a trusted key, with no damage
// between them.
func vouch(list []Entry) {
	by := 0
	for i := range slices.Backward(list) {
		switch e := &list[i]; {
		case e.Err != nil:
			by = 0
		case e.Revoked == nil:
			by = e.Number
		default:
			e.VouchedBy = by
		}
	}
}

// follows checks that a release follows the last one before it.
func follows(before []Entry, previous *Link) error {
	switch {
	case len(before) == 0 && previous == nil:
		return nil
	case len(before) == 0:
		return fmt.Errorf("release %d before it is gone: %w", previous.Number, surveys.ErrConflict)
	}
	last := before[len(before)-1]
	if previous == nil || last.Number != previous.Number || last.SHA256 != previous.SHA256 {
		return fmt.Errorf("it does not follow release %d as that is now: one of them was exchanged, removed or put there: %w", last.Number, surveys.ErrConflict)
	}
	return nil
}

// entry reads a release as far as a list needs it.
func (s *Store) entry(wave string, number int) (e Entry) {
	e.Manifest, e.SHA256, e.Revoked, e.Err = s.manifest(wave, number)
	e.Wave, e.Number = wave, number
	_, err := os.Stat(filepath.Join(s.wave(wave), strconv.Itoa(number)+publicMark))
	e.Public = err == nil
	return e
}

// manifest reads the manifest of a release whose signature is right, and whether its key is
// revoked.
func (s *Store) manifest(wave string, number int) (m Manifest, sum string, by *Revocation, err error) {
	text, err := readUpTo(filepath.Join(s.folder(wave, number), ManifestName), maxManifest)
	if err != nil {
		return m, "", nil, err
	}
	signature, err := readUpTo(filepath.Join(s.folder(wave, number), SignatureName), ed25519.SignatureSize)
	if err != nil {
		return m, "", nil, err
	}
	trust, err := s.keys.Trust()
	if err != nil {
		return m, "", nil, err
	}
	signer, err := signerOf(text, signature, trust.Keys)
	if err != nil {
		return m, "", nil, err
	}
	m, err = Parse(text)
	if err == nil && (m.Wave != wave || m.Number != number) {
		err = fmt.Errorf("it is release %d of wave %s, put in another place: %w", m.Number, m.Wave, surveys.ErrConflict)
	}
	return m, sumOf(text), revoked(trust.Revoked, signer), err
}

// readUpTo reads a file of at most limit bytes.
func readUpTo(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s has more than %d bytes: %w", path, limit, surveys.ErrTooLarge)
	}
	return b, err
}

// Publish lets everybody read a release, or takes that back.
func (s *Store) Publish(wave string, number int, public bool) error {
	if err := checkWave(wave); err != nil {
		return err
	}
	if _, err := os.Stat(s.folder(wave, number)); err != nil {
		return fmt.Errorf("wave %s has no release %d: %w", wave, number, errors.Join(surveys.ErrNotFound, err))
	}
	unlock, err := lock(s.dir, "the releases are")
	if err != nil {
		return err
	}
	defer unlock()
	mark := filepath.Join(s.wave(wave), strconv.Itoa(number)+publicMark)
	if public {
		switch e := s.entry(wave, number); {
		case e.Err != nil:
			return fmt.Errorf("release %d of wave %s is damaged, and is not published: %w", number, wave, e.Err)
		case e.Revoked != nil:
			return fmt.Errorf("release %d of wave %s is signed by key %s, which is revoked; make a further release that corrects it, and publish that one: %w", number, wave, e.Revoked.ID(), surveys.ErrConflict)
		}
		return writeWhole(mark, nil, 0o600)
	}
	if err := os.Remove(mark); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFolder(s.wave(wave))
}

// Find is a release of a wave; surveys.ErrNotFound when there is none of that number.
func (s *Store) Find(wave string, number int) (Entry, error) {
	list, err := s.List(wave)
	if err != nil {
		return Entry{}, err
	}
	for _, e := range list {
		if e.Number == number {
			return e, nil
		}
	}
	return Entry{}, fmt.Errorf("wave %s has no release %d: %w", wave, number, surveys.ErrNotFound)
}

// Folder is where a release is.
func (e Entry) Folder(s *Store) string { return s.folder(e.Wave, e.Number) }

// OpenFile opens a file of a release, which is read to the end first: what is given is what
// was signed, or an error. The manifest and its signature are files, too.
func (s *Store) OpenFile(wave string, number int, name string) (*os.File, error) {
	if err := checkWave(wave); err != nil {
		return nil, err
	}
	m, _, _, err := s.manifest(wave, number)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("wave %s has no release %d: %w", wave, number, surveys.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("release %d of wave %s: %w", number, wave, err)
	}
	path := s.folder(wave, number)
	if name == ManifestName || name == SignatureName {
		return os.Open(filepath.Join(path, name))
	}
	o, ok := m.output(name)
	if !ok {
		return nil, fmt.Errorf("release %d of wave %s has no file %.160q: %w", number, wave, name, surveys.ErrNotFound)
	}
	return openSame(filepath.Join(path, name), o)
}

// openSame opens a file that must be the one of a manifest.
func openSame(path string, o Output) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	sum, n, err := sumAll(f, o.Bytes)
	if err == nil && (sum != o.SHA256 || n != o.Bytes) {
		err = fmt.Errorf("%s is not the file that was signed; restore it from a backup: %w", path, surveys.ErrConflict)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
