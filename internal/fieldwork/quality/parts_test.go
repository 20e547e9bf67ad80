package quality

import (
	"fmt"
	"math"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// Interviews with one of two halves each, in turn: more share each half than are compared,
// yet those that share both lie beside each other and are found.
func TestExactCopiesInACrowd(t *testing.T) {
	q, ivs := made(t, 40, 80)
	for i := range ivs {
		ivs[i].Enumerator, ivs[i].PSU = "", ""
		for k := range 80 {
			from := ivs[(i>>(k%2))&1].Answers // even items by the first bit of i, odd ones by the second
			if i > 3 {
				ivs[i].Answers[fmt.Sprintf("q%d", k)] = from[fmt.Sprintf("q%d", k)]
			}
		}
	}
	r := DefaultDuplicate()
	r.Apart, r.Bucket = 1, 1
	found, err := waveOf(t, q, ivs[4:]).Duplicates(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Value != 1 || f.Outcome != Flagged {
			t.Errorf("%+v, want a copy", f)
		}
	}
}

// One of three enumerators is far off. Held against him too, the others would be off by
// half as much, 5 with an error of 0.3; held against each other they are not.
func TestFlaggedNoLongerCounts(t *testing.T) {
	w := New(small())
	var values []float64
	for i := range 60 {
		e := i % 3
		w.rows = append(w.rows, row{enumerator: string(rune('A' + e))})
		values = append(values, float64(i/3%2)) // half of them 0, half 1
		if e == 0 {
			values[i] += 10
		}
	}
	r := DefaultEnumerator()
	v := w.variance(values, r)
	all := []one{v.apart("A", RightShare, r), v.apart("B", RightShare, r), v.apart("C", RightShare, r)}
	near(t, "B against A and C", all[1].Value, -5, 1e-12)
	holm(all, r)
	for i, want := range []struct {
		value   float64
		outcome Outcome
	}{{10, Flagged}, {0, Clear}, {0, Clear}} {
		near(t, "the difference of "+all[i].Enumerator, all[i].Value, want.value, 1e-12)
		if all[i].Outcome != want.outcome {
			t.Errorf("%+v, want %s", all[i].Finding, want.outcome)
		}
	}
}

// Everybody takes ten times as long for the second kind of page. Who saw only the one or
// the other is neither quick nor slow; who took half the time is quick by log 2.
func TestSpeedsOfPages(t *testing.T) {
	w := New(small())
	add := func(factor float64, paces ...float64) {
		from := len(w.pages)
		for k, pace := range paces {
			at := pageID{0, k}
			if pace == 1000 {
				at = pageID{1, k}
			}
			w.pages = append(w.pages, page{at: at, length: 20, millis: 20 * pace * factor})
		}
		w.rows = append(w.rows, row{pages: [2]int{from, len(w.pages)}})
	}
	for range 20 {
		add(1, 100, 100, 100, 1000, 1000)
	}
	add(1, 100, 100, 100)
	add(0.5, 100, 100, 1000, 1000, 1000)
	add(1, 100, 100)
	got := w.speeds(3)
	near(t, "both kinds", got[0], 0, 1e-12)
	near(t, "the quick kind only", got[20], 0, 1e-12)
	near(t, "half the time", got[21], -math.Ln2, 1e-12)
	if !math.IsNaN(got[22]) {
		t.Errorf("two pages give %v, want no effect", got[22])
	}
}

// Answers made by the Rasch model give its difficulties back: with 5,000 people the error
// of a logit is about 0.035, and PROX, which takes ability and difficulty for normal, adds
// less than 0.1.
func TestDifficulties(t *testing.T) {
	const items, people = 20, 5000
	options := []surveys.Option{{Code: "1"}, {Code: "2"}}
	q := &surveys.Questionnaire{ID: "rasch", Sections: []surveys.Section{{ID: "s"}}}
	for k := range items {
		q.Sections[0].Items = append(q.Sections[0].Items, surveys.Item{ID: fmt.Sprint("q", k), Type: surveys.Single, Options: options, Dimension: "d", Key: []string{"1"}})
	}
	rng := random(5, "rasch")
	ease := func(k int) float64 { return float64(k-items/2) * 0.2 }
	w := New(q)
	for i := range people {
		iv := Interview{Interview: surveys.Interview{ID: fmt.Sprint(i), Answers: surveys.Answers{}}}
		ability := rng.NormFloat64()
		for k := range items {
			code := "2"
			if rng.Float64() < logistic(ability+ease(k)) {
				code = "1"
			}
			iv.Answers[fmt.Sprint("q", k)] = []string{code}
		}
		if err := w.Add(iv); err != nil {
			t.Fatal(err)
		}
	}
	order, odds := w.difficulties()
	shift := 0.0
	for n, k := range order {
		shift += (math.Log(odds[n]) - ease(k)) / items
	}
	for n, k := range order {
		near(t, fmt.Sprintf("ease of item %d", k), math.Log(odds[n])-shift, ease(k), 0.2)
	}
	// Under the model the standardised number of errors has mean 0 and variance 1.
	var sum, squares float64
	n := 0.0
	for _, f := range w.fits(10) {
		if z := f.z(); !math.IsNaN(z) {
			sum += z
			squares += z * z
			n++
		}
	}
	near(t, "mean of z", sum/n, 0, 0.1)
	near(t, "variance of z", squares/n-sum/n*sum/n, 1, 0.1)
}

// A line that nearly everybody draws says nothing, one that nobody else does a lot, and
// N counts the blocks that could be judged.
func TestStraightLineAgainstTheWave(t *testing.T) {
	q := small()
	r := LineRule{Rows: 3, Surprise: 2, Wave: 50}
	w := New(q)
	add := func(id string, rows ...string) {
		a := surveys.Answers{}
		for k, v := range rows {
			a[fmt.Sprint("r", k+1)] = []string{v}
		}
		if err := w.Add(Interview{Interview: surveys.Interview{ID: id, Answers: a}}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 199 {
		add(fmt.Sprint(i), "1", "2", "1")
	}
	add("line", "1", "1", "1")
	add("dk", "1", "dk", "1")
	found, err := w.StraightLine(r)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "surprise of one line in 200", found[199].Value, -math.Log10(2.0/201), 1e-12)
	if found[199].Outcome != Flagged || found[0].Outcome != Clear || found[200].Why != whyNoBlock || found[199].N != 1 {
		t.Errorf("%+v, %+v, %+v", found[199], found[0], found[200])
	}
	for i := range 400 {
		add(fmt.Sprint("more ", i), "2", "2", "2")
	}
	if found, err = w.StraightLine(r); err != nil || found[199].Outcome != Clear {
		t.Errorf("among 400 other lines: %+v, %v, want clear", found[199], err)
	}
}
