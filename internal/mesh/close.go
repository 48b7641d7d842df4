package mesh

import (
	"context"
	"slices"
	"time"
)

// Drain waits until every link has written what it has, or ctx ends. It takes
// the lock.
func (n *Node) Drain(ctx context.Context) error {
	defer context.AfterFunc(ctx, n.wakeIdle)()
	n.mu.Lock()
	defer n.mu.Unlock()
	for n.anyPending() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n.idle.Wait()
	}
	return nil
}

func (n *Node) wakeIdle() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.idle.Broadcast()
}

func (n *Node) anyPending() bool {
	return slices.ContainsFunc(n.accepted, func(a *Accepted) bool { return a.link.writing || a.link.pending() })
}

// Leave announces the last heads, lets every link write what it has, closes the
// links for writing and waits for the peers to close them, at most linger. It
// takes no links meanwhile: the peers dial again as soon as theirs have ended.
func (n *Node) Leave(linger time.Duration) {
	ctx, cancel := context.WithTimeout(n.ctx, linger)
	defer cancel()
	n.mu.Lock()
	n.window.Announce(n.driver.Now())
	for _, log := range n.window.Logs() {
		n.wakeLinks(log)
	}
	n.mu.Unlock()
	if n.Drain(ctx) != nil {
		return
	}
	defer context.AfterFunc(ctx, n.wakeIdle)()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.leaving = true
	n.driver.Unlisten(n)
	for _, a := range n.accepted {
		a.link.end()
	}
	for len(n.accepted) > 0 && ctx.Err() == nil {
		n.idle.Wait()
	}
}

// Close ends the node and waits for everything it started.
func (n *Node) Close() {
	n.mu.Lock()
	if !n.closed {
		n.closed = true
		n.cancel()
		for _, a := range slices.Clone(n.accepted) {
			a.link.close(errClosed)
		}
		for _, p := range n.Peers() {
			if p.Dialled != nil {
				p.Dialled.link.close(errClosed)
			}
		}
		n.room.Broadcast()
		n.idle.Broadcast()
		n.work.Broadcast()
	}
	n.mu.Unlock()
	n.driver.Stop(n)
}

// Closed reports whether Close was called. It needs the lock.
func (n *Node) Closed() bool { return n.closed }

// Behind returns how many records the link to a peer has not been sent yet.
func (a *Accepted) Behind() uint64 { return a.link.outlet.Behind() }
