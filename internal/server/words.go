package server

import (
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/text/language"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/web"
)

// words holds the words of the pages in every language.
type words struct {
	languages []surveys.Lang
	texts     map[surveys.Lang]map[string]string
}

// Languages are those that the pages speak, the first one where nothing else is asked for.
func Languages() []surveys.Lang { return []surveys.Lang{surveys.ZH, surveys.EN} }

// loadWords reads web/text.
func loadWords() (*words, error) {
	w := &words{languages: Languages(), texts: map[surveys.Lang]map[string]string{}}
	for _, l := range w.languages {
		texts := map[string]string{}
		for _, part := range []string{"", "desk.", "figures."} {
			name := "text/" + part + string(l) + ".json"
			b, err := web.Text.ReadFile(name)
			if err != nil {
				return nil, fmt.Errorf("words: %w", err)
			}
			if err := json.Unmarshal(b, &texts); err != nil { // it adds to what is there
				return nil, fmt.Errorf("words: web/%s: %w", name, err)
			}
		}
		w.texts[l] = texts
	}
	return w, nil
}

// say returns the words for key in language l. The pairs are names and values: {name}
// in the words becomes the value.
func (w *words) say(l surveys.Lang, key string, pairs ...any) (string, error) {
	text, ok := w.texts[l][key]
	if !ok {
		return "", fmt.Errorf("words: no %q in language %q", key, l)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+fmt.Sprint(pairs[i])+"}", fmt.Sprint(pairs[i+1]))
	}
	return text, nil
}

// choose returns the language to speak: the one asked for, or else the best match
// of the browser's Accept-Language, or else the first.
func choose(languages []surveys.Lang, asked, accept string) surveys.Lang {
	for _, l := range languages {
		if string(l) == asked {
			return l
		}
	}
	tags := make([]language.Tag, len(languages))
	for i, l := range languages {
		tags[i] = language.Make(string(l))
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(wanted) == 0 {
		return languages[0]
	}
	_, i, confidence := language.NewMatcher(tags).Match(wanted...)
	if confidence == language.No {
		return languages[0]
	}
	return languages[i]
}

// tag returns the lang attribute for a language of the pages.
func tag(l surveys.Lang) string {
	if l == surveys.ZH {
		return "zh-CN"
	}
	return string(l)
}
