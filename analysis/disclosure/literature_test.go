package disclosure

import (
	"math"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// twoWay makes the cells of a table with its margins.
func twoWay(row, column string, rows, columns []string, n [][]int) Publication {
	p := Publication{Dimensions: []Dimension{{row, rows}, {column, columns}}}
	all := 0
	byColumn := make([]int, len(columns))
	for i, r := range rows {
		sum := 0
		for j, c := range columns {
			p.Cells = append(p.Cells, Cell{Key: analysis.Domain{row: r, column: c}, N: n[i][j]})
			sum += n[i][j]
			byColumn[j] += n[i][j]
		}
		p.Cells = append(p.Cells, Cell{Key: analysis.Domain{row: r}, N: sum})
		all += sum
	}
	for j, c := range columns {
		p.Cells = append(p.Cells, Cell{Key: analysis.Domain{column: c}, N: byColumn[j]})
	}
	p.Cells = append(p.Cells, Cell{Key: analysis.Domain{}, N: all})
	return p
}

// investment is the example of Fischetti and Salazar (2001, Management Science 47,
// 1008-1027; it is also the example of R packages that follow them): the investment of enterprises
// by activity and region, where the cell II, C is sensitive. Hiding II and III by A and
// C leaves x(II,C) = 30 − x(II,A) with 0 ≤ x(II,A) ≤ 25, hence between 5 and 30.
func investment() Publication {
	return twoWay("activity", "region", []string{"I", "II", "III"}, []string{"A", "B", "C"},
		[][]int{{20, 50, 10}, {8, 19, 22}, {17, 32, 12}})
}

func TestTheAttackerOfFischettiAndSalazar(t *testing.T) {
	l, err := link(investment())
	if err != nil {
		t.Fatal(err)
	}
	hidden := make([]bool, len(l.cells))
	for _, key := range []analysis.Domain{
		{"activity": "II", "region": "A"}, {"activity": "II", "region": "C"},
		{"activity": "III", "region": "A"}, {"activity": "III", "region": "C"},
	} {
		hidden[l.lookup(key)] = true
	}
	parts := l.parts(hidden)
	if len(parts) != 1 || len(parts[0].cells) != 4 {
		t.Fatalf("parts = %v, want one of 4 cells", parts)
	}
	q := newProgramme(parts[0], l.measures[0].total)
	for k, c := range parts[0].cells {
		if l.cells[c].N != 22 {
			continue
		}
		if lo, hi := q.extreme(k, -1, math.Inf(1)), q.extreme(k, 1, math.Inf(1)); math.Abs(lo-5) > 1e-9 || math.Abs(hi-30) > 1e-9 {
			t.Errorf("bounds = [%v, %v], want [5, 30]", lo, hi)
		}
	}
	for k, found := range parts[0].determined() {
		if found {
			t.Errorf("the cell of %d is found exactly", l.cells[parts[0].cells[k]].N)
		}
	}
}

// One hidden cell in a row is the row's total less the others.
func TestOneHiddenCellIsFound(t *testing.T) {
	p := investment()
	breaches, err := Attack(p, Rules{Persons: 5}, []analysis.Domain{{"activity": "II", "region": "C"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(breaches) != 1 || !breaches[0].Exact || breaches[0].Lo != 22 {
		t.Errorf("Attack() = %+v, want the cell of 22 exactly", breaches)
	}
}

// The example of linked tables in the tests of R's sdcTable (test-linked-tables.r): one
// column of regions summed up by county and by size. Cells of up to 3 are sensitive. Each
// table by itself needs nothing more, but small − county-1 is K + N, so that N = 7 gives
// K = 3 away. sdcTable hides N and nothing else; so must we.
func TestLinkedTablesOfSdcTable(t *testing.T) {
	n := map[string]int{"A": 2, "B": 2, "I": 8, "J": 8, "K": 3, "L": 3, "M": 3, "N": 7}
	regions := []string{"A", "B", "I", "J", "K", "L", "M", "N"}
	p := Publication{
		Dimensions: []Dimension{{"region", regions}},
		Groups: []Group{
			{"county", "county-1", "region", []string{"A", "B", "I", "J"}},
			{"county", "county-2", "region", []string{"K", "L", "M", "N"}},
			{"size", "big", "region", []string{"L", "M"}},
			{"size", "small", "region", []string{"A", "B", "I", "J", "K", "N"}},
		},
		Cells: []Cell{
			{Key: analysis.Domain{}, N: 36},
			{Key: analysis.Domain{"county": "county-1"}, N: 20}, {Key: analysis.Domain{"county": "county-2"}, N: 16},
			{Key: analysis.Domain{"size": "big"}, N: 6}, {Key: analysis.Domain{"size": "small"}, N: 30},
		},
	}
	var primary []analysis.Domain
	for _, r := range regions {
		key := analysis.Domain{"region": r}
		p.Cells = append(p.Cells, Cell{Key: key, N: n[r]})
		if n[r] <= 3 {
			primary = append(primary, key)
		}
	}
	rules := Rules{MinN: 4, Persons: 1}
	breaches, err := Attack(p, rules, primary)
	if err != nil {
		t.Fatal(err)
	}
	if len(breaches) == 0 || breaches[0].Key["region"] != "K" || !breaches[0].Exact || breaches[0].Lo != 3 {
		t.Errorf("Attack() on the sensitive cells alone = %+v, want K = 3 exactly", breaches)
	}
	result, err := Protect(p, rules)
	if err != nil {
		t.Fatal(err)
	}
	var others []string
	for _, s := range result.Suppressions() {
		if s.Reason == Complementary {
			others = append(others, keyText(s.Key))
		}
	}
	if len(others) != 1 || others[0] != "region=N" {
		t.Errorf("hidden with them: %q, want region=N alone", others)
	}
	if found := result.Attack(); len(found) > 0 {
		t.Errorf("Attack() = %+v, want nothing", found)
	}
}
