//go:build unix

package pdf

import (
	"os/exec"
	"syscall"
)

// killWithChildren makes the end of a context end the browser with all its processes.
func killWithChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
