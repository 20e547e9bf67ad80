// Package form is the engine that conducts an interview: it decides which
// questions are asked, what is wrong with an answer and when the interview is
// complete. Pages and tablets only draw its State.
//
// The usual way: Compile a questionnaire once, Start a Session for each person,
// Submit one section after the other, going on with Next, and Finish. A server
// that keeps nothing between pages puts the Answers of a session away and takes it
// up again with Resume. Replay checks a finished interview that came from elsewhere.
//
// # What the engine promises
//
// An item is asked when its section's and its own relevant expressions are true. An
// expression can only use items that come before it, a constraint also its own item.
// In expressions a single choice and a text are a string, a multiple choice is a
// list of strings, and a number is an int, or a double when it may have decimals.
//
// Some answers have no value in expressions: of an item left blank or not asked, of
// the wrong form, and "don't know" or "refused" to a number. (To a choice these are
// options like others, "dk" and "refused", but never chosen together with others.)
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
package form

import (
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// Form is a compiled questionnaire. It is not changed by use, so any number of
// sessions may share it at the same time.
type Form struct {
	q        *surveys.Questionnaire
	sections []section
	items    []item         // of all sections, in order
	index    map[string]int // of items, by ID
}

// section is a compiled section; its items are those from first up to end.
type section struct {
	def        *surveys.Section
	relevant   *expr.Program // nil when always asked
	first, end int
}

// item is a compiled item.
type item struct {
	def                  *surveys.Item
	section              int
	typ                  expr.Type // in expressions; 0 for a note
	relevant, constraint *expr.Program
	options              map[string]int // position by code
}

// Questionnaire returns what the form was compiled from; do not change it.
func (f *Form) Questionnaire() *surveys.Questionnaire { return f.q }

// section returns the position of a section, or -1.
func (f *Form) section(id string) int {
	for i := range f.sections {
		if f.sections[i].def.ID == id {
			return i
		}
	}
	return -1
}
