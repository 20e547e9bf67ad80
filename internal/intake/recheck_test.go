package intake_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// spy is a store that remembers the blocks it was given.
type spy struct {
	*store
	mu     sync.Mutex
	blocks []intake.Block
	// slow stores take an hour for a block of more records than this; 0 is any number.
	slow int
}

func (s *spy) Insert(ctx context.Context, b intake.Block) error {
	s.mu.Lock()
	s.blocks = append(s.blocks, b)
	slow := s.slow > 0 && len(b.Responses) > s.slow
	s.mu.Unlock()
	if slow {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.store.Insert(ctx, b)
}

// sizes returns how many records the blocks had.
func (s *spy) sizes() (sizes []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.blocks {
		sizes = append(sizes, len(b.Responses))
	}
	return sizes
}

// spied is an open station whose store is a spy.
func spied(t *testing.T, change ...func(*intake.Config)) (*station, *spy) {
	s := open(t, change...)
	look := &spy{store: s.store}
	s.remote = look
	s.end()
	s.start()
	return s, look
}

// What waits is in the log: a block has as many bytes as Config says, or one record.
func TestBlocksAreBoundedInBytes(t *testing.T) {
	s, look := spied(t, func(c *intake.Config) { c.BlockRecords, c.BlockBytes = 100, 5000 })
	for n := 1; n <= 20; n++ {
		s.accept(body(t, n, func(iv *surveys.Interview) { iv.Answers["name"] = []string{strings.Repeat("x", 1000)} }))
	}
	s.accept(body(t, 21, func(iv *surveys.Interview) { iv.Answers["name"] = []string{strings.Repeat("x", 9000)} }))
	s.run()
	s.flush()
	if got, want := fmt.Sprint(look.sizes()), "[3 3 3 3 3 3 2 1]"; got != want {
		t.Errorf("blocks of %s records, want %s", got, want)
	}
	s.checkLedger(21, 0, 0)
}

// A block of several waves is sent wave by wave, for the store keeps each apart.
func TestEachInsertIsOfOneWave(t *testing.T) {
	s, look := spied(t)
	s.end()
	waves := &intake.Waves{}
	f, err := form.Compile(questionnaire)
	if err != nil {
		t.Fatal(err)
	}
	for w := range 3 {
		waves.Publish(fmt.Sprint("w", w), questionnaire.ID, questionnaire.Version(), intake.Edition{Form: f})
	}
	if s.log, err = wal.Open(s.logConfig); err != nil {
		t.Fatal(err)
	}
	if s.in, err = intake.New(s.cfg, s.log, look, waves, time.Now); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 10; n++ {
		s.accept(body(t, n, func(iv *surveys.Interview) { iv.Wave = fmt.Sprint("w", n%3) }))
	}
	s.run()
	s.flush()
	tokens := map[string]bool{}
	for _, b := range look.blocks {
		tokens[b.Token] = true
		for _, r := range b.Responses {
			if r.Wave != b.Responses[0].Wave {
				t.Errorf("block %s is of waves %s and %s", b.Token, r.Wave, b.Responses[0].Wave)
			}
		}
	}
	if len(look.blocks) != 3 || len(tokens) != 3 {
		t.Errorf("%d blocks with %d tokens, want 3 of either", len(look.blocks), len(tokens))
	}
	s.checkLedger(10, 0, 0)
}

// A store that is too slow for a block gets smaller ones, and larger ones when it can.
func TestBlocksFitASlowStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, look := spied(t, func(c *intake.Config) { c.AttemptTime = time.Second })
		look.slow = 3
		s.acceptAll(1, 40)
		s.run()
		s.flush()
		s.checkStored(1, 40)
		if got := fmt.Sprint(look.sizes()[:4]); got != "[10 5 2 4]" {
			t.Errorf("the first blocks have %s records, want [10 5 2 4]", got)
		}
		look.slow = 0
		s.acceptAll(41, 80)
		s.flush()
		s.acceptAll(81, 90)
		s.flush()
		if sizes := look.sizes(); sizes[len(sizes)-1] != 10 {
			t.Errorf("the store is quick again and gets blocks of %v", sizes)
		}
		s.checkLedger(90, 0, 0)
		s.end()
	})
}

// A store that says it is busy is not sent halves and quarters of the block.
func TestABusyStoreIsLeftAlone(t *testing.T) {
	s, look := spied(t)
	s.store.lie = func(b intake.Block, insert int) lie {
		if insert <= 30 {
			return lie{err: fmt.Errorf("too many parts: %w", intake.ErrBusy)}
		}
		return honest
	}
	s.acceptAll(1, 10)
	s.run()
	s.flush()
	for _, n := range look.sizes() {
		if n != 10 {
			t.Fatalf("blocks of %v records, want 10 each", look.sizes())
		}
	}
	s.checkLedger(10, 0, 0)
}

// An hour without the store costs no refusal, and the store is asked with a question, not
// with the block again and again.
func TestAnHourAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, look := spied(t, func(c *intake.Config) { c.FirstWait, c.LongestWait = 500*time.Millisecond, time.Minute })
		s.store.set(func(st *store) { st.down = true })
		s.run()
		for n := 1; n <= 3600; n++ {
			s.accept(body(t, n))
			time.Sleep(time.Second)
		}
		if st := s.in.Shipping(); st.Pending != 3600 || st.Away.IsZero() || len(look.blocks) != 1 {
			t.Errorf("after an hour %+v; %d blocks were sent, want 1", st, len(look.blocks))
		}
		s.store.set(func(st *store) { st.down = false })
		time.Sleep(s.cfg.LongestWait)
		s.flush()
		s.checkStored(1, 3600)
		s.checkLedger(3600, 0, 0)
		if st := s.in.Shipping(); st.Pending != 0 || !st.Away.IsZero() || st.Verified != 3600 || st.Resends == 0 {
			t.Errorf("in the end %+v", st)
		}
		s.end()
	})
}

// rechecked is a station that compares the store with the log every hour.
func rechecked(t *testing.T) *station {
	s := open(t, func(c *intake.Config) {
		c.RecheckEvery, c.RecheckAge, c.RecheckPause = time.Hour, 30*24*time.Hour, time.Second
	})
	s.run()
	s.acceptAll(1, 57)
	s.flush()
	return s
}

// What the store loses long after it was verified is shipped again, and what is altered.
func TestWhatTheStoreLosesLaterIsShippedAgain(t *testing.T) {
	for name, harm := range map[string]func(*store){
		"three are lost": func(st *store) {
			for k, r := range st.records {
				if r.Seq == 3 || r.Seq == 30 || r.Seq == 57 {
					delete(st.records, k)
				}
			}
		},
		"all are lost": func(st *store) { clear(st.records) },
		"one is altered": func(st *store) {
			for k, r := range st.records {
				if r.Seq == 12 {
					r.BodyHash[0] ^= 1
					st.records[k] = r
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := rechecked(t)
				s.store.set(harm)
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				s.checkStored(1, 57)
				s.checkLedger(57, 0, 0)
				if st := s.in.Shipping(); st.Reshipped == 0 || st.Rechecked < 57 {
					t.Errorf("%+v", st)
				}
				s.end()
			})
		})
	}
}

// An earlier round is not begun again by a restart, and old records are left alone.
func TestRecheckKeepsItsDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, func(c *intake.Config) { c.RecheckEvery, c.RecheckAge = 24*time.Hour, 48*time.Hour })
		s.clock = time.Now
		s.end()
		s.start()
		s.run()
		s.acceptAll(1, 10)
		time.Sleep(50 * time.Hour)
		s.acceptAll(11, 20)
		s.flush()
		time.Sleep(25 * time.Hour)
		s.end()
		before := time.Now()
		s.start()
		s.run()
		s.store.set(func(st *store) { clear(st.records) })
		time.Sleep(30 * time.Minute)
		if got := s.store.people(); len(got) > 0 {
			t.Errorf("%d are stored again %v after a restart, when the last round was the same day", len(got), time.Since(before))
		}
		time.Sleep(24 * time.Hour)
		s.checkStored(11, 20)
		s.end()
	})
}

// Records of nobody, which look as if the store held too much, do not stop the comparison,
// and a store that never takes again what it lost does not, either.
func TestRecheckGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := rechecked(t)
		before := s.in.Shipping().Rechecked
		s.store.set(func(st *store) {
			st.records["foreign"] = surveys.Response{Node: 1, Seq: 2}
			for k, r := range st.records {
				if r.Seq == 5 || r.Seq == 6 {
					delete(st.records, k)
				}
			}
			st.lie = func(b intake.Block, _ int) lie {
				if b.Responses[0].Seq < 58 {
					return lie{err: errors.New("no")}
				}
				return honest
			}
		})
		time.Sleep(2 * time.Hour)
		s.acceptAll(58, 60)
		s.flush()
		if st := s.in.Shipping(); st.Rechecked < before+57 {
			t.Errorf("%+v: the comparison does not go on", st)
		}
		if got := s.reasons(); len(got) > 0 {
			t.Errorf("the quarantine holds %q, want nothing", got)
		}
		s.end()
	})
}
