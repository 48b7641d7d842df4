package blocklog

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestFailedSync fails the fsync of one commit. It is reported, nothing of the
// batch is served, no later commit pretends to succeed, and after opening the
// directory again everything that was confirmed is there.
func TestFailedSync(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var failing atomic.Int64
	o := small(failSyncs(mem, ".log", &failing))
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 10)
	before, _ := l.State(alpha)

	failing.Store(1 << 40)
	beta := Partition{"beta", producer(1)}
	for _, r := range []struct {
		p           Partition
		first, next uint64
	}{{alpha, 10, 20}, {alpha, 10, 20}, {beta, 0, 5}} {
		batch := pendingRange(t, l, r.p, r.first, r.next)
		if err := batch.Commit(); !errors.Is(err, ErrSync) || !strings.Contains(err.Error(), errDisk.Error()) {
			t.Fatalf("commit of what was not synced: %v", err)
		}
		failing.Store(0) // a disk that recovers does not bring the pages back
	}
	if s, _ := l.State(alpha); s != before {
		t.Errorf("state %+v, was %+v", s, before)
	}
	if _, ok := l.State(beta); ok {
		t.Error("beta has a state")
	}
	wantRange(t, l, alpha, 0, 0, 10)
	crashed := mem.CrashClone(vfs.CrashCloneCfg{})
	_ = l.Close() // may report the failed file; it must not hang

	l = openLog(t, "/store", small(crashed))
	defer closeLog(t, l)
	s, _ := l.State(alpha)
	if s.Next != 10 && s.Next != 20 { // all of the batch or nothing
		t.Fatalf("state %+v", s)
	}
	wantRange(t, l, alpha, 0, 0, s.Next)
	commitRange(t, l, alpha, s.Next, s.Next+5)
}
