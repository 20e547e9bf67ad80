// Package intake accepts finished interviews: it replays each through the form
// engine, makes it durable in the log before it says so, and ships the log to the
// store so that every accepted interview is there exactly once.
//
// Accept is all that a server needs; Run ships in the background. The log is the
// system of record: the index of submissions is rebuilt from it, Verify recomputes
// the account of all of them from it, and the store can be filled again from it.
package intake

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/signing"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// Block is a run of accepted responses on its way to the store. Its token names
// it, so that the store drops a repeated insert of the same block.
type Block struct {
	Token     string
	Responses []surveys.Response
}

// Store is where responses are analysed. All responses of a block are of one wave, and
// are stored together or not at all. Insert may have succeeded although it returned an
// error; the caller finds out with Count.
//
// An error of Insert that wraps surveys.ErrInvalid says that the block holds a record
// which the store can never take, ErrRefused that the fault may lie in a record,
// ErrBusy that it lies in none, and surveys.ErrTooLarge that a smaller block may pass.
type Store interface {
	Insert(ctx context.Context, b Block) error
	// Count returns how many different records of the node with from <= seq <= to
	// are stored, and the sum modulo 2^64 of their CheckNumber.
	Count(ctx context.Context, node uint16, from, to uint64) (n, check uint64, err error)
	// Records calls yield for the different records of the node with from <= seq <= to, by
	// seq, ID and revision, until it returns an error, which Records then returns.
	Records(ctx context.Context, node uint16, from, to uint64, yield func(StoredRecord) error) error
}

// Errors of a Store's Insert.
var (
	// ErrRefused says that the store looked at the block and did not take it.
	ErrRefused = errors.New("the store refuses the block")
	// ErrBusy says that the store takes nothing at present, whatever the block holds: it
	// is full, read-only, or has too much to do.
	ErrBusy = errors.New("the store takes nothing at present")
)

// CheckNumber is the number of a response that Store.Count sums: the first eight
// bytes of its body hash, big endian.
func CheckNumber(r surveys.Response) uint64 {
	var n uint64
	for _, b := range r.BodyHash[:8] {
		n = n<<8 | uint64(b)
	}
	return n
}

// Log keeps what was accepted. Append returns when the records are durable; Read
// yields the durable records from a sequence number on, and damaged ranges as
// *wal.Damage errors. Skip lets the next record have a number above upto. wal.Log is
// one.
//
// There is no Release here on purpose: every record is kept for ever. What was submitted
// before is known by the log alone, so without its beginning a repeat would count twice;
// nor could Verify and Rebuild do without it.
type Log interface {
	Append(ctx context.Context, rs []wal.Record) (first uint64, err error)
	Read(from uint64) iter.Seq2[wal.Record, error]
	Skip(upto uint64) error
}

// Mirrored is a Log of which another node keeps a copy. An interview is acknowledged when
// Confirm has said that its record is durable there as well. Read yields what both have,
// Confirmed is the last number of that, and ReadAll yields what this node alone has, too.
type Mirrored interface {
	Log
	ReadAll(from uint64) iter.Seq2[wal.Record, error]
	Confirm(ctx context.Context, seq uint64) error
	Confirmed() uint64
}

// Form replays the answers of an interview. form.Form is one.
type Form interface {
	Replay(iv *surveys.Interview) []form.Problem
	// Inclusion returns the probabilities below 1 with which the items of a booklet are
	// asked.
	Inclusion(booklet string) map[string]float64
}

// Forms knows the published waves. Edition returns the version of the survey that the
// wave asks with; its error wraps surveys.ErrNotFound or surveys.ErrInvalid when there is
// none. Waves is one.
type Forms interface {
	Edition(wave, survey, version string) (*Edition, error)
}

// Config says where the intake keeps its own files and how it ships.
type Config struct {
	// Dir holds the shipping cursor and the manifest of the block on its way. FS is used
	// instead when it is set.
	Dir string
	FS  wal.FS
	// Key is that of the installation, at least 32 bytes: the key that signs receipts is
	// derived from it.
	Key []byte
	// Node numbers this server among those that feed one store, from 1.
	Node uint16
	// BlockRecords is how many records make a full block, and BlockBytes how many bytes
	// their bodies have at most unless it is a single one: what waits is in the log, not in
	// memory. A smaller block is shipped when its first record has waited for BlockAge.
	BlockRecords int
	BlockBytes   int
	BlockAge     time.Duration
	// AttemptTime is how long one question to the store may take. A block that is not
	// stored in that time is cut in two.
	AttemptTime time.Duration
	// FirstWait and LongestWait bound the waits between attempts on a store that is
	// away or fails. Each wait is random, from nothing to a bound that doubles.
	FirstWait, LongestWait time.Duration
	// Attempts is how often a block is sent whole, and then a record alone, before
	// the record is held to be one that the store can never take.
	Attempts int
	// RecheckEvery is how often the store is asked again for everything of the last
	// RecheckAge, in ranges with a RecheckPause between them. What it has lost since it was
	// stored is shipped again. 0 means never.
	RecheckEvery, RecheckAge, RecheckPause time.Duration
	// Random gives the waits their length and this start its name in the tokens of blocks;
	// nil means a source of the system. It is for simulations that must be repeatable.
	Random rand.Source
	// Logger gets counts and reasons, never answers or names; nil means slog.Default().
	Logger *slog.Logger
}

// DefaultConfig returns the configuration of an intake that keeps its files in dir. It has
// no key yet.
func DefaultConfig(dir string) Config {
	return Config{
		Dir: dir, Node: 1, BlockRecords: 100_000, BlockBytes: 4 << 20, BlockAge: time.Second,
		AttemptTime: time.Minute, FirstWait: 500 * time.Millisecond, LongestWait: time.Minute, Attempts: 3,
		RecheckEvery: 24 * time.Hour, RecheckAge: 30 * 24 * time.Hour, RecheckPause: time.Second,
	}
}

func (c Config) check() error {
	switch {
	case c.Dir == "" && c.FS == nil:
		return errors.New("intake: no folder given")
	case len(c.Key) == 0:
		return errors.New("intake: no Key given; use that of the installation, with which receipts are signed")
	case c.Node == 0:
		return errors.New("intake: Node is 0; nodes are numbered from 1")
	case c.BlockRecords < 1:
		return fmt.Errorf("intake: BlockRecords is %d; it must be at least 1", c.BlockRecords)
	case c.BlockBytes < 1:
		return fmt.Errorf("intake: BlockBytes is %d; it must be at least 1", c.BlockBytes)
	case c.AttemptTime <= 0:
		return fmt.Errorf("intake: AttemptTime is %v; it must be positive", c.AttemptTime)
	case c.RecheckEvery < 0 || c.RecheckAge < 0 || c.RecheckPause < 0:
		return errors.New("intake: RecheckEvery, RecheckAge and RecheckPause must not be negative")
	case c.BlockAge < 0 || c.FirstWait < 0 || c.LongestWait < c.FirstWait:
		return errors.New("intake: BlockAge and the waits must not be negative, nor LongestWait below FirstWait")
	case c.Attempts < 1:
		return fmt.Errorf("intake: Attempts is %d; it must be at least 1", c.Attempts)
	}
	return nil
}

// Intake accepts interviews and ships them. Its methods may be called from several
// goroutines, but Run from one only.
type Intake struct {
	cfg    Config
	folder wal.FS
	log    Log
	store  Store
	forms  Forms
	now    func() time.Time
	logger *slog.Logger
	key    signing.Key
	index  *index
	ship   shipping
}

// New reads the state of the intake and the identities of all submissions in log.
// Nothing is shipped before Run.
func New(cfg Config, log Log, store Store, forms Forms, now func() time.Time) (*Intake, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	in := &Intake{cfg: cfg, folder: cfg.FS, log: log, store: store, forms: forms, now: now, logger: cfg.Logger}
	if in.logger == nil {
		in.logger = slog.Default()
	}
	var err error
	if in.folder == nil {
		if in.folder, err = wal.Folder(cfg.Dir); err != nil {
			return nil, fmt.Errorf("open the intake: %w", err)
		}
	}
	if in.key, err = ReceiptKey(cfg.Key); err != nil {
		return nil, fmt.Errorf("open the intake: %w", err)
	}
	if in.index, err = readIndex(log); err != nil {
		return nil, fmt.Errorf("open the intake: read the log: %w", err)
	}
	if err := in.openShipping(); err != nil {
		return nil, fmt.Errorf("open the intake: %w", err)
	}
	return in, nil
}
