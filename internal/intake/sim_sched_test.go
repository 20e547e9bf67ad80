package intake_test

import (
	"cmp"
	"fmt"
	"hash"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// turns lets the goroutines of a simulation run one at a time, in an order that the seed
// decides. Each asks for its turn before it touches a disk, the network or the world; a
// turn is given when all others wait. So the same seed gives the same run, which sum tells.
type turns struct {
	rng     *rand.Rand
	arrived chan struct{}

	mu      sync.Mutex
	waiting []turn
	sum     hash.Hash64
	given   int
}

type turn struct {
	label string
	begin chan struct{}
}

func newTurns(rng *rand.Rand) *turns {
	return &turns{rng: rng, arrived: make(chan struct{}, 1), sum: fnv.New64a()}
}

// take waits for a turn. Labels of goroutines that wait at one time differ.
func (s *turns) take(label string) {
	t := turn{label, make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, t)
	s.mu.Unlock()
	s.wake()
	<-t.begin
}

func (s *turns) wake() {
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}

// run gives turns until ended is closed, and calls before each.
func (s *turns) run(ended <-chan struct{}, before func(given int)) {
	for {
		synctest.Wait()
		if t, ok := s.pick(); ok {
			before(s.given)
			close(t.begin)
			continue
		}
		select {
		case <-ended:
			return
		case <-s.arrived:
		}
	}
}

// pick takes the next turn off the list.
func (s *turns) pick() (turn, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return turn{}, false
	}
	slices.SortFunc(s.waiting, func(a, b turn) int { return cmp.Compare(a.label, b.label) })
	i := s.rng.IntN(len(s.waiting))
	t := s.waiting[i]
	s.waiting = slices.Delete(s.waiting, i, i+1)
	s.given++
	fmt.Fprintln(s.sum, t.label, time.Now().UnixNano())
	return t, true
}

// turnFS is a disk whose every change takes a turn.
type turnFS struct {
	wal.FS
	turns *turns
	name  string
}

func (d turnFS) take(call, file string) { d.turns.take(d.name + " " + call + " " + file) }

func (d turnFS) Open(name string) (wal.File, error) {
	f, err := d.FS.Open(name)
	return turnFile{f, d, name}, err
}

func (d turnFS) Create(name string) (wal.File, error) {
	d.take("create", name)
	f, err := d.FS.Create(name)
	return turnFile{f, d, name}, err
}

func (d turnFS) Rename(oldName, newName string) error {
	d.take("rename", oldName)
	return d.FS.Rename(oldName, newName)
}

func (d turnFS) Remove(name string) error {
	d.take("remove", name)
	return d.FS.Remove(name)
}

func (d turnFS) SyncDir() error {
	d.take("sync", "directory")
	return d.FS.SyncDir()
}

type turnFile struct {
	wal.File
	folder turnFS
	name   string
}

func (f turnFile) WriteAt(p []byte, off int64) (int, error) {
	f.folder.take("write", f.name)
	return f.File.WriteAt(p, off)
}

func (f turnFile) Allocate(size int64) error {
	f.folder.take("allocate", f.name)
	return f.File.Allocate(size)
}

func (f turnFile) Truncate(size int64) error {
	f.folder.take("truncate", f.name)
	return f.File.Truncate(size)
}

func (f turnFile) Datasync() error {
	f.folder.take("datasync", f.name)
	return f.File.Datasync()
}

func (f turnFile) Sync() error {
	f.folder.take("sync", f.name)
	return f.File.Sync()
}
