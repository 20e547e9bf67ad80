package quality

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// The shares that tables print beside what was found are those of the manual's honest
// waves with one booklet, to its last digit.
func TestHonestIsTheManuals(t *testing.T) {
	if !slices.Equal(Flags(), flags) {
		t.Fatalf("the flags are %v, want %v", Flags(), flags)
	}
	src, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(src), tableBegin)
	_, row, found := strings.Cut(rest, "| one booklet | ")
	row, _, _ = strings.Cut(row, "\n")
	cells := strings.Split(row, " | ")
	if !found || len(cells) != len(flags)+1 {
		t.Fatalf("the manual has no row of honest waves with one booklet: %q", row)
	}
	for i, f := range Flags() {
		if want := cellOf.FindStringSubmatch(cells[i]); want == nil || fmt.Sprintf("%.2f", 100*f.Honest()) != want[1] {
			t.Errorf("%s strikes %.2f %% of the honest, the manual has %s", f, 100*f.Honest(), cells[i])
		}
		if n := f.Name(); n[surveys.ZH] == "" || n[surveys.EN] == "" {
			t.Errorf("%s has no name", f)
		}
	}
}

func TestTally(t *testing.T) {
	got := Tally([]Finding{{Flag: Night, Outcome: Flagged}, {Flag: Night, Outcome: Clear}, {Flag: Night}, {Flag: TooFast}})
	for _, c := range got {
		want := Count{Flag: c.Flag}
		switch c.Flag {
		case Night:
			want = Count{Night, 1, 2, 1, 2 * 0.0043}
		case TooFast:
			want.Unjudged = 1
		}
		if c != want {
			t.Errorf("%+v, want %+v", c, want)
		}
	}
	if len(got) != len(flags) {
		t.Errorf("%d flags, want %d", len(got), len(flags))
	}
}
