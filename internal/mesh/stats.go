package mesh

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
}

// ended takes over what a link counted.
func (s *sums) ended(a *Accepted) {
	s.skipped += a.link.outlet.Skipped
	s.refused += a.link.outlet.Refused
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
