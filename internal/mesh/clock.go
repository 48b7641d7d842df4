package mesh

import "time"

// setEvery is how long a clock goes by the monotonic one alone. A step of the
// machine's clock is followed that much later.
const setEvery = 100 * time.Millisecond

// clock tells the microseconds since 1970 for less than half of what time.Now
// costs: it reads the monotonic clock, and the other one ten times a second.
type clock struct {
	set   time.Time
	nanos int64 // since 1970, at set
}

func (c *clock) micros() int64 {
	var since time.Duration
	if !c.set.IsZero() {
		since = time.Since(c.set)
	}
	if since >= setEvery || c.set.IsZero() {
		c.set, since = time.Now(), 0
		c.nanos = c.set.UnixNano()
	}
	return (c.nanos + int64(since)) / int64(time.Microsecond)
}
