package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/release"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/output"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// releaseCommand freezes reports.
type releaseCommand struct {
	Make    releaseMake    `cmd:"" help:"Freeze the report of a wave: its files, what they were made of, and a signature."`
	List    releaseList    `cmd:"" help:"List the releases of a wave as CSV, and which are corrected by a later one."`
	Verify  releaseVerify  `cmd:"" help:"Check a release, a folder or a zip: its signature and every file; with --state also what it was made of."`
	Key     releaseKeys    `cmd:"" help:"The keys that sign releases: print the public ones, make a further one, revoke one."`
	Publish releasePublish `cmd:"" help:"Let everybody download a release from the server, or take that back."`
	Zip     releaseZip     `cmd:"" help:"Write a release as one zip."`
}

// releases are those of the installation.
func (f *stateFlags) releases() *release.Store {
	return release.In(filepath.Join(f.State, releaseFiles), release.KeysIn(filepath.Join(f.State, releaseKeyFiles)))
}

// nodesFlags name the further nodes of the installation.
type nodesFlags struct {
	Log        []string `type:"existingdir" help:"State folder of a further node, or a copy of it; may be given for several."`
	Collectors []string `env:"SUYANG_COLLECTORS" help:"Addresses of collectors, whose logs are read from them."`
}

type releaseMake struct {
	stateFlags
	Wave    string `arg:"" help:"Name of the wave."`
	Weights string `help:"Weights: a name, which means its latest version, or a version such as calibrated@2; by default the base weights of the sample."`
	varianceFlags
	Lang     []string          `default:"zh,en" enum:"zh,en" help:"Languages of the report: zh, en or both."`
	Form     []string          `default:"html" enum:"html,docx,xlsx,csv,json,pdf,none" help:"Forms of the report that the program makes: html, docx, xlsx, csv, json, pdf; none releases only the files that are given."`
	Chromium string            `env:"SUYANG_CHROMIUM" placeholder:"PROGRAM" help:"Browser that prints the PDF; by default Chromium or Chrome where one is installed."`
	Files    []string          `type:"existingfile" help:"Further files of the release, as they are."`
	Input    map[string]string `placeholder:"KIND=FILE" mapsep:"none" help:"A further file that the report was made of, such as targets=targets.yaml; its hash is kept. May be given several times."`
	Corrects int               `placeholder:"N" help:"Number of the release that this one corrects."`
	Reason   string            `help:"Why it is corrected."`
	Force    string            `placeholder:"REASON" help:"Make it although the ledger does not add up or interviews are on their way; the reason and what was wrong are kept in it."`
	nodesFlags
}

// Run makes the release and prints its folder.
func (c *releaseMake) Run(ctx context.Context, con *console) error {
	r, err := c.openReleased(ctx, con)
	if err != nil {
		return err
	}
	defer r.st.Close()
	m, err := c.freeze(ctx, r)
	if err != nil {
		return err
	}
	if err := r.st.note(ctx, office.Entry{Action: "make release"}, c.Wave, m.Number); err != nil {
		return err
	}
	con.say("release %d of wave %s is made, signed by key %s; let everybody read it with: suyang release publish %[2]s %[1]d", m.Number, c.Wave, m.Key)
	fmt.Fprintln(con.out, filepath.Join(c.State, releaseFiles, c.Wave, strconv.Itoa(m.Number)))
	return nil
}

// freeze makes the release, be it for the command or for somebody at the desk.
func (c *releaseMake) freeze(ctx context.Context, r *released) (release.Manifest, error) {
	return c.releases().Make(ctx, release.Draft{
		Wave: c.Wave, Languages: c.Lang, Program: programName(), Revision: revision(), Corrects: c.Corrects, Reason: c.Reason, Now: time.Now(),
		Contents: func(ctx context.Context, a release.About) (release.Contents, error) { return c.contents(ctx, r, a) },
	})
}

// note adds to the audit trail what was done with a release.
func (st *station) note(ctx context.Context, e office.Entry, wave string, number int) error {
	e.At, e.Who, e.Object, e.Outcome = time.Now(), commandLine, fmt.Sprintf("%s %d", wave, number), office.Done
	return st.office.Note(ctx, e)
}

// released is the wave of a release and what its numbers are estimated with.
type released struct {
	st      *station
	say     func(format string, args ...any)
	wave    waves.Wave
	weights string
	opt     assess.Options
	extra   map[string]string
	// chromium prints PDFs; empty is the browser that is installed.
	chromium string
	nodesFlags
	// results are those that were estimated, so that several files need one estimate.
	results *assess.Results
	// kept is what earlier releases withhold, once it was read.
	kept *[]report.Place
}

// before is what the releases before this one withhold.
func (r *released) before(a release.About) ([]report.Place, error) {
	if r.kept == nil {
		places, err := withheldBefore(r.say, r.st.flags.releases(), r.wave.ID, a.Number)
		if err != nil {
			return nil, err
		}
		r.kept = &places
	}
	return *r.kept, nil
}

func (c *releaseMake) openReleased(ctx context.Context, con *console) (*released, error) {
	variance, err := c.variance()
	if err != nil {
		return nil, err
	}
	st, w, err := c.openWave(ctx, c.Wave)
	if err != nil {
		return nil, err
	}
	r := &released{st: st, say: con.say, wave: w, weights: c.Weights, opt: assess.Options{Variance: variance}, extra: c.Input, chromium: c.Chromium, nodesFlags: c.nodesFlags}
	if err := r.settle(ctx); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return r, nil
}

// settle takes the version of the weights that is the latest now.
func (r *released) settle(ctx context.Context) error {
	if r.weights == "" {
		return nil
	}
	record, err := r.st.store.Weighting(ctx, r.wave.ID, r.weights)
	if err == nil {
		r.weights = record.ID()
	}
	return err
}

// contents are the files of the release. What they are made of is looked at before and after,
// and must be the same: a release says exactly what it was made of.
func (c *releaseMake) contents(ctx context.Context, r *released, a release.About) (out release.Contents, err error) {
	if err := r.st.flags.waves().CheckPublished(c.Wave); err != nil {
		return out, err
	}
	if err := r.st.tellStandings(ctx, c.Wave); err != nil {
		return out, err
	}
	found, err := r.gather(ctx)
	if err != nil {
		return out, err
	}
	out.Inputs = found.inputs
	if out.Forced, err = c.forced(found); err != nil {
		return out, err
	}
	if out.Files, err = c.files(ctx, r, a); err != nil {
		return out, err
	}
	now, err := r.inputs(ctx)
	if err != nil {
		return out, err
	}
	changed := release.Differences(out.Inputs, now)
	if !slices.Equal(now.Log, out.Inputs.Log) {
		changed = append(changed, "interviews or decisions came into the log")
	}
	if len(changed) > 0 {
		err = fmt.Errorf("while the report was made %s; make the release again: %w", strings.Join(changed, ", "), surveys.ErrConflict)
	}
	return out, err
}

// forced says what is in the way of a release, which is an error unless it is wanted all the
// same.
func (c *releaseMake) forced(found gathered) (*release.Forced, error) {
	faults := slices.Concat(found.faults, found.absent)
	switch {
	case len(faults) == 0:
		return nil, nil
	case strings.TrimSpace(c.Force) == "":
		return nil, fmt.Errorf("%s; set that right first, or say why it does not matter with --force REASON: %w", strings.Join(faults, "; "), surveys.ErrConflict)
	}
	return &release.Forced{Reason: c.Force, Faults: faults}, nil
}

// noForm is the form of a report that is not made.
const noForm = "none"

// files are those that are made, and those that are given. They are complete before any is
// written, so that a fault in one leaves nothing half-done.
func (c *releaseMake) files(ctx context.Context, r *released, a release.About) (list []release.File, err error) {
	forms := slices.DeleteFunc(slices.Clone(c.Form), func(form string) bool { return form == noForm })
	if err := r.checkTexts(ctx, forms, c.Lang, a); err != nil {
		return nil, err
	}
	for _, form := range forms {
		for _, lang := range c.Lang {
			var b bytes.Buffer
			recipe := form + " " + lang
			if err := r.write(ctx, &b, recipe, a); err != nil {
				return nil, err
			}
			list = append(list, release.File{Name: fmt.Sprintf("%s-%d.%s.%s", a.Wave, a.Number, lang, form), Recipe: recipe, Write: copied(b.Bytes())})
		}
	}
	if len(list) > 0 {
		var b bytes.Buffer
		if err := r.write(ctx, &b, withheldRecipe, a); err != nil {
			return nil, err
		}
		list = append(list, release.File{Name: fmt.Sprintf("%s-%d.withheld.csv", a.Wave, a.Number), Recipe: withheldRecipe, Write: copied(b.Bytes())})
	}
	for _, path := range c.Files {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		list = append(list, release.File{Name: filepath.Base(path), Write: copied(text)})
	}
	return list, nil
}

func copied(text []byte) func(io.Writer) error {
	return func(w io.Writer) error { _, err := w.Write(text); return err }
}

// write makes a file by its recipe: the form of the report and its language. The same inputs
// and the same release give the same bytes.
func (r *released) write(ctx context.Context, w io.Writer, recipe string, a release.About) error {
	if recipe == withheldRecipe {
		return r.writeWithheld(ctx, w, a)
	}
	form, lang, _ := strings.Cut(recipe, " ")
	doc, err := r.document(ctx, surveys.Lang(lang), a)
	if err != nil {
		return err
	}
	return output.Write(ctx, w, output.Format(form), doc, making.Forms{Say: r.say, Chromium: r.chromium, Pictures: true}.Options(ctx, doc))
}

// estimate makes the estimate, once.
func (r *released) estimate(ctx context.Context) (err error) {
	if r.results == nil {
		r.results, err = assessed(ctx, r.st, r.wave, r.weights, r.opt)
	}
	return err
}

// writeWithheld writes the list of what the report withholds.
func (r *released) writeWithheld(ctx context.Context, w io.Writer, a release.About) error {
	if err := r.estimate(ctx); err != nil {
		return err
	}
	before, err := r.before(a)
	if err != nil {
		return err
	}
	places, err := withheldIn(r.results, before)
	if err != nil {
		return err
	}
	return writeWithheld(w, places)
}

// document is the report in a language.
func (r *released) document(ctx context.Context, lang surveys.Lang, a release.About) (doc *document.Document, err error) {
	if err := r.estimate(ctx); err != nil {
		return nil, err
	}
	before, err := r.before(a)
	if err != nil {
		return nil, err
	}
	texts, err := making.Texts(r.st.flags.waves(), r.wave.ID, lang)
	if err != nil {
		return nil, err
	}
	return making.Forms{Say: r.say, Lang: lang, Texts: texts, Made: a.Made, Before: before, Program: programName(),
		Release: &report.Release{Number: a.Number, Fingerprint: a.Fingerprint, Corrects: a.Corrects}}.Document(r.results)
}

// checkTexts names what is wrong with the texts in all languages at once.
func (r *released) checkTexts(ctx context.Context, forms, languages []string, a release.About) error {
	if len(forms) == 0 {
		return nil
	}
	var faults []error
	for _, lang := range languages {
		_, err := r.document(ctx, surveys.Lang(lang), a)
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// revision is the commit that the program was built from, empty when it does not know.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	found := map[string]string{}
	for _, s := range info.Settings {
		found[s.Key] = s.Value
	}
	if found["vcs.modified"] == "true" {
		return found["vcs.revision"] + "+changed"
	}
	return found["vcs.revision"]
}

type releaseList struct {
	stateFlags
	Wave string `arg:"" help:"Name of the wave."`
}

// Run prints one row for each release, and fails when one is damaged.
func (c *releaseList) Run(con *console) error {
	list, err := c.releases().List(c.Wave)
	if err != nil {
		return err
	}
	rows := [][]string{{"number", "made", "languages", "files", "corrects", "corrected_by", "reason", "public", "key", "key_revoked", "sha256", "fault"}}
	damaged := 0
	for _, e := range list {
		if e.Err != nil {
			damaged++
		}
		rows = append(rows, releaseRow(e))
	}
	if err := csv.NewWriter(con.out).WriteAll(rows); err != nil {
		return err
	}
	if damaged > 0 {
		return fmt.Errorf("%d of %d releases are not as they were made: restore their folders from a backup", damaged, len(list))
	}
	return nil
}

func releaseRow(e release.Entry) []string {
	row := []string{strconv.Itoa(e.Number), "", strings.Join(e.Languages, " "), strconv.Itoa(len(e.Outputs)), "", "", "", strconv.FormatBool(e.Public), e.Key, "", e.SHA256, ""}
	if !e.Made.IsZero() {
		row[1] = e.Made.In(surveys.ChinaTime).Format(time.RFC3339)
	}
	if e.Corrects != nil {
		row[4], row[6] = strconv.Itoa(e.Corrects.Number), e.Corrects.Reason
	}
	if e.Revoked != nil {
		row[9] = e.Revoked.Since
	}
	if e.CorrectedBy != 0 {
		row[5] = strconv.Itoa(e.CorrectedBy)
	}
	if e.Err != nil {
		row[11] = e.Err.Error()
	}
	return row
}

// releaseKeys are the commands about keys.
type releaseKeys struct {
	Show   releaseKey       `cmd:"" default:"withargs" help:"Print the public key with which anybody can check releases, as PEM; its fingerprint goes to stderr."`
	Revoke releaseKeyRevoke `cmd:"" help:"Put a key that others may have on the list of revoked keys: what it signed is not trusted any more."`
}

type releaseKey struct {
	stateFlags
	All    bool `help:"Print the keys that signed before, too."`
	Rotate bool `help:"Make a further key, which signs from now on, and forget the private part of the one before."`
}

// Run prints public keys; the first one makes the key when there is none yet.
func (c *releaseKey) Run(con *console) error {
	if err := c.isNoCollector(); err != nil {
		return err
	}
	if err := c.make(); err != nil {
		return err
	}
	keys := c.releases().Keys()
	first := keys.Signing
	if c.Rotate {
		first = keys.Rotate
	}
	if _, err := first(); err != nil {
		return err
	}
	list, err := keys.Public()
	if err != nil {
		return err
	}
	if !c.All {
		list = list[:1]
	}
	revoked, err := keys.Revoked()
	if err != nil {
		return err
	}
	for _, k := range list {
		con.say("key %s, fingerprint SHA-256 %s", k.ID(), k.Fingerprint())
		for _, r := range revoked {
			if r.Fingerprint == k.Fingerprint() {
				con.say("it is revoked since %s: %s", r.Since, r.Reason)
			}
		}
		if _, err := con.out.Write(k.PEM()); err != nil {
			return err
		}
	}
	return nil
}

// releaseKeyRevoke revokes a key.
type releaseKeyRevoke struct {
	stateFlags
	Key    string `arg:"" help:"ID of the key, 16 digits, or its fingerprint; “suyang release key --all” prints them."`
	Reason string `required:"" help:"Why, in one line, for everybody who checks releases."`
	Since  string `placeholder:"DAY" help:"Since when others may have had the key, such as 2026-11-20; by default today."`
}

// Run revokes the key and says what remains to be done.
func (c *releaseKeyRevoke) Run(ctx context.Context, con *console) error {
	if err := c.isNoCollector(); err != nil {
		return err
	}
	keys, now := c.releases().Keys(), time.Now()
	since := c.Since
	if since == "" {
		since = now.In(surveys.ChinaTime).Format(time.DateOnly)
	}
	r, err := keys.Revoke(c.Key, since, c.Reason, now)
	if err != nil {
		return err
	}
	err = c.change(ctx, func(store *office.Store) error {
		return store.Note(ctx, office.Entry{Action: "revoke release key", At: now, Who: commandLine, Object: r.ID(), Outcome: office.Done})
	})
	if err != nil {
		return err
	}
	con.say("key %s is revoked since %s; what it signed is reported as such, and a server gives the list at /v1/release-revoked.json", r.ID(), r.Since)
	list, err := keys.Public()
	if err == nil && list[0].ID() == r.ID() {
		con.say("it is the key that signs: make a further one with “suyang release key --rotate”, and correct the releases that still count")
	}
	return err
}

type releasePublish struct {
	stateFlags
	Wave     string `arg:"" help:"Name of the wave."`
	Number   int    `arg:"" help:"Number of the release."`
	Withdraw bool   `help:"Take it back: the server gives it to the office only."`
}

// Run marks the release; a server sees it at once.
func (c *releasePublish) Run(ctx context.Context, con *console) error {
	if err := c.isNoCollector(); err != nil {
		return err
	}
	entry, said := office.Entry{Action: "publish release"}, "everybody can read release %d of wave %s at /release/%[2]s/%[1]d/release.zip"
	if c.Withdraw {
		entry, said = office.Entry{Action: "withdraw release"}, "release %d of wave %s is for the office only"
	}
	if err := c.releases().Publish(c.Wave, c.Number, !c.Withdraw); err != nil {
		return err
	}
	err := c.change(ctx, func(store *office.Store) error {
		return (&station{office: store}).note(ctx, entry, c.Wave, c.Number)
	})
	if err == nil {
		con.say(said, c.Number, c.Wave)
	}
	return err
}

type releaseZip struct {
	stateFlags
	Wave   string `arg:"" help:"Name of the wave."`
	Number int    `arg:"" help:"Number of the release."`
	Out    string `short:"o" type:"path" required:"" help:"File to write, which must not be there yet."`
}

// Run writes the zip; one that exists is not written over.
func (c *releaseZip) Run(con *console) error {
	f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	err = errors.Join(c.releases().Zip(f, c.Wave, c.Number), f.Close())
	if err != nil {
		return errors.Join(err, os.Remove(c.Out))
	}
	fmt.Fprintln(con.out, c.Out)
	return nil
}
