package server

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/web"
)

// pageNames are the folders of web/pages that the server draws.
var pageNames = []string{"home", "start", "section", "send", "thanks", "later", "resume", "labels", "problem", "paper",
	"desk-sign-in", "desk-home",
	"desk-cases", "desk-case", "desk-household", "desk-selected", "desk-link", "desk-tables", "desk-quarantine", "desk-backchecks", "desk-backcheck",
	"desk-accounts", "desk-account", "desk-password", "desk-audit", "desk-problem",
	"desk-tablets", "desk-tablets-one", "desk-tablets-code", "desk-tablets-rescued",
	"desk-progress", "desk-rates", "desk-live", "desk-quality", "desk-sample", "desk-precision", "desk-releases",
	"desk-report", "desk-texts", "desk-release"}

// pages draws the pages.
type pages struct {
	words *words
	// templates are the pages by language and name; words in one of them are those of
	// its language.
	templates map[surveys.Lang]map[string]*template.Template
	assets    map[string]asset
}

// loadPages parses the templates and reads the words.
func loadPages(assets map[string]asset) (*pages, error) {
	w, err := loadWords()
	if err != nil {
		return nil, err
	}
	p := &pages{words: w, templates: map[surveys.Lang]map[string]*template.Template{}, assets: assets}
	for _, l := range w.languages {
		p.templates[l] = map[string]*template.Template{}
		for _, name := range pageNames {
			t, err := p.parse(l, name)
			if err != nil {
				return nil, fmt.Errorf("page %s: %w", name, err)
			}
			p.templates[l][name] = t
		}
	}
	return p, nil
}

// fixedWords are words in a template with nothing to fill in.
var fixedWords = regexp.MustCompile(`\{\{(?:\$?\.T|words) "([^"]+)"\}\}`)

// parse makes the template of a page in a language. Fixed words are put into its text
// once, and not again for each page that is shown.
func (p *pages) parse(l surveys.Lang, name string) (*template.Template, error) {
	files, err := fs.Glob(web.Pages, "pages/"+name+"/*.html")
	if err != nil {
		return nil, err
	}
	t := template.New(name).Option("missingkey=error").
		Funcs(template.FuncMap{"words": func(key string) (string, error) { return p.words.say(l, key) }})
	frames := []string{"pages/layout/layout.html"}
	if strings.HasPrefix(name, "desk-") {
		frames = []string{"pages/desk/layout.html", "pages/desk/table.html", "pages/desk/chart.html", "pages/desk/making.html"}
	}
	for _, file := range append(frames, files...) {
		source, err := web.Pages.ReadFile(file)
		if err != nil {
			return nil, err
		}
		text := fixedWords.ReplaceAllStringFunc(string(source), func(found string) string {
			words, wordsErr := p.words.say(l, fixedWords.FindStringSubmatch(found)[1])
			if wordsErr != nil {
				err = wordsErr
			}
			return template.HTMLEscapeString(words)
		})
		if err != nil {
			return nil, err
		}
		if _, err := t.Parse(text); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return t, nil
}

// The size of type in an address. Like the language it is there since the pages set
// no cookies.
const (
	typeField  = "type"
	largeType  = "large"
	normalType = "normal"
)

// typeOf returns the size of type that the address of a request asks for.
func typeOf(c echo.Context) string {
	if c.QueryParam(typeField) == largeType {
		return largeType
	}
	return normalType
}

// frame is what every page has. The struct of a page embeds it.
type frame struct {
	words *words
	lang  surveys.Lang
	view  *view
	// Style and Script are the paths of the style sheet and the script.
	Style, Script string
	// Print is the path of a further style sheet, for paper.
	Print string
	// Title is the heading; Failed marks it as that of a page with errors.
	Title  string
	Failed bool
	// Survey names the survey above the heading.
	Survey string
	// Action is where the page's form is sent; empty on a page without one.
	// State is the mark of the page in it, Default is what the Enter key does.
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

// Frame is the frame itself, for what is around every page: a template finds the fields
// of a struct at once, and those of a struct within it only by a search.
func (f frame) Frame() frame { return f }

// LangTag is the page's lang attribute.
func (f frame) LangTag() string { return tag(f.lang) }

// view is what is known of a page when it is shown: its size of type, and its own
// address when it can be asked for again.
type view struct{ size, self string }

// Self is the address of a page that links can lead to without losing what was typed.
func (f frame) Self() string {
	if f.State != "" {
		return ""
	}
	return f.view.self
}

// Large says that the page is in large type.
func (f frame) Large() bool { return f.view.size == largeType }

// OtherType is the size of type that the page is not in.
func (f frame) OtherType() string {
	if f.Large() {
		return normalType
	}
	return largeType
}

// Here is an address within the site, in the size of type of the page.
func (f frame) Here(address string) string { return inType(address, f.view.size) }

// There is the address in the other size of type.
func (f frame) There(address string) string { return inType(address, f.OtherType()) }

// inType adds the size of type to an address with a query.
func inType(address, size string) string {
	if size != largeType {
		return address
	}
	path, fragment, found := strings.Cut(address, "#")
	if strings.Contains(path, "?") {
		path += "&"
	} else {
		path += "?"
	}
	path += typeField + "=" + size
	if found {
		path += "#" + fragment
	}
	return path
}

// T returns the words for key; see words.say.
func (f frame) T(key string, pairs ...any) (string, error) {
	return f.words.say(f.lang, key, pairs...)
}

// shown returns the language of the page and its view.
func (f frame) shown() (surveys.Lang, *view) { return f.lang, f.view }

// frame begins a page in language l.
func (p *pages) frame(l surveys.Lang) frame {
	return frame{words: p.words, lang: l, view: &view{}, Style: p.assets["site.css"].path, Script: p.assets["site.js"].path}
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

// buffers hold pages while they are drawn.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// show writes a page. Nothing is sent when the template fails.
func (s *Server) show(c echo.Context, status int, name string, page interface {
	shown() (surveys.Lang, *view)
}) error {
	l, v := page.shown()
	v.size = typeOf(c)
	if r := c.Request(); status == http.StatusOK && r.Method == http.MethodGet {
		v.self = inLanguage(r.URL.Path, l)
	}
	out := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(out)
	out.Reset()
	if err := s.pages.templates[l][name].ExecuteTemplate(out, "layout", page); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	c.Response().Header().Set("Content-Language", tag(l))
	return c.HTMLBlob(status, out.Bytes())
}
