package mesh

import (
	beck "github.com/beckmesh/beck"
)

// maxHooks bounds the calls that wait for the application's hooks.
const maxHooks = 4096

// hooks are calls of the application that are due. A worker of their own makes
// them, so that nothing of the node waits for the application.
type hooks struct {
	queue []func()
	lost  int // since the last call
}

// Hook has an application's hook called, without any lock of ours. It needs the
// lock.
func (n *Node) Hook(call func()) {
	if len(n.hooks.queue) >= maxHooks {
		n.hooks.lost++
		return
	}
	n.HookSum(call)
}

// HookSum is Hook without a bound, for calls of which one waits at most: what
// happens until it is made is summed up. It needs the lock.
func (n *Node) HookSum(call func()) {
	if n.closed {
		return
	}
	n.hooks.queue = append(n.hooks.queue, call)
	n.WakeWorkers()
}

// runHooks is the worker.
func (n *Node) runHooks() bool {
	h := &n.hooks
	if len(h.queue) == 0 || n.closed {
		return false
	}
	call := h.queue[0]
	h.queue[0] = nil
	if h.queue = h.queue[1:]; h.lost > 0 {
		n.log.Warn("hooks are called too slowly: some calls were left out", "calls", h.lost)
		h.lost = 0
	}
	n.mu.Unlock()
	defer n.mu.Lock()
	call()
	return true
}

// hookConnect tells the application of a link that came or went.
func (n *Node) hookConnect(p beck.Peer) {
	if f := n.cfg.OnConnect; f != nil {
		n.Hook(func() { f(p) })
	}
}

func (n *Node) hookDisconnect(p beck.Peer, why error) {
	if f := n.cfg.OnDisconnect; f != nil {
		n.Hook(func() { f(p, why) })
	}
}

// known returns a linked peer as hooks are told of it.
func (d *Dialled) known() beck.Peer {
	p := beck.Peer{Address: d.peer.UUID, Role: d.peer.Role(), Endpoint: d.endpoint}
	if d.peer.Info != nil {
		p.Name = d.peer.Info.Name
	}
	return p
}
