package form

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// An author makes questionnaires at random, most of which can be asked, with everything
// that a questionnaire can hold.
type author struct {
	rand  *rand.Rand
	q     *surveys.Questionnaire
	known []known
	n     int // of items
}

// known is an item that expressions can use, and what they can say of it.
type known struct {
	id    string
	kind  string // int, double, string, strings, ints, bool
	until int    // the section up to which only it itself may use it; it is certain after that
}

func (a *author) some(n int) bool { return a.rand.IntN(n) == 0 }

func (a *author) questionnaire() *surveys.Questionnaire {
	a.q = &surveys.Questionnaire{Languages: []surveys.Lang{surveys.ZH}}
	if a.some(4) {
		a.q.Paging = surveys.PageItems
	}
	blocks := a.rand.IntN(4)
	for s := range 1 + a.rand.IntN(5) {
		sec := surveys.Section{ID: fmt.Sprintf("s%d", s), Title: a.text(s), Shuffle: a.some(3)}
		if s > 0 && s <= blocks {
			sec.Block = fmt.Sprintf("b%d", (s+1)/2)
		}
		if a.some(3) {
			sec.Relevant = a.expression(s)
		}
		certain := s
		if sec.Shuffle || sec.Block != "" {
			certain = s - 1 // what stands in this section is not
		}
		if sec.Block != "" {
			certain = 0
		}
		for range 1 + a.rand.IntN(6) {
			sec.Items = append(sec.Items, a.items(certain, s, false)...)
		}
		if sec.Block != "" { // known after the run of blocks
			for i := range a.known {
				if a.known[i].until >= s {
					a.known[i].until = blocks
				}
			}
		}
		if a.some(3) {
			sec.Checks = []surveys.Check{a.check(certain), a.check(certain)}
		}
		a.q.Sections = append(a.q.Sections, sec)
	}
	a.booklets()
	return a.q
}

// items makes an item of section s, or a grid with its rows; expressions use what is
// certain after a section.
func (a *author) items(certain, s int, inRoster bool) []surveys.Item {
	it := a.item(certain, s, inRoster)
	if it.Type != surveys.Grid {
		return []surveys.Item{it}
	}
	items := []surveys.Item{it}
	for range 1 + a.rand.IntN(3) {
		row := a.item(certain, s, true)
		row = surveys.Item{ID: row.ID, Type: surveys.Likert, Text: row.Text, Row: it.ID, Options: it.Options, Relevant: row.Relevant}
		items = append(items, row)
		a.learn(row.ID, "string", s, inRoster)
	}
	return items
}

func (a *author) learn(id, kind string, s int, inRoster bool) {
	if inRoster { // a list outside of its roster
		lists := map[string]string{"int": "ints", "string": "strings"}
		if kind = lists[kind]; kind == "" {
			return
		}
	}
	a.known = append(a.known, known{id, kind, s})
}

func (a *author) item(certain, s int, inRoster bool) surveys.Item {
	a.n++
	it := surveys.Item{ID: "q" + strconv.Itoa(a.n), Type: Types[a.rand.IntN(len(Types))], Text: a.text(certain), Required: a.some(3), Page: a.some(8), Timed: a.some(10)}
	if inRoster && (it.Type == surveys.Roster || it.Type == surveys.Grid) {
		it.Type = surveys.Number
	}
	if a.some(3) {
		it.Relevant = a.expression(certain)
	}
	kind := "string"
	it.Required = it.Required && it.Type.Answered() && it.Type != surveys.Calculate && it.Type != surveys.Roster
	switch it.Type {
	case surveys.Number:
		kind = "int"
		if it.Decimals = a.rand.IntN(3); it.Decimals > 0 {
			kind = "double"
		}
		it.Unit = a.text(certain)
	case surveys.Region:
		it.Division = &surveys.Division{List: "cn-test", Level: []string{"province", "city", "county", "township"}[a.rand.IntN(4)]}
	case surveys.Calculate:
		it.Calculate, kind = a.expression(certain), "bool"
	case surveys.Roster:
		kind = "int"
		if it.Most = 1 + a.rand.IntN(4); a.some(3) {
			it.Calculate = strconv.Itoa(a.rand.IntN(it.Most + 1))
		}
		for range 1 + a.rand.IntN(3) {
			it.Items = append(it.Items, a.items(certain, s, true)...)
		}
	case surveys.Note, surveys.Grid:
		kind = ""
	}
	if choice(it.Type) || it.Type == surveys.Grid {
		it.Options = a.options()
		it.Shuffle = a.some(2)
	} else if it.Type.Answered() && it.Type != surveys.Calculate && it.Type != surveys.Roster && a.some(3) {
		it.Options = []surveys.Option{{Code: surveys.DontKnow}}
	}
	if it.Type == surveys.Multiple || it.Type == surveys.Ranking {
		kind = "strings"
		if a.some(2) {
			it.Least, it.Most = 1, 2
		}
	}
	if i := a.rand.IntN(len(a.known) + 1); i < len(a.known) && choice(it.Type) && a.known[i].kind == "strings" && a.known[i].until < certain {
		it.From = a.known[i].id
		it.Options = []surveys.Option{{Code: "own"}, {Code: surveys.Refused}}[:a.rand.IntN(3)]
	}
	if kind != "" && it.Type != surveys.Calculate && a.some(3) {
		it.Checks = []surveys.Check{a.check(certain)}
	}
	if kind != "" {
		a.learn(it.ID, kind, s, inRoster)
	}
	return it
}

func (a *author) options() []surveys.Option {
	options := []surveys.Option{{Code: "x1"}, {Code: "x2", Text: a.text(0)}, {Code: "x3", Fixed: a.some(2)}, {Code: "x4"}, {Code: "none", Exclusive: true}, {Code: surveys.DontKnow}}
	return options[:2+a.rand.IntN(5)]
}

func (a *author) check(certain int) surveys.Check {
	return surveys.Check{Assert: a.expression(certain), Message: a.text(certain), Soft: a.some(2)}
}

// expression is a condition over what is certain; now and then it fails when it runs.
func (a *author) expression(certain int) string {
	var usable []known
	for _, k := range a.known {
		if k.until < certain || certain == len(a.q.Sections) && k.until == certain && a.some(4) {
			usable = append(usable, k)
		}
	}
	if len(usable) == 0 {
		return []string{"true", "1 < 2", "false || true"}[a.rand.IntN(3)]
	}
	k := usable[a.rand.IntN(len(usable))]
	forms := map[string][]string{
		"int":     {"%s > 3", "%s %% 2 == 0", "!has(a.%s)", "10 / %s > 1", "%s == 1 || true"},
		"double":  {"%s > 1.5", "%s / 2.0 < 20.0", "has(a.%s)"},
		"string":  {"%s == 'x1'", "%s != 'x2'", "size(%s) > 2", "has(a.%s)", "%s.contains('1')"},
		"strings": {"size(%s) > 1", "%s.all(x, x != 'x3')", "!('x1' in %s)", "%s[0] != 'x2'", "has(a.%s)"},
		"ints":    {"size(%s) > 1", "%s.exists(x, x < 3)", "size(%s.filter(x, 10 / x > 2)) > 1", "%s[0] > 2", "!(3 in %s)"},
		"bool":    {"%s", "!%s", "has(a.%s)"},
	}[k.kind]
	src := fmt.Sprintf(forms[a.rand.IntN(len(forms))], k.id)
	if a.some(3) {
		return src + []string{" && ", " || "}[a.rand.IntN(2)] + a.expression(certain)
	}
	return src
}

func (a *author) text(certain int) surveys.Text {
	if len(a.known) > 0 && a.some(3) {
		if k := a.known[a.rand.IntN(len(a.known))]; k.until < certain {
			return surveys.Text{surveys.ZH: "您说${" + k.id + "}？"}
		}
	}
	return surveys.Text{surveys.ZH: "问"}
}

func (a *author) booklets() {
	if a.some(2) {
		return
	}
	a.q.Booklets = []surveys.Booklet{{ID: "A", Share: 0.25}, {ID: "B", Share: 0.75}}
	for it := range a.q.Items {
		if it.Row == "" && a.some(2) {
			b := &a.q.Booklets[a.rand.IntN(2)]
			b.Items = append(b.Items, it.ID)
		}
	}
}

// Whatever can be asked is asked to the end: a person who answers what the pages show
// gets through, what a session gives is accepted, and nothing panics on the way.
func TestEveryFormCanBeAsked(t *testing.T) {
	forms, finished, stuck, types := 0, 0, 0, map[surveys.ItemType]int{}
	for n := range uint64(300) {
		a := &author{rand: rand.New(rand.NewPCG(n, 7))}
		f, err := Compile(a.questionnaire(), divisions(t))
		if err != nil {
			continue
		}
		forms++
		for i := range f.items {
			types[f.items[i].def.Type]++
		}
		w := &walker{t, f, a.rand, startOf(f, uint32(n%5))}
		if t.Run(strconv.FormatUint(n, 10), func(t *testing.T) {
			w.t = t
			w.wander()
			if w.read() {
				finished++
			} else {
				stuck++
			}
		}); t.Failed() {
			b, _ := json.Marshal(f.q)
			t.Fatalf("%s", b)
		}
	}
	t.Logf("%d forms, %d interviews finished, %d could not; items: %v", forms, finished, stuck, types)
	if forms < 200 || finished < 150 || len(types) != len(Types) {
		t.Errorf("%d forms, %d interviews finished, items: %v", forms, finished, types)
	}
}

// Any number of interviews share a form.
func TestFormIsShared(t *testing.T) {
	f := readForm(t, "everything")
	for n := range uint64(4) {
		t.Run(strconv.FormatUint(n, 10), func(t *testing.T) {
			t.Parallel()
			for round := range uint64(20) {
				w := &walker{t, f, rand.New(rand.NewPCG(n, round)), startOf(f, uint32(round))}
				w.wander()
				w.read()
			}
		})
	}
}

// startOf is a start with this seed, and some booklet.
func startOf(f *Form, seed uint32) Start {
	o := Start{Seed: seed}
	if !f.shuffled {
		o.Seed = 0
	}
	if names := slices.Sorted(maps.Keys(f.booklets)); len(names) > 0 {
		o.Booklet = names[int(seed)%len(names)]
	}
	return o
}

// wander answers at random, also what no page shows, and goes back and forth. At every
// step the session is the same after Save and Resume, and could be broken off.
func (w *walker) wander() {
	w.t.Helper()
	s, err := w.f.Start(w.start)
	if err != nil {
		w.t.Fatal(err)
	}
	for range 12 {
		switch w.rand.IntN(6) {
		case 0, 1:
			w.step(s)
		case 2:
			s.Back()
		case 3:
			i := w.rand.IntN(len(w.f.items))
			s.Jump(w.f.key(i, w.rand.IntN(w.f.items[i].rows)))
		default:
			i := w.rand.IntN(len(w.f.items))
			it := &w.f.items[i]
			s.Set(w.f.key(i, w.rand.IntN(it.rows)), w.anything(it))
		}
		w.same(s)
		w.accepted(s.Partial(), true)
	}
}

// same checks that a session loses nothing when it is put away as JSON.
func (w *walker) same(s *Session) {
	w.t.Helper()
	saved := s.Save()
	b, err := json.Marshal(saved)
	if err != nil {
		w.t.Fatal(err)
	}
	var read Saved
	if err := json.Unmarshal(b, &read); err != nil {
		w.t.Fatal(err)
	}
	again, err := w.f.Resume(read)
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(s.State(), again.State()); diff != "" {
		w.t.Fatalf("after Resume (-before +after):\n%s", diff)
	}
	if got := again.Save(); !reflect.DeepEqual(got, saved) {
		w.t.Fatalf("saved %+v, and again %+v", saved, got)
	}
}

// accepted checks that Replay takes what a session gave.
func (w *walker) accepted(r Result, partial bool) {
	w.t.Helper()
	iv := &surveys.Interview{Booklet: w.start.Booklet, Partial: partial, Last: r.Last, Answers: r.Answers, Paradata: r.Paradata}
	if problems := w.f.Replay(iv); len(problems) > 0 {
		w.t.Fatalf("Replay(%+v) = %v", iv, problems)
	}
}

// read answers what the pages show, page after page, and reports whether the interview
// could be finished. It cannot where a rule is broken by every answer that is tried.
func (w *walker) read() bool {
	w.t.Helper()
	s, err := w.f.Start(w.start)
	if err != nil {
		w.t.Fatal(err)
	}
	var always map[string]bool // what stopped every try on this page
	on := ""
	for tries := 0; ; tries++ {
		page := s.State().Page
		if page == nil {
			break
		}
		if tries == 300 {
			// Where many answers are tried, only what the author wrote stops all of them.
			for p := range always {
				if !strings.HasSuffix(p, string(Constraint)) && !strings.HasSuffix(p, string(Expression)) {
					w.t.Fatalf("stuck on page %s by %s", page.ID, p)
				}
			}
			return false
		}
		w.shows(s, page)
		values := map[string][]string{}
		for _, it := range page.Items {
			if i, _, _ := w.f.find(it.Key); it.Relevant && w.f.items[i].given() {
				values[it.Key] = w.valid(&w.f.items[i])
			}
		}
		s.SubmitShown(values, time.Second)
		found := map[string]bool{}
		for _, p := range s.Next() {
			if name := p.Section + " " + p.Item + " " + string(p.Code); on != page.ID || always[name] {
				found[name] = true
			}
		}
		always, on = found, page.ID
	}
	r, problems := s.Finish()
	if len(problems) > 0 {
		w.t.Fatalf("all pages were passed, and yet %v", problems)
	}
	w.accepted(r, false)
	w.same(s)
	if again, _ := s.Finish(); !reflect.DeepEqual(again, r) {
		w.t.Fatalf("finished with %+v, and again with %+v", r, again)
	}
	return true
}

// shows checks a page: it has something to ask or to say, of its own section and row, and
// every text can be said.
func (w *walker) shows(s *Session, page *Page) {
	w.t.Helper()
	relevant := 0
	for _, it := range page.Items {
		i, row, ok := w.f.find(it.Key)
		if !ok || w.f.sections[w.f.items[i].section].def != page.Section || page.Row != 0 && row != page.Row-1 {
			w.t.Fatalf("page %s of %s, row %d, shows %s", page.ID, page.Section.ID, page.Row, it.Key)
		}
		if it.Relevant {
			relevant++
		}
		w.says(s, it.Item.Text, it.Key)
		for _, o := range it.Options {
			if len(o.Text) > 0 {
				w.says(s, o.Text, it.Key)
			}
		}
	}
	w.says(s, page.Section.Title, page.ID)
	if relevant == 0 || page.ID != page.Items[0].Key {
		w.t.Fatalf("page %s has nothing to ask: %+v", page.ID, page.Items)
	}
}

// says checks that a text has words, and those of the answers it speaks of.
func (w *walker) says(s *Session, t surveys.Text, key string) {
	w.t.Helper()
	src := t.In(surveys.ZH)
	if text := s.Text(t, surveys.ZH, key); text == "" || strings.Contains(src, "${") && text == src {
		w.t.Fatalf("%s says %q", key, text)
	}
}

// Whatever JSON says, compiling it ends with a form or with faults, and an interview with
// the form does not panic.
func FuzzDefinition(f *testing.F) {
	for _, name := range []string{"internet", "person", "household", "everything", "choosing", "facts", "grids", "pages", "shuffled", "sums"} {
		b, err := json.Marshal(readForm(f, name).q)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint64(1))
	}
	for n := range uint64(20) {
		b, err := json.Marshal((&author{rand: rand.New(rand.NewPCG(n, 7))}).questionnaire())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, n)
	}
	list := divisions(f)
	f.Fuzz(func(t *testing.T, definition []byte, seed uint64) {
		var q surveys.Questionnaire
		if len(definition) > 1<<15 || json.Unmarshal(definition, &q) != nil {
			return
		}
		form, err := Compile(&q, []*geo.List{list}...)
		if err != nil {
			var faults Faults
			if !errors.As(err, &faults) || len(faults) == 0 || err.Error() == "" {
				t.Fatalf("Compile = %v, want faults", err)
			}
			return
		}
		if len(form.items) == 0 || form.slots > 2000 {
			return
		}
		w := &walker{t, form, rand.New(rand.NewPCG(seed, 1)), startOf(form, uint32(seed))}
		w.wander()
	})
}

// Whatever is sent, it is answered with problems or accepted, never with a panic; and an
// accepted one is what the session itself would give.
func FuzzAnswers(f *testing.F) {
	names := []string{"everything", "household", "choosing", "facts", "sums", "shuffled"}
	forms := make([]*Form, len(names))
	for n, name := range names {
		forms[n] = readForm(f, name)
		w := &walker{nil, forms[n], rand.New(rand.NewPCG(1, 1)), startOf(forms[n], 3)}
		s, err := forms[n].Start(w.start)
		if err != nil {
			f.Fatal(err)
		}
		for i := range forms[n].items {
			s.Set(forms[n].key(i, 0), w.valid(&forms[n].items[i]))
		}
		r := s.Partial()
		b, err := json.Marshal(surveys.Interview{Booklet: w.start.Booklet, Partial: true, Answers: r.Answers, Paradata: r.Paradata, Last: r.Last})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(n, b)
	}
	f.Add(0, []byte(`{"answers":{"age#99999999999999999999":[""],"#1":null,"age#":[],"":["x"]},"partial":true,"last":"#","paradata":{"kept":[":","x:1","media:1:1"],"millis":{"#":1}}}`))
	f.Fuzz(func(t *testing.T, n int, body []byte) {
		var iv surveys.Interview
		if n < 0 || json.Unmarshal(body, &iv) != nil {
			return
		}
		form := forms[n%len(forms)]
		if len(form.Replay(&iv)) > 0 {
			return
		}
		s, err := form.Resume(Saved{Booklet: iv.Booklet, Seed: iv.Paradata.Seed, Page: iv.Last, Answers: iv.Answers, Warned: iv.Paradata.Kept, Millis: iv.Paradata.Millis})
		if err != nil {
			t.Fatal(err)
		}
		r := s.Partial()
		if !iv.Partial {
			var problems []Problem
			if r, problems = s.Finish(); len(problems) > 0 {
				t.Fatalf("accepted, but it ends with %v", problems)
			}
		}
		if len(r.Answers) == 0 && len(iv.Answers) == 0 {
			r.Answers = iv.Answers
		}
		if !maps.EqualFunc(r.Answers, iv.Answers, slices.Equal) || !slices.Equal(r.Paradata.Kept, iv.Paradata.Kept) ||
			!maps.EqualFunc(r.Paradata.Orders, iv.Paradata.Orders, slices.Equal) {
			t.Fatalf("accepted %+v, but the session gives %+v", iv, r)
		}
	})
}
