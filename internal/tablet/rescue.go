package tablet

import (
	"bufio"
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/secret"
	"github.com/suyang-survey/suyang/surveys"
)

// RescueResult is what came of a rescue file.
type RescueResult struct {
	Device string
	// Made is when the file was written, as it says, and Report what the tablet then said of
	// itself, nil when it said nothing.
	Made   string
	Report *office.DeviceReport
	// Taken events were new, Repeated ones were there; First and Last are the lowest and the
	// highest number of both.
	Taken, Repeated int
	First, Last     uint64
	// Damaged are the numbers, of those in the file, that could not be read, and Lost how many
	// lines could not be read whose number is not known. Conflicts are numbers that are there
	// with another text.
	Damaged   []uint64
	Lost      int
	Conflicts []uint64
	// Whole says that the file ends as it should; otherwise more events may have been in it.
	Whole bool
}

// maxLine is the length of the longest line of a rescue file: an event in base64, with what
// stands around it.
const maxLine = MaxEvent*4/3 + 4096

// rescueHead is the first line of a rescue file.
type rescueHead struct {
	Suyang string `json:"suyang"`
	Device string `json:"device"`
	Made   string `json:"made"`
	Prev   string `json:"prev"`
	Key    struct {
		EPK string `json:"epk"`
		IV  string `json:"iv"`
		Box string `json:"box"`
		// Proof says that the tablet closed the box, as the key of the office is no secret.
		Proof string `json:"proof"`
	} `json:"key"`
	Report json.RawMessage `json:"report"`
}

// rescueLine is any other line.
type rescueLine struct {
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
	IV   string `json:"iv"`
	Data string `json:"data"`
	End  *int   `json:"end"`
}

// Rescue takes in the events of a rescue file, also of a tablet that was revoked. permit is
// asked about the device before anything is kept; its error ends it. Lines that are damaged
// or missing are named, and all others taken. Errors wrap surveys.ErrInvalid when the file is
// no rescue file of this installation and of the tablet that it names, surveys.ErrNotFound when
// there is no such tablet, or surveys.ErrUnavailable; then the result says what was
// kept before, and the same file again is right.
func (t *Tablets) Rescue(ctx context.Context, file io.Reader, permit func(device string) error) (RescueResult, error) {
	lines := bufio.NewReaderSize(file, 64<<10)
	first, err := readLine(lines)
	if err != nil && err != io.EOF {
		return RescueResult{}, fmt.Errorf("read the rescue file: %w", err)
	}
	var head rescueHead
	if json.Unmarshal(first, &head) != nil || head.Suyang != "rescue 1" {
		return RescueResult{}, fmt.Errorf("the first line is not that of a rescue file: %w", surveys.ErrInvalid)
	}
	if _, ok := parseUUID(head.Device); !ok {
		return RescueResult{}, fmt.Errorf("the rescue file does not say of which tablet it is: %w", surveys.ErrInvalid)
	}
	r := rescue{tablets: t, ctx: ctx, RescueResult: RescueResult{Device: head.Device, Made: head.Made}}
	if err := permit(head.Device); err != nil {
		return r.RescueResult, err
	}
	if len(head.Report) > 0 {
		var report office.DeviceReport
		if json.Unmarshal(head.Report, &report) == nil {
			r.Report = &report
		}
	}
	if err := t.proved(ctx, head); err != nil {
		return r.RescueResult, err
	}
	if r.box, err = t.openKey(head); err != nil {
		return r.RescueResult, err
	}
	r.before, r.known = readHash(head.Prev)
	if err := r.readAll(lines); err != nil {
		return r.RescueResult, fmt.Errorf("take the rescue file: %w", err)
	}
	return r.RescueResult, nil
}

// proved says whether the key in a rescue file comes from the tablet, so that nobody else can
// write one in its name.
func (t *Tablets) proved(ctx context.Context, head rescueHead) error {
	key, err := t.office.DeviceKey(ctx, head.Device)
	if err != nil {
		return fmt.Errorf("take the rescue file: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "suyang rescue proof 1\n%s\n%s\n%s\n%s\n", head.Device, head.Key.EPK, head.Key.IV, head.Key.Box)
	if proof, err := fromBase64(head.Key.Proof); err != nil || !hmac.Equal(proof, mac.Sum(nil)) {
		return fmt.Errorf("the key in the rescue file was not made by the tablet: %w", surveys.ErrInvalid)
	}
	return nil
}

// openKey opens the key of the storage of a tablet.
func (t *Tablets) openKey(head rescueHead) (cipher.AEAD, error) {
	fault := fmt.Errorf("the key in the rescue file cannot be opened: it is damaged, or made for another installation: %w", surveys.ErrInvalid)
	epk, epkErr := fromBase64(head.Key.EPK)
	iv, ivErr := fromBase64(head.Key.IV)
	box, boxErr := fromBase64(head.Key.Box)
	point, err := ecdh.P256().NewPublicKey(epk)
	if errors.Join(epkErr, ivErr, boxErr, err) != nil {
		return nil, fault
	}
	shared, err := t.keys.rescue.ECDH(point)
	if err != nil {
		return nil, fault
	}
	key, err := open(secret.Derive(shared, "suyang rescue 1\n"+head.Device), iv, box, head.Device)
	if err != nil || len(key) != 32 {
		return nil, fault
	}
	return newGCM(key)
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// open opens what was closed by AES-256-GCM.
func open(key, iv, box []byte, about string) ([]byte, error) {
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	return openWith(gcm, iv, box, about)
}

var errBox = errors.New("it was changed, or closed with another key")

func openWith(gcm cipher.AEAD, iv, box []byte, about string) ([]byte, error) {
	if len(iv) != gcm.NonceSize() {
		return nil, errBox
	}
	return gcm.Open(nil, iv, box, []byte(about))
}

func fromBase64(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}

// rescue is a rescue file that is being read.
type rescue struct {
	RescueResult
	tablets *Tablets
	ctx     context.Context
	box     cipher.AEAD
	// before is the hash of the record before, if it is known; sure says that it was worked
	// out, and not only read.
	before      hash
	known, sure bool
	// seen is the highest number so far, bad how many lines since then could not be read, and
	// records how many lines there were.
	seen         uint64
	bad, records int
	items        []item
	bytes        int
}

// readAll reads the lines after the first.
func (r *rescue) readAll(lines *bufio.Reader) error {
	for {
		line, err := readLine(lines)
		if err != nil && err != io.EOF {
			return errors.Join(err, r.keep())
		}
		ended := err == io.EOF
		if len(bytes.TrimSpace(line)) > 0 {
			if err := r.line(line); err != nil {
				return err
			}
		}
		if ended {
			r.Lost += r.bad
			return r.keep()
		}
	}
}

// readLine reads a line, without what is too long in it. It is io.EOF with the last one.
func readLine(lines *bufio.Reader) (line []byte, err error) {
	for {
		part, more, err := lines.ReadLine()
		if len(line) <= maxLine {
			line = append(line, part...)
		}
		if err != nil || !more {
			return line, err
		}
	}
}

// line takes in one line.
func (r *rescue) line(text []byte) error {
	var l rescueLine
	err := json.Unmarshal(text, &l)
	if err == nil && l.End != nil {
		r.Whole = *l.End == r.records
		return nil
	}
	r.records++
	r.Whole = false
	if err != nil || len(text) > maxLine || l.Seq <= r.seen || l.Seq > maxNumber {
		r.bad++
		r.known = false
		return nil
	}
	r.skipTo(l.Seq)
	i, ok := r.decrypt(l)
	if !ok {
		r.Damaged = append(r.Damaged, l.Seq)
		return nil
	}
	if r.First == 0 {
		r.First = i.n
	}
	r.Last = i.n
	r.items = append(r.items, i)
	if r.bytes += len(i.text); len(r.items) < MaxEvents && r.bytes < MaxBatch {
		return nil
	}
	return r.keep()
}

// maxNamed is how many damaged numbers are named.
const maxNamed = 10_000

// skipTo names the numbers between the last line that could be read and one.
func (r *rescue) skipTo(n uint64) {
	switch skipped := n - r.seen - 1; {
	case r.seen == 0: // where the file begins is not known
		r.Lost += r.bad
	case skipped > 0:
		r.known = false
		for m := r.seen + 1; m < n && len(r.Damaged) < maxNamed; m++ {
			r.Damaged = append(r.Damaged, m)
		}
	}
	r.seen, r.bad = n, 0
}

// decrypt opens a record, and finds out its hash. It is worked out from the record before
// wherever that is sure; otherwise the hash that the record bears is taken.
func (r *rescue) decrypt(l rescueLine) (i item, ok bool) {
	if l.Seq == 1 {
		r.before, r.known, r.sure = firstHash(r.Device), true, true
	}
	claimed, claims := readHash(l.Hash)
	iv, ivErr := fromBase64(l.IV)
	data, dataErr := fromBase64(l.Data)
	text, err := openWith(r.box, iv, data, r.Device+"\n"+strconv.FormatUint(l.Seq, 10))
	if errors.Join(ivErr, dataErr, err) != nil || len(text) > MaxEvent {
		r.before, r.known, r.sure = claimed, claims, false
		return i, false
	}
	r.sure = r.sure || r.known && r.isThere(l.Seq-1, r.before)
	i = item{n: l.Seq, kind: storedEvent, prev: r.before, hash: r.before.next(l.Seq, text), text: text}
	switch {
	case r.known && (r.sure || i.hash == claimed || !claims):
		r.sure = r.sure || i.hash == claimed
	case claims:
		i.kind, i.prev, i.hash, r.sure = storedLoose, hash{}, claimed, false
	default: // nothing tells its hash, but its text is genuine
		i.kind, i.prev, i.hash, r.sure = storedLoose, hash{}, hash{}.next(l.Seq, text), false
	}
	r.before, r.known = i.hash, true
	return i, true
}

// isThere says whether the journal has an event with a hash.
func (r *rescue) isThere(n uint64, h hash) bool {
	j := r.tablets.journal(r.Device)
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.entry(n).missing() && j.entry(n).is(h)
}

// keep takes the records read so far into the journal.
func (r *rescue) keep() error {
	if len(r.items) == 0 {
		return nil
	}
	j := r.tablets.journal(r.Device)
	j.mu.Lock()
	defer j.mu.Unlock()
	kept, err := r.tablets.keep(r.ctx, j, r.items)
	r.Taken += kept.taken
	r.Repeated += kept.repeated
	r.Conflicts = append(r.Conflicts, kept.conflicts...)
	r.items, r.bytes = nil, 0
	return err
}
