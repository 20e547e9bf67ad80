package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/server"
)

// serveCommand serves the published waves.
type serveCommand struct {
	stateFlags
	listenFlags
	nodeFlags
	Chromium string `env:"SUYANG_CHROMIUM" placeholder:"PROGRAM" help:"Browser that prints PDFs of reports that the desk makes; by default Chromium or Chrome where one is installed."`
}

// listenFlags say where the server is reached.
type listenFlags struct {
	Listen  string        `default:"127.0.0.1:8080" env:"SUYANG_LISTEN" help:"Address to listen on."`
	HTTPS   bool          `name:"https" env:"SUYANG_HTTPS" help:"People reach the server by https, through a proxy."`
	Idle    time.Duration `env:"SUYANG_IDLE" help:"How long after its last page an interview counts as broken off; by default 24h."`
	Proxies int           `default:"1" env:"SUYANG_PROXIES" help:"Through how many proxies of your own people reach the server, with --https."`
	Metrics string        `env:"SUYANG_METRICS" help:"Address where the metrics are read, such as 127.0.0.1:9090; by default nowhere. Respondents must not reach it."`
	loadFlags
	Origins []string `env:"SUYANG_ORIGINS" help:"Further origins whose pages may post here, such as https://survey.example.cn."`
}

// loadFlags say from when on people are turned away.
type loadFlags struct {
	MaxConns     int           `default:"10000" env:"SUYANG_MAX_CONNS" help:"Open connections; further ones wait."`
	MaxRequests  int           `default:"512" env:"SUYANG_MAX_REQUESTS" help:"Pages and interviews taken at one time; further ones wait."`
	InFlightMB   int64         `name:"in-flight" default:"64" env:"SUYANG_IN_FLIGHT" help:"Megabytes of what was sent and is not answered."`
	QueueWait    time.Duration `default:"2s" env:"SUYANG_QUEUE_WAIT" help:"How long a request waits for its turn."`
	DiskStarts   int           `default:"85" env:"SUYANG_DISK_STARTS" help:"Percent of the log's disk in use from which no new online interviews begin."`
	DiskAll      int           `default:"95" env:"SUYANG_DISK_ALL" help:"Percent from which nothing is taken in."`
	SessionRate  float64       `default:"5" env:"SUYANG_SESSION_RATE" help:"Requests a second of one interview in the long run; 0 is no limit."`
	NetworkRate  float64       `default:"50" env:"SUYANG_NETWORK_RATE" help:"Requests a second of one network that do not belong to an interview under way, a personal link, a tablet or an account; 0 is no limit."`
	NetworkBurst int           `default:"2000" env:"SUYANG_NETWORK_BURST" help:"How many of them may come at once."`
}

func (f loadFlags) set(cfg *server.Config) {
	cfg.MaxConns, cfg.MaxRequests = f.MaxConns, f.MaxRequests
	cfg.Pressure.InFlight, cfg.Pressure.QueueWait = f.InFlightMB<<20, f.QueueWait
	cfg.Pressure.DiskStarts, cfg.Pressure.DiskAll = float64(f.DiskStarts)/100, float64(f.DiskAll)/100
	cfg.Limits.Session.PerSecond = f.SessionRate
	cfg.Limits.Network = server.Rate{PerSecond: f.NetworkRate, Burst: f.NetworkBurst}
}

// Run serves until it is told to stop.
func (c *serveCommand) Run(ctx context.Context, con *console) error {
	if err := c.nodeFlags.check(c.ClickHouse); err != nil {
		return err
	}
	if c.Only == "collect" {
		return c.collect(ctx, con)
	}
	if _, err := c.number(c.Node); err != nil {
		return err
	}
	st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	if st.collectors, err = c.clients(c.Collectors...); err != nil {
		return err
	}
	if st.workshop, err = st.openWorkshop(c.Chromium); err != nil {
		return err
	}
	srv, err := c.listen(st, c.Leave)
	if err != nil {
		return err
	}
	st.start(ctx, st.workshop.Run)
	server.Tune(ctx)
	con.say("serving %s on http://%s", st.waveNames(), srv.Addr())
	con.say("%s", st.logRead())
	if metrics := srv.MetricsAddr(); metrics != "" {
		con.say("metrics on http://%s", metrics)
	}
	if st.engine != nil {
		go func() {
			<-st.engine.Done()
			if err := st.engine.Err(); err != nil {
				slog.Error("the engine has ended; interviews are accepted and kept, but not shipped until the program is started again", "cause", err)
			}
		}()
	}
	for _, collector := range st.collectors {
		st.start(ctx, func(ctx context.Context) error { return st.followCollector(ctx, collector) })
	}
	go st.followFolder(ctx, func(p *publishedWaves) error { return srv.Publish(p.served) })
	return srv.Run(ctx)
}

// collect serves as a node that only takes interviews, until it is told to stop.
func (c *serveCommand) collect(ctx context.Context, con *console) error {
	st, err := c.openCollector(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	first, cancel := context.WithTimeout(ctx, firstAnswer)
	err = st.getWaves(first, func(*publishedWaves) error { return nil })
	cancel()
	if err != nil {
		slog.Warn("the office did not say which waves are published", "cause", err)
	}
	srv, err := c.listen(st, c.Leave)
	if err != nil {
		return err
	}
	server.Tune(ctx)
	con.say("node %d collects %s on http://%s", st.node, st.waveNames(), srv.Addr())
	if metrics := srv.MetricsAddr(); metrics != "" {
		con.say("metrics on http://%s", metrics)
	}
	go st.followOffice(ctx, func(p *publishedWaves) error { return srv.Publish(p.served) })
	return errors.Join(srv.Run(ctx), st.finish(ctx))
}

// logRead says for people how long it took to read the log, for which a start waits.
func (st *station) logRead() string {
	stat := st.log.Stat()
	return fmt.Sprintf("read the log: %d records, %.1f MB, opened in %v, indexed in %v", stat.Next-stat.First, float64(stat.Bytes)/(1<<20),
		st.logOpened.Round(time.Millisecond), st.logIndexed.Round(time.Millisecond))
}

// waveNames lists the published waves for people.
func (st *station) waveNames() string {
	list := st.published().waves
	if len(list) == 0 {
		return "no wave yet"
	}
	var names []string
	for _, w := range list {
		names = append(names, w.ID)
	}
	return strings.Join(names, ", ")
}

// ready says why interviews cannot be taken now.
func (st *station) ready(ctx context.Context) error {
	errs := []error{st.log.Stat().Err, st.drafts.Check(ctx)}
	if st.journals != nil {
		errs = append(errs, st.journals.Stat().Err)
	}
	if st.mirror != nil {
		errs = append(errs, st.mirror.Err())
	}
	if st.link != nil && len(st.published().waves) == 0 {
		errs = append(errs, st.link.none())
	}
	return errors.Join(errs...)
}

// stats describes the parts of a station for the metrics.
func (st *station) stats(ctx context.Context) server.Stats {
	logs := map[string]wal.Stat{"interviews": st.log.Stat()}
	if st.journals != nil {
		logs["tablets"] = st.journals.Stat()
	}
	out := server.Stats{
		Logs:     logs,
		Shipping: st.intake.Shipping(),
		StoreUp:  st.store.Ping(ctx) == nil,
	}
	var err error
	if out.Drafts, err = st.drafts.Count(ctx); err != nil {
		slog.Warn("interviews under way cannot be counted for the metrics", "cause", err)
	}
	return out
}

// listen makes the server of a station and takes its port.
func (f *listenFlags) listen(st *station, leave time.Duration) (*server.Server, error) {
	key, err := st.flags.key()
	if err != nil {
		return nil, err
	}
	if st.office != nil {
		if err := os.MkdirAll(st.flags.reports(), 0o755); err != nil {
			return nil, err
		}
	}
	cfg := server.DefaultConfig(key)
	cfg.Addr, cfg.HTTPS, cfg.Origins = f.Listen, f.HTTPS, f.Origins
	cfg.Leave = leave
	cfg.MetricsAddr, cfg.Proxies = f.Metrics, f.Proxies
	f.set(&cfg)
	if f.Idle > 0 {
		cfg.Idle = f.Idle
	}
	deps := server.Deps{
		Waves: st.published().served, Intake: st.intake, Drafts: st.drafts, Ready: st.ready, Now: st.now, Nodes: st.service(key).Handler(),
		Stats: st.stats, Disk: func() (server.Disk, error) { return diskOf(st.flags.logFolder()) },
	}
	if st.office != nil {
		cfg.Reports, cfg.ReportCSP = os.DirFS(st.flags.reports()), report.CSP()
		for _, c := range st.collectors {
			deps.Collectors = append(deps.Collectors, c)
		}
		deps.Quarantine, deps.Releases = st.intake, st.flags.releases()
		deps.Office, deps.Tablets, deps.Findings, deps.Answers = st.office, st.tablets, newJudge(st).findings, st.store.Response
		deps.Live, deps.Making = st.board, st.workshop
	}
	srv, err := server.New(cfg, deps)
	if err != nil {
		return nil, err
	}
	if err := srv.Listen(); err != nil {
		return nil, fmt.Errorf("%w (--listen)", err)
	}
	return srv, nil
}
