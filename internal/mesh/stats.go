package mesh

import (
	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/tally"
	"github.com/beckmesh/beck/protocol"
)

// Stats is what a node counts besides its role. Sums begin with the node.
type Stats struct {
	Malformed map[string]uint64 // messages dropped, by kind
	Skipped   uint64            // records that the window dropped before a link had sent them
	Refused   uint64            // requests beyond what one link may have under way
	Requests  uint64            // FETCHes that peers sent to us, the refused ones too
	Links     uint64            // links that we have dialled since the start; less those that are there, they ended
	Failures  uint64            // dials that failed
	Dialled   int               // links that we dialled
	Accepted  int               // links that were dialled to us
	Peers     int               // other nodes known
	Towers    int               // towers there now
	Used      int64             // bytes in the window
	Control   int               // bytes of control messages that wait on the link that has most
}

// sums are the running sums behind Stats, without those that links have which are
// there.
type sums struct {
	skipped, refused, requests, links, failures uint64
	relinked, lost                              uint64
	sent, received, writes, reads               uint64
	served                                      tally.Topics
}

// ended takes over what a link counted.
func (s *sums) ended(a *Accepted) {
	s.skipped += a.link.outlet.Skipped
	s.refused += a.link.outlet.Refused
}

// wrote counts one write.
func (s *sums) wrote(bytes int) {
	s.sent += uint64(bytes)
	s.writes++
}

// read counts what a link has read in all, of which before was counted.
func (s *sums) read(before *uint64, bytes uint64) {
	if bytes > *before {
		s.received += bytes - *before
		s.reads++
	}
	*before = bytes
}

// Stats returns what was counted so far. It needs the lock.
func (n *Node) Stats() Stats {
	s := Stats{
		Malformed: n.malformed.copy(), Accepted: len(n.accepted), Peers: len(n.peers), Towers: n.towersUp, Used: n.window.Used(),
		Skipped: n.sums.skipped, Refused: n.sums.refused, Requests: n.sums.requests, Links: n.sums.links, Failures: n.sums.failures,
	}
	for _, a := range n.accepted {
		s.Skipped += a.link.outlet.Skipped
		s.Refused += a.link.outlet.Refused
		s.Control = max(s.Control, len(a.link.control))
	}
	for _, p := range n.peers {
		if p.Dialled != nil {
			s.Dialled++
			s.Control = max(s.Control, len(p.Dialled.link.control))
		}
	}
	return s
}

// LinkStats returns the same of the links, for applications. It needs the lock.
func (n *Node) LinkStats() beck.LinkStats {
	s, t := n.Stats(), &n.sums
	l := beck.LinkStats{
		Dialled: noLinks(), Accepted: noLinks(),
		Linked: s.Links, Relinked: t.relinked, Lost: t.lost, Failures: s.Failures,
		SentBytes: t.sent, ReceivedBytes: t.received, Writes: t.writes, Reads: t.reads,
		Requests: s.Requests, Refused: s.Refused, ServedRecords: t.served.Sum().Records, ServedBytes: t.served.Sum().Bytes,
		Peers: s.Peers, Towers: s.Towers,
	}
	for _, a := range n.accepted {
		l.Accepted[roleOf(a.peer)]++
	}
	for _, p := range n.peers {
		if p.Dialled != nil {
			l.Dialled[roleOf(p)]++
		}
	}
	return l
}

// Served returns what was sent of a topic in answer to FETCH. It needs the lock.
func (n *Node) Served(topic string) tally.Traffic { return n.sums.served.Of(topic) }

// noLinks are no links of each role.
func noLinks() map[string]int {
	return map[string]int{
		protocol.RoleProducer: 0, protocol.RoleConsumer: 0, protocol.RoleStore: 0, protocol.RoleObserver: 0, "foreign": 0, "other": 0,
	}
}

// roleOf returns what a peer is as [beck.LinkStats] has it, one of few words whatever
// the peer says of itself; nil is a peer that is not known yet.
func roleOf(p *Peer) string {
	switch {
	case p == nil:
		return "other"
	case p.Foreign():
		return "foreign"
	}
	switch role := p.Role(); role {
	case protocol.RoleProducer, protocol.RoleConsumer, protocol.RoleStore, protocol.RoleObserver:
		return role
	}
	return "other"
}
