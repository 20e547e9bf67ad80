package clickhouse

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

var people = flag.Int("people", 100_000, "how many responses BenchmarkCells sums")

// BenchmarkCells sums made-up responses to the shipped questionnaire: every item, five
// factors, 2,400 PSUs.
func BenchmarkCells(b *testing.B) {
	s := open(b)
	q, factors := civic(b)
	makeUp(b, s, q)
	for b.Loop() {
		c, err := s.Cells(b.Context(), assess.Query{Wave: "bench", Questionnaire: q, Factors: factors, Items: true})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(c.Rows)), "cells")
	}
}

// makeUp fills sample and responses inside ClickHouse, with answers drawn at random
// from the options.
func makeUp(b *testing.B, s *Store, q *surveys.Questionnaire) {
	b.Helper()
	entries := []string{"'age', [toString(18 + sipHash64(number, 'age') % 52)]"}
	for it := range q.Items {
		if it.Type != surveys.Single {
			continue
		}
		codes := make([]string, len(it.Options))
		for i, o := range it.Options {
			codes[i] = score.Quote(o.Code)
		}
		entries = append(entries, fmt.Sprintf("%[1]s, [[%[2]s][1 + sipHash64(number, %[1]s) %% %[3]d]]",
			score.Quote(it.ID), strings.Join(codes, ", "), len(codes)))
	}
	const id = "leftPad(toString(number), 9, '0')"
	for _, sql := range []string{
		fmt.Sprintf(`INSERT INTO sample
			WITH number %% 2400 AS psu, psu %% 22 AS stratum
			SELECT 'bench', 'd', %s, 'h' || toString(stratum), 'u' || toString(psu), 100 + number %% 977,
				map('city', toString(330000 + 100 * (1 + stratum %% 11)), 'residence', ['urban', 'rural'][1 + intDiv(stratum, 11)])
			FROM numbers(%d)`, id, *people),
		"INSERT INTO samples SELECT 'bench', 1, 'd', " + fmt.Sprint(*people),
		fmt.Sprintf(`INSERT INTO responses (wave, node, seq, submission_id, case_id, answers)
			SELECT 'bench', 1, number, toUUID(UUIDNumToString(sipHash128(number))), %s, map(%s) FROM numbers(%d)
			SETTINGS max_block_size = 10000, min_insert_block_size_rows = 100000, min_insert_block_size_bytes = 0`,
			id, strings.Join(entries, ", "), *people),
	} {
		if err := s.conn.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInsert stores blocks of 1,000 responses with 50 answers.
func BenchmarkInsert(b *testing.B) {
	s := open(b)
	answers := surveys.Answers{}
	for i := range 50 {
		answers[fmt.Sprintf("K%02d", i)] = []string{"a"}
	}
	block := make([]surveys.Response, 1000)
	seq := uint64(0)
	for b.Loop() {
		for i := range block {
			seq++
			block[i] = response("bench", fmt.Sprint(seq), seq, answers)
		}
		put(b, s, fmt.Sprint(seq), block...)
	}
	b.ReportMetric(float64(seq)/b.Elapsed().Seconds(), "responses/s")
}
