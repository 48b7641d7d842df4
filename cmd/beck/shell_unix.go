//go:build unix

package main

import (
	"context"
	"os/exec"
	"syscall"
)

// shell returns a command of the shell that ends with ctx, together with all that
// it starts. A Ctrl-C at our terminal does not reach it.
func shell(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}
