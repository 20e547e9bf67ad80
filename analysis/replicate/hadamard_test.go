package replicate

import "testing"

// HH′ = nI, and the first row and column are ones.
func TestHadamard(t *testing.T) {
	for least := 1; least <= 130; least++ {
		h := hadamard(least)
		n := len(h)
		if n < least {
			t.Fatalf("order %d for %d", n, least)
		}
		for i := range h {
			if h[0][i] != 1 || h[i][0] != 1 {
				t.Fatalf("order %d: border at %d is not 1", n, i)
			}
			for j := range i + 1 {
				dot := 0
				for k := range h {
					dot += h[i][k] * h[j][k]
				}
				if want := 0; i == j && dot != n || i != j && dot != want {
					t.Fatalf("order %d: rows %d and %d have the product %d", n, i, j, dot)
				}
			}
		}
	}
}
