package xlsform

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

func mapsKeys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// maxGroups is how deep groups may stand in each other.
const maxGroups = 20

// A block is a row of the sheet survey, with what a group or repeat holds.
type block struct {
	row        int
	kind, list string
	other      bool
	name       string
	within     []*block
}

// tree puts the rows into their groups.
func (im *importer) tree() (*block, error) {
	root := &block{kind: "begin_group"}
	open := []*block{root}
	t := im.survey
	for row := 1; row < len(t.rows); row++ {
		written := t.get(row, "type")
		if written == "" {
			if t.get(row, "name") != "" || im.wording(t, row, "label") != nil {
				im.lose(t, row, "", "the row", "it has no type", "left out")
			}
			continue
		}
		if strings.HasPrefix(written, "#") {
			continue
		}
		b := &block{row: row, name: t.get(row, "name")}
		b.kind, b.list, b.other = kind(written)
		top := open[len(open)-1]
		switch {
		case b.kind == "begin_group" || b.kind == "begin_repeat":
			if len(open) > maxGroups {
				return nil, fmt.Errorf("%w: survey row %d: groups stand more than %d deep in each other", surveys.ErrInvalid, row+1, maxGroups)
			}
			top.within = append(top.within, b)
			open = append(open, b)
		case b.kind == "end_group" || b.kind == "end_repeat":
			if len(open) == 1 || "begin"+strings.TrimPrefix(b.kind, "end") != top.kind {
				return nil, fmt.Errorf("%w: survey row %d: %s ends nothing that begins above it; groups and repeats must end in the reverse order", surveys.ErrInvalid, row+1, written)
			}
			if b.name != "" && b.name != top.name {
				return nil, fmt.Errorf("%w: survey row %d: the end of %q stands where %q of row %d ends", surveys.ErrInvalid, row+1, short(b.name), short(top.name), top.row+1)
			}
			open = open[:len(open)-1]
		case b.kind == "":
			im.noType(row, written)
		default:
			top.within = append(top.within, b)
		}
	}
	if len(open) > 1 {
		return nil, fmt.Errorf("%w: survey row %d: %q has no end", surveys.ErrInvalid, open[len(open)-1].row+1, short(open[len(open)-1].name))
	}
	return root, nil
}

// noType records a row of a type that cannot be taken.
func (im *importer) noType(row int, written string) {
	first, _, _ := strings.Cut(strings.ToLower(written), " ")
	switch {
	case slices.Contains(recorded, word(written)) || slices.Contains(recorded, first):
		im.lose(im.survey, row, "type", quoted(written), "a phone fills it in", "left out; an interview records its own times")
	default:
		im.lose(im.survey, row, "type", quoted(written)+" "+im.survey.get(row, "name"), "there is no such type of question here", "left out")
	}
}

// names gives every row with a name the ID that expressions use.
func (im *importer) names(root *block) {
	for _, b := range root.within {
		if own := im.survey.get(b.row, ownPrefix+"id"); own != "" {
			im.ids[b.name] = own
			im.taken[strings.ToLower(own)] = 2
		} else if part := im.survey.get(b.row, ownPrefix+"part"); part == "" {
			id := im.free(b.name)
			if b.name == "" {
				im.lose(im.survey, b.row, "type", "the row", "it has no name", "called "+quoted(id))
			} else if _, twice := im.ids[b.name]; twice {
				im.lose(im.survey, b.row, "name", quoted(b.name), "another row has this name", "called "+quoted(id)+"; expressions mean the first")
				b.name = "row " + strconv.Itoa(b.row+1)
			} else if id != b.name {
				im.lose(im.survey, b.row, "name", quoted(b.name), "an ID is a letter, then letters, digits and _, and used once, in small or capital letters", "called "+quoted(id))
			}
			if b.name == "" {
				b.name = id
			}
			im.ids[b.name] = id
		}
		im.names(b)
	}
}

// taken are names that are in use, each with the number that the next name like it gets.
type taken map[string]int

// free takes a name of at most so many bytes that nobody has: this one, or with a number.
// Names that fold makes equal count as one.
func (t taken) free(name string, most int, fold func(string) string) string {
	base := fold(name)
	if t[base] == 0 {
		t[base] = 2
		return name
	}
	for ; ; t[base]++ {
		number := "_" + strconv.Itoa(t[base])
		again := name[:min(len(name), most-len(number))] + number
		if t[fold(again)] == 0 {
			t[base]++
			t[fold(again)] = 2
			return again
		}
	}
}

// free makes an ID that nobody has.
func (im *importer) free(name string) string {
	name = name[:min(len(name), 4*56)] // no more is used
	id := strings.Map(func(r rune) rune {
		if r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
	if id = id[:min(len(id), 56)]; !expr.IsName(id) || id[0] == '_' {
		id = "q_" + id
	}
	return im.taken.free(id, 64, strings.ToLower)
}

// sections makes a section of each group that stands in no other, and of the
// questions between them.
func (im *importer) sections(root *block) {
	var loose *surveys.Section
	for _, b := range root.within {
		own := im.survey.get(b.row, ownPrefix+"part")
		if b.kind != "begin_group" || own != "" && own != "section" {
			if loose == nil {
				loose = &surveys.Section{ID: im.free("form"), Title: im.q.Title}
			}
			im.block(b, &loose.Items, nil, false)
			continue
		}
		im.close(loose)
		loose = nil
		im.section(b)
	}
	im.close(loose)
}

// close adds a section that has items.
func (im *importer) close(s *surveys.Section) {
	if s != nil && len(s.Items) > 0 {
		im.q.Sections = append(im.q.Sections, *s)
	}
}

func (im *importer) section(b *block) {
	t := im.survey
	s := &surveys.Section{ID: im.ids[b.name], Title: im.texts(b.row, "label", "")}
	if s.Title == nil {
		s.Title = im.plain(b.name)
		im.lose(t, b.row, "name", "group "+quoted(b.name), "it has no label", "its name is shown")
	}
	own := t.get(b.row, ownPrefix+"part") == "section"
	s.Relevant = im.relevant(b.row)
	if own {
		relevant := s.Relevant
		s.Relevant = ""
		im.own(b.row, s)
		if im.edited(b, "relevant") {
			s.Relevant = relevant
			im.took(b, "relevant")
		}
		im.ignored(b, map[string]string{"name": renamed(s.ID), "appearance": asExported})
	}
	im.cells(b)
	within := b.within
	if own && len(within) > 0 && t.get(within[0].row, ownPrefix+"part") == "intro" {
		s.Intro = im.texts(within[0].row, "label", "intro")
		within = within[1:]
	}
	if hasWord(t.get(b.row, "appearance"), "table-list") && !own {
		id := im.free(im.ids[b.name] + "_grid")
		im.rows(&block{row: b.row, name: b.name, within: within}, id, &s.Items, nil)
	} else {
		for _, c := range within {
			im.block(c, &s.Items, nil, false)
		}
	}
	if len(s.Items) == 0 {
		im.lose(t, b.row, "name", "group "+quoted(b.name), "nothing in it could be taken", "left out")
		return
	}
	im.q.Sections = append(im.q.Sections, *s)
}

func hasWord(s, w string) bool { return slices.Contains(strings.Fields(s), w) }

// own sets the fields that columns of our own hold for a row.
func (im *importer) own(row int, v any) {
	t := im.survey
	for col, h := range t.heads {
		path, ok := strings.CutPrefix(h.column, ownPrefix)
		text := t.cell(row, col)
		if !ok || text == "" || slices.Contains([]string{"part", "id", "options"}, path) || strings.HasPrefix(path, "text.") || strings.HasPrefix(path, "hint.") || strings.HasPrefix(path, "intro.") {
			continue
		}
		if err := set(v, path, text); err != nil {
			im.lose(t, row, h.column, quoted(text), err.Error(), "left out")
		}
	}
}

// block adds the items of a row. The conditions are those of the groups around it.
func (im *importer) block(b *block, items *[]surveys.Item, conds []string, inRoster bool) {
	t := im.survey
	part := t.get(b.row, ownPrefix+"part")
	switch {
	case part == "helper":
		im.unlike(b)
	case part == "reserved":
		im.unlike(b)
		im.reserved(b, items)
	case part == "rows":
		im.unlike(b)
		im.ownRows(b, items)
	case part == "grid":
		it := surveys.Item{ID: im.ids[b.name], Text: im.texts(b.row, "label", "text"), Hint: im.texts(b.row, "hint", "hint")}
		im.finish(b, &it, im.relevant(b.row), "")
		grid := len(*items)
		*items = append(*items, it)
		for _, c := range b.within {
			im.block(c, items, nil, inRoster)
		}
		if grid+1 < len(*items) {
			(*items)[grid].Options = (*items)[grid+1].Options
		}
	case b.kind == "begin_repeat":
		im.repeat(b, items, conds, inRoster)
	case b.kind == "begin_group":
		im.group(b, items, conds, inRoster)
	default:
		im.question(b, items, conds)
	}
}

// group takes a group inside a section: a table of questions with the same choices is
// a grid, any other is dissolved.
func (im *importer) group(b *block, items *[]surveys.Item, conds []string, inRoster bool) {
	t := im.survey
	im.cells(b)
	if rel := im.relevant(b.row); rel != "" {
		conds = append(slices.Clone(conds), rel)
	}
	if hasWord(t.get(b.row, "appearance"), "table-list") {
		im.rows(b, im.ids[b.name], items, conds)
		return
	}
	if label := im.texts(b.row, "label", ""); label != nil {
		im.lose(t, b.row, "", "group "+quoted(b.name), "a section has no groups", "its label is a note, its condition stands at each of its questions")
		*items = append(*items, surveys.Item{ID: im.ids[b.name], Type: surveys.Note, Text: label, Relevant: all(conds)})
	} else {
		im.lose(t, b.row, "", "group "+quoted(b.name), "a section has no groups", "its questions stand in the section, each with the condition of the group")
	}
	for _, c := range b.within {
		im.block(c, items, conds, inRoster)
	}
}

// rows makes a grid of the questions of a group, when all have the same choices.
func (im *importer) rows(b *block, id string, items *[]surveys.Item, conds []string) {
	label := im.texts(b.row, "label", "")
	same, grid := label != nil, len(*items)
	for _, c := range b.within {
		same = same && c.kind == "select_one" && !c.other && c.list == b.within[0].list && im.survey.get(c.row, "choice_filter") == ""
	}
	if same && len(b.within) > 0 {
		*items = append(*items, surveys.Item{ID: id, Type: surveys.Grid, Text: label, Relevant: all(conds)})
	} else {
		im.lose(im.survey, b.row, "appearance", "table-list", "not all of its questions choose one of the same list, or the group has no label", "they stand one below the other")
		id = ""
	}
	for _, c := range b.within {
		from := len(*items)
		im.block(c, items, conds, false)
		if id != "" && len(*items) > from {
			(*items)[from].Row = id
			(*items)[grid].Options = (*items)[from].Options
		}
	}
}

// all joins conditions.
func all(conds []string) string {
	parts := []string{}
	for _, c := range conds {
		if c != "" {
			parts = append(parts, c)
		}
	}
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	for i, p := range parts {
		if strings.Contains(p, "||") || strings.Contains(p, "?") {
			parts[i] = "(" + p + ")"
		}
	}
	return strings.Join(parts, " && ")
}

// repeat takes a repeat as a roster.
func (im *importer) repeat(b *block, items *[]surveys.Item, conds []string, inRoster bool) {
	t := im.survey
	im.cells(b)
	if inRoster {
		im.lose(t, b.row, "", "repeat "+quoted(b.name), "a roster has no roster in its rows", "left out with everything in it")
		im.leave(b)
		return
	}
	it := surveys.Item{ID: im.ids[b.name], Type: surveys.Roster, Text: im.texts(b.row, "label", ""), Relevant: all(append(slices.Clone(conds), im.relevant(b.row)))}
	if it.Text == nil {
		it.Text = im.plain(b.name)
		im.lose(t, b.row, "name", "repeat "+quoted(b.name), "it has no label", "its name is shown")
	}
	if count := t.get(b.row, "repeat_count"); count != "" {
		src, err := im.translator("").calculation(count)
		if err != nil {
			im.lose(t, b.row, "repeat_count", quoted(count), err.Error(), "the number of rows is asked for")
		}
		it.Calculate = src
	} else {
		im.lose(t, b.row, "", "repeat "+quoted(b.name), "rows are not added one by one here", "the number of rows is asked for first, with the label of the repeat; check its words")
	}
	im.enter(&it)
	im.rowItems(b, &it)
	if len(it.Items) == 0 {
		im.lose(t, b.row, "name", "repeat "+quoted(b.name), "nothing in it could be taken", "left out")
		delete(im.env, it.ID)
		return
	}
	*items = append(*items, it)
}

// rowItems adds the items of a roster's rows; after it their answers are lists.
func (im *importer) rowItems(b *block, it *surveys.Item) {
	for _, c := range b.within {
		im.block(c, &it.Items, nil, true)
	}
	for _, row := range it.Items {
		if typ, ok := im.env[row.ID]; ok {
			delete(im.env, row.ID)
			if !typ.IsList() {
				im.env[row.ID] = expr.ListOf(typ)
			}
		}
	}
}

// ownRows adds the rows to a roster that Export wrote as a question and a repeat.
func (im *importer) ownRows(b *block, items *[]surveys.Item) {
	roster := im.survey.get(b.row, ownPrefix+"of")
	for i := range *items {
		if it := &(*items)[i]; it.ID == roster {
			im.rowItems(b, it)
			return
		}
	}
	im.lose(im.survey, b.row, "", "repeat "+quoted(b.name), "the question with the number of its rows is missing", "left out")
}

// reserved adds the options that Export wrote as a question of their own.
func (im *importer) reserved(b *block, items *[]surveys.Item) {
	of := im.survey.get(b.row, ownPrefix+"of")
	for i := range *items {
		if it := &(*items)[i]; it.ID == of {
			if l := im.list(b, false); l != nil {
				it.Options = slices.Clone(l.options)
			}
			return
		}
	}
	im.lose(im.survey, b.row, "", quoted(b.name), "the question it belongs to is missing", "left out")
}

// leave records every row inside something that was left out.
func (im *importer) leave(b *block) {
	for _, c := range b.within {
		im.lose(im.survey, c.row, "name", quoted(c.name), "what it stands in was left out", "left out")
		im.leave(c)
	}
}

// relevant translates the condition of a row.
func (im *importer) relevant(row int) string {
	src := im.survey.get(row, "relevant")
	if src == "" {
		return ""
	}
	out, err := im.translator("").condition(src, countsFalse)
	if err != nil {
		if im.survey.get(row, ownPrefix+"relevant") == "" || im.changed[edit{im.survey.get(row, "name"), "relevant"}] {
			im.lose(im.survey, row, "relevant", quoted(src), err.Error(), "asked of everybody")
		}
		return ""
	}
	return out
}

func (im *importer) translator(self string) *translator {
	return &translator{env: im.env, ids: im.ids, items: im.items, self: self, code: func(item, choice string) string {
		if l := im.listOf(item); l != nil && l.codes[choice] != "" {
			return l.codes[choice]
		}
		return choice
	}}
}

// listOf finds the list that an item's options come from.
func (im *importer) listOf(item string) *choiceList { return im.from[item] }

// texts reads a wording and the answers put into it. Where Export kept the wording as
// it was, under path, and the cell beside it is unchanged, that counts.
func (im *importer) texts(row int, column, path string) surveys.Text {
	t := im.wording(im.survey, row, column)
	for _, l := range im.q.Languages {
		s := t[l]
		if kept := im.survey.get(row, ownPrefix+path+"."+string(l)); path != "" && kept != "" && !im.changed[edit{im.survey.get(row, "name"), column + "::" + string(l)}] {
			if t == nil {
				t = surveys.Text{}
			}
			t[l] = kept
			continue
		}
		var b strings.Builder
		for {
			before, after, found := strings.Cut(s, "${")
			b.WriteString(before)
			if !found {
				break
			}
			name, rest, closed := strings.Cut(after, "}")
			id := im.ids[strings.TrimSpace(name)]
			if _, known := im.env[id]; known && closed {
				b.WriteString("${" + id + "}")
			} else {
				b.WriteString("$${" + name + "}")
				im.lose(im.survey, row, column, quoted("${"+name+"}"), "it is not asked before, or was left out", "shown as it is written")
			}
			s = rest
		}
		if t != nil {
			t[l] = b.String()
		}
	}
	return t
}

// enter makes an item known to the expressions after it.
func (im *importer) enter(it *surveys.Item) {
	kept := *it
	im.items[it.ID] = &kept
	if typ := typeOf(it, im.env); typ != 0 {
		im.env[it.ID] = typ
	}
}

// typeOf is the type of an item's answer in expressions, 0 when it has none.
func typeOf(it *surveys.Item, env expr.Env) expr.Type {
	switch it.Type {
	case surveys.Single, surveys.Likert, surveys.ShortText, surveys.LongText, surveys.Date, surveys.Region:
		return expr.String
	case surveys.Multiple, surveys.Ranking:
		return expr.Strings
	case surveys.Roster:
		return expr.Int
	case surveys.Number:
		if it.Decimals > 0 {
			return expr.Double
		}
		return expr.Int
	case surveys.Calculate:
		if p, err := expr.Compile(it.Calculate, env); err == nil {
			return p.Type()
		}
	}
	return 0
}
