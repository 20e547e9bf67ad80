package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis/sampling"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/server"
	"github.com/suyang-survey/suyang/surveys"
)

// precisionCommand plans the precision of a survey of cities.
type precisionCommand struct {
	Cities     string       `arg:"" help:"The cities, CSV: city, and where they differ name, people, cases, response, deff, rate, cost."`
	Cases      int          `help:"Cases in each city that has none in the file; with --rule, cases in all."`
	Rule       string       `help:"Share the cases among the cities by people: proportional, root, equal or power."`
	Exponent   float64      `default:"0.5" help:"Exponent of the power rule."`
	Least      int          `help:"The fewest cases of a city when they are shared."`
	Rate       float64      `help:"The rate that is expected, such as 0.135."`
	Deff       float64      `default:"2" help:"Design effect, weights included."`
	Response   float64      `default:"1" help:"Interviews per case."`
	Cost       float64      `help:"Cost of one interview."`
	Confidence float64      `default:"0.95" help:"Confidence of intervals and tests."`
	Power      float64      `default:"0.8" help:"Power of tests."`
	Change     float64      `default:"0.012" help:"A change from one survey to the next that should be seen."`
	Format     string       `default:"text" enum:"text,json" help:"text or json."`
	Lang       surveys.Lang `default:"zh" enum:"zh,en" help:"Language of the text: zh or en."`
}

// Run prints margins, detectable changes, cost and whether a ranking is supported.
func (c *precisionCommand) Run(con *console) error {
	f, err := os.Open(c.Cities)
	if err != nil {
		return err
	}
	defer f.Close()
	common := fieldwork.CityPlan{Survey: sampling.Survey{Response: c.Response, DEff: c.Deff, P: c.Rate}, Cost: c.Cost}
	if c.Rule == "" {
		common.Cases = float64(c.Cases)
	}
	cities, err := fieldwork.ReadCityPlans(c.Cities, f, common)
	if err != nil {
		return err
	}
	if c.Rule != "" {
		if err := fieldwork.ShareCases(cities, c.Rule, c.Exponent, c.Cases, c.Least); err != nil {
			return err
		}
	}
	p, err := fieldwork.PlanPrecision(cities, fieldwork.PrecisionGoals{Confidence: c.Confidence, Power: c.Power, Change: c.Change})
	if err != nil {
		return err
	}
	if c.Format == "json" {
		e := json.NewEncoder(con.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(p)
	}
	_, err = fmt.Fprint(con.out, precisionText(p, c.Lang))
	return err
}

// precisionText is the table of the cities and what it means in words.
func precisionText(p *fieldwork.Precision, lang surveys.Lang) string {
	words := server.WordsOf(p, lang)
	head := []string{}
	for _, k := range []string{"city", "cases", "interviews", "rate", "deff", "margin", "cv", "detectable", "cost"} {
		head = append(head, words.Say(k))
	}
	lines := [][]string{head}
	for _, c := range p.Cities {
		lines = append(lines, []string{strings.TrimSpace(c.City + " " + c.Name), whole(c.Cases), whole(c.Interviews), percent(c.Rate, 2), strconv.FormatFloat(c.DEff, 'f', 2, 64),
			"±" + percent(c.Margin, 2), percent(c.CV, 1), percent(c.Detectable, 2), whole(c.Cost)})
	}
	lines = append(lines, []string{words.Say("all"), whole(p.Cases), whole(p.Interviews), "", "", "", "", "", whole(p.Cost)})
	return words.Say("title") + "\n\n" + aligned(lines) + "\n" + words.Say("units") + "\n\n" +
		words.Say("change") + "\n" + words.Say("ranking."+string(p.Ranking.Verdict)) + "\n"
}

// percent writes a proportion in per cent, and whole a count.
func percent(x float64, decimals int) string { return strconv.FormatFloat(100*x, 'f', decimals, 64) }

func whole(x float64) string { return strconv.FormatFloat(x, 'f', 0, 64) }
