package blocklog

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// wantRenewed opens dir and fails unless it has another address, says why, and
// keeps the new one.
func wantRenewed(t *testing.T, dir string, o Options, was string) {
	t.Helper()
	var log bytes.Buffer
	o.Logger = textLogger(&log)
	var now string
	for range 2 {
		l := openLog(t, dir, o)
		if l.UUID() == was || now != "" && l.UUID() != now {
			t.Errorf("the address is %s, was %s and %s", l.UUID(), was, now)
		}
		now = l.UUID()
		closeLog(t, l)
	}
	if n := strings.Count(log.String(), "the disk lost records"); n != 1 {
		t.Errorf("said %d times:\n%s", n, &log)
	}
}

// TestOlderDatabase puts an earlier copy of the database in place of it, which
// is whole, as restoring a part of a backup does.
func TestOlderDatabase(t *testing.T) {
	dir, backup := t.TempDir(), t.TempDir()
	l := openLog(t, dir, small(nil))
	commitRange(t, l, alpha, 0, 10)
	uuid := l.UUID()
	closeLog(t, l)
	log := filepath.Join(dir, pebbleName)
	if err := os.CopyFS(backup, os.DirFS(log)); err != nil {
		t.Fatal(err)
	}
	l = openLog(t, dir, small(nil))
	commitRange(t, l, alpha, 10, 20)
	closeLog(t, l)
	if err := errors.Join(os.RemoveAll(log), os.CopyFS(log, os.DirFS(backup))); err != nil {
		t.Fatal(err)
	}
	wantRenewed(t, dir, small(nil), uuid)
	l = openLog(t, dir, small(nil))
	wantRange(t, l, alpha, 0, 0, 10)
	commitRange(t, l, alpha, 10, 12)
	closeLog(t, l)
}

// TestLostState takes from the database what one of many commits brought.
func TestLostState(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 10)
	commitRange(t, l, Partition{"beta", producer(1)}, 0, 10)
	uuid := l.UUID()
	lower, upper := blocks.appendKey(nil, alpha, 0), blocks.appendEnd(nil, alpha)
	if err := errors.Join(l.db.Delete(states.appendPrefix(nil, alpha), pebble.Sync),
		l.db.DeleteRange(lower, upper, pebble.Sync)); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	wantRenewed(t, "/store", o, uuid)
}

// TestWatermark lags by a second of commits, by nothing after Enforce or Close, and
// one of its slots is enough.
func TestWatermark(t *testing.T) {
	mem := vfs.NewCrashableMem()
	now := time.Unix(1e9, 0)
	o := small(mem)
	o.Now = func() time.Time { return now }
	l := openLog(t, "/store", o)
	uuid := l.UUID()
	want := func(behind uint64) {
		t.Helper()
		m, err := openWatermark(l.home.Dir)
		if err != nil || m.commits+behind != l.seal.commits {
			t.Fatalf("the mark is %d, there were %d commits: %v", m.commits, l.seal.commits, err)
		}
		if err := m.close(); err != nil {
			t.Fatal(err)
		}
	}
	next := uint64(0)
	commit := func() { commitRange(t, l, alpha, next, next+1); next++ }
	now = now.Add(watermarkEvery)
	commit()
	want(0)
	commit()
	commit()
	want(2)
	now = now.Add(watermarkEvery)
	if _, err := l.Enforce(Rules{}, now); err != nil {
		t.Fatal(err)
	}
	want(0)
	commit()
	want(1)
	closeLog(t, l)
	want(0)
	for _, slot := range []int{0, 1, 0} { // each is older or newer than the other
		damageWatermark(t, mem, slot)
		l = openLog(t, "/store", o)
		if l.UUID() != uuid {
			t.Error("a damaged mark cost the address")
		}
		commit()
		closeLog(t, l)
	}
	if err := mem.Remove("/store/" + watermarkName); err != nil {
		t.Fatal(err)
	}
	l = openLog(t, "/store", o)
	if l.UUID() != uuid {
		t.Error("a missing mark cost the address")
	}
	want(0)
	wantRange(t, l, alpha, 0, 0, next)
	closeLog(t, l)
}

func damageWatermark(t *testing.T, fs vfs.FS, slot int) {
	t.Helper()
	f, err := fs.OpenReadWrite("/store/"+watermarkName, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte{0xff}, int64(slot)*watermarkSpacing+3)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
