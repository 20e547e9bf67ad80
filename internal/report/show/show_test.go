package show

import (
	"math"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/surveys"
)

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		name     string
		x        float64
		decimals int
		want     string
	}{
		{"small", 7, 0, "7"},
		{"three digits", 999, 0, "999"},
		{"thousands", 1000, 0, "1,000"},
		{"millions", 48882983, 0, "48,882,983"},
		{"decimals after thousands", 1234.56, 1, "1,234.6"},
		{"rounding up to a new thousand", 999.96, 1, "1,000.0"},
		{"negative", -1234.5, 1, "−1,234.5"},
		{"rounded to zero has no sign", -0.04, 1, "0.0"},
		{"missing", math.NaN(), 1, "—"},
		{"infinite", math.Inf(1), 1, "∞"},
		{"negative infinite", math.Inf(-1), 1, "−∞"},
	} {
		if got := Number(c.x, c.decimals); got != c.want {
			t.Errorf("%s: Number(%v, %d) = %q, want %q", c.name, c.x, c.decimals, got, c.want)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		share float64
		want  string
	}{
		{0.1353, "13.5%"}, {0, "0.0%"}, {1, "100.0%"}, {math.NaN(), "—"},
	} {
		if got := Percent(c.share, 1); got != c.want {
			t.Errorf("Percent(%v) = %q, want %q", c.share, got, c.want)
		}
	}
}

func TestColumn(t *testing.T) {
	e := analysis.Estimate{Value: 0.31412, Lo: 0.28911, Hi: 0.34049, SE: 0.01317}
	none := analysis.Estimate{Value: math.NaN(), Lo: math.NaN(), Hi: math.NaN(), SE: math.NaN()}
	bare := analysis.Estimate{Value: 0.5, Lo: math.NaN(), Hi: math.NaN()}
	zh, en := PercentColumn(surveys.ZH, []analysis.Estimate{e}), PercentColumn(surveys.EN, []analysis.Estimate{e})
	points := PointColumn(surveys.EN, []analysis.Estimate{{SE: 0.2}})
	for _, c := range []struct{ name, got, want string }{
		{"Chinese", zh.WithInterval(e), "31.4%（28.9–34.0）"},
		{"English", en.WithInterval(e), "31.4% (28.9–34.0)"},
		{"interval alone", en.Interval(e), "28.9–34.0"},
		{"standard error in points", en.SE(e.SE), "1.32"},
		{"no estimate", en.WithInterval(none), "—"},
		{"no interval", zh.WithInterval(bare), "50.0%"},
		{"points", points.WithInterval(analysis.Estimate{Value: 24.26, Lo: 23.85, Hi: 24.65}), "24.3 (23.9–24.7)"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
}

// The national survey of 309,800 people has a standard error near 0.10 points and a
// city of 1,200 one near 1.4 (design effects 3 and 2): one decimal for both. Two are
// for a column with a standard error below 0.05 points.
func TestDecimalsFollowTheStandardError(t *testing.T) {
	for _, c := range []struct {
		name string
		se   []float64
		want int
	}{
		{"city", []float64{0.014}, 1},
		{"nation", []float64{0.0010}, 1},
		{"very precise", []float64{0.014, 0.0004}, 2},
		{"no standard error at all", []float64{math.NaN(), 0}, 1},
	} {
		var es []analysis.Estimate
		for _, se := range c.se {
			es = append(es, analysis.Estimate{SE: se})
		}
		if got := PercentColumn(surveys.ZH, es).Decimals; got != c.want {
			t.Errorf("%s: %d decimals, want %d", c.name, got, c.want)
		}
	}
}
