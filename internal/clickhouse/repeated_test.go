package clickhouse

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// Of very many hashes, some of which end alike, those that come more than once are found, and no
// others.
func TestRepeated(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []uint64{0, 1, 50, 100_000} {
		r, counts := newRepeated(n), map[uint64]int{}
		for range 7 {
			block := make([]uint64, n/7)
			for i := range block {
				block[i] = rng.Uint64()
				switch rng.IntN(20) {
				case 0:
					block[i] = 1 + block[i]%(n/20) // comes again
				case 1:
					block[i] <<= 40 // ends as others do
				case 2:
					block[i] = 0
				}
				counts[block[i]]++
			}
			r.add(block)
		}
		delete(counts, 0)
		maps.DeleteFunc(counts, func(_ uint64, n int) bool { return n < 2 })
		if want := slices.Sorted(maps.Keys(counts)); !slices.Equal(r.found(), want) || n == 100_000 && len(want) < 1000 {
			t.Errorf("of %d hashes, %d come more than once, want %d", n, len(r.found()), len(want))
		}
	}
}

// As many submissions with several revisions as a query lists, each with its case, are not too
// many for ClickHouse; nor are more.
func TestManyRepeatedRecords(t *testing.T) {
	s := open(t)
	const most = mostListed + 1
	for revision := range uint32(2) {
		var list []surveys.Response
		for i := range uint64(most) {
			r := response("w", fmt.Sprint("case ", i), i, nil)
			r.Revision, r.Seq = revision, i+uint64(revision)*most
			list = append(list, r)
		}
		put(t, s, fmt.Sprint(revision), list...)
	}
	for _, n := range []int{most, mostListed} {
		until := fmt.Sprint(" AND seq % ", most, " < ", n)
		got, err := s.supersededOf(t.Context(), arguments{"wave": "w"}, until, uint64(2*n))
		if err != nil || len(got) != n {
			t.Errorf("%d of %d records are superseded, %v", len(got), n, err)
		}
	}
}
