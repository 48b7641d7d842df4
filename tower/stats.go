package tower

import (
	"errors"
	"maps"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// Stats counts what a tower has and what it did since it started.
type Stats struct {
	// Nodes is how many nodes are remembered; NodeLinks and SubscriberLinks
	// how many connections the sub and the pub port have.
	Nodes, NodeLinks, SubscriberLinks int
	// Roles is how many nodes there are of each role: "producer", "consumer", "store",
	// "observer"; "foreign" are C nodes, "other" what is none of these.
	Roles map[string]int
	// Beacons is how many beacons were believed, Relayed how many were handed to
	// subscribers.
	Beacons, Relayed uint64
	// Skipped is how often gathered repeats were not given to a subscriber
	// that had not yet read those of the second before.
	Skipped uint64
	// Overflows is how many subscribers were disconnected since they did not
	// read what waited for them.
	Overflows uint64
	// Refused counts what was dropped, by kind, of which it has all: handshake, connections, beacon,
	// address, endpoint, port, rate, duplicate, nodes, nodes-per-address,
	// frame, size, subscription.
	Refused map[string]uint64
}

// counters are the running sums behind Stats.
type counters struct {
	beacons, relayed, skipped, overflows uint64
	refused                              map[string]uint64
}

// refuse counts an error by its kind.
func (c *counters) refuse(err error) { c.refused[refusedKind(err)]++ }

// refusedKinds names errors for the counters; otherKind is for the rest.
var refusedKinds = []struct {
	err  error
	name string
}{
	{errHandshake, "handshake"}, {errConnections, "connections"},
	{errSubscription, "subscription"},
	{protocol.ErrBeacon, "beacon"}, {protocol.ErrAddress, "address"}, {protocol.ErrEndpoint, "endpoint"},
	{core.ErrBeaconPort, "port"}, {core.ErrBeaconRate, "rate"}, {core.ErrNodeTaken, "duplicate"},
	{core.ErrNodesFull, "nodes"}, {core.ErrAddressFull, "nodes-per-address"},
	{zmtp.ErrBadFrame, "frame"}, {zmtp.ErrTooManyFrames, "frame"}, {zmtp.ErrMessageTooLarge, "size"},
}

const otherKind = "other"

// noneRefused has every kind, so that whoever looks from time to time sees the first
// of one.
func noneRefused() map[string]uint64 {
	none := map[string]uint64{otherKind: 0}
	for _, kind := range refusedKinds {
		none[kind.name] = 0
	}
	return none
}

func refusedKind(err error) string {
	for _, kind := range refusedKinds {
		if errors.Is(err, kind.err) {
			return kind.name
		}
	}
	return otherKind
}

// refuse counts what was dropped.
func (t *Tower) refuse(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count.refuse(err)
}

// Stats returns the tower's numbers of this moment.
func (t *Tower) Stats() Stats {
	s := Stats{NodeLinks: t.sub.links(), SubscriberLinks: t.pub.links()}
	t.mu.Lock()
	defer t.mu.Unlock()
	s.Nodes = t.dir.Len()
	s.Roles = map[string]int{
		protocol.RoleProducer: 0, protocol.RoleConsumer: 0, protocol.RoleStore: 0, protocol.RoleObserver: 0, "foreign": 0, "other": 0,
	}
	t.dir.EachInfo(func(info *protocol.NodeInfo) { s.Roles[roleOf(info)]++ })
	s.Beacons = t.count.beacons
	s.Relayed = t.count.relayed
	s.Skipped = t.count.skipped
	s.Overflows = t.count.overflows
	s.Refused = maps.Clone(t.count.refused)
	return s
}

// roleOf returns a role by one of few words, whatever the node says of itself.
func roleOf(info *protocol.NodeInfo) string {
	if info == nil {
		return "foreign"
	}
	switch info.Role {
	case protocol.RoleProducer, protocol.RoleConsumer, protocol.RoleStore, protocol.RoleObserver:
		return info.Role
	}
	return "other"
}

// NodeStatus is one node that the tower remembers.
type NodeStatus struct {
	UUID string
	// Endpoint is where a node on the tower's machine is told to dial it.
	Endpoint string
	// Address is the IP address that its beacons come from.
	Address string
	// Info is what it says of itself, its age grown to now; nil for a foreign
	// node. The strings are as the node sent them: quote before printing.
	Info *protocol.NodeInfo
	// Seen is when its last beacon came.
	Seen time.Time
}

// Nodes returns the nodes remembered, sorted by UUID. A node leaves the list 4 s
// after its last beacon.
func (t *Tower) Nodes() []NodeStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.dir.Tick(now)
	nodes := t.dir.List()
	out := make([]NodeStatus, len(nodes))
	for i, n := range nodes {
		b := n.TowerBeacon(core.View{}, now)
		out[i] = NodeStatus{UUID: b.UUID, Endpoint: b.Endpoint, Address: n.Conn().Address, Info: b.Info, Seen: n.Seen()}
	}
	return out
}
