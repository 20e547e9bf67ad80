package clickhouse

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// A case table gives back what it was given, with any number of factors, for every case and for
// no other hash.
func TestCaseTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for factors := range 6 {
		d := newCaseTable(make([]int, factors), 1000)
		level := func(n, k int) int32 { return int32(n%7*(k+1)) - 1 }
		hashes := map[uint64]int{}
		for n := range 1000 {
			hash := uint64(n) << 40 // many begin their search at the same slot
			if n%2 == 0 {
				hash = rng.Uint64()
			}
			hashes[hash] = n
			d.append(hash, int32(n*3), 1.5*float64(n%3), func(k int) int32 { return level(n, k) })
		}
		if err := d.index(); err != nil {
			t.Fatal(err)
		}
		for hash, n := range hashes {
			if d.find(hash) != n || d.at(n).unit() != int32(n*3) || d.at(n).drawn() != (n%3 > 0) || d.at(n).weight() != 1.5*float64(n%3) || d.at(n).base() != 1.5*float64(n%3) || !d.at(n).counts() {
				t.Fatalf("%d factors: case %d is found at %d", factors, n, d.find(hash))
			}
			for k := range factors {
				if d.at(n).level(k) != level(n, k) {
					t.Fatalf("%d factors: case %d has level %d of factor %d", factors, n, d.at(n).level(k), k)
				}
			}
		}
		for range 1000 {
			if hash := rng.Uint64(); d.find(hash) >= 0 {
				t.Fatalf("a case with the hash %d is found", hash)
			}
		}
		d.append(uint64(7)<<40, 1, 1, func(int) int32 { return 0 })
		if err := d.index(); !errors.Is(err, surveys.ErrConflict) {
			t.Errorf("two cases of one hash: %v", err)
		}
	}
	empty := newCaseTable(nil, 0)
	if err := empty.index(); err != nil || empty.find(5) >= 0 {
		t.Errorf("an empty table: %v", err)
	}
}
