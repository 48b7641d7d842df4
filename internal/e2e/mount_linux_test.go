package e2e

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// mountTmpfs mounts an empty file system of so many bytes at dir; it needs the
// right to.
func mountTmpfs(dir string, size int) error {
	return unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size))
}

func unmount(dir string) error { return unix.Unmount(dir, 0) }
