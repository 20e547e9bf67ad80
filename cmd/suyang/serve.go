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
	st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	srv, err := c.listen(st)
	if err != nil {
		return err
	}
	server.Tune(ctx)
	con.say("serving %s on http://%s", st.waveNames(), srv.Addr())
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
	return srv.Run(ctx)
}

// waveNames lists the published waves for people.
func (st *station) waveNames() string {
	if len(st.waves) == 0 {
		return "no wave yet"
	}
	var names []string
	for _, w := range st.waves {
		names = append(names, w.ID)
	}
	return strings.Join(names, ", ")
}

// ready says why interviews cannot be taken now.
func (st *station) ready(ctx context.Context) error {
	return errors.Join(st.log.Stat().Err, st.journals.Stat().Err, st.drafts.Check(ctx))
}

// stats describes the parts of a station for the metrics.
func (st *station) stats(ctx context.Context) server.Stats {
	out := server.Stats{
		Logs:     map[string]wal.Stat{"interviews": st.log.Stat(), "tablets": st.journals.Stat()},
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
func (f *listenFlags) listen(st *station) (*server.Server, error) {
	key, err := st.flags.key()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(st.flags.reports(), 0o755); err != nil {
		return nil, err
	}
	cfg := server.DefaultConfig(key)
	cfg.Addr, cfg.HTTPS, cfg.Origins = f.Listen, f.HTTPS, f.Origins
	cfg.MetricsAddr, cfg.Proxies = f.Metrics, f.Proxies
	f.set(&cfg)
	if f.Idle > 0 {
		cfg.Idle = f.Idle
	}
	cfg.Reports, cfg.ReportCSP = os.DirFS(st.flags.reports()), report.CSP()
	deps := server.Deps{Waves: st.served, Intake: st.intake, Drafts: st.drafts, Office: st.office, Tablets: st.tablets, Ready: st.ready, Stats: st.stats, Disk: func() (server.Disk, error) { return diskOf(st.flags.logFolder()) }, Now: st.now, Findings: newJudge(st).findings, Answers: st.store.Response}
	srv, err := server.New(cfg, deps)
	if err != nil {
		return nil, err
	}
	if err := srv.Listen(); err != nil {
		return nil, fmt.Errorf("%w (--listen)", err)
	}
	return srv, nil
}
