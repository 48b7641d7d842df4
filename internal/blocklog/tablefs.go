package blocklog

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// tableFS writes tables, and the files of large blocks, in large pieces that
// begin and end where pages do. Pebble writes each block, then five bytes for its
// checksum, so that nearly every page would be written in two parts, and a file
// grown for each: BenchmarkTableFile takes half the processor time this way. The
// write-ahead log is written in pages already.
type tableFS struct{ vfs.FS }

const tableSuffix = ".sst"

// tableWrite is how much is written at once. Pebble has what it wrote 1 MiB ago
// written back, which must have been passed on by then.
const tableWrite = 256 << 10

// Create returns a file that keeps up to 256 KiB until it is synced or closed.
func (t tableFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := t.FS.Create(name, category)
	if err != nil || !strings.HasSuffix(name, tableSuffix) && !strings.HasSuffix(name, blobSuffix) {
		return f, err
	}
	w := tableWriters.Get().(*bufio.Writer)
	w.Reset(f)
	return &tableFile{File: f, w: w}, nil
}

// Unwrap returns the file system underneath.
func (t tableFS) Unwrap() vfs.FS { return t.FS }

// tableWriters are those that no file uses.
var tableWriters = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, tableWrite) }}

// tableFile is a file that is written from its beginning to its end, once. It is
// read only after that.
type tableFile struct {
	vfs.File
	w *bufio.Writer
}

// Write passes on what makes a large piece. An error is that of this or an earlier
// write, and stays.
func (f *tableFile) Write(p []byte) (int, error) { return f.w.Write(p) }

// Sync writes the rest.
func (f *tableFile) Sync() error { return errors.Join(f.w.Flush(), f.File.Sync()) }

// SyncData writes the rest.
func (f *tableFile) SyncData() error { return errors.Join(f.w.Flush(), f.File.SyncData()) }

// Close writes the rest; what is not finished is not synced before.
func (f *tableFile) Close() error {
	err := errors.Join(f.w.Flush(), f.File.Close())
	f.w.Reset(io.Discard) // it must not keep the file
	tableWriters.Put(f.w)
	return err
}
