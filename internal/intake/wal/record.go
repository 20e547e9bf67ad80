package wal

import (
	"crypto/sha256"
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
//	10 flags, u8: 1 when a link follows the submission ID
//	11 zero
//	12 node, u16
//	14 index in its batch, u16
//	16 size of its batch, u16
//	18 zero, u16
//	20 revision, u32
//	24 sequence number, u64
//	32 received, nanoseconds since 1970, i64
//	40 submission ID, 16 bytes
//	56 link, 32 bytes, in the first record of a batch only: the hash of the batch
//	   before (see Hash)
//	   body
const (
	recordVersion = 1
	recordHeader  = 56
	linkSize      = sha256.Size
	flagLinked    = 1
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

// sizeOf returns how many bytes a record with this body takes on disk, without a link.
func sizeOf(body int) int { return pad(recordHeader + body) }

func pad(n int) int { return (n + 7) &^ 7 }

// batchPlace is where a record stands in the batch that was synced at once.
type batchPlace struct{ index, count int }

// stored is a record as it is on disk.
type stored struct {
	Record
	batchPlace
	// link is the hash of the batch before, if the record is linked.
	link   Hash
	linked bool
	// length is its bytes on disk without the zeros that pad it.
	length int
}

// size returns how far the next record is.
func (r *stored) size() int { return pad(r.length) }

// batchFrom returns the sequence number with which the batch began.
func (r *stored) batchFrom() uint64 { return r.Seq - min(r.Seq, uint64(r.index)) }

// appendRecord appends the disk form of r to buf, with a link if it begins a batch.
func appendRecord(buf []byte, r Record, at batchPlace, link Hash) []byte {
	start := len(buf)
	le := binary.LittleEndian
	buf = le.AppendUint32(buf, 0)
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
	if at.index == 0 {
		buf[start+10] = flagLinked
		buf = append(buf, link[:]...)
	}
	buf = append(buf, r.Body...)
	le.PutUint32(buf[start:], uint32(len(buf)-start-checkedFrom))
	le.PutUint32(buf[start+4:], crc32.Checksum(buf[start+checkedFrom:], castagnoli))
	for (len(buf)-start)%8 != 0 {
		buf = append(buf, 0)
	}
	return buf
}

// decodeRecord reads the record at the beginning of buf. The body is a part of buf.
func decodeRecord(buf []byte) (r stored, err error) {
	if len(buf) < recordHeader {
		return r, errShort
	}
	le := binary.LittleEndian
	length := int(le.Uint32(buf))
	if length < recordHeader-checkedFrom || length > recordHeader-checkedFrom+linkSize+MaxBody {
		return r, errNoRecord
	}
	if len(buf) < checkedFrom+length {
		return r, errShort
	}
	checked := buf[checkedFrom : checkedFrom+length]
	if crc32.Checksum(checked, castagnoli) != le.Uint32(buf[4:]) {
		return r, errNoRecord
	}
	if buf[8] != recordVersion || buf[10]&^flagLinked != 0 {
		return r, fmt.Errorf("record version %d, flags %d: %w", buf[8], buf[10], ErrVersion)
	}
	body := recordHeader
	if r.linked = buf[10] == flagLinked; r.linked {
		if body += linkSize; length < body-checkedFrom {
			return r, errNoRecord
		}
		r.link = Hash(buf[recordHeader:body])
	}
	r.Record = Record{
		Kind:     buf[9],
		Node:     le.Uint16(buf[12:]),
		Revision: le.Uint32(buf[20:]),
		Seq:      le.Uint64(buf[24:]),
		Received: time.Unix(0, int64(le.Uint64(buf[32:]))).UTC(),
		ID:       [16]byte(buf[40:56]),
		Body:     buf[body : checkedFrom+length],
	}
	r.batchPlace = batchPlace{index: int(le.Uint16(buf[14:])), count: int(le.Uint16(buf[16:]))}
	r.length = checkedFrom + length
	return r, nil
}
