package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/release"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

type releaseVerify struct {
	Release    string            `arg:"" type:"path" help:"Folder or zip of the release."`
	With       string            `name:"key" type:"existingfile" help:"File with the public key as PEM, from a place that you trust; by default the keys of the state folder are used."`
	Revoked    string            `type:"existingfile" help:"With --key: the list of revoked keys of the office, which a server gives at /v1/release-revoked.json."`
	State      string            `type:"path" env:"SUYANG_STATE" help:"State folder, to compare with what there is now: questionnaires, sample, weights, ledger, and that the log still has the head of its chain."`
	ClickHouse string            `name:"clickhouse" env:"SUYANG_CLICKHOUSE" help:"Address of a ClickHouse server; by default the embedded engine is used."`
	Chromium   string            `env:"SUYANG_CHROMIUM" placeholder:"PROGRAM" help:"Browser that prints the PDF again; the bytes are the same with the same browser and fonts."`
	Again      bool              `help:"With --state: make the report again from what there is now, and compare it byte for byte."`
	Input      map[string]string `placeholder:"KIND=FILE" mapsep:"none" help:"A further file that the report was made of, as “suyang release make” was given it."`
	nodesFlags
}

// releaseVerdict is what checking a release comes to: each line of good, each difference.
type releaseVerdict struct {
	con *console
	bad int
}

func (v *releaseVerdict) good(format string, args ...any) {
	fmt.Fprintf(v.con.out, format+"\n", args...)
}

func (v *releaseVerdict) fault(format string, args ...any) {
	v.bad++
	fmt.Fprintf(v.con.out, "wrong: "+format+"\n", args...)
}

// Run says what is right and what is wrong, and fails if anything is.
func (c *releaseVerify) Run(ctx context.Context, con *console) error {
	if c.Again && c.State == "" {
		return fmt.Errorf("--again makes the report again from a state folder; give it with --state: %w", surveys.ErrInvalid)
	}
	if c.Revoked != "" && c.With == "" {
		return fmt.Errorf("--revoked is for a key that is given with --key; a state folder has its own list: %w", surveys.ErrInvalid)
	}
	trust, err := c.trust()
	if err != nil {
		return err
	}
	p, err := release.Open(c.Release)
	if err != nil {
		return err
	}
	defer p.Close()
	found := p.Check(trust)
	v := &releaseVerdict{con: con}
	for _, f := range found.Faults {
		v.fault("%s", f)
	}
	if m := found.Manifest; asSigned(found) {
		v.describe(found)
		if c.State != "" {
			if err := c.compare(ctx, v, m, found.SHA256); err != nil {
				return err
			}
		}
	}
	if v.bad > 0 {
		return fmt.Errorf("%s is not what it should be: %d things are wrong with it, named above", c.Release, v.bad)
	}
	return nil
}

// asSigned says that a release is as it was signed, be it by a key that is revoked.
func asSigned(found release.Checked) bool {
	return found.Manifest.Number > 0 && !slices.ContainsFunc(found.Faults, func(f release.Fault) bool { return f.Kind != release.FaultRevoked })
}

// trust is the key that was given, or those of the state folder, and which are revoked.
func (c *releaseVerify) trust() (release.Trust, error) {
	flags := c.flags()
	if c.With != "" {
		trust, err := release.TrustIn(c.With, c.Revoked)
		if err != nil || flags.State == "" {
			return trust, err
		}
		own, err := flags.releases().Keys().Revoked()
		trust.Revoked = append(trust.Revoked, own...)
		return trust, err
	}
	if flags.State == "" {
		flags.State = "suyang-state"
	}
	trust, err := flags.releases().Keys().Trust()
	if err == nil && len(trust.Keys) == 0 {
		err = fmt.Errorf("%s has no key of releases; give the public key of the office with --key, or the state folder with --state: %w", flags.State, surveys.ErrNotFound)
	}
	return trust, err
}

func (c *releaseVerify) flags() *stateFlags {
	return &stateFlags{State: c.State, ClickHouse: c.ClickHouse}
}

// describe says what a sound release is.
func (v *releaseVerdict) describe(found release.Checked) {
	m := found.Manifest
	v.good("release %d of wave %s, made %s by %s", m.Number, m.Wave, m.Made.In(surveys.ChinaTime).Format("2006-01-02 15:04:05 -07:00"), m.Program)
	v.good("signed by key %s, fingerprint SHA-256 %s", found.Signer.ID(), found.Signer.Fingerprint())
	v.good("all %d files are as they were signed, and there is no other one", len(m.Outputs))
	if m.Corrects != nil {
		v.good("it corrects release %d: %s", m.Corrects.Number, m.Corrects.Reason)
	}
	if m.Forced != nil {
		v.good("it was made although %s; the reason given: %s", strings.Join(m.Forced.Faults, "; "), m.Forced.Reason)
	}
}

// compare says how what there is now differs from what the release was made of.
func (c *releaseVerify) compare(ctx context.Context, v *releaseVerdict, m release.Manifest, sum string) error {
	if err := c.inStore(v, m, sum); err != nil {
		return err
	}
	if err := c.compareHeads(v, m); err != nil {
		return err
	}
	flags := c.flags()
	st, w, err := flags.openWave(ctx, m.Wave)
	if err != nil {
		return err
	}
	defer st.Close()
	variance, err := varianceOf(m.Inputs.Settings)
	if err != nil {
		return err
	}
	r := &released{st: st, say: v.con.say, chromium: c.Chromium, wave: w, weights: m.Inputs.Settings[weightsSetting], opt: assess.Options{Variance: variance}, extra: c.Input, nodesFlags: c.nodesFlags}
	if err := st.tellStandings(ctx, w.ID); err != nil {
		return err
	}
	if err := c.compareInputs(ctx, v, m, r); err != nil {
		return err
	}
	if !c.Again {
		return nil
	}
	err = c.again(ctx, v, m, r)
	if errors.Is(err, surveys.ErrNotFound) || errors.Is(err, waves.ErrEdited) {
		v.fault("%v", err)
		return nil
	}
	return err
}

// varianceOf reads the settings of a manifest.
func varianceOf(settings map[string]string) (out assess.Variance, err error) {
	out.Method = assess.VarianceMethod(settings[varianceSetting])
	if settings[replicatesSetting] == "" {
		return out, nil
	}
	if out.Replicates, err = strconv.Atoi(settings[replicatesSetting]); err == nil {
		out.Seed, err = strconv.ParseUint(settings[seedSetting], 10, 64)
	}
	if err != nil {
		err = fmt.Errorf("the settings of the release cannot be read: %w", err)
	}
	return out, err
}

// inStore looks for the release among those of the state folder.
func (c *releaseVerify) inStore(v *releaseVerdict, m release.Manifest, sum string) error {
	list, err := c.flags().releases().List(m.Wave)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(e release.Entry) bool { return e.Number == m.Number })
	switch {
	case at < 0:
		v.fault("the state folder has no release %d of wave %s", m.Number, m.Wave)
	case list[at].Err != nil:
		v.fault("release %d in the state folder: %v", m.Number, list[at].Err)
	case list[at].SHA256 != sum:
		v.fault("release %d in the state folder is another one", m.Number)
	case list[at].CorrectedBy != 0:
		v.good("note: it is corrected by release %d", list[at].CorrectedBy)
	}
	if at >= 0 && list[at].VouchedBy != 0 {
		v.good("note: release %d, signed by a key that is not revoked, names this one: it was there as it is when that one was made", list[at].VouchedBy)
	}
	return nil
}

// compareHeads looks for the heads of the logs in the logs as they are now.
func (c *releaseVerify) compareHeads(v *releaseVerdict, m release.Manifest) error {
	views := map[uint16]*wal.View{}
	for _, folder := range append([]string{c.State}, c.Log...) {
		flags := &stateFlags{State: folder}
		view, err := flags.look()
		if err != nil {
			return err
		}
		node, err := flags.number(0)
		if err != nil {
			return err
		}
		if view != nil {
			views[node] = view
		}
	}
	for _, h := range m.Inputs.Log {
		if err := v.head(views[h.Node], h); err != nil {
			return err
		}
	}
	return nil
}

// head says whether a head is still in the chain of a log; nil is a log that is not at hand.
func (v *releaseVerdict) head(view *wal.View, h release.Head) error {
	text := fmt.Sprintf("%d:%s", h.Seq, h.Hash)
	head, err := wal.ParseHead(text)
	if err != nil {
		return err
	}
	if view == nil {
		v.good("not checked: the log of node %d; run there: suyang log check --head %s", h.Node, text)
		return nil
	}
	found, err := view.Check(head)
	switch {
	case err != nil:
		return err
	case !found.Found[head]:
		v.fault("the log of node %d does not have the head %s any more: a record up to number %d was changed, or is gone", h.Node, text, h.Seq)
	case !found.Sound():
		v.fault("the log of node %d is damaged; “suyang log check” says where", h.Node)
	default:
		v.good("the log of node %d still has all %d records up to the head of then, unchanged; %d came later", h.Node, h.Seq, found.Head.Seq-h.Seq)
	}
	return nil
}

// compareInputs compares hashes and the ledger.
func (c *releaseVerify) compareInputs(ctx context.Context, v *releaseVerdict, m release.Manifest, r *released) error {
	found, err := r.gather(ctx)
	if errors.Is(err, surveys.ErrNotFound) { // such as weights that a restored store does not have
		v.fault("what the release was made of is gone: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	was := m.Inputs
	was.Files = slices.DeleteFunc(slices.Clone(was.Files), func(i release.Input) bool {
		_, given := c.Input[i.Kind]
		missing := !given && !slices.ContainsFunc(found.inputs.Files, func(now release.Input) bool { return now.Kind == i.Kind }) && !slices.Contains(ownKinds, strings.Fields(i.Kind)[0])
		if missing {
			v.good("not compared: %s %s, SHA-256 %s; give the file with --input %[1]s=FILE", i.Kind, i.Name, i.Digest)
		}
		return missing
	})
	differ := release.Differences(was, found.inputs)
	for _, d := range differ {
		v.fault("%s", d)
	}
	if len(differ) == 0 {
		v.good("all %d inputs have the hashes of then", len(was.Files))
	}
	v.year(was.Settings[yearSetting], found.inputs.Settings[yearSetting])
	for _, f := range found.faults {
		v.fault("%s", f)
	}
	return nil
}

// year compares the year of the planned fieldwork. Releases of earlier programs do not say it.
func (v *releaseVerdict) year(was, now string) {
	switch {
	case was == "" && now != "":
		v.good("note: the fieldwork is planned to end in %s, which the release does not say; the trend made again has the survey there", now)
	case was != now:
		v.fault("the year of the fieldwork has changed: %q, was %q", now, was)
	}
}

// ownKinds are the kinds of inputs that the state folder itself has.
var ownKinds = []string{"questionnaire", "wave-file", "sample", "standings", "weights", "weighting-plan", "weighting-file"}

// again makes the files of the release again.
func (c *releaseVerify) again(ctx context.Context, v *releaseVerdict, m release.Manifest, r *released) error {
	if now := programName(); now != m.Program || revision() != m.Revision {
		v.good("note: the release was made by %s, revision %q; this is %s, revision %q, which may write a report in another way", m.Program, m.Revision, now, revision())
	}
	about := release.About{Wave: m.Wave, Number: m.Number, Made: m.Made, Program: m.Program}
	if m.Corrects != nil {
		about.Corrects = m.Corrects.Number
	}
	keys, err := c.flags().releases().Keys().Public()
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.ID() == m.Key {
			about.Fingerprint = k.Fingerprint()
		}
	}
	differ, made, err := c.flags().releases().Again(m, func(o release.Output, w io.Writer) error { return r.write(ctx, w, o.Recipe, about) })
	if err != nil {
		return err
	}
	for _, d := range differ {
		v.fault("%s", d)
	}
	if given := len(m.Outputs) - made; given > 0 {
		v.good("not made again: %d files that were given", given)
	}
	if len(differ) == 0 {
		v.good("made again, %d files have the same bytes", made)
	}
	return nil
}
