package xlsform

import (
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/workbook"
)

// An exported form says most things twice: in the cells of an XLSForm and in columns of
// our own. A cell that another program changed is taken, or listed as not taken.

const (
	sinceExport = "the cell was changed since it was exported"
	fromCell    = "taken from the cell, not from the column of our own beside it"
)

// edited reports whether a cell of an exported row was changed.
func (im *importer) edited(b *block, column string) bool { return im.changed[edit{b.name, column}] }

// wrote is what stands in a cell now, in words for a Loss.
func (im *importer) wrote(b *block, column string) string {
	if s := im.survey.get(b.row, column); s != "" {
		return quoted(s)
	}
	return "the emptied cell of " + quoted(b.name)
}

// took records a changed cell that counts.
func (im *importer) took(b *block, column string) {
	im.lose(im.survey, b.row, column, im.wrote(b, column), sinceExport, fromCell)
}

// ignored records the changed cells of a row that have no effect; in the columns that
// are not named here they have one, or were taken already.
func (im *importer) ignored(b *block, instead map[string]string) {
	for col, h := range im.survey.heads {
		column := h.column
		if h.lang != "" {
			column += "::" + languageTag(h.lang)
		}
		if how := instead[h.column]; how != "" && im.edited(b, column) {
			what := quoted(strings.TrimSpace(im.survey.cell(b.row, col)))
			if what == quoted("") {
				what = "the emptied cell of " + quoted(b.name)
			}
			im.losses = append(im.losses, Loss{Sheet: "survey", Row: b.row + 1, Column: workbook.Column(col) + " (" + im.survey.cell(0, col) + ")",
				What: what, Why: sinceExport, Instead: how})
		}
	}
}

const asExported = "not taken; it is as when it was exported"

// renamed says what becomes of a name that was changed: expressions beside the cells
// speak of the old one.
func renamed(id string) string {
	return "not taken; it is still called " + quoted(id) + ": rename it in the questionnaire, with the expressions that use it"
}

// recast takes the changed cells that say which kind of question a row is.
func (im *importer) recast(b *block, it *surveys.Item, native surveys.Item) {
	instead := map[string]string{"name": renamed(it.ID), "choice_filter": asExported, "repeat_count": asExported}
	if im.edited(b, "type") {
		it.Type = native.Type
	}
	words := func(types ...surveys.ItemType) bool { return slices.Contains(types, it.Type) }
	switch {
	case !im.edited(b, "appearance"):
	case words(surveys.ShortText, surveys.LongText, surveys.Single, surveys.Likert) && native.Type != it.Type && !im.edited(b, "type"):
		it.Type = native.Type
		im.took(b, "appearance")
	case !im.edited(b, "type"):
		instead["appearance"] = asExported
	}
	if im.edited(b, "parameters") {
		if it.Type.OneOf() || words(surveys.Multiple, surveys.Ranking) {
			it.Shuffle = native.Shuffle
			im.took(b, "parameters")
		} else {
			instead["parameters"] = asExported
		}
	}
	if im.edited(b, "calculation") {
		it.Calculate = native.Calculate
	}
	if im.edited(b, "required") {
		it.Required = native.Required
	}
	if it.Constraint == "" && !im.edited(b, "constraint") {
		instead["constraint_message"] = "not taken; change the message of the check in the questionnaire"
	}
	im.ignored(b, instead)
}

// unlike records the changed cells of the rows that Export adds beside questions, which
// only other programs need: nothing is read from them.
func (im *importer) unlike(b *block) {
	instead := map[string]string{}
	for _, column := range slices.Concat(known, worded) {
		instead[column] = "not taken; the row is made anew at every export"
	}
	im.ignored(b, instead)
}

// retitled takes the settings of an exported form that were changed.
func (im *importer) retitled(b *book) {
	s := b.sheet("settings")
	if s == nil {
		return
	}
	t := newTable(s)
	first := im.q.Languages[0]
	for _, f := range (&exporter{q: im.q}).settings() {
		now := t.get(1, f.path)
		if _, there := t.at[heading{column: f.path}]; !there || now == strings.TrimSpace(f.text) {
			continue
		}
		instead := "taken from the cell, not from the sheet of our own"
		switch {
		case f.path == "form_title" && now != "":
			title := surveys.Text{}
			for l, text := range im.q.Title {
				title[l] = text
			}
			title[first] = now
			im.q.Title = title
			if len(im.q.Languages) > 1 {
				instead += "; the title in other languages is as it was, see the sheet suyang"
			}
		case f.path == "version" && now != "":
			im.q.Edition = now
		case f.path == "form_id" && now != "":
			im.q.ID = addressOf(now)
		default:
			instead = asExported
		}
		what := quoted(now)
		if now == "" {
			what = "the emptied cell"
		}
		im.lose(t, 1, f.path, what, sinceExport, instead)
	}
}
