package analysis

import (
	"slices"
	"strings"
)

// Letters is the compact letter display of n groups: two groups share a letter exactly
// when they do not differ. Groups are numbered in the order in which letters are to run,
// such as from the highest value down, so that the first has an "a".
//
// It is the insert-and-absorb algorithm of Piepho (2004), An algorithm for a letter-based
// representation of all-pairwise comparisons, Journal of Computational and Graphical
// Statistics 13, 456–466: one column of all groups is split at each pair that differs, and
// a column that lies within another goes.
func Letters(n int, differ func(i, j int) bool) []string {
	if n == 0 {
		return nil
	}
	columns := []letterColumn{make(letterColumn, n)}
	for i := range n {
		columns[0][i] = true
	}
	for i := range n {
		for j := i + 1; j < n; j++ {
			if differ(i, j) {
				columns = absorbed(split(columns, i, j))
			}
		}
	}
	slices.SortFunc(columns, func(a, b letterColumn) int {
		for i := range n {
			switch {
			case a[i] && !b[i]:
				return -1
			case b[i] && !a[i]:
				return 1
			}
		}
		return 0
	})
	letters := make([]string, n)
	for k, c := range columns {
		for i, has := range c {
			if has {
				letters[i] += letter(k)
			}
		}
	}
	return letters
}

// letterColumn says which groups have a letter.
type letterColumn []bool

// split takes every column with both groups apart into one without each.
func split(columns []letterColumn, i, j int) []letterColumn {
	var out []letterColumn
	for _, c := range columns {
		if !c[i] || !c[j] {
			out = append(out, c)
			continue
		}
		other := slices.Clone(c)
		c[i], other[j] = false, false
		out = append(out, c, other)
	}
	return out
}

// absorbed leaves out the columns that lie within another one; of equal ones the first
// stays.
func absorbed(columns []letterColumn) (out []letterColumn) {
	for k, c := range columns {
		redundant := false
		for l, d := range columns {
			redundant = redundant || l != k && c.within(d) && (l < k || !d.within(c))
		}
		if !redundant {
			out = append(out, c)
		}
	}
	return out
}

func (c letterColumn) within(d letterColumn) bool {
	for i, has := range c {
		if has && !d[i] {
			return false
		}
	}
	return true
}

// letter is the k-th letter; after z come A to Z, then these again with primes.
func letter(k int) string {
	const all = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return all[k%len(all):k%len(all)+1] + strings.Repeat("′", k/len(all))
}

// RankSet is the best and the worst rank that a group can have, from 1 for the highest.
type RankSet struct{ Best, Worst int }

// RankSets are the ranks that n groups can have when above says of which pairs it is sure
// that the first has the higher value: a group ranks behind all that are above it and
// before all that are below it, and the others may stand on either side,
//
//	|{j: j above i}| + 1  to  n − |{j: i above j}|.
//
// Klein, Wright and Wieczorek (2020), A joint confidence region for an overall ranking of
// populations, Journal of the Royal Statistical Society C 69, 589–606, take a pair as sure
// whose simultaneous confidence intervals do not overlap. When all that is said to be above
// is so with probability 1−α, all ranks together lie in their sets with that probability.
func RankSets(n int, above func(i, j int) bool) []RankSet {
	sets := make([]RankSet, n)
	for i := range sets {
		sets[i] = RankSet{1, n}
		for j := range n {
			if i == j {
				continue
			}
			if above(j, i) {
				sets[i].Best++
			}
			if above(i, j) {
				sets[i].Worst--
			}
		}
	}
	return sets
}
