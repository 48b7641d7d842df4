package blocklog

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestRetainRecords keeps exactly the last thousand, while records come and
// over restarts; nothing below the tail is ever seen.
func TestRetainRecords(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 5000)
	report := enforce(t, l, time.Now(), "alpha=records:1000")
	if len(report.Trims) != 1 || report.More {
		t.Fatalf("%+v", report)
	}
	size := 0
	for seq := range uint64(4000) {
		size += len(content(alpha, seq))
	}
	if want := (Trim{alpha, 0, 4000, 4000, uint64(size), false}); report.Trims[0] != want {
		t.Fatalf("%+v, want %+v", report.Trims[0], want)
	}
	next := uint64(5000)
	for _, more := range []uint64{0, 1, 3, 999, 1000, 4100, 0} {
		if more > 0 {
			commitRange(t, l, alpha, next, next+more)
		}
		next += more
		enforce(t, l, time.Now(), "alpha=records:1000")
		for range 2 {
			wantRange(t, l, alpha, 0, next-1000, next)
			if s, _ := l.State(alpha); s.Tail != next-1000 || s.Next != next || s.Records != 1000 {
				t.Fatalf("%+v", s)
			}
			wantSums(t, l, alpha)
			if dead, s := l.deadBytes(alpha), stateOf(t, l); dead > s.Bytes/8 {
				t.Fatalf("%d bytes wait to be deleted, %d are held", dead, s.Bytes)
			}
			closeLog(t, l)
			l = openLog(t, "/store", o)
		}
	}
	// A weaker policy brings nothing back, nor does a stricter one that is met.
	for _, policy := range []string{"records:4000", "records:1000", "bytes:10GiB"} {
		if report := enforce(t, l, time.Now(), "alpha="+policy); len(report.Trims) > 0 {
			t.Errorf("%s: %+v", policy, report)
		}
	}
	wantRange(t, l, alpha, 0, next-1000, next)
	closeLog(t, l)
}

// TestRetainRecordsWithHoles counts records, not sequences.
func TestRetainRecordsWithHoles(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	for _, r := range [][2]uint64{{0, 100}, {9000, 9100}, {20000, 20005}} {
		commitRange(t, l, alpha, r[0], r[1])
	}
	for _, c := range []struct{ keep, tail uint64 }{{205, 0}, {204, 1}, {106, 99}, {105, 9000}, {6, 9099}, {5, 20000}, {1, 20004}} {
		enforce(t, l, time.Now(), fmt.Sprintf("alpha=records:%d", c.keep))
		if s, _ := l.State(alpha); s.Tail != c.tail || s.Records != c.keep {
			t.Fatalf("keep %d: %+v, want tail %d", c.keep, s, c.tail)
		}
		wantSums(t, l, alpha)
	}
}

func TestRetainBytes(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	commitRange(t, l, alpha, 0, 9000)
	size := func(from uint64) (n uint64) {
		for ; from < 9000; from++ {
			n += uint64(len(content(alpha, from)))
		}
		return n
	}
	for _, c := range []struct {
		keep, tail uint64
	}{{size(0), 0}, {size(0) - 1, 1}, {size(3), 3}, {size(5000) + 1, 5000}, {size(8999), 8999}, {size(8999) - 1, 9000}} {
		enforce(t, l, time.Now(), fmt.Sprintf("alpha=bytes:%d", c.keep))
		if s, _ := l.State(alpha); s.Tail != c.tail || s.Content != size(c.tail) {
			t.Fatalf("keep %d: %+v, want tail %d", c.keep, s, c.tail)
		}
		wantSums(t, l, alpha)
		wantRange(t, l, alpha, 0, c.tail, 9000)
	}
}

// TestRetainStrictestWins combines limits, and rules.
func TestRetainStrictestWins(t *testing.T) {
	l, c := openClocked(t)
	ps := []Partition{{"logs.a", producer(1)}, {"logs.b.c", producer(1)}, {"kept", producer(1)}}
	for _, p := range ps {
		commitRange(t, l, p, 0, 60)
	}
	c.wait(2 * time.Hour)
	for _, p := range ps {
		commitRange(t, l, p, 60, 100)
	}
	report := enforce(t, l, c.Now(), "logs.*=records:50,age:1h", "logs.>=records:30,age:1h")
	if len(report.Trims) != 2 {
		t.Errorf("%+v", report)
	}
	for i, tail := range []uint64{60, 70, 0} {
		if s, _ := l.State(ps[i]); s.Tail != tail {
			t.Errorf("%v: %+v, want tail %d", ps[i], s, tail)
		}
	}
}

// TestRetentionFreesDisk writes a hundred times of what is kept: the disk holds
// a few times of it, and no more when everything is trimmed at the end, in a
// store where nothing else happens.
func TestRetentionFreesDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("thorough: runs without the race detector")
	}
	for _, size := range []int{200, 20 << 10} { // in the tables, and in files of their own
		for _, atOnce := range []bool{false, true} {
			t.Run(fmt.Sprint(size, " bytes, at once ", atOnce), func(t *testing.T) { retentionFreesDisk(t, size, atOnce) })
		}
	}
}

func retentionFreesDisk(t *testing.T, size int, atOnce bool) {
	o := small(nil)
	o.BlockBytes = 16 << 10
	l := openLog(t, t.TempDir(), o)
	defer closeLog(t, l)
	record, keep, most := fill(size), uint64(256<<10/size), uint64(0)
	rule := fmt.Sprintf("alpha=records:%d", keep)
	b := l.NewBuilder()
	for seq := range 100 * keep {
		if err := b.Append(seq, record, nil); err != nil {
			t.Fatal(err)
		}
		if b.Bytes() > 128<<10 {
			commitBuilder(t, l, alpha, b)
			if !atOnce {
				enforce(t, l, time.Now(), rule)
			}
			most = max(most, l.DiskBytes())
		}
	}
	enforce(t, l, time.Now(), rule)
	if limit := uint64(16 << 20); !atOnce && most > limit {
		t.Errorf("%d MiB on disk", most>>20)
	}
	eventually(t, func() bool { return l.DiskBytes() < (memTables+3)*uint64(o.MemTableBytes) }, func() string {
		return fmt.Sprintf("%d KiB on disk, %d at most, for 256 KiB kept of 25 MiB written:\n%v",
			l.DiskBytes()>>10, most>>10, l.db.Metrics())
	})
	t.Logf("%d KiB on disk, %d at most", l.DiskBytes()>>10, most>>10)
}
