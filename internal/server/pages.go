package server

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/web"
)

// pageNames are the folders of web/pages that the server draws.
var pageNames = []string{"home", "start", "section", "send", "thanks", "later", "resume", "labels", "problem"}

// pages draws the pages.
type pages struct {
	words     *words
	templates map[string]*template.Template
	style     string
}

// loadPages parses the templates and reads the words; style is the path of the
// style sheet.
func loadPages(style string) (*pages, error) {
	w, err := loadWords()
	if err != nil {
		return nil, err
	}
	p := &pages{words: w, templates: map[string]*template.Template{}, style: style}
	for _, name := range pageNames {
		t, err := template.New(name).Option("missingkey=error").
			ParseFS(fs.FS(web.Pages), "pages/layout/layout.html", "pages/"+name+"/page.html")
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		p.templates[name] = t
	}
	return p, nil
}

// frame is what every page has. The struct of a page embeds it.
type frame struct {
	words *words
	lang  surveys.Lang
	// Style is the path of the style sheet.
	Style string
	// Title is the heading; Failed marks it as that of a page with errors.
	Title  string
	Failed bool
	// Survey names the survey above the heading.
	Survey string
	// Action is where the page's form is sent; empty on a page without one.
	// State are the sealed answers in it, Default is what the Enter key does.
	Action, State, Default string
	Languages              []languageLink
}

// languageLink is one entry of the language switch: the language in use, a link,
// or (without Href) a button that keeps what was typed.
type languageLink struct {
	Code, Tag, Name string
	Current         bool
	Href            string
}

// LangTag is the page's lang attribute.
func (f frame) LangTag() string { return tag(f.lang) }

// T returns the words for key; see words.say.
func (f frame) T(key string, pairs ...any) (string, error) {
	return f.words.say(f.lang, key, pairs...)
}

// frame begins a page in language l.
func (p *pages) frame(l surveys.Lang) frame {
	return frame{words: p.words, lang: l, Style: p.style}
}

// titled is frame with the heading from the words.
func (p *pages) titled(l surveys.Lang, key string) (frame, error) {
	f := p.frame(l)
	var err error
	f.Title, err = f.T(key)
	return f, err
}

// languageLinks returns the language switch of a page at path; with path "" it is
// made of buttons. A page in the only language has none.
func (p *pages) languageLinks(languages []surveys.Lang, current surveys.Lang, path string) ([]languageLink, error) {
	if len(languages) < 2 {
		return nil, nil
	}
	var links []languageLink
	for _, l := range languages {
		name, err := p.words.say(l, "language.name")
		if err != nil {
			return nil, err
		}
		link := languageLink{Code: string(l), Tag: tag(l), Name: name, Current: l == current}
		if path != "" {
			link.Href = inLanguage(path, l)
		}
		links = append(links, link)
	}
	return links, nil
}

// inLanguage is an address that asks for a language.
func inLanguage(path string, l surveys.Lang) string {
	return (&url.URL{Path: path, RawQuery: "lang=" + url.QueryEscape(string(l))}).String()
}

// show writes a page. Nothing is sent when the template fails.
func (s *Server) show(c echo.Context, status int, name string, page any) error {
	var out bytes.Buffer
	if err := s.pages.templates[name].ExecuteTemplate(&out, "layout", page); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	c.Response().Header().Set("Content-Language", page.(interface{ LangTag() string }).LangTag())
	return c.HTMLBlob(status, out.Bytes())
}
