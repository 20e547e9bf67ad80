package analysis_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// pairs says of which pairs it holds, whichever comes first.
func pairs(list ...[2]int) func(i, j int) bool {
	return func(i, j int) bool { return slices.Contains(list, [2]int{i, j}) || slices.Contains(list, [2]int{j, i}) }
}

// The example of Piepho (2004): of eight treatments 1 differs from 7 and 8, 2 from 4 and 5,
// and 3 from 5. Before letters that are not needed are swept out, its columns are the six
// largest sets without such a pair: 1 or 7 and 8, each with 2 3, 3 4 or 4 5, and always 6.
func TestLettersOfPiepho(t *testing.T) {
	got := analysis.Letters(8, pairs([2]int{0, 6}, [2]int{0, 7}, [2]int{1, 3}, [2]int{1, 4}, [2]int{2, 4}))
	want := []string{"abc", "ad", "abde", "bcef", "cf", "abcdef", "def", "def"}
	if !slices.Equal(got, want) {
		t.Errorf("Letters() = %q, want %q", got, want)
	}
}

// A display that biometryassist prints of seven treatments, the lowest first.
func TestLettersOfOverlappingRuns(t *testing.T) {
	want := []string{"a", "a", "b", "bc", "cd", "de", "e"}
	got := analysis.Letters(7, func(i, j int) bool { return !strings.ContainsAny(want[i], want[j]) })
	if !slices.Equal(got, want) {
		t.Errorf("Letters() = %q, want %q", got, want)
	}
}

// Whatever differs, two groups share a letter exactly when they do not differ, and no
// letter could be given to one group more.
func TestLettersSayWhatDiffers(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	for range 300 {
		n := 1 + rng.IntN(9)
		var list [][2]int
		for i := range n {
			for j := range i {
				if rng.IntN(3) == 0 {
					list = append(list, [2]int{j, i})
				}
			}
		}
		differ := pairs(list...)
		letters := analysis.Letters(n, differ)
		for i := range n {
			for j := range i {
				if strings.ContainsAny(letters[i], letters[j]) == differ(i, j) {
					t.Fatalf("%v: groups %d and %d have the letters %q and %q", list, i, j, letters[i], letters[j])
				}
			}
			for _, l := range "abcdefghijklmnopqrstuvwxyz" {
				fits := !strings.ContainsRune(letters[i], l) && strings.ContainsRune(strings.Join(letters, ""), l)
				for j := range n {
					fits = fits && !(strings.ContainsRune(letters[j], l) && differ(i, j))
				}
				if fits {
					t.Fatalf("%v: %q: group %d could have the letter %c", list, letters, i, l)
				}
			}
		}
	}
	if got := analysis.Letters(0, nil); got != nil {
		t.Errorf("Letters of nobody = %q", got)
	}
}

// Klein, Wright and Wieczorek (2020): intervals [1, 2], [1.5, 3], [4, 5] and [2.5, 6] leave
// the second rank 2 to 4, for it lies below the third and overlaps the others.
func TestRankSets(t *testing.T) {
	lo, hi := []float64{1, 1.5, 4, 2.5}, []float64{2, 3, 5, 6}
	got := analysis.RankSets(4, func(i, j int) bool { return lo[i] > hi[j] })
	want := []analysis.RankSet{{3, 4}, {2, 4}, {1, 2}, {1, 3}}
	if !slices.Equal(got, want) {
		t.Errorf("RankSets() = %v, want %v", got, want)
	}
	// With certainty in every pair there is one rank for each.
	got = analysis.RankSets(3, func(i, j int) bool { return i < j })
	if want := []analysis.RankSet{{1, 1}, {2, 2}, {3, 3}}; !slices.Equal(got, want) {
		t.Errorf("RankSets() = %v, want %v", got, want)
	}
}
