package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/suyang-survey/suyang/surveys"
)

// Codes of ClickHouse's exceptions that have a way out of their own.
const (
	unknownTable         = 60
	unknownDatabase      = 81
	wrongPassword        = 193
	authenticationFailed = 516
)

// explain says what failed and, where it is known, the way out. It returns nil for
// no error.
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return explainException(doing, exception)
	}
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, surveys.ErrInvalid):
		return fmt.Errorf("%s: %w", doing, err)
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, clickhouse.ErrAcquireConnTimeout):
		return fmt.Errorf("%s: %w: ClickHouse does not answer; see that it runs and that its address is right: %w",
			doing, surveys.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func explainException(doing string, e *clickhouse.Exception) error {
	switch e.Code {
	case unknownTable:
		return fmt.Errorf("%s: %w: the tables are missing; migrate the store first: %w", doing, surveys.ErrNotFound, e)
	case unknownDatabase:
		return fmt.Errorf("%s: %w: create the database of the address first: %w", doing, surveys.ErrNotFound, e)
	case wrongPassword, authenticationFailed:
		return fmt.Errorf("%s: ClickHouse refused the user or the password of its address", doing)
	}
	return fmt.Errorf("%s: %w", doing, e)
}
