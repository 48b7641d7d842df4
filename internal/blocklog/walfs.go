package blocklog

import (
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// walFS lets the write-ahead log be copied while it is written: whoever opens it
// then reads what had been written at that time, and no more. Pebble copies it for
// a checkpoint as it finds it. A copy could have the end of a block from before a
// write and the next block from after it, which looks like damage in the middle
// and not like a log that ends there.
type walFS struct {
	vfs.FS
	mu      sync.Mutex
	written map[string]*walFile // being written
}

const walSuffix = ".log"

func newWALFS(files vfs.FS) *walFS { return &walFS{FS: files, written: map[string]*walFile{}} }

// Create returns a file that counts what is written.
func (w *walFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := w.FS.Create(name, category)
	return w.follow(name, f, err)
}

// ReuseForWrite returns a file that counts what is written over it.
func (w *walFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := w.FS.ReuseForWrite(oldname, newname, category)
	return w.follow(newname, f, err)
}

func (w *walFS) follow(name string, f vfs.File, err error) (vfs.File, error) {
	if err != nil || !strings.HasSuffix(name, walSuffix) {
		return f, err
	}
	file := &walFile{File: f, fs: w, name: name}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.written[name] = file
	return file, nil
}

// Open returns a file that ends where the write-ahead log does now, if it is one.
func (w *walFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := w.FS.Open(name, opts...)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if file := w.written[name]; file != nil {
		return &walCopy{File: f, rest: io.LimitedReader{R: f, N: file.size.Load()}}, nil
	}
	return f, nil
}

// Unwrap returns the file system underneath.
func (w *walFS) Unwrap() vfs.FS { return w.FS }

// walFile is a write-ahead log that is written, from its beginning on.
type walFile struct {
	vfs.File
	fs   *walFS
	name string
	size atomic.Int64 // written
}

// Write counts what is written when all of it is.
func (f *walFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	if err == nil {
		f.size.Add(int64(n))
	}
	return n, err
}

// Close ends the counting: the file is as long as it is.
func (f *walFile) Close() error {
	f.fs.mu.Lock()
	if f.fs.written[f.name] == f {
		delete(f.fs.written, f.name)
	}
	f.fs.mu.Unlock()
	return f.File.Close()
}

// walCopy reads a file up to where it had been written.
type walCopy struct {
	vfs.File
	rest io.LimitedReader
}

// Read reads on.
func (c *walCopy) Read(p []byte) (int, error) { return c.rest.Read(p) }
