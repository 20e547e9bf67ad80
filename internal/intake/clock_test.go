package intake_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake"
)

// The clock of the server is set by years, by an hour, by a second: interviews are accepted
// once, receipts stay as they are, everything is stored, and the ledger adds up, also after a
// power cut at a time before the last record.
func TestTheClockIsSet(t *testing.T) {
	s := open(t)
	now := start
	s.clock = func() time.Time { return now }
	s.end()
	s.start()
	given := map[int]intake.Receipt{}
	n := 0
	for _, by := range []time.Duration{0, 87660 * time.Hour, -2 * 87660 * time.Hour, 87660 * time.Hour, -time.Hour, time.Hour, -time.Second, time.Second} {
		now = now.Add(by)
		for range 5 {
			n++
			given[n] = s.accept(body(t, n))
			if !given[n].Received.Equal(now) {
				t.Errorf("interview %d was received at %v, it is %v", n, given[n].Received, now)
			}
		}
		s.powerCut()
	}
	s.run()
	s.flush()
	for i, want := range given {
		got := s.accept(body(t, i))
		if got.Status != intake.Repeated {
			t.Errorf("interview %d again is %s", i, got.Status)
		}
		got.Status = want.Status
		if got != want {
			t.Errorf("interview %d has the receipt %+v, was %+v", i, got, want)
		}
	}
	s.checkLedger(uint64(n), 0, 0)
}

// The store is compared again although the clock was ten years ahead when that was planned.
func TestRecheckAfterTheClockWasSetBack(t *testing.T) {
	s := open(t, func(c *intake.Config) {
		c.RecheckEvery, c.RecheckAge, c.RecheckPause = 20*time.Millisecond, 30*24*time.Hour, time.Millisecond
	})
	var ahead atomic.Int64
	ahead.Store(int64(87660 * time.Hour))
	began := time.Now()
	s.clock = func() time.Time { return start.Add(time.Duration(ahead.Load())).Add(time.Since(began)) }
	s.end()
	s.start()
	for n := 1; n <= 3; n++ {
		s.accept(body(t, n))
	}
	s.run()
	s.flush()
	wait := func(what string) {
		t.Helper()
		before := s.in.Shipping().Rechecked
		for since := time.Now(); s.in.Shipping().Rechecked <= before; time.Sleep(time.Millisecond) {
			if time.Since(since) > 20*time.Second {
				t.Fatalf("the store was not compared again %s", what)
			}
		}
	}
	wait("at all")
	ahead.Store(int64(-time.Hour))
	s.accept(body(t, 4)) // so that the next wait begins with the new clock
	s.flush()
	wait("after the clock was set back")
}
