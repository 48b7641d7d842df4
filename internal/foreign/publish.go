package foreign

import (
	"bytes"
	"net"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/zmtp"
)

// subscriber is a peer that dialled the node.
type subscriber struct {
	conn     net.Conn
	prefixes map[string]int
}

func (s *subscriber) wants(frame []byte) bool {
	for p := range s.prefixes {
		if bytes.HasPrefix(frame, []byte(p)) {
			return true
		}
	}
	return false
}

func (n *Node) accept() {
	for {
		c, err := n.listener.Accept()
		if err != nil {
			return
		}
		if n.hold(c) {
			n.wg.Go(func() { n.serve(c) })
		}
	}
}

// serve takes the subscriptions of a peer.
func (n *Node) serve(c net.Conn) {
	defer n.drop(c)
	if _, err := zmtp.Handshake(c, zmtp.Options{Type: n.Type}, true); err != nil {
		return
	}
	s := &subscriber{conn: c, prefixes: make(map[string]int)}
	n.mu.Lock()
	n.peers = append(n.peers, s)
	n.mu.Unlock()
	receive(c, func(m zmtp.Msg) {
		topic, on, ok := zmtp.ParseSubscription(m)
		if !ok {
			return
		}
		prefix := string(topic)
		n.mu.Lock()
		if on {
			s.prefixes[prefix]++
		} else if s.prefixes[prefix]--; s.prefixes[prefix] <= 0 {
			delete(s.prefixes, prefix)
		}
		n.mu.Unlock()
		if on && n.OnSubscribe != nil {
			n.OnSubscribe(prefix)
		}
	})
}

// Publish sends a message to all peers that subscribed to it, and returns to
// how many.
func (n *Node) Publish(frames ...[]byte) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	wire := zmtp.AppendMessage(nil, frames...)
	sent := 0
	for _, s := range n.peers {
		if !s.wants(frames[0]) {
			continue
		}
		s.conn.SetWriteDeadline(time.Now().Add(Patience))
		if _, err := s.conn.Write(wire); err == nil {
			sent++
		}
	}
	return sent
}

// Heard reports whether a peer subscribes to exactly this prefix now.
func (n *Node) Heard(prefix string) bool { return n.Subscribers(prefix) > 0 }

// Subscribers returns how many peers subscribe to exactly this prefix now.
func (n *Node) Subscribers(prefix string) (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.peers {
		if s.prefixes[prefix] > 0 {
			count++
		}
	}
	return count
}

// AwaitSubscription waits until a peer subscribes to exactly this prefix.
func (n *Node) AwaitSubscription(prefix string) {
	n.t.Helper()
	n.Until("subscription to "+strings.ToValidUTF8(prefix, "?"), func() bool { return n.Heard(prefix) })
}
