package producer

import (
	"context"
	"sync"
)

// calls runs the application's callbacks, one after the other, without any
// lock of ours.
type calls struct {
	mu     sync.Mutex
	queue  []func()
	wake   chan struct{}
	done   chan struct{}
	closed bool
}

func newCalls() *calls {
	return &calls{wake: make(chan struct{}, 1), done: make(chan struct{})}
}

func (c *calls) add(f func()) {
	c.mu.Lock()
	c.queue = append(c.queue, f)
	c.mu.Unlock()
	c.signal()
}

func (c *calls) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// close makes run return when the queue is empty, and waits for that.
func (c *calls) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.signal()
	<-c.done
}

// run calls until close.
func (c *calls) run(context.Context) {
	defer close(c.done)
	for {
		c.mu.Lock()
		queue, closed := c.queue, c.closed
		c.queue = nil
		c.mu.Unlock()
		for _, f := range queue {
			f()
		}
		if len(queue) > 0 {
			continue
		}
		if closed {
			return
		}
		<-c.wake
	}
}
