package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

// Codes of ClickHouse's exceptions that have a way out of their own.
const (
	unknownTable         = 60
	unknownDatabase      = 81
	wrongPassword        = 193
	authenticationFailed = 516
)

// What the codes of an insert's exception say of its cause. The others leave it open.
var (
	// tooLarge: a smaller block may pass.
	tooLarge = []int32{
		158, // TOO_MANY_ROWS
		159, // TIMEOUT_EXCEEDED
		191, // SET_SIZE_LIMIT_EXCEEDED
		241, // MEMORY_LIMIT_EXCEEDED
		307, // LIMIT_EXCEEDED
		396, // TOO_MANY_ROWS_OR_BYTES
	}
	// busy: the store takes nothing at present.
	busy = []int32{
		unknownTable, unknownDatabase, wrongPassword, authenticationFailed,
		164, // READONLY
		201, // QUOTA_EXCEEDED
		202, // TOO_MANY_SIMULTANEOUS_QUERIES
		209, // SOCKET_TIMEOUT
		210, // NETWORK_ERROR
		218, // TABLE_IS_DROPPED
		236, // ABORTED
		242, // TABLE_IS_READ_ONLY
		243, // NOT_ENOUGH_SPACE
		252, // TOO_MANY_PARTS
		319, // UNKNOWN_STATUS_OF_INSERT
		394, // QUERY_WAS_CANCELLED
		439, // CANNOT_SCHEDULE_TASK
		473, // DEADLOCK_AVOIDED
		497, // ACCESS_DENIED
		745, // SERVER_OVERLOADED
		999, // KEEPER_EXCEPTION
	}
	// refused: the data are not what the table can hold.
	refused = []int32{
		6,   // CANNOT_PARSE_TEXT
		26,  // CANNOT_PARSE_QUOTED_STRING
		27,  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
		33,  // CANNOT_READ_ALL_DATA
		38,  // CANNOT_PARSE_DATE
		41,  // CANNOT_PARSE_DATETIME
		53,  // TYPE_MISMATCH
		69,  // ARGUMENT_OUT_OF_BOUND
		70,  // CANNOT_CONVERT_TYPE
		72,  // CANNOT_PARSE_NUMBER
		117, // INCORRECT_DATA
		128, // TOO_LARGE_ARRAY_SIZE
		131, // TOO_LARGE_STRING_SIZE
		190, // SIZES_OF_ARRAYS_DONT_MATCH
		321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
		349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
		376, // CANNOT_PARSE_UUID
		469, // VIOLATED_CONSTRAINT
	}
)

// blame adds to the explained error of an insert what it says of its cause.
func blame(err, explained error) error {
	var e *clickhouse.Exception
	if !errors.As(err, &e) {
		return explained
	}
	switch {
	case slices.Contains(busy, e.Code):
		return fmt.Errorf("%w: %w", intake.ErrBusy, explained)
	case slices.Contains(tooLarge, e.Code):
		return fmt.Errorf("%w: %w", surveys.ErrTooLarge, explained)
	case slices.Contains(refused, e.Code):
		return fmt.Errorf("%w: %w", intake.ErrRefused, explained)
	}
	return explained
}

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
