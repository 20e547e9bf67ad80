package conformance

import (
	"math"

	"github.com/suyang-survey/suyang/internal/fieldwork"
)

// Kinds that package fieldwork computes: outcome rates.

func init() {
	register("aapor_rate", (*run).outcomeRate)
}

func (r *run) outcomeRate() error {
	n := r.Params.number
	rate, err := fieldwork.ParseRate(r.Params.text("rate"))
	if err != nil {
		return err
	}
	counts := fieldwork.Counts{I: n("I"), P: n("P"), R: n("R"), NC: n("NC"), O: n("O"), UH: n("UH"), UO: n("UO")}
	value, known := counts.Rate(rate, n("E"))
	if !known {
		value = math.NaN()
	}
	r.check(rate.String(), value, number(r.Estimate))
	return nil
}
