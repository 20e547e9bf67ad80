//go:build !linux

package wal_test

import (
	"errors"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal/simdisk"
)

func mount(*simdisk.Disk, string) (func() error, error) {
	return nil, errors.New("no FUSE on this system")
}

// processorTime is not measured here.
func processorTime() time.Duration { return 0 }
