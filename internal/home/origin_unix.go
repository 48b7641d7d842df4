//go:build unix

package home

import (
	"os"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func whereabouts(files vfs.FS, dir, file string) (Origin, error) {
	d, onDisk, err := inode(files, dir)
	if err != nil || !onDisk {
		return Origin{}, err
	}
	f, _, err := inode(files, file)
	return Origin{Host: host(), Dir: d, File: f}, err
}

func inode(files vfs.FS, name string) (number uint64, onDisk bool, err error) {
	info, err := files.Stat(name)
	if err != nil {
		return 0, false, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false, nil
	}
	return uint64(stat.Ino), true, nil
}

// host returns the machine-id, which a change of the host's name leaves alone,
// or the name where there is none.
func host() string {
	name, _ := os.Hostname() // none is as good as any other constant
	if id, err := os.ReadFile("/etc/machine-id"); err == nil {
		if s := strings.TrimSpace(string(id)); s != "" {
			name = s
		}
	}
	return name[:min(len(name), maxHost)]
}
