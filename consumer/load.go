package consumer

import (
	"fmt"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
)

// openPositions prepares to save positions, if that is asked for.
func (c *Consumer) openPositions() error {
	switch {
	case c.cfg.SaveAs == "":
	case c.cfg.PositionsFile != "":
		f, err := openFile(c.cfg)
		if err != nil {
			return err
		}
		c.pos = newProgress(f)
	default:
		c.name = &claim{name: c.cfg.SaveAs, rivals: make(map[string]time.Time), lives: make(map[string]*life)}
		c.pos = newProgress(c.name)
	}
	return nil
}

func (c *Consumer) closePositions() error {
	if c.pos == nil {
		return nil
	}
	return c.pos.keep.close()
}

// window says what the node publishes: its positions, if anything.
func (c *Consumer) window() core.WindowConfig {
	if c.name == nil {
		return core.WindowConfig{}
	}
	return core.WindowConfig{
		Bytes: savedWindow, StoreAcks: c.cfg.MinStoreAcks,
		HeadDelay: 20 * time.Millisecond, HeadInterval: time.Second, HeadMax: 10 * time.Second,
	}
}

// beginLoad is called before anything happens to the node.
func (c *Consumer) beginLoad(now time.Time) {
	c.start.begun = now
	if c.pos != nil {
		c.node.Work(c.save)
	}
	if c.name != nil {
		c.name.begin(c, now)
		return
	}
	c.load(now)
}

// load takes up the saved positions when they are known, and then the topics. It
// reports whether that is done. Without positions it is done at once.
func (c *Consumer) load(now time.Time) (done bool) {
	if c.failed != nil || c.begun {
		return true
	}
	if c.pos != nil {
		at, missing := c.pos.keep.load(c)
		c.start.missing = missing
		if c.failed != nil {
			return true
		}
		if missing != "" {
			c.checkTimeout(now, missing)
			return c.failed != nil
		}
		c.pos.take(at)
		c.node.WakeWorkers()
	}
	c.begun = true
	c.start.asked()
	c.want(c.wants.list())
	c.seekEarly()
	return true
}

func (c *Consumer) checkTimeout(now time.Time, missing string) {
	if now.Sub(c.start.begun) >= c.cfg.StartTimeout {
		c.fail(fmt.Errorf("consumer: positions %q cannot be read: %w: after %v: %s",
			c.cfg.SaveAs, beck.ErrUnanswered, c.cfg.StartTimeout, missing))
	}
}

// resume lets what is wanted go on where it is saved, or begin where it is to.
func (c *Consumer) resume(fresh []core.Want) {
	wanted := wantsOf(fresh)
	at := make(map[core.Partition]uint64)
	for _, o := range c.cfg.StartAt {
		if wanted.match(o.Topic) {
			at[core.Partition{Topic: o.Topic, Producer: o.Partition}] = o.Offset
		}
	}
	if c.pos != nil {
		for p, next := range c.pos.saved {
			if p.Producer != began && wanted.match(p.Topic) {
				at[p] = next
			}
		}
	}
	for _, p := range sorted(at) {
		q := core.Partition{Topic: p.Topic, Producer: p.Producer}
		c.rx.In.Resume(q, p.Next)
		c.bounds.begun(q)
	}
}

// starting does what is still to be done until everything known at the start was
// asked, and returns when to look again.
func (c *Consumer) starting(now time.Time) (again time.Time) {
	if c.name != nil && c.begun && c.failed == nil && len(c.name.rivals) > 0 {
		c.name.contest(c)
		again = now.Add(time.Second)
	}
	if c.start.ready {
		return again
	}
	if !c.load(now) {
		return now.Add(startEvery)
	}
	at := c.start.check(c, now)
	if c.start.ready && c.failed == nil {
		c.noteStart()
	}
	if again.IsZero() || (!at.IsZero() && at.Before(again)) {
		again = at
	}
	return again
}

// noteStart has a consumer that does not begin with the oldest records save where it began: if it ends before
// its first commit, the next one of its name goes on there, and not at what is
// new by then. What comes of partitions without a position is newer still.
func (c *Consumer) noteStart() {
	if c.pos == nil || c.cfg.Start == Earliest {
		return
	}
	for _, w := range c.wants.list() {
		if c.pos.knows(w.Name) {
			continue
		}
		places := []place{{mark(w.Name), 0}}
		for p, next := range c.rx.In.Starts(w) {
			if _, known := c.pos.wanted[p]; !known && next > 0 {
				places = append(places, place{p, next})
			}
		}
		c.pos.want(places)
	}
	c.node.WakeWorkers()
}
