package xlsform

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// question takes a row that asks, shows or computes one thing.
func (im *importer) question(b *block, items *[]surveys.Item, conds []string) {
	t := im.survey
	it := surveys.Item{ID: im.ids[b.name], Text: im.texts(b.row, "label", "text"), Hint: im.texts(b.row, "hint", "hint")}
	relevant := all(append(slices.Clone(conds), im.relevant(b.row)))
	constraint, ok := im.typed(b, &it)
	if !ok {
		return
	}
	if it.Text == nil && (it.Type != surveys.Calculate || t.get(b.row, ownPrefix+"type") == "") {
		it.Text = im.plain(b.name)
		if it.Type != surveys.Calculate {
			im.lose(t, b.row, "name", quoted(b.name), "it has no label", "its name is shown")
		}
	}
	im.cells(b)
	im.picture(b.row, &it)
	im.finish(b, &it, relevant, constraint)
	*items = append(*items, it)
	if b.other {
		im.specify(&it, items)
	}
}

// typed gives an item the type of its row, and what that adds to its constraint; ok is
// false when the item is left out.
func (im *importer) typed(b *block, it *surveys.Item) (constraint string, ok bool) {
	t := im.survey
	switch b.kind {
	case "text":
		it.Type = surveys.ShortText
		if hasWord(t.get(b.row, "appearance"), "multiline") {
			it.Type = surveys.LongText
		}
		if yes, _ := yesNo(t.get(b.row, "readonly")); yes && t.get(b.row, "calculation") == "" {
			it.Type = surveys.Note
		}
	case "integer", "decimal":
		it.Type = surveys.Number
		if b.kind == "decimal" {
			it.Decimals = 6
		}
	case "range":
		constraint = im.span(b, it)
	case "date":
		it.Type = surveys.Date
	case "time", "datetime":
		it.Type = surveys.ShortText
		im.lose(t, b.row, "type", quoted(t.get(b.row, "type")), "there is no question for a time of day", "asked as a text")
	case "note":
		it.Type = surveys.Note
	case "acknowledge":
		it.Type = surveys.Note
		im.lose(t, b.row, "type", quoted(t.get(b.row, "type")), "nothing is merely confirmed here", "its words are a note")
	case "calculate":
		it.Type = surveys.Calculate
		if !im.calculated(b, it) {
			return "", false
		}
	case "select_one", "select_multiple", "rank":
		it.Type = map[string]surveys.ItemType{"select_one": surveys.Single, "select_multiple": surveys.Multiple, "rank": surveys.Ranking}[b.kind]
		if b.kind == "select_one" && hasWord(t.get(b.row, "appearance"), "likert") {
			it.Type = surveys.Likert
		}
		l := im.list(b, true)
		if l == nil {
			delete(im.ids, b.name)
			return "", false
		}
		im.from[it.ID] = l
		constraint = im.choose(b, l, it)
	}
	return constraint, true
}

// list finds the list of a question.
func (im *importer) list(b *block, twoAtLeast bool) *choiceList {
	l := im.lists[b.list]
	switch {
	case l == nil:
		im.lose(im.survey, b.row, "type", quoted(b.name), "there is no list "+quoted(b.list)+" on the sheet choices", "left out")
		return nil
	case twoAtLeast && len(l.options) < 2 && !b.other && im.survey.get(b.row, ownPrefix+"type") == "":
		im.lose(im.survey, b.row, "type", quoted(b.name), "list "+quoted(b.list)+" has one choice only", "left out")
		l.used = true
		return nil
	}
	l.used = true
	return l
}

// choose takes the options of a question. It returns a condition that stands for a
// filter of the choices.
func (im *importer) choose(b *block, l *choiceList, it *surveys.Item) (constraint string) {
	t := im.survey
	it.Options = l.options
	own := t.get(b.row, ownPrefix+"type") != ""
	if keep := t.get(b.row, ownPrefix+"options"); own && t.get(b.row, ownPrefix+"from") != "" {
		it.Options = nil
		for _, o := range l.options {
			if slices.Contains(strings.Fields(keep), o.Code) {
				it.Options = append(it.Options, o)
			}
		}
	}
	if slices.ContainsFunc(l.options, func(o surveys.Option) bool { return surveys.Reserved(o.Code) }) && !own && it.Type == surveys.Multiple {
		it.Options = slices.Clone(l.options)
		for i := range it.Options {
			it.Options[i].Exclusive = it.Options[i].Exclusive || surveys.Reserved(it.Options[i].Code)
		}
	}
	if b.other && !slices.ContainsFunc(l.options, func(o surveys.Option) bool { return o.Code == "other" }) {
		it.Options = append(slices.Clone(it.Options), surveys.Option{Code: "other", Text: im.said(im.o.Words.Other), Fixed: true})
	}
	if own {
		it.Shuffle = randomized(t.get(b.row, "parameters"))
		return ""
	}
	for _, p := range strings.Fields(t.get(b.row, "parameters")) {
		switch key, value, _ := strings.Cut(p, "="); {
		case key == "randomize":
			it.Shuffle, _ = yesNo(value)
		case key == "seed":
			im.lose(t, b.row, "parameters", quoted(p), "orders come from the seed of the interview", "left out")
		default:
			im.lose(t, b.row, "parameters", quoted(p), "there is no such parameter here", "left out")
		}
	}
	if filter := t.get(b.row, "choice_filter"); filter != "" {
		constraint = im.filter(b, l, it, filter)
	}
	return constraint
}

// randomized reports whether the parameters of a choice ask for a random order.
func randomized(parameters string) bool {
	for _, p := range strings.FieldsFunc(parameters, func(r rune) bool { return r == ',' || r == ' ' }) {
		if key, value, _ := strings.Cut(p, "="); key == "randomize" {
			yes, _ := yesNo(value)
			return yes
		}
	}
	return false
}

// filter takes a filter of choices in the two shapes that have a counterpart: what was
// chosen before, and a column that agrees with the answer to an earlier question.
func (im *importer) filter(b *block, l *choiceList, it *surveys.Item, filter string) string {
	t := im.survey
	n, err := parseXPath(filter)
	if err == nil && n.op == xCall && n.text == "selected" && len(n.args) == 2 && n.args[1].op == xName && n.args[1].text == "name" {
		if from := im.items[im.ids[n.args[0].text]]; from != nil && n.args[0].op == xRef && (from.Type == surveys.Multiple || from.Type == surveys.Ranking) && im.listOf(from.ID) == l {
			it.From, it.Options = from.ID, nil
			return ""
		}
	}
	column, from := "", ""
	if err == nil && n.op == "=" {
		for i, a := range n.args {
			if other := n.args[1-i]; a.op == xName && other.op == xRef {
				column, from = a.text, im.ids[other.text]
			}
		}
	}
	parent := im.items[from]
	if parent == nil || !parent.Type.OneOf() || im.choices.at[heading{column: word(column)}] == 0 {
		why := "only the filters “column = ${question}” and “selected(${question}, name)” have a counterpart"
		if err != nil {
			why = err.Error()
		}
		im.lose(t, b.row, "choice_filter", quoted(filter), why, "all choices are offered")
		return ""
	}
	var ways []string
	for _, o := range parent.Options {
		var codes []string
		for i, row := range l.rows {
			if v := im.choices.get(row, word(column)); im.translator("").code(from, v) == o.Code && v != "" {
				codes = append(codes, strconv.Quote(l.options[i].Code))
			}
		}
		if len(codes) > 0 {
			ways = append(ways, fmt.Sprintf("%s == %q && %s in [%s]", from, o.Code, it.ID, strings.Join(codes, ", ")))
		}
	}
	constraint := strings.Join(ways, " ||\n")
	if len(ways) == 0 || len(constraint) > expr.MaxLength || it.Type != surveys.Single && it.Type != surveys.Likert {
		im.lose(t, b.row, "choice_filter", quoted(filter), "it is too long, or fits no choice", "all choices are offered")
		return ""
	}
	way := "all choices are offered, and a choice that does not belong to the answer before is refused"
	if divisions(l.options) {
		way += "; for administrative divisions an item of type region, with a code list, asks better"
	}
	im.lose(t, b.row, "choice_filter", quoted(filter), "choices are not filtered by a column here", way)
	return constraint
}

// divisions reports whether codes look like those of administrative divisions.
func divisions(options []surveys.Option) bool {
	for _, o := range options {
		if n := len(o.Code); !numeric([]surveys.Option{o}) || n != 2 && n != 4 && n != 6 && n != 9 {
			return false
		}
	}
	return true
}

// span takes the parameters of a range.
func (im *importer) span(b *block, it *surveys.Item) string {
	it.Type = surveys.Number
	values := map[string]string{"start": "0", "end": "10", "step": "1"}
	for _, p := range strings.Fields(strings.ReplaceAll(im.survey.get(b.row, "parameters"), ",", " ")) {
		key, value, _ := strings.Cut(p, "=")
		if _, ok := values[key]; !ok {
			im.lose(im.survey, b.row, "parameters", quoted(p), "a range has start, end and step", "left out")
			continue
		}
		if _, err := literal(value); err != nil {
			im.lose(im.survey, b.row, "parameters", quoted(p), err.Error(), "taken as "+values[key])
			continue
		}
		values[key] = value
	}
	whole := true
	numbers := map[string]cel{}
	for key, value := range values {
		c, _ := literal(value) // was checked
		numbers[key] = c
		whole = whole && c.typ == expr.Int
		if _, decimals, ok := strings.Cut(value, "."); ok {
			it.Decimals = max(it.Decimals, min(len(decimals), 9))
		}
	}
	if numbers["step"].src != "1" {
		im.lose(im.survey, b.row, "parameters", quoted("step="+values["step"]), "a number has no steps", "any number between start and end is taken")
	}
	start, end := numbers["start"], numbers["end"]
	if !whole {
		it.Decimals = max(it.Decimals, 1)
		start, end = double(start), double(end)
	}
	return it.ID + " >= " + start.src + " && " + it.ID + " <= " + end.src
}

// calculated takes what a row computes, and reports whether it could.
func (im *importer) calculated(b *block, it *surveys.Item) bool {
	src := im.survey.get(b.row, "calculation")
	if kept := im.survey.get(b.row, ownPrefix+"calculate"); kept != "" && !im.changed[edit{b.name, "calculation"}] {
		it.Calculate = kept
		return true
	}
	out, err := im.translator("").calculation(src)
	if err != nil {
		im.lose(im.survey, b.row, "calculation", quoted(src), err.Error(), "the row is left out")
		delete(im.ids, b.name)
		return false
	}
	it.Calculate = out
	return true
}

// specify asks which other.
func (im *importer) specify(it *surveys.Item, items *[]surveys.Item) {
	which := surveys.Item{ID: im.free(it.ID + "_other"), Type: surveys.ShortText, Text: im.said(im.o.Words.Specify), Relevant: it.ID + ` == "other"`}
	if it.Type != surveys.Single && it.Type != surveys.Likert {
		which.Relevant = `"other" in ` + it.ID
	}
	im.ids[which.ID] = which.ID
	im.enter(&which)
	*items = append(*items, which)
}

// finish gives an item its conditions and what columns of our own hold.
func (im *importer) finish(b *block, it *surveys.Item, relevant, constraint string) {
	t := im.survey
	it.Relevant = relevant
	own := t.get(b.row, ownPrefix+"type") != ""
	required := t.get(b.row, "required")
	if yes, ok := yesNo(required); ok {
		it.Required = yes && it.Type.Answered() && it.Type != surveys.Calculate
	} else if !own {
		im.lose(t, b.row, "required", quoted(required), "a question is required always or never", "it is not required")
	}
	if !own {
		im.enter(it)
		im.constrain(b, it, constraint)
		im.enter(it)
		return
	}
	native := *it
	native.Constraint = ""
	changed := func(column string) bool { return im.edited(b, column) }
	text, hint, options, figure := it.Text, it.Hint, it.Options, it.Figure
	*it = surveys.Item{ID: it.ID, Text: text, Hint: hint, Options: options, Required: it.Required, Figure: figure}
	if figure != nil {
		it.Figure.Alt = nil
	}
	im.own(b.row, it)
	if changed("relevant") {
		it.Relevant = native.Relevant
	}
	im.recast(b, it, native)
	im.enter(it)
	if changed("constraint") {
		it.Constraint, it.Message, it.Least, it.Most, it.MaxLength = "", nil, 0, 0, 0
		it.Checks = slices.DeleteFunc(it.Checks, func(c surveys.Check) bool { return !c.Soft })
		im.constrain(b, it, "")
		im.enter(it)
	} else if m := im.texts(b.row, "constraint_message", ""); it.Constraint != "" && slices.ContainsFunc(im.q.Languages, func(l surveys.Lang) bool { return changed("constraint_message::" + string(l)) }) {
		it.Message = m
	}
	for _, column := range []string{"relevant", "constraint", "calculation"} {
		if changed(column) {
			im.took(b, column)
		}
	}
}

// constrain gives an item its constraint, which must have words.
func (im *importer) constrain(b *block, it *surveys.Item, filter string) {
	t := im.survey
	parts := []string{filter}
	if src := t.get(b.row, "constraint"); src != "" && it.Type.Answered() {
		out, err := im.translator(it.ID).condition(src, countsTrue)
		if err != nil {
			im.lose(t, b.row, "constraint", quoted(src), err.Error(), "every answer is taken")
		}
		parts = append(parts, out)
	}
	if it.Constraint = all(parts); it.Constraint == "" {
		return
	}
	if it.Message = im.texts(b.row, "constraint_message", ""); it.Message == nil {
		it.Message = im.said(im.o.Words.Check)
		im.lose(t, b.row, "constraint", "the condition "+quoted(it.Constraint), "there is no constraint_message", "general words were put in")
	}
}

// idle says why a cell of a column means nothing here.
var idle = map[string]string{
	"default":          "a question has no answer beforehand",
	"readonly":         "an answer is always given or computed",
	"trigger":          "values are computed anew whenever needed",
	"required_message": "the words for a missing answer are those of the program",
	"guidance_hint":    "there are no hints for paper",
	"media::audio":     "there are no recordings",
	"media::video":     "there are no films",
}

// looks are the words of the column appearance that change how a form looks and mean
// nothing more; the pages choose themselves.
var looks = []string{"likert", "table-list", "multiline", "field-list", "minimal", "quick", "autocomplete", "search", "compact", "columns", "columns-pack", "horizontal", "horizontal-compact", "no-buttons", "label", "list-nolabel", "numbers", "thousands-sep", "picker", "no-calendar", "rating", "w1", "w2", "w3", "w4"}

// cells records the cells of a row that mean nothing here.
func (im *importer) cells(b *block) {
	t := im.survey
	for col, h := range t.heads {
		text := strings.TrimSpace(t.cell(b.row, col))
		if why := idle[h.column]; why != "" && text != "" {
			if yes, ok := yesNo(text); h.column == "readonly" && ok && (!yes || b.kind == "text" || b.kind == "note") {
				continue
			}
			im.lose(t, b.row, h.column, quoted(text), why, "left out")
		}
	}
	if t.get(b.row, ownPrefix+"part") != "" || t.get(b.row, ownPrefix+"type") != "" {
		return
	}
	group := b.kind == "begin_group" || b.kind == "begin_repeat"
	for _, column := range []string{"constraint", "calculation", "required", "choice_filter", "repeat_count", "parameters"} {
		suits := map[string]bool{
			"constraint": !group && b.kind != "note" && b.kind != "calculate" && b.kind != "acknowledge", "calculation": b.kind == "calculate", "required": !group,
			"choice_filter": b.list != "", "repeat_count": b.kind == "begin_repeat", "parameters": b.list != "" || b.kind == "range",
		}[column]
		if text := t.get(b.row, column); text != "" && !suits {
			im.lose(t, b.row, column, quoted(text), "it does not suit a row of type "+t.get(b.row, "type"), "left out")
		}
	}
	for _, w := range strings.Fields(t.get(b.row, "appearance")) {
		if !slices.Contains(looks, w) {
			im.lose(t, b.row, "appearance", quoted(w), "there is no such appearance here", "shown in the usual way")
		}
	}
}
