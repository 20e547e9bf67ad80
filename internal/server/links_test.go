package server

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestCaseLink(t *testing.T) {
	l := newLinks(testKey)
	waves := []*wave{{Wave: Wave{ID: "w1"}}, {Wave: Wave{ID: "w2"}}}
	for _, caseID := range []string{"1", "330102-0017", "样本 7/甲", strings.Repeat("x", 100)} {
		w, got, ok := l.open(strings.TrimPrefix(l.path("w2", caseID), "/i/"), waves)
		if !ok || w.ID != "w2" || got != caseID {
			t.Errorf("open(path(w2, %q)) = %v, %q, %v", caseID, w, got, ok)
		}
	}
	if got, want := CaseLink(testKey, "w1", "7"), l.path("w1", "7"); got != want {
		t.Errorf("CaseLink() = %s, want %s", got, want)
	}
}

func TestForgedLinkIsRefused(t *testing.T) {
	l := newLinks(testKey)
	waves := []*wave{{Wave: Wave{ID: "w"}}}
	token := strings.TrimPrefix(l.path("w", "case-1"), "/i/")
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
		"of no wave":     strings.TrimPrefix(l.path("w9", "case-1"), "/i/"),
		"of another key": strings.TrimPrefix(CaseLink([]byte(strings.Repeat("k", 32)), "w", "case-1"), "/i/"),
	}
	for i := range raw {
		forged["byte "+string(rune('A'+i))] = flipped(i)
	}
	for name, token := range forged {
		if _, caseID, ok := l.open(token, waves); ok {
			t.Errorf("%s: open() took it, as case %q", name, caseID)
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
	l := newLinks(testKey)
	waves := []*wave{{Wave: Wave{ID: "w"}}}
	token := strings.TrimPrefix(l.path("other", "330102-0017"), "/i/")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := l.open(token, waves); ok {
			b.Fatal("a forged link was taken")
		}
	}
}
