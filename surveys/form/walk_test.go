package form

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// A walker is a person who answers at random, changes answers, goes back and forth,
// and at last mends what is wrong.
type walker struct {
	t    *testing.T
	f    *Form
	rand *rand.Rand
}

// walk returns a session that can finish.
func (w *walker) walk() *Session {
	w.t.Helper()
	s := w.f.Start()
	section, _ := s.Next("")
	for range w.rand.IntN(60) {
		switch w.rand.IntN(5) {
		case 0:
			section, _ = s.Next(section)
		case 1:
			section, _ = s.Prev(section)
		case 2:
			s = w.f.Resume(s.Answers())
		default:
			it := &w.f.items[w.rand.IntN(len(w.f.items))]
			s.Set(it.def.ID, w.anything(it))
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

// mend answers the item of a problem anew; for a section, any item.
func (w *walker) mend(s *Session, p Problem) {
	i, ok := w.f.index[p.Item]
	if !ok {
		i = w.rand.IntN(len(w.f.items))
	}
	s.Set(w.f.items[i].def.ID, w.valid(&w.f.items[i]))
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
	switch it.def.Type {
	case surveys.Number:
		if n := len(it.def.Options); n > 0 && w.rand.IntN(4) == 0 {
			return []string{it.def.Options[w.rand.IntN(n)].Code}
		}
		return []string{" " + strconv.Itoa(w.rand.IntN(90)) + "."}
	case surveys.ShortText:
		return []string{[]string{"好", " text", "x"}[w.rand.IntN(3)]}
	case surveys.Note:
		return nil
	}
	one := it.def.Options[w.rand.IntN(len(it.def.Options))]
	if it.def.Type == surveys.Single || one.Exclusive || reserved(one.Code) {
		return []string{one.Code}
	}
	codes := []string{one.Code}
	for _, o := range it.def.Options {
		if !o.Exclusive && !reserved(o.Code) && w.rand.IntN(2) == 0 {
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
		return bad, id, Missing, true
	case 1:
		bad["stranger"] = []string{"1"}
		return bad, "stranger", UnknownItem, true
	case 2:
		bad[id] = append(bad[id], " ")
		return bad, id, NotNormal, true
	case 3:
		bad[id] = []string{"no such answer"}
		return bad, id, NotAnOption, w.f.items[w.f.index[id]].def.Type == surveys.Single
	case 4:
		bad[id] = nil
		return bad, id, Required, w.f.items[w.f.index[id]].def.Required
	}
	for i := range s.items {
		if it := &w.f.items[i]; it.typ != 0 && !s.items[i].relevant {
			bad[it.def.ID] = nil
			return bad, it.def.ID, NotRelevant, true
		}
	}
	return nil, "", "", false
}

// What a session finishes with is accepted by Replay, survives Resume, and is
// refused once it was spoiled.
func TestReplayAcceptsExactlyWhatFinishGives(t *testing.T) {
	for _, name := range []string{"internet", "person"} {
		t.Run(name, func(t *testing.T) {
			w := &walker{t, readForm(t, name), rand.New(rand.NewPCG(1, 2))}
			spoiled := map[Code]int{}
			for range 2000 {
				s := w.walk()
				final, _ := s.Finish()
				if problems := w.f.Replay(final); len(problems) > 0 {
					t.Fatalf("Replay(%q) = %v", final, problems)
				}
				if again, _ := w.f.Resume(s.Answers()).Finish(); !reflect.DeepEqual(again, final) {
					t.Fatalf("after Resume: %q, want %q", again, final)
				}
				bad, id, code, ok := w.spoil(s, final)
				if !ok {
					continue
				}
				spoiled[code]++
				if !hasProblem(w.f.Replay(bad), id, code) {
					t.Fatalf("Replay(%q) = %v, want %s: %s", bad, w.f.Replay(bad), id, code)
				}
			}
			for _, code := range []Code{Missing, UnknownItem, NotNormal, NotAnOption, NotRelevant} {
				if spoiled[code] < 20 {
					t.Errorf("only %d answers were spoiled to be %s", spoiled[code], code)
				}
			}
		})
	}
}

func hasProblem(ps []Problem, item string, code Code) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Item == item && p.Code == code })
}

func TestNormalFormIsFinal(t *testing.T) {
	f := readForm(t, "internet")
	w := &walker{t, f, rand.New(rand.NewPCG(3, 4))}
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
