package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/making/makingtest"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/release"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// bench is what makes reports at a desk of the tests, of numbers that are made up.
type bench struct {
	benchConfig making.Config
	mu          sync.Mutex
	// held keeps an estimate from ending while there is one; fail is what it ends with.
	held chan struct{}
	fail error
	// urban is the rate of townspeople.
	urban float64
	// ordered are the releases that were asked for; releases makes them.
	ordered []making.ReleaseOrder
}

func (d *deskSite) openBench(t *testing.T, now func() time.Time) *making.Workshop {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "waves", "village"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.urban = 0.162
	cfg := making.DefaultConfig()
	cfg.Folder, cfg.Waves, cfg.Program, cfg.Now, cfg.Chromium = filepath.Join(dir, "made"), waves.Folder(filepath.Join(dir, "waves")), "suyang test", now, "no-such-browser"
	cfg.Estimate, cfg.Release = d.estimate, d.freeze
	cfg.WeightSets = func(_ context.Context, wave string) ([]string, error) { return []string{"raked@1", "raked@2"}, nil }
	d.benchConfig = cfg
	return d.runWorkshop(t)
}

func (d *deskSite) runWorkshop(t *testing.T) *making.Workshop {
	t.Helper()
	w, err := making.New(d.benchConfig)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return w
}

func (d *deskSite) estimate(ctx context.Context, wave, weights string) (making.Estimated, error) {
	d.mu.Lock()
	held, fail, urban := d.held, d.fail, d.urban
	d.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return making.Estimated{}, ctx.Err()
		}
	}
	if fail != nil {
		return making.Estimated{}, fail
	}
	return making.Estimated{Results: makingtest.Results(wave, urban), Weights: weights, At: noon,
		Data: making.Data{Interviews: 3012, Questionnaire: "2026.1", Standings: "0123456789abcdef"}}, nil
}

// freeze makes a release of one file.
func (d *deskSite) freeze(ctx context.Context, o making.ReleaseOrder) (int, error) {
	d.ordered = append(d.ordered, o)
	if d.fail != nil {
		return 0, d.fail
	}
	m, err := d.deps.Releases.Make(ctx, release.Draft{Wave: o.Wave, Languages: []string{"zh"}, Program: "suyang test", Now: noon, Corrects: o.Corrects, Reason: o.Reason,
		Contents: func(context.Context, release.About) (release.Contents, error) {
			return release.Contents{Files: []release.File{{Name: "a.csv", Write: func(w io.Writer) error { _, err := io.WriteString(w, "a\n"); return err }}}}, nil
		}})
	return m.Number, err
}

// drafted lets the numbers be computed that texts are drafted from.
func (d *deskSite) drafted(weights string) {
	d.t.Helper()
	d.must(d.deps.Making.Draft("village", weights, "stat", func(context.Context, string, *making.Failure) error { return nil }))
	d.idle()
}

// idle waits until nothing is being made.
func (d *deskSite) idle() {
	d.t.Helper()
	for range 4000 {
		if now, _ := d.deps.Making.States("village", making.ReportKind); !now.Running() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	d.t.Fatal("something is still being made")
}

func reportForm(weights string, more ...string) url.Values {
	return with(url.Values{"weights": {weights}, "lang-zh": {"yes"}, "form": {"html", "csv"}}, more...)
}

// hidden is the value of a hidden field in the form of a block.
func hidden(t *testing.T, body, block, name string) string {
	t.Helper()
	_, form, ok := strings.Cut(body, `name="id" value="`+block+`"`)
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(form)
	if !ok || m == nil {
		t.Fatalf("the page has no %s of block %s\n%s", name, block, body)
	}
	return m[1]
}

// A report is made without script: the page says how far it is and asks for itself again, only
// one is made at a time, and then its files are there, with who made it from what.
func TestDeskReport(t *testing.T) {
	d := newDesk(t)
	d.cfg.ReportCSP = "default-src 'none'; script-src 'sha256-x'"
	stat, other := d.as("stat"), d.as("province")
	const page = "/desk/village/report?lang=en"
	if status, body := stat.open(page); status != 200 || !strings.Contains(body, "raked@2") || !strings.Contains(body, "print it to PDF with your own browser") || strings.Contains(body, `value="pdf"`) {
		t.Fatalf("the page: %d\n%s", status, body)
	}
	d.held = make(chan struct{})
	if status, body := stat.send(page, reportForm("raked@2")); status != 200 || !strings.Contains(body, "begun by 统计师 (stat)") || !strings.Contains(body, "The report is being made") {
		t.Fatalf("ordered: %d\n%s", status, body)
	}
	for now := (making.State{}); now.Total == 0; now, _ = d.deps.Making.States("village", making.ReportKind) {
		time.Sleep(time.Millisecond)
	}
	if _, body := stat.open(page); !strings.Contains(body, "0 of 3 parts") || !strings.Contains(body, `<progress max="3" value="0"`) {
		t.Errorf("the page does not say how far it is\n%s", body)
	}
	res, err := stat.Get(d.served.URL + page + "&said=ordered")
	d.must(err)
	res.Body.Close()
	if got := res.Header.Get("Refresh"); !strings.HasPrefix(got, "4; url=/desk/village/report?") || strings.Contains(got, "said") {
		t.Errorf("the page asks for itself with %q", got)
	}
	res, err = stat.Get(d.served.URL + page + "&watch=off")
	d.must(err)
	res.Body.Close()
	if got := res.Header.Get("Refresh"); got != "" {
		t.Errorf("a page that was told to stop asks for itself: %q", got)
	}
	if status, body := other.send(page, reportForm("raked@1", "form", "csv")); status != http.StatusConflict || !strings.Contains(body, "Only one thing is made at a time") {
		t.Errorf("a second one: %d\n%s", status, body)
	}
	close(d.held)
	d.idle()
	d.held = nil
	rows := stat.rows(page, "made")
	if len(rows) != 1 || rows[0][2] != "统计师 (stat)" || rows[0][3] != "made" || rows[0][4] != "raked@2" || rows[0][5] != "3012" || rows[0][7] != "0123456789ab" {
		t.Errorf("the list is %v", rows)
	}
	for name, want := range map[string][2]string{"village.zh.html": {"text/html; charset=utf-8", ""}, "village.zh.csv": {"text/csv; charset=utf-8", "attachment; filename*=UTF-8''village.zh.csv"}} {
		res, err := stat.Get(d.served.URL + "/desk/village/report/1/" + name)
		d.must(err)
		body, err := io.ReadAll(res.Body)
		d.must(err)
		res.Body.Close()
		if h := res.Header; res.StatusCode != 200 || len(body) < 500 || h.Get("Content-Type") != want[0] || h.Get("Content-Disposition") != want[1] || h.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d, %d bytes, %v", name, res.StatusCode, len(body), h)
		}
	}
	for _, path := range []string{"1/made.json", "1/village.zh.pdf", "2/village.zh.csv", "01/village.zh.csv", "1/..%2f..%2foffice.db", "x/village.zh.csv"} {
		if status, _ := stat.open("/desk/village/report/" + path); status != http.StatusNotFound {
			t.Errorf("%s is %d", path, status)
		}
	}
}

// What cannot be made is refused with what was chosen; what fails says why in plain words, in
// both languages.
func TestDeskReportRefused(t *testing.T) {
	d := newDesk(t)
	stat := d.as("stat")
	for name, form := range map[string]url.Values{"no such weights": reportForm("raked@9"), "no language": reportForm("", "lang-zh", ""), "no form": reportForm("", "form", "odt")} {
		status, body := stat.send("/desk/village/report?lang=en", form)
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%s: %d\n%s", name, status, body)
		}
	}
	for _, c := range []struct {
		err    error
		zh, en string
	}{
		{fmt.Errorf("clickhouse: %w", surveys.ErrUnavailable), "数据库暂时不可用", "The database does not answer"},
		{fmt.Errorf("plan.yaml: variable <x> does not exist: %w", surveys.ErrInvalid), "variable &lt;x&gt; does not exist", "variable &lt;x&gt; does not exist"},
		{fmt.Errorf("/secret/path: broken"), "系统内部出错", "Something went wrong on our side"},
	} {
		d.fail = c.err
		if status, _ := stat.send("/desk/village/report", reportForm("")); status != 200 {
			t.Fatalf("ordered: %d", status)
		}
		d.idle()
		for lang, want := range map[string]string{"zh": c.zh, "en": c.en} {
			if _, body := stat.open("/desk/village/report?lang=" + lang); !strings.Contains(body, want) || strings.Contains(body, "secret") {
				t.Errorf("%v: the page in %s lacks %q\n%s", c.err, lang, want, body)
			}
		}
	}
	d.fail = nil
	d.must(os.WriteFile(d.benchConfig.Waves.TextsPath("village", surveys.ZH), []byte("## findings\n{rat}\n### <b>\n"), 0o600))
	stat.send("/desk/village/report", reportForm(""))
	d.idle()
	if _, body := stat.open("/desk/village/report?lang=en"); !strings.Contains(body, "findings.zh.md, line 2") || !strings.Contains(body, "findings.zh.md, line 3: “### &lt;b&gt;” looks like a heading") {
		t.Errorf("faults of texts:\n%s", body)
	}
}

// Reports are for who may estimate and sees all cases, and forms must come from the session.
func TestDeskReportRights(t *testing.T) {
	d := newDesk(t)
	d.released(1, 0)
	d.drafted("")
	posts := map[string]url.Values{"/desk/village/report": reportForm(""), "/desk/village/report/texts": {"action": {"save"}, "id": {"findings"}, "text": {"x"}},
		"/desk/village/releases": reportForm("", "reason", "x")}
	for login, want := range map[string]int{"li": 403, "wu": 403, "reader": 403, "hangzhou": 403, "admin": 403} {
		w := d.as(login)
		for _, path := range []string{"/desk/village/report", "/desk/village/report/texts", "/desk/village/report/1/village.zh.csv", "/desk/village/releases/1"} {
			if status, _ := w.open(path); status != want {
				t.Errorf("%s opens %s: %d", login, path, status)
			}
		}
		for path, form := range posts {
			if status, _ := w.send(path, form); status != want {
				t.Errorf("%s sends %s: %d", login, path, status)
			}
			form.Del(tokenField)
		}
	}
	account := deskStaff()[7]
	account.Area = "3301" // a statistician of one city of several
	d.must(d.office.PutAccount(t.Context(), account, "admin", noon))
	city := d.as("stat")
	for _, path := range []string{"/desk/village/report", "/desk/village/report/texts", "/desk/village/report/1/village.zh.csv", "/desk/village/releases/1", "/desk/village/releases/1/release.zip", "/desk/village/releases/1/release.json"} {
		if status, _ := city.open(path); status != http.StatusNotFound {
			t.Errorf("a statistician of one city opens %s: %d", path, status)
		}
	}
	for path, form := range posts {
		if status, _ := city.send(path, form); status != http.StatusNotFound {
			t.Errorf("a statistician of one city sends %s: %d", path, status)
		}
		form.Set(tokenField, "forged")
		if status, _ := d.as("province").send(path, form); status != http.StatusForbidden {
			t.Errorf("a forged form to %s: %d", path, status)
		}
	}
	for _, line := range []string{"open page /desk/village/report · area", "open page /desk/village/report/texts · area", "read report village 1 · area", "check release village 1 · area",
		"read release village 1 · area", "make report village · area", "edit text village · area", "make release village · area"} {
		if !slices.Contains(d.trail("stat"), line+" refused") {
			t.Errorf("the trail lacks %q: %q", line, d.trail("stat"))
		}
	}
	if list, _ := d.deps.Making.Made("village"); len(list) > 0 || len(d.ordered) > 0 {
		t.Error("something was made for who may not")
	}
}

const block = "text-group-residence"

// A block is edited, saved where commands read it, marked when its numbers change, and
// restored; the audit trail says who did it.
func TestDeskTexts(t *testing.T) {
	d := newDesk(t)
	stat := d.as("stat")
	const page = "/desk/village/report/texts?lang=en&of=zh"
	if status, body := stat.open(page); status != 200 || !strings.Contains(body, "No numbers have been computed") {
		t.Fatalf("before any numbers: %d\n%s", status, body)
	}
	if status, body := stat.send(page, url.Values{"action": {"draft"}, "weights": {"raked@2"}}); status != 200 || !strings.Contains(body, "are being computed") {
		t.Fatalf("asked to draft: %d\n%s", status, body)
	}
	d.idle()
	_, body := stat.open(page)
	if !strings.Contains(body, "16.2%") || !strings.Contains(body, "weights: raked@2, 3012 interviews") {
		t.Fatalf("the drafts:\n%s", body)
	}
	save := func(w *worker, text string, more ...string) (int, string) {
		_, body := w.open(page)
		return w.send(page+"&weights=raked%402", with(url.Values{"action": {"save"}, "id": {block}, "text": {text}, "facts": {hidden(t, body, block, "facts")}, "version": {hidden(t, body, block, "version")}}, more...))
	}
	if status, body := save(stat, "城镇 <b>{residence.urban}</b>。\r\n\r\n- 第一条"); status != 200 || !strings.Contains(body, "The text is saved") || !strings.Contains(body, "城镇 &lt;b&gt;{residence.urban}&lt;/b&gt;。") || !strings.Contains(body, "Written by 统计师 (stat)") {
		t.Fatalf("saved: %d\n%s", status, body)
	}
	texts, err := making.Texts(d.benchConfig.Waves, "village", surveys.ZH)
	d.must(err)
	doc, err := making.Forms{Lang: surveys.ZH, Texts: texts, Made: noon}.Document(makingtest.Results("village", 0.162))
	d.must(err)
	found := false
	for _, s := range doc.Sections {
		for _, b := range s.Blocks {
			found = found || b.Text != nil && b.Text.ID == block && b.Text.Paragraphs[0] == "城镇 <b>16.2%</b>。"
		}
	}
	if !found {
		t.Error("the report of a command does not have what the desk saved")
	}
	d.urban = 0.171
	d.drafted("raked@2")
	if _, body := stat.open(page); !strings.Contains(body, "Numbers have changed since this was written") || !strings.Contains(body, "17.1%") {
		t.Errorf("a change of numbers is not marked:\n%s", body)
	}
	_, body = stat.open(page)
	if status, body := stat.send(page, url.Values{"action": {"restore"}, "id": {block}, "version": {hidden(t, body, block, "version")}}); status != 200 || !strings.Contains(body, "The draft is restored") || strings.Contains(body, "第一条") {
		t.Errorf("restored: %d\n%s", status, body)
	}
	trail, err := d.office.Trail(t.Context(), 2)
	d.must(err)
	if trail[0].Action != "restore text" || trail[1].Action != "edit text" || !strings.HasPrefix(trail[1].Object, "village findings.zh "+block+" · ") || trail[1].Who != "stat" {
		t.Errorf("the trail is %+v", trail)
	}
}

// Every fault of a text is named at once, in words, and what was typed is given back.
func TestDeskTextFaults(t *testing.T) {
	d := newDesk(t)
	stat := d.as("stat")
	d.drafted("")
	for lang, wants := range map[string][]string{
		"en": {"Line 1: There is no blank “rat”.", "Line 2: “# 标题” looks like a heading", "Line 3: A brace is open", "was not saved", `href="#block-suggestions"`, `id="block-suggestions"`},
		"zh": {"第 1 行：没有 rat 这个占位符。", "第 2 行：“# 标题”像标题", "第 3 行：花括号不成对", "没有保存"},
	} {
		status, body := stat.send("/desk/village/report/texts?of=zh&lang="+lang, url.Values{"action": {"save"}, "id": {"suggestions"}, "text": {"{rat}\n# 标题\n{rate <i>"}})
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, "{rate &lt;i&gt;</textarea>") {
			t.Errorf("%s: %d, what was typed is lost\n%s", lang, status, body)
		}
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the page lacks %q", lang, want)
			}
		}
	}
	if texts, err := making.Texts(d.benchConfig.Waves, "village", surveys.ZH); err != nil || texts != nil {
		t.Errorf("a faulty text was saved: %v", err)
	}
	if status, _ := stat.send("/desk/village/report/texts", url.Values{"action": {"save"}, "id": {"nothing"}, "text": {"x"}}); status != http.StatusUnprocessableEntity {
		t.Errorf("a block that is not there: %d", status)
	}
	d.must(os.WriteFile(d.benchConfig.Waves.TextsPath("village", surveys.ZH), []byte("备忘\n## foundings\n旧\n"), 0o600))
	if status, body := stat.open("/desk/village/report/texts?of=zh&lang=en"); status != 200 || !strings.Contains(body, "findings.zh.md, line 1") || !strings.Contains(body, "has no such block any more") {
		t.Errorf("a file that was changed outside: %d\n%s", status, body)
	}
}

// Of two who edit one block the second one sees who saved meanwhile and both texts, and may
// then save; another block is no matter. After a restart what was typed is given back, and can
// be saved when the numbers are there.
func TestDeskTextsTwoPeople(t *testing.T) {
	d := newDesk(t)
	stat, other := d.as("stat"), d.as("province")
	d.drafted("")
	const page = "/desk/village/report/texts?lang=en&of=zh"
	_, body := stat.open(page)
	version := hidden(t, body, "suggestions", "version")
	sent := func(text, version string) url.Values {
		return url.Values{"action": {"save"}, "id": {"suggestions"}, "text": {text}, "version": {version}}
	}
	if status, _ := stat.send(page, sent("甲的文字", version)); status != 200 {
		t.Fatalf("the first one: %d", status)
	}
	status, body := other.send(page, sent("乙的文字", version))
	if status != http.StatusConflict {
		t.Fatalf("the second one: %d\n%s", status, body)
	}
	for _, want := range []string{"While you were writing, 统计师 (stat) saved this block", `lang="zh">甲的文字</pre>`, "乙的文字</textarea>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the second one is not shown %q\n%s", want, body)
		}
	}
	if src, err := d.benchConfig.Waves.Texts("village", surveys.ZH); err != nil || strings.Contains(string(src), "乙") || !strings.Contains(string(src), "甲的文字") {
		t.Errorf("the file is %s, %v", src, err)
	}
	if status, body := other.send(page, sent("甲与乙", hidden(t, body, "suggestions", "version"))); status != 200 || !strings.Contains(body, "Written by 省科协 (province)") {
		t.Errorf("put together: %d\n%s", status, body)
	}
	// By hand, outside of the desk.
	src, err := d.benchConfig.Waves.Texts("village", surveys.ZH)
	d.must(err)
	d.must(os.WriteFile(d.benchConfig.Waves.TextsPath("village", surveys.ZH), []byte(strings.Replace(string(src), "甲与乙", "丙", 1)), 0o600))
	if _, body := stat.open(page); !strings.Contains(body, "Written by somebody outside of the desk") {
		t.Errorf("what was written outside:\n%s", body)
	}
	d.held = make(chan struct{})
	d.deps.Making = d.runWorkshop(t) // as after a restart
	_, body = stat.send(page+"&weights=-", sent("丁 <b>", "x"))
	if !strings.Contains(body, "nothing is lost") || !strings.Contains(body, "丁 &lt;b&gt;</textarea>") {
		t.Errorf("after a restart:\n%s", body)
	}
	close(d.held)
	d.idle()
	if len(d.deps.Making.Drafted("village")) != 1 {
		t.Error("the numbers are not computed anew by themselves")
	}
}

// A release is made at the desk with a reason, a correction names the old one, and checking it
// says in words what is right and what is wrong.
func TestDeskMakesReleases(t *testing.T) {
	d := newDesk(t)
	dir := d.released(1, 0)
	stat := d.as("stat")
	const page = "/desk/village/releases?lang=en"
	form := func(more ...string) url.Values {
		return with(reportForm("raked@2", "reason", "final figures"), more...)
	}
	for name, c := range map[string]struct {
		form url.Values
		want string
	}{
		"no reason":       {form("reason", " "), "Give the reason"},
		"two lines":       {form("reason", "a\nb"), "Give the reason"},
		"a long reason":   {form("reason", strings.Repeat("长", 161)), "Give the reason"},
		"nothing chosen":  {form("form", "odt"), "Choose at least one language"},
		"no such weights": {form("weights", "raked@9"), "no such set of weights"},
		"no such release": {form("corrects", "7"), "no such release to correct"},
	} {
		if status, body := stat.send(page, c.form); status != http.StatusUnprocessableEntity || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d\n%s", name, status, body)
		}
	}
	if status, body := stat.send(page, form("corrects", "1", "reason", "two cities were exchanged <b>")); status != 200 || !strings.Contains(body, "is being made") {
		t.Fatalf("a correction: %d\n%s", status, body)
	}
	d.idle()
	rows := stat.rows(page, "releases")
	if len(rows) != 2 || rows[0][3] != "newest" || rows[0][4] != "1" || rows[1][3] != "corrected by release 2" {
		t.Errorf("the list is %v", rows)
	}
	if o := d.ordered[0]; o.Weights != "raked@2" || o.Corrects != 1 || o.Who != "stat" || o.Languages[0] != surveys.ZH {
		t.Errorf("the order was %+v", o)
	}
	if trail, err := d.office.Trail(t.Context(), 1); err != nil || trail[0].Action != "make release" || trail[0].Object != "village 2 · two cities were exchanged <b>" || trail[0].Who != "stat" {
		t.Errorf("the trail is %+v, %v", trail, err)
	}
	if status, body := stat.send(page, form("corrects", "1")); status != http.StatusUnprocessableEntity || !strings.Contains(body, "correct the correction") {
		t.Errorf("corrected again: %d\n%s", status, body)
	}
	_, body := stat.open("/desk/village/releases/2?lang=en")
	if !strings.Contains(body, "All is well") || !strings.Contains(body, "It corrects release 1: two cities were exchanged &lt;b&gt;") || !strings.Contains(body, "/desk/village/releases/2/release.zip") {
		t.Errorf("the check:\n%s", body)
	}
	file := filepath.Join(dir, "releases", "village", "1", "data.csv")
	d.must(os.Chmod(file, 0o600))
	d.must(os.WriteFile(file, []byte("b\n"), 0o600))
	if _, body := stat.open("/desk/village/releases/1?lang=zh"); !strings.Contains(body, "核对有误，共 1 处") || !strings.Contains(body, "文件 data.csv 与签名时不一致") || !strings.Contains(body, "已由版本 2 更正") {
		t.Errorf("the check of what was changed:\n%s", body)
	}
	// A revoked key is reported everywhere, and a key is never shown.
	keys := d.deps.Releases.Keys()
	list, err := keys.Public()
	d.must(err)
	_, err = keys.Revoke(list[0].ID(), "2026-01-02", "the laptop was stolen", time.Now())
	d.must(err)
	for path, wants := range map[string][]string{
		"/desk/village/releases?lang=en":   {"its key is revoked: not to be trusted", "the laptop was stolen", "The key that signs is revoked", "/v1/release-revoked.json"},
		"/desk/village/releases/2?lang=en": {"revoked since 2026-01-02: the laptop was stolen", "Do not use this release"},
		"/v1/release-revoked.json":         {list[0].Fingerprint(), "the laptop was stolen"},
	} {
		_, body := stat.open(path)
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %q\n%s", path, want, body)
			}
		}
		if strings.Contains(body, "PRIVATE KEY") {
			t.Errorf("%s shows a private key", path)
		}
	}
	if status, _ := stat.open("/desk/village/releases/9"); status != http.StatusNotFound {
		t.Errorf("a release that is not there: %d", status)
	}
	d.fail = fmt.Errorf("%w: 3 interviews are not stored yet", surveys.ErrConflict)
	stat.send(page, form())
	d.idle()
	if _, body := stat.open(page); !strings.Contains(body, "stands in the way") || !strings.Contains(body, "3 interviews are not stored yet") {
		t.Errorf("a release that was refused:\n%s", body)
	}
}

// trail is what the audit trail says of an account, the oldest line first.
func (d *deskSite) trail(who string) (lines []string) {
	d.t.Helper()
	_, err := d.office.Audit(d.t.Context(), office.AuditFilter{Who: who}, func(e office.Entry) {
		lines = append(lines, e.Action+" "+e.Object+" "+e.Outcome)
	})
	d.must(err)
	slices.Reverse(lines)
	return lines
}

// Everything that is done about reports, texts and releases leaves one entry of its own, with
// its outcome and, where it was refused or failed, the reason; never with what was typed.
func TestDeskReportTrail(t *testing.T) {
	d := newDesk(t)
	dir := d.released(1, 0)
	stat := d.as("stat")
	const reports, texts, releases = "/desk/village/report", "/desk/village/report/texts?of=zh", "/desk/village/releases"
	text := func(id, content string, more ...string) url.Values {
		return with(url.Values{"action": {"save"}, "id": {id}, "text": {content}}, more...)
	}
	post := func(page string, form url.Values) func() { return func() { stat.send(page, form); d.idle() } }
	get := func(page string) func() { return func() { stat.open(page) } }
	failing := func(err error, do func()) func() { return func() { d.fail = err; do(); d.fail = nil } }
	meanwhile := func(do func()) func() { // while another report is being made, of another account
		return func() {
			d.held = make(chan struct{})
			d.must(d.deps.Making.Draft("village", "", "province", func(context.Context, string, *making.Failure) error { return nil }))
			do()
			close(d.held)
			d.idle()
			d.held = nil
		}
	}
	away, secret := fmt.Errorf("clickhouse: %w", surveys.ErrUnavailable), errors.New("/secret/path")
	for _, c := range []struct {
		name string
		do   func()
		want string // action, object and outcome; what stands for a version is left out
	}{
		{"a text after a restart", post(texts, text("suggestions", "secret")), "edit text village findings.zh suggestions · numbers refused\ndraft texts village done"},
		{"drafts", post(texts, url.Values{"action": {"draft"}, "weights": {"raked@2"}}), "draft texts village raked@2 done"},
		{"drafts without ClickHouse", failing(away, post(texts, url.Values{"action": {"draft"}, "weights": {""}})), "draft texts village · store failed"},
		{"drafts of no weights", post(texts, url.Values{"action": {"draft"}, "weights": {"raked@9"}}), "draft texts village · form refused"},
		{"drafts meanwhile", meanwhile(func() {
			status, body := stat.send(texts+"&lang=en", url.Values{"action": {"draft"}, "weights": {"raked@1"}})
			if status != http.StatusConflict || !strings.Contains(body, "the numbers that you asked for are not being computed") || !strings.Contains(body, "begun by 省科协 (province)") || strings.Contains(body, "The numbers are being computed.") {
				t.Errorf("drafts while something else is made: %d\n%s", status, body)
			}
		}), "draft texts village · busy refused"},
		{"a report", post(reports, reportForm("raked@2")), "make report village 1 done"},
		{"a report of nothing", post(reports, reportForm("", "form", "")), "make report village · form refused"},
		{"a report meanwhile", meanwhile(func() { stat.send(reports, reportForm("")) }), "make report village · busy refused"},
		{"a report without ClickHouse", failing(away, post(reports, reportForm(""))), "make report village 2 · store failed"},
		{"a report and a fault of ours", failing(secret, post(reports, reportForm(""))), "make report village 3 · ours failed"},
		{"a file", get(reports + "/1/village.zh.csv"), "read report village 1 · village.zh.csv done"},
		{"a file that is not there", get(reports + "/1/secret.csv"), "read report village 1 · absent refused"},
		{"a report that is not there", get(reports + "/9/village.zh.csv"), "read report village 9 · absent refused"},
		{"a text", post(texts, text("suggestions", "secret")), "edit text village findings.zh suggestions · VERSION done"},
		{"a text with faults", post(texts, text(block, "{secret}")), "edit text village findings.zh " + block + " · texts refused"},
		{"a text that somebody changed", post(texts, text("suggestions", "secret", "version", "x")), "edit text village findings.zh suggestions · changed refused"},
		{"a text of no block", post(texts, text("no-block", "secret")), "edit text village findings.zh no-block · absent refused"},
		{"a text of an odd block", post(texts, text("<secret> of 张三", "secret")), "edit text village findings.zh  · absent refused"},
		{"a draft that cannot be restored", post(texts, text("suggestions", "", "action", "restore", "version", "x")), "restore text village findings.zh suggestions · changed refused"},
		{"a release", post(releases, reportForm("", "reason", "final <b>")), "make release village 2 · final <b> done"},
		{"a release without a reason", post(releases, reportForm("", "reason", "")), "make release village · form refused"},
		{"a release meanwhile", meanwhile(func() { stat.send(releases, reportForm("", "reason", "x")) }), "make release village · busy refused"},
		{"a release that cannot be made", failing(fmt.Errorf("/secret: %w", surveys.ErrConflict), post(releases, reportForm("", "reason", "final"))), "make release village · final · busy failed"},
		{"a file of a release", get(releases + "/2/a.csv"), "read release village 2 · a.csv done"},
		{"a release as a zip", get(releases + "/2/release.zip"), "read release village 2 · release.zip done"},
		{"a file that is not in a release", get(releases + "/2/secret.csv"), "read release village 2 · absent refused"},
		{"a release that is sound", get(releases + "/2"), "check release village 2 · sound done"},
		{"a release that is not there", get(releases + "/9"), "check release village 9 · absent refused"},
		{"a release that was changed", func() {
			file := filepath.Join(dir, "releases", "village", "2", "a.csv")
			d.must(os.Chmod(file, 0o600))
			d.must(os.WriteFile(file, []byte("b\n"), 0o600))
			stat.open(releases + "/2")
		}, "check release village 2 · unsound done"},
		{"a file that was changed", get(releases + "/2/a.csv"), "read release village 2 · ours failed"},
	} {
		before := len(d.trail("stat"))
		c.do()
		lines := d.trail("stat")[before:]
		got := regexp.MustCompile(`· [0-9a-f]{12} done$`).ReplaceAllString(strings.Join(lines, "\n"), "· VERSION done")
		if got != c.want {
			t.Errorf("%s leaves %q, want %q", c.name, got, c.want)
		}
	}
	if all := strings.Join(d.trail("stat"), "\n"); strings.Contains(all, "secret") || strings.Contains(all, "张三") {
		t.Errorf("the trail has what was typed:\n%s", all)
	}
}

// A report that a crash cut off has its entry when the server is there again.
func TestDeskTrailAfterCrash(t *testing.T) {
	d := newDesk(t)
	left := filepath.Join(d.benchConfig.Folder, "village", ".making-7")
	d.must(os.MkdirAll(left, 0o700))
	d.must(os.WriteFile(filepath.Join(left, "made.json"), []byte(`{"wave": "village", "number": 7, "who": "stat"}`), 0o600))
	d.deps.Making, d.cfg.Addr = d.runWorkshop(t), "127.0.0.1:0"
	d.must(d.Listen())
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	res, err := http.Get("http://" + d.Addr() + "/desk/sign-in")
	d.must(err)
	res.Body.Close()
	stop()
	d.must(<-ended)
	if got := d.trail("stat"); !slices.Equal(got, []string{"make report village 7 · ended failed"}) {
		t.Errorf("the trail is %q", got)
	}
}

// The page of the audit trail has words for every outcome and reason, in both languages, and
// finds what failed; a reason that somebody typed is no code.
func TestDeskTrailWords(t *testing.T) {
	d := newDesk(t)
	for _, e := range []office.Entry{
		{Action: "make report", Object: "village 3 · store", Outcome: office.Failed},
		{Action: "make release", Object: "village · final · busy", Outcome: office.Failed},
		{Action: "make release", Object: "village 2 · store", Outcome: office.Done},
		{Action: "check release", Object: "village 2 · unsound", Outcome: office.Done},
		{Action: "edit text", Object: "village findings.zh suggestions · changed", Outcome: office.Refused},
	} {
		e.At, e.Who = noon, "stat"
		d.must(d.office.Note(t.Context(), e))
	}
	admin := d.as("admin")
	for lang, want := range map[string][][]string{
		"zh": {{"修改报告文字", "village findings.zh suggestions · 他人已先修改", "被拒绝"}, {"核对报告版本", "village 2 · 核对有误", "完成"}, {"封存报告版本", "village 2 · store", "完成"},
			{"封存报告版本", "village · final · 有冲突，或正在变动", "失败"}, {"编制报告", "village 3 · 数据库不可用", "失败"}},
		"en": {{"Edit a text of the report", "village findings.zh suggestions · somebody else had changed it", "Refused"}, {"Check a release", "village 2 · not as it should be", "Done"}, {"Make a release", "village 2 · store", "Done"},
			{"Make a release", "village · final · something was changing or stood in the way", "Failed"}, {"Make a report", "village 3 · the database did not answer", "Failed"}},
	} {
		rows := admin.rows("/desk/audit?who=stat&lang="+lang, "audit")
		for i, row := range rows[:min(len(rows), len(want))] {
			if !slices.Equal(row[2:5], want[i]) {
				t.Errorf("%s: the line %d is %q, want %q", lang, i, row, want[i])
			}
		}
		if len(rows) < len(want) {
			t.Errorf("%s: only %q", lang, rows)
		}
	}
	if rows := admin.rows("/desk/audit?outcome=failed&lang=en", "audit"); len(rows) != 2 {
		t.Errorf("what failed is %q", rows)
	}
}

// Every kind of fault and failure has words.
func TestMakingWords(t *testing.T) {
	for _, kind := range report.TextFaultKinds() {
		if textFaultWords[kind] == "" {
			t.Errorf("the fault %s of texts has no words", kind)
		}
	}
	for _, why := range making.Whys() {
		if failWords[why] == "" || becauseWords[because(why)] == "" {
			t.Errorf("the failure %s has no words", why)
		}
	}
	for _, kind := range release.FaultKinds() {
		if releaseFaultWords[kind] == "" {
			t.Errorf("the fault %s of releases has no words", kind)
		}
	}
}
