//go:build !linux

package wal

// Datasync is a full sync here.
func (f osFile) Datasync() error { return f.Sync() }

// Allocate makes a sparse file here, so a full disk shows only when it is written.
func (f osFile) Allocate(size int64) error { return f.Truncate(size) }
