package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	lockName    = "LOCK"
	tempName    = "segment.tmp"
	asidePrefix = "aside-"
)

// home is a journal's directory, locked.
type home struct {
	fs   vfs.FS
	dir  string
	lock io.Closer
}

// openHome makes the directory if need be and locks it. Nothing is written to a
// directory that is no journal.
func openHome(dir string, fs vfs.FS) (*home, error) {
	h := &home{fs: fs, dir: dir}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("journal directory %q: %w", dir, err)
	}
	if err := h.checkJournal(); err != nil {
		return nil, err
	}
	return h, h.takeLock()
}

func (h *home) path(name string) string { return h.fs.PathJoin(h.dir, name) }

// close releases the lock.
func (h *home) close() error { return h.lock.Close() }

// checkJournal refuses a directory that holds anything but a journal, because a
// mistyped path should not fill somebody's home with files.
func (h *home) checkJournal() error {
	names, err := h.fs.List(h.dir)
	if err != nil {
		return fmt.Errorf("journal directory %q: %w", h.dir, err)
	}
	var foreign string
	for _, name := range names {
		if _, ok := segmentNumber(name); ok {
			return nil
		}
		known := name == lockName || name == tempName || name == "lost+found" || strings.HasPrefix(name, asidePrefix)
		if !known {
			foreign = name
		}
	}
	if foreign != "" {
		return fmt.Errorf("%w: %q holds %q but no %s; choose an empty directory, or one that a producer made",
			ErrNotJournal, h.dir, foreign, segmentName(1))
	}
	return nil
}

func (h *home) takeLock() error {
	lock, err := h.fs.Lock(h.path(lockName))
	if err == nil {
		h.lock = lock
		return nil
	}
	if isLocked(err) {
		return fmt.Errorf("%w: another producer uses %q; stop that one or choose another directory (%w)",
			ErrInUse, h.dir, err)
	}
	return fmt.Errorf("lock journal directory %q: %w", h.dir, err)
}

// isLocked tells a lock that is held from one that cannot be had. The former
// is a bare errno, or, held by this process, an error without a type; an error
// about the file itself comes with its path.
func isLocked(err error) bool {
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

// numbers returns the numbers of the segments, ascending.
func (h *home) numbers() ([]uint64, error) {
	names, err := h.fs.List(h.dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, name := range names {
		if n, ok := segmentNumber(name); ok {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// setAside moves the segments of another journal into a directory of their own,
// the last one, which tells whose they are, at the end. Interrupted, it is
// repeated when the journal is opened again.
func (h *home) setAside(uuid string, numbers []uint64) (dir string, err error) {
	dir = h.path(asidePrefix + uuid)
	if err := h.fs.MkdirAll(dir, 0o755); err != nil {
		return dir, err
	}
	for _, n := range numbers {
		name := segmentName(n)
		if err := h.fs.Rename(h.path(name), h.fs.PathJoin(dir, name)); err != nil {
			return dir, err
		}
	}
	return dir, errors.Join(syncDir(h.fs, dir), syncDir(h.fs, h.dir))
}

// syncAbove makes the directories above the journal's durable: any of them may
// have been made just now, and a file whose directory is lost is lost.
func (h *home) syncAbove() error {
	for dir := h.dir; ; {
		parent := h.fs.PathDir(dir)
		if parent == dir || dir == "" {
			return nil
		}
		if err := syncDir(h.fs, parent); err != nil {
			return err
		}
		dir = parent
	}
}

// syncDir leaves out a directory that may not be read: it is not one that was
// just made.
func syncDir(vfs vfs.FS, dir string) error {
	d, err := vfs.OpenDir(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
