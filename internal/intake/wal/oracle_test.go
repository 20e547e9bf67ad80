package wal_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"
	"pgregory.net/rapid"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/intake/wal/simdisk"
)

// oracle keeps records in SQLite, every commit synced: what a log is to do, without
// segments, offsets and batches.
type oracle struct {
	db   *sql.DB
	next uint64
}

const oracleSchema = `
CREATE TABLE IF NOT EXISTS records (
	seq INTEGER PRIMARY KEY, kind INTEGER, node INTEGER, received INTEGER, id BLOB, revision INTEGER, body BLOB
);
CREATE TABLE IF NOT EXISTS state (next INTEGER, released INTEGER);
INSERT INTO state SELECT 1, 0 WHERE NOT EXISTS (SELECT * FROM state);`

// openOracle opens the oracle in a folder, or in memory when none is given. One process
// has the file for itself, so that the write-ahead log needs no shared memory, which a
// mounted test disk does not give.
func openOracle(dir string) (*oracle, error) {
	address := "file::memory:"
	if dir != "" {
		address = "file:" + filepath.Join(dir, "oracle.db") + "?vfs=unix-excl&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
	}
	db, err := sql.Open("sqlite", address)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	o := &oracle{db: db}
	if _, err = db.Exec(oracleSchema); err == nil {
		err = db.QueryRow("SELECT next FROM state").Scan(&o.next)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return o, nil
}

func (o *oracle) Append(ctx context.Context, rs []wal.Record) (first uint64, err error) {
	tx, err := o.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if err := tx.QueryRow("SELECT next FROM state").Scan(&first); err != nil {
		return 0, err
	}
	for i, r := range rs {
		if _, err := tx.Exec("INSERT INTO records VALUES (?,?,?,?,?,?,?)",
			first+uint64(i), r.Kind, r.Node, r.Received.UnixNano(), r.ID[:], r.Revision, r.Body); err != nil {
			return 0, err
		}
	}
	if _, err := tx.Exec("UPDATE state SET next = ?", first+uint64(len(rs))); err != nil {
		return 0, err
	}
	return first, tx.Commit()
}

func (o *oracle) Read(from uint64) iter.Seq2[wal.Record, error] {
	return func(yield func(wal.Record, error) bool) {
		rows, err := o.db.Query("SELECT seq, kind, node, received, id, revision, body FROM records WHERE seq >= ? ORDER BY seq", from)
		if err != nil {
			yield(wal.Record{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			r, received, id := wal.Record{}, int64(0), []byte(nil)
			err := rows.Scan(&r.Seq, &r.Kind, &r.Node, &received, &id, &r.Revision, &r.Body)
			r.Received = time.Unix(0, received).UTC()
			copy(r.ID[:], id)
			if !yield(r, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(wal.Record{}, err)
		}
	}
}

func (o *oracle) Skip(upto uint64) error {
	_, err := o.db.Exec("UPDATE state SET next = max(next, ?)", upto+1)
	return err
}

// forget drops what Skip said unless a record came after it, as a restart of the log does:
// whoever calls Skip knows the number, and calls it again.
func (o *oracle) forget() error {
	_, err := o.db.Exec("UPDATE state SET next = max((SELECT coalesce(max(seq), 0) FROM records), released) + 1")
	return err
}

func (o *oracle) Release(upto uint64) error {
	_, err := o.db.Exec("UPDATE state SET released = max(released, min(?, next - 1))", upto)
	return err
}

// state returns the next sequence number and the last one that is released.
func (o *oracle) state() (next, released uint64, err error) {
	err = o.db.QueryRow("SELECT next, released FROM state").Scan(&next, &released)
	return next, released, err
}

func (o *oracle) Close() error { return o.db.Close() }

// TestLogAgreesWithOracle lets the log and SQLite live through the same random history
// and compares what they give back after each step.
func TestLogAgreesWithOracle(t *testing.T) {
	steps := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		o, err := openOracle("") // there is no crash here
		if err != nil {
			rt.Fatal(err)
		}
		defer o.Close()
		d := simdisk.New(1, simdisk.Strict)
		h := &history{o: o, disk: d}
		h.reopen(rt)
		defer func() { h.l.Close() }()
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			step := rapid.SampledFrom([]string{"append", "append", "append", "seal", "release", "skip", "reopen"}).Draw(rt, "step")
			steps[step]++
			h.do(rt, step)
			h.compare(rt)
		}
	})
	if len(steps) != 5 {
		t.Errorf("the histories had only the steps %v", slices.Sorted(maps.Keys(steps)))
	}
}

// history is a log and an oracle that are told the same.
type history struct {
	o    *oracle
	disk *simdisk.Disk
	l    *wal.Log
	made uint64
}

func (h *history) reopen(t *rapid.T) {
	if h.l != nil {
		h.l.Close()
	}
	var err error
	if h.l, err = wal.Open(small(h.disk, "")); err != nil {
		t.Fatal(err)
	}
}

func (h *history) do(t *rapid.T, step string) {
	var err, want error
	next, _, _ := h.o.state()
	switch step {
	case "append":
		rs := make([]wal.Record, rapid.IntRange(1, 12).Draw(t, "records"))
		for i := range rs {
			h.made++
			rs[i] = record(h.made)
		}
		var seq, other uint64
		seq, err = h.l.Append(t.Context(), rs)
		other, want = h.o.Append(t.Context(), rs)
		if seq != other {
			t.Fatalf("Append() = %d, the oracle has %d", seq, other)
		}
	case "seal":
		err = h.l.Seal()
	case "release":
		upto := rapid.Uint64Range(0, next+5).Draw(t, "upto")
		err, want = h.l.Release(upto), h.o.Release(upto)
	case "skip":
		upto := rapid.Uint64Range(0, next+5).Draw(t, "upto")
		err, want = h.l.Skip(upto), h.o.Skip(upto)
	case "reopen":
		want = h.o.forget()
		h.reopen(t)
	}
	if err != nil || want != nil {
		t.Fatalf("%s: %v; the oracle: %v", step, err, want)
	}
}

// compare reads both from the first record that the log must have kept, and from a place
// in the middle.
func (h *history) compare(t *rapid.T) {
	next, released, err := h.o.state()
	if err != nil {
		t.Fatal(err)
	}
	if st := h.l.Stat(); st.Next < next && h.l.Stat().Segments > 0 || st.Released != released {
		t.Fatalf("Stat() = %+v, the oracle has next %d and released %d", st, next, released)
	}
	for _, from := range []uint64{released + 1, released + 1 + (next-released)/2} {
		got, want := collect(t, h.l, from), collect(t, h.o, from)
		if !slices.Equal(got, want) {
			t.Fatalf("Read(%d) = %v, the oracle has %v", from, got, want)
		}
	}
	v, err := wal.Look(h.disk)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := v.Check(h.l.Stat().Head); err != nil || len(c.Breaks) > 0 || !c.Found[h.l.Stat().Head] && c.Records > 0 {
		t.Fatalf("Check() = %+v, %v", c, err)
	}
}

// collect returns what a store reads, one line for each record.
func collect(t *rapid.T, s interface {
	Read(uint64) iter.Seq2[wal.Record, error]
}, from uint64) (lines []string) {
	for r, err := range s.Read(from) {
		if d := (*wal.Damage)(nil); errors.As(err, &d) {
			continue // skipped numbers; the oracle does not name them
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%d %d %d %v %x %d %x", r.Seq, r.Kind, r.Node, r.Received, r.ID, r.Revision, r.Body))
	}
	return lines
}

// TestOracleCrashes runs the oracle through power cuts as the log, where there is FUSE: it
// writes through the operating system.
func TestOracleCrashes(t *testing.T) {
	folder, disk := lossyFolder(t)
	if folder == "" {
		t.Skipf("SQLite needs a mounted disk; this is %s", disk)
	}
	for _, m := range models {
		c := crash{model: m.model, folder: folder, calls: 150, strange: true,
			open: func(p place) (store, error) { return openOracle(p.dir) }}
		c.run(t, max(*cuts/4, 5), func() bool { return t.Failed() })
		t.Logf("SQLite on %s, %s: %s", disk, m.name, &c.tally)
		if c.bad() || c.acked == 0 {
			t.Errorf("SQLite on %s, %s: %s\n%s", disk, m.name, &c.tally, strings.Join(c.trouble, "\n"))
		}
	}
}
