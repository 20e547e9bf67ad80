package intake

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/surveys"
)

// The limits of a submission.
const (
	// MaxBody is the size of the largest submission, in bytes.
	MaxBody = 1 << 20
	// maxAnswers, maxValues and maxValue limit the items answered, the values of all
	// of them together, and the bytes of one value. A questionnaire can ask for no more:
	// its texts have up to 10,000 characters, of up to 4 bytes.
	maxAnswers = 2000
	maxValues  = 10_000
	maxValue   = 64 << 10
	// maxName limits the bytes of a wave, survey, version, case or item name.
	maxName = 128
	// maxOrders limits the orders shown, maxOrdered the IDs in all of them together.
	maxOrders  = 2000
	maxOrdered = 20_000
	// maxMillis is the longest time on a page: a year.
	maxMillis = 366 * 24 * 60 * 60 * 1000
)

// The times a store can hold begin and end here: ClickHouse's DateTime64 begins with
// 1900, and its client counts nanoseconds in an int64, which end in 2262.
var (
	firstTime = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	lastTime  = time.Date(2261, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
)

// parse reads the JSON of an interview more strictly than encoding/json does: every
// field exactly once and by its exact name, no others, valid UTF-8 without NUL,
// nothing behind it, and within the limits. Errors wrap surveys.ErrInvalid and
// never repeat what was submitted.
func parse(body []byte) (surveys.Interview, error) {
	p := &parser{b: string(body)}
	iv := p.interview()
	if p.fault == "" {
		if p.space(); p.i < len(p.b) {
			p.fail("something follows the interview")
		}
	}
	if p.fault != "" {
		return surveys.Interview{}, fmt.Errorf("submission, byte %d: %s: %w", p.at, p.fault, surveys.ErrInvalid)
	}
	if fault := implausible(iv); fault != "" {
		return surveys.Interview{}, fmt.Errorf("submission: %s: %w", fault, surveys.ErrInvalid)
	}
	return iv, nil
}

// implausible names what no store could keep of an interview.
func implausible(iv surveys.Interview) string {
	if _, ok := parseUUID(iv.ID); !ok {
		return `"id" is not a UUID`
	}
	switch iv.Mode {
	case surveys.ModeWeb, surveys.ModeTablet, surveys.ModePaper, surveys.ModeImport:
	default:
		return `"mode" is not web, tablet, paper or import`
	}
	for _, t := range []time.Time{iv.Started, iv.Finished} {
		if t.Before(firstTime) || t.After(lastTime) {
			return `"started" and "finished" must lie between 1900 and 2261`
		}
	}
	if iv.Last != "" && !iv.Partial {
		return `"last" is of partial interviews only`
	}
	if iv.Survey == "" || iv.Version == "" || iv.Wave == "" || iv.Lang == "" {
		return `"survey", "version", "wave" and "lang" must not be empty`
	}
	return ""
}

// parser reads JSON of one shape. After a fault it only returns zero values.
type parser struct {
	// b is the body; the strings that are read are pieces of it.
	b     string
	i     int
	fault string // the first one
	at    int    // where it is
	// room is where the values of answers are kept, many lists side by side.
	room []string
}

func (p *parser) fail(what string) {
	if p.fault == "" {
		p.fault, p.at = what, p.i
	}
}

// fields are the fields that an interview must have. It may have "case", "booklet",
// "partial", "last" and "paradata".
var fields = []string{"id", "revision", "survey", "version", "wave", "mode", "lang", "started", "finished", "answers"}

func (p *parser) interview() (iv surveys.Interview) {
	seen := map[string]bool{}
	p.object(func(name string) {
		if seen[name] {
			p.fail("a field stands there twice")
		}
		seen[name] = true
		p.field(&iv, name)
	})
	for _, f := range fields {
		if !seen[f] {
			p.fail(fmt.Sprintf("the field %q is missing", f))
		}
	}
	return iv
}

func (p *parser) field(iv *surveys.Interview, name string) {
	switch name {
	case "id":
		iv.ID = p.text(maxName)
	case "revision":
		iv.Revision = p.whole(`"revision"`)
	case "survey":
		iv.Survey = p.text(maxName)
	case "version":
		iv.Version = p.text(maxName)
	case "wave":
		iv.Wave = p.text(maxName)
	case "case":
		iv.Case = p.text(maxName)
	case "mode":
		iv.Mode = surveys.Mode(p.text(maxName))
	case "lang":
		iv.Lang = surveys.Lang(p.text(maxName))
	case "started":
		iv.Started = p.time()
	case "finished":
		iv.Finished = p.time()
	case "answers":
		iv.Answers = p.answers()
	case "booklet":
		iv.Booklet = p.text(maxName)
	case "partial":
		iv.Partial = p.boolean()
	case "last":
		iv.Last = p.text(maxName)
		if iv.Last != "" && !isKey(iv.Last) {
			p.fail(`"last" is not the name of an answer`)
		}
	case "paradata":
		iv.Paradata = p.paradata()
	default:
		p.fail("there is a field that an interview does not have")
	}
}

// object reads {…} and calls member after each name; member reads the value.
func (p *parser) object(member func(name string)) {
	if !p.expect('{', "an object") || p.accept('}') {
		return
	}
	for p.fault == "" {
		p.space()
		name := p.text(maxName)
		if !p.expect(':', "a colon") {
			return
		}
		member(name)
		if p.accept('}') || !p.expect(',', "a comma or the end of the object") {
			return
		}
	}
}

func (p *parser) answers() surveys.Answers {
	if p.null() {
		return surveys.Answers{}
	}
	answers := make(surveys.Answers, min(strings.Count(p.b[p.i:], "["), maxAnswers))
	values := 0
	p.object(func(item string) {
		_, twice := answers[item]
		switch {
		case !isKey(item):
			p.fail("an answer's name is not the ID of an item, nor one with # and a row from 1 to " + strconv.Itoa(surveys.MaxRows))
		case twice:
			p.fail("an item is answered twice")
		case len(answers) == maxAnswers:
			p.fail(fmt.Sprintf("more than %d items are answered", maxAnswers))
		default:
			answers[item] = p.values(&values)
		}
	})
	return answers
}

// isKey says whether s is the name of an answer: the ID of an item, and in a roster # and
// the row.
func isKey(s string) bool {
	item, row, inRow := strings.Cut(s, "#")
	if inRow {
		n, err := strconv.Atoi(row)
		if err != nil || n < 1 || n > surveys.MaxRows || strconv.Itoa(n) != row {
			return false
		}
	}
	return isItemID(item)
}

// paradata reads how the interview went.
func (p *parser) paradata() (pd surveys.Paradata) {
	seen := map[string]bool{}
	p.object(func(name string) {
		if seen[name] {
			p.fail("a field of the paradata stands there twice")
		}
		seen[name] = true
		switch name {
		case "seed":
			pd.Seed = p.whole(`"seed"`)
		case "orders":
			pd.Orders = p.orders()
		case "millis":
			pd.Millis = p.millis()
		case "kept":
			n := 0
			pd.Kept = p.names(&n)
		default:
			p.fail("there is a field that paradata do not have")
		}
	})
	return pd
}

// orders reads the orders shown, by item or section.
func (p *parser) orders() map[string][]string {
	orders, total := map[string][]string{}, 0
	p.object(func(name string) {
		_, twice := orders[name]
		switch {
		case twice:
			p.fail("an order stands there twice")
		case len(orders) == maxOrders:
			p.fail(fmt.Sprintf("there are more than %d orders", maxOrders))
		default:
			orders[name] = p.names(&total)
		}
	})
	return orders
}

// names reads a list of names; total counts those of all lists.
func (p *parser) names(total *int) []string {
	list := []string{}
	if !p.expect('[', "a list of names") || p.accept(']') {
		return list
	}
	for p.fault == "" {
		if *total++; *total > maxOrdered {
			p.fail(fmt.Sprintf("there are more than %d names", maxOrdered))
			break
		}
		list = append(list, p.text(maxName))
		if p.accept(']') || !p.expect(',', "a comma or the end of the list") {
			break
		}
	}
	return list
}

// millis reads times by page.
func (p *parser) millis() map[string]int64 {
	times := map[string]int64{}
	p.object(func(page string) {
		_, twice := times[page]
		switch {
		case !isKey(page):
			p.fail("a time is not that of a page")
		case twice:
			p.fail("a page has two times")
		case len(times) == maxAnswers:
			p.fail(fmt.Sprintf("there are times of more than %d pages", maxAnswers))
		default:
			if times[page] = p.digits(maxMillis); times[page] < 0 {
				p.fail(fmt.Sprintf("a time is not a whole number of milliseconds up to %d", int64(maxMillis)))
			}
		}
	})
	return times
}

// isItemID says whether s is a letter, then letters, digits and underscores.
func isItemID(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}

// values reads the list of an item's values. JSON null is an empty list, as Go
// programs write it.
func (p *parser) values(total *int) []string {
	if p.null() || !p.expect('[', "a list of values") || p.accept(']') {
		return []string{}
	}
	if cap(p.room)-len(p.room) < fewValues {
		p.room = make([]string, 0, roomValues)
	}
	start := len(p.room)
	for p.fault == "" {
		if *total++; *total > maxValues {
			p.fail(fmt.Sprintf("there are more than %d values", maxValues))
			break
		}
		p.room = append(p.room, p.text(maxValue))
		if p.accept(']') || !p.expect(',', "a comma or the end of the list") {
			break
		}
	}
	return p.room[start:len(p.room):len(p.room)]
}

// Values are kept in pieces of roomValues; a list begins another piece when there is not
// even room for fewValues.
const fewValues, roomValues = 8, 128

// whole reads a whole number of 32 bits; name is for its fault.
func (p *parser) whole(name string) uint32 {
	n := p.digits(math.MaxUint32)
	if n < 0 {
		p.fail(name + " is not a whole number from 0 to 4294967295")
		return 0
	}
	return uint32(n)
}

// digits reads a whole number from 0 to most; -1 when there is none.
func (p *parser) digits(most int64) int64 {
	p.space()
	start := p.i
	for p.i < len(p.b) && p.b[p.i] >= '0' && p.b[p.i] <= '9' {
		p.i++
	}
	digits := p.b[start:p.i]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > most || len(digits) > 1 && digits[0] == '0' {
		return -1
	}
	return n
}

func (p *parser) boolean() bool {
	p.space()
	for _, word := range []string{"true", "false"} {
		if strings.HasPrefix(p.b[p.i:], word) {
			p.i += len(word)
			return word == "true"
		}
	}
	p.fail(`"partial" is neither true nor false`)
	return false
}

func (p *parser) time() time.Time {
	s := p.text(maxName)
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		p.fail("a time is not written as in 2026-05-01T09:30:00Z")
	}
	return t
}

func (p *parser) null() bool {
	p.space()
	if len(p.b)-p.i >= 4 && p.b[p.i:p.i+4] == "null" {
		p.i += 4
		return true
	}
	return false
}

func (p *parser) space() {
	for p.i < len(p.b) && (p.b[p.i] == ' ' || p.b[p.i] == '\t' || p.b[p.i] == '\n' || p.b[p.i] == '\r') {
		p.i++
	}
}

// accept takes c if it comes next.
func (p *parser) accept(c byte) bool {
	p.space()
	if p.fault == "" && p.i < len(p.b) && p.b[p.i] == c {
		p.i++
		return true
	}
	return false
}

// expect takes c or fails.
func (p *parser) expect(c byte, what string) bool {
	if p.accept(c) {
		return true
	}
	p.fail("expected " + what)
	return false
}

// text reads a string of at most limit bytes.
func (p *parser) text(limit int) string {
	if !p.expect('"', "a string") {
		return ""
	}
	start := p.i
	for p.i < len(p.b) && p.b[p.i] != '"' && p.b[p.i] != '\\' && p.b[p.i] >= 0x20 {
		p.i++
	}
	s := p.b[start:p.i]
	if p.i < len(p.b) && p.b[p.i] == '\\' {
		s = string(p.escaped([]byte(s), limit))
	}
	switch {
	case p.fault != "":
		return ""
	case p.i == len(p.b) || p.b[p.i] != '"':
		p.fail("a string does not end, or holds a control character")
	case len(s) > limit:
		p.fail(fmt.Sprintf("a string is longer than %d bytes", limit))
	case !utf8.ValidString(s):
		p.fail("a string is not valid UTF-8")
	}
	p.i++
	return s
}

// escaped reads on from the first backslash of a string to its end.
func (p *parser) escaped(s []byte, limit int) []byte {
	for p.fault == "" && p.i < len(p.b) && p.b[p.i] != '"' && p.b[p.i] >= 0x20 && len(s) <= limit {
		if p.b[p.i] != '\\' {
			s = append(s, p.b[p.i])
			p.i++
			continue
		}
		s = p.escape(s)
	}
	if len(s) > limit {
		p.fail(fmt.Sprintf("a string is longer than %d bytes", limit))
	}
	return s
}

// escape reads one escape sequence.
func (p *parser) escape(s []byte) []byte {
	const letters, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if p.i+1 < len(p.b) {
		for k := range len(letters) {
			if p.b[p.i+1] == letters[k] {
				p.i += 2
				return append(s, meanings[k])
			}
		}
	}
	r := p.hex()
	if utf16.IsSurrogate(r) {
		if r = utf16.DecodeRune(r, p.hex()); r == utf8.RuneError {
			p.fail("an escape is half a character")
		}
	}
	if r == 0 {
		p.fail("a string holds NUL")
	}
	return utf8.AppendRune(s, r)
}

// hex reads \uXXXX.
func (p *parser) hex() rune {
	if p.fault != "" || len(p.b)-p.i < 6 || p.b[p.i] != '\\' || p.b[p.i+1] != 'u' {
		p.fail("there is an escape that JSON does not have")
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(p.b[p.i+2:p.i+6], 16, 16)
	if err != nil {
		p.fail("there is an escape that JSON does not have")
	}
	p.i += 6
	return rune(n)
}
