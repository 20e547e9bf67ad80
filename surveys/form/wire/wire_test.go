package wire_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys/form"
	"github.com/suyang-survey/suyang/surveys/form/wire"
)

const list = "code,name_zh,name_en\n330000,浙江省,Zhejiang\n330100,杭州市,Hangzhou\n330106,西湖区,Xihu\n441900,东莞市,Dongguan\n"

// caller sends messages to an engine.
type caller struct {
	t *testing.T
	e wire.Engine
}

func (c *caller) call(message string) wire.Reply {
	c.t.Helper()
	var r wire.Reply
	if err := json.Unmarshal(c.e.Call([]byte(message)), &r); err != nil {
		c.t.Fatal(err)
	}
	return r
}

// ok is call for what must be possible.
func (c *caller) ok(message string) wire.Reply {
	c.t.Helper()
	r := c.call(message)
	if r.Error != "" || !r.OK {
		c.t.Fatalf("%.80s: %+v", message, r)
	}
	return r
}

// open compiles a form of the engine's tests.
func open(t *testing.T, name string) *caller {
	t.Helper()
	src, err := os.ReadFile("../testdata/forms/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	csv, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{t: t}
	if r := c.ok(`{"do":"compile","questionnaire":` + string(src) + `,"lists":[{"id":"cn-test","csv":` + string(csv) + `}]}`); len(r.Version) != 16 {
		t.Fatalf("version %q", r.Version)
	}
	return c
}

func keys(r wire.Reply) (out []string) {
	for _, it := range r.State.Page.Items {
		out = append(out, it.Key)
	}
	return out
}

func TestInterview(t *testing.T) {
	c := open(t, "household")
	r := c.ok(`{"do":"start","lang":"en"}`)
	if got := keys(r); !cmp.Equal(got, []string{"address", "people"}) || r.State.Page.Title != "People" || !r.State.Page.First {
		t.Fatalf("the first page: %+v", r.State.Page)
	}
	c.ok(`{"do":"submit","values":{"address":[],"people":["1"]},"took":1500}`)
	c.ok(`{"do":"next"}`)
	c.ok(`{"do":"set","key":"name#1","values":["Ann"]}`)
	c.ok(`{"do":"set","key":"age#1","values":["130"]}`)
	r = c.call(`{"do":"next"}`)
	if r.OK || len(r.Problems) != 1 || r.Problems[0].Words != "The age of Ann is wrong." || r.State.Page.Row != 1 {
		t.Fatalf("an impossible age: %+v", r)
	}
	saved := c.ok(`{"do":"save"}`).Saved
	b, err := json.Marshal(saved)
	if err != nil {
		t.Fatal(err)
	}
	c.ok(`{"do":"resume","lang":"zh","saved":` + string(b) + `}`)
	if r = c.ok(`{"do":"set","key":"age#1","values":["40"]}`); r.State.Page.Items[1].Text != "Ann多大？" {
		t.Errorf("in Chinese: %+v", r.State.Page.Items[1])
	}
	c.ok(`{"do":"next"}`)
	r = c.ok(`{"do":"finish"}`)
	if !cmp.Equal(r.Result.Answers["age#1"], []string{"40"}) || r.Result.Paradata.Millis["address"] != 1500 || r.State.Page != nil {
		t.Errorf("the end: %+v", r.Result)
	}
}

// What a tablet kept of an interview gives the same interview again.
func TestReplay(t *testing.T) {
	messages := []string{
		`{"do":"start","lang":"en"}`,
		`{"do":"set","key":"people","values":["1"]}`,
		`{"do":"submit","page":"address","values":{"address":[],"people":["1"]},"took":1500}`,
		`{"do":"next"}`,
		`{"do":"set","key":"name#1","values":["Ann"]}`,
		`{"do":"lang","lang":"zh"}`,
		`{"do":"set","key":"age#1","values":["40"]}`,
		`{"do":"next"}`,
	}
	c := open(t, "household")
	for _, m := range messages {
		c.call(m)
	}
	want := c.ok(`{"do":"finish"}`)
	again := open(t, "household")
	if r := again.ok(`{"do":"replay","messages":[` + strings.Join(messages, ",") + `]}`); r.State.Page != nil || r.State.Lang != "zh" {
		t.Errorf("after the replay: %+v", r.State)
	}
	got := again.ok(`{"do":"finish"}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the interview differs (-as it was +replayed):\n%s", diff)
	}
	for message, words := range map[string]string{
		`{"do":"replay"}`: "begins with start",
		`{"do":"replay","messages":[{"do":"set","key":"people","values":["2"]}]}`:            "begins with start",
		`{"do":"replay","messages":[{"do":"start","lang":"en"},{"do":"fly"}]}`:               "message 2 of the replay",
		`{"do":"replay","messages":[{"do":"start"},{"do":"replay"}]}`:                        "message 2 of the replay",
		`{"do":"replay","messages":[{"do":"start"},{"do":"set","key":"people","values":1}]}`: "message 2 of the replay",
	} {
		if r := again.call(message); !strings.Contains(r.Error, words) {
			t.Errorf("%s: %+v, want %q", message, r, words)
		}
	}
	if still := again.ok(`{"do":"finish"}`); !cmp.Equal(got, still) {
		t.Error("a replay that cannot be done changed the interview")
	}
}

func TestRegionBringsTheNextLevel(t *testing.T) {
	c := open(t, "everything")
	c.ok(`{"do":"start","booklet":"A","lang":"en"}`)
	r := c.ok(`{"do":"set","key":"home","values":["33","3301"]}`)
	var got []string
	for _, s := range r.State.Page.Items[1].Steps {
		got = append(got, s.Level+" "+s.Chosen)
	}
	if want := []string{"province 33", "city 3301", "county "}; !cmp.Equal(got, want) {
		t.Errorf("steps %q, want %q", got, want)
	}
}

// Who holds the tablet must not be able to read the right answers from what is drawn.
func TestStateHoldsNoKeys(t *testing.T) {
	c := &caller{t: t}
	c.ok(`{"do":"compile","questionnaire":{"id":"x","languages":["zh"],"title":{"zh":"x"},"sections":[{"id":"s","title":{"zh":"s"},"items":[
		{"id":"k","type":"single","text":{"zh":"k"},"key":["right"],"dimension":"secret","options":[{"code":"right","text":{"zh":"a"}},{"code":"wrong","text":{"zh":"b"}}]}]}]}}`)
	out := string(c.e.Call([]byte(`{"do":"start","lang":"zh"}`)))
	if strings.Contains(out, `"right"]`) || strings.Contains(out, "secret") {
		t.Errorf("the state gives the key away: %s", out)
	}
}

func TestBadMessages(t *testing.T) {
	c := open(t, "everything")
	for message, want := range map[string]string{
		`{`:                                   "no JSON",
		`{"do":"next"}`:                       "no interview has begun",
		`{"do":"start"}`:                      "needs one of them",
		`{"do":"start","booklet":"Z"}`:        `no booklet "Z"`,
		`{"do":"compile"}`:                    "needs a questionnaire",
		`{"do":"compile","questionnaire":{}}`: "no sections",
		`{"do":"compile","questionnaire":{"id":"x"},"lists":[{"id":"l","csv":"x"}]}`: "columns must be",
	} {
		if r := c.call(message); !strings.Contains(r.Error, want) || r.OK {
			t.Errorf("%s: %+v, want %q", message, r, want)
		}
	}
	c.ok(`{"do":"start","booklet":"A","lang":"zh"}`)
	for message, want := range map[string]string{
		`{"do":"fly"}`: `nothing called "fly"`,
		`{"do":"set","key":"born","values":"1990"}`: "a list of texts",
		`{"do":"submit","values":["1990"]}`:         "by key",
	} {
		if r := c.call(message); !strings.Contains(r.Error, want) {
			t.Errorf("%s: %+v, want %q", message, r, want)
		}
	}
	if r := c.call(`{"do":"set","key":"stranger","values":["1"]}`); r.OK || r.Error != "" {
		t.Errorf("a stranger was set: %+v", r)
	}
	if r := c.call(`{"do":"finish"}`); r.OK || len(r.Problems) == 0 || r.Problems[0].Code != form.Missing {
		t.Errorf("finished too early: %+v", r)
	}
}
