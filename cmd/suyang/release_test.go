package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/release"
	"github.com/suyang-survey/suyang/internal/report/output"
	"github.com/suyang-survey/suyang/surveys"
)

// A report is frozen while the server is at work, and proved afterwards: by its files, by the
// key alone, against the state folder, and by making it again. Whatever changes is named.
func TestRelease(t *testing.T) {
	state := t.TempDir()
	must(t, "import", "gss", microdataFolder, "--state", state)
	table, targets := filepath.Join(t.TempDir(), "table.csv"), filepath.Join(t.TempDir(), "targets.yaml")
	for path, text := range map[string]string{table: "a,b\n1,2\n", targets: "rate: 0.2\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server, err := (&stateFlags{State: state}).open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	one := strings.TrimSpace(must(t, "release", "make", "gss", "--lang", "zh", "--files", table, "--input", "targets="+targets, "--state", state))
	sound := []string{"release", "verify", one, "--state", state, "--again", "--input", "targets=" + targets}
	out := must(t, sound...)
	for _, want := range []string{"release 1 of wave gss", "all 3 files are as they were signed", "unchanged; 0 came later", "inputs have the hashes of then", "not made again: 1 files", "made again, 2 files have the same bytes"} {
		if !strings.Contains(out, want) {
			t.Errorf("verify printed\n%s\nwant %q in it", out, want)
		}
	}
	manifest := manifestIn(t, one)
	head := manifest.Inputs.Log[0]
	must(t, "log", "check", "--head", fmt.Sprintf("%d:%s", head.Seq, head.Hash), "--state", state)
	must(t, "publish", "gss", "--questionnaire", "gss-science", "--from", "2018-02-01", "--to", "2018-11-10", "--state", state)
	if out := must(t, sound...); !strings.Contains(out, "note: the fieldwork is planned to end in 2018") {
		t.Errorf("with a planned fieldwork verify printed\n%s", out)
	}
	if c := manifest.Inputs.Ledger; c.Accepted == 0 || c.Stored != c.Accepted || c.Pending != 0 {
		t.Errorf("the ledger in the manifest is %+v", c)
	}
	releaseByKey(t, state, one)
	releaseCorrected(t, state, one)
	releaseAgainstBackup(t, state)
	releaseAfterMore(t, server, state, sound)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	engine, err := (&stateFlags{State: state}).openStore(t.Context()) // which the commands join
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	releaseForced(t, state)
	releaseEdited(t, state)
	releaseAtDesk(t, engine, state)
	releaseRevoked(t, state, one)
	releaseAgainstOtherLog(t, state, one)
}

func manifestIn(t *testing.T, folder string) release.Manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, release.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	m, err := release.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// refuses runs a command line that must fail and say something.
func refuses(t *testing.T, what, want string, args ...string) {
	t.Helper()
	if status, out, talk := suyang(t, args...); status != 1 || !strings.Contains(out+talk, want) {
		t.Errorf("%s: status %d, printed\n%s%s\nwant %q in it", what, status, out, talk, want)
	}
}

// releaseByKey checks a zip with nothing but the public key.
func releaseByKey(t *testing.T, state, one string) {
	t.Helper()
	dir := t.TempDir()
	key, zip := filepath.Join(dir, "key.pem"), filepath.Join(dir, "one.zip")
	if err := os.WriteFile(key, []byte(must(t, "release", "key", "--state", state)), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "release", "zip", "gss", "1", "--out", zip, "--state", state)
	refuses(t, "a zip that is there", "exists", "release", "zip", "gss", "1", "--out", zip, "--state", state)
	must(t, "release", "verify", zip, "--key", key)
	text, err := os.ReadFile(zip)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(zip, bytes.Replace(text, []byte("taylor"), []byte("taylox"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, "a changed zip", "wrong: release.json", "release", "verify", zip, "--key", key)
	other := filepath.Join(dir, "other.pem")
	if err := os.WriteFile(other, []byte(must(t, "release", "key", "--state", filepath.Join(dir, "other"))), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, "the key of another office", "another key signed", "release", "verify", one, "--key", other)
	refuses(t, "no key", "has no key of releases", "release", "verify", one, "--state", t.TempDir())
	refuses(t, "again without a state folder", "--again", "release", "verify", one, "--key", key, "--again")
}

// releaseCorrected makes a correction, publishes it, and looks at the list and the audit trail.
func releaseCorrected(t *testing.T, state, one string) {
	t.Helper()
	refuses(t, "a correction without a reason", "needs a reason", "release", "make", "gss", "--form", "none", "--files", filepath.Join(one, "table.csv"), "--corrects", "1", "--state", state)
	must(t, "release", "make", "gss", "--form", "none", "--files", filepath.Join(one, "table.csv"), "--corrects", "1", "--reason", "typo", "--state", state)
	must(t, "release", "publish", "gss", "2", "--state", state)
	out := must(t, "release", "list", "gss", "--state", state)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], ",2,,false,") || !strings.Contains(lines[2], ",1,,typo,true,") {
		t.Errorf("list printed\n%s", out)
	}
	if out := must(t, "release", "verify", one, "--state", state); !strings.Contains(out, "corrected by release 2") || !strings.Contains(out, "not compared: targets") {
		t.Errorf("verify of what is corrected printed\n%s", out)
	}
	o, err := office.Open(t.Context(), filepath.Join(state, officeFile))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	trail, err := o.Trail(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	var did []string
	for _, e := range trail {
		did = append(did, e.Action+" "+e.Object)
	}
	for _, want := range []string{"make release gss 1", "make release gss 2", "publish release gss 2"} {
		if !slices.Contains(did, want) {
			t.Errorf("the audit trail is %q, want %q in it", did, want)
		}
	}
}

// releaseAgainstBackup restores a backup: the releases, their key and their numbers are in it.
func releaseAgainstBackup(t *testing.T, state string) {
	t.Helper()
	to, again := filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "s")
	leftover := filepath.Join(state, releaseFiles, "gss", ".making-3")
	if err := os.MkdirAll(filepath.Join(leftover, "x"), 0o700); err != nil { // of one that is being made
		t.Fatal(err)
	}
	must(t, "backup", to, "--state", state)
	must(t, "restore", to, "--state", again)
	if left, _ := filepath.Glob(filepath.Join(again, releaseFiles, "gss", ".*")); len(left) > 0 {
		t.Errorf("the backup has what was being made: %v", left)
	}
	must(t, "release", "verify", filepath.Join(again, releaseFiles, "gss", "1"), "--state", again, "--again")
	if a, b := must(t, "release", "list", "gss", "--state", state), must(t, "release", "list", "gss", "--state", again); a != b {
		t.Errorf("list\n%s\nrestored\n%s", a, b)
	}
	if a, b := must(t, "release", "key", "--state", state), must(t, "release", "key", "--state", again); a != b {
		t.Error("the restored key is another one")
	}
}

// releaseAtDesk makes a report and a release as the desk does: the report is that of the
// command, and the release is proved by making it again with the command.
func releaseAtDesk(t *testing.T, st *station, state string) {
	t.Helper()
	p, err := st.flags.published()
	if err != nil {
		t.Fatal(err)
	}
	st.take(p)
	w, err := st.openWorkshop("")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended, made, released := make(chan error), make(chan making.Made, 1), make(chan int, 1)
	go func() { ended <- w.Run(ctx) }()
	defer func() { stop(); <-ended }()
	err = w.Make(making.ReportOrder{Wave: "gss", Who: "stat", Languages: []surveys.Lang{surveys.EN}, Forms: []output.Format{output.CSV}},
		func(_ context.Context, m making.Made) error { made <- m; return nil })
	if err != nil {
		t.Fatal(err)
	}
	m := <-made
	if m.Failed != nil || m.Data.Interviews == 0 || m.Data.Sample == "" || m.Data.Questionnaire == "" {
		t.Fatalf("the report of the desk is %+v", m)
	}
	byHand := filepath.Join(t.TempDir(), "r.csv")
	must(t, "report", "gss", "--lang", "en", "--format", "csv", "-o", byHand, "--state", state)
	a, err := os.ReadFile(byHand)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(state, madeFiles, "gss", "1", "gss.en.csv"))
	if err != nil || !bytes.Equal(a, b) || len(a) < 1000 {
		t.Errorf("the desk made %d bytes, the command %d (%v)", len(b), len(a), err)
	}
	for {
		err = w.Release(making.ReleaseOrder{Wave: "gss", Who: "stat", Languages: []surveys.Lang{surveys.EN}, Forms: []output.Format{output.CSV}, Corrects: 3, Reason: "made at the desk"},
			func(_ context.Context, number int, _ *making.Failure) error { released <- number; return nil })
		if !errors.Is(err, making.ErrBusy) { // the report is just being put away
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if number := <-released; number != 4 {
		t.Fatalf("the release of the desk has the number %d", number)
	}
	restore := editByHand(t, filepath.Join(state, "waves", "gss", "plan.yaml"))
	defer restore()
	refused := func(f *making.Failure) {
		t.Helper()
		if f == nil || f.Why != making.WhyEdited || !strings.Contains(f.Detail, "waves/gss/plan.yaml is not the file that was published") || strings.Contains(f.Detail, state) {
			t.Errorf("with an edited plan the desk says %+v", f)
		}
	}
	for {
		err = w.Make(making.ReportOrder{Wave: "gss", Who: "stat", Languages: []surveys.Lang{surveys.EN}, Forms: []output.Format{output.CSV}},
			func(_ context.Context, m making.Made) error { made <- m; return nil })
		if !errors.Is(err, making.ErrBusy) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	refused((<-made).Failed)
	failures := make(chan *making.Failure, 1)
	for {
		err = w.Release(making.ReleaseOrder{Wave: "gss", Who: "stat", Languages: []surveys.Lang{surveys.EN}, Forms: []output.Format{output.CSV}, Corrects: 4, Reason: "an edited plan"},
			func(_ context.Context, _ int, failed *making.Failure) error { failures <- failed; return nil })
		if !errors.Is(err, making.ErrBusy) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	refused(<-failures)
	restore()
	four := filepath.Join(state, releaseFiles, "gss", "4")
	if out := must(t, "release", "verify", four, "--state", state, "--again"); !strings.Contains(out, "it corrects release 3: made at the desk") || !strings.Contains(out, "2 files have the same bytes") {
		t.Errorf("verify of the release of the desk printed\n%s", out)
	}
}

// editByHand edits a file by hand, as little as can be, and returns what sets that right again.
func editByHand(t *testing.T, path string) (restore func()) {
	t.Helper()
	old, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, append(slices.Clone(old), "# a note\n"...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.WriteFile(path, old, 0o600); err != nil {
			t.Error(err)
		}
	}
}

// releaseEdited edits the files of the wave by hand: neither a report nor a release is made with
// them, of whatever form, and no weights; a release of before is found to differ. Publishing the
// same plan again, and the targets that count, sets it right.
func releaseEdited(t *testing.T, state string) {
	t.Helper()
	folder := filepath.Join(state, "waves", "gss")
	three := filepath.Join(state, releaseFiles, "gss", "3")
	csv := filepath.Join(t.TempDir(), "r.csv")
	report := []string{"report", "gss", "--format", "csv", "-o", csv, "--state", state}
	given := []string{"release", "make", "gss", "--form", "none", "--files", filepath.Join(state, releaseFiles, "gss", "1", "table.csv"), "--corrects", "3", "--reason", "x", "--state", state}
	all := func(what, want string) {
		t.Helper()
		refuses(t, "a report with "+what, want, report...)
		refuses(t, "a release with "+what, want, "release", "make", "gss", "--lang", "en", "--corrects", "3", "--reason", "x", "--state", state)
		refuses(t, "a release of given files with "+what, want, given...)
		refuses(t, "weights with "+what, want, "weigh", "civic-literacy", "--wave", "gss", "--state", state)
		if _, err := os.Stat(csv); err == nil {
			t.Errorf("with %s a report was written", what)
		}
		if t.Failed() {
			t.FailNow() // the releases after it would have other numbers
		}
	}
	editByHand(t, filepath.Join(folder, "plan.yaml"))
	all("an edited plan", filepath.Join(folder, "plan.yaml")+" is not the file that was published; restore it from a backup or by publishing that plan again (suyang publish gss --plan FILE)")
	refuses(t, "the release of before", "wrong: wave-file plan.yaml has changed", "release", "verify", three, "--state", state)
	refuses(t, "making it again", "plan.yaml is not the file that was published", "release", "verify", three, "--state", state, "--again")
	refuses(t, "publishing the edited plan", "is published with another plan.yaml; publish the change as a new wave", "publish", "gss", "--questionnaire", "gss-science", "--plan", filepath.Join(folder, "plan.yaml"), "--state", state)
	must(t, "publish", "gss", "--questionnaire", "gss-science", "--state", state)
	must(t, "release", "verify", three, "--state", state, "--again")
	targets := write(t, filepath.Join(folder, "targets.yaml"), "targets: []\n")
	all("targets of nobody", targets+" was never published; publish it: suyang publish gss --targets FILE")
	must(t, "publish", "gss", "--questionnaire", "gss-science", "--targets", targets, "--state", state)
	restore := editByHand(t, targets)
	all("edited targets", targets+" is not the file that was published; publish the targets that count: suyang publish gss --targets FILE")
	restore()
	questionnaire := filepath.Join(folder, "questionnaire.json")
	text, err := os.ReadFile(questionnaire)
	if err != nil {
		t.Fatal(err)
	}
	write(t, questionnaire, strings.Replace(string(text), "Earth’s centre", "Earth’s middle", 1))
	all("an edited questionnaire", questionnaire+" was published as version")
	write(t, questionnaire, string(text))
	must(t, report...)
	must(t, "publish", "gss", "--questionnaire", "gss-science", "--from", "2018-02-01", "--to", "2019-01-10", "--state", state)
	refuses(t, "another year in the trend", `wrong: the year of the fieldwork has changed: "2019", was "2018"`, "release", "verify", three, "--state", state)
	must(t, "publish", "gss", "--questionnaire", "gss-science", "--from", "2018-02-01", "--to", "2018-11-10", "--state", state)
	must(t, "publish", "gss", "--questionnaire", "gss-science", "--from", "2018-02-01", "--to", "2018-11-10", "--state", state)
	for _, name := range []string{"targets.yaml", "targets.yaml.sha256"} { // the releases were made without
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// releaseRevoked revokes the key that signs: what it signed is reported, here and elsewhere,
// and a further key signs anew.
func releaseRevoked(t *testing.T, state, one string) {
	t.Helper()
	id := manifestIn(t, one).Key
	key := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(key, []byte(must(t, "release", "key", "--state", state)), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, "no reason", "needs a reason", "release", "key", "revoke", id, "--reason", " ", "--state", state)
	refuses(t, "another key", "no key of this installation", "release", "key", "revoke", "0123456789abcdef", "--reason", "lost", "--state", state)
	must(t, "release", "key", "revoke", id, "--since", "2026-01-02", "--reason", "a laptop was stolen", "--state", state)
	refuses(t, "a revoked key", "wrong: it is signed by key "+id+", which is revoked since 2026-01-02: a laptop was stolen", "release", "verify", one, "--state", state)
	refuses(t, "signing with it", "--rotate", "release", "make", "gss", "--form", "none", "--files", filepath.Join(one, "table.csv"), "--state", state)
	must(t, "release", "verify", one, "--key", key)
	refuses(t, "with the list", "is revoked since", "release", "verify", one, "--key", key, "--revoked", filepath.Join(state, releaseKeyFiles, release.RevokedName))
	refuses(t, "with the state folder", "is revoked since", "release", "verify", one, "--key", key, "--state", state)
	refuses(t, "a list without a key", "--revoked is for", "release", "verify", one, "--state", state, "--revoked", filepath.Join(state, releaseKeyFiles, release.RevokedName))
	must(t, "release", "key", "--rotate", "--state", state)
	must(t, "release", "make", "gss", "--form", "none", "--files", filepath.Join(one, "table.csv"), "--corrects", "4", "--reason", "signed anew", "--state", state)
	refuses(t, "what a later one vouches for", "names this one", "release", "verify", one, "--state", state)
	must(t, "release", "verify", filepath.Join(state, releaseFiles, "gss", "5"), "--state", state)
	lines := strings.Split(must(t, "release", "list", "gss", "--state", state), "\n")
	if !strings.Contains(lines[1], ","+id+",2026-01-02,") || strings.Contains(lines[5], "2026-01-02") {
		t.Errorf("list printed\n%s", strings.Join(lines, "\n"))
	}
	to, again := filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "s")
	must(t, "backup", to, "--state", state)
	must(t, "restore", to, "--state", again)
	refuses(t, "restored", "is revoked since", "release", "verify", one, "--state", again)
}

// releaseAfterMore lets an interview come after the release: the log still has what it had,
// and the release is sound; then a targets file changes, which is named.
func releaseAfterMore(t *testing.T, server *station, state string, sound []string) {
	t.Helper()
	must(t, "publish", "more", "--questionnaire", "gss-science", "--state", state)
	p, err := server.flags.published()
	if err != nil {
		t.Fatal(err)
	}
	server.take(p)
	iv := gssInterviews(t).Interviews[0]
	iv.Wave, iv.Case, iv.ID = "more", "", "00000000-0000-4000-8000-00000000abcd"
	body, err := json.Marshal(iv)
	if err == nil {
		_, err = server.intake.Accept(t.Context(), body)
	}
	if err == nil {
		err = server.intake.Flush(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if out := must(t, sound...); !strings.Contains(out, "unchanged; 1 came later") {
		t.Errorf("after one more interview\n%s", out)
	}
	targets := strings.TrimPrefix(sound[len(sound)-1], "targets=")
	if err := os.WriteFile(targets, []byte("rate: 0.3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, "changed targets", "wrong: targets targets.yaml has changed", sound...)
}

// releaseForced wants a release that is not settled to be made only with a reason.
func releaseForced(t *testing.T, state string) {
	t.Helper()
	cursor := filepath.Join(state, intakeFiles, "cursor.json")
	old, err := os.ReadFile(cursor)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(cursor); err != nil { // nothing is known to be stored then
		t.Fatal(err)
	}
	list := []string{"release", "make", "gss", "--lang", "en", "--state", state}
	refuses(t, "pending interviews", "are not stored yet", list...)
	three := strings.TrimSpace(must(t, append(list, "--force", "the deadline is today")...))
	m := manifestIn(t, three)
	if m.Number != 3 || m.Forced == nil || m.Forced.Reason != "the deadline is today" || !strings.Contains(m.Forced.Faults[0], "are not stored yet") || m.Inputs.Ledger.Pending == 0 {
		t.Errorf("the forced release is %+v, %+v", m.Forced, m.Inputs.Ledger)
	}
	if err := os.WriteFile(cursor, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := must(t, "release", "verify", three, "--state", state); !strings.Contains(out, "the reason given: the deadline is today") {
		t.Errorf("verify of what was forced printed\n%s", out)
	}
}

// releaseAgainstOtherLog takes one record out of the log, with everything in it made anew: the
// log is sound by itself, but it is not the one of the release. Then a weight in the sample
// of the wave is changed.
func releaseAgainstOtherLog(t *testing.T, state, one string) {
	t.Helper()
	old := filepath.Join(state, "old")
	if err := os.Rename(filepath.Join(state, logFiles), old); err != nil {
		t.Fatal(err)
	}
	from, err := wal.Open(wal.DefaultConfig(old))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := wal.Open(wal.DefaultConfig(filepath.Join(state, logFiles)))
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range from.Read(1) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Seq == 100 {
			continue
		}
		r.Body = bytes.Clone(r.Body)
		if _, err := to.Append(t.Context(), []wal.Record{r}); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	must(t, "log", "check", "--state", state)
	refuses(t, "a record taken out", "does not have the head", "release", "verify", one, "--state", state)
	refuses(t, "a record taken out", "the ledger does not add up", "release", "verify", one, "--state", state)
	sample := filepath.Join(state, waveFiles, "gss", "sample.csv")
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sample, append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, "a changed sample file", "wrong: wave-file sample.csv has changed", "release", "verify", one, "--state", state)
}
