package mesh

import (
	"errors"
	"net"
	"slices"
	"time"

	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// maxAccepted bounds the links that peers may hold to a node.
const maxAccepted = 1 << 14

// acceptPause is the rest after a failed accept, so that a machine without file
// descriptors is not kept busy as well.
const acceptPause = 50 * time.Millisecond

// accept takes connections until the node closes.
func (n *Node) accept() {
	for {
		conn, err := n.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			n.log.Warn("accept failed", "err", err)
			pause(n.ctx, acceptPause)
			continue
		}
		n.wg.Go(func() { n.welcome(conn) })
	}
}

// welcome performs the handshake and starts the link.
func (n *Node) welcome(conn net.Conn) {
	peer, err := n.guard.Handshake(conn, zmtp.Options{Type: zmtp.XPub})
	if err != nil {
		n.mu.Lock()
		if isMalformed(err) {
			n.malformed.count(err)
		}
		n.mu.Unlock()
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || len(n.accepted) >= maxAccepted {
		conn.Close()
		return
	}
	a := &Accepted{link: newLink(n, conn)}
	a.link.onEnd = func(error) { n.acceptedEnded(a) }
	n.accepted = append(n.accepted, a)
	if protocol.ValidAddress(peer.Identity) == nil {
		a.beck = true
		n.identify(a, peer.Identity)
	}
	n.wg.Go(a.link.write)
	n.wg.Go(a.read)
}

// identify notes who dialled. The newest link of a peer is the one that is
// addressed; nothing else is believed because of it. It needs the lock.
func (n *Node) identify(a *Accepted, uuid string) {
	a.peer = n.peer(uuid)
	a.peer.Accepted = a
	a.peer.answerWaiting()
	n.role.PeerChanged(a.peer, time.Now())
}

// acceptedEnded needs the lock.
func (n *Node) acceptedEnded(a *Accepted) {
	if i := slices.Index(n.accepted, a); i >= 0 {
		n.accepted = slices.Delete(n.accepted, i, i+1)
	}
	n.idle.Broadcast()
	if a.peer == nil || a.peer.Accepted != a {
		return
	}
	a.peer.Accepted = nil
	n.role.PeerChanged(a.peer, time.Now())
	n.releasePeer(a.peer)
}

// subscriptionLimits bounds what a subscriber may send: no message of it is
// longer than a topic with its kind.
var subscriptionLimits = zmtp.Limits{Message: 4 << 10, Frames: 2, Block: 64 << 10}

// read is the reader of an accepted link: subscriptions and commands.
func (a *Accepted) read() {
	r := zmtp.NewReader(a.link.conn, subscriptionLimits)
	var changes []subscription
	for {
		err := r.Fill()
		changes = changes[:0]
		var faults []error
		var pongs []byte
		for err == nil {
			m, ok, nextErr := r.Next()
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
		if !a.step(changes, faults, pongs, err) {
			return
		}
	}
}

type subscription struct {
	prefix string
	on     bool
}

// step applies subscriptions, and returns false when the link has ended.
func (a *Accepted) step(changes []subscription, faults []error, pongs []byte, err error) bool {
	n := a.link.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if a.link.closed {
		return false
	}
	now := time.Now()
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
func isMalformed(err error) bool { return malformedKind(err) != "other" }
