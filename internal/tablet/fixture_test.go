package tablet_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/tablet"
	"github.com/suyang-survey/suyang/surveys"
)

const (
	wave   = "zj-2026"
	device = "0f8fad5b-d9cb-469f-a165-70867728950e"
)

var (
	quiet  = slog.New(slog.NewTextHandler(io.Discard, nil))
	nine   = time.Date(2026, 11, 26, 9, 0, 0, 0, surveys.ChinaTime)
	secret = base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	key    = []byte(strings.Repeat("k", 32))
	boss   = auth.Account{Login: "province", Name: "省科协", Role: auth.Province}
	errTry = fmt.Errorf("away for a test: %w", surveys.ErrUnavailable)
)

// T is what tests and their random histories have in common.
type T interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

func must(t T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var template = struct {
	sync.Once
	file []byte
}{}

// rig is the journals of tablets over a real log and a real office, with an intake that can be
// away; all of it can be started again.
type rig struct {
	t       T
	dir     string
	now     time.Time
	office  *office.Store
	log     *wal.Log
	intake  *tryIntake
	tries   *tries
	in      tablet.Intake // intake, unless a test uses a real one
	tablets *tablet.Tablets
}

// newRig has one tablet, of li, which was given the cases c1 and c2, but not c3, which is chen's.
func newRig(t T, dir string) *rig {
	t.Helper()
	r := &rig{t: t, dir: dir, now: nine.Add(time.Hour), tries: &tries{}}
	r.intake = newTryIntake(r.tries)
	r.in = r.intake
	template.Do(func() { template.file = newOffice(t, filepath.Join(dir, "template.db")) })
	must(t, os.WriteFile(filepath.Join(dir, "office.db"), template.file, 0o600))
	r.start()
	return r
}

// newOffice is the file of an office in which everybody has what they need.
func newOffice(t T, path string) []byte {
	t.Helper()
	ctx := context.Background()
	s, err := office.Open(ctx, path)
	must(t, err)
	for _, a := range []auth.Account{boss, {Login: "li", Name: "李", Role: auth.Enumerator, Area: "3301"}, {Login: "chen", Name: "陈", Role: auth.Enumerator, Area: "3301"}} {
		must(t, s.PutAccount(ctx, a, "setup", nine))
	}
	var cases []fieldwork.Case
	for i := range 3 {
		cases = append(cases, fieldwork.Case{ID: fmt.Sprint("c", i+1), Stratum: "1", PSU: "1", Weight: 1, Columns: map[string]string{"county": "330106"}})
	}
	must(t, s.AddCases(ctx, wave, cases, "setup", nine))
	_, err = s.Assign(ctx, boss, office.Filter{Wave: wave}, fieldwork.Event{At: nine, Enumerator: "li"})
	must(t, err)
	_, err = s.Record(ctx, wave, "c3", fieldwork.Event{At: nine, Who: boss.Login, Action: fieldwork.Assign, Enumerator: "chen", Reason: "近"}, fieldwork.DefaultAttemptRules)
	must(t, err)
	token, _, err := s.NewEnrolment(ctx, boss, "li", nine)
	must(t, err)
	_, err = s.Enrol(ctx, token, device, secret, "平板 1", nine)
	must(t, err)
	must(t, s.GiveCases(ctx, device, wave, []string{"c1", "c2"}, nine))
	must(t, s.Close())
	text, err := os.ReadFile(path)
	must(t, err)
	return text
}

func (r *rig) start() {
	r.t.Helper()
	var err error
	r.office, err = office.Open(context.Background(), filepath.Join(r.dir, "office.db"))
	must(r.t, err)
	cfg := wal.DefaultConfig(filepath.Join(r.dir, "tablets"))
	cfg.SegmentBytes, cfg.BatchBytes, cfg.Logger = 1<<20, 700<<10, quiet
	r.log, err = wal.Open(cfg)
	must(r.t, err)
	r.open()
}

func (r *rig) open() {
	r.t.Helper()
	cfg := tablet.DefaultConfig()
	cfg.AtOnce, cfg.FirstWait, cfg.LongestWait, cfg.Logger = 4, time.Microsecond, time.Millisecond, quiet
	var err error
	r.tablets, err = tablet.Open(context.Background(), cfg, r.log, &tryOffice{r.office, r.tries}, r.in, key, func() time.Time { return r.now })
	must(r.t, err)
}

func (r *rig) close() {
	must(r.t, r.log.Close())
	must(r.t, r.office.Close())
}

func (r *rig) restart() {
	r.t.Helper()
	r.close()
	r.start()
}

// rigOf is a rig that ends with its test.
func rigOf(t *testing.T) *rig {
	r := newRig(t, t.TempDir())
	t.Cleanup(r.close)
	return r
}

// tries makes calls fail.
type tries struct {
	mu sync.Mutex
	// fails is asked at each call; nil lets it succeed. before is run first.
	fails  func() bool
	before func()
}

func (x *tries) away() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.before != nil {
		x.before()
	}
	if x.fails != nil && x.fails() {
		return errTry
	}
	return nil
}

// tryOffice is the real office, which can be away, also after it did what it was asked for.
type tryOffice struct {
	*office.Store
	tries *tries
}

func (o *tryOffice) CarryOut(ctx context.Context, device string, upTo uint64, deeds []office.TabletDeed, now time.Time) error {
	if err := o.tries.away(); err != nil {
		return err
	}
	if err := o.Store.CarryOut(ctx, device, upTo, deeds, now); err != nil {
		return err
	}
	return o.tries.away()
}

// tryIntake is an intake in memory, which can be away, also after it accepted.
type tryIntake struct {
	tries *tries
	mu    sync.Mutex
	// accepted are the interviews in order, by ID and revision.
	accepted []string
	sums     map[string][32]byte
	partial  map[string]bool
	// reasons quarantine interviews by ID, refuses refuses all.
	reasons map[string]string
	refuses error
}

func newTryIntake(x *tries) *tryIntake {
	return &tryIntake{tries: x, sums: map[string][32]byte{}, partial: map[string]bool{}, reasons: map[string]string{}}
}

func nameOf(id string, revision uint32) string { return fmt.Sprintf("%s/%d", id, revision) }

func (in *tryIntake) Accept(_ context.Context, body []byte) (intake.Receipt, error) {
	if err := in.tries.away(); err != nil {
		return intake.Receipt{}, err
	}
	var iv surveys.Interview
	if err := json.Unmarshal(body, &iv); err != nil {
		return intake.Receipt{}, errors.Join(err, surveys.ErrInvalid)
	}
	in.mu.Lock()
	name, sum := nameOf(iv.ID, iv.Revision), sha256.Sum256(body)
	has, known := in.sums[name]
	reason, refuses := in.reasons[iv.ID], in.refuses
	switch {
	case refuses != nil:
		in.mu.Unlock()
		return intake.Receipt{}, refuses
	case known && has != sum:
		in.mu.Unlock()
		return intake.Receipt{}, surveys.ErrConflict
	case !known:
		in.sums[name], in.partial[name] = sum, iv.Partial
		in.accepted = append(in.accepted, name)
	}
	in.mu.Unlock()
	return intake.Receipt{ID: iv.ID, Revision: iv.Revision, Quarantined: reason}, in.tries.away()
}

func (in *tryIntake) Stands(id string, revision uint32) intake.Standing {
	in.mu.Lock()
	defer in.mu.Unlock()
	name := nameOf(id, revision)
	_, known := in.sums[name]
	switch {
	case !known:
		return intake.Nothing
	case in.partial[name]:
		return intake.BrokenOff
	}
	return intake.Stored
}

// chain is the journal as a tablet has it: hashes[n] is that of event n.
type chain struct {
	texts  []string
	hashes [][32]byte
}

func newChain(device string) *chain {
	return &chain{hashes: [][32]byte{sha256.Sum256([]byte("suyang journal 1\n" + device))}}
}

func (c *chain) add(texts ...string) *chain {
	for _, text := range texts {
		h := sha256.New()
		h.Write(c.hashes[len(c.hashes)-1][:])
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(c.hashes))))
		h.Write([]byte(text))
		c.texts, c.hashes = append(c.texts, text), append(c.hashes, [32]byte(h.Sum(nil)))
	}
	return c
}

func hexOf(h [32]byte) string { return hex.EncodeToString(h[:]) }

// batch is the events from one number to another; those of damaged numbers without text.
func (c *chain) batch(from, to int, damaged ...uint64) tablet.Batch {
	b := tablet.Batch{From: uint64(from), Prev: hexOf(c.hashes[from-1]), Events: append([]string{}, c.texts[from-1:to]...), Damaged: damaged}
	for _, n := range damaged {
		b.Events[n-b.From] = hexOf(c.hashes[n])
	}
	return b
}

func (r *rig) take(b tablet.Batch) (tablet.Answer, error) {
	return r.tablets.Take(context.Background(), office.Device{ID: device}, b)
}

func (r *rig) mustTake(b tablet.Batch) tablet.Answer {
	r.t.Helper()
	a, err := r.take(b)
	must(r.t, err)
	return a
}

func (r *rig) flush() {
	r.t.Helper()
	must(r.t, r.tablets.Flush(context.Background()))
}

// verify checks a signature as a tablet does.
func (r *rig) verify(signature, format string, args ...any) {
	r.t.Helper()
	point, err := base64.RawURLEncoding.DecodeString(r.tablets.ReceiptKey())
	must(r.t, err)
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	must(r.t, err)
	b, err := base64.RawURLEncoding.DecodeString(signature)
	must(r.t, err)
	sum := sha256.Sum256(fmt.Appendf(nil, format, args...))
	if len(point) != 65 || len(b) != 64 || !ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(b[:32]), new(big.Int).SetBytes(b[32:])) {
		r.t.Fatalf("the signature is not genuine")
	}
}

func (r *rig) verifyAnswer(a tablet.Answer) {
	r.t.Helper()
	if c := a.Receipt; c != nil {
		r.verify(c.Signature, "suyang tablet receipt 1\n%s\n%d\n%d\n%s\n%s\n", device, c.From, c.To, c.Head, c.At)
	}
	if c := a.Checkpoint; c != nil {
		r.verify(c.Signature, "suyang tablet checkpoint 1\n%s\n%d\n%s\n%s\n", device, c.Upto, c.Head, c.At)
	}
}

// about is an event about a case, at ten minutes past nine; rest are further fields.
func about(kind, id, rest string) string {
	return fmt.Sprintf(`{"kind":%q,"at":"2026-11-26T01:10:00Z","mono":1,"run":1,"wave":%q,"case":%q%s}`, kind, wave, id, rest)
}

func note(id, text string) string { return about("note", id, fmt.Sprintf(`,"text":%q`, text)) }

func interviewID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

// interview is the body of an interview of a case.
func interview(n int, id string, change ...func(*surveys.Interview)) surveys.Interview {
	iv := surveys.Interview{ID: interviewID(n), Survey: "tiny", Version: "1", Wave: wave, Case: id, Mode: surveys.ModeTablet, Lang: surveys.ZH,
		Started: nine, Finished: nine.Add(20 * time.Minute), Answers: surveys.Answers{"earth": {"yes"}}}
	for _, c := range change {
		c(&iv)
	}
	return iv
}

// done is the event of a finished or broken-off interview.
func done(t T, iv surveys.Interview) string {
	t.Helper()
	body, err := json.Marshal(iv)
	must(t, err)
	text, err := json.Marshal(string(body))
	must(t, err)
	kind := "finish"
	if iv.Partial {
		kind = "part"
	}
	return about(kind, iv.Case, fmt.Sprintf(`,"interview":%q,"body":%s`, iv.ID, text))
}

// events are what the office has of a case that came from a tablet.
func (r *rig) events(id string) (list []fieldwork.Event) {
	r.t.Helper()
	all, err := r.office.Events(context.Background(), wave, id)
	must(r.t, err)
	for _, e := range all {
		if e.Device == device {
			list = append(list, e)
		}
	}
	return list
}

// held is what the office holds, as “number action why”.
func (r *rig) held() (list []string) {
	r.t.Helper()
	all, err := r.office.Held(context.Background(), boss, device)
	must(r.t, err)
	for _, h := range all {
		list = append(list, fmt.Sprint(h.Seq, " ", h.Event.Action, " ", h.Why))
	}
	return list
}
