package release

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// said are the faults of a release in one text.
func said(c Checked) string {
	var lines []string
	for _, f := range c.Faults {
		lines = append(lines, f.Text)
	}
	return strings.Join(lines, "\n")
}

func kindsOf(c Checked) (list []FaultKind) {
	for _, f := range c.Faults {
		list = append(list, f.Kind)
	}
	return list
}

var revokedAt = time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)

// A release of a revoked key is reported as such, in the store and away from it, and is not
// published; a later one of a trusted key vouches for it; the revoked key signs nothing.
func TestRevoke(t *testing.T) {
	s := newStore(t)
	first := mustMake(t, s, draft())
	r, err := s.keys.Revoke(first.Key, "2026-11-20", "the laptop with the backup was stolen", revokedAt)
	if err != nil || r.ID() != first.Key {
		t.Fatalf("Revoke() = %+v, %v", r, err)
	}
	c, e, err := s.Check("zj-2026", 1)
	if err != nil || !slices.Equal(kindsOf(c), []FaultKind{FaultRevoked}) || c.Revoked == nil || e.Revoked == nil || e.VouchedBy != 0 {
		t.Errorf("the release of a revoked key: %v, %+v, %v", c.Faults, e.Revoked, err)
	}
	for _, want := range []string{first.Key, "2026-11-20", "the laptop with the backup was stolen"} {
		if !strings.Contains(said(c), want) {
			t.Errorf("%q does not say %q", said(c), want)
		}
	}
	if _, err := s.Make(t.Context(), draft()); !errors.Is(err, surveys.ErrConflict) || !strings.Contains(err.Error(), "--rotate") {
		t.Errorf("the revoked key signs: %v", err)
	}
	if err := s.Publish("zj-2026", 1, true); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("a release of a revoked key is published: %v", err)
	}
	if err := s.Publish("zj-2026", 1, false); err != nil {
		t.Errorf("a release of a revoked key cannot be withdrawn: %v", err)
	}
	if _, err := s.keys.Rotate(); err != nil {
		t.Fatal(err)
	}
	mustMake(t, s, correcting(1))
	list, err := s.List("zj-2026")
	if err != nil || list[0].Revoked == nil || list[0].VouchedBy != 2 || list[0].CorrectedBy != 2 || list[0].Err != nil || list[1].Revoked != nil || list[1].VouchedBy != 0 {
		t.Errorf("the list is %+v, %v", list, err)
	}
	if c, _, err := s.Check("zj-2026", 2); err != nil || !c.Sound() {
		t.Errorf("the correction: %v, %v", c.Faults, err)
	}
	// Away from the store, with the key and the list as files.
	keys, err := s.keys.Public()
	if err != nil {
		t.Fatal(err)
	}
	pem := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(pem, keys[1].PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]FaultKind{"": nil, filepath.Join(s.keys.dir, RevokedName): {FaultRevoked}} {
		trust, err := TrustIn(pem, path)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Open(zipOf(t, s, 1))
		if err != nil {
			t.Fatal(err)
		}
		if got := kindsOf(p.Check(trust)); !slices.Equal(got, want) {
			t.Errorf("with the list %q: %v, want %v", path, got, want)
		}
		p.Close()
	}
}

// What cannot be revoked is named, and the list stays as it was.
func TestRevokeRefuses(t *testing.T) {
	s := newStore(t)
	first := mustMake(t, s, draft())
	if _, err := s.keys.Revoke(first.Key, "2026-11-20", "lost", revokedAt); err != nil {
		t.Fatal(err)
	}
	second, err := s.keys.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(s.keys.dir, RevokedName))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key, since, reason string
		want               error
	}{
		"another key":   {"0123456789abcdef", "2026-11-20", "lost", surveys.ErrNotFound},
		"no key":        {"", "2026-11-20", "lost", surveys.ErrNotFound},
		"again":         {first.Key, "2026-11-20", "lost", surveys.ErrConflict},
		"no reason":     {second.ID(), "2026-11-20", " ", surveys.ErrInvalid},
		"two lines":     {second.ID(), "2026-11-20", "a\nb", surveys.ErrInvalid},
		"no day":        {second.ID(), "20 November", "lost", surveys.ErrInvalid},
		"a day to come": {second.Fingerprint(), "2026-11-29", "lost", surveys.ErrInvalid},
	} {
		if _, err := s.keys.Revoke(c.key, c.since, c.reason, revokedAt); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	after, err := os.ReadFile(filepath.Join(s.keys.dir, RevokedName))
	if err != nil || string(after) != string(before) {
		t.Errorf("the list was\n%s\nand is\n%s", before, after)
	}
	for name, text := range map[string]string{"no list": "", "another schema": `{"schema":"x","revoked":[]}`, "no fingerprint": `{"schema":"suyang.revoked.1","revoked":[{"fingerprint":"a","since":"2026-11-20","reason":"x","noted":"2026-11-20T00:00:00Z"}]}`} {
		if _, err := ParseRevoked([]byte(text)); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A damaged list lets nothing pass as trusted.
	if err := os.WriteFile(filepath.Join(s.keys.dir, RevokedName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Check("zj-2026", 1); err == nil {
		t.Error("with a damaged list of revoked keys a release is checked")
	}
	if _, err := s.Make(t.Context(), draft()); err == nil {
		t.Error("with a damaged list of revoked keys a release is made")
	}
}
