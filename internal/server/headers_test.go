package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// room is a listener of unfinished headers, to which connections come that are none.
type room struct {
	t       *testing.T
	queue   *queueOf
	l       *headers
	refused int
}

func newRoom(t *testing.T, most int64) *room {
	r := &room{t: t, queue: &queueOf{}}
	r.l = newHeaders(r.queue, most, func() { r.refused++ })
	return r
}

// comes is a new connection that has sent something, each part in a packet of its own, and of
// which more is expected.
func (r *room) comes(packets ...string) *heading {
	r.queue.from = []string{"127.0.0.1:1"}
	c, err := r.l.Accept()
	if err != nil {
		r.t.Fatal(err)
	}
	h := c.(*heading)
	h.sends(packets...)
	return h
}

// sends is what net/http sees: after each packet it asks for more, as long as the header is
// not complete.
func (h *heading) sends(packets ...string) {
	for _, p := range packets {
		h.Conn.(*pretended).sent = p
		for buf := make([]byte, 4096); len(h.Conn.(*pretended).sent) > 0; {
			h.Read(buf)
		}
		if !strings.HasSuffix(p, "\r\n\r\n") {
			h.Read(nil)
			continue
		}
		h.changed(http.StateActive)
	}
}

func (h *heading) closed() bool { return h.Conn.(*pretended).closed }

// usual is a header as browsers send it.
var usual = "POST /a/abcdefghijklmnopqrstuv HTTP/1.1\r\n" + strings.Repeat("Accept-Language: zh-CN,zh;q=0.9,en;q=0.8,and-some-more\r\n", 18)

// When there is no room, the longest header goes, and of usual ones the one that has waited
// longest; one that is complete or closed costs nothing.
func TestUnfinishedHeadersHaveBoundedRoom(t *testing.T) {
	lines := strings.Repeat("a:\r\n", 60)
	r := newRoom(t, 4*connectionCost+60*lineCost+600)
	first, long, second, third := r.comes("G"), r.comes(lines), r.comes("GET /"), r.comes("")
	if r.refused != 0 {
		t.Fatalf("%d refused while there was room", r.refused)
	}
	r.comes("")
	if !long.closed() || first.closed() {
		t.Error("the longest header goes first")
	}
	fourth, fifth := r.comes(""), r.comes("")
	if !first.closed() || second.closed() {
		t.Error("of usual ones the oldest goes first")
	}
	second.sends("x HTTP/1.1\r\nHost: x\r\n\r\n")
	second.sends(strings.Repeat(lines, 100) + "the body")
	if err := third.Close(); err != nil {
		t.Error(err)
	}
	if fourth.closed() || fifth.closed() || second.closed() || r.refused != 2 {
		t.Errorf("%d refused, want the 2 from before: complete headers and bodies need no room", r.refused)
	}
	second.changed(http.StateIdle)
	if n := r.l.total; n != 3*connectionCost {
		t.Errorf("an idle connection counts, or a closed one: %d bytes", n)
	}
	second.sends(lines, lines, lines)
	if !second.closed() {
		t.Error("the next header on a connection does not count")
	}
}

// A school behind one address whose pupils all begin at one moment has room beside thousands
// who send long headers, or many lines, or hardly anything, and never end them.
func TestASchoolHasRoomBesideSlowHeaders(t *testing.T) {
	for name, slow := range map[string]string{
		"one long line":  "GET / HTTP/1.1\r\nX: " + strings.Repeat("y", 15_000),
		"many lines":     "GET / HTTP/1.1\r\n" + strings.Repeat("a:\r\n", 3750),
		"a little":       usual + "X: " + strings.Repeat("y", 1000),
		"hardly a thing": "G",
	} {
		r := newRoom(t, DefaultPressure().InHeaders)
		var attack, school []*heading
		for i := range 9000 {
			attack = append(attack, r.comes(slow))
			if i%15 == 0 { // 600 of them, whose headers come in two packets
				school = append(school, r.comes(usual))
			}
			if i%15 == 14 {
				school[i/15].sends(usual + "\r\n")
			}
		}
		if r.l.total > r.l.most {
			t.Errorf("%s: %d bytes are taken of %d", name, r.l.total, r.l.most)
		}
		if slices.ContainsFunc(school, (*heading).closed) {
			t.Errorf("%s: a pupil was turned away", name)
		}
		if left := slices.DeleteFunc(attack, (*heading).closed); len(left) > 2500 || len(left) == 0 {
			t.Errorf("%s: %d of 9000 are still there", name, len(left))
		}
	}
	r := newRoom(t, DefaultPressure().InHeaders)
	for range 2 * 600 {
		r.comes(usual)
	}
	if r.refused != 0 {
		t.Errorf("%d of two schools were turned away in the middle of their headers", r.refused)
	}
}

// The server counts a header until it has arrived, the next one on the same connection too,
// and no bodies.
func TestServerCountsUnfinishedHeaders(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{village()}, func(c *Config, _ *Deps) { c.Addr = "127.0.0.1:0" })
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	hs := s.httpServer(s.Handler())
	go hs.Serve(s.listener)
	defer hs.Close()
	l := s.listener.(*headers)
	taken := func() int64 { l.mu.Lock(); defer l.mu.Unlock(); return l.total }
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for i, half := range []int64{connectionCost, connectionCost, connectionCost} {
		fmt.Fprintf(conn, "POST /s/village HTTP/1.1\r\nHost: x\r\n")
		for until := time.Now().Add(20 * time.Second); taken() <= half; time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				t.Fatalf("request %d: half a header counts %d bytes", i, taken())
			}
		}
		fmt.Fprintf(conn, "Expect: 100-continue\r\nContent-Type: %s\r\nContent-Length: 12\r\n\r\n", formMedia)
		if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
			t.Fatalf("the server said %q, %v", line, err)
		}
		if n := taken(); n != 0 {
			t.Errorf("request %d: a complete header counts %d bytes", i, n)
		}
		in.ReadString('\n')
		fmt.Fprint(conn, "action=start")
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != http.StatusSeeOther {
			t.Fatalf("request %d: %v, %v", i, res, err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
	}
}
