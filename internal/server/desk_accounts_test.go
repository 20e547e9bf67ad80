package server

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// The administrator makes an account, gives it a password that is shown once, changes and
// disables it; what is wrong is said, with what was typed.
func TestDeskAccounts(t *testing.T) {
	d := newDesk(t)
	admin := d.as("admin")
	zhao := url.Values{"login": {"zhao"}, "name": {"赵访问员"}, "role": {"enumerator"}, "area": {"3302"}}
	for name, c := range map[string]struct {
		form  url.Values
		words string
	}{
		"a capital login":      {with(zhao, "login", "Zhao"), "small letters"},
		"no name":              {with(zhao, "name", " "), "1 to 60 characters"},
		"a city of two digits": {with(zhao, "role", "city", "area", "33"), "an area of 4 digits"},
		"an unknown role":      {with(zhao, "role", "boss"), "small letters"},
		"one that is there":    {with(zhao, "login", "li"), "is there already"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := admin.send("/desk/accounts?lang=en", c.form)
			d.wants(status, body, http.StatusUnprocessableEntity, c.words, `value="`+c.form.Get("area")+`"`)
		})
	}
	status, body := admin.send("/desk/accounts?lang=en", with(zhao))
	d.wants(status, body, http.StatusOK, "The account is saved", "Account zhao")
	status, body = admin.send("/desk/accounts/zhao?lang=en", url.Values{"action": {"password"}, "password": {"short"}})
	d.wants(status, body, http.StatusUnprocessableEntity, "at least 10 characters")
	status, body = admin.send("/desk/accounts/zhao?lang=en", url.Values{"action": {"password"}})
	d.wants(status, body, http.StatusOK, "shown this once")
	_, secret, _ := strings.Cut(body, `<p class="receipt">`)
	secret, _, _ = strings.Cut(secret, "<")
	if _, err := d.office.SignIn(t.Context(), "zhao", secret, noon); err != nil {
		t.Errorf("with the password %q: %v", secret, err)
	}
	if _, body := admin.open("/desk/accounts/zhao"); strings.Contains(body, secret) {
		t.Error("the password is shown a second time")
	}
	status, body = admin.send("/desk/accounts/zhao?lang=en", with(zhao, "disabled", "yes"))
	d.wants(status, body, http.StatusOK, "The account is saved")
	if _, err := d.office.SignIn(t.Context(), "zhao", secret, noon); err == nil {
		t.Error("a disabled account signs in")
	}
	_, csv := admin.open("/desk/accounts?lang=en&download=accounts")
	d.wants(0, csv, 0, "zhao,赵访问员,Enumerator,3302 Ningbo,Yes,")
	for _, own := range []url.Values{{"name": {"管理员"}, "role": {"reader"}}, {"name": {"管理员"}, "role": {"administrator"}, "disabled": {"yes"}}} {
		status, body = admin.send("/desk/accounts/admin?lang=en", own)
		d.wants(status, body, http.StatusUnprocessableEntity, "You cannot change your own role")
	}
	if status, _ := admin.open("/desk/accounts/nobody"); status != http.StatusNotFound {
		t.Errorf("an account that is not there: %d", status)
	}
	if status, _ := d.as("province").send("/desk/accounts?lang=en", with(zhao)); status != http.StatusForbidden {
		t.Errorf("a provincial office makes accounts: %d", status)
	}
}

// Everybody changes their own password and needs the present one, wrong ones of which lock
// the account as those at the door do.
func TestDeskPassword(t *testing.T) {
	d := newDesk(t)
	li, elsewhere := d.as("li"), d.as("li")
	form := url.Values{"old": {deskPassword}, "new": {"another horse 2"}, "again": {"another horse 2"}}
	for want, f := range map[string]url.Values{"present password is wrong": with(form, "old", "wrong"), "The two new passwords differ": with(form, "again", "x"),
		"at least 10 characters": with(form, "new", "short", "again", "short")} {
		status, body := li.send("/desk/password?lang=en", f)
		d.wants(status, body, http.StatusUnprocessableEntity, want)
	}
	status, body := li.send("/desk/password?lang=en", with(form))
	d.wants(status, body, http.StatusOK, "The password is changed", "Sign out")
	if _, body := elsewhere.open("/desk"); !strings.Contains(body, "Password") || strings.Contains(body, "Sign out") {
		t.Error("the other session goes on")
	}
	if _, err := d.office.SignIn(t.Context(), "li", deskPassword, noon); err == nil {
		t.Error("the old password still lets in")
	}
	chen := d.as("chen")
	for range 5 {
		chen.send("/desk/password?lang=en", with(form, "old", "wrong"))
	}
	if _, err := d.office.SignIn(t.Context(), "chen", deskPassword, noon); err == nil {
		t.Error("five wrong passwords do not lock the account")
	}
}

// The audit trail is filtered and downloaded, and tells no secret.
func TestDeskAudit(t *testing.T) {
	d := newDesk(t)
	ningbo := d.as("ningbo")
	ningbo.open("/desk/village/cases/c1")
	ningbo.open("/desk/audit")
	admin := d.as("admin")
	_, csv := admin.open("/desk/audit?lang=en&download=audit&who=ningbo&outcome=refused")
	lines := strings.Split(strings.TrimSpace(csv), "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[1], "ningbo,Open a page,/desk/audit,Refused") || !strings.HasSuffix(lines[2], "ningbo,Open a case,village c1,Refused") {
		t.Errorf("the refused lines of ningbo are %q", lines)
	}
	_, csv = admin.open("/desk/audit?lang=en&download=audit&find=village+c1")
	if strings.Count(csv, "\n") != 2 || strings.Contains(csv, deskPassword) {
		t.Errorf("what was done to c1: %q", csv)
	}
	for n := range auditRows {
		d.must(d.office.Note(t.Context(), entryOf(n)))
	}
	_, body := admin.open("/desk/audit?lang=en")
	_, next, _ := strings.Cut(body, `rel="next"`)
	if next == "" {
		t.Fatal("there is no further page")
	}
	before, _, _ := strings.Cut(body, `" rel="next"`)
	href := strings.ReplaceAll(before[strings.LastIndex(before, `"`)+1:], "&amp;", "&")
	if _, body := admin.open(href); !strings.Contains(body, "village c1") || strings.Contains(body, "busy 3<") {
		t.Errorf("the further page %s:\n%s", href, body)
	}
}

// Whoever reads the audit trail has an area as anywhere else, also over the addresses of the page
// and in its download.
func TestDeskAuditKeepsToTheArea(t *testing.T) {
	d := newDesk(t)
	d.must(d.office.PutAccount(t.Context(), auth.Account{Login: "adm-hz", Name: "审计", Role: auth.Administrator, Area: "3301"}, "setup", noon))
	d.must(d.office.SetPassword(t.Context(), "adm-hz", deskPassword, "setup", noon))
	d.as("ningbo").open("/desk/village/cases/c1") // refused, about a case of Hangzhou
	for _, line := range []office.Entry{{Who: "ningbo", Action: "comment", Object: "village c6"}, {Who: "intake", Action: "submit", Object: "village c6"}, {Who: "wu", Action: "comment", Object: "village c2"}} {
		line.At, line.Outcome = noon, office.Done
		d.must(d.office.Note(t.Context(), line))
	}
	hangzhou := d.as("adm-hz")
	for _, query := range []string{"", "&who=ningbo", "&find=c6", "&who=intake", "&download=audit", "&outcome=done", "&area=", "&after=99999"} {
		status, body := hangzhou.open("/desk/audit?lang=en" + query)
		d.wants(status, body, 200)
		if strings.Contains(body, "village c6") {
			t.Errorf("with %q the audit trail tells of another area:\n%s", query, body)
		}
	}
	_, body := hangzhou.open("/desk/audit?lang=en")
	d.wants(0, body, 0, "village c1", "village c2")
	_, body = d.as("province").open("/desk/audit?lang=en")
	d.wants(0, body, 0, "village c6", "village c2")
	_, body = d.as("admin").open("/desk/audit?lang=en")
	d.wants(0, body, 0, "village c6", "village c2")
	status, body := d.as("wu").open("/desk/audit?lang=en")
	d.wants(status, body, 403)
}

// keyboard works on a page with keys alone.
type keyboard struct{ *browser }

func (k keyboard) keys(keys string) {
	k.t.Helper()
	k.run(chromedp.KeyEvent(keys))
}

// active is a property of the control that the keys go to.
func (k keyboard) active(what string) (got string) {
	k.t.Helper()
	k.run(chromedp.Evaluate(`(document.activeElement?.`+what+` || "").trim()`, &got))
	return got
}

// tab goes on to the control with a property.
func (k keyboard) tab(what, want string) {
	k.t.Helper()
	for range 60 {
		k.keys(kb.Tab)
		if k.active(what) == want {
			return
		}
	}
	k.t.Fatalf("no control with the %s %q comes by the Tab key; the last one is %q", what, want, k.active("outerHTML"))
}

// signIn signs in.
func (k keyboard) signIn(login string) {
	k.t.Helper()
	k.open("/desk/sign-in?lang=en")
	k.tab("id", "login")
	k.keys(login)
	k.tab("id", "password")
	k.keys(deskPassword + kb.Enter)
	k.run(chromedp.WaitVisible(`form[action^="/desk/sign-out"]`, chromedp.ByQuery))
}

// The desk is worked without a mouse and without script: signing in, the list, an attempt.
func TestDeskByKeyboard(t *testing.T) {
	d := newDesk(t)
	d.given("c1", "c2")
	k := keyboard{openBrowser(t, d.served.URL)}
	k.signIn("li")
	k.tab("textContent", "village")
	k.keys(kb.Enter)
	k.run(chromedp.WaitVisible(`.card`, chromedp.ByQuery))
	k.tab("href", d.served.URL+"/desk/village/cases/c1?lang=en")
	k.keys(kb.Enter)
	k.run(chromedp.WaitVisible(`#outcome`, chromedp.ByQuery))
	k.tab("id", "outcome")
	k.keys("L") // Lived in, nobody at home
	k.tab("textContent", "Record an attempt")
	k.keys(kb.Enter)
	k.run(chromedp.WaitVisible(`[role=status]`, chromedp.ByQuery))
	if got := d.state("c1"); got != "contacting 2" {
		t.Errorf("the case is %s", got)
	}
}

// A report is ordered, a text is edited and a release is made without a mouse and without
// script; the page of the report comes up to date by itself.
func TestReportByKeyboard(t *testing.T) {
	d := newDesk(t)
	d.released(1, 0)
	d.held = make(chan struct{})
	k := keyboard{openBrowser(t, d.served.URL)}
	k.signIn("stat")
	k.open("/desk/village/report?lang=en")
	k.tab("id", "form-csv")
	k.keys(" ")
	k.tab("textContent", "Make the report")
	k.keys(kb.Enter)
	k.run(chromedp.WaitVisible(`progress`, chromedp.ByQuery))
	close(d.held)
	k.run(chromedp.WaitVisible(`a[href$="/1/village.zh.csv"]`, chromedp.ByQuery)) // nobody pressed anything
	k.open("/desk/village/report/texts?lang=en")
	k.tab(`closest("#block-suggestions")?.id`, "block-suggestions")
	k.keys(kb.Enter) // opens the form
	k.keys(kb.Tab)
	k.keys("More science in the villages.")
	k.tab("textContent", "Save")
	k.keys(kb.Enter)
	k.run(chromedp.WaitVisible(`.summary.calm`, chromedp.ByQuery))
	if src, err := d.benchConfig.Waves.Texts("village", surveys.ZH); err != nil || !strings.Contains(string(src), "More science in the villages.") {
		t.Errorf("the text is not saved: %v\n%s", err, src)
	}
	k.open("/desk/village/releases?lang=en")
	k.tab("textContent", "Make a release")
	k.keys(kb.Enter)
	k.tab("id", "reason")
	k.keys("final figures" + kb.Enter)
	k.run(chromedp.WaitVisible(`a[href*="/releases/2?"]`, chromedp.ByQuery))
	if o := d.ordered[0]; o.Reason != "final figures" {
		t.Errorf("the order is %+v", o)
	}
}

// entryOf is a line of the audit trail of a busy day.
func entryOf(n int) office.Entry {
	return office.Entry{At: noon, Who: "li", Action: "attempt", Object: "busy " + strconv.Itoa(n), Outcome: office.Done}
}
