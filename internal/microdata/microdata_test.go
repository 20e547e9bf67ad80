package microdata

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
)

const mapping = `
files: gss*_science.csv
psus: gss*_psus.csv
case: [year, id]
year: year
stratum: h
psu: u
weight: w
columns: [year]
answers: {q1: q1, q2: q2}
missing: {dont_know: [.d], blank: [.n], not_asked: [.i]}
`

func files(pairs ...string) fstest.MapFS {
	f := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		f[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return f
}

func readTable(t *testing.T, folders ...fstest.MapFS) (Table, error) {
	t.Helper()
	m, err := ReadMapping("import.yaml", []byte(mapping))
	if err != nil {
		t.Fatal(err)
	}
	q := &surveys.Questionnaire{ID: "gss-science"}
	if len(folders) == 1 {
		return Read(m, q, "gss", folders[0])
	}
	return Read(m, q, "gss", folders[0], folders[1])
}

func TestRead(t *testing.T) {
	table, err := readTable(t, files(
		"gss2018_science.csv", "year,id,h,u,w,q1,q2\n2018,7,h1,1,1.5,2,.d\n2018,8,h1,2,0.5,.n,.i\n",
		"gss2018_psus.csv", "h,u\nh1,1\nh1,2\nh2,1\n",
	))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range table.Cases {
		ids = append(ids, c.ID)
	}
	// The PSU h2-1 has no respondent and is kept with weight 0.
	if d := cmp.Diff([]string{"2018-7", "2018-8", "psu:h2-1"}, ids); d != "" {
		t.Error(d)
	}
	if w := table.Cases[2].Weight; w != 0 {
		t.Errorf("the weight of an empty PSU is %v, want 0", w)
	}
	want := []surveys.Answers{
		{"q1": {"2"}, "q2": {surveys.DontKnow}},
		{"q1": {}}, // asked and left blank; q2 was not asked
	}
	for i, in := range table.Interviews {
		if d := cmp.Diff(want[i], in.Answers); d != "" {
			t.Errorf("interview %d: %s", i, d)
		}
	}
	again, err := readTable(t, files("gss2018_science.csv", "year,id,h,u,w,q1,q2\n2018,7,h1,1,1.5,2,.d\n"))
	if err != nil {
		t.Fatal(err)
	}
	if again.Interviews[0].ID != table.Interviews[0].ID {
		t.Error("the same row got another interview ID when it was read again")
	}
}

func TestReadTakesTheFirstFolder(t *testing.T) {
	table, err := readTable(t,
		files("gss2018_science.csv", "year,id,h,u,w,q1,q2\n2018,1,h,1,1,1,1\n"),
		files("gss2018_science.csv", "year,id,h,u,w,q1,q2\n2018,2,h,1,1,1,1\n", "gss2010_science.csv", "year,id,h,u,w,q1,q2\n2010,3,h,1,1,1,1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(table.Cases) != 2 || table.Cases[0].ID != "2010-3" || table.Cases[1].ID != "2018-1" {
		t.Errorf("cases = %+v, want 2010-3 and 2018-1", table.Cases)
	}
}

func TestReadFaults(t *testing.T) {
	const head = "year,id,h,u,w,q1,q2\n"
	for _, c := range []struct{ name, row, want string }{
		{"weight", "2018,1,h,1,x,1,1\n", "gss2018_science.csv:2: weight"},
		{"infinite weight", "2018,1,h,1,Inf,1,1\n", "weight"},
		{"year", ".n,1,h,1,1,1,1\n", "year"},
		{"stratum", "2018,1,,1,1,1,1\n", "must not be empty"},
		{"weight that cannot be summed", "2018,1,h,1,1e300,1,1\n", "scale"},
		{"short row", "2018,1\n", "wrong number of fields"},
	} {
		_, err := readTable(t, files("gss2018_science.csv", head+c.row))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error = %v, want one that says %q", c.name, err, c.want)
		}
	}
	for _, column := range []string{"q2", "w", "u"} {
		table := strings.Replace(head, column, "other", 1) + "2018,1,h,1,1,1,1\n"
		_, err := readTable(t, files("gss2018_science.csv", table))
		if want := fmt.Sprintf("no column %q", column); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a table without column %s: error = %v, want one that says %q", column, err, want)
		}
	}
	if _, err := readTable(t, files("gss2018_science.csv", "\ufeff"+head+"2018,1,h,1,1,1,1\n")); err != nil {
		t.Errorf("a table with a byte order mark: %v", err)
	}
	if _, err := readTable(t, files("other.csv", "")); err == nil || !strings.Contains(err.Error(), "no file fits") {
		t.Errorf("no tables: error = %v", err)
	}
}

func TestReadMappingFaults(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"unknown key", mapping + "strata: h\n", "strata"},
		{"no weight", strings.Replace(mapping, "weight: w\n", "", 1), "weight is missing"},
		{"no answers", strings.Replace(mapping, "answers: {q1: q1, q2: q2}\n", "", 1), "answers is empty"},
	} {
		_, err := ReadMapping("import.yaml", []byte(c.src))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "import.yaml") {
			t.Errorf("%s: error = %v, want one that names the file and says %q", c.name, err, c.want)
		}
	}
}

// The shipped mapping fits the shipped tables.
func TestShippedMapping(t *testing.T) {
	const library = "../../surveys/library/gss-science"
	src, err := os.ReadFile(library + "/import.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadMapping("import.yaml", src)
	if err != nil {
		t.Fatal(err)
	}
	table, err := Read(m, &surveys.Questionnaire{ID: "gss-science"}, "gss", os.DirFS(library+"/data"))
	if err != nil {
		t.Fatal(err)
	}
	// data/README.md: 1864 respondents in 2006 and 1175 in 2018, 298 and 156 PSUs.
	psus := map[[2]string]bool{}
	for _, c := range table.Cases {
		psus[[2]string{c.Stratum, c.PSU}] = true
	}
	if len(table.Interviews) != 1864+1175 || len(psus) != 298+156 {
		t.Errorf("%d interviews in %d PSUs, want 3039 in 454", len(table.Interviews), len(psus))
	}
}
