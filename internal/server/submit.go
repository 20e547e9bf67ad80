package server

import (
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/internal/intake"
)

// submit takes a finished interview from a device: 201 and a receipt when it is
// durable, 200 and the same receipt when it had arrived before. The body goes to the
// intake as it came, because the receipt is about these very bytes.
func (s *Server) submit(c echo.Context) error {
	media, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || media != echo.MIMEApplicationJSON {
		return fmt.Errorf("%w: an interview is sent as %s", errMedia, echo.MIMEApplicationJSON)
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return fmt.Errorf("reading the interview: %w", err)
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
