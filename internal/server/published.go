package server

import (
	"errors"
	"fmt"
)

// published are the waves that the server shows at one time. It is never changed: another one
// takes its place, and requests under way finish with theirs.
type published struct {
	waves map[string]*wave
	order []*wave
}

// waves are the published waves by ID.
func (s *Server) waves() map[string]*wave { return s.shown.Load().waves }

// order are the published waves in their order.
func (s *Server) order() []*wave { return s.shown.Load().order }

// Publish shows these waves and no others from now on. When one of them is not usable, it
// fails and everything stays as it was.
func (s *Server) Publish(list []Wave) error {
	p := &published{waves: map[string]*wave{}}
	for _, w := range list {
		if err := p.add(w, s.pages.words); err != nil {
			return fmt.Errorf("server: wave %q: %w", w.ID, err)
		}
	}
	s.shown.Store(p)
	return nil
}

func (p *published) add(of Wave, words *words) error {
	w, err := newWave(of, words)
	if err != nil {
		return err
	}
	if p.waves[w.ID] != nil {
		return errors.New("published twice")
	}
	w.editions = map[string]*wave{w.version: w}
	for _, v := range of.Earlier {
		earlier := of
		earlier.Questionnaire, earlier.Form, earlier.Lists = v.Questionnaire, v.Form, v.Lists
		e, err := newWave(earlier, words)
		if err != nil {
			return err
		}
		w.editions[e.version] = e
	}
	p.waves[w.ID] = w
	p.order = append(p.order, w)
	return nil
}
