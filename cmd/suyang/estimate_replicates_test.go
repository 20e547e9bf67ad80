package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// Replicates made from the design, and those that came with the data, give the numbers of
// R 4.2.2 with survey 4.1:
//
//	a <- read.csv("api/apistrat.csv")
//	j <- as.svrepdesign(svydesign(~1, strata=~stype, weights=~pw, fpc=~fpc, data=a), type="JKn", mse=TRUE)
//	svymean(~api00, j); svytotal(~enroll, j); svyratio(~api00, ~api99, j)
//	svyciprop(~I(awards=="Yes"), j, method="xlogit")
//	svyquantile(~api00, j, 0.5, interval.type="mean", qrule="math", ci=TRUE)
//	svychisq(~awards+sch.wide, j)
//	b <- svyby(~api00, ~stype, j, svymean, covmat=TRUE); svycontrast(b, list(c(-1, 1, 0)))
//	r <- svyby(~api00, ~stype, j, svyratio, denominator=~api99, covmat=TRUE); svycontrast(r, list(c(-1, 1, 0)))
//
//	p <- read.csv("pisa2018-noisy/pisa2018_noisy.csv")
//	f <- svrepdesign(repweights="w_fsturwt", weights=~w_fstuwt, data=p, type="Fay", rho=0.5, mse=TRUE)
//	svymean(~pv1scie, f); degf(f)
func TestEstimateReplicatesEqualR(t *testing.T) {
	jackknife := []string{"api/apistrat.csv", "--weights", "pw", "--strata", "stype", "--fpc", "fpc", "--replicates", "jkn"}
	pisa := []string{"pisa2018-noisy/pisa2018_noisy.csv", "--weights", "w_fstuwt", "--replicate-weights", "w_fsturwt*", "--scale", "0.05"}
	nan := math.NaN() // R gives none, or prints fewer digits
	type want struct{ value, se, lower, upper, df, p float64 }
	for name, c := range map[string]struct {
		args []string
		want want
	}{
		"a mean":            {append(jackknife, "--mean", "api00"), want{662.287363159321, 9.40894080278, nan, nan, 197, nan}},
		"a total":           {append(jackknife, "--total", "enroll"), want{nan, 114641.716101, nan, nan, 197, nan}},
		"a ratio":           {append(jackknife, "--ratio", "api00/api99"), want{nan, 0.00364418998267, nan, nan, 197, nan}},
		"a share":           {append(jackknife, "--proportion", "awards=Yes"), want{0.638936064051, 0.0344059179973, 0.568721098868, 0.703675779368, 197, nan}},
		"a median":          {append(jackknife, "--quantile", "api00@0.5"), want{668, 13.1840557882, 642, 694, 197, nan}},
		"independence":      {append(jackknife, "--independence", "awards,sch.wide"), want{77.27689904, nan, nan, nan, 197, 7.36397286e-16}},
		"means compared":    {append(jackknife, "--mean", "api00", "--where", "stype!=M", "--by", "stype", "--compare", "first"), want{-48.61, 19.40216, nan, nan, nan, nan}},
		"ratios compared":   {append(jackknife, "--ratio", "api00/api99", "--where", "stype!=M", "--by", "stype", "--compare", "first"), want{nan, 0.00732123700329, nan, nan, nan, nan}},
		"imported, Fay's ½": {append(pisa, "--mean", "pv1scie"), want{441.834054681, 3.3843829227, nan, nan, 79, nan}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"estimate", surveyData + c.args[0], "--format", "json"}, c.args[1:]...)
			type number struct{ Estimate, SE, Lower, Upper, Statistic, DF, DF2, P float64 }
			var all struct{ Estimates, Differences, Tests []number }
			if err := json.Unmarshal([]byte(must(t, args...)), &all); err != nil {
				t.Fatal(err)
			}
			var got number
			switch {
			case len(all.Differences) > 0:
				got = all.Differences[0]
			case len(all.Tests) > 0:
				got = all.Tests[0]
				got.Estimate, got.DF = got.Statistic, got.DF2
			default:
				got = all.Estimates[0]
			}
			for _, n := range []struct {
				what      string
				got, want float64
			}{{"estimate", got.Estimate, c.want.value}, {"SE", got.SE, c.want.se}, {"lower", got.Lower, c.want.lower},
				{"upper", got.Upper, c.want.upper}, {"df", got.DF, c.want.df}, {"P", got.P, c.want.p}} {
				// R prints seven digits of the contrast of means, and nine to twelve of the others.
				if !math.IsNaN(n.want) && !(math.Abs(n.got-n.want) <= 3e-7*math.Abs(n.want)) {
					t.Errorf("%s = %.15g, R has %.15g", n.what, n.got, n.want)
				}
			}
		})
	}
}

// The results say what replicates they rest on, and the same seed gives the same text.
func TestEstimateSaysReplicates(t *testing.T) {
	args := []string{"estimate", surveyData + "api/apistrat.csv", "--weights", "pw", "--strata", "stype", "--mean", "api00",
		"--replicates", "bootstrap", "--replicate-count", "50", "--seed", "7"}
	table := must(t, args...)
	if want := "standard errors from 50 replicates (bootstrap), seed 7\n"; !strings.Contains(table, want) {
		t.Errorf("the table %q does not say %q", table, want)
	}
	if again := must(t, args...); again != table {
		t.Errorf("again %q, want %q", again, table)
	}
	if other := must(t, append(args, "--seed", "8")...); other == table {
		t.Error("another seed gives the same text")
	}
	var all struct {
		Settings struct{ CI string }
		Design   struct {
			Replicates struct {
				Method, Centre string
				Count          int
				Seed           uint64
				Scale          float64
			}
		}
	}
	if err := json.Unmarshal([]byte(must(t, append(args, "--format", "json")...)), &all); err != nil {
		t.Fatal(err)
	}
	r := all.Design.Replicates
	// 1/(R−1), the scale of a bootstrap of 50.
	if r.Method != "rao-wu-yue" || r.Centre != "replicate-mean" || r.Count != 50 || r.Seed != 7 || r.Scale != 1.0/49 || all.Settings.CI != "xlogit" {
		t.Errorf("replicates %+v with intervals %s", r, all.Settings.CI)
	}
}

func TestEstimateReplicateMistakes(t *testing.T) {
	imported := []string{"--weights", "w", "--replicate-weights", "rep*", "--mean", "score"}
	const file = "region,club,w,score,rep1,rep2\na,1,1,5,2,0\na,2,1,7,0,2\nb,1,1,4,2,0\nb,2,1,9,0,2\nb,3,1,9,0,2\n"
	for name, c := range map[string]struct {
		change []string
		args   []string
		want   []string // all in the message
	}{
		"no scale":                         {nil, imported, []string{"--scale", "1/R", "Fay"}},
		"too few rscales":                  {nil, append(imported, "--scale", "1", "--rscales", "1"), []string{"--rscales has 1 numbers", "2 columns"}},
		"a negative scale":                 {nil, append(imported, "--scale", "-1"), []string{"scale", "-1"}},
		"a negative replicate weight":      {[]string{"a,2,1,7,0,2", "a,2,1,7,0,-2"}, append(imported, "--scale", "1"), []string{"club.csv:3:", "rep2 is -2"}},
		"a missing replicate weight":       {[]string{"a,2,1,7,0,2", "a,2,1,7,0,"}, append(imported, "--scale", "1"), []string{"club.csv:3:", "rep2 is missing"}},
		"a weight in a replicate only":     {[]string{"a,2,1,7,0,2", "a,2,0,7,0,2"}, append(imported, "--scale", "1"), []string{"club.csv:3:", "rep2 is 2", "the whole sample is 0"}},
		"no such columns":                  {nil, []string{"--weights", "w", "--replicate-weights", "x*", "--scale", "1", "--mean", "score"}, []string{`like "x*"`, "region, club"}},
		"one column":                       {nil, []string{"--weights", "w", "--replicate-weights", "rep1", "--scale", "1", "--mean", "score"}, []string{"two at least"}},
		"no weights beside":                {nil, []string{"--replicate-weights", "rep*", "--scale", "1", "--mean", "score"}, []string{"--weights"}},
		"a design beside":                  {nil, append(imported, "--scale", "1", "--psu", "club"), []string{"leave out --strata, --psu"}},
		"replicates of both kinds":         {nil, append(imported, "--scale", "1", "--replicates", "jkn"), []string{"leave out one"}},
		"a scale of replicates of its own": {nil, []string{"--replicates", "jkn", "--scale", "1", "--mean", "score"}, []string{"--replicate-weights"}},
		"three PSUs in half samples":       {nil, []string{"--strata", "region", "--psu", "club", "--replicates", "brr", "--mean", "score"}, []string{`"b"`, "3"}},
		"a stratum with one PSU":           {[]string{"a,2", "a,1"}, []string{"--strata", "region", "--psu", "club", "--replicates", "jkn", "--mean", "score"}, []string{`"a"`, "merge", "--lone-psu"}},
		"strata in JK1":                    {nil, []string{"--strata", "region", "--psu", "club", "--replicates", "jk1", "--mean", "score"}, []string{"JKn"}},
		"one replicate":                    {nil, []string{"--strata", "region", "--psu", "club", "--replicates", "bootstrap", "--replicate-count", "1", "--mean", "score"}, []string{"no spread", "500"}},
		"strata merged":                    {nil, []string{"--strata", "region", "--psu", "club", "--replicates", "jkn", "--lone-psu", "collapse", "--mean", "score"}, []string{"--lone-psu collapse", "merge them in the data"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"estimate", clubFile(t, append([]string{club, file}, c.change...)...)}, c.args...)
			if len(c.change) > 0 {
				args[1] = clubFile(t, club, strings.NewReplacer(c.change...).Replace(file))
			}
			status, out, talk := suyang(t, args...)
			if status == 0 || out != "" {
				t.Fatalf("status %d, out %q; want a failure", status, out)
			}
			for _, want := range c.want {
				if !strings.Contains(talk, want) {
					t.Errorf("the message %q does not say %q", talk, want)
				}
			}
		})
	}
}
