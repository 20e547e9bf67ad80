package main

import (
	"fmt"

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
