package server

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/surveys"
)

// maxFields is the greatest number of fields of a page that is sent in.
const maxFields = 2000

// answerPrefix begins the name of a field with an answer; the item's ID follows.
const answerPrefix = "a."

// readFields reads what an HTML form sent. It counts the fields before it makes
// anything of them, and refuses what no browser sends.
func readFields(c echo.Context) (url.Values, error) {
	media, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || media != echo.MIMEApplicationForm {
		return nil, fmt.Errorf("%w: a page is sent as %s", errMedia, echo.MIMEApplicationForm)
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return nil, fmt.Errorf("reading the form: %w", err)
	}
	if n := bytes.Count(body, []byte("&")) + 1; n > maxFields {
		return nil, fmt.Errorf("%d fields, at most %d are allowed: %w", n, maxFields, surveys.ErrTooLarge)
	}
	fields, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("the form is not encoded as a form: %w", surveys.ErrInvalid)
	}
	for name, values := range fields {
		for _, text := range append(values, name) {
			if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				return nil, fmt.Errorf("a field is not text in UTF-8: %w", surveys.ErrInvalid)
			}
		}
	}
	return fields, nil
}

// answersIn returns the answers among the fields, by item.
func answersIn(fields url.Values) map[string][]string {
	answers := map[string][]string{}
	for name, values := range fields {
		if item, ok := strings.CutPrefix(name, answerPrefix); ok {
			answers[item] = values
		}
	}
	return answers
}
