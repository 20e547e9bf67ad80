package live

// Shown lists the cases whose answers are in the rate of a level of a factor, or of
// everybody for factor -1.
func (b *Board) Shown(view View, area string, factor, level int) (cases []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.sample(asked{view, area})
	if err != nil {
		panic(err)
	}
	for _, p := range s.people {
		if factor < 0 || p.levels[factor] == level {
			cases = append(cases, p.ID)
		}
	}
	return cases[:len(cases)/Step*Step]
}

// Place is where the people of a group are told: the index of a factor and of its level. Of a
// set of groups each group is a factor of its own.
func (b *Board) Place(table, code string, level int) (factor, at int) {
	for i, f := range b.query.Factors {
		switch f.ID {
		case table:
			return i, level
		case code:
			return i, 0
		}
	}
	panic("no factor " + table)
}
