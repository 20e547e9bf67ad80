package clickhouse

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Sums of terms lose nothing, over the whole range of weights and of their products
// with points. The truth is added with 400 bits. What is left is the rounding of at most
// four sums of parts to float64, and of adding these: 1e-15.
func TestSumsOfPartsAreExact(t *testing.T) {
	s := open(t)
	rng := rand.New(rand.NewPCG(5, 6))
	for name, in := range map[string]extent{
		"one weight":             {1, 1},
		"weights of one survey":  {100, 1100},
		"all weights there are":  {minWeight, maxWeight},
		"products with points":   {minWeight * 1e-3, maxWeight * 1e6},
		"squares of all weights": {minWeight * minWeight, maxWeight * maxWeight},
	} {
		values := []float64{in.min, in.max, 0, math.Min(math.Nextafter(in.min, 1), in.max)}
		for range 500 {
			x := math.Exp(math.Log(in.min) + rng.Float64()*math.Log(in.max/in.min))
			values = append(values, min(max(x, in.min), in.max))
		}
		want := new(big.Float).SetPrec(400)
		literals := make([]string, len(values))
		for i, x := range values {
			want.Add(want, new(big.Float).SetFloat64(x))
			literals[i] = fmt.Sprintf("reinterpretAsFloat64(toUInt64(%d))", math.Float64bits(x))
		}
		terms := cut("w", "w", in, uint64(len(values)))
		text := fmt.Sprintf("SELECT %s, sumIf(w = 0, 1) FROM (SELECT w, %s FROM (SELECT arrayJoin([%s]) AS w))",
			terms.sum(""), strings.Join(terms.columns, ", "), strings.Join(literals, ", "))
		var got float64
		var zeros uint64
		if err := s.queryText(t.Context(), text, nil, func(rows driver.Rows) error { return rows.Scan(&got, &zeros) }); err != nil {
			t.Fatal(err)
		}
		exact, _ := want.Float64()
		if math.Abs(got-exact) > 1e-15*exact || zeros != 1 {
			t.Errorf("%s: the sum of %d terms in %d parts is %v, want %v", name, len(values), len(terms.parts), got, exact)
		}
	}
}

// The parts of the largest terms stay within Int64 when there are as many as said.
func TestPartsDoNotOverflow(t *testing.T) {
	for _, n := range []uint64{1, 400, 10_000_000, 1 << 33} {
		terms := cut("w", "w", extent{0.5, 1e9}, n)
		largest := new(big.Float).SetMantExp(big.NewFloat(1e9), -terms.units[0])
		largest.Mul(largest, new(big.Float).SetUint64(n))
		if limit := new(big.Float).SetInt64(math.MaxInt64); largest.Cmp(limit) >= 0 {
			t.Errorf("%d terms: the sum of first parts reaches %v", n, largest)
		}
		for i, u := range terms.units[1:] {
			if size := terms.units[i] - u; float64(n)*math.Exp2(float64(size)) >= math.Exp2(63) {
				t.Errorf("%d terms: the sum of parts of %d bits overflows", n, size)
			}
		}
	}
}
