package blocklog

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func verify(t *testing.T, dir string, o Options) *Audit {
	t.Helper()
	a, err := Verify(context.Background(), dir, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// wantSound verifies a store that must have no fault.
func wantSound(t *testing.T, dir string, o Options) *Audit {
	t.Helper()
	a := verify(t, dir, o)
	for _, f := range a.Faults {
		t.Errorf("%s %v %d-%d: %v", f.Kind, f.Partition, f.First, f.Next, f.Err)
	}
	return a
}

// TestVerifySound: a store with everything that happens to one is sound: grains,
// a tail within a block, holes, several partitions, bare and merged blocks.
func TestVerifySound(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/s", o)
	commitRange(t, l, alpha, 0, 10_000)
	commitRange(t, l, alpha, 10_100, 10_200)
	for seq := uint64(0); seq < 50; seq++ {
		commitRange(t, l, beta, seq, seq+1)
	}
	if err := errors.Join(l.Purge(alpha, 4_501), l.Purge(beta, 50)); err != nil {
		t.Fatal(err)
	}
	commitRange(t, l, beta, 50, 60)
	if _, err := l.Compact(alpha); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	for range 2 { // looking changes nothing
		a := wantSound(t, "/s", o)
		if a.Partitions != 2 || a.Records != 10_000-4_501+100+10 || a.Missing != 100 || a.SetAside != 0 {
			t.Errorf("%+v", a)
		}
		if len(a.Holes) != 1 || a.Holes[0] != (Hole{alpha, Range{10_000, 10_100}}) {
			t.Errorf("holes %v", a.Holes)
		}
	}
	l = openLog(t, "/s", o)
	defer closeLog(t, l)
	wantRange(t, l, alpha, 10_100, 10_100, 10_200)
}

// TestVerifyFaults breaks one thing at a time.
func TestVerifyFaults(t *testing.T) {
	stateKey := states.appendPrefix(nil, alpha)
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, l *Log)
		kind  FaultKind
		Range
		text string
	}{
		{"bytes", func(t *testing.T, l *Log) { spoil(t, l, alpha, 10, flip) }, FaultBlock, Range{10, 20}, "checksum"},
		{"last block", func(t *testing.T, l *Log) { spoil(t, l, alpha, 20, flip) }, FaultBlock, Range{20, 30}, "checksum"},
		{"key", func(t *testing.T, l *Log) {
			spoil(t, l, alpha, 10, func(b []byte) { reseal(b, func(b []byte) { b[9]++ }) })
		}, FaultBlock, Range{10, 20}, "another sequence"},
		{"overlap", func(t *testing.T, l *Log) {
			copyBlock(t, l, 10, 15, func(b []byte) { b[9] = 15 })
		}, FaultOverlap, Range{15, 20}, "another block"},
		{"gone", func(t *testing.T, l *Log) {
			if err := l.db.Delete(blocks.appendKey(nil, alpha, 10), pebble.Sync); err != nil {
				t.Fatal(err)
			}
		}, FaultGrain, Range{0, 30}, "sums"},
		{"no state", func(t *testing.T, l *Log) {
			if err := l.db.Delete(stateKey, pebble.Sync); err != nil {
				t.Fatal(err)
			}
		}, FaultCommit, Range{}, "states of 0 partitions"},
		{"state", func(t *testing.T, l *Log) {
			s, _ := l.state(alpha)
			s.Next = 31
			if err := l.db.Set(stateKey, s.append(nil), pebble.Sync); err != nil {
				t.Fatal(err)
			}
		}, FaultState, Range{}, "head is not where the blocks end"},
		{"count", func(t *testing.T, l *Log) {
			s, _ := l.state(alpha)
			s.Records--
			if err := l.db.Set(stateKey, s.append(nil), pebble.Sync); err != nil {
				t.Fatal(err)
			}
		}, FaultState, Range{}, "counts or digest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := small(vfs.NewMem())
			l := openLog(t, "/s", o)
			threeBlocks(t, l)
			c.spoil(t, l)
			closeLog(t, l)
			for range 2 { // nothing is repaired or set aside
				wantFault(t, verify(t, "/s", o), c.kind, c.Range, c.text)
			}
		})
	}
}

func wantFault(t *testing.T, a *Audit, kind FaultKind, r Range, text string) {
	t.Helper()
	for _, f := range a.Faults {
		if f.Kind == kind && f.Range == r && strings.Contains(f.Err.Error(), text) {
			return
		}
	}
	t.Errorf("no %s at %v with %q in %v", kind, r, text, a.Faults)
}

// copyBlock puts a changed copy of a block under another sequence.
func copyBlock(t *testing.T, l *Log, from, to uint64, change func([]byte)) {
	t.Helper()
	raw, closer, err := l.db.Get(blocks.appendKey(nil, alpha, from))
	if err != nil {
		t.Fatal(err)
	}
	raw = reseal(append([]byte(nil), raw...), change)
	if err := errors.Join(closer.Close(), l.db.Set(blocks.appendKey(nil, alpha, to), raw, pebble.Sync)); err != nil {
		t.Fatal(err)
	}
}

// TestVerifySetAside: what a store found and set aside is no fault any more, but
// missing.
func TestVerifySetAside(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/s", o)
	threeBlocks(t, l)
	spoil(t, l, alpha, 20, flip)
	if _, err := readSeqs(t, l, alpha, 0, 0); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
	closeLog(t, l)
	if a := wantSound(t, "/s", o); a.SetAside != 1 || a.Missing != 10 || a.Records != 20 {
		t.Errorf("%+v", a)
	}
}

// TestVerifyLost: a store whose database is older than it was.
func TestVerifyLost(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/s", o)
	threeBlocks(t, l)
	least := l.seal.commits
	if err := l.watermark.set(least+1, l.opts.Now()); err != nil {
		t.Fatal(err)
	}
	l.seal.commits = l.watermark.commits // or Close would write it again
	closeLog(t, l)
	a := verify(t, "/s", o)
	wantFault(t, a, FaultCommit, Range{}, "commits were on disk")
	if !errors.Is(a.Faults[0].Err, ErrLost) {
		t.Error(a.Faults[0].Err)
	}
}

// TestVerifyFile flips bytes in the files of a store on a real disk: Verify says
// so, or that nothing can be read.
func TestVerifyFile(t *testing.T) {
	dir := t.TempDir()
	o := small(nil)
	l := openLog(t, dir, o)
	commitRange(t, l, alpha, 0, 1000)
	if err := l.db.Flush(); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	wantSound(t, dir, o)
	for _, name := range tables(t, dir) {
		flipByte(t, name, 30)
		a, err := Verify(context.Background(), dir, o, nil)
		if err == nil && a.Faulty == 0 {
			t.Errorf("%s is damaged, and nobody noticed", name)
		}
		flipByte(t, name, 30)
	}
	wantSound(t, dir, o)
}

func TestVerifyRefuses(t *testing.T) {
	o := small(vfs.NewMem())
	if _, err := Verify(context.Background(), "/none", o, nil); !errors.Is(err, ErrNotStore) || !strings.Contains(err.Error(), "/none") {
		t.Error(err)
	}
	if _, err := o.FS.Stat("/none"); err == nil {
		t.Error("it made the directory")
	}
	l := openLog(t, "/s", o)
	threeBlocks(t, l)
	if _, err := Verify(context.Background(), "/s", o, nil); !errors.Is(err, ErrInUse) {
		t.Error(err)
	}
	closeLog(t, l)
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Verify(done, "/s", o, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	wantSound(t, "/s", o)
}
