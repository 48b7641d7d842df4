package mesh

import (
	"context"
	"math/rand"
	"net"
	"sync"
	"time"

	"github.com/beckmesh/beck/internal/network"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// Driver is what a node runs on: its clock and its network, and who steps it.
// The machine's own has goroutines and sockets; the simulator's steps the very
// same code under virtual time. Methods are called with the node's lock held,
// but for Listen.
type Driver interface {
	// Now returns the time.
	Now() time.Time
	// Seed returns a seed for the node's jitter.
	Seed() int64
	// NewAddress returns an address that no other node has.
	NewAddress() string
	// Listen makes the node reachable; it returns the port to announce.
	Listen(n *Node, addr string) (port uint16, err error)
	// Unlisten makes it reachable no more.
	Unlisten(n *Node)
	// Start begins to step the node: timers, towers, workers.
	Start(n *Node, towers []protocol.TowerAddr)
	// Dial connects to a peer, and tells the outcome by Node.DialDone.
	Dial(n *Node, uuid, endpoint string)
	// HangUp ends a dial that is under way.
	HangUp(n *Node, uuid string)
	// Run steps a link until it has ended.
	Run(l Link)
	// Beacon sends the node's beacon to its towers soon.
	Beacon(n *Node)
	// Poke tells that Node.Next became earlier.
	Poke(n *Node)
	// Wake tells that the workers may have something to do.
	Wake(n *Node)
	// Stop ends what Listen, Start, Dial and Run began. It returns when all of
	// it has ended, and is called without the lock.
	Stop(n *Node)
}

// Link is one connection as a driver steps it. ReadOnce reads from the
// connection once, WriteOnce writes once if there is something to write; both
// return false when the link has ended.
type Link interface {
	ReadOnce() bool
	WriteOnce() bool
	// Pending tells that WriteOnce would not wait.
	Pending() bool
	Conn() net.Conn
}

var drivers sync.Map // host of Config.Listen → Driver

// Register makes nodes that listen at host run on d, until the returned
// function is called. The simulator does so; no other node can reach them.
func Register(host string, d Driver) (unregister func()) {
	drivers.Store(host, d)
	return func() { drivers.Delete(host) }
}

// DriverFor returns what a node that listens at addr runs on.
func DriverFor(addr string) Driver {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		if d, ok := drivers.Load(host); ok {
			return d.(Driver)
		}
	}
	return &machine{network: network.For(addr)}
}

// machine is the driver of one node on the machine it runs on: a goroutine for
// each end of a link, each dial, each tower and each worker.
type machine struct {
	network  network.Network
	ctx      context.Context
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	listener net.Listener
	guard    *zmtp.Guard
	towers   []*towerClient
	dials    map[string]context.CancelFunc
	poke     chan struct{}
	clock    clock // the node's lock guards it
}

func (m *machine) Now() time.Time { return time.Now() }

func (m *machine) Seed() int64 { return rand.Int63() }

func (m *machine) NewAddress() string { return protocol.NewAddress() }

func (m *machine) Listen(n *Node, addr string) (uint16, error) {
	m.ctx, m.cancel = context.WithCancel(context.Background())
	listener, err := m.network.Listen(m.ctx, addr, n.cfg.UUID)
	if err != nil {
		m.cancel()
		return 0, err
	}
	m.listener, m.guard = listener, zmtp.NewGuard(0)
	m.dials, m.poke = make(map[string]context.CancelFunc), make(chan struct{}, 1)
	return uint16(listener.Addr().(*net.TCPAddr).Port), nil
}

func (m *machine) Unlisten(*Node) { m.listener.Close() }

func (m *machine) Start(n *Node, towers []protocol.TowerAddr) {
	for i, addr := range towers {
		m.towers = append(m.towers, newTowerClient(i, addr, n.cfg.UUID, m.network, n, n.log))
	}
	for _, c := range m.towers {
		m.wg.Go(func() { c.run(m.ctx) })
	}
	for _, work := range n.workers {
		m.wg.Go(func() { n.workLoop(work) })
	}
	m.wg.Go(func() { m.accept(n) })
	m.wg.Go(func() { m.timer(n) })
}

func (m *machine) Run(l Link) {
	m.wg.Go(func() {
		for l.WriteOnce() {
		}
	})
	m.wg.Go(func() {
		for l.ReadOnce() {
		}
	})
}

func (m *machine) Beacon(*Node) {
	for _, c := range m.towers {
		c.announce()
	}
}

func (m *machine) Poke(*Node) {
	select {
	case m.poke <- struct{}{}:
	default:
	}
}

func (m *machine) Wake(n *Node) { n.work.Broadcast() }

func (m *machine) Stop(*Node) {
	m.cancel()
	m.listener.Close()
	m.guard.Close()
	m.wg.Wait()
}

// timer steps what is due: redials, heads, the role.
func (m *machine) timer(n *Node) {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-m.poke:
		case <-t.C:
		}
		wait := time.Hour
		if next := n.Tick(); !next.IsZero() {
			wait = max(time.Until(next), 0)
		}
		t.Reset(wait)
	}
}
