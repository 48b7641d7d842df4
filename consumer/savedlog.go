package consumer

import (
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

const (
	// savedRecordBytes is about how large a record of positions gets.
	savedRecordBytes = 32 << 10
	// smallSet is up to how many positions all of them are written each time:
	// then the last record alone says everything.
	smallSet = 64
	// fullEvery is after how many records the next set is a full one, so that a
	// reader has no more to read.
	fullEvery = 1024
	// savedWindow is for records that their stores have not acknowledged.
	savedWindow = 4 << 20
)

// savedLog is what a consumer publishes of its positions, in a partition of its
// own. One set is under way at a time; it is saved when its last record has its
// acknowledgements.
type savedLog struct {
	topic *mesh.Topic
	due   bool // a full set is to be written, though nothing has changed

	busy    bool
	first   uint64   // offset of its first record
	full    bool     // it has every position
	records [][]byte // of it, those not yet published
	base    uint64   // offset of the last full set that is saved
	based   bool     // there is one
}

// idle implements keeper.
func (n *claim) idle() bool { return !n.log.due && !n.log.busy }

// close implements keeper.
func (n *claim) close() error { return nil }

// save implements keeper.
func (n *claim) save(c *Consumer, changed, all map[core.Partition]uint64) bool {
	l := &n.log
	if !l.busy {
		n.encode(l.topic.Log.Next(), changed, all, recordBytes(c.cfg.MessageBytes))
	}
	published := false
	for len(l.records) > 0 {
		if _, ok := c.node.Append(l.topic, l.records[0], nil); !ok {
			break // acknowledgements make room
		}
		l.records, published = l.records[1:], true
	}
	if published {
		c.node.Push(l.topic)
	}
	return published
}

// recordBytes returns how large a record may get where messages are bounded.
func recordBytes(message int) int { return min(savedRecordBytes, message/2) }

// encode makes the records of the next set, the first of which will have the
// offset first.
func (n *claim) encode(first uint64, changed, all map[core.Partition]uint64, limit int) {
	l := &n.log
	l.busy, l.first = true, first
	l.full = l.due || !l.based || len(all) <= smallSet || l.first-l.base >= fullEvery
	l.due = false
	if l.full {
		changed = all
	}
	sets := divide(sorted(changed), limit-protocol.PositionsSize-len(n.name))
	p := protocol.Positions{Name: n.name, Epoch: n.epoch, Since: n.since, Base: l.base}
	if !l.based || (l.full && len(sets) == 1) {
		p.Base = l.first
	}
	for i, at := range sets {
		p.Full, p.More, p.At = l.full && i == 0, i < len(sets)-1, at
		l.records = append(l.records, p.Append(nil))
	}
}

// ended notes that the set under way is saved.
func (l *savedLog) ended() {
	if l.busy = false; l.full {
		l.base, l.based = l.first, true
	}
}

// divide cuts a list so that each part takes at most limit bytes, or has one
// position. An empty list is one part.
func divide(list []protocol.Position, limit int) (parts [][]protocol.Position) {
	from, bytes := 0, 0
	for i, p := range list {
		size := protocol.PositionSize(p)
		if i > from && bytes+size > limit {
			parts = append(parts, list[from:i])
			from, bytes = i, 0
		}
		bytes += size
	}
	return append(parts, list[from:])
}

// publishes subscribes to what stores say to who publishes.
func (r *role) publishes(d *mesh.Dialled) {
	self := r.node.UUID()
	d.Subscribe(mesh.OwnSubscription(protocol.KindAck, self))
	d.Subscribe(mesh.OwnSubscription(protocol.KindFetch, self))
	d.Subscribe(protocol.Subscription(protocol.KindGetHeads, ""))
}

// asPublisher takes an acknowledgement of saved positions, or a store's request
// for them.
func (r *role) asPublisher(d *mesh.Dialled, m *protocol.Message) {
	if m.Kind != protocol.KindAck {
		r.node.Request(m)
		return
	}
	l := &r.name.log
	if string(m.To) != r.node.UUID() || string(m.Subject) != protocol.PositionsTopic {
		return
	}
	if acked, _ := l.topic.Log.Ack(d.Peer().UUID, m.Sequence); l.busy && len(l.records) == 0 && acked == l.topic.Log.Next() {
		l.ended()
		(*Consumer)(r).saved(nil)
	}
	r.node.WakeWorkers() // there may be room for more
}
