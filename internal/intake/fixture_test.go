package intake_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/intake/wal/simdisk"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

var questionnaire = &surveys.Questionnaire{
	ID: "tiny", Edition: "1", Languages: []surveys.Lang{surveys.EN},
	Sections: []surveys.Section{{ID: "s", Items: []surveys.Item{
		{ID: "earth", Type: surveys.Single, Required: true, Options: []surveys.Option{{Code: "yes"}, {Code: "no"}}},
		{ID: "name", Type: surveys.ShortText, MaxLength: 10_000},
	}}},
}

const wave = "w2026"

// installation is the key of the installation.
var installation = []byte("the key of an installation, 32 b")

// start is when the tests take place.
var start = time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)

// station is an intake with its disks, which can be started again.
type station struct {
	t                *testing.T
	logDisk, ownDisk *simdisk.Disk
	log              *wal.Log
	in               *intake.Intake
	cfg              intake.Config
	store            *store
	remote           intake.Store // store, unless a test uses a real one
	stop             func()
	logConfig        wal.Config
	clock            func() time.Time // start at all times unless a test sets it
}

// open starts an intake on empty disks.
func open(t *testing.T, change ...func(*intake.Config)) *station {
	t.Helper()
	s := &station{t: t, logDisk: simdisk.New(1, simdisk.Strict), ownDisk: simdisk.New(2, simdisk.Strict), store: newStore()}
	s.remote = s.store
	s.cfg = intake.DefaultConfig("")
	s.cfg.BlockRecords, s.cfg.BlockAge = 10, time.Millisecond
	s.cfg.FirstWait, s.cfg.LongestWait = time.Microsecond, time.Millisecond
	s.cfg.Logger, s.cfg.Key = quiet, installation
	s.cfg.RecheckEvery = 0
	s.clock = func() time.Time { return start }
	for _, c := range change {
		c(&s.cfg)
	}
	s.logConfig = wal.DefaultConfig("")
	s.logConfig.SegmentBytes, s.logConfig.BatchBytes, s.logConfig.Logger = 128<<10, 64<<10, quiet
	s.start()
	t.Cleanup(s.end)
	return s
}

func (s *station) start() {
	s.t.Helper()
	s.logConfig.FS, s.cfg.FS = s.logDisk, s.ownDisk
	var err error
	if s.log, err = wal.Open(s.logConfig); err != nil {
		s.t.Fatalf("wal.Open: %v", err)
	}
	if s.in, err = intake.New(s.cfg, s.log, s.remote, formsOf(s.t), s.clock); err != nil {
		s.t.Fatalf("intake.New: %v", err)
	}
}

// formsOf are the published waves.
func formsOf(t *testing.T) *intake.Waves {
	t.Helper()
	f, err := form.Compile(questionnaire)
	if err != nil {
		t.Fatal(err)
	}
	waves := &intake.Waves{}
	waves.Publish(wave, questionnaire.ID, questionnaire.Version(), intake.Edition{Form: f, Ends: start.AddDate(0, 0, 2), Booklets: map[string]string{"drawn": "B"}})
	return waves
}

// run ships in the background until the station ends.
func (s *station) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.in.Run(ctx) }()
	s.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	}
}

func (s *station) end() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
	s.log.Close()
}

// powerCut ends the station, loses what was not synced, and starts it again.
func (s *station) powerCut() {
	s.t.Helper()
	log, own := s.logDisk.Reboot(), s.ownDisk.Reboot()
	s.end()
	s.logDisk, s.ownDisk = log, own
	s.start()
}

// flush waits until all is stored.
func (s *station) flush() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.in.Flush(ctx); err != nil {
		s.t.Fatalf("Flush: %v", err)
	}
}

// interview returns the n-th interview.
func interview(n int) surveys.Interview {
	return surveys.Interview{
		ID: fmt.Sprintf("00000000-0000-4000-8000-%012x", n), Survey: questionnaire.ID, Version: questionnaire.Version(),
		Wave: wave, Mode: surveys.ModeTablet, Lang: surveys.EN, Started: start.Add(-time.Hour), Finished: start,
		Answers: surveys.Answers{"earth": {"yes"}, "name": {fmt.Sprint("person ", n)}},
	}
}

func encode(t *testing.T, iv surveys.Interview) []byte {
	t.Helper()
	b, err := json.Marshal(iv)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// body returns the n-th interview as JSON after a change.
func body(t *testing.T, n int, change ...func(*surveys.Interview)) []byte {
	t.Helper()
	iv := interview(n)
	for _, c := range change {
		c(&iv)
	}
	return encode(t, iv)
}

func (s *station) accept(b []byte) intake.Receipt {
	s.t.Helper()
	r, err := s.in.Accept(context.Background(), b)
	if err != nil {
		s.t.Fatalf("Accept: %v", err)
	}
	return r
}

// checkLedger fails unless the ledger has these numbers and is balanced.
func (s *station) checkLedger(stored, pending, quarantined uint64) {
	s.t.Helper()
	l, err := s.in.Verify(context.Background())
	if err != nil {
		s.t.Fatalf("Verify: %v", err)
	}
	if !l.Balanced() || l.Stored != stored || l.Pending != pending || l.Quarantined != quarantined {
		s.t.Errorf("ledger is\n%vwant stored %d, pending %d, quarantined %d", l, stored, pending, quarantined)
	}
}

// reasons returns the reasons in the quarantine, in order.
func (s *station) reasons() (reasons []string) {
	s.t.Helper()
	for _, q := range s.in.Quarantine() {
		same, body, err := s.in.Quarantined(q.Seq)
		if err != nil || len(body) == 0 || same != q || q.ID == "" || q.Seq == 0 {
			s.t.Errorf("the quarantine has %+v: %v", q, err)
		}
		reasons = append(reasons, q.Reason)
	}
	return reasons
}

// store is a store that can lie. It collapses records as the real one does: by wave,
// submission and revision.
type store struct {
	mu      sync.Mutex
	records map[string]surveys.Response
	tokens  map[string]bool
	inserts int
	// lie is asked at each insert what to do; nil stores everything.
	lie func(b intake.Block, insert int) lie
	// down makes Insert and Count fail.
	down bool
	// poison is the name of a person whose record can never be stored.
	poison string
	// blunt stores do not say that a record is at fault.
	blunt bool
}

// lie is what a store does with an insert.
type lie struct {
	keep  int // how many of the records are stored; -1 is all
	err   error
	spoil bool // the content of the first record changes
}

var (
	honest  = lie{keep: -1}
	errLost = errors.New("connection lost")
)

func newStore() *store {
	return &store{records: map[string]surveys.Response{}, tokens: map[string]bool{}}
}

func (s *store) set(change func(*store)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// wait returns when so many blocks have come.
func (s *store) wait(t *testing.T, inserts int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		came := s.inserts
		s.mu.Unlock()
		if came >= inserts {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d blocks came, want %d", came, inserts)
		}
	}
}

func (s *store) Insert(_ context.Context, b intake.Block) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inserts++
	if s.down {
		return errLost
	}
	if s.tokens[b.Token] {
		return nil // dropped as a repeat
	}
	for _, r := range b.Responses {
		if s.poison != "" && r.Answers.First("name") == s.poison {
			if s.blunt {
				return errors.New("cannot parse")
			}
			return fmt.Errorf("cannot parse: %w", surveys.ErrInvalid)
		}
	}
	what := honest
	if s.lie != nil {
		what = s.lie(b, s.inserts)
	}
	kept := b.Responses
	if what.keep >= 0 {
		kept = kept[:min(what.keep, len(kept))]
	}
	s.tokens[b.Token] = true
	for i, r := range kept {
		if what.spoil && i == 0 {
			r.BodyHash[3] ^= 1
		}
		s.records[fmt.Sprint(r.Wave, r.ID, r.Revision)] = r
	}
	return what.err
}

func (s *store) Count(_ context.Context, node uint16, from, to uint64) (n, check uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return 0, 0, errLost
	}
	for _, r := range s.records {
		if r.Node == node && r.Seq >= from && r.Seq <= to {
			n++
			check += intake.CheckNumber(r)
		}
	}
	return n, check, nil
}

func (s *store) Records(_ context.Context, node uint16, from, to uint64, yield func(intake.StoredRecord) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errLost
	}
	var list []intake.StoredRecord
	for _, r := range s.records {
		if r.Node == node && r.Seq >= from && r.Seq <= to {
			id, err := uuid.Parse(r.ID)
			if err != nil {
				return err
			}
			list = append(list, intake.StoredRecord{Seq: r.Seq, ID: id, Revision: r.Revision, BodyHash: r.BodyHash})
		}
	}
	slices.SortFunc(list, func(a, b intake.StoredRecord) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), bytes.Compare(a.ID[:], b.ID[:]), cmp.Compare(a.Revision, b.Revision))
	})
	for _, r := range list {
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) Erase(_ context.Context, node uint16) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errLost
	}
	maps.DeleteFunc(s.records, func(_ string, r surveys.Response) bool { return r.Node == node })
	return nil
}

// people returns the names in the store, sorted.
func (s *store) people() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for r := range maps.Values(s.records) {
		names = append(names, r.Answers.First("name"))
	}
	slices.Sort(names)
	return names
}
