package demo

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
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

// frame reads the frame of the province as the program reads that of an office.
func frame(t *testing.T, p *Population) *fieldwork.Frame {
	t.Helper()
	src, err := p.Frame()
	if err != nil {
		t.Fatal(err)
	}
	f, err := fieldwork.ReadFrame(FrameFile, frameVintage, src, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestDraw(t *testing.T) {
	p, _, _ := province(t, DefaultConfig())
	f := frame(t, p)
	d, err := p.Draw(f, p.cfg.Seed, "test")
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := d.Cases(0)
	if err != nil {
		t.Fatal(err)
	}
	sum, strata := 0.0, map[string]map[string]bool{}
	for _, c := range drawn {
		sum += c.Weight
		if strata[c.Stratum] == nil {
			strata[c.Stratum] = map[string]bool{}
		}
		strata[c.Stratum][c.PSU] = true
		people, err := p.household(c.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range people {
			if c.Columns["city"] != x.City || c.Columns["class"] != x.Residence {
				t.Fatalf("case %s has columns %v for %+v", c.ID, c.Columns, x)
			}
		}
	}
	// The expected number of addresses is interviews / response, up to a whole village; the
	// few villages with less than ten addresses are taken whole, one in a hundred addresses.
	if want := 3300 / expectedResponse; math.Abs(float64(len(drawn))/want-1) > 0.01 {
		t.Errorf("%d addresses drawn, want about %.0f", len(drawn), want)
	}
	if len(strata) != 22 {
		t.Errorf("%d strata, want 11 cities × urban and rural", len(strata))
	}
	for s, villages := range strata {
		if len(villages) < villagesPerStratum {
			t.Errorf("stratum %s has %d villages; its variance cannot be estimated", s, len(villages))
		}
	}
	// Σ w estimates the number of addresses. Villages are drawn by adults, which are
	// nearly proportional to addresses: their ratio varies by a tenth, and over 500
	// villages the sum by half a percent; five of that.
	addresses := 0
	for _, u := range f.Units {
		addresses += u.Households
	}
	if got := sum / float64(addresses); math.Abs(got-1) > 0.025 {
		t.Errorf("the weights add up to %.3f of the %d addresses", got, addresses)
	}
}

// The fieldwork takes the course that is expected of it: towns and the young answer less,
// some addresses are vacant, and about two of three drawn give an interview.
func TestCourse(t *testing.T) {
	p, _, _ := province(t, DefaultConfig())
	d, err := p.Draw(frame(t, p), 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := d.Cases(0)
	if err != nil {
		t.Fatal(err)
	}
	type share struct{ n, of int }
	by := map[string]*share{}
	count := func(key string, in bool) {
		if by[key] == nil {
			by[key] = &share{}
		}
		if by[key].of++; in {
			by[key].n++
		}
	}
	secret, err := household.NewSecret(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range drawn {
		s, x, err := p.Standing(1, c, secret.Number(c.ID))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		class, err := s.Disposition.Class()
		if err != nil || s.Counts != (class == fieldwork.ClassI) || s.Counts != (x != nil) {
			t.Fatalf("%+v, %v (%v)", s, x, err)
		}
		count("all", s.Counts)
		count(c.Columns["class"], s.Counts)
		count("not eligible", class == fieldwork.ClassNE)
		count("unknown", class == fieldwork.ClassUH || class == fieldwork.ClassUO)
	}
	for i := range p.people {
		switch x := &p.people[i]; {
		case x.Age < 30:
			count("young, asked", p.agrees(1, x))
		case x.Age >= 60:
			count("old, asked", p.agrees(1, x))
		}
	}
	rate := func(key string) float64 { return float64(by[key].n) / float64(by[key].of) }
	for key, s := range by {
		t.Logf("%s: %d of %d, %.3f", key, s.n, s.of, rate(key))
	}
	for key, want := range map[string][2]float64{"all": {expectedResponse - 0.03, expectedResponse + 0.03}, "not eligible": {0.02, 0.04}, "unknown": {0.002, 0.02}} {
		if got := rate(key); got < want[0] || got > want[1] {
			t.Errorf("%s: %.3f, want %v", key, got, want)
		}
	}
	if rate("urban") > rate("rural")-0.05 || rate("young, asked") > rate("old, asked")-0.10 {
		t.Errorf("response does not depend on residence (%.3f, %.3f) or age (%.3f, %.3f)", rate("urban"), rate("rural"), rate("young, asked"), rate("old, asked"))
	}
}

func TestSameSeedSameSurvey(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Interviews, cfg.Scale = 200, 1000
	a, _, _ := province(t, cfg)
	b, _, _ := province(t, cfg)
	draw := func(p *Population, seed uint64) string {
		d, err := p.Draw(frame(t, p), seed, "test")
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := d.Write(&out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if d := cmp.Diff(draw(a, 1), draw(b, 1)); d != "" {
		t.Error(d)
	}
	if draw(a, 1) == draw(a, 2) {
		t.Error("another seed drew the same sample")
	}
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
