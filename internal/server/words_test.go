package server

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

func testWords(t *testing.T) *words {
	t.Helper()
	w, err := loadWords()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Every language has the same keys, no empty text, and the same places to fill in.
func TestWordsAreComplete(t *testing.T) {
	w := testWords(t)
	first := w.texts[w.languages[0]]
	place := regexp.MustCompile(`\{\w+\}`)
	places := func(text string) []string {
		found := place.FindAllString(text, -1)
		slices.Sort(found)
		return found
	}
	for _, l := range w.languages {
		keys := slices.Sorted(maps.Keys(w.texts[l]))
		if want := slices.Sorted(maps.Keys(first)); !slices.Equal(keys, want) {
			t.Errorf("web/text/%s.json has the keys %v, want %v", l, keys, want)
		}
		for key, text := range w.texts[l] {
			if strings.TrimSpace(text) == "" {
				t.Errorf("web/text/%s.json: %q is empty", l, key)
			}
			if !slices.Equal(places(text), places(first[key])) {
				t.Errorf("web/text/%s.json: %q fills in %v, want %v", l, key, places(text), places(first[key]))
			}
		}
	}
}

// Every word that templates and Go ask for is there, and none is there for nothing.
func TestWordsAreUsed(t *testing.T) {
	w := testWords(t)
	used := map[string]bool{}
	inTemplate := regexp.MustCompile(`(?:\.T|words) "([^"]+)"`)
	var files []string
	for _, name := range append(slices.Clone(pageNames), "layout", "desk") {
		found, err := filepath.Glob("../../web/pages/" + name + "/*.html")
		if err != nil || len(found) == 0 {
			t.Fatalf("the templates of page %s: %v, %v", name, found, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inTemplate.FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
		}
	}
	for _, key := range []string{"language.name", "layout.large", "layout.normal", "item.place", "item.year", "item.month", "item.day",
		"item.province", "item.city", "item.county", "item.township", "item.village",
		"paper.when", "paper.condition", "paper.and", "paper.or", "paper.group", "paper.is", "paper.is-not", "paper.chosen", "paper.not-chosen",
		"paper.answered", "paper.equal", "paper.unequal", "paper.less", "paper.at-most", "paper.more", "paper.at-least", "paper.from", "paper.answer", "paper.least", "paper.most",
		"paper.called", "paper.people", "home.title", "send.title", "send.trouble", "thanks.title", "later.title", "resume.title", "resume.wrong"} {
		used[key] = true
	}
	for _, key := range comparisons {
		used["paper.options-"+key], used["paper.value-"+key] = true, true
	}
	for _, p := range append(slices.Clone(problems), struct {
		err    error
		status int
		words  string
	}{words: "internal"}) {
		for _, part := range []string{"title", "message", "way"} {
			used["problem."+p.words+"."+part] = true
		}
	}
	for _, code := range problemCodes {
		used["rule."+string(code)] = true
	}
	used["rule.too-many-decimals.none"] = true
	for _, r := range auth.Roles() {
		used["desk.role."+string(r)] = true
	}
	for _, key := range deskWords(t) {
		used[key] = true
	}
	have := w.texts[surveys.ZH]
	for key := range used {
		if have[key] == "" {
			t.Errorf("%q is used, but there are no words for it", key)
		}
	}
	for key := range have {
		if !used[key] {
			t.Errorf("%q is never used", key)
		}
	}
}

// deskWords are those that the Go files of the desk ask for: every key stands there whole,
// with or without the mark of a column of numbers.
func deskWords(t *testing.T) (keys []string) {
	t.Helper()
	key := regexp.MustCompile(`"#?((?:desk|figures)\.[a-z.-]+)"`)
	files, err := filepath.Glob("desk*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range key.FindAllStringSubmatch(string(b), -1) {
			if m[1] != "desk.css" {
				keys = append(keys, m[1])
			}
		}
	}
	return keys
}

// problemCodes are the codes of the form engine; TestEveryCodeHasWords checks that none is left out.
var problemCodes = []form.Code{
	form.Required, form.Missing, form.NotAnOption, form.SeveralValues, form.Exclusive, form.NotANumber,
	form.TooManyDecimals, form.TooLong, form.ControlCharacters, form.Constraint, form.Expression,
	form.UnknownItem, form.UnknownPage, form.NotRelevant, form.NotNormal, form.TooFew, form.TooMany, form.Twice, form.NotADate,
	form.NotADivision, form.Unfinished, form.UnknownBooklet, form.OtherOrder, form.OtherChecks,
}

// The list above is all the codes that the engine's source declares.
func TestEveryCodeHasWords(t *testing.T) {
	declared := regexp.MustCompile(`(?m)^\t\w+\s+Code = "([a-z-]+)"`)
	files, err := os.ReadDir("../../surveys/form")
	if err != nil {
		t.Fatal(err)
	}
	var codes []form.Code
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		b, err := os.ReadFile("../../surveys/form/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declared.FindAllStringSubmatch(string(b), -1) {
			codes = append(codes, form.Code(m[1]))
		}
	}
	slices.Sort(codes)
	if want := slices.Sorted(slices.Values(problemCodes)); !slices.Equal(codes, want) {
		t.Errorf("the engine's codes are %v, the list here has %v", codes, want)
	}
}

func TestSay(t *testing.T) {
	w := testWords(t)
	got, err := w.say(surveys.EN, "section.progress", "n", 3, "of", 8)
	if err != nil || got != "Part 3 of 8" {
		t.Errorf("say() = %q, %v", got, err)
	}
	if _, err := w.say(surveys.EN, "no.such.key"); err == nil {
		t.Error("say() of an unknown key gave no error")
	}
}

func TestChooseLanguage(t *testing.T) {
	both := []surveys.Lang{surveys.ZH, surveys.EN}
	for name, c := range map[string]struct {
		languages     []surveys.Lang
		asked, accept string
		want          surveys.Lang
	}{
		"nothing said":              {both, "", "", surveys.ZH},
		"asked for":                 {both, "en", "zh-CN", surveys.EN},
		"asked for what is not":     {both, "fr", "en", surveys.EN},
		"browser in English":        {both, "", "en-GB,en;q=0.9", surveys.EN},
		"browser in Chinese":        {both, "", "zh-TW,zh;q=0.9,en;q=0.8", surveys.ZH},
		"browser in French":         {both, "", "fr-FR", surveys.ZH},
		"nonsense":                  {both, "", ";;;=", surveys.ZH},
		"questionnaire in one only": {both[:1], "en", "en", surveys.ZH},
	} {
		if got := choose(c.languages, c.asked, c.accept); got != c.want {
			t.Errorf("%s: choose() = %s, want %s", name, got, c.want)
		}
	}
}
