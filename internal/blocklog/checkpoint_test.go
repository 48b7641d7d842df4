package blocklog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck/internal/home"
	"github.com/beckmesh/beck/internal/testdisk"
)

func checkpointOf(t fataler, l *Log) *Checkpoint {
	t.Helper()
	c, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantNoCheckpoints: nothing is left of them in a store's directory.
func wantNoCheckpoints(t *testing.T, dir string) {
	t.Helper()
	if names, _ := filepath.Glob(filepath.Join(dir, checkpointsName, "*")); len(names) > 0 {
		t.Errorf("left over: %v", names)
	}
}

// TestCheckpointWhileCommitting: a checkpoint has all that was committed before it,
// is sound and can be backed up, while commits go on.
func TestCheckpointWhileCommitting(t *testing.T) {
	dir := t.TempDir()
	store, o := filepath.Join(dir, "s"), small(nil)
	l := openLog(t, store, o)
	var committed atomic.Uint64
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for next := uint64(0); ; next += 100 {
			select {
			case <-quit:
				return
			default:
				commitRange(t, l, alpha, next, next+100)
				committed.Store(next + 100)
			}
		}
	}()
	for i := range 8 {
		before := committed.Load()
		for committed.Load() == before { // so that there is something new
			time.Sleep(time.Millisecond)
		}
		before = committed.Load()
		c := checkpointOf(t, l)
		a := wantSound(t, c.Dir, o)
		if a.Records < before || a.UUID != l.UUID() {
			t.Errorf("%d records of %s, %d of %s had been committed", a.Records, a.UUID, before, l.UUID())
		}
		if i%4 == 0 {
			file := filepath.Join(dir, fmt.Sprint("backup", i))
			if b := backupOf(t, c.Dir, file, o); b.Records != a.Records || b.Store != l.UUID() {
				t.Errorf("%+v of %+v", b, a)
			}
			restored := file + ".restored"
			if _, _, err := Restore(context.Background(), file, restored, false, o, nil); err != nil {
				t.Fatal(err)
			}
			wantSound(t, restored, o)
		}
		if err := errors.Join(c.Close(), c.Close()); err != nil {
			t.Error(err)
		}
		wantNoCheckpoints(t, store)
	}
	close(quit)
	<-done
	closeLog(t, l)
	wantSound(t, store, o)
}

// TestCheckpointStays: what is deleted, merged and compacted afterwards is still in
// it, and two are independent of each other.
func TestCheckpointStays(t *testing.T) {
	o := small(vfs.NewMem())
	now := time.Unix(1e9, 0)
	o.Now = func() time.Time { now = now.Add(time.Minute); return now } // so that each commit is noted
	l := openLog(t, "/s", o)
	commitRange(t, l, alpha, 0, 5_000)
	one := checkpointOf(t, l)
	if w, err := readWatermark(&home.Dir{FS: o.FS, Path: one.Dir}); err != nil || w.commits != l.seal.commits {
		t.Errorf("it notes %d commits of %d, %v", w.commits, l.seal.commits, err)
	}
	if err := l.Purge(alpha, 4_000); err != nil {
		t.Fatal(err)
	}
	two := checkpointOf(t, l)
	lower, upper := blocks.bounds()
	if err := l.db.Compact(context.Background(), lower, upper, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		*Checkpoint
		records uint64
	}{{one, 5_000}, {two, 1_000}} {
		if a := wantSound(t, want.Dir, o); a.Records != want.records {
			t.Errorf("%d records, want %d", a.Records, want.records)
		}
		if err := want.Close(); err != nil {
			t.Error(err)
		}
	}
	closeLog(t, l)
}

// TestCheckpointsGo: with the log, and with a crash when the store is opened again.
func TestCheckpointsGo(t *testing.T) {
	live := vfs.NewCrashableMem()
	o := small(live)
	l := openLog(t, "/s", o)
	threeBlocks(t, l)
	c := checkpointOf(t, l)
	crashed := o
	crashed.FS = live.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 2))})
	closeLog(t, l)
	if names := listed(o, "/s/"+checkpointsName); len(names) > 0 {
		t.Errorf("closing left %v", names)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if len(listed(crashed, "/s/"+checkpointsName)) == 0 {
		t.Fatal("the crash left none")
	}
	wantSound(t, "/s", crashed)
	l = openLog(t, "/s", crashed)
	if names := listed(crashed, "/s/"+checkpointsName); len(names) > 0 {
		t.Errorf("opening left %v", names)
	}
	closeLog(t, l)
	if _, err := l.Checkpoint(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// TestCheckpointFullDisk: without room there is none, nothing waits for it, and
// nothing is left; commits go on.
func TestCheckpointFullDisk(t *testing.T) {
	o := small(vfs.NewMem())
	var waits atomic.Int32
	o.OnFull = func(full bool) { waits.Add(1) }
	disk := &tight{FS: o.FS}
	o.FS = disk
	l := openLog(t, "/s", o)
	threeBlocks(t, l)
	disk.full.Store(true)
	if _, err := l.Checkpoint(); !isFull(err) {
		t.Errorf("%v, want that the disk is full", err)
	}
	disk.full.Store(false)
	if names := listed(o, "/s/"+checkpointsName); len(names) > 0 {
		t.Errorf("left over: %v", names)
	}
	if n := waits.Load(); n > 0 {
		t.Errorf("waited %d times", n)
	}
	commitRange(t, l, beta, 0, 10)
	if err := checkpointOf(t, l).Close(); err != nil {
		t.Error(err)
	}
	closeLog(t, l)
}

// tight is a disk that can be full for checkpoints.
type tight struct {
	vfs.FS
	full atomic.Bool
}

func (d *tight) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, category)
	if err == nil && d.full.Load() && strings.Contains(name, checkpointsName) {
		return &fullDisk{f}, nil
	}
	return f, err
}

type fullDisk struct{ vfs.File }

func (fullDisk) Write([]byte) (int, error) { return 0, &os.PathError{Op: "write", Err: syscall.ENOSPC} }

// TestCheckpointLeavesRoom: one that would fill the disk is not begun.
func TestCheckpointLeavesRoom(t *testing.T) {
	dir := testdisk.Mount(t, checkpointRoom)
	l := openLog(t, filepath.Join(dir, "s"), small(nil))
	threeBlocks(t, l)
	if _, err := l.Checkpoint(); !errors.Is(err, ErrFull) {
		t.Errorf("%v, want %v", err, ErrFull)
	}
	closeLog(t, l)
}

// TestCheckpointBetweenWrites: what is committed while the write-ahead log is copied
// does not damage the copy.
func TestCheckpointBetweenWrites(t *testing.T) {
	disk := &between{FS: vfs.NewMem()}
	o := small(disk)
	l := openLog(t, "/s", o)
	for i := range uint64(3) { // so that the file is one that was written before
		commitRange(t, l, alpha, i*2_000, i*2_000+2_000)
		if err := l.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	commitRange(t, l, alpha, 6_000, 6_010)
	did := false
	disk.then.Store(new(func() {
		did = true
		for first := uint64(6_010); first < 9_000; first += 100 {
			commitRange(t, l, alpha, first, first+100)
		}
	}))
	c := checkpointOf(t, l)
	if !did {
		t.Fatal("nothing was committed meanwhile")
	}
	if a := wantSound(t, c.Dir, o); a.Records != 6_010 {
		t.Errorf("it has %d records, want the 6,010 from before", a.Records)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	closeLog(t, l)
}

// between is a disk on which something happens once, after the first read of a
// write-ahead log.
type between struct {
	vfs.FS
	then atomic.Pointer[func()]
}

func (d *between) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := d.FS.Open(name, opts...)
	if err == nil && strings.HasSuffix(name, walSuffix) {
		return &betweenFile{f, d}, nil
	}
	return f, err
}

type betweenFile struct {
	vfs.File
	disk *between
}

func (f *betweenFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	if then := f.disk.then.Swap(nil); then != nil {
		(*then)()
	}
	return n, err
}
