package tablet_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/suyang-survey/suyang/internal/tablet"
)

// model says what is to become of what a tablet sends.
type model struct {
	texts   map[uint64]string          // of each number, the first that came
	hashes  map[uint64][32]byte        // and its hash, also of damaged numbers
	others  map[uint64]map[string]bool // further texts, with their hashes: whether they conflict
	hasLate map[uint64]bool
	carried uint64
	order   []string // what was carried out
	late    []string // what came when its number had been passed over, and interviews in conflict
}

func newModel(start [32]byte) *model {
	return &model{map[uint64]string{}, map[uint64][32]byte{0: start}, map[uint64]map[string]bool{}, map[uint64]bool{}, 0, nil, nil}
}

// take says whether a number is in conflict; a damaged one has no text.
func (m *model) take(n uint64, text string, hash [32]byte) (conflict bool) {
	had, known := m.hashes[n]
	mark := text + string(hash[:])
	if m.others[n] == nil {
		m.others[n] = map[string]bool{}
	}
	kept, there := m.others[n][mark]
	switch {
	case !known, text != "" && m.texts[n] == "" && n > m.carried:
		if m.hashes[n] = hash; text != "" {
			m.texts[n] = text
		}
		return false
	case there:
		return kept
	case text == "" && m.texts[n] == "", m.texts[n] != "" && had == hash:
		return false
	case m.texts[n] == "" && !m.hasLate[n]:
		m.hasLate[n], m.others[n][mark] = true, false
		m.late = append(m.late, text)
		return false
	}
	if m.others[n][mark] = true; strings.Contains(text, `"finish"`) { // the intake tells which counts
		m.late = append(m.late, text)
	}
	return true
}

// carry moves on to a number, over which there is no gap.
func (m *model) carry(t T, upTo uint64) {
	for ; m.carried < upTo; m.carried++ {
		if _, known := m.hashes[m.carried+1]; !known {
			t.Fatalf("number %d was carried out, but never came", m.carried+1)
		}
		if text := m.texts[m.carried+1]; text != "" {
			m.order = append(m.order, text)
		}
	}
}

// chained folds the chain up to a number; damaged ones have the hash that the tablet told.
func (m *model) chained(n uint64) [32]byte {
	h := m.hashes[0]
	for k := uint64(1); k <= n; k++ {
		if m.texts[k] == "" {
			h = m.hashes[k]
			continue
		}
		h = sha256.Sum256(slices.Concat(h[:], binary.BigEndian.AppendUint64(nil, k), []byte(m.texts[k])))
	}
	return h
}

// history is a random one of a tablet that has up to 24 events.
type history struct {
	*rapid.T
	rig   *rig
	model *model
	// main is the journal; fork is what a tablet has that was put back to an earlier state.
	main, fork *chain
	// doubt says that the office failed, and may have done what it was asked for: then it is
	// open whether the text of a damaged number still comes in time.
	doubt bool
}

// eventOf is the n-th event: a note of a case, an interview, or something else.
func (h *history) eventOf(n int, side string) string {
	switch h.roll(6, "kind") {
	case 0, 1, 2:
		return note("c1", fmt.Sprint(side, n))
	case 3:
		return note("c3", fmt.Sprint(side, n)) // which it was never given
	case 4:
		k := n
		if side == "fork" {
			k += 1000
		}
		return done(h, interview(k, "c2"))
	}
	return about("step", "c1", fmt.Sprintf(`,"message":{"do":%q}`, fmt.Sprint(side, n)))
}

func (h *history) roll(sides int, what string) int { return rapid.IntRange(0, sides-1).Draw(h.T, what) }

// send sends a run of events, perhaps with damaged ones, and checks the answer.
func (h *history) send(c *chain, from, to int, damaged ...uint64) {
	carried := h.model.carried
	prev, known := h.model.hashes[uint64(from-1)]
	chains := !known || prev == c.hashes[from-1]
	for mark := range h.model.others[uint64(from-1)] {
		chains = chains || strings.HasSuffix(mark, string(c.hashes[from-1][:]))
	}
	for n := uint64(from); n <= uint64(to) && h.doubt; n++ {
		if _, known := h.model.hashes[n]; known && h.model.texts[n] == "" && n > carried && !slices.Contains(damaged, n) {
			return
		}
	}
	a, err := h.rig.take(c.batch(from, to, damaged...))
	if !chains {
		if !errors.Is(err, tablet.ErrChain) {
			h.Fatalf("a batch that follows nothing: %v", err)
		}
		return
	}
	must(h, err)
	conflicts := h.told(c, from, to, damaged)
	h.rig.verifyAnswer(a)
	if a.Receipt == nil || a.Receipt.Head != hexOf(c.hashes[to]) || a.Receipt.From != uint64(from) || a.Receipt.To != uint64(to) || !slices.Equal(a.Conflict, conflicts) {
		h.Fatalf("receipt %+v, conflicts %v; want the head of %d, conflicts %v", a.Receipt, a.Conflict, to, conflicts)
	}
	if p := a.Checkpoint; p != nil && (p.Upto > carried || p.Upto == 0 || p.Head != hexOf(h.model.hashes[p.Upto]) || p.Head != hexOf(h.model.chained(p.Upto))) {
		h.Fatalf("the checkpoint is %+v, %d were carried out", p, carried)
	}
	if len(h.fork.texts) == 0 && carried > 0 && h.rig.tablets.Counts(device).Carried == carried && (a.Checkpoint == nil || a.Checkpoint.Upto != carried) {
		h.Fatalf("the checkpoint is %+v, want %d", a.Checkpoint, carried)
	}
	for _, gap := range a.Want {
		for n := gap[0]; n <= gap[1]; n++ {
			if _, known := h.model.hashes[n]; known {
				h.Fatalf("%d is asked for, and is there", n)
			}
		}
	}
}

// told tells the model of a batch.
func (h *history) told(c *chain, from, to int, damaged []uint64) (conflicts []uint64) {
	for n := uint64(from); n <= uint64(to); n++ {
		text := c.texts[n-1]
		if slices.Contains(damaged, n) {
			text = ""
		}
		if h.model.take(n, text, c.hashes[n]) {
			conflicts = append(conflicts, n)
		}
	}
	return conflicts
}

// run sends some run of events, some times over.
func (h *history) run() {
	c := h.main
	if len(h.fork.texts) > 0 && h.roll(3, "side") == 0 {
		c = h.fork
	}
	from := 1 + h.roll(len(c.texts), "from")
	to := from + h.roll(min(8, len(c.texts)-from+1), "length")
	var damaged []uint64
	for n := from; n <= to && h.roll(3, "damage") == 0; n += 1 + h.roll(4, "next") {
		damaged = append(damaged, uint64(n))
	}
	for range []int{1, 1, 1, 2, 10}[h.roll(5, "times")] {
		h.send(c, from, to, damaged...)
	}
}

// carryOut carries out while the office and the intake are away at random, by Flush or by Run,
// which may be interrupted at any call.
func (h *history) carryOut() {
	rng := rand.New(rand.NewPCG(uint64(h.roll(1<<16, "seed")), 1))
	x := h.rig.tries
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	calls, last := 0, 1+rng.IntN(6)
	rate := []int{0, 0, 30, 70}[rng.IntN(4)]
	x.fails = func() bool { return rng.IntN(100) < rate }
	if rng.IntN(2) == 0 {
		_ = h.rig.tablets.Flush(ctx) // what fails is tried again later
	} else {
		x.before = func() {
			if calls++; calls == last {
				cancel()
			}
		}
		defer time.AfterFunc(20*time.Millisecond, cancel).Stop() // when there are fewer calls
		must(h, h.rig.tablets.Run(ctx))
	}
	x.fails, x.before = nil, nil
	counts := h.rig.tablets.Counts(device)
	h.doubt = counts.Carried != counts.Upto
	h.look()
}

// look lets the model go on to where the office is.
func (h *history) look() {
	d, err := h.rig.office.DeviceOf(context.Background(), boss, device)
	must(h, err)
	h.model.carry(h, d.Carried)
}

// restart is a start of everything, perhaps after a batch became durable of which the tablet
// never heard.
func (h *history) restart() {
	if h.roll(2, "unheard") == 0 {
		h.run()
	}
	h.rig.restart()
	h.doubt = false
	h.look()
}

// end sends all that is left, carries it out, and holds the office and the intake against the
// model.
func (h *history) end() {
	h.rig.restart()
	h.doubt = false
	for from := 1; from <= len(h.main.texts); from++ { // one by one: where the fork came first they do not chain together
		if _, known := h.model.hashes[uint64(from)]; !known {
			prev := h.main
			if h.model.hashes[uint64(from-1)] != prev.hashes[from-1] {
				prev = h.fork
			}
			if len(prev.texts) < from || h.model.hashes[uint64(from-1)] != prev.hashes[from-1] {
				return // the journal of the tablet is lost from here on
			}
			h.send(prev, from, from)
		}
	}
	h.rig.flush()
	h.look()
	h.compare()
	h.rig.restart()
	h.rig.flush()
	h.compare()
}

// compare holds the office and the intake against the model.
func (h *history) compare() {
	var notes, interviews, held []string
	sort := func(text string, late bool) {
		switch name := textOf(text); {
		case strings.Contains(text, `"finish"`) && late:
			interviews = append(interviews, "late "+name)
		case strings.Contains(text, `"finish"`):
			interviews = append(interviews, name)
		case strings.Contains(text, `"note"`) && (late || strings.Contains(text, `"c3"`)):
			held = append(held, name)
		case strings.Contains(text, `"note"`):
			notes = append(notes, name)
		}
	}
	for _, text := range h.model.order {
		sort(text, false)
	}
	for _, text := range h.model.late {
		sort(text, true)
	}
	var got []string
	for _, e := range h.rig.events("c1") {
		got = append(got, e.Reason)
	}
	if !slices.Equal(got, notes) {
		h.Fatalf("the office has the notes %v, want %v", got, notes)
	}
	anyTime := map[string]bool{} // those that may come at any time
	for _, s := range interviews {
		if late, ok := strings.CutPrefix(s, "late "); ok {
			if anyTime[late] = true; !slices.Contains(h.rig.intake.accepted, late) {
				h.Fatalf("the late interview %s is missing", late)
			}
		}
	}
	inOrder := slices.DeleteFunc(slices.Clone(interviews), func(s string) bool { return strings.HasPrefix(s, "late ") || anyTime[s] })
	accepted := slices.DeleteFunc(slices.Clone(h.rig.intake.accepted), func(s string) bool { return anyTime[s] })
	if !slices.Equal(accepted, inOrder) {
		h.Fatalf("the intake has %v, want %v", accepted, inOrder)
	}
	all, err := h.rig.office.Held(context.Background(), boss, device)
	must(h, err)
	var holds []string
	for _, e := range all {
		holds = append(holds, e.Event.Reason)
	}
	slices.Sort(held)
	slices.Sort(holds)
	if !slices.Equal(holds, held) {
		h.Fatalf("the office holds %v, want %v", holds, held)
	}
}

// textOf is the words of a note, or the interview with its revision.
func textOf(text string) string {
	_, rest, found := strings.Cut(text, `"text":"`)
	if !found {
		if _, rest, found = strings.Cut(text, `"interview":"`); found {
			return rest[:36] + "/0"
		}
		return ""
	}
	words, _, _ := strings.Cut(rest, `"`)
	return words
}

// checks is how many histories there are unless -rapid.checks says so: those of ten seconds.
const checks = "60"

// Whatever a tablet sends, in whatever order, how often it sends it, and whenever anything
// fails or starts again: every event is carried out once and in order, what is signed is
// genuine, and no checkpoint covers what was not carried out.
func TestHistories(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		must(t, f.Value.Set(checks))
	}
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		own, err := os.MkdirTemp(dir, "")
		must(rt, err)
		defer os.RemoveAll(own)
		h := &history{T: rt, main: newChain(device), fork: newChain(device)}
		h.rig = newRig(rt, own)
		defer func() { h.rig.close() }()
		h.model = newModel(h.main.hashes[0])
		for n := range 1 + h.roll(24, "events") {
			h.main.add(h.eventOf(n+1, "main"))
		}
		if n := h.roll(3*len(h.main.texts), "fork"); n < len(h.main.texts) {
			h.fork.add(h.main.texts[:n]...)
			for len(h.fork.texts) < len(h.main.texts) {
				h.fork.add(h.eventOf(len(h.fork.texts)+1, "fork"))
			}
		}
		for range h.roll(12, "steps") {
			switch h.roll(4, "step") {
			case 0, 1:
				h.run()
			case 2:
				h.carryOut()
			case 3:
				h.restart()
			}
		}
		h.end()
	})
}
