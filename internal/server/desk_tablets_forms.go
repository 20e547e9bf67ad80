package server

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/tablet"
	"github.com/suyang-survey/suyang/surveys"
)

// enrolPage is web/pages/desk-tablets-code: the code with which a tablet is enrolled, shown
// once.
type enrolPage struct {
	deskFrame
	// For is whose tablet it is to be, Until when the code expires.
	For, Until string
	URL        string
	Code       template.HTML
	// Insecure says that browsers do not let the app run at this address.
	Insecure bool
	Back     string
}

// newTablet makes a code for a tablet. It is in the answer to a form, and so in no address
// of the desk; that it was made stands in the audit trail.
func (d *desk) newTablet(v *call) error {
	form, err := v.sentForm()
	if err != nil {
		return err
	}
	login := strings.TrimSpace(form.Get("login"))
	if login == "" {
		return d.showTablets(v, http.StatusUnprocessableEntity, "desk.tablets.enrol.nobody", form)
	}
	ctx := v.Request().Context()
	token, until, err := d.office.NewEnrolment(ctx, v.account, login, d.deps.Now())
	if err != nil {
		return err
	}
	names, err := d.people(ctx)
	if err != nil {
		return err
	}
	v.at(tabletList)
	f, err := d.frameOf(v, "desk.tablets.code")
	if err != nil {
		return err
	}
	p := enrolPage{deskFrame: f, For: names.Name(login), Until: clockTime(until), URL: d.outside(v) + "/tablet#e=" + token, Back: f.Here(tabletList)}
	p.Insecure = strings.HasPrefix(p.URL, "http:") && !onThisMachine(v.Request().Host)
	code, err := QRCode(p.URL)
	if err != nil {
		return err
	}
	p.Code = template.HTML(strings.Replace(string(code.SVG()), "<svg ", `<svg class="qr" role="img" aria-labelledby="address" width="280" height="280" `, 1)) // our own numbers
	return d.show(v, http.StatusOK, "desk-tablets-code", p)
}

// onThisMachine says whether a host is the machine itself, where browsers ask for no https.
func onThisMachine(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	return name == "localhost" || name == "127.0.0.1" || name == "::1"
}

// The limits of uploads of rescue files: bytes, how many at one time, and for how long. The
// limits of other requests are too narrow for them.
const (
	maxUpload   = 256 << 20
	maxUploads  = 4
	uploadTime  = 10 * time.Minute
	uploadInRAM = 1 << 20 // the rest is in a temporary file meanwhile
)

// rescueField is the field of the form that holds the file.
const rescueField = "file"

// uploaded takes in a form with a file, from somebody who is signed in, and does away with the
// file afterwards.
func (d *desk) uploaded(h func(*call) error) func(*call) error {
	places := make(chan struct{}, maxUploads)
	return func(v *call) error {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			return fmt.Errorf("%d files are being read: %w", maxUploads, surveys.ErrUnavailable)
		}
		r := v.Request()
		if r.ContentLength > maxUpload {
			return d.showTablets(v, http.StatusRequestEntityTooLarge, "desk.tablets.rescue.large", nil, "n", maxUpload>>20)
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), uploadTime)
		defer cancel()
		r = r.WithContext(ctx)
		v.SetRequest(r)
		until := time.Now().Add(uploadTime) // of the connection, not of the desk
		control := http.NewResponseController(v.Response())
		if err := errors.Join(control.SetReadDeadline(until), control.SetWriteDeadline(until)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return fmt.Errorf("the upload: %w", err)
		}
		r.Body = http.MaxBytesReader(v.Response().Writer, r.Body, maxUpload)
		err := r.ParseMultipartForm(uploadInRAM)
		if r.MultipartForm != nil {
			defer r.MultipartForm.RemoveAll()
		}
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large), errors.Is(err, multipart.ErrMessageTooLarge):
			return d.showTablets(v, http.StatusRequestEntityTooLarge, "desk.tablets.rescue.large", nil, "n", maxUpload>>20)
		case errors.Is(err, http.ErrNotMultipart), errors.Is(err, http.ErrMissingBoundary):
			return errMedia
		case err != nil:
			return fmt.Errorf("the upload: %w: %w", surveys.ErrInvalid, err)
		}
		return h(v)
	}
}

// rescuePage is web/pages/desk-tablets-rescued: what a rescue file brought.
type rescuePage struct {
	deskFrame
	// Whole says that everything in the file could be read.
	Whole  bool
	Result string
	Facts  []fact
	// Counts hold what the tablet counted when it wrote the file against what is here now.
	Counts *deskTable
	Tablet string
	Back   string
}

// rescue reads a rescue file. One of a tablet in another area is refused as one of a tablet
// that is not known, and the try stands in the audit trail.
func (d *desk) rescue(v *call) error {
	file, header, err := v.Request().FormFile(rescueField)
	if errors.Is(err, http.ErrMissingFile) || err == nil && header.Size == 0 {
		return d.showTablets(v, http.StatusUnprocessableEntity, "desk.tablets.rescue.nothing", nil)
	}
	if err != nil {
		return fmt.Errorf("the rescue file: %w", err)
	}
	defer file.Close()
	device, result, err := d.readRescue(v, file)
	switch {
	case errors.Is(err, surveys.ErrNotFound):
		return d.showTablets(v, http.StatusNotFound, "desk.tablets.rescue.unknown", nil)
	case errors.Is(err, surveys.ErrInvalid):
		return d.showTablets(v, http.StatusUnprocessableEntity, "desk.tablets.rescue.invalid", nil)
	case err != nil:
		return err
	}
	return d.showRescue(v, device, result)
}

// readRescue reads a rescue file, and has that stand in the audit trail.
func (d *desk) readRescue(v *call, file multipart.File) (device office.Device, result tablet.RescueResult, err error) {
	ctx := v.Request().Context()
	entry := office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: "read rescue file", Outcome: office.Refused}
	result, err = d.deps.Tablets.Rescue(ctx, file, func(id string) error {
		entry.Object = cut(id, 40)
		found, err := d.office.DeviceOf(ctx, v.account, id)
		if err == nil && !v.account.May(auth.AssignCases) {
			err = office.ErrForbidden
		}
		device = found
		return err
	})
	if err == nil {
		entry.Outcome = office.Done
	}
	return device, result, errors.Join(err, d.office.Note(ctx, entry))
}

// showRescue says what a rescue file brought.
func (d *desk) showRescue(v *call, device office.Device, r tablet.RescueResult) error {
	v.at(tabletList)
	f, err := d.frameOf(v, "desk.tablets.rescued", "name", device.Name)
	if err != nil {
		return err
	}
	names, err := d.people(v.Request().Context())
	if err != nil {
		return err
	}
	t := &teller{deskFrame: f}
	p := rescuePage{deskFrame: f, Whole: r.Whole && len(r.Damaged) == 0 && r.Lost == 0, Tablet: f.Here(tabletList + "/" + url.PathEscape(device.ID)), Back: f.Here(tabletList)}
	switch {
	case p.Whole && r.Taken == 0:
		p.Result = t.say("desk.tablets.rescued.nothing")
	case p.Whole:
		p.Result = t.say("desk.tablets.rescued.whole", "n", r.Taken)
	default:
		p.Result = t.say("desk.tablets.rescued.part", "n", r.Taken)
	}
	add := func(key, value string) {
		if value != "" {
			p.Facts = append(p.Facts, fact{t.say(key), value})
		}
	}
	add("desk.tablets.column.tablet", device.Name)
	add("desk.column.enumerator", names.Name(device.Login))
	add("desk.tablets.rescued.made", t.moment(r.Made))
	add("desk.tablets.rescued.taken", strconv.Itoa(r.Taken))
	add("desk.tablets.rescued.repeated", strconv.Itoa(r.Repeated))
	if r.Last > 0 {
		add("desk.tablets.rescued.range", t.numbers([][2]uint64{{r.First, r.Last}}))
	}
	if len(r.Damaged) > 0 {
		add("desk.tablets.rescued.damaged", t.say("desk.tablets.rescued.of", "n", len(r.Damaged), "numbers", t.numbers(single(r.Damaged))))
	}
	if r.Lost > 0 {
		add("desk.tablets.rescued.lost", strconv.Itoa(r.Lost))
	}
	if len(r.Conflicts) > 0 {
		add("desk.tablets.rescued.conflicts", t.say("desk.tablets.rescued.of", "n", len(r.Conflicts), "numbers", t.numbers(single(r.Conflicts))))
	}
	if !r.Whole {
		add("desk.tablets.rescued.end", t.say("desk.tablets.rescued.cut"))
	}
	if r.Report != nil {
		held, err := d.office.Held(v.Request().Context(), v.account, device.ID)
		if err != nil {
			return err
		}
		s := &seenTablet{Device: device, journal: d.deps.Tablets.Counts(device.ID), brought: held, now: d.deps.Now()}
		s.Report, s.Contact = *r.Report, s.now
		counts, err := d.reconciliation(t, "desk.tablets.rescued.counts", s.tallies())
		if err != nil {
			return err
		}
		p.Counts = counts.still()
	}
	if t.err != nil {
		return t.err
	}
	return d.show(v, http.StatusOK, "desk-tablets-rescued", p)
}

// moment is a time that a tablet wrote, as it is when it cannot be read.
func (t *teller) moment(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return cut(text, 40)
	}
	return clockTime(at)
}
