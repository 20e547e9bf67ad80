package form

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
)

// Everything that an author can get wrong about what a questionnaire asks: where it is,
// what it is, and the way out. The items are those of one section, unless the definition
// begins with a bracket: then they are the sections.
func TestFaults(t *testing.T) {
	const yesNo = `"options": [{"code": "yes"}, {"code": "no"}]`
	multi := `{"id": "many", "type": "multiple", ` + yesNo + `},`
	for name, c := range map[string]struct{ items, want string }{
		"an option offered twice": {multi + `{"id": "one", "type": "single", "from": "many", "options": [{"code": "yes"}]}`,
			`one options: the code "yes" is offered from many already`},
		"options from nowhere":     {`{"id": "one", "type": "single", "from": "many"}`, `one from: no item before this one is called "many"`},
		"options from itself":      {`{"id": "one", "type": "multiple", "from": "one"}`, `one from: no item before this one is called "one"`},
		"options from a text":      {`{"id": "word", "type": "text"}, {"id": "one", "type": "single", "from": "word"}`, `one from: word is no multiple or ranking item, so nothing is chosen from it`},
		"options for a number":     {multi + `{"id": "n", "type": "number", "from": "many"}`, `n from: only single, likert, multiple and ranking items offer options chosen elsewhere`},
		"options from a roster":    {`{"id": "r", "type": "roster", "items": [{"id": "many", "type": "multiple", ` + yesNo + `}]}, {"id": "one", "type": "single", "from": "many"}`, `one from: many is asked in every row of a roster; there is not one choice to take`},
		"options of a text":        {`{"id": "word", "type": "text", "options": [{"code": "dk"}, {"code": "x"}]}`, `word options: an item of type text can only have the options dk and refused`},
		"options of a note":        {`{"id": "word", "type": "note", ` + yesNo + `}`, `word options: an item of type note has no options`},
		"options of a roster":      {`{"id": "r", "type": "roster", "options": [{"code": "dk"}, {"code": "x"}], "items": [{"id": "n", "type": "number"}]}`, `r options: an item of type roster has no options`},
		"least above most":         {`{"id": "many", "type": "multiple", "least": 3, "most": 2, ` + yesNo + `}`, `many least: least and most are not negative, and least is not more than most`},
		"too many rows":            {`{"id": "r", "type": "roster", "most": 31, "items": [{"id": "n", "type": "number"}]}`, `r most: a roster has at most 30 rows`},
		"a roster without items":   {`{"id": "r", "type": "roster"}`, `r items: a roster needs items to ask in each row`},
		"a roster in a roster":     {`{"id": "r", "type": "roster", "items": [{"id": "r2", "type": "roster", "items": [{"id": "n", "type": "number"}]}]}`, `r2 type: a roster stands in no other roster`},
		"items of a number":        {`{"id": "n", "type": "number", "items": [{"id": "m", "type": "number"}]}`, `n items: only a roster has items of its own`},
		"a roster of too much":     {`{"id": "r", "type": "roster", "calculate": "1.5", "items": [{"id": "n", "type": "number"}]}`, `r calculate: 1:1: the number of rows must be an int, but it is double`},
		"nothing calculated":       {`{"id": "c", "type": "calculate"}`, `c calculate: a calculate item needs the expression that gives its value`},
		"a calculated number":      {`{"id": "n", "type": "number", "calculate": "1"}`, `n calculate: only calculate items and rosters are computed`},
		"a required calculation":   {`{"id": "c", "type": "calculate", "calculate": "1", "required": true}`, `c required: what is calculated is not asked for, so it cannot be required`},
		"a list of numbers":        {`{"id": "c", "type": "calculate", "calculate": "[1, 2]"}`, `c calculate: 1:1: a value is no list(int); only lists of strings can be kept`},
		"calculated from later":    {`{"id": "c", "type": "calculate", "calculate": "n + 1"}, {"id": "n", "type": "number"}`, `c calculate: 1:1: n is asked later; an expression can only use items before it`},
		"calculated from itself":   {`{"id": "c", "type": "calculate", "calculate": "c + 1"}`, `c calculate: 1:1: there is no item "c"`},
		"a row without its grid":   {`{"id": "one", "type": "single", "row": "g", ` + yesNo + `}`, `one row: it must follow the grid "g" or another row of it at once`},
		"a row not at once":        {`{"id": "g", "type": "grid", ` + yesNo + `}, {"id": "w", "type": "text"}, {"id": "one", "type": "single", "row": "g", ` + yesNo + `}`, `one row: it must follow the grid "g" or another row of it at once`},
		"a row with other options": {`{"id": "g", "type": "grid", ` + yesNo + `}, {"id": "one", "type": "single", "row": "g", "options": [{"code": "no"}, {"code": "yes"}]}`, `one row: the rows of a grid have the options of the grid`},
		"a row of text":            {`{"id": "g", "type": "grid", ` + yesNo + `}, {"id": "one", "type": "text", "row": "g"}`, `one row: the rows of a grid are single or likert items / one row: the rows of a grid have the options of the grid`},
		"a timed row":              {`{"id": "g", "type": "grid", ` + yesNo + `}, {"id": "one", "type": "likert", "timed": true, "row": "g", ` + yesNo + `}`, `one row: a grid is one page; give page and timed to the grid, not to its rows`},
		"a row outside its roster": {`{"id": "r", "type": "roster", "items": [{"id": "g", "type": "grid", ` + yesNo + `}]}, {"id": "one", "type": "likert", "row": "g", ` + yesNo + `}`, `one row: it must follow the grid "g" or another row of it at once`},
		"no code list":             {`{"id": "home", "type": "region"}`, `home division: a region item needs a code list and a level`},
		"another code list":        {`{"id": "home", "type": "region", "division": {"list": "cn-1999", "level": "city"}}`, `home division: there is no code list "cn-1999"; there are: cn-test`},
		"another level":            {`{"id": "home", "type": "region", "division": {"list": "cn-test", "level": "prefecture"}}`, `home division: "prefecture" is no level; the levels are province, city, county, township and village`},
		"within nothing":           {`{"id": "home", "type": "region", "division": {"list": "cn-test", "level": "city", "within": "99"}}`, `home division: the code list cn-test has no parts of "99"`},
		"a code list for a text":   {`{"id": "home", "type": "text", "division": {"list": "cn-test", "level": "city"}}`, `home division: only a region item is chosen from a code list`},
		"a checked note":           {`{"id": "hi", "type": "note", "checks": [{"assert": "true"}]}`, `hi checks: a note takes no answer that could be checked`},
		"a check that is no check": {`{"id": "n", "type": "number", "checks": [{"assert": "n > 0"}, {"assert": "n + 1"}]}`, `n checks[1].assert: 1:1: the expression must be true or false (bool), but it is int`},
		"a check of later":         {`{"id": "n", "type": "number", "checks": [{"assert": "n < m"}]}, {"id": "m", "type": "number"}`, `n checks[0].assert: 1:5: m is asked later; an expression can only use items before it`},
		"an open brace":            {`{"id": "n", "type": "number"}, {"id": "hi", "type": "note", "text": {"zh": "您 ${n 岁", "en": "You"}}`, `hi text.zh: “${” is not closed by “}”; write $${ for the characters themselves`},
		"empty braces":             {`{"id": "hi", "type": "note", "text": {"zh": "您 ${ }"}}`, `hi text.zh: there is nothing between ${ and }; write an expression, or $${ for the characters themselves`},
		"text of later":            {`{"id": "hi", "type": "note", "text": {"zh": "您 ${n}"}}, {"id": "n", "type": "number"}`, `hi text.zh: 1:1: n is asked later; an expression can only use items before it`},
		"text of itself":           {`{"id": "n", "type": "number", "hint": {"en": "${n}?"}}`, `n hint.en: 1:1: n is asked later; an expression can only use items before it`},
		"text of nobody":           {`{"id": "hi", "type": "note", "text": {"en": "${nobody}"}}`, `hi text.en: 1:1: there is no item "nobody"`},
		"an option's text":         {`{"id": "one", "type": "single", "options": [{"code": "x", "text": {"zh": "${one}"}}]}`, `one options[0].text.zh: 1:1: one is asked later; an expression can only use items before it`},
		"an id of a section":       {`{"id": "s", "type": "text"}`, `s id: a section has this id`},
		"rows in another order": {`{"id": "g", "type": "grid", "shuffle": true, ` + yesNo + `}, {"id": "r1", "type": "likert", "row": "g", ` + yesNo + `}, {"id": "r2", "type": "likert", "row": "g", "relevant": "r1 == 'yes'", ` + yesNo + `},
			{"id": "after", "type": "text", "relevant": "r2 == 'yes'"}`, `r2 relevant: 1:1: r1 may be asked later, since the rows of its grid are shuffled`},
		"a shuffled section": {`[{"id": "s", "shuffle": true, "items": [{"id": "w", "type": "note"}, {"id": "one", "type": "text"}, {"id": "two", "type": "text", "relevant": "one == 'x'"}], "checks": [{"assert": "one != two"}]},
			{"id": "s2", "items": [{"id": "three", "type": "text", "relevant": "one == two"}]}]`, `two relevant: 1:1: one may be asked later, since the items of its section are shuffled`},
		"shuffled blocks": {`[{"id": "s", "block": "x", "items": [{"id": "one", "type": "text"}]}, {"id": "t", "block": "y", "items": [{"id": "two", "type": "text", "relevant": "one == 'x'"}]},
			{"id": "u", "items": [{"id": "three", "type": "text", "relevant": "one == two"}]}]`, `two relevant: 1:1: one may be asked later, since the blocks of sections are shuffled`},
		"a torn block":      {`[{"id": "s", "block": "x", "items": []}, {"id": "t", "block": "y", "items": []}, {"id": "u", "block": "x", "items": []}]`, ` block: the sections of block "x" must follow each other`},
		"a list of lists":   {`{"id": "r", "type": "roster", "items": [{"id": "many", "type": "multiple", ` + yesNo + `}]}, {"id": "x", "type": "text", "relevant": "size(many) > 1"}`, `x relevant: 1:6: there is no item "many"`},
		"a row for a list":  {`{"id": "r", "type": "roster", "items": [{"id": "n", "type": "number"}]}, {"id": "x", "type": "text", "relevant": "n > 1"}`, `x relevant: 1:3: > does not take list(int) and int`},
		"a list for a row":  {`{"id": "r", "type": "roster", "items": [{"id": "n", "type": "number"}, {"id": "x", "type": "text", "relevant": "size(n) > 1"}]}`, `x relevant: 1:1: size does not take int`},
		"a chain too long":  {multi + strings.Join(handedOn(12), ","), `from10 from: options are handed on at most 10 times`},
		"a hostile section": {`[{"id": "", "items": [{"id": "", "type": ""}]}]`, ` sections: section 1 has no id /  id: "" cannot be used in expressions; an id is a letter, then letters, digits and _, and no word of the expression language /  type: there is no type ""; the types are single, likert, multiple, ranking, number, text, longtext, date, region, calculate, grid, roster, note`},
	} {
		t.Run(name, func(t *testing.T) {
			src := c.items
			if !strings.HasPrefix(src, "[") {
				src = `[{"id": "s", "items": [` + src + `]}]`
			}
			q := surveys.Questionnaire{Languages: []surveys.Lang{surveys.ZH, surveys.EN}}
			if err := json.Unmarshal([]byte(src), &q.Sections); err != nil {
				t.Fatal(err)
			}
			_, err := Compile(&q, divisions(t))
			if diff := cmp.Diff(c.want, faultLines(err)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// handedOn are n items, each of which offers what was chosen in the one before.
func handedOn(n int) []string {
	var items []string
	from := "many"
	for i := range n {
		id := "from" + string(rune('0'+i))
		if i >= 10 {
			id = "from1" + string(rune('0'+i-10))
		}
		items = append(items, `{"id": "`+id+`", "type": "multiple", "from": "`+from+`"}`)
		from = id
	}
	return items
}

// faultLines are the faults as item, field and first line of each, with slashes between them.
func faultLines(err error) string {
	var faults Faults
	if !errors.As(err, &faults) {
		return ""
	}
	var lines []string
	for _, f := range faults {
		line, _, _ := strings.Cut(f.Err.Error(), "\n")
		lines = append(lines, f.Item+" "+f.Field+": "+line)
	}
	return strings.Join(lines, " / ")
}

// Booklets must exist, have an ID and a share, and the shares are probabilities.
func TestBookletFaults(t *testing.T) {
	for want, booklets := range map[string][]surveys.Booklet{
		"": {{ID: "A", Items: []string{"one"}, Share: 0.25}, {ID: "B", Share: 0.75}},
		` booklets: booklet "A" names "two", which is no item`:                                                                          {{ID: "A", Items: []string{"two"}, Share: 1}},
		` booklets: a booklet needs an id of its own; "A" is not /  booklets: the shares of the booklets add up to 0.5; they must be 1`: {{ID: "A", Share: 0.5}, {ID: "A", Share: 0.5}},
		` booklets: a booklet needs an id of its own; "" is not /  booklets: the shares of the booklets add up to 0; they must be 1`:    {{Share: 1}},
		` booklets: booklet "B" has no share; give the probability that a case gets it`:                                                 {{ID: "A", Share: 1}, {ID: "B"}},
	} {
		_, err := Compile(&surveys.Questionnaire{Booklets: booklets, Sections: []surveys.Section{{ID: "s", Items: []surveys.Item{{ID: "one", Type: surveys.ShortText}}}}})
		if got := faultLines(err); got != want {
			t.Errorf("%+v: %q, want %q", booklets, got, want)
		}
	}
}
