package assess_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/replicate"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// census are population counts of a factor, or of two crossed, in the order of their levels.
type census struct {
	factors []string
	targets []float64
}

// column classifies the respondents by a margin.
func (c census) column(p *assess.Plan, units []assess.Unit) weighting.Margin {
	m := weighting.Margin{Name: strings.Join(c.factors, "/"), Targets: c.targets, Level: make([]int, len(units)), Levels: []string{""}}
	for _, id := range c.factors {
		place := slices.IndexFunc(p.Factors, func(f assess.Factor) bool { return f.ID == id })
		var levels []string
		for _, before := range m.Levels {
			for _, l := range p.Factors[place].Levels {
				levels = append(levels, strings.TrimPrefix(before+"/"+l.Code, "/"))
			}
		}
		m.Levels = levels
		for i, u := range units {
			m.Level[i] = m.Level[i]*len(p.Factors[place].Levels) + u.Levels[place]
		}
	}
	return m
}

// respondents lists who responded.
func respondents(t *testing.T, m *assess.Memory, q *surveys.Questionnaire, p *assess.Plan) []assess.Unit {
	t.Helper()
	units, err := m.Units(t.Context(), assess.Query{Wave: m.Wave, Questionnaire: q, Factors: p.Factors})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(units, func(u assess.Unit) bool { return !u.Responded })
}

// rakeTo gives the wave a set of weights, "raked", that meet the margins, and returns the
// record of it.
func rakeTo(t *testing.T, m *assess.Memory, q *surveys.Questionnaire, p *assess.Plan, margins ...census) *assess.Weighting {
	t.Helper()
	units := respondents(t, m, q, p)
	base := make([]float64, len(units))
	for i, u := range units {
		base[i] = u.Base
	}
	var columns []weighting.Margin
	for _, c := range margins {
		columns = append(columns, c.column(p, units))
	}
	w, step, err := weighting.Rake(base, columns, weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	var set []assess.CaseWeight
	for i, u := range units {
		set = append(set, assess.CaseWeight{Case: u.Case, Weight: w[i], Base: base[i]})
	}
	m.Weights = map[string][]assess.CaseWeight{"raked": set}
	record := &assess.Weighting{Name: "raked", Steps: []weighting.Step{step}}
	for _, c := range margins {
		record.Calibration = append(record.Calibration, assess.CalibratedMargin{Factors: c.factors})
	}
	return record
}

// sexByAge and residence are made-up counts for the plan of the civic wave.
func sexByAge(p *assess.Plan) census {
	c := census{factors: []string{"sex", "age_group"}}
	n := 2 * len(p.Factor("age_group").Levels)
	for i := range n {
		c.targets = append(c.targets, 100+10*float64(i))
	}
	return c
}

func residence(c census) census {
	sum := 0.0
	for _, x := range c.targets {
		sum += x
	}
	return census{[]string{"residence"}, []float64{0.7 * sum, 0.3 * sum}}
}

// The expected numbers are those of R 4.2.2 with survey 4.1.1: the design of
// TestGeneralSocialSurvey, both years together,
//
//	jkn <- as.svrepdesign(design, type = "JKn", mse = TRUE, compress = FALSE)
//	post <- postStratify(jkn, ~sex, data.frame(sex = c("1", "2"), Freq = c(1480, 1520)))
//	svymean(~rate, subset(post, year == y))
//
// and for weights that are taken as given svymean(~rate, subset(jkn, year == y)).
func TestJackknifeIsRs(t *testing.T) {
	q, p := shipped(t, "gss-science")
	m := gss(t, q)
	record := rakeTo(t, m, q, p, census{[]string{"sex"}, []float64{1480, 1520}})
	jackknife := assess.Variance{Method: assess.JKn}
	post, err := assess.Assess(t.Context(), m, q, p, assess.Options{Wave: "gss", Weighting: record, Variance: jackknife})
	if err != nil {
		t.Fatal(err)
	}
	given, err := assess.Assess(t.Context(), m, q, p, assess.Options{Wave: "gss", Variance: jackknife})
	if err != nil {
		t.Fatal(err)
	}
	if want := (assess.Variance{Method: assess.JKn, Replicates: 454}); post.Variance != want || !post.Calibrated || given.Calibrated {
		t.Errorf("variance %+v, raked %v and %v; want %+v, true and false", post.Variance, post.Calibrated, given.Calibrated, want)
	}
	for i, want := range []struct{ rate, rateSE, score, scoreSE, menSE, womenSE, givenRateSE, givenScoreSE float64 }{
		{0.414712508725, 0.0150121086898, 5.81072048448, 0.0724068360693, 0.0202052146352, 0.0190104644565, 0.0151318684569, 0.0729164305379},
		{0.376338394661, 0.0196961680332, 5.58548822267, 0.0944595049381, 0.0278387388107, 0.0243543368745, 0.0197292907053, 0.0943766043686},
	} {
		year := post.SeriesLevels[i].Code
		near(t, year+" rate", post.Headline[i].Estimate.Value, want.rate)
		near(t, year+" rate SE", post.Headline[i].Estimate.SE, want.rateSE)
		near(t, year+" score", post.Score[i].Estimate.Value, want.score)
		near(t, year+" score SE", post.Score[i].Estimate.SE, want.scoreSE)
		near(t, year+" men SE", post.Tables[0].Groups[0].Rows[i].Estimate.SE, want.menSE)
		near(t, year+" women SE", post.Tables[0].Groups[1].Rows[i].Estimate.SE, want.womenSE)
		near(t, year+" rate SE, weights as given", given.Headline[i].Estimate.SE, want.givenRateSE)
		near(t, year+" score SE, weights as given", given.Score[i].Estimate.SE, want.givenScoreSE)
	}
}

// Replicates of cells, raked from the raked weights to margins of which one crosses two
// factors, are those of people, raked from the weights before.
func TestReplicatesOfCellsAreThoseOfPeople(t *testing.T) {
	m, q, p := civic(t)
	by := sexByAge(p)
	record := rakeTo(t, m, q, p, by, residence(by))
	want := literateOfPeople(t, m, q, p, 40, 3, by, residence(by))
	got := assessed(t, m, q, p, assess.Options{Weighting: record,
		Variance: assess.Variance{Method: assess.Bootstrap, Replicates: 40, Seed: 3}})
	if want := (assess.Variance{Method: assess.Bootstrap, Replicates: 40, Seed: 3}); got.Variance != want || !got.Calibrated {
		t.Errorf("variance %+v, calibrated %v; want %+v, true", got.Variance, got.Calibrated, want)
	}
	e := got.Headline[0].Estimate
	near(t, "rate", e.Value, want.Value)
	near(t, "rate SE", e.SE, want.SE)
	near(t, "lower bound", e.Lo, want.Lo)
	near(t, "upper bound", e.Hi, want.Hi)
	near(t, "df", e.DF, want.DF)
	near(t, "deff", e.DEff, want.DEff)
	taylor := assessed(t, m, q, p, assess.Options{Weighting: record})
	near(t, "rate, Taylor", e.Value, taylor.Headline[0].Estimate.Value)
	if taylor.Variance != (assess.Variance{Method: assess.Taylor}) || taylor.Headline[0].Estimate.SE == e.SE {
		t.Errorf("without a choice the variance is %+v", taylor.Variance)
	}
}

// literateOfPeople estimates the literacy rate person by person, each replicate raked
// from the base weights.
func literateOfPeople(t *testing.T, m *assess.Memory, q *surveys.Questionnaire, p *assess.Plan, replicates int, seed uint64, margins ...census) analysis.Estimate {
	t.Helper()
	units := respondents(t, m, q, p)
	answered := map[string]surveys.Answers{}
	for _, r := range m.Responses {
		answered[r.Case] = r.Answers
	}
	var cols analysis.Columns
	var y []float64
	for _, c := range m.Cases {
		a := answered[c.ID]
		if a == nil {
			continue // its PSU has others, who responded
		}
		literate := 0.0
		if q.Criterion.Reaches(points(q, a), q.Criterion.Cut) {
			literate = 1
		}
		cols.Weight, cols.Stratum, cols.PSU = append(cols.Weight, c.Weight), append(cols.Stratum, c.Stratum), append(cols.PSU, c.PSU)
		y = append(y, literate)
	}
	var columns []weighting.Margin
	for _, c := range margins {
		columns = append(columns, c.column(p, units))
	}
	d, err := analysis.NewDesign(cols)
	if err != nil {
		t.Fatal(err)
	}
	d = d.WithSettings(analysis.Settings{Interval: analysis.IntervalXLogit}) // what the assessment takes with replicates
	set, err := replicate.Bootstrap(d, replicates, seed)
	if err != nil {
		t.Fatal(err)
	}
	s, err := set.On(d)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.Rake(columns, weighting.Settings{}); err != nil {
		t.Fatal(err)
	}
	e, err := s.Proportion(y, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestSameSeedSameErrors(t *testing.T) {
	m, q, p := civic(t)
	by := sexByAge(p)
	record := rakeTo(t, m, q, p, by)
	with := func(seed uint64) *assess.Results {
		return assessed(t, m, q, p, assess.Options{Weighting: record,
			Variance: assess.Variance{Method: assess.Bootstrap, Replicates: 100, Seed: seed}})
	}
	first := with(1)
	cores := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(cores)
	if again := with(1); !cmp.Equal(first, again, cmpopts.EquateNaNs()) {
		t.Error("the same seed gave other results on one core")
	}
	if other := with(2); other.Headline[0].Estimate.SE == first.Headline[0].Estimate.SE {
		t.Error("another seed gave the same standard error")
	}
}

func TestProgressEndsAtItsTotal(t *testing.T) {
	m, q, p := civic(t)
	var last, total int
	assessed(t, m, q, p, assess.Options{Progress: func(done, of int) {
		if done != last+1 {
			t.Errorf("%d done after %d", done, last)
		}
		last, total = done, of
	}})
	if last == 0 || last != total {
		t.Errorf("%d of %d done at the end", last, total)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := assess.Assess(ctx, m, q, p, assess.Options{Wave: "w", Progress: func(int, int) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Assess() error = %v after its context ended, want %v", err, context.Canceled)
	}
}

func TestVarianceFaults(t *testing.T) {
	bootstrap := assess.Variance{Method: assess.Bootstrap, Replicates: 200, Seed: 1}
	plain := func(*assess.Memory, *assess.Plan, *assess.Weighting) {}
	for _, c := range []struct {
		name     string
		variance assess.Variance
		margin   string
		change   func(*assess.Memory, *assess.Plan, *assess.Weighting)
		want     []string
	}{
		{"unknown method", assess.Variance{Method: "jk9"}, "sex", plain, []string{`no variance "jk9"`, "taylor, jkn or bootstrap"}},
		{"one replicate", assess.Variance{Method: assess.Bootstrap, Replicates: 1}, "sex", plain, []string{"1 replicates have no spread"}},
		{"too many replicates", assess.Variance{Method: assess.Bootstrap, Replicates: 1 << 60}, "sex", plain, []string{"1152921504606846976 replicates are more than 100000"}},
		{"lone PSU", bootstrap, "sex", func(m *assess.Memory, _ *assess.Plan, _ *assess.Weighting) {
			for i := range 12 {
				m.Cases[i].Stratum = "alone"
			}
		}, []string{`one PSU only in stratum "alone"`, "merge each with a neighbour", "variance taylor"}},
		// Every city has four PSUs, one or none of each stratum.
		{"lost level", bootstrap, "city", plain, []string{"replicate ", `margin "city": no respondent in "`, "merge it with another level", "variance taylor"}},
		{"weights changed after the raking", bootstrap, "sex", func(m *assess.Memory, _ *assess.Plan, _ *assess.Weighting) {
			m.Weights["raked"][0].Weight *= 2
		}, []string{`margin "sex"`, "changed after the raking", "weigh again", "variance taylor"}},
		{"another calibration", bootstrap, "sex", func(_ *assess.Memory, _ *assess.Plan, w *assess.Weighting) {
			w.Steps[0].What = "calibrate"
		}, []string{`last made by "calibrate"`, "end with raking", "variance taylor"}},
		{"factor left the plan", bootstrap, "sex", func(_ *assess.Memory, _ *assess.Plan, w *assess.Weighting) {
			w.Calibration[0].Factors = []string{"moon"}
		}, []string{`margin "moon"`, `"moon" is no factor`, "weigh again"}},
		{"level came to the plan", bootstrap, "sex", func(_ *assess.Memory, p *assess.Plan, _ *assess.Weighting) {
			f := p.Factor("sex")
			f.Levels = append(slices.Clone(f.Levels), assess.Level{Code: "other", Values: []string{"3"}})
		}, []string{`margin "sex"`, `without the level "other"`, "weigh again"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, q, p := civic(t)
			counts := census{factors: []string{c.margin}}
			for range p.Factor(c.margin).Levels {
				counts.targets = append(counts.targets, 1000)
			}
			record := rakeTo(t, m, q, p, counts)
			c.change(m, p, record)
			_, err := assess.Assess(t.Context(), m, q, p, assess.Options{Wave: "w", Weighting: record, Variance: c.variance})
			for _, words := range c.want {
				if err == nil || !strings.Contains(err.Error(), words) {
					t.Errorf("Assess() error = %v, want %q in it", err, words)
				}
			}
		})
	}
}

// Nobody to estimate from is no fault of the variance.
func TestReplicatesOfNobody(t *testing.T) {
	m, q, p := civic(t)
	m.Responses = m.Responses[:1]
	m.Responses[0].Answers = surveys.Answers{"age": {"75"}} // too old for the population
	for _, v := range []assess.Variance{{}, {Method: assess.JKn}, {Method: assess.Bootstrap, Replicates: 10}} {
		r := assessed(t, m, q, p, assess.Options{Variance: v})
		if e := r.Headline[0].Estimate; !math.IsNaN(e.Value) || !math.IsNaN(e.SE) || !slices.ContainsFunc(e.Notes, func(n analysis.Note) bool { return n.Code == analysis.Empty }) {
			t.Errorf("%+v: rate %v, SE %v, notes %v; want none, with a note that there is nobody", v, e.Value, e.SE, e.Notes)
		}
	}
}

// Weights that did not reach their margins are raked on, replicate by replicate, and the
// notes say what was not reached.
func TestReplicatesOfWeightsThatDidNotConverge(t *testing.T) {
	m, q, p := civic(t)
	by := sexByAge(p)
	record := rakeTo(t, m, q, p, by)
	record.Steps[0].Converged = false
	r := assessed(t, m, q, p, assess.Options{Weighting: record, Variance: assess.Variance{Method: assess.JKn}})
	e := r.Headline[0].Estimate
	if math.IsNaN(e.SE) || !slices.ContainsFunc(e.Notes, func(n analysis.Note) bool { return n.Code == analysis.NotConverged }) {
		t.Errorf("SE %v, notes %v; want a note that the weights did not converge", e.SE, fmt.Sprint(e.Notes))
	}
}
