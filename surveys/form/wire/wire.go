// Package wire runs the form engine by messages: one JSON object in, one out. It is how
// a page in a browser, which cannot call Go, conducts an interview.
//
// A message names what to do and what with:
//
//	{"do": "compile", "questionnaire": {…}, "lists": [{"id": "cn-2020", "csv": "code,name_zh…"}]}
//	{"do": "start", "booklet": "A", "seed": 7, "lang": "zh"}
//	{"do": "resume", "saved": {…}, "lang": "en"}
//	{"do": "set", "key": "age", "values": ["40"]}
//	{"do": "submit", "values": {"age": ["40"]}, "took": 5200}
//	{"do": "next"}  {"do": "back"}  {"do": "jump", "key": "age"}  {"do": "lang", "lang": "en"}
//	{"do": "state"}  {"do": "save"}  {"do": "finish"}  {"do": "partial"}
//	{"do": "replay", "messages": [{"do": "start", …}, {"do": "set", …}, …]}
//
// replay does what was done before, such as the messages of an interview that a tablet
// kept, and draws once.
//
// The answer has the interview as it is to be drawn, in one language, and what was asked
// for; or it has an error, and then nothing has changed. Right answers are not in it.
package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// Engine is a questionnaire and one interview with it.
type Engine struct {
	form    *form.Form
	session *form.Session
	lang    surveys.Lang
}

// message is what comes in.
type message struct {
	Do            string                 `json:"do"`
	Questionnaire *surveys.Questionnaire `json:"questionnaire"`
	Lists         []list                 `json:"lists"`
	Booklet       string                 `json:"booklet"`
	Seed          uint32                 `json:"seed"`
	Lang          surveys.Lang           `json:"lang"`
	Saved         form.Saved             `json:"saved"`
	Key           string                 `json:"key"`
	Values        json.RawMessage        `json:"values"`
	Took          float64                `json:"took"` // milliseconds
	Page          string                 `json:"page"` // of submit: the page that was filled in
	Messages      []message              `json:"messages"`
}

// list is a code list as CSV, see geo.Read.
type list struct {
	ID  string `json:"id"`
	CSV string `json:"csv"`
}

// Reply is what goes out.
type Reply struct {
	Error string `json:"error,omitempty"`
	// Version is that of the questionnaire, after compile.
	Version string `json:"version,omitempty"`
	// State is there once an interview has begun.
	State *State `json:"state,omitempty"`
	// OK answers set, back and jump: whether that was possible.
	OK bool `json:"ok"`
	// Problems are those that keep the person on the page, or from finishing.
	Problems []Problem    `json:"problems,omitempty"`
	Saved    *form.Saved  `json:"saved,omitempty"`
	Result   *form.Result `json:"result,omitempty"`
}

// Problem is one thing that is wrong; Words are the questionnaire's own, if it has any.
type Problem struct {
	Key   string    `json:"key,omitempty"`
	Code  form.Code `json:"code"`
	Limit int       `json:"limit,omitempty"`
	Soft  bool      `json:"soft,omitempty"`
	Words string    `json:"words,omitempty"`
}

// State is an interview as it is to be drawn, in one language.
type State struct {
	Lang     surveys.Lang `json:"lang"`
	Progress float64      `json:"progress"`
	Asked    int          `json:"asked"`
	Answered int          `json:"answered"`
	Blank    int          `json:"blank"`
	Section  int          `json:"section,omitempty"` // place of the page's section among Sections
	Sections int          `json:"sections"`
	// Page is nil when all was asked.
	Page *Page `json:"page"`
}

// Page is what is shown at a time.
type Page struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Intro string `json:"intro,omitempty"`
	First bool   `json:"first"`
	Back  bool   `json:"back"`
	Row   int    `json:"row,omitempty"`
	Items []Item `json:"items"`
}

// Item is one that is asked.
type Item struct {
	Key      string           `json:"key"`
	Type     surveys.ItemType `json:"type"`
	Text     string           `json:"text"`
	Hint     string           `json:"hint,omitempty"`
	Unit     string           `json:"unit,omitempty"`
	Required bool             `json:"required,omitempty"`
	Timed    bool             `json:"timed,omitempty"`
	Decimals int              `json:"decimals,omitempty"`
	Least    int              `json:"least,omitempty"`
	Most     int              `json:"most,omitempty"`
	Row      string           `json:"grid,omitempty"` // the grid it is a row of
	Put      bool             `json:"put"`
	Values   []string         `json:"values"`
	Options  []Option         `json:"options,omitempty"`
	Steps    []Step           `json:"steps,omitempty"`
	SVG      string           `json:"svg,omitempty"`
	Image    []byte           `json:"image,omitempty"`
	Alt      string           `json:"alt,omitempty"`
}

// Option is one answer that can be chosen.
type Option struct {
	Code      string `json:"code"`
	Text      string `json:"text"`
	Exclusive bool   `json:"exclusive,omitempty"`
}

// Step is one level of a region to choose from.
type Step struct {
	Level  string   `json:"level"`
	Chosen string   `json:"chosen,omitempty"`
	Parts  []Option `json:"parts"`
}

// Call does what a message says.
func (e *Engine) Call(in []byte) []byte {
	var r Reply
	var m message
	if err := json.Unmarshal(in, &m); err != nil {
		r.Error = "the message is no JSON that can be read: " + err.Error()
	} else if err := e.do(&m, &r); err != nil {
		r = Reply{Error: err.Error()}
	}
	out, err := json.Marshal(&r)
	if err != nil {
		panic("wire: a reply must be plain data: " + err.Error())
	}
	return out
}

var errNone = errors.New("no interview has begun; send start or resume first")

func (e *Engine) do(m *message, r *Reply) error {
	switch m.Do {
	case "compile":
		return e.compile(m, r)
	case "replay":
		if err := e.replay(m.Messages, r); err != nil {
			return err
		}
	default:
		if err := e.advance(m, r); err != nil {
			return err
		}
	}
	r.State = e.draw()
	return nil
}

// advance does what a message about an interview says.
func (e *Engine) advance(m *message, r *Reply) error {
	switch m.Do {
	case "start", "resume":
		if err := e.begin(m); err != nil {
			return err
		}
	}
	if e.session == nil {
		return errNone
	}
	return e.step(m, r)
}

// replay does several messages in their order. When one cannot be done, the interview under
// way is the one before.
func (e *Engine) replay(messages []message, r *Reply) error {
	before := *e
	if len(messages) == 0 || messages[0].Do != "start" && messages[0].Do != "resume" {
		return errors.New("replay begins with start or resume")
	}
	for i := range messages {
		if err := e.advance(&messages[i], &Reply{}); err != nil {
			*e = before
			return fmt.Errorf("message %d of the replay: %w", i+1, err)
		}
	}
	r.OK = true
	return nil
}

func (e *Engine) compile(m *message, r *Reply) error {
	if m.Questionnaire == nil {
		return errors.New("compile needs a questionnaire")
	}
	var lists []*geo.List
	for _, l := range m.Lists {
		g, err := geo.Read(l.ID, strings.NewReader(l.CSV))
		if err != nil {
			return err
		}
		lists = append(lists, g)
	}
	f, err := form.Compile(m.Questionnaire, lists...)
	if err != nil {
		return err
	}
	e.form, e.session, e.lang = f, nil, ""
	r.Version, r.OK = m.Questionnaire.Version(), true
	return nil
}

func (e *Engine) begin(m *message) error {
	if e.form == nil {
		return errors.New("there is no questionnaire; send compile first")
	}
	var s *form.Session
	var err error
	if m.Do == "start" {
		s, err = e.form.Start(form.Start{Booklet: m.Booklet, Seed: m.Seed})
	} else {
		s, err = e.form.Resume(m.Saved)
	}
	if err != nil {
		return err
	}
	e.session, e.lang = s, m.Lang
	return nil
}

// step does what needs an interview.
func (e *Engine) step(m *message, r *Reply) error {
	r.OK = true
	switch m.Do {
	case "start", "resume", "state":
	case "lang":
		e.lang = m.Lang
	case "set":
		var values []string
		if err := json.Unmarshal(m.Values, &values); err != nil {
			return fmt.Errorf("the values of set are a list of texts: %w", err)
		}
		r.OK = e.session.Set(m.Key, values)
	case "submit":
		var values map[string][]string
		if err := json.Unmarshal(m.Values, &values); err != nil {
			return fmt.Errorf("the values of submit are lists of texts by key: %w", err)
		}
		took := time.Duration(m.Took * float64(time.Millisecond))
		if m.Page != "" && m.Page != e.session.Page() { // it is not the one shown any more
			e.session.Submit(m.Page, values, took)
		} else {
			e.session.SubmitShown(values, took)
		}
	case "next":
		r.Problems = e.problems(e.session.Next())
		r.OK = len(r.Problems) == 0
	case "back":
		r.OK = e.session.Back()
	case "jump":
		r.OK = e.session.Jump(m.Key)
	case "save":
		saved := e.session.Save()
		r.Saved = &saved
	case "finish":
		result, problems := e.session.Finish()
		if r.Problems = e.problems(problems); len(problems) > 0 {
			r.OK = false
			return nil
		}
		r.Result = &result
	case "partial":
		result := e.session.Partial()
		r.Result = &result
	default:
		return fmt.Errorf("there is nothing called %q to do", m.Do)
	}
	return nil
}

func (e *Engine) problems(ps []form.Problem) []Problem {
	var out []Problem
	for _, p := range ps {
		out = append(out, Problem{Key: p.Item, Code: p.Code, Limit: p.Limit, Soft: p.Soft,
			Words: e.session.Text(p.Message, e.lang, p.Item)})
	}
	return out
}

func (e *Engine) draw() *State {
	st := e.session.State()
	out := &State{Lang: e.lang, Progress: st.Progress, Asked: st.Asked, Answered: st.Answered, Blank: st.Blank, Sections: st.Relevant}
	if st.Page == nil {
		return out
	}
	for _, s := range st.Sections {
		if s.Section == st.Page.Section {
			out.Section = s.Position
		}
	}
	p := st.Page
	out.Page = &Page{ID: p.ID, Title: e.text(p.Section.Title, p.ID), First: p.First, Back: p.Back, Row: p.Row, Items: []Item{}}
	if p.First {
		out.Page.Intro = e.text(p.Section.Intro, p.ID)
	}
	for i := range p.Items {
		if p.Items[i].Relevant {
			out.Page.Items = append(out.Page.Items, e.item(&p.Items[i]))
		}
	}
	return out
}

func (e *Engine) text(t surveys.Text, key string) string { return e.session.Text(t, e.lang, key) }

func (e *Engine) item(s *form.ItemState) Item {
	def := s.Item
	it := Item{Key: s.Key, Type: def.Type, Text: e.text(def.Text, s.Key), Hint: e.text(def.Hint, s.Key), Unit: e.text(def.Unit, s.Key),
		Required: def.Required, Timed: def.Timed, Decimals: def.Decimals, Least: def.Least, Most: def.Most, Row: def.Row,
		Put: s.Put, Values: s.Values}
	if it.Values == nil {
		it.Values = []string{}
	}
	for _, o := range s.Options {
		it.Options = append(it.Options, Option{o.Code, e.text(o.Text, s.Key), o.Exclusive})
	}
	for _, step := range s.Steps {
		parts := make([]Option, len(step.Parts))
		for n, d := range step.Parts {
			parts[n] = Option{Code: d.Code, Text: d.Name.In(e.lang)}
		}
		it.Steps = append(it.Steps, Step{step.Level, step.Chosen, parts})
	}
	if def.Figure != nil {
		it.SVG, it.Image, it.Alt = def.Figure.SVG, def.Figure.Image, e.text(def.Figure.Alt, s.Key)
	}
	return it
}
