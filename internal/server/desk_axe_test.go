package server

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/report/output"
	"github.com/suyang-survey/suyang/surveys"
)

// enter makes the browser that of somebody who is signed in.
func (b *browser) enter(d *deskSite, login string) {
	b.t.Helper()
	w := d.as(login)
	at, err := url.Parse(d.served.URL + "/desk")
	d.must(err)
	for _, c := range w.Jar.Cookies(at) {
		b.run(network.SetCookie(c.Name, c.Value).WithURL(at.String()).WithHTTPOnly(true))
	}
}

// busyDesk is a desk with something on every page: a household that was listed and one that
// was not, an appointment, interviews on both levels of review, a back-check.
func busyDesk(t *testing.T) (d *deskSite, listed, unlisted string) {
	t.Helper()
	d, listed = householdDesk(t, "last-birthday")
	cases := d.as("li")
	form := with(listing("2", [3]string{"man", "44", "yes"}, [3]string{"woman", "41", "yes"}, [3]string{"woman", "12", ""}), "month1", "6", "day1", "2", "month2", "5", "day2", "31")
	if status, body := cases.send("/desk/village/cases/"+url.PathEscape(listed)+"/household?lang=en", form); status != 200 {
		t.Fatalf("listing: %d\n%s", status, body)
	}
	d.must(d.office.Cases(t.Context(), deskStaff()[1], office.Filter{Wave: "village"}, func(c office.Case) bool {
		if c.Method != 0 && c.ID != listed {
			unlisted = c.ID
		}
		return unlisted == ""
	}))
	d.given("c1", unlisted)
	d.submitted("c2", "c3")
	d.happens("c1", fieldwork.Event{Who: "li", Action: fieldwork.Try, Attempt: &fieldwork.Attempt{At: noon, Contact: fieldwork.Visit, Outcome: fieldwork.Appointment, Appointment: noon.AddDate(0, 0, 1)}})
	d.happens("c3", fieldwork.Event{Who: "wu", Action: fieldwork.Approve})
	if _, err := d.office.DrawBackChecks(t.Context(), deskStaff()[4], "village", 1, fieldwork.BackCheckRule{Least: 2}, noon); err != nil {
		t.Fatal(err)
	}
	return d, listed, unlisted
}

// Nobody is kept from working at the desk: axe-core finds nothing wrong with any of its
// pages, on a phone and a desk, in light and dark, in normal and large type, with and
// without faults; and nothing is cut off, too small or too pale there.
func TestDeskAccessible(t *testing.T) {
	script := axeScript(t)
	d, listed, unlisted := busyDesk(t)
	held := busyTablets(d)
	d.released(2, 1)
	d.reported()
	wrong := d.accepted(1, "c1", func(iv *surveys.Interview) {
		iv.Answers["age"], iv.Answers["channels"] = []string{"7"}, []string{"tv", "net", "moon"}
		delete(iv.Answers, "K01")
	})
	done := d.accepted(2, "c2", func(iv *surveys.Interview) { iv.Answers["age"] = nil })
	d.must(d.intake.Dismiss(t.Context(), done.Seq, intake.Verdict{By: "wu", Reason: "试填", Token: "a"}))
	second, third := d.collector(2), d.collector(3)
	second.accepted(3, "c1", func(iv *surveys.Interview) { iv.Answers["age"] = nil })
	third.away.Store(true)
	wrongPage := fmt.Sprintf("/desk/village/quarantine/%d", wrong.Seq)
	at := func(id, below string) string { return "/desk/village/cases/" + url.PathEscape(id) + below }
	for _, c := range []struct {
		login string
		pages map[string]string // address by name
	}{
		{"", map[string]string{"sign in": "/desk/sign-in"}},
		{"wu", map[string]string{"home": "/desk", "cases": "/desk/village/cases?said=given&n=3&kept=1", "cases empty": "/desk/village/cases?find=nothing", "work": "/desk/village/work",
			"case": at("c1", ""), "cases english": "/desk/village/cases", "backchecks english": "/desk/village/backchecks", "case to review": at("c2", ""), "case household": at(listed, ""), "review": "/desk/village/review",
			"quarantine": "/desk/village/quarantine", "quarantine english": "/desk/village/quarantine", "quarantined": wrongPage, "quarantined english": wrongPage,
			"quarantined elsewhere": "/desk/village/quarantine/n2-1", "quarantine decided": fmt.Sprintf("/desk/village/quarantine/%d", done.Seq),
			"backchecks": "/desk/village/backchecks", "backcheck": "/desk/village/backchecks/c2", "link": at("c1", "/link")}},
		{"hangzhou", map[string]string{"both queues": "/desk/village/review", "tablets": "/desk/tablets", "tablets english": "/desk/tablets", "tablet": "/desk/tablets/" + held.id, "tablet english": "/desk/tablets/" + held.id}},
		{"li", map[string]string{"own cases": "/desk/village/cases", "own case": at("c1", ""), "own case english": at("c1", ""), "listing english": at(unlisted, "/household"), "listing": at(unlisted, "/household"), "selected": at(listed, "/household"), "password": "/desk/password"}},
		{"stat", map[string]string{"releases": "/desk/village/releases", "releases english": "/desk/village/releases", "selection": "/desk/village/selection", "problem": "/desk/village/cases",
			"report": "/desk/village/report", "report english": "/desk/village/report", "texts": "/desk/village/report/texts", "texts english": "/desk/village/report/texts?of=en",
			"release": "/desk/village/releases/2", "release english": "/desk/village/releases/2", "release revoked": "/desk/village/releases/1"}},
		{"admin", map[string]string{"accounts": "/desk/accounts", "account": "/desk/accounts/li", "audit": "/desk/audit", "audit english": "/desk/audit?outcome=failed"}},
	} {
		a := &axe{browser: openBrowser(t, d.served.URL), script: script}
		a.run(emulation.SetScriptExecutionDisabled(false))
		if c.login != "" {
			a.enter(d, c.login)
		}
		for name, path := range c.pages {
			glue, lang := "?", "zh"
			if strings.Contains(path, "?") {
				glue = "&"
			}
			if strings.HasSuffix(name, "english") {
				lang = "en"
			}
			a.open(path + glue + "lang=" + lang)
			a.look("desk " + name)
		}
		if c.login == "wu" { // a form that was refused
			a.open(at("c1", "?lang=zh"))
			a.run(chromedp.Evaluate(`document.querySelector("details.act").open = true`, nil))
			a.press("details.act button.main")
			a.look("desk case refused")
			a.open(wrongPage + "?lang=zh")
			a.run(chromedp.Evaluate(`for (const d of document.querySelectorAll("details")) d.open = true`, nil))
			a.look("desk quarantine forms")
			a.press(`details.act button.main`)
			a.look("desk quarantine refused")
			a.open("/desk/village/quarantine/n2-1?lang=zh")
			second.away.Store(true)
			a.press(`details.act button.main`)
			a.look("desk form turned away")
			second.away.Store(false)
		}
		if c.login == "hangzhou" {
			a.lookAtTabletForms(held)
		}
		if c.login == "stat" {
			a.lookAtReportForms(d)
		}
		t.Logf("%s: %d pages, looked at %d times", c.login, a.pages, a.checks)
	}
}

// reported is a desk with reports that were made and failed, texts that were edited, have faults
// and are out of date, and a key that is revoked.
func (d *deskSite) reported() {
	d.t.Helper()
	keys, err := d.deps.Releases.Keys().Public()
	d.must(err)
	if _, err := d.deps.Releases.Keys().Revoke(keys[0].ID(), "2026-01-02", "存有备份的笔记本电脑被盗", noon); err != nil {
		d.t.Fatal(err)
	}
	order := making.ReportOrder{Wave: "village", Who: "stat", Weights: "raked@2", Languages: []surveys.Lang{surveys.ZH}, Forms: []output.Format{output.HTML, output.CSV, output.JSON}}
	made := func(context.Context, making.Made) error { return nil }
	d.must(d.deps.Making.Make(order, made))
	d.idle()
	w := d.as("stat")
	for id, text := range map[string]string{block: "城镇居民的比例为 {residence.urban}。\n\n- 第一条", "suggestions": "加强农村科普。"} {
		if status, body := w.send("/desk/village/report/texts?of=zh", url.Values{"action": {"save"}, "id": {id}, "text": {text}}); status != 200 {
			d.t.Fatalf("%d\n%s", status, body)
		}
	}
	d.urban = 0.171
	path := d.benchConfig.Waves.TextsPath("village", surveys.ZH)
	src, err := os.ReadFile(path)
	d.must(err)
	d.must(os.WriteFile(path, append(src, "\n## gone\n旧的一段 {rat}\n"...), 0o600))
	d.must(d.deps.Making.Make(order, made))
	d.idle()
	for _, e := range []office.Entry{{Action: "make release", Object: "village · 两市数据互换，更正后重新封存，并说明更正前后的差别 · store", Outcome: office.Failed},
		{Action: "edit text", Object: "village findings.zh " + block + " · changed", Outcome: office.Refused}, {Action: "check release", Object: "village 1 · unsound", Outcome: office.Done}} {
		e.At, e.Who = noon, "stat"
		d.must(d.office.Note(d.t.Context(), e))
	}
}

// lookAtReportForms looks at what the forms about reports answer, and at a page while something
// is being made.
func (a *axe) lookAtReportForms(d *deskSite) {
	a.t.Helper()
	a.open("/desk/village/releases?lang=zh")
	a.run(chromedp.Evaluate(`for (const e of document.querySelectorAll("details")) e.open = true; document.querySelector("#reason").value = "x".repeat(161)`, nil))
	a.look("desk release form")
	a.press("details.act button.main")
	a.look("desk release refused")
	const save = `details[data-at] button.main`
	edit := fmt.Sprintf(`{const f = document.querySelector('input[name="id"][value="%s"]').closest("details"); f.open = true; f.dataset.at = ""; f.querySelector("textarea").value = "{rat}\n# 标题\n{rate"}`, block)
	a.open("/desk/village/report/texts?lang=zh&of=zh")
	a.run(chromedp.Evaluate(edit, nil))
	a.press(save)
	a.look("desk text faults")
	a.open("/desk/village/report/texts?lang=zh&of=zh")
	other := d.as("province")
	_, body := other.open("/desk/village/report/texts?lang=zh&of=zh")
	if status, body := other.send("/desk/village/report/texts?of=zh", url.Values{"action": {"save"}, "id": {block}, "text": {"另一人的文字"}, "version": {hidden(a.t, body, block, "version")}}); status != 200 {
		a.t.Fatalf("%d\n%s", status, body)
	}
	a.run(chromedp.Evaluate(edit, nil))
	a.press(save)
	a.look("desk text conflict")
	a.open("/desk/village/report/texts?lang=zh&of=zh")
	d.held = make(chan struct{})
	d.must(d.deps.Making.Draft("village", "", "province", func(context.Context, string, *making.Failure) error { return nil }))
	a.press("form.sheet button")
	a.look("desk texts waiting")
	close(d.held)
	d.idle()
	d.held = make(chan struct{})
	defer func() { close(d.held); d.idle() }()
	a.open("/desk/village/report?lang=zh")
	a.press("form.sheet button.main")
	a.open("/desk/village/report?lang=zh&watch=off") // one that refreshes itself would be gone while it is looked at
	a.look("desk report being made")
}

// lookAtTabletForms looks at what the forms about tablets answer.
func (a *axe) lookAtTabletForms(held *aTablet) {
	a.t.Helper()
	const file = `input[type="file"]`
	a.open("/desk/tablets/" + held.id + "?lang=zh")
	a.run(chromedp.Evaluate(`for (const d of document.querySelectorAll("details.act")) d.open = true`, nil))
	a.look("desk tablet forms")
	a.press(`button[value="retry"]`)
	a.look("desk tablet tried again")
	a.open("/desk/tablets?lang=zh")
	a.run(chromedp.SetValue("#login", "li", chromedp.ByQuery))
	a.press(`form[action*="enrol"] button`)
	a.look("desk tablet code")
	for name, content := range map[string][]byte{"read": held.rescueFile(), "refused": []byte("no rescue file")} {
		path := filepath.Join(a.t.TempDir(), "suyang.rescue")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			a.t.Fatal(err)
		}
		a.open("/desk/tablets?lang=zh")
		a.run(chromedp.SetUploadFiles(file, []string{path}, chromedp.ByQuery))
		a.press(`form[action*="rescue"] button`)
		a.look("desk rescue " + name)
	}
}
