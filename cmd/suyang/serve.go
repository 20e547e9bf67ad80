package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

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
	Origins []string      `env:"SUYANG_ORIGINS" help:"Further origins whose pages may post here, such as https://survey.example.cn."`
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
	server.Tune()
	con.say("serving %s on http://%s", st.waveNames(), srv.Addr())
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
	if f.Idle > 0 {
		cfg.Idle = f.Idle
	}
	cfg.Reports, cfg.ReportCSP = os.DirFS(st.flags.reports()), report.CSP()
	deps := server.Deps{Waves: st.served, Intake: st.intake, Drafts: st.drafts, Office: st.office, Tablets: st.tablets, Ready: st.ready, Now: st.now, Findings: newJudge(st).findings, Answers: st.store.Response}
	srv, err := server.New(cfg, deps)
	if err != nil {
		return nil, err
	}
	if err := srv.Listen(); err != nil {
		return nil, fmt.Errorf("%w (--listen)", err)
	}
	return srv, nil
}
