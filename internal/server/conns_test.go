package server

import (
	"net"
	"testing"
)

// queueOf is a listener with connections from addresses.
type queueOf struct {
	net.Listener
	from []string
}

func (q *queueOf) Accept() (net.Conn, error) {
	if len(q.from) == 0 {
		return nil, net.ErrClosed
	}
	from := q.from[0]
	q.from = q.from[1:]
	return &pretended{from: from}, nil
}

type pretended struct {
	net.Conn
	from   string
	closed bool
	sent   string // what is to be read
}

func (p *pretended) Read(b []byte) (n int, err error) {
	n = copy(b, p.sent)
	p.sent = p.sent[n:]
	return n, nil
}

func (p *pretended) Close() error { p.closed = true; return nil }

func (p *pretended) RemoteAddr() net.Addr {
	a, err := net.ResolveTCPAddr("tcp", p.from)
	if err != nil {
		panic(err)
	}
	return a
}

// Whoever holds their share of the connections gets no more of them, and takes none from
// others; proxies, through which everybody comes, are not counted.
func TestConnectionsAreShared(t *testing.T) {
	q := &queueOf{}
	refused := 0
	s := newSharing(q, 2, func() { refused++ })
	accept := func(from ...string) (list []net.Conn) {
		q.from = from
		for {
			c, err := s.Accept()
			if err != nil {
				return list
			}
			list = append(list, c)
		}
	}
	first := accept("203.0.113.1:1", "203.0.113.2:2", "203.0.113.1:3", "[2001:db8::1]:4", "203.0.113.9:5")
	if len(first) != 3 || refused != 2 {
		t.Fatalf("%d connections and %d refused, want 3 and 2", len(first), refused)
	}
	if n := len(accept("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "10.1.2.3:4", "10.1.2.3:5", "10.1.2.3:6")); n != 6 || refused != 2 {
		t.Errorf("%d connections of proxies, want 6", n)
	}
	for range 2 { // net/http may close a connection twice
		if err := first[0].Close(); err != nil {
			t.Error(err)
		}
	}
	if n := len(accept("203.0.113.1:7", "203.0.113.1:8")); n != 1 {
		t.Errorf("%d connections after one was closed, want 1", n)
	}
	for _, c := range first {
		c.Close()
	}
	if len(s.open) != 1 {
		t.Errorf("counted are %v, want the one that is open", s.open)
	}
}
