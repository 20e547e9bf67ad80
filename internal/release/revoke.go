package release

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/surveys"
)

// RevokedName is the file of the revoked keys, beside the keys.
const RevokedName = "revoked.json"

// RevokedSchema names its form.
const RevokedSchema = "suyang.revoked.1"

// Revocation says that a key is not trusted any more. Whoever has a stolen key can sign
// anything under any date, so nothing that the key signed is trusted, whatever its date.
type Revocation struct {
	// Fingerprint is that of the key.
	Fingerprint string `json:"fingerprint"`
	// Since is the day from which on somebody else may have had it, as far as is known, in the
	// form 2026-11-26.
	Since  string `json:"since"`
	Reason string `json:"reason"`
	// Noted is when it was revoked, to the second, in UTC.
	Noted time.Time `json:"noted"`
}

// ID names the key as a manifest does.
func (r Revocation) ID() string { return r.Fingerprint[:idDigits] }

// revokedFile is the file of the revoked keys.
type revokedFile struct {
	Schema  string       `json:"schema"`
	Revoked []Revocation `json:"revoked"`
}

// maxRevoked is the greatest size of the file, in bytes, maxReason that of a reason in
// characters.
const (
	maxRevoked = 1 << 20
	maxReason  = 500
)

// ParseRevoked reads a list of revoked keys, as a server gives it; surveys.ErrInvalid when it
// is none.
func ParseRevoked(text []byte) ([]Revocation, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var f revokedFile
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("that is no list of revoked keys: %w: %w", surveys.ErrInvalid, err)
	}
	if f.Schema != RevokedSchema {
		return nil, fmt.Errorf("that is no list of revoked keys: its schema is %.40q, and this program knows %q: %w", f.Schema, RevokedSchema, surveys.ErrInvalid)
	}
	for _, r := range f.Revoked {
		if err := r.check(); err != nil {
			return nil, err
		}
	}
	return f.Revoked, nil
}

// WriteRevoked is the file of a list of revoked keys. The same list gives the same bytes.
func WriteRevoked(list []Revocation) ([]byte, error) {
	if list == nil {
		list = []Revocation{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(revokedFile{RevokedSchema, list})
	return b.Bytes(), err
}

func (r Revocation) check() error {
	_, err := time.Parse(time.DateOnly, r.Since)
	switch {
	case len(r.Fingerprint) != 64 || strings.Trim(r.Fingerprint, "0123456789abcdef") != "":
		return fmt.Errorf("%.80q is no fingerprint of a key, which has 64 hexadecimal digits: %w", r.Fingerprint, surveys.ErrInvalid)
	case err != nil:
		return fmt.Errorf("%.40q is no day; write it as 2026-11-26: %w", r.Since, surveys.ErrInvalid)
	case strings.TrimSpace(r.Reason) == "" || utf8.RuneCountInString(r.Reason) > maxReason || !utf8.ValidString(r.Reason) || strings.ContainsFunc(r.Reason, unicode.IsControl):
		return fmt.Errorf("revoking a key needs a reason of at most %d characters in one line: %w", maxReason, surveys.ErrInvalid)
	}
	return nil
}

// Revoke puts the key of a fingerprint, or of its first 16 digits, on the list of revoked
// keys, which is on the disk before this returns. A key that is not one of this installation
// is surveys.ErrNotFound, one that is revoked already surveys.ErrConflict. When it is the key
// that signs, no release is made until there is a further one.
func (k Keys) Revoke(key, since, reason string, now time.Time) (Revocation, error) {
	keys, err := k.Public()
	if err != nil {
		return Revocation{}, err
	}
	i := slices.IndexFunc(keys, func(p Public) bool { return key == p.ID() || key == p.Fingerprint() })
	if i < 0 {
		return Revocation{}, fmt.Errorf("%.80q is no key of this installation; those are %s: %w", key, keyIDs(keys), surveys.ErrNotFound)
	}
	r := Revocation{Fingerprint: keys[i].Fingerprint(), Since: since, Reason: strings.TrimSpace(reason), Noted: now.UTC().Truncate(time.Second)}
	if err := r.check(); err != nil {
		return r, err
	}
	if day, _ := time.Parse(time.DateOnly, since); day.After(now.AddDate(0, 0, 1)) { // check has read it; a day begins earlier in the east
		return r, fmt.Errorf("%s is still to come; give the day since when the key may be known to others: %w", since, surveys.ErrInvalid)
	}
	unlock, err := lock(k.dir, "the keys of releases are")
	if err != nil {
		return r, err
	}
	defer unlock()
	list, err := k.Revoked()
	if err != nil {
		return r, err
	}
	if old := revoked(list, keys[i]); old != nil {
		return r, fmt.Errorf("key %s is revoked already, since %s: %w", old.ID(), old.Since, surveys.ErrConflict)
	}
	text, err := WriteRevoked(append(list, r))
	if err != nil {
		return r, err
	}
	return r, writeWhole(filepath.Join(k.dir, RevokedName), text, 0o600)
}

// Revoked lists the revoked keys in the order in which they were revoked.
func (k Keys) Revoked() ([]Revocation, error) {
	text, err := readUpTo(filepath.Join(k.dir, RevokedName), maxRevoked)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := ParseRevoked(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; restore it from a backup", filepath.Join(k.dir, RevokedName), err)
	}
	return list, nil
}

// revoked is the entry of a key in a list, nil when there is none.
func revoked(list []Revocation, key Public) *Revocation {
	i := slices.IndexFunc(list, func(r Revocation) bool { return r.Fingerprint == key.Fingerprint() })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// Trust is what releases are checked with.
type Trust struct {
	// Keys are those whose signatures count, Revoked those that are not trusted any more. A
	// revoked key must be among the keys, too, so that its releases can be told from forged
	// ones.
	Keys    []Public
	Revoked []Revocation
}

// Trust is that of an installation.
func (k Keys) Trust() (t Trust, err error) {
	if t.Keys, err = k.Public(); err != nil {
		return t, err
	}
	t.Revoked, err = k.Revoked()
	return t, err
}

// TrustIn reads a public key and a list of revoked keys; without a path there is no list.
func TrustIn(key, revoked string) (t Trust, err error) {
	text, err := os.ReadFile(key)
	if err != nil {
		return t, err
	}
	public, err := ParsePublic(text)
	if err != nil {
		return t, err
	}
	t.Keys = []Public{public}
	if revoked == "" {
		return t, nil
	}
	if text, err = readUpTo(revoked, maxRevoked); err == nil {
		t.Revoked, err = ParseRevoked(text)
	}
	return t, err
}
