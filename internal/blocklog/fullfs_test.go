package blocklog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck/internal/testdisk"
)

// smallDisk is a file system with room for so many bytes, which are never given
// back. Like a real one it writes what fits before it fails.
type smallDisk struct {
	vfs.FS
	mu   sync.Mutex
	room int
}

func (d *smallDisk) Unwrap() vfs.FS { return d.FS }

func (d *smallDisk) setRoom(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = n
}

// take returns how many of n bytes fit.
func (d *smallDisk) take(n int) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	some := min(n, d.room)
	d.room -= some
	if some < n {
		return some, &os.PathError{Op: "write", Path: "file", Err: syscall.ENOSPC}
	}
	return some, nil
}

func (d *smallDisk) file(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &smallDiskFile{f, d}, nil
}

func (d *smallDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if _, err := d.take(100); err != nil {
		return nil, err
	}
	return d.file(d.FS.Create(name, c))
}

func (d *smallDisk) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.file(d.FS.ReuseForWrite(from, to, c))
}

type smallDiskFile struct {
	vfs.File
	disk *smallDisk
}

func (f *smallDiskFile) Write(p []byte) (int, error) {
	some, full := f.disk.take(len(p))
	n, err := f.File.Write(p[:some])
	return n, errors.Join(err, full)
}

func (f *smallDiskFile) Preallocate(offset, length int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.room == 0 {
		return syscall.ENOSPC
	}
	return nil
}

// fullness records what OnFull was told.
type fullness struct {
	mu   sync.Mutex
	told []bool
}

func (f *fullness) tell(full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, full)
}

func (f *fullness) full() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.told) > 0 && f.told[len(f.told)-1]
}

func (f *fullness) check(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, full := range f.told {
		if full != (i%2 == 0) {
			t.Fatalf("told %v", f.told)
		}
	}
	if len(f.told) == 0 {
		t.Error("nothing was told")
	}
}

// TestDiskFull fills a disk up again and again, in the middle of whatever is
// written: commits wait, reading goes on, and nothing is lost.
func TestDiskFull(t *testing.T) {
	var state fullness
	disk := &smallDisk{FS: vfs.NewMem(), room: 1 << 20}
	o := small(disk)
	o.OnFull = state.tell
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 100)
	disk.setRoom(5000)
	const total = 30_000
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := l.NewBuilder()
		for seq := uint64(100); seq < total; seq += 100 {
			appendRange(t, b, alpha, seq, seq+100)
			commitBuilder(t, l, alpha, b)
		}
	}()
	waits := 0
	for running := true; running; {
		select {
		case <-done:
			running = false
			continue
		case <-time.After(time.Millisecond):
		}
		if !state.full() {
			continue
		}
		waits++
		s, _ := l.State(alpha)
		if got, err := readSeqs(t, l, alpha, s.Next-100, 0); err != nil || len(got) < 100 {
			t.Fatalf("while the disk is full: %v, %v", got, err)
		}
		disk.setRoom(waits * 100_001)
		eventually(t, func() bool { return !state.full() || disk.isFull() }, func() string { return "no progress" })
	}
	if waits < 3 {
		t.Errorf("the disk was full %d times", waits)
	}
	state.check(t)
	wantRange(t, l, alpha, 0, 0, total)
	disk.setRoom(1 << 30)
	closeLog(t, l)
	o.OnFull = nil
	l = openLog(t, "/store", o)
	wantRange(t, l, alpha, 0, 0, total)
	wantSums(t, l, alpha)
	closeLog(t, l)
}

func (d *smallDisk) isFull() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.room == 0
}

// TestCloseWhileFull gives up on a commit that waits for room: nothing of it was
// confirmed, and all that was is there.
func TestCloseWhileFull(t *testing.T) {
	var state fullness
	mem := vfs.NewCrashableMem()
	disk := &smallDisk{FS: mem, room: 1 << 20}
	o := small(disk)
	o.OnFull, o.fullGrace = state.tell, 200*time.Millisecond
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 100)
	disk.setRoom(10)
	committed := make(chan error, 1)
	go func() {
		batch, b := l.NewBatch(), l.NewBuilder()
		appendRange(t, b, alpha, 100, 200)
		committed <- errors.Join(batch.Add(alpha, b), batch.Commit())
	}()
	eventually(t, state.full, func() string { return "not full" })
	wantRange(t, l, alpha, 0, 0, 100)
	select {
	case err := <-committed:
		t.Fatalf("committed on a full disk: %v", err)
	default:
	}
	if err := l.Close(); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "/store") {
		t.Errorf("close: %v", err)
	}
	if err := <-committed; !errors.Is(err, ErrClosed) || !errors.Is(err, ErrFull) {
		t.Errorf("commit: %v", err)
	}
	// The process ends here, and another begins ...
	again := openLog(t, "/store", small(mem.CrashClone(vfs.CrashCloneCfg{})))
	wantRange(t, again, alpha, 0, 0, 100)
	closeLog(t, again)
	// ... or there is room, and what was left behind ends by itself.
	disk.setRoom(1 << 30)
	eventually(t, func() bool { again, err := Open("/store", o); l = again; return err == nil },
		func() string { return "it is still open" })
	s, _ := l.State(alpha)
	wantRange(t, l, alpha, 0, 0, s.Next)
	closeLog(t, l)
}

// TestOpenWhileFull fails in time, and works when there is room.
func TestOpenWhileFull(t *testing.T) {
	disk := &smallDisk{FS: vfs.NewMem(), room: 1 << 20}
	o := small(disk)
	o.fullGrace = 200 * time.Millisecond
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 100)
	closeLog(t, l)
	disk.setRoom(0)
	wantRefused(t, "/store", o, ErrFull, "make room")
	disk.setRoom(1 << 30)
	eventually(t, func() bool { again, err := Open("/store", o); l = again; return err == nil },
		func() string { return "it is still being opened" })
	wantRange(t, l, alpha, 0, 0, 100)
	closeLog(t, l)
}

// TestDiskFullTmpfs fills a real file system of 64 MiB, where the test may mount
// one.
func TestDiskFullTmpfs(t *testing.T) {
	dir := testdisk.Mount(t, 64<<20)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 30<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	var state fullness
	o := small(nil)
	o.OnFull = state.tell
	l := openLog(t, filepath.Join(dir, "store"), o)
	w := startWriter(t, l, fill(10_000))
	eventually(t, state.full, func() string { return "not full" })
	at := w.acknowledged.Load()
	seen := uint64(0)
	if err := l.Read(alpha, 0, 0, func(Record) bool { seen++; return true }); err != nil || seen < at {
		t.Errorf("read %d of %d: %v", seen, at, err)
	}
	close(w.last)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	w.Wait()
	eventually(t, func() bool { return !state.full() }, func() string { return "still full" })
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("went on after %v", took)
	}
	next := w.acknowledged.Load()
	if next <= at {
		t.Errorf("acknowledged up to %d, was %d", next, at)
	}
	state.check(t)
	closeLog(t, l)
	l = openLog(t, filepath.Join(dir, "store"), small(nil))
	if s := stateOf(t, l); s.Next != next || s.Records != next {
		t.Errorf("%+v, acknowledged up to %d", s, next)
	}
	wantSums(t, l, alpha)
	closeLog(t, l)
}

// writer appends to alpha, ten records a commit.
type writer struct {
	sync.WaitGroup
	acknowledged atomic.Uint64 // up to here
	last         chan struct{} // closed: the commit under way is the last one
}

// startWriter has a goroutine append a record again and again.
func startWriter(t *testing.T, l *Log, record []byte) *writer {
	w := &writer{last: make(chan struct{})}
	w.Go(func() {
		for next := uint64(0); ; next += 10 {
			select {
			case <-w.last:
				return
			default:
			}
			batch, b := l.NewBatch(), l.NewBuilder()
			for seq := next; seq < next+10; seq++ {
				if err := b.Append(seq, record, nil); err != nil {
					t.Error(err)
				}
			}
			if err := errors.Join(batch.Add(alpha, b), batch.Commit()); err != nil {
				t.Error(err)
				return
			}
			w.acknowledged.Store(next + 10)
		}
	})
	return w
}

// TestCompactionGivesWay fails what compaction writes, at once, and has it try
// again after a pause.
func TestCompactionGivesWay(t *testing.T) {
	disk := &smallDisk{FS: vfs.NewMem(), room: 150}
	f := newFullFS(Options{FS: disk, OnFull: func(bool) { t.Error("told") }, Logger: quiet})
	f.compactT = 50 * time.Millisecond
	for round := range 3 {
		disk.setRoom(150)
		start := time.Now()
		file, err := f.Create("x", "pebble-compaction")
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < f.compactT*time.Duration(round)*9/10 {
			t.Errorf("round %d began after %v", round, took)
		}
		if n, err := file.Write(make([]byte, 100)); !isFull(err) || n != 50 {
			t.Errorf("wrote %d: %v", n, err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !f.cramped() {
		t.Error("not cramped")
	}
	disk.setRoom(1 << 20)
	file, err := f.Create("x", "pebble-blob-file-rewrite")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil || f.cramped() {
		t.Errorf("%v, cramped %v", err, f.cramped())
	}
	disk.setRoom(0)
	f.compactT = time.Hour
	if _, err := f.Create("x", "pebble-compaction"); !isFull(err) {
		t.Error(err)
	}
	f.close()
	if _, err := f.Create("x", "pebble-compaction"); !isFull(err) {
		t.Error(err)
	}
}

// TestFullFSPassesErrorsOn waits for nothing but room.
func TestFullFSPassesErrorsOn(t *testing.T) {
	other := errors.New("input/output error")
	for _, err := range []error{nil, other, os.ErrNotExist, syscall.EACCES} {
		f := newFullFS(Options{FS: vfs.NewMem(), OnFull: func(bool) { t.Error("told") }, Logger: quiet})
		if got := f.wait("write", "x", func() error { return err }); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
	if !isFull(fmt.Errorf("write x: %w", syscall.EDQUOT)) {
		t.Error("a quota that is used up is not full")
	}
}
