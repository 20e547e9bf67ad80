package server

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// desk is the pages of the office: signing in, cases, review, figures of the fieldwork.
// Each page is given the account that asks, and every query of the office is asked in
// the name of that account, so no page can show what the account may not see.
type desk struct {
	*Server
	office *office.Store
}

// The cookie of a session at the desk, and the fields of its forms.
const (
	deskCookie = "suyang-desk"
	tokenField = "token"
)

// errForm is for a form that did not come from the account's own page.
var errForm = errors.New("the form is not from a page of this session")

// call is one request at the desk.
type call struct {
	echo.Context
	account auth.Account
	// session is the token of the cookie, empty before signing in.
	session string
	lang    surveys.Lang
}

// deskRoutes adds the pages of the desk.
func (d *desk) routes(e *echo.Echo, receive, admit, admitSignIn echo.MiddlewareFunc) {
	read := func(path string, right auth.Right, h func(*call) error) {
		e.Match([]string{http.MethodGet, http.MethodHead}, path, d.signedIn(right, h))
	}
	post := func(path string, right auth.Right, h func(*call) error) {
		e.POST(path, d.signedIn(right, d.ownForm(h)), receive, admit)
	}
	e.Match([]string{http.MethodGet, http.MethodHead}, "/desk/sign-in", d.signInPage)
	e.POST("/desk/sign-in", d.signIn, receive, admitSignIn)
	post("/desk/sign-out", "", d.signOut)
	read("/desk", "", d.home)
	d.workRoutes(read, post)
	d.tabletRoutes(e, read, post)
	d.quarantineRoutes(read, post)

	read("/desk/:wave/progress", auth.ReadProgress, d.progress)
	read("/desk/:wave/rates", auth.ReadProgress, d.rates)
	if d.deps.Live != nil {
		read("/desk/:wave/live", auth.ReadProgress, d.live)
	}
	read("/desk/:wave/quality", auth.ReadProgress, d.quality)
	read("/desk/:wave/sample", auth.Draw, d.sample)
	read("/desk/:wave/sample/draw", auth.Draw, d.drawFile)
	read("/desk/:wave/sample/frame", auth.Draw, d.frameFile)
	read("/desk/:wave/releases", auth.ReadProgress, d.releases)
	read("/desk/:wave/releases/:release", auth.Estimate, d.releaseCheck)
	read("/desk/:wave/releases/:release/:name", auth.Estimate, d.releaseFile)
	d.makingRoutes(read, post)
	read("/desk/precision", auth.ReadProgress, d.precision)
}

// signedIn lets an account in that has a right; "" is for everybody who is signed in.
// Others are asked to sign in, and then led back.
func (d *desk) signedIn(right auth.Right, h func(*call) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		v := &call{Context: c, lang: d.deskLang(c)}
		cookie, err := c.Cookie(deskCookie)
		if err == nil {
			v.session = cookie.Value
			v.account, err = d.office.Session(c.Request().Context(), v.session, d.deps.Now())
		}
		if payErr := d.payDesk(c, v, err); payErr != nil {
			return payErr
		}
		switch {
		case err != nil && !errors.Is(err, http.ErrNoCookie) && !errors.Is(err, surveys.ErrNotFound):
			return err
		case err != nil:
			if kept := keptForm(c, v.session); kept != nil {
				return d.askToSignIn(c, deskSignIn{To: c.Request().URL.RequestURI(), Kept: kept}, "")
			}
			to := url.Values{"lang": {string(v.lang)}}
			if c.Request().Method == http.MethodGet {
				to.Set("to", c.Request().URL.RequestURI())
			}
			return c.Redirect(http.StatusSeeOther, "/desk/sign-in?"+to.Encode())
		case right != "" && !v.account.May(right):
			entry := office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: "open page", Object: c.Path(), Outcome: office.Refused}
			return errors.Join(fmt.Errorf("%s: %w", right, office.ErrForbidden), d.office.Note(c.Request().Context(), entry))
		}
		return h(v)
	}
}

// payDesk counts a request for its account, or for its network when nobody is signed in.
func (d *desk) payDesk(c echo.Context, v *call, signedOut error) error {
	if signedOut != nil {
		return d.chargeNetwork(c)
	}
	return d.charge(d.limits.account, "account", v.account.Login)
}

// ownForm lets only forms through that a page of the same session made.
func (d *desk) ownForm(h func(*call) error) func(*call) error {
	return func(v *call) error {
		if v.Request().PostFormValue(tokenField) != office.FormToken(v.session) {
			return errForm
		}
		return h(v)
	}
}

// deskLang is the language that a request at the desk asks for. The desk has all
// languages of the pages, whatever those of a wave are.
func (d *desk) deskLang(c echo.Context) surveys.Lang { return asked(c, d.pages.words.languages) }

// deskFrame is what every page of the desk has. The struct of a page embeds it.
type deskFrame struct {
	frame
	Account auth.Account
	// Token goes into every form.
	Token string
	// Nav are the pages of the wave that is looked at.
	Nav []roomLink
	// Fault is what is wrong with what was sent, Said what was done.
	Fault, Said string
	// Larger is the page in the other size of type.
	Larger string
	url    *url.URL
}

// roomLink leads to a page of the desk.
type roomLink struct {
	Name, Href string
	Current    bool
}

// Here is an address of the desk in language and size of type of the page.
func (f deskFrame) Here(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	q := u.Query()
	q.Set("lang", string(f.lang))
	if f.Large() {
		q.Set(typeField, largeType)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// with is the address of the page with parts of its query changed; an empty value takes a
// part away.
func (f deskFrame) with(pairs ...string) string {
	q := f.url.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Del(pairs[i]); pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return (&url.URL{Path: f.url.Path, RawQuery: q.Encode()}).String()
}

// frameOf begins a page of the desk whose heading is the words for a key.
func (d *desk) frameOf(v *call, key string, pairs ...any) (deskFrame, error) {
	f := deskFrame{frame: d.pages.frame(v.lang), Account: v.account, url: v.Request().URL}
	f.Print = d.assets["desk.css"].path
	f.view.size = typeOf(v)
	if v.session != "" {
		f.Token = office.FormToken(v.session)
	}
	var err error
	if f.Title, err = f.T(key, pairs...); err != nil {
		return f, err
	}
	if f.Languages, err = d.pages.languageLinks(d.pages.words.languages, v.lang, "/desk"); err != nil {
		return f, err
	}
	for i, l := range f.Languages {
		f.Languages[i].Href = f.with("lang", l.Code)
	}
	other := f.OtherType()
	if other == normalType {
		other = ""
	}
	f.Larger = f.with(typeField, other, "lang", string(v.lang))
	return f, nil
}

// deskProblem is web/pages/desk-problem: what went wrong with a request at the desk.
type deskProblem struct {
	deskFrame
	Message, Way string
	// Request is the number of a request to ask about.
	Request string
	// Again are the fields of a form that was turned away, to be sent once more to Action; Lead
	// says so.
	Again        []field
	Lead, Action string
}

// secretFields are the names of the fields of the desk in which passwords are typed.
var secretFields = []string{"password", "old", "new", "again"}

// sentAtDesk are givenBack of a form of the desk. One with passwords is never given back, not
// even in part: without them it would ask for something else.
func sentAtDesk(c echo.Context) []field {
	list := givenBack(c)
	if slices.ContainsFunc(list, func(f field) bool { return slices.Contains(secretFields, f.Name) }) {
		return nil
	}
	return list
}

// problem answers a request at the desk that ended in an error.
func (d *desk) problem(c echo.Context, status int, words, id string) error {
	f, err := d.frameOf(&call{Context: c, lang: d.deskLang(c)}, "problem."+words+".title")
	if err != nil {
		return err
	}
	p := deskProblem{deskFrame: f}
	if p.Message, err = f.T("problem." + words + ".message"); err != nil {
		return err
	}
	if p.Way, err = f.T("problem." + words + ".way"); err != nil {
		return err
	}
	if words == "internal" {
		p.Request = id
	}
	if turnedAway(status) {
		p.Again, p.Action = sentAtDesk(c), c.Request().URL.RequestURI()
		if p.Lead, err = f.T("problem.again.lead"); err != nil {
			return err
		}
	}
	return d.show(c, status, "desk-problem", p)
}

// rooms are the pages of a wave that an account may open, in their order.
var rooms = []struct {
	path  string // after /desk/WAVE
	words string
	right auth.Right
}{
	{"/cases", "desk.cases", auth.ReadCases},
	{"/work", "desk.work", auth.AssignCases},
	{"/review", "desk.review", auth.Review},
	{quarantineRoom, "desk.quarantine.room", auth.Review},
	{"/backchecks", "desk.backchecks", auth.Review},
	{"/selection", "desk.selection", auth.Draw},
	{"/progress", "figures.progress", auth.ReadProgress},
	{"/rates", "figures.rates", auth.ReadProgress},
	{liveRoom, "figures.live", auth.ReadProgress},
	{"/quality", "figures.quality", auth.ReadProgress},
	{"/sample", "figures.sample", auth.Draw},
	{reportRoom, "desk.report.room", auth.Estimate},
	{textsRoom, "desk.texts.room", auth.Estimate},
	{releasesRoom, "figures.releases", auth.ReadProgress},
}

// inWave begins a page about a wave: it is ErrNotFound when there is no such wave.
func (d *desk) inWave(v *call, key string, pairs ...any) (deskFrame, *wave, error) {
	w := d.waves()[v.Param("wave")]
	if w == nil {
		return deskFrame{}, nil, fmt.Errorf("wave: %w", surveys.ErrNotFound)
	}
	f, err := d.frameOf(v, key, pairs...)
	if err != nil {
		return f, w, err
	}
	f.Survey = w.ID
	for _, r := range rooms {
		if !v.account.May(r.right) || !d.has(r.path) {
			continue
		}
		name, err := f.T(r.words)
		if err != nil {
			return f, w, err
		}
		path := "/desk/" + w.ID + r.path
		f.Nav = append(f.Nav, roomLink{name, f.Here(path), path == v.Request().URL.Path})
	}
	return f, w, nil
}

// has says whether this server has a page of waves.
func (d *desk) has(room string) bool {
	switch room {
	case quarantineRoom:
		return d.deps.Quarantine != nil
	case liveRoom:
		return d.deps.Live != nil
	case releasesRoom:
		return d.deps.Releases != nil
	case reportRoom, textsRoom:
		return d.deps.Making != nil
	}
	return true
}

// deskHome is web/pages/desk-home: the waves, and what else the account may do.
type deskHome struct {
	deskFrame
	Table deskTable
	Rooms []roomLink
}

// otherRooms are the pages that are about no wave.
var otherRooms = []struct {
	path, words string
	right       auth.Right
}{
	{"/desk/password", "desk.own", ""},
	{tabletList, "desk.tablets", auth.AssignCases},
	{"/desk/accounts", "desk.accounts", auth.ManageAccounts},
	{"/desk/audit", "desk.audit", auth.ReadAudit},
	{"/desk/precision", "figures.precision", auth.ReadProgress},
}

func (d *desk) home(v *call) error {
	f, err := d.frameOf(v, "desk.waves")
	if err != nil {
		return err
	}
	p := deskHome{deskFrame: f}
	if p.Table, err = d.waveTable(v, f); err != nil {
		return err
	}
	for _, r := range otherRooms {
		if r.path == tabletList && d.deps.Tablets == nil {
			continue
		}
		if r.right == "" || v.account.May(r.right) {
			name, err := f.T(r.words)
			if err != nil {
				return err
			}
			p.Rooms = append(p.Rooms, roomLink{Name: name, Href: f.Here(r.path)})
		}
	}
	if v.sent("waves") {
		return p.Table.send(v)
	}
	return d.show(v, http.StatusOK, "desk-home", p)
}

// waveTable lists the waves.
func (d *desk) waveTable(v *call, f deskFrame) (deskTable, error) {
	t, err := d.table(f, "waves", "desk.waves", "desk.wave", "desk.survey", "#desk.cases", "#desk.approved")
	if err != nil {
		return t, err
	}
	for _, w := range d.order() {
		all, approved, err := d.office.Size(v.Request().Context(), v.account, w.ID)
		if err != nil {
			return t, err
		}
		path := ""
		for _, r := range rooms {
			if path == "" && v.account.May(r.right) {
				path = f.Here("/desk/" + w.ID + r.path)
			}
		}
		t.add(deskCell{Text: w.ID, Href: path}, deskCell{Text: w.Title.In(v.lang)}, whole(all), whole(approved))
	}
	return t, t.arrange(f)
}

// deskSignIn is web/pages/desk-sign-in.
type deskSignIn struct {
	deskFrame
	Login, To string
	// Kept is a form that came after its session had ended, to be sent to To.
	Kept []field
}

// keptPrefix is what the name of a field begins with that goes through signing in.
const keptPrefix = "kept."

// keptForm is the form of a request whose session has ended, without its token; nil unless it
// came from a page of that session: no other site can have its form sent by who signs in.
func keptForm(c echo.Context, session string) (list []field) {
	own := false
	for _, f := range sentAtDesk(c) {
		if f.Name == tokenField {
			own = session != "" && f.Value == office.FormToken(session)
			continue
		}
		list = append(list, field{keptPrefix + f.Name, f.Value})
	}
	if !own {
		return nil
	}
	return list
}

// keptIn are the fields of a form that goes through signing in.
func keptIn(form url.Values) (list []field) {
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			if strings.HasPrefix(name, keptPrefix) {
				list = append(list, field{name, value})
			}
		}
	}
	return list
}

func (d *desk) signInPage(c echo.Context) error {
	return d.askToSignIn(c, deskSignIn{To: c.QueryParam("to")}, "")
}

func (d *desk) askToSignIn(c echo.Context, p deskSignIn, fault string) error {
	f, err := d.frameOf(&call{Context: c, lang: d.deskLang(c)}, "desk.signin")
	if err != nil {
		return err
	}
	status := http.StatusOK
	switch f.Fault = fault; {
	case fault != "":
		f.Failed, status = true, http.StatusUnprocessableEntity
	case p.Kept != nil:
		if f.Said, err = f.T("desk.kept.signin"); err != nil {
			return err
		}
	}
	p.deskFrame, p.To = f, atDesk(p.To)
	return d.show(c, status, "desk-sign-in", p)
}

// giveKept shows whoever has signed in again the form that came too late, to be sent once more.
func (d *desk) giveKept(c echo.Context, session, to string, kept []field) error {
	f, err := d.frameOf(&call{Context: c, lang: d.deskLang(c), session: session}, "desk.kept")
	if err != nil {
		return err
	}
	p := deskProblem{deskFrame: f, Action: to, Again: []field{{tokenField, f.Token}}}
	for _, k := range kept {
		p.Again = append(p.Again, field{strings.TrimPrefix(k.Name, keptPrefix), k.Value})
	}
	if p.Message, err = f.T("desk.kept.message"); err != nil {
		return err
	}
	return d.show(c, http.StatusOK, "desk-problem", p)
}

// atDesk is an address of the desk, or "" for any other one.
func atDesk(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || u.Path != "/desk" && !strings.HasPrefix(u.Path, "/desk/") || strings.HasPrefix(u.Path, "/desk/sign") {
		return ""
	}
	return u.RequestURI()
}

func (d *desk) signIn(c echo.Context) error {
	login, to := strings.TrimSpace(c.FormValue("login")), atDesk(c.FormValue("to"))
	token, err := d.office.SignIn(c.Request().Context(), login, c.FormValue("password"), d.deps.Now())
	if errors.Is(err, office.ErrSignIn) {
		words, wordsErr := d.pages.words.say(d.deskLang(c), "desk.refused")
		if wordsErr != nil {
			return wordsErr
		}
		return d.askToSignIn(c, deskSignIn{Login: login, To: to, Kept: keptIn(c.Request().PostForm)}, words)
	}
	if err != nil {
		return err
	}
	c.SetCookie(d.cookie(token, 0))
	if kept := keptIn(c.Request().PostForm); kept != nil && to != "" {
		return d.giveKept(c, token, to, kept)
	}
	if to == "" {
		to = inLanguage("/desk", d.deskLang(c))
	}
	return c.Redirect(http.StatusSeeOther, to)
}

func (d *desk) signOut(v *call) error {
	if err := d.office.SignOut(v.Request().Context(), v.session); err != nil {
		return err
	}
	v.SetCookie(d.cookie("", -1))
	return v.Redirect(http.StatusSeeOther, inLanguage("/desk/sign-in", v.lang))
}

// cookie keeps the token of a session: no script reads it, no other site sends it along,
// and it goes when the browser is closed.
func (d *desk) cookie(token string, age int) *http.Cookie {
	return &http.Cookie{Name: deskCookie, Value: token, Path: "/desk", MaxAge: age, HttpOnly: true, Secure: d.cfg.HTTPS, SameSite: http.SameSiteLaxMode}
}
