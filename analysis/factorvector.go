package analysis

// ProportionVector estimates the share of every level of a factor and their
// covariance, over the people of the domain who have a level: Σ_level w / Σw with the
// score (1[level] − p)/Σw, as R's svymean of a factor. Intervals are those of
// Settings.Interval.
func (d *Design) ProportionVector(f FactorColumn, in []bool) (Vector, error) {
	p, err := d.classified(f, in)
	if err != nil {
		return Vector{}, err
	}
	return p.proportionVector(f)
}

// proportionVector is ProportionVector of people who have a level.
func (p people) proportionVector(f FactorColumn) (Vector, error) {
	shares := p.countLevels(f)
	for l := range shares {
		shares[l] /= p.w
	}
	v, err := p.vector(f.names(), shares, func(row int, u []float64) {
		for l, share := range shares {
			u[l] = -share / p.w
		}
		u[f.Level[row]] += 1 / p.w
	})
	if err != nil || p.n == 0 {
		return v, err
	}
	for l := range v.Estimates {
		p.effects(&v.Estimates[l], 1, f.indicator(l))
		v.Estimates[l] = p.asProportion(v.Estimates[l])
	}
	return v, nil
}

// CountVector estimates how many people of the population have each level of a
// factor, Σ_level w, and their covariance, as R's svytotal of a factor. The zero of a
// level that nobody has carries the note Empty.
func (d *Design) CountVector(f FactorColumn, in []bool) (Vector, error) {
	p, err := d.classified(f, in)
	if err != nil {
		return Vector{}, err
	}
	return p.countVector(f)
}

// countVector is CountVector of people who have a level.
func (p people) countVector(f FactorColumn) (Vector, error) {
	counts := p.countLevels(f)
	v, err := p.vector(f.names(), counts, func(row int, u []float64) { u[f.Level[row]] = 1 })
	if err != nil {
		return Vector{}, err
	}
	for l := range v.Estimates {
		p.effects(&v.Estimates[l], p.w, f.indicator(l))
		if counts[l] == 0 && v.N > 0 {
			v.Estimates[l].Notes = append(v.Estimates[l].Notes, Note{Code: Empty})
		}
	}
	return v, nil
}

// Count estimates how many people of the population the domain holds, Σw.
func (d *Design) Count(in []bool) (Estimate, error) {
	p, err := d.people(in)
	if err != nil {
		return Estimate{}, err
	}
	return p.one(p.w, func(int) float64 { return 1 })
}

// classified finds the people who have a level.
func (d *Design) classified(f FactorColumn, in []bool) (people, error) {
	if err := d.checkFactor(f, nil); err != nil {
		return people{}, err
	}
	p, err := d.people(in)
	if err != nil {
		return people{}, err
	}
	return p.classified(f), nil
}

// classified leaves out people without a level; their PSUs still have people of the
// domain.
func (p people) classified(f FactorColumn) people {
	return p.only(func(row int) bool { return f.Level[row] >= 0 })
}

// countLevels is Σw of each level.
func (p people) countLevels(f FactorColumn) []float64 {
	counts := make([]float64, len(f.Levels))
	for _, place := range p.places {
		counts[f.Level[p.design.rowAt(int(place))]] += p.weight[place]
	}
	return counts
}

// names copies the names of the levels.
func (f FactorColumn) names() []string { return append([]string(nil), f.Levels...) }

// indicator is 1 for the people of a level.
func (f FactorColumn) indicator(level int) func(row int) float64 {
	return func(row int) float64 {
		if f.Level[row] == level {
			return 1
		}
		return 0
	}
}

// asProportion gives an estimate the interval and the notes of a proportion.
func (p people) asProportion(e Estimate) Estimate {
	return p.settings.proportion(e, e.t(), p.rows, p.weighted)
}
