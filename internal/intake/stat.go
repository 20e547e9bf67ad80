package intake

import "time"

// ShippingStat is where the way from the log to the store stands.
type ShippingStat struct {
	// Cursor is the sequence number up to which everything is stored or in quarantine,
	// Pending how many records of the log lie behind it.
	Cursor, Pending uint64
	// Verified counts the interviews that were found in the store by count and checksum, in
	// as many Blocks; Resends the attempts after which a block was not found whole. All count
	// since New.
	Verified, Blocks, Resends uint64
	// Rechecked counts the records that were looked for again since New, Reshipped those of
	// blocks that were sent again because the store had lost something of them.
	Rechecked, Reshipped uint64
	// Quarantined counts the submissions in the log that are kept and do not count.
	Quarantined uint64
	// Away is since when the store does not answer; zero while it does.
	Away time.Time
}

// Shipping describes the way from the log to the store.
func (in *Intake) Shipping() ShippingStat {
	in.index.mu.Lock()
	quarantined := uint64(len(in.index.aside))
	last := in.index.last
	in.index.mu.Unlock()
	in.ship.mu.Lock()
	defer in.ship.mu.Unlock()
	st := in.ship.stat
	st.Quarantined = quarantined
	st.Cursor = in.ship.cursor
	st.Pending = max(last, st.Cursor) - st.Cursor
	return st
}

// note changes the numbers of Shipping.
func (s *shipping) note(change func(*ShippingStat)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.stat)
}

// answers notes whether the store answers.
func (in *Intake) answers(err error) {
	in.ship.note(func(st *ShippingStat) {
		switch {
		case err == nil:
			st.Away = time.Time{}
		case st.Away.IsZero():
			st.Away = in.now()
		}
	})
}
