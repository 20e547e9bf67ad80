package wal

import (
	"encoding/binary"
	"hash/crc32"
)

// SetVersion gives the record at the beginning of b another version, with the right
// checksum.
func SetVersion(b []byte, version uint8) {
	b[8] = version
	sumAnew(b)
}

// ChangeLastByte changes the body of the record at the beginning of b, with the right
// checksum.
func ChangeLastByte(b []byte) {
	b[checkedFrom+binary.LittleEndian.Uint32(b)-1] ^= 1
	sumAnew(b)
}

func sumAnew(b []byte) {
	length := binary.LittleEndian.Uint32(b)
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[checkedFrom:checkedFrom+length], castagnoli))
}

// RecordSize returns how far the record after the one at the beginning of b is.
func RecordSize(b []byte) int { return pad(checkedFrom + int(binary.LittleEndian.Uint32(b))) }

// Place is where a record lies.
type Place struct {
	Segment    string
	Begin, End int64
}

// Places returns where the records of a log lie, by sequence number.
func Places(folder FS) (map[uint64]Place, error) {
	v, err := Look(folder)
	if err != nil {
		return nil, err
	}
	places := map[uint64]Place{}
	for s, err := range v.scans {
		if err != nil {
			return nil, err
		}
		for it := range s.items {
			if it.damage == nil {
				places[it.Seq] = Place{s.seg.name(), it.off, it.off + int64(it.length)}
			}
		}
	}
	return places, nil
}
