package chart

import (
	"fmt"
	"math"
	"strconv"
)

// Palette are the colours of series. Any two of them, and any of them and the colour of true
// values, can be told apart by people with any colour vision, all have a contrast of 3 to 1
// to white, and any two differ in lightness, for those who print in grey. A test holds them
// to that.
var Palette = [...]string{"#0b4a82", "#bb8e18", "#a84616", "#310a18", "#3e6fdb", "#219759", "#54048f"}

const (
	truthColor = "#a3002b"
	ink        = "#1b2733"
	soft       = "#4c5a67"
	grid       = "#e3e7eb"
	black      = "#000000"
	white      = "#ffffff"
)

// The icons of a legend, in the shapes and patterns that report.js draws.
var (
	pointIcons = [len(Palette)]string{
		"circle", "rect", "diamond", "triangle", "path://M0 0L10 0L5 10Z", "emptyCircle",
		"path://M4 0H8V4H12V8H8V12H4V8H0V4H4Z",
	}
	barIcons = [len(Palette)]string{
		"rect",
		"path://M0 4L4 0H7L0 7ZM0 10L10 0H13L3 10ZM6 10L14 2V5L9 10ZM12 10L14 8V10Z",
		"path://M14 4L10 0H7L14 7ZM14 10L4 0H1L11 10ZM8 10L0 2V5L5 10ZM2 10L0 8V10Z",
		"path://M0 0H14V2.4H0ZM0 3.8H14V6.2H0ZM0 7.6H14V10H0Z",
		"path://M0 0H2.6V10H0ZM3.8 0H6.4V10H3.8ZM7.6 0H10.2V10H7.6ZM11.4 0H14V10H11.4Z",
		"path://M0 0H4V4H0ZM5 0H9V4H5ZM10 0H14V4H10ZM0 5H4V9H0ZM5 5H9V9H5ZM10 5H14V9H10Z",
		"path://M3 0L6 3L3 6L0 3ZM11 0L14 3L11 6L8 3ZM7 4L10 7L7 10L4 7ZM1 6L3 8L1 10ZM13 6L11 8L13 10Z",
	}
	tickIcon = "path://M5.5 0H8.5V10H5.5Z"
	flatIcon = "path://M0 3.5H14V6.5H0Z"
)

// steps is a ramp from light to dark for numbers in order.
var steps = [...]string{"#e4eef7", "#b5d3ea", "#78afd9", "#2e6fac", "#0b3a68"}

// ramp is n colours from light to dark, at equal distances.
func ramp(n int) []string {
	out := make([]string, n)
	for i := range out {
		t := 0.25 * float64(len(steps)-1)
		if n > 1 {
			t = float64(i) * float64(len(steps)-1) / float64(n-1)
		}
		at := min(int(t), len(steps)-2)
		out[i] = mix(rgb(steps[at]), rgb(steps[at+1]), t-float64(at))
	}
	return out
}

func mix(a, b [3]float64, t float64) string {
	var c [3]int
	for i := range c {
		c[i] = int(math.Round(a[i] + t*(b[i]-a[i])))
	}
	return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2])
}

// inkOn is black or white, whichever is read better on a colour: one of them always has a
// contrast of 4.5 to 1.
func inkOn(fill string) string {
	if contrast(fill, black) >= contrast(fill, white) {
		return black
	}
	return white
}

// contrast is that of WCAG 2.2 between two colours, from 1 to 21.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func luminance(color string) float64 {
	c := linear(rgb(color))
	return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2]
}

// linear removes the gamma of sRGB (IEC 61966-2-1).
func linear(c [3]float64) [3]float64 {
	for i, v := range c {
		if v /= 255; v <= 0.04045 {
			c[i] = v / 12.92
		} else {
			c[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return c
}

// rgb reads a colour such as #0b4a82; only the colours of this package are read.
func rgb(color string) [3]float64 {
	n, err := strconv.ParseUint(color[1:], 16, 32)
	if err != nil {
		panic("chart: colour " + color)
	}
	return [3]float64{float64(n >> 16 & 255), float64(n >> 8 & 255), float64(n & 255)}
}
