package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

// submit takes a finished interview from a device: 201 and a receipt when it is
// durable, 200 and the same receipt when it had arrived before. The body goes to the
// intake as it came, because the receipt is about these very bytes. An interview of a
// sampled case needs the code of the case's personal link, the last part of its
// address, as a bearer token.
func (s *Server) submit(c echo.Context) error {
	media, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || media != echo.MIMEApplicationJSON {
		return fmt.Errorf("%w: an interview is sent as %s", errMedia, echo.MIMEApplicationJSON)
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return fmt.Errorf("reading the interview: %w", err)
	}
	var caseDoor door
	receipt, err := s.deps.Intake.AcceptIf(c.Request().Context(), body, func(iv *surveys.Interview) (err error) {
		caseDoor, err = s.mayAnswer(c.Request(), iv)
		return err
	})
	if err != nil {
		return err
	}
	if caseDoor.wave != nil && receipt.Quarantined == "" {
		if err := s.answered(c.Request().Context(), caseDoor, receipt); err != nil {
			// The interview is safe; only the case's link does not know yet.
			s.deps.Log.WarnContext(c.Request().Context(), "a case's link still takes answers", "err", err)
		}
	}
	status := http.StatusCreated
	if receipt.Status == intake.Repeated {
		status = http.StatusOK
	}
	return c.JSON(status, receipt)
}

// mayAnswer refuses an interview of a sampled case from anybody who does not have the
// case's link: it would take the place of the respondent's own. It returns the case's
// door, if the interview completes a case.
func (s *Server) mayAnswer(r *http.Request, claim *surveys.Interview) (door, error) {
	if claim.Case == "" {
		if w := s.waves()[claim.Wave]; w != nil && w.LinksOnly {
			return door{}, errLinksOnly
		}
		return door{}, nil
	}
	w, caseID, err := s.caseOf(r.Context(), bearer(r))
	if err != nil && !errors.Is(err, surveys.ErrNotFound) && !errors.Is(err, errReplaced) {
		return door{}, err
	}
	if err != nil || w.ID != claim.Wave || caseID != claim.Case {
		return door{}, fmt.Errorf("%w: an interview of a sampled case needs the code of its link as a bearer token", errCase)
	}
	if claim.Partial {
		return door{}, nil
	}
	return door{wave: w, caseID: caseID, interview: s.links.interviewID(w.ID, caseID)}, nil
}

// answered lets the link of a case say that the case was answered.
func (s *Server) answered(ctx context.Context, d door, receipt intake.Receipt) error {
	now := s.deps.Now()
	body, err := json.Marshal(state{Case: d.caseID, Lang: d.wave.languages[0], Started: moment(now), Receipt: receiptNumber(receipt)})
	if err != nil {
		return err
	}
	return s.deps.Drafts.Complete(ctx, drafts.Draft{Interview: d.interview, Wave: d.wave.ID, Version: d.wave.version, Updated: now, Body: body})
}
