package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// A builder makes a layout from columns, stage by stage.
type builder struct {
	columns Columns
	stages  []Stage
	rows    int
	psus    []PSU
	layout  *layout
	leaf    []int32   // of each row
	weight  []float64 // of each row; zero for nobody
}

func (b *builder) build() error {
	b.weight = b.columns.Weight
	if b.weight == nil {
		b.weight = slices.Repeat([]float64{1}, b.rows)
	}
	first, err := b.firstStage()
	if err != nil {
		return err
	}
	if err := b.laterStages(first); err != nil {
		return err
	}
	if b.columns.Weight == nil {
		for i, w := range b.weight {
			if math.IsInf(w, 1) {
				return rowError(i, "there are no weights, and the stages do not give that of %s; give Columns.Weight, or a Population, Fraction or Chance at every stage")
			}
		}
	}
	return b.secondPhase()
}

// firstStage makes the layout of the PSUs.
func (b *builder) firstStage() (*grouping, error) {
	s := b.stages[0]
	g, psus := firstGrouping(s, b.rows)
	if b.columns.UniqueUnits {
		if err := inOneStratum(psus); err != nil {
			return nil, err
		}
	}
	b.psus, b.layout, b.leaf = psus, newLayout(psus), g.unit
	l := b.layout
	var err error
	l.fraction, l.chance, err = g.fractions(s, 1, func(h int) string {
		if s.Stratum == nil {
			return "the one stratum"
		}
		return fmt.Sprintf("stratum %q", l.strata[h])
	})
	if err != nil {
		return nil, err
	}
	if rule := s.PPS.rule(); s.PPS.given() && rule != PPSBrewer {
		place := g.appearance()
		if rule == PPSJoint {
			if l.chance, err = s.PPS.jointChances(l.chance, place); err != nil {
				return nil, err
			}
		}
		if l.joint, err = jointOf(s.PPS, g, l.chance, psus, place); err != nil {
			return nil, err
		}
	}
	b.weigh(g, l.fraction, l.chance)
	if l.chance != nil {
		l.fraction = g.certain(l.chance)
	}
	return g, nil
}

// certain is 1 for the strata of which every unit was sure to be in the sample, and 0
// for the others.
func (g *grouping) certain(chance []float64) []float64 {
	fraction := slices.Repeat([]float64{1}, len(g.size))
	for u, h := range g.stratum {
		if chance[u] < 1-completeTolerance {
			fraction[h] = 0
		}
	}
	return fraction
}

// weigh multiplies weights that were not given.
func (b *builder) weigh(g *grouping, fraction, chance []float64) {
	if b.columns.Weight == nil {
		g.reciprocal(b.weight, fraction, chance)
	}
}

// appearance numbers the units by their first row.
func (g *grouping) appearance() []int {
	place := slices.Repeat([]int{-1}, g.units())
	n := 0
	for _, u := range g.unit {
		if place[u] < 0 {
			place[u] = n
			n++
		}
	}
	return place
}

// laterStages adds the stages below, as far as they matter.
func (b *builder) laterStages(g *grouping) error {
	l := b.layout
	factor := make([]float64, g.units()) // Π f down to each unit
	for u, h := range g.stratum {
		factor[u] = fractionOrChance(l.fraction, l.chance, int(h), u)
	}
	matters := true
	for k, s := range b.stages[1:] {
		next := nextGrouping(s, g)
		v := level{stage: k + 2, stratum: next.stratum, size: next.size, factor: make([]float64, len(next.size))}
		var err error
		v.fraction, v.chance, err = next.fractions(s, v.stage, func(h int) string {
			if k == 0 {
				return "a stratum within " + l.label(int(next.parent[h]))
			}
			return fmt.Sprintf("a stratum within unit %d of the stage before", next.parent[h])
		})
		if err != nil {
			return err
		}
		b.weigh(next, v.fraction, v.chance)
		if v.chance != nil {
			v.fraction = next.certain(v.chance)
		}
		for h, u := range next.parent {
			v.factor[h] = factor[u]
		}
		matters = matters && slices.ContainsFunc(factor, func(f float64) bool { return f > 0 })
		if matters {
			v.first = next.firsts(g.units())
			b.leaf = next.unit
			l.add(v)
		}
		factor = make([]float64, next.units())
		for u, h := range next.stratum {
			factor[u] = v.factor[h] * fractionOrChance(v.fraction, v.chance, int(h), u)
		}
		g = next
	}
	return nil
}

// fractionOrChance is the sampling fraction of a unit; 0 when it is negligible.
func fractionOrChance(fraction, chance []float64, stratum, unit int) float64 {
	switch {
	case chance != nil:
		return chance[unit]
	case fraction != nil:
		return fraction[stratum]
	}
	return 0
}

// firsts is the first unit within each unit of the stage before, and their number.
func (g *grouping) firsts(before int) []int {
	first := make([]int, before+1)
	for _, h := range g.stratum {
		first[g.parent[h]+1]++
	}
	for u := range before {
		first[u+1] += first[u]
	}
	return first
}

// add appends a stage and moves the leaves down to its units.
func (l *layout) add(v level) {
	if l.first == nil {
		l.first = v.first
	} else {
		moved := make([]int, len(l.first))
		for i, u := range l.first {
			moved[i] = v.first[u]
		}
		l.first = moved
	}
	l.within = append(l.within, v)
}

// secondPhase makes the people the leaves, and weighs them.
func (b *builder) secondPhase() error {
	s := b.columns.SecondPhase
	if s == nil {
		return nil
	}
	l := b.layout
	if len(b.stages) > 1 || l.joint != nil || l.chance != nil {
		return errors.New("second phase: the first phase has one stage with equal chances within strata; leave Chance and later stages out")
	}
	for h, n := range l.size {
		if n == 1 && !l.complete(h) {
			return fmt.Errorf("second phase: stratum %q of the first phase has one PSU; merge it with a neighbour", l.strata[h])
		}
	}
	b.weight = slices.Clone(b.weight)
	p, stratum, err := s.weigh(b.weight)
	if err != nil {
		return err
	}
	each := grouping{parent: count32(len(l.stratum))}
	psu := b.leaf
	each.unit, each.stratum = eachRow(psu, len(l.stratum))
	p.stratum, p.psu = make([]int32, b.rows), make([]int32, b.rows)
	for i, u := range each.unit {
		p.stratum[u], p.psu[u] = -1, psu[i]
		if b.weight[i] > 0 {
			p.stratum[u] = stratum[i]
		}
	}
	l.phase, l.first, b.leaf = p, each.firsts(len(l.stratum)), each.unit
	return p.checkPersons(s, l, b)
}

// checkPersons sees to it that every unit of the first phase is one person, where the
// approximation needs it.
func (p *phase) checkPersons(s *SecondPhase, l *layout, b *builder) error {
	if p.full {
		return nil
	}
	n := make([]int, len(l.stratum))
	for i, u := range b.leaf {
		if psu := p.psu[u]; b.columns.Weight == nil || b.columns.Weight[i] > 0 {
			n[psu]++
			if n[psu] > 1 {
				return fmt.Errorf("second phase: %s has several people; use variance %q", l.label(int(psu)), PhaseFull)
			}
		}
	}
	return nil
}
