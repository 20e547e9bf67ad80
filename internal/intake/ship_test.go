package intake_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/intake/wal/simdisk"
	"github.com/suyang-survey/suyang/surveys"
)

// people returns the sorted names of the interviews from to to.
func people(from, to int) []string {
	var names []string
	for n := from; n <= to; n++ {
		names = append(names, fmt.Sprint("person ", n))
	}
	slices.Sort(names)
	return names
}

// checkStored fails unless exactly the interviews from to to are in the store.
func (s *station) checkStored(from, to int) {
	s.t.Helper()
	if got := s.store.people(); !slices.Equal(got, people(from, to)) {
		s.t.Errorf("the store holds %d records %v, want the interviews %d to %d", len(got), got, from, to)
	}
}

func (s *station) acceptAll(from, to int) {
	s.t.Helper()
	for n := from; n <= to; n++ {
		s.accept(body(s.t, n))
	}
}

func TestEverythingIsStoredOnce(t *testing.T) {
	for name, lies := range map[string]func(b intake.Block, insert int) lie{
		"an honest store":                     nil,
		"an error after storing":              func(_ intake.Block, i int) lie { return lie{keep: -1, err: errLost} },
		"an error before storing, half of it": func(_ intake.Block, i int) lie { return []lie{{keep: 0, err: errLost}, honest}[i%2] },
		"success, but nothing is stored":      func(_ intake.Block, i int) lie { return []lie{{keep: 0, err: nil}, honest}[i%2] },
		"success, but half is stored":         func(b intake.Block, i int) lie { return []lie{honest, {keep: len(b.Responses) / 2, err: nil}}[i%2] },
		"an error, and half is stored":        func(b intake.Block, i int) lie { return []lie{{keep: len(b.Responses) / 2, err: errLost}, honest}[i%2] },
		"a record is changed":                 func(_ intake.Block, i int) lie { return []lie{honest, {keep: -1, spoil: true}}[i%2] },
		"two of three lost": func(b intake.Block, i int) lie {
			return []lie{honest, {keep: 0, err: nil}, {keep: 0, err: errLost}}[i%3]
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.store.lie = lies
			s.acceptAll(1, 25)
			s.run()
			s.acceptAll(26, 57)
			s.accept(body(t, 1))
			s.flush()
			s.checkStored(1, 57)
			s.checkLedger(57, 0, 0)
		})
	}
}

func TestRandomLies(t *testing.T) {
	for seed := range uint64(20) {
		s := open(t)
		rng := rand.New(rand.NewPCG(seed, 7))
		s.store.lie = func(b intake.Block, _ int) lie {
			l := honest
			if rng.IntN(2) == 0 {
				l.keep = rng.IntN(len(b.Responses) + 1)
			}
			if rng.IntN(2) == 0 {
				l.err = errLost
			}
			return l
		}
		s.run()
		s.acceptAll(1, 43)
		s.flush()
		s.checkStored(1, 43)
		s.checkLedger(43, 0, 0)
		s.end()
	}
}

func TestStoreIsAway(t *testing.T) {
	s := open(t)
	s.store.set(func(st *store) { st.down = true })
	s.run()
	s.acceptAll(1, 25)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.in.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Flush while the store is away: %v, want the end of its time", err)
	}
	if _, err := s.in.Verify(t.Context()); err != nil { // nothing is shipped, so the store is not asked
		t.Errorf("Verify: %v", err)
	}
	s.store.set(func(st *store) { st.down = false })
	s.flush()
	s.checkStored(1, 25)
	s.checkLedger(25, 0, 0)
}

func TestQuarantinedAreNotShipped(t *testing.T) {
	s := open(t)
	s.run()
	for n := 1; n <= 30; n += 2 {
		s.accept(body(t, n, func(iv *surveys.Interview) { iv.Answers["earth"] = nil }))
		s.accept(body(t, n+1))
	}
	s.flush()
	if got := len(s.store.people()); got != 15 {
		t.Errorf("the store holds %d records, want 15", got)
	}
	s.checkLedger(15, 0, 15)
}

// TestPoison has one record that the store refuses: the rest is stored, and the one
// goes to quarantine, also in the eyes of a later start.
func TestPoison(t *testing.T) {
	for _, blunt := range []bool{false, true} {
		for _, bad := range []int{1, 7, 25, 26} {
			t.Run(fmt.Sprintf("record %d, blunt %t", bad, blunt), func(t *testing.T) {
				s := open(t)
				s.store.poison, s.store.blunt = fmt.Sprint("person ", bad), blunt
				s.acceptAll(1, 26)
				s.run()
				if blunt {
					s.accept(body(t, 1001)) // proves that the store takes others, whatever the last block is
				}
				s.flush()
				names := slices.DeleteFunc(s.store.people(), func(n string) bool { return n == "person 1001" })
				if want := slices.DeleteFunc(people(1, 26), func(n string) bool { return n == s.store.poison }); !slices.Equal(names, want) {
					t.Errorf("the store holds %v, want %v", names, want)
				}
				stored := uint64(25)
				if blunt {
					stored++
				}
				s.checkLedger(stored, 0, 1)
				if got := s.reasons(); !slices.Equal(got, []string{"the store does not take it"}) {
					t.Errorf("the quarantine holds %q", got)
				}
				s.end()
				s.ownDisk.Corrupt("cursor.json", func([]byte) []byte { return nil })
				s.start()
				s.run() // everything is shipped anew, and the one is known
				end := s.log.Stat().Next
				s.flush()
				s.checkLedger(stored, 0, 1)
				if got := s.log.Stat().Next; got != end {
					t.Errorf("%d more records are in the log after a restart, want none", got-end)
				}
			})
		}
	}
}

// TestPoisonSideBySide has a record that the store refuses alone in its block, and more of
// them after it: others are found that the store does take.
func TestPoisonSideBySide(t *testing.T) {
	s := open(t, func(c *intake.Config) { c.BlockRecords = 5 })
	s.store.lie = func(b intake.Block, _ int) lie {
		for _, r := range b.Responses {
			if r.Seq <= 4 {
				return lie{err: fmt.Errorf("cannot parse: %w", intake.ErrRefused)}
			}
		}
		return honest
	}
	s.acceptAll(1, 1)
	s.run()
	s.store.wait(t, 1)
	s.acceptAll(2, 20)
	s.flush()
	s.checkStored(5, 20)
	s.checkLedger(16, 0, 4)
}

// TestFullStoreCondemnsNobody: a store that takes half a block and then nothing for
// a while, though it can be asked, is no reason to put interviews into quarantine,
// whenever it recovers.
func TestFullStoreCondemnsNobody(t *testing.T) {
	for _, n := range []int{1, 25} {
		for refusals := range 120 {
			s := open(t)
			s.store.lie = func(b intake.Block, insert int) lie {
				switch {
				case insert == 1:
					return lie{keep: len(b.Responses) / 2, err: errLost}
				case insert <= refusals:
					return lie{err: errors.New("no space left on device")}
				}
				return honest
			}
			s.acceptAll(1, n)
			s.run()
			s.flush()
			s.checkStored(1, n)
			s.checkLedger(uint64(n), 0, 0)
			s.end()
			if t.Failed() {
				t.Fatalf("%d interviews, the store recovers after %d refusals", n, refusals)
			}
		}
	}
}

// TestSilentStoreCondemnsNobody: a store that says it has stored everything and for long
// stores nothing is no reason to put interviews into quarantine, whatever it had before.
func TestSilentStoreCondemnsNobody(t *testing.T) {
	s := open(t)
	s.store.lie = func(b intake.Block, insert int) lie {
		switch {
		case insert == 2:
			return lie{keep: len(b.Responses) / 2}
		case insert > 2 && insert < 400:
			return lie{keep: 0}
		}
		return honest
	}
	s.acceptAll(1, 25)
	s.run()
	s.flush()
	s.checkStored(1, 25)
	s.checkLedger(25, 0, 0)
}

// TestSameBlockAfterARestart sends a block, loses the answer, cuts the power, and
// sends the very same responses again although more has come in, under a token that the
// store has not seen.
func TestSameBlockAfterARestart(t *testing.T) {
	s := open(t)
	var mu sync.Mutex
	var sent []intake.Block
	s.store.lie = func(b intake.Block, _ int) lie {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, b)
		return lie{keep: 0, err: errLost}
	}
	s.acceptAll(1, 7)
	s.run()
	for n := 0; n == 0; time.Sleep(time.Millisecond) {
		mu.Lock()
		n = len(sent)
		mu.Unlock()
	}
	s.end()
	s.powerCut()
	s.acceptAll(8, 20)
	s.store.set(func(st *store) {
		st.lie = func(b intake.Block, _ int) lie {
			sent = append(sent, b)
			return honest
		}
	})
	before := len(sent)
	s.run()
	s.flush()
	first, again := sent[0], sent[before]
	if first.Token == again.Token {
		t.Errorf("the token %s is used again after a restart", first.Token)
	}
	if a, b := fmt.Sprintf("%+v", first.Responses), fmt.Sprintf("%+v", again.Responses); a != b {
		t.Errorf("after the restart\n%s\nis sent, before it was\n%s", b, a)
	}
	s.checkStored(1, 20)
}

// TestNothingIsLostInPowerCuts runs the whole intake on disks that lose power at
// random moments, before a store that lies at random.
func TestNothingIsLostInPowerCuts(t *testing.T) {
	lives := 150
	if testing.Short() {
		lives = 30
	}
	rng, lies := rand.New(rand.NewPCG(2026, 5)), rand.New(rand.NewPCG(2026, 6))
	s := open(t)
	s.store.lie = func(b intake.Block, _ int) lie {
		l := lie{keep: lies.IntN(3*len(b.Responses)) + 1}
		if lies.IntN(3) == 0 {
			l.err = errLost
		}
		return l
	}
	acked, n := map[int]intake.Receipt{}, 0
	checkReceipts := func(after int) {
		t.Helper()
		for k, r := range acked {
			if k <= after {
				continue
			}
			again := s.accept(body(t, k))
			if r.Status = intake.Repeated; again != r {
				t.Fatalf("interview %d has the receipt %+v, acknowledged was %+v", k, again, r)
			}
		}
	}
	for range lives {
		before := n
		s.run()
		s.logDisk.CutAfter(rng.IntN(60))
		s.ownDisk.CutAfter(rng.IntN(12))
		for range 30 {
			n++
			if r, err := s.in.Accept(t.Context(), body(t, n)); err == nil {
				acked[n] = r
			}
		}
		s.powerCut()
		checkReceipts(before)
	}
	checkReceipts(0)
	s.run()
	s.flush()
	l, err := s.in.Verify(t.Context())
	if err != nil || !l.Balanced() || l.Pending != 0 || l.Stored < uint64(len(acked)) {
		t.Fatalf("%d were acknowledged; the ledger is\n%v(%v)", len(acked), l, err)
	}
	if got := len(s.store.people()); uint64(got) != l.Stored {
		t.Errorf("the store holds %d records, the ledger says %d", got, l.Stored)
	}
	t.Logf("%d power cuts, %d acknowledged, all stored once", lives, len(acked))
}

func TestLedgerNamesDifferences(t *testing.T) {
	s := open(t)
	s.run()
	s.acceptAll(1, 40)
	s.flush()
	s.store.set(func(st *store) {
		for k, r := range maps.Clone(st.records) {
			switch r.Seq {
			case 7, 31:
				delete(st.records, k)
			case 12:
				r.BodyHash[0] ^= 1
				st.records[k] = r
			case 20: // another interview in its place, which no sum of hashes shows
				r.ID = interview(99).ID
				st.records[k] = r
				r.ID, r.Seq = interview(98).ID, 1000
				st.records["beyond the log"] = r
				r.Node = 2
				st.records["of another node"] = r
			}
		}
	})
	l, err := s.in.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hash := func(n int) string { return fmt.Sprintf("%x", sha256.Sum256(body(t, n))) }
	want := []intake.Difference{
		{intake.Missing, 7, interview(7).ID, 0, hash(7), ""},
		{intake.Unequal, 12, interview(12).ID, 0, hash(12), ""},
		{intake.Missing, 20, interview(20).ID, 0, hash(20), ""},
		{intake.Foreign, 20, interview(99).ID, 0, "", hash(20)},
		{intake.Missing, 31, interview(31).ID, 0, hash(31), ""},
		{intake.Foreign, 1000, interview(98).ID, 0, "", hash(20)},
	}
	if len(l.Differences) > 1 {
		d := &l.Differences[1]
		if want[1].Store = d.Store; d.Store == d.Log || len(d.Store) != 64 || d.Store[2:] != d.Log[2:] {
			t.Errorf("record 12 has hash %s in the store", d.Store)
		}
	}
	if l.Balanced() || !slices.Equal(l.Differences, want) || l.Different != 6 || l.Stored != 36 {
		t.Errorf("the ledger is\n%vwant differences %v", l, want)
	}
	text := "node 1: accepted 40 ≠ stored 36 + pending 0 + quarantined 0\n" +
		"  record 7, interview 00000000-0000-4000-8000-000000000007, revision 0: the store does not have it; its hash in the log is " + hash(7) + "\n" +
		"  record 12, interview 00000000-0000-4000-8000-00000000000c, revision 0: its hash in the log is " + hash(12) + ", in the store " + want[1].Store + "\n" +
		"  record 20, interview 00000000-0000-4000-8000-000000000014, revision 0: the store does not have it; its hash in the log is " + hash(20) + "\n" +
		"  record 20, interview 00000000-0000-4000-8000-000000000063, revision 0: the store has it, but it is not of this log; its hash there is " + hash(20) + "\n" +
		"  record 31, interview 00000000-0000-4000-8000-00000000001f, revision 0: the store does not have it; its hash in the log is " + hash(31) + "\n" +
		"  record 1000, interview 00000000-0000-4000-8000-000000000062, revision 0: the store has it, but it is not of this log; its hash there is " + hash(20) + "\n"
	if l.String() != text {
		t.Errorf("the ledger reads\n%s, want\n%s", l, text)
	}
	var all []intake.Difference
	stop := errors.New("stop")
	l, err = s.in.Compare(t.Context(), intake.Comparison{Difference: func(d intake.Difference) error { all = append(all, d); return nil }})
	if err != nil || !slices.Equal(all, want) || l.Different != 6 {
		t.Errorf("Compare() names %v, %v; want %v", all, err, want)
	}
	if _, err := s.in.Compare(t.Context(), intake.Comparison{Difference: func(intake.Difference) error { return stop }}); !errors.Is(err, stop) {
		t.Errorf("Compare() whose differences cannot be written: %v", err)
	}
}

// A ledger of a store that has lost everything counts all, and holds the first only.
func TestLedgerIsBounded(t *testing.T) {
	s := open(t)
	s.run()
	s.acceptAll(1, 250)
	s.flush()
	s.store.set(func(st *store) { clear(st.records) })
	named := 0
	l, err := s.in.Compare(t.Context(), intake.Comparison{Difference: func(intake.Difference) error { named++; return nil }})
	if err != nil || l.Different != 250 || named != 250 || len(l.Differences) != 100 || l.Balanced() || !strings.Contains(l.String(), "and 150 more") {
		t.Errorf("%d named, %v, the ledger is\n%v", named, err, l)
	}
}

// Rebuilding makes the store anew from the log, whatever was in it; records of other nodes
// stay. A rebuild that is broken off anywhere leaves a store that does not pass for whole,
// and goes on by itself.
func TestRebuild(t *testing.T) {
	s := open(t)
	s.run()
	s.acceptAll(1, 57)
	s.accept(body(t, 58, func(iv *surveys.Interview) { iv.Answers = nil }))
	s.flush()
	s.end()
	s.start()
	spoil := func(st *store) {
		for k, r := range maps.Clone(st.records) {
			switch r.Seq {
			case 3:
				delete(st.records, k)
			case 9:
				r.BodyHash[9] ^= 1
				st.records[k] = r
			case 20:
				r.ID = interview(99).ID
				st.records["foreign"] = r
				r.Node = 2
				st.records["another node's"] = r
			}
		}
	}
	s.store.set(spoil)
	if l, err := s.in.Verify(t.Context()); err != nil || l.Different != 3 {
		t.Fatalf("%v: %v", l, err)
	}
	var steps []int
	err := s.in.Rebuild(t.Context(), s.store.Erase, func(done, total int) {
		if steps = append(steps, done); total != 58 {
			t.Errorf("%d of %d", done, total)
		}
	})
	if err != nil || !slices.Equal(steps, []int{10, 20, 30, 40, 50}) {
		t.Errorf("Rebuild() = %v, with steps %v", err, steps)
	}
	s.checkLedger(57, 0, 1)
	before := s.store.inserts
	if err := s.in.Rebuild(t.Context(), s.store.Erase, nil); err != nil || s.store.inserts-before != 6 {
		t.Errorf("a second rebuild sends %d blocks (%v), want each of 6 once, though the store knows the tokens of those before", s.store.inserts-before, err)
	}
	if _, there := s.store.records["another node's"]; !there {
		t.Error("the record of another node is gone")
	}
	s.store.set(func(st *store) { delete(st.records, "another node's") })
	s.checkStored(1, 57)

	for cut := range 6 { // after so many blocks
		s.store.set(spoil)
		err := s.in.Rebuild(t.Context(), func(ctx context.Context, node uint16) error {
			if cut == 0 {
				return errLost // before anything was erased
			}
			return s.store.Erase(ctx, node)
		}, nil)
		if cut == 0 != errors.Is(err, errLost) {
			t.Fatalf("Rebuild() = %v", err)
		}
		s.store.set(func(st *store) { delete(st.records, "another node's") })
		if cut > 0 {
			ctx, cancel := context.WithCancel(t.Context())
			err = s.in.Rebuild(ctx, s.store.Erase, func(done, _ int) {
				if done == 10*cut {
					cancel()
				}
			})
			if cancel(); cut < 6 && !errors.Is(err, context.Canceled) {
				t.Fatalf("Rebuild() that is broken off = %v", err)
			}
		}
		s.powerCut()
		l, err := s.in.Verify(t.Context())
		if want := uint64(57 - 10*cut); err != nil || l.Pending != want {
			t.Errorf("broken off after %d blocks: %v, %v, want %d pending", cut, l, err, want)
		}
		if cut == 0 {
			continue
		}
		s.run()
		s.flush()
		s.end()
		s.start()
		s.checkLedger(57, 0, 1)
		s.checkStored(1, 57)
	}
}

func TestLedgerNamesDamageOfTheLog(t *testing.T) {
	s := open(t)
	s.run()
	s.acceptAll(1, 40)
	s.flush()
	s.end()
	s.logDisk.Corrupt("0000000001.seg", func(b []byte) []byte {
		b[bytes.Index(b, []byte("person 12"))]++
		return b
	})
	s.start()
	l, err := s.in.Verify(t.Context())
	if err != nil || l.Balanced() || l.Lost() != 1 || len(l.Damaged) != 1 || l.Damaged[0].From != 12 {
		t.Errorf("the ledger is\n%v(%v), want record 12 lost", l, err)
	}
	s.run() // the rest goes on
	s.acceptAll(41, 45)
	s.flush()
	s.checkStored(1, 45)
}

// TestForeignLogIsRefused: a cursor ahead of the log means that folders were mixed
// up, and new records would be taken for stored ones.
func TestForeignLogIsRefused(t *testing.T) {
	s := open(t)
	s.run()
	s.acceptAll(1, 5)
	s.flush()
	s.end()
	empty := simdisk.New(9, simdisk.Strict)
	cfg := s.logConfig
	cfg.FS = empty
	log, err := wal.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err = intake.New(s.cfg, log, s.store, &intake.Waves{}, time.Now); err == nil || !strings.Contains(err.Error(), "5 records were shipped, but the log is empty") {
		t.Errorf("New with an empty log: %v, want a refusal", err)
	}
	s.cfg.Node = 2
	if _, err = intake.New(s.cfg, s.log, s.store, &intake.Waves{}, time.Now); err == nil || !strings.Contains(err.Error(), "node 1") {
		t.Errorf("New as another node: %v, want a refusal", err)
	}
}

// TestEndOfTheLogLost destroys the last record of the log after it was shipped. Its
// number is not given again: the new record would be taken for the stored one.
func TestEndOfTheLogLost(t *testing.T) {
	s := open(t)
	s.run()
	s.acceptAll(1, 5)
	s.flush()
	s.end()
	s.logDisk.Corrupt("0000000001.seg", func(b []byte) []byte {
		b[bytes.Index(b, []byte("person 5"))]++
		return b
	})
	check := func(accepted, stored uint64) {
		t.Helper()
		l, err := s.in.Verify(t.Context())
		if err != nil || l.Accepted != accepted || l.Stored != stored || l.Lost() != 1 || l.Balanced() ||
			len(l.Damaged) != 1 || l.Damaged[0].From != 5 || l.Different != 1 || l.Differences[0].Fault != intake.Foreign || l.Differences[0].Seq != 5 {
			t.Errorf("the ledger is\n%v(%v), want record 5 lost from the log", l, err)
		}
	}
	s.start()
	check(4, 4)
	if r := s.accept(body(t, 6)); r.Seq != 6 {
		t.Errorf("the next interview has number %d, want 6", r.Seq)
	}
	s.run()
	s.flush()
	s.checkStored(1, 6)
	check(5, 5)
	s.end()
	s.start()
	check(5, 5)
}

// TestForeignRecordInTheStore: two nodes with one number make the sums wrong. That is
// no reason to put interviews into quarantine.
func TestForeignRecordInTheStore(t *testing.T) {
	s := open(t)
	s.store.records["foreign"] = surveys.Response{Node: 1, Seq: 2}
	s.acceptAll(1, 3)
	s.run()
	for tried := 0; tried < 100; time.Sleep(time.Millisecond) {
		s.store.set(func(st *store) { tried = st.inserts })
	}
	if got := s.reasons(); len(got) > 0 {
		t.Errorf("the quarantine holds %q, want nothing", got)
	}
	s.store.set(func(st *store) { delete(st.records, "foreign") })
	s.flush()
	s.checkStored(1, 3)
}

// alteredLog changes the body of record 3 behind its checksum.
type alteredLog struct{ *wal.Log }

func (l alteredLog) Read(from uint64) iter.Seq2[wal.Record, error] {
	return func(yield func(wal.Record, error) bool) {
		for r, err := range l.Log.Read(from) {
			if r.Seq == 3 {
				r.Body[len(r.Body)-1]++
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func TestAlteredBodyIsNamed(t *testing.T) {
	s := open(t)
	s.acceptAll(1, 5)
	in, err := intake.New(s.cfg, alteredLog{s.log}, s.store, &intake.Waves{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	l, err := in.Verify(t.Context())
	if err != nil || l.Balanced() || !slices.Equal(l.Altered, []uint64{3}) || !strings.Contains(l.String(), "record 3 is not what") {
		t.Errorf("the ledger is\n%v(%v), want record 3 altered", l, err)
	}
}

// TestCursorLost: without its cursor shipping begins anew, which changes nothing.
func TestCursorLost(t *testing.T) {
	s := open(t)
	s.run()
	s.acceptAll(1, 25)
	s.flush()
	s.end()
	s.ownDisk.Corrupt("cursor.json", func([]byte) []byte { return []byte("{") })
	s.start()
	s.run()
	s.flush()
	s.checkStored(1, 25)
	s.checkLedger(25, 0, 0)
}

// hanging is a store that answers nothing until the context ends.
type hanging struct {
	*store
	entered chan struct{}
}

func (h hanging) Insert(ctx context.Context, _ intake.Block) error {
	h.entered <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

func (h hanging) Count(ctx context.Context, _ uint16, _, _ uint64) (n, check uint64, err error) {
	return 0, 0, ctx.Err()
}

// An insert that is cut off because the program ends is no reason to warn.
func TestEndWithoutWarning(t *testing.T) {
	var logged lockedBuffer
	s := open(t, func(c *intake.Config) { c.Logger = slog.New(slog.NewTextHandler(&logged, nil)) })
	h := hanging{s.store, make(chan struct{})}
	s.remote = h
	s.end()
	s.start()
	s.acceptAll(1, 3)
	s.run()
	<-h.entered
	s.end()
	if strings.Contains(logged.String(), "WARN") {
		t.Errorf("logged:\n%s", logged.String())
	}
	s.remote = s.store
	s.start()
	s.run()
	s.flush()
	s.checkStored(1, 3)
}

// TestLogsTellNothing looks for marked answers and case names in everything logged.
func TestLogsTellNothing(t *testing.T) {
	var logged lockedBuffer
	s := open(t, func(c *intake.Config) {
		c.Logger = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	const mark = "CANARY"
	s.store.poison = mark + "1"
	marked := func(n int, change func(*surveys.Interview)) []byte {
		return body(t, n, func(iv *surveys.Interview) {
			iv.Answers["name"], iv.Case = []string{fmt.Sprint(mark, n)}, fmt.Sprint(mark, "case", n)
			change(iv)
		})
	}
	s.run()
	s.accept(marked(1, func(*surveys.Interview) {}))
	s.accept(marked(2, func(iv *surveys.Interview) { iv.Answers["earth"] = []string{mark} }))
	s.accept(marked(3, func(iv *surveys.Interview) { iv.Answers[mark] = []string{mark} }))
	s.in.Accept(t.Context(), marked(3, func(*surveys.Interview) {}))
	s.accept(marked(4, func(iv *surveys.Interview) { iv.Case = mark + "case1" }))
	s.flush()
	s.end()
	if strings.Contains(logged.String(), mark) || !strings.Contains(logged.String(), "quarantined") {
		t.Errorf("logged:\n%s", logged.String())
	}
	for _, name := range []string{"cursor.json", "block.json"} {
		if b, err := wal.ReadFile(s.ownDisk, name); err != nil || bytes.Contains(b, []byte(mark)) || !json.Valid(b) {
			t.Errorf("%s holds %s (%v)", name, b, err)
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
