package faultproxy

import (
	"errors"
	"io"
	"net"
	"time"
)

const (
	pumpBytes    = 64 << 10
	slicesSecond = 50 // a throttled direction passes its bytes in about so many slices a second
)

// pair is one connection through the proxy: the client's end and the target's.
type pair struct {
	ends [2]*net.TCPConn
	half [2]bool // closed for writing by HalfClose; the proxy's lock guards it
}

func (c *pair) from(d Direction) *net.TCPConn { return c.ends[d] }
func (c *pair) to(d Direction) *net.TCPConn   { return c.ends[1-d] }

func (c *pair) close() {
	for _, conn := range c.ends {
		conn.Close()
	}
}

func (c *pair) reset() {
	for _, conn := range c.ends {
		reset(conn)
	}
}

// reset closes so that the other end gets an error instead of an end.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	conn.Close()
}

// pump passes on what comes in one direction, until it ends.
func (p *Proxy) pump(c *pair, d Direction) {
	buf := make([]byte, pumpBytes)
	for {
		size, ok := p.await(d)
		if !ok {
			return
		}
		n, err := c.from(d).Read(buf[:size])
		if n > 0 && !p.pass(c, d, buf[:n]) {
			return
		}
		if errors.Is(err, io.EOF) {
			_ = c.to(d).CloseWrite() // an error means that it has ended
			return
		}
		if err != nil {
			c.reset()
			return
		}
	}
}

// await returns, once the direction is not stalled, how much to read next. ok
// is false when the proxy was closed.
func (p *Proxy) await(d Direction) (size int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.faults[d].stall && !p.closed {
		p.calm.Wait()
	}
	size = pumpBytes
	if rate := p.faults[d].rate; rate > 0 {
		size = min(max(rate/slicesSecond, 1), pumpBytes)
	}
	return size, !p.closed
}

// pass writes what was read, with the faults of the direction. It returns
// false when the connection has ended.
func (p *Proxy) pass(c *pair, d Direction, b []byte) bool {
	if _, ok := p.await(d); !ok {
		return false
	}
	p.mu.Lock()
	f := &p.faults[d]
	wait := f.delay(len(b), time.Now())
	f.spoil(b)
	drop := f.drop || c.half[d]
	if !drop {
		p.stats.Bytes[d] += uint64(len(b))
	}
	p.mu.Unlock()
	if !p.sleep(wait) {
		return false
	}
	if drop {
		return true
	}
	if _, err := c.to(d).Write(b); err != nil {
		c.reset()
		return false
	}
	return true
}

// sleep returns false when the proxy was closed meanwhile.
func (p *Proxy) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.done:
		return false
	}
}
