package consumer

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

// proofOfLife is how long after the first beacon of a rival another must come
// for it to count as living. What a tower says of a node that has just died may
// come up to a second late, and it forgets the node after four.
const proofOfLife = 2 * time.Second

// claim is a consumer's hold on a name of positions that stores keep. Beacons
// carry it, so that another consumer of the name does not begin; and each life
// of the name has an epoch of its own, so that an older life that did not hear of
// a newer one is told by what that one saved.
type claim struct {
	name   string
	since  int64                // ms since 1970
	rivals map[string]time.Time // who else claims it, and when that was first seen
	lives  core.Lives           // those of the name that were found, until they are read
	epoch  uint64               // of this life; until then the highest found
	stores int                  // that had answered when this life began
	log    savedLog
}

// begin claims the name. It needs the lock.
func (n *claim) begin(c *Consumer, now time.Time) {
	n.since = now.UnixMilli()
	n.log.topic = c.node.Topic(protocol.PositionsTopic)
	c.rx.In.WantNewest(protocol.PositionsTopic, 1, now)
	c.rx.In.Ignore(core.Partition{Topic: protocol.PositionsTopic, Producer: c.node.UUID()}, now)
	c.node.SetHold(n.hold(false))
}

func (n *claim) hold(held bool) protocol.Hold {
	return protocol.Hold{Name: n.name, Held: held, Since: n.since}
}

// meet notes who else claims the name.
func (n *claim) meet(c *Consumer, p *mesh.Peer, now time.Time) {
	if !p.Announced || p.Info == nil || p.Info.Holds.Name != n.name {
		delete(n.rivals, p.UUID)
	} else if _, known := n.rivals[p.UUID]; !known {
		n.rivals[p.UUID] = now
		c.node.WakeAt(now)
	}
}

// contest looks at the rivals. It fails the consumer if one of them stands, and
// names one of which that is not known yet.
func (n *claim) contest(c *Consumer) (open string) {
	for _, uuid := range slices.Sorted(maps.Keys(n.rivals)) {
		p := c.node.Peer(uuid)
		if p == nil || p.Info == nil || p.Info.Holds.Name != n.name {
			delete(n.rivals, uuid)
			continue
		}
		if c.node.Hold().Beats(c.node.UUID(), p.Info.Holds, uuid) {
			continue
		}
		if c.node.Seen(uuid).Sub(n.rivals[uuid]) >= proofOfLife {
			n.lose(c, uuid)
			return ""
		}
		open = uuid
	}
	return open
}

func (n *claim) lose(c *Consumer, uuid string) {
	c.fail(fmt.Errorf("consumer: positions %q: %w: consumer %s has it", n.name, beck.ErrNameInUse, uuid))
}

// load implements keeper: every store is asked for what it has, and the last
// life's positions are read.
func (n *claim) load(c *Consumer) (at map[core.Partition]uint64, missing string) {
	if uuid := n.contest(c); uuid != "" || c.failed != nil {
		return nil, "consumer " + uuid + " has the name, or has just ended"
	}
	stores, missing := storesToAnswer(c)
	if missing != "" {
		return nil, missing
	}
	c.rx.Act() // what the intake has counted as delivered is to be read first
	if !c.rx.In.Complete(protocol.PositionsTopic) {
		return nil, "the stores' records of saved positions are on their way"
	}
	at, known := n.last(c)
	if !known {
		return nil, "the last saved positions are on their way"
	}
	n.epoch++
	n.lives, n.stores, n.log.due = nil, stores, true
	c.node.SetHold(n.hold(true))
	return at, ""
}

// last returns the positions of the last life that saved any; known is false
// while they are being read.
func (n *claim) last(c *Consumer) (at map[core.Partition]uint64, known bool) {
	partition := func(address string) core.Partition {
		return core.Partition{Topic: protocol.PositionsTopic, Producer: address}
	}
	l, again := n.lives.Last(func(address string) uint64 {
		next, _ := c.rx.In.Next(partition(address))
		return next
	})
	switch {
	case again != nil:
		c.rx.In.Rewind(partition(again.Address), again.Last.Base, c.node.Now())
		return nil, false
	case l != nil:
		return l.Set, true
	}
	return make(map[core.Partition]uint64), true
}

// storesToAnswer says which stores have not told yet what they have, or how many
// have.
func storesToAnswer(c *Consumer) (stores int, missing string) {
	now := c.node.Now()
	if !c.node.Named(now) {
		return 0, "no tower has named the nodes"
	}
	for _, p := range c.node.Peers() {
		s, up := p.Source()
		if p.Role() != protocol.RoleStore && !(up && s.All) {
			continue
		}
		if stores++; !up || !c.rx.In.Listed(p.UUID, now) {
			return 0, "store " + p.UUID + " does not answer"
		}
	}
	if stores == 0 {
		return 0, "no store is there"
	}
	return stores, ""
}

// read takes records of saved positions. Those of other names are not read on.
func (n *claim) read(c *Consumer, d core.Delivery) {
	run, p, now := d.Run.Data.(*mesh.Run), d.Run.Partition, c.node.Now()
	for seq := d.Part.First; seq < d.Part.End; seq++ {
		set, err := protocol.ParsePositions(run.Record(int(seq - run.First)).Content)
		if err != nil {
			c.node.Logger().Warn("unreadable positions", "partition", p.String(), "offset", seq, "err", err)
			continue
		}
		if set.Name != n.name {
			c.rx.In.Ignore(p, now)
			break
		}
		n.found(c, p.Producer, set)
	}
	c.rx.In.Consumed(d.Run.Bytes, now)
}

// found takes a record of the name that another life wrote.
func (n *claim) found(c *Consumer, uuid string, set protocol.Positions) {
	if !c.begun {
		n.lives.Take(uuid, set)
		n.epoch = max(n.epoch, set.Epoch)
		return
	}
	other := n.hold(true)
	other.Since = set.Since
	switch {
	case set.Epoch < n.epoch:
	case !n.hold(true).Beats(c.node.UUID(), other, uuid):
		n.lose(c, uuid) // it began later, and went on from what we had saved
	case set.Epoch > n.epoch: // an older life, whose store was not there when we began
		n.epoch, n.log.due = set.Epoch+1, true
		c.node.WakeWorkers()
	}
}
