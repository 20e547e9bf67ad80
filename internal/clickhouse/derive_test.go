package clickhouse

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// unscored adds what conditions and topics look at to a questionnaire: choices whose codes
// try to leave their literals, and numbers.
func unscored(q *surveys.Questionnaire) {
	evil := []surveys.Option{{Code: `a' OR 1=1 --`}, {Code: `b\`}, {Code: `?`}, {Code: "c\n@keys@"}, {Code: surveys.DontKnow}, {Code: "tv"}}
	q.Sections = append(slices.Clone(q.Sections), surveys.Section{ID: "unscored", Items: []surveys.Item{
		{ID: "uone", Type: surveys.Single, Options: evil},
		{ID: "uscale", Type: surveys.Likert, Options: evil[:3]},
		{ID: "umany", Type: surveys.Multiple, Options: evil},
		{ID: "ufirst", Type: surveys.Single, From: "umany", Options: []surveys.Option{{Code: "none of them"}}},
		{ID: "urank", Type: surveys.Ranking, Options: evil[:4]},
		{ID: "urankfrom", Type: surveys.Ranking, From: "umany", Options: evil[:1]},
		{ID: "u'; --", Type: surveys.Multiple, Options: evil},
		{ID: "uwhole", Type: surveys.Number},
		{ID: "udouble", Type: surveys.Number, Decimals: 2},
	}})
}

// conditional are factors by conditions on them.
func conditional() []assess.Factor {
	levels := func(when ...string) (list []assess.Level) {
		for i, w := range when {
			list = append(list, assess.Level{Code: string(rune('a' + i)), When: w})
		}
		return list
	}
	return []assess.Factor{
		{ID: "w1", Levels: levels(`uone == "a' OR 1=1 --" && uwhole >= 40`, `uone != "b\\" || udouble < 1.5`, `true`)},
		{ID: "w2", Levels: levels(`has(a.umany) && "tv" in umany && size(umany) > 1`, `has(a.umany) && umany.exists(c, c == "?" || c == "tv")`, `!has(a.umany)`)},
		{ID: "w3", Levels: levels(`uwhole / 0 == 1 || uscale == "?"`, `umany[0] == "b\\"`)},
		{ID: "w4", Levels: levels(`double(uwhole) > udouble ? uone == ufirst : uwhole % 2 == 0`, `uwhole + 1 > 30`, `true`)},
		{ID: assess.VarLiterate, ByScore: true, Levels: []assess.Level{{Code: assess.Literate}, {Code: assess.NotLiterate}}},
	}
}

// answerUnscored gives answers of every kind, wrong ones too.
func answerUnscored(m *assess.Memory, q *surveys.Questionnaire, rng *rand.Rand) {
	pick := func(from ...string) string { return from[rng.IntN(len(from))] }
	for i := range m.Responses {
		a := surveys.Answers{}
		for k, v := range m.Responses[i].Answers {
			a[k] = v
		}
		for it := range q.Items {
			if it.ID[0] != 'u' {
				continue
			}
			delete(a, it.ID)
			options := []string{"not listed"}
			for range 4 {
				for _, o := range q.Offered(it) {
					options = append(options, o.Code)
				}
			}
			switch k := rng.IntN(12); {
			case k == 0: // not asked
			case k == 1:
				a[it.ID] = nil
			case it.Type == surveys.Number:
				a[it.ID] = []string{pick("0", "7", "18", "39", "40", "41", "69", "1.25", "1.5", "-3", "1e3", "x", "nan", "inf", "9007199254740993", "")}
			case it.Type.OneOf() && k > 2:
				a[it.ID] = []string{pick(options...)}
			default: // of a single choice too
				for range 1 + rng.IntN(4) {
					a[it.ID] = append(a[it.ID], pick(options...))
				}
			}
		}
		m.Responses[i].Answers = a
	}
}

// sharesOf are variables of every kind of question.
func sharesOf() []assess.Share {
	evil := []string{`a' OR 1=1 --`, `b\`}
	return []assess.Share{
		{Name: "one", Item: "uone", Options: evil},
		{Name: "one without", Item: "uone", Options: evil, Without: []string{surveys.DontKnow, "?"}},
		{Name: "scale", Item: "uscale", Options: []string{"?"}},
		{Name: "many", Item: "umany", Options: []string{"c\n@keys@", "tv"}},
		{Name: "many without", Item: "umany", Options: evil, Without: []string{surveys.DontKnow}},
		{Name: "first", Item: "ufirst", Options: []string{"tv", "none of them"}, First: true},
		{Name: "not first", Item: "ufirst", Options: []string{"tv"}},
		{Name: "ranked first", Item: "urank", Options: evil, First: true},
		{Name: "ranked first of those chosen", Item: "urankfrom", Options: evil, First: true},
		{Name: "ranked", Item: "urank", Options: evil},
		{Name: "evil item's name?", Item: "u'; --", Options: []string{"?"}},
		{Name: "nothing", Item: "uone", Options: []string{"never"}},
	}
}

// Conditions, topics and several cubes are the same from the store as in memory.
func TestCubesEqualMemory(t *testing.T) {
	for _, c := range []struct {
		name     string
		booklets bool
		make     func() (*surveys.Questionnaire, []assess.Factor)
	}{
		{"hostile words", false, hostile},
		{"booklets", true, hostile},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, factors := c.make()
			s := open(t)
			m := wave(q, factors, 400, rand.New(rand.NewPCG(11, 12)))
			if c.booklets {
				booklets(q, m)
			}
			unscored(q)
			answerUnscored(m, q, rand.New(rand.NewPCG(13, 14)))
			load(t, s, m, m.Responses)
			factors = append(slices.Clip(factors), conditional()...)
			query := assess.Query{Wave: m.Wave, Questionnaire: q, Factors: factors, Items: true, Shares: sharesOf()}
			compareCubes(t, s, m, query)
			query.Weights = "raked"
			compareCells(t, s, m, query)
			compareCubes(t, s, m, query)
			query.Weights = ""
			query.Factors = slices.DeleteFunc(slices.Clone(factors), func(f assess.Factor) bool { return f.ByScore })
			compareUnits(t, s, m, query)
		})
	}
}

// compareCubes asks for several cubes at once, some of the same variables.
func compareCubes(t *testing.T, s, m assess.Source, q assess.Query) {
	t.Helper()
	var ids []string
	for _, f := range q.Factors {
		ids = append(ids, f.ID)
	}
	rate := []string{assess.VarLiterate}
	cubes := []assess.Cube{
		{Variables: []string{assess.VarScore, assess.VarLiterate, "many", "first"}, Factors: []string{assess.VarLiterate}},
		{Variables: rate}, {Variables: rate, Factors: ids[:2]}, {Variables: rate, Factors: []string{"w2", ids[0]}}, {Variables: rate, Factors: ids},
		{Variables: []string{"one", "ranked"}, Factors: []string{"w1"}},
	}
	got, err := s.Cubes(t.Context(), q, cubes)
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Cubes(t.Context(), q, cubes)
	if err != nil {
		t.Fatal(err)
	}
	if got.Drawn != want.Drawn || got.Responded != want.Responded || got.Responded < 200 {
		t.Errorf("%d of %d cases responded, want %d of %d", got.Responded, got.Drawn, want.Responded, want.Drawn)
	}
	for i := range cubes {
		if d := cmp.Diff(want.Cells[i], got.Cells[i], compareFloats, cmpopts.EquateEmpty(), exported); d != "" {
			t.Errorf("cube %d: memory and store differ:\n%s", i, d)
		}
	}
	levels := map[int]int{}
	for _, r := range got.Cells[3].Rows {
		levels[r.Levels[0]] += r.N
	}
	for l := -1; l < 3; l++ {
		if levels[l] < 10 {
			t.Errorf("level %d of w2 has %d people, which tests little", l, levels[l])
		}
	}
	if n := len(got.Cells[0].Rows); n == 0 || !slices.ContainsFunc(got.Cells[0].Rows, func(r analysis.Cell) bool { return r.Sums[2].N > 0 && r.Sums[2].N < r.N && r.Sums[2].WY > 0 }) {
		t.Errorf("in %d cells a topic has everybody or nobody, which tests little", n)
	}
}

// Answers that take more words than the processor keeps at hand are read as well.
func TestManyWordsEqualMemory(t *testing.T) {
	q, factors := hostile()
	s := open(t)
	rng := rand.New(rand.NewPCG(21, 22))
	m := wave(q, factors, 400, rng)
	section := surveys.Section{ID: "many"}
	var shares []assess.Share
	for i := range 12 {
		it := surveys.Item{ID: fmt.Sprintf("many%d", i), Type: surveys.Multiple}
		for o := range 50 {
			it.Options = append(it.Options, surveys.Option{Code: fmt.Sprint(o)})
		}
		section.Items = append(section.Items, it)
		shares = append(shares, assess.Share{Name: it.ID, Item: it.ID, Options: []string{"3", "49"}, Without: []string{"7"}})
	}
	q.Sections = append(slices.Clone(q.Sections), section)
	for i := range m.Responses {
		a := maps.Clone(m.Responses[i].Answers)
		for _, it := range section.Items {
			for range rng.IntN(12) {
				a[it.ID] = append(a[it.ID], fmt.Sprint(rng.IntN(50)))
			}
		}
		m.Responses[i].Answers = a
	}
	load(t, s, m, m.Responses)
	query := assess.Query{Wave: m.Wave, Questionnaire: q, Factors: factors, Items: true, Shares: shares}
	compareCells(t, s, m, query)
	c, err := newCellsQuery(query, []assess.Cube{{}})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.words.list) <= fewWords {
		t.Errorf("%d words, which tests nothing", len(c.words.list))
	}
}

// The memory of levels does not grow with the number of different answers, and what it has
// forgotten it finds again.
func TestLevelsAreForgotten(t *testing.T) {
	var m levelMemory
	found := 0
	for range 2 {
		for n := range 3 * mostRemembered {
			want := n%5 - 1
			if got := m.level(&answersKey{0, 0, uint64(n)}, nil, func(*person) int { found++; return want }); got != want {
				t.Fatalf("the level of answer %d is %d, want %d", n, got, want)
			}
		}
	}
	if len(m.slots) > 2*mostRemembered || found < 3*mostRemembered {
		t.Errorf("%d places, %d found", len(m.slots), found)
	}
}
