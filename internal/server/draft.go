package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// state is what is kept of an interview under way, beside what drafts.Draft has.
type state struct {
	Case string `json:"c,omitempty"`
	// Mode is how the interview is done; "" is by the person themselves.
	Mode    surveys.Mode `json:"m,omitempty"`
	Lang    surveys.Lang `json:"l"`
	Started time.Time    `json:"s"`
	// Finished is when the interview was sent, or broken off. It is set before the intake
	// gets it, so that what is sent again is the same.
	Finished time.Time `json:"f,omitzero"`
	// Revision is that of the interview which the intake gets next. Once one may have
	// reached it, a change of answers makes another revision.
	Revision uint32 `json:"v,omitempty"`
	// Receipt is the number of a finished interview; empty when an earlier one counts.
	Receipt string     `json:"n,omitempty"`
	Form    form.Saved `json:"q,omitzero"`
}

// run is an interview while one page of it is handled. Its wave is the one in the
// version that the interview began with.
type run struct {
	wave    *wave
	draft   *drafts.Draft
	session *form.Session
	state   state
	// path is the address of its pages, with the token of the device.
	path string
}

// text64 writes bytes in addresses: strictly, so that one text stands for one run of bytes.
var text64 = base64.RawURLEncoding.Strict()

// takeUp makes a run of a draft.
func (s *Server) takeUp(d *drafts.Draft) (*run, error) {
	if left, ok := d.Spare.Take().(*run); ok {
		left.draft = d
		if now := s.edition(d.Wave, d.Version); now != nil { // it may have been closed since
			left.wave = now
		}
		return left, nil
	}
	r := &run{draft: d}
	if err := json.Unmarshal(d.Body, &r.state); err != nil {
		return nil, fmt.Errorf("an interview under way cannot be read: %w", err)
	}
	if r.wave = s.edition(d.Wave, d.Version); r.wave == nil {
		return nil, fmt.Errorf("the version of an interview under way is not published here any more: %w", errDraft)
	}
	if d.State == drafts.Finished {
		return r, nil
	}
	var err error
	r.session, err = r.wave.Form.Resume(r.state.Form)
	return r, err
}

// edition returns a wave in one of its versions, or nil.
func (s *Server) edition(waveID, version string) *wave {
	if w := s.waves()[waveID]; w != nil {
		return w.editions[version]
	}
	return nil
}

// interviewOf returns the interview of the token in the address.
func (s *Server) interviewOf(c echo.Context) (string, error) {
	id, err := s.deps.Drafts.Interview(c.Request().Context(), drafts.Token(c.Param("token")))
	if errors.Is(err, surveys.ErrNotFound) {
		return "", errDraft
	}
	return id, err
}

// read takes up the interview of the address, to show it.
func (s *Server) read(c echo.Context) (*run, error) {
	id, err := s.interviewOf(c)
	if err != nil {
		return nil, err
	}
	d, err := s.deps.Drafts.Get(c.Request().Context(), id)
	if errors.Is(err, surveys.ErrNotFound) {
		return nil, errDraft
	}
	if err != nil {
		return nil, err
	}
	r, err := s.takeUp(&d)
	if err != nil {
		return nil, err
	}
	r.path = "/a/" + c.Param("token")
	r.hear(c)
	return r, r.open(s.deps.Now())
}

// hear takes the language from the address, where it says one.
func (r *run) hear(c echo.Context) {
	for _, l := range r.wave.languages {
		if string(l) == c.QueryParam("lang") {
			r.state.Lang = l
		}
	}
}

// open refuses interviews of a wave that has ended, but for those that were accepted.
func (r *run) open(now time.Time) error {
	if r.draft.State != drafts.Finished && !r.wave.open(now) {
		return fmt.Errorf("wave: %w", surveys.ErrClosed)
	}
	return nil
}

// errUnchanged ends a change that turned out to be none.
var errUnchanged = errors.New("nothing to change")

// change lets change alter an interview and keeps the outcome. An error, even
// errUnchanged, keeps everything as it was.
func (s *Server) change(ctx context.Context, interview string, change func(*run) error) error {
	_, err := s.deps.Drafts.Change(ctx, interview, func(d *drafts.Draft) error {
		r, err := s.takeUp(d)
		if err != nil {
			return err
		}
		if err := change(r); err != nil {
			return err
		}
		return r.put()
	})
	return err
}

// put writes the state into the draft.
func (r *run) put() (err error) {
	if r.session != nil && r.draft.State != drafts.Finished {
		r.state.Form = r.session.Save()
		r.draft.Last = r.state.Form.Page
	}
	r.draft.Body, err = json.Marshal(r.state)
	if r.session != nil {
		r.draft.Spare = drafts.NewSpare(r.session.Size() + len(r.draft.Body))
	}
	return err
}

// leave ends a run that was kept, and leaves it for the next page of the same person.
func (r *run) leave() {
	if r.session != nil && r.draft.State != drafts.Finished {
		r.draft.Spare.Leave(r)
	}
}

// touched notes that the person is at work. What the intake may have got already is a
// revision of its own then.
func (r *run) touched(now time.Time) {
	if r.draft.State != drafts.UnderWay {
		r.draft.State = drafts.UnderWay
		r.state.Revision++
		r.state.Finished = time.Time{}
	}
	r.draft.Updated = now
}

// sent is what a page says about itself: the key of its first item, "" for the page
// that sends the answers, the items it showed to be answered, and how long it was looked
// at.
type sent struct {
	page  string
	shown []string
	took  time.Duration
}

// maxMark is the length of the longest mark, in bytes.
const maxMark = 64 << 10

// longestLook is the greatest time that a page is taken to be looked at in one go.
const longestLook = time.Hour

// mark is the hidden field that becomes a sent.
func mark(page string, shown []string, now time.Time) string {
	return strconv.FormatInt(now.UnixMilli(), 36) + "." + page + "." + strings.Join(shown, ".")
}

func readMark(field string, now time.Time) (sent, error) {
	if len(field) > maxMark || strings.Count(field, ".") > maxFields {
		return sent{}, fmt.Errorf("the page names more questions than any page shows: %w", surveys.ErrTooLarge)
	}
	parts := strings.Split(field, ".")
	ms, err := strconv.ParseInt(parts[0], 36, 64)
	if len(parts) < 2 || err != nil {
		return sent{}, fmt.Errorf("the page does not say which one it is: %w", surveys.ErrInvalid)
	}
	took := now.Sub(time.UnixMilli(ms))
	return sent{page: parts[1], shown: parts[2:], took: min(max(took, 0), longestLook)}, nil
}
