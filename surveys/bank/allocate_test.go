package bank_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/bank"
)

// cases are n cases in three strata of different size.
func cases(n int) []bank.Case {
	list := make([]bank.Case, n)
	for i := range list {
		list[i] = bank.Case{ID: fmt.Sprintf("c%05d", i), Stratum: []string{"north", "south", "south", "west", "south"}[i%5]}
	}
	return list
}

func equal(n int) []surveys.Booklet {
	var list []surveys.Booklet
	for i := range n {
		list = append(list, surveys.Booklet{ID: fmt.Sprint("b", i), Share: 1 / float64(n)})
	}
	return list
}

// In every stratum each booklet gets its share of the cases, rounded up or down, and
// equal booklets follow each other in turn.
func TestSharesAreMet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := cases(rapid.IntRange(1, 400).Draw(t, "cases"))
		booklets := equal(rapid.IntRange(1, 26).Draw(t, "booklets"))
		turns := len(booklets)
		if rapid.Bool().Draw(t, "unequal") {
			booklets = []surveys.Booklet{{ID: "x", Share: 0.5}, {ID: "y", Share: 0.3}, {ID: "z", Share: 0.2}}
			turns = 0
		}
		seed := rapid.Uint64().Draw(t, "seed")
		given := bank.Allocate(seed, list, booklets)
		counts, size, last := map[string]int{}, map[string]int{}, map[string][]string{}
		for i, c := range list {
			counts[c.Stratum+given[i]]++
			size[c.Stratum]++
			last[c.Stratum] = append(last[c.Stratum], given[i])
		}
		for stratum, n := range size {
			for _, b := range booklets {
				want := b.Share * float64(n)
				if got := float64(counts[stratum+b.ID]); got < math.Floor(want-1e-9) || got > math.Ceil(want+1e-9) {
					t.Fatalf("stratum %s: booklet %s has %v of %d cases, its share is %v", stratum, b.ID, got, n, want)
				}
			}
			if turns == 0 || n%turns != 0 {
				continue
			}
			for i := 0; i+turns <= n; i++ {
				run := slices.Clone(last[stratum][i : i+turns])
				slices.Sort(run)
				if len(slices.Compact(run)) != turns {
					t.Fatalf("stratum %s: cases %d to %d have only %v", stratum, i, i+turns-1, run)
				}
			}
		}
		shuffled := slices.Clone(list)
		rand.New(rand.NewPCG(1, seed)).Shuffle(len(list), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		again := bank.Allocate(seed, shuffled, booklets)
		for i, c := range shuffled {
			if want := given[slices.Index(list, c)]; again[i] != want {
				t.Fatalf("case %s got booklet %s, and %s when the cases came in another order", c.ID, want, again[i])
			}
		}
	})
}

// Over many seeds every case, also in a small stratum, gets each booklet as often as the
// booklet's share: 4,000 seeds, five standard errors.
func TestEveryCaseGetsABookletWithItsShare(t *testing.T) {
	list := cases(11) // strata of 3, 6 and 2 cases
	booklets := []surveys.Booklet{{ID: "x", Share: 0.5}, {ID: "y", Share: 0.3}, {ID: "z", Share: 0.2}}
	const seeds = 4000
	counts := make([]map[string]int, len(list))
	for i := range counts {
		counts[i] = map[string]int{}
	}
	for seed := range uint64(seeds) {
		for i, b := range bank.Allocate(seed, list, booklets) {
			counts[i][b]++
		}
	}
	for i, c := range list {
		for _, b := range booklets {
			got := float64(counts[i][b.ID]) / seeds
			if se := math.Sqrt(b.Share * (1 - b.Share) / seeds); math.Abs(got-b.Share) > 5*se {
				t.Errorf("case %s gets booklet %s with probability %.3f, want %v", c.ID, b.ID, got, b.Share)
			}
		}
	}
}

func TestInterviewsWithoutCase(t *testing.T) {
	booklets := []surveys.Booklet{{ID: "x", Share: 0.5}, {ID: "y", Share: 0.3}, {ID: "z", Share: 0.2}}
	counts := map[string]int{}
	const n = 20_000
	for i := range n {
		id := fmt.Sprintf("interview %d", i)
		b := bank.Pick(id, booklets)
		if b != bank.Pick(id, booklets) {
			t.Fatal("the same interview gets two booklets")
		}
		counts[b]++
	}
	for _, b := range booklets {
		if got := float64(counts[b.ID]) / n; math.Abs(got-b.Share) > 0.018 { // five standard errors
			t.Errorf("booklet %s is picked with probability %.3f, want %v", b.ID, got, b.Share)
		}
	}
	if got := bank.Pick("x", nil); got != "" {
		t.Errorf("Pick() without booklets = %q", got)
	}
}

// Simulated respondents answer the items of their booklets. Over many allocations the
// share of right answers among the people asked is that of all people, though easy
// booklets do not go to the able ones only by chance.
func TestItemResultsAreUnbiased(t *testing.T) {
	q, err := bank.ReadFile("testdata/questionnaire.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 5))
	list := cases(210)
	able := make([]float64, len(list))
	for i, c := range list { // ability differs by stratum and along the list
		able[i] = map[string]float64{"north": 0.8, "south": 0.5, "west": 0.2}[c.Stratum] + 0.15*math.Sin(float64(i)/20)
	}
	right := map[string][]bool{} // what each person knows
	for _, b := range q.Booklets {
		for _, id := range b.Items {
			for i := range list {
				if len(right[id]) < len(list) {
					right[id] = append(right[id], rng.Float64() < able[i])
				}
			}
		}
	}
	truth, sum, squares, asked := map[string]float64{}, map[string]float64{}, map[string]float64{}, map[string]float64{}
	items := map[string][]string{}
	for _, b := range q.Booklets {
		items[b.ID] = b.Items
	}
	for id, know := range right {
		for _, k := range know {
			if k {
				truth[id] += 1 / float64(len(list))
			}
		}
	}
	const rounds = 400
	for seed := range uint64(rounds) {
		yes, n := map[string]float64{}, map[string]float64{}
		for i, b := range bank.Allocate(seed, list, q.Booklets) {
			for _, id := range items[b] {
				n[id]++
				if right[id][i] {
					yes[id]++
				}
			}
		}
		for id := range right {
			p := yes[id] / n[id]
			sum[id], squares[id], asked[id] = sum[id]+p, squares[id]+p*p, asked[id]+n[id]
		}
	}
	in := q.Inclusion()
	for id := range right {
		mean := sum[id] / rounds
		se := math.Sqrt(max(squares[id]/rounds-mean*mean, 0) / rounds)
		if math.Abs(mean-truth[id]) > 4.5*se+1e-12 { // 31 items
			t.Errorf("item %s: mean over allocations %.4f, truth %.4f, standard error %.4f", id, mean, truth[id], se)
		}
		if p := asked[id] / rounds / float64(len(list)); math.Abs(p-in[id]) > 1e-9 {
			t.Errorf("item %s is asked of %.4f of the people, its inclusion probability is %.4f", id, p, in[id])
		}
	}
}
