package blocklog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func mark(t fataler, l *Log, first, next uint64, with string, now time.Time) bool {
	t.Helper()
	fresh, err := l.MarkConflict(alpha, Range{first, next}, with, now)
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}

func wantMarks(t fataler, l *Log, want ...Conflict) {
	t.Helper()
	got, _ := l.Conflicts(alpha)
	if !slices.Equal(got, want) {
		t.Fatalf("conflicts %v, want %v", got, want)
	}
	var all []Conflict
	for p, c := range l.AllConflicts() {
		if p == alpha {
			all = append(all, c)
		}
	}
	if !slices.Equal(all, want) {
		t.Fatalf("conflicts %v, want %v", all, want)
	}
	if n, _ := l.ConflictCount(); n != uint64(len(want)) {
		t.Fatalf("%d conflicts, want %d", n, len(want))
	}
}

// TestMarkConflict marks ranges that touch, lie within each other, or are of
// another store, over restarts.
func TestMarkConflict(t *testing.T) {
	o, c := clocked()
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 10, 9000)
	wantMarks(t, l)
	start := c.Now()
	at := func(first, next uint64, with int, hour int64) Conflict {
		return Conflict{Range{first, next}, producer(with), start.Add(time.Duration(hour) * time.Hour).UnixMilli()}
	}
	for hour, step := range []struct {
		first, next uint64
		with        int
		fresh       bool
		want        []Conflict
	}{
		{100, 200, 1, true, []Conflict{at(100, 200, 1, 0)}},
		{100, 200, 1, false, []Conflict{at(100, 200, 1, 0)}},
		{150, 160, 1, false, []Conflict{at(100, 200, 1, 0)}},
		{150, 160, 2, true, []Conflict{at(100, 200, 1, 0), at(150, 160, 2, 3)}},
		{200, 210, 1, true, []Conflict{at(100, 210, 1, 0), at(150, 160, 2, 3)}},
		{300, 310, 1, true, []Conflict{at(100, 210, 1, 0), at(150, 160, 2, 3), at(300, 310, 1, 5)}},
		{50, 400, 1, true, []Conflict{at(50, 400, 1, 0), at(150, 160, 2, 3)}},
		{0, 11, 3, true, []Conflict{at(10, 11, 3, 7), at(50, 400, 1, 0), at(150, 160, 2, 3)}},
		{8999, 10000, 3, true, []Conflict{at(10, 11, 3, 7), at(50, 400, 1, 0), at(150, 160, 2, 3), at(8999, 9000, 3, 8)}},
		{0, 10, 3, false, []Conflict{at(10, 11, 3, 7), at(50, 400, 1, 0), at(150, 160, 2, 3), at(8999, 9000, 3, 8)}},
		{20, 20, 3, false, []Conflict{at(10, 11, 3, 7), at(50, 400, 1, 0), at(150, 160, 2, 3), at(8999, 9000, 3, 8)}},
	} {
		now := start.Add(time.Duration(hour) * time.Hour)
		if fresh := mark(t, l, step.first, step.next, producer(step.with), now); fresh != step.fresh {
			t.Errorf("%d to %d: new is %v", step.first, step.next, fresh)
		}
		for range 2 {
			wantMarks(t, l, step.want...)
			closeLog(t, l)
			l = openLog(t, "/store", o)
		}
	}
	if fresh, err := l.MarkConflict(Partition{"other", producer(1)}, Range{0, 10}, producer(2), start); fresh || err != nil {
		t.Errorf("of an unknown partition: %v, %v", fresh, err)
	}
	if _, err := l.MarkConflict(alpha, Range{20, 30}, "nobody", start); err == nil || !strings.Contains(err.Error(), "other store") {
		t.Error(err)
	}
	wantRange(t, l, alpha, 0, 10, 9000)
	wantSums(t, l, alpha)
	closeLog(t, l)
	if _, err := l.MarkConflict(alpha, Range{20, 30}, producer(9), start); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// TestConflictsGo with the records they are about, and with the partition.
func TestConflictsGo(t *testing.T) {
	o, c := clocked()
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 9000)
	with, now := producer(7), c.Now()
	for _, first := range []uint64{0, 100, 5000} {
		mark(t, l, first, first+10, with, now)
	}
	at := func(first uint64) Conflict { return Conflict{Range{first, first + 10}, with, now.UnixMilli()} }
	for _, step := range []struct {
		tail uint64
		want []Conflict
	}{
		{9, []Conflict{at(0), at(100), at(5000)}}, {10, []Conflict{at(100), at(5000)}},
		{5000, []Conflict{at(5000)}}, {9000, nil},
	} {
		if err := l.RaiseTail(alpha, step.tail); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			wantMarks(t, l, step.want...)
			closeLog(t, l)
			l = openLog(t, "/store", o)
		}
	}
	if n := countKeys(t, l, conflicts, alpha); n != 0 {
		t.Errorf("%d keys are left", n)
	}
	closeLog(t, l)
}

// TestConflictsOfOlderVersion has marks of what an older version, which does not
// know them, trimmed or forgot meanwhile; and a later one's additions to them.
func TestConflictsOfOlderVersion(t *testing.T) {
	o, c := clocked()
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 100)
	if err := l.RaiseTail(alpha, 50); err != nil {
		t.Fatal(err)
	}
	mark := func(first, next, found byte) string {
		return "\x85\xa5first" + string(rune(first)) + "\xa4next" + string(rune(next)) + "\xa4with\xd9\x20" + producer(1) +
			"\xa5found" + string(rune(found)) + "\xa3new\x90"
	}
	raw := "\x82\xa5marks\x92" + mark(10, 20, 7) + mark(50, 60, 8) + "\xa4more\x90"
	gone := Partition{"gone", producer(1)}
	for _, p := range []Partition{alpha, gone} {
		if err := l.db.Set(conflicts.appendPrefix(nil, p), []byte(raw), pebble.Sync); err != nil {
			t.Fatal(err)
		}
	}
	closeLog(t, l)
	l = openLog(t, "/store", o)
	wantMarks(t, l, Conflict{Range{50, 60}, producer(1), 8})
	if n := countKeys(t, l, conflicts, gone); n != 0 {
		t.Errorf("%d keys are left of a partition that was forgotten", n)
	}
	c.wait(time.Hour)
	if fresh, err := l.MarkConflict(alpha, Range{55, 70}, producer(1), c.Now()); !fresh || err != nil {
		t.Error(fresh, err)
	}
	wantMarks(t, l, Conflict{Range{50, 70}, producer(1), 8})
	closeLog(t, l)
}

// TestConflictsBounded counts what there is no room for.
func TestConflictsBounded(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 1000)
	now := time.UnixMilli(5)
	for i := range uint64(maxConflicts + 3) {
		if fresh := mark(t, l, 10*i, 10*i+5, producer(1), now); fresh != (i < maxConflicts) {
			t.Errorf("mark %d: new is %v", i, fresh)
		}
	}
	if fresh := mark(t, l, 5, 7, producer(1), now); !fresh {
		t.Error("there is no room for what is one with another")
	}
	kept, further := l.Conflicts(alpha)
	if n, more := l.ConflictCount(); len(kept) != maxConflicts || further != 3 || n != maxConflicts || more != 3 {
		t.Fatalf("%d and %d, in all %d and %d", len(kept), further, n, more)
	}
	if err := l.RaiseTail(alpha, 7); err != nil {
		t.Fatal(err)
	}
	if fresh := mark(t, l, 990, 999, producer(1), now); !fresh {
		t.Error("no room was made")
	}
	closeLog(t, l)
	l = openLog(t, "/store", o)
	defer closeLog(t, l)
	if kept, further := l.Conflicts(alpha); len(kept) != maxConflicts || further != 0 {
		t.Errorf("%d and %d", len(kept), further)
	}
}

// TestConflictsOfForgotten drops the marks with the tombstone.
func TestConflictsOfForgotten(t *testing.T) {
	l, c := openClocked(t)
	commitRange(t, l, alpha, 0, 10)
	spoil(t, l, alpha, 0, flip)
	mark(t, l, 0, 10, producer(1), c.Now())
	c.wait(2 * time.Hour)
	enforce(t, l, c.Now(), "alpha=age:1h")
	wantMarks(t, l)
	c.wait(31 * 24 * time.Hour)
	if report := enforce(t, l, c.Now(), "alpha=age:1h"); len(report.Forgotten) != 1 {
		t.Fatalf("%+v", report)
	}
	if n := countKeys(t, l, conflicts, alpha); n != 0 {
		t.Errorf("%d keys are left", n)
	}
	if s := fmt.Sprint(l.conflicts); s != "map[]" {
		t.Error(s)
	}
}
