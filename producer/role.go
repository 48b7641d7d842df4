package producer

import (
	"errors"
	"fmt"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/internal/planted"
	"github.com/beckmesh/beck/protocol"
)

// role is the producer as its node sees it. All methods but Serve are called
// with the node's lock held.
type role Producer

var errNotPublished = errors.New("producer: not a topic of ours")

func (r *role) Dialled(d *mesh.Dialled) {
	self := r.node.UUID()
	d.Subscribe(mesh.OwnSubscription(protocol.KindAck, self))
	d.Subscribe(mesh.OwnSubscription(protocol.KindFetch, self))
	d.Subscribe(protocol.Subscription(protocol.KindGetHeads, ""))
}

func (r *role) PeerChanged(*mesh.Peer, time.Time) {}

func (r *role) Subscribed(*mesh.Accepted, string, time.Time) {}

func (r *role) Tick(time.Time) time.Time { return time.Time{} }

func (r *role) Serve(s *mesh.Step, dst []byte, limit int) []byte {
	return r.node.ServeWindow(s, dst, limit)
}

func (r *role) Receive(d *mesh.Dialled, b *mesh.Batch, _ time.Time) (kept bool) {
	for i := range b.Items {
		if b.Items[i].Run != nil {
			continue
		}
		switch m := &b.Items[i].Message; m.Kind {
		case protocol.KindAck:
			r.ack(d, m)
		case protocol.KindFetch, protocol.KindGetHeads:
			r.node.Request(m)
		}
	}
	return false
}

// ack counts an acknowledgement for the store that the link was dialled to: the
// frame names none.
func (r *role) ack(d *mesh.Dialled, m *protocol.Message) {
	if string(m.To) != r.node.UUID() {
		return
	}
	log := r.node.Window().Lookup(string(m.Subject))
	if log == nil {
		d.Fault(errNotPublished)
		return
	}
	if planted.Is(planted.AckOfOtherTopic) {
		if first := r.node.Window().Logs()[0]; m.Sequence < first.Next() {
			log = first
		}
	}
	before := log.Acked()
	acked, ok := log.Ack(d.Peer().UUID, m.Sequence)
	if !ok {
		(*Producer)(r).fail(fmt.Errorf("producer %s: a store has offset %d of %q, of which %d were published: %w",
			r.node.UUID(), m.Sequence, log.Topic, log.Next(), beck.ErrIdentity))
		return
	}
	(*Producer)(r).acked(log, d.Peer().UUID, m.Sequence+1)
	if acked > before {
		(*Producer)(r).release(log, acked)
	}
}

// release calls back whoever waits for offsets below acked. It needs the lock.
func (p *Producer) release(log *core.Log, acked uint64) {
	p.node.Room().Broadcast()
	if p.journal != nil && p.cfg.MinStoreAcks > 0 {
		p.journal.Trim(log.Topic, acked)
	}
	p.measure(log, acked)
	waiters := p.waiters[log]
	n := 0
	for n < len(waiters) && waiters[n].seq < acked {
		p.tell(waiters[n], log, nil)
		n++
	}
	if p.waiters[log] = waiters[n:]; n == len(waiters) {
		delete(p.waiters, log)
	}
}

// fail stops the producer for good. It needs the lock.
func (p *Producer) fail(err error) {
	if p.err != nil {
		return
	}
	p.err = err
	p.node.Logger().Error("producer stopped", "err", err)
	p.dropWaiters(err)
	p.node.Room().Broadcast()
}

func (p *Producer) dropWaiters(err error) {
	for log, waiters := range p.waiters {
		for _, w := range waiters {
			p.tell(w, log, err)
		}
	}
	clear(p.waiters)
}
