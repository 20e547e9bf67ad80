package assess

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/surveys"
)

// tables estimates the literacy rate by each factor the plan wants a table of.
func (e *estimator) tables() error {
	for _, id := range e.results.Plan.Tables {
		f := e.results.Plan.Factor(id)
		if f == nil {
			return fmt.Errorf("%w: the table %q is no factor of the plan", surveys.ErrInvalid, id)
		}
		by, err := e.counted(VarLiterate, id)
		if err != nil {
			return err
		}
		t := Table{Factor: *f}
		for i, l := range f.Levels {
			t.Groups = append(t.Groups, Group{Code: l.Code, Name: l.Name, Max: 1, Rows: e.rowsOf(by, i)})
		}
		var others []analysis.Table
		for _, l := range f.Levels {
			by, err := e.by(VarLiterate, otherwise(id, l.Code))
			if err != nil {
				return err
			}
			others = append(others, by[len(by)-1])
		}
		if t.Separation, err = e.separate(f.Levels, &by.tables[len(by.tables)-1], others); err != nil {
			return fmt.Errorf("table %q: %w", id, err)
		}
		e.results.Tables = append(e.results.Tables, t)
	}
	return nil
}

// groupSets estimates the rate of each group of the sets, and compares it with everybody
// who is known not to belong to it.
func (e *estimator) groupSets() error {
	for i := range e.results.Plan.Groups {
		set := &e.results.Plan.Groups[i]
		t := Table{Set: set, Factor: Factor{ID: set.ID, Title: set.Title}}
		var others []analysis.Table
		for _, g := range set.Groups {
			t.Factor.Levels = append(t.Factor.Levels, Level{Code: g.Code, Name: g.Name, When: g.When})
			by, err := e.counted(VarLiterate, set.factor(g).ID)
			if err != nil {
				return err
			}
			t.Groups = append(t.Groups, Group{Code: g.Code, Name: g.Name, Max: 1, Rows: e.rowsOf(by, 0)})
			others = append(others, by.tables[len(by.tables)-1])
		}
		var err error
		if t.Separation, err = e.separate(t.Factor.Levels, nil, others); err != nil {
			return fmt.Errorf("group set %q: %w", set.ID, err)
		}
		e.results.Tables = append(e.results.Tables, t)
	}
	return nil
}

// crossings estimates the rate by pairs of factors.
func (e *estimator) crossings() error {
	p := e.results.Plan
	for _, pair := range p.Crossings {
		if len(pair) != 2 || p.Factor(pair[0]) == nil || p.Factor(pair[1]) == nil {
			return fmt.Errorf("%w: the crossing %v is not of two factors of the plan", surveys.ErrInvalid, pair)
		}
		c := CrossTable{Rows: *p.Factor(pair[0]), Columns: *p.Factor(pair[1])}
		by, err := e.counted(VarLiterate, pair...)
		if err != nil {
			return err
		}
		for i := range c.Rows.Levels {
			var row [][]Row
			for k := range c.Columns.Levels {
				row = append(row, e.rowsOf(by, i*len(c.Columns.Levels)+k))
			}
			c.Cells = append(c.Cells, row)
		}
		e.results.Crossings = append(e.results.Crossings, c)
	}
	return nil
}

// topics estimates the shares of the answers to unscored questions.
func (e *estimator) topics() error {
	q := e.results.Questionnaire
	for _, t := range e.results.Plan.Topics {
		r := TopicResult{Topic: t}
		switch f := e.results.Plan.Factor(t.By); {
		case t.By == VarLiterate:
			r.Levels = literacy(q.Criterion).Levels
		case f != nil:
			r.Levels = f.Levels
		}
		for _, s := range t.shares(q) {
			if err := e.group(&r.Groups, proportion, s.Name, Group{Code: s.code, Name: s.name, Max: 1}); err != nil {
				return fmt.Errorf("topic %q: %w", t.ID, err)
			}
			if t.By == "" {
				continue
			}
			people, err := e.people(s.Name)
			if err != nil {
				return fmt.Errorf("topic %q: %w", t.ID, err)
			}
			for i := range people {
				r.Groups[len(r.Groups)-1].Rows[i].People = people[i][0]
			}
			by, err := e.counted(s.Name, t.By)
			if err != nil {
				return fmt.Errorf("topic %q: %w", t.ID, err)
			}
			var levels [][]Row
			for i := range r.Levels {
				levels = append(levels, e.rowsOf(by, i))
			}
			r.By = append(r.By, levels)
		}
		e.results.Topics = append(e.results.Topics, r)
	}
	return nil
}

// separate says which groups differ. pairs has the estimates of groups that do not overlap,
// nil where they do; others has for each group those of it and of all others.
func (e *estimator) separate(levels []Level, pairs *analysis.Table, others []analysis.Table) (*Separation, error) {
	s := &Separation{}
	for i, l := range levels {
		if c, ok, err := contrast(others[i], 0, 1, l.Code, ""); err != nil {
			return nil, err
		} else if ok {
			s.Others = append(s.Others, c)
		}
	}
	adjust(s.Others)
	if pairs != nil {
		if err := s.pairs(levels, *pairs, e.results.Settings.Level); err != nil {
			return nil, err
		}
	}
	if len(s.Others) == 0 && len(s.Pairs) == 0 {
		return nil, nil
	}
	return s, nil
}

// contrast is the difference of two groups of a table; false when one of them has nobody.
func contrast(t analysis.Table, i, j int, a, b string) (Contrast, bool, error) {
	for _, k := range []int{i, j} {
		if t.Groups[k].Estimate.N == 0 || math.IsNaN(t.Values[k]) {
			return Contrast{}, false, nil
		}
	}
	d, err := t.Difference(i, j)
	if err != nil {
		return Contrast{}, false, fmt.Errorf("difference of %q and %q: %w", a, b, err)
	}
	d.N, d.Weighted = t.Groups[i].Estimate.N+t.Groups[j].Estimate.N, t.Groups[i].Estimate.Weighted+t.Groups[j].Estimate.Weighted
	if x, y := t.Groups[i].Estimate, t.Groups[j].Estimate; alike(x) || alike(y) {
		d = recovered(d, x, y)
	}
	return Contrast{A: a, B: b, Difference: d, P: d.Test(0).P}, true, nil
}

// alike says that all respondents of an estimate, or all its PSUs, are alike, so that its
// standard error is 0. That is not how sure it is: where none of 40 are literate, the share of
// all people may well be a few per cent, as the exact interval says.
func alike(e analysis.Estimate) bool {
	return slices.ContainsFunc(e.Notes, func(n analysis.Note) bool {
		return n.Code == analysis.NoVariation || n.Code == analysis.ZeroVariance
	})
}

// recovered is the difference d = x − y with the error that stands in the exact interval of an
// estimate whose respondents are all alike: with the error of the other one alone it would be
// called significant too soon. The variance is recovered from the limit towards the other
// values, (distance/z)², and those of both are added (MOVER; Zou and Donner 2008, Statistics in
// Medicine 27, 1693–1702). An estimate without such an interval leaves no error and no interval.
func recovered(d, x, y analysis.Estimate) analysis.Estimate {
	notes, n, weighted := slices.Clone(d.Notes), d.N, d.Weighted
	for _, e := range []*analysis.Estimate{&x, &y} {
		if alike(*e) {
			notes = append(notes, e.Notes...)
			e.SE = recoveredSE(*e)
		}
		e.DF = d.DF
	}
	out, err := analysis.Independent(x, y).Difference(0, 1)
	if err != nil || math.IsNaN(out.SE) {
		out = d
		out.SE, out.Lo, out.Hi, out.DF = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	}
	out.N, out.Weighted, out.Notes = n, weighted, onceEach(notes)
	return out
}

// recoveredSE is the distance of the further limit of an interval in standard deviations of the
// normal distribution, which the limits of the exact interval stand for.
func recoveredSE(e analysis.Estimate) float64 {
	if width := math.Max(e.Hi-e.Value, e.Value-e.Lo); width > 0 {
		return width / (math.Sqrt2 * math.Erfinv(e.Level))
	}
	return math.NaN()
}

// onceEach drops notes of a code that came before.
func onceEach(notes []analysis.Note) (out []analysis.Note) {
	for _, n := range notes {
		if !slices.ContainsFunc(out, func(o analysis.Note) bool { return o.Code == n.Code }) {
			out = append(out, n)
		}
	}
	return out
}

// adjust corrects the P of a family of contrasts.
func adjust(family []Contrast) {
	p := make([]float64, len(family))
	for i, c := range family {
		p[i] = c.P
	}
	for i, x := range analysis.Holm(p) {
		family[i].Adjusted = x
	}
}

// pairs compares every pair of groups that somebody belongs to, and says in letters and
// ranks what can be told apart.
func (s *Separation) pairs(levels []Level, t analysis.Table, level float64) error {
	var there []int // the highest rate first
	for i := range levels {
		if t.Groups[i].Estimate.N > 0 && !math.IsNaN(t.Values[i]) {
			there = append(there, i)
		}
	}
	if len(there) < 2 {
		return nil
	}
	slices.SortStableFunc(there, func(a, b int) int { return cmp.Compare(t.Values[b], t.Values[a]) })
	for k, i := range there {
		for _, j := range there[k+1:] {
			c, _, err := contrast(t, i, j, levels[i].Code, levels[j].Code)
			if err != nil {
				return err
			}
			s.Pairs = append(s.Pairs, c)
		}
	}
	var codes []string
	for _, i := range there {
		codes = append(codes, levels[i].Code)
	}
	s.rank(codes, level)
	return nil
}

// rank adjusts the pairs of the groups, the highest rate first, and says in letters and ranks
// what they tell apart.
func (s *Separation) rank(codes []string, level float64) {
	adjust(s.Pairs)
	place := map[[2]string]int{}
	for k, c := range s.Pairs {
		place[[2]string{c.A, c.B}] = k
	}
	above := func(a, b int) bool {
		k, ok := place[[2]string{codes[a], codes[b]}]
		return ok && s.Pairs[k].Significant(level)
	}
	s.Letters, s.Ranks = map[string]string{}, map[string]Ranks{}
	letters := analysis.Letters(len(codes), func(a, b int) bool { return above(a, b) || above(b, a) })
	ranks := analysis.RankSets(len(codes), above)
	for k, code := range codes {
		s.Letters[code], s.Ranks[code] = letters[k], ranks[k]
	}
}

// Among is the separation of the groups that are kept, as if there were no others: what is said
// of them then tells nothing of the rest, such as how many have a higher rate.
func (s *Separation) Among(level float64, kept func(code string) bool) *Separation {
	if s == nil {
		return nil
	}
	out := &Separation{}
	for _, c := range s.Others {
		if kept(c.A) {
			out.Others = append(out.Others, c)
		}
	}
	adjust(out.Others)
	var codes []string
	for k, c := range s.Pairs { // those of the highest group come first, in order
		if k == 0 && kept(c.A) {
			codes = append(codes, c.A)
		}
		if c.A == s.Pairs[0].A && kept(c.B) {
			codes = append(codes, c.B)
		}
		if kept(c.A) && kept(c.B) {
			out.Pairs = append(out.Pairs, c)
		}
	}
	if len(codes) > 1 {
		out.rank(codes, level)
	}
	return out
}
