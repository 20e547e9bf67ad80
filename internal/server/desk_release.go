package server

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/release"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// deskCheck is web/pages/desk-release: a release, and whether it is what was signed.
type deskCheck struct {
	figuresFrame
	Sound   bool
	Verdict string
	Faults  []string
	Notes   []string
	Facts   []fact
	Inputs  deskTable
	// Zip is all of it, empty when it is not as it was signed; Back leads to the list.
	Zip, Back string
	Command   string
}

// releaseFaultWords are the words of what is wrong with a release.
var releaseFaultWords = map[release.FaultKind]string{
	release.FaultOdd: "desk.release.odd", release.FaultHead: "desk.release.head", release.FaultSignature: "desk.release.signature", release.FaultForm: "desk.release.form", release.FaultKey: "desk.release.otherkey",
	release.FaultRevoked: "desk.release.revoked", release.FaultMissing: "desk.release.missing", release.FaultChanged: "desk.release.changed", release.FaultUnsigned: "desk.release.unsigned", release.FaultPlace: "desk.release.place",
}

// releaseCheck checks a release: its signature, its key, every file, and that it fits the
// releases around it.
func (d *desk) releaseCheck(v *call) error {
	number, err := strconv.Atoi(v.Param("release"))
	if d.deps.Releases == nil || err != nil || strconv.Itoa(number) != v.Param("release") {
		return fmt.Errorf("release: %w", surveys.ErrNotFound)
	}
	try := office.Entry{Action: "check release", Object: fmt.Sprintf("%s %d", v.Param("wave"), number)}
	f, err := d.ofWhole(v, "figures.releases", try)
	if err != nil {
		return err
	}
	c, e, err := d.deps.Releases.Check(f.wave.ID, number)
	if err != nil {
		return errors.Join(err, d.noteNotRead(v, try, err))
	}
	if v.Request().Method != http.MethodHead {
		if err := d.noteCheck(v, try, c); err != nil {
			return err
		}
	}
	f.Title = f.say.words("desk.release.title", "n", number)
	p := deskCheck{Sound: c.Sound(), Back: f.Here("/desk/" + f.wave.ID + releasesRoom), Command: fmt.Sprintf("suyang release verify releases/%s/%d --state . --again", f.wave.ID, number)}
	p.Verdict = f.say.words("desk.release.wrong", "n", len(c.Faults))
	if p.Sound {
		p.Verdict = f.say.words("desk.release.sound", "n", len(c.Manifest.Outputs))
		p.Zip = fmt.Sprintf("/desk/%s%s/%d/%s", f.wave.ID, releasesRoom, number, release.ZipName)
	}
	for _, fault := range c.Faults {
		p.Faults = append(p.Faults, f.releaseFault(fault, c))
	}
	p.Notes = f.releaseNotes(e)
	if c.Manifest.Number > 0 { // nothing is told of one whose signature is wrong
		p.Facts = f.releaseFacts(c)
		if p.Inputs, err = d.inputTable(f, c.Manifest); err != nil {
			return err
		}
	}
	p.figuresFrame = f
	if f.say.err != nil {
		return f.say.err
	}
	if sent, err := v.sendTable(p.Inputs); sent {
		return err
	}
	return d.show(v, http.StatusOK, "desk-release", p)
}

// noteCheck puts into the audit trail that a release was checked, and what was found.
func (d *desk) noteCheck(v *call, try office.Entry, c release.Checked) error {
	found := becauseUnsound
	if c.Sound() {
		found = becauseSound
	}
	try.Object, try.Outcome = found.of(try.Object), office.Done
	return d.noted(v, try)
}

// releaseFault puts into words what is wrong.
func (f figuresFrame) releaseFault(fault release.Fault, c release.Checked) string {
	if fault.Kind == release.FaultRevoked {
		return f.say.words(releaseFaultWords[fault.Kind], "key", c.Revoked.ID(), "since", c.Revoked.Since, "reason", c.Revoked.Reason, "made", clockTime(c.Manifest.Made))
	}
	return f.say.words(releaseFaultWords[fault.Kind], "file", fault.File)
}

// releaseNotes are what else should be known of it.
func (f figuresFrame) releaseNotes(e release.Entry) (list []string) {
	if e.VouchedBy != 0 {
		list = append(list, f.say.words("desk.release.vouched", "n", e.VouchedBy))
	}
	if e.CorrectedBy != 0 {
		list = append(list, f.say.words("desk.release.correctedby", "n", e.CorrectedBy))
	}
	if e.Err == nil && e.Corrects != nil {
		list = append(list, f.say.words("desk.release.corrects", "n", e.Corrects.Number, "reason", e.Corrects.Reason))
	}
	if e.Err == nil && e.Forced != nil {
		list = append(list, f.say.words("desk.release.forced", "reason", e.Forced.Reason))
	}
	return list
}

// releaseFacts are what its manifest says.
func (f figuresFrame) releaseFacts(c release.Checked) []fact {
	m := c.Manifest
	weights := m.Inputs.Settings["weights"]
	if weights == "" {
		weights = f.say.words("desk.report.base")
	}
	return []fact{
		{f.say.words("figures.releasemade"), m.Made.In(surveys.ChinaTime).Format(time.DateTime)},
		{f.say.words("figures.program"), m.Program},
		{f.say.words("figures.releaselanguages"), strings.Join(m.Languages, " ")},
		{f.say.words("desk.report.weights"), weights},
		{f.say.words("desk.release.ledger"), show.Count(int(m.Inputs.Ledger.Stored))},
		{f.say.words("desk.releases.key"), c.Signer.ID()},
		{f.say.words("desk.release.fingerprint"), c.Signer.Fingerprint()},
		{f.say.words("desk.release.hash"), c.SHA256},
	}
}

// inputTable is what it was made of.
func (d *desk) inputTable(f figuresFrame, m release.Manifest) (deskTable, error) {
	t, err := d.table(f.deskFrame, "inputs", "desk.release.inputs", "desk.release.kind", "desk.release.name", "desk.release.digest")
	if err != nil {
		return t, err
	}
	for _, i := range m.Inputs.Files {
		t.add(deskCell{Text: i.Kind}, deskCell{Text: i.Name}, deskCell{Text: i.Digest})
	}
	return t, t.arrange(f.deskFrame)
}
