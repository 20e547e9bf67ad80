package clickhouse

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

func drawn(id, stratum, psu string, w float64) fieldwork.Case {
	return fieldwork.Case{ID: id, Stratum: stratum, PSU: psu, Weight: w, Columns: map[string]string{"city": "330100"}}
}

// units lists the cases of a wave, with no factors.
func units(t *testing.T, s *Store, wave string) []assess.Unit {
	t.Helper()
	q, _ := civic(t)
	got, err := s.Units(t.Context(), assess.Query{Wave: wave, Questionnaire: q})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestPutSample(t *testing.T) {
	s := open(t)
	a, b := drawn("a", "h", "u", 1.5), drawn("b", "h", "v", 2)
	check := func(name string, wantDrawn, wantResponded int) {
		t.Helper()
		d, r, err := countsOf(t, s, "w")
		if err != nil || d != wantDrawn || r != wantResponded {
			t.Errorf("%s: counts are %d, %d, %v, want %d, %d", name, d, r, err, wantDrawn, wantResponded)
		}
	}
	putSample(t, s, "w", a, b)
	check("first", 2, 0)
	putSample(t, s, "w", b, a)
	check("same cases in another order", 2, 0)
	putSample(t, s, "w", a, b, drawn("c", "h", "v", 3))
	check("replaced before any response", 3, 0)
	putSample(t, s, "w", a, b)
	check("back to the first", 2, 0)

	put(t, s, "1", response("w", "b", 1, nil))
	putSample(t, s, "w", a, b)
	check("same again after a response", 2, 1)
	err := s.PutSample(t.Context(), "w", []fieldwork.Case{a})
	wantError(t, err, surveys.ErrConflict, `"w"`, "another wave")
	check("after the refusal", 2, 1)
	err = s.PutSample(t.Context(), "w", []fieldwork.Case{a, drawn("b", "h", "u", 2), drawn("c", "h", "v", 3)})
	wantError(t, err, surveys.ErrConflict, `"b"`)
	want := []assess.Unit{
		{Case: "a", Stratum: "h", PSU: "u", Base: 1.5, Score: math.NaN()},
		{Case: "b", Stratum: "h", PSU: "v", Base: 2, Responded: true, Score: math.NaN()},
	}
	if d := cmp.Diff(want, units(t, s, "w"), cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	a.Weight, b.Weight = 1, 1.25
	putSample(t, s, "w", a, b, drawn("c", "h", "v", 1.25)) // more of the reserve is released
	check("with a further case", 3, 1)
}

func TestHalfWrittenSampleIsNotUsed(t *testing.T) {
	s := open(t)
	a, b := drawn("a", "h", "u", 1), drawn("b", "h", "v", 2)
	// What a crash leaves behind: rows of a sample that no line puts to use.
	digest := newDigest()
	digest.add(a)
	digest.add(b)
	if err := s.conn.Exec(t.Context(),
		"INSERT INTO sample SELECT 'w', '"+digest.String()+"', 'a', 'h', 'u', 1, map('city', '330100')"); err != nil {
		t.Fatal(err)
	}
	_, _, err := countsOf(t, s, "w")
	wantError(t, err, surveys.ErrNotFound, "no sample")
	putSample(t, s, "w", a, b)
	if d, _, err := countsOf(t, s, "w"); d != 2 || err != nil {
		t.Errorf("counts are %d, %v, want 2", d, err)
	}
}

func TestPutSampleRefuses(t *testing.T) {
	s := open(t)
	for _, c := range []struct {
		name  string
		cases []fieldwork.Case
		want  string
	}{
		{"no cases", nil, "no cases"},
		{"the same case twice", []fieldwork.Case{drawn("a", "h", "u", 1), drawn("b", "h", "u", 1), drawn("a", "h", "u", 1)}, `"a" is there twice`},
		{"a case without ID", []fieldwork.Case{drawn("", "h", "u", 1)}, "no ID"},
		{"a negative weight", []fieldwork.Case{drawn("a", "h", "u", -1)}, "-1"},
		{"a weight that is no number", []fieldwork.Case{drawn("a", "h", "u", math.NaN())}, "NaN"},
		{"an endless weight", []fieldwork.Case{drawn("a", "h", "u", math.Inf(1))}, "+Inf"},
		{"a weight too small to be summed", []fieldwork.Case{drawn("a", "h", "u", 1e-13)}, "scale"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, s.PutSample(t.Context(), "w", c.cases), surveys.ErrInvalid, c.want)
		})
	}
}

// weights are those of cases a and b.
func weights(a, b float64) []assess.CaseWeight {
	return []assess.CaseWeight{{Case: "a", Weight: a, Base: 1}, {Case: "b", Weight: b, Base: 1}}
}

func TestWeightsAreNeverOverwritten(t *testing.T) {
	s := open(t)
	putSample(t, s, "w", drawn("a", "h", "u", 1), drawn("b", "h", "v", 1))
	ctx := t.Context()
	put := func(name, plan string, w []assess.CaseWeight, wantVersion int, wantStored bool) {
		t.Helper()
		version, stored, err := s.PutWeights(ctx, "w", assess.Weighting{Name: name, PlanHash: plan}, w)
		if err != nil || version != wantVersion || stored != wantStored {
			t.Errorf("PutWeights() = %d, %v, %v, want %d, %v", version, stored, err, wantVersion, wantStored)
		}
	}
	put("raked", "one", weights(1.25, 0.5), 1, true)
	put("raked", "one", weights(1.25, 0.5), 1, false)
	put("raked", "one", weights(1.25, 0.75), 2, true) // the data have changed
	put("raked", "two", weights(1.25, 0.75), 3, true) // another plan to the same end
	put("raked", "one", weights(1.25, 0.5), 1, false)
	put("raked", "one", []assess.CaseWeight{weights(1.25, 0.5)[1], weights(1.25, 0.5)[0]}, 1, false) // in another order
	put("1' OR '1'='1", "", weights(1, 1), 1, true)
	ids, err := s.WeightSets(ctx, "w")
	if want := []string{"1' OR '1'='1@1", "raked@1", "raked@2", "raked@3"}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("WeightSets() = %q, %v, want %q", ids, err, want)
	}
	for id, want := range map[string]string{"raked": "raked@3 two", "raked@1": "raked@1 one"} {
		if r, err := s.Weighting(ctx, "w", id); err != nil || r.ID()+" "+r.PlanHash != want {
			t.Errorf("Weighting(%s) = %+v, %v, want %s", id, r, err, want)
		}
	}
	for id, want := range map[string][]assess.CaseWeight{"raked": weights(1.25, 0.75), "raked@1": weights(1.25, 0.5)} {
		if got, err := s.CaseWeights(ctx, "w", id); err != nil || !slices.Equal(got, want) {
			t.Errorf("CaseWeights(%s) = %v, %v, want %v", id, got, err, want)
		}
	}
	_, err = s.CaseWeights(ctx, "w", "raked@9")
	wantError(t, err, surveys.ErrNotFound, "raked@3")
	for _, c := range []struct {
		name    string
		weights []assess.CaseWeight
		want    string
	}{
		{"", weights(1, 1), "name"},
		{"raked@2", weights(1, 1), `"raked@2"`},
		{"none", nil, "at least one"},
		{"bad", weights(-1, 1), `"a"`},
		{"twice", append(weights(1, 1), weights(1, 2)...), `"a" has two weights`},
	} {
		_, _, err := s.PutWeights(ctx, "w", assess.Weighting{Name: c.name}, c.weights)
		wantError(t, err, surveys.ErrInvalid, c.want)
	}
}

// A record holds what a report prints, and comes back as it was.
func TestWeightingRecord(t *testing.T) {
	s := open(t)
	putSample(t, s, "w", drawn("a", "h", "u", 1), drawn("b", "h", "v", 1))
	want := assess.Weighting{
		Name: "raked", Version: 1, Plan: "title: {zh: 加权}\n", PlanHash: "one", Program: "suyang v1", Sample: "s", Responses: "r",
		Steps:       []weighting.Step{{What: "rake", N: 2, Sum: 0.1, Converged: true, Rounds: []float64{0.5, 1e-12}}},
		Calibration: []assess.CalibratedMargin{{Factors: []string{"sex", "age"}, Merged: [][]int{{0, 1}, {2}}}},
		Assumptions: []assess.Assumption{{Code: "even-ages", Value: 0.4}},
	}
	if _, _, err := s.PutWeights(t.Context(), "w", want, weights(1, 2)); err != nil {
		t.Fatal(err)
	}
	got, err := s.Weighting(t.Context(), "w", "raked")
	if d := cmp.Diff(&want, got); err != nil || d != "" {
		t.Errorf("Weighting(): %v, %s", err, d)
	}
}

// What a crash leaves behind: weights that no line puts to use. The name is not taken,
// and the same weights can be stored again.
func TestHalfWrittenWeightsTakeNoName(t *testing.T) {
	s := open(t)
	putSample(t, s, "w", drawn("a", "h", "u", 1), drawn("b", "h", "v", 1))
	digest, err := digestOfWeights("raked", weights(3, 4))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.conn.Exec(t.Context(), "INSERT INTO weights (wave, digest, case_id, weight, base) SELECT 'w', '"+digest+"', 'a', 3, 1"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Weighting(t.Context(), "w", "raked")
	wantError(t, err, surveys.ErrNotFound, "no weights yet")
	if version, stored, err := s.PutWeights(t.Context(), "w", assess.Weighting{Name: "raked"}, weights(3, 4)); version != 1 || !stored || err != nil {
		t.Errorf("PutWeights() = %d, %v, %v, want version 1", version, stored, err)
	}
	q, _ := civic(t)
	put(t, s, "1", response("w", "a", 1, nil), response("w", "b", 2, nil))
	c, err := s.Cells(t.Context(), assess.Query{Wave: "w", Questionnaire: q, Weights: "raked"})
	if err != nil || len(c.Rows) != 2 || c.Rows[0].W+c.Rows[1].W != 7 {
		t.Errorf("Cells() = %+v, %v, want the weights 3 and 4 once each", c, err)
	}
}

// Sets that were stored before there were versions are version 1 of their name, and
// their weights before the last calibration are those of the sample.
func TestWeightsOfAnEarlierSchema(t *testing.T) {
	s := openBare(t)
	steps, err := readMigrations(migrationFiles)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.migrate(t.Context(), steps[:5]); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"INSERT INTO weights SELECT 'w', 'd', 'a', 3",
		"INSERT INTO weight_sets SELECT 'w', 'raked', 'd', 1",
	} {
		if err := s.conn.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	putSample(t, s, "w", drawn("a", "h", "u", 2))
	q, _ := civic(t)
	put(t, s, "1", response("w", "a", 1, nil))
	c, err := s.Cells(t.Context(), assess.Query{Wave: "w", Questionnaire: q, Weights: "raked@1"})
	if err != nil || len(c.Rows) != 1 || c.Rows[0].W != 3 || c.Rows[0].Base != 2 {
		t.Errorf("Cells() = %+v, %v, want weight 3, before calibration 2", c, err)
	}
	if r, err := s.Weighting(t.Context(), "w", "raked"); err != nil || r.ID() != "raked@1" || len(r.Steps) != 0 {
		t.Errorf("Weighting() = %+v, %v, want an empty record of version 1", r, err)
	}
}
