// Package form is the engine that conducts an interview: it decides which
// questions are asked, in which order and on which page, what is wrong with an answer
// and when the interview is complete. Pages and tablets only draw its State.
//
// The usual way: Compile a questionnaire once, Start a Session for each person, Submit
// what a page sent, go on with Next, and Finish. A server that keeps nothing between
// pages puts what Save gives away and takes it up again with Resume. Replay checks a
// finished interview that came from elsewhere.
//
// # What the engine promises
//
// An item is asked when it belongs to the person's booklet and its section's and its
// own relevant expressions are true. A row of a grid is asked when the grid's is true too,
// and an item whose options are those chosen elsewhere when there are any. An expression can only use items that come before
// it in every order the items may be shown in, a constraint also its own item. In
// expressions a single choice, a text, a date and a region are a string, a multiple
// choice and a ranking are a list of strings, and a number is an int, or a double when
// it may have decimals. The items of a roster are such values in the expressions of
// their own row, and lists of them, one element for each row that has one, after it.
//
// Some answers have no value in expressions: of an item left blank or not asked, of
// the wrong form, and "don't know" or "refused" to what is no choice. (To a choice these
// are options like others, "dk" and "refused", but never chosen together with others.)
// An expression that needs such a value makes an item not relevant, and a constraint
// not complain. An expression that fails for another reason is a problem.
//
// What was typed stays in the session when an earlier answer makes an item
// irrelevant, so that going back loses nothing, but it counts neither in expressions
// nor in the final answers.
//
// An item counts as put to the person once Set was called for it, be it with no
// value. A relevant item that was never put is reported as Missing, so a question
// that appears because of an answer on the same page is never passed over unseen.
//
// Random orders depend on the seed and the IDs alone, so whoever has the seed can say
// what a person saw.
package form

import (
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// Form is a compiled questionnaire. It is not changed by use, so any number of
// sessions may share it at the same time.
type Form struct {
	q            *surveys.Questionnaire
	sections     []section
	items        []item         // of all sections in order, those of a roster after it
	index        map[string]int // of items, by ID
	sectionIndex map[string]int
	slots        int // places for answers: one for each item, of a roster's one for each row
	booklets     map[string][]bool
	inclusion    map[string]map[string]float64 // by booklet and item, those below 1
	texts        map[textKey]*piped
	shuffled     bool // some order is random
	moves        bool // and that of items or sections is, not only that of options
	// plain are the pages in the order of the questionnaire.
	plain []leaf
}

// Inclusion returns, for every item that a person with this booklet is asked and others
// are not, the probability of being asked it; see surveys.Questionnaire.Inclusion. The
// map is shared; do not change it.
func (f *Form) Inclusion(booklet string) map[string]float64 { return f.inclusion[booklet] }

// section is a compiled section; its items are those from first up to end.
type section struct {
	def        *surveys.Section
	relevant   *expr.Program // nil when always asked
	checks     []check
	first, end int
	run        int // of the sections whose blocks change places, from 1; 0 when it keeps its place
}

// item is a compiled item.
type item struct {
	def       *surveys.Item
	section   int
	roster    int       // position of the roster it belongs to, or -1
	grid      int       // position of the grid it is a row of, or -1
	rows      int       // how many answers it can have: 1, or the greatest number of rows
	slot      int       // place of its first answer
	unit      int       // position of the first item of those that move together
	typ       expr.Type // in expressions of its own row; 0 when it takes no answer
	relevant  *expr.Program
	calculate *expr.Program
	checks    []check // the constraint first
	options   map[string]int
	from      int // position of the item whose chosen options are offered, or -1
	list      *geo.List
}

// check is a rule for answers.
type check struct {
	assert  *expr.Program
	message surveys.Text
	soft    bool
	number  int // among the checks of its item or section, from 1; 0 for the constraint
}

// given reports whether the item's answer comes from the person.
func (it *item) given() bool { return it.typ != 0 && it.calculate == nil }

// Questionnaire returns what the form was compiled from; do not change it.
func (f *Form) Questionnaire() *surveys.Questionnaire { return f.q }

// find returns the item and the row, from 0, of the key of an answer.
func (f *Form) find(key string) (i, row int, ok bool) {
	id, n := splitKey(key)
	i, ok = f.index[id]
	if !ok {
		return 0, 0, false
	}
	it := &f.items[i]
	switch {
	case it.roster < 0:
		return i, 0, n == 0
	case n < 1 || n > it.rows:
		return 0, 0, false
	}
	return i, n - 1, true
}

// key is the key of an item's answer in a row, counted from 0.
func (f *Form) key(i, row int) string {
	if f.items[i].roster < 0 {
		return f.items[i].def.ID
	}
	return surveys.RowKey(f.items[i].def.ID, row+1)
}

// splitKey divides "age#2" into "age" and 2; a key without a row has row 0, one with
// something else after the # row -1.
func splitKey(key string) (id string, row int) {
	for i := range len(key) {
		if key[i] != '#' {
			continue
		}
		for _, c := range []byte(key[i+1:]) {
			if c < '0' || c > '9' || row > surveys.MaxRows {
				return key[:i], -1
			}
			row = row*10 + int(c-'0')
		}
		if row == 0 || key[i+1] == '0' {
			return key[:i], -1
		}
		return key[:i], row
	}
	return key, 0
}
