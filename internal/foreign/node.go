package foreign

import (
	"cmp"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// Patience is how long a Node waits for what must come before it fails the test.
const Patience = 15 * time.Second

// beaconEvery is the interval of beacons, the C nodes' own.
const beaconEvery = time.Second

// Node is a scripted node. Set the exported fields and call Want before Join.
type Node struct {
	// UUID is the node's address, new for each.
	UUID string
	// Type is the type of the socket that peers dial: zmtp.Pub, as C producers
	// and store writers have, or zmtp.XPub (the default), as the others.
	Type zmtp.SocketType
	// Port is announced instead of the one that the node listens on, unless it
	// is empty.
	Port string
	// Info, if set, goes with the beacon, as with one of our nodes.
	Info *protocol.NodeInfo
	// OnSubscribe, if set, is told of each subscription that a peer makes.
	OnSubscribe func(prefix string)
	// OnMessage, if set, is told of each message that a peer sends, after it
	// went to the inbox.
	OnMessage func(Message)

	t        testing.TB
	listener net.Listener
	done     chan struct{}
	wg       sync.WaitGroup

	mu     sync.Mutex
	closed bool
	wants  []string
	peers  []*subscriber       // dialled us
	links  map[string]*dialled // dialled by us, by endpoint
	conns  map[net.Conn]bool   // all of them
	inbox  []Message           // not yet taken
}

// New returns a node that listens on loopback and has joined nothing yet.
func New(t testing.TB) *Node {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &Node{
		UUID: protocol.NewAddress(), Type: zmtp.XPub, t: t, listener: l, done: make(chan struct{}),
		links: make(map[string]*dialled), conns: make(map[net.Conn]bool),
	}
	n.wg.Go(n.accept)
	t.Cleanup(n.Leave)
	return n
}

// Want makes the node subscribe to prefixes at everybody it dials from now on.
func (n *Node) Want(prefixes ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wants = append(n.wants, prefixes...)
}

// Self returns the prefix of messages of kind k to this node.
func (n *Node) Self(k protocol.Kind) string { return To(k, n.UUID) }

// Endpoint returns where peers dial the node.
func (n *Node) Endpoint() string { return "tcp://" + n.listener.Addr().String() }

// Leave ends the node without a word, and waits for its goroutines.
func (n *Node) Leave() {
	n.mu.Lock()
	if !n.closed {
		n.closed = true
		close(n.done)
		n.listener.Close()
		for c := range n.conns {
			c.Close()
		}
	}
	n.mu.Unlock()
	n.wg.Wait()
}

// hold notes a connection, to be closed with the node.
func (n *Node) hold(c net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		c.Close()
		return false
	}
	n.conns[c] = true
	return true
}

func (n *Node) drop(c net.Conn) {
	c.Close()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
	n.peers = slices.DeleteFunc(n.peers, func(s *subscriber) bool { return s.conn == c })
}

// Join announces the node to a tower and dials whoever the tower names. It
// returns when the tower has welcomed it.
func (n *Node) Join(sub, pub string) {
	n.t.Helper()
	out := n.dial(sub, zmtp.Pub)
	in := n.dial(pub, zmtp.Sub)
	if out == nil || in == nil {
		n.t.Fatalf("foreign node cannot reach the tower at %s and %s", sub, pub)
	}
	welcomed := make(chan struct{})
	n.wg.Go(func() { n.beacons(out) })
	n.wg.Go(func() { n.hear(in, welcomed) })
	select {
	case <-welcomed:
	case <-time.After(Patience):
		n.t.Fatal("the tower does not welcome a foreign node")
	}
}

// dial connects to an endpoint; nil when that fails.
func (n *Node) dial(endpoint string, as zmtp.SocketType) net.Conn {
	c, err := net.DialTimeout("tcp", strings.TrimPrefix(endpoint, "tcp://"), Patience)
	if err != nil || !n.hold(c) {
		return nil
	}
	if _, err := zmtp.Handshake(c, zmtp.Options{Type: as}, false); err != nil {
		n.drop(c)
		return nil
	}
	return c
}

// beacons announces the node until it leaves.
func (n *Node) beacons(c net.Conn) {
	defer n.drop(c)
	_, port, _ := net.SplitHostPort(n.listener.Addr().String())
	port = cmp.Or(n.Port, port)
	number, _ := strconv.ParseUint(port, 10, 16) // of a test
	beacon := zmtp.AppendMessage(nil, protocol.NodeBeacon{UUID: n.UUID, Host: "127.0.0.1", Port: uint16(number), Info: n.Info}.Frames()...)
	due := time.NewTicker(beaconEvery)
	defer due.Stop()
	for {
		if _, err := c.Write(beacon); err != nil {
			return
		}
		select {
		case <-n.done:
			return
		case <-due.C:
		}
	}
}

// hear takes what the tower says and dials the nodes that it names.
func (n *Node) hear(c net.Conn, welcomed chan struct{}) {
	defer n.drop(c)
	subscribe := zmtp.AppendSubscription(nil, []byte(protocol.PrefixWelcome), true)
	subscribe = zmtp.AppendSubscription(subscribe, []byte(protocol.PrefixBeacon), true)
	if _, err := c.Write(subscribe); err != nil {
		return
	}
	first := true
	receive(c, func(m zmtp.Msg) {
		if protocol.IsWelcome(m.Frames) && first {
			first = false
			close(welcomed)
			return
		}
		if b, err := protocol.ParseTowerBeacon(m.Frames); err == nil && b.UUID != n.UUID {
			n.meet(b.UUID, b.Endpoint)
		}
	})
}

// Until waits for a condition.
func (n *Node) Until(what string, done func() bool) {
	n.t.Helper()
	for deadline := time.Now().Add(Patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			n.t.Fatalf("foreign node gave up waiting for: %s", what)
		}
	}
}

// receive reads a connection until it ends.
func receive(c net.Conn, take func(zmtp.Msg)) {
	r := zmtp.NewReader(c, zmtp.Limits{})
	for {
		m, err := r.Receive()
		if err != nil {
			return
		}
		if !m.Command {
			take(m)
		}
	}
}
