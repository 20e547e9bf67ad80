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

// levelMemory remembers levels by answers. It is a hash table, at most half full. When there are
// very many different answers, as numbers with decimals may be, it forgets them and begins again.
type levelMemory struct {
	slots []rememberedLevel
	used  int
}

// rememberedLevel is the level of some answers.
type rememberedLevel struct {
	key  answersKey
	more int32 // two more than the level; 0 in a free slot
}

// level is that of answers, which is found once.
func (m *levelMemory) level(key *answersKey, p *person, find leveler) int {
	if 2*m.used >= len(m.slots) {
		m.grow()
	}
	s := m.slot(key)
	if s.more == 0 {
		*s = rememberedLevel{*key, int32(find(p)) + 2}
		m.used++
	}
	return int(s.more) - 2
}

// slot is that of some answers, or the free one where they belong.
func (m *levelMemory) slot(key *answersKey) *rememberedLevel {
	for i := hashOf(key[:]); ; i++ {
		if s := &m.slots[i&uint64(len(m.slots)-1)]; s.more == 0 || s.key == *key {
			return s
		}
	}
}

// mostRemembered is how many answers are remembered at once.
const mostRemembered = 1 << 16

func (m *levelMemory) grow() {
	if m.used >= mostRemembered {
		clear(m.slots)
		m.used = 0
		return
	}
	before := m.slots
	m.slots = make([]rememberedLevel, max(64, 2*len(before)))
	for i := range before {
		if s := &before[i]; s.more != 0 {
			*m.slot(&s.key) = *s
		}
	}
}

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
	number := ws.remembered
	ws.remembered++
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
		return p.remembered[number].level(&key, p, level)
	}, nil
}

// question is an unscored question whose answers mean something together: one with several
// answers, or that takes over the answer to another.
type question struct {
	name string
	// field has bits of the options that were chosen; or the place of the only one, from 1, and
	// otherwise that of the question whose answer is taken over.
	field, otherwise field
	several          bool
	// bases are those of its variables. Of one answer, meanings has by its place what it means
	// to them, 0 for no answer. Of several, each base has its variables.
	bases    []int
	meanings []meaning
	marked   []markedBase
}

// meaning is what an answer means to variables: those that are 1, and the bases that do not
// hold.
type meaning struct{ ones, without []int }

// given is what somebody answered.
func (q *question) given(words []uint64) uint64 {
	if given := q.field.of(words); given > 0 || q.otherwise.bits == 0 {
		return given
	}
	return q.otherwise.of(words)
}

// markedBase has the variables of a question with several answers that have a base in common.
type markedBase struct {
	base      int
	excluding uint64 // bits of options
	// single has the bits of the options of which variable has one each, and shares are all
	// other variables.
	single   uint64
	variable [wordBits]int
	shares   []markedShare
}

// markedShare is a variable that is 1 when one of some options was chosen.
type markedShare struct {
	variable int
	options  uint64 // bits
}

// share adds a variable.
func (m *markedBase) share(variable int, options uint64) {
	if bits.OnesCount64(options) == 1 && m.single&options == 0 {
		m.single |= options
		m.variable[bits.TrailingZeros64(options)] = variable
		return
	}
	m.shares = append(m.shares, markedShare{variable, options})
}

// share adds a variable of an unscored question, and returns the number of its base: variables
// of the same base are missing in the same people.
func (r *reading) share(s assess.Share, variable int) (base int, err error) {
	it := r.query.Questionnaire.Item(s.Item)
	if it == nil {
		return 0, fmt.Errorf("%w: the questionnaire has no item %q", surveys.ErrInvalid, s.Item)
	}
	options := offered(r.query.Questionnaire, it)
	several := it.Type == surveys.Multiple || it.Type == surveys.Ranking && !s.First
	if several && len(options) > wordBits {
		return 0, fmt.Errorf("%w: item %q has %d options, and a topic can look at %d of a question with several answers; leave it out of the topics", surveys.ErrInvalid, s.Item, len(options), wordBits)
	}
	takenOver := s.First && it.From != "" && it.Type != surveys.Ranking // a ranking has its own first
	if !several && !takenOver {
		return r.shareOfOne(it, options, s, variable), nil
	}
	of := r.question(it, options, several)
	base, fresh := r.baseOf(of.name, s)
	if fresh {
		of.bases = append(of.bases, base)
	}
	if several {
		if fresh {
			of.marked = append(of.marked, markedBase{base: base, excluding: mask(options, s.Without)})
		}
		of.marked[slices.IndexFunc(of.marked, func(m markedBase) bool { return m.base == base })].share(variable, mask(options, s.Options))
		return base, nil
	}
	if fresh {
		of.meanings[0].without = append(of.meanings[0].without, base)
	}
	for i, o := range options {
		m := &of.meanings[i+1]
		switch excluded := slices.Contains(s.Without, o); {
		case excluded && fresh:
			m.without = append(m.without, base)
		case !excluded && slices.Contains(s.Options, o):
			m.ones = append(m.ones, variable)
		}
	}
	return base, nil
}

// baseOf is the number of the base of a share, and whether it is a new one.
func (r *reading) baseOf(question string, s assess.Share) (base int, fresh bool) {
	name := question + "\x00" + strings.Join(s.Without, "\x00")
	if base = slices.Index(r.bases, name); base >= 0 {
		return base, false
	}
	r.bases = append(r.bases, name)
	return len(r.bases) - 1, true
}

// shareOfOne adds a variable of the only answer to a question, or of the first one: each answer
// means the same whatever else was answered.
func (r *reading) shareOfOne(it *surveys.Item, options []string, s assess.Share, variable int) int {
	name := "one\x00" + it.ID
	if s.First && it.Type == surveys.Ranking {
		name = "first\x00" + it.ID
	}
	base, fresh := r.baseOf(name, s)
	if fresh {
		r.held = append(r.held, heldBase{base, r.words.field(1)})
	}
	holds := r.held[slices.IndexFunc(r.held, func(h heldBase) bool { return h.base == base })].field
	for _, o := range options {
		if slices.Contains(s.Without, o) {
			continue
		}
		codes := []answerCode{code(it.ID, true, o)}
		if s.First && it.Type == surveys.Ranking {
			codes = append(codes, code(it.ID, false, o))
		}
		for _, c := range codes {
			if fresh {
				r.words.add(holds, c, 1)
			}
			if slices.Contains(s.Options, o) {
				r.makeOne(c, variable)
			}
		}
	}
	return base
}

// heldBase is a base of variables of one answer, with the bit that says that it holds.
type heldBase struct {
	base  int
	field field
}

// makeOne notes that an answer makes a variable 1.
func (r *reading) makeOne(c answerCode, variable int) {
	if r.ones == nil {
		r.ones = map[answerCode][]int{}
	}
	if !slices.Contains(r.ones[c], variable) {
		r.ones[c] = append(r.ones[c], variable)
	}
}

// question finds the question about an item, made when it is asked for the first time.
func (r *reading) question(it *surveys.Item, options []string, several bool) *question {
	if several {
		return r.keep(question{name: "several\x00" + it.ID, field: r.words.several(it.ID, options), several: true})
	}
	return r.keep(question{
		name: "from\x00" + it.ID, field: r.words.one(it.ID, options), otherwise: r.words.one(it.From, options),
		meanings: make([]meaning, len(options)+1),
	})
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
