package disclosure

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// joint is a reader who knows more than sums of cells: that all tables come from one set
// of people. The unknowns are the people of every crossing of all dimensions, whether a
// table shows it or not; what is known is every shown cell.
type joint struct {
	part   part
	values [][]float64   // of each layer
	place  map[int32]int // of the sensitive cells
}

func newJoint(w world, r *Result, people []person) joint {
	j := joint{place: map[int32]int{}, values: make([][]float64, len(r.l.measures[0].layers))}
	crossing, of := map[string]int{}, map[int32]map[int]bool{}
	add := func() int {
		for k := range j.values {
			j.values[k] = append(j.values[k], 0)
		}
		j.part.cells = append(j.part.cells, int32(len(j.part.cells)))
		return len(j.part.cells) - 1
	}
	sizes := 1
	for _, d := range w.dimensions {
		sizes *= len(d.Classes)
	}
	for n := range sizes {
		p, rest := person{}, n
		for _, d := range w.dimensions {
			p.class = append(p.class, rest%len(d.Classes))
			rest /= len(d.Classes)
		}
		at := add()
		crossing[fmt.Sprint(p.class)] = at
		for i := range r.l.cells {
			if r.l.holdsPerson(int32(i), p) {
				if of[int32(i)] == nil {
					of[int32(i)] = map[int]bool{}
				}
				of[int32(i)][at] = true
			}
		}
	}
	for _, p := range people {
		at := crossing[fmt.Sprint(p.class)]
		if len(j.values) == 1 {
			j.values[0][at]++
		}
		for k, yes := range p.yes {
			j.values[2*k+1-b2i(yes)][at]++
		}
	}
	for i, sensitive := range r.sensitive() {
		var row []term
		for _, at := range sortedKeys(of[int32(i)]) {
			row = append(row, term{at, 1})
		}
		if r.hidden[i] {
			if !sensitive {
				continue
			}
			at := add()
			j.place[int32(i)] = at
			for k, v := range r.l.measures[0].layers {
				j.values[k][at] = v[i]
			}
			row = append(row, term{at, -1})
		}
		j.part.rows = append(j.part.rows, row)
	}
	return j
}

func sortedKeys(set map[int]bool) []int {
	var list []int
	for i := range len(set) + 1<<14 {
		if set[i] {
			list = append(list, i)
		}
	}
	return list
}

// holdsPerson reports whether somebody is in a cell.
func (l *linked) holdsPerson(i int32, p person) bool {
	for at, k := range l.tables[l.tableOf[i]].axes {
		in := false
		for _, c := range l.axes[k].in[p.class[l.axes[k].base]] {
			in = in || c == l.classOf[i][at]
		}
		if !in {
			return false
		}
	}
	return true
}

// A reader who reckons with people can know more than one who solves the sums of what
// is printed. It is counted how much more: nothing exactly.
func TestReadersWhoReckonWithPeople(t *testing.T) {
	needs, closer, exact, alone := 0, 0, 0, 0
	for seed := range max(1, *publications/4) {
		for _, at := range []int{1, 2, 4, 5, 6} {
			w := worlds[at]
			people := w.draw(rand.New(rand.NewPCG(uint64(seed), 31)))
			r, err := Protect(w.publish(people), DefaultRules())
			if err != nil {
				t.Fatal(err)
			}
			n, c, e := reckon(w, r, people)
			needs, closer, exact = needs+n, closer+c, exact+e
			if seed == 0 {
				_, _, e = reckon(w, primary(r.l, DefaultRules()), people)
				alone += e
			}
		}
	}
	t.Logf("%d needs, %d known more closely than wanted, %d cells found; %d where the sensitive ones are hidden alone", needs, closer, exact, alone)
	if closer+exact > 0 {
		t.Errorf("%d cells are found, %d needs not met", exact, closer)
	}
	if alone == 0 {
		t.Error("the attack finds nothing where it should")
	}
}

// reckon tries to find the sensitive cells.
func reckon(w world, r *Result, people []person) (needs, closer, exact int) {
	j := newJoint(w, r, people)
	b := bounds{r: r, part: j.part, made: map[[2]int]*programme{}}
	for k, v := range j.values {
		b.made[[2]int{0, k}] = newProgramme(j.part, v)
	}
	sensitive := r.sensitive()
	for c, place := range j.place {
		moved := 0.0
		for _, n := range r.rules.needs(r.l, int(c), sensitive) {
			if n.measure > 0 {
				continue
			}
			reach := b.reach(place, n)
			needs++
			if n.layer < 0 {
				moved += reach
			}
			if reach < n.amount-1e-3 && !narrowed(r, c, n) {
				closer++
			}
		}
		if moved < 1e-3 {
			exact++
		}
	}
	return needs, closer, exact
}

func narrowed(r *Result, c int32, n need) bool {
	for _, w := range r.Narrow {
		if w.Upward == (n.direction > 0) && w.Outcome == n.layer && maps.Equal(w.Key, r.l.cells[c].Key) {
			return true
		}
	}
	return false
}
