package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/node"
	"github.com/suyang-survey/suyang/surveys"
)

// recoverCommand makes the state folder of a collector anew whose disk was lost.
type recoverCommand struct {
	stateFlags
	Node uint16 `required:"" help:"Number of the collector that was lost."`
	From string `required:"" help:"Address of the collector that keeps a copy of its log, its --ack-peer."`
}

// Run brings the copy of the log here under the same numbers. It begins anew after a try that
// was cut short.
func (c *recoverCommand) Run(ctx context.Context, con *console) error {
	if err := c.isNode(); err != nil {
		return err
	}
	if _, err := os.Stat(c.logFolder()); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the state folder %s has a log already (%v); give a new one with --state, with the file “key” in it: %w", c.State, err, surveys.ErrConflict)
	}
	peers, err := c.clients(c.From)
	if err != nil {
		return err
	}
	if _, err := c.number(c.Node); err != nil {
		return err
	}
	if err := c.markCollector(); err != nil {
		return err
	}
	part := c.logFolder() + ".part"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	n, err := copyLog(ctx, part, peers[0].CopyReader(ctx, c.Node))
	if err != nil {
		return fmt.Errorf("recover node %d: %w", c.Node, err)
	}
	if err := os.Rename(part, c.logFolder()); err != nil {
		return err
	}
	if err := syncFolder(c.State); err != nil {
		return err
	}
	fmt.Fprintf(con.out, "node %d: %d records are here again\n", c.Node, n)
	con.say("start the collector with “suyang serve --only collect --state %s”; what was stored before is stored once", filepath.Clean(c.State))
	return nil
}

// copyLog writes the records of a log to a new one.
func copyLog(ctx context.Context, dir string, from node.Log) (n int, err error) {
	to, err := wal.Open(wal.DefaultConfig(dir))
	if err != nil {
		return 0, err
	}
	n, err = node.CopyLog(ctx, to, from)
	return n, errors.Join(err, to.Close())
}
