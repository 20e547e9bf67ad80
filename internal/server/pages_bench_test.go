package server

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// visitor is somebody who answers the shipped questionnaire over one connection that
// stays open, as a browser with script does. It spends as little as it can, since it
// runs on the machine that it measures.
type visitor struct {
	conn net.Conn
	in   *bufio.Reader
	out  bytes.Buffer
	// fields are the answers to each page, by its ID; all visitors share them.
	fields *sync.Map
}

// get asks for a page, packed.
func (v *visitor) get(path string) error {
	v.out.Reset()
	fmt.Fprintf(&v.out, "GET %s HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n", path)
	if _, err := v.conn.Write(v.out.Bytes()); err != nil {
		return err
	}
	r, err := http.ReadResponse(v.in, nil)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, r.Status)
	}
	return nil
}

// post sends a form and returns the address of the page that it gets. The page is
// packed, and stays so.
func (v *visitor) post(path, body string) (address string, err error) {
	v.out.Reset()
	fmt.Fprintf(&v.out, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nAccept-Encoding: gzip\r\nPrefer: return=representation\r\nContent-Length: %d\r\n\r\n%s",
		path, formMedia, len(body), body)
	if _, err := v.conn.Write(v.out.Bytes()); err != nil {
		return "", err
	}
	r, err := http.ReadResponse(v.in, nil)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return "", err
	}
	if r.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s with %q: %s", path, body, r.Status)
	}
	return r.Header.Get("Content-Location"), nil
}

// filled is what is sent from a page, and the items that it showed.
type filled struct {
	body  string
	shown []string
}

// learn walks through the questionnaire and notes what it answers on each page.
func learn(s *site, path string, fields *sync.Map) (pages int) {
	p := s.get(path).press("start")
	for ; p.find("button", "value", "send") == nil; pages++ {
		if p.status != http.StatusOK || pages > 100 {
			s.t.Fatalf("stuck at %d %q: %v", p.status, p.title(), p.errors())
		}
		sent := p.takeFirst().sends("next")
		mark := strings.Split(sent.Get("state"), ".")
		sent.Del("state")
		fields.Store(mark[1], filled{sent.Encode(), mark[2:]})
		p = p.press("next")
	}
	return pages
}

// interview answers from the first page to the thanks and notes how long each page took.
func (v *visitor) interview(path string, took func(time.Duration) bool) error {
	began := time.Now()
	address, err := v.post(path, "action=start")
	for err == nil {
		if !took(time.Since(began)) {
			return nil
		}
		var u *url.URL
		if u, err = url.Parse(address); err != nil {
			return err
		}
		page := u.Query().Get("page")
		began = time.Now()
		if page == atEnd {
			_, err = v.post(u.Path, "action=send&state="+mark("", nil, began))
			took(time.Since(began))
			return err
		}
		known, ok := v.fields.Load(page)
		if !ok {
			return fmt.Errorf("page %q is not known", page)
		}
		sends := known.(filled)
		address, err = v.post(u.Path, sends.body+"&state="+mark(page, sends.shown, began))
	}
	return err
}

// shipped is the address of the questionnaire that the benchmarks fill in.
const shipped = "/s/civic-literacy"

// visits makes visitors of one site, about 64.
type visits struct {
	*site
	b      *testing.B
	addr   string
	fields *sync.Map
}

func openShipped(b *testing.B) *visits {
	q, err := library.Read("civic-literacy")
	if err != nil {
		b.Fatal(err)
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
	Tune(b.Context())
	b.Cleanup(func() { runtime.GOMAXPROCS(cores) })
	s := newSite(b, []*surveys.Questionnaire{q}, func(c *Config, d *Deps) { d.Log = slog.New(slog.DiscardHandler) })
	hs := httptest.NewServer(s.Handler())
	b.Cleanup(hs.Close)
	b.SetParallelism(64 / runtime.GOMAXPROCS(0))
	return &visits{site: s, b: b, addr: hs.Listener.Addr().String(), fields: &sync.Map{}}
}

// new connects one more visitor; without a connection it is nil, and the benchmark has failed.
func (v *visits) new() *visitor {
	conn, err := net.Dial("tcp", v.addr)
	if err != nil {
		v.b.Error(err)
		return nil
	}
	return &visitor{conn: conn, in: bufio.NewReader(conn), fields: v.fields}
}

// Pages of the shipped questionnaire, over connections that stay open, with drafts and
// interviews on disk before a page is given. The goal is 3,000 pages a second on two
// cores, with the load made on the same machine.
func BenchmarkPages(b *testing.B) {
	visit := openShipped(b)
	for range 8 { // orders are random
		learn(visit.site, shipped, visit.fields)
	}
	var mu sync.Mutex
	var all []time.Duration
	b.ResetTimer()
	before := cpuTime(b)
	b.RunParallel(func(pb *testing.PB) {
		v := visit.new()
		if v == nil {
			return
		}
		defer v.conn.Close()
		var own []time.Duration
		for more := pb.Next(); more; {
			err := v.interview(shipped, func(d time.Duration) bool {
				own = append(own, d)
				more = pb.Next()
				return more
			})
			if err != nil {
				b.Error(err)
				return
			}
		}
		mu.Lock()
		all = append(all, own...)
		mu.Unlock()
	})
	b.StopTimer()
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
	slices.Sort(all)
	if len(all) > 0 {
		b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "pages/s")
		b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	}
}

// Pages that are only shown, as after a reload: nothing is written for them.
func BenchmarkViews(b *testing.B) {
	visit := openShipped(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		v := visit.new()
		if v == nil {
			return
		}
		defer v.conn.Close()
		address, err := v.post(shipped, "action=start")
		for pb.Next() && err == nil {
			err = v.get(address)
		}
		if err != nil {
			b.Error(err)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pages/s")
}

// cpuTime is what the program has computed so far, server and visitors together.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
