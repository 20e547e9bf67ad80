package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// Record is one entry of the log.
type Record struct {
	// Seq is assigned by Append: consecutive, beginning at 1.
	Seq uint64
	// Kind is the caller's; the log does not look at it.
	Kind     uint8
	Node     uint16
	Received time.Time
	// ID and Revision identify the submission.
	ID       [16]byte
	Revision uint32
	Body     []byte
}

// On disk a record is, little endian and padded with zeros to a multiple of 8:
//
//	 0 length of all that follows the checksum, u32
//	 4 CRC-32C of all that follows, u32
//	 8 version, u8: 1
//	 9 kind, u8
//	10 flags, u8: none yet
//	11 zero
//	12 node, u16
//	14 index in its batch, u16
//	16 size of its batch, u16
//	18 zero, u16
//	20 revision, u32
//	24 sequence number, u64
//	32 received, nanoseconds since 1970, i64
//	40 submission ID, 16 bytes
//	56 body
const (
	recordVersion = 1
	recordHeader  = 56
	checkedFrom   = 8
	// MaxBody is the largest body of a record.
	MaxBody = 4 << 20
)

// ErrVersion says that a log was written by a later version of the program.
var ErrVersion = errors.New("written by a later version of suyang")

// errNoRecord says that there is no intact record at a place; errShort that it may
// go on beyond the bytes given.
var (
	errNoRecord = errors.New("no intact record")
	errShort    = errors.New("the record goes on")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sizeOf returns how many bytes a record with this body takes on disk.
func sizeOf(body int) int { return pad(recordHeader + body) }

func pad(n int) int { return (n + 7) &^ 7 }

// batchPlace is where a record stands in the batch that was synced at once.
type batchPlace struct{ index, count int }

// appendRecord appends the disk form of r to buf.
func appendRecord(buf []byte, r Record, at batchPlace) []byte {
	start := len(buf)
	le := binary.LittleEndian
	buf = le.AppendUint32(buf, uint32(recordHeader-checkedFrom+len(r.Body)))
	buf = le.AppendUint32(buf, 0)
	buf = append(buf, recordVersion, r.Kind, 0, 0)
	buf = le.AppendUint16(buf, r.Node)
	buf = le.AppendUint16(buf, uint16(at.index))
	buf = le.AppendUint16(buf, uint16(at.count))
	buf = le.AppendUint16(buf, 0)
	buf = le.AppendUint32(buf, r.Revision)
	buf = le.AppendUint64(buf, r.Seq)
	buf = le.AppendUint64(buf, uint64(r.Received.UnixNano()))
	buf = append(buf, r.ID[:]...)
	buf = append(buf, r.Body...)
	le.PutUint32(buf[start+4:], crc32.Checksum(buf[start+checkedFrom:], castagnoli))
	for (len(buf)-start)%8 != 0 {
		buf = append(buf, 0)
	}
	return buf
}

// decodeRecord reads the record at the beginning of buf and returns its padded
// size. The body is a part of buf.
func decodeRecord(buf []byte) (r Record, at batchPlace, size int, err error) {
	if len(buf) < recordHeader {
		return r, at, 0, errShort
	}
	le := binary.LittleEndian
	length := int(le.Uint32(buf))
	if length < recordHeader-checkedFrom || length > recordHeader-checkedFrom+MaxBody {
		return r, at, 0, errNoRecord
	}
	if len(buf) < checkedFrom+length {
		return r, at, 0, errShort
	}
	checked := buf[checkedFrom : checkedFrom+length]
	if crc32.Checksum(checked, castagnoli) != le.Uint32(buf[4:]) {
		return r, at, 0, errNoRecord
	}
	if buf[8] != recordVersion || buf[10] != 0 {
		return r, at, 0, fmt.Errorf("record version %d, flags %d: %w", buf[8], buf[10], ErrVersion)
	}
	r = Record{
		Kind:     buf[9],
		Node:     le.Uint16(buf[12:]),
		Revision: le.Uint32(buf[20:]),
		Seq:      le.Uint64(buf[24:]),
		Received: time.Unix(0, int64(le.Uint64(buf[32:]))).UTC(),
		ID:       [16]byte(buf[40:56]),
		Body:     buf[recordHeader : checkedFrom+length],
	}
	at = batchPlace{index: int(le.Uint16(buf[14:])), count: int(le.Uint16(buf[16:]))}
	return r, at, pad(checkedFrom + length), nil
}
