package show

import (
	"strconv"
	"strings"
)

// percent is the shift by which a share becomes a percentage.
const percent = 2

// significant is how many digits of a number spreadsheets show and round.
const significant = 15

// rounded writes x · 10^shift with a number of decimals; x is not negative. A half goes up.
// The digits are those that x has when it is written with 15 of them: rounding the binary
// number itself would make the result depend on errors in its 17th digit, and ties of
// decimals such as 0.35 would go up or down at random.
func rounded(x float64, shift, decimals int) string {
	mantissa, power, _ := strings.Cut(strconv.FormatFloat(x, 'e', significant-1, 64), "e")
	point, err := strconv.Atoi(power)
	if err != nil {
		panic("show: " + err.Error()) // strconv writes an exponent
	}
	digits := strings.Replace(mantissa, ".", "", 1)
	whole := point + 1 + shift // digits before the point
	if x == 0 {
		whole = 1
	}
	if whole < 1 {
		digits, whole = strings.Repeat("0", 1-whole)+digits, 1
	}
	if keep := whole + decimals; keep < len(digits) {
		digits, whole = halfUp(digits, keep, whole)
	} else {
		digits += strings.Repeat("0", keep-len(digits))
	}
	if decimals == 0 {
		return digits
	}
	return digits[:whole] + "." + digits[whole:]
}

// halfUp keeps the first digits, and adds one to them where the rest is a half or more.
func halfUp(digits string, keep, whole int) (string, int) {
	kept := []byte(digits[:keep])
	if digits[keep] < '5' {
		return string(kept), whole
	}
	for i := len(kept) - 1; i >= 0; i-- {
		if kept[i] < '9' {
			kept[i]++
			return string(kept), whole
		}
		kept[i] = '0'
	}
	return "1" + string(kept), whole + 1
}
