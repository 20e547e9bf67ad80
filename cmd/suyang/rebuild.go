package main

import (
	"context"
	"fmt"
	"time"
)

// rebuildCommand makes the store anew from the log.
type rebuildCommand struct {
	stateFlags
}

// Run erases the responses of this node from ClickHouse, ships the whole log again, and
// compares what was there before with what is there now. Samples and standings are brought
// to what waves and cases say; weights stay.
func (c *rebuildCommand) Run(ctx context.Context, con *console) error {
	if err := c.hasLog(); err != nil {
		return err
	}
	st, err := c.openStill(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	n, before, err := st.store.Checksum(ctx, st.node)
	if err != nil {
		return err
	}
	con.say("before: %d responses, checksum %s", n, before)
	if err := st.rebuild(ctx, con); err != nil {
		return fmt.Errorf("%w; the log is whole: rebuild again, or start the server, which ships what is missing", err)
	}
	after, sum, err := st.store.Checksum(ctx, st.node)
	if err != nil {
		return err
	}
	fmt.Fprintf(con.out, "after: %d responses, checksum %s\n", after, sum)
	if sum == before && after == n {
		fmt.Fprintln(con.out, "identical to what was there before")
	} else {
		fmt.Fprintln(con.out, "what was there before was different")
	}
	return st.verify(ctx, con, false, nil, nil)
}

// rebuild makes the store anew, and shows how far it is.
func (st *station) rebuild(ctx context.Context, con *console) error {
	total := int(st.log.Stat().Next) - 1
	bar, begun, done := con.bar("records of the log shipped", total), time.Now(), 0
	err := st.intake.Rebuild(ctx, st.store.Erase, func(upTo, _ int) {
		bar.add(upTo - done)
		done = upTo
	})
	if err == nil {
		bar.add(total - done)
	}
	bar.finish()
	if err != nil {
		return err
	}
	con.say("%.0f records a second", float64(total)/time.Since(begun).Seconds())
	if err := st.putSamples(ctx); err != nil {
		return err
	}
	if st.office == nil { // of a collector
		return nil
	}
	for _, w := range st.published().waves {
		if err := st.tellStandings(ctx, w.ID); err != nil {
			return err
		}
	}
	return nil
}
