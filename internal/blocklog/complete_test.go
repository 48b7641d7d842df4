package blocklog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fullTrailer is what completion brings for a record.
func fullTrailer(seq uint64) []byte { return append([]byte("complete "), content(alpha, seq)...) }

// appendBare appends records as a foreign store gives them.
func appendBare(t fataler, b *Builder, first, next uint64) {
	t.Helper()
	b.Bare(true)
	defer b.Bare(false)
	for seq := first; seq < next; seq++ {
		if err := b.Append(seq, content(alpha, seq), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func commitBare(t fataler, l *Log, first, next uint64) {
	t.Helper()
	b := l.NewBuilder()
	appendBare(t, b, first, next)
	commitBuilder(t, l, alpha, b)
}

// completing returns a builder with the records of ranges, whole.
func completing(t fataler, l *Log, ranges ...Range) *Builder {
	t.Helper()
	b := l.NewBuilder()
	for _, r := range ranges {
		for seq := r.First; seq < r.Next; seq++ {
			if err := b.Append(seq, content(alpha, seq), fullTrailer(seq)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b
}

func complete(t fataler, l *Log, ranges ...Range) {
	t.Helper()
	batch := l.NewBatch()
	if err := errors.Join(batch.Complete(alpha, completing(t, l, ranges...)), batch.Commit()); err != nil {
		t.Fatal(err)
	}
}

// wantBare fails unless alpha holds exactly these ranges bare, every other record
// has the trailer that completion brings, and contents and times are as ever.
func wantBare(t fataler, l *Log, firstSeen int64, want ...Range) {
	t.Helper()
	got, err := l.BareRanges(alpha)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("bare %v, %v; want %v", got, err, want)
	}
	count := uint64(0)
	if err := l.Read(alpha, 0, 0, func(r Record) bool {
		bare := slices.ContainsFunc(want, func(w Range) bool { return w.First <= r.Seq && r.Seq < w.Next })
		trailer := fullTrailer(r.Seq)
		if bare {
			trailer, count = nil, count+1
		}
		if r.Bare != bare || !bytes.Equal(r.Content, content(alpha, r.Seq)) || !bytes.Equal(r.Trailer, trailer) ||
			r.FirstSeen != firstSeen {
			t.Fatalf("%+v", r)
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if s := stateOf(t, l); s.Bare != count {
		t.Fatalf("%+v, bare are %d", s, count)
	}
	wantSums(t, l, alpha)
	wantApart(t, l, alpha)
}

// wantApart fails if two blocks of a partition hold the same sequence, those below
// the tail included.
func wantApart(t fataler, l *Log, p Partition) {
	t.Helper()
	next := uint64(0)
	if err := eachKey(l.db, blocks.appendKey(nil, p, 0), blocks.appendEnd(nil, p), func(_, raw []byte) error {
		b, err := parseBlock(raw)
		if err != nil || b.first < next {
			return fmt.Errorf("block at %d, the one before ends at %d; %v", b.first, next, err)
		}
		next = b.next()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestCompleteIsNoticed by what was planned before: merging would bring back what
// is bare, trimming count it.
func TestCompleteIsNoticed(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	for seq := range uint64(40) {
		commitBare(t, l, seq, seq+1)
	}
	m, before, err := l.findRuns(alpha, 0, 0)
	if err != nil || len(m.runs) == 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	complete(t, l, Range{10, 20})
	if _, now, _ := l.look(alpha); now == before {
		t.Error("what was found before still counts")
	}
}

// TestComplete has bare records completed in pieces, some of them not held, over
// restarts and merging.
func TestComplete(t *testing.T) {
	o, c := clocked()
	l := openLog(t, "/store", o)
	commitBare(t, l, 0, 100)
	commitBare(t, l, 120, 4200)
	seen, before := c.Now().UnixMilli(), stateOf(t, l)
	c.wait(time.Hour)
	for _, step := range []struct {
		give []Range
		left []Range
	}{
		{nil, []Range{{0, 100}, {120, 4200}}},
		{[]Range{{3, 7}, {50, 51}}, []Range{{0, 3}, {7, 50}, {51, 100}, {120, 4200}}},
		{[]Range{{90, 130}}, []Range{{0, 3}, {7, 50}, {51, 90}, {130, 4200}}},
		{[]Range{{4090, 4100}, {4199, 5000}}, []Range{{0, 3}, {7, 50}, {51, 90}, {130, 4090}, {4100, 4199}}},
		{[]Range{{0, 2000}}, []Range{{2000, 4090}, {4100, 4199}}},
		{[]Range{{0, 2000}}, []Range{{2000, 4090}, {4100, 4199}}}, // again
		{[]Range{{2000, 5000}}, nil},
	} {
		complete(t, l, step.give...)
		for range 2 {
			wantBare(t, l, seen, step.left...)
			if _, err := l.Compact(alpha); err != nil {
				t.Fatal(err)
			}
			wantBare(t, l, seen, step.left...)
			closeLog(t, l)
			l = openLog(t, "/store", o)
		}
		wantHoles(t, l, alpha, Range{100, 120})
		s := stateOf(t, l)
		if s.Records != before.Records || s.Content != before.Content || s.Digest != before.Digest || s.Updated != before.Updated {
			t.Fatalf("%+v, was %+v", s, before)
		}
	}
	closeLog(t, l)
}

// TestCompleteConflict changes nothing where contents differ, and names the first
// record that does.
func TestCompleteConflict(t *testing.T) {
	l, c := openClocked(t)
	commitBare(t, l, 0, 100)
	b := completing(t, l, Range{10, 70})
	for seq := uint64(70); seq < 80; seq++ {
		if err := b.Append(seq, []byte("other"), nil); err != nil {
			t.Fatal(err)
		}
	}
	batch := l.NewBatch()
	err := batch.Complete(alpha, b)
	if bad := new(ConflictError); !errors.Is(err, ErrConflict) || !errors.As(err, &bad) || *bad != (ConflictError{alpha, 70}) {
		t.Fatal(err)
	}
	if err := batch.Complete(alpha, completing(t, l, Range{0, 5}, Range{20, 30})); err != nil {
		t.Fatal(err)
	}
	if err := batch.Complete(alpha, completing(t, l, Range{29, 40})); !errors.Is(err, ErrOverlap) {
		t.Error(err)
	}
	if err := errors.Join(batch.Complete(alpha, completing(t, l, Range{5, 20})), batch.Commit()); err != nil {
		t.Fatal(err)
	}
	wantBare(t, l, c.Now().UnixMilli(), Range{30, 100})
}

// TestCompleteConflictAtCommit has a damaged block filled in with other contents
// meanwhile: the batch changes nothing at all.
func TestCompleteConflictAtCommit(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	commitBare(t, l, 0, 10)
	batch, b := l.NewBatch(), l.NewBuilder()
	appendRange(t, b, alpha, 10, 20)
	if err := errors.Join(batch.Complete(alpha, completing(t, l, Range{0, 10})), batch.Add(alpha, b)); err != nil {
		t.Fatal(err)
	}
	spoil(t, l, alpha, 0, flip)
	_, err := readSeqs(t, l, alpha, 0, 0)
	wantCorrupt(t, err, 0, 10, true)
	b.Reset()
	b.Bare(true)
	for seq := range uint64(10) {
		if err := b.Append(seq, []byte("other"), nil); err != nil {
			t.Fatal(err)
		}
	}
	fill := l.NewBatch()
	if err := errors.Join(fill.Fill(alpha, b), fill.Commit()); err != nil {
		t.Fatal(err)
	}
	before := stateOf(t, l)
	bad := new(ConflictError)
	if err := batch.Commit(); !errors.As(err, &bad) || bad.Seq != 0 {
		t.Fatal(err)
	}
	if s := stateOf(t, l); s != before {
		t.Errorf("%+v, was %+v", s, before)
	}
	wantSums(t, l, alpha)
}

// TestCompleteLeavesAlone what is not bare, whatever is given, and partitions that
// are not known.
func TestCompleteLeavesAlone(t *testing.T) {
	l, c := openClocked(t)
	commitRange(t, l, alpha, 0, 100)
	before := stateOf(t, l)
	b := l.NewBuilder()
	for seq := range uint64(200) {
		if err := b.Append(seq, []byte("other"), []byte("trailer")); err != nil {
			t.Fatal(err)
		}
	}
	unknown := Partition{"unknown", producer(1)}
	batch := l.NewBatch()
	c.wait(time.Hour)
	if err := errors.Join(batch.Complete(alpha, b), batch.Complete(unknown, b), batch.Commit()); err != nil {
		t.Fatal(err)
	}
	if s := stateOf(t, l); s != before {
		t.Errorf("%+v, was %+v", s, before)
	}
	if _, known := l.State(unknown); known {
		t.Error("a partition came to be")
	}
	wantRange(t, l, alpha, 0, 0, 100)
	if err := l.NewBatch().Complete(Partition{"", ""}, b); !errors.Is(err, ErrPartition) {
		t.Error(err)
	}
	if err := batch.Complete(alpha, b); !errors.Is(err, ErrCommitted) {
		t.Error(err)
	}
}

// TestCompleteAboveRisingTail has the tail rise into blocks that are completed.
func TestCompleteAboveRisingTail(t *testing.T) {
	for _, tail := range []uint64{0, 1, 25, 39, 40, 41, 60, 80, 99, 100, 120} {
		o, c := clocked()
		l := openLog(t, "/store", o)
		for first := range uint64(5) {
			commitBare(t, l, 20*first, 20*first+20)
		}
		batch := l.NewBatch()
		if err := batch.Complete(alpha, completing(t, l, Range{10, 50}, Range{70, 75})); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(l.RaiseTail(alpha, tail), batch.Commit()); err != nil {
			t.Fatal(err)
		}
		var want holes
		for _, r := range []Range{{0, 10}, {50, 70}, {75, 100}} {
			want.add(max(r.First, tail), r.Next)
		}
		for range 2 {
			wantBare(t, l, c.Now().UnixMilli(), want.ranges...)
			if s := stateOf(t, l); s.Records != 100-min(100, tail) {
				t.Errorf("tail %d: %+v", tail, s)
			}
			closeLog(t, l)
			l = openLog(t, "/store", o)
		}
		closeLog(t, l)
	}
}

// TestCompleteForgotten forgets a partition while a batch completes it.
func TestCompleteForgotten(t *testing.T) {
	o, c := clocked()
	l := openLog(t, "/store", o)
	commitBare(t, l, 0, 10)
	batch, b, other := l.NewBatch(), l.NewBuilder(), Partition{"other", producer(1)}
	appendRange(t, b, other, 0, 10)
	if err := errors.Join(batch.Complete(alpha, completing(t, l, Range{0, 10})), batch.Add(other, b)); err != nil {
		t.Fatal(err)
	}
	c.wait(2 * time.Hour)
	enforce(t, l, c.Now(), "alpha=age:1h")
	c.wait(31 * 24 * time.Hour)
	if report := enforce(t, l, c.Now(), "alpha=age:1h"); len(report.Forgotten) != 1 {
		t.Fatalf("%+v", report)
	}
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if s, known := l.State(alpha); known {
			t.Errorf("it is back: %+v", s)
		}
		wantRange(t, l, other, 0, 0, 10)
		closeLog(t, l)
		l = openLog(t, "/store", o)
	}
	closeLog(t, l)
}

// TestBareRangesBounded has bare and other records in turn.
func TestBareRangesBounded(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	b := l.NewBuilder()
	for seq := uint64(0); seq < 3*maxHoles; seq += 2 {
		appendRange(t, b, alpha, seq, seq+1)
		appendBare(t, b, seq+1, seq+2)
	}
	commitBuilder(t, l, alpha, b)
	got, err := l.BareRanges(alpha)
	if err != nil || len(got) != maxHoles || got[0] != (Range{1, 2}) || got[maxHoles-1] != (Range{2*maxHoles - 1, 2 * maxHoles}) {
		t.Fatalf("%d, %v", len(got), err)
	}
	if got, err := l.BareRanges(Partition{"unknown", producer(1)}); err != nil || got != nil {
		t.Error(got, err)
	}
}

// TestBareOfOlderVersion goes on with sums that a version wrote which did not know
// that records were bare, and with blocks that have flags of a later one.
func TestBareOfOlderVersion(t *testing.T) {
	l, _ := openClocked(t)
	commitBare(t, l, 0, 5000)
	g, err := l.closedGrain(alpha, 0)
	if err != nil || g.bare != GrainRecords {
		t.Fatalf("%+v, %v", g, err)
	}
	g.bare = 0
	if err := l.db.Set(grains.appendKey(nil, alpha, 0), g.append(nil), nil); err != nil {
		t.Fatal(err)
	}
	if got, err := l.BareRanges(alpha); err != nil || !slices.Equal(got, []Range{{GrainRecords, 5000}}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, tail := range []uint64{10, 4500, 5000} {
		if err := l.RaiseTail(alpha, tail); err != nil {
			t.Fatal(err)
		}
		if s := stateOf(t, l); s.Bare > 5000 || tail == 5000 && s.Bare != 0 {
			t.Errorf("%+v", s)
		}
	}
	raw := reseal(encodeBlock(t, 3, 3), func(b []byte) { b[1] = 0xfe })
	if b, err := parseBlock(raw); err != nil || b.bare || b.count != 3 {
		t.Errorf("%+v, %v", b, err)
	}
}
