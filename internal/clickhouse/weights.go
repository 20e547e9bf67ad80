package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/surveys"
)

// PutWeights stores a set of weights of a wave, by case, under a name. A case that
// is not in the set has weight zero. A name is never given to other weights: that is
// an error that wraps surveys.ErrConflict. To put the same weights again changes
// nothing.
func (s *Store) PutWeights(ctx context.Context, wave, name string, weights map[string]float64) error {
	doing := fmt.Sprintf("store weights %q of wave %q", name, wave)
	if name == "" || len(weights) == 0 {
		return fmt.Errorf("%s: %w: a set of weights needs a name and at least one weight", doing, surveys.ErrInvalid)
	}
	cases := slices.Sorted(maps.Keys(weights))
	digest := newDigest()
	for _, id := range cases {
		if err := checkWeight(id, weights[id]); err != nil {
			return explain(doing, err)
		}
		digest.add([]any{id, weights[id]})
	}
	old, err := s.weightSet(ctx, wave, name)
	switch {
	case err != nil:
		return explain(doing, err)
	case old == digest.String():
		return nil
	case old != "":
		return fmt.Errorf("%s: %w: the name has other weights already; choose a new name", doing, surveys.ErrConflict)
	}
	return explain(doing, s.putWeights(ctx, wave, name, digest.String(), cases, weights))
}

// putWeights writes the rows and then the line that puts them to use.
func (s *Store) putWeights(ctx context.Context, wave, name, digest string, cases []string, weights map[string]float64) error {
	err := s.insert(ctx, "put_weights", func(b driver.Batch) error {
		for _, id := range cases {
			if err := b.Append(wave, digest, id, weights[id]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.insert(ctx, "name_weights", func(b driver.Batch) error {
		return b.Append(wave, name, digest, uint64(len(cases)))
	})
}

// WeightSets lists the names of the weights of a wave, sorted.
func (s *Store) WeightSets(ctx context.Context, wave string) ([]string, error) {
	names, err := s.strings(ctx, "weight_sets", arguments{"wave": wave})
	return names, explain(fmt.Sprintf("list the weights of wave %q", wave), err)
}

// weightSet returns the digest of a set of weights, or "" when there is none.
func (s *Store) weightSet(ctx context.Context, wave, name string) (digest string, err error) {
	err = s.query(ctx, "weights_digest", arguments{"wave": wave, "name": name}, func(rows driver.Rows) error {
		return rows.Scan(&digest)
	})
	return digest, err
}

// weightsOf returns the digest of a set of weights that must be there.
func (s *Store) weightsOf(ctx context.Context, wave, name string) (string, error) {
	doing := fmt.Sprintf("look up weights %q of wave %q", name, wave)
	digest, err := s.weightSet(ctx, wave, name)
	if err != nil || digest != "" {
		return digest, explain(doing, err)
	}
	names, err := s.WeightSets(ctx, wave)
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		return "", fmt.Errorf("%s: %w: the wave has no weights yet", doing, surveys.ErrNotFound)
	}
	return "", fmt.Errorf("%s: %w; there are %s", doing, surveys.ErrNotFound, strings.Join(names, ", "))
}
