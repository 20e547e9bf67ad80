// Package synthetic makes the sample that the benchmarks of package analysis work on:
// always the same people for the same number of rows. They resemble a Chinese
// household survey in shape only; no number of it says anything about anybody.
package synthetic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/suyang-survey/suyang/analysis"
)

// The design of every sample: Strata strata of equally many PSUs, six strata in each
// region, three of them towns.
const (
	Strata = 60
	PSUs   = 1740
)

// A Sample is the columns of the people of a survey, in the order of PSUs as survey
// files are. The labels of strata and PSUs share their memory, as a reader with a
// dictionary leaves them. Nothing is missing.
type Sample struct {
	Columns analysis.Columns // Weight, Stratum and PSU
	Factors []analysis.FactorColumn
	// Score is a whole number from 0 to 100, Literate 0 or 1, and Age in years, with
	// fractions. They depend on the factors and on the PSU.
	Score, Literate, Age []float64
}

// The places of the factors in Sample.Factors.
const (
	region = iota
	sex
	ageGroup
	education
	residence
	ethnicity
	income
	internet
	employment
	occupation
	marital
	household
)

var factors = [...]analysis.Factor{
	region:     {ID: "region", Levels: []string{"Beijing", "Hebei", "Liaoning", "Shanghai", "Zhejiang", "Henan", "Hubei", "Guangdong", "Sichuan", "Gansu"}},
	sex:        {ID: "sex", Levels: []string{"male", "female"}},
	ageGroup:   {ID: "age_group", Levels: []string{"18–24", "25–34", "35–44", "45–54", "55–64", "65–79"}},
	education:  {ID: "education", Levels: []string{"primary or less", "junior high", "senior high", "junior college", "bachelor or more"}},
	residence:  {ID: "residence", Levels: []string{"urban", "rural"}},
	ethnicity:  {ID: "ethnicity", Levels: []string{"Han", "minority"}},
	income:     {ID: "income", Levels: []string{"lowest", "lower", "higher", "highest"}},
	internet:   {ID: "internet", Levels: []string{"never", "sometimes", "daily"}},
	employment: {ID: "employment", Levels: []string{"employed", "self-employed", "not employed"}},
	occupation: {ID: "occupation", Levels: []string{"official", "professional", "clerk", "service", "farmer", "worker", "soldier", "other"}},
	marital:    {ID: "marital", Levels: []string{"single", "married", "divorced", "widowed"}},
	household:  {ID: "household", Levels: []string{"1", "2", "3", "4", "5 or more"}},
}

// Draw makes a sample of n people, at least one in each PSU: n is PSUs or more.
func Draw(n int) *Sample {
	if n < PSUs {
		panic(fmt.Sprintf("synthetic: %d rows for %d PSUs", n, PSUs))
	}
	s := &Sample{
		Columns: analysis.Columns{Weight: make([]float64, n), Stratum: make([]string, n), PSU: make([]string, n)},
		Score:   make([]float64, n), Literate: make([]float64, n), Age: make([]float64, n),
	}
	for _, f := range factors {
		f.Levels = slices.Clone(f.Levels)
		s.Factors = append(s.Factors, analysis.FactorColumn{Factor: f, Level: make([]int, n)})
	}
	r := rand.New(rand.NewPCG(1, 2))
	var strata, psus []string
	for h := range Strata {
		strata = append(strata, fmt.Sprintf("S%02d", h))
	}
	for k := range PSUs / Strata {
		psus = append(psus, strconv.Itoa(k))
	}
	i := 0
	for k, end := range ends(n, r) {
		p := place{r: r, stratum: k / len(psus), effect: 0.3 * r.NormFloat64()}
		for ; i < end; i++ {
			s.Columns.Stratum[i], s.Columns.PSU[i] = strata[p.stratum], psus[k%len(psus)]
			s.interview(i, p)
		}
	}
	return s
}

// ends has the row after the last one of each PSU. The largest PSU is about three times
// the smallest.
func ends(n int, r *rand.Rand) []int {
	size := make([]float64, PSUs)
	total := 0.0
	for k := range size {
		total += 0.5 + r.Float64()
		size[k] = total
	}
	at := make([]int, PSUs)
	for k := range at {
		at[k] = k + 1 + int(float64(n-PSUs)*(size[k]/total))
	}
	return at
}

// A place is a PSU while its people are made.
type place struct {
	r       *rand.Rand
	stratum int
	effect  float64 // on everybody's score, in standard deviations
}

// interview makes person i. One in five is registered anywhere, so that regions cross
// strata, and education, income and use of the internet follow residence and age.
func (s *Sample) interview(i int, p place) {
	r := p.r
	set := func(f, level int) { s.Factors[f].Level[i] = level }
	home, town := p.stratum/6, p.stratum%6 < 3
	if r.Float64() < 0.2 {
		home = r.IntN(len(factors[region].Levels))
	}
	rural := 0
	if (r.Float64() < 0.15) == town {
		rural = 1
	}
	age := 18 + 62*r.Float64()
	old := (age - 49) / 18
	female := r.IntN(2)
	school := graded(r.NormFloat64()-0.5*old-0.8*float64(rural), -1.1, 0, 0.8, 1.4)
	learned := float64(school) - 1.5
	money := graded(r.NormFloat64()+0.4*learned, -0.9, -0.1, 0.7)
	online := graded(r.NormFloat64()+0.4*learned-0.7*old, -1.2, -0.6)
	minority := graded(r.NormFloat64(), 1.35)
	work := graded(r.NormFloat64()+0.6*old, -0.1, 0.5)

	set(region, home)
	set(sex, female)
	set(ageGroup, graded(age, 25, 35, 45, 55, 65))
	set(education, school)
	set(residence, rural)
	set(ethnicity, minority)
	set(income, money)
	set(internet, online)
	set(employment, work)
	set(occupation, r.IntN(len(factors[occupation].Levels)))
	set(marital, graded(r.NormFloat64()+old, -1, 1.5, 2))
	set(household, graded(r.NormFloat64(), -1.2, -0.4, 0.5, 1.1))

	ability := 0.35*learned - 0.15*old - 0.1*float64(female) - 0.2*float64(rural) + 0.15*float64(money-1) +
		0.25*float64(online-1) - 0.1*float64(minority) - 0.05*float64(work) + 0.02*float64(home) + p.effect
	s.Age[i] = age
	s.Columns.Weight[i] = 400 * math.Exp(0.4*r.NormFloat64())
	s.Score[i] = math.Round(min(100, max(0, 52+12*ability+14*r.NormFloat64())))
	if r.Float64() < 1/(1+math.Exp(0.9-ability)) {
		s.Literate[i] = 1
	}
}

// graded is how many of the cuts, in rising order, x has reached.
func graded(x float64, cuts ...float64) int {
	g := 0
	for g < len(cuts) && x >= cuts[g] {
		g++
	}
	return g
}

// Shuffled is the same people in an order that has nothing to do with the design.
func (s *Sample) Shuffled() *Sample {
	order := rand.New(rand.NewPCG(3, 4)).Perm(len(s.Score))
	o := &Sample{
		Columns: analysis.Columns{
			Weight:  arrange(s.Columns.Weight, order),
			Stratum: arrange(s.Columns.Stratum, order),
			PSU:     arrange(s.Columns.PSU, order),
		},
		Score: arrange(s.Score, order), Literate: arrange(s.Literate, order), Age: arrange(s.Age, order),
	}
	for _, f := range s.Factors {
		o.Factors = append(o.Factors, analysis.FactorColumn{Factor: f.Factor, Level: arrange(f.Level, order)})
	}
	return o
}

func arrange[T any](column []T, order []int) []T {
	c := make([]T, len(order))
	for i, from := range order {
		c[i] = column[from]
	}
	return c
}

// Domains are the factors that cross to 120 domains: region, sex and age group.
func (s *Sample) Domains() []analysis.FactorColumn { return s.Factors[region : ageGroup+1] }

// Margins are five factors of 1,200 crossings: region to residence.
func (s *Sample) Margins() []analysis.FactorColumn { return s.Factors[region : residence+1] }

// Predictors are eight factors with 19 coefficients that Literate depends on: sex to
// employment.
func (s *Sample) Predictors() []analysis.Term {
	var terms []analysis.Term
	for _, f := range s.Factors[sex : employment+1] {
		terms = append(terms, analysis.Term{Factor: f})
	}
	return terms
}

// AgeTerm is age as a predictor with one coefficient.
func (s *Sample) AgeTerm() analysis.Term {
	return analysis.Term{Numeric: analysis.Variable{Name: "age", Values: s.Age}}
}
