package clickhouse

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

// wordBits is the size of a word.
const wordBits = 64

// words say what is made of the columns codes, choices and numbers of responses, which look
// at every answer once: each code stands for a number of 64 bits, and a word is the sum over
// the codes of a response. A word has many fields, such as one bit for each item that is
// answered right and some bits for the level of a factor; since a response has an item once,
// the parts of a field never add up to more than it holds.
type words struct {
	list  []word
	items []string // the scored items; bit i%64 of word i/64 says that item i is right
	asked bool     // whether items that were not asked are told apart
	// listed are the codes of the answers to scored items that their questionnaire lists, if so.
	listed []answerCode
	// fields are those of answers that conditions and topics look at, by what they hold.
	fields map[string]field
	// numbers are the items whose numbers are looked at.
	numbers []string
	// remembered is for how many factors levels are found once for all people of the same
	// answers.
	remembered int
}

// word maps codes, and choices, to what they add.
type word struct {
	adds map[answerCode]uint64
	used int // bits
}

// field is a place in a word.
type field struct{ word, shift, bits int }

// of reads the field of a person's words.
func (f field) of(words []uint64) uint64 { return words[f.word] >> f.shift & (1<<f.bits - 1) }

// field takes so many bits of the first word that has them left.
func (ws *words) field(size int) field {
	for i := range ws.list {
		if w := &ws.list[i]; w.used+size <= wordBits {
			w.used += size
			return field{i, w.used - size, size}
		}
	}
	ws.list = append(ws.list, word{adds: map[answerCode]uint64{}, used: size})
	return field{len(ws.list) - 1, 0, size}
}

// add lets a code add a number to a field.
func (ws *words) add(f field, code answerCode, n int) {
	ws.list[f.word].adds[code] += uint64(n) << f.shift
}

// number is the place of an item among those whose numbers are looked at.
func (ws *words) number(item string) int {
	if i := slices.Index(ws.numbers, item); i >= 0 {
		return i
	}
	ws.numbers = append(ws.numbers, item)
	return len(ws.numbers) - 1
}

// answerCode names an answer as the columns codes and choices have it, see
// migrations/0008_codes.sql and 0013_choices.sql. That two of the some hundred different
// answers to a questionnaire have the same code has a chance of 1 in 10^14, and who forges
// an answer with the code of another gains nothing that giving the other would not.
type answerCode struct {
	item, answer string
	kind         codeKind
}

// codeKind says where a code stands: for the first of several answers or the only one in
// codes, or for any of several in choices.
type codeKind uint8

const (
	firstOfSeveral codeKind = iota
	onlyAnswer
	anyOfSeveral
)

// code is that of the first answer.
func code(item string, single bool, first string) answerCode {
	if single {
		return answerCode{item, first, onlyAnswer}
	}
	return answerCode{item, first, firstOfSeveral}
}

// hash is the expression of a code.
func (c answerCode) hash() string {
	if c.kind == anyOfSeveral {
		return fmt.Sprintf("cityHash64(%s, %s)", score.Quote(c.item), score.Quote(c.answer))
	}
	return fmt.Sprintf("cityHash64(%s, %d, %s)", score.Quote(c.item), c.kind, score.Quote(c.answer))
}

// compare orders codes: by where they stand, then by item and answer.
func (c answerCode) compare(o answerCode) int {
	if a, b := c.kind == anyOfSeveral, o.kind == anyOfSeveral; a != b {
		if b {
			return -1
		}
		return 1
	}
	return strings.Compare(c.hash(), o.hash())
}

// score adds the scored items: whether each is answered right and, where the criterion
// tells unasked items apart, the answers that say that they were asked.
func (ws *words) score(s *score.Scorer, q *surveys.Questionnaire) {
	ws.items = s.Items()
	places := make([]field, len(ws.items))
	for i := range places {
		places[i] = field{i / wordBits, i % wordBits, 1}
		if i%wordBits == 0 {
			ws.list = append(ws.list, word{adds: map[answerCode]uint64{}})
		}
		ws.list[i/wordBits].used++
	}
	for i, id := range ws.items {
		for _, k := range q.Item(id).Key {
			ws.add(places[i], code(id, true, k), 1)
		}
	}
	if ws.asked = q.Criterion.Unasked != surveys.UnaskedWrong; !ws.asked {
		return
	}
	for _, id := range ws.items {
		ws.listed = append(ws.listed, listed(q.Item(id))...)
	}
}

// right is how many words begin with the bits of the scored items.
func (ws *words) right() int { return (len(ws.items) + wordBits - 1) / wordBits }

// listed are the codes of the answers to an item that its questionnaire lists, and of
// no answer.
func listed(it *surveys.Item) []answerCode {
	all := []answerCode{code(it.ID, false, "")}
	for _, o := range it.Options {
		all = append(all, code(it.ID, true, o.Code))
	}
	for _, k := range it.Key {
		all = append(all, code(it.ID, true, k))
	}
	slices.SortFunc(all, answerCode.compare)
	return slices.Compact(all)
}

// all are the codes that the words look at: those of the column codes, then those of choices.
func (ws *words) all() (list []answerCode) {
	for _, w := range ws.list {
		for c := range w.adds {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, answerCode.compare)
	return slices.Compact(list)
}

// leveler finds a person's level of a factor, -1 when there is none.
type leveler func(p *person) int

// level adds a factor that is an answer, and finds the index of its level as
// assess.Factor.Level finds it in the first answer: the first level that has the value,
// -1 when none has or there is no value.
func (ws *words) level(f assess.Factor) leveler {
	place := ws.field(bits.Len(uint(len(f.Levels))))
	seen := map[string]bool{}
	value := func(v string) {
		if l := f.Level(v); l >= 0 && !seen[v] {
			seen[v] = true
			ws.add(place, code(f.Answer, true, v), l+1)
			ws.add(place, code(f.Answer, false, v), l+1)
		}
	}
	var ranges []levelRange
	for i, l := range f.Levels {
		for _, v := range l.Values {
			value(v)
		}
		if len(l.Values) == 0 {
			low, below := l.Bounds()
			ranges = append(ranges, levelRange{i, low, below})
		}
	}
	if len(ranges) == 0 {
		return func(p *person) int { return int(place.of(p.words)) - 1 }
	}
	for digit := range 10 { // a single character is not in numbers
		value(strconv.Itoa(digit))
	}
	number := ws.number(f.Answer)
	return func(p *person) int {
		if given := place.of(p.words); given > 0 {
			return int(given) - 1
		}
		for _, r := range ranges {
			if x := p.numbers[number]; r.low <= x && x < r.below { // never for NaN
				return r.level
			}
		}
		return -1
	}
}

// levelRange is a level of the numbers low ≤ x < below.
type levelRange struct {
	level      int
	low, below float64
}
