package analysis

import (
	"encoding/binary"
	"slices"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
	"gonum.org/v1/gonum/mat"
)

// A person is somebody of a frame: where they stand and what their row is.
type person struct {
	psu, leaf, place int
	pattern          int32
	unit             int // of frame.units
}

// totals is the design's covariance of the total of a·s over people. add adds the scores
// s of somebody, times the weight, to a row; it is called from several goroutines, for
// the people of one PSU from one and in their order. The scores are multiplied by a,
// the inverse information, before anything is squared, so that columns with little
// information of their own lose no digits.
func (f *frame) totals(a *mat.SymDense, add func(at person, row []float64)) (*mat.SymDense, facts, error) {
	k := a.SymmetricDim()
	if f.design.needsPeople() {
		z := newTable[float64](k, len(f.code))
		f.eachPerson(2*k, func(at person, room []float64) {
			row := room[:k]
			clear(row)
			add(at, row)
			turn(row, room[k:], a)
			for j := range z {
				z[j][at.place] = row[j]
			}
		})
		return f.design.covariance(z, f.seen)
	}
	sums := newGrid(f.design.layout.leaves(), k)
	f.eachPerson(0, func(at person, _ []float64) { add(at, sums.row(at.leaf)) })
	return f.turned(sums, a)
}

// turned is the design's covariance of the total of a·s, from the sums of s by leaf.
func (f *frame) turned(sums grid, a *mat.SymDense) (*mat.SymDense, facts, error) {
	const block = 256
	parallel.Blocks(sums.rows, block, func(_, from, to int) {
		room := make([]float64, sums.columns)
		for i := from; i < to; i++ {
			turn(sums.row(i), room, a)
		}
	})
	return f.design.layout.covariance(sums.leafSums(), f.seen, f.settings)
}

// halves cut the columns of each pattern in two. A pattern is then a pair of halves, of
// which there are few: the score of a person is added to two sums in place of one for
// each column, and a leaf's sums by half become those by column when it is complete.
type halves struct {
	first, second []int32   // of each pattern
	lists         [][]int32 // columns of each half
}

// newHalves cuts at the middle one of k columns; active has one slope.
func newHalves(active [][][]int32, k int) halves {
	h := halves{first: make([]int32, len(active)), second: make([]int32, len(active))}
	known := make(map[string]int32)
	number := func(list []int32, side byte) int32 {
		key := make([]byte, 1, 1+4*len(list))
		key[0] = side
		for _, j := range list {
			key = binary.LittleEndian.AppendUint32(key, uint32(j))
		}
		n, seen := known[string(key)]
		if !seen {
			n = int32(len(h.lists))
			known[string(key)] = n
			h.lists = append(h.lists, list)
		}
		return n
	}
	for p, slopes := range active {
		list := slopes[0]
		cut, _ := slices.BinarySearch(list, int32(k/2))
		h.first[p], h.second[p] = number(list[:cut], 0), number(list[cut:], 1)
	}
	return h
}

// collect adds sums by half to those by column, and clears them.
func (h *halves) collect(sums, columns []float64) {
	for i, x := range sums {
		if x != 0 {
			for _, j := range h.lists[i] {
				columns[j] += x
			}
			sums[i] = 0
		}
	}
}

// needsPeople says whether a variance needs more than the sums of leaves: the residuals
// on the margins of raked weights are those of people.
func (d *Design) needsPeople() bool { return d.regression != nil }

// eachPerson visits the people of the frame, PSUs in parallel. room has so many numbers
// for the visitor to use.
func (f *frame) eachPerson(size int, visit func(at person, room []float64)) {
	d := f.design
	first := make([]int, len(d.psus)+1) // person of each PSU
	for psu, n := range f.seen {
		first[psu+1] = first[psu] + n
	}
	const block = 16
	parallel.Blocks(len(d.psus), block, func(_, from, to int) {
		room := make([]float64, size)
		for psu := from; psu < to; psu++ {
			leaf, _ := slices.BinarySearch(d.leaf, d.start[psu])
			next := first[psu]
			for place := d.start[psu]; place < d.start[psu+1]; place++ {
				p := f.code[place]
				if p < 0 {
					continue
				}
				for d.leaf[leaf+1] <= place {
					leaf++
				}
				at := person{psu, leaf, place, p, int(p)}
				if f.units.people {
					at.unit = next
					next++
				}
				visit(at, room)
			}
		}
	})
}

// turn is row ← a·row, with room for one row.
func turn(row, room []float64, a *mat.SymDense) {
	copy(room, row)
	raw := a.RawSymmetric()
	for i := range row {
		var sum float64
		for j := range i {
			sum += raw.Data[j*raw.Stride+i] * room[j]
		}
		for j := i; j < len(row); j++ {
			sum += raw.Data[i*raw.Stride+j] * room[j]
		}
		row[i] = sum
	}
}
