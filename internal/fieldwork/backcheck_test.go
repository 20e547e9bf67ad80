package fieldwork

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// Every interview has the same chance, whether it came in the first round or the tenth; the
// least number of an enumerator is reached, and favours the first rounds.
func TestDrawBackChecks(t *testing.T) {
	const waves, rounds, each = 2000, 10, 10
	for _, c := range []struct {
		name  string
		rule  BackCheckRule
		first float64 // the chance in the first round; afterwards it is 0.1
	}{
		{"share alone", BackCheckRule{Share: 0.1}, 0.1},
		// In the first round an enumerator of whose 10 numbers N < 3 lie below 0.1 is given
		// three: E max(N, 3)/10 with N binomial (10, 0.1).
		{"at least three", DefaultBackCheckRule, 0.30146},
	} {
		times := make([]int, rounds)
		for seed := 1; seed <= waves; seed++ {
			drawn := map[string]bool{}
			for round := range rounds {
				var list []Checkable
				for i := range (round + 1) * each {
					if id := fmt.Sprintf("c%03d", i); !drawn[id] {
						list = append(list, Checkable{id, "i" + id, "li"})
					}
				}
				got, err := DrawBackChecks(seed, list, map[string]int{"li": len(drawn)}, c.rule)
				if err != nil {
					t.Fatal(err)
				}
				for _, k := range got {
					drawn[k.Case] = true
				}
			}
			if len(drawn) < c.rule.Least {
				t.Fatalf("%s: %d are drawn with the seed %d", c.name, len(drawn), seed)
			}
			for id := range drawn {
				i, err := strconv.Atoi(id[1:])
				if err != nil {
					t.Fatal(err)
				}
				times[i/each]++
			}
		}
		for round, n := range times {
			p := 0.1
			if round == 0 {
				p = c.first
			}
			// Five standard errors: over 20 rounds a false alarm once in 80,000 runs.
			if got, se := float64(n)/(waves*each), math.Sqrt(p*(1-p)/(waves*each)); math.Abs(got-p) > 5*se {
				t.Errorf("%s: interviews of round %d are drawn with %.4f, want %.4f ± %.4f", c.name, round+1, got, p, 5*se)
			}
		}
	}
	if _, err := DrawBackChecks(1, nil, nil, BackCheckRule{Share: 1.5}); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("a share of 1.5: %v", err)
	}
}

// Who was drawn does not depend on who else is there; the least number counts what was drawn
// before, and the map of the caller stays.
func TestDrawBackChecksOnce(t *testing.T) {
	var list []Checkable
	for i := range 40 {
		list = append(list, Checkable{fmt.Sprintf("c%02d", i), fmt.Sprintf("i%02d", i), map[bool]string{true: "li", false: "chen"}[i < 35]})
	}
	all, err := DrawBackChecks(7, list, nil, BackCheckRule{Share: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	first, err := DrawBackChecks(7, list[:20], nil, BackCheckRule{Share: 0.3})
	second, err2 := DrawBackChecks(7, list[20:], nil, BackCheckRule{Share: 0.3})
	if err != nil || err2 != nil || len(all) == 0 || !reflect.DeepEqual(append(first, second...), all) {
		t.Errorf("in two rounds %v and %v are drawn, at once %v (%v, %v)", first, second, all, err, err2)
	}
	before := map[string]int{"li": 3, "chen": 1}
	more, err := DrawBackChecks(7, list, before, BackCheckRule{Least: 3})
	if err != nil || len(more) != 2 || more[0].Enumerator != "chen" || more[1].Enumerator != "chen" || before["chen"] != 1 {
		t.Errorf("after three of li and one of chen there come %v (%v), and the count is %v", more, err, before)
	}
}

// The interval is that of R's prop.test(1, 10, correct = FALSE): 0.01787621, 0.40415003.
func TestDiscrepancies(t *testing.T) {
	tally := BackCheckTally{Enumerator: "li"}
	tally.Add(nil)
	tally.Add(&BackCheck{})
	tally.Add(&BackCheck{Reached: true, Faults: []BackCheckFault{OtherPerson}, Compared: 3, Differing: 1})
	for range 9 {
		tally.Add(&BackCheck{Reached: true, Compared: 2})
	}
	if want := (BackCheckTally{"li", 12, 11, 10, 1, 21, 1}); tally != want {
		t.Fatalf("the tally is %+v, want %+v", tally, want)
	}
	share, lower, upper, known := tally.Discrepancies()
	if !known || share != 0.1 || math.Abs(lower-0.01787621) > 5e-9 || math.Abs(upper-0.40415003) > 5e-9 {
		t.Errorf("%v (%.8f to %.8f), %v", share, lower, upper, known)
	}
	if _, _, _, known := (BackCheckTally{}).Discrepancies(); known {
		t.Error("without anybody reached the share is known")
	}
}

func TestBackCheckCheck(t *testing.T) {
	now := event("wu", Try, 0).At
	for name, c := range map[string]struct {
		check BackCheck
		fine  bool
	}{
		"confirmed":          {BackCheck{At: now, Who: "wu", Reached: true, Compared: 5}, true},
		"not reached":        {BackCheck{At: now, Who: "wu"}, true},
		"nobody asked":       {BackCheck{At: now, Reached: true}, false},
		"found by nobody":    {BackCheck{At: now, Who: "wu", Faults: []BackCheckFault{NoInterview}}, false},
		"more than all":      {BackCheck{At: now, Who: "wu", Reached: true, Compared: 2, Differing: 3}, false},
		"an unknown fault":   {BackCheck{At: now, Who: "wu", Reached: true, Faults: []BackCheckFault{"x"}}, false},
		"one fault, twice":   {BackCheck{At: now, Who: "wu", Reached: true, Faults: []BackCheckFault{Shortened, Shortened}}, false},
		"two faults at once": {BackCheck{At: now, Who: "wu", Reached: true, Faults: []BackCheckFault{Shortened, OtherMode}}, true},
	} {
		if err := c.check.Check(); (err == nil) != c.fine || err != nil && !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
