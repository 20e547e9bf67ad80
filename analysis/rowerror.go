package analysis

import "fmt"

// RowError is a fault in one row of the columns. Rows are counted from zero; a caller
// whose rows come from a file finds it with errors.As and names the line instead.
type RowError struct {
	Row    int
	format string // of the row's name, then args
	args   []any
}

// Error says what is wrong in "row 3".
func (e *RowError) Error() string { return e.Named(fmt.Sprintf("row %d", e.Row)) }

// Named is the same text with another name of the row, such as "line 5".
func (e *RowError) Named(row string) string {
	return fmt.Sprintf(e.format, append([]any{row}, e.args...)...)
}

// rowError is an error whose format takes the name of the row first.
func rowError(row int, format string, args ...any) error {
	return &RowError{Row: row, format: format, args: args}
}
