package blocklog

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestFailedSync fails the fsync of one commit. It is reported, nothing of the
// batch is served, no later commit pretends to succeed, and after opening the
// directory again everything that was confirmed is there.
func TestFailedSync(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var failing atomic.Bool
	o := small(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			if failing.Load() && strings.HasSuffix(op.Path, ".log") {
				return errors.New("input/output error")
			}
		}
		return nil
	})))
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 10)
	before, _ := l.State(alpha)

	failing.Store(true)
	beta := Partition{"beta", producer(1)}
	for _, r := range []struct {
		p           Partition
		first, next uint64
	}{{alpha, 10, 20}, {alpha, 10, 20}, {beta, 0, 5}} {
		batch, b := l.NewBatch(), l.NewBuilder()
		appendRange(t, b, r.p, r.first, r.next)
		if err := batch.Add(r.p, b); err != nil {
			t.Fatal(err)
		}
		if err := batch.Commit(); !errors.Is(err, ErrSync) || !strings.Contains(err.Error(), "input/output error") {
			t.Fatalf("commit of what was not synced: %v", err)
		}
		failing.Store(false) // a disk that recovers does not bring the pages back
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
