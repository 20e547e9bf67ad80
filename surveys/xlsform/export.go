package xlsform

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// A File is a picture that belongs to a form; its name stands in the form.
type File struct {
	Name string
	Data []byte
}

// Export writes a questionnaire as an XLSForm: the bytes of an .xlsx file, and the
// pictures that belong beside it. The losses are what ODK tools will not do as our own
// pages do; in the workbook nothing is lost. An expression that XPath cannot express
// is an error, which wraps surveys.ErrInvalid.
func Export(q *surveys.Questionnaire) ([]byte, []File, []Loss, error) {
	e, err := plan(q)
	if err != nil {
		return nil, nil, nil, err
	}
	out, err := e.book().xlsx()
	return out, e.files, e.losses, err
}

// A node is a row of the sheet survey, with what a group or repeat holds. Expressions
// refer to answers as ${name}.
type node struct {
	kind, list, name                                    string
	label, hint, message                                surveys.Text
	required, relevant, constraint, calculation, filter string
	appearance, parameters, count, image                string
	own                                                 []field
	options                                             []surveys.Option
	within                                              []*node
}

func (n *node) group() bool { return n.kind == "begin_group" || n.kind == "begin_repeat" }

// An exporter plans a form.
type exporter struct {
	q       *surveys.Questionnaire
	root    []*node
	env     expr.Env
	items   map[string]*surveys.Item
	rosters map[string]string // the roster of an item in its rows
	taken   map[string]bool
	lists   []choices
	files   []File
	seed    string // the row with the seed of random orders; empty when there are none
	losses  []Loss
	err     error
}

// choices is a list of the sheet choices.
type choices struct {
	name    string
	options []surveys.Option
}

// plan turns a questionnaire into the rows of a form.
func plan(q *surveys.Questionnaire) (*exporter, error) {
	e := &exporter{q: q, env: expr.Env{}, items: map[string]*surveys.Item{}, rosters: map[string]string{}, taken: map[string]bool{"meta": true, "data": true}}
	for it := range q.Items {
		e.items[it.ID] = it
		e.taken[strings.ToLower(it.ID)] = true
		for i := range it.Items {
			e.rosters[it.Items[i].ID] = it.ID
		}
	}
	if len(q.Booklets) > 0 {
		e.lose("", "booklets", "a form asks everybody the same", "all items are asked")
	}
	for s := range q.Sections {
		e.root = append(e.root, e.section(&q.Sections[s]))
	}
	if e.seed != "" {
		e.root = append([]*node{{kind: "calculate", name: e.seed, calculation: "once(int(random() * 2147483647))", own: []field{{"part", "helper"}}}}, e.root...)
	}
	return e, e.err
}

func (e *exporter) lose(item, what, why, instead string) {
	if item != "" {
		what = item + ": " + what
	}
	e.losses = append(e.losses, Loss{Sheet: "survey", What: what, Why: why, Instead: instead})
}

// free makes a name that nobody has.
func (e *exporter) free(name string) string {
	base := name
	for n := 2; e.taken[strings.ToLower(name)]; n++ {
		name = base + "_" + strconv.Itoa(n)
	}
	e.taken[strings.ToLower(name)] = true
	return name
}

// What an expression is written for.
type purpose int

const (
	forRelevance  purpose = iota // not met when an answer is missing
	forConstraint                // kept when an answer is missing
	forValue
)

// xpath writes an expression; self is the item that a constraint is about, where names
// its place in an error.
func (e *exporter) xpath(src string, p purpose, self, where, what string) string {
	if strings.TrimSpace(src) == "" || e.err != nil {
		return ""
	}
	var text expr.XPathText
	prog, err := expr.Compile(src, e.env)
	if err == nil {
		text, err = expr.XPath(prog, func(name string) (expr.Place, bool) { return e.place(name, self) })
	}
	switch {
	case err != nil:
		e.err = fmt.Errorf("%w: %s of %s cannot be written as XPath: %w", surveys.ErrInvalid, what, where, err)
	case p == forValue:
		return text.Value
	case p == forConstraint:
		return "not(" + text.False + ")"
	}
	return text.True
}

// place spells the answer to an item.
func (e *exporter) place(name, self string) (expr.Place, bool) {
	it := e.items[name]
	if it == nil {
		return expr.Place{}, false
	}
	p := expr.Place{Path: "${" + name + "}", Code: it.Type.OneOf() || it.Type == surveys.Region, Date: it.Type == surveys.Date, Ordered: it.Type == surveys.Ranking}
	if name == self {
		p.Path = "."
	}
	if it.Type == surveys.Multiple || it.Type == surveys.Ranking {
		options := it.Options
		if from := e.items[it.From]; from != nil {
			options = joined(from.Options, options)
		}
		for _, o := range options {
			p.Options = append(p.Options, o.Code)
		}
	} else if roster := e.rosters[name]; roster != "" && e.env[name].IsList() {
		p.Count = "${" + roster + "}"
	}
	return p, true
}

func (e *exporter) section(s *surveys.Section) *node {
	name := s.ID
	if e.taken[strings.ToLower(name)] {
		name += "_section"
	}
	g := &node{kind: "begin_group", name: e.free(name), label: s.Title}
	g.relevant = e.xpath(s.Relevant, forRelevance, "", "section "+s.ID, "relevant")
	rest := *s
	rest.ID, rest.Title, rest.Intro, rest.Items = "", nil, nil, nil
	g.own = append([]field{{"part", "section"}, {"id", s.ID}}, flatten(rest)...)
	if s.Shuffle || s.Block != "" {
		e.lose(s.ID, "a random order of items or blocks", "a form has a fixed order", "asked in the order of the questionnaire")
	}
	if len(s.Checks) > 0 {
		e.lose(s.ID, "checks across items", "a form checks single answers only", "not checked")
	}
	rosters := slices.ContainsFunc(s.Items, func(it surveys.Item) bool { return it.Type == surveys.Roster })
	if e.q.Paging == surveys.PageSections && !rosters {
		g.appearance = "field-list"
	}
	if len(s.Intro) > 0 {
		g.within = append(g.within, e.worded(&node{kind: "note", name: e.free(name + "_intro"), own: []field{{"part", "intro"}}}, s.Intro, nil, "intro", g))
	}
	var grid *node
	for i := range s.Items {
		it := &s.Items[i]
		into := g
		if it.Row != "" && grid != nil {
			into = grid
		}
		e.item(it, into)
		if it.Type == surveys.Grid {
			grid = into.within[len(into.within)-1]
		}
	}
	return g
}

// worded gives a row its label and hint. Answers that are put into them are computed in
// rows before it, where they are more than the answer to a number, text or date.
func (e *exporter) worded(n *node, label, hint surveys.Text, key string, into *node) *node {
	made := map[string]string{}
	write := func(t surveys.Text, key string) surveys.Text {
		out := surveys.Text{}
		for _, l := range e.q.Languages {
			s, piped := e.piped(t[l], l, n.name, made, into)
			out[l] = s
			if piped {
				n.own = append(n.own, field{key + "." + string(l), t[l]})
			}
		}
		if len(t) == 0 {
			return nil
		}
		return out
	}
	n.label = write(label, key)
	n.hint = write(hint, "hint")
	return n
}

// piped writes a wording with ${…} in it, and whether it has any.
func (e *exporter) piped(s string, l surveys.Lang, name string, made map[string]string, into *node) (string, bool) {
	if !strings.Contains(s, "${") {
		return s, false
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "${")
		if found && strings.HasSuffix(before, "$") { // $${ is ${ as written
			b.WriteString(strings.TrimSuffix(before, "$") + "$ {")
			s = after
			continue
		}
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		src, rest, _ := strings.Cut(after, "}")
		src = strings.TrimSpace(src)
		at := made[src]
		if it := e.items[src]; it != nil && len(it.Options) == 0 {
			at = src
		}
		if at == "" {
			calc := ""
			if it := e.items[src]; it != nil && it.Type.OneOf() {
				calc = "jr:choice-name(${" + src + "}, '${" + src + "}')"
			} else {
				calc = e.xpath(src, forValue, "", "item "+name, "the text")
			}
			at = e.free(name + "_text")
			into.within = append(into.within, &node{kind: "calculate", name: at, calculation: calc, own: []field{{"part", "helper"}}})
			made[src] = at
		}
		b.WriteString("${" + at + "}")
		s = rest
	}
}

// item adds the rows of an item.
func (e *exporter) item(it *surveys.Item, into *node) {
	n := &node{name: it.ID}
	rest := *it
	rest.ID, rest.Text, rest.Hint, rest.Options, rest.Required, rest.Items = "", nil, nil, nil, false, nil
	if it.Figure != nil {
		f := *it.Figure
		n.image = e.picture(it.ID, &f)
		f.SVG, f.Image = "", nil
		rest.Figure = &f
	}
	n.own = append([]field{{"id", it.ID}}, flatten(rest)...)
	e.worded(n, it.Text, it.Hint, "text", into)
	n.relevant = e.xpath(it.Relevant, forRelevance, "", "item "+it.ID, "relevant")
	if it.From != "" { // not asked when nothing was chosen there
		asked := []string{"${" + it.From + "} != ''"}
		for _, o := range e.items[it.From].Options {
			if o.Exclusive || surveys.Reserved(o.Code) {
				asked = append(asked, "not(selected(${"+it.From+"}, '"+o.Code+"'))")
			}
		}
		n.relevant = strings.TrimSuffix(strings.Join(asked, " and ")+" and ("+n.relevant+")", " and ()")
	}
	if it.Required {
		n.required = "yes"
	}
	into.within = append(into.within, n)
	e.kind(n, it)
	switch it.Type {
	case surveys.Calculate:
		n.label, n.hint = nil, nil
		n.own = append(n.own, wordings("text", it.Text)...)
		n.own = append(n.own, wordings("hint", it.Hint)...)
		n.calculation = e.xpath(it.Calculate, forValue, "", "item "+it.ID, "calculate")
	case surveys.Roster:
		if it.Calculate != "" {
			n.kind, n.required, n.label, n.hint = "calculate", "", nil, nil
			n.own = append(n.own, wordings("text", it.Text)...)
			n.own = append(n.own, wordings("hint", it.Hint)...)
			n.calculation = e.xpath(it.Calculate, forValue, "", "item "+it.ID, "calculate")
		}
	}
	if typ := typeOf(it, e.env); typ != 0 {
		e.env[it.ID] = typ
	}
	e.constraint(n, it)
	if it.Timed || it.Page {
		e.lose(it.ID, "a page of its own", "a form has pages for groups only", "shown with its section")
	}
	if open(it.Type) && len(it.Options) > 0 {
		e.reserved(n, it, into)
	}
	if it.Type == surveys.Roster {
		e.rows(it, into)
	}
}

// wordings keeps a text beside a row that does not show it.
func wordings(key string, t surveys.Text) []field {
	var fs []field
	for _, l := range slices.Sorted(maps.Keys(t)) {
		fs = append(fs, field{key + "." + string(l), t[l]})
	}
	return fs
}

// open reports whether the answers to items of a type are typed, so that "don't know"
// needs a place of its own.
func open(t surveys.ItemType) bool {
	switch t {
	case surveys.Number, surveys.ShortText, surveys.LongText, surveys.Date, surveys.Region:
		return true
	}
	return false
}

func (e *exporter) kind(n *node, it *surveys.Item) {
	switch it.Type {
	case surveys.Single, surveys.Likert, surveys.Multiple, surveys.Ranking:
		n.kind = map[surveys.ItemType]string{surveys.Single: "select_one", surveys.Likert: "select_one", surveys.Multiple: "select_multiple", surveys.Ranking: "rank"}[it.Type]
		if it.Type == surveys.Likert {
			n.appearance = "likert"
		}
		e.offer(n, it)
	case surveys.Number:
		n.kind = "integer"
		if it.Decimals > 0 {
			n.kind = "decimal"
		}
	case surveys.LongText:
		n.kind, n.appearance = "text", "multiline"
	case surveys.Date:
		n.kind = "date"
	case surveys.Region:
		n.kind = "text"
		e.lose(it.ID, "the choice of a division", "its code list does not go with the form", "its code is typed")
	case surveys.Calculate:
		n.kind = "calculate"
	case surveys.Grid:
		n.kind, n.appearance = "begin_group", "table-list"
		n.own = append(n.own, field{"part", "grid"})
	case surveys.Roster:
		n.kind = "integer"
	case surveys.Note:
		n.kind = "note"
	default:
		n.kind = "text"
	}
}

// joined are the options given from elsewhere and the item's own; of two with one code the
// own one is offered.
func joined(given, own []surveys.Option) []surveys.Option {
	out := slices.DeleteFunc(slices.Clone(given), func(o surveys.Option) bool {
		return slices.ContainsFunc(own, func(x surveys.Option) bool { return x.Code == o.Code })
	})
	return append(out, own...)
}

// offer gives a choice its list.
func (e *exporter) offer(n *node, it *surveys.Item) {
	options := it.Options
	if from := e.items[it.From]; from != nil {
		var ways []string
		for _, o := range it.Options {
			ways = append(ways, "name = '"+o.Code+"'")
		}
		given := from.Options
		if from.From != "" {
			e.lose(it.ID, "the options chosen in "+it.From, "those are themselves chosen elsewhere", "only the options of "+it.From+" itself are offered")
		}
		options = joined(given, it.Options)
		n.filter = strings.Join(append([]string{"selected(${" + it.From + "}, name)"}, ways...), " or ")
		var codes []string
		for _, o := range it.Options {
			codes = append(codes, o.Code)
		}
		n.own = append(n.own, field{"options", strings.Join(codes, " ")})
	}
	n.options = options
	n.list = e.list(it.ID, options)
	if !it.Shuffle {
		return
	}
	if slices.ContainsFunc(options, func(o surveys.Option) bool { return o.Fixed || o.Exclusive || surveys.Reserved(o.Code) }) {
		e.lose(it.ID, "the random order of the options", "a form cannot keep some of them in their place", "offered in the order of the questionnaire")
		return
	}
	if e.seed == "" {
		e.seed = e.free("seed")
	}
	n.parameters = "randomize=true, seed=${" + e.seed + "}"
}

// list finds the list with these options, or makes one.
func (e *exporter) list(name string, options []surveys.Option) string {
	for _, l := range e.lists {
		if sameOptions(l.options, options) {
			return l.name
		}
	}
	e.lists = append(e.lists, choices{name, options})
	return name
}

func sameOptions(a, b []surveys.Option) bool {
	return slices.EqualFunc(a, b, func(a, b surveys.Option) bool {
		return a.Code == b.Code && a.Exclusive == b.Exclusive && a.Fixed == b.Fixed && maps.Equal(a.Text, b.Text)
	})
}

// constraint joins everything that an answer must keep.
func (e *exporter) constraint(n *node, it *surveys.Item) {
	var parts []string
	add := func(xpath string) {
		if xpath != "" {
			parts = append(parts, xpath)
		}
	}
	add(e.xpath(it.Constraint, forConstraint, it.ID, "item "+it.ID, "constraint"))
	messages := []surveys.Text{it.Message}
	for i, c := range it.Checks {
		if c.Soft {
			e.lose(it.ID, "a soft check", "a form has hard constraints only", "not checked")
			continue
		}
		add(e.xpath(c.Assert, forConstraint, it.ID, "item "+it.ID, fmt.Sprintf("check %d", i+1)))
		messages = append(messages, c.Message)
	}
	parts = append(parts, e.limits(it)...)
	for i, p := range parts {
		if len(parts) > 1 && strings.Contains(p, " or ") {
			parts[i] = "(" + p + ")"
		}
	}
	n.constraint = strings.Join(parts, " and ")
	n.message = e.joined(messages)
}

// limits are the constraints that the type of an item and its numbers make.
func (e *exporter) limits(it *surveys.Item) (parts []string) {
	add := func(xpath string) { parts = append(parts, xpath) }
	switch it.Type {
	case surveys.Multiple:
		for _, o := range it.Options {
			if o.Exclusive {
				add("not(selected(., '" + o.Code + "') and count-selected(.) > 1)")
			}
		}
		if it.Least > 0 {
			add("count-selected(.) >= " + strconv.Itoa(it.Least))
		}
		if it.Most > 0 {
			add("count-selected(.) <= " + strconv.Itoa(it.Most))
		}
	case surveys.Ranking:
		if it.Least > 0 || it.Most > 0 {
			e.lose(it.ID, "a ranking of some options", "a form ranks all", "all are ranked")
		}
	case surveys.Roster:
		if it.Calculate == "" {
			add(". >= " + strconv.Itoa(it.Least))
			most := surveys.MaxRows
			if it.Most > 0 {
				most = it.Most
			}
			add(". <= " + strconv.Itoa(most))
		}
	case surveys.ShortText, surveys.LongText:
		length := surveys.DefaultMaxLength
		if it.Type == surveys.LongText {
			length = surveys.DefaultMaxLongText
		}
		if it.MaxLength > 0 {
			length = it.MaxLength
		}
		add("string-length(.) <= " + strconv.Itoa(length))
	}
	return parts
}

// joined puts messages under each other, without those that need an answer.
func (e *exporter) joined(messages []surveys.Text) surveys.Text {
	text := surveys.Text{}
	for _, l := range e.q.Languages {
		var said []string
		for _, m := range messages {
			if m[l] != "" && !strings.Contains(m[l], "${") {
				said = append(said, m[l])
			}
		}
		if len(said) > 0 {
			text[l] = strings.Join(said, "\n")
		}
	}
	return text
}

// reserved asks for "don't know" and "refused" beside an answer that is typed.
func (e *exporter) reserved(n *node, it *surveys.Item, into *node) {
	q := &node{kind: "select_one", name: e.free(it.ID + "_none"), label: n.label, relevant: n.relevant, appearance: "minimal",
		constraint: "${" + it.ID + "} = ''", options: it.Options, own: []field{{"part", "reserved"}, {"of", it.ID}}}
	q.list = e.list(q.name, it.Options)
	if it.Required {
		n.required = "${" + q.name + "} = ''"
		n.own = append(n.own, field{"required", "yes"})
	}
	into.within = append(into.within, q)
}

// rows adds the repeat of a roster.
func (e *exporter) rows(it *surveys.Item, into *node) {
	r := &node{kind: "begin_repeat", name: e.free(it.ID + "_rows"), label: it.Text, count: "${" + it.ID + "}", own: []field{{"part", "rows"}, {"of", it.ID}}}
	r.relevant = "${" + it.ID + "} > 0"
	if strings.Contains(it.Text.In(e.q.Languages[0]), "${") {
		r.label = nil
	}
	into.within = append(into.within, r)
	for i := range it.Items {
		e.item(&it.Items[i], r)
	}
	for i := range it.Items {
		id := it.Items[i].ID
		if typ, ok := e.env[id]; ok && !typ.IsList() {
			e.env[id] = expr.ListOf(typ)
		}
	}
}

// picture keeps a figure as a file.
func (e *exporter) picture(id string, f *surveys.Figure) string {
	name, data := id+".svg", []byte(f.SVG)
	if len(f.Image) > 0 {
		name, data = id+"."+imageKind(f.Image), f.Image
	}
	e.files = append(e.files, File{name, data})
	return name
}

func imageKind(b []byte) string {
	switch {
	case strings.HasPrefix(string(b), "\x89PNG"):
		return "png"
	case strings.HasPrefix(string(b), "RIFF"):
		return "webp"
	}
	return "jpg"
}

// languageName is the name of a language in a heading, such as 中文 (zh).
func languageName(l surveys.Lang) string {
	switch l {
	case surveys.ZH:
		return "中文 (zh)"
	case surveys.EN:
		return "English (en)"
	}
	return string(l) + " (" + string(l) + ")"
}

// book writes the rows as sheets.
func (e *exporter) book() *book {
	survey, choices, settings, own := &sheet{name: "survey"}, &sheet{name: "choices"}, &sheet{name: "settings"}, &sheet{name: ownSheet}
	w := &rowWriter{sheet: survey, langs: e.q.Languages, at: map[string]int{}}
	for _, c := range []string{"type", "name", "label", "hint", "required", "relevant", "constraint", "constraint_message", "calculation", "appearance", "choice_filter", "parameters", "repeat_count", "image"} {
		w.column(c)
	}
	for _, n := range e.root {
		w.node(n)
	}
	c := &rowWriter{sheet: choices, langs: e.q.Languages, at: map[string]int{}}
	for _, name := range []string{"list_name", "name", "label", ownPrefix + "exclusive", ownPrefix + "fixed"} {
		c.column(name)
	}
	for _, l := range e.lists {
		for _, o := range l.options {
			c.begin()
			c.put("list_name", l.name)
			c.put("name", o.Code)
			c.text("label", o.Text)
			if o.Exclusive {
				c.put(ownPrefix+"exclusive", "yes")
			}
			if o.Fixed {
				c.put(ownPrefix+"fixed", "yes")
			}
		}
	}
	for i, s := range e.settings() {
		settings.put(0, i, s.path)
		settings.put(1, i, s.text)
	}
	rest := *e.q
	rest.Sections = nil
	own.put(0, 0, "key")
	own.put(0, 1, "value")
	for i, f := range flatten(rest) {
		own.put(i+1, 0, f.path)
		own.put(i+1, 1, f.text)
	}
	return &book{sheets: []*sheet{survey, choices, settings, own}}
}

func (e *exporter) settings() []field {
	return []field{{"form_title", e.q.Title.In(e.q.Languages[0])}, {"form_id", e.q.ID}, {"version", e.q.Edition}, {"default_language", languageName(e.q.Languages[0])}}
}

// A rowWriter fills a sheet row by row, by the names of columns.
type rowWriter struct {
	*sheet
	langs []surveys.Lang
	at    map[string]int
	row   int
}

var worded = []string{"label", "hint", "constraint_message"}

// column makes a column, or one for each language.
func (w *rowWriter) column(name string) {
	heads := []string{name}
	if slices.Contains(worded, name) {
		heads = nil
		for _, l := range w.langs {
			heads = append(heads, name+"::"+languageName(l))
		}
	}
	for i, h := range heads {
		col := len(rowOf(w.sheet, 0))
		if w.sheet.put(0, col, h); i == 0 {
			w.at[name] = col
		}
	}
}

func (w *rowWriter) begin() { w.row++ }

func (w *rowWriter) put(column, text string) {
	if text == "" {
		return
	}
	if _, ok := w.at[column]; !ok {
		w.column(column)
	}
	w.sheet.put(w.row, w.at[column], text)
}

func (w *rowWriter) text(column string, t surveys.Text) {
	for i, l := range w.langs {
		if t[l] != "" {
			w.sheet.put(w.row, w.at[column]+i, t[l])
		}
	}
}

func (w *rowWriter) node(n *node) {
	w.begin()
	for _, c := range n.cells() {
		w.put(c.path, c.text)
	}
	w.text("label", n.label)
	w.text("hint", n.hint)
	w.text("constraint_message", n.message)
	if n.image != "" {
		w.put("image", n.image)
	}
	for _, f := range n.own {
		w.put(ownPrefix+f.path, f.text)
	}
	for _, c := range n.within {
		w.node(c)
	}
	if n.group() {
		w.begin()
		w.put("type", "end"+strings.TrimPrefix(n.kind, "begin"))
		w.put("name", n.name)
	}
}

// cells are the cells of a row that are in no language.
func (n *node) cells() []field {
	kind := n.kind
	if n.list != "" {
		kind += " " + n.list
	}
	return []field{{"type", kind}, {"name", n.name}, {"required", n.required}, {"relevant", n.relevant}, {"constraint", n.constraint},
		{"calculation", n.calculation}, {"appearance", n.appearance}, {"choice_filter", n.filter}, {"parameters", n.parameters}, {"repeat_count", n.count}}
}

// An edit is a cell that was changed after Export: the name of its row and its column,
// with "::" and the language where it has one.
type edit struct{ name, column string }

// edits finds the cells of an exported workbook that Export would write in another way.
func edits(b *book, q *surveys.Questionnaire) map[edit]bool {
	e, err := plan(q)
	if err != nil {
		return nil // then the questionnaire is at fault, and its reader says where
	}
	fresh := map[string]int{}
	again := newTable(e.book().sheet("survey"))
	for row := range again.rows {
		if !strings.HasPrefix(again.get(row, "type"), "end") {
			fresh[again.get(row, "name")] = row
			fresh[ownID(again, row)] = row
		}
	}
	delete(fresh, "")
	t := newTable(b.sheet("survey"))
	changed := map[edit]bool{}
	for row := 1; row < len(t.rows); row++ {
		name := t.get(row, "name")
		at, ok := fresh[name]
		if !ok { // another program renamed the row
			at, ok = fresh[ownID(t, row)]
		}
		if !ok || strings.HasPrefix(t.get(row, "type"), "end") {
			continue
		}
		for col, h := range t.heads {
			if strings.HasPrefix(h.column, ownPrefix) || h.column == "" {
				continue
			}
			column := h.column
			if h.lang != "" {
				column += "::" + languageTag(h.lang)
			}
			other, known := again.at[h]
			if known && strings.TrimSpace(t.cell(row, col)) != strings.TrimSpace(again.cell(at, other)) {
				changed[edit{name, column}] = true
			}
		}
	}
	return changed
}

// ownID is what Export calls a row whatever its name: no name has such a text.
func ownID(t *table, row int) string {
	if id := t.get(row, ownPrefix+"id"); id != "" {
		return t.get(row, ownPrefix+"part") + ":" + id
	}
	return ""
}

// version is the version of a form: ODK tells forms apart by it.
func version(q *surveys.Questionnaire) string { return q.Edition + "-" + q.Version() }
