package chart

import (
	"math"
	"testing"
)

// The simulations of Machado, Oliveira and Fernandes (2009), at full severity, for linear RGB.
var visions = map[string][3][3]float64{
	"normal":       {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

// lab is a colour as somebody sees it, in CIELAB with the white of sRGB (D65).
func lab(color string, vision [3][3]float64) (out [3]float64) {
	in, seen := linear(rgb(color)), [3]float64{}
	for i, row := range vision {
		seen[i] = math.Max(0, math.Min(1, row[0]*in[0]+row[1]*in[1]+row[2]*in[2]))
	}
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124564*seen[0] + 0.3575761*seen[1] + 0.1804375*seen[2]) / 0.95047)
	y := f(0.2126729*seen[0] + 0.7151522*seen[1] + 0.0721750*seen[2])
	z := f((0.0193339*seen[0] + 0.1191920*seen[1] + 0.9503041*seen[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func distance(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

// A difference of about 2 in CIELAB is just seen between fields that touch; 15 is plain
// between small marks that lie apart. Marks differ in shape and pattern too.
func TestColoursForEveryEye(t *testing.T) {
	all := append(append([]string{}, Palette[:]...), truthColor)
	least, lightness := math.Inf(1), math.Inf(1)
	for i, a := range all {
		if c := contrast(a, white); c < 3 {
			t.Errorf("%s has a contrast of %.2f to white", a, c)
		}
		for j, b := range all[:i] {
			for name, vision := range visions {
				d := distance(lab(a, vision), lab(b, vision))
				least = math.Min(least, d)
				if d < 15 {
					t.Errorf("%s and %s lie %.1f apart with %s", a, b, d, name)
				}
			}
			if i < len(Palette) && j < len(Palette) {
				grey := math.Abs(lab(a, visions["normal"])[0] - lab(b, visions["normal"])[0])
				lightness = math.Min(lightness, grey)
				if grey < 6 {
					t.Errorf("in grey %s and %s differ by %.1f in lightness", a, b, grey)
				}
			}
		}
	}
	t.Logf("least distance %.1f, least difference in lightness %.1f", least, lightness)
}

func TestRampsAreReadInGrey(t *testing.T) {
	for n := 1; n <= len(Palette); n++ {
		fills := ramp(n)
		for i, f := range fills {
			if c := contrast(f, inkOn(f)); c < 4.5 {
				t.Errorf("words on %s, step %d of %d, have a contrast of %.2f", f, i+1, n, c)
			}
			if i == 0 {
				continue
			}
			for name, vision := range visions {
				if d := lab(fills[i-1], vision)[0] - lab(f, vision)[0]; d < 6 {
					t.Errorf("step %d of %d is only %.1f darker with %s", i+1, n, d, name)
				}
			}
		}
	}
}
