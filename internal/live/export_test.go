package live

import "slices"

// Shown lists the cases whose answers are in the rate of a level of a table, or of everybody of
// an area without a table, as it was last shown.
func (b *Board) Shown(view View, area, table, code string) (cases []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name, in := inArea(area)
	for _, t := range b.tables() {
		for l := range t.levels[:t.shown] {
			if f := b.query.Factors[t.factor].ID; table != "" && (f == table && t.levels[l].Code == code || f == code) {
				if j, err := b.judged(view); err == nil && area == "" && j.cityOf(t, l) != "" {
					name, in = inArea(j.cityOf(t, l))
					continue
				}
				name, in = area+"\x00"+t.name+"\x00"+t.levels[l].Code, func(as *snapshot) bool { return as.levels[t.factor] == l && inside(as.area, area) }
			}
		}
	}
	s := b.group(name)
	if s.size[view] == 0 {
		return nil
	}
	var last *mark
	for i, m := range s.marks[s.size[view]] {
		if m.view == view {
			last = &s.marks[s.size[view]][i]
		}
	}
	b.eachIn(s, *last, in, func(p *person) { cases = append(cases, p.ID) })
	slices.Sort(cases)
	return cases
}

func inside(code, area string) bool { return len(code) >= len(area) && code[:len(area)] == area }

// Stays says how many people have left a view, or came again with other answers.
func (b *Board) Stays() int { return len(b.stays) }
