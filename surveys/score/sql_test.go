package score_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

// hostile are strings that would do harm in SQL, or in the client's parameters, if
// they were not quoted well. The NUL byte and bytes that are not UTF-8 are among them.
var hostile = []string{
	`'); DROP TABLE people; --`, `\`, `\'`, `"`, "`", "?", "{x:String}", "$1", "@name", "%s", "a\x00b", "\n\t\r",
	"中文'题", "\xff\xfe", "/* */", "\\x41", "", " ",
}

func engineOf(t *testing.T) driver.Conn {
	t.Helper()
	options, err := clickhouse.ParseDSN(enginetest.Start(t).DSN())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// TestGoAndClickHouseAgree scores the same random answers on both sides and compares
// every number bit for bit.
func TestGoAndClickHouseAgree(t *testing.T) {
	conn := engineOf(t)
	t.Run("quoting", func(t *testing.T) { quoting(t, conn) })
	t.Run("above, unasked missing", func(t *testing.T) { agree(t, conn, odd()) })
	t.Run("without a subquery", func(t *testing.T) {
		q := cast()
		q.Sections[0].Items = scored("k", 3)
		scorer, e, people := prepared(t, conn, q)
		compare(t, q, scorer, people, ask(t, conn, e, "people"))
	})
	t.Run("at least, unasked wrong", func(t *testing.T) {
		q := odd()
		q.Criterion.Unasked, q.Criterion.Boundary = surveys.UnaskedWrong, surveys.AtLeast
		agree(t, conn, q)
	})
	t.Run("left out what was not asked", func(t *testing.T) {
		q := odd()
		q.Criterion.Unasked = surveys.UnaskedLeftOut
		agree(t, conn, q)
		inBooklets(q)
		agree(t, conn, q)
	})
	t.Run("left out, over two marks and without a subquery", func(t *testing.T) {
		q := cast()
		q.Criterion.Unasked, q.Criterion.Boundary = surveys.UnaskedLeftOut, surveys.AtLeast
		q.Sections[0].Items = scored("k", 60)
		inBooklets(q)
		agree(t, conn, q)
		q.Sections[0].Items = scored("k", 3)
		inBooklets(q)
		scorer, e, people := prepared(t, conn, q)
		compare(t, q, scorer, people, ask(t, conn, e, "people"))
	})
	t.Run("more items than a mark holds", func(t *testing.T) {
		q := cast()
		q.Sections[0].Items = scored("k", 60)
		agree(t, conn, q)
	})
	t.Run("few items", func(t *testing.T) {
		q := cast()
		q.Criterion.Dimensions, q.Sections = q.Criterion.Dimensions[:2], q.Sections[:2]
		q.Criterion.Cut, q.Criterion.Levels = 30, nil
		q.Sections[0].Items, q.Sections[1].Items = scored("k", 4), scored("m", 5)
		agree(t, conn, q)
	})
	t.Run("hostile names", func(t *testing.T) {
		q := cast()
		for i, s := range hostile {
			it := &q.Sections[0].Items[i]
			it.ID, it.Key = s+"#", []string{"r", s}
		}
		agree(t, conn, q)
	})
}

// odd is a questionnaire with odd points and numbers of items, and with an item that
// has two right options.
func odd() *surveys.Questionnaire {
	q := cast()
	q.Criterion.Dimensions[1].Points = 19.875
	q.Sections[1].Items = scored("m", 7)
	q.Item("s1").Key = []string{"r", "w"}
	return q
}

// quoting asks the engine for every literal and expects the string itself.
func quoting(t *testing.T, conn driver.Conn) {
	for _, s := range hostile {
		var got string
		if err := conn.QueryRow(t.Context(), "SELECT "+score.Quote(s)+" WHERE 1 = ?", 1).Scan(&got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if got != s {
			t.Errorf("Quote(%q) is read as %q", s, got)
		}
	}
}

// prepared loads random answers to q.
func prepared(t *testing.T, conn driver.Conn, q *surveys.Questionnaire) (*score.Scorer, score.Expressions, []surveys.Answers) {
	t.Helper()
	scorer, err := score.New(q)
	if err != nil {
		t.Fatal(err)
	}
	e, err := score.SQL(q)
	if err != nil {
		t.Fatal(err)
	}
	people := make([]surveys.Answers, 300)
	rng := rand.New(rand.NewPCG(2026, 11))
	for i := range people {
		people[i] = randomAnswers(rng, q)
	}
	load(t, conn, people)
	return scorer, e, people
}

// agree compares the scores over marks with those of Go.
func agree(t *testing.T, conn driver.Conn, q *surveys.Questionnaire) {
	t.Helper()
	scorer, _, people := prepared(t, conn, q)
	over, subquery := throughMarks(scorer)
	compare(t, q, scorer, people, ask(t, conn, over, subquery))
}

// ask computes all expressions for all people; from may be a table or a subquery.
func ask(t *testing.T, conn driver.Conn, e score.Expressions, from string) [][]*float64 {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT ["+strings.Join(inOrder(e), ", ")+"] FROM "+from+" ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all [][]*float64
	for rows.Next() {
		var one []*float64
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// throughMarks computes the marks in a subquery and everything over its columns.
func throughMarks(s *score.Scorer) (score.Expressions, string) {
	var columns, list []string
	for i, mark := range s.Marks() {
		columns = append(columns, fmt.Sprintf("m%d", i))
		list = append(list, mark+" AS "+columns[i])
	}
	return s.OverMarks(columns), "(SELECT id, " + strings.Join(list, ", ") + " FROM people)"
}

// inOrder lists the expressions: score, literate, dimensions, levels, bands, items.
func inOrder(e score.Expressions) []string {
	list := []string{e.Score, e.Literate}
	for _, m := range []map[string]string{e.Dimensions, e.Levels, e.Bands, e.Items} {
		for _, id := range slices.Sorted(maps.Keys(m)) {
			list = append(list, m[id])
		}
	}
	return list
}

func compare(t *testing.T, q *surveys.Questionnaire, s *score.Scorer, people []surveys.Answers, got [][]*float64) {
	t.Helper()
	if len(got) != len(people) {
		t.Fatalf("%d rows, want %d", len(got), len(people))
	}
	scores := map[float64]int{}
	for i, a := range people {
		r, _ := s.Score(a)
		scores[r.Total]++
		want := inGo(q, s, r)
		for j, w := range want {
			g := math.NaN()
			if got[i][j] != nil {
				g = *got[i][j]
			}
			if math.Float64bits(g) != math.Float64bits(w) && !(math.IsNaN(g) && math.IsNaN(w)) {
				t.Fatalf("person %d, number %d: ClickHouse %v, Go %v; answers %v", i, j, g, w, a)
			}
		}
	}
	if len(scores) < 20 {
		t.Fatalf("only %d different scores: the answers test nothing", len(scores))
	}
}

// inGo lists a result in the order of inOrder.
func inGo(q *surveys.Questionnaire, s *score.Scorer, r score.Result) []float64 {
	ids := map[string]float64{}
	list := []float64{r.Total, yes(r, r.Literate)}
	add := func() {
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			list = append(list, ids[id])
		}
		clear(ids)
	}
	for i, d := range q.Criterion.Dimensions {
		ids[d.ID] = r.Dimensions[i]
	}
	add()
	for i, l := range q.Criterion.Levels {
		ids[l.ID] = yes(r, r.Level <= i)
	}
	add()
	for i, l := range q.Criterion.Levels {
		ids[l.ID] = yes(r, r.Level == i)
		ids[score.BandLowest] = yes(r, r.Level == len(q.Criterion.Levels))
	}
	add()
	for i, id := range s.Items() {
		ids[id] = r.Right[i]
	}
	add()
	return list
}

func yes(r score.Result, b bool) float64 {
	switch {
	case math.IsNaN(r.Total):
		return math.NaN()
	case b:
		return 1
	}
	return 0
}

// inBooklets puts the items in turn into three booklets. The last leaves out a whole
// dimension.
func inBooklets(q *surveys.Questionnaire) {
	q.Booklets = make([]surveys.Booklet, 3)
	n := 0
	for it := range q.Items {
		b := n % 3
		if n++; it.Dimension != "m" || b != 2 {
			q.Booklets[b].Items = append(q.Booklets[b].Items, it.ID)
		}
	}
}

// randomAnswers gives each person a share of right answers; now and then an item is
// blank, has several values or was not asked.
func randomAnswers(rng *rand.Rand, q *surveys.Questionnaire) surveys.Answers {
	a := surveys.Answers{"other": {"r"}}
	able, asked := rng.Float64(), rng.IntN(2) == 0
	var booklet []string
	if n := len(q.Booklets); n > 0 {
		booklet = q.Booklets[rng.IntN(n)].Items
	}
	for it := range q.Items {
		if booklet != nil && !slices.Contains(booklet, it.ID) {
			continue
		}
		switch u := rng.IntN(60); {
		case u == 0 && !asked:
			continue
		case u == 1:
			a[it.ID] = []string{}
		case u == 2:
			a[it.ID] = []string{"r", "w"}
		case rng.Float64() < able:
			a[it.ID] = it.Key[rng.IntN(len(it.Key)):][:1]
		default:
			a[it.ID] = []string{[]string{"w", "dk", "x", ""}[rng.IntN(4)]}
		}
	}
	return a
}

// load replaces the table people by these answers.
func load(t *testing.T, conn driver.Conn, people []surveys.Answers) {
	t.Helper()
	for _, query := range []string{
		"DROP TABLE IF EXISTS people",
		"CREATE TABLE people (id UInt32, answers Map(LowCardinality(String), Array(String))) ENGINE = MergeTree ORDER BY id",
	} {
		if err := conn.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO people")
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range people {
		if err := batch.Append(uint32(i), map[string][]string(a)); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}
