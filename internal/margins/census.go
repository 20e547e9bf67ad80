package margins

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// The ages of the population of the survey, and of the census groups it is made of.
// Only a part of the first group, aged 15–19, belongs to it.
const (
	ageFrom, ageBelow = 18, 70
	groupYears        = 5
	splitGroup        = ageFrom / groupYears * groupYears
)

// Census holds the counts of the 2020 census of one province.
type Census struct {
	// Province is the six-digit code of the province.
	Province string
	// Cities holds the prefecture-level cities by six-digit code.
	Cities map[string]City
	// Urban is the share of all residents, whatever their age, who live in towns.
	Urban float64
	// Ages holds the residents by sex ("male", "female") and the first year of a
	// five-year group, from 15 to 65.
	Ages map[string]map[int]float64
}

// City holds the residents of a prefecture-level city.
type City struct {
	Age15to19, Age20to69 float64
}

// Aged18to69 returns the residents aged 18–69 if this share of those aged 15–19 are 18
// or 19.
func (c City) Aged18to69(share float64) float64 {
	return math.Round(share*c.Age15to19) + c.Age20to69
}

// The tables of the library.
const (
	citiesFile = "census2020/cities.csv"
	agesFile   = "census2020/province_sex_age.csv"
)

// ReadCensus reads the counts of one province, given by its six-digit code, from the
// folder census2020 of the survey library. The tables have no column of those aged 15–19
// in a city; they follow from est18_69, which is age20_69 and 2/5 of them, rounded to a
// person: they are known within 1.25 people, and exactly where the share is 2/5.
func ReadCensus(library fs.FS, province string) (*Census, error) {
	c := &Census{Province: province, Cities: map[string]City{}, Ages: map[string]map[int]float64{}}
	cities, err := readRecords(library, citiesFile)
	if err != nil {
		return nil, err
	}
	for _, row := range cities {
		switch code := row.cells["code"]; {
		case code == province:
			c.Urban, err = row.share("urban", "total")
		case len(province) == 6 && strings.HasSuffix(province, "0000") && strings.HasPrefix(code, province[:2]):
			c.Cities[code], err = row.city()
		}
		if err != nil {
			return nil, err
		}
	}
	if len(c.Cities) == 0 || c.Urban == 0 {
		return nil, fmt.Errorf("census of %q: %w; give the six-digit code of a province of %s, such as 330000", province, surveys.ErrNotFound, citiesFile)
	}
	ages, err := readRecords(library, agesFile)
	if err != nil {
		return nil, err
	}
	for _, row := range ages {
		if row.cells["code"] != province {
			continue
		}
		if c.Ages[row.cells["sex"]], err = row.groups(); err != nil {
			return nil, err
		}
	}
	if len(c.Ages) != 2 || c.Ages["male"] == nil || c.Ages["female"] == nil {
		return nil, fmt.Errorf("%s: %w: province %s needs one row for male and one for female", agesFile, surveys.ErrInvalid, province)
	}
	return c, nil
}

// record is one row of a table of the library.
type record struct {
	file  string
	line  int
	cells map[string]string // by column
}

func readRecords(library fs.FS, file string) ([]record, error) {
	f, err := library.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the census: %w", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read the census: %s: %w: %w", file, surveys.ErrInvalid, err)
	}
	var out []record
	for i, row := range rows[min(1, len(rows)):] {
		r := record{file, i + 2, map[string]string{}}
		for k, head := range rows[0] {
			r.cells[head] = row[k]
		}
		out = append(out, r)
	}
	return out, nil
}

// count reads the count in a column.
func (r record) count(column string) (float64, error) {
	n, err := strconv.ParseUint(r.cells[column], 10, 53)
	if err != nil {
		return 0, fmt.Errorf("%s:%d: %w: column %q has %q; give a count", r.file, r.line, surveys.ErrInvalid, column, r.cells[column])
	}
	return float64(n), nil
}

// share reads two counts, part and whole, and returns the share.
func (r record) share(part, whole string) (float64, error) {
	n, err := r.count(part)
	if err != nil {
		return 0, err
	}
	of, err := r.count(whole)
	if err != nil {
		return 0, err
	}
	if n > of || of == 0 {
		return 0, fmt.Errorf("%s:%d: %w: column %q has %s of the %s in %q; correct the counts", r.file, r.line, surveys.ErrInvalid, part, count(n), count(of), whole)
	}
	return n / of, nil
}

func (r record) city() (City, error) {
	older, err := r.count("age20_69")
	if err != nil {
		return City{}, err
	}
	estimate, err := r.count("est18_69")
	if err != nil {
		return City{}, err
	}
	if estimate < older {
		return City{}, fmt.Errorf("%s:%d: %w: %s people aged 18–69 but %s aged 20–69; correct the counts", r.file, r.line, surveys.ErrInvalid, count(estimate), count(older))
	}
	return City{Age15to19: (estimate - older) / EvenShare, Age20to69: older}, nil
}

func (r record) groups() (map[int]float64, error) {
	groups := map[int]float64{}
	for from := splitGroup; from < ageBelow; from += groupYears {
		n, err := r.count(fmt.Sprintf("%d_%d", from, from+groupYears-1))
		if err != nil {
			return nil, err
		}
		groups[from] = n
	}
	return groups, nil
}

// The factors that the census has counts of. A city's level is known by its six-digit
// code, a sex by the code or value 1, 2, male or female, a residence by urban or rural,
// an age group by its range. Education has its levels from the assumptions.
const (
	factorCity      = "city"
	factorResidence = "residence"
	factorSex       = "sex"
	factorAgeGroup  = "age_group"
	factorEducation = "education"
)

// Margin returns what the census counts, of the residents aged 18–69, for a margin of
// these factors, and what that assumes: city, residence, sex, age_group, sex with
// age_group in either order, or education. The levels of the factors must hold
// everybody; of an age group that reaches beyond 18–69, those within are counted. A margin
// of education needs an assumption about it, since the census counts the education of
// everybody aged 3 and over, pupils included.
func (c *Census) Margin(factors []assess.Factor, a Assumptions) (Margin, []assess.Assumption, error) {
	m := newMargin(factors, "")
	assumed, err := c.fill(&m, factors, a)
	if err != nil {
		return Margin{}, nil, fmt.Errorf("margin %q of the census of %s: %w", m.Name, c.Province, err)
	}
	return m, assumed, nil
}

func (c *Census) fill(m *Margin, factors []assess.Factor, a Assumptions) ([]assess.Assumption, error) {
	if err := checkFactors(factors); err != nil {
		return nil, err
	}
	if err := a.check(c); err != nil {
		return nil, err
	}
	p := c.people(a.Share15to19)
	assumed := p.assumed
	var err error
	switch m.Name {
	case factorSex, factorAgeGroup, factorSex + "/" + factorAgeGroup, factorAgeGroup + "/" + factorSex:
		m.Source = agesFile
		err = p.count(m, factors)
	case factorCity:
		m.Source = citiesFile
		assumed, err = c.cities(m, &factors[0], a.Share15to19)
	case factorResidence:
		m.Source = citiesFile + ", " + agesFile
		share := assess.Assumption{Code: UrbanShareOfAll, Value: c.Urban}
		if a.Urban.Share != nil {
			share = assess.Assumption{Code: UrbanShare, Value: *a.Urban.Share, Source: a.Urban.Source}
			m.Source = agesFile + ", " + a.Urban.Source
		}
		assumed = append(assumed, share)
		err = p.residence(m, &factors[0], share.Value)
	case factorEducation:
		m.Source = agesFile + ", " + a.Education.Source
		var shares []assess.Assumption
		shares, err = p.education(m, &factors[0], a.Education)
		assumed = append(assumed, shares...)
	default:
		err = fmt.Errorf("%w: the census gives no such counts; it gives city, residence, sex, age_group, sex with age_group, and education; "+
			"give a table of your own for others", surveys.ErrInvalid)
	}
	return assumed, err
}

// people are the residents aged 18–69 by sex and the first year of their census group,
// 15 holding those aged 18 and 19.
type people struct {
	counts  map[string]map[int]float64
	total   float64
	assumed []assess.Assumption
}

func (c *Census) people(s AgeShare) people {
	shares, assumed := s.sexes(c)
	p := people{counts: map[string]map[int]float64{}, assumed: assumed}
	for sex, groups := range c.Ages {
		of := maps.Clone(groups)
		of[splitGroup] = math.Round(shares[sex] * groups[splitGroup])
		p.counts[sex] = of
		for _, n := range of {
			p.total += n // whole numbers: exact in any order
		}
	}
	return p
}

// count fills a margin of sex, of age groups, or of both.
func (p people) count(m *Margin, factors []assess.Factor) error {
	sexes := map[string][]string{"": {"male", "female"}} // by level code
	ages := map[string]ageRange{"": {ageFrom, ageBelow}}
	for _, f := range factors {
		var err error
		if f.ID == factorSex {
			sexes, err = sexLevels(f)
		} else {
			ages, err = ageLevels(f)
		}
		if err != nil {
			return err
		}
	}
	for sex, names := range sexes {
		for age, r := range ages {
			code := sex + age
			if len(factors) == 2 {
				code = sex + "/" + age
				if factors[0].ID == factorAgeGroup {
					code = age + "/" + sex
				}
			}
			for _, name := range names {
				m.Targets[code] += r.people(p.counts[name])
			}
		}
	}
	return p.everybody(m)
}

// everybody checks that the levels of a margin hold all people.
func (p people) everybody(m *Margin) error {
	if total := m.Total(); total != p.total {
		return fmt.Errorf("%w: the levels hold %s people, but %s are aged 18–69; let every person have one level",
			surveys.ErrInvalid, count(total), count(p.total))
	}
	return nil
}

func sexLevels(f assess.Factor) (map[string][]string, error) {
	out := map[string][]string{}
	for _, l := range f.Levels {
		name := censusName(l, sexNames)
		if name == "" {
			return nil, fmt.Errorf("%w: factor %q, level %q: the census knows male (1) and female (2) only", surveys.ErrInvalid, f.ID, l.Code)
		}
		out[l.Code] = []string{name}
	}
	return out, nil
}

// ageRange holds the ages first <= age < below.
type ageRange struct{ first, below float64 }

func ageLevels(f assess.Factor) (map[string]ageRange, error) {
	out := map[string]ageRange{}
	for _, l := range f.Levels {
		fail := func(words string) (map[string]ageRange, error) {
			return nil, fmt.Errorf("%w: factor %q, level %q: %s", surveys.ErrInvalid, f.ID, l.Code, words)
		}
		if l.Min == nil && l.Below == nil {
			return fail("the census counts ranges of age; give min and below")
		}
		r := ageRange{ageFrom, ageBelow}
		if l.Min != nil {
			r.first = max(r.first, *l.Min)
		}
		if l.Below != nil {
			r.below = min(r.below, *l.Below)
		}
		switch {
		case r.first >= r.below:
			return fail("nobody aged 18–69 belongs to it; remove it")
		case !r.fits():
			return fail("the census has groups of five years; let the ranges begin and end at 18 or at a multiple of five")
		}
		out[l.Code] = r
	}
	return out, nil
}

func (r ageRange) fits() bool {
	return (r.first == ageFrom || math.Mod(r.first, groupYears) == 0) && math.Mod(r.below, groupYears) == 0
}

// people counts those of the range; 15 holds those aged 18 and 19.
func (r ageRange) people(groups map[int]float64) float64 {
	var n float64
	for from, count := range groups {
		if first := float64(max(from, ageFrom)); first >= r.first && first < r.below {
			n += count
		}
	}
	return n
}

func (c *Census) cities(m *Margin, f *assess.Factor, s AgeShare) ([]assess.Assumption, error) {
	shares, assumed := s.cities(c)
	level := map[string]string{} // of each city
	for _, l := range f.Levels {
		found := false
		for code, city := range c.Cities {
			if l.Code != code && !slices.Contains(l.Values, code) {
				continue
			}
			if other, taken := level[code]; taken {
				return nil, fmt.Errorf("%w: factor %q: the city %s is in the levels %q and %q; keep it in one", surveys.ErrInvalid, f.ID, code, other, l.Code)
			}
			found, level[code] = true, l.Code
			m.Targets[l.Code] += city.Aged18to69(shares[code]) // whole numbers: exact in any order
		}
		if !found {
			return nil, fmt.Errorf("%w: factor %q, level %q: province %s has no city of this code in the census", surveys.ErrInvalid, f.ID, l.Code, c.Province)
		}
	}
	if len(level) != len(c.Cities) {
		return nil, fmt.Errorf("%w: factor %q names %d of the %d cities of province %s; name them all", surveys.ErrInvalid, f.ID, len(level), len(c.Cities), c.Province)
	}
	return assumed, nil
}

func (p people) residence(m *Margin, f *assess.Factor, urban float64) error {
	level := map[string]string{}
	for _, l := range f.Levels {
		name := censusName(l, residenceNames)
		if name == "" {
			return fmt.Errorf("%w: factor %q, level %q: the census knows urban and rural only", surveys.ErrInvalid, f.ID, l.Code)
		}
		level[name] = l.Code
		m.Targets[l.Code] = p.total * urban
		if name == "rural" {
			m.Targets[l.Code] = p.total * (1 - urban)
		}
	}
	if len(level) != 2 || len(f.Levels) != 2 {
		return fmt.Errorf("%w: factor %q has %d levels; it needs one for urban and one for rural", surveys.ErrInvalid, f.ID, len(f.Levels))
	}
	return nil
}

func (p people) education(m *Margin, f *assess.Factor, e EducationShares) ([]assess.Assumption, error) {
	if len(e.Shares) == 0 {
		return nil, fmt.Errorf("%w: the census counts the education of everybody aged 3 and over, pupils included, not of those aged 18–69; "+
			"give the share of each level among them in education.shares with its source, or a table of your own, or leave the margin out", surveys.ErrInvalid)
	}
	var assumed []assess.Assumption
	for _, l := range f.Levels {
		share, ok := e.Shares[l.Code]
		if !ok {
			return nil, fmt.Errorf("%w: assumption education.shares has no share for the level %q; give one, 0 if nobody has it", surveys.ErrInvalid, l.Code)
		}
		m.Targets[l.Code] = p.total * share
		assumed = append(assumed, assess.Assumption{Code: EducationShare, Subject: f.ID + "=" + l.Code, Value: share, Source: e.Source})
	}
	for _, code := range slices.Sorted(maps.Keys(e.Shares)) {
		if _, ok := m.Targets[code]; !ok {
			return nil, fmt.Errorf("%w: assumption education.shares: the factor %q has no level %q; its levels are %s",
				surveys.ErrInvalid, f.ID, code, strings.Join(assess.Crossing([]assess.Factor{*f}), ", "))
		}
	}
	return assumed, nil
}

// censusName finds the census's word for a level: through its code, or the first of its
// values that stands for a word.
func censusName(l assess.Level, words map[string]string) string {
	for _, v := range append([]string{l.Code}, l.Values...) {
		if word, ok := words[v]; ok {
			return word
		}
	}
	return ""
}

// What stands for the census's words.
var (
	sexNames       = map[string]string{"1": "male", "male": "male", "2": "female", "female": "female"}
	residenceNames = map[string]string{"1": "urban", "urban": "urban", "2": "rural", "rural": "rural"}
)
