package assess

// groupScores estimates the mean score of every group that has a rate, in the order of the
// tables.
func (e *estimator) groupScores() error {
	for i := range e.results.Tables {
		t := &e.results.Tables[i]
		if t.Set == nil {
			if err := e.addScores(t, t.Factor.ID, t.Groups); err != nil {
				return err
			}
			continue
		}
		for k, g := range t.Set.Groups { // each is a factor of its own
			if err := e.addScores(t, t.Set.factor(g).ID, t.Groups[k:k+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// addScores adds the scores by a factor to a table, of its first levels, which are these groups.
func (e *estimator) addScores(t *Table, factor string, groups []Group) error {
	by, err := e.by(VarScore, factor)
	if err != nil {
		return err
	}
	for i, g := range groups {
		g.Max, g.Rows = e.results.Questionnaire.Criterion.MostPoints(), nil
		for _, s := range by {
			g.Rows = append(g.Rows, e.row(VarScore, s.Groups[i].Domain, s.Groups[i].Estimate))
		}
		t.Scores = append(t.Scores, g)
	}
	return nil
}
