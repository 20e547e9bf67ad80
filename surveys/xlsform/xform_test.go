package xlsform_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
	"github.com/suyang-survey/suyang/surveys/library"
	"github.com/suyang-survey/suyang/surveys/xlsform"
)

// An interview for the engine of ODK Web Forms: answers by path, in order.
type odkAnswer = [2]any

type odkForm struct {
	XML      string        `json:"xml"`
	Language string        `json:"language"`
	Cases    [][]odkAnswer `json:"cases"`
}

type odkResult struct {
	Languages []string
	Labels    map[string]string
	Cases     []struct {
		Relevant, Violated []string
		Values             map[string]string
		Options            map[string][]string
	}
}

// odk runs forms in that engine.
func odk(t *testing.T, forms ...odkForm) []odkResult {
	t.Helper()
	if _, err := os.Stat("odk/node_modules"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("odk/node_modules is missing; run make odk")
		}
		t.Skip("the engine of ODK Web Forms is not installed; run make odk")
	}
	in, err := json.Marshal(map[string]any{"forms": forms})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "odk/walk.mjs")
	cmd.Stdin = bytes.NewReader(in)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node odk/walk.mjs: %v\n%.2000s", err, errs.String())
	}
	var results []odkResult
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatal(err)
	}
	return results
}

// askable is everything without what needs a code list, which a form does not carry,
// and without booklets.
func askable() *surveys.Questionnaire {
	q := everything()
	q.Booklets = nil
	person := &q.Sections[0]
	person.Items = slices.DeleteFunc(person.Items, func(it surveys.Item) bool { return it.Type == surveys.Region })
	return q
}

func xform(t *testing.T, q *surveys.Questionnaire) string {
	t.Helper()
	xml, _, _, err := xlsform.XForm(q)
	if err != nil {
		t.Fatal(err)
	}
	return string(xml)
}

func TestAnXFormLoadsInEveryLanguage(t *testing.T) {
	q := askable()
	xml := xform(t, q)
	results := odk(t, odkForm{XML: xml, Language: "中文 (zh)"}, odkForm{XML: xml, Language: "English (en)"})
	for i, want := range []map[string]string{
		{"/data/person": "个人", "/data/person/age": "年龄", "/data/person/media": "渠道", "/data/person/person_intro": "请如实"},
		{"/data/person": "Person", "/data/person/age": "Age", "/data/person/media": "Media", "/data/person/person_intro": "Be honest"},
	} {
		if got := results[i].Languages; !slices.Equal(got, []string{"中文 (zh)", "English (en)"}) {
			t.Errorf("languages = %q", got)
		}
		for path, label := range want {
			if got := results[i].Labels[path]; got != label {
				t.Errorf("label of %s = %q, want %q", path, got, label)
			}
		}
	}
}

// TestAnXFormAgreesWithTheEngine fills a form at random here and in the engine of ODK
// Web Forms: both ask the same and complain of the same.
func TestAnXFormAgreesWithTheEngine(t *testing.T) {
	civic, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		q     *surveys.Questionnaire
		cases int
		given surveys.Answers
	}{{"everything", askable(), 25, nil}, {"civic-literacy", civic, 3, surveys.Answers{"age": {"30"}, "resident": {"1"}, "military": {"2"}, "sex": {"1"}}}} {
		t.Run(c.name, func(t *testing.T) {
			f, err := form.Compile(c.q)
			if err != nil {
				t.Fatal(err)
			}
			xml := xform(t, c.q)
			paths := pathsOf(xml)
			rnd := rand.New(rand.NewPCG(1, 2))
			in := odkForm{XML: xml, Language: "中文 (zh)"}
			var fills []filling
			for range c.cases {
				fill := fillAtRandom(c.q, paths, rnd, c.given)
				fills = append(fills, fill)
				in.Cases = append(in.Cases, fill.odk)
			}
			result := odk(t, in)[0]
			asked, broken := 0, 0
			for i, fill := range fills {
				relevant, violated := standing(t, f, c.q, fill)
				theirs := result.Cases[i]
				if diff := cmp.Diff(relevant, keysOf(theirs.Relevant, paths, c.q)); diff != "" {
					t.Errorf("case %d asks for other items (-ours +ODK):\n%s\nanswers: %v", i, diff, fill.own)
				}
				if diff := cmp.Diff(violated, keysOf(theirs.Violated, paths, c.q)); diff != "" {
					t.Errorf("case %d complains of other answers (-ours +ODK):\n%s\nanswers: %v", i, diff, fill.own)
				}
				asked += len(relevant)
				broken += len(violated)
			}
			if asked < 5*c.cases || c.name == "everything" && broken < c.cases/2 {
				t.Errorf("only %d items asked and %d constraints broken in %d cases: the test shows nothing", asked, broken, c.cases)
			}
		})
	}
}

var bound = regexp.MustCompile(`<bind nodeset="([^"]*/([A-Za-z0-9_]+))"`)

// pathsOf are the paths of a form's rows by name.
func pathsOf(xml string) map[string]string {
	paths := map[string]string{}
	for _, m := range bound.FindAllStringSubmatch(xml, -1) {
		paths[m[2]] = m[1]
	}
	return paths
}

// keysOf are the items at some paths, as keys of answers.
func keysOf(at []string, paths map[string]string, q *surveys.Questionnaire) []string {
	names := map[string]string{}
	for name, path := range paths {
		names[path] = name
	}
	keys := []string{}
	for _, p := range at {
		row := ""
		plain := regexp.MustCompile(`\[\d+\]`).ReplaceAllStringFunc(p, func(s string) string { row = strings.Trim(s, "[]"); return "" })
		it := q.Item(names[plain])
		if it == nil || !it.Type.Answered() {
			continue
		}
		if row != "" {
			keys = append(keys, it.ID+"#"+row)
		} else {
			keys = append(keys, it.ID)
		}
	}
	slices.Sort(keys)
	return keys
}

// A filling is one interview in both spellings.
type filling struct {
	own   surveys.Answers
	odk   []odkAnswer
	apart bool // options that stand alone do so
}

func fillAtRandom(q *surveys.Questionnaire, paths map[string]string, rnd *rand.Rand, given surveys.Answers) filling {
	f := filling{own: surveys.Answers{}, apart: given != nil}
	for s := range q.Sections {
		for i := range q.Sections[s].Items {
			it := &q.Sections[s].Items[i]
			if values := given[it.ID]; values != nil {
				f.own[it.ID] = values
				f.odk = append(f.odk, odkAnswer{paths[it.ID], values})
				continue
			}
			f.fill(q, it, it.ID, paths[it.ID], paths, rnd)
			if it.Type != surveys.Roster || it.Calculate != "" {
				continue
			}
			rows, _ := strconv.Atoi(f.own.First(it.ID))
			for row := 1; row <= rows && rows <= it.Most; row++ {
				for n := range it.Items {
					in := &it.Items[n]
					at := strings.Replace(paths[in.ID], it.ID+"_rows", fmt.Sprintf("%s_rows[%d]", it.ID, row), 1)
					f.fill(q, in, surveys.RowKey(in.ID, row), at, paths, rnd)
				}
			}
		}
	}
	return f
}

func alone(o surveys.Option) bool {
	return o.Exclusive || o.Code == surveys.DontKnow || o.Code == surveys.Refused
}

// fill answers an item, or leaves it blank now and then.
func (f *filling) fill(q *surveys.Questionnaire, it *surveys.Item, key, at string, paths map[string]string, rnd *rand.Rand) {
	var values []string
	give := func() {
		f.own[key] = values
		if len(values) > 0 {
			f.odk = append(f.odk, odkAnswer{at, values})
		}
	}
	if rnd.IntN(8) == 0 && it.Type.Answered() && it.Type != surveys.Calculate {
		give()
		return
	}
	switch it.Type {
	case surveys.Single, surveys.Likert:
		options := it.Options
		if it.From != "" {
			for _, o := range q.Item(it.From).Options {
				if slices.Contains(f.own[it.From], o.Code) {
					options = append(options[:len(options):len(options)], o)
				}
			}
		}
		values = []string{options[rnd.IntN(len(options))].Code}
	case surveys.Multiple:
		for _, o := range it.Options {
			if rnd.IntN(3) == 0 {
				values = append(values, o.Code)
			}
		}
		// Where the answer is used behind it, both would stop the person at an option that
		// stands alone with others beside it; what they would ask then is not compared.
		if at := slices.IndexFunc(it.Options, func(o surveys.Option) bool { return alone(o) && slices.Contains(values, o.Code) }); at >= 0 && f.apart {
			values = []string{it.Options[at].Code}
		}
	case surveys.Ranking:
		// ODK ranks all options, which the export says: the others follow there.
		var others []string
		for _, n := range rnd.Perm(len(it.Options)) {
			if o := it.Options[n]; !alone(o) && (it.Most == 0 || len(values) < it.Most) {
				values = append(values, o.Code)
			} else {
				others = append(others, o.Code)
			}
		}
		f.own[key] = values
		f.odk = append(f.odk, odkAnswer{at, slices.Concat(values, others)})
		return
	case surveys.Number, surveys.Roster:
		if len(it.Options) > 0 && rnd.IntN(5) == 0 {
			code := it.Options[rnd.IntN(len(it.Options))].Code
			f.own[key] = []string{code}
			f.odk = append(f.odk, odkAnswer{paths[it.ID+"_none"], []string{code}})
			return
		}
		n := []int{0, 1, 2, 3, 5, 16, 17, 18, 20, 69, 99, 121}[rnd.IntN(12)]
		if it.Type == surveys.Roster {
			n = rnd.IntN(it.Most + 1)
		}
		values = []string{strconv.Itoa(n)}
	case surveys.ShortText, surveys.LongText:
		values = []string{strings.Repeat("字", 1+rnd.IntN(30))}
	case surveys.Date:
		values = []string{fmt.Sprintf("20%02d-0%d-11", 20+rnd.IntN(10), 1+rnd.IntN(9))}
	default:
		return
	}
	give()
}

// standing is what our engine asks and complains of, as keys of answers.
func standing(t *testing.T, f *form.Form, q *surveys.Questionnaire, fill filling) (relevant, violated []string) {
	t.Helper()
	s, err := f.Start(form.Start{})
	if err != nil {
		t.Fatal(err)
	}
	for key, values := range fill.own {
		s.Set(key, values)
	}
	asked := map[string]bool{}
	for key := range s.Partial().Answers {
		asked[key] = true
	}
	_, problems := s.Finish()
	violated = []string{}
	for _, p := range problems {
		if p.Item == "" || p.Soft {
			continue
		}
		asked[p.Item] = true
		switch p.Code {
		case form.Constraint, form.Exclusive, form.TooFew, form.TooMany, form.TooLong:
			violated = append(violated, p.Item)
		case form.Required, form.Missing, form.NotAnOption: // offered there, but the answer it is chosen from is wrong
		default:
			t.Errorf("unexpected problem: %v", p)
		}
	}
	for key := range asked {
		relevant = append(relevant, key)
	}
	slices.Sort(relevant)
	slices.Sort(violated)
	return relevant, violated
}
