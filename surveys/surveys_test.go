package surveys_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
)

// small is a questionnaire that uses every field, so that none can drop out of its
// version unseen.
func small() *surveys.Questionnaire {
	t := surveys.Text{surveys.ZH: "文", surveys.EN: "Text"}
	return &surveys.Questionnaire{
		ID: "small", Edition: "1", Languages: []surveys.Lang{surveys.ZH, surveys.EN}, Title: t,
		Statutory: surveys.Statutory{FormNumber: "T-1", Issuer: t, Approval: t, ValidUntil: "2027-12-31", Trial: true},
		Consent:   t,
		Sections: []surveys.Section{
			{ID: "one", Title: t, Intro: t, Items: []surveys.Item{
				{ID: "age", Type: surveys.Number, Text: t, Hint: t, Required: true, Constraint: "age > 0", Message: t, Decimals: 1, Unit: t},
				{ID: "name", Type: surveys.ShortText, Text: t, MaxLength: 10},
			}},
			{ID: "two", Title: t, Relevant: "age > 1.0", Items: []surveys.Item{
				{ID: "K1", Type: surveys.Single, Text: t, Relevant: "age > 2.0", Figure: &surveys.Figure{SVG: "<svg/>", Alt: t},
					Options:   []surveys.Option{{Code: "1", Text: t}, {Code: surveys.DontKnow, Text: t, Exclusive: true}},
					Dimension: "knowledge", Key: []string{"1"}},
			}},
		},
		Criterion: &surveys.Criterion{
			ID: "c", Name: t, Dimensions: []surveys.Dimension{{ID: "knowledge", Name: t, Points: 100}},
			Cut: 70, Levels: []surveys.Level{{ID: "high", Name: t, Cut: 85}}, Lowest: t,
			Boundary: surveys.Above, Unasked: surveys.UnaskedMissing,
		},
	}
}

// Responses that were stored name their questionnaire by this hash, so it may never
// change for the same content. The value is what sha256sum gives for its JSON.
func TestVersionStaysTheSame(t *testing.T) {
	if got, want := small().Version(), "adfda967cac4b67e"; got != want {
		t.Errorf("Version() = %s, want %s: stored responses would lose their questionnaire", got, want)
	}
}

func TestVersionSurvivesJSON(t *testing.T) {
	b, err := json.Marshal(small())
	if err != nil {
		t.Fatal(err)
	}
	var q surveys.Questionnaire
	if err := json.Unmarshal(b, &q); err != nil {
		t.Fatal(err)
	}
	if got, want := q.Version(), small().Version(); got != want {
		t.Errorf("after JSON Version() = %s, want %s", got, want)
	}
}

func TestVersionChangesWithEveryWord(t *testing.T) {
	before := small().Version()
	if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(before) {
		t.Errorf("Version() = %q, want 16 hex digits", before)
	}
	for name, change := range map[string]func(*surveys.Questionnaire){
		"a word":     func(q *surveys.Questionnaire) { q.Title = surveys.Text{surveys.ZH: "文", surveys.EN: "Text."} },
		"a key":      func(q *surveys.Questionnaire) { q.Item("K1").Key = []string{"2"} },
		"a cut":      func(q *surveys.Questionnaire) { q.Criterion.Cut = 71 },
		"a boundary": func(q *surveys.Questionnaire) { q.Criterion.Boundary = surveys.AtLeast },
		"a figure":   func(q *surveys.Questionnaire) { q.Item("K1").Figure.SVG = "<svg></svg>" },
		"the order":  func(q *surveys.Questionnaire) { q.Sections[0], q.Sections[1] = q.Sections[1], q.Sections[0] },
	} {
		q := small()
		change(q)
		if q.Version() == before {
			t.Errorf("%s changed and the version did not", name)
		}
	}
}

func TestTextIn(t *testing.T) {
	both := surveys.Text{surveys.ZH: "对", surveys.EN: "True"}
	for _, c := range []struct {
		name string
		text surveys.Text
		lang surveys.Lang
		want string
	}{
		{"the language asked for", both, surveys.EN, "True"},
		{"Chinese for a language that is missing", both, "fr", "对"},
		{"English when there is no Chinese", surveys.Text{surveys.EN: "True"}, surveys.ZH, "True"},
		{"a blank wording counts as missing", surveys.Text{surveys.ZH: "对", surveys.EN: ""}, surveys.EN, "对"},
		{"nothing", nil, surveys.ZH, ""},
	} {
		if got := c.text.In(c.lang); got != c.want {
			t.Errorf("%s: In(%q) = %q, want %q", c.name, c.lang, got, c.want)
		}
	}
}

func TestAnswersFirst(t *testing.T) {
	a := surveys.Answers{"one": {"x"}, "several": {"y", "z"}, "blank": {}}
	for item, want := range map[string]string{"one": "x", "several": "y", "blank": "", "not asked": ""} {
		if got := a.First(item); got != want {
			t.Errorf("First(%q) = %q, want %q", item, got, want)
		}
	}
}

func TestItems(t *testing.T) {
	q := small()
	var ids []string
	for it := range q.Items {
		ids = append(ids, it.ID)
	}
	if want := []string{"age", "name", "K1"}; !cmp.Equal(ids, want) {
		t.Errorf("Items gives %v, want %v", ids, want)
	}
	for it := range q.Items {
		if it.ID == "name" {
			break
		}
	}
	if q.Item("K1") == nil || q.Item("K2") != nil {
		t.Errorf("Item(K1) = %v, Item(K2) = %v; want an item and nil", q.Item("K1"), q.Item("K2"))
	}
}

func TestReaches(t *testing.T) {
	for _, c := range []struct {
		boundary surveys.Boundary
		score    float64
		want     bool
	}{
		{surveys.Above, 70, false}, {surveys.Above, 70.1, true}, {surveys.Above, 69.9, false},
		{surveys.AtLeast, 70, true}, {surveys.AtLeast, 70.1, true}, {surveys.AtLeast, 69.9, false},
	} {
		if got := (&surveys.Criterion{Boundary: c.boundary}).Reaches(c.score, 70); got != c.want {
			t.Errorf("%s: Reaches(%v, 70) = %v, want %v", c.boundary, c.score, got, c.want)
		}
	}
}

// Who asks must not know the right answers; everything else stays.
func TestWithoutKeys(t *testing.T) {
	q := small()
	got := q.WithoutKeys()
	if q.Item("K1").Key == nil {
		t.Fatal("the questionnaire itself lost its keys")
	}
	want := small()
	want.Item("K1").Key = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
