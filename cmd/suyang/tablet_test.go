package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/big"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form/wire"
)

var (
	kills       = flag.Int("kills", 8, "how often TestTabletCampaign kills the browser; with 200 there are 20 interviews, with fewer as many fewer")
	campaignOf  = flag.Uint64("campaign", 2026, "seed of the faults of TestTabletCampaign")
	everything  = flag.Bool("everything", false, "run every test of the tablet in a browser, as make test-tablet does")
	screenshots = flag.String("screenshots", "", "folder for pictures of the tablet's screens")
)

// The accounts of the tests, and the PIN of their tablets.
const (
	enumeratorLogin = "fang"
	otherEnumerator = "lin"
	tabletPIN       = "482915"
)

var supervisorAccount = auth.Account{Login: "super", Name: "督导", Role: auth.Supervisor, Area: "33"}

// fieldOffice is a wave at the desk of which an enumerator has some cases.
type fieldOffice struct {
	t     *testing.T
	state string
	// draw is the file of the draw, ids are the cases of the enumerator.
	draw string
	ids  []string
}

// newFieldOffice publishes a draw of households with the shipped questionnaire, or another
// one, and gives n cases to the enumerator.
func newFieldOffice(t *testing.T, n int, publish ...string) *fieldOffice {
	t.Helper()
	_, file := householdFolder(t)
	f := &fieldOffice{t: t, state: t.TempDir(), draw: file}
	must(t, append([]string{"publish", "w", "--draw", file, "--state", f.state}, publish...)...)
	f.with(func(o *office.Store) {
		now := time.Now()
		for _, a := range []auth.Account{supervisorAccount, {Login: enumeratorLogin, Name: "方访问", Role: auth.Enumerator, Area: "33"}, {Login: otherEnumerator, Name: "林访问", Role: auth.Enumerator, Area: "33"}} {
			if err := o.PutAccount(t.Context(), a, "test", now); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.Cases(t.Context(), supervisorAccount, office.Filter{Wave: "w", Limit: n}, func(c office.Case) bool {
			f.ids = append(f.ids, c.ID)
			return true
		}); err != nil {
			t.Fatal(err)
		}
		for _, id := range f.ids {
			f.assign(o, id, enumeratorLogin, "")
		}
	})
	return f
}

// with opens the office's database, also while a server has it open.
func (f *fieldOffice) with(do func(*office.Store)) {
	f.t.Helper()
	o, err := office.Open(f.t.Context(), filepath.Join(f.state, officeFile))
	if err != nil {
		f.t.Fatal(err)
	}
	defer o.Close()
	do(o)
}

// assign gives a case to an enumerator, and returns false when it has its interview already,
// as one that the tablet sent before it could be heard that it was finished.
func (f *fieldOffice) assign(o *office.Store, id, login, reason string) bool {
	f.t.Helper()
	for tries := 0; ; tries++ {
		c, err := o.Case(f.t.Context(), supervisorAccount, "w", id, time.Now())
		if err == nil {
			_, err = o.Act(f.t.Context(), supervisorAccount, "w", id, c.Changes, fieldwork.Event{At: time.Now(), Action: fieldwork.Assign, Enumerator: login, Reason: reason}, fieldwork.DefaultAttemptRules)
		}
		if err == nil {
			return true
		}
		if c.State == fieldwork.Submitted {
			return false
		}
		if tries > 20 {
			f.t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// code makes an enrolment code for the enumerator.
func (f *fieldOffice) code() (token string) {
	f.t.Helper()
	f.with(func(o *office.Store) {
		var err error
		if token, _, err = o.NewEnrolment(f.t.Context(), supervisorAccount, enumeratorLogin, time.Now()); err != nil {
			f.t.Fatal(err)
		}
	})
	return token
}

// tabletDriver works with the app as an enumerator does.
func tabletDriver(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/tablet.js")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// enrol sets a tablet up and takes it out.
func (d *device) enrol(token string) {
	d.t.Helper()
	d.start(800, 1280, "/tablet#e="+token)
	d.must(
		chromedp.WaitVisible(`main[data-screen=setup]`, chromedp.ByQuery),
		chromedp.SendKeys(`input[name=name]`, "平板一号", chromedp.ByQuery),
		chromedp.SendKeys(`input[name=pin]`, tabletPIN, chromedp.ByQuery),
		chromedp.SendKeys(`input[name=repeat]`, tabletPIN, chromedp.ByQuery),
		chromedp.Click(`[data-do=enrol]`, chromedp.ByQuery),
		chromedp.WaitVisible(`main[data-screen=checkout]`, chromedp.ByQuery),
		chromedp.Click(`[data-do=fetch]`, chromedp.ByQuery),
		chromedp.WaitVisible(`[data-do=work]`, chromedp.ByQuery),
		chromedp.Poll(`document.querySelectorAll("[data-ok=true]").length === document.querySelectorAll("[data-check]").length`, nil, chromedp.WithPollingTimeout(20*time.Second)),
		chromedp.Click(`main [data-do=work]`, chromedp.ByQuery),
		chromedp.WaitVisible(`main[data-screen=work]`, chromedp.ByQuery))
}

// drive gives the page the driver, with settings.
func (d *device) drive(driver string, settings map[string]any) error {
	b, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	return d.do(30*time.Second, chromedp.Evaluate("Object.assign(window, "+string(b)+");"+driver+";0", nil))
}

// word is what the driver tells.
type word struct {
	Kind, Wave, Case, Key string
	Values                []string
	From, To              uint64
	Line                  int
}

func (d *device) words() (list []word) {
	for _, said := range d.heard() {
		var w word
		if err := json.Unmarshal([]byte(said), &w); err != nil {
			d.t.Fatalf("%s: %v", said, err)
		}
		list = append(list, w)
	}
	return list
}

// A tablet goes through days without network: its browser is killed again and again, in the
// middle of an answer, of a listing, of sending, and comes up with an empty database at times;
// the line drops, repeats, reorders and
// truncates; the server is killed. In the end every interview is there exactly once, and
// every answer that was called saved.
func TestTabletCampaign(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute; without -short it runs")
	}
	interviews := min(20, max(2, *kills/10))
	f := newFieldOffice(t, interviews)
	server := startProgram(t, f.state)
	chance := rand.New(rand.NewPCG(*campaignOf, 7))
	line := newLine(t, "http://"+server.addr, chance)
	tablet := newDevice(t, line.site.URL)
	driver := tabletDriver(t)
	tablet.enrol(f.code())
	receiptKey := f.receiptKey(server.addr)

	var told []word
	withdrawn, relist, breakOff := "", true, true
	lives, emptied, restored := 0, 0, 0
	take := func() (done bool) {
		for _, w := range tablet.words() {
			told = append(told, w)
			switch w.Kind {
			case "broken off":
				breakOff = false
			case "done":
				done = true
			case "lost":
				restored++
				t.Logf("life %d began with an empty database: %s", lives, w.Key)
			case "failed":
				if strings.Contains(w.Key, "on setup") {
					t.Fatalf("in life %d, after %d words, the tablet does not know any more that it was set up", lives, len(told))
				}
			}
		}
		return done
	}
	// About so many answers there are for each kill, so that the work lasts as long as the kills.
	answersPerLife := max(2, 100*interviews / *kills)
	began := time.Now()
	for done := false; !done || tablet.kills < *kills; lives++ {
		if lives > 0 {
			if chance.IntN(8) == 0 {
				tablet.lose(databaseFolder)
				emptied++
			}
			tablet.start(800, 1280, "/tablet")
		}
		if time.Since(began) > 50*time.Minute {
			t.Fatalf("after %v and %d kills there is still something to do", time.Since(began), tablet.kills)
		}
		online := chance.IntN(3) == 0
		line.set(!online, online)
		if tablet.kills < *kills && chance.IntN(12) == 0 { // before the PIN is asked for
			time.Sleep(time.Duration(chance.IntN(300)) * time.Millisecond)
			tablet.kill()
			continue
		}
		if err := tablet.drive(driver, map[string]any{"pin": tabletPIN, "relist": relist, "breakOff": breakOff && lives > 3}); err != nil {
			t.Fatal(err)
		}
		tablet.eval("window.unlockIt()", nil)
		// From here on the tablet is at work, until it is killed.
		what := "window.work()"
		if online && (done || chance.IntN(2) == 0) {
			what = "window.send(3).then(() => window.work())"
		}
		go func() {
			_ = tablet.do(10*time.Minute, chromedp.Evaluate(what+".catch((e) => tell(JSON.stringify({kind: 'failed', key: String(e)})))", nil))
		}()
		// It is killed after some answers, at a random moment; the slower the machine, the later.
		heard, enough := len(told), chance.IntN(2*answersPerLife)
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && len(told) < heard+enough; time.Sleep(5 * time.Millisecond) {
			if online && chance.IntN(1000) == 0 {
				server.kill()
				time.Sleep(time.Duration(chance.IntN(200)) * time.Millisecond)
				server.start()
			}
			if take() {
				done = true
				break
			}
		}
		time.Sleep(time.Duration(chance.IntN(60)) * time.Millisecond)
		if tablet.kills >= *kills && !done { // the last life may take as long as it needs
			for end := time.Now().Add(10 * time.Minute); !done && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				done = take()
				if i := slices.IndexFunc(told, func(w word) bool { return w.Kind == "failed" }); i >= 0 {
					t.Fatalf("the driver failed: %s", told[i].Key)
				}
			}
		}
		if withdrawn == "" && tablet.kills > *kills/2 { // the office gives a case that is under way to somebody else
			for _, w := range slices.Backward(told) {
				if w.Kind != "saved" || f.finished(told, w.Case) {
					continue
				}
				f.with(func(o *office.Store) {
					if f.assign(o, w.Case, otherEnumerator, "调整任务") {
						withdrawn = w.Case
					}
				})
				break
			}
		}
		if tablet.kills < *kills {
			tablet.kill()
		}
		take()
	}
	killed := tablet.kills
	tablet.kill()
	line.set(false, true)
	tablet.start(800, 1280, "/tablet")
	if err := tablet.drive(driver, map[string]any{"pin": tabletPIN}); err != nil {
		t.Fatal(err)
	}
	var covered string
	tablet.eval("window.send(200)", &covered)
	if covered == "" {
		t.Fatal("the tablet never heard that the office has everything")
	}
	took := time.Since(began)
	server.stop()

	line.mu.Lock()
	faults, answers := maps.Clone(line.faults), slices.Clone(line.answers)
	line.mu.Unlock()
	total := 0
	for _, n := range faults {
		total += n
	}
	c := f.check(told, withdrawn)
	receipts, checkpoints := verifySigned(t, receiptKey, answers)
	t.Logf("%d interviews on the tablet in %v; the browser was killed %d times, the server %d times, %d faults of the line %v", interviews, took.Round(time.Second), killed, server.kills, total, faults)
	t.Logf("the database was taken away %d times; %d times the app was seen to make it from the second copy", emptied, restored)
	t.Logf("%d answers were called saved: %d lost; %d events; interviews accepted %d of %d, lost %d, doubled %d", c.acknowledged, c.lost, c.events, c.accepted, interviews, interviews-c.accepted, c.doubled)
	t.Logf("%d receipts and %d checkpoints verify; %d steps replayed by the server's engine give the interviews as they were sent", receipts, checkpoints, c.steps)
	if c.lost > 0 || c.doubled > 0 || c.accepted != interviews || receipts == 0 || checkpoints == 0 || emptied > 0 && restored == 0 {
		t.Error("something was lost or doubled")
	}
	for _, w := range tablet.complaints {
		t.Errorf("the page threw: %s", w)
	}
}

// finished says whether the driver told that the interview of a case is.
func (f *fieldOffice) finished(told []word, id string) bool {
	return slices.ContainsFunc(told, func(w word) bool { return w.Kind == "finished" && w.Case == id })
}

// receiptKey enrols a second tablet to learn the server's public key.
func (f *fieldOffice) receiptKey(addr string) *ecdsa.PublicKey {
	f.t.Helper()
	body := fmt.Sprintf(`{"token":%q,"device":"00000000-0000-4000-8000-000000000001","secret":%q,"name":"x"}`, f.code(), base64.RawURLEncoding.EncodeToString(make([]byte, 32)))
	r, err := http.Post("http://"+addr+"/v1/tablet/enrol", "application/json", strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	var out struct {
		Key string `json:"receipt_key"`
	}
	if err != nil || json.Unmarshal(b, &out) != nil || r.StatusCode != http.StatusOK {
		f.t.Fatalf("enrol: %d %s %v", r.StatusCode, b, err)
	}
	point, err := base64.RawURLEncoding.DecodeString(out.Key)
	if err != nil {
		f.t.Fatal(err)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		f.t.Fatal(err)
	}
	return key
}

// verifySigned verifies every receipt and checkpoint that came over the line.
func verifySigned(t *testing.T, key *ecdsa.PublicKey, answers []syncAnswer) (receipts, checkpoints int) {
	t.Helper()
	verify := func(s *signed, text string) {
		t.Helper()
		sum := sha256.Sum256([]byte(text))
		sig, err := base64.RawURLEncoding.DecodeString(s.Signature)
		if err != nil || len(sig) != 64 || !ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
			t.Errorf("not signed by the server: %q", text)
		}
	}
	for _, a := range answers {
		if s := a.Receipt; s != nil {
			verify(s, fmt.Sprintf("suyang tablet receipt 1\n%s\n%d\n%d\n%s\n%s\n", s.Device, s.From, s.To, s.Head, s.At))
			receipts++
		}
		if s := a.Checkpoint; s != nil {
			verify(s, fmt.Sprintf("suyang tablet checkpoint 1\n%s\n%d\n%s\n%s\n", s.Device, s.UpTo, s.Head, s.At))
			checkpoints++
		}
	}
	return receipts, checkpoints
}

// journalEvent is an event as far as the test reads it.
type journalEvent struct {
	Kind, Wave, Case, Interview, Version, Booklet, Lang, Body, Engine string
	Seed                                                              uint32
	Message                                                           json.RawMessage
	Evidence                                                          *household.Evidence
}

// journalOf reads the journal that the server kept, by number, from its log.
func (f *fieldOffice) journalOf() (events map[uint64]journalEvent) {
	f.t.Helper()
	log, err := wal.Open(wal.DefaultConfig((&stateFlags{State: f.state}).tabletFolder()))
	if err != nil {
		f.t.Fatal(err)
	}
	defer log.Close()
	events = map[uint64]journalEvent{}
	before, texts, device := map[uint64][32]byte{}, map[uint64][]byte{}, ""
	for r, err := range log.Read(1) {
		if err != nil {
			f.t.Fatal(err)
		}
		n, text := uint64(r.Revision), r.Body[32:] // after the hash of the event before
		if _, twice := events[n]; twice {
			f.t.Errorf("event %d is in the log twice", n)
		}
		var e journalEvent
		if err := json.Unmarshal(text, &e); err != nil {
			f.t.Fatalf("event %d: %v", n, err)
		}
		events[n], before[n], texts[n], device = e, [32]byte(r.Body), slices.Clone(text), formatDevice(r.ID)
	}
	head := sha256.Sum256([]byte("suyang journal 1\n" + device))
	for n := range uint64(len(events)) {
		if before[n+1] != head {
			f.t.Errorf("event %d does not follow event %d", n+1, n)
		}
		head = sha256.Sum256(append(binary.BigEndian.AppendUint64(head[:], n+1), texts[n+1]...))
	}
	return events
}

func formatDevice(id [16]byte) string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// checked is what came of a campaign.
type checked struct{ acknowledged, lost, events, accepted, doubled, steps int }

// check holds what the tablet called saved against what the server has.
func (f *fieldOffice) check(told []word, withdrawn string) (c checked) {
	f.t.Helper()
	events := f.journalOf()
	c.events = len(events)
	for n := range uint64(len(events)) {
		if _, there := events[n+1]; !there {
			f.t.Errorf("event %d is missing", n+1)
		}
	}
	for _, w := range told {
		if w.Kind != "saved" {
			continue
		}
		c.acknowledged++
		if !slices.ContainsFunc(slices.Collect(numbers(w.From, w.To)), func(n uint64) bool { return events[n].sets(w) }) {
			c.lost++
			f.t.Errorf("the answer to %s of case %s was called saved with event %d and is not there", w.Key, w.Case, w.To)
		}
	}
	st, err := (&stateFlags{State: f.state}).open(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	defer st.Close()
	if err := st.tablets.Flush(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	if err := st.intake.Flush(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	ledger, err := st.intake.Verify(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	arrived := map[string][]surveys.Interview{}
	for a, err := range st.intake.Arrivals(0) {
		if err != nil {
			f.t.Fatal(err)
		}
		if a.Second {
			c.doubled++
		} else if !a.Partial {
			arrived[a.Case] = append(arrived[a.Case], a.Interview)
		}
	}
	for id, list := range arrived {
		c.accepted++
		c.doubled += len(list) - 1
		c.steps += f.replays(events, id, list[0], st)
	}
	if ledger.Quarantined != 0 {
		f.t.Errorf("%d interviews are in quarantine", ledger.Quarantined)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) { // until the log was followed
		left := f.unsubmitted(st.office)
		if len(left) == 0 {
			break
		}
		if time.Now().After(end) {
			f.t.Errorf("these cases have no interview: %v", left)
			break
		}
	}
	f.checkOffice(st, withdrawn)
	return c
}

func (f *fieldOffice) unsubmitted(o *office.Store) (left []string) {
	for _, id := range f.ids {
		c, err := o.Case(f.t.Context(), supervisorAccount, "w", id, time.Now())
		if err != nil {
			f.t.Fatal(err)
		}
		if c.State != fieldwork.Submitted || len(c.Differs) > 0 {
			left = append(left, fmt.Sprintf("%s %s %v", id, c.State, c.Differs))
		}
	}
	return left
}

// checkOffice looks at what was carried out: selections that replay, nothing held, the counts
// of the tablet as those of the server, and the flag of the case that was withdrawn.
func (f *fieldOffice) checkOffice(st *station, withdrawn string) {
	f.t.Helper()
	ctx := f.t.Context()
	all := auth.Account{Login: "p", Role: auth.Province, Area: "33"}
	committed, err := st.office.Committed(ctx, all, "w")
	if err != nil {
		f.t.Fatal(err)
	}
	evidence, err := st.office.Evidence(ctx, all, "w")
	if err != nil {
		f.t.Fatal(err)
	}
	var list []household.Evidence
	for _, e := range evidence {
		list = append(list, e.Evidence)
	}
	if faults := household.Replay(committed, list); len(faults) > 0 || len(list) != len(f.ids) {
		f.t.Errorf("%d selections of %d cases, faults %v", len(list), len(f.ids), faults)
	}
	devices, err := st.office.Devices(ctx, supervisorAccount)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, d := range devices {
		if d.Name == "x" {
			continue
		}
		n := st.tablets.Counts(d.ID)
		got := []int{n.Begun, n.Finished, n.Parted, n.Attempts, n.Selections, n.Relists, n.Notes, int(n.Last), int(n.Carried)}
		want := []int{d.Report.Begun, d.Report.Finished, d.Report.Parted, d.Report.Attempts, d.Report.Selections, d.Report.Relists, d.Report.Notes, int(d.Report.Last), int(d.Report.Last)}
		if !slices.Equal(got, want) || d.Report.Unsent > 0 || n.Damaged+n.Conflicts > 0 || len(n.Gaps) > 0 {
			f.t.Errorf("the server counts %v, the tablet %v (%+v, %+v)", got, want, n, d.Report)
		}
		held, err := st.office.Held(ctx, supervisorAccount, d.ID)
		if err != nil || len(held) > 0 {
			f.t.Errorf("held: %+v, %v", held, err)
		}
	}
	if withdrawn == "" {
		return
	}
	events, err := st.office.Events(ctx, "w", withdrawn)
	if err != nil || !slices.ContainsFunc(events, func(e fieldwork.Event) bool { return slices.Contains(e.Flags, fieldwork.Withdrawn) }) {
		f.t.Errorf("nothing says that case %s was with somebody else: %+v, %v", withdrawn, events, err)
	}
}

// sets says whether an event is the answer that the driver was told is saved.
func (e journalEvent) sets(w word) bool {
	var m struct {
		Do, Key string
		Values  json.RawMessage
	}
	if e.Kind != "step" || e.Case != w.Case || json.Unmarshal(e.Message, &m) != nil || m.Do != "set" || m.Key != w.Key {
		return false
	}
	var values []string
	return json.Unmarshal(m.Values, &values) == nil && slices.Equal(values, w.Values)
}

func numbers(from, to uint64) func(func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for n := from; n <= to && yield(n); n++ {
		}
	}
}

// replays does the steps of an interview with the server's engine: it must end as the tablet
// sent it.
func (f *fieldOffice) replays(events map[uint64]journalEvent, id string, sent surveys.Interview, st *station) (steps int) {
	f.t.Helper()
	var engine wire.Engine
	q := st.published().served[0].Questionnaire
	compile, err := json.Marshal(map[string]any{"do": "compile", "questionnaire": q})
	if err != nil {
		f.t.Fatal(err)
	}
	call := func(message []byte) (r wire.Reply) {
		f.t.Helper()
		if err := json.Unmarshal(engine.Call(message), &r); err != nil || r.Error != "" {
			f.t.Fatalf("case %s: %s %v", id, r.Error, err)
		}
		return r
	}
	call(compile)
	for n := range uint64(len(events)) {
		e := events[n+1]
		switch {
		case e.Case != id:
		case e.Kind == "begin":
			start, err := json.Marshal(map[string]any{"do": "start", "booklet": e.Booklet, "seed": e.Seed, "lang": e.Lang})
			if err != nil {
				f.t.Fatal(err)
			}
			call(start)
		case e.Kind == "step":
			call(e.Message)
			steps++
		}
	}
	r := call([]byte(`{"do":"finish"}`))
	if r.Result == nil {
		f.t.Errorf("case %s: the server's engine has problems with it: %v", id, r.Problems)
		return steps
	}
	got, want := marshal(f.t, r.Result.Answers), marshal(f.t, sent.Answers)
	if got != want || marshal(f.t, r.Result.Paradata) != marshal(f.t, sent.Paradata) {
		f.t.Errorf("case %s: the server's engine gives\n%s\nthe tablet sent\n%s", id, got, want)
	}
	return steps
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
