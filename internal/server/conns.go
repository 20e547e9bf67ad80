package server

import (
	"net"
	"net/netip"
	"sync"
)

// sharing is a listener of which no network holds more than a number of connections at one
// time: whoever opens all that the server takes, and keeps them open, would keep everybody
// else out without sending a request that could be limited. Addresses of private networks and
// of this machine may be proxies, through which everybody comes, so they are not counted.
type sharing struct {
	net.Listener
	most    int
	refused func()

	mu   sync.Mutex
	open map[string]int
}

// newSharing lets a network hold at most so many connections of a listener.
func newSharing(l net.Listener, most int, refused func()) *sharing {
	return &sharing{Listener: l, most: most, refused: refused, open: map[string]int{}}
}

// Accept closes the connections of those who hold their share already.
func (s *sharing) Accept() (net.Conn, error) {
	for {
		c, err := s.Listener.Accept()
		if err != nil {
			return nil, err
		}
		network, counted := connectedFrom(c.RemoteAddr())
		if !counted {
			return c, nil
		}
		if s.take(network) {
			return &shared{Conn: c, done: sync.OnceFunc(func() { s.give(network) })}, nil
		}
		s.refused()
		_ = c.Close() // whatever became of it, it is not served
	}
}

func (s *sharing) take(network string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[network] >= s.most {
		return false
	}
	s.open[network]++
	return true
}

func (s *sharing) give(network string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[network]--; s.open[network] == 0 {
		delete(s.open, network)
	}
}

// shared is a connection that counts until it is closed.
type shared struct {
	net.Conn
	done func()
}

func (c *shared) Close() error {
	defer c.done()
	return c.Conn.Close()
}

// connectedFrom is the network at the other end of a connection, and whether its connections
// are counted.
func connectedFrom(a net.Addr) (network string, counted bool) {
	from, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return "", false
	}
	ip := from.Addr().Unmap()
	if ip.IsPrivate() || ip.IsLinkLocalUnicast() {
		return "", false
	}
	return networkLimited(ip.String())
}
