package engine_test

import (
	"strconv"
	"testing"

	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
)

// BenchmarkAsk is a question without work: the cost of a round trip.
func BenchmarkAsk(b *testing.B) {
	c := connect(b, shared)
	for b.Loop() {
		value[uint8](b, c, "SELECT 1")
	}
}

// BenchmarkRead is a million rows of a number and a short text, of which the
// client scans the numbers' sum only.
func BenchmarkRead(b *testing.B) {
	c := connect(b, shared)
	for b.Loop() {
		rows, err := c.Query(b.Context(), "SELECT number, toString(number) FROM numbers(1000000)")
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
		}
		if err := rows.Err(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkInsert is a batch of 1,000 interviews of 60 answers, synced to disk.
func BenchmarkInsert(b *testing.B) {
	const rows = 1000
	c := connect(b, shared)
	exec(b, c, "CREATE OR REPLACE TABLE bench (id UInt64, answers Map(LowCardinality(String), String)) ENGINE = MergeTree ORDER BY id SETTINGS fsync_after_insert = 1, fsync_part_directory = 1")
	answers := map[string]string{}
	for i := range 60 {
		answers["q"+strconv.Itoa(i)] = "b"
	}
	for b.Loop() {
		batch, err := c.PrepareBatch(b.Context(), "INSERT INTO bench")
		if err != nil {
			b.Fatal(err)
		}
		for id := range uint64(rows) {
			if err := batch.Append(id, answers); err != nil {
				b.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkStart is the time until a new engine on an empty folder answers, and
// until it has ended.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		e := enginetest.StartIn(b, b.TempDir())
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
