package sim

import (
	"bytes"
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestEventsComeInOrder(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	var e events
	var planned []time.Duration
	for turn := range uint64(1000) {
		at := time.Duration(rng.Intn(100))
		planned = append(planned, at)
		e.push(event{at: at, turn: turn})
		if turn%3 == 0 { // some come before the others are planned
			first := slices.Min(planned)
			planned = slices.DeleteFunc(planned, func(d time.Duration) bool { return d == first })
			for len(e) > 0 && e[0].at == first {
				e.pop()
			}
		}
	}
	slices.Sort(planned)
	last := event{at: -1}
	for _, at := range planned {
		next := e.pop()
		if next.at != at || next.before(&last) {
			t.Fatalf("an event at %v came behind one at %v, due was one at %v", next.at, last.at, at)
		}
		last = next
	}
	if len(e) != 0 {
		t.Errorf("%d events are left", len(e))
	}
}

// TestCrash: what was synced survives, of the rest some does, and what does
// follows from the seed.
func TestCrash(t *testing.T) {
	fs := vfs.NewCrashableMem()
	write := func(name string, synced, not int) {
		f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		f.Write(bytes.Repeat([]byte("s"), synced))
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		f.Write(bytes.Repeat([]byte("n"), not))
	}
	fs.MkdirAll("dir", 0o755)
	for i := range 20 {
		write(fmt.Sprintf("dir/%d", i), 100, 10*sector)
	}
	for _, dir := range []string{"", "dir"} {
		d, err := fs.OpenDir(dir + "/")
		if err != nil {
			t.Fatal(err)
		}
		d.Sync()
	}
	write("dir/new", 1, 1)
	left := func(seed int64, percent int) (all []byte) {
		c := newWorld(seed).crashed(fs, percent)
		names, _ := c.List("dir/")
		slices.Sort(names)
		for _, name := range names {
			b, err := contents(c, "dir/"+name)
			if err != nil || name != "new" && !bytes.HasPrefix(b, []byte("sss")) {
				t.Fatalf("%s: %.10q, %v", name, b, err)
			}
			all = append(all, b...)
		}
		return all
	}
	none, every := left(1, 0), left(1, 100)
	if len(none) != 20*100 || len(every) != 20*(100+10*sector)+2 {
		t.Fatalf("%d bytes survive with 0 %%, %d with 100 %%", len(none), len(every))
	}
	some := left(1, 50)
	if n := bytes.Count(some, []byte("n")); n < len(every)/4 || n > len(every)*3/4 {
		t.Errorf("%d bytes of %d that were not synced survive with 50 %%", n, len(every))
	}
	if !bytes.Equal(some, left(1, 50)) || bytes.Equal(some, left(2, 50)) {
		t.Error("what survives does not follow from the seed")
	}
}
