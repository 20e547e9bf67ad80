package report

import (
	"regexp"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/margins"
	"github.com/suyang-survey/suyang/surveys"
)

// Codes of other packages become keys; each must have words.
func TestEveryCodeHasWords(t *testing.T) {
	var keys []string
	for _, c := range []analysis.NoteCode{
		analysis.FewRespondents, analysis.FewPSUs, analysis.LonePSU, analysis.LargeWeights,
		analysis.WideInterval, analysis.NoVariation, analysis.ZeroVariance, analysis.NotConverged, analysis.Empty,
		analysis.LostReplicates, assess.AskedOfPart, assess.StaleWeights, assess.LateCases,
	} {
		keys = append(keys, "note."+string(c))
	}
	for _, c := range margins.Codes() {
		keys = append(keys, "assume."+string(c))
	}
	for _, c := range []analysis.LonePSURule{analysis.LoneFail, analysis.LoneCertainty, analysis.LoneAdjust, analysis.LoneAverage} {
		keys = append(keys, "method.error.lone."+string(c))
	}
	for _, c := range []analysis.DFRule{analysis.DFDomain, analysis.DFDesign, analysis.DFNormal} {
		keys = append(keys, "method.error.df."+string(c))
	}
	for _, c := range []assess.VarianceMethod{assess.Taylor, assess.JKn, assess.Bootstrap} {
		keys = append(keys, "method.error.words."+string(c), "method.error.where."+string(c))
	}
	for _, c := range []surveys.Boundary{surveys.Above, surveys.AtLeast} {
		keys = append(keys, "rule."+string(c), "levels.from."+string(c))
	}
	for _, c := range []surveys.Unasked{surveys.UnaskedMissing, surveys.UnaskedWrong, surveys.UnaskedLeftOut} {
		keys = append(keys, "rule.unasked."+string(c))
	}
	for _, what := range []string{"base weights", "leave out", "unknown eligibility", "nonresponse", "response propensity", "household selection",
		"combine modes", "collapse", "post-stratify", "rake", "calibrate", "trim", "normalise"} {
		keys = append(keys, "step."+what)
	}
	for _, part := range []string{assess.GivenEligibility, assess.GivenNonresponse, assess.GivenTrimming, assess.GivenModes,
		assess.GivenCalibration, assess.GivenAll} {
		keys = append(keys, "given."+part)
	}
	for lang, w := range texts {
		for _, k := range keys {
			if w[k] == "" {
				t.Errorf("%s: no words for %s", lang, k)
			}
		}
	}
}

// A base that the plan begins with a capital stands in the middle of a sentence without it;
// names and abbreviations keep theirs.
func TestBasesInTheMiddleOfASentence(t *testing.T) {
	for text, want := range map[string]string{
		"Those who visited a venue": "those who visited a venue",
		"those who visited a venue": "those who visited a venue",
		"People of Hangzhou":        "people of Hangzhou",
		"Hangzhou residents":        "Hangzhou residents",
		"AI users":                  "AI users",
		"A third of all":            "a third of all",
		"":                          "",
		"过去一年去过其中至少一处的人": "过去一年去过其中至少一处的人",
	} {
		if got := texts[surveys.EN].within(text); got != want {
			t.Errorf("within(%q) = %q, want %q", text, got, want)
		}
		if got := texts[surveys.ZH].within(text); got != text {
			t.Errorf("in Chinese within(%q) = %q", text, got)
		}
	}
}

// No title, base or heading of a topic has a capital behind “of”.
func TestTopicsHaveNoCapitalInTheMiddle(t *testing.T) {
	said := 0
	for _, s := range built(t, full(), surveys.EN, fixtureOptions).Sections {
		for _, b := range s.Blocks {
			var lines []string
			if b.Chart != nil {
				lines = append(lines, b.Chart.Title, b.Chart.Base, b.Chart.Alt)
			}
			if b.Table != nil {
				lines = append(lines, b.Table.Title, b.Table.Base)
				for _, row := range b.Table.Head {
					for _, h := range row {
						lines = append(lines, h.Text)
					}
				}
			}
			for _, line := range lines {
				if strings.Contains(line, "ercentages") || strings.HasPrefix(line, "Of ") {
					said++
				}
				if at := capitalBehindOf.FindString(line); at != "" {
					t.Errorf("%q: %q", line, at)
				}
			}
		}
	}
	if said < 20 {
		t.Errorf("only %d texts say of whom percentages are", said)
	}
}

var capitalBehindOf = regexp.MustCompile(`\b[oO]f [A-Z]\p{L}*`)
