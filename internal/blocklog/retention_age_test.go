package blocklog

import (
	"errors"
	"testing"
	"time"
)

// TestRetainAge lets blocks go when they are old enough, each as a whole.
func TestRetainAge(t *testing.T) {
	o, c := clocked()
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
	for _, step := range []ageStep{{0, 0}, {time.Millisecond, 10}, {time.Hour - 1, 10}, {1, 20}, {2 * time.Hour, 40}, {time.Hour, 50}} {
		c.wantTails(t, l, rule, step) // the rules are the same: it is found by its age
		s := stateOf(t, l)
		if s.Next != 50 || s.Records != 50-step.tail || (s.Emptied != 0) != (s.Records == 0) {
			t.Fatalf("at %v: %+v", c.Now(), s)
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
	l, c := openClocked(t)
	for i, stamp := range []time.Duration{-5 * time.Hour, -time.Hour, time.Hour} {
		b := l.NewBuilder()
		b.Stamp(c.Now().Add(stamp))
		appendRange(t, b, alpha, uint64(i*10), uint64(i*10+10))
		commitBuilder(t, l, alpha, b)
	}
	c.wantTails(t, l, "alpha=age:6h", ageStep{time.Hour, 10}, ageStep{4 * time.Hour, 20}, ageStep{time.Hour, 30})
}

// TestRetainAgeShortened has rules change: what ages sooner goes sooner.
func TestRetainAgeShortened(t *testing.T) {
	l, c := openClocked(t)
	commitRange(t, l, alpha, 0, 10)
	c.wantTails(t, l, "alpha=age:30h", ageStep{0, 0})
	c.wantTails(t, l, "alpha=age:2h", ageStep{0, 0}, ageStep{time.Hour, 0}, ageStep{time.Hour, 10})
}

// TestRetainAgeBehindDamage loses the block at the tail, and the next is older.
func TestRetainAgeBehindDamage(t *testing.T) {
	l, c := openClocked(t)
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
	l, c := openClocked(t)
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
	c.wantTails(t, l, "alpha=age:4h", ageStep{0, 0}, ageStep{time.Hour, 10}, ageStep{3 * time.Hour, 20})
}
