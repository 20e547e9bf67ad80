package wal

import (
	"fmt"
	"hash/crc32"
)

// ledgerFile says up to which record the caller needs the log no more.
const ledgerFile = "released"

// Release allows the log to remove the segments in which every record has
// Seq <= upto. The permission is durable before the first file goes, so a crash in
// between leaves nothing that looks like a loss.
func (l *Log) Release(upto uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	upto = min(upto, l.next-1)
	if upto <= l.released {
		return nil
	}
	if err := ReplaceFile(l.folder, ledgerFile, ledgerLine(upto)); err != nil {
		return fmt.Errorf("write which records of the log are released: %w", err)
	}
	l.released = upto
	for len(l.segs) > 0 && l.segs[0] != l.active && l.segs[0].next <= upto+1 {
		if err := l.folder.Remove(l.segs[0].name()); err != nil {
			return fmt.Errorf("remove a released segment: %w", err)
		}
		l.segs = l.segs[1:]
	}
	return l.folder.SyncDir()
}

func ledgerLine(upto uint64) []byte {
	n := fmt.Sprintf("%d", upto)
	return fmt.Appendf(nil, "%s %08x\n", n, crc32.Checksum([]byte(n), castagnoli))
}

// readLedger returns the released sequence number. Without a readable ledger it is
// 0: then a released beginning is reported as missing, which is loud but safe.
func readLedger(folder FS) uint64 {
	content, err := ReadFile(folder, ledgerFile)
	if err != nil {
		return 0
	}
	var upto uint64
	if _, err := fmt.Sscanf(string(content), "%d", &upto); err != nil || string(ledgerLine(upto)) != string(content) {
		return 0
	}
	return upto
}
