package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// Pressure says from when on the server turns people away because it has too much to do
// or too little room. What is turned away is answered with 503 and when to come again.
type Pressure struct {
	// InFlight limits the bytes of all bodies that have arrived and are not answered.
	InFlight int64
	// InHeaders limits the memory, in bytes, of all requests whose header has not arrived in
	// full.
	InHeaders int64
	// QueueWait is how long a request waits at most for its turn.
	QueueWait time.Duration
	// DiskStarts is the share of the log's disk in use, from 0 to 1, from which no new online
	// interviews begin; those under way and tablets go on. From DiskAll on, or with less than
	// DiskReserve bytes free, nothing is taken at all: what was accepted needs the rest.
	DiskStarts, DiskAll float64
	DiskReserve         uint64
}

// DefaultPressure returns the limits for a log of segments of 64 MiB. The reserve is two of
// them: the one in use, and the one that is made ahead.
func DefaultPressure() Pressure {
	return Pressure{InFlight: 64 << 20, InHeaders: 48 << 20, QueueWait: 2 * time.Second, DiskStarts: 0.85, DiskAll: 0.95, DiskReserve: 2 * 64 << 20}
}

func (p Pressure) check() error {
	switch {
	case p.InFlight < maxBody || p.QueueWait <= 0:
		return fmt.Errorf("Pressure.InFlight must be at least %d bytes, the largest body, and QueueWait greater than zero", maxBody)
	case p.InHeaders < 1<<20:
		return errors.New("Pressure.InHeaders must be at least a megabyte, some dozens of connections")
	case p.DiskStarts <= 0 || p.DiskAll < p.DiskStarts || p.DiskAll > 1:
		return errors.New("Pressure: 0 < DiskStarts <= DiskAll <= 1 must hold")
	}
	return nil
}

// Disk is how full the file system of the log is.
type Disk struct {
	// Used is the share in use, from 0 to 1, as df counts it.
	Used float64
	// Free is what the program may still write, in bytes.
	Free uint64
}

// Room is what the server takes in, by the disk of the log.
type Room int

// The states of Room.
const (
	RoomForAll Room = iota
	// NoStarts: no new online interviews begin.
	NoStarts
	// NoRoom: nothing is taken in.
	NoRoom
)

// Errors of turning people away.
var (
	errBusy     = fmt.Errorf("the server has too much to do: %w", surveys.ErrUnavailable)
	errNoStarts = fmt.Errorf("the disk of the log is filling up, so no new interviews begin; free some space: %w", surveys.ErrUnavailable)
	errNoRoom   = fmt.Errorf("the disk of the log is full but for a reserve; free some space: %w", surveys.ErrUnavailable)
)

// load is what the server has to do at the moment.
type load struct {
	limits  Pressure
	refused func(reason string)
	bytes   atomic.Int64 // of bodies in flight
	waiting atomic.Int64 // requests that wait for their turn
	disk    func() (Disk, error)

	mu   sync.Mutex
	last Disk
	err  error
	seen time.Time // when last and err were found out
}

// diskAge is for how long a look at the disk counts.
const diskAge = time.Second

// look returns how full the disk is; without a disk to look at it is empty.
func (l *load) look() (Disk, error) {
	if l.disk == nil {
		return Disk{Free: ^uint64(0)}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.seen.IsZero() || now.Sub(l.seen) >= diskAge {
		l.last, l.err = l.disk()
		l.seen = now
	}
	return l.last, l.err
}

// room says what the disk has room for. A disk that cannot be asked keeps nobody away: if it
// is broken the log says so.
func (l *load) room() Room {
	d, err := l.look()
	switch {
	case err != nil:
		return RoomForAll
	case d.Used > l.limits.DiskAll, d.Free < l.limits.DiskReserve:
		return NoRoom
	case d.Used > l.limits.DiskStarts:
		return NoStarts
	}
	return RoomForAll
}

// mayStart is nil when a new online interview may begin.
func (l *load) mayStart() error {
	if l.room() == RoomForAll {
		return nil
	}
	l.refused("disk-starts")
	return errNoStarts
}

// mayTake is nil when something may be taken in.
func (l *load) mayTake() error {
	if l.room() != NoRoom {
		return nil
	}
	l.refused("disk")
	return errNoRoom
}

// firstRead is for how much of a body there is room before any of it has arrived.
const firstRead = 4 << 10

// readBody reads a body to its end, of which declared bytes are announced, -1 when none. Only
// what has arrived counts as in flight, so nobody takes up room by announcing. The bytes
// count until done is called.
func (l *load) readBody(r io.Reader, declared int64) (body []byte, done func(), err error) {
	counted := int64(0)
	done = func() { l.bytes.Add(-counted) }
	buf := bytes.NewBuffer(make([]byte, 0, min(max(declared, 0), firstRead)+bytes.MinRead))
	for {
		n, err := io.CopyN(buf, r, firstRead)
		counted += n
		if l.bytes.Add(n) > l.limits.InFlight {
			l.refused("bytes")
			return nil, done, fmt.Errorf("bodies of more than %d bytes are in flight: %w", l.limits.InFlight, errBusy)
		}
		if errors.Is(err, io.EOF) {
			return buf.Bytes(), done, nil
		}
		if err != nil {
			return nil, done, err
		}
	}
}

// gate lets a number of requests be served at one time; others wait for their turn.
type gate struct {
	load   *load
	places chan struct{}
}

// enter waits for a place; leave gives it back.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.places <- struct{}{}:
		return nil
	default:
	}
	g.load.waiting.Add(1)
	defer g.load.waiting.Add(-1)
	timer := time.NewTimer(g.load.limits.QueueWait)
	defer timer.Stop()
	select {
	case g.places <- struct{}{}:
		return nil
	case <-timer.C:
		g.load.refused("wait")
		return fmt.Errorf("no turn within %v: %w", g.load.limits.QueueWait, errBusy)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) leave() { <-g.places }

// Those who are turned away come again after a time from 1 to 5 seconds, each after another,
// so that they do not all return at one moment.
func retryAfter() string { return strconv.Itoa(1 + rand.IntN(5)) }
