package office

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/surveys"
)

// Device is the tablet of an enumerator.
type Device struct {
	// ID is the UUID that the tablet made, Name what it is called.
	ID, Name string
	// Login is the account of the enumerator, Area that account's area.
	Login, Area string
	Enrolled    time.Time
	// Revoked is when the office stopped listening to it, zero when it listens, and Reason
	// why.
	Revoked time.Time
	Reason  string
	// Contact is when it was last heard of, zero before, and Report what it then said.
	Contact time.Time
	Report  DeviceReport
	// Carried is up to which number the events of its journal were carried out.
	Carried uint64
}

// DeviceReport is what a tablet says of itself. The counts are over its whole life.
type DeviceReport struct {
	App    string `json:"app"`
	Engine string `json:"engine"`
	// Questionnaires are the waves with the versions that it has.
	Questionnaires []string `json:"questionnaires"`
	// Persisted says that the browser keeps what it stores; Quota and Usage are bytes.
	Persisted bool  `json:"persisted"`
	Quota     int64 `json:"quota"`
	Usage     int64 `json:"usage"`
	// Write says that what it wrote for a test could be read again.
	Write bool `json:"write"`
	// Copied says that the second copy of the records is complete, nil when it is not known;
	// Restored how many times the records were brought back from it.
	Copied   *bool `json:"copied,omitempty"`
	Restored int   `json:"restored,omitempty"`
	// Offset is by how many milliseconds its clock is behind the server's.
	Offset   int64    `json:"offset"`
	Battery  *float64 `json:"battery,omitempty"`
	Charging *bool    `json:"charging,omitempty"`
	// Run counts how often the app was opened, Mono the milliseconds since, on a clock that
	// nobody sets: of two reports they tell which is the later one.
	Run  int   `json:"run"`
	Mono int64 `json:"mono"`
	// Last is the highest number in its journal, Unsent how many events no receipt covers,
	// Damaged how many it cannot read.
	Last    uint64 `json:"last"`
	Unsent  int    `json:"unsent"`
	Damaged int    `json:"damaged"`
	// Open is how many interviews are under way, Begun how many were begun at all.
	Open       int `json:"open"`
	Begun      int `json:"begun"`
	Finished   int `json:"finished"`
	Parted     int `json:"parted"`
	Attempts   int `json:"attempts"`
	Selections int `json:"selections"`
	Relists    int `json:"relists"`
	Notes      int `json:"notes"`
}

// maxReport is the most bytes of a report that are kept.
const maxReport = 16 << 10

// TokenLife is how long a tablet can be enrolled with a token.
const TokenLife = 72 * time.Hour

// Why a tablet is not enrolled, or not listened to.
var (
	ErrTokenUnknown = fmt.Errorf("there is no such code for a tablet; type it again, or ask for a new one: %w", surveys.ErrNotFound)
	ErrTokenExpired = fmt.Errorf("the code has expired; ask for a new one: %w", surveys.ErrClosed)
	ErrTokenUsed    = fmt.Errorf("another tablet was enrolled with this code; ask for a new one: %w", surveys.ErrConflict)
	ErrRevoked      = fmt.Errorf("the tablet was revoked; ask the supervisor: %w", surveys.ErrClosed)
	// ErrBarred is for a tablet whose account is disabled, or no enumerator's any more: unlike
	// one that was revoked it may be listened to again.
	ErrBarred = fmt.Errorf("the account of the tablet is disabled, or no enumerator's; ask the supervisor: %w", surveys.ErrClosed)
)

// secretHash is what is stored of a token or secret; a purpose keeps one from being used as
// the other.
func secretHash(purpose, secret string) []byte {
	sum := sha256.Sum256([]byte(purpose + "\x00" + secret))
	return sum[:]
}

// NewEnrolment makes a token with which one tablet of an enumerator is enrolled, once. The
// account that makes it may assign cases, and the enumerator's area lies in its own; to
// others the enumerator is ErrNotFound.
func (s *Store) NewEnrolment(ctx context.Context, by auth.Account, login string, now time.Time) (token string, expires time.Time, err error) {
	entry := Entry{now, by.Login, "make tablet code", login, Refused}
	if !by.May(auth.AssignCases) {
		return "", expires, errors.Join(fmt.Errorf("make a code for a tablet: %w", ErrForbidden), s.Note(ctx, entry))
	}
	token, expires = rand.Text(), now.Add(TokenLife).Truncate(time.Second)
	found := true
	err = s.change(ctx, "make a code for a tablet", func(tx *sql.Tx) error {
		a, err := scanAccount(tx.QueryRowContext(ctx, selectAccount+" WHERE login = ?", login))
		if errors.Is(err, sql.ErrNoRows) || err == nil && (a.Role != auth.Enumerator || a.Disabled || !by.Sees(a.Area)) {
			found = false
			return note(ctx, tx, entry)
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO enrolments (hash, login, who, made, expires) VALUES (?, ?, ?, ?, ?)",
			secretHash("enrol", token), login, by.Login, now.Unix(), expires.Unix())
		if err != nil {
			return err
		}
		entry.Outcome = Done
		return note(ctx, tx, entry)
	})
	if err == nil && !found {
		err = fmt.Errorf("make a code for a tablet of %q: there is no such enumerator in the area: %w", login, surveys.ErrNotFound)
	}
	if err != nil {
		return "", time.Time{}, err
	}
	return token, expires, nil
}

// isUUID matches the usual form of a UUID, in small letters.
var isUUID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// checkDevice says what is wrong with what a tablet says of itself.
func checkDevice(device, secret, name string) error {
	fault := func(what string) error { return fmt.Errorf("enrol a tablet: %s: %w", what, surveys.ErrInvalid) }
	random, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(secret, "="))
	switch {
	case !isUUID.MatchString(device):
		return fault("its ID is not a UUID in small letters")
	case err != nil || len(random) < 32 || len(secret) > 200:
		return fault("its secret is not 32 random bytes in base64url")
	case strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > 60 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return fault("its name has 1 to 60 characters, all in one line")
	}
	return nil
}

// Enrol takes a tablet in and returns the account of its enumerator. The same token, device
// and secret again give the same answer. Errors wrap ErrTokenUnknown, ErrTokenExpired,
// ErrTokenUsed, ErrRevoked, or surveys.ErrConflict for a tablet that another token enrolled.
func (s *Store) Enrol(ctx context.Context, token, device, secret, name string, now time.Time) (a auth.Account, err error) {
	if err := checkDevice(device, secret, name); err != nil {
		return a, err
	}
	var refused error
	err = s.change(ctx, "enrol the tablet", func(tx *sql.Tx) error {
		a, refused, err = enrol(ctx, tx, token, Device{ID: device, Name: name, Enrolled: now}, secretHash("device", secret))
		if err != nil {
			return err
		}
		outcome := Done
		if refused != nil {
			outcome = Refused
		}
		return note(ctx, tx, Entry{now, a.Login, "enrol tablet", device, outcome})
	})
	if err = errors.Join(err, refused); err != nil {
		return auth.Account{}, err
	}
	return a, nil
}

// enrol is Enrol within a transaction; refused is for the tablet, and then nothing changed.
func enrol(ctx context.Context, tx *sql.Tx, token string, d Device, secret []byte) (a auth.Account, refused, err error) {
	var used string
	var expires int64
	row := tx.QueryRowContext(ctx, "SELECT login, expires, device FROM enrolments WHERE hash = ?", secretHash("enrol", token))
	if err := row.Scan(&d.Login, &expires, &used); errors.Is(err, sql.ErrNoRows) {
		return a, ErrTokenUnknown, nil
	} else if err != nil {
		return a, nil, err
	}
	if a, err = scanAccount(tx.QueryRowContext(ctx, selectAccount+" WHERE login = ?", d.Login)); err != nil {
		return a, nil, err
	}
	var has []byte
	var revoked int64
	err = tx.QueryRowContext(ctx, "SELECT secret, revoked FROM devices WHERE id = ?", d.ID).Scan(&has, &revoked)
	known := err == nil
	if err != nil && !known && !errors.Is(err, sql.ErrNoRows) {
		return a, nil, err
	}
	same := subtle.ConstantTimeCompare(has, secret) == 1
	switch {
	case used != "" && (used != d.ID || !same):
		return a, ErrTokenUsed, nil
	case revoked != 0 || !a.May(auth.Attempt):
		return a, ErrRevoked, nil
	case used != "":
		return a, nil, nil
	case d.Enrolled.Unix() >= expires:
		return a, ErrTokenExpired, nil
	case known:
		return a, fmt.Errorf("a tablet of this ID was enrolled before; empty its storage and begin anew: %w", surveys.ErrConflict), nil
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO devices (id, login, name, secret, enrolled) VALUES (?, ?, ?, ?, ?)", d.ID, d.Login, d.Name, secret, d.Enrolled.Unix())
	if err == nil {
		_, err = tx.ExecContext(ctx, "UPDATE enrolments SET device = ? WHERE hash = ?", d.ID, secretHash("enrol", token))
	}
	return a, nil, err
}

const selectDevice = `SELECT d.id, d.name, d.login, a.area, d.enrolled, d.revoked, d.reason, d.contact, d.report, d.carried
	FROM devices d JOIN accounts a ON a.login = d.login`

func scanDevice(row interface{ Scan(...any) error }) (d Device, err error) {
	var enrolled, revoked, contact, carried int64
	var report []byte
	if err := row.Scan(&d.ID, &d.Name, &d.Login, &d.Area, &enrolled, &revoked, &d.Reason, &contact, &report, &carried); err != nil {
		return d, err
	}
	d.Enrolled, d.Revoked, d.Contact, d.Carried = momentOf(enrolled), momentOf(revoked), momentOf(contact), uint64(carried)
	if len(report) > 0 {
		err = json.Unmarshal(report, &d.Report)
	}
	return d, err
}

// Device returns the tablet that knows a secret. It is ErrNotFound when there is none, or it
// has another secret, and ErrRevoked or ErrBarred when the office does not listen to it.
func (s *Store) Device(ctx context.Context, id, secret string) (Device, error) {
	var has []byte
	var disabled bool
	var role auth.Role
	err := s.db.QueryRowContext(ctx, "SELECT d.secret, a.disabled, a.role FROM devices d JOIN accounts a ON a.login = d.login WHERE d.id = ?", id).Scan(&has, &disabled, &role)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Device{}, away("look for the tablet", err)
	}
	if subtle.ConstantTimeCompare(has, secretHash("device", secret)) != 1 { // has is empty when there is none
		return Device{}, fmt.Errorf("look for the tablet: %w", surveys.ErrNotFound)
	}
	d, err := s.device(ctx, id)
	switch {
	case err != nil:
	case !d.Revoked.IsZero():
		err = ErrRevoked
	case !(auth.Account{Role: role, Disabled: disabled}).May(auth.Attempt):
		err = ErrBarred
	}
	return d, err
}

// DeviceKey is what a tablet and the office have in common, and nobody else: a hash of its
// secret.
func (s *Store) DeviceKey(ctx context.Context, id string) (key []byte, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT secret FROM devices WHERE id = ?", id).Scan(&key)
	return key, away("look for the tablet", err)
}

// device returns a tablet, whoever asks.
func (s *Store) device(ctx context.Context, id string) (Device, error) {
	d, err := scanDevice(s.db.QueryRowContext(ctx, selectDevice+" WHERE d.id = ?", id))
	return d, away("read the tablet", err)
}

// seesDevices says whether an account has to do with the tablets in its area.
func seesDevices(a auth.Account) bool { return a.May(auth.AssignCases) || a.May(auth.Review) }

// Devices lists the tablets of the enumerators in the area of an account, by enumerator, also
// those that were revoked.
func (s *Store) Devices(ctx context.Context, a auth.Account) ([]Device, error) {
	if !seesDevices(a) {
		return nil, fmt.Errorf("list the tablets: %w", ErrForbidden)
	}
	rows, err := s.db.QueryContext(ctx, selectDevice+" WHERE substr(a.area, 1, length(?)) = ? ORDER BY d.login, d.enrolled, d.id", a.Area, a.Area)
	if err != nil {
		return nil, away("list the tablets", err)
	}
	defer rows.Close()
	var list []Device
	for rows.Next() {
		d, err := scanDevice(rows)
		if err != nil {
			return nil, away("list the tablets", err)
		}
		list = append(list, d)
	}
	return list, away("list the tablets", rows.Err())
}

// DeviceOf returns a tablet of an enumerator in the area of an account; to others it is
// ErrNotFound.
func (s *Store) DeviceOf(ctx context.Context, a auth.Account, id string) (Device, error) {
	d, err := s.device(ctx, id)
	if err == nil && (!seesDevices(a) || !a.Sees(d.Area)) {
		return Device{}, fmt.Errorf("read the tablet: %w", surveys.ErrNotFound)
	}
	return d, err
}

// Revoke stops listening to a tablet. What it sent before is carried out, and a rescue file of
// it is still taken.
func (s *Store) Revoke(ctx context.Context, a auth.Account, id, reason string, now time.Time) error {
	if strings.TrimSpace(reason) == "" || len(reason) > maxWords {
		return fmt.Errorf("revoke the tablet: say why, in at most %d bytes: %w", maxWords, surveys.ErrInvalid)
	}
	entry := Entry{now, a.Login, "revoke tablet", id, Refused}
	_, err := s.DeviceOf(ctx, a, id)
	if err == nil && !a.May(auth.AssignCases) {
		err = fmt.Errorf("revoke the tablet: %w", ErrForbidden)
	}
	if err != nil {
		return errors.Join(err, s.Note(ctx, entry))
	}
	return s.change(ctx, "revoke the tablet", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "UPDATE devices SET revoked = ?, reason = ? WHERE id = ? AND revoked = 0", now.Unix(), reason, id)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("it was revoked before: %w", surveys.ErrConflict))
		}
		entry.Outcome = Done
		return note(ctx, tx, entry)
	})
}

// maxWords is the greatest length of what somebody says about a tablet, in bytes.
const maxWords = 6000

// Contact notes that a tablet was heard of, and what it said of itself, unless it said
// something later before: requests overtake one another.
func (s *Store) Contact(ctx context.Context, device string, report DeviceReport, now time.Time) error {
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	if len(text) > maxReport {
		return fmt.Errorf("the report of the tablet has %d bytes; at most %d are kept: %w", len(text), maxReport, surveys.ErrTooLarge)
	}
	return s.change(ctx, "note that the tablet was heard of", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE devices SET contact = ?, report = CASE
			WHEN report <> '' AND (coalesce(report ->> 'run', 0), coalesce(report ->> 'mono', 0)) > (?, ?) THEN report ELSE ? END WHERE id = ?`,
			now.Unix(), report.Run, report.Mono, string(text), device)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, surveys.ErrNotFound)
		}
		return nil
	})
}
