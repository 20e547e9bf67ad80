package form

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// MaxDigits is how many digits a number may have: as many as a double keeps exactly.
const MaxDigits = 15

// normal returns values in normal form, as a new slice. Applied twice it changes
// nothing more.
func (it *item) normal(values []string) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	switch it.def.Type {
	case surveys.Number:
		for i, v := range out {
			out[i] = normalNumber(v)
		}
	case surveys.Multiple:
		out = it.inOrder(out)
	}
	return out
}

// inOrder sorts chosen options as the questionnaire lists them, each once; what is
// no option comes last.
func (it *item) inOrder(codes []string) []string {
	place := func(code string) int {
		if i, ok := it.options[code]; ok {
			return i
		}
		return len(it.options)
	}
	slices.SortStableFunc(codes, func(a, b string) int {
		if d := place(a) - place(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(codes)
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
	case it.def.Type == surveys.Multiple:
		return it.readMultiple(values)
	case len(values) > 1:
		return reading{code: SeveralValues}
	}
	switch it.def.Type {
	case surveys.Single:
		if _, ok := it.options[values[0]]; !ok {
			return reading{code: NotAnOption}
		}
		return reading{value: expr.StringValue(values[0])}
	case surveys.Number:
		return it.readNumber(values[0])
	}
	return it.readText(values[0])
}

func (it *item) readMultiple(values []string) reading {
	for _, v := range values {
		i, ok := it.options[v]
		if !ok {
			return reading{code: NotAnOption}
		}
		if len(values) > 1 && (it.def.Options[i].Exclusive || reserved(v)) {
			return reading{code: Exclusive}
		}
	}
	return reading{value: expr.StringsValue(values)}
}

// reserved reports whether a code means that there is no answer. Such an option
// always stands alone.
func reserved(code string) bool {
	return code == surveys.DontKnow || code == surveys.Refused
}

func (it *item) readNumber(s string) reading {
	if _, ok := it.options[s]; ok {
		return reading{} // "don't know" and "refused" are no number
	}
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
	if limit == 0 {
		limit = surveys.DefaultMaxLength
	}
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, notText):
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
