package wal

import (
	"encoding/binary"
	"hash/crc32"
)

// SetVersion gives the record at the beginning of b another version, with the right
// checksum.
func SetVersion(b []byte, version uint8) {
	b[8] = version
	length := binary.LittleEndian.Uint32(b)
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[checkedFrom:checkedFrom+length], castagnoli))
}
