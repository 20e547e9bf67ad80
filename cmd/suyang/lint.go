package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/server"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/bank"
)

// lintCommand checks a questionnaire.
type lintCommand struct {
	File string `arg:"" help:"The questionnaire, a YAML file."`
}

// Run prints what the questionnaire holds, or fails with everything that is wrong.
func (c *lintCommand) Run(con *console) error {
	q, err := bank.ReadFile(c.File)
	if err != nil {
		return err
	}
	if err := servable(con, c.File, q, time.Now()); err != nil {
		return err
	}
	items, scored := 0, 0
	for it := range q.Items {
		items++
		if it.Dimension != "" {
			scored++
		}
	}
	fmt.Fprintf(con.out, "%s: no faults; %s, edition %s, version %s: %d sections, %d items, %d of them scored\n",
		c.File, q.ID, q.Edition, q.Version(), len(q.Sections), items, scored)
	return nil
}

// servable refuses a language that the pages do not speak, and warns of a form that has
// expired: its wave can be analysed, but nobody can answer it.
func servable(con *console, name string, q *surveys.Questionnaire, now time.Time) error {
	pages := server.Languages()
	for _, l := range q.Languages {
		if !slices.Contains(pages, l) {
			return fmt.Errorf("%s: %w: the pages do not speak the language %q, only %s; remove it from languages", name, surveys.ErrInvalid, l, join(pages))
		}
	}
	ends, err := q.Statutory.Ends()
	if err != nil {
		return err
	}
	if !ends.IsZero() && !now.Before(ends) {
		con.say("%s: warning: the form was valid until %s, so nobody can answer it; to ask it again, write the new last day in statutory.valid_until", name, q.Statutory.ValidUntil)
	}
	return nil
}

func join(languages []surveys.Lang) string {
	names := make([]string, len(languages))
	for i, l := range languages {
		names[i] = string(l)
	}
	return strings.Join(names, ", ")
}
