// Package home is the directory that a node keeps its data in: it makes it,
// refuses one that holds something else, locks it, tells it from a copy, and
// makes it durable. What is in it is up to its users.
package home

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// LockName is the file that is locked while a directory is open. It is empty.
const LockName = "LOCK"

// Kind is what a directory is kept for.
type Kind struct {
	Name  string // in errors, as in "store directory"
	Owner string // who uses such a directory, as in "another store uses it"
	Proof string // a file that makes a directory one of this kind, named in errors

	InUse   error // returned where another process, or this one, has it open
	Foreign error // returned where it holds something else

	// Knows tells of a file's name whether the kind may have put it there, and
	// whether it proves that the directory is one of the kind.
	Knows func(name string) (known, proof bool)
}

// Dir is a node's data directory, locked.
type Dir struct {
	FS   vfs.FS
	Path string // absolute on the system's own file system
	lock io.Closer
}

// Open makes the directory at path if need be, and locks it. Nothing is written
// to a directory that holds anything but what k knows, because a mistyped path
// should not fill somebody's home with files. It returns k.InUse or k.Foreign
// in an error that names the directory and says what to do. The Dir must be
// closed.
func Open(path string, files vfs.FS, k Kind) (*Dir, error) {
	if path == "" {
		return nil, fmt.Errorf("no %s directory given", k.Name)
	}
	if files == vfs.Default { // one name for the lock, whatever it is called
		var err error
		if path, err = filepath.Abs(path); err != nil {
			return nil, err
		}
	}
	d := &Dir{FS: files, Path: path}
	if err := files.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("%s directory %q: %w", k.Name, path, err)
	}
	if err := d.check(k); err != nil {
		return nil, err
	}
	return d, d.takeLock(k)
}

// File returns the path of a file in the directory.
func (d *Dir) File(name string) string { return d.FS.PathJoin(d.Path, name) }

// Close releases the lock.
func (d *Dir) Close() error { return d.lock.Close() }

// check refuses a directory that holds something, but nothing that proves what
// it is.
func (d *Dir) check(k Kind) error {
	names, err := d.FS.List(d.Path)
	if err != nil {
		return fmt.Errorf("%s directory %q: %w", k.Name, d.Path, err)
	}
	var foreign string
	for _, name := range names {
		known, proof := k.Knows(name)
		if proof {
			return nil
		}
		if !known && name != LockName && name != "lost+found" {
			foreign = name
		}
	}
	if foreign != "" {
		return fmt.Errorf("%w: %q holds %q but no %s; choose an empty directory, or one that a %s made",
			k.Foreign, d.Path, foreign, k.Proof, k.Owner)
	}
	return nil
}

func (d *Dir) takeLock(k Kind) error {
	lock, err := d.FS.Lock(d.File(LockName))
	if err == nil {
		d.lock = lock
		return nil
	}
	if Locked(err) {
		return fmt.Errorf("%w: another %s uses %q; stop that one or choose another directory (%w)",
			k.InUse, k.Owner, d.Path, err)
	}
	return fmt.Errorf("lock %s directory %q: %w", k.Name, d.Path, err)
}

// Locked tells, of an error of [vfs.FS.Lock], a lock that is held from one that
// cannot be had. The former is a bare errno, or, held by this process, an error
// without a type; an error about the file itself comes with its path.
func Locked(err error) bool {
	var path *fs.PathError
	if errors.As(err, &path) {
		return false
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno == syscall.EAGAIN || errno == syscall.EACCES
	}
	return true
}

// Sync makes the entries of the directory durable.
func (d *Dir) Sync() error { return SyncDir(d.FS, d.Path) }

// SyncAbove makes the directories above durable: any of them may have been made
// just now, and a file whose directory is lost is lost.
func (d *Dir) SyncAbove() error {
	for path := d.Path; ; {
		parent := d.FS.PathDir(path)
		if parent == path || path == "" {
			return nil
		}
		if err := SyncDir(d.FS, parent); err != nil {
			return err
		}
		path = parent
	}
}

// SyncDir makes the entries of a directory durable. It leaves out one that may
// not be read: it is not one that was just made.
func SyncDir(files vfs.FS, path string) error {
	f, err := files.OpenDir(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
