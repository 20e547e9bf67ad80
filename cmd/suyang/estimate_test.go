package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// surveyData are the data sets of the conformance tests.
const surveyData = "../../analysis/conformance/testdata/data/"

// club is a made-up survey of twelve people in three strata, one with a single club.
const club = `id,region,club,w,age,sex,score,passed,hours,cost
1,North,1,10,15,F,50,0,2,10
2,North,1,10,34,M,70,1,4,12
3,North,2,20,51,F,80,1,1,3
4,North,2,20,19,M,NA,,0,0
5,South,1,15,42,F,65,0,5,20
6,South,1,15,23,F,90,1,3,15
7,South,2,15,67,M,40,0,2,8
8,South,2,15,39,M,75,1,2,
9,South,3,12,28,F,85,1,6,30
10,South,3,12,45,M,55,0,1,4
11,West,1,30,36,F,60,0,2,9
12,West,1,30,58,M,95,1,3,11
`

// clubFile writes the club survey, changed, to a file and returns its name.
func clubFile(t *testing.T, change ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "club.csv")
	text := strings.NewReplacer(change...).Replace(club)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestEstimateFormats(t *testing.T) {
	file := clubFile(t)
	t.Chdir(filepath.Dir(file))
	design := []string{"--weights", "w", "--strata", "region", "--psu", "club"}
	for name, args := range map[string][]string{
		"table.txt":    {"--mean", "score", "--proportion", "passed,sex", "--total", "hours", "--ratio", "cost/hours", "--count", "all,sex=F"},
		"by.txt":       {"--mean", "score", "--proportion", "passed", "--by", "sex,region"},
		"where.csv":    {"--mean", "score", "--total", "hours", "--where", "age >= 18 and sex=F", "--by", "region", "--format", "csv"},
		"quantile.txt": {"--quantile", "score@0.25,score@0.5", "--lone-psu", "collapse", "--standard", "nchs-2017", "--proportion", "passed"},
		"compare.txt":  {"--mean", "score", "--ratio", "cost/hours", "--by", "sex", "--compare", "first", "--independence", "region,passed"},
		"compare.csv":  {"--total", "hours", "--proportion", "passed", "--by", "region", "--compare", "pairs", "--format", "csv"},
		"compare.json": {"--mean", "score", "--by", "sex", "--compare", "first", "--format", "json"},
		"tests.csv":    {"--independence", "sex,passed", "--where", "region!=West", "--format", "csv"},
		"tests.json":   {"--independence", "sex,passed", "--format", "json"},
		"results.json": {"--mean", "score", "--proportion", "sex=F", "--ci", "wilson", "--level", "0.9", "--by", "region", "--format", "json"},
	} {
		t.Run(name, func(t *testing.T) {
			compareGolden(t, filepath.Join("testdata", "estimate", name), must(t, append(append([]string{"estimate", "club.csv"}, design...), args...)...))
		})
	}
}

// compareGolden compares with a file of this folder, or rewrites it with -update.
func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join(testFolder, name)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if twelveDigits(got) != twelveDigits(string(want)) {
		t.Errorf("%s differs:\n%s\nwant\n%s", name, got, want)
	}
}

// twelveDigits shortens long numbers: another order of a sum changes the last digits.
func twelveDigits(text string) string {
	return longNumber.ReplaceAllStringFunc(text, func(digits string) string {
		x, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			return digits
		}
		return strconv.FormatFloat(x, 'g', 12, 64)
	})
}

var longNumber = regexp.MustCompile(`[0-9]+\.[0-9]{9,}(e[-+][0-9]+)?`)

// testFolder is the folder of the tests, which some of them leave.
var testFolder, _ = filepath.Abs(".")

// The command gives the numbers of R, from the same columns. The cases are those of
// analysis/conformance (R 4.2.2, survey 4.5).
func TestEstimateEqualsR(t *testing.T) {
	for _, c := range []struct {
		name         string
		args         []string
		value, se    float64
		lower, upper float64
	}{
		{"a stratified sample of a finite population (api_taylor-0067)", []string{"api/apistrat.csv", "--weights", "pw", "--strata", "stype", "--fpc", "fpc", "--mean", "api00"},
			662.287363159321, 9.40894080278458, 643.732188272086, 680.842538046555},
		{"two stages that give the weights (api_taylor-0203)", []string{"api/apiclus2.csv", "--psu", "dnum,snum", "--fpc", "fpc1,fpc2", "--total", "enroll"},
			2639272.93, 799637.773648358, 1021852.86592306, 4256692.99407694},
		{"a median (api_more-0105)", []string{"api/apisrs.csv", "--weights", "pw", "--quantile", "avg.ed@0.5"},
			2.8199999332428, 0.068444651497637, 2.65000009536743, 2.92000007629395},
		{"Wilson's interval (yrbs-0018)", []string{"yrbs/yrbs.csv", "--weights", "weight", "--strata", "stratum", "--psu", "psu",
			"--proportion", "qn8=1", "--ci", "wilson", "--level", "0.9"}, 0.813622504365478, 0.0200890064520652, 0.777514103038037, 0.845038647346357},
		{"Wilson's interval with the normal distribution (yrbs-0019)", []string{"yrbs/yrbs.csv", "--weights", "weight", "--strata", "stratum", "--psu", "psu",
			"--proportion", "qn8=1", "--ci", "wilson", "--level", "0.9", "--df", "normal"}, 0.813622504365478, 0.0200890064520652, 0.77837904919977, 0.844381848661775},
		{"the same with the degrees of freedom given (yrbs-0018)", []string{"yrbs/yrbs.csv", "--weights", "weight", "--strata", "stratum", "--psu", "psu",
			"--proportion", "qn8=1", "--ci", "wilson", "--level", "0.9", "--df", "41"}, 0.813622504365478, 0.0200890064520652, 0.777514103038037, 0.845038647346357},
		{"a share of a clustered sample (yrbs-0163)", []string{"yrbs/yrbs.csv", "--weights", "weight", "--strata", "stratum", "--psu", "psu",
			"--proportion", "qn8=1"}, 0.813622504365478, 0.0200890064520652, math.NaN(), math.NaN()},
		{"a count (yrbs-0164)", []string{"yrbs/yrbs.csv", "--weights", "weight", "--strata", "stratum", "--psu", "psu",
			"--count", "qn8=1"}, 7938.3335, 620.088333314404, math.NaN(), math.NaN()},
		{"a mean with its interval (api_more-0001)", []string{"api/apisrs.csv", "--weights", "pw", "--mean", "api99"},
			624.685, 9.65750047643081, 605.640828734388, 643.729171265612},
		{"a mean in a domain (api_more-0040)", []string{"api/apisrs.csv", "--weights", "pw", "--mean", "ell", "--where", "enroll<500", "--where", "comp.imp=No"},
			22, 3.64585624930081, 14.5541682024192, 29.4458317975808},
		{"a total (api_more-0002)", []string{"api/apisrs.csv", "--weights", "pw", "--total", "api99"},
			3869298.89, 59818.5579510124, 3751339.2931808, 3987258.4868192},
		{"a ratio (api_more-0070)", []string{"api/apisrs.csv", "--weights", "pw", "--ratio", "api.stu/pct.resp"},
			6.21791237113402, 0.34564019829339, 5.5363249201529, 6.89949982211514},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"estimate", surveyData + c.args[0], "--format", "json"}, c.args[1:]...)
			e := estimates(t, must(t, args...))
			if len(e) != 1 {
				t.Fatalf("%d estimates, want 1", len(e))
			}
			for _, n := range []struct {
				what      string
				got, want float64
			}{{"estimate", e[0].Estimate, c.value}, {"SE", e[0].SE, c.se}, {"lower", e[0].Lower, c.lower}, {"upper", e[0].Upper, c.upper}} {
				if !math.IsNaN(n.want) && !(math.Abs(n.got-n.want) <= 1e-9*math.Abs(n.want)) {
					t.Errorf("%s = %.15g, R has %.15g", n.what, n.got, n.want)
				}
			}
		})
	}
}

// The groups of --by are in the order of the columns (api_more-0074).
func TestEstimateByEqualsR(t *testing.T) {
	e := estimates(t, must(t, "estimate", surveyData+"api/apisrs.csv", "--weights", "pw", "--mean", "api99", "--by", "comp.imp,sch.wide", "--format", "json"))
	want := []struct {
		imp, wide string
		value, se float64
	}{
		{"No", "No", 585.457142857143, 21.0345235988089}, {"No", "Yes", 646.84375, 17.2889229648486},
		{"Yes", "No", 426, 15.5953865101834}, {"Yes", "Yes", 632.786259541985, 12.5982570214464},
	}
	if len(e) != len(want) {
		t.Fatalf("%d groups, want %d", len(e), len(want))
	}
	for i, w := range want {
		if e[i].By["comp.imp"] != w.imp || e[i].By["sch.wide"] != w.wide ||
			!(math.Abs(e[i].Estimate-w.value) <= 1e-9*w.value) || !(math.Abs(e[i].SE-w.se) <= 1e-9*w.se) {
			t.Errorf("group %d is %+v, want %+v", i, e[i], w)
		}
	}
}

// Differences have the covariance of the groups, and tests of independence are Rao and
// Scott's. The numbers are of R 4.2.2 with survey 4.1: svycontrast of svyby with
// covmat=TRUE, confint and P with Student's t on degf of the design, and svychisq.
func TestEstimateDifferencesEqualR(t *testing.T) {
	strat := []string{"api/apistrat.csv", "--weights", "pw", "--strata", "stype", "--fpc", "fpc"}
	nhanes := []string{"nhanes/nhanes.csv", "--weights", "WTMEC2YR", "--strata", "SDMVSTRA", "--psu", "SDMVPSU"}
	type want struct{ value, se, p float64 }
	nan := math.NaN() // not compared
	for _, c := range []struct {
		name string
		args []string
		want []want
	}{
		{"means of two columns crossed", append(strat, "--mean", "api00", "--by", "awards,sch.wide"),
			[]want{{76.3879964679895, 29.4197007040845, nan}, {84.6755473998495, 22.0813325302339, nan}}},
		{"totals of strata", append(strat, "--total", "enroll", "--by", "stype"),
			[]want{{-845455.8166523, 100310.239161462, nan}, {-995119.676437378, 91370.832975843, nan}}},
		{"ratios", append(strat, "--ratio", "api.stu/pct.resp", "--by", "awards"),
			[]want{{-2.754528616690677, 0.934893401318482, nan}}},
		{"groups that share PSUs", append(nhanes, "--mean", "HI_CHOL", "--by", "race"),
			[]want{{0.02015753990196129, 0.00849045687192168, 0.03044420675225716}, {-0.02285160505488799, 0.01243772732208139, 0.08481318935101283},
				{-0.0018130559768517, 0.0265117501842467, 0.9463250189905874}}},
		{"an independence", append(nhanes, "--independence", "HI_CHOL,race"), []want{{3.1513386217122807, nan, 0.0586747436854519}}},
		{"an independence among men", append(nhanes, "--independence", "HI_CHOL,agecat", "--where", "RIAGENDR=1"),
			[]want{{27.6478286762380, nan, 6.27472677618210e-09}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"estimate", surveyData + c.args[0], "--format", "json"}, c.args[1:]...)
			if !slices.Contains(args, "--independence") {
				args = append(args, "--compare", "first")
			}
			var got struct {
				Differences []struct{ Estimate, SE, P float64 }
				Tests       []struct{ Statistic, P float64 }
			}
			if err := json.Unmarshal([]byte(must(t, args...)), &got); err != nil {
				t.Fatal(err)
			}
			var all []want
			for _, d := range got.Differences {
				all = append(all, want{d.Estimate, d.SE, d.P})
			}
			for _, x := range got.Tests {
				all = append(all, want{x.Statistic, nan, x.P})
			}
			if len(all) != len(c.want) {
				t.Fatalf("%d differences and tests, want %d", len(all), len(c.want))
			}
			for i, w := range c.want {
				// R prints 15 digits, and a small difference of large means keeps fewer.
				near := func(what string, got, want float64) {
					if !math.IsNaN(want) && !(math.Abs(got-want) <= 1e-9*math.Abs(want)) {
						t.Errorf("%s %d = %.15g, R has %.15g", what, i, got, want)
					}
				}
				near("estimate", all[i].value, w.value)
				near("SE", all[i].se, w.se)
				near("P", all[i].p, w.p)
			}
		})
	}
}

// Holm's adjustment is over the differences of one request: 3 pairs of regions.
func TestEstimateAdjustsDifferences(t *testing.T) {
	var got struct {
		Differences []struct {
			By, Minus map[string]string
			P         float64
			PHolm     float64 `json:"p_holm"`
		}
	}
	text := must(t, "estimate", surveyData+"api/apistrat.csv", "--weights", "pw", "--strata", "stype", "--mean", "api00", "--by", "stype", "--compare", "pairs", "--format", "json")
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Differences) != 3 {
		t.Fatalf("%d differences, want 3", len(got.Differences))
	}
	least := got.Differences[0]
	for _, d := range got.Differences {
		if d.P < least.P {
			least = d
		}
		if d.PHolm < d.P || d.PHolm > min(1, 3*d.P)*(1+1e-12) {
			t.Errorf("%v less %v: P %v became %v; Holm multiplies by 1 to 3", d.By, d.Minus, d.P, d.PHolm)
		}
	}
	if math.Abs(least.PHolm-3*least.P) > 1e-12*least.P {
		t.Errorf("the least P %v became %v, want three times as much", least.P, least.PHolm)
	}
}

// Many groups are estimated in portions, each as it is alone: here 250 groups of two
// people, of whom group g has the values g and g+2.
func TestEstimateManyGroups(t *testing.T) {
	const groups = 2*maxPortion + 50
	var b strings.Builder
	b.WriteString("g,y\n")
	for g := range groups {
		fmt.Fprintf(&b, "%d,%d\n%d,%d\n", g, g, g, g+2)
	}
	file := clubFile(t, club, b.String())
	for _, flags := range [][]string{{"--mean", "y"}, {"--quantile", "y@0.9"}} {
		e := estimates(t, must(t, append([]string{"estimate", file, "--by", "g", "--format", "json"}, flags...)...))
		if len(e) != groups {
			t.Fatalf("%d groups, want %d", len(e), groups)
		}
		for g, got := range e {
			want := float64(g + 1)
			if flags[0] == "--quantile" {
				want++
			}
			if got.By["g"] != fmt.Sprint(g) || got.Estimate != want {
				t.Errorf("%v: group %d is %+v, want %v", flags, g, got, want)
			}
		}
	}
}

// Files come from everywhere: with a mark at the beginning, line ends of Windows, quotes
// around line breaks, and names in Chinese.
func TestEstimateReadsWhatPeopleSave(t *testing.T) {
	file := filepath.Join(t.TempDir(), "调查.csv")
	text := "\ufeff\"地区\",\"权重\",\"得分\",\"备注\"\r\n北京, 1.5 ,50,\"一\r\n二\"\r\n上海,2,60,\"他说\"\"好\"\"\"\r\n上海,2,,\r\n北京,1,70,x\r\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e := estimates(t, must(t, "estimate", file, "--weights", "权重", "--mean", "得分", "--by", "地区", "--format", "json"))
	if len(e) != 2 || e[0].By["地区"] != "上海" || e[0].Estimate != 60 || e[1].Estimate != (1.5*50+70)/2.5 {
		t.Errorf("estimates %+v", e)
	}
	// The fault is in the fourth row, which begins on line 6: one field above has two lines.
	text = strings.Replace(text, "北京,1,70", "北京,1,七十", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, talk := suyang(t, "estimate", file, "--mean", "得分"); !strings.Contains(talk, `调查.csv:6: 得分 is "七十"`) {
		t.Errorf("message %q", talk)
	}
}

// Labels that are joined stay apart: strata "a/b" and "c", and "a" and "b/c".
func TestEstimateJoinsLabels(t *testing.T) {
	file := clubFile(t, club, "s,t,y\na/b,c,1\na/b,c,2\na,b/c,3\na,b/c,5\n")
	var got struct{ Design jsonDesign }
	if err := json.Unmarshal([]byte(must(t, "estimate", file, "--strata", "s,t", "--mean", "y", "--format", "json")), &got); err != nil {
		t.Fatal(err)
	}
	if got.Design.NStrata != 2 {
		t.Errorf("%d strata, want 2", got.Design.NStrata)
	}
}

type readEstimate struct {
	By                         map[string]string
	Estimate, SE, Lower, Upper float64
}

// estimates reads the JSON of the command.
func estimates(t *testing.T, text string) []readEstimate {
	t.Helper()
	var all struct {
		Schema    int
		Estimates []readEstimate
	}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	if all.Schema != estimatesSchema {
		t.Fatalf("schema %d, want %d", all.Schema, estimatesSchema)
	}
	return all.Estimates
}

// The file may come from standard input.
func TestEstimateStandardInput(t *testing.T) {
	var out, talk bytes.Buffer
	if status := run(t.Context(), []string{"estimate", "-", "--mean", "age"}, strings.NewReader("\ufeffage,x\n1,2\n3,4\n"), &out, &talk); status != 0 {
		t.Fatal(talk.String())
	}
	if !strings.Contains(out.String(), "2.0") {
		t.Errorf("the mean of 1 and 3 is not in %q", out.String())
	}
}

// Rows without a group are no silent loss.
func TestEstimateOutside(t *testing.T) {
	_, _, talk := suyang(t, "estimate", clubFile(t, "1,North,1,10,15,F", "1,North,1,10,15,"), "--mean", "score", "--by", "sex")
	if !strings.Contains(talk, "1 rows are in no group") {
		t.Errorf("talk %q does not count the row without sex", talk)
	}
}

func TestEstimateMistakes(t *testing.T) {
	design := []string{"--weights", "w", "--strata", "region", "--psu", "club"}
	for name, c := range map[string]struct {
		change []string
		args   []string
		want   []string // all in the message
	}{
		"a weight that is no number":     {[]string{"3,North,2,20", "3,North,2,much"}, []string{"--mean", "score"}, []string{"club.csv:4:", `w is "much"`}},
		"a negative weight":              {[]string{"3,North,2,20", "3,North,2,-20"}, []string{"--mean", "score"}, []string{"club.csv:4:", "-20"}},
		"an infinite weight":             {[]string{"3,North,2,20", "3,North,2,Inf"}, []string{"--mean", "score"}, []string{"club.csv:4:", "Inf"}},
		"a missing weight":               {[]string{"3,North,2,20", "3,North,2,"}, []string{"--mean", "score"}, []string{"club.csv:4:", "w is missing"}},
		"a missing stratum":              {[]string{"7,South", "7,NA"}, []string{"--mean", "score"}, []string{"club.csv:8:", "region is missing"}},
		"a value that is no number":      {[]string{"F,80,1", "F,high,1"}, []string{"--mean", "score"}, []string{"club.csv:4:", `score is "high"`, "--missing"}},
		"a line that is too short":       {[]string{"7,South,2,15,67,M,40,0,2,8", "7,South,2"}, []string{"--mean", "score"}, []string{"line 8"}},
		"a column that is not there":     {nil, []string{"--mean", "scores"}, []string{`no column "scores"`, "score, passed"}},
		"a value that nobody has":        {nil, []string{"--proportion", "sex=X"}, []string{"nobody has sex=X", "F, M"}},
		"a condition nobody satisfies":   {nil, []string{"--mean", "score", "--where", "age>100"}, []string{"no row satisfies", "age>100"}},
		"a condition that is none":       {nil, []string{"--mean", "score", "--where", "age"}, []string{`--where "age"`, "age>=18"}},
		"texts compared by size":         {nil, []string{"--mean", "score", "--where", "sex>F"}, []string{`"F" is no number`}},
		"a text compared with a number":  {nil, []string{"--mean", "score", "--where", "sex>1"}, []string{"club.csv:2:", `sex is "F"`}},
		"a median without a share":       {nil, []string{"--quantile", "score"}, []string{"y@0.5", "between 0 and 1"}},
		"a share above 1":                {nil, []string{"--quantile", "score@50"}, []string{"between 0 and 1", "y@0.5"}},
		"degrees of freedom in words":    {nil, []string{"--mean", "score", "--df", "many"}, []string{"--df many", "domain"}},
		"a population that is negative":  {nil, []string{"--mean", "score", "--fpc", "hours"}, []string{"club.csv:5:", "hours is 0"}},
		"a population below the sample":  {nil, []string{"--mean", "score", "--fpc", "club"}, []string{"club.csv:"}},
		"nothing to estimate":            {nil, nil, []string{"nothing to estimate"}},
		"a population that varies":       {nil, []string{"--mean", "score", "--fpc", "age"}, []string{"club.csv", `population of stratum "North" is 15 in one row and 34 in line 3`}},
		"fields by semicolons":           {[]string{",", ";"}, []string{"--mean", "score"}, []string{"club.csv", `";"`, "commas"}},
		"a file in GBK":                  {[]string{"cost", "\xb7\xd1\xd3\xc3"}, []string{"--mean", "score"}, []string{"UTF-8", "GBK", "iconv"}},
		"values in GBK":                  {[]string{",F,60", ",\xc4\xd0,60"}, []string{"--mean", "score", "--by", "sex"}, []string{"line 12", "UTF-8", "GBK", "iconv"}},
		"a file in UTF-16":               {[]string{"id,region", "\xff\xfei\x00d\x00"}, []string{"--mean", "score"}, []string{"UTF-16", "iconv"}},
		"a quote that does not end":      {[]string{"7,South", "7,\"South"}, []string{"--mean", "score"}, []string{"club.csv", "line 8", "quotes"}},
		"names without rows":             {[]string{club, "region,club,w,score\n"}, []string{"--mean", "score"}, []string{"no rows"}},
		"two columns of one name":        {[]string{"hours,cost", "score,cost"}, []string{"--mean", "score"}, []string{"two columns", `"score"`}},
		"thousands set apart":            {[]string{"F,80,1", "F,\"1,080\",1"}, []string{"--mean", "score"}, []string{"club.csv:4:", `"1,080"`, "1234.5"}},
		"numbers too large":              {[]string{"F,80,1", "F,1e200,1"}, []string{"--mean", "score"}, []string{"club.csv", "score", "larger unit"}},
		"weights too large":              {[]string{"3,North,2,20", "3,North,2,1e300"}, []string{"--mean", "score"}, []string{"club.csv", "weights", "same constant"}},
		"groups compared without --by":   {nil, []string{"--mean", "score", "--compare", "first"}, []string{"--compare", "--by"}},
		"medians compared":               {nil, []string{"--quantile", "score@0.5", "--by", "sex", "--compare", "first"}, []string{"--compare", "--quantile"}},
		"a test of one column":           {nil, []string{"--independence", "sex"}, []string{"--independence sex", "a,b"}},
		"a test of a constant":           {nil, []string{"--independence", "sex,region", "--where", "sex=F"}, []string{"club.csv", "independence of sex and region", "1 rows"}},
		"tests and means in one CSV":     {nil, []string{"--independence", "sex,passed", "--mean", "score", "--format", "csv"}, []string{"--format json"}},
		"groups of nobody":               {[]string{club, "w,region,club,score,sex\n1,a,1,1,\n1,a,2,2,NA\n"}, []string{"--mean", "score", "--by", "sex"}, []string{"no row has a value in sex"}},
		"a ratio of one column":          {nil, []string{"--ratio", "cost"}, []string{"y/x"}},
		"a count of no value":            {nil, []string{"--count", "sex"}, []string{"sex=VALUE"}},
		"a stratum with one PSU refused": {nil, []string{"--mean", "score", "--lone-psu", "fail"}, []string{"club.csv", `"West"`, "rule in --lone-psu"}},
		"a level out of range":           {nil, []string{"--mean", "score", "--level", "95"}, []string{"95", "0.95"}},
		"an empty file":                  {[]string{club, ""}, []string{"--mean", "score"}, []string{"club.csv", "empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(append([]string{"estimate", clubFile(t, c.change...)}, design...), c.args...)
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
