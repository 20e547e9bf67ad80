package clickhouse

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// The weights that are summed without loss; see exact.go.
const minWeight, maxWeight = fieldwork.MinWeight, fieldwork.MaxWeight

// PutSample stores the sample of a wave. To put the same sample again changes
// nothing. Another sample takes its place as long as the wave has no response; later only
// one that has all its cases, with other weights perhaps, and any other is refused with an
// error that wraps surveys.ErrConflict. Sets of weights stay those of their cases.
func (s *Store) PutSample(ctx context.Context, wave string, cases []fieldwork.Case) error {
	doing := fmt.Sprintf("store the sample of wave %q", wave)
	cases = slices.SortedStableFunc(slices.Values(cases), func(a, b fieldwork.Case) int { return cmp.Compare(a.ID, b.ID) })
	if err := checkCases(cases); err != nil {
		return explain(doing, err)
	}
	digest := newDigest()
	for _, c := range cases {
		digest.add(c)
	}
	old, number, err := s.currentSample(ctx, wave)
	if err != nil || old == digest.String() {
		return explain(doing, err)
	}
	if old != "" {
		if err := s.checkReplaceable(ctx, wave, old, cases); err != nil {
			return explain(doing, err)
		}
	}
	return explain(doing, s.putSample(ctx, wave, digest.String(), number+1, cases))
}

// putSample writes the rows and then the line that puts them to use.
func (s *Store) putSample(ctx context.Context, wave, digest string, number uint64, cases []fieldwork.Case) error {
	err := s.insert(ctx, "put_sample", func(b driver.Batch) error {
		for _, c := range cases {
			columns := c.Columns
			if columns == nil {
				columns = map[string]string{}
			}
			if err := b.Append(wave, digest, c.ID, c.Stratum, c.PSU, c.Weight, columns); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.insert(ctx, "name_sample", func(b driver.Batch) error {
		return b.Append(wave, number, digest, uint64(len(cases)))
	})
}

// checkCases wants at least one case, sorted, each with an ID of its own and a weight
// that can be summed.
func checkCases(cases []fieldwork.Case) error {
	if len(cases) == 0 {
		return fmt.Errorf("%w: there are no cases", surveys.ErrInvalid)
	}
	for i, c := range cases {
		if c.ID == "" {
			return fmt.Errorf("%w: a case has no ID; give every case one", surveys.ErrInvalid)
		}
		if i > 0 && cases[i-1].ID == c.ID {
			return fmt.Errorf("%w: case %q is there twice; every case needs its own ID", surveys.ErrInvalid, c.ID)
		}
		if err := checkWeight(c.ID, c.Weight); err != nil {
			return err
		}
	}
	return nil
}

func checkWeight(id string, w float64) error {
	if w == 0 || w >= minWeight && w <= maxWeight {
		return nil
	}
	return fmt.Errorf("%w: the weight of case %q is %v; weights are 0 or from %g to %g, so scale them",
		surveys.ErrInvalid, id, w, minWeight, maxWeight)
}

// checkReplaceable wants a wave without responses, or a sample that extends the old one.
func (s *Store) checkReplaceable(ctx context.Context, wave, old string, cases []fieldwork.Case) error {
	var n uint64
	err := s.query(ctx, "has_responses", arguments{"wave": wave}, func(rows driver.Rows) error { return rows.Scan(&n) })
	if err != nil || n == 0 {
		return err
	}
	var had []fieldwork.Case
	err = s.query(ctx, "sample_cases", arguments{"wave": wave, "sample": old}, func(rows driver.Rows) error {
		var c fieldwork.Case
		err := rows.Scan(&c.ID, &c.Stratum, &c.PSU, &c.Columns)
		had = append(had, c)
		return err
	})
	if err != nil {
		return err
	}
	if err := fieldwork.Extends(had, cases); err != nil {
		return fmt.Errorf("the wave has responses, so its sample cannot change but for further cases: %w; put another sample into another wave", err)
	}
	return nil
}

// currentSample returns the digest of the sample of a wave and its number, or
// nothing when there is none.
func (s *Store) currentSample(ctx context.Context, wave string) (digest string, number uint64, err error) {
	err = s.query(ctx, "sample_digest", arguments{"wave": wave}, func(rows driver.Rows) error {
		return rows.Scan(&digest, &number)
	})
	return digest, number, err
}

// sampleOf returns the digest of the sample of a wave that must have one.
func (s *Store) sampleOf(ctx context.Context, wave string) (string, error) {
	digest, _, err := s.currentSample(ctx, wave)
	if err == nil && digest == "" {
		err = fmt.Errorf("%w: the wave has no sample; store its sample file first", surveys.ErrNotFound)
	}
	return digest, explain(fmt.Sprintf("look up the sample of wave %q", wave), err)
}

// digest names a list of rows by its content.
type digest struct{ hash.Hash }

func newDigest() digest { return digest{sha256.New()} }

// add appends a row. JSON writes map keys in order and floats without loss.
func (d digest) add(row any) {
	if err := json.NewEncoder(d).Encode(row); err != nil {
		panic("clickhouse: a row must be plain data: " + err.Error())
	}
}

// String is the digest of the rows so far, 32 hex digits.
func (d digest) String() string { return hex.EncodeToString(d.Sum(nil)[:16]) }
