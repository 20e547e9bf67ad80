package analysis

// ProportionVector estimates the share of every level of a factor and their
// covariance, over the people of the domain who have a level: Σ_level w / Σw with the
// score (1[level] − p)/Σw, as R's svymean of a factor. Intervals are those of
// Settings.Interval.
func (d *Design) ProportionVector(f FactorColumn, in []bool) (Vector, error) {
	p, counts, err := d.countLevels(f, in)
	if err != nil {
		return Vector{}, err
	}
	for l := range counts {
		counts[l] /= p.w
	}
	v, err := p.vector(f.names(), counts, func(row int, u []float64) {
		for l, share := range counts {
			u[l] = -share / p.w
		}
		u[f.Level[row]] += 1 / p.w
	})
	if err != nil {
		return Vector{}, err
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
	p, counts, err := d.countLevels(f, in)
	if err != nil {
		return Vector{}, err
	}
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

// countLevels finds the people who have a level, and Σw of each.
func (d *Design) countLevels(f FactorColumn, in []bool) (people, []float64, error) {
	if err := d.checkFactor(f, nil); err != nil {
		return people{}, nil, err
	}
	p, err := d.people(in)
	if err != nil {
		return people{}, nil, err
	}
	p = p.only(func(row int) bool { return f.Level[row] >= 0 })
	counts := make([]float64, len(f.Levels))
	for _, place := range p.places {
		counts[f.Level[d.rowAt(int(place))]] += p.weight[place]
	}
	return p, counts, nil
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
