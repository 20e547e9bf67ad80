package clickhouse

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// offered are the codes of the options of an item, each once.
func offered(q *surveys.Questionnaire, it *surveys.Item) (codes []string) {
	for _, o := range q.Offered(it) {
		if !slices.Contains(codes, o.Code) {
			codes = append(codes, o.Code)
		}
	}
	return codes
}

// kept returns the field under a name, made when it is asked for the first time.
func (ws *words) kept(name string, size int, fill func(f field)) field {
	if f, there := ws.fields[name]; there {
		return f
	}
	f := ws.field(size)
	if ws.fields == nil {
		ws.fields = map[string]field{}
	}
	ws.fields[name] = f
	fill(f)
	return f
}

// one is the place, from 1, of the only answer to an item among some options; 0 when there
// is none, or several.
func (ws *words) one(item string, options []string) field {
	return ws.kept(strings.Join(append([]string{"one", item}, options...), "\x00"), bits.Len(uint(len(options))), func(f field) {
		for i, o := range options {
			ws.add(f, code(item, true, o), i+1)
		}
	})
}

// first is the place, from 1, of the first answer.
func (ws *words) first(item string, options []string) field {
	return ws.kept("first\x00"+item, bits.Len(uint(len(options))), func(f field) {
		for i, o := range options {
			ws.add(f, code(item, true, o), i+1)
			ws.add(f, code(item, false, o), i+1)
		}
	})
}

// several has a bit for each option that was chosen.
func (ws *words) several(item string, options []string) field {
	return ws.kept("several\x00"+item, max(1, len(options)), func(f field) {
		for i, o := range options {
			ws.add(f, code(item, true, o), 1<<i)
			ws.add(f, answerCode{item, o, anyOfSeveral}, 1<<i)
		}
	})
}

// digit is one more than a number of a single digit, which the column numbers does not
// have; 0 for all others.
func (ws *words) digit(item string) field {
	return ws.kept("digit\x00"+item, 4, func(f field) {
		for d := range 10 {
			ws.add(f, code(item, true, strconv.Itoa(d)), d+1)
			ws.add(f, code(item, false, strconv.Itoa(d)), d+1)
		}
	})
}

// operand is an item in conditions: where its answer stands, and what it is there.
type operand struct {
	field  field
	number int // the place among the numbers; -1 of choices
	value  func(p *person) (expr.Value, bool)
}

// operand finds the answer to an item for conditions, as package assess finds it: not
// knowing, refusing, and an answer that the questionnaire does not list are none.
func (ws *words) operand(q *surveys.Questionnaire, it *surveys.Item) operand {
	options := offered(q, it)
	switch {
	case it.Type == surveys.Number:
		f, number, double := ws.digit(it.ID), ws.number(it.ID), it.Decimals > 0
		return operand{f, number, func(p *person) (expr.Value, bool) {
			if digit := f.of(p.words); digit > 0 {
				return assess.NumberValue(float64(digit-1), double)
			}
			return assess.NumberValue(p.numbers[number], double)
		}}
	case it.Type.OneOf():
		f := ws.one(it.ID, options)
		return operand{f, -1, func(p *person) (expr.Value, bool) {
			place := f.of(p.words)
			if place == 0 || surveys.Reserved(options[place-1]) {
				return expr.Value{}, false
			}
			return expr.StringValue(options[place-1]), true
		}}
	}
	f := ws.several(it.ID, options)
	return operand{f, -1, func(p *person) (expr.Value, bool) {
		var given []string
		for i, o := range options {
			if f.of(p.words)>>i&1 == 1 && !surveys.Reserved(o) {
				given = append(given, o)
			}
		}
		return expr.StringsValue(given), len(given) > 0
	}}
}

// answersKey are the answers that conditions look at, as bits: those of the fields, and two
// numbers.
type answersKey [4]uint64

// conditional finds the index of the level whose condition holds first: -1 when none does,
// or one before it cannot be told. Conditions are evaluated once for all people of the same
// answers to them; remembered is what was found, which each goroutine has for itself.
func (ws *words) conditional(f assess.Factor, q *surveys.Questionnaire) (leveler, error) {
	conditions, err := f.Conditions(q)
	if err != nil {
		return nil, err
	}
	of := map[string]operand{}
	var fields []field
	var numbers []int
	size := 0
	for _, p := range conditions {
		for _, name := range p.Names() {
			it := q.Item(name)
			if _, known := of[name]; known || it == nil {
				continue
			}
			o := ws.operand(q, it)
			of[name], fields = o, append(fields, o.field)
			size += o.field.bits
			if o.number >= 0 {
				numbers = append(numbers, o.number)
			}
		}
	}
	level := func(p *person) int {
		return assess.LevelBy(conditions, func(name string) (expr.Value, bool) {
			o, known := of[name]
			if !known {
				return expr.Value{}, false
			}
			return o.value(p)
		})
	}
	if size > 2*wordBits || len(numbers) > 2 {
		return level, nil
	}
	number := len(ws.remembered)
	ws.remembered = append(ws.remembered, f.ID)
	return func(p *person) int {
		var key answersKey
		at := 0
		for _, f := range fields {
			bits := f.of(p.words)
			key[at/wordBits] |= bits << (at % wordBits)
			if over := at%wordBits + f.bits; over > wordBits {
				key[at/wordBits+1] |= bits >> (f.bits - (over - wordBits))
			}
			at += f.bits
		}
		for i, n := range numbers {
			key[2+i] = math.Float64bits(p.numbers[n])
		}
		known := p.remembered[number]
		l, there := known[key]
		if !there {
			l = level(p)
			known[key] = l
		}
		return l
	}, nil
}

// question is an unscored question as variables see it.
type question struct {
	name string
	// field is that of the answer: its place among the options, from 1; where several can be
	// chosen, bits of them. Without an answer there, that in the field otherwise is taken.
	field, otherwise field
	several          bool
	// bases are those of its variables. Of one answer, meanings has by its place what it means
	// to them, 0 for no answer. Of several, marked has each variable.
	bases    []int
	meanings []meaning
	marked   []markedShare
}

// meaning is what an answer means to the variables of a question: one that is 1, or -1, further
// ones that are, and bases that do not hold.
type meaning struct {
	one              int
	more             bool // there is anything else
	further, without []int
}

// given is what somebody answered.
func (q *question) given(words []uint64) uint64 {
	if given := q.field.of(words); given > 0 || q.otherwise.bits == 0 {
		return given
	}
	return q.otherwise.of(words)
}

// markedShare is a variable of a question with several answers.
type markedShare struct {
	variable, base     int
	first              bool   // of those with this base
	options, excluding uint64 // bits
}

// share adds a variable of an unscored question, and returns the number of its base: variables
// of the same base are missing in the same people.
func (r *reading) share(s assess.Share, variable int) (base int, err error) {
	it := r.query.Questionnaire.Item(s.Item)
	if it == nil {
		return 0, fmt.Errorf("%w: the questionnaire has no item %q", surveys.ErrInvalid, s.Item)
	}
	options := offered(r.query.Questionnaire, it)
	if several := it.Type == surveys.Multiple || it.Type == surveys.Ranking; several && len(options) > wordBits {
		return 0, fmt.Errorf("%w: item %q has %d options, and a topic can look at %d of a question with several answers; leave it out of the topics", surveys.ErrInvalid, s.Item, len(options), wordBits)
	}
	of := r.question(it, options, s.First)
	name := of.name + "\x00" + strings.Join(s.Without, "\x00")
	base = slices.Index(r.bases, name)
	fresh := base < 0
	if fresh {
		base, r.bases, of.bases = len(r.bases), append(r.bases, name), append(of.bases, len(r.bases))
	}
	if of.several {
		of.marked = append(of.marked, markedShare{variable, base, fresh, mask(options, s.Options), mask(options, s.Without)})
		return base, nil
	}
	if fresh {
		of.meanings[0].without = append(of.meanings[0].without, base)
	}
	for i, o := range options {
		m := &of.meanings[i+1]
		switch excluded := slices.Contains(s.Without, o); {
		case excluded && fresh:
			m.more, m.without = true, append(m.without, base)
		case excluded || !slices.Contains(s.Options, o):
		case m.one < 0:
			m.one = variable
		default:
			m.more, m.further = true, append(m.further, variable)
		}
	}
	return base, nil
}

// question finds the question about an item, made when it is asked for the first time.
func (r *reading) question(it *surveys.Item, options []string, first bool) *question {
	ws := &r.words
	q := question{meanings: slices.Repeat([]meaning{{one: -1}}, len(options)+1)}
	q.meanings[0].more = true
	switch {
	case it.Type == surveys.Multiple || it.Type == surveys.Ranking && !first:
		q.name, q.field, q.several = "several\x00"+it.ID, ws.several(it.ID, options), true
	case it.Type == surveys.Ranking:
		q.name, q.field = "first\x00"+it.ID, ws.first(it.ID, options)
	case first && it.From != "":
		q.name, q.field, q.otherwise = "from\x00"+it.ID, ws.one(it.ID, options), ws.one(it.From, options)
	default:
		q.name, q.field = "one\x00"+it.ID, ws.one(it.ID, options)
	}
	return r.keep(q)
}

// keep keeps a question unless it is there.
func (r *reading) keep(q question) *question {
	for _, known := range r.questions {
		if known.name == q.name {
			return known
		}
	}
	r.questions = append(r.questions, &q)
	return &q
}

// mask has the bits of the options in a list.
func mask(options, list []string) (m uint64) {
	for i, o := range options {
		if slices.Contains(list, o) {
			m |= 1 << i
		}
	}
	return m
}
