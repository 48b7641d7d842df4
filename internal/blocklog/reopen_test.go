package blocklog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

var errDisk = errors.New("input/output error")

// failSyncs makes the next n fsyncs of files whose name contains part fail. What
// was not synced then is lost, as it is on Linux.
func failSyncs(fs vfs.FS, part string, n *atomic.Int64) vfs.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			if strings.Contains(op.Path, part) && n.Load() > 0 && n.Add(-1) >= 0 {
				return errDisk
			}
		}
		return nil
	}))
}

// TestReopen fails one fsync after the other while others read. Each time the
// log is opened again and goes on, and nothing that was confirmed is missing.
func TestReopen(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var failing atomic.Int64
	o := small(failSyncs(mem, ".log", &failing))
	l := openLog(t, "/store", o)
	uuid := l.UUID()
	commitRange(t, l, alpha, 0, 10)
	read := func() error { return readEnd(t, l) }
	stop := meanwhile(t, read, read)
	next := uint64(10)
	for range 4 {
		commitRange(t, l, alpha, next, next+10)
		failing.Store(1)
		next = failAndReopen(t, l, next+10)
	}
	stop()
	if err := l.Reopen(); err != nil { // also when nothing failed
		t.Fatal(err)
	}
	commitRange(t, l, alpha, next, next+10)
	wantRange(t, l, alpha, 0, 0, next+10)
	crashed := mem.CrashClone(vfs.CrashCloneCfg{})
	closeLog(t, l)
	l = openLog(t, "/store", small(crashed))
	wantRange(t, l, alpha, 0, 0, next+10)
	if l.UUID() != uuid {
		t.Errorf("address %s, was %s", l.UUID(), uuid)
	}
	closeLog(t, l)
}

// readEnd reads the last ten records of alpha, and looks around.
func readEnd(t *testing.T, l *Log) error {
	s, _ := l.State(alpha)
	got, err := readSeqs(t, l, alpha, s.Next-10, 0)
	for range l.Partitions() {
		l.DiskBytes()
	}
	switch {
	case errors.Is(err, ErrReopening):
		return nil
	case err == nil && len(got) < 10:
		return fmt.Errorf("read from %d: %d records", s.Next-10, len(got))
	}
	return err
}

// failAndReopen commits ten records from the head on while syncs fail, opens the
// log again and returns its head: nothing below is lost, and a batch of before is
// refused.
func failAndReopen(t *testing.T, l *Log, head uint64) uint64 {
	t.Helper()
	old := pendingRange(t, l, alpha, head, head+10)
	if err := pendingRange(t, l, alpha, head, head+10).Commit(); !errors.Is(err, ErrSync) {
		t.Fatalf("from %d on: %v", head, err)
	}
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	if err := old.Commit(); !errors.Is(err, ErrReopened) {
		t.Fatalf("a batch of before: %v", err)
	}
	s := stateOf(t, l)
	if s.Next != head && s.Next != head+10 {
		t.Fatalf("from %d to %d", head, s.Next)
	}
	wantSums(t, l, alpha)
	return s.Next
}

// TestReopenFails refuses everything but looking at states until it succeeds.
func TestReopenFails(t *testing.T) {
	var failing atomic.Int64
	o := small(failSyncs(vfs.NewMem(), "", &failing))
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 10)
	failing.Store(1)
	if err := pendingRange(t, l, alpha, 10, 20).Commit(); !errors.Is(err, ErrSync) {
		t.Fatal(err)
	}
	failing.Store(1 << 40)
	for range 2 {
		if err := l.Reopen(); !errors.Is(err, errDisk) && (err == nil || !strings.Contains(err.Error(), errDisk.Error())) {
			t.Fatal(err)
		}
		if err := l.Read(alpha, 0, 0, nil); !errors.Is(err, ErrReopening) {
			t.Fatal(err)
		}
		if s, _ := l.State(alpha); s.Next != 10 {
			t.Fatalf("%+v", s)
		}
	}
	failing.Store(0)
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	s, _ := l.State(alpha)
	wantRange(t, l, alpha, 0, 0, s.Next)
	commitRange(t, l, alpha, s.Next, 30)
	failing.Store(1 << 40)
	_ = l.Reopen()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Reopen(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// TestReopenLost has the disk forget what it had confirmed: the log does not go
// on, and has another address when it is opened the next time.
func TestReopenLost(t *testing.T) {
	dir := t.TempDir()
	o := small(nil)
	o.Now = func() time.Time { return time.Unix(1e9, 0) } // the mark lags for ever
	l := openLog(t, dir, o)
	uuid := l.UUID()
	for first := uint64(0); first < 100; first += 10 {
		commitRange(t, l, alpha, first, first+10)
	}
	emptyLogs(t, dir)
	if err := l.Reopen(); !errors.Is(err, ErrLost) {
		t.Fatal(err)
	}
	closeLog(t, l)
	l = openLog(t, dir, o)
	if l.UUID() == uuid {
		t.Error("it has the same address")
	}
	closeLog(t, l)
}

// emptyLogs cuts the write-ahead logs to nothing.
func emptyLogs(t *testing.T, dir string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pebbleName, "*.log"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		if err := os.Truncate(name, 0); err != nil {
			t.Fatal(err)
		}
	}
}
