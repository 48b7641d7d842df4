package mesh

import (
	"net"
	"slices"
	"time"

	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// maxAccepted bounds the links that peers may hold to a node.
const maxAccepted = 1 << 14

// AcceptDone takes a connection that a peer made, behind its handshake with the
// identity that it gave, or why the handshake failed. It takes the lock.
func (n *Node) AcceptDone(conn net.Conn, identity string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		if isMalformed(err) {
			n.malformed.count(err)
		}
		return
	}
	if n.closed || n.leaving || len(n.accepted) >= maxAccepted {
		conn.Close()
		return
	}
	a := &Accepted{link: newLink(n, conn), reader: zmtp.NewReader(conn, subscriptionLimits)}
	a.link.onEnd = func(error) { n.acceptedEnded(a) }
	n.accepted = append(n.accepted, a)
	if protocol.ValidAddress(identity) == nil {
		a.beck = true
		n.identify(a, identity)
	}
	n.driver.Run(a)
}

// identify notes who dialled. The newest link of a peer is the one that is
// addressed; nothing else is believed because of it. It needs the lock.
func (n *Node) identify(a *Accepted, uuid string) {
	a.peer, a.link.peer = n.peer(uuid), uuid
	a.peer.Accepted = a
	a.peer.answerWaiting()
	n.role.PeerChanged(a.peer, n.driver.Now())
}

// acceptedEnded needs the lock.
func (n *Node) acceptedEnded(a *Accepted) {
	if i := slices.Index(n.accepted, a); i >= 0 {
		n.accepted = slices.Delete(n.accepted, i, i+1)
		n.sums.ended(a)
	}
	n.idle.Broadcast()
	if a.peer == nil || a.peer.Accepted != a {
		return
	}
	a.peer.Accepted = n.newestOf(a.peer)
	n.role.PeerChanged(a.peer, n.driver.Now())
	n.releasePeer(a.peer)
}

// newestOf returns the newest link that a peer holds, nil for none. An older one
// may still stand: who meets another node at an address it knew ends the link
// that it made there, and has one to that node already. It needs the lock.
func (n *Node) newestOf(p *Peer) *Accepted {
	for _, a := range slices.Backward(n.accepted) {
		if a.peer == p {
			return a
		}
	}
	return nil
}

// subscriptionLimits bounds what a subscriber may send: no message of it is
// longer than a topic with its kind.
var subscriptionLimits = zmtp.Limits{Message: 4 << 10, Frames: 2, Block: 64 << 10}

// ReadOnce is the reader of an accepted link: subscriptions and commands.
func (a *Accepted) ReadOnce() bool {
	err := a.reader.Fill()
	changes := a.changes[:0]
	var faults []error
	var pongs []byte
	for err == nil {
		m, ok, nextErr := a.reader.Next()
		if err = nextErr; err != nil || !ok {
			break
		}
		if topic, on, isSub := zmtp.ParseSubscription(m); isSub {
			changes = append(changes, subscription{string(topic), on})
		} else if m.Command {
			pongs = answerPing(pongs, m)
		} else {
			faults = append(faults, errFrames)
		}
	}
	a.changes = changes[:0]
	return a.step(changes, faults, pongs, err)
}

// WriteOnce writes what the link has to send.
func (a *Accepted) WriteOnce() bool { return a.link.writeOnce() }

// Pending reports whether WriteOnce has something to do.
func (a *Accepted) Pending() bool { return a.link.awaitsNothing() }

// Conn returns the connection.
func (a *Accepted) Conn() net.Conn { return a.link.conn }

type subscription struct {
	prefix string
	on     bool
}

// step applies subscriptions, and returns false when the link has ended.
func (a *Accepted) step(changes []subscription, faults []error, pongs []byte, err error) bool {
	n := a.link.node
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sums.read(&a.link.received, a.reader.Received())
	if a.link.closed {
		return false
	}
	now := n.driver.Now()
	asked := false
	for _, c := range changes {
		asked = a.change(c, now) || asked
	}
	if asked && a.peer != nil && a.peer.Accepted == a {
		n.role.PeerChanged(a.peer, now)
	}
	a.link.housekeep(faults, pongs, err)
	return !a.link.closed
}

// change applies one subscription, and says whether it is new or gone.
func (a *Accepted) change(c subscription, now time.Time) bool {
	n, outlet := a.link.node, a.link.outlet
	if !c.on {
		if !outlet.Subs.Remove(c.prefix) {
			return false
		}
		n.follow(a, c.prefix)
		return true
	}
	fresh, ok := outlet.Subs.Add(c.prefix)
	if !ok {
		a.link.close(errTooMany)
	}
	if !fresh || a.link.closed {
		return false
	}
	n.follow(a, c.prefix)
	if a.peer == nil {
		if uuid, ok := addressOf(c.prefix); ok {
			n.identify(a, uuid)
		}
	}
	n.role.Subscribed(a, c.prefix, now)
	return true
}

// addressOf returns the address that a foreign node subscribed to as its own.
func addressOf(prefix string) (string, bool) {
	k, to, _ := protocol.SplitSubscription([]byte(prefix))
	return string(to), k.ToAddress() && protocol.ValidAddress(string(to)) == nil
}

// isMalformed tells errors of what came from those of the connection.
func isMalformed(err error) bool { return malformedKind(err) != otherKind }
