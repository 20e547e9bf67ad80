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
// An item is asked when its section's and its own relevant expressions are true.
// An expression that needs an answer which is not there is not true. An item left
// blank, an item not asked, an answer of the wrong form, and "don't know" or
// "refused" to a number all have no value in expressions. What was typed stays in the session when an
// earlier answer makes an item irrelevant, so that going back loses nothing, but it
// counts neither in expressions nor in the final answers.
//
// An item counts as put to the person once Set was called for it, be it with no
// value. A relevant item that was never put is reported as Missing, so a question
// that appears because of an answer on the same page is never passed over unseen.
package form

import (
	"github.com/suyang-survey/suyang/surveys"
)

// Form is a compiled questionnaire. It is not changed by use, so any number of
// sessions may share it at the same time.
type Form struct {
	q *surveys.Questionnaire
}

// Compile prepares a questionnaire. When it cannot be asked as it is, the error is
// a Faults that lists everything found wrong.
func Compile(q *surveys.Questionnaire) (*Form, error) { panic("form: being written") }

// Questionnaire returns what the form was compiled from; do not change it.
func (f *Form) Questionnaire() *surveys.Questionnaire { return f.q }

// Fault is one reason why a questionnaire cannot be asked.
type Fault struct {
	// Section and Item say where; Item is empty when the section itself is at fault.
	Section, Item string
	// Field is the JSON name of the field at fault, such as "relevant".
	Field string
	// Err is the cause, an *expr.Error with line and column when it lies in an expression.
	Err error
}

// Faults are all the faults of a questionnaire, in its order.
type Faults []Fault

// Error lists the faults, one on each line.
func (fs Faults) Error() string { panic("form: being written") }

// Start begins an interview without answers.
func (f *Form) Start() *Session { panic("form: being written") }

// Resume takes an interview up again from what Session.Answers gave.
func (f *Form) Resume(a surveys.Answers) *Session { panic("form: being written") }

// Replay checks a finished interview as it was sent in. It returns nothing exactly
// when a session of this form can Finish with these answers.
func (f *Form) Replay(a surveys.Answers) []Problem { panic("form: being written") }

// Session is one interview under way. It is for one goroutine at a time.
type Session struct {
	f *Form
}

// Set puts an item to the person and keeps the answer in normal form: spaces around
// it trimmed, blank values dropped, numbers written in one way, chosen options in the order of the
// questionnaire. An answer that is wrong is kept as typed, and Check says what is
// wrong. No values means that the item was left blank. Set returns false, and does
// nothing, when the form has no such item or it takes no answer.
func (s *Session) Set(item string, values []string) bool { panic("form: being written") }

// Submit takes what a page with one section sent: it calls Set for every item of
// the section that was relevant, and so was shown, and for every other item of it
// that has values, and returns what Check then finds. A page that gets no problem goes on to Next, any
// other shows the section again.
func (s *Session) Submit(section string, values map[string][]string) []Problem {
	panic("form: being written")
}

// Answers returns everything that was set, relevant or not, as a copy. It is what
// Resume takes; the final answers come from Finish.
func (s *Session) Answers() surveys.Answers { panic("form: being written") }

// Check returns what is wrong in a section as it is now, in the order of the items;
// nothing when the section can be left or is not relevant.
func (s *Session) Check(section string) []Problem { panic("form: being written") }

// Next returns the next relevant section after the one named, or the first one for
// "". It returns false after the last: then it is time to Finish.
func (s *Session) Next(section string) (string, bool) { panic("form: being written") }

// Prev returns the relevant section before the one named, or the last one for "".
func (s *Session) Prev(section string) (string, bool) { panic("form: being written") }

// Finish returns the final answers: every item that was asked, without values when
// it was left blank, and no other. When something is wrong, it returns the problems of
// all sections and no answers.
func (s *Session) Finish() (surveys.Answers, []Problem) { panic("form: being written") }

// State returns everything needed to draw the interview.
func (s *Session) State() State { panic("form: being written") }

// State is the interview as it stands.
type State struct {
	// Sections are all the sections of the questionnaire, in its order.
	Sections []SectionState
	// Relevant is the number of relevant sections.
	Relevant int
	// Progress is the share, from 0 to 1, of the items now relevant that were put to
	// the person.
	Progress float64
}

// Section returns the state of the section with this ID, or nil.
func (st *State) Section(id string) *SectionState {
	for i := range st.Sections {
		if st.Sections[i].Section.ID == id {
			return &st.Sections[i]
		}
	}
	return nil
}

// SectionState is a section as it stands.
type SectionState struct {
	Section *surveys.Section
	// Relevant sections are shown: their expression is true and so is that of at
	// least one of their items.
	Relevant bool
	// Complete sections are relevant and have no problem.
	Complete bool
	// Position counts the relevant sections from 1; it is 0 for others.
	Position int
	Items    []ItemState
}

// ItemState is an item as it stands.
type ItemState struct {
	Item *surveys.Item
	// Relevant items are shown and asked.
	Relevant bool
	// Put says that the item was put to the person, who may have left it blank.
	Put bool
	// Values is what was typed or chosen, in normal form when it is a right answer.
	Values []string
}

// Code is the kind of a problem. The strings are keys under which web/text has the words for people.
type Code string

// The kinds of problems.
const (
	Required          Code = "required"           // a required item was left blank
	Missing           Code = "missing"            // a relevant item was never put to the person
	NotAnOption       Code = "not-an-option"      // the item has no such option
	SeveralValues     Code = "several-values"     // more than one value for one answer
	Exclusive         Code = "exclusive"          // an option that stands alone was chosen with others
	NotANumber        Code = "not-a-number"       // the answer is no number
	TooManyDecimals   Code = "too-many-decimals"  // a number with more than Limit decimals
	TooLong           Code = "too-long"           // more than Limit characters, or digits of a number
	ControlCharacters Code = "control-characters" // characters that are not text
	Constraint        Code = "constraint"         // the item's constraint is false; Message says so in words
	Expression        Code = "expression"         // an expression failed while it ran; Detail says how
	UnknownItem       Code = "unknown-item"       // an answer to an item that the form does not have
	NotRelevant       Code = "not-relevant"       // an answer to an item that was not to be asked
	NotNormal         Code = "not-normal"         // an answer that is not in normal form
)

// Problem is one thing that is wrong with the answers. It never holds an answer, so
// it can be logged.
type Problem struct {
	Section string
	Item    string
	Code    Code
	// Limit is the greatest number of characters, digits or decimals, where Code speaks of one.
	Limit int
	// Message is the questionnaire's own words for a broken constraint; it may be empty.
	Message surveys.Text
	// Detail is the technical cause of an Expression problem, in English.
	Detail string
}
