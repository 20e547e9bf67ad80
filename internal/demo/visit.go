package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/suyang-survey/suyang/surveys"
)

// answerPrefix stands before an item's ID in the name of its field.
const answerPrefix = "a."

// maxPages is how many pages one interview may take before the visitor gives up.
const maxPages = 100

// Visit fills in the questionnaire behind a link as the person would on a phone:
// it reads the form on each page, answers what is asked and presses the first
// button, until a page shows a receipt. Before a page is sent think is told how long the
// person takes for it. It returns the receipt's number.
func (p *Population) Visit(ctx context.Context, client *http.Client, link string, q *surveys.Questionnaire, x *Person, think func(time.Duration)) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return "", err
	}
	answers := surveys.Answers{}
	for range maxPages {
		page, err := fetch(client, req)
		if err != nil {
			return "", err
		}
		if r := page.receipt; r != "" {
			return r, nil
		}
		if page.form == nil {
			return "", fmt.Errorf("page %s has neither a form nor a receipt", req.URL.Path)
		}
		values := p.fill(page.form, q, x, answers)
		think(p.takes(x, len(values)))
		action, err := req.URL.Parse(page.form.action)
		if err != nil {
			return "", fmt.Errorf("form action of %s: %w", req.URL.Path, err)
		}
		req, err = http.NewRequestWithContext(ctx, http.MethodPost, action.String(), strings.NewReader(values.Encode()))
		if err != nil {
			return "", err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return "", fmt.Errorf("no receipt after %d pages", maxPages)
}

// takes is how long the person takes for a page with so many fields: some read faster than
// others.
func (p *Population) takes(x *Person, fields int) time.Duration {
	pace := 0.7 + 0.8*uniform(p.cfg.Seed, x.id, streamPace)
	return time.Duration(pace * float64(4*time.Second+time.Duration(fields)*8*time.Second))
}

// fill answers the items that the form asks and presses its first button.
func (p *Population) fill(f *pageForm, q *surveys.Questionnaire, x *Person, answers surveys.Answers) url.Values {
	values := url.Values{}
	for name, v := range f.hidden {
		values[name] = v
	}
	for it := range q.Items {
		if name := answerPrefix + it.ID; slices.Contains(f.asked, name) {
			answers[it.ID] = p.Answer(x, it, answers)
			values[name] = answers[it.ID]
		}
	}
	if f.button[0] != "" {
		values.Set(f.button[0], f.button[1])
	}
	return values
}

// page is what a visitor looks at: a form, or at the end a receipt.
type page struct {
	form    *pageForm
	receipt string
}

// pageForm is the first form of a page that is sent by POST.
type pageForm struct {
	action string
	hidden map[string][]string
	asked  []string  // names of the fields people fill in
	button [2]string // name and value of the first submit button
}

func fetch(client *http.Client, req *http.Request) (page, error) {
	resp, err := client.Do(req)
	if err != nil {
		return page{}, err
	}
	defer resp.Body.Close()
	doc, err := html.Parse(resp.Body)
	if err != nil {
		return page{}, fmt.Errorf("page %s: %w", req.URL.Path, err)
	}
	if resp.StatusCode >= 300 {
		return page{}, fmt.Errorf("page %s answered %s", req.URL.Path, resp.Status)
	}
	return read(doc), nil
}

func read(doc *html.Node) page {
	var pg page
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if attr(n, "class") == "receipt" && n.FirstChild != nil {
			pg.receipt = strings.TrimSpace(n.FirstChild.Data)
		}
		if n.Data == "form" && pg.form == nil && strings.EqualFold(attr(n, "method"), "post") {
			pg.form = readForm(n)
		}
	}
	return pg
}

func readForm(form *html.Node) *pageForm {
	f := &pageForm{action: attr(form, "action"), hidden: map[string][]string{}}
	pressed := false
	for n := range form.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		name, kind := attr(n, "name"), strings.ToLower(attr(n, "type"))
		switch {
		case n.Data == "input" && kind == "hidden":
			f.hidden[name] = append(f.hidden[name], attr(n, "value"))
		case (n.Data == "button" || kind == "submit") && !pressed && !has(n, "formnovalidate"):
			f.button = [2]string{name, attr(n, "value")}
			pressed = true
		case n.Data == "input" || n.Data == "textarea" || n.Data == "select":
			f.asked = append(f.asked, name)
		}
	}
	return f
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}
