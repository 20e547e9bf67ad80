// Package intake accepts finished interviews: it replays each through the form
// engine, makes it durable in the log before it says so, and ships the log to the
// store so that every accepted interview is there exactly once.
package intake

import (
	"context"
	"iter"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// Block is a run of accepted responses on its way to the store. Its token names
// it, so that the store drops a repeated insert of the same block.
type Block struct {
	Token     string
	Responses []surveys.Response
}

// Store is where responses are analysed. Insert may have succeeded although it
// returned an error; the caller finds out with Count. An error of Insert that
// wraps surveys.ErrInvalid says that the block holds a record which the store can
// never take.
type Store interface {
	Insert(ctx context.Context, b Block) error
	// Count returns how many different records of the node with from <= seq <= to
	// are stored, and the sum modulo 2^64 of their CheckNumber.
	Count(ctx context.Context, node uint16, from, to uint64) (n, check uint64, err error)
}

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
// yields the durable records from a sequence number on. wal.Log is one.
type Log interface {
	Append(ctx context.Context, rs []wal.Record) (first uint64, err error)
	Read(from uint64) iter.Seq2[wal.Record, error]
}

// Form replays the answers of an interview. form.Form is one.
type Form interface {
	Replay(a surveys.Answers) []form.Problem
}

// Forms knows the published waves. Form returns the form that the wave asks with
// this version of this survey; its error wraps surveys.ErrNotFound or
// surveys.ErrInvalid when there is none. Waves is one.
type Forms interface {
	Form(wave, survey, version string) (Form, error)
}

// Config says where the intake keeps its own files and how it ships.
type Config struct {
	// Dir holds the receipt key, the shipping cursor and the manifest of the block
	// on its way.
	Dir string
	// Node numbers this server among those that feed one store.
	Node uint16
	// BlockRecords is how many records make a full block; a smaller one is shipped
	// when its oldest record has waited for BlockAge.
	BlockRecords int
	BlockAge     time.Duration
}

// DefaultConfig returns the configuration of an intake that keeps its files in dir.
func DefaultConfig(dir string) Config {
	return Config{Dir: dir, Node: 1, BlockRecords: 10_000, BlockAge: time.Second}
}

// Intake accepts interviews and ships them.
type Intake struct{}

// New reads the state of the intake and the identities of all interviews in log.
// Nothing is shipped before Run.
func New(cfg Config, log Log, store Store, forms Forms, now func() time.Time) (*Intake, error) {
	return &Intake{}, nil
}

// Status says whether a submission was seen before.
type Status string

// The statuses.
const (
	Created  Status = "created"
	Repeated Status = "repeated"
)

// Receipt is the proof that a submission is durable.
type Receipt struct {
	ID       string    `json:"id"`
	Revision uint32    `json:"revision"`
	Node     uint16    `json:"node"`
	Seq      uint64    `json:"seq"`
	SHA256   string    `json:"sha256"`
	Received time.Time `json:"received"`
	HMAC     string    `json:"hmac"`
	Status   Status    `json:"status"`
	// Quarantined is the reason why the interview is kept but not counted; empty
	// for one that counts.
	Quarantined string `json:"quarantined,omitempty"`
}

// Accept takes the JSON of a surveys.Interview and returns when it is durable. Its
// errors wrap surveys.ErrTooLarge, ErrInvalid, ErrNotFound (no such wave),
// ErrConflict (another body under the same ID and revision) or ErrUnavailable.
func (in *Intake) Accept(ctx context.Context, body []byte) (Receipt, error) {
	return Receipt{}, surveys.ErrUnavailable
}

// Genuine reports whether r was signed by this intake.
func (in *Intake) Genuine(r Receipt) bool { return false }

// Run ships the log to the store until ctx ends.
func (in *Intake) Run(ctx context.Context) error { return nil }

// Flush returns when everything accepted before the call is stored. Run must be running.
func (in *Intake) Flush(ctx context.Context) error { return nil }

// Ledger is the account of all submissions: accepted = stored + pending + quarantined.
type Ledger struct{ Accepted, Stored, Pending, Quarantined uint64 }

// Balanced reports whether every accepted submission is accounted for.
func (l Ledger) Balanced() bool { return l.Accepted == l.Stored+l.Pending+l.Quarantined }

// String prints the ledger for people.
func (l Ledger) String() string { return "" }

// Verify recomputes the ledger from the log and compares it with the store.
func (in *Intake) Verify(ctx context.Context) (Ledger, error) { return Ledger{}, nil }

// Quarantined is a submission that is kept but not counted.
type Quarantined struct {
	Seq      uint64
	ID       string
	Revision uint32
	Received time.Time
	Reason   string
	Body     []byte
}

// Quarantine yields what is quarantined, in the order of the log.
func (in *Intake) Quarantine() iter.Seq2[Quarantined, error] {
	return func(yield func(Quarantined, error) bool) {}
}

// Waves is the list of published waves; it satisfies Forms. The zero value is empty.
type Waves struct{}

// Publish lets interviews of wave in with this version of survey.
func (w *Waves) Publish(wave, survey, version string, f Form) {}

// Form returns the form of a published wave.
func (w *Waves) Form(wave, survey, version string) (Form, error) { return nil, surveys.ErrNotFound }
