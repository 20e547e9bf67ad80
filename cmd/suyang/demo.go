package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/demo"
	"github.com/suyang-survey/suyang/internal/margins"
	"github.com/suyang-survey/suyang/internal/microdata"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/server"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/internal/weigh"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// demoCommand runs two surveys from questionnaire to report.
type demoCommand struct {
	State     string `type:"path" default:"suyang-demo" help:"Folder of the demo; what an earlier demo left there is removed."`
	Province  string `default:"zhejiang" enum:"zhejiang,guangdong" help:"The province that is simulated: zhejiang or guangdong."`
	N         int    `short:"n" default:"3300" help:"About how many interviews the provincial wave gets."`
	Seed      uint64 `default:"2026" help:"Seed of the simulated province; the same seed makes the same survey."`
	Once      bool   `help:"End when the reports are written instead of serving them."`
	Microdata string `type:"path" default:"surveys/library/gss-science/data" help:"Folder with the microdata of the General Social Survey."`
	More      string `name:"data" env:"SUYANG_DATA" type:"path" help:"Folder with a folder gss-science that holds further years."`
	listenFlags
}

// The waves of the demo.
const (
	gssWave      = "gss"
	provinceWave = "zhejiang-demo"
	demoWeights  = "calibrated" // as the plan of the library names them
	demoPlan     = "civic-literacy"
)

// demoProvince is a province that the demo can simulate, with its plans in the library.
type demoProvince struct{ code, name, wave, plan string }

var demoProvinces = map[string]demoProvince{
	"zhejiang":  {"330000", "Zhejiang", provinceWave, demoPlan},
	"guangdong": {"440000", "Guangdong", "guangdong-demo", "civic-literacy-guangdong"},
}

// visitorsAtOnce is how many respondents fill in the questionnaire at one time.
const visitorsAtOnce = 16

// Run does the demo.
func (c *demoCommand) Run(ctx context.Context, con *console) error {
	begun := time.Now()
	lock, err := c.take()
	if err != nil {
		return err
	}
	defer lock.Close()
	d := &demonstration{demoCommand: c, home: demoProvinces[c.Province], con: con, flags: &stateFlags{State: c.State}, clock: &simulatedClock{}}
	if err := d.prepare(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.clear(); err != nil {
		return err
	}
	if err := d.publish(); err != nil {
		return err
	}
	st, err := d.flags.openAt(ctx, d.clock.Now)
	if err != nil {
		return err
	}
	defer st.Close()
	d.st = st
	srv, err := c.listen(st, 0)
	if err != nil {
		return err
	}
	serving := d.serve(ctx, srv)
	err = d.microdata(ctx)
	if err == nil {
		err = d.province(ctx, "http://"+srv.Addr())
	}
	if err == nil {
		con.say("the whole demo took %s", time.Since(begun).Round(100*time.Millisecond))
		if !c.Once { // with it only the files stay, whose names stand above
			if err := d.addresses(ctx, srv.Addr()); err != nil {
				return errors.Join(err, serving.stop())
			}
			con.say("serving until Ctrl-C")
			return serving.wait()
		}
	}
	return errors.Join(err, serving.stop())
}

// demonstration is a demo under way.
type demonstration struct {
	*demoCommand
	home  demoProvince
	con   *console
	flags *stateFlags
	st    *station

	gss, civic definitions
	table      microdata.Table
	population *demo.Population
	sample     drawnSample
	clock      *simulatedClock
	start      time.Time // of the fieldwork: a Monday, 00:00 in China
}

// definitions are what a wave is published from.
type definitions struct {
	questionnaire *surveys.Questionnaire
	plan          []byte
}

// prepare reads the microdata, makes the synthetic province and draws its sample.
func (d *demonstration) prepare() (err error) {
	if d.gss.questionnaire, d.gss.plan, err = definitionOf("gss-science", ""); err != nil {
		return err
	}
	if d.civic.questionnaire, d.civic.plan, err = definitionOf("civic-literacy", d.home.plan); err != nil {
		return err
	}
	// Whoever writes a report of the wave later must be told, too.
	d.civic.plan = append(d.civic.plan, "\nsimulated: true\n"...)
	mapping, err := mappingOf("gss-science", "")
	if err != nil {
		return err
	}
	folders := []fs.FS{os.DirFS(d.Microdata)}
	if d.More != "" {
		more := filepath.Join(d.More, "gss-science")
		if info, err := os.Stat(more); err != nil || !info.IsDir() {
			return fmt.Errorf("there is no folder %s with further years; correct --data (SUYANG_DATA), or leave it out", more)
		}
		folders = append(folders, os.DirFS(more))
	}
	if d.table, err = microdata.Read(mapping, d.gss.questionnaire, gssWave, folders...); err != nil {
		return fmt.Errorf("microdata in %s: %w; run the demo in the project's folder, or name another with --microdata", d.Microdata, err)
	}
	census, err := margins.ReadCensus(library.FS, d.home.code)
	if err != nil {
		return err
	}
	cfg := demo.DefaultConfig()
	cfg.Interviews, cfg.Seed = d.N, d.Seed
	if d.population, err = demo.NewPopulation(cfg, census, d.civic.questionnaire); err != nil {
		return err
	}
	d.con.say("a synthetic %s of %d people, 1 for every %d", d.home.name, d.population.Size(), cfg.Scale)
	return nil
}

// publish publishes both waves; that of the microdata takes no answers.
func (d *demonstration) publish() error {
	folder := d.flags.waves()
	if err := publish(folder, gssWave, d.gss.questionnaire, d.gss.plan, d.table.Cases); err != nil {
		return err
	}
	if err := folder.Close(gssWave); err != nil {
		return err
	}
	if err := d.draw(); err != nil {
		return err
	}
	if err := publish(folder, d.home.wave, d.civic.questionnaire, d.civic.plan, d.sample.cases); err != nil {
		return err
	}
	targets, err := library.File(d.home.plan, "targets.yaml")
	if err != nil {
		return err
	}
	if err := folder.SaveTargets(d.home.wave, targets); err != nil {
		return err
	}
	days := period()
	d.start = days.First
	return folder.SetFieldwork(d.home.wave, days)
}

// microdata takes in the General Social Survey and writes its reports.
func (d *demonstration) microdata(ctx context.Context) error {
	quarantined, err := takeIn(ctx, d.con, d.st, gssWave, d.table)
	if err != nil {
		return err
	}
	if quarantined > 0 {
		return fmt.Errorf("%d of %d interviews of wave %s went to quarantine", quarantined, len(d.table.Interviews), gssWave)
	}
	w, err := d.flags.waves().Load(gssWave)
	if err != nil {
		return err
	}
	r, err := assessed(ctx, d.st, w, "", assess.Options{})
	if err != nil {
		return err
	}
	return d.reports(ctx, r)
}

// province has the sample answer the real pages, weighs, and writes the reports.
func (d *demonstration) province(ctx context.Context, base string) error {
	w, err := d.flags.waves().Load(d.home.wave)
	if err != nil {
		return err
	}
	if err := d.st.store.PutSample(ctx, d.home.wave, d.sample.cases); err != nil {
		return err
	}
	if err := d.simulate(ctx, base, w.Questionnaire); err != nil {
		return err
	}
	if err := d.outcome(ctx); err != nil {
		return err
	}
	if err := d.st.intake.Flush(ctx); err != nil {
		return err
	}
	ledger, err := d.st.intake.Verify(ctx)
	if err != nil {
		return err
	}
	d.con.say("%s", strings.TrimSpace(ledger.String()))
	if err := d.weigh(ctx, w); err != nil {
		return err
	}
	bar := d.con.bar("asking the whole synthetic province for the true rates", d.population.Size())
	truth, err := d.population.Truth(ctx, w.Questionnaire, w.Plan, bar.add)
	bar.finish()
	if err != nil {
		return err
	}
	r, err := assessed(ctx, d.st, w, demoWeights, assess.Options{Truth: truth.Value})
	if err != nil {
		return err
	}
	cover := assess.Coverage(r)
	d.con.say("%d of %d intervals of 95 %% cover the true value", cover.Covered, cover.Total)
	return d.reports(ctx, r)
}

// weigh carries out the plan of the library and shows what it did.
func (d *demonstration) weigh(ctx context.Context, w waves.Wave) error {
	src, files, err := weightingPlan(d.home.plan)
	if err != nil {
		return err
	}
	plan, err := weigh.ReadPlan("weights.yaml", src, w.Questionnaire, w.Plan.Factors)
	if err != nil {
		return err
	}
	done, err := d.st.weigh(ctx, w, plan, files, true)
	if done.Record != nil {
		err = errors.Join(err, report.Weighting(d.con.err, done.Record, w.Plan, surveys.EN))
	}
	if err == nil {
		d.con.say("%s", done.outcome())
	}
	return err
}

// reports writes the report in both languages.
func (d *demonstration) reports(ctx context.Context, r *assess.Results) error {
	for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
		path := d.flags.reportPath(r.Wave, lang)
		if err := writeReport(ctx, d.con, path, r, lang); err != nil {
			return err
		}
		fmt.Fprintln(d.con.out, path)
	}
	return nil
}

// addresses prints where to look, and how to sign in at the desk.
func (d *demonstration) addresses(ctx context.Context, addr string) error {
	password := rand.Text()
	logins, err := d.open(ctx, password)
	if err != nil {
		return err
	}
	for _, path := range []string{
		"/", "/s/" + d.home.wave,
		"/reports/" + d.home.wave + ".zh.html", "/reports/" + d.home.wave + ".en.html",
		"/reports/" + gssWave + ".zh.html", "/reports/" + gssWave + ".en.html",
		"/desk",
	} {
		fmt.Fprintf(d.con.out, "http://%s%s\n", addr, path)
	}
	d.con.say("sign in at the desk as %s; password of all of them: %s", strings.Join(logins, ", "), password)
	d.con.say("for an enumerator's tablet, make a code at http://%s/desk/tablets and open its address in a browser on this machine", addr)
	return nil
}

// serving is a server that runs beside the demo.
type serving struct {
	cancel context.CancelFunc
	done   chan error
}

func (d *demonstration) serve(ctx context.Context, srv *server.Server) serving {
	ctx, cancel := context.WithCancel(ctx)
	s := serving{cancel: cancel, done: make(chan error, 1)}
	go func() { s.done <- srv.Run(ctx) }()
	return s
}

func (s serving) wait() error { return <-s.done }

func (s serving) stop() error {
	s.cancel()
	return s.wait()
}

// marker is the file by which a folder is known to hold nothing but an earlier demo.
const marker = "made-by-suyang-demo"

// take makes the folder, or takes that of an earlier demo, and keeps a second demo
// away from it until the lock is closed.
func (c *demoCommand) take() (lock *os.File, err error) {
	entries, err := os.ReadDir(c.State)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot use %s as the folder of the demo: %w", c.State, err)
	}
	path := filepath.Join(c.State, marker)
	if len(entries) > 0 {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%s holds something other than an earlier demo; give another folder with --state", c.State)
		}
	}
	if err := os.MkdirAll(c.State, 0o700); err != nil {
		return nil, fmt.Errorf("cannot use %s as the folder of the demo: %w", c.State, err)
	}
	if lock, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("cannot use %s as the folder of the demo: %w", c.State, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("a demo is running on %s; end it, or give another folder with --state", c.State)
	}
	return lock, nil
}

// clear removes what an earlier demo left in the folder.
func (c *demoCommand) clear() error {
	entries, err := os.ReadDir(c.State)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == marker {
			continue
		}
		if err := os.RemoveAll(filepath.Join(c.State, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
