package sampling

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Survey is what the precision of an estimated proportion depends on.
type Survey struct {
	Cases    float64 // drawn
	Response float64 // interviews per case, above 0 and at most 1
	DEff     float64 // of the whole design, weights included; above 0
	P        float64 // the expected proportion
}

// Interviews is the expected number of interviews.
func (s Survey) Interviews() float64 { return s.Cases * s.Response }

// Check says what cannot be.
func (s Survey) Check() error {
	switch {
	case !(s.Cases > 0) || math.IsInf(s.Cases, 1):
		return fmt.Errorf("the number of cases is %v; it must be above 0", s.Cases)
	case !(s.Response > 0 && s.Response <= 1):
		return fmt.Errorf("the response rate is %v; it must be above 0 and at most 1", s.Response)
	case !(s.DEff > 0) || math.IsInf(s.DEff, 1):
		return fmt.Errorf("the design effect is %v; it must be above 0", s.DEff)
	case !(s.P > 0 && s.P < 1):
		return fmt.Errorf("the proportion is %v; it must be above 0 and below 1", s.P)
	}
	return nil
}

// SE is √(deff·p(1−p)/n) with n interviews (Kish 1965, sec. 8.2).
func (s Survey) SE() float64 { return math.Sqrt(s.DEff * s.P * (1 - s.P) / s.Interviews()) }

// Margin is the half-width z·SE of the interval.
func (s Survey) Margin(confidence float64) float64 { return Quantile(confidence) * s.SE() }

// Detectable is the least change between two independent surveys like this one that a
// two-sided test at 1−confidence finds with the power given: (z_{α/2} + z_power)·√2·SE,
// with the variance of the expected proportion in both.
func (s Survey) Detectable(confidence, power float64) float64 {
	return (Quantile(confidence) + distuv.UnitNormal.Quantile(power)) * math.Sqrt2 * s.SE()
}

// Between is the least difference of two surveys' true proportions that a two-sided test
// at 1−confidence finds with the power given: (z_{α/2} + z_power)·√(SE1² + SE2²).
func Between(a, b Survey, confidence, power float64) float64 {
	return (Quantile(confidence) + distuv.UnitNormal.Quantile(power)) * math.Hypot(a.SE(), b.SE())
}
