package fieldwork

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
)

func TestReadSample(t *testing.T) {
	const file = "case,stratum,psu,p1,p2,city\na,h1,u1,0.5,0.1,330100\nb,h1,u2,0.25,0.1,330200\n"
	got, err := ReadSample("sample.csv", strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	// Base weights by hand: 1/(0.5·0.1) = 20 and 1/(0.25·0.1) = 40.
	want := []Case{
		{ID: "a", Stratum: "h1", PSU: "u1", Weight: 20, Columns: map[string]string{"city": "330100"}},
		{ID: "b", Stratum: "h1", PSU: "u2", Weight: 40, Columns: map[string]string{"city": "330200"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestReadSampleWithGivenWeights(t *testing.T) {
	got, err := ReadSample("s", strings.NewReader("\ufeffcase,stratum,psu,weight\na,1,1,0\nb,1,2,1.5\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Weight != 0 || got[1].Weight != 1.5 {
		t.Errorf("weights = %v, %v, want 0, 1.5", got[0].Weight, got[1].Weight)
	}
}

func TestReadSampleFaults(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"empty file", "", "header"},
		{"no cases", "case,stratum,psu,weight\n", "no cases"},
		{"column missing", "case,psu,weight\na,1,1\n", "stratum"},
		{"column twice", "case,stratum,psu,weight,city,city\n", "twice"},
		{"weight and probabilities", "case,stratum,psu,weight,p1\n", "either"},
		{"neither", "case,stratum,psu\n", "either"},
		{"gap in the stages", "case,stratum,psu,p1,p3\n", "p2 is missing"},
		{"probability of zero", "case,stratum,psu,p1\na,1,1,0\n", "s:2:"},
		{"probability above one", "case,stratum,psu,p1\na,1,1,1.5\n", "at most 1"},
		{"negative weight", "case,stratum,psu,weight\na,1,1,-1\n", "0 or more"},
		{"weight is not a number", "case,stratum,psu,weight\na,1,1,NaN\n", "0 or more"},
		{"same case twice", "case,stratum,psu,weight\na,1,1,1\na,1,1,1\n", "line 2 already"},
		{"short row", "case,stratum,psu,weight\na,1,1\n", "wrong number of fields"},
		{"stage written twice", "case,stratum,psu,p1,p01\na,1,1,.5,.4\n", `"p01"`},
		{"stage before the first", "case,stratum,psu,p0,p1\na,1,1,.5,.4\n", `"p0"`},
		{"weight too large to be summed", "case,stratum,psu,weight\na,1,1,1e300\n", "scale"},
		{"probability too small", "case,stratum,psu,p1\na,1,1,1e-320\n", "scale"},
		{"case that no interview can name", "case,stratum,psu,weight\n" + strings.Repeat("a", 129) + ",1,1,1\n", "at most 128"},
		{"other encoding", "case,stratum,psu,weight\n\xd5\xe3,1,1,1\n", "UTF-8"},
		{"NUL", "case,stratum,psu,weight\na\x00,1,1,1\n", "control"},
		{"line break", "case,stratum,psu,weight\na,\"1\n2\",1,1\n", "control"},
		{"blank before a PSU", "case,stratum,psu,weight\na,1, u1,1\n", "blank"},
		{"blank after a city", "case,stratum,psu,weight,city\na,1,1,1,330100 \n", "column city"},
		{"substitute without a reason", "case,stratum,psu,weight,substitute,substitute_reason\na,1,1,1,,\nb,1,1,1,a,refused\nc,1,1,1,a,\n", `s:4: case "c" takes the place of "a" without a reason; say why in the column substitute_reason`},
		{"substitute without a column of reasons", "case,stratum,psu,weight,substitute\na,1,1,1,\nb,1,1,1,a\n", "s:3: "},
		{"nameless case", "case,stratum,psu,weight\n,1,1,1\n", "must not be empty"},
	} {
		_, err := ReadSample("s", strings.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error = %v, want one that says %q", c.name, err, c.want)
		}
	}
}

// What was published before substitutes needed reasons can still be read.
func TestReadKeptSample(t *testing.T) {
	const file = "case,stratum,psu,weight,substitute\na,1,1,1,\nb,1,1,1,a\n"
	if cases, err := ReadKeptSample("s", strings.NewReader(file)); err != nil || len(cases) != 2 || cases[1].Columns[ColumnSubstitute] != "a" {
		t.Errorf("%v, %v", cases, err)
	}
	if _, err := ReadSample("s", strings.NewReader(file)); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("a new one: %v", err)
	}
}

func TestWriteSampleReadsBack(t *testing.T) {
	want := []Case{
		{ID: "a,1", Stratum: "h \"1\"", PSU: "u", Weight: 1.0 / 3, Columns: map[string]string{"city": "330100", "year": "2018"}},
		{ID: "psu:h-2", Stratum: "h", PSU: "2", Weight: 0, Columns: map[string]string{"city": "", "year": ""}},
	}
	var file strings.Builder
	if err := WriteSample(&file, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadSample("s", strings.NewReader(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestCheckBooklets(t *testing.T) {
	booklets := []surveys.Booklet{{ID: "A", Share: 0.5}, {ID: "B", Share: 0.5}}
	for _, c := range []struct {
		name, file string
		booklets   []surveys.Booklet
		want       string
	}{
		{"each case has one", "case,stratum,psu,weight,booklet\na,1,1,1,A\nb,1,1,1,B\n", booklets, ""},
		{"no booklets at all", "case,stratum,psu,weight\na,1,1,1\n", nil, ""},
		{"a case that only declares its PSU", "case,stratum,psu,weight,booklet\na,1,1,1,A\nb,1,2,0,\n", booklets, ""},
		{"no column", "case,stratum,psu,weight\na,1,1,1\n", booklets, `s: case "a" has no booklet; add the column booklet`},
		{"an unknown booklet", "case,stratum,psu,weight,booklet\na,1,1,1,C\n", booklets, `s: case "a" has the booklet "C", which the questionnaire does not have`},
		{"a questionnaire without booklets", "case,stratum,psu,weight,booklet\na,1,1,1,A\n", nil, "the questionnaire has no booklets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cases, err := ReadSample("s", strings.NewReader(c.file))
			if err != nil {
				t.Fatal(err)
			}
			err = CheckBooklets("s", cases, c.booklets)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("CheckBooklets() = %v, want %q", err, c.want)
			}
		})
	}
}

// A sample may grow and be weighed anew; cases that go or change are named.
func TestExtends(t *testing.T) {
	old := []Case{{ID: "a", Stratum: "1", PSU: "p", Weight: 2, Columns: map[string]string{"city": "x"}}, {ID: "b", Stratum: "1", PSU: "q", Weight: 2}}
	grown := []Case{{ID: "c", Stratum: "1", PSU: "p", Weight: 1}, {ID: "b", Stratum: "1", PSU: "q", Weight: 1}, {ID: "a", Stratum: "1", PSU: "p", Weight: 1, Columns: map[string]string{"city": "x"}}}
	if err := Extends(old, grown); err != nil {
		t.Error(err)
	}
	if err := Extends(old, grown[1:]); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("nothing but other weights: %v", err)
	}
	for name, change := range map[string]func([]Case) []Case{
		"gone":            func(c []Case) []Case { c[2].ID = "d"; return c },
		"another stratum": func(c []Case) []Case { c[2].Stratum = "2"; return c },
		"another PSU":     func(c []Case) []Case { c[2].PSU = "q"; return c },
		"another column":  func(c []Case) []Case { c[2].Columns = map[string]string{"city": "y"}; return c },
	} {
		if err := Extends(old, change(slices.Clone(grown))); !errors.Is(err, surveys.ErrConflict) || !strings.Contains(err.Error(), `"a"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
