package server

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// pressAtOnce sends a page's form with a button, as the script of the pages does: the answer is
// the next page itself, drawn from the session that was kept in memory.
func (p *page) pressAtOnce(action string) *page {
	r := httptest.NewRequest(http.MethodPost, p.address(), strings.NewReader(p.sends(action).Encode()))
	r.Header.Set("Content-Type", formMedia)
	r.Header.Set("Prefer", "return=representation")
	return p.site.do(r)
}

// TestASessionInMemoryIsTheOneOnDisk walks about at random. Each page that comes with
// what was sent, drawn from a session that lived through all pages before, must be the
// page that is drawn for the same address from what the file has.
func TestASessionInMemoryIsTheOneOnDisk(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{everything()}, nil)
	r := rand.New(rand.NewPCG(7, 1))
	steps, complaints := 0, 0
	for range 12 {
		p := s.get("/s/" + everything().ID).pressAtOnce("start")
		for n := 0; n < 40 && p.find("form", "", "") != nil; n++ {
			switch r.IntN(8) {
			case 0: // all blank
			case 1:
				for _, in := range p.all("input") {
					if name := attr(in, "name"); strings.HasPrefix(name, answerPrefix) {
						p.fill(name[len(answerPrefix):], []string{"-1", "999999", "x", "2", ""}[r.IntN(5)])
					}
				}
			default:
				p.takeFirst()
			}
			action := []string{"next", "next", "next", "next", "back", "save", langAction + "en", langAction + "zh", typeAction + "large", "nothing"}[r.IntN(10)]
			if p.find("button", "value", "send") != nil {
				action = []string{"send", "back"}[r.IntN(2)]
			}
			was := p
			p = p.pressAtOnce(action)
			if want := map[string]int{"save": http.StatusNoContent, "nothing": http.StatusBadRequest}[action]; want != 0 {
				if p.status != want {
					t.Fatalf("%s: %d", action, p.status)
				}
				p, was.typed = was, url.Values{} // what the button did not know was not kept
				continue
			}
			address := p.header.Get("Content-Location")
			if address == "" {
				t.Fatalf("%s on %s: %d without an address", action, was.path, p.status)
			}
			again := s.get(address)
			if again.status != p.status || again.body != p.body {
				t.Fatalf("after %s on %s, %s is\n%d %s\nand from the file\n%d %s", action, was.path, address, p.status, p.body, again.status, again.body)
			}
			steps++
			if len(p.errors()) > 0 {
				complaints++
			}
			p.path = address
		}
	}
	t.Logf("%d pages, %d with complaints", steps, complaints)
	if steps < 300 || complaints < 30 {
		t.Errorf("too few: %d pages, %d with complaints", steps, complaints)
	}
}

// TestTwoWindowsShareNoSession presses in two windows at the same time; with -race this
// shows that no session is in two hands.
func TestTwoWindowsShareNoSession(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{everything()}, nil)
	p := s.get("/s/" + everything().ID).pressAtOnce("start")
	done := make(chan int)
	for range 4 {
		go func() {
			bad := 0
			for n := range 30 {
				r := httptest.NewRequest(http.MethodPost, p.address(), strings.NewReader(p.sends([]string{"next", "back"}[n%2]).Encode()))
				r.Header.Set("Content-Type", formMedia)
				r.Header.Set("Prefer", "return=representation")
				w := httptest.NewRecorder()
				s.Handler().ServeHTTP(w, r)
				if w.Code != http.StatusOK && w.Code != http.StatusUnprocessableEntity {
					bad = w.Code
				}
			}
			done <- bad
		}()
	}
	for range 4 {
		if bad := <-done; bad != 0 {
			t.Errorf("a page was answered with %d", bad)
		}
	}
}
