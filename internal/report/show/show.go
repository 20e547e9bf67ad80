// Package show writes the numbers of a report: the one place where a float64 becomes
// text. Decimals are chosen for a whole column, so that its numbers can be compared.
package show

import (
	"math"
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

// Number writes x with a number of decimals and commas between thousands. It rounds as
// spreadsheets show a cell, so that the workbook and the page agree: of the first 15 digits
// of x in decimal, and a half away from zero. 0.125 with two decimals is 0.13, and so 1.005
// is 1.01, although the binary number is a little less.
func Number(x float64, decimals int) string { return written(x, 0, decimals) }

// written writes x · 10^shift.
func written(x float64, shift, decimals int) string {
	switch {
	case math.IsNaN(x):
		return Missing
	case math.IsInf(x, 1):
		return "∞"
	case math.IsInf(x, -1):
		return minus + "∞"
	}
	digits := rounded(math.Abs(x), shift, decimals)
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

// Percent writes a share as a percentage. It takes the share times 100 in decimal, as the
// format 0.0% of a spreadsheet does: 0.1225 with one decimal is 12.3%.
func Percent(share float64, decimals int) string {
	s := written(share, percent, decimals)
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
	s := c.number(x)
	if s == Missing {
		return s
	}
	return s + c.Unit
}

// number writes a value on the scale of the column.
func (c Column) number(x float64) string {
	if c.Scale == 100 {
		return written(x, percent, c.Decimals)
	}
	return Number(c.Scale*x, c.Decimals)
}

// SE writes a standard error on the scale of the column, with one decimal more than
// the values and without the unit, since it is in points.
func (c Column) SE(x float64) string { return Number(c.Scale*x, c.Decimals+1) }

// Interval writes the bounds of an interval, such as "28.9–34.0".
func (c Column) Interval(e analysis.Estimate) string {
	if math.IsNaN(e.Lo) || math.IsNaN(e.Hi) {
		return Missing
	}
	return c.number(e.Lo) + "–" + c.number(e.Hi)
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
