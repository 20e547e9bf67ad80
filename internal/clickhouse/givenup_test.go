package clickhouse

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
)

// Sums that are given up at any moment leave no goroutine and take no connection with them, and
// the next sums are those of memory.
func TestSumsThatAreGivenUp(t *testing.T) {
	s := open(t)
	q, factors := civic(t)
	m := wave(q, factors, 400, rand.New(rand.NewPCG(3, 4)))
	load(t, s, m, m.Responses)
	query := assess.Query{Wave: m.Wave, Questionnaire: q, Factors: factors, Items: true, Weights: "raked"}
	s.portion = 60
	begin := time.Now()
	compareCells(t, s, m, query)
	whole, before := time.Since(begin), runtime.NumGoroutine()
	given := 0
	for i := range 12 {
		ctx, cancel := context.WithTimeout(t.Context(), whole*time.Duration(i)/12)
		_, err := s.Cells(ctx, query)
		if errors.Is(err, context.DeadlineExceeded) {
			given++
		} else if err != nil {
			t.Errorf("given up, but %v", err)
		}
		cancel()
	}
	if given == 0 {
		t.Error("none was given up, which tests nothing")
	}
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before+10; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines are left of %d sums, before there were %d", runtime.NumGoroutine(), given, before)
		}
	}
	if stats := s.conn.Stats(); stats.Open > 0 {
		t.Errorf("%d connections are in use", stats.Open)
	}
	compareCells(t, s, m, query)
}

// Who finds a fault in the first answers ends the reading of further ones, which wait for him.
func TestFaultWhileAnswersWait(t *testing.T) {
	s := open(t)
	q, factors := civic(t)
	m := wave(q, factors, 100, rand.New(rand.NewPCG(3, 4)))
	load(t, s, m, m.Responses)
	r, err := newReading(assess.Query{Wave: m.Wave, Questionnaire: q, Factors: factors})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.finish(); err != nil {
		t.Fatal(err)
	}
	s.portion = 10
	fault := errors.New("a fault")
	err = s.people(t.Context(), r, arguments{"wave": m.Wave}, func(snapshot, []chunk) error {
		time.Sleep(200 * time.Millisecond) // the next ones are there by then
		return fault
	})
	if !errors.Is(err, fault) {
		t.Error(err)
	}
}
