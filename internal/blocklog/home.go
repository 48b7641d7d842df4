package blocklog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/beckmesh/beck/protocol"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// format is the version of the directory's layout and of everything in it that
// has no version of its own.
const format = 1

const (
	identityName = "store.json"
	identityTemp = "store.json.tmp"
	lockName     = "LOCK"
	pebbleName   = "log"
)

// identity is the content of store.json.
type identity struct {
	Format int    `json:"format"`
	UUID   string `json:"uuid"`
	origin
}

// origin is where the store's files are, as far as the file system tells. A
// copy or a backup that is opened has another one.
type origin struct {
	Host string `json:"host,omitempty"` // machine-id, or the host's name
	Dir  uint64 `json:"dir,omitempty"`  // inode of the directory
	File uint64 `json:"file,omitempty"` // inode of store.json
}

// home is a store's directory, locked.
type home struct {
	fs   vfs.FS
	dir  string
	lock io.Closer
	identity
	fresh   bool // the UUID was made by this process
	newUUID func() string
}

// openHome makes the directory if need be, locks it and reads or makes the
// identity. Nothing is written to a directory that is no store.
func openHome(dir string, fs vfs.FS, newUUID func() string) (*home, error) {
	h := &home{fs: fs, dir: dir, newUUID: newUUID}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("store directory %q: %w", dir, err)
	}
	if err := h.checkStore(); err != nil {
		return nil, err
	}
	if err := h.takeLock(); err != nil {
		return nil, err
	}
	if err := h.load(); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *home) path(name string) string { return h.fs.PathJoin(h.dir, name) }

// close releases the lock.
func (h *home) close() error { return h.lock.Close() }

// checkStore refuses a directory that holds anything but a store, because a
// mistyped path should not fill somebody's home with files.
func (h *home) checkStore() error {
	names, err := h.fs.List(h.dir)
	if err != nil {
		return fmt.Errorf("store directory %q: %w", h.dir, err)
	}
	var foreign string
	for _, name := range names {
		switch name {
		case identityName:
			return nil
		case lockName, identityTemp, "lost+found":
		default:
			foreign = name
		}
	}
	if foreign != "" {
		return fmt.Errorf("%w: %q holds %q but no %s; choose an empty directory, or one that a store made",
			ErrNotStore, h.dir, foreign, identityName)
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
		return fmt.Errorf("%w: another store uses %q; stop that one or choose another directory (%w)",
			ErrInUse, h.dir, err)
	}
	return fmt.Errorf("lock store directory %q: %w", h.dir, err)
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

// load reads the identity, and makes one for a new or a copied directory.
func (h *home) load() error {
	raw, err := readFile(h.fs, h.path(identityName))
	if errors.Is(err, fs.ErrNotExist) {
		return h.renew()
	}
	if err != nil {
		return fmt.Errorf("store identity: %w", err)
	}
	if err := json.Unmarshal(raw, &h.identity); err != nil {
		return fmt.Errorf("store identity %q is damaged: %w", h.path(identityName), err)
	}
	if h.Format > format {
		return newerFormat(h.dir, h.Format)
	}
	if err := protocol.ValidAddress(h.UUID); err != nil {
		return fmt.Errorf("store identity %q is damaged: uuid: %w", h.path(identityName), err)
	}
	here, err := h.origin()
	if err != nil {
		return fmt.Errorf("store identity: %w", err)
	}
	if here != h.identity.origin {
		return h.renew()
	}
	return nil
}

func newerFormat(dir string, found int) error {
	return fmt.Errorf("%w: store directory %q has format %d, this version reads up to %d; use a newer beck",
		ErrFormat, dir, found, format)
}

// renew makes a new UUID and writes the identity durably. The file that is
// renamed keeps its inode, so that the inode can be written into it.
func (h *home) renew() error {
	h.identity = identity{Format: format, UUID: h.newUUID()}
	h.fresh = true
	if err := h.writeIdentity(); err != nil {
		return fmt.Errorf("write store identity: %w", err)
	}
	return nil
}

func (h *home) writeIdentity() error {
	temp := h.path(identityTemp)
	f, err := h.fs.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	h.identity.origin, err = whereabouts(h.fs, h.dir, temp)
	if err == nil {
		err = writeJSON(f, h.identity)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := h.fs.Rename(temp, h.path(identityName)); err != nil {
		return err
	}
	return syncDirs(h.fs, h.dir)
}

// origin returns where the files are now.
func (h *home) origin() (origin, error) {
	return whereabouts(h.fs, h.dir, h.path(identityName))
}

func writeJSON(f vfs.File, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if _, err := f.Write(append(raw, '\n')); err != nil {
		return err
	}
	return f.Sync()
}

func readFile(fs vfs.FS, name string) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(f)
	return raw, errors.Join(err, f.Close())
}

// syncDirs makes dir and the directories above it durable: any of them may
// have been made just now, and a file whose directory is lost is lost.
func syncDirs(vfs vfs.FS, dir string) error {
	for {
		if err := syncDir(vfs, dir); err != nil {
			return err
		}
		parent := vfs.PathDir(dir)
		if parent == dir || dir == "" {
			return nil
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
