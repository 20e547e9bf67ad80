package fieldwork

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// Every interview of an enumerator has the same chance, the number is what the rule asks
// for, and those drawn before count towards it.
func TestDrawBackChecks(t *testing.T) {
	var list []Checkable
	for i := range 40 {
		list = append(list, Checkable{fmt.Sprintf("c%02d", i), "i", map[bool]string{true: "li", false: "chen"}[i < 35]})
	}
	times := map[string]int{}
	const rounds = 4000
	for seed := range rounds {
		drawn, err := DrawBackChecks(seed+1, list, nil, DefaultBackCheckRule)
		if err != nil || len(drawn) != 4+3 { // a tenth of 35, rounded up, and three of five
			t.Fatalf("%d are drawn (%v)", len(drawn), err)
		}
		for _, c := range drawn {
			times[c.Case]++
		}
	}
	for _, c := range list {
		p := 4.0 / 35
		if c.Enumerator == "chen" {
			p = 3.0 / 5
		}
		// Five standard errors of a binomial share: over 40 cases a false alarm once in 40,000 runs.
		if got, se := float64(times[c.Case])/rounds, math.Sqrt(p*(1-p)/rounds); math.Abs(got-p) > 5*se {
			t.Errorf("%s is drawn with %.4f, want %.4f ± %.4f", c.Case, got, p, se)
		}
	}
	again, err := DrawBackChecks(7, list, map[string]int{"li": 3, "chen": 3}, DefaultBackCheckRule)
	if err != nil || len(again) != 1 || again[0].Enumerator != "li" { // a tenth of 38 is 4, of which 3 were drawn
		t.Errorf("after three of each there come %v (%v)", again, err)
	}
	same, err := DrawBackChecks(7, list, map[string]int{"li": 3, "chen": 3}, DefaultBackCheckRule)
	if err != nil || !reflect.DeepEqual(again, same) {
		t.Errorf("the same seed gives %v and %v (%v)", again, same, err)
	}
	if _, err := DrawBackChecks(1, list, nil, BackCheckRule{Share: 1.5}); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("a share of 1.5: %v", err)
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
