package sim

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/journal"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/internal/positions"
	"github.com/beckmesh/beck/protocol"
)

// machine is a computer, on which one process after the other runs.
type machine struct {
	name string
	slow bool // its processes get little time
}

// host is one process: it is the driver of one node. It ends by a crash, and
// then nothing of it happens any more.
type host struct {
	world   *World
	machine *machine
	name    string
	port    uint16
	role    string
	node    *mesh.Node
	conns   []*conn
	towers  int
	release func() // its registration
	disk    func(*blocklog.Options)
	journal func(*journal.Options)

	positions positions.FS

	gone    bool
	stopped bool     // it gets no time at all
	waiting []func() // what is to happen when it goes on
	tickAt  time.Time
	working bool
}

var errRefused = errors.New("sim: connection refused")

// newHost makes a process that a node can be started on, by node().
func (w *World) newHost(m *machine, role string) *host {
	w.serial++
	h := &host{world: w, machine: m, role: role, name: fmt.Sprintf("%s-%04d", w.id, w.serial), port: uint16(10000 + w.serial)}
	h.release = mesh.Register(h.name, h)
	return h
}

// config returns the settings of a node on h.
func (h *host) config() beck.NodeConfig {
	c := beck.NodeConfig{Listen: h.name + ":0", Logger: h.world.log, Name: h.machine.name}
	for i := range h.world.towers {
		c.Sub = append(c.Sub, fmt.Sprintf("tcp://tower-%d:5556", i))
		c.Pub = append(c.Pub, fmt.Sprintf("tcp://tower-%d:5557", i))
	}
	return c
}

// pace bounds how long the process takes to get to something.
func (h *host) pace() time.Duration {
	if h.machine.slow {
		return 100 * time.Millisecond
	}
	return time.Millisecond
}

// after plans something that the process does: not when it is gone, and not
// before it goes on when it is stopped.
func (h *host) after(d time.Duration, do func()) {
	var attempt func()
	attempt = func() {
		switch {
		case h.gone:
		case h.stopped:
			h.waiting = append(h.waiting, attempt)
		default:
			do()
			h.settle()
		}
	}
	h.world.after(d, attempt)
}

// settle plans what the node wants to do after something happened to it.
func (h *host) settle() {
	if h.gone || h.node == nil {
		return
	}
	for _, c := range h.conns {
		if !c.writing && c.link != nil && c.room() > 0 && c.link.Pending() {
			c.writing = true
			h.after(h.world.between(0, h.pace()), func() {
				c.writing = false
				if !c.done && c.room() > 0 && c.link.Pending() {
					c.link.WriteOnce()
				}
			})
		}
	}
	h.node.Lock()
	next := h.node.Next()
	h.node.Unlock()
	h.planTick(next)
}

func (h *host) planTick(at time.Time) {
	if at.IsZero() || (!h.tickAt.IsZero() && !at.Before(h.tickAt)) {
		return
	}
	if at.Before(h.world.now) {
		at = h.world.now
	}
	h.tickAt = at
	h.after(at.Sub(h.world.now), func() {
		if h.tickAt.Equal(at) {
			h.tickAt = time.Time{}
			h.node.Tick()
		}
	})
}

// The following implement mesh.Driver.

func (h *host) Now() time.Time { return h.world.now }

func (h *host) Seed() int64 { return h.world.rng.Int63() }

func (h *host) NewAddress() string {
	return strings.ToUpper(fmt.Sprintf("%016x%016x", h.world.rng.Uint64(), h.world.rng.Uint64()))
}

func (h *host) Listen(n *mesh.Node, _ string) (uint16, error) {
	h.node = n
	h.world.endpoints[h.endpoint()] = h
	return h.port, nil
}

func (h *host) endpoint() string { return protocol.FormatEndpoint(h.name, h.port) }

// alias is another endpoint of the same node, which some towers announce.
func (h *host) alias() string { return protocol.FormatEndpoint("alias-"+h.name, h.port) }

func (h *host) Unlisten(*mesh.Node) {
	delete(h.world.endpoints, h.endpoint())
	delete(h.world.endpoints, h.alias())
}

func (h *host) Start(n *mesh.Node, towers []protocol.TowerAddr) {
	w := h.world
	h.towers = len(towers)
	w.hosts = append(w.hosts, h)
	for i := range towers {
		h.after(w.between(0, 5*time.Millisecond), func() { w.towers[i].join(h) })
	}
	h.after(w.between(0, time.Second), h.beaconEverySecond)
	h.after(0, func() { n.Tick() })
}

func (h *host) beaconEverySecond() {
	h.sendBeacon()
	h.after(time.Second, h.beaconEverySecond)
}

func (h *host) sendBeacon() {
	for _, t := range h.world.towers {
		t.take(h)
	}
}

func (h *host) Beacon(*mesh.Node) { h.after(h.world.between(0, 50*time.Millisecond), h.sendBeacon) }

func (h *host) Poke(*mesh.Node) {} // settle looks after every event

func (h *host) Wake(*mesh.Node) {
	if h.working {
		return
	}
	h.working = true
	h.after(h.world.between(0, h.workPace()), h.work)
}

// workPace is how long a disk or an application's callback may take.
func (h *host) workPace() time.Duration { return 20 * h.pace() }

func (h *host) work() {
	h.working = false
	if h.node.Workers() {
		h.Wake(h.node)
	}
}

// handshakeTimeout is how long a dial waits for a peer that takes the connection
// but says nothing.
const handshakeTimeout = 2 * time.Second

func (h *host) Dial(n *mesh.Node, uuid, endpoint string) {
	w := h.world
	settled := false
	fail := func() {
		if !settled {
			settled = true
			n.DialDone(uuid, endpoint, nil, "", errRefused)
		}
	}
	h.after(w.between(time.Millisecond, 20*time.Millisecond), func() {
		to := w.endpoints[endpoint]
		if to == nil || to.gone {
			fail()
			return
		}
		h.after(handshakeTimeout, fail)
		if w.cut(h, to) {
			return
		}
		to.after(w.latency(h, to), func() {
			if settled || h.gone || w.cut(h, to) {
				return
			}
			ours, theirs := connect(h, to)
			ours.watch = w.newWatch(h.machine.name + " from " + to.machine.name)
			to.conns = append(to.conns, theirs)
			h.conns = append(h.conns, ours)
			to.node.AcceptDone(theirs, n.UUID(), nil)
			h.after(w.latency(h, to), func() {
				if settled {
					ours.cut()
					return
				}
				settled = true
				n.DialDone(uuid, endpoint, ours, to.node.UUID(), nil)
			})
		})
	})
}

// cut reports whether two hosts cannot shake hands.
func (w *World) cut(a, b *host) bool {
	return w.blocked[[2]*machine{a.machine, b.machine}] || w.blocked[[2]*machine{b.machine, a.machine}]
}

func (h *host) HangUp(*mesh.Node, string) {} // a dial under way ends soon

func (h *host) Run(l mesh.Link) {
	c := l.Conn().(*conn)
	c.link = l
	c.plan()
}

func (h *host) Stop(*mesh.Node) {}

// Disk gives a store its disk.
func (h *host) Disk(o *blocklog.Options) { h.disk(o) }

// JournalDisk gives a producer its disk.
func (h *host) JournalDisk(o *journal.Options) { h.journal(o) }

// forget drops a connection that the node closed.
func (h *host) forget(c *conn) {
	for i, other := range h.conns {
		if other == c {
			h.conns = append(h.conns[:i:i], h.conns[i+1:]...)
			return
		}
	}
}

// crash ends the process: its connections break, nothing of it goes on.
func (h *host) crash() {
	w := h.world
	h.gone = true
	h.Unlisten(nil)
	h.release()
	for i, other := range w.hosts {
		if other == h {
			w.hosts = append(w.hosts[:i:i], w.hosts[i+1:]...)
			break
		}
	}
	for _, c := range h.conns {
		c.cut()
	}
	for _, t := range w.towers {
		t.leave(h)
	}
}

// stop takes all time from the process; resume gives it back.
func (h *host) stop() { h.stopped = true }

func (h *host) resume() {
	h.stopped = false
	waiting := h.waiting
	h.waiting = nil
	for _, do := range waiting {
		h.world.after(0, do)
	}
}

// latency is how long bytes take between two hosts now.
func (w *World) latency(from, to *host) time.Duration {
	return w.between(50*time.Microsecond, 2*time.Millisecond)
}
