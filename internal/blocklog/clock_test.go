package blocklog

import (
	"sync"
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
