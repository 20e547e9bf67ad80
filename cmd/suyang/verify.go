package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/node"
	"github.com/suyang-survey/suyang/surveys"
)

// verifyCommand proves the ledger.
type verifyCommand struct {
	stateFlags
	Log        []string `type:"existingdir" help:"State folder of a further node, or a copy of it; may be given for several."`
	All        bool     `help:"Print every record in which a log and the store differ, one JSON object in a line, and the ledgers beside them."`
	Collectors []string `env:"SUYANG_COLLECTORS" help:"Addresses of collectors, whose logs are read from them."`
}

// shippingTime is how long verify waits for interviews that were still on their way
// when the server ended.
const shippingTime = 30 * time.Second

// Run recomputes the ledger of each node from its log, compares it with the store and prints
// it. It fails when an interview is missing, or is still on its way.
func (c *verifyCommand) Run(ctx context.Context, con *console) error {
	if err := c.hasLog(); err != nil {
		return err
	}
	if c.collects() {
		return c.verifyCollector(ctx, con)
	}
	st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	shipping, cancel := context.WithTimeout(ctx, shippingTime)
	defer cancel()
	_ = st.intake.Flush(shipping) // what is not stored by then, the ledger counts
	return st.verify(ctx, con, c.All, c.Log, c.Collectors)
}

// verifyCollector is Run on the state folder of a collector. Nothing is shipped: what the
// collector's peer does not have yet must not be.
func (c *verifyCommand) verifyCollector(ctx context.Context, con *console) error {
	st, err := c.openStill(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	return st.verify(ctx, con, c.All, c.Log, c.Collectors)
}

// hasLog wants a log of interviews in the state folder.
func (f *stateFlags) hasLog() error {
	if _, err := os.Stat(f.logFolder()); err != nil {
		return fmt.Errorf("%s holds no log of interviews (%w); give the state folder with --state", f.State, err)
	}
	return nil
}

// verify prints the ledgers of a station and of further nodes, with all differences when they
// are asked for, and fails when one does not add up.
func (st *station) verify(ctx context.Context, con *console, all bool, folders, collectors []string) error {
	shown := con.patience("records compared")
	comparison := intake.Comparison{Progress: shown.step}
	out := con.out
	if all {
		lines := json.NewEncoder(con.out)
		comparison.Difference = func(d intake.Difference) error { return lines.Encode(d) }
		out = con.err
	}
	ledgers, err := st.ledgers(ctx, comparison, folders, collectors)
	shown.finish()
	if err != nil {
		return err
	}
	for _, l := range ledgers {
		fmt.Fprint(out, l)
	}
	if len(ledgers) > 1 {
		sum := intake.Sum(ledgers...)
		fmt.Fprintf(out, "%d nodes: accepted %d, stored %d, pending %d, quarantined %d\n", len(ledgers), sum.Accepted, sum.Stored, sum.Pending, sum.Quarantined)
	}
	overlaps, err := st.store.Overlaps(ctx)
	if err != nil {
		return err
	}
	for _, o := range overlaps {
		fmt.Fprintf(out, "wave %s: %d records are of interviews that another node has too; %d are other bodies of a revision, %d further interviews of a case: of those the one finished first counts\n",
			o.Wave, o.Repeated, o.Bodies, o.Further)
	}
	return settled(ledgers)
}

// settled is an error unless every interview of all nodes is stored or in quarantine.
func settled(ledgers []intake.Ledger) error {
	for _, l := range ledgers {
		switch {
		case len(l.Altered) > 0 || l.Lost() > 0:
			return errors.New("the ledger does not add up: what the lines above name is missing from the log or altered in it; change nothing in the state folder, and restore it from the backup")
		case !l.Balanced():
			return errors.New("the ledger does not add up: the store differs from the log, which is whole; “suyang verify --all” names every record, and “suyang rebuild” makes the store anew from the log")
		}
	}
	if sum := intake.Sum(ledgers...); sum.Pending > 0 {
		return fmt.Errorf("%d of %d accepted interviews are not stored yet: start the server so that they are shipped, then verify again", sum.Pending, sum.Accepted)
	}
	return nil
}

// ledgers are those of the station and of the other nodes whose state folders or addresses
// are given. Each node has one.
func (st *station) ledgers(ctx context.Context, c intake.Comparison, folders, addresses []string) ([]intake.Ledger, error) {
	own, err := st.intake.Compare(ctx, c)
	c.Progress = nil // it is that of the own log
	if err != nil {
		return nil, err
	}
	own.Head = st.log.Stat().Head
	all := []intake.Ledger{own}
	add := func(l intake.Ledger, where string, err error) error {
		if err == nil && slices.ContainsFunc(all, func(other intake.Ledger) bool { return other.Node == l.Node }) {
			err = fmt.Errorf("it is node %d, which another one is: %w", l.Node, surveys.ErrConflict)
		}
		if err != nil {
			return fmt.Errorf("verify %s: %w", where, err)
		}
		all = append(all, l)
		return nil
	}
	for _, folder := range folders {
		l, err := st.verifyFolder(ctx, c, folder)
		if err := add(l, folder, err); err != nil {
			return nil, err
		}
	}
	clients, err := st.flags.clients(addresses...)
	if err != nil {
		return nil, err
	}
	for _, client := range clients {
		l, err := st.verifyNode(ctx, c, client)
		if err := add(l, client.Address(), err); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// verifyFolder is the ledger of the node with a state folder, whose program is not running.
func (st *station) verifyFolder(ctx context.Context, c intake.Comparison, folder string) (l intake.Ledger, err error) {
	flags := &stateFlags{State: folder}
	if _, err := os.Stat(flags.logFolder()); err != nil {
		return l, fmt.Errorf("%s holds no log of interviews: %w", folder, err)
	}
	number, err := flags.number(0)
	if err != nil {
		return l, err
	}
	log, err := wal.Open(wal.DefaultConfig(flags.logFolder()))
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return l, fmt.Errorf("%w; while the node serves, name its address with --collectors in place of its folder", err)
	}
	if err != nil {
		return l, err
	}
	stored, err := intake.ShippedIn(filepath.Join(folder, intakeFiles))
	if err == nil {
		l, err = intake.CompareLog(ctx, number, log, stored, st.store, c)
	}
	l.Head = log.Stat().Head
	return l, errors.Join(err, log.Close())
}

// verifyNode is the ledger of a node that is running, by its log.
func (st *station) verifyNode(ctx context.Context, comparison intake.Comparison, c *node.Client) (l intake.Ledger, err error) {
	end, err := c.Log(ctx, math.MaxInt64)
	if err != nil {
		return l, err
	}
	l, err = intake.CompareLog(ctx, end.Node, c.Reader(ctx), end.Stored, st.store, comparison)
	l.Head = end.Head
	return l, err
}
