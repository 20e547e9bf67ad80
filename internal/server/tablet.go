package server

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/tablet"
	"github.com/suyang-survey/suyang/surveys"
)

// tablets is what the enumerators' tablets speak to: a tablet is enrolled with a token that
// serves once, fetches the cases of its enumerator, and brings its journal home. The manual
// describes it in “tablet.md”.
type tablets struct {
	*Server
	office  *office.Store
	journal *tablet.Tablets
}

// The greatest sizes of what a tablet sends: a batch of its journal, in which a long
// interview is quoted twice, and a rescue file with everything it holds.
const (
	maxSync   = 4 << 20
	maxRescue = 256 << 20
)

// keepDays is how long a tablet keeps what the office has, at least.
const keepDays = 7

func (t *tablets) routes(e *echo.Echo, receive, admit echo.MiddlewareFunc) {
	read := func(path string, h echo.HandlerFunc) { e.Match([]string{http.MethodGet, http.MethodHead}, path, h) }
	e.POST("/v1/tablet/enrol", t.enrol, receive, t.whileRoom, admit)
	read("/v1/tablet/work", t.known(t.work))
	read("/v1/tablet/questionnaire/:wave/:version", t.known(t.questionnaire))
	e.POST("/v1/tablet/sync", t.known(t.sync), t.receiveUpTo(maxSync), t.whileRoom, admit)
}

// known lets a tablet in that is enrolled and not revoked.
func (t *tablets) known(h func(echo.Context, office.Device) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		id, secret, _ := strings.Cut(bearer(c.Request()), ".")
		d, err := t.office.Device(c.Request().Context(), id, secret)
		if payErr := t.payTablet(c, id, err); payErr != nil {
			return payErr
		}
		switch {
		case errors.Is(err, surveys.ErrNotFound):
			return errDevice
		case err != nil:
			return err
		}
		return h(c, d)
	}
}

// payTablet counts a request for its tablet, or for its network when it does not prove that it
// comes from one; err is what the office says to it.
func (t *tablets) payTablet(c echo.Context, id string, err error) error {
	if err == nil || errors.Is(err, office.ErrRevoked) || errors.Is(err, office.ErrBarred) {
		return t.charge(t.limits.device, "device", id)
	}
	return t.chargeNetwork(c)
}

// read reads the JSON of a body into v.
func readJSON(c echo.Context, v any) error {
	if err := json.NewDecoder(c.Request().Body).Decode(v); err != nil {
		return fmt.Errorf("the body is no JSON that can be read: %w: %w", surveys.ErrInvalid, err)
	}
	return nil
}

// account is who works with a tablet.
type tabletAccount struct {
	Login string `json:"login"`
	Name  string `json:"name"`
}

// enrol makes a tablet that of an enumerator.
func (t *tablets) enrol(c echo.Context) error {
	var in struct{ Token, Device, Secret, Name string }
	if err := readJSON(c, &in); err != nil {
		return err
	}
	now := t.deps.Now()
	a, err := t.office.Enrol(c.Request().Context(), in.Token, in.Device, in.Secret, in.Name, now)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		Now        time.Time     `json:"now"`
		Account    tabletAccount `json:"account"`
		ReceiptKey string        `json:"receipt_key"`
		RescueKey  string        `json:"rescue_key"`
		KeepDays   int           `json:"keep_days"`
	}{now, tabletAccount{a.Login, a.Name}, t.journal.ReceiptKey(), t.journal.RescueKey(), keepDays})
}

// sync takes a batch of a tablet's journal, and what the tablet says of itself.
func (t *tablets) sync(c echo.Context, d office.Device) error {
	var batch tablet.Batch
	if err := readJSON(c, &batch); err != nil {
		return err
	}
	ctx := c.Request().Context()
	answer, err := t.journal.Take(ctx, d, batch)
	if err != nil {
		return err
	}
	if batch.Report != nil {
		if err := t.office.Contact(ctx, d.ID, *batch.Report, t.deps.Now()); err != nil {
			t.deps.Log.WarnContext(ctx, "the report of a tablet is not kept; what it brought is", "err", err)
		}
	}
	return c.JSON(http.StatusOK, answer)
}

// questionnaire gives a version of a wave's questionnaire, without the right answers, and the
// code lists it needs.
func (t *tablets) questionnaire(c echo.Context, _ office.Device) error {
	w := t.waves()[c.Param("wave")]
	if w == nil || w.editions[c.Param("version")] == nil {
		return fmt.Errorf("questionnaire: %w", surveys.ErrNotFound)
	}
	w = w.editions[c.Param("version")]
	type list struct {
		ID  string `json:"id"`
		CSV string `json:"csv"`
	}
	out := struct {
		Questionnaire *surveys.Questionnaire `json:"questionnaire"`
		Version       string                 `json:"version"`
		Lists         []list                 `json:"lists"`
	}{w.Questionnaire.WithoutKeys(), w.version, []list{}}
	needed := map[string]bool{}
	for it := range w.Questionnaire.Items {
		if it.Division != nil {
			needed[it.Division.List] = true
		}
	}
	for _, l := range w.Lists {
		if needed[l.ID] {
			out.Lists = append(out.Lists, list{l.ID, l.CSV()})
		}
	}
	c.Response().Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	return c.JSON(http.StatusOK, out)
}

// work is what a tablet takes along.
type work struct {
	Now      time.Time     `json:"now"`
	Account  tabletAccount `json:"account"`
	KeepDays int           `json:"keep_days"`
	Contacts []codeName    `json:"contacts"`
	Outcomes []codeName    `json:"outcomes"`
	Waves    []workWave    `json:"waves"`
}

// codeName is a code with its words.
type codeName struct {
	Code string       `json:"code"`
	Name surveys.Text `json:"name"`
	// Household and Person say which cases an outcome is for: those in which a person of the
	// household is selected, and persons who were drawn.
	Household bool `json:"household,omitempty"`
	Person    bool `json:"person,omitempty"`
}

// workWave is a wave with the cases of the enumerator.
type workWave struct {
	ID        string         `json:"id"`
	Title     surveys.Text   `json:"title"`
	Survey    string         `json:"survey"`
	Version   string         `json:"version"`
	Languages []surveys.Lang `json:"languages"`
	Open      bool           `json:"open"`
	// Population says who belongs to it.
	Population surveys.Text `json:"population"`
	Cases      []workCase   `json:"cases"`
}

// workCase is a case as a tablet needs it.
type workCase struct {
	ID          string             `json:"id"`
	Place       string             `json:"place"`
	Facts       []workFact         `json:"facts"`
	State       fieldwork.State    `json:"state"`
	Done        bool               `json:"done"`
	Attempts    int                `json:"attempts"`
	Last        *fieldwork.Attempt `json:"last_attempt,omitempty"`
	Appointment time.Time          `json:"appointment,omitzero"`
	Interview   string             `json:"interview"`
	Revision    uint32             `json:"revision"`
	Booklet     string             `json:"booklet,omitempty"`
	Method      household.Method   `json:"method"`
	// Number is revealed by the tablet when the listing is complete; Commitment is what was
	// published of it at the draw.
	Number     *household.Number   `json:"number,omitempty"`
	Commitment string              `json:"commitment,omitempty"`
	Selection  *household.Evidence `json:"selection,omitempty"`
	Returned   string              `json:"returned,omitempty"`
}

type workFact struct {
	Name  surveys.Text `json:"name"`
	Value string       `json:"value"`
}

// work gives a tablet the cases of its enumerator, and remembers that it did: what a tablet
// was given it may bring home, whoever has the case by then.
func (t *tablets) work(c echo.Context, d office.Device) error {
	ctx, now := c.Request().Context(), t.deps.Now()
	a, err := t.office.Account(ctx, d.Login)
	if err != nil {
		return err
	}
	out := work{Now: now, Account: tabletAccount{a.Login, a.Name}, KeepDays: keepDays, Waves: []workWave{}}
	say := t.inEveryLanguage()
	for _, contact := range []fieldwork.Contact{fieldwork.Visit, fieldwork.Phone, fieldwork.Letter, fieldwork.Link} {
		out.Contacts = append(out.Contacts, codeName{Code: string(contact), Name: say(contactWords[contact])})
	}
	out.Outcomes = reportedOutcomes()
	for _, w := range t.order() {
		cases, err := t.casesFor(c, w, a)
		if err != nil {
			return err
		}
		if len(cases) == 0 {
			continue
		}
		ids := make([]string, len(cases))
		for i := range cases {
			ids[i] = cases[i].ID
		}
		if err := t.office.GiveCases(ctx, d.ID, w.ID, ids, now); err != nil {
			return err
		}
		out.Waves = append(out.Waves, workWave{ID: w.ID, Title: w.Title, Survey: w.Questionnaire.ID, Version: w.version, Languages: w.languages,
			Open: w.open(now), Population: say("desk.household.population", "survey", w.Title), Cases: cases})
	}
	return c.JSON(http.StatusOK, out)
}

// reportedOutcomes are the outcomes that an enumerator reports.
func reportedOutcomes() []codeName {
	byCode, order := map[fieldwork.OutcomeCode]*codeName{}, []fieldwork.OutcomeCode{}
	for _, ofHouseholds := range []bool{true, false} {
		for _, o := range fieldwork.Outcomes(kinds(ofHouseholds)) {
			if !byEnumerator(o.Code) || o.Code == fieldwork.Listed {
				continue
			}
			if byCode[o.Code] == nil {
				byCode[o.Code] = &codeName{Code: string(o.Code), Name: o.Name}
				order = append(order, o.Code)
			}
			if ofHouseholds {
				byCode[o.Code].Household = true
			} else {
				byCode[o.Code].Person = true
			}
		}
	}
	list := make([]codeName, len(order))
	for i, code := range order {
		list[i] = *byCode[code]
	}
	return list
}

// inEveryLanguage gives the words for a key in all languages of the pages. A value that is a
// surveys.Text stands in the language of the words.
func (s *Server) inEveryLanguage() func(key string, pairs ...any) surveys.Text {
	return func(key string, pairs ...any) surveys.Text {
		all := surveys.Text{}
		for _, l := range s.pages.words.languages {
			in := slices.Clone(pairs)
			for i, v := range in {
				if text, ok := v.(surveys.Text); ok {
					in[i] = text.In(l)
				}
			}
			words, err := s.pages.words.say(l, key, in...)
			if err != nil {
				panic("server: words of our own: " + err.Error())
			}
			all[l] = words
		}
		return all
	}
}

// casesFor are the cases of a wave that an enumerator has.
func (t *tablets) casesFor(c echo.Context, w *wave, a auth.Account) ([]workCase, error) {
	ctx := c.Request().Context()
	var cases []office.Case
	err := t.office.Cases(ctx, a, office.Filter{Wave: w.ID}, func(k office.Case) bool {
		cases = append(cases, k)
		return true
	})
	if err != nil || len(cases) == 0 {
		return nil, err
	}
	secret, err := t.office.Secret(ctx, w.ID)
	if err != nil && !errors.Is(err, surveys.ErrNotFound) { // persons that were drawn elsewhere have no draw
		return nil, err
	}
	out := make([]workCase, len(cases))
	for i, k := range cases {
		if out[i], err = t.workCase(c, w, k, secret); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// workCase is a case as a tablet needs it.
func (t *tablets) workCase(c echo.Context, w *wave, k office.Case, secret household.Secret) (workCase, error) {
	out := workCase{ID: k.ID, State: k.State, Done: k.Done(), Attempts: len(k.Attempts), Appointment: k.NextAppointment(), Booklet: w.Booklets[k.ID], Method: k.Method,
		Place: cmp.Or(k.Columns[columnName], areaName(shortCode(k.Area), surveys.ZH), k.Area)}
	if n := len(k.Attempts); n > 0 {
		out.Last = &k.Attempts[n-1]
	}
	var events []fieldwork.Event
	var err error
	if k.Changes > 0 {
		if events, err = t.office.Events(c.Request().Context(), w.ID, k.ID); err != nil {
			return out, err
		}
	}
	out.Interview, out.Revision = t.nextInterview(w, k, events)
	if k.State == fieldwork.Returned {
		out.Returned, _ = sentBack(events)
	}
	if k.Method != 0 {
		number := secret.Number(k.ID)
		out.Number, out.Commitment = &number, k.Commitment
		for _, e := range events {
			if e.Action == fieldwork.Select {
				out.Selection = e.Selection
			}
		}
	}
	out.Facts = t.workFacts(k)
	return out, nil
}

// nextInterview is the one interview of a case, with the revision that the next one of it has.
func (s *Server) nextInterview(w *wave, k office.Case, events []fieldwork.Event) (id string, revision uint32) {
	id = s.links.interviewID(w.ID, k.ID)
	for _, e := range events {
		if e.Action == fieldwork.Submit {
			id, revision = e.Interview, uint32(k.Revision)+1
		}
	}
	return id, revision
}

// workFacts are the lines about a case that help to find it.
func (t *tablets) workFacts(k office.Case) []workFact {
	say := t.inEveryLanguage()
	address := &teller{deskFrame: deskFrame{frame: t.pages.frame(surveys.ZH)}}
	facts := []workFact{{say("desk.column.address"), address.address(k)}}
	for _, column := range slices.Sorted(maps.Keys(k.Columns)) {
		if value := k.Columns[column]; value != "" && columnWords[column] == "" { // those of the draw tell nobody the way
			facts = append(facts, workFact{surveys.Text{surveys.ZH: column, surveys.EN: column}, value})
		}
	}
	return facts
}
