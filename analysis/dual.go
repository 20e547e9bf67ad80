package analysis

import "math"

// Dual is a number that knows how it changes with each of the totals it was made
// from: its value and its gradient. Written with Duals, a function of totals
// linearises itself (forward-mode automatic differentiation), so that no derivative
// is ever worked out by hand:
//
//	func ratio(t []analysis.Dual) analysis.Dual { return t[0].Over(t[1]) }
type Dual struct {
	Value float64
	// Gradient has the partial derivative by each total; nil means that the number
	// depends on none.
	Gradient []float64
}

// Constant is a number that depends on no total.
func Constant(c float64) Dual { return Dual{Value: c} }

// duals makes independent variables of totals.
func duals(totals []float64) []Dual {
	t := make([]Dual, len(totals))
	for i, v := range totals {
		t[i] = Dual{Value: v, Gradient: make([]float64, len(totals))}
		t[i].Gradient[i] = 1
	}
	return t
}

// Plus is a + b.
func (a Dual) Plus(b Dual) Dual { return combine(a.Value+b.Value, a, 1, b, 1) }

// Minus is a − b.
func (a Dual) Minus(b Dual) Dual { return combine(a.Value-b.Value, a, 1, b, -1) }

// Times is a · b.
func (a Dual) Times(b Dual) Dual { return combine(a.Value*b.Value, a, b.Value, b, a.Value) }

// Over is a / b.
func (a Dual) Over(b Dual) Dual {
	q := a.Value / b.Value
	return combine(q, a, 1/b.Value, b, -q/b.Value)
}

// Scale is c·a for a number c.
func (a Dual) Scale(c float64) Dual { return a.chain(c*a.Value, c) }

// Add is a + c for a number c.
func (a Dual) Add(c float64) Dual { return a.chain(a.Value+c, 1) }

// Log is the natural logarithm of a.
func (a Dual) Log() Dual { return a.chain(math.Log(a.Value), 1/a.Value) }

// Exp is e to the power a.
func (a Dual) Exp() Dual {
	e := math.Exp(a.Value)
	return a.chain(e, e)
}

// Sqrt is the square root of a.
func (a Dual) Sqrt() Dual {
	r := math.Sqrt(a.Value)
	return a.chain(r, 0.5/r)
}

// Pow is a to the power of a number c.
func (a Dual) Pow(c float64) Dual {
	if c == 0 {
		return Constant(1)
	}
	return a.chain(math.Pow(a.Value, c), c*math.Pow(a.Value, c-1))
}

// Asin is the arcsine of a.
func (a Dual) Asin() Dual {
	return a.chain(math.Asin(a.Value), 1/math.Sqrt(1-a.Value*a.Value))
}

// Apply is g(a) for any function g with derivative slope at a.
func (a Dual) Apply(g func(float64) float64, slope float64) Dual {
	return a.chain(g(a.Value), slope)
}

// chain is a function of a with the given value and derivative.
func (a Dual) chain(value, slope float64) Dual {
	if a.Gradient == nil {
		return Dual{Value: value}
	}
	g := make([]float64, len(a.Gradient))
	for i, d := range a.Gradient {
		if d != 0 { // an infinite slope along a direction that a ignores is no slope
			g[i] = slope * d
		}
	}
	return Dual{value, g}
}

// combine is a function of a and b with the given value and partial derivatives.
func combine(value float64, a Dual, da float64, b Dual, db float64) Dual {
	switch {
	case a.Gradient == nil:
		return b.chain(value, db)
	case b.Gradient == nil:
		return a.chain(value, da)
	}
	g := make([]float64, max(len(a.Gradient), len(b.Gradient)))
	for i := range g {
		if i < len(a.Gradient) && a.Gradient[i] != 0 {
			g[i] += da * a.Gradient[i]
		}
		if i < len(b.Gradient) && b.Gradient[i] != 0 {
			g[i] += db * b.Gradient[i]
		}
	}
	return Dual{value, g}
}
