package office

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
)

// Interview is one that stands, with its case.
type Interview struct{ Case, Interview, Enumerator, Area string }

// Interviews calls yield for the interviews of a wave that stand and lie in the area of an
// account and in another one.
func (s *Store) Interviews(ctx context.Context, a auth.Account, wave, area string, yield func(Interview)) error {
	if !a.May(auth.ReadProgress) {
		return fmt.Errorf("list the interviews: %w", ErrForbidden)
	}
	condition, values := visible(a)
	rows, err := s.db.QueryContext(ctx, `SELECT id, interview, enumerator, area FROM cases INDEXED BY cases_interviewed
		WHERE wave = ? AND interview <> '' AND substr(area, 1, length(?)) = ? AND `+condition, append([]any{wave, area, area}, values...)...)
	if err != nil {
		return away("list the interviews", err)
	}
	defer rows.Close()
	for rows.Next() {
		var i Interview
		if err := rows.Scan(&i.Case, &i.Interview, &i.Enumerator, &i.Area); err != nil {
			return away("list the interviews", err)
		}
		yield(i)
	}
	return away("list the interviews", rows.Err())
}

// Interviewed is a case with an interview that stands, as far as whoever judges interviews
// needs it.
type Interviewed struct {
	Interview
	PSU     string
	Columns map[string]string
	// Attempts are those of the case, with the places where they were.
	Attempts []fieldwork.Attempt
}

// Interviewed calls yield for every case of a wave that has an interview that stands.
func (s *Store) Interviewed(ctx context.Context, wave string, yield func(Interviewed)) error {
	rows, err := s.db.QueryContext(ctx, `SELECT id, interview, enumerator, area, psu, columns, coalesce(progress ->> 'attempts', '[]')
		FROM cases WHERE wave = ? AND interview <> '' ORDER BY id`, wave)
	if err != nil {
		return away("list the interviews", err)
	}
	defer rows.Close()
	for rows.Next() {
		var i Interviewed
		var columns, attempts []byte
		if err := rows.Scan(&i.Case, &i.Interview.Interview, &i.Enumerator, &i.Area, &i.PSU, &columns, &attempts); err != nil {
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
