package node

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// Copies keeps copies of the logs of other nodes, each in a folder that is named by the
// node's number, with the same sequence numbers.
type Copies struct {
	dir  string
	own  uint16
	mu   sync.Mutex
	logs map[uint16]*replica
}

// replica is the copy of one log. mark is that of its last record.
type replica struct {
	mu   sync.Mutex
	log  *wal.Log
	upTo uint64
	mark string
}

// OpenCopies keeps copies in a folder. own is the number of the node itself, of which it
// keeps none.
func OpenCopies(dir string, own uint16) *Copies {
	return &Copies{dir: dir, own: own, logs: map[uint16]*replica{}}
}

// Close closes the copies.
func (c *Copies) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, r := range c.logs {
		errs = append(errs, r.log.Close())
	}
	c.logs = map[uint16]*replica{}
	return errors.Join(errs...)
}

// of opens the copy of a node's log; make says whether one is begun when there is none.
func (c *Copies) of(node uint16, make bool) (*replica, error) {
	if node == c.own {
		return nil, fmt.Errorf("node %d keeps no copy of its own log; two nodes may have the same number: %w", node, surveys.ErrConflict)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.logs[node]; r != nil {
		return r, nil
	}
	dir := filepath.Join(c.dir, strconv.Itoa(int(node)))
	if _, err := os.Stat(dir); err != nil && !make {
		return nil, fmt.Errorf("there is no copy of the log of node %d: %w", node, surveys.ErrNotFound)
	}
	log, err := wal.Open(wal.DefaultConfig(dir))
	if err != nil {
		return nil, fmt.Errorf("open the copy of the log of node %d: %w: %w", node, surveys.ErrUnavailable, err)
	}
	r := &replica{log: log, upTo: log.Stat().Next - 1}
	for rec, err := range log.Read(max(r.upTo, 1)) {
		if err == nil {
			r.mark = wal.Mark(rec)
		}
	}
	c.logs[node] = r
	return r, nil
}

// State says up to which number the copy of a node's log reaches, and the mark of the record
// there, empty when that is damaged or there is none.
func (c *Copies) State(node uint16) (upTo uint64, mark string, err error) {
	r, err := c.of(node, true)
	if err != nil {
		return 0, "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.upTo, r.mark, nil
}

// Take appends the records of a node that follow the number after, and returns up to which
// number they are durable here. mark is that of the record with that number. It is an
// ErrConflict when the copy does not reach to there, or has another record there. Records
// that are here already are passed over.
func (c *Copies) Take(ctx context.Context, node uint16, after uint64, mark string, records []wal.Record) (uint64, error) {
	r, err := c.of(node, true)
	if err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if after != r.upTo || r.mark != "" && mark != r.mark {
		return 0, fmt.Errorf("the copy of the log of node %d reaches to %d, and what follows %d was sent, or the record there is another one: %w",
			node, r.upTo, after, surveys.ErrConflict)
	}
	for len(records) > 0 {
		n, err := r.append(ctx, node, records)
		if err != nil {
			return 0, fmt.Errorf("keep the copy of records of node %d: %w", node, err)
		}
		records = records[n:]
	}
	return r.upTo, nil
}

// append makes the first records durable that follow one another without a gap, and returns
// how many they are. A gap before them is one that the node's own log has, too.
func (r *replica) append(ctx context.Context, node uint16, records []wal.Record) (int, error) {
	first := records[0].Seq
	if first <= r.upTo || records[0].Node != node {
		return 0, fmt.Errorf("record %d of node %d does not follow record %d: %w", first, records[0].Node, r.upTo, surveys.ErrInvalid)
	}
	n, err := appendNext(ctx, r.log, r.upTo, records)
	if err != nil {
		return 0, err
	}
	r.upTo, r.mark = records[n-1].Seq, wal.Mark(records[n-1])
	return n, nil
}

// appendNext appends the first records that follow one another without a gap to a log that
// reaches to upTo, as many as fit a batch, under the numbers that they have, and returns how
// many they are. There may be a gap before them.
func appendNext(ctx context.Context, log *wal.Log, upTo uint64, records []wal.Record) (n int, err error) {
	first := records[0].Seq
	if first > upTo+1 {
		if err := log.Skip(first - 1); err != nil {
			return 0, err
		}
	}
	bytes := 0
	limits := wal.DefaultConfig("")
	for ; n < len(records) && n < limits.BatchRecords && records[n].Seq == first+uint64(n); n++ {
		if bytes += len(records[n].Body) + 1<<8; n > 0 && bytes > limits.BatchBytes {
			break
		}
	}
	got, err := log.Append(ctx, records[:n])
	if err == nil && got != first {
		err = fmt.Errorf("record %d was written as %d: %w", first, got, surveys.ErrConflict)
	}
	return n, err
}

// CopyLog appends the records of a log to an empty one, under the numbers that they have, and
// returns how many they are.
func CopyLog(ctx context.Context, to *wal.Log, from Log) (n int, err error) {
	var list []wal.Record
	upTo, bytes := uint64(0), 0
	flush := func() error {
		for len(list) > 0 {
			done, err := appendNext(ctx, to, upTo, list)
			if err != nil {
				return err
			}
			n, upTo, list = n+done, list[done-1].Seq, list[done:]
		}
		bytes = 0
		return nil
	}
	for r, err := range from.Read(1) {
		var gap *wal.Damage
		switch {
		case errors.As(err, &gap): // the next record tells how far it goes
			continue
		case err != nil:
			return n, err
		}
		list = append(list, r)
		if bytes += len(r.Body); len(list) >= pageRecords || bytes >= pageBytes {
			if err := flush(); err != nil {
				return n, err
			}
		}
	}
	return n, flush()
}

// Log is the copy of a node's log, ErrNotFound when there is none.
func (c *Copies) Log(node uint16) (Log, error) {
	r, err := c.of(node, false)
	if err != nil {
		return nil, err
	}
	return copied{r.log}, nil
}

// copied reads a copy.
type copied struct{ log *wal.Log }

func (c copied) Read(from uint64) iter.Seq2[wal.Record, error] { return c.log.Read(from) }
