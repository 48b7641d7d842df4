package mesh

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// acceptPause is the time after a failed accept, for a machine without file
// descriptors.
const acceptPause = 50 * time.Millisecond

// accept takes connections until the node closes.
func (m *machine) accept(n *Node) {
	for {
		conn, err := m.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			n.log.Warn("accept failed", "err", err)
			pause(m.ctx, acceptPause)
			continue
		}
		m.wg.Go(func() {
			peer, err := m.guard.Handshake(conn, zmtp.Options{Type: zmtp.XPub, Identity: n.cfg.UUID})
			n.AcceptDone(conn, peer.Identity, err)
		})
	}
}

func (m *machine) Dial(n *Node, uuid, endpoint string) {
	ctx, cancel := context.WithCancel(m.ctx)
	m.dials[uuid] = cancel
	m.wg.Go(func() {
		defer cancel()
		conn, identity, err := m.connect(ctx, endpoint, n.cfg.UUID)
		n.mu.Lock()
		delete(m.dials, uuid)
		n.mu.Unlock()
		n.DialDone(uuid, endpoint, conn, identity, err)
	})
}

func (m *machine) HangUp(_ *Node, uuid string) {
	if cancel := m.dials[uuid]; cancel != nil {
		cancel()
	}
}

// connect also returns the identity that the peer gave.
func (m *machine) connect(ctx context.Context, endpoint, self string) (net.Conn, string, error) {
	host, port, err := protocol.ParseEndpoint(endpoint)
	if err != nil {
		return nil, "", err
	}
	conn, err := m.network.Dial(ctx, net.JoinHostPort(host, port))
	if err != nil {
		return nil, "", err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	peer, err := zmtp.Handshake(conn, zmtp.Options{Type: zmtp.Sub, Identity: self}, false)
	if err != nil {
		return nil, "", err
	}
	return conn, peer.Identity, nil
}
