package analysis

import (
	"math"
	"strings"
)

// facts are the notes that hold for every kind of estimate.
func (s sample) facts(e Estimate, known facts) []Note {
	var notes []Note
	if e.N < s.settings.FewRespondents {
		notes = append(notes, Note{Code: FewRespondents, Value: float64(e.N)})
	}
	if e.DF < s.settings.FewDF {
		notes = append(notes, Note{Code: FewPSUs, Value: e.DF})
	}
	if n := len(known.lone); n > 0 {
		notes = append(notes, Note{Code: LonePSU, Subject: strings.Join(known.lone, ", "), Value: float64(n)})
	}
	if n := len(known.merged); n > 0 {
		notes = append(notes, Note{Code: MergedStrata, Subject: strings.Join(known.merged, ", "), Value: float64(n)})
	}
	if k := float64(s.all.N) * s.all.W2 / (s.all.W * s.all.W); k > s.settings.LargeWeights {
		notes = append(notes, Note{Code: LargeWeights, Value: k})
	}
	return notes
}

// judged adds the note on a wide interval.
func (s sample) judged(e Estimate, width, limit float64) Estimate {
	if width > limit {
		e.Notes = append(e.Notes, Note{Code: WideInterval, Value: width})
	}
	return e
}

// relativeWidth is the width of the interval divided by the value.
func relativeWidth(e Estimate) float64 {
	return (e.Hi - e.Lo) / math.Abs(e.Value)
}
