package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// A sentence says no more than was tested: groups of a set are compared with all people outside
// the group, not with the other groups, and a significant change between rates of other items
// may come from the items.
func TestSentencesSayWhatWasTested(t *testing.T) {
	r := full()
	i := slices.IndexFunc(r.Changes, func(c assess.Change) bool { return c.Comparable })
	if i < 0 {
		t.Fatal("no change of the fixture is comparable")
	}
	r.Changes = r.Changes[i : i+1]
	r.Changes[0].P = 1e-6
	for lang, want := range map[surveys.Lang][3]string{
		surveys.ZH: {"组外所有人", "其余各组", "题目不同"},
		surveys.EN: {"all people outside the group", "all other groups", "the items are others"},
	} {
		b := newBuilder(r, lang, fixtureOptions)
		for _, table := range r.Tables {
			for k := range table.Separation.Others {
				table.Separation.Others[k].Adjusted = 1e-6
			}
			said := strings.Join(draft{facts: b.tableFacts(table)}.sentences(), " ")
			if outside := strings.Contains(said, want[0]); outside != (table.Set != nil) {
				t.Errorf("%s: of %s: %q", lang, tableID(table), said)
			}
			if table.Set != nil && strings.Contains(said, want[1]) {
				t.Errorf("%s: of a set: %q", lang, said)
			}
		}
		for _, other := range []bool{false, true} {
			r.Changes[0].Difference.Notes = nil
			if other {
				r.Changes[0].Difference.Notes = []analysis.Note{{Code: assess.OtherItems}}
			}
			facts := b.changeFacts()
			if len(facts) != 1 || strings.Contains(facts[0].sentence, want[2]) != other {
				t.Errorf("%s: other items %v: %v", lang, other, facts)
			}
		}
	}
}
