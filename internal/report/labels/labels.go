// Package labels has the words that the files of a report need beside those of the report
// itself, in each language.
package labels

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/web"
)

// Labels are the words in one language, by key.
type Labels map[string]string

// In returns the words in a language; there are Chinese and English ones.
func In(lang surveys.Lang) (Labels, error) {
	l, ok := known[lang]
	if !ok {
		return nil, fmt.Errorf("%w: there is no report in the language %q; use %s or %s", surveys.ErrInvalid, lang, surveys.ZH, surveys.EN)
	}
	return l, nil
}

var known = map[surveys.Lang]Labels{surveys.ZH: read(surveys.ZH), surveys.EN: read(surveys.EN)}

// read takes the words of a language; that they are embedded was checked when compiling.
func read(lang surveys.Lang) Labels {
	name := "text/outputs." + string(lang) + ".json"
	text, err := web.Outputs.ReadFile(name)
	if err != nil {
		panic("labels: " + err.Error())
	}
	var l Labels
	if err := json.Unmarshal(text, &l); err != nil {
		panic("labels: " + name + ": " + err.Error())
	}
	return l
}

// Say returns the words of a key; pairs are the name of a blank and what stands for {name}.
func (l Labels) Say(key string, pairs ...string) string {
	text, ok := l[key]
	if !ok {
		panic("labels: no words for " + key)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+pairs[i]+"}", pairs[i+1])
	}
	return text
}
