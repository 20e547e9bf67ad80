package server

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

var (
	testKey = []byte("0123456789abcdef0123456789abcdef")
	// noon is a moment within the validity of the test forms.
	noon = time.Date(2026, 6, 1, 12, 0, 0, 0, chinaTime)
)

func testSeal(t *testing.T, waveID, version string) *seal {
	t.Helper()
	s, err := newSeal(testKey, waveID, version, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealKeepsTheState(t *testing.T) {
	long := surveys.Answers{}
	for i := range 70 {
		long[fmt.Sprintf("item%02d", i)] = []string{"true"}
	}
	for name, answers := range map[string]surveys.Answers{
		"no answer":     nil,
		"short":         {"a": {"1"}, "b": {}},
		"long":          long,
		"other letters": {"a": {"浙江 <b>&\u2028"}},
	} {
		t.Run(name, func(t *testing.T) {
			want := state{Interview: "x", Case: "c-1", Lang: surveys.EN, Started: noon.UTC(), Form: form.Saved{Page: "s1", Answers: answers}}
			s := testSeal(t, "w", "v")
			sealed, err := s.Seal(want, noon)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Open(sealed, noon.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			want.Sealed = noon.UTC()
			if !reflect.DeepEqual(got, want) {
				t.Errorf("Open() = %+v, want %+v", got, want)
			}
		})
	}
}

// A questionnaire of 70 answered items must not make the page heavy. Its JSON is
// about 1.4 kB; the limit leaves a third for what answers really say.
func TestSealIsSmall(t *testing.T) {
	st := state{Interview: "0b54cf0a-6d0c-4b7c-9d2a-2a0f3c1f5d11", Lang: surveys.ZH, Started: noon, Form: form.Saved{Answers: surveys.Answers{}}}
	for i := range 70 {
		st.Form.Answers[fmt.Sprintf("K%02d", i)] = []string{[]string{"true", "false", "dk"}[i%3]}
	}
	sealed, err := testSeal(t, "w", "v").Seal(st, noon)
	if err != nil {
		t.Fatal(err)
	}
	if len(sealed) > 1000 {
		t.Errorf("70 answers sealed are %d bytes, want at most 1000", len(sealed))
	}
}

func TestSealRefuses(t *testing.T) {
	s := testSeal(t, "w", "v")
	sealed, err := s.Seal(state{Interview: "x"}, noon)
	if err != nil {
		t.Fatal(err)
	}
	otherWave, _ := testSeal(t, "w2", "v").Seal(state{Interview: "x"}, noon)
	otherVersion, _ := testSeal(t, "w", "v2").Seal(state{Interview: "x"}, noon)
	otherKey, _ := newSeal([]byte(strings.Repeat("k", 32)), "w", "v", time.Hour)
	foreign, _ := otherKey.Seal(state{Interview: "x"}, noon)
	for name, c := range map[string]struct {
		sealed string
		now    time.Time
		want   error
	}{
		"empty":                      {"", noon, errSeal},
		"not base64":                 {"?" + sealed, noon, errSeal},
		"cut short":                  {sealed[:len(sealed)-4], noon, errSeal},
		"only the tag":               {sealed[:11], noon, errSeal},
		"another wave":               {otherWave, noon, errVersion},
		"another version":            {otherVersion, noon, errVersion},
		"another key":                {foreign, noon, errSeal},
		"older than the page's life": {sealed, noon.Add(time.Hour + time.Second), errExpired},
	} {
		if _, err := s.Open(c.sealed, c.now); !errors.Is(err, c.want) {
			t.Errorf("%s: Open() = %v, want %v", name, err, c.want)
		}
	}
}

// Every single bit matters: flipping any of them is noticed.
func TestSealNoticesEveryBit(t *testing.T) {
	s := testSeal(t, "w", "v")
	sealed, err := s.Seal(state{Interview: "x", Form: form.Saved{Answers: surveys.Answers{"a": {"1"}}}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(raw) * 8 {
		raw[bit/8] ^= 1 << (bit % 8)
		if _, err := s.Open(base64.RawURLEncoding.EncodeToString(raw), noon); err == nil {
			t.Errorf("bit %d flipped: Open() = nil, want an error", bit)
		}
		raw[bit/8] ^= 1 << (bit % 8)
	}
}

// Two pages with the same answers look different, so nobody can tell from outside.
func TestSealIsNeverTheSame(t *testing.T) {
	s := testSeal(t, "w", "v")
	a, _ := s.Seal(state{Interview: "x"}, noon)
	b, _ := s.Seal(state{Interview: "x"}, noon)
	if a == b {
		t.Error("the same state was sealed to the same text twice")
	}
}

// Whatever the text, Open gives back only what a holder of the key has sealed.
func FuzzSealOpen(f *testing.F) {
	s, err := newSeal(testKey, "w", "v", time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	want := state{Interview: "x", Sealed: noon.UTC()}
	sealed, err := s.Seal(want, noon)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := s.Open(text, noon); err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("Open(%q) = %+v, which was never sealed", text, got)
		}
	})
}
