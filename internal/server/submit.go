package server

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/internal/intake"
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
	if err := s.mayAnswer(c.Request(), body); err != nil {
		return err
	}
	receipt, err := s.deps.Intake.Accept(c.Request().Context(), body)
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if receipt.Status == intake.Repeated {
		status = http.StatusOK
	}
	return c.JSON(status, receipt)
}

// mayAnswer refuses an interview of a sampled case from anybody who does not have the
// case's link: it would take the place of the respondent's own. Whatever else is
// wrong with the body is for the intake to say.
func (s *Server) mayAnswer(r *http.Request, body []byte) error {
	var claim struct{ Wave, Case string }
	if json.Unmarshal(body, &claim) != nil || claim.Case == "" {
		return nil
	}
	token, _ := strings.CutPrefix(r.Header.Get(echo.HeaderAuthorization), "Bearer ")
	w, caseID, ok := s.links.open(token, s.order)
	if !ok || w.ID != claim.Wave || caseID != claim.Case {
		return fmt.Errorf("%w: an interview of a sampled case needs the code of its link as a bearer token", errCase)
	}
	return nil
}
