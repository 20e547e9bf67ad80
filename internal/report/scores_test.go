package report

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

// Whoever knows how many people each group stands for, which the census says, can add up the
// scores that are printed: of cities and regions to everybody's, and of cities to their
// region's. No score of a withheld group comes out, and none is printed in any table.
func TestScoresOfWithheldGroupsStayUnknown(t *testing.T) {
	attacked := 0
	for seed := range uint64(120) {
		rng := rand.New(rand.NewPCG(seed, 11))
		r := small(crowd(rng, 40+rng.IntN(140)))
		r.Score = []assess.Row{{Estimate: points(50, r.Headline[0].Estimate.N)}}
		for i := range r.Tables {
			for _, g := range r.Tables[i].Groups {
				e := points(30+40*rng.Float64(), g.Rows[0].Estimate.N)
				r.Tables[i].Scores = append(r.Tables[i].Scores, assess.Group{Code: g.Code, Name: g.Name, Max: 60, Rows: []assess.Row{{Estimate: e}}})
			}
		}
		withheld, err := Protect(r, disclosure.DefaultRules())
		if err != nil {
			t.Fatal(err)
		}
		opt := fixtureOptions
		opt.Disclosure = withheld
		doc := built(t, r, surveys.EN, opt)
		hidden := map[string][]string{} // groups with people whose score is not printed, by table
		for i := range r.Tables {
			table := &r.Tables[i]
			id := tableID(*table)
			rates, scores, precise := tableOf(t, doc, "table-"+id), tableOf(t, doc, "table-"+id+"-score"), tableOf(t, doc, "table-"+id+"-score-precision")
			for k, g := range table.Groups {
				secret := rates.Rows[k].Cells[0].Suppressed
				for _, cells := range [][]document.Cell{scores.Rows[k].Cells, precise.Rows[k].Cells} {
					for _, c := range cells {
						if c.Suppressed != secret || secret && c.Value != nil {
							t.Fatalf("seed %d: %s %s: the rate is withheld: %v; of the score stands %q", seed, id, g.Code, secret, c.Text)
						}
					}
				}
				if secret && g.Rows[0].Estimate.N > 0 {
					hidden[id] = append(hidden[id], g.Code)
				}
			}
		}
		attacked += attackScores(t, seed, r, hidden)
	}
	if attacked < 20 {
		t.Errorf("only %d groups are withheld: the surveys have nothing to protect", attacked)
	}
}

// attackScores solves the sums that people know for the scores that are withheld, and returns
// how many there are.
func attackScores(t *testing.T, seed uint64, r *assess.Results, hidden map[string][]string) int {
	t.Helper()
	unknown := map[string]int{}
	for _, id := range []string{"city", "region"} {
		for _, code := range hidden[id] {
			unknown[id+"="+code] = len(unknown)
		}
	}
	weight := map[string]float64{}
	for _, table := range r.Tables[:2] {
		for _, g := range table.Groups {
			weight[tableID(table)+"="+g.Code] = g.Rows[0].Estimate.Weighted
		}
	}
	var sums [][]float64
	add := func(total string, parts ...string) {
		row := make([]float64, len(unknown))
		for i, name := range append(parts, total) {
			if k, is := unknown[name]; is {
				sign := 1.0
				if i == len(parts) {
					sign = -1
				}
				row[k] += sign * weight[name]
			}
		}
		sums = append(sums, row)
	}
	add("everybody", "city=330100", "city=330200", "city=330300", "city=330400")
	add("everybody", "region=north", "region=south")
	add("region=north", "city=330100", "city=330200")
	add("region=south", "city=330300", "city=330400")
	for name, k := range unknown {
		if determined(sums, k) {
			t.Errorf("seed %d: the score of %s can be computed from those that are printed", seed, name)
		}
	}
	return len(unknown)
}

// determined says whether linear equations have a single solution for an unknown: it is when
// the unknown alone is a sum of their left sides.
func determined(equations [][]float64, unknown int) bool {
	rows := make([][]float64, len(equations))
	for i := range equations { // the unknown comes last
		for k, x := range equations[i] {
			if k != unknown {
				rows[i] = append(rows[i], x)
			}
		}
		rows[i] = append(rows[i], equations[i][unknown])
	}
	done := 0
	for column := range rows[0] {
		pivot := done
		for i := done; i < len(rows); i++ {
			if math.Abs(rows[i][column]) > math.Abs(rows[pivot][column]) {
				pivot = i
			}
		}
		if done == len(rows) || math.Abs(rows[pivot][column]) < 1e-9 {
			continue
		}
		if column == len(rows[0])-1 {
			return true // an equation of it alone
		}
		rows[done], rows[pivot] = rows[pivot], rows[done]
		for i := done + 1; i < len(rows); i++ {
			f := rows[i][column] / rows[done][column]
			for k := range rows[i] {
				rows[i][k] -= f * rows[done][k]
			}
		}
		done++
	}
	return false
}
