package form

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// MaxDigits is how many digits a number may have: as many as a double keeps exactly.
const MaxDigits = 15

// normal returns values in normal form, as a new slice. Applied twice it changes
// nothing more.
func (it *item) normal(values []string) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		if it.def.Type == surveys.LongText {
			v = strings.ReplaceAll(strings.ReplaceAll(v, "\r\n", "\n"), "\r", "\n")
		}
		if v = strings.TrimFunc(cut(v, it.def.Type), unseen); v != "" {
			out = append(out, v)
		}
	}
	switch it.def.Type {
	case surveys.Number, surveys.Roster:
		for i, v := range out {
			out[i] = normalNumber(v)
		}
	case surveys.Multiple:
		if it.from < 0 {
			out = inOrder(out, it.place)
		}
	case surveys.Date:
		out = normalDate(out)
	case surveys.Region:
		out = it.normalDivision(out)
	}
	return out
}

// plain reports whether values are in normal form at the first sight, as nearly all answers
// are: the code of one option.
func (it *item) plain(values []string) bool {
	if it.def.Type != surveys.Single && it.def.Type != surveys.Likert || len(values) != 1 {
		return false
	}
	code := values[0]
	for i := range len(code) {
		if code[i] <= ' ' || code[i] > '~' {
			return false
		}
	}
	return code != "" && len(code) <= longestOther
}

// The longest answers that are kept, in bytes, to be shown again although they are wrong:
// of texts beyond any max_length, and of everything else, where a right one is short.
const (
	longestText  = 4*10_000 + 4
	longestOther = 200
)

func cut(v string, t surveys.ItemType) string {
	most := longestOther
	if t == surveys.ShortText || t == surveys.LongText {
		most = longestText
	}
	if len(v) <= most {
		return v
	}
	return strings.ToValidUTF8(v[:most], "")
}

// unseen reports blanks and characters that nobody sees, such as a zero-width space or
// marks of direction: an answer of them alone is none.
func unseen(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || r == '\u115F' || r == '\u1160' || r == '\u3164' || r == '\uFFA0'
}

// place is where an option stands in the list; what is no option comes last.
func (it *item) place(code string) int {
	if i, ok := it.options[code]; ok {
		return i
	}
	return len(it.options)
}

// inOrder sorts chosen options by their places, each once.
func inOrder(codes []string, place func(string) int) []string {
	slices.SortStableFunc(codes, func(a, b string) int {
		if d := place(a) - place(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(codes)
}

// inOrderOf is the normal form of a choice whose options are offered from elsewhere:
// those come first, in their order there.
func (s *Session) inOrderOf(i int, codes []string) []string {
	it := &s.f.items[i]
	if it.def.Type != surveys.Multiple {
		return codes
	}
	return inOrder(codes, func(code string) int {
		place := 0
		for at := it.from; at >= 0; at = s.f.items[at].from {
			if n, ok := s.f.items[at].options[code]; ok && goesOn(s.f.items[at].def.Options[n]) {
				return place + n
			}
			place += len(s.f.items[at].options)
		}
		return place + it.place(code)
	})
}

// longestDate is the length, in bytes, beyond which nothing is a day, with room for wide
// digits and blanks.
const longestDate = 100

// dateSigns stand between year, month and day.
const dateSigns = "-/.年月／．－"

// normalDate writes a day as YYYY-MM-DD, from one value or from three: the year, the
// month and the day. What is no such thing stays as it is.
func normalDate(values []string) []string {
	if len(values) != 1 && len(values) != 3 {
		return values
	}
	written := strings.Join(values, "-")
	if len(written) > longestDate {
		return values
	}
	written = strings.TrimSuffix(strings.TrimSpace(asciiNumber.Replace(written)), "日")
	if !strings.ContainsAny(written, dateSigns) {
		written = strings.Join(strings.Fields(written), "-")
	}
	parts := strings.FieldsFunc(written, func(r rune) bool { return strings.ContainsRune(dateSigns, r) })
	if len(parts) != 3 || utf8.RuneCountInString(written)-utf8.RuneCountInString(strings.Join(parts, "")) != 2 {
		return values // not three with one sign after each
	}
	for i := range parts {
		if parts[i] = strings.TrimSpace(parts[i]); parts[i] == "" || strings.Trim(parts[i], "0123456789") != "" {
			return values
		}
	}
	if len(parts[0]) != 4 || len(parts[1]) > 2 || len(parts[2]) > 2 {
		return values
	}
	two := func(s string) string { return strings.Repeat("0", 2-len(s)) + s }
	return []string{parts[0] + "-" + two(parts[1]) + "-" + two(parts[2])}
}

// normalDivision keeps of the codes chosen level by level the deepest that lies in those
// before it: where a higher one was changed, the lower ones that do not fit fall away. "dk" and
// "refused" stay, and so does what is no code of the list.
func (it *item) normalDivision(values []string) []string {
	if it.list == nil || len(values) == 0 {
		return values
	}
	if len(values) > 1 && slices.ContainsFunc(values, surveys.Reserved) {
		return values
	}
	deepest := ""
	for _, v := range values {
		code := geo.Short(v)
		if _, ok := it.list.Get(code); !ok {
			if len(values) == 1 {
				return values
			}
			continue
		}
		if geo.Within(code, deepest) {
			deepest = code
		}
	}
	if deepest == "" {
		return values[len(values)-1:]
	}
	return []string{deepest}
}

// asciiNumber turns the full-width characters of a Chinese keyboard into those of a number.
var asciiNumber = strings.NewReplacer("０", "0", "１", "1", "２", "2", "３", "3", "４", "4",
	"５", "5", "６", "6", "７", "7", "８", "8", "９", "9", "．", ".", "－", "-", "−", "-", "＋", "+")

// normalNumber writes a decimal number in one way: no plus sign, no needless zeros,
// no bare point. What is no number stays as it is.
func normalNumber(s string) string {
	ascii := asciiNumber.Replace(s)
	negative := strings.HasPrefix(ascii, "-")
	digits := ascii
	if negative || strings.HasPrefix(ascii, "+") {
		digits = ascii[1:]
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole+fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return s
	}
	whole = strings.TrimLeft(whole, "0")
	fraction = strings.TrimRight(fraction, "0")
	if whole == "" {
		whole = "0"
	}
	out := whole
	if fraction != "" {
		out += "." + fraction
	}
	if negative && out != "0" {
		out = "-" + out
	}
	return out
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// reading is what an answer in normal form means: its value in expressions, which
// is no value when it was left blank or stands for none, or what is wrong with it.
type reading struct {
	value expr.Value
	code  Code // "" when nothing is wrong
	limit int
}

// read reads an answer in normal form.
func (it *item) read(values []string) reading {
	switch {
	case len(values) == 0:
		return reading{}
	case it.from >= 0:
		return reading{} // known only with the other answers, see Session.readFrom
	case it.def.Type == surveys.Multiple:
		return it.readMultiple(values, choosable(it.def.Options), it.own)
	case it.def.Type == surveys.Ranking:
		return it.readRanking(values, choosable(it.def.Options), it.own)
	case len(values) > 1 && it.def.Type == surveys.Date && !slices.ContainsFunc(values, surveys.Reserved):
		return reading{code: NotADate} // a day without its month
	case len(values) > 1:
		return reading{code: SeveralValues}
	}
	return it.readOne(values[0], it.own)
}

// own returns the item's own option with a code.
func (it *item) own(code string) (surveys.Option, bool) {
	i, ok := it.options[code]
	if !ok {
		return surveys.Option{}, false
	}
	return it.def.Options[i], true
}

// readFrom reads an answer of an item whose options were chosen elsewhere.
func (s *Session) readFrom(i, row int) reading {
	it, values := &s.f.items[i], s.slots[s.f.items[i].slot+row].values
	if len(values) == 0 {
		return reading{}
	}
	offered := s.offered(i, row)
	index := make(map[string]int, len(offered))
	for n, o := range offered {
		index[o.Code] = n
	}
	find := func(code string) (surveys.Option, bool) {
		n, ok := index[code]
		if !ok {
			return surveys.Option{}, false
		}
		return offered[n], true
	}
	switch {
	case it.def.Type == surveys.Multiple:
		return it.readMultiple(values, choosable(offered), find)
	case it.def.Type == surveys.Ranking:
		return it.readRanking(values, choosable(offered), find)
	case len(values) > 1:
		return reading{code: SeveralValues}
	}
	return it.readOne(values[0], find)
}

// offers reports whether an item whose options are chosen elsewhere has anything to choose
// from but "don't know" and "refused".
func (s *Session) offers(i, row int) bool {
	return slices.ContainsFunc(s.f.items[i].def.Options, func(o surveys.Option) bool { return !surveys.Reserved(o.Code) }) ||
		len(s.handedOn(i, row)) > 0
}

// offered are the options of an item as they stand in the questionnaire: those chosen
// elsewhere that are no "none of these", then its own.
func (s *Session) offered(i, row int) []surveys.Option {
	it := &s.f.items[i]
	if it.from < 0 {
		return it.def.Options
	}
	return append(s.handedOn(i, row), it.def.Options...)
}

// handedOn are the options of an item that were chosen elsewhere.
func (s *Session) handedOn(i, row int) (options []surveys.Option) {
	from := s.f.items[i].from
	source := &s.f.items[from]
	if source.roster < 0 {
		row = 0
	}
	p := &s.slots[source.slot+row]
	if !p.relevant || p.value.Type() == 0 {
		return nil
	}
	for _, code := range p.values {
		if o, ok := s.f.option(from, code); ok && goesOn(o) {
			options = append(options, o)
		}
	}
	return options
}

// goesOn reports whether an option, once chosen, is offered by the items that say so.
func goesOn(o surveys.Option) bool { return !o.Exclusive && !surveys.Reserved(o.Code) }

func (it *item) readOne(v string, option func(string) (surveys.Option, bool)) reading {
	switch it.def.Type {
	case surveys.Single, surveys.Likert:
		if _, ok := option(v); !ok {
			return reading{code: NotAnOption}
		}
		return reading{value: expr.StringValue(v)}
	}
	if _, ok := option(v); ok {
		return reading{} // "don't know" and "refused" are no number, no day, no text
	}
	switch it.def.Type {
	case surveys.Number:
		return it.readNumber(v)
	case surveys.Roster:
		return it.readRows(v)
	case surveys.Date:
		return readDate(v)
	case surveys.Region:
		return it.readDivision(v)
	}
	return it.readText(v)
}

func (it *item) readMultiple(values []string, offered int, option func(string) (surveys.Option, bool)) reading {
	least := min(it.def.Least, offered)
	alone := false
	for _, v := range values {
		o, ok := option(v)
		if !ok {
			return reading{code: NotAnOption}
		}
		alone = alone || o.Exclusive || surveys.Reserved(v)
	}
	switch n := len(values); {
	case alone && n > 1:
		return reading{code: Exclusive}
	case alone:
	case n < least:
		return reading{code: TooFew, limit: least}
	case it.def.Most > 0 && n > it.def.Most:
		return reading{code: TooMany, limit: it.def.Most}
	}
	return reading{value: expr.StringsValue(values)}
}

// choosable is how many options can be chosen together.
func choosable(options []surveys.Option) (n int) {
	for _, o := range options {
		if !o.Exclusive && !surveys.Reserved(o.Code) {
			n++
		}
	}
	return n
}

// readRanking reads options in the order of preference, of which offered can be ranked:
// as many as Most says, or all, unless Least says that fewer will do.
func (it *item) readRanking(values []string, offered int, option func(string) (surveys.Option, bool)) reading {
	seen := map[string]bool{}
	for _, v := range values {
		o, ok := option(v)
		switch {
		case !ok:
			return reading{code: NotAnOption}
		case seen[v]:
			return reading{code: Twice}
		case (o.Exclusive || surveys.Reserved(v)) && len(values) > 1:
			return reading{code: Exclusive}
		case o.Exclusive || surveys.Reserved(v):
			return reading{value: expr.StringsValue(values)}
		}
		seen[v] = true
	}
	most := it.def.Most
	if most == 0 || most > offered {
		most = offered
	}
	least := it.def.Least
	if least == 0 || least > most {
		least = most
	}
	switch n := len(values); {
	case n < least:
		return reading{code: TooFew, limit: least}
	case n > most:
		return reading{code: TooMany, limit: most}
	}
	return reading{value: expr.StringsValue(values)}
}

// readRows reads the number of rows of a roster.
func (it *item) readRows(s string) reading {
	r := it.readNumber(s)
	if r.code != "" {
		return r
	}
	switch n := r.value.Int(); {
	case n < int64(it.def.Least):
		return reading{code: TooFew, limit: it.def.Least}
	case n > int64(rowsOf(it.def)):
		return reading{code: TooMany, limit: rowsOf(it.def)}
	}
	return r
}

// firstDate is the first day that can be an answer: before it lies a slip of the hand.
const firstDate = "1800-01-01"

func readDate(s string) reading {
	if len(s) != len(time.DateOnly) || s < firstDate {
		return reading{code: NotADate}
	}
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return reading{code: NotADate}
	}
	return reading{value: expr.StringValue(s)}
}

// readDivision reads a code, which must be in the list, lie where the item says and be
// deep enough. A division without parts is as deep as it gets.
func (it *item) readDivision(s string) reading {
	d := it.def.Division
	if _, ok := it.list.Get(s); !ok || !geo.Within(s, geo.Short(d.Within)) || s == geo.Short(d.Within) {
		return reading{code: NotADivision}
	}
	if !geo.LevelOf(s).Reaches(geo.Level(d.Level)) && len(it.list.Parts(s)) > 0 {
		return reading{code: Unfinished}
	}
	if geo.Level(d.Level) != geo.LevelOf(s) && geo.LevelOf(s).Reaches(geo.Level(d.Level)) && !it.shortest(s) {
		return reading{code: NotADivision}
	}
	return reading{value: expr.StringValue(s)}
}

// shortest reports whether no division between the level asked for and this one holds it:
// the town of a city without counties stands for the county that is asked for.
func (it *item) shortest(code string) bool {
	parent := it.list.Parent(code)
	return parent == "" || !geo.LevelOf(parent).Reaches(geo.Level(it.def.Division.Level))
}

func (it *item) readNumber(s string) reading {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if !allDigits(whole + fraction) {
		return reading{code: NotANumber}
	}
	switch {
	case len(whole)+len(fraction) > MaxDigits:
		return reading{code: TooLong, limit: MaxDigits}
	case len(fraction) > it.def.Decimals:
		return reading{code: TooManyDecimals, limit: it.def.Decimals}
	case it.typ == expr.Double:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return reading{code: NotANumber}
		}
		return reading{value: expr.DoubleValue(f)}
	}
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return reading{code: NotANumber}
	}
	return reading{value: expr.IntValue(i)}
}

func (it *item) readText(s string) reading {
	limit := it.def.MaxLength
	long := it.def.Type == surveys.LongText
	switch {
	case limit == 0 && long:
		limit = surveys.DefaultMaxLongText
	case limit == 0:
		limit = surveys.DefaultMaxLength
	}
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return notText(r) && !(long && r == '\n') }):
		return reading{code: ControlCharacters}
	case utf8.RuneCountInString(s) > limit:
		return reading{code: TooLong, limit: limit}
	}
	return reading{value: expr.StringValue(s)}
}

// notText reports control characters, line and paragraph separators, and the marks
// that turn the direction of writing and so can hide what a text says.
func notText(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' ||
		r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069'
}
