package blocklog

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestDigestDefinition pins the digests: other stores compute them too.
func TestDigestDefinition(t *testing.T) {
	for _, c := range []struct {
		seq     uint64
		content string
		want    uint64
	}{{0, "", 0x6a9fc0cf8e5dcf7e}, {0, "hello", 0xe1053773233f6df3}, {1, "hello", 0x5b94dc16102acdac}} {
		if got := recordDigest(c.seq, []byte(c.content)); got != c.want {
			t.Errorf("record %d %q: %#x, want %#x", c.seq, c.content, got, c.want)
		}
	}
}

// TestDigestsAgree compares two stores with the same records, of which one has
// other blocks, no trailers, another tail, and got its middle last.
func TestDigestsAgree(t *testing.T) {
	const next = 5*GrainRecords + 10
	a, b := openLog(t, "/a", small(vfs.NewMem())), openLog(t, "/b", small(vfs.NewMem()))
	defer closeLog(t, a)
	defer closeLog(t, b)
	commitRange(t, a, alpha, 0, next)
	put := func(add func(*Batch, *Builder) error, first, next uint64) {
		batch, builder := b.NewBatch(), NewBuilder(3000)
		for seq := first; seq < next; seq++ {
			if err := builder.Append(seq, content(alpha, seq), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(add(batch, builder), batch.Commit()); err != nil {
			t.Fatal(err)
		}
	}
	add := func(batch *Batch, records *Builder) error { return batch.Add(alpha, records) }
	fill := func(batch *Batch, records *Builder) error { return batch.Fill(alpha, records) }
	put(add, 100, 6000)
	put(add, 9000, next)
	low, high := stateOf(t, b).DigestRange()
	if low != GrainRecords || high != 5*GrainRecords {
		t.Fatalf("%d to %d", low, high)
	}
	if same(t, a, b, low, high) {
		t.Error("a hole makes no difference")
	}
	put(fill, 6000, 9000)
	if err := a.RaiseTail(alpha, 7000); err != nil {
		t.Fatal(err)
	}
	low, high = stateOf(t, a).DigestRange()
	if low != 2*GrainRecords || !same(t, a, b, low, high) {
		t.Errorf("from %d to %d they differ", low, high)
	}
	for from := low; from <= high; from += GrainRecords {
		for to := from; to <= high; to += GrainRecords {
			if !same(t, a, b, from, to) {
				t.Errorf("from %d to %d they differ", from, to)
			}
		}
	}
	if s := stateOf(t, a); s.Digest == 0 {
		t.Error("no digest")
	} else if newest, ok := a.Digest(alpha, high); !ok || newest != s.Digest {
		t.Errorf("%x, %v; the state has %x", newest, ok, s.Digest)
	}
}

func stateOf(t fataler, l *Log) State {
	t.Helper()
	s, ok := l.State(alpha)
	if !ok {
		t.Fatal("no state")
	}
	return s
}

func same(t fataler, a, b *Log, from, to uint64) bool {
	t.Helper()
	_, x, err := a.Sums(alpha, from, to)
	_, y, err2 := b.Sums(alpha, from, to)
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return x == y
}

// TestDigestFindsDifference halves the difference of two stores down to the
// grain, for a content that is other, and for two that changed places.
func TestDigestFindsDifference(t *testing.T) {
	const grainCount = 9
	for name, change := range map[string]func(seq uint64, content []byte) []byte{
		"other": func(seq uint64, c []byte) []byte {
			if seq == 5*GrainRecords+17 {
				return []byte("other")
			}
			return c
		},
		"swapped": func(seq uint64, c []byte) []byte {
			switch seq {
			case 5*GrainRecords + 17:
				return content(alpha, seq+1)
			case 5*GrainRecords + 18:
				return content(alpha, seq-1)
			}
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := openLog(t, "/a", small(vfs.NewMem())), openLog(t, "/b", small(vfs.NewMem()))
			defer closeLog(t, a)
			defer closeLog(t, b)
			commitRange(t, a, alpha, 0, grainCount*GrainRecords)
			builder := b.NewBuilder()
			for seq := range uint64(grainCount * GrainRecords) {
				if err := builder.Append(seq, change(seq, content(alpha, seq)), nil); err != nil {
					t.Fatal(err)
				}
			}
			commitBuilder(t, b, alpha, builder)
			low, high := uint64(0), uint64(grainCount)
			for high-low > 1 {
				if mid := (low + high) / 2; same(t, a, b, low*GrainRecords, mid*GrainRecords) {
					low = mid
				} else {
					high = mid
				}
			}
			if low != 5 {
				t.Errorf("found in grain %d", low)
			}
		})
	}
}

func TestDigestUnknown(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	commitRange(t, l, alpha, 5000, 5*GrainRecords-1)
	for _, at := range []uint64{0, 1, GrainRecords, 2 * GrainRecords, 3*GrainRecords + 1, 5 * GrainRecords, 1 << 63} {
		if d, ok := l.Digest(alpha, at); ok {
			t.Errorf("at %d: %x", at, d)
		}
	}
	for _, at := range []uint64{3 * GrainRecords, 4 * GrainRecords} {
		if _, ok := l.Digest(alpha, at); !ok {
			t.Errorf("none at %d", at)
		}
	}
	for _, r := range []Range{{1, 8192}, {4096, 8192}, {8192, 5 * 4096}, {3 * 4096, 2 * 4096}} {
		if n, d, err := l.Sums(alpha, r.First, r.Next); !errors.Is(err, ErrRange) {
			t.Errorf("%v: %d, %x, %v", r, n, d, err)
		}
	}
	if _, ok := l.Digest(Partition{"unknown", producer(1)}, GrainRecords); ok {
		t.Error("of an unknown partition")
	}
}

// TestDigestOfLongPartition reads few sums for what is near either end.
func TestDigestOfLongPartition(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	b := NewBuilder(0)
	want := map[uint64]uint64{}
	sum := uint64(0)
	for seq := range uint64(40 * GrainRecords) {
		c := fmt.Append(nil, seq)
		if err := b.Append(seq, c, nil); err != nil {
			t.Fatal(err)
		}
		if sum += recordDigest(seq, c); (seq+1)%GrainRecords == 0 {
			want[seq+1] = sum
		}
	}
	commitBuilder(t, l, alpha, b)
	for at, digest := range want {
		if got, ok := l.Digest(alpha, at); !ok || got != digest {
			t.Errorf("at %d: %x, %v; want %x", at, got, ok, digest)
		}
	}
}

// TestSums counts the records of every range, of a partition with a hole and a
// tail within a grain, and says of two stores which lacks some.
func TestSums(t *testing.T) {
	const next = 9*GrainRecords + 10
	a, b := openLog(t, "/a", small(vfs.NewMem())), openLog(t, "/b", small(vfs.NewMem()))
	defer closeLog(t, a)
	defer closeLog(t, b)
	commitRange(t, a, alpha, 0, next)
	commitRange(t, b, alpha, 0, 5*GrainRecords+100)
	commitRange(t, b, alpha, 5*GrainRecords+103, next)
	for _, tail := range []uint64{0, 1, GrainRecords - 1, GrainRecords, GrainRecords + 1} {
		if err := errors.Join(a.RaiseTail(alpha, tail), b.RaiseTail(alpha, tail)); err != nil {
			t.Fatal(err)
		}
		low, high := stateOf(t, a).DigestRange()
		for from := low; from <= high; from += GrainRecords {
			for to := from; to <= high; to += GrainRecords {
				all, x, err := a.Sums(alpha, from, to)
				some, y, err2 := b.Sums(alpha, from, to)
				lacks := uint64(0)
				if from <= 5*GrainRecords && to > 5*GrainRecords {
					lacks = 3
				}
				if err = errors.Join(err, err2); err != nil || all != to-from || some != all-lacks || (x == y) != (lacks == 0) {
					t.Errorf("tail %d, %d to %d: %d records, %x; %d, %x; %v", tail, from, to, all, x, some, y, err)
				}
			}
		}
	}
}

// TestSumsWhileSyncing sums up while a change is in Pebble but not synced: what is
// outside a range and what is in all are of one time.
func TestSumsWhileSyncing(t *testing.T) {
	const next = 9 * GrainRecords
	for name, change := range map[string]func(l *Log) error{
		"fill": func(l *Log) error { return fillRange(l, t, alpha, 8*GrainRecords+5, 8*GrainRecords+10) },
		"trim": func(l *Log) error { return l.RaiseTail(alpha, 5) },
	} {
		t.Run(name, func(t *testing.T) {
			o, hold, held, release := hangingSync()
			l := openLog(t, "/store", o)
			defer closeLog(t, l)
			defer release()
			commitRange(t, l, alpha, 0, 8*GrainRecords+5)
			commitRange(t, l, alpha, 8*GrainRecords+10, next)
			want := uint64(0)
			for seq := uint64(GrainRecords); seq < 8*GrainRecords; seq++ {
				want += recordDigest(seq, content(alpha, seq))
			}
			hold()
			done := make(chan error, 1)
			go func() { done <- change(l) }()
			await(t, held)
			n, digest, err := l.Sums(alpha, GrainRecords, 8*GrainRecords)
			release()
			if err = errors.Join(err, <-done); err != nil || n != 7*GrainRecords || digest != want {
				t.Errorf("%d records, %x, %v; want %d, %x", n, digest, err, 7*GrainRecords, want)
			}
		})
	}
}
