package office

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/surveys"
)

const householdPlan = `seed: 7
frame: frame.csv
strata: [county]
stages:
  - {unit: village, method: pps-systematic, size: households, number: 2}
  - {unit: household, method: systematic, number: 3, reserve: {replicates: 2, each: 2}}
person: kish
`

// drawn is a draw of households in three counties.
func drawn(t *testing.T, plan string) *fieldwork.Draw {
	t.Helper()
	f := &fieldwork.Frame{Hash: "0", Vintage: "2023"}
	for _, county := range []string{"330106", "330102", "330203"} {
		for v := range 4 {
			f.Units = append(f.Units, fieldwork.FrameUnit{Code: fmt.Sprintf("%s001%03d", county, v+1), Class: "urban", Households: 40 + 10*v})
		}
	}
	p, err := fieldwork.ReadDrawPlan("plan.yaml", []byte(plan))
	must(t, err)
	d, err := p.Draw(f, "test", nil)
	must(t, err)
	return d
}

// put keeps a draw with some replicates released.
func put(t *testing.T, s *Store, d *fieldwork.Draw, released int) error {
	t.Helper()
	cases, err := d.Cases(released)
	must(t, err)
	return s.PutDraw(t.Context(), NewDraw{Wave: wave, Draw: d, Released: released, Cases: cases, By: "setup", At: nine})
}

// drawnStore has everybody's account and the cases of the draw.
func drawnStore(t *testing.T) (*Store, *fieldwork.Draw) {
	t.Helper()
	s := fresh(t)
	for _, a := range []auth.Account{office, hz, wu, li, chen, ningbo} {
		must(t, s.PutAccount(t.Context(), a, "setup", nine))
	}
	d := drawn(t, householdPlan)
	must(t, put(t, s, d, 0))
	return s, d
}

// The same draw again changes nothing; another one, or fewer replicates, are refused; with
// more released their cases come and all weights are those of the larger sample.
func TestPutDraw(t *testing.T) {
	s, d := drawnStore(t)
	must(t, put(t, s, d, 0))
	first, err := s.Draw(t.Context(), wave)
	must(t, err)
	weights := func() map[string]float64 {
		m := map[string]float64{}
		must(t, s.Cases(t.Context(), office, Filter{Wave: wave}, func(c Case) bool { m[c.ID] = c.Weight; return true }))
		return m
	}
	before := weights()
	if err := put(t, s, drawn(t, strings.Replace(householdPlan, "seed: 7", "seed: 8", 1)), 0); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("another draw: %v", err)
	}
	must(t, put(t, s, d, 1))
	if err := put(t, s, d, 0); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("a replicate taken back: %v", err)
	}
	after := weights()
	want, err := d.Cases(1)
	must(t, err)
	if len(before) != 18 || len(after) != len(want) || len(want) != 30 {
		t.Fatalf("%d cases, then %d, and the draw has %d", len(before), len(after), len(want))
	}
	for _, c := range want {
		if after[c.ID] != c.Weight {
			t.Errorf("case %s weighs %v, want %v", c.ID, after[c.ID], c.Weight)
		}
	}
	if _, err := s.FrameFile(t.Context(), d.Frame.Hash); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("a frame that was not given: %v", err)
	}
	now, err := s.Draw(t.Context(), wave)
	must(t, err)
	if now.Released != 1 || now.Hash != first.Hash || now.Seal != first.Seal || now.Method != household.Kish {
		t.Errorf("the draw was %+v and is %+v", first, now)
	}
	kept, err := s.DrawFile(t.Context(), wave)
	must(t, err)
	if len(kept.Units) != len(d.Units) || kept.Seed != 7 {
		t.Errorf("the kept draw has %d units and the seed %d", len(kept.Units), kept.Seed)
	}
	secret, err := s.Secret(t.Context(), wave)
	must(t, err)
	bound, err := s.Committed(t.Context(), office, wave)
	must(t, err)
	if faults, err := household.Audit(secret, now.Seal, bound); err != nil || len(faults) != 0 || len(bound) != 30 {
		t.Errorf("%d commitments: %v (%v)", len(bound), faults, err)
	}
}

// The frame is kept as it was drawn from, and another file is refused.
func TestFrameFile(t *testing.T) {
	s := fresh(t)
	d := drawn(t, householdPlan)
	file := []byte(strings.Repeat("code,households\n330106001001,50\n", 1000))
	sum := sha256.Sum256(file)
	d.Frame.Hash = hex.EncodeToString(sum[:])
	cases, err := d.Cases(0)
	must(t, err)
	keep := func(frame []byte) error {
		return s.PutDraw(t.Context(), NewDraw{Wave: wave, Draw: d, Cases: cases, Frame: frame, By: "setup", At: nine})
	}
	if err := keep(file[1:]); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("another frame: %v", err)
	}
	if _, err := s.Draw(t.Context(), wave); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("the draw is kept without its frame: %v", err)
	}
	for range 2 {
		must(t, keep(file))
	}
	if got, err := s.FrameFile(t.Context(), d.Frame.Hash); err != nil || !bytes.Equal(got, file) {
		t.Errorf("%d bytes are kept of %d (%v)", len(got), len(file), err)
	}
}

func listing(ages ...int) household.Listing {
	l := household.Listing{Method: household.Kish, Date: household.Date{Year: 2026, Month: 6, Day: 1}, Opener: 1}
	for i, age := range ages {
		l.Persons = append(l.Persons, household.Person{Line: i + 1, Sex: household.Man, Age: age, Eligible: age >= 18 && age < 70})
	}
	return l
}

// A household is listed once, whoever tries and however many at once; the number shows only
// then, the evidence holds against the commitments, and 1/k reaches the weight.
func TestSelectOnce(t *testing.T) {
	s, _ := drawnStore(t)
	var id string
	must(t, s.Cases(t.Context(), wu, Filter{Wave: wave, Limit: 1}, func(c Case) bool { id = c.ID; return true }))
	_, err := s.Act(t.Context(), wu, wave, id, 0, fieldwork.Event{At: nine, Action: fieldwork.Assign, Enumerator: "li"}, somehow)
	must(t, err)
	if _, err := s.Select(t.Context(), chen, wave, id, listing(40), nine); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("somebody else's case: %v", err)
	}
	if _, err := s.Select(t.Context(), li, wave, id, listing(10, 80), nine); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("a household with nobody eligible: %v", err)
	}
	var wg sync.WaitGroup
	results := make([]error, 6)
	for n := range results {
		wg.Go(func() { _, results[n] = s.Select(t.Context(), li, wave, id, listing(40+n, 38, 10), nine) })
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, surveys.ErrConflict) {
			t.Errorf("a loser got %v", err)
		}
	}
	list, err := s.Evidence(t.Context(), office, wave)
	must(t, err)
	if won != 1 || len(list) != 1 || list[0].Who != "li" || list[0].Selection.K != 2 {
		t.Fatalf("%d listings stand; evidence %+v", won, list)
	}
	again, err := s.Select(t.Context(), li, wave, id, list[0].Listing, nine)
	if err != nil || again.Selection != list[0].Selection {
		t.Errorf("the same listing again: %+v (%v)", again.Selection, err)
	}
	// Another listing does not replace it, and the words promise nothing that cannot be done.
	another := list[0].Listing
	another.Persons = slices.Clone(another.Persons)
	another.Persons[0].Age++
	if _, err := s.Select(t.Context(), li, wave, id, another, nine); !errors.Is(err, surveys.ErrConflict) || !strings.Contains(err.Error(), "that stands, even if the listing was wrong") {
		t.Errorf("another listing: %v", err)
	}
	bound, err := s.Committed(t.Context(), office, wave)
	must(t, err)
	if faults := household.Replay(bound, []household.Evidence{list[0].Evidence}); len(faults) != 0 {
		t.Errorf("the evidence does not hold: %v", faults)
	}
	standings, err := s.Standings(t.Context(), wave)
	must(t, err)
	for _, x := range standings {
		if want := map[bool]int{true: 2}[x.Case == id]; x.Eligible != want {
			t.Errorf("case %s has k = %d, want %d", x.Case, x.Eligible, want)
		}
	}
}

// Interviews reach their cases once, in whatever batches the log is read; second ones and
// those of other cases change nothing.
func TestTake(t *testing.T) {
	s := staffed(t)
	entry := func(seq uint64, id, interview string, revision uint32, partial bool) Arrival {
		iv := surveys.Interview{ID: interview, Revision: revision, Wave: wave, Case: id, Mode: surveys.ModeWeb, Partial: partial}
		return Arrival{Response: surveys.Response{Interview: iv, Node: 1, Seq: seq, Received: nine.Add(time.Duration(seq) * time.Minute)}}
	}
	log := []Arrival{
		entry(1, "c1", "i1", 0, false), entry(2, "c2", "i2", 0, true), entry(3, "", "open", 0, false), entry(4, "not-drawn", "i4", 0, false),
		entry(5, "c1", "i5", 0, false), entry(6, "c2", "i2", 1, false), entry(7, "c1", "i1", 2, false),
		{Response: entry(8, "c3", "i8", 0, false).Response, Second: true},
		entry(9, "c4", "i9", 0, true), entry(10, "c4", "i10", 0, true), // broken off twice within a minute: one attempt
		entry(11, "c4", "i10", 1, false),
	}
	must(t, s.Take(t.Context(), log[:3], nil))
	must(t, s.Take(t.Context(), log, nil))     // from the beginning, as after a crash
	must(t, s.Take(t.Context(), log[4:], nil)) // and once more
	upTo, err := s.TakenUpTo(t.Context(), 1)
	must(t, err)
	if other, err := s.TakenUpTo(t.Context(), 2); upTo != 11 || other != 0 || err != nil {
		t.Errorf("node 1 was read up to %d, node 2 up to %d (%v)", upTo, other, err)
	}
	for id, want := range map[string]string{"c1": "submitted i1 2 2 1.1", "c2": "submitted i2 1 2 1.1", "c3": "drawn  0 0 3.11", "c4": "submitted i10 1 2 1.1"} {
		c, err := s.Case(t.Context(), office, wave, id, nine)
		must(t, err)
		code, err := c.Disposition()
		must(t, err)
		if got := fmt.Sprint(c.State, " ", c.Interview, " ", c.Revision, " ", c.Changes, " ", code); got != want {
			t.Errorf("case %s is %q, want %q", id, got, want)
		}
	}
	trail, err := s.Trail(t.Context(), 100)
	must(t, err)
	refused := 0
	for _, e := range trail {
		if e.Outcome == Refused {
			refused++
		}
	}
	if refused != 3 {
		t.Errorf("%d interviews were refused, want three", refused)
	}
}

// An interview that was broken off on a tablet was an attempt when it was broken off, which may
// be days before it came; a clock that cannot be right does not count.
func TestBrokenOffOnTablet(t *testing.T) {
	s := staffed(t)
	given, came := nine, nine.Add(72*time.Hour)
	for i, c := range []struct {
		id             string
		finished, want time.Time
	}{
		{"c1", nine.Add(3 * time.Hour), nine.Add(3 * time.Hour)},
		{"c2", came.Add(time.Hour), came},
		{"c3", given.Add(-time.Hour), given},
	} {
		happen(t, s, c.id, fieldwork.Event{At: given, Who: "province", Action: fieldwork.Assign, Enumerator: "li"})
		iv := surveys.Interview{ID: "i" + c.id, Wave: wave, Case: c.id, Mode: surveys.ModeTablet, Partial: true, Finished: c.finished}
		must(t, s.Take(t.Context(), []Arrival{{Response: surveys.Response{Interview: iv, Node: 1, Seq: uint64(i + 1), Received: came}}}, nil))
		k, err := s.Case(t.Context(), office, wave, c.id, came)
		if err != nil || len(k.Attempts) != 1 || !k.Attempts[0].At.Equal(c.want) || k.Attempts[0].Outcome != fieldwork.BrokenOff || k.Attempts[0].Contact != fieldwork.Visit {
			t.Errorf("case %s: %+v, %v; want an attempt at %v", c.id, k.Attempts, err, c.want)
		}
	}
}

// Back-checks are drawn once for each interview, seen in one's own area, and done by
// somebody else than the enumerator.
func TestBackChecks(t *testing.T) {
	s := staffed(t)
	for i, id := range []string{"c1", "c2", "c4"} {
		happen(t, s, id, fieldwork.Event{At: nine, Who: "province", Action: fieldwork.Assign, Enumerator: "li"}) // c4, too, outside li's area
		must(t, s.Take(t.Context(), []Arrival{{Response: surveys.Response{Interview: surveys.Interview{ID: "i" + id, Wave: wave, Case: id}, Node: 1, Seq: uint64(i + 1), Received: nine}}}, nil))
	}
	rule := fieldwork.BackCheckRule{Least: 2}
	if n, err := s.DrawBackChecks(t.Context(), hz, wave, 3, rule, nine); n != 2 || err != nil {
		t.Fatalf("%d are drawn (%v)", n, err)
	}
	if n, err := s.DrawBackChecks(t.Context(), hz, wave, 3, rule, nine); n != 0 || err != nil {
		t.Errorf("%d more are drawn (%v)", n, err)
	}
	if n, err := s.DrawBackChecks(t.Context(), office, wave, 4, rule, nine); n != 0 || !errors.Is(err, ErrSeed) {
		t.Errorf("with another seed %d are drawn (%v)", n, err)
	}
	if seed, err := s.BackCheckSeed(t.Context(), wave); seed != 3 || err != nil {
		t.Errorf("the seed of the wave is %d (%v)", seed, err)
	}
	if seed, err := s.BackCheckSeed(t.Context(), "none"); seed != 0 || err != nil {
		t.Errorf("the seed of a wave without back-checks is %d (%v)", seed, err)
	}
	if n, err := s.DrawBackChecks(t.Context(), li, wave, 4, rule, nine); n != 0 || !errors.Is(err, ErrForbidden) {
		t.Errorf("an enumerator draws %d (%v)", n, err)
	}
	list, err := s.BackChecks(t.Context(), ningbo, wave)
	if err != nil || len(list) != 0 {
		t.Errorf("another city sees %v (%v)", list, err)
	}
	done := fieldwork.BackCheck{At: nine, Reached: true, Faults: []fieldwork.BackCheckFault{fieldwork.OtherPerson}, Compared: 4, Differing: 1}
	if err := s.CheckBack(t.Context(), ningbo, wave, "c1", done); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("another city checks: %v", err)
	}
	must(t, s.CheckBack(t.Context(), wu, wave, "c1", fieldwork.BackCheck{At: nine}))
	must(t, s.CheckBack(t.Context(), wu, wave, "c1", done)) // the second time somebody was at home
	if err := s.CheckBack(t.Context(), hz, wave, "c1", done); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("a third check: %v", err)
	}
	if err := s.CheckBack(t.Context(), wu, wave, "c3", done); !errors.Is(err, surveys.ErrNotFound) && !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("one that was not drawn: %v", err)
	}
	list, err = s.BackChecks(t.Context(), hz, wave)
	must(t, err)
	if len(list) != 2 || list[0].Case != "c1" || list[0].Result == nil || list[0].Result.Who != "wu" || !list[0].Result.Reached || list[1].Result != nil {
		t.Errorf("the back-checks are %+v", list)
	}
}

// An interview is held against the person who was selected in the household: replay finds
// somebody else, whatever the reviews say.
func TestSomebodyElse(t *testing.T) {
	for name, c := range map[string]struct {
		told Told
		want []string
	}{
		"the selected one":    {Told{Sex: household.Man, Age: 41}, nil},
		"nothing is known":    {Told{Sex: household.SexUnknown, Age: household.AgeUnknown}, nil},
		"a woman":             {Told{Sex: household.Woman, Age: 40}, []string{"sex"}},
		"a son of the house":  {Told{Sex: household.Man, Age: 19}, []string{"age"}},
		"somebody altogether": {Told{Sex: household.Woman, Age: 70}, []string{"sex", "age"}},
	} {
		s, _ := drawnStore(t)
		var id string
		must(t, s.Cases(t.Context(), wu, Filter{Wave: wave, Limit: 1}, func(c Case) bool { id = c.ID; return true }))
		_, err := s.Act(t.Context(), wu, wave, id, 0, fieldwork.Event{At: nine, Action: fieldwork.Assign, Enumerator: "li"}, somehow)
		must(t, err)
		_, err = s.Select(t.Context(), li, wave, id, listing(40), nine)
		must(t, err)
		must(t, s.Take(t.Context(), []Arrival{{Response: surveys.Response{Interview: surveys.Interview{ID: "i", Wave: wave, Case: id}, Node: 1, Seq: 1, Received: nine}}},
			func(*surveys.Interview) Told { return c.told }))
		k, err := s.Case(t.Context(), office, wave, id, nine)
		must(t, err)
		bound, err := s.Committed(t.Context(), office, wave)
		must(t, err)
		made, err := s.Evidence(t.Context(), office, wave)
		must(t, err)
		faults := household.Replay(bound, []household.Evidence{made[0].Evidence})
		if found := len(faults) == 1 && faults[0].Fault == household.OtherPerson; !slices.Equal(k.Differs, c.want) || found != (c.want != nil) || len(faults) > 1 {
			t.Errorf("%s: differs in %v, faults %v", name, k.Differs, faults)
		}
	}
}

// The draw as a whole, commitments and evidence are for those whose area the cases lie in.
func TestAreasOfADraw(t *testing.T) {
	s, _ := drawnStore(t)
	for _, c := range []struct {
		who   auth.Account
		cases int
		whole bool
	}{{office, 18, true}, {auth.Account{Login: "p", Role: auth.Statistician, Area: "33"}, 18, true}, {hz, 12, false}, {ningbo, 6, false}} {
		bound, err := s.Committed(t.Context(), c.who, wave)
		must(t, err)
		err = s.Whole(t.Context(), c.who, wave, nine)
		if len(bound) != c.cases || (err == nil) != c.whole || err != nil && !errors.Is(err, surveys.ErrNotFound) {
			t.Errorf("%s sees %d commitments, and the whole draw: %v", c.who.Login, len(bound), err)
		}
	}
	trail, err := s.Trail(t.Context(), 2)
	must(t, err)
	if trail[0].Action != "read draw" || trail[0].Outcome != Refused {
		t.Errorf("the trail ends with %+v", trail[0])
	}
}
