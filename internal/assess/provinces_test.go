package assess_test

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
	"github.com/suyang-survey/suyang/surveys/library/divisions"
)

// provincial are the plans of provinces that come with the questionnaire civic-literacy, with
// where their cities lie, in degrees east and north and right to about a tenth.
var provincial = map[string]struct {
	code  string
	towns map[string][2]float64
}{
	"civic-literacy": {"33", map[string][2]float64{
		"330100": {120.2, 30.3}, "330200": {121.5, 29.9}, "330300": {120.7, 28.0}, "330400": {120.8, 30.8}, "330500": {120.1, 30.9}, "330600": {120.6, 30.0},
		"330700": {119.6, 29.1}, "330800": {118.9, 28.9}, "330900": {122.1, 30.0}, "331000": {121.4, 28.7}, "331100": {119.9, 28.5},
	}},
	"civic-literacy-guangdong": {"44", map[string][2]float64{
		"440100": {113.3, 23.1}, "440200": {113.6, 24.8}, "440300": {114.1, 22.5}, "440400": {113.6, 22.3}, "440500": {116.7, 23.4}, "440600": {113.1, 23.0},
		"440700": {113.1, 22.6}, "440800": {110.4, 21.3}, "440900": {110.9, 21.7}, "441200": {112.5, 23.0}, "441300": {114.4, 23.1}, "441400": {116.1, 24.3},
		"441500": {115.4, 22.8}, "441600": {114.7, 23.7}, "441700": {112.0, 21.9}, "441800": {113.1, 23.7}, "441900": {113.8, 23.0}, "442000": {113.4, 22.5},
		"445100": {116.6, 23.7}, "445200": {116.4, 23.5}, "445300": {112.0, 22.9},
	}},
}

// ofProvince reads a plan for the questionnaire civic-literacy.
func ofProvince(t *testing.T, name string) *assess.Plan {
	t.Helper()
	q, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	src, err := fs.ReadFile(library.FS, name+"/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := assess.ReadPlan(name+"/plan.yaml", src, q)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Every city of a province, by each list of divisions that comes with the program, has a level,
// a short name in both languages that no other has, and a square of its own. Whoever lies
// clearly east or south of another city does not stand to its west or north.
func TestProvincesHaveTheirCities(t *testing.T) {
	for name, province := range provincial {
		p := ofProvince(t, name)
		if p.Area.Code != province.code+"0000" {
			t.Errorf("%s: the area is %s", name, p.Area.Code)
		}
		levels := p.Factor("city").Levels
		for _, list := range divisions.Lists() {
			var want, got []string
			for _, c := range list.Parts(province.code) {
				want = append(want, c.Code+"00 "+c.Name[surveys.ZH])
			}
			for _, l := range levels {
				got = append(got, l.Code+" "+l.Name[surveys.ZH])
			}
			if !cmp.Equal(got, want) {
				t.Errorf("%s: the cities are not those of %s: %s", name, list.ID, cmp.Diff(want, got))
			}
		}
		for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
			short := map[string]bool{}
			for _, l := range levels {
				s := l.Short[lang]
				if s == "" || short[s] || !strings.HasPrefix(l.Name[lang], strings.TrimSuffix(s, ".")) || len([]rune(s)) > 7 {
					t.Errorf("%s: %s is called %q for short", name, l.Name[lang], s)
				}
				short[s] = true
			}
		}
		squares := map[string]string{}
		for _, l := range levels {
			at := fmt.Sprint(l.Tile)
			if len(l.Tile) != 2 || squares[at] != "" || !slices.Equal(l.Values, []string{l.Code}) {
				t.Errorf("%s: %s has the values %v and the square %v, where %q is", name, l.Code, l.Values, l.Tile, squares[at])
			}
			squares[at] = l.Code
		}
		for _, a := range levels {
			for _, b := range levels {
				east, north := province.towns[a.Code][0]-province.towns[b.Code][0], province.towns[a.Code][1]-province.towns[b.Code][1]
				if east > 0.7 && a.Tile[0] < b.Tile[0] || north > 0.7 && a.Tile[1] > b.Tile[1] {
					t.Errorf("%s: %s at %v lies %.1f° east and %.1f° north of %s at %v", name, a.Name[surveys.EN], a.Tile, east, north, b.Name[surveys.EN], b.Tile)
				}
			}
		}
	}
}

// Every city lies in one region, and those of Guangdong have the shares of the population that
// the communiqué of the census gives them (China News Service, 17 May 2021). The yearbook,
// which the counts are from, has the 65,663 people of the Shenshan zone in Shanwei, the
// communiqué in Shenzhen.
func TestProvincesHaveTheirRegions(t *testing.T) {
	for name := range provincial {
		p := ofProvince(t, name)
		in := map[string]int{}
		for _, l := range p.Factor("region").Levels {
			for _, city := range l.Values {
				in[city]++
			}
		}
		for _, l := range p.Factor("city").Levels {
			if in[l.Code] != 1 {
				t.Errorf("%s: %s is in %d regions", name, l.Code, in[l.Code])
			}
		}
		if region := p.Factor("region"); region.Version == "" || region.Source[surveys.ZH] == "" || region.Source[surveys.EN] == "" {
			t.Errorf("%s: the regions are of version %q and from %v", name, region.Version, region.Source)
		}
		if len(in) != len(p.Factor("city").Levels) {
			t.Errorf("%s: the regions are made of %d cities, not %d", name, len(in), len(p.Factor("city").Levels))
		}
	}
	region := ofProvince(t, "civic-literacy-guangdong").Factor("region")
	people := residents(t)
	moved := map[string]float64{"prd": 65_663, "east": -65_663}
	for _, l := range region.Levels {
		sum := moved[l.Code]
		for _, city := range l.Values {
			sum += people[city]
		}
		want := map[string]float64{"prd": 61.91, "east": 12.95, "west": 12.51, "north": 12.63}[l.Code]
		if got := 100 * sum / people["440000"]; math.Abs(got-want) > 0.005 {
			t.Errorf("%s has %.3f %% of the residents, the communiqué says %v", l.Name[surveys.EN], got, want)
		}
	}
}

// residents are those of the census, by place.
func residents(t *testing.T) map[string]float64 {
	t.Helper()
	f, err := library.FS.Open("census2020/cities.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	people := map[string]float64{}
	for _, row := range rows[1:] {
		if people[row[0]], err = strconv.ParseFloat(row[slices.Index(rows[0], "total")], 64); err != nil {
			t.Fatal(err)
		}
	}
	return people
}

// The plans of the provinces are the same but for places and texts about them, so that a
// change of one is not forgotten in the other.
func TestProvincesShareTheRest(t *testing.T) {
	first, other := ofProvince(t, "civic-literacy"), ofProvince(t, "civic-literacy-guangdong")
	for _, p := range []*assess.Plan{first, other} {
		p.Title, p.Area, p.Compare, p.Method = nil, assess.Area{}, nil, assess.Method{}
		p.Factors = slices.DeleteFunc(p.Factors, func(f assess.Factor) bool { return f.ID == "city" || f.ID == "region" })
	}
	if d := cmp.Diff(first, other); d != "" {
		t.Error(d)
	}
}
