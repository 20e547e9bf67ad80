// Package xlsform exchanges questionnaires with other systems: it reads and writes
// XLSForms, the spreadsheets that ODK, KoboToolbox and others make forms from, and
// writes XForms, the XML that their clients run.
//
// Import takes a workbook and says for every cell that it could not take what, why
// and what was done instead; nothing is left out silently. Export writes a
// questionnaire so that the same workbook works in ODK tools and comes back without
// loss: what XLSForm has no word for stands in columns that begin with "suyang::" and
// on a sheet "suyang", which other programs pass over. XForm writes the XML directly.
//
// Expressions are translated both ways. Beside each XPath expression an exported form
// keeps its source, which Import takes again unless the XPath was changed.
//
// The result of Import is what package definition would read; use definition.Write to
// put it down as YAML.
package xlsform

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// The marks of our own in a workbook.
const (
	ownPrefix = "suyang::"
	ownSheet  = "suyang"
)

// Options are what Import needs beside the workbook.
type Options struct {
	// Words are those that a questionnaire needs and a form may not have.
	Words Words
	// Today is the day of the import; a statutory header that is put in is valid for a year.
	Today time.Time
	// Media holds the pictures of the form, by name; it may be nil.
	Media fs.FS
}

// Words are wordings in every language that the program speaks.
type Words struct {
	Other    surveys.Text // the option "other"
	Specify  surveys.Text // the question which other
	Check    surveys.Text // an answer is not possible
	Approval surveys.Text // a trial, not an approved survey
	Consent  surveys.Text // what a person agrees to
}

// Loss is something in a form that was not taken, or not exactly.
type Loss struct {
	Sheet string
	// Row counts from 1, as a spreadsheet does; 0 is the whole sheet.
	Row int
	// Column is the letter of the column and its heading; empty for the whole row.
	Column string
	// What was not taken, why, and what was done instead.
	What, Why, Instead string
}

// String writes a loss as one line.
func (l Loss) String() string {
	at := l.Sheet
	if l.Row > 0 {
		at += fmt.Sprintf(" row %d", l.Row)
	}
	if l.Column != "" {
		at += ", column " + l.Column
	}
	return fmt.Sprintf("%s: %s: %s; %s", at, l.What, l.Why, l.Instead)
}
