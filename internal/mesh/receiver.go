package mesh

import (
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/planted"
	"github.com/beckmesh/beck/protocol"
)

// Receiver is what consumers and stores have in common: an intake, fed with
// what the links bring, whose orders are carried out on the links. The node's
// lock guards it.
type Receiver struct {
	In       *core.Intake
	Trailers uint64 // that could not be read

	node    *Node
	role    ReceiverRole
	sources map[string]core.Source
	acting  bool // orders are being carried out
}

// ReceiverRole is what consumers and stores do differently with the orders.
type ReceiverRole interface {
	Deliver([]core.Delivery)
	// Fill takes what was missing, in a store, Complete what it has without
	// trailers.
	Fill([]core.Delivery)
	Complete([]core.Delivery)
	Live(core.LiveOrder)
	Report(core.Report)
}

// NewReceiver returns a receiver of n.
func NewReceiver(n *Node, in *core.Intake, role ReceiverRole) *Receiver {
	return &Receiver{In: in, node: n, role: role, sources: make(map[string]core.Source)}
}

// PeerChanged tells the intake whom it can ask.
func (r *Receiver) PeerChanged(p *Peer, now time.Time) {
	if !p.Started.IsZero() {
		r.In.Started(p.UUID, p.Started)
	}
	if p.Role() == protocol.RoleStore {
		r.In.StoreKnown()
	}
	s, up := p.Source()
	old, was := r.sources[p.UUID]
	switch {
	case up && (!was || old != s):
		r.sources[p.UUID] = s
		r.In.SourceUp(s, now)
	case !up && was:
		delete(r.sources, p.UUID)
		r.In.SourceDown(p.UUID, now)
	}
	r.Act()
}

// Run gives the intake a run.
func (r *Receiver) Run(d *Dialled, run *Run, now time.Time) {
	if run.Damaged {
		r.In.Damaged(d.peer.UUID, run.Direct, run.Partition, run.First, now)
		return
	}
	run.Stored = d.peer.UUID != run.Partition.Producer
	run.Bare = run.Direct && d.peer.Foreign() && run.Stored
	r.In.Receive(d.peer.UUID, run.Direct, core.Run{
		Partition: run.Partition, First: run.First, Count: run.Len(), Bytes: run.Bytes, Data: run,
	}, now)
}

// Head gives the intake a HEAD, STORED or DIRECT-HEAD, and returns what its
// trailer says: whether it ended a list, for one.
func (r *Receiver) Head(d *Dialled, m *protocol.Message, now time.Time) (t protocol.Trailer) {
	direct := m.Kind == protocol.KindDirectHead
	if direct && string(m.To) != r.node.cfg.UUID {
		return t
	}
	t, err := protocol.ParseTrailer(m.Trailer)
	if err != nil {
		r.Trailers++
		t = protocol.Trailer{}
	}
	topic := string(m.Subject)
	if t.EndOfList {
		if topic == allTopics {
			topic = ""
		}
		if t.Time > 0 {
			r.In.LookedUp(d.peer.UUID, topic, t.Time)
		} else {
			r.In.ListEnd(d.peer.UUID, topic, now)
		}
		return t
	}
	st := core.Statement{
		Partition: core.Partition{Topic: topic, Producer: string(m.Sender)},
		Head:      m.Sequence, Lowest: t.Lowest, HasLowest: t.HasLowest, Tail: t.Tail, HasTail: t.HasTail,
	}
	if t.HasBegins {
		st.Time, st.From = t.Time, t.Begins
	}
	r.In.State(d.peer.UUID, direct, st, now)
	return t
}

// Act carries out what the intake decided. Doing so may end links, which makes
// the intake decide again: that is for the next round, not for a nested one.
func (r *Receiver) Act() {
	if r.acting {
		return
	}
	r.acting = true
	for o := r.In.Take(); !o.Empty(); o = r.In.Take() {
		r.carryOut(o)
		r.In.Release()
	}
	r.acting = false
	r.node.WakeAt(r.In.Soonest())
}

func (r *Receiver) carryOut(o *core.Orders) {
	if len(o.Deliver) > 0 {
		r.role.Deliver(o.Deliver)
	}
	if len(o.Fill) > 0 {
		r.role.Fill(o.Fill)
	}
	if len(o.Complete) > 0 {
		r.role.Complete(o.Complete)
	}
	self := r.node.cfg.UUID
	for _, f := range o.Fetch {
		r.send(f.Source, protocol.AppendFetch(nil, f.Partition.Producer, self, f.Partition.Topic, f.First, f.Count))
	}
	for _, a := range o.Ask {
		if a.Topic == "" && planted.Is(planted.StoresDoNotAsk) {
			continue
		}
		r.send(a.Source, protocol.Trailer{Time: a.Time}.Append(protocol.AppendGetHeads(nil, a.Topic, self)))
	}
	for _, l := range o.Live {
		r.role.Live(l)
	}
	for _, g := range o.Reports {
		r.role.Report(g)
	}
}

func (r *Receiver) send(uuid string, frame []byte) {
	if p := r.node.peers[uuid]; p != nil {
		p.Send(frame)
	}
}
