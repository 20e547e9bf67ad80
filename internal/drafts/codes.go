package drafts

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// Resume is what takes up an interview on another device, until the interview is
// finished or a newer one is asked for: a code to write down, and the end of an address.
type Resume struct{ Code, Link string }

// codeLetters are the digits and letters without I, L, O and U, which look like others
// or make words. Ten of them are 50 bits.
const codeLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// codeLength is that of a code, without the hyphen in its middle.
const codeLength = 10

var code32 = base32.NewEncoding(codeLetters).WithPadding(base32.NoPadding)

// Resume returns what takes up the interview later. It is made from the secret, so that
// it can be shown again although only hashes are stored.
func (s *Store) Resume(ctx context.Context, interview string) (Resume, error) {
	var issue int
	err := s.db.QueryRowContext(ctx, "SELECT code FROM drafts WHERE interview = ?", interview).Scan(&issue)
	if err != nil {
		return Resume{}, away("make a code for resuming", err)
	}
	r, code := s.resume(interview, issue)
	var n int
	if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM keys WHERE hash = ?", s.hash(codeKey, code)).Scan(&n); err != nil {
		return Resume{}, away("make a code for resuming", err)
	}
	if n == 1 {
		return r, nil
	}
	err = s.writes.write(ctx, func(t *tx) error { return t.addResume(s, interview, r, code) })
	return r, away("make a code for resuming", err)
}

// Renew is Resume with a new code and link; the old ones end.
func (s *Store) Renew(ctx context.Context, interview string) (Resume, error) {
	var r Resume
	err := s.writes.write(ctx, func(t *tx) error {
		var issue int
		if err := t.row("UPDATE drafts SET code = code + 1 WHERE interview = ? RETURNING code", []any{interview}, &issue); err != nil {
			return err
		}
		if _, err := t.exec("DELETE FROM keys WHERE interview = ? AND kind <> ?", interview, pageKey); err != nil {
			return err
		}
		var code string
		r, code = s.resume(interview, issue)
		return t.addResume(s, interview, r, code)
	})
	return r, away("make a code for resuming", err)
}

func (t *tx) addResume(s *Store, interview string, r Resume, code string) error {
	if err := t.addKey(s.hash(codeKey, code), interview, codeKey); err != nil {
		return err
	}
	return t.addKey(s.hash(resumeBy, r.Link), interview, resumeBy)
}

// resume makes code and link of an issue; code is also returned as it is hashed.
func (s *Store) resume(interview string, issue int) (r Resume, code string) {
	code = code32.EncodeToString(mac(s.codes, "code", interview, fmt.Sprint(issue)))[:codeLength]
	r.Code = code[:codeLength/2] + "-" + code[codeLength/2:]
	r.Link = text64.EncodeToString(mac(s.codes, "link", interview, fmt.Sprint(issue))[:tokenBytes])
	return r, code
}

// normal is a code as people may type it, as it was made: in small letters, with
// blanks or hyphens, with full-width characters, O for 0 and I or L for 1.
func normal(typed string) string {
	return strings.Map(func(r rune) rune {
		if '！' <= r && r <= '～' {
			r -= '！' - '!'
		}
		switch {
		case r == 'o' || r == 'O':
			return '0'
		case r == 'i' || r == 'I' || r == 'l' || r == 'L':
			return '1'
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case r == '-' || r == ' ' || r == '　' || r == '\t' || r == '—' || r == '–' || r == '_':
			return -1
		}
		return r
	}, typed)
}

// ErrTries is for who typed too many wrong codes.
var ErrTries = fmt.Errorf("too many wrong codes: %w", surveys.ErrUnavailable)

// ByCode returns the interview of a code that somebody typed. network is where they
// sit, as far as the caller knows; after too many wrong codes from there, or from
// everywhere, it is ErrTries until the hour is over, be the code right or wrong.
func (s *Store) ByCode(ctx context.Context, typed, network string, now time.Time) (string, error) {
	if !s.tries.allowed(network, now) {
		return "", ErrTries
	}
	code := normal(typed)
	if len(code) != codeLength || strings.Trim(code, codeLetters) != "" {
		s.tries.wrong(network, now)
		return "", fmt.Errorf("the code is none: %w", surveys.ErrNotFound)
	}
	interview, err := s.behind(ctx, codeKey, code)
	if errors.Is(err, surveys.ErrNotFound) {
		s.tries.wrong(network, now)
	}
	return interview, err
}

// ByLink returns the interview of a resume link.
func (s *Store) ByLink(ctx context.Context, link string) (string, error) {
	return s.behind(ctx, resumeBy, link)
}

// How many wrong codes an hour takes, and of how many networks it is counted. With a
// million interviews under way, a wrong code hits one of them once in 10^9 tries.
const (
	triesOfNetwork = 20
	triesOfAll     = 5000
	maxNetworks    = 20_000
)

// tries counts wrong codes. It lives in memory: after a restart everybody may try anew.
type tries struct {
	mu     sync.Mutex
	hour   time.Time
	all    int
	counts map[string]int
}

func (t *tries) allowed(network string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn(now)
	return t.all < triesOfAll && t.counts[network] < triesOfNetwork
}

func (t *tries) wrong(network string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn(now)
	t.all++
	if _, known := t.counts[network]; known || len(t.counts) < maxNetworks {
		t.counts[network]++
	}
}

// turn begins a new hour.
func (t *tries) turn(now time.Time) {
	if hour := now.Truncate(time.Hour); t.counts == nil || !hour.Equal(t.hour) {
		t.hour, t.all, t.counts = hour, 0, map[string]int{}
	}
}
