package intake

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
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
