package intake

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// FuzzParse: what the strict reader takes, encoding/json reads as the same interview.
func FuzzParse(f *testing.F) {
	iv := surveys.Interview{
		ID: "0190a000-0000-7000-8000-000000000001", Revision: 3, Survey: "s", Version: "v", Wave: "w", Case: "c",
		Mode: surveys.ModeWeb, Lang: surveys.ZH, Started: time.Unix(1e9, 5).UTC(), Finished: time.Unix(1e9, 6).UTC(),
		Answers: surveys.Answers{"a": {"浙江", "<\u2028>"}, "b": {}, "c": nil},
	}
	b, err := json.Marshal(iv)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	iv.Booklet, iv.Partial, iv.Last = "B3", true, "age#2"
	iv.Paradata = surveys.Paradata{Seed: 1<<32 - 1, Orders: map[string][]string{"": {"s", "t"}, "a": {}}, Millis: map[string]int64{"age#30": 12}, Kept: []string{"a:1"}}
	if b, err = json.Marshal(iv); err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(fmt.Sprintf(`%s `, b)))
	f.Add([]byte(`{"id":"\ud83d\ude00\/\b\f\n\r\t\"\\"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parse(b)
		if err != nil {
			if !errors.Is(err, surveys.ErrInvalid) {
				t.Errorf("error %v does not wrap ErrInvalid", err)
			}
			return
		}
		var want surveys.Interview
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatalf("parse takes what encoding/json does not: %v", err)
		}
		if want.Answers == nil {
			want.Answers = surveys.Answers{}
		}
		for k, v := range want.Answers {
			if v == nil {
				want.Answers[k] = []string{}
			}
		}
		if !got.Started.Equal(want.Started) || !got.Finished.Equal(want.Finished) {
			t.Errorf("times %v, %v; want %v, %v", got.Started, got.Finished, want.Started, want.Finished)
		}
		got.Started, got.Finished, want.Started, want.Finished = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("parse = %+v, want %+v", got, want)
		}
	})
}

// What an interview may say about itself, and what is refused.
func TestParseTheCourseOfAnInterview(t *testing.T) {
	const head = `{"id":"0190a000-0000-7000-8000-000000000001","revision":0,"survey":"s","version":"v","wave":"w","mode":"web",` +
		`"lang":"zh","started":"2026-05-01T09:30:00Z","finished":"2026-05-01T09:30:00Z"`
	long := func(n int, one string) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }
	for name, c := range map[string]struct{ rest, want string }{
		"a row of a roster":            {`,"answers":{"age#1":["3"],"age#30":[]}`, ""},
		"row 0":                        {`,"answers":{"age#0":["3"]}`, "row"},
		"row 31":                       {`,"answers":{"age#31":["3"]}`, "row"},
		"row 01":                       {`,"answers":{"age#01":["3"]}`, "row"},
		"a row of a row":               {`,"answers":{"age#1#2":["3"]}`, "row"},
		"no row":                       {`,"answers":{"age#":["3"]}`, "row"},
		"partial":                      {`,"answers":{},"partial":true,"last":"age#2"`, ""},
		"partial at the end":           {`,"answers":{},"partial":true`, ""},
		"last of a whole interview":    {`,"answers":{},"last":"age"`, "partial interviews only"},
		"partial in words":             {`,"answers":{},"partial":"true"`, "neither true nor false"},
		"last of hostile words":        {`,"answers":{},"partial":true,"last":"<script>"`, "not the name"},
		"booklet":                      {`,"answers":{},"booklet":"B1"`, ""},
		"booklet of a thousand bytes":  {`,"answers":{},"booklet":"` + strings.Repeat("B", 1000) + `"`, "longer than 128"},
		"paradata":                     {`,"answers":{},"paradata":{"seed":7,"orders":{"":["a"]},"millis":{"age":12},"kept":["age:1"]}`, ""},
		"no paradata":                  {`,"answers":{},"paradata":{}`, ""},
		"paradata of another kind":     {`,"answers":{},"paradata":{"gps":[1,2]}`, "paradata do not have"},
		"paradata twice":               {`,"answers":{},"paradata":{"seed":7,"seed":8}`, "twice"},
		"paradata, but null":           {`,"answers":{},"paradata":null`, "an object"},
		"seed below zero":              {`,"answers":{},"paradata":{"seed":-1}`, "seed"},
		"seed beyond 32 bits":          {`,"answers":{},"paradata":{"seed":4294967296}`, "seed"},
		"time below zero":              {`,"answers":{},"paradata":{"millis":{"age":-1}}`, "milliseconds"},
		"time of a million years":      {`,"answers":{},"paradata":{"millis":{"age":31536000000000000}}`, "milliseconds"},
		"half a millisecond":           {`,"answers":{},"paradata":{"millis":{"age":0.5}}`, "expected"},
		"times of no page":             {`,"answers":{},"paradata":{"millis":{"a b":1}}`, "not that of a page"},
		"one order twice":              {`,"answers":{},"paradata":{"orders":{"a":[],"a":[]}}`, "twice"},
		"orders without end":           {`,"answers":{},"paradata":{"orders":{"a":[` + long(maxOrdered+1, `"x"`) + `]}}`, "more than 20000 names"},
		"checks without end":           {`,"answers":{},"paradata":{"kept":[` + long(maxOrdered+1, `"x"`) + `]}`, "more than 20000 names"},
		"an order that holds an order": {`,"answers":{},"paradata":{"orders":{"a":[["b"]]}}`, "a string"},
	} {
		_, err := parse([]byte(head + c.rest + "}"))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v, want it to be taken", name, err)
		case c.want != "" && (!errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
	}
}

// BenchmarkParse reads an interview with 80 answers.
func BenchmarkParse(b *testing.B) {
	iv := surveys.Interview{
		ID: "0190a000-0000-7000-8000-000000000001", Survey: "s", Version: "v", Wave: "w", Mode: surveys.ModeWeb,
		Lang: surveys.ZH, Started: time.Unix(1e9, 0).UTC(), Finished: time.Unix(1e9, 0).UTC(), Answers: surveys.Answers{},
	}
	for i := range 80 {
		iv.Answers[fmt.Sprintf("question_%d", i)] = []string{"option_3"}
	}
	body, err := json.Marshal(iv)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parse(body); err != nil {
			b.Fatal(err)
		}
	}
}
