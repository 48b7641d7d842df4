// Package positions keeps the positions of a consumer in a file.
//
//	+-------------------+-------------+------------------------------------+
//	| "beckpos" 01 (8)  | CRC32C (4)  | protocol.Positions, all of them    |
//	+-------------------+-------------+------------------------------------+
//	 format               of what follows
//
// The file is replaced whole: written beside, synced, renamed, its directory
// synced. A lock beside it keeps it to one process.
package positions

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck/internal/home"
	"github.com/beckmesh/beck/protocol"
)

// What Open may find. The texts of the errors that wrap these name the file.
var (
	// ErrInUse: another process has it open.
	ErrInUse = errors.New("positions: file is in use")
	// ErrName: it holds the positions of another name.
	ErrName = errors.New("positions: file belongs to another name")
	// ErrDamaged: it is not what was written, or was never such a file.
	ErrDamaged = errors.New("positions: not a file of saved positions, or damaged")
	// ErrFormat: a newer version wrote it.
	ErrFormat = errors.New("positions: newer format")
)

const (
	mark       = "beckpos"
	format     = 1
	headBytes  = len(mark) + 1 + 4
	lockSuffix = ".lock"
	tempSuffix = ".tmp"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// FS is a file system.
type FS = vfs.FS

// File is an open file of positions. Its methods are for one goroutine.
type File struct {
	fs   vfs.FS
	path string
	name string
	lock io.Closer
}

// Open locks the file of a name and returns what it holds: nothing where there
// is no file yet. fs nil is the operating system's. The errors above are refusals
// that leave everything as it is.
func Open(path, name string, fs FS) (*File, []protocol.Position, error) {
	if fs == nil {
		fs = vfs.Default
	}
	f := &File{fs: fs, path: path, name: name}
	if err := f.takeLock(); err != nil {
		return nil, nil, err
	}
	at, err := f.read()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, at, nil
}

func (f *File) takeLock() (err error) {
	if f.lock, err = f.fs.Lock(f.path + lockSuffix); err == nil {
		return nil
	}
	if home.Locked(err) {
		return fmt.Errorf("%w: %q (%w)", ErrInUse, f.path, err)
	}
	return fmt.Errorf("lock %q: %w", f.path+lockSuffix, err)
}

func (f *File) read() ([]protocol.Position, error) {
	file, err := f.fs.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read positions: %w", err)
	}
	defer file.Close()
	b, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("read positions: %q: %w", f.path, err)
	}
	return f.parse(b)
}

func (f *File) parse(b []byte) ([]protocol.Position, error) {
	if len(b) < headBytes || string(b[:len(mark)]) != mark || b[len(mark)] == 0 {
		return nil, fmt.Errorf("%w: %q", ErrDamaged, f.path)
	}
	if v := b[len(mark)]; v > format {
		return nil, fmt.Errorf("%w: %q has format %d, this version reads %d", ErrFormat, f.path, v, format)
	}
	body := b[headBytes:]
	if binary.BigEndian.Uint32(b[len(mark)+1:]) != crc32.Checksum(body, castagnoli) {
		return nil, fmt.Errorf("%w: %q", ErrDamaged, f.path)
	}
	p, err := protocol.ParsePositions(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrDamaged, f.path, err)
	}
	if p.Name != f.name {
		return nil, fmt.Errorf("%w: %q holds those of %q, not of %q", ErrName, f.path, p.Name, f.name)
	}
	return p.At, nil
}

// Save replaces what the file holds. When it returns without an error that is on
// disk; after an error, it is one or the other.
func (f *File) Save(at []protocol.Position) error {
	p := protocol.Positions{Name: f.name, Full: true, At: at}
	b := append(append([]byte(mark), format), 0, 0, 0, 0)
	b = p.Append(b)
	binary.BigEndian.PutUint32(b[len(mark)+1:], crc32.Checksum(b[headBytes:], castagnoli))
	if err := f.write(f.path+tempSuffix, b); err != nil {
		return fmt.Errorf("save positions: %w", err)
	}
	if err := f.fs.Rename(f.path+tempSuffix, f.path); err != nil {
		return fmt.Errorf("save positions: %w", err)
	}
	if err := f.syncDir(); err != nil {
		return fmt.Errorf("save positions: %w", err)
	}
	return nil
}

func (f *File) write(path string, b []byte) error {
	file, err := f.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func (f *File) syncDir() error {
	dir := f.fs.PathDir(f.path)
	if dir == "" {
		dir = "."
	}
	d, err := f.fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close gives the lock back. It may be called again.
func (f *File) Close() error {
	lock := f.lock
	if f.lock = nil; lock == nil {
		return nil
	}
	return lock.Close()
}
