package analysis_test

import (
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// Weights that a design cannot have are named, and so is a sample that cannot be drawn
// again.
func TestSelectionAndReweightedNameFaults(t *testing.T) {
	make := func(c analysis.Columns) *analysis.Design {
		d, err := analysis.NewDesign(c)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := make(analysis.Columns{Weight: []float64{1, 2, 0, 3}, PSU: []string{"a", "a", "b", "c"}})
	for name, c := range map[string]struct {
		w    []float64
		want string
	}{
		"short":    {[]float64{1, 2, 0}, "3 weights for 4 rows"},
		"negative": {[]float64{1, -2, 0, 1}, "row 1"},
		"nobody":   {[]float64{1, 1, 1, 1}, "row 2 is 1, but the row is of nobody"},
		"empty":    {[]float64{0, 0, 0, 0}, "all weights are zero"},
	} {
		if _, err := d.Reweighted(c.w); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, c.want)
		}
	}
	if _, err := d.WithSettings(analysis.Settings{Level: 2}).Settings(); err == nil {
		t.Error("a level of 2 gave no error")
	}
	chance := make(analysis.Columns{Stages: []analysis.Stage{{Unit: []string{"a", "b"}, Chance: []float64{0.2, 0.4}}}})
	if _, err := chance.Selection(); err == nil || !strings.Contains(err.Error(), "unequal chances") {
		t.Errorf("unequal chances: %v", err)
	}
	cells := &analysis.Cells{PSUs: []analysis.PSU{{Name: "a"}}, Margins: [][]string{{"sex"}}}
	if _, err := cells.Selection(); err == nil || !strings.Contains(err.Error(), "raked already") {
		t.Errorf("raked cells: %v", err)
	}
}
