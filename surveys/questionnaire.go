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
	"fmt"
	"slices"
	"time"
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
	Consent Text `json:"consent"`
	// Paging says how the items of a section are laid on pages.
	Paging    Paging     `json:"paging,omitempty"`
	Sections  []Section  `json:"sections"`
	Criterion *Criterion `json:"criterion,omitempty"`
	// Booklets are subsets of the items of which one person gets one. An item that no
	// booklet names is asked of everybody; without booklets all items are.
	Booklets []Booklet `json:"booklets,omitempty"`
}

// Booklet is a selection from the items of the bank that one person is asked.
type Booklet struct {
	ID string `json:"id"`
	// Items are the IDs of the items asked, in the order of the questionnaire.
	Items []string `json:"items"`
	// Share is the probability that a case gets this booklet; those of a questionnaire
	// add up to 1. The sum over the booklets with an item is the item's inclusion
	// probability.
	Share float64 `json:"share"`
}

// Inclusion returns for every item the probability that a person is asked it, as far as
// booklets decide: the sum of the shares of the booklets with the item, 1 for an item
// that no booklet names.
func (q *Questionnaire) Inclusion() map[string]float64 {
	in := map[string]float64{}
	for _, b := range q.Booklets {
		for _, id := range b.Items {
			in[id] += b.Share
		}
	}
	for it := range q.Items {
		if p, named := in[it.ID]; !named || p > 1-1e-9 { // shares such as 1/7 do not add up to 1 exactly
			in[it.ID] = 1
		}
	}
	return in
}

// JointInclusion returns the probability that a person is asked both items.
func (q *Questionnaire) JointInclusion(a, b string) float64 {
	var namedA, namedB bool
	for _, k := range q.Booklets {
		namedA = namedA || slices.Contains(k.Items, a)
		namedB = namedB || slices.Contains(k.Items, b)
	}
	p := 0.0
	for _, k := range q.Booklets {
		if (!namedA || slices.Contains(k.Items, a)) && (!namedB || slices.Contains(k.Items, b)) {
			p += k.Share
		}
	}
	if len(q.Booklets) == 0 || p > 1-1e-9 {
		return 1
	}
	return p
}

// Paging is a way to lay the items of a section on pages.
type Paging string

// The ways of paging.
const (
	PageSections Paging = ""     // a section is a page, unless an item begins a new one
	PageItems    Paging = "item" // each item is a page of its own
)

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

// ChinaTime is the time zone of the statutory dates; China has no summer time.
var ChinaTime = time.FixedZone("CST", 8*60*60)

// Ends returns the first moment after the form's validity; the zero time when it never
// ends. It is an error when the last day is no date.
func (s Statutory) Ends() (time.Time, error) {
	if s.ValidUntil == "" {
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, s.ValidUntil, ChinaTime)
	if err != nil {
		return time.Time{}, fmt.Errorf("the form's last day of validity is %q, not a date YYYY-MM-DD: %w", s.ValidUntil, ErrInvalid)
	}
	return day.AddDate(0, 0, 1), nil
}

// Section is a group of items that belong together: one page or several, see
// Paging and Item.Page.
type Section struct {
	ID    string `json:"id"`
	Title Text   `json:"title"`
	Intro Text   `json:"intro,omitempty"`
	// Relevant is an expression; the section is asked when it is empty or true.
	Relevant string `json:"relevant,omitempty"`
	// Shuffle puts the items into a random order, drawn for each interview.
	Shuffle bool `json:"shuffle,omitempty"`
	// Block names the block that the section belongs to. The sections of a block keep
	// their order and stay together; blocks that follow each other are put into a
	// random order, drawn for each interview.
	Block string `json:"block,omitempty"`
	// Checks are rules across the items of this and earlier sections, tried when the
	// last page of the section is left.
	Checks []Check `json:"checks,omitempty"`
	Items  []Item  `json:"items"`
	// Bank asks for items of a bank, which are put after Items when a questionnaire is
	// read together with its bank; see package bank. A complete questionnaire has none.
	Bank *FromBank `json:"bank,omitempty"`
}

// FromBank says which items of a bank a section wants.
type FromBank struct {
	Dimension string `json:"dimension"`
}

// Check is a rule that answers must keep.
type Check struct {
	// Assert is the expression that must be true; one without a value is no complaint.
	Assert  string `json:"assert"`
	Message Text   `json:"message"`
	// Soft rules only ask the person to look again: going on a second time with the
	// same answers keeps them, and the interview records that.
	Soft bool `json:"soft,omitempty"`
}

// ItemType is the kind of an item.
type ItemType string

// The item types.
const (
	Single    ItemType = "single"    // one of several options
	Likert    ItemType = "likert"    // one of several options that make a scale; shown as one
	Multiple  ItemType = "multiple"  // any number of options
	Ranking   ItemType = "ranking"   // options in the order of preference
	Number    ItemType = "number"    // a number, whole unless Decimals says otherwise
	ShortText ItemType = "text"      // one line of text
	LongText  ItemType = "longtext"  // several lines of text
	Date      ItemType = "date"      // a day, YYYY-MM-DD
	Region    ItemType = "region"    // a division, chosen step by step from a code list
	Calculate ItemType = "calculate" // computed from other answers, never shown
	Grid      ItemType = "grid"      // words above rows, no answer; see Item.Row
	Roster    ItemType = "roster"    // the number of rows of repeated items; see Item.Items
	Note      ItemType = "note"      // words only, no answer
)

// OneOf reports whether an answer is one of the item's options.
func (t ItemType) OneOf() bool { return t == Single || t == Likert }

// Answered reports whether the item takes an answer, given or computed.
func (t ItemType) Answered() bool { return t != Note && t != Grid }

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
	// Checks are further rules for the answer, hard or soft.
	Checks []Check `json:"checks,omitempty"`
	// Decimals is how many decimals a number may have; 0 makes it an int in expressions.
	Decimals int  `json:"decimals,omitempty"`
	Unit     Text `json:"unit,omitempty"`
	// MaxLength limits a text, in characters; 0 means DefaultMaxLength, or
	// DefaultMaxLongText for a long text.
	MaxLength int `json:"max_length,omitempty"`
	// Least and Most bound how many options of a multiple or ranking item are chosen,
	// or how many rows a roster has; 0 is no bound.
	Least int `json:"least,omitempty"`
	Most  int `json:"most,omitempty"`
	// From is the ID of an earlier multiple or ranking item; only the options that were
	// chosen there are offered here, beside those that this item lists itself. With nothing
	// to choose from but "don't know" and "refused" the item is not asked.
	From string `json:"from,omitempty"`
	// Shuffle puts the options into a random order, drawn for each interview.
	Shuffle bool `json:"shuffle,omitempty"`
	// Row is the ID of the grid that this single or likert item is a row of. Rows
	// follow their grid at once and all have the same options. They are items like
	// others in expressions and data.
	Row string `json:"row,omitempty"`
	// Page begins a new page with this item.
	Page bool `json:"page,omitempty"`
	// Timed items stand on a page of their own, and the time until they are answered is
	// kept. Nobody is cut off.
	Timed bool `json:"timed,omitempty"`
	// Calculate is the expression that gives the value of a calculate item, or the
	// number of rows of a roster that is not asked for.
	Calculate string `json:"calculate,omitempty"`
	// Division says which code list a region is chosen from.
	Division *Division `json:"division,omitempty"`
	// Items are what a roster asks for each row. In expressions of a row their IDs mean
	// the answers of that row, after the roster the list of the answers of all rows.
	Items []Item `json:"items,omitempty"`
	// Dimension is the criterion's dimension the item counts for; empty = not scored.
	Dimension string `json:"dimension,omitempty"`
	// Key lists the option codes that are right. Only single items are scored.
	Key []string `json:"key,omitempty"`
}

// The length limits of text answers that state none, in characters.
const (
	DefaultMaxLength   = 200
	DefaultMaxLongText = 2000
)

// MaxRows is the greatest number of rows of a roster.
const MaxRows = 30

// Division is a part of a code list of administrative divisions.
type Division struct {
	// List names the code list and its vintage, such as "cn-2020".
	List string `json:"list"`
	// Within is the code of the division whose parts are offered; empty for all.
	Within string `json:"within,omitempty"`
	// Level is how deep the answer must go: province, city, county or township.
	Level string `json:"level"`
}

// Figure is a picture, kept inside the definition so that a version is complete:
// a drawing (SVG), or an Image in PNG, JPEG or WebP.
type Figure struct {
	SVG   string `json:"svg,omitempty"`
	Image []byte `json:"image,omitempty"`
	Alt   Text   `json:"alt"`
}

// Option is one answer that can be chosen.
type Option struct {
	// Code is stored: letters, digits, _ and -. The codes DontKnow and Refused keep their meaning
	// everywhere.
	Code string `json:"code"`
	Text Text   `json:"text"`
	// Exclusive options of a multiple item stand alone ("none of these").
	Exclusive bool `json:"exclusive,omitempty"`
	// Fixed options keep their place when the others are shuffled; so do exclusive and
	// reserved ones.
	Fixed bool `json:"fixed,omitempty"`
}

// Reserved option codes. "Not asked" is a third thing: the item is absent from
// the answers. An item that was asked and left blank is present without a value.
const (
	DontKnow = "dk"
	Refused  = "refused"
)

// Reserved reports whether a code means that there is no answer. Such an option always
// stands alone.
func Reserved(code string) bool { return code == DontKnow || code == Refused }

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
	// UnaskedLeftOut is the rule for booklets: it counts neither as right nor as an item
	// of its dimension. Who was asked no item of some dimension has no score.
	UnaskedLeftOut Unasked = "left-out"
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

// MostPoints is the highest possible score: the points of all dimensions.
func (c *Criterion) MostPoints() (sum float64) {
	for _, d := range c.Dimensions {
		sum += d.Points
	}
	return sum
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

// WithoutKeys returns the questionnaire without the right answers, for whoever asks it and
// must not know them. Interviews with it still bear the version of q, which is another one.
func (q *Questionnaire) WithoutKeys() *Questionnaire {
	b, err := json.Marshal(q)
	var c Questionnaire
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		panic("surveys: a questionnaire must be plain data: " + err.Error())
	}
	for it := range c.Items {
		it.Key = nil
	}
	return &c
}

// Item returns the item with this ID, or nil.
func (q *Questionnaire) Item(id string) *Item {
	for it := range q.Items {
		if it.ID == id {
			return it
		}
	}
	return nil
}

// MaxFrom is how many items hand chosen options on to one another at most.
const MaxFrom = 10

// Offered returns every option that an item can offer: those of the items it takes
// chosen ones from, and its own.
func (q *Questionnaire) Offered(it *Item) []Option { return OfferedTo(it, q.Item) }

// OfferedTo is Questionnaire.Offered with the items found by their IDs in another way.
func OfferedTo(it *Item, find func(id string) *Item) []Option {
	chain := []*Item{it}
	for it.From != "" && len(chain) <= MaxFrom { // a wrong questionnaire may have a circle
		if it = find(it.From); it == nil || slices.Contains(chain, it) {
			break
		}
		chain = append(chain, it)
	}
	var all []Option
	for _, of := range slices.Backward(chain) {
		all = append(all, of.Options...)
	}
	return all
}

// Items calls yield for every item in order, those of a roster after it, until it
// returns false.
func (q *Questionnaire) Items(yield func(*Item) bool) {
	for s := range q.Sections {
		for i := range q.Sections[s].Items {
			it := &q.Sections[s].Items[i]
			if !yield(it) {
				return
			}
			for n := range it.Items {
				if !yield(&it.Items[n]) {
					return
				}
			}
		}
	}
}
