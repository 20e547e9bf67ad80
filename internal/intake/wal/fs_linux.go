package wal

import (
	"errors"
	"os"
	"syscall"
)

// Datasync is fdatasync(2): it also makes a changed size durable.
func (f osFile) Datasync() error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// Allocate is fallocate(2), or a sparse file where the file system has none.
func (f osFile) Allocate(size int64) error {
	for {
		switch err := syscall.Fallocate(int(f.Fd()), 0, 0, size); {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EOPNOTSUPP):
			return f.Truncate(size)
		default:
			return os.NewSyscallError("fallocate", err)
		}
	}
}
