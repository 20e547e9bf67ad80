package analysis_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// fuzzColumns makes columns of bytes, four for each row: weight, stratum and PSU, value,
// and group, domain and population.
func fuzzColumns(data []byte) (analysis.Columns, columns) {
	special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 0, 1e-300, 1e200, 1e308}
	number := func(b byte) float64 {
		if b >= 248 {
			return special[b-248]
		}
		return float64(b) / 4
	}
	var d analysis.Columns
	c := columns{group: analysis.FactorColumn{Factor: analysis.Factor{ID: "group", Levels: []string{"a", "b"}}},
		second: analysis.FactorColumn{Factor: analysis.Factor{ID: "second", Levels: []string{"p", "q", "r"}}},
		pop:    []float64{100, 200, 300}}
	for ; len(data) >= 4; data = data[4:] {
		d.Weight = append(d.Weight, number(data[0]))
		d.Stratum = append(d.Stratum, fmt.Sprint(data[1]>>5))
		d.PSU = append(d.PSU, fmt.Sprint(data[1]&31))
		c.y = append(c.y, number(data[2]))
		c.x = append(c.x, number(data[2]^data[3]))
		c.share = append(c.share, float64(data[2]&1))
		c.group.Level = append(c.group.Level, int(data[3]&3)-1)
		c.second.Level = append(c.second.Level, int(data[3]>>2&3)-1)
		c.in = append(c.in, data[3]&16 == 0)
	}
	return d, c
}

// FuzzDesign takes any columns through NewDesign and every method: no panic, no number
// that is none without a note, and every error with a way out.
func FuzzDesign(f *testing.F) {
	f.Add([]byte{}, uint8(0))
	f.Add([]byte{4, 0, 8, 1}, uint8(0))                                                                       // one person
	f.Add([]byte{4, 0, 8, 1, 4, 1, 9, 2, 8, 32, 8, 1, 4, 33, 11, 6}, uint8(1))                                // two strata of two PSUs
	f.Add([]byte{4, 0, 8, 1, 0, 1, 9, 2, 8, 32, 8, 17}, uint8(5))                                             // a weight of zero, a lone PSU, somebody outside
	f.Add([]byte{4, 0, 248, 0, 4, 1, 248, 0}, uint8(2))                                                       // nobody has a value or a group
	f.Add([]byte{4, 0, 249, 5, 251, 1, 9, 2}, uint8(3))                                                       // an infinite value and a negative weight
	f.Add([]byte{4, 0, 254, 5, 254, 1, 9, 2, 9, 2, 255, 6}, uint8(4))                                         // numbers too large to square
	f.Add([]byte{253, 0, 8, 5, 253, 1, 9, 10, 253, 2, 3, 6, 253, 35, 3, 1, 4, 36, 7, 9}, uint8(6))            // weights near zero
	f.Add([]byte{8, 0, 8, 5, 8, 1, 9, 10, 8, 2, 3, 6, 8, 35, 3, 1, 4, 36, 7, 9, 4, 37, 60, 13}, uint8(64+16)) // with fractions
	rules := []analysis.LonePSURule{analysis.LoneAdjust, analysis.LoneAverage, analysis.LoneCertainty, analysis.LoneCollapse, analysis.LoneFail}
	f.Fuzz(func(t *testing.T, data []byte, how uint8) {
		if len(data) > 4*60 {
			return
		}
		sample, c := fuzzColumns(data)
		if how&16 != 0 && len(sample.Weight) > 0 {
			sample.Fraction = make([]float64, len(sample.Weight))
			for i := range sample.Fraction {
				sample.Fraction[i] = float64(how>>5) / 7
			}
		}
		d, err := analysis.NewDesign(sample)
		if err != nil {
			checkOutcome(t, "NewDesign", nil, err)
			return
		}
		d = d.WithSettings(analysis.Settings{LonePSU: rules[int(how&15)%len(rules)], LoneInDomains: how&8 != 0})
		for _, e := range entries() {
			out, err := try(t, e, d, c)
			checkOutcome(t, e.name, out, err)
		}
	})
}
