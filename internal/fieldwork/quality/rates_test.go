package quality

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	update = flag.Bool("update", false, "rewrite the tables of web/docs/reference/quality.md")
	waves  = flag.Int("waves", 2, "how many honest waves of 2,000 interviews are simulated; a fifth as many of each fault")
)

var manual = filepath.Join("..", "..", "..", "web", "docs", "reference", "quality.md")

// The tables stand between these lines of the manual.
const (
	tableBegin = "<!-- quality tables: begin -->\n"
	tableEnd   = "<!-- quality tables: end -->\n"
)

// scenario is a row of the tables.
type scenario struct {
	table, name string
	rates       map[Flag]rates
}

// simulateAll makes the rows of all tables.
func simulateAll(t *testing.T) (rows []scenario) {
	_, honest := simulate(t, "honest", false, nil, *waves)
	rows = append(rows, scenario{"honest", "one booklet", honest})
	few := max(1, *waves/5)
	_, honest = simulate(t, "honest, rotated", true, nil, few)
	rows = append(rows, scenario{"honest", "rotated booklets", honest})
	var beside []scenario
	for i := range faults {
		bad, good := simulate(t, faults[i].name, false, &faults[i], few)
		rows = append(rows, scenario{"faulty", faults[i].name, bad})
		beside = append(beside, scenario{"beside", faults[i].name, good})
	}
	return append(rows, beside...)
}

// TestRates simulates honest and faulty waves. The tables that it prints are those of the
// manual, up to the Monte-Carlo error of both; make quality ARGS=-update rewrites them.
func TestRates(t *testing.T) {
	rows := simulateAll(t)
	text := tables(rows)
	t.Log("\n" + text)
	src, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(src), tableBegin)
	kept, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the tables", manual)
	}
	if *update {
		if err := os.WriteFile(manual, []byte(before+tableBegin+text+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	holdAgainst(t, rows, kept)
	for _, r := range rows {
		holdPromises(t, r)
	}
}

// holdPromises holds a row against what the text of the manual says, whatever its tables
// say: honest interviews are flagged in at most 1 % by any flag, and each fault is seen in
// at least half of its interviews by the flag that is meant to see it.
func holdPromises(t *testing.T, r scenario) {
	t.Helper()
	for _, f := range flags {
		x := r.rates[f]
		if r.table == "honest" && f != EnumeratorEffect && x.share() > 0.01+4*x.se(f) {
			t.Errorf("%s, %s: %.2f %% flagged, want at most 1 %%", r.name, f, 100*x.share())
		}
	}
	for _, c := range faults {
		for _, f := range c.flags {
			if x := r.rates[f]; r.table == "faulty" && r.name == c.name && (x.judged == 0 || x.share() < 0.5-4*x.se(f)) {
				t.Errorf("%s: %s saw %.1f %% of %d, want half at least", r.name, f, 100*x.share(), x.judged)
			}
		}
	}
}

// tables writes the rows as Markdown.
func tables(rows []scenario) string {
	titles := map[string]string{
		"honest": "Honest waves: per cent flagged (Monte-Carlo error)",
		"faulty": "Power: per cent flagged of the interviews and enumerators with the fault, and of the waves with it",
		"beside": "The honest beside them: per cent flagged in the same waves",
	}
	var b strings.Builder
	last := ""
	for _, r := range rows {
		if r.table != last {
			fmt.Fprintf(&b, "\n**%s**\n\n| %s |", titles[r.table], map[bool]string{true: "waves", false: "fault"}[r.table == "honest"])
			for _, f := range flags {
				fmt.Fprintf(&b, " %s |", f)
			}
			fmt.Fprintf(&b, " interviews |\n|---|%s---|\n", strings.Repeat("---|", len(flags)))
			last = r.table
		}
		fmt.Fprintf(&b, "| %s |", r.name)
		for _, f := range flags {
			x := r.rates[f]
			if x.judged == 0 {
				b.WriteString(" – |")
				continue
			}
			fmt.Fprintf(&b, " %.2f (%.2f) |", 100*x.share(), 100*x.se(f))
		}
		x := r.rates[TooFast]
		fmt.Fprintf(&b, " %d |\n", x.judged+x.unjudged)
	}
	return b.String()
}

var cellOf = regexp.MustCompile(`^([0-9.]+) \(([0-9.]+)\)$`)

// holdAgainst compares rows with the tables of the manual: they may differ by four
// standard errors of the difference and the rounding.
func holdAgainst(t *testing.T, rows []scenario, kept string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(kept) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| waves") && !strings.HasPrefix(line, "| fault") {
			lines = append(lines, line)
		}
	}
	if len(lines) != len(rows) {
		t.Fatalf("the manual has %d rows and the simulation %d; run make quality ARGS=-update", len(lines), len(rows))
	}
	for i, r := range rows {
		cells := strings.Split(strings.Trim(strings.TrimSpace(lines[i]), "| "), " | ")
		if len(cells) != len(flags)+2 || cells[0] != r.name {
			t.Fatalf("row %d of the manual is %q, want %q; run make quality ARGS=-update", i, cells[0], r.name)
		}
		for k, f := range flags {
			x := r.rates[f]
			m := cellOf.FindStringSubmatch(cells[k+1])
			if (m == nil) != (x.judged == 0) {
				t.Errorf("%s, %s: the manual says %q and %d were judged", r.name, f, cells[k+1], x.judged)
			}
			if m == nil || x.judged == 0 {
				continue
			}
			share, _ := strconv.ParseFloat(m[1], 64)
			se, _ := strconv.ParseFloat(m[2], 64)
			if d, most := 100*x.share()-share, 4*math.Hypot(se, 100*x.se(f))+0.01; math.Abs(d) > most {
				t.Errorf("%s %s, %s: %.2f %% flagged, the manual says %.2f %%, which is more than %.2f apart; run make quality ARGS=-update if this is meant", r.table, r.name, f, 100*x.share(), share, most)
			}
		}
	}
}
