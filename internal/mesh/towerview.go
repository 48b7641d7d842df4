package mesh

import (
	"slices"
	"time"

	beck "github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// OwnBeacon returns what to tell a tower now. It does without the lock.
func (n *Node) OwnBeacon() protocol.NodeBeacon {
	return protocol.NodeBeacon{
		UUID: n.cfg.UUID, Host: n.host, Port: n.port,
		Info: &protocol.NodeInfo{Role: n.cfg.Role, Name: n.cfg.Name, Version: n.cfg.Version, Age: n.driver.Now().Sub(n.started), Holds: n.Hold()},
	}
}

// TowerUp notes that tower i has welcomed us. It takes the lock, as the other
// events of a tower do.
func (n *Node) TowerUp(i int) {
	n.towerEvent(func(now time.Time) {
		n.towersUp++
		n.towers[i] = TowerStatus{Addr: n.towers[i].Addr, Up: true}
		n.table.TowerUp(i, now)
		n.log.Debug("tower up", "tower", n.cfg.Pub[i])
		n.hookConnect(beck.Peer{Role: protocol.RoleTower, Endpoint: n.cfg.Pub[i]})
	})
}

// TowerDown notes that the link to tower i ended.
func (n *Node) TowerDown(i int) {
	n.towerEvent(func(now time.Time) {
		n.towersUp--
		n.towers[i].Up = false
		n.table.TowerDown(i, now)
		n.log.Debug("tower down", "tower", n.cfg.Pub[i])
		n.hookDisconnect(beck.Peer{Role: protocol.RoleTower, Endpoint: n.cfg.Pub[i]}, errTowerGone)
	})
}

// TowerBeacon notes that tower i announced a node, possibly this one.
func (n *Node) TowerBeacon(i int, b protocol.TowerBeacon) {
	n.towerEvent(func(now time.Time) {
		if b.UUID == n.cfg.UUID {
			n.echoed(b)
			return
		}
		n.table.Beacon(i, b, now)
		if status, ok := n.table.Peer(b.UUID); ok {
			n.announced(status, now)
		}
	})
}

// TowerListed notes that tower i, of which info tells, has named all nodes.
func (n *Node) TowerListed(i int, info protocol.NodeInfo) {
	n.towerEvent(func(now time.Time) {
		n.table.ListEnd(i, info.Age, now)
		t := &n.towers[i]
		t.Name, t.Version, t.Started = info.Name, info.Version, now.Add(-info.Age)
	})
}

// TowerStatus is what a node knows of a tower.
type TowerStatus struct {
	Addr          protocol.TowerAddr
	Up            bool
	Name, Version string    // as it said last; "" for a foreign tower
	Started       time.Time // zero for a foreign tower
}

// Towers returns the configured towers, in order. It needs the lock.
func (n *Node) Towers() []TowerStatus { return slices.Clone(n.towers) }

// Known returns what towers say of the other nodes, by UUID. It needs the lock.
func (n *Node) Known() []core.PeerStatus { return n.table.All() }

func (n *Node) towerEvent(f func(now time.Time)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	now := n.driver.Now()
	f(now)
	n.actPeers(now)
}

// announced notes what a beacon says of a peer. It needs the lock.
func (n *Node) announced(s core.PeerStatus, now time.Time) {
	p := n.peer(s.UUID)
	news := !p.Announced || (p.Info == nil) != (s.Info == nil)
	p.Announced, p.Info, p.Started = true, s.Info, s.Started
	if news {
		n.role.PeerChanged(p, now)
	}
}

// Introduced reports whether every node known at the start has been named. It
// needs the lock.
func (n *Node) Introduced(now time.Time) bool { return n.table.Introduced(now) }

// Named reports whether the towers that are there have named all nodes, also
// those towers that came late. It needs the lock.
func (n *Node) Named(now time.Time) bool { return n.table.Named(now) }

// TowersUp returns how many towers are there. It needs the lock.
func (n *Node) TowersUp() int { return n.towersUp }

// Wanted reports whether our role and that of a peer need a link. It needs the
// lock.
func (n *Node) Wanted(uuid string) bool {
	s, ok := n.table.Peer(uuid)
	return ok && s.Wanted
}
