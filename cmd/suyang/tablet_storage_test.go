package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"mime"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
)

// bench is one tablet with an office of its own, for what happens to a single tablet.
type bench struct {
	*fieldOffice
	server *program
	line   *line
	tablet *device
	driver string
}

func newBench(t *testing.T, cases int) *bench {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a server and a browser; without -short it runs")
	}
	b := &bench{fieldOffice: newFieldOffice(t, cases), driver: tabletDriver(t)}
	b.server = startProgram(t, b.state)
	b.line = newLine(t, "http://"+b.server.addr, rand.New(rand.NewPCG(1, 1)))
	b.tablet = newDevice(t, b.line.site.URL)
	return b
}

// inFull passes over a test that only make test-tablet runs.
func inFull(t *testing.T) {
	t.Helper()
	if !*everything {
		t.Skip("make test-tablet runs it")
	}
}

// settle gives the page the driver again, as after it was opened.
func (b *bench) settle() {
	b.t.Helper()
	if err := b.tablet.drive(b.driver, map[string]any{"pin": tabletPIN}); err != nil {
		b.t.Fatal(err)
	}
}

// reopen kills the browser and opens the app anew.
func (b *bench) reopen() {
	b.t.Helper()
	b.tablet.kill()
	b.tablet.start(800, 1280, "/tablet")
	b.settle()
}

// until waits for something on the page.
func (b *bench) until(script string) {
	b.t.Helper()
	var is bool
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		b.tablet.eval("!!("+script+")", &is)
		if is {
			return
		}
		if time.Now().After(end) {
			var screen string
			b.tablet.eval(`(document.querySelector("main")?.dataset.screen ?? "") + ": " + document.body.innerText.slice(0, 1500)`, &screen)
			b.t.Fatalf("waited in vain for %s on %s", script, screen)
		}
	}
}

// do presses a button.
func (b *bench) do(what string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.querySelector('[data-do="%s"]:not([disabled])')`, what))
	b.tablet.eval(fmt.Sprintf(`document.querySelector('[data-do="%s"]').click()`, what), nil)
}

// says returns what is on the screen.
func (b *bench) says() (text string) {
	b.t.Helper()
	b.tablet.eval("document.body.innerText", &text)
	return text
}

// begin opens a case and begins its interview, listing the household before.
func (b *bench) begin(id string) {
	b.t.Helper()
	b.tablet.eval(`window.wanted = ["`+id+`"]; location.hash = "#/work"`, nil)
	b.tablet.eval(`(async () => {
		await window.unlockIt();
		for (let n = 0; n < 20 && document.querySelector("main").dataset.screen !== "interview"; n++) await window.stepOnce();
	})()`, nil)
	b.until(`document.querySelector("main[data-screen=interview]")`)
}

// all works until nothing is left to do.
func (b *bench) all() {
	b.t.Helper()
	b.tablet.eval("window.wanted = undefined; window.work()", nil)
}

// send brings everything home.
func (b *bench) send() {
	b.t.Helper()
	var done string
	b.tablet.eval("window.send(20)", &done)
	if done == "" {
		b.t.Fatalf("the office does not have everything: %s", b.says())
	}
}

// submitted waits until the cases have an interview at the desk.
func (b *bench) submitted(ids ...string) {
	b.t.Helper()
	b.with(func(o *office.Store) {
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			left := slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
				c, err := o.Case(b.t.Context(), supervisorAccount, "w", id, time.Now())
				return err == nil && c.State == fieldwork.Submitted
			})
			if len(left) == 0 {
				return
			}
			if time.Now().After(end) {
				b.t.Fatalf("without an interview: %v", left)
			}
		}
	})
}

// inStorage runs a script with the tablet's database open as db.
const inStorage = `new Promise((done, fail) => {
	const r = indexedDB.open("suyang-tablet");
	r.onerror = () => fail(r.error);
	r.onsuccess = async () => {
		const db = r.result;
		const get = (store, key) => new Promise((ok) => { const q = db.transaction(store).objectStore(store).get(key); q.onsuccess = () => ok(q.result); });
		const put = (store, ...args) => new Promise((ok) => { const t = db.transaction(store, "readwrite"); t.objectStore(store).put(...args); t.oncomplete = () => ok(); });
		try { done(await (async () => { %s })()); } catch (e) { fail(e); } finally { db.close(); }
	};
})`

// A wrong PIN costs time, also when the app is opened anew, and erases nothing.
func TestTabletPIN(t *testing.T) {
	inFull(t)
	b := newBench(t, 1)
	b.tablet.enrol(b.code())
	b.settle()
	b.begin(b.ids[0])
	b.reopen()
	b.until(`document.querySelector("main[data-screen=unlock]")`)
	for n := 1; n <= 4; n++ {
		b.until(`!document.querySelector("[data-do=unlock]").disabled`)
		b.tablet.must(chromedp.SetValue("input[name=pin]", "111112", chromedp.ByQuery))
		b.do("unlock")
		b.until(`document.querySelector("[role=alert]")`)
	}
	var tries struct{ N, At, Until int64 }
	b.tablet.eval(fmt.Sprintf(inStorage, `return await get("meta", "tries");`), &tries)
	if tries.N != 4 || tries.Until-tries.At != 4000 {
		t.Errorf("after four wrong PINs: %+v", tries)
	}
	b.tablet.eval(fmt.Sprintf(inStorage, `await put("meta", {n: 4, at: Date.now(), until: Date.now() + 12000}, "tries"); return 0;`), nil)
	wait := time.Now()
	b.reopen() // which does not help
	b.until(`document.querySelector("main[data-screen=unlock]")`)
	var waits bool
	if b.tablet.eval(`document.querySelector("[data-do=unlock]").disabled`, &waits); !waits && time.Since(wait) < 11*time.Second {
		t.Error("opening the app anew spares one the wait after wrong PINs")
	}
	b.until(`!document.querySelector("[data-do=unlock]").disabled`)
	b.tablet.eval("window.unlockIt()", nil)

	const another = "482916"
	change := func(old, said string) {
		t.Helper()
		b.tablet.eval(`location.hash = "#/device"`, nil)
		b.until(`document.querySelector("main[data-screen=device] [data-do=change-pin]")`)
		b.tablet.eval(`document.querySelector("[data-do=change-pin]").closest("details").open = true`, nil)
		for name, value := range map[string]string{"old": old, "new": another, "again": another} {
			b.tablet.must(chromedp.SetValue("input[name="+name+"]", value, chromedp.ByQuery))
		}
		b.do("change-pin")
		b.until(said)
	}
	change("111112", `document.querySelector("input[name=old][aria-invalid=true]")`)
	change(tabletPIN, `document.querySelector("[data-changed=pin]")`)
	b.tablet.kill()
	b.tablet.start(800, 1280, "/tablet")
	b.until(`document.querySelector("main[data-screen=unlock]") && !document.querySelector("[data-do=unlock]").disabled`)
	b.tablet.must(chromedp.SetValue("input[name=pin]", tabletPIN, chromedp.ByQuery))
	b.do("unlock")
	b.until(`document.querySelector("[role=alert]")`)
	if err := b.tablet.drive(b.driver, map[string]any{"pin": another}); err != nil {
		t.Fatal(err)
	}
	b.all()
	b.send()
	b.submitted(b.ids[0])
}

// Whatever is not right when a tablet is set up is said in words, and can be mended.
func TestTabletSetUp(t *testing.T) {
	inFull(t)
	b := newBench(t, 1)
	b.tablet.start(360, 740, "/tablet")
	b.until(`document.querySelector("main[data-screen=setup]")`)
	fill := func(code, pin, repeat string) {
		t.Helper()
		for name, value := range map[string]string{"code": code, "name": "平板", "pin": pin, "repeat": repeat} {
			b.tablet.must(chromedp.SetValue("input[name="+name+"]", value, chromedp.ByQuery))
		}
		b.do("enrol")
	}
	good := b.line.site.URL + "/tablet#e=" + b.code()
	for _, c := range []struct{ what, code, pin, repeat, words string }{
		{"a wrong QR code", "https://example.cn/menu", tabletPIN, tabletPIN, "登记"},
		{"an unknown code", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", tabletPIN, tabletPIN, "登记"},
		{"a short PIN", good, "1234", "1234", "6"},
		{"a PIN that is guessed first", good, "123456", "123456", "PIN"},
		{"another PIN the second time", good, tabletPIN, "482916", "PIN"},
	} {
		fill(c.code, c.pin, c.repeat)
		b.until(`document.querySelector("[role=alert]") && document.documentElement.dataset.ready === "1"`)
		if said := b.says(); !strings.Contains(said, c.words) {
			t.Errorf("%s: %s", c.what, said)
		}
		b.tablet.eval(`document.querySelector("[role=alert]").remove()`, nil)
	}
	b.line.set(true, false)
	fill(good, tabletPIN, tabletPIN)
	b.until(`document.querySelector("[role=alert]")`)
	b.line.set(false, false)
	fill(good, tabletPIN, tabletPIN)
	b.until(`document.querySelector("main[data-screen=checkout]")`)
}

// Two tabs do not work on one journal: the second one says where it is open, and takes over
// when the first is closed.
func TestTabletTwoTabs(t *testing.T) {
	b := newBench(t, 1)
	b.tablet.enrol(b.code())
	b.settle()
	b.begin(b.ids[0])
	second, closeSecond := chromedp.NewContext(b.tablet.ctx)
	defer closeSecond()
	look := func(want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(second, 30*time.Second)
		defer cancel()
		if err := chromedp.Run(ctx, chromedp.WaitVisible(want, chromedp.ByQuery)); err != nil {
			t.Fatalf("the second tab does not show %s: %v", want, err)
		}
	}
	if err := chromedp.Run(second, chromedp.Navigate(b.line.site.URL+"/tablet")); err != nil {
		t.Fatal(err)
	}
	look("main[data-screen=elsewhere]")
	b.all() // the first tab goes on as before
	b.send()
	b.submitted(b.ids[0])
	_ = b.tablet.do(10*time.Second, page.Close())
	look("main[data-screen=unlock]")
}

// When the storage is full, nothing is called saved that is not, and work goes on when there
// is room again.
func TestTabletFull(t *testing.T) {
	b := newBench(t, 1)
	b.tablet.enrol(b.code())
	b.settle()
	b.begin(b.ids[0])
	b.tablet.before = storage.OverrideQuotaForOrigin(b.line.site.URL).WithQuotaSize(1) // the browser looks at it now and then only
	b.reopen()
	b.tablet.before = nil
	b.tablet.eval("window.unlockIt()", nil)
	b.tablet.eval(fmt.Sprintf(`location.hash = "#/interview/w/%s"`, b.ids[0]), nil)
	b.until(`document.querySelector(".paper input[name=age]")`)
	const saved = `Number(document.documentElement.dataset.saved ?? 0)`
	var before, after float64
	b.tablet.eval(saved, &before)
	b.tablet.eval(`(() => { const f = document.querySelector(".paper input[name=age]"); f.value = "44"; f.dispatchEvent(new Event("input", {bubbles: true})); f.dispatchEvent(new Event("change", {bubbles: true})); })()`, nil)
	b.until(`document.querySelector("[data-do=retry]")`)
	if b.tablet.eval(saved, &after); after != before {
		t.Errorf("with a full storage the answer is called saved with event %v, after %v", after, before)
	}
	var kept string
	if b.tablet.eval(`document.querySelector(".paper input[name=age]").value`, &kept); kept != "44" {
		t.Errorf("the answer is %q on the screen", kept)
	}
	b.tablet.must(storage.OverrideQuotaForOrigin(b.line.site.URL))
	b.do("retry")
	b.until(fmt.Sprintf(saved+` > %v`, before))
	b.all()
	b.send()
	b.submitted(b.ids[0])
}

// The storage of a tablet is cleared: what it held is in the rescue file, which anybody can
// save without the PIN, and which the desk reads.
func TestTabletRescue(t *testing.T) {
	b := newBench(t, 2)
	b.tablet.enrol(b.code())
	b.settle()
	b.line.set(true, false)
	b.all()
	b.reopen()
	b.until(`document.querySelector("main[data-screen=unlock]")`)
	downloads := t.TempDir()
	b.tablet.must(chromedp.ActionFunc(func(ctx context.Context) error {
		c := chromedp.FromContext(ctx)
		return browser.SetDownloadBehavior(browser.SetDownloadBehaviorBehaviorAllow).WithDownloadPath(downloads).Do(cdp.WithExecutor(ctx, c.Browser))
	}))
	b.do("rescue")
	file := ""
	for end := time.Now().Add(20 * time.Second); file == "" && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if found, _ := filepath.Glob(filepath.Join(downloads, "suyang-rescue-*.jsonl")); len(found) == 1 {
			file = found[0]
		}
	}
	time.Sleep(200 * time.Millisecond)
	content, err := os.ReadFile(file)
	if err != nil || bytes.Contains(content, []byte(b.ids[0])) || !bytes.Contains(content, []byte(`"end":`)) {
		t.Fatalf("the rescue file %q: %v, or it can be read by anybody, or is not whole", file, err)
	}
	b.tablet.must(storage.ClearDataForOrigin(b.line.site.URL, "all"))
	b.line.set(false, false)
	b.tablet.must(chromedp.Navigate(b.line.site.URL + "/tablet"))
	b.until(`document.querySelector("main[data-screen=setup]")`)

	b.server.stop()
	st, err := (&stateFlags{State: b.state}).open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(content, []byte(`"data":"`)) + len(`"data":"`)
	damaged := slices.Concat(content[:at], []byte("AAAA"), content[at:])
	for n, c := range [][]byte{damaged, content, content[:len(content)/2]} {
		result, err := st.tablets.Rescue(t.Context(), bytes.NewReader(c), func(string) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case n == 0 && (len(result.Damaged) != 1 || result.Taken < 100),
			n == 1 && result.Taken != 1,
			n == 2 && (result.Taken != 0 || result.Repeated < 50):
			t.Errorf("file %d: %+v", n, result)
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	b.server.start()
	b.submitted(b.ids...)
}

// The browser comes up with an empty database, or with one of an earlier day: the second copy
// brings everything back. Without the copy it is made anew.
func TestTabletSecondCopy(t *testing.T) {
	b := newBench(t, 3)
	b.tablet.enrol(b.code())
	b.settle()
	b.line.set(true, false)
	var told []word
	work := func(id string) {
		t.Helper()
		b.begin(id)
		b.tablet.eval(`(async () => { for (let n = 0; n < 5; n++) await window.stepOnce(); })()`, nil)
		told = append(told, b.tablet.words()...)
	}
	restored := func(times int, lost bool) {
		t.Helper()
		b.tablet.eval("window.unlockIt()", nil)
		var said string
		b.tablet.eval(`document.documentElement.dataset.lost ?? ""`, &said)
		if (said != "") != lost {
			t.Errorf("the app says of its database %q", said)
		}
		b.tablet.eval(`location.hash = "#/device"`, nil)
		b.until(`document.querySelector("main[data-screen=device] [data-check=copied][data-ok=true]")`)
		var n int
		b.tablet.eval(fmt.Sprintf(inStorage, `return (await get("meta", "restores")) ?? 0;`), &n)
		if n != times {
			t.Errorf("the database was restored %d times; want %d", n, times)
		}
	}

	work(b.ids[0])
	b.tablet.kill()
	b.tablet.lose(databaseFolder)
	b.tablet.start(800, 1280, "/tablet")
	b.settle()
	restored(1, true)

	b.tablet.kill()
	database := b.tablet.kept(databaseFolder)
	earlier := filepath.Join(t.TempDir(), "earlier")
	if err := os.CopyFS(earlier, os.DirFS(database)); err != nil {
		t.Fatal(err)
	}
	b.tablet.start(800, 1280, "/tablet")
	b.settle()
	work(b.ids[1])
	b.tablet.kill()
	b.tablet.lose(databaseFolder)
	if err := os.CopyFS(database, os.DirFS(earlier)); err != nil {
		t.Fatal(err)
	}
	b.tablet.start(800, 1280, "/tablet")
	b.settle()
	restored(2, true)

	b.tablet.kill()
	b.tablet.lose(filesFolder)
	b.tablet.start(800, 1280, "/tablet")
	b.settle()
	restored(2, false) // the copy is made anew
	work(b.ids[2])
	b.tablet.kill()
	b.tablet.lose(databaseFolder)
	b.tablet.start(800, 1280, "/tablet")
	b.settle()
	restored(3, true)

	b.line.set(false, false)
	b.all()
	told = append(told, b.tablet.words()...)
	b.send()
	b.server.stop()
	if c := b.check(told, ""); c.acknowledged < 10 || c.lost > 0 || c.accepted != 3 || c.doubled > 0 {
		t.Errorf("%+v", c)
	}
	b.server.start()
	b.with(func(o *office.Store) {
		devices, err := o.Devices(t.Context(), supervisorAccount)
		if err != nil || len(devices) != 1 || devices[0].Report.Restored != 3 || devices[0].Report.Copied == nil || !*devices[0].Report.Copied {
			t.Errorf("the tablets at the desk: %+v, %v", devices, err)
		}
	})
}

// The clock of the tablet is moved by days, while the app is open and while it is closed: the
// times of what happened stay right.
func TestTabletClock(t *testing.T) {
	b := newBench(t, 2)
	b.tablet.enrol(b.code())
	b.settle()
	attempt := func(id, outcome string) {
		t.Helper()
		b.tablet.eval(fmt.Sprintf(`location.hash = "#/attempt/w/%s"`, id), nil)
		b.until(`document.querySelector("main[data-screen=attempt] select[name=outcome]")`)
		b.tablet.must(chromedp.SetValue("select[name=outcome]", outcome, chromedp.ByQuery))
		b.do("save")
		b.until(`document.querySelector("main[data-screen=case]")`)
	}
	const moved = `{const D = Date; const by = %d * 86400000; globalThis.Date = class extends D { constructor(...a) { if (a.length) super(...a); else super(D.now() + by); } static now() { return D.now() + by; } }; 0}`
	b.line.set(true, false)
	b.tablet.eval(fmt.Sprintf(moved, 5), nil)
	attempt(b.ids[0], "nobody-home")
	b.line.set(false, false)
	b.send()
	began := time.Now()
	b.with(func(o *office.Store) {
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			c, err := o.Case(t.Context(), supervisorAccount, "w", b.ids[0], time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Attempts) == 1 {
				if off := began.Sub(c.Attempts[0].At).Abs(); off > 2*time.Minute {
					t.Errorf("the attempt was at %s, %v off", c.Attempts[0].At, off)
				}
				break
			}
			if time.Now().After(end) {
				t.Fatalf("no attempt: %+v", c)
			}
		}
	})
	b.server.stop()
	kinds := map[string]int{}
	for _, e := range b.journalOf() {
		kinds[e.Kind]++
	}
	if kinds["clock"] == 0 {
		t.Errorf("that the clock was moved is not in the journal: %v", kinds)
	}
}

// The place of an attempt is read once, and only when its own consent was ticked; less exactly
// than the tablet knows it.
func TestTabletPlace(t *testing.T) {
	inFull(t)
	b := newBench(t, 1)
	b.tablet.enrol(b.code())
	b.settle()
	b.tablet.must(chromedp.ActionFunc(func(ctx context.Context) error {
		c := chromedp.FromContext(ctx)
		return browser.SetPermission(&browser.PermissionDescriptor{Name: "geolocation"}, browser.PermissionSettingGranted).WithOrigin(b.line.site.URL).Do(cdp.WithExecutor(ctx, c.Browser))
	}), emulation.SetGeolocationOverride().WithLatitude(30.2741234).WithLongitude(120.1551234).WithAccuracy(8))
	b.tablet.eval(fmt.Sprintf(`location.hash = "#/attempt/w/%s"`, b.ids[0]), nil)
	b.until(`document.querySelector("main[data-screen=attempt] select[name=outcome]")`)
	var shown bool
	if b.tablet.eval(`document.querySelector("[data-do=locate]").offsetParent !== null`, &shown); shown {
		t.Error("the place can be read without consent")
	}
	b.tablet.eval(`document.querySelector("[data-do=locate]").click(); document.querySelector("input[name=place]").click()`, nil)
	b.do("locate")
	b.until(`document.querySelector("#where").textContent.includes("100") && document.querySelector("[data-do=locate]").offsetParent === null`)
	b.tablet.must(chromedp.SetValue("select[name=outcome]", "nobody-home", chromedp.ByQuery))
	b.do("save")
	b.until(`document.querySelector("main[data-screen=case]")`)
	b.send()
	b.with(func(o *office.Store) {
		want := fieldwork.Position{Latitude: 30.274, Longitude: 120.155, Accuracy: 100}
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			c, err := o.Case(t.Context(), supervisorAccount, "w", b.ids[0], time.Now())
			if err == nil && len(c.Attempts) == 1 && c.Attempts[0].Place != nil && *c.Attempts[0].Place == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("the case is %+v, %v; want an attempt at %+v", c, err, want)
			}
		}
	})
}

// A record that cannot be read any more is said, and harms no other.
func TestTabletDamaged(t *testing.T) {
	inFull(t)
	b := newBench(t, 2)
	b.tablet.enrol(b.code())
	b.settle()
	b.line.set(true, false)
	b.all()
	var last int
	b.tablet.eval(`Number(document.documentElement.dataset.saved)`, &last)
	b.tablet.eval(fmt.Sprintf(inStorage, `const e = await get("events", 12); const d = new Uint8Array(e.data); d[3] ^= 255; await put("events", {...e, data: e.data instanceof ArrayBuffer ? d.buffer : d}); return 0;`), nil)
	b.reopen()
	b.tablet.eval("window.unlockIt()", nil)
	b.until(`document.querySelector("main[data-screen=work]")`)
	if said := b.says(); !strings.Contains(said, "12") || !strings.Contains(said, "救援") && !strings.Contains(said, "读") {
		t.Errorf("the damaged record is not said: %s", said)
	}
	b.line.set(false, false)
	b.send()
	b.submitted(b.ids...)
	b.with(func(o *office.Store) {
		devices, err := o.Devices(t.Context(), supervisorAccount)
		if err != nil || len(devices) != 1 || devices[0].Report.Damaged != 1 {
			t.Errorf("the tablets at the desk: %+v, %v", devices, err)
		}
	})
}

// A tablet that was revoked loses the way to its data when it hears of it; the office still
// reads them.
func TestTabletRevoked(t *testing.T) {
	inFull(t)
	b := newBench(t, 1)
	b.tablet.enrol(b.code())
	b.settle()
	b.line.set(true, false)
	b.all()
	b.with(func(o *office.Store) {
		devices, err := o.Devices(t.Context(), supervisorAccount)
		if err != nil || len(devices) != 1 {
			t.Fatal(devices, err)
		}
		if err := o.Revoke(t.Context(), supervisorAccount, devices[0].ID, "丢失", time.Now()); err != nil {
			t.Fatal(err)
		}
	})
	b.line.set(false, false)
	b.tablet.eval(`location.hash = "#/sync"`, nil)
	b.until(`document.querySelector("[data-do=send]")?.click(), document.querySelector("main[data-screen=revoked] [data-do=rescue]")`)
	var there string
	b.tablet.eval(fmt.Sprintf(inStorage, `const d = await get("meta", "device"); return JSON.stringify([d.wrapped, d.secret, Boolean(d.box)]);`), &there)
	if there != "[null,null,true]" {
		t.Errorf("key, secret and the office's box are %s", there)
	}
	b.reopen()
	b.until(`document.querySelector("main[data-screen=revoked] [data-do=rescue]")`)
	b.tablet.kill()
	var kept []byte
	if err := filepath.WalkDir(b.tablet.kept(filesFolder), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		kept = append(kept, content...)
		return err
	}); err != nil || !bytes.Contains(kept, []byte(`"wrapped":null`)) || bytes.Contains(kept, []byte(`"wrapped":{`)) {
		t.Errorf("the second copy of a revoked tablet still has the key: %v", err)
	}
}

// Records that follow each other are lost, and with them the hashes of all but the last: what
// comes after is sent all the same, and carried out once the office goes on without them.
func TestTabletRecordsLost(t *testing.T) {
	inFull(t)
	b := newBench(t, 2)
	b.tablet.enrol(b.code())
	b.settle()
	b.line.set(true, false)
	b.all()
	b.tablet.eval(fmt.Sprintf(inStorage, `const t = db.transaction("events", "readwrite"); t.objectStore("events").delete(IDBKeyRange.bound(20, 22)); await new Promise((ok) => { t.oncomplete = ok; }); return 0;`), nil)
	b.reopen()
	b.tablet.eval("window.unlockIt()", nil)
	b.until(`document.querySelector("main[data-screen=work]")`)
	b.line.set(false, false)
	b.tablet.eval(`location.hash = "#/sync"`, nil)
	b.do("send")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		var sent bool
		b.tablet.eval(fmt.Sprintf(inStorage, `const s = await get("meta", "sent"); return s !== undefined && s.seq === (await get("meta", "head")).seq;`), &sent)
		if sent {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("not everything was sent: %s", b.says())
		}
	}
	b.server.stop()
	st, err := (&stateFlags{State: b.state}).open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	devices, err := st.office.Devices(t.Context(), supervisorAccount)
	if err != nil || len(devices) != 1 {
		t.Fatal(devices, err)
	}
	if n := st.tablets.Counts(devices[0].ID); len(n.Gaps) != 1 || n.Gaps[0] != [2]uint64{20, 22} {
		t.Errorf("the gaps are %v", n.Gaps)
	}
	if _, err := st.tablets.GiveUp(t.Context(), devices[0].ID, [][2]uint64{{20, 22}}); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	b.server.start()
	b.submitted(b.ids...)
}

// The office is restored from backups, of a time when it had less of the tablet's journal than
// it had signed for, and of one when it did not know the tablet: the tablet sends what the
// office lost, in the second case after it was enrolled again, and every interview is there.
func TestTabletOfficeRestored(t *testing.T) {
	inFull(t)
	b := newBench(t, 2)
	folder := t.TempDir()
	before, between := filepath.Join(folder, "before"), filepath.Join(folder, "between")
	must(t, "backup", before, "--state", b.state)
	restore := func(backup string) {
		t.Helper()
		b.server.stop()
		b.state = filepath.Join(folder, "state of "+filepath.Base(backup))
		must(t, "restore", backup, "--state", b.state)
		b.server.state = b.state
		b.server.start()
	}
	b.tablet.enrol(b.code())
	b.settle()
	b.begin(b.ids[0])
	b.send()
	must(t, "backup", between, "--state", b.state)
	b.all()
	b.send()
	b.submitted(b.ids...)

	restore(between)
	b.send()
	b.submitted(b.ids...)

	restore(before)
	b.tablet.eval(`location.hash = "#/sync"`, nil)
	b.do("send")
	b.until(`document.querySelector("[data-do=enrol-again]")`)
	b.tablet.eval(`document.querySelector("input[name=code]").value = "`+b.code()+`"`, nil)
	b.do("enrol-again")
	b.until(`!document.querySelector("#again")`)
	b.send()
	b.submitted(b.ids...)
	b.with(func(o *office.Store) {
		held, err := o.Held(t.Context(), supervisorAccount, "")
		if err != nil || len(held) > 0 {
			t.Errorf("held are %v, %v", held, err)
		}
	})
}

// Questionnaire, app and form engine are replaced while an interview is under way: it goes on
// with its own questionnaire on the new engine, and the next one takes the new questionnaire.
func TestTabletUpgrade(t *testing.T) {
	b := newBench(t, 2)
	b.tablet.enrol(b.code())
	b.settle()
	b.begin(b.ids[0])
	b.tablet.eval("window.stepOnce()", nil) // a page of answers
	old, newer := appVersions(t)
	b.server.stop()
	questionnaire := filepath.Join(t.TempDir(), "questionnaire")
	if err := os.CopyFS(questionnaire, os.DirFS("../../surveys/library/civic-literacy")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(questionnaire, "questionnaire.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(text, []byte(`您最想了解什么，或者最担心什么？`), []byte(`您最想了解哪些事，或者最担心什么？`), 1)
	if bytes.Equal(changed, text) {
		t.Fatal("the questionnaire does not have the words any more")
	}
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "publish", "w", "--questionnaire", file, "--draw", b.draw, "--state", b.state)
	b.server.start()
	b.line.mu.Lock()
	b.line.instead = newer.serve
	b.line.mu.Unlock()
	b.tablet.eval(`location.hash = "#/checkout"`, nil)
	b.do("fetch")
	b.until(`document.documentElement.dataset.ready === "1" && document.querySelector("main[data-screen=checkout] main, main[data-screen=checkout] [data-do=work]")`)
	b.tablet.eval(`location.hash = "#/device"; navigator.serviceWorker.getRegistration("/tablet").then((r) => r.update()).then(() => 0)`, nil)
	b.do("update")
	b.until(fmt.Sprintf(`document.documentElement?.dataset.build === %q`, newer.build))
	b.settle()
	b.tablet.eval("window.unlockIt()", nil)
	b.all()
	b.send()
	b.submitted(b.ids...)
	b.server.stop()
	versions, engines := map[string]int{}, map[string]bool{}
	for _, e := range b.journalOf() {
		if e.Kind == "begin" {
			versions[e.Version]++
		}
		if e.Engine != "" {
			engines[e.Engine] = true
		}
	}
	if len(versions) != 2 || !engines[old.engine] || !engines[newer.engine] {
		t.Errorf("the interviews began with the versions %v, the engines were %v", versions, engines)
	}
}

// appVersion is the tablet's app as it is served.
type appVersion struct {
	build, engine string
	files         map[string][]byte
}

// appVersions are the app as it was built, and another one with a changed form engine, as if
// the program had been upgraded.
func appVersions(t *testing.T) (built, changed appVersion) {
	t.Helper()
	const dist = "../../web/tablet/dist"
	entries, err := os.ReadDir(dist)
	if err != nil {
		t.Fatal(err)
	}
	built.files, changed.files = map[string][]byte{}, map[string][]byte{}
	for _, e := range entries {
		if ext := path.Ext(e.Name()); ext != ".br" && ext != ".gz" && !strings.HasPrefix(e.Name(), ".") {
			if built.files[e.Name()], err = os.ReadFile(filepath.Join(dist, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	sum := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	replace := []string{}
	rename := func(pattern string, change func([]byte) []byte) {
		for name, content := range built.files {
			if ok, _ := path.Match(pattern, name); !ok {
				continue
			}
			content = change(content)
			renamed := name
			if parts := strings.Split(name, "."); len(parts) == 3 {
				renamed = parts[0] + "." + sum(content)[:12] + "." + parts[2]
			}
			replace = append(replace, name, renamed, sum(built.files[name]), sum(content))
			changed.files[renamed] = content
		}
	}
	replaced := func(b []byte) []byte { return []byte(strings.NewReplacer(replace...).Replace(string(b))) }
	same := func(b []byte) []byte { return b }
	for _, pattern := range []string{"*.png", "*.css", "wasm_exec.*.js", "manifest.webmanifest"} {
		rename(pattern, same)
	}
	custom := []byte{0, 5, 4, 't', 'e', 's', 't'} // a section without meaning, of seven bytes
	rename("form.*.wasm", func(b []byte) []byte { return append(slices.Clone(b), custom...) })
	rename("app.*.js", replaced)
	built.build = string(regexp.MustCompile(`data-build="([0-9a-f]+)"`).FindSubmatch(built.files["index.html"])[1])
	changed.build = strings.Repeat("0", 8) + built.build[:8]
	replace = append(replace, built.build, changed.build)
	rename("index.html", replaced)
	rename("sw.js", replaced)
	for name := range built.files {
		if strings.HasSuffix(name, ".wasm") {
			built.engine = sum(built.files[name])
		}
	}
	for name := range changed.files {
		if strings.HasSuffix(name, ".wasm") {
			changed.engine = sum(changed.files[name])
		}
	}
	return built, changed
}

// serve answers for the files of the app.
func (v appVersion) serve(w http.ResponseWriter, r *http.Request) bool {
	name := "index.html"
	if r.URL.Path != "/tablet" {
		var ok bool
		if name, ok = strings.CutPrefix(r.URL.Path, "/tablet/"); !ok {
			return false
		}
	}
	content := v.files[name]
	if content == nil {
		return false
	}
	media := mime.TypeByExtension(path.Ext(name))
	if path.Ext(name) == ".wasm" {
		media = "application/wasm"
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Service-Worker-Allowed", "/tablet")
	_, _ = w.Write(content)
	return true
}
