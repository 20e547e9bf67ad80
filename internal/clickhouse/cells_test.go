package clickhouse

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// civic is the shipped questionnaire with the factors of its plan.
func civic(t testing.TB) (*surveys.Questionnaire, []assess.Factor) {
	t.Helper()
	q, plan := civicPlan(t)
	return q, plan.Factors
}

// civicPlan is the shipped questionnaire with its plan.
func civicPlan(t testing.TB) (*surveys.Questionnaire, *assess.Plan) {
	t.Helper()
	q, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	src, err := library.FS.ReadFile("civic-literacy/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := assess.ReadPlan("plan.yaml", src, q)
	if err != nil {
		t.Fatal(err)
	}
	return q, plan
}

// booklets gives the scored items in turn to three booklets, of which each person was
// given one.
func booklets(q *surveys.Questionnaire, m *assess.Memory) {
	q.Criterion.Unasked = surveys.UnaskedLeftOut
	q.Booklets = make([]surveys.Booklet, 3)
	n := 0
	for it := range q.Items {
		if it.Dimension != "" {
			b := &q.Booklets[n%3]
			b.Items, b.Share = append(b.Items, it.ID), 1.0/3
			n++
		}
	}
	for i := range m.Responses {
		r := &m.Responses[i]
		r.Answers = maps.Clone(r.Answers)
		for k, b := range q.Booklets {
			for _, id := range b.Items {
				if k != i%3 {
					delete(r.Answers, id)
				}
			}
		}
	}
}

// hostile is a questionnaire with factors whose every word tries to leave its
// literal. Its criterion makes an item that was not asked wrong.
func hostile() (*surveys.Questionnaire, []assess.Factor) {
	evil := []string{`a' OR 1=1 --`, `b\`, `{wave:String}`, `?`, "c\n@keys@", `/*`, `答"案`, "\x00`"}
	q := &surveys.Questionnaire{ID: "hostile", Criterion: &surveys.Criterion{
		Dimensions: []surveys.Dimension{{ID: "d'1", Points: 60}, {ID: `d\2`, Points: 40}},
		Cut:        50, Boundary: surveys.AtLeast, Unasked: surveys.UnaskedWrong,
		Levels: []surveys.Level{{ID: "l'1", Cut: 80}, {ID: "l?", Cut: 50}},
	}}
	var items []surveys.Item
	for i, id := range evil {
		items = append(items, surveys.Item{
			ID: id, Type: surveys.Single, Dimension: q.Criterion.Dimensions[i%2].ID, Key: []string{evil[(i+1)%len(evil)]},
			Options: []surveys.Option{{Code: evil[(i+1)%len(evil)]}, {Code: evil[(i+2)%len(evil)]}},
		})
	}
	q.Sections = []surveys.Section{{ID: "s", Items: items}}
	low, high := -0.5, 1e3
	return q, []assess.Factor{
		{ID: "f'1", Answer: evil[0], Levels: []assess.Level{{Code: "x", Values: evil[:2]}, {Code: "y", Values: evil[2:4]}}},
		{ID: "f'2", Sample: evil[1], Levels: []assess.Level{{Code: "x", Values: evil[4:]}, {Code: "y", Values: evil[:4]}}},
		{ID: "number", Answer: "n", Levels: []assess.Level{{Code: "low", Min: &low, Below: &high}, {Code: "high", Min: &high}}},
	}
}

// wave makes up a wave in which everything happens that can happen to a record.
func wave(q *surveys.Questionnaire, factors []assess.Factor, n int, rng *rand.Rand) *assess.Memory {
	m := &assess.Memory{Wave: "2026", Weights: map[string][]assess.CaseWeight{}}
	for i := range n {
		c := fieldwork.Case{
			ID: fmt.Sprintf("c%05d", i), Stratum: fmt.Sprintf("h%d", i%5), PSU: fmt.Sprintf("u%d", i/7%11),
			Weight: 1000 / (1 + 9*rng.Float64()), Columns: map[string]string{},
		}
		if rng.IntN(20) == 0 {
			c.Weight = 0 // only declares its PSU
		}
		for _, f := range factors {
			if f.Sample != "" {
				c.Columns[f.Sample] = someValue(f, rng)
			}
		}
		if rng.IntN(20) > 0 {
			m.Weights["raked"] = append(m.Weights["raked"], assess.CaseWeight{
				Case: c.ID, Weight: c.Weight * (0.5 + rng.Float64()), Base: c.Weight * (0.5 + rng.Float64()),
			})
		}
		m.Cases = append(m.Cases, c)
		if rng.IntN(4) > 0 {
			m.Responses = append(m.Responses, response(m.Wave, c.ID, 0, someAnswers(q, factors, rng)))
		}
	}
	m.Cases = append(m.Cases, drawn("nobody here", "h9", "u1", 5), drawn("declared", "h9", "u2", 0))
	addTrouble(m, q, factors, rng)
	rng.Shuffle(len(m.Responses), func(i, j int) { m.Responses[i], m.Responses[j] = m.Responses[j], m.Responses[i] })
	for i := range m.Responses {
		r := &m.Responses[i]
		if r.Seq = uint64(i + 1); r.Revision == 0 && r.ID == submission(0) {
			r.ID = submission(r.Seq)
		}
	}
	return m
}

// addTrouble adds later revisions, second submissions of a case, a revision that
// moves to another case, break-offs of all these, and responses of nobody in the sample.
func addTrouble(m *assess.Memory, q *surveys.Questionnaire, factors []assess.Factor, rng *rand.Rand) {
	again := func(id, submission string, revision uint32) {
		r := response(m.Wave, id, 0, someAnswers(q, factors, rng))
		r.Revision = revision
		if submission != "" {
			r.ID = submission
		}
		m.Responses = append(m.Responses, r)
	}
	for i := range len(m.Responses) / 10 {
		r := &m.Responses[i*10]
		r.ID = submission(uint64(1_000_000 + i))
		switch i % 3 {
		case 0:
			again(r.Case, r.ID, 1)
			again(r.Case, r.ID, 2)
		case 1:
			again(r.Case, "", 0)
		case 2:
			again(m.Cases[rng.IntN(len(m.Cases))].ID, r.ID, 1)
		}
		brokenOff := func(id, submission string, revision uint32) {
			again(id, submission, revision)
			m.Responses[len(m.Responses)-1].Partial = true
		}
		switch i % 5 {
		case 0:
			brokenOff(m.Cases[rng.IntN(len(m.Cases))].ID, "", 0) // often of a case that nobody completed
		case 1:
			brokenOff(m.Responses[i*10].Case, m.Responses[i*10].ID, 9) // after it was complete
		case 2:
			brokenOff(m.Responses[i*10].Case, "", 0) // on another device, perhaps before
		}
	}
	for _, id := range []string{"", "", "not drawn"} {
		again(id, "", 0)
	}
}

// someAnswers answers most items: right, wrong, blank, don't know; some are not asked.
func someAnswers(q *surveys.Questionnaire, factors []assess.Factor, rng *rand.Rand) surveys.Answers {
	a := surveys.Answers{}
	for it := range q.Items {
		switch k := rng.IntN(400); {
		case k == 0: // not asked
		case k < 10:
			a[it.ID] = nil
		case len(it.Key) > 0 && k < 260:
			a[it.ID] = []string{it.Key[0]}
		case len(it.Options) > 0:
			a[it.ID] = []string{it.Options[rng.IntN(len(it.Options))].Code}
		}
	}
	for _, f := range factors {
		if f.Answer != "" && rng.IntN(3) > 0 {
			a[f.Answer] = []string{someValue(f, rng)}
		}
	}
	return a
}

// someValue is a value of a factor, now and then one that has no level.
func someValue(f assess.Factor, rng *rand.Rand) string {
	l := f.Levels[rng.IntN(len(f.Levels))]
	switch {
	case rng.IntN(15) == 0:
		return []string{"", "refused", "17", "1e9", "-7.5", "12x"}[rng.IntN(6)]
	case len(l.Values) > 0:
		return l.Values[rng.IntN(len(l.Values))]
	}
	x := *l.Min // the border itself belongs to the level
	if rng.IntN(2) == 0 {
		x++
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// load puts everything that is in memory into the store, in blocks of 100 in the
// order given.
func load(t testing.TB, s *Store, m *assess.Memory, order []surveys.Response) {
	t.Helper()
	putSample(t, s, m.Wave, m.Cases...)
	for i, block := range slices.Collect(slices.Chunk(order, 100)) {
		put(t, s, strconv.Itoa(i), block...)
	}
	for name, w := range m.Weights {
		if _, _, err := s.PutWeights(t.Context(), m.Wave, assess.Weighting{Name: name}, w); err != nil {
			t.Fatal(err)
		}
	}
}

// exported compares what cells hold; those from memory also remember the design they
// were summed from.
var exported = cmpopts.IgnoreUnexported(analysis.Cells{})

// compareFloats allows for the rounding of the sums in memory: terms are the same
// float64 on both sides, and a cell has a few of them.
var compareFloats = cmpopts.EquateApprox(1e-12, 0)

func TestStoreEqualsMemory(t *testing.T) {
	civicQ, civicF := civic(t)
	hostileQ, hostileF := hostile()
	leftOutQ, leftOutF := civic(t)
	hostileLeftOutQ, hostileLeftOutF := hostile()
	for _, c := range []struct {
		name     string
		q        *surveys.Questionnaire
		factors  []assess.Factor
		booklets bool
	}{
		{"the shipped questionnaire", civicQ, civicF, false},
		{"hostile words", hostileQ, hostileF, false},
		{"booklets", leftOutQ, leftOutF, true},
		{"booklets, hostile words", hostileLeftOutQ, hostileLeftOutF, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			m := wave(c.q, c.factors, 400, rand.New(rand.NewPCG(1, 2)))
			if c.booklets {
				booklets(c.q, m)
			}
			load(t, s, m, m.Responses)
			put(t, s, "again", m.Responses[:50]...) // under another token
			query := assess.Query{Wave: m.Wave, Questionnaire: c.q, Factors: c.factors, Items: true}
			for _, query.Weights = range []string{"", "raked"} {
				compareCells(t, s, m, query)
			}
			query.Factors = nil
			compareCells(t, s, m, query)
			query.Factors, query.Columns = c.factors, []string{"city", `b\`, "none"}
			compareUnits(t, s, m, query)
		})
	}
}

func compareCells(t *testing.T, s, m assess.Source, q assess.Query) {
	t.Helper()
	got, err := s.Cells(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Cells(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, compareFloats, cmpopts.EquateEmpty(), exported); d != "" {
		t.Errorf("weights %q, %d factors: memory and store differ:\n%s", q.Weights, len(q.Factors), d)
	}
	n := 0
	for _, r := range got.Rows {
		n += r.N
	}
	if n < 200 {
		t.Errorf("only %d respondents were compared", n)
	}
}

// Replicates are made from the cells, whichever source they came from.
func TestSameReplicatesFromStoreAndMemory(t *testing.T) {
	q, factors := civic(t)
	s := open(t)
	m := wave(q, factors, 400, rand.New(rand.NewPCG(1, 2)))
	load(t, s, m, m.Responses)
	plan := &assess.Plan{Factors: factors, Tables: []string{"sex"}}
	for _, v := range []assess.Variance{{Method: assess.JKn}, {Method: assess.Bootstrap, Replicates: 40, Seed: 9}} {
		var from [2]*assess.Results
		for i, src := range []assess.Source{s, m} {
			r, err := assess.Assess(t.Context(), src, q, plan, assess.Options{Wave: m.Wave, Weighting: &assess.Weighting{Name: "raked"}, Variance: v})
			if err != nil {
				t.Fatal(err)
			}
			from[i] = r
		}
		if d := cmp.Diff(from[1].Tables, from[0].Tables, compareReplicates, cmpopts.EquateNaNs()); d != "" {
			t.Errorf("%s: memory and store differ:\n%s", v.Method, d)
		}
		if e := from[0].Tables[0].Groups[0].Rows[0].Estimate; !(e.SE > 0) || e.N < 50 {
			t.Errorf("%s: SE %v of %d people", v.Method, e.SE, e.N)
		}
	}
}

// compareReplicates allows for the rounding of sums, which deviations of replicates
// multiply by the estimate over its standard error.
var compareReplicates = cmpopts.EquateApprox(1e-9, 0)

// countsOf says how many cases a wave has with a weight, and how many of them responded.
func countsOf(t testing.TB, s assess.Source, wave string) (drawn, responded int, err error) {
	t.Helper()
	q, _ := hostile()
	sums, err := s.Cubes(t.Context(), assess.Query{Wave: wave, Questionnaire: q}, nil)
	if err != nil {
		return 0, 0, err
	}
	return sums.Drawn, sums.Responded, nil
}

func compareUnits(t *testing.T, s, m assess.Source, q assess.Query) {
	t.Helper()
	got, err := s.Units(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Units(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("units: memory and store differ:\n%s", d)
	}
	d, r, err := countsOf(t, s, q.Wave)
	wantD, wantR, _ := countsOf(t, m, q.Wave)
	responded, scored := 0, 0
	for _, u := range got {
		if u.Responded {
			responded++
		}
		if u.Scored() {
			scored++
		}
	}
	if scored == 0 || scored > responded || responded == len(got) {
		t.Errorf("%d units with a score, %d with a response, %d in all", scored, responded, len(got))
	}
	if err != nil || d != wantD || r != wantR || d != len(got) || r != responded {
		t.Errorf("Counts() = %d, %d, %v, want %d, %d", d, r, err, wantD, wantR)
	}
}

// Cells of some variables are those of all, without the rest.
func TestCellsOfSomeVariables(t *testing.T) {
	s := open(t)
	q, factors := civic(t)
	m := wave(q, factors, 400, rand.New(rand.NewPCG(7, 8)))
	load(t, s, m, m.Responses)
	query := assess.Query{Wave: m.Wave, Questionnaire: q, Factors: factors[:2], Items: true}
	all, err := m.Cells(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	item := all.Variables[len(all.Variables)-1]
	query.Items = false // naming them is enough
	for _, names := range [][]string{{assess.VarLiterate}, {item, "dim:" + q.Criterion.Dimensions[1].ID, assess.VarScore, assess.VarLiterate}} {
		got, err := cellsOf(t, s, query, names...)
		if err != nil {
			t.Fatal(err)
		}
		want := *all
		want.Variables, want.Rows = names, slices.Clone(all.Rows)
		for i, row := range all.Rows {
			want.Rows[i].Sums, want.Rows[i].Ones = nil, nil
			for _, name := range names {
				v := slices.Index(all.Variables, name)
				want.Rows[i].Sums, want.Rows[i].Ones = append(want.Rows[i].Sums, row.Sums[v]), append(want.Rows[i].Ones, row.Ones[v])
			}
		}
		if d := cmp.Diff(&want, got, compareFloats, cmpopts.EquateEmpty(), exported); d != "" {
			t.Errorf("%v: %s", names, d)
		}
		if !slices.ContainsFunc(all.Rows, func(r analysis.Cell) bool { return r.Sums[0].N < r.N }) {
			t.Error("nobody is without a score, which tests nothing")
		}
	}
	_, err = cellsOf(t, s, query, "litrate")
	wantError(t, err, surveys.ErrInvalid, `"litrate"`)
}

// cellsOf are the cells with only the variables that are named.
func cellsOf(t testing.TB, s *Store, q assess.Query, variables ...string) (*analysis.Cells, error) {
	t.Helper()
	of := assess.Cube{Variables: variables}
	for _, f := range q.Factors {
		of.Factors = append(of.Factors, f.ID)
	}
	sums, err := s.Cubes(t.Context(), q, []assess.Cube{of})
	if err != nil {
		return nil, err
	}
	return sums.Cells[0], nil
}

// Responses that were stored before codes were kept give the same cells.
func TestOldResponsesHaveCodes(t *testing.T) {
	s := openBare(t)
	steps, err := readMigrations(migrationFiles)
	if err != nil {
		t.Fatal(err)
	}
	others := slices.DeleteFunc(slices.Clone(steps), func(m migration) bool { return m.name == "0008_codes.sql" || m.name == "0013_choices.sql" })
	if _, err := s.migrate(t.Context(), others); err != nil {
		t.Fatal(err)
	}
	q, factors := civic(t)
	m := wave(q, factors, 400, rand.New(rand.NewPCG(9, 10)))
	load(t, s, m, m.Responses[:200])
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, s, "later", m.Responses[200:]...)
	compareCells(t, s, m, assess.Query{Wave: m.Wave, Questionnaire: q, Factors: factors, Items: true})
}

// The order in which responses came, the parts they lie in and the number of threads
// change no bit of a sum.
func TestSameResponsesSameBits(t *testing.T) {
	q, factors := civic(t)
	// One factor, so that many people share a cell.
	query := assess.Query{Wave: "2026", Questionnaire: q, Factors: factors[:1], Weights: "raked"}
	m := wave(q, factors, 400, rand.New(rand.NewPCG(3, 4)))
	for i := range m.Cases {
		m.Cases[i].PSU = "one"
	}
	backwards := slices.Clone(m.Responses)
	slices.Reverse(backwards)
	var first *analysis.Cells
	for _, order := range [][]surveys.Response{m.Responses, backwards} {
		s := open(t)
		load(t, s, m, order)
		for _, threads := range []int{1, 2} {
			ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{
				"max_threads": threads, "max_block_size": 1 + 50*threads,
			}))
			got, err := s.Cells(ctx, query)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = got
			}
			if d := cmp.Diff(first, got, exported); d != "" {
				t.Errorf("%d threads: %s", threads, d)
			}
		}
	}
}

// However many portions the responses are read in, the cells are the same to the last bit, and
// so are the units.
func TestPortionsGiveTheSameCells(t *testing.T) {
	q, factors := civic(t)
	m := wave(q, factors, 400, rand.New(rand.NewPCG(3, 4)))
	s := open(t)
	for i := range m.Responses {
		m.Responses[i].Node = uint16(1 + i%3)
		m.Responses[i].Seq *= 1 + 1000*uint64(i%3) // gaps
	}
	load(t, s, m, m.Responses)
	query := assess.Query{Wave: m.Wave, Questionnaire: q, Factors: factors, Items: true, Weights: "raked"}
	compareCells(t, s, m, query)
	var cells *analysis.Cells
	var units []assess.Unit
	for _, s.portion = range []uint64{portion, 60, 7} {
		got, err := s.Cells(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		listed, err := s.Units(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		if cells == nil {
			cells, units = got, listed
		}
		if d := cmp.Diff(cells, got, exported); d != "" {
			t.Errorf("in portions of %d: %s", s.portion, d)
		}
		if d := cmp.Diff(units, listed, cmpopts.EquateNaNs()); d != "" {
			t.Errorf("in portions of %d: %s", s.portion, d)
		}
	}
	shot, err := s.snapshot(t.Context(), arguments{"wave": m.Wave})
	if err != nil {
		t.Fatal(err)
	}
	if len(shot.ranges) < 30 || len(shot.superseded) < 20 {
		t.Errorf("%d portions, %d records superseded: too few to test anything", len(shot.ranges), len(shot.superseded))
	}
}

// So many people share a cell that their weights leave the first limb of a sum.
func TestManyPeopleInACell(t *testing.T) {
	q, _ := civic(t)
	m := wave(q, nil, 400, rand.New(rand.NewPCG(3, 4)))
	for i := range m.Cases {
		m.Cases[i].Stratum, m.Cases[i].PSU = "all", "one"
	}
	s := open(t)
	load(t, s, m, m.Responses)
	query := assess.Query{Wave: m.Wave, Questionnaire: q, Items: true}
	compareCells(t, s, m, query)
	d, err := s.design(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	cells, err := s.Cells(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	in := counting(d.ranges.given, d.ranges.cases)
	if sum := math.Ldexp(cells.Rows[0].W, -in.low); len(cells.Rows) != 1 || in.limbs != 2 || sum < math.Exp2(64) {
		t.Errorf("%d cells, %v units in %d limbs: this tests little", len(cells.Rows), sum, in.limbs)
	}
}

// Factors with so many levels that their cells take a hash table give the same cells as in
// memory: many people have the same cell, in one portion and in several.
func TestManyLevelsEqualMemory(t *testing.T) {
	q, factors := civic(t)
	m := wave(q, factors, 2000, rand.New(rand.NewPCG(31, 32)))
	var by []assess.Factor
	var ids []string
	for _, f := range factors {
		if len(f.Levels) < 4 || len(by) == 2 {
			continue
		}
		for i := range 1100 {
			f.Levels = append(slices.Clip(f.Levels), assess.Level{Code: fmt.Sprint("further", i), Values: []string{fmt.Sprint("none has it ", i)}})
		}
		by, ids = append(by, f), append(ids, f.ID)
	}
	s := open(t)
	load(t, s, m, m.Responses)
	query := assess.Query{Wave: m.Wave, Questionnaire: q, Factors: by, Items: true}
	for _, s.portion = range []uint64{portion, 300} {
		compareCells(t, s, m, query)
	}
	cells, err := s.Cells(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	perUnit, most := map[int]int{}, 0
	for _, r := range cells.Rows {
		perUnit[r.PSU]++
		most = max(most, perUnit[r.PSU])
	}
	c, err := newCellsQuery(query, []assess.Cube{{Factors: ids}})
	if err != nil {
		t.Fatal(err)
	}
	if k := c.newCube(c.joined[0], scales{}, 0, 1); k.steps != nil || most < 9 {
		t.Errorf("a table of %d places, and %d cells in a PSU: this tests little", len(k.table), most)
	}
}

// Cubes of the same variables are summed as one, as long as it has not very many more cells than
// each of them has, and no variables of answers.
func TestCubesThatAreSummedTogether(t *testing.T) {
	q, _ := civic(t)
	factor := func(id string, levels int) assess.Factor {
		f := assess.Factor{ID: id, Sample: id}
		for i := range levels {
			f.Levels = append(f.Levels, assess.Level{Code: fmt.Sprint(i), Values: []string{fmt.Sprint(i)}})
		}
		return f
	}
	query := assess.Query{Wave: "w", Questionnaire: q, Items: true, Factors: []assess.Factor{factor("a", 2), factor("b", 6), factor("c", 7), factor("d", 8)}}
	rate, score := []string{assess.VarLiterate}, []string{assess.VarScore}
	item := []string{assess.VarLiterate, "item:" + scoredItem(t, q)}
	c, err := newCellsQuery(query, []assess.Cube{
		{Variables: rate, Factors: []string{"a", "b"}}, {Variables: rate, Factors: []string{"a", "c"}}, {Variables: rate, Factors: []string{"d", "a"}},
		{Variables: score, Factors: []string{"a"}}, {Variables: item, Factors: []string{"a"}}, {Variables: item, Factors: []string{"b"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	// With d, there would be 8·9 cells for one by a and b.
	if want := []int{0, 0, 1, 2, 3, 4}; !slices.Equal(c.from, want) || len(c.joined) != 5 || !slices.Equal(c.joined[0].factors, []int{0, 1, 2}) {
		t.Errorf("the cubes are made of %v, want %v; the first of the factors %v", c.from, want, c.joined[0].factors)
	}
}

func scoredItem(t *testing.T, q *surveys.Questionnaire) string {
	t.Helper()
	for it := range q.Items {
		if len(it.Key) > 0 {
			return it.ID
		}
	}
	t.Fatal("no item is scored")
	return ""
}

// More different answers than can be numbered are refused, not mixed up.
func TestTooManyDifferentAnswers(t *testing.T) {
	q, _ := civic(t)
	var many assess.Level
	for i := range 40_000 {
		many.Values = append(many.Values, fmt.Sprintf("place %d", i))
	}
	f := assess.Factor{ID: "place", Answer: "place", Levels: []assess.Level{many}}
	_, err := newCellsQuery(assess.Query{Wave: "w", Questionnaire: q, Factors: []assess.Factor{f}}, []assess.Cube{{Factors: []string{"place"}}})
	wantError(t, err, surveys.ErrInvalid, "different answers")
}

// Thousands of different answers that a factor looks at, as the towns of a province are, are told
// apart.
func TestThousandsOfDifferentAnswers(t *testing.T) {
	q, _ := civic(t)
	towns := assess.Factor{ID: "town", Answer: "town"}
	for city := range 60 {
		l := assess.Level{Code: fmt.Sprint("city", city)}
		for n := range 150 {
			l.Values = append(l.Values, fmt.Sprintf("3301%02d%06d", city, n))
		}
		towns.Levels = append(towns.Levels, l)
	}
	factors := []assess.Factor{towns}
	m := wave(q, factors, 400, rand.New(rand.NewPCG(3, 4)))
	s := open(t)
	load(t, s, m, m.Responses)
	compareCells(t, s, m, assess.Query{Wave: m.Wave, Questionnaire: q, Factors: factors})
}

// Somebody who sends more answers than the questionnaire could have does not spoil the others.
func TestVeryManyAnswers(t *testing.T) {
	q, factors := civic(t)
	m := wave(q, factors, 400, rand.New(rand.NewPCG(3, 4)))
	for _, i := range []int{7, 50} {
		a := maps.Clone(m.Responses[i].Answers)
		for n := range 70_000 {
			a[fmt.Sprintf("x%d", n)] = []string{"1"}
		}
		m.Responses[i].Answers = a
	}
	s := open(t)
	load(t, s, m, m.Responses)
	compareCells(t, s, m, assess.Query{Wave: m.Wave, Questionnaire: q, Factors: factors})
}

// A log falls into pieces of at most a portion of records, wherever they lie in it.
func TestPiecesOfALog(t *testing.T) {
	s := open(t)
	s.portion = 10
	var all []surveys.Response
	for i, seq := range []uint64{5, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 5000, math.MaxUint64} {
		r := response("w", fmt.Sprint("c", i), seq, nil)
		r.Node = 1
		all = append(all, r)
	}
	other := response("w", "other", 7, nil)
	other.Node = 2
	put(t, s, "1", append(all, other)...)
	shot, err := s.snapshot(t.Context(), arguments{"wave": "w"})
	if err != nil {
		t.Fatal(err)
	}
	want := []logRange{{1, 5, 5, 1}, {1, 1000, 1009, 10}, {1, 1010, math.MaxUint64, 7}, {2, 7, 7, 1}}
	if d := cmp.Diff(want, shot.ranges, cmp.AllowUnexported(logRange{})); d != "" {
		t.Error(d)
	}
}

// What arrives while the responses are read is not looked at: neither as an interview nor as a
// later revision of one.
func TestWhatArrivesMeanwhileDoesNotCount(t *testing.T) {
	q, factors := civic(t)
	rng := rand.New(rand.NewPCG(3, 4))
	m := wave(q, factors, 100, rng)
	s := open(t)
	load(t, s, m, m.Responses)
	args := arguments{"wave": m.Wave}
	r, err := newReading(assess.Query{Wave: m.Wave, Questionnaire: q, Factors: factors})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.finish(); err != nil {
		t.Fatal(err)
	}
	s.portion = 10
	interviews := func(meanwhile func()) map[uint64]answered {
		all := map[uint64]answered{}
		p := r.newPerson()
		err := s.people(t.Context(), r, args, func(shot snapshot, chunks []chunk) error {
			if meanwhile != nil {
				meanwhile()
				meanwhile = nil
			}
			for i := range chunks {
				chunks[i].each(shot, func(k int, from, to uint32) {
					for n := range p.numbers {
						p.numbers[n] = chunks[i].values[n][k]
					}
					all[chunks[i].cases[k]] = r.answered(p, chunks[i].given[from:to])
				})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := interviews(nil)
	shot, err := s.snapshot(t.Context(), args)
	if err != nil {
		t.Fatal(err)
	}
	during := interviews(func() {
		var late []surveys.Response
		for i, r := range m.Responses {
			if i%2 == 0 {
				r.Revision += 10
				r.Seq += 10_000
				r.Answers = someAnswers(q, factors, rng)
				late = append(late, r)
			}
		}
		put(t, s, "late", late...)
	})
	if d := cmp.Diff(before, during, cmp.AllowUnexported(answered{}), cmpopts.EquateNaNs()); d != "" {
		t.Error(d)
	}
	superseded, err := s.supersededOf(t.Context(), args, shot.until, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(shot.superseded, superseded); d != "" {
		t.Errorf("late revisions supersede what they do not replace: %s", d)
	}
	after := interviews(nil)
	if cmp.Equal(before, after, cmp.AllowUnexported(answered{}), cmpopts.EquateNaNs()) {
		t.Error("late revisions count at no time: this tests nothing")
	}
}

func TestUnknownWaveAndWeights(t *testing.T) {
	s := open(t)
	q, factors := civic(t)
	query := assess.Query{Wave: "2026", Questionnaire: q, Factors: factors}
	_, err := s.Cells(t.Context(), query)
	wantError(t, err, surveys.ErrNotFound, `"2026"`, "sample file")
	_, _, err = countsOf(t, s, "2026")
	wantError(t, err, surveys.ErrNotFound, `"2026"`)
	putSample(t, s, "2026", drawn("a", "h", "u", 1))
	query.Weights = "raked"
	_, err = s.Cells(t.Context(), query)
	wantError(t, err, surveys.ErrNotFound, `"raked"`, "no weights yet")
	if _, _, err := s.PutWeights(t.Context(), "2026", assess.Weighting{Name: "other"}, []assess.CaseWeight{{Case: "a", Weight: 1, Base: 1}}); err != nil {
		t.Fatal(err)
	}
	_, err = s.Cells(t.Context(), query)
	wantError(t, err, surveys.ErrNotFound, "there are other@1")
	query.Weights = "other@2"
	_, err = s.Cells(t.Context(), query)
	wantError(t, err, surveys.ErrNotFound, "there are other@1")
	query.Weights = "other@x"
	_, err = s.Cells(t.Context(), query)
	wantError(t, err, surveys.ErrInvalid, "raked@2")
}

func TestWaveWithoutResponsesHasItsDesign(t *testing.T) {
	s := open(t)
	q, factors := civic(t)
	putSample(t, s, "2026", drawn("b", "h2", "u", 1), drawn("a", "h1", "v", 0))
	c, err := s.Cells(t.Context(), assess.Query{Wave: "2026", Questionnaire: q, Factors: factors})
	if err != nil {
		t.Fatal(err)
	}
	want := []analysis.PSU{{Stratum: "h1", Name: "v"}, {Stratum: "h2", Name: "u"}}
	if d := cmp.Diff(want, c.PSUs); d != "" || len(c.Rows) != 0 {
		t.Errorf("%d rows; PSUs: %s", len(c.Rows), d)
	}
}

// The composed queries, for people to read. Run with -update to rewrite them.
func TestComposedQueries(t *testing.T) {
	q, factors := hostile()
	query := assess.Query{Wave: "2026", Questionnaire: q, Factors: factors, Items: true, Weights: "raked"}
	c, err := newCellsQuery(query, []assess.Cube{{Factors: []string{factors[0].ID, factors[1].ID, factors[2].ID}}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "answers.sql", c.answersText())
	cases, _ := sampledCasesText(query)
	golden(t, "cases.sql", cases)
	query.Weights = ""
	golden(t, "units.sql", unitsText(query, false))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got+"\n"); d != "" {
		t.Errorf("%s changed; read the difference and run with -update:\n%s", path, d)
	}
}
