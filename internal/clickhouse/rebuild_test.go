package clickhouse

import (
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

// records reads what the store has of a node.
func records(t *testing.T, s *Store, node uint16, from, to uint64) (list []intake.StoredRecord) {
	t.Helper()
	err := s.Records(t.Context(), node, from, to, func(r intake.StoredRecord) error {
		list = append(list, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestRecords(t *testing.T) {
	s := open(t)
	a, b, c, other := response("w", "a", 1, nil), response("v", "b", 2, nil), response("w", "c", 2, nil), response("w", "d", 2, nil)
	a.Revision, other.Node = 7, 2
	b.ID, c.ID = "f0000000-0000-4000-8000-000000000001", "0f000000-0000-4000-8000-0000000000ff" // c comes first, as bytes are compared
	put(t, s, "1", a, b, c, other)
	put(t, s, "2", a, b)
	want := func(list ...surveys.Response) (out []intake.StoredRecord) {
		for _, r := range list {
			out = append(out, intake.StoredRecord{Seq: r.Seq, ID: uuid.MustParse(r.ID), Revision: r.Revision, BodyHash: r.BodyHash})
		}
		return out
	}
	for _, x := range []struct {
		name     string
		node     uint16
		from, to uint64
		want     []intake.StoredRecord
	}{
		{"all of a node", 1, 0, math.MaxUint64, want(a, c, b)},
		{"one place", 1, 1, 1, want(a)},
		{"another node", 2, 1, 9, want(other)},
		{"nothing", 3, 1, 9, nil},
	} {
		if got := records(t, s, x.node, x.from, x.to); !reflect.DeepEqual(got, x.want) {
			t.Errorf("%s: %v, want %v", x.name, got, x.want)
		}
	}
	stop := errors.New("stop")
	if err := s.Records(t.Context(), 1, 1, 9, func(intake.StoredRecord) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("Records() that is stopped = %v", err)
	}
}

// What is erased is gone at once and can be put there again; other nodes keep theirs. The
// checksum says when anything is different, and not when only the parts are.
func TestEraseAndChecksum(t *testing.T) {
	s := open(t)
	a, b := response("w", "a", 1, surveys.Answers{"K01": {"a"}, "n": {"12"}}), response("w", "b", 2, surveys.Answers{"K01": {"b"}, "M": {"x", "y"}})
	other := response("w", "c", 1, nil)
	other.Node = 2
	sum := func(node uint16, want uint64) string {
		t.Helper()
		n, sum, err := s.Checksum(t.Context(), node)
		if err != nil || n != want {
			t.Fatalf("Checksum() = %d, %s, %v, want %d", n, sum, err, want)
		}
		return sum
	}
	erase := func() {
		t.Helper()
		if err := s.Erase(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		sum(1, 0)
	}
	put(t, s, "1", a, b)
	before := sum(1, 2)
	erase() // alone
	put(t, s, "1", b)
	put(t, s, "2", a)
	put(t, s, "3", b)
	if got := sum(1, 2); got != before {
		t.Errorf("in other parts the checksum is %s, was %s", got, before)
	}
	put(t, s, "4", other)
	erase() // beside another node
	if got := records(t, s, 2, 1, 9); len(got) != 1 {
		t.Errorf("the other node has %v", got)
	}
	put(t, s, "5", a, b)
	if got := sum(1, 2); got != before {
		t.Errorf("the checksum is %s, was %s", got, before)
	}
	for name, change := range map[string]func(*surveys.Response){
		"an answer":   func(r *surveys.Response) { r.Answers = surveys.Answers{"K01": {"b"}, "M": {"x", "z"}} },
		"the case":    func(r *surveys.Response) { r.Case = "x" },
		"the seed":    func(r *surveys.Response) { r.Paradata.Seed = 1 },
		"probability": func(r *surveys.Response) { r.Inclusion = map[string]float64{"K01": 0.5} },
		"partial":     func(r *surveys.Response) { r.Partial = true },
	} {
		erase()
		changed := b
		change(&changed)
		put(t, s, name, a, changed)
		if got := sum(1, 2); got == before {
			t.Errorf("with %s changed the checksum is the same", name)
		}
	}
}
