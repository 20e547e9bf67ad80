package analysis

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// tQuantile is the quantile of Student's t that bounds a two-sided interval of the
// given confidence; NaN without degrees of freedom.
func tQuantile(level, df float64) float64 {
	p := 0.5 + level/2
	switch {
	case !(df > 0):
		return math.NaN()
	case math.IsInf(df, 1):
		return distuv.UnitNormal.Quantile(p)
	}
	return distuv.StudentsT{Sigma: 1, Nu: df}.Quantile(p)
}

// wald is the symmetric interval value ± t·SE.
func wald(value, se, level, df float64) (lo, hi float64) {
	t := tQuantile(level, df)
	return value - t*se, value + t*se
}

// logit is the interval of a proportion made on the scale of log odds, where the
// standard error is SE/(p(1−p)), and turned back; it stays between 0 and 1 (R survey
// 4.5, svyciprop, methods xlogit and, to 1e-8, logit).
func logit(p, se, t float64) (lo, hi float64) {
	x := math.Log(p / (1 - p))
	d := t * se / (p * (1 - p))
	return 1 / (1 + math.Exp(-(x - d))), 1 / (1 + math.Exp(-(x + d)))
}

// clopperPearson is the exact interval of a proportion of 0 or 1 seen in n
// respondents: no linearised variance exists there, and the standard of the US
// National Center for Health Statistics takes the number of respondents as the
// effective one (Parker et al. 2017, Series 2 no. 175). The bound solves
// (1−p)ⁿ = α/2.
func clopperPearson(p float64, n int, level float64) (lo, hi float64) {
	bound := math.Pow((1-level)/2, 1/float64(n))
	if p == 0 {
		return 0, 1 - bound
	}
	return bound, 1
}
