package analysis

import (
	"errors"
	"fmt"
	"slices"
)

// CellModel is a Model of which cells know all sums: its terms are factors.
type CellModel struct {
	// Outcome is a variable of the cells: zeros and ones or shares for Binomial, values
	// of at least 0 for Poisson. For FitOrdinal it is a factor with its levels in order,
	// the lowest first.
	Outcome string
	// Terms are the factors of the model, and interactions as all their factors, each of
	// them a term of the model itself: {"sex"}, {"city"}, {"sex", "city"}.
	Terms [][]string
	// Family and Link are those of Model. FitOrdinal has no family, and a link as
	// OrdinalModel.
	Family Family
	Link   Link
}

// Fit is Design.Fit from cells. All sums of a fit are sums by pattern of levels and unit
// of the design, and those are what cells have: coefficients, covariance, tests of
// terms, predictions and margins are the same as from columns. Of the outcome of single
// people nothing is known: one outside the range of the family is found only when it
// moves the sums of its cell outside, and Fit.Deviance may be NaN.
func (c *Cells) Fit(m CellModel, in Domain) (*Fit, error) {
	p, outcome, err := c.people(in, m.Outcome)
	if err != nil {
		return nil, err
	}
	model := Model{Outcome: outcome[0].Values, Family: m.Family, Link: m.Link}
	if model.Terms, err = c.terms(m, in); err != nil {
		return nil, err
	}
	g, err := model.glm()
	if err != nil {
		return nil, err
	}
	for _, place := range p.places {
		row := p.design.rowAt(int(place))
		if fault := g.family.checkSums(p.cell[place]); fault != "" {
			return nil, fmt.Errorf("%s: variable %q has the sums Σw = %v, Σwy = %v and Σwy² = %v, but in family %s %s; correct it, or choose another family",
				c.place(row), m.Outcome, p.cell[place].W, p.cell[place].WY, p.cell[place].WY2, m.Family, fault)
		}
		if g.family == binomial { // sums of a database may round a mean beyond
			model.Outcome[row] = min(max(model.Outcome[row], 0), 1)
		}
	}
	return p.frame().fitModel(model, p.rowsIn())
}

// FitOrdinal is Design.FitOrdinal from cells: the outcome is a factor too.
func (c *Cells) FitOrdinal(m CellModel, in Domain) (*OrdinalFit, error) {
	if m.Family != "" {
		return nil, fmt.Errorf("an ordinal model has no family, but %q is given; leave it empty", m.Family)
	}
	p, _, err := c.people(in)
	if err != nil {
		return nil, err
	}
	outcome, err := c.crossedFactors(in, []string{m.Outcome})
	if err != nil {
		return nil, fmt.Errorf("the outcome: %w", err)
	}
	model := OrdinalModel{Outcome: c.column(outcome[0]), Link: m.Link}
	if model.Terms, err = c.terms(m, in); err != nil {
		return nil, err
	}
	return p.frame().fitOrdinal(model, p.rowsIn())
}

// terms are those of a model of columns.
func (c *Cells) terms(m CellModel, in Domain) ([]Term, error) {
	terms := make([]Term, len(m.Terms))
	for i, ids := range m.Terms {
		if len(ids) == 0 {
			return nil, errors.New("a term names no factor; name one, or several for an interaction")
		}
		factors, err := c.crossedFactors(in, ids)
		if err != nil {
			return nil, fmt.Errorf("term %d: %w", i+1, err)
		}
		if len(ids) == 1 {
			terms[i] = Term{Factor: c.column(factors[0])}
		} else {
			terms[i] = Term{Interaction: slices.Clone(ids)}
		}
	}
	return terms, nil
}

// frame is the frame of a model of these people.
func (p people) frame() *frame {
	return &frame{design: p.design, notes: p.notes, weight: p.weight, cell: p.cell}
}

// rowsIn says of each row whether it is one of these people.
func (p people) rowsIn() []bool {
	in := make([]bool, p.design.rows)
	for _, place := range p.places {
		in[p.design.rowAt(int(place))] = true
	}
	return in
}
