package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// verifyCommand proves the ledger.
type verifyCommand struct {
	stateFlags
}

// shippingTime is how long verify waits for interviews that were still on their way
// when the server ended.
const shippingTime = 30 * time.Second

// Run recomputes the ledger from the log, compares it with the store and prints it.
// It fails when an interview is missing, or is still on its way.
func (c *verifyCommand) Run(ctx context.Context, con *console) error {
	if _, err := os.Stat(c.logFolder()); err != nil {
		return fmt.Errorf("%s holds no log of interviews (%w); give the state folder with --state", c.State, err)
	}
	st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	shipping, cancel := context.WithTimeout(ctx, shippingTime)
	defer cancel()
	_ = st.intake.Flush(shipping) // what is not stored by then, the ledger counts
	ledger, err := st.intake.Verify(ctx)
	if err != nil {
		return err
	}
	fmt.Fprint(con.out, ledger)
	if !ledger.Balanced() {
		return errors.New("the ledger does not add up: what the lines above name is missing or altered; change nothing in the state folder, and restore it from the backup")
	}
	if ledger.Pending > 0 {
		return fmt.Errorf("%d of %d accepted interviews are not stored yet: start the server so that they are shipped, then verify again", ledger.Pending, ledger.Accepted)
	}
	return nil
}
