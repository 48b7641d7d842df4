package mesh

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// Node is one member of a mesh. Start makes it, Close ends it and everything it
// started.
type Node struct {
	mu      sync.Mutex
	cfg     Config
	log     *slog.Logger
	role    Role
	driver  Driver
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	closed  bool
	leaving bool // no new links

	host    string // announced
	port    uint16
	started time.Time

	towers   []TowerStatus
	towersUp int
	hold     atomic.Pointer[protocol.Hold] // the name that beacons claim
	echoes   int                           // of our beacons with the present claim, from towers
	table    *core.Peers
	peers    map[string]*Peer
	accepted []*Accepted

	window   *core.Window
	topics   map[string]*Topic
	room     *sync.Cond // the window may have room again
	idle     *sync.Cond // a link may have nothing to write any more
	pushing  writing
	pushBusy bool
	scratch  []byte

	hooks      hooks
	idleBlocks [][]byte  // of links' readers, to be used again
	idlePlaces [][]place // and of the records in such blocks

	workers []func() bool
	work    *sync.Cond // a worker may have something to do

	next      time.Time // when Tick is to be called
	ticking   bool
	malformed malformed
	sums      sums
}

// Start listens, joins the towers and returns a running node. makeRole is given
// the node before anything happens to it.
func Start(cfg Config, makeRole func(*Node) Role) (*Node, error) {
	cfg = cfg.withDefaults()
	if err := cfg.NodeConfig.Validate(); err != nil {
		return nil, err
	}
	towers, err := cfg.towers()
	if err != nil {
		return nil, err
	}
	host, err := ExpandHost(cfg.Host)
	if err != nil {
		return nil, err
	}
	n := newNode(cfg, host, towers)
	if n.port, err = n.driver.Listen(n, cfg.Listen); err != nil {
		return nil, fmt.Errorf("listen for links: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.role = makeRole(n)
	n.Work(n.runHooks)
	n.driver.Start(n, towers)
	return n, nil
}

func newNode(cfg Config, host string, towers []protocol.TowerAddr) *Node {
	n := &Node{
		driver: DriverFor(cfg.Listen), host: host,
		peers: make(map[string]*Peer), topics: make(map[string]*Topic),
		window: core.NewWindow(cfg.Window), malformed: newMalformed(),
	}
	if cfg.UUID == "" {
		cfg.UUID = n.driver.NewAddress()
	}
	n.cfg, n.log, n.started = cfg, cfg.logger(), n.driver.Now()
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.room, n.idle, n.work = sync.NewCond(&n.mu), sync.NewCond(&n.mu), sync.NewCond(&n.mu)
	n.table = core.NewPeers(core.PeersConfig{Self: cfg.UUID, SelfRole: cfg.Role, Towers: len(towers)},
		rand.New(rand.NewSource(n.driver.Seed())))
	for _, addr := range towers {
		n.towers = append(n.towers, TowerStatus{Addr: addr})
	}
	return n
}

// Lock takes the node's lock, for the roles.
func (n *Node) Lock() { n.mu.Lock() }

// Unlock gives it back.
func (n *Node) Unlock() { n.mu.Unlock() }

// Locker returns the node's lock, for conditions on it.
func (n *Node) Locker() sync.Locker { return &n.mu }

// UUID returns the node's address.
func (n *Node) UUID() string { return n.cfg.UUID }

// Logger returns the node's logger.
func (n *Node) Logger() *slog.Logger { return n.log }

// Now returns the time by the node's clock.
func (n *Node) Now() time.Time { return n.driver.Now() }

// Micros returns the time by the node's clock in µs since 1970, for who asks
// often. It needs the lock.
func (n *Node) Micros() int64 {
	if m, ok := n.driver.(*machine); ok {
		return m.clock.micros()
	}
	return n.driver.Now().UnixMicro()
}

// Work adds a worker: something to do beside the links, such as writing to a
// disk. It is called with the lock held, which it may give up meanwhile, and
// returns false when there is nothing to do; then it is called again after
// WakeWorkers. When the node closes it is called until it returns false. Add
// workers while the role is made.
func (n *Node) Work(f func() bool) { n.workers = append(n.workers, f) }

// WakeWorkers has the workers called. It needs the lock.
func (n *Node) WakeWorkers() { n.driver.Wake(n) }

// workLoop calls one worker until the node closes.
func (n *Node) workLoop(work func() bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		if work() {
			continue
		}
		if n.closed {
			return
		}
		n.work.Wait()
	}
}

// Workers calls each worker once, and says whether any had something to do. It
// is for drivers that have no goroutines.
func (n *Node) Workers() (worked bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, work := range n.workers {
		worked = work() || worked
	}
	return worked
}

// Tick does what is due: redials, heads, the role. It returns when it is to be
// called again, zero for never.
func (n *Node) Tick() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.tick(n.driver.Now())
	}
	return n.next
}

// Next returns when Tick is to be called. It needs the lock.
func (n *Node) Next() time.Time { return n.next }

func (n *Node) tick(now time.Time) {
	n.next, n.ticking = time.Time{}, true
	defer func() { n.ticking = false }()
	n.table.Tick(now)
	n.actPeers(now)
	for _, log := range n.window.Tick(now) {
		n.wakeLinks(log)
	}
	next := n.role.Tick(now)
	for _, t := range []time.Time{n.table.NextWake(), n.window.NextWake(), n.next} {
		if next.IsZero() || (!t.IsZero() && t.Before(next)) {
			next = t
		}
	}
	n.next = next
}

// WakeAt has Tick called at t or before. It needs the lock.
func (n *Node) WakeAt(t time.Time) {
	if t.IsZero() || (!n.next.IsZero() && !t.Before(n.next)) {
		return
	}
	n.next = t
	if !n.ticking { // it looks for the next time itself
		n.driver.Poke(n)
	}
}

// wakeLinks tells every link that a log has something to send. It needs the lock.
func (n *Node) wakeLinks(log *core.Log) {
	for _, a := range n.accepted {
		if a.link.outlet.Wake(log) {
			a.link.wakeWriter()
		}
	}
}

func (n *Node) unpin(c *core.Chunk) {
	n.window.Unpin(c)
	n.room.Broadcast()
}
