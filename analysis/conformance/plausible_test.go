package conformance

import (
	"fmt"
	"math"
	"strings"
)

// Plausible values of school assessments: testdata/pv has numbers made with R, pooled
// over the plausible values by Rubin's rules, which become cases here.

// pisa2012 has the cases of PISA 2012 in New Zealand: schools in strata, linearisation,
// five plausible values, combined by mitools. Its numbers have about 11 digits, those
// of the between variance fewer.
func pisa2012(a *archive) (oracleFile, error) {
	var reference fields
	if err := readJSON("testdata/pv/pisa2012-nzl.json", &reference); err != nil {
		return oracleFile{}, err
	}
	a.make["pisa2012-nzl"] = func() (table, error) {
		t, err := a.table("pisa2012-nzl/pisa2012_nzl.csv")
		if err != nil {
			return t, err
		}
		return t.renamed(map[string]string{"pv%d": "PV%dMATH", "sex": "ST04Q01", "girls": "PCGIRLS"}), nil
	}
	p := &plausible{file: oracleFile{Dataset: "pisa2012-nzl", Designs: map[string]designSpec{
		"schools": {Data: "pisa2012-nzl", IDs: "SCHOOLID", Strata: "STRATUM", Weights: "W_FSTUWT", LonelyPSU: "remove"},
	}}, design: "schools"}
	p.mitools("y", nil, reference.sub("mean"))
	for _, sex := range []string{"Female", "Male"} {
		p.mitools(sex, []condition{{"sex", "==", sex}}, reference.sub("by_sex"))
	}
	p.regression("pv ~ sex * girls", []string{"(Intercept)", "ST04Q01Male", "PCGIRLS", "ST04Q01Male:PCGIRLS"}, reference.sub("glm"))
	return p.file, nil
}

// timss2011 has the cases of TIMSS 2011 in Austria, whose variances come from replicates
// of 75 zones of two halves.
func timss2011(a *archive) (oracleFile, error) {
	var reference fields
	if err := readJSON("testdata/pv/timss2011-g4-aut.json", &reference); err != nil {
		return oracleFile{}, err
	}
	p := &plausible{file: oracleFile{Dataset: "timss2011-g4-aut", Designs: map[string]designSpec{}}}
	for subject, pv := range map[string]string{"science": "ASSSCI%d", "math": "ASMMAT%d"} {
		a.make["timss2011-"+subject] = a.withValues("timss2011-g4-aut/timss2011_g4_aut.csv", pv)
	}
	for _, subject := range []string{"science", "math"} {
		p.design = subject
		p.file.Designs[subject] = designSpec{Data: "timss2011-" + subject, Weights: "TOTWGT",
			Replicate: fields{"method": "JK2", "zone": "JKZONE", "half": "JKREP", "mse": true}}
		p.pooled(reference.sub(subject))
	}
	return p.file, nil
}

// pisa2018 has the cases of the noisy subset of PISA 2018: ten plausible values, Fay's
// replicates.
func pisa2018(a *archive) (oracleFile, error) {
	var reference fields
	if err := readJSON("testdata/pv/pisa2018-noisy.json", &reference); err != nil {
		return oracleFile{}, err
	}
	a.make["pisa2018"] = a.withValues("pisa2018-noisy/pisa2018_noisy.csv", "pv%dscie")
	p := &plausible{file: oracleFile{Dataset: "pisa2018-noisy", Designs: map[string]designSpec{}}}
	for _, country := range []string{"FRA", "ITA", "MEX"} {
		p.design = country
		p.file.Designs[country] = designSpec{Data: "pisa2018", Weights: "w_fstuwt", Rows: rows{conditions: level("cnt", country)},
			Replicate: fields{"method": "Fay", "columns": "w_fsturwt%d", "scale": 0.05, "mse": true}}
		p.pooled(reference.sub(country).sub("science"))
	}
	return p.file, nil
}

// withValues reads a table and calls its plausible values pv1, pv2 and so on.
func (a *archive) withValues(file, theirs string) func() (table, error) {
	return func() (table, error) {
		t, err := a.table(file)
		if err != nil {
			return t, err
		}
		return t.renamed(map[string]string{"pv%d": theirs}), nil
	}
}

// plausible collects cases.
type plausible struct {
	file   oracleFile
	design string
}

func (p *plausible) add(rel float64, c Case) {
	c.Dataset, c.Design = p.file.Dataset, p.design
	c.ID = fmt.Sprintf("%s-%04d", c.Dataset, len(p.file.Cases)+1)
	c.Tolerance.Rel, c.Tolerance.Abs = rel, 1e-12
	p.file.Cases = append(p.file.Cases, c)
}

// mitools adds one mean that mitools combined.
func (p *plausible) mitools(name string, domain []condition, m fields) {
	p.add(1e-8, Case{Estimator: "mi_mean", Variable: "pv1..pv5", Domain: domain, Estimate: m.sub("est")[name], SE: m.sub("se")[name],
		Extra: fields{"df_rubin": m.sub("df")[name], "missing_information": m.sub("missinfo")[name]}})
}

// regression adds a regression of the plausible values.
func (p *plausible) regression(formula string, terms []string, m fields) {
	var parts [4][]any
	for _, term := range terms {
		for k, part := range []string{"est", "se", "df", "missinfo"} {
			parts[k] = append(parts[k], m.sub(part)[term])
		}
	}
	p.add(1e-8, Case{Estimator: "mi_glm", Variable: "pv1..pv5", Params: fields{"formula": formula, "family": "gaussian-identity"},
		Estimate: parts[0], SE: parts[1], Extra: fields{"df_rubin": parts[2], "missing_information": parts[3]}})
}

// pooled adds the mean and the shares at or above benchmarks of one subject.
func (p *plausible) pooled(subject fields) {
	number := func(kind string, params, n fields) {
		p.add(1e-8, Case{Estimator: kind, Variable: "pv", Params: params, Estimate: n["est"], SE: n["se"],
			Extra: fields{"within": math.Pow(n.number("se_sampling"), 2), "between": n["imputation_var"]}})
	}
	number("mi_mean", nil, subject.sub("mean"))
	shares := subject.sub("share_at_or_above")
	for _, cut := range sortedKeys(shares) {
		number("mi_share_at_or_above", fields{"cut": toNumber(cut)}, shares.sub(cut))
	}
}

// renamed returns the table with columns under further names; %d stands for 1 and so on.
func (d table) renamed(names map[string]string) table {
	for ours, theirs := range names {
		if !strings.Contains(ours, "%d") {
			d = d.with(ours, d.columns[theirs])
			continue
		}
		for k := 1; d.columns[fmt.Sprintf(theirs, k)] != nil; k++ {
			d = d.with(fmt.Sprintf(ours, k), d.columns[fmt.Sprintf(theirs, k)])
		}
	}
	return d
}
