package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// deskPassword is that of every account of the tests.
const deskPassword = "correct horse battery"

// deskStaff are the accounts of the tests, by login.
func deskStaff() []auth.Account {
	return []auth.Account{
		{Login: "admin", Name: "管理员", Role: auth.Administrator},
		{Login: "province", Name: "省科协", Role: auth.Province, Area: "33"},
		{Login: "hangzhou", Name: "杭州市科协", Role: auth.City, Area: "3301"},
		{Login: "ningbo", Name: "宁波市科协", Role: auth.City, Area: "3302"},
		{Login: "wu", Name: "吴督导", Role: auth.Supervisor, Area: "3301"},
		{Login: "li", Name: "李访问员", Role: auth.Enumerator, Area: "3301"},
		{Login: "chen", Name: "陈访问员", Role: auth.Enumerator, Area: "3301"},
		{Login: "stat", Name: "统计师", Role: auth.Statistician},
		{Login: "reader", Name: "查阅者", Role: auth.Reader, Area: "33"},
	}
}

// deskSite is a site with a desk: its wave village has cases in three counties.
type deskSite struct {
	*site
	office *office.Store
	served *httptest.Server
	// kept is what ClickHouse has.
	kept stored
	bench
}

// staffed is the file of an office with the accounts of the tests: setting their passwords
// takes long on purpose.
var staffed = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "desk")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	store, err := office.Open(context.Background(), dir+"/office.db")
	if err != nil {
		return nil, err
	}
	for _, a := range deskStaff() {
		err = errors.Join(err, store.PutAccount(context.Background(), a, "setup", noon), store.SetPassword(context.Background(), a.Login, deskPassword, "setup", noon))
	}
	if err := errors.Join(err, store.Backup(context.Background(), dir+"/staffed.db"), store.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(dir + "/staffed.db")
})

func newDesk(t *testing.T) *deskSite {
	t.Helper()
	path := t.TempDir() + "/office.db"
	file, err := staffed()
	if err == nil {
		err = os.WriteFile(path, file, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	store, err := office.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	d := &deskSite{office: store}
	d.site = newSite(t, []*surveys.Questionnaire{village()}, func(_ *Config, deps *Deps) {
		deps.Office = store
		deps.Tablets = openTablets(t, store, deps)
		deps.Live = d.boards(deps.Now)
		deps.Making = d.openBench(t, deps.Now)
	})
	var cases []fieldwork.Case
	for i, county := range []string{"330106", "330106", "330106", "330102", "330102", "330203"} {
		cases = append(cases, fieldwork.Case{ID: fmt.Sprintf("c%d", i+1), Stratum: county[:4] + "-urban", PSU: county + "001001", Weight: 100,
			Columns: map[string]string{"city": county[:4] + "00", "class": "urban", "village": county + "001001"}})
	}
	d.must(store.AddCases(t.Context(), "village", cases, "setup", noon))
	d.served = httptest.NewServer(d.Handler())
	t.Cleanup(d.served.Close)
	return d
}

func (d *deskSite) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// worker is somebody with a browser that keeps cookies.
type worker struct {
	*http.Client
	desk  *deskSite
	token string
}

// as signs an account in.
func (d *deskSite) as(login string) *worker {
	d.t.Helper()
	jar, err := cookiejar.New(nil)
	d.must(err)
	w := &worker{Client: &http.Client{Jar: jar}, desk: d}
	status, body := w.send("/desk/sign-in?lang=en", url.Values{"login": {login}, "password": {deskPassword}})
	if status != http.StatusOK || !strings.Contains(body, "Sign out") {
		d.t.Fatalf("%s cannot sign in: %d\n%s", login, status, body)
	}
	_, token, _ := strings.Cut(body, `name="token" value="`)
	w.token, _, _ = strings.Cut(token, `"`)
	return w
}

func (w *worker) read(resp *http.Response, err error) (int, string) {
	w.desk.t.Helper()
	w.desk.must(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	w.desk.must(err)
	return resp.StatusCode, string(body)
}

// open asks for a page, in English.
func (w *worker) open(path string) (int, string) {
	w.desk.t.Helper()
	if !strings.Contains(path, "?") {
		path += "?lang=en"
	}
	return w.read(w.Get(w.desk.served.URL + path))
}

// send sends a form, with the token of the session unless it has another one.
func (w *worker) send(path string, form url.Values) (int, string) {
	w.desk.t.Helper()
	if !form.Has(tokenField) {
		form.Set(tokenField, w.token)
	}
	return w.read(w.PostForm(w.desk.served.URL+path, form))
}

// Who is not signed in is asked to, and led back to the page of the desk they wanted, never
// to another site.
func TestDeskSignIn(t *testing.T) {
	d := newDesk(t)
	jar, err := cookiejar.New(nil)
	d.must(err)
	w := &worker{Client: &http.Client{Jar: jar}, desk: d}
	if status, body := w.open("/desk?lang=en"); status != http.StatusOK || !strings.Contains(body, `name="to" value="/desk?lang=en"`) {
		t.Fatalf("without a session: %d\n%s", status, body)
	}
	status, body := w.send("/desk/sign-in?lang=en", url.Values{"login": {"li"}, "password": {"wrong"}})
	if status != http.StatusUnprocessableEntity || !strings.Contains(body, "do not match") || !strings.Contains(body, `value="li"`) {
		t.Errorf("a wrong password: %d\n%s", status, body)
	}
	for _, to := range []string{"https://evil.example/desk", "//evil.example/desk", "/desk/../../x", `/\evil.example`, "/s/village", "/desk/sign-out"} {
		if got := atDesk(to); strings.HasPrefix(got, "//") || strings.Contains(got, "evil") || got == "/s/village" || got == "/desk/sign-out" {
			t.Errorf("%q leads to %q", to, got)
		}
	}
	li := d.as("li")
	if status, _ := li.send("/desk/sign-out?lang=en", url.Values{tokenField: {"another"}}); status != http.StatusForbidden {
		t.Errorf("a form of another session: %d", status)
	}
	if status, body := li.send("/desk/sign-out?lang=en", url.Values{}); status != http.StatusOK || !strings.Contains(body, "Password") {
		t.Errorf("signing out: %d\n%s", status, body)
	}
	if _, body := li.open("/desk"); !strings.Contains(body, "Password") {
		t.Error("the session goes on after signing out")
	}
}

// A long table has pages, in whatever order it is sorted, and its download has all rows.
func TestTablePages(t *testing.T) {
	for query, want := range map[string]string{"": "0–99 of 250, next after=100", "after=100": "100–199 of 250, next after=200, back after=0", "after=200": "200–249 of 250, back after=100",
		"after=250": "0–99 of 250, next after=100", "after=-3": "0–99 of 250, next after=100", "after=x": "0–99 of 250, next after=100"} {
		f := deskFrame{url: &url.URL{Path: "/desk/x", RawQuery: query}}
		var table deskTable
		for i := range 250 {
			table.add(whole(i))
		}
		table.cut(f)
		got := fmt.Sprintf("%s–%s of 250", table.Rows[0][0].Text, table.Rows[len(table.Rows)-1][0].Text)
		if table.Next != "" {
			got += ", next " + strings.TrimPrefix(table.Next, "/desk/x?")
		}
		if table.Previous != "" {
			got += ", back " + strings.TrimPrefix(table.Previous, "/desk/x?")
		}
		if got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
}

// The home page counts the cases of the account's area, and its table can be downloaded.
func TestDeskHome(t *testing.T) {
	d := newDesk(t)
	for login, want := range map[string]string{"province": "village,Village science survey,6,0", "hangzhou": "village,Village science survey,5,0", "ningbo": "village,Village science survey,1,0", "li": "village,Village science survey,0,0"} {
		if _, body := d.as(login).open("/desk?lang=en&download=waves"); !strings.Contains(body, want+"\n") {
			t.Errorf("%s downloads %q, want the line %q", login, body, want)
		}
	}
}
