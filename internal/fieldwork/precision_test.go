package fieldwork

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis/sampling"
	"github.com/suyang-survey/suyang/surveys"
)

// Eleven cities of 1,200 interviews with deff 2 at 13.53 %: the margin of ±2.74 points in
// the domain's own table. The change is (1.95996 + 0.84162)·√2·1.39643 = 5.533 points.
// For 55 pairs the level is 0.05/55 and z 3.3174, by interpolation in tables of the
// normal distribution: differences must reach (3.3174 + 0.8416)·√2·1.39643 = 8.213.
func TestPrecisionOfEqualCities(t *testing.T) {
	cities := make([]CityPlan, 11)
	for i := range cities {
		cities[i] = CityPlan{City: "c", Survey: sampling.Survey{Cases: 1500, Response: 0.8, DEff: 2, P: 0.1353}, Cost: 100}
	}
	p, err := PlanPrecision(cities, PrecisionGoals{Confidence: 0.95, Power: 0.8, Change: 0.012})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		got, want, e float64
	}{
		{"margin", p.Cities[0].Margin, 0.0274, 0.00005},
		{"change", p.Cities[0].Detectable, 0.05533, 0.000005},
		{"difference", p.Ranking.Least, 0.0821, 0.00005},
		{"cost", p.Cost, 11 * 1200 * 100, 1e-6},
		{"interviews", p.Interviews, 13200, 1e-6},
	} {
		if math.Abs(c.got-c.want) > c.e {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
	if r := p.Ranking; r.Verdict != RankingUnsupported || r.Pairs != 55 || r.Apart != 0 || p.SeeChange != 0 {
		t.Errorf("ranking %+v, %d cities see the change; want none", r, p.SeeChange)
	}
}

func TestRankingVerdicts(t *testing.T) {
	for _, c := range []struct {
		name  string
		rates []float64
		want  RankingVerdict
		apart int
	}{
		{"one city", []float64{0.1}, RankingOfOne, 0},
		{"close", []float64{0.1, 0.12, 0.14}, RankingUnsupported, 0},
		{"one far away", []float64{0.1, 0.12, 0.3}, RankingPartly, 2},
		{"all far apart", []float64{0.05, 0.2, 0.4}, RankingSupported, 3},
	} {
		var cities []CityPlan
		for _, p := range c.rates {
			cities = append(cities, CityPlan{City: "c", Survey: sampling.Survey{Cases: 1200, Response: 1, DEff: 2, P: p}})
		}
		got, err := PlanPrecision(cities, PrecisionGoals{Confidence: 0.95, Power: 0.8})
		if err != nil {
			t.Fatal(err)
		}
		if got.Ranking.Verdict != c.want || got.Ranking.Apart != c.apart {
			t.Errorf("%s: %+v, want %s with %d pairs apart", c.name, got.Ranking, c.want, c.apart)
		}
	}
}

func TestReadCityPlans(t *testing.T) {
	common := CityPlan{Survey: sampling.Survey{Response: 0.7, DEff: 2, P: 0.13}, Cost: 80}
	cities, err := ReadCityPlans("c.csv", strings.NewReader("\ufeffcity,name,people,rate\n330100,杭州,900,0.2\n330200,宁波,400,\n"), common)
	if err != nil {
		t.Fatal(err)
	}
	if cities[0].P != 0.2 || cities[1].P != 0.13 || cities[1].DEff != 2 || cities[0].Name != "杭州" {
		t.Errorf("cities %+v", cities)
	}
	// √900 : √400 = 3 : 2
	if err := ShareCases(cities, "root", 0, 1000, 0); err != nil || cities[0].Cases != 600 || cities[1].Cases != 400 {
		t.Errorf("shared as %v and %v, %v; want 600 and 400", cities[0].Cases, cities[1].Cases, err)
	}
	for _, c := range []struct{ name, file, want string }{
		{"no cities", "city\n", "1 rows"},
		{"no column city", "name\nx\n", "column city"},
		{"other column", "city,size\na,1\n", "row 2, column size"},
		{"per cent", "city,rate\na,13.5\n", "write 13.5 % as 0.135"},
		{"no number", "city,cases\na,many\n", "row 2, column cases"},
		{"nameless", "city,cases\n,1\n", "row 2, column city"},
	} {
		if _, err := ReadCityPlans("c.csv", strings.NewReader(c.file), common); !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one that says %q", c.name, err, c.want)
		}
	}
	for _, rule := range []string{"root", "cube"} {
		if err := ShareCases([]CityPlan{{City: "a"}}, rule, 0, 10, 0); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("rule %s without people: %v, want invalid", rule, err)
		}
	}
	if _, err := PlanPrecision(cities, PrecisionGoals{Confidence: 95, Power: 0.8}); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("confidence of 95: %v, want invalid", err)
	}
}
