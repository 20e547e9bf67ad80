package drafts

import (
	"sync"
	"sync/atomic"
)

// recent remembers the drafts that were kept last, and whose tokens opened them, so that
// the next page of a person needs no reading. Only who holds the lock of a draft puts it
// here, after it is durable; so what is found is what the file has.
type recent struct {
	mu     sync.Mutex
	drafts generations[Draft]
	tokens generations[string] // interviews by the hash of a token
}

// The limits of what is remembered, in bytes of each of two generations.
const (
	recentDrafts = 64 << 20
	recentTokens = 2 << 20
)

// generations is a cache of two maps: what is used moves to the young one, and when that
// is full, it becomes the old one, and the old one is forgotten.
type generations[T any] struct {
	young, old map[string]sized[T]
	size       int // of the young
	limit      int
}

type sized[T any] struct {
	value T
	size  int
}

func (g *generations[T]) get(key string) (T, bool) {
	if v, ok := g.young[key]; ok {
		return v.value, true
	}
	v, ok := g.old[key]
	if ok {
		g.put(key, v.value, v.size)
	}
	return v.value, ok
}

func (g *generations[T]) put(key string, v T, size int) {
	g.size -= g.young[key].size
	delete(g.young, key)
	if g.young == nil || g.size+size > g.limit {
		g.old, g.young, g.size = g.young, map[string]sized[T]{}, 0
	}
	g.young[key] = sized[T]{v, size}
	g.size += size
}

func (g *generations[T]) drop(key string) {
	g.size -= g.young[key].size
	delete(g.young, key)
	delete(g.old, key)
}

func (r *recent) draft(interview string) (Draft, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.drafts.get(interview)
}

func (r *recent) keep(d Draft) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drafts.put(d.Interview, d, len(d.Body)+300+d.Spare.weight())
}

// forget is for a draft that is gone, or may be other than was thought.
func (r *recent) forget(interview string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drafts.drop(interview)
}

// forgetTokens is for when some open nothing any more.
func (r *recent) forgetTokens() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens = generations[string]{limit: recentTokens}
}

func (r *recent) interview(hash []byte) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tokens.get(string(hash))
}

func (r *recent) opens(hash []byte, interview string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens.put(string(hash), interview, 150)
}

// Spare holds what somebody made of a draft's body, for the next one to take it up, who
// has it alone then. A body that is replaced is left behind with its spare, so what is
// taken belongs to the body. A nil Spare holds nothing.
type Spare struct {
	size int
	held atomic.Value // of held
}

type held struct{ what any }

// NewSpare returns an empty one for something of about size bytes.
func NewSpare(size int) *Spare { return &Spare{size: size} }

// Leave puts something there; the caller does not use it any more.
func (s *Spare) Leave(what any) {
	if s != nil {
		s.held.Store(held{what})
	}
}

// Take takes what is there, or nil.
func (s *Spare) Take() any {
	if s == nil {
		return nil
	}
	h, _ := s.held.Swap(held{}).(held)
	return h.what
}

func (s *Spare) weight() int {
	if s == nil {
		return 0
	}
	return s.size
}
