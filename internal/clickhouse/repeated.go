package clickhouse

import (
	"context"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// repeated finds the hashes that come more than once among very many of which few do. Grouping
// all of them takes several times as long.
type repeated struct {
	all         [][]uint64
	seen, twice []uint64 // bits by the end of a hash
}

// mostBits is enough for two thousand million hashes; of more, more are looked at twice.
const mostBits = 31

// newRepeated is for about so many hashes.
func newRepeated(hashes uint64) *repeated {
	words := uint64(1) << min(bits.Len64(hashes/8), mostBits-6) // about eight bits for a hash
	return &repeated{seen: make([]uint64, words), twice: make([]uint64, words)}
}

// add adds hashes; 0 is none.
func (r *repeated) add(hashes []uint64) {
	last := uint64(len(r.seen) - 1)
	for _, h := range hashes {
		word, bit := h>>6&last, uint64(1)<<(h&63)
		r.twice[word] |= r.seen[word] & bit
		r.seen[word] |= bit
	}
	r.all = append(r.all, hashes)
}

// found are the hashes that came more than once, in order.
func (r *repeated) found() (list []uint64) {
	last := uint64(len(r.seen) - 1)
	var maybe []uint64
	for _, hashes := range r.all {
		for _, h := range hashes {
			if r.twice[h>>6&last]>>(h&63)&1 == 1 && h != 0 {
				maybe = append(maybe, h)
			}
		}
	}
	slices.Sort(maybe)
	for i, h := range maybe {
		if i > 0 && maybe[i-1] == h && (len(list) == 0 || list[len(list)-1] != h) {
			list = append(list, h)
		}
	}
	return list
}

// shared are the submissions and the cases that several of so many records of a wave have, as
// conditions on their hashes; empty if there are none.
func (s *Store) shared(ctx context.Context, args arguments, until string, records uint64) (conditions []string, err error) {
	submissions, cases := newRepeated(records), newRepeated(records)
	var submission, ofCase proto.ColUInt64
	columns := proto.Results{{Name: "submission", Data: &submission}, {Name: "of_case", Data: &ofCase}}
	err = s.queryColumns(ctx, compose("identities", map[string]string{"until": until}), args, columns, atMost(records, func(int) error {
		submissions.add(submission)
		cases.add(ofCase)
		submission, ofCase = nil, nil
		return nil
	}))
	if err != nil {
		return nil, err
	}
	for _, of := range []struct {
		*repeated
		hash, other string
	}{{submissions, "cityHash64(submission_id)", ""}, {cases, "cityHash64(case_id)", " AND case_id != ''"}} {
		if list := of.found(); len(list) > s.listed {
			conditions = append(conditions, compose("grouped", map[string]string{"hash": of.hash, "other": of.other, "until": until}))
		} else if len(list) > 0 {
			texts := make([]string, len(list))
			for i, h := range list {
				texts[i] = strconv.FormatUint(h, 10)
			}
			conditions = append(conditions, of.hash+" IN ("+strings.Join(texts, ", ")+")")
		}
	}
	return conditions, nil
}

// mostListed is how many hashes of submissions, and as many of cases, a query may list: with twice
// as many it would be longer than ClickHouse takes.
const mostListed = 5_000
