package blocklog

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

var (
	alpha = Partition{"alpha", producer(1)}
	beta  = Partition{"beta", producer(2)}
)

func TestRoundTripAndReopen(t *testing.T) {
	o := small(vfs.NewMem())
	o.Now = func() time.Time { return time.UnixMilli(777) }
	l := openLog(t, "/store", o)
	// Topics and producers that are prefixes and neighbours of each other.
	ps := []Partition{{"hello", producer(1)}, {"hello", producer(2)}, {"hello2", producer(1)},
		{"hello\x01", producer(1)}, {"\xff", producer(3)}}
	for i, p := range ps {
		commitRange(t, l, p, 0, uint64(100+i))
	}
	want, _ := l.State(ps[0])
	if want.Tail != 0 || want.Next != 100 || want.Records != 100 || want.Updated != 777 || want.Bytes == 0 {
		t.Fatalf("state %+v", want)
	}
	uuid := l.UUID()
	for range 2 {
		for i, p := range ps {
			wantRange(t, l, p, 0, 0, uint64(100+i))
			wantRange(t, l, p, 63, 63, uint64(100+i))
			wantRange(t, l, p, 99, 99, uint64(100+i))
			wantRange(t, l, p, 1000, 0, 0)
			wantRange(t, l, p, math.MaxUint64, 0, 0)
		}
		wantRange(t, l, Partition{"hell", producer(1)}, 0, 0, 0)
		if got, _ := l.State(ps[0]); got != want {
			t.Fatalf("state %+v, want %+v", got, want)
		}
		if got := l.UUID(); got != uuid {
			t.Fatalf("uuid %s, was %s", got, uuid)
		}
		closeLog(t, l)
		l = openLog(t, "/store", o)
	}
	if l.DiskBytes() == 0 {
		t.Error("nothing on disk")
	}
	closeLog(t, l)
	if err := l.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

func TestPartitionsSorted(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	batch, b := l.NewBatch(), l.NewBuilder()
	want := []Partition{{"a", producer(1)}, {"a", producer(2)}, {"a\x01", producer(0)}, {"ab", producer(1)}, {"b", producer(0)}}
	for _, i := range []int{3, 0, 4, 2, 1} {
		b.Reset()
		appendRange(t, b, want[i], uint64(i), uint64(i+1))
		if err := batch.Add(want[i], b); err != nil {
			t.Fatal(err)
		}
	}
	for range l.Partitions() {
		t.Fatal("seen before it was committed")
	}
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	var got []Partition
	for p, s := range l.Partitions() {
		if s.Tail != uint64(len(got)) || s.Next != s.Tail+1 {
			t.Errorf("%v: %+v", p, s)
		}
		got = append(got, p)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for range l.Partitions() {
		break
	}
}

func TestReadLimits(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	commitRange(t, l, alpha, 0, 500)
	size := func(seq uint64) int { return len(content(alpha, seq)) + len(trailer(seq)) }
	for _, c := range []struct {
		from     uint64
		maxBytes int
		want     int
	}{
		{10, 1, 1}, {10, size(10), 1}, {10, size(10) + 1, 2}, {0, -1, 500}, {499, 1 << 20, 1}, {123, size(123) + size(124), 2},
	} {
		got, err := readSeqs(t, l, alpha, c.from, c.maxBytes)
		if err != nil || len(got) != c.want || got[0] != c.from {
			t.Errorf("from %d, %d bytes: %v, %v", c.from, c.maxBytes, got, err)
		}
	}
	visits := 0
	err := l.Read(alpha, 0, 0, func(r Record) bool { visits++; return r.Seq < 200 })
	if err != nil || visits != 201 {
		t.Fatalf("%d visits, %v", visits, err)
	}
}

func TestHoles(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/store", o)
	b := l.NewBuilder()
	appendRange(t, b, alpha, 10, 20) // begins above 0
	appendRange(t, b, alpha, 25, 30) // a hole inside a builder
	commitBuilder(t, l, alpha, b)
	commitRange(t, l, alpha, 90, 95) // and one between batches
	for range 2 {
		all := slices.Concat(sequence(10, 20), sequence(25, 30), sequence(90, 95))
		for from := uint64(0); from < 100; from++ {
			got, err := readSeqs(t, l, alpha, from, 0)
			want := all[:len(all):len(all)]
			for len(want) > 0 && want[0] < from {
				want = want[1:]
			}
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("from %d: %v, %v; want %v", from, got, err, want)
			}
		}
		if s, _ := l.State(alpha); s.Tail != 10 || s.Next != 95 || s.Records != 20 {
			t.Fatalf("state %+v", s)
		}
		closeLog(t, l)
		l = openLog(t, "/store", o)
	}
	closeLog(t, l)
}

func TestFirstWriteWins(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	commitRange(t, l, alpha, 5, 10)
	before, _ := l.State(alpha)
	for _, first := range []uint64{0, 5, 9} {
		batch, b := l.NewBatch(), NewBuilder(0)
		if err := b.Append(first, []byte("other"), nil); err != nil {
			t.Fatal(err)
		}
		if err := batch.Add(alpha, b); !errors.Is(err, ErrOverlap) {
			t.Fatalf("record %d was taken: %v", first, err)
		}
		if err := batch.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if after, _ := l.State(alpha); after != before {
		t.Fatalf("state %+v, was %+v", after, before)
	}
	wantRange(t, l, alpha, 0, 5, 10)
}

// TestBatchesInTurn commits a batch whose partition went on since Add.
func TestBatchesInTurn(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	one, two, b := l.NewBatch(), l.NewBatch(), l.NewBuilder()
	appendRange(t, b, alpha, 0, 3)
	for _, batch := range []*Batch{one, two} {
		if err := batch.Add(alpha, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := one.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := two.Commit(); !errors.Is(err, ErrOverlap) {
		t.Fatal(err)
	}
	if err := two.Commit(); !errors.Is(err, ErrCommitted) {
		t.Fatal(err)
	}
	if err := two.Add(alpha, b); !errors.Is(err, ErrCommitted) {
		t.Fatal(err)
	}
	wantRange(t, l, alpha, 0, 0, 3)
}

func TestBatchSamePartitionTwice(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	batch, b := l.NewBatch(), l.NewBuilder()
	for _, r := range [][2]uint64{{0, 40}, {40, 41}, {45, 90}} {
		b.Reset()
		appendRange(t, b, alpha, r[0], r[1])
		if err := batch.Add(alpha, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Add(alpha, b); !errors.Is(err, ErrOverlap) {
		t.Fatalf("added twice: %v", err)
	}
	if got, err := readSeqs(t, l, alpha, 0, 0); len(got) > 0 || err != nil {
		t.Fatalf("read before commit: %v, %v", got, err)
	}
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	wantRange(t, l, alpha, 41, 45, 90)
	if s, _ := l.State(alpha); s.Records != 86 || s.Next != 90 {
		t.Fatalf("state %+v", s)
	}
}

func TestDiscard(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	pendingRange(t, l, alpha, 0, 3).Discard()
	if _, ok := l.State(alpha); ok {
		t.Fatal("discarded batch left a state")
	}
	if err := l.NewBatch().Commit(); err != nil {
		t.Fatalf("empty batch: %v", err)
	}
}

func TestRefusedInput(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	b := NewBuilder(0)
	if err := b.Append(math.MaxUint64, nil, nil); !errors.Is(err, ErrSequence) {
		t.Errorf("last sequence: %v", err)
	}
	if err := b.Append(math.MaxUint64-1, []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Append(3, nil, nil); !errors.Is(err, ErrOverlap) {
		t.Errorf("descending: %v", err)
	}
	for _, p := range []Partition{{"", producer(1)}, {"a\x00b", producer(1)}, {"a", "nobody"}, {string(make([]byte, 256)), producer(1)}} {
		if err := l.NewBatch().Add(p, b); !errors.Is(err, ErrPartition) {
			t.Errorf("%v: %v", p, err)
		}
	}
	commitBuilder(t, l, alpha, b)
	if s, _ := l.State(alpha); s.Next != math.MaxUint64 {
		t.Errorf("state %+v", s)
	}
	for _, from := range []uint64{0, math.MaxUint64 - 1} {
		visits := 0
		err := l.Read(alpha, from, 0, func(Record) bool { visits++; return true })
		if err != nil || visits != 1 {
			t.Errorf("from %d: %d visits, %v", from, visits, err)
		}
	}
}

func TestLargeRecord(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem())) // memtable of 1 MiB
	defer closeLog(t, l)
	b, large := l.NewBuilder(), fill(5<<20)
	for seq, c := range [][]byte{[]byte("a"), large, []byte("b")} {
		if err := b.Append(uint64(seq), c, nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.spans) != 3 {
		t.Errorf("%d blocks, want 3", len(b.spans))
	}
	commitBuilder(t, l, alpha, b)
	err := l.Read(alpha, 1, 1, func(r Record) bool {
		if r.Seq != 1 || !bytes.Equal(r.Content, large) {
			t.Errorf("record %d with %d bytes", r.Seq, len(r.Content))
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestClosed(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	b := l.NewBuilder()
	appendRange(t, b, alpha, 0, 3)
	open := l.NewBatch()
	if err := open.Add(alpha, b); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	if err := open.Commit(); !errors.Is(err, ErrClosed) {
		t.Errorf("commit: %v", err)
	}
	if err := l.NewBatch().Add(alpha, b); !errors.Is(err, ErrClosed) {
		t.Errorf("add: %v", err)
	}
	if err := l.Read(alpha, 0, 0, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if l.DiskBytes() != 0 {
		t.Error("disk bytes of a closed log")
	}
}

func TestBuilderBlocks(t *testing.T) {
	b := NewBuilder(1 << 10)
	for seq := range uint64(100) {
		if err := b.Append(seq, make([]byte, 100), nil); err != nil {
			t.Fatal(err)
		}
	}
	if b.First() != 0 || b.Next() != 100 || b.Count() != 100 {
		t.Errorf("%d to %d, %d", b.First(), b.Next(), b.Count())
	}
	total := 0
	for i := range b.spans {
		n := b.block(i, 0).len()
		if n > 1<<10 {
			t.Errorf("block %d has %d bytes", i, n)
		}
		total += n
	}
	if total != b.Bytes() || len(b.spans) != 12 {
		t.Errorf("%d blocks, %d bytes, Bytes %d", len(b.spans), total, b.Bytes())
	}
	b.Reset()
	if b.First() != 0 || b.Next() != 0 || b.Count() != 0 || b.Bytes() != 0 {
		t.Error("not empty after Reset")
	}
	c := make([]byte, 100)
	seq := uint64(0)
	allocs := testing.AllocsPerRun(10, func() {
		b.Reset()
		for range 100 {
			if err := b.Append(seq, c, c[:10]); err != nil {
				t.Fatal(err)
			}
			seq++
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for 100 records", allocs)
	}
}

// TestReadersWhileCommitting has readers that follow the head. Under -race it
// also shows that nothing is shared that should not be.
func TestReadersWhileCommitting(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	const total, readers = 3000, 3
	var wg sync.WaitGroup
	errs := make(chan error, readers)
	for range readers {
		wg.Go(func() { errs <- follow(l, alpha, total) })
	}
	b := l.NewBuilder()
	for seq := uint64(0); seq < total; seq += 30 {
		appendRange(t, b, alpha, seq, seq+30)
		commitBuilder(t, l, alpha, b)
		if seq == total/2 {
			if err := l.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	wg.Wait()
	for range readers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	closeLog(t, l)
}

// follow reads p up to total, in sequence, and never beyond its state.
func follow(l *Log, p Partition, total uint64) error {
	for next := uint64(0); next < total; {
		var bad error
		err := l.Read(p, next, 500, func(r Record) bool {
			if r.Seq != next || !bytes.Equal(r.Content, content(p, r.Seq)) || !bytes.Equal(r.Trailer, trailer(r.Seq)) {
				bad = fmt.Errorf("record %d %q, want %d", r.Seq, r.Content, next)
			}
			next++
			return bad == nil
		})
		if err = errors.Join(err, bad); err != nil {
			return err
		}
		for q, s := range l.Partitions() {
			if q != p || s.Next < next {
				return fmt.Errorf("read up to %d, the state of %v is %+v", next, q, s)
			}
		}
	}
	return nil
}

// TestBuilderMemory fills builders with records of many sizes: each is where it
// was put, whatever chunk its block went to, and a builder that was reset takes no
// further memory for what it held before.
func TestBuilderMemory(t *testing.T) {
	for _, blockBytes := range []int{1 << 10, DefaultBlockBytes, 1 << 20} {
		b, content := NewBuilder(blockBytes), fill(300<<10)
		sizes := []int{0, 1, 100, 5000, 70_000, 300 << 10, 10, 2000}
		fillUp := func() {
			for seq := range uint64(2000) {
				if err := b.Append(seq, content[:sizes[seq*seq%8]], content[:seq%3]); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range 2 {
			fillUp()
			total := 0
			for i := range b.spans {
				block := b.block(i, 1)
				if err := block.check(); err != nil {
					t.Fatalf("block %d: %v", i, err)
				}
				block.visit(0, func(r Record) bool {
					if want := sizes[r.Seq*r.Seq%8]; !bytes.Equal(r.Content, content[:want]) || len(r.Trailer) != int(r.Seq%3) {
						t.Fatalf("record %d has %d bytes and a trailer of %d", r.Seq, len(r.Content), len(r.Trailer))
					}
					return true
				})
				total += block.len()
			}
			if total != b.Bytes() || b.Count() != 2000 {
				t.Errorf("%d records, %d bytes, Bytes %d", b.Count(), total, b.Bytes())
			}
			b.Reset()
			if len(b.memory.full) > 0 || cap(b.memory.open) > chunkBytes {
				t.Errorf("%d chunks and %d bytes kept", len(b.memory.full), cap(b.memory.open))
			}
		}
	}
}

// TestBatchTooLarge has a batch that is nearly full refuse what it has no room for.
func TestBatchTooLarge(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	commitRange(t, l, alpha, 0, 10)
	commitBare(t, l, 20, 30)
	batch, hole, behind := l.NewBatch(), l.NewBuilder(), l.NewBuilder()
	appendRange(t, hole, alpha, 10, 20)
	appendRange(t, behind, alpha, 30, 40)
	batch.bytes = MaxBatch - 10
	for what, err := range map[string]error{
		"add": batch.Add(alpha, behind), "fill": batch.Fill(alpha, hole), "complete": batch.Complete(alpha, completing(t, l, Range{20, 30})),
	} {
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", what, err)
		}
	}
	batch.bytes = 0
	if err := errors.Join(batch.Fill(alpha, hole), batch.Add(alpha, behind), batch.Commit()); err != nil {
		t.Fatal(err)
	}
	wantRange(t, l, alpha, 0, 0, 40)
	if s := stateOf(t, l); s.Bare != 10 {
		t.Errorf("%+v", s)
	}
}
