package server

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis/sampling"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/web"
)

// PrecisionWords say what a plan of precision gives; the command and the page share them.
type PrecisionWords struct {
	words  map[string]string
	blanks *strings.Replacer
}

// WordsOf are the words for a plan in a language; nil is for a plan that is still to be
// made, whose columns have names already.
func WordsOf(p *fieldwork.Precision, l surveys.Lang) PrecisionWords {
	w := PrecisionWords{words: map[string]string{}, blanks: strings.NewReplacer()}
	name := "text/precision." + string(l) + ".json"
	src, err := web.PrecisionText.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(src, &w.words)
	}
	if err != nil {
		panic("precision: " + name + ": " + err.Error()) // the file is part of the program
	}
	if p == nil {
		return w
	}
	points := func(x float64, decimals int) string {
		return strings.TrimSuffix(show.Percent(x, decimals), "%")
	}
	trimmed := func(x float64) string { return strings.TrimRight(strings.TrimRight(points(x, 4), "0"), ".") }
	r := p.Ranking
	gap := points(r.Least, 2)
	if most := points(r.Most, 2); most != gap {
		gap += "–" + most
	}
	w.blanks = strings.NewReplacer("{cities}", strconv.Itoa(len(p.Cities)), "{confidence}", trimmed(p.Goals.Confidence), "{power}", trimmed(p.Goals.Power),
		"{change}", points(p.Goals.Change, 2), "{see}", strconv.Itoa(p.SeeChange), "{pairs}", strconv.Itoa(r.Pairs), "{apart}", strconv.Itoa(r.Apart), "{range}", gap)
	return w
}

// Say are the words for a key, filled in.
func (w PrecisionWords) Say(key string) string { return w.blanks.Replace(w.words[key]) }

// deskPrecision is web/pages/desk-precision: how precise a survey of cities would be.
type deskPrecision struct {
	deskFrame
	// Wave gave the starting values, if any.
	Wave     string
	Head     []string
	Rows     []precisionRow
	CSV      string
	Common   []precisionField
	Rules    []choice
	Rule     string
	Path     string
	Keeps    [][2]string
	Table    deskTable
	Says     []string
	Heading  string
	Computed bool
}

// Keep are the fields that the form sends along.
func (p deskPrecision) Keep() [][2]string { return p.Keeps }

// precisionRow is a row of the form, precisionField a field of it with its label.
type (
	precisionRow   []precisionField
	precisionField struct{ Name, Label, Value string }
)

// precisionColumns are the columns of a plan that the form asks for, in the words of
// fieldwork.ReadCityPlans, with the words of the page.
var precisionColumns = [][2]string{{"city", "figures.city"}, {"people", "figures.people"}, {"cases", "figures.cases"}, {"deff", "figures.designeffect"},
	{"rate", "figures.expectedrate"}, {"response", "figures.response"}, {"cost", "figures.costeach"}}

// precisionCommon are the values for all cities, with what stands there at first.
var precisionCommon = [][3]string{{"deff", "figures.designeffect", "2"}, {"rate", "figures.expectedrate", ""}, {"response", "figures.response", "1"}, {"cost", "figures.costeach", "0"},
	{"confidence", "figures.confidence", "0.95"}, {"power", "figures.power", "0.8"}, {"change", "figures.change", "0.012"}, {"total", "figures.totalcases", ""}, {"least", "figures.leastcases", "0"}}

// The rows of the form: how many there are at first, how many are added, and the most.
const (
	precisionRows = 3
	maxCities     = 200
)

func (d *desk) precision(v *call) error {
	f, err := d.frameOf(v, "figures.precision")
	if err != nil {
		return err
	}
	p := deskPrecision{deskFrame: f, Path: v.Request().URL.Path, Keeps: figuresFrame{deskFrame: f}.Keep(), CSV: v.QueryParam("csv"), Rule: v.QueryParam("rule")}
	say := &sayer{frame: f.frame}
	typed, err := d.precisionRows(v, &p, say)
	if err != nil {
		return err
	}
	for _, c := range precisionCommon {
		value := c[2]
		if v.QueryParams().Has("all." + c[0]) {
			value = v.QueryParam("all." + c[0])
		}
		p.Common = append(p.Common, precisionField{"all." + c[0], say.words(c[1]), value})
	}
	for _, c := range [][2]string{{"", "figures.asgiven"}, {"proportional", "figures.shareproportional"}, {"root", "figures.shareroot"}, {"equal", "figures.shareequal"}} {
		p.Rules = append(p.Rules, choice{c[0], say.words(c[1])})
	}
	if say.err != nil {
		return say.err
	}
	status := http.StatusOK
	if typed {
		err := p.compute()
		if errors.Is(err, surveys.ErrInvalid) {
			p.Fault, p.Failed, status = say.words("figures.notplan", "why", faultsOf(err)), true, http.StatusUnprocessableEntity
		} else if err != nil {
			return err
		}
	}
	if p.Computed && v.sent(p.Table.ID) {
		return p.Table.send(v)
	}
	return errors.Join(say.err, d.show(v, status, "desk-precision", p))
}

// faultsOf are the faults of an error in one line, without the word that they are invalid.
func faultsOf(err error) string {
	var faults []string
	for line := range strings.Lines(err.Error()) {
		faults = append(faults, strings.TrimSuffix(strings.TrimSpace(line), ": "+surveys.ErrInvalid.Error()))
	}
	return strings.Join(faults, "; ")
}

// precisionRows fills in the rows of the form: those that were sent, those of a wave, or
// empty ones. typed says that there is something to compute.
func (d *desk) precisionRows(v *call, p *deskPrecision, say *sayer) (typed bool, err error) {
	for _, c := range precisionColumns {
		p.Head = append(p.Head, say.words(c[1]))
	}
	n, err := strconv.Atoi(v.QueryParam("rows"))
	if err != nil || n < precisionRows || n > maxCities {
		n = precisionRows
	}
	var start [][]string
	if wave := v.QueryParam("wave"); wave != "" && !v.QueryParams().Has("rows") {
		if start, err = d.waveCities(v, wave); err != nil {
			return false, err
		}
		p.Wave, n = wave, len(start)+1
	}
	if v.QueryParam("more") != "" {
		n = min(n+precisionRows, maxCities)
	}
	for i := range n {
		var row precisionRow
		for k, c := range precisionColumns {
			name := fmt.Sprintf("%s.%d", c[0], i)
			value := strings.TrimSpace(v.QueryParam(name))
			if i < len(start) {
				value = start[i][k]
			}
			typed = typed || value != ""
			row = append(row, precisionField{name, fmt.Sprintf("%s, %d", p.Head[k], i+1), value})
		}
		p.Rows = append(p.Rows, row)
	}
	return (typed || p.CSV != "") && start == nil && v.QueryParam("more") == "", nil
}

// enoughDone is the share of cases that are done from which the share of interviews among
// them is taken for the response of a wave: before, refusals are in and the rest is not.
const enoughDone = 0.8

// waveCities are the cities of the cases of a wave that the account sees, as rows of the
// form: cases, and the share of the cases done that were interviewed once enough of them
// are. The design effect is left open: that of the weights, which is known, has nothing of
// the clusters, which is the larger part.
func (d *desk) waveCities(v *call, wave string) (rows [][]string, err error) {
	if d.waves()[wave] == nil {
		return nil, fmt.Errorf("wave: %w", surveys.ErrNotFound)
	}
	type sums struct {
		cases, done, interviews int
	}
	cities := map[string]sums{}
	err = d.office.Tallies(v.Request().Context(), v.account, wave, "", func(t office.Tally) {
		c := cities[cut(t.Area, 4)]
		c.cases += t.Cases
		if t.State.Done() {
			c.done += t.Cases
			if t.State != fieldwork.Closed {
				c.interviews += t.Cases
			}
		}
		cities[cut(t.Area, 4)] = c
	})
	for _, code := range slices.Sorted(maps.Keys(cities)) {
		c := cities[code]
		response := ""
		if share, known := shareOf(c.interviews, c.done); known && share > 0 && float64(c.done) >= enoughDone*float64(c.cases) {
			response = strconv.FormatFloat(share, 'f', 3, 64)
		}
		city := strings.TrimSpace(code + " " + areaName(code, v.lang))
		rows = append(rows, []string{city, "", strconv.Itoa(c.cases), "", "", response, ""})
	}
	return rows, err
}

// asCSV writes the rows of the form that name a city as the file that the command takes.
func (p *deskPrecision) asCSV() (string, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	head := make([]string, len(precisionColumns))
	for k, c := range precisionColumns {
		head[k] = c[0]
	}
	if err := w.Write(head); err != nil {
		return "", err
	}
	for _, r := range p.Rows {
		fields := make([]string, len(r))
		for k, f := range r {
			fields[k] = f.Value
		}
		if strings.Join(fields, "") == "" {
			continue
		}
		if err := w.Write(fields); err != nil {
			return "", err
		}
	}
	w.Flush()
	return b.String(), w.Error()
}

// common reads a value for all cities.
func (p *deskPrecision) common(name string) (float64, error) {
	for _, f := range p.Common {
		if f.Name != "all."+name || f.Value == "" {
			continue
		}
		x, err := strconv.ParseFloat(f.Value, 64)
		if err != nil || !(x >= 0) {
			return 0, fmt.Errorf("%s: “%s” is not a number, 0 or more: %w", f.Label, cut(f.Value, 40), surveys.ErrInvalid)
		}
		return x, nil
	}
	return 0, nil
}

// compute plans what stands in the form. What is wrong with it is surveys.ErrInvalid.
func (p *deskPrecision) compute() error {
	values := map[string]float64{}
	for _, c := range precisionCommon {
		var err error
		if values[c[0]], err = p.common(c[0]); err != nil {
			return err
		}
	}
	name, text := "CSV", p.CSV
	if strings.TrimSpace(text) == "" {
		var err error
		if text, err = p.asCSV(); err != nil {
			return err
		}
		name = "table"
	}
	cities, err := fieldwork.ReadCityPlans(name, strings.NewReader(text), fieldwork.CityPlan{
		Survey: sampling.Survey{Response: values["response"], DEff: values["deff"], P: values["rate"]}, Cost: values["cost"]})
	if err != nil {
		return err
	}
	if p.Rule != "" {
		if err := fieldwork.ShareCases(cities, p.Rule, 0, int(values["total"]), int(values["least"])); err != nil {
			return err
		}
	}
	plan, err := fieldwork.PlanPrecision(cities, fieldwork.PrecisionGoals{Confidence: values["confidence"], Power: values["power"], Change: values["change"]})
	if err != nil {
		return err
	}
	return p.showPlan(plan)
}

// showPlan fills in what a plan gives.
func (p *deskPrecision) showPlan(plan *fieldwork.Precision) error {
	w := WordsOf(plan, p.lang)
	p.Computed, p.Heading = true, w.Say("title")
	p.Says = []string{w.Say("units"), w.Say("change"), w.Say("ranking." + string(plan.Ranking.Verdict))}
	t := deskTable{ID: "precision", Caption: p.Heading, Download: p.with("download", "precision")}
	var err error
	if t.DownloadName, err = p.T("desk.download"); err != nil {
		return err
	}
	for i, key := range []string{"city", "cases", "interviews", "rate", "deff", "margin", "cv", "detectable", "cost"} {
		t.Columns = append(t.Columns, deskColumn{Key: key, Name: w.Say(key), Number: i > 0})
	}
	for _, c := range plan.Cities {
		t.add(deskCell{Text: strings.TrimSpace(c.City + " " + c.Name)}, decimal(c.Cases, 0), decimal(c.Interviews, 0), points(c.Rate, 2), decimal(c.DEff, 2),
			points(c.Margin, 2), points(c.CV, 1), points(c.Detectable, 2), decimal(c.Cost, 0))
	}
	p.Table = t
	if err := p.Table.arrange(p.deskFrame); err != nil {
		return err
	}
	none := deskCell{Number: true}
	p.Table.add(deskCell{Text: w.Say("all")}, decimal(plan.Cases, 0), decimal(plan.Interviews, 0), none, none, none, none, none, decimal(plan.Cost, 0))
	return nil
}

// points is a cell with a share in percentage points; its download has the share.
func points(share float64, decimals int) deskCell {
	return deskCell{Text: strings.TrimSuffix(show.Percent(share, decimals), "%"), Number: true, Value: share, Full: true}
}
