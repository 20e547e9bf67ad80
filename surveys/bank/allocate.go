package bank

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/suyang-survey/suyang/surveys"
)

// Case is a drawn case that gets a booklet.
type Case struct{ ID, Stratum string }

// Allocate gives each case a booklet and returns their IDs, in the order of the cases.
// Every case gets a booklet with the probability of its share; in each stratum the number
// of cases with a booklet is its share of them, rounded up or down, and cases that follow
// each other by ID, which are mostly neighbours, get different booklets in turn. The
// result depends on the seed, the IDs and strata and nothing else, so it can be made
// again.
func Allocate(seed uint64, cases []Case, booklets []surveys.Booklet) []string {
	out := make([]string, len(cases))
	if len(booklets) == 0 {
		return out
	}
	strata := map[string][]int{}
	for i, c := range cases {
		strata[c.Stratum] = append(strata[c.Stratum], i)
	}
	for stratum, members := range strata {
		slices.SortFunc(members, func(i, j int) int { return cmp.Compare(cases[i].ID, cases[j].ID) })
		rng := rand.New(rand.NewPCG(seed, number(stratum)))
		list := turns(rng, len(members), booklets)
		start := rng.IntN(len(members))
		for n, i := range members {
			out[i] = list[(start+n)%len(list)]
		}
	}
	return out
}

// turns lists booklets for n cases: how many of each comes from a systematic sample over
// the shares, whose expectation is n times the share, and the next is always the one that
// is furthest behind its number.
func turns(rng *rand.Rand, n int, booklets []surveys.Booklet) []string {
	order := rng.Perm(len(booklets))
	counts := make([]int, len(booklets))
	sum, upTo, point := 0.0, 0.0, rng.Float64()
	for _, b := range booklets {
		sum += b.Share
	}
	taken := 0
	for k, b := range order {
		upTo += booklets[b].Share / sum * float64(n)
		for taken < n && (point+float64(taken) < upTo || k == len(order)-1) {
			counts[b]++
			taken++
		}
	}
	out := make([]string, n)
	given := make([]int, len(booklets))
	for i := range out {
		best, behind := -1, 0
		for _, b := range order {
			if d := (i+1)*counts[b] - given[b]*n; best < 0 || d > behind {
				best, behind = b, d
			}
		}
		given[best]++
		out[i] = booklets[best].ID
	}
	return out
}

// Pick gives a booklet to an interview that belongs to no case, by its random ID: each
// with the probability of its share. It returns "" when there are no booklets.
func Pick(interview string, booklets []surveys.Booklet) string {
	if len(booklets) == 0 {
		return ""
	}
	const bits = 53
	u := float64(number(interview)>>(64-bits)) / (1 << bits)
	upTo := 0.0
	for _, b := range booklets {
		if upTo += b.Share; u < upTo {
			return b.ID
		}
	}
	return booklets[len(booklets)-1].ID
}

// number is an even hash of a text.
func number(s string) uint64 {
	sum := sha256.Sum256([]byte(s))
	return binary.BigEndian.Uint64(sum[:])
}
