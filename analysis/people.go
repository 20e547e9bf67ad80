package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// people are those of a domain of a design who have every value asked for. All people
// of a cell can stand for one, with the sum of their weights and the mean of their
// values: a score that is linear in the values then has the same sums.
type people struct {
	design   *Design
	settings Settings
	notes    []Note
	weight   []float64 // of each place in the design's order
	cell     []Sum     // of each place, with the same Σw; nil when each is one person
	places   []int32   // of each in the design's order
	seen     []int     // people of the domain in each PSU, with the values or without
	rows     int       // of the domain, with the values or without
	weighted float64   // Σw of those rows
	n        int       // how many people
	w, w2    float64   // Σw, Σw² of the people
}

// count is how many people stand at a place, with Σw and Σw².
func (p *people) count(place int32) (n int, w, w2 float64) {
	w = p.weight[place]
	if p.cell == nil {
		return 1, w, w * w
	}
	return p.cell[place].N, w, p.cell[place].W2
}

// include adds those who stand at a place.
func (p *people) include(place int32) {
	n, w, w2 := p.count(place)
	p.places = append(p.places, place)
	p.n += n
	p.w += w
	p.w2 += w2
}

// only keeps those people for whom keep is true.
func (p people) only(keep func(row int) bool) people {
	q := p
	q.places, q.n, q.w, q.w2 = make([]int32, 0, len(p.places)), 0, 0, 0
	for _, place := range p.places {
		if keep(p.design.rowAt(int(place))) {
			q.include(place)
		}
	}
	return q
}

// people selects the rows for which in is true, or all when in is nil, and of those
// the ones with a number in every column.
func (d *Design) people(in []bool, columns ...Variable) (people, error) {
	settings, err := d.settings.orDefault()
	if err != nil {
		return people{}, err
	}
	if in != nil && len(in) != d.rows {
		return people{}, fmt.Errorf("the domain has %d values for %d rows of the design; give one for each row", len(in), d.rows)
	}
	for _, c := range columns {
		if err := d.checkValues(c); err != nil {
			return people{}, err
		}
	}
	p := people{design: d, settings: settings, weight: d.weight, seen: make([]int, len(d.psus))}
	p.places = make([]int32, 0, len(d.weight))
	for psu := range d.psus {
		for place := d.start[psu]; place < d.start[psu+1]; place++ {
			row := d.rowAt(place)
			if in != nil && !in[row] {
				continue
			}
			p.seen[psu]++
			p.weighted += d.weight[place]
			if complete(columns, row) {
				p.include(int32(place))
			}
		}
		p.rows += p.seen[psu]
	}
	return p, nil
}

// checkValues checks the length of a column, and that it holds no infinite number.
func (d *Design) checkValues(v Variable) error {
	if len(v.Values) != d.rows {
		return fmt.Errorf("variable %q has %d values for %d rows of the design; give one for each row, NaN for missing", v.Name, len(v.Values), d.rows)
	}
	for i, y := range v.Values {
		if math.IsInf(y, 0) {
			return rowError(i, "variable %[2]q is infinite in %[1]s; NaN is missing, every other value is a number", v.Name)
		}
	}
	return nil
}

// checkFinite names the row whose value made a sum infinite.
func (d *Design) checkFinite(s Sum, y Variable) error {
	if isFinite(s.WY2) {
		return nil
	}
	if err := d.checkValues(y); err != nil {
		return err
	}
	return errors.New("the variable is so large that weighted squares cannot be added up; choose a larger unit")
}

// isFinite says whether a number is neither infinite nor missing.
func isFinite(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) }

// complete says whether no column is missing in the row.
func complete(columns []Variable, row int) bool {
	for i := range columns {
		if y := columns[i].Values[row]; y != y { // NaN
			return false
		}
	}
	return true
}

// total is Σw·y.
func (p people) total(y []float64) float64 {
	var sum float64
	for _, place := range p.places {
		sum += p.weight[place] * y[p.design.rowAt(int(place))]
	}
	return sum
}

// spread is S² = n/(n−1) · Σw(y − ȳ)²/Σw, as R's svyvar; y is by row.
func (p people) spread(y func(row int) float64) float64 {
	var mean, square float64
	for _, place := range p.places {
		mean += p.weight[place] * y(p.design.rowAt(int(place)))
	}
	mean /= p.w
	for _, place := range p.places {
		d := y(p.design.rowAt(int(place))) - mean
		square += p.weight[place] * d * d
	}
	n := float64(p.n)
	return n / (n - 1) * square / p.w
}

// covariance is that of Σw·u for scores u, which are given for a row of the columns
// and zero for all others than these people.
func (p people) covariance(k int, scores func(row int, u []float64)) (*mat.SymDense, facts, error) {
	d := p.design
	sums, u := newGrid(d.layout.leaves(), k), make([]float64, k)
	var xu grid
	if d.regression != nil {
		xu = newGrid(d.regression.width, k)
	}
	leaf := 0
	for _, place := range p.places {
		for d.leaf[leaf+1] <= int(place) {
			leaf++
		}
		clear(u)
		scores(d.rowAt(int(place)), u)
		floats.AddScaled(sums.row(leaf), p.weight[place], u)
		if r := d.regression; r != nil {
			v := p.weight[place] * r.ratio[place]
			r.each(int(place), func(i int, x float64) { floats.AddScaled(xu.row(i), v*x, u) })
		}
	}
	if d.regression != nil {
		d.subtractFit(sums, xu)
	}
	return d.layout.covariance(sums.leafSums(), p.seen, p.settings)
}

// vector estimates several numbers at once from their values and scores.
func (p people) vector(names []string, values []float64, scores func(row int, u []float64)) (Vector, error) {
	v := Vector{Names: names, Values: values, Level: p.settings.Level, N: p.n, Weighted: p.w,
		DF: math.NaN(), Cov: mat.NewSymDense(len(values), nil), Estimates: make([]Estimate, len(values))}
	if v.N == 0 {
		v.empty(p.notes)
		return v, nil
	}
	cov, f, err := p.covariance(len(values), scores)
	if err != nil {
		return Vector{}, err
	}
	for i, x := range values {
		if !isFinite(x) || !isFinite(cov.At(i, i)) {
			return Vector{}, fmt.Errorf("the estimate %q is %v with a variance of %v: the numbers are too large to square and add up; choose a larger unit", names[i], x, cov.At(i, i))
		}
	}
	v.Cov, v.DF = cov, f.df
	e := p.estimate(v.DF, f)
	v.Notes = e.Notes
	t := e.t()
	for i := range values {
		v.Estimates[i] = e.within(values[i], math.Sqrt(cov.At(i, i)), t)
	}
	return v, nil
}

// empty makes the vector of nobody; notes are those that it carries besides.
func (v *Vector) empty(notes []Note) {
	v.Notes = append(slices.Clone(notes), Note{Code: Empty})
	for i := range v.Values {
		v.Values[i] = math.NaN()
		for j := range v.Values {
			v.Cov.SetSym(i, j, math.NaN())
		}
		v.Estimates[i] = missingEstimate(v.Level)
		v.Estimates[i].Notes = slices.Clone(v.Notes)
	}
}

// estimate has all but the numbers.
func (p people) estimate(df float64, f facts) Estimate {
	e := missingEstimate(p.settings.Level)
	e.N, e.Weighted, e.DF = p.n, p.w, df
	s := sample{settings: p.settings, all: Sum{N: e.N, W: p.w, W2: p.w2}}
	e.Notes = append(slices.Clone(p.notes), s.facts(e, f)...)
	return e
}

// t is the quantile of Student's t that the interval uses.
func (e Estimate) t() float64 { return tQuantile(e.Level, e.DF) }

// at is the estimate with a value, its standard error and the interval ± t·SE.
func (e Estimate) at(value, se float64) Estimate { return e.within(value, se, e.t()) }

// within is at with the quantile of Student's t already known.
func (e Estimate) within(value, se, t float64) Estimate {
	e.Value, e.SE = value, se
	e.Lo, e.Hi = value-t*se, value+t*se
	e.Notes = append([]Note(nil), e.Notes...)
	return e
}

// one estimates one number.
func (p people) one(value float64, score func(row int) float64) (Estimate, error) {
	v, err := p.vector([]string{""}, []float64{value}, func(row int, u []float64) { u[0] = score(row) })
	if err != nil {
		return Estimate{}, err
	}
	return v.Estimates[0], nil
}

// MeanVector estimates the means of several variables and their covariance, over the
// people of the domain who have a value of every one of them. The scores are
// (y − ȳ)/Σw, as R's svymean.
func (d *Design) MeanVector(variables []Variable, in []bool) (Vector, error) {
	p, err := d.people(in, variables...)
	if err != nil {
		return Vector{}, err
	}
	v, err := p.meanVector(variables)
	for i := range v.Estimates {
		y := variables[i].Values
		p.effects(&v.Estimates[i], 1, func(row int) float64 { return y[row] })
	}
	return v, err
}

// meanVector is MeanVector without the design effects.
func (p people) meanVector(variables []Variable) (Vector, error) {
	names, means := p.totals(variables)
	for i := range means {
		means[i] /= p.w
	}
	return p.vector(names, means, func(row int, u []float64) {
		for i := range u {
			u[i] = (variables[i].Values[row] - means[i]) / p.w
		}
	})
}

// TotalVector estimates Σwy of several variables and their covariance, over the
// people who have a value of every one of them, as R's svytotal.
func (d *Design) TotalVector(variables []Variable, in []bool) (Vector, error) {
	p, err := d.people(in, variables...)
	if err != nil {
		return Vector{}, err
	}
	v, err := p.totalVector(variables)
	for i := range v.Estimates {
		y := variables[i].Values
		p.effects(&v.Estimates[i], p.w, func(row int) float64 { return y[row] })
	}
	return v, err
}

// totalVector is TotalVector without the design effects.
func (p people) totalVector(variables []Variable) (Vector, error) {
	names, totals := p.totals(variables)
	return p.vector(names, totals, func(row int, u []float64) {
		for i := range u {
			u[i] = variables[i].Values[row]
		}
	})
}

// totals names the variables and adds them up.
func (p people) totals(variables []Variable) ([]string, []float64) {
	names, totals := make([]string, len(variables)), make([]float64, len(variables))
	for i, y := range variables {
		names[i], totals[i] = y.Name, p.total(y.Values)
	}
	return names, totals
}

// Function estimates any smooth function f of the totals Σwy of the given variables,
// over the people of the domain who have a value of every one of them; a variable of
// ones gives the size of the population. The function linearises itself: with
// u = Σ_j ∂f/∂T_j · y_j the variance is that of Σwu (Särndal, Swensson and Wretman
// 1992, §5.5; Demnati and Rao 2004).
func (d *Design) Function(variables []Variable, in []bool, f func(totals []Dual) Dual) (Estimate, error) {
	p, r, err := d.linearise(variables, in, f)
	if err != nil || p.n == 0 {
		return p.estimateOfNobody(), err
	}
	return p.one(r.Value, func(row int) float64 { return influence(r.Gradient, variables, row) })
}

// Influence is the linearised value u of each row of the columns for a function of
// totals, as Function uses it: zero outside the domain, without the weight.
func (d *Design) Influence(variables []Variable, in []bool, f func(totals []Dual) Dual) ([]float64, error) {
	p, r, err := d.linearise(variables, in, f)
	if err != nil {
		return nil, err
	}
	u := make([]float64, d.rows)
	for _, place := range p.places {
		row := d.rowAt(int(place))
		u[row] = influence(r.Gradient, variables, row)
	}
	return u, nil
}

// influence is Σ_j ∂f/∂T_j · y_j for one row.
func influence(gradient []float64, variables []Variable, row int) float64 {
	var u float64
	for j, g := range gradient {
		if g != 0 {
			u += g * variables[j].Values[row]
		}
	}
	return u
}

// linearise takes a function of totals and its derivatives.
func (d *Design) linearise(variables []Variable, in []bool, f func(totals []Dual) Dual) (people, Dual, error) {
	p, err := d.people(in, variables...)
	if err != nil {
		return people{}, Dual{}, err
	}
	if p.n == 0 {
		return p, Dual{}, nil
	}
	names, totals := p.totals(variables)
	r := f(duals(totals))
	if math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
		return p, r, fmt.Errorf("the function of the totals of %q is %v; choose a domain where it exists", names, r.Value)
	}
	for i, g := range r.Gradient {
		if math.IsNaN(g) || math.IsInf(g, 0) {
			return p, r, fmt.Errorf("the function has no derivative by the total of %q, so there is no standard error; choose a domain where it has one", names[i])
		}
	}
	return p, r, nil
}

func (p people) estimateOfNobody() Estimate {
	e := missingEstimate(p.settings.Level)
	e.Notes = append(slices.Clone(p.notes), Note{Code: Empty})
	return e
}

// Ratio estimates R = Σwy/Σwx over the people of the domain who have both, with the
// score (y − Rx)/Σwx, as R's svyratio.
func (d *Design) Ratio(y, x []float64, in []bool) (Estimate, error) {
	p, err := d.people(in, Variable{"numerator", y}, Variable{"denominator", x})
	if err != nil {
		return Estimate{}, err
	}
	if p.n == 0 {
		return p.estimateOfNobody(), nil
	}
	below := p.total(x)
	if below == 0 {
		return Estimate{}, errors.New("the total of the denominator is zero; choose another domain")
	}
	r := p.total(y) / below
	score := func(row int) float64 { return (y[row] - r*x[row]) / below }
	e, err := p.one(r, score)
	if err == nil {
		p.effects(&e, p.w, score)
	}
	return e, err
}

// Variance estimates the variance of a variable in the population, in the form
// S² = n/(n−1) · Σw(y − ȳ)²/Σw, with the score (n/(n−1)·(y − ȳ)² − S²)/Σw, as R's
// svyvar.
func (d *Design) Variance(y []float64, in []bool) (Estimate, error) {
	p, err := d.people(in, Variable{"variable", y})
	if err != nil {
		return Estimate{}, err
	}
	n := float64(p.n)
	if n == 0 {
		return p.estimateOfNobody(), nil
	}
	if n == 1 {
		return Estimate{}, errors.New("one person has no variance; choose a larger domain")
	}
	mean := p.total(y) / p.w
	s := p.spread(func(row int) float64 { return y[row] })
	return p.one(s, func(row int) float64 {
		d := y[row] - mean
		return (n/(n-1)*d*d - s) / p.w
	})
}

// effects fills in the design effects: the variance divided by that of a simple
// random sample of as many people, scale²·S²/n with replacement and
// scale²·S²/n·(1 − n/Σw) without (as R's deff). Without replacement takes Σw as the
// size of the population, so there is none when Σw is no larger than n.
func (p people) effects(e *Estimate, scale float64, y func(row int) float64) {
	e.setEffects(scale*scale*p.spread(y), p.n, p.w)
}

// setEffects fills in the design effects, given the variance of one person.
func (e *Estimate) setEffects(person float64, n int, w float64) {
	e.DEff, e.DEffWOR = math.NaN(), math.NaN()
	if !(person > 0) {
		return
	}
	e.DEff = e.SE * e.SE / (person / float64(n))
	if w > float64(n) {
		e.DEffWOR = e.DEff / (1 - float64(n)/w)
	}
}
