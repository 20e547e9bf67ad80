package replicate

import (
	"fmt"
	"math"
	"strings"
)

// BRR takes one PSU of the two of each stratum twice and the other not at all, in
// balance: as many replicates as a Hadamard matrix with more rows than there are strata,
// each with the scale 1/R (McCarthy 1969; Wolter 2007, ch. 3). Finite populations are
// not counted, which is on the safe side. Deviations are from the full sample.
func BRR(source Source) (*Set, error) {
	set, err := balanced(source, 0)
	if err == nil {
		set.method = MethodBRR
	}
	return set, err
}

// Fay is BRR with the multipliers 2 − ρ and ρ in place of 2 and 0, so that nobody is
// left out, and the scale 1/(R(1−ρ)²) (Judkins 1990). ρ is between 0 and 1; 0.3 and 0.5
// are usual.
func Fay(source Source, rho float64) (*Set, error) {
	if !(rho > 0 && rho < 1) {
		return nil, fmt.Errorf("for Fay's method ρ is %v; it lies between 0 and 1, 0.5 is usual, and BRR is the method with 0", rho)
	}
	return balanced(source, rho)
}

func balanced(source Source, rho float64) (*Set, error) {
	s, err := oneStage(source)
	if err != nil {
		return nil, err
	}
	var wrong []string
	pairs := 0
	for h, psus := range s.psus {
		if s.kept[h] {
			pairs++
			if len(psus) != 2 {
				wrong = append(wrong, fmt.Sprintf("%q (%d)", s.Strata[h], len(psus)))
			}
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("no balanced replicates: not two PSUs in stratum %s; join PSUs or strata until each has two, or use JKn", strings.Join(wrong, ", "))
	}
	if pairs == 0 {
		return nil, errCensus
	}
	h := hadamard(pairs + 1)
	t := newTable(len(s.PSUs), len(h))
	column := 0
	for stratum, psus := range s.psus {
		if !s.kept[stratum] {
			for _, psu := range psus {
				copy(t.row(psu), ones(len(h)))
			}
			continue
		}
		column++ // the first is all ones, and of no use
		for r := range h {
			t.row(psus[0])[r] = 1 + (1-rho)*float64(h[r][column])
			t.row(psus[1])[r] = 1 - (1-rho)*float64(h[r][column])
		}
	}
	scale := 1 / (float64(len(h)) * (1 - rho) * (1 - rho))
	return &Set{method: MethodFay, scale: scale, rscales: ones(len(h)), centre: FullSample, designDF: s.df(), multipliers: t}, nil
}

// SDR is successive difference replication, for samples drawn systematically from a
// list: PSUs are taken in the order of stratum and name, and the i-th has the multiplier
//
//	1 + 2^(−3/2) (h_{a(i),r} − h_{a(i)+step,r})
//
// with h a Hadamard matrix of as many rows as replicates (Fay and Train 1995). Rows go
// round, so that every PSU differs from the next one; when there are more PSUs than
// rows, the step grows with each round. The scale is 4/R and deviations are from the
// full sample. replicates is rounded up to an order of a Hadamard matrix; the American
// Community Survey has 80. Finite populations are not counted.
func SDR(source Source, replicates int) (*Set, error) {
	selection, err := source.Selection()
	if err != nil {
		return nil, fmt.Errorf("replicates: %w", err)
	}
	n := len(selection.PSUs)
	switch {
	case len(selection.Later) > 0:
		_, err := oneStage(source)
		return nil, err
	case n < 2:
		return nil, fmt.Errorf("%d PSU has no successor to differ from; successive differences need two", n)
	}
	if err := checkReplicates(replicates); err != nil {
		return nil, err
	}
	h := hadamard(max(replicates, 4))
	t := newTable(n, len(h))
	rows := min(len(h)-1, n) // without the first, which is all ones
	for i := range n {
		a, step := i%rows, i/rows+1
		for gcd(step%rows, rows) != 1 && rows > 1 {
			step++
		}
		b := (a + step) % rows
		for r := range h {
			t.row(i)[r] = 1 + float64(h[r][a+1]-h[r][b+1])/(2*math.Sqrt2)
		}
	}
	return &Set{method: MethodSDR, scale: 4 / float64(len(h)), rscales: ones(len(h)), centre: FullSample,
		designDF: float64(n - len(selection.Strata)), multipliers: t}, nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// hadamard is a Hadamard matrix, HH′ = nI, of the smallest order n of at least a number
// that Sylvester's doubling of Paley's first construction reaches: 1, 2 and
// 2^k(q+1) for primes q that leave 3 when divided by 4. Its first row and column are
// ones.
func hadamard(least int) [][]int {
	for n := least; ; n++ {
		base := n
		for doublings := 0; ; doublings++ {
			if base <= 2 || isPrime(base-1) && (base-1)%4 == 3 {
				h := paley(base)
				for range doublings {
					h = sylvester(h)
				}
				return h
			}
			if base%2 != 0 {
				break
			}
			base /= 2
		}
	}
}

// paley is the matrix of order q+1 from the squares modulo q; of order 1 or 2 the plain
// ones.
func paley(n int) [][]int {
	if n == 1 {
		return [][]int{{1}}
	}
	q := n - 1
	h := make([][]int, n)
	square := make([]bool, q)
	for x := 1; x < q; x++ {
		square[x*x%q] = true
	}
	for i := range h {
		h[i] = make([]int, n)
		for j := range h[i] {
			switch {
			case i == 0 || j == 0:
				h[i][j] = 1
			case i == j || !square[((j-i)%q+q)%q]:
				h[i][j] = -1
			default:
				h[i][j] = 1
			}
		}
	}
	return h
}

// sylvester is (H H; H −H).
func sylvester(h [][]int) [][]int {
	n := len(h)
	d := make([][]int, 2*n)
	for i := range d {
		d[i] = make([]int, 2*n)
		for j := range d[i] {
			d[i][j] = h[i%n][j%n]
			if i >= n && j >= n {
				d[i][j] = -d[i][j]
			}
		}
	}
	return d
}

func isPrime(n int) bool {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return n > 1
}
