package office

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// Tally is a number of cases that are alike in all that tables of progress and rates are
// made by. It says of no case which one it is.
type Tally struct {
	Area, Stratum, Enumerator string
	State                     fieldwork.State
	Disposition               fieldwork.Code
	// Day is that of the last event, in China, as 2026-06-01; empty when nothing happened yet.
	Day        string
	Substitute bool
	// Weight is that of each of the cases.
	Weight float64
	Cases  int
}

// Tallies calls yield for the cases of a wave that lie in the area of an account and in
// another one, put together where they are alike, by area, stratum, enumerator and state.
func (s *Store) Tallies(ctx context.Context, a auth.Account, wave, area string, yield func(Tally)) error {
	if !a.May(auth.ReadProgress) {
		return fmt.Errorf("count the cases: %w", ErrForbidden)
	}
	condition, values := visible(a)
	rows, err := s.db.QueryContext(ctx, `SELECT area, stratum, enumerator, state, disposition, day, substitute, weight, count(*)
		FROM cases INDEXED BY cases_for_tallies WHERE wave = ? AND substr(area, 1, length(?)) = ? AND `+condition+`
		GROUP BY area, stratum, enumerator, state, disposition, day, substitute, weight`, append([]any{wave, area, area}, values...)...)
	if err != nil {
		return away("count the cases", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t Tally
		if err := rows.Scan(&t.Area, &t.Stratum, &t.Enumerator, &t.State, &t.Disposition, &t.Day, &t.Substitute, &t.Weight, &t.Cases); err != nil {
			return away("count the cases", err)
		}
		yield(t)
	}
	return away("count the cases", rows.Err())
}

// Daily is what happened on a day in an area with the cases of an enumerator: attempts, and
// by how much the cases grew in number that are done, have an interview that stands, and
// are approved. A rejection takes away what was there, so the sums over all days are the
// numbers of today.
type Daily struct {
	Area, Enumerator                   string
	Day                                string // in China, as 2026-06-01
	Attempts, Done, Interviews, Passed int
}

// Days lists what happened in a wave in the area of an account and in another one, by day.
func (s *Store) Days(ctx context.Context, a auth.Account, wave, area string) ([]Daily, error) {
	if !a.May(auth.ReadProgress) {
		return nil, fmt.Errorf("count what happened: %w", ErrForbidden)
	}
	condition, values := visible(a)
	rows, err := s.db.QueryContext(ctx, `SELECT day, area, enumerator, coalesce(sum(n) FILTER (WHERE what = 'attempt'), 0), coalesce(sum(n) FILTER (WHERE what = 'done'), 0),
		coalesce(sum(n) FILTER (WHERE what = 'interview'), 0), coalesce(sum(n) FILTER (WHERE what = 'approved'), 0)
		FROM daily WHERE wave = ? AND substr(area, 1, length(?)) = ? AND `+condition+` GROUP BY day, area, enumerator ORDER BY day, area, enumerator`,
		append([]any{wave, area, area}, values...)...)
	if err != nil {
		return nil, away("count what happened", err)
	}
	defer rows.Close()
	var list []Daily
	for rows.Next() {
		var d Daily
		if err := rows.Scan(&d.Day, &d.Area, &d.Enumerator, &d.Attempts, &d.Done, &d.Interviews, &d.Passed); err != nil {
			return nil, away("count what happened", err)
		}
		list = append(list, d)
	}
	return list, away("count what happened", rows.Err())
}

// dayOf is the day of a time in China.
func dayOf(t time.Time) string { return t.In(surveys.ChinaTime).Format(time.DateOnly) }

// countDay adds to the day of an event what it changed: before is the case as it was. An
// attempt counts on the day when it was made, whenever it is typed in.
func countDay(ctx context.Context, tx *sql.Tx, before fieldwork.Progress, c *Case, e fieldwork.Event) error {
	step := func(is, was bool) int {
		switch {
		case is && !was:
			return 1
		case was && !is:
			return -1
		}
		return 0
	}
	day, attempted := dayOf(e.At), dayOf(e.At)
	if e.Attempt != nil {
		attempted = dayOf(e.Attempt.At)
	}
	for _, m := range []struct {
		what, day string
		n         int
	}{
		{"attempt", attempted, step(e.Action == fieldwork.Try, false)},
		{"done", day, step(c.Done(), before.Done())},
		{"interview", day, step(c.Interview != "", before.Interview != "")},
		{"approved", day, step(c.State == fieldwork.Approved, before.State == fieldwork.Approved)},
	} {
		if m.n == 0 {
			continue
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO daily (wave, area, enumerator, day, what, n) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET n = n + excluded.n`, c.Wave, c.Area, c.Enumerator, m.day, m.what, m.n)
		if err != nil {
			return err
		}
	}
	return nil
}
