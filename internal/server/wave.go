package server

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// wave is a published wave with what its pages need.
type wave struct {
	Wave
	version string
	// editions are the wave in each of its versions, this one too.
	editions map[string]*wave
	// languages are those of the questionnaire that the pages speak too.
	languages []surveys.Lang
	// drawn are items that look the same to everybody, as HTML, by drawnKey.
	drawn sync.Map
	// expires is the first moment after the form's validity; zero means never.
	expires time.Time
}

func newWave(published Wave, words *words) (*wave, error) {
	q := published.Questionnaire
	if published.ID == "" || q == nil || published.Form == nil {
		return nil, errors.New("needs an ID, a questionnaire and its form")
	}
	if url.PathEscape(published.ID) != published.ID {
		return nil, errors.New("its ID cannot stand in an address; use a-z, 0-9 and hyphens")
	}
	w := &wave{Wave: published, version: q.Version()}
	if len(w.Title) == 0 {
		w.Title = q.Title
	}
	for _, l := range q.Languages {
		if slices.Contains(words.languages, l) {
			w.languages = append(w.languages, l)
		}
	}
	if len(w.languages) == 0 {
		return nil, fmt.Errorf("its languages %v are none of those of the pages, %v", q.Languages, words.languages)
	}
	var err error
	w.expires, err = q.Statutory.Ends()
	return w, err
}

// mustBeOpen is an error unless the wave takes answers.
func (w *wave) mustBeOpen(now time.Time) error {
	if w.open(now) {
		return nil
	}
	return fmt.Errorf("wave: %w", surveys.ErrClosed)
}

// open reports whether the wave takes answers.
func (w *wave) open(now time.Time) bool {
	return !w.Closed && (w.expires.IsZero() || now.Before(w.expires))
}

// path is the address of the wave's first page.
func (w *wave) path() string { return "/s/" + w.ID }
