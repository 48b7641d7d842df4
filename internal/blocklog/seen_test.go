package blocklog

import (
	"slices"
	"testing"
	"time"
)

// TestSeenAt has blocks of ten records, one each hour but for a pause of five, a
// hole among them and a tail that was trimmed.
func TestSeenAt(t *testing.T) {
	o, c := clocked()
	l := openLog(t, "/store", o)
	defer closeLog(t, l)
	start := c.Now()
	at := func(hours int, off time.Duration) int64 {
		return start.Add(time.Duration(hours)*time.Hour + off).UnixMilli()
	}
	seen := func(ms int64) uint64 {
		t.Helper()
		seq, err := l.SeenAt(alpha, ms)
		if err != nil {
			t.Fatal(err)
		}
		return seq
	}
	if got := seen(at(0, 0)); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
	for i := range uint64(50) {
		first := 10 * i
		if i >= 30 {
			first += 1000 // a hole
		}
		commitRange(t, l, alpha, first, first+10)
		c.wait(time.Hour)
		if i == 19 {
			c.wait(5 * time.Hour)
		}
	}
	for _, test := range []struct {
		hours int
		off   time.Duration
		want  uint64
	}{
		{0, -time.Hour, 0}, {0, 0, 0}, {0, time.Millisecond, 10}, {1, 0, 10}, {19, 0, 190},
		{19, time.Millisecond, 200}, {22, 0, 200}, {25, 0, 200}, {34, 0, 290},
		{34, time.Millisecond, 1300}, {35, 0, 1300}, {54, 0, 1490}, {54, 1, 1490}, {55, 0, 1500},
	} {
		if got := seen(at(test.hours, test.off)); got != test.want {
			t.Errorf("hour %d and %v: %d, want %d", test.hours, test.off, got, test.want)
		}
	}
	enforce(t, l, c.Now(), "alpha=records:205")
	tail := stateOf(t, l).Tail
	if got := seen(at(0, 0)); got != tail || tail == 0 {
		t.Errorf("trimmed to %d: %d", tail, got)
	}
	if got := seen(at(40, 0)); got != 1350 {
		t.Errorf("trimmed: %d, want 1350", got)
	}
}

// A clock that is set back a little leaves the times rising; one that is set back
// far was wrong before, and the times go back with it.
func TestClockSetBack(t *testing.T) {
	o, c := clocked()
	l := openLog(t, "/store", o)
	defer closeLog(t, l)
	var times []int64
	add := func() {
		next := stateOf(t, l).Next
		commitRange(t, l, alpha, next, next+1)
		if err := l.Read(alpha, next, 0, func(r Record) bool { times = append(times, r.FirstSeen); return false }); err != nil {
			t.Fatal(err)
		}
	}
	commitRange(t, l, alpha, 0, 1)
	start := c.Now().UnixMilli()
	for _, step := range []time.Duration{time.Second, -30 * time.Second, time.Second, -2 * time.Minute} {
		c.wait(step)
		add()
	}
	want := []int64{start + 1000, start + 1000, start + 1000, start - 148_000}
	if !slices.Equal(times, want) {
		t.Errorf("times %v, want %v", times, want)
	}
}
