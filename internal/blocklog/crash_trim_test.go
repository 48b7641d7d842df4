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

// changing is a store of which the disk is copied before every write.
type changing struct {
	t   *testing.T
	mem *vfs.MemFS
	rng *rand.Rand
	log *Log

	mu     sync.Mutex
	kept   keptPoint // what was confirmed last
	points []keptPoint
}

// TestCrashWhileChanging crashes before every write of a store that trims,
// fills, completes, merges, purges and puts blocks in quarantine: what was confirmed is
// there unless it is below a tail, what was trimmed is not, and the sums agree.
func TestCrashWhileChanging(t *testing.T) {
	if testing.Short() {
		t.Skip("thorough: runs without the race detector")
	}
	c := &changing{t: t, mem: vfs.NewCrashableMem(), rng: rand.New(rand.NewPCG(7, 7))}
	o := small(errorfs.Wrap(c.mem, errorfs.InjectorFunc(c.crash)))
	o.MemTableBytes = 16 << 20 // no flush but ours, so that one goroutine writes
	c.log = openLog(t, "/store", o)
	for round := range uint64(4) {
		c.change(round)
	}
	c.confirm(c.log.Purge(alpha, c.kept.state.Next))
	closeLog(t, c.log)
	if len(c.points) < 300 {
		t.Fatalf("only %d writes", len(c.points))
	}
	for i, point := range c.points {
		if i%3 == 0 || i > 0 && point.state != c.points[i-1].state { // many are much alike
			point.check(t)
		}
	}
}

// crash is called before every operation on the file system, and fails none.
func (c *changing) crash(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.kept
	at.op = fmt.Sprintf("write %d, kind %d of %s", len(c.points), op.Kind, op.Path)
	at.fs = c.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 100, 50}[len(c.points)%3], RNG: c.rng})
	c.points = append(c.points, at)
	return nil
}

// confirm notes what is there after something that was confirmed.
func (c *changing) confirm(err error) {
	c.t.Helper()
	if err != nil && !errors.Is(err, ErrCorrupt) {
		c.t.Fatal(err)
	}
	now := keptPoint{held: map[uint64]bool{}, bare: map[uint64]bool{}}
	now.state, _ = c.log.State(alpha)
	now.marks, _ = c.log.Conflicts(alpha)
	if err := c.log.Read(alpha, 0, 0, func(r Record) bool { now.held[r.Seq], now.bare[r.Seq] = true, r.Bare; return true }); err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = now
}

// change does to the next 5,000 sequences everything that can be done.
func (c *changing) change(round uint64) {
	c.t.Helper()
	l, first := c.log, round*5000
	for seq := first; seq < first+40; seq++ {
		commitRange(c.t, l, alpha, seq, seq+1)
		c.confirm(nil)
	}
	commitRange(c.t, l, alpha, first+60, first+4900)
	c.confirm(nil)
	commitBare(c.t, l, first+4900, first+5000)
	c.confirm(nil)
	c.confirm(fillRange(l, c.t, alpha, first+40, first+50))
	_, err := l.MergeSmall(0)
	c.confirm(err)
	spoil(c.t, l, alpha, first+60, flip)
	_, err = readSeqs(c.t, l, alpha, first+60, 0)
	c.confirm(err)
	c.confirm(l.db.Flush())
	for _, at := range []uint64{first + 10, first + 600, first + 4000} {
		_, err = l.MarkConflict(alpha, Range{at, at + 10}, producer(9), time.Now())
		c.confirm(err)
	}
	for _, r := range []Range{{first + 4910, first + 4930}, {first + 4950, first + 5000}} {
		complete(c.t, l, r)
		c.confirm(nil)
	}
	_, err = l.Enforce(Rules{{"alpha", Policy{Records: 4500 + round*100}}}, time.Now())
	c.confirm(err)
	if round == 2 {
		c.confirm(l.Purge(alpha, first+1000))
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
