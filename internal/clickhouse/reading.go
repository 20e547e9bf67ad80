package clickhouse

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

// reading is how the answers of people are read: what the engine sends of them, and what
// that means. Add all factors and variables to it, then finish it.
type reading struct {
	query  assess.Query
	scorer *score.Scorer
	words  words
	// levels find the levels of the factors of the query; nil of those that the sample has.
	levels []leveler
	// ones are the variables that an answer makes 1, of those with a score if they are shares.
	ones map[answerCode][]int
	// questions are the unscored ones whose answers mean something together. bases are the
	// names of the conditions under which people have a value of variables of unscored
	// questions, and held are those that a single answer decides.
	questions []*question
	bases     []string
	held      []heldBase

	codes   []answerCode       // by their numbers, from 1
	keys    int                // the number of the first scored item, as one that was asked
	adds    [][fewWords]uint64 // what each number adds to the first words
	further [][]uint64         // and to those after them; nil if there are none
	points  int                // how many dimensions there are
	// byCode and byChoice have the numbers of the codes by what they are in the store.
	byCode, byChoice map[uint64]codeNumber
}

// fewWords are so many words that the processor keeps them at hand while it adds to all of them.
const fewWords = 4

// newReading reads for the score and the factors of a query.
func newReading(q assess.Query) (*reading, error) {
	scorer, err := score.New(q.Questionnaire)
	if err != nil {
		return nil, err
	}
	r := &reading{query: q, scorer: scorer, points: len(q.Questionnaire.Criterion.Dimensions)}
	r.words.score(scorer, q.Questionnaire)
	for _, f := range q.Factors {
		var l leveler
		switch {
		case f.Sample != "":
		case f.ByScore:
			l = levelByScore
		case f.Answer != "":
			l = r.words.level(f)
		default:
			if l, err = r.words.conditional(f, q.Questionnaire); err != nil {
				return nil, err
			}
		}
		r.levels = append(r.levels, l)
	}
	return r, nil
}

// levelByScore is 0 for those who reach the criterion and 1 for those who do not.
func levelByScore(p *person) int {
	switch {
	case !p.scored():
		return -1
	case p.literate:
		return 0
	}
	return 1
}

// finish numbers the codes. It is an error, surveys.ErrInvalid, when there are more of them than
// numbers of two bytes.
func (r *reading) finish() error {
	r.codes = r.words.all()
	r.keys = len(r.codes) + 1
	if last := r.keys + len(r.words.items) + 1; last > math.MaxUint16 {
		return fmt.Errorf("%w: the plan looks at %d different answers, and only %d can be told apart; leave out the factor or topic of the longest list", surveys.ErrInvalid, last, math.MaxUint16)
	}
	r.adds = make([][fewWords]uint64, r.keys)
	if len(r.words.list) > fewWords {
		r.further = make([][]uint64, r.keys)
	}
	for i, c := range r.codes {
		for w, word := range r.words.list {
			switch add := word.adds[c]; {
			case w < fewWords:
				r.adds[i+1][w] = add
			default:
				r.further[i+1] = append(r.further[i+1], add)
			}
		}
	}
	return nil
}

// know asks for what the codes are in the store.
func (s *Store) know(ctx context.Context, r *reading) error {
	hashes, err := s.hashes(ctx, slices.Concat(r.codes, r.words.listed))
	if err != nil {
		return err
	}
	r.byCode, r.byChoice = map[uint64]codeNumber{}, map[uint64]codeNumber{}
	for i, c := range r.codes {
		by := r.byCode
		if c.kind == anyOfSeveral {
			by = r.byChoice
		}
		if by[hashes[c]] == 0 {
			by[hashes[c]] = codeNumber(i + 1)
		}
	}
	for _, c := range r.words.listed {
		r.byCode[hashes[c]] |= listedAnswer
	}
	return nil
}

// codeNumber is the number of a code, 0 of one that adds nothing, with a bit for the answers to
// scored items that their questionnaire lists.
type codeNumber uint32

const listedAnswer codeNumber = 1 << 16

// answerColumns are columns with the answers of people: the codes of each, those of the choices
// of several, which items there is an answer to, and numbers that were given. Texts are their
// expressions.
type answerColumns struct {
	reading              *reading
	codes, choices, keys *lowLists // nil if nothing looks at them
	values               []*proto.ColFloat64

	results proto.Results
	texts   []string
}

// answerColumns are those that are looked at.
func (r *reading) answerColumns() *answerColumns {
	a := &answerColumns{reading: r, codes: lowListsOf(new(proto.ColUInt64))}
	a.add("codes", "codes", a.codes)
	if slices.ContainsFunc(r.codes, func(c answerCode) bool { return c.kind == anyOfSeveral }) {
		a.choices = lowListsOf(new(proto.ColUInt64))
		a.add("choices", "choices", a.choices)
	}
	if r.words.asked {
		a.keys = lowListsOf(new(proto.ColStr))
		a.add("keys", "answers.keys", a.keys)
	}
	for i, item := range r.words.numbers {
		column := new(proto.ColFloat64)
		a.values = append(a.values, column)
		a.add(fmt.Sprintf("x%d", i), fmt.Sprintf("if(mapContains(numbers, %[1]s), numbers[%[1]s], nan)", score.Quote(item)), column)
	}
	return a
}

func (a *answerColumns) add(name, expression string, column proto.ColResult) {
	a.results = append(a.results, proto.ResultColumn{Name: name, Data: column})
	if name != expression {
		expression += " AS " + name
	}
	a.texts = append(a.texts, expression)
}

// take takes the answers away: the numbers of the codes that add something and, unless there is
// a listed answer to each scored item, a number that says so and those of the items that were
// asked.
func (a *answerColumns) take(c *chunk) error {
	r := a.reading
	codes, size := a.codes.numbered(r.byCode), a.codes.values.Rows()
	var choices, keys []codeNumber
	if a.choices != nil {
		choices = a.choices.numbered(r.byChoice)
		size += a.choices.values.Rows()
	}
	if a.keys != nil {
		keys = r.itemNumbers(a.keys)
		size += a.keys.values.Rows() + c.people
	}
	if size > math.MaxUint32 {
		return fmt.Errorf("%w: the interviews of a block have more than %d answers; set max_block_size of ClickHouse to a tenth", surveys.ErrTooLarge, math.MaxUint32)
	}
	c.given, c.ends = room(c.given, size), room(c.ends, c.people)
	n := 0
	var from, fromChoice, fromKey uint64
	for i := range c.people {
		end, listed := a.codes.put(c.given[n:], from, a.codes.ends[i], codes)
		n, from = n+end, a.codes.ends[i]
		if choices != nil {
			end, _ = a.choices.put(c.given[n:], fromChoice, a.choices.ends[i], choices)
			n, fromChoice = n+end, a.choices.ends[i]
		}
		if keys != nil {
			if listed != len(r.words.items) {
				c.given[n] = uint16(r.someAsked())
				end, _ = a.keys.put(c.given[n+1:], fromKey, a.keys.ends[i], keys)
				n += 1 + end
			}
			fromKey = a.keys.ends[i]
		}
		c.ends[i] = uint32(n)
	}
	c.values = slices.Grow(c.values, len(a.values))[:len(a.values)]
	for i, column := range a.values {
		*column, c.values[i] = c.values[i][:0], *column
	}
	return nil
}

// someAsked is the number that says that maybe not all scored items were asked; those of the
// items come before.
func (r *reading) someAsked() int { return r.keys + len(r.words.items) }

// itemNumbers are the numbers of items, as those that were asked, 0 for those that are not
// scored.
func (r *reading) itemNumbers(l *lowLists) []codeNumber {
	numbers := l.noNumbers()
	names := l.values.Index.(*proto.ColStr)
	for i := range names.Rows() {
		if item := slices.Index(r.words.items, names.Row(i)); item >= 0 {
			numbers[i] = codeNumber(r.keys + item)
		}
	}
	return numbers
}

// person is one person's answers, as they were read.
type person struct {
	words, asked []uint64
	numbers      []float64
	// total is the score, NaN without one, points those of the dimensions.
	total    float64
	points   []float64
	literate bool
	// remembered are the levels found for the answers of others, by the conditional factor.
	remembered []levelMemory
}

func (p *person) scored() bool { return !math.IsNaN(p.total) }

// newPerson is somebody whom answers can be read into.
func (r *reading) newPerson() *person {
	p := &person{
		words: make([]uint64, len(r.words.list)), numbers: make([]float64, len(r.words.numbers)), points: make([]float64, r.points),
		remembered: make([]levelMemory, r.words.remembered),
	}
	if n := r.askedWords(); n > 0 {
		p.asked = make([]uint64, n)
	}
	return p
}

// askedWords is how many words say which scored items were asked.
func (r *reading) askedWords() int { return bit(r.words.asked) * r.words.right() }

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// read makes the words of a person of the numbers of the answers.
func (r *reading) read(p *person, given []uint16) {
	all := uint64(math.MaxUint64) // asked
	clear(p.asked)
	var m0, m1, m2, m3 uint64 // written out, for words in memory are slower
	for _, n := range given {
		if int(n) >= len(r.adds) {
			if item := int(n) - r.keys; item < len(r.words.items) {
				p.asked[item/wordBits] |= 1 << (item % wordBits)
			}
			all = 0
			continue
		}
		a := &r.adds[n]
		m0, m1, m2, m3 = m0+a[0], m1+a[1], m2+a[2], m3+a[3]
	}
	copy(p.words, []uint64{m0, m1, m2, m3})
	if r.further != nil {
		r.readFurther(given, p.words[fewWords:])
	}
	for i := range p.asked {
		p.asked[i] |= all
	}
}

// readFurther makes the words after the first few.
func (r *reading) readFurther(given []uint16, words []uint64) {
	clear(words)
	for _, n := range given {
		if int(n) < r.keys {
			for w, add := range r.further[n] {
				words[w] += add
			}
		}
	}
}

// score scores somebody whose words were read.
func (r *reading) score(p *person) {
	p.total = r.scorer.Marked(p.words, p.asked, p.points)
	c := r.query.Questionnaire.Criterion
	p.literate = c.Reaches(p.total, c.Cut)
}
