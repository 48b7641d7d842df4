package blocklog

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

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
