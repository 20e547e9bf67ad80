package server

import (
	"io/fs"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/web"
)

// hiddenFields are the fields of a page that are sent without being seen.
func hiddenFields(body string) url.Values {
	fields := url.Values{}
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return nil
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "input" && attr(n, "type") == "hidden" {
			fields.Add(attr(n, "name"), attr(n, "value"))
		}
	}
	return fields
}

// A form of the desk that is turned away comes back with everything that was typed, and is sent
// once more by a button.
func TestDeskFormTurnedAway(t *testing.T) {
	d := newDesk(t)
	d.accepted(1, "c1", func(iv *surveys.Interview) { delete(iv.Answers, "K01") })
	wu := d.as("wu")
	form := wu.filled(at(1), "dismiss")
	form.Set("reason", `A dog; "ring" <twice>`)
	form.Set(tokenField, wu.token)
	calm := d.limits.account
	d.limits.account = newLimiter(Rate{PerSecond: 1e-9, Burst: 1}, 9)
	wu.open("/desk")
	status, body := wu.send(at(1), form)
	d.wants(status, body, 429, "What you filled in is still on this page", `<form method="post" action="/desk/village/quarantine/1?lang=en">`)
	got := hiddenFields(body)
	if got.Encode() != form.Encode() {
		t.Errorf("the page gives back\n%v, want\n%v", got, form)
	}
	status, body = wu.open("/desk")
	d.wants(status, body, 429)
	if strings.Contains(body, "<form") {
		t.Errorf("a page that was only read is to be sent:\n%s", body)
	}
	d.limits.account = calm
	status, body = wu.send(at(1), got)
	d.wants(status, body, 200, "A dog; &#34;ring&#34; &lt;twice&gt;")
}

// Passwords are never given back, nor is the form that they stood in, which without them would
// ask for something else.
func TestDeskGivesNoPasswordsBack(t *testing.T) {
	d := newDesk(t)
	admin := d.as("admin")
	d.limits.account = newLimiter(Rate{PerSecond: 1e-9, Burst: 1}, 9)
	admin.open("/desk")
	for path, form := range map[string]url.Values{
		"/desk/accounts/li": {"action": {"password"}, "password": {"a secret of li"}},
		"/desk/password":    {"old": {deskPassword}, "new": {"a secret of admin"}, "again": {"a secret of admin"}},
	} {
		status, body := admin.send(path, form)
		d.wants(status, body, 429)
		if strings.Contains(body, "secret") || strings.Contains(body, deskPassword) || strings.Contains(body, "<form") {
			t.Errorf("%s gives a password back:\n%s", path, body)
		}
	}
	input := regexp.MustCompile(`<input[^>]*type="password"[^>]*>`)
	name := regexp.MustCompile(` name="([^"]*)"`)
	pages := 0
	err := fs.WalkDir(web.Pages, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".html") {
			return err
		}
		text, err := fs.ReadFile(web.Pages, path)
		for _, found := range input.FindAllString(string(text), -1) {
			pages++
			if n := name.FindStringSubmatch(found); n == nil || !slices.Contains(secretFields, n[1]) {
				t.Errorf("%s has a password that would be given back: %s", path, found)
			}
		}
		return err
	})
	if err != nil || pages < 5 {
		t.Errorf("%d fields for passwords were looked at: %v", pages, err)
	}
}

// A form whose session has ended goes through signing in, also when the password is mistyped,
// and is sent once more with the token of the new session; one that no page of the session made
// does not.
func TestDeskFormOfAnEndedSession(t *testing.T) {
	d := newDesk(t)
	d.accepted(1, "c1", func(iv *surveys.Interview) { delete(iv.Answers, "K01") })
	wu := d.as("wu")
	form := with(wu.filled(at(1), "dismiss"), "reason", `a "test" <1>`, "lang", "x")
	d.clock.pass(48 * time.Hour)
	status, body := wu.send(at(1), with(form, tokenField, "of another site"))
	d.wants(status, body, 200, "Password")
	if len(hiddenFields(body)) > 1 {
		t.Errorf("a form of another site goes through signing in:\n%s", body)
	}
	status, body = wu.send(at(1), form)
	d.wants(status, body, 200, "The session had ended", "Password")
	if len(hiddenFields(body)) < 4 || strings.Contains(body, form.Get(tokenField)) {
		t.Errorf("the form is not kept, or with its token:\n%s", body)
	}
	for _, password := range []string{"wrong", deskPassword} {
		status, body = wu.send("/desk/sign-in?lang=en", with(hiddenFields(body), "login", "wu", "password", password))
	}
	d.wants(status, body, 200, "Signed in again", `<form method="post" action="/desk/village/quarantine/1?lang=en">`)
	again := hiddenFields(body)
	if again.Get(tokenField) == form.Get(tokenField) || with(again, tokenField, "").Encode() != with(form, tokenField, "").Encode() {
		t.Errorf("the page gives back\n%v, want\n%v", again, form)
	}
	if q := d.intake.Quarantine()[0]; q.Decision != nil {
		t.Errorf("it was decided without being sent again: %+v", q.Decision)
	}
	status, body = wu.send(at(1), again)
	d.wants(status, body, 200, "<dd>a &#34;test&#34; &lt;1&gt;</dd>")
}
