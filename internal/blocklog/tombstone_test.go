package blocklog

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"
)

// countKeys returns how many keys of p there are in a space.
func countKeys(t fataler, l *Log, s space, p Partition) (n int) {
	t.Helper()
	if err := eachKey(l.db, s.appendPrefix(nil, p), s.appendEnd(nil, p), func(_, _ []byte) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTombstone empties a partition: a few bytes are left.
func TestTombstone(t *testing.T) {
	o, c := clocked()
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 9000)
	spoil(t, l, alpha, 8192, flip)
	if _, err := readSeqs(t, l, alpha, 8192, 0); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
	c.wait(2 * time.Hour)
	at := c.Now()
	if report := enforce(t, l, at, "alpha=age:1h"); len(report.Trims) != 1 || !report.Trims[0].Emptied {
		t.Fatalf("%+v", report)
	}
	for range 2 {
		if s, want := stateOf(t, l), (State{Tail: 9000, Next: 9000, Updated: 1e12, Emptied: at.UnixMilli(), Expired: 9000}); s != want {
			t.Fatalf("%+v, want %+v", s, want)
		}
		wantRange(t, l, alpha, 0, 0, 0)
		for _, s := range []space{blocks, grains, quarantine} {
			if n := countKeys(t, l, s, alpha); n > 0 {
				t.Errorf("%d keys of %c are left", n, s)
			}
		}
		raw, closer, err := l.db.Get(states.appendPrefix(nil, alpha))
		if err != nil || len(raw) > 150 {
			t.Fatalf("%d bytes, %v", len(raw), err)
		}
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
		closeLog(t, l)
		l = openLog(t, "/store", o)
	}
	closeLog(t, l)
}

// emptied opens a store in which all of alpha has expired just now, as it is on
// disk. Another partition has records.
func emptied(t *testing.T, o Options, c *clock) *Log {
	t.Helper()
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 9000)
	commitRange(t, l, Partition{"beta", producer(1)}, 0, 10)
	c.wait(2 * time.Hour)
	enforce(t, l, c.Now(), "alpha=age:1h")
	closeLog(t, l)
	return openLog(t, "/store", o)
}

// TestTombstoneTakesNothingBack is given what has expired once more.
func TestTombstoneTakesNothingBack(t *testing.T) {
	o, c := clocked()
	l := emptied(t, o, c)
	defer closeLog(t, l)
	b := l.NewBuilder()
	appendRange(t, b, alpha, 8990, 9000)
	if err := l.NewBatch().Add(alpha, b); !errors.Is(err, ErrOverlap) {
		t.Errorf("add: %v", err)
	}
	batch := l.NewBatch()
	if err := errors.Join(batch.Fill(alpha, b), batch.Commit()); err != nil {
		t.Errorf("fill: %v", err)
	}
	if s := stateOf(t, l); s.Records != 0 {
		t.Errorf("%+v", s)
	}
}

// TestTombstoneForgotten keeps one for as long as it is to, and not longer.
func TestTombstoneForgotten(t *testing.T) {
	o, c := clocked()
	l := emptied(t, o, c)
	for _, wait := range []time.Duration{0, 30*24*time.Hour - time.Millisecond} {
		c.wait(wait)
		if report := enforce(t, l, c.Now(), "alpha=age:1h"); len(report.Forgotten) > 0 {
			t.Fatalf("after %v: %+v", wait, report)
		}
	}
	c.wait(time.Millisecond)
	if report := enforce(t, l, c.Now(), "alpha=age:1h"); !slices.Equal(report.Forgotten, []Partition{alpha}) {
		t.Fatalf("%+v", report)
	}
	for range 2 {
		if s, ok := l.State(alpha); ok {
			t.Fatalf("%+v", s)
		}
		var left []string
		for p := range l.Partitions() {
			left = append(left, p.Topic)
		}
		if !slices.Equal(left, []string{"beta"}) || countKeys(t, l, states, alpha) > 0 {
			t.Fatalf("left: %v", left)
		}
		closeLog(t, l)
		l = openLog(t, "/store", o)
	}
	closeLog(t, l)
}

// TestTombstoneRevived has new records for an emptied partition: it is none any
// more.
func TestTombstoneRevived(t *testing.T) {
	l, c := openClocked(t)
	commitRange(t, l, alpha, 0, 10)
	c.wait(2 * time.Hour)
	enforce(t, l, c.Now(), "alpha=age:1h")
	c.wait(29 * 24 * time.Hour)
	commitRange(t, l, alpha, 10, 20)
	c.wait(2 * 24 * time.Hour)
	if report := enforce(t, l, c.Now()); len(report.Forgotten) > 0 {
		t.Fatalf("%+v", report)
	}
	if s, _ := l.State(alpha); s.Emptied != 0 || s.Tail != 10 || s.Records != 10 {
		t.Fatalf("%+v", s)
	}
	wantRange(t, l, alpha, 0, 10, 20)
}

// TestTombstoneDroppedUnderBatch drops one while a batch goes on with it.
func TestTombstoneDroppedUnderBatch(t *testing.T) {
	l, c := openClocked(t)
	commitRange(t, l, alpha, 0, 10)
	c.wait(2 * time.Hour)
	enforce(t, l, c.Now(), "alpha=age:1h")
	batch := pendingRange(t, l, alpha, 12, 20)
	c.wait(31 * 24 * time.Hour)
	if report := enforce(t, l, c.Now(), "alpha=age:1h"); len(report.Forgotten) != 1 {
		t.Fatalf("%+v", report)
	}
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	if s, _ := l.State(alpha); s.Tail != 12 || s.Next != 20 || s.Records != 8 {
		t.Fatalf("%+v", s)
	}
	wantSums(t, l, alpha)
}

// TestPurge deletes a part, then all; the mark goes with the state.
func TestPurge(t *testing.T) {
	o, c := clocked()
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 9000)
	if err := l.Purge(alpha, 5005); err != nil {
		t.Fatal(err)
	}
	first := c.Now().UnixMilli()
	c.wait(time.Hour)
	for _, upTo := range []uint64{5005, 100, 0} { // nothing new
		if err := l.Purge(alpha, upTo); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		s, _ := l.State(alpha)
		if s.Tail != 5005 || s.Purged != 5005 || s.PurgedAt != first || s.Records != 3995 || s.Emptied != 0 {
			t.Fatalf("%+v", s)
		}
		wantRange(t, l, alpha, 0, 5005, 9000)
		wantSums(t, l, alpha)
		closeLog(t, l)
		l = openLog(t, "/store", o)
	}
	c.wait(time.Hour)
	if err := l.Purge(alpha, 20_000); err != nil { // more than is held
		t.Fatal(err)
	}
	now := c.Now().UnixMilli()
	if s, _ := l.State(alpha); s.Tail != 20_000 || s.Next != 20_000 || s.Purged != 20_000 || s.PurgedAt != now || s.Emptied != now {
		t.Fatalf("%+v", s)
	}
	wantRange(t, l, alpha, 0, 0, 0)
	if n := countKeys(t, l, blocks, alpha) + countKeys(t, l, grains, alpha); n > 0 {
		t.Errorf("%d keys are left", n)
	}
	commitRange(t, l, alpha, 20_000, 20_010)
	wantRange(t, l, alpha, 0, 20_000, 20_010)
	closeLog(t, l)
}

// TestPurgeUnknown marks a partition that was never held: it cannot come here
// any more.
func TestPurgeUnknown(t *testing.T) {
	o, c := clocked()
	l := openLog(t, "/store", o)
	if err := l.Purge(alpha, 100); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	l = openLog(t, "/store", o)
	defer closeLog(t, l)
	b := l.NewBuilder()
	appendRange(t, b, alpha, 90, 110)
	if err := l.NewBatch().Add(alpha, b); !errors.Is(err, ErrOverlap) {
		t.Errorf("add: %v", err)
	}
	c.wait(30 * 24 * time.Hour)
	if report := enforce(t, l, c.Now()); len(report.Forgotten) != 1 {
		t.Errorf("%+v", report)
	}
	for _, p := range []Partition{{"", producer(1)}, {"a", "nobody"}} {
		if err := l.Purge(p, 1); !errors.Is(err, ErrPartition) {
			t.Errorf("%v: %v", p, err)
		}
	}
	if err := l.Purge(Partition{"last", producer(1)}, math.MaxUint64); err != nil {
		t.Error(err)
	}
}

// TestRaiseTail raises a tail to every sequence of a partition with holes.
func TestRaiseTail(t *testing.T) {
	o, _ := clocked()
	l := openLog(t, "/store", o)
	for _, r := range [][2]uint64{{5, 12}, {20, 30}, {4090, 4100}, {12290, 12300}} {
		commitRange(t, l, alpha, r[0], r[1])
	}
	last := uint64(5)
	for _, tail := range []uint64{0, 5, 6, 11, 12, 13, 20, 25, 30, 31, 4089, 4090, 4095, 4096, 4097, 4100,
		5000, 8192, 9000, 12288, 12290, 12299, 12300, 12301, 99999} {
		if err := l.RaiseTail(alpha, tail); err != nil {
			t.Fatal(err)
		}
		last = max(last, tail)
		s, _ := l.State(alpha)
		if s.Tail != last || s.Next != max(last, 12300) || s.Purged != 0 || (s.Emptied != 0) != (last >= 12300) {
			t.Fatalf("raised to %d: %+v", tail, s)
		}
		wantSums(t, l, alpha)
		got, err := readSeqs(t, l, alpha, 0, 0)
		if err != nil || uint64(len(got)) != s.Records || len(got) > 0 && got[0] < last {
			t.Fatalf("raised to %d: %v, %v", tail, got, err)
		}
		closeLog(t, l)
		l = openLog(t, "/store", o)
	}
	closeLog(t, l)
}

// TestRaiseTailIntoQuarantine keeps the head of what ended in a damaged block.
func TestRaiseTailIntoQuarantine(t *testing.T) {
	o, _ := clocked()
	l := openLog(t, "/store", o)
	threeBlocks(t, l)
	spoil(t, l, alpha, 20, flip)
	_, err := readSeqs(t, l, alpha, 20, 0)
	wantCorrupt(t, err, 20, 30, true)
	if err := l.RaiseTail(alpha, 25); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if s, _ := l.State(alpha); s.Tail != 25 || s.Next != 30 || s.Records != 0 || s.Emptied != 0 {
			t.Fatalf("%+v", s)
		}
		wantHoles(t, l, alpha, Range{25, 30})
		closeLog(t, l)
		l = openLog(t, "/store", o)
	}
	closeLog(t, l)
}

// TestPurgeWhileAdding purges below and beyond the head of what a batch goes on
// with.
func TestPurgeWhileAdding(t *testing.T) {
	l, _ := openClocked(t)
	commitRange(t, l, alpha, 0, 10)
	for _, c := range []struct {
		upTo uint64
		want error
	}{{5, nil}, {17, ErrOverlap}} {
		s, _ := l.State(alpha)
		batch := pendingRange(t, l, alpha, s.Next, s.Next+5)
		if err := l.Purge(alpha, c.upTo); err != nil {
			t.Fatal(err)
		}
		if err := batch.Commit(); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Fatalf("purged to %d: %v, want %v", c.upTo, err, c.want)
		}
		wantSums(t, l, alpha)
	}
}

// Expire marks and deletes nothing; what is missing below can still come.
func TestExpire(t *testing.T) {
	o, _ := clocked()
	l := openLog(t, "/store", o)
	add := func(first, next uint64, to func(*Batch, Partition, *Builder) error) {
		t.Helper()
		records, b := l.NewBuilder(), l.NewBatch()
		appendRange(t, records, alpha, first, next)
		if _, known := l.State(alpha); !known {
			if err := b.Begin(alpha, 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(to(b, alpha, records), b.Commit()); err != nil {
			t.Fatal(err)
		}
	}
	add(100, 120, (*Batch).Add)
	err := errors.Join(l.Expire(alpha, 90), l.Expire(alpha, 80), l.Expire(Partition{"unknown", producer(1)}, 90))
	if err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	l = openLog(t, "/store", o)
	defer closeLog(t, l)
	if s, _ := l.State(alpha); s.Expired != 90 || s.Tail != 0 || s.Records != 20 {
		t.Errorf("after Expire: %+v", s)
	}
	add(50, 100, (*Batch).Fill)
	for _, want := range []struct{ tail, expired, records uint64 }{{60, 90, 60}, {110, 110, 10}} {
		if err := l.RaiseTail(alpha, want.tail); err != nil {
			t.Fatal(err)
		}
		if s, _ := l.State(alpha); s.Expired != want.expired || s.Tail != want.tail || s.Records != want.records {
			t.Errorf("tail at %d: %+v, want %+v", want.tail, s, want)
		}
	}
}
