package tower

import (
	"errors"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

const (
	// maxMalformed is how many malformed messages close a link.
	maxMalformed = 100
	// nodeSilence is how long a connection to the sub port may send nothing.
	// Nodes beacon every second, and one that was stopped dials again.
	nodeSilence = 10 * time.Second
	// writeTimeout bounds writing what is little enough to fit into the
	// buffers of a connection.
	writeTimeout = 2 * time.Second
	// ratePause is how long a link is not read that sends too many beacons.
	ratePause = 100 * time.Millisecond
)

var errMalformed = errors.New("tower: too many malformed messages")

// linkLimits bounds what nodes may send to either port: their messages are
// small, and idle links are many.
var linkLimits = zmtp.Limits{Message: 16 << 10, Frames: 8, Block: 16 << 10}

// nodeLink is a connection to the sub port, on which beacons come.
type nodeLink struct {
	*link
	tower     *Tower
	reader    *zmtp.Reader
	malformed int
	fast      bool // it sent more beacons than it may
	warned    bool // of a UUID that is another's
}

// serveNode reads beacons until the link ends.
func (t *Tower) serveNode(l *link) {
	n := &nodeLink{link: l, tower: t, reader: zmtp.NewReader(l.conn, linkLimits)}
	err := n.run()
	t.mu.Lock()
	t.dir.Closed(l.id)
	t.mu.Unlock()
	t.ended(l, err)
}

// ended counts why a link ended, if that was the peer's doing.
func (t *Tower) ended(l *link, err error) {
	t.log.Debug("link ended", "remote", l.remote, "err", err)
	for _, broken := range []error{zmtp.ErrBadFrame, zmtp.ErrTooManyFrames, zmtp.ErrMessageTooLarge} {
		if errors.Is(err, broken) {
			t.refuse(err)
		}
	}
}

func (n *nodeLink) run() error {
	// A PUB sends only what was subscribed to.
	if err := n.write(zmtp.AppendSubscription(nil, nil, true)); err != nil {
		return err
	}
	for {
		m, ok, err := n.reader.Next()
		switch {
		case err != nil:
			return err
		case !ok:
			err = n.fill()
		case m.Command:
			err = n.command(m.Frames[0])
		default:
			err = n.beacon(m)
		}
		if err != nil {
			return err
		}
	}
}

// fill reads on. A link that is too fast waits first, so that a flood costs the
// flooding peer and not the tower.
func (n *nodeLink) fill() error {
	if n.fast {
		n.fast = false
		pause(n.tower.ctx, ratePause)
	}
	if err := n.conn.SetReadDeadline(time.Now().Add(nodeSilence)); err != nil {
		return err
	}
	return n.reader.Fill()
}

// beacon takes one message.
func (n *nodeLink) beacon(m zmtp.Msg) error {
	b, err := protocol.ParseNodeBeacon(m.Frames)
	if err != nil {
		n.tower.refuse(err)
		if n.malformed++; n.malformed >= maxMalformed {
			return errMalformed
		}
		return nil
	}
	err = n.tower.announce(n.node(), b)
	switch {
	case errors.Is(err, core.ErrBeaconRate):
		n.fast = true
	case err != nil && !n.warned:
		n.warned = true // once: the node will go on to beacon
		n.tower.log.Warn("node refused", "uuid", b.UUID, "remote", n.remote, "port", b.Port, "err", err)
	}
	return nil
}

func (n *nodeLink) node() core.NodeConn {
	return core.NodeConn{ID: n.id, Address: n.remote.String(), Loopback: n.remote.IsLoopback()}
}

func (n *nodeLink) command(frame []byte) error {
	name, data, err := zmtp.ParseCommand(frame)
	if err != nil || string(name) != zmtp.CommandPing {
		return nil // nothing that concerns a tower
	}
	return n.write(zmtp.AppendPong(nil, data))
}

func (n *nodeLink) write(b []byte) error {
	if err := n.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := n.conn.Write(b)
	return err
}
