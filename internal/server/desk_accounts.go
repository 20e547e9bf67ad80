package server

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// accountsPage is web/pages/desk-accounts.
type accountsPage struct {
	deskFrame
	Table deskTable
	accountForm
}

// accountForm is the form of an account.
type accountForm struct {
	typed
	Roles []roleName
}

// roleName is a role with its words.
type roleName struct{ Code, Name string }

// accountPage is web/pages/desk-account: one account.
type accountPage struct {
	deskFrame
	Changed auth.Account
	Own     bool
	// Secret is a password that the program made, shown once.
	Secret string
	accountForm
}

// roleNames are the roles for a form.
func (t *teller) roleNames() (list []roleName) {
	for _, r := range auth.Roles() {
		list = append(list, roleName{string(r), t.say(roleWords[r])})
	}
	return list
}

func (d *desk) accountsPage(v *call) error { return d.showAccounts(v, http.StatusOK, "", nil) }

func (d *desk) showAccounts(v *call, status int, fault string, sent url.Values) error {
	f, err := d.frameOf(v, "desk.accounts")
	if err != nil {
		return err
	}
	f.Fault, f.Failed = fault, fault != ""
	if err := f.said(v); err != nil {
		return err
	}
	all, err := d.office.Accounts(v.Request().Context(), v.account.Area)
	if err != nil {
		return err
	}
	t, err := d.table(f, "accounts", "desk.accounts", "desk.login", "desk.column.name", "desk.column.role", "desk.column.area", "desk.column.disabled", "desk.column.created")
	if err != nil {
		return err
	}
	words := &teller{deskFrame: f}
	for _, a := range all {
		disabled := ""
		if a.Disabled {
			disabled = words.say("desk.yes")
		}
		t.add(deskCell{Text: a.Login, Href: f.Here("/desk/accounts/" + url.PathEscape(a.Login))}, deskCell{Text: a.Name}, deskCell{Text: words.say(roleWords[a.Role])},
			deskCell{Text: f.AreaText(a.Area)}, deskCell{Text: disabled}, deskCell{Text: clockTime(a.Created)})
	}
	p := accountsPage{deskFrame: f, accountForm: accountForm{typed(sent), words.roleNames()}}
	if err := errors.Join(words.err, t.arrange(f)); err != nil {
		return err
	}
	if p.Table = t; v.sent("accounts") {
		return t.send(v)
	}
	return d.show(v, status, "desk-accounts", p)
}

// accountOf is what a form says of an account.
func accountOf(login string, sent typed) auth.Account {
	return auth.Account{Login: login, Name: strings.TrimSpace(sent.Typed("name")), Role: auth.Role(sent.Typed("role")), Area: strings.TrimSpace(sent.Typed("area")), Disabled: sent.Typed("disabled") != ""}
}

// newAccount makes an account. One that is there already is not changed from here.
func (d *desk) newAccount(v *call) error {
	form, err := v.sentForm()
	if err != nil {
		return err
	}
	f, err := d.frameOf(v, "desk.accounts")
	if err != nil {
		return err
	}
	a := accountOf(strings.TrimSpace(form.Get("login")), typed(form))
	ctx := v.Request().Context()
	key := ""
	switch _, err := d.office.Account(ctx, a.Login); {
	case err == nil:
		key = "desk.account.there"
	case !errors.Is(err, surveys.ErrNotFound):
		return err
	case a.Check() != nil:
		key = "desk.account.invalid"
	case !v.account.Sees(a.Area):
		key = "desk.account.outside"
	}
	if key != "" {
		words, err := f.T(key)
		if err != nil {
			return err
		}
		return d.showAccounts(v, http.StatusUnprocessableEntity, words, form)
	}
	if err := d.office.PutAccount(ctx, a, v.account.Login, d.deps.Now()); err != nil {
		return err
	}
	return v.leadTo(f, "/desk/accounts/"+url.PathEscape(a.Login), "account")
}

// readAccount is the account in the address.
func (d *desk) readAccount(v *call) (auth.Account, error) {
	login, err := v.named("login")
	if err != nil {
		return auth.Account{}, err
	}
	a, err := d.office.Account(v.Request().Context(), login)
	if err == nil && !v.account.Sees(a.Area) {
		entry := office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: "read account", Object: login, Outcome: office.Refused}
		err = errors.Join(fmt.Errorf("account %s: %w", login, surveys.ErrNotFound), d.office.Note(v.Request().Context(), entry))
	}
	return a, err
}

func (d *desk) accountPage(v *call) error { return d.showAccount(v, http.StatusOK, "", "", nil) }

func (d *desk) showAccount(v *call, status int, fault, secret string, sent url.Values) error {
	a, err := d.readAccount(v)
	if err != nil {
		return err
	}
	f, err := d.frameOf(v, "desk.account", "login", a.Login)
	if err != nil {
		return err
	}
	f.Fault, f.Failed = fault, fault != ""
	if err := f.said(v); err != nil {
		return err
	}
	words := &teller{deskFrame: f}
	p := accountPage{deskFrame: f, Changed: a, Own: a.Login == v.account.Login, Secret: secret, accountForm: accountForm{typed(sent), words.roleNames()}}
	if sent == nil {
		p.typed = typed{"name": {a.Name}, "role": {string(a.Role)}, "area": {a.Area}}
		if a.Disabled {
			p.typed["disabled"] = []string{"yes"}
		}
	}
	if words.err != nil {
		return words.err
	}
	return d.show(v, status, "desk-account", p)
}

// changeAccount changes an account, or its password. Nobody changes their own role or
// disables themselves, so that an administrator is always left.
func (d *desk) changeAccount(v *call) error {
	form, err := v.sentForm()
	if err != nil {
		return err
	}
	was, err := d.readAccount(v)
	if err != nil {
		return err
	}
	f, err := d.frameOf(v, "desk.account", "login", was.Login)
	if err != nil {
		return err
	}
	if form.Get("action") == "password" {
		return d.givePassword(v, f, was, form)
	}
	a := accountOf(was.Login, typed(form))
	key := ""
	switch {
	case was.Login == v.account.Login && (a.Role != was.Role || a.Disabled || a.Area != was.Area):
		key = "desk.account.own"
	case a.Check() != nil:
		key = "desk.account.invalid"
	case !v.account.Sees(a.Area):
		key = "desk.account.outside"
	}
	if key != "" {
		words, err := f.T(key)
		if err != nil {
			return err
		}
		return d.showAccount(v, http.StatusUnprocessableEntity, words, "", form)
	}
	if err := d.office.PutAccount(v.Request().Context(), a, v.account.Login, d.deps.Now()); err != nil {
		return err
	}
	return v.leadTo(f, f.url.EscapedPath(), "account")
}

// givePassword gives an account a password: the one typed, or one that the program makes and
// shows once.
func (d *desk) givePassword(v *call, f deskFrame, a auth.Account, form url.Values) error {
	password, secret := form.Get("password"), ""
	if password == "" {
		secret = NewPassword()
		password = secret
	}
	err := d.office.SetPassword(v.Request().Context(), a.Login, password, v.account.Login, d.deps.Now())
	if errors.Is(err, surveys.ErrInvalid) {
		words, err := f.T("desk.account.short", "n", auth.MinPassword)
		if err != nil {
			return err
		}
		return d.showAccount(v, http.StatusUnprocessableEntity, words, "", nil)
	}
	if err != nil {
		return err
	}
	if secret == "" {
		return v.leadTo(f, f.url.EscapedPath(), "password")
	}
	return d.showAccount(v, http.StatusOK, "", secret, nil)
}

// NewPassword makes a password of 80 random bits, in groups that can be read out.
func NewPassword() string {
	text := strings.ToLower(rand.Text())
	return text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:16]
}

// randomSeed draws the seed of a draw, which is kept with it.
func randomSeed() int {
	var b [8]byte
	rand.Read(b[:])
	return int(binary.BigEndian.Uint64(b[:]) % (maxSeed + 1))
}

// passwordPage is web/pages/desk-password: one's own password.
type passwordPage struct {
	deskFrame
	Least int
}

func (d *desk) passwordPage(v *call) error { return d.showPassword(v, http.StatusOK, "") }

func (d *desk) showPassword(v *call, status int, fault string) error {
	f, err := d.frameOf(v, "desk.own")
	if err != nil {
		return err
	}
	f.Fault, f.Failed = fault, fault != ""
	if err := f.said(v); err != nil {
		return err
	}
	return d.show(v, status, "desk-password", passwordPage{f, auth.MinPassword})
}

// changePassword changes one's own password and signs in with it: all sessions of the old
// one have ended.
func (d *desk) changePassword(v *call) error {
	form, err := v.sentForm()
	if err != nil {
		return err
	}
	f, err := d.frameOf(v, "desk.own")
	if err != nil {
		return err
	}
	key := "desk.password.other"
	if form.Get("new") == form.Get("again") {
		err = d.office.ChangePassword(v.Request().Context(), v.account.Login, form.Get("old"), form.Get("new"), d.deps.Now())
		switch {
		case err == nil:
			key = ""
		case errors.Is(err, office.ErrSignIn):
			key = "desk.password.old"
		case errors.Is(err, surveys.ErrInvalid):
			key = "desk.account.short"
		default:
			return err
		}
	}
	if key != "" {
		words, err := f.T(key, "n", auth.MinPassword)
		if err != nil {
			return err
		}
		return d.showPassword(v, http.StatusUnprocessableEntity, words)
	}
	token, err := d.office.SignIn(v.Request().Context(), v.account.Login, form.Get("new"), d.deps.Now())
	if err != nil {
		return err
	}
	v.SetCookie(d.cookie(token, 0))
	return v.leadTo(f, f.url.Path, "password")
}

// auditPage is web/pages/desk-audit.
type auditPage struct {
	deskFrame
	Table  deskTable
	Filter office.AuditFilter
	Kept   []keptField
}

// auditRows is how many lines of the audit trail a page lists.
const auditRows = 200

func (d *desk) auditPage(v *call) error {
	f, err := d.frameOf(v, "desk.audit")
	if err != nil {
		return err
	}
	p := auditPage{deskFrame: f, Filter: office.AuditFilter{Who: v.QueryParam("who"), Find: v.QueryParam("find"), Outcome: v.QueryParam("outcome"), Area: v.account.Area}}
	if before, err := strconv.ParseInt(v.QueryParam("after"), 10, 64); err == nil {
		p.Filter.Before = before
	}
	if !v.sent("audit") {
		p.Filter.Limit = auditRows
	}
	t, err := d.table(f, "audit", "desk.audit", "desk.column.when", "desk.column.who", "desk.column.what", "desk.column.object", "desk.column.outcome")
	if err != nil {
		return err
	}
	words := &teller{deskFrame: f}
	last, err := d.office.Audit(v.Request().Context(), p.Filter, func(e office.Entry) {
		t.add(deskCell{Text: clockTime(e.At)}, deskCell{Text: words.doer(nil, e.Who)}, deskCell{Text: words.trailName(e.Action)}, deskCell{Text: words.trailObject(e)}, deskCell{Text: words.outcome(e)})
	})
	if err := errors.Join(err, words.err); err != nil {
		return err
	}
	if p.Filter.Limit > 0 && len(t.Rows) == p.Filter.Limit {
		t.Next = f.with("after", strconv.FormatInt(last, 10))
	}
	if p.Table = t; v.sent("audit") {
		return t.send(v)
	}
	for _, name := range []string{"lang", typeField} {
		if value := v.QueryParam(name); value != "" {
			p.Kept = append(p.Kept, keptField{name, value})
		}
	}
	return d.show(v, http.StatusOK, "desk-audit", p)
}

// workRoutes adds the pages of the work on cases, and those of the accounts.
func (d *desk) workRoutes(read, post func(string, auth.Right, func(*call) error)) {
	read("/desk/:wave/cases", auth.ReadCases, d.casesPage)
	post("/desk/:wave/cases", auth.AssignCases, d.assignCases)
	read("/desk/:wave/work", auth.AssignCases, d.workPage)
	read("/desk/:wave/cases/:case", auth.ReadCases, d.casePage)
	post("/desk/:wave/cases/:case", auth.ReadCases, d.act)
	read("/desk/:wave/cases/:case/household", auth.ReadCases, d.householdPage)
	post("/desk/:wave/cases/:case/household", auth.ReadCases, d.list)
	read("/desk/:wave/cases/:case/link", auth.AssignCases, d.personalLink)
	post("/desk/:wave/cases/:case/paper", auth.ReadCases, d.typePaper)
	post("/desk/:wave/cases/:case/interview", auth.ReadCases, d.beginInterview)
	read("/desk/:wave/review", auth.Review, d.reviewPage)
	read("/desk/:wave/backchecks", auth.Review, d.backChecksPage)
	post("/desk/:wave/backchecks", auth.Review, d.drawBackChecks)
	read("/desk/:wave/backchecks/:case", auth.Review, d.backCheckPage)
	post("/desk/:wave/backchecks/:case", auth.Review, d.checkBack)
	read("/desk/:wave/selection", auth.Draw, d.selectionPage)
	read("/desk/accounts", auth.ManageAccounts, d.accountsPage)
	post("/desk/accounts", auth.ManageAccounts, d.newAccount)
	read("/desk/accounts/:login", auth.ManageAccounts, d.accountPage)
	post("/desk/accounts/:login", auth.ManageAccounts, d.changeAccount)
	read("/desk/password", "", d.passwordPage)
	post("/desk/password", "", d.changePassword)
	read("/desk/audit", auth.ReadAudit, d.auditPage)
}
