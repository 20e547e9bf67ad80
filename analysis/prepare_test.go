package analysis_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// everyEstimate has the text of many estimates of the cells, with every bit.
func everyEstimate(t *testing.T, c *analysis.Cells) (list []string) {
	t.Helper()
	note := func(x any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%#v", x))
	}
	for _, in := range []analysis.Domain{nil, {"sex": "f"}} {
		for _, v := range []string{"income", "score", "pass"} { // not in their order
			note(c.Mean(v, in))
			note(c.TotalBy(v, in, "region"))
			table, err := c.MeanTable(v, in, "region", "points")
			note(table.Groups, err)
			note(table.Cov.RawSymmetric().Data, err)
		}
		note(c.Proportion("pass", in))
		note(c.Size(in))
	}
	return list
}

// TestPreparedCellsGiveTheSameEstimates: to the last bit, whatever was asked before.
func TestPreparedCellsGiveTheSameEstimates(t *testing.T) {
	eachCount(t, func(t *testing.T, s counted) {
		want := everyEstimate(t, s.cells)
		if err := s.cells.Prepare(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got := everyEstimate(t, s.cells)
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("prepared cells give\n%s\nothers\n%s", got[i], want[i])
				}
			}
		}
	})
}

// TestACopyOfPreparedCellsCanBeChanged: what was worked out belongs to the cells that were
// prepared.
func TestACopyOfPreparedCellsCanBeChanged(t *testing.T) {
	c := counting(t, true).cells
	if err := c.Prepare(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Mean("score", nil); err != nil {
		t.Fatal(err)
	}
	changed := *c
	changed.Rows, changed.Margins = changed.Rows[1:], nil
	fresh := analysis.Cells{PSUs: c.PSUs, Factors: c.Factors, Variables: c.Variables, Rows: c.Rows[1:]}
	got, err := changed.Mean("score", nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := fresh.Mean("score", nil)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("a changed copy gives %+v, the same cells %+v (%v)", got, want, err)
	}
}

// TestManyVariablesArePreparedInSeveralPasses: more variables than a pass sums give the same
// estimates, in whatever order they are asked for.
func TestManyVariablesArePreparedInSeveralPasses(t *testing.T) {
	c := counting(t, true).cells
	for i := range 60 {
		c.Variables = append(c.Variables, fmt.Sprint("score ", i))
		for r := range c.Rows {
			x := c.Rows[r].Sums[0]
			x.WY, x.WY2 = x.WY*float64(i+2), x.WY2*float64((i+2)*(i+2))
			c.Rows[r].Sums = append(c.Rows[r].Sums, x)
		}
	}
	plain := *c
	if err := c.Prepare(); err != nil {
		t.Fatal(err)
	}
	for i := range c.Variables {
		v := c.Variables[i*37%len(c.Variables)]
		got, err := c.MeanBy(v, nil, "sex")
		if err != nil {
			t.Fatal(err)
		}
		want, err := plain.MeanBy(v, nil, "sex")
		if err != nil || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("%s: prepared %+v, else %+v (%v)", v, got, want, err)
		}
	}
}

func TestPrepareNamesFaults(t *testing.T) {
	c := counting(t, false).cells
	c.Rows[0].Levels = c.Rows[0].Levels[1:]
	saysSo(t, "a cell without a level", c.Prepare(), "cell 0 has 2 levels for 3 factors")
	c = counting(t, false).cells
	c.Margins = [][]string{{"age"}}
	saysSo(t, "an unknown margin", c.Prepare(), `no factor "age"`)
}
