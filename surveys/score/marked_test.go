package score_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

// Marks give the same float64 as answers, whatever the criterion does about items that were
// not asked; bits of no item change nothing.
func TestMarksGiveTheSameScores(t *testing.T) {
	for _, unasked := range []surveys.Unasked{surveys.UnaskedMissing, surveys.UnaskedWrong, surveys.UnaskedLeftOut} {
		q := odd()
		q.Sections[0].Items = scored("k", 90) // more than a word
		if q.Criterion.Unasked = unasked; unasked == surveys.UnaskedLeftOut {
			inBooklets(q)
		}
		s, err := score.New(q)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(21, 22))
		without := 0
		for range 2000 {
			a := randomAnswers(rng, q)
			want, scored := s.Score(a)
			if !scored {
				without++
			}
			points := make([]float64, len(want.Dimensions))
			right, asked := marks(s, q, a, rng)
			total := s.Marked(right, asked, points)
			if !slices.EqualFunc(append(want.Dimensions, want.Total), append(points, total), same) {
				t.Fatalf("unasked %s: %v %v from marks, want %v %v", unasked, total, points, want.Total, want.Dimensions)
			}
		}
		if lacking := unasked != surveys.UnaskedWrong; (without > 100) != lacking {
			t.Errorf("unasked %s: %d of 2000 have no score, which tests little", unasked, without)
		}
	}
}

func same(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
}

// marks has the bits of the items, and others at random.
func marks(s *score.Scorer, q *surveys.Questionnaire, a surveys.Answers, rng *rand.Rand) (right, asked []uint64) {
	items := s.Items()
	right, asked = make([]uint64, len(items)/64+1), make([]uint64, len(items)/64+1)
	for i := range len(right) * 64 {
		if i >= len(items) {
			right[i/64] |= rng.Uint64N(2) << (i % 64)
			asked[i/64] |= rng.Uint64N(2) << (i % 64)
			continue
		}
		values, there := a[items[i]]
		if there {
			asked[i/64] |= 1 << (i % 64)
		}
		if len(values) == 1 && slices.Contains(q.Item(items[i]).Key, values[0]) {
			right[i/64] |= 1 << (i % 64)
		}
	}
	return right, asked
}
