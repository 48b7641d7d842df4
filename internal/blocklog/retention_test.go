package blocklog

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.UnixMilli(1e12)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) wait(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

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

// TestRetainAge lets blocks go when they are old enough, each as a whole.
func TestRetainAge(t *testing.T) {
	c := newClock()
	o := small(vfs.NewMem())
	o.Now = c.Now
	l := openLog(t, "/store", o)
	for i := range uint64(5) { // a block each hour, at 0:00 to 4:00
		commitRange(t, l, alpha, i*10, i*10+10)
		c.wait(time.Hour)
	}
	rule := "alpha=age:6h"
	if report := enforce(t, l, c.Now(), rule); len(report.Trims) > 0 {
		t.Fatalf("too early: %+v", report)
	}
	c.wait(time.Hour - time.Millisecond) // 5:59:59.999
	for _, step := range []struct {
		wait time.Duration
		tail uint64
	}{{0, 0}, {time.Millisecond, 10}, {time.Hour - 1, 10}, {1, 20}, {2 * time.Hour, 40}, {time.Hour, 50}} {
		c.wait(step.wait)
		enforce(t, l, c.Now(), rule) // the rules are the same: it is found by its age
		s, _ := l.State(alpha)
		if s.Tail != step.tail || s.Next != 50 || s.Records != 50-step.tail || (s.Emptied != 0) != (s.Records == 0) {
			t.Fatalf("at %v: %+v, want tail %d", c.Now(), s, step.tail)
		}
		wantRange(t, l, alpha, 0, step.tail, 50)
		closeLog(t, l)
		l = openLog(t, "/store", o)
		if step.wait == 2*time.Hour { // the others go without being looked at in full
			enforce(t, l, c.Now(), rule)
		}
	}
	closeLog(t, l)
}

// TestRetainAgeOfStamp counts the age from when another store saw a record.
func TestRetainAgeOfStamp(t *testing.T) {
	c := newClock()
	o := small(vfs.NewMem())
	o.Now = c.Now
	l := openLog(t, "/store", o)
	defer closeLog(t, l)
	for i, stamp := range []time.Duration{-5 * time.Hour, -time.Hour, time.Hour} {
		b := l.NewBuilder()
		b.Stamp(c.Now().Add(stamp))
		appendRange(t, b, alpha, uint64(i*10), uint64(i*10+10))
		commitBuilder(t, l, alpha, b)
	}
	for _, step := range []struct {
		wait time.Duration
		tail uint64
	}{{time.Hour, 10}, {4 * time.Hour, 20}, {time.Hour, 30}} {
		c.wait(step.wait)
		enforce(t, l, c.Now(), "alpha=age:6h")
		if s, _ := l.State(alpha); s.Tail != step.tail {
			t.Fatalf("%+v, want tail %d", s, step.tail)
		}
	}
}

// TestRetainAgeShortened has rules change: what ages sooner goes sooner.
func TestRetainAgeShortened(t *testing.T) {
	c := newClock()
	o := small(vfs.NewMem())
	o.Now = c.Now
	l := openLog(t, "/store", o)
	defer closeLog(t, l)
	commitRange(t, l, alpha, 0, 10)
	for _, step := range []struct {
		wait time.Duration
		rule string
		tail uint64
	}{{0, "age:30h", 0}, {0, "age:2h", 0}, {time.Hour, "age:2h", 0}, {time.Hour, "age:2h", 10}} {
		c.wait(step.wait)
		enforce(t, l, c.Now(), "alpha="+step.rule)
		if s := stateOf(t, l); s.Tail != step.tail {
			t.Fatalf("%s: %+v, want tail %d", step.rule, s, step.tail)
		}
	}
}

// TestRetainAgeBehindDamage loses the block at the tail, and the next is older.
func TestRetainAgeBehindDamage(t *testing.T) {
	c := newClock()
	o := small(vfs.NewMem())
	o.Now = c.Now
	l := openLog(t, "/store", o)
	defer closeLog(t, l)
	commitRange(t, l, alpha, 0, 10)
	b := l.NewBuilder()
	b.Stamp(c.Now().Add(-3 * time.Hour))
	appendRange(t, b, alpha, 10, 20)
	commitBuilder(t, l, alpha, b)
	enforce(t, l, c.Now(), "alpha=age:4h")
	spoil(t, l, alpha, 0, flip)
	if _, err := readSeqs(t, l, alpha, 0, 0); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
	c.wait(time.Hour)
	enforce(t, l, c.Now(), "alpha=age:4h")
	if s := stateOf(t, l); s.Records != 0 || s.Tail != 20 {
		t.Fatalf("%+v", s)
	}
}

// TestRetainAgeOfFilled has older records come below newer ones: they go first.
// A hole below the tail that is not reached yet stays open for what may come.
func TestRetainAgeOfFilled(t *testing.T) {
	c := newClock()
	o := small(vfs.NewMem())
	o.Now = c.Now
	l := openLog(t, "/store", o)
	defer closeLog(t, l)
	batch, b := l.NewBatch(), l.NewBuilder()
	appendRange(t, b, alpha, 10, 20)
	if err := errors.Join(batch.Begin(alpha, 0), batch.Add(alpha, b), batch.Commit()); err != nil {
		t.Fatal(err)
	}
	l.parts[alpha].oldest = 0 // as after damage: it has to be read
	enforce(t, l, c.Now(), "alpha=age:4h")
	if s, _ := l.state(alpha); s.Tail != 0 || s.oldest != c.Now().UnixMilli() {
		t.Fatalf("%+v", s)
	}
	b.Reset()
	b.Stamp(c.Now().Add(-3 * time.Hour))
	appendRange(t, b, alpha, 5, 10)
	batch = l.NewBatch()
	if err := errors.Join(batch.Fill(alpha, b), batch.Commit()); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		wait time.Duration
		tail uint64
	}{{0, 0}, {time.Hour, 10}, {3 * time.Hour, 20}} {
		c.wait(step.wait)
		enforce(t, l, c.Now(), "alpha=age:4h")
		if s := stateOf(t, l); s.Tail != step.tail {
			t.Fatalf("%+v, want tail %d", s, step.tail)
		}
	}
}

// TestRetainStrictestWins combines limits, and rules.
func TestRetainStrictestWins(t *testing.T) {
	c := newClock()
	o := small(vfs.NewMem())
	o.Now = c.Now
	l := openLog(t, "/store", o)
	defer closeLog(t, l)
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

// eventually polls until ok.
func eventually(t fataler, ok func() bool, why func() string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(why())
		}
	}
}

// TestEnforceTouchesLittle has many partitions of which one changes.
func TestEnforceTouchesLittle(t *testing.T) {
	c := newClock()
	o := small(vfs.NewMem())
	o.Now = c.Now
	l := openLog(t, "/store", o)
	defer closeLog(t, l)
	const many = 3000
	name := func(i int) Partition { return Partition{fmt.Sprintf("t.%04d", i), producer(1)} }
	batch, b := l.NewBatch(), l.NewBuilder()
	for i := range many {
		b.Reset()
		appendRange(t, b, name(i), 0, 3)
		if err := batch.Add(name(i), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	looked := func(texts ...string) int {
		e := enforcement{log: l, rules: rules(t, texts...), now: c.Now()}
		due := l.due(e.rules, e.now)
		e.plan(due)
		e.apply()
		for _, p := range e.looked {
			l.schedule(p, e.rules.Policy(p.Topic), e.now)
		}
		if len(e.errs) > 0 {
			t.Fatal(e.errs)
		}
		return len(due)
	}
	rule := "t.>=records:5,age:1h"
	if s, _ := l.state(name(6)); s.oldest != c.Now().UnixMilli() {
		t.Errorf("age unknown: %+v", s)
	}
	if n := looked(rule); n != many {
		t.Errorf("%d looked at when rules are new", n)
	}
	if n := looked(rule); n != 0 {
		t.Errorf("%d looked at when nothing happened", n)
	}
	commitRange(t, l, name(7), 3, 9)
	c.wait(30 * time.Minute)
	if n := looked(rule); n != 1 {
		t.Errorf("%d looked at when one changed", n)
	}
	if s, _ := l.State(name(7)); s.Tail != 4 {
		t.Errorf("%+v", s)
	}
	if n := looked(rule); n > 1 {
		t.Errorf("%d looked at after trimming one", n)
	}
	c.wait(30 * time.Minute)
	if n := looked(rule); n != many {
		t.Errorf("%d looked at when all aged", n)
	}
	for i, tail := range map[int]uint64{6: 3, 7: 9} {
		if s, _ := l.State(name(i)); s.Tail != tail {
			t.Errorf("%d: %+v", i, s)
		}
	}
	if n := looked("t.>=records:1"); n != many {
		t.Errorf("%d looked at when rules changed", n)
	}
}

// TestEnforceInPieces does no more than a call should, and says so.
func TestEnforceInPieces(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	const many = enforceParts + 10
	batch, b := l.NewBatch(), l.NewBuilder()
	for i := range many {
		b.Reset()
		appendRange(t, b, alpha, 0, 2)
		if err := batch.Add(Partition{fmt.Sprintf("t.%d", i), producer(1)}, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	one := enforce(t, l, time.Now(), ">=records:1")
	two := enforce(t, l, time.Now(), ">=records:1")
	if len(one.Trims) != enforceParts || !one.More || len(two.Trims) != 10 || two.More {
		t.Errorf("%d, %v, then %d, %v", len(one.Trims), one.More, len(two.Trims), two.More)
	}
}

// TestEnforceOvertaken has the partitions change between what Enforce saw and
// what it writes: it leaves those alone that changed otherwise than by appending.
func TestEnforceOvertaken(t *testing.T) {
	o, c := clocked()
	l := openLog(t, "/store", o)
	defer closeLog(t, l)
	empty := Partition{"empty", producer(1)}
	commitRange(t, l, alpha, 0, 20)
	commitRange(t, l, alpha, 40, 50)
	if err := l.Purge(empty, 10); err != nil {
		t.Fatal(err)
	}
	c.wait(31 * 24 * time.Hour)
	again := func(meanwhile func()) Trimmed {
		t.Helper()
		e := enforcement{log: l, rules: Rules{{"alpha", Policy{Records: 15}}}, now: c.Now()}
		e.plan([]Partition{alpha, empty})
		meanwhile()
		e.apply()
		if len(e.errs) > 0 {
			t.Fatal(e.errs)
		}
		wantSums(t, l, alpha)
		return e.report
	}
	report := again(func() {
		if err := fillRange(l, t, alpha, 20, 40); err != nil {
			t.Fatal(err)
		}
		commitRange(t, l, empty, 10, 20)
	})
	if len(report.Trims) != 0 || len(report.Forgotten) != 0 || !report.More {
		t.Errorf("%+v", report)
	}
	wantRange(t, l, alpha, 0, 0, 50)
	wantRange(t, l, empty, 0, 10, 20)
	report = again(func() { commitRange(t, l, alpha, 50, 60) })
	if len(report.Trims) != 1 || report.More {
		t.Errorf("%+v", report)
	}
	wantRange(t, l, alpha, 0, 35, 60) // as planned; the rest goes next time
}

// TestEnforceWhileCommitting has records come and go and be read at once.
func TestEnforceWhileCommitting(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	const total, keep = 20_000, 500
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if _, err := l.Enforce(Rules{{"alpha", Policy{Records: keep}}}, time.Now()); err != nil {
				t.Error(err)
				return
			}
		}
	})
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			before, _ := l.State(alpha)
			last := uint64(0)
			err := l.Read(alpha, 0, 0, func(r Record) bool {
				if r.Seq < before.Tail || last != 0 && r.Seq != last+1 || string(r.Content) != string(content(alpha, r.Seq)) {
					t.Errorf("read %d after %d, the tail was %d", r.Seq, last, before.Tail)
				}
				last = r.Seq
				return true
			})
			if err != nil {
				t.Error(err)
				return
			}
			if s, _ := l.State(alpha); s.Tail < before.Tail || s.Records != s.Next-s.Tail {
				t.Errorf("%+v, was %+v", s, before)
			}
		}
	})
	b := l.NewBuilder()
	for seq := uint64(0); seq < total; seq += 37 {
		appendRange(t, b, alpha, seq, seq+37)
		commitBuilder(t, l, alpha, b)
	}
	close(done)
	wg.Wait()
	enforce(t, l, time.Now(), "alpha=records:500")
	s, _ := l.State(alpha)
	wantRange(t, l, alpha, 0, s.Next-keep, s.Next)
	wantSums(t, l, alpha)
}

// TestEnforceDamaged passes a damaged block by, and counts right again.
func TestEnforceDamaged(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	threeBlocks(t, l)
	commitRange(t, l, alpha, 30, 40)
	spoil(t, l, alpha, 10, flip) // nobody has met it
	enforce(t, l, time.Now(), "alpha=records:15")
	s, _ := l.State(alpha)
	if s.Records > 15 || s.Tail < 25 {
		t.Errorf("%+v", s)
	}
	wantSums(t, l, alpha)
	wantRange(t, l, alpha, 0, s.Tail, 40)
	closed := openLog(t, "/closed", small(vfs.NewMem()))
	closeLog(t, closed)
	if _, err := closed.Enforce(nil, time.Now()); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
