package consumer

import (
	"context"
	"fmt"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// Commit saves, under Config.SaveAs, how far the application has finished, and
// returns when that is safe. Each offset names a record up to which, with it,
// everything of its partition is finished. Without offsets that is everything
// that Poll has returned, and everything from Records whose loop body has ended;
// the record at which a loop over Records was left does not count as finished.
//
// An offset before one that was committed, or beyond what was delivered, is
// ErrPosition, and nothing is saved. ErrNameInUse says that another consumer has
// the name now. When ctx ends first, the positions may be saved all the same. A
// disk that fails is an error too; what could not be saved is saved by the next
// Commit that succeeds.
func (c *Consumer) Commit(ctx context.Context, upTo ...beck.Offset) error {
	defer context.AfterFunc(ctx, c.wake)()
	c.node.Lock()
	defer c.node.Unlock()
	p := c.pos
	if p == nil {
		return fmt.Errorf("commit: %w: SaveAs is not set", beck.ErrConfig)
	}
	if err := c.gone(); err != nil {
		return err
	}
	c.foldBatches()
	places, err := p.upTo(upTo)
	if err != nil {
		return err
	}
	if len(upTo) == 0 {
		places = p.all()
	}
	p.want(places)
	c.node.WakeWorkers()
	for failures := p.failures; !p.safe(places); c.more.Wait() {
		if err := c.gone(); err != nil {
			return err
		}
		if p.failures > failures {
			return fmt.Errorf("commit: %w", p.err)
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("commit: not known to be saved: %w", err)
		}
	}
	return nil
}

// Committed returns how far a partition is saved: the offset behind its last
// finished record; false where no position is saved.
func (c *Consumer) Committed(topic, partition string) (next uint64, ok bool) {
	c.node.Lock()
	defer c.node.Unlock()
	if c.pos == nil {
		return 0, false
	}
	next, ok = c.pos.saved[core.Partition{Topic: topic, Producer: partition}]
	return next, ok
}

// gone returns why the consumer is no more.
func (c *Consumer) gone() error {
	if c.failed != nil {
		return c.failed
	}
	if c.closed {
		return fmt.Errorf("consumer: %w", beck.ErrClosed)
	}
	return nil
}

// fail stops the consumer for good. It needs the lock.
func (c *Consumer) fail(err error) {
	if c.failed != nil {
		return
	}
	c.failed = err
	c.node.Logger().Info("consumer stopped", "err", err) // whoever calls us gets it
	c.start.end(err)
	c.node.SetHold(protocol.Hold{})
	c.more.Broadcast()
}

// save is the worker that saves what was committed.
func (c *Consumer) save() bool {
	p := c.pos
	if !c.begun || c.failed != nil || (p.saving == nil && len(p.dirty) == 0 && p.keep.idle()) {
		return false
	}
	p.begin()
	return p.keep.save(c, p.saving, p.wanted)
}

// saved ends a save. It needs the lock.
func (c *Consumer) saved(err error) {
	c.pos.done(err)
	if err != nil {
		c.node.Logger().Error("positions are not saved", "err", err)
	}
	c.more.Broadcast()
	c.node.WakeWorkers()
}
