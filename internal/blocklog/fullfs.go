package blocklog

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// fullPoll is how often a write that found the disk full is tried again.
	fullPoll = 100 * time.Millisecond
	// Compaction that found the disk full begins again after so long, each time
	// twice as long up to the limit.
	compactFirst = time.Second
	compactLast  = 4 * time.Second
	// fullGrace is how long opening and closing wait for room on the disk.
	fullGrace = 5 * time.Second
)

// fullFS makes what takes space wait while the disk is full, so that Pebble,
// which would give up, never hears of it. Reading, syncing and removing go on.
// An operation that waits ends when there is room, never before: for Pebble an
// error here would be the end of the process. Whoever cannot wait that long
// leaves it behind (see [Log.Close]).
//
// The exception is compaction. It can do without, and while it waited it would
// keep the last of the room for output that is of no use yet, which commits could
// have had. So it fails at once, which Pebble expects of it and removes that
// output, and begins again after a while. So does a checkpoint, which is not begun
// again.
type fullFS struct {
	vfs.FS
	report func(full bool) // called one at a time
	log    *slog.Logger
	grace  time.Duration
	// optional is a directory that nothing depends on: what is written there fails
	// at once if the disk is full.
	optional string

	mu      sync.Mutex
	waiting int
	since   time.Time // when the first of them began to wait
	// compactions that find the disk full begin again after pause, at resume.
	pause    time.Duration
	resume   time.Time
	closing  chan struct{} // closed by close
	compactT time.Duration // the first pause
}

func newFullFS(o Options) *fullFS {
	return &fullFS{FS: o.FS, report: o.OnFull, log: o.Logger, grace: o.fullGrace,
		closing: make(chan struct{}), compactT: compactFirst}
}

// isFull tells a disk, or a quota, that is used up from other errors.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// wait calls try until it fails for another reason than a full disk, or not.
func (f *fullFS) wait(op, name string, try func() error) error {
	err := try()
	if !isFull(err) || f.optional != "" && strings.HasPrefix(name, f.optional) {
		return err
	}
	f.begin(op, name, err)
	defer f.end()
	tick := time.NewTicker(fullPoll)
	defer tick.Stop()
	for isFull(err) {
		<-tick.C
		err = try()
	}
	return err
}

func (f *fullFS) begin(op, name string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waiting++; f.waiting == 1 {
		f.since = time.Now()
		f.log.Error("the disk is full: nothing is committed until there is room; reading goes on",
			"op", op, "file", name, "error", err)
		f.report(true)
	}
}

func (f *fullFS) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		f.log.Info("there is room on the disk again", "after", time.Since(f.since))
		f.report(false)
	}
}

// fullFor returns how long something has been waiting, 0 if nothing is.
func (f *fullFS) fullFor() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waiting == 0 {
		return 0
	}
	return max(time.Since(f.since), 1)
}

// cramped says whether compaction cannot go on.
func (f *fullFS) cramped() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pause > 0
}

// orGiveUp returns what done brings, or false once the disk was full for
// some seconds meanwhile.
func (f *fullFS) orGiveUp(done <-chan error) (err error, ok bool) {
	tick := time.NewTicker(fullPoll)
	defer tick.Stop()
	start := time.Now()
	for {
		select {
		case err := <-done:
			return err, true
		case <-tick.C:
			// Without compaction commits come to wait for it in the end.
			since := time.Since(start)
			if since >= f.grace && (f.fullFor() >= f.grace || f.cramped()) {
				return nil, false
			}
		}
	}
}

// Unwrap returns the file system underneath.
func (f *fullFS) Unwrap() vfs.FS { return f.FS }

// close lets compactions that pause fail instead: they are not waited for.
func (f *fullFS) close() { close(f.closing) }

// isCompaction tells what is written by compaction by Pebble's names for it.
func isCompaction(c vfs.DiskWriteCategory) bool {
	return c == "pebble-compaction" || c == "pebble-blob-file-rewrite"
}

// compact makes a file for compaction, after the pause since the last one failed.
func (f *fullFS) compact(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f.mu.Lock()
	pause := time.Until(f.resume)
	f.mu.Unlock()
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-f.closing:
			time.Sleep(fullPoll) // Pebble tries again at once until it is closed too
			return nil, &os.PathError{Op: "create", Path: name, Err: syscall.ENOSPC}
		}
	}
	file, err := f.FS.Create(name, category)
	f.compacted(err)
	if err != nil {
		return nil, err
	}
	return &compactFile{File: file, fs: f}, nil
}

// compacted notes how writing for compaction went.
func (f *fullFS) compacted(err error) {
	if !isFull(err) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pause = min(max(2*f.pause, f.compactT), compactLast)
	f.resume = time.Now().Add(f.pause)
	f.log.Warn("the disk is too full for compaction", "again", f.pause, "error", err)
}

// compactFile is a file that compaction writes.
type compactFile struct {
	vfs.File
	fs *fullFS
}

// Write fails if the disk is full.
func (f *compactFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.fs.compacted(err)
	return n, err
}

// Sync ends the pauses.
func (f *compactFile) Sync() error {
	err := f.File.Sync()
	f.fs.compacted(err)
	if err == nil {
		f.fs.mu.Lock()
		defer f.fs.mu.Unlock()
		f.fs.pause = 0
	}
	return err
}

// Create waits for room.
func (f *fullFS) Create(name string, category vfs.DiskWriteCategory) (file vfs.File, err error) {
	if isCompaction(category) {
		return f.compact(name, category)
	}
	err = f.wait("create", name, func() (err error) {
		file, err = f.FS.Create(name, category)
		return err
	})
	return f.wrap(name, file, err)
}

// OpenReadWrite waits for room, because it may create the file.
func (f *fullFS) OpenReadWrite(name string, category vfs.DiskWriteCategory,
	opts ...vfs.OpenOption) (file vfs.File, err error) {
	err = f.wait("open", name, func() (err error) {
		file, err = f.FS.OpenReadWrite(name, category, opts...)
		return err
	})
	return f.wrap(name, file, err)
}

// ReuseForWrite waits for room: a new name may need some.
func (f *fullFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (file vfs.File, err error) {
	err = f.wait("reuse", newname, func() (err error) {
		file, err = f.FS.ReuseForWrite(oldname, newname, category)
		return err
	})
	return f.wrap(newname, file, err)
}

// MkdirAll waits for room.
func (f *fullFS) MkdirAll(dir string, perm os.FileMode) error {
	return f.wait("make directory", dir, func() error { return f.FS.MkdirAll(dir, perm) })
}

// Link waits for room.
func (f *fullFS) Link(oldname, newname string) error {
	return f.wait("link", newname, func() error { return f.FS.Link(oldname, newname) })
}

// Rename waits for room.
func (f *fullFS) Rename(oldname, newname string) error {
	return f.wait("rename", newname, func() error { return f.FS.Rename(oldname, newname) })
}

func (f *fullFS) wrap(name string, file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &fullFile{File: file, fs: f, name: name}, nil
}

// fullFile is a file whose writes wait for room.
type fullFile struct {
	vfs.File
	fs   *fullFS
	name string
}

// Write goes on where the disk became full.
func (f *fullFile) Write(p []byte) (n int, err error) {
	err = f.fs.wait("write", f.name, func() error {
		some, err := f.File.Write(p[n:])
		n += some
		return err
	})
	return n, err
}

// WriteAt goes on where the disk became full.
func (f *fullFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.fs.wait("write", f.name, func() error {
		some, err := f.File.WriteAt(p[n:], off+int64(n))
		n += some
		return err
	})
	return n, err
}

// Preallocate does without if there is too little room: it asks for much more
// than may ever be written, 70 MB by default.
func (f *fullFile) Preallocate(offset, length int64) error {
	if err := f.File.Preallocate(offset, length); !isFull(err) {
		return err
	}
	return nil
}
