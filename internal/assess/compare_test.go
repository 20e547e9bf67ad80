package assess

import (
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// A target of an area that has no rate here, as when its code is mistyped, is not lost.
func TestTargetsElsewhere(t *testing.T) {
	r := &Results{Plan: &Plan{Area: Area{Code: "330000"}}, Settings: analysis.DefaultSettings(),
		Headline: []Row{{Estimate: analysis.Estimate{Value: 0.2, SE: 0.01, N: 900, DF: 90}}}}
	r.attain([]Target{{Code: "330000", Year: 2025, Rate: 0.1}, {Code: "33010", Year: 2025, Rate: 0.1}})
	if len(r.Targets) != 1 || len(r.Elsewhere) != 1 || r.Elsewhere[0].Code != "33010" {
		t.Errorf("targets %v, elsewhere %v", r.Targets, r.Elsewhere)
	}
}
