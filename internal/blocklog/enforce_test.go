package blocklog

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestEnforceTouchesLittle has many partitions of which one changes.
func TestEnforceTouchesLittle(t *testing.T) {
	l, c := openClocked(t)
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
	l, c := openClocked(t)
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
	stop := meanwhile(t, func() error {
		_, err := l.Enforce(Rules{{"alpha", Policy{Records: keep}}}, time.Now())
		return err
	}, func() error {
		before, _ := l.State(alpha)
		last := uint64(0)
		err := l.Read(alpha, 0, 0, func(r Record) bool {
			if r.Seq < before.Tail || last != 0 && r.Seq != last+1 || string(r.Content) != string(content(alpha, r.Seq)) {
				t.Errorf("read %d after %d, the tail was %d", r.Seq, last, before.Tail)
			}
			last = r.Seq
			return true
		})
		if s, _ := l.State(alpha); s.Tail < before.Tail || s.Records != s.Next-s.Tail {
			t.Errorf("%+v, was %+v", s, before)
		}
		return err
	})
	b := l.NewBuilder()
	for seq := uint64(0); seq < total; seq += 37 {
		appendRange(t, b, alpha, seq, seq+37)
		commitBuilder(t, l, alpha, b)
	}
	stop()
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
