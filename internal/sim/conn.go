package sim

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/beckmesh/beck/internal/mesh"
)

var (
	errReset = errors.New("sim: connection reset")
	errWait  = errors.New("sim: read without data")
)

// keepAlive is the time after which an end notices that the other is gone.
const keepAlive = 3 * time.Second

// conn is one end of a connection.
type conn struct {
	host  *host
	peer  *conn
	link  mesh.Link
	rx    []byte    // arrived, not read
	eof   bool      // nothing follows
	lost  bool      // broken: nothing arrives any more
	reset bool      // broken, and this end knows
	done  bool      // closed by this end
	last  time.Time // when the newest bytes to the peer arrive
	away  int       // bytes on their way to the peer
	stuck [][]byte  // that a cut keeps from the peer

	watch *watch // what this end is sent, for one that we dialled

	reading, writing bool // planned
}

// connect makes both ends of a connection.
func connect(from, to *host) (*conn, *conn) {
	a, b := &conn{host: from}, &conn{host: to}
	a.peer, b.peer = b, a
	return a, b
}

func (c *conn) Read(b []byte) (int, error) {
	switch {
	case c.done:
		return 0, net.ErrClosed
	case len(c.rx) > 0:
		n := copy(b, c.rx[:1+c.host.world.rng.Intn(len(c.rx))])
		c.rx = c.rx[n:]
		return n, nil
	case c.reset:
		return 0, errReset
	case c.eof:
		return 0, io.EOF
	}
	return 0, errWait
}

func (c *conn) Write(b []byte) (int, error) {
	if c.done || c.reset {
		return 0, errReset
	}
	c.send(append([]byte(nil), b...))
	return len(b), nil
}

// TryWrite takes some of b, as a socket does whose buffer is nearly full.
func (c *conn) TryWrite(b []byte) (int, error) {
	if c.room() <= 0 || len(b) == 0 {
		return 0, nil
	}
	n := len(b)
	if c.host.world.chance(0.3) {
		n = c.host.world.rng.Intn(n + 1)
	}
	if n == 0 {
		return 0, nil
	}
	return c.Write(b[:n])
}

// room is what the connection still takes.
func (c *conn) room() int { return c.host.world.socket - c.away - len(c.peer.rx) }

// send brings bytes, or nil for the end of the stream, to the peer: later, but
// in order.
func (c *conn) send(b []byte) {
	w := c.host.world
	at := w.now.Add(w.latency(c.host, c.peer.host))
	if at.Before(c.last) {
		at = c.last
	}
	c.last = at
	c.away += len(b)
	w.after(at.Sub(w.now), func() { c.arrive(b) })
}

func (c *conn) arrive(b []byte) {
	w := c.host.world
	if c.lost {
		return
	}
	if w.blocked[[2]*machine{c.host.machine, c.peer.host.machine}] || len(c.stuck) > 0 {
		c.stuck = append(c.stuck, b)
		w.after(keepAlive, func() {
			if len(c.stuck) > 0 {
				c.cut()
			}
		})
		return
	}
	c.away -= len(b)
	if b == nil {
		c.peer.eof = true
	}
	c.peer.rx = append(c.peer.rx, b...)
	if c.peer.watch != nil {
		c.peer.watch.arrive(b)
	}
	c.peer.plan()
}

// release delivers what a cut kept.
func (c *conn) release() {
	stuck := c.stuck
	c.stuck = nil
	for _, b := range stuck {
		c.arrive(b)
	}
}

// cut breaks the connection for both ends, each of which notices in its time.
func (c *conn) cut() {
	for _, end := range []*conn{c, c.peer} {
		end.stuck, end.lost = nil, true
		w := end.host.world
		w.after(w.between(0, 50*time.Millisecond), func() {
			if !end.reset {
				end.reset, end.rx = true, nil
				end.plan()
			}
		})
	}
}

// plan has what arrived read.
func (c *conn) plan() {
	if c.reading || c.link == nil || c.done {
		return
	}
	c.reading = true
	w := c.host.world
	c.host.after(w.between(0, c.host.pace()), func() {
		c.reading = false
		if c.done || (len(c.rx) == 0 && !c.eof && !c.reset) {
			return
		}
		c.link.ReadOnce()
		if len(c.rx) > 0 || c.eof || c.reset {
			c.plan()
		}
		c.peer.host.settle()
	})
}

func (c *conn) Close() error {
	if c.done {
		return nil
	}
	c.done = true
	c.host.forget(c)
	if !c.reset {
		c.send(nil)
	}
	return nil
}

// CloseWrite ends our half of the stream.
func (c *conn) CloseWrite() error {
	c.send(nil)
	return nil
}

func (c *conn) LocalAddr() net.Addr              { return simAddr(c.host.name) }
func (c *conn) RemoteAddr() net.Addr             { return simAddr(c.peer.host.name) }
func (c *conn) SetDeadline(time.Time) error      { return nil }
func (c *conn) SetReadDeadline(time.Time) error  { return nil }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

type simAddr string

func (simAddr) Network() string  { return "sim" }
func (a simAddr) String() string { return string(a) }
