package fieldwork

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
	"pgregory.net/rapid"
)

// codeOf is one code of each class.
var codeOf = map[Class]Code{ClassI: "1.1", ClassP: "1.2", ClassR: "2.111", ClassNC: "2.24", ClassO: "2.32", ClassUH: "3.18", ClassUO: "3.21", ClassNE: "4.61"}

// gather adds cases, given as "class weight stratum group", a * before the class for a
// substitute and a ? after it for an open case.
func gather(t *testing.T, rule Eligibility, cases string) []RateTable {
	t.Helper()
	r, err := NewRates(rule, "city")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(cases) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		letters, open := strings.CutSuffix(f[0], "?")
		letters, substitute := strings.CutPrefix(letters, "*")
		w, err := strconv.ParseFloat(f[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		class := Class(slices.Index(classLetters[:], letters))
		if err := r.Add(CaseResult{Disposition: codeOf[class], Weight: w, Stratum: f[2], Substitute: substitute, Open: open}, f[3]); err != nil {
			t.Fatal(err)
		}
	}
	return r.Tables()
}

func checkRate(t *testing.T, what string, m Measured, r Rate, want float64) {
	t.Helper()
	got, known := m.Rate(r)
	if math.IsNaN(want) == known || known && math.Abs(got-want) > 1e-15 {
		t.Errorf("%s: %v = %v (known: %v), want %v", what, r, got, known, want)
	}
}

// In stratum a 4 cases are resolved, 3 of them eligible (weights 9 of 12), in stratum b 2,
// 1 eligible (weights 4 of 10). Unknown are 2 cases in a (weight 6), one in b (weight 2).
// By hand: e = 4/6 for all, weighted 13/22; by strata a 3/4 and 9/12, b 1/2 and 4/10.
const twoStrata = `
I  2 a North
I  3 a South
R  4 a South
NE 3 a North
I  4 b North
NE 6 b South
UH 1 a North
UO 5 a South
UH 2 b North
`

func TestRatesByEligibility(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name             string
		rule             Eligibility
		all, weighted    float64 // RR3
		north, northWith float64
	}{
		{"given", GivenE(0.25), 3 / (4 + 0.25*3), 9 / (13 + 0.25*8), 2 / (2 + 0.25*2), 6 / (6 + 0.25*3)},
		{"proportional", ProportionalE(), 3 / (4 + 4.0/6*3), 9 / (13 + 13.0/22*8), 2 / (2 + 4.0/6*2), 6 / (6 + 13.0/22*3)},
		{"by stratum", StratumE(), 3 / (4 + 0.75*2 + 0.5), 9 / (13 + 0.75*6 + 0.4*2), 2 / (2 + 0.75 + 0.5), 6 / (6 + 0.75 + 0.4*2)},
	} {
		tables := gather(t, c.rule, twoStrata)
		all, north := tables[0].Rows[0].Drawn, tables[1].Rows[0].Drawn
		checkRate(t, c.name, all.Unweighted, RR3, c.all)
		checkRate(t, c.name+", weighted", all.Weighted, RR3, c.weighted)
		checkRate(t, c.name+", North", north.Unweighted, RR3, c.north)
		checkRate(t, c.name+", North, weighted", north.Weighted, RR3, c.northWith)
		if g := tables[1].Rows[0].Group; g != "North" || tables[1].By != "city" {
			t.Errorf("first row is %q of %q, want North of city", g, tables[1].By)
		}
		if w := tables[1].Rule; w[surveys.ZH] == "" || w[surveys.EN] == "" {
			t.Errorf("%s: the rule has no words: %v", c.name, w)
		}
	}
	if got := GivenE(0.25).Words()[surveys.EN]; got != "e = 0.25, given" {
		t.Errorf("words = %q", got)
	}
	// In a stratum without resolved cases e is not known, and that is said.
	tables := gather(t, StratumE(), twoStrata+"UH 1 c East\n")
	east := tables[1].Rows[0]
	checkRate(t, "East", east.Drawn.Unweighted, RR3, nan)
	checkRate(t, "all", tables[0].Rows[0].Drawn.Unweighted, REF2, nan)
	checkRate(t, "all", tables[0].Rows[0].Drawn.Unweighted, REF1, 1.0/8)
	checkRate(t, "North, which needs none of c", tables[1].Rows[1].Drawn.Unweighted, RR3, 2/(2+0.75+0.5))
	if len(east.Notes) != 1 || east.Notes[0].Code != NoteUnknownE || !strings.Contains(east.Notes[0].Text[surveys.EN], "no resolved case in c;") {
		t.Errorf("notes of East = %v", east.Notes)
	}
	tables = gather(t, ProportionalE(), "UO 1 a North\n")
	checkRate(t, "nothing resolved", tables[0].Rows[0].Drawn.Weighted, RR3, nan)
	if n := tables[0].Rows[0].Notes; len(n) != 1 || n[0].Code != NoteUnknownE {
		t.Errorf("notes without a resolved case = %v", n)
	}
}

func TestSubstitutesAreNotDrawn(t *testing.T) {
	row := gather(t, ProportionalE(), `
R  1 a North
NC 1 a North
I  1 a North
*R 1 a North
*I 1 a North
*I 1 a North
UH? 1 a North
`)[0].Rows[0]
	if row.Substitutes != 3 || row.SubstituteInterviews != 2 || row.Open != 1 {
		t.Errorf("row = %+v, want 3 substitutes with 2 interviews and 1 open case", row)
	}
	checkRate(t, "drawn", row.Drawn.Unweighted, RR1, 1.0/4)
	checkRate(t, "with substitutes", row.WithSubstitutes.Unweighted, RR1, 3.0/7)
	var codes []RateNoteCode
	for _, n := range row.Notes {
		codes = append(codes, n.Code)
	}
	if !reflect.DeepEqual(codes, []RateNoteCode{NoteSubstitutes, NoteOpen}) {
		t.Errorf("notes = %v", row.Notes)
	}
	if got := row.Notes[0].Text; got[surveys.EN] != "substitutes: 3, interviewed: 2; they are not in the rates of the drawn cases" ||
		got[surveys.ZH] != "含 3 个替换样本（其中完成 2 个），不计入抽中样本的各率" {
		t.Errorf("note = %v", got)
	}
}

// By hand, with substitutes: a 2 of 3 resolved are eligible and 1 is unknown, b 1 of 2 and
// 1, a substitute; without them a 1 of 2 and 1.
func TestSubstitutesHaveTheirOwnE(t *testing.T) {
	row := gather(t, StratumE(), `
I   1 a North
NE  1 a North
UH  1 a North
*R  1 a North
I   1 b North
NE  1 b North
*UO 1 b North
`)[0].Rows[0]
	checkRate(t, "drawn", row.Drawn.Unweighted, RR3, 2/(2+0.5))
	checkRate(t, "with substitutes", row.WithSubstitutes.Unweighted, RR3, 2/(3+2.0/3+0.5))
	checkRate(t, "with substitutes, weighted", row.WithSubstitutes.Weighted, REF2, 1/(3+2.0/3+0.5))
}

func TestNothingUnknownNeedsNoE(t *testing.T) {
	row := gather(t, StratumE(), "I 1 a North\nR 2 a North\n")[0].Rows[0]
	checkRate(t, "all resolved", row.Drawn.Unweighted, RR3, 1.0/2)
	checkRate(t, "all resolved, weighted", row.Drawn.Weighted, CON2, 1)
	if row.Notes != nil {
		t.Errorf("notes = %v, want none", row.Notes)
	}
}

func TestRatesWithoutADenominatorAreMissing(t *testing.T) {
	row := gather(t, GivenE(0), "UH 1 a North\nNE 1 a North\n")[0].Rows[0]
	for _, r := range AllRates() {
		want := math.NaN()
		switch r {
		case RR1, RR2, REF1, CON1: // nobody of one case: known to be 0
			want = 0
		}
		checkRate(t, "no eligible case", row.Drawn.Unweighted, r, want)
	}
}

func TestRatesRefuse(t *testing.T) {
	for name, rule := range map[string]Eligibility{"no rule": {}, "e above 1": GivenE(1.1), "e missing": GivenE(math.NaN())} {
		if _, err := NewRates(rule); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := NewRates(GivenE(1), "city")
	if err != nil {
		t.Fatal(err)
	}
	good := CaseResult{Disposition: "1.1", Weight: 1}
	for name, add := range map[string]func() error{
		"code":   func() error { return r.Add(CaseResult{Disposition: "5.1", Weight: 1}, "North") },
		"weight": func() error { return r.Add(CaseResult{Disposition: "1.1"}, "North") },
		"NaN":    func() error { return r.Add(CaseResult{Disposition: "1.1", Weight: math.NaN()}, "North") },
		"groups": func() error { return r.Add(good) },
	} {
		if err := add(); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if rows := r.Tables()[0].Rows; len(rows) != 0 {
		t.Errorf("refused cases were counted: %+v", rows)
	}
	if _, err := ParseRate("RR7"); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("RR7: %v", err)
	}
}

// sumOf adds the letters of a part of a formula, such as (I+P+R+NC+O + e(UH+UO)).
func sumOf(part string, c Counts, e float64) float64 {
	part, unknown := strings.CutSuffix(strings.ReplaceAll(part, " ", ""), "+e(UH+UO))")
	sum := 0.0
	for letters := range strings.SplitSeq(strings.Trim(part, "()"), "+") {
		sum += *c.at(Class(slices.Index(classLetters[:], letters)))
	}
	if unknown {
		sum += e * (c.UH + c.UO)
	}
	return sum
}

// The formulas that are printed give the rates that are computed.
func TestPrintedFormulas(t *testing.T) {
	c, e := Counts{I: 612, P: 48, R: 130, NC: 95, O: 21, UH: 160, UO: 44, NE: 77}, 0.62
	for _, r := range AllRates() {
		top, bottom, _ := strings.Cut(r.Formula(), " / ")
		got, _ := c.Rate(r, e)
		if want := sumOf(top, c, e) / sumOf(bottom, c, e); math.Abs(got-want) > 1e-15 {
			t.Errorf("%v = %v, but %s is %v", r, got, r.Formula(), want)
		}
	}
}

// The rates of any counts lie in [0, 1] and are ordered as their formulas say.
func TestRateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string) float64 { return float64(rapid.IntRange(0, 50).Draw(t, name)) }
		c := Counts{I: n("I"), P: n("P"), R: n("R"), NC: n("NC"), O: n("O"), UH: n("UH"), UO: n("UO"), NE: n("NE")}
		e := rapid.Float64Range(0, 1).Draw(t, "e")
		value := func(r Rate) float64 { v, _ := c.Rate(r, e); return v }
		for _, r := range AllRates() {
			if v, known := c.Rate(r, e); known && !(v >= 0 && v <= 1) || known == math.IsNaN(v) {
				t.Fatalf("%v of %+v = %v, %v", r, c, v, known)
			}
		}
		for _, chain := range [][]Rate{{RR1, RR3, RR5}, {RR2, RR4, RR6}, {RR1, RR2}, {RR3, RR4}, {RR5, RR6},
			{COOP1, COOP2}, {COOP1, COOP3}, {COOP2, COOP4}, {REF1, REF2, REF3}, {CON1, CON2, CON3}, {RR1, COOP1}, {RR5, CON3}} {
			for i := 1; i < len(chain); i++ {
				if value(chain[i-1]) > value(chain[i])+1e-15 {
					t.Fatalf("%v = %v is above %v = %v of %+v, e = %v", chain[i-1], value(chain[i-1]), chain[i], value(chain[i]), c, e)
				}
			}
		}
		// Refusals and contacts are parts of one whole.
		if rr, ref := value(RR6), value(REF3); rr+ref > 1+1e-15 {
			t.Fatalf("RR6 + REF3 = %v of %+v", rr+ref, c)
		}
	})
}

// With equal weights the weighted rates are the unweighted ones, and the groups add up
// to the whole, whatever the order of the cases.
func TestRatesOfGroups(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := rapid.SampledFrom([]Eligibility{GivenE(0.3), ProportionalE(), StratumE()}).Draw(t, "rule")
		n := rapid.IntRange(1, 60).Draw(t, "cases")
		results := make([]CaseResult, n)
		cities := make([]string, n)
		for i := range results {
			results[i] = CaseResult{
				Disposition: codeOf[Class(rapid.IntRange(1, 8).Draw(t, "class"))], Weight: 4,
				Stratum: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "stratum"), Substitute: rapid.Bool().Draw(t, "substitute"),
			}
			cities[i] = rapid.SampledFrom([]string{"North", "South"}).Draw(t, "city")
		}
		tables := func(order []int) []RateTable {
			r, _ := NewRates(rule, "city", "stratum")
			for _, i := range order {
				if err := r.Add(results[i], cities[i], results[i].Stratum); err != nil {
					t.Fatal(err)
				}
			}
			return r.Tables()
		}
		forth := make([]int, n)
		for i := range forth {
			forth[i] = i
		}
		got := tables(forth)
		slices.Reverse(forth)
		back := tables(forth)
		for i, table := range got {
			var sum Counts
			for j, row := range table.Rows {
				sum = sum.plus(row.WithSubstitutes.Unweighted.Counts)
				for _, set := range []RateSet{row.Drawn, row.WithSubstitutes} {
					for _, r := range AllRates() {
						a, known := set.Unweighted.Rate(r)
						b, too := set.Weighted.Rate(r)
						if known != too || known && math.Abs(a-b) > 1e-12 {
							t.Fatalf("%v of %s: %v, weighted %v", r, row.Group, a, b)
						}
					}
				}
				if other := back[i].Rows[j]; other.Group != row.Group || other.Drawn.Unweighted.Counts != row.Drawn.Unweighted.Counts {
					t.Fatalf("in another order %+v, want %+v", other, row)
				}
			}
			if whole := got[0].Rows[0].WithSubstitutes.Unweighted.Counts; sum != whole {
				t.Fatalf("groups of %q add up to %+v, want %+v", table.By, sum, whole)
			}
		}
	})
}

// BenchmarkRates: 300,000 cases by city, 11 cities and 90 strata as in a province.
func BenchmarkRates(b *testing.B) {
	const n = 300_000
	results := make([]CaseResult, n)
	cities := make([]string, n)
	for i := range results {
		results[i] = CaseResult{Disposition: dispositions[i*7919%len(dispositions)].Code, Weight: 1 + float64(i%13), Stratum: strconv.Itoa(i % 90), Substitute: i%50 == 0}
		cities[i] = "city " + strconv.Itoa(i%11)
	}
	for name, rule := range map[string]Eligibility{"proportional": ProportionalE(), "stratum": StratumE()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r, err := NewRates(rule, "city")
				if err != nil {
					b.Fatal(err)
				}
				for i := range results {
					if err := r.Add(results[i], cities[i]); err != nil {
						b.Fatal(err)
					}
				}
				if rows := r.Tables()[1].Rows; len(rows) != 11 {
					b.Fatalf("%d rows", len(rows))
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "cases/s")
		})
	}
}
