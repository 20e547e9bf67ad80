package analysis_test

import (
	"math"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// sameFit is how far a fit to cells may be from one to columns: both make the same steps
// from sums that differ by rounding, and the information multiplies the difference by
// its condition, some tens here.
const sameFit = 100 * sameSums

// likeVector compares two vectors from cells and columns.
func likeVector(t *testing.T, what string, cells, columns analysis.Vector) {
	t.Helper()
	nearVector(t, what, cells, columns, sameFit)
	if !slices.Equal(cells.Names, columns.Names) || cells.DF != columns.DF || cells.N != columns.N || !slices.Equal(cells.Notes, columns.Notes) {
		t.Errorf("%s: %v, %v df, n %d, notes %v from cells; %v, %v df, n %d, notes %v from columns", what,
			cells.Names, cells.DF, cells.N, cells.Notes, columns.Names, columns.DF, columns.N, columns.Notes)
	}
	for i, e := range columns.Estimates {
		if c := cells.Estimates[i]; !near(c.Lo, e.Lo, sameFit*(1+e.SE/math.Abs(e.Lo))) || !near(c.Hi, e.Hi, sameFit*(1+e.SE/math.Abs(e.Hi))) {
			t.Errorf("%s: the interval of %s is %v to %v from cells, %v to %v from columns", what, columns.Names[i], c.Lo, c.Hi, e.Lo, e.Hi)
		}
	}
}

// terms are region, sex and their interaction, as columns and by name.
func (s counted) terms() ([]analysis.Term, [][]string) {
	return []analysis.Term{{Factor: s.region}, {Factor: s.sex}, {Interaction: []string{"region", "sex"}}},
		[][]string{{"region"}, {"sex"}, {"region", "sex"}}
}

func TestFitFromCells(t *testing.T) {
	eachCount(t, func(t *testing.T, s counted) {
		terms, names := s.terms()
		for _, c := range []struct {
			name    string
			columns analysis.Model
			cells   analysis.CellModel
		}{
			{"gaussian", analysis.Model{Outcome: s.income, Family: analysis.Gaussian}, analysis.CellModel{Outcome: "income", Family: analysis.Gaussian}},
			{"binomial", analysis.Model{Outcome: s.pass, Family: analysis.Binomial}, analysis.CellModel{Outcome: "pass", Family: analysis.Binomial}},
			{"probit", analysis.Model{Outcome: s.pass, Family: analysis.Binomial, Link: analysis.Probit},
				analysis.CellModel{Outcome: "pass", Family: analysis.Binomial, Link: analysis.Probit}},
			{"poisson", analysis.Model{Outcome: s.score, Family: analysis.Poisson}, analysis.CellModel{Outcome: "score", Family: analysis.Poisson}},
		} {
			t.Run(c.name, func(t *testing.T) {
				c.columns.Terms, c.cells.Terms = terms, names
				got, err := s.cells.Fit(c.cells, nil)
				if err != nil {
					t.Fatal(err)
				}
				want := mustFit(t, s.design, c.columns)
				likeVector(t, "coefficients", got.Vector, want.Vector)
				likeFit(t, got, want)
				if c.name == "poisson" != math.IsNaN(got.Deviance) {
					t.Errorf("the deviance of the fit to cells is %v; only that of counts is unknown", got.Deviance)
				}
				if c.name != "poisson" && !(near(got.Deviance, want.Deviance, sameFit) && near(got.NullDeviance, want.NullDeviance, sameFit)) {
					t.Errorf("deviance %v of %v from cells, %v of %v from columns", got.Deviance, got.NullDeviance, want.Deviance, want.NullDeviance)
				}
			})
		}
	})
}

// likeFit compares what is made of a fit.
func likeFit(t *testing.T, got, want *analysis.Fit) {
	t.Helper()
	// The gain in deviance is a difference of two numbers that are some hundred times it.
	if !near(got.Dispersion, want.Dispersion, sameFit) || !near(got.CoxSnell(), want.CoxSnell(), 100*sameFit) || got.DesignDF != want.DesignDF {
		t.Errorf("dispersion %v, pseudo R² %v, %v df from cells; %v, %v, %v from columns",
			got.Dispersion, got.CoxSnell(), got.DesignDF, want.Dispersion, want.CoxSnell(), want.DesignDF)
	}
	for _, term := range []string{"region", "region:sex"} {
		for name, test := range map[string]func(*analysis.Fit, ...string) (analysis.Test, error){
			"Wald": (*analysis.Fit).Wald, "likelihood ratio": (*analysis.Fit).LikelihoodRatio} {
			a, err := test(got, term)
			if err != nil {
				t.Fatal(err)
			}
			b, err := test(want, term)
			if err != nil {
				t.Fatal(err)
			}
			if !near(a.Statistic, b.Statistic, 100*sameFit) || !near(a.P, b.P, 100*sameFit) || a.DF2 != b.DF2 {
				t.Errorf("%s test of %s: %+v from cells, %+v from columns", name, term, a, b)
			}
		}
	}
	profile := analysis.Profile{Levels: map[string]string{"region": "c", "sex": "m"}}
	for name, derive := range map[string]func(*analysis.Fit) (analysis.Vector, error){
		"prediction": func(f *analysis.Fit) (analysis.Vector, error) { return f.Predict(profile) },
		"margins":    func(f *analysis.Fit) (analysis.Vector, error) { return f.Margins("region") },
	} {
		a, err := derive(got)
		if err != nil {
			t.Fatal(err)
		}
		b, err := derive(want)
		if err != nil {
			t.Fatal(err)
		}
		likeVector(t, name, a, b)
	}
}

// TestFitFromCellsOfADomain: the domain selects cells, the design stays whole.
func TestFitFromCellsOfADomain(t *testing.T) {
	eachCount(t, func(t *testing.T, s counted) {
		got, err := s.cells.Fit(analysis.CellModel{Outcome: "pass", Family: analysis.Binomial, Terms: [][]string{{"region"}}}, analysis.Domain{"sex": "f"})
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.design.Fit(analysis.Model{Outcome: s.pass, Family: analysis.Binomial, Terms: []analysis.Term{{Factor: s.region}}}, s.women())
		if err != nil {
			t.Fatal(err)
		}
		likeVector(t, "coefficients", got.Vector, want.Vector)
	})
}

// TestFitFromCellsOfShares: a share between 0 and 1 has no deviance in cells.
func TestFitFromCellsOfShares(t *testing.T) {
	s := counting(t, false)
	share := make([]float64, len(s.score))
	for i, y := range s.score {
		share[i] = y / 10
	}
	c, err := s.design.Cells([]analysis.Variable{{Name: "share", Values: share}}, []analysis.FactorColumn{s.region, s.sex})
	if err != nil {
		t.Fatal(err)
	}
	terms, names := s.terms()
	got, err := c.Fit(analysis.CellModel{Outcome: "share", Family: analysis.Binomial, Terms: names}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := mustFit(t, s.design, analysis.Model{Outcome: share, Family: analysis.Binomial, Terms: terms})
	likeVector(t, "coefficients", got.Vector, want.Vector)
	likeFit(t, got, want)
	if !math.IsNaN(got.Deviance) || !math.IsNaN(got.NullDeviance) {
		t.Errorf("deviance %v of %v; cells know neither", got.Deviance, got.NullDeviance)
	}
}

func TestOrdinalFitFromCells(t *testing.T) {
	eachCount(t, func(t *testing.T, s counted) {
		terms, names := s.terms()
		for _, link := range []analysis.Link{"", analysis.Probit} {
			got, err := s.cells.FitOrdinal(analysis.CellModel{Outcome: "points", Terms: names, Link: link}, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := mustFitOrdinal(t, s.design, analysis.OrdinalModel{Outcome: s.points, Terms: terms, Link: link})
			likeVector(t, "coefficients", got.Vector, want.Vector)
			if !near(got.Deviance, want.Deviance, sameFit) || got.DesignDF != want.DesignDF {
				t.Errorf("deviance %v, %v df from cells; %v, %v from columns", got.Deviance, got.DesignDF, want.Deviance, want.DesignDF)
			}
			profile := analysis.Profile{Levels: map[string]string{"region": "c", "sex": "m"}}
			a, err := got.Predict(profile)
			if err != nil {
				t.Fatal(err)
			}
			b, err := want.Predict(profile)
			if err != nil {
				t.Fatal(err)
			}
			likeVector(t, "prediction", a, b)
		}
	})
}

func TestNotesOfCellsAreOnFits(t *testing.T) {
	s := counting(t, false)
	note := analysis.Note{Code: analysis.NotConverged, Value: 0.1}
	s.cells.Notes = []analysis.Note{note}
	fit, err := s.cells.Fit(analysis.CellModel{Outcome: "pass", Family: analysis.Binomial, Terms: [][]string{{"sex"}}}, nil)
	if err != nil || !slices.Contains(fit.Notes, note) || !slices.Contains(fit.Estimates[1].Notes, note) {
		t.Errorf("notes of a fit %v, %v; want %v among them", fit, err, note)
	}
	ordinal, err := s.cells.FitOrdinal(analysis.CellModel{Outcome: "points", Terms: [][]string{{"sex"}}}, nil)
	if err != nil || !slices.Contains(ordinal.Notes, note) {
		t.Errorf("notes of an ordinal fit %v, %v; want %v among them", ordinal, err, note)
	}
}

func TestModelsFromCellsNameFaults(t *testing.T) {
	c := counting(t, false).cells
	sex := [][]string{{"sex"}}
	fit := func(outcome string, family analysis.Family, terms [][]string, in analysis.Domain) error {
		return second(c.Fit(analysis.CellModel{Outcome: outcome, Family: family, Terms: terms}, in))
	}
	ordinal := func(outcome string, terms [][]string) error {
		return second(c.FitOrdinal(analysis.CellModel{Outcome: outcome, Terms: terms}, nil))
	}
	saysSo(t, "unknown outcome", fit("age", analysis.Gaussian, sex, nil), `no variable "age"`, "score, pass, income")
	saysSo(t, "unknown factor", fit("score", analysis.Gaussian, [][]string{{"age"}}, nil), "term 1", `no factor "age"`, "sex, region, points")
	saysSo(t, "unknown family", fit("score", "gamma", sex, nil), `family "gamma"`, "gaussian")
	saysSo(t, "no factor in a term", fit("score", analysis.Gaussian, [][]string{{}}, nil), "names no factor")
	saysSo(t, "interaction of no terms", fit("score", analysis.Gaussian, [][]string{{"sex", "region"}}, nil), "no term of the model")
	saysSo(t, "factor of the domain", fit("score", analysis.Gaussian, sex, analysis.Domain{"sex": "f"}), "leave it out of one")
	saysSo(t, "scores as shares", fit("score", analysis.Binomial, sex, nil), `"score"`, "between 0 and 1", "PSU")
	saysSo(t, "negative counts", fit("income", analysis.Poisson, [][]string{{"region"}}, analysis.Domain{"points": "0", "sex": "m"}), "not negative", "PSU")
	saysSo(t, "nobody", fit("score", analysis.Gaussian, sex, analysis.Domain{"points": "12"}), "no level")
	saysSo(t, "everybody passes", fit("pass", analysis.Binomial, sex, analysis.Domain{"points": "9"}), "outcome 1", "widen the domain")
	saysSo(t, "ordinal, unknown outcome", ordinal("age", sex), "outcome", `no factor "age"`)
	saysSo(t, "ordinal without terms", ordinal("points", nil), "no terms")
	saysSo(t, "outcome as a term", ordinal("points", [][]string{{"points"}}), "both the outcome and a term")
	saysSo(t, "ordinal with a family", second(c.FitOrdinal(analysis.CellModel{Outcome: "points", Terms: sex, Family: analysis.Binomial}, nil)), "no family")
	c.Rows = slices.DeleteFunc(slices.Clone(c.Rows), func(r analysis.Cell) bool { return r.Levels[1] == 1 })
	saysSo(t, "level of nobody", fit("score", analysis.Gaussian, [][]string{{"region"}}, nil), `level "b"`, `factor "region"`, "widen the domain")
	c.Rows = nil
	saysSo(t, "no cells", fit("score", analysis.Gaussian, sex, nil), "nobody in the domain")
}
