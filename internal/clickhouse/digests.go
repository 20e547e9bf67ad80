package clickhouse

import "context"

// Digests name what the store has of a wave by its content, as the store itself compares it;
// empty where it has nothing. A sample, standings or weights that are put again, unchanged,
// have the same ones.
type Digests struct{ Sample, Standings, Weights string }

// Digests returns those of a wave and a set of weights, such as "raked@2"; without a name
// those of the weights stay empty.
func (s *Store) Digests(ctx context.Context, wave, weights string) (d Digests, err error) {
	if d.Sample, err = s.sampleOf(ctx, wave); err != nil {
		return d, err
	}
	standings, err := s.standingsOf(ctx, wave)
	if err != nil {
		return d, err
	}
	d.Standings = standings.digest
	if weights == "" {
		return d, nil
	}
	set, err := s.weightSet(ctx, wave, weights)
	d.Weights = set.digest
	return d, err
}
