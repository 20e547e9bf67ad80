package assess_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/replicate"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// Replicate weights that are written give the standard errors of the report when another
// program reads them.
func TestWrittenWeightsGiveTheErrorsOfTheReport(t *testing.T) {
	m, q, p := civic(t)
	by := sexByAge(p)
	record := rakeTo(t, m, q, p, by, residence(by))
	answered := map[string]surveys.Answers{}
	for _, r := range m.Responses {
		answered[r.Case] = r.Answers
	}
	for _, v := range []assess.Variance{{Method: assess.JKn}, {Method: assess.Bootstrap, Replicates: 40, Seed: 3}} {
		t.Run(string(v.Method), func(t *testing.T) {
			opt := assess.Options{Wave: "w", Weighting: record, Variance: v}
			want := assessed(t, m, q, p, opt).Headline[0].Estimate
			var out bytes.Buffer
			scale, err := assess.WriteWeights(t.Context(), m, q, p, opt, &out)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(&out).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			if n := len(respondents(t, m, q, p)); len(rows) != n+1 || len(rows[0]) != 4+scale.Replicates {
				t.Fatalf("%d lines of %d fields, want %d of %d", len(rows), len(rows[0]), n+1, 4+scale.Replicates)
			}
			var w, literate []float64
			given := replicate.Given{Weights: make([][]float64, scale.Replicates), Scale: scale.Scale, RScales: scale.RScales, Centre: scale.Centre}
			for _, row := range rows[1:] {
				y := 0.0
				if q.Criterion.Reaches(points(q, answered[row[0]]), q.Criterion.Cut) {
					y = 1
				}
				literate = append(literate, y)
				w = append(w, number(t, row[3]))
				for r := range given.Weights {
					given.Weights[r] = append(given.Weights[r], number(t, row[4+r]))
				}
			}
			d, err := analysis.NewDesign(analysis.Columns{Weight: w})
			if err != nil {
				t.Fatal(err)
			}
			set, err := replicate.Import(d, given)
			if err != nil {
				t.Fatal(err)
			}
			sample, err := set.On(d)
			if err != nil {
				t.Fatal(err)
			}
			got, err := sample.Mean(literate, nil)
			if err != nil {
				t.Fatal(err)
			}
			near(t, "rate", got.Value, want.Value)
			near(t, "SE", got.SE, want.SE)
		})
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestWeightsAreWrittenByCase(t *testing.T) {
	m, q, p := civic(t)
	record := rakeTo(t, m, q, p, sexByAge(p))
	set := m.Weights["raked"]
	set[0].Weight = 0 // as of a case that a plan leaves out
	var out bytes.Buffer
	scale, err := assess.WriteWeights(t.Context(), m, q, p, assess.Options{Wave: "w", Weighting: record}, &out)
	if err != nil || scale.Replicates != 0 {
		t.Fatal(scale, err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(set) || lines[0] != "case,stratum,psu,weight" {
		t.Fatalf("%d lines, the first %q; want %d, since one case of %d has no weight", len(lines), lines[0], len(set), len(set))
	}
	for i, line := range lines[1:] {
		fields := strings.Split(line, ",")
		if fields[0] != set[i+1].Case || number(t, fields[3]) != set[i+1].Weight {
			t.Fatalf("line %d is %q, want case %s with %v", i+2, line, set[i+1].Case, set[i+1].Weight)
		}
	}
	if _, err := assess.WriteWeights(t.Context(), m, q, p, assess.Options{Wave: "w"}, &out); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("without weights: %v", err)
	}
	m.Weights = nil
	if _, err := assess.WriteWeights(t.Context(), m, q, p, assess.Options{Wave: "w", Weighting: record}, &out); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("weights that are gone: %v", err)
	}
}
