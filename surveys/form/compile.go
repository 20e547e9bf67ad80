package form

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// Fault is one reason why a questionnaire cannot be asked.
type Fault struct {
	// Section and Item say where; Item is empty when the section itself is at fault,
	// and both are when it is the whole questionnaire.
	Section, Item string
	// Field is the JSON name of the field at fault, such as "relevant".
	Field string
	// Err is the cause, an *expr.Error with line and column when it lies in an expression.
	Err error
}

// Error says where and why in one text.
func (f Fault) Error() string {
	where := "questionnaire"
	switch {
	case f.Item != "":
		where = "item " + strconv.Quote(f.Item)
	case f.Section != "":
		where = "section " + strconv.Quote(f.Section)
	}
	return where + ", " + f.Field + ": " + f.Err.Error()
}

// Unwrap returns the cause.
func (f Fault) Unwrap() error { return f.Err }

// Faults are all the faults of a questionnaire: those of its build in its order,
// then those of its expressions.
type Faults []Fault

// Error lists the faults, each on a line of its own.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// The limits of a form.
const (
	MaxSlots   = 50_000 // places for answers, counting every row
	MaxRosters = 20
)

// Compile prepares a questionnaire, which must not be changed afterwards; lists are the
// code lists of its region items. When it cannot be asked as it is, the error is a
// Faults that lists everything found wrong.
func Compile(q *surveys.Questionnaire, lists ...*geo.List) (*Form, error) {
	c := &compiler{
		f:      &Form{q: q, index: map[string]int{}, booklets: map[string][]bool{}, inclusion: map[string]map[string]float64{}, texts: map[textKey]*piped{}},
		lists:  lists,
		env:    expr.Env{},
		roster: -1,
	}
	c.lay()
	if c.tooLarge() {
		return nil, c.faults
	}
	c.runs()
	c.units()
	c.types()
	for s := range c.f.sections {
		c.section(s)
	}
	c.booklets()
	if len(c.faults) > 0 {
		return nil, c.faults
	}
	c.f.plain = c.f.lay(0)
	return c.f, nil
}

type compiler struct {
	f      *Form
	lists  []*geo.List
	env    expr.Env // every item with an answer, as seen from roster
	roster int      // position of the roster in whose rows env holds, or -1
	faults Faults
}

// lay puts all sections and items in order.
func (c *compiler) lay() {
	if len(c.f.q.Sections) == 0 {
		c.fault("", "", "sections", "the questionnaire has no sections")
	}
	c.f.sectionIndex = map[string]int{}
	for s := range c.f.q.Sections {
		def := &c.f.q.Sections[s]
		c.f.sections = append(c.f.sections, section{def: def})
		if _, twice := c.f.sectionIndex[def.ID]; !twice {
			c.f.sectionIndex[def.ID] = s
		}
	}
	for s := range c.f.sections {
		sec := &c.f.sections[s]
		switch {
		case sec.def.ID == "":
			c.fault("", "", "sections", "section "+strconv.Itoa(s+1)+" has no id")
		case c.f.sectionIndex[sec.def.ID] != s:
			c.fault(sec.def.ID, "", "id", "another section has this id")
		}
		sec.first = len(c.f.items)
		for i := range sec.def.Items {
			c.item(s, &sec.def.Items[i], -1)
		}
		sec.end = len(c.f.items)
	}
}

// tooLarge reports a form that would take too much memory.
func (c *compiler) tooLarge() bool {
	rosters := 0
	for i := range c.f.items {
		if c.f.items[i].def.Type == surveys.Roster {
			rosters++
		}
	}
	if c.f.slots > MaxSlots {
		c.fault("", "", "sections", "an interview could have "+strconv.Itoa(c.f.slots)+" answers; the limit is "+strconv.Itoa(MaxSlots))
	}
	if rosters > MaxRosters {
		c.fault("", "", "sections", "there are "+strconv.Itoa(rosters)+" rosters; the limit is "+strconv.Itoa(MaxRosters))
	}
	return c.f.slots > MaxSlots || rosters > MaxRosters
}

// item adds an item to the form, and the items of a roster after it.
func (c *compiler) item(s int, def *surveys.Item, roster int) {
	fault := func(field, msg string) { c.fault(c.f.q.Sections[s].ID, def.ID, field, msg) }
	it := item{def: def, section: s, roster: roster, rows: 1, slot: c.f.slots, typ: typeOf(def), grid: -1, from: -1}
	if !expr.IsName(def.ID) {
		fault("id", strconv.Quote(def.ID)+" cannot be used in expressions; an id is a letter, "+
			"then letters, digits and _, and no word of the expression language")
	} else if _, ok := c.f.index[def.ID]; ok {
		fault("id", "another item has this id")
	} else if _, ok := c.f.sectionIndex[def.ID]; ok {
		fault("id", "a section has this id")
	} else {
		c.f.index[def.ID] = len(c.f.items)
	}
	if roster >= 0 {
		it.rows = rowsOf(c.f.items[roster].def)
	}
	c.from(&it, fault)
	it.options = c.options(&it, fault)
	c.limits(&it, fault)
	c.row(&it, fault)
	c.division(&it, fault)
	c.f.slots += it.rows
	c.f.items = append(c.f.items, it)
	if def.Type != surveys.Roster {
		if len(def.Items) > 0 {
			fault("items", "only a roster has items of its own")
		}
		return
	}
	at := len(c.f.items) - 1
	for i := range def.Items {
		c.item(s, &def.Items[i], at)
	}
}

// rowsOf is how many rows a roster can have.
func rowsOf(def *surveys.Item) int {
	if def.Most > 0 && def.Most < surveys.MaxRows {
		return def.Most
	}
	return surveys.MaxRows
}

// typeOf returns the type that answers have in expressions; 0 when there are none, or
// when a calculation gives it.
func typeOf(def *surveys.Item) expr.Type {
	switch def.Type {
	case surveys.Single, surveys.Likert, surveys.ShortText, surveys.LongText, surveys.Date, surveys.Region:
		return expr.String
	case surveys.Multiple, surveys.Ranking:
		return expr.Strings
	case surveys.Number:
		if def.Decimals > 0 {
			return expr.Double
		}
		return expr.Int
	case surveys.Roster:
		return expr.Int
	}
	return 0
}

// from finds the item whose chosen options are offered.
func (c *compiler) from(it *item, fault func(field, msg string)) {
	if it.def.From == "" {
		return
	}
	i, ok := c.f.index[it.def.From]
	switch {
	case !choice(it.def.Type):
		fault("from", "only single, likert, multiple and ranking items offer options chosen elsewhere")
	case !ok || i == len(c.f.items):
		fault("from", "no item before this one is called "+strconv.Quote(it.def.From))
	case c.f.items[i].def.Type != surveys.Multiple && c.f.items[i].def.Type != surveys.Ranking:
		fault("from", it.def.From+" is no multiple or ranking item, so nothing is chosen from it")
	case c.f.items[i].roster >= 0 && c.f.items[i].roster != it.roster:
		fault("from", it.def.From+" is asked in every row of a roster; there is not one choice to take")
	case c.chain(i) == surveys.MaxFrom:
		fault("from", "options are handed on at most "+strconv.Itoa(surveys.MaxFrom)+" times")
	default:
		it.from = i
	}
}

// chain is how often the options of item i were handed on.
func (c *compiler) chain(i int) (n int) {
	for ; c.f.items[i].from >= 0; n++ {
		i = c.f.items[i].from
	}
	return n
}

func choice(t surveys.ItemType) bool {
	return t.OneOf() || t == surveys.Multiple || t == surveys.Ranking
}

// options numbers the options and checks that the type of the item has such ones. The
// number of an option that is offered from elsewhere is its place there.
func (c *compiler) options(it *item, fault func(field, msg string)) map[string]int {
	def := it.def
	index := make(map[string]int, len(def.Options))
	for i, o := range def.Options {
		if !validCode(o.Code) {
			fault("options", strconv.Quote(o.Code)+" is no code; a code is letters, digits, _ and -")
		}
		if _, ok := index[o.Code]; ok {
			fault("options", "two options have the code "+strconv.Quote(o.Code))
		}
		index[o.Code] = i
		if it.given() && !choice(def.Type) && def.Type != surveys.Roster && !surveys.Reserved(o.Code) {
			fault("options", "an item of type "+string(def.Type)+" can only have the options "+surveys.DontKnow+" and "+surveys.Refused)
		}
	}
	switch {
	case choice(def.Type) && len(def.Options) == 0 && def.From == "":
		fault("options", "there is nothing to choose from; give options")
	case !def.Type.Answered() && def.Type != surveys.Grid && len(def.Options) > 0,
		(def.Type == surveys.Calculate || def.Type == surveys.Roster) && len(def.Options) > 0:
		fault("options", "an item of type "+string(def.Type)+" has no options")
	}
	for i := it.from; i >= 0; i = c.f.items[i].from {
		for _, o := range c.f.items[i].def.Options {
			if _, ok := index[o.Code]; ok && goesOn(o) {
				fault("options", "the code "+strconv.Quote(o.Code)+" is offered from "+c.f.items[i].def.ID+" already")
			}
		}
	}
	return index
}

// validCode reports whether s is made of letters, digits, _ and - only.
func validCode(s string) bool {
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-':
		default:
			return false
		}
	}
	return s != ""
}

// Types are the item types, in the order of their documentation.
var Types = []surveys.ItemType{surveys.Single, surveys.Likert, surveys.Multiple, surveys.Ranking, surveys.Number, surveys.ShortText,
	surveys.LongText, surveys.Date, surveys.Region, surveys.Calculate, surveys.Grid, surveys.Roster, surveys.Note}

// limits checks the type and the numbers that bound an answer.
func (c *compiler) limits(it *item, fault func(field, msg string)) {
	def := it.def
	if !slices.Contains(Types, def.Type) {
		names := make([]string, len(Types))
		for i, t := range Types {
			names[i] = string(t)
		}
		fault("type", "there is no type "+strconv.Quote(string(def.Type))+"; the types are "+strings.Join(names, ", "))
	}
	if def.Decimals < 0 || def.Decimals > MaxDigits {
		fault("decimals", "a number has from 0 to "+strconv.Itoa(MaxDigits)+" decimals")
	}
	if def.MaxLength < 0 {
		fault("max_length", "a length is not negative")
	}
	if def.Least < 0 || def.Most < 0 || def.Most > 0 && def.Least > def.Most {
		fault("least", "least and most are not negative, and least is not more than most")
	}
	if def.Type == surveys.Roster && (def.Most > surveys.MaxRows || def.Least > surveys.MaxRows) {
		fault("most", "a roster has at most "+strconv.Itoa(surveys.MaxRows)+" rows")
	}
	if !def.Type.Answered() && (def.Constraint != "" || len(def.Checks) > 0) {
		field := "constraint"
		if def.Constraint == "" {
			field = "checks"
		}
		fault(field, "a "+string(def.Type)+" takes no answer that could be checked")
	}
	switch {
	case def.Calculate != "" && def.Required:
		fault("required", "what is calculated is not asked for, so it cannot be required")
	case def.Type == surveys.Calculate && strings.TrimSpace(def.Calculate) == "":
		fault("calculate", "a calculate item needs the expression that gives its value")
	case def.Calculate != "" && def.Type != surveys.Calculate && def.Type != surveys.Roster:
		fault("calculate", "only calculate items and rosters are computed")
	case def.Type == surveys.Roster && it.roster >= 0:
		fault("type", "a roster stands in no other roster")
	case def.Type == surveys.Roster && len(def.Items) == 0:
		fault("items", "a roster needs items to ask in each row")
	}
}

// row checks that a row follows its grid, or another row of it.
func (c *compiler) row(it *item, fault func(field, msg string)) {
	if it.def.Row == "" {
		return
	}
	grid := len(c.f.items) - 1
	if grid >= 0 && c.f.items[grid].grid >= 0 && c.f.items[grid].def.Row == it.def.Row {
		grid = c.f.items[grid].grid
	}
	switch {
	case !it.def.Type.OneOf():
		fault("row", "the rows of a grid are single or likert items")
	case it.def.Page || it.def.Timed:
		fault("row", "a grid is one page; give page and timed to the grid, not to its rows")
	}
	if grid < 0 || c.f.items[grid].def.Type != surveys.Grid || c.f.items[grid].def.ID != it.def.Row ||
		c.f.items[grid].section != it.section || c.f.items[grid].roster != it.roster {
		fault("row", "it must follow the grid "+strconv.Quote(it.def.Row)+" or another row of it at once")
		return
	}
	it.grid = grid
	if it.from >= 0 || !sameCodes(it.def.Options, c.f.items[grid].def.Options) {
		fault("row", "the rows of a grid have the options of the grid")
	}
}

func sameCodes(a, b []surveys.Option) bool {
	return slices.EqualFunc(a, b, func(x, y surveys.Option) bool { return x.Code == y.Code })
}

// division finds the code list of a region.
func (c *compiler) division(it *item, fault func(field, msg string)) {
	d := it.def.Division
	if it.def.Type != surveys.Region {
		if d != nil {
			fault("division", "only a region item is chosen from a code list")
		}
		return
	}
	if d == nil {
		fault("division", "a region item needs a code list and a level")
		return
	}
	at := slices.IndexFunc(c.lists, func(l *geo.List) bool { return l.ID == d.List })
	switch {
	case at < 0:
		var have []string
		for _, l := range c.lists {
			have = append(have, l.ID)
		}
		fault("division", "there is no code list "+strconv.Quote(d.List)+"; there are: "+strings.Join(have, ", "))
		return
	case !geo.Level(d.Level).Valid():
		fault("division", strconv.Quote(d.Level)+" is no level; the levels are province, city, county, township and village")
	case d.Within != "" && len(c.lists[at].Parts(geo.Short(d.Within))) == 0:
		fault("division", "the code list "+d.List+" has no parts of "+strconv.Quote(d.Within))
	}
	it.list = c.lists[at]
}

// runs numbers the runs of sections whose blocks change places.
func (c *compiler) runs() {
	run, seen := 0, map[string]bool{}
	for s := range c.f.sections {
		block := c.f.sections[s].def.Block
		if block == "" {
			continue
		}
		switch {
		case s == 0 || c.f.sections[s-1].def.Block == "":
			run++
			seen = map[string]bool{}
		case seen[block] && c.f.sections[s-1].def.Block != block:
			c.fault(c.f.sections[s].def.ID, "", "block", "the sections of block "+strconv.Quote(block)+" must follow each other")
		}
		seen[block] = true
		c.f.sections[s].run = run
		c.f.moves = c.f.moves || len(seen) > 1
	}
}

// units finds which items move together when a section is shuffled: a grid with its
// rows, a roster with its items, a note with the item that follows it.
func (c *compiler) units() {
	for s := range c.f.sections {
		sec := &c.f.sections[s]
		start, open := sec.first, true // open: the next item joins the unit, since only notes are in it yet
		for i := sec.first; i < sec.end; i++ {
			it := &c.f.items[i]
			if joins := it.roster >= 0 || it.def.Row != "" || i == sec.first || open; !joins {
				start = i
			}
			it.unit = start
			if it.def.Type != surveys.Calculate { // which is not seen
				open = it.def.Type == surveys.Note && it.roster < 0
			}
			c.f.moves = c.f.moves || sec.def.Shuffle || it.def.Shuffle && it.def.Type == surveys.Grid
			c.f.shuffled = c.f.shuffled || c.f.moves || it.def.Shuffle
		}
	}
}

// types gives every item its type, so that expressions can be compiled afterwards. What
// is calculated has the type of its expression, which uses earlier items only.
func (c *compiler) types() {
	for i := range c.f.items {
		it := &c.f.items[i]
		if it.typ != 0 {
			c.declare(i)
		}
	}
	for i := range c.f.items {
		it := &c.f.items[i]
		if it.def.Calculate == "" {
			continue
		}
		it.calculate = c.expression(c.f.sections[it.section].def.ID, it.def.ID, "calculate", it.def.Calculate, c.before(i))
		switch {
		case it.calculate == nil:
		case it.def.Type == surveys.Roster && it.calculate.Type() != expr.Int:
			c.wrong(it, "calculate", it.calculate, "the number of rows must be an int, but it is "+it.calculate.Type().String())
		case it.def.Type == surveys.Calculate && it.calculate.Type().IsList() && it.calculate.Type() != expr.Strings:
			c.wrong(it, "calculate", it.calculate, "a value is no "+it.calculate.Type().String()+"; only lists of strings can be kept")
		case it.def.Type == surveys.Calculate:
			it.typ = it.calculate.Type()
			c.declare(i)
		}
	}
}

// declare makes an item known to expressions: in the rows of its roster by its own type,
// elsewhere as a list. There are no lists of lists.
func (c *compiler) declare(i int) {
	it := &c.f.items[i]
	if c.f.index[it.def.ID] != i {
		return // its ID is at fault
	}
	switch {
	case it.roster < 0 || it.roster == c.roster:
		c.env[it.def.ID] = it.typ
	case it.typ.IsList():
		delete(c.env, it.def.ID)
	default:
		c.env[it.def.ID] = expr.ListOf(it.typ)
	}
}

// stand makes env that of the rows of a roster, or of everywhere else when it is -1.
func (c *compiler) stand(roster int) {
	for _, r := range []int{c.roster, roster} {
		c.roster = roster
		for i := r + 1; r >= 0 && i < len(c.f.items) && c.f.items[i].roster == r; i++ {
			if c.f.items[i].typ != 0 {
				c.declare(i)
			}
		}
	}
}

// place is where an expression stands: which items it can use.
type place struct {
	section, roster, grid int
	// limit is the position of the first item that comes later; unit is the one it moves
	// with, -1 when nothing of its section is before it in every order.
	limit, unit int
	own         int  // position of the item whose answer is checked, or -1
	last        bool // all of the section is before it
}

// before is the place of what decides on item i; after that of what checks its answer.
func (c *compiler) before(i int) place {
	it := &c.f.items[i]
	return place{section: it.section, roster: it.roster, grid: it.grid, limit: i, unit: it.unit, own: -1}
}

func (c *compiler) after(i int) place {
	p := c.before(i)
	p.limit, p.own = i+1, i
	return p
}

// late says why an item cannot be used at a place; "" when it can.
func (c *compiler) late(p place, j int) string {
	used := &c.f.items[j]
	name, theirs := used.def.ID, &c.f.sections[used.section]
	switch {
	case j >= p.limit:
		return name + " is asked later; an expression can only use items before it"
	case used.section == p.section && theirs.def.Shuffle && used.unit != p.unit && !p.last:
		return name + " may be asked later, since the items of its section are shuffled"
	case p.grid >= 0 && used.grid == p.grid && j != p.own && c.f.items[p.grid].def.Shuffle:
		return name + " may be asked later, since the rows of its grid are shuffled"
	case used.section != p.section && theirs.run > 0 && theirs.run == c.f.sections[p.section].run && theirs.def.Block != c.f.sections[p.section].def.Block:
		return name + " may be asked later, since the blocks of sections are shuffled"
	}
	return ""
}

// section compiles the expressions and texts of a section and its items.
func (c *compiler) section(s int) {
	sec := &c.f.sections[s]
	id := sec.def.ID
	start := place{section: s, roster: -1, grid: -1, limit: sec.first, unit: -1, own: -1}
	sec.relevant = c.condition(id, "", "relevant", sec.def.Relevant, start)
	c.text(id, "", "title", sec.def.Title, start)
	c.text(id, "", "intro", sec.def.Intro, start)
	end := place{section: s, roster: -1, grid: -1, limit: sec.end, unit: -1, own: -1, last: true}
	for n, ck := range sec.def.Checks {
		field := "checks[" + strconv.Itoa(n) + "]"
		sec.checks = append(sec.checks, check{c.condition(id, "", field+".assert", ck.Assert, end), ck.Message, ck.Soft, n + 1})
		c.text(id, "", field+".message", ck.Message, end)
	}
	for i := sec.first; i < sec.end; i++ {
		c.expressions(id, i)
	}
}

// expressions compiles those of an item.
func (c *compiler) expressions(section string, i int) {
	it := &c.f.items[i]
	def, id, before, after := it.def, it.def.ID, c.before(i), c.after(i)
	it.relevant = c.condition(section, id, "relevant", def.Relevant, before)
	if it.typ != 0 && strings.TrimSpace(def.Constraint) != "" {
		it.checks = append(it.checks, check{c.condition(section, id, "constraint", def.Constraint, after), def.Message, false, 0})
	}
	if it.typ != 0 {
		for n, ck := range def.Checks {
			field := "checks[" + strconv.Itoa(n) + "]"
			it.checks = append(it.checks, check{c.condition(section, id, field+".assert", ck.Assert, after), ck.Message, ck.Soft, n + 1})
			c.text(section, id, field+".message", ck.Message, after)
		}
	}
	if it.from >= 0 {
		if why := c.late(before, it.from); why != "" {
			c.fault(section, id, "from", why)
		}
	}
	c.text(section, id, "text", def.Text, before)
	c.text(section, id, "hint", def.Hint, before)
	c.text(section, id, "unit", def.Unit, before)
	c.text(section, id, "message", def.Message, after)
	if def.Figure != nil {
		c.text(section, id, "figure.alt", def.Figure.Alt, before)
	}
	for n, o := range def.Options {
		c.text(section, id, "options["+strconv.Itoa(n)+"].text", o.Text, before)
	}
}

// condition compiles an expression that must be true or false; blank is none.
func (c *compiler) condition(section, item, field, src string, p place) *expr.Program {
	prog := c.expression(section, item, field, src, p)
	if prog != nil && prog.Type() != expr.Bool {
		err := prog.ErrorAt("", "the expression must be true or false (bool), but it is "+prog.Type().String())
		c.faults = append(c.faults, Fault{section, item, field, err})
	}
	return prog
}

// expression compiles an expression that stands at a place; blank is none.
func (c *compiler) expression(section, item, field, src string, p place) *expr.Program {
	if strings.TrimSpace(src) == "" {
		return nil
	}
	if p.roster != c.roster {
		c.stand(p.roster)
	}
	prog, err := expr.Compile(src, c.env)
	if err != nil {
		c.faults = append(c.faults, Fault{section, item, field, err})
		return nil
	}
	for _, name := range prog.Names() {
		if why := c.late(p, c.f.index[name]); why != "" {
			c.faults = append(c.faults, Fault{section, item, field, prog.ErrorAt(name, why)})
		}
	}
	return prog
}

// booklets notes which items each booklet leaves out.
func (c *compiler) booklets() {
	banked := make([]bool, len(c.f.items))
	for _, b := range c.f.q.Booklets {
		for _, id := range b.Items {
			if i, ok := c.f.index[id]; ok {
				banked[i] = true
			} else {
				c.fault("", "", "booklets", "booklet "+strconv.Quote(b.ID)+" names "+strconv.Quote(id)+", which is no item")
			}
		}
	}
	var share float64
	in := c.f.q.Inclusion()
	for _, b := range c.f.q.Booklets {
		if _, twice := c.f.booklets[b.ID]; twice || b.ID == "" {
			c.fault("", "", "booklets", "a booklet needs an id of its own; "+strconv.Quote(b.ID)+" is not")
			continue
		}
		out := slices.Clone(banked)
		for _, id := range b.Items {
			if i, ok := c.f.index[id]; ok {
				out[i] = false
			}
		}
		c.f.booklets[b.ID] = out
		c.f.inclusion[b.ID] = below1(b, in)
		if !(b.Share > 0) {
			c.fault("", "", "booklets", "booklet "+strconv.Quote(b.ID)+" has no share; give the probability that a case gets it")
		}
		share += b.Share
	}
	if len(c.f.q.Booklets) > 0 && (share < 1-1e-9 || share > 1+1e-9) {
		c.fault("", "", "booklets", "the shares of the booklets add up to "+strconv.FormatFloat(share, 'g', -1, 64)+"; they must be 1")
	}
}

// below1 are the probabilities of a booklet's items that not everybody is asked.
func below1(b surveys.Booklet, in map[string]float64) map[string]float64 {
	out := map[string]float64{}
	for _, id := range b.Items {
		if in[id] < 1 {
			out[id] = in[id]
		}
	}
	return out
}

// wrong reports what is wrong with a program of an item.
func (c *compiler) wrong(it *item, field string, p *expr.Program, msg string) {
	c.faults = append(c.faults, Fault{c.f.sections[it.section].def.ID, it.def.ID, field, p.ErrorAt("", msg)})
}

func (c *compiler) fault(section, item, field, msg string) {
	c.faults = append(c.faults, Fault{section, item, field, errors.New(msg)})
}
