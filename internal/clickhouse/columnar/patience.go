package columnar

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// silence is a body that is closed when nothing of it comes for too long: who reads it would
// wait for ever for a ClickHouse that hangs.
type silence struct {
	io.ReadCloser
	patience time.Duration
}

// impatient watches a body.
func impatient(body io.ReadCloser, patience time.Duration) io.ReadCloser {
	if patience == 0 {
		return body
	}
	return &silence{ReadCloser: body, patience: patience}
}

// Read reads, and closes the body when nothing comes. Between two reads, time does not count.
func (s *silence) Read(p []byte) (int, error) {
	var over atomic.Bool
	watch := time.AfterFunc(s.patience, func() {
		over.Store(true)
		s.Close()
	})
	defer watch.Stop()
	n, err := s.ReadCloser.Read(p)
	if err != nil && over.Load() {
		err = fmt.Errorf("nothing came for %v: %w", s.patience, os.ErrDeadlineExceeded)
	}
	return n, err
}

// short is a body of which no more than so many bytes are read.
func short(body io.ReadCloser, most int64) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(body, most), body}
}
