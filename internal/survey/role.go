package survey

import (
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

// role is the survey as its node sees it. All methods but Serve are called with
// the node's lock held.
type role Survey

// settle is how often it is looked whether a round is over that waits for time to
// pass: for a tower's list, or for somebody to be given up.
const settle = 20 * time.Millisecond

// Dialled subscribes to answers, and to what lets others ask for the records that
// an observer has not: who waits for every node's list need not wait for ours.
func (r *role) Dialled(d *mesh.Dialled) {
	self := r.node.UUID()
	for _, k := range []protocol.Kind{protocol.KindDirectHead, protocol.KindFetch} {
		d.Subscribe(mesh.OwnSubscription(k, self))
	}
	d.Subscribe(protocol.Subscription(protocol.KindGetHeads, ""))
	if d.Peer().Foreign() {
		d.Subscribe(protocol.Subscription(protocol.KindHead, ""))
	} else {
		d.Subscribe(mesh.OwnSubscription(protocol.KindReport, self))
	}
	if r.saved != nil {
		r.saved.subscribe(d)
	}
}

func (r *role) PeerChanged(p *mesh.Peer, now time.Time) {
	if !p.Announced && p.Dialled == nil && p.Accepted == nil {
		r.inquiry.Forget(p.UUID)
		r.facts.forget(p.UUID)
	} else if p.Role() != protocol.RoleObserver {
		if p.Announced {
			r.inquiry.Meet(p.UUID, now)
		}
		r.inquiry.Reach(p.UUID, manner(p), now)
	}
	if r.saved != nil {
		r.saved.rx.PeerChanged(p, now)
	}
	r.act()
}

// manner says how a peer can be asked.
func manner(p *mesh.Peer) core.Manner {
	s, _ := p.Source()
	switch {
	case p.Dialled == nil && p.Failures > 0 && p.Info != nil && p.Role() != protocol.RoleStore:
		return core.AskSilence // it has left, and towers have not forgotten it yet
	case p.Dialled == nil || p.Accepted == nil:
		return core.AskNothing
	case p.Accepted.Subscribed(protocol.KindQuery, p.UUID):
		return core.AskQuery
	case s.Lists:
		return core.AskHeads
	case p.Foreign():
		return core.AskSilence
	}
	return core.AskNothing // its subscriptions are on their way
}

func (r *role) Subscribed(*mesh.Accepted, string, time.Time) {}

// Serve answers whoever asks for what an observer has: nothing.
func (r *role) Serve(s *mesh.Step, dst []byte, limit int) []byte {
	return r.node.ServeWindow(s, dst, limit)
}

func (r *role) Tick(now time.Time) time.Time {
	for _, id := range r.inquiry.Waiting() { // nobody tells that a dial failed
		if p := r.node.Peer(id); p != nil {
			r.inquiry.Reach(id, manner(p), now)
		}
	}
	r.inquiry.Tick(now)
	next := r.inquiry.NextWake()
	if r.saved != nil {
		r.saved.tick(now)
		if at := r.saved.rx.In.NextWake(); next.IsZero() || !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	r.act()
	if s := (*Survey)(r); !s.over() {
		if at := now.Add(settle); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

func (r *role) Receive(d *mesh.Dialled, b *mesh.Batch, now time.Time) (kept bool) {
	for i := range b.Items {
		if run := b.Items[i].Run; run == nil {
			r.message(d, &b.Items[i].Message, now)
		} else if r.saved != nil && run.Partition.Topic == protocol.PositionsTopic {
			kept = true
			r.saved.rx.Run(d, run, now)
		}
	}
	if r.saved != nil {
		r.saved.rx.Act()
	}
	r.act()
	return kept
}

func (r *role) message(d *mesh.Dialled, m *protocol.Message, now time.Time) {
	switch m.Kind {
	case protocol.KindReport:
		r.report(d, m, now)
	case protocol.KindHead, protocol.KindDirectHead:
		r.head(d, m, now)
	case protocol.KindFetch, protocol.KindGetHeads:
		r.node.Request(m)
	}
}

// report takes a page of what a node tells of itself.
func (r *role) report(d *mesh.Dialled, m *protocol.Message, now time.Time) {
	id := d.Peer().UUID
	if string(m.To) != r.node.UUID() || string(m.Sender) != id {
		return
	}
	rep, err := protocol.ParseReport(m.Trailer)
	if err != nil {
		d.Fault(err)
		return
	}
	fresh, last := r.inquiry.Page(id, rep, now)
	if !fresh {
		return
	}
	r.facts.page(id, d.Peer().Role(), rep, r.round, now)
	if last {
		r.facts.ended(id, r.round)
	}
}

// head takes what a foreign node says that it has; and of saved positions, what
// anybody says.
func (r *role) head(d *mesh.Dialled, m *protocol.Message, now time.Time) {
	p := d.Peer()
	var t protocol.Trailer
	if r.saved != nil {
		t = r.saved.rx.Head(d, m, now)
	} else {
		t, _ = protocol.ParseTrailer(m.Trailer) // without it the head stands
	}
	direct := m.Kind == protocol.KindDirectHead
	switch {
	case direct && string(m.To) != r.node.UUID():
	case t.EndOfList:
		if len(m.Subject) == 1 && m.Subject[0] == '*' {
			r.inquiry.Listed(p.UUID)
		}
	case p.Foreign():
		r.inquiry.Heard(p.UUID, now)
		if topic := string(m.Subject); r.cfg.Partitions && (r.cfg.Topic == "" || topic == r.cfg.Topic) {
			r.facts.head(p.UUID, core.Partition{Topic: topic, Producer: string(m.Sender)}, m.Sequence, r.round, now)
		}
	}
}

// act sends the questions that are due, and wakes who waits for answers.
func (r *role) act() {
	for _, q := range r.inquiry.Take() {
		p := r.node.Peer(q.ID)
		switch {
		case p == nil:
		case q.Heads:
			p.Send(protocol.AppendGetHeads(nil, "", r.node.UUID()))
		default:
			p.Send(protocol.AppendQuery(nil, q.ID, r.node.UUID(), q.Query))
		}
	}
	r.node.WakeAt(r.inquiry.NextWake())
	r.changed.Broadcast()
}
