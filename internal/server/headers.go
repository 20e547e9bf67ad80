package server

import (
	"bytes"
	"container/heap"
	"net"
	"net/http"
	"sync"
)

// headers is a listener that bounds the memory of requests whose header has not arrived in
// full. They cost nobody a place, and no limit of a client counts them, because nothing is
// known yet of who sends: thousands who send a long header byte by byte would take some
// hundred megabytes until they time out. When there is no room, the connection whose header is
// longest is closed; of those that are no longer than usual, the one that has waited longest.
// So whoever sends as browsers do, in a packet or two, goes on while others hold back the end
// of theirs, and that also where all of them come from one address.
type headers struct {
	net.Listener
	// most is for how many bytes of memory there is room.
	most    int64
	refused func()

	mu    sync.Mutex
	open  longest
	total int64
	// begun counts the headers that have begun.
	begun uint64
}

// What an unfinished header costs, in bytes of memory: the two buffers, the stack and the
// state of its connection; each byte with the copy of it; and each line, which becomes an
// entry of a map that grows. usualCost is that of a header of 3 KB in 25 lines, which is more
// than browsers send.
const (
	connectionCost = 20 << 10
	byteCost       = 2
	lineCost       = 400
	usualCost      = connectionCost + byteCost*3000 + lineCost*25
)

func newHeaders(l net.Listener, most int64, refused func()) *headers {
	return &headers{Listener: l, most: most, refused: refused}
}

// Accept counts the connection from the beginning.
func (l *headers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &heading{Conn: conn, of: l, expected: true, place: -1}
	l.charge(c)
	return c, nil
}

// charge counts what has come of a header, and closes those for which there is no room.
func (l *headers) charge(c *heading) {
	l.mu.Lock()
	if !c.expected {
		l.mu.Unlock()
		return
	}
	if c.place < 0 {
		l.begun++
		c.since, c.cost = l.begun, connectionCost
		l.total += c.cost
		heap.Push(&l.open, c)
	}
	c.cost, l.total, c.came = c.cost+c.came, l.total+c.came, 0
	heap.Fix(&l.open, c.place)
	var gone []*heading
	for l.total > l.most {
		gone = append(gone, l.open[0])
		l.forget(l.open[0])
	}
	l.mu.Unlock()
	for _, c := range gone {
		l.refused()
		_ = c.Conn.Close() // whatever became of it, it is not served
	}
}

// forget counts a connection no longer. Callers hold mu.
func (l *headers) forget(c *heading) {
	c.expected, c.came = false, 0
	if c.place >= 0 {
		l.total -= c.cost
		heap.Remove(&l.open, c.place)
	}
}

// heading is a connection that counts while a header is on its way.
type heading struct {
	net.Conn
	of *headers

	// expected says that what comes is a header, and came is the cost of what has come since
	// it was charged. of.mu guards them and the rest.
	expected bool
	came     int64
	cost     int64
	since    uint64
	place    int // among those that count, or -1
}

// Read charges what came before: net/http asks for more only when that was not all, so a header
// that comes in one piece is never among the unfinished.
func (c *heading) Read(p []byte) (int, error) {
	c.of.mu.Lock()
	unfinished := c.came > 0
	c.of.mu.Unlock()
	if unfinished {
		c.of.charge(c)
	}
	n, err := c.Conn.Read(p)
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.expected {
		c.came += byteCost*int64(n) + lineCost*int64(bytes.Count(p[:n], []byte("\n")))
	}
	return n, err
}

// changed takes note of a state that net/http says a connection is in: active when the header
// of a request has arrived, idle when the request is answered.
func (c *heading) changed(state http.ConnState) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	switch state {
	case http.StateActive:
		c.of.forget(c)
	case http.StateIdle:
		c.expected = true
	}
}

func (c *heading) Close() error {
	c.of.mu.Lock()
	c.of.forget(c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// longest is a heap of connections, of which the first is closed first.
type longest []*heading

func (h longest) Len() int { return len(h) }

func (h longest) Less(i, j int) bool {
	a, b := max(h[i].cost, usualCost), max(h[j].cost, usualCost)
	if a != b {
		return a > b
	}
	return h[i].since < h[j].since
}

func (h longest) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *longest) Push(x any) {
	c := x.(*heading)
	c.place = len(*h)
	*h = append(*h, c)
}

func (h *longest) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	c.place = -1
	return c
}
