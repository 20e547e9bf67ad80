package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

// Quarantine is what a node has accepted and does not count, and what is decided about it.
// intake.Intake is one: it makes a decision durable before it says so, and knows one that is
// sent twice.
type Quarantine interface {
	Quarantine() []intake.Quarantined
	Quarantined(seq uint64) (intake.Quarantined, []byte, error)
	Dismiss(ctx context.Context, seq uint64, v intake.Verdict) error
	Correct(ctx context.Context, seq uint64, c intake.Correction) (intake.Receipt, error)
}

// aside is a quarantined submission on the line.
type aside struct {
	intake.Quarantined
	Body []byte
}

// verdict is a decision on the line: a correction where it has an interview.
type verdict struct {
	intake.Verdict
	Interview *surveys.Interview
	Replace   bool
}

// maxVerdict is the largest decision that is taken, in bytes: an interview that may be refused
// for being too large, but is read.
const maxVerdict = 2*intake.MaxBody + 4<<10

// quarantine lists what is in quarantine of a wave.
func (s *Service) quarantine(w http.ResponseWriter, r *http.Request) error {
	wave := r.FormValue("wave")
	list := slices.DeleteFunc(s.Quarantine.Quarantine(), func(q intake.Quarantined) bool { return q.Wave != wave })
	return s.sendJSON(w, list)
}

// sendJSON answers with something of this node.
func (s *Service) sendJSON(w http.ResponseWriter, what any) error {
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	w.Header().Set(headerNode, strconv.Itoa(int(s.Number)))
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(text)
	return err
}

// place is the place in the log that an address names. It must be one of this node: an address
// that has become that of another node would name another interview.
func (s *Service) place(r *http.Request) (seq uint64, err error) {
	n, err := strconv.ParseUint(r.PathValue("node"), 10, 16)
	if err != nil || uint16(n) != s.Number {
		return 0, fmt.Errorf("this is node %d, not %q: %w", s.Number, r.PathValue("node"), surveys.ErrNotFound)
	}
	return number(r.PathValue("seq"))
}

// quarantined gives one quarantined submission, as it came.
func (s *Service) quarantined(w http.ResponseWriter, r *http.Request) error {
	seq, err := s.place(r)
	if err != nil {
		return err
	}
	q, body, err := s.Quarantine.Quarantined(seq)
	if err != nil {
		return err
	}
	return s.sendJSON(w, aside{q, body})
}

// decide carries a decision out. That a correction would not count either is answered with
// 422 and the reason.
func (s *Service) decide(w http.ResponseWriter, r *http.Request) error {
	seq, err := s.place(r)
	if err != nil {
		return err
	}
	var v verdict
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxVerdict)).Decode(&v); err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return fmt.Errorf("the decision: %w: %w", surveys.ErrTooLarge, err)
		}
		return fmt.Errorf("the decision: %w: %w", surveys.ErrInvalid, err)
	}
	if v.Interview == nil {
		err = s.Quarantine.Dismiss(r.Context(), seq, v.Verdict)
	} else {
		change := func(iv *surveys.Interview) { *iv = *v.Interview }
		_, err = s.Quarantine.Correct(r.Context(), seq, intake.Correction{Verdict: v.Verdict, Change: change, Replace: v.Replace})
	}
	var still *intake.StillWrong
	switch {
	case errors.As(err, &still):
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		return json.NewEncoder(w).Encode(still)
	case err != nil:
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Quarantine lists what is in quarantine of a wave at the node, in the order of its log, with
// what was decided, and says the node's number.
func (c *Client) Quarantine(ctx context.Context, wave string) (node uint16, list []intake.Quarantined, err error) {
	node, err = c.read(ctx, "/v1/node/quarantine?wave="+url.QueryEscape(wave), &list)
	return node, list, err
}

// Quarantined returns a quarantined submission of the node with a number, and its body as it
// came. Its errors are those of intake.Quarantined; surveys.ErrNotFound also when the node at
// the address has another number, and surveys.ErrUnavailable when it does not answer.
func (c *Client) Quarantined(ctx context.Context, node uint16, seq uint64) (intake.Quarantined, []byte, error) {
	var a aside
	_, err := c.read(ctx, fmt.Sprintf("/v1/node/quarantine/%d/%d", node, seq), &a)
	return a.Quarantined, a.Body, err
}

// read asks for something that the node has, and says the node's number.
func (c *Client) read(ctx context.Context, path string, into any) (node uint16, err error) {
	res, err := c.ask(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if node, err = c.numberOf(res); err != nil {
		return 0, err
	}
	c.heard.Store(uint32(node))
	if err := json.NewDecoder(io.LimitReader(res.Body, most)).Decode(into); err != nil {
		return 0, fmt.Errorf("read the quarantine of node %s: %w: %w", c.base, surveys.ErrUnavailable, err)
	}
	return node, nil
}

// Dismiss leaves a quarantined submission of the node with a number at that; see
// intake.Dismiss. With surveys.ErrUnavailable it may be done or not; the same verdict sent again
// is done once.
func (c *Client) Dismiss(ctx context.Context, node uint16, seq uint64, v intake.Verdict) error {
	return c.decide(ctx, node, seq, verdict{Verdict: v})
}

// Correct lets an interview count in place of a quarantined submission of the node with a
// number; see intake.Correct, and Dismiss for what is not certain.
func (c *Client) Correct(ctx context.Context, node uint16, seq uint64, v intake.Verdict, iv surveys.Interview, replace bool) error {
	return c.decide(ctx, node, seq, verdict{v, &iv, replace})
}

func (c *Client) decide(ctx context.Context, node uint16, seq uint64, v verdict) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write the decision: %w: %w", surveys.ErrInvalid, err)
	}
	path := fmt.Sprintf("/v1/node/quarantine/%d/%d", node, seq)
	res, err := c.send(ctx, http.MethodPost, path, http.Header{"Content-Type": {"application/json"}}, bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusNoContent:
		return nil
	case http.StatusUnprocessableEntity:
		still := &intake.StillWrong{}
		if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(still); err != nil {
			return fmt.Errorf("read what node %s has against it: %w: %w", c.base, surveys.ErrUnavailable, err)
		}
		return still
	}
	return c.refused(res)
}
