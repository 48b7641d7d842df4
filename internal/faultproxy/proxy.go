// Package faultproxy is a TCP proxy that breaks what passes through it, on
// demand: tests put it between two nodes.
//
//	client ──── Forward ────▶ proxy ──── Forward ────▶ target
//	client ◀─── Backward ──── proxy ◀─── Backward ──── target
//
// A fault set on a proxy holds for the connections there are and for those that
// come, until it is taken back.
package faultproxy

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// dialTimeout bounds connecting to the target.
const dialTimeout = 2 * time.Second

// Proxy listens on a free port of 127.0.0.1 and passes each connection on to
// its target. Its methods may be called by any goroutine.
type Proxy struct {
	listener net.Listener
	done     chan struct{} // closed by Close
	wg       sync.WaitGroup

	mu     sync.Mutex
	calm   *sync.Cond // a stall may be over
	target string
	pairs  map[*pair]struct{}
	faults [2]faults
	refuse bool
	closed bool
	stats  Stats
}

// Stats is what a proxy counts.
type Stats struct {
	Accepted uint64    // connections taken
	Refused  uint64    // connections reset because of Refuse or a target that cannot be dialled
	Open     int       // connections now
	Bytes    [2]uint64 // passed on, by Direction
}

// Listen starts a proxy for target, "host:port". The target is dialled for each
// connection; it need not be there yet.
func Listen(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("fault proxy: %w", err)
	}
	p := &Proxy{listener: l, done: make(chan struct{}), target: target, pairs: make(map[*pair]struct{})}
	p.calm = sync.NewCond(&p.mu)
	p.wg.Go(p.accept)
	return p, nil
}

// Addr is where the proxy listens, "127.0.0.1:port".
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Port is the port of Addr.
func (p *Proxy) Port() uint16 { return uint16(p.listener.Addr().(*net.TCPAddr).Port) }

// SetTarget makes the connections that come from now on go elsewhere.
func (p *Proxy) SetTarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Stats returns what was counted so far.
func (p *Proxy) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Open = len(p.pairs)
	return s
}

// Cut resets all connections there are, as a network does that lost its state,
// and returns how many they were. New ones are taken.
func (p *Proxy) Cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		c.reset()
	}
	return len(p.pairs)
}

// Close resets all connections and returns when everything that the proxy
// started has ended. It may be called more than once.
func (p *Proxy) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.done)
		p.listener.Close()
		for c := range p.pairs {
			c.reset()
		}
		p.calm.Broadcast()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.wg.Go(func() { p.serve(conn.(*net.TCPConn)) })
	}
}

// serve passes one connection on until it has ended.
func (p *Proxy) serve(client *net.TCPConn) {
	target, ok := p.dial()
	if !ok {
		reset(client)
		return
	}
	c := &pair{ends: [2]*net.TCPConn{client, target}}
	p.mu.Lock()
	if p.closed || p.refuse {
		p.stats.Refused++
		p.mu.Unlock()
		c.reset()
		return
	}
	p.stats.Accepted++
	p.pairs[c] = struct{}{}
	p.mu.Unlock()

	var pumps sync.WaitGroup
	pumps.Go(func() { p.pump(c, Forward) })
	pumps.Go(func() { p.pump(c, Backward) })
	pumps.Wait()
	c.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pairs, c)
}

// dial connects to the target unless connections are refused.
func (p *Proxy) dial() (*net.TCPConn, bool) {
	p.mu.Lock()
	target, refuse := p.target, p.refuse || p.closed
	p.mu.Unlock()
	if !refuse {
		if conn, err := net.DialTimeout("tcp", target, dialTimeout); err == nil {
			return conn.(*net.TCPConn), true
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Refused++
	return nil, false
}
