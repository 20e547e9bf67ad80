package score

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// wordBits is how many items one mark holds.
const wordBits = 64

// Marks returns ClickHouse expressions over the column answers whose values, of the
// type UInt64, hold everything a score needs: one bit for each item that was answered
// right and, where the criterion tells unasked items apart, one for each item that
// was asked. OverMarks turns them into scores.
//
// A mark is made in one pass over the answers, which costs a quarter of looking up
// every item by itself. The map must not hold an item twice.
func (s *Scorer) Marks() []string {
	var marks []string
	for w := range s.words() {
		marks = append(marks, s.rightMark(w))
	}
	if s.criterion.Unasked != surveys.UnaskedWrong {
		for w := range s.words() {
			marks = append(marks, fmt.Sprintf("arraySum(k -> %s, mapKeys(answers))", s.bitOf(w)))
		}
	}
	return marks
}

// words is how many marks the items need.
func (s *Scorer) words() int { return (len(s.items) + wordBits - 1) / wordBits }

// word returns the items of one mark; the bit of an item is its place in it.
func (s *Scorer) word(w int) []item {
	return s.items[w*wordBits : min((w+1)*wordBits, len(s.items))]
}

// bitOf is an expression for the bit of item k in word w, 0 for any other item.
func (s *Scorer) bitOf(w int) string {
	bits := make([]string, len(s.word(w)))
	for i := range bits {
		bits[i] = strconv.FormatUint(1<<i, 10)
	}
	return fmt.Sprintf("transform(k, %s, [%s], toUInt64(0))", s.names(w), strings.Join(bits, ", "))
}

func (s *Scorer) names(w int) string {
	return quoteList(s.word(w), func(it item) string { return it.id })
}

// rightMark compares the values v of item k with every right answer there may be; an
// item with fewer right answers than others repeats its first.
func (s *Scorer) rightMark(w int) string {
	most := 1
	for _, it := range s.word(w) {
		most = max(most, len(it.key))
	}
	equal := make([]string, most)
	for n := range equal {
		keys := quoteList(s.word(w), func(it item) string {
			if n < len(it.key) {
				return it.key[n]
			}
			return it.key[0]
		})
		equal[n] = fmt.Sprintf("v = [transform(k, %s, %s, '')]", s.names(w), keys)
	}
	return fmt.Sprintf("arraySum((k, v) -> (%s) * %s, mapKeys(answers), mapValues(answers))", strings.Join(equal, " OR "), s.bitOf(w))
}

func quoteList(items []item, text func(item) string) string {
	quoted := make([]string, len(items))
	for i, it := range items {
		quoted[i] = Quote(text(it))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// OverMarks returns the scores as expressions over columns that hold the values of
// Marks, in the same order. Bits of the words of right answers that belong to no item
// may hold anything else.
func (s *Scorer) OverMarks(columns []string) Expressions {
	m := marks{right: columns[:s.words()], asked: columns[s.words():]}
	e := Expressions{
		Dimensions: map[string]string{},
		Levels:     map[string]string{},
		Bands:      map[string]string{},
		Items:      map[string]string{},
	}
	for i, it := range s.items {
		right := fmt.Sprintf("toFloat64(bitTest(%s, %d))", m.right[i/wordBits], i%wordBits)
		e.Items[it.id] = m.ifAsked([]int{i}, right)
	}
	if s.criterion.Unasked == surveys.UnaskedLeftOut {
		s.overAsked(m, &e)
	} else {
		s.overAll(m, &e)
	}
	e.Literate = s.reaches(e.Score, s.criterion.Cut)
	s.addLevels(&e)
	return e
}

// overAll fills the scores that are out of all items.
func (s *Scorer) overAll(m marks, e *Expressions) {
	var terms []string
	all := make([]int, len(s.items))
	for i := range s.items {
		all[i] = i
	}
	for _, d := range s.dimensions {
		right := m.count(m.right, d.items)
		terms = append(terms, number(d.units)+" * "+right)
		e.Dimensions[d.id] = m.ifAsked(d.items, fmt.Sprintf("%s * %s / %s", number(d.points), right, number(milli*d.count)))
	}
	e.Score = m.ifAsked(all, fmt.Sprintf("(%s) / %s", strings.Join(terms, " + "), number(s.denominator)))
}

// overAsked fills the scores that are out of the items asked, as Score does: fractions
// over the product of the numbers of items asked, all exact.
func (s *Scorer) overAsked(m marks, e *Expressions) {
	var some, terms, asked []string
	for _, d := range s.dimensions {
		some = append(some, m.count(m.asked, d.items)+" > 0")
		asked = append(asked, m.count(m.asked, d.items))
	}
	for i, d := range s.dimensions {
		points := number(d.points) + " * " + m.count(m.right, d.items)
		e.Dimensions[d.id] = fmt.Sprintf("if(%s, toNullable(%s / (%d * %s)), NULL)", some[i], points, milli, asked[i])
		others := slices.Delete(slices.Clone(asked), i, i+1)
		terms = append(terms, strings.Join(append([]string{points}, others...), " * "))
	}
	e.Score = fmt.Sprintf("if(%s, toNullable((%s) / (%d * %s)), NULL)",
		strings.Join(some, " AND "), strings.Join(terms, " + "), milli, strings.Join(asked, " * "))
}

// marks are the columns with the bits of right answers and of items asked; asked is
// empty when an unasked item is wrong.
type marks struct{ right, asked []string }

// count is how many of the items have their bit in these words.
func (m marks) count(words []string, items []int) string {
	var terms []string
	for w, mask := range masks(items, len(words)) {
		if mask != 0 {
			terms = append(terms, fmt.Sprintf("bitCount(bitAnd(%s, %d))", words[w], mask))
		}
	}
	return "toFloat64(" + strings.Join(terms, " + ") + ")"
}

// ifAsked is value when all the items were asked, else NULL.
func (m marks) ifAsked(items []int, value string) string {
	if len(m.asked) == 0 {
		return "toNullable(" + value + ")"
	}
	var asked []string
	for w, mask := range masks(items, len(m.asked)) {
		if mask != 0 {
			asked = append(asked, fmt.Sprintf("bitAnd(%s, %d) = %d", m.asked[w], mask, mask))
		}
	}
	return fmt.Sprintf("if(%s, toNullable(%s), NULL)", strings.Join(asked, " AND "), value)
}

// masks are the bits of the items in each word.
func masks(items []int, words int) []uint64 {
	m := make([]uint64, words)
	for _, i := range items {
		m[i/wordBits] |= 1 << (i % wordBits)
	}
	return m
}
