package drafts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// Issue returns which issue of a case's personal link holds: 0 unless it was replaced.
func (s *Store) Issue(ctx context.Context, wave, caseID string) (issue uint32, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT issue FROM issues WHERE case_hash = ?", s.caseHash(wave, caseID)).Scan(&issue)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return issue, away("look whether a link was replaced", err)
}

// Reissue replaces the personal links of cases: those given out so far end.
func (s *Store) Reissue(ctx context.Context, wave string, cases []string) error {
	return away("replace links", s.writes.write(ctx, func(t *tx) error {
		for _, c := range cases {
			if _, err := t.exec(`INSERT INTO issues (case_hash, issue) VALUES (?, 1)
				ON CONFLICT DO UPDATE SET issue = issue + 1`, s.caseHash(wave, c)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Issues are the personal links that were replaced: which issue of each holds, by a keyed hash
// of the case, which is the same in every store with the secret of the installation.
func (s *Store) Issues(ctx context.Context) (map[string]uint32, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT case_hash, issue FROM issues")
	if err != nil {
		return nil, away("list the replaced links", err)
	}
	defer rows.Close()
	all := map[string]uint32{}
	for rows.Next() {
		var hash []byte
		var issue uint32
		if err := rows.Scan(&hash, &issue); err != nil {
			return nil, away("list the replaced links", err)
		}
		all[string(hash)] = issue
	}
	return all, away("list the replaced links", rows.Err())
}

// PutIssues takes over what another store said of replaced links. A link that was replaced
// stays so.
func (s *Store) PutIssues(ctx context.Context, issues map[string]uint32) error {
	if len(issues) == 0 {
		return nil
	}
	return away("take over replaced links", s.writes.write(ctx, func(t *tx) error {
		for hash, issue := range issues {
			if _, err := t.exec(`INSERT INTO issues (case_hash, issue) VALUES (?, ?)
				ON CONFLICT DO UPDATE SET issue = max(issue, excluded.issue)`, []byte(hash), issue); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (s *Store) caseHash(wave, caseID string) []byte { return mac(s.hashes, "case", wave, caseID)[:20] }

// OpenLink is a link of a wave that anybody may use, until it has brought enough.
type OpenLink struct {
	Wave, Name string
	// Limit is how many interviews are taken through it, Starts how many may be begun;
	// 0 is no limit. The last ones are those that are under way when the limit is
	// reached: they may be finished.
	Limit, Starts int
	// Opens and Closes bound the time in which interviews can be begun; zero is no bound.
	Opens, Closes time.Time
	// Started and Completed count what came through it.
	Started, Completed int
}

// Token is the end of the link's address. Like a resume link it is made from the secret
// and stored as a hash only.
func (s *Store) Token(wave, name string) string {
	return text64.EncodeToString(mac(s.codes, "open link", wave, name)[:tokenBytes])
}

// PutOpenLink keeps an open link, or changes the limits of the one with its name.
func (s *Store) PutOpenLink(ctx context.Context, l OpenLink) error {
	switch {
	case l.Name == "" || len(l.Name) > 64:
		return fmt.Errorf("%w: the name of an open link has 1 to 64 bytes", surveys.ErrInvalid)
	case l.Limit < 0 || l.Starts < 0:
		return fmt.Errorf("%w: the limits of an open link are not negative", surveys.ErrInvalid)
	case !l.Closes.IsZero() && !l.Opens.Before(l.Closes):
		return fmt.Errorf("%w: the open link %q would close before it opens", surveys.ErrInvalid, l.Name)
	}
	return away("keep an open link", s.writes.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO open_links (wave, name, hash, most, starts, opens, closes) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (wave, name) DO UPDATE SET most = excluded.most, starts = excluded.starts, opens = excluded.opens, closes = excluded.closes`,
			l.Wave, l.Name, s.openHash(s.Token(l.Wave, l.Name)), l.Limit, l.Starts, seconds(l.Opens), seconds(l.Closes))
		return err
	}))
}

func (s *Store) openHash(token string) []byte { return mac(s.hashes, "open", token)[:20] }

const selectOpenLink = "SELECT wave, name, most, starts, opens, closes, started, completed FROM open_links"

// OpenLink returns the open link with a token.
func (s *Store) OpenLink(ctx context.Context, token string) (OpenLink, error) {
	l, err := scanOpenLink(s.db.QueryRowContext(ctx, selectOpenLink+" WHERE hash = ?", s.openHash(token)))
	return l, away("find an open link", err)
}

// OpenLinks lists the open links of a wave by name.
func (s *Store) OpenLinks(ctx context.Context, wave string) (list []OpenLink, err error) {
	rows, err := s.db.QueryContext(ctx, selectOpenLink+" WHERE wave = ? ORDER BY name", wave)
	if err != nil {
		return nil, away("list the open links", err)
	}
	defer rows.Close()
	for rows.Next() {
		l, err := scanOpenLink(rows)
		if err != nil {
			return nil, away("list the open links", err)
		}
		list = append(list, l)
	}
	return list, away("list the open links", rows.Err())
}

func scanOpenLink(row interface{ Scan(...any) error }) (l OpenLink, err error) {
	var opens, closes int64
	err = row.Scan(&l.Wave, &l.Name, &l.Limit, &l.Starts, &opens, &closes, &l.Started, &l.Completed)
	l.Opens, l.Closes = moment(opens), moment(closes)
	return l, err
}

// Takes reports whether an interview can be begun through the link now.
func (l OpenLink) Takes(now time.Time) bool {
	switch {
	case l.Limit > 0 && l.Completed >= l.Limit, l.Starts > 0 && l.Started >= l.Starts:
		return false
	case !l.Closes.IsZero() && !now.Before(l.Closes):
		return false
	}
	return !now.Before(l.Opens)
}

// countStart counts a draft that begins through an open link, if the link takes it.
func (t *tx) countStart(d Draft) error {
	if d.Link == "" {
		return nil
	}
	n, err := t.exec(`UPDATE open_links SET started = started + 1 WHERE wave = ? AND name = ?
		AND (most = 0 OR completed < most) AND (starts = 0 OR started < starts)`, d.Wave, d.Link)
	if err == nil && n == 0 {
		err = fmt.Errorf("the open link takes no more: %w", surveys.ErrClosed)
	}
	return err
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
