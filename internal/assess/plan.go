package assess

import (
	"math"
	"slices"
	"strconv"

	"github.com/suyang-survey/suyang/surveys"
)

// ReadPlan reads a plan from YAML, strictly: an unknown key is an error. The plan is
// checked against the questionnaire it classifies answers of. All faults are
// reported at once, each with its line and the way out; name stands for the file.
func ReadPlan(name string, src []byte, q *surveys.Questionnaire) (*Plan, error) {
	return readPlan(name, src, q, (*PlanFile).definitions)
}

// ReadKeptPlan reads a plan that was published, perhaps by an earlier program, which did not
// ask whose definitions its groupings are. A published plan does not change, so they cannot be
// added any more.
func ReadKeptPlan(name string, src []byte, q *surveys.Questionnaire) (*Plan, error) {
	return readPlan(name, src, q)
}

// readPlan reads a plan; asked is what is wanted of it besides.
func readPlan(name string, src []byte, q *surveys.Questionnaire, asked ...func(*PlanFile, *Plan)) (*Plan, error) {
	p := new(Plan)
	f, err := OpenPlanFile(name, src, p, q)
	if err != nil {
		return nil, err
	}
	f.Text(p.Title, "the title", "title")
	if len(p.Factors) == 0 {
		f.Fault([]any{"factors"}, "the plan has no factors; add at least one")
	}
	f.Factors(p.Factors)
	for i, id := range p.Tables {
		f.table(p, id, i)
	}
	if p.Series != "" && p.Factor(p.Series) == nil {
		f.Fault([]any{"series"}, "the series %q is no factor of the plan; define it or remove the line", p.Series)
	}
	f.groupSets(p)
	f.crossings(p)
	f.topics(p)
	f.compared(p)
	f.disclosed(p)
	for _, ask := range asked {
		ask(f, p)
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// Factor returns the factor with this ID, or nil.
func (p *Plan) Factor(id string) *Factor {
	for i := range p.Factors {
		if p.Factors[i].ID == id {
			return &p.Factors[i]
		}
	}
	return nil
}

// Level returns the index of the level that value belongs to, or -1 when it belongs
// to none or is no value at all.
func (f *Factor) Level(value string) int {
	if value == "" {
		return -1
	}
	return slices.IndexFunc(f.Levels, func(l Level) bool { return l.has(value) })
}

func (l Level) has(value string) bool {
	if len(l.Values) > 0 {
		return slices.Contains(l.Values, value)
	}
	x, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(x) {
		return false
	}
	lo, below := l.Bounds()
	return lo <= x && x < below
}

// Bounds returns the range of the level; an open end is infinite.
func (l Level) Bounds() (lo, below float64) {
	lo, below = math.Inf(-1), math.Inf(1)
	if l.Min != nil {
		lo = *l.Min
	}
	if l.Below != nil {
		below = *l.Below
	}
	return lo, below
}

func (f *PlanFile) table(p *Plan, id string, i int) {
	at := []any{"tables", i}
	switch {
	case p.Factor(id) == nil:
		f.Fault(at, "the table %q is no factor of the plan; define the factor or remove the table", id)
	case id == p.Series:
		f.Fault(at, "the table %q is the series, whose levels stand beside each other in every table; remove it here", id)
	case slices.Contains(p.Tables[:i], id):
		f.Fault(at, "the table %q stands there twice; remove one", id)
	}
}
