// Package tablet takes in what enumerators' tablets recorded: it keeps the journal of each
// device, durable and signed for, and carries out what is in it, each event once and in
// order.
//
// A tablet numbers its events from 1 and chains them by hashes. Take keeps a batch of them and
// answers with a receipt, when they are durable, and with a checkpoint, which says up to which
// number they were carried out. Rescue takes the same events out of a file that a tablet
// wrote. Run carries out: attempts, selections and notes in the office, interviews in the
// intake. The log is the system of record; what is in memory is rebuilt from it.
//
// Who may send, and over what, is for others to say.
package tablet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// Log keeps the journals. Append returns when the records are durable; Read yields the durable
// records from a number on, and damaged ranges as *wal.Damage errors. wal.Log is one.
type Log interface {
	Append(ctx context.Context, rs []wal.Record) (first uint64, err error)
	Read(from uint64) iter.Seq2[wal.Record, error]
}

// Office is where attempts, selections and notes are carried out. CarryOut does the deeds and
// notes how far a journal was carried out, all or nothing, and passes over what was carried
// out before; Hold may be repeated. office.Store is one.
type Office interface {
	Cursors(ctx context.Context) (map[string]office.Cursor, error)
	DeviceKey(ctx context.Context, device string) ([]byte, error)
	WasGiven(ctx context.Context, device, wave, id string) (bool, error)
	InterviewOf(ctx context.Context, wave, id string) (interview string, revision uint32, err error)
	IsOfAnother(ctx context.Context, wave, id, interview string) (bool, error)
	CarryOut(ctx context.Context, device string, upTo uint64, deeds []office.TabletDeed, now time.Time) error
	Hold(ctx context.Context, device string, deeds []office.TabletDeed, now time.Time) error
}

// Intake accepts interviews; the same one again gives the same receipt. intake.Intake is one.
type Intake interface {
	Accept(ctx context.Context, body []byte) (intake.Receipt, error)
	Stands(id string, revision uint32) intake.Standing
}

// Config says how the journals are carried out.
type Config struct {
	// AtOnce is how many events of one tablet are carried out before it is the turn of the
	// next.
	AtOnce int
	// FirstWait and LongestWait bound the waits before a tablet's events are tried again
	// while the office or the intake is away. The wait doubles each time.
	FirstWait, LongestWait time.Duration
	// Logger gets counts and causes, never answers, names or tokens; nil means
	// slog.Default().
	Logger *slog.Logger
}

// DefaultConfig returns the configuration that the server has.
func DefaultConfig() Config {
	return Config{AtOnce: 200, FirstWait: time.Second, LongestWait: time.Minute}
}

func (c Config) check() error {
	switch {
	case c.AtOnce < 1:
		return fmt.Errorf("tablets: AtOnce is %d; it must be at least 1", c.AtOnce)
	case c.FirstWait <= 0 || c.LongestWait < c.FirstWait:
		return errors.New("tablets: FirstWait must be above 0, and LongestWait not below it")
	}
	return nil
}

// Tablets keeps the journals of all tablets. Its methods may be called from several
// goroutines, but Run from one only.
type Tablets struct {
	cfg    Config
	log    Log
	office Office
	intake Intake
	keys   keys
	now    func() time.Time
	logger *slog.Logger
	wake   chan struct{}
	// carrying is held by whoever carries out.
	carrying sync.Mutex

	mu       sync.Mutex
	journals map[string]*journal
	cursors  map[string]office.Cursor // as they were when the log was read
}

// Open reads the log once. The key is that of the installation, at least 32 secret bytes: the
// same one gives the same signatures, and opens rescue files made for it. Nothing is carried
// out before Run.
func Open(ctx context.Context, cfg Config, log Log, o Office, in Intake, key []byte, now func() time.Time) (*Tablets, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	t := &Tablets{cfg: cfg, log: log, office: o, intake: in, now: now, logger: cfg.Logger, wake: make(chan struct{}, 1), journals: map[string]*journal{}}
	if t.logger == nil {
		t.logger = slog.Default()
	}
	var err error
	if t.keys, err = deriveKeys(key); err != nil {
		return nil, fmt.Errorf("open the journals of tablets: %w", err)
	}
	if t.cursors, err = o.Cursors(ctx); err != nil {
		return nil, fmt.Errorf("open the journals of tablets: %w", err)
	}
	if err := t.readLog(); err != nil {
		return nil, fmt.Errorf("open the journals of tablets: read the log: %w", err)
	}
	return t, nil
}

// readLog rebuilds the journals. What the log has lost is missing in them, and asked for again.
func (t *Tablets) readLog() error {
	for r, err := range t.log.Read(1) {
		var damage *wal.Damage
		if errors.As(err, &damage) {
			t.logger.Warn("the log of tablets has lost records", "from", damage.From, "to", damage.To)
			continue
		}
		if err != nil {
			return err
		}
		i, err := readItem(r)
		if err != nil {
			return err
		}
		t.journal(formatUUID(r.ID)).add(i, r.Seq)
	}
	return nil
}

// journal returns that of a device, empty at first.
func (t *Tablets) journal(device string) *journal {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.journals[device]
	if j == nil {
		c := t.cursors[device]
		j = newJournal(device, c.Carried)
		j.quarantined = c.Quarantined
		t.journals[device] = j
	}
	return j
}

// all lists the journals by device.
func (t *Tablets) all() []*journal {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.SortedFunc(maps.Values(t.journals), func(a, b *journal) int { return cmp.Compare(a.device, b.device) })
}

// nudge lets Run look for what waits.
func (t *Tablets) nudge() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// ErrChain is for a batch that does not chain: it does not begin where the journal of its
// device does, or not after an event that was kept.
var ErrChain = fmt.Errorf("the batch does not continue the journal of its tablet: %w", surveys.ErrConflict)

// Counts is what the journal of a tablet holds, to be held against what the tablet counts
// itself.
type Counts struct {
	// Kinds are the events by kind; unknown kinds are counted as “other”.
	Kinds map[string]int `json:"kinds"`
	// Begun to Notes are those of the kinds that a report of the tablet counts, too.
	Begun      int `json:"begun"`
	Finished   int `json:"finished"`
	Parted     int `json:"parted"`
	Attempts   int `json:"attempts"`
	Selections int `json:"selections"`
	Relists    int `json:"relists"`
	Notes      int `json:"notes"`
	// Last is the highest number, Upto the one up to which none is missing, Carried the one up
	// to which all were carried out. Gaps are the numbers that are missing, from and to.
	Last    uint64      `json:"last"`
	Upto    uint64      `json:"upto"`
	Carried uint64      `json:"carried"`
	Gaps    [][2]uint64 `json:"gaps"`
	// Damaged numbers have no text, since the tablet could not read it or it was given up;
	// Conflicts are further texts under a number that has one; Late came when their number
	// had been passed over.
	Damaged   int `json:"damaged"`
	Conflicts int `json:"conflicts"`
	Late      int `json:"late"`
	// DamagedAt and ConflictsAt name those numbers.
	DamagedAt   Numbers `json:"damaged_at"`
	ConflictsAt Numbers `json:"conflicts_at"`
	// Quarantined interviews were kept, but do not count.
	Quarantined int `json:"quarantined"`
}

// MostRanges is how many ranges of numbers are named.
const MostRanges = 50

// Numbers are numbers of events: how many there are, and the lowest of them, at most
// MostRanges ranges, from and to.
type Numbers struct {
	Total int         `json:"total"`
	First [][2]uint64 `json:"first,omitempty"`
}

// add adds a number that is higher than all before.
func (s *Numbers) add(n uint64) {
	s.Total++
	last := len(s.First) - 1
	if last+1 < MostRanges || s.First[last][1] == n-1 {
		s.First = extend(s.First, n)
	}
}

// Counts tells what is there of a device, nothing of one that never sent any.
func (t *Tablets) Counts(device string) Counts {
	j := t.journal(device)
	j.mu.Lock()
	defer j.mu.Unlock()
	return Counts{
		Kinds: maps.Clone(j.kinds), Begun: j.kinds[kindBegin], Finished: j.kinds[kindFinish], Parted: j.kinds[kindPart], Attempts: j.kinds[kindAttempt],
		Selections: j.kinds[kindSelect], Relists: j.kinds[kindRelist], Notes: j.kinds[kindNote],
		Last: j.last(), Upto: j.upto, Carried: j.carried, Gaps: j.gaps(), Damaged: j.damaged, Conflicts: j.conflicts, Late: j.lates, Quarantined: j.quarantined,
		DamagedAt: j.withoutText(), ConflictsAt: j.inConflict(),
	}
}
