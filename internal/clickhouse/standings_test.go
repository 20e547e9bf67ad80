package clickhouse

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// counts and not are the standings of a case with an interview that counts, in a household
// of k, and of one that was rejected.
func counts(id string, k int) fieldwork.Standing {
	return fieldwork.Standing{Case: id, Disposition: "1.1", Eligible: k, Counts: true}
}

func not(id string, code fieldwork.Code, k int) fieldwork.Standing {
	return fieldwork.Standing{Case: id, Disposition: code, Eligible: k}
}

func putStandings(t testing.TB, s *Store, wave string, standings ...fieldwork.Standing) {
	t.Helper()
	if err := s.PutStandings(t.Context(), wave, standings); err != nil {
		t.Fatal(err)
	}
}

// sets is how many sets of standings a wave was given.
func sets(t *testing.T, s *Store, wave string) (n uint64) {
	t.Helper()
	set, err := s.standingsOf(t.Context(), wave)
	if err != nil {
		t.Fatal(err)
	}
	return set.number
}

// An interview is in no estimate while its case does not count, and back when it does.
func TestStandingsSayWhoCounts(t *testing.T) {
	s := open(t)
	q, _ := civic(t)
	putSample(t, s, "w", drawn("a", "h", "u", 1.5), drawn("b", "h", "v", 2), drawn("c", "h", "v", 4), drawn("d", "h", "v", 8))
	put(t, s, "1", response("w", "a", 1, nil), response("w", "b", 2, nil), response("w", "c", 3, nil))
	check := func(name string, wantN int, wantW float64) {
		t.Helper()
		n, r, err := countsOf(t, s, "w")
		if err != nil || n != 4 || r != wantN {
			t.Errorf("%s: counts are %d, %d, %v, want 4, %d", name, n, r, err, wantN)
		}
		c, err := s.Cells(t.Context(), assess.Query{Wave: "w", Questionnaire: q})
		if err != nil {
			t.Fatal(err)
		}
		people, w := 0, 0.0
		for _, row := range c.Rows {
			people, w = people+row.N, w+row.W
		}
		if people != wantN || w != wantW || len(c.PSUs) != 2 {
			t.Errorf("%s: %d people with weight %v in %d PSUs, want %d with %v in 2", name, people, w, len(c.PSUs), wantN, wantW)
		}
		responded := 0
		for _, u := range units(t, s, "w") {
			if u.Responded {
				responded++
			}
		}
		if responded != wantN {
			t.Errorf("%s: %d units have responded, want %d", name, responded, wantN)
		}
	}
	check("no standings", 3, 7.5)
	putStandings(t, s, "w", counts("a", 0), counts("b", 0), counts("c", 0), not("d", "2.24", 0))
	check("all count", 3, 7.5)
	putStandings(t, s, "w", counts("a", 0), not("b", "2.36", 0), counts("c", 0), not("d", "2.24", 0))
	check("one was rejected", 2, 5.5)
	putStandings(t, s, "w", counts("a", 0), counts("c", 0))
	check("cases that the fieldwork does not know", 2, 5.5)
	putStandings(t, s, "w", counts("a", 3), counts("b", 1), counts("c", 2), not("d", "2.24", 5))
	check("households of 3, 1 and 2", 3, 1.5*3+2*1+4*2)
}

// The same standings again, in another order, write nothing; other ones take their place.
func TestPutStandingsAgain(t *testing.T) {
	s := open(t)
	putSample(t, s, "w", drawn("a", "h", "u", 1), drawn("b", "h", "v", 1))
	for _, c := range []struct {
		name      string
		standings []fieldwork.Standing
		want      uint64
	}{
		{"first", []fieldwork.Standing{counts("a", 2), not("b", "3.11", 0)}, 1},
		{"the same", []fieldwork.Standing{counts("a", 2), not("b", "3.11", 0)}, 1},
		{"in another order", []fieldwork.Standing{not("b", "3.11", 0), counts("a", 2)}, 1},
		{"another disposition", []fieldwork.Standing{counts("a", 2), not("b", "2.24", 0)}, 2},
		{"another household", []fieldwork.Standing{counts("a", 3), not("b", "2.24", 0)}, 3},
		{"another decision", []fieldwork.Standing{{Case: "a", Disposition: "1.1", Eligible: 3}, not("b", "2.24", 0)}, 4},
		{"back to the first", []fieldwork.Standing{counts("a", 2), not("b", "3.11", 0)}, 5},
	} {
		putStandings(t, s, "w", c.standings...)
		if got := sets(t, s, "w"); got != c.want {
			t.Errorf("%s: %d sets were named, want %d", c.name, got, c.want)
		}
	}
	var rows uint64
	err := s.conn.QueryRow(t.Context(), "SELECT count() FROM standings FINAL").Scan(&rows)
	if err != nil || rows != 8 { // 4 different sets of 2
		t.Errorf("%d rows, %v, want 8", rows, err)
	}
	want := []assess.Unit{
		{Case: "a", Stratum: "h", PSU: "u", Base: 1, Class: "I", Eligible: 2, Score: math.NaN()},
		{Case: "b", Stratum: "h", PSU: "v", Base: 1, Class: "UH", Score: math.NaN()},
	}
	if d := cmp.Diff(want, units(t, s, "w"), cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

func TestPutStandingsRefuses(t *testing.T) {
	s := open(t)
	err := s.PutStandings(t.Context(), "w", []fieldwork.Standing{counts("a", 1)})
	wantError(t, err, surveys.ErrNotFound, `"w"`, "no sample")
	putSample(t, s, "w", drawn("b", "h", "u", 1), drawn("d", "h", "v", 1))
	for _, c := range []struct {
		name      string
		standings []fieldwork.Standing
		want      string
	}{
		{"none", nil, "there are none"},
		{"a case twice", []fieldwork.Standing{counts("b", 1), counts("d", 1), counts("b", 1)}, `case "b" has two standings`},
		{"no disposition", []fieldwork.Standing{not("b", "9.9", 1)}, `"9.9"`},
		{"a household too large", []fieldwork.Standing{counts("b", 51)}, "51 persons"},
		{"a refusal that counts", []fieldwork.Standing{{Case: "b", Disposition: "2.112", Counts: true}}, `"b" counts`},
		{"strangers", []fieldwork.Standing{counts("b", 1), counts("a", 1), counts("c", 1), counts("e", 1)}, `3 cases are not in the sample of the wave, such as a, c, e`},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, s.PutStandings(t.Context(), "w", c.standings), surveys.ErrInvalid, c.want)
		})
	}
	if n := sets(t, s, "w"); n != 0 {
		t.Errorf("%d sets are in use after refusals", n)
	}
}

// What a crash leaves behind: standings that no line puts to use.
func TestHalfWrittenStandingsAreNotUsed(t *testing.T) {
	s := open(t)
	putSample(t, s, "w", drawn("a", "h", "u", 1), drawn("b", "h", "v", 1))
	put(t, s, "1", response("w", "a", 1, nil), response("w", "b", 2, nil))
	digest := newDigest()
	all := []fieldwork.Standing{counts("a", 2), counts("b", 3)}
	for _, st := range all {
		digest.add(st)
	}
	if err := s.conn.Exec(t.Context(), "INSERT INTO standings SELECT 'w', '"+digest.String()+"', 'a', '1.1', 'I', 2, true"); err != nil {
		t.Fatal(err)
	}
	if _, r, err := countsOf(t, s, "w"); r != 2 || err != nil {
		t.Errorf("counts are %d, %v, want 2: no standings are in use", r, err)
	}
	putStandings(t, s, "w", all...)
	q, _ := civic(t)
	c, err := s.Cells(t.Context(), assess.Query{Wave: "w", Questionnaire: q})
	if err != nil || len(c.Rows) != 2 || c.Rows[0].W+c.Rows[1].W != 5 {
		t.Errorf("Cells() = %+v, %v, want the weights 2 and 3 once each", c, err)
	}
}

// someStandings makes up what the fieldwork may say of the cases of a wave; some it does not
// know.
func someStandings(m *assess.Memory, rng *rand.Rand) []fieldwork.Standing {
	responded := map[string]bool{}
	for _, r := range m.Responses {
		responded[r.Case] = true
	}
	codes := []fieldwork.Code{"1.1", "1.2", "2.112", "2.24", "2.31", "3.11", "3.20", "4.70"}
	var out []fieldwork.Standing
	for _, c := range m.Cases {
		switch k := rng.IntN(20); {
		case k == 0:
		case responded[c.ID] && k < 16:
			out = append(out, counts(c.ID, rng.IntN(7)))
		case k == 1:
			out = append(out, counts(c.ID, 50)) // the most, though nobody has responded
		default:
			out = append(out, not(c.ID, codes[rng.IntN(len(codes))], rng.IntN(7)))
		}
	}
	return out
}

// With standings, the store gives what memory gives: cells with base weights and with a
// set, units and counts.
func TestStoreEqualsMemoryWithStandings(t *testing.T) {
	civicQ, civicF := civic(t)
	hostileQ, hostileF := hostile()
	for _, c := range []struct {
		name    string
		q       *surveys.Questionnaire
		factors []assess.Factor
	}{{"the shipped questionnaire", civicQ, civicF}, {"hostile words", hostileQ, hostileF}} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			rng := rand.New(rand.NewPCG(11, 12))
			m := wave(c.q, c.factors, 500, rng)
			load(t, s, m, m.Responses)
			m.Weights["raked@1"] = m.Weights["raked"]
			m.Standings = someStandings(m, rng)
			putStandings(t, s, m.Wave, m.Standings...)
			query := assess.Query{Wave: m.Wave, Questionnaire: c.q, Factors: c.factors, Items: true}
			for _, query.Weights = range []string{"", "raked@1"} {
				compareCells(t, s, m, query)
			}
			query.Factors = nil
			compareCells(t, s, m, query)
			query.Factors, query.Columns = c.factors, []string{"city", `b\`, "none"}
			compareUnits(t, s, m, query)
			all, err := s.Units(t.Context(), query)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]int{}
			for _, u := range all {
				seen[u.Class]++
			}
			inStore, err := s.Fieldwork(t.Context(), m.Wave)
			inMemory, memoryErr := m.Fieldwork(t.Context(), m.Wave)
			if d := cmp.Diff(inMemory, inStore, cmpopts.EquateApprox(1e-12, 0)); d != "" || err != nil || memoryErr != nil {
				t.Errorf("what came of the cases (-memory +store): %s (%v, %v)", d, memoryErr, err)
			}
			if got := inStore.Cases; got.UH == 0 || int(got.Eligible()+got.Unknown()+got.NE) != len(all) {
				t.Errorf("%+v are not the %d cases", got, len(all))
			}
			if len(seen) != 9 { // eight classes, and cases that the fieldwork does not know
				t.Errorf("classes %v, want all of them", seen)
			}
		})
	}
}

// The order of parts and the number of threads change no bit of a sum, also when weights
// are multiplied by the persons of households.
func TestHouseholdsAreSummedExactly(t *testing.T) {
	q, factors := civic(t)
	rng := rand.New(rand.NewPCG(13, 14))
	m := wave(q, factors, 500, rng)
	for i := range m.Cases {
		m.Cases[i].PSU = "one"
		if i%40 == 0 {
			m.Cases[i].Weight *= 1e-9
		}
	}
	m.Standings = someStandings(m, rng)
	query := assess.Query{Wave: m.Wave, Questionnaire: q, Factors: factors[:1]}
	backwards := slices.Clone(m.Responses)
	slices.Reverse(backwards)
	var first *analysis.Cells
	for _, order := range [][]surveys.Response{m.Responses, backwards} {
		s := open(t)
		load(t, s, m, order)
		putStandings(t, s, m.Wave, m.Standings...)
		got, err := s.Cells(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got
			compareCells(t, s, m, query)
		}
		if d := cmp.Diff(first, got, exported); d != "" {
			t.Error(d)
		}
	}
}

// Rejecting an interview after the weighing takes it out at once, and every estimate with
// the weights says so until the wave is weighed again.
func TestRejectedAfterWeighing(t *testing.T) {
	s := open(t)
	q, factors := civic(t)
	m := wave(q, factors, 400, rand.New(rand.NewPCG(15, 16)))
	load(t, s, m, m.Responses)
	record := &assess.Weighting{Name: "raked", Version: 1}
	plan := &assess.Plan{Factors: factors, Tables: []string{"sex"}}
	assessed := func() *assess.Results {
		t.Helper()
		r, err := assess.Assess(t.Context(), s, q, plan, assess.Options{Wave: m.Wave, Weighting: record})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	before := assessed()
	weighted := map[string]bool{}
	for _, w := range m.Weights["raked"] {
		weighted[w.Case] = w.Weight > 0
	}
	var standings []fieldwork.Standing
	for _, c := range m.Cases {
		if weighted[c.ID] {
			standings = append(standings, counts(c.ID, 1))
		} else {
			standings = append(standings, not(c.ID, "2.24", 1))
		}
	}
	putStandings(t, s, m.Wave, standings...)
	if d := cmp.Diff(before.Headline, assessed().Headline, cmpopts.EquateNaNs()); d != "" {
		t.Errorf("every case counts, but the rate is another one: %s", d)
	}
	// Three of those that have a weight and a score.
	rejected, late := 0, 0
	for _, u := range units(t, s, m.Wave) {
		if late < 2 && !weighted[u.Case] { // approved after the weighing
			i := slices.IndexFunc(standings, func(st fieldwork.Standing) bool { return st.Case == u.Case })
			standings[i] = counts(u.Case, 1)
			late++
		}
		if rejected < 3 && u.Scored() && weighted[u.Case] {
			i := slices.IndexFunc(standings, func(st fieldwork.Standing) bool { return st.Case == u.Case })
			standings[i] = not(u.Case, "2.36", 1)
			rejected++
		}
	}
	putStandings(t, s, m.Wave, standings...)
	after := assessed()
	if got, want := after.Headline[0].Estimate.N, before.Headline[0].Estimate.N-3; got != want {
		t.Errorf("%d people in the rate, want %d", got, want)
	}
	want := assess.StaleNotes("raked@1", 3, 2)
	record.Unweighted = 2 // as when they had no score
	for _, n := range assessed().Headline[0].Estimate.Notes {
		if n.Code == assess.LateCases {
			t.Errorf("cases that the set left out are late: %v", n)
		}
	}
	for _, e := range []analysis.Estimate{after.Headline[0].Estimate, after.Score[0].Estimate, after.Tables[0].Groups[0].Rows[0].Estimate, after.Items[0].Rows[0].Estimate} {
		for _, n := range want {
			if !slices.Contains(e.Notes, n) {
				t.Errorf("notes %v, want %v", e.Notes, n)
			}
		}
	}
	// Weights of those who still count are fresh.
	var left []assess.CaseWeight
	for _, w := range m.Weights["raked"] {
		if i := slices.IndexFunc(standings, func(st fieldwork.Standing) bool { return st.Case == w.Case }); standings[i].Counts {
			left = append(left, w)
		}
	}
	if _, _, err := s.PutWeights(t.Context(), m.Wave, assess.Weighting{Name: "raked"}, left); err != nil {
		t.Fatal(err)
	}
	record.Version = 2
	if notes := assessed().Headline[0].Estimate.Notes; slices.ContainsFunc(notes, func(n analysis.Note) bool { return n.Code == assess.StaleWeights }) {
		t.Errorf("notes %v after weighing again", notes)
	}
}

// The composed queries with standings, for people to read.
func TestComposedQueriesWithStandings(t *testing.T) {
	q := &surveys.Questionnaire{ID: "q", Criterion: &surveys.Criterion{
		Dimensions: []surveys.Dimension{{ID: "d", Points: 100}}, Cut: 50, Boundary: surveys.AtLeast, Unasked: surveys.UnaskedWrong,
	}, Sections: []surveys.Section{{ID: "s", Items: []surveys.Item{{ID: "i", Type: surveys.Single, Dimension: "d", Key: []string{"a"}, Options: []surveys.Option{{Code: "a"}}}}}}}
	query := assess.Query{Wave: "w", Questionnaire: q}
	golden(t, "standings-units.sql", unitsText(query, true))
}

// BenchmarkCellsWithStandings is BenchmarkCells of a wave whose fieldwork says that nine
// interviews of ten count.
func BenchmarkCellsWithStandings(b *testing.B) {
	s := open(b)
	q, factors := civic(b)
	makeUp(b, s, q, factors)
	for _, sql := range []string{
		fmt.Sprintf(`INSERT INTO standings SELECT 'bench', 's', leftPad(toString(number), 9, '0'), '1.1', 'I', 1 + number %% 5, number %% 10 > 0
			FROM numbers(%d)`, *people),
		fmt.Sprintf("INSERT INTO standing_sets SELECT 'bench', 1, 's', %d, 5", *people),
	} {
		if err := s.conn.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		c, err := s.Cells(b.Context(), assess.Query{Wave: "bench", Questionnaire: q, Factors: factors, Items: true})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(c.Rows)), "cells")
	}
}
