package assess_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/suyang-survey/suyang/internal/assess"
)

// The mean scores by every factor of the General Social Survey are those of R 4.2.2 with
// survey 4.1.1: svyby(~score, ~factor, svymean) on the design with every PSU, in
// gss_reference.json.
func TestScoresByFactor(t *testing.T) {
	var reference struct {
		Years map[string]struct {
			Domain struct {
				ScoreBy map[string]map[string]struct {
					Est, SE, Deff float64
					N             int
				} `json:"score_by"`
			}
		}
	}
	src, err := os.ReadFile("../../analysis/testdata/gss_reference.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(src, &reference); err != nil {
		t.Fatal(err)
	}
	q, p := shipped(t, "gss-science")
	r, err := assess.Assess(context.Background(), gss(t, q), q, p, assess.Options{Wave: "gss"})
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, table := range r.Tables {
		for _, g := range table.Scores {
			for i, level := range r.SeriesLevels {
				want, known := reference.Years[level.Code].Domain.ScoreBy[table.Factor.ID][g.Code]
				if !known {
					t.Errorf("R has no score of %s=%s in %s", table.Factor.ID, g.Code, level.Code)
					continue
				}
				what, e := level.Code+" score of "+table.Factor.ID+"="+g.Code, g.Rows[i].Estimate
				near(t, what, e.Value, want.Est)
				near(t, what+" SE", e.SE, want.SE)
				near(t, what+" deff", e.DEff, want.Deff)
				if e.N != want.N || e.Lo >= e.Value || e.Hi <= e.Value || g.Max != 9 {
					t.Errorf("%s: n = %d, want %d; interval %v to %v around %v; of %v points, want 9", what, e.N, want.N, e.Lo, e.Hi, e.Value, g.Max)
				}
				compared++
			}
		}
	}
	if want := 2 * (2 + 5 + 4 + 3 + 9); compared != want {
		t.Errorf("%d scores were compared, want %d", compared, want)
	}
}

// A set of groups has scores, too, and replicates give the same ones as linearised variances.
func TestScoresOfGroupSets(t *testing.T) {
	m, q, p := civic(t)
	linear := assessed(t, m, q, p, assess.Options{})
	replicated := assessed(t, m, q, p, assess.Options{Variance: assess.Variance{Method: assess.JKn}})
	elderly := score(t, linear, "key-groups", "elderly")
	oldest := score(t, linear, "age_group", "60-69")
	if elderly.N == 0 || elderly.N != oldest.N {
		t.Fatalf("the elderly are %d people, those of 60 to 69 %d", elderly.N, oldest.N)
	}
	near(t, "score of the elderly", elderly.Value, oldest.Value)
	near(t, "SE of the elderly", elderly.SE, oldest.SE)
	near(t, "score from replicates", score(t, replicated, "key-groups", "elderly").Value, oldest.Value)
	if se := score(t, replicated, "key-groups", "elderly").SE; math.Abs(se/oldest.SE-1) > 0.1 {
		t.Errorf("SE of the elderly = %v from a jackknife, %v linearised", se, oldest.SE)
	}
}

// score finds the estimate of a group's score.
func score(t *testing.T, r *assess.Results, table, group string) (e struct {
	Value, SE float64
	N         int
}) {
	t.Helper()
	for _, tab := range r.Tables {
		for _, g := range tab.Scores {
			if tab.Factor.ID == table && g.Code == group {
				e.Value, e.SE, e.N = g.Rows[0].Estimate.Value, g.Rows[0].Estimate.SE, g.Rows[0].Estimate.N
				return e
			}
		}
	}
	t.Fatalf("the table %q has no score of %q", table, group)
	return e
}
