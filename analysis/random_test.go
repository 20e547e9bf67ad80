package analysis_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// A sizing is how a stage of a random sample says how many units were drawn.
type sizing int

const (
	withReplacement sizing = iota
	byPopulation
	byFraction
	byChance // Brewer
)

// options say what a random sample may have.
type options struct {
	stages  int
	sizings []sizing // of which each stage takes one
	lone    float64  // chance of a stratum of one unit
	psus    int      // in every stratum of the first stage; 2 to 4, or one, when zero
	people  int      // up to so many in a unit of the last stage
}

// randomSample is a survey of up to three stages with strata in each: the columns as the
// library wants them, and the share of the stratum or the chance of the unit, by stage
// and row, as the textbook wants them. Values of y and x are missing here and there, and
// a weight in twenty is zero.
type randomSample struct {
	columns       analysis.Columns
	share         [][]float64 // n/N or chance of each stage and row; 0 with replacement
	y, x, yes     []float64
	sex, region   analysis.FactorColumn
	in            []bool
	stratum, unit [][]string // by stage and row
}

func drawSample(seed uint64, o options) *randomSample {
	r := rand.New(rand.NewPCG(seed, 20))
	s := &randomSample{sex: classes("sex", "f", "m"), region: classes("region", "a", "b", "c")}
	s.share, s.stratum, s.unit = make([][]float64, o.stages), make([][]string, o.stages), make([][]string, o.stages)
	s.columns.Stages = make([]analysis.Stage, o.stages)
	kinds := make([]sizing, o.stages)
	for k := range kinds {
		kinds[k] = o.sizings[r.IntN(len(o.sizings))]
	}
	population := make([][]float64, o.stages)
	type place struct {
		stratum, unit     string
		share, population float64
	}
	var draw func(stage int, path []place)
	draw = func(stage int, path []place) {
		if stage == o.stages {
			for range 1 + r.IntN(max(o.people, 1)) {
				for k, p := range path {
					s.stratum[k], s.unit[k] = append(s.stratum[k], p.stratum), append(s.unit[k], p.unit)
					s.share[k], population[k] = append(s.share[k], p.share), append(population[k], p.population)
				}
				s.person(r)
			}
			return
		}
		strata := 1 + r.IntN(2)
		if stage == 0 {
			strata = 2 + r.IntN(3)
		}
		for h := range strata {
			n := 2 + r.IntN(3)
			if stage == 0 && o.psus > 0 {
				n = o.psus
			}
			if r.Float64() < o.lone {
				n = 1
			}
			p := place{stratum: "h" + strconv.Itoa(h)}
			switch kinds[stage] {
			case byPopulation:
				p.population = float64(n + r.IntN(6))
				p.share = float64(n) / p.population
			case byFraction:
				p.share = []float64{0, 0.1, 0.37, 0.8, 1}[r.IntN(5)]
			}
			for u := range n {
				if p.unit = "u" + strconv.Itoa(u); kinds[stage] == byChance {
					p.share = math.Min(1, 0.1+r.Float64())
				}
				draw(stage+1, append(path[:len(path):len(path)], p))
			}
		}
	}
	draw(0, nil)
	for k := range kinds {
		stage := analysis.Stage{Stratum: s.stratum[k], Unit: s.unit[k]}
		switch kinds[k] {
		case byPopulation:
			stage.Population = population[k]
		case byFraction:
			stage.Fraction = s.share[k]
		case byChance:
			stage.Chance = s.share[k]
		}
		s.columns.Stages[k] = stage
	}
	s.columns.Weight[0] = 1 // somebody is there
	return s
}

// person adds the answers of one person, which depend on the sexes a little.
func (s *randomSample) person(r *rand.Rand) {
	sex, region := r.IntN(2), r.IntN(3)
	w, y, x := 0.2+5*r.Float64(), 40+20*r.NormFloat64()+5*float64(sex), 1+9*r.Float64()
	switch r.IntN(20) {
	case 0:
		w = 0
	case 1:
		y = math.NaN()
	case 2:
		x = math.NaN()
	case 3:
		sex = -1
	}
	s.columns.Weight = append(s.columns.Weight, w)
	s.y, s.x = append(s.y, y), append(s.x, x)
	yes := float64(btoi(r.Float64() < 0.3+0.3*float64(max(sex, 0))))
	if math.IsNaN(y) {
		yes = y
	}
	s.yes = append(s.yes, yes)
	s.sex.Level, s.region.Level = append(s.sex.Level, sex), append(s.region.Level, region)
	s.in = append(s.in, r.IntN(3) > 0)
}

// rows copies the sample with the rows given, in that order.
func (s *randomSample) rows(at []int) *randomSample {
	c := *s
	c.columns.Weight = pick(s.columns.Weight, at)
	c.columns.Stages = nil
	c.share, c.stratum, c.unit = nil, nil, nil
	for k, stage := range s.columns.Stages {
		stage.Stratum, stage.Unit = pick(s.stratum[k], at), pick(s.unit[k], at)
		for _, column := range []*[]float64{&stage.Population, &stage.Fraction, &stage.Chance} {
			if *column != nil {
				*column = pick(*column, at)
			}
		}
		c.columns.Stages = append(c.columns.Stages, stage)
		c.stratum, c.unit = append(c.stratum, stage.Stratum), append(c.unit, stage.Unit)
		c.share = append(c.share, pick(s.share[k], at))
	}
	c.y, c.x, c.yes, c.in = pick(s.y, at), pick(s.x, at), pick(s.yes, at), pick(s.in, at)
	c.sex.Level, c.region.Level = pick(s.sex.Level, at), pick(s.region.Level, at)
	return &c
}

// sampleKinds are the designs of the tests on random samples: one to three stages, with
// and without finite populations, with unequal chances, and all of it.
var sampleKinds = []struct {
	name string
	options
}{
	{"one stage", options{stages: 1, sizings: []sizing{withReplacement}, people: 4}},
	{"one with fpc", options{stages: 1, sizings: []sizing{byPopulation, byFraction, byChance}, people: 4}},
	{"two stages", options{stages: 2, sizings: []sizing{byPopulation, byFraction, byChance}, people: 3}},
	{"three stages", options{stages: 3, sizings: []sizing{byPopulation, byFraction, byChance}, people: 2}},
	{"anything", options{stages: 2, sizings: []sizing{withReplacement, byPopulation, byFraction, byChance}, people: 3}},
}

// eachSample runs a test on many samples of every kind, with fixed seeds; change adapts
// the options of a seed.
func eachSample(t *testing.T, samples int, change func(seed uint64, o *options), test func(t *testing.T, s *randomSample, r *rand.Rand)) {
	t.Helper()
	for _, kind := range sampleKinds {
		t.Run(kind.name, func(t *testing.T) {
			for seed := range uint64(samples) {
				o := kind.options
				change(seed, &o)
				test(t, drawSample(seed, o), rand.New(rand.NewPCG(seed, 21)))
				if t.Failed() {
					t.Fatal("seed ", seed)
				}
			}
		})
	}
}
