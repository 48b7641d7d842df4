package sim

import (
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// tower introduces hosts. Its directory is the real one; its connections are
// calls that take a little time.
type tower struct {
	world   *World
	index   int
	aliases bool // it announces every node's other endpoint
	up      bool
	since   time.Time
	dir     *core.Directory
	members map[*host]uint64 // connection numbers
	order   []*host
	serial  uint64
}

func (w *World) newTower(aliases bool) *tower {
	t := &tower{world: w, index: len(w.towers), aliases: aliases}
	w.towers = append(w.towers, t)
	t.start()
	w.after(time.Second, t.gatherEverySecond)
	return t
}

func (t *tower) start() {
	t.up, t.since = true, t.world.now
	t.dir = core.NewDirectory(core.DirectoryConfig{})
	t.members = make(map[*host]uint64)
	t.order = nil
	for _, h := range t.world.hosts {
		h.after(t.world.between(0, time.Second), func() { t.join(h) })
	}
}

func (t *tower) stop() {
	t.up = false
	for _, h := range t.order {
		h.after(t.world.between(0, 10*time.Millisecond), func() { h.node.TowerDown(t.index) })
	}
	t.members, t.order = nil, nil
}

// join welcomes a host and tells it who is there.
func (t *tower) join(h *host) {
	if !t.up || h.gone || t.members[h] != 0 {
		return
	}
	t.serial++
	t.members[h] = t.serial
	t.order = append(t.order, h)
	h.node.TowerUp(t.index)
	t.take(h)
	list := t.dir.List()
	h.after(t.world.between(0, 2*time.Millisecond), func() {
		for _, n := range list {
			h.node.TowerBeacon(t.index, n.TowerBeacon(core.View{}, t.world.now))
		}
		if t.up && t.members[h] != 0 {
			h.node.TowerListed(t.index, protocol.NodeInfo{Role: protocol.RoleTower, Age: t.world.now.Sub(t.since)})
		}
	})
}

func (t *tower) leave(h *host) {
	if id := t.members[h]; id != 0 {
		t.dir.Closed(id)
		delete(t.members, h)
		for i, other := range t.order {
			if other == h {
				t.order = append(t.order[:i:i], t.order[i+1:]...)
				break
			}
		}
	}
}

// take receives a beacon.
func (t *tower) take(h *host) {
	if !t.up || h.gone || t.members[h] == 0 {
		return
	}
	b := h.node.OwnBeacon()
	b.Host = h.name
	if t.aliases {
		b.Host = "alias-" + h.name
		t.world.endpoints[h.alias()] = h
	}
	n, err := t.dir.Announce(core.NodeConn{ID: t.members[h], Address: h.name}, b, t.world.now)
	if err != nil {
		t.world.tracef("tower %d refuses %s: %v", t.index, h.name, err)
	}
	if n != nil {
		for _, to := range t.order {
			t.tell(to, n)
		}
	}
}

func (t *tower) tell(h *host, nodes ...*core.Node) {
	beacons := make([]protocol.TowerBeacon, len(nodes))
	for i, n := range nodes {
		beacons[i] = n.TowerBeacon(core.View{}, t.world.now)
	}
	h.after(t.world.between(0, 2*time.Millisecond), func() {
		for _, b := range beacons {
			if t.up && t.members[h] != 0 {
				h.node.TowerBeacon(t.index, b)
			}
		}
	})
}

func (t *tower) gatherEverySecond() {
	if t.up {
		t.dir.Tick(t.world.now)
		if nodes := t.dir.Gather(t.world.now); len(nodes) > 0 {
			for _, h := range t.order {
				t.tell(h, nodes...)
			}
		}
	}
	t.world.after(time.Second, t.gatherEverySecond)
}
