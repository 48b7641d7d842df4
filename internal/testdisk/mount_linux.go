package testdisk

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

func mount(dir string, bytes int) error {
	return unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes))
}

// unmount leaves nothing behind, even where a file is still open: that is an error.
func unmount(dir string) error {
	err := unix.Unmount(dir, 0)
	if err != nil {
		err = errors.Join(fmt.Errorf("unmount %q: %w", dir, err), unix.Unmount(dir, unix.MNT_DETACH))
	}
	return err
}
