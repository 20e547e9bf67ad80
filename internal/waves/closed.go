package waves

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// The marks of a wave: its pages take no more answers; it is answered through links only;
// when its fieldwork is planned to be.
const (
	ClosedFile    = "closed" // with the time when it was
	linksOnlyFile = "links-only"
	fieldworkFile = "fieldwork"
)

// Period is from the first to the last day of something, at 00:00 in China; zero when it is
// not known.
type Period struct{ First, Last time.Time }

// Year is that of the last day, which surveys are named after; 0 when it is not known.
func (p Period) Year() int {
	if p.Last.IsZero() {
		return 0
	}
	return p.Last.In(surveys.ChinaTime).Year()
}

// SetFieldwork plans the days of a wave's fieldwork; it may be planned anew.
func (f Folder) SetFieldwork(id string, p Period) error {
	if _, err := f.Load(id); err != nil {
		return err
	}
	if p.First.IsZero() || p.Last.Before(p.First) {
		return fmt.Errorf("plan the fieldwork of wave %s: it ends on %s, before it begins: %w", id, p.Last.Format(time.DateOnly), surveys.ErrInvalid)
	}
	text := p.First.Format(time.DateOnly) + " " + p.Last.Format(time.DateOnly) + "\n"
	if err := WriteDurably(filepath.Join(string(f), id, fieldworkFile), []byte(text)); err != nil {
		return fmt.Errorf("plan the fieldwork of wave %s: %w", id, err)
	}
	return nil
}

// fieldwork reads when the fieldwork is planned to be.
func (f Folder) fieldwork(id string) (p Period, err error) {
	path := filepath.Join(string(f), id, fieldworkFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	first, last, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	p.First, err = time.ParseInLocation(time.DateOnly, first, surveys.ChinaTime)
	if err == nil {
		p.Last, err = time.ParseInLocation(time.DateOnly, last, surveys.ChinaTime)
	}
	if err != nil {
		return Period{}, fmt.Errorf("%s cannot be read: %w; plan the fieldwork again", path, err)
	}
	return p, nil
}

// Close ends a wave: its pages take no more answers as soon as the servers see it. Interviews that were finished before, and that devices still hold, are accepted.
func (f Folder) Close(id string) error {
	if _, err := f.Load(id); err != nil {
		return err
	}
	at := []byte(time.Now().UTC().Format(time.RFC3339) + "\n")
	if err := WriteDurably(filepath.Join(string(f), id, ClosedFile), at); err != nil {
		return fmt.Errorf("close wave %s: %w", id, err)
	}
	return nil
}

// SetLinksOnly takes a wave's own address away: it is answered through personal and open
// links only, as soon as the servers see it.
func (f Folder) SetLinksOnly(id string) error {
	if _, err := f.Load(id); err != nil {
		return err
	}
	if err := WriteDurably(filepath.Join(string(f), id, linksOnlyFile), nil); err != nil {
		return fmt.Errorf("restrict wave %s to links: %w", id, err)
	}
	return nil
}

// closedAt is when a wave was closed, and whether it was. Marks of older programs say it by
// the time of the file.
func (f Folder) closedAt(id string) (at time.Time, closed bool, err error) {
	path := filepath.Join(string(f), id, ClosedFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return at, false, nil
	}
	if err != nil {
		return at, false, err
	}
	if at, err = time.Parse(time.RFC3339, strings.TrimSpace(string(text))); err == nil {
		return at, true, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return at, false, err
	}
	return info.ModTime(), true, nil
}

func (f Folder) has(id, mark string) (bool, error) {
	_, err := os.Stat(filepath.Join(string(f), id, mark))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
