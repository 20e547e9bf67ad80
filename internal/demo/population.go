// Package demo makes a provincial survey whose truth is known: a synthetic
// population of a province that follows the 2020 census, a stratified two-stage sample
// from it, respondents who fill in the real pages, and the true rates to hold the
// report against.
package demo

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/suyang-survey/suyang/internal/margins"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library/divisions"
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
	return Config{Interviews: 3300, Seed: 1, Scale: 100}
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
	byCode   map[string]*village
	items    map[string]itemModel
	province string // its code
	cities   int
}

// village is a primary sampling unit: the people from first to last-1, and the addresses
// they live at.
type village struct {
	code, residence string
	first, last     int
	homes           []home
}

func (v *village) size() int { return v.last - v.first }

// home is an address: the people from first to last-1, none when nobody lives there.
type home struct{ first, last int }

// What moves a person's ability, in units of the logit scale that the items use.
// The values are invented; they give differences of the size that the published
// national surveys show between groups.
var (
	educationEffect = [5]float64{-0.95, -0.40, 0.25, 0.75, 1.25}
	// by age: 18–29, 30–39, 40–49, 50–59, 60–69
	ageEffect    = [5]float64{0.30, 0.15, 0, -0.15, -0.30}
	ageSchooling = [5]float64{1.7, 0.9, 0, -0.8, -1.7}
	cityEffect   = map[string]float64{
		"330100": 0.25, "330200": 0.15, "330300": -0.05, "330400": 0.05, "330500": 0, "330600": 0.05,
		"330700": -0.05, "330800": -0.15, "330900": 0.05, "331000": -0.10, "331100": -0.15,
		"440100": 0.25, "440200": -0.10, "440300": 0.30, "440400": 0.15, "440500": -0.10, "440600": 0.10, "440700": 0,
		"440800": -0.15, "440900": -0.15, "441200": -0.05, "441300": 0.05, "441400": -0.10, "441500": -0.20, "441600": -0.15,
		"441700": -0.10, "441800": -0.10, "441900": 0.05, "442000": 0.05, "445100": -0.10, "445200": -0.15, "445300": -0.15,
	}
)

const (
	meanAbility   = -1.05
	urbanEffect   = 0.12 // and minus this for rural
	maleEffect    = 0.06 // and minus this for women
	villageSpread = 0.22
	personSpread  = 0.60

	villageSmallest, villageLargest = 18, 60
)

// NewPopulation builds the province from the census, for the questionnaire its
// people will be asked. Sex, age, city and residence are independent of each other,
// each as the census counts it.
func NewPopulation(cfg Config, census *margins.Census, q *surveys.Questionnaire) (*Population, error) {
	if cfg.Interviews < 1 || cfg.Scale < 1 {
		return nil, fmt.Errorf("the demo needs at least one interview and a scale of at least 1, not %d and %d", cfg.Interviews, cfg.Scale)
	}
	p := &Population{cfg: cfg, items: itemModels(cfg.Seed, q), byCode: map[string]*village{}, province: census.Province, cities: len(census.Cities)}
	rng := rand.New(rand.NewPCG(cfg.Seed, 1))
	ages := newAgeTable(census)
	counties, err := countiesOf(census.Province)
	if err != nil {
		return nil, err
	}
	for _, city := range slices.Sorted(maps.Keys(census.Cities)) {
		people := map[string][]Person{}
		for range int(math.Round(census.Cities[city].Aged18to69(margins.EvenShare) / float64(cfg.Scale))) {
			x := newPerson(rng, city, census.Urban, ages)
			people[x.Residence] = append(people[x.Residence], x)
		}
		for _, residence := range []string{"urban", "rural"} {
			from := len(p.villages)
			p.settle(rng, residence, people[residence])
			number(p.villages[from:], counties[city])
		}
	}
	for i := range p.villages {
		v := &p.villages[i]
		p.byCode[v.code] = v
		p.house(rng, v)
	}
	return p, nil
}

// countiesOf lists the codes of the counties of each city of a province, in the vintage of the
// frame. A city without counties, such as Dongguan, stands for one, as in the codes of villages.
func countiesOf(province string) (map[string][]string, error) {
	of := map[string][]string{}
	for _, l := range divisions.Lists() {
		if l.ID != "cn-zj-gd-"+frameVintage {
			continue
		}
		for _, city := range l.Parts(province[:2]) {
			code := city.Code + "00"
			for _, county := range l.Parts(city.Code) {
				of[code] = append(of[code], county.Code)
			}
			if of[code] == nil {
				of[code] = []string{code}
			}
		}
	}
	if len(of) == 0 {
		return nil, fmt.Errorf("there is no list of the divisions of %s of the vintage %s", province, frameVintage)
	}
	return of, nil
}

// villagesPerTownship is how many villages of a stratum lie in one township.
const villagesPerTownship = 30

// number gives the villages of a stratum their codes: they lie in the counties of the city
// one after the other, the urban ones in other townships than the rural ones.
func number(villages []village, counties []string) {
	in := map[string]int{}
	for i := range villages {
		v := &villages[i]
		county := counties[i*len(counties)/len(villages)]
		township := 1 + in[county]/villagesPerTownship
		if v.residence == "rural" {
			township += 200
		}
		v.code = fmt.Sprintf("%s%03d%03d", county, township, 1+in[county]%villagesPerTownship)
		in[county]++
	}
}

// Of the addresses of a village some are vacant, and the others have one to four people.
var householdSizes = [4]float64{0.22, 0.65, 0.90, 1} // cumulative

const vacantShare = 0.03

// house puts the people of a village into its addresses.
func (p *Population) house(rng *rand.Rand, v *village) {
	for next := v.first; next < v.last; {
		if rng.Float64() < vacantShare {
			v.homes = append(v.homes, home{next, next})
			continue
		}
		size, u := 1, rng.Float64()
		for householdSizes[size-1] < u {
			size++
		}
		last := min(next+size, v.last)
		v.homes = append(v.homes, home{next, last})
		next = last
	}
}

// ageTable draws sex and age together, from the census counts by five-year group.
type ageTable struct {
	sexes []string
	first []int     // lowest age of each class
	years []int     // how many ages it has
	upTo  []float64 // cumulative counts
}

const (
	youngest   = 18
	groupYears = 5
)

func newAgeTable(census *margins.Census) ageTable {
	var t ageTable
	sum := 0.0
	for _, sex := range []struct{ code, census string }{{"1", "male"}, {"2", "female"}} {
		for _, from := range slices.Sorted(maps.Keys(census.Ages[sex.census])) {
			first := max(from, youngest)
			years := from + groupYears - first
			sum += census.Ages[sex.census][from] * float64(years) / groupYears
			t.sexes = append(t.sexes, sex.code)
			t.first = append(t.first, first)
			t.years = append(t.years, years)
			t.upTo = append(t.upTo, sum)
		}
	}
	return t
}

func (t ageTable) draw(rng *rand.Rand) (sex string, age int) {
	u := rng.Float64() * t.upTo[len(t.upTo)-1]
	i, _ := slices.BinarySearch(t.upTo, u)
	return t.sexes[i], t.first[i] + rng.IntN(t.years[i])
}

func newPerson(rng *rand.Rand, city string, urbanShare float64, ages ageTable) Person {
	x := Person{City: city, Residence: "rural"}
	x.Sex, x.Age = ages.draw(rng)
	residence, sex := -urbanEffect, -maleEffect
	if rng.Float64() < urbanShare {
		x.Residence, residence = "urban", urbanEffect
	}
	if x.Sex == "1" {
		sex = maleEffect
	}
	age := min((x.Age-20)/10, len(ageEffect)-1) // 18 and 19 belong to the first group
	x.Education = education(rng, age, residence, cityEffect[city])
	x.ability = meanAbility + educationEffect[x.Education] + ageEffect[age] + cityEffect[city] + residence + sex +
		personSpread*rng.NormFloat64()
	return x
}

// education draws a level: younger and urban people stayed longer at school.
func education(rng *rand.Rand, age int, residence, city float64) int {
	latent := ageSchooling[age] + 4*residence + 2*city + logistic(rng)
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
func (p *Population) settle(rng *rand.Rand, residence string, people []Person) {
	rng.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
	for len(people) > 0 {
		size := villageSmallest + rng.IntN(villageLargest-villageSmallest)
		if len(people)-size < villageSmallest {
			size = len(people)
		}
		effect := villageSpread * rng.NormFloat64()
		v := village{residence: residence, first: len(p.people)}
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
