package labels

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

func TestBothLanguagesSayTheSame(t *testing.T) {
	zh, en := slices.Sorted(maps.Keys(known[surveys.ZH])), slices.Sorted(maps.Keys(known[surveys.EN]))
	if !slices.Equal(zh, en) {
		t.Errorf("the keys are %v in Chinese and %v in English", zh, en)
	}
	if _, err := In("fr"); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("In(fr) = %v, want an invalid language", err)
	}
}

func TestBlanksAreFilledIn(t *testing.T) {
	if got := known[surveys.EN].Say("page", "page", "3", "pages", "9"); got != "Page 3 of 9" {
		t.Errorf("Say(page) = %q", got)
	}
}
