package clickhouse

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

func drawn(id, stratum, psu string, w float64) fieldwork.Case {
	return fieldwork.Case{ID: id, Stratum: stratum, PSU: psu, Weight: w, Columns: map[string]string{"city": "330100"}}
}

// units lists who responded in a wave, with no factors.
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
	counts := func(name string, wantDrawn, wantResponded int) {
		t.Helper()
		d, r, err := s.Counts(t.Context(), "w")
		if err != nil || d != wantDrawn || r != wantResponded {
			t.Errorf("%s: Counts() = %d, %d, %v, want %d, %d", name, d, r, err, wantDrawn, wantResponded)
		}
	}
	putSample(t, s, "w", a, b)
	counts("first", 2, 0)
	putSample(t, s, "w", b, a)
	counts("same cases in another order", 2, 0)
	putSample(t, s, "w", a, b, drawn("c", "h", "v", 3))
	counts("replaced before any response", 3, 0)
	putSample(t, s, "w", a, b)
	counts("back to the first", 2, 0)

	put(t, s, "1", response("w", "b", 1, nil))
	putSample(t, s, "w", a, b)
	counts("same again after a response", 2, 1)
	err := s.PutSample(t.Context(), "w", []fieldwork.Case{a})
	wantError(t, err, surveys.ErrConflict, `"w"`, "another wave")
	counts("after the refusal", 2, 1)
	if d := cmp.Diff([]assess.Unit{{Case: "b", Base: 2, Levels: []int{}}}, units(t, s, "w")); d != "" {
		t.Error(d)
	}
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
	_, _, err := s.Counts(t.Context(), "w")
	wantError(t, err, surveys.ErrNotFound, "no sample")
	putSample(t, s, "w", a, b)
	if d, _, err := s.Counts(t.Context(), "w"); d != 2 || err != nil {
		t.Errorf("Counts() = %d, %v, want 2", d, err)
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

func TestWeightsAreNeverOverwritten(t *testing.T) {
	s := open(t)
	putSample(t, s, "w", drawn("a", "h", "u", 1), drawn("b", "h", "v", 1))
	ctx := t.Context()
	first, other := map[string]float64{"a": 1.25, "b": 0.5}, map[string]float64{"a": 1.25, "b": 0.75}
	for range 2 { // the second time changes nothing
		if err := s.PutWeights(ctx, "w", "raked", first); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, s.PutWeights(ctx, "w", "raked", other), surveys.ErrConflict, "raked", "new name")
	if err := s.PutWeights(ctx, "w", "1' OR '1'='1", other); err != nil {
		t.Fatal(err)
	}
	names, err := s.WeightSets(ctx, "w")
	if want := []string{"1' OR '1'='1", "raked"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("WeightSets() = %q, %v, want %q", names, err, want)
	}
	wantError(t, s.PutWeights(ctx, "w", "", first), surveys.ErrInvalid, "name")
	wantError(t, s.PutWeights(ctx, "w", "none", nil), surveys.ErrInvalid, "at least one")
	wantError(t, s.PutWeights(ctx, "w", "bad", map[string]float64{"a": -1}), surveys.ErrInvalid, `"a"`)
}
