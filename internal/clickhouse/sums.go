package clickhouse

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// extent is the range of positive numbers; the zero value is that of none.
type extent struct{ min, max float64 }

// with is the smallest extent around both.
func (e extent) with(o extent) extent {
	switch {
	case e.max == 0:
		return o
	case o.max == 0:
		return e
	}
	return extent{math.Min(e.min, o.min), math.Max(e.max, o.max)}
}

// times is where the products are.
func (e extent) times(o extent) extent { return extent{e.min * o.min, e.max * o.max} }

// terms are float64 cut into whole numbers, so that their sum as Int64 loses nothing:
// whatever the order of rows and the number of threads, it is the same.
//
// Terms x with min ≤ x ≤ max < 2^e are multiples of 2^(⌊log2 min⌋−52), so parts of size
// bits each that reach from 2^e down to there hold all of x. A part is smaller than
// 2^size, and the sum of n < 2^(62−size) of them smaller than 2^62.
type terms struct {
	columns []string // that make the parts
	parts   []string // their names
	units   []int    // a part counts units of 2 to the power of this
}

// cut cuts x for sums of at most n terms; name begins the names of the columns.
func cut(name, x string, in extent, n uint64) terms {
	size := 62 - bits.Len64(n)
	_, top := math.Frexp(in.max)
	_, low := math.Frexp(in.min)
	// One bit more on both sides: the extent of a product was rounded.
	unit, lowest := top+1, low-1-53
	var t terms
	for rest, scale := x, -unit; unit > lowest; scale = 0 {
		part := name + "_" + strconv.Itoa(len(t.parts))
		t.columns = append(t.columns, fmt.Sprintf("%s * exp2(%d) AS %sx", rest, scale+size, part), fmt.Sprintf("toInt64(%[1]sx) AS %[1]s", part))
		rest, unit = fmt.Sprintf("(%[1]sx - %[1]s)", part), unit-size
		t.parts, t.units = append(t.parts, part), append(t.units, unit)
	}
	return t
}

// sum is the sum of the terms as float64, over the rows with a condition unless it is
// empty.
func (t terms) sum(condition string) string {
	each := make([]string, len(t.parts))
	for i, part := range t.parts {
		sum := "sum(" + part + ")"
		if condition != "" {
			sum = "sumIf(" + part + ", " + condition + ")"
		}
		each[i] = fmt.Sprintf("%s * exp2(%d)", sum, t.units[i])
	}
	return strings.Join(each, " + ")
}
