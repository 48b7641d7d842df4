package mesh

import (
	"fmt"
	"net"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// actPeers does what the peer table decided. It needs the lock.
func (n *Node) actPeers(now time.Time) {
	for _, a := range n.table.Actions() {
		switch a.Op {
		case core.PeerFound:
			n.driver.Beacon(n)
		case core.PeerDial:
			if !n.closed {
				n.driver.Dial(n, a.UUID, a.Endpoint)
			}
		case core.PeerHangup:
			n.hangup(a.UUID)
		case core.PeerForgot:
			n.forget(a.UUID, now)
		}
	}
	n.WakeAt(n.table.NextWake())
}

func (n *Node) hangup(uuid string) {
	n.driver.HangUp(n, uuid)
	if p := n.peers[uuid]; p != nil && p.Dialled != nil {
		p.Dialled.link.close(errReplaced)
	}
}

func (n *Node) forget(uuid string, now time.Time) {
	p := n.peers[uuid]
	if p == nil {
		return
	}
	p.Announced = false
	n.role.PeerChanged(p, now)
	n.releasePeer(p)
}

// DialDone takes the outcome of a dial: a connection behind its handshake with
// the identity that the peer gave, or an error. It takes the lock.
func (n *Node) DialDone(uuid, endpoint string, conn net.Conn, identity string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.driver.Now()
	if identity != uuid && protocol.ValidAddress(identity) == nil {
		err = fmt.Errorf("%w: %s", errOther, identity)
	}
	if err != nil || n.closed {
		if conn != nil {
			conn.Close()
		}
		n.log.Debug("dial failed", "peer", uuid, "endpoint", endpoint, "err", err)
		if p := n.peers[uuid]; p != nil {
			p.Failures++
		}
		n.sums.failures++
		n.table.DialFailed(uuid, endpoint, now)
		n.actPeers(now)
		return
	}
	p := n.peer(uuid)
	d := newDialled(n, conn, p, endpoint)
	d.beck = identity == uuid // only our nodes give the UUID of their beacon
	p.Dialled, p.Failures, p.Since = d, 0, now
	n.sums.links++
	if p.linked {
		n.sums.relinked++
	}
	p.linked = true
	n.table.Linked(uuid, endpoint, now)
	n.log.Debug("linked", "peer", uuid, "endpoint", endpoint, "as", p.Role())
	n.hookConnect(d.known())
	if d.beck {
		d.Subscribe(OwnSubscription(protocol.KindQuery, n.cfg.UUID))
	}
	n.role.Dialled(d)
	n.role.PeerChanged(p, now)
	n.driver.Run(d)
	n.actPeers(now)
}

func newDialled(n *Node, conn net.Conn, p *Peer, endpoint string) *Dialled {
	d := &Dialled{
		link: newLink(n, conn), peer: p, endpoint: endpoint,
		reader: zmtp.NewReader(conn, zmtp.Limits{Message: n.cfg.MessageBytes + messageSlack}),
		in:     assembler{self: n.cfg.UUID},
	}
	d.link.onEnd = func(why error) { n.dialledEnded(d, why) }
	return d
}

// dialledEnded needs the lock.
func (n *Node) dialledEnded(d *Dialled, why error) {
	now := n.driver.Now()
	n.log.Debug("link lost", "peer", d.peer.UUID, "why", why)
	n.hookDisconnect(d.known(), why)
	if d.peer.Dialled == d {
		d.peer.Dialled, d.peer.answers = nil, nil
	}
	n.role.PeerChanged(d.peer, now)
	n.releasePeer(d.peer)
	if !n.closed {
		n.sums.lost++
		n.table.LinkLost(d.peer.UUID, d.endpoint, now)
		n.actPeers(now)
	}
}

// ReadOnce is the reader of a dialled link. It always reads: what does not fit
// is dropped by whoever receives it, and fetched again.
func (d *Dialled) ReadOnce() bool {
	r, in := d.reader, &d.in
	err := r.Fill()
	in.reset(d.kept, d.turned())
	var t taken
	if err == nil {
		t, err = in.take(r)
	}
	kept, alive := d.step(in.finish(), t, err)
	if d.kept = kept; kept {
		r.Detach()
	}
	return alive
}

// WriteOnce writes our subscriptions.
func (d *Dialled) WriteOnce() bool { return d.link.writeOnce() }

// Pending reports whether WriteOnce has something to do.
func (d *Dialled) Pending() bool { return d.link.awaitsNothing() }

// Conn returns the connection.
func (d *Dialled) Conn() net.Conn { return d.link.conn }

// messageSlack is what a message may have besides the content of its record.
const messageSlack = 4 << 10

// step hands a batch on. kept says that the role keeps what is in it, alive
// that the link has not ended.
func (d *Dialled) step(b *Batch, t taken, err error) (kept, alive bool) {
	n := d.link.node
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sums.read(&d.link.received, d.reader.Received())
	if d.link.closed {
		return false, false
	}
	d.follow()
	for i := range d.in.queries {
		n.asked(d, &d.in.queries[i])
	}
	if len(b.Items) > 0 {
		if kept = n.role.Receive(d, b, n.driver.Now()); kept {
			d.memory.keep(b)
		}
	}
	d.link.housekeep(t.faults, t.pongs, err)
	return kept, !d.link.closed
}

// housekeep answers pings, counts faults and ends a link that failed. It needs
// the lock.
func (l *link) housekeep(faults []error, pongs []byte, err error) {
	if len(pongs) > 0 {
		l.control = append(l.control, pongs...)
		l.queued(len(pongs))
	}
	for _, fault := range faults {
		l.fault(fault)
	}
	if err != nil {
		if isMalformed(err) {
			l.node.malformed.count(err)
		}
		l.close(err)
	}
}

// answerPing appends a PONG if m is a PING.
func answerPing(dst []byte, m zmtp.Msg) []byte {
	name, data, err := zmtp.ParseCommand(m.Frames[0])
	if err == nil && string(name) == "PING" {
		return zmtp.AppendPong(dst, data)
	}
	return dst
}
