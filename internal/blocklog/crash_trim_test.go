package blocklog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// keptPoint is the disk as a crash before one write would leave it, and what of
// alpha was there and confirmed by then.
type keptPoint struct {
	op    string
	fs    *vfs.MemFS
	state State
	held  map[uint64]bool
	marks []Conflict
	bare  map[uint64]bool
}

// TestCrashWhileChanging crashes before every write of a store that trims,
// fills, completes, merges, purges and puts blocks in quarantine: what was confirmed is
// there unless it is below a tail, what was trimmed is not, and the sums agree.
func TestCrashWhileChanging(t *testing.T) {
	if testing.Short() {
		t.Skip("thorough: runs without the race detector")
	}
	mem := vfs.NewCrashableMem()
	rng := rand.New(rand.NewPCG(7, 7))
	var mu sync.Mutex
	var points []keptPoint
	kept := keptPoint{held: map[uint64]bool{}}
	o := small(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			mu.Lock()
			defer mu.Unlock()
			at := kept
			at.op = fmt.Sprintf("write %d, kind %d of %s", len(points), op.Kind, op.Path)
			at.fs = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 100, 50}[len(points)%3], RNG: rng})
			points = append(points, at)
		}
		return nil
	})))
	o.MemTableBytes = 16 << 20 // no flush but ours, so that one goroutine writes
	l := openLog(t, "/store", o)
	confirm := func(err error) {
		t.Helper()
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		s, _ := l.State(alpha)
		held, bare := map[uint64]bool{}, map[uint64]bool{}
		if err := l.Read(alpha, 0, 0, func(r Record) bool { held[r.Seq], bare[r.Seq] = true, r.Bare; return true }); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		marks, _ := l.Conflicts(alpha)
		kept = keptPoint{state: s, held: held, marks: marks, bare: bare}
	}
	for round := range uint64(4) {
		first := round * 5000
		for seq := first; seq < first+40; seq++ {
			commitRange(t, l, alpha, seq, seq+1)
			confirm(nil)
		}
		commitRange(t, l, alpha, first+60, first+4900)
		confirm(nil)
		commitBare(t, l, first+4900, first+5000)
		confirm(nil)
		confirm(fillRange(l, t, alpha, first+40, first+50))
		_, err := l.MergeSmall(0)
		confirm(err)
		spoil(t, l, alpha, first+60, flip)
		_, err = readSeqs(t, l, alpha, first+60, 0)
		confirm(err)
		confirm(l.db.Flush())
		for _, at := range []uint64{first + 10, first + 600, first + 4000} {
			_, err = l.MarkConflict(alpha, Range{at, at + 10}, producer(9), time.Now())
			confirm(err)
		}
		for _, r := range []Range{{first + 4910, first + 4930}, {first + 4950, first + 5000}} {
			complete(t, l, r)
			confirm(nil)
		}
		_, err = l.Enforce(Rules{{"alpha", Policy{Records: 4500 + round*100}}}, time.Now())
		confirm(err)
		if round == 2 {
			confirm(l.Purge(alpha, first+1000))
		}
	}
	confirm(l.Purge(alpha, kept.state.Next))
	closeLog(t, l)
	if len(points) < 300 {
		t.Fatalf("only %d writes", len(points))
	}
	for i, point := range points {
		if i%3 == 0 || i > 0 && point.state != points[i-1].state { // many are much alike
			point.check(t)
		}
	}
}

func (c keptPoint) check(t *testing.T) {
	t.Helper()
	l := openLog(t, "/store", small(c.fs))
	defer closeLog(t, l)
	s, known := l.State(alpha)
	if !known && c.state.Next > 0 || s.Next < c.state.Next || s.Tail < c.state.Tail || s.Purged < c.state.Purged {
		t.Fatalf("%s: state %+v, confirmed %+v", c.op, s, c.state)
	}
	c.checkMarks(t, l, s)
	held := map[uint64]bool{}
	err := l.Read(alpha, 0, 0, func(r Record) bool {
		if r.Bare && c.held[r.Seq] && !c.bare[r.Seq] {
			t.Fatalf("%s: record %d is bare again", c.op, r.Seq)
		}
		if want := r.Seq%5000 >= 4900; want && r.Bare == (r.Trailer != nil) {
			t.Fatalf("%s: record %d, bare %v, has %q", c.op, r.Seq, r.Bare, r.Trailer)
		}
		if held[r.Seq] = true; string(r.Content) != string(content(alpha, r.Seq)) || r.Seq < s.Tail {
			t.Fatalf("%s: record %d is %q", c.op, r.Seq, r.Content)
		}
		return true
	})
	if bad := new(CorruptError); err != nil && !errors.As(err, &bad) { // what was spoiled may be back
		t.Fatalf("%s: %v", c.op, err)
	} else if err != nil {
		return
	}
	if !known {
		return
	}
	for seq := range c.held {
		if seq >= s.Tail && !held[seq] && !spoiled(seq) {
			t.Fatalf("%s: record %d is lost; state %+v, confirmed %+v", c.op, seq, s, c.state)
		}
	}
	wantSums(t, l, alpha)
}

// checkMarks wants the marks that were confirmed, unless the tail passed them.
func (c keptPoint) checkMarks(t *testing.T, l *Log, s State) {
	t.Helper()
	marks, _ := l.Conflicts(alpha)
	for _, m := range c.marks {
		if !slices.Contains(marks, m) && m.Next > s.Tail {
			t.Fatalf("%s: the mark %v is lost", c.op, m)
		}
	}
	for _, m := range marks {
		if m.Next <= s.Tail {
			t.Fatalf("%s: the mark %v is below the tail, %d", c.op, m, s.Tail)
		}
	}
}

// spoiled says whether a record is one of those that the test damages.
func spoiled(seq uint64) bool { return seq%5000 >= 60 && seq%5000 < 120 }
