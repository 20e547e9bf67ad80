package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/suyang-survey/suyang/internal/microdata"
	"github.com/suyang-survey/suyang/surveys/library"
)

// The commands start this program again as their engine, and tests as a server; in a test
// that is the test.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"engine", "serve", "rebuild"}, os.Args[1]) {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		profiled := profile(os.Args[1])
		status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
		profiled()
		stop()
		os.Exit(status)
	}
	os.Exit(m.Run())
}

// profileFile is the environment variable that has “serve” write its CPU profile.
const profileFile = "SUYANG_TEST_CPU_PROFILE"

// profile writes the CPU profile of a server when it is asked for; call what it returns in
// the end.
func profile(command string) (end func()) {
	path := os.Getenv(profileFile)
	if path == "" || command != "serve" {
		return func() {}
	}
	f, err := os.Create(path)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		panic(err)
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}
}

// suyang runs a command line and returns its exit status and what it printed.
func suyang(t *testing.T, args ...string) (status int, out, talk string) {
	t.Helper()
	var o, e bytes.Buffer
	status = run(t.Context(), args, strings.NewReader(""), &o, &e)
	return status, o.String(), e.String()
}

// must runs a command line that has to succeed, and returns its results.
func must(t *testing.T, args ...string) string {
	t.Helper()
	status, out, talk := suyang(t, args...)
	if status != 0 {
		t.Fatalf("suyang %s: status %d: %s", strings.Join(args, " "), status, talk)
	}
	return out
}

func TestMistakes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	faulty := filepath.Join(dir, "faulty.yaml")
	if err := os.WriteFile(faulty, []byte("id: x\nnonsense: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lone := filepath.Join(dir, "lone.yaml")
	if err := os.WriteFile(lone, sound(t), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown command", []string{"fly"}, "fly"},
		{"no such questionnaire", []string{"lint", filepath.Join(dir, "none.yaml")}, "none.yaml"},
		{"faulty questionnaire", []string{"lint", faulty}, "faulty.yaml:2:1"},
		{"state folder is a file", []string{"report", "zj", "--state", file}, file},
		{"state folder below a file", []string{"serve", "--state", filepath.Join(file, "x")}, "--state"},
		{"no such wave", []string{"report", "zj", "--state", filepath.Join(dir, "state")}, `no wave "zj"`},
		{"wave with a bad name", []string{"publish", "A B", "--state", filepath.Join(dir, "state")}, "a-z"},
		{"no such sample file", []string{"publish", "zj", "--sample", filepath.Join(dir, "none.csv"), "--state", filepath.Join(dir, "state")}, "none.csv"},
		{"port taken", []string{"serve", "--listen", taken.Addr().String(), "--state", filepath.Join(dir, "port")}, taken.Addr().String() + " is in use by another program; stop it or choose another address (--listen)"},
		{"no log to verify", []string{"verify", "--state", filepath.Join(dir, "empty")}, "--state"},
		{"no plan", []string{"publish", "zj", "--questionnaire", lone, "--state", filepath.Join(dir, "state")}, "--plan"},
		{"no microdata", []string{"demo", "--microdata", dir, "--state", filepath.Join(dir, "demo")}, "no file fits"},
		{"no further years", []string{"demo", "--microdata", microdataFolder, "--data", dir, "--state", filepath.Join(dir, "demo2")}, "SUYANG_DATA"},
		{"a demo over other files", []string{"demo", "--state", dir}, "other than an earlier demo"},
		{"ClickHouse out of reach", []string{"report", "gss", "--clickhouse", "http://127.0.0.1:1/x", "--state", filepath.Join(dir, "away")}, "127.0.0.1:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.name, "ClickHouse") {
				must(t, "publish", "gss", "--questionnaire", "gss-science", "--state", filepath.Join(dir, "away"))
			}
			status, out, talk := suyang(t, c.args...)
			if status == 0 || !strings.Contains(talk, c.want) {
				t.Errorf("status %d, out %q, talk %q; want a failure that says %q", status, out, talk, c.want)
			}
			if lines := strings.Count(strings.TrimSpace(talk), "\n"); c.name != "faulty questionnaire" && lines > 0 {
				t.Errorf("the message has %d lines, want one sentence: %q", lines+1, talk)
			}
		})
	}
}

// sound is the text of a questionnaire without faults.
func sound(t *testing.T) []byte {
	t.Helper()
	src, err := library.FS.ReadFile("gss-science/questionnaire.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// A second demo on the folder of a running one leaves everything there.
func TestDemoOnce(t *testing.T) {
	first := &demoCommand{State: t.TempDir()}
	lock, err := first.take()
	if err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(first.State, "report.html")
	if err := os.WriteFile(report, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, _, talk := suyang(t, "demo", "--once", "--state", first.State, "--microdata", microdataFolder)
	if _, err := os.Stat(report); err != nil || status == 0 || !strings.Contains(talk, "a demo is running on "+first.State) {
		t.Errorf("status %d, talk %q; the first demo's file: %v", status, talk, err)
	}
	lock.Close()
	// Nor does a demo that cannot begin remove what an earlier one left.
	status, _, talk = suyang(t, "demo", "--once", "-n", "0", "--state", first.State, "--microdata", microdataFolder)
	if _, err := os.Stat(report); err != nil || status == 0 {
		t.Errorf("-n 0: status %d, talk %q; the earlier demo's file: %v", status, talk, err)
	}
	lock, err = first.take()
	if err != nil {
		t.Fatalf("after the first demo: %v", err)
	}
	defer lock.Close()
	if err := first.clear(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(first.State)
	if err != nil || len(entries) != 1 || entries[0].Name() != marker {
		t.Errorf("the cleared folder holds %v (%v), want the marker", entries, err)
	}
}

// gssInterviews are the interviews that importing the GSS microdata gives.
func gssInterviews(t *testing.T) microdata.Table {
	t.Helper()
	q, _, err := definitionOf("gss-science", "")
	if err != nil {
		t.Fatal(err)
	}
	mapping, err := mappingOf("gss-science", "")
	if err != nil {
		t.Fatal(err)
	}
	table, err := microdata.Read(mapping, q, "gss", os.DirFS(microdataFolder))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// A server that ends right after an interview leaves it on its way; verify sees it
// arrive.
func TestVerifyShipsWhatIsOnItsWay(t *testing.T) {
	state := t.TempDir()
	must(t, "publish", "gss", "--questionnaire", "gss-science", "--state", state)
	table := gssInterviews(t)
	body, err := json.Marshal(table.Interviews[0])
	if err != nil {
		t.Fatal(err)
	}
	server, err := (&stateFlags{State: state}).open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.intake.Accept(t.Context(), body); err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if out := must(t, "verify", "--state", state); !strings.Contains(out, "accepted 1 = stored 1 + pending 0") || !strings.Contains(out, "head of the chain 1:") {
		t.Errorf("verify printed %q", out)
	}
}

func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	must(t, "publish", "gss", "--questionnaire", "gss-science", "--state", dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, talk bytes.Buffer
	status := run(ctx, []string{"report", "gss", "--state", dir}, strings.NewReader(""), &out, &talk)
	if status != interrupted || talk.String() != "suyang: interrupted\n" {
		t.Errorf("status %d, talk %q; want %d and one line", status, talk.String(), interrupted)
	}
}

// What was not done is not said to be done.
func TestProgress(t *testing.T) {
	var talk bytes.Buffer
	bar := (&console{err: &talk}).bar("visits", 3)
	visit := func(context.Context, int) error {
		bar.add(1)
		return nil
	}
	if err := each(t.Context(), 2, []int{1, 2}, visit); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := each(ended, 2, []int{3}, visit); !errors.Is(err, context.Canceled) {
		t.Errorf("each() = %v, want %v", err, context.Canceled)
	}
	bar.finish()
	if !strings.HasPrefix(talk.String(), "visits: 2 of 3 in ") {
		t.Errorf("the bar said %q", talk.String())
	}
}

// A step is shown once it takes long, with what was done before.
func TestPatience(t *testing.T) {
	var talk bytes.Buffer
	con := &console{err: &talk}
	short := con.patience("short")
	short.step(1, 1)
	short.finish()
	if talk.Len() > 0 {
		t.Errorf("a short step said %q", talk.String())
	}
	long := con.patience("long")
	long.step(1, 3)
	long.begun = long.begun.Add(-worthABar)
	long.step(2, 3)
	long.step(3, 3)
	long.finish()
	if want := "long: 3 in 2"; !strings.HasPrefix(talk.String(), want) {
		t.Errorf("a long step said %q, want %q", talk.String(), want)
	}
}

func TestMissingEngine(t *testing.T) {
	t.Setenv("SUYANG_LIBCHDB", filepath.Join(t.TempDir(), "none.so"))
	dir := t.TempDir()
	must(t, "publish", "gss", "--questionnaire", "gss-science", "--state", dir)
	status, _, talk := suyang(t, "report", "gss", "--state", dir)
	if status == 0 || strings.Count(strings.TrimSpace(talk), "\n") > 0 || !strings.Contains(talk, "SUYANG_LIBCHDB") {
		t.Errorf("status %d, talk %q; want one line that names SUYANG_LIBCHDB", status, talk)
	}
}

func TestHelp(t *testing.T) {
	status, out, _ := suyang(t, "--help")
	if status != 0 || !strings.Contains(out, "demo") || !strings.Contains(out, "verify") {
		t.Errorf("status %d, help %q", status, out)
	}
}

func TestLintTheLibrary(t *testing.T) {
	for _, q := range []string{"civic-literacy", "gss-science"} {
		out := must(t, "lint", filepath.Join("..", "..", "surveys", "library", q, "questionnaire.yaml"))
		if !strings.Contains(out, "no faults") {
			t.Errorf("lint of %s printed %q", q, out)
		}
	}
}

// A server that joined the engine of a report would lose it with the report.
func TestServingNeedsAnEngineOfItsOwn(t *testing.T) {
	flags := &stateFlags{State: t.TempDir()}
	report, err := flags.openStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st, err := flags.open(t.Context()); err == nil || !strings.Contains(err.Error(), "in use by another engine") {
		t.Errorf("open() beside a report = %v, %v; want an error that names the other engine", st, err)
	}
	if err := report.Close(); err != nil {
		t.Fatal(err)
	}
	serving, err := flags.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer serving.Close()
	report, err = flags.openStore(t.Context())
	if err != nil || report.engine != nil {
		t.Errorf("openStore() beside a server = %+v, %v; want that of the server", report, err)
	}
	if err := report.Close(); err != nil {
		t.Error(err)
	}
}
