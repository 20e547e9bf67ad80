// Package show writes the numbers of a report: the one place where a float64 becomes
// text. Decimals are chosen for a whole column, so that its numbers can be compared.
package show

import (
	"math"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/surveys"
)

// Missing stands for a number that does not exist, Suppressed for one that must not
// be published.
const (
	Missing    = "—"
	Suppressed = "※"
)

// minus is the typographic minus sign: as wide as a plus, unlike a hyphen.
const minus = "−"

// Number writes x with a number of decimals and commas between thousands.
func Number(x float64, decimals int) string {
	switch {
	case math.IsNaN(x):
		return Missing
	case math.IsInf(x, 1):
		return "∞"
	case math.IsInf(x, -1):
		return minus + "∞"
	}
	digits := strconv.FormatFloat(math.Abs(x), 'f', decimals, 64)
	whole, fraction, _ := strings.Cut(digits, ".")
	var b strings.Builder
	if x < 0 && strings.Trim(digits, "0.") != "" {
		b.WriteString(minus)
	}
	for i, d := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	if fraction != "" {
		b.WriteString("." + fraction)
	}
	return b.String()
}

// Count writes a number of people or things.
func Count(n int) string { return Number(float64(n), 0) }

// Percent writes a share as a percentage.
func Percent(share float64, decimals int) string {
	s := Number(100*share, decimals)
	if s == Missing {
		return s
	}
	return s + "%"
}

// Column says how the estimates of one column are written.
type Column struct {
	Lang surveys.Lang
	// Scale multiplies every number: 100 for percentages.
	Scale float64
	// Unit stands behind the value, such as "%"; may be empty.
	Unit     string
	Decimals int
}

// PercentColumn chooses how to write the shares of a column: two decimals when the
// smallest standard error is below 0.05 points, so that the second one means
// something, and one decimal otherwise.
func PercentColumn(lang surveys.Lang, es []analysis.Estimate) Column {
	c := Column{Lang: lang, Scale: 100, Unit: "%", Decimals: 1}
	if se := leastSE(es); se < 0.0005 {
		c.Decimals = 2
	}
	return c
}

// PointColumn chooses how to write mean points, by the same rule on their own scale.
func PointColumn(lang surveys.Lang, es []analysis.Estimate) Column {
	c := Column{Lang: lang, Scale: 1, Decimals: 1}
	if se := leastSE(es); se < 0.05 {
		c.Decimals = 2
	}
	return c
}

// leastSE is the smallest standard error that is not zero: the most precise number
// of a column decides how many decimals all get. Without any it is infinite.
func leastSE(es []analysis.Estimate) float64 {
	least := math.Inf(1)
	for _, e := range es {
		if e.SE > 0 && e.SE < least {
			least = e.SE
		}
	}
	return least
}

// Value writes the estimate alone.
func (c Column) Value(x float64) string {
	s := Number(c.Scale*x, c.Decimals)
	if s == Missing {
		return s
	}
	return s + c.Unit
}

// SE writes a standard error on the scale of the column, with one decimal more than
// the values and without the unit, since it is in points.
func (c Column) SE(x float64) string { return Number(c.Scale*x, c.Decimals+1) }

// Interval writes the bounds of an interval, such as "28.9–34.0".
func (c Column) Interval(e analysis.Estimate) string {
	if math.IsNaN(e.Lo) || math.IsNaN(e.Hi) {
		return Missing
	}
	return Number(c.Scale*e.Lo, c.Decimals) + "–" + Number(c.Scale*e.Hi, c.Decimals)
}

// WithInterval writes an estimate with its interval in the manner of the language:
// "31.4%（28.9–34.0）" in Chinese, "31.4% (28.9–34.0)" in English.
func (c Column) WithInterval(e analysis.Estimate) string {
	value, interval := c.Value(e.Value), c.Interval(e)
	switch {
	case interval == Missing:
		return value
	case c.Lang == surveys.ZH:
		return value + "（" + interval + "）"
	}
	return value + " (" + interval + ")"
}
