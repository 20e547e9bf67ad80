package clickhouse

import (
	"fmt"
	"math"
	"strconv"
	"strings"

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
	if last := r.keys + len(r.words.items); last > math.MaxUint16 {
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

// numbersOf is the expression for the numbers of the answers: an array of those of the codes
// that are looked at, 0 for others, and of the items that were asked unless all were. Before
// them stands the end of the hash of the case.
func (r *reading) numbersOf(hashes map[answerCode]uint64) string {
	codes, choices := r.codes, []answerCode(nil)
	for i, c := range r.codes {
		if c.kind == anyOfSeveral {
			codes, choices = r.codes[:i], r.codes[i:]
			break
		}
	}
	translated := func(column string, list []answerCode, from int) string {
		known, numbers := make([]string, len(list)), make([]string, len(list))
		for i, c := range list {
			known[i], numbers[i] = strconv.FormatUint(hashes[c], 10), strconv.Itoa(from+i)
		}
		return fmt.Sprintf("arrayMap(c -> transform(c, CAST([%s], 'Array(UInt64)'), CAST([%s], 'Array(UInt16)'), toUInt16(0)), %s)",
			strings.Join(known, ", "), strings.Join(numbers, ", "), column)
	}
	arrays := []string{"[toUInt16(cityHash64(case_id))]", translated("codes", codes, 1)} // the scored items are among these
	if len(choices) > 0 {
		arrays = append(arrays, translated("choices", choices, 1+len(codes)))
	}
	if r.words.asked {
		arrays[1] += " AS answered"
		arrays = append(arrays, r.askedOf("answered"))
	}
	return "arrayConcat(" + strings.Join(arrays, ", ") + ")"
}

// askedOf is the expression for the numbers of the scored items that were asked: none where
// there is a listed answer to each of them.
func (r *reading) askedOf(answered string) string {
	items, numbers := make([]string, len(r.words.items)), make([]string, len(r.words.items))
	for i, id := range r.words.items {
		items[i], numbers[i] = score.Quote(id), strconv.Itoa(r.keys+i)
	}
	return fmt.Sprintf("if(arrayCount(n -> toUInt16(n - 1) < %d, %s) = %d, [], arrayMap(k -> transform(k, [%s], CAST([%s], 'Array(UInt16)'), toUInt16(0)), answers.keys))",
		len(r.words.listed), answered, len(r.words.items), strings.Join(items, ", "), strings.Join(numbers, ", "))
}

// valuesOf are the expressions for the numbers that people gave, NaN for none.
func (r *reading) valuesOf() (list []string) {
	for _, item := range r.words.numbers {
		list = append(list, fmt.Sprintf("if(mapContains(numbers, %[1]s), numbers[%[1]s], nan)", score.Quote(item)))
	}
	return list
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
func (r *reading) read(p *person, given numbers) {
	clear(p.asked)
	var m0, m1, m2, m3 uint64 // written out, for words in memory are slower
	for i := 0; i+1 < len(given); i += 2 {
		n := int(given[i]) | int(given[i+1])<<8
		if n >= len(r.adds) {
			if n -= r.keys; n < len(r.words.items) && p.asked != nil {
				p.asked[n/wordBits] |= 1 << (n % wordBits)
			}
			continue
		}
		a := &r.adds[n] // 0 adds nothing
		m0, m1, m2, m3 = m0+a[0], m1+a[1], m2+a[2], m3+a[3]
	}
	copy(p.words, []uint64{m0, m1, m2, m3})
	if r.further != nil {
		r.readFurther(given, p.words[fewWords:])
	}
	if len(p.asked) > 0 && r.words.known.of(p.words) == uint64(len(r.words.items)) {
		for i := range p.asked {
			p.asked[i] = math.MaxUint64
		}
	}
}

// readFurther makes the words after the first few.
func (r *reading) readFurther(given numbers, words []uint64) {
	clear(words)
	for ; len(given) > 1; given = given[2:] {
		if n := int(given.u16(0)); n < r.keys {
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
