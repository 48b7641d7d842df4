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
	rx    []byte        // arrived, not read
	eof   bool          // nothing follows
	lost  bool          // broken: nothing arrives any more
	reset bool          // broken, and this end knows
	done  bool          // closed by this end
	last  time.Duration // when the newest bytes to the peer arrive
	away  int           // bytes on their way to the peer
	sent  []packet      // on their way, in order
	stuck []packet      // that a cut keeps from the peer

	tap *tap // reads along with what this end sends

	damage bool // of the next record that this end sends, a byte changes on its way

	reading, writing bool // planned

	arriveFn, readFn, writeFn func() // made once
}

// packet is what one write sends, or the end of the stream.
type packet struct {
	bytes []byte // nil for the end
	acks  []ack  // that end in it
}

// connect makes both ends of a connection.
func connect(from, to *host) (*conn, *conn) {
	a, b := newConn(from), newConn(to)
	a.peer, b.peer = b, a
	return a, b
}

func newConn(h *host) *conn {
	c := &conn{host: h}
	c.arriveFn, c.readFn, c.writeFn = c.arriveNext, c.read, c.write
	return c
}

func (c *conn) Read(b []byte) (int, error) {
	switch {
	case c.done:
		return 0, net.ErrClosed
	case len(c.rx) > 0:
		n := copy(b, c.rx[:1+c.host.world.rng.Intn(len(c.rx))])
		if c.rx = c.rx[n:]; len(c.rx) == 0 {
			c.rx = nil
		}
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
	p := packet{bytes: b}
	if c.tap != nil && len(b) > 0 {
		p.acks = c.tap.sent(b)
	}
	if c.damage && damageRecord(b) {
		c.damage = false
		w.Faults["record damaged on its way"]++
	}
	c.last = max(c.last, w.elapsed+w.latency())
	c.away += len(b)
	c.sent = append(c.sent, p)
	w.after(c.last-w.elapsed, c.arriveFn)
}

// arriveNext has the oldest packet under way arrive.
func (c *conn) arriveNext() {
	p := c.sent[0]
	c.sent[0] = packet{}
	if c.sent = c.sent[1:]; len(c.sent) == 0 {
		c.sent = nil
	}
	c.arrive(p)
}

func (c *conn) arrive(p packet) {
	w := c.host.world
	if c.lost {
		return
	}
	if len(c.stuck) > 0 || len(w.blocked) > 0 && w.blocked[[2]*machine{c.host.machine, c.peer.host.machine}] {
		c.stuck = append(c.stuck, p)
		w.after(keepAlive, func() {
			if len(c.stuck) > 0 {
				c.cut()
			}
		})
		return
	}
	c.away -= len(p.bytes)
	switch peer := c.peer; {
	case p.bytes == nil:
		peer.eof = true
	case len(peer.rx) == 0:
		peer.rx = p.bytes
	default:
		peer.rx = append(peer.rx, p.bytes...)
	}
	for _, a := range p.acks {
		a.arrive()
	}
	c.peer.plan()
}

// release delivers what a cut kept.
func (c *conn) release() {
	stuck := c.stuck
	c.stuck = nil
	for _, p := range stuck {
		c.arrive(p)
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
	c.host.after(c.host.world.between(0, c.host.pace()), c.readFn)
}

// readable reports whether there is something to read, an end included.
func (c *conn) readable() bool { return len(c.rx) > 0 || c.eof || c.reset }

func (c *conn) read() {
	c.reading = false
	if c.done || !c.readable() {
		return
	}
	c.link.ReadOnce()
	c.host.look()
	if c.readable() {
		c.plan()
	}
	c.peer.offer() // there is room again
}

// offer plans a write if the link has something to write and there is room.
func (c *conn) offer() {
	if c.writing || c.done || c.link == nil || c.host.gone || c.room() <= 0 || !c.link.Pending() {
		return
	}
	c.writing = true
	c.host.after(c.host.world.between(0, c.host.pace()), c.writeFn)
}

func (c *conn) write() {
	c.writing = false
	if !c.done && c.room() > 0 && c.link.Pending() {
		c.link.WriteOnce()
	}
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
