package clickhouse

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// planSource remembers which cubes the shipped plan asks for.
type planSource struct {
	assess.Memory
	query assess.Query
	cubes []assess.Cube
}

func (s *planSource) Cubes(_ context.Context, q assess.Query, cubes []assess.Cube) (*assess.Summed, error) {
	s.query, s.cubes = q, cubes
	return nil, surveys.ErrNotFound
}

// BenchmarkTally adds made-up people to the cubes of the shipped plan, without the engine: the
// numbers of their answers are at hand.
func BenchmarkTally(b *testing.B) {
	const people, psus, cases = 100_000, 1740, 200_000
	q, plan := civicPlan(b)
	src := &planSource{Memory: assess.Memory{Wave: "bench"}}
	record := &assess.Weighting{Name: "raked", Version: 1, Calibration: []assess.CalibratedMargin{
		{Factors: []string{"sex", "age_group"}}, {Factors: []string{"city"}}, {Factors: []string{"residence"}},
	}}
	if _, err := assess.Assess(b.Context(), src, q, plan, assess.Options{Wave: "bench", Weighting: record}); len(src.cubes) == 0 {
		b.Fatal(err)
	}
	c, err := newCellsQuery(src.query, src.cubes)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	weights := extent{50, 2000}
	d := design{units: make([]sampleUnit, psus), ranges: ranges{cases: cases, base: weights, given: weights}}
	var columns []int
	for f, factor := range c.query.Factors {
		if factor.Sample != "" {
			columns = append(columns, f)
		}
	}
	table := newCaseTable(columns, cases)
	for range cases {
		w := weights.min + rng.Float64()*(weights.max-weights.min)
		unit := rng.Int32N(psus)
		table.append(rng.Uint64(), unit, w, func(k int) int32 { return unit % int32(len(c.query.Factors[columns[k]].Levels)) })
	}
	if err := table.index(); err != nil {
		b.Fatal(err)
	}
	chunks := madeUpChunks(c, table, people, rng)
	b.ReportAllocs()
	for b.Loop() {
		t := c.newTally(table, d)
		for range 5 {
			if err := t.add(snapshot{}, chunks); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*5*people), "ns/person")
}

// madeUpChunks are people who gave an answer to every item.
func madeUpChunks(c *cellsQuery, table *caseTable, people int, rng *rand.Rand) (chunks []chunk) {
	byItem := map[string][]uint16{}
	var items []string
	for i, code := range c.codes {
		if code.kind != firstOfSeveral {
			if byItem[code.item] == nil {
				items = append(items, code.item)
			}
			byItem[code.item] = append(byItem[code.item], uint16(i+1))
		}
	}
	for first := 0; first < people; first += 10_000 {
		k := chunk{people: 10_000}
		for i := range k.people {
			for _, item := range items {
				if c.query.Questionnaire.Item(item).Key != nil && rng.IntN(10) < 4 {
					continue // a wrong answer, which adds nothing
				}
				k.given = append(k.given, byItem[item][rng.IntN(len(byItem[item]))])
			}
			k.cases, k.records = append(k.cases, table.hash(first+i)), append(k.records, uint64(first+i))
			k.ends = append(k.ends, uint32(len(k.given)))
		}
		for range c.words.numbers {
			var column []float64
			for range k.people {
				column = append(column, float64(18+rng.IntN(52)))
			}
			k.values = append(k.values, column)
		}
		chunks = append(chunks, k)
	}
	return chunks
}
