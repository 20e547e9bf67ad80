package intake_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// mirrored is a log of which another node keeps a copy, which may be away.
type mirrored struct {
	*wal.Log
	copied uint64 // what the other node has
	away   bool
}

func (m *mirrored) ReadAll(from uint64) iter.Seq2[wal.Record, error] { return m.Log.Read(from) }
func (m *mirrored) Confirmed() uint64                                { return m.copied }

func (m *mirrored) Read(from uint64) iter.Seq2[wal.Record, error] {
	return func(yield func(wal.Record, error) bool) {
		for r, err := range m.Log.Read(from) {
			if err == nil && r.Seq > m.copied || !yield(r, err) {
				return
			}
		}
	}
}

func (m *mirrored) Confirm(_ context.Context, seq uint64) error {
	if m.away {
		return fmt.Errorf("no second copy: %w", surveys.ErrUnavailable)
	}
	m.copied = max(m.copied, seq)
	return nil
}

// A decision is not confirmed before it is on both disks; sent once more it waits for the copy
// of the one that is there, and is not made a second time.
func TestDecisionsAreOnTwoDisks(t *testing.T) {
	s := open(t)
	m := &mirrored{Log: s.log}
	var err error
	if s.in, err = intake.New(s.cfg, m, s.remote, formsOf(t), func() time.Time { return start }); err != nil {
		t.Fatal(err)
	}
	s.accept(body(t, 1, func(iv *surveys.Interview) { iv.Answers = nil }))
	s.accept(body(t, 2, func(iv *surveys.Interview) { iv.Answers = nil }))
	right := func(iv *surveys.Interview) { iv.Answers = interview(1).Answers }
	for what, decide := range map[string]func() error{
		"dismissing": func() error { return s.in.Dismiss(t.Context(), 1, verdict("a")) },
		"correcting": func() error { _, err := s.in.Correct(t.Context(), 2, corrected("a", right)); return err },
	} {
		m.away = true
		for range 2 {
			if err := decide(); !errors.Is(err, surveys.ErrUnavailable) {
				t.Errorf("%s with one disk: %v", what, err)
			}
		}
		m.away = false
		last := s.log.Stat().Next
		if err := decide(); err != nil || m.copied != last-1 {
			t.Errorf("%s with both: %v, the copy has %d of %d records", what, err, m.copied, last-1)
		}
		if s.log.Stat().Next != last {
			t.Errorf("%s was done twice", what)
		}
	}
}

// Another node's decisions are read with what they are about, from their records alone.
func TestDecisionsOfAnotherNode(t *testing.T) {
	s := open(t, func(c *intake.Config) { c.Node = 2 })
	for n := 1; n <= 2; n++ {
		s.accept(body(t, n, func(iv *surveys.Interview) { iv.Case = fmt.Sprint("c", n); iv.Answers = nil }))
	}
	if err := s.in.Dismiss(t.Context(), 1, verdict("a")); err != nil {
		t.Fatal(err)
	}
	s.correct(2, corrected("b", func(iv *surveys.Interview) { iv.Answers = interview(2).Answers }))
	var records []wal.Record
	for r, err := range s.log.Read(3) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	office := open(t)
	got, err := office.in.ArrivalsIn(records)
	if err != nil || len(got) != 3 {
		t.Fatalf("ArrivalsIn() = %+v, %v", got, err)
	}
	decided := func(n int, seq uint64, what string) intake.Arrival {
		a := intake.Arrival{Decided: what, By: "wu", Why: "listened to the recording", Number: uint64(n)}
		a.Node, a.Seq, a.Received, a.ID, a.Wave, a.Case = 2, seq, start, interview(n).ID, wave, fmt.Sprint("c", n)
		return a
	}
	for i, want := range map[int]intake.Arrival{0: decided(1, 3, intake.Dismissed), 2: decided(2, 5, intake.Corrected)} {
		if !reflect.DeepEqual(got[i], want) {
			t.Errorf("arrival %d is\n%+v, want\n%+v", i, got[i], want)
		}
	}
	if a := got[1]; a.Decided != "" || a.Case != "c2" || a.Revision != 1 || a.Second {
		t.Errorf("the corrected interview arrives as %+v", a)
	}
}
