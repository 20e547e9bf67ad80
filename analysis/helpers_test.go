package analysis_test

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// everyone is the domain of the whole population.
var everyone = analysis.Domain{}

// must turns an estimate with an error into the estimate, or ends the test.
func must(e analysis.Estimate, err error) func(testing.TB) analysis.Estimate {
	return func(t testing.TB) analysis.Estimate {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
}

// A table is a CSV file, by column; an empty field is missing.
type table struct {
	rows    int
	columns map[string][]string
}

func readTable(t testing.TB, path string) table {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	d := table{rows: len(records) - 1, columns: make(map[string][]string)}
	for k, name := range records[0] {
		for _, r := range records[1:] {
			d.columns[name] = append(d.columns[name], r[k])
		}
	}
	return d
}

// numbers reads a column; what is not a number is missing.
func (d table) numbers(t testing.TB, name string) []float64 {
	t.Helper()
	column, exists := d.columns[name]
	if !exists {
		t.Fatalf("no column %q", name)
	}
	y := make([]float64, d.rows)
	for i, x := range column {
		y[i] = toNumber(x)
	}
	return y
}

func toNumber(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
