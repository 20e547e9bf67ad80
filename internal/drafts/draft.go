package drafts

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/suyang-survey/suyang/internal/secret"
	"github.com/suyang-survey/suyang/surveys"
)

// Token opens a draft for one device. It is random, and only its hash is stored.
type Token string

// tokenBytes is the length of tokens and resume links.
const tokenBytes = 16

// text64 writes tokens, strictly: one text stands for one run of bytes.
var text64 = base64.RawURLEncoding.Strict()

// The kinds of keys.
const (
	pageKey  = 1
	codeKey  = 2
	resumeBy = 3 // a resume link
)

// Begin keeps a new draft and returns a token for it. It wraps surveys.ErrConflict
// when the interview has a draft already, and surveys.ErrClosed when the draft's open
// link takes no more.
func (s *Store) Begin(ctx context.Context, d Draft) (Token, error) {
	sealed, err := s.seal(d)
	if err != nil {
		return "", err
	}
	unlock, err := s.locks.lock(ctx, d.Interview) // another window may begin it too, and change it at once
	if err != nil {
		return "", err
	}
	defer unlock()
	token, hash := s.newToken()
	err = s.writes.write(context.WithoutCancel(ctx), func(t *tx) error {
		if err := t.countStart(d); err != nil {
			return err
		}
		n, err := t.exec(`INSERT INTO drafts (interview, wave, version, link, state, updated, last, sealed)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			d.Interview, d.Wave, d.Version, d.Link, d.State, d.Updated.Unix(), d.Last, sealed)
		if err == nil && n == 0 {
			err = surveys.ErrConflict
		}
		if err != nil {
			return err
		}
		return t.addKey(hash, d.Interview, pageKey)
	})
	if err == nil {
		s.recent.opens(hash, d.Interview)
		s.recent.keep(d)
	}
	return token, away("begin an interview", err)
}

// Grant returns a further token for a draft, for another device.
func (s *Store) Grant(ctx context.Context, interview string) (Token, error) {
	token, hash := s.newToken()
	err := s.writes.write(ctx, func(t *tx) error { return t.addKey(hash, interview, pageKey) })
	return token, away("let a device take up an interview", err)
}

func (t *tx) addKey(hash []byte, interview string, kind int) error {
	_, err := t.exec("INSERT INTO keys (hash, interview, kind) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", hash, interview, kind)
	return err
}

func (s *Store) newToken() (Token, []byte) {
	raw := make([]byte, tokenBytes)
	rand.Read(raw)
	token := text64.EncodeToString(raw)
	return Token(token), s.hash(pageKey, token)
}

// hash is what is stored of a token or code.
func (s *Store) hash(kind int, token string) []byte {
	return mac(s.hashes, fmt.Sprint(kind), token)[:20]
}

// Interview returns the interview that a token opens.
func (s *Store) Interview(ctx context.Context, token Token) (string, error) {
	raw, err := text64.DecodeString(string(token))
	if err != nil || len(raw) != tokenBytes {
		return "", fmt.Errorf("the token is none: %w", surveys.ErrNotFound)
	}
	hash := s.hash(pageKey, string(token))
	if interview, ok := s.recent.interview(hash); ok {
		return interview, nil
	}
	interview, err := s.behind(ctx, pageKey, string(token))
	if err == nil {
		s.recent.opens(hash, interview)
	}
	return interview, err
}

func (s *Store) behind(ctx context.Context, kind int, token string) (interview string, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT interview FROM keys WHERE hash = ? AND kind = ?", s.hash(kind, token), kind).Scan(&interview)
	return interview, away("find an interview under way", err)
}

// Get returns the draft of an interview; do not change its body.
func (s *Store) Get(ctx context.Context, interview string) (Draft, error) {
	if d, ok := s.recent.draft(interview); ok {
		return d, nil
	}
	d, err := scan(s.db.QueryRowContext(ctx, selectDraft+" WHERE interview = ?", interview))
	if err != nil {
		return Draft{}, away("read an interview under way", err)
	}
	return s.unseal(d)
}

const selectDraft = "SELECT interview, wave, version, link, state, updated, last, sealed FROM drafts"

// scan reads a draft whose body is still sealed.
func scan(row interface{ Scan(...any) error }) (d Draft, err error) {
	var updated int64
	err = row.Scan(&d.Interview, &d.Wave, &d.Version, &d.Link, &d.State, &updated, &d.Last, &d.Body)
	d.Updated = time.Unix(updated, 0).UTC()
	return d, err
}

// Change lets change alter the draft of an interview and keeps the outcome. No other
// change of the same draft happens meanwhile. An error of change is returned as it is,
// and nothing is kept. A draft that becomes Finished counts for its open link, and its
// resume codes end.
func (s *Store) Change(ctx context.Context, interview string, change func(*Draft) error) (Draft, error) {
	unlock, err := s.locks.lock(ctx, interview)
	if err != nil {
		return Draft{}, err
	}
	defer unlock()
	d, err := s.Get(ctx, interview)
	if err != nil {
		return Draft{}, err
	}
	before := d.State
	if err := change(&d); err != nil {
		return Draft{}, err
	}
	sealed, err := s.seal(d)
	if err != nil {
		return Draft{}, err
	}
	err = s.writes.write(context.WithoutCancel(ctx), func(t *tx) error {
		if before != Finished && d.State == Finished {
			if err := t.finish(d); err != nil {
				return err
			}
		}
		n, err := t.exec("UPDATE drafts SET state = ?, updated = ?, last = ?, sealed = ? WHERE interview = ?",
			d.State, d.Updated.Unix(), d.Last, sealed, d.Interview)
		if err == nil && n == 0 {
			err = surveys.ErrNotFound
		}
		return err
	})
	if err != nil {
		s.recent.forget(interview)
	} else {
		s.recent.keep(d)
	}
	return d, away("keep an interview under way", err)
}

// finish counts a draft that is finished, and ends its resume codes.
func (t *tx) finish(d Draft) error {
	if d.Link != "" {
		if _, err := t.exec("UPDATE open_links SET completed = completed + 1 WHERE wave = ? AND name = ?", d.Wave, d.Link); err != nil {
			return err
		}
	}
	_, err := t.exec("DELETE FROM keys WHERE interview = ? AND kind <> ?", d.Interview, pageKey)
	return err
}

// Complete notes that an interview was accepted which has no draft, or whose draft was
// overtaken by another device: its links say so from now on.
func (s *Store) Complete(ctx context.Context, d Draft) error {
	d.State, d.Link = Finished, ""
	sealed, err := s.seal(d)
	if err != nil {
		return err
	}
	unlock, err := s.locks.lock(ctx, d.Interview)
	if err != nil {
		return err
	}
	defer unlock()
	s.recent.forget(d.Interview)
	return away("note that an interview is finished", s.writes.write(context.WithoutCancel(ctx), func(t *tx) error {
		_, err := t.exec(`INSERT INTO drafts (interview, wave, version, link, state, updated, last, sealed)
			VALUES (?, ?, ?, '', ?, ?, ?, ?)
			ON CONFLICT (interview) DO UPDATE SET wave = excluded.wave, version = excluded.version,
				state = excluded.state, updated = excluded.updated, last = excluded.last, sealed = excluded.sealed`,
			d.Interview, d.Wave, d.Version, d.State, d.Updated.Unix(), d.Last, sealed)
		if err == nil {
			err = t.finish(d)
		}
		return err
	}))
}

// Idle lists all interviews of a state whose answers were last set before a time, the
// oldest first, of one wave or, with "", of all.
func (s *Store) Idle(ctx context.Context, state State, wave string, before time.Time) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT interview FROM drafts
		WHERE state = ? AND updated < ? AND (? = '' OR wave = ?) ORDER BY updated, interview`, state, before.Unix(), wave, wave)
	if err != nil {
		return nil, away("look for interviews that were broken off", err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, away("look for interviews that were broken off", err)
		}
		list = append(list, id)
	}
	return list, away("look for interviews that were broken off", rows.Err())
}

// Forget removes the draft of an interview and all that opens it.
func (s *Store) Forget(ctx context.Context, interview string) error {
	unlock, err := s.locks.lock(ctx, interview)
	if err != nil {
		return err
	}
	defer unlock()
	defer s.recent.forgetTokens()
	s.recent.forget(interview)
	return away("forget an interview", s.writes.write(context.WithoutCancel(ctx), func(t *tx) error { return t.forget(interview) }))
}

func (t *tx) forget(interview string) error {
	_, err := t.exec("DELETE FROM keys WHERE interview = ?", interview)
	if err == nil {
		_, err = t.exec("DELETE FROM drafts WHERE interview = ?", interview)
	}
	return err
}

// Drop removes the draft of an interview in which nothing was answered, if empty says so of
// its present state; its open link gets the start back.
func (s *Store) Drop(ctx context.Context, interview string, empty func(Draft) bool) error {
	unlock, err := s.locks.lock(ctx, interview)
	if err != nil {
		return err
	}
	defer unlock()
	d, err := s.Get(ctx, interview)
	if errors.Is(err, surveys.ErrNotFound) {
		return nil
	}
	if err != nil || !empty(d) {
		return err
	}
	defer s.recent.forgetTokens()
	s.recent.forget(interview)
	return away("forget an interview without answers", s.writes.write(context.WithoutCancel(ctx), func(t *tx) error {
		if d.Link != "" {
			if _, err := t.exec("UPDATE open_links SET started = max(started - 1, 0) WHERE wave = ? AND name = ?", d.Wave, d.Link); err != nil {
				return err
			}
		}
		return t.forget(interview)
	}))
}

// seal hides and authenticates a body. What stands beside it in clear and must not be
// exchanged for that of another draft is bound to it.
func (s *Store) seal(d Draft) ([]byte, error) {
	if len(d.Body) > MaxBody {
		return nil, fmt.Errorf("an interview under way of %d bytes, at most %d are kept: %w", len(d.Body), MaxBody, surveys.ErrTooLarge)
	}
	aead, err := s.aead(d)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, d.Body, d.bind()), nil
}

func (s *Store) unseal(d Draft) (Draft, error) {
	aead, err := s.aead(d)
	if err != nil {
		return Draft{}, err
	}
	if d.Body, err = aead.Open(nil, nil, d.Body, d.bind()); err != nil {
		return Draft{}, fmt.Errorf("an interview under way is damaged, or the secret of the installation is another; restore both from one backup: %w", err)
	}
	return d, nil
}

func (d Draft) bind() []byte { return []byte(d.Interview + "\x00" + d.Wave + "\x00" + d.Version) }

func (s *Store) aead(d Draft) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret.For(s.key, "draft "+d.Interview))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// locks let one change of a draft happen at a time. Drafts that share a place wait for
// each other too, which does no harm but costs a moment.
type locks [256]chan struct{}

var lockSeed = maphash.MakeSeed()

func (l *locks) lock(ctx context.Context, name string) (unlock func(), err error) {
	place := l[maphash.String(lockSeed, name)%uint64(len(l))]
	select {
	case place <- struct{}{}:
		return func() { <-place }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another page of the same interview: %w", errors.Join(surveys.ErrUnavailable, ctx.Err()))
	}
}

func newLocks() (l locks) {
	for i := range l {
		l[i] = make(chan struct{}, 1)
	}
	return l
}
