package mesh

import (
	"context"
	"net"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// dialTimeout bounds connecting to a peer.
const dialTimeout = 2 * time.Second

// actPeers does what the peer table decided. It needs the lock.
func (n *Node) actPeers(now time.Time) {
	for _, a := range n.table.Actions() {
		switch a.Op {
		case core.PeerFound:
			n.announceAll()
		case core.PeerDial:
			n.dial(a.UUID, a.Endpoint)
		case core.PeerHangup:
			n.hangup(a.UUID)
		case core.PeerForgot:
			n.forget(a.UUID, now)
		}
	}
	n.WakeAt(n.table.NextWake())
}

func (n *Node) announceAll() {
	for _, c := range n.towers {
		c.announce()
	}
}

func (n *Node) hangup(uuid string) {
	if cancel := n.dials[uuid]; cancel != nil {
		cancel()
	}
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

// dial starts one dial. It needs the lock.
func (n *Node) dial(uuid, endpoint string) {
	if n.closed {
		return
	}
	ctx, cancel := context.WithCancel(n.ctx)
	n.dials[uuid] = cancel
	n.wg.Go(func() {
		defer cancel()
		conn, err := n.connect(ctx, endpoint)
		n.dialled(uuid, endpoint, conn, err)
	})
}

func (n *Node) connect(ctx context.Context, endpoint string) (net.Conn, error) {
	host, port, err := protocol.ParseEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: dialTimeout, KeepAliveConfig: keepAlive}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := zmtp.Handshake(conn, zmtp.Options{Type: zmtp.Sub, Identity: n.cfg.UUID}, false); err != nil {
		return nil, err
	}
	return conn, nil
}

// dialled takes the outcome of a dial.
func (n *Node) dialled(uuid, endpoint string, conn net.Conn, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.dials, uuid)
	now := time.Now()
	if err != nil || n.closed {
		if conn != nil {
			conn.Close()
		}
		n.log.Debug("dial failed", "peer", uuid, "endpoint", endpoint, "err", err)
		if p := n.peers[uuid]; p != nil {
			p.Failures++
		}
		n.table.DialFailed(uuid, endpoint, now)
		n.actPeers(now)
		return
	}
	p := n.peer(uuid)
	d := &Dialled{link: newLink(n, conn), peer: p, endpoint: endpoint}
	d.link.onEnd = func(why error) { n.dialledEnded(d, why) }
	p.Dialled, p.Failures, p.Since = d, 0, now
	n.table.Linked(uuid, endpoint, now)
	n.log.Debug("linked", "peer", uuid, "endpoint", endpoint, "as", p.Role())
	n.role.Dialled(d)
	n.role.PeerChanged(p, now)
	n.wg.Go(d.link.write)
	n.wg.Go(d.read)
	n.actPeers(now)
}

// dialledEnded needs the lock.
func (n *Node) dialledEnded(d *Dialled, why error) {
	now := time.Now()
	n.log.Debug("link lost", "peer", d.peer.UUID, "why", why)
	if d.peer.Dialled == d {
		d.peer.Dialled, d.peer.answers = nil, nil
	}
	n.role.PeerChanged(d.peer, now)
	n.releasePeer(d.peer)
	if !n.closed {
		n.table.LinkLost(d.peer.UUID, d.endpoint, now)
		n.actPeers(now)
	}
}

// read is the reader of a dialled link. It always reads: what does not fit is
// dropped by whoever receives it, and fetched again.
func (d *Dialled) read() {
	n := d.link.node
	r := zmtp.NewReader(d.link.conn, zmtp.Limits{Message: n.cfg.MessageBytes + messageSlack})
	in := assembler{self: n.cfg.UUID}
	kept := false
	for {
		err := r.Fill()
		var faults []error
		var pongs []byte
		in.reset(kept)
		for err == nil {
			m, ok, nextErr := r.Next()
			if err = nextErr; err != nil || !ok {
				break
			}
			if m.Command {
				pongs = answerPing(pongs, m)
			} else if fault := in.add(m); fault != nil {
				faults = append(faults, fault)
			}
		}
		var alive bool
		if kept, alive = d.step(in.finish(), faults, pongs, err); !alive {
			return
		}
		if kept {
			r.Detach()
		}
	}
}

// messageSlack is what a message may have besides the content of its record.
const messageSlack = 4 << 10

// step hands a batch on. kept says that the role keeps what is in it, alive
// that the link has not ended.
func (d *Dialled) step(b *Batch, faults []error, pongs []byte, err error) (kept, alive bool) {
	n := d.link.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if d.link.closed {
		return false, false
	}
	if len(b.Items) > 0 {
		kept = n.role.Receive(d, b, time.Now())
	}
	d.link.housekeep(faults, pongs, err)
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
