package blocklog

import (
	"bytes"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// trickle commits records one by one, a while apart.
func trickle(t fataler, l *Log, c *clock, p Partition, first, next uint64, apart time.Duration) {
	t.Helper()
	for seq := first; seq < next; seq++ {
		commitRange(t, l, p, seq, seq+1)
		c.wait(apart)
	}
}

func blockCount(t fataler, l *Log, p Partition) (n int) {
	t.Helper()
	s, _ := l.state(p)
	if _, err := l.walk(p, s.Tail, s.Next, func(b block) bool { n++; return true }); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestMergeSmall brings hundreds of blocks down to what fits, keeps every byte,
// and leaves what is full, or apart, alone.
func TestMergeSmall(t *testing.T) {
	o, c := clocked()
	l := openLog(t, "/store", o)
	trickle(t, l, c, alpha, 0, 300, time.Millisecond)
	trickle(t, l, c, alpha, 310, 330, time.Millisecond) // behind a hole
	full := Partition{"full", producer(1)}
	commitRange(t, l, full, 0, 1000)
	before, _ := l.State(alpha)
	m, err := l.MergeSmall(0)
	if err != nil || m.Partitions != 1 || m.Before < 280 || m.After > 50 || m.Bytes == 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	for range 2 {
		after, _ := l.State(alpha)
		if n := blockCount(t, l, alpha); after.Blocks != uint64(n) || n != 320-m.Before+m.After {
			t.Errorf("%d blocks, state %+v, merged %+v", n, after, m)
		}
		if after.Records != before.Records || after.Content != before.Content || after.Bytes >= before.Bytes || after.Updated != before.Updated {
			t.Errorf("%+v, was %+v", after, before)
		}
		wantSums(t, l, alpha)
		wantHoles(t, l, alpha, Range{300, 310})
		got, err := readSeqs(t, l, alpha, 0, 0)
		if err != nil || !slices.Equal(got, slices.Concat(sequence(0, 300), sequence(310, 330))) {
			t.Errorf("%v, %v", got, err)
		}
		closeLog(t, l)
		l = openLog(t, "/store", o)
	}
	if m, err := l.MergeSmall(0); err != nil || m.Before != 0 {
		t.Errorf("again: %+v, %v", m, err)
	}
	closeLog(t, l)
}

// TestMergeKeepsAges merges blocks only whose times are close for their age, so
// that nothing is kept much longer than it should be.
func TestMergeKeepsAges(t *testing.T) {
	l, c := openClocked(t)
	trickle(t, l, c, alpha, 0, 50, 10*time.Minute)
	if m, err := l.Compact(alpha); err != nil || m.Before != 0 {
		t.Fatalf("young blocks ten minutes apart: %+v, %v", m, err)
	}
	c.wait(48 * time.Hour)
	if m, err := l.Compact(alpha); err != nil || m.Before == 0 {
		t.Fatalf("old blocks ten minutes apart: %+v, %v", m, err)
	}
	now := c.Now().UnixMilli()
	start := newClock().Now().UnixMilli()
	s, _ := l.State(alpha)
	if _, err := l.walk(alpha, 0, s.Next, func(b block) bool {
		for seq := b.first; seq < b.next(); seq++ {
			written := start + int64(seq)*600_000
			if b.time < written || b.time-written > (now-written)/spanFraction {
				t.Errorf("record %d of %d is in a block of %d", seq, written, b.time)
			}
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	enforce(t, l, c.Now(), fmt.Sprintf("alpha=age:%v", c.Now().Sub(newClock().Now())))
	if s, _ := l.State(alpha); s.Tail != 0 {
		t.Errorf("expired early: %+v", s)
	}
	wantSums(t, l, alpha)
}

// TestMergeWhileReading reads a partition that is appended to, trimmed and
// merged at once.
func TestMergeWhileReading(t *testing.T) {
	l, _ := openClocked(t)
	var merged atomic.Int64
	merge := func() error {
		m, err := l.MergeSmall(0)
		merged.Add(int64(m.Before))
		return err
	}
	read := func() error { return readToHead(t, l) }
	stop := meanwhile(t, merge, read, read)
	total := uint64(0)
	for ; total < 1000 || merged.Load() == 0 && total < 100_000; total++ {
		seq := total
		commitRange(t, l, alpha, seq, seq+1)
		if seq%200 == 199 {
			if err := l.RaiseTail(alpha, seq-150); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop()
	if merged.Load() == 0 {
		t.Error("nothing was merged")
	}
	s, _ := l.State(alpha)
	wantRange(t, l, alpha, 0, s.Tail, total)
	wantSums(t, l, alpha)
}

// readToHead reads all of alpha, which follows each other up to its head, or has
// expired meanwhile.
func readToHead(t *testing.T, l *Log) error {
	s, _ := l.State(alpha)
	next := s.Tail
	err := l.Read(alpha, next, 0, func(r Record) bool {
		if next = max(next, r.Seq); r.Seq != next || !bytes.Equal(r.Content, content(alpha, r.Seq)) || !bytes.Equal(r.Trailer, trailer(r.Seq)) {
			t.Errorf("record %d %q, want %d", r.Seq, r.Content, next)
		}
		next++
		return true
	})
	// All of it may have expired between two steps of Read.
	if now, _ := l.State(alpha); err == nil && next < s.Next && now.Tail < s.Next {
		err = fmt.Errorf("read up to %d of %d, the tail is %d", next, s.Next, now.Tail)
	}
	return err
}

// TestMergeLeavesLargeBlocks merges what is new, not what was merged before with
// little behind it.
func TestMergeLeavesLargeBlocks(t *testing.T) {
	o, c := clocked()
	o.BlockBytes = 4 << 10
	l := openLog(t, "/store", o)
	defer closeLog(t, l)
	trickle(t, l, c, alpha, 0, 30, 0)
	for _, want := range []Merged{{1, 30, 1, 1193}, {1, 8, 1, 354}} {
		m, err := l.Compact(alpha)
		if err != nil || m != want {
			t.Errorf("%+v, %v; want %+v", m, err, want)
		}
		s := stateOf(t, l)
		trickle(t, l, c, alpha, s.Next, s.Next+8, 0)
	}
	wantRange(t, l, alpha, 0, 0, 46)
	wantSums(t, l, alpha)
}

// TestMergeAcrossGrains leaves blocks alone that lie across grains, as the first
// format allowed, and what is partly below the tail.
func TestMergeAcrossGrains(t *testing.T) {
	o, _ := clocked()
	o.BlockBytes = 8 << 10
	l := openLog(t, "/store", o)
	for first := uint64(4035); first < 4155; first += 3 {
		b := NewBuilder(1 << 20)
		appendRange(t, b, alpha, first, first+3)
		all := b.block(0, 1e12)
		all.count, all.records = 3, b.memory.open // whatever grain they are in
		raw := make([]byte, all.len())
		all.encode(raw)
		if err := l.db.Set(blocks.appendKey(nil, alpha, first), raw, pebble.Sync); err != nil {
			t.Fatal(err)
		}
	}
	closeLog(t, l)
	l = openLog(t, "/store", o)
	defer closeLog(t, l)
	if err := l.RaiseTail(alpha, 4037); err != nil {
		t.Fatal(err)
	}
	wantSums(t, l, alpha)
	if m, err := l.Compact(alpha); err != nil || m.Before < 20 {
		t.Errorf("%+v, %v", m, err)
	}
	wantSums(t, l, alpha)
	wantRange(t, l, alpha, 0, 4037, 4155)
	if err := l.RaiseTail(alpha, 4100); err != nil {
		t.Fatal(err)
	}
	wantSums(t, l, alpha)
	wantRange(t, l, alpha, 0, 4100, 4155)
}

// TestMergeInSteps merges more than is written at once, and leaves a damaged
// block alone.
func TestMergeInSteps(t *testing.T) {
	o, _ := clocked()
	o.BlockBytes = 64 << 10
	o.FS = vfs.NewMem()
	l := openLog(t, "/store", o)
	defer closeLog(t, l)
	b := l.NewBuilder()
	large := fill(4 << 10)
	for seq := range uint64(700) {
		if err := b.Append(seq, large, nil); err != nil {
			t.Fatal(err)
		}
		commitBuilder(t, l, alpha, b)
	}
	spoil(t, l, alpha, 333, flip)
	m, err := l.Compact(alpha)
	if err != nil || m.Bytes < 2*stepBytes || m.After > 60 {
		t.Fatalf("%+v, %v", m, err)
	}
	next := uint64(0)
	visit := func(r Record) bool {
		if r.Seq != next || !bytes.Equal(r.Content, large) {
			t.Fatalf("record %d, want %d", r.Seq, next)
		}
		next++
		return true
	}
	wantCorrupt(t, l.Read(alpha, 0, 0, visit), 333, 334, true)
	next = 334
	if err := l.Read(alpha, next, 0, visit); err != nil || next != 700 {
		t.Errorf("up to %d, %v", next, err)
	}
	wantSums(t, l, alpha)
}
