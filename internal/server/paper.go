package server

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/surveys"
)

// paperPage is web/pages/paper: the whole questionnaire, to be printed.
type paperPage struct {
	frame
	startHeader
	Version, Booklet string
	Sections         []paperSection
}

// paperSection is a section on paper; When says in words who answers it.
type paperSection struct {
	Title, Intro, When string
	Items              []paperItem
}

// paperItem is an item on paper.
type paperItem struct {
	// Number counts the questions; rows and what a roster asks have one of two parts.
	Number, Text, Hint, When string
	// Draw is the type of the item.
	Draw        surveys.ItemType
	Figure, Alt string
	Options     []optionView
	Several     bool // any number of them
	Limits      string
	Unit        string
	Places      []int       // of a ranking
	Levels      []string    // of a region
	Rows        []paperItem // of a grid, or what a roster asks of each person
}

// paper shows what is asked behind a door, for printing: of a questionnaire with booklets
// that of the case, or another one that the address of the wave asks for.
func (s *Server) paper(find func(echo.Context) (door, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		d, err := find(c)
		if err != nil {
			return err
		}
		booklet := c.QueryParam("booklet")
		if booklet == "" || d.caseID != "" || d.link != "" {
			if booklet, err = d.booklet(); err != nil {
				return err
			}
		}
		return s.showPaper(c, d, booklet)
	}
}

// booklet is the one that an interview behind the door gets: that of the case, or any.
func (d door) booklet() (string, error) {
	id := d.interview
	if id == "" {
		random, err := uuid.NewRandom()
		if err != nil {
			return "", fmt.Errorf("drawing a booklet: %w", err)
		}
		id = random.String()
	}
	return startOf(d.wave, d.caseID, id).Booklet, nil
}

func (s *Server) showPaper(c echo.Context, d door, booklet string) error {
	w := d.wave
	l := asked(c, w.languages)
	f := s.pages.frame(l)
	f.Title, f.Print = w.Title.In(l), s.assets["paper.css"].path
	var err error
	if f.Languages, err = s.pages.languageLinks(w.languages, l, d.path+"/paper"); err != nil {
		return err
	}
	p := paperPage{frame: f, startHeader: headerOf(w.Questionnaire, l), Version: w.version, Booklet: booklet}
	out, err := w.leftOut(booklet)
	if err != nil {
		return err
	}
	drawing := paperDrawing{frame: f, wave: w, numbers: map[string]string{}, out: out}
	if p.Sections, err = drawing.sections(); err != nil {
		return err
	}
	return s.show(c, http.StatusOK, "paper", p)
}

// paperDrawing draws one questionnaire on paper.
type paperDrawing struct {
	frame
	wave *wave
	// out are the items that the booklet leaves out.
	out map[string]bool
	// numbers are the numbers of the questions, by item.
	numbers map[string]string
	depth   int // of offered
}

// leftOut are the items that a booklet leaves out: those that only others have.
func (w *wave) leftOut(booklet string) (map[string]bool, error) {
	booklets := w.Questionnaire.Booklets
	if booklet == "" {
		return nil, nil
	}
	n := slices.IndexFunc(booklets, func(b surveys.Booklet) bool { return b.ID == booklet })
	if n < 0 {
		return nil, fmt.Errorf("booklet: %w", surveys.ErrNotFound)
	}
	out := map[string]bool{}
	for _, b := range booklets {
		for _, item := range b.Items {
			out[item] = !slices.Contains(booklets[n].Items, item)
		}
	}
	return out, nil
}

// sections numbers the questions and draws them, section by section.
func (d *paperDrawing) sections() (list []paperSection, err error) {
	q := d.wave.Questionnaire
	n := 0
	for _, section := range q.Sections {
		n = d.number(section.Items, "", n)
	}
	for _, section := range q.Sections {
		p := paperSection{Title: d.say(section.Title), Intro: d.say(section.Intro)}
		if p.When, err = d.when(section.Relevant); err != nil {
			return nil, err
		}
		if p.Items, err = d.items(section.Items); err != nil {
			return nil, err
		}
		if len(p.Items) > 0 {
			list = append(list, p)
		}
	}
	return list, nil
}

// number gives the items their numbers, from n+1; within is that of a roster.
func (d *paperDrawing) number(items []surveys.Item, within string, n int) int {
	rows := 0
	for _, item := range items {
		switch {
		case d.out[item.ID] || item.Type == surveys.Note || item.Type == surveys.Calculate:
			continue
		case item.Row != "":
			rows++
			d.numbers[item.ID] = d.numbers[item.Row] + "." + strconv.Itoa(rows)
			continue
		}
		rows = 0
		n++
		d.numbers[item.ID] = within + strconv.Itoa(n)
		d.number(item.Items, d.numbers[item.ID]+".", 0)
	}
	return n
}

// items draws items; the rows of a grid go into it.
func (d *paperDrawing) items(items []surveys.Item) (list []paperItem, err error) {
	for _, item := range items {
		if d.out[item.ID] || item.Type == surveys.Calculate {
			continue
		}
		p, err := d.item(&item)
		if err != nil {
			return nil, err
		}
		if n := len(list) - 1; n >= 0 && item.Row != "" {
			list[n].Rows = append(list[n].Rows, p)
			continue
		}
		list = append(list, p)
	}
	return list, nil
}

// maxPlaces is how many places a ranking has on paper at most.
const maxPlaces = 20

// item draws one item.
func (d *paperDrawing) item(item *surveys.Item) (p paperItem, err error) {
	p = paperItem{
		Number:  d.numbers[item.ID],
		Text:    d.say(item.Text),
		Hint:    d.say(item.Hint),
		Draw:    item.Type,
		Unit:    d.say(item.Unit),
		Several: item.Type == surveys.Multiple,
		Options: d.options(item),
	}
	if p.Limits, err = d.limits(item); err != nil {
		return p, err
	}
	if item.Figure != nil {
		p.Figure, p.Alt = d.wave.figure(item), d.say(item.Figure.Alt)
	}
	if item.Type == surveys.Ranking {
		n := 0
		for _, o := range d.offered(item) {
			if !o.Apart && !o.Alone {
				n++
			}
		}
		if item.Most > 0 {
			n = min(n, item.Most)
		}
		for i := range min(n, maxPlaces) {
			p.Places = append(p.Places, i+1)
		}
	}
	if item.Division != nil {
		for _, level := range []string{"province", "city", "county", "township", "village"} {
			name, err := d.T("item." + level)
			if err != nil {
				return p, err
			}
			p.Levels = append(p.Levels, name)
			if level == item.Division.Level {
				break
			}
		}
	}
	if p.When, err = d.when(item.Relevant); err != nil {
		return p, err
	}
	if item.From != "" {
		from, err := d.T("paper.from", "n", d.numbers[item.From])
		if err != nil {
			return p, err
		}
		p.Options = d.offered(item)
		p.Hint = strings.TrimSpace(p.Hint + " " + from)
	}
	if len(item.Items) > 0 {
		p.Rows, err = d.items(item.Items)
	}
	return p, err
}

// limits says how many options are to be chosen.
func (d *paperDrawing) limits(item *surveys.Item) (string, error) {
	var least, most string
	var err error
	if item.Least > 0 {
		if least, err = d.T("paper.least", "n", item.Least); err != nil {
			return "", err
		}
	}
	if item.Most > 0 {
		most, err = d.T("paper.most", "n", item.Most)
	}
	return strings.TrimSpace(least + " " + most), err
}

// offered are the options of an item: those that can be chosen elsewhere and go on to it,
// and its own.
func (d *paperDrawing) offered(item *surveys.Item) []optionView {
	own := d.options(item)
	if item.From == "" {
		return own
	}
	from := d.wave.Questionnaire.Item(item.From)
	if from == nil || d.depth > surveys.MaxFrom {
		return own
	}
	d.depth++
	defer func() { d.depth-- }()
	handed := slices.DeleteFunc(d.offered(from), func(o optionView) bool { return o.Apart || o.Alone })
	return append(handed, own...)
}

func (d *paperDrawing) options(item *surveys.Item) (list []optionView) {
	for _, o := range item.Options {
		list = append(list, optionView{Code: o.Code, Text: d.say(o.Text), Apart: surveys.Reserved(o.Code), Alone: o.Exclusive})
	}
	return list
}

// when says in words when something is to be answered; "" is always.
func (d *paperDrawing) when(relevant string) (string, error) {
	if relevant == "" {
		return "", nil
	}
	r := routing{
		question: func(id string) (string, *surveys.Item) {
			if d.numbers[id] == "" {
				return "", nil
			}
			return d.numbers[id], d.wave.Questionnaire.Item(id)
		},
		option: func(item *surveys.Item, code string) string {
			for _, o := range d.offered(item) {
				if o.Code == code {
					return o.Text
				}
			}
			return ""
		},
		calculated: func(id string) (*surveys.Item, string) {
			item := d.wave.Questionnaire.Item(id)
			if item == nil || item.Type != surveys.Calculate {
				return nil, ""
			}
			return item, d.say(item.Text)
		},
		say: d.T,
	}
	words, err := r.words(relevant)
	if err != nil {
		if words, err = d.T("paper.condition", "x", relevant); err != nil {
			return "", err
		}
	}
	return d.T("paper.when", "x", words)
}

// piped finds what a text puts in.
var piped = regexp.MustCompile(`\$?\$\{([^}]*)\}`)

// say gives a text; where it speaks of an answer, the number of the question.
func (d *paperDrawing) say(t surveys.Text) string {
	return piped.ReplaceAllStringFunc(t.In(d.lang), func(found string) string {
		if strings.HasPrefix(found, "$$") {
			return found[1:]
		}
		n := d.numbers[strings.TrimSpace(found[2:len(found)-1])]
		text, err := d.T("paper.answer", "n", n)
		if n == "" || err != nil {
			return "……"
		}
		return text
	})
}

// figure is the address of the picture of an item.
func (w *wave) figure(item *surveys.Item) string {
	return w.path() + "/figure/" + item.ID + "?v=" + url.QueryEscape(w.version)
}
