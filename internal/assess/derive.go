package assess

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// CompileCondition checks a condition of a plan, which may name single and multiple
// choices and numbers of the questionnaire outside rosters. The error says where the
// mistake is and what to write.
func CompileCondition(src string, q *surveys.Questionnaire) (*expr.Program, error) {
	p, err := expr.Compile(src, conditionEnv(q))
	if err != nil {
		return nil, err
	}
	if p.Type() != expr.Bool {
		return nil, p.ErrorAt("", "a condition must be true or false (bool), but this is "+p.Type().String())
	}
	for _, c := range p.Compared() {
		if surveys.Reserved(c.Text) {
			return nil, c.Error(fmt.Sprintf("%q means that there is no answer, so that a condition on it never holds; use has(a.%s)", c.Text, c.Name))
		}
		it := q.Item(c.Name)
		if it != nil && it.Type != surveys.Number && !offers(q, it, c.Text) {
			return nil, c.Error(fmt.Sprintf("the item %q has no option %q", c.Name, c.Text))
		}
	}
	return p, nil
}

// conditionEnv types the items that a condition may name.
func conditionEnv(q *surveys.Questionnaire) expr.Env {
	env := expr.Env{}
	for it := range outsideRosters(q) {
		switch {
		case !expr.IsName(it.ID):
		case it.Type.OneOf():
			env[it.ID] = expr.String
		case it.Type == surveys.Multiple && len(q.Offered(it)) <= MaxOptions:
			env[it.ID] = expr.Strings
		case it.Type == surveys.Number && it.Decimals > 0:
			env[it.ID] = expr.Double
		case it.Type == surveys.Number:
			env[it.ID] = expr.Int
		}
	}
	return env
}

// MaxOptions is how many options a multiple choice may have in a condition or a topic.
const MaxOptions = 60

func outsideRosters(q *surveys.Questionnaire) func(yield func(*surveys.Item) bool) {
	return func(yield func(*surveys.Item) bool) {
		for s := range q.Sections {
			for i := range q.Sections[s].Items {
				if !yield(&q.Sections[s].Items[i]) {
					return
				}
			}
		}
	}
}

func offers(q *surveys.Questionnaire, it *surveys.Item, code string) bool {
	return slices.ContainsFunc(q.Offered(it), func(o surveys.Option) bool { return o.Code == code })
}

// Conditional says that the levels of the factor are conditions.
func (f *Factor) Conditional() bool {
	return f.Answer == "" && f.Sample == "" && !f.ByScore
}

// Conditions compiles those of the levels, in their order.
func (f *Factor) Conditions(q *surveys.Questionnaire) ([]*expr.Program, error) {
	list := make([]*expr.Program, len(f.Levels))
	for i, l := range f.Levels {
		var err error
		if list[i], err = CompileCondition(l.When, q); err != nil {
			return nil, fmt.Errorf("%w: factor %q, level %q: %w", surveys.ErrInvalid, f.ID, l.Code, err)
		}
	}
	return list, nil
}

// literacy is the factor of those who reach the criterion and those who do not.
func literacy(c *surveys.Criterion) Factor {
	name := surveys.Text(nil)
	for _, l := range c.Levels {
		if l.Cut == c.Cut {
			name = l.Name
		}
	}
	return Factor{ID: VarLiterate, Title: name, ByScore: true, Levels: []Level{{Code: Literate, Name: name}, {Code: NotLiterate}}}
}

// The levels of the factor "literate" of a topic. The second has no name: what to call
// the others is for the report.
const (
	Literate    = "literate"
	NotLiterate = "not-literate"
)

// The levels of a group of a set: its people and all others.
const (
	InGroup    = "in"
	OutOfGroup = "out"
)

// Factors are the groups of the set, each as a factor of two levels, in their order.
func (s *GroupSet) Factors() []Factor {
	list := make([]Factor, len(s.Groups))
	for i, g := range s.Groups {
		list[i] = s.factor(g)
	}
	return list
}

// factor is the group as a factor of two levels. Who cannot be classified has none, and is
// in neither.
func (s *GroupSet) factor(g KeyGroup) Factor {
	return Factor{ID: s.ID + ":" + g.Code, Title: g.Name, Levels: []Level{
		{Code: InGroup, Name: g.Name, When: g.When}, {Code: OutOfGroup, When: "true"},
	}}
}

// LevelBy returns the level of the person by the conditions, -1 when none holds. The first
// that holds decides; one that cannot be told, because an answer is missing, leaves the
// person without a level, for it might have held.
func LevelBy(conditions []*expr.Program, lookup func(string) (expr.Value, bool)) int {
	for i, p := range conditions {
		v, err := p.Eval(lookup)
		if err != nil {
			return -1
		}
		if v.Bool() {
			return i
		}
	}
	return -1
}

// lookup gives the answers of a person to conditions. Not knowing, refusing, and an answer
// that the questionnaire does not list are none.
func lookup(q *surveys.Questionnaire, a surveys.Answers) func(string) (expr.Value, bool) {
	return func(name string) (expr.Value, bool) {
		it := q.Item(name)
		if it == nil {
			return expr.Value{}, false
		}
		switch {
		case it.Type == surveys.Number:
			return numberValue(a.First(name), it.Decimals > 0)
		case it.Type.OneOf():
			given := informative(listedAnswers(q, it, a))
			if len(given) == 0 {
				return expr.Value{}, false
			}
			return expr.StringValue(given[0]), true
		}
		given := informative(listedAnswers(q, it, a))
		return expr.StringsValue(given), len(given) > 0
	}
}

// informative leaves out the codes that mean that there is no answer.
func informative(given []string) []string {
	return slices.DeleteFunc(given, surveys.Reserved)
}

// numberValue reads a number; one that is not whole is no value of an int.
func numberValue(s string, double bool) (expr.Value, bool) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return expr.Value{}, false
	}
	return NumberValue(x, double)
}

// NumberValue is a number as conditions have it: a double, or an int, of which only whole
// numbers below MaxWhole are values.
func NumberValue(x float64, double bool) (expr.Value, bool) {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return expr.Value{}, false
	case double:
		return expr.DoubleValue(x), true
	}
	return expr.IntValue(int64(x)), x == math.Trunc(x) && math.Abs(x) < MaxWhole
}

// MaxWhole is the size below which numbers in conditions are whole numbers.
const MaxWhole = 1 << 53

// listedAnswers are the options of an item that were given, in the order of the
// questionnaire. Several answers to a single choice are none.
func listedAnswers(q *surveys.Questionnaire, it *surveys.Item, a surveys.Answers) (given []string) {
	answers := a[it.ID]
	if it.Type.OneOf() && len(answers) != 1 {
		return nil
	}
	for _, o := range q.Offered(it) {
		if slices.Contains(answers, o.Code) && !slices.Contains(given, o.Code) {
			given = append(given, o.Code)
		}
	}
	return given
}

// Share is a variable of an unscored question: 1 for those who gave one of the options,
// 0 for those who gave others, missing for who gave none or has no score.
type Share struct {
	Name, Item string
	Options    []string
	// Without are answers whose givers are left out.
	Without []string
	// First takes the first choice only; see Topic.First.
	First bool
}

// value is that of a person with a score.
func (s *Share) value(q *surveys.Questionnaire, a surveys.Answers) float64 {
	it := q.Item(s.Item)
	given := listedAnswers(q, it, a)
	if s.First {
		given = firstChoice(q, it, a)
	}
	in := func(list []string) bool {
		return slices.ContainsFunc(given, func(g string) bool { return slices.Contains(list, g) })
	}
	switch {
	case len(given) == 0 || in(s.Without):
		return math.NaN()
	case in(s.Options):
		return 1
	}
	return 0
}

// firstChoice is the first of a ranking, or the answer to a single choice among the
// answers to another item and, where that had one only, this one.
func firstChoice(q *surveys.Questionnaire, it *surveys.Item, a surveys.Answers) []string {
	if it.Type == surveys.Ranking {
		if first := a.First(it.ID); offers(q, it, first) {
			return []string{first}
		}
		return nil
	}
	given := listedAnswers(q, it, a)
	if only := a[it.From]; len(given) == 0 && it.From != "" && len(only) == 1 && offers(q, it, only[0]) {
		return only
	}
	return given
}

// names of the variables of topics.
func shareName(item string, options, without []string, first bool) string {
	name := "share:" + strconv.Itoa(len(item)) + ":" + item
	for _, o := range options {
		name += "/" + strconv.Itoa(len(o)) + ":" + o
	}
	for _, o := range without {
		name += "-" + strconv.Itoa(len(o)) + ":" + o
	}
	if first {
		name += "!"
	}
	return name
}

// shares are the variables of a topic, one for each item, or for each option of each.
func (t *Topic) shares(q *surveys.Questionnaire) (list []topicShare) {
	for _, id := range t.Items {
		it := q.Item(id)
		if len(t.Options) > 0 {
			list = append(list, topicShare{code: id, name: it.Text, Share: t.share(id, t.Options)})
			continue
		}
		for _, o := range q.Offered(it) {
			if slices.Contains(t.Without, o.Code) {
				continue
			}
			code := id + "/" + o.Code
			if slices.ContainsFunc(list, func(s topicShare) bool { return s.code == code }) {
				continue
			}
			list = append(list, topicShare{code: code, name: o.Text, Share: t.share(id, []string{o.Code})})
		}
	}
	return list
}

func (t *Topic) share(item string, options []string) Share {
	return Share{Name: shareName(item, options, t.Without, t.First), Item: item, Options: options, Without: t.Without, First: t.First}
}

// topicShare is a variable of a topic with what the report calls it.
type topicShare struct {
	code string
	name surveys.Text
	Share
}
