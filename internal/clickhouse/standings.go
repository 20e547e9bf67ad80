package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// PutStandings stores what the fieldwork says of the cases of a wave, in place of what it
// said before; the same again writes nothing. From then on an interview counts when its
// case does: one whose standing says that it does not, or that has no standing, is in no
// estimate, and base weights are those of the sample times the eligible persons of the
// household. A wave that was never given standings is as if all cases counted. Standings
// that fail Standing.Check, a case twice, one that is not in the sample, and no standings
// at all are refused with an error that wraps surveys.ErrInvalid.
func (s *Store) PutStandings(ctx context.Context, wave string, standings []fieldwork.Standing) error {
	doing := fmt.Sprintf("store the standings of wave %q", wave)
	standings = slices.SortedStableFunc(slices.Values(standings), func(a, b fieldwork.Standing) int { return cmp.Compare(a.Case, b.Case) })
	if err := checkStandings(standings); err != nil {
		return explain(doing, err)
	}
	digest := newDigest()
	for _, st := range standings {
		digest.add(st)
	}
	old, err := s.standingsOf(ctx, wave)
	if err != nil {
		return explain(doing, err)
	}
	sample, err := s.sampleOf(ctx, wave)
	if err != nil {
		return explain(doing, err)
	}
	if err := s.checkSampled(ctx, arguments{"wave": wave, "sample": sample}, standings); err != nil {
		return explain(doing, err)
	}
	if old.digest == digest.String() {
		return nil
	}
	return explain(doing, s.putStandings(ctx, wave, standingSet{digest: digest.String(), number: old.number + 1}, standings))
}

// checkStandings wants at least one standing, sorted, each of a case of its own.
func checkStandings(standings []fieldwork.Standing) error {
	if len(standings) == 0 {
		return fmt.Errorf("%w: there are none, so no interview would count; take the cases of the wave into the fieldwork first", surveys.ErrInvalid)
	}
	for i, st := range standings {
		if i > 0 && standings[i-1].Case == st.Case {
			return fmt.Errorf("%w: case %q has two standings; give it one", surveys.ErrInvalid, st.Case)
		}
		if err := st.Check(); err != nil {
			return err
		}
	}
	return nil
}

// checkSampled wants every standing, sorted by case, to be of a case of the sample.
func (s *Store) checkSampled(ctx context.Context, args arguments, standings []fieldwork.Standing) error {
	var strangers []string
	next := 0
	err := s.query(ctx, "sample_ids", args, func(rows driver.Rows) error {
		var id string
		err := rows.Scan(&id)
		for ; next < len(standings) && standings[next].Case < id; next++ {
			strangers = append(strangers, standings[next].Case)
		}
		if next < len(standings) && standings[next].Case == id {
			next++
		}
		return err
	})
	for _, st := range standings[next:] {
		strangers = append(strangers, st.Case)
	}
	if err != nil || len(strangers) == 0 {
		return err
	}
	return fmt.Errorf("%w: %d cases are not in the sample of the wave, such as %s; store the sample that the fieldwork works on",
		surveys.ErrInvalid, len(strangers), strings.Join(strangers[:min(len(strangers), 5)], ", "))
}

// putStandings writes the rows and then the line that puts them to use.
func (s *Store) putStandings(ctx context.Context, wave string, set standingSet, standings []fieldwork.Standing) error {
	err := s.insert(ctx, "put_standings", func(b driver.Batch) error {
		for _, st := range standings {
			class, err := st.Disposition.Class()
			if err != nil {
				return err
			}
			set.eligible = max(set.eligible, uint8(st.Eligible))
			if err := b.Append(wave, set.digest, st.Case, string(st.Disposition), class.String(), uint8(st.Eligible), st.Counts); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.insert(ctx, "name_standings", func(b driver.Batch) error {
		return b.Append(wave, set.number, set.digest, uint64(len(standings)), set.eligible)
	})
}

// standingSet is what a wave knows of its cases by the fieldwork; the digest is empty when
// it knows nothing.
type standingSet struct {
	digest   string
	number   uint64
	eligible uint8 // the most eligible persons of a household
}

// standingsOf finds the standings in use.
func (s *Store) standingsOf(ctx context.Context, wave string) (set standingSet, err error) {
	err = s.query(ctx, "standing_set", arguments{"wave": wave}, func(rows driver.Rows) error {
		return rows.Scan(&set.digest, &set.number, &set.eligible)
	})
	return set, explain(fmt.Sprintf("look up the standings of wave %q", wave), err)
}

// Fieldwork counts the cases of a wave that have a base weight by what came of them; nil where
// the fieldwork has said nothing.
func (s *Store) Fieldwork(ctx context.Context, wave string) (*assess.Fieldwork, error) {
	q := assess.Query{Wave: wave}
	on, err := s.basisOf(ctx, q)
	if err != nil || !on.standings {
		return nil, err
	}
	f := &assess.Fieldwork{}
	text := compose("fieldwork", map[string]string{"sample": drawnCases(q, true)})
	err = s.queryText(ctx, text, on.args, func(rows driver.Rows) error {
		var class string
		var cases uint64
		var weight float64
		err := rows.Scan(&class, &cases, &weight)
		f.Add(class, int(cases), weight)
		return err
	})
	return f, explain(fmt.Sprintf("count what came of the cases of wave %q", wave), err)
}

// stale are the notes of weights that were made before the fieldwork said what it says now.
func (s *Store) stale(ctx context.Context, b basis, unweighted int) ([]analysis.Note, error) {
	if !b.standings || b.weights == "" {
		return nil, nil
	}
	var gone, late uint64
	err := s.query(ctx, "stale_weights", b.args, func(rows driver.Rows) error { return rows.Scan(&gone, &late) })
	return assess.StaleNotes(b.weights, int(gone), int(late)-unweighted), err
}
