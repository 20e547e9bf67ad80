//go:build unix

package main

import (
	"fmt"
	"syscall"

	"github.com/suyang-survey/suyang/internal/server"
)

// diskOf says how full the file system of a folder is, as df counts it: what only the
// administrator may write is neither used nor free.
func diskOf(folder string) (server.Disk, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(folder, &st); err != nil {
		return server.Disk{}, fmt.Errorf("look how full the disk of %s is: %w", folder, err)
	}
	used, free := uint64(st.Blocks)-uint64(st.Bfree), uint64(st.Bavail)
	return server.Disk{Used: float64(used) / float64(max(used+free, 1)), Free: free * uint64(st.Bsize)}, nil
}
