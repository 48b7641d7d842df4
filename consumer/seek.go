package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// Seek has a partition go on with the record of a place, forwards or backwards:
// the next record of it that is delivered is that one, also to a loop over Records
// that is under way. What is no longer kept is reported as a gap; where the
// partition has not come so far, what is published until then is left out. The
// partition may be one that nothing is known of yet. Positions that are saved do
// not go back: after a seek backwards Commit saves nothing new until the records
// come that were not committed before.
//
// ErrNotSubscribed: its topic is not received. ErrPosition: the place names no
// partition.
func (c *Consumer) Seek(to beck.Offset) error {
	p := core.Partition{Topic: to.Topic, Producer: to.Partition}
	if err := errors.Join(protocol.ValidTopic(to.Topic), protocol.ValidAddress(to.Partition)); err != nil {
		return fmt.Errorf("seek %v: %w: %w", to, beck.ErrPosition, err)
	}
	c.node.Lock()
	defer c.node.Unlock()
	if err := c.gone(); err != nil {
		return err
	}
	if !c.wants.match(p.Topic) {
		return fmt.Errorf("seek %v: %w", to, beck.ErrNotSubscribed)
	}
	if !c.begun {
		c.early = append(c.early, to) // behind the positions that are being read
		return nil
	}
	c.seek(p, to.Offset)
	c.rx.Act()
	return nil
}

// seek needs the lock; Act follows.
func (c *Consumer) seek(p core.Partition, offset uint64) {
	c.cuts.make(one(p), true)
	c.moveTo(p, offset)
	c.bounds.begun(p)
	c.start.again(p)
	c.more.Broadcast()
}

// seekEarly does what was asked before the topics were.
func (c *Consumer) seekEarly() {
	for _, to := range c.early {
		c.seek(core.Partition{Topic: to.Topic, Producer: to.Partition}, to.Offset)
	}
	c.early = nil
	c.rx.Act()
}

// lookupPatience is how long stores are waited for that are asked about a time.
const lookupPatience = 5 * time.Second

// SeekTime seeks in all partitions that are known of topics, as Config.Topics has
// them (none: of all), to the first record whose time is t or later: see [AtTime].
// It returns when that is done. A store that does not answer within 5 s is
// ErrUnanswered, and nothing was sought; as when ctx ends first.
func (c *Consumer) SeekTime(ctx context.Context, t time.Time, topics ...string) error {
	places, err := c.OffsetsAt(ctx, t, topics...)
	if err != nil {
		return fmt.Errorf("seek to %v: %w", t.Format(time.RFC3339), err)
	}
	c.node.Lock()
	defer c.node.Unlock()
	if err := c.gone(); err != nil {
		return err
	}
	for _, at := range places {
		p := core.Partition{Topic: at.Topic, Producer: at.Partition}
		c.seek(p, at.Offset)
		c.bounds.since[p] = int64(millis(t))
	}
	c.rx.Act()
	return nil
}

// OffsetsAt asks the stores where a time begins in the partitions that are known of
// topics, as Config.Topics has them (none: of all), sorted. An offset is that of a
// record which a store first saw at t or later, with only earlier ones before it,
// and perhaps some behind it: stores remember times by block. If there is none it
// is behind the last record stored. Of partitions that no store has it is the
// lowest one there is. A store that does not answer within 5 s is ErrUnanswered, a
// topic that is not received ErrNotSubscribed.
func (c *Consumer) OffsetsAt(ctx context.Context, t time.Time, topics ...string) ([]beck.Offset, error) {
	wants, err := c.cfg.wants(topics)
	if err != nil {
		return nil, err
	}
	if err := c.Ready(ctx); err != nil {
		return nil, err
	}
	c.node.Lock()
	defer c.node.Unlock()
	for _, w := range wants {
		if !c.wants.touch(w) {
			return nil, fmt.Errorf("topic %q: %w", text(w), beck.ErrNotSubscribed)
		}
	}
	if len(topics) == 0 {
		wants = c.wants.list()
	}
	defer context.AfterFunc(ctx, c.wake)()
	for c.lookup != nil { // one at a time
		if err := errors.Join(c.gone(), ctx.Err()); err != nil {
			return nil, err
		}
		c.more.Wait()
	}
	l := c.lookUp(millis(t), wants)
	defer c.endLookUp()
	for !l.done {
		if err := errors.Join(c.gone(), ctx.Err()); err != nil {
			return nil, err
		}
		c.more.Wait()
	}
	return c.foundBy(wants), l.err
}

// lookup is a question to the stores where a time begins.
type lookup struct {
	until time.Time
	done  bool
	err   error
}

// lookUp begins one. It needs the lock.
func (c *Consumer) lookUp(at uint64, wants []core.Want) *lookup {
	now := c.node.Now()
	c.lookup = &lookup{until: now.Add(lookupPatience)}
	c.rx.In.LookUp(at, wants, now)
	c.rx.Act()
	c.lookedUp(now)
	return c.lookup
}

func (c *Consumer) endLookUp() {
	c.lookup = nil
	c.more.Broadcast()
}

// lookedUp looks whether the stores have answered, and returns when to look again.
func (c *Consumer) lookedUp(now time.Time) time.Time {
	l := c.lookup
	if l == nil || l.done {
		return time.Time{}
	}
	open := c.rx.In.LookingUp()
	switch {
	case len(open) == 0:
		l.done = true
	case !now.Before(l.until):
		l.done, l.err = true, fmt.Errorf("consumer: store %s: %w", strings.Join(open, ", "), beck.ErrUnanswered)
	default:
		c.node.WakeAt(l.until)
		return l.until
	}
	c.more.Broadcast()
	return time.Time{}
}

// foundBy returns what a lookup found, and what there is where it found nothing.
func (c *Consumer) foundBy(wants []core.Want) (places []beck.Offset) {
	seen := make(map[core.Partition]bool)
	for _, w := range wants {
		for _, st := range c.rx.In.Standings(core.Selection{Want: w}) {
			if seen[st.Partition] {
				continue
			}
			seen[st.Partition] = true
			at, known := c.rx.In.Found(st.Partition)
			if !known {
				at = st.Lowest
			}
			places = append(places, beck.Offset{Topic: st.Topic, Partition: st.Producer, Offset: at})
		}
	}
	slices.SortFunc(places, func(a, b beck.Offset) int {
		return strings.Compare(a.Topic+"\x00"+a.Partition, b.Topic+"\x00"+b.Partition)
	})
	return places
}
