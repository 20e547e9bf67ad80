package intake

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/internal/backoff"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// shipping is the state of the way from the log to the store.
type shipping struct {
	nudged chan struct{} // has room for one: something new to ship
	run    string        // names this start in the tokens of blocks
	random *rand.Rand    // belongs to Run
	limit  int           // how many records a block may have at present; belongs to Run
	growth int           // by how much limit grew last; belongs to Run
	ahead  *ahead        // the block that is read while another is sent; belongs to Run
	again  recheck       // belongs to Run

	mu      sync.Mutex
	cursor  uint64 // everything up to here is stored or quarantined
	rebuilt uint32
	moved   chan struct{} // closed when cursor moves
	flushTo uint64        // blocks up to here are not held back
	// refused are the records of the log that the store can never take.
	refused map[uint64]bool
	stat    ShippingStat // the parts that only grow, and Away
}

// The files of the shipper.
const (
	cursorFile   = "cursor.json"
	manifestFile = "block.json"
)

// cursor is the content of cursorFile.
type cursor struct {
	Node uint16 `json:"node"`
	Seq  uint64 `json:"seq"`
	// Rebuilt counts how often the store was made anew: the blocks of each time have tokens
	// of their own, since a store may remember those of blocks that it does not have any more.
	Rebuilt uint32 `json:"rebuilt,omitempty"`
}

// manifest fixes a block before it is first sent, so that after a restart the very
// same block is sent again. SHA256 covers the sequence numbers and body hashes of
// its N records; Check is the sum of their check numbers.
type manifest struct {
	Node   uint16 `json:"node"`
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
	N      uint64 `json:"n"`
	Check  uint64 `json:"check"`
	SHA256 string `json:"sha256"`
}

// openShipping reads where shipping stands.
func (in *Intake) openShipping() error {
	s := &in.ship
	s.nudged, s.moved, s.refused = make(chan struct{}, 1), make(chan struct{}), in.index.refused
	s.random, s.limit, s.growth = newRandom(in.cfg.Random), in.cfg.BlockRecords, 1
	s.run = strconv.FormatUint(s.random.Uint64(), 36)
	var c cursor
	if err := readJSON(in.folder, cursorFile, &c); err != nil {
		in.logger.Warn("shipping begins anew, because its cursor cannot be read", "error", err)
		c = cursor{}
	}
	if c.Seq != 0 && c.Node != in.cfg.Node {
		return fmt.Errorf("the folder belongs to node %d, not %d; set the node number back, or use another folder", c.Node, in.cfg.Node)
	}
	s.cursor, s.rebuilt = c.Seq, c.Rebuilt
	in.openRecheck()
	if c.Seq > in.index.last {
		return in.missingEnd()
	}
	return nil
}

// missingEnd deals with a log that ends before the shipping cursor. An empty log is
// the wrong one. One whose end was destroyed goes on after the cursor, since the
// numbers up to there belong to records in the store; the ledger names the gap.
func (in *Intake) missingEnd() error {
	shipped, last := in.ship.cursor, in.index.last
	if last == 0 {
		return fmt.Errorf("%d records were shipped, but the log is empty: it does not belong to this data folder, "+
			"or its files are gone; restore them", shipped)
	}
	in.logger.Error("the end of the log is missing; what was in it is in the store", "from", last+1, "to", shipped)
	if err := in.log.Skip(shipped); err != nil {
		return fmt.Errorf("go on behind the missing end of the log: %w", err)
	}
	in.index.last = shipped
	return nil
}

// readJSON reads a small file; one that is not there leaves v as it is.
func readJSON(folder wal.FS, name string, v any) error {
	b, err := wal.ReadFile(folder, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

func writeJSON(folder wal.FS, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return wal.ReplaceFile(folder, name, append(b, '\n'))
}

// nudge wakes the shipper.
func (in *Intake) nudge() {
	select {
	case in.ship.nudged <- struct{}{}:
	default:
	}
}

// Run ships the log to the store until ctx ends, and then returns nil. A store that
// is away, fails or loses blocks is tried again and again; nothing is given up but
// a record that the store can never take, which goes to quarantine. From time to time
// Run looks whether the store still has what it had.
func (in *Intake) Run(ctx context.Context) error {
	defer in.dropAhead()
	wait := in.newWait()
	for {
		todo := in.waitForWork(ctx)
		if todo == workEnds {
			return nil
		}
		if todo == workRecheck {
			in.recheck(ctx)
			continue
		}
		err := in.shipBlock(ctx)
		if err == nil {
			wait.Reset()
			continue
		}
		if ctx.Err() == nil {
			in.logger.Warn("block is not stored yet", "error", err)
			wait.Sleep(ctx)
		}
	}
}

// shipBlock brings the next block to the store. The one after it is read meanwhile, if
// the log holds a full one.
func (in *Intake) shipBlock(ctx context.Context) error {
	b, err := in.cut()
	if err != nil {
		return err
	}
	in.readAhead(b.To + 1)
	return in.send(ctx, b)
}

// work is what Run does next.
type work int

const (
	workEnds work = iota
	workBlock
	workRecheck
)

// waitForWork returns when there is a block to ship, or a range to compare again. Ranges
// come between blocks, too, since there may always be a next block.
func (in *Intake) waitForWork(ctx context.Context) work {
	var old <-chan time.Time
	in.ship.again.bound(in.now(), max(in.cfg.RecheckEvery, in.cfg.RecheckPause, in.cfg.LongestWait))
	due, stop := in.ship.again.timer(in.now())
	defer stop()
	isDue, isOld := false, false
	for {
		isDue = isDue || fired(due)
		pending, flush := in.pending()
		switch {
		case ctx.Err() != nil:
			return workEnds
		case isDue:
			return workRecheck
		case flush || isOld || pending >= uint64(in.cfg.BlockRecords):
			return workBlock
		}
		if pending > 0 && old == nil {
			timer := time.NewTimer(in.cfg.BlockAge)
			defer timer.Stop()
			old = timer.C
		}
		select {
		case <-ctx.Done():
		case <-in.ship.nudged:
		case <-due:
			isDue = true
		case <-old:
			isOld = true
		}
	}
}

// fired says whether a timer has fired.
func fired(timer <-chan time.Time) bool {
	select {
	case <-timer:
		return true
	default:
		return false
	}
}

// pending returns how many records are not shipped, and whether someone waits for them.
func (in *Intake) pending() (n uint64, flush bool) {
	last := in.last()
	s := &in.ship
	s.mu.Lock()
	defer s.mu.Unlock()
	return last - s.cursor, s.cursor < min(s.flushTo, last)
}

// last is the highest sequence number that may be shipped.
func (in *Intake) last() uint64 {
	in.index.mu.Lock()
	defer in.index.mu.Unlock()
	if m, ok := in.log.(Mirrored); ok {
		return max(min(in.index.last, m.Confirmed()), in.cursor())
	}
	return in.index.last
}

func (in *Intake) cursor() uint64 {
	in.ship.mu.Lock()
	defer in.ship.mu.Unlock()
	return in.ship.cursor
}

// Flush returns when everything accepted before the call is stored or quarantined.
// Run must be running.
func (in *Intake) Flush(ctx context.Context) error {
	target := in.last()
	s := &in.ship
	s.mu.Lock()
	s.flushTo = max(s.flushTo, target)
	s.mu.Unlock()
	in.nudge()
	for {
		s.mu.Lock()
		done, moved := s.cursor >= target, s.moved
		s.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("wait until all interviews are stored: %w", ctx.Err())
		}
	}
}

// block is a fixed piece of the log on its way.
type block struct {
	manifest
	responses []surveys.Response
	// resumed blocks may have been sent before a restart.
	resumed bool
}

// cut makes the next block of the log and its manifest durable, or takes up the one
// that was on its way before a restart.
func (in *Intake) cut() (*block, error) {
	from := in.cursor() + 1
	limit := in.blockEnd(from)
	var before manifest
	if err := readJSON(in.folder, manifestFile, &before); err != nil {
		in.logger.Warn("the manifest of the last block cannot be read", "error", err)
	}
	resumed := before.From == from && before.To >= from && before.To <= limit && before.Node == in.cfg.Node
	if resumed {
		limit = before.To
	}
	b, err := in.takeAhead(from, limit)
	if err != nil {
		return nil, err
	}
	if b.resumed = resumed && b.manifest == before; b.resumed {
		return b, nil
	}
	return b, in.keepManifest(b)
}

// blockEnd is the last place in the log that a block from a place on may reach.
func (in *Intake) blockEnd(from uint64) uint64 { return from + uint64(in.ship.limit) - 1 }

// fastest is how much larger than the last one a block may be.
const fastest = 16

// grow lets the next block be larger, and the faster the more blocks passed since one was
// too large: a store that is back should not get small ones for long.
func (s *shipping) grow(most int) {
	s.growth = min(2*s.growth, fastest)
	s.limit = min(s.growth*s.limit, most)
}

// shrink makes the next blocks half as large as one that was too large.
func (s *shipping) shrink(records uint64) {
	s.growth = 1
	s.limit = max(1, int(records)/2)
}

// ahead is a block that is read while another is sent.
type ahead struct {
	from, limit uint64
	done        chan struct{}
	b           *block
	err         error
}

// readAhead begins to read the next block if there is a full one.
func (in *Intake) readAhead(from uint64) {
	limit := in.blockEnd(from)
	if old := in.ship.ahead; in.last() < limit || old != nil && old.from == from && old.limit == limit {
		return
	}
	in.dropAhead()
	a := &ahead{from: from, limit: limit, done: make(chan struct{})}
	in.ship.ahead = a
	go func() {
		defer close(a.done)
		a.b, a.err = in.collect(from, limit)
	}()
}

// takeAhead returns the block, which may have been read already.
func (in *Intake) takeAhead(from, limit uint64) (*block, error) {
	a := in.ship.ahead
	in.dropAhead()
	if a == nil || a.err != nil || a.from != from || a.limit != limit {
		return in.collect(from, limit)
	}
	return a.b, nil
}

// dropAhead waits for the block that is being read and forgets it.
func (in *Intake) dropAhead() {
	if a := in.ship.ahead; a != nil {
		<-a.done
	}
	in.ship.ahead = nil
}

func (in *Intake) keepManifest(b *block) error {
	if err := writeJSON(in.folder, manifestFile, b.manifest); err != nil {
		return fmt.Errorf("write the manifest of a block: %w", err)
	}
	return nil
}

// collect reads the block from the log. Its end is the last record that is there, or the
// last one that the bytes of a block allow.
func (in *Intake) collect(from, limit uint64) (*block, error) {
	b := &block{manifest: manifest{Node: in.cfg.Node, From: from, To: from - 1}}
	bytes := 0
	for r, err := range in.log.Read(from) {
		var damage *wal.Damage
		switch {
		case errors.As(err, &damage):
			b.To = min(damage.To, limit)
		case err != nil:
			return nil, fmt.Errorf("read a block from the log: %w", err)
		case r.Seq > limit || bytes > 0 && bytes+len(r.Body) > in.cfg.BlockBytes:
			return b.seal(), nil
		default:
			b.To = r.Seq
			bytes += len(r.Body)
			if err := in.include(b, r); err != nil {
				return nil, err
			}
		}
		if b.To == limit {
			break
		}
	}
	if b.To < from {
		return nil, fmt.Errorf("the log has no record %d, which was accepted", from)
	}
	return b.seal(), nil
}

// include adds a record to the block if it is one that counts.
func (in *Intake) include(b *block, r wal.Record) error {
	if !counts(r.Kind) || in.isRefused(r.Seq) {
		return nil
	}
	response, err := in.readResponse(r)
	if err == nil {
		b.responses = append(b.responses, response)
		return nil
	}
	if !errors.Is(err, surveys.ErrInvalid) {
		return err
	}
	return in.refuse(r.ID, r.Revision, r.Seq, "it can no longer be read")
}

// readResponse returns the response that a record of the log holds.
func (in *Intake) readResponse(r wal.Record) (surveys.Response, error) {
	e, err := decodeEntry(r)
	if err != nil {
		return surveys.Response{}, err
	}
	iv, err := parse(e.body)
	if err != nil {
		return surveys.Response{}, err
	}
	iv.ID = formatUUID(r.ID)
	out := surveys.Response{Interview: iv, Node: r.Node, Seq: r.Seq, Received: r.Received, BodyHash: e.sum}
	// It was accepted with a form, so there is one, unless its wave was taken away since.
	if f, err := in.forms.Edition(iv.Wave, iv.Survey, iv.Version); err == nil {
		out.Inclusion = f.Inclusion(iv.Booklet)
	}
	return out, nil
}

// seal computes the sums of a block.
func (b *block) seal() *block {
	b.N, b.Check = uint64(len(b.responses)), 0
	h := sha256.New()
	for _, r := range b.responses {
		h.Write(binary.BigEndian.AppendUint64(nil, r.Seq))
		h.Write(r.BodyHash[:])
		b.Check += CheckNumber(r)
	}
	b.SHA256 = hex.EncodeToString(h.Sum(nil))
	return b
}

// advance makes it durable that everything up to seq is stored.
func (in *Intake) advance(seq uint64) error {
	s := &in.ship
	if err := writeJSON(in.folder, cursorFile, cursor{in.cfg.Node, seq, s.rebuilt}); err != nil {
		return fmt.Errorf("write the shipping cursor: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursor = seq
	close(s.moved)
	s.moved = make(chan struct{})
	return nil
}

func (in *Intake) newWait() *backoff.Wait {
	return backoff.New(in.cfg.FirstWait, in.cfg.LongestWait, in.ship.random)
}

// newRandom returns numbers from a source, or unpredictable ones for nil.
func newRandom(source rand.Source) *rand.Rand {
	if source == nil {
		source = rand.NewPCG(rand.Uint64(), rand.Uint64())
	}
	return rand.New(source)
}
