package clickhouse

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
	"github.com/suyang-survey/suyang/surveys/score"
)

// choice is the code of one of several answers.
func choice(item, answer string) answerCode { return answerCode{item, answer, anyOfSeveral} }

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
			ws.choose(f, choice(item, o), 1<<i)
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

// column says where a condition finds the answer to an item.
func (ws *words) column(q *surveys.Questionnaire, id string) (expr.Column, bool) {
	it := q.Item(id)
	if it == nil {
		return expr.Column{}, false
	}
	options := offered(q, it)
	var informative []string
	quoted := []string{"''"}
	for _, o := range options {
		if surveys.Reserved(o) { // it means that there is no answer
			quoted = append(quoted, "''")
			continue
		}
		informative, quoted = append(informative, o), append(quoted, score.Quote(o))
	}
	texts := "[" + strings.Join(quoted, ", ") + "]"
	switch {
	case it.Type == surveys.Number:
		digit, key := ws.digit(id).value(), score.Quote(id)
		x := fmt.Sprintf("multiIf(%[1]s > 0, toFloat64(%[1]s) - 1, mapContains(numbers, %[2]s) AND isFinite(numbers[%[2]s]), numbers[%[2]s], NULL)", digit, key)
		if it.Decimals == 0 {
			x = fmt.Sprintf("if(abs(%[1]s) < %[2]d, accurateCastOrNull(%[1]s, 'Int64'), NULL)", x, assess.MaxWhole)
		}
		return expr.Column{Key: id, Value: x}, true
	case it.Type.OneOf():
		return expr.Column{Key: id, Value: fmt.Sprintf("nullIf(%s[%s + 1], '')", texts, ws.one(id, options).value())}, true
	}
	return expr.Column{Key: id, Value: fmt.Sprintf("arrayMap(i -> %s[i + 2], bitPositionsToArray(bitAnd(%s, %d)))", texts, ws.several(id, options).value(), mask(options, informative))}, true
}

// conditional returns the index of the level whose condition holds first, as package assess
// finds it: -1 when none does, or one before it cannot be told.
func (ws *words) conditional(f assess.Factor, q *surveys.Questionnaire) (string, error) {
	conditions, err := f.Conditions(q)
	if err != nil {
		return "", err
	}
	var branches []string
	for i, p := range conditions {
		sql, err := expr.SQL(p, score.Quote, func(name string) (expr.Column, bool) { return ws.column(q, name) })
		if err != nil {
			return "", fmt.Errorf("%w: factor %q, level %q: %w", surveys.ErrInvalid, f.ID, f.Levels[i].Code, err)
		}
		branches = append(branches, "isNull("+sql+")", "-1", sql, strconv.Itoa(i))
	}
	return "toInt32(multiIf(" + strings.Join(branches, ", ") + ", -1))", nil
}

// share composes a variable of an unscored question over the words and the column scored.
func (ws *words) share(s assess.Share, q *surveys.Questionnaire) (variable, error) {
	v := variable{name: s.Name, binary: true, positive: extent{1, 1}}
	it := q.Item(s.Item)
	if it == nil {
		return v, fmt.Errorf("%w: the questionnaire has no item %q", surveys.ErrInvalid, s.Item)
	}
	options := offered(q, it)
	if it.Type == surveys.Multiple || it.Type == surveys.Ranking && !s.First {
		given := ws.several(it.ID, options).value()
		of := func(list []string) string { return fmt.Sprintf("bitAnd(%s, %d) != 0", given, mask(options, list)) }
		v.within = "scored AND " + given + " != 0"
		if len(s.Without) > 0 {
			v.within += " AND NOT (" + of(s.Without) + ")"
		}
		v.value = of(s.Options)
		return v, nil
	}
	given := ws.one(it.ID, options).value()
	switch {
	case it.Type == surveys.Ranking:
		given = ws.first(it.ID, options).value()
	case s.First && it.From != "":
		given = fmt.Sprintf("if(%[1]s > 0, %[1]s, %[2]s)", given, ws.one(it.From, options).value())
	}
	v.within = "scored AND " + given + " != 0"
	if len(s.Without) > 0 {
		v.within += " AND " + given + " NOT IN (" + placesOf(options, s.Without) + ")"
	}
	v.value = given + " IN (" + placesOf(options, s.Options) + ")"
	return v, nil
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

// placesOf lists the places, from 1, of the options in a list; one that nothing has when
// there are none.
func placesOf(options, list []string) string {
	var places []string
	for i, o := range options {
		if slices.Contains(list, o) {
			places = append(places, strconv.Itoa(i+1))
		}
	}
	if len(places) == 0 {
		return "-1"
	}
	return strings.Join(places, ", ")
}
