package assess

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

// Memory is a Source of one wave whose sample and responses are in memory. It is for
// samples of moderate size and for people without a store; its cells equal those of
// the store.
type Memory struct {
	Wave      string
	Cases     []fieldwork.Case
	Responses []surveys.Response
	// Weights holds sets of weights by name.
	Weights map[string][]CaseWeight
	// Standings are what the fieldwork says of the cases; without any, all of them count.
	Standings []fieldwork.Standing
}

// respondent is a case together with the response that counts for it, if any.
type respondent struct {
	sample   fieldwork.Case
	standing fieldwork.Standing
	response *surveys.Response
}

// base is the weight of the sample times the eligible persons of the household.
func (r respondent) base() float64 { return r.sample.Weight * float64(max(r.standing.Eligible, 1)) }

// respondents pairs the cases, ordered by ID, with their responses. Of several
// revisions of an interview the latest counts, of several interviews of a case the
// one that was finished first, by surveys.Counting. A response without a sampled case counts nowhere, one that
// was broken off neither, nor that of a case which does not count.
func (m *Memory) respondents(wave string) ([]respondent, error) {
	if wave != m.Wave {
		return nil, fmt.Errorf("wave %q: %w; the data at hand are of wave %q", wave, surveys.ErrNotFound, m.Wave)
	}
	first := map[string]*surveys.Response{}
	for _, r := range surveys.Counting(m.ofWave()) {
		first[r.Case] = r
	}
	standings := m.standings()
	out := make([]respondent, len(m.Cases))
	for i, c := range m.Cases {
		out[i] = respondent{c, standings[c.ID], first[c.ID]}
		if len(standings) > 0 && !out[i].standing.Counts {
			out[i].response = nil
		}
	}
	slices.SortStableFunc(out, func(a, b respondent) int { return cmp.Compare(a.sample.ID, b.sample.ID) })
	return out, nil
}

// standings are those of the cases by ID.
func (m *Memory) standings() map[string]fieldwork.Standing {
	by := make(map[string]fieldwork.Standing, len(m.Standings))
	for _, s := range m.Standings {
		by[s.Case] = s
	}
	return by
}

// ofWave are the responses of the wave.
func (m *Memory) ofWave() (list []*surveys.Response) {
	for i := range m.Responses {
		if m.Responses[i].Wave == m.Wave {
			list = append(list, &m.Responses[i])
		}
	}
	return list
}

// level returns the person's level of a factor, or -1.
func (r respondent) level(f *Factor) int {
	switch {
	case f.Sample != "":
		return f.Level(r.sample.Columns[f.Sample])
	case r.response == nil:
		return -1
	}
	return f.Level(r.response.Answers.First(f.Answer))
}

// Fieldwork counts what came of the cases.
func (m *Memory) Fieldwork(_ context.Context, _ string) (*Fieldwork, error) {
	if len(m.Standings) == 0 {
		return nil, nil
	}
	standings, f := m.standings(), &Fieldwork{}
	for _, c := range m.Cases {
		if c.Weight == 0 {
			continue
		}
		letters := ""
		if s, told := standings[c.ID]; told {
			class, err := s.Disposition.Class()
			if err != nil {
				return nil, fmt.Errorf("case %q: %w", c.ID, err)
			}
			letters = class.String()
		}
		f.Add(letters, 1, c.Weight)
	}
	return f, nil
}

// CaseWeights lists a set of weights.
func (m *Memory) CaseWeights(_ context.Context, wave, id string) ([]CaseWeight, error) {
	set, ok := m.Weights[id]
	if !ok {
		return nil, fmt.Errorf("weights %q of wave %q: %w", id, wave, surveys.ErrNotFound)
	}
	return set, nil
}

// Units lists the cases that have a base weight, ordered by ID.
func (m *Memory) Units(_ context.Context, q Query) ([]Unit, error) {
	all, err := m.respondents(q.Wave)
	if err != nil {
		return nil, err
	}
	scorer, err := score.New(q.Questionnaire)
	if err != nil {
		return nil, err
	}
	level := make([]func(r respondent) int, len(q.Factors))
	for i := range q.Factors {
		if level[i], err = classifier(&q.Factors[i], q.Questionnaire, scorer); err != nil {
			return nil, err
		}
	}
	var units []Unit
	for _, r := range all {
		if r.sample.Weight == 0 {
			continue
		}
		u := Unit{
			Case: r.sample.ID, Stratum: r.sample.Stratum, PSU: r.sample.PSU, Base: r.sample.Weight,
			Eligible: r.standing.Eligible, Score: math.NaN(), Levels: make([]int, len(q.Factors)),
		}
		if r.standing.Case != "" {
			class, err := r.standing.Disposition.Class()
			if err != nil {
				return nil, fmt.Errorf("case %q: %w", u.Case, err)
			}
			u.Class = class.String()
		}
		if u.Responded = r.response != nil; u.Responded {
			if points, scored := scorer.Score(r.response.Answers); scored {
				u.Score = points.Total
			}
		}
		for i := range q.Factors {
			u.Levels[i] = level[i](r)
		}
		for _, name := range q.Columns {
			u.Columns = append(u.Columns, r.sample.Columns[name])
		}
		units = append(units, u)
	}
	return units, nil
}

// Cells sums the responses. A case without a response, or without a weight in the set
// asked for, has weight 0: it only keeps its PSU in the design.
func (m *Memory) Cells(ctx context.Context, q Query) (*analysis.Cells, error) {
	scorer, err := score.New(q.Questionnaire)
	if err != nil {
		return nil, err
	}
	cells, err := m.Cubes(ctx, q, []Cube{{Factors: q.factorIDs(), Variables: variableNames(q, scorer)}})
	if err != nil {
		return nil, err
	}
	return cells.Cells[0], nil
}

func (q Query) factorIDs() (ids []string) {
	for _, f := range q.Factors {
		ids = append(ids, f.ID)
	}
	return ids
}

// Cubes sums the responses as Cells does.
func (m *Memory) Cubes(_ context.Context, q Query, cubes []Cube) (*Summed, error) {
	all, err := m.respondents(q.Wave)
	if err != nil {
		return nil, err
	}
	design, notes, err := m.design(all, q)
	if err != nil {
		return nil, err
	}
	vars, err := variables(all, q)
	if err != nil {
		return nil, err
	}
	columns, err := factors(all, q)
	if err != nil {
		return nil, err
	}
	out := &Summed{}
	for _, r := range all { // a case without a weight only declares its PSU
		if r.sample.Weight > 0 {
			out.Drawn++
			if r.response != nil {
				out.Responded++
			}
		}
	}
	for _, cube := range cubes {
		var of []analysis.Variable
		var by []analysis.FactorColumn
		for _, name := range cube.Variables {
			k := slices.IndexFunc(vars, func(v analysis.Variable) bool { return v.Name == name })
			if k < 0 {
				return nil, fmt.Errorf("%w: there is no variable %q", surveys.ErrInvalid, name)
			}
			of = append(of, vars[k])
		}
		for _, id := range cube.Factors {
			k := slices.IndexFunc(columns, func(f analysis.FactorColumn) bool { return f.ID == id })
			if k < 0 {
				return nil, fmt.Errorf("%w: there is no factor %q", surveys.ErrInvalid, id)
			}
			by = append(by, columns[k])
		}
		c, err := design.CountedCells(of, by)
		if err != nil {
			return nil, err
		}
		c.Notes = append(c.Notes, notes...)
		out.Cells = append(out.Cells, c)
	}
	return out, nil
}

// design weighs everybody, and notes what is wrong with the weights.
func (m *Memory) design(all []respondent, q Query) (*analysis.Design, []analysis.Note, error) {
	var notes []analysis.Note
	weight := func(r respondent) (w, base float64) { return r.base(), r.base() }
	if q.Weights != "" {
		set, ok := m.Weights[q.Weights]
		if !ok {
			return nil, nil, fmt.Errorf("weights %q of wave %q: %w", q.Weights, q.Wave, surveys.ErrNotFound)
		}
		byCase := make(map[string]CaseWeight, len(set))
		for _, w := range set {
			byCase[w.Case] = w
		}
		weight = func(r respondent) (w, base float64) { return byCase[r.sample.ID].Weight, byCase[r.sample.ID].Base }
		notes = m.stale(q)
	}
	cols := analysis.Columns{}
	for _, r := range all {
		w, base := 0.0, 0.0
		if r.response != nil {
			w, base = weight(r)
		}
		cols.Weight = append(cols.Weight, w)
		cols.Base = append(cols.Base, base)
		cols.Stratum = append(cols.Stratum, r.sample.Stratum)
		cols.PSU = append(cols.PSU, r.sample.PSU)
	}
	design, err := analysis.NewDesign(cols)
	return design, notes, err
}

// stale are the notes of weights that were made before the fieldwork said what it says now:
// of cases with a weight that do not count any more, and of others that count without one.
func (m *Memory) stale(q Query) []analysis.Note {
	if len(m.Standings) == 0 {
		return nil
	}
	weighted := map[string]bool{}
	gone, late := 0, -q.Unweighted
	for _, w := range m.Weights[q.Weights] {
		weighted[w.Case] = w.Weight > 0
	}
	standings := m.standings()
	for id, has := range weighted {
		if has && !standings[id].Counts {
			gone++
		}
	}
	for id, s := range standings {
		if s.Counts && !weighted[id] {
			late++
		}
	}
	return StaleNotes(q.Weights, gone, late)
}

// factors classifies everybody; who did not respond has no level.
func factors(all []respondent, q Query) ([]analysis.FactorColumn, error) {
	scorer, err := score.New(q.Questionnaire)
	if err != nil {
		return nil, err
	}
	out := make([]analysis.FactorColumn, len(q.Factors))
	for i := range q.Factors {
		f := &q.Factors[i]
		level, err := classifier(f, q.Questionnaire, scorer)
		if err != nil {
			return nil, err
		}
		col := analysis.FactorColumn{Factor: analysis.Factor{ID: f.ID}, Level: make([]int, len(all))}
		for _, l := range f.Levels {
			col.Factor.Levels = append(col.Factor.Levels, l.Code)
		}
		for j, r := range all {
			col.Level[j] = -1
			if r.response != nil {
				col.Level[j] = level(r)
			}
		}
		out[i] = col
	}
	return out, nil
}

// classifier finds a person's level of a factor, -1 when there is none.
func classifier(f *Factor, q *surveys.Questionnaire, scorer *score.Scorer) (func(r respondent) int, error) {
	switch {
	case f.ByScore:
		return func(r respondent) int {
			if r.response == nil {
				return -1
			}
			points, scored := scorer.Score(r.response.Answers)
			switch {
			case !scored:
				return -1
			case points.Literate:
				return 0
			}
			return 1
		}, nil
	case f.Conditional():
		conditions, err := f.Conditions(q)
		if err != nil {
			return nil, err
		}
		return func(r respondent) int {
			if r.response == nil {
				return -1
			}
			return LevelBy(conditions, lookup(q, r.response.Answers))
		}, nil
	}
	return func(r respondent) int { return r.level(f) }, nil
}

// variables scores everybody; who did not respond has no value.
func variables(all []respondent, q Query) ([]analysis.Variable, error) {
	scorer, err := score.New(q.Questionnaire)
	if err != nil {
		return nil, err
	}
	names := variableNames(q, scorer)
	vars := make([]analysis.Variable, len(names))
	for i, n := range names {
		vars[i] = analysis.Variable{Name: n, Values: make([]float64, len(all))}
	}
	for j, r := range all {
		if r.response == nil {
			for i := range vars {
				vars[i].Values[j] = math.NaN()
			}
			continue
		}
		for i, v := range values(q, scorer, r.response.Answers) {
			vars[i].Values[j] = v
		}
	}
	return vars, nil
}

// variableNames lists the variables of a query in the order of values.
func variableNames(q Query, s *score.Scorer) []string {
	names := scoreVariables(q.Questionnaire)
	if q.Items {
		for _, id := range s.Items() {
			names = append(names, prefixItem+id)
		}
	}
	for _, s := range q.Shares {
		names = append(names, s.Name)
	}
	return names
}

// scoreVariables are the variables of the score.
func scoreVariables(q *surveys.Questionnaire) []string {
	names := []string{VarScore, VarLiterate}
	for _, d := range q.Criterion.Dimensions {
		names = append(names, prefixDimension+d.ID)
	}
	for _, l := range q.Criterion.Levels {
		names = append(names, prefixLevel+l.ID)
	}
	return names
}

// values returns one person's scores.
func values(q Query, s *score.Scorer, a surveys.Answers) []float64 {
	c := q.Questionnaire.Criterion
	r, scored := s.Score(a)
	out := []float64{r.Total, indicator(r.Literate, scored)}
	out = append(out, r.Dimensions...)
	for _, l := range c.Levels {
		out = append(out, indicator(c.Reaches(r.Total, l.Cut), scored))
	}
	if q.Items {
		out = append(out, r.Right...)
	}
	for i := range q.Shares {
		if scored {
			out = append(out, q.Shares[i].value(q.Questionnaire, a))
		} else {
			out = append(out, math.NaN())
		}
	}
	return out
}

// indicator is 1 for yes, 0 for no and NaN where there is no score.
func indicator(yes, scored bool) float64 {
	switch {
	case !scored:
		return math.NaN()
	case yes:
		return 1
	}
	return 0
}
