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
