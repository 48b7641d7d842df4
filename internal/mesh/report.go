package mesh

import (
	"sort"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// Teller is a role that tells of itself, in answer to a QUERY, more than its
// node knows.
type Teller interface {
	// Tell adds to r what r.Query asks for. It is called without the lock.
	Tell(r *protocol.Report)
}

// asked takes a QUERY. It needs the lock.
func (n *Node) asked(d *Dialled, m *protocol.Message) {
	if string(m.To) != n.cfg.UUID {
		d.Fault(errNotOurs)
		return
	}
	q, err := protocol.ParseQuery(m.Trailer)
	if err != nil {
		d.Fault(err)
		return
	}
	requester := string(m.Sender)
	n.Answer(protocol.KindReport, requester, func(a *Accepted) { a.report(q, requester) })
}

// report adds the answer to a QUERY to what the link has to send. It needs the
// lock.
func (a *Accepted) report(q protocol.Query, requester string) {
	if a.link.outlet.Report(q, requester) {
		a.link.wakeWriter()
	}
}

// serve does the next step of an answer, without the lock.
func (n *Node) serve(s *Step, dst []byte, limit int) []byte {
	if s.Kind != core.JobReport {
		return n.role.Serve(s, dst, limit)
	}
	s.Done = true
	r := &protocol.Report{Query: s.Query}
	n.tell(r)
	if role, ok := n.role.(Teller); ok {
		role.Tell(r)
	}
	return zmtp.AppendMessage(dst, protocol.AppendReport(nil, s.Requester, n.cfg.UUID, r))
}

// tell adds what the node knows without its role.
func (n *Node) tell(r *protocol.Report) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.Query.Want&protocol.WantCounts != 0 {
		n.tellCounts(r)
	}
	if r.Query.Want&protocol.WantLinks != 0 {
		n.tellLinks(r)
		n.tellTowers(r)
	}
}

// tellCounts needs the lock.
func (n *Node) tellCounts(r *protocol.Report) {
	s := n.Stats()
	var malformed uint64
	for _, k := range s.Malformed {
		malformed += k
	}
	r.Count("towers", uint64(s.Towers))
	r.Count("peers", uint64(s.Peers))
	r.Count("dialled", uint64(s.Dialled))
	r.Count("accepted", uint64(s.Accepted))
	r.Count("malformed", malformed)
	r.Count("skipped", s.Skipped)
	r.Count("refused", s.Refused)
	r.Count("sent_bytes", n.sums.sent)
	r.Count("received_bytes", n.sums.received)
	r.Count("served", n.sums.served.Sum().Records)
}

// tellLinks lists the peers with a link. It needs the lock.
func (n *Node) tellLinks(r *protocol.Report) {
	for _, p := range n.Peers() {
		var flags protocol.LinkFlags
		if p.Dialled != nil {
			flags |= protocol.LinkDialled
		}
		if p.Accepted != nil {
			flags |= protocol.LinkAccepted
		}
		if flags != 0 && len(r.Links) < protocol.MaxLinks {
			r.Links = append(r.Links, protocol.Link{UUID: p.UUID, Flags: flags})
		}
	}
}

// tellTowers lists the towers that the node joins. It needs the lock.
func (n *Node) tellTowers(r *protocol.Report) {
	for _, t := range n.towers[:min(len(n.towers), protocol.MaxTowers)] {
		state := protocol.TowerState{Sub: t.Addr.Sub, Pub: t.Addr.Pub, Up: t.Up}
		if !t.Started.IsZero() {
			state.Started = t.Started.UnixMilli()
		}
		r.Towers = append(r.Towers, state)
	}
}

// TellWindow adds the node's own topics to a report: what it publishes. It takes
// the lock.
func (n *Node) TellWindow(r *protocol.Report) {
	n.mu.Lock()
	defer n.mu.Unlock()
	logs, q := n.window.Logs(), r.Query
	from := sort.Search(len(logs), func(i int) bool {
		return q.After.Before(protocol.Place{Topic: logs[i].Topic, Producer: n.cfg.UUID})
	})
	for _, log := range logs[from:] {
		if log.Shown() == 0 || q.Topic != "" && log.Topic != q.Topic {
			continue
		}
		if !r.Add(n.published(log)) {
			return
		}
	}
}

// published says what there is of a topic that the node publishes.
func (n *Node) published(log *core.Log) protocol.PartitionStatus {
	p := protocol.PartitionStatus{
		Topic: log.Topic, Producer: n.cfg.UUID, Tail: min(log.Lowest(), log.Shown()), Next: log.Shown(),
		Bytes: log.Bytes(), Pending: log.Shown() - log.Acked(),
	}
	if p.Records = p.Next - p.Tail; n.cfg.Window.StoreAcks == 0 {
		p.Expired = p.Tail
	}
	if at := log.Wrote(); !at.IsZero() {
		p.Last = at.UnixMilli()
	}
	return p
}
