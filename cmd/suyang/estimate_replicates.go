package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/replicate"
)

// replicateFlags say that variances are those of replicates, and of which.
type replicateFlags struct {
	Replicates string  `default:"none" enum:"none,jk1,jkn,brr,fay,bootstrap,preston,sdr" help:"Make replicates from the design, whose spread is the variance: ${enum}."`
	Count      int     `name:"replicate-count" default:"1000" placeholder:"R" help:"How many replicates bootstrap, preston and sdr make."`
	Seed       uint64  `default:"1" help:"Seed of bootstrap and preston: the same seed gives the same numbers."`
	Rho        float64 `default:"0.5" help:"Fay's ρ."`

	Columns []string  `name:"replicate-weights" placeholder:"COLUMN" help:"Columns of replicate weights that came with the data; * stands for any text, as in 'W_FSTURWT*'."`
	Scale   float64   `help:"What their squared deviations are multiplied with, from the documentation of the data: 1/R for balanced replicates, 1/(R(1-ρ)²) for Fay's, 4/R for successive differences, 1 beside --rscales."`
	RScales []float64 `name:"rscales" placeholder:"X" help:"A further factor for each of them."`
	Centre  string    `default:"full-sample" enum:"full-sample,replicate-mean" help:"What the deviations of these are taken from: ${enum}."`
}

// replicated says whether variances are those of replicates.
func (f *replicateFlags) replicated() bool { return f.Replicates != "none" || len(f.Columns) > 0 }

// fits says which flags do not go together.
func (f *replicateFlags) fits(c *estimateCommand) error {
	switch imported := len(f.Columns) > 0; {
	case imported && f.Replicates != "none":
		return errors.New("--replicates and --replicate-weights: the replicates either come with the data or are made from the design; leave out one")
	case imported && len(c.Strata)+len(c.PSU)+len(c.FPC) > 0:
		return errors.New("--replicate-weights: the replicates hold the design already; leave out --strata, --psu and --fpc")
	case imported && c.Weights == "":
		return errors.New("--replicate-weights: name the weights of the whole sample too, in --weights")
	case imported && f.Scale == 0:
		return errors.New("--replicate-weights: give their --scale, from the documentation of the data: 1/R for R balanced replicates, 1/(R(1-ρ)²) for Fay's, 4/R for successive differences, 1 with --rscales")
	case !imported && (f.Scale != 0 || len(f.RScales) > 0 || f.Centre != "full-sample"):
		return errors.New("--scale, --rscales and --centre describe replicates that came with the data; name their columns in --replicate-weights")
	case f.replicated() && c.LonePSU == "collapse":
		return errors.New("--lone-psu collapse: replicates do not merge strata; merge them in the data, or leave out --replicates")
	}
	return nil
}

// An estimator estimates from rows, with either kind of variance.
type estimator interface {
	MeanTable(y []float64, in []bool, factors ...analysis.FactorColumn) (analysis.Table, error)
	ProportionTable(y []float64, in []bool, factors ...analysis.FactorColumn) (analysis.Table, error)
	TotalTable(y []float64, in []bool, factors ...analysis.FactorColumn) (analysis.Table, error)
	Ratio(y, x []float64, in []bool) (analysis.Estimate, error)
	Crosstab(rows, columns analysis.FactorColumn, in []bool) (*analysis.Crosstab, error)
}

// replicate puts the replicates that the flags ask for on the design.
func (e *estimation) replicate() error {
	f := &e.command.replicateFlags
	set, err := f.set(e.design, e.data)
	if err != nil {
		return err
	}
	if e.sample, err = set.On(e.design); err != nil {
		return err
	}
	e.from = e.sample
	return nil
}

// set makes the replicates, or takes them from the columns.
func (f *replicateFlags) set(d *analysis.Design, data *csvData) (*replicate.Set, error) {
	switch replicate.Method(f.Replicates) {
	case replicate.MethodJK1:
		return replicate.JK1(d)
	case replicate.MethodJKn:
		return replicate.JKn(d)
	case replicate.MethodBRR:
		return replicate.BRR(d)
	case replicate.MethodFay:
		return replicate.Fay(d, f.Rho)
	case "bootstrap":
		return replicate.Bootstrap(d, f.Count, f.Seed)
	case replicate.MethodPreston:
		return replicate.Preston(d, f.Count, f.Seed)
	case replicate.MethodSDR:
		return replicate.SDR(d, f.Count)
	}
	names := data.matching(f.Columns)
	given := replicate.Given{Scale: f.Scale, RScales: f.RScales, Centre: replicate.Centre(f.Centre)}
	whole := d.Weights()
	for _, name := range names {
		w, err := data.weights(name)
		if err != nil {
			return nil, err
		}
		for i, x := range whole {
			if x == 0 && w[i] > 0 {
				return nil, fmt.Errorf("%s: %s is %v, but the weight of the whole sample is 0; give the weights that belong to the replicates", data.at(i), name, w[i])
			}
		}
		given.Weights = append(given.Weights, w)
	}
	if n := len(f.RScales); n > 0 && n != len(names) {
		return nil, fmt.Errorf("--rscales has %d numbers for %d columns of replicate weights; give one for each", n, len(names))
	}
	return replicate.Import(d, given)
}

// matching lists the columns that were read for patterns, in the order of the file.
func (d *csvData) matching(patterns []string) []string {
	var names []string
	for _, p := range patterns {
		for _, name := range d.matched[p] {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// match finds the columns of a pattern, in which * stands for any text.
func match(names []string, pattern string) ([]string, error) {
	if !strings.Contains(pattern, "*") {
		_, err := findColumn(names, pattern)
		return []string{pattern}, err
	}
	like := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$")
	var found []string
	for _, name := range names {
		if like.MatchString(name) {
			if _, err := findColumn(names, name); err != nil { // two of one name
				return nil, err
			}
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no column is called like %q; there are: %s", pattern, shortList(names))
	}
	return found, nil
}

// replicatedDifference is y/x of group g minus that of group h, in every replicate.
func (e *estimation) replicatedDifference(y, x []float64, g, h int) (analysis.Estimate, error) {
	groups := [][]bool{e.people(g), e.people(h)}
	v, err := e.sample.Estimate([]string{"ratio", "the other"}, e.selected, [][]float64{y, x}, func(d *analysis.Design) ([]float64, error) {
		w, ratios := d.Weights(), make([]float64, len(groups))
		for k, in := range groups {
			var over, under float64
			for i, yes := range in {
				if yes && y[i] == y[i] && x[i] == x[i] { // neither is missing
					over += w[i] * y[i]
					under += w[i] * x[i]
				}
			}
			ratios[k] = over / under
		}
		return ratios, nil
	})
	if err != nil {
		return analysis.Estimate{}, err
	}
	return v.Difference(0, 1)
}

// variance says in a line whose spread the variances are; nothing for linearised ones.
func (e *estimation) variance() string {
	if e.sample == nil {
		return ""
	}
	set, f := e.sample.Set(), &e.command.replicateFlags
	switch f.Replicates {
	case "none":
		return fmt.Sprintf("standard errors from %d columns of replicate weights, scale %v, deviations from the %s\n", set.Replicates(), set.Scale(), set.Centre())
	case "bootstrap", "preston":
		return fmt.Sprintf("standard errors from %d replicates (%s), seed %d\n", set.Replicates(), f.Replicates, f.Seed)
	}
	return fmt.Sprintf("standard errors from %d replicates (%s)\n", set.Replicates(), f.Replicates)
}

// jsonReplicates describes replicates.
type jsonReplicates struct {
	Method  string    `json:"method"`
	Columns []string  `json:"columns,omitempty"`
	Count   int       `json:"count"`
	Seed    *uint64   `json:"seed,omitempty"`
	Rho     float64   `json:"rho,omitempty"`
	Scale   float64   `json:"scale"`
	RScales []float64 `json:"rscales,omitempty"`
	Centre  string    `json:"centre"`
}

// jsonReplicates describes those of the estimation; nil for linearised variances.
func (e *estimation) jsonReplicates() *jsonReplicates {
	if e.sample == nil {
		return nil
	}
	set, f := e.sample.Set(), &e.command.replicateFlags
	j := &jsonReplicates{Method: string(set.Method()), Columns: f.Columns, Count: set.Replicates(), Scale: set.Scale(), Centre: string(set.Centre())}
	if f.Replicates == "bootstrap" || f.Replicates == "preston" {
		j.Seed = &f.Seed
	}
	if f.Replicates == "fay" {
		j.Rho = f.Rho
	}
	if r := set.RScales(); slices.ContainsFunc(r, func(x float64) bool { return x != 1 }) {
		j.RScales = r
	}
	return j
}
