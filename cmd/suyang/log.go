package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// logCommand looks at the logs of a state folder, or of a backup or copy of one. Nothing
// is locked, written or changed, so a server may be at work.
type logCommand struct {
	Ls    logLs    `cmd:"" help:"List the segments of a log as CSV: their records, bytes, times and damage."`
	Cat   logCat   `cmd:"" help:"Print the records of a log as JSON lines, without their bodies unless --body is given."`
	Check logCheck `cmd:"" help:"Read a log again, check sums, numbers and chain, and fail if something accepted may be lost or was changed."`
}

// logFlags say which log is meant.
type logFlags struct {
	State  string `type:"path" default:"suyang-state" env:"SUYANG_STATE" help:"State folder, or a backup of one."`
	Log    string `enum:"interviews,tablets" default:"interviews" help:"The log of accepted interviews, or that of the tablets' journals: ${enum}."`
	Folder string `type:"path" help:"Folder of a log that lies elsewhere, such as a copy; by default that of --state and --log."`
}

func (f *logFlags) dir() string {
	switch {
	case f.Folder != "":
		return f.Folder
	case f.Log == "tablets":
		return filepath.Join(f.State, tabletFiles)
	}
	return filepath.Join(f.State, logFiles)
}

// look opens the log for looking at.
func (f *logFlags) look() (*wal.View, error) {
	folder, err := wal.Existing(f.dir())
	if err != nil {
		return nil, fmt.Errorf("there is no log to look at (%w); give the state folder with --state, or that of the log with --folder", err)
	}
	return wal.Look(folder)
}

type logLs struct {
	logFlags
}

// Run prints one row for each segment.
func (c *logLs) Run(con *console) error {
	v, err := c.look()
	if err != nil {
		return err
	}
	w := csv.NewWriter(con.out)
	_ = w.Write([]string{"segment", "first", "last", "records", "batches", "bytes", "file_bytes", "received_first", "received_last", "chained", "torn_bytes", "damage"})
	for s, err := range v.Segments() {
		if err != nil {
			w.Flush()
			return err
		}
		_ = w.Write(segmentRow(s))
	}
	w.Flush() // the writer keeps the first error
	return w.Error()
}

func segmentRow(s wal.Segment) []string {
	var damage []string
	for _, d := range s.Damaged {
		damage = append(damage, d.Error())
	}
	return []string{s.Name, fmt.Sprint(s.First), fmt.Sprint(s.Last), strconv.Itoa(s.Records), strconv.Itoa(s.Batches),
		fmt.Sprint(s.Bytes), fmt.Sprint(s.FileBytes), stamp(s.Earliest), stamp(s.Latest), strconv.FormatBool(s.Chained),
		fmt.Sprint(s.TornBytes), strings.Join(damage, "; ")}
}

// stamp writes a time, or nothing for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

type logCat struct {
	logFlags
	From uint64 `default:"1" help:"First sequence number."`
	To   uint64 `default:"0" help:"Last sequence number; 0 is the end of the log."`
	Body bool   `help:"Print the bodies as well, in base64. They hold what people answered: treat the output as you treat the state folder."`
}

// recordLine is a record as cat prints it.
type recordLine struct {
	Seq      uint64    `json:"seq"`
	Kind     uint8     `json:"kind"`
	Node     uint16    `json:"node"`
	Received time.Time `json:"received"`
	ID       uuid.UUID `json:"id"`
	Revision uint32    `json:"revision"`
	Bytes    int       `json:"bytes"`
	Body     []byte    `json:"body,omitempty"`
}

// damageLine stands in the place of records that cannot be read.
type damageLine struct {
	Segment   string `json:"segment"`
	Offset    int64  `json:"offset"`
	Bytes     int64  `json:"bytes"`
	From      uint64 `json:"missing_from"`
	To        uint64 `json:"missing_to"`
	LastBatch bool   `json:"last_batch"`
}

// Run prints one line for each record, and one for each range that cannot be read.
func (c *logCat) Run(ctx context.Context, con *console) error {
	v, err := c.look()
	if err != nil {
		return err
	}
	to := c.To
	if to == 0 {
		to = math.MaxUint64
	}
	lines := json.NewEncoder(con.out)
	missing := uint64(0)
	for r, err := range v.Records(c.From, to) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var d *wal.Damage
		switch {
		case errors.As(err, &d):
			missing += d.Missing()
			err = lines.Encode(map[string]damageLine{"damaged": {d.Segment, d.Offset, d.Length, d.From, d.To, d.LastBatch}})
		case err == nil:
			err = lines.Encode(c.line(r))
		}
		if err != nil {
			return err
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d records in %s cannot be read; “suyang log check” says what that means", missing, c.dir())
	}
	return nil
}

func (c *logCat) line(r wal.Record) recordLine {
	line := recordLine{Seq: r.Seq, Kind: r.Kind, Node: r.Node, Received: r.Received, ID: r.ID, Revision: r.Revision, Bytes: len(r.Body)}
	if c.Body {
		line.Body = r.Body
	}
	return line
}

type logCheck struct {
	logFlags
	Head []string `placeholder:"NUMBER:HASH" sep:"," help:"A head of the chain that was noted down earlier; it must still be in the chain. May be given several times."`
}

// Run prints the counts and what is wrong, and fails if anything accepted may be lost.
func (c *logCheck) Run(con *console) error {
	var heads []wal.Head
	for _, s := range c.Head {
		h, err := wal.ParseHead(s)
		if err != nil {
			return err
		}
		heads = append(heads, h)
	}
	v, err := c.look()
	if err != nil {
		return err
	}
	found, err := v.Check(heads...)
	if err != nil {
		return err
	}
	printCheck(con, found, heads)
	if !found.Sound() {
		return fmt.Errorf("%s is not as it was when its records were accepted: change nothing in it; stop the server and put the files named above in place from a backup, then check again", c.dir())
	}
	return nil
}

func printCheck(con *console, c wal.Check, heads []wal.Head) {
	row := func(what, format string, args ...any) {
		fmt.Fprintf(con.out, "%-18s%s\n", what, fmt.Sprintf(format, args...))
	}
	row("segments", "%d", c.Segments)
	row("records", "%d, from %d to %d, in %d batches of %d bytes together", c.Records, c.First, c.Last, c.Batches, c.Bytes)
	if c.Released > 0 {
		row("released", "up to %d", c.Released)
	}
	if c.Unchained > 0 {
		row("before the chain", "%d records, which an earlier version of the program wrote", c.Unchained)
	}
	row("head of the chain", "%s", c.Head)
	if c.TornBytes > 0 {
		row("half-written", "%d bytes after the last record; none of it was acknowledged, or it is being written now", c.TornBytes)
	}
	for _, d := range append(c.Unreadable, c.Damaged...) {
		row("damaged", "%s", d.Error())
	}
	for _, b := range c.Breaks {
		row("chain broken", "log segment %s at byte %d: %s", b.Segment, b.Offset, reason(b))
	}
	for _, h := range heads {
		if c.Found[h] {
			row("found", "%s", h)
		} else {
			row("not found", "%s: what was accepted up to there is changed or gone", h)
		}
	}
	row("missing", "%d records that may have been acknowledged", c.Missing())
}

// reason says why the chain does not fit.
func reason(b wal.Break) string {
	if b.Damaged {
		return fmt.Sprintf("the records missing before %d were there when it was written", b.Seq)
	}
	return fmt.Sprintf("a record before %d was changed, removed or put there, with its checksum made anew", b.Seq)
}
