package mesh

import (
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// Request answers a FETCH of what the node itself published, or a GET-HEADS. It
// needs the lock.
func (n *Node) Request(m *protocol.Message) {
	requester := string(m.Sender)
	switch m.Kind {
	case protocol.KindFetch:
		if string(m.To) != n.cfg.UUID {
			return
		}
		p, first, count := core.Partition{Topic: string(m.Subject), Producer: n.cfg.UUID}, m.Sequence, m.Count
		n.Answer(protocol.KindDirectRecord, requester, func(a *Accepted) { a.Fetch(p, requester, first, count) })
	case protocol.KindGetHeads:
		topic := string(m.To)
		n.Answer(protocol.KindDirectHead, requester, func(a *Accepted) { a.Heads(topic, requester) })
	}
}
