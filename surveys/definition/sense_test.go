package definition_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/surveys/definition"
)

// onePage is a section behind those of base.yaml: one page, and the rows of a roster.
const onePage = `  - id: more
    title: {zh: 更多, en: More}
    items:
      - {id: channels, type: multiple, text: {zh: 渠道, en: Channels}, options: [{code: tv, text: {zh: 电视, en: TV}}, {code: web, text: {zh: 网络, en: Web}}, {code: nil, text: {zh: 无, en: None}, exclusive: true}]}
      - {id: main, type: single, from: channels, text: {zh: 最常用, en: Main}, options: [{code: dk, text: {zh: 不知道, en: Don’t know}}]}
      - {id: place, type: region, text: {zh: 哪里, en: Where}, division: {list: cn-zj-gd-2023, within: "33", level: county}}
      - {id: twice, type: calculate, calculate: size(channels) * 2}
      - {id: members, type: roster, text: {zh: 几口人, en: How many}, most: 2, items: [{id: name1, type: text, text: {zh: 名字, en: Name}}, {id: job, type: single, text: {zh: 工作, en: Job}, options: truth}]}
`

// sense reads base.yaml with onePage, an item on that page, and one behind the roster.
func sense(t *testing.T, here, after string) error {
	t.Helper()
	src := base(t) + onePage
	if here != "" {
		src = strings.Replace(src, "      - {id: members", "      - "+here+"\n      - {id: members", 1)
	}
	if after != "" {
		src += "      - " + after + "\n"
	}
	_, err := read(src)
	return err
}

func TestCodesThatDoNotExist(t *testing.T) {
	for expression, says := range map[string]string{
		`K1 == "male"`:                            `"male" is no code of K1, so this is never true; the codes of K1 are 1, 2, dk`,
		`K1 != "male"`:                            `"male" is no code of K1, so this is true of every answer`,
		`"3" == K1`:                               `"3" is no code of K1`,
		`K1 in ["1", "refused"]`:                  `"refused" is no code of K1`,
		`"othr" in channels`:                      `"othr" is no code of channels, so this is never true; the codes of channels are tv, web, nil`,
		`channels == ["tv", "radio"]`:             `"radio" is no code of channels`,
		`channels.exists(c, c == "radio")`:        `"radio" is no code of channels`,
		`channels.filter(c, c != "x")[0] == "tv"`: `"x" is no code of channels`,
		`main == "nil"`:                           `"nil" is no code of main, so this is never true; the codes of main are dk, tv, web`,
		`job.exists(j, j == "9")`:                 `"9" is no code of job`,
		`place == "330100"`:                       `"330100" is no division that can be answered to place, so this is never true; answers are kept without the zeros at the end: write "3301"`,
		`place == "4401"`:                         `"4401" is no division that can be answered to place`,
		`place == "3301" && main == "tv" && main != "dk" && "nil" in channels && K1 == "dk"`: "",
		`channels.all(c, c in ["tv", "web"]) && size(name1) > 0 && "x" in name1`:             "",
	} {
		err := sense(t, "", "{id: last, type: note, page: true, text: {zh: 完, en: End}, relevant: '"+expression+"'}")
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: Read() = %v, want %q", expression, err, says)
		}
	}
}

func TestACodeThatDoesNotExistIsShownInItsPlace(t *testing.T) {
	err := sense(t, "", "{id: last, type: note, page: true, text: {zh: '${K1 == \"x\" ? 1 : 2} 个', en: End}}")
	var faults definition.Faults
	if !errors.As(err, &faults) || len(faults) != 1 {
		t.Fatalf("Read() = %v, want one fault", err)
	}
	line, caret, _ := strings.Cut(faults[0].Excerpt, "\n")
	if at := strings.Index(line, `"x"`); faults[0].Col == 0 || !strings.HasSuffix(caret, "^") || at < 0 || len(caret)-1 != utf8.RuneCountInString(line[:at]) {
		t.Errorf("the caret does not stand below the code:\n%s", faults[0].Excerpt)
	}
}

func TestWhatComesTooLateOrTooEarly(t *testing.T) {
	for _, tt := range []struct{ name, here, after, says string }{
		{"a note on the page of the answer", `{id: n, type: note, text: {zh: 注, en: Note}, relevant: '"tv" in channels'}`, "", "channels is answered on the page of this note: by then the person has gone on, and never sees it; begin a page at the note: page: true"},
		{"a note that depends on what is calculated there", `{id: n, type: note, text: {zh: 注, en: Note}, relevant: twice > 2}`, "", "twice is answered on the page of this note"},
		{"a note with a page", `{id: n, type: note, page: true, text: {zh: 注, en: Note}, relevant: twice > 2}`, "", ""},
		{"a note with an earlier answer", `{id: n, type: note, text: {zh: 注, en: Note}, relevant: age > 20}`, "", ""},
		{"a note behind the rows of a roster", "", `{id: n, type: note, text: {zh: 注, en: Note}, relevant: twice > 2}`, ""},
		{"a note until there is an answer", `{id: n, type: note, text: {zh: 注, en: Note}, relevant: '!has(a.channels)'}`, "", ""},
		{"a note before a question of the same condition", `{id: n, type: note, text: {zh: 注, en: Note}, relevant: twice > 2}
      - {id: why, type: text, text: {zh: 为何, en: Why}, relevant: twice > 2}`, "", ""},
		{"a text with an answer of the page", `{id: why, type: text, text: {zh: '为何${main}？', en: Why}}`, "", "main is answered on the same page, so the text shows … in place of ${main}; begin a page at this item: page: true"},
		{"a text with what is calculated there", `{id: why, type: text, text: {zh: '${twice}', en: Why}}`, "", "twice is answered on the same page"},
		{"a text of an item that the answer brings", `{id: why, type: text, text: {zh: '为何${main}？', en: Why}, relevant: main != "dk"}`, "", ""},
		{"a text on a page of its own", `{id: why, type: text, page: true, text: {zh: '为何${main}？', en: Why}}`, "", ""},
		{"a message with an answer of the page", `{id: much, type: number, text: {zh: 几, en: Many}, constraint: much > 2, message: {zh: '您选了${main}', en: No}}`, "", ""},
	} {
		err := sense(t, tt.here, tt.after)
		if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s: Read() = %v, want %q", tt.name, err, tt.says)
		}
	}
	roster := strings.Replace(base(t)+onePage, "text: {zh: 工作, en: Job}", "text: {zh: '${name1}的工作', en: Job}", 1)
	if _, err := read(roster); err == nil || !strings.Contains(err.Error(), "name1 is answered on the same page") {
		t.Errorf("a name in the row of a roster: Read() = %v", err)
	}
}
