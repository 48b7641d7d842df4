package procs

import (
	"context"
	"io"
	"sync"
	"time"
)

// Group is the processes of one measurement. When one of them fails, the
// context ends, and with it everything that waits for another.
type Group struct {
	// Log, if it is set before anything starts, gets what the processes write
	// to their standard error. It must allow for several writers at once.
	Log io.Writer

	ctx    context.Context
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	list  []*Process
	alive func() // told of every word of a process; may be nil
}

// NewGroup returns a group without processes.
func NewGroup(ctx context.Context) *Group {
	ctx, cancel := context.WithCancelCause(ctx)
	return &Group{ctx: ctx, cancel: cancel}
}

// Context ends with the group; its cause is the failure that ended it.
func (g *Group) Context() context.Context { return g.ctx }

// Watch fails the group with what stalled returns, when a time has passed in
// which no process said anything: that it is ready, further, or done.
func (g *Group) Watch(patience time.Duration, stalled func() error) (stop func()) {
	timer := time.AfterFunc(patience, func() { g.cancel(stalled()) })
	g.mu.Lock()
	defer g.mu.Unlock()
	g.alive = func() { timer.Reset(patience) }
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.alive = nil
		timer.Stop()
	}
}

func (g *Group) progressed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.alive != nil {
		g.alive()
	}
}

// Close stops all processes, the last one first, and waits until they are gone.
func (g *Group) Close() {
	g.mu.Lock()
	list := g.list
	g.list = nil
	g.mu.Unlock()
	for i := len(list) - 1; i >= 0; i-- {
		list[i].leave()
	}
	for i := len(list) - 1; i >= 0; i-- {
		list[i].awaitExit()
	}
	g.cancel(context.Canceled)
}
