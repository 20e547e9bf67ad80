package xlsform

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
	"github.com/suyang-survey/suyang/surveys/workbook"
)

// Import reads an XLSForm, the bytes of an .xlsx file. It returns the questionnaire
// and everything of the form that it could not take, in the order of the sheets. A
// workbook that is no form, or beyond the limits, is an error, which wraps
// surveys.ErrInvalid or surveys.ErrTooLarge.
func Import(src []byte, o Options) (*surveys.Questionnaire, []Loss, error) {
	b, err := readXLSX(src)
	if err != nil {
		return nil, nil, err
	}
	q, losses, err := importBook(b, o, nil)
	if err != nil || b.sheet(ownSheet) == nil {
		return q, losses, err
	}
	// An exported form: cells that another program changed count before what stands
	// beside them.
	if changed := edits(b, q); len(changed) > 0 {
		return importBook(b, o, changed)
	}
	return q, losses, nil
}

// An importer makes a questionnaire of a workbook.
type importer struct {
	o        Options
	q        *surveys.Questionnaire
	survey   *table
	choices  *table
	losses   []Loss
	changed  map[edit]bool
	langs    map[string]surveys.Lang // by the name of the language in headings
	fallback surveys.Lang            // the default language
	lists    map[string]*choiceList
	ids      map[string]string // item IDs by name
	taken    taken             // IDs in use
	items    map[string]*surveys.Item
	env      expr.Env
	from     map[string]*choiceList // the list of an item, by ID
	rosters  map[string]string      // rosters whose rows follow, by the name of the repeat
}

// A choiceList is a list of the sheet choices.
type choiceList struct {
	rows    []int
	options []surveys.Option
	codes   map[string]string // by name
	taken   taken             // codes in use
	used    bool
}

// A table is a sheet with its headings.
type table struct {
	*sheet
	heads []heading
	at    map[heading]int
}

func newTable(s *sheet) *table {
	t := &table{sheet: s, at: map[heading]int{}}
	for col := range rowOf(s, 0) {
		h := head(s.cell(0, col))
		t.heads = append(t.heads, h)
		if _, twice := t.at[h]; !twice {
			t.at[h] = col
		}
	}
	return t
}

func rowOf(s *sheet, row int) []string {
	if row < len(s.rows) {
		return s.rows[row]
	}
	return nil
}

// get returns a cell by its column; blank when there is no such column.
func (t *table) get(row int, column string) string {
	col, ok := t.at[heading{column: column}]
	if !ok {
		return ""
	}
	return strings.TrimSpace(t.cell(row, col))
}

func importBook(b *book, o Options, changed map[edit]bool) (*surveys.Questionnaire, []Loss, error) {
	s := b.sheet("survey")
	if s == nil {
		return nil, nil, fmt.Errorf("%w: the workbook has no sheet “survey”; an XLSForm has the sheets survey, choices and settings", surveys.ErrInvalid)
	}
	im := &importer{o: o, q: &surveys.Questionnaire{}, survey: newTable(s), changed: changed, langs: map[string]surveys.Lang{},
		lists: map[string]*choiceList{}, ids: map[string]string{}, taken: taken{}, items: map[string]*surveys.Item{}, env: expr.Env{}, from: map[string]*choiceList{}, rosters: map[string]string{}}
	for _, column := range []string{"type", "name"} {
		if _, ok := im.survey.at[heading{column: column}]; !ok {
			return nil, nil, fmt.Errorf("%w: sheet survey has no column “%s” in its first row", surveys.ErrInvalid, column)
		}
	}
	if s := b.sheet("choices"); s != nil {
		im.choices = newTable(s)
	}
	im.settings(b)
	im.languages()
	im.lookAround(b)
	im.readChoices()
	im.header(b)
	root, err := im.tree()
	if err != nil {
		return nil, nil, err
	}
	im.names(root)
	im.sections(root)
	if len(im.q.Sections) == 0 {
		return nil, im.losses, fmt.Errorf("%w: sheet survey holds no question that could be taken", surveys.ErrInvalid)
	}
	im.unused()
	if b.sheet(ownSheet) == nil {
		im.turnPages()
	}
	slices.SortStableFunc(im.losses, func(a, b Loss) int {
		if a.Sheet != b.Sheet {
			return sheetRank(a.Sheet) - sheetRank(b.Sheet)
		}
		return a.Row - b.Row
	})
	return im.q, im.losses, nil
}

func sheetRank(name string) int {
	return slices.Index([]string{"settings", "survey", "choices", ownSheet}, name)
}

// lose records what was not taken from a cell.
func (im *importer) lose(t *table, row int, column, what, why, instead string) {
	l := Loss{Sheet: strings.ToLower(strings.TrimSpace(t.name)), Row: row + 1, What: what, Why: why, Instead: instead}
	for col, h := range t.heads {
		if h.column != column || column == "" || row == 0 && t.cell(row, col) == "" {
			continue
		}
		written := t.cell(row, col) != ""
		if l.Column == "" || written {
			l.Column = workbook.Column(col) + " (" + t.cell(0, col) + ")"
		}
		if written {
			break
		}
	}
	im.losses = append(im.losses, l)
}

// settings takes the first row of the sheet.
func (im *importer) settings(b *book) {
	get := func(string) string { return "" }
	if s := b.sheet("settings"); s != nil {
		t := newTable(s)
		get = func(column string) string { return t.get(1, column) }
		for col, h := range t.heads {
			switch h.column {
			case "form_title", "form_id", "version", "default_language", "":
			default:
				if t.cell(1, col) != "" {
					im.lose(t, 1, h.column, quoted(t.cell(1, col)), "there is no such setting", "left out")
				}
			}
		}
		if id := get("form_id"); id != "" && addressOf(id) != id {
			im.lose(t, 1, "form_id", quoted(id), "an ID has only a–z, 0–9 and hyphens", "called "+quoted(addressOf(id)))
		}
	}
	im.q.ID = addressOf(get("form_id"))
	im.q.Edition = get("version")
	if im.q.Edition == "" {
		im.q.Edition = "1"
	}
	title := get("form_title")
	if title == "" {
		title = im.q.ID
	}
	im.q.Title = surveys.Text{"": title}
	im.langs["default"] = surveys.Lang(get("default_language"))
}

// addressOf makes an ID that can stand in an address.
func addressOf(s string) string {
	id := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return unicode.ToLower(r)
		}
		return '-'
	}, s)
	if id = strings.Trim(id, "-"); id == "" {
		return "form"
	}
	return strings.Trim(id[:min(len(id), 64)], "-")
}

// translatable are the columns with a wording in each language.
var translatable = []string{"label", "hint", "constraint_message", "required_message", "image", "guidance_hint", "media::audio", "media::video"}

// languages finds the languages of the form. Wordings in no named language are in the
// default language, which is Chinese where a label has Chinese characters.
func (im *importer) languages() {
	wanted := string(im.langs["default"])
	delete(im.langs, "default")
	order, plain := im.named()
	im.fallback = im.langs[wanted]
	if im.fallback == "" {
		im.fallback = surveys.Lang(languageTag(wanted))
	}
	if im.fallback == "" && len(order) > 0 {
		im.fallback = order[0]
	}
	if im.fallback == "" {
		im.fallback = surveys.EN
		if im.hasHan() {
			im.fallback = surveys.ZH
		}
		im.losses = append(im.losses, Loss{Sheet: "settings", What: "the language of the form", Why: "it is not named", Instead: "taken as " + string(im.fallback)})
	}
	if plain || len(order) == 0 {
		im.langs[""], im.langs["default"] = im.fallback, im.fallback
	}
	if !slices.Contains(order, im.fallback) {
		order = append(order, im.fallback)
	}
	slices.SortStableFunc(order, func(a, b surveys.Lang) int {
		return rank(a == im.fallback) - rank(b == im.fallback)
	})
	im.q.Languages = order
	title := im.q.Title[""]
	im.q.Title = surveys.Text{}
	for _, l := range order {
		im.q.Title[l] = title
	}
}

// named gives each language that columns name its code, in the order of the columns, and
// reports whether there are wordings in no named language.
func (im *importer) named() (order []surveys.Lang, plain bool) {
	own := surveys.Lang("qaa") // the first code for private use
	for _, t := range []*table{im.survey, im.choices} {
		if t == nil {
			continue
		}
		for col, h := range t.heads {
			if !slices.Contains(translatable, h.column) {
				continue
			}
			if h.lang == "" || strings.EqualFold(h.lang, "default") {
				plain = true
				continue
			}
			if _, known := im.langs[h.lang]; known {
				continue
			}
			tag := surveys.Lang(languageTag(h.lang))
			if tag == "" || slices.Contains(order, tag) {
				tag = own
				own = surveys.Lang("qa" + string(rune(own[2]+1)))
				if own[2] > 'z' {
					im.lose(t, 0, "", quoted(t.cell(0, col)), "a form has too many languages without a code", "left out")
					continue
				}
				im.lose(t, 0, h.column, "the language "+quoted(h.lang), "it has no code; write it as “Name (code)”", "called "+string(tag))
			}
			im.langs[h.lang] = tag
			order = append(order, tag)
		}
	}
	return order, plain
}

func rank(first bool) int {
	if first {
		return 0
	}
	return 1
}

func (im *importer) hasHan() bool {
	for row := range im.survey.rows {
		if col, ok := im.survey.at[heading{column: "label"}]; ok && row > 0 && strings.ContainsFunc(im.survey.cell(row, col), func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			return true
		}
	}
	return false
}

// known are the columns of the sheet survey.
var known = []string{"type", "name", "required", "relevant", "constraint", "calculation", "readonly", "default", "appearance", "choice_filter", "parameters", "repeat_count", "trigger"}

// lookAround records sheets, columns and places that mean nothing here.
func (im *importer) lookAround(b *book) {
	for _, s := range b.sheets {
		if !used(s.name) {
			im.losses = append(im.losses, Loss{Sheet: s.name, What: "the sheet", Why: "a form has the sheets survey, choices and settings", Instead: "left out"})
		}
		for _, o := range s.odd {
			instead := "its result was taken"
			if o.what == "merged cells" {
				instead = "only the first of them has the text"
			}
			im.losses = append(im.losses, Loss{Sheet: strings.ToLower(strings.TrimSpace(s.name)), Row: o.row + 1, Column: workbook.Column(o.col), What: o.what, Why: "a form is read as texts", Instead: instead})
		}
	}
	seen := map[heading]bool{}
	for col, h := range im.survey.heads {
		written := im.survey.cell(0, col)
		switch {
		case h.column == "" || strings.HasPrefix(h.column, ownPrefix):
		case seen[h]:
			im.lose(im.survey, 0, "", "column "+workbook.Column(col)+" "+quoted(written), "another column has the same meaning", "left out")
		case !slices.Contains(known, h.column) && !slices.Contains(translatable, h.column):
			im.lose(im.survey, 0, "", "column "+workbook.Column(col)+" "+quoted(written), "it is not known here", "left out")
		}
		seen[h] = true
	}
}

// header makes what stands above the sections: from the sheet of our own, or a trial's.
func (im *importer) header(b *book) {
	if s := b.sheet(ownSheet); s != nil {
		t := newTable(s)
		languages := im.q.Languages
		im.q.Languages = nil
		for row := 1; row < len(s.rows); row++ {
			key, value := s.cell(row, 0), s.cell(row, 1)
			if key == "" {
				continue
			}
			if err := set(im.q, key, value); err != nil {
				im.lose(t, row, "", quoted(key), err.Error(), "left out")
			}
		}
		if len(im.q.Languages) == 0 {
			im.q.Languages = languages
		}
		im.retitled(b)
		for i, bk := range im.q.Booklets {
			if bk.ID == "" {
				im.losses = append(im.losses, Loss{Sheet: ownSheet, What: fmt.Sprintf("booklet %d", i+1), Why: "it has no ID", Instead: "taken without one"})
			}
		}
		return
	}
	form := strings.ToUpper(im.q.ID)
	im.q.Statutory = surveys.Statutory{FormNumber: form, Issuer: im.q.Title, Approval: im.said(im.o.Words.Approval),
		ValidUntil: im.o.Today.AddDate(1, 0, 0).Format("2006-01-02"), Trial: true}
	im.q.Consent = im.said(im.o.Words.Consent)
	im.losses = append(im.losses, Loss{Sheet: "settings", What: "the statutory header and the consent", Why: "an XLSForm has no place for them",
		Instead: "those of a trial were put in; write your own before anybody is asked"})
}

// said is a wording in the languages of the form.
func (im *importer) said(t surveys.Text) surveys.Text {
	out := surveys.Text{}
	for _, l := range im.q.Languages {
		if out[l] = t[l]; out[l] == "" {
			out[l] = t.In(surveys.EN)
		}
	}
	return out
}

// wording reads the wordings in a row. Where one is missing in a language, the default
// language stands in; there is none when no language has one.
func (im *importer) wording(t *table, row int, column string) surveys.Text {
	out := surveys.Text{}
	for col, h := range t.heads {
		if s := strings.TrimSpace(t.cell(row, col)); h.column == column && s != "" {
			if l, ok := im.langs[h.lang]; ok {
				out[l] = s
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	best := out[im.fallback]
	for _, l := range im.q.Languages {
		if best == "" {
			best = out[l]
		}
	}
	for _, l := range im.q.Languages {
		if out[l] != "" {
			continue
		}
		if out[l] = best; column != "image" {
			im.lose(t, row, column, "no "+column+" in "+string(l), "every wording needs all languages", "taken from another language")
		}
	}
	return out
}

// plain is a text in every language.
func (im *importer) plain(s string) surveys.Text {
	t := surveys.Text{}
	for _, l := range im.q.Languages {
		t[l] = s
	}
	return t
}

func (im *importer) readChoices() {
	t := im.choices
	if t == nil {
		return
	}
	for row := 1; row < len(t.rows); row++ {
		list, name := t.get(row, "list_name"), t.get(row, "name")
		if list == "" && name == "" {
			if len(t.rows[row]) > 0 && strings.TrimSpace(strings.Join(t.rows[row], "")) != "" {
				im.lose(t, row, "", "the row", "it has no list_name and no name", "left out")
			}
			continue
		}
		l := im.lists[list]
		if l == nil {
			l = &choiceList{codes: map[string]string{}, taken: taken{}}
			im.lists[list] = l
		}
		if _, twice := l.codes[name]; twice {
			im.lose(t, row, "name", "the choice "+quoted(name), "list "+quoted(list)+" has it already", "left out")
			continue
		}
		o := surveys.Option{Code: codeOf(name), Text: im.wording(t, row, "label")}
		o.Code = l.taken.free(o.Code, 64, strings.Clone)
		if o.Code != name {
			im.lose(t, row, "name", "the name "+quoted(name), "a code has only letters, digits, _ and -", "called "+quoted(o.Code))
		}
		if o.Text == nil {
			im.lose(t, row, "name", "choice "+quoted(name), "it has no label", "its name is shown")
			o.Text = im.plain(name)
		}
		o.Exclusive, _ = yesNo(t.get(row, ownPrefix+"exclusive"))
		o.Fixed, _ = yesNo(t.get(row, ownPrefix+"fixed"))
		l.codes[name] = o.Code
		l.options = append(l.options, o)
		l.rows = append(l.rows, row)
		for _, column := range []string{"image", "media::audio", "media::video"} {
			if t.get(row, column) != "" {
				im.lose(t, row, column, quoted(t.get(row, column)), "options have no pictures or sounds", "left out")
			}
		}
	}
}

// codeOf makes the code of an option of a name.
func codeOf(name string) string {
	code := strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
	if code == "" {
		return "_"
	}
	return code[:min(len(code), 64)]
}

func (im *importer) unused() {
	for _, name := range slices.Sorted(mapsKeys(im.lists)) {
		if l := im.lists[name]; !l.used {
			im.lose(im.choices, l.rows[0], "list_name", "list "+quoted(name), "no question that was taken uses it", "left out")
		}
	}
}

// picture takes the picture of a question.
func (im *importer) picture(row int, it *surveys.Item) {
	t := im.survey
	names := im.wording(t, row, "image")
	if names == nil {
		return
	}
	name := names[im.fallback]
	if im.o.Media == nil || !fs.ValidPath(name) {
		im.lose(t, row, "image", quoted(name), "the folder with the pictures was not given", "left out")
		return
	}
	b, err := fs.ReadFile(im.o.Media, name)
	if err != nil || len(b) > 1<<20 {
		im.lose(t, row, "image", quoted(name), "there is no such picture of at most 1 MiB", "left out")
		return
	}
	f := &surveys.Figure{Alt: it.Text}
	if strings.EqualFold(path.Ext(name), ".svg") {
		f.SVG = string(b)
	} else {
		f.Image = b
	}
	it.Figure = f
	if t.get(row, ownPrefix+"type") == "" {
		im.lose(t, row, "image", quoted(name), "a form has no description of a picture for the blind", "the question stands there; describe the picture")
	}
}

func quoted(s string) string { return "“" + short(s) + "”" }
