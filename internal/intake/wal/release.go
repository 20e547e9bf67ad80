package wal

import (
	"fmt"
	"hash/crc32"
	"strings"
)

// ledgerFile says up to which record the caller needs the log no more.
const ledgerFile = "released"

// ledger is the content of the ledger file.
type ledger struct {
	// upto is the last record that is released.
	upto uint64
	// removed is the last record of the last segment that went, and where the chain was.
	removed Head
}

// Release is for logs whose records are needed for a time only. The logs of the program are
// kept for ever and are never released: repeats are known by them, receipts are looked up in
// them, and the store is made anew from them.
//
// It allows the log to remove the segments in which every record has
// Seq <= upto; they go once they are older than Config.Keep. The permission is durable
// before the first file goes, so a crash in between leaves nothing that looks like a
// loss.
func (l *Log) Release(upto uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	upto = max(l.released, min(upto, l.next-1))
	n := l.removable(upto)
	if upto == l.released && n == 0 {
		return nil
	}
	removed := l.releasedHead
	if n > 0 {
		removed = l.headBefore(n)
	}
	if err := ReplaceFile(l.folder, ledgerFile, ledger{upto, removed}.line()); err != nil {
		return fmt.Errorf("write which records of the log are released: %w", err)
	}
	l.released, l.releasedHead = upto, removed
	for range n {
		if err := l.folder.Remove(l.segs[0].name()); err != nil {
			return fmt.Errorf("remove a released segment: %w", err)
		}
		l.segs = l.segs[1:]
	}
	return l.folder.SyncDir()
}

// removable returns how many segments of the beginning may go.
func (l *Log) removable(upto uint64) (n int) {
	old := l.cfg.Now().Add(-l.cfg.Keep)
	for _, s := range l.segs {
		if s == l.active || s.next > upto+1 || s.newest.After(old) {
			break
		}
		n++
	}
	return n
}

// headBefore returns the place in the chain before segment n.
func (l *Log) headBefore(n int) Head {
	if n < len(l.segs) {
		return Head{l.segs[n-1].next - 1, l.segs[n].link}
	}
	return Head{l.segs[n-1].next - 1, l.head}
}

// line writes the ledger: its fields and their checksum. The first version had only upto.
func (g ledger) line() []byte {
	s := fmt.Sprintf("%d %s", g.upto, g.removed)
	return fmt.Appendf(nil, "%s %08x\n", s, crc32.Checksum([]byte(s), castagnoli))
}

// readLedger reads the ledger. Without a readable one it is zero: then a released
// beginning is reported as missing, which is loud but safe.
func readLedger(folder FS) ledger {
	content, err := ReadFile(folder, ledgerFile)
	if err != nil {
		return ledger{}
	}
	fields := strings.Fields(string(content))
	if len(fields) < 2 {
		return ledger{}
	}
	s := strings.Join(fields[:len(fields)-1], " ")
	if fmt.Sprintf("%s %08x\n", s, crc32.Checksum([]byte(s), castagnoli)) != string(content) {
		return ledger{}
	}
	var g ledger
	if _, err := fmt.Sscan(fields[0], &g.upto); err != nil {
		return ledger{}
	}
	if len(fields) > 2 {
		g.removed, err = ParseHead(fields[1])
	}
	if err != nil {
		return ledger{}
	}
	return g
}
