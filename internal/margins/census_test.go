package margins_test

import (
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/margins"
	"github.com/suyang-survey/suyang/surveys/library"
)

func census(t *testing.T, province string) *margins.Census {
	t.Helper()
	c, err := margins.ReadCensus(library.FS, province)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// margin makes a margin of factors of the civic literacy survey.
func margin(t *testing.T, c *margins.Census, a margins.Assumptions, ids ...string) (margins.Margin, []assess.Assumption) {
	t.Helper()
	m, assumed, err := c.Margin(factors(plan(t), ids...), a)
	if err != nil {
		t.Fatal(err)
	}
	return m, assumed
}

func sameAssumptions(t *testing.T, name string, got []assess.Assumption, want ...assess.Assumption) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(g, w assess.Assumption) bool {
		value := g.Value
		g.Value = w.Value
		return g == w && math.Abs(value-w.Value) < 5e-5
	}) {
		t.Errorf("%s: assumptions %+v, want %+v", name, got, want)
	}
}

// The 2020 census county yearbook, see the README of census2020: 48,882,983 people aged
// 18–69 in Zhejiang with 2/5 of those aged 15–19, 52.41 % men, and 72.17 % of all
// residents in towns.
const zhejiang = 48_882_983

func TestCensusMargins(t *testing.T) {
	c := census(t, "330000")
	even := assess.Assumption{Code: margins.EvenAges, Value: 0.4}
	both, assumed := margin(t, c, margins.Assumptions{}, "sex", "age_group")
	sameAssumptions(t, "sex × age", assumed, even)
	if both.Name != "sex/age_group" || both.Source != "census2020/province_sex_age.csv" || len(both.Targets) != 10 {
		t.Errorf("margin = %+v", both)
	}
	near(t, "sex × age", both.Total(), zhejiang)
	// 2/5 of 1,519,440 + 2,023,475 + 2,628,336 (province_sex_age.csv)
	near(t, "men aged 18–29", both.Targets["male/18-29"], 5_259_587)
	// 1,794,345 + 1,615,125
	near(t, "men aged 60–69", both.Targets["male/60-69"], 3_409_470)

	turned, _ := margin(t, c, margins.Assumptions{}, "age_group", "sex")
	near(t, "turned", turned.Targets["60-69/male"], 3_409_470)

	sexes, assumed := margin(t, c, margins.Assumptions{}, "sex")
	sameAssumptions(t, "sex", assumed, even)
	near(t, "both sexes", sexes.Total(), zhejiang)
	if share := sexes.Targets["male"] / zhejiang; math.Abs(share-0.5241) > 5e-5 {
		t.Errorf("share of men = %.5f, want 0.5241", share)
	}

	// The age groups of the province in cities.csv.
	ages, _ := margin(t, c, margins.Assumptions{}, "age_group")
	for level, want := range map[string]float64{"18-29": 9_655_117, "30-39": 11_246_991, "40-49": 10_555_466, "50-59": 10_670_059, "60-69": 6_755_350} {
		near(t, "aged "+level, ages.Targets[level], want)
	}

	// est18_69 of the cities, which add up to the province within their rounding: 6 people.
	cities, assumed := margin(t, c, margins.Assumptions{}, "city")
	sameAssumptions(t, "cities", assumed, even)
	near(t, "Hangzhou", cities.Targets["330100"], 9_227_138)
	near(t, "Lishui", cities.Targets["331100"], 1_794_293)
	if len(cities.Targets) != 11 || math.Abs(cities.Total()-zhejiang) > 6 {
		t.Errorf("%d cities with %v people, want 11 with about %v", len(cities.Targets), cities.Total(), zhejiang)
	}

	residence, assumed := margin(t, c, margins.Assumptions{}, "residence")
	sameAssumptions(t, "residence", assumed, even, assess.Assumption{Code: margins.UrbanShareOfAll, Value: 0.7217})
	// 46,598,465 of all 64,567,588
	near(t, "urban", residence.Targets["urban"], zhejiang*46_598_465.0/64_567_588)
	near(t, "urban and rural", residence.Total(), zhejiang)

	// All belong together, but for the rounding of cities.
	_, assumed, err := margins.Reconcile([]margins.Margin{both, sexes, ages, cities, residence}, 1e-6)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range assumed {
		if a.Code != margins.MarginScaled || a.Subject != "city" {
			t.Errorf("assumption %+v, want only that the cities were scaled", a)
		}
	}
}

// 91,793,332 people aged 18–69 in Guangdong, 53.29 % men, 74.15 % of all residents in
// towns (README of census2020). Guangdong has no plan of its own: one level for all cities.
func TestCensusOfGuangdong(t *testing.T) {
	c := census(t, "440000")
	m, _ := margin(t, c, margins.Assumptions{}, "sex")
	near(t, "total", m.Total(), 91_793_332)
	if share := m.Targets["male"] / m.Total(); math.Abs(share-0.5329) > 5e-5 || math.Abs(c.Urban-0.7415) > 5e-5 || len(c.Cities) != 21 {
		t.Errorf("men %.5f, urban %.5f, %d cities; want 0.5329, 0.7415, 21", share, c.Urban, len(c.Cities))
	}
	all := assess.Level{Code: "all"}
	for code := range c.Cities {
		all.Values = append(all.Values, code)
	}
	cities, _, err := c.Margin([]assess.Factor{{ID: "city", Levels: []assess.Level{all}}}, margins.Assumptions{})
	// The cities' estimates are rounded one by one: 1 person, see the README.
	if err != nil || math.Abs(cities.Targets["all"]-91_793_332) > 1 {
		t.Errorf("cities = %v, %v", cities.Targets, err)
	}
}

// What the cities' two columns say of those aged 15–19 agrees with the province's table,
// within the rounding of est18_69: half a person in 2/5 is 1.25, for each city.
func TestCitiesAged15to19(t *testing.T) {
	for _, province := range []string{"330000", "440000"} {
		c := census(t, province)
		var cities float64
		for _, city := range c.Cities {
			cities += city.Age15to19
		}
		want := c.Ages["male"][15] + c.Ages["female"][15]
		if math.Abs(cities-want) > 1.25*float64(len(c.Cities)) {
			t.Errorf("%s: %v people aged 15–19 in the cities, want %v", province, cities, want)
		}
	}
}

// Census counts used below: 1,519,440 men and 1,289,710 women aged 15–19; all others aged
// 20–69 are 47,759,323 (province_sex_age.csv, cities.csv).
const young, grown = 1_519_440 + 1_289_710, 47_759_323

func TestAgeShareIsReplaced(t *testing.T) {
	c := census(t, "330000")
	const origin = "counts by single year"
	given := func(code assess.AssumptionCode, x float64) assess.Assumption {
		return assess.Assumption{Code: code, Value: x, Source: origin}
	}
	men, women := given(margins.Aged18to19Men, 0.5), given(margins.Aged18to19Women, 0.3)
	meanOfSexes := (0.5*1_519_440 + 0.3*1_289_710) / young
	hangzhou := given(margins.Aged18to19InCity, 0.6)
	hangzhou.Subject = "city=330100"
	young330100 := c.Cities["330100"].Age15to19
	// The cities' mean where Hangzhou has 0.6 and all others 2/5.
	meanOfCities := 0.4 + 0.2*young330100/young
	for _, tt := range []struct {
		name          string
		share         margins.AgeShare
		sexes, cities float64 // people aged 18–69
		ofSexes       []assess.Assumption
		ofCities      []assess.Assumption
	}{
		{"one share", margins.AgeShare{Share: ptr(0.45)}, grown + 0.45*young, grown + 0.45*young,
			[]assess.Assumption{given(margins.Aged18to19, 0.45)}, []assess.Assumption{given(margins.Aged18to19, 0.45)}},
		{"nobody", margins.AgeShare{Share: ptr(0)}, grown, grown,
			[]assess.Assumption{given(margins.Aged18to19, 0)}, []assess.Assumption{given(margins.Aged18to19, 0)}},
		{"by sex", margins.AgeShare{BySex: map[string]float64{"male": 0.5, "female": 0.3}}, grown + meanOfSexes*young, grown + meanOfSexes*young,
			[]assess.Assumption{men, women}, []assess.Assumption{given(margins.Aged18to19, meanOfSexes)}},
		{"one sex", margins.AgeShare{BySex: map[string]float64{"male": 0.5}}, grown + 0.5*1_519_440 + 0.4*1_289_710, grown + 0.5*1_519_440 + 0.4*1_289_710,
			[]assess.Assumption{{Code: margins.EvenAges, Value: 0.4}, men}, []assess.Assumption{given(margins.Aged18to19, (0.5*1_519_440+0.4*1_289_710)/young)}},
		{"by city", margins.AgeShare{ByCity: map[string]float64{"330100": 0.6}}, grown + meanOfCities*young, grown + meanOfCities*young,
			[]assess.Assumption{given(margins.Aged18to19, meanOfCities)}, []assess.Assumption{{Code: margins.EvenAges, Value: 0.4}, hangzhou}},
		{"by sex and city", margins.AgeShare{Share: ptr(0.45), BySex: map[string]float64{"female": 0.3, "male": 0.5}, ByCity: map[string]float64{"330100": 0.6}},
			grown + meanOfSexes*young, grown + 0.45*young + 0.15*young330100,
			[]assess.Assumption{men, women}, []assess.Assumption{given(margins.Aged18to19, 0.45), hangzhou}},
	} {
		tt.share.Source = origin
		a := margins.Assumptions{Share15to19: tt.share}
		sexes, ofSexes := margin(t, c, a, "sex")
		cities, ofCities := margin(t, c, a, "city")
		// Sexes and cities are rounded one by one, and those aged 15–19 in a city are known
		// within 1.25 people, of which at most 0.2 more than in the table are 18 or 19.
		if math.Abs(sexes.Total()-tt.sexes) > 1 || math.Abs(cities.Total()-tt.cities) > 11*(0.5+0.25) {
			t.Errorf("%s: %.1f people by sex, %.1f by city; want %.1f and %.1f", tt.name, sexes.Total(), cities.Total(), tt.sexes, tt.cities)
		}
		sameAssumptions(t, tt.name+", sexes", ofSexes, tt.ofSexes...)
		sameAssumptions(t, tt.name+", cities", ofCities, tt.ofCities...)
		both, _ := margin(t, c, a, "sex", "age_group")
		near(t, tt.name+": sex × age", both.Total(), sexes.Total())
	}
}

func TestUrbanAndEducationAreReplaced(t *testing.T) {
	c := census(t, "330000")
	even := assess.Assumption{Code: margins.EvenAges, Value: 0.4}
	m, assumed := margin(t, c, margins.Assumptions{Urban: margins.Share{Share: ptr(0.75), Source: "a count"}}, "residence")
	near(t, "urban", m.Targets["urban"], 0.75*zhejiang)
	near(t, "rural", m.Targets["rural"], 0.25*zhejiang)
	sameAssumptions(t, "residence", assumed, even, assess.Assumption{Code: margins.UrbanShare, Value: 0.75, Source: "a count"})
	if m.Source != "census2020/province_sex_age.csv, a count" {
		t.Errorf("source = %q", m.Source)
	}

	shares := map[string]float64{"primary": 0.25, "junior": 0.35, "senior": 0.18, "college": 0.12, "bachelor": 0.1}
	m, assumed = margin(t, c, margins.Assumptions{Education: margins.EducationShares{Shares: shares, Source: "a study"}}, "education")
	want := []assess.Assumption{even}
	for _, level := range []string{"primary", "junior", "senior", "college", "bachelor"} {
		near(t, level, m.Targets[level], shares[level]*zhejiang)
		want = append(want, assess.Assumption{Code: margins.EducationShare, Subject: "education=" + level, Value: shares[level], Source: "a study"})
	}
	sameAssumptions(t, "education", assumed, want...)
}

// Levels of a margin may be coded by the numbers of a questionnaire, and ages begin below
// 18 or have no end: nobody but those aged 18–69 is counted.
func TestCensusLevels(t *testing.T) {
	c := census(t, "330000")
	sex := assess.Factor{ID: "sex", Levels: []assess.Level{{Code: "2"}, {Code: "1"}}}
	age := assess.Factor{ID: "age_group", Levels: []assess.Level{{Code: "teens", Min: ptr(15), Below: ptr(20)}, {Code: "to 64", Min: ptr(20), Below: ptr(65)}, {Code: "65+", Min: ptr(65)}}}
	m, _, err := c.Margin([]assess.Factor{sex, age}, margins.Assumptions{})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "women aged 18–19", m.Targets["2/teens"], 0.4*1_289_710)
	near(t, "men aged 65–69", m.Targets["1/65+"], 1_615_125)
	near(t, "all", m.Total(), zhejiang)
}

func TestCensusFaults(t *testing.T) {
	c := census(t, "330000")
	level := func(f *assess.Factor, code string) *assess.Level {
		i := slices.IndexFunc(f.Levels, func(l assess.Level) bool { return l.Code == code })
		return &f.Levels[i]
	}
	nothing := func(*assess.Plan) {}
	for _, tt := range []struct {
		name   string
		ids    string
		change func(p *assess.Plan)
		want   []string
	}{
		{"odd age", "age_group", func(p *assess.Plan) { *level(p.Factor("age_group"), "30-39").Min = 32 }, []string{`level "30-39"`, "groups of five years"}},
		{"within 15–19", "age_group", func(p *assess.Plan) { *level(p.Factor("age_group"), "18-29").Min = 19 }, []string{`level "18-29"`, "groups of five years"}},
		{"older than counted", "age_group", func(p *assess.Plan) {
			f := p.Factor("age_group")
			f.Levels = append(f.Levels, assess.Level{Code: "70+", Min: ptr(70)})
		}, []string{`level "70+"`, "nobody aged 18–69"}},
		{"ages without a range", "age_group", func(p *assess.Plan) {
			l := level(p.Factor("age_group"), "18-29")
			l.Min, l.Below, l.Values = nil, nil, []string{"1"}
		}, []string{`level "18-29"`, "min and below"}},
		{"ages left out", "sex age_group", func(p *assess.Plan) { f := p.Factor("age_group"); f.Levels = f.Levels[1:] }, []string{"hold 39227866 people, but 48882983 are aged 18–69"}},
		{"women left out", "sex", func(p *assess.Plan) { f := p.Factor("sex"); f.Levels = f.Levels[:1] }, []string{"but 48882983 are aged 18–69"}},
		{"third sex", "sex", func(p *assess.Plan) {
			l := level(p.Factor("sex"), "male")
			l.Code, l.Values = "x", []string{"9"}
		}, []string{`factor "sex", level "x"`, "male (1) and female (2) only"}},
		{"city of another province", "city", func(p *assess.Plan) {
			l := level(p.Factor("city"), "330100")
			l.Code, l.Values = "440100", []string{"440100"}
		}, []string{`level "440100"`, "no city of this code"}},
		{"city left out", "city", func(p *assess.Plan) { f := p.Factor("city"); f.Levels = f.Levels[1:] }, []string{"10 of the 11 cities"}},
		{"city twice", "city", func(p *assess.Plan) {
			f := p.Factor("city")
			f.Levels = append(f.Levels, assess.Level{Code: "again", Values: []string{"330100"}})
		}, []string{`city 330100 is in the levels "330100" and "again"`}},
		{"third residence", "residence", func(p *assess.Plan) {
			l := level(p.Factor("residence"), "rural")
			l.Code, l.Values = "sea", []string{"sea"}
		}, []string{`level "sea"`, "urban and rural only"}},
		{"towns only", "residence", func(p *assess.Plan) { f := p.Factor("residence"); f.Levels = f.Levels[:1] }, []string{"1 levels", "one for urban and one for rural"}},
		{"education", "education", nothing, []string{"aged 3 and over, pupils included", "education.shares", "leave the margin out"}},
		{"what is not counted", "city sex", nothing, []string{`margin "city/sex" of the census of 330000`, "no such counts", "a table of your own"}},
		{"no factors", "", nothing, []string{"no factors"}},
	} {
		p := plan(t)
		tt.change(p)
		_, _, err := c.Margin(factors(p, strings.Fields(tt.ids)...), margins.Assumptions{})
		refused(t, tt.name, err, tt.want...)
	}
}

func TestAssumptionFaults(t *testing.T) {
	c := census(t, "330000")
	fine := map[string]float64{"primary": 0.25, "junior": 0.35, "senior": 0.18, "college": 0.12, "bachelor": 0.1}
	changed := func(drop, level string, share float64) map[string]float64 {
		out := map[string]float64{level: share}
		for k, v := range fine {
			if k != drop && k != level {
				out[k] = v
			}
		}
		return out
	}
	age := func(s margins.AgeShare) margins.Assumptions { return margins.Assumptions{Share15to19: s} }
	education := func(shares map[string]float64) margins.Assumptions {
		return margins.Assumptions{Education: margins.EducationShares{Shares: shares, Source: "s"}}
	}
	for _, tt := range []struct {
		name string
		a    margins.Assumptions
		want []string
	}{
		{"share above 1", age(margins.AgeShare{Share: ptr(40), Source: "s"}), []string{"aged_18_19.share: 40 is no share", "from 0 to 1"}},
		{"share negative", age(margins.AgeShare{BySex: map[string]float64{"male": -0.1}, Source: "s"}), []string{"aged_18_19.by_sex.male: -0.1 is no share"}},
		{"share not a number", age(margins.AgeShare{ByCity: map[string]float64{"330100": math.NaN()}, Source: "s"}), []string{"aged_18_19.by_city.330100: NaN is no share"}},
		{"unknown sex and city", age(margins.AgeShare{BySex: map[string]float64{"1": 0.4}, ByCity: map[string]float64{"440100": 0.4}, Source: "s"}),
			[]string{`no sex "1"`, "male and female", `province 330000 has no city "440100"`}},
		{"share without a source", age(margins.AgeShare{Share: ptr(0.4)}), []string{"aged_18_19: a value without its origin"}},
		{"source without a share", age(margins.AgeShare{Source: "s"}), []string{"aged_18_19: a source without a value"}},
		{"urban share above 1", margins.Assumptions{Urban: margins.Share{Share: ptr(75), Source: "s"}}, []string{"urban.share: 75 is no share"}},
		{"urban share without a source", margins.Assumptions{Urban: margins.Share{Share: ptr(0.7)}}, []string{"urban: a value without its origin"}},
		{"education adds up to less", education(changed("", "primary", 0.2)), []string{"education.shares: the shares add up to 0.95"}},
		{"education negative", education(changed("", "primary", -0.2)), []string{"education.shares.primary: -0.2 is no share"}},
		{"education without a source", margins.Assumptions{Education: margins.EducationShares{Shares: fine}}, []string{"education: a value without its origin"}},
		{"education lacks a level", education(changed("primary", "junior", 0.6)), []string{`no share for the level "primary"`}},
		{"education of another level", education(changed("", "none", 0)), []string{`no level "none"`, "primary, junior"}},
	} {
		_, _, err := c.Margin(factors(plan(t), "education"), tt.a)
		refused(t, tt.name, err, tt.want...)
	}
}

func TestReadCensusFaults(t *testing.T) {
	for _, province := range []string{"999999", "", "33", "330100"} {
		_, err := margins.ReadCensus(library.FS, province)
		refused(t, "province "+province, err, fmt.Sprintf("%q", province), "330000")
	}
	files := func(change func(name, text string) string) fstest.MapFS {
		out := fstest.MapFS{}
		for _, name := range []string{"census2020/cities.csv", "census2020/province_sex_age.csv"} {
			text, err := fs.ReadFile(library.FS, name)
			if err != nil {
				t.Fatal(err)
			}
			out[name] = &fstest.MapFile{Data: []byte(change(name, string(text)))}
		}
		return out
	}
	replace := func(old, by string) fstest.MapFS {
		return files(func(_, text string) string { return strings.ReplaceAll(text, old, by) })
	}
	for _, tt := range []struct {
		name string
		fs   fs.FS
		want []string
	}{
		{"a count is no number", replace("9020644", "many"), []string{"census2020/cities.csv:3", `"age20_69" has "many"`}},
		{"column renamed", replace("est18_69", "est"), []string{"census2020/cities.csv:3", `"est18_69" has ""`}},
		{"fewer with two more years", replace("9227138", "9000000"), []string{"census2020/cities.csv:3", "9000000 people aged 18–69"}},
		{"more urban than all", replace("46598465", "66598465"), []string{"census2020/cities.csv:2", `"urban"`}},
		{"group missing", replace("40_44", "40"), []string{"province_sex_age.csv:2", `"40_44"`}},
		{"sex missing", replace("female,", "women,"), []string{"province_sex_age.csv", "one for female"}},
		{"no table", replace("code,", "\"code,"), []string{"census2020/cities.csv"}},
	} {
		_, err := margins.ReadCensus(tt.fs, "330000")
		refused(t, tt.name, err, tt.want...)
	}
	if _, err := margins.ReadCensus(fstest.MapFS{}, "330000"); err == nil {
		t.Error("ReadCensus() of an empty library: no error")
	}
}

// The example of the README of census2020 is what a plan may say.
func TestAssumptionsInYAML(t *testing.T) {
	readme, err := fs.ReadFile(library.FS, "census2020/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(readme), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	var got struct {
		Assume margins.Assumptions `yaml:"assume"`
	}
	dec := yaml.NewDecoder(strings.NewReader(example))
	dec.KnownFields(true)
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := margins.Assumptions{
		Share15to19: margins.AgeShare{
			Share: ptr(0.41), BySex: map[string]float64{"male": 0.42}, ByCity: map[string]float64{"330100": 0.55},
			Source: "counts by single year of age",
		},
		Urban: margins.Share{Share: ptr(0.735), Source: "table 1-7 of the yearbook"},
		Education: margins.EducationShares{
			Shares: map[string]float64{"primary": 0.25, "junior": 0.35, "senior": 0.18, "college": 0.12, "bachelor": 0.1},
			Source: "a study",
		},
	}
	if d := cmp.Diff(want, got.Assume); d != "" {
		t.Errorf("assumptions (-want +got):\n%s", d)
	}
	margin(t, census(t, "330000"), got.Assume, "education")
}
