package server

import (
	"bytes"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// itemView is an item as the template draws it, in one language.
type itemView struct {
	// ID is the HTML id of the first field, where the list of problems leads to; Name
	// is the name of its fields.
	ID, Name string
	// Draw names the block of the template: note, choice, field, longtext, ranking,
	// date, region or grid.
	Draw string
	Text string
	Hint string
	// Figure is the address of the picture, Alt says what it shows.
	Figure, Alt     string
	Required, Timed bool
	// Options are what can be chosen, Control is their kind. Short options stand side
	// by side, those of a Scale do so where there is room.
	Options      []optionView
	Short, Scale bool
	Control      string
	// Several asks for any number of options.
	Several bool
	// Typed is what was typed into the field; a date has a Part for year, month, day.
	Typed, Unit string
	InputMode   string
	// Parts are the fields of a date, the places of a ranking, the levels of a region.
	Parts []partView
	// Rows are the items of a grid; its Options head the columns.
	Rows []itemView
	// Errors are what is wrong. Soft ones only ask to look again.
	Errors      []string
	Soft        bool
	DescribedBy string
}

// optionView is one option; Apart sets "don't know" and "refused" off from the answers.
type optionView struct {
	ID, Code, Text string
	Chosen, Apart  bool
	// Alone options stand alone; paper says so.
	Alone bool
}

// partView is one of several fields that make an answer.
type partView struct {
	ID, Label, Typed string
	Options          []optionView
}

// drawing is what the views of the items of one page need.
type drawing struct {
	frame
	run *run
	// template holds the template "item".
	template *template.Template
	// problems are the messages by the key of the item.
	problems map[string][]problemView
}

// say gives a text of the questionnaire in the language of the page.
func (d *drawing) say(t surveys.Text, key string) string { return d.run.session.Text(t, d.lang, key) }

// htmlID is the id of an item's first field. The key of an item in a roster's row has
// a # in it, which has a meaning of its own in addresses.
func htmlID(key string) string { return "i-" + strings.ReplaceAll(key, "#", ".") }

// items draws the items that are asked, in the order in which they are shown. The rows
// of a grid go into it.
func (d *drawing) items(states []form.ItemState) (drawn []template.HTML, err error) {
	for len(states) > 0 {
		n := 1
		for states[0].Item.Type == surveys.Grid && n < len(states) && states[n].Item.Row != "" {
			n++
		}
		html, err := d.shown(states[:n])
		if err != nil {
			return nil, err
		}
		drawn, states = append(drawn, html), states[n:]
	}
	return drawn, nil
}

// shown draws an item, or a grid with its rows. An item without answer looks the same
// to everybody, as long as nothing in it depends on the person: it is drawn once.
func (d *drawing) shown(states []form.ItemState) (template.HTML, error) {
	state := states[0]
	if !state.Relevant || state.Item.Type == surveys.Calculate {
		return "", nil
	}
	same := !slices.ContainsFunc(states, func(s form.ItemState) bool {
		return !s.Relevant || len(s.Values) > 0 || len(d.problems[s.Key]) > 0 || !sameForAll(s.Item)
	})
	key := drawnKey{state.Item.ID, d.lang}
	if html, ok := d.run.wave.drawn.Load(key); ok && same {
		return html.(template.HTML), nil
	}
	v, err := d.view(states)
	if err != nil || v.Draw == "grid" && len(v.Rows) == 0 { // a grid without rows asks nothing
		return "", err
	}
	var out bytes.Buffer
	if err := d.template.ExecuteTemplate(&out, "item", v); err != nil {
		return "", fmt.Errorf("item %s: %w", state.Key, err)
	}
	html := template.HTML(out.String())
	if same && state.Key == state.Item.ID {
		d.run.wave.drawn.Store(key, html)
	}
	return html, nil
}

// drawnKey names an item that was drawn: there are no more of them than the
// questionnaire has items in its languages.
type drawnKey struct {
	item string
	lang surveys.Lang
}

// sameForAll reports whether an item looks the same to everybody before it is answered.
func sameForAll(item *surveys.Item) bool {
	speaks := func(t surveys.Text) bool {
		for _, text := range t {
			if strings.Contains(text, "${") {
				return true
			}
		}
		return false
	}
	return !item.Shuffle && item.From == "" && !speaks(item.Text) && !speaks(item.Hint) && !speaks(item.Unit) &&
		(item.Figure == nil || !speaks(item.Figure.Alt)) &&
		!slices.ContainsFunc(item.Options, func(o surveys.Option) bool { return speaks(o.Text) })
}

// view makes the view of an item, with its rows if it is a grid.
func (d *drawing) view(states []form.ItemState) (itemView, error) {
	v, err := d.item(states[0])
	for _, state := range states[1:] {
		if !state.Relevant || err != nil {
			continue
		}
		var row itemView
		if row, err = d.item(state); err == nil {
			v.addRow(row)
		}
	}
	v.finishGrid()
	return v, err
}

// item makes the view of one item.
func (d *drawing) item(state form.ItemState) (itemView, error) {
	item := state.Item
	v := itemView{
		ID:       htmlID(state.Key),
		Name:     answerPrefix + state.Key,
		Draw:     "field",
		Text:     d.say(item.Text, state.Key),
		Hint:     d.say(item.Hint, state.Key),
		Required: item.Required,
		Timed:    item.Timed,
		Unit:     d.say(item.Unit, state.Key),
	}
	for _, p := range d.problems[state.Key] {
		v.Errors = append(v.Errors, p.Message)
		v.Soft = p.Soft
	}
	if item.Figure != nil {
		v.Figure = d.run.wave.figure(item)
		v.Alt = d.say(item.Figure.Alt, state.Key)
	}
	v.describe()
	d.options(&v, state)
	err := d.control(&v, state)
	return v, err
}

// control chooses how the item is drawn and fills in what was answered.
func (d *drawing) control(v *itemView, state form.ItemState) error {
	typed := typedIn(state)
	switch state.Item.Type {
	case surveys.Note, surveys.Grid:
		v.Draw, v.Required = string(state.Item.Type), true
	case surveys.Single, surveys.Multiple:
		v.Draw = "choice"
	case surveys.Likert:
		v.Draw, v.Scale = "choice", fitsScale(v.Options)
	case surveys.LongText:
		v.Draw, v.Typed = "longtext", first(typed)
	case surveys.Ranking:
		v.Draw = "ranking"
		return d.places(v, state)
	case surveys.Date:
		v.Draw = "date"
		return d.date(v, typed)
	case surveys.Region:
		v.Draw = "region"
		return d.region(v, state)
	default:
		v.Typed = first(typed)
		if state.Item.Type != surveys.ShortText {
			v.InputMode = "numeric"
		}
		if state.Item.Decimals > 0 {
			v.InputMode = "decimal"
		}
	}
	return nil
}

// typedIn returns the values that are no options: what was typed.
func typedIn(state form.ItemState) []string {
	return slices.DeleteFunc(slices.Clone(state.Values), func(value string) bool {
		return slices.ContainsFunc(state.Options, func(o surveys.Option) bool { return o.Code == value })
	})
}

func first(values []string) string {
	if len(values) > 0 {
		return values[0]
	}
	return ""
}

// describe names the hint and the errors as the description of the fields.
func (v *itemView) describe() {
	if v.Hint != "" {
		v.DescribedBy = v.ID + "-hint"
	}
	if len(v.Errors) > 0 {
		if v.DescribedBy != "" {
			v.DescribedBy += " "
		}
		v.DescribedBy += v.ID + "-error"
	}
}

// options adds the options. "Don't know" beside a field is a box that can be
// unticked, since without script a radio button alone cannot.
func (d *drawing) options(v *itemView, state form.ItemState) {
	oneOf := state.Item.Type.OneOf()
	v.Control, v.Several = "checkbox", state.Item.Type == surveys.Multiple
	if oneOf {
		v.Control = "radio"
	}
	v.Short = true
	answers := 0 // beside "don't know" and "refused"
	for i, o := range state.Options {
		view := optionView{
			ID:     v.ID + "-" + o.Code,
			Code:   o.Code,
			Text:   d.say(o.Text, state.Key),
			Chosen: slices.Contains(state.Values, o.Code),
			Apart:  surveys.Reserved(o.Code),
		}
		if i == 0 && (oneOf || v.Several) {
			view.ID = v.ID
		}
		if !view.Apart {
			answers++
		}
		v.Short = v.Short && answers <= shortAnswers && breadth(view.Text) <= shortBreadth
		v.Options = append(v.Options, view)
	}
}

// Answers are the options but "don't know" and "refused", Apart those two.
func (v itemView) Answers() []optionView { return pick(v.Options, false) }

// Apart are "don't know" and "refused".
func (v itemView) Apart() []optionView { return pick(v.Options, true) }

func pick(options []optionView, apart bool) (list []optionView) {
	for _, o := range options {
		if o.Apart == apart {
			list = append(list, o)
		}
	}
	return list
}

// places makes a choice of the options for each place of a ranking.
func (d *drawing) places(v *itemView, state form.ItemState) error {
	var ranked []string
	for _, value := range state.Values {
		if !surveys.Reserved(value) {
			ranked = append(ranked, value)
		}
	}
	answers := v.Answers()
	n := len(answers)
	if most := state.Item.Most; most > 0 && most < n {
		n = most
	}
	for place := range max(n, len(ranked)) {
		label, err := d.T("item.place", "n", place+1)
		if err != nil {
			return err
		}
		part := partView{ID: partID(v.ID, place), Label: label, Options: slices.Clone(answers)}
		for i := range part.Options {
			part.Options[i].Chosen = place < len(ranked) && part.Options[i].Code == ranked[place]
		}
		v.Parts = append(v.Parts, part)
	}
	return nil
}

// partID is the id of a part; the first one has that of the item.
func partID(id string, part int) string {
	if part == 0 {
		return id
	}
	return id + "." + strconv.Itoa(part+1)
}

// date makes a field each for year, month and day.
func (d *drawing) date(v *itemView, typed []string) error {
	if len(typed) == 1 {
		typed = strings.SplitN(typed[0], "-", 3)
	}
	for i, key := range []string{"item.year", "item.month", "item.day"} {
		label, err := d.T(key)
		if err != nil {
			return err
		}
		part := partView{ID: partID(v.ID, i), Label: label}
		if i < len(typed) {
			part.Typed = typed[i]
		}
		v.Parts = append(v.Parts, part)
	}
	return nil
}

// region makes a choice for each level down to the first that is not chosen.
func (d *drawing) region(v *itemView, state form.ItemState) error {
	for i, step := range state.Steps {
		label, err := d.T("item." + step.Level)
		if err != nil {
			return err
		}
		part := partView{ID: partID(v.ID, i), Label: label}
		for _, division := range step.Parts {
			part.Options = append(part.Options, optionView{Code: division.Code, Text: division.Name.In(d.lang), Chosen: division.Code == step.Chosen})
		}
		v.Parts = append(v.Parts, part)
	}
	return nil
}

// Wrong says that the answer is refused as it is.
func (v itemView) Wrong() bool { return len(v.Errors) > 0 && !v.Soft }

// Options stand side by side when they fit beside two others on a phone. A list
// of more answers always runs down the page: broken over two lines, its middle
// would be read as something else.
const (
	shortBreadth = 12
	shortAnswers = 3
)

// A scale stands in one line on wide screens when its options fit into columns.
const (
	scaleAnswers = 11
	scaleBreadth = 76 // of all options together
)

// fitsScale reports whether the options can stand in one line.
func fitsScale(options []optionView) bool {
	answers, all := 0, 0
	for _, o := range options {
		if !o.Apart {
			answers++
			all += max(4, breadth(o.Text)/2) // a text may take two lines
		}
	}
	return answers <= scaleAnswers && all <= scaleBreadth
}

// breadth measures a text in Latin letters; a Chinese character is as broad as two.
func breadth(text string) (n int) {
	for _, r := range text {
		n++
		if r >= 0x2e80 {
			n++
		}
	}
	return n
}

// addRow adds a row to a grid.
func (v *itemView) addRow(row itemView) {
	v.Rows = append(v.Rows, row)
	v.Options = row.Options
}

// finishGrid says once, in the heading, that rows can be left blank, if all can.
func (v *itemView) finishGrid() {
	if v.Draw != "grid" {
		return
	}
	v.Required = slices.ContainsFunc(v.Rows, func(r itemView) bool { return r.Required })
	if v.Required {
		return
	}
	for i := range v.Rows {
		v.Rows[i].Required = true
	}
}
