//go:build !unix

package main

import (
	"context"
	"os/exec"
)

// shell returns a command of the shell that ends with ctx.
func shell(ctx context.Context, command string) *exec.Cmd {
	return exec.CommandContext(ctx, "cmd", "/C", command)
}
