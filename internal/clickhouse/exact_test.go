package clickhouse

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/suyang-survey/suyang/internal/fieldwork"
)

// Sums lose nothing, over the whole range of weights and of their products with points. The
// truth is added with 2,000 bits and rounded once, as the sum is: no tolerance.
func TestSumsAreExact(t *testing.T) {
	const lightest, heaviest = fieldwork.MinWeight, fieldwork.MaxWeight
	rng := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		name    string
		in      extent
		counted bool
	}{
		{"one weight", extent{1, 1}, false},
		{"one weight, counted", extent{1, 1}, true},
		{"weights of one survey", extent{100, 1100}, false},
		{"weights of one survey, counted", extent{100, 1100}, true},
		{"all weights there are", extent{lightest, heaviest}, false},
		{"all weights there are, counted", extent{lightest, heaviest}, true},
		{"products with points", extent{lightest * 1e-3, heaviest * 1e6}, false},
		{"squares of all weights", extent{lightest * lightest, heaviest * heaviest}, false},
	} {
		name, in := c.name, c.in
		values := []float64{in.min, in.max, 0, math.Min(math.Nextafter(in.min, 1), in.max)}
		for range 500 {
			x := math.Exp(math.Log(in.min) + rng.Float64()*math.Log(in.max/in.min))
			values = append(values, min(max(x, in.min), in.max))
		}
		s := scaleOf(in, uint64(len(values)))
		if c.counted {
			s = counting(in, uint64(len(values)))
		}
		want := new(big.Float).SetPrec(2000)
		sum, backwards, limbs := make([]uint64, s.limbs), make([]uint64, s.limbs), make([]uint64, s.limbs)
		for i, x := range values {
			want.Add(want, new(big.Float).SetFloat64(x))
			s.split(x, limbs)
			if got := s.value(limbs); got != x {
				t.Fatalf("%s: %v became %v", name, x, got)
			}
			add(sum, limbs)
			s.split(values[len(values)-1-i], limbs)
			add(backwards, limbs)
		}
		exact, _ := want.Float64()
		if got := s.value(sum); got != exact || s.value(backwards) != exact {
			t.Errorf("%s: the sum of %d terms in %d limbs is %v, backwards %v, want %v", name, len(values), s.limbs, got, s.value(backwards), exact)
		}
		if s.counted && (terms(sum) != len(values) || terms(limbs) != 1) {
			t.Errorf("%s: the sum of %d terms has counted %d", name, len(values), terms(sum))
		}
		s.split(values[0], limbs)
		without, _ := want.Sub(want, new(big.Float).SetFloat64(values[0])).Float64()
		if got := s.value(minus(sum, limbs)); got != without {
			t.Errorf("%s: without the first term it is %v, want %v", name, got, without)
		}
	}
}

// The sum of as many of the largest terms as are said has room: its bits fit the limbs.
func TestSumsDoNotOverflow(t *testing.T) {
	for _, in := range []extent{{0.5, 1e9}, {1, 1}, {1e-12, 1e9}, {1e-24, 1e18}} {
		for _, n := range []uint64{1, 400, 10_000_000, 1 << 33} {
			s, counted := scaleOf(in, n), counting(in, n)
			if room := 64*counted.limbs - s.size(in, n); counted.low != s.low || room < countBits || room >= countBits+64 {
				t.Errorf("%v: %d terms leave %d bits for their number", in, n, room)
			}
			most := new(big.Float).SetPrec(2000).SetMantExp(new(big.Float).SetFloat64(in.max), -s.low)
			most.Mul(most, new(big.Float).SetUint64(n))
			if limit := new(big.Float).SetMantExp(big.NewFloat(1), 64*s.limbs); most.Cmp(limit) >= 0 {
				t.Errorf("%v: the sum of %d terms does not fit %d limbs", in, n, s.limbs)
			}
			if s.limbs > 1 { // one limb fewer is too few, or nearly so: the two bits more on each side
				if limit := new(big.Float).SetMantExp(big.NewFloat(1), 64*(s.limbs-1)-4); most.Cmp(limit) < 0 {
					t.Errorf("%v: the sum of %d terms needs fewer than %d limbs", in, n, s.limbs)
				}
			}
		}
	}
}

// Halfway cases are rounded by what lies far below, too.
func TestTheNearestFloat64(t *testing.T) {
	for _, c := range []struct {
		limbs []uint64
		want  float64
	}{
		{[]uint64{0}, 0},
		{[]uint64{5}, 5},
		{[]uint64{1 << 53, 0}, 1 << 53},
		{[]uint64{1<<53 + 1}, 1 << 53},                             // halfway: to even
		{[]uint64{0, 1<<53 + 1}, math.Ldexp(1<<53, 64)},            // halfway: to even
		{[]uint64{1, 1<<53 + 1}, math.Ldexp(1<<53+2, 64)},          // a little more
		{[]uint64{1, 0, 1<<53 + 1}, math.Ldexp(1<<53+2, 128)},      // far below
		{[]uint64{0, 0, 1<<53 + 3}, math.Ldexp(1<<53+4, 128)},      // halfway: to even
		{[]uint64{math.MaxUint64, math.MaxUint64}, math.Exp2(128)}, // up to the next power
		{[]uint64{0, 0x8000000000000000}, math.Exp2(127)},          // nothing to shift
		{[]uint64{1 << 63, 1 << 52, 0}, math.Ldexp(1<<53+1, 63)},   // bits of two limbs
		{[]uint64{1, 1<<63 + 1<<10}, math.Ldexp(1<<53+2, 74)},      // sticky in the lowest limb
		{[]uint64{0, 1<<63 + 1<<10}, math.Ldexp(1<<53, 74)},        // the same without
	} {
		if got := (scale{low: 0, limbs: len(c.limbs)}).value(c.limbs); got != c.want {
			t.Errorf("%x: %v, want %v", c.limbs, got, c.want)
		}
	}
}
