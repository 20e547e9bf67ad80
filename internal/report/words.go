package report

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// words are the fixed texts of a report in one language, by key.
type words map[string]string

// texts holds the words of each language.
var texts = map[surveys.Lang]words{
	surveys.ZH: readWords("text/report.zh.json"),
	surveys.EN: readWords("text/report.en.json"),
}

func readWords(name string) words {
	var w words
	if err := json.Unmarshal([]byte(asset(name)), &w); err != nil {
		panic("report: " + name + ": " + err.Error())
	}
	return w
}

// within is a text of the plan as it stands in the middle of a sentence: without the capital of
// its first word, if that is one of the small words that the language has capitals for.
// Names keep theirs.
func (w words) within(text string) string {
	first, _, _ := strings.Cut(text, " ")
	if small := strings.ToLower(first); small != first && slices.Contains(strings.Fields(w["topics.small"]), small) {
		return small + text[len(first):]
	}
	return text
}

// say returns the text of a key with its blanks filled in: pairs of a name and what
// stands for {name}.
func (w words) say(key string, pairs ...string) string {
	text, ok := w[key]
	if !ok {
		panic("report: no words for " + key)
	}
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
