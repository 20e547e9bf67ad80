package show

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// Ties go away from zero, as a spreadsheet shows them, whatever the binary number is.
func TestTies(t *testing.T) {
	for _, c := range []struct {
		x        float64
		decimals int
		want     string
	}{
		{0.125, 2, "0.13"}, {0.125, 1, "0.1"}, {0.375, 2, "0.38"}, {0.5, 0, "1"}, {1.5, 0, "2"}, {2.5, 0, "3"},
		{12.25, 1, "12.3"}, {12.35, 1, "12.4"}, {-12.25, 1, "−12.3"}, {0.25, 1, "0.3"}, {0.05, 1, "0.1"}, {0.05, 0, "0"},
		{1.005, 2, "1.01"}, // 1.00499999999999989… in binary
		{2.675, 2, "2.68"}, {0.285, 2, "0.29"}, {1234.5, 0, "1,235"}, {999.95, 1, "1,000.0"}, {9.995, 2, "10.00"},
		{0.1 + 0.15, 1, "0.3"}, {0.49999999999999994, 0, "1"}, // 0.500000000000000 with 15 digits
		{0.4999999999999, 0, "0"}, {0.12499999999999, 2, "0.12"}, {0.1249999999999999, 2, "0.13"}, {0.124999999999999, 2, "0.12"},
		{0, 2, "0.00"}, {1e-9, 2, "0.00"}, {1e-300, 3, "0.000"}, {6e-4, 3, "0.001"}, {48882983, 0, "48,882,983"}, {123456789.125, 2, "123,456,789.13"},
	} {
		if got := Number(c.x, c.decimals); got != c.want {
			t.Errorf("Number(%v, %d) = %q, want %q", c.x, c.decimals, got, c.want)
		}
	}
	for _, c := range []struct {
		share    float64
		decimals int
		want     string
	}{
		{0.1225, 1, "12.3%"}, {0.12250, 2, "12.25%"}, {0.122450, 2, "12.25%"}, {0.00125, 1, "0.1%"}, {0.0005, 1, "0.1%"}, {0.00049, 1, "0.0%"},
		{0.9995, 1, "100.0%"}, {0.29, 0, "29%"}, {0.285, 0, "29%"}, {0.135, 0, "14%"}, {1, 1, "100.0%"}, {-0.0125, 1, "−1.3%"},
	} {
		if got := Percent(c.share, c.decimals); got != c.want {
			t.Errorf("Percent(%v, %d) = %q, want %q", c.share, c.decimals, got, c.want)
		}
		if got := (Column{Lang: surveys.EN, Scale: 100, Unit: "%", Decimals: c.decimals}).Value(c.share); got != c.want {
			t.Errorf("Value(%v) of a column with %d decimals = %q, want %q", c.share, c.decimals, got, c.want)
		}
	}
}

// Where the digits are no tie, the number is that of strconv, which is right to the last
// digit; where they are, the digit goes up.
func TestRoundingOfMany(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 6))
	ties := 0
	for range 20000 {
		decimals, n := rng.IntN(4), rng.IntN(10_000_000)
		tenths := strconv.Itoa(n) // n / 10^(decimals+1), whose last digit is rounded away
		tenths = strings.Repeat("0", max(0, decimals+2-len(tenths))) + tenths
		at := len(tenths) - decimals - 1
		x, err := strconv.ParseFloat(tenths[:at]+"."+tenths[at:], 64)
		if err != nil {
			t.Fatal(err)
		}
		up := n / 10
		if n%10 >= 5 {
			up++
		}
		if n%10 == 5 {
			ties++
		}
		want := strconv.Itoa(up)
		want = strings.Repeat("0", max(0, decimals+1-len(want))) + want
		if decimals > 0 {
			want = want[:len(want)-decimals] + "." + want[len(want)-decimals:]
		}
		if got := strings.ReplaceAll(Number(x, decimals), ",", ""); got != want {
			t.Fatalf("Number(%v, %d) = %q, want %q", x, decimals, got, want)
		}
	}
	if ties < 1000 {
		t.Errorf("only %d ties were tried", ties)
	}
}
