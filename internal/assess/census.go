package assess

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// Assumption is something the weights rest on that nobody counted. The report says
// it in words.
type Assumption struct {
	Code AssumptionCode
	// Subject is what it is about, such as a margin; may be empty.
	Subject string
	// Value is the number in it; 0 if none.
	Value float64
}

// AssumptionCode says what kind of assumption it is.
type AssumptionCode string

// The assumptions about census margins.
const (
	// The census has five-year groups: people aged 18 and 19 are taken to be Value
	// of those aged 15–19.
	EvenAges AssumptionCode = "even-ages"
	// The urban share of all residents, Value, is taken for those aged 18–69.
	UrbanShareOfAll AssumptionCode = "urban-share-of-all"
	// The counts of margin Subject were multiplied by 1+Value, so that all margins
	// have one total.
	MarginScaled AssumptionCode = "margin-scaled"
)

// shareOf15to19 is the share of people aged 15–19 who are 18 or 19, if every year of
// age is equally large.
const shareOf15to19 = 2.0 / 5

// The ages of the population of the survey, and of the census groups it is made of.
const (
	ageFrom, ageBelow = 18, 70
	groupYears        = 5
)

// Census holds the counts of the 2020 census that weights of a province are raked to.
type Census struct {
	// Province is the six-digit code of the province.
	Province string
	// Cities holds the residents aged 18–69 of each prefecture-level city by code.
	Cities map[string]float64
	// Urban is the share of all residents, whatever their age, who live in towns.
	Urban float64
	// Ages holds the residents by sex ("male", "female") and the first year of a
	// five-year group, from 15 to 65.
	Ages map[string]map[int]float64
}

// ReadCensus reads the counts of one province from the folder census2020 of the
// survey library.
func ReadCensus(library fs.FS, province string) (*Census, error) {
	c := &Census{Province: province, Cities: map[string]float64{}, Ages: map[string]map[int]float64{}}
	cities, err := readTable(library, "census2020/cities.csv")
	if err != nil {
		return nil, err
	}
	for _, row := range cities {
		switch {
		case row.text["code"] == province:
			c.Urban = row.number["urban"] / row.number["total"]
		case len(province) == 6 && strings.HasPrefix(row.text["code"], province[:2]):
			c.Cities[row.text["code"]] = row.number["est18_69"]
		}
	}
	if len(c.Cities) == 0 || c.Urban == 0 {
		return nil, fmt.Errorf("census of %q: %w; give the six-digit code of a province of census2020/cities.csv, such as 330000", province, surveys.ErrNotFound)
	}
	ages, err := readTable(library, "census2020/province_sex_age.csv")
	if err != nil {
		return nil, err
	}
	for _, row := range ages {
		if row.text["code"] != province {
			continue
		}
		groups := map[int]float64{}
		for from := ageFrom / groupYears * groupYears; from < ageBelow; from += groupYears {
			groups[from] = row.number[fmt.Sprintf("%d_%d", from, from+groupYears-1)]
		}
		c.Ages[row.text["sex"]] = groups
	}
	return c, nil
}

// record is one row of a table; what is no number is only text.
type record struct {
	text   map[string]string
	number map[string]float64
}

func readTable(library fs.FS, name string) ([]record, error) {
	f, err := library.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read the census margins: %w", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read the census margins of %s: %w", name, err)
	}
	var out []record
	for _, row := range rows[min(1, len(rows)):] {
		r := record{map[string]string{}, map[string]float64{}}
		for i, head := range rows[0] {
			r.text[head] = row[i]
			if x, err := strconv.ParseFloat(row[i], 64); err == nil {
				r.number[head] = x
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// The factors of a plan that the census has counts of. A city's level is known by its
// six-digit code, a sex by the code or value 1, 2, male or female, a residence by
// urban or rural, an age group by its range.
const (
	factorCity      = "city"
	factorResidence = "residence"
	factorSex       = "sex"
	factorAgeGroup  = "age_group"
)

// Margins returns the margins that the census gives for a plan: the cities, urban and
// rural, and sex by age group, each where the plan has the factors. All have the
// total of sex by age; by how much the others were scaled is an assumption.
func (c *Census) Margins(p *Plan) ([]Margin, []Assumption, error) {
	var margins []Margin
	assumed := []Assumption{{Code: EvenAges, Value: shareOf15to19}}
	sex, age := p.Factor(factorSex), p.Factor(factorAgeGroup)
	if sex == nil || age == nil {
		return nil, nil, fmt.Errorf("%w: the plan needs the factors %q and %q to be weighed to the census", surveys.ErrInvalid, factorSex, factorAgeGroup)
	}
	m, total, err := c.sexByAge(sex, age)
	if err != nil {
		return nil, nil, err
	}
	margins = append(margins, m)
	if f := p.Factor(factorCity); f != nil {
		m, err := c.cities(f)
		if err != nil {
			return nil, nil, err
		}
		margins = append(margins, m)
	}
	if f := p.Factor(factorResidence); f != nil {
		m, err := c.residence(f, total)
		if err != nil {
			return nil, nil, err
		}
		margins = append(margins, m)
		assumed = append(assumed, Assumption{Code: UrbanShareOfAll, Value: c.Urban})
	}
	for _, m := range margins {
		if by := m.scale(total); math.Abs(by) > 1e-12 {
			assumed = append(assumed, Assumption{Code: MarginScaled, Subject: m.Name(), Value: by})
		}
	}
	return margins, assumed, nil
}

// scale multiplies the targets so that they add up to total and returns by how much
// they were changed, relative to what they were.
func (m Margin) scale(total float64) float64 {
	var sum float64
	for _, k := range sortedKeys(m.Targets) {
		sum += m.Targets[k]
	}
	for k := range m.Targets {
		m.Targets[k] *= total / sum
	}
	return total/sum - 1
}

func (c *Census) sexByAge(sex, age *Factor) (Margin, float64, error) {
	m := Margin{Factors: []string{sex.ID, age.ID}, Targets: map[string]float64{}}
	var total float64
	for _, s := range sex.Levels {
		counts := c.Ages[censusName(s, map[string]string{"1": "male", "2": "female"})]
		if counts == nil {
			return m, 0, fmt.Errorf("%w: factor %q, level %q: the census knows male (1) and female (2) only", surveys.ErrInvalid, sex.ID, s.Code)
		}
		for _, a := range age.Levels {
			n, err := between(counts, a)
			if err != nil {
				return m, 0, fmt.Errorf("%w: factor %q, level %q: %w", surveys.ErrInvalid, age.ID, a.Code, err)
			}
			m.Targets[s.Code+"/"+a.Code] = n
			total += n
		}
	}
	return m, total, nil
}

// between counts the people of an age group.
func between(counts map[int]float64, l Level) (float64, error) {
	lo, below := l.bounds()
	lo, below = max(lo, ageFrom), min(below, ageBelow)
	var n float64
	for from, count := range counts {
		first, end := float64(from), float64(from+groupYears)
		switch {
		case end <= lo || first >= below:
		case first >= lo && end <= below:
			n += count
		case lo == ageFrom && end <= below:
			n += count * shareOf15to19
		default:
			return 0, fmt.Errorf("the census has groups of five years; let the ranges begin and end at 18 or at a multiple of five")
		}
	}
	return math.Round(n), nil
}

func (c *Census) cities(f *Factor) (Margin, error) {
	m := Margin{Factors: []string{f.ID}, Targets: map[string]float64{}}
	found := 0
	for _, l := range f.Levels {
		for code, n := range c.Cities {
			if l.Code == code || slices.Contains(l.Values, code) {
				m.Targets[l.Code] += n
				found++
			}
		}
		if m.Targets[l.Code] == 0 {
			return m, fmt.Errorf("%w: factor %q, level %q: province %s has no city of this code in the census", surveys.ErrInvalid, f.ID, l.Code, c.Province)
		}
	}
	if found != len(c.Cities) {
		return m, fmt.Errorf("%w: factor %q names %d of the %d cities of province %s; name them all", surveys.ErrInvalid, f.ID, found, len(c.Cities), c.Province)
	}
	return m, nil
}

func (c *Census) residence(f *Factor, total float64) (Margin, error) {
	m := Margin{Factors: []string{f.ID}, Targets: map[string]float64{}}
	for _, l := range f.Levels {
		switch censusName(l, map[string]string{"1": "urban", "2": "rural"}) {
		case "urban":
			m.Targets[l.Code] = total * c.Urban
		case "rural":
			m.Targets[l.Code] = total * (1 - c.Urban)
		default:
			return m, fmt.Errorf("%w: factor %q, level %q: the census knows urban and rural only", surveys.ErrInvalid, f.ID, l.Code)
		}
	}
	return m, nil
}

// censusName finds the census's word for a level among its code and values, or
// through the number that stands for it.
func censusName(l Level, numbers map[string]string) string {
	for _, v := range append([]string{l.Code}, l.Values...) {
		for number, word := range numbers {
			if v == number || v == word {
				return word
			}
		}
	}
	return ""
}
