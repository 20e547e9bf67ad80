package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/release"
	"github.com/suyang-survey/suyang/surveys"
)

// releasesRoom is where the releases of a wave are listed, after /desk/WAVE.
const releasesRoom = "/releases"

// deskReleases is web/pages/desk-releases: the frozen reports of a wave, their files, and
// how to check them.
type deskReleases struct {
	figuresFrame
	typed
	reportChoices
	Progress progress
	Table    deskTable
	Releases []deskRelease
	// May says that the account may make releases here; the rest is for its form.
	May         bool
	Correctable []choice
	// Signing is the fingerprint of the key that will sign, empty before there is one; Unsafe
	// says that it is revoked.
	Signing     string
	Unsafe      bool
	Fingerprint string
	Check       string
	Revoked     deskTable
	AnyRevoked  bool
}

// deskRelease is a release with the files that the account may read.
type deskRelease struct {
	Heading, Public, Check string
	Files                  []roomLink
}

// releaseCheck is how a release is checked, with this program and with openssl alone.
const releaseCheck = `suyang release verify release.zip --key release-key.pem

openssl pkeyutl -verify -pubin -inkey release-key.pem -rawin -in release.json -sigfile release.sig
sha256sum *`

func (d *desk) releases(v *call) error {
	return d.showReleases(v, http.StatusOK, "", url.Values{"lang-zh": {"yes"}, "lang-en": {"yes"}, "form": {"html"}, "weights": {"newest"}})
}

func (d *desk) showReleases(v *call, status int, fault string, sent url.Values) error {
	f, err := d.figures(v, "figures.releases")
	if err != nil {
		return err
	}
	if d.deps.Releases == nil {
		return fmt.Errorf("releases: %w", surveys.ErrNotFound)
	}
	if err := f.deskFrame.said(v); err != nil {
		return err
	}
	if fault != "" {
		f.fault(f.say.words(fault))
	}
	p := deskReleases{figuresFrame: f, typed: typed(sent), Check: releaseCheck}
	list, err := d.deps.Releases.List(f.wave.ID)
	if err != nil {
		return err
	}
	slices.Reverse(list) // the newest first
	if p.Table, err = d.releaseTable(f, list); err != nil {
		return err
	}
	for _, e := range list {
		if e.Err == nil && (e.Public || v.account.May(auth.Estimate)) {
			p.Releases = append(p.Releases, f.release(e, v.account.May(auth.Estimate)))
		}
	}
	if err := d.releaseKeys(f, &p); err != nil {
		return err
	}
	if err := d.releaseForm(v, f, &p, list); err != nil {
		return err
	}
	if f.say.err != nil {
		return f.say.err
	}
	if sent, err := v.sendTable(p.Table, p.Revoked); sent {
		return err
	}
	return d.show(v, status, "desk-releases", p)
}

// releaseKeys says with which key releases are checked, and which are revoked.
func (d *desk) releaseKeys(f figuresFrame, p *deskReleases) error {
	trust, err := d.deps.Releases.Keys().Trust()
	if err != nil {
		return err
	}
	if len(trust.Keys) > 0 {
		p.Fingerprint = trust.Keys[0].Fingerprint()
	}
	p.AnyRevoked = len(trust.Revoked) > 0
	p.Revoked, err = d.table(f.deskFrame, "revoked", "desk.releases.revoked", "desk.releases.key", "desk.releases.since", "desk.releases.reason", "desk.releases.noted")
	if err != nil {
		return err
	}
	for _, r := range trust.Revoked {
		if r.Fingerprint == p.Fingerprint {
			p.Unsafe = true
		}
		p.Revoked.add(deskCell{Text: r.ID()}, deskCell{Text: r.Since}, deskCell{Text: r.Reason}, deskCell{Text: clockTime(r.Noted)})
	}
	return p.Revoked.arrange(f.deskFrame)
}

// releaseForm fills in the form that makes a release, for who may.
func (d *desk) releaseForm(v *call, f figuresFrame, p *deskReleases, list []release.Entry) error {
	if d.deps.Making == nil || !v.account.May(auth.Estimate) {
		return nil
	}
	ctx := v.Request().Context()
	var err error
	if p.May, err = d.office.SeesAll(ctx, v.account, f.wave.ID); err != nil || !p.May {
		return err
	}
	names, err := d.people(ctx)
	if err != nil {
		return err
	}
	p.Progress = d.underWay(v, f, making.ReleaseKind, names)
	if p.reportChoices, err = d.reportChoices(v, f); err != nil {
		return err
	}
	p.Signing = p.Fingerprint
	for _, e := range list {
		if e.Err == nil && e.CorrectedBy == 0 {
			p.Correctable = append(p.Correctable, choice{strconv.Itoa(e.Number), f.say.words("desk.releases.corrects", "n", e.Number, "when", clockTime(e.Made))})
		}
	}
	return nil
}

// makeRelease begins to make a release, and leads to the page that shows how far it is.
func (d *desk) makeRelease(v *call) error {
	form, err := v.sentForm()
	if err != nil {
		return err
	}
	try := office.Entry{Action: "make release", Object: v.Param("wave")}
	f, err := d.ofWhole(v, "figures.releases", try)
	if err != nil {
		return err
	}
	if d.deps.Releases == nil {
		return fmt.Errorf("releases: %w", surveys.ErrNotFound)
	}
	sent := typed(form)
	o := making.ReleaseOrder{Wave: f.wave.ID, Who: v.account.Login, Reason: strings.TrimSpace(sent.Typed("reason"))}
	o.Languages, o.Forms = d.chosen(sent)
	weights, ok, err := d.weightsOf(v, f, sent)
	if err != nil {
		return err
	}
	o.Weights = weights
	fault := ""
	if o.Corrects, fault, err = d.corrects(f.wave.ID, sent.Typed("corrects")); err != nil {
		return err
	}
	switch {
	case !ok:
		fault = "desk.report.noweights"
	case len(o.Languages) == 0 || len(o.Forms) == 0:
		fault = "desk.report.nothing"
	case !goodReason(o.Reason):
		fault = "desk.releases.reasonless"
	}
	if fault != "" {
		return errors.Join(d.noted(v, refused(try, becauseForm)), d.showReleases(v, http.StatusUnprocessableEntity, fault, form))
	}
	err = d.deps.Making.Release(o, d.noteRelease(o))
	if errors.Is(err, making.ErrBusy) {
		return errors.Join(d.noted(v, refused(try, because(making.WhyBusy))), d.showReleases(v, http.StatusConflict, "desk.making.busy", form))
	}
	if err != nil {
		return err
	}
	return v.leadTo(f.deskFrame, f.Path, "releasing")
}

// noteRelease puts into the audit trail that a release was made for somebody, and for which
// reason, or that it could not be made.
func (d *desk) noteRelease(o making.ReleaseOrder) func(context.Context, int, *making.Failure) error {
	return func(ctx context.Context, number int, f *making.Failure) error {
		e := office.Entry{At: d.deps.Now(), Who: o.Who, Action: "make release", Object: o.Wave + becauseMark + o.Reason}
		if f == nil {
			e.Object = fmt.Sprintf("%s %d · %s", o.Wave, number, o.Reason)
		}
		return d.office.Note(ctx, made(e, f))
	}
}

// maxReason is the length of the reason of a release, in characters.
const maxReason = 160

// goodReason says whether a reason can stand in a manifest and the audit trail.
func goodReason(reason string) bool {
	return reason != "" && utf8.ValidString(reason) && utf8.RuneCountInString(reason) <= maxReason && !strings.ContainsFunc(reason, unicode.IsControl)
}

// corrects is the release that a form says is corrected, 0 for none; fault are the words when
// it cannot be.
func (d *desk) corrects(wave, text string) (number int, fault string, err error) {
	if text == "" {
		return 0, "", nil
	}
	if number, err = strconv.Atoi(text); err != nil {
		return 0, "desk.releases.nosuch", nil
	}
	e, err := d.deps.Releases.Find(wave, number)
	switch {
	case errors.Is(err, surveys.ErrNotFound):
		return 0, "desk.releases.nosuch", nil
	case err == nil && (e.CorrectedBy != 0 || e.Err != nil):
		return 0, "desk.releases.nosuch", nil
	}
	return number, "", err
}

func (d *desk) releaseTable(f figuresFrame, list []release.Entry) (deskTable, error) {
	t, err := d.table(f.deskFrame, "releases", "figures.releases", "#figures.releasenumber", "figures.releasemade", "figures.releaselanguages",
		"desk.releases.state", "#figures.releasecorrects", "#figures.releasecorrectedby", "figures.releasereason", "figures.releasestate", "desk.releases.key")
	if err != nil {
		return t, err
	}
	for i, e := range list {
		t.add(f.releaseCells(e, i == 0)...)
	}
	return t, errors.Join(f.say.err, t.arrange(f.deskFrame))
}

// releaseState is where a release stands among the others.
func (f figuresFrame) releaseState(e release.Entry, newest bool) string {
	switch {
	case e.Err != nil:
		return f.say.words("figures.releasedamaged")
	case e.Revoked != nil && e.VouchedBy != 0:
		return f.say.words("desk.releases.vouched", "n", e.VouchedBy)
	case e.Revoked != nil:
		return f.say.words("desk.releases.untrusted")
	case e.CorrectedBy != 0:
		return f.say.words("desk.releases.corrected", "n", e.CorrectedBy)
	case newest:
		return f.say.words("desk.releases.newest")
	}
	return f.say.words("desk.releases.valid")
}

func (f figuresFrame) releaseCells(e release.Entry, newest bool) []deskCell {
	number := func(n int) deskCell {
		if n == 0 {
			return deskCell{Number: true}
		}
		return whole(n)
	}
	state, reason, corrects := "figures.releaseoffice", "", 0
	switch {
	case e.Err != nil:
		state = "figures.releasedamaged"
	case e.Public:
		state = "figures.releasepublic"
	}
	if e.Corrects != nil {
		corrects, reason = e.Corrects.Number, e.Corrects.Reason
	}
	made := ""
	if !e.Made.IsZero() {
		made = e.Made.In(surveys.ChinaTime).Format(time.DateTime)
	}
	return []deskCell{whole(e.Number), {Text: made}, {Text: strings.Join(e.Languages, " ")}, {Text: f.releaseState(e, newest)}, number(corrects), number(e.CorrectedBy), {Text: reason}, {Text: f.say.words(state)}, {Text: e.Key}}
}

// release lists the files of a release: those for everybody at the public address, others at
// that of the desk.
func (f figuresFrame) release(e release.Entry, atDesk bool) deskRelease {
	base := fmt.Sprintf("/release/%s/%d/", e.Wave, e.Number)
	r := deskRelease{Heading: f.say.words("figures.releasefiles", "n", strconv.Itoa(e.Number))}
	if atDesk {
		r.Check = f.Here(fmt.Sprintf("/desk/%s%s/%d", e.Wave, releasesRoom, e.Number))
	}
	if e.Public {
		r.Public = base + release.ZipName
	} else if atDesk {
		base = fmt.Sprintf("/desk/%s%s/%d/", e.Wave, releasesRoom, e.Number)
	}
	add := func(name, file string) {
		r.Files = append(r.Files, roomLink{Name: name, Href: base + url.PathEscape(file)})
	}
	add(f.say.words("figures.releaseall"), release.ZipName)
	for _, o := range e.Outputs {
		add(o.Name, o.Name)
	}
	add(release.ManifestName, release.ManifestName)
	add(release.SignatureName, release.SignatureName)
	return r
}

// releaseFile sends a file of a release that may not be public yet, which the audit trail
// says.
func (d *desk) releaseFile(v *call) error {
	e, err := d.releaseOf(v)
	if err != nil {
		return err
	}
	if e.Public {
		return d.sendRelease(v, e, func() error { return nil })
	}
	try := office.Entry{Action: "read release", Object: fmt.Sprintf("%s %d", e.Wave, e.Number)}
	if _, err := d.ofWhole(v, "figures.releases", try); err != nil {
		return err
	}
	given := false
	err = d.sendRelease(v, e, func() error { given = true; return d.noteRead(v, try, v.Param("name")) })
	if err != nil && !given {
		err = errors.Join(err, d.noteNotRead(v, try, err))
	}
	return err
}
