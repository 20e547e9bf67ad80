package office

import "context"

// Moved calls do for the cases of a wave that were drawn or have changed since the move
// after, each once, in the order of their last change, and returns the number of the last
// move; the first call gives 0 for all.
func (s *Store) Moved(ctx context.Context, wave string, after int64, do func(Case) error) (last int64, err error) {
	// Both readings are of one moment, so that no move falls between them.
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return after, away("read what changed", err)
	}
	defer tx.Rollback()
	last = after
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(n), 0) FROM moves").Scan(&last); err != nil {
		return after, away("read what changed", err)
	}
	if last == after {
		return last, nil
	}
	rows, err := tx.QueryContext(ctx, `SELECT cases.wave, cases.id, stratum, psu, area, weight, columns, changes, progress, commitment, last
		FROM moves JOIN cases ON cases.wave = moves.wave AND cases.id = moves.id
		WHERE moves.wave = ? AND moves.n > ? ORDER BY moves.n`, wave, after)
	if err != nil {
		return after, away("read what changed", err)
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanCase(rows)
		if err != nil {
			return after, away("read what changed", err)
		}
		if err := do(c); err != nil {
			return after, err
		}
	}
	return last, away("read what changed", rows.Err())
}
