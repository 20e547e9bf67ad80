package disclosure

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRoundToNearest(t *testing.T) {
	for _, c := range []struct{ n, base, want int }{
		{0, 5, 0}, {2, 5, 0}, {3, 5, 5}, {7, 5, 5}, {8, 5, 10}, {5, 10, 10}, {4, 10, 0}, {7, 3, 6}, {8, 3, 9}, {7, 1, 7}, {7, 0, 7},
	} {
		if got := Round(c.n, c.base); got != c.want {
			t.Errorf("Round(%d, %d) = %d, want %d", c.n, c.base, got, c.want)
		}
	}
}

// neighbour reports whether x is one of the multiples around n.
func neighbour(x, n, base int) bool {
	down := n / base * base
	return x == down || n%base > 0 && x == down+base
}

// checkRounded wants all sums and all numbers to be neighbours of the true ones.
func checkRounded(t *testing.T, n [][]int, base int, r Rounded) {
	t.Helper()
	columns, total := make([]int, len(n[0])), 0
	for i, row := range n {
		sum := 0
		for j, c := range row {
			sum += c
			columns[j] += c
			total += c
			if !neighbour(r.Cells[i][j], c, base) {
				t.Errorf("cell %d, %d: %d became %d", i, j, c, r.Cells[i][j])
			}
		}
		rounded := 0
		for _, c := range r.Cells[i] {
			rounded += c
		}
		if !neighbour(r.Rows[i], sum, base) || rounded != r.Rows[i] {
			t.Errorf("row %d: %d became %d, cells add up to %d", i, sum, r.Rows[i], rounded)
		}
	}
	for j, c := range columns {
		rounded := 0
		for i := range n {
			rounded += r.Cells[i][j]
		}
		if !neighbour(r.Columns[j], c, base) || rounded != r.Columns[j] {
			t.Errorf("column %d: %d became %d, cells add up to %d", j, c, r.Columns[j], rounded)
		}
	}
	if !neighbour(r.Total, total, base) {
		t.Errorf("total: %d became %d", total, r.Total)
	}
}

// away is the sum of absolute differences of cells, rows and columns.
func away(n [][]int, r Rounded) int {
	d, columns := 0, slices.Clone(r.Columns)
	abs := func(x int) int { return max(x, -x) }
	for i, row := range n {
		sum := 0
		for j, c := range row {
			d += abs(c - r.Cells[i][j])
			sum += c
			columns[j] -= c
		}
		d += abs(sum - r.Rows[i])
	}
	for _, c := range columns {
		d += abs(c)
	}
	return d
}

func TestRoundTableKeepsSums(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 300 {
		n := make([][]int, 1+rng.IntN(8))
		columns, base := 1+rng.IntN(8), []int{1, 3, 5, 10}[rng.IntN(4)]
		for i := range n {
			for range columns {
				n[i] = append(n[i], rng.IntN(1+rng.IntN(40)))
			}
		}
		r, err := RoundTable(n, base)
		if err != nil {
			t.Fatalf("%v: %v", n, err)
		}
		checkRounded(t, n, base, r)
		if t.Failed() {
			t.Fatal(n, base)
		}
	}
}

// All roundings of small tables, tried one by one, show that none is closer with the
// same grand total.
func TestRoundTableIsTheClosest(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 200 {
		n := [][]int{{rng.IntN(12), rng.IntN(12), rng.IntN(12)}, {rng.IntN(12), rng.IntN(12), rng.IntN(12)}}
		got, err := RoundTable(n, 5)
		if err != nil {
			t.Fatal(err)
		}
		best := -1
		for set := range 64 {
			if r, ok := rounding64(n, 5, set); ok && r.Total == got.Total && (best < 0 || away(n, r) < best) {
				best = away(n, r)
			}
		}
		if away(n, got) != best {
			t.Errorf("%v became %+v, away %d; the closest is %d", n, got, away(n, got), best)
		}
	}
}

// rounding64 rounds up the cells of a set and reports whether the totals are neighbours.
func rounding64(n [][]int, base, set int) (Rounded, bool) {
	r := Rounded{Rows: make([]int, 2), Columns: make([]int, 3), Cells: [][]int{make([]int, 3), make([]int, 3)}}
	rows, columns, total := make([]int, 2), make([]int, 3), 0
	for i := range 2 {
		for j := range 3 {
			c := n[i][j] / base * base
			if set&(1<<(3*i+j)) != 0 {
				if n[i][j]%base == 0 {
					return r, false
				}
				c += base
			}
			r.Cells[i][j] = c
			r.Rows[i] += c
			r.Columns[j] += c
			r.Total += c
			rows[i] += n[i][j]
			columns[j] += n[i][j]
			total += n[i][j]
		}
	}
	ok := neighbour(r.Total, total, base)
	for i := range rows {
		ok = ok && neighbour(r.Rows[i], rows[i], base)
	}
	for j := range columns {
		ok = ok && neighbour(r.Columns[j], columns[j], base)
	}
	return r, ok
}

func TestRoundTableRefuses(t *testing.T) {
	for _, c := range []struct {
		n    [][]int
		base int
	}{{[][]int{{1}}, 0}, {[][]int{{1, 2}, {1}}, 5}, {[][]int{{-1}}, 5}} {
		if _, err := RoundTable(c.n, c.base); err == nil {
			t.Errorf("RoundTable(%v, %d) gave no error", c.n, c.base)
		}
	}
}

func TestCountsFromRates(t *testing.T) {
	for n := 1; n <= 400; n++ {
		for k := range n + 1 {
			rate := float64(int(float64(k)/float64(n)*1000+0.5)) / 1000 // one decimal of a percentage
			lo, hi := Counts(rate, 1, n)
			if lo != k || hi != k {
				t.Fatalf("Counts(%v, 1, %d) = %d to %d, want %d alone", rate, n, lo, hi, k)
			}
		}
	}
	if lo, hi := Counts(0.16, 0, 1000); lo != 155 || hi != 165 {
		t.Errorf("Counts(16 %%, 1000) = %d to %d, want 155 to 165", lo, hi)
	}
	if lo, hi := Counts(0.5, 1, 3); lo <= hi {
		t.Errorf("Counts(50.0 %%, 3) = %d to %d, want none", lo, hi)
	}
}
