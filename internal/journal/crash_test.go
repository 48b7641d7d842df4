package journal

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// promise is what had been confirmed at some time.
type promise struct {
	uuid    string
	synced  map[string]uint64 // the next sequence
	trimmed map[string]uint64 // what the caller gave up
}

func (p promise) clone() promise {
	c := promise{p.uuid, map[string]uint64{}, map[string]uint64{}}
	for topic := range p.synced {
		c.synced[topic], c.trimmed[topic] = p.synced[topic], p.trimmed[topic]
	}
	return c
}

// crashPoint is the disk as a crash before one write would leave it, and what
// had been promised by then.
type crashPoint struct {
	op string
	fs *vfs.MemFS
	promise
}

// crasher collects crash points while a journal is written to.
type crasher struct {
	mem *vfs.MemFS
	rng *rand.Rand

	mu      sync.Mutex
	promise promise
	points  []crashPoint
}

func newCrasher(mem *vfs.MemFS, seed uint64, p promise) *crasher {
	return &crasher{mem: mem, rng: rand.New(rand.NewPCG(seed, 0)), promise: p.clone()}
}

// MaybeError is called before every operation on the file system.
func (c *crasher) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpFileClose {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, percent := range []int{0, 50, 100} {
		c.points = append(c.points, crashPoint{
			op:      fmt.Sprintf("write %d, kind %d of %s, %d%%", len(c.points), op.Kind, op.Path, percent),
			fs:      c.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: c.rng}),
			promise: c.promise.clone(),
		})
	}
	return nil
}

func (c *crasher) String() string { return "crasher" }

// change applies what became of the promise.
func (c *crasher) change(f func(*promise)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.promise)
}

func (c *crasher) confirm(j *Journal) {
	c.change(func(p *promise) {
		p.uuid = j.UUID()
		for s := range j.Topics() {
			p.synced[s.Name] = s.Next
		}
	})
}

func (c *crasher) trim(j *Journal, topic string, upTo uint64) {
	c.change(func(p *promise) { p.trimmed[topic] = max(p.trimmed[topic], upTo) })
	j.Trim(topic, upTo)
}

var crashTopics = []string{"alpha", "beta", "gamma"}

// work opens a journal, appends, syncs, trims and closes, a few times over.
func (c *crasher) work(t *testing.T, rounds int, rng *rand.Rand) {
	o := small(errorfs.Wrap(c.mem, c))
	for range rounds {
		j := openJournal(t, dir, o)
		c.confirm(j)
		for range 8 {
			for _, topic := range crashTopics[:1+rng.IntN(3)] {
				next := state(j)[topic].Next
				appendRange(t, j, topic, next, next+uint64(1+rng.IntN(30)))
			}
			if rng.IntN(4) > 0 {
				must(t, j.Sync())
				c.confirm(j)
			}
			if topic := crashTopics[rng.IntN(3)]; rng.IntN(3) == 0 {
				c.trim(j, topic, c.promise.synced[topic]-min(c.promise.synced[topic], uint64(rng.IntN(40))))
				if rng.IntN(2) == 0 {
					must(t, j.Sync()) // nothing but trims
					c.confirm(j)
				}
			}
		}
		must(t, j.Close())
		c.confirm(j)
	}
}

// crashPoints is how many crashes TestCrashAtEveryWrite tries at least.
var crashPoints = flag.Int("points", 300, "how many crash points to try at least")

// TestCrashAtEveryWrite crashes before every write of a journal's life, and
// of some of the recoveries from that.
func TestCrashAtEveryWrite(t *testing.T) {
	if testing.Short() {
		t.Skip("thorough: runs without the race detector")
	}
	points, again := 0, 0
	for seed := uint64(0); points+again < *crashPoints; seed++ {
		c := newCrasher(vfs.NewCrashableMem(), seed, promise{})
		c.work(t, 3, rand.New(rand.NewPCG(seed, 1)))
		points += len(c.points)
		for i, point := range c.points {
			if i%25 != 0 {
				point.check(t, point.fs)
				continue
			}
			second := newCrasher(point.fs, seed, point.promise)
			point.check(t, errorfs.Wrap(point.fs, second))
			for _, p := range second.points {
				p.check(t, p.fs)
			}
			again += len(second.points)
		}
	}
	if points < 200 || again < 300 {
		t.Fatalf("only %d and %d writes", points, again)
	}
	t.Logf("%d crash points, and %d of them in recoveries", points+again, again)
}

// check opens what the crash left: all that was confirmed is there and right,
// no sequence went back, and the journal goes on.
func (c crashPoint) check(t *testing.T, fs vfs.FS) {
	t.Helper()
	j, err := Open(dir, small(fs))
	if err != nil {
		t.Fatalf("%s: %v", c.op, err)
	}
	if c.uuid != "" && j.UUID() != c.uuid {
		t.Fatalf("%s: uuid %s, was %s", c.op, j.UUID(), c.uuid)
	}
	for range 2 {
		topics := state(j)
		seqs, _ := replay(t, j)
		for topic, next := range c.synced {
			s := topics[topic]
			if s.Next < next || s.First > c.trimmed[topic] {
				t.Fatalf("%s: %s is %+v, synced %d, trimmed %d", c.op, topic, s, next, c.trimmed[topic])
			}
		}
		for topic, s := range topics {
			if !slices.Equal(seqs[topic], sequence(s.First, s.Next)) {
				t.Fatalf("%s: %s is %+v, replayed %v", c.op, topic, s, seqs[topic])
			}
			appendRange(t, j, topic, s.Next, s.Next+3)
		}
		must(t, j.Close())
		j = openJournal(t, dir, small(fs))
		for topic, s := range topics {
			if got := state(j)[topic]; got.First != s.First || got.Next != s.Next+3 {
				t.Fatalf("%s: reopened %+v, was %+v and 3 more", c.op, got, s)
			}
		}
	}
	must(t, j.Close())
}

// TestErrorAtEveryWrite fails every write in turn. The failure is told, nothing
// is taken any more, and after opening again all that was confirmed is there,
// whatever the disk kept of the rest.
func TestErrorAtEveryWrite(t *testing.T) {
	failed := 0
	for n := int64(0); ; n++ {
		mem := vfs.NewCrashableMem()
		var count atomic.Int64
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpFileClose {
				return nil
			}
			if count.Add(1)-1 == n {
				return errors.New("input/output error")
			}
			return nil
		}))
		synced, opened, err := workUntilError(t, fs)
		if err == nil {
			break
		}
		if opened && !errors.Is(err, ErrSync) || !strings.Contains(err.Error(), "input/output error") {
			t.Fatalf("write %d: %v", n, err)
		}
		failed++
		for _, percent := range []int{0, 50, 100} {
			left := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(uint64(n), 0))})
			j := openJournal(t, dir, small(left))
			if s := state(j)["alpha"]; s.Next < synced {
				t.Fatalf("write %d: %+v, confirmed %d", n, s, synced)
			}
			if s, ok := state(j)["alpha"]; ok {
				wantRange(t, j, "alpha", s.First, s.Next)
			}
			must(t, j.Close())
		}
	}
	if failed < 40 {
		t.Errorf("only %d writes", failed)
	}
}

// workUntilError returns what was confirmed before the first error, and whether
// the journal was open then.
func workUntilError(t *testing.T, fs vfs.FS) (synced uint64, opened bool, err error) {
	t.Helper()
	for range 2 {
		j, err := Open(dir, small(fs))
		if err != nil {
			return synced, false, err
		}
		for range 5 {
			next := state(j)["alpha"].Next
			appendRange(t, j, "alpha", next, next+40)
			if err := j.Sync(); err != nil {
				checkFailed(t, j, err)
				return synced, true, err
			}
			synced = next + 40
			j.Trim("alpha", next)
		}
		if err := j.Close(); err != nil {
			return synced, true, err
		}
	}
	return synced, true, nil
}

func checkFailed(t *testing.T, j *Journal, first error) {
	t.Helper()
	next := state(j)["alpha"].Next
	for what, err := range map[string]error{
		"append": j.Append("alpha", next, nil, nil), "sync": j.Sync(), "replay": j.Replay(nil), "close": j.Close(),
	} {
		if !errors.Is(err, ErrSync) {
			t.Fatalf("%s after %v: %v", what, first, err)
		}
	}
}

// TestFailedSyncLies: after a failed fsync the system shows bytes that are not
// on disk. What was read back of them, and told, is on disk when Open returns.
func TestFailedSyncLies(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var failing, lying atomic.Bool
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData && failing.Load() {
			return errors.New("input/output error")
		}
		if lying.Load() && op.Path == mem.PathJoin(dir, segmentName(1)) &&
			(op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) {
			t.Error("the file whose sync failed is synced again")
		}
		return nil
	}))
	o := Options{FS: fs, Logger: quiet}
	j := openJournal(t, dir, o)
	for range 50 { // more than is merged anyway
		next := state(j)["alpha"].Next
		for seq := next; seq < next+1000; seq++ {
			must(t, j.Append("alpha", seq, value("alpha", seq), trailer("alpha", seq)))
		}
		must(t, j.Sync())
	}
	failing.Store(true)
	appendRange(t, j, "alpha", 50000, 50010)
	if err := j.Sync(); !errors.Is(err, ErrSync) {
		t.Fatal(err)
	}
	_ = j.Close() // says so again
	failing.Store(false)
	lying.Store(true)
	j = openJournal(t, dir, o)
	wantRange(t, j, "alpha", 0, 50010) // the bytes are still to be seen
	lost := mem.CrashClone(vfs.CrashCloneCfg{})
	must(t, j.Close())
	j = openJournal(t, dir, small(lost))
	wantRange(t, j, "alpha", 0, 50010)
	must(t, j.Close())
}

// TestCrashAmongTrims: trims alone are not synced until the file is full of
// them. It is on disk as a whole before the next one has a name.
func TestCrashAmongTrims(t *testing.T) {
	if testing.Short() {
		t.Skip("thorough: runs without the race detector")
	}
	c := newCrasher(vfs.NewCrashableMem(), 1, promise{})
	j := openJournal(t, dir, small(errorfs.Wrap(c.mem, c)))
	appendRange(t, j, "alpha", 0, 300)
	must(t, j.Sync())
	appendRange(t, j, "alpha", 300, 301)
	must(t, j.Sync())
	c.confirm(j)
	for upTo := uint64(301 - 250); upTo < 301; upTo++ {
		c.trim(j, "alpha", upTo)
		must(t, j.Sync())
	}
	number := j.active.number
	must(t, j.Close())
	if number < 3 {
		t.Errorf("the trims did not fill a file")
	}
	for _, point := range c.points {
		point.check(t, point.fs)
	}
}

// TestOrderOfSyncs: files are removed one by one, and the directory is synced
// before anything else happens to it. The crashable file system would not show
// that.
func TestOrderOfSyncs(t *testing.T) {
	mem := vfs.NewCrashableMem()
	removed, dirty := 0, map[string]bool{}
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		isSegment := strings.HasSuffix(op.Path, segmentSuffix) || strings.HasSuffix(op.Path, tempName)
		switch op.Kind {
		case errorfs.OpFileWrite:
			dirty[op.Path] = true
		case errorfs.OpFileSync, errorfs.OpFileSyncData:
			dirty[op.Path] = false
		case errorfs.OpRename, errorfs.OpRemove:
			for path, d := range dirty {
				if d {
					t.Errorf("%d of %s while %s is not synced", op.Kind, op.Path, path)
				}
			}
			if dirty[dir] = true; op.Kind == errorfs.OpRemove && isSegment {
				removed++
			}
		}
		return nil
	}))
	j := openJournal(t, dir, small(fs))
	appendRange(t, j, "alpha", 0, 1000)
	must(t, j.Sync())
	appendRange(t, j, "alpha", 1000, 1001)
	must(t, j.Sync())
	for range 2 {
		for upTo := range uint64(500) {
			j.Trim("alpha", upTo)
			must(t, j.Sync())
		}
		j.Trim("alpha", 1001)
		must(t, j.Close())
		j = openJournal(t, dir, small(fs))
	}
	must(t, j.Close())
	if removed < 2 {
		t.Errorf("%d files were removed", removed)
	}
}
