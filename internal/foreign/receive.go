package foreign

import (
	"bytes"
	"fmt"
	"net"
	"slices"

	"github.com/beckmesh/beck/internal/foreign/habit"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// Message is what a peer sent, its bytes the test's own.
type Message struct {
	protocol.Message
	From    string // UUID of the peer, as the tower named it
	Frame   []byte // frame 0
	Content []byte // frame 1 of M and D
	Frames  int
	Err     error // why frame 0 is no message
}

// String describes a message for the comparison of sequences.
func (m Message) String() string {
	switch {
	case m.Err != nil:
		return fmt.Sprintf("%q: %v", m.Frame, m.Err)
	case m.Kind.HasContent():
		return fmt.Sprintf("%c %s %d %q", m.Kind, m.Subject, m.Sequence, m.Content)
	case m.Kind == protocol.KindFetch:
		return fmt.Sprintf("F %s %d+%d", m.Subject, m.Sequence, m.Count)
	case m.Kind == protocol.KindConsumerHello:
		return fmt.Sprintf("W %q", m.Topics)
	case m.Kind == protocol.KindStoreHello:
		return "L"
	case m.Kind == protocol.KindGetHeads:
		return fmt.Sprintf("G %q", m.To)
	}
	return fmt.Sprintf("%c %s %d", m.Kind, m.Subject, m.Sequence)
}

// dialled is a link to a peer.
type dialled struct {
	uuid string
	conn net.Conn
}

// meet dials a node, unless there is a link to that endpoint.
func (n *Node) meet(uuid, endpoint string) {
	n.mu.Lock()
	_, known := n.links[endpoint]
	if !known {
		n.links[endpoint] = nil
	}
	n.mu.Unlock()
	if known {
		return
	}
	n.wg.Go(func() { n.follow(uuid, endpoint) })
}

// follow keeps a link until it ends; then the next beacon makes another.
func (n *Node) follow(uuid, endpoint string) {
	defer func() {
		n.mu.Lock()
		delete(n.links, endpoint)
		n.mu.Unlock()
	}()
	c := n.dial(endpoint, zmtp.Sub)
	if c == nil {
		return
	}
	defer n.drop(c)
	n.mu.Lock()
	n.links[endpoint] = &dialled{uuid: uuid, conn: c}
	var subscribe []byte
	for _, p := range n.wants {
		subscribe = zmtp.AppendSubscription(subscribe, []byte(p), true)
	}
	_, err := c.Write(subscribe)
	n.mu.Unlock()
	if err != nil {
		return
	}
	receive(c, func(m zmtp.Msg) { n.take(uuid, m) })
}

// take puts a message into the inbox.
func (n *Node) take(from string, m zmtp.Msg) {
	in := Message{From: from, Frame: bytes.Clone(m.Frames[0]), Frames: len(m.Frames)}
	in.Message, in.Err = protocol.Parse(in.Frame)
	if len(m.Frames) > 1 {
		in.Content = bytes.Clone(m.Frames[1])
	}
	n.mu.Lock()
	n.inbox = append(n.inbox, in)
	n.mu.Unlock()
	if n.OnMessage != nil {
		n.OnMessage(in)
	}
}

// Subscription subscribes to a prefix, or cancels it, on the links that there
// are to a peer. It waits for the first such link.
func (n *Node) Subscription(peer, prefix string, on bool) {
	n.t.Helper()
	n.AwaitLink(peer)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range n.links {
		if d != nil && d.uuid == peer {
			if _, err := d.conn.Write(zmtp.AppendSubscription(nil, []byte(prefix), on)); err != nil {
				n.t.Fatal(err)
			}
		}
	}
}

// AwaitLink waits for a link to a peer.
func (n *Node) AwaitLink(peer string) {
	n.t.Helper()
	n.Until("a link to "+peer, func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, d := range n.links {
			if d != nil && d.uuid == peer {
				return true
			}
		}
		return false
	})
}

// Take waits for a message for which last holds, and takes everything up to it
// from the inbox, that message included.
func (n *Node) Take(what string, last func(Message) bool) []Message {
	n.t.Helper()
	var taken []Message
	n.Until(what, func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		for i := range n.inbox {
			if last(n.inbox[i]) {
				taken = append(taken, n.inbox[:i+1]...)
				n.inbox = n.inbox[i+1:]
				return true
			}
		}
		return false
	})
	return taken
}

// Is returns a condition for Take: a message of kind k with a sequence.
func Is(k protocol.Kind, sequence uint64) func(Message) bool {
	return func(m Message) bool { return m.Err == nil && m.Kind == k && m.Sequence == sequence }
}

// Of returns a condition for Take: a message of kind k.
func Of(k protocol.Kind) func(Message) bool {
	return func(m Message) bool { return m.Err == nil && m.Kind == k }
}

// Has reports whether the inbox has a message for which match holds.
func (n *Node) Has(match func(Message) bool) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.inbox, match)
}

// To returns the prefix of messages of kind k to a node.
func To(k protocol.Kind, uuid string) string { return habit.To(k, uuid) }
