//go:build unix

package journal

import (
	"os"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// whereabouts returns what tells a file from a copy of it. A file system in
// memory has no inodes; everything is zero there.
func whereabouts(fs vfs.FS, dir, file string) (origin, error) {
	d, onDisk, err := inode(fs, dir)
	if err != nil || !onDisk {
		return origin{}, err
	}
	f, _, err := inode(fs, file)
	return origin{host: host(), dir: d, file: f}, err
}

func inode(fs vfs.FS, name string) (number uint64, onDisk bool, err error) {
	info, err := fs.Stat(name)
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
	return name[:min(len(name), 255)]
}
