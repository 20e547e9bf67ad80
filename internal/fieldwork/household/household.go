// Package household selects the person to be interviewed in a household, and leaves
// evidence that the selection was followed.
//
// The office makes a Secret for a draw and publishes its Seal. It derives a Number for
// each case and writes the number's Commitment on the case. At the door the enumerator
// lists the household, and only when the listing is complete is the number revealed:
//
//	number := secret.Number("case 17")
//	committed := household.Committed{Case: "case 17", Method: household.Kish, Commitment: number.Commitment()}
//	evidence, err := household.Reveal(listing, number)
//	faults := household.Verify(committed, evidence)
//
// Reveal says who is selected and with which probability, 1/k, whose inverse goes into the
// weight. Verify, and Replay for many cases, prove that the number is the one of the draw
// and that it and the listing give the person who was interviewed. TestOpeners finds
// enumerators who interview whoever opens the door.
//
// The package also runs on the tablet, so it stays light: see light in internal/arch.
package household

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// Sex is the sex of a person as listed.
type Sex uint8

// The sexes, in the order of the list from which is selected.
const (
	Man Sex = iota + 1
	Woman
	SexUnknown
)

// AgeUnknown is the age of a person who did not tell it.
const AgeUnknown = -1

// MaxPersons and maxAge are what a listing may hold.
const (
	MaxPersons = 200
	maxAge     = 130
)

// A Birthday is a day of the year by the solar calendar, as on the identity card; the zero
// value is unknown.
type Birthday struct {
	Month int `json:"month"`
	Day   int `json:"day"`
}

// A Person is one line of a listing.
type Person struct {
	// Line is the number of the line, from 1 on, by which the person is meant.
	Line     int      `json:"line"`
	Sex      Sex      `json:"sex"`
	Age      int      `json:"age"` // completed years, or AgeUnknown
	Birthday Birthday `json:"birthday"`
	// Eligible says that the person belongs to the population of the survey.
	Eligible bool `json:"eligible"`
}

// A Method is a rule by which one person is selected.
type Method uint8

// The methods.
const (
	// Kish takes the eligible person at the place floor(k·number/2⁶⁴) + 1 of their list:
	// men by descending age, then women by descending age, then persons of unknown sex;
	// an unknown age after the known ones; of equal ages the lower line first (after Kish
	// 1949, with a random number of each case in the place of the eight tables). Each has
	// the probability 1/k, but for k/2⁶⁴ at most.
	Kish Method = iota + 1
	// LastBirthday takes the eligible person whose birthday was last, the day of the
	// listing included. Of several with that birthday the number decides, as in Kish
	// among them. When a birthday of an eligible person is not known, the number decides
	// among all, so that nobody is left out. The birthday of 29 February is 1 March in
	// other years. The probability is 1/k under the assumption that the day of the
	// listing has nothing to do with the birthdays.
	LastBirthday
)

// A Date is a day by the solar calendar.
type Date struct {
	Year  int `json:"year"`
	Month int `json:"month"`
	Day   int `json:"day"`
}

// at is the date as a time.
func (d Date) at() time.Time {
	return time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC)
}

// valid says whether the calendar has the date.
func (d Date) valid() bool {
	t := d.at()
	return d.Year >= 1900 && d.Year <= 9999 && t.Year() == d.Year && int(t.Month()) == d.Month && t.Day() == d.Day
}

// A Listing is what the enumerator wrote down at the door, all of it before the number was
// revealed.
type Listing struct {
	Case   string `json:"case"`
	Method Method `json:"method"`
	Date   Date   `json:"date"`
	// Opener is the line of the person who opened the door, 0 when that was nobody listed.
	Opener  int      `json:"opener"`
	Persons []Person `json:"persons"`
}

// Check says what keeps a listing from being used: errors wrap surveys.ErrInvalid.
func (l Listing) Check() error {
	fault := func(format string, args ...any) error {
		return fmt.Errorf("listing of case %q: %s: %w", l.Case, fmt.Sprintf(format, args...), surveys.ErrInvalid)
	}
	switch {
	case l.Case == "":
		return fault("the case has no ID")
	case l.Method != Kish && l.Method != LastBirthday:
		return fault("method %d is neither Kish nor LastBirthday", l.Method)
	case !l.Date.valid():
		return fault("the calendar has no date %04d-%02d-%02d", l.Date.Year, l.Date.Month, l.Date.Day)
	case len(l.Persons) > MaxPersons:
		return fault("it has %d persons; a household has at most %d, so list dwellings apart", len(l.Persons), MaxPersons)
	}
	lines := make(map[int]bool, len(l.Persons))
	for _, p := range l.Persons {
		switch {
		case p.Line < 1 || lines[p.Line]:
			return fault("line %d stands there twice or is below 1; number the lines from 1 on", p.Line)
		case p.Sex < Man || p.Sex > SexUnknown:
			return fault("line %d: sex %d is neither Man, Woman nor SexUnknown", p.Line, p.Sex)
		case p.Age < AgeUnknown || p.Age > maxAge:
			return fault("line %d: the age is %d; it is from 0 to %d, or AgeUnknown", p.Line, p.Age, maxAge)
		case p.Birthday != Birthday{} && !(Date{2000, p.Birthday.Month, p.Birthday.Day}).valid():
			return fault("line %d: no year has the birthday %d-%d; leave an unknown one empty", p.Line, p.Birthday.Month, p.Birthday.Day)
		}
		lines[p.Line] = true
	}
	if l.Opener != 0 && !lines[l.Opener] {
		return fault("line %d is said to have opened the door, but is not listed; list the person, or say 0", l.Opener)
	}
	return nil
}

// Eligible counts the persons who belong to the population.
func (l Listing) Eligible() (n int) {
	for _, p := range l.Persons {
		if p.Eligible {
			n++
		}
	}
	return n
}

// eligible lists those to select from, in the order of Kish.
func (l Listing) eligible() []Person {
	list := slices.DeleteFunc(slices.Clone(l.Persons), func(p Person) bool { return !p.Eligible })
	slices.SortFunc(list, func(a, b Person) int {
		return cmp.Or(cmp.Compare(a.Sex, b.Sex), cmp.Compare(b.Age, a.Age), cmp.Compare(a.Line, b.Line))
	})
	return list
}

// A Basis says what decided a selection.
type Basis uint8

// What can decide.
const (
	ByNumber          Basis = iota + 1 // the random number of the case
	ByBirthday                         // the last birthday
	ByBirthdayTie                      // the number, among those with the last birthday
	ByUnknownBirthday                  // the number, because a birthday is not known
)

// assumption is what 1/k rests on when birthdays decided.
var assumption = surveys.Text{
	surveys.ZH: "入选概率 1/k 假定访问日期与户内成员的生日无关，且生日如实登记",
	surveys.EN: "The probability 1/k assumes that the day of the listing has nothing to do with the birthdays, and that they were listed truthfully",
}

// Note is what the reader of the weight must know of a selection; empty when the
// probability needs no assumption.
func (b Basis) Note() surveys.Text {
	if b == ByBirthday || b == ByBirthdayTie {
		return assumption
	}
	return nil
}

// A Selection is the person to be interviewed.
type Selection struct {
	Line int `json:"line"`
	// K is the number of eligible persons: the probability is 1/K, the factor of the
	// weight K.
	K     int   `json:"k"`
	Basis Basis `json:"basis"`
}

// Probability is 1/k.
func (s Selection) Probability() float64 { return 1 / float64(s.K) }

// Select applies the method of a listing to it and to a number that is even over all 64
// bits. A listing that cannot be used, or has nobody eligible, is an error that wraps
// surveys.ErrInvalid.
func Select(l Listing, number uint64) (Selection, error) {
	if err := l.Check(); err != nil {
		return Selection{}, err
	}
	list := l.eligible()
	if len(list) == 0 {
		return Selection{}, fmt.Errorf("listing of case %q has nobody eligible to select; close the case as not eligible, 4.70: %w", l.Case, surveys.ErrInvalid)
	}
	s := Selection{K: len(list), Basis: ByNumber}
	if l.Method == LastBirthday {
		list, s.Basis = lastBirthday(list, l.Date)
	}
	place, _ := bits.Mul64(number, uint64(len(list)))
	s.Line = list[place].Line
	return s, nil
}

// lastBirthday leaves those of a list whose birthday was last, and says what decides.
func lastBirthday(list []Person, on Date) ([]Person, Basis) {
	var last []Person
	best := 0
	for _, p := range list {
		if p.Birthday == (Birthday{}) {
			return list, ByUnknownBirthday
		}
		days := daysSince(p.Birthday, on)
		if len(last) == 0 || days < best {
			last, best = nil, days
		}
		if days == best {
			last = append(last, p)
		}
	}
	if len(last) > 1 {
		return last, ByBirthdayTie
	}
	return last, ByBirthday
}

// daysSince is how many days ago the birthday was, 0 on the day itself.
func daysSince(b Birthday, on Date) int {
	birthday := Date{on.Year, b.Month, b.Day}.at() // 29 February is 1 March in other years
	if birthday.After(on.at()) {
		birthday = Date{on.Year - 1, b.Month, b.Day}.at()
	}
	return int(on.at().Sub(birthday) / (24 * time.Hour))
}
