package conformance

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The science module of the US General Social Survey: testdata/gss/reference.json has
// numbers of R 4.2.2 and survey 4.1.1 with 11 digits, for each of four years, under two
// designs and up to three weights. Here they become cases, so that the same kinds
// compute them. Replicate variances, which follow another issue, are left out.

// gssShipped has the microdata of two of the years; those of the others are read from
// SUYANG_DATA, because their terms leave open whether they may be passed on.
const gssShipped = "../../surveys/library/gss-science/data"

// gssCases collects cases.
type gssCases struct {
	file   oracleFile
	design string // of the cases being added
}

// gssFile makes the cases of the reference and says how to make their data.
func gssFile(a *archive) (oracleFile, error) {
	var reference fields
	if err := readJSON("testdata/gss/reference.json", &reference); err != nil {
		return oracleFile{}, err
	}
	g := &gssCases{file: oracleFile{Dataset: "gss", Designs: make(map[string]designSpec)}}
	years := slices.Sorted(maps.Keys(reference.sub("years")))
	for _, year := range years {
		a.gssTables(year)
		y := reference.sub("years").sub(year)
		for _, weight := range []string{"wtssall", "wtssnr", "wtssps"} {
			if y.has(weight) {
				g.module(year, weight, y.sub(weight).sub("module"))
				g.domain(year, weight, y.sub(weight).sub("domain"))
			}
		}
	}
	g.differences(a, reference.sub("differences").sub("pairs"))
	g.pooled(a, years, reference.sub("pooled"))
	return g.file, nil
}

// use declares a design and makes it that of the cases to come.
func (g *gssCases) use(name string, spec designSpec) {
	g.design = name
	spec.IDs, spec.Strata = "vpsu", "vstrat"
	if spec.LonelyPSU == "" {
		spec.LonelyPSU = "adjust"
	}
	g.file.Designs[name] = spec
}

// add adds a case; its number in the file is its name.
func (g *gssCases) add(rel float64, c Case) {
	c.ID = fmt.Sprintf("gss-%04d", len(g.file.Cases)+1)
	c.Dataset, c.Design = "gss", g.design
	c.Tolerance.Rel, c.Tolerance.Abs = rel, 1e-12
	g.file.Cases = append(g.file.Cases, c)
}

// Relative tolerances. The reference has 11 digits, which is 5e-11; its logit intervals
// and logistic regressions come from fits that stop at 1e-8.
const (
	gssExact    = 1e-9 + 5e-11
	gssFit      = 1e-8
	gssLogistic = 1e-7
)

// level is the domain of one level of a factor.
func level(factor, level string) []condition { return []condition{{factor, "==", level}} }

// mean adds a mean with its interval.
func (g *gssCases) mean(variable string, domain []condition, n fields) {
	c := Case{Estimator: "mean", Variable: variable, Domain: domain, Estimate: n["est"], SE: n["se"], Extra: fields{}}
	for ours, theirs := range map[string]string{"df_domain": "df", "ci95_t_domain": "ci95_t", "ci95_normal": "ci95_norm", "deff_wr": "deff", "n": "n"} {
		if n.has(theirs) {
			c.Extra[ours] = n[theirs]
		}
	}
	g.add(gssExact, c)
}

// share adds the mean of a variable of zeros and ones, with its other intervals.
func (g *gssCases) share(variable string, domain []condition, n fields) {
	g.mean(variable, domain, n)
	design := g.design
	defer func() { g.design = design }()
	for _, method := range []string{"logit", "beta"} {
		bounds := n.numbers("ci95_" + method)
		if bounds == nil || math.IsNaN(bounds[0]) {
			continue
		}
		if method == "beta" { // R 4.1.1 takes the effective n by the degrees of freedom of the domain
			g.design = design + "/domain df"
			// There the people without a value are no rows of the design.
			domain = append(slices.Clone(domain), condition{variable, "!=", "missing"})
		}
		g.add(gssFit, Case{Estimator: "proportion_ci", Variable: variable, Domain: domain, Estimate: n["est"], SE: n["se"],
			Params: fields{"indicator": map[string]any{"var": variable, "op": "==", "value": 1.0}, "method": method, "level": 0.95},
			Extra:  fields{"lower": bounds[0], "upper": bounds[1]}})
	}
}

// both adds what both designs of a year have.
func (g *gssCases) both(d fields) {
	for _, item := range sortedKeys(d.sub("items")) {
		g.share(item, nil, d.sub("items").sub(item))
	}
	for _, item := range sortedKeys(d.sub("dont_know")) {
		g.mean("dk_"+item, nil, d.sub("dont_know").sub(item))
	}
	g.mean("score", nil, d.sub("score"))
	g.mean("percent", nil, d.sub("pct_correct_of_asked"))
	g.share("literate", nil, d.sub("literate"))
	for _, factor := range sortedKeys(d.sub("score_by")) {
		for _, l := range sortedKeys(d.sub("score_by").sub(factor)) {
			g.mean("score", level(factor, l), d.sub("score_by").sub(factor).sub(l))
		}
		for _, l := range sortedKeys(d.sub("literate_by").sub(factor)) {
			g.share("literate", level(factor, l), d.sub("literate_by").sub(factor).sub(l))
		}
	}
	scores := []any{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
	distribution := d.sub("score_distribution")
	g.add(gssExact, Case{Estimator: "proportion_vector", Variable: "score", Estimate: distribution["est"], SE: distribution["se"],
		Extra: fields{"levels": scores}})
}

// module adds the cases of the design of the module's respondents alone, in which
// strata may have a lone PSU. The SE of the total is left out: survey 4.1.1 did not
// centre the lone PSUs of a total, and 4.5, which we follow, does.
func (g *gssCases) module(year, weight string, d fields) {
	name := year + "/" + weight + "/module"
	spec := designSpec{Data: "gss/" + year + "/module", Weights: weight, DF: "design"}
	g.use(name+"/domain df", designSpec{Data: spec.Data, Weights: weight})
	g.use(name, spec)
	g.both(d)
	for _, rule := range sortedKeys(d.sub("lonely")) {
		g.use(name+"/"+rule, designSpec{Data: spec.Data, Weights: weight, DF: "design", LonelyPSU: rule})
		g.errors(d, d.sub("lonely").sub(rule))
	}
	g.use(name+"/weights only", designSpec{Data: spec.Data, Weights: weight, DF: "design"})
	alone := g.file.Designs[g.design]
	alone.IDs, alone.Strata = nil, nil
	g.file.Designs[g.design] = alone
	g.errors(d, d.sub("weights_only"))
}

// errors adds the standard errors of score and literacy under another rule.
func (g *gssCases) errors(d, se fields) {
	for _, variable := range []string{"score", "literate"} {
		g.add(gssExact, Case{Estimator: "mean", Variable: variable, Estimate: d.sub(variable)["est"], SE: se[variable+"_se"]})
	}
}

// domain adds the cases of the whole cross-section, of which the module is a domain:
// PSUs without a respondent in the module count.
func (g *gssCases) domain(year, weight string, d fields) {
	name := year + "/" + weight + "/domain"
	spec := designSpec{Data: "gss/" + year + "/domain", Weights: weight, DF: "design"}
	g.use(name+"/domain df", designSpec{Data: spec.Data, Weights: weight})
	g.use(name, spec)
	g.both(d)
	total := d.sub("literate_total_weighted")
	g.add(gssExact, Case{Estimator: "total", Variable: "literate", Estimate: total["est"], SE: total["se"]})
	for _, factor := range sortedKeys(d.sub("rao_scott_literate")) {
		test, known := d.sub("rao_scott_literate").sub(factor), []condition{{factor, "!=", "missing"}}
		g.design = name + "/domain df"
		g.add(gssFit, Case{Estimator: "independence_test", Variable: "literate," + factor, Domain: known, Params: fields{"statistic": "F"}, Estimate: test["F"],
			Extra: fields{"parameter": []any{test["ndf"], test["ddf"]}, "p_value": test["p"], "chi_square": test["X2"]}})
		g.design = name
	}
	g.model("score", "gaussian-identity", d.sub("lm_score"))
	g.model("literate", "quasibinomial-logit", d.sub("logit_literate"))
	contrast := d.sub("score_male_minus_female")
	g.add(gssExact, Case{Estimator: "by_mean_contrast", Variable: "score", Domain: gssKnown, Estimate: contrast["est"], SE: contrast["se"],
		Params: fields{"by": []any{"sex"}, "kind": "linear", "coefficients": []any{1.0, -1.0}}})
}

// gssTerms are the terms of the regressions in R's order.
var gssTerms = []string{"(Intercept)", "sexfemale", "degreehigh_school", "degreejunior_college", "degreebachelor", "degreegraduate",
	"agegrp30-44", "agegrp45-64", "agegrp65+"}

// gssKnown are the people of the regressions and of the contrast between the sexes.
var gssKnown = []condition{{"degree", "!=", "missing"}, {"agegrp", "!=", "missing"}}

// model adds a regression on sex, degree and age group.
func (g *gssCases) model(variable, family string, m fields) {
	g.regression(variable+" ~ sex + degree + agegrp", family, gssTerms, gssKnown, m)
}

// regression adds a regression whose terms the reference has by name.
func (g *gssCases) regression(formula, family string, terms []string, domain []condition, m fields) {
	c := Case{Estimator: "glm", Variable: formula, Domain: domain, Params: fields{"family": family}}
	var estimates, ses, names []any
	for _, term := range terms {
		if !m.sub("coef").has(term) { // nobody has the level
			continue
		}
		names = append(names, term)
		estimates = append(estimates, m.sub("coef")[term])
		ses = append(ses, m.sub("se")[term])
	}
	c.Estimate, c.SE, c.Extra = estimates, ses, fields{"terms": names}
	rel := gssExact
	if family != "gaussian-identity" {
		rel = gssLogistic
	}
	g.add(rel, c)
}

// differences adds the differences between two years as contrasts of a pooled design:
// their strata are disjoint, so they are independent samples.
func (g *gssCases) differences(a *archive, pairs fields) {
	for _, pair := range sortedKeys(pairs) {
		to, from, _ := strings.Cut(pair, "_minus_")
		a.gssPool("gss/"+pair, from, to)
		g.use(pair, designSpec{Data: "gss/" + pair, Weights: "wtssall"})
		for _, variable := range []string{"score", "literate", "pct_correct_of_asked"} {
			g.difference(strings.Replace(variable, "pct_correct_of_asked", "percent", 1), pairs.sub(pair).sub(variable))
		}
		items := pairs.sub(pair).sub("items")
		for _, item := range sortedKeys(items) {
			g.difference(item, items.sub(item))
		}
	}
}

func (g *gssCases) difference(variable string, d fields) {
	// The difference of two numbers with 11 digits has fewer.
	c := Case{Estimator: "by_mean_contrast", Variable: variable, Estimate: d["diff"], SE: d["se"],
		Params: fields{"by": []any{"year"}, "kind": "linear", "coefficients": []any{-1.0, 1.0}}}
	g.add(gssExact, c)
}

// pooled adds the means and trends of all years together.
func (g *gssCases) pooled(a *archive, years []string, d fields) {
	a.gssPool("gss/pooled", years...)
	g.use("pooled", designSpec{Data: "gss/pooled", Weights: "wtssall", Derived: map[string]string{"since": "year - 2006"}})
	g.mean("score", nil, d.sub("score"))
	g.mean("literate", nil, d.sub("literate"))
	for _, m := range [][3]string{{"score", "gaussian-identity", "linear_trend_score"}, {"literate", "quasibinomial-logit", "logit_trend_literate"}} {
		trend := d.sub(m[2])
		for _, part := range []string{"coef", "se"} {
			trend.sub(part)["since"] = trend.sub(part)["I(year - 2006)"]
		}
		g.regression(m[0]+" ~ since", m[1], []string{"(Intercept)", "since"}, nil, trend)
	}
}

func sortedKeys(f fields) []string { return slices.Sorted(maps.Keys(f)) }

// gssTables says how to make the tables of a year.
func (a *archive) gssTables(year string) {
	a.make["gss/"+year+"/module"] = func() (table, error) { return a.gssModule(year) }
	a.make["gss/"+year+"/domain"] = func() (table, error) { return a.gssDomain(year) }
}

// gssPool says how to make a table of several years.
func (a *archive) gssPool(name string, years ...string) {
	a.make[name] = func() (table, error) {
		pool := table{columns: make(map[string][]string)}
		for _, year := range years {
			t, err := a.table("gss/" + year + "/domain")
			if err != nil {
				return pool, err
			}
			pool = pool.append(t)
		}
		return pool, nil
	}
}

// gssCSV reads a file of microdata.
func (a *archive) gssCSV(name string) (table, error) {
	if t, err := a.read(gssShipped + "/" + name); err == nil {
		return t, nil
	}
	return a.table("gss-science/" + name)
}

// gssKey has the code of the right answer of each item.
var gssKey = map[string]string{
	"hotcore": "1", "radioact": "2", "boyorgrl": "1", "lasers": "2", "electron": "1", "viruses": "2",
	"condrift": "1", "earthsun": "1", "solarrev": "3", "bigbang": "1", "bigbang1": "1", "bigbang2": "1",
	"evolved": "1", "evolved2": "1", "expdesgn": "2", "odds1": "2", "odds2": "1",
}

// gssScale are the nine items of the scale.
var gssScale = []string{"hotcore", "radioact", "boyorgrl", "lasers", "electron", "viruses", "condrift", "earthsun", "solarrev"}

// gssModule scores and classifies the respondents of the module as reference.R does.
func (a *archive) gssModule(year string) (table, error) {
	raw, err := a.gssCSV("gss" + year + "_science.csv")
	if err != nil {
		return table{}, err
	}
	t := table{rows: raw.rows, columns: make(map[string][]string)}
	for _, name := range []string{"year", "vstrat", "vpsu", "wtssall", "wtssnr", "wtssps"} {
		t.columns[name] = raw.columns[name]
	}
	for item, right := range gssKey {
		t.columns[item], t.columns["dk_"+item] = gssMarks(raw, item, right), gssDontKnow(raw.columns[item])
	}
	t.columns["odds"] = eachRow(raw.rows, func(i int) float64 { return t.at("odds1", i) * t.at("odds2", i) })
	t.columns["exper"] = eachRow(raw.rows, func(i int) float64 {
		if raw.columns["expdesgn"][i] == ".i" {
			return math.NaN()
		}
		return float64(btoi(raw.columns["expdesgn"][i] == "2" && raw.columns["exptext"][i] == "1"))
	})
	t.gssScores()
	t.gssClassify(raw)
	return t, nil
}

// gssMarks marks an item: don't know and no answer are wrong, not asked is missing,
// except solarrev, which was not asked of those who had earthsun wrong.
func gssMarks(raw table, item, right string) []string {
	return eachRow(raw.rows, func(i int) float64 {
		x := raw.columns[item][i]
		switch {
		case item == "solarrev" && x == ".i" && raw.columns["earthsun"][i] != "1":
			return 0
		case x == "" || x == ".i":
			return math.NaN()
		}
		return float64(btoi(x == right))
	})
}

// gssDontKnow marks who did not know.
func gssDontKnow(answers []string) []string {
	return eachRow(len(answers), func(i int) float64 {
		if x := answers[i]; x == "" || x == ".i" {
			return math.NaN()
		}
		return float64(btoi(answers[i] == ".d"))
	})
}

// gssScores adds the score, the percentage of the items asked and literacy.
func (d table) gssScores() {
	d.columns["score"] = eachRow(d.rows, func(i int) float64 {
		var sum float64
		for _, item := range gssScale {
			sum += d.at(item, i)
		}
		return sum
	})
	d.columns["percent"] = eachRow(d.rows, func(i int) float64 {
		var sum, asked float64
		for _, item := range gssScale {
			if x := d.at(item, i); x == x {
				sum, asked = sum+x, asked+1
			}
		}
		return sum / asked * 100
	})
	d.columns["literate"] = eachRow(d.rows, func(i int) float64 {
		score := d.at("score", i)
		if math.IsNaN(score) {
			return score
		}
		return float64(btoi(score >= 7))
	})
}

// gssClassify adds the factors; whoever has no code is "missing".
func (d *table) gssClassify(raw table) {
	for _, f := range []struct {
		name, rest string
		levels     []string
	}{
		{"sex", "missing", []string{"1=male", "2=female"}},
		{"race", "", []string{"1=white", "2=black", "3=other"}},
		{"degree", "missing", []string{"0=lt_high_school", "1=high_school", "2=junior_college", "3=bachelor", "4=graduate"}},
		{"region", "", []string{"1=1", "2=2", "3=3", "4=4", "5=5", "6=6", "7=7", "8=8", "9=9"}},
	} {
		names := make(map[string]string)
		for _, l := range f.levels {
			code, name, _ := strings.Cut(l, "=")
			names[code] = name
			d.declare(f.name, name)
		}
		column := make([]string, d.rows)
		for i, code := range raw.columns[f.name] {
			if column[i] = names[code]; column[i] == "" {
				column[i] = f.rest
			}
		}
		d.columns[f.name] = column
	}
	ages := make([]string, d.rows)
	for i, x := range raw.columns["age"] {
		ages[i] = gssAge(toNumber(x))
	}
	d.columns["agegrp"] = ages
}

func gssAge(age float64) string {
	switch {
	case age < 30:
		return "18-29"
	case age < 45:
		return "30-44"
	case age < 65:
		return "45-64"
	case age >= 65:
		return "65+"
	}
	return "missing"
}

// gssDomain adds a row of weight zero for every PSU of the cross-section.
func (a *archive) gssDomain(year string) (table, error) {
	module, err := a.table("gss/" + year + "/module")
	if err != nil {
		return module, err
	}
	psus, err := a.gssCSV("gss" + year + "_psus.csv")
	if err != nil {
		return psus, err
	}
	zero := slices.Repeat([]string{"0"}, psus.rows)
	return module.append(table{rows: psus.rows, columns: map[string][]string{
		"year": slices.Repeat([]string{year}, psus.rows), "vstrat": psus.columns["vstrat"], "vpsu": psus.columns["vpsu"],
		"wtssall": zero, "wtssnr": zero, "wtssps": zero,
	}}), nil
}

// at is a number of a column.
func (d table) at(column string, row int) float64 { return toNumber(d.columns[column][row]) }

// append returns the table with the rows of another one below; a column that one of
// them does not have is missing there.
func (d table) append(other table) table {
	t := table{rows: d.rows + other.rows, columns: make(map[string][]string), declared: d.declared}
	if d.declared == nil {
		t.declared = other.declared
	}
	for _, source := range []table{d, other} {
		for name := range source.columns {
			t.columns[name] = make([]string, t.rows)
		}
	}
	for name, column := range t.columns {
		copy(column, d.columns[name])
		copy(column[d.rows:], other.columns[name])
	}
	return t
}

// eachRow makes a column of numbers; NaN is missing.
func eachRow(rows int, value func(i int) float64) []string {
	column := make([]string, rows)
	for i := range column {
		if v := value(i); v == v {
			column[i] = strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	return column
}
