package blocklog

import (
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

// clocked returns options with a clock, for tests in memory.
func clocked() (Options, *clock) {
	c := newClock()
	o := small(vfs.NewMem())
	o.Now = c.Now
	return o, c
}

// openClocked opens a store in memory with a clock, which is closed with the test.
func openClocked(t *testing.T) (*Log, *clock) {
	t.Helper()
	o, c := clocked()
	l := openLog(t, "/store", o)
	t.Cleanup(func() { closeLog(t, l) })
	return l, c
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// wait lets time pass.
func (c *clock) wait(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// ageStep is a wait, and the tail that retention is to leave after it.
type ageStep struct {
	wait time.Duration
	tail uint64
}

// wantTails waits, applies a rule and compares the tail of alpha, step by step.
func (c *clock) wantTails(t fataler, l *Log, rule string, steps ...ageStep) {
	t.Helper()
	for i, step := range steps {
		c.wait(step.wait)
		enforce(t, l, c.Now(), rule)
		if s := stateOf(t, l); s.Tail != step.tail {
			t.Fatalf("step %d of %s: %+v, want tail %d", i, rule, s, step.tail)
		}
	}
}
