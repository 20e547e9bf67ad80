package analysis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
)

// labels is a column of names as numbers, in the order of their first appearance.
type labels struct {
	code []int32 // of each row; nil when all rows have the same name
	name []string
}

// encode numbers the names of a column; nil is a column of empty names.
func encode(column []string) labels {
	if column == nil {
		return labels{name: []string{""}}
	}
	l := labels{code: make([]int32, len(column))}
	index := make(map[string]int32)
	last, lastCode := "", int32(-1)
	for i, s := range column {
		if lastCode < 0 || s != last {
			k, known := index[s]
			if !known {
				k = int32(len(l.name))
				index[s] = k
				l.name = append(l.name, s)
			}
			last, lastCode = s, k
		}
		l.code[i] = lastCode
	}
	return l
}

// at is the number of a row.
func (l labels) at(row int) int32 {
	if l.code == nil {
		return 0
	}
	return l.code[row]
}

// sorted renumbers in the order of names.
func (l labels) sorted() labels {
	order := count32(len(l.name))
	slices.SortFunc(order, func(a, b int32) int { return strings.Compare(l.name[a], l.name[b]) })
	name, place := make([]string, len(order)), make([]int32, len(order))
	for k, i := range order {
		name[k], place[i] = l.name[i], int32(k)
	}
	if l.code != nil && !slices.IsSorted(place) {
		const rows = 1 << 16
		parallel.Blocks(len(l.code), rows, func(_, from, to int) {
			for i, k := range l.code[from:to] {
				l.code[from+i] = place[k]
			}
		})
	}
	return labels{code: l.code, name: name}
}

// count32 lists 0 to n−1.
func count32(n int) []int32 {
	list := make([]int32, n)
	for i := range list {
		list[i] = int32(i)
	}
	return list
}

// firstGrouping finds the strata and units of the first stage and their names, both in
// the order of stratum and name, so that the order of rows does not matter.
func firstGrouping(s Stage, rows int) (*grouping, []PSU) {
	var columns [2]labels
	parallel.Do(2, func(k int) {
		if k == 0 {
			columns[0] = encode(s.Stratum).sorted()
		} else if s.Unit != nil {
			columns[1] = encode(s.Unit).sorted()
		}
	})
	stratum := columns[0]
	if s.Unit == nil {
		return rowUnits(stratum, rows)
	}
	p := newPairs(len(stratum.name), len(columns[1].name), rows)
	code := make([]int32, rows)
	for i := range code {
		code[i] = p.code(stratum.at(i), columns[1].at(i))
	}
	place := p.sort()
	const block = 1 << 16
	parallel.Blocks(rows, block, func(_, from, to int) {
		for i, k := range code[from:to] {
			code[from+i] = place[k]
		}
	})
	g := &grouping{unit: code, stratum: make([]int32, len(p.keys)), parent: make([]int32, len(stratum.name)), size: make([]int, len(stratum.name))}
	psus := make([]PSU, len(p.keys))
	for u, key := range p.keys {
		h, unit := p.split(key)
		g.stratum[u] = h
		g.size[h]++
		psus[u] = PSU{stratum.name[h], columns[1].name[unit]}
	}
	return g, psus
}

// rowUnits makes every row its own unit, in the order of strata and rows.
func rowUnits(stratum labels, rows int) (*grouping, []PSU) {
	g := &grouping{unit: make([]int32, rows), stratum: make([]int32, rows), parent: make([]int32, len(stratum.name)), size: make([]int, len(stratum.name))}
	for i := range rows {
		g.size[stratum.at(i)]++
	}
	next := make([]int, len(g.size))
	for h := 1; h < len(next); h++ {
		next[h] = next[h-1] + g.size[h-1]
	}
	psus, name := make([]PSU, rows), rowNames(rows)
	for i := range rows {
		h := stratum.at(i)
		u := next[h]
		next[h]++
		g.unit[i], g.stratum[u] = int32(u), h
		psus[u] = PSU{stratum.name[h], name(i)}
	}
	return g, psus
}

// rowNames names rows by their number, written so that the order of names is that of
// rows: ten digits.
func rowNames(rows int) func(row int) string {
	const digits = 10
	var b strings.Builder
	b.Grow(digits * rows)
	for i := range rows {
		var d [digits]byte
		for k := digits - 1; k >= 0; k-- {
			d[k] = byte('0' + i%10)
			i /= 10
		}
		b.Write(d[:])
	}
	all := b.String()
	return func(row int) string { return all[row*digits : (row+1)*digits] }
}

// pairs numbers pairs of numbers, in the order of their first appearance.
type pairs struct {
	columns int
	table   []int32 // number of each pair plus one; nil when there are too many
	index   map[int]int32
	keys    []int
	last    int
	lastIs  int32
}

// newPairs makes ready for pairs below rows × columns, of which at most n appear.
func newPairs(rows, columns, n int) *pairs {
	p := &pairs{columns: columns, last: -1}
	if rows*columns <= max(4*n, 1<<16) {
		p.table = make([]int32, rows*columns)
	} else {
		p.index = make(map[int]int32)
	}
	return p
}

// code numbers a pair.
func (p *pairs) code(a, b int32) int32 {
	key := int(a)*p.columns + int(b)
	if key == p.last {
		return p.lastIs
	}
	var k int32
	var known bool
	if p.table != nil {
		k = p.table[key] - 1
		known = k >= 0
	} else {
		k, known = p.index[key]
	}
	if !known {
		k = int32(len(p.keys))
		p.keys = append(p.keys, key)
		if p.table != nil {
			p.table[key] = k + 1
		} else {
			p.index[key] = k
		}
	}
	p.last, p.lastIs = key, k
	return k
}

// split is the pair of a key.
func (p *pairs) split(key int) (a, b int32) { return int32(key / p.columns), int32(key % p.columns) }

// sort puts the keys in order and says where each number went.
func (p *pairs) sort() []int32 {
	order := count32(len(p.keys))
	slices.SortFunc(order, func(a, b int32) int { return p.keys[a] - p.keys[b] })
	place := make([]int32, len(order))
	sorted := make([]int, len(order))
	for k, i := range order {
		place[i], sorted[k] = int32(k), p.keys[i]
	}
	p.keys = sorted
	return place
}

// nextGrouping finds strata and units within the units of the stage before, each in
// the order of first appearance there.
func nextGrouping(s Stage, before *grouping) *grouping {
	rows := len(before.unit)
	var columns [2]labels
	parallel.Do(2, func(k int) {
		if k == 0 {
			columns[0] = encode(s.Stratum)
		} else if s.Unit != nil {
			columns[1] = encode(s.Unit)
		}
	})
	strata, parent := within(before.unit, before.units(), columns[0], rows)
	g := &grouping{parent: parent}
	if s.Unit == nil {
		g.unit, g.stratum = eachRow(strata, len(parent))
	} else {
		g.unit, g.stratum = within(strata, len(parent), columns[1], rows)
	}
	g.size = make([]int, len(parent))
	for _, h := range g.stratum {
		g.size[h]++
	}
	return g
}

// within numbers the crossings of groups and labels that occur, group by group, and
// gives the group of each.
func within(group []int32, groups int, l labels, rows int) (code, of []int32) {
	p := newPairs(groups, len(l.name), rows)
	code = make([]int32, rows)
	for i, g := range group {
		code[i] = p.code(g, l.at(i))
	}
	order := count32(len(p.keys))
	slices.SortStableFunc(order, func(a, b int32) int {
		x, _ := p.split(p.keys[a])
		y, _ := p.split(p.keys[b])
		return int(x - y)
	})
	place := make([]int32, len(order))
	of = make([]int32, len(order))
	for k, i := range order {
		place[i] = int32(k)
		of[k], _ = p.split(p.keys[i])
	}
	for i, k := range code {
		code[i] = place[k]
	}
	return code, of
}

// eachRow numbers the rows group by group.
func eachRow(group []int32, groups int) (code, of []int32) {
	next := make([]int32, groups+1)
	for _, g := range group {
		next[g+1]++
	}
	for g := range groups {
		next[g+1] += next[g]
	}
	code, of = make([]int32, len(group)), make([]int32, len(group))
	for i, g := range group {
		code[i] = next[g]
		of[next[g]] = g
		next[g]++
	}
	return code, of
}

// inOneStratum checks that no label of a unit is in two strata.
func inOneStratum(psus []PSU) error {
	stratum := make(map[string]string, len(psus))
	for _, p := range psus {
		if h, known := stratum[p.Name]; known {
			return fmt.Errorf("PSU %q is in stratum %q and in stratum %q, but labels are said to be unique; correct it, or leave Columns.UniqueUnits false", p.Name, h, p.Stratum)
		}
		stratum[p.Name] = p.Stratum
	}
	return nil
}
