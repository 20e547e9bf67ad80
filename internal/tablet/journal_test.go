package tablet

import (
	"testing"
	"unsafe"
)

// A tablet of a long survey has some 50,000 events, and there are a thousand tablets: each
// byte of an entry is 50 MB.
func TestEntriesStaySmall(t *testing.T) {
	if size := unsafe.Sizeof(entry{}); size > 24 {
		t.Errorf("an entry has %d bytes", size)
	}
}

func TestKindsAreCounted(t *testing.T) {
	for text, want := range map[string]string{
		`{"kind":"note","at":1`:                        "note", // as far as it can be read
		`{"at":"2026","x":{"kind":"a"},"kind":"part"}`: "part",
		`{"kind":"of next year"}`:                      "other",
		`{"kind":7}`:                                   "other",
		`{"at":"2026"}`:                                "other",
		`{"at":}`:                                      "other",
		`{`:                                            "other",
		`["kind","note"]`:                              "other",
		``:                                             "other",
	} {
		if got := countedKind([]byte(text)); got != want {
			t.Errorf("countedKind(%s) = %s, want %s", text, got, want)
		}
	}
}

func TestUUIDs(t *testing.T) {
	const good = "0f8fad5b-d9cb-469f-a165-70867728950e"
	if id, ok := parseUUID(good); !ok || formatUUID(id) != good {
		t.Errorf("%s becomes %s, %v", good, formatUUID(id), ok)
	}
	for _, bad := range []string{"", "x", good[1:], good + "0", "0F8FAD5B-D9CB-469F-A165-70867728950E", "0f8fad5bd9cb469fa16570867728950e", "0f8f-ad5bd9cb-469f-a165-70867728950e"} {
		if _, ok := parseUUID(bad); ok {
			t.Errorf("%q is taken for a UUID", bad)
		}
	}
}

// Numbers without text and in conflict are named, the lowest of them, and counted all.
func TestNumbersAreNamed(t *testing.T) {
	j := newJournal("x", 0)
	for n := uint64(1); n <= 200; n++ {
		kind := uint8(storedEvent)
		if n%3 != 0 { // 1–2, 4–5, …
			kind = storedDamaged
		}
		j.add(item{n: n, kind: kind, text: []byte("{}")}, n)
		for k := range n % 2 * 2 { // two each under odd ones
			j.add(item{n: n, kind: storedConflict, hash: hash{byte(n), byte(k + 1)}}, 200+n)
		}
	}
	j.add(item{n: 210, kind: storedGivenUp}, 500)
	without, conflicts := j.withoutText(), j.inConflict()
	if without.Total != 135 || len(without.First) != MostRanges || without.First[0] != [2]uint64{1, 2} || without.First[MostRanges-1] != [2]uint64{148, 149} {
		t.Errorf("without text are %v", without)
	}
	if conflicts.Total != 100 || len(conflicts.First) != MostRanges || conflicts.First[MostRanges-1] != [2]uint64{99, 99} || j.conflicts != 200 {
		t.Errorf("in conflict are %v", conflicts)
	}
	if gaps := j.gaps(); len(gaps) != 1 || gaps[0] != [2]uint64{201, 209} {
		t.Errorf("missing are %v", gaps)
	}
}
