package form

import (
	"hash/fnv"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/suyang-survey/suyang/surveys"
)

// leaf is a page as the form lays it out: items of one section, in one row of a roster
// when it belongs to one.
type leaf struct {
	section, row int
	items        []int
}

// shuffle puts things into the random order of a name; with the seed 0 they stay. The
// order depends on the seed and the name only, by steps that are all written here: who
// has the seed must find the same order in every later version of the program.
func shuffle[T any](seed uint32, name string, things []T) {
	if seed == 0 {
		return
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	chance := rand.NewPCG(uint64(seed), h.Sum64())
	for i := len(things) - 1; i > 0; i-- {
		j, _ := bits.Mul64(chance.Uint64(), uint64(i+1)) // from 0 to i
		things[i], things[j] = things[j], things[i]
	}
}

// sectionOrder is the order of the sections: blocks that follow each other change places.
func (f *Form) sectionOrder(seed uint32) []int {
	var order []int
	for s := 0; s < len(f.sections); {
		if f.sections[s].run == 0 {
			order = append(order, s)
			s++
			continue
		}
		run, first := f.sections[s].run, f.sections[s].def.ID
		var blocks [][]int
		for name := ""; s < len(f.sections) && f.sections[s].run == run; s++ {
			if block := f.sections[s].def.Block; len(blocks) == 0 || block != name {
				blocks, name = append(blocks, nil), block
			}
			blocks[len(blocks)-1] = append(blocks[len(blocks)-1], s)
		}
		shuffle(seed, "blocks "+first, blocks)
		for _, b := range blocks {
			order = append(order, b...)
		}
	}
	return order
}

// itemOrder is the order of the items of a section: units of a shuffled section change
// places, and so do the rows of a shuffled grid.
func (f *Form) itemOrder(seed uint32, s int) []int {
	sec := &f.sections[s]
	var units [][]int
	for i := sec.first; i < sec.end; i++ {
		if len(units) == 0 || f.items[i].unit == i {
			units = append(units, nil)
		}
		units[len(units)-1] = append(units[len(units)-1], i)
	}
	if sec.def.Shuffle {
		shuffle(seed, "section "+sec.def.ID, units)
	}
	var order []int
	for _, u := range units {
		for n := 0; n < len(u); n++ {
			order = append(order, u[n])
			grid := f.items[u[n]].def
			if grid.Type != surveys.Grid || !grid.Shuffle {
				continue
			}
			var rows []int
			for n+1 < len(u) && f.items[u[n+1]].grid == u[n-len(rows)] {
				n++
				rows = append(rows, u[n])
			}
			shuffle(seed, "grid "+grid.ID, rows)
			order = append(order, rows...)
		}
	}
	return order
}

// optionOrder is the order of an item's options. Exclusive, reserved and fixed ones keep
// their places.
func (f *Form) optionOrder(seed uint32, i int, options []surveys.Option) []surveys.Option {
	def := f.items[i].def
	if !def.Shuffle || seed == 0 || !choice(def.Type) {
		return options
	}
	out := slices.Clone(options)
	var at []int
	var moving []surveys.Option
	for n, o := range out {
		if !o.Fixed && !o.Exclusive && !surveys.Reserved(o.Code) {
			at, moving = append(at, n), append(moving, o)
		}
	}
	shuffle(seed, "options "+def.ID, moving)
	for n, place := range at {
		out[place] = moving[n]
	}
	return out
}

// pages are the pages in the order of a seed; do not change them.
func (f *Form) pages(seed uint32) []leaf {
	if seed == 0 || !f.moves {
		return f.plain
	}
	return f.lay(seed)
}

// lay lays the items on pages.
func (f *Form) lay(seed uint32) []leaf {
	var out []leaf
	for _, s := range f.sectionOrder(seed) {
		out = f.cut(out, s, f.itemOrder(seed, s))
	}
	return out
}

// cut divides the items of a section into pages.
func (f *Form) cut(out []leaf, s int, order []int) []leaf {
	for len(order) > 0 {
		n := slices.IndexFunc(order, func(i int) bool { return f.items[i].def.Type == surveys.Roster })
		if n < 0 {
			return f.pack(out, s, 0, order)
		}
		roster := order[n]
		asked := order[:n+1]
		if f.items[roster].calculate != nil {
			asked = order[:n] // nobody is asked for the number of rows
		}
		out = f.pack(out, s, 0, asked)
		members := order[n+1:]
		if n = slices.IndexFunc(members, func(i int) bool { return f.items[i].roster != roster }); n < 0 {
			n = len(members)
		}
		members, order = members[:n], members[n:]
		for row := range rowsOf(f.items[roster].def) {
			out = f.pack(out, s, row+1, members)
		}
	}
	return out
}

// pack puts items that follow each other on pages, in a row of a roster or in none, 0.
func (f *Form) pack(out []leaf, s, row int, order []int) []leaf {
	open := false // the last page takes more items
	for _, group := range f.groups(order) {
		alone := f.q.Paging == surveys.PageItems || slices.ContainsFunc(group, func(i int) bool { return f.items[i].def.Timed })
		if !open || alone || f.items[group[0]].def.Page {
			out = append(out, leaf{section: s, row: row})
		}
		page := &out[len(out)-1]
		page.items = append(page.items, group...)
		open = !alone
	}
	return out
}

// groups divides items into those that stand together on a page: a grid with its rows,
// and notes with the item that follows them, unless that begins a page. What is
// calculated is on no page.
func (f *Form) groups(order []int) [][]int {
	var groups [][]int
	joins := false
	for _, i := range order {
		def := f.items[i].def
		if def.Type == surveys.Calculate {
			continue
		}
		if n := len(groups) - 1; n >= 0 && !def.Page && (joins || def.Row != "") {
			groups[n] = append(groups[n], i)
		} else {
			groups = append(groups, []int{i})
		}
		joins = def.Type == surveys.Note && !def.Timed
	}
	return groups
}

// orders are what Paradata.Orders holds: the orders of everything shuffled that this
// person can be asked, and of options chosen elsewhere those of the items asked.
func (s *Session) orders() map[string][]string {
	f, seed := s.f, s.start.Seed
	if seed == 0 || !f.shuffled {
		return nil
	}
	orders := f.placeOrders(seed, s.inBooklet)
	for i := range f.items {
		it := &f.items[i]
		if !it.def.Shuffle || !choice(it.def.Type) || !s.inBooklet(i) {
			continue
		}
		if it.from < 0 {
			orders[it.def.ID] = codesOf(f.optionOrder(seed, i, it.def.Options))
			continue
		}
		for row := range it.rows {
			if p := &s.slots[it.slot+row]; p.relevant && p.put && p.code == "" {
				orders[f.key(i, row)] = codesOf(f.optionOrder(seed, i, s.offered(i, row)))
			}
		}
	}
	return orders
}

func codesOf(options []surveys.Option) (codes []string) {
	for _, o := range options {
		codes = append(codes, o.Code)
	}
	return codes
}

// placeOrders are the orders of sections, items and rows.
func (f *Form) placeOrders(seed uint32, asked func(i int) bool) map[string][]string {
	orders := map[string][]string{}
	blocks := false
	for s := range f.sections {
		blocks = blocks || f.sections[s].run > 0
		for _, i := range f.itemOrder(seed, s) {
			if !asked(i) {
				continue
			}
			def := f.items[i].def
			if f.sections[s].def.Shuffle {
				orders[f.sections[s].def.ID] = append(orders[f.sections[s].def.ID], def.ID)
			}
			if g := f.items[i].grid; g >= 0 && f.items[g].def.Shuffle {
				orders[f.items[g].def.ID] = append(orders[f.items[g].def.ID], def.ID)
			}
		}
	}
	if blocks {
		for _, s := range f.sectionOrder(seed) {
			orders[""] = append(orders[""], f.sections[s].def.ID)
		}
	}
	return orders
}
