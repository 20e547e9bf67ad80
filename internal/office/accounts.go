package office

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/surveys"
)

// PutAccount makes an account, or changes its name, role, area and whether it is disabled. by is
// who does it.
func (s *Store) PutAccount(ctx context.Context, a auth.Account, by string, now time.Time) error {
	if err := a.Check(); err != nil {
		return err
	}
	return s.change(ctx, "keep the account "+a.Login, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO accounts (login, name, role, area, disabled, created) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (login) DO UPDATE SET name = excluded.name, role = excluded.role, area = excluded.area, disabled = excluded.disabled`,
			a.Login, a.Name, a.Role, a.Area, a.Disabled, now.Unix())
		if err == nil {
			err = endSessions(ctx, tx, a.Login) // what the account may do has changed
		}
		if err == nil {
			err = note(ctx, tx, Entry{now, by, "put account", fmt.Sprintf("%s, %s of “%s”, disabled %v", a.Login, a.Role, a.Area, a.Disabled), Done})
		}
		return err
	})
}

func endSessions(ctx context.Context, tx *sql.Tx, login string) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE login = ?", login)
	return err
}

const selectAccount = "SELECT login, name, role, area, disabled, created FROM accounts"

func scanAccount(row interface{ Scan(...any) error }) (a auth.Account, err error) {
	var created int64
	err = row.Scan(&a.Login, &a.Name, &a.Role, &a.Area, &a.Disabled, &created)
	a.Created = time.Unix(created, 0).UTC()
	return a, err
}

// Account returns an account.
func (s *Store) Account(ctx context.Context, login string) (auth.Account, error) {
	a, err := scanAccount(s.db.QueryRowContext(ctx, selectAccount+" WHERE login = ?", login))
	return a, away("read the account", err)
}

// Accounts lists the accounts whose area lies in a given one, by login.
func (s *Store) Accounts(ctx context.Context, area string) ([]auth.Account, error) {
	rows, err := s.db.QueryContext(ctx, selectAccount+" WHERE substr(area, 1, length(?)) = ? ORDER BY login", area, area)
	if err != nil {
		return nil, away("list the accounts", err)
	}
	defer rows.Close()
	var list []auth.Account
	for rows.Next() {
		a, err := scanAccount(rows)
		if err != nil {
			return nil, away("list the accounts", err)
		}
		list = append(list, a)
	}
	return list, away("list the accounts", rows.Err())
}

// SetPassword gives an account a password, ends its sessions and lifts its lock.
func (s *Store) SetPassword(ctx context.Context, login, password, by string, now time.Time) error {
	hash, err := auth.Hash(password)
	if err != nil {
		return err
	}
	return s.change(ctx, "set the password of "+login, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "UPDATE accounts SET password = ?, failed = 0, locked_until = 0 WHERE login = ?", hash, login)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, surveys.ErrNotFound)
		}
		if err := endSessions(ctx, tx, login); err != nil {
			return err
		}
		return note(ctx, tx, Entry{now, by, "set password", login, Done})
	})
}

// ChangePassword changes the password of an account whose owner knows the present one, ends its
// sessions, and counts wrong ones as signing in does. The error wraps ErrSignIn when the
// present password is another one.
func (s *Store) ChangePassword(ctx context.Context, login, old, password string, now time.Time) error {
	token, err := s.SignIn(ctx, login, old, now)
	if err != nil {
		return err
	}
	if err := s.SetPassword(ctx, login, password, login, now); err != nil {
		return errors.Join(err, s.SignOut(ctx, token))
	}
	return nil
}

// The rules of signing in.
const (
	maxFailed   = 5                // wrong passwords before an account is locked
	lockFor     = 15 * time.Minute // and for how long
	SessionIdle = 12 * time.Hour   // a session that is not used ends
	SessionLife = 7 * 24 * time.Hour
)

// ErrSignIn is what everybody gets whose login and password do not let them in, whatever
// the reason: which of the two was wrong is nobody's business.
var ErrSignIn = fmt.Errorf("login and password do not match, or the account is locked for %d minutes after %d wrong ones: %w",
	lockFor/time.Minute, maxFailed, surveys.ErrInvalid)

// SignIn begins a session and returns its token, of which only a hash is stored. The error
// wraps ErrSignIn when it is not to be.
func (s *Store) SignIn(ctx context.Context, login, password string, now time.Time) (token string, err error) {
	hash, err := s.hashToTry(ctx, login)
	if err != nil {
		return "", err
	}
	right := auth.Matches(hash, password)
	renewed := ""
	if right && auth.Outdated(hash) {
		if renewed, err = auth.Hash(password); err != nil {
			return "", err
		}
	}
	changed := false
	err = s.change(ctx, "sign in", func(tx *sql.Tx) error {
		// Others tried at the same time, and the password may be another one by now: what
		// stands here decides.
		var is string
		var disabled bool
		var locked int64
		err := tx.QueryRowContext(ctx, "SELECT password, disabled, locked_until FROM accounts WHERE login = ?", login).Scan(&is, &disabled, &locked)
		barred := disabled || now.Unix() < locked
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return note(ctx, tx, Entry{now, "", "sign in", "unknown login", Refused})
		case err != nil:
			return err
		case !barred && right && is != hash: // it may only have been hashed anew
			changed = true
			return nil
		case barred || !right:
			if err := s.failed(ctx, tx, login, barred, now); err != nil {
				return err
			}
			return note(ctx, tx, Entry{now, login, "sign in", "", Refused})
		}
		token = rand.Text()
		if _, err := tx.ExecContext(ctx, "INSERT INTO sessions (hash, login, created, seen) VALUES (?, ?, ?, ?)", hashOf(token), login, now.Unix(), now.Unix()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE accounts SET failed = 0, locked_until = 0, password = ? WHERE login = ?", cmp.Or(renewed, is), login); err != nil {
			return err
		}
		return note(ctx, tx, Entry{now, login, "sign in", "", Done})
	})
	if err == nil && changed {
		return s.SignIn(ctx, login, password, now)
	}
	if err == nil && token == "" {
		err = ErrSignIn
	}
	return token, err
}

// hashToTry is the password hash of an account. For one that is not there it is that of some
// account, always the same for a login: hashes of earlier versions of the program cost more until
// their owners sign in, and without this the time would tell that a login is known. The hash lets
// nobody in, since SignIn looks for the account again.
func (s *Store) hashToTry(ctx context.Context, login string) (hash string, err error) {
	sum := sha256.Sum256([]byte("login\x00" + login))
	pick := binary.BigEndian.Uint32(sum[:])
	err = s.db.QueryRowContext(ctx, `SELECT coalesce((SELECT password FROM accounts WHERE login = ?),
		(SELECT password FROM accounts ORDER BY login LIMIT 1 OFFSET ? % max(1, (SELECT count(*) FROM accounts))), '')`, login, pick).Scan(&hash)
	return hash, away("sign in", err)
}

// failed counts a wrong password. While an account is locked nothing is counted, so that
// nobody can keep its owner out for ever.
func (s *Store) failed(ctx context.Context, tx *sql.Tx, login string, barred bool, now time.Time) error {
	if barred {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE accounts SET
		locked_until = CASE WHEN failed + 1 >= ? THEN ? ELSE locked_until END,
		failed = CASE WHEN failed + 1 >= ? THEN 0 ELSE failed + 1 END WHERE login = ?`,
		maxFailed, now.Add(lockFor).Unix(), maxFailed, login)
	return err
}

func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte("session\x00" + token))
	return sum[:]
}

// Session returns the account of a session and notes that it is used. It is ErrNotFound
// when there is none, or it has ended.
func (s *Store) Session(ctx context.Context, token string, now time.Time) (auth.Account, error) {
	var created, seen int64
	var a auth.Account
	row := s.db.QueryRowContext(ctx, `SELECT s.created, s.seen, a.login, a.name, a.role, a.area, a.disabled
		FROM sessions s JOIN accounts a ON a.login = s.login WHERE s.hash = ?`, hashOf(token))
	if err := row.Scan(&created, &seen, &a.Login, &a.Name, &a.Role, &a.Area, &a.Disabled); err != nil {
		return a, away("look for the session", err)
	}
	if a.Disabled || now.Sub(time.Unix(seen, 0)) > SessionIdle || now.Sub(time.Unix(created, 0)) > SessionLife {
		return auth.Account{}, errors.Join(away("look for the session", sql.ErrNoRows), s.SignOut(ctx, token))
	}
	if now.Sub(time.Unix(seen, 0)) > time.Minute { // to the minute is enough, and spares the disk
		_, err := s.db.ExecContext(ctx, "UPDATE sessions SET seen = ? WHERE hash = ?", now.Unix(), hashOf(token))
		return a, away("keep the session", err)
	}
	return a, nil
}

// SignOut ends a session.
func (s *Store) SignOut(ctx context.Context, token string) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM sessions WHERE hash = ?", hashOf(token))
	return away("end the session", err)
}

// FormToken is what the forms of a session hold, so that no other site can send them: it
// follows from the session's token and tells nothing about it.
func FormToken(token string) string {
	sum := sha256.Sum256([]byte("form\x00" + token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
