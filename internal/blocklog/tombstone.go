package blocklog

import (
	"fmt"
	"math"
)

// RaiseTail raises the tail of a partition to at least tail, because what is
// below is known to be gone for good: it is deleted if it is held, and never
// taken again. If tail is above the head, the head goes with it. A partition
// that is not known begins there, empty. Nothing happens if its tail is there
// already. The tail is on disk when RaiseTail returns.
func (l *Log) RaiseTail(p Partition, tail uint64) error {
	if err := l.raise(p, tail, false); err != nil {
		return fmt.Errorf("blocklog: raise tail of %v to %d: %w", p, tail, err)
	}
	return nil
}

// Purge deletes the records of a partition below upTo, as RaiseTail does, and
// marks the state so that other stores can be told: see [State].Purged. A mark
// is only ever raised. It is kept as long as the partition has records, and
// [Options.TombstoneAge] longer.
func (l *Log) Purge(p Partition, upTo uint64) error {
	if err := l.raise(p, upTo, true); err != nil {
		return fmt.Errorf("blocklog: purge %v up to %d: %w", p, upTo, err)
	}
	return nil
}

// Expire notes that the records of a known partition below a sequence that are
// not held have expired, as other stores say: see [State].Expired. Nothing is
// deleted, and what is missing can still be filled in. It is on disk when Expire
// returns.
func (l *Log) Expire(p Partition, below uint64) error {
	if err := l.expire(p, below); err != nil {
		return fmt.Errorf("blocklog: expire %v below %d: %w", p, below, err)
	}
	return nil
}

func (l *Log) expire(p Partition, below uint64) error {
	if err := l.enter(); err != nil {
		return err
	}
	defer l.leave()
	l.writing.Lock()
	defer l.writing.Unlock()
	s, _, known := l.look(p)
	if !known || below <= s.Expired {
		return nil
	}
	c := l.newChange()
	s.Expired = below
	c.entry(p, s)
	return c.commit()
}

func (l *Log) raise(p Partition, tail uint64, purge bool) error {
	if err := p.validate(); err != nil {
		return err
	}
	if err := l.enter(); err != nil {
		return err
	}
	defer l.leave()
	l.writing.Lock()
	defer l.writing.Unlock()
	s, changes, known := l.look(p)
	if known && tail <= s.Tail && (!purge || tail <= s.Purged) {
		return nil
	}
	c := l.newChange()
	swept, err := c.raise(p, s, changes, tail, known)
	if err != nil {
		return c.abort(err)
	}
	if purge {
		now := l.opts.Now().UnixMilli()
		c.entries[0].after.Purged, c.entries[0].after.PurgedAt = tail, now
	}
	if err := c.commit(); err != nil {
		return err
	}
	l.reclaim(swept)
	return nil
}

// raise makes the entry of p with the tail raised. Nothing can change meanwhile.
func (c *change) raise(p Partition, s state, changes, tail uint64, known bool) (swept uint64, err error) {
	if !known {
		s.clear(tail, c.log.opts.Now().UnixMilli())
	}
	if !known || tail <= s.Tail {
		s.Expired = max(s.Expired, tail)
		c.entry(p, s)
		return 0, nil
	}
	t, err := c.log.planTrim(p, s, changes, demand{expired: math.MinInt64, below: tail})
	if err != nil {
		return 0, err
	}
	e, err := c.trim(t)
	if err == nil && e.swept {
		swept = e.dead + c.log.deadBytes(p)
	}
	return swept, err
}
