package blocklog

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestCrashWhileCuttingOut crashes before every write while damage is cut out of
// tables. What could be read can be read then, no head went back, and the rest can be
// filled in.
func TestCrashWhileCuttingOut(t *testing.T) {
	if testing.Short() {
		t.Skip("thorough: runs without the race detector")
	}
	tm := newTemplate(t, "closed")
	points := 0
	for _, name := range tm.kinds["log/N.sst"] {
		for percent := 20; percent < 100; percent += 30 {
			raw := slices.Clone(tm.files[name])
			raw[len(raw)*percent/100] ^= 0x10
			c := cutting{damaged: damaged{template: tm, name: name, what: fmt.Sprintf("%s at %d%%", name, percent)}, t: t}
			points += c.run(raw)
		}
	}
	if points < 50 {
		t.Errorf("only %d writes", points)
	}
}

// cutting is a damaged store whose disk is copied before every write.
type cutting struct {
	damaged
	t *testing.T

	mu     sync.Mutex
	mem    *vfs.MemFS
	armed  bool
	points []*vfs.MemFS
}

// run returns how many crashes were tried.
func (c *cutting) run(raw []byte) int {
	c.mem = vfs.NewCrashableMem()
	files := maps.Clone(c.files)
	files[c.name] = raw
	putFiles(c.t, c.mem, files)
	o := small(errorfs.Wrap(c.mem, errorfs.InjectorFunc(c.crash)))
	l, err := Open("/store", o)
	if err != nil {
		return 0 // refused as a whole: see TestDamagedDirectories
	}
	before, states := c.held(l), maps.Collect(l.Partitions())
	c.arm(true)
	for p := range states {
		if _, err := l.CutOut(p); err != nil {
			c.t.Errorf("%s: %v", c.what, err)
		}
	}
	c.arm(false)
	c.wantHeld(l, before)
	c.mend(c.t, l)
	closeLog(c.t, l)
	what := c.what
	for i, fs := range c.points {
		c.what = fmt.Sprintf("%s, crash %d of %d", what, i, len(c.points))
		c.afterCrash(fs, before, states)
	}
	return len(c.points)
}

func (c *cutting) arm(armed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = armed
}

// crash is called before every operation on the file system, and fails none.
func (c *cutting) crash(op errorfs.Op) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.armed && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
		n := len(c.points)
		c.points = append(c.points, c.mem.CrashClone(vfs.CrashCloneCfg{
			UnsyncedDataPercent: []int{0, 100, 50}[n%3], RNG: rand.New(rand.NewPCG(uint64(n), 1)),
		}))
	}
	return nil
}

func (c *cutting) afterCrash(fs vfs.FS, before map[Partition][]uint64, states map[Partition]State) {
	l := openLog(c.t, "/store", small(fs))
	defer closeLog(c.t, l)
	if l.UUID() != c.uuid {
		c.t.Errorf("%s: the address is another one", c.what)
	}
	c.wantHeld(l, before)
	for p, s := range states {
		if now, _ := l.State(p); now.Next != s.Next || now.Tail != s.Tail {
			c.t.Errorf("%s: %v was from %d to %d, is from %d to %d", c.what, p, s.Tail, s.Next, now.Tail, now.Next)
		}
	}
	c.mend(c.t, l)
}

// wantHeld fails the test unless all can be read that could be before.
func (c *cutting) wantHeld(l *Log, before map[Partition][]uint64) {
	after := c.held(l)
	for p, all := range before {
		for _, seq := range all {
			if _, there := slices.BinarySearch(after[p], seq); !there {
				c.t.Errorf("%s: %d of %v could be read before", c.what, seq, p)
				break
			}
		}
	}
}

// held returns which records can be read.
func (c *cutting) held(l *Log) map[Partition][]uint64 {
	all := map[Partition][]uint64{}
	for p := range l.Partitions() {
		for next, again := uint64(0), true; again; {
			err := l.Read(p, next, 0, func(r Record) bool {
				all[p] = append(all[p], r.Seq)
				return true
			})
			bad := new(CorruptError)
			if again = errors.As(err, &bad); again {
				next = bad.Next
			}
		}
	}
	return all
}

// putFiles writes files that a crash leaves alone.
func putFiles(t *testing.T, fs vfs.FS, files map[string][]byte) {
	t.Helper()
	err := fs.MkdirAll("/store/log", 0o755)
	dirs := map[string]bool{"/": true, "/store": true}
	for name, raw := range files {
		dirs[path.Dir(name)] = true
		f, failed := fs.Create(name, vfs.WriteCategoryUnspecified)
		if failed != nil {
			t.Fatal(failed)
		}
		_, failed = io.WriteString(f, string(raw))
		err = errors.Join(err, failed, f.Sync(), f.Close())
	}
	for dir := range dirs {
		d, failed := fs.OpenDir(dir)
		if failed != nil {
			t.Fatal(failed)
		}
		err = errors.Join(err, d.Sync(), d.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestDamagePasses: what is met and then not found is forgotten, but not for ever.
func TestDamagePasses(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	commitRange(t, l, alpha, 0, 100)
	for n := range mostPasses + 1 {
		l.remember(&CorruptError{Partition: alpha, First: 10, Next: 20, Cause: errKey})
		cut, err := l.CutOut(alpha)
		if err != nil {
			t.Fatal(err)
		}
		stays := n == mostPasses
		if left := l.Unreadable(alpha); (len(cut) == 0) != stays || (len(left) > 0) != stays {
			t.Errorf("met %d times: cut out %v, %v is left", n+1, cut, left)
		}
	}
	if s, _ := l.State(alpha); s.Records != 100 {
		t.Errorf("%d of 100 records are counted", s.Records)
	}
	if cut, err := l.CutOut(alpha); len(cut) > 0 || err != nil {
		t.Errorf("looked for again: %v, %v", cut, err)
	}
}

// TestCompactionMeetsDamage has Pebble meet damage by itself: it is found, and once it
// is cut out, compactions succeed again.
func TestCompactionMeetsDamage(t *testing.T) {
	mem := vfs.NewMem()
	o := small(mem)
	o.tableBlock = 1 << 10 // Pebble looks for the bit that is wrong
	l := openLog(t, "/store", o)
	for first := uint64(0); first < 4000; first += 20 {
		commitRange(t, l, alpha, first, first+20)
		if first == 2000 { // two tables that are to become one
			if err := l.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.db.Flush(); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	names, err := mem.List("/store/log")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if path.Ext(name) != ".sst" {
			continue
		}
		raw, err := readFile(mem, path.Join("/store/log", name))
		if err != nil {
			t.Fatal(err)
		}
		raw[len(raw)/2] ^= 0x10
		putFiles(t, mem, map[string][]byte{path.Join("/store/log", name): raw})
	}
	l = openLog(t, "/store", o)
	defer closeLog(t, l)
	lower, upper := blocks.bounds()
	if err := l.db.Compact(t.Context(), lower, upper, false); err == nil {
		t.Fatal("the compaction succeeded")
	}
	if damaged, err := l.Inspect(); !slices.Equal(damaged, []Partition{alpha}) || err != nil {
		t.Fatalf("inspected: %v, %v", damaged, err)
	}
	if again, err := l.Inspect(); len(again) > 0 || err != nil {
		t.Errorf("inspected again: %v, %v", again, err)
	}
	if cut, err := l.CutOut(alpha); !slices.Equal(cut, []Partition{alpha}) || err != nil {
		t.Fatalf("cut out: %v, %v", cut, err)
	}
	c := checkpointOf(t, l) // while only parts of the tables count
	state, _ := l.State(alpha)
	if a := wantSound(t, c.Dir, o); a.Records != state.Records || a.Records == 0 {
		t.Errorf("a checkpoint has %d records of %d", a.Records, state.Records)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := l.db.Compact(t.Context(), lower, upper, false); err != nil {
		t.Errorf("compact: %v", err)
	}
}
