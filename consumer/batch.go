package consumer

import (
	"context"
	"sync/atomic"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
)

// batch is records that Records hands over one by one.
type batch struct {
	records []beck.Record
	at      atomic.Int64 // of the record whose loop body runs; those before are finished
	folded  int          // of those, how many the positions know of
}

// begin takes a batch.
func (c *Consumer) begin(ctx context.Context) (*batch, error) {
	defer context.AfterFunc(ctx, c.wake)()
	c.node.Lock()
	defer c.node.Unlock()
	records, err := c.poll(ctx, recordsAtOnce)
	b := &batch{records: records}
	if c.pos != nil {
		c.pos.batches = append(c.pos.batches, b)
	}
	return b, err
}

// end notes what of a batch is finished. A loop that was left takes the records
// behind the one at which it was not.
func (c *Consumer) end(b *batch, left bool) {
	if c.pos == nil && !left {
		return
	}
	c.node.Lock()
	defer c.node.Unlock()
	if left {
		c.putBack(b.records[b.at.Load()+1:])
	}
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
