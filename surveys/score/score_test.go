package score_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

// cast is a questionnaire with the CAST criterion: 40/20/20/20 points for 20/10/10/10
// items named k1…, m1…, s1… and a1…, all with the key "r".
func cast() *surveys.Questionnaire {
	q := &surveys.Questionnaire{ID: "cast", Criterion: &surveys.Criterion{
		ID:       "cast",
		Cut:      70,
		Boundary: surveys.Above,
		Unasked:  surveys.UnaskedMissing,
		Levels:   []surveys.Level{{ID: "advanced", Cut: 85}, {ID: "literate", Cut: 70}, {ID: "basic", Cut: 55}},
	}}
	for _, d := range []struct {
		id     string
		points float64
		items  int
	}{{"k", 40, 20}, {"m", 20, 10}, {"s", 20, 10}, {"a", 20, 10}} {
		q.Criterion.Dimensions = append(q.Criterion.Dimensions, surveys.Dimension{ID: d.id, Points: d.points})
		q.Sections = append(q.Sections, surveys.Section{ID: d.id, Items: scored(d.id, d.items)})
	}
	return q
}

// scored makes n items of one dimension.
func scored(dimension string, n int) []surveys.Item {
	items := make([]surveys.Item, n)
	for i := range items {
		items[i] = surveys.Item{
			ID: fmt.Sprintf("%s%d", dimension, i+1), Type: surveys.Single, Dimension: dimension, Key: []string{"r"},
			Options: []surveys.Option{{Code: "r"}, {Code: "w"}, {Code: surveys.DontKnow}},
		}
	}
	return items
}

// answers answers the first items of each dimension right, in the order of the
// dimensions, and all others wrong.
func answers(q *surveys.Questionnaire, right ...int) surveys.Answers {
	a := surveys.Answers{}
	for s := range q.Sections {
		for i, it := range q.Sections[s].Items {
			a[it.ID] = []string{"w"}
			if i < right[s] {
				a[it.ID] = []string{"r"}
			}
		}
	}
	return a
}

func mustScore(t *testing.T, q *surveys.Questionnaire, a surveys.Answers) score.Result {
	t.Helper()
	r, ok := score.Score(q, a)
	if !ok {
		t.Fatalf("Score(%v) found no score", a)
	}
	return r
}

// Two points for each of the 50 items, so the expected numbers are counted by hand.
func TestScoreByTheCASTCriterion(t *testing.T) {
	q := cast()
	for _, c := range []struct {
		name     string
		right    []int
		total    float64
		level    int
		literate bool
	}{
		{"nothing right", []int{0, 0, 0, 0}, 0, 3, false},
		{"everything right", []int{20, 10, 10, 10}, 100, 0, true},
		{"exactly on 70 is not above it", []int{14, 7, 7, 7}, 70, 2, false},
		{"one item above 70", []int{15, 7, 7, 7}, 72, 1, true},
		{"one dimension alone does not suffice", []int{20, 0, 10, 0}, 60, 2, false},
		{"above 85", []int{18, 9, 8, 8}, 86, 0, true},
		{"below the lowest cut", []int{10, 5, 6, 6}, 54, 3, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := mustScore(t, q, answers(q, c.right...))
			got := []any{r.Total, r.Level, r.Literate}
			if want := []any{c.total, c.level, c.literate}; !cmp.Equal(got, want) {
				t.Errorf("Score() = %v, want %v", got, want)
			}
			points := []float64{2 * float64(c.right[0]), 2 * float64(c.right[1]), 2 * float64(c.right[2]), 2 * float64(c.right[3])}
			if !cmp.Equal(r.Dimensions, points) {
				t.Errorf("Score().Dimensions = %v, want %v", r.Dimensions, points)
			}
		})
	}
}

func TestBoundaryAtLeastIncludesTheCut(t *testing.T) {
	q := cast()
	q.Criterion.Boundary = surveys.AtLeast
	if r := mustScore(t, q, answers(q, 14, 7, 7, 7)); !r.Literate || r.Level != 1 {
		t.Errorf("70 points: literate %v, level %d; want true, 1", r.Literate, r.Level)
	}
}

func TestOnlyTheKeyIsRight(t *testing.T) {
	q := cast()
	for name, value := range map[string][]string{
		"wrong": {"w"}, "don't know": {"dk"}, "refused": {"refused"}, "blank": {}, "two values": {"r", "w"},
	} {
		a := answers(q, 20, 10, 10, 10)
		a["k1"] = value
		if r := mustScore(t, q, a); r.Total != 98 {
			t.Errorf("%s: Total = %v, want 98", name, r.Total)
		}
	}
}

func TestUnaskedItems(t *testing.T) {
	q := cast()
	a := answers(q, 20, 10, 10, 10)
	delete(a, "m1")

	r, ok := score.Score(q, a)
	if ok || !math.IsNaN(r.Total) || r.Level != -1 || r.Literate {
		t.Errorf("missing: Score() = %v, %v; want NaN, level -1, not literate, false", r, ok)
	}
	if want := []float64{40, math.NaN(), 20, 20}; !cmp.Equal(r.Dimensions, want, cmpopts.EquateNaNs()) {
		t.Errorf("missing: Dimensions = %v, want %v", r.Dimensions, want)
	}

	q.Criterion.Unasked = surveys.UnaskedWrong
	if r := mustScore(t, q, a); r.Total != 98 {
		t.Errorf("wrong: Total = %v, want 98", r.Total)
	}
}

func TestItemsLeftOut(t *testing.T) {
	q := cast()
	q.Criterion.Unasked = surveys.UnaskedLeftOut
	for _, c := range []struct {
		name  string
		right []int
		asked []int
		want  float64
		dims  []float64
	}{
		{"asked everything, it is the score of all items", []int{14, 7, 7, 7}, []int{20, 10, 10, 10}, 70, []float64{28, 14, 14, 14}},
		{"half of the items, all right", []int{10, 5, 5, 5}, []int{10, 5, 5, 5}, 100, []float64{40, 20, 20, 20}},
		{"one item of a dimension", []int{0, 1, 0, 0}, []int{4, 1, 3, 2}, 20, []float64{0, 20, 0, 0}},
		{"thirds are added as one fraction", []int{3, 2, 2, 1}, []int{4, 3, 3, 1}, 230.0 / 3, []float64{30, 40.0 / 3, 40.0 / 3, 20}},
		{"no item of a dimension", []int{1, 0, 1, 1}, []int{1, 0, 1, 1}, math.NaN(), []float64{40, math.NaN(), 20, 20}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := answers(q, c.right...)
			for s := range q.Sections {
				for _, it := range q.Sections[s].Items[c.asked[s]:] {
					delete(a, it.ID)
				}
			}
			r, ok := score.Score(q, a)
			if ok == math.IsNaN(c.want) || !cmp.Equal(r.Total, c.want, cmpopts.EquateNaNs()) {
				t.Errorf("Total = %v, %v; want %v", r.Total, ok, c.want)
			}
			if !cmp.Equal(r.Dimensions, c.dims, cmpopts.EquateNaNs()) {
				t.Errorf("Dimensions = %v, want %v", r.Dimensions, c.dims)
			}
		})
	}
}

// TestLeftOutIsTheSameForFullQuestionnaires compares the rules bit for bit where every
// item was asked.
func TestLeftOutIsTheSameForFullQuestionnaires(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := cast()
		var right []int
		for i, n := range []int{20, 10, 10, 10} {
			q.Criterion.Dimensions[i].Points = float64(rapid.IntRange(1, 60000).Draw(t, "thousandths")) / 1000
			right = append(right, rapid.IntRange(0, n).Draw(t, "right"))
		}
		a := answers(q, right...)
		want, _ := score.Score(q, a)
		q.Criterion.Unasked = surveys.UnaskedLeftOut
		if got, ok := score.Score(q, a); !ok || !cmp.Equal(got, want) {
			t.Fatalf("left-out %v, missing %v", got, want)
		}
	})
}

// Seven items for ten points: no float64 is 10/7, but the points of all seven are 10.
func TestThirdsDoNotDrift(t *testing.T) {
	q := cast()
	q.Criterion.Dimensions = []surveys.Dimension{{ID: "k", Points: 10}, {ID: "m", Points: 0.1}, {ID: "s", Points: 0.2}}
	q.Sections = []surveys.Section{{Items: scored("k", 7)}, {Items: scored("m", 3)}, {Items: scored("s", 3)}}
	q.Criterion.Cut, q.Criterion.Levels = 10.3, nil
	q.Criterion.Boundary = surveys.AtLeast
	if r := mustScore(t, q, answers(q, 7, 3, 3)); r.Total != 10.3 || !r.Literate {
		t.Errorf("Total = %v, literate %v; want exactly 10.3, true", r.Total, r.Literate)
	}
}

// The total must be the sum of right answers times their worth, rounded once, so it
// is compared with exact arithmetic on integers.
func TestTotalIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := cast()
		q.Criterion.Dimensions, q.Sections, q.Criterion.Levels = nil, nil, nil
		var right []int
		numerator, denominator, sum := 0, 1, 0
		for _, id := range []string{"k", "m", "s"} {
			n := rapid.IntRange(1, 12).Draw(t, "items")
			milli := rapid.IntRange(1, 60000).Draw(t, "thousandths of points")
			k := rapid.IntRange(0, n).Draw(t, "right")
			right = append(right, k)
			numerator, denominator = numerator*n+denominator*milli*k, denominator*n
			sum += milli
			q.Criterion.Dimensions = append(q.Criterion.Dimensions, surveys.Dimension{ID: id, Points: float64(milli) / 1000})
			q.Sections = append(q.Sections, surveys.Section{Items: scored(id, n)})
		}
		q.Criterion.Cut = float64(rapid.IntRange(0, sum).Draw(t, "cut")) / 1000
		r, ok := score.Score(q, answers(q, right...))
		if want := float64(numerator) / float64(denominator*1000); !ok || r.Total != want {
			t.Fatalf("Total = %v, %v; want %v", r.Total, ok, want)
		}
		cut := int(math.Round(q.Criterion.Cut * 1000))
		if want := numerator > cut*denominator; r.Literate != want {
			t.Fatalf("%v points, cut %v: literate %v, want %v", r.Total, q.Criterion.Cut, r.Literate, want)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*surveys.Questionnaire)
		says   string
	}{
		{"no criterion", func(q *surveys.Questionnaire) { q.Criterion = nil }, "no criterion"},
		{"no dimension", func(q *surveys.Questionnaire) { q.Criterion.Dimensions = nil }, "has no dimension"},
		{"a dimension without items", func(q *surveys.Questionnaire) { q.Criterion.Dimensions[1].ID = "x" }, `"x" has no scored item`},
		{"an item without key", func(q *surveys.Questionnaire) { q.Item("k3").Key = nil }, `"k3" is scored but has no key`},
		{"four decimals", func(q *surveys.Questionnaire) { q.Criterion.Dimensions[0].Points = 40.0001 }, "three decimals"},
		{"a cut that is no number", func(q *surveys.Questionnaire) { q.Criterion.Cut = math.NaN() }, "the cut is NaN"},
		{"a negative level", func(q *surveys.Questionnaire) { q.Criterion.Levels[0].Cut = -1 }, "level advanced is -1"},
		{"too many items to leave some out", func(q *surveys.Questionnaire) {
			q.Criterion.Unasked = surveys.UnaskedLeftOut
			for i := range q.Sections {
				q.Sections[i].Items = scored(q.Sections[i].ID, 600)
			}
		}, "too many items"},
		{"huge points", func(q *surveys.Questionnaire) { q.Criterion.Dimensions[0].Points = 9e12 }, "too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := cast()
			c.change(q)
			_, err := score.New(q)
			if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("New() = %v, want an invalid criterion: %s", err, c.says)
			}
			if _, ok := score.Score(q, surveys.Answers{}); ok {
				t.Error("Score() = true, want false")
			}
		})
	}
}

func TestItemsFollowTheDimensions(t *testing.T) {
	q := cast()
	s, err := score.New(q)
	if err != nil {
		t.Fatal(err)
	}
	items := s.Items()
	if len(items) != 50 || items[0] != "k1" || items[20] != "m1" || items[49] != "a10" {
		t.Errorf("Items() = %v, want k1…k20, m1…m10, s1…s10, a1…a10", items)
	}
	a := answers(q, 1, 0, 0, 10)
	a["k2"] = nil
	r, _ := s.Score(a)
	if i := slices.Index(items, "k1"); r.Right[i] != 1 || r.Right[i+1] != 0 || r.Right[49] != 1 {
		t.Errorf("Right = %v, want 1 for k1 and a1…a10", r.Right)
	}
}

func BenchmarkScore(b *testing.B) {
	q := cast()
	s, err := score.New(q)
	if err != nil {
		b.Fatal(err)
	}
	a := answers(q, 14, 7, 7, 7)
	b.ReportAllocs()
	for b.Loop() {
		s.Score(a)
	}
}
