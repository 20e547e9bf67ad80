package fieldwork

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis/sampling"
)

// CityPlan is what is planned in one city.
type CityPlan struct {
	City, Name string
	// People is the size of the city, for an allocation; 0 when it is not known.
	People float64
	// Survey has the cases, the response rate, the design effect and the expected rate.
	sampling.Survey
	// Cost is that of one interview.
	Cost float64
}

// PrecisionGoals are what precision is judged by.
type PrecisionGoals struct {
	Confidence, Power float64 // such as 0.95 and 0.8
	// Change is the change from one survey to the next that somebody would like to see.
	Change float64
}

// CityPrecision is what a plan gives in one city. Rates and their errors are proportions.
type CityPrecision struct {
	City, Name                       string
	Cases, Interviews                float64
	Rate, DEff, Response             float64
	SE, Margin, CV, Detectable, Cost float64
	SeesChange                       bool // the change wished for is detectable
}

// Ranking says whether the order of cities can be told from chance: pairs are Apart when
// their expected rates differ by what a test of all pairs at once (Bonferroni) finds
// with the power asked for. That difference is from Least to Most, as pairs differ.
type Ranking struct {
	Verdict     RankingVerdict
	Pairs       int
	Apart       int
	Least, Most float64
}

// RankingVerdict is unsupported, partly or supported.
type RankingVerdict string

// The verdicts: no pair, some pairs and all pairs are apart. One city has no rank.
const (
	RankingUnsupported RankingVerdict = "unsupported"
	RankingPartly      RankingVerdict = "partly"
	RankingSupported   RankingVerdict = "supported"
	RankingOfOne       RankingVerdict = "one"
)

// Precision is what a plan gives.
type Precision struct {
	Schema                  string
	Goals                   PrecisionGoals
	Cities                  []CityPrecision
	Cases, Interviews, Cost float64
	SeeChange               int // cities
	Ranking                 Ranking
}

// PlanPrecision computes the precision of a plan in each city. See sampling.Survey for
// the formulas.
func PlanPrecision(cities []CityPlan, g PrecisionGoals) (*Precision, error) {
	if !(g.Confidence > 0 && g.Confidence < 1 && g.Power > 0 && g.Power < 1 && g.Change >= 0) {
		return nil, invalidf("confidence %v, power %v, change %v: the first two lie between 0 and 1, the last is 0 or more", g.Confidence, g.Power, g.Change)
	}
	if len(cities) == 0 {
		return nil, invalidf("there are no cities")
	}
	p := &Precision{Schema: "suyang.precision.1", Goals: g}
	for _, c := range cities {
		if err := c.Check(); err != nil {
			return nil, invalidf("city %s: %w", c.City, err)
		}
		d := c.Detectable(g.Confidence, g.Power)
		x := CityPrecision{City: c.City, Name: c.Name, Cases: c.Cases, Interviews: c.Interviews(), Rate: c.P, DEff: c.DEff, Response: c.Response,
			SE: c.SE(), Margin: c.Margin(g.Confidence), CV: c.SE() / c.P, Detectable: d, Cost: c.Cost * c.Interviews(), SeesChange: d <= g.Change}
		if x.SeesChange {
			p.SeeChange++
		}
		p.Cities = append(p.Cities, x)
		p.Cases, p.Interviews, p.Cost = p.Cases+x.Cases, p.Interviews+x.Interviews, p.Cost+x.Cost
	}
	p.Ranking = rank(cities, g)
	return p, nil
}

func rank(cities []CityPlan, g PrecisionGoals) Ranking {
	r := Ranking{Verdict: RankingOfOne, Pairs: len(cities) * (len(cities) - 1) / 2}
	if r.Pairs == 0 {
		return r
	}
	confidence := 1 - (1-g.Confidence)/float64(r.Pairs)
	r.Least = math.Inf(1)
	for i, a := range cities {
		for _, b := range cities[:i] {
			need := sampling.Between(a.Survey, b.Survey, confidence, g.Power)
			r.Least, r.Most = min(r.Least, need), max(r.Most, need)
			if math.Abs(a.P-b.P) >= need {
				r.Apart++
			}
		}
	}
	switch r.Apart {
	case 0:
		r.Verdict = RankingUnsupported
	case r.Pairs:
		r.Verdict = RankingSupported
	default:
		r.Verdict = RankingPartly
	}
	return r
}

// ShareCases gives the cities their cases: total, shared by a rule of
// sampling (proportional, root, equal, or power with its exponent) among the cities by
// their people, with at least least in each.
func ShareCases(cities []CityPlan, rule string, exponent float64, total, least int) error {
	people := make([]float64, len(cities))
	limits := sampling.Limits{Least: make([]int, len(cities))}
	for h, c := range cities {
		people[h], limits.Least[h] = c.People, least
		if rule != "equal" && !(c.People > 0) {
			return invalidf("city %s: the column people is needed to share cases by the rule %s", c.City, rule)
		}
	}
	var scores sampling.Scores
	switch rule {
	case "proportional":
		scores = sampling.ProportionalScores(people)
	case "root":
		scores = sampling.RootScores(people)
	case "equal":
		scores = sampling.EqualScores(len(cities))
	case "power":
		scores = sampling.PowerScores(people, nil, exponent)
	default:
		return invalidf("the rule is %q; use proportional, root, equal or power", rule)
	}
	shares, err := sampling.Allocate(total, scores, limits)
	if err != nil {
		return invalidf("share %d cases: %w", total, err)
	}
	for h, n := range sampling.Round(shares) {
		cities[h].Cases = float64(n)
	}
	return nil
}

// ReadCityPlans reads a CSV file of cities: the column city and, where cities differ from
// the common plan, name, people, cases, response, deff, rate and cost. Faults name row
// and column.
func ReadCityPlans(name string, r io.Reader, common CityPlan) ([]CityPlan, error) {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, invalidf("%s: %w", name, err)
	}
	if len(rows) < 2 || len(rows) > 10_000 {
		return nil, invalidf("%s: a header and one to 9,999 cities are needed; there are %d rows", name, len(rows))
	}
	rows[0][0] = strings.TrimPrefix(rows[0][0], "\ufeff")
	if !slices.Contains(rows[0], "city") {
		return nil, invalidf("%s:1: the column city is needed; found %s", name, strings.Join(rows[0], ", "))
	}
	var cities []CityPlan
	var faults []error
	for i, row := range rows[1:] {
		c := common
		for k, head := range rows[0] {
			if err := c.set(head, row[k]); err != nil && len(faults) < maxFaults {
				faults = append(faults, invalidf("%s: row %d, column %s: %w", name, i+2, head, err))
			}
		}
		cities = append(cities, c)
	}
	return cities, errors.Join(faults...)
}

// set takes one field of a row; an empty one leaves what is common.
func (c *CityPlan) set(head, text string) error {
	numbers := map[string]*float64{"people": &c.People, "cases": &c.Cases, "response": &c.Response, "deff": &c.DEff, "rate": &c.P, "cost": &c.Cost}
	switch into := numbers[head]; {
	case head == "city" && text == "":
		return errors.New("it is empty")
	case head == "city":
		c.City = text
	case head == "name":
		c.Name = text
	case into == nil:
		return errors.New("no such column; use city, name, people, cases, response, deff, rate and cost")
	case text != "":
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || !(x >= 0) || math.IsInf(x, 0) {
			return fmt.Errorf("%q is not a number, 0 or more", text)
		}
		if (head == "rate" || head == "response") && x > 1 {
			return fmt.Errorf("%s is above 1; write 13.5 %% as 0.135", text)
		}
		*into = x
	}
	return nil
}
