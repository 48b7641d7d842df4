package core

import (
	"cmp"
	"container/list"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck/protocol"
)

// Why a Directory refuses a beacon.
var (
	// ErrBeaconRate: the connection sends more beacons than BeaconRate allows.
	ErrBeaconRate = errors.New("core: too many beacons from one connection")
	// ErrBeaconPort: nobody can listen on the announced port.
	ErrBeaconPort = errors.New("core: impossible port in beacon")
	// ErrNodeTaken: another living node announces the same UUID.
	ErrNodeTaken = errors.New("core: UUID is held by another living node")
	// ErrNodesFull: MaxNodes are known.
	ErrNodesFull = errors.New("core: too many nodes")
	// ErrAddressFull: MaxNodesPerAddress are known from this source address.
	ErrAddressFull = errors.New("core: too many nodes from one address")
)

// DirectoryConfig bounds a Directory. Zero fields mean their defaults.
type DirectoryConfig struct {
	// MaxNodes bounds the nodes remembered. Default 16,384.
	MaxNodes int
	// MaxNodesPerAddress bounds those whose beacons come from one IP address,
	// so that one machine cannot use up MaxNodes. Default 2,048.
	MaxNodesPerAddress int
	// BeaconRate is how many beacons a second one connection may send on
	// average; BeaconBurst is how many at once, for nodes that beacon for each
	// new peer they see. Defaults 100 and 1,000.
	BeaconRate, BeaconBurst int
	// Expire is how long after its last beacon a node is forgotten. Default 4 s.
	Expire time.Duration
	// Gather is how often repeated beacons are relayed. Default 1 s, which is
	// how often nodes beacon.
	Gather time.Duration
}

func (c DirectoryConfig) withDefaults() DirectoryConfig {
	c.MaxNodes = cmp.Or(c.MaxNodes, 16384)
	c.MaxNodesPerAddress = cmp.Or(c.MaxNodesPerAddress, 2048)
	c.BeaconRate = cmp.Or(c.BeaconRate, 100)
	c.BeaconBurst = cmp.Or(c.BeaconBurst, 1000)
	c.Expire = cmp.Or(c.Expire, 4*time.Second)
	c.Gather = cmp.Or(c.Gather, time.Second)
	return c
}

// NodeConn is a connection on which beacons come. ID must not be used again.
type NodeConn struct {
	ID uint64
	// Address is the IP address that the connection comes from, without
	// brackets, and Loopback whether it is one of the loopback interface.
	Address  string
	Loopback bool
}

// View is where a subscriber stands, on which depends how it can reach a node.
// Subscribers with equal views are told the same.
type View struct {
	// Local is our own IP address on the subscriber's connection, without
	// brackets; "" for subscribers on the loopback interface.
	Local string
}

// Directory is a tower's table of living nodes. It decides which beacons are
// believed, which are relayed at once and which are gathered, and what each
// subscriber is told. It is not safe for concurrent use.
type Directory struct {
	cfg       DirectoryConfig
	nodes     map[string]*Node
	byBeacon  list.List // of *Node, the longest silent first
	byAddress map[string]int
	conns     map[uint64]*beaconBudget // of the living connections

	beacons uint64 // believed so far
	flushed uint64 // beacons at the last Gather
	flushAt time.Time
}

// beaconBudget is how many more beacons a connection may send.
type beaconBudget struct {
	left float64
	at   time.Time
}

// NewDirectory returns an empty table.
func NewDirectory(cfg DirectoryConfig) *Directory {
	return &Directory{
		cfg:       cfg.withDefaults(),
		nodes:     make(map[string]*Node),
		byAddress: make(map[string]int),
		conns:     make(map[uint64]*beaconBudget),
	}
}

// relaySpacing is how soon a node can be relayed at once again: what changes
// more often costs every subscriber, and is gathered.
const relaySpacing = 100 * time.Millisecond

// Announce takes the beacon that came on conn. The node returned is to be
// relayed to all subscribers now, since it is new or has changed; for a repeat
// there is none, and Gather will return it. A refused beacon is one of the
// errors above and has changed nothing.
func (d *Directory) Announce(conn NodeConn, b protocol.NodeBeacon, now time.Time) (*Node, error) {
	if !d.spend(conn.ID, now) {
		return nil, ErrBeaconRate
	}
	if b.Port == 0 {
		return nil, ErrBeaconPort
	}
	n := d.nodes[b.UUID]
	if n != nil && now.Sub(n.seen) >= d.cfg.Expire {
		d.remove(n)
		n = nil
	}
	if n == nil {
		return d.admit(conn, b, now)
	}
	// A node is known by its connection. It may come back on another one once
	// that has ended, or when it announces what it has announced before.
	if _, held := d.conns[n.conn.ID]; held && n.conn.ID != conn.ID && n.moved(conn, b) {
		return nil, ErrNodeTaken
	}
	if conn.Address != n.conn.Address {
		if d.byAddress[conn.Address] >= d.cfg.MaxNodesPerAddress {
			return nil, ErrAddressFull
		}
		d.count(n.conn.Address, -1)
		d.count(conn.Address, 1)
	}
	changed := n.update(conn, b, now)
	d.touch(n, now)
	if !changed || now.Sub(n.relayed) < relaySpacing {
		return nil, nil
	}
	n.relayed = now
	return n, nil
}

// admit adds a node that is not known.
func (d *Directory) admit(conn NodeConn, b protocol.NodeBeacon, now time.Time) (*Node, error) {
	if len(d.nodes) >= d.cfg.MaxNodes {
		return nil, ErrNodesFull
	}
	if d.byAddress[conn.Address] >= d.cfg.MaxNodesPerAddress {
		return nil, ErrAddressFull
	}
	n := &Node{uuid: b.UUID}
	n.update(conn, b, now)
	n.place = d.byBeacon.PushBack(n)
	d.nodes[n.uuid] = n
	d.count(conn.Address, 1)
	d.touch(n, now)
	n.relayed = now
	return n, nil
}

// Closed says that a connection ended. Its nodes are remembered until they have
// been silent for Expire, but another connection may take their UUIDs over now.
func (d *Directory) Closed(conn uint64) {
	delete(d.conns, conn)
}

// Tick forgets the nodes that have been silent for Expire.
func (d *Directory) Tick(now time.Time) {
	for e := d.byBeacon.Front(); e != nil; e = d.byBeacon.Front() {
		n := e.Value.(*Node)
		if now.Sub(n.seen) < d.cfg.Expire {
			return
		}
		d.remove(n)
	}
}

// Gather returns the living nodes that have beaconed since the last Gather,
// sorted by UUID, at most every cfg.Gather; nothing in between. All subscribers
// are to be told of them.
func (d *Directory) Gather(now time.Time) []*Node {
	if d.beacons == d.flushed || now.Before(d.flushAt) {
		return nil
	}
	d.flushAt = now.Add(d.cfg.Gather)
	var out []*Node
	for e := d.byBeacon.Back(); e != nil; e = e.Prev() {
		n := e.Value.(*Node)
		if n.beacon <= d.flushed {
			break
		}
		out = append(out, n)
	}
	d.flushed = d.beacons
	return sortNodes(out)
}

// NextWake is when Tick and Gather are wanted next; zero when no node is known.
func (d *Directory) NextWake() time.Time {
	first := d.byBeacon.Front()
	if first == nil {
		return time.Time{}
	}
	at := first.Value.(*Node).seen.Add(d.cfg.Expire)
	if d.beacons > d.flushed {
		at = earlier(at, d.flushAt)
	}
	return at
}

// List returns every living node, sorted by UUID: what a newcomer is told.
func (d *Directory) List() []*Node {
	return sortNodes(slices.Collect(maps.Values(d.nodes)))
}

// Has reports whether the node is remembered still.
func (d *Directory) Has(n *Node) bool { return d.nodes[n.uuid] == n }

// Len is the number of nodes remembered.
func (d *Directory) Len() int { return len(d.nodes) }

// EachInfo calls f with what each node says of itself, in no order; nil of foreign
// ones.
func (d *Directory) EachInfo(f func(*protocol.NodeInfo)) {
	for _, n := range d.nodes {
		f(n.info)
	}
}

// spend takes one beacon from the budget of a connection, if there is one left.
func (d *Directory) spend(conn uint64, now time.Time) bool {
	b := d.conns[conn]
	if b == nil {
		b = &beaconBudget{left: float64(d.cfg.BeaconBurst), at: now}
		d.conns[conn] = b
	}
	earned := now.Sub(b.at).Seconds() * float64(d.cfg.BeaconRate)
	b.left = min(b.left+max(0, earned), float64(d.cfg.BeaconBurst))
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// touch notes that the node has just beaconed.
func (d *Directory) touch(n *Node, now time.Time) {
	if d.flushAt.IsZero() {
		d.flushAt = now.Add(d.cfg.Gather)
	}
	d.beacons++
	n.beacon = d.beacons
	d.byBeacon.MoveToBack(n.place)
}

func (d *Directory) remove(n *Node) {
	d.byBeacon.Remove(n.place)
	delete(d.nodes, n.uuid)
	d.count(n.conn.Address, -1)
}

func (d *Directory) count(address string, by int) {
	if d.byAddress[address] += by; d.byAddress[address] == 0 {
		delete(d.byAddress, address)
	}
}

func sortNodes(nodes []*Node) []*Node {
	slices.SortFunc(nodes, func(a, b *Node) int { return strings.Compare(a.uuid, b.uuid) })
	return nodes
}
