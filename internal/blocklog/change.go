package blocklog

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// change is one synced write: blocks, sums and states that agree. It is made
// while [Log.writing] is held, ends with commit or abort, and is seen by readers
// only after it is on disk.
type change struct {
	log     *Log
	batch   *pebble.Batch
	entries []entry
	grains  map[grainKey]sums // to be written; those without records are deleted
	seal    seal
	key     []byte
	value   []byte
}

// entry is a partition of a change.
type entry struct {
	Partition
	// What a batch gathered: see [Batch].
	adds    bool   // records are appended, or it begins; if so:
	known   bool   // it had a state when the first of them was added
	base    uint64 // its Next then
	first   uint64 // where it begins if it is new
	next    uint64 // its Next after the batch
	updated int64  // when it was last written to before

	after   state   // what it will be
	hash    uint64  // of that as it is stored; 0 if it will be forgotten
	changed bool    // by more than appending
	dropped bool    // it will be forgotten
	filled  []Range // by blocks below its head
	dead    uint64  // bytes of blocks that are below the tail from now on
	swept   bool    // blocks below the tail are deleted
	pruned  bool    // the tail passes marks of conflicts; if so:
	marks   marks   // what is left of them
}

type grainKey struct {
	Partition
	k uint64
}

func (l *Log) newChange() *change { return &change{log: l, batch: l.db.NewBatch()} }

// entry adds a partition that is to become s.
func (c *change) entry(p Partition, s state) *entry {
	c.entries = append(c.entries, entry{Partition: p, after: s, changed: true})
	return &c.entries[len(c.entries)-1]
}

func (c *change) abort(err error) error { return errors.Join(err, c.batch.Close()) }

// grain returns the sums of a closed grain as the change leaves them.
func (c *change) grain(p Partition, k uint64) (sums, error) {
	if s, ok := c.grains[grainKey{p, k}]; ok {
		return s, nil
	}
	return c.log.closedGrain(p, k)
}

// sumsOf returns the sums of a grain of s, closed or open, as the change leaves
// them.
func (c *change) sumsOf(p Partition, s *state, k uint64) (sums, error) {
	if k == grainOf(s.Next) {
		return s.open, nil
	}
	return c.grain(p, k)
}

func (c *change) setGrain(p Partition, k uint64, s sums) {
	if c.grains == nil {
		c.grains = map[grainKey]sums{}
	}
	c.grains[grainKey{p, k}] = s
}

// closeOpen gives the open grain of s a key of its own, because Next is about to
// leave it.
func (c *change) closeOpen(p Partition, s *state) {
	if s.open.records == 0 {
		return
	}
	k := grainOf(s.Next)
	c.setGrain(p, k, s.open)
	if k >= wholeGrain(s.Tail) {
		s.Digest += s.open.digest
	}
	s.open = sums{}
}

// appended counts the records of r behind the head of s.
func (c *change) appended(p Partition, s *state, r *run) {
	if r.grain != grainOf(s.Next) {
		c.closeOpen(p, s)
	}
	if s.Records == 0 {
		s.oldest = r.time
	}
	s.Next = max(s.Next, r.grain*GrainRecords) // r's grain is the open one now
	s.open.add(r.sums)
	s.add(r.sums)
	if grainOf(r.next) != r.grain {
		c.closeOpen(p, s)
	}
	s.Next = r.next
	s.Emptied = 0
}

// filledIn counts records of grain k below the head of s.
func (c *change) filledIn(p Partition, s *state, k uint64, o sums) error {
	if k == grainOf(s.Next) {
		s.open.add(o)
	} else {
		g, err := c.grain(p, k)
		if err != nil {
			return err
		}
		g.add(o)
		c.setGrain(p, k, g)
		if k >= wholeGrain(s.Tail) {
			s.Digest += o.digest
		}
	}
	if s.Records == 0 {
		s.oldest = o.newest
	}
	s.oldest = min(s.oldest, o.newest)
	s.add(o)
	s.Emptied = 0
	return nil
}

// replaced sets the sums of grain k to g.
func (c *change) replaced(p Partition, s *state, k uint64, g sums) error {
	old, err := c.sumsOf(p, s, k)
	if err != nil {
		return err
	}
	if k == grainOf(s.Next) {
		s.open = g
	} else {
		c.setGrain(p, k, g)
		if k >= wholeGrain(s.Tail) {
			s.Digest += g.digest - old.digest
		}
	}
	s.sub(old)
	s.add(g)
	return nil
}

// commit writes everything, with fsync, and makes it visible.
func (c *change) commit() error {
	if err := c.encode(); err != nil {
		return c.abort(err)
	}
	c.log.announce(c.entries)
	if err := c.log.write(c.batch); err != nil {
		return err
	}
	c.log.publish(c.entries)
	c.log.seal = c.seal
	c.log.keepWatermark(c.log.opts.Now())
	return nil
}

// encode adds sums, states and the seal to the Pebble batch.
func (c *change) encode() error {
	for _, at := range slices.SortedFunc(maps.Keys(c.grains), grainKey.compare) {
		if err := c.encodeGrain(at, c.grains[at]); err != nil {
			return fmt.Errorf("grain at %d of %v: %w", at.k*GrainRecords, at.Partition, err)
		}
	}
	c.seal = seal{c.log.seal.commits + 1, c.log.seal.states}
	for i := range c.entries {
		e := &c.entries[i]
		if e.changed {
			if err := c.pruneMarks(e); err != nil {
				return fmt.Errorf("conflicts of %v: %w", e.Partition, err)
			}
		}
		c.key = states.appendPrefix(c.key[:0], e.Partition)
		var err error
		if e.dropped {
			err = c.batch.Delete(c.key, nil)
		} else {
			c.value = e.after.append(c.value[:0])
			e.hash = hashState(c.key, c.value)
			err = c.batch.Set(c.key, c.value, nil)
		}
		if err != nil {
			return fmt.Errorf("state of %v: %w", e.Partition, err)
		}
		c.seal.states += e.hash - c.log.stateHash(e.Partition)
	}
	c.value = c.seal.append(c.value[:0])
	return c.batch.Set(sealKey, c.value, nil)
}

func (c *change) encodeGrain(at grainKey, s sums) error {
	c.key = grains.appendKey(c.key[:0], at.Partition, at.k*GrainRecords)
	if s.records == 0 {
		return c.batch.Delete(c.key, nil)
	}
	c.value = s.append(c.value[:0])
	return c.batch.Set(c.key, c.value, nil)
}

func (k grainKey) compare(o grainKey) int {
	return cmp.Or(k.Partition.compare(o.Partition), cmp.Compare(k.k, o.k))
}

// announce hides what is about to be filled in: Pebble lets readers see a batch
// before it is on disk. If the write fails, it remains hidden.
func (l *Log) announce(entries []entry) {
	for i := range entries {
		if e := &entries[i]; len(e.filled) > 0 {
			l.mu.Lock()
			l.parts[e.Partition].filling = e.filled
			l.mu.Unlock()
		}
	}
}

// publish makes the states visible that were written.
func (l *Log) publish(entries []entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var fresh, gone []Partition
	for i := range entries {
		e := &entries[i]
		l.publishMarks(e)
		if e.dropped {
			delete(l.parts, e.Partition) // it was empty
			gone = append(gone, e.Partition)
			continue
		}
		q := l.parts[e.Partition]
		if q == nil {
			q = new(part)
			l.parts[e.Partition] = q
			fresh = append(fresh, e.Partition)
		}
		l.held -= q.Bytes
		q.become(e)
		l.held += q.Bytes
		l.touch(e.Partition, q)
	}
	l.arrange(fresh, gone)
}

// become takes over what was written.
func (q *part) become(e *entry) {
	q.state, q.hash = e.after, e.hash
	q.merged = min(q.merged, q.Blocks)
	q.dead += e.dead
	if e.swept {
		q.dead = 0
	}
	if e.changed {
		q.changes++
		q.filling = nil
	}
}

// touch notes that Enforce, and perhaps MergeSmall, should look at a partition.
// It needs mu.
func (l *Log) touch(p Partition, q *part) {
	if !q.touched {
		q.touched = true
		l.touched = append(l.touched, p)
	}
	if !q.small && l.fragmented(q) {
		q.small = true
		l.small = append(l.small, p)
	}
}
