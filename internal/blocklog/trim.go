package blocklog

import (
	"math"
	"time"
)

// trim is how far the tail of a partition is to be raised, worked out from its
// sums and from the blocks of one grain at most, without a lock held.
type trim struct {
	Partition
	changes   uint64 // of the partition when this was worked out
	from      uint64 // the tail then
	tail      uint64 // what it becomes
	keep      uint64 // the block that tail lies in begins here; all below can go
	oldest    int64  // the time of that block, 0 if there is none
	dropped   sums   // all that goes
	partial   sums   // of it, what lies in the grain of tail
	digest    uint64 // of the closed whole grains that go
	uncertain bool   // damaged blocks were passed: count the grain of tail anew
	read      int    // bytes of blocks that were looked at
}

// demand is what a policy wants to go: records from the tail on, as long as one
// of these is not met.
type demand struct {
	records uint64 // so many
	content uint64 // records that bring the contents down by so much
	expired int64  // blocks of this time, ms, or earlier
	below   uint64 // records below this sequence
}

// demand returns what p wants of a partition at a time; false if nothing, as
// far as is known without reading.
func (p Policy) demand(s *state, now time.Time) (demand, bool) {
	d := demand{expired: math.MinInt64}
	if p.Records > 0 && s.Records > p.Records {
		d.records = s.Records - p.Records
	}
	if p.Bytes > 0 && s.Content > p.Bytes {
		d.content = s.Content - p.Bytes
	}
	aged := false
	if p.Age > 0 && s.Records > 0 {
		d.expired = now.Add(-p.Age).UnixMilli()
		aged = s.oldest <= d.expired
	}
	return d, d.records > 0 || d.content > 0 || aged
}

// takes says whether all of what was summed up has to go: some of the records
// may have to stay otherwise.
func (d *demand) takes(g sums, end uint64) bool {
	return d.records >= g.records && g.records > 0 || d.content > g.content ||
		g.newest <= d.expired || d.below >= end
}

// met takes what goes off the demand.
func (d *demand) met(g sums) {
	d.records -= min(d.records, g.records)
	d.content -= min(d.content, g.content)
}

// over says whether nothing more has to go for its number or size.
func (d *demand) over() bool { return d.records == 0 && d.content == 0 }

// planTrim works out where the tail has to be to satisfy d: whole grains go by
// their sums, and in the one where the tail comes to lie blocks are looked at.
func (l *Log) planTrim(p Partition, s state, changes uint64, d demand) (*trim, error) {
	t := &trim{Partition: p, changes: changes, from: s.Tail, tail: s.Tail, keep: s.Tail}
	done := false
	err := l.eachHeld(p, &s, func(k uint64, g sums) (err error) {
		if done, err = t.grain(l, &s, &d, k, g); done && err == nil {
			return errEnough
		}
		return err
	})
	if err == nil && !done { // everything goes
		t.tail, t.keep, t.partial = s.Next, s.Next, s.open
	}
	switch {
	case d.below > 0: // exactly there: what is missing above may still come
		t.tail = max(s.Tail, d.below)
		t.keep = min(t.keep, t.tail)
	case t.dropped.records == 0 && !t.uncertain: // so may what is missing here
		t.tail = s.Tail
	}
	return t, err
}

// grain lets grain k go, or finds the tail in it and returns true.
func (t *trim) grain(l *Log, s *state, d *demand, k uint64, g sums) (done bool, err error) {
	end := min(grainEnd(k), s.Next)
	if !d.takes(g, end) {
		done, err = t.search(l, s, d, k, end)
		if done || err != nil {
			return done, err
		}
	} else {
		d.met(g)
	}
	t.dropped.add(g)
	t.tail, t.keep, t.partial, t.uncertain = end, end, sums{}, false
	if d.below > k*GrainRecords && d.below < end { // the grain is left without records
		t.partial = g
		return true, nil
	}
	if k >= wholeGrain(s.Tail) && k < grainOf(s.Next) {
		t.digest += g.digest
	}
	return false, nil
}

// search looks for the first record of grain k that stays.
func (t *trim) search(l *Log, s *state, d *demand, k, end uint64) (done bool, err error) {
	from, gone := max(k*GrainRecords, s.Tail), sums{}
	damaged, err := l.walk(t.Partition, from, end, func(b block) bool {
		t.read += b.len()
		g := b.sum(from, end)
		if d.takes(g, min(b.next(), end)) {
			d.met(g)
			gone.add(g)
			return true
		}
		some, stays := t.cut(b, from, end, d)
		done = stays
		if !stays { // none after all
			some = g
		}
		gone.add(some)
		return !done
	})
	if done {
		t.partial, t.uncertain = gone, damaged
		t.dropped.add(gone)
	}
	return done, err
}

// cut finds the first record of b within [from, end) that stays, and returns
// the sums of those before it; false if none does.
func (t *trim) cut(b block, from, end uint64, d *demand) (gone sums, stays bool) {
	b.visit(from, func(r Record) bool {
		if r.Seq >= end {
			return false
		}
		if stays = d.over() && r.Seq >= d.below; stays {
			t.tail, t.keep, t.oldest = r.Seq, b.first, b.time
			return false
		}
		one := sums{records: 1, content: uint64(len(r.Content))}
		if r.Bare {
			one.bare = 1
		}
		d.met(one)
		gone.add(one)
		return true
	})
	return gone, stays
}

// trim raises a tail as planned, if nothing but appending happened since. It
// returns the entry, nil if it did not.
func (c *change) trim(t *trim) (*entry, error) {
	s, changes, known := c.log.look(t.Partition)
	if !known || changes != t.changes || t.tail <= s.Tail {
		return nil, nil
	}
	e := c.entry(t.Partition, s)
	if err := c.lower(t, &e.after); err != nil {
		return nil, err
	}
	e.dead = t.dropped.bytes
	return e, c.sweep(e, t)
}

// lower takes what goes off the state s and the sums.
func (c *change) lower(t *trim, s *state) error {
	k := grainOf(t.tail)
	s.sub(t.dropped)
	s.Digest -= t.digest
	s.oldest = t.oldest
	was := wholeGrain(s.Tail)
	s.Tail = t.tail
	s.Expired = max(s.Expired, s.Tail)
	switch {
	case t.tail >= s.Next:
		s.clear(t.tail, c.log.opts.Now().UnixMilli())
		return nil
	case k == grainOf(s.Next):
		s.open.sub(t.partial)
	case t.tail%GrainRecords != 0:
		g, err := c.grain(t.Partition, k)
		if err != nil {
			return err
		}
		if k >= was {
			s.Digest -= g.digest
		}
		g.sub(t.partial)
		c.setGrain(t.Partition, k, g)
	}
	if !t.uncertain {
		return nil
	}
	g, err := c.log.recountGrain(t.Partition, k, s)
	if err != nil {
		return err
	}
	return c.replaced(t.Partition, s, k, g)
}

// clear makes s a tombstone that ends at next.
func (s *state) clear(next uint64, now int64) {
	s.Tail, s.Next = next, next
	s.uncount()
	if s.Emptied == 0 {
		s.Emptied = now
	}
}

// sweepBytes of blocks below the tail are deleted in any case. Less waits until
// it is an eighth of what is kept: a range deletion a second for each of
// thousands of partitions would cost more than the space.
const sweepBytes = 4 << 20

// sweep deletes what lies below the tail, if it is worth it.
func (c *change) sweep(e *entry, t *trim) error {
	dead := e.dead + c.log.deadBytes(e.Partition)
	if e.after.Records > 0 && (dead == 0 || dead < min(sweepBytes, e.after.Bytes/8)) {
		return nil
	}
	e.swept = true
	if err := c.batch.DeleteRange(blocks.appendKey(nil, e.Partition, 0),
		blocks.appendKey(nil, e.Partition, t.keep), nil); err != nil {
		return err
	}
	if grain := grainOf(t.tail) * GrainRecords; grain > 0 {
		if err := c.batch.DeleteRange(grains.appendKey(nil, e.Partition, 0),
			grains.appendKey(nil, e.Partition, grain), nil); err != nil {
			return err
		}
	}
	return c.sweepQuarantine(e.Partition, t.tail)
}

// deadBytes returns what a partition has below its tail.
func (l *Log) deadBytes(p Partition) uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if q := l.parts[p]; q != nil {
		return q.dead
	}
	return 0
}
