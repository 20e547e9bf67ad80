package engine_test

import (
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/internal/clickhouse/engine"
	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
)

// connect opens clickhouse-go on the engine, as the store does.
func connect(t testing.TB, e *engine.Engine) driver.Conn {
	t.Helper()
	options, err := clickhouse.ParseDSN(e.DSN())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestCountsAMillion(t *testing.T) {
	e := enginetest.Start(t)
	c := connect(t, e)
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	var n uint64
	if err := c.QueryRow(t.Context(), "SELECT count() FROM numbers(1000000)").Scan(&n); err != nil || n != 1000000 {
		t.Fatal(n, err)
	}
}
