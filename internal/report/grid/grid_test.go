package grid

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

// twoRows is a head of two rows over names, two waves of two columns, and n.
func twoRows() *document.Table {
	return &document.Table{ID: "t",
		Head: [][]document.Heading{
			{{Text: "City", Down: 2, Left: true}, {Text: "2023", Span: 2}, {Text: "2025", Span: 2}, {Text: "n", Down: 2}},
			{{Text: "rate"}, {Text: "interval"}, {Text: "rate"}, {Text: "remark", Left: true}},
		},
		Rows: []document.Row{{Name: "A", Cells: make([]document.Cell, 5)}},
	}
}

func TestColumnsAreNamedByAllTheirHeadings(t *testing.T) {
	g, err := Of(twoRows())
	if err != nil {
		t.Fatal(err)
	}
	for c, want := range []string{"City", "2023 / rate", "2023 / interval", "2025 / rate", "2025 / remark", "n"} {
		if got := g.Name(c); got != want {
			t.Errorf("Name(%d) = %q, want %q", c, got, want)
		}
	}
	for c, want := range []bool{true, false, false, false, true, false} {
		if got := g.Words(c); got != want {
			t.Errorf("Words(%d) = %v, want %v", c, got, want)
		}
	}
}

func TestEveryPlaceOfTheHeadIsCoveredOnce(t *testing.T) {
	table := twoRows()
	table.Head[1] = table.Head[1][:2]                                  // a head with a hole
	table.Rows[0].Cells = append(table.Rows[0].Cells, document.Cell{}) // and narrower than its row
	g, err := Of(table)
	if err != nil {
		t.Fatal(err)
	}
	if g.Columns != 7 {
		t.Errorf("%d columns, want 7", g.Columns)
	}
	covered := map[[2]int]int{}
	for _, s := range g.Head {
		for r := range s.Rows {
			for c := range s.Columns {
				covered[[2]int{s.Row + r, s.Column + c}]++
			}
		}
	}
	for r := range 2 {
		for c := range 7 {
			if n := covered[[2]int{r, c}]; n != 1 {
				t.Errorf("place %d, %d is covered %d times", r, c, n)
			}
		}
	}
}

func TestWhatIsWrongWithATableIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*document.Table)
		want  string
	}{
		"below the head": {func(t *document.Table) { t.Head[1][0].Down = 2 }, `"rate" reaches below`},
		"overlap":        {func(t *document.Table) { t.Head[1][3].Span = 2 }, `"remark" overlaps`},
		"note 2 of 1":    {func(t *document.Table) { t.Notes = []string{"x"}; t.Rows[0].Cells[0].Notes = []int{2} }, "footnote 2, but there are 1"},
		"note 0":         {func(t *document.Table) { t.Rows[0].Cells[0].Notes = []int{0} }, "footnote 0"},
	} {
		table := twoRows()
		c.spoil(table)
		_, err := Of(table)
		if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `table "t"`) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestOnlyPublishedNumbersAreNumbers(t *testing.T) {
	x, nan, inf := 0.25, math.NaN(), math.Inf(1)
	for name, c := range map[string]struct {
		cell document.Cell
		want bool
	}{
		"number": {document.Cell{Value: &x}, true}, "words": {document.Cell{Text: "—"}, false},
		"NaN": {document.Cell{Value: &nan}, false}, "infinite": {document.Cell{Value: &inf}, false},
		"withheld": {document.Cell{Value: &x, Suppressed: true}, false},
	} {
		if got, ok := Number(&c.cell); ok != c.want || ok && got != x {
			t.Errorf("%s: Number() = %v, %v", name, got, ok)
		}
	}
}

func TestPlainTexts(t *testing.T) {
	for in, want := range map[string]string{
		"a\x00b\x0bc\x1fd": "abcd", "a\r\nb\rc": "a\nb\nc", "\xffx": "\uFFFDx",
		"a\uFFFEb\uFFFFc\uFEFFd\x7f\u0085e": "abcde", "阿\u200fب\U00020000": "阿\u200fب\U00020000",
	} {
		if got := Plain(in); got != want {
			t.Errorf("Plain(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWidths(t *testing.T) {
	for in, want := range map[string]int{"": 0, "31.4%": 5, "杭州": 4, "a\n杭州b": 5, "（）": 4} {
		if got := Width(in); got != want {
			t.Errorf("Width(%q) = %d, want %d", in, got, want)
		}
	}
}
