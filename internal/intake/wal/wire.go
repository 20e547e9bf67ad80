package wal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/suyang-survey/suyang/surveys"
)

// AppendRecord appends a record to buf as it goes from one node to another: with its
// checksum, as on disk, without its place in a batch and outside the chain, which is that of
// one log.
func AppendRecord(buf []byte, r Record) []byte {
	return appendRecord(buf, r, batchPlace{1, 2}, Hash{})
}

// ReadRecords reads the records that AppendRecord wrote. The bodies are parts of buf. Its
// errors wrap surveys.ErrInvalid: a record is damaged or is not whole.
func ReadRecords(buf []byte) (list []Record, err error) {
	for len(buf) > 0 {
		r, err := decodeRecord(buf)
		if errors.Is(err, ErrVersion) {
			return nil, err
		}
		if err != nil || r.size() > len(buf) {
			return nil, fmt.Errorf("read record %d of those that were sent: %w: they were cut or changed on the way", len(list)+1, surveys.ErrInvalid)
		}
		list, buf = append(list, r.Record), buf[r.size():]
	}
	return list, nil
}

// Mark tells a record from all others, whatever their place.
func Mark(r Record) string {
	sum := sha256.Sum256(AppendRecord(nil, r))
	return hex.EncodeToString(sum[:16])
}
