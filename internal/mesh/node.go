package mesh

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand"
	"net"
	"sync"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// Node is one member of a mesh. Start makes it, Close ends it and everything it
// started.
type Node struct {
	mu   sync.Mutex
	cfg  Config
	log  *slog.Logger
	role Role

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	closed bool

	listener net.Listener
	guard    *zmtp.Guard
	host     string // announced
	port     uint16
	started  time.Time

	towers   []*towerClient
	towersUp int
	table    *core.Peers
	peers    map[string]*Peer
	dials    map[string]context.CancelFunc
	accepted []*Accepted

	window   *core.Window
	topics   map[string]*Topic
	room     *sync.Cond // the window may have room again
	idle     *sync.Cond // a link may have nothing to write any more
	pushing  writing
	pushBusy bool
	scratch  []byte

	next      time.Time // when the timer goes off
	ticking   bool
	poke      chan struct{}
	malformed malformed
	unread    uint64 // trailers that could not be read
}

// keepAlive finds a peer that is gone without a word within about 3 s. (No
// TCP_USER_TIMEOUT: Linux counts a closed receive window against it, and would
// cut peers that are merely slow.)
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 3}

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
	ctx, cancel := context.WithCancel(context.Background())
	lc := net.ListenConfig{KeepAliveConfig: keepAlive}
	listener, err := lc.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("listen for links: %w", err)
	}
	n := &Node{
		cfg: cfg, log: cfg.logger(), ctx: ctx, cancel: cancel,
		listener: listener, guard: zmtp.NewGuard(0), host: host,
		port: uint16(listener.Addr().(*net.TCPAddr).Port), started: time.Now(),
		peers: make(map[string]*Peer), dials: make(map[string]context.CancelFunc),
		window: core.NewWindow(cfg.Window), topics: make(map[string]*Topic),
		poke: make(chan struct{}, 1), malformed: make(malformed),
	}
	n.room, n.idle = sync.NewCond(&n.mu), sync.NewCond(&n.mu)
	n.table = core.NewPeers(core.PeersConfig{Self: cfg.UUID, SelfRole: cfg.Role, Towers: len(towers)},
		rand.New(rand.NewSource(time.Now().UnixNano())))
	n.role = makeRole(n)
	n.run(towers)
	return n, nil
}

// run starts the node's goroutines; Close waits for them.
func (n *Node) run(towers []protocol.TowerAddr) {
	for i, addr := range towers {
		n.towers = append(n.towers, newTowerClient(i, addr, n.cfg.UUID, (*towerView)(n), n.log))
	}
	for _, c := range n.towers {
		n.wg.Go(func() { c.run(n.ctx) })
	}
	n.wg.Go(n.accept)
	n.wg.Go(n.timer)
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

// Addr returns where the node accepts links.
func (n *Node) Addr() net.Addr { return n.listener.Addr() }

// Go runs f as one of the node's goroutines: Close cancels the context, then
// waits for it.
func (n *Node) Go(f func(ctx context.Context)) { n.wg.Go(func() { f(n.ctx) }) }

// timer steps what is due: redials, heads, the role.
func (n *Node) timer() {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-n.poke:
		case <-t.C:
		}
		n.mu.Lock()
		now := time.Now()
		n.tick(now)
		wait := time.Hour
		if !n.next.IsZero() {
			wait = max(n.next.Sub(now), 0)
		}
		n.mu.Unlock()
		t.Reset(wait)
	}
}

// tick needs the lock.
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

// WakeAt makes the timer go off at t or before. It needs the lock.
func (n *Node) WakeAt(t time.Time) {
	if t.IsZero() || (!n.next.IsZero() && !t.Before(n.next)) {
		return
	}
	n.next = t
	if n.ticking {
		return // it is looking for the next time itself
	}
	select {
	case n.poke <- struct{}{}:
	default:
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
