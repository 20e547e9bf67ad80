package tablet

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// maxNumber is the highest number of an event: a tablet that asks for more is broken.
const maxNumber = 1 << 20

// entry is what memory holds of an event, 24 bytes: where in the log it is, shifted by two
// bits, of which the lower says that there is no text, and the upper that which event was
// before is not known; and parts of the hashes, enough to tell texts apart and to see that
// the chain holds.
type entry struct {
	place uint64
	hash  [12]byte
	prev  [4]byte
}

const (
	noText  = 1
	noChain = 2
)

func (e entry) missing() bool  { return e.place == 0 }
func (e entry) readable() bool { return !e.missing() && e.place&noText == 0 }
func (e entry) chained() bool  { return e.place&noChain == 0 }
func (e entry) at() uint64     { return e.place >> 2 }

// is says whether the entry is that of an event with this hash.
func (e entry) is(h hash) bool { return e.hash == [12]byte(h[:12]) }

func newEntry(i item, at uint64) entry {
	e := entry{place: at << 2, hash: [12]byte(i.hash[:12]), prev: [4]byte(i.prev[:4])}
	switch i.kind {
	case storedDamaged:
		e.place |= noText
	case storedGivenUp:
		e.place |= noText | noChain
	case storedLoose:
		e.place |= noChain
	}
	return e
}

// other names a further text of a number, or that there was one which could not be read.
type other struct {
	n        uint64
	hash     [16]byte
	readable bool
}

func otherOf(i item) other { return other{i.n, [16]byte(i.hash[:16]), len(i.text) > 0} }

// journal is what memory holds of the journal of one device.
type journal struct {
	device string

	mu      sync.Mutex
	entries []entry // number n is at n-1
	present int     // of the entries
	// others are further texts: storedLate for the first of a number without one, and
	// storedConflict. lateOf are the places in the log of the former, by number.
	others map[other]uint8
	lateOf map[uint64]uint64
	// upto is the number up to which none is missing that is still to be carried out, carried
	// the one up to which all were, and busy up to which they may be by now, while it is
	// being done or after the office failed.
	upto, carried, busy uint64
	// linked is the number up to which all were carried out and the chain holds, and broken
	// says that it does not hold beyond; head is the hash of number headOf.
	linked uint64
	broken bool
	head   hash
	headOf uint64
	// late are the places in the log of events that came when their number had been passed
	// over, and of interviews under a number that has another text, and that still wait.
	late                                   []uint64
	kinds                                  map[string]int
	damaged, conflicts, lates, quarantined int

	// again is when to try again, wait how long it was waited before; both belong to whoever
	// carries out.
	again time.Time
	wait  time.Duration
}

func newJournal(device string, carried uint64) *journal {
	return &journal{device: device, others: map[other]uint8{}, lateOf: map[uint64]uint64{}, kinds: map[string]int{}, carried: carried, upto: carried}
}

// entry is that of a number, missing for those that never came. Callers hold mu, as for all
// that follows.
func (j *journal) entry(n uint64) entry {
	if n == 0 || n > uint64(len(j.entries)) {
		return entry{}
	}
	return j.entries[n-1]
}

// last is the highest number that came.
func (j *journal) last() uint64 { return uint64(len(j.entries)) }

// verdict says what an item is to a journal.
type verdict int

const (
	fresh    verdict = iota // it is kept
	repeated                // it is there
	differs                 // another text than the one that is there; it is kept
	differed                // the same, and it was kept before
)

// judge says what an item is, and as what it is kept.
func (j *journal) judge(i item) (verdict, uint8) {
	e, kept := j.entry(i.n), j.others[otherOf(i)]
	switch {
	case e.missing(), !e.readable() && i.readable() && i.n > max(j.carried, j.busy):
		return fresh, i.kind
	case kept == storedConflict:
		return differed, i.kind
	case !e.readable() && !i.readable(), e.readable() && e.is(i.hash), kept == storedLate:
		return repeated, i.kind
	case !e.readable() && j.lateOf[i.n] == 0:
		return fresh, storedLate
	}
	return differs, storedConflict
}

// readable says whether the item has a text.
func (i item) readable() bool { return i.kind != storedDamaged && i.kind != storedGivenUp }

// add takes in an item that is durable at a place in the log. What was written twice, because
// it was not known to be durable the first time, counts once.
func (j *journal) add(i item, at uint64) {
	e := j.entry(i.n)
	switch {
	case i.kind == storedConflict || i.kind == storedLate:
		j.addOther(i, at)
	case e.missing(), !e.readable() && i.readable():
		j.set(i, at)
	case e.readable() && !e.is(i.hash):
		j.addOther(item{n: i.n, kind: storedConflict, hash: i.hash, text: i.text}, at)
	}
}

func (j *journal) addOther(i item, at uint64) {
	if j.others[otherOf(i)] != 0 {
		return
	}
	if j.others[otherOf(i)] = i.kind; i.kind == storedConflict {
		j.conflicts++
		if kind := countedKind(i.text); kind == kindFinish || kind == kindPart { // the intake tells which counts
			j.late = append(j.late, at)
		}
		return
	}
	j.lateOf[i.n] = at
	j.lates++
	j.late = append(j.late, at)
	j.kinds[countedKind(i.text)]++
}

func (j *journal) set(i item, at uint64) {
	for uint64(len(j.entries)) < i.n {
		j.entries = append(j.entries, entry{})
	}
	was := j.entries[i.n-1]
	switch {
	case was.missing():
		j.present++
	default:
		j.damaged--
	}
	if j.entries[i.n-1] = newEntry(i, at); i.readable() {
		j.kinds[countedKind(i.text)]++
	} else {
		j.damaged++
	}
	j.advance()
}

// lose forgets an event that the log has lost, so that it is asked for again. It stays counted
// by its kind, which is not known any more, until the program starts again.
func (j *journal) lose(n uint64) {
	if !j.entries[n-1].readable() {
		j.damaged--
	}
	j.entries[n-1] = entry{}
	j.present--
	j.upto = min(j.upto, n-1)
}

func (j *journal) advance() {
	for !j.entry(j.upto + 1).missing() {
		j.upto++
	}
}

// gaps lists the numbers that are missing, from and to.
func (j *journal) gaps() [][2]uint64 {
	var list [][2]uint64
	for n := uint64(1); n <= j.last() && j.present < len(j.entries); n++ {
		if j.entry(n).missing() {
			list = extend(list, n)
		}
	}
	return list
}

// extend adds a number that is higher than all in a list of ranges.
func extend(list [][2]uint64, n uint64) [][2]uint64 {
	if last := len(list) - 1; last >= 0 && list[last][1] == n-1 {
		list[last][1] = n
		return list
	}
	return append(list, [2]uint64{n, n})
}

// withoutText are the numbers whose text is not there.
func (j *journal) withoutText() (all Numbers) {
	for n := uint64(1); n <= j.last() && all.Total < j.damaged; n++ {
		if e := j.entry(n); !e.missing() && !e.readable() {
			all.add(n)
		}
	}
	return all
}

// inConflict are the numbers that have further texts.
func (j *journal) inConflict() (all Numbers) {
	if j.conflicts == 0 {
		return all
	}
	has := map[uint64]bool{}
	for o, kind := range j.others {
		if kind == storedConflict {
			has[o.n] = true
		}
	}
	for _, n := range slices.Sorted(maps.Keys(has)) {
		all.add(n)
	}
	return all
}
