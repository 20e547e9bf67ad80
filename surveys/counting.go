package surveys

import (
	"bytes"
	"cmp"
)

// Counting picks the responses of one wave that count, in any order: at most one of each
// submission, and at most one of each case. Of a submission it is the complete one with the
// highest revision; of several bodies under that revision the one that was finished first,
// then the one with the lowest hash. Of several submissions of a case it is the one of which
// a complete revision was finished first, then the one with the lowest ID. Responses without
// a case stand for themselves.
//
// The rule looks at the interviews alone, never at when or where they were accepted: several
// nodes may have taken the same interviews in any order, and the same ones count. Times are
// compared in whole milliseconds, as they are stored.
func Counting(all []*Response) []*Response {
	best, first := map[string]*Response{}, map[string]int64{}
	for _, r := range all {
		if r.Partial {
			continue
		}
		if old := best[r.ID]; old == nil || supersedes(r, old) {
			best[r.ID] = r
		}
		if at, seen := first[r.ID]; !seen || r.Finished.UnixMilli() < at {
			first[r.ID] = r.Finished.UnixMilli()
		}
	}
	var out []*Response
	cases := map[string]*Response{}
	for _, r := range best {
		if r.Case == "" {
			out = append(out, r)
			continue
		}
		old := cases[r.Case]
		if old == nil || cmp.Or(cmp.Compare(first[r.ID], first[old.ID]), cmp.Compare(r.ID, old.ID)) < 0 {
			cases[r.Case] = r
		}
	}
	for _, r := range cases {
		out = append(out, r)
	}
	return out
}

// supersedes says that of two complete responses of a submission the first one counts.
func supersedes(r, old *Response) bool {
	return cmp.Or(
		cmp.Compare(old.Revision, r.Revision),
		cmp.Compare(r.Finished.UnixMilli(), old.Finished.UnixMilli()),
		bytes.Compare(r.BodyHash[:], old.BodyHash[:]),
		cmp.Compare(r.Node, old.Node),
		cmp.Compare(r.Seq, old.Seq)) < 0
}
