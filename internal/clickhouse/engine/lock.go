package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// lockWait is how long a folder in use is waited for: an engine whose program was
// killed takes a moment to end, and the program may be started again in that moment.
const lockWait = 3 * time.Second

// lock makes this process the only one that uses the folder, until it ends.
func lock(folder string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(folder, "engine.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := wait(f); err != nil {
		defer f.Close()
		return nil, fmt.Errorf("the data folder %s is in use by another engine (process %s); stop that one or choose another folder", folder, owner(f))
	}
	if err := f.Truncate(0); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if _, err := fmt.Fprintln(f, os.Getpid()); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	return f, nil
}

// wait tries for lockWait to get the lock.
func wait(f *os.File) error {
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil || time.Since(begin) > lockWait {
			return err
		}
	}
}

// owner reads the process number that the holder of the lock wrote.
func owner(f *os.File) string {
	b := make([]byte, 20)
	n, _ := f.ReadAt(b, 0)
	if pid := strings.TrimSpace(string(b[:n])); pid != "" {
		return pid
	}
	return "unknown"
}
