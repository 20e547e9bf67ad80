package server

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
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
	Command     string
	Table       deskTable
	Releases    []deskRelease
	Fingerprint string
	Check       string
}

// deskRelease is a release with the files that the account may read.
type deskRelease struct {
	Heading, Public string
	Files           []roomLink
}

// releaseCheck is how a release is checked, with this program and with openssl alone.
const releaseCheck = `suyang release verify release.zip --key release-key.pem

openssl pkeyutl -verify -pubin -inkey release-key.pem -rawin -in release.json -sigfile release.sig
sha256sum *`

func (d *desk) releases(v *call) error {
	f, err := d.figures(v, "figures.releases")
	if err != nil {
		return err
	}
	if d.deps.Releases == nil {
		return fmt.Errorf("releases: %w", surveys.ErrNotFound)
	}
	p := deskReleases{figuresFrame: f, Command: "suyang release make " + f.wave.ID, Check: releaseCheck}
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
	keys, err := d.deps.Releases.Keys().Public()
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		p.Fingerprint = keys[0].Fingerprint()
	}
	return d.showFigures(v, f, "desk-releases", p, p.Table)
}

func (d *desk) releaseTable(f figuresFrame, list []release.Entry) (deskTable, error) {
	t, err := d.table(f.deskFrame, "releases", "figures.releases", "#figures.releasenumber", "figures.releasemade", "figures.releaselanguages",
		"#figures.releasecorrects", "#figures.releasecorrectedby", "figures.releasereason", "figures.releasestate")
	if err != nil {
		return t, err
	}
	for _, e := range list {
		t.add(f.releaseCells(e)...)
	}
	return t, errors.Join(f.say.err, t.arrange(f.deskFrame))
}

func (f figuresFrame) releaseCells(e release.Entry) []deskCell {
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
	return []deskCell{whole(e.Number), {Text: made}, {Text: strings.Join(e.Languages, " ")}, number(corrects), number(e.CorrectedBy), {Text: reason}, {Text: f.say.words(state)}}
}

// release lists the files of a release: those for everybody at the public address, others at
// that of the desk.
func (f figuresFrame) release(e release.Entry, atDesk bool) deskRelease {
	base := fmt.Sprintf("/release/%s/%d/", e.Wave, e.Number)
	r := deskRelease{Heading: f.say.words("figures.releasefiles", "n", strconv.Itoa(e.Number))}
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
	if !e.Public {
		entry := office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: "read release", Object: fmt.Sprintf("%s %d", e.Wave, e.Number), Outcome: office.Done}
		if err := d.office.Note(v.Request().Context(), entry); err != nil {
			return err
		}
	}
	return d.sendRelease(v, e)
}
