package consumer

import (
	"slices"
	"sync/atomic"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
)

// cuts are the calls of Seek and Pause that happened while a loop over Records, or
// a call of Poll, had records in hand. What it has not yet yielded, or gives back, is
// then no longer due. The node's lock guards the list.
type cuts struct {
	made  atomic.Uint64
	hands atomic.Int64 // loops and calls that have a batch in hand
	list  []cut
}

// cut is one such call.
type cut struct {
	number uint64
	core.Selection
	sought bool // the partition goes on elsewhere; else with what was in hand, some time
}

// begin notes that a batch has been taken. It needs the lock.
func (c *cuts) begin() uint64 {
	if c.hands.Add(1) == 1 {
		c.list = nil
	}
	return c.made.Load()
}

// end notes that nothing more of it will be given back.
func (c *cuts) end() { c.hands.Add(-1) }

// make makes a cut. It needs the lock.
func (c *cuts) make(s core.Selection, sought bool) {
	n := c.made.Add(1)
	if c.hands.Load() > 0 {
		c.list = append(c.list, cut{n, s, sought})
	}
}

// since returns what became of a partition after a batch was taken.
func (c *cuts) since(p core.Partition, taken uint64) (hit, sought bool) {
	for _, cut := range c.list {
		if cut.number > taken && cut.Covers(p) {
			hit, sought = true, sought || cut.sought
		}
	}
	return hit, sought
}

// uncut returns which of the records that are given back are still due. Those of
// a partition that was paused are received again. It needs the lock.
func (c *Consumer) uncut(records []beck.Record, taken uint64) []beck.Record {
	if len(c.cuts.list) == 0 {
		return records
	}
	again := make(map[core.Partition]uint64)
	due := slices.DeleteFunc(slices.Clone(records), func(r beck.Record) bool {
		p := core.Partition{Topic: r.Topic, Producer: r.Partition}
		hit, sought := c.cuts.since(p, taken)
		if at, known := again[p]; hit && !sought && (!known || r.Offset < at) {
			again[p] = r.Offset
		}
		return hit
	})
	c.handed -= uint64(len(records) - len(due))
	for _, p := range sorted(again) {
		c.moveTo(core.Partition{Topic: p.Topic, Producer: p.Producer}, p.Next)
	}
	c.rx.Act()
	return due
}

// withdraw takes what waits for the application of a selection out of the queue,
// and returns where each partition of it goes on.
func (c *Consumer) withdraw(s core.Selection) map[core.Partition]uint64 {
	first, now := make(map[core.Partition]uint64), c.node.Now()
	out := func(p core.Partition, offset uint64) bool {
		if !s.Covers(p) {
			return false
		}
		if at, known := first[p]; !known || offset < at {
			first[p] = offset
		}
		return true
	}
	c.rest = slices.DeleteFunc(slices.Clone(c.rest), func(r beck.Record) bool {
		return out(core.Partition{Topic: r.Topic, Producer: r.Partition}, r.Offset)
	})
	freed := int64(0)
	c.queue = slices.DeleteFunc(c.queue, func(d delivery) bool {
		gone := out(d.run.Partition, d.run.First+uint64(d.at))
		if gone {
			freed += d.consumed
		}
		return gone
	})
	c.rx.In.Consumed(freed, now)
	return first
}

// moveTo has a partition go on at an offset, whatever was received of it.
func (c *Consumer) moveTo(p core.Partition, offset uint64) bool {
	c.withdraw(one(p))
	return c.rx.In.Seek(p, offset, c.node.Now())
}

// one selects one partition.
func one(p core.Partition) core.Selection {
	return core.Selection{Want: core.Want{Name: p.Topic}, Producer: p.Producer}
}
