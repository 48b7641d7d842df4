package blocklog

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// crashPoint is the disk as a crash before one write would leave it, and what
// had been confirmed by then.
type crashPoint struct {
	op        string
	fs        *vfs.MemFS
	confirmed map[Partition]uint64
}

// crasher collects crash points while a log is written to.
type crasher struct {
	mem *vfs.MemFS
	rng *rand.Rand

	mu        sync.Mutex
	confirmed map[Partition]uint64
	points    []crashPoint
}

// MaybeError is called before every operation on the file system.
func (c *crasher) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	confirmed := map[Partition]uint64{}
	for p, next := range c.confirmed {
		confirmed[p] = next
	}
	// Nothing that was not synced, all of it, or anything in between.
	percents := []int{[]int{0, 100, 50}[len(c.points)%3]}
	if strings.Contains(op.Path, markerPrefix) { // few, and all depends on them
		percents = []int{0, 100, 20, 40, 50, 60, 80, 50, 50}
	}
	for _, percent := range percents {
		c.points = append(c.points, crashPoint{
			op:        fmt.Sprintf("write %d, kind %d of %s", len(c.points), op.Kind, op.Path),
			fs:        c.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: c.rng}),
			confirmed: confirmed,
		})
	}
	return nil
}

func (c *crasher) String() string { return "crasher" }

func (c *crasher) confirm(l *Log) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p, s := range l.Partitions() {
		c.confirmed[p] = s.Next
	}
}

// crashPoints is how many crashes TestCrashAtEveryWrite tries at least.
var crashPoints = flag.Int("points", 300, "how many crash points to try at least")

// TestCrashAtEveryWrite opens a store for the first time, commits, flushes,
// closes, opens again and goes on, and crashes before every single write. It
// does so with other losses until it has tried as many crashes as it is to.
func TestCrashAtEveryWrite(t *testing.T) {
	if testing.Short() {
		t.Skip("thorough: runs without the race detector")
	}
	points := 0
	for seed := uint64(0); points < *crashPoints; seed++ {
		points += crashAtEveryWrite(t, seed)
	}
	t.Logf("%d crash points", points)
}

func crashAtEveryWrite(t *testing.T, seed uint64) (points int) {
	mem := vfs.NewCrashableMem()
	c := &crasher{mem: mem, rng: rand.New(rand.NewPCG(seed, 0)), confirmed: map[Partition]uint64{}}
	o := small(errorfs.Wrap(mem, c))
	ps := []Partition{alpha, {"beta", producer(1)}, {"beta", producer(2)}}
	for round := range uint64(3) {
		l := openLog(t, "/data/store", o)
		for i := round * 8; i < round*8+8; i++ {
			batch, b := l.NewBatch(), l.NewBuilder()
			for j, p := range ps {
				b.Reset()
				n := uint64(10 * (j + 1))
				appendRange(t, b, p, i*n, i*n+n)
				if err := batch.Add(p, b); err != nil {
					t.Fatal(err)
				}
			}
			if err := batch.Commit(); err != nil {
				t.Fatal(err)
			}
			c.confirm(l)
			if i%5 == 4 {
				if err := l.db.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
		closeLog(t, l)
	}
	if len(c.points) < 100 {
		t.Fatalf("only %d writes", len(c.points))
	}
	for _, point := range c.points {
		point.check(t, ps)
	}
	return len(c.points)
}

// check opens what the crash left: all that was confirmed is there, whole
// batches only, and the store goes on.
func (c crashPoint) check(t *testing.T, ps []Partition) {
	defer func() {
		if t.Failed() {
			t.Log("crashed before", c.op)
		}
	}()
	l := openLog(t, "/data/store", small(c.fs))
	defer closeLog(t, l)
	rounds := map[uint64]bool{}
	for j, p := range ps {
		s, _ := l.State(p)
		if s.Next < c.confirmed[p] {
			t.Fatalf("%v: confirmed up to %d, left %d", p, c.confirmed[p], s.Next)
		}
		rounds[s.Next/uint64(10*(j+1))] = true
		wantRange(t, l, p, 0, 0, s.Next)
		commitRange(t, l, p, s.Next, s.Next+5)
		wantRange(t, l, p, 0, 0, s.Next+5)
	}
	if len(rounds) != 1 {
		t.Fatalf("a batch was torn: %v", rounds)
	}
}
