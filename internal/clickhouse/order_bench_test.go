package clickhouse

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// BenchmarkKeyOrder puts the keys of an interview in order, by sorting them and as they
// were in the interview before.
func BenchmarkKeyOrder(b *testing.B) {
	for _, items := range []int{80, 250} {
		answers := map[string][]string{}
		for i := range items {
			answers[fmt.Sprint("question", i)] = nil
		}
		b.Run(fmt.Sprintf("sorted/items=%d", items), func(b *testing.B) {
			for b.Loop() {
				_ = slices.Sorted(maps.Keys(answers))
			}
		})
		b.Run(fmt.Sprintf("kept/items=%d", items), func(b *testing.B) {
			var o keyOrder
			for b.Loop() {
				o.of(answers)
			}
		})
	}
}
