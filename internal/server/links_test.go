package server

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// twoWaves is a site with the waves w1 and w2.
func twoWaves(t testing.TB) *site {
	one, two := village(), village()
	one.ID, two.ID = "w1", "w2"
	return newSite(t, []*surveys.Questionnaire{one, two}, nil)
}

func TestCaseLink(t *testing.T) {
	s := twoWaves(t)
	for _, caseID := range []string{"1", "330102-0017", "样本 7/甲", strings.Repeat("x", fieldwork.MaxID)} {
		w, got, err := s.caseOf(t.Context(), strings.TrimPrefix(s.caseLink("w2", caseID), "/i/"))
		if err != nil || w.ID != "w2" || got != caseID {
			t.Errorf("the link of %q opens %v, %q, %v", caseID, w, got, err)
		}
	}
}

// A link that was replaced says so; the new one opens, and those of others still do.
func TestReplacedLink(t *testing.T) {
	s := twoWaves(t)
	old, other := s.caseLink("w1", "a"), s.caseLink("w1", "b")
	for range 2 {
		if err := s.drafts.Reissue(t.Context(), "w1", []string{"a"}); err != nil {
			t.Fatal(err)
		}
	}
	s.get(old).want(410, "链接已更换")
	s.get(s.caseLink("w1", "a")).want(200, "乡村科学素质调查")
	s.get(other).want(200, "乡村科学素质调查")
	forged := CaseLink(testKey, "w1", "a", 3) // not issued yet
	s.get(forged).want(404, "链接无效")
}

func TestForgedLinkIsRefused(t *testing.T) {
	l, s := newLinks(testKey), twoWaves(t)
	token := strings.TrimPrefix(l.path("w1", "case-1", 0), "/i/")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	flipped := func(i int) string {
		b := append([]byte(nil), raw...)
		b[i] ^= 1
		return base64.RawURLEncoding.EncodeToString(b)
	}
	forged := map[string]string{
		"empty":          "",
		"not base64":     "!" + token,
		"code only":      base64.RawURLEncoding.EncodeToString(raw[len(raw)-codeBytes:]),
		"of no wave":     strings.TrimPrefix(l.path("w9", "case-1", 0), "/i/"),
		"of another key": strings.TrimPrefix(CaseLink([]byte(strings.Repeat("k", 32)), "w1", "case-1", 0), "/i/"),
	}
	for i := range raw {
		forged["byte "+string(rune('A'+i))] = flipped(i)
	}
	for name, token := range forged {
		if _, caseID, err := s.caseOf(t.Context(), token); !errors.Is(err, surveys.ErrNotFound) {
			t.Errorf("%s: caseOf() took it, as case %q (%v)", name, caseID, err)
		}
	}
}

func TestInterviewOfACaseIsAlwaysTheSame(t *testing.T) {
	l := newLinks(testKey)
	id := l.interviewID("w", "1")
	if u, err := uuid.Parse(id); err != nil || u.Version() != 8 || u.Variant() != uuid.RFC4122 {
		t.Errorf("interviewID() = %s, want a UUID of version 8", id)
	}
	if again := l.interviewID("w", "1"); again != id {
		t.Errorf("interviewID() = %s, then %s", id, again)
	}
	// The boundary between wave and case counts.
	if l.interviewID("w1", "1") == l.interviewID("w", "11") {
		t.Error("two cases have one interview ID")
	}
}

func BenchmarkForgedLink(b *testing.B) {
	s := twoWaves(b)
	token := strings.TrimPrefix(CaseLink(testKey, "other", "330102-0017", 0), "/i/")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.caseOf(b.Context(), token); err == nil {
			b.Fatal("a forged link was taken")
		}
	}
}
