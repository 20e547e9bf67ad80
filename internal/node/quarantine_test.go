package node

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// key is the secret of the installation.
var key = []byte("0123456789abcdef0123456789abcdef")

// away is a store that does not answer: what is in quarantine needs none.
type away struct{ intake.Store }

// asked is a questionnaire of one question.
func asked(t *testing.T) *surveys.Questionnaire {
	t.Helper()
	text := surveys.Text{"en": "Is the earth round?"}
	yes := surveys.Option{Code: "yes", Text: text}
	return &surveys.Questionnaire{ID: "q", Title: text, Languages: []surveys.Lang{"en"},
		Sections: []surveys.Section{{ID: "s", Title: text, Items: []surveys.Item{{ID: "earth", Type: surveys.Single, Text: text, Options: []surveys.Option{yes, {Code: "no", Text: text}}}}}}}
}

// quarantining is a collector with number 2, and the office's client of it.
func quarantining(t *testing.T) (*intake.Intake, *Client, func(id byte, answer string) []byte) {
	t.Helper()
	q := asked(t)
	f, err := form.Compile(q)
	if err != nil {
		t.Fatal(err)
	}
	forms := &intake.Waves{}
	forms.Publish("w", q.ID, q.Version(), intake.Edition{Form: f})
	logConfig := wal.DefaultConfig(t.TempDir())
	logConfig.Logger = quiet
	log, err := wal.Open(logConfig)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	cfg := intake.DefaultConfig(t.TempDir())
	cfg.Node, cfg.Key, cfg.Logger = 2, key, quiet
	in, err := intake.New(cfg, log, away{}, forms, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{Token: Token(key), Number: 2, Quarantine: in, Logger: quiet}
	served := httptest.NewServer(s.Handler())
	t.Cleanup(served.Close)
	c, err := Connect(served.URL, Token(key))
	if err != nil {
		t.Fatal(err)
	}
	body := func(id byte, answer string) []byte {
		at := time.Date(2026, 6, 1, 8, 0, 0, 1_000_001, time.UTC)
		iv := surveys.Interview{ID: "00000000-0000-4000-8000-0000000000" + string([]byte{'0', '0' + id}), Survey: q.ID, Version: q.Version(), Wave: "w", Mode: surveys.ModeWeb, Lang: "en",
			Started: at, Finished: at.Add(time.Minute), Answers: surveys.Answers{"earth": {answer}}}
		text, err := json.Marshal(iv)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	return in, c, body
}

func verdictOf(token string) intake.Verdict {
	return intake.Verdict{By: "wu", Reason: "asked again", Token: token}
}

// The office sees what a collector has in quarantine as the collector does, and decides about
// it there, each time once; the collector judges a correction by its own rules.
func TestQuarantineOfANode(t *testing.T) {
	in, c, body := quarantining(t)
	for i, answer := range []string{"maybe", "perhaps", "no"} {
		if _, err := in.Accept(t.Context(), body(byte(i+1), answer)); err != nil {
			t.Fatal(err)
		}
	}
	check := func() {
		t.Helper()
		node, list, err := c.Quarantine(t.Context(), "w")
		mine := in.Quarantine()
		for i := range mine { // the token of the form stays at the node
			if mine[i].Decision != nil {
				d := *mine[i].Decision
				mine[i].Decision = &intake.Decision{Seq: d.Seq, At: d.At, By: d.By, Reason: d.Reason, Instead: d.Instead, Revision: d.Revision}
			}
		}
		if err != nil || node != 2 || len(list) != 2 || !reflect.DeepEqual(list, mine) {
			t.Errorf("Quarantine() = %d, %+v, %v; the node has\n%+v", node, list, err, mine)
		}
	}
	if c.Number() != 0 {
		t.Errorf("the number %d is known before the node was asked", c.Number())
	}
	check()
	if c.Number() != 2 {
		t.Errorf("the number is %d", c.Number())
	}
	if _, list, err := c.Quarantine(t.Context(), "another"); err != nil || len(list) != 0 {
		t.Errorf("of another wave: %v, %v", list, err)
	}
	q, text, err := c.Quarantined(t.Context(), 2, 1)
	if err != nil || string(text) != string(body(1, "maybe")) || q.Reason != "replay: earth not-an-option" {
		t.Errorf("Quarantined() = %+v, %s, %v", q, text, err)
	}
	iv, err := intake.Interview(text)
	if err != nil {
		t.Fatal(err)
	}
	var still *intake.StillWrong
	if err := c.Correct(t.Context(), 2, 1, verdictOf("a"), iv, false); !errors.As(err, &still) || still.Reason != q.Reason || !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("a correction that is wrong still: %v", err)
	}
	check()
	iv.Answers = surveys.Answers{"earth": {"yes"}}
	for range 2 {
		if err := c.Correct(t.Context(), 2, 1, verdictOf("a"), iv, false); err != nil {
			t.Errorf("Correct() = %v", err)
		}
		check()
	}
	if in.Stands(iv.ID, 1) != intake.Stored {
		t.Error("the corrected revision is not there")
	}
	if err := c.Dismiss(t.Context(), 2, 1, verdictOf("b")); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("deciding again: %v", err)
	}
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"of another node":    {c.Dismiss(t.Context(), 3, 2, verdictOf("b")), surveys.ErrNotFound},
		"of nothing":         {c.Dismiss(t.Context(), 2, 9, verdictOf("b")), surveys.ErrNotFound},
		"without a reason":   {c.Dismiss(t.Context(), 2, 2, intake.Verdict{By: "wu", Token: "b"}), surveys.ErrInvalid},
		"too large":          {c.Correct(t.Context(), 2, 2, verdictOf("b"), surveys.Interview{Case: strings.Repeat("x", maxVerdict)}, false), surveys.ErrTooLarge},
		"no interview":       {c.Correct(t.Context(), 2, 2, verdictOf("b"), surveys.Interview{}, false), surveys.ErrInvalid},
		"nobody is there":    {gone(t).Dismiss(t.Context(), 2, 2, verdictOf("b")), surveys.ErrUnavailable},
		"who does not know":  {stranger(t, c).Dismiss(t.Context(), 2, 2, verdictOf("b")), ErrStranger},
		"what is not a form": {c.post(t, "/v1/node/quarantine/2/2", "{"), surveys.ErrInvalid},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	check()
	oneOfMany(t, c)
}

// oneOfMany lets many people decide about one at the same moment: one does.
func oneOfMany(t *testing.T, c *Client) {
	t.Helper()
	var all sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		all.Go(func() { results[i] = c.Dismiss(context.Background(), 2, 2, verdictOf(string(rune('A'+i)))) })
	}
	all.Wait()
	done := 0
	for _, err := range results {
		if err == nil {
			done++
		} else if !errors.Is(err, surveys.ErrConflict) {
			t.Error(err)
		}
	}
	if done != 1 {
		t.Errorf("%d decided, want 1", done)
	}
}

// gone is a client of nobody.
func gone(t *testing.T) *Client {
	t.Helper()
	served := httptest.NewServer(http.NotFoundHandler())
	served.Close()
	c, err := Connect(served.URL, Token(key))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stranger is a client with another secret.
func stranger(t *testing.T, of *Client) *Client {
	t.Helper()
	c, err := Connect(of.base, Token(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// post sends text that is no decision.
func (c *Client) post(t *testing.T, path, text string) error {
	t.Helper()
	res, err := c.ask(t.Context(), http.MethodPost, path, nil, strings.NewReader(text))
	if err == nil {
		res.Body.Close()
	}
	return err
}
