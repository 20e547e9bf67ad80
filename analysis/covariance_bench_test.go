package analysis

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkCovariance is the covariance of 120 domains from the sums of 1,740 PSUs in
// 60 strata, and of 8 columns of 10⁶ people in one and in two stages.
func BenchmarkCovariance(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	const n, psus = 1_000_000, 1740
	stratum, psu, fraction := make([]string, n), make([]string, n), make([]float64, n)
	for i := range n {
		k := i * psus / n
		stratum[i], psu[i], fraction[i] = fmt.Sprint(k/29), fmt.Sprint(k%29), 0.1
	}
	z := newTable[float64](8, n)
	for j := range z {
		for i := range z[j] {
			z[j][i] = r.Float64()
		}
	}
	seen := make([]int, psus)
	for _, stages := range [][]Stage{
		{{Stratum: stratum, Unit: psu, Fraction: fraction}},
		{{Stratum: stratum, Unit: psu, Fraction: fraction}, {Fraction: fraction}},
	} {
		d, err := NewDesign(Columns{Weight: fraction, Stages: stages})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%d stages, 8 columns", len(stages)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := d.covariance(z, seen); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	sums := newGrid(psus, 120)
	for i := range sums.x {
		sums.x[i] = r.Float64()
	}
	l := newLayout(benchmarkPSUs(psus))
	b.Run("120 domains from PSU sums", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := l.covariance(sums.leafSums(), seen, DefaultSettings()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchmarkPSUs(n int) []PSU {
	psus := make([]PSU, n)
	for i := range psus {
		psus[i] = PSU{fmt.Sprintf("%02d", i/29), fmt.Sprintf("%02d", i%29)}
	}
	return psus
}
