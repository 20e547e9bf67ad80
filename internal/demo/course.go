package demo

import (
	"fmt"
	"math"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
)

// Course is what becomes of a case up to the point where its household is listed, or until
// it is given up. It follows from the seed and the case alone.
type Course struct {
	Tries []Try
	// Listing is that of the household and People the adults in the order of its lines;
	// without it there was nobody to talk to.
	Listing *household.Listing
	People  []*Person
}

// Try is an attempt at a case: so many hours after the beginning of fieldwork, which is a
// Monday, 00:00.
type Try struct {
	After   time.Duration
	Outcome fieldwork.OutcomeCode
	// Appointment is when to come again, if that was agreed on.
	Appointment time.Duration
}

// FieldworkDays is how long the fieldwork takes.
const FieldworkDays = 26

// Streams of random numbers that a case uses for different things.
const (
	streamStart = iota + 100
	streamContact
	streamRefusal
	streamChildren
	streamOpener
	streamAway
	streamLost
	streamOffice
)

// visits are the hours of the attempts, counted from the day on which a case is first
// visited; the third one is on the Saturday after.
const visits = 4

func visitAt(start, n int) time.Duration {
	day, hour := start, 10
	switch n {
	case 1:
		day, hour = start+1, 19
	case 2:
		day, hour = start+7-(start+2)%7, 15 // a Saturday, two to eight days later
	case 3:
		day, hour = start+9, 20
	}
	return time.Duration(day)*24*time.Hour + time.Duration(hour)*time.Hour
}

// Course tells what becomes of a case. People in towns and the young are met less often,
// and towns refuse more; an address where nobody lives shows so at the second visit.
func (p *Population) Course(seed uint64, c fieldwork.Case) (*Course, error) {
	people, err := p.household(c.ID)
	if err != nil {
		return nil, err
	}
	id := textNumber(c.ID)
	start := int(uniform(seed, id, streamStart) * 8)
	if start >= 5 { // Monday of the week after, not Saturday
		start += 2
	}
	course := &Course{}
	for n := range visits {
		t := Try{After: visitAt(start, n), Outcome: fieldwork.NobodyHome}
		switch {
		case len(people) == 0 && n == 0:
			t.Outcome = fieldwork.NoAnswer
		case len(people) == 0:
			t.Outcome = fieldwork.Vacant
		case uniform(seed, id, streamLost) < 0.01:
			t.Outcome = fieldwork.NotFound
		case uniform(seed, id, streamContact, uint64(n)) < contact(people, n):
			if refuses := map[string]float64{"urban": 0.06, "rural": 0.02}[people[0].Residence]; uniform(seed, id, streamRefusal) < refuses {
				t.Outcome = fieldwork.HouseholdRefused
				course.Tries = insist(append(course.Tries, t))
				return course, nil
			}
			course.list(seed, id, people, t.After)
			return course, nil
		}
		course.Tries = append(course.Tries, t)
		if t.Outcome == fieldwork.Vacant {
			break
		}
	}
	return course, nil
}

// contact is the probability that somebody is met at the n-th visit.
func contact(people []*Person, n int) float64 {
	chance := 0.60
	if people[0].Residence == "urban" {
		chance = 0.40
	}
	if n > 0 { // in the evening and at the weekend
		chance += 0.15
	}
	for _, x := range people {
		if x.Age >= 60 {
			return chance + 0.12
		}
	}
	if len(people) == 1 && people[0].Age < 30 {
		chance -= 0.10
	}
	return chance
}

// list writes down who lives in the household: the adults, and the children of some.
func (c *Course) list(seed, id uint64, people []*Person, at time.Duration) {
	c.People = people
	l := &household.Listing{Method: household.Kish}
	for i, x := range people {
		sex := household.Woman
		if x.Sex == "1" {
			sex = household.Man
		}
		l.Persons = append(l.Persons, household.Person{Line: i + 1, Sex: sex, Age: x.Age, Eligible: true})
	}
	for n := range int(3 * uniform(seed, id, streamChildren) * uniform(seed, id, streamChildren, 1)) {
		l.Persons = append(l.Persons, household.Person{Line: len(people) + n + 1, Sex: household.SexUnknown, Age: int(17 * uniform(seed, id, streamChildren, 2+uint64(n)))})
	}
	l.Opener = 1 + int(uniform(seed, id, streamOpener)*float64(len(people)))
	c.Listing = l
	c.Tries = append(c.Tries, Try{After: at})
}

// ListedAt is when the household was listed.
func (c *Course) ListedAt() time.Duration { return c.Tries[len(c.Tries)-1].After }

// Selected is what becomes of the person who was selected: further attempts, and when the
// interview begins, if there is one. Men, the young and people in towns take part less
// often; weighting by city, residence, sex and age can repair that, since nothing else
// decides.
func (p *Population) Selected(seed uint64, x *Person, at time.Duration) (tries []Try, interview time.Duration, answers bool) {
	if uniform(seed, x.id, streamAway) < 0.25 {
		next := (at/(24*time.Hour)+1)*24*time.Hour + 18*time.Hour
		tries = append(tries, Try{After: at, Outcome: fieldwork.Appointment, Appointment: next})
		at = next
	}
	if !p.agrees(seed, x) {
		return insist(append(tries, Try{After: at, Outcome: fieldwork.PersonRefused})), 0, false
	}
	return tries, at + 5*time.Minute, true
}

// insist adds visits in vain to those that ended with a refusal, as many as are asked for
// before a case is given up.
func insist(tries []Try) []Try {
	for n := len(tries); n < fieldwork.DefaultAttemptRules.Visits; n++ {
		last := tries[len(tries)-1]
		day, hour := last.After/(24*time.Hour)+2, 10*time.Hour
		if day%7 >= 5 { // from the weekend to a working day
			day += 2
		}
		if last.After%(24*time.Hour) < 12*time.Hour {
			hour = 19 * time.Hour
		}
		tries = append(tries, Try{After: day*24*time.Hour + hour, Outcome: last.Outcome})
	}
	return tries
}

// agrees reports whether a selected person takes part.
func (p *Population) agrees(seed uint64, x *Person) bool {
	logit := 1.45
	if x.Sex == "1" {
		logit -= 0.25
	}
	if x.Age < 30 {
		logit -= 0.45
	}
	if x.Age >= 60 {
		logit += 0.35
	}
	if x.Residence == "urban" {
		logit -= 0.2
	} else {
		logit += 0.4
	}
	return uniform(seed, x.id, streamRespond) < 1/(1+math.Exp(-logit))
}

// Chance is a number in [0, 1) that follows from a seed and a text, for what happens in the
// office.
func Chance(seed uint64, text string) float64 { return uniform(seed, textNumber(text), streamOffice) }

// Standing is what the fieldwork says of a case in the end, and who answers if somebody
// does, given the number that selects in the household.
func (p *Population) Standing(seed uint64, c fieldwork.Case, number household.Number) (fieldwork.Standing, *Person, error) {
	course, err := p.Course(seed, c)
	if err != nil {
		return fieldwork.Standing{}, nil, err
	}
	s := fieldwork.Standing{Case: c.ID}
	var x *Person
	tries := course.Tries
	if course.Listing != nil {
		l := *course.Listing
		l.Case, l.Date = c.ID, household.Date{Year: 2026, Month: 6, Day: 1}
		e, err := household.Reveal(l, number)
		if err != nil {
			return s, nil, fmt.Errorf("the demo: %w", err)
		}
		s.Eligible = e.Selection.K
		selected := course.People[e.Selection.Line-1]
		var more []Try
		if more, _, s.Counts = p.Selected(seed, selected, course.ListedAt()); s.Counts {
			x = selected
		}
		tries = append(tries[:len(tries)-1:len(tries)-1], more...)
	}
	var outcomes []fieldwork.OutcomeCode
	for _, t := range tries {
		outcomes = append(outcomes, t.Outcome)
	}
	if s.Counts {
		outcomes = append(outcomes, fieldwork.Completed)
	}
	r, err := fieldwork.Resolve(outcomes)
	s.Disposition = r.Code
	return s, x, err
}
