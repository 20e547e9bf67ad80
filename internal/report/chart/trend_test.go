package chart

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

// spread is a trend as long as the published one: its times lie from one to five years apart,
// those close together are many, and the last has a long name.
func spread(lang surveys.Lang) *document.Chart {
	c := overTime(lang)
	c.Times = []float64{2005, 2010, 2013, 2015, 2018, 2020, 2022, 2023, 2024, 2026.5}
	c.Categories, c.Series = nil, c.Series[:1]
	c.Series[0].Points = nil
	for i, t := range c.Times {
		c.Categories = append(c.Categories, fmt.Sprint(math.Floor(t)))
		c.Series[0].Points = append(c.Series[0].Points, point(3+float64(i), 0.8, 900))
	}
	c.Categories[9] = say(lang, "本次调查", "This survey")
	return c
}

// What a trend consists of in a picture.
var (
	drawnDots   = regexp.MustCompile(`<circle cx="([\d.]+)" cy="[\d.]+" r="5" fill="` + Palette[0] + `"`)
	drawnTicks  = regexp.MustCompile(`<path d="M([\d.]+) ([\d.]+)L([\d.]+) [\d.]+" fill="none" stroke="` + soft + `"></path>`)
	drawnBreaks = regexp.MustCompile(`<path d="M([\d.]+) [\d.]+L[\d.]+ [\d.]+" [^>]*stroke="` + soft + `" stroke-width="1.5"`)
	drawnWords  = regexp.MustCompile(`<text [^>]*font-size="(\d+)px"[^>]*transform="translate\(([\d.]+) [\d.]+\)"[^>]*>([^<]*)</text>`)
)

// across are the first numbers of all matches: how far to the right they are.
func across(t *testing.T, re *regexp.Regexp, svg string) (out []float64) {
	t.Helper()
	for _, m := range re.FindAllStringSubmatch(svg, -1) {
		out = append(out, pixels(t, m[1]))
	}
	return out
}

func pixels(t *testing.T, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// ticks are the places of the short upright lines at the foot of a trend.
func ticks(t *testing.T, svg string) (out []float64) {
	t.Helper()
	for _, m := range drawnTicks.FindAllStringSubmatch(svg, -1) {
		if m[1] == m[3] {
			out = append(out, pixels(t, m[1]))
		}
	}
	return out
}

// scale is how many pixels a year takes, from the first to the last time.
func scale(times, at []float64) float64 {
	last := len(times) - 1
	return (at[last] - at[0]) / (times[last] - times[0])
}

// proportional wants places to lie as far apart as times do; within is what rounding may
// change, in pixels.
func proportional(t *testing.T, what string, times, at []float64, within float64) {
	t.Helper()
	if len(at) != len(times) {
		t.Fatalf("%s: %d places for %d times: %v", what, len(at), len(times), at)
	}
	for i := range times {
		if want := at[0] + scale(times, at)*(times[i]-times[0]); math.Abs(at[i]-want) > within {
			t.Errorf("%s: %v lies at %v, in proportion it would be %v", what, times[i], at[i], want)
		}
	}
	if scale(times, at) < 5 {
		t.Errorf("%s: a year takes %v pixels", what, scale(times, at))
	}
}

// everyTrend calls f with the picture of every trend there is here, in both languages and
// widths.
func everyTrend(t *testing.T, f func(what string, c *document.Chart, picture string, width Width)) {
	t.Helper()
	for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
		for name, c := range map[string]*document.Chart{"gallery": overTime(lang), "published": spread(lang)} {
			for _, width := range []Width{Paper, Phone} {
				f(fmt.Sprint(name, " ", lang, " ", width), c, svg(t, c, lang, width), width)
			}
		}
	}
}

// Points, ticks and breaks of a trend lie in proportion to time, on paper and on a phone.
func TestTrendIsInProportionToTime(t *testing.T) {
	everyTrend(t, func(what string, c *document.Chart, picture string, _ Width) {
		at := ticks(t, picture)
		proportional(t, what+", points", c.Times, across(t, drawnDots, picture), 0.11)
		proportional(t, what+", ticks", c.Times, at, 1)
		marked := across(t, drawnBreaks, picture)
		if len(marked) != len(c.Breaks) {
			t.Fatalf("%s: %d breaks are drawn, want %d", what, len(marked), len(c.Breaks))
		}
		for i, x := range marked {
			b := c.Breaks[i].Before
			if want := at[0] + scale(c.Times, at)*((c.Times[b-1]+c.Times[b])/2-c.Times[0]); math.Abs(x-want) > 1.5 {
				t.Errorf("%s: the break before %s lies at %v, want %v", what, c.Categories[b], x, want)
			}
		}
	})
}

// The interval of a point stands upright on it.
func TestIntervalsOfTrendsAreOnTheirPoints(t *testing.T) {
	picture := svg(t, spread(surveys.ZH), surveys.ZH, Paper)
	for _, x := range across(t, drawnDots, picture) {
		at := strconv.FormatFloat(x, 'f', -1, 64)
		if upright := regexp.MustCompile(`<polyline points="[^"]* ` + at + ` [\d.]+ ` + at + ` [\d.]+ [^"]*"`); !upright.MatchString(picture) {
			t.Errorf("there is no interval on the point at %v", x)
		}
	}
}

// The names of times do not lie on each other, on paper or on a phone. The first and the last
// are always there, and paper has at least two of three.
func TestNamesOfTimesHaveRoom(t *testing.T) {
	everyTrend(t, func(what string, c *document.Chart, picture string, width Width) {
		end, said := 0.0, map[float64]string{}
		for _, m := range drawnWords.FindAllStringSubmatch(picture, -1) {
			if slices.Contains(c.Categories, m[3]) {
				said[pixels(t, m[2])] = m[3]
				if half := pixels(t, m[1]) * letters(m[3]) / 2; pixels(t, m[2])-half < end || pixels(t, m[2])+half > float64(width) {
					t.Errorf("%s: %q reaches from %v to %v, the name before it to %v", what, m[3], pixels(t, m[2])-half, pixels(t, m[2])+half, end)
				} else {
					end = pixels(t, m[2]) + half
				}
			}
		}
		if len(said) < 4 || width == Paper && 3*len(said) < 2*len(c.Categories) {
			t.Errorf("%s: the axis names only %v", what, said)
		}
		for _, i := range []int{0, len(c.Categories) - 1} {
			if x := ticks(t, picture)[i]; !strings.Contains(fmt.Sprint(said), c.Categories[i]) {
				t.Errorf("%s: nothing names the tick at %v, %s", what, x, c.Categories[i])
			}
		}
	})
}

// letters is the width of a name in letters of one pixel: 0.56 for a digit or a Latin letter,
// as in the usual fonts, and one for a Chinese character.
func letters(name string) (w float64) {
	for _, r := range name {
		if r > 0x2e7f {
			w++
		} else {
			w += 0.56
		}
	}
	return w
}
