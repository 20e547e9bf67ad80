package xlsx

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// A spreadsheet shows the numbers of the workbook as the other forms of the report print them,
// ties included: LibreOffice writes a sheet of them as CSV, as they look.
func TestSpreadsheetsShowWhatIsPrinted(t *testing.T) {
	if testing.Short() {
		t.Skip("LibreOffice is slow; leave out -short to try it")
	}
	office, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is missing; install libreoffice-calc to see that it rounds as the report does")
	}
	table := &document.Table{ID: "table-ties", Number: "Table 1", Title: "Ties", Base: "n = 1", Head: [][]document.Heading{{
		{Text: "Name", Left: true}, {Text: "Share"}, {Text: "Share, 2"}, {Text: "Points"}, {Text: "Points, 2"}, {Text: "Number"}}}}
	rng := rand.New(rand.NewPCG(6, 6))
	shares := 0
	add := func(x float64) {
		share := func(decimals int) document.Cell {
			// LibreOffice multiplies a share by 100 in binary and shows 0.2385, whose product is
			// 23.849999999999998, as 23.8%. The report shifts the decimal point: 23.9%.
			short := func(x float64) bool { return len(strconv.FormatFloat(math.Abs(x), 'g', -1, 64)) < 12 }
			if math.Abs(x) > 1.5 || short(x) && !short(100*x) {
				return document.Cell{Text: "—"}
			}
			shares++
			return document.Cell{Text: show.Percent(x, decimals), Value: &x, Unit: document.Share, Decimals: decimals}
		}
		number := func(unit document.Unit, decimals int) document.Cell {
			return document.Cell{Text: show.Number(x, decimals), Value: &x, Unit: unit, Decimals: decimals}
		}
		table.Rows = append(table.Rows, document.Row{Name: strconv.FormatFloat(x, 'g', -1, 64), Cells: []document.Cell{
			share(1), share(2), number(document.Points, 1), number(document.Points, 2), number(document.Number, 3)}})
	}
	for _, x := range []float64{0, 0.125, 12.25, 0.1225, 0.12245, 1.005, 2.675, 0.285, 0.0005, 0.9995, 1234.5, 999.95, 24.65} {
		add(x)
	}
	for range 1500 { // ties at one of the decimals that are shown, and numbers near them
		add(float64(rng.IntN(2_000_000)*10+5) / math.Pow(10, float64(2+rng.IntN(5))))
		add(float64(rng.IntN(1000)*10+5) / 1e4) // a tie of a percentage with one decimal
		add(float64(rng.IntN(10_000)*10+5) / 1e5)
		add(rng.Float64())
		add(rng.NormFloat64() * 100)
	}
	d := &document.Document{Lang: surveys.EN, Title: "Ties", Made: time.Unix(0, 0), Sections: []document.Section{{ID: "s", Title: "S", Depth: 1, Blocks: []document.Block{{Table: table}}}}}
	for r := range table.Rows { // spreadsheets show the sign of a number that is shown as zero
		for i := range table.Rows[r].Cells {
			if c := &table.Rows[r].Cells[i]; c.Value != nil && *c.Value < 0 && !strings.ContainsAny(c.Text, "123456789") {
				c.Text = "−" + c.Text
			}
		}
	}
	checked, ties := 0, 0
	for i, row := range shown(t, office, d, "Table 1") {
		at := i - 4 // title, base, link, head
		if at < 0 || at >= len(table.Rows) {
			continue
		}
		for k, c := range table.Rows[at].Cells {
			want := strings.ReplaceAll(c.Text, "−", "-")
			if checked++; strings.HasSuffix(table.Rows[at].Name, "5") {
				ties++
			}
			if got := row[k+1]; got != want {
				t.Errorf("%s is shown as %q by the spreadsheet and printed as %q", table.Rows[at].Name, got, want)
			}
		}
	}
	if checked != 5*len(table.Rows) || ties < 5000 || shares < 5000 {
		t.Errorf("%d numbers were compared, of %d; %d of them end in 5, %d are shares", checked, 5*len(table.Rows), ties, shares)
	}
}

// shown is a sheet as LibreOffice shows it.
func shown(t *testing.T, office string, d *document.Document, name string) [][]string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ties.xlsx"), written(t, d), 0o644); err != nil {
		t.Fatal(err)
	}
	// Commas, quotes, UTF-8, from the first line, as shown, all sheets.
	filter := `csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,-1`
	cmd := exec.CommandContext(t.Context(), office, "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--headless", "--convert-to", filter, "--outdir", dir, filepath.Join(dir, "ties.xlsx"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("soffice: %v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+name+"*.csv"))
	if err != nil || len(files) != 1 {
		all, _ := filepath.Glob(filepath.Join(dir, "*.csv"))
		t.Fatalf("LibreOffice wrote no sheet %q: %v, %v", name, all, err)
	}
	f, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
