package household

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

var today = Date{2026, 11, 26}

// family has four eligible persons, in the order of Kish 3, 1, 4, 2, and a child.
func family() Listing {
	return Listing{Case: "case 17", Method: Kish, Date: today, Opener: 2, Persons: []Person{
		{Line: 1, Sex: Man, Age: 44, Birthday: Birthday{3, 9}, Eligible: true},
		{Line: 2, Sex: Woman, Age: 41, Birthday: Birthday{11, 30}, Eligible: true},
		{Line: 3, Sex: Man, Age: 68, Birthday: Birthday{2, 29}, Eligible: true},
		{Line: 4, Sex: Woman, Age: 66, Birthday: Birthday{11, 26}, Eligible: true},
		{Line: 5, Sex: Woman, Age: 12, Birthday: Birthday{7, 1}},
	}}
}

// middle is the middle of the numbers that select place i of k.
func middle(i, k int) uint64 { return uint64((float64(i) + 0.5) / float64(k) * (1 << 64)) }

func TestKishOrder(t *testing.T) {
	for i, want := range []int{3, 1, 4, 2} {
		for _, number := range []uint64{uint64(i) << 62, uint64(i)<<62 + 1<<62 - 1} { // k = 4: the ends of the quarter
			got, err := Select(family(), number)
			if err != nil || got != (Selection{Line: want, K: 4, Basis: ByNumber}) {
				t.Errorf("number %d: Select() = %+v, %v, want line %d", number, got, err, want)
			}
		}
	}
	if s, _ := Select(family(), 0); s.Probability() != 0.25 || s.Basis.Note() != nil {
		t.Errorf("probability %v with the note %v, want 1/4 without", s.Probability(), s.Basis.Note())
	}
}

// before says whether a stands before b, written as the manual has it.
func before(a, b Person) bool {
	if a.Sex != b.Sex {
		return a.Sex == Man || b.Sex == SexUnknown
	}
	if a.Age != b.Age {
		return a.Age != AgeUnknown && (b.Age == AgeUnknown || a.Age > b.Age)
	}
	return a.Line < b.Line
}

// All households of one to three persons, each a man, a woman or unknown, of 30, of 40 or
// of unknown age, eligible or not: every eligible person is selected by one k-th of the
// numbers, at the place the rule gives, however the persons are written down.
func TestEverySmallHousehold(t *testing.T) {
	households := 0
	var walk func(persons []Person)
	walk = func(persons []Person) {
		if len(persons) > 0 {
			households++
			checkHousehold(t, persons)
		}
		if len(persons) == 3 {
			return
		}
		for _, sex := range []Sex{Man, Woman, SexUnknown} {
			for _, age := range []int{AgeUnknown, 30, 40} {
				for _, eligible := range []bool{false, true} {
					walk(append(persons[:len(persons):len(persons)], Person{Line: len(persons) + 1, Sex: sex, Age: age, Eligible: eligible}))
				}
			}
		}
	}
	walk(nil)
	if want := 18 + 18*18 + 18*18*18; households != want {
		t.Errorf("%d households, want %d", households, want)
	}
}

func checkHousehold(t *testing.T, persons []Person) {
	t.Helper()
	l := Listing{Case: "c", Method: Kish, Date: today, Persons: persons}
	back := l
	back.Persons = slices.Clone(persons)
	slices.Reverse(back.Persons)
	if l.Hash() != back.Hash() {
		t.Fatalf("the hash of %+v depends on the order in which it is kept", persons)
	}
	k := 0
	for _, p := range persons {
		if p.Eligible {
			k++
		}
	}
	if k == 0 {
		if _, err := Select(l, 0); !errors.Is(err, surveys.ErrInvalid) {
			t.Fatalf("nobody is eligible in %+v: %v", persons, err)
		}
		return
	}
	for _, p := range persons {
		if !p.Eligible {
			continue
		}
		place := 0
		for _, q := range persons {
			if q.Eligible && before(q, p) {
				place++
			}
		}
		for _, l := range []Listing{l, back} {
			got, err := Select(l, middle(place, k))
			if want := (Selection{p.Line, k, ByNumber}); err != nil || got != want {
				t.Fatalf("%+v, place %d: %+v, %v, want %+v", persons, place, got, err, want)
			}
		}
	}
}

// Numbers of 60,000 cases select each place of k equally often: chi-squares below their
// 99.9 % points with k − 1 degrees of freedom (10.83, 13.82, 16.27, 18.47, 20.52).
func TestNumbersAreEven(t *testing.T) {
	secret := testSecret(t)
	const cases = 60_000
	for k, limit := range map[int]float64{2: 10.83, 3: 13.82, 4: 16.27, 5: 18.47, 6: 20.52} {
		counts := make([]float64, k)
		l := Listing{Method: Kish, Date: today}
		for i := range k {
			l.Persons = append(l.Persons, Person{Line: i + 1, Sex: Woman, Age: 60 - i, Eligible: true})
		}
		for i := range cases {
			l.Case = fmt.Sprintf("k%d-%d", k, i)
			s, err := Select(l, secret.Number(l.Case).Value)
			if err != nil {
				t.Fatal(err)
			}
			counts[s.Line-1]++
		}
		chi := 0.0
		want := float64(cases) / float64(k)
		for _, n := range counts {
			chi += (n - want) * (n - want) / want
		}
		if chi > limit {
			t.Errorf("k = %d: counts %v, chi-square %.2f, want at most %.2f", k, counts, chi, limit)
		}
	}
}

func TestLastBirthday(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(l *Listing)
		number uint64
		want   Selection
	}{
		{"today's birthday is the last", func(*Listing) {}, 0, Selection{4, 4, ByBirthday}},
		{"the number has no say", func(*Listing) {}, math.MaxUint64, Selection{4, 4, ByBirthday}},
		{"the day before, last year's counts", func(l *Listing) { l.Date.Day = 25 }, 0, Selection{1, 4, ByBirthday}},
		{"29 February is 1 March", func(l *Listing) { l.Date = Date{2026, 3, 1} }, 0, Selection{3, 4, ByBirthday}},
		{"and not yet on 28 February", func(l *Listing) { l.Date = Date{2026, 2, 28} }, 0, Selection{2, 4, ByBirthday}},
		{"in a leap year it is 29 February", func(l *Listing) { l.Date = Date{2028, 2, 29} }, 0, Selection{3, 4, ByBirthday}},
		{"twins, the man by the lower half", func(l *Listing) { l.Persons[0].Birthday = Birthday{11, 26} }, middle(0, 2), Selection{1, 4, ByBirthdayTie}},
		{"twins, the woman by the upper half", func(l *Listing) { l.Persons[0].Birthday = Birthday{11, 26} }, middle(1, 2), Selection{4, 4, ByBirthdayTie}},
		{"an unknown birthday", func(l *Listing) { l.Persons[0].Birthday = Birthday{} }, middle(3, 4), Selection{2, 4, ByUnknownBirthday}},
		{"a child's unknown birthday", func(l *Listing) { l.Persons[4].Birthday = Birthday{} }, 0, Selection{4, 4, ByBirthday}},
	} {
		l := family()
		l.Method = LastBirthday
		c.change(&l)
		if got, err := Select(l, c.number); err != nil || got != c.want {
			t.Errorf("%s: Select() = %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
	if ByBirthday.Note()[surveys.ZH] == "" || ByBirthdayTie.Note() == nil || ByUnknownBirthday.Note() != nil {
		t.Error("the note must say what 1/k assumes where birthdays decided, and only there")
	}
}

// On every day of a leap year and of another, days since every birthday are as counted
// by going back day by day.
func TestDaysSince(t *testing.T) {
	for _, year := range []int{2026, 2028} {
		for on := (Date{year, 1, 1}).at(); on.Year() == year; on = on.AddDate(0, 0, 1) {
			d := Date{on.Year(), int(on.Month()), on.Day()}
			for b := (Date{2000, 1, 1}).at(); b.Year() == 2000; b = b.AddDate(0, 0, 23) {
				birthday := Birthday{int(b.Month()), b.Day()}
				want, back := 0, on
				for back.Month() != b.Month() || back.Day() != b.Day() {
					back = back.AddDate(0, 0, -1)
					want++
				}
				if got := daysSince(birthday, d); got != want {
					t.Fatalf("days since %v on %v = %d, want %d", birthday, d, got, want)
				}
			}
		}
	}
	for _, c := range []struct {
		on   Date
		want int
	}{{Date{2026, 3, 1}, 0}, {Date{2026, 2, 28}, 364}, {Date{2028, 2, 28}, 364}, {Date{2028, 3, 1}, 1}} {
		if got := daysSince(Birthday{2, 29}, c.on); got != c.want {
			t.Errorf("days since 29 February on %v = %d, want %d", c.on, got, c.want)
		}
	}
	if !(Date{2028, 2, 29}).valid() || (Date{2026, 2, 29}).valid() || (Date{2026, 0, 1}).valid() || (Date{26, 1, 1}).valid() {
		t.Error("dates that the calendar has are not told from others")
	}
}

func TestListingsThatCannotBeUsed(t *testing.T) {
	for _, c := range []struct {
		says   string
		change func(l *Listing)
	}{
		{"the case has no ID", func(l *Listing) { l.Case = "" }},
		{"method 0", func(l *Listing) { l.Method = 0 }},
		{"no date 2026-02-30", func(l *Listing) { l.Date = Date{2026, 2, 30} }},
		{"line 1 stands there twice", func(l *Listing) { l.Persons[1].Line = 1 }},
		{"line 0 stands there twice or is below 1", func(l *Listing) { l.Persons[1].Line = 0 }},
		{"line 2: sex 0", func(l *Listing) { l.Persons[1].Sex = 0 }},
		{"line 2: the age is -2", func(l *Listing) { l.Persons[1].Age = -2 }},
		{"line 2: the age is 131", func(l *Listing) { l.Persons[1].Age = 131 }},
		{"no year has the birthday 2-30", func(l *Listing) { l.Persons[1].Birthday = Birthday{2, 30} }},
		{"no year has the birthday 0-3", func(l *Listing) { l.Persons[1].Birthday = Birthday{0, 3} }},
		{"line 7 is said to have opened the door", func(l *Listing) { l.Opener = 7 }},
		{"it has 201 persons", func(l *Listing) { l.Persons = make([]Person, 201) }},
		{"nobody eligible", func(l *Listing) { l.Persons = nil; l.Opener = 0 }},
	} {
		l := family()
		c.change(&l)
		if _, err := Select(l, 1); !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Select() = %v, want an error that says %q", err, c.says)
		}
	}
}
