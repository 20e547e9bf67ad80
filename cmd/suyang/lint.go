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
	if err := servable(c.File, q, time.Now()); err != nil {
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

// servable says why the pages could not show a questionnaire: a language that they do not
// speak, or a form that has expired.
func servable(name string, q *surveys.Questionnaire, now time.Time) error {
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
		return fmt.Errorf("%s: %w: the form was valid until %s, so nobody could answer it; write the new last day of validity in statutory.valid_until", name, surveys.ErrInvalid, q.Statutory.ValidUntil)
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
