package office

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
)

// Interviewed is a case with an interview that stands, as far as whoever judges interviews
// needs it.
type Interviewed struct {
	Case, Interview       string
	Enumerator, Area, PSU string
	Columns               map[string]string
	// Attempts are those of the case, with the places where they were.
	Attempts []fieldwork.Attempt
}

// Interviewed calls yield for the cases of a wave that lie in the area of an account and
// have an interview that stands, by case.
func (s *Store) Interviewed(ctx context.Context, a auth.Account, wave string, yield func(Interviewed)) error {
	if !a.May(auth.ReadProgress) {
		return fmt.Errorf("list the interviews: %w", ErrForbidden)
	}
	condition, values := visible(a)
	rows, err := s.db.QueryContext(ctx, `SELECT id, progress ->> 'interview', enumerator, area, psu, columns, coalesce(progress ->> 'attempts', '[]') FROM cases
		WHERE wave = ? AND state IN (?, ?, ?) AND `+condition+` ORDER BY id`,
		append([]any{wave, fieldwork.Submitted, fieldwork.UnderReview, fieldwork.Approved}, values...)...)
	if err != nil {
		return away("list the interviews", err)
	}
	defer rows.Close()
	for rows.Next() {
		var i Interviewed
		var columns, attempts []byte
		if err := rows.Scan(&i.Case, &i.Interview, &i.Enumerator, &i.Area, &i.PSU, &columns, &attempts); err != nil {
			return away("list the interviews", err)
		}
		if err := json.Unmarshal(columns, &i.Columns); err != nil {
			return away("list the interviews", err)
		}
		if err := json.Unmarshal(attempts, &i.Attempts); err != nil {
			return away("list the interviews", err)
		}
		yield(i)
	}
	return away("list the interviews", rows.Err())
}
