package report

import (
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
