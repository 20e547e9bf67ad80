package intake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// believing is what shipping without verification would see: whatever was sent is there.
type believing struct {
	intake.Store
	sent map[uint64]uint64 // check numbers by place in the log
}

func (s believing) Insert(ctx context.Context, b intake.Block) error {
	for _, r := range b.Responses {
		s.sent[r.Seq] = intake.CheckNumber(r)
	}
	return s.Store.Insert(ctx, b)
}

func (s believing) Count(_ context.Context, _ uint16, from, to uint64) (n, check uint64, err error) {
	for seq, c := range s.sent {
		if seq >= from && seq <= to {
			n++
			check += c
		}
	}
	return n, check, nil
}

// sameToken names a block after its place alone, however often it is sent.
type sameToken struct{ intake.Store }

func (s sameToken) Insert(ctx context.Context, b intake.Block) error {
	parts := strings.Split(b.Token, "-")
	b.Token = strings.Join(append(parts[:3], parts[5]), "-")
	return s.Store.Insert(ctx, b)
}

// hasty moves the cursor when a block is cut, not when it is verified.
type hasty struct{ wal.FS }

func (d hasty) Rename(oldName, newName string) error {
	if err := d.FS.Rename(oldName, newName); err != nil || newName != "block.json" {
		return err
	}
	b, err := wal.ReadFile(d.FS, newName)
	if err != nil {
		return err
	}
	var manifest struct{ To uint64 }
	if err := json.Unmarshal(b, &manifest); err != nil {
		return err
	}
	return wal.ReplaceFile(d.FS, "cursor.json", fmt.Appendf(nil, `{"node":1,"seq":%d}`, manifest.To))
}

// oblivious forgets the last identities of the log at a restart.
type oblivious struct {
	intake.Log
	opened *bool
}

func (l oblivious) Read(from uint64) iter.Seq2[wal.Record, error] {
	if *l.opened {
		return l.Log.Read(from)
	}
	*l.opened = true
	return func(yield func(wal.Record, error) bool) {
		const forgotten = 10
		var rs []wal.Record
		for r, err := range l.Log.Read(from) {
			if err == nil {
				rs = append(rs, r)
			}
		}
		for _, r := range rs[:max(0, len(rs)-forgotten)] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// unsynced promises what is not on the platter yet.
type unsynced struct{ wal.FS }

func (d unsynced) Open(name string) (wal.File, error) {
	f, err := d.FS.Open(name)
	return unsyncedFile{f}, err
}

func (d unsynced) Create(name string) (wal.File, error) {
	f, err := d.FS.Create(name)
	return unsyncedFile{f}, err
}

type unsyncedFile struct{ wal.File }

func (f unsyncedFile) Datasync() error { return nil }

// unsyncedNames does not make the names of new segments durable.
type unsyncedNames struct{ wal.FS }

func (d unsyncedNames) SyncDir() error { return nil }

// TestSimulationFindsWhatIsBroken breaks one rule after the other. Each breach must be
// found before 8,000 submissions are sent.
func TestSimulationFindsWhatIsBroken(t *testing.T) {
	const atMost = 8000 / worldOperations
	for _, c := range []struct {
		name   string
		broken func() sabotage
	}{
		{"a block is not verified", func() sabotage {
			sent := map[uint64]uint64{}
			return sabotage{store: func(s intake.Store) intake.Store { return believing{s, sent} }}
		}},
		{"the cursor moves before the block is verified", func() sabotage {
			return sabotage{ownFS: func(d wal.FS) wal.FS { return hasty{d} }}
		}},
		{"a lost block is sent under its old token", func() sabotage {
			return sabotage{store: func(s intake.Store) intake.Store { return sameToken{s} }}
		}},
		{"a repeat after a restart counts again", func() sabotage {
			return sabotage{log: func(l intake.Log) intake.Log { return oblivious{l, new(bool)} }}
		}},
		{"a record is acknowledged before it is synced", func() sabotage {
			return sabotage{logFS: func(d wal.FS) wal.FS { return unsynced{d} }}
		}},
		{"the directory of the log is not synced", func() sabotage {
			return sabotage{logFS: func(d wal.FS) wal.FS { return unsyncedNames{d} }}
		}},
		{"the store is never compared again", func() sabotage {
			return sabotage{recheck: 1000 * time.Hour}
		}},
		{"an interview that is no poison is condemned", func() sabotage {
			return sabotage{store: func(s intake.Store) intake.Store { return refusing{s} }}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := range uint64(atMost) {
				if out := simulate(t, 1+n, c.broken()); len(out.wrong) > 0 {
					t.Logf("found in world %d: %s", n+1, out.wrong[0])
					return
				}
			}
			t.Errorf("not found in %d worlds", atMost)
		})
	}
}

// refusing never takes a certain interview, although nothing is wrong with it.
type refusing struct{ intake.Store }

func (s refusing) Insert(ctx context.Context, b intake.Block) error {
	for _, r := range b.Responses {
		if r.Seq%40 == 0 {
			return surveys.ErrInvalid
		}
	}
	return s.Store.Insert(ctx, b)
}
