package sim

import (
	"errors"
	"fmt"
	"net"
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

// process is what runs on a host: one of our nodes, or one that plays a C node.
type process interface {
	UUID() string
	OwnBeacon() protocol.NodeBeacon
	TowerUp(i int)
	TowerDown(i int)
	TowerBeacon(i int, b protocol.TowerBeacon)
	TowerListed(i int, info protocol.NodeInfo)
	AcceptDone(conn net.Conn, identity string, err error)
	DialDone(uuid, endpoint string, conn net.Conn, identity string, err error)
	Tick() time.Time
	Workers() bool
	Lock()
	Next() time.Time // needs the lock
	Unlock()
}

// host is one process: it is the driver of one node. It ends by a crash, and
// then nothing of it happens any more.
type host struct {
	world   *World
	machine *machine
	name    string
	port    uint16
	role    string
	foreign bool // it plays a C node
	node    process
	conns   []*conn
	towers  int
	release func() // its registration
	disk    func(*blocklog.Options)
	journal func(*journal.Options)

	positions positions.FS

	checks   func()                   // what must hold after each read of the process
	acks     func(*partition, uint64) // what must hold when an ACK leaves: its partition and end
	sentAcks map[string][][]byte      // the newest ACKs, by the UUID of the producer

	gone    bool
	stopped bool     // it gets no time at all
	full    bool     // its disk: workers get no time
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

// identity is what the node calls itself on its links; C nodes do not.
func (h *host) identity() string {
	if h.foreign {
		return ""
	}
	return h.node.UUID()
}

// pace bounds how long the process takes to get to something.
func (h *host) pace() time.Duration {
	if h.machine.slow {
		return 100 * time.Millisecond
	}
	return time.Millisecond
}

// settle plans what the node wants to do after something happened to it.
func (h *host) settle() {
	if h.gone || h.node == nil {
		return
	}
	for _, c := range h.conns {
		c.offer()
	}
	h.node.Lock()
	next := h.node.Next()
	h.node.Unlock()
	h.planTick(next)
}

// look checks what must hold always.
func (h *host) look() {
	if h.checks != nil && !h.gone {
		h.checks()
	}
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
		h.after(0, do)
	}
}

// forget drops a connection that the node closed.
func (h *host) forget(c *conn) {
	for i, other := range h.conns {
		if other == c {
			h.conns = append(h.conns[:i:i], h.conns[i+1:]...)
			return
		}
	}
}

func (h *host) endpoint() string { return protocol.FormatEndpoint(h.name, h.port) }

// alias is another endpoint of the same node, which some towers announce.
func (h *host) alias() string { return protocol.FormatEndpoint("alias-"+h.name, h.port) }

// newAddress returns an address that no other node of the world has.
func (w *World) newAddress() string {
	return strings.ToUpper(fmt.Sprintf("%016x%016x", w.rng.Uint64(), w.rng.Uint64()))
}

// latency is how long bytes take between two hosts now.
func (w *World) latency() time.Duration { return w.between(50*time.Microsecond, 2*time.Millisecond) }
