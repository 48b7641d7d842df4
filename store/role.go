package store

import (
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/internal/planted"
	"github.com/beckmesh/beck/protocol"
)

// role is the store as its node sees it. All methods but Serve are called with
// the node's lock held.
type role Store

func (r *role) Dialled(d *mesh.Dialled) {
	self := r.node.UUID()
	for _, k := range []protocol.Kind{protocol.KindDirectRecord, protocol.KindDirectHead, protocol.KindConsumerHello} {
		d.Subscribe(mesh.OwnSubscription(k, self))
	}
	d.Subscribe(protocol.Subscription(protocol.KindFetch, ""))
	d.Subscribe(protocol.Subscription(protocol.KindGetHeads, ""))
	for _, t := range r.in.Topics() { // "" for all
		d.Subscribe(protocol.Subscription(protocol.KindHead, t))
		d.Subscribe(protocol.Subscription(protocol.KindRecord, t))
	}
}

func (r *role) PeerChanged(p *mesh.Peer, now time.Time) {
	if p.Role() == protocol.RoleStore {
		r.in.StoreKnown()
	}
	s, up := p.Source()
	old, was := r.sources[p.UUID]
	switch {
	case up && (!was || old != s):
		r.sources[p.UUID] = s
		r.in.SourceUp(s, now)
	case !up && was:
		delete(r.sources, p.UUID)
		r.in.SourceDown(p.UUID, now)
	}
	r.act()
}

// Subscribed greets a foreign consumer, which then says what it wants to know
// the heads of. Our own ask by themselves.
func (r *role) Subscribed(a *mesh.Accepted, prefix string, _ time.Time) {
	k, to, _ := protocol.SplitSubscription([]byte(prefix))
	if k == protocol.KindStoreHello && !a.Beck() && protocol.ValidAddress(string(to)) == nil {
		a.Send(protocol.AppendStoreHello(nil, string(to), r.node.UUID()))
	}
}

func (r *role) Tick(now time.Time) time.Time {
	r.in.Tick(now)
	r.act()
	return r.in.NextWake()
}

func (r *role) Receive(d *mesh.Dialled, b *mesh.Batch, now time.Time) (kept bool) {
	if r.err != nil {
		return false
	}
	held := r.in.Stats.HeldRuns
	for i := range b.Items {
		if run := b.Items[i].Run; run != nil {
			r.run(d, run, now)
			continue
		}
		r.message(d, &b.Items[i].Message, now)
	}
	r.act()
	if planted.Is(planted.NoAckAgain) {
		clear(r.again)
	}
	for _, p := range sortedPartitions(r.again) {
		(*Store)(r).acknowledge(p)
	}
	clear(r.again)
	return r.in.Stats.HeldRuns > held
}

// run takes records: what is due is gathered at once, so that the link may use
// its memory again; what is ahead of a gap is kept.
func (r *role) run(d *mesh.Dialled, run *mesh.Run, now time.Time) {
	r.in.Receive(d.Peer().UUID, run.Direct, core.Run{
		Partition: run.Partition, First: run.First, Count: len(run.Records), Bytes: run.Bytes, Data: run,
	}, now)
	if run.First < r.keeper.Durable(run.Partition) {
		r.again[run.Partition] = true
	}
	r.act()
}

func (r *role) message(d *mesh.Dialled, m *protocol.Message, now time.Time) {
	switch m.Kind {
	case protocol.KindHead, protocol.KindDirectHead:
		r.head(d, m, now)
	case protocol.KindFetch:
		r.fetch(m)
	case protocol.KindGetHeads:
		r.heads(string(m.Sender), string(m.To))
	case protocol.KindConsumerHello:
		if string(m.To) != r.node.UUID() {
			return
		}
		for _, t := range m.Topics {
			r.heads(string(m.Sender), string(t))
		}
	}
}

func (r *role) fetch(m *protocol.Message) {
	p := core.Partition{Topic: string(m.Subject), Producer: string(m.To)}
	requester, first, count := string(m.Sender), m.Sequence, m.Count
	r.node.Answer(protocol.KindDirectRecord, requester, func(a *mesh.Accepted) { a.Fetch(p, requester, first, count) })
}

func (r *role) heads(requester, topic string) {
	r.node.Answer(protocol.KindDirectHead, requester, func(a *mesh.Accepted) { a.Heads(topic, requester) })
}

// head takes a head; one that says nothing new is acknowledged again, in case
// the acknowledgement before was lost.
func (r *role) head(d *mesh.Dialled, m *protocol.Message, now time.Time) {
	direct := m.Kind == protocol.KindDirectHead
	if direct && string(m.To) != r.node.UUID() {
		return
	}
	t, err := protocol.ParseTrailer(m.Trailer)
	if err != nil {
		r.trailers++
		t = protocol.Trailer{}
	}
	if t.EndOfList {
		topic := string(m.Subject)
		if topic == mesh.AllTopics {
			topic = ""
		}
		r.in.ListEnd(d.Peer().UUID, topic)
		return
	}
	p := core.Partition{Topic: string(m.Subject), Producer: string(m.Sender)}
	r.in.State(d.Peer().UUID, direct, core.Statement{
		Partition: p, Head: m.Sequence, Lowest: t.Lowest, HasLowest: t.HasLowest, Tail: t.Tail, HasTail: t.HasTail,
	}, now)
	if m.Sequence < r.keeper.Durable(p) {
		r.again[p] = true
	}
}

// act carries out what the intake decided. Doing so may end links, which makes
// the intake decide again: that is for the next round, not for a nested one.
func (r *role) act() {
	if r.acting {
		return
	}
	r.acting = true
	for o := r.in.Take(); !o.Empty(); o = r.in.Take() {
		r.carryOut(o)
		r.in.Release()
	}
	r.acting = false
	r.node.WakeAt(r.in.Soonest())
}

func (r *role) carryOut(o *core.Orders) {
	for _, d := range o.Deliver {
		(*Store)(r).gather(d)
	}
	for _, f := range o.Fetch {
		r.send(f.Source, protocol.AppendFetch(nil, f.Partition.Producer, r.node.UUID(), f.Partition.Topic, f.First, f.Count))
	}
	for _, a := range o.Ask {
		if planted.Is(planted.StoresDoNotAsk) {
			break
		}
		r.send(a.Source, protocol.AppendGetHeads(nil, a.Topic, r.node.UUID()))
	}
	for _, g := range o.Reports {
		r.report(g)
	}
}

func (r *role) send(uuid string, frame []byte) {
	if p := r.node.Peer(uuid); p != nil {
		p.Send(frame)
	}
}

func (r *role) report(g core.Report) {
	text := "gap"
	if g.Kind == core.Skipped {
		r.stats.Lost += g.Range.Len()
		text = "records lost: no node has them"
	}
	r.node.Logger().Warn(text, "kind", g.Kind.String(), "topic", g.Partition.Topic, "partition", g.Partition.Producer, "range", g.Range.String())
}
