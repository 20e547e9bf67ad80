package office

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/surveys"
)

// Draw is what the office keeps of the draw of a wave, beside its file.
type Draw struct {
	Wave string
	At   time.Time
	Who  string
	// Hash is the SHA-256 of the draw file, Released how many replicates of its reserve are
	// cases.
	Hash     string
	Released int
	// Method selects one person of each household, 0 when persons were drawn. Seal binds
	// the office to the secret of the numbers, and is published at the draw.
	Method household.Method
	Seal   household.Digest
}

// NewDraw is a draw that becomes the cases of a wave.
type NewDraw struct {
	Wave     string
	Draw     *fieldwork.Draw
	Released int
	// Cases are those of the draw with what was added to them, such as booklets.
	Cases []fieldwork.Case
	// Frame is the file that was drawn from, nil when it is not at hand.
	Frame []byte
	By    string
	At    time.Time
	// Random is what the secret of the numbers is made of: 32 random bytes unless it is
	// given, as in a simulation that is to be repeated.
	Random []byte
}

// PutDraw keeps a draw and its cases, in one step: with it every household gets a secret
// number, of which only a commitment is told. The same draw again changes nothing, with
// more replicates released it adds their cases; another draw is an ErrConflict.
func (s *Store) PutDraw(ctx context.Context, n NewDraw) error {
	var file bytes.Buffer
	if err := n.Draw.Write(&file); err != nil {
		return err
	}
	sum := sha256.Sum256(file.Bytes())
	hash := hex.EncodeToString(sum[:])
	return s.change(ctx, "keep the draw of wave "+n.Wave, func(tx *sql.Tx) error {
		had, random, err := drawOf(ctx, tx, n.Wave)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			if random = n.Random; random == nil {
				random = make([]byte, 32)
				rand.Read(random)
			}
			err = insertDraw(ctx, tx, n, file.Bytes(), hash, random)
		case err != nil:
		case had.Hash != hash:
			err = fmt.Errorf("the wave has another draw, of %s; a further draw needs a wave of its own: %w", had.At.Format(time.DateOnly), surveys.ErrConflict)
		case had.Released > n.Released:
			err = fmt.Errorf("%d replicates are released, and that cannot be taken back: %w", had.Released, surveys.ErrConflict)
		case had.Released < n.Released:
			_, err = tx.ExecContext(ctx, "UPDATE draws SET released = ? WHERE wave = ?", n.Released, n.Wave)
		}
		if err != nil {
			return err
		}
		if n.Frame != nil {
			if err := putFrame(ctx, tx, n); err != nil {
				return err
			}
		}
		secret, err := household.NewSecret(random)
		if err != nil {
			return err
		}
		add := newCases{wave: n.Wave, method: n.Draw.Method(), reweigh: had.Released < n.Released}
		if add.method != 0 {
			add.commit = func(id string) string { return secret.Number(id).Commitment().String() }
		}
		if err := add.put(ctx, tx, n.Cases); err != nil {
			return err
		}
		return note(ctx, tx, Entry{n.At, n.By, "put draw", fmt.Sprintf("wave %s, file %.12s, %d cases, %d replicates released", n.Wave, hash, len(n.Cases), n.Released), Done})
	})
}

func insertDraw(ctx context.Context, tx *sql.Tx, n NewDraw, file []byte, hash string, random []byte) error {
	secret, err := household.NewSecret(random)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO draws (wave, at, who, file, hash, released, method, secret, seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		n.Wave, n.At.Unix(), n.By, file, hash, n.Released, n.Draw.Method(), random, secret.Seal().String())
	return err
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// drawOf reads a draw and the random bytes of its secret.
func drawOf(ctx context.Context, q querier, wave string) (d Draw, random []byte, err error) {
	var at int64
	var seal []byte
	row := q.QueryRowContext(ctx, "SELECT wave, at, who, hash, released, method, secret, seal FROM draws WHERE wave = ?", wave)
	if err := row.Scan(&d.Wave, &at, &d.Who, &d.Hash, &d.Released, &d.Method, &random, &seal); err != nil {
		return d, nil, err
	}
	d.At = time.Unix(at, 0).UTC()
	return d, random, d.Seal.UnmarshalText(seal)
}

// Draw returns the draw of a wave; ErrNotFound when its cases were not drawn here.
func (s *Store) Draw(ctx context.Context, wave string) (Draw, error) {
	d, _, err := drawOf(ctx, s.db, wave)
	return d, away("read the draw", err)
}

// DrawText returns the draw file of a wave as it was kept.
func (s *Store) DrawText(ctx context.Context, wave string) (file []byte, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT file FROM draws WHERE wave = ?", wave).Scan(&file)
	return file, away("read the draw", err)
}

// DrawFile returns the draw of a wave whole, as it can be drawn again.
func (s *Store) DrawFile(ctx context.Context, wave string) (*fieldwork.Draw, error) {
	file, err := s.DrawText(ctx, wave)
	if err != nil {
		return nil, err
	}
	return fieldwork.ReadDraw("the draw of wave "+wave, bytes.NewReader(file))
}

// Secret returns the secret of a draw, which is told when fieldwork is over; household.Audit
// shows with it that all numbers came from it.
func (s *Store) Secret(ctx context.Context, wave string) (household.Secret, error) {
	_, random, err := drawOf(ctx, s.db, wave)
	if err != nil {
		return household.Secret{}, away("read the secret of the draw", err)
	}
	return household.NewSecret(random)
}

// SeesAll says whether all cases of a wave lie in the area of an account, which then may see
// what is about the wave as a whole.
func (s *Store) SeesAll(ctx context.Context, a auth.Account, wave string) (bool, error) {
	condition, values := within(a.Area)
	var outside bool
	err := s.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM cases WHERE wave = ? AND NOT ("+condition+"))", append([]any{wave}, values...)...).Scan(&outside)
	return !outside, away("look for the areas of the wave", err)
}

// Whole says whether an account may see the draw of a wave: it sees all of its cases. One that
// may not finds nothing, and the try stands in the audit trail.
func (s *Store) Whole(ctx context.Context, a auth.Account, wave string, now time.Time) error {
	switch all, err := s.SeesAll(ctx, a, wave); {
	case err != nil:
		return err
	case !all:
		return errors.Join(fmt.Errorf("the draw of wave %s has cases outside of area %s: %w", wave, a.Area, surveys.ErrNotFound), s.Note(ctx, Entry{now, a.Login, "read draw", wave, Refused}))
	}
	return nil
}

// Committed lists what the office was bound to at the draw of the cases that an account may
// see, by case, with the line that was interviewed where an interview stands;
// household.Replay holds the evidence against it.
func (s *Store) Committed(ctx context.Context, a auth.Account, wave string) ([]household.Committed, error) {
	d, err := s.Draw(ctx, wave)
	if err != nil {
		return nil, err
	}
	condition, values := visible(a)
	var list []household.Committed
	err = s.eachCase(ctx, "commitment <> '' AND "+condition, append([]any{wave}, values...), func(c Case) error {
		k := household.Committed{Case: c.ID, Method: d.Method}
		switch {
		case c.Interview == "":
		case c.Selection == nil || len(c.Differs) > 0:
			k.Interviewed = household.SomebodyElse
		default:
			k.Interviewed = c.Selection.Line
		}
		list = append(list, k)
		return list[len(list)-1].Commitment.UnmarshalText([]byte(c.Commitment))
	})
	return list, err
}

// Evidence is a selection with who made it.
type Evidence struct {
	household.Evidence
	Who string
}

// Evidence lists the selections in a wave that an account may see, in the order in which they
// were made.
func (s *Store) Evidence(ctx context.Context, a auth.Account, wave string) (list []Evidence, err error) {
	condition, values := visible(a)
	err = s.events(ctx, `SELECT event FROM events WHERE wave = ? AND event ->> 'action' = 'select'
		AND id IN (SELECT id FROM cases WHERE wave = ? AND `+condition+`) ORDER BY event ->> 'at', id, n`,
		append([]any{wave, wave}, values...), func(e fieldwork.Event) {
			if e.Selection != nil {
				list = append(list, Evidence{*e.Selection, e.Who})
			}
		})
	return list, err
}

// Relisting is a listing that was changed after somebody was selected from the first one.
type Relisting struct {
	Case, Who string
	At        time.Time
	// Before is how many persons were eligible when one was selected, After how many are in
	// the new listing.
	Before, After int
}

// Relistings lists those in a wave that an account may see, by case and in order.
func (s *Store) Relistings(ctx context.Context, a auth.Account, wave string) (list []Relisting, err error) {
	condition, values := visible(a)
	before := map[string]int{}
	err = s.eachCase(ctx, "id IN (SELECT id FROM events WHERE wave = ? AND event ->> 'action' = 'relist') AND "+condition, append([]any{wave, wave}, values...), func(c Case) error {
		if c.Selection != nil {
			before[c.ID] = c.Selection.K
		}
		return nil
	})
	if err != nil || len(before) == 0 {
		return nil, err
	}
	err = s.events(ctx, "SELECT event FROM events WHERE wave = ? AND event ->> 'action' = 'relist' ORDER BY id, n", []any{wave}, func(e fieldwork.Event) {
		if e.Selection == nil {
			return
		}
		l := e.Selection.Listing
		if k, seen := before[l.Case]; seen {
			list = append(list, Relisting{Case: l.Case, Who: e.Who, At: e.At, Before: k, After: l.Eligible()})
		}
	})
	return list, err
}

// Select has one person of a household selected: it keeps the listing, and only then
// reveals the number of the case. A second listing is refused, with a line in the audit
// trail; the same one again gives what it gave.
func (s *Store) Select(ctx context.Context, a auth.Account, wave, id string, l household.Listing, now time.Time) (household.Evidence, error) {
	c, err := s.Case(ctx, a, wave, id, now)
	if err != nil {
		return household.Evidence{}, err
	}
	_, random, err := drawOf(ctx, s.db, wave)
	if err != nil {
		return household.Evidence{}, away("read the draw", err)
	}
	secret, err := household.NewSecret(random)
	if err != nil {
		return household.Evidence{}, err
	}
	l.Case = id
	e, err := household.Reveal(l, secret.Number(id))
	if err != nil {
		return household.Evidence{}, err
	}
	if c.Selection != nil {
		return s.selectedBefore(ctx, a, c, e, now)
	}
	_, err = s.Act(ctx, a, wave, id, c.Changes, fieldwork.Event{At: now, Action: fieldwork.Select, Selection: &e}, fieldwork.DefaultAttemptRules)
	return e, err
}

// selectedBefore answers who lists a household again.
func (s *Store) selectedBefore(ctx context.Context, a auth.Account, c Case, e household.Evidence, now time.Time) (household.Evidence, error) {
	list, err := s.Events(ctx, c.Wave, c.ID)
	if err != nil {
		return household.Evidence{}, err
	}
	for _, was := range list {
		if was.Action == fieldwork.Select && was.Selection != nil && was.Selection.Locked == e.Locked {
			return *was.Selection, nil
		}
	}
	refused := fmt.Errorf("line %d of %d eligible persons was selected from an earlier listing, and that stands, even if the listing was wrong; a supervisor can put that on record as the reason of a review or the remark of a back-check: %w", c.Selection.Line, c.Selection.K, surveys.ErrConflict)
	return household.Evidence{}, errors.Join(refused, s.Note(ctx, Entry{now, a.Login, "select again", c.Wave + " " + c.ID, Refused}))
}
