package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/suyang-survey/suyang/internal/clickhouse"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/node"
	"github.com/suyang-survey/suyang/surveys"
)

// nodeFlags say what a node does among others.
type nodeFlags struct {
	Only       string        `enum:"all,collect" default:"all" env:"SUYANG_ONLY" help:"What this node does: all, or collect, which takes interviews and needs neither office nor engine."`
	Node       uint16        `env:"SUYANG_NODE" help:"Number of this node, another one for each; collectors have numbers from 2 on. It is kept in the state folder."`
	Office     string        `env:"SUYANG_OFFICE" help:"Address of the office, https://host, from which a collector gets the published waves."`
	Collectors []string      `env:"SUYANG_COLLECTORS" help:"Addresses of the collectors, of whose interviews the office tells its cases."`
	AckPeer    string        `env:"SUYANG_ACK_PEER" help:"Address of another collector, which keeps a copy of the log: interviews are acknowledged when they are on both disks."`
	Refresh    time.Duration `default:"1m" env:"SUYANG_REFRESH" help:"How often a collector asks the office for the published waves."`
	Leave      time.Duration `env:"SUYANG_LEAVE" help:"How long the server still takes requests when it ends, while it says that it is not ready."`
}

// check refuses what does not go together.
func (f *nodeFlags) check(clickhouse string) error {
	collects := f.Only == "collect"
	switch {
	case f.Refresh <= 0 || f.Leave < 0:
		return fmt.Errorf("--refresh must be greater than zero, and --leave not less: %w", surveys.ErrInvalid)
	case !collects && (f.Office != "" || f.AckPeer != ""):
		return fmt.Errorf("--office and --ack-peer are for collectors, with --only collect: %w", surveys.ErrInvalid)
	case collects && len(f.Collectors) > 0:
		return fmt.Errorf("--collectors is for the office, not for a collector: %w", surveys.ErrInvalid)
	case collects && f.Office == "":
		return fmt.Errorf("a collector gets the waves from the office; give its address with --office: %w", surveys.ErrInvalid)
	case collects && clickhouse == "":
		return fmt.Errorf("a collector has no engine of its own; give the address of ClickHouse with --clickhouse: %w", surveys.ErrInvalid)
	case collects && f.Node == officeNumber:
		return fmt.Errorf("node %d is the office; give each collector another number with --node: %w", officeNumber, surveys.ErrInvalid)
	}
	return nil
}

// collects says that the state folder is that of a collector.
func (f *stateFlags) collects() bool {
	_, err := os.Stat(filepath.Join(f.State, cacheFolder))
	return err == nil
}

// isNoCollector refuses the state folder of a collector, which has neither office nor waves of
// its own.
func (f *stateFlags) isNoCollector() error {
	if !f.collects() {
		return nil
	}
	return fmt.Errorf("the state folder %s is that of a collector, which is started with “suyang serve --only collect”; do this with the state folder of the office: %w",
		f.State, surveys.ErrConflict)
}

// known are the waves that the node of the state folder knows: those that it published, or
// the copy of what the office has. Without them interviews must not be shipped, since the
// store would not be told how the items of each were drawn.
func (f *stateFlags) known() (*publishedWaves, error) {
	if !f.collects() {
		return f.published()
	}
	p, _, err := f.cached()
	if err == nil && p == nil {
		err = fmt.Errorf("the collector does not have the waves of the office yet; start it once, so that it gets them: %w", surveys.ErrNotFound)
	}
	return p, err
}

// clients connects to nodes.
func (f *stateFlags) clients(addresses ...string) (list []*node.Client, err error) {
	key, err := f.key()
	if err != nil {
		return nil, err
	}
	for _, a := range addresses {
		c, err := node.Connect(a, node.Token(key))
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// isNode wants what a node needs of the installation: its secret.
func (f *stateFlags) isNode() error {
	_, err := os.Stat(filepath.Join(f.State, keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the state folder %s has no key; copy the file “key” from the state folder of the office, since the nodes of an installation share it: %w", f.State, surveys.ErrNotFound)
	}
	return err
}

// openCollector opens a node that only takes interviews, and begins to ship. Neither
// ClickHouse nor the office need be there: interviews wait in the log, and the waves are
// those of the last time.
func (c *serveCommand) openCollector(ctx context.Context) (*station, error) {
	st := &station{flags: &c.stateFlags, ended: make(chan error), now: time.Now}
	if err := st.openCollector(ctx, c.nodeFlags); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

func (st *station) openCollector(ctx context.Context, f nodeFlags) (err error) {
	if err := st.flags.isNode(); err != nil {
		return err
	}
	if st.node, err = st.flags.number(f.Node); err != nil {
		return err
	}
	if st.node == officeNumber {
		return fmt.Errorf("give the collector a number with --node, from 2 on, another one for each: %w", surveys.ErrInvalid)
	}
	if st.store, err = clickhouse.Connect(clickhouse.Config{DSN: st.flags.ClickHouse}); err != nil {
		return err
	}
	if st.drafts, err = st.flags.openDrafts(); err != nil {
		return err
	}
	if err := st.flags.markCollector(); err != nil {
		return err
	}
	p, tag, err := st.flags.cached()
	if err != nil {
		slog.Warn("the copy of the published waves cannot be used until the office answers", "cause", err)
	} else if p != nil {
		st.take(p)
	}
	offices, err := st.flags.clients(f.Office)
	if err != nil {
		return err
	}
	st.link = &officeLink{client: offices[0], tag: tag, every: f.Refresh}
	if st.log, err = wal.Open(wal.DefaultConfig(st.flags.logFolder())); err != nil {
		return err
	}
	if err := st.isNotLost(ctx); err != nil {
		return err
	}
	st.copies = node.OpenCopies(filepath.Join(st.flags.State, copyFiles), st.node)
	return st.openOwnIntake(ctx, f.AckPeer)
}

// isNotLost refuses an empty log of a node that has stored interviews: it would give their
// numbers again. A ClickHouse that is away cannot tell.
func (st *station) isNotLost(ctx context.Context) error {
	if st.log.Stat().Next > 1 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, firstAnswer)
	defer cancel()
	n, _, err := st.store.Count(ctx, st.node, 1, math.MaxInt64)
	if err != nil || n == 0 {
		return nil
	}
	return fmt.Errorf("ClickHouse has %d interviews of node %d, but the log in %s is empty: it was lost, or the number is that of another node; "+
		"make it anew with “suyang recover”, or begin with a number that was never used: %w", n, st.node, st.flags.State, surveys.ErrConflict)
}

// copyFiles is the folder with the copies of other nodes' logs.
const copyFiles = "copies"

// openOwnIntake opens the intake of a collector, and begins to ship.
func (st *station) openOwnIntake(ctx context.Context, peer string) error {
	var log intake.Log = st.log
	if peer != "" {
		peers, err := st.flags.clients(peer)
		if err != nil {
			return err
		}
		st.mirror = node.NewMirror(node.DefaultMirror(st.node), st.log, peers[0])
		log = st.mirror
	}
	cfg := intake.DefaultConfig(filepath.Join(st.flags.State, intakeFiles))
	cfg.Node = st.node
	var err error
	if cfg.Key, err = st.flags.key(); err != nil {
		return err
	}
	if st.intake, err = intake.New(cfg, log, st.store, &st.forms, st.now); err != nil {
		return err
	}
	st.start(ctx, st.ship)
	if st.mirror != nil {
		st.start(ctx, st.mirror.Run)
	}
	return nil
}

// officeLink is the way from a collector to the office.
type officeLink struct {
	client *node.Client
	// tag is that of the waves which are served.
	tag   string
	every time.Duration
	// away is why the office does not answer; nil when it does.
	away atomic.Pointer[error]
}

// none is why a collector has no wave to serve.
func (l *officeLink) none() error {
	if away := l.away.Load(); away != nil {
		return fmt.Errorf("no wave is known yet: %w", *away)
	}
	return fmt.Errorf("the office %s has published no wave yet: %w", l.client.Address(), surveys.ErrUnavailable)
}

// firstAnswer is how long a collector waits for the office when it starts.
const firstAnswer = 10 * time.Second

// getWaves asks the office for the published waves and shows them if they are others.
func (st *station) getWaves(ctx context.Context, show func(*publishedWaves) error) error {
	b, tag, err := st.link.client.Waves(ctx, st.link.tag)
	if err != nil || b == nil {
		return err
	}
	p, err := st.flags.keep(b, tag)
	if err != nil {
		return err
	}
	issues := map[string]uint32{}
	for _, i := range b.Issues {
		issues[string(i.Case)] = i.Issue
	}
	if err := st.drafts.PutIssues(ctx, issues); err != nil {
		return err
	}
	st.take(p)
	if err := show(p); err != nil {
		return err
	}
	st.link.tag = tag
	slog.Info("the published waves are those of the office", "waves", len(p.waves))
	return nil
}

// followOffice keeps the published waves up to date until ctx ends. While the office is away
// those of before are served.
func (st *station) followOffice(ctx context.Context, show func(*publishedWaves) error) {
	said := false
	for ctx.Err() == nil {
		err := st.getWaves(ctx, show)
		switch {
		case err == nil:
			said = false
			st.link.away.Store(nil)
		case ctx.Err() == nil:
			st.link.away.Store(&err)
			if !said { // once for each time that it is away
				slog.Warn("the office does not say which waves are published; those of before are served", "cause", err)
			}
			said = true
		}
		every := st.link.every
		if len(st.published().waves) == 0 {
			every = min(every, longestWait)
		}
		select {
		case <-ctx.Done():
		case <-time.After(every*9/10 + rand.N(every/10+1)): // so that nodes do not ask together
		}
	}
}

// lookEvery is how often the office looks whether a wave was published or closed.
const lookEvery = 5 * time.Second

// followFolder keeps the published waves as they are in the state folder, until ctx ends.
func (st *station) followFolder(ctx context.Context, show func(*publishedWaves) error) {
	var was string // unlike any, so that what was published while the program started is not missed
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		}
		now, err := st.flags.fingerprint()
		if err != nil || now == was {
			continue
		}
		p, err := st.flags.published()
		if err == nil {
			st.take(p)
			err = show(p)
		}
		if err != nil {
			slog.Error("the published waves have changed and cannot be used; those of before are served", "cause", err)
		}
		was = now
	}
}

// service is what the station does for other nodes.
func (st *station) service(key []byte) *node.Service {
	s := &node.Service{Token: node.Token(key), Number: st.node, Log: st.log, Stored: st.intake.Shipped, Copies: st.copies,
		Head: func() wal.Head { return st.log.Stat().Head }}
	if st.mirror != nil {
		s.Log = st.mirror
	}
	if st.office != nil {
		s.Waves = (&bundler{st: st}).bundle
	} else {
		s.Quarantine = st.intake
	}
	return s
}

// shippingBound is how long a node that ends goes on bringing interviews to ClickHouse.
const shippingBound = 10 * time.Second

// finish makes the log complete and brings as much of it to ClickHouse as it can in a while.
// What is left is shipped at the next start.
func (st *station) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shippingBound)
	defer cancel()
	err := st.log.Seal()
	if flushed := st.intake.Flush(ctx); flushed != nil {
		slog.Warn("some interviews wait in the log and are stored when the program is started again", "cause", flushed)
	}
	return err
}
