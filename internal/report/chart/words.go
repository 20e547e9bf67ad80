package chart

import (
	"encoding/json"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/web"
)

// words are the fixed texts of charts in one language, by key.
type words map[string]string

var texts = map[surveys.Lang]words{
	surveys.ZH: readWords("text/chart.zh.json"),
	surveys.EN: readWords("text/chart.en.json"),
}

func readWords(name string) words {
	b, err := web.ChartText.ReadFile(name)
	var w words
	if err == nil {
		err = json.Unmarshal(b, &w)
	}
	if err != nil {
		panic("chart: " + name + ": " + err.Error())
	}
	return w
}

// say returns the text of a key with its blanks filled in: pairs of a name and what stands
// for {name}.
func (w words) say(key string, pairs ...string) string {
	text, ok := w[key]
	if !ok {
		panic("chart: no words for " + key)
	}
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
