package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/suyang-survey/suyang/internal/backoff"
	"github.com/suyang-survey/suyang/internal/clickhouse"
	"github.com/suyang-survey/suyang/internal/clickhouse/engine"
	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/node"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/server"
	"github.com/suyang-survey/suyang/internal/tablet"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// stateFlags say where the program keeps what it must not lose.
type stateFlags struct {
	State      string `type:"path" default:"suyang-state" env:"SUYANG_STATE" help:"Folder of the log, the keys, the published waves, the engine's data and the reports."`
	ClickHouse string `name:"clickhouse" env:"SUYANG_CLICKHOUSE" help:"Address of the HTTP interface of a ClickHouse server, http://user:password@host:8123/database; by default the embedded engine is used."`
}

func (f *stateFlags) waves() waves.Folder { return waves.Folder(filepath.Join(f.State, "waves")) }
func (f *stateFlags) reports() string     { return filepath.Join(f.State, "reports") }
func (f *stateFlags) logFolder() string   { return filepath.Join(f.State, "log") }

// tabletFolder holds the journals of tablets.
func (f *stateFlags) tabletFolder() string { return filepath.Join(f.State, tabletFiles) }

func (f *stateFlags) reportPath(wave string, lang surveys.Lang) string {
	return filepath.Join(f.reports(), wave+"."+string(lang)+".html")
}

// keyBytes is the length of the secret of an installation.
const keyBytes = 32

// key returns the secret of the installation, made at first use. Personal links and
// open pages are worth nothing without it, so it belongs into the backup.
func (f *stateFlags) key() ([]byte, error) {
	path := filepath.Join(f.State, keyFile)
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f.newKey(path)
	}
	if err == nil && len(key) != keyBytes {
		err = fmt.Errorf("%s has %d bytes instead of %d; restore it from the backup", path, len(key), keyBytes)
	}
	return key, err
}

func (f *stateFlags) newKey(path string) ([]byte, error) {
	if err := f.make(); err != nil {
		return nil, err
	}
	key := make([]byte, keyBytes)
	rand.Read(key)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(key)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	return key, syncFolder(f.State) // what is signed with it must not outlive it
}

// make makes the state folder, whose name is durable then: the log in it is worth no more
// than the way to it.
func (f *stateFlags) make() error {
	if _, err := wal.Folder(f.State); err != nil {
		return fmt.Errorf("cannot use %s as the state folder: %w; give another one with --state", f.State, err)
	}
	return nil
}

// station is the program's parts, opened on one state folder.
type station struct {
	flags *stateFlags
	// node is the number under which it appends to its log.
	node uint16
	// shown are the published waves, forms the same as the intake takes them.
	shown  atomic.Pointer[publishedWaves]
	forms  intake.Waves
	drafts *drafts.Store
	office *office.Store
	engine *engine.Engine
	store  *clickhouse.Store
	log    *wal.Log
	intake *intake.Intake
	// logOpened and logIndexed are how long it took to open the log, and to make the index of it.
	logOpened, logIndexed time.Duration
	// journals is the log of what tablets recorded, tablets what takes it in and carries it
	// out.
	journals *wal.Log
	tablets  *tablet.Tablets
	// mirror is the way to the node that keeps a copy of the log, nil where none does; copies
	// are those kept of other nodes' logs, collectors the nodes that the office hears of
	// interviews from.
	mirror     *node.Mirror
	copies     *node.Copies
	collectors []*node.Client
	// link is the way of a collector to the office.
	link *officeLink
	// heard counts what came from collectors, numbers has their addresses by their numbers.
	heard   atomic.Uint64
	numbers sync.Map
	boards  boards
	// workshop makes reports for the desk; nil where there is none.
	workshop *making.Workshop
	// now is the clock of the intake and the pages.
	now func() time.Time
	// stop ends what runs beside the server: shipping, following the log, and carrying out what
	// tablets recorded. Each then sends its result to ended.
	background context.Context
	stop       context.CancelFunc
	running    int
	ended      chan error
}

// open opens everything: the store, the log and the intake, which begins to ship. It
// never joins the engine of another command, which ends with that command. A
// ClickHouse server may be away: interviews are accepted and wait in the log.
func (f *stateFlags) open(ctx context.Context) (*station, error) { return f.openAt(ctx, time.Now) }

// openAt is open with another clock.
func (f *stateFlags) openAt(ctx context.Context, now func() time.Time) (*station, error) {
	if err := f.isNoCollector(); err != nil {
		return nil, err
	}
	st, err := f.openWith(ctx, (*station).connect)
	if err != nil {
		return nil, err
	}
	st.now = now
	if err := st.store.Migrate(ctx); err != nil {
		if !errors.Is(err, surveys.ErrUnavailable) {
			return nil, errors.Join(err, st.Close())
		}
		slog.Warn("ClickHouse is away; interviews are accepted and kept until it answers", "cause", err)
	}
	if err := st.openIntake(ctx); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

// openStore opens the store alone: the server named by an address, or the embedded
// engine, be it that of another command.
func (f *stateFlags) openStore(ctx context.Context) (*station, error) {
	if err := f.isNoCollector(); err != nil {
		return nil, err
	}
	st, err := f.openWith(ctx, (*station).join)
	if err != nil {
		return nil, err
	}
	if err := st.store.Migrate(ctx); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

// openWave reads a published wave and opens the store.
func (f *stateFlags) openWave(ctx context.Context, id string) (*station, waves.Wave, error) {
	w, err := f.waves().Load(id)
	if err != nil {
		return nil, w, err
	}
	st, err := f.openStore(ctx)
	return st, w, err
}

// openWith makes a station whose store is opened by connect.
func (f *stateFlags) openWith(ctx context.Context, connect func(*station, context.Context) error) (*station, error) {
	if err := f.make(); err != nil {
		return nil, err
	}
	st := &station{flags: f, ended: make(chan error)}
	err := connect(st, ctx)
	if err == nil && !f.collects() {
		st.office, err = f.openOffice(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

// join opens the store of the engine that another command runs on this state folder,
// or else connects.
func (st *station) join(ctx context.Context) error {
	if st.flags.ClickHouse == "" {
		if st.store = st.flags.running(ctx); st.store != nil {
			return nil
		}
	}
	return st.connect(ctx)
}

// connect opens the store of the server that was named, or of an engine of its own.
func (st *station) connect(ctx context.Context) (err error) {
	if dsn := st.flags.ClickHouse; dsn != "" {
		st.store, err = clickhouse.Connect(clickhouse.Config{DSN: dsn})
		return err
	}
	library, err := engine.FindLibrary(st.flags.State)
	if err != nil {
		return err
	}
	data := filepath.Join(st.flags.State, "clickhouse")
	if st.engine, err = engine.Start(ctx, engine.Config{Data: data, Library: library}); err != nil {
		return err
	}
	dsn := st.engine.DSN()
	if st.store, err = clickhouse.Open(ctx, clickhouse.Config{DSN: dsn}); err != nil {
		return err
	}
	return os.WriteFile(st.flags.engineFile(), []byte(dsn), 0o600)
}

// engineFile holds the address of the running engine, with its secret, so that a
// report can be written while the server runs.
func (f *stateFlags) engineFile() string { return filepath.Join(f.State, "engine") }

// running opens the store of the engine that another command runs, or returns nil.
func (f *stateFlags) running(ctx context.Context) *clickhouse.Store {
	dsn, err := os.ReadFile(f.engineFile())
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	store, err := clickhouse.Open(ctx, clickhouse.Config{DSN: string(dsn)})
	if err != nil {
		return nil // its engine is gone
	}
	return store
}

// publishedWaves are the published waves as they were read, and as the server takes them.
type publishedWaves struct {
	waves  []waves.Wave
	served []server.Wave
	forms  *intake.Waves
}

// published reads the waves and compiles all their versions.
func (f *stateFlags) published() (*publishedWaves, error) {
	list, err := f.waves().All()
	if err != nil {
		return nil, err
	}
	p := &publishedWaves{waves: list, forms: &intake.Waves{}}
	for _, w := range list {
		served, err := f.serve(w, p.forms)
		if err != nil {
			return nil, fmt.Errorf("wave %s: %w", w.ID, err)
		}
		p.served = append(p.served, served)
	}
	return p, nil
}

// take lets the station work with these waves from now on.
func (st *station) take(p *publishedWaves) {
	st.forms.Replace(p.forms)
	st.shown.Store(p)
}

// published are the waves that the station works with.
func (st *station) published() *publishedWaves {
	if p := st.shown.Load(); p != nil {
		return p
	}
	return &publishedWaves{}
}

// openIntake opens what takes in interviews, and begins to ship.
func (st *station) openIntake(ctx context.Context) (err error) {
	if err := st.readIntake(ctx); err != nil {
		return err
	}
	if st.drafts, err = st.flags.openDrafts(); err != nil {
		return err
	}
	if err := st.openTablets(ctx); err != nil {
		return err
	}
	st.start(ctx, st.ship, st.follow, st.tablets.Run)
	return nil
}

// readIntake reads the published waves and the log.
func (st *station) readIntake(ctx context.Context) error {
	p, err := st.flags.known()
	if err != nil {
		return err
	}
	st.take(p)
	began := time.Now()
	if st.log, err = st.flags.openLog(); err != nil {
		return err
	}
	opened := time.Now()
	cfg := intake.DefaultConfig(filepath.Join(st.flags.State, intakeFiles))
	if cfg.Key, err = st.flags.key(); err != nil {
		return err
	}
	if cfg.Node, err = st.flags.number(0); err != nil {
		return err
	}
	st.node = cfg.Node
	if st.office != nil {
		upTo, err := st.office.TakenUpTo(ctx, cfg.Node)
		if err != nil {
			return err
		}
		if err := st.log.Skip(upTo); err != nil { // does nothing unless the log has lost its end
			return err
		}
	}
	if st.intake, err = intake.New(cfg, st.log, st.store, &st.forms, st.now); err != nil {
		return err
	}
	st.logOpened, st.logIndexed = opened.Sub(began), time.Since(opened)
	return nil
}

// openStill opens the store, the log and the intake, which ships nothing by itself. Nothing
// else may have the log or the embedded engine open. It opens the state folder of a
// collector, too.
func (f *stateFlags) openStill(ctx context.Context) (*station, error) {
	st, err := f.openWith(ctx, (*station).connect)
	if err != nil {
		return nil, err
	}
	st.now = time.Now
	if err = st.store.Migrate(ctx); err == nil {
		err = st.readIntake(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

// start runs what runs beside the server, until Close: it has work to do still when the
// program has been told to end.
func (st *station) start(ctx context.Context, parts ...func(context.Context) error) {
	if st.running == 0 {
		st.background, st.stop = context.WithCancel(context.WithoutCancel(ctx))
	}
	for _, run := range parts {
		st.running++
		go func() { st.ended <- run(st.background) }()
	}
}

// openLog opens the log of interviews.
func (f *stateFlags) openLog() (*wal.Log, error) { return wal.Open(wal.DefaultConfig(f.logFolder())) }

// openTablets opens the journals of tablets.
func (st *station) openTablets(ctx context.Context) error {
	key, err := st.flags.key()
	if err != nil {
		return err
	}
	if st.journals, err = wal.Open(wal.DefaultConfig(st.flags.tabletFolder())); err != nil {
		return err
	}
	st.tablets, err = tablet.Open(ctx, tablet.DefaultConfig(), st.journals, st.office, st.intake, key, st.now)
	return err
}

// serve compiles every version of a wave, and lets interviews of it in.
func (f *stateFlags) serve(w waves.Wave, published *intake.Waves) (server.Wave, error) {
	out := server.Wave{ID: w.ID, Closed: w.Closed, LinksOnly: w.LinksOnly, FirstDay: w.Fieldwork.First, LastDay: w.Fieldwork.Last}
	given, err := f.booklets(w.ID)
	if err != nil {
		return out, err
	}
	if len(w.Questionnaire.Booklets) > 0 {
		out.Booklets = given
	}
	for _, q := range append(slices.Clone(w.Earlier), w.Questionnaire) {
		lists, err := f.lists(q)
		if err != nil {
			return out, err
		}
		compiled, err := form.Compile(q, lists...)
		if err != nil {
			return out, err
		}
		ends, err := q.Statutory.Ends()
		if err != nil {
			return out, err
		}
		if w.Closed && (ends.IsZero() || w.ClosedAt.Before(ends)) {
			ends = w.ClosedAt
		}
		published.Publish(w.ID, q.ID, q.Version(), intake.Edition{Form: compiled, Ends: ends, Booklets: given})
		out.Earlier = append(out.Earlier, server.Version{Questionnaire: q, Form: compiled, Lists: lists})
	}
	last := len(out.Earlier) - 1
	out.Questionnaire, out.Form, out.Lists, out.Earlier = out.Earlier[last].Questionnaire, out.Earlier[last].Form, out.Earlier[last].Lists, out.Earlier[:last]
	return out, nil
}

// booklets are those that the cases of a wave were given when they were drawn.
func (f *stateFlags) booklets(wave string) (map[string]string, error) {
	kept, err := f.keptBooklets(wave)
	if kept != nil || err != nil {
		return kept, err
	}
	cases, err := f.waves().Sample(wave)
	if errors.Is(err, surveys.ErrNotFound) {
		return nil, nil
	}
	given := map[string]string{}
	for _, c := range cases {
		if b := c.Booklet(); b != "" {
			given[c.ID] = b
		}
	}
	return given, err
}

// openDrafts opens the interviews under way, together with the links.
func (f *stateFlags) openDrafts() (*drafts.Store, error) {
	key, err := f.key()
	if err != nil {
		return nil, err
	}
	return drafts.Open(filepath.Join(f.State, "drafts.db"), key)
}

// openOffice opens the office database.
func (f *stateFlags) openOffice(ctx context.Context) (*office.Store, error) {
	if err := f.make(); err != nil {
		return nil, err
	}
	return office.Open(ctx, filepath.Join(f.State, officeFile))
}

// The waits between two looks for a ClickHouse that is away.
const (
	firstWait   = time.Second
	longestWait = 30 * time.Second
)

// ship ships the log as soon as the store answers, until ctx ends.
func (st *station) ship(ctx context.Context) error {
	for wait := backoff.New(firstWait, longestWait, nil); ; {
		err := st.store.Migrate(ctx)
		if err == nil {
			return st.intake.Run(ctx)
		}
		if ctx.Err() == nil {
			slog.Warn("interviews wait in the log", "cause", err)
		}
		if wait.Sleep(ctx); ctx.Err() != nil {
			return nil
		}
	}
}

// Close ends shipping and closes what was opened, in the opposite order.
func (st *station) Close() error {
	var errs []error
	if st.stop != nil {
		st.stop()
		for range st.running {
			errs = append(errs, <-st.ended)
		}
	}
	if st.journals != nil {
		errs = append(errs, st.journals.Close())
	}
	if st.drafts != nil {
		errs = append(errs, st.drafts.Close())
	}
	if st.office != nil {
		errs = append(errs, st.office.Close())
	}
	if st.copies != nil {
		errs = append(errs, st.copies.Close())
	}
	if st.log != nil {
		errs = append(errs, st.log.Close())
	}
	if st.store != nil {
		errs = append(errs, st.store.Close())
	}
	if st.engine != nil {
		errs = append(errs, os.Remove(st.flags.engineFile()), st.engine.Close())
	}
	return errors.Join(errs...)
}

// version names the build: the module version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}
