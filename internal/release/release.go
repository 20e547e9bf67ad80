// Package release freezes reports: the files of a report, beside them a manifest that says
// what they were made of, and a signature of the manifest. Whoever has the public key can
// check that nothing was changed, added or removed, with openssl and sha256sum alone.
//
// A release is never changed. A correction is a further release that names the one it
// corrects. Store.Make makes a release so that it is there whole or not at all, Open and
// Check judge one from anywhere. What a report is made of is told by the caller: this
// package knows neither the store of responses nor the reports.
package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/surveys"
)

// Schema names the form of the manifest.
const Schema = "suyang.release.1"

// The files of every release beside those of its report: the manifest, and the signature of
// the bytes of the manifest, 64 bytes of Ed25519.
const (
	ManifestName  = "release.json"
	SignatureName = "release.sig"
)

// ZipName is the name under which a server gives a whole release, which no file of one has.
const ZipName = "release.zip"

// The limits of a release; what is beyond them is refused before it is read.
const (
	maxManifest = 4 << 20
	maxFiles    = 1000
	maxBytes    = 4 << 30 // of all files together
	maxName     = 128     // bytes
)

// Manifest says what a release is and what it was made of. Its canonical form is JSON with
// the fields in this order, indented by two spaces, with a line end after the last brace;
// a file of another form is no manifest. It holds no numbers but whole ones.
type Manifest struct {
	Schema string `json:"schema"`
	Wave   string `json:"wave"`
	// Number counts the releases of a wave from 1; no number is given twice. One that a
	// crash took away before the release had its name may stay unused.
	Number    int      `json:"number"`
	Languages []string `json:"languages"`
	// Made is when the release was made, to the second, in UTC.
	Made time.Time `json:"made"`
	// Program is the name and version of the program, Revision the commit it was built
	// from, empty when it does not know.
	Program  string `json:"program"`
	Revision string `json:"revision,omitempty"`
	// Key is the ID of the key that signs.
	Key string `json:"key"`
	// Corrects names the release in whose place this one stands; nil for none.
	Corrects *Correction `json:"corrects,omitempty"`
	// Previous is the release before this one, so that none can be exchanged or left out
	// unseen; nil for the first.
	Previous *Link `json:"previous,omitempty"`
	// Forced says why it was made although something was in the way; nil when nothing was.
	Forced  *Forced  `json:"forced,omitempty"`
	Inputs  Inputs   `json:"inputs"`
	Outputs []Output `json:"outputs"`
}

// Link names a release by the SHA-256 of its manifest, in hexadecimal digits.
type Link struct {
	Number int    `json:"number"`
	SHA256 string `json:"sha256"`
}

// Correction is a link to the release that is corrected, and why it is.
type Correction struct {
	Link
	Reason string `json:"reason"`
}

// Forced is what was in the way of a release, and why it was made all the same.
type Forced struct {
	Reason string   `json:"reason"`
	Faults []string `json:"faults"`
}

// Inputs are what the numbers of a release come from.
type Inputs struct {
	// Files are questionnaires, plans, sample, weights and whatever else has content, by
	// kind and name.
	Files []Input `json:"files"`
	// Log are the heads of the logs of interviews, by node. Who knows a head can tell whether
	// any record up to there was changed.
	Log []Head `json:"log"`
	// Ledger counts the interviews of all nodes.
	Ledger Counts `json:"ledger"`
	// Settings are what was chosen, such as the seed and the method of variance.
	Settings map[string]string `json:"settings"`
}

// Input names something by its content. Digest is a hash in hexadecimal digits, of the file
// where it is one, else as the program computes it for that kind.
type Input struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// Head is the end of the chain of a node's log.
type Head struct {
	Node uint16 `json:"node"`
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
}

// Counts are those of a ledger: accepted = stored + pending + quarantined.
type Counts struct {
	Accepted    uint64 `json:"accepted"`
	Stored      uint64 `json:"stored"`
	Pending     uint64 `json:"pending"`
	Quarantined uint64 `json:"quarantined"`
}

// Output is a file of the release.
type Output struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// Recipe says how the program made the file from the inputs, such as "html zh", and
	// makes it again; empty for a file that was given.
	Recipe string `json:"recipe,omitempty"`
}

// Canonical are the bytes of a manifest that are signed. The same manifest gives the same
// bytes.
func (m Manifest) Canonical() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("write the manifest: %w", err)
	}
	return b.Bytes(), nil
}

// Parse reads a manifest. What is not in its canonical form, or cannot be that of a release,
// is surveys.ErrInvalid.
func Parse(text []byte) (m Manifest, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("%s is no manifest: %w: %w", ManifestName, surveys.ErrInvalid, err)
	}
	again, err := m.Canonical()
	if err != nil {
		return m, err
	}
	if !bytes.Equal(again, text) {
		return m, fmt.Errorf("%s is not in its canonical form: %w", ManifestName, surveys.ErrInvalid)
	}
	return m, m.check()
}

// wavePattern is that of the names of waves, which are names of folders here.
var wavePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// check says what cannot be in a manifest.
func (m Manifest) check() error {
	fault := func(format string, args ...any) error {
		return fmt.Errorf("%s: %w: "+format, append([]any{ManifestName, surveys.ErrInvalid}, args...)...)
	}
	switch {
	case m.Schema != Schema:
		return fault("its schema is %.40q, and this program knows %q", m.Schema, Schema)
	case !wavePattern.MatchString(m.Wave):
		return fault("%.80q is no name of a wave", m.Wave)
	case m.Number < 1:
		return fault("releases are numbered from 1, not %d", m.Number)
	case !m.Made.Equal(m.Made.Truncate(time.Second)) || m.Made.Location() != time.UTC:
		return fault("the time %s is not one to the second in UTC", m.Made)
	case m.Corrects != nil && (m.Corrects.Number < 1 || m.Corrects.Number >= m.Number):
		return fault("release %d cannot correct release %d", m.Number, m.Corrects.Number)
	case m.Previous != nil && (m.Previous.Number < 1 || m.Previous.Number >= m.Number):
		return fault("release %d cannot follow release %d", m.Number, m.Previous.Number)
	case len(m.Outputs) == 0 || len(m.Outputs) > maxFiles:
		return fault("it lists %d files; a release has 1 to %d", len(m.Outputs), maxFiles)
	}
	return m.checkOutputs()
}

func (m Manifest) checkOutputs() error {
	var names []string
	total := int64(0)
	for _, o := range m.Outputs {
		if sum, err := hex.DecodeString(o.SHA256); err != nil || len(sum) != sha256.Size || o.Bytes < 0 || o.Bytes > maxBytes {
			return fmt.Errorf("%s: %w: file %.80q has no proper hash or size", ManifestName, surveys.ErrInvalid, o.Name)
		}
		if total += o.Bytes; total > maxBytes {
			return fmt.Errorf("%s: its files have more than %d bytes together: %w", ManifestName, int64(maxBytes), surveys.ErrTooLarge)
		}
		names = append(names, o.Name)
	}
	if !slices.IsSorted(names) {
		return fmt.Errorf("%s: its files are not in order: %w", ManifestName, surveys.ErrInvalid)
	}
	return checkNames(names)
}

// reservedNames cannot be names of files on Windows, with or without an extension.
var reservedNames = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`)

// checkNames wants names that are files of one folder on every system, each once.
func checkNames(names []string) error {
	seen := map[string]bool{}
	for _, name := range names {
		if err := checkName(name); err != nil {
			return err
		}
		folded := strings.ToLower(name)
		if seen[folded] || folded == ManifestName || folded == SignatureName || folded == ZipName {
			return fmt.Errorf("file %.80q: the release has one of that name already: %w", name, surveys.ErrConflict)
		}
		seen[folded] = true
	}
	return nil
}

// checkName wants a plain name: no folder, nothing that a shell or another system takes for
// something else.
func checkName(name string) error {
	first, _ := utf8.DecodeRuneInString(name)
	odd := strings.ContainsFunc(name, func(r rune) bool {
		return r == utf8.RuneError || !unicode.In(r, unicode.Letter, unicode.Digit) && !strings.ContainsRune("._-", r)
	})
	if name == "" || len(name) > maxName || odd || !unicode.In(first, unicode.Letter, unicode.Digit) || strings.HasSuffix(name, ".") || reservedNames.MatchString(name) {
		return fmt.Errorf("%.160q is no name for a file of a release: use letters, digits, dots, hyphens and underscores, first a letter or digit, at most %d bytes: %w", name, maxName, surveys.ErrInvalid)
	}
	return nil
}

// output returns the file of a name; ok says whether there is one.
func (m Manifest) output(name string) (o Output, ok bool) {
	i, ok := slices.BinarySearchFunc(m.Outputs, name, func(o Output, name string) int { return strings.Compare(o.Name, name) })
	if !ok {
		return o, false
	}
	return m.Outputs[i], true
}

// sumOf is the SHA-256 of bytes in hexadecimal digits.
func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// sumAll hashes what r gives, at most limit bytes, and counts it; more is
// surveys.ErrTooLarge.
func sumAll(r io.Reader, limit int64) (sum string, n int64, err error) {
	h := sha256.New()
	n, err = io.Copy(h, io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("it has more than %d bytes: %w", limit, surveys.ErrTooLarge)
	}
	return hex.EncodeToString(h.Sum(nil)), n, err
}
