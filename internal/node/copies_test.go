package node

import (
	"maps"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// A copied log has the records under the numbers that they had, also behind a gap and when
// they are more than a batch.
func TestCopyLogKeepsNumbers(t *testing.T) {
	open := func() *wal.Log {
		cfg := wal.DefaultConfig(t.TempDir())
		cfg.Logger = quiet
		log, err := wal.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { log.Close() })
		return log
	}
	from, to := open(), open()
	for n := range 2500 {
		if n == 7 {
			if err := from.Skip(40); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := from.Append(t.Context(), []wal.Record{record(n)}); err != nil {
			t.Fatal(err)
		}
	}
	n, err := CopyLog(t.Context(), to, from)
	if err != nil || n != 2500 {
		t.Fatalf("CopyLog() = %d, %v", n, err)
	}
	want, got := contentOf(t, from), contentOf(t, to)
	if !maps.Equal(got, want) || slices.Max(slices.Collect(maps.Keys(got))) != 2533 {
		t.Errorf("the copy has %d records, %d are alike in the log", len(got), len(want))
	}
}
