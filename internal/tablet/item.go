package tablet

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// hash is one of the chain of a journal.
type hash [sha256.Size]byte

// firstHash is what the chain of a device begins with.
func firstHash(device string) hash {
	return sha256.Sum256([]byte("suyang journal 1\n" + device))
}

// next is the hash of event n, when h is that of the event before.
func (h hash) next(n uint64, text []byte) hash {
	b := make([]byte, 0, len(h)+8+len(text))
	b = append(b, h[:]...)
	b = binary.BigEndian.AppendUint64(b, n)
	return sha256.Sum256(append(b, text...))
}

// readHash reads 64 hexadecimal digits.
func readHash(text string) (h hash, ok bool) {
	if len(text) != 2*len(h) {
		return h, false
	}
	_, err := hex.Decode(h[:], []byte(text))
	return h, err == nil
}

// The kinds of records in the log, and what their bodies are.
const (
	storedEvent    = 1 // hash of the event before, text
	storedDamaged  = 2 // hash of the event before, hash: the tablet could not read the text
	storedConflict = 3 // hash, another text under a number that has one
	storedLate     = 4 // hash, text of a number that had been passed over
	storedLoose    = 5 // hash, text: which event was before is not known
	storedGivenUp  = 6 // nothing: the office goes on without it
)

// item is an event, or what stands for it.
type item struct {
	n          uint64
	kind       uint8
	prev, hash hash
	text       []byte
}

// record is the item as it is kept.
func (i item) record(device [16]byte) wal.Record {
	r := wal.Record{Kind: i.kind, ID: device, Revision: uint32(i.n)}
	switch i.kind {
	case storedEvent:
		r.Body = append(i.prev[:], i.text...)
	case storedDamaged:
		r.Body = append(i.prev[:], i.hash[:]...)
	case storedGivenUp:
	default:
		r.Body = append(i.hash[:], i.text...)
	}
	return r
}

var errItem = errors.New("the log record is not one of a tablet")

// readItem reads what record wrote.
func readItem(r wal.Record) (item, error) {
	i := item{n: uint64(r.Revision), kind: r.Kind}
	if i.n == 0 || i.kind < storedEvent || i.kind > storedGivenUp || i.kind != storedGivenUp && len(r.Body) < len(hash{}) {
		return i, fmt.Errorf("record %d: %w", r.Seq, errItem)
	}
	if i.kind == storedGivenUp {
		return i, nil
	}
	h, rest := hash(r.Body[:len(hash{})]), r.Body[len(hash{}):]
	switch {
	case i.kind == storedEvent:
		i.prev, i.hash, i.text = h, h.next(i.n, rest), rest
	case i.kind != storedDamaged:
		i.hash, i.text = h, rest
	case len(rest) != len(hash{}):
		return i, fmt.Errorf("record %d: %w", r.Seq, errItem)
	default:
		i.prev, i.hash = h, hash(rest)
	}
	return i, nil
}

// parseUUID reads the usual form of a UUID in small letters.
func parseUUID(s string) (id [16]byte, ok bool) {
	digits := strings.ReplaceAll(s, "-", "")
	if _, err := hex.Decode(id[:], []byte(digits[:min(len(digits), 32)])); err != nil {
		return id, false
	}
	return id, formatUUID(id) == s
}

func formatUUID(id [16]byte) string {
	h := hex.EncodeToString(id[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
