package mesh

import (
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// towerView is the node as its tower clients see it.
type towerView Node

func (v *towerView) beacon() protocol.NodeBeacon {
	n := (*Node)(v)
	return protocol.NodeBeacon{
		UUID: n.cfg.UUID, Host: n.host, Port: n.port,
		Info: &protocol.NodeInfo{Role: n.cfg.Role, Name: n.cfg.Name, Version: version(), Age: n.driver.Now().Sub(n.started)},
	}
}

func (v *towerView) towerUp(i int) {
	v.step(func(n *Node, now time.Time) {
		n.towersUp++
		n.table.TowerUp(i, now)
		n.log.Debug("tower up", "tower", n.cfg.Pub[i])
	})
}

func (v *towerView) towerDown(i int) {
	v.step(func(n *Node, now time.Time) {
		n.towersUp--
		n.table.TowerDown(i, now)
		n.log.Debug("tower down", "tower", n.cfg.Pub[i])
	})
}

func (v *towerView) towerBeacon(i int, b protocol.TowerBeacon) {
	v.step(func(n *Node, now time.Time) {
		if b.UUID == n.cfg.UUID {
			return
		}
		n.table.Beacon(i, b, now)
		if status, ok := n.table.Peer(b.UUID); ok {
			n.announced(status, now)
		}
	})
}

func (v *towerView) listEnd(i int, age time.Duration) {
	v.step(func(n *Node, now time.Time) { n.table.ListEnd(i, age, now) })
}

func (v *towerView) step(f func(n *Node, now time.Time)) {
	n := (*Node)(v)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	now := n.driver.Now()
	f(n, now)
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

// TowersUp returns how many towers are there. It needs the lock.
func (n *Node) TowersUp() int { return n.towersUp }

// Wanted reports whether our role and that of a peer need a link. It needs the
// lock.
func (n *Node) Wanted(uuid string) bool {
	s, ok := n.table.Peer(uuid)
	return ok && s.Wanted
}
