package form

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"github.com/suyang-survey/suyang/surveys"
)

// leaf is a page as the form lays it out: items of one section, in one row of a roster
// when it belongs to one.
type leaf struct {
	section, row int
	items        []int
	first, last  bool // of its section
}

// chance is the generator for one order: it depends on the seed and the name only.
func chance(seed uint32, name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(uint64(seed), h.Sum64()))
}

// shuffle puts things into the random order of a name; with the seed 0 they stay.
func shuffle[T any](seed uint32, name string, things []T) {
	if seed == 0 {
		return
	}
	chance(seed, name).Shuffle(len(things), func(i, j int) { things[i], things[j] = things[j], things[i] })
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
			for n+1 < len(u) && f.items[u[n+1]].def.Row == grid.ID {
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
		if !o.Fixed && !o.Exclusive && !reserved(o.Code) {
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
	if seed == 0 || !f.shuffled {
		return f.plain
	}
	return f.lay(seed)
}

// lay lays the items on pages.
func (f *Form) lay(seed uint32) []leaf {
	var out []leaf
	for _, s := range f.sectionOrder(seed) {
		n := len(out)
		out = f.cut(out, s, f.itemOrder(seed, s))
		if len(out) > n {
			out[n].first, out[len(out)-1].last = true, true
		}
	}
	return out
}

// cut divides the items of a section into pages.
func (f *Form) cut(out []leaf, s int, order []int) []leaf {
	page := leaf{section: s}
	flush := func() {
		if len(page.items) > 0 {
			out = append(out, page)
			page = leaf{section: s}
		}
	}
	for n := 0; n < len(order); n++ {
		it := &f.items[order[n]]
		if it.def.Type == surveys.Calculate {
			continue
		}
		if f.begins(order, n) {
			flush()
		}
		if it.def.Type != surveys.Roster || it.calculate == nil {
			page.items = append(page.items, order[n])
		}
		if it.def.Timed {
			flush()
		}
		if it.def.Type == surveys.Roster {
			flush()
			var members []int
			for n+1 < len(order) && f.items[order[n+1]].roster == order[n-len(members)] {
				n++
				members = append(members, order[n])
			}
			out = f.cutRows(out, s, members)
		}
	}
	flush()
	return out
}

// cutRows makes the pages of every row of a roster.
func (f *Form) cutRows(out []leaf, s int, members []int) []leaf {
	if len(members) == 0 {
		return out
	}
	for row := range f.items[members[0]].rows {
		page := leaf{section: s, row: row + 1}
		for n, i := range members {
			it := &f.items[i]
			if it.def.Type == surveys.Calculate {
				continue
			}
			if len(page.items) > 0 && f.begins(members, n) {
				out = append(out, page)
				page = leaf{section: s, row: row + 1}
			}
			page.items = append(page.items, i)
			if it.def.Timed {
				out = append(out, page)
				page = leaf{section: s, row: row + 1}
			}
		}
		if len(page.items) > 0 {
			out = append(out, page)
		}
	}
	return out
}

// begins reports whether a new page begins with the n-th item of an order.
func (f *Form) begins(order []int, n int) bool {
	it := &f.items[order[n]]
	follows := it.def.Row != "" || n > 0 && f.items[order[n-1]].def.Type == surveys.Note && !f.items[order[n-1]].def.Timed
	switch {
	case it.def.Page:
		return true
	case it.def.Timed:
		return !follows
	}
	return f.q.Paging == surveys.PageItems && !follows
}

// orders are what Paradata.Orders holds for a seed: the orders of everything shuffled.
func (f *Form) orders(seed uint32, asked func(i int) bool) map[string][]string {
	if seed == 0 || !f.shuffled {
		return nil
	}
	orders := map[string][]string{}
	blocks := false
	for s := range f.sections {
		blocks = blocks || f.sections[s].run > 0
		if !f.sections[s].def.Shuffle {
			continue
		}
		var ids []string
		for _, i := range f.itemOrder(seed, s) {
			if asked(i) {
				ids = append(ids, f.items[i].def.ID)
			}
		}
		if len(ids) > 0 {
			orders[f.sections[s].def.ID] = ids
		}
	}
	if blocks {
		for _, s := range f.sectionOrder(seed) {
			orders[""] = append(orders[""], f.sections[s].def.ID)
		}
	}
	for i := range f.items {
		it := &f.items[i]
		if !it.def.Shuffle || !asked(i) {
			continue
		}
		var codes []string
		if it.def.Type == surveys.Grid {
			for _, j := range f.itemOrder(seed, it.section) {
				if f.items[j].def.Row == it.def.ID {
					codes = append(codes, f.items[j].def.ID)
				}
			}
		} else if choice(it.def.Type) && it.from < 0 {
			for _, o := range f.optionOrder(seed, i, it.def.Options) {
				codes = append(codes, o.Code)
			}
		}
		if len(codes) > 0 {
			orders[it.def.ID] = codes
		}
	}
	return orders
}
