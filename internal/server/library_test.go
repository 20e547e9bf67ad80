package server

import (
	"compress/gzip"
	"io"
	"net/http/httptest"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// The questionnaire that we ship can be answered to the end in both languages, by
// somebody of 35 outside the army who takes the first option everywhere; and no
// page of it is heavy.
func TestShippedQuestionnaire(t *testing.T) {
	q, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, []*surveys.Questionnaire{q}, nil)
	for _, l := range q.Languages {
		seen, heaviest := 0, 0
		p := s.get("/s/civic-literacy?lang=" + string(l)).press("start")
		for ; p.find("button", "value", "send") == nil; seen++ {
			if p.status != 200 || seen > 2*len(q.Sections) {
				t.Fatalf("%s: stuck after %d pages, %d %q: %v", l, seen, p.status, p.title(), p.errors())
			}
			heaviest = max(heaviest, compressed(t, p))
			p = p.takeFirst().press("next")
		}
		if p = p.press("send"); p.status != 200 || p.find("p", "class", "receipt") == nil {
			t.Errorf("%s: sending = %d %q", l, p.status, p.title())
		}
		t.Logf("%s: %d pages, the heaviest %d bytes", l, seen, heaviest)
		if seen < 10 || heaviest > 8<<10 {
			t.Errorf("%s: %d pages, the heaviest %d bytes; want at least 10, at most %d bytes", l, seen, heaviest, 8<<10)
		}
	}
	for _, in := range s.stored() {
		for item := range q.Items {
			if _, asked := in.Answers[item.ID]; len(item.Key) > 0 && !asked {
				t.Errorf("the scored item %s was not asked", item.ID)
			}
		}
	}
}

// takeFirst answers everything on the page that is not answered: the first option,
// or 35 and "x" where one types.
func (p *page) takeFirst() *page {
	for _, n := range p.all("input") {
		name := attr(n, "name")
		if _, done := p.typed[name]; done || len(name) < 3 || name[:2] != answerPrefix {
			continue
		}
		switch {
		case name == answerPrefix+"military":
			p.fill("military", "2")
		case attr(n, "inputmode") != "":
			p.fill(name[2:], "35")
		case attr(n, "type") == "text":
			p.fill(name[2:], "x")
		default:
			p.fill(name[2:], attr(n, "value"))
		}
	}
	return p
}

// compressed is the size of a page's body on the line.
func compressed(t *testing.T, p *page) int {
	t.Helper()
	w := httptest.NewRecorder()
	z := gzip.NewWriter(w)
	if _, err := io.WriteString(z, p.body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return w.Body.Len()
}
