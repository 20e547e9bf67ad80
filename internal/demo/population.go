// Package demo makes a provincial survey whose truth is known: a synthetic
// population of Zhejiang that follows the 2020 census, a stratified two-stage sample
// from it, respondents who fill in the real pages, and the true rates to hold the
// report against.
package demo

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/suyang-survey/suyang/surveys"
)

// Config says how large the survey is and which world it takes place in.
type Config struct {
	// Interviews is how many interviews are expected.
	Interviews int
	// Seed makes the population, the draw and the answers; the same seed makes the
	// same survey.
	Seed uint64
	// Scale is how many residents one synthetic person stands for.
	Scale int
}

// DefaultConfig is the survey that the demo shows.
func DefaultConfig() Config {
	return Config{Interviews: 3300, Seed: 20261101, Scale: 100}
}

// Person is a resident of the synthetic province, aged 18 to 69.
type Person struct {
	City, Residence string
	Sex             string // GB/T 2261.1: "1" man, "2" woman
	Age             int
	// Education counts from 0, primary school or less, to 4, bachelor and above.
	Education int
	// id numbers the person; every answer follows from it and the seed.
	id      uint64
	ability float64
}

// Population is the synthetic province.
type Population struct {
	cfg      Config
	people   []Person // in order of village
	villages []village
	strata   []string
	items    map[string]itemModel
}

// village is a primary sampling unit: the people from first to last-1.
type village struct {
	stratum, name string
	first, last   int
}

func (v village) size() int { return v.last - v.first }

// ageGroup is a group of the census file, from age low to high.
type ageGroup struct {
	column    string
	low, high int
	// fiveYears are the columns of the sex × age file that make up the group, with the
	// share of each that belongs to it.
	fiveYears map[string]float64
}

var ageGroups = []ageGroup{
	{"est18_29", 18, 29, map[string]float64{"15_19": 0.4, "20_24": 1, "25_29": 1}},
	{"a30_39", 30, 39, map[string]float64{"30_34": 1, "35_39": 1}},
	{"a40_49", 40, 49, map[string]float64{"40_44": 1, "45_49": 1}},
	{"a50_59", 50, 59, map[string]float64{"50_54": 1, "55_59": 1}},
	{"a60_69", 60, 69, map[string]float64{"60_64": 1, "65_69": 1}},
}

// What moves a person's ability, in units of the logit scale that the items use.
// The values are invented; they give differences of the size that the published
// national surveys show between groups.
var (
	educationEffect = [5]float64{-0.95, -0.40, 0.25, 0.75, 1.25}
	ageEffect       = [5]float64{0.30, 0.15, 0, -0.15, -0.30}
	cityEffect      = map[string]float64{
		"330100": 0.25, "330200": 0.15, "330300": -0.05, "330400": 0.05, "330500": 0, "330600": 0.05,
		"330700": -0.05, "330800": -0.15, "330900": 0.05, "331000": -0.10, "331100": -0.15,
	}
)

const (
	meanAbility   = -0.62
	urbanEffect   = 0.12 // and minus this for rural
	maleEffect    = 0.06 // and minus this for women
	villageSpread = 0.22
	personSpread  = 0.60

	villageSmallest, villageLargest = 18, 60
)

// NewPopulation builds the province from the census margins, for the questionnaire
// its people will be asked.
func NewPopulation(cfg Config, census Census, q *surveys.Questionnaire) (*Population, error) {
	if cfg.Interviews < 1 || cfg.Scale < 1 {
		return nil, fmt.Errorf("the demo needs at least one interview and a scale of at least 1, not %d and %d", cfg.Interviews, cfg.Scale)
	}
	p := &Population{cfg: cfg, items: itemModels(cfg.Seed, q)}
	rng := rand.New(rand.NewPCG(cfg.Seed, 1))
	for _, city := range census.Cities {
		people := map[string][]Person{}
		for g, group := range ageGroups {
			n := int(math.Round(city.Ages[g] / float64(cfg.Scale)))
			for range n {
				x := p.newPerson(rng, city, g, group, census.MaleShare[g])
				people[x.Residence] = append(people[x.Residence], x)
			}
		}
		for _, residence := range []string{"urban", "rural"} {
			p.settle(rng, city.Code+"-"+residence, people[residence])
		}
	}
	return p, nil
}

func (p *Population) newPerson(rng *rand.Rand, city City, g int, group ageGroup, maleShare float64) Person {
	x := Person{City: city.Code, Residence: "rural", Sex: "2", Age: group.low + rng.IntN(group.high-group.low+1)}
	residence, sex := -urbanEffect, -maleEffect
	if rng.Float64() < city.UrbanShare {
		x.Residence, residence = "urban", urbanEffect
	}
	if rng.Float64() < maleShare {
		x.Sex, sex = "1", maleEffect
	}
	x.Education = education(rng, g, residence, cityEffect[city.Code])
	x.ability = meanAbility + educationEffect[x.Education] + ageEffect[g] + cityEffect[city.Code] + residence + sex +
		personSpread*rng.NormFloat64()
	return x
}

// education draws a level: younger and urban people stayed longer at school.
func education(rng *rand.Rand, age int, residence, city float64) int {
	latent := [5]float64{1.7, 0.9, 0, -0.8, -1.7}[age] + 4*residence + 2*city + logistic(rng)
	level := 0
	for _, cut := range []float64{-1.3, 0.5, 1.4, 2.2} {
		if latent > cut {
			level++
		}
	}
	return level
}

func logistic(rng *rand.Rand) float64 {
	u := rng.Float64()
	return math.Log((u + 1e-12) / (1 - u + 1e-12))
}

// settle cuts the people of a stratum into villages. Neighbours share a village
// effect, so that the design has a cluster effect to find.
func (p *Population) settle(rng *rand.Rand, stratum string, people []Person) {
	rng.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
	p.strata = append(p.strata, stratum)
	for n := 1; len(people) > 0; n++ {
		size := villageSmallest + rng.IntN(villageLargest-villageSmallest)
		if len(people)-size < villageSmallest {
			size = len(people)
		}
		effect := villageSpread * rng.NormFloat64()
		v := village{stratum: stratum, name: fmt.Sprintf("%s-%04d", stratum, n), first: len(p.people)}
		for i := range people[:size] {
			people[i].ability += effect
			people[i].id = uint64(len(p.people))
			p.people = append(p.people, people[i])
		}
		v.last = len(p.people)
		p.villages = append(p.villages, v)
		people = people[size:]
	}
}

// Size is how many synthetic people there are.
func (p *Population) Size() int { return len(p.people) }
