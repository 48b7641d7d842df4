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
	for _, w := range r.rx.In.Wants() {
		d.Subscribe(w.Subscription(protocol.KindHead))
		d.Subscribe(w.Subscription(protocol.KindRecord))
	}
}

func (r *role) PeerChanged(p *mesh.Peer, now time.Time) {
	_, was := r.rx.In.Source(p.UUID)
	r.rx.PeerChanged(p, now)
	if s, is := r.rx.In.Source(p.UUID); is && !was && s.All && !s.Foreign {
		(*Store)(r).lookForBare()
	}
}

// Subscribed greets a foreign consumer, which then says what it wants to know
// the heads of. Our own ask by themselves.
func (r *role) Subscribed(a *mesh.Accepted, prefix string, _ time.Time) {
	k, to, exact := protocol.SplitSubscription([]byte(prefix))
	if k == protocol.KindStored {
		if !exact {
			to = nil // of many topics: they are told of all
		}
		r.listens(a, string(to))
	}
	if k == protocol.KindStoreHello && !a.Beck() && protocol.ValidAddress(string(to)) == nil {
		a.Send(protocol.AppendStoreHello(nil, string(to), r.node.UUID()))
	}
}

// listens notes that STORED are subscribed to. What was committed just before is
// told by a list of heads: the subscriber's own question may have come earlier.
func (r *role) listens(a *mesh.Accepted, topic string) {
	r.heard = true
	if p := a.Peer(); p != nil && a.Beck() {
		a.Heads(topic, p.UUID)
	}
}

func (r *role) Tick(now time.Time) time.Time {
	r.rx.In.Tick(now)
	r.rx.Act()
	next := (*Store)(r).tickUpkeep(now)
	for _, wake := range [...]time.Time{(*Store)(r).tickHold(now), r.rx.In.NextWake()} {
		if !wake.IsZero() && wake.Before(next) {
			next = wake
		}
	}
	return next
}

func (r *role) Receive(d *mesh.Dialled, b *mesh.Batch, now time.Time) (kept bool) {
	if r.err != nil {
		return false
	}
	held := r.rx.In.Stats.HeldRuns
	for i := range b.Items {
		if run := b.Items[i].Run; run != nil {
			r.run(d, run, now)
			continue
		}
		r.message(d, &b.Items[i].Message, now)
	}
	r.rx.Act()
	if planted.Is(planted.NoAckAgain) {
		clear(r.again)
	}
	for _, p := range sortedPartitions(r.again) {
		(*Store)(r).acknowledge(p)
	}
	clear(r.again)
	return r.rx.In.Stats.HeldRuns > held
}

// run takes records: what is due is gathered at once, so that the link may use
// its memory again; what is ahead of a gap is kept.
func (r *role) run(d *mesh.Dialled, run *mesh.Run, now time.Time) {
	r.rx.Run(d, run, now)
	if run.First < r.keeper.Durable(run.Partition) {
		r.again[run.Partition] = true
	}
	r.rx.Act()
}

func (r *role) message(d *mesh.Dialled, m *protocol.Message, now time.Time) {
	switch m.Kind {
	case protocol.KindHead, protocol.KindDirectHead:
		r.head(d, m, now)
	case protocol.KindFetch:
		r.fetch(m)
	case protocol.KindGetHeads:
		if q, ok, _ := protocol.ParseQuestion(m.Trailer); ok {
			(*Store)(r).asked(question{string(m.Sender), core.Partition{Topic: string(m.To), Producer: q.Producer}, core.Range{First: q.First, End: q.End}})
			return
		}
		t, _ := protocol.ParseTrailer(m.Trailer)
		r.heads(string(m.Sender), string(m.To), t.Time)
	case protocol.KindConsumerHello:
		if string(m.To) != r.node.UUID() {
			return
		}
		for _, t := range m.Topics {
			r.heads(string(m.Sender), string(t), 0)
		}
	}
}

func (r *role) fetch(m *protocol.Message) {
	p := core.Partition{Topic: string(m.Subject), Producer: string(m.To)}
	requester, first, count := string(m.Sender), m.Sequence, m.Count
	serve := func() {
		r.node.Answer(protocol.KindDirectRecord, requester, func(a *mesh.Accepted) { a.Fetch(p, requester, first, count) })
	}
	if !(*Store)(r).holding(serve) {
		serve()
	}
}

// heads lists heads, and where a time begins unless it is 0.
func (r *role) heads(requester, topic string, time uint64) {
	serve := func() {
		r.node.Answer(protocol.KindDirectHead, requester, func(a *mesh.Accepted) { a.HeadsAt(topic, requester, time) })
	}
	// Other stores are told in any case: they may be waiting for us.
	if p := r.node.Peer(requester); p != nil && p.Role() == protocol.RoleStore || !(*Store)(r).holding(serve) {
		serve()
	}
}

// head takes a head; one that says nothing new is acknowledged again, in case
// the acknowledgement before was lost.
func (r *role) head(d *mesh.Dialled, m *protocol.Message, now time.Time) {
	p := core.Partition{Topic: string(m.Subject), Producer: string(m.Sender)}
	store := d.Peer().Role() == protocol.RoleStore
	if store && m.Kind == protocol.KindDirectHead && string(m.To) == r.node.UUID() {
		if sums, ok, _ := protocol.ParseSums(m.Trailer); ok {
			(*Store)(r).told(core.Copy{Partition: p, Store: d.Peer().UUID}, sums)
			return
		}
	}
	t := r.rx.Head(d, m, now)
	if t.EndOfList {
		return
	}
	if m.Sequence < r.keeper.Durable(p) {
		r.again[p] = true
	}
	if store {
		(*Store)(r).toldPurge(p, t.Purged)
		(*Store)(r).stated(core.Copy{Partition: p, Store: d.Peer().UUID}, t, now)
	}
}

// Deliver gathers what is due for the next commit.
func (r *role) Deliver(deliveries []core.Delivery) {
	for _, d := range deliveries {
		(*Store)(r).gather(d)
	}
}

// Fill gathers what was missing for the next commit.
func (r *role) Fill(deliveries []core.Delivery) {
	for _, d := range deliveries {
		(*Store)(r).gatherFill(d)
	}
}

// Complete gathers what is there without trailers, with them.
func (r *role) Complete(deliveries []core.Delivery) {
	for _, d := range deliveries {
		(*Store)(r).gatherComplete(d)
	}
}

// Live is nothing to a store, which subscribes to all topics at once.
func (r *role) Live(core.LiveOrder) {}

// Report tells the log.
func (r *role) Report(g core.Report) {
	text := "gap"
	switch g.Kind {
	case core.Skipped:
		r.stats.Lost += g.Range.Len()
		text = "records missing: no node that is here has them"
	case core.Expired:
		(*Store)(r).lapse(g.Partition, g.Range.End)
		text = "records expired before they came"
	}
	if f := r.cfg.OnGap; f != nil && g.Range.Len() > 0 && (g.Kind == core.Skipped || g.Kind == core.Expired) {
		gap := Gap{g.Partition.Topic, g.Partition.Producer, g.Range.First, g.Range.End - 1, g.Kind == core.Expired}
		r.node.Hook(func() { f(gap) })
	}
	r.node.Logger().Warn(text, "kind", g.Kind.String(), "topic", g.Partition.Topic, "partition", g.Partition.Producer, "range", g.Range.String())
}
