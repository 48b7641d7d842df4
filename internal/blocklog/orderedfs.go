package blocklog

import (
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck/internal/home"
)

// orderedFS makes sure that a crash cannot leave a marker file of Pebble's
// without the file it points to. Pebble creates the manifest, then the marker
// that names it, removes the old marker, and syncs the directory after all of
// that: right on file systems that keep the order of changes to a directory, as
// those with a journal do, but POSIX does not ask it of them. Markers move a
// few times in a process's life, so two more syncs cost nothing.
type orderedFS struct{ vfs.FS }

const markerPrefix = "marker."

// Create syncs the directory before a marker is created.
func (o orderedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := o.order(name); err != nil {
		return nil, err
	}
	return o.FS.Create(name, category)
}

// Remove syncs the directory before a marker is removed.
func (o orderedFS) Remove(name string) error {
	if err := o.order(name); err != nil {
		return err
	}
	return o.FS.Remove(name)
}

// Unwrap returns the file system underneath.
func (o orderedFS) Unwrap() vfs.FS { return o.FS }

func (o orderedFS) order(name string) error {
	if !strings.HasPrefix(o.PathBase(name), markerPrefix) {
		return nil
	}
	return home.SyncDir(o.FS, o.PathDir(name))
}
