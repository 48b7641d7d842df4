package mesh

import (
	"time"

	"github.com/beckmesh/beck/protocol"
)

// Hold returns the claim of the node's beacons to a name; zero for none.
func (n *Node) Hold() protocol.Hold {
	if h := n.hold.Load(); h != nil {
		return *h
	}
	return protocol.Hold{}
}

// SetHold changes the claim and tells the towers soon. It needs the lock.
func (n *Node) SetHold(h protocol.Hold) {
	n.hold.Store(&h)
	n.echoes = 0
	n.driver.Beacon(n)
}

// echoed notes that a tower has relayed our own beacon: it knows our claim.
func (n *Node) echoed(b protocol.TowerBeacon) {
	if b.Info != nil && b.Info.Holds == n.Hold() {
		n.echoes++
		n.idle.Broadcast()
	}
}

// Release gives up the claim, and waits until the towers know, at most patience:
// who wants the name next would have to wait until we are forgotten. It takes
// the lock.
func (n *Node) Release(patience time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.Hold().Name == "" {
		return
	}
	n.SetHold(protocol.Hold{})
	late := false
	timer := time.AfterFunc(patience, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		late = true
		n.idle.Broadcast()
	})
	defer timer.Stop()
	for n.echoes < n.towersUp && !late {
		n.idle.Wait()
	}
}

// Seen returns when the last beacon of a peer came; zero when it is not known.
// It needs the lock.
func (n *Node) Seen(uuid string) time.Time {
	s, _ := n.table.Peer(uuid)
	return s.Seen
}
