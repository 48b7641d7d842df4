package blocklog

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

// producer returns the address of the n-th producer.
func producer(n int) string { return fmt.Sprintf("%032X", n) }

// small are options for tests in memory: everything happens with few records.
func small(fs vfs.FS) Options {
	return Options{FS: fs, BlockBytes: 1 << 10, CacheBytes: 1 << 20, MemTableBytes: 1 << 20, Logger: quiet}
}

// fataler is what testing.TB and rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
	Fatal(args ...any)
}

func openLog(t fataler, dir string, o Options) *Log {
	t.Helper()
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeLog(t fataler, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// commitBuilder commits one builder and resets it.
func commitBuilder(t fataler, l *Log, p Partition, b *Builder) {
	t.Helper()
	batch := l.NewBatch()
	if err := batch.Add(p, b); err != nil {
		t.Fatal(err)
	}
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	b.Reset()
}

// pendingRange returns a batch with records first to next-1 of p, to be committed.
func pendingRange(t fataler, l *Log, p Partition, first, next uint64) *Batch {
	t.Helper()
	batch, b := l.NewBatch(), l.NewBuilder()
	appendRange(t, b, p, first, next)
	if err := batch.Add(p, b); err != nil {
		t.Fatal(err)
	}
	return batch
}

// content and trailer are what the tests store under a sequence. Every third
// record has a trailer.
func content(p Partition, seq uint64) []byte {
	return []byte(strings.Repeat(fmt.Sprintf("%s-%d.", p.Topic, seq), int(1+seq%7)))
}

func trailer(seq uint64) []byte {
	if seq%3 != 0 {
		return nil
	}
	return fmt.Appendf(nil, "trailer %d", seq)
}

func appendRange(t fataler, b *Builder, p Partition, first, next uint64) {
	t.Helper()
	for seq := first; seq < next; seq++ {
		if err := b.Append(seq, content(p, seq), trailer(seq)); err != nil {
			t.Fatal(err)
		}
	}
}

// commitRange commits records first to next-1 of p.
func commitRange(t fataler, l *Log, p Partition, first, next uint64) {
	t.Helper()
	b := l.NewBuilder()
	appendRange(t, b, p, first, next)
	commitBuilder(t, l, p, b)
}

// readSeqs reads everything from a sequence on, compares the bytes and returns
// the sequences.
func readSeqs(t fataler, l *Log, p Partition, from uint64, maxBytes int) ([]uint64, error) {
	t.Helper()
	var seqs []uint64
	err := l.Read(p, from, maxBytes, func(r Record) bool {
		if !bytes.Equal(r.Content, content(p, r.Seq)) || !bytes.Equal(r.Trailer, trailer(r.Seq)) && (!r.Bare || r.Trailer != nil) {
			t.Fatalf("%v record %d is %q %q", p, r.Seq, r.Content, r.Trailer)
		}
		seqs = append(seqs, r.Seq)
		return true
	})
	return seqs, err
}

// wantRange fails unless exactly first to next-1 can be read from "from" on.
func wantRange(t fataler, l *Log, p Partition, from, first, next uint64) {
	t.Helper()
	seqs, err := readSeqs(t, l, p, from, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(seqs), fmt.Sprint(sequence(first, next)); got != want {
		t.Fatalf("read %v from %d: %s, want %s", p, from, got, want)
	}
}

func sequence(first, next uint64) []uint64 {
	var out []uint64
	for ; first < next; first++ {
		out = append(out, first)
	}
	return out
}

// encodeBlock returns a block of n records of size bytes.
func encodeBlock(t fataler, size, n int) []byte {
	t.Helper()
	b := NewBuilder(1 << 30)
	for seq := range n {
		if err := b.Append(uint64(seq), make([]byte, size), nil); err != nil {
			t.Fatal(err)
		}
	}
	blk := b.block(0, 1)
	raw := make([]byte, blk.len())
	blk.encode(raw)
	return raw
}

// wantSums reads a whole partition and compares what it holds with its state
// and with the sums of its grains.
func wantSums(t fataler, l *Log, p Partition) {
	t.Helper()
	s, _ := l.state(p)
	want := map[uint64]sums{}
	if _, err := l.walk(p, s.Tail, s.Next, func(b block) bool {
		for k := grainOf(max(b.first, s.Tail)); k <= grainOf(b.next()-1); k++ {
			g := want[k]
			g.add(b.sum(max(k*GrainRecords, s.Tail), grainEnd(k)))
			want[k] = g
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	got := map[uint64]sums{}
	if err := eachGrain(l.db, p, 0, grainOf(s.Next), func(k uint64, g sums) error {
		if got[k] = g; k < grainOf(s.Tail) {
			delete(got, k) // waits to be swept
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if s.open != (sums{}) {
		got[grainOf(s.Next)] = s.open
	}
	var total sums
	digest := uint64(0)
	for k, w := range want {
		g := got[k]
		if g.newest < w.newest {
			t.Fatalf("%v grain %d: newest %d, held is %d", p, k, g.newest, w.newest)
		}
		if g.newest = w.newest; k < wholeGrain(s.Tail) {
			g.digest = w.digest // means nothing
		}
		if g != w {
			t.Fatalf("%v grain %d: %+v, held is %+v; state %+v", p, k, g, w, s.State)
		}
		total.add(w)
		if k >= wholeGrain(s.Tail) && k < grainOf(s.Next) {
			digest += w.digest
		}
	}
	for k, g := range got {
		if g.records > 0 && want[k].records == 0 {
			t.Fatalf("%v grain %d: %+v, nothing is held", p, k, g)
		}
	}
	if s.Records != total.records || s.Content != total.content || s.Bytes != total.bytes ||
		s.Blocks != total.blocks || s.Digest != digest || s.Bare != total.bare {
		t.Fatalf("%v: state %+v, held is %+v with digest %d", p, s.State, total, digest)
	}
}

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func rules(t fataler, texts ...string) Rules {
	t.Helper()
	rs, err := ParseRules(texts)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func enforce(t fataler, l *Log, now time.Time, texts ...string) Trimmed {
	t.Helper()
	report, err := l.Enforce(rules(t, texts...), now)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// meanwhile calls each of fs again and again, in a goroutine of its own, until it
// fails, which fails the test, or stop is called, which waits for all. The end of the
// test does so, too.
func meanwhile(t *testing.T, fs ...func() error) (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	for _, f := range fs {
		running.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := f(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	stop = sync.OnceFunc(func() { close(done); running.Wait() })
	t.Cleanup(stop)
	return stop
}

// eventually polls until ok.
func eventually(t fataler, ok func() bool, why func() string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(why())
		}
	}
}
