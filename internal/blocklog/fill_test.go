package blocklog

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// fillRange fills records first to next-1 in.
func fillRange(l *Log, t fataler, p Partition, first, next uint64) error {
	t.Helper()
	b := l.NewBuilder()
	appendRange(t, b, p, first, next)
	batch := l.NewBatch()
	if err := batch.Fill(p, b); err != nil {
		batch.Discard()
		return err
	}
	return batch.Commit()
}

func wantHoles(t fataler, l *Log, p Partition, want ...Range) {
	t.Helper()
	if got, err := l.Holes(p); err != nil || !slices.Equal(got, want) {
		t.Fatalf("holes %v, %v; want %v", got, err, want)
	}
}

// TestFill begins a partition low, has its newest records first, and fills the
// rest in, in any order, over restarts.
func TestFill(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/store", o)
	batch, b := l.NewBatch(), l.NewBuilder()
	if err := batch.Begin(alpha, 100); err != nil {
		t.Fatal(err)
	}
	appendRange(t, b, alpha, 9000, 9010)
	if err := errors.Join(batch.Add(alpha, b), batch.Commit()); err != nil {
		t.Fatal(err)
	}
	if s, _ := l.State(alpha); s.Tail != 100 || s.Next != 9010 || s.Records != 10 || s.Emptied != 0 {
		t.Fatalf("%+v", s)
	}
	wantHoles(t, l, alpha, Range{100, 9000})
	holes := []Range{{100, 9000}}
	for _, r := range []Range{{4000, 4200}, {100, 150}, {8990, 9000}, {150, 4000}, {8000, 8990}, {4200, 8000}} {
		if err := fillRange(l, t, alpha, r.First, r.Next); err != nil {
			t.Fatal(err)
		}
		var rest []Range
		for _, h := range holes {
			for _, left := range []Range{{h.First, min(h.Next, r.First)}, {max(h.First, r.Next), h.Next}} {
				if left.First < left.Next {
					rest = append(rest, left)
				}
			}
		}
		slices.SortFunc(rest, func(a, b Range) int { return int(a.First) - int(b.First) })
		holes = rest
		for range 2 {
			wantHoles(t, l, alpha, holes...)
			wantHoles(t, l, alpha, holes...) // as known
			wantSums(t, l, alpha)
			if got, err := readSeqs(t, l, alpha, 0, 0); err != nil || !slices.IsSorted(got) {
				t.Fatalf("%v, %v", got, err)
			}
			closeLog(t, l)
			l = openLog(t, "/store", o)
		}
	}
	wantRange(t, l, alpha, 0, 100, 9010)
	if s, _ := l.State(alpha); s.Records != 8910 || s.Next != 9010 {
		t.Errorf("%+v", s)
	}
	closeLog(t, l)
}

// TestFillRefused keeps what is held, and takes nothing at the head.
func TestFillRefused(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	commitRange(t, l, alpha, 10, 20)
	commitRange(t, l, alpha, 30, 40)
	before, _ := l.State(alpha)
	for _, c := range []struct {
		first, next uint64
		want        error
	}{{15, 16, ErrOverlap}, {19, 21, ErrOverlap}, {20, 31, ErrOverlap}, {29, 31, ErrOverlap}, {5, 11, ErrOverlap},
		{40, 41, ErrNotHole}, {20, 41, ErrNotHole}, {5, 10, nil}} {
		if err := fillRange(l, t, alpha, c.first, c.next); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%d to %d: %v, want %v", c.first, c.next, err, c.want)
		}
	}
	before.Updated = 0
	if s, _ := l.State(alpha); func() State { s.Updated = 0; return s }() != before {
		t.Errorf("%+v, was %+v", s, before)
	}
	if err := fillRange(l, t, Partition{"unknown", producer(1)}, 0, 1); !errors.Is(err, ErrNotHole) {
		t.Error(err)
	}
	// Twice in one batch, and by another batch meanwhile.
	one, b := l.NewBatch(), l.NewBuilder()
	appendRange(t, b, alpha, 22, 25)
	if err := one.Fill(alpha, b); err != nil {
		t.Fatal(err)
	}
	if err := one.Fill(alpha, b); !errors.Is(err, ErrOverlap) {
		t.Error(err)
	}
	if err := fillRange(l, t, alpha, 24, 26); err != nil {
		t.Fatal(err)
	}
	if err := one.Commit(); !errors.Is(err, ErrOverlap) {
		t.Error(err)
	}
	wantHoles(t, l, alpha, Range{20, 24}, Range{26, 30})
	if err := l.NewBatch().Begin(alpha, 3); !errors.Is(err, ErrOverlap) {
		t.Errorf("begun twice: %v", err)
	}
	wantSums(t, l, alpha)
}

// TestFillBelowRisingTail has the tail rise into what a batch fills in.
func TestFillBelowRisingTail(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	commitRange(t, l, alpha, 0, 10)
	commitRange(t, l, alpha, 30, 40)
	batch, b := l.NewBatch(), l.NewBuilder()
	appendRange(t, b, alpha, 10, 30)
	if err := batch.Fill(alpha, b); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	appendRange(t, b, Partition{"other", producer(1)}, 10, 30)
	if err := l.RaiseTail(alpha, 17); err != nil {
		t.Fatal(err)
	}
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	wantRange(t, l, alpha, 0, 17, 40)
	wantSums(t, l, alpha)
	wantHoles(t, l, alpha)
}

// TestFillQuarantined replaces a damaged block.
func TestFillQuarantined(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/store", o)
	threeBlocks(t, l)
	spoil(t, l, alpha, 10, flip)
	if err := fillRange(l, t, alpha, 10, 20); !errors.Is(err, ErrOverlap) || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("nobody has met the damage yet: %v", err)
	}
	wantHoles(t, l, alpha) // that it is damaged is not known
	_, err := readSeqs(t, l, alpha, 0, 0)
	wantCorrupt(t, err, 10, 20, true)
	wantHoles(t, l, alpha, Range{10, 20})
	if err := fillRange(l, t, alpha, 10, 20); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		wantHoles(t, l, alpha)
		wantRange(t, l, alpha, 0, 0, 30)
		wantSums(t, l, alpha)
		closeLog(t, l)
		l = openLog(t, "/store", o)
	}
	// In a grain with a hole, looking for it finds the damage too.
	commitRange(t, l, alpha, 35, 40)
	spoil(t, l, alpha, 20, flip)
	wantHoles(t, l, alpha, Range{20, 35})
	if err := fillRange(l, t, alpha, 20, 35); err != nil {
		t.Error(err)
	}
	wantRange(t, l, alpha, 0, 0, 40)
	closeLog(t, l)
}

// TestHolesAsMany has as much missing as before, but elsewhere.
func TestHolesAsMany(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	commitRange(t, l, alpha, 0, 10)
	commitRange(t, l, alpha, 20, 30)
	commitRange(t, l, alpha, 30, 40)
	wantHoles(t, l, alpha, Range{10, 20})
	if err := fillRange(l, t, alpha, 10, 20); err != nil {
		t.Fatal(err)
	}
	spoil(t, l, alpha, 20, flip)
	_, err := readSeqs(t, l, alpha, 0, 0)
	wantCorrupt(t, err, 20, 30, true)
	wantHoles(t, l, alpha, Range{20, 30})
}

func TestHolesBounded(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	b := l.NewBuilder()
	for seq := uint64(1); seq < 3*maxHoles; seq += 2 {
		appendRange(t, b, alpha, seq, seq+1)
	}
	commitBuilder(t, l, alpha, b)
	holes, err := l.Holes(alpha)
	if err != nil || len(holes) != maxHoles || holes[0] != (Range{2, 3}) || holes[maxHoles-1] != (Range{2 * maxHoles, 2*maxHoles + 1}) {
		t.Fatalf("%d, %v, %v", len(holes), holes[:2], err)
	}
	if holes, err := l.Holes(Partition{"unknown", producer(1)}); err != nil || holes != nil {
		t.Error(holes, err)
	}
}

// hangingSync returns options with which a sync of the write-ahead log hangs once
// hold was called, until release is called; held tells that it does.
func hangingSync() (o Options, hold func(), held <-chan struct{}, release func()) {
	var armed atomic.Bool
	hangs, released := make(chan struct{}, 1), make(chan struct{})
	o = small(errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData && strings.HasSuffix(op.Path, ".log") && armed.CompareAndSwap(true, false) {
			hangs <- struct{}{}
			<-released
		}
		return nil
	})))
	return o, func() { armed.Store(true) }, hangs, sync.OnceFunc(func() { close(released) })
}

func await(t fataler, what <-chan struct{}) {
	t.Helper()
	select {
	case <-what:
	case <-time.After(30 * time.Second):
		t.Fatal("it does not happen")
	}
}

// TestFillSeenOnlyWhenSynced reads while the fsync of a fill hangs.
func TestFillSeenOnlyWhenSynced(t *testing.T) {
	o, hold, held, release := hangingSync()
	l := openLog(t, "/store", o)
	defer closeLog(t, l)
	defer release()
	commitRange(t, l, alpha, 0, 10)
	commitRange(t, l, alpha, 20, 30)
	hold()
	done := make(chan error, 1)
	go func() { done <- fillRange(l, t, alpha, 10, 20) }()
	await(t, held)
	got, err := readSeqs(t, l, alpha, 0, 0)
	holes, err2 := l.Holes(alpha)
	release()
	if err = errors.Join(err, err2, <-done); err != nil {
		t.Fatal(err)
	}
	if want := slices.Concat(sequence(0, 10), sequence(20, 30)); !slices.Equal(got, want) {
		t.Errorf("read %v", got)
	}
	if !slices.Equal(holes, []Range{{10, 20}}) {
		t.Errorf("holes %v", holes)
	}
	wantRange(t, l, alpha, 0, 0, 30)
}
