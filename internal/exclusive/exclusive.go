// Package exclusive keeps commands and servers that change the same files out of each other's
// way: by a lock, so that they do not do so at the same time, and by a number of its own for each
// thing that is made. The lock is one of the file system: it ends with the process, so a crash
// leaves nobody locked out.
package exclusive

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// wait is how long somebody who has the lock is waited for: as long as writing a small file
// takes, not as long as making a report.
const wait = 2 * time.Second

// Lock keeps everybody else out until unlock, by the file of a path, which is made when it is
// not there. What is said of what it guards is the beginning of the error, surveys.ErrConflict,
// that somebody else has it.
func Lock(path, what string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(wait); ; time.Sleep(10 * time.Millisecond) {
		if err = lockFile(f); err == nil {
			return func() { f.Close() }, nil
		}
		if time.Now().After(end) {
			return nil, errors.Join(fmt.Errorf("%s being changed by another command; try again when it has ended: %w", what, surveys.ErrConflict), f.Close())
		}
	}
}
