package definition_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/definition"
	"github.com/suyang-survey/suyang/surveys/library"
)

func TestWhatWriteGivesReadsAsTheSameQuestionnaire(t *testing.T) {
	for _, name := range []string{"civic-literacy", "gss-science"} {
		t.Run(name, func(t *testing.T) {
			q, err := library.Read(name)
			if err != nil {
				t.Fatal(err)
			}
			src, err := definition.Write(q)
			if err != nil {
				t.Fatal(err)
			}
			again, err := definition.Read(name+".yaml", src, nil)
			if err != nil {
				t.Fatalf("Read(Write(q)): %v", err)
			}
			if diff := cmp.Diff(q, again); diff != "" {
				t.Errorf("Read(Write(q)) (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWriteKeepsTextsOfEveryShape(t *testing.T) {
	for _, text := range []string{"1", "true", "null", "~", "a: b", "- a", "#", "a\nb", "a\nb\n", " a", "a ", "a \nb", "\ta", "“引号”", `"q'`, "{a}", "\u202eRTL", "\u200b", "é\u0301", "\x07", "a\r\nb", "%x", "@a", "y", "0x1F", "1e3", "2027-12-31"} {
		q, err := read(base(t))
		if err != nil {
			t.Fatal(err)
		}
		q.Sections[0].Items[0].Hint = surveys.Text{"zh": text, "en": text}
		src, err := definition.Write(q)
		if err != nil {
			t.Fatal(err)
		}
		again, err := read(string(src))
		if err != nil {
			continue // the reader may refuse what cannot be shown
		}
		if got := again.Sections[0].Items[0].Hint["zh"]; got != text {
			t.Errorf("Read(Write(%q)) = %q", text, got)
		}
	}
}
