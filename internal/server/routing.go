package server

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"text/scanner"

	"github.com/suyang-survey/suyang/surveys"
)

// routing says in words when something on paper is to be answered. It knows the
// comparisons that forms are made of; paper shows any other expression as it is.
type routing struct {
	// question returns the number of an item on paper, and the item; nil when it is not there.
	question func(id string) (string, *surveys.Item)
	// option says an option of an item by its code.
	option func(item *surveys.Item, code string) string
	// calculated returns an item that is calculated, and its text; nil for others.
	calculated func(id string) (item *surveys.Item, text string)
	say        func(key string, pairs ...any) (string, error)
	tokens     []string
	// local stands for the answers to the item of that ID, one after the other.
	local, of string
	inside    bool // in the expression of a calculated item
}

// errRouting means that an expression has no words here.
var errRouting = errors.New("an expression without words")

// comparisons are the operators between an answer and a number, by the key of their words.
var comparisons = map[string]string{
	"==": "equal", "!=": "unequal", "<": "less", "<=": "at-most", ">": "more", ">=": "at-least",
}

// words turns an expression into words.
func (r routing) words(source string) (string, error) {
	var err error
	if r.tokens, err = tokensOf(source); err != nil {
		return "", err
	}
	text, err := r.any()
	if err == nil && len(r.tokens) > 0 {
		err = errRouting
	}
	return text, err
}

// tokensOf cuts an expression into words, numbers, strings and operators.
func tokensOf(source string) (tokens []string, err error) {
	var s scanner.Scanner
	s.Init(strings.NewReader(source))
	s.Mode = scanner.ScanIdents | scanner.ScanInts | scanner.ScanFloats | scanner.ScanStrings
	s.Error = func(*scanner.Scanner, string) { err = errRouting }
	for t := s.Scan(); t != scanner.EOF; t = s.Scan() {
		text := s.TokenText()
		if next := string(s.Peek()); strings.Contains("&& || == != <= >=", text+next) && strings.Contains("&|=", next) && t < 0x80 && strings.Contains("&|=!<>", text) {
			s.Next()
			text += next
		}
		tokens = append(tokens, text)
	}
	return tokens, err
}

// take takes a token if it is the next one.
func (r *routing) take(token string) bool {
	if len(r.tokens) == 0 || r.tokens[0] != token {
		return false
	}
	r.tokens = r.tokens[1:]
	return true
}

// next takes whatever is next.
func (r *routing) next() string {
	if len(r.tokens) == 0 {
		return ""
	}
	defer func() { r.tokens = r.tokens[1:] }()
	return r.tokens[0]
}

func (r *routing) any() (string, error) { return r.join("||", "paper.or", r.all) }

func (r *routing) all() (string, error) { return r.join("&&", "paper.and", r.one) }

// join says what stands between the operators of one kind.
func (r *routing) join(operator, key string, part func() (string, error)) (string, error) {
	text, err := part()
	if err != nil {
		return "", err
	}
	parts := []string{text}
	for r.take(operator) {
		if text, err = part(); err != nil {
			return "", err
		}
		parts = append(parts, text)
	}
	between, err := r.say(key)
	return strings.Join(parts, between), err
}

// one is a comparison, something in parentheses, its opposite, or what is calculated.
func (r *routing) one() (string, error) {
	if r.take("!") {
		if r.take("(") && len(r.tokens) > 3 && r.tokens[1] == "in" && r.tokens[3] == ")" {
			text, err := r.compare("paper.not-chosen", "")
			r.take(")")
			return text, err
		}
		return "", errRouting
	}
	if r.take("(") {
		text, err := r.any()
		if err == nil && !r.take(")") {
			err = errRouting
		}
		if err != nil {
			return "", err
		}
		return r.say("paper.group", "x", text)
	}
	if text, ok := r.truth(); ok {
		return r.say("paper.group", "x", text)
	}
	return r.compare("paper.chosen", "paper.answered")
}

// truth is a calculated item that is itself true or false, in the words of its expression.
func (r *routing) truth() (string, bool) {
	if len(r.tokens) == 0 || len(r.tokens) > 1 && !slices.Contains([]string{"&&", "||", ")"}, r.tokens[1]) {
		return "", false
	}
	inner, ok := r.expression(r.tokens[0])
	if !ok {
		return "", false
	}
	text, err := inner.any()
	if err != nil || len(inner.tokens) > 0 {
		return "", false
	}
	r.next()
	return text, true
}

// expression is the expression of a calculated item. Within it others have no words, so
// that a line on paper does not grow without end.
func (r *routing) expression(id string) (inner routing, ok bool) {
	item, _ := r.calculated(id)
	if item == nil || r.inside {
		return inner, false
	}
	inner = *r
	inner.inside, inner.local, inner.of = true, "", ""
	tokens, err := tokensOf(item.Calculate)
	inner.tokens = tokens
	return inner, err == nil
}

// quantity is a number that is compared: how many options were chosen in a question, n;
// or another thing, what, in words. Nothing is taken when it is neither.
func (r *routing) quantity() (n, what string, err error) {
	if r.take("size") {
		return r.size()
	}
	if len(r.tokens) == 0 {
		return "", "", nil
	}
	item, text := r.calculated(r.tokens[0])
	if item == nil {
		return "", "", nil
	}
	if text != "" {
		r.next()
		what, err = r.say("paper.called", "x", text)
		return "", what, err
	}
	inner, ok := r.expression(r.next())
	if !ok {
		return "", "", errRouting
	}
	n, what, err = inner.quantity()
	if err == nil && (n+what == "" || len(inner.tokens) > 0) {
		err = errRouting
	}
	return n, what, err
}

// size is what stands behind the word size: the options of a choice, or the rows of a
// roster for which something holds.
func (r *routing) size() (n, what string, err error) {
	if !r.take("(") {
		return "", "", errRouting
	}
	id := r.next()
	n, item := r.question(id)
	if item == nil {
		return "", "", errRouting
	}
	if r.take(")") {
		if item.Type != surveys.Multiple && item.Type != surveys.Ranking {
			err = errRouting
		}
		return n, "", err
	}
	if !r.take(".") || !r.take("filter") || !r.take("(") || r.local != "" {
		return "", "", errRouting
	}
	r.local, r.of = r.next(), id
	defer func() { r.local, r.of = "", "" }()
	if !r.take(",") {
		return "", "", errRouting
	}
	text, err := r.any()
	if err != nil || !r.take(")") || !r.take(")") {
		return "", "", errRouting
	}
	what, err = r.say("paper.people", "x", text)
	return "", what, err
}

// measured says how a quantity compares with a number.
func (r *routing) measured(n, what string) (string, error) {
	key, value := comparisons[r.next()], r.next()
	if _, err := strconv.ParseFloat(value, 64); err != nil || key == "" {
		return "", errRouting
	}
	if n != "" {
		return r.say("paper.options-"+key, "n", n, "value", value)
	}
	return r.say("paper.value-"+key, "x", what, "value", value)
}

// compare is: item == "code", item >= 18, size(item) > 1, "code" in item, or has(a.item).
func (r *routing) compare(in, has string) (string, error) {
	if n, what, err := r.quantity(); err != nil || n+what != "" {
		if err != nil {
			return "", err
		}
		return r.measured(n, what)
	}
	left := r.next()
	if left == "has" && has != "" && r.take("(") && r.take("a") && r.take(".") {
		n, item := r.question(r.next())
		if item == nil || !r.take(")") {
			return "", errRouting
		}
		return r.say(has, "n", n)
	}
	if left == "a" && r.take(".") {
		left = r.next()
	}
	operator, right := r.next(), r.next()
	if operator == "in" {
		left, right = right, left
	}
	if r.local != "" && left == r.local {
		left = r.of
	}
	n, item := r.question(left)
	if item == nil {
		return "", errRouting
	}
	if code, err := strconv.Unquote(right); err == nil {
		option := r.option(item, code)
		key := map[string]string{"in": in, "==": "paper.is", "!=": "paper.is-not"}[operator]
		if key == "" || option == "" {
			return "", errRouting
		}
		return r.say(key, "n", n, "option", option)
	}
	if _, err := strconv.ParseFloat(right, 64); err != nil || comparisons[operator] == "" {
		return "", errRouting
	}
	return r.say("paper."+comparisons[operator], "n", n, "value", right)
}
