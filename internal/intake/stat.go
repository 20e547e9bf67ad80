package intake

import "sync/atomic"

// ShippingStat is where the way from the log to the store stands.
type ShippingStat struct {
	// Cursor is the sequence number up to which everything is stored or in quarantine,
	// Pending how many records of the log lie behind it.
	Cursor, Pending uint64
	// Verified counts the interviews that were found in the store by count and checksum,
	// Resends the attempts after which a block was not found whole; both since New.
	Verified, Resends uint64
	// Quarantined counts the submissions in the log that are kept and do not count.
	Quarantined uint64
}

// shippingCounts are the parts of ShippingStat that only grow.
type shippingCounts struct{ verified, resends atomic.Uint64 }

// Shipping describes the way from the log to the store.
func (in *Intake) Shipping() ShippingStat {
	st := ShippingStat{Verified: in.ship.counts.verified.Load(), Resends: in.ship.counts.resends.Load()}
	in.index.mu.Lock()
	st.Quarantined = uint64(len(in.index.reasons) + len(in.index.conflicts))
	last := in.index.last
	in.index.mu.Unlock()
	in.ship.mu.Lock()
	defer in.ship.mu.Unlock()
	st.Quarantined += uint64(len(in.ship.refused))
	st.Cursor = in.ship.cursor
	st.Pending = max(last, st.Cursor) - st.Cursor
	return st
}
