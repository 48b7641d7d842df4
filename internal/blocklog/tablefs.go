package blocklog

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// tableFS writes tables, and the files of large blocks, in pieces that begin and
// end where pages do. Pebble writes each block, then five bytes for its checksum,
// so that nearly every page would be written in two parts: BenchmarkTableFile
// shows what that costs. The write-ahead log is written in pages already.
type tableFS struct{ vfs.FS }

const tableSuffix = ".sst"

// tableWrite is how much is written at once. 256 KiB cost less for the first GiB,
// but from a few GiB on 40 % more than writing block by block, for a record of
// 1 KiB; 64 KiB cost less throughout. It must be less than the 1 MiB that Pebble
// leaves alone when it has what was written before written back.
const tableWrite = 64 << 10

// Create returns a file that keeps up to 64 KiB until it is synced or closed.
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

// Write passes on whole pieces: given more at once than it has room for, the
// bufio.Writer would pass that on as it is. An error is that of this or an earlier
// write, and stays.
func (f *tableFile) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		if f.w.Available() == 0 {
			err = f.w.Flush()
		}
		if err == nil {
			var some int
			some, err = f.w.Write(p[n:min(len(p), n+f.w.Available())])
			n += some
		}
	}
	return n, err
}

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
