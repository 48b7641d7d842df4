package blocklog

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// unpack puts a store from testdata into a directory and returns it.
func unpack(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for in := tar.NewReader(zip); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.FileInfo().IsDir() {
			err = os.MkdirAll(path, 0o755)
		} else if content, e := io.ReadAll(in); e == nil {
			err = os.WriteFile(path, content, 0o600)
		} else {
			err = e
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestOpenFormat1 opens a store that was written before there were sums, and
// goes on with it. It has blocks that lie across grains, a hole, a block in
// quarantine, and one in a file of its own; some is in the write-ahead log only.
func TestOpenFormat1(t *testing.T) {
	dir := unpack(t, "format1.tar.gz")
	o := small(nil)
	l := openLog(t, dir, o)
	beta, gamma := Partition{"beta", producer(1)}, Partition{"gamma", producer(2)}
	large := Partition{"large", producer(2)}
	want := map[Partition]State{
		alpha: {Tail: 0, Next: 30, Records: 20, Blocks: 2},
		beta:  {Tail: 10, Next: 40, Records: 25, Blocks: 3},
		gamma: {Tail: 0, Next: 9000, Records: 9000, Content: 9000, Bytes: 27182, Blocks: 7},
		large: {Tail: 7, Next: 8, Records: 1, Content: 6 << 10, Bytes: 6173, Blocks: 1},
	}
	for range 2 {
		for p, s := range l.Partitions() {
			w := want[p]
			if s.Tail != w.Tail || s.Next != w.Next || s.Records != w.Records || s.Blocks != w.Blocks ||
				w.Content > 0 && (s.Content != w.Content || s.Bytes != w.Bytes) || s.Updated == 0 {
				t.Errorf("%v: %+v, want %+v", p, s, w)
			}
			wantSums(t, l, p)
		}
		wantHoles(t, l, alpha, Range{10, 20})
		wantHoles(t, l, beta, Range{20, 25})
		got, err := readSeqs(t, l, beta, 0, 0)
		if err != nil || !slices.Equal(got, slices.Concat(sequence(10, 20), sequence(25, 40))) {
			t.Errorf("%v, %v", got, err)
		}
		if err := l.Read(large, 0, 0, func(r Record) bool {
			if !bytes.Equal(r.Content, fill(6<<10)) {
				t.Error("large record is wrong")
			}
			return true
		}); err != nil {
			t.Error(err)
		}
		closeLog(t, l)
		l = openLog(t, dir, o)
	}
	defer closeLog(t, l)
	wantGamma(t, l, gamma, 0, 9000)
	if err := fillRange(l, t, beta, 20, 25); err != nil {
		t.Fatal(err)
	}
	wantRange(t, l, beta, 0, 10, 40)
	// Tails within and around the blocks that lie across.
	for _, tail := range []uint64{4000, 4096, 4100, 8191, 8192, 8200} {
		if err := l.RaiseTail(gamma, tail); err != nil {
			t.Fatal(err)
		}
		wantGamma(t, l, gamma, tail, 9000)
		wantSums(t, l, gamma)
	}
	if _, err := l.Compact(beta); err != nil {
		t.Fatal(err)
	}
	wantSums(t, l, beta)
}

func wantGamma(t *testing.T, l *Log, p Partition, first, next uint64) {
	t.Helper()
	if err := l.Read(p, 0, 0, func(r Record) bool {
		if r.Seq != first || string(r.Content) != fmt.Sprint(r.Seq%10) {
			t.Fatalf("record %d %q, want %d", r.Seq, r.Content, first)
		}
		first++
		return true
	}); err != nil || first != next {
		t.Fatalf("up to %d: %v", first, err)
	}
}

// TestFormat1TrimmedByRules trims blocks that lie across grains.
func TestFormat1TrimmedByRules(t *testing.T) {
	gamma := Partition{"gamma", producer(2)}
	for _, keep := range []uint64{8999, 5000, 4905, 4904, 4903, 809, 808, 807, 1} {
		l := openLog(t, unpack(t, "format1.tar.gz"), small(nil))
		enforce(t, l, l.opts.Now(), fmt.Sprintf("gamma=records:%d", keep))
		wantGamma(t, l, gamma, 9000-keep, 9000)
		wantSums(t, l, gamma)
		enforce(t, l, l.opts.Now(), "gamma=bytes:1")
		wantGamma(t, l, gamma, 8999, 9000)
		wantSums(t, l, gamma)
		closeLog(t, l)
	}
}

// TestOpenState2 opens a store that was written before records were known as bare:
// its states are of version 2, its sums have six values. It has holes, closed and
// open grains, merged blocks, a raised tail, a tombstone and a block in quarantine.
func TestOpenState2(t *testing.T) {
	dir := unpack(t, "state2.tar.gz")
	beta, gone := Partition{"beta", producer(1)}, Partition{"gone", producer(2)}
	const then = 1_700_003_600_000
	want := map[Partition]State{
		alpha: {Tail: 50, Next: 9000, Records: 8917, Content: 388296, Bytes: 456522, Blocks: 461,
			Updated: then, Digest: 10901810611737384845},
		beta: {Next: 30, Records: 30, Content: 886, Bytes: 1156, Blocks: 4, Updated: then},
		gone: {Tail: 77, Next: 77, Emptied: then, Purged: 77, PurgedAt: then},
	}
	l := openLog(t, dir, small(nil))
	for range 2 {
		for p, w := range want {
			s, _ := l.State(p)
			if w.Expired = s.Expired; s != w {
				t.Errorf("%v: %+v, want %+v", p, s, w)
			}
			wantSums(t, l, p)
			if bare, err := l.BareRanges(p); err != nil || bare != nil {
				t.Errorf("%v: bare %v, %v", p, bare, err)
			}
		}
		wantHoles(t, l, alpha, Range{100, 105}, Range{110, 120}, Range{8192, 8210})
		if n, _ := l.ConflictCount(); n != 0 {
			t.Errorf("%d conflicts", n)
		}
		closeLog(t, l)
		l = openLog(t, dir, small(nil))
	}
	defer closeLog(t, l)
	// It goes on with what it did not know: bare records, in its grains and behind.
	b := l.NewBuilder()
	appendBare(t, b, 8195, 8200)
	batch := l.NewBatch()
	if err := errors.Join(batch.Fill(alpha, b), batch.Commit()); err != nil {
		t.Fatal(err)
	}
	commitBare(t, l, 9000, 9100)
	complete(t, l, Range{8190, 9050})
	if bare, err := l.BareRanges(alpha); err != nil || !slices.Equal(bare, []Range{{9050, 9100}}) {
		t.Errorf("bare %v, %v", bare, err)
	}
	wantSums(t, l, alpha)
}
