package form

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// A walker is a person who answers at random, changes answers, goes back and forth,
// and at last mends what is wrong.
type walker struct {
	t     *testing.T
	f     *Form
	rand  *rand.Rand
	start Start
}

// walk returns a session that can finish.
func (w *walker) walk() *Session {
	w.t.Helper()
	s, err := w.f.Start(w.start)
	if err != nil {
		w.t.Fatal(err)
	}
	for range w.rand.IntN(60) {
		switch w.rand.IntN(6) {
		case 0:
			w.step(s)
		case 1:
			s.Back()
		case 2:
			if s, err = w.f.Resume(s.Save()); err != nil {
				w.t.Fatal(err)
			}
		default:
			i := w.rand.IntN(len(w.f.items))
			it := &w.f.items[i]
			s.Set(w.f.key(i, w.rand.IntN(min(it.rows, 4))), w.anything(it))
		}
	}
	for range 500 {
		_, problems := s.Finish()
		if len(problems) == 0 {
			return s
		}
		w.mend(s, problems[w.rand.IntN(len(problems))])
	}
	_, problems := s.Finish()
	w.t.Fatalf("the walk does not end: %v", problems)
	return nil
}

// step goes on when it can, and back again to see that this leads to the same page.
func (w *walker) step(s *Session) {
	w.t.Helper()
	s.settle()
	before := s.page
	if len(s.Next()) > 0 {
		if s.page != before {
			w.t.Fatalf("Next found something wrong and left page %d for %d", before, s.page)
		}
		return
	}
	if s.page == before {
		return // at the end
	}
	if after := s.page; !s.Back() || s.page != before {
		w.t.Fatalf("from page %d Next led to %d, and Back to %d", before, after, s.page)
	} else if s.Next(); s.page != after {
		w.t.Fatalf("from page %d Next led to %d, and then to %d", before, after, s.page)
	}
}

// mend answers the item of a problem anew; for a section, any item.
func (w *walker) mend(s *Session, p Problem) {
	if p.Soft {
		s.warned[p.kept()] = true
		return
	}
	i, row, ok := w.f.find(p.Item)
	if !ok || !w.f.items[i].given() {
		i, row = w.rand.IntN(len(w.f.items)), 0
	}
	s.Set(w.f.key(i, row), w.valid(&w.f.items[i]))
}

// anything is a right or a wrong answer.
func (w *walker) anything(it *item) []string {
	wrong := [][]string{{"nonsense"}, {"1", "2"}, {""}, {"-1"}, {"99999999999999999999"}, {"0.001"}, {"a\x00b"}, nil,
		{"yes", "no"}, {"none", "video"}, {" 007 "}, {"５"}, {"refused"}}
	if w.rand.IntN(4) == 0 {
		return wrong[w.rand.IntN(len(wrong))]
	}
	return w.valid(it)
}

// valid is an answer that is right but for the constraint, not always in normal form.
func (w *walker) valid(it *item) []string {
	if !it.def.Required && w.rand.IntN(6) == 0 {
		return nil
	}
	pick := func(of ...string) []string { return []string{of[w.rand.IntN(len(of))]} }
	if n := len(it.def.Options); n > 0 && !choice(it.def.Type) && w.rand.IntN(4) == 0 {
		return pick(it.def.Options[w.rand.IntN(n)].Code)
	}
	switch it.def.Type {
	case surveys.Number:
		return []string{" " + strconv.Itoa(w.rand.IntN(90)) + "."}
	case surveys.Roster:
		return []string{strconv.Itoa(w.rand.IntN(5))}
	case surveys.ShortText:
		return pick("好", " text", "x")
	case surveys.LongText:
		return pick("一行\r\n又一行", "x")
	case surveys.Date:
		return [][]string{{"2001", "2", "３"}, {"1999-12-31"}, {"1988年8月8日"}}[w.rand.IntN(3)]
	case surveys.Region:
		return w.division(it)
	}
	if !it.given() {
		return nil
	}
	return w.choose(w.optionsOf(it), it)
}

// division chooses level by level, as far as the item asks, and sometimes changes its mind
// on the way.
func (w *walker) division(it *item) []string {
	var chosen []string
	at := geo.Short(it.def.Division.Within)
	for parts := it.list.Parts(at); len(parts) > 0; parts = it.list.Parts(at) {
		if w.rand.IntN(8) == 0 {
			chosen = append(chosen, parts[w.rand.IntN(len(parts))].Code)
		}
		at = parts[w.rand.IntN(len(parts))].Code
		chosen = append(chosen, at)
		if geo.LevelOf(at).Reaches(geo.Level(it.def.Division.Level)) {
			break
		}
	}
	return chosen
}

// optionsOf are the item's options and all that may be offered from elsewhere.
func (w *walker) optionsOf(it *item) []surveys.Option {
	options := slices.Clone(it.def.Options)
	for i := it.from; i >= 0; i = w.f.items[i].from {
		options = append(options, w.f.items[i].def.Options...)
	}
	return options
}

func (w *walker) choose(options []surveys.Option, it *item) []string {
	w.rand.Shuffle(len(options), func(i, j int) { options[i], options[j] = options[j], options[i] })
	one := options[0]
	if it.def.Type.OneOf() || one.Exclusive || surveys.Reserved(one.Code) {
		return []string{one.Code}
	}
	codes := []string{one.Code}
	for _, o := range options[1:] {
		if !o.Exclusive && !surveys.Reserved(o.Code) && w.rand.IntN(2) == 0 {
			codes = append(codes, o.Code)
		}
	}
	return codes
}

// spoil returns answers that no session can finish with, and what is wrong with
// them; false when the way of spoiling does not fit these answers.
func (w *walker) spoil(s *Session, final surveys.Answers) (surveys.Answers, string, Code, bool) {
	bad := surveys.Answers{}
	for id, values := range final {
		bad[id] = slices.Clone(values)
	}
	ids := slices.Sorted(maps.Keys(final))
	if len(ids) == 0 {
		return nil, "", "", false
	}
	id := ids[w.rand.IntN(len(ids))]
	switch w.rand.IntN(6) {
	case 0: // Other items may become irrelevant; this one stays asked.
		delete(bad, id)
		return bad, id, Missing, w.item(id).given()
	case 1:
		bad["stranger"] = []string{"1"}
		return bad, "stranger", UnknownItem, true
	case 2:
		bad[id] = append(bad[id], " ")
		return bad, id, NotNormal, true
	case 3:
		bad[id] = []string{"no such answer"}
		return bad, id, NotAnOption, w.item(id).def.Type.OneOf()
	case 4:
		bad[id] = nil
		return bad, id, Required, w.item(id).def.Required && w.item(id).given()
	}
	for i := range w.f.items {
		it := &w.f.items[i]
		if row := it.rows - 1; it.typ != 0 && !s.slots[it.slot+row].relevant {
			bad[w.f.key(i, row)] = nil
			return bad, w.f.key(i, row), NotRelevant, true
		}
	}
	return nil, "", "", false
}

// item is the one with a key.
func (w *walker) item(key string) *item {
	i, _, _ := w.f.find(key)
	return &w.f.items[i]
}

// What a session finishes with is accepted by Replay, survives Save and Resume, and is
// refused once it was spoiled; and so is what it holds when it is broken off.
func TestReplayAcceptsExactlyWhatFinishGives(t *testing.T) {
	for _, name := range []string{"internet", "person", "household", "everything"} {
		t.Run(name, func(t *testing.T) {
			f := readForm(t, name)
			r := rand.New(rand.NewPCG(1, 2))
			spoiled := map[Code]int{}
			for n := range 1500 {
				start := Start{}
				if f.shuffled {
					start.Seed = uint32(n % 50)
				}
				if names := slices.Sorted(maps.Keys(f.booklets)); len(names) > 0 {
					start.Booklet = names[n%len(names)]
				}
				w := &walker{t, f, r, start}
				s := w.walk()
				final, _ := s.Finish()
				iv := &surveys.Interview{Booklet: start.Booklet, Answers: final.Answers, Paradata: final.Paradata}
				if problems := f.Replay(iv); len(problems) > 0 {
					t.Fatalf("Replay(%+v) = %v", iv, problems)
				}
				again, err := f.Resume(s.Save())
				if err != nil {
					t.Fatal(err)
				}
				if got, _ := again.Finish(); !reflect.DeepEqual(got, final) || !reflect.DeepEqual(again.Save(), s.Save()) {
					t.Fatalf("after Resume: %+v, want %+v", got, final)
				}
				w.breakOff(s)
				bad, id, code, ok := w.spoil(s, final.Answers)
				if !ok {
					continue
				}
				spoiled[code]++
				iv.Answers = bad
				if found := f.Replay(iv); !hasProblem(found, id, code) {
					t.Fatalf("Replay(%q) = %v, want %s: %s", bad, found, id, code)
				}
			}
			for _, code := range []Code{Missing, UnknownItem, NotNormal, NotAnOption, NotRelevant} {
				if spoiled[code] < 5 {
					t.Errorf("only %d answers were spoiled to be %s", spoiled[code], code)
				}
			}
		})
	}
}

// breakOff takes answers away at random and adds wrong ones: the rest is a break-off.
func (w *walker) breakOff(s *Session) {
	w.t.Helper()
	saved := s.Save()
	for _, key := range slices.Sorted(maps.Keys(saved.Answers)) {
		switch w.rand.IntN(4) {
		case 0:
			delete(saved.Answers, key)
		case 1:
			saved.Answers[key] = w.anything(w.item(key))
		}
	}
	saved.Page = w.f.key(w.rand.IntN(len(w.f.items)), 0)
	off, err := w.f.Resume(saved)
	if err != nil {
		w.t.Fatal(err)
	}
	r := off.Partial()
	iv := &surveys.Interview{Booklet: w.start.Booklet, Partial: true, Last: r.Last, Answers: r.Answers, Paradata: r.Paradata}
	if problems := w.f.Replay(iv); len(problems) > 0 {
		w.t.Fatalf("Replay of a break-off %+v = %v", iv, problems)
	}
}

func hasProblem(ps []Problem, item string, code Code) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Item == item && p.Code == code })
}

func TestNormalFormIsFinal(t *testing.T) {
	f := readForm(t, "internet")
	w := &walker{t: t, f: f, rand: rand.New(rand.NewPCG(3, 4))}
	pieces := []string{"0", "1", ".", "-", "+", "５", "．", " ", "　", "yes", "chat", "video", "dk", "a", ""}
	for range 20_000 {
		it := &f.items[w.rand.IntN(len(f.items))]
		var values []string
		for range w.rand.IntN(4) {
			v := ""
			for range w.rand.IntN(4) {
				v += pieces[w.rand.IntN(len(pieces))]
			}
			values = append(values, v)
		}
		before := slices.Clone(values)
		once := it.normal(values)
		if twice := it.normal(once); !slices.Equal(once, twice) {
			t.Fatalf("%s: normal(%q) = %q, again %q", it.def.ID, values, once, twice)
		}
		if !slices.Equal(values, before) {
			t.Fatalf("normal changed its argument %q to %q", before, values)
		}
	}
}
