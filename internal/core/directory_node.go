package core

import (
	"container/list"
	"time"

	"github.com/beckmesh/beck/protocol"
)

// Node is a living node as its last beacon described it. It changes with each
// of its beacons, so it is to be read under the same lock as its Directory.
type Node struct {
	uuid string
	host string
	port uint16
	info *protocol.NodeInfo
	conn NodeConn
	seen time.Time

	relayed time.Time     // when its news went out at once last
	beacon  uint64        // the Directory's count of beacons at the last one
	place   *list.Element // in the Directory's order of silence
}

// UUID is the node's address.
func (n *Node) UUID() string { return n.uuid }

// Conn is the connection of its last beacon.
func (n *Node) Conn() NodeConn { return n.conn }

// Seen is when its last beacon came.
func (n *Node) Seen() time.Time { return n.seen }

// moved reports whether a beacon says that the node is elsewhere than it was.
func (n *Node) moved(conn NodeConn, b protocol.NodeBeacon) bool {
	return n.host != b.Host || n.port != b.Port || n.host == "" && n.conn.Address != conn.Address
}

// update takes over what a beacon says and reports whether subscribers should
// know at once. A greater age is not news, since every beacon has one.
func (n *Node) update(conn NodeConn, b protocol.NodeBeacon, now time.Time) bool {
	changed := n.moved(conn, b) || !sameInfo(n.info, b.Info) || n.rejuvenated(b.Info)
	n.host, n.port, n.conn, n.seen, n.info = b.Host, b.Port, conn, now, nil
	if b.Info != nil {
		info := *b.Info
		n.info = &info
	}
	return changed
}

// sameInfo compares all but the age.
func sameInfo(a, b *protocol.NodeInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	x.Age, y.Age = 0, 0
	return x == y
}

// rejuvenated reports whether the age says that this is another process with
// the UUID and the port of the one before.
func (n *Node) rejuvenated(info *protocol.NodeInfo) bool {
	return n.info != nil && info != nil && info.Age < n.info.Age
}

// TowerBeacon is what a subscriber with view v is told of the node at now. Its
// age has grown by the time since the node told it.
func (n *Node) TowerBeacon(v View, now time.Time) protocol.TowerBeacon {
	b := protocol.TowerBeacon{UUID: n.uuid, Endpoint: n.Endpoint(v)}
	if n.info != nil {
		info := *n.info
		info.Age += max(0, now.Sub(n.seen))
		b.Info = &info
	}
	return b
}

// Endpoint is where a subscriber with view v can reach the node: the host that
// the node names, else the address that its beacons come from. Of a node on our
// loopback interface that address means nothing to another machine, which is
// told the address by which it reached us.
func (n *Node) Endpoint(v View) string {
	switch {
	case n.host != "":
		return protocol.FormatEndpoint(n.host, n.port)
	case !n.conn.Loopback:
		return protocol.FormatEndpoint(n.conn.Address, n.port)
	case v.Local != "":
		return protocol.FormatEndpoint(v.Local, n.port)
	case n.conn.Address == "::1":
		return protocol.FormatEndpoint("::1", n.port)
	}
	return protocol.FormatEndpoint("127.0.0.1", n.port)
}
