package fieldwork

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// A Rate is one of the outcome rates of the AAPOR Standard Definitions.
type Rate uint8

// The outcome rates: response, cooperation, refusal and contact.
const (
	RR1 Rate = iota
	RR2
	RR3
	RR4
	RR5
	RR6
	COOP1
	COOP2
	COOP3
	COOP4
	REF1
	REF2
	REF3
	CON1
	CON2
	CON3
	countRates
)

// rateFormulas are the names and formulas as a table of rates prints them; Counts.Rate
// computes them.
var rateFormulas = [countRates]struct{ name, formula string }{
	RR1:   {"RR1", "I / (I+P+R+NC+O + UH+UO)"},
	RR2:   {"RR2", "(I+P) / (I+P+R+NC+O + UH+UO)"},
	RR3:   {"RR3", "I / (I+P+R+NC+O + e(UH+UO))"},
	RR4:   {"RR4", "(I+P) / (I+P+R+NC+O + e(UH+UO))"},
	RR5:   {"RR5", "I / (I+P+R+NC+O)"},
	RR6:   {"RR6", "(I+P) / (I+P+R+NC+O)"},
	COOP1: {"COOP1", "I / (I+P+R+O)"},
	COOP2: {"COOP2", "(I+P) / (I+P+R+O)"},
	COOP3: {"COOP3", "I / (I+P+R)"},
	COOP4: {"COOP4", "(I+P) / (I+P+R)"},
	REF1:  {"REF1", "R / (I+P+R+NC+O + UH+UO)"},
	REF2:  {"REF2", "R / (I+P+R+NC+O + e(UH+UO))"},
	REF3:  {"REF3", "R / (I+P+R+NC+O)"},
	CON1:  {"CON1", "(I+P+R+O) / (I+P+R+NC+O + UH+UO)"},
	CON2:  {"CON2", "(I+P+R+O) / (I+P+R+NC+O + e(UH+UO))"},
	CON3:  {"CON3", "(I+P+R+O) / (I+P+R+NC+O)"},
}

// AllRates lists the rates in their usual order.
func AllRates() []Rate {
	all := make([]Rate, countRates)
	for i := range all {
		all[i] = Rate(i)
	}
	return all
}

// String is the name of the rate, such as RR3.
func (r Rate) String() string {
	if r >= countRates {
		return fmt.Sprintf("Rate(%d)", uint8(r))
	}
	return rateFormulas[r].name
}

// Formula is how the rate is computed, in the letters of the classes.
func (r Rate) Formula() string { return rateFormulas[r].formula }

// ParseRate reads the name of a rate. Another text is an error that wraps
// surveys.ErrInvalid.
func ParseRate(name string) (Rate, error) {
	for r := range countRates {
		if rateFormulas[r].name == name {
			return r, nil
		}
	}
	return 0, fmt.Errorf("%q is not an outcome rate; they are RR1 to RR6, COOP1 to COOP4, REF1 to REF3 and CON1 to CON3: %w", name, surveys.ErrInvalid)
}

// Counts are numbers of cases, or sums of their weights, by class.
type Counts struct{ I, P, R, NC, O, UH, UO, NE float64 }

// at is the count of a class.
func (c *Counts) at(k Class) *float64 {
	return [...]*float64{ClassI: &c.I, ClassP: &c.P, ClassR: &c.R, ClassNC: &c.NC,
		ClassO: &c.O, ClassUH: &c.UH, ClassUO: &c.UO, ClassNE: &c.NE}[k]
}

// Add counts n more of a class.
func (c *Counts) Add(k Class, n float64) { *c.at(k) += n }

// plus is the sum of two counts.
func (c Counts) plus(d Counts) Counts {
	return Counts{I: c.I + d.I, P: c.P + d.P, R: c.R + d.R, NC: c.NC + d.NC, O: c.O + d.O, UH: c.UH + d.UH, UO: c.UO + d.UO, NE: c.NE + d.NE}
}

// Eligible is the number known to be eligible, I+P+R+NC+O.
func (c Counts) Eligible() float64 { return c.I + c.P + c.R + c.NC + c.O }

// Unknown is the number of unknown eligibility, UH+UO.
func (c Counts) Unknown() float64 { return c.UH + c.UO }

// E is the share of eligible among the resolved cases, eligible / (eligible + NE), and
// whether there is one: without a resolved case there is none.
func (c Counts) E() (e float64, known bool) {
	return quotient(c.Eligible(), c.Eligible()+c.NE)
}

// quotient is a/b, missing when b is 0.
func quotient(a, b float64) (float64, bool) {
	if !(b > 0) {
		return math.NaN(), false
	}
	return a / b, true
}

// Rate is an outcome rate, with e the share of those of unknown eligibility that is
// counted as eligible; NaN stands for an e that is not known. The rate is missing, not 0,
// when its denominator is 0, or when it needs an e that is not known.
//
// The formulas are those of AAPOR, Standard Definitions, 10th edition (2023); RR5, RR6,
// REF3 and CON3 are the special case e = 0.
func (c Counts) Rate(r Rate, e float64) (value float64, known bool) {
	contacted := c.I + c.P + c.R + c.O
	var top float64
	switch r {
	case RR1, RR3, RR5, COOP1, COOP3:
		top = c.I
	case RR2, RR4, RR6, COOP2, COOP4:
		top = c.I + c.P
	case REF1, REF2, REF3:
		top = c.R
	default:
		top = contacted
	}
	bottom := c.Eligible()
	switch r {
	case RR1, RR2, REF1, CON1:
		bottom += c.Unknown()
	case RR3, RR4, REF2, CON2:
		if c.Unknown() > 0 {
			bottom += e * c.Unknown()
		}
	case COOP1, COOP2:
		bottom = contacted
	case COOP3, COOP4:
		bottom = c.I + c.P + c.R
	}
	return quotient(top, bottom)
}

// An Eligibility is the rule by which e is found, the share of cases of unknown
// eligibility that is counted as eligible. Tables print it.
type Eligibility struct {
	method eligibilityMethod
	given  float64
}

type eligibilityMethod uint8

const (
	givenE eligibilityMethod = iota + 1
	proportionalE
	stratumE
)

// GivenE takes e from elsewhere, 0 to 1. Another value makes NewRates fail.
func GivenE(e float64) Eligibility { return Eligibility{method: givenE, given: e} }

// ProportionalE takes for e the share of eligible among all resolved cases of the table
// (proportional allocation, the CASRO method: Council of American Survey Research
// Organizations 1982): every group has the same e.
func ProportionalE() Eligibility { return Eligibility{method: proportionalE} }

// StratumE takes for e in each stratum the share of eligible among the resolved cases of
// that stratum. A group that spans strata has e = Σ e_h U_h / Σ U_h, U_h being its cases
// of unknown eligibility in stratum h.
func StratumE() Eligibility { return Eligibility{method: stratumE} }

// Words say the rule as a table prints it.
func (e Eligibility) Words() surveys.Text {
	switch e.method {
	case givenE:
		v := strconv.FormatFloat(e.given, 'g', -1, 64)
		return inBoth("e = "+v+"，由外部给定", "e = "+v+", given")
	case proportionalE:
		return inBoth("e = 全部已判定样本中合格者的比例（比例分配法，CASRO），各组相同；加权率用加权比例",
			"e = share of eligible cases among all resolved cases (proportional allocation, CASRO), the same in every group; weighted for weighted rates")
	case stratumE:
		return inBoth("e = 各层已判定样本中合格者的比例，按层分别计算（比例分配法，CASRO），各组按其资格不明样本的层别构成平均；加权率用加权比例",
			"e = share of eligible cases among the resolved cases of each stratum (proportional allocation, CASRO), averaged in a group over the strata of its cases of unknown eligibility; weighted for weighted rates")
	}
	return nil
}

// A CaseResult is what the rates need to know of a case.
type CaseResult struct {
	Disposition Code
	// Weight is the base weight of the case.
	Weight  float64
	Stratum string
	// Substitute says that the case was not drawn but took the place of one that was.
	Substitute bool
	// Open says that work on the case goes on: its disposition is what it would be now.
	Open bool
}

// rateTally has counts without weights and with them.
type rateTally struct{ cases, weights Counts }

// unresolvedSum has the cases of unknown eligibility of a group in a stratum.
type unresolvedSum struct{ cases, weights float64 }

// rateCell is one group of one grouping: drawn cases and substitutes.
type rateCell struct {
	drawn, substitutes rateTally
	open               int
	unknown            map[unknownKey]unresolvedSum
}

type unknownKey struct {
	stratum    int
	substitute bool
}

// Rates gathers the results of cases, in one pass and in any number of groupings.
type Rates struct {
	rule    Eligibility
	by      []string
	cells   []map[string]*rateCell // the first is of all cases
	strata  map[string]int
	byIndex []string
	// Counts of each stratum, from which StratumE finds e.
	stratumCells []*rateCell
}

// NewRates begins tables of all cases and by each of the groupings, such as city,
// stratum, enumerator or day. A rule without a usable e is an error that wraps
// surveys.ErrInvalid.
func NewRates(rule Eligibility, by ...string) (*Rates, error) {
	if rule.method == 0 {
		return nil, fmt.Errorf("outcome rates need a rule for e; take GivenE, ProportionalE or StratumE: %w", surveys.ErrInvalid)
	}
	if rule.method == givenE && !(rule.given >= 0 && rule.given <= 1) {
		return nil, fmt.Errorf("e is %v; it is the share of unresolved cases counted as eligible, from 0 to 1: %w", rule.given, surveys.ErrInvalid)
	}
	r := &Rates{rule: rule, by: slices.Clone(by), strata: make(map[string]int)}
	for range len(by) + 1 {
		r.cells = append(r.cells, make(map[string]*rateCell))
	}
	return r, nil
}

// Add counts a case, with its group in each grouping, in the order given to NewRates; an
// empty group is shown as such. A code that is not in the table, a weight that is not a
// positive number and a wrong number of groups are errors that wrap surveys.ErrInvalid,
// and the case is not counted.
func (r *Rates) Add(c CaseResult, groups ...string) error {
	class, err := c.Disposition.Class()
	switch {
	case err != nil:
		return err
	case !(c.Weight > 0) || math.IsInf(c.Weight, 1):
		return fmt.Errorf("a case has the weight %v; rates need a positive weight, and a case of weight 0, which only declares its PSU, is left out: %w", c.Weight, surveys.ErrInvalid)
	case len(groups) != len(r.by):
		return fmt.Errorf("a case comes with %d groups, but the groupings are %s: %w", len(groups), strings.Join(r.by, ", "), surveys.ErrInvalid)
	}
	h, known := r.strata[c.Stratum]
	if !known {
		h = len(r.strata)
		r.strata[c.Stratum] = h
		r.byIndex = append(r.byIndex, c.Stratum)
		r.stratumCells = append(r.stratumCells, new(rateCell))
	}
	r.stratumCells[h].add(c, class, h, r.rule)
	for i, cells := range r.cells {
		group := ""
		if i > 0 {
			group = groups[i-1]
		}
		k := cells[group]
		if k == nil {
			k = new(rateCell)
			cells[group] = k
		}
		k.add(c, class, h, r.rule)
	}
	return nil
}

func (k *rateCell) add(c CaseResult, class Class, stratum int, rule Eligibility) {
	t := &k.drawn
	if c.Substitute {
		t = &k.substitutes
	}
	*t.cases.at(class)++
	*t.weights.at(class) += c.Weight
	if c.Open {
		k.open++
	}
	if rule.method == stratumE && (class == ClassUH || class == ClassUO) {
		if k.unknown == nil {
			k.unknown = make(map[unknownKey]unresolvedSum)
		}
		key := unknownKey{stratum, c.Substitute}
		u := k.unknown[key]
		k.unknown[key] = unresolvedSum{u.cases + 1, u.weights + c.Weight}
	}
}

// A RateTable has the rates of one grouping.
type RateTable struct {
	// By is the grouping; empty for the table of all cases.
	By   string
	Rule surveys.Text
	Rows []RateRow
}

// A RateRow is one group. The rates of the drawn cases leave substitutes out: a case that
// was replaced counts as what became of it. WithSubstitutes has them as further cases, as
// the Standard Definitions ask for when substitution was allowed.
type RateRow struct {
	Group                  string
	Drawn, WithSubstitutes RateSet
	// Substitutes is how many cases were not drawn, and SubstituteInterviews how many of
	// those were interviewed, in part or completely.
	Substitutes, SubstituteInterviews int
	// Open is how many cases are still worked on.
	Open  int
	Notes []RateNote
}

// A RateSet has the counts and rates of a set of cases.
type RateSet struct{ Unweighted, Weighted Measured }

// Measured are counts and the e that goes with them, NaN when it is not known.
type Measured struct {
	Counts Counts
	E      float64
}

// Rate is an outcome rate of the cases, and whether it is known.
func (m Measured) Rate(r Rate) (value float64, known bool) { return m.Counts.Rate(r, m.E) }

// lacksE says that rates are missing because e is not known.
func (m Measured) lacksE() bool { return math.IsNaN(m.E) && m.Counts.Unknown() > 0 }

// A RateNote is something the reader of a row must know.
type RateNote struct {
	Code RateNoteCode
	Text surveys.Text
}

// A RateNoteCode names a kind of note.
type RateNoteCode string

// The kinds of note.
const (
	NoteSubstitutes RateNoteCode = "substitutes" // some cases were not drawn
	NoteOpen        RateNoteCode = "open"        // some dispositions may still change
	NoteUnknownE    RateNoteCode = "unknown-e"   // rates that need e are missing
)

// Tables gives the table of all cases and one for each grouping, groups in the order of
// their names.
func (r *Rates) Tables() []RateTable {
	tables := make([]RateTable, len(r.cells))
	for i, cells := range r.cells {
		tables[i].Rule = r.rule.Words()
		if i > 0 {
			tables[i].By = r.by[i-1]
		}
		for _, group := range slices.SortedFunc(maps.Keys(cells), cmp.Compare) {
			tables[i].Rows = append(tables[i].Rows, r.row(group, cells[group]))
		}
	}
	return tables
}

func (r *Rates) row(group string, k *rateCell) RateRow {
	s := k.substitutes.cases
	all := rateTally{k.drawn.cases.plus(s), k.drawn.weights.plus(k.substitutes.weights)}
	row := RateRow{
		Group: group, Open: k.open,
		Drawn:                RateSet{r.measure(k, k.drawn, false, byCount), r.measure(k, k.drawn, false, byWeight)},
		WithSubstitutes:      RateSet{r.measure(k, all, true, byCount), r.measure(k, all, true, byWeight)},
		Substitutes:          int(s.Eligible() + s.Unknown() + s.NE),
		SubstituteInterviews: int(s.I + s.P),
	}
	if n, m := row.Substitutes, row.SubstituteInterviews; n > 0 {
		row.note(NoteSubstitutes, "含 %[1]d 个替换样本（其中完成 %[2]d 个），不计入抽中样本的各率", "substitutes: %[1]d, interviewed: %[2]d; they are not in the rates of the drawn cases", n, m)
	}
	if k.open > 0 {
		row.note(NoteOpen, "%d 个样本尚未结案，处置码是暂定的", "cases still open: %d; their dispositions may change", k.open)
	}
	if names := r.unresolvedStrata(k); len(names) > 0 {
		list := strings.Join(names, "、")
		row.note(NoteUnknownE, "层 %[1]s 没有已判定样本，e 未知，需要 e 的各率缺失", "e is not known: no resolved case in %[2]s; give e or take one rule for all strata", list, strings.Join(names, ", "))
	} else if row.Drawn.Unweighted.lacksE() || row.WithSubstitutes.Unweighted.lacksE() {
		row.note(NoteUnknownE, "没有已判定样本，e 未知，需要 e 的各率缺失", "e is not known: there is no resolved case")
	}
	return row
}

func (row *RateRow) note(code RateNoteCode, zh, en string, args ...any) {
	row.Notes = append(row.Notes, RateNote{code, inBoth(fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...))})
}

// A rateSide picks the counts or the weights.
type rateSide struct {
	of      func(rateTally) Counts
	unknown func(unresolvedSum) float64
}

var (
	byCount  = rateSide{func(t rateTally) Counts { return t.cases }, func(u unresolvedSum) float64 { return u.cases }}
	byWeight = rateSide{func(t rateTally) Counts { return t.weights }, func(u unresolvedSum) float64 { return u.weights }}
)

// measure adds e to the counts of a group, by the rule.
func (r *Rates) measure(k *rateCell, t rateTally, substitutes bool, s rateSide) Measured {
	m := Measured{Counts: s.of(t), E: r.rule.given}
	switch r.rule.method {
	case proportionalE:
		m.E, _ = s.resolved(r.cells[0][""], substitutes).E()
	case stratumE:
		m.E = r.stratumE(k, substitutes, s)
	}
	return m
}

// resolved are the counts that e is found from.
func (s rateSide) resolved(k *rateCell, substitutes bool) Counts {
	c := s.of(k.drawn)
	if substitutes {
		c = c.plus(s.of(k.substitutes))
	}
	return c
}

// stratumE is Σ e_h U_h / Σ U_h over the strata of a group, NaN when an e_h is needed
// that is not known or when there is no case of unknown eligibility.
func (r *Rates) stratumE(k *rateCell, substitutes bool, s rateSide) float64 {
	var sum, all float64
	for h, stratum := range r.stratumCells {
		u := s.unknown(k.unknown[unknownKey{h, false}])
		if substitutes {
			u += s.unknown(k.unknown[unknownKey{h, true}])
		}
		if u == 0 {
			continue
		}
		e, _ := s.resolved(stratum, substitutes).E()
		sum += e * u
		all += u
	}
	e, _ := quotient(sum, all)
	return e
}

// unresolvedStrata names the strata in which a group has cases of unknown eligibility but
// e is not known.
func (r *Rates) unresolvedStrata(k *rateCell) []string {
	var names []string
	for key := range k.unknown {
		_, known := byCount.resolved(r.stratumCells[key.stratum], key.substitute).E()
		if name := r.byIndex[key.stratum]; !known && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
