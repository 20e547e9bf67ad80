package main

import (
	"context"

	"github.com/suyang-survey/suyang/internal/clickhouse/engine"
)

// engineCommand is the child process that holds the embedded ClickHouse engine. It
// takes its orders from standard input.
type engineCommand struct{}

// Run answers ClickHouse's HTTP interface until the parent ends.
func (c *engineCommand) Run(ctx context.Context, con *console) error {
	return engine.Run(ctx, con.in, con.out)
}
