package sim

import (
	"time"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/journal"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

// A host is the mesh.Driver of its node.

// Now returns the time of the world.
func (h *host) Now() time.Time { return h.world.now }

// Seed returns a seed that follows from the world's.
func (h *host) Seed() int64 { return h.world.rng.Int63() }

// NewAddress returns an address that follows from the world's seed.
func (h *host) NewAddress() string { return h.world.newAddress() }

// Listen makes the node reachable under the host's name.
func (h *host) Listen(n *mesh.Node, _ string) (uint16, error) {
	h.node = n
	h.world.endpoints[h.endpoint()] = h
	return h.port, nil
}

// Unlisten makes it reachable no more.
func (h *host) Unlisten(*mesh.Node) {
	delete(h.world.endpoints, h.endpoint())
	delete(h.world.endpoints, h.alias())
}

// Start joins the towers.
func (h *host) Start(_ *mesh.Node, towers []protocol.TowerAddr) { h.join(len(towers)) }

// join makes the host one of the world's and has it join the first towers.
func (h *host) join(towers int) {
	w := h.world
	h.towers = towers
	w.hosts = append(w.hosts, h)
	for i := range towers {
		h.after(w.between(0, 5*time.Millisecond), func() { w.towers[i].join(h) })
	}
	h.after(w.between(0, time.Second), h.beaconEverySecond)
	h.after(0, func() { h.node.Tick() })
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

// Beacon announces the node soon.
func (h *host) Beacon(*mesh.Node) { h.after(h.world.between(0, 50*time.Millisecond), h.sendBeacon) }

// Poke does nothing: settle looks after every event.
func (h *host) Poke(*mesh.Node) {}

// Wake has the workers called soon.
func (h *host) Wake(*mesh.Node) {
	if h.working || h.full {
		return
	}
	h.working = true
	h.after(h.world.between(0, h.workPace()), h.work)
}

// workPace is how long a disk or an application's callback may take.
func (h *host) workPace() time.Duration { return 20 * h.pace() }

func (h *host) work() {
	h.working = false
	if !h.full && h.node.Workers() {
		h.Wake(nil)
	}
}

// handshakeTimeout is how long a dial waits for a peer that takes the connection
// but says nothing.
const handshakeTimeout = 2 * time.Second

// Dial connects to another host, if it can be reached.
func (h *host) Dial(_ *mesh.Node, uuid, endpoint string) { h.dial(uuid, endpoint) }

func (h *host) dial(uuid, endpoint string) {
	w := h.world
	settled := false
	fail := func() {
		if !settled {
			settled = true
			h.node.DialDone(uuid, endpoint, nil, "", errRefused)
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
		to.after(w.latency(), func() {
			if settled || h.gone || w.cut(h, to) {
				return
			}
			ours, theirs := connect(h, to)
			theirs.tap = w.newTap(to, h)
			to.conns = append(to.conns, theirs)
			h.conns = append(h.conns, ours)
			to.node.AcceptDone(theirs, h.identity(), nil)
			h.after(w.latency(), func() {
				if settled {
					ours.cut()
					return
				}
				settled = true
				h.node.DialDone(uuid, endpoint, ours, to.identity(), nil)
			})
		})
	})
}

// cut reports whether two hosts cannot shake hands.
func (w *World) cut(a, b *host) bool {
	return w.blocked[[2]*machine{a.machine, b.machine}] || w.blocked[[2]*machine{b.machine, a.machine}]
}

// HangUp does nothing: a dial under way ends soon.
func (h *host) HangUp(*mesh.Node, string) {}

// Run steps a link from now on.
func (h *host) Run(l mesh.Link) {
	c := l.Conn().(*conn)
	c.link = l
	c.plan()
}

// Stop does nothing: a host ends by a crash.
func (h *host) Stop(*mesh.Node) {}

// Disk gives a store its disk.
func (h *host) Disk(o *blocklog.Options) { h.disk(o) }

// JournalDisk gives a producer its disk.
func (h *host) JournalDisk(o *journal.Options) { h.journal(o) }
