package demo

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/margins"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

func province(t *testing.T, cfg Config) (*Population, *surveys.Questionnaire, *margins.Census) {
	t.Helper()
	q, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	census, err := margins.ReadCensus(library.FS, "330000")
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPopulation(cfg, census, q)
	if err != nil {
		t.Fatal(err)
	}
	return p, q, census
}

func plan(t *testing.T, q *surveys.Questionnaire) *assess.Plan {
	t.Helper()
	src, err := library.FS.ReadFile("civic-literacy/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := assess.ReadPlan("plan.yaml", src, q)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPopulationFollowsTheCensus(t *testing.T) {
	p, _, census := province(t, DefaultConfig())
	// 48,882,983 residents aged 18–69 (census2020/README.md) at one in a hundred; the
	// cities are rounded one by one, so up to half a person each.
	if got := float64(p.Size()); math.Abs(got-488_829.83) > 6 {
		t.Errorf("Size() = %v, want 488,829.83 rounded city by city", got)
	}
	urban, men := 0.0, 0.0
	for _, x := range p.people {
		if x.Residence == "urban" {
			urban++
		}
		if x.Sex == "1" {
			men++
		}
		if x.Age < 18 || x.Age > 69 {
			t.Fatalf("a person is %d years old", x.Age)
		}
	}
	// Shares of 488,830 independent draws lie within 4 standard errors, 0.003, of their
	// expectation. Men: 52.41 % of those aged 18–69 (census2020/README.md).
	n := float64(p.Size())
	if math.Abs(urban/n-census.Urban) > 0.003 || math.Abs(men/n-0.5241) > 0.003 {
		t.Errorf("urban share %.4f, want %.4f; men %.4f, want 0.5241", urban/n, census.Urban, men/n)
	}
}

func TestDraw(t *testing.T) {
	p, _, _ := province(t, DefaultConfig())
	drawn := p.Draw(p.cfg.Seed)
	sum, cases, perStratum := 0.0, map[string]bool{}, map[string]map[string]bool{}
	for _, d := range drawn {
		sum += d.Weight
		cases[d.ID] = true
		if perStratum[d.Stratum] == nil {
			perStratum[d.Stratum] = map[string]bool{}
		}
		perStratum[d.Stratum][d.PSU] = true
		if d.Columns["city"] != d.Person.City || d.Columns["residence"] != d.Person.Residence {
			t.Fatalf("case %s has columns %v for %+v", d.ID, d.Columns, d.Person)
		}
	}
	if len(cases) != len(drawn) {
		t.Errorf("%d cases have %d different IDs", len(drawn), len(cases))
	}
	// The expected number of people drawn is interviews / response; whole villages per
	// stratum make it differ by at most half a village in each of 22 strata.
	if want := 3300 / expectedResponse; math.Abs(float64(len(drawn))-want) > 11*peoplePerVillage {
		t.Errorf("%d people drawn, want about %.0f", len(drawn), want)
	}
	if len(perStratum) != 22 {
		t.Errorf("%d strata, want 11 cities × urban and rural", len(perStratum))
	}
	for s, villages := range perStratum {
		if len(villages) < 2 {
			t.Errorf("stratum %s has %d villages; its variance cannot be estimated", s, len(villages))
		}
	}
	// Within a stratum the design gives everybody the same probability, so the weights
	// add up to the population exactly.
	if want := float64(p.Size() * p.cfg.Scale); math.Abs(sum/want-1) > 1e-9 {
		t.Errorf("the weights add up to %.0f, want %.0f", sum, want)
	}
}

func TestSameSeedSameSurvey(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Interviews, cfg.Scale = 200, 1000
	a, _, _ := province(t, cfg)
	b, _, _ := province(t, cfg)
	if d := cmp.Diff(cases(a.Draw(1)), cases(b.Draw(1))); d != "" {
		t.Error(d)
	}
	if cmp.Equal(cases(a.Draw(1)), cases(a.Draw(2))) {
		t.Error("another seed drew the same sample")
	}
}

func cases(drawn []Drawn) (ids []string) {
	for _, d := range drawn {
		ids = append(ids, d.ID)
	}
	return ids
}

func TestTruthEndsWithItsContext(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Scale = 10_000
	p, q, _ := province(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	asked := make(chan int, 1000)
	truth, err := p.Truth(ctx, q, plan(t, q), func(n int) { asked <- n })
	close(asked)
	for n := range asked {
		if n > 0 {
			t.Errorf("%d people were asked", n)
		}
	}
	if truth != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("Truth() = %v, %v, want %v", truth, err, context.Canceled)
	}
}

func TestTruth(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Scale = 1000
	p, q, _ := province(t, cfg)
	pl := plan(t, q)
	asked := make(chan int, 1000)
	truth, err := p.Truth(t.Context(), q, pl, func(n int) { asked <- n })
	if err != nil {
		t.Fatal(err)
	}
	close(asked)
	total := 0
	for n := range asked {
		total += n
	}
	if total != p.Size() {
		t.Errorf("progress counted %d people of %d", total, p.Size())
	}
	all, ok := truth.Value(assess.VarLiterate, nil)
	if !ok || all < 0.10 || all > 0.22 {
		t.Errorf("true literacy rate = %v, want one near the published 15 %%", all)
	}
	t.Logf("true literacy rate %.4f", all)
	// The rate of everybody is the mean of the rates of the sexes, by their sizes.
	men, _ := truth.Value(assess.VarLiterate, analysis.Domain{"sex": "male"})
	women, _ := truth.Value(assess.VarLiterate, analysis.Domain{"sex": "female"})
	nm, nw := float64(truth.factors["sex"]["male"].n), float64(truth.factors["sex"]["female"].n)
	if got := (men*nm + women*nw) / (nm + nw); math.Abs(got-all) > 1e-12 {
		t.Errorf("the sexes give %v, everybody %v", got, all)
	}
	// The points of the dimensions add up to the score.
	score, _ := truth.Value(assess.VarScore, nil)
	sum := 0.0
	for _, d := range q.Criterion.Dimensions {
		points, ok := truth.Value("dim:"+d.ID, nil)
		if !ok {
			t.Errorf("no truth for dimension %s", d.ID)
		}
		sum += points
	}
	if math.Abs(sum-score) > 1e-9 {
		t.Errorf("dimensions add up to %v, the score is %v", sum, score)
	}
	if _, ok := truth.Value(assess.VarLiterate, analysis.Domain{"sex": "male", "city": "330100"}); ok {
		t.Error("a crossing has a truth, although none is kept")
	}
}
