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
type live map[core.Want]bool

func (r *role) Dialled(d *mesh.Dialled) {
	self := r.node.UUID()
	for _, k := range []protocol.Kind{protocol.KindDirectRecord, protocol.KindDirectHead, protocol.KindStoreHello} {
		d.Subscribe(mesh.OwnSubscription(k, self))
	}
	d.Data = make(live)
	if r.name != nil {
		r.publishes(d)
	}
	for _, w := range r.rx.In.Wants() {
		r.subscribe(d, w)
	}
}

// subscribe asks a peer for what is wanted: for its heads first, so that the first
// of them tells where the records begin.
func (r *role) subscribe(d *mesh.Dialled, w core.Want) {
	d.Subscribe(w.Subscription(protocol.KindHead))
	if r.hearsStored(w) && !d.Peer().Foreign() {
		d.Subscribe(w.Subscription(protocol.KindStored))
	}
	r.setLive(d, w, r.rx.In.LiveOf(w, d.Peer().UUID))
}

func (r *role) unsubscribe(d *mesh.Dialled, w core.Want) {
	d.Cancel(w.Subscription(protocol.KindHead))
	if r.hearsStored(w) && !d.Peer().Foreign() {
		d.Cancel(w.Subscription(protocol.KindStored))
	}
	r.setLive(d, w, false)
}

func (r *role) setLive(d *mesh.Dialled, w core.Want, on bool) {
	subscribed := d.Data.(live)
	if subscribed[w] == on {
		return
	}
	if on {
		subscribed[w] = true
		d.Subscribe(w.Subscription(protocol.KindRecord))
		return
	}
	delete(subscribed, w)
	d.Cancel(w.Subscription(protocol.KindRecord))
}

// hearsStored reports whether to be told what of it stores have on disk.
func (r *role) hearsStored(w core.Want) bool {
	return r.cfg.Deliver == Stored || (r.name != nil && w.Match(protocol.PositionsTopic))
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
	var topics []string
	for _, w := range r.rx.In.Wants() {
		if !w.Pattern { // of those it is asked for all heads
			topics = append(topics, w.Name)
		}
	}
	a.Send(protocol.AppendConsumerHello(nil, store, r.node.UUID(), topics))
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
	next = sooner(next, (*Consumer)(r).lookedUp(now))
	r.rx.Act()
	next = sooner(next, r.rx.In.NextWake())
	if r.start.ready {
		r.more.Broadcast()
	}
	return next
}

// sooner returns the earlier of two times, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func (r *role) Receive(d *mesh.Dialled, b *mesh.Batch, now time.Time) (kept bool) {
	for i := range b.Items {
		if run := b.Items[i].Run; run != nil {
			if r.rx.In.Takes(run.Partition) {
				kept = true
				dropped := r.rx.In.Stats.NoRoom
				r.rx.Run(d, run, now)
				(*Consumer)(r).dropped(run.Partition, r.rx.In.Stats.NoRoom-dropped)
			}
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
	if t := r.rx.Head(d, m, now); t.EndOfList {
		(*Consumer)(r).lookedUp(now)
		if !r.start.ready {
			(*Consumer)(r).starting(now)
			r.more.Broadcast()
		}
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
		q := delivery{run: run, at: int(d.Part.First - run.First), end: int(d.Part.End - run.First), consumed: d.Run.Bytes}
		if (*Consumer)(r).bound(&q); q.at < q.end {
			r.queue = append(r.queue, q)
		} else {
			r.rx.In.Consumed(q.consumed, r.node.Now())
		}
	}
	r.more.Broadcast()
}

// Live ends or takes again a producer's live records.
func (r *role) Live(l core.LiveOrder) {
	if p := r.node.Peer(l.Producer); p != nil && p.Dialled != nil {
		r.setLive(p.Dialled, l.Want, l.On)
	}
}
