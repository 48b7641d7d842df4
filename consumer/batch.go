package consumer

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
)

// batch is records that Records hands over one by one.
type batch struct {
	records []beck.Record
	at      atomic.Int64 // of the record whose loop body runs; those before are finished
	folded  int          // of those, how many the positions know of
	cuts    uint64       // made when it was taken
	cut     bool         // it ended because another was made
}

// begin takes a batch, into the memory of the one before where that suffices.
func (c *Consumer) begin(ctx context.Context, last []beck.Record) (*batch, error) {
	c.node.Lock()
	defer c.node.Unlock()
	if c.empty() {
		clear(last) // nothing is kept while we wait
	}
	b := new(batch)
	err := c.await(ctx)
	if err == nil {
		n := c.count(recordsAtOnce)
		clear(last[min(n, len(last)):])
		b.records = slices.Grow(last[:0], n)[:n]
		c.take(b.records)
	}
	b.cuts = c.cuts.begin()
	if c.pos != nil {
		c.pos.batches = append(c.pos.batches, b)
	}
	return b, err
}

// end notes what of a batch is finished. A loop that was left takes the records
// behind the one at which it was not.
func (c *Consumer) end(b *batch, left bool) {
	c.node.Lock()
	defer c.node.Unlock()
	if left {
		at := b.at.Load()
		if !b.cut {
			at++ // of the one at which the loop was left its body has run
		}
		c.putBack(c.uncut(b.records[at:], b.cuts))
	}
	c.cuts.end()
	if c.pos == nil {
		return
	}
	c.foldBatches()
	for i, other := range c.pos.batches {
		if other == b {
			c.pos.batches = append(c.pos.batches[:i:i], c.pos.batches[i+1:]...)
			return
		}
	}
}

// putBack has records handed over next.
func (c *Consumer) putBack(records []beck.Record) {
	if len(records) > 0 {
		c.rest = append(records[:len(records):len(records)], c.rest...)
		c.handed -= uint64(len(records))
		c.more.Broadcast()
	}
}

// foldBatches takes note of the records whose loop body has ended.
func (c *Consumer) foldBatches() {
	for _, b := range c.pos.batches {
		at := int(b.at.Load())
		c.pos.finish(b.records[b.folded:at])
		b.folded = at
	}
}

// current returns the offset behind the record of a partition whose loop body
// runs; 0 when there is none.
func (p *progress) current(q core.Partition) (next uint64) {
	for _, b := range p.batches {
		if at := int(b.at.Load()); at < len(b.records) {
			if r := &b.records[at]; r.Topic == q.Topic && r.Partition == q.Producer {
				next = max(next, r.Offset+1)
			}
		}
	}
	return next
}
