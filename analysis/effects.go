package analysis

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// CV is the coefficient of variation, SE/|value|.
func (e Estimate) CV() float64 { return e.SE / math.Abs(e.Value) }

// DEft is the factor by which the design widens the standard error, √DEff.
func (e Estimate) DEft() float64 { return math.Sqrt(e.DEff) }

// NEff is the effective number of respondents, N/DEff: a simple random sample of so
// many people would be as exact (Kish 1965).
func (e Estimate) NEff() float64 { return float64(e.N) / e.DEff }

// T is value/SE, the statistic of the test that the value is zero.
func (e Estimate) T() float64 { return e.Value / e.SE }

// PValue is the two-sided p-value of the test that the value is zero, from Student's t
// with the degrees of freedom of the estimate.
func (e Estimate) PValue() float64 {
	t := -math.Abs(e.T())
	switch {
	case math.IsNaN(t) || !(e.DF > 0):
		return math.NaN()
	case math.IsInf(e.DF, 1):
		return math.Erfc(-t / math.Sqrt2)
	}
	return 2 * distuv.StudentsT{Sigma: 1, Nu: e.DF}.CDF(t)
}

// KishEffect is the loss by unequal weights among the people of the domain,
// n·Σw²/(Σw)² (Kish 1965, §11.7): the design effect that the weights would have if they
// had nothing to do with the answers.
func (d *Design) KishEffect(in []bool) (float64, error) {
	p, err := d.people(in)
	if err != nil {
		return 0, err
	}
	if p.n == 0 {
		return math.NaN(), nil
	}
	return float64(p.n) * p.w2 / (p.w * p.w), nil
}

// IntraCluster estimates how much alike the people of one PSU are, Kish's rate of
// homogeneity roh = (deff/k − 1)/(b − 1) with deff the design effect of the mean, k that
// of unequal weights and b = Σm²/Σm the mean number of respondents of the PSU of a
// respondent (Kish 1965, §5.4). It is negative where PSUs are more mixed than chance
// would have them.
func (d *Design) IntraCluster(y []float64, in []bool) (float64, error) {
	e, err := d.Mean(y, in)
	if err != nil {
		return 0, err
	}
	p, err := d.people(in, Variable{"variable", y})
	if err != nil {
		return 0, err
	}
	var sum, square float64
	for _, m := range p.inPSUs() {
		sum += float64(m)
		square += float64(m) * float64(m)
	}
	b := square / sum
	if !(b > 1) {
		return 0, fmt.Errorf("no PSU has two people of the domain, so their likeness is unknown; choose a larger domain")
	}
	kish := float64(p.n) * p.w2 / (p.w * p.w)
	return (e.DEff/kish - 1) / (b - 1), nil
}

// inPSUs counts the people with every value in each PSU.
func (p people) inPSUs() []int {
	m := make([]int, len(p.design.psus))
	psu := 0
	for _, place := range p.places {
		for int(place) >= p.design.start[psu+1] {
			psu++
		}
		n, _, _ := p.count(place)
		m[psu] += n
	}
	return m
}
