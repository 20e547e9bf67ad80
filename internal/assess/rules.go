package assess

import (
	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/surveys"
)

// Disclosure are the rules of a plan on what must not be published. What is not given is as in
// disclosure.DefaultRules; the names of the rules are explained there.
type Disclosure struct {
	People     *int     `yaml:"people,omitempty" json:",omitempty"`     // MinN
	PSUs       *int     `yaml:"psus,omitempty" json:",omitempty"`       // MinPSUs
	Outcome    *int     `yaml:"outcome,omitempty" json:",omitempty"`    // MinOutcome
	Small      *int     `yaml:"small,omitempty" json:",omitempty"`      // SmallGroup
	Difference *int     `yaml:"difference,omitempty" json:",omitempty"` // MinDifference
	Dominance  *float64 `yaml:"dominance,omitempty" json:",omitempty"`  // TopShare of two
	Remainder  *float64 `yaml:"remainder,omitempty" json:",omitempty"`  // Percent
	Persons    *int     `yaml:"persons,omitempty" json:",omitempty"`    // Persons
	Share      *float64 `yaml:"share,omitempty" json:",omitempty"`      // Share
	// Reason says why a rule is weaker than the built-in one; it is printed.
	Reason surveys.Text `yaml:"reason,omitempty" json:",omitempty"`
}

// Rules are those of the plan.
func (p *Plan) Rules() disclosure.Rules {
	r := disclosure.DefaultRules()
	d := p.Disclosure
	if d == nil {
		return r
	}
	for _, set := range []struct{ to, from *int }{{&r.MinN, d.People}, {&r.MinPSUs, d.PSUs}, {&r.MinOutcome, d.Outcome},
		{&r.SmallGroup, d.Small}, {&r.MinDifference, d.Difference}, {&r.Persons, d.Persons}} {
		if set.from != nil {
			*set.to = *set.from
		}
	}
	for _, set := range []struct{ to, from *float64 }{{&r.TopShare, d.Dominance}, {&r.Percent, d.Remainder}, {&r.Share, d.Share}} {
		if set.from != nil {
			*set.to = *set.from
		}
	}
	return r
}

// leastPeople is below what no plan may go, whatever the reason: of a group of two, each knows
// the answer of the other.
const leastPeople = 3

// WeakerRules names the rules of the plan, by their keys, that protect less than the built-in
// ones.
func (p *Plan) WeakerRules() (keys []string) {
	own, usual := p.Rules(), disclosure.DefaultRules()
	for _, rule := range []struct {
		key    string
		weaker bool
	}{
		{"people", own.MinN < usual.MinN}, {"psus", own.MinPSUs < usual.MinPSUs}, {"outcome", own.MinOutcome < usual.MinOutcome},
		{"small", own.SmallGroup < usual.SmallGroup}, {"difference", own.MinDifference < usual.MinDifference},
		{"dominance", own.TopShare > usual.TopShare}, {"remainder", own.Percent < usual.Percent},
		{"persons", own.Persons < usual.Persons}, {"share", own.Share < usual.Share},
	} {
		if rule.weaker {
			keys = append(keys, rule.key)
		}
	}
	return keys
}

// disclosed checks the rules of a plan.
func (c *PlanFile) disclosed(p *Plan) {
	d := p.Disclosure
	if d == nil {
		return
	}
	at := func(key string) []any { return []any{"disclosure", key} }
	whole := func(key string, v *int, least, most int) {
		if v != nil && (*v < least || *v > most) {
			c.Fault(at(key), "disclosure: %s is %d; give a number from %d to %d", key, *v, least, most)
		}
	}
	share := func(key string, v *float64, above, most float64) {
		if v != nil && !(*v > above && *v <= most) {
			c.Fault(at(key), "disclosure: %s is %v; give a share above %v, at most %v", key, *v, max(above, 0), most)
		}
	}
	const many = 1000
	whole("people", d.People, leastPeople, many)
	whole("psus", d.PSUs, 1, many)
	whole("outcome", d.Outcome, 0, many)
	whole("small", d.Small, 0, many)
	whole("difference", d.Difference, leastPeople, many)
	whole("persons", d.Persons, 1, many)
	share("dominance", d.Dominance, 0, 1)
	share("remainder", d.Remainder, -1e-300, 1)
	share("share", d.Share, -1e-300, 0.5)
	weaker := p.WeakerRules()
	switch {
	case len(weaker) > 0 && len(d.Reason) == 0:
		c.Fault(at(weaker[0]), "disclosure: %q protects less than the built-in rule; say why in reason, which the report prints, or leave the line out", weaker[0])
	case len(weaker) == 0 && len(d.Reason) > 0:
		c.Fault(at("reason"), "disclosure: a reason stands here, but no rule is weaker than the built-in one; remove it")
	case len(weaker) > 0:
		c.Text(d.Reason, "disclosure: the reason", "disclosure", "reason")
	}
}
