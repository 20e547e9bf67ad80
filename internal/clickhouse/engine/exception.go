package engine

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
)

// Codes of ClickHouse's exceptions that this interface raises itself.
const (
	codeBadArguments   = 36
	codeNotImplemented = 48
	codeSyntax         = 62
	codeTooLarge       = 307 // LIMIT_EXCEEDED
	codeCancelled      = 394
	codeAuthentication = 516
	codeStdException   = 1001
)

const (
	exceptionCodeHeader = "X-ClickHouse-Exception-Code"
	exceptionTagHeader  = "X-ClickHouse-Exception-Tag"

	// streamingNotSupported begins the engine's answer to a WITH that is no SELECT.
	streamingNotSupported = "Streaming query is not supported"
)

var exceptionCode = regexp.MustCompile(`^Code: (\d+)\. `)

// exception is a failure as ClickHouse tells it.
type exception struct {
	code int
	text string // "Code: 60. DB::Exception: …"
}

func (e *exception) Error() string { return e.text }

func raise(code int, name, format string, args ...any) *exception {
	return &exception{code, fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", code, fmt.Sprintf(format, args...), name)}
}

// asException reads the code out of the engine's own text; anything else becomes
// a STD_EXCEPTION.
func asException(err error) *exception {
	var e *exception
	if errors.As(err, &e) {
		return e
	}
	if m := exceptionCode.FindStringSubmatch(err.Error()); m != nil {
		code, _ := strconv.Atoi(m[1])
		return &exception{code, err.Error()}
	}
	return raise(codeStdException, "STD_EXCEPTION", "%v", err)
}

// status is the HTTP status that a ClickHouse server gives the exception.
func (e *exception) status() int {
	switch e.code {
	case codeAuthentication, 192, 193: // UNKNOWN_USER, WRONG_PASSWORD
		return http.StatusForbidden
	case codeSyntax, codeBadArguments, 6, 26, 27, 38, 41, 53, 72, 117, 456, 457: // what cannot be parsed
		return http.StatusBadRequest
	case 46, 47, 50, 56, 60, 63, 73, 81, 115: // what is unknown: function, identifier, type, table, setting …
		return http.StatusNotFound
	case 159: // TIMEOUT_EXCEEDED
		return http.StatusRequestTimeout
	case codeTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeNotImplemented:
		return http.StatusNotImplemented
	}
	return http.StatusInternalServerError
}
