package library_test

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
	"github.com/suyang-survey/suyang/surveys/library"
	"github.com/suyang-survey/suyang/surveys/score"
)

func read(t *testing.T, id string) *surveys.Questionnaire {
	t.Helper()
	q, err := library.Read(id)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// Every questionnaire of the library is read without fault, can be asked and scored.
func TestEveryQuestionnaireIsSound(t *testing.T) {
	if want := []string{"civic-literacy", "gss-science"}; !cmp.Equal(library.IDs(), want) {
		t.Errorf("IDs() = %v, want %v", library.IDs(), want)
	}
	for _, id := range library.IDs() {
		t.Run(id, func(t *testing.T) {
			q := read(t, id)
			if q.ID != id {
				t.Errorf("the questionnaire in folder %s calls itself %q", id, q.ID)
			}
			if _, err := form.Compile(q); err != nil {
				t.Error(err)
			}
			if _, err := score.New(q); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReadUnknown(t *testing.T) {
	for _, id := range []string{"", "nothing", "census2020", "../library", "civic-literacy/plan.yaml"} {
		if _, err := library.Read(id); !errors.Is(err, surveys.ErrNotFound) {
			t.Errorf("Read(%q) = %v, want not found", id, err)
		}
	}
}

// Microdata are for tests; nobody has said that they may be passed on in a program.
func TestMicrodataAreNotEmbedded(t *testing.T) {
	err := fs.WalkDir(library.FS, ".", func(p string, _ fs.DirEntry, err error) error {
		if strings.Contains(p, "gss20") || strings.Contains(p, "/data") {
			t.Errorf("%s is embedded", p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The design of the default instrument: 50 items of 2 points in four dimensions.
func TestCivicLiteracyFollowsTheCASTCriterion(t *testing.T) {
	q := read(t, "civic-literacy")
	c := q.Criterion
	items := map[string]int{}
	for it := range q.Items {
		if it.Dimension != "" {
			items[it.Dimension]++
		}
	}
	if want := map[string]int{"knowledge": 20, "method": 10, "spirit": 10, "application": 10}; !cmp.Equal(items, want) {
		t.Errorf("scored items = %v, want %v", items, want)
	}
	for _, d := range c.Dimensions {
		if worth := d.Points / float64(items[d.ID]); worth != 2 {
			t.Errorf("an item of %s is worth %v points, want 2", d.ID, worth)
		}
	}
	cuts := []float64{c.Cut}
	for _, l := range c.Levels {
		cuts = append(cuts, l.Cut)
	}
	if want := []float64{70, 85, 70, 55}; !cmp.Equal(cuts, want) || c.Boundary != surveys.Above {
		t.Errorf("cuts %v, boundary %s; want %v, above", cuts, c.Boundary, want)
	}
}

// A person who knows nothing must be able to say so, and must not be led by a
// pattern: true and false, and the places of the right options, are balanced.
func TestCivicLiteracyKeys(t *testing.T) {
	q := read(t, "civic-literacy")
	count := map[string]map[string]int{}
	for it := range q.Items {
		if it.Dimension == "" {
			continue
		}
		if last := it.Options[len(it.Options)-1]; last.Code != surveys.DontKnow {
			t.Errorf("%s: the last option is %q, want “don't know”", it.ID, last.Code)
		}
		if count[it.Dimension] == nil {
			count[it.Dimension] = map[string]int{}
		}
		count[it.Dimension][it.Key[0]]++
	}
	for dimension, codes := range map[string]string{"knowledge": "1 2", "method": "a b c d", "spirit": "1 2", "application": "a b c d"} {
		keys, total := strings.Fields(codes), 0
		for _, code := range keys {
			n := count[dimension][code]
			total += n
			if share := float64(n) / (20 / float64(len(keys))); dimension == "knowledge" && (share < 0.9 || share > 1.1) ||
				dimension != "knowledge" && (n < 8/len(keys) || n > 12/len(keys)) {
				t.Errorf("%s: %d items have the key %s of %v", dimension, n, code, count[dimension])
			}
		}
		for _, n := range count[dimension] {
			total -= n
		}
		if total != 0 {
			t.Errorf("%s: keys %v, want only %s", dimension, count[dimension], codes)
		}
	}
}

// The keys of the first true-or-false items, written down a second time from the item
// list of the design so that a slip in one place shows.
func TestCivicLiteracyTruths(t *testing.T) {
	items := map[string][]string{}
	for _, it := range readBank(t, "civic-literacy").Items {
		items[it.ID] = it.Key
	}
	for _, id := range strings.Fields("K01 K04 K05 K08 K09 K11 K12 K18 K20 K22 K26 S01 S02 S07 S08 S09") {
		if !slices.Equal(items[id], []string{"1"}) {
			t.Errorf("%s should be true", id)
		}
	}
	for _, id := range strings.Fields("K02 K03 K06 K07 K10 K13 K14 K17 K25 S03 S04 S05 S06 S10") {
		if !slices.Equal(items[id], []string{"2"}) {
			t.Errorf("%s should be false", id)
		}
	}
}

// The alternative text must give the chart's data: six values for each reservoir in
// both languages, as the question needs them.
func TestFigureCanBeHeard(t *testing.T) {
	var f *surveys.Figure
	for _, it := range readBank(t, "civic-literacy").Items {
		if it.ID == "M07" {
			f = it.Figure
		}
	}
	for lang, values := range map[surveys.Lang][]string{
		surveys.ZH: {"10、12、14、16、18、20", "18、17、16、15、14、13"},
		surveys.EN: {"10, 12, 14, 16, 18, 20", "18, 17, 16, 15, 14, 13"},
	} {
		for _, v := range values {
			if !strings.Contains(f.Alt[lang], v) {
				t.Errorf("the %s alternative text lacks %s", lang, v)
			}
		}
	}
	if !strings.HasPrefix(f.SVG, "<svg ") {
		t.Errorf("the figure begins with %.20q", f.SVG)
	}
}

// asked answers the screening questions and returns the sections that follow.
func asked(t *testing.T, age, resident, military string) []string {
	t.Helper()
	f, err := form.Compile(read(t, "civic-literacy"))
	if err != nil {
		t.Fatal(err)
	}
	s := begin(t, f)
	s.SubmitShown(map[string][]string{"age": {age}, "resident": {resident}, "military": {military}, "sex": {"2"}}, 0)
	if problems := s.Next(); len(problems) > 0 {
		t.Fatalf("screening: %v", problems)
	}
	var sections []string
	for _, sec := range s.State().Sections[1:] {
		if sec.Relevant {
			sections = append(sections, sec.Section.ID)
		}
	}
	return sections
}

// begin starts an interview in the order of the questionnaire.
func begin(t *testing.T, f *form.Form) *form.Session {
	t.Helper()
	s, err := f.Start(form.Start{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhoIsEligible(t *testing.T) {
	for _, c := range []struct {
		name, age, resident, military string
		eligible                      bool
	}{
		{"the youngest", "18", "1", "2", true},
		{"the oldest", "69", "1", "2", true},
		{"too young", "17", "1", "2", false},
		{"too old", "70", "1", "2", false},
		{"only visiting", "40", "2", "2", false},
		{"a soldier", "25", "1", "1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := asked(t, c.age, c.resident, c.military)
			if !c.eligible && !cmp.Equal(got, []string{"not_eligible"}) {
				t.Errorf("asked %v, want the polite end only", got)
			}
			if c.eligible && (len(got) != 12 || slices.Contains(got, "not_eligible")) {
				t.Errorf("asked %v, want the 12 sections of the interview", got)
			}
		})
	}
}

func TestFirstChoiceIsAmongTheChosen(t *testing.T) {
	f, err := form.Compile(read(t, "civic-literacy"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		channels []string
		first    []string
		problems []form.Code
	}{
		{"among them", []string{"tv", "internet"}, []string{"internet"}, nil},
		{"not among them", []string{"tv", "people"}, []string{"internet"}, []form.Code{form.NotAnOption}},
		{"does not know", []string{"tv", "people"}, []string{"dk"}, nil},
		{"only one, so not asked", []string{"tv"}, nil, nil},
		{"none, so not asked", []string{"none"}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t, f)
			s.SubmitShown(map[string][]string{"age": {"40"}, "resident": {"1"}, "military": {"2"}, "sex": {"1"}}, 0)
			for s.Next() == nil && s.State().Page.Section.ID != "channels" {
				s.SubmitShown(nil, 0)
			}
			answers := map[string][]string{"C01": c.channels, "C02": c.first, "C03": {"news"}, "C04": {"dk"}}
			if !slices.Contains(c.channels, "internet") {
				delete(answers, "C03")
			}
			// A question that an answer opens is shown by the second submission.
			s.SubmitShown(answers, 0)
			s.SubmitShown(answers, 0)
			asked := slices.ContainsFunc(s.State().Page.Items, func(it form.ItemState) bool { return it.Key == "C02" && it.Relevant })
			if want := len(c.channels) > 1; asked != want {
				t.Errorf("asked for the first choice: %v, want %v", asked, want)
			}
			var codes []form.Code
			for _, p := range s.Check() {
				codes = append(codes, p.Code)
			}
			if !cmp.Equal(codes, c.problems) {
				t.Errorf("problems %v, want %v", codes, c.problems)
			}
		})
	}
}

// The criterion of the GSS scale: who got earthsun wrong was not asked solarrev, and
// seven right of nine is enough.
func TestGSSScale(t *testing.T) {
	q := read(t, "gss-science")
	a := surveys.Answers{
		"hotcore": {"1"}, "radioact": {"2"}, "boyorgrl": {"1"}, "lasers": {"2"}, "electron": {"1"},
		"viruses": {"2"}, "condrift": {"1"}, "earthsun": {"2"},
	}
	r, ok := score.Score(q, a)
	if !ok || r.Total != 7 || !r.Literate {
		t.Errorf("seven right: Score() = %+v, %v; want 7, literate", r, ok)
	}
	a["lasers"] = []string{surveys.DontKnow}
	if r, _ := score.Score(q, a); r.Total != 6 || r.Literate {
		t.Errorf("six right: Score() = %+v; want 6, not literate", r)
	}
	a["earthsun"], a["solarrev"] = []string{"1"}, []string{"3"}
	if r, _ := score.Score(q, a); r.Total != 8 {
		t.Errorf("eight right: Score() = %+v; want 8", r)
	}
}

// The sums are those of the README: cities add up to their province.
func TestCensusCitiesAddUp(t *testing.T) {
	f, err := library.FS.Open("census2020/cities.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for col, name := range rows[0][2:] {
		sums := map[string]int{}
		for _, row := range rows[1:] {
			n, err := strconv.Atoi(row[col+2])
			if err != nil {
				t.Fatalf("%s of %s: %v", name, row[1], err)
			}
			if strings.HasSuffix(row[0], "0000") {
				n = -n
			}
			sums[row[0][:2]] += n
		}
		for province, difference := range sums {
			if rounded := strings.HasPrefix(name, "est"); difference != 0 && !(rounded && difference*difference == 1) {
				t.Errorf("%s: the cities of %s differ from the province by %d", name, province, difference)
			}
		}
	}
}
