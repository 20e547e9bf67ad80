package clickhouse

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// PutWeights stores a set of weights of a wave, by case, with the record of how it was
// made, as the next version of the record's name. A case that is not in the set has
// weight zero. Nothing is overwritten: the version is 1 more than that of the last. When
// a version has the same weights by the same plan already, nothing is stored, and that
// version comes back. Name, version and record are written in one row after the
// weights, so that a failure in between leaves nothing that is in use.
func (s *Store) PutWeights(ctx context.Context, wave string, record assess.Weighting, weights []assess.CaseWeight) (version int, stored bool, err error) {
	doing := fmt.Sprintf("store weights %q of wave %q", record.Name, wave)
	weights = slices.SortedFunc(slices.Values(weights), func(a, b assess.CaseWeight) int { return cmp.Compare(a.Case, b.Case) })
	digest, err := digestOfWeights(record.Name, weights)
	if err != nil {
		return 0, false, explain(doing, err)
	}
	record.Version = 0
	versions, err := s.weightVersions(ctx, wave, record.Name)
	if err != nil {
		return 0, false, explain(doing, err)
	}
	for _, v := range versions {
		if v.digest == digest && v.record.PlanHash == record.PlanHash {
			return v.record.Version, false, nil
		}
		record.Version = v.record.Version
	}
	record.Version++
	if err := s.putWeights(ctx, wave, digest, record, weights); err != nil {
		return 0, false, explain(doing, err)
	}
	set, err := s.weightSet(ctx, wave, record.ID())
	if err == nil && set.digest != digest {
		err = fmt.Errorf("%w: other weights of this name were stored at the same time; store them again", surveys.ErrConflict)
	}
	return record.Version, true, explain(doing, err)
}

// digestOfWeights names a set, sorted by case, by its content.
func digestOfWeights(name string, weights []assess.CaseWeight) (string, error) {
	if _, version, err := assess.ParseWeights(name); err != nil || version > 0 {
		return "", fmt.Errorf("%w: the name %q is none for weights; use a-z, 0-9 and hyphens", surveys.ErrInvalid, name)
	}
	if len(weights) == 0 {
		return "", fmt.Errorf("%w: a set of weights needs at least one weight", surveys.ErrInvalid)
	}
	digest := newDigest()
	for i, w := range weights {
		if i > 0 && weights[i-1].Case == w.Case {
			return "", fmt.Errorf("%w: case %q has two weights; give it one", surveys.ErrInvalid, w.Case)
		}
		for _, x := range []float64{w.Weight, w.Base} {
			if err := checkWeight(w.Case, x); err != nil {
				return "", err
			}
		}
		digest.add(w)
	}
	return digest.String(), nil
}

// putWeights writes the rows and then the line that puts them to use.
func (s *Store) putWeights(ctx context.Context, wave, digest string, record assess.Weighting, weights []assess.CaseWeight) error {
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	err = s.insert(ctx, "put_weights", func(b driver.Batch) error {
		for _, w := range weights {
			if err := b.Append(wave, digest, w.Case, w.Weight, w.Base); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.insert(ctx, "name_weights", func(b driver.Batch) error {
		return b.Append(wave, record.Name, uint32(record.Version), digest, uint64(len(weights)), string(text))
	})
}

// Weighting reads the record of a set of weights, such as "raked", which is its latest
// version, or "raked@2". Sets of earlier programs have an empty record.
func (s *Store) Weighting(ctx context.Context, wave, id string) (*assess.Weighting, error) {
	set, err := s.weightSet(ctx, wave, id)
	return &set.record, err
}

// CaseWeights lists a set of weights, such as "raked" or "raked@2", by case.
func (s *Store) CaseWeights(ctx context.Context, wave, id string) ([]assess.CaseWeight, error) {
	set, err := s.weightSet(ctx, wave, id)
	if err != nil {
		return nil, err
	}
	var list []assess.CaseWeight
	err = s.query(ctx, "case_weights", arguments{"wave": wave, "weights": set.digest}, func(rows driver.Rows) error {
		var w assess.CaseWeight
		err := rows.Scan(&w.Case, &w.Weight, &w.Base)
		list = append(list, w)
		return err
	})
	return list, explain(fmt.Sprintf("read weights %q of wave %q", id, wave), err)
}

// WeightSets lists the names and versions of the weights of a wave, in order.
func (s *Store) WeightSets(ctx context.Context, wave string) ([]string, error) {
	var ids []string
	err := s.query(ctx, "weight_sets", arguments{"wave": wave}, func(rows driver.Rows) error {
		var w assess.Weighting
		var version uint32
		err := rows.Scan(&w.Name, &version)
		w.Version = int(version)
		ids = append(ids, w.ID())
		return err
	})
	return ids, explain(fmt.Sprintf("list the weights of wave %q", wave), err)
}

// weightSet is one version of a set of weights.
type weightSet struct {
	digest string
	record assess.Weighting
}

// weightVersions lists the versions of a name, each once.
func (s *Store) weightVersions(ctx context.Context, wave, name string) ([]weightSet, error) {
	var sets []weightSet
	err := s.query(ctx, "weight_versions", arguments{"wave": wave, "name": name}, func(rows driver.Rows) error {
		var w weightSet
		var version uint32
		var text string
		if err := rows.Scan(&version, &w.digest, &text); err != nil {
			return err
		}
		if text != "" {
			if err := json.Unmarshal([]byte(text), &w.record); err != nil {
				return fmt.Errorf("record of weights %s@%d: %w", name, version, err)
			}
		}
		w.record.Name, w.record.Version = name, int(version)
		if n := len(sets); n == 0 || sets[n-1].record.Version != w.record.Version {
			sets = append(sets, w)
		}
		return nil
	})
	return sets, err
}

// weightSet finds a version of a set of weights that must be there.
func (s *Store) weightSet(ctx context.Context, wave, id string) (weightSet, error) {
	doing := fmt.Sprintf("look up weights %q of wave %q", id, wave)
	name, version, err := assess.ParseWeights(id)
	if err != nil {
		return weightSet{}, explain(doing, err)
	}
	sets, err := s.weightVersions(ctx, wave, name)
	if err != nil {
		return weightSet{}, explain(doing, err)
	}
	for _, w := range slices.Backward(sets) {
		if version == 0 || w.record.Version == version {
			return w, nil
		}
	}
	ids, err := s.WeightSets(ctx, wave)
	if err != nil {
		return weightSet{}, err
	}
	if len(ids) == 0 {
		return weightSet{}, fmt.Errorf("%s: %w: the wave has no weights yet; make them with suyang weigh", doing, surveys.ErrNotFound)
	}
	return weightSet{}, fmt.Errorf("%s: %w; there are %s", doing, surveys.ErrNotFound, strings.Join(ids, ", "))
}
