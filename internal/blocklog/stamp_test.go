package blocklog

import (
	"errors"
	"testing"
	"time"
)

// stamped are the hours after the clock's start at which records were first
// seen, ten records each.
var stamped = []int{3, 1, 1, 2, 9, 0, 5}

func appendStamped(t fataler, b *Builder, start time.Time) {
	t.Helper()
	for i, hours := range stamped {
		b.Stamp(start.Add(time.Duration(hours) * time.Hour))
		appendRange(t, b, alpha, uint64(10*i), uint64(10*i+10))
	}
}

// wantStamped fails unless each record is of its time, and what was of the
// future of the time when it was added.
func wantStamped(t *testing.T, l *Log, start, added time.Time) {
	t.Helper()
	n := 0
	if err := l.Read(alpha, 0, 0, func(r Record) bool {
		if r.Seq/10 == uint64(len(stamped)) {
			return false
		}
		want := start.Add(time.Duration(stamped[r.Seq/10]) * time.Hour)
		if want.After(added) {
			want = added
		}
		if r.FirstSeen != want.UnixMilli() {
			t.Errorf("record %d is of %d, want %d", r.Seq, r.FirstSeen, want.UnixMilli())
		}
		n++
		return true
	}); err != nil || n != 10*len(stamped) {
		t.Fatal(n, err)
	}
}

// TestStamps adds blocks of many times with one builder, and passes them on to a
// store that fills them in an hour later.
func TestStamps(t *testing.T) {
	o, c := clocked()
	l := openLog(t, "/store", o)
	defer closeLog(t, l)
	start := c.Now()
	c.wait(6 * time.Hour)
	added := c.Now()
	b := l.NewBuilder()
	appendStamped(t, b, start)
	if n := len(b.spans); n != len(stamped)-1 { // two that follow are alike
		t.Errorf("%d blocks", n)
	}
	commitBuilder(t, l, alpha, b)
	wantStamped(t, l, start, added)
	wantSums(t, l, alpha)

	c.wait(time.Hour)
	to := openLog(t, "/copy", o)
	defer closeLog(t, to)
	batch := to.NewBatch()
	appendRange(t, b, alpha, 10*uint64(len(stamped)), 100)
	if err := errors.Join(batch.Begin(alpha, 0), batch.Add(alpha, b), batch.Commit()); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := l.Read(alpha, 0, 0, func(r Record) bool {
		b.Stamp(time.UnixMilli(r.FirstSeen))
		return b.Append(r.Seq, r.Content, r.Trailer) == nil
	}); err != nil {
		t.Fatal(err)
	}
	batch = to.NewBatch()
	if err := errors.Join(batch.Fill(alpha, b), batch.Commit()); err != nil {
		t.Fatal(err)
	}
	wantStamped(t, to, start, added)
	wantSums(t, to, alpha)
}

// TestStampTakenBack has records of the time when they are added, after a Reset
// and after a stamp of no time.
func TestStampTakenBack(t *testing.T) {
	l, c := openClocked(t)
	b := l.NewBuilder()
	for i, back := range []func(){b.Reset, func() { b.Stamp(time.Time{}) }, func() { b.Stamp(time.UnixMilli(0)) }} {
		b.Stamp(c.Now().Add(-time.Hour))
		back()
		appendRange(t, b, alpha, uint64(i), uint64(i+1))
		commitBuilder(t, l, alpha, b)
	}
	if err := l.Read(alpha, 0, 0, func(r Record) bool {
		if r.FirstSeen != c.Now().UnixMilli() {
			t.Errorf("record %d is of %d", r.Seq, r.FirstSeen)
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
}

// TestRetainAgeOfStampsAdded has the first block of an append be older than the
// others: it is the one that expires next.
func TestRetainAgeOfStampsAdded(t *testing.T) {
	o, c := clocked()
	l := openLog(t, "/store", o)
	b := l.NewBuilder()
	b.Stamp(c.Now().Add(-3 * time.Hour))
	appendRange(t, b, alpha, 0, 10)
	b.Stamp(c.Now())
	appendRange(t, b, alpha, 10, 20)
	commitBuilder(t, l, alpha, b)
	for _, step := range []ageStep{{0, 0}, {time.Hour, 10}, {3 * time.Hour, 20}} {
		c.wantTails(t, l, "alpha=age:4h", step)
		closeLog(t, l)
		l = openLog(t, "/store", o)
	}
	closeLog(t, l)
}

// TestReadAllocatesNothing per record; a block may cost some.
func TestReadAllocatesNothing(t *testing.T) {
	l, _ := openClocked(t)
	commitRange(t, l, alpha, 0, 4000)
	read := func(n uint64) float64 {
		return testing.AllocsPerRun(20, func() {
			if err := l.Read(alpha, 0, 1<<30, func(r Record) bool { return r.Seq < n }); err != nil {
				t.Error(err)
			}
		})
	}
	if few, many := read(10), read(3900); many > few+1000 {
		t.Errorf("%v allocations for 10 records, %v for 3,900", few, many)
	}
}
