// Package surveys holds what a survey asks and what people answered: the
// questionnaire with its sections and items, the criterion that turns answers
// into a level of literacy, the interview on its way and the response that was
// accepted.
//
// The package is plain data and light rules, so that the form engine built on it
// stays small in a browser. Reading definitions from YAML is package definition,
// asking the questions is package form, scoring is package score.
package surveys

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Lang is a language of a questionnaire, as a BCP 47 tag.
type Lang string

// The languages the program speaks itself. Chinese comes first.
const (
	ZH Lang = "zh"
	EN Lang = "en"
)

// Text is one wording in each language of the questionnaire.
type Text map[Lang]string

// In returns the wording in language l, or in Chinese, or in English, whichever
// is there first; the empty string when there is none.
func (t Text) In(l Lang) string {
	for _, k := range []Lang{l, ZH, EN} {
		if s := t[k]; s != "" {
			return s
		}
	}
	return ""
}

// Questionnaire is one instrument: what is asked, in which order, under which
// conditions, and how the answers are scored.
type Questionnaire struct {
	// ID names the questionnaire in addresses and tables: a-z, 0-9 and hyphens.
	ID string `json:"id"`
	// Edition is the author's own label, such as "2026.1".
	Edition string `json:"edition"`
	// Languages lists the languages every text is written in; the first is the default.
	Languages []Lang `json:"languages"`
	Title     Text   `json:"title"`
	// Statutory is the header that the Statistics Law demands on every form.
	Statutory Statutory `json:"statutory"`
	// Consent is what a respondent agrees to before the first question.
	Consent   Text       `json:"consent"`
	Sections  []Section  `json:"sections"`
	Criterion *Criterion `json:"criterion,omitempty"`
}

// Statutory is the header of a statistical form (Statistics Law 2024, art. 17).
// A form without approval is a trial and must say so.
type Statutory struct {
	FormNumber string `json:"form_number"`
	Issuer     Text   `json:"issuer"`
	// Approval is the approval or filing number; for a trial, the words that say
	// that this is not an approved statistical survey.
	Approval Text `json:"approval"`
	// ValidUntil is the last day of validity, YYYY-MM-DD, China time.
	ValidUntil string `json:"valid_until"`
	Trial      bool   `json:"trial,omitempty"`
}

// Section is a group of items that are shown together, on one page.
type Section struct {
	ID    string `json:"id"`
	Title Text   `json:"title"`
	Intro Text   `json:"intro,omitempty"`
	// Relevant is an expression; the section is asked when it is empty or true.
	Relevant string `json:"relevant,omitempty"`
	Items    []Item `json:"items"`
}

// ItemType is the kind of an item.
type ItemType string

// The item types.
const (
	Single    ItemType = "single"   // one of several options
	Multiple  ItemType = "multiple" // any number of options
	Number    ItemType = "number"   // a number, whole unless Decimals says otherwise
	ShortText ItemType = "text"     // one line of text
	Note      ItemType = "note"     // words only, no answer
)

// Item is one question.
type Item struct {
	// ID is the item's name in expressions and data: a letter, then letters, digits, _.
	ID   string   `json:"id"`
	Type ItemType `json:"type"`
	Text Text     `json:"text"`
	Hint Text     `json:"hint,omitempty"`
	// Figure is a picture the question is about.
	Figure  *Figure  `json:"figure,omitempty"`
	Options []Option `json:"options,omitempty"`
	// Required items must be answered before the section can be left.
	Required bool `json:"required,omitempty"`
	// Relevant is an expression; the item is asked when it is empty or true.
	Relevant string `json:"relevant,omitempty"`
	// Constraint is an expression that an answer must make true; Message says so in words.
	Constraint string `json:"constraint,omitempty"`
	Message    Text   `json:"message,omitempty"`
	// Decimals is how many decimals a number may have; 0 makes it an int in expressions.
	Decimals int  `json:"decimals,omitempty"`
	Unit     Text `json:"unit,omitempty"`
	// MaxLength limits a text, in characters; 0 means DefaultMaxLength.
	MaxLength int `json:"max_length,omitempty"`
	// Dimension is the criterion's dimension the item counts for; empty = not scored.
	Dimension string `json:"dimension,omitempty"`
	// Key lists the option codes that are right. Only single items are scored.
	Key []string `json:"key,omitempty"`
}

// DefaultMaxLength is the length limit of a text answer, in characters.
const DefaultMaxLength = 200

// Figure is a picture, kept inside the definition so that a version is complete.
type Figure struct {
	SVG string `json:"svg"`
	Alt Text   `json:"alt"`
}

// Option is one answer that can be chosen.
type Option struct {
	// Code is stored: letters, digits, _ and -. The codes DontKnow and Refused keep their meaning
	// everywhere.
	Code string `json:"code"`
	Text Text   `json:"text"`
	// Exclusive options of a multiple item stand alone ("none of these").
	Exclusive bool `json:"exclusive,omitempty"`
}

// Reserved option codes. "Not asked" is a third thing: the item is absent from
// the answers. An item that was asked and left blank is present without a value.
const (
	DontKnow = "dk"
	Refused  = "refused"
)

// Boundary says whether a score exactly on a cut reaches the level.
type Boundary string

// The boundary rules.
const (
	Above   Boundary = "above"    // score > cut
	AtLeast Boundary = "at-least" // score >= cut
)

// Unasked says how an item that was not asked is scored.
type Unasked string

// The rules for items that were not asked.
const (
	UnaskedMissing Unasked = "missing" // the person has no score
	UnaskedWrong   Unasked = "wrong"   // it counts as a wrong answer
)

// Criterion is a scoring rule: points for each dimension, and cuts on the sum.
//
// A dimension's points are Points × right answers / items, so they do not depend
// on how many items a dimension has. "Don't know", "refused" and blank are wrong.
type Criterion struct {
	ID         string      `json:"id"`
	Name       Text        `json:"name"`
	Dimensions []Dimension `json:"dimensions"`
	// Cut is the score that makes a person scientifically literate.
	Cut float64 `json:"cut"`
	// Levels are ordered from the highest cut down; below the last cut is Lowest.
	Levels   []Level  `json:"levels,omitempty"`
	Lowest   Text     `json:"lowest,omitempty"`
	Boundary Boundary `json:"boundary"`
	Unasked  Unasked  `json:"unasked"`
}

// Dimension is a part of literacy with its own points.
type Dimension struct {
	ID     string  `json:"id"`
	Name   Text    `json:"name"`
	Points float64 `json:"points"`
}

// Level is a band of the score that begins at Cut.
type Level struct {
	ID   string  `json:"id"`
	Name Text    `json:"name"`
	Cut  float64 `json:"cut"`
}

// Reaches reports whether score reaches cut under the boundary rule.
func (c *Criterion) Reaches(score, cut float64) bool {
	if c.Boundary == AtLeast {
		return score >= cut
	}
	return score > cut
}

// Version names the questionnaire by its content: the first 16 hex digits of the
// SHA-256 of its JSON. Two equal questionnaires have the same version, and any
// change of a word makes another one.
func (q *Questionnaire) Version() string {
	b, err := json.Marshal(q)
	if err != nil {
		panic("surveys: a questionnaire must be plain data: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// Item returns the item with this ID, or nil.
func (q *Questionnaire) Item(id string) *Item {
	for s := range q.Sections {
		for i := range q.Sections[s].Items {
			if it := &q.Sections[s].Items[i]; it.ID == id {
				return it
			}
		}
	}
	return nil
}

// Items calls yield for every item in order until it returns false.
func (q *Questionnaire) Items(yield func(*Item) bool) {
	for s := range q.Sections {
		for i := range q.Sections[s].Items {
			if !yield(&q.Sections[s].Items[i]) {
				return
			}
		}
	}
}
