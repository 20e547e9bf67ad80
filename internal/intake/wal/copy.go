package wal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// Copy copies a log into an empty folder, while another process may append to it. The copy is
// the log as it was at one moment during the call: up to one record everything is there, and
// nothing behind it. What damage took from the log is missing in the copy too; what the disk
// does not give is an error.
//
// Files cannot just be copied one after the other. A segment that is read while it is written
// may lack a batch of which the next one is there, and a segment that ends while it is copied
// lacks its last records, though those of the next segment are there.
func Copy(from, to FS) error {
	v, err := Look(from)
	if err != nil {
		return fmt.Errorf("copy the log: %w", err)
	}
	for _, d := range v.unreadable {
		return fmt.Errorf("copy the log: %w", &d)
	}
	if err := v.copySegments(to); err != nil {
		return fmt.Errorf("copy the log: %w", err)
	}
	names, err := from.List()
	if err != nil {
		return fmt.Errorf("copy the log: %w", err)
	}
	for _, name := range names { // after the segments: what is released by now may have been left out
		if _, is := segmentNumber(name); is || name == lockName || strings.HasSuffix(name, ".new") {
			continue
		}
		content, err := ReadFile(from, name)
		if err == nil {
			err = ReplaceFile(to, name, content)
		}
		if err != nil {
			return fmt.Errorf("copy the log: %s: %w", name, err)
		}
	}
	return to.SyncDir()
}

// copySegments copies the segments up to the last one of the view. Those before it change no
// more, so they are copied whole, also what cannot be read in them; of the last one the bytes
// up to its last durable record are.
func (v *View) copySegments(to FS) error {
	if len(v.segs) == 0 {
		return nil
	}
	last := v.segs[len(v.segs)-1]
	names, err := v.folder.List()
	if err != nil {
		return err
	}
	for _, name := range names {
		number, is := segmentNumber(name)
		if !is || number >= last.number {
			continue
		}
		content, err := ReadFile(v.folder, name)
		if errors.Is(err, fs.ErrNotExist) { // released meanwhile; if it was not, the copy shows a gap
			continue
		}
		if err == nil {
			err = writeNew(to, name, content)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	var buf []byte
	s, err := v.scan(last, &buf)
	switch {
	case err != nil:
		return err
	case s.lost != nil:
		return s.lost
	}
	return writeNew(to, s.seg.name(), s.content[:s.seg.end])
}

// writeNew writes a file that is not there yet, and returns when it is durable.
func writeNew(folder FS, name string, content []byte) error {
	f, err := folder.Create(name)
	if err != nil {
		return err
	}
	n, err := f.WriteAt(content, 0)
	if err == nil && n < len(content) {
		err = io.ErrShortWrite
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
