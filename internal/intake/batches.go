package intake

import (
	"iter"
	"slices"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// Scanned is a Log that lends the bodies of everything on this disk, each until the next record
// is asked for, and knows how many records it has. wal.Log is one.
type Scanned interface {
	Scan(from uint64) iter.Seq2[wal.Record, error]
	Stat() wal.Stat
}

// scan reads everything in a log. A body may be good only until the next record.
func scan(log Log) iter.Seq2[wal.Record, error] {
	if s, ok := log.(Scanned); ok {
		return s.Scan(1)
	}
	return everything(log).Read(1)
}

// roomFor is about how many records a log has, if it says so: a map that need not grow is made
// faster. Numbers that are missing have no bytes.
func roomFor(log Log) int {
	s, ok := log.(Scanned)
	if !ok {
		return 0
	}
	const least = 100 // bytes of a record
	st := s.Stat()
	return int(min(st.Next-st.First, uint64(st.Bytes)/least))
}

// found is what was read in a log: a record with its entry, or what is wrong.
type found struct {
	logged
	err error
}

// A start waits for a log to be read, so that is done by as many as have something to do: one
// reads the disk and checks the records, the next takes all but the cases, the last these.
// Records go from one to the other in batches of batchRecords, of which batchesAhead wait at
// each, and then back to the first to be filled again.
const (
	batchRecords = 1024
	batchesAhead = 4
)

// inBatches calls enter for everything that records yields, in its order, until enter returns
// an error, and meanwhile answer, on another core, for each record that is whole. It returns
// when both have ended.
func inBatches(records iter.Seq2[wal.Record, error], answer func(logged), enter func(logged, error) error) error {
	batches, entered, over := make(chan []found, batchesAhead), make(chan []found, batchesAhead), make(chan struct{})
	free, answered := make(chan []found, 2*batchesAhead), make(chan struct{})
	go readBatches(records, free, batches, over)
	go func() {
		defer close(answered)
		for batch := range entered {
			answerAll(batch, answer)
			select {
			case free <- batch[:0]:
			default:
			}
		}
	}()
	err := enterBatches(batches, entered, enter)
	close(over)
	for range batches { // the reader may hold a file open
	}
	close(entered)
	<-answered
	return err
}

func answerAll(batch []found, answer func(logged)) {
	for i := range batch {
		if batch[i].err == nil {
			answer(batch[i].logged)
		}
	}
}

// enterBatches enters what is in batches, and passes them on.
func enterBatches(batches <-chan []found, entered chan<- []found, enter func(logged, error) error) error {
	for batch := range batches {
		for i := range batch {
			if err := enter(batch[i].logged, batch[i].err); err != nil {
				return err
			}
		}
		entered <- batch
	}
	return nil
}

// readBatches hands over what records yields until nobody wants more, in batches that are free
// or new.
func readBatches(records iter.Seq2[wal.Record, error], free <-chan []found, batches chan<- []found, over <-chan struct{}) {
	defer close(batches)
	next := func() []found {
		select {
		case batch := <-free:
			return batch
		default:
			return make([]found, 0, batchRecords)
		}
	}
	batch := next()
	hand := func() (wanted bool) {
		select {
		case batches <- batch:
			batch = next()
			return true
		case <-over:
			return false
		}
	}
	for r, err := range records {
		f := found{err: err}
		if err == nil {
			f.logged, f.err = taken(r)
		}
		if batch = append(batch, f); len(batch) == batchRecords && !hand() {
			return
		}
	}
	hand()
}

// taken is a record that was lent as the index takes it: without a body where that counts,
// which is most of a log.
func taken(r wal.Record) (logged, error) {
	if !counts(r.Kind) {
		r.Body = slices.Clone(r.Body)
	}
	e, err := decodeEntry(r)
	if counts(r.Kind) {
		r.Body, e.body = nil, nil
	}
	return logged{r, e}, err
}
