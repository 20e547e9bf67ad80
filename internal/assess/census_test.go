package assess_test

import (
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys/library"
)

// The expected counts are those of the README of census2020: 48,882,983 people aged
// 18–69 in Zhejiang, 52.41 % men, and 72.17 % of all residents in towns.
func TestCensusMargins(t *testing.T) {
	_, p := shipped(t, "civic-literacy")
	c, err := assess.ReadCensus(library.FS, "330000")
	if err != nil {
		t.Fatal(err)
	}
	margins, assumptions, err := c.Margins(p)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]assess.Margin{}
	for _, m := range margins {
		byName[m.Name()] = m
		var total float64
		for _, n := range m.Targets {
			total += n
		}
		if math.Abs(total-48882983) > 1 {
			t.Errorf("margin %s has %.2f people, want 48,882,983", m.Name(), total)
		}
	}
	var men float64
	for level, n := range byName["sex/age_group"].Targets {
		if strings.HasPrefix(level, "male/") {
			men += n
		}
	}
	if share := men / 48882983; math.Abs(share-0.5241) > 5e-5 {
		t.Errorf("share of men = %.5f, want 0.5241", share)
	}
	if n := len(byName["city"].Targets); n != 11 {
		t.Errorf("%d cities, want 11", n)
	}
	// 2/5 of 1,519,440 + 2,023,475 + 2,628,336
	if got, want := byName["sex/age_group"].Targets["male/18-29"], 5259587.0; got != want {
		t.Errorf("men aged 18–29 = %v, want %v", got, want)
	}
	if share := byName["residence"].Targets["urban"] / 48882983; math.Abs(share-0.7217) > 5e-5 {
		t.Errorf("urban share = %.5f, want 0.7217", share)
	}
	codes := map[assess.AssumptionCode]assess.Assumption{}
	for _, a := range assumptions {
		codes[a.Code] = a
	}
	if codes[assess.EvenAges].Value != 0.4 || math.Abs(codes[assess.UrbanShareOfAll].Value-0.7217) > 5e-5 {
		t.Errorf("assumptions = %+v", assumptions)
	}
	// The cities add up to the province within one person, see the README.
	if by := codes[assess.MarginScaled].Value; math.Abs(by) > 1e-7 {
		t.Errorf("the cities were scaled by %v, want less than one person in 48 million", by)
	}
}

func TestCensusFaults(t *testing.T) {
	c, err := assess.ReadCensus(library.FS, "330000")
	if err != nil {
		t.Fatal(err)
	}
	level := func(f *assess.Factor, code string) *assess.Level {
		for i := range f.Levels {
			if f.Levels[i].Code == code {
				return &f.Levels[i]
			}
		}
		t.Fatalf("factor %s has no level %s", f.ID, code)
		return nil
	}
	for _, tt := range []struct {
		name   string
		change func(p *assess.Plan)
		want   string
	}{
		{"no age groups", func(p *assess.Plan) { p.Factor("age_group").ID = "age" }, `needs the factors "sex" and "age_group"`},
		{"odd age", func(p *assess.Plan) { *level(p.Factor("age_group"), "30-39").Min = 32 }, "groups of five years"},
		{"third sex", func(p *assess.Plan) {
			l := level(p.Factor("sex"), "male")
			l.Code, l.Values = "x", []string{"9"}
		}, `factor "sex", level "x"`},
		{"city of another province", func(p *assess.Plan) {
			l := level(p.Factor("city"), "330100")
			l.Code, l.Values = "440100", []string{"440100"}
		}, "no city of this code"},
		{"city left out", func(p *assess.Plan) { f := p.Factor("city"); f.Levels = f.Levels[1:] }, "10 of the 11 cities"},
		{"third residence", func(p *assess.Plan) {
			l := level(p.Factor("residence"), "rural")
			l.Code, l.Values = "sea", []string{"sea"}
		}, "urban and rural only"},
	} {
		_, p := shipped(t, "civic-literacy")
		tt.change(p)
		if _, _, err := c.Margins(p); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Margins() error = %v, want one with %q", tt.name, err, tt.want)
		}
	}
	if _, err := assess.ReadCensus(library.FS, "999999"); err == nil || !strings.Contains(err.Error(), "330000") {
		t.Errorf("ReadCensus() error = %v, want one that gives an example", err)
	}
	if _, err := assess.ReadCensus(fstest.MapFS{}, "330000"); err == nil {
		t.Error("ReadCensus() of an empty library: no error")
	}
}
