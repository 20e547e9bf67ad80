package intake

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// The kinds of records in the log.
const (
	kindAccepted    = 1 // an interview that counts
	kindQuarantined = 2 // a submission that is kept but does not count
	kindRefused     = 3 // a note: the store can never take an accepted interview
	kindPartial     = 4 // an interview that was broken off; it does not answer its case
	kindDismissed   = 8 // a note: somebody left a quarantined submission at that
	kindCorrected   = 9 // a note: another submission stands for a quarantined one
)

// isSubmission says whether records of a kind hold what was submitted; the others are notes
// about it.
func isSubmission(kind uint8) bool { return counts(kind) || kind == kindQuarantined }

// counts says whether records of a kind go to the store.
func counts(kind uint8) bool { return kind == kindAccepted || kind == kindPartial }

// entry is the body of a log record:
//
//	 0 version, u8: 1
//	 1 SHA-256 of the submitted body, 32 bytes
//	33 case key, 16 bytes; zeros for an open link
//	49 length of the reason, u16, little endian
//	51 reason, then the submitted body; in a note, the sequence number it speaks of
type entry struct {
	sum     [32]byte
	caseKey caseKey
	reason  string
	body    []byte
}

const (
	entryVersion = 1
	entryHeader  = 51
	maxReason    = 500
)

// caseKey stands for a sampled case of a wave, so that the index need not hold names.
type caseKey [16]byte

func keyOfCase(wave, name string) caseKey {
	if name == "" {
		return caseKey{}
	}
	sum := sha256.Sum256([]byte(wave + "\x00" + name))
	return caseKey(sum[:16])
}

func (e entry) encode() []byte {
	reason := shorten(e.reason, maxReason)
	b := make([]byte, 0, entryHeader+len(reason)+len(e.body))
	b = append(b, entryVersion)
	b = append(b, e.sum[:]...)
	b = append(b, e.caseKey[:]...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(reason)))
	b = append(b, reason...)
	return append(b, e.body...)
}

// shorten cuts s to at most n bytes without breaking a character.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

var errEntry = errors.New("the log record is not one of the intake")

// decodeEntry reads the body of a log record.
func decodeEntry(r wal.Record) (entry, error) {
	b := r.Body
	if len(b) < entryHeader || b[0] != entryVersion {
		return entry{}, fmt.Errorf("record %d: %w", r.Seq, errEntry)
	}
	n := entryHeader + int(binary.LittleEndian.Uint16(b[49:]))
	if len(b) < n {
		return entry{}, fmt.Errorf("record %d: %w", r.Seq, errEntry)
	}
	return entry{
		sum: [32]byte(b[1:33]), caseKey: caseKey(b[33:49]), reason: string(b[entryHeader:n]), body: b[n:],
	}, nil
}

// parseUUID reads the usual form of a UUID, in small or capital letters.
func parseUUID(s string) (id [16]byte, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, false
	}
	digits := strings.ReplaceAll(s, "-", "")
	if len(digits) != 32 {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(digits))
	return id, err == nil && id != [16]byte{}
}

func formatUUID(id [16]byte) string {
	h := hex.EncodeToString(id[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
