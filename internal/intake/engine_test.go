package intake_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/internal/clickhouse"
	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

// faulty loses a part of the blocks, or the answer, on the way to a store.
type faulty struct {
	intake.Store
	rng *rand.Rand
}

func (f faulty) Insert(ctx context.Context, b intake.Block) error {
	switch f.rng.IntN(4) {
	case 0:
		return errLost
	case 1:
		b.Responses = b.Responses[:f.rng.IntN(len(b.Responses)+1)]
	case 2:
		if err := f.Store.Insert(ctx, b); err != nil {
			return err
		}
		return errLost
	}
	if len(b.Responses) == 0 {
		return nil
	}
	return f.Store.Insert(ctx, b)
}

// TestRealEngine ships to the real ClickHouse engine over a faulty way, through
// power cuts: every interview is there once, as it was submitted.
func TestRealEngine(t *testing.T) {
	e := enginetest.Start(t)
	real, err := clickhouse.Open(t.Context(), clickhouse.Config{DSN: e.DSN()})
	if err != nil {
		t.Fatal(err)
	}
	defer real.Close()
	if err := real.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := open(t)
	s.remote = faulty{real, rand.New(rand.NewPCG(4, 4))}
	for n := 0; n < 90; n += 30 {
		s.powerCut()
		s.run()
		s.acceptAll(n+1, n+30)
	}
	s.flush()
	s.checkLedger(90, 0, 0)
	var names []string
	err = real.Responses(t.Context(), wave, func(r surveys.Response) bool {
		names = append(names, r.Answers.First("name"))
		if r.Node != 1 || !r.Received.Equal(start) || !r.Finished.Equal(start) || r.Mode != surveys.ModeTablet {
			t.Errorf("the store returns %+v", r)
		}
		return true
	})
	slices.Sort(names)
	if err != nil || !slices.Equal(names, people(1, 90)) {
		t.Errorf("the store holds %d interviews (%v): %v", len(names), err, names)
	}
}
