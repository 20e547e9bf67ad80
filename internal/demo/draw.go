package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/suyang-survey/suyang/internal/fieldwork"
)

// The design: villages are drawn with probability proportional to size within each
// stratum (city × urban or rural), then the same number of people in each village.
const (
	peoplePerVillage   = 12
	villagesPerStratum = 2 // at least
	expectedResponse   = 0.75
)

// Drawn is a drawn person: the case of the sample file and who it is.
type Drawn struct {
	fieldwork.Case
	Person *Person
}

// Draw takes the sample. Stage probabilities go into the base weight: m·M_i/M for
// village i of a stratum of M people with m villages drawn, k/M_i for a person in it.
// Other seeds draw other samples from the same population.
func (p *Population) Draw(seed uint64) []Drawn {
	rng := rand.New(rand.NewPCG(seed, 2))
	byStratum := map[string][]village{}
	for _, v := range p.villages {
		byStratum[v.stratum] = append(byStratum[v.stratum], v)
	}
	var drawn []Drawn
	for stratum, m := range p.allocate(byStratum) {
		for _, d := range drawVillages(rng, byStratum[p.strata[stratum]], m) {
			drawn = append(drawn, p.drawPeople(rng, d)...)
		}
	}
	return drawn
}

// allocate shares the villages among the strata in proportion to the square root of
// their population, so that small cities get a usable sample, as the national
// population survey does between provinces.
func (p *Population) allocate(byStratum map[string][]village) []int {
	total := math.Ceil(float64(p.cfg.Interviews) / expectedResponse / peoplePerVillage)
	roots := make([]float64, len(p.strata))
	sum := 0.0
	for i, s := range p.strata {
		roots[i] = math.Sqrt(float64(people(byStratum[s])))
		sum += roots[i]
	}
	m := make([]int, len(roots))
	for i, r := range roots {
		m[i] = max(villagesPerStratum, int(math.Round(total*r/sum)))
		m[i] = min(m[i], len(byStratum[p.strata[i]])/2)
	}
	return m
}

func people(vs []village) int {
	n := 0
	for _, v := range vs {
		n += v.size()
	}
	return n
}

// drawnVillage is a village with its probability to be drawn.
type drawnVillage struct {
	village
	probability float64
}

// drawVillages draws m villages systematically with probability proportional to
// size, in random order (Madow 1949). A village larger than the step is certain.
func drawVillages(rng *rand.Rand, vs []village, m int) []drawnVillage {
	vs = slices.Clone(vs)
	rng.Shuffle(len(vs), func(i, j int) { vs[i], vs[j] = vs[j], vs[i] })
	step := float64(people(vs)) / float64(m)
	next := rng.Float64() * step
	var out []drawnVillage
	sum := 0.0
	for _, v := range vs {
		sum += float64(v.size())
		if next < sum {
			out = append(out, drawnVillage{v, math.Min(1, float64(v.size())/step)})
			for next < sum {
				next += step
			}
		}
	}
	return out
}

// drawPeople draws people of a village by simple random sampling.
func (p *Population) drawPeople(rng *rand.Rand, v drawnVillage) []Drawn {
	k := min(peoplePerVillage, v.size())
	order := rng.Perm(v.size())[:k]
	slices.Sort(order)
	weight := 1 / (v.probability * float64(k) / float64(v.size()))
	out := make([]Drawn, k)
	for i, o := range order {
		x := &p.people[v.first+o]
		out[i] = Drawn{Person: x, Case: fieldwork.Case{
			ID: fmt.Sprintf("%s-%02d", v.name, i+1), Stratum: v.stratum, PSU: v.name,
			Weight:  weight * float64(p.cfg.Scale),
			Columns: map[string]string{"city": x.City, "residence": x.Residence},
		}}
	}
	return out
}

// Responds reports whether a person drawn with this seed takes part. Men, the young and people in
// towns take part less often; raking by sex × age, city and residence can repair
// that, since nothing else decides.
func (p *Population) Responds(seed uint64, x *Person) bool {
	logit := 1.1
	if x.Sex == "1" {
		logit -= 0.25
	}
	if x.Age < 30 {
		logit -= 0.45
	}
	if x.Age >= 60 {
		logit += 0.35
	}
	if x.Residence == "urban" {
		logit -= 0.2
	} else {
		logit += 0.4
	}
	return uniform(seed, x.id, streamRespond) < 1/(1+math.Exp(-logit))
}
