package network

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// buffered is how many bytes each direction of a link holds that were written
// and not read, as the buffers of two sockets would.
const buffered = 256 << 10

// conn is one end of a link in memory.
type conn struct {
	local, remote netip.AddrPort
	rx, tx        *stream
	onClose       func()
}

// newConns returns both ends of a link.
func newConns(from, to netip.AddrPort) (*conn, *conn) {
	there, back := newStream(), newStream()
	return &conn{local: from, remote: to, rx: back, tx: there},
		&conn{local: to, remote: from, rx: there, tx: back}
}

func (c *conn) Read(b []byte) (int, error)  { return c.rx.read(b) }
func (c *conn) Write(b []byte) (int, error) { return c.tx.write(b, true) }

// TryWrite writes what there is room for, without waiting.
func (c *conn) TryWrite(b []byte) (int, error) { return c.tx.write(b, false) }

// CloseWrite tells the other end that nothing follows.
func (c *conn) CloseWrite() error {
	c.tx.end()
	return nil
}

// Close ends both directions. The other end still reads what was written.
func (c *conn) Close() error {
	c.rx.leave(reading)
	c.tx.leave(writing)
	c.onClose()
	return nil
}

// reset breaks the link for both ends, with what is under way on it.
func (c *conn) reset() {
	c.rx.reset()
	c.tx.reset()
}

func (c *conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

func (c *conn) SetDeadline(t time.Time) error {
	c.rx.setDeadline(reading, t)
	c.tx.setDeadline(writing, t)
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.rx.setDeadline(reading, t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.tx.setDeadline(writing, t)
	return nil
}

// The two who use a stream.
const (
	reading = iota
	writing
)

// stream is one direction of a link.
type stream struct {
	mu       sync.Mutex
	change   *sync.Cond
	data     []byte
	ended    bool         // the writer has said so
	broken   bool         // by reset
	left     [2]bool      // who closed the end
	deadline [2]time.Time // of reads and of writes; zero for none
	timer    [2]*time.Timer
}

func newStream() *stream {
	s := new(stream)
	s.change = sync.NewCond(&s.mu)
	return s
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.left[reading]:
			return 0, net.ErrClosed
		case s.broken:
			return 0, syscall.ECONNRESET
		case len(s.data) > 0:
			n := copy(b, s.data)
			if s.data = s.data[n:]; len(s.data) == 0 {
				s.data = nil
			}
			s.change.Broadcast()
			return n, nil
		case s.ended:
			return 0, io.EOF
		case s.late(reading):
			return 0, os.ErrDeadlineExceeded
		}
		s.change.Wait()
	}
}

// write writes all of b, or without waiting as much as there is room for.
func (s *stream) write(b []byte, wait bool) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.left[writing]:
			return n, net.ErrClosed
		case s.broken:
			return n, syscall.ECONNRESET
		case s.left[reading], s.ended:
			return n, syscall.EPIPE
		}
		if part := b[n:min(len(b), n+buffered-len(s.data))]; len(part) > 0 {
			s.data = append(s.data, part...)
			n += len(part)
			s.change.Broadcast()
		}
		switch {
		case n == len(b) || !wait:
			return n, nil
		case s.late(writing):
			return n, os.ErrDeadlineExceeded
		}
		s.change.Wait()
	}
}

// late needs the lock.
func (s *stream) late(who int) bool {
	return !s.deadline[who].IsZero() && !time.Now().Before(s.deadline[who])
}

func (s *stream) setDeadline(who int, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer[who] != nil {
		s.timer[who].Stop()
		s.timer[who] = nil
	}
	if s.deadline[who] = t; !t.IsZero() {
		s.timer[who] = time.AfterFunc(time.Until(t), s.wake)
	}
	s.change.Broadcast()
}

func (s *stream) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change.Broadcast()
}

func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.change.Broadcast()
}

// leave closes one end of the stream.
func (s *stream) leave(who int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left[who] = true
	if who == writing {
		s.ended = true
	} else {
		s.data = nil
	}
	if s.timer[who] != nil {
		s.timer[who].Stop()
	}
	s.change.Broadcast()
}

func (s *stream) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken, s.data = true, nil
	s.change.Broadcast()
}
