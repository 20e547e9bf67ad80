package clickhouse

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// cellsQuery is a query for several cubes.
type cellsQuery struct {
	*reading
	variables []variable
	cubes     []cubeOf
	// joined are the cubes that people are added to, and from says of which of them each cube
	// is made.
	joined []cubeOf
	from   []int
	// verdicts are the binary variables of the score; wanted has the bits of the scored items
	// that are variables, and itemPlaces where these are.
	verdicts   []int
	wanted     []uint64
	itemPlaces []int
	// holding has the bits of words that say that a base holds, and holds which base that is.
	holding []uint64
	holds   []int
}

// cubeOf says what a cube sums, by places among the factors and the variables of a query.
type cubeOf struct {
	factors   []int
	places    []field // of the levels, in words
	words     int
	variables []int
}

// newCellsQuery prepares the cubes of a query. It is an error, surveys.ErrInvalid, when a cube
// names a factor or a variable that there is not.
func newCellsQuery(q assess.Query, cubes []assess.Cube) (*cellsQuery, error) {
	for _, cube := range cubes {
		q.Items = q.Items || len(cube.Variables) > 0
	}
	q.Factors = slices.DeleteFunc(slices.Clone(q.Factors), func(f assess.Factor) bool {
		return !slices.ContainsFunc(cubes, func(c assess.Cube) bool { return slices.Contains(c.Factors, f.ID) })
	})
	r, err := newReading(q)
	if err != nil {
		return nil, err
	}
	c := &cellsQuery{reading: r}
	if err := c.choose(cubes); err != nil {
		return nil, err
	}
	for i := range c.variables {
		v := &c.variables[i]
		switch v.place = i; {
		case v.share:
			if v.base, err = c.share(q.Shares[v.index], i); err != nil {
				return nil, err
			}
		case v.kind == ofItem:
			for _, k := range q.Questionnaire.Item(c.words.items[v.index]).Key {
				c.makeOne(code(c.words.items[v.index], true, k), i)
			}
		}
	}
	if err := c.finish(); err != nil {
		return nil, err
	}
	c.place()
	c.join()
	return c, nil
}

// choose keeps the variables that any cube has, and says which these are.
func (c *cellsQuery) choose(cubes []assess.Cube) error {
	all := c.reading.variables()
	placeOf := map[string]int{}
	for _, cube := range cubes {
		var factors, variables []int
		for _, id := range cube.Factors {
			f := slices.IndexFunc(c.query.Factors, func(f assess.Factor) bool { return f.ID == id })
			if f < 0 {
				return fmt.Errorf("%w: there is no factor %q", surveys.ErrInvalid, id)
			}
			factors = append(factors, f)
		}
		names := cube.Variables
		if len(names) == 0 {
			for _, v := range all {
				names = append(names, v.name)
			}
		}
		for _, name := range names {
			place, there := placeOf[name]
			if !there {
				i := slices.IndexFunc(all, func(v variable) bool { return v.name == name })
				if i < 0 {
					return fmt.Errorf("%w: there is no variable %q; see the dimensions, levels and items of the questionnaire", surveys.ErrInvalid, name)
				}
				place = len(c.variables)
				placeOf[name], c.variables = place, append(c.variables, all[i])
			}
			variables = append(variables, place)
		}
		c.cubes = append(c.cubes, c.cubeBy(factors, variables))
	}
	return nil
}

// mostTogether is how many cells a cube may have for one of each cube that is made of it.
const mostTogether = 64

// join lets cubes of the same variables be summed as one by the factors of all of them, unless it
// has very many more cells: what a person is added to once costs once. Cubes of answers stand
// alone, for their cells are large.
func (c *cellsQuery) join() {
	var members [][]cubeOf
	for _, of := range c.cubes {
		at := slices.IndexFunc(members, func(m []cubeOf) bool {
			all := c.union(append(slices.Clone(m), of))
			return slices.Equal(m[0].variables, of.variables) && !c.hasAnswers(of) &&
				!slices.ContainsFunc(append(slices.Clone(m), of), func(one cubeOf) bool { return c.cellsFor(one, all) > mostTogether })
		})
		if at < 0 {
			at, members = len(members), append(members, nil)
		}
		members[at], c.from = append(members[at], of), append(c.from, at)
	}
	for _, m := range members {
		c.joined = append(c.joined, c.cubeBy(c.union(m), m[0].variables))
	}
}

// union are the factors of cubes.
func (c *cellsQuery) union(cubes []cubeOf) (factors []int) {
	for _, of := range cubes {
		for _, f := range of.factors {
			if !slices.Contains(factors, f) {
				factors = append(factors, f)
			}
		}
	}
	return factors
}

// cellsFor is how many cells there are with further factors for one of a cube, if not too many.
func (c *cellsQuery) cellsFor(of cubeOf, factors []int) int {
	cells := 1
	for _, f := range factors {
		if !slices.Contains(of.factors, f) && cells <= mostTogether {
			cells *= len(c.query.Factors[f].Levels) + 1
		}
	}
	return cells
}

// hasAnswers says whether a cube has variables of answers.
func (c *cellsQuery) hasAnswers(of cubeOf) bool {
	return slices.ContainsFunc(of.variables, func(v int) bool { return c.variables[v].share || c.variables[v].kind == ofItem })
}

// cubeBy is a cube by some factors.
func (c *cellsQuery) cubeBy(factors, variables []int) cubeOf {
	of := cubeOf{factors: factors, variables: variables}
	var by []assess.Factor
	for _, f := range factors {
		by = append(by, c.query.Factors[f])
	}
	of.places, of.words = packing(by)
	return of
}

// packing is how levels lie in words of 64 bits: each one level more, so that missing is
// 0, the first factor in the highest bits. It returns the number of words too.
func packing(factors []assess.Factor) (places []field, words int) {
	left := 0
	for _, f := range factors {
		size := bits.Len(uint(len(f.Levels)))
		if size > left {
			words, left = words+1, wordBits
		}
		left -= size
		places = append(places, field{words - 1, left, size})
	}
	return places, words
}

// place notes where the variables are that have no question of their own, and what says that
// bases hold.
func (c *cellsQuery) place() {
	c.wanted, c.itemPlaces = make([]uint64, c.words.right()), make([]int, len(c.words.items))
	for i, v := range c.variables {
		switch v.kind {
		case ofLiteracy, ofLevel:
			c.verdicts = append(c.verdicts, i)
		case ofItem:
			c.wanted[v.index/wordBits] |= 1 << (v.index % wordBits)
			c.itemPlaces[v.index] = i
		}
	}
	c.holding, c.holds = make([]uint64, len(c.words.list)), make([]int, len(c.words.list)*wordBits)
	for _, h := range c.held {
		c.holding[h.field.word] |= 1 << h.field.shift
		c.holds[h.field.word*wordBits+h.field.shift] = h.base
	}
}

// scale gives every sum its scale.
func (c *cellsQuery) scale(w ranges) scales {
	of := func(in extent) scale { return scaleOf(in, w.cases) }
	for i := range c.variables {
		v := &c.variables[i]
		v.sum = counting(w.given, w.cases)
		if !v.binary {
			v.sum = of(w.given.times(v.positive))
			v.squares = of(w.given.times(v.positive).times(v.positive))
		}
	}
	return scales{counting(w.given, w.cases), of(w.given.times(w.given)), of(w.base)}
}

// tally sums people into cubes. Each worker has the PSUs of a range for itself.
type tally struct {
	query   *cellsQuery
	sample  *caseTable
	scales  scales
	units   int
	workers []*worker
	people  portionOf
	// responded counts the drawn cases with an interview that counts.
	responded atomic.Int64
	// looked is made of what was looked at ahead. It means nothing, but it must be kept, or the
	// compiler would leave the looking out.
	looked atomic.Uint64
}

// worker sums the people of the PSUs from ≤ unit < to.
type worker struct {
	from, to int32
	person   *respondent
	cubes    []*cube
	looked   uint64
}

// portionOf is where the answers of some people are, one after the other, and what is known of
// their cases, with the PSU of each, -1 of who does not count.
type portionOf struct {
	chunks  []chunk
	answers []answersAt
	cases   []uint64
	units   []int32
	order   []int32 // those who count, by PSU
	begin   []int32 // where each PSU begins in order
}

// answersAt is where the answers of a person are: in a chunk, those from ≤ i < to of all.
type answersAt struct{ chunk, person, from, to uint32 }

// sum reads all responses and sums them. The sample is read while the first ones are.
func (s *Store) sum(ctx context.Context, c *cellsQuery, d design) (*tally, error) {
	group, ctx := errgroup.WithContext(ctx)
	sampled := make(chan *tally, 1)
	group.Go(func() error {
		sample, err := s.caseTable(ctx, c.query, d)
		if err != nil {
			return err
		}
		return guarded(func() { sampled <- c.newTally(sample, d) })
	})
	var t *tally
	wait := func() error {
		if t != nil {
			return nil
		}
		select {
		case t = <-sampled:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	group.Go(func() error {
		err := s.people(ctx, c.reading, d.on.args, func(shot snapshot, chunks []chunk) error {
			if err := wait(); err != nil {
				return err
			}
			return t.add(shot, chunks)
		})
		if err != nil {
			return err
		}
		return wait() // nobody may have responded
	})
	err := group.Wait()
	return t, err
}

// newTally divides the PSUs among as many workers as there are processors, so that each has
// about as many cases.
func (c *cellsQuery) newTally(sample *caseTable, d design) *tally {
	t := &tally{query: c, sample: sample, scales: c.scale(d.ranges), units: len(d.units)}
	perUnit := make([]int, len(d.units))
	for place := range sample.len() {
		perUnit[sample.at(place).unit()]++
	}
	n := max(1, min(runtime.GOMAXPROCS(0), len(d.units)))
	unit, before := 0, 0
	for i := range n {
		w := &worker{from: int32(unit), person: c.newRespondent(t.scales)}
		for ; unit < len(perUnit) && (i == n-1 || before*n < (i+1)*sample.len()); unit++ {
			before += perUnit[unit]
		}
		w.to = int32(unit)
		for _, of := range c.joined {
			w.cubes = append(w.cubes, c.newCube(of, t.scales, w.from, w.to))
		}
		t.workers = append(t.workers, w)
	}
	return t
}

// add takes a portion of the people: their cases are found, they are put in the order of the
// PSUs, so that what each is added to stays near the processor, and then they are added.
func (t *tally) add(shot snapshot, chunks []chunk) error {
	t.people.clear(t.sample.width, chunks)
	var each errgroup.Group
	each.SetLimit(len(t.workers))
	first := 0
	for i := range chunks {
		from := first
		each.Go(func() error { return guarded(func() { t.find(shot, i, from) }) })
		first += chunks[i].people
	}
	if err := each.Wait(); err != nil {
		return err
	}
	t.people.sort(t.units)
	for _, w := range t.workers {
		each.Go(func() error {
			return guarded(func() { t.sum(w) })
		})
	}
	return each.Wait()
}

// guarded makes an error of a panic: a report is not worth the program, which takes interviews.
func guarded(do func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a fault of the program while it summed interviews: %v", p)
		}
	}()
	do()
	return nil
}

// clear makes room for the people of chunks.
func (p *portionOf) clear(width int, chunks []chunk) {
	n := 0
	for i := range chunks {
		n += chunks[i].people
	}
	p.chunks, p.answers, p.cases, p.units = chunks, room(p.answers, n), room(p.cases, n*width), room(p.units, n)
}

// room is that of an earlier list if it is enough for so many, with anything in it.
func room[T any](of []T, n int) []T { return slices.Grow(of[:0], n)[:n] }

// zeros are so many, in the room of an earlier list if that is enough.
func zeros[T any](of []T, n int) []T {
	of = room(of, n)
	clear(of)
	return of
}

// find finds the cases of a chunk, whose people have places from the first one on.
func (t *tally) find(shot snapshot, number, first int) {
	p, c := &t.people, &t.people.chunks[number]
	places := make([]int32, c.people)
	looked := t.sample.findAll(c.cases, func(i, place int) {
		places[i], p.units[first+i] = int32(place), -1
		if place >= 0 {
			copy(p.cases[(first+i)*t.sample.width:], t.sample.at(place))
		}
	})
	responded := int64(0)
	c.each(shot, func(i int, from, to uint32) {
		if places[i] < 0 {
			return
		}
		n := first + i
		of := sampled(p.cases[n*t.sample.width : (n+1)*t.sample.width])
		if !of.counts() {
			return
		}
		if of.drawn() {
			responded++
		}
		if of.weight() == 0 {
			return // it has none in the set asked for
		}
		p.units[n], p.answers[n] = of.unit(), answersAt{uint32(number), uint32(i), from, to}
	})
	t.responded.Add(responded)
	t.looked.Add(looked)
}

// sort puts those who count in the order of their PSUs.
func (p *portionOf) sort(n int) {
	p.begin = zeros(p.begin, n+1)
	for _, unit := range p.units {
		if unit >= 0 {
			p.begin[unit+1]++
		}
	}
	for unit := range n {
		p.begin[unit+1] += p.begin[unit]
	}
	p.order = zeros(p.order, int(p.begin[n]))
	next := slices.Clone(p.begin)
	for i, unit := range p.units {
		if unit >= 0 {
			p.order[next[unit]] = int32(i)
			next[unit]++
		}
	}
}

// sum adds the people of the PSUs of a worker.
func (t *tally) sum(w *worker) {
	for unit := w.from; unit < w.to; unit++ {
		people := t.people.order[t.people.begin[unit]:t.people.begin[unit+1]]
		if len(people) == 0 {
			continue
		}
		for _, k := range w.cubes {
			k.enter(unit)
		}
		for group := range slices.Chunk(people, ahead) {
			t.lookAhead(w, group)
			for _, n := range group {
				t.take(w.person, n)
				for _, k := range w.cubes {
					k.add(w.person, n)
				}
			}
		}
		for _, k := range w.cubes {
			k.addAnswers(func(place int32) ([]uint16, []uint64) {
				t.scales.w.split(t.caseOf(place).weight(), w.person.w)
				return t.given(place), w.person.w
			})
			k.leave()
		}
	}
}

// lookAhead looks at what is known of some people of the portion.
func (t *tally) lookAhead(w *worker, people []int32) {
	for _, n := range people {
		of := t.caseOf(n)
		w.looked += uint64(t.people.answers[n].chunk) + of[0] + of[len(of)-1]
	}
	for _, n := range people {
		given := t.given(n)
		for i := 0; i < len(given); i += 32 { // 64 bytes
			w.looked += uint64(given[i])
		}
		at := t.people.answers[n]
		for _, column := range t.people.chunks[at.chunk].values {
			w.looked += math.Float64bits(column[at.person])
		}
	}
}

// given are the numbers of the answers of a person of the portion.
func (t *tally) given(place int32) []uint16 {
	at := t.people.answers[place]
	return t.people.chunks[at.chunk].given[at.from:at.to]
}

// caseOf is the case of a person of the portion.
func (t *tally) caseOf(place int32) sampled {
	return sampled(t.people.cases[int(place)*t.sample.width : int(place+1)*t.sample.width])
}

// take fills a person with one of the portion.
func (t *tally) take(p *respondent, place int32) {
	at, of := t.people.answers[place], t.caseOf(place)
	for k, column := range t.people.chunks[at.chunk].values {
		p.numbers[k] = column[at.person]
	}
	t.query.read(&p.person, t.given(place))
	p.weigh(t.scales, of.weight(), of.base())
	t.query.fill(p)
	t.query.classify(&p.person, t.sample, of, p.levels)
}

// rows are the cells of each cube, by PSU and levels.
func (t *tally) rows() ([][]analysis.Cell, error) {
	byWorker := make([][][]analysis.Cell, len(t.workers))
	var each errgroup.Group
	for i, w := range t.workers {
		each.Go(func() error {
			return guarded(func() { byWorker[i] = t.rowsOf(w) })
		})
	}
	if err := each.Wait(); err != nil {
		return nil, err
	}
	rows := make([][]analysis.Cell, len(t.query.cubes))
	for _, of := range byWorker { // their PSUs follow each other
		for k := range rows {
			rows[k] = append(rows[k], of[k]...)
		}
	}
	return rows, nil
}

// rowsOf are the cells of each cube in the PSUs of a worker.
func (t *tally) rowsOf(w *worker) (rows [][]analysis.Cell) {
	for n, of := range t.query.cubes {
		k := w.cubes[t.query.from[n]]
		if !slices.Equal(k.factors, of.factors) {
			k = t.rollUp(k, of, w)
		}
		rows = append(rows, k.rows())
	}
	return rows
}

// rollUp makes a cube of one that has more factors.
func (t *tally) rollUp(from *cube, of cubeOf, w *worker) *cube {
	k := t.query.newCube(of, t.scales, w.from, w.to)
	levels := w.person.levels
	for i, u := range from.units {
		if u == nil {
			continue
		}
		k.enter(w.from + int32(i))
		for n, block := range u.blocks {
			for f, p := range from.places {
				levels[from.factors[f]] = int32(p.of(u.keys[n*from.words:(n+1)*from.words])) - 1
			}
			cell := k.cell(levels, w.person.key)
			k.merge(k.unit.blocks[cell], block)
			if n < len(u.absent) && u.absent[n] != nil {
				k.mergeAbsent(cell, u.absent[n])
			}
		}
		k.leave()
	}
	return k
}
