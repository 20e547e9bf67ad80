package form

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
)

// An interview tells how it went; Replay does not take what cannot have been.
func TestForgedCourse(t *testing.T) {
	f := readForm(t, "shuffled")
	honest := func() *surveys.Interview {
		s, err := f.Start(Start{Seed: 4})
		if err != nil {
			t.Fatal(err)
		}
		for key, v := range map[string]string{"fruit": "none", "two": "x", "three": "x", "r1": "1", "r2": "2", "r3": "1", "qa1": "x", "qb1": "x", "qc1": "x", "bye": "x"} {
			s.Set(key, []string{v})
		}
		r, problems := s.Finish()
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		r.Paradata.Millis = map[string]int64{"fruit": 1200}
		return &surveys.Interview{Answers: r.Answers, Paradata: r.Paradata}
	}
	for name, c := range map[string]struct {
		forge func(iv *surveys.Interview)
		want  string
	}{
		"honest":                {func(*surveys.Interview) {}, ""},
		"honestly broken off":   {func(iv *surveys.Interview) { iv.Partial, iv.Last = true, "qb1"; delete(iv.Answers, "qb1") }, ""},
		"another seed":          {func(iv *surveys.Interview) { iv.Paradata.Seed = 5 }, "interview: other-order"},
		"no seed":               {func(iv *surveys.Interview) { iv.Paradata.Seed = 0 }, "interview: other-order"},
		"no orders":             {func(iv *surveys.Interview) { iv.Paradata.Orders = nil }, "interview: other-order"},
		"another order":         {func(iv *surveys.Interview) { slices.Reverse(iv.Paradata.Orders["fruit"]) }, "interview: other-order"},
		"an order of nothing":   {func(iv *surveys.Interview) { iv.Paradata.Orders["best"] = nil }, "interview: other-order"},
		"a booklet":             {func(iv *surveys.Interview) { iv.Booklet = "A" }, "interview: unknown-booklet"},
		"a check of nothing":    {func(iv *surveys.Interview) { iv.Paradata.Kept = []string{"fruit:1"} }, "interview: other-checks"},
		"time on another page":  {func(iv *surveys.Interview) { iv.Paradata.Millis["r2"] = 5 }, "interview: unknown-page"},
		"time before the start": {func(iv *surveys.Interview) { iv.Paradata.Millis["fruit"] = -5 }, "interview: unknown-page"},
		"reached, and finished": {func(iv *surveys.Interview) { iv.Last = "qb1" }, "interview: unknown-page"},
		"reached nowhere":       {func(iv *surveys.Interview) { iv.Partial, iv.Last = true, "nowhere" }, "interview: unknown-page"},
		"reached within a page": {func(iv *surveys.Interview) { iv.Partial, iv.Last = true, "r2" }, ""},
	} {
		iv := honest()
		c.forge(iv)
		var got []string
		for _, p := range f.Replay(iv) {
			got = append(got, p.String())
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: Replay = %v, want %q", name, got, c.want)
		}
	}
}

// What is asked without random orders has no seed.
func TestSeedOfNothing(t *testing.T) {
	f := readForm(t, "internet")
	s := resume(t, f, surveys.Answers{"internet": {"dk"}})
	r, problems := s.Finish()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	iv := &surveys.Interview{Answers: r.Answers, Paradata: surveys.Paradata{Seed: 7}}
	if found := f.Replay(iv); len(found) != 1 || found[0].Code != OtherOrder {
		t.Errorf("Replay with a seed = %v", found)
	}
	withSeed, err := f.Start(Start{Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	withSeed.Set("internet", []string{"dk"})
	if r, _ := withSeed.Finish(); r.Paradata.Seed != 0 || r.Paradata.Orders != nil {
		t.Errorf("nothing is shuffled, but %+v is recorded", r.Paradata)
	}
}

// Every order comes up equally often, whatever the seeds have in common, and the order of
// one thing says nothing about that of another.
func TestOrdersAreUniform(t *testing.T) {
	const seeds = 24_000
	count, together := map[string]float64{}, map[string]float64{}
	for seed := range uint32(seeds) {
		one, two := []string{"1", "2", "3", "4"}, []string{"1", "2", "3", "4"}
		shuffle(seed+1, "options q1", one)
		shuffle(seed+1, "options q2", two)
		count[strings.Join(one, "")]++
		together[one[0]+two[0]]++
	}
	for what, c := range map[string]struct {
		counts map[string]float64
		cells  int
	}{"the 24 orders": {count, 24}, "the first of two": {together, 16}} {
		want, chi2 := seeds/float64(c.cells), 0.0
		for _, n := range c.counts {
			chi2 += (n - want) * (n - want) / want
		}
		df := float64(c.cells - 1) // χ² has mean df and variance 2 df; 5 standard deviations
		if len(c.counts) != c.cells || chi2 > df+5*math.Sqrt(2*df) || chi2 < df-5*math.Sqrt(2*df) {
			t.Errorf("%s: %d come up, χ² = %.1f on %.0f degrees of freedom", what, len(c.counts), chi2, df)
		}
	}
}

// The order of a seed is a promise: interviews with it are out in the world. These are
// golden.
func TestOrdersOfSeeds(t *testing.T) {
	for want, seed := range map[string]uint32{"[a b c d e f]": 0, "[e b c f a d]": 1, "[c b e a d f]": 2, "[a b e d f c]": math.MaxUint32} {
		things := []string{"a", "b", "c", "d", "e", "f"}
		shuffle(seed, "options q", things)
		if got := fmt.Sprint(things); got != want {
			t.Errorf("seed %d: %s, want %s", seed, got, want)
		}
	}
}

// Sections, progress and places are those of this person.
func TestProgress(t *testing.T) {
	s := begin(t, readForm(t, "household"))
	var got []string
	note := func() {
		st := s.State()
		page := "end"
		if st.Page != nil {
			page = st.Page.ID
		}
		got = append(got, fmt.Sprintf("%s: %d of %d, %d blank, %.2f, %d sections", page, st.Answered+st.Blank, st.Asked, st.Blank, st.Progress, st.Relevant))
	}
	note()
	for _, page := range []map[string][]string{{"people": {"2"}}, {"name#1": {"甲"}, "age#1": {"40"}}, {"name#2": {"乙"}, "age#2": {"dk"}}, {}, {"phone": {"yes"}}} {
		s.SubmitShown(page, 0)
		if problems := s.Next(); len(problems) > 0 {
			t.Fatal(problems)
		}
		note()
	}
	want := []string{
		"address: 0 of 2, 0 blank, 0.00, 1 sections",
		"name#1: 2 of 6, 1 blank, 0.33, 1 sections",
		"name#2: 4 of 6, 1 blank, 0.67, 1 sections",
		"first: 6 of 6, 1 blank, 1.00, 1 sections",
		"end: 6 of 6, 1 blank, 1.00, 1 sections",
		"end: 6 of 6, 1 blank, 1.00, 1 sections",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The time on a page is added over all visits, and belongs to the page.
func TestMillis(t *testing.T) {
	s := begin(t, readForm(t, "pages"))
	s.SubmitShown(map[string][]string{"start": {"x"}, "b": {"x"}}, 1500e6)
	s.Next()
	s.SubmitShown(map[string][]string{"c": {"x"}}, -5e9) // a clock that was set back
	s.Back()
	s.SubmitShown(map[string][]string{"start": {"x"}}, 250e6)
	if want := map[string]int64{"start": 1750}; !maps.Equal(s.Save().Millis, want) {
		t.Errorf("Millis = %v, want %v", s.Save().Millis, want)
	}
}
