package clickhouse

import (
	"cmp"
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

// words compose expressions over the columns answers, codes and numbers of responses
// that look at every answer once: each code stands for a number of 64 bits, and a word
// is the sum over the codes of a response. A word has many fields, such as one bit for
// each item that is answered right and some bits for the level of a factor; since a
// response has an item once, the parts of a field never add up to more than it holds.
type words struct {
	list  []word
	items []string // the scored items; bit i%64 of word i/64 says that item i is right
	known field    // how many scored items have an answer that their questionnaire lists
	asked bool     // whether items that were not asked are told apart
	// fields are those of answers that conditions and topics look at, by what they hold.
	fields map[string]field
	// hashes are the numbers that stand for codes; nil lets the engine work each out, which
	// takes it as long as summing thousands of interviews.
	hashes map[answerCode]uint64
}

// word maps codes, and choices, to what they add.
type word struct {
	codes, choices []answerCode
	adds           map[answerCode]uint64
	used           int // bits
}

// field is a place in a word.
type field struct{ word, shift, bits int }

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
	w := &ws.list[f.word]
	if _, there := w.adds[code]; !there {
		w.codes = append(w.codes, code)
	}
	w.adds[code] += uint64(n) << f.shift
}

// choose lets a choice add a number to a field.
func (ws *words) choose(f field, choice answerCode, n int) {
	w := &ws.list[f.word]
	if _, there := w.adds[choice]; !there {
		w.choices = append(w.choices, choice)
	}
	w.adds[choice] += uint64(n) << f.shift
}

// value is the expression of a field.
func (f field) value() string {
	return fmt.Sprintf("bitAnd(bitShiftRight(m%d, %d), %d)", f.word, f.shift, uint64(1)<<f.bits-1)
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
	return answerCode{item, first, codeKind(bit(single))}
}

// hash is the expression of a code.
func (c answerCode) hash() string {
	if c.kind == anyOfSeveral {
		return fmt.Sprintf("cityHash64(%s, %s)", score.Quote(c.item), score.Quote(c.answer))
	}
	return fmt.Sprintf("cityHash64(%s, %d, %s)", score.Quote(c.item), c.kind, score.Quote(c.answer))
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// score adds the scored items: whether each is answered right and, where the criterion
// tells unasked items apart, whether all of them were asked.
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
	ws.known = ws.field(bits.Len(uint(len(ws.items))))
	for _, id := range ws.items {
		for _, c := range listed(q.Item(id)) {
			ws.add(ws.known, c, 1)
		}
	}
}

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
	slices.SortFunc(all, func(a, b answerCode) int { return strings.Compare(a.hash(), b.hash()) })
	return slices.Compact(all)
}

// level adds a factor that is an answer, and returns the index of its level as
// assess.Factor.Level finds it in the first answer: the first level that has the value,
// -1 when none has or there is no value.
func (ws *words) level(f assess.Factor) string {
	place := ws.field(bits.Len(uint(len(f.Levels))))
	seen := map[string]bool{}
	ranged := []string{}
	value := func(v string) {
		if l := f.Level(v); l >= 0 && !seen[v] {
			seen[v] = true
			ws.add(place, code(f.Answer, true, v), l+1)
			ws.add(place, code(f.Answer, false, v), l+1)
		}
	}
	number := "numbers[" + score.Quote(f.Answer) + "]"
	for i, l := range f.Levels {
		for _, v := range l.Values {
			value(v)
		}
		if len(l.Values) == 0 {
			ranged = append(ranged, within(l, number), strconv.Itoa(i+1))
		}
	}
	if len(ranged) == 0 {
		return "toInt32(" + place.value() + ") - 1"
	}
	for digit := range 10 { // a single character is not in numbers
		value(strconv.Itoa(digit))
	}
	return fmt.Sprintf("toInt32(if(%[1]s > 0, %[1]s, if(mapContains(numbers, %[2]s), multiIf(%[3]s, 0), 0))) - 1",
		place.value(), score.Quote(f.Answer), strings.Join(ranged, ", "))
}

// within is the condition for the range of a level.
func within(l assess.Level, number string) string {
	low, below := "-inf", "inf"
	if l.Min != nil {
		low = strconv.FormatFloat(*l.Min, 'g', -1, 64)
	}
	if l.Below != nil {
		below = strconv.FormatFloat(*l.Below, 'g', -1, 64)
	}
	return fmt.Sprintf("%[1]s >= %[2]s AND %[1]s < %[3]s", number, low, below)
}

// columns are the words with their names, m0 and so on, and a0 and so on for the bits
// of the items asked. With FINAL, only answers.keys reads the items without the answers.
func (ws *words) columns() []string {
	var list []string
	for i, w := range ws.list {
		list = append(list, fmt.Sprintf("%s AS m%d", w.sum(ws.hashes), i))
	}
	if !ws.asked {
		return list
	}
	for w := range (len(ws.items) + wordBits - 1) / wordBits {
		items := ws.items[w*wordBits : min((w+1)*wordBits, len(ws.items))]
		names, each := make([]string, len(items)), make([]string, len(items))
		var all uint64
		for i, id := range items {
			names[i], each[i] = score.Quote(id), strconv.FormatUint(1<<i, 10)
			all |= 1 << i
		}
		list = append(list, fmt.Sprintf("if(%s = %d, toUInt64(%d), arraySum(k -> transform(k, [%s], [%s], toUInt64(0)), answers.keys)) AS a%d",
			ws.known.value(), len(ws.items), all, strings.Join(names, ", "), strings.Join(each, ", "), w))
	}
	return list
}

// sum is the expression of a word. A code is written as the number that it is, where that
// is known.
func (w word) sum(hashes map[answerCode]uint64) string {
	var parts []string
	for _, of := range []struct {
		column string
		codes  []answerCode
	}{{"codes", w.codes}, {"choices", w.choices}} {
		if len(of.codes) == 0 {
			continue
		}
		codes, adds := make([]string, len(of.codes)), make([]string, len(of.codes))
		for k, c := range of.codes {
			codes[k], adds[k] = c.hash(), strconv.FormatUint(w.adds[c], 10)
			if h, known := hashes[c]; known {
				codes[k] = strconv.FormatUint(h, 10)
			}
		}
		list := "[" + strings.Join(codes, ", ") + "]"
		if hashes != nil {
			list = "CAST(" + list + ", 'Array(UInt64)')"
		}
		parts = append(parts, fmt.Sprintf("arraySum(c -> transform(c, %s, [%s], toUInt64(0)), %s)", list, strings.Join(adds, ", "), of.column))
	}
	if len(parts) == 0 {
		return "toUInt64(0)"
	}
	return strings.Join(parts, " + ")
}

// all are the codes that the words look at.
func (ws *words) all() (list []answerCode) {
	for _, w := range ws.list {
		list = slices.Concat(list, w.codes, w.choices)
	}
	slices.SortFunc(list, func(a, b answerCode) int {
		return cmp.Or(strings.Compare(a.item, b.item), strings.Compare(a.answer, b.answer), cmp.Compare(a.kind, b.kind))
	})
	return slices.Compact(list)
}

// marks names the words that score.Scorer.OverMarks reads.
func (ws *words) marks() []string {
	var names []string
	for _, letter := range []string{"m", "a"}[:1+bit(ws.asked)] {
		for w := range (len(ws.items) + wordBits - 1) / wordBits {
			names = append(names, letter+strconv.Itoa(w))
		}
	}
	return names
}

// names are those of the words, by their letter.
func (ws *words) names(letter string) []string {
	names := make([]string, len(ws.list))
	for w := range names {
		names[w] = letter + strconv.Itoa(w)
	}
	return names
}

// rest are the words that marks does not name.
func (ws *words) rest() []string {
	return ws.names("m")[(len(ws.items)+wordBits-1)/wordBits:]
}
