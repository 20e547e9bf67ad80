package live

// A shown group keeps which of its people have been in a rate on the page, of either view, so
// that no two rates that were ever shown differ by a few of them. The page shows whole steps of
// people, so that two rates of different n differ by at least a step; of two with the same n
// the people are compared one by one.
type shown struct {
	marks map[int][]mark // by the number of people
	last  [2]Group       // of the views: what is on the page
	size  [2]int         // how many people are in it
	top   [2]int         // the last turn of anybody who ever was in it
	// aside are those of a view that are never in its rates, so that they differ enough from
	// those of the other view.
	aside [2]map[turned]bool
}

// turned is a person since a turn.
type turned struct {
	*person
	turn int
}

// mark is a rate that was shown: of the people of a view who had their turn by then, and had
// not left before the version.
type mark struct {
	view          View
	turn, version int
}

// stay is the time of a person in a view who has left it, or whose answers are others now.
type stay struct {
	*person
	view       View
	turn, left int
	as         snapshot
}

// snapshot is what a rate knows of a person.
type snapshot struct {
	levels []int
	area   string
	score  float64
	weight float64
}

func (p *person) snapshot() snapshot { return snapshot{p.levels, p.Area, p.score, p.Weight} }

// same says whether nothing that a rate knows has changed. Levels that change are exchanged and never written over.
func (s *snapshot) same(o snapshot) bool {
	return s.score == o.score && s.weight == o.weight && s.area == o.area && len(s.levels) == len(o.levels) &&
		(len(s.levels) == 0 || &s.levels[0] == &o.levels[0])
}

// belongs says whether somebody like this is in a group.
type belongs func(as *snapshot) bool

// plain says that the first people of a view, as many whole steps as there are, may be in the
// rate without looking at who they are: no rate of as many was ever shown, and nobody is put
// aside.
func (b *Board) plain(s *shown, v View, people int) (size int, is bool) {
	size = people / b.step * b.step
	return size, len(s.aside[v]) == 0 && size > 0 && (size == s.size[v] || len(s.marks[size]) == 0)
}

// put notes that a rate is shown of so many people, the last of whom came at a turn.
func (b *Board) put(s *shown, v View, size, turn int) {
	s.marks[size] = append(s.marks[size], mark{v, turn, b.version})
	s.size[v], s.top[v] = size, max(s.top[v], turn)
}

// pick chooses who is in the rate of a group: the first ones of members, who are in the order of
// their turns, as many whole steps as there are. Without any the rate stays as it was: there is
// nobody new, or nothing new may be shown.
func (b *Board) pick(s *shown, v View, members []*person, in belongs) []*person {
	var open []*person
	for _, p := range members {
		if !s.aside[v][turned{p, p.turn[v]}] {
			open = append(open, p)
		}
	}
	for {
		size := len(open) / b.step * b.step
		if size == 0 {
			s.size[v], s.last[v] = 0, Group{Estimate: missing()}
		}
		if size == s.size[v] {
			return nil
		}
		clash, apart := b.clash(s, open[:size], in)
		if clash == nil {
			b.put(s, v, size, open[size-1].turn[v])
			return open[:size]
		}
		if open = b.putAside(s, v, open, *clash, (b.step-apart+1)/2, in); open == nil {
			return nil
		}
	}
}

// putAside takes some people out of those who are to be in the rates of a view, of those who
// were in the rate that it would be too like, and have not been in one of this view. Nil says
// that there are too few.
func (b *Board) putAside(s *shown, v View, open []*person, like mark, some int, in belongs) []*person {
	b.stamp++
	b.eachIn(s, like, in, func(p *person) { p.stamp = b.stamp })
	var out, aside []*person
	for _, p := range open {
		if len(aside) < some && p.stamp == b.stamp && p.turn[v] > s.top[v] {
			aside = append(aside, p)
		} else {
			out = append(out, p)
		}
	}
	if len(aside) < some {
		return nil
	}
	if s.aside[v] == nil {
		s.aside[v] = map[turned]bool{}
	}
	for _, p := range aside {
		s.aside[v][turned{p, p.turn[v]}] = true
	}
	return out
}

// clash finds a rate that was shown of as many people as are chosen, but of some other ones, and
// by how many people the two differ; nil where there is none that differs by less than a step.
func (b *Board) clash(s *shown, chosen []*person, in belongs) (like *mark, apart int) {
	for _, m := range s.marks[len(chosen)] {
		b.stamp++
		for _, p := range chosen {
			p.stamp = b.stamp
		}
		both, others := 0, 0
		b.eachIn(s, m, in, func(p *person) {
			if p.stamp == b.stamp {
				both++
			} else {
				others++
			}
		})
		if apart := len(chosen) - both + others; apart > 0 && apart < b.step {
			return &m, apart
		}
	}
	return nil, 0
}

// eachIn calls do for everybody who was in a rate that was shown.
func (b *Board) eachIn(s *shown, m mark, in belongs, do func(*person)) {
	for _, p := range b.people {
		if t := p.turn[m.view]; t > 0 && t <= m.turn && in(&p.as) && !s.aside[m.view][turned{p, t}] {
			do(p)
		}
	}
	for i := range b.stays {
		if x := &b.stays[i]; x.view == m.view && x.turn <= m.turn && x.left > m.version && in(&x.as) && !s.aside[m.view][turned{x.person, x.turn}] {
			do(x.person)
		}
	}
}

// group finds what was shown of a group.
func (b *Board) group(name string) *shown {
	s := b.shown[name]
	if s == nil {
		s = &shown{marks: map[int][]mark{}, last: [2]Group{{Estimate: missing()}, {Estimate: missing()}}}
		b.shown[name] = s
	}
	return s
}
