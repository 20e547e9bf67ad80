package analysis

import (
	"fmt"
	"math"
	"strings"
)

// layout is how PSUs lie in strata: all that a variance needs of the design.
type layout struct {
	strata  []string // names
	stratum []int    // of each PSU
	size    []int    // number of PSUs of each stratum
}

func newLayout(psus []PSU) layout {
	l := layout{stratum: make([]int, len(psus))}
	index := make(map[string]int)
	for i, p := range psus {
		h, known := index[p.Stratum]
		if !known {
			h = len(l.strata)
			index[p.Stratum] = h
			l.strata = append(l.strata, p.Stratum)
			l.size = append(l.size, 0)
		}
		l.stratum[i] = h
		l.size[h]++
	}
	return l
}

// df counts degrees of freedom, PSUs − strata, over the PSUs with people of the
// domain or over the whole design. n is the number of such people in each PSU.
func (l layout) df(rule DFRule, n []int) float64 {
	switch rule {
	case DFNormal:
		return math.Inf(1)
	case DFDesign:
		return float64(len(l.stratum) - len(l.strata))
	}
	seen := make([]bool, len(l.strata))
	df := 0
	for i, h := range l.stratum {
		if n[i] == 0 {
			continue
		}
		df++
		if !seen[h] {
			seen[h] = true
			df--
		}
	}
	return float64(df)
}

// variance is covariance for one statistic.
func (l layout) variance(z []float64, seen []int, s Settings) (float64, facts, error) {
	v, f, err := l.covariance(grid{len(z), 1, z}, seen, s)
	if err != nil {
		return 0, f, err
	}
	return v.At(0, 0), f, nil
}

// failIfLone names the strata with a single PSU.
func (l layout) failIfLone() error {
	var names []string
	for h, size := range l.size {
		if size == 1 {
			names = append(names, fmt.Sprintf("%q", l.strata[h]))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("no variance: one PSU only in stratum %s; merge each with a neighbour or choose another rule in Settings.LonePSU",
		strings.Join(names, ", "))
}
