package consumer

import (
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

// role is the consumer as its node sees it. All methods but Serve are called
// with the node's lock held.
type role Consumer

// live is, for a dialled link, the topics whose records are subscribed to.
type live map[string]bool

func (r *role) Dialled(d *mesh.Dialled) {
	self := r.node.UUID()
	for _, k := range []protocol.Kind{protocol.KindDirectRecord, protocol.KindDirectHead, protocol.KindStoreHello} {
		d.Subscribe(mesh.OwnSubscription(k, self))
	}
	d.Data = make(live)
	if r.name != nil {
		r.publishes(d)
	}
	for _, t := range r.rx.In.Topics() {
		r.subscribe(d, t)
	}
}

// subscribe asks a peer for a topic: for its heads first, so that the first of
// them tells where the records begin.
func (r *role) subscribe(d *mesh.Dialled, topic string) {
	d.Subscribe(protocol.Subscription(protocol.KindHead, topic))
	if r.hearsStored(topic) && !d.Peer().Foreign() {
		d.Subscribe(protocol.Subscription(protocol.KindStored, topic))
	}
	r.setLive(d, topic, r.rx.In.Live(core.Partition{Topic: topic, Producer: d.Peer().UUID}))
}

func (r *role) unsubscribe(d *mesh.Dialled, topic string) {
	d.Cancel(protocol.Subscription(protocol.KindHead, topic))
	if r.hearsStored(topic) && !d.Peer().Foreign() {
		d.Cancel(protocol.Subscription(protocol.KindStored, topic))
	}
	r.setLive(d, topic, false)
}

func (r *role) setLive(d *mesh.Dialled, topic string, on bool) {
	subscribed := d.Data.(live)
	if subscribed[topic] == on {
		return
	}
	if on {
		subscribed[topic] = true
		d.Subscribe(protocol.Subscription(protocol.KindRecord, topic))
		return
	}
	delete(subscribed, topic)
	d.Cancel(protocol.Subscription(protocol.KindRecord, topic))
}

// hearsStored reports whether to be told what of a topic stores have on disk.
func (r *role) hearsStored(topic string) bool {
	return r.cfg.Deliver == Stored || (r.name != nil && topic == protocol.PositionsTopic)
}

func (r *role) PeerChanged(p *mesh.Peer, now time.Time) {
	if r.name != nil {
		r.name.meet((*Consumer)(r), p, now)
	}
	r.rx.PeerChanged(p, now)
}

// Subscribed answers a foreign store that waits for a hello. Our own are asked
// for heads.
func (r *role) Subscribed(a *mesh.Accepted, prefix string, _ time.Time) {
	k, to, _ := protocol.SplitSubscription([]byte(prefix))
	if k == protocol.KindConsumerHello && !a.Beck() && protocol.ValidAddress(string(to)) == nil {
		r.greet(a, string(to))
	}
}

// greet tells a store what we subscribed to; it answers with heads.
func (r *role) greet(a *mesh.Accepted, store string) {
	a.Send(protocol.AppendConsumerHello(nil, store, r.node.UUID(), r.rx.In.Topics()))
}

// greetAll tells the foreign stores of new topics.
func (r *role) greetAll() {
	for _, p := range r.node.Peers() {
		if a := p.Accepted; a != nil && !a.Beck() && a.Subscribed(protocol.KindConsumerHello, p.UUID) {
			r.greet(a, p.UUID)
		}
	}
}

func (r *role) Serve(s *mesh.Step, dst []byte, limit int) []byte {
	if r.name != nil {
		return r.node.ServeWindow(s, dst, limit)
	}
	return mesh.Refuse(s, dst, 0, protocol.Trailer{})
}

func (r *role) Tick(now time.Time) time.Time {
	r.rx.In.Tick(now)
	next := (*Consumer)(r).starting(now)
	r.rx.Act()
	if at := r.rx.In.NextWake(); next.IsZero() || (!at.IsZero() && at.Before(next)) {
		next = at
	}
	if r.start.ready {
		r.more.Broadcast()
	}
	return next
}

func (r *role) Receive(d *mesh.Dialled, b *mesh.Batch, now time.Time) (kept bool) {
	for i := range b.Items {
		if run := b.Items[i].Run; run != nil {
			kept = true
			r.rx.Run(d, run, now)
			continue
		}
		r.message(d, &b.Items[i].Message, now)
	}
	r.rx.Act()
	return kept
}

func (r *role) message(d *mesh.Dialled, m *protocol.Message, now time.Time) {
	switch m.Kind {
	case protocol.KindHead, protocol.KindDirectHead, protocol.KindStored:
		r.head(d, m, now)
	case protocol.KindAck, protocol.KindFetch, protocol.KindGetHeads:
		if r.name != nil {
			r.asPublisher(d, m)
		}
	case protocol.KindStoreHello:
		if p := d.Peer(); p.Accepted != nil && string(m.To) == r.node.UUID() && !p.Accepted.Beck() {
			r.greet(p.Accepted, string(m.Sender))
		}
	}
}

// head takes a head, or the end of a list of them, which may have been the last
// that was waited for.
func (r *role) head(d *mesh.Dialled, m *protocol.Message, now time.Time) {
	if t := r.rx.Head(d, m, now); t.EndOfList && !r.start.ready {
		(*Consumer)(r).starting(now)
		r.more.Broadcast()
	}
}

// Fill is for stores: a consumer is given nothing late.
func (r *role) Fill([]core.Delivery) {}

// Complete is for stores.
func (r *role) Complete([]core.Delivery) {}

// Deliver queues what is due for the application.
func (r *role) Deliver(deliveries []core.Delivery) {
	for _, d := range deliveries {
		if r.name != nil && d.Run.Partition.Topic == protocol.PositionsTopic {
			r.name.read((*Consumer)(r), d)
			continue
		}
		run := d.Run.Data.(*mesh.Run)
		r.queue = append(r.queue, delivery{
			run: run, at: int(d.Part.First - run.First), end: int(d.Part.End - run.First), consumed: d.Run.Bytes,
		})
	}
	r.more.Broadcast()
}

// Live ends or takes again a producer's live records.
func (r *role) Live(l core.LiveOrder) {
	if p := r.node.Peer(l.Partition.Producer); p != nil && p.Dialled != nil {
		r.setLive(p.Dialled, l.Partition.Topic, l.On)
	}
}

// maxGaps bounds the reports that wait for the application's hook.
const maxGaps = 1024

// Report tells the log and the application's hook.
func (r *role) Report(g core.Report) {
	gap := Gap{
		Kind: GapKind(g.Kind.String()), Topic: g.Partition.Topic, Partition: g.Partition.Producer,
		First: g.Range.First, Last: max(g.Range.End, g.Range.First+1) - 1,
	}
	r.node.Logger().Warn("gap", "kind", string(gap.Kind), "topic", gap.Topic, "partition", gap.Partition, "first", gap.First, "last", gap.Last)
	if r.cfg.OnGap == nil || len(r.gaps) >= maxGaps {
		return
	}
	r.gaps = append(r.gaps, gap)
	r.node.WakeWorkers()
}

// tellGaps calls the application's hook, without any lock of ours.
func (c *Consumer) tellGaps() bool {
	gaps := c.gaps
	if len(gaps) == 0 {
		return false
	}
	c.gaps = nil
	c.node.Unlock()
	defer c.node.Lock()
	for _, g := range gaps {
		c.cfg.OnGap(g)
	}
	return true
}
