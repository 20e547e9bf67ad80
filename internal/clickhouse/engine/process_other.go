//go:build unix && !linux

package engine

import "syscall"

// attributes keep the terminal's Ctrl-C away from the child, so that the parent
// can end it after its last insert. The end of its stdin tells it when the parent
// is gone.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
