package assess_test

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/microdata"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// shipped reads a questionnaire of the library with its plan.
func shipped(t *testing.T, id string) (*surveys.Questionnaire, *assess.Plan) {
	t.Helper()
	q, err := library.Read(id)
	if err != nil {
		t.Fatal(err)
	}
	src, err := fs.ReadFile(library.FS, id+"/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := assess.ReadPlan(id+"/plan.yaml", src, q)
	if err != nil {
		t.Fatal(err)
	}
	return q, p
}

// gss reads the science module of the General Social Survey of 2006 and 2018.
func gss(t *testing.T, q *surveys.Questionnaire) *assess.Memory {
	t.Helper()
	src, err := fs.ReadFile(library.FS, "gss-science/import.yaml")
	if err != nil {
		t.Fatal(err)
	}
	mapping, err := microdata.ReadMapping("import.yaml", src)
	if err != nil {
		t.Fatal(err)
	}
	table, err := microdata.Read(mapping, q, "gss", os.DirFS("../../surveys/library/gss-science/data"))
	if err != nil {
		t.Fatal(err)
	}
	m := &assess.Memory{Wave: "gss", Cases: table.Cases}
	for i, interview := range table.Interviews {
		m.Responses = append(m.Responses, surveys.Response{Interview: interview, Seq: uint64(i)})
	}
	return m
}

// near fails unless got is want up to the digits that the reference gives.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9*math.Max(1, math.Abs(want))) {
		t.Errorf("%s = %.12g, want %.12g", what, got, want)
	}
}

// The expected numbers are those of R 4.2.2 with survey 4.1.1: svymean on
// svydesign(ids=~vpsu, strata=~vstrat, weights=~wtssall, nest=TRUE) with every PSU of
// the full cross-section, estimates by subset(), deff="replace".
func TestGeneralSocialSurvey(t *testing.T) {
	q, p := shipped(t, "gss-science")
	r, err := assess.Assess(context.Background(), gss(t, q), q, p, assess.Options{Wave: "gss"})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.SeriesLevels) != 2 || r.SeriesLevels[0].Code != "2006" || r.SeriesLevels[1].Code != "2018" {
		t.Fatalf("series = %v, want the two years there are data of", r.SeriesLevels)
	}
	for i, want := range []struct {
		rate, rateSE, rateDEff, score, scoreSE, scoreDEff, hotcore, hotcoreSE float64
		n                                                                     int
	}{
		{0.40553540651, 0.015131330599, 1.7693441909, 5.7645012337, 0.072913875027, 1.9282629304, 0.79733834986, 0.011011527621, 1864},
		{0.3679962872, 0.019728947195, 1.964775125, 5.5560684579, 0.094374682773, 2.1511123804, 0.8614962686, 0.012640976372, 1175},
	} {
		year := r.SeriesLevels[i].Code
		rate, score, hotcore := r.Headline[i].Estimate, r.Score[i].Estimate, r.Items[0].Rows[i].Estimate
		near(t, year+" rate", rate.Value, want.rate)
		near(t, year+" rate SE", rate.SE, want.rateSE)
		near(t, year+" rate deff", rate.DEff, want.rateDEff)
		near(t, year+" score", score.Value, want.score)
		near(t, year+" score SE", score.SE, want.scoreSE)
		near(t, year+" score deff", score.DEff, want.scoreDEff)
		near(t, year+" hotcore", hotcore.Value, want.hotcore)
		near(t, year+" hotcore SE", hotcore.SE, want.hotcoreSE)
		if rate.N != want.n {
			t.Errorf("%s: n = %d, want %d", year, rate.N, want.n)
		}
	}
	if want := 5; len(r.Tables) != want {
		t.Errorf("%d tables, want %d", len(r.Tables), want)
	}
	if c := assess.Coverage(r); c.Total != 0 {
		t.Errorf("a real survey knows %d true values", c.Total)
	}
}

// civic is a synthetic wave of the civic literacy questionnaire: 40 PSUs in 4 strata,
// of 12 drawn people ten respond.
func civic(t *testing.T) (*assess.Memory, *surveys.Questionnaire, *assess.Plan) {
	t.Helper()
	q, p := shipped(t, "civic-literacy")
	rng := rand.New(rand.NewPCG(7, 7))
	m := &assess.Memory{Wave: "w", Weights: map[string][]assess.CaseWeight{}}
	cities := p.Factor("city").Levels
	for i := range 480 {
		psu := i / 12
		residence := []string{"urban", "rural"}[psu%2]
		c := fieldwork.Case{
			ID: fmt.Sprintf("c%03d", i), Stratum: fmt.Sprintf("s%d", psu%4), PSU: fmt.Sprintf("p%02d", psu),
			Weight:  50 + 100*rng.Float64(),
			Columns: map[string]string{"city": cities[psu%len(cities)].Code, "class": residence},
		}
		m.Cases = append(m.Cases, c)
		if i%12 < 10 {
			m.Responses = append(m.Responses, surveys.Response{Seq: uint64(i), Interview: surveys.Interview{
				ID: "i" + c.ID, Revision: 1, Wave: "w", Case: c.ID, Answers: answers(rng, q),
			}})
		}
	}
	return m, q, p
}

// answers are those of a person who knows a share of the right ones.
func answers(rng *rand.Rand, q *surveys.Questionnaire) surveys.Answers {
	ability := 0.35 + 0.6*rng.Float64()
	a := surveys.Answers{
		"sex": {[]string{"1", "2"}[rng.IntN(2)]}, "age": {fmt.Sprint(18 + rng.IntN(52))},
		"education": {[]string{"primary", "junior", "senior", "college", "bachelor"}[rng.IntN(5)]},
	}
	for it := range q.Items {
		switch {
		case len(it.Key) == 0:
		case rng.Float64() < ability:
			a[it.ID] = it.Key[:1]
		default:
			a[it.ID] = []string{surveys.DontKnow}
		}
	}
	return a
}

func assessed(t *testing.T, m *assess.Memory, q *surveys.Questionnaire, p *assess.Plan, opt assess.Options) *assess.Results {
	t.Helper()
	opt.Wave = "w"
	r, err := assess.Assess(context.Background(), m, q, p, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCivicWave(t *testing.T) {
	m, q, p := civic(t)
	r := assessed(t, m, q, p, assess.Options{})
	if r.Drawn != 480 || r.Responded != 400 || r.PSUs != 40 || r.Strata != 4 {
		t.Errorf("drawn %d, responded %d, %d PSUs, %d strata; want 480, 400, 40, 4", r.Drawn, r.Responded, r.PSUs, r.Strata)
	}
	var share, points float64
	for _, b := range r.Bands {
		share += b.Rows[0].Estimate.Value
	}
	near(t, "sum of the bands", share, 1)
	for _, d := range r.Dimensions {
		points += d.Rows[0].Estimate.Value
	}
	near(t, "sum of the dimensions", points, r.Score[0].Estimate.Value)
	near(t, "level at the cut", r.Levels[1].Rows[0].Estimate.SE, r.Headline[0].Estimate.SE)
	for _, table := range r.Tables {
		if table.Set != nil || table.Factor.ID == "occupation" {
			continue // not everybody is in a group, or has an occupation
		}
		n := 0
		for _, g := range table.Groups {
			n += g.Rows[0].Estimate.N
		}
		if n != 400 {
			t.Errorf("table %s counts %d respondents, want 400", table.Factor.ID, n)
		}
	}
}

// The band of a level is a difference of sums; here it is estimated from people.
func TestBandsEqualTheirOwnIndicator(t *testing.T) {
	m, q, p := civic(t)
	r := assessed(t, m, q, p, assess.Options{})
	cells, err := m.Cells(context.Background(), assess.Query{Wave: "w", Questionnaire: q, Factors: p.Factors})
	if err != nil {
		t.Fatal(err)
	}
	high, err := cells.Proportion("level:"+q.Criterion.Levels[0].ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "highest band", r.Bands[0].Rows[0].Estimate.SE, high.SE)
	low, err := cells.Proportion("level:"+q.Criterion.Levels[len(q.Criterion.Levels)-1].ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	lowest := r.Bands[len(r.Bands)-1].Rows[0].Estimate
	near(t, "lowest band", lowest.Value, 1-low.Value)
	near(t, "lowest band SE", lowest.SE, low.SE)
	near(t, "lowest band deff", lowest.DEff, low.DEff)
	middle := r.Bands[1].Rows[0].Estimate
	want := bandFromPeople(t, m, q)
	near(t, "middle band", middle.Value, want.Value)
	near(t, "middle band SE", middle.SE, want.SE)
	near(t, "middle band deff", middle.DEff, want.DEff)
}

// bandFromPeople estimates the share of people between the two highest cuts person by
// person, without cells.
func bandFromPeople(t *testing.T, m *assess.Memory, q *surveys.Questionnaire) analysis.Estimate {
	t.Helper()
	answered := map[string]surveys.Answers{}
	for _, r := range m.Responses {
		answered[r.Case] = r.Answers
	}
	var cols analysis.Columns
	var y []float64
	for _, c := range m.Cases {
		w, in := 0.0, 0.0
		if a := answered[c.ID]; a != nil {
			w = c.Weight
			if s := points(q, a); q.Criterion.Reaches(s, q.Criterion.Levels[1].Cut) && !q.Criterion.Reaches(s, q.Criterion.Levels[0].Cut) {
				in = 1
			}
		}
		cols.Weight, cols.Stratum, cols.PSU = append(cols.Weight, w), append(cols.Stratum, c.Stratum), append(cols.PSU, c.PSU)
		y = append(y, in)
	}
	d, err := analysis.NewDesign(cols)
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.Proportion(y, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// points counts two for every right answer: the questionnaire has 50 scored items and
// 100 points, and each dimension two points an item.
func points(q *surveys.Questionnaire, a surveys.Answers) float64 {
	sum := 0.0
	for it := range q.Items {
		if len(it.Key) > 0 && a.First(it.ID) == it.Key[0] {
			sum += 2
		}
	}
	return sum
}

func TestWhichResponseCounts(t *testing.T) {
	m, q, p := civic(t)
	want := assessed(t, m, q, p, assess.Options{}).Score[0].Estimate
	wrong := surveys.Answers{}
	first := m.Responses[0]
	add := func(change func(*surveys.Response)) {
		r := first
		r.Answers = wrong
		change(&r)
		m.Responses = append(m.Responses, r)
	}
	add(func(r *surveys.Response) { r.Revision = 0 })                     // an older revision
	add(func(r *surveys.Response) { r.ID = "later"; r.Seq = 9999 })       // a second interview of the case
	add(func(r *surveys.Response) { r.ID = "open"; r.Case = "nobody" })   // not in the sample
	add(func(r *surveys.Response) { r.ID = "elsewhere"; r.Wave = "old" }) // of another wave
	add(func(r *surveys.Response) { r.Partial = true; r.Revision = 9 })   // broken off after it was complete
	add(func(r *surveys.Response) { r.Partial = true; r.ID = "broken" })  // broken off on another device, before
	got := assessed(t, m, q, p, assess.Options{})
	near(t, "score", got.Score[0].Estimate.Value, want.Value)
	near(t, "score SE", got.Score[0].Estimate.SE, want.SE)
	if got.Responded != 400 {
		t.Errorf("responded = %d, want 400", got.Responded)
	}
	add(func(r *surveys.Response) { r.Revision = 2 }) // a correction
	if got := assessed(t, m, q, p, assess.Options{}).Score[0].Estimate; got.Value >= want.Value {
		t.Errorf("score after a correction to all wrong = %v, want below %v", got.Value, want.Value)
	}
}

// Four true values are given, so that two intervals contain theirs.
func TestCoverage(t *testing.T) {
	m, q, p := civic(t)
	base := assessed(t, m, q, p, assess.Options{})
	truth := func(variable string, in analysis.Domain) (float64, bool) {
		switch {
		case variable == assess.VarLiterate && len(in) == 0:
			return base.Headline[0].Estimate.Value, true // the estimate itself: covered
		case variable == assess.VarScore && len(in) == 0:
			return base.Score[0].Estimate.Hi + 1, true // beyond the interval
		case in["sex"] == "male":
			k := slices.IndexFunc(base.Tables, func(t assess.Table) bool { return t.Factor.ID == "sex" })
			if variable == assess.VarScore {
				return base.Tables[k].Scores[0].Rows[0].Estimate.Lo - 1, true // beyond the interval
			}
			return base.Tables[k].Groups[0].Rows[0].Estimate.Lo, true // on the bound: covered
		}
		return 0, false
	}
	r := assessed(t, m, q, p, assess.Options{Truth: truth})
	c := assess.Coverage(r)
	if c.Covered != 2 || c.Total != 4 || c.Level != 0.95 {
		t.Errorf("Coverage() = %+v, want 2 of 4 at 0.95", c)
	}
}

func TestSourceWithoutTheWave(t *testing.T) {
	m, q, p := civic(t)
	if _, err := assess.Assess(context.Background(), m, q, p, assess.Options{Wave: "none"}); err == nil || !strings.Contains(err.Error(), `"none"`) {
		t.Errorf("Assess() error = %v, want one that names the wave", err)
	}
	if _, err := assess.Assess(context.Background(), m, q, p, assess.Options{Wave: "w", Weighting: &assess.Weighting{Name: "none"}}); err == nil || !strings.Contains(err.Error(), `weights "none"`) {
		t.Errorf("Assess() error = %v, want one that names the weights", err)
	}
}
